#include "base/rand.h"

#include <sodium.h>

#include "base/error.h"

void rand_setup(void)
{
    ASSERT(sodium_init() >= 0, "libsodium does not start");
}

void rand_bytes(void *out, size_t count)
{
    randombytes_buf(out, count);
}

uint32_t rand_below(uint32_t bound)
{
    return randombytes_uniform(bound);
}

struct str rand_token(struct arena *a, size_t bytes)
{
    uint8_t raw[64];
    ASSERT(bytes <= sizeof raw, "a token of at most 64 bytes");
    randombytes_buf(raw, bytes);
    struct str text = str_base64url(a, raw, bytes);
    sodium_memzero(raw, sizeof raw);
    return text;
}
