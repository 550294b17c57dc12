#include "identity/access.h"
#include "identity/identity.h"
#include "identity/role.h"
#include "schema/id.h"
#include "schema/list.h"

static const struct field role_fields[] = {
    FIELD(_, role, id, F_ID, .prefix = "ro", .column = "r.id", .flags = FIELD_READ_ONLY | FIELD_REQUIRED),
    FIELD(_, role, key, F_TEXT, .column = "r.key", .flags = FIELD_READ_ONLY | FIELD_FILTER,
          .doc = "Of a built-in role; empty: the company's own."),
    FIELD(_, role, name, F_TEXT, .max = 60, .column = "r.name", .flags = FIELD_REQUIRED),
    FIELD(_, role, built_in, F_BOOL, .flags = FIELD_READ_ONLY),
    FIELD(_, role, permissions, F_TEXTS, .max = PERM_COUNT, .flags = FIELD_REQUIRED,
          .doc = "Names from GET /permissions, within one's own."),
    FIELD(_, role, users, F_INT, .flags = FIELD_READ_ONLY, .doc = "How many have it."),
    FIELD(_, role, version, F_INT, .flags = FIELD_READ_ONLY),
    FIELD(_, role, created_at, F_TIME, .flags = FIELD_READ_ONLY | FIELD_REQUIRED),
    FIELD(_, role, updated_at, F_TIME, .flags = FIELD_READ_ONLY | FIELD_REQUIRED),
};
static SCHEMA(role_schema, "Role", struct role, role_fields, "A bundle of permissions.");

struct permission {
    struct str name;
};
static const struct field permission_fields[] = {
    FIELD(_, permission, name, F_TEXT, .flags = FIELD_REQUIRED),
};
static SCHEMA(permission_schema, "Permission", struct permission, permission_fields, "Something that a role may allow.");

static bool role_list_api(struct request *rq, struct response *rs)
{
    struct list_query q;
    struct role *roles;
    size_t count;
    if (!list_parse(rq, &role_schema, 1, &q) || !role_list(rq->ctx, &q, &roles, &count))
        return false;
    list_write(rq, rs, &role_schema, &q, roles, count, offsetof(struct role, id));
    return true;
}

static bool role_reply(struct request *rq, struct response *rs, int64_t id)
{
    struct role role;
    if (!role_get(rq->ctx, id, &role))
        return false;
    reply_versioned(rq, rs, &role_schema, &role, role.version);
    return true;
}

static bool role_get_api(struct request *rq, struct response *rs)
{
    int64_t id;
    return id_param(rq->ctx, "ro", rq->params[0], &id) && role_reply(rq, rs, id);
}

static bool role_create_api(struct request *rq, struct response *rs)
{
    struct role *role = rq->in;
    return role_create(rq->ctx, role) && role_reply(rq, rs, role->id);
}

static bool role_change_api(struct request *rq, struct response *rs)
{
    struct role *in = rq->in, now;
    if (!id_param(rq->ctx, "ro", rq->params[0], &in->id) || !role_get(rq->ctx, in->id, &now) || !request_if_match(rq, now.version))
        return false;
    in->version = request_header(rq, "if-match").len ? now.version : 0;
    bool name = rq->in_set >> schema_field(&role_schema, "name") & 1;
    bool permissions = rq->in_set >> schema_field(&role_schema, "permissions") & 1;
    return role_change(rq->ctx, in, name, permissions) && role_reply(rq, rs, in->id);
}

static bool role_delete_api(struct request *rq, struct response *rs)
{
    int64_t id;
    return id_param(rq->ctx, "ro", rq->params[0], &id) && role_delete(rq->ctx, id);
}

static bool permission_list_api(struct request *rq, struct response *rs)
{
    struct list_query q = {.limit = PERM_COUNT};
    struct permission all[PERM_COUNT];
    for (int p = 0; p < PERM_COUNT; p++)
        all[p].name = str_of(perm_name((enum perm)p));
    list_write(rq, rs, &permission_schema, &q, all, PERM_COUNT, 0);
    return true;
}

const struct route role_routes[] = {
    {GET, "/api/v1/roles", PERM_ROLE_READ, NULL, &role_schema, role_list_api, ROUTE_LIST, "Roles"},
    {POST, "/api/v1/roles", PERM_ROLE_WRITE, &role_schema, &role_schema, role_create_api, ROUTE_CREATES | ROUTE_NO_AUDIT,
     "Create a role"},
    {GET, "/api/v1/roles/{id}", PERM_ROLE_READ, NULL, &role_schema, role_get_api, .summary = "One role"},
    {PATCH, "/api/v1/roles/{id}", PERM_ROLE_WRITE, &role_schema, &role_schema, role_change_api, ROUTE_NO_AUDIT,
     "Change a role of the company's own"},
    {DELETE, "/api/v1/roles/{id}", PERM_ROLE_WRITE, NULL, NULL, role_delete_api, ROUTE_NO_AUDIT | ROUTE_EMPTY,
     "Delete a role that nobody has"},
    {GET, "/api/v1/permissions", PERM_ROLE_READ, NULL, &permission_schema, permission_list_api, ROUTE_LIST, "All permissions"},
    {0},
};
