// A net thread: an event loop over its own connections, a mailbox for what others want of it, a timer wheel.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "net/core.h"

struct conn *net_conn(struct net *n, uint64_t id)
{
    return map_get(&n->conns, id);
}

// ---- The mailbox.

void net_post(struct net *n, const struct letter *letters, size_t count, bool may_wait)
{
    pthread_mutex_lock(&n->lock);
    while (may_wait && n->box.count > LETTERS_MOST && !n->stopped)
        pthread_cond_wait(&n->room, &n->lock);
    if (n->stopped) {
        pthread_mutex_unlock(&n->lock);
        for (size_t i = 0; i < count; i++)
            letter_drop((struct letter *)&letters[i]);
        return;
    }
    if (n->box.count + count > n->box.room) {
        n->box.room = n->box.room ? n->box.room * 2 : 64;
        if (n->box.room < n->box.count + count)
            n->box.room = n->box.count + count;
        n->box.at = realloc(n->box.at, n->box.room * sizeof *n->box.at);
        ASSERT(n->box.at, "out of memory");
    }
    memcpy(n->box.at + n->box.count, letters, count * sizeof *letters);
    n->box.count += count;
    bool wake = !n->woken;
    n->woken = true;
    pthread_mutex_unlock(&n->lock);
    if (wake) {
        uint64_t one = 1;
        ssize_t written = write(n->wake, &one, sizeof one);
        (void)written; // full is awake too
    }
}

static void adopt(struct net *n, int fd, struct address from, bool tls)
{
    struct conn *c = conn_new(n, fd, from, tls);
    if (n->stopping || n->draining)
        conn_end(c);
}

static void drain(struct net *n)
{
    size_t at = 0, count = 0;
    uint64_t id;
    void *value;
    n->draining = true;
    if (n->index == 0)
        for (int i = 0; i < 2; i++)
            if (n->server->listen_fd[i] >= 0) {
                epoll_ctl(n->epoll, EPOLL_CTL_DEL, n->server->listen_fd[i], NULL);
                close(n->server->listen_fd[i]);
                n->server->listen_fd[i] = -1;
            }
    struct conn **all = malloc((n->conns.count + 1) * sizeof(struct conn *)); // closing changes the map
    ASSERT(all, "out of memory");
    while (map_next(&n->conns, &at, &id, &value))
        all[count++] = value;
    for (size_t i = 0; i < count; i++) {
        struct conn *c = all[i];
        if (c->kind == CONN_WS)
            ws_close(c, 1012, "the server restarts");
        else if (c->kind == CONN_H2)
            h2_drain(c);
        else if (!c->tls_ready || (http_idle(c) && !c->in_len))
            conn_end(c);
    }
    free(all);
}

static void stop(struct net *n)
{
    size_t at = 0;
    uint64_t id;
    void *value;
    n->stopping = true;
    while (n->conns.count) {
        at = 0;
        map_next(&n->conns, &at, &id, &value);
        conn_end(value);
    }
}

static void letter(struct net *n, struct letter *l)
{
    struct conn *c;
    switch ((enum letter_kind)l->kind) {
    case LETTER_ADOPT:
        adopt(n, l->number, *(struct address *)l->at, l->tls);
        free(l->at);
        break;
    case LETTER_ANSWER: {
        struct exchange *x = l->at;
        c = net_conn(n, x->conn);
        if (!c)
            exchange_free(x);
        else if (x->stream)
            h2_answer(c, x);
        else
            http_answer(c, x);
        break;
    }
    case LETTER_ROOM: {
        struct waiting *w = &n->paused[l->number];
        for (size_t i = 0; i < w->count; i++)
            if ((c = net_conn(n, w->ids[i]))) {
                conn_pause(c, false);
                conn_again(c);
            }
        w->count = 0;
        break;
    }
    case LETTER_DRAIN:
        drain(n);
        break;
    case LETTER_STOP:
        stop(n);
        break;
    default:
        net_hub_letter(n, l);
    }
}

