// Roles: bundles of permissions. Seven are built in (their bundles stand in role.c and cannot be edited); others are made by the company. What a
// role allows is stored by the permissions' names.
#pragma once
#include "schema/perm.h"
#include "schema/schema.h"

struct role {
    int64_t id;
    struct str key;  // built-in: owner, supervisor, agent, editor, planner, finance, auditor; empty: custom
    struct str name;
    bool built_in;
    struct str_list permissions;
    uint64_t perms[2];
    int64_t users;   // how many have it
    int64_t version, created_at, updated_at;
};
extern const char *const role_keys[]; // NULL-terminated
void role_bundle(const char *key, uint64_t perms[2]);
bool roles_ensure(struct ctx *c); // inside store_write: the built-in rows stand
bool role_by_key(struct ctx *c, const char *key, int64_t *id);
bool role_get(struct ctx *c, int64_t id, struct role *out); // ERR_NOT_FOUND
bool role_list(struct ctx *c, const struct list_query *q, struct role **roles, size_t *count);
// Nobody gives more than they have: every permission asked for must be the actor's (identity.more_than_own).
bool role_create(struct ctx *c, struct role *role); // name, permissions; fills the rest
// role->version 0: whatever it is now.
bool role_change(struct ctx *c, const struct role *role, bool name, bool permissions);
bool role_delete(struct ctx *c, int64_t id); // custom and without users
bool perms_of_names(struct ctx *c, struct str field, const struct str_list *names, uint64_t perms[2]);
struct str_list perms_to_names(struct arena *a, const uint64_t perms[2]);
void role_perms(struct str key, struct str names, uint64_t perms[2]); // of a row: built-in ones by key, others by their stored names
bool perms_within(const uint64_t inner[2], const struct actor *outer);
