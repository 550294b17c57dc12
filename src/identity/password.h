// Passwords: which are good enough, and their argon2id hashes (libsodium). Hashing takes the memory and time that the configuration says, so
// only a few run at once; beyond a short queue the caller is told to come again (ERR_UNAVAILABLE identity.busy).
#pragma once
#include "base/ctx.h"

// Field errors on `field`: at least 10 characters, not the e-mail address, none of the commonest.
bool password_check(struct ctx *c, struct str field, struct str password, struct str email);
bool password_hash(struct ctx *c, struct str password, struct str *hashed); // slow: outside store_write
// hashed empty: nobody's; takes as long and is never right. stale: right, but made with other settings.
bool password_verify(struct ctx *c, struct str hashed, struct str password, bool *right, bool *stale);
