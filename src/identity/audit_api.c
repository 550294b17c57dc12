#include "identity/audit.h"
#include "identity/identity.h"
#include "schema/list.h"
#include "schema/perm.h"

static bool audit_list_api(struct request *rq, struct response *rs)
{
    struct list_query q;
    struct audit_entry *entries;
    size_t count;
    if (!list_parse(rq, &audit_schema, 1, &q) || !audit_list(rq->ctx, &q, &entries, &count))
        return false;
    list_write(rq, rs, &audit_schema, &q, entries, count, offsetof(struct audit_entry, id));
    return true;
}

const struct route audit_routes[] = {
    {GET, "/api/v1/audit", PERM_AUDIT_READ, NULL, &audit_schema, audit_list_api, ROUTE_LIST, "The audit log, newest first"},
    {0},
};