static void read_box(struct net *n, struct letters *mine)
{
    pthread_mutex_lock(&n->lock);
    struct letters got = n->box;
    n->box = *mine;
    n->woken = false;
    if (got.count > LETTERS_MOST)
        pthread_cond_broadcast(&n->room);
    pthread_mutex_unlock(&n->lock);
    for (size_t i = 0; i < got.count; i++)
        letter(n, &got.at[i]);
    if (got.room > 65536) { // a burst's memory goes back
        free(got.at);
        got = (struct letters){0};
    }
    got.count = 0;
    *mine = got;
}

// ---- Accepting: the first net thread does it and gives each connection to the thread with the fewest.

static void take_connection(struct net *n, int fd, const struct sockaddr_storage *from, bool tls)
{
    struct server *s = n->server;
    struct address peer = address_of(from);
    if (!server_admit(s, peer)) {
        atomic_fetch_add(&s->refused, 1);
        close(fd);
        return;
    }
    struct net *least = n;
    for (int i = 0; i < s->net_count; i++)
        if (atomic_load(&s->nets[i].load) < atomic_load(&least->load))
            least = &s->nets[i];
    atomic_fetch_add(&least->load, 1);
    if (least == n) {
        adopt(n, fd, peer, tls);
        return;
    }
    struct address *copy = malloc(sizeof *copy);
    ASSERT(copy, "out of memory");
    *copy = peer;
    net_post(least, &(struct letter){.kind = LETTER_ADOPT, .number = fd, .tls = tls, .at = copy}, 1, false);
}

static void accept_some(struct net *n, int which)
{
    int listen_fd = n->server->listen_fd[which];
    for (int i = 0; i < 64 && listen_fd >= 0; i++) {
        struct sockaddr_storage from;
        socklen_t len = sizeof from;
        int fd = accept4(listen_fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take_connection(n, fd, &from, which == 1);
            continue;
        }
        if (errno != EMFILE && errno != ENFILE)
            return;
        // No descriptor left: the spare one takes the connection off the queue, so that the loop does not spin on it.
        close(n->spare_fd);
        fd = accept(listen_fd, NULL, NULL);
        if (fd >= 0)
            close(fd);
        n->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        atomic_fetch_add(&n->server->refused, 1);
    }
}

// ---- The loop.

static void tick(struct net *n)
{
    while (n->ticked < n->second) {
        n->ticked++;
        struct conn **slot = &n->wheel[n->ticked % WHEEL], *list = *slot;
        *slot = NULL;
        if (list)
            list->back = &list;
        while (list) {
            struct conn *c = list;
            uint32_t at = c->deadline;
            conn_deadline(c, 0);
            if (at <= n->ticked)
                conn_late(c);
            else
                conn_deadline(c, at > n->second ? at - n->second : 1);
        }
    }
}

static void flush_dirty(struct net *n)
{
    for (size_t i = 0; i < n->dirty_count; i++) { // may grow meanwhile
        struct conn *c = n->dirty[i];
        c->dirty = false;
        conn_flush(c);
    }
    n->dirty_count = 0;
}

static void free_dead(struct net *n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n->dead_count; i++) {
        struct conn *c = n->dead[i];
        if (c->again || c->dirty)
            n->dead[kept++] = c;
        else
            conn_free(c);
    }
    n->dead_count = kept;
}

static void look_again(struct net *n)
{
    struct conn **list = n->again;
    size_t count = n->again_count;
    n->again = NULL; // they may ask again
    n->again_count = n->again_room = 0;
    for (size_t i = 0; i < count; i++) {
        list[i]->again = false;
        if (!list[i]->dead)
            conn_event(list[i], 0);
    }
    free(list);
}

