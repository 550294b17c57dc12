#include "net/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/vec.h"
#include "net/parse.h"
#include "net/route.h"

enum { PART_HEAD_MOST = 4096, WINDOW = 72 * 1024 };
struct form {
    struct arena *arena;
    struct form_limits limits;
    char delimiter[80]; // "\r\n--boundary"
    size_t delimiter_len;
    enum { IN_PREAMBLE, AFTER_DELIMITER, IN_HEAD, IN_VALUE, IN_FILE, AT_END } stage;
    char *window; // bytes not decided on yet
    size_t len;
    int fd;
    int64_t disk;
    size_t values_len, parts;
    struct buf value;
    struct {
        VEC(struct upload);
    } uploads;
    struct {
        VEC(struct str);
    } names, values;
};

struct form *form_new(struct arena *a, struct str content_type, struct form_limits limits)
{
    struct str boundary;
    if (!media_type_is(content_type, "multipart/form-data") || !header_parameter(a, content_type, "boundary", &boundary) ||
        !boundary.len || boundary.len > 70)
        return NULL;
    struct form *f = ARENA_NEW(a, struct form);
    f->arena = a;
    f->limits = limits;
    f->fd = -1;
    f->value.arena = a;
    f->delimiter_len = boundary.len + 4;
    memcpy(f->delimiter, "\r\n--", 4);
    memcpy(f->delimiter + 4, boundary.at, boundary.len);
    f->window = malloc(WINDOW);
    ASSERT(f->window, "out of memory");
    memcpy(f->window, "\r\n", 2); // so that the first boundary looks like the others
    f->len = 2;
    return f;
}

// The name as a person may see it: no folders, no control characters, valid UTF-8.
static struct str base_name(struct arena *a, struct str raw)
{
    struct buf b = {.arena = a};
    size_t from = 0;
    for (size_t i = 0; i < raw.len; i++)
        if (raw.at[i] == '/' || raw.at[i] == '\\')
            from = i + 1;
    for (size_t i = from; i < raw.len && b.len < 250;) {
        char bytes[4];
        uint32_t c = str_next_char(raw, &i);
        bool shown = c >= 0x20 && c != 0x7F && !(c >= 0x80 && c < 0xA0) && !(c >= 0x202A && c <= 0x202E) && c != 0x2028 && c != 0x2029 &&
                     !(c >= 0x2066 && c <= 0x2069);
        if (shown)
            buf_add(&b, bytes, str_put_char(bytes, c));
    }
    struct str name = str_trim(buf_str(&b));
    return !name.len || str_is(name, ".") || str_is(name, "..") ? STR("file") : name;
}

static enum form_result part_head(struct form *f, struct str head)
{
    struct str line, name = STR(""), file_name = STR(""), encoded;
    bool named = false, file = false;
    while (head.len && str_split(&head, '\n', &line)) {
        line = str_trim(line);
        size_t colon;
        if (!line.len)
            continue;
        if (!str_find(line, STR(":"), &colon))
            return FORM_BAD;
        if (!str_eq_nocase(str_trim(str_sub(line, 0, colon)), STR("content-disposition")))
            continue;
        struct str value = str_trim(str_sub(line, colon + 1, line.len));
        if (named || !media_type_is(value, "form-data"))
            return FORM_BAD;
        named = header_parameter(f->arena, value, "name", &name);
        file = header_parameter(f->arena, value, "filename", &file_name);
        if (header_parameter(f->arena, value, "filename*", &encoded) && encoded.len > 7 &&
            str_eq_nocase(str_sub(encoded, 0, 7), STR("utf-8''"))) {
            struct str decoded;
            file = true;
            if (query_decode(f->arena, str_sub(encoded, 7, encoded.len), &decoded))
                file_name = decoded;
        }
    }
    if (!named || !str_is_utf8(name))
        return FORM_BAD;
    if (++f->parts > f->limits.parts || (f->values_len += name.len) > f->limits.values_bytes)
        return FORM_TOO_LARGE;
    if (!file) {
        f->stage = IN_VALUE;
        f->value = (struct buf){.arena = f->arena};
        VEC_PUSH(f->arena, &f->names, name);
        return FORM_GOOD;
    }
    char *path = arena_printf(f->arena, "%s/upload-XXXXXX", f->limits.temp_dir);
    f->fd = mkstemp(path);
    if (f->fd < 0)
        return FORM_NO_ROOM;
    f->stage = IN_FILE;
    VEC_PUSH(f->arena, &f->uploads, (struct upload){.field = name, .file_name = base_name(f->arena, file_name), .path = str_of(path)});
    return FORM_GOOD;
}

