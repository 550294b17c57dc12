// Who is ready for conversations, by what they chose and by their sockets, on the ctx's clock.
#include "desk/presence.h"

#include <stdlib.h>

#include "base/log.h"
#include "desk/live.h"
#include "identity/user.h"
#include "schema/id.h"
#include "schema/perm.h"

const char *const presence_names[] = {"offline", "away", "online", NULL};
#define KNOWN_FOR (3 * SECOND)
#define AWAY_UNTIL (10 * MINUTE) // then whoever went without a word counts as offline
enum { MOST_KNOWN = 10000, MOST_RETURNED = 200 };

SQL_SCAN(presence_all, "one row a user, read once at start", "SELECT user_id, state FROM presence");
SQL(presence_put, "INSERT INTO presence (user_id, state, changed_at) VALUES (?1, ?2, ?3) ON CONFLICT (user_id) DO UPDATE SET state = ?2, "
                  "changed_at = ?3");
SQL(presence_unanswered, "SELECT id FROM conversation WHERE assignee = ?1 AND state = 2 AND waiting_since IS NOT NULL ORDER BY id LIMIT ?2");
SQL_SCAN(load_all, "a covering index of the open conversations",
         "SELECT assignee, COUNT(*) FROM conversation WHERE state = 2 AND assignee IS NOT NULL GROUP BY assignee");

static struct seat *seat_of(struct desk *d, int64_t user) // under the lock
{
    struct seat *s = map_get(&d->seats, (uint64_t)user);
    if (!s) {
        s = desk_keep(sizeof *s);
        s->user = user;
        map_put(&d->seats, (uint64_t)user, s);
    }
    return s;
}

void presence_load(struct ctx *c, struct desk *d)
{
    usec now = clock_now(c->clock);
    struct rows r;
    db_query(c, &r, &presence_all, "");
    while (rows_next(&r)) {
        struct seat *s = seat_of(d, rows_int(&r, 0));
        s->chosen = (int)rows_int(&r, 1);
        s->gone_at = s->idle_since = now; // they have a grace to come back to the restarted server
        s->shown = s->chosen;
        s->returned = s->chosen == PRESENCE_OFFLINE;
    }
    rows_done(&r);
}

static int effective(const struct seat *s, usec now)
{
    if (s->sockets || s->chosen == PRESENCE_OFFLINE || now - s->gone_at < PRESENCE_GRACE)
        return s->chosen;
    return now - s->gone_at < AWAY_UNTIL ? PRESENCE_AWAY : PRESENCE_OFFLINE;
}

bool presence_frame(struct ctx *c, int64_t user, struct str *frame)
{
    struct desk_user u;
    char id[ID_TEXT];
    if (!desk_user(c, user, &u))
        return false;
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_z(&o, "t", "presence");
    json_open(&o, "user", '{');
    json_put_str(&o, "id", id_text("us", user, id));
    json_put_str(&o, "name", u.name);
    json_close(&o, '}');
    json_put_z(&o, "state", presence_names[presence_of(c, user)]);
    json_close(&o, '}');
    *frame = buf_str(&o.buf);
    return true;
}

static void tell(struct ctx *c, int64_t user)
{
    struct str frame;
    if (c->hub && presence_frame(c, user, &frame))
        hub_publish(c->hub, hub_topic('p', 0), frame, 0);
}

// Publishes when what counts has changed; true when somebody became online.
static bool look(struct ctx *c, int64_t user)
{
    struct desk *d = c->desk;
    pthread_mutex_lock(&d->lock);
    struct seat *s = seat_of(d, user);
    int now = effective(s, clock_now(c->clock));
    bool changed = now != s->shown, online = changed && now == PRESENCE_ONLINE;
    s->shown = now;
    if (online) {
        s->idle_since = clock_now(c->clock);
        d->queue_again = true;
    }
    if (changed)
        d->queue_changed = true; // the expected wait is another
    pthread_mutex_unlock(&d->lock);
    if (changed)
        tell(c, user);
    return online;
}

static void run_queue(struct ctx *c)
{
    struct error mine = *c->err;
    error_clear(c->err);
    if (!queue_run(c, NULL)) {
        pthread_mutex_lock(&c->desk->lock);
        c->desk->queue_again = true;
        pthread_mutex_unlock(&c->desk->lock);
    }
    *c->err = mine;
}

void presence_connected(struct ctx *c, int64_t user)
{
    struct desk *d = c->desk;
    pthread_mutex_lock(&d->lock);
    struct seat *s = seat_of(d, user);
    s->sockets++;
    s->gone_at = 0;
    s->returned = false;
    pthread_mutex_unlock(&d->lock);
    if (look(c, user))
        run_queue(c);
}

