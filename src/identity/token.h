// API tokens: "yd_" and random text, shown once; only the hash is stored. A token acts for the user who made it, with those of its scopes that the
// user still has.
#pragma once
#include "identity/role.h"

struct token_user {
    int64_t id;
    struct str name;
};
struct api_token {
    int64_t id;
    struct str name, token, hint; // token: only in the answer to its creation; hint: its last four characters
    struct str_list scopes;       // permissions
    struct token_user *user;
    int64_t expires_at, last_used_at, created_at; // 0: never
};
bool token_create(struct ctx *c, struct api_token *t); // name, scopes, expires_at; fills the rest
// One's own; with user.write everybody's.
bool token_list(struct ctx *c, const struct list_query *q, struct api_token **tokens, size_t *count);
bool token_delete(struct ctx *c, int64_t id);
// Who has this token; *there false: none, expired, or its user disabled. used: when it was last noted as used.
bool token_find(struct ctx *c, struct str hash, struct actor *actor, usec *used, usec *expires, bool *there);
bool token_find_id(struct ctx *c, int64_t id, struct actor *actor, usec *used, usec *expires, bool *there);
void token_touch(struct ctx *c, int64_t id, usec *used);
extern const struct schema token_schema;
