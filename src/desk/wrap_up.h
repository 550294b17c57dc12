// Wrap-up codes: how a conversation ended, chosen by the agent from the company's list.
#pragma once
#include "schema/schema.h"

struct wrap_up_name {
    struct str zh_CN, en_US;
};
struct wrap_up_code {
    int64_t id;
    struct str code; // stable: a-z 0-9 _ -
    struct wrap_up_name *name;
    bool enabled;
    int64_t position, version, created_at, updated_at;
};
bool wrap_up_create(struct ctx *c, struct wrap_up_code *code);
bool wrap_up_change(struct ctx *c, struct wrap_up_code *code, uint64_t set, int64_t expected_version);
bool wrap_up_get(struct ctx *c, int64_t id, struct wrap_up_code *out);
bool wrap_up_list(struct ctx *c, struct wrap_up_code **codes, size_t *count); // by position
bool wrap_up_known(struct ctx *c, struct str code, bool *known);              // an enabled one
bool wrap_up_ensure(struct ctx *c); // the usual codes stand when there is none
extern const struct schema wrap_up_code_schema;
extern const struct route wrap_up_routes[];
