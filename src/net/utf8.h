// UTF-8 checked as it comes in pieces, so that a broken message is refused at its first wrong byte (RFC 3629).
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct utf8 {
    uint8_t need, low, high; // bytes to come, and what the next of them may be
};
bool utf8_feed(struct utf8 *u, const char *bytes, size_t len);
static inline bool utf8_whole(const struct utf8 *u) // not inside a character
{
    return u->need == 0;
}
