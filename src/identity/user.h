// Users: the staff who sign in. E-mail addresses are unique without regard to case. The last active owner can be neither disabled nor demoted. Users
// are never deleted: what they did refers to them.
#pragma once
#include "identity/role.h"

enum user_state { USER_ACTIVE, USER_DISABLED };
enum user_theme { THEME_SYSTEM, THEME_LIGHT, THEME_DARK };
struct user {
    int64_t id;
    struct str name, email, password; // password: plain on the way in, never out
    int locale;   // enum lang
    int theme;
    int state;
    int64_t capacity; // conversations at once
    struct list roles; // struct role_ref
    struct str_list role_keys; // for the command line: "agent"
    bool totp;
    int64_t last_seen_at, created_at, updated_at, version;
};
struct role_ref {
    int64_t id;
    struct str key, name;
};
// What a user may do: the union of their roles.
bool user_perms(struct ctx *c, int64_t id, uint64_t perms[2]);
bool user_get(struct ctx *c, int64_t id, struct user *out);               // ERR_NOT_FOUND
bool user_by_email(struct ctx *c, struct str email, struct user *out);    // ERR_NOT_FOUND
bool user_list(struct ctx *c, const struct list_query *q, struct user **users, size_t *count);
// Hashes the password (slow), then writes. Roles by roles[].id or role_keys. Fills id. An empty password: the user cannot sign in yet.
bool user_create(struct ctx *c, struct user *user);
// The same in two steps, for many users in one transaction (demo): password_hash outside, user_insert inside store_write.
bool user_insert(struct ctx *c, struct user *user, struct str password_hashed);
bool user_change(struct ctx *c, const struct user *user, uint64_t set, int64_t expected_version); // set: bits of user_in_schema
bool user_disable(struct ctx *c, int64_t id); // ends sessions and tokens' use
bool user_enable(struct ctx *c, int64_t id);
bool user_password(struct ctx *c, int64_t id, struct str password, int64_t keep_session); // ends the other sessions
extern const struct schema user_schema, user_in_schema;