static enum form_result part_data(struct form *f, const char *bytes, size_t len)
{
    if (f->stage == IN_VALUE) {
        if ((f->values_len += len) > f->limits.values_bytes)
            return FORM_TOO_LARGE;
        buf_add(&f->value, bytes, len);
        return FORM_GOOD;
    }
    if (f->stage != IN_FILE)
        return FORM_GOOD; // before the first boundary and after the last
    struct upload *u = &f->uploads.at[f->uploads.count - 1];
    u->size += (int64_t)len;
    f->disk += (int64_t)len;
    if (u->size > f->limits.file_bytes)
        return FORM_TOO_LARGE;
    while (len) {
        ssize_t n = write(f->fd, bytes, len);
        if (n <= 0)
            return FORM_NO_ROOM;
        bytes += n;
        len -= (size_t)n;
    }
    return FORM_GOOD;
}

static enum form_result part_end(struct form *f)
{
    if (f->stage == IN_VALUE) {
        struct str value = buf_str(&f->value);
        if (!str_is_utf8(value))
            return FORM_BAD;
        VEC_PUSH(f->arena, &f->values, value);
    }
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    f->stage = AFTER_DELIMITER;
    return FORM_GOOD;
}

// One step over the window; *used bytes of it are done with. Nothing used: more is needed.
static enum form_result step(struct form *f, const char *at, size_t len, size_t *used)
{
    *used = 0;
    if (f->stage == AT_END) {
        *used = len;
        return FORM_GOOD;
    }
    if (f->stage == AFTER_DELIMITER) {
        if (len < 2)
            return FORM_GOOD;
        *used = 2;
        f->stage = memcmp(at, "--", 2) == 0 ? AT_END : IN_HEAD;
        return f->stage == AT_END || memcmp(at, "\r\n", 2) == 0 ? FORM_GOOD : FORM_BAD;
    }
    if (f->stage == IN_HEAD) {
        const char *end = memmem(at, len, "\r\n\r\n", 4);
        size_t head = end ? (size_t)(end - at) + 4 : len;
        if (head > PART_HEAD_MOST)
            return FORM_BAD;
        *used = end ? head : 0;
        return end ? part_head(f, str_dup(f->arena, (struct str){at, head})) : FORM_GOOD;
    }
    const char *end = memmem(at, len, f->delimiter, f->delimiter_len);
    if (end) {
        *used = (size_t)(end - at) + f->delimiter_len;
        enum form_result r = part_data(f, at, (size_t)(end - at));
        return r != FORM_GOOD ? r : part_end(f);
    }
    if (len < f->delimiter_len)
        return FORM_GOOD;
    *used = len - f->delimiter_len + 1; // the rest may be the beginning of a boundary
    return part_data(f, at, *used);
}

enum form_result form_feed(struct form *f, const char *bytes, size_t len)
{
    while (len) {
        size_t n = WINDOW - f->len < len ? WINDOW - f->len : len, at = 0, used;
        memcpy(f->window + f->len, bytes, n);
        f->len += n;
        bytes += n;
        len -= n;
        do {
            enum form_result r = step(f, f->window + at, f->len - at, &used);
            if (r != FORM_GOOD)
                return r;
            at += used;
        } while (used && at < f->len);
        memmove(f->window, f->window + at, f->len - at);
        f->len -= at;
    }
    return FORM_GOOD;
}

enum form_result form_end(struct form *f, struct request *rq)
{
    if (f->stage != AT_END)
        return FORM_BAD;
    rq->uploads = f->uploads.at;
    rq->upload_count = f->uploads.count;
    rq->form_names = f->names.at;
    rq->form_values = f->values.at;
    rq->form_count = f->values.count;
    f->uploads.count = 0;
    return FORM_GOOD;
}

int64_t form_disk(const struct form *f)
{
    return f->disk;
}

void form_free(struct form *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    for (size_t i = 0; i < f->uploads.count; i++)
        unlink(f->uploads.at[i].path.at);
    free(f->window);
}

void uploads_remove(struct request *rq)
{
    for (size_t i = 0; i < rq->upload_count; i++)
        unlink(rq->uploads[i].path.at);
    rq->upload_count = 0;
}

bool form_urlencoded(struct arena *a, struct str body, size_t parts, struct request *rq)
{
    struct {
        VEC(struct str);
    } names = {0}, values = {0};
    struct str part;
    while (body.len && str_split(&body, '&', &part)) {
        if (!part.len)
            continue;
        struct str name = part, value = STR("");
        size_t equals;
        if (str_find(part, STR("="), &equals)) {
            name = str_sub(part, 0, equals);
            value = str_sub(part, equals + 1, part.len);
        }
        if (names.count == parts || !query_decode(a, name, &name) || !query_decode(a, value, &value))
            return false;
        VEC_PUSH(a, &names, name);
        VEC_PUSH(a, &values, value);
    }
    rq->form_names = names.at;
    rq->form_values = values.at;
    rq->form_count = names.count;
    return true;
}
