#include "base/str.h"

#include <sodium.h>
#include <stdio.h>

int str_cmp(struct str a, struct str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.at, b.at, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && memcmp(s.at, prefix.at, prefix.len) == 0;
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && memcmp(s.at + s.len - suffix.len, suffix.at, suffix.len) == 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.len && is_space(s.at[0]))
        s.at++, s.len--;
    while (s.len && is_space(s.at[s.len - 1]))
        s.len--;
    return s;
}

struct str str_sub(struct str s, size_t from, size_t len)
{
    if (from > s.len)
        from = s.len;
    if (len > s.len - from)
        len = s.len - from;
    return (struct str){s.at + from, len};
}

bool str_find(struct str s, struct str needle, size_t *at)
{
    if (!needle.len) {
        *at = 0;
        return true;
    }
    const char *found = s.len ? memmem(s.at, s.len, needle.at, needle.len) : NULL;
    if (!found)
        return false;
    *at = (size_t)(found - s.at);
    return true;
}

bool str_split(struct str *rest, char by, struct str *part)
{
    if (!rest->at)
        return false;
    const char *end = rest->len ? memchr(rest->at, by, rest->len) : NULL;
    if (end) {
        size_t len = (size_t)(end - rest->at);
        *part = (struct str){rest->at, len};
        *rest = (struct str){end + 1, rest->len - len - 1};
    } else {
        *part = *rest;
        *rest = (struct str){NULL, 0};
    }
    return true;
}

struct str str_dup(struct arena *a, struct str s)
{
    if (!s.len)
        return STR("");
    char *copy = arena_alloc(a, s.len + 1);
    memcpy(copy, s.at, s.len);
    return (struct str){copy, s.len};
}

char *str_z(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.len + 1);
    if (s.len)
        memcpy(copy, s.at, s.len);
    return copy;
}

struct str str_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(a, format, args);
    va_end(args);
    return str_of(text);
}

struct str str_join(struct arena *a, const struct str *parts, size_t count, struct str between)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len + (i ? between.len : 0);
    char *text = arena_alloc(a, len + 1), *at = text;
    for (size_t i = 0; i < count; i++) {
        if (i && between.len)
            at = mempcpy(at, between.at, between.len);
        if (parts[i].len)
            at = mempcpy(at, parts[i].at, parts[i].len);
    }
    return (struct str){text, len};
}

bool str_int(struct str s, int64_t *value)
{
    bool minus = s.len && s.at[0] == '-';
    size_t i = minus || (s.len && s.at[0] == '+') ? 1 : 0;
    if (i == s.len)
        return false;
    uint64_t v = 0, most = minus ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
    for (; i < s.len; i++) {
        unsigned digit = (unsigned)(s.at[i] - '0');
        if (digit > 9 || v > (most - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *value = minus ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

// One well-formed code point at s[at…], Unicode 15 table 3-7; 0 bytes when malformed.
static size_t char_at(const unsigned char *s, size_t left, uint32_t *code)
{
    unsigned c = s[0];
    if (c < 0x80) {
        *code = c;
        return 1;
    }
    size_t n = c >= 0xC2 && c <= 0xDF ? 2 : c >= 0xE0 && c <= 0xEF ? 3 : c >= 0xF0 && c <= 0xF4 ? 4 : 0;
    if (!n || left < n)
        return 0;
    unsigned least = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80, most = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < least || s[1] > most)
        return 0;
    uint32_t v = c & (0xFFu >> (n + 1));
    v = v << 6 | (s[1] & 0x3F);
    for (size_t i = 2; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        v = v << 6 | (s[i] & 0x3F);
    }
    *code = v;
    return n;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.at;
    for (size_t i = 0; i < s.len;) {
        uint32_t code;
        size_t n = char_at(p + i, s.len - i, &code);
        if (!n || !code)
            return false;
        i += n;
    }
    return true;
}

uint32_t str_next_char(struct str s, size_t *at)
{
    uint32_t code = 0xFFFD;
    size_t n = char_at((const unsigned char *)s.at + *at, s.len - *at, &code);
    *at += n ? n : 1;
    return n ? code : 0xFFFD;
}

size_t str_chars(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.at[i] & 0xC0) != 0x80;
    return n;
}

struct str str_clip(struct str s, size_t chars)
{
    size_t at = 0;
    while (chars-- && at < s.len)
        str_next_char(s, &at);
    return (struct str){s.at, at < s.len ? at : s.len};
}

size_t str_put_char(char out[4], uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)((0xF00u >> n & 0xFF) | c);
    return n;
}

struct str str_hex(struct arena *a, const void *bytes, size_t count)
{
    char *hex = arena_alloc(a, count * 2 + 1);
    sodium_bin2hex(hex, count * 2 + 1, bytes, count);
    return (struct str){hex, count * 2};
}

bool str_unhex(struct str hex, uint8_t *bytes, size_t count)
{
    size_t got;
    const char *end;
    return hex.len == count * 2 &&
           sodium_hex2bin(bytes, count, hex.at, hex.len, NULL, &got, &end) == 0 && got == count &&
           end == hex.at + hex.len;
}

struct str str_base64url(struct arena *a, const void *bytes, size_t count)
{
    size_t room = sodium_base64_ENCODED_LEN(count, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = arena_alloc(a, room);
    sodium_bin2base64(text, room, bytes, count, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return str_of(text);
}

uint64_t str_hash(struct str s)
{
    static unsigned char key[crypto_shorthash_KEYBYTES];
    static int ready; // 0 no, 1 being made, 2 yes
    if (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) != 2) {
        int none = 0;
        if (__atomic_compare_exchange_n(&ready, &none, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            randombytes_buf(key, sizeof key);
            __atomic_store_n(&ready, 2, __ATOMIC_RELEASE);
        } else {
            while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) != 2)
                ;
        }
    }
    uint64_t hash;
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)s.at, s.len, key); // SipHash-2-4
    return hash;
}
