#include "identity/session.h"

#include <sodium.h>

#include "base/conf.h"
#include "base/rand.h"
#include "base/vec.h"
#include "identity/access.h"
#include "identity/audit.h"
#include "identity/crypt.h"
#include "identity/password.h"
#include "identity/throttle.h"
#include "identity/totp.h"
#include "schema/id.h"
#include "schema/list.h"
#include "store/db.h"

SQL(session_insert,
    "INSERT INTO session (user_id, token_hash, address, device, created_at, seen_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6) "
    "RETURNING id");
#define SESSION_USE \
    "SELECT s.id, u.id, u.name, s.seen_at, s.expires_at FROM session s JOIN users u ON u.id = s.user_id " \
    "WHERE u.state = 'active' AND s.expires_at > ?2 AND "
SQL(session_by_hash, SESSION_USE "s.token_hash = ?1");
SQL(session_by_id, SESSION_USE "s.id = ?1");
SQL(session_move, "UPDATE session SET seen_at = ?1, expires_at = ?2, address = ?3 WHERE id = ?4");
SQL(session_user_seen, "UPDATE users SET last_seen_at = ?1 WHERE id = ?2");
SQL(session_clean, "DELETE FROM session WHERE expires_at < ?1");
SQL(session_thin,
    "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE user_id = ?1 ORDER BY user_id, id DESC LIMIT 100 OFFSET ?2)");
SQL(session_delete, "DELETE FROM session WHERE id = ?1 AND user_id = ?2");
#define SESSION_LIST \
    "SELECT id, user_id, address, device, created_at, seen_at, expires_at FROM session WHERE user_id = ?1 AND expires_at > ?2"
SQL(login_user, "SELECT id, name, password FROM users WHERE email = ?1 AND state = 'active'");
SQL(login_by_id, "SELECT email, password FROM users WHERE id = ?1");
SQL(login_rehash, "UPDATE users SET password = ?1 WHERE id = ?2 AND password = ?3");

static const struct field session_fields[] = {
    FIELD(_, session, id, F_ID, .prefix = "se", .flags = FIELD_REQUIRED),
    FIELD(_, session, address, F_TEXT),
    FIELD(_, session, device, F_TEXT, .doc = "What the browser says of itself."),
    FIELD(_, session, current, F_BOOL, .doc = "The one that asks."),
    FIELD(_, session, created_at, F_TIME, .flags = FIELD_REQUIRED),
    FIELD(_, session, seen_at, F_TIME, .flags = FIELD_REQUIRED),
    FIELD(_, session, expires_at, F_TIME, .flags = FIELD_REQUIRED),
};
SCHEMA(session_schema, "BrowserSession", struct session, session_fields, "A browser that is signed in.");

#define TOUCH_EVERY (5 * MINUTE)
enum { MOST_SESSIONS = 50 }; // of one user; the oldest end

struct str token_hash(struct ctx *c, struct str token)
{
    return field_lookup_hash(c, "token", token);
}

static usec lifetime(struct ctx *c)
{
    return c->conf->session_hours * HOUR;
}

struct start {
    int64_t user, session;
    struct str hash, account;
    struct str name;
    struct str stale, fresh; // a password's hash that is replaced
};

static bool start_now(struct ctx *c, void *arg)
{
    struct start *s = arg;
    usec now = clock_now(c->clock);
    if (!db_exec(c, &session_clean, "i", now - DAY) ||
        !db_int(c, &s->session, NULL, &session_insert, "isssii", s->user, s->hash, c->actor.address, c->actor.device, now,
                now + lifetime(c)) ||
        !db_exec(c, &session_thin, "ii", s->user, (int64_t)MOST_SESSIONS) || !db_exec(c, &session_user_seen, "ii", now, s->user))
        return false;
    if (s->account.len && !throttle_right(c, s->account))
        return false;
    if (s->fresh.len && !db_exec(c, &login_rehash, "sis", s->fresh, s->user, s->stale))
        return false;
    struct actor before = c->actor;
    c->actor.kind = ACTOR_USER;
    c->actor.id = s->user;
    c->actor.name = s->name;
    bool fine = audit_add(c, "session.create", id_str(c->arena, "se", s->session), STR(""));
    c->actor = before;
    return fine;
}

static bool start(struct ctx *c, struct start *s, struct str *token)
{
    *token = rand_token(c->arena, 32);
    s->hash = token_hash(c, *token);
    return store_write(c, start_now, s);
}

bool session_start(struct ctx *c, int64_t user, struct str *token)
{
    struct user u;
    struct start s = {.user = user};
    if (!user_get(c, user, &u))
        return false;
    s.name = u.name;
    return start(c, &s, token);
}

struct refusal {
    struct str account;
    int64_t user;
};

static bool refuse_now(struct ctx *c, void *arg)
{
    const struct refusal *r = arg;
    return throttle_wrong(c, r->account, c->actor.address) &&
           audit_add(c, "session.refuse", r->user ? id_str(c->arena, "us", r->user) : STR(""), STR(""));
}

// Counts a wrong try, then says so. When it cannot be counted it is not answered either, or the store's trouble would lift the limit.
static bool refuse(struct ctx *c, struct str account, int64_t user, const char *key)
{
    struct refusal r = {account, user};
    return store_write(c, refuse_now, &r) && fail(c, ERR_UNAUTHENTICATED, key, NULL);
}

