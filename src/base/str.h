// A slice of bytes that somebody else owns: UTF-8 text unless said otherwise, not NUL-terminated.
// NUL strings appear only at the edges of C libraries (str_z).
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "base/arena.h"

struct str {
    const char *at;
    size_t len;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_FMT "%.*s" // printf("…" STR_FMT, STR_ARG(s))
#define STR_ARG(s) (int)(s).len, (s).at

static inline struct str str_of(const char *z) // NULL gives the empty slice
{
    return (struct str){z ? z : "", z ? strlen(z) : 0};
}
static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}
static inline bool str_is(struct str a, const char *z)
{
    return str_eq(a, str_of(z));
}

int str_cmp(struct str a, struct str b); // by bytes
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_eq_nocase(struct str a, struct str b); // ASCII letters only
struct str str_trim(struct str s);              // ASCII white space
struct str str_sub(struct str s, size_t from, size_t len);
bool str_find(struct str s, struct str needle, size_t *at);
// Takes what stands before the first `by` off the front of *rest into *part; false when *rest was used up before.
bool str_split(struct str *rest, char by, struct str *part);

struct str str_dup(struct arena *a, struct str s);
char *str_z(struct arena *a, struct str s); // NUL-terminated copy; a NUL byte inside ends it early
struct str str_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct str str_join(struct arena *a, const struct str *parts, size_t count, struct str between);

bool str_int(struct str s, int64_t *value); // decimal with optional sign, nothing else around it, no overflow
bool str_is_utf8(struct str s);             // well-formed, no surrogates, no overlong forms; NUL bytes are refused
size_t str_chars(struct str s);             // code points of well-formed UTF-8
struct str str_clip(struct str s, size_t chars);          // the first `chars` code points
uint32_t str_next_char(struct str s, size_t *at);         // code point at *at, moves *at on; 0xFFFD where malformed
size_t str_put_char(char out[4], uint32_t code_point);    // bytes written
struct str str_hex(struct arena *a, const void *bytes, size_t count);
bool str_unhex(struct str hex, uint8_t *bytes, size_t count); // exactly 2 × count digits
struct str str_base64url(struct arena *a, const void *bytes, size_t count); // no padding
uint64_t str_hash(struct str s); // keyed with a random key per process: never store it
