#include "desk/live.h"
#include "schema/id.h"
#include "schema/perm.h"

static bool list(struct request *rq, struct response *rs)
{
    struct list_query q;
    struct inbox *inboxes;
    size_t count;
    if (!list_parse(rq, &inbox_schema, 1, &q) || !inbox_list(rq->ctx, &q, &inboxes, &count))
        return false;
    list_write(rq, rs, &inbox_schema, &q, inboxes, count, offsetof(struct inbox, id));
    return true;
}
static bool create(struct request *rq, struct response *rs)
{
    struct inbox *in = rq->in;
    // What is not said: a bot answers first, and the inbox works.
    if (!(rq->in_set >> schema_field(&inbox_schema, "bot") & 1))
        in->bot = true;
    if (!(rq->in_set >> schema_field(&inbox_schema, "enabled") & 1))
        in->enabled = true;
    if (!inbox_create(rq->ctx, in))
        return false;
    rs->status = 201;
    reply_versioned(rq, rs, &inbox_schema, in, in->version);
    return true;
}
static bool get(struct request *rq, struct response *rs)
{
    struct inbox inbox;
    int64_t id;
    if (!id_param(rq->ctx, "ib", rq->params[0], &id) || !inbox_get(rq->ctx, id, &inbox))
        return false;
    reply_versioned(rq, rs, &inbox_schema, &inbox, inbox.version);
    return true;
}
static bool change(struct request *rq, struct response *rs)
{
    struct inbox *in = rq->in, was = {0};
    int64_t id;
    if (!id_param(rq->ctx, "ib", rq->params[0], &id) || !inbox_get(rq->ctx, id, &was) || !request_if_match(rq, was.version))
        return false;
    in->id = id;
    if (!inbox_change(rq->ctx, in, rq->in_set, was.version))
        return false;
    reply_versioned(rq, rs, &inbox_schema, in, in->version);
    return true;
}

struct secret {
    struct str secret;
};
static const struct field secret_fields[] = {FIELD(_, secret, secret, F_TEXT, .doc = "Shown once.")};
static SCHEMA(secret_schema, "InboxSecret", struct secret, secret_fields, "The key of signed identities.");
static bool secret(struct request *rq, struct response *rs)
{
    struct secret out;
    int64_t id;
    if (!id_param(rq->ctx, "ib", rq->params[0], &id) || !inbox_new_secret(rq->ctx, id, &out.secret))
        return false;
    reply(rq, rs, &secret_schema, &out);
    return true;
}

const struct route inbox_routes[] = {
    {GET, "/api/v1/inboxes", PERM_INBOX_READ, NULL, &inbox_schema, list, ROUTE_LIST, "Inboxes", &inbox_schema},
    {POST, "/api/v1/inboxes", PERM_INBOX_WRITE, &inbox_schema, &inbox_schema, create, ROUTE_CREATES, "Create an inbox"},
    {GET, "/api/v1/inboxes/{id}", PERM_INBOX_READ, NULL, &inbox_schema, get, .summary = "One inbox"},
    {PATCH, "/api/v1/inboxes/{id}", PERM_INBOX_WRITE, &inbox_schema, &inbox_schema, change, .summary = "Change an inbox"},
    {POST, "/api/v1/inboxes/{id}/secret", PERM_INBOX_WRITE, NULL, &secret_schema, secret,
     .summary = "Make a new secret for signed identities; the old one ends"},
    {0},
};