void presence_gone(struct ctx *c, int64_t user)
{
    struct desk *d = c->desk;
    pthread_mutex_lock(&d->lock);
    struct seat *s = seat_of(d, user);
    if (s->sockets > 0 && --s->sockets == 0)
        s->gone_at = clock_now(c->clock);
    pthread_mutex_unlock(&d->lock);
}

struct choice {
    int64_t user, state, at;
};
static bool write_choice(struct ctx *c, void *arg)
{
    const struct choice *choice = arg;
    return db_exec(c, &presence_put, "iii", choice->user, choice->state, choice->at);
}
bool presence_set(struct ctx *c, int64_t user, enum presence state)
{
    struct desk *d = c->desk;
    struct choice choice = {user, state, clock_now(c->clock)};
    if (!store_write(c, write_choice, &choice))
        return false;
    pthread_mutex_lock(&d->lock);
    struct seat *s = seat_of(d, user);
    bool left = state == PRESENCE_OFFLINE && s->chosen != PRESENCE_OFFLINE;
    s->chosen = state;
    s->returned = false;
    s->left_at = left ? choice.at : state == PRESENCE_OFFLINE ? s->left_at : 0;
    if (!s->sockets && !s->gone_at)
        s->gone_at = choice.at; // by REST, without a socket: the grace runs from here
    pthread_mutex_unlock(&d->lock);
    if (look(c, user))
        run_queue(c);
    return true;
}

enum presence presence_of(struct ctx *c, int64_t user)
{
    struct desk *d = c->desk;
    pthread_mutex_lock(&d->lock);
    struct seat *s = map_get(&d->seats, (uint64_t)user);
    int now = s ? effective(s, clock_now(c->clock)) : PRESENCE_OFFLINE;
    pthread_mutex_unlock(&d->lock);
    return (enum presence)now;
}

int presence_online(struct ctx *c)
{
    struct desk *d = c->desk;
    usec now = clock_now(c->clock);
    size_t at = 0;
    uint64_t key;
    void *value;
    int online = 0;
    pthread_mutex_lock(&d->lock);
    while (map_next(&d->seats, &at, &key, &value))
        online += effective(value, now) == PRESENCE_ONLINE;
    pthread_mutex_unlock(&d->lock);
    return online;
}

void presence_busy(struct ctx *c, int64_t user, usec at)
{
    struct desk *d = c->desk;
    pthread_mutex_lock(&d->lock);
    seat_of(d, user)->idle_since = at;
    pthread_mutex_unlock(&d->lock);
}

size_t presence_ready(struct ctx *c, struct free_agent **agents)
{
    struct desk *d = c->desk;
    usec now = clock_now(c->clock);
    struct {
        VEC(struct free_agent);
    } list = {0};
    size_t at = 0, kept = 0;
    uint64_t key;
    void *value;
    pthread_mutex_lock(&d->lock);
    while (map_next(&d->seats, &at, &key, &value)) {
        const struct seat *s = value;
        if (effective(s, now) == PRESENCE_ONLINE)
            VEC_PUSH(c->arena, &list, (struct free_agent){.user = s->user, .idle_since = s->idle_since});
    }
    pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; i < list.count; i++) {
        struct desk_user u;
        struct actor as = {.kind = ACTOR_USER};
        if (!desk_user(c, list.at[i].user, &u) || !u.active || u.capacity < 1)
            continue;
        as.perms[0] = u.perms[0];
        as.perms[1] = u.perms[1];
        if (!actor_may(&as, PERM_CONVERSATION_REPLY))
            continue;
        list.at[kept] = list.at[i];
        list.at[kept].capacity = u.capacity;
        list.at[kept++].name = u.name;
    }
    *agents = list.at;
    return kept;
}

// What nobody answered goes back to the queue's front, when its agent is gone for good.
struct leaving {
    int64_t user;
    struct change change;
};
static bool give_back(struct ctx *c, void *arg)
{
    struct leaving *l = arg;
    struct {
        VEC(int64_t);
    } ids = {0};
    change_begin(&l->change);
    struct rows r;
    db_query(c, &r, &presence_unanswered, "ii", l->user, (int64_t)MOST_RETURNED);
    while (rows_next(&r))
        VEC_PUSH(c->arena, &ids, rows_int(&r, 0));
    if (!rows_done(&r))
        return false;
    for (size_t i = 0; i < ids.count; i++) {
        struct conv_row row = {0};
        struct act act = {.act = ACT_UNASSIGN, .author = {AUTHOR_SYSTEM, 0, STR("")}, .front = true, .at = clock_now(c->clock)};
        if (!conv_lock(c, ids.at[i], &row))
            return false;
        if (row.state != CONV_OPEN || row.assignee != l->user) // somebody was faster: what was begun here is taken back, and tried again
            return fail(c, ERR_CONFLICT, "store.conflict", NULL);
        if (!act_apply(c, &l->change, &row, &act))
            return false;
    }
    return true;
}

