#include "identity/identity.h"
#include "identity/token.h"
#include "schema/id.h"
#include "schema/list.h"

static bool token_list_api(struct request *rq, struct response *rs)
{
    struct list_query q;
    struct api_token *tokens;
    size_t count;
    if (!list_parse(rq, &token_schema, 1, &q) || !token_list(rq->ctx, &q, &tokens, &count))
        return false;
    list_write(rq, rs, &token_schema, &q, tokens, count, offsetof(struct api_token, id));
    return true;
}

static bool token_create_api(struct request *rq, struct response *rs)
{
    struct api_token *token = rq->in;
    if (!token_create(rq->ctx, token))
        return false;
    response_header(rs, "cache-control", STR("no-store"));
    reply(rq, rs, &token_schema, token);
    return true;
}

static bool token_delete_api(struct request *rq, struct response *rs)
{
    int64_t id;
    return id_param(rq->ctx, "to", rq->params[0], &id) && token_delete(rq->ctx, id);
}

const struct route token_routes[] = {
    {GET, "/api/v1/tokens", PERM_TOKEN_WRITE, NULL, &token_schema, token_list_api, ROUTE_LIST,
     "API tokens: one's own, or all with user.write"},
    {POST, "/api/v1/tokens", PERM_TOKEN_WRITE, &token_schema, &token_schema, token_create_api, ROUTE_CREATES | ROUTE_NO_AUDIT,
     "Create an API token; its value is shown this once"},
    {DELETE, "/api/v1/tokens/{id}", PERM_TOKEN_WRITE, NULL, NULL, token_delete_api, ROUTE_NO_AUDIT | ROUTE_EMPTY, "End an API token"},
    {0},
};
