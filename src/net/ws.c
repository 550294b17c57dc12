// WebSocket (RFC 6455): the upgrade, frames in, frames out, the close. No extension is offered: see docs/decisions/0003-net.md.
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "base/error.h"
#include "net/core.h"

enum { OP_MORE = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };
enum { CLOSE_GONE = 1001, CLOSE_PROTOCOL = 1002, CLOSE_TYPE = 1003, CLOSE_UTF8 = 1007, CLOSE_SIZE = 1009, CLOSE_SLOW = 4008 };

static int lane_of(const struct conn *c)
{
    return (int)((c->id >> 6) % (unsigned)c->net->server->lane_count);
}

// ---- The upgrade.

static struct ws_hello *hello_new(struct exchange *x)
{
    struct request *rq = &x->rq;
    const struct str parts[] = {rq->path, rq->query, rq->peer, request_header(rq, "origin"), request_header(rq, "cookie"),
                                request_header(rq, "authorization"), rq->host, request_header(rq, "accept-language"),
                                request_header(rq, "user-agent")};
    enum { PARTS = sizeof parts / sizeof parts[0] };
    size_t len = 0;
    for (int i = 0; i < PARTS; i++)
        len += parts[i].len;
    struct ws_hello *h = malloc(sizeof *h + len + 1);
    ASSERT(h, "out of memory");
    struct str *to[] = {&h->path, &h->query, &h->peer, &h->origin, &h->cookie, &h->authorization, &h->host, &h->language, &h->agent};
    char *at = (char *)(h + 1);
    for (int i = 0; i < PARTS; i++) {
        if (parts[i].len)
            memcpy(at, parts[i].at, parts[i].len);
        *to[i] = (struct str){at, parts[i].len};
        at += parts[i].len;
    }
    h->tls = rq->tls;
    return h;
}

bool ws_upgrade(struct conn *c, struct exchange *x)
{
    struct request *rq = &x->rq;
    struct str key = request_header(rq, "sec-websocket-key");
    unsigned char nonce[24], digest[SHA_DIGEST_LENGTH], accept[32];
    bool good = header_lists(request_header(rq, "upgrade"), "websocket") && str_is(request_header(rq, "sec-websocket-version"), "13") &&
                key.len == 24 && str_ends(key, STR("==")) && EVP_DecodeBlock(nonce, (const unsigned char *)key.at, 24) == 18;
    if (!good || c->net->draining) {
        x->keep_alive = false;
        exchange_refuse(x, good ? 503 : 426, good ? "net.busy" : "net.websocket", NULL);
        return false;
    }
    struct str text = str_printf(x->arena, STR_FMT "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", STR_ARG(key));
    SHA1((const unsigned char *)text.at, text.len, digest);
    EVP_EncodeBlock(accept, digest, sizeof digest);
    struct str head = str_printf(x->arena,
                                 "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
                                 "sec-websocket-accept: %s\r\n\r\n",
                                 (const char *)accept);
    struct frame *f = frame_new(head.len);
    memcpy(f->bytes, head.at, head.len);
    conn_queue(c, f);
    c->kind = CONN_WS;
    memset(&c->ws, 0, sizeof c->ws);
    c->ws.endpoint = (uint8_t)x->endpoint;
    c->ws.opened = true;
    c->ws.heard = c->net->second;
    conn_deadline(c, PING_SECONDS);
    atomic_fetch_add(&c->net->websockets, 1);
    lane_put(c->net, lane_of(c), c->id, x->endpoint, WS_OPEN, "", 0, hello_new(x));
    return true;
}

// ---- Out and the end.

static void tell_closed(struct conn *c)
{
    if (c->ws.told)
        return;
    c->ws.told = true;
    net_forget(c);
    lane_put(c->net, lane_of(c), c->id, c->ws.endpoint, WS_CLOSED, "", 0, NULL);
}

void ws_close(struct conn *c, int code, const char *reason)
{
    if (c->dead || c->ws.closing)
        return;
    c->ws.closing = true;
    conn_queue(c, frame_close(code, reason));
    tell_closed(c);
    free(c->ws.text);
    c->ws.text = NULL;
    conn_finish(c, true);
}

