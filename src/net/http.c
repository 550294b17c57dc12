#include "net/core.h"

#include "base/error.h"
#include "net/parse.h"

static const struct exchange *exchange_of(const struct request *rq)
{
    return rq->net;
}

struct str request_header(const struct request *rq, const char *name)
{
    const struct exchange *x = exchange_of(rq);
    for (size_t i = 0; x && i < x->header_count; i++)
        if (str_is(x->headers[i].name, name))
            return x->headers[i].value;
    return STR("");
}

struct str request_cookie(const struct request *rq, const char *name)
{
    // HTTP/2 may send each cookie as a line of its own.
    const struct exchange *x = exchange_of(rq);
    struct str want = str_of(name);
    for (size_t i = 0; x && i < x->header_count; i++) {
        struct str rest = x->headers[i].value, part;
        if (!str_is(x->headers[i].name, "cookie"))
            continue;
        while (str_split(&rest, ';', &part)) {
            part = str_trim(part);
            if (part.len > want.len && part.at[want.len] == '=' && str_starts(part, want))
                return str_sub(part, want.len + 1, part.len);
        }
    }
    return STR("");
}

bool request_query(const struct request *rq, const char *name, struct str *value)
{
    struct str rest = rq->query, part;
    while (rest.len && str_split(&rest, '&', &part)) {
        struct str key = part, raw = STR(""), decoded;
        size_t equals;
        if (str_find(part, STR("="), &equals)) {
            key = str_sub(part, 0, equals);
            raw = str_sub(part, equals + 1, part.len);
        }
        if (query_decode(rq->ctx->arena, key, &decoded) && str_is(decoded, name))
            return query_decode(rq->ctx->arena, raw, value);
    }
    return false;
}

static void header_line(struct arena *a, struct response *rs, const char *name, struct str value)
{
    ASSERT(!memchr(value.at, '\r', value.len) && !memchr(value.at, '\n', value.len) && !memchr(value.at, 0, value.len),
           "a header's value holds no line break");
    rs->headers = str_printf(a, STR_FMT "%s: " STR_FMT "\r\n", STR_ARG(rs->headers), name, STR_ARG(value));
}

void response_header(struct response *rs, const char *name, struct str value)
{
    ASSERT(rs->body.arena, "a response has an arena");
    header_line(rs->body.arena, rs, name, value);
}

void response_cookie(struct request *rq, struct response *rs, const char *name, struct str value, int64_t max_age_seconds)
{
    header_line(rq->ctx->arena, rs, "set-cookie",
                str_printf(rq->ctx->arena, "%s=" STR_FMT "; Path=/; HttpOnly; SameSite=Lax; Max-Age=%lld%s", name, STR_ARG(value),
                           (long long)max_age_seconds, rq->tls ? "; Secure" : ""));
}

bool response_redirect(struct response *rs, int status, struct str location)
{
    rs->status = status;
    rs->type = "text/plain; charset=utf-8";
    rs->body.len = 0;
    response_header(rs, "location", location);
    return true;
}

void response_problem(const struct request *rq, struct response *rs)
{
    struct error *e = rq->ctx->err;
    if (e->code == ERR_NONE) {
        e->code = ERR_INTERNAL;
        e->key = "internal";
    }
    problem_write(rq, rs, error_http_status(e->code));
}

void problem_write(const struct request *rq, struct response *rs, int status)
{
    struct ctx *c = rq->ctx;
    struct error *e = c->err;
    rs->status = status;
    rs->type = "application/problem+json";
    rs->headers = STR("");
    rs->body = (struct buf){.arena = c->arena};
    rs->file_fd = -1;
    const char *key = e->key ? e->key : "internal";
    struct json_out o = {.buf = rs->body};
    json_open(&o, NULL, '{');
    json_put_z(&o, "type", "about:blank");
    json_put_str(&o, "title", message_text(c->arena, c->lang, key, e->args, 3));
    json_put_int(&o, "status", rs->status);
    json_put_z(&o, "code", key);
    if (e->field_count) {
        json_open(&o, "errors", '[');
        for (size_t i = 0; i < e->field_count; i++) {
            struct field_error *f = &e->fields[i];
            json_open(&o, NULL, '{');
            json_put_str(&o, "pointer", str_printf(c->arena, "/" STR_FMT, STR_ARG(f->field)));
            json_put_z(&o, "code", f->key);
            json_put_str(&o, "detail", message_text(c->arena, c->lang, f->key, f->args, 3));
            json_close(&o, '}');
        }
        json_close(&o, ']');
    }
    if (e->retry_after)
        json_put_int(&o, "retry_after", e->retry_after);
    json_close(&o, '}');
    rs->body = o.buf;
    if (e->retry_after)
        response_header(rs, "retry-after", str_printf(c->arena, "%d", e->retry_after));
    if (rs->status == 401)
        response_header(rs, "www-authenticate", STR("Bearer"));
}
