// Forms in pieces of odd sizes: the first byte seeds the sizes, the second the limits; then a line with the Content-Type, then the body. However a
// body is cut, the result is the same.
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/form.h"
#include "tests/fuzz/fuzz.h"

static enum form_result parse(struct ctx *c, struct str type, struct str body, struct form_limits limits, uint32_t seed, struct request *rq)
{
    struct form *f = form_new(c->arena, type, limits);
    if (!f)
        return FORM_BAD;
    enum form_result r = FORM_GOOD;
    for (size_t at = 0; at < body.len && r == FORM_GOOD;) {
        seed = seed * 1664525 + 1013904223;
        size_t n = seed ? 1 + (seed >> 24) % ((seed & 0x100000) ? 7 : 200) : body.len;
        n = n < body.len - at ? n : body.len - at;
        char *piece = malloc(n); // of its own, so that a read past it is seen
        memcpy(piece, body.at + at, n);
        r = form_feed(f, piece, n);
        free(piece);
        at += n;
    }
    if (r == FORM_GOOD)
        r = form_end(f, rq);
    form_free(f);
    return r;
}

static void check(const struct request *rq, struct form_limits limits)
{
    ASSERT(rq->upload_count + rq->form_count <= limits.parts, "parts are bounded");
    size_t values = 0;
    for (size_t i = 0; i < rq->form_count; i++) {
        ASSERT(str_is_utf8(rq->form_names[i]) && str_is_utf8(rq->form_values[i]), "values are UTF-8");
        values += rq->form_names[i].len + rq->form_values[i].len;
    }
    ASSERT(values <= limits.values_bytes, "values are bounded");
    for (size_t i = 0; i < rq->upload_count; i++) {
        const struct upload *u = &rq->uploads[i];
        struct stat st;
        ASSERT(u->size <= limits.file_bytes, "files are bounded");
        ASSERT(stat(u->path.at, &st) == 0 && st.st_size == u->size, "a file is there, as long as it says");
        ASSERT(u->file_name.len && !memchr(u->file_name.at, '/', u->file_name.len) && !memchr(u->file_name.at, 0, u->file_name.len), "a base name");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    static char folder[256];
    if (!*folder) {
        const char *temp = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s", temp && *temp ? temp : "/tmp");
    }
    struct fuzz_ctx f;
    struct ctx *c = fuzz_begin(&f);
    struct str body = {(const char *)data + 2, size - 2}, type;
    str_split(&body, '\n', &type);
    struct form_limits limits = {folder, data[1] & 1 ? 100 : 10000, data[1] & 2 ? 64 : 4096, data[1] & 4 ? 3 : 16};
    struct request one = {.ctx = c}, two = {.ctx = c};
    enum form_result first = parse(c, type, body, limits, 1 + data[0], &one), second = parse(c, type, body, limits, 0x7F000001u + 7 * data[0], &two);
    ASSERT((first == FORM_GOOD) == (second == FORM_GOOD), "the cuts change nothing");
    ASSERT(one.upload_count == two.upload_count && one.form_count == two.form_count, "nor the parts");
    for (size_t i = 0; i < one.upload_count; i++)
        ASSERT(one.uploads[i].size == two.uploads[i].size && str_eq(one.uploads[i].field, two.uploads[i].field), "nor the files");
    for (size_t i = 0; i < one.form_count; i++)
        ASSERT(str_eq(one.form_values[i], two.form_values[i]), "nor the values");
    check(&one, limits);
    uploads_remove(&one);
    uploads_remove(&two);
    form_urlencoded(c->arena, body, 16, &one);
    fuzz_end(&f);
    return 0;
}
