// A connection's bytes: reading, the queue of what goes out, TLS, the end. What the bytes mean is told by its kind.
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "net/core.h"

static void *grown(void *at, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return at;
    *room = *room ? *room * 2 : 64;
    at = realloc(at, *room * size);
    ASSERT(at, "out of memory");
    return at;
}

// ---- Timer wheel.

void conn_deadline(struct conn *c, uint32_t seconds)
{
    if (c->back) {
        *c->back = c->next;
        if (c->next)
            c->next->back = c->back;
        c->back = NULL;
        c->next = NULL;
    }
    c->deadline = seconds ? c->net->second + seconds : 0;
    if (!seconds || c->dead)
        return;
    struct conn **slot = &c->net->wheel[c->deadline % WHEEL];
    c->next = *slot;
    if (c->next)
        c->next->back = &c->next;
    c->back = slot;
    *slot = c;
}

// ---- What epoll watches.

static void watch(struct conn *c)
{
    uint32_t want = (c->paused ? 0 : EPOLLIN) | (c->writing ? EPOLLOUT : 0);
    if (c->dead || want == c->events)
        return;
    c->events = want;
    struct epoll_event e = {want, {.ptr = c}};
    epoll_ctl(c->net->epoll, EPOLL_CTL_MOD, c->fd, &e);
}

void conn_pause(struct conn *c, bool paused)
{
    c->paused = paused || c->ended;
    watch(c);
}

void conn_again(struct conn *c)
{
    struct net *n = c->net;
    if (c->again || c->dead)
        return;
    c->again = true;
    n->again = grown(n->again, n->again_count, &n->again_room, sizeof *n->again);
    n->again[n->again_count++] = c;
}

