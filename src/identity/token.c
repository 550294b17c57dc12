#include "identity/token.h"

#include "base/rand.h"
#include "base/vec.h"
#include "identity/access.h"
#include "identity/audit.h"
#include "identity/session.h"
#include "identity/user.h"
#include "schema/id.h"
#include "schema/list.h"
#include "store/db.h"

SQL(token_insert,
    "INSERT INTO api_token (user_id, name, token_hash, hint, scopes, expires_at, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
    "RETURNING id");
SQL(token_of_user_count, "SELECT COUNT(*) FROM api_token WHERE user_id = ?1");
SQL(token_owner, "SELECT user_id FROM api_token WHERE id = ?1");
SQL(token_remove, "DELETE FROM api_token WHERE id = ?1");
#define TOKEN_USE \
    "SELECT t.id, u.id, u.name, t.scopes, t.last_used_at, t.expires_at FROM api_token t JOIN users u ON u.id = t.user_id " \
    "WHERE u.state = 'active' AND (t.expires_at IS NULL OR t.expires_at > ?2) AND "
SQL(token_by_hash, TOKEN_USE "t.token_hash = ?1");
SQL(token_by_id, TOKEN_USE "t.id = ?1");
SQL(token_used, "UPDATE api_token SET last_used_at = ?1 WHERE id = ?2");
#define TOKEN_LIST \
    "SELECT t.id, t.name, t.hint, t.scopes, t.expires_at, t.last_used_at, t.created_at, u.id, u.name FROM api_token t " \
    "JOIN users u ON u.id = t.user_id WHERE 1 = 1"

static const struct field token_user_fields[] = {
    FIELD(_, token_user, id, F_ID, .prefix = "us", .flags = FIELD_REQUIRED),
    FIELD(_, token_user, name, F_TEXT, .flags = FIELD_REQUIRED),
};
static SCHEMA(token_user_schema, "TokenUser", struct token_user, token_user_fields, "Whose token it is.");
static const struct field token_fields[] = {
    FIELD(_, api_token, id, F_ID, .prefix = "to", .column = "t.id", .flags = FIELD_READ_ONLY | FIELD_REQUIRED),
    FIELD(_, api_token, name, F_TEXT, .max = 120, .flags = FIELD_REQUIRED),
    FIELD(_, api_token, token, F_TEXT, .flags = FIELD_READ_ONLY | FIELD_SKIP_EMPTY, .doc = "Shown once, when it is made."),
    FIELD(_, api_token, hint, F_TEXT, .flags = FIELD_READ_ONLY, .doc = "Its last four characters."),
    FIELD(_, api_token, scopes, F_TEXTS, .max = PERM_COUNT, .min = 1, .flags = FIELD_REQUIRED, .doc = "Permissions, within one's own."),
    FIELD(_, api_token, user, F_OBJECT, .sub = &token_user_schema, .flags = FIELD_READ_ONLY),
    FIELD(_, api_token, expires_at, F_TIME, .doc = "null: never."),
    FIELD(_, api_token, last_used_at, F_TIME, .flags = FIELD_READ_ONLY),
    FIELD(_, api_token, created_at, F_TIME, .flags = FIELD_READ_ONLY | FIELD_REQUIRED),
};
SCHEMA(token_schema, "Token", struct api_token, token_fields, "A key for programs that use the API.");

enum { MOST_TOKENS = 100 };
#define TOUCH_EVERY (5 * MINUTE)

static struct str scope_names(struct ctx *c, const uint64_t perms[2])
{
    struct str_list list = perms_to_names(c->arena, perms);
    return str_join(c->arena, list.at, list.count, STR(" "));
}

struct creation {
    struct api_token *token;
    struct str scopes;
    int64_t id;
};

static bool create_now(struct ctx *c, void *arg)
{
    struct creation *made = arg;
    struct api_token *t = made->token;
    int64_t count;
    if (!db_int(c, &count, NULL, &token_of_user_count, "i", c->actor.id))
        return false;
    if (count >= MOST_TOKENS)
        return fail(c, ERR_CONFLICT, "identity.too_many_tokens", "100", NULL);
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_str(&o, "name", t->name);
    json_put_str(&o, "scopes", made->scopes);
    json_close(&o, '}');
    return db_int(c, &made->id, NULL, &token_insert, "issssIi", c->actor.id, t->name, token_hash(c, t->token), t->hint, made->scopes,
                  t->expires_at, t->created_at) &&
           audit_add(c, "token.create", id_str(c->arena, "to", made->id), buf_str(&o.buf));
}

