#include "identity/company.h"
#include "identity/access.h"
#include "identity/identity.h"
#include "identity/session_api.h"

static bool company_get_api(struct request *rq, struct response *rs)
{
    struct company company;
    if (!company_get(rq->ctx, &company))
        return false;
    reply_versioned(rq, rs, &company_schema, &company, company.version);
    return true;
}

static bool company_change_api(struct request *rq, struct response *rs)
{
    struct company now;
    if (!company_get(rq->ctx, &now) || !request_if_match(rq, now.version) ||
        !company_change(rq->ctx, rq->in, rq->in_set, request_header(rq, "if-match").len ? now.version : 0))
        return false;
    return company_get_api(rq, rs);
}

struct setup_state {
    bool needed;
};
static const struct field setup_state_fields[] = {
    FIELD(_, setup_state, needed, F_BOOL, .flags = FIELD_REQUIRED),
};
static SCHEMA(setup_state_schema, "SetupState", struct setup_state, setup_state_fields, "Whether there is no company yet.");

static bool setup_get_api(struct request *rq, struct response *rs)
{
    bool exists;
    if (!company_exists(rq->ctx, &exists))
        return false;
    reply(rq, rs, &setup_state_schema, &(struct setup_state){!exists});
    return true;
}

static bool setup_api(struct request *rq, struct response *rs)
{
    int64_t owner;
    struct str token;
    if (!company_setup(rq->ctx, rq->in, &owner) || !session_start(rq->ctx, owner, &token))
        return false;
    rs->status = 201;
    return session_reply(rq, rs, token);
}

const struct route company_routes[] = {
    {GET, "/api/v1/company", PERM_SIGNED_IN, NULL, &company_schema, company_get_api, .summary = "The company"},
    {PATCH, "/api/v1/company", PERM_COMPANY_WRITE, &company_schema, &company_schema, company_change_api, ROUTE_NO_AUDIT,
     "Change the company"},
    {GET, "/api/v1/setup", PERM_PUBLIC, NULL, &setup_state_schema, setup_get_api, .summary = "Whether this installation is set up"},
    {POST, "/api/v1/setup", PERM_PUBLIC, &setup_schema, &session_out_schema, setup_api, ROUTE_NO_AUDIT,
     "Set up company and owner, once, and sign the owner in"},
    {0},
};
