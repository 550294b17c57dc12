#include "identity/idempotency.h"

#include <stdlib.h>

#include "identity/crypt.h"
#include "store/db.h"

SQL(idempotency_clean, "DELETE FROM idempotency WHERE created_at < ?1");
SQL(idempotency_take,
    "INSERT INTO idempotency (actor, route, name, body_hash, status, created_at) VALUES (?1, ?2, ?3, ?4, 0, ?5) "
    "ON CONFLICT (actor, route, name) DO NOTHING");
SQL(idempotency_read, "SELECT body_hash, status, answer FROM idempotency WHERE actor = ?1 AND route = ?2 AND name = ?3");
SQL(idempotency_write, "UPDATE idempotency SET status = ?1, answer = ?2 WHERE actor = ?3 AND route = ?4 AND name = ?5");
SQL(idempotency_drop, "DELETE FROM idempotency WHERE actor = ?1 AND route = ?2 AND name = ?3 AND status = 0");

enum { LONGEST_KEY = 200, LONGEST_ANSWER = 64 * 1024 };
#define CONTEXT "idempotency.answer" // sealed: the answer to a new token holds the token

static bool take_now(struct ctx *c, void *arg)
{
    struct idempotent *i = arg;
    usec now = clock_now(c->clock);
    if (!db_exec(c, &idempotency_clean, "i", now - DAY) ||
        !db_exec(c, &idempotency_take, "ssssi", i->actor, i->route, i->key, i->body, now))
        return false;
    i->taken = db_changed(c) == 1;
    return true;
}

// "201 LENGTH\n", the headers, the body.
static bool replay(struct request *rq, struct response *rs, int64_t status, struct str sealed)
{
    struct str text, head, number;
    int64_t length;
    if (!field_open(rq->ctx, CONTEXT, sealed, &text))
        return false;
    if (!str_split(&text, '\n', &number) || !str_int(number, &length) || length < 0 || (size_t)length > text.len)
        return fail(rq->ctx, ERR_INTERNAL, "internal", NULL);
    head = str_sub(text, 0, (size_t)length);
    rs->status = (int)status;
    rs->headers = head;
    rs->body = (struct buf){.arena = rq->ctx->arena};
    buf_str_add(&rs->body, str_sub(text, (size_t)length, text.len));
    response_header(rs, "idempotency-replayed", STR("true"));
    return true;
}

bool idempotency_begin(struct request *rq, struct response *rs, struct idempotent *i, bool *replayed)
{
    struct ctx *c = rq->ctx;
    struct str key = request_header(rq, "idempotency-key");
    *replayed = false;
    *i = (struct idempotent){0};
    if (!key.len || c->actor.kind == ACTOR_NOBODY)
        return true;
    for (size_t at = 0; at < key.len; at++)
        if (key.len > LONGEST_KEY || key.at[at] <= ' ' || key.at[at] > '~')
            return fail(c, ERR_MALFORMED, "identity.key_malformed", NULL);
    i->actor = str_printf(c->arena, "%s:%lld", c->actor.kind == ACTOR_VISITOR ? "visitor" : "user", (long long)c->actor.id);
    i->route = str_printf(c->arena, "%d " STR_FMT, (int)rq->method, STR_ARG(rq->path));
    i->key = key;
    i->body = field_lookup_hash(c, "idempotency.body", rq->body.len ? rq->body : STR("{}"));
    if (!store_write(c, take_now, i))
        return false;
    if (i->taken)
        return true;
    struct rows r;
    struct str body = STR(""), answer = STR("");
    int64_t status = 0;
    db_query(c, &r, &idempotency_read, "sss", i->actor, i->route, i->key);
    if (rows_next(&r)) {
        body = rows_str(&r, 0);
        status = rows_int(&r, 1);
        answer = rows_bytes(&r, 2);
    }
    if (!rows_done(&r))
        return false;
    if (body.len && !str_eq(body, i->body))
        return fail(c, ERR_INVALID, "identity.key_other_body", NULL);
    if (!status)
        return fail(c, ERR_CONFLICT, "identity.key_running", NULL);
    *replayed = true;
    return replay(rq, rs, status, answer);
}

bool idempotency_keep(struct ctx *c, struct idempotent *i, const struct response *rs)
{
    if (!i->taken || rs->body.len + rs->headers.len > LONGEST_ANSWER) // then a second try hears identity.key_running
        return true;
    struct buf b = {.arena = c->arena};
    buf_printf(&b, "%zu\n", rs->headers.len);
    buf_str_add(&b, rs->headers);
    buf_str_add(&b, buf_str(&rs->body));
    return db_exec(c, &idempotency_write, "ibsss", (int64_t)rs->status, field_seal(c, CONTEXT, buf_str(&b)), i->actor, i->route, i->key);
}

static bool drop_now(struct ctx *c, void *arg)
{
    const struct idempotent *i = arg;
    return db_exec(c, &idempotency_drop, "sss", i->actor, i->route, i->key);
}

void idempotency_forget(struct ctx *c, struct idempotent *i)
{
    if (!i->taken)
        return;
    struct error kept = *c->err;
    store_write(c, drop_now, i);
    *c->err = kept;
}