void ws_send(struct conn *c, struct frame *f)
{
    struct net *n = c->net;
    if (c->dead || c->ws.closing) {
        frame_drop(f);
        return;
    }
    if (c->out_bytes && c->out_bytes + f->len > (uint64_t)n->server->conf->ws_queue_bytes) { // one large frame alone is not a lag
        frame_drop(f);
        conn_drop_queue(c);
        atomic_fetch_add_explicit(&n->slow_dropped, 1, memory_order_relaxed);
        ws_close(c, CLOSE_SLOW, "too slow, resume");
        return;
    }
    atomic_fetch_add_explicit(&n->frames_out, 1, memory_order_relaxed);
    conn_queue(c, f);
}

void ws_end(struct conn *c)
{
    tell_closed(c);
    free(c->ws.text);
    free(c->ws.topics);
    c->ws.text = NULL;
    c->ws.topics = NULL;
    atomic_fetch_sub(&c->net->websockets, 1);
}

void ws_late(struct conn *c)
{
    if (c->ws.closing || c->net->second - c->ws.heard > SILENCE_SECONDS) {
        conn_end(c);
        return;
    }
    conn_queue(c, frame_control(OP_PING, "", 0));
    conn_deadline(c, PING_SECONDS);
}

// ---- In.

static void unmask(char *to, const char *from, size_t len, const uint8_t mask[4], unsigned at)
{
    uint8_t turned[8];
    for (unsigned i = 0; i < 8; i++)
        turned[i] = mask[(at + i) & 3];
    uint64_t wide, eight;
    memcpy(&wide, turned, 8);
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        memcpy(&eight, from + i, 8);
        eight ^= wide;
        memcpy(to + i, &eight, 8);
    }
    for (; i < len; i++)
        to[i] = (char)((uint8_t)from[i] ^ turned[i & 7]);
}

static bool close_code_valid(int code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) || (code >= 3000 && code <= 4999);
}

static void control(struct conn *c, int opcode, const char *bytes, size_t len, const uint8_t mask[4])
{
    char body[125];
    unmask(body, bytes, len, mask, 0);
    if (opcode == OP_PING) {
        if (c->out_bytes < (uint64_t)c->net->server->conf->ws_queue_bytes)
            conn_queue(c, frame_control(OP_PONG, body, len));
    } else if (opcode == OP_CLOSE) {
        int code = len >= 2 ? (uint8_t)body[0] << 8 | (uint8_t)body[1] : 0;
        struct utf8 u = {0};
        if (len == 1 || (len && !close_code_valid(code)))
            code = CLOSE_PROTOCOL;
        else if (len > 2 && (!utf8_feed(&u, body + 2, len - 2) || !utf8_whole(&u)))
            code = CLOSE_UTF8;
        ws_close(c, code, "");
    }
}

static bool text_add(struct conn *c, const char *bytes, size_t len)
{
    struct ws *w = &c->ws;
    if (!len) // an empty part: there may be no memory yet to add it to
        return true;
    if (w->text_len + len > w->text_room) {
        size_t room = w->text_len + len < 512 ? 512 : (w->text_len + len) * 3 / 2;
        w->text = realloc(w->text, room);
        ASSERT(w->text, "out of memory");
        w->text_room = (uint32_t)room;
    }
    unmask(w->text + w->text_len, bytes, len, w->mask, w->mask_at);
    if (!utf8_feed(&w->utf8, w->text + w->text_len, len))
        return false;
    w->mask_at = (uint8_t)((w->mask_at + len) & 3);
    w->text_len += (uint32_t)len;
    return true;
}

static void message_done(struct conn *c, const char *text, size_t len)
{
    struct ws *w = &c->ws;
    atomic_fetch_add_explicit(&c->net->frames_in, 1, memory_order_relaxed);
    lane_put(c->net, lane_of(c), c->id, w->endpoint, WS_TEXT, text, len, NULL);
    free(w->text);
    w->text = NULL;
    w->text_len = w->text_room = 0;
    w->in_message = false;
}

