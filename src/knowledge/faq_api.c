#include "knowledge/faq.h"
#include "schema/id.h"
#include "schema/perm.h"
#include "schema/schema.h"

static bool faq_reply(struct request *rq, struct response *rs, const struct faq *faq)
{
    reply_versioned(rq, rs, &faq_schema, faq, faq->version);
    return true;
}

static bool faq_list_api(struct request *rq, struct response *rs)
{
    struct list_query q;
    struct faq *faqs;
    size_t count;
    if (!list_parse(rq, &faq_schema, 1, &q) || !faq_list(rq->ctx, &q, &faqs, &count))
        return false;
    list_write(rq, rs, &faq_schema, &q, faqs, count, offsetof(struct faq, id));
    return true;
}

static bool faq_get_api(struct request *rq, struct response *rs)
{
    int64_t id;
    struct faq faq;
    return id_param(rq->ctx, "kf", rq->params[0], &id) && faq_get(rq->ctx, id, &faq) && faq_reply(rq, rs, &faq);
}

static bool faq_create_api(struct request *rq, struct response *rs)
{
    struct faq *faq = rq->in;
    if (!(rq->in_set >> schema_field(&faq_schema, "enabled") & 1))
        faq->enabled = true;
    return faq_create(rq->ctx, faq) && faq_reply(rq, rs, faq);
}

// Without If-Match the last one wins, as the client wants it.
static bool faq_version(struct request *rq, int64_t id, int64_t *version)
{
    struct faq now;
    if (!faq_get(rq->ctx, id, &now) || !request_if_match(rq, now.version))
        return false;
    *version = request_header(rq, "if-match").len ? now.version : 0;
    return true;
}

static bool faq_change_api(struct request *rq, struct response *rs)
{
    struct faq *in = rq->in;
    int64_t version;
    return id_param(rq->ctx, "kf", rq->params[0], &in->id) && faq_version(rq, in->id, &version) &&
           faq_change(rq->ctx, in, rq->in_set, version) && faq_reply(rq, rs, in);
}

static bool faq_delete_api(struct request *rq, struct response *rs)
{
    int64_t id, version;
    return id_param(rq->ctx, "kf", rq->params[0], &id) && faq_version(rq, id, &version) && faq_delete(rq->ctx, id, version);
}

const struct route faq_routes[] = {
    {GET, "/api/v1/faqs", PERM_KNOWLEDGE_READ, NULL, &faq_schema, faq_list_api, ROUTE_LIST, "FAQs", &faq_schema},
    {POST, "/api/v1/faqs", PERM_KNOWLEDGE_WRITE, &faq_schema, &faq_schema, faq_create_api, ROUTE_CREATES, "Create an FAQ"},
    {GET, "/api/v1/faqs/{id}", PERM_KNOWLEDGE_READ, NULL, &faq_schema, faq_get_api, 0, "One FAQ"},
    {PATCH, "/api/v1/faqs/{id}", PERM_KNOWLEDGE_WRITE, &faq_schema, &faq_schema, faq_change_api, 0, "Change an FAQ"},
    {DELETE, "/api/v1/faqs/{id}", PERM_KNOWLEDGE_WRITE, NULL, NULL, faq_delete_api, ROUTE_EMPTY, "Delete an FAQ"},
    {0},
};
