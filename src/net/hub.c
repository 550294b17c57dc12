#include "net/hub.h"

#include <stdlib.h>

#include "base/error.h"
#include "net/core.h"

// ---- From any thread: letters to the net threads. Between hub_hold and hub_flush they are collected here.

struct held {
    struct hub *hub;
    int depth;
    struct letters of[];
};
static _Thread_local struct held *held;

void letter_drop(struct letter *l)
{
    if (l->kind == LETTER_SEND || l->kind == LETTER_PUBLISH)
        frame_drop(l->at);
    else if (l->kind == LETTER_ANSWER)
        exchange_free(l->at);
    else
        free(l->at);
}

static void put(struct hub *h, int net, struct letter letter)
{
    struct server *s = h->server;
    if (!held || held->hub != h) {
        net_post(&s->nets[net], &letter, 1, true);
        return;
    }
    struct letters *to = &held->of[net];
    if (to->count == to->room) {
        to->room = to->room ? to->room * 2 : 64;
        to->at = realloc(to->at, to->room * sizeof *to->at);
        ASSERT(to->at, "out of memory");
    }
    to->at[to->count++] = letter;
}

void hub_hold(struct hub *h)
{
    if (held && held->hub == h) {
        held->depth++;
        return;
    }
    ASSERT(!held, "a thread holds one hub at a time");
    held = calloc(1, sizeof *held + (size_t)h->server->net_count * sizeof held->of[0]);
    ASSERT(held, "out of memory");
    held->hub = h;
    held->depth = 1;
}

void hub_flush(struct hub *h)
{
    ASSERT(held && held->hub == h, "hub_flush follows hub_hold");
    if (--held->depth)
        return;
    struct held *all = held;
    held = NULL;
    for (int i = 0; i < h->server->net_count; i++) {
        if (all->of[i].count)
            net_post(&h->server->nets[i], all->of[i].at, all->of[i].count, true);
        free(all->of[i].at);
    }
    free(all);
}

static int net_of(const struct hub *h, uint64_t conn) // -1: no such
{
    int n = (int)(conn & (NET_MOST - 1));
    return n < h->server->net_count ? n : -1;
}

static _Atomic unsigned *followed(struct net *n, uint64_t topic)
{
    uint64_t mixed = topic * 0x9E3779B97F4A7C15u;
    return &n->followed[mixed >> 52];
}

void hub_subscribe(struct hub *h, uint64_t conn, uint64_t topic)
{
    int n = net_of(h, conn);
    if (n < 0)
        return;
    // Counted here and not where the letter is read: what is published next, by whatever thread, must reach the connection. So the letter may
    // not be held back either, nor overtake what is: whoever follows and then reads the store misses nothing between the two.
    atomic_fetch_add(followed(&h->server->nets[n], topic), 1);
    put(h, n, (struct letter){.kind = LETTER_FOLLOW, .conn = conn, .topic = topic});
    if (held && held->hub == h) {
        net_post(&h->server->nets[n], held->of[n].at, held->of[n].count, true);
        held->of[n].count = 0;
    }
}

void hub_unsubscribe(struct hub *h, uint64_t conn, uint64_t topic)
{
    int n = net_of(h, conn);
    if (n >= 0)
        put(h, n, (struct letter){.kind = LETTER_UNFOLLOW, .conn = conn, .topic = topic});
}

void hub_send(struct hub *h, uint64_t conn, struct str frame)
{
    int n = net_of(h, conn);
    if (n >= 0)
        put(h, n, (struct letter){.kind = LETTER_SEND, .conn = conn, .at = frame_text(frame)});
}

void hub_publish(struct hub *h, uint64_t topic, struct str text, uint64_t except_conn)
{
    struct frame *f = NULL;
    for (int i = 0; i < h->server->net_count; i++) {
        if (!atomic_load(followed(&h->server->nets[i], topic)))
            continue;
        if (!f)
            f = frame_text(text);
        put(h, i, (struct letter){.kind = LETTER_PUBLISH, .conn = except_conn, .topic = topic, .at = frame_hold(f)});
    }
    if (f)
        frame_drop(f);
}

