// Sessions: a random token in the browser's cookie, of which only the hash is stored. They end by themselves when unused for session_hours.
#pragma once
#include "identity/user.h"

struct session {
    int64_t id, user;
    struct str address, device;
    bool current;
    int64_t created_at, seen_at, expires_at;
};
struct sign_in {
    struct str email, password, totp; // totp: six digits or a recovery code
};
struct str token_hash(struct ctx *c, struct str token); // of session and API tokens, as it is stored

// Checks password and second factor, counts wrong tries, starts the session. ERR_UNAUTHENTICATED identity.wrong_login, identity.totp_needed,
// identity.totp_wrong; ERR_LIMIT identity.throttled. token: for the cookie.
bool session_sign_in(struct ctx *c, const struct sign_in *in, struct str *token, int64_t *user);
bool session_start(struct ctx *c, int64_t user, struct str *token); // without asking for anything (after setup)
// The signed-in user's password once more, before what a borrowed browser must not do. Wrong ones count as wrong sign-ins.
bool session_confirm(struct ctx *c, struct str field, struct str password);
bool session_list(struct ctx *c, int64_t user, const struct list_query *q, struct session **sessions, size_t *count);
bool session_end(struct ctx *c, int64_t user, int64_t id); // ERR_NOT_FOUND when it is not that user's
extern const struct schema session_schema;

// Who has this session; filled into *actor. *there false: no such session, ended, or its user disabled.
struct session_use {
    usec seen, expires;
};
bool session_find(struct ctx *c, struct str hash, struct actor *actor, struct session_use *use, bool *there);
bool session_find_id(struct ctx *c, int64_t id, struct actor *actor, struct session_use *use, bool *there);
void session_touch(struct ctx *c, const struct actor *actor, struct session_use *use); // moves its end on, now and then
