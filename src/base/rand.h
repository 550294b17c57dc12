// Random from the kernel by libsodium: for secrets, tokens and ids alike.
#pragma once
#include "base/str.h"

void rand_setup(void); // once, first thing in main and in each test
void rand_bytes(void *out, size_t count);
uint32_t rand_below(uint32_t bound);                      // uniform in [0, bound)
struct str rand_token(struct arena *a, size_t bytes);     // base64url of that many random bytes
