// The audit log: an append-only chain. Each entry's hash is a keyed BLAKE2b over the one before and its own canonical text, so whoever edits, removes or
// swaps rows in the database shows. One row (audit_head) holds the last hash and the count, so a cut end shows too.
#pragma once
#include "net/http.h"
#include "schema/schema.h"

struct audit_entry {
    int64_t id, at;
    int actor_kind;
    int64_t actor_id;
    struct str actor, address, device;
    struct str action; // "user.create": room and verb
    struct str object; // what it was done to, as strangers may see it: "us_…"
    struct str detail; // JSON object; never secrets
    struct str previous, hash;
};
// Inside store_write: part of the change itself. detail: JSON object or empty.
bool audit_add(struct ctx *c, const char *action, struct str object, struct str detail);
struct audit_state {
    int64_t entries;
    int64_t broken; // number of the first entry that does not fit; 0: all fit
};
bool audit_verify(struct ctx *c, struct audit_state *state); // false: could not be read
bool audit_list(struct ctx *c, const struct list_query *q, struct audit_entry **entries, size_t *count);
extern const struct schema audit_schema;
