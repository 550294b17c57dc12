// CSV on memory: libcsv behind a reader that gives whole records with the line on which each begins, and text brought to UTF-8.
#pragma once
#include "base/buf.h"
#include "base/ctx.h"

struct csv_record {
    int64_t line; // from 1
    struct str *fields;
    size_t count;
};
struct csv_table {
    struct csv_record *records;
    size_t count;
};
enum { CSV_MOST_FIELDS = 2000, CSV_MOST_FIELD = 1 << 20 };
// Records of UTF-8 text; empty lines are left out. False with import.csv_* when a quote is not closed, or a record is past the limits.
bool csv_read(struct ctx *c, struct str text, struct csv_table *out);
void csv_write_field(struct buf *b, struct str field, bool first);
// UTF-8 (with or without a byte order mark), UTF-16 with one, else GBK (GB 18030). False with import.encoding when it is none of them.
bool text_to_utf8(struct ctx *c, struct str bytes, struct str *out);
