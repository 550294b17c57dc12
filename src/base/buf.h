// A growing byte buffer in an arena.   struct buf b = {.arena = a}; buf_puts(&b, "x"); … buf_str(&b)
#pragma once
#include "base/str.h"

struct buf {
    struct arena *arena;
    char *at;
    size_t len, cap;
};

void buf_add(struct buf *b, const void *bytes, size_t count);
void buf_str_add(struct buf *b, struct str s);
void buf_puts(struct buf *b, const char *z);
void buf_putc(struct buf *b, char c);
void buf_int(struct buf *b, int64_t value);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_json(struct buf *b, struct str text);       // as a JSON string with its quotes; broken UTF-8 becomes U+FFFD
void buf_html(struct buf *b, struct str text);       // with & < > " ' escaped: safe in text and in quoted attributes
void buf_url(struct buf *b, struct str text);        // percent-encoded but for unreserved characters
static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->at ? b->at : "", b->len};
}