static void *run(void *arg)
{
    struct net *n = arg;
    struct server *s = n->server;
    struct epoll_event events[256];
    struct letters mine = {0};
    prctl(PR_SET_NAME, "net");
    for (;;) {
        int count = epoll_wait(n->epoll, events, 256, n->again_count ? 0 : 500);
        n->second = (uint32_t)((time_monotonic() - n->started) / SECOND) + 1;
        bool letters = false;
        for (int i = 0; i < count; i++) {
            void *what = events[i].data.ptr;
            if (what == n) {
                uint64_t value;
                ssize_t got = read(n->wake, &value, sizeof value);
                letters = got > 0;
            } else if (what == &s->listen_fd[0] || what == &s->listen_fd[1]) {
                accept_some(n, what == &s->listen_fd[1]);
            } else {
                conn_event(what, events[i].events);
            }
        }
        look_again(n);
        if (letters)
            read_box(n, &mine);
        tick(n);
        lanes_hand_over(n);
        flush_dirty(n);
        lanes_hand_over(n);
        free_dead(n);
        if (n->stopping && !n->conns.count)
            break;
    }
    pthread_mutex_lock(&n->lock);
    n->stopped = true;
    struct letters left = n->box;
    n->box = (struct letters){0};
    pthread_cond_broadcast(&n->room);
    pthread_mutex_unlock(&n->lock);
    for (size_t i = 0; i < left.count; i++) {
        if (left.at[i].kind == LETTER_ADOPT)
            close(left.at[i].number);
        letter_drop(&left.at[i]);
    }
    free(left.at);
    free(mine.at);
    lanes_hand_over(n);
    return NULL;
}

static bool listen_here(struct net *n, int which)
{
    struct epoll_event e = {EPOLLIN, {.ptr = &n->server->listen_fd[which]}};
    return n->server->listen_fd[which] < 0 || epoll_ctl(n->epoll, EPOLL_CTL_ADD, n->server->listen_fd[which], &e) == 0;
}

bool net_start(struct ctx *c, struct server *s, struct net *n)
{
    n->server = s;
    n->index = (int)(n - s->nets);
    n->started = time_monotonic();
    n->second = n->ticked = 1;
    n->epoll = epoll_create1(EPOLL_CLOEXEC);
    n->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    n->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    n->buffer = malloc(READ_ROOM);
    n->out = malloc(READ_ROOM);
    n->paused = calloc((size_t)s->lane_count, sizeof *n->paused);
    n->parcels = calloc((size_t)s->lane_count, sizeof *n->parcels);
    ASSERT(n->buffer && n->out && n->paused && n->parcels, "out of memory");
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->room, NULL);
    struct epoll_event e = {EPOLLIN, {.ptr = n}};
    if (n->epoll < 0 || n->wake < 0 || epoll_ctl(n->epoll, EPOLL_CTL_ADD, n->wake, &e) < 0 ||
        (n->index == 0 && (!listen_here(n, 0) || !listen_here(n, 1))))
        return fail(c, ERR_INTERNAL, "net.start", NULL);
    n->running = pthread_create(&n->thread, NULL, run, n) == 0;
    return n->running || fail(c, ERR_INTERNAL, "net.start", NULL);
}

void net_stop(struct net *n)
{
    if (!n->running)
        return;
    net_post(n, &(struct letter){.kind = LETTER_STOP}, 1, false);
    pthread_join(n->thread, NULL);
    n->running = false;
}

void net_free(struct net *n)
{
    if (!n->server)
        return;
    for (int i = 0; i < n->server->lane_count; i++)
        free(n->paused[i].ids);
    size_t at = 0;
    uint64_t number;
    void *topic;
    while (map_next(&n->topics, &at, &number, &topic)) {
        free(((struct topic *)topic)->conns);
        free(topic);
    }
    map_free(&n->topics);
    map_free(&n->conns);
    free(n->dirty);
    free(n->dead);
    free(n->again);
    free(n->paused);
    free(n->parcels);
    free(n->buffer);
    free(n->out);
    close(n->epoll);
    close(n->wake);
    close(n->spare_fd);
    pthread_mutex_destroy(&n->lock);
    pthread_cond_destroy(&n->room);
}