struct conn *conn_new(struct net *n, int fd, struct address peer, bool tls)
{
    struct conn *c = calloc(1, sizeof *c);
    ASSERT(c, "out of memory");
    c->id = ++n->next_id << 6 | (uint64_t)n->index;
    c->net = n;
    c->fd = fd;
    c->peer = peer;
    c->http.file = -1;
    c->tls_ready = !tls;
    if (tls) {
        c->ssl = SSL_new(n->server->tls);
        ASSERT(c->ssl && SSL_set_fd(c->ssl, fd) == 1, "out of memory");
        SSL_set_accept_state(c->ssl);
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    map_put(&n->conns, c->id, c);
    atomic_fetch_add(&n->connections, 1);
    c->events = EPOLLIN;
    struct epoll_event e = {EPOLLIN, {.ptr = c}};
    if (epoll_ctl(n->epoll, EPOLL_CTL_ADD, fd, &e) < 0) {
        conn_end(c);
        return c;
    }
    conn_deadline(c, (uint32_t)n->server->conf->idle_seconds);
    return c;
}

static void drop_out(struct conn *c, uint32_t from)
{
    for (uint32_t i = from; i < c->out_count; i++) {
        struct frame *f = c->out[(c->out_first + i) & (c->out_room - 1)];
        c->out_bytes -= f->len;
        frame_drop(f);
    }
    c->out_count = from < c->out_count ? from : c->out_count;
    if (!c->out_count) {
        free(c->out);
        c->out = NULL;
        c->out_room = c->out_first = c->out_at = c->out_bytes = 0;
    }
}

void conn_end(struct conn *c)
{
    struct net *n = c->net;
    if (c->dead)
        return;
    if (c->kind == CONN_WS)
        ws_end(c);
    else if (c->kind == CONN_H2)
        h2_end(c);
    else
        http_end(c);
    c->dead = true;
    conn_deadline(c, 0);
    drop_out(c, 0);
    free(c->in);
    c->in = NULL;
    c->in_len = c->in_room = 0;
    if (c->ssl) {
        if (c->tls_ready)
            SSL_shutdown(c->ssl);
        SSL_free(c->ssl);
        c->ssl = NULL;
    }
    close(c->fd);
    map_take(&n->conns, c->id);
    atomic_fetch_sub(&n->connections, 1);
    atomic_fetch_sub(&n->load, 1);
    server_leave(n->server, c->peer);
    n->dead = grown(n->dead, n->dead_count, &n->dead_room, sizeof *n->dead);
    n->dead[n->dead_count++] = c;
}

void conn_free(struct conn *c)
{
    free(c);
}

// ---- Out.

void conn_queue(struct conn *c, struct frame *f)
{
    struct net *n = c->net;
    if (c->dead || c->finishing || !f->len) {
        frame_drop(f);
        return;
    }
    if (c->out_count == c->out_room) {
        uint32_t room = c->out_room ? c->out_room * 2 : 4;
        struct frame **out = malloc(room * sizeof *out);
        ASSERT(out, "out of memory");
        for (uint32_t i = 0; i < c->out_count; i++)
            out[i] = c->out[(c->out_first + i) & (c->out_room - 1)];
        free(c->out);
        c->out = out;
        c->out_room = room;
        c->out_first = 0;
    }
    c->out[(c->out_first + c->out_count++) & (c->out_room - 1)] = f;
    c->out_bytes += f->len;
    if (!c->dirty) {
        c->dirty = true;
        n->dirty = grown(n->dirty, n->dirty_count, &n->dirty_room, sizeof *n->dirty);
        n->dirty[n->dirty_count++] = c;
    }
}

// Sends one piece: a large frame from where it is, small ones together from the net thread's buffer. > 0: bytes sent; 0: the socket is
// full; < 0: it is broken. A repeated TLS write offers at least the same bytes again, since the queue only grows at its end.
static ssize_t send_piece(struct conn *c)
{
    struct frame *f = c->out[c->out_first];
    const char *at = f->at + c->out_at;
    size_t len = f->len - c->out_at, most = c->ssl ? 16 * 1024 : READ_ROOM;
    if (c->out_count > 1 && len < most) {
        char *to = c->net->out;
        size_t filled = 0, skip = c->out_at;
        for (uint32_t i = 0; i < c->out_count && filled < most; i++) {
            f = c->out[(c->out_first + i) & (c->out_room - 1)];
            size_t n = f->len - skip < most - filled ? f->len - skip : most - filled;
            memcpy(to + filled, f->at + skip, n);
            filled += n;
            skip = 0;
        }
        at = to;
        len = filled;
    } else if (len > most && c->ssl) {
        len = most;
    }
    if (c->ssl) {
        int n = SSL_write(c->ssl, at, (int)len);
        if (n > 0)
            return n;
        int why = SSL_get_error(c->ssl, n);
        return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? 0 : -1;
    }
    ssize_t n = send(c->fd, at, len, MSG_NOSIGNAL);
    return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static void sent(struct conn *c, size_t len)
{
    atomic_fetch_add_explicit(&c->net->bytes_out, (int64_t)len, memory_order_relaxed);
    while (len) {
        struct frame *f = c->out[c->out_first];
        size_t rest = f->len - c->out_at;
        if (len < rest) {
            c->out_at += (uint32_t)len;
            return;
        }
        len -= rest;
        c->out_at = 0;
        c->out_bytes -= f->len;
        c->out_first = (c->out_first + 1) & (c->out_room - 1);
        c->out_count--;
        frame_drop(f);
    }
}

void conn_flush(struct conn *c)
{
    if (c->dead || !c->tls_ready)
        return;
    do {
        while (c->out_count) {
            ssize_t n = send_piece(c);
            if (n < 0) {
                conn_end(c);
                return;
            }
            if (!n) {
                c->writing = true;
                watch(c);
                return;
            }
            if (c->kind == CONN_HTTP && c->http.file_left)
                conn_deadline(c, STALL_SECONDS);
            sent(c, (size_t)n);
        }
        drop_out(c, 0);
        if (c->finishing)
            break;
        if (c->kind == CONN_HTTP)
            http_sent(c);
        else if (c->kind == CONN_H2)
            h2_sent(c);
    } while (c->out_count && !c->dead);
    if (c->dead)
        return;
    if (c->writing) {
        c->writing = false;
        watch(c);
    }
    if (!c->finishing || c->lingering)
        return;
    if (!c->linger || c->ended) {
        conn_end(c);
        return;
    }
    // What the client still sends must be read, or the reset would take the answer with it.
    c->lingering = true;
    if (c->ssl)
        SSL_shutdown(c->ssl);
    shutdown(c->fd, SHUT_WR);
    conn_deadline(c, CLOSE_SECONDS);
    conn_pause(c, false);
}

void conn_finish(struct conn *c, bool linger)
{
    if (c->finishing || c->dead)
        return;
    c->finishing = true;
    c->linger = linger;
    conn_deadline(c, CLOSE_SECONDS);
    if (!c->dirty) { // the flush at the end of the round does the rest
        c->dirty = true;
        c->net->dirty = grown(c->net->dirty, c->net->dirty_count, &c->net->dirty_room, sizeof *c->net->dirty);
        c->net->dirty[c->net->dirty_count++] = c;
    }
}

// ---- In.

void conn_keep(struct conn *c, const char *bytes, size_t len)
{
    if (c->in_len + len > c->in_room) {
        size_t room = c->in_len + len < 256 ? 256 : (c->in_len + len) * 3 / 2;
        c->in = realloc(c->in, room);
        ASSERT(c->in, "out of memory");
        c->in_room = (uint32_t)room;
    }
    memcpy(c->in + c->in_len, bytes, len);
    c->in_len += (uint32_t)len;
}

static size_t understand(struct conn *c, const char *bytes, size_t len)
{
    size_t used = 0;
    for (;;) {
        uint8_t kind = c->kind;
        if (c->lingering || c->finishing)
            return len;
        if (kind == CONN_HTTP)
            used += http_read(c, bytes + used, len - used);
        else if (kind == CONN_WS)
            used += ws_read(c, bytes + used, len - used);
        else
            used += h2_read(c, bytes + used, len - used);
        if (c->dead || c->kind == kind)
            return c->finishing ? len : used;
    }
}

static void take_in(struct conn *c, const char *bytes, size_t len)
{
    if (!c->in_len) {
        size_t used = understand(c, bytes, len);
        if (!c->dead && used < len)
            conn_keep(c, bytes + used, len - used);
        return;
    }
    if (len)
        conn_keep(c, bytes, len);
    char *at = c->in; // whoever is called keeps nothing itself
    size_t have = c->in_len, used = understand(c, at, have);
    if (c->dead)
        return;
    if (used == have) {
        free(c->in);
        c->in = NULL;
        c->in_len = c->in_room = 0;
    } else if (used) {
        memmove(c->in, c->in + used, have - used);
        c->in_len = (uint32_t)(have - used);
    }
}

// The other side will send no more. What it asked for before is still answered; half a request never becomes a whole one.
static void ended(struct conn *c)
{
    if (c->kind == CONN_HTTP && !c->lingering && (http_answering(c) || (http_idle(c) && c->out_count))) {
        c->ended = true;
        conn_pause(c, true);
    } else {
        conn_end(c);
    }
}

static ssize_t receive(struct conn *c) // -1: nothing now; 0: the end; -2: broken
{
    if (!c->ssl) {
        ssize_t n = recv(c->fd, c->net->buffer, READ_ROOM, 0);
        return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? -1 : -2;
    }
    int n = SSL_read(c->ssl, c->net->buffer, READ_ROOM);
    if (n > 0)
        return n;
    int why = SSL_get_error(c->ssl, n);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -1 : why == SSL_ERROR_ZERO_RETURN ? 0 : -2;
}

static bool handshake(struct conn *c)
{
    int n = SSL_do_handshake(c->ssl);
    if (n == 1) {
        c->tls_ready = true;
        c->writing = false;
        watch(c);
        conn_deadline(c, (uint32_t)c->net->server->conf->idle_seconds);
        if (tls_is_h2(c->ssl))
            h2_begin(c);
        return true;
    }
    int why = SSL_get_error(c->ssl, n);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
        conn_end(c);
    } else {
        c->writing = why == SSL_ERROR_WANT_WRITE;
        watch(c);
    }
    return false;
}

static void read_some(struct conn *c)
{
    for (int round = 0; round < 4 && !c->dead && !c->paused; round++) {
        ssize_t n = receive(c);
        if (n == -1)
            return;
        if (n <= 0) {
            if (n == 0)
                ended(c);
            else
                conn_end(c);
            return;
        }
        take_in(c, c->net->buffer, (size_t)n);
        if (!c->ssl && n < READ_ROOM)
            return;
    }
    if (!c->dead && !c->paused && c->ssl) // decrypted bytes do not wake epoll
        conn_again(c);
}

void conn_event(struct conn *c, uint32_t events)
{
    if (c->dead)
        return;
    if (events & EPOLLERR || (events & EPOLLHUP && c->paused)) {
        conn_end(c);
        return;
    }
    if (c->ssl && !c->tls_ready && !handshake(c))
        return;
    if (c->in_len && !events) // called again for what was left
        take_in(c, NULL, 0);
    if (!c->dead && (!events || events & (EPOLLIN | EPOLLHUP)))
        read_some(c);
    if (!c->dead && (events & EPOLLOUT))
        conn_flush(c);
}

void conn_late(struct conn *c)
{
    if (c->finishing || !c->tls_ready)
        conn_end(c);
    else if (c->kind == CONN_WS)
        ws_late(c);
    else if (c->kind == CONN_H2) {
        if (h2_late(c))
            conn_end(c);
    } else
        http_late(c);
}

void conn_drop_queue(struct conn *c)
{
    drop_out(c, c->out_at ? 1 : 0);
}