bool token_create(struct ctx *c, struct api_token *t)
{
    uint64_t perms[2];
    if (c->actor.kind != ACTOR_USER) // or a leaked token would make itself others that outlive it
        return fail(c, ERR_FORBIDDEN, "identity.session_needed", NULL);
    if (!perms_of_names(c, STR("scopes"), &t->scopes, perms))
        return false;
    if (!perms_within(perms, &c->actor))
        return fail(c, ERR_FORBIDDEN, "identity.more_than_own", NULL);
    t->created_at = clock_now(c->clock);
    if (t->expires_at && t->expires_at <= t->created_at)
        return fail_field(c, STR("expires_at"), "identity.expires_in_past", NULL);
    t->token = str_printf(c->arena, "yd_" STR_FMT, STR_ARG(rand_token(c->arena, 32)));
    t->hint = str_sub(t->token, t->token.len - 4, 4);
    t->scopes = perms_to_names(c->arena, perms);
    struct creation made = {.token = t, .scopes = scope_names(c, perms)};
    if (!store_write(c, create_now, &made))
        return false;
    t->id = made.id;
    t->user = ARENA_NEW(c->arena, struct token_user);
    *t->user = (struct token_user){c->actor.id, c->actor.name};
    return true;
}

bool token_list(struct ctx *c, const struct list_query *q, struct api_token **tokens, size_t *count)
{
    struct {
        VEC(struct api_token);
    } list = {0};
    struct rows r;
    struct buf text = {.arena = c->arena};
    buf_puts(&text, TOKEN_LIST);
    if (!actor_may(&c->actor, PERM_USER_WRITE))
        buf_printf(&text, " AND t.user_id = %lld", (long long)c->actor.id);
    buf_printf(&text, STR_FMT STR_FMT " LIMIT %d", STR_ARG(q->where), STR_ARG(q->order), q->limit + 1);
    db_query_built(c, &r, buf_str(&text), q->values, q->count);
    while (rows_next(&r)) {
        uint64_t perms[2];
        struct api_token t = {
            .id = rows_int(&r, 0),
            .name = rows_str(&r, 1),
            .hint = rows_str(&r, 2),
            .expires_at = rows_int(&r, 4),
            .last_used_at = rows_int(&r, 5),
            .created_at = rows_int(&r, 6),
            .user = ARENA_NEW(c->arena, struct token_user),
        };
        *t.user = (struct token_user){rows_int(&r, 7), rows_str(&r, 8)};
        role_perms(STR(""), rows_str(&r, 3), perms);
        t.scopes = perms_to_names(c->arena, perms);
        VEC_PUSH(c->arena, &list, t);
    }
    *tokens = list.at;
    *count = list.count;
    return rows_done(&r);
}

static bool delete_now(struct ctx *c, void *arg)
{
    const int64_t *id = arg;
    int64_t owner;
    bool found;
    if (!db_int(c, &owner, &found, &token_owner, "i", *id))
        return false;
    if (!found || (owner != c->actor.id && !actor_may(&c->actor, PERM_USER_WRITE)))
        return fail(c, ERR_NOT_FOUND, "not_found", NULL);
    return db_exec(c, &token_remove, "i", *id) && audit_add(c, "token.delete", id_str(c->arena, "to", *id), STR(""));
}

bool token_delete(struct ctx *c, int64_t id)
{
    if (!store_write(c, delete_now, &id))
        return false;
    access_changed(c);
    return true;
}

static bool found(struct ctx *c, struct rows *r, struct actor *actor, usec *used, usec *expires, bool *there)
{
    uint64_t scopes[2];
    *there = rows_next(r);
    if (*there) {
        actor->kind = ACTOR_TOKEN;
        actor->session = rows_int(r, 0);
        actor->id = rows_int(r, 1);
        actor->name = rows_str(r, 2);
        role_perms(STR(""), rows_str(r, 3), scopes);
        *used = rows_int(r, 4);
        *expires = rows_int(r, 5) ? rows_int(r, 5) : INT64_MAX;
    }
    if (!rows_done(r) || (*there && !user_perms(c, actor->id, actor->perms)))
        return false;
    for (int i = 0; i < 2 && *there; i++)
        actor->perms[i] &= scopes[i];
    return true;
}

bool token_find(struct ctx *c, struct str hash, struct actor *actor, usec *used, usec *expires, bool *there)
{
    struct rows r;
    db_query(c, &r, &token_by_hash, "si", hash, clock_now(c->clock));
    return found(c, &r, actor, used, expires, there);
}

bool token_find_id(struct ctx *c, int64_t id, struct actor *actor, usec *used, usec *expires, bool *there)
{
    struct rows r;
    db_query(c, &r, &token_by_id, "ii", id, clock_now(c->clock));
    return found(c, &r, actor, used, expires, there);
}

struct touch {
    int64_t id;
    usec now;
};

static bool touch_now(struct ctx *c, void *arg)
{
    const struct touch *t = arg;
    return db_exec(c, &token_used, "ii", t->now, t->id);
}

void token_touch(struct ctx *c, int64_t id, usec *used)
{
    struct touch t = {id, clock_now(c->clock)};
    if (t.now - *used < TOUCH_EVERY)
        return;
    *used = t.now;
    if (!store_write(c, touch_now, &t))
        error_clear(c->err);
}
