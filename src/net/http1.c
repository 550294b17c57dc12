// HTTP/1.x on a connection: one request at a time; the bytes of the next ones wait unread.
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "net/core.h"

enum http_stage { AT_HEAD, AT_BODY, AT_WORK, AT_ANSWER };
enum { BODY_BYTES_A_SECOND = 16 * 1024 }; // slower bodies are cut off

bool http_idle(const struct conn *c)
{
    return c->http.stage == AT_HEAD;
}

bool http_answering(const struct conn *c)
{
    return c->http.stage == AT_WORK || c->http.stage == AT_ANSWER;
}

static void send_answer(struct conn *c, struct exchange *x)
{
    struct http *h = &c->http;
    struct answer *a = &x->answer;
    h->stage = AT_ANSWER;
    h->x = NULL;
    h->keep_alive = !a->close;
    h->file = a->fd;
    h->file_left = a->fd >= 0 ? a->file_size : 0;
    h->file_at = 0;
    a->fd = -1;
    conn_pause(c, true);
    conn_deadline(c, STALL_SECONDS);
    conn_queue(c, a->frame);
    if (a->body)
        conn_queue(c, a->body);
    a->frame = a->body = NULL;
    exchange_free(x);
}

void http_answer(struct conn *c, struct exchange *x)
{
    if (c->http.x != x) {
        exchange_free(x);
        return;
    }
    if (c->net->draining)
        x->answer.close = true;
    send_answer(c, x);
}

void http_sent(struct conn *c)
{
    struct http *h = &c->http;
    if (h->stage != AT_ANSWER)
        return;
    if (h->file_left > 0) {
        size_t want = h->file_left < READ_ROOM ? (size_t)h->file_left : READ_ROOM;
        struct frame *f = frame_new(want);
        ssize_t n = pread(h->file, f->bytes, want, h->file_at);
        if (n <= 0) { // the file is shorter than was promised
            frame_drop(f);
            conn_end(c);
            return;
        }
        f->len = (uint32_t)n;
        h->file_at += n;
        h->file_left -= n;
        conn_queue(c, f);
        return;
    }
    if (h->file >= 0)
        close(h->file);
    h->file = -1;
    if (!h->keep_alive || c->ended || c->net->draining) {
        conn_finish(c, true);
        return;
    }
    h->stage = AT_HEAD;
    h->begun = false;
    conn_deadline(c, (uint32_t)c->net->server->conf->idle_seconds);
    conn_pause(c, false);
    if (c->in_len)
        conn_again(c);
}

void http_end(struct conn *c)
{
    struct http *h = &c->http;
    if (h->x && h->stage != AT_WORK) // a worker's exchange comes back as a letter
        exchange_free(h->x);
    h->x = NULL;
    if (h->file >= 0)
        close(h->file);
    h->file = -1;
}

static void run(struct conn *c, struct exchange *x)
{
    c->http.stage = AT_WORK;
    x->keep_alive = c->http.keep_alive;
    conn_pause(c, true);
    conn_deadline(c, 0);
    if (exchange_run(x))
        send_answer(c, x);
}

static void begin(struct conn *c, const char *bytes, size_t len)
{
    struct http *h = &c->http;
    struct exchange *x = exchange_new(c->net, c->id, 0);
    struct header room[HEADERS_MOST];
    struct head head;
    char *copy = arena_alloc(x->arena, len);
    memcpy(copy, bytes, len);
    x->peer = c->peer;
    x->rq.tls = c->ssl != NULL;
    int refused = head_parse(copy, len, room, HEADERS_MOST, &head);
    if (refused) {
        const char *key = refused == 431 ? "net.head_too_large" : refused == 501 ? "net.coding" : refused == 505 ? "net.version" : "net.request";
        exchange_refuse(x, refused, key, NULL);
        send_answer(c, x);
        return;
    }
    x->headers = ARENA_ARRAY(x->arena, struct header, head.count + 1);
    memcpy(x->headers, room, head.count * sizeof room[0]);
    x->header_count = head.count;
    bool has_body = head.chunked || head.content_length > 0;
    h->keep_alive = head.keep_alive && !c->net->draining;
    h->chunked = head.chunked;
    h->chunks = (struct chunks){0};
    h->left = head.content_length;
    x->keep_alive = h->keep_alive && !has_body; // a refused body is not read: the connection ends
    x->upgrade = head.upgrade;
    h->x = x;
    refused = exchange_start(x, head.method, head.target, head.chunked ? -1 : head.content_length < 0 ? 0 : head.content_length, has_body);
    if (refused) {
        send_answer(c, x);
        return;
    }
    if (x->endpoint >= 0) {
        if (ws_upgrade(c, x))
            exchange_free(x);
        else
            send_answer(c, x);
        return;
    }
    if (!has_body) {
        run(c, x);
        return;
    }
    h->stage = AT_BODY;
    if (head.expect_continue)
        conn_queue(c, frame_static("HTTP/1.1 100 Continue\r\n\r\n", 25));
}

static size_t body(struct conn *c, const char *bytes, size_t len)
{
    struct http *h = &c->http;
    struct exchange *x = h->x;
    size_t used = 0;
    struct str data;
    bool done;
    if (h->chunked) {
        if (!chunks_next(&h->chunks, bytes, len, &used, &data)) {
            exchange_refuse(x, 400, "net.request", NULL);
            send_answer(c, x);
            return len;
        }
        done = h->chunks.stage == CHUNK_END;
    } else {
        used = (int64_t)len < h->left ? len : (size_t)h->left;
        data = (struct str){bytes, used};
        h->left -= (int64_t)used;
        done = !h->left;
    }
    if (data.len && exchange_body(x, data.at, data.len)) {
        send_answer(c, x);
        return used;
    }
    if (done) {
        run(c, x);
    } else {
        int64_t until = x->since + c->net->server->conf->idle_seconds + x->received / BODY_BYTES_A_SECOND - c->net->second;
        conn_deadline(c, until > 1 ? (uint32_t)until : 1);
    }
    return used;
}

size_t http_read(struct conn *c, const char *bytes, size_t len)
{
    struct http *h = &c->http;
    size_t used = 0;
    while (used < len && c->kind == CONN_HTTP && !c->dead) {
        if (h->stage == AT_HEAD) {
            size_t n = head_length(bytes + used, len - used);
            if (!h->begun) {
                h->begun = true;
                conn_deadline(c, (uint32_t)c->net->server->conf->idle_seconds);
            }
            if (n > HEAD_MOST || (!n && len - used > HEAD_MOST)) {
                struct exchange *x = exchange_new(c->net, c->id, 0);
                exchange_refuse(x, 431, "net.head_too_large", NULL);
                send_answer(c, x);
                return len;
            }
            if (!n)
                return used;
            begin(c, bytes + used, n);
            used += n;
        } else if (h->stage == AT_BODY) {
            used += body(c, bytes + used, len - used);
        } else {
            return used;
        }
    }
    return used;
}

void http_late(struct conn *c)
{
    conn_end(c);
}