void hub_close(struct hub *h, uint64_t conn, int code, const char *reason)
{
    int n = net_of(h, conn);
    if (n < 0)
        return;
    char *copy = strdup(reason ? reason : "");
    ASSERT(copy, "out of memory");
    put(h, n, (struct letter){.kind = LETTER_CLOSE, .conn = conn, .number = code, .at = copy});
}

// ---- In the net thread.

static void topic_drop(struct net *n, struct topic *t)
{
    map_take(&n->topics, t->number);
    free(t->conns);
    free(t);
}

static void leave(struct net *n, struct conn *c, uint64_t number)
{
    struct topic *t = map_get(&n->topics, number);
    ASSERT(t, "a followed topic exists");
    for (uint32_t i = 0; i < t->count; i++)
        if (t->conns[i] == c) {
            t->conns[i] = t->conns[--t->count];
            break;
        }
    atomic_fetch_sub(followed(n, number), 1);
    if (!t->count)
        topic_drop(n, t);
}

static void follow(struct net *n, struct conn *c, uint64_t number)
{
    struct ws *w = c ? &c->ws : NULL;
    bool gone = !c || c->kind != CONN_WS || w->closing;
    for (uint16_t i = 0; !gone && i < w->topic_count; i++)
        gone = w->topics[i] == number; // already
    if (gone || w->topic_count == UINT16_MAX) {
        atomic_fetch_sub(followed(n, number), 1);
        return;
    }
    if (w->topic_count == w->topic_room) {
        uint32_t room = w->topic_room ? w->topic_room * 2u : 2;
        w->topics = realloc(w->topics, room * sizeof *w->topics);
        ASSERT(w->topics, "out of memory");
        w->topic_room = (uint16_t)(room > UINT16_MAX ? UINT16_MAX : room);
    }
    w->topics[w->topic_count++] = number;
    struct topic *t = map_get(&n->topics, number);
    if (!t) {
        t = calloc(1, sizeof *t);
        ASSERT(t, "out of memory");
        t->number = number;
        map_put(&n->topics, number, t);
    }
    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 2;
        t->conns = realloc(t->conns, t->room * sizeof(struct conn *));
        ASSERT(t->conns, "out of memory");
    }
    t->conns[t->count++] = c;
}

static void unfollow(struct net *n, struct conn *c, uint64_t number)
{
    if (!c || c->kind != CONN_WS)
        return;
    for (uint16_t i = 0; i < c->ws.topic_count; i++)
        if (c->ws.topics[i] == number) {
            c->ws.topics[i] = c->ws.topics[--c->ws.topic_count];
            leave(n, c, number);
            return;
        }
}

void net_forget(struct conn *c)
{
    while (c->ws.topic_count)
        leave(c->net, c, c->ws.topics[--c->ws.topic_count]);
}

void net_hub_letter(struct net *n, struct letter *l)
{
    struct conn *c = l->kind == LETTER_PUBLISH ? NULL : net_conn(n, l->conn);
    struct frame *f = l->at;
    switch (l->kind) {
    case LETTER_FOLLOW:
        follow(n, c, l->topic);
        break;
    case LETTER_UNFOLLOW:
        unfollow(n, c, l->topic);
        break;
    case LETTER_SEND:
        if (c && c->kind == CONN_WS)
            ws_send(c, f);
        else
            frame_drop(f);
        break;
    case LETTER_PUBLISH: {
        // From the end: a slow reader that is dropped on the way leaves the topic, and the last one takes its place.
        struct topic *t = map_get(&n->topics, l->topic);
        for (uint32_t i = t ? t->count : 0; i-- > 0;) {
            struct conn *to = t->conns[i];
            uint32_t before = t->count;
            if (to->id == l->conn)
                continue;
            ws_send(to, frame_hold(f));
            if (before == 1 && to->ws.closing)
                break; // that was the last: the topic is gone
        }
        frame_drop(f);
        break;
    }
    case LETTER_CLOSE:
        if (c && c->kind == CONN_WS)
            ws_close(c, l->number, l->at);
        free(l->at);
        break;
    default:
        ASSERT(false, "a letter of the hub");
    }
}
