// Answers by Idempotency-Key, for a day: the key is taken before the change runs, so that a client that lost the answer and asks again creates nothing
// twice. When the process ended in between, nobody knows whether the change happened: the key then stays taken (identity.key_running).
#pragma once
#include "net/http.h"

struct idempotent {
    struct str actor, route, key, body;
    bool taken; // by this request
};
// False with the error; *replayed: rs holds the answer of the first time.
bool idempotency_begin(struct request *rq, struct response *rs, struct idempotent *i, bool *replayed);
bool idempotency_keep(struct ctx *c, struct idempotent *i, const struct response *rs); // inside store_write, with a good answer
void idempotency_forget(struct ctx *c, struct idempotent *i);                          // after an error, which changed nothing
