#include "base/buf.h"

#include <stdio.h>

static char *room_for(struct buf *b, size_t more)
{
    if (b->cap - b->len < more) {
        size_t cap = b->cap ? b->cap * 2 : 256;
        while (cap - b->len < more)
            cap *= 2;
        b->at = arena_grow(b->arena, b->at, b->cap, cap);
        b->cap = cap;
    }
    return b->at + b->len;
}

void buf_add(struct buf *b, const void *bytes, size_t count)
{
    if (!count)
        return;
    memcpy(room_for(b, count), bytes, count);
    b->len += count;
}

void buf_str_add(struct buf *b, struct str s)
{
    buf_add(b, s.at, s.len);
}

void buf_puts(struct buf *b, const char *z)
{
    buf_add(b, z, strlen(z));
}

void buf_putc(struct buf *b, char c)
{
    *room_for(b, 1) = c;
    b->len++;
}

void buf_int(struct buf *b, int64_t value)
{
    char digits[24], *at = digits + sizeof digits;
    uint64_t v = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + v % 10);
    } while (v /= 10);
    if (value < 0)
        *--at = '-';
    buf_add(b, at, (size_t)(digits + sizeof digits - at));
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_puts(b, arena_vprintf(b->arena, format, args));
    va_end(args);
}

// Bytes that may be copied as they are: everything but control characters, the quote, the backslash and what is not ASCII.
static bool plain_json(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != 0x7F;
}

void buf_json(struct buf *b, struct str text)
{
    buf_putc(b, '"');
    for (size_t i = 0; i < text.len;) {
        size_t run = i;
        while (run < text.len && plain_json((unsigned char)text.at[run]))
            run++;
        buf_add(b, text.at + i, run - i);
        if ((i = run) == text.len)
            break;
        size_t from = i;
        uint32_t c = str_next_char(text, &i);
        switch (c) {
        case '"': buf_puts(b, "\\\""); break;
        case '\\': buf_puts(b, "\\\\"); break;
        case '\n': buf_puts(b, "\\n"); break;
        case '\r': buf_puts(b, "\\r"); break;
        case '\t': buf_puts(b, "\\t"); break;
        case 0x2028: buf_puts(b, "\\u2028"); break; // line ends for older JavaScript
        case 0x2029: buf_puts(b, "\\u2029"); break;
        default:
            if (c < 0x20 || c == 0x7F)
                buf_printf(b, "\\u%04x", (unsigned)c);
            else if (c == 0xFFFD)
                buf_puts(b, "\xEF\xBF\xBD");
            else
                buf_add(b, text.at + from, i - from);
        }
    }
    buf_putc(b, '"');
}

void buf_html(struct buf *b, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.at[i]) {
        case '&': buf_puts(b, "&amp;"); break;
        case '<': buf_puts(b, "&lt;"); break;
        case '>': buf_puts(b, "&gt;"); break;
        case '"': buf_puts(b, "&quot;"); break;
        case '\'': buf_puts(b, "&#39;"); break;
        default: buf_putc(b, text.at[i]);
        }
    }
}

void buf_url(struct buf *b, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c)))
            buf_putc(b, (char)c);
        else
            buf_printf(b, "%%%02X", c);
    }
}
