// HTTP/2 by nghttp2: streams become exchanges; answers are read from their frames as the windows allow.
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "net/core.h"

enum {
    STREAMS_MOST = 64,
    BODY_BYTES_A_SECOND = 16 * 1024,
    IGNORED_MOST = 4 << 20, // of a refused body; a reset right behind the answer makes some clients (curl 7.88) lose it
};
struct h2 {
    nghttp2_session *session;
    struct exchange *streams; // all that are open
    uint32_t progress;        // second in which something was sent
    bool draining;
};
struct collected { // in the exchange's arena, while the header lines come
    struct str method, path, authority;
    struct header lines[HEADERS_MOST + 1];
    size_t count, bytes;
    int64_t content_length;
    bool too_large;
};

static bool has_body(const nghttp2_frame *f)
{
    return !(f->hd.flags & NGHTTP2_FLAG_END_STREAM);
}

// ---- Answers.

static ssize_t read_body(nghttp2_session *s, int32_t stream, uint8_t *to, size_t room, uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct exchange *x = source->ptr;
    struct answer *a = &x->answer;
    int64_t total = a->fd >= 0 ? a->file_size : a->body ? a->body->len : (int64_t)(a->frame->len - a->head_len), left = total - x->sent;
    size_t n = left < (int64_t)room ? (size_t)left : room;
    if (a->fd >= 0 && n) {
        ssize_t got = pread(a->fd, to, n, x->sent);
        if (got <= 0)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        n = (size_t)got;
    } else if (n) {
        memcpy(to, (a->body ? a->body->at : a->frame->at + a->head_len) + x->sent, n);
    }
    x->sent += (int64_t)n;
    if (x->sent == total)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static void submit(struct conn *c, struct exchange *x)
{
    struct answer *a = &x->answer;
    nghttp2_nv nv[64];
    char status[8];
    size_t count = 1;
    struct str rest = {a->frame->at, a->head_len}, line;
    str_split(&rest, '\n', &line); // the status line
    snprintf(status, sizeof status, "%d", a->status);
    nv[0] = (nghttp2_nv){(uint8_t *)":status", (uint8_t *)status, 7, strlen(status), NGHTTP2_NV_FLAG_NONE};
    while (rest.len && str_split(&rest, '\n', &line) && count < sizeof nv / sizeof nv[0]) {
        size_t colon;
        line = str_trim(line);
        if (!str_find(line, STR(":"), &colon))
            continue;
        struct str name = str_sub(line, 0, colon), value = str_trim(str_sub(line, colon + 1, line.len));
        if (str_is(name, "connection"))
            continue;
        char *lower = (char *)name.at; // the frame is ours alone
        for (size_t i = 0; i < name.len; i++)
            if (lower[i] >= 'A' && lower[i] <= 'Z')
                lower[i] = (char)(lower[i] + 32);
        nv[count++] = (nghttp2_nv){(uint8_t *)name.at, (uint8_t *)value.at, name.len, value.len, NGHTTP2_NV_FLAG_NONE};
    }
    bool body = a->fd >= 0 || a->body || a->frame->len > a->head_len;
    nghttp2_data_provider from = {.source.ptr = x, .read_callback = read_body};
    x->running = false;
    x->answered = true;
    nghttp2_submit_response(c->h2->session, x->stream, nv, count, body ? &from : NULL);
}

void h2_answer(struct conn *c, struct exchange *x)
{
    if (c->kind != CONN_H2 || x->reset || nghttp2_session_get_stream_user_data(c->h2->session, x->stream) != x) {
        exchange_free(x);
        return;
    }
    submit(c, x);
    h2_sent(c);
}

static void run(struct conn *c, struct exchange *x)
{
    x->running = true;
    x->keep_alive = true;
    if (exchange_run(x))
        submit(c, x);
}

// ---- What nghttp2 tells.

static int on_begin(nghttp2_session *s, const nghttp2_frame *f, void *user)
{
    struct conn *c = user;
    if (f->hd.type != NGHTTP2_HEADERS || f->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct exchange *x = exchange_new(c->net, c->id, f->hd.stream_id);
    struct collected *got = ARENA_NEW(x->arena, struct collected);
    got->content_length = -1;
    x->peer = c->peer;
    x->rq.tls = true;
    x->keep_alive = true;
    x->headers = got->lines;
    x->body = NULL;
    x->rq.in = got; // until the head is complete
    x->sibling = c->h2->streams;
    c->h2->streams = x;
    nghttp2_session_set_stream_user_data(s, f->hd.stream_id, x);
    return 0;
}

static int on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name, size_t name_len, const uint8_t *value,
                     size_t value_len, uint8_t flags, void *user)
{
    struct exchange *x = nghttp2_session_get_stream_user_data(s, f->hd.stream_id);
    if (!x || f->headers.cat != NGHTTP2_HCAT_REQUEST || !x->rq.in)
        return 0;
    struct collected *got = x->rq.in;
    got->bytes += name_len + value_len + 32;
    if (got->bytes > HEAD_MOST || got->count == HEADERS_MOST) {
        got->too_large = true;
        return 0;
    }
    struct str n = str_dup(x->arena, (struct str){(const char *)name, name_len});
    struct str v = str_dup(x->arena, (struct str){(const char *)value, value_len});
    if (str_is(n, ":method"))
        got->method = v;
    else if (str_is(n, ":path"))
        got->path = v;
    else if (str_is(n, ":authority"))
        got->lines[got->count++] = (struct header){STR("host"), v};
    else if (n.len && n.at[0] != ':')
        got->lines[got->count++] = (struct header){n, v};
    if (str_is(n, "content-length"))
        str_int(v, &got->content_length);
    return 0;
}

static void head_done(struct conn *c, struct exchange *x, bool body)
{
    struct collected *got = x->rq.in;
    x->rq.in = NULL;
    x->header_count = got->count;
    if (got->too_large)
        exchange_refuse(x, 431, "net.head_too_large", NULL);
    else if (!exchange_start(x, got->method, got->path.len ? got->path : STR("/"), got->content_length, body)) {
        if (x->endpoint >= 0)
            exchange_refuse(x, 426, "net.websocket", NULL);
        else if (!body)
            return run(c, x);
        else
            return;
    }
    submit(c, x);
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *user)
{
    struct conn *c = user;
    struct exchange *x = f->hd.stream_id ? nghttp2_session_get_stream_user_data(s, f->hd.stream_id) : NULL;
    if (!x)
        return 0;
    if (f->hd.type == NGHTTP2_HEADERS && f->headers.cat == NGHTTP2_HCAT_REQUEST)
        head_done(c, x, has_body(f));
    else if ((f->hd.type == NGHTTP2_DATA || f->hd.type == NGHTTP2_HEADERS) && !has_body(f) && !x->answered && !x->running)
        run(c, x);
    return 0;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t stream, const uint8_t *bytes, size_t len, void *user)
{
    struct conn *c = user;
    struct exchange *x = nghttp2_session_get_stream_user_data(s, stream);
    if (x && !x->answered && !x->running && exchange_body(x, (const char *)bytes, len))
        submit(c, x);
    else if (x && x->answered && (x->ignored += (int64_t)len) > IGNORED_MOST)
        nghttp2_submit_rst_stream(s, NGHTTP2_FLAG_NONE, stream, NGHTTP2_NO_ERROR);
    return 0;
}

static int on_close(nghttp2_session *s, int32_t stream, uint32_t code, void *user)
{
    struct conn *c = user;
    struct exchange *x = nghttp2_session_get_stream_user_data(s, stream);
    if (!x)
        return 0;
    for (struct exchange **at = &c->h2->streams; *at; at = &(*at)->sibling)
        if (*at == x) {
            *at = x->sibling;
            break;
        }
    nghttp2_session_set_stream_user_data(s, stream, NULL);
    if (x->running)
        x->reset = true; // a worker has it: it comes back as a letter
    else
        exchange_free(x);
    if (!c->h2->streams)
        conn_deadline(c, (uint32_t)c->net->server->conf->idle_seconds);
    return 0;
}

// ---- The connection.

void h2_begin(struct conn *c)
{
    struct h2 *h = calloc(1, sizeof *h);
    nghttp2_session_callbacks *calls;
    nghttp2_option *options;
    ASSERT(h && !nghttp2_session_callbacks_new(&calls) && !nghttp2_option_new(&options), "out of memory");
    nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_begin);
    nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_close);
    nghttp2_option_set_max_reserved_remote_streams(options, 0);
    nghttp2_option_set_no_closed_streams(options, 1); // no memory for streams that are over
    ASSERT(!nghttp2_session_server_new2(&h->session, calls, c, options), "out of memory");
    nghttp2_session_callbacks_del(calls);
    nghttp2_option_del(options);
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MOST},
                                         {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEAD_MOST}};
    nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof settings[0]);
    nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, 1 << 20);
    h->progress = c->net->second;
    http_end(c);
    c->kind = CONN_H2;
    c->h2 = h;
    h2_sent(c);
}

