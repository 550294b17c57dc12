#include "knowledge/csv.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <unicode/ucnv.h>
#include <unicode/ustring.h>

#include "base/vec.h"

struct reading {
    struct arena *arena;
    struct {
        VEC(struct csv_record);
    } records;
    struct {
        VEC(struct str);
    } fields;
    int64_t line; // on which the present record begins
    bool ended, too_wide, too_long;
};

static void on_field(void *at, size_t len, void *arg)
{
    struct reading *r = arg;
    r->too_long |= len > CSV_MOST_FIELD;
    r->too_wide |= r->fields.count >= CSV_MOST_FIELDS;
    if (!r->too_long && !r->too_wide)
        VEC_PUSH(r->arena, &r->fields, str_dup(r->arena, (struct str){at ? at : "", len}));
}

static void on_record(int end, void *arg)
{
    struct reading *r = arg;
    bool empty = true;
    for (size_t i = 0; i < r->fields.count; i++)
        empty &= r->fields.at[i].len == 0;
    if (!empty)
        VEC_PUSH(r->arena, &r->records, (struct csv_record){r->line, r->fields.at, r->fields.count});
    memset(&r->fields, 0, sizeof r->fields);
    r->ended = true;
}

bool csv_read(struct ctx *c, struct str text, struct csv_table *out)
{
    struct csv_parser p;
    struct reading r = {.arena = c->arena, .line = 1};
    *out = (struct csv_table){0};
    if (csv_init(&p, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL))
        return fail(c, ERR_INTERNAL, "internal", NULL);
    // Fed line by line, so that each record knows where it begins; libcsv keeps its state between the calls.
    int64_t line = 1;
    bool fine = true, fresh = true;
    for (size_t at = 0; at < text.len && fine; line++) {
        const char *end = memchr(text.at + at, '\n', text.len - at);
        size_t len = end ? (size_t)(end - (text.at + at)) + 1 : text.len - at;
        if (fresh)
            r.line = line;
        r.ended = false;
        fine = csv_parse(&p, text.at + at, len, on_field, on_record, &r) == len && !r.too_long && !r.too_wide;
        fresh = r.ended || (fresh && str_trim(str_sub(text, at, len)).len == 0); // libcsv passes over lines that are quite empty
        at += len;
    }
    fine = fine && csv_fini(&p, on_field, on_record, &r) == 0;
    csv_free(&p);
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)r.line);
    if (r.too_long || r.too_wide)
        return fail(c, ERR_INVALID, "import.csv_limit", number, NULL);
    if (!fine)
        return fail(c, ERR_INVALID, "import.csv_quote", number, NULL);
    *out = (struct csv_table){r.records.at, r.records.count};
    return true;
}

void csv_write_field(struct buf *b, struct str field, bool first)
{
    if (!first)
        buf_putc(b, ',');
    // libcsv trims what is not quoted; and a lone empty field would be an empty line.
    bool quote = field.len ? (unsigned char)field.at[0] <= ' ' || (unsigned char)field.at[field.len - 1] <= ' ' : first;
    for (size_t i = 0; i < field.len && !quote; i++)
        quote = field.at[i] == '"' || field.at[i] == ',' || field.at[i] == '\n' || field.at[i] == '\r';
    if (!quote) {
        buf_str_add(b, field);
        return;
    }
    buf_putc(b, '"');
    for (size_t i = 0; i < field.len; i++) {
        if (field.at[i] == '"')
            buf_putc(b, '"');
        buf_putc(b, field.at[i]);
    }
    buf_putc(b, '"');
}

// ---- encodings

static bool convert(struct ctx *c, struct str bytes, const char *from, struct str *out)
{
    UErrorCode status = U_ZERO_ERROR;
    UConverter *k = ucnv_open(from, &status);
    if (U_FAILURE(status))
        return fail(c, ERR_INTERNAL, "internal", NULL) || fail_detail(c, "ICU has no converter %s", from);
    ucnv_setToUCallBack(k, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, &status);
    UChar *units = ARENA_ARRAY(c->arena, UChar, bytes.len + 1); // never more units than bytes
    int32_t count = ucnv_toUChars(k, units, (int32_t)bytes.len + 1, bytes.at, (int32_t)bytes.len, &status);
    ucnv_close(k);
    if (U_FAILURE(status))
        return false;
    char *utf8 = arena_alloc(c->arena, (size_t)count * 3 + 1);
    int32_t length = 0;
    status = U_ZERO_ERROR;
    u_strToUTF8(utf8, count * 3 + 1, &length, units, count, &status);
    *out = (struct str){utf8, (size_t)length};
    return U_SUCCESS(status) && str_is_utf8(*out);
}

bool text_to_utf8(struct ctx *c, struct str bytes, struct str *out)
{
    if (bytes.len >= INT32_MAX / 4)
        return fail(c, ERR_TOO_LARGE, "import.too_large", NULL);
    if (str_starts(bytes, STR("\xEF\xBB\xBF")))
        bytes = str_sub(bytes, 3, bytes.len);
    *out = bytes;
    if (str_is_utf8(bytes))
        return true;
    bool wide = str_starts(bytes, STR("\xFF\xFE")) || str_starts(bytes, STR("\xFE\xFF"));
    if (convert(c, bytes, wide ? "UTF-16" : "gb18030", out))
        return true;
    return fail(c, ERR_INVALID, "import.encoding", NULL);
}