// Payload of a text frame: as much as is there.
static size_t payload(struct conn *c, const char *bytes, size_t len)
{
    struct ws *w = &c->ws;
    size_t n = len < w->left ? len : w->left;
    if (!w->text_len && w->last && n == w->left) { // the usual case: a whole message in one piece, no memory of its own
        char *at = c->net->out;
        struct utf8 u = {0};
        if (n <= READ_ROOM) {
            unmask(at, bytes, n, w->mask, w->mask_at);
            w->in_frame = false;
            if (!utf8_feed(&u, at, n) || !utf8_whole(&u))
                ws_close(c, CLOSE_UTF8, "not UTF-8");
            else
                message_done(c, at, n);
            return n;
        }
    }
    if (!text_add(c, bytes, n)) {
        ws_close(c, CLOSE_UTF8, "not UTF-8");
        return n;
    }
    w->left -= (uint32_t)n;
    if (w->left)
        return n;
    w->in_frame = false;
    if (!w->last)
        return n;
    if (!utf8_whole(&w->utf8))
        ws_close(c, CLOSE_UTF8, "not UTF-8");
    else
        message_done(c, w->text ? w->text : "", w->text_len);
    return n;
}

// A frame's head, and a control frame as a whole. 0: more is needed.
static size_t frame_head(struct conn *c, const uint8_t *b, size_t len)
{
    struct ws *w = &c->ws;
    if (len < 2)
        return 0;
    int opcode = b[0] & 15;
    bool last = b[0] & 0x80;
    uint64_t size = b[1] & 0x7F;
    size_t head = 2;
    bool is_control = opcode & 8;
    bool known = opcode <= OP_BINARY || (opcode >= OP_CLOSE && opcode <= OP_PONG);
    if (b[0] & 0x70 || !(b[1] & 0x80) || !known || (is_control && (!last || size > 125))) {
        ws_close(c, CLOSE_PROTOCOL, "frame");
        return len;
    }
    if (size >= 126) {
        size_t digits = size == 126 ? 2 : 8;
        head += digits;
        if (len < head)
            return 0;
        size = 0;
        for (size_t i = 0; i < digits; i++)
            size = size << 8 | b[2 + i];
        if (size >> 63) {
            ws_close(c, CLOSE_PROTOCOL, "length");
            return len;
        }
    }
    if (len < head + 4)
        return 0;
    if (is_control) {
        if (len < head + 4 + size)
            return 0;
        control(c, opcode, (const char *)b + head + 4, size, b + head);
        return head + 4 + size;
    }
    if (opcode == OP_BINARY) {
        ws_close(c, CLOSE_TYPE, "text only");
        return len;
    }
    if ((opcode == OP_MORE) != w->in_message) {
        ws_close(c, CLOSE_PROTOCOL, "fragment");
        return len;
    }
    if (opcode == OP_TEXT) {
        w->utf8 = (struct utf8){0};
        w->in_message = true;
    }
    size_t most = c->net->server->setup.endpoints[w->endpoint].max_message;
    if (size > most || w->text_len + size > most) {
        ws_close(c, CLOSE_SIZE, "message too large");
        return len;
    }
    w->left = (uint32_t)size;
    w->last = last;
    w->in_frame = true;
    w->mask_at = 0;
    memcpy(w->mask, b + head, 4);
    return head + 4;
}

size_t ws_read(struct conn *c, const char *bytes, size_t len)
{
    struct ws *w = &c->ws;
    struct net *n = c->net;
    size_t used = 0;
    if (len)
        w->heard = n->second;
    while (!w->closing && !c->dead) {
        if (w->in_frame) {
            if (used == len && w->left)
                return used;
            used += payload(c, bytes + used, len - used);
            continue;
        }
        int lane = lane_of(c);
        if (lane_choked(&n->server->lanes[lane])) { // the lane lags: leave the rest to the socket, and so to the sender
            struct waiting *p = &n->paused[lane];
            if (!c->paused) {
                if (p->count == p->room) {
                    p->room = p->room ? p->room * 2 : 64;
                    p->ids = realloc(p->ids, p->room * sizeof *p->ids);
                    ASSERT(p->ids, "out of memory");
                }
                p->ids[p->count++] = c->id;
                conn_pause(c, true);
            }
            return used;
        }
        size_t taken = frame_head(c, (const uint8_t *)bytes + used, len - used);
        if (!taken)
            return used;
        used += taken;
    }
    return len;
}