size_t h2_read(struct conn *c, const char *bytes, size_t len)
{
    if (!len)
        return 0;
    ssize_t n = nghttp2_session_mem_recv(c->h2->session, (const uint8_t *)bytes, len);
    if (n < 0) { // not HTTP/2: the reason is sent by what nghttp2 queued, then the connection ends
        nghttp2_session_terminate_session(c->h2->session, NGHTTP2_PROTOCOL_ERROR);
        h2_sent(c);
        conn_finish(c, true);
        return len;
    }
    h2_sent(c);
    return len;
}

void h2_sent(struct conn *c)
{
    struct h2 *h = c->h2;
    const uint8_t *bytes;
    ssize_t n;
    if (c->finishing)
        return;
    while (c->out_bytes < PIPE_BYTES && (n = nghttp2_session_mem_send(h->session, &bytes)) > 0) {
        struct frame *f = frame_new((size_t)n);
        memcpy(f->bytes, bytes, (size_t)n);
        conn_queue(c, f);
        h->progress = c->net->second;
    }
    if (!c->out_count && !nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session))
        conn_finish(c, true);
}

void h2_end(struct conn *c)
{
    struct h2 *h = c->h2;
    while (h->streams) {
        struct exchange *x = h->streams;
        h->streams = x->sibling;
        if (x->running)
            x->reset = true;
        else
            exchange_free(x);
    }
    nghttp2_session_del(h->session);
    free(h);
    c->h2 = NULL;
}

bool h2_idle(const struct conn *c)
{
    return !c->h2->streams && !c->out_count;
}

void h2_drain(struct conn *c)
{
    if (c->h2->draining)
        return;
    c->h2->draining = true; // streams that have begun are finished; then nghttp2 wants nothing more and the connection ends
    nghttp2_submit_goaway(c->h2->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(c->h2->session), NGHTTP2_NO_ERROR,
                          NULL, 0);
    h2_sent(c);
}

bool h2_late(struct conn *c)
{
    struct h2 *h = c->h2;
    uint32_t idle = (uint32_t)c->net->server->conf->idle_seconds, now = c->net->second;
    if (!h->streams) {
        h2_drain(c);
        conn_deadline(c, CLOSE_SECONDS);
        return h->progress + idle + CLOSE_SECONDS < now;
    }
    for (struct exchange *x = h->streams; x; x = x->sibling) {
        if (x->answered && h->progress + STALL_SECONDS < now)
            return true;
        if (!x->answered && !x->running && x->since + idle + x->received / BODY_BYTES_A_SECOND < now)
            return true;
    }
    conn_deadline(c, idle);
    return false;
}