bool session_sign_in(struct ctx *c, const struct sign_in *in, struct str *token, int64_t *user)
{
    struct start s = {.account = in->email};
    struct str hashed = STR("");
    struct rows r;
    bool right, stale, active;
    if (!throttle_pass(c, in->email, c->actor.address))
        return false;
    db_query(c, &r, &login_user, "s", in->email);
    if (rows_next(&r)) {
        s.user = rows_int(&r, 0);
        s.name = rows_str(&r, 1);
        hashed = rows_str(&r, 2);
    }
    // Looked at again afterwards: many tries at once would else all pass before the first one counts.
    if (!rows_done(&r) || !password_verify(c, hashed, in->password, &right, &stale) ||
        !throttle_pass(c, in->email, c->actor.address))
        return false;
    if (!right)
        return refuse(c, in->email, s.user, "identity.wrong_login");
    if (!totp_active(c, s.user, &active))
        return false;
    if (active && !in->totp.len)
        return fail(c, ERR_UNAUTHENTICATED, "identity.totp_needed", NULL);
    if (active && !totp_check(c, s.user, in->totp, &right))
        return false;
    if (!right)
        return refuse(c, in->email, s.user, "identity.totp_wrong");
    s.stale = hashed;
    if (stale && !password_hash(c, in->password, &s.fresh))
        return false;
    *user = s.user;
    return start(c, &s, token);
}

bool session_confirm(struct ctx *c, struct str field, struct str password)
{
    struct rows r;
    struct str email = STR(""), hashed = STR("");
    bool right, stale;
    db_query(c, &r, &login_by_id, "i", c->actor.id);
    if (rows_next(&r)) {
        email = rows_str(&r, 0);
        hashed = rows_str(&r, 1);
    }
    if (!rows_done(&r) || !throttle_pass(c, email, c->actor.address) || !password_verify(c, hashed, password, &right, &stale))
        return false;
    struct refusal refused = {email, c->actor.id};
    return right || (store_write(c, refuse_now, &refused) && fail_field(c, field, "identity.wrong_password", NULL));
}

bool session_list(struct ctx *c, int64_t user, const struct list_query *q, struct session **sessions, size_t *count)
{
    struct {
        VEC(struct session);
    } list = {0};
    struct rows r;
    struct db_value *values = ARENA_ARRAY(c->arena, struct db_value, q->count + 2);
    values[0] = (struct db_value){.type = 'i', .i = user};
    values[1] = (struct db_value){.type = 'i', .i = clock_now(c->clock)};
    for (size_t i = 0; i < q->count; i++)
        values[i + 2] = q->values[i];
    struct str text = str_printf(c->arena, SESSION_LIST STR_FMT STR_FMT " LIMIT %d", STR_ARG(q->where), STR_ARG(q->order), q->limit + 1);
    db_query_built(c, &r, text, values, q->count + 2);
    while (rows_next(&r)) {
        struct session s = {
            .id = rows_int(&r, 0),
            .user = rows_int(&r, 1),
            .address = rows_str(&r, 2),
            .device = rows_str(&r, 3),
            .created_at = rows_int(&r, 4),
            .seen_at = rows_int(&r, 5),
            .expires_at = rows_int(&r, 6),
        };
        s.current = c->actor.kind == ACTOR_USER && c->actor.session == s.id;
        VEC_PUSH(c->arena, &list, s);
    }
    *sessions = list.at;
    *count = list.count;
    return rows_done(&r);
}

struct ending {
    int64_t user, id;
};

static bool end_now(struct ctx *c, void *arg)
{
    const struct ending *e = arg;
    if (!db_exec(c, &session_delete, "ii", e->id, e->user))
        return false;
    if (!db_changed(c))
        return fail(c, ERR_NOT_FOUND, "not_found", NULL);
    return audit_add(c, "session.end", id_str(c->arena, "se", e->id), STR(""));
}

bool session_end(struct ctx *c, int64_t user, int64_t id)
{
    struct ending e = {user, id};
    if (!store_write(c, end_now, &e))
        return false;
    access_changed(c);
    access_ended(c, user, id);
    return true;
}

static bool found(struct ctx *c, struct rows *r, struct actor *actor, struct session_use *use, bool *there)
{
    *there = rows_next(r);
    if (*there) {
        actor->kind = ACTOR_USER;
        actor->session = rows_int(r, 0);
        actor->id = rows_int(r, 1);
        actor->name = rows_str(r, 2);
        *use = (struct session_use){rows_int(r, 3), rows_int(r, 4)};
    }
    return rows_done(r) && (!*there || user_perms(c, actor->id, actor->perms));
}

bool session_find(struct ctx *c, struct str hash, struct actor *actor, struct session_use *use, bool *there)
{
    struct rows r;
    db_query(c, &r, &session_by_hash, "si", hash, clock_now(c->clock));
    return found(c, &r, actor, use, there);
}

bool session_find_id(struct ctx *c, int64_t id, struct actor *actor, struct session_use *use, bool *there)
{
    struct rows r;
    db_query(c, &r, &session_by_id, "ii", id, clock_now(c->clock));
    return found(c, &r, actor, use, there);
}

struct touch {
    int64_t session, user;
    usec now;
};

static bool touch_now(struct ctx *c, void *arg)
{
    const struct touch *t = arg;
    return db_exec(c, &session_move, "iisi", t->now, t->now + lifetime(c), c->actor.address, t->session) &&
           db_exec(c, &session_user_seen, "ii", t->now, t->user);
}

void session_touch(struct ctx *c, const struct actor *actor, struct session_use *use)
{
    struct touch t = {actor->session, actor->id, clock_now(c->clock)};
    if (t.now - use->seen < TOUCH_EVERY)
        return;
    use->seen = t.now; // a store that is full lets people read on, and is asked again later
    if (store_write(c, touch_now, &t))
        use->expires = t.now + lifetime(c);
    else
        error_clear(c->err);
}
