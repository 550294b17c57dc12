// Lanes: everything of one WebSocket connection is handled by one thread, in order. A lane takes all events that wait, so that one durable
// commit serves many messages. Net threads hand events over in parcels, one a round.
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "net/core.h"

struct item {
    uint64_t conn;
    struct ws_hello *hello;
    uint32_t at, len; // of the text in the parcel's bytes
    uint8_t what, endpoint;
};
struct parcel {
    struct parcel *next;
    struct item *items;
    char *bytes;
    size_t count, room, len, cap;
    size_t taken; // items that were handled
};

static bool full(const struct lane *l)
{
    return atomic_load_explicit(&l->events, memory_order_relaxed) >= LANE_EVENTS_MOST ||
           atomic_load_explicit(&l->bytes, memory_order_relaxed) >= LANE_BYTES_MOST;
}

bool lane_choked(struct lane *l)
{
    if (!full(l))
        return false;
    pthread_mutex_lock(&l->lock);
    bool still = full(l);
    l->choked |= still;
    pthread_mutex_unlock(&l->lock);
    return still;
}

void lane_put(struct net *n, int lane, uint64_t conn, int endpoint, enum ws_what what, const char *text, size_t len,
              struct ws_hello *hello)
{
    struct lane *l = &n->server->lanes[lane];
    struct parcel *p = n->parcels[lane];
    if (!p) {
        p = n->parcels[lane] = calloc(1, sizeof *p);
        ASSERT(p, "out of memory");
    }
    if (p->count == p->room) {
        p->room = p->room ? p->room * 2 : 8;
        p->items = realloc(p->items, p->room * sizeof *p->items);
        ASSERT(p->items, "out of memory");
    }
    if (p->len + len > p->cap) {
        p->cap = p->len + len < 512 ? 1024 : (p->len + len) * 2;
        p->bytes = realloc(p->bytes, p->cap);
        ASSERT(p->bytes, "out of memory");
    }
    if (len)
        memcpy(p->bytes + p->len, text, len);
    p->items[p->count++] = (struct item){conn, hello, (uint32_t)p->len, (uint32_t)len, (uint8_t)what, (uint8_t)endpoint};
    p->len += len;
    atomic_fetch_add_explicit(&l->events, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&l->bytes, len, memory_order_relaxed);
}

void lanes_hand_over(struct net *n)
{
    for (int i = 0; i < n->server->lane_count; i++) {
        struct parcel *p = n->parcels[i];
        struct lane *l = &n->server->lanes[i];
        if (!p)
            continue;
        n->parcels[i] = NULL;
        pthread_mutex_lock(&l->lock);
        bool sleeping = !l->first;
        *l->last = p;
        l->last = &p->next;
        pthread_mutex_unlock(&l->lock);
        if (sleeping)
            pthread_cond_signal(&l->filled);
    }
}

static void parcel_free(struct parcel *p)
{
    for (size_t i = p->taken; i < p->count; i++)
        free(p->items[i].hello);
    free(p->items);
    free(p->bytes);
    free(p);
}

// Up to LANE_BATCH items from the parcels; each endpoint gets its own in order.
static size_t handle(struct lane *l, struct ctx *c, struct parcel *first)
{
    struct server *s = l->server;
    struct ws_event events[LANE_BATCH];
    size_t bytes = 0, items = 0;
    for (int e = 0; e < s->endpoint_count; e++) {
        size_t count = 0, seen = 0;
        for (struct parcel *p = first; p && seen < LANE_BATCH; p = p->next)
            for (size_t i = p->taken; i < p->count && seen < LANE_BATCH; i++, seen++) {
                struct item *it = &p->items[i];
                if (it->endpoint == e)
                    events[count++] = (struct ws_event){(enum ws_what)it->what, it->conn, {p->bytes ? p->bytes + it->at : "", it->len}, it->hello};
            }
        items = seen;
        if (!count)
            continue;
        error_clear(c->err);
        c->actor = (struct actor){.kind = ACTOR_NOBODY};
        hub_hold(&s->hub);
        s->setup.endpoints[e].events(c, events, count);
        hub_flush(&s->hub);
        arena_reset(c->arena);
    }
    for (size_t left = items; left; first = first->next)
        for (; first->taken < first->count && left; first->taken++, left--) {
            bytes += first->items[first->taken].len;
            free(first->items[first->taken].hello);
            first->items[first->taken].hello = NULL;
        }
    atomic_fetch_sub_explicit(&l->events, items, memory_order_relaxed);
    atomic_fetch_sub_explicit(&l->bytes, bytes, memory_order_relaxed);
    return items;
}

static void tell_room(struct lane *l)
{
    if (atomic_load(&l->events) > LANE_EVENTS_MOST / 2 || atomic_load(&l->bytes) > LANE_BYTES_MOST / 2)
        return;
    pthread_mutex_lock(&l->lock);
    bool choked = l->choked;
    l->choked = false;
    pthread_mutex_unlock(&l->lock);
    struct letter room = {.kind = LETTER_ROOM, .number = l->index};
    for (int i = 0; choked && i < l->server->net_count; i++)
        net_post(&l->server->nets[i], &room, 1, false);
}

static void *run(void *arg)
{
    struct lane *l = arg;
    struct error error = {0};
    struct ctx c = server_thread_ctx(l->server, &error);
    struct parcel *mine = NULL;
    for (;;) {
        pthread_mutex_lock(&l->lock);
        while (!mine && !l->first && !l->stopping)
            pthread_cond_wait(&l->filled, &l->lock);
        if (l->first) { // behind what is left of earlier parcels
            struct parcel **end = &mine;
            while (*end)
                end = &(*end)->next;
            *end = l->first;
            l->first = NULL;
            l->last = &l->first;
        }
        pthread_mutex_unlock(&l->lock);
        if (!mine)
            break; // stopping, and all is handled
        handle(l, &c, mine);
        while (mine && mine->taken == mine->count) {
            struct parcel *next = mine->next;
            parcel_free(mine);
            mine = next;
        }
        tell_room(l);
    }
    server_thread_done(l->server, &c);
    return NULL;
}

bool lane_start(struct server *s, struct lane *l)
{
    l->server = s;
    l->last = &l->first;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->filled, NULL);
    l->running = pthread_create(&l->thread, NULL, run, l) == 0;
    return l->running;
}

void lane_stop(struct lane *l)
{
    if (!l->running)
        return;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    pthread_cond_signal(&l->filled);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
    l->running = false;
}
