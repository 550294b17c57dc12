// Reading JSON: Jansson behind a small face, with limits on size and depth, strict syntax and UTF-8. Writing goes straight
// from the field tables (schema/) or with struct json_out here.
#pragma once
#include "base/buf.h"

struct ctx;
struct json; // a value; lives as long as its document

struct json_limits {
    size_t max_bytes; // 0: 1 MiB
    int max_depth;    // 0: 16
};
// NULL with the error filled (ERR_MALFORMED json.syntax / json.depth / json.utf8, ERR_TOO_LARGE json.size). Refused too: doubled keys, NUL
// characters (\u0000), numbers that do not fit, anything after the value. The document is freed with the arena's owner by json_free.
struct json *json_read(struct ctx *c, struct str text, struct json_limits limits);
void json_free(struct json *document); // the root only; NULL is fine

enum json_type { JSON_NULL, JSON_BOOL, JSON_INT, JSON_REAL, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };
enum json_type json_type(const struct json *v); // NULL pointer is JSON_NULL
struct json *json_get(const struct json *object, const char *name); // NULL when absent or null or not an object
bool json_has(const struct json *object, const char *name);         // present, even if null
bool json_bool(const struct json *v);
int64_t json_int(const struct json *v);
double json_double(const struct json *v); // an integer too
struct str json_text(const struct json *v); // empty unless text
size_t json_count(const struct json *array_or_object);
struct json *json_at(const struct json *array, size_t index);
bool json_member(const struct json *object, size_t *at, struct str *name, struct json **value); // walk, *at = 0 first
struct str json_print(struct arena *a, const struct json *v);

// Writing. Commas are put by itself; names may be NULL inside arrays.
//     struct json_out o = json_begin(arena); json_open(&o, NULL, '{'); json_put_str(&o, "t", STR("ack")); json_close(&o, '}');
struct json_out {
    struct buf buf;
    bool comma;
};
struct json_out json_begin(struct arena *a);
void json_open(struct json_out *o, const char *name, char bracket);
void json_close(struct json_out *o, char bracket);
void json_put_str(struct json_out *o, const char *name, struct str v);
void json_put_z(struct json_out *o, const char *name, const char *v);
void json_put_int(struct json_out *o, const char *name, int64_t v);
void json_put_real(struct json_out *o, const char *name, double v);
void json_put_bool(struct json_out *o, const char *name, bool v);
void json_put_null(struct json_out *o, const char *name);
void json_put_time(struct json_out *o, const char *name, int64_t usec_utc);
void json_put_raw(struct json_out *o, const char *name, struct str json); // already JSON
