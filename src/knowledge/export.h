// Export that imports again to the same: FAQs as CSV (UTF-8 with BOM) or JSONL, articles as a folder of Markdown.
#pragma once
#include "knowledge/import.h"

typedef bool (*export_sink)(void *arg, struct str part); // false: stop, the error is in the ctx
bool export_faqs(struct ctx *c, enum import_format format, export_sink sink, void *arg); // CSV or JSONL
bool export_articles(struct ctx *c, const char *folder, int64_t *count); // FOLDER/zh-CN/SLUG.md …; the folder is made, files are replaced
