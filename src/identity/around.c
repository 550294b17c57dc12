// What happens around the handler of every changing route: body, idempotency, status, audit (access.h says what the rooms may count on).
#include "base/log.h"
#include "identity/access.h"
#include "identity/audit.h"
#include "identity/idempotency.h"
#include "schema/schema.h"
#include "store/db.h"

#define API_ROOT "/api/v1/"

static bool is_json(struct str type)
{
    struct str kind;
    return str_split(&type, ';', &kind) && str_eq_nocase(str_trim(kind), STR("application/json"));
}

static bool parse_body(struct request *rq)
{
    const struct route *route = rq->route;
    struct ctx *c = rq->ctx;
    if (!route->in || route->flags & ROUTE_UPLOAD)
        return true;
    struct str body = rq->body;
    if (!body.len && route->flags & ROUTE_OPTIONAL_BODY)
        body = STR("{}");
    else if (body.len && !is_json(request_header(rq, "content-type")))
        return fail(c, ERR_MEDIA_TYPE, "identity.json_needed", NULL);
    rq->in = arena_alloc(c->arena, route->in->size);
    return schema_parse(c, route->in, body, route->method == PATCH, rq->in, &rq->in_set);
}

static bool is_param(struct str part)
{
    return part.len && part.at[0] == '{';
}

static void add_word(struct buf *b, struct str word)
{
    for (size_t i = 0; i < word.len; i++)
        buf_putc(b, word.at[i] == '-' ? '_' : word.at[i]);
}

static void add_singular(struct buf *b, struct str word)
{
    if (str_ends(word, STR("xes")))
        word.len -= 2;
    else if (str_ends(word, STR("s")) && !str_ends(word, STR("ss")))
        word.len--;
    add_word(b, word);
}

// POST /contacts → contact.create, POST /conversations/{id}/resolve → conversation.resolve,
// PATCH /wrap-up-codes/{id} → wrap_up_code.change, POST /knowledge/import → knowledge.import, DELETE /users/{id}/totp → user.totp_delete
static struct str action_of(struct arena *a, const struct route *route)
{
    static const char *const verbs[METHOD_COUNT] = {[POST] = "create", [PUT] = "replace", [PATCH] = "change", [DELETE] = "delete"};
    struct str rest = str_of(route->path), part;
    struct buf b = {.arena = a};
    if (str_starts(rest, STR(API_ROOT)))
        rest = str_sub(rest, strlen(API_ROOT), rest.len);
    bool word = false;
    for (size_t i = 0; rest.len && str_split(&rest, '/', &part); i++) {
        if (is_param(part) || !part.len)
            continue;
        if (b.len)
            buf_putc(&b, word ? '_' : '.');
        word = b.len > 0;
        if (word)
            add_word(&b, part);
        else
            add_singular(&b, part);
    }
    const char *verb = verbs[route->method] ? verbs[route->method] : "change";
    if (!word)
        buf_putc(&b, '.');
    if (!word || route->method != POST || route->flags & ROUTE_CREATES)
        buf_printf(&b, "%s%s", word ? "_" : "", verb);
    return buf_str(&b);
}

static struct str object_of(struct request *rq, const struct response *rs)
{
    struct ctx *c = rq->ctx;
    if (rq->params[0].len && strchr(rq->route->path, '{'))
        return str_clip(rq->params[0], 80);
    struct str id = STR("");
    struct str body = buf_str(&rs->body);
    struct json *answer = body.len && body.at[0] == '{' ? json_read(c, body, (struct json_limits){0}) : NULL;
    if (answer)
        id = str_dup(c->arena, json_text(json_get(answer, "id")));
    else
        error_clear(c->err);
    json_free(answer);
    return str_clip(id, 80);
}

static struct str members_of(struct request *rq)
{
    const struct schema *s = rq->route->in;
    struct json_out o = json_begin(rq->ctx->arena);
    json_open(&o, NULL, '{');
    if (s && rq->in && rq->in_set) {
        json_open(&o, "members", '[');
        for (size_t i = 0; i < s->count; i++)
            if (rq->in_set >> i & 1)
                json_put_z(&o, NULL, s->fields[i].name);
        json_close(&o, ']');
    }
    json_close(&o, '}');
    return buf_str(&o.buf);
}

struct afterwards {
    struct request *rq;
    struct response *rs;
    struct idempotent *key;
    bool audit;
};

static bool write_afterwards(struct ctx *c, void *arg)
{
    struct afterwards *w = arg;
    if (w->audit) {
        const char *action = str_z(c->arena, action_of(c->arena, w->rq->route));
        if (!audit_add(c, action, object_of(w->rq, w->rs), members_of(w->rq)))
            return false;
    }
    return idempotency_keep(c, w->key, w->rs);
}

bool access_around(struct request *rq, struct response *rs, bool (*handler)(struct request *, struct response *))
{
    struct ctx *c = rq->ctx;
    const struct route *route = rq->route;
    struct idempotent key = {0};
    bool replayed = false;
    if (rq->method == GET || rq->method == HEAD || rq->method == OPTIONS)
        return handler(rq, rs);
    if (!parse_body(rq))
        return false;
    if (route->flags & ROUTE_CREATES && !idempotency_begin(rq, rs, &key, &replayed))
        return false;
    if (replayed)
        return true;
    if (!handler(rq, rs)) {
        idempotency_forget(c, &key);
        return false;
    }
    struct afterwards after = {rq, rs, &key, !(route->flags & ROUTE_NO_AUDIT)};
    if ((after.audit || key.taken) && !store_write(c, write_afterwards, &after)) {
        // The change is made and must not be reported as failed, or it would be made again.
        LOG_ERROR("audit.missed", "path", route->path, "why", c->err->key ? c->err->key : "", NULL);
        error_clear(c->err);
    }
    return true;
}
