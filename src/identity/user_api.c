#include "identity/access.h"
#include "identity/identity.h"
#include "identity/totp.h"
#include "identity/user.h"
#include "schema/id.h"
#include "schema/list.h"

static bool user_reply(struct request *rq, struct response *rs, int64_t id)
{
    struct user user;
    if (!user_get(rq->ctx, id, &user))
        return false;
    reply_versioned(rq, rs, &user_schema, &user, user.version);
    return true;
}

static bool user_list_api(struct request *rq, struct response *rs)
{
    struct list_query q;
    struct user *users;
    size_t count;
    if (!list_parse(rq, &user_schema, 1, &q) || !user_list(rq->ctx, &q, &users, &count))
        return false;
    list_write(rq, rs, &user_schema, &q, users, count, offsetof(struct user, id));
    return true;
}

static bool user_get_api(struct request *rq, struct response *rs)
{
    int64_t id;
    return id_param(rq->ctx, "us", rq->params[0], &id) && user_reply(rq, rs, id);
}

static bool user_create_api(struct request *rq, struct response *rs)
{
    struct user *user = rq->in;
    if (!(rq->in_set >> schema_field(&user_in_schema, "capacity") & 1))
        user->capacity = 5;
    if (!user_create(rq->ctx, user) || !user_reply(rq, rs, user->id))
        return false;
    response_header(rs, "location", str_printf(rq->ctx->arena, "/api/v1/users/" STR_FMT, STR_ARG(id_str(rq->ctx->arena, "us", user->id))));
    return true;
}

static bool user_change_api(struct request *rq, struct response *rs)
{
    struct user *in = rq->in, now;
    if (!id_param(rq->ctx, "us", rq->params[0], &in->id) || !user_get(rq->ctx, in->id, &now) || !request_if_match(rq, now.version))
        return false;
    return user_change(rq->ctx, in, rq->in_set, request_header(rq, "if-match").len ? now.version : 0) && user_reply(rq, rs, in->id);
}

static bool user_disable_api(struct request *rq, struct response *rs)
{
    int64_t id;
    return id_param(rq->ctx, "us", rq->params[0], &id) && user_disable(rq->ctx, id) && user_reply(rq, rs, id);
}

static bool user_enable_api(struct request *rq, struct response *rs)
{
    int64_t id;
    return id_param(rq->ctx, "us", rq->params[0], &id) && user_enable(rq->ctx, id) && user_reply(rq, rs, id);
}

static bool user_totp_remove_api(struct request *rq, struct response *rs)
{
    int64_t id;
    struct user user;
    uint64_t perms[2];
    struct ctx *c = rq->ctx;
    if (!id_param(c, "us", rq->params[0], &id) || !user_get(c, id, &user) || !user_perms(c, id, perms))
        return false;
    if (!perms_within(perms, &c->actor))
        return fail(c, ERR_FORBIDDEN, "identity.more_than_own", NULL);
    return totp_remove(c, id);
}

const struct route user_routes[] = {
    {GET, "/api/v1/users", PERM_USER_READ, NULL, &user_schema, user_list_api, ROUTE_LIST, "The staff"},
    {POST, "/api/v1/users", PERM_USER_WRITE, &user_in_schema, &user_schema, user_create_api, ROUTE_CREATES | ROUTE_NO_AUDIT,
     "Create a user"},
    {GET, "/api/v1/users/{id}", PERM_USER_READ, NULL, &user_schema, user_get_api, .summary = "One user"},
    {PATCH, "/api/v1/users/{id}", PERM_USER_WRITE, &user_in_schema, &user_schema, user_change_api, ROUTE_NO_AUDIT, "Change a user"},
    {POST, "/api/v1/users/{id}/disable", PERM_USER_WRITE, NULL, &user_schema, user_disable_api, ROUTE_NO_AUDIT,
     "Disable a user: sessions and tokens end"},
    {POST, "/api/v1/users/{id}/enable", PERM_USER_WRITE, NULL, &user_schema, user_enable_api, ROUTE_NO_AUDIT, "Let a user in again"},
    {DELETE, "/api/v1/users/{id}/totp", PERM_USER_WRITE, NULL, NULL, user_totp_remove_api, ROUTE_NO_AUDIT | ROUTE_EMPTY,
     "Turn a user's second factor off, when it is lost"},
    {0},
};
