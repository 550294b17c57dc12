// The desk's live state, its clock, and what is published after a commit.
#include "desk/desk.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "crm/contact.h"
#include "desk/live.h"
#include "desk/socket.h"
#include "desk/wrap_up.h"
#include "schema/id.h"
#include "schema/perm.h"
#include "store/job.h"

enum { MOST_LISTED = 500, MOST_MARKS = 500, MOST_DIRTY = 100000 };
#define PLACES_EVERY (500 * MILLISECOND)
#define SWEEP_EVERY MINUTE

void *desk_keep(size_t bytes)
{
    void *at = calloc(1, bytes); // house: malloc — live state outlives every request
    ASSERT(at, "out of memory");
    return at;
}

struct desk *desk_open(struct ctx *c)
{
    struct desk *d = desk_keep(sizeof *d);
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_t how;
    pthread_condattr_init(&how);
    pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    pthread_cond_init(&d->wake, &how);
    pthread_condattr_destroy(&how);
    d->inboxes = inbox_cache_new();
    d->queue_again = true;
    c->desk = d;
    presence_load(c, d);
    if (c->err->code || !wrap_up_ensure(c)) {
        c->desk = NULL;
        desk_close(d);
        return NULL;
    }
    return d;
}

void desk_close(struct desk *d)
{
    if (!d)
        return;
    desk_stop(d);
    size_t at;
    uint64_t key;
    void *value;
    struct str text;
    for (at = 0; map_next(&d->seats, &at, &key, &value);)
        free(value);
    for (at = 0; map_next(&d->users, &at, &key, &value);) {
        free(((struct known_user *)value)->name);
        free(value);
    }
    for (at = 0; map_next(&d->reads, &at, &key, &value);)
        free(value);
    for (at = 0; map_next(&d->senders, &at, &key, &value);)
        free(value);
    for (at = 0; str_map_next(&d->starters, &at, &text, &value);)
        free(value);
    map_free(&d->seats);
    map_free(&d->users);
    map_free(&d->dirty);
    map_free(&d->reads);
    map_free(&d->senders);
    str_map_free(&d->starters);
    inbox_cache_free(d->inboxes);
    pthread_cond_destroy(&d->wake);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

// Topics.
static bool full(const struct actor *a)
{
    return actor_may(a, PERM_CONTACT_UNMASK);
}
void desk_topics(const struct actor *a, uint64_t topics[5])
{
    bool f = full(a);
    size_t n = 0;
    topics[n++] = hub_topic('p', 0);
    topics[n++] = hub_topic(f ? 'U' : 'u', a->id);
    if (actor_may(a, PERM_CONVERSATION_READ_ALL)) {
        topics[n++] = hub_topic(f ? 'L' : 'l', 0);
    } else {
        topics[n++] = hub_topic(f ? 'T' : 't', 0);
        topics[n++] = hub_topic(f ? 'W' : 'w', a->id);
    }
    topics[n] = 0;
}
uint64_t desk_topic_follow(const struct actor *a, int64_t conversation)
{
    return hub_topic(full(a) ? 'S' : 's', conversation);
}

static void publish(struct ctx *c, char kind, int64_t id, struct str frame, uint64_t except)
{
    if (c->hub)
        hub_publish(c->hub, hub_topic(kind, id), frame, except);
}
void desk_publish_staff(struct ctx *c, int64_t conversation, struct str frame, uint64_t except_conn)
{
    publish(c, 's', conversation, frame, except_conn);
    publish(c, 'S', conversation, frame, except_conn);
}
void desk_publish_visitor(struct ctx *c, int64_t conversation, struct str frame, uint64_t except_conn)
{
    publish(c, 'v', conversation, frame, except_conn);
}
static bool anybody(struct ctx *c)
{
    return c->hub && atomic_load_explicit(&c->desk->consoles, memory_order_relaxed) > 0;
}
void desk_console(struct ctx *c, int change)
{
    atomic_fetch_add(&c->desk->consoles, change);
}

static void publish_message(struct ctx *c, const struct conv_message *m)
{
    struct str plain = message_frame(c, VIEW_VISITOR, m);
    publish(c, 'v', m->conversation, plain, 0);
    if (!anybody(c))
        return;
    bool same = m->kind != MESSAGE_NOTE && !m->staff.len && !m->trace;
    bool named = m->author == AUTHOR_VISITOR && m->author_name.len;
    struct str whole = same ? plain : message_frame(c, VIEW_STAFF_FULL, m);
    publish(c, 'S', m->conversation, whole, 0);
    publish(c, 's', m->conversation, named ? message_frame(c, VIEW_STAFF, m) : whole, 0);
}

static struct str conversation_frame(struct ctx *c, const char *type, enum view view, const struct conversation *v, bool slim)
{
    struct conversation copy = *v;
    if (slim)
        copy.last_message = STR("");
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_z(&o, "t", type);
    if (view != VIEW_VISITOR && !strcmp(type, "conv"))
        json_put_int(&o, "event", v->event);
    conversation_write(c, view, &copy, &o, "conversation");
    json_close(&o, '}');
    return buf_str(&o.buf);
}

// To the lists of whoever may see it; whoever could until now gets it once more without its last message.
static void publish_list(struct ctx *c, int64_t id, const struct moved *m)
{
    for (int f = 0; f < 2; f++) {
        enum view view = f ? VIEW_STAFF_FULL : VIEW_STAFF;
        struct conversation v;
        if (!conversation_load(c, view, id, &v)) {
            error_clear(c->err);
            return;
        }
        struct str whole = conversation_frame(c, "conv", view, &v, false), slim = {0};
        bool team = v.state == CONV_BOT || v.state == CONV_QUEUED || !v.assignee_id;
        publish(c, f ? 'L' : 'l', 0, whole, 0);
        if (team)
            publish(c, f ? 'T' : 't', 0, whole, 0);
        else
            publish(c, f ? 'W' : 'w', v.assignee_id, whole, 0);
        if (!m)
            continue;
        bool was_team = m->from == CONV_BOT || m->from == CONV_QUEUED || !m->was;
        if (!team && (was_team || m->was != m->is))
            slim = conversation_frame(c, "conv", view, &v, true);
        if (was_team && !team)
            publish(c, f ? 'T' : 't', 0, slim, 0);
        else if (m->was && m->was != v.assignee_id && !team)
            publish(c, f ? 'W' : 'w', m->was, slim, 0);
        if (m->offered)
            publish(c, f ? 'U' : 'u', m->is, conversation_frame(c, "offer", view, &v, false), 0);
    }
}

static void publish_moved(struct ctx *c, const struct moved *m)
{
    struct conversation v;
    if (c->hub && conversation_load(c, VIEW_VISITOR, m->conversation, &v))
        publish(c, 'v', m->conversation, conversation_frame(c, "conv", VIEW_VISITOR, &v, false), 0);
    error_clear(c->err);
    if (!anybody(c))
        return;
    publish_list(c, m->conversation, m);
    socket_moved(c, m->conversation, m->to, m->is);
}

void change_begin(struct change *ch)
{
    *ch = (struct change){0};
}
void change_moved(struct ctx *c, struct change *ch, struct moved m)
{
    if (ch->moved_count == ch->moved_room) {
        size_t more = ch->moved_room ? ch->moved_room * 2 : 8;
        ch->moved = arena_grow(c->arena, ch->moved, ch->moved_room * sizeof m, more * sizeof m);
        ch->moved_room = more;
    }
    ch->moved[ch->moved_count++] = m;
}

void desk_dirty(struct ctx *c, int64_t conversation)
{
    struct desk *d = c->desk;
    pthread_mutex_lock(&d->lock);
    if (d->dirty.count < MOST_DIRTY)
        map_put(&d->dirty, (uint64_t)conversation, d);
    pthread_mutex_unlock(&d->lock);
}

static bool has_moved(const struct change *ch, int64_t conversation)
{
    for (size_t i = 0; i < ch->moved_count; i++)
        if (ch->moved[i].conversation == conversation)
            return true;
    return false;
}

// Frames only; the queue is the caller's.
void change_tell(struct ctx *c, struct change *ch)
{
    struct desk *d = c->desk;
    struct error mine = *c->err; // publishing reads, and may not spoil an outcome
    error_clear(c->err);
    if (c->hub)
        hub_hold(c->hub);
    for (size_t i = 0; c->hub && i < ch->messages.count; i++)
        publish_message(c, &ch->messages.at[i]);
    for (size_t i = 0; i < ch->moved_count; i++)
        publish_moved(c, &ch->moved[i]);
    if (c->hub)
        hub_flush(c->hub);
    pthread_mutex_lock(&d->lock);
    int64_t last = 0;
    for (size_t i = 0; anybody(c) && i < ch->messages.count; i++) {
        int64_t id = ch->messages.at[i].conversation;
        if (id != last && d->dirty.count < MOST_DIRTY && !has_moved(ch, id))
            map_put(&d->dirty, (uint64_t)id, d);
        last = id;
    }
    for (size_t i = 0; i < ch->moved_count; i++) {
        const struct moved *m = &ch->moved[i];
        if (m->from == CONV_QUEUED || m->to == CONV_QUEUED)
            d->queue_changed = true;
    }
    pthread_mutex_unlock(&d->lock);
    *c->err = mine;
}

void change_publish(struct ctx *c, struct change *ch)
{
    change_tell(c, ch);
    bool again = false;
    usec now = clock_now(c->clock);
    for (size_t i = 0; i < ch->moved_count; i++) {
        const struct moved *m = &ch->moved[i];
        again |= m->to == CONV_QUEUED || m->from == CONV_OPEN; // somebody waits, or somebody has room
        if (m->was)
            presence_busy(c, m->was, now);
        if (m->is && m->is != m->was)
            presence_busy(c, m->is, now);
    }
    if (!again)
        return;
    struct error mine = *c->err;
    error_clear(c->err);
    if (!queue_run(c, NULL)) { // the change stands all the same: the clock tries again
        pthread_mutex_lock(&c->desk->lock);
        c->desk->queue_again = true;
        pthread_mutex_unlock(&c->desk->lock);
    }
    *c->err = mine;
    bool queued = false;
    for (size_t i = 0; i < ch->moved_count; i++)
        queued |= ch->moved[i].to == CONV_QUEUED && ch->moved[i].from != CONV_QUEUED;
    if (queued && c->hub)
        queue_publish_places(c);
}

// Read marks.
static void publish_read(struct ctx *c, int64_t conversation, int64_t seq, bool agent)
{
    if (!c->hub)
        return;
    char id[ID_TEXT];
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_z(&o, "t", "read");
    json_put_str(&o, "conv", id_text("cv", conversation, id));
    json_put_int(&o, "seq", seq);
    json_put_z(&o, "by", agent ? "agent" : "visitor");
    json_close(&o, '}');
    if (agent)
        desk_publish_visitor(c, conversation, buf_str(&o.buf), 0);
    desk_publish_staff(c, conversation, buf_str(&o.buf), 0);
}
static void mark(struct ctx *c, int64_t conversation, int64_t seq, bool agent)
{
    struct desk *d = c->desk;
    pthread_mutex_lock(&d->lock);
    struct read_mark *m = map_get(&d->reads, (uint64_t)conversation);
    if (!m && d->reads.count < MOST_DIRTY) {
        m = desk_keep(sizeof *m);
        map_put(&d->reads, (uint64_t)conversation, m);
    }
    if (m) {
        int64_t *at = agent ? &m->agent : &m->visitor;
        if (seq > *at)
            *at = seq;
    }
    pthread_mutex_unlock(&d->lock);
    publish_read(c, conversation, seq, agent);
}
void desk_read_visitor(struct ctx *c, int64_t conversation, int64_t seq)
{
    mark(c, conversation, seq, false);
}
void desk_read_agent(struct ctx *c, int64_t conversation, int64_t seq)
{
    mark(c, conversation, seq, true);
}

SQL(mark_visitor, "UPDATE conversation SET visitor_read = ?2 WHERE id = ?1 AND visitor_read < ?2 AND last_seq >= ?2");
SQL(mark_agent, "UPDATE conversation SET agent_read = ?2, unread = (SELECT COUNT(*) FROM message m WHERE m.conversation = ?1 AND m.seq > ?2 "
                "AND m.author_kind = 0 AND m.kind <> 3) WHERE id = ?1 AND agent_read < ?2 AND last_seq >= ?2");
struct marks {
    struct {
        int64_t conversation;
        struct read_mark mark;
    } *at;
    size_t count;
};
static bool write_marks(struct ctx *c, void *arg)
{
    const struct marks *marks = arg;
    for (size_t i = 0; i < marks->count; i++) {
        int64_t id = marks->at[i].conversation;
        if (marks->at[i].mark.visitor && !db_exec(c, &mark_visitor, "ii", id, marks->at[i].mark.visitor))
            return false;
        if (marks->at[i].mark.agent && !db_exec(c, &mark_agent, "ii", id, marks->at[i].mark.agent))
            return false;
    }
    return true;
}
static int by_conversation(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b; // the id comes first in the row
    return x < y ? -1 : x > y;
}
static void flush_marks(struct ctx *c)
{
    struct desk *d = c->desk;
    struct marks marks = {0};
    pthread_mutex_lock(&d->lock);
    marks.at = arena_alloc(c->arena, (d->reads.count < MOST_MARKS ? d->reads.count : MOST_MARKS) * sizeof *marks.at + 1);
    size_t at = 0;
    uint64_t key;
    void *value;
    while (marks.count < MOST_MARKS && map_next(&d->reads, &at, &key, &value)) {
        marks.at[marks.count].conversation = (int64_t)key;
        marks.at[marks.count++].mark = *(struct read_mark *)value;
    }
    for (size_t i = 0; i < marks.count; i++)
        free(map_take(&d->reads, (uint64_t)marks.at[i].conversation));
    pthread_mutex_unlock(&d->lock);
    if (!marks.count)
        return;
    qsort(marks.at, marks.count, sizeof *marks.at, by_conversation); // rows are locked in the order of their ids
    if (!store_write(c, write_marks, &marks)) {
        LOG_WARN("read marks were not written", "detail", c->err->detail, NULL);
        error_clear(c->err);
    }
}

static void flush_list(struct ctx *c)
{
    struct desk *d = c->desk;
    struct {
        VEC(int64_t);
    } ids = {0};
    size_t at = 0;
    uint64_t key;
    void *value;
    pthread_mutex_lock(&d->lock);
    while (ids.count < MOST_LISTED && map_next(&d->dirty, &at, &key, &value))
        VEC_PUSH(c->arena, &ids, (int64_t)key);
    for (size_t i = 0; i < ids.count; i++)
        map_take(&d->dirty, (uint64_t)ids.at[i]);
    pthread_mutex_unlock(&d->lock);
    if (!ids.count || !anybody(c))
        return;
    hub_hold(c->hub);
    for (size_t i = 0; i < ids.count; i++)
        publish_list(c, ids.at[i], NULL);
    hub_flush(c->hub);
}

static void sweep(struct desk *d, usec now)
{
    size_t at = 0;
    uint64_t key;
    void *value;
    struct str text;
    pthread_mutex_lock(&d->lock);
    uint64_t old[256];
    size_t count = 0;
    while (count < 256 && map_next(&d->senders, &at, &key, &value))
        if (now - ((struct budget *)value)->since > 2 * MINUTE)
            old[count++] = key;
    for (size_t i = 0; i < count; i++)
        free(map_take(&d->senders, old[i]));
    if (d->starters.count > 10000) {
        for (at = 0; str_map_next(&d->starters, &at, &text, &value);)
            free(value);
        str_map_free(&d->starters);
        d->starters = (struct str_map){0};
    }
    pthread_mutex_unlock(&d->lock);
}

void desk_tick(struct ctx *c)
{
    struct desk *d = c->desk;
    usec now = clock_now(c->clock);
    error_clear(c->err);
    socket_tick(c);
    flush_marks(c);
    presence_tick(c);
    pthread_mutex_lock(&d->lock);
    bool list = now - d->listed_at >= LIST_EVERY || now < d->listed_at, places = d->queue_changed && now - d->placed_at >= PLACES_EVERY;
    bool sweeping = now - d->swept_at >= SWEEP_EVERY, again = d->queue_again;
    if (list)
        d->listed_at = now;
    if (places) {
        d->placed_at = now;
        d->queue_changed = false;
    }
    if (sweeping) {
        d->swept_at = now;
        again = true;
    }
    d->queue_again = false;
    pthread_mutex_unlock(&d->lock);
    if (list)
        flush_list(c);
    if (again && !queue_run(c, NULL)) {
        LOG_WARN("the queue was not looked at", "detail", c->err->detail, NULL);
        error_clear(c->err);
        pthread_mutex_lock(&d->lock);
        d->queue_again = true;
        pthread_mutex_unlock(&d->lock);
    }
    if (places)
        queue_publish_places(c);
    if (sweeping)
        sweep(d, now);
    error_clear(c->err);
}

static void *desk_thread(void *arg)
{
    struct desk *d = arg;
    struct ctx c = {0};
    d->make_ctx(d->make_arg, &c);
    c.desk = d;
    c.actor = (struct actor){.kind = ACTOR_SYSTEM};
    pthread_mutex_lock(&d->lock);
    while (!d->stopping) {
        pthread_mutex_unlock(&d->lock);
        desk_tick(&c);
        arena_reset(c.arena);
        pthread_mutex_lock(&d->lock);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_EVERY * 1000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        if (!d->stopping)
            pthread_cond_timedwait(&d->wake, &d->lock, &until);
    }
    pthread_mutex_unlock(&d->lock);
    flush_marks(&c);
    arena_reset(c.arena); // arena and connection are whose make_ctx it was
    return NULL;
}

void desk_start(struct desk *d, void (*make_ctx)(void *arg, struct ctx *c), void *arg)
{
    d->make_ctx = make_ctx;
    d->make_arg = arg;
    d->stopping = false;
    d->running = pthread_create(&d->thread, NULL, desk_thread, d) == 0;
    ASSERT(d->running, "the desk's thread cannot start");
}

void desk_stop(struct desk *d)
{
    if (!d || !d->running)
        return;
    pthread_mutex_lock(&d->lock);
    d->stopping = true;
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
    pthread_join(d->thread, NULL);
    d->running = false;
}
