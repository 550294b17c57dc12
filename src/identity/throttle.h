// Wrong sign-ins are counted for each account and each address, in the store, so that a restart forgives nothing. Past the limit each further
// one doubles the wait, up to a quarter of an hour; a quarter of an hour without any starts afresh.
#pragma once
#include "base/ctx.h"

// Before the password is looked at: ERR_LIMIT identity.throttled with retry_after while either has to wait.
bool throttle_pass(struct ctx *c, struct str account, struct str address);
bool throttle_wrong(struct ctx *c, struct str account, struct str address); // inside store_write
bool throttle_right(struct ctx *c, struct str account);                     // inside store_write: the account starts afresh