void presence_tick(struct ctx *c)
{
    struct desk *d = c->desk;
    usec now = clock_now(c->clock);
    struct {
        VEC(int64_t);
    } changed = {0}, leaving = {0};
    size_t at = 0;
    uint64_t key;
    void *value;
    pthread_mutex_lock(&d->lock);
    while (map_next(&d->seats, &at, &key, &value)) {
        struct seat *s = value;
        if (effective(s, now) != s->shown)
            VEC_PUSH(c->arena, &changed, s->user);
        bool gone = !s->sockets && s->gone_at && now - s->gone_at >= PRESENCE_GRACE + RETURN_GRACE;
        bool left = s->left_at && now - s->left_at >= RETURN_GRACE;
        if ((gone || left) && !s->returned) {
            s->returned = true;
            VEC_PUSH(c->arena, &leaving, s->user);
        }
    }
    pthread_mutex_unlock(&d->lock);
    bool online = false;
    for (size_t i = 0; i < changed.count; i++)
        online |= look(c, changed.at[i]);
    for (size_t i = 0; i < leaving.count; i++) {
        struct leaving l = {.user = leaving.at[i]};
        if (store_write(c, give_back, &l)) {
            change_publish(c, &l.change);
            continue;
        }
        LOG_WARN("conversations were not given back yet", "detail", c->err->detail, NULL);
        error_clear(c->err);
        pthread_mutex_lock(&d->lock);
        seat_of(d, leaving.at[i])->returned = false;
        pthread_mutex_unlock(&d->lock);
    }
    if (online)
        run_queue(c);
}

// The small cache over identity.
bool desk_user(struct ctx *c, int64_t id, struct desk_user *out)
{
    struct desk *d = c->desk;
    usec now = clock_now(c->clock);
    pthread_mutex_lock(&d->lock);
    struct known_user *k = map_get(&d->users, (uint64_t)id);
    bool fresh = k && now - k->read_at < KNOWN_FOR && now >= k->read_at;
    if (fresh) {
        *out = k->user;
        out->name = str_dup(c->arena, k->user.name);
    }
    pthread_mutex_unlock(&d->lock);
    if (fresh)
        return out->id != 0;
    struct error mine = *c->err;
    error_clear(c->err);
    struct user user = {0};
    struct desk_user read = {0};
    bool fine = user_get(c, id, &user) && user_perms(c, id, read.perms);
    bool missing = !fine && c->err->code == ERR_NOT_FOUND;
    *c->err = mine;
    if (fine)
        read = (struct desk_user){.id = id, .name = user.name, .active = user.state == USER_ACTIVE, .capacity = user.capacity,
                                  .perms = {read.perms[0], read.perms[1]}};
    if (!fine && !missing)
        return false; // not known now; nothing is kept of that
    pthread_mutex_lock(&d->lock);
    k = map_get(&d->users, (uint64_t)id);
    if (!k && d->users.count < MOST_KNOWN) {
        k = desk_keep(sizeof *k);
        map_put(&d->users, (uint64_t)id, k);
    }
    if (k) {
        char *name = desk_keep(read.name.len + 1);
        if (read.name.len)
            memcpy(name, read.name.at, read.name.len);
        free(k->name);
        k->name = name;
        k->user = read;
        k->user.name = (struct str){name, read.name.len};
        k->read_at = now;
    }
    pthread_mutex_unlock(&d->lock);
    *out = read;
    return fine;
}

bool agent_list(struct ctx *c, struct agent **agents, size_t *count)
{
    enum { MOST_AGENTS = 1000 };
    struct list_query q = {.where = STR(""), .order = STR(" ORDER BY id"), .limit = MOST_AGENTS};
    struct user *users;
    size_t n, kept = 0;
    struct map loads = {0};
    struct rows r;
    if (!user_list(c, &q, &users, &n))
        return false;
    db_query(c, &r, &load_all, "");
    while (rows_next(&r)) {
        int64_t *one = ARENA_NEW(c->arena, int64_t);
        *one = rows_int(&r, 1);
        map_put(&loads, (uint64_t)rows_int(&r, 0), one);
    }
    bool fine = rows_done(&r);
    *agents = ARENA_ARRAY(c->arena, struct agent, n + 1);
    for (size_t i = 0; fine && i < n && i < MOST_AGENTS; i++) {
        struct desk_user u;
        struct actor as = {.kind = ACTOR_USER};
        if (!desk_user(c, users[i].id, &u) || !u.active)
            continue;
        as.perms[0] = u.perms[0];
        as.perms[1] = u.perms[1];
        if (!actor_may(&as, PERM_CONVERSATION_REPLY))
            continue;
        const int64_t *load = map_get(&loads, (uint64_t)u.id);
        (*agents)[kept++] = (struct agent){u.id, u.name, presence_of(c, u.id), load ? *load : 0, u.capacity};
    }
    map_free(&loads);
    *count = kept;
    return fine;
}
