#include "desk/live.h"
#include "desk/wrap_up.h"
#include "schema/id.h"
#include "schema/perm.h"

static bool list(struct request *rq, struct response *rs)
{
    struct wrap_up_code *codes;
    struct list_query q = {.limit = 500};
    size_t count;
    if (!wrap_up_list(rq->ctx, &codes, &count))
        return false;
    list_write(rq, rs, &wrap_up_code_schema, &q, codes, count, offsetof(struct wrap_up_code, id));
    return true;
}
static bool create(struct request *rq, struct response *rs)
{
    struct wrap_up_code *in = rq->in;
    if (!(rq->in_set >> schema_field(&wrap_up_code_schema, "enabled") & 1))
        in->enabled = true;
    if (!wrap_up_create(rq->ctx, in))
        return false;
    rs->status = 201;
    reply_versioned(rq, rs, &wrap_up_code_schema, in, in->version);
    return true;
}
static bool change(struct request *rq, struct response *rs)
{
    struct wrap_up_code *in = rq->in, was = {0};
    int64_t id;
    if (!id_param(rq->ctx, "wu", rq->params[0], &id) || !wrap_up_get(rq->ctx, id, &was) || !request_if_match(rq, was.version))
        return false;
    in->id = id;
    if (!wrap_up_change(rq->ctx, in, rq->in_set, was.version))
        return false;
    reply_versioned(rq, rs, &wrap_up_code_schema, in, in->version);
    return true;
}

const struct route wrap_up_routes[] = {
    {GET, "/api/v1/wrap-up-codes", PERM_CONVERSATION_READ, NULL, &wrap_up_code_schema, list, ROUTE_LIST, "Wrap-up codes"},
    {POST, "/api/v1/wrap-up-codes", PERM_INBOX_WRITE, &wrap_up_code_schema, &wrap_up_code_schema, create, ROUTE_CREATES,
     "Add a wrap-up code"},
    {PATCH, "/api/v1/wrap-up-codes/{id}", PERM_INBOX_WRITE, &wrap_up_code_schema, &wrap_up_code_schema, change,
     .summary = "Rename, move, switch off a wrap-up code"},
    {0},
};
