// Jansson's names for types are ours too, so its header is read under other names first.
#define json_type jansson_type
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_INTEGER JANSSON_INTEGER
#define JSON_REAL JANSSON_REAL
#define JSON_TRUE JANSSON_TRUE
#define JSON_FALSE JANSSON_FALSE
#define JSON_NULL JANSSON_NULL
#include <jansson.h>
#undef json_type
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_INTEGER
#undef JSON_REAL
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL

#include "base/json.h"

#include <math.h>
#include <stdio.h>

#include "base/ctx.h"

// struct json is Jansson's json_t; the casts stay in this file.
static json_t *in(const struct json *v)
{
    return (json_t *)(uintptr_t)v;
}

// Jansson parses by recursion up to a depth fixed when it was built; ours is checked before, outside of strings.
static bool too_deep(struct str text, int most)
{
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > most)
                return true;
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return false;
}

struct json *json_read(struct ctx *c, struct str text, struct json_limits limits)
{
    size_t most = limits.max_bytes ? limits.max_bytes : 1024 * 1024;
    if (text.len > most) {
        char number[24];
        snprintf(number, sizeof number, "%zu", most);
        fail(c, ERR_TOO_LARGE, "json.size", number, NULL);
        return NULL;
    }
    if (too_deep(text, limits.max_depth ? limits.max_depth : 16)) {
        fail(c, ERR_MALFORMED, "json.depth", NULL);
        return NULL;
    }
    if (!str_is_utf8(text)) {
        fail(c, ERR_MALFORMED, "json.utf8", NULL);
        return NULL;
    }
    json_error_t e;
    json_t *v = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (!v) {
        char line[16], column[16];
        snprintf(line, sizeof line, "%d", e.line);
        snprintf(column, sizeof column, "%d", e.column);
        fail(c, ERR_MALFORMED, "json.syntax", line, column, NULL);
        fail_detail(c, "%s", e.text);
    }
    return (struct json *)v;
}

void json_free(struct json *document)
{
    json_decref(in(document));
}

enum json_type json_type(const struct json *v)
{
    if (!v)
        return JSON_NULL;
    switch (in(v)->type) {
    case JANSSON_OBJECT: return JSON_OBJECT;
    case JANSSON_ARRAY: return JSON_ARRAY;
    case JANSSON_STRING: return JSON_TEXT;
    case JANSSON_INTEGER: return JSON_INT;
    case JANSSON_REAL: return JSON_REAL;
    case JANSSON_TRUE:
    case JANSSON_FALSE: return JSON_BOOL;
    default: return JSON_NULL;
    }
}

struct json *json_get(const struct json *object, const char *name)
{
    json_t *v = json_type(object) == JSON_OBJECT ? json_object_get(in(object), name) : NULL;
    return v && v->type != JANSSON_NULL ? (struct json *)v : NULL;
}

bool json_has(const struct json *object, const char *name)
{
    return json_type(object) == JSON_OBJECT && json_object_get(in(object), name);
}

bool json_bool(const struct json *v)
{
    return v && in(v)->type == JANSSON_TRUE;
}

int64_t json_int(const struct json *v)
{
    return json_type(v) == JSON_INT ? json_integer_value(in(v)) : 0;
}

double json_double(const struct json *v)
{
    return v ? json_number_value(in(v)) : 0;
}

struct str json_text(const struct json *v)
{
    if (json_type(v) != JSON_TEXT)
        return STR("");
    return (struct str){json_string_value(in(v)), json_string_length(in(v))};
}

size_t json_count(const struct json *v)
{
    enum json_type type = json_type(v);
    return type == JSON_ARRAY ? json_array_size(in(v)) : type == JSON_OBJECT ? json_object_size(in(v)) : 0;
}

struct json *json_at(const struct json *array, size_t index)
{
    return json_type(array) == JSON_ARRAY ? (struct json *)json_array_get(in(array), index) : NULL;
}

bool json_member(const struct json *object, size_t *at, struct str *name, struct json **value)
{
    if (json_type(object) != JSON_OBJECT)
        return false;
    // Jansson keeps insertion order; the walk counts its way there, which is fine for the few members that a document may have.
    void *iter = json_object_iter(in(object));
    for (size_t i = 0; iter && i < *at; i++)
        iter = json_object_iter_next(in(object), iter);
    if (!iter)
        return false;
    ++*at;
    *name = str_of(json_object_iter_key(iter));
    *value = (struct json *)json_object_iter_value(iter);
    return true;
}

struct str json_print(struct arena *a, const struct json *v)
{
    if (!v)
        return STR("null");
    size_t size = json_dumpb(in(v), NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
    char *text = arena_alloc(a, size + 1);
    json_dumpb(in(v), text, size, JSON_COMPACT | JSON_ENCODE_ANY);
    return (struct str){text, size};
}

struct json_out json_begin(struct arena *a)
{
    return (struct json_out){.buf = {.arena = a}};
}

static void put_name(struct json_out *o, const char *name)
{
    if (o->comma)
        buf_putc(&o->buf, ',');
    o->comma = true;
    if (name) { // names are literals of ours: nothing to escape
        buf_putc(&o->buf, '"');
        buf_puts(&o->buf, name);
        buf_add(&o->buf, "\":", 2);
    }
}

void json_open(struct json_out *o, const char *name, char bracket)
{
    put_name(o, name);
    buf_putc(&o->buf, bracket);
    o->comma = false;
}

void json_close(struct json_out *o, char bracket)
{
    buf_putc(&o->buf, bracket);
    o->comma = true;
}

void json_put_str(struct json_out *o, const char *name, struct str v)
{
    put_name(o, name);
    buf_json(&o->buf, v);
}

void json_put_z(struct json_out *o, const char *name, const char *v)
{
    json_put_str(o, name, str_of(v));
}

void json_put_int(struct json_out *o, const char *name, int64_t v)
{
    put_name(o, name);
    buf_int(&o->buf, v);
}

void json_put_real(struct json_out *o, const char *name, double v)
{
    put_name(o, name);
    if (isfinite(v))
        buf_printf(&o->buf, "%.9g", v);
    else
        buf_puts(&o->buf, "null");
}

void json_put_bool(struct json_out *o, const char *name, bool v)
{
    put_name(o, name);
    buf_puts(&o->buf, v ? "true" : "false");
}

void json_put_null(struct json_out *o, const char *name)
{
    put_name(o, name);
    buf_puts(&o->buf, "null");
}

void json_put_time(struct json_out *o, const char *name, int64_t t)
{
    char text[TIME_TEXT];
    put_name(o, name);
    buf_putc(&o->buf, '"');
    buf_str_add(&o->buf, time_text(t, text));
    buf_putc(&o->buf, '"');
}

void json_put_raw(struct json_out *o, const char *name, struct str json)
{
    put_name(o, name);
    buf_str_add(&o->buf, json);
}
