// The queue: who waits stands in the conversations' rows; who has room is counted from the rows too, inside the transaction that assigns.
#include "desk/queue.h"

#include "desk/live.h"

enum { MOST_ROUND = 100, MOST_ROUNDS = 100, MOST_PLACES = 200, MOST_SAMPLES = 50 };
#define HANDLING_GUESS (5 * MINUTE) // until there are conversations to measure
#define HANDLING_FOR (30 * SECOND)

SQL(queue_first_one, "SELECT id FROM conversation WHERE state = 1 LIMIT 1");
SQL(queue_turn_take, "UPDATE queue_turn SET turn = turn + 1 WHERE id = 1");
SQL(queue_heads, "SELECT id FROM conversation WHERE state = 1 ORDER BY queue_first, queued_at, id LIMIT ?1");
SQL(queue_load_of, "SELECT COUNT(*) FROM conversation WHERE assignee = ?1 AND state = 2");
SQL(queue_all, "SELECT id, inbox FROM conversation WHERE state = 1 ORDER BY queue_first, queued_at, id LIMIT ?1");
SQL(queue_entry, "SELECT state, inbox, queue_first, queued_at FROM conversation WHERE id = ?1");
SQL(queue_before, "SELECT COUNT(*) FROM conversation WHERE state = 1 AND inbox = ?1 AND (queue_first < ?2 OR (queue_first = ?2 AND "
                  "(queued_at < ?3 OR (queued_at = ?3 AND id < ?4))))");
SQL(queue_handled, "SELECT resolved_at, opened_at FROM conversation WHERE resolved_at > ?1 AND opened_at IS NOT NULL ORDER BY resolved_at DESC "
                   "LIMIT ?2");

bool queue_waiting(struct ctx *c, bool *waiting)
{
    int64_t id;
    return db_int(c, &id, waiting, &queue_first_one, "");
}

struct round {
    struct free_agent *agents;
    size_t agent_count;
    struct change change;
    int assigned;
    bool more; // whoever waits and whoever has room may both be left
};

// Least to do, then idle longest.
static struct free_agent *best(struct round *r)
{
    struct free_agent *found = NULL;
    for (size_t i = 0; i < r->agent_count; i++) {
        struct free_agent *a = &r->agents[i];
        if (a->load >= a->capacity)
            continue;
        if (!found || a->load < found->load || (a->load == found->load && a->idle_since < found->idle_since))
            found = a;
    }
    return found;
}

static bool assign_round(struct ctx *c, void *arg)
{
    struct round *round = arg;
    change_begin(&round->change);
    round->assigned = 0;
    round->more = false;
    if (!db_exec(c, &queue_turn_take, "")) // other threads and nodes wait here until we are through
        return false;
    for (size_t i = 0; i < round->agent_count; i++)
        if (!db_int(c, &round->agents[i].load, NULL, &queue_load_of, "i", round->agents[i].user))
            return false;
    struct {
        VEC(int64_t);
    } heads = {0};
    struct rows r;
    db_query(c, &r, &queue_heads, "i", (int64_t)MOST_ROUND);
    while (rows_next(&r))
        VEC_PUSH(c->arena, &heads, rows_int(&r, 0));
    if (!rows_done(&r))
        return false;
    usec now = clock_now(c->clock);
    struct {
        VEC(int64_t);
    } ids = {0};
    struct free_agent **whom = ARENA_ARRAY(c->arena, struct free_agent *, heads.count + 1);
    for (size_t i = 0; i < heads.count; i++) {
        struct free_agent *a = best(round);
        if (!a)
            break;
        a->load++;
        a->idle_since = now + (usec)i; // the next of equals comes before
        whom[i] = a;
        VEC_PUSH(c->arena, &ids, heads.at[i]);
    }
    for (size_t i = 0; i < ids.count; i++) {
        struct conv_row row = {0};
        struct free_agent *a = whom[i];
        struct act act = {.act = ACT_ASSIGN, .author = {AUTHOR_SYSTEM, 0, STR("")}, .user = a->user, .user_name = a->name, .at = now};
        if (!conv_lock(c, ids.at[i], &row))
            return false;
        if (row.state != CONV_QUEUED) // taken by hand meanwhile: all again
            return fail(c, ERR_CONFLICT, "store.conflict", NULL);
        if (!act_apply(c, &round->change, &row, &act))
            return false;
        round->assigned++;
    }
    round->more = heads.count == MOST_ROUND && best(round);
    return true;
}

