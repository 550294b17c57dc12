// The company: one row. Without it nothing works but setup, in the browser or by `yingda init`.
#pragma once
#include "identity/user.h"

struct company {
    int64_t id; // 1
    struct str name, timezone;
    int locale;
    int64_t version, created_at, updated_at;
};
struct setup {
    struct str company, name, email, password, timezone;
    int locale;
};
bool company_exists(struct ctx *c, bool *exists);
bool company_get(struct ctx *c, struct company *out); // ERR_NOT_FOUND identity.not_set_up
bool company_change(struct ctx *c, const struct company *company, uint64_t set, int64_t expected_version);
// Company, built-in roles and the owner in one transaction. ERR_CONFLICT identity.already_set_up. owner: the new user's id (may be NULL).
bool company_setup(struct ctx *c, const struct setup *in, int64_t *owner);
// At start, when the store is open: the key file fits the store (identity.wrong_keys otherwise), and the built-in roles stand.
bool company_check(struct ctx *c);
extern const struct schema company_schema, setup_schema; // setup_schema checks a struct setup, for the command line too
