#include "knowledge/article.h"
#include "schema/id.h"
#include "schema/perm.h"

static bool article_reply(struct request *rq, struct response *rs, const struct article *article)
{
    reply_versioned(rq, rs, &article_schema, article, article->version);
    return true;
}

static bool article_list_api(struct request *rq, struct response *rs)
{
    struct list_query q;
    struct article *articles;
    size_t count;
    if (!list_parse(rq, &article_schema, 1, &q) || !article_list(rq->ctx, &q, &articles, &count))
        return false;
    list_write(rq, rs, &article_schema, &q, articles, count, offsetof(struct article, id));
    return true;
}

static bool article_get_api(struct request *rq, struct response *rs)
{
    int64_t id;
    struct article article;
    return id_param(rq->ctx, "ka", rq->params[0], &id) && article_get(rq->ctx, id, &article) && article_reply(rq, rs, &article);
}

static bool article_create_api(struct request *rq, struct response *rs)
{
    struct article *article = rq->in;
    return article_create(rq->ctx, article) && article_reply(rq, rs, article);
}

static bool article_version(struct request *rq, int64_t id, int64_t *version)
{
    struct article now;
    if (!article_get(rq->ctx, id, &now) || !request_if_match(rq, now.version))
        return false;
    *version = request_header(rq, "if-match").len ? now.version : 0;
    return true;
}

static bool article_change_api(struct request *rq, struct response *rs)
{
    struct article *in = rq->in;
    int64_t version;
    return id_param(rq->ctx, "ka", rq->params[0], &in->id) && article_version(rq, in->id, &version) &&
           article_change(rq->ctx, in, rq->in_set, version) && article_reply(rq, rs, in);
}

static bool article_delete_api(struct request *rq, struct response *rs)
{
    int64_t id, version;
    return id_param(rq->ctx, "ka", rq->params[0], &id) && article_version(rq, id, &version) && article_delete(rq->ctx, id, version);
}

const struct route article_routes[] = {
    {GET, "/api/v1/articles", PERM_KNOWLEDGE_READ, NULL, &article_schema, article_list_api, ROUTE_LIST, "Articles", &article_schema},
    {POST, "/api/v1/articles", PERM_KNOWLEDGE_WRITE, &article_schema, &article_schema, article_create_api, ROUTE_CREATES,
     "Create an article"},
    {GET, "/api/v1/articles/{id}", PERM_KNOWLEDGE_READ, NULL, &article_schema, article_get_api, 0, "One article"},
    {PATCH, "/api/v1/articles/{id}", PERM_KNOWLEDGE_WRITE, &article_schema, &article_schema, article_change_api, 0, "Change an article"},
    {DELETE, "/api/v1/articles/{id}", PERM_KNOWLEDGE_WRITE, NULL, NULL, article_delete_api, ROUTE_EMPTY, "Delete an article"},
    {0},
};
