// CSV and its encodings: what is read and written again reads to the same fields.
#include "knowledge/csv.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_ctx f;
    struct ctx *c = fuzz_begin(&f);
    struct str text;
    struct csv_table table, again;
    if (text_to_utf8(c, (struct str){(const char *)data, size}, &text) && csv_read(c, text, &table)) {
        struct buf b = {.arena = c->arena};
        for (size_t i = 0; i < table.count; i++) {
            for (size_t k = 0; k < table.records[i].count; k++)
                csv_write_field(&b, table.records[i].fields[k], k == 0);
            buf_puts(&b, "\r\n");
        }
        error_clear(c->err);
        ASSERT(csv_read(c, buf_str(&b), &again), "what was written reads again");
        size_t at = 0;
        for (size_t i = 0; i < table.count; i++) {
            if (table.records[i].count == 1 && table.records[i].fields[0].len == 0)
                continue; // a line of one empty field is an empty line
            ASSERT(at < again.count && again.records[at].count == table.records[i].count, "as many fields");
            for (size_t k = 0; k < table.records[i].count; k++)
                ASSERT(str_eq(again.records[at].fields[k], table.records[i].fields[k]), "the same field");
            at++;
        }
    } else {
        ASSERT(c->err->code != ERR_NONE, "a refusal has an error");
    }
    fuzz_end(&f);
    return 0;
}