bool queue_run(struct ctx *c, int *assigned)
{
    int sum = 0, tries = 0;
    for (int i = 0; i < MOST_ROUNDS; i++) {
        bool waiting;
        struct round round = {0};
        if (!queue_waiting(c, &waiting))
            return false;
        if (!waiting || !(round.agent_count = presence_ready(c, &round.agents)))
            break;
        if (!store_write(c, assign_round, &round)) {
            if (++tries < 5 && c->err->code == ERR_CONFLICT) {
                error_clear(c->err);
                continue;
            }
            return false;
        }
        usec now = clock_now(c->clock);
        for (size_t n = 0; n < round.change.moved_count; n++)
            presence_busy(c, round.change.moved[n].is, now);
        change_tell(c, &round.change);
        sum += round.assigned;
        if (!round.more)
            break;
    }
    if (assigned)
        *assigned = sum;
    return true;
}

// How long a conversation lasts with an agent, from the recent ones.
static usec handling(struct ctx *c)
{
    struct desk *d = c->desk;
    usec now = clock_now(c->clock), known = 0, sum = 0;
    int64_t count = 0;
    pthread_mutex_lock(&d->lock);
    if (d->handling && now - d->handling_at < HANDLING_FOR)
        known = d->handling;
    pthread_mutex_unlock(&d->lock);
    if (known)
        return known;
    struct rows r;
    db_query(c, &r, &queue_handled, "ii", now - DAY, (int64_t)MOST_SAMPLES);
    while (rows_next(&r)) {
        usec span = rows_int(&r, 0) - rows_int(&r, 1);
        if (span > 0) {
            sum += span < 4 * HOUR ? span : 4 * HOUR;
            count++;
        }
    }
    if (!rows_done(&r))
        error_clear(c->err);
    known = count ? sum / count : HANDLING_GUESS;
    if (known < SECOND)
        known = SECOND;
    pthread_mutex_lock(&d->lock);
    d->handling = known;
    d->handling_at = now;
    pthread_mutex_unlock(&d->lock);
    return known;
}

// Little's law from the waiting side: with so many places that each come free every `handling`, the n-th waits n × handling / places.
static int64_t wait_for(int64_t position, usec span, int64_t places)
{
    if (!places)
        return -1;
    int64_t seconds = position * (span / SECOND) / places;
    return seconds < 10 ? 10 : (seconds + 9) / 10 * 10;
}
static int64_t places_online(struct ctx *c)
{
    struct free_agent *agents;
    size_t count = presence_ready(c, &agents);
    int64_t places = 0;
    for (size_t i = 0; i < count; i++)
        places += agents[i].capacity;
    return places;
}

bool queue_place(struct ctx *c, int64_t conversation, struct queue_place *out)
{
    struct rows r;
    int64_t state = -1, inbox = 0, first = 0, at = 0;
    *out = (struct queue_place){0, -1};
    db_query(c, &r, &queue_entry, "i", conversation);
    if (rows_next(&r)) {
        state = rows_int(&r, 0);
        inbox = rows_int(&r, 1);
        first = rows_int(&r, 2);
        at = rows_int(&r, 3);
    }
    if (!rows_done(&r))
        return false;
    if (state != CONV_QUEUED)
        return true;
    if (!db_int(c, &out->position, NULL, &queue_before, "iiii", inbox, first, at, conversation))
        return false;
    out->position++;
    out->wait_s = wait_for(out->position, handling(c), places_online(c));
    return true;
}

struct str queue_frame(struct ctx *c, const struct queue_place *place)
{
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_z(&o, "t", "queue");
    json_put_int(&o, "position", place->position);
    if (place->wait_s < 0)
        json_put_null(&o, "wait_s");
    else
        json_put_int(&o, "wait_s", place->wait_s);
    json_close(&o, '}');
    return buf_str(&o.buf);
}

// Everyone who waits near the front hears of their place; further back it changes too often to be of use.
void queue_publish_places(struct ctx *c)
{
    if (!c->hub)
        return;
    struct map counts = {0}; // inbox → how many so far, as a number in the pointer's place
    struct rows r;
    usec span = handling(c);
    int64_t places = places_online(c), *count;
    hub_hold(c->hub);
    db_query(c, &r, &queue_all, "i", (int64_t)MOST_PLACES);
    while (rows_next(&r)) {
        int64_t id = rows_int(&r, 0);
        uint64_t inbox = (uint64_t)rows_int(&r, 1);
        if (!(count = map_get(&counts, inbox))) {
            count = ARENA_NEW(c->arena, int64_t);
            map_put(&counts, inbox, count);
        }
        struct queue_place place = {++*count, 0};
        place.wait_s = wait_for(place.position, span, places);
        hub_publish(c->hub, desk_topic_visitor(id), queue_frame(c, &place), 0);
    }
    if (!rows_done(&r))
        error_clear(c->err);
    hub_flush(c->hub);
    map_free(&counts);
}
