// GET and POST /contacts, GET and PATCH /contacts/{id}. Personal fields are masked by the field table.
#include "crm/contact.h"
#include "schema/id.h"
#include "schema/perm.h"

struct search {
    struct str q;
};
static const struct field search_fields[] = {
    FIELD(_, search, q, F_TEXT, .max = 200, .doc = "A whole e-mail address, phone number, customer id or name, or one word of a name."),
};
static SCHEMA(contact_search_schema, "ContactSearch", struct search, search_fields, "Looking for contacts");

static bool list(struct request *rq, struct response *rs)
{
    struct ctx *c = rq->ctx;
    struct list_query q;
    struct str words = STR("");
    struct contact *contacts;
    size_t count;
    if (!list_parse(rq, &contact_schema, 1, &q))
        return false;
    if (request_query(rq, "q", &words) && str_chars(words) > 200)
        return fail_field(c, STR("q"), "schema.too_long", "200", NULL);
    if (!contact_list(c, &q, str_trim(words), &contacts, &count))
        return false;
    list_write(rq, rs, &contact_schema, &q, contacts, count, offsetof(struct contact, id));
    return true;
}

static bool create(struct request *rq, struct response *rs)
{
    struct contact *in = rq->in;
    if (!contact_create(rq->ctx, in))
        return false;
    reply_versioned(rq, rs, &contact_schema, in, in->version);
    return true;
}

static bool get(struct request *rq, struct response *rs)
{
    int64_t id;
    struct contact p;
    if (!id_param(rq->ctx, "ct", rq->params[0], &id) || !contact_get(rq->ctx, id, &p))
        return false;
    reply_versioned(rq, rs, &contact_schema, &p, p.version);
    return true;
}

static bool change(struct request *rq, struct response *rs)
{
    int64_t id;
    struct contact p;
    if (!id_param(rq->ctx, "ct", rq->params[0], &id) || !contact_get(rq->ctx, id, &p) || !request_if_match(rq, p.version) ||
        !contact_change(rq->ctx, id, rq->in, rq->in_set, p.version) || !contact_get(rq->ctx, id, &p))
        return false;
    reply_versioned(rq, rs, &contact_schema, &p, p.version);
    return true;
}

const struct route contact_routes[] = {
    {GET, "/api/v1/contacts", PERM_CONTACT_READ, NULL, &contact_schema, list, ROUTE_LIST, "List contacts, or look for one",
     &contact_schema, &contact_search_schema},
    {POST, "/api/v1/contacts", PERM_CONTACT_WRITE, &contact_schema, &contact_schema, create, ROUTE_CREATES, "Create a contact"},
    {GET, "/api/v1/contacts/{id}", PERM_CONTACT_READ, NULL, &contact_schema, get, 0, "Get a contact"},
    {PATCH, "/api/v1/contacts/{id}", PERM_CONTACT_WRITE, &contact_schema, &contact_schema, change, 0, "Change a contact"},
    {.path = NULL},
};
