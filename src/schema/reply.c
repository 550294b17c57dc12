#include "schema/schema.h"

void reply(struct request *rq, struct response *rs, const struct schema *s, const void *in)
{
    struct json_out o = {.buf = rs->body};
    o.buf.arena = rq->ctx->arena;
    schema_write(rq->ctx, s, in, &o, NULL);
    rs->body = o.buf;
}

void reply_versioned(struct request *rq, struct response *rs, const struct schema *s, const void *in, int64_t version)
{
    if (version > 0)
        response_header(rs, "etag", str_printf(rq->ctx->arena, "\"%lld\"", (long long)version));
    reply(rq, rs, s, in);
}

bool request_if_match(struct request *rq, int64_t version)
{
    struct str rest = request_header(rq, "if-match"), part;
    if (!rest.len)
        return true;
    struct str now = str_printf(rq->ctx->arena, "\"%lld\"", (long long)version);
    while (str_split(&rest, ',', &part)) {
        part = str_trim(part);
        if (str_is(part, "*") || str_eq(part, now))
            return true;
    }
    return fail(rq->ctx, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
}
