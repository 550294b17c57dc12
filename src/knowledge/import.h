// Import of FAQs and articles. A row that fails gets a line in the report and the others go in; a row is stored wholly or not at all; the same file
// again changes nothing but what differs in it. Formats:
//   CSV       UTF-8 (BOM or not) or GBK; a header row: question, similar, answer, language, category, tags, enabled, id (or 问题, 相似问, 答案 …);
//             similar questions and tags split by | or in repeated columns
//   JSONL     one {"id"?,"question","similar"?:[…],"answer"?,"language"?,"category"?,"tags"?:[…],"enabled"?} a line; other members are ignored
//   Markdown  a file or a folder of them (front matter: title, slug, language, category, tags, published): articles
#pragma once
#include "base/ctx.h"

enum import_format { IMPORT_AUTO, IMPORT_CSV, IMPORT_JSONL, IMPORT_MARKDOWN }; // AUTO: by the file's name, then by its first bytes
bool import_format_of(struct str name, enum import_format *format); // "csv", "jsonl", "markdown", "" = auto

struct import_options {
    enum import_format format;
    int language;              // enum lang of rows that name none; -1: guessed from the question
    struct str default_answer; // for rows without one; {question} stands for the question; empty: such rows fail
    bool check;                // report only, store nothing
    void (*progress)(void *arg, int64_t done, int64_t total);
    void *arg;
};
struct import_row {
    struct str file;  // of a folder; else empty
    int64_t row;      // line of the file, from 1 (CSV: the line on which the record begins)
    struct str error; // in c->lang
};
enum { IMPORT_MOST_ROWS = 1000, IMPORT_MOST_BYTES = 64 << 20, IMPORT_MOST_FILES = 5000 };
struct import_report {
    int64_t imported, updated, unchanged, failed;
    struct import_row *rows; // the first IMPORT_MOST_ROWS that failed
    size_t row_count;
};
// path: a file, or a folder of Markdown (read to any depth, links not followed). Publishes at the end. False with the error when nothing could
// be read, the header is not usable, or the store failed (rows already counted in the report are stored then).
bool import_file(struct ctx *c, const char *path, const struct import_options *o, struct import_report *report);
// The same from memory; name: the file's, for the format and the reports.
bool import_text(struct ctx *c, struct str name, struct str bytes, const struct import_options *o, struct import_report *report);
// An upload: a file at `path` that was called `name` where it came from.
bool import_upload(struct ctx *c, const char *path, struct str name, const struct import_options *o, struct import_report *report);
struct str import_report_json(struct arena *a, const struct import_report *report); // the resource Import of docs/protocol.md
