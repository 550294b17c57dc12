#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "net/core.h"
#include "net/form.h"
#include "net/parse.h"

struct exchange *exchange_new(struct net *n, uint64_t conn, int32_t stream)
{
    struct arena *a = arena_new();
    struct exchange *x = ARENA_NEW(a, struct exchange);
    x->arena = a;
    x->net = n;
    x->conn = conn;
    x->stream = stream;
    x->answer.fd = -1;
    x->endpoint = -1;
    x->since = n->second;
    x->rq.net = x;
    return x;
}

void answer_drop(struct answer *a)
{
    frame_drop(a->frame);
    frame_drop(a->body);
    if (a->fd >= 0)
        close(a->fd);
    *a = (struct answer){.fd = -1};
}

void exchange_free(struct exchange *x)
{
    if (!x)
        return;
    if (x->form)
        form_free(x->form);
    uploads_remove(&x->rq);
    if (x->disk)
        atomic_fetch_sub(&x->net->server->disk, x->disk);
    answer_drop(&x->answer);
    free(x->body);
    arena_free(x->arena);
}

// ---- The answer's bytes.

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"}, {206, "Partial Content"}, {301, "Moved Permanently"},
                   {302, "Found"}, {303, "See Other"}, {304, "Not Modified"}, {307, "Temporary Redirect"}, {308, "Permanent Redirect"},
                   {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
                   {408, "Request Timeout"}, {409, "Conflict"}, {412, "Precondition Failed"}, {413, "Content Too Large"},
                   {415, "Unsupported Media Type"}, {422, "Unprocessable Content"}, {426, "Upgrade Required"}, {429, "Too Many Requests"},
                   {431, "Request Header Fields Too Large"}, {500, "Internal Server Error"}, {501, "Not Implemented"},
                   {503, "Service Unavailable"}, {505, "HTTP Version Not Supported"}};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}

static const char *date_now(void)
{
    static _Thread_local char text[40];
    static _Thread_local time_t of;
    time_t now = time(NULL);
    if (now != of || !text[0]) {
        struct tm tm;
        gmtime_r(&now, &tm);
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        of = now;
    }
    return text;
}

static bool has_header(struct str lines, const char *name)
{
    struct str line, want = str_of(name);
    while (lines.len && str_split(&lines, '\n', &line))
        if (line.len > want.len && line.at[want.len] == ':' && str_eq_nocase(str_sub(line, 0, want.len), want))
            return true;
    return false;
}

void answer_make(struct exchange *x, struct response *rs)
{
    struct answer *a = &x->answer;
    const char *type = rs->type ? rs->type : "application/json";
    bool page = str_starts(str_of(type), STR("text/html")), empty = rs->status == 204 || rs->status == 304;
    struct buf b = {.arena = x->arena};
    int64_t len = rs->file_fd >= 0 ? rs->file_size : a->body ? (int64_t)a->body->len : (int64_t)rs->body.len;
    buf_printf(&b, "HTTP/1.1 %d %s\r\ndate: %s\r\n", rs->status, reason_of(rs->status), date_now());
    if (!empty) {
        if (len || rs->status == 200)
            buf_printf(&b, "content-type: %s\r\n", type);
        buf_printf(&b, "content-length: %lld\r\n", (long long)len);
    }
    if (rs->headers.len)
        buf_str_add(&b, rs->headers);
    buf_puts(&b, "x-content-type-options: nosniff\r\nreferrer-policy: strict-origin-when-cross-origin\r\n");
    if (!has_header(rs->headers, "content-security-policy"))
        buf_printf(&b, "content-security-policy: %s\r\n", page ? PAGE_POLICY("'self'") : "default-src 'none'; frame-ancestors 'none'");
    if (page && !has_header(rs->headers, "x-frame-options"))
        buf_puts(&b, "x-frame-options: DENY\r\n");
    if (!has_header(rs->headers, "cache-control"))
        buf_puts(&b, "cache-control: no-store\r\n");
    if (x->rq.tls)
        buf_puts(&b, "strict-transport-security: max-age=15552000\r\n");
    if (!x->keep_alive)
        buf_puts(&b, "connection: close\r\n");
    buf_puts(&b, "\r\n");
    bool body = !x->head_only && !empty;
    size_t inline_len = body && !a->body && rs->file_fd < 0 ? rs->body.len : 0;
    a->status = rs->status;
    a->head_len = b.len;
    a->frame = frame_new(b.len + inline_len);
    memcpy(a->frame->bytes, b.at, b.len);
    if (inline_len)
        memcpy(a->frame->bytes + b.len, rs->body.at, inline_len);
    if (!body && a->body) {
        frame_drop(a->body);
        a->body = NULL;
    }
    if (rs->file_fd >= 0) {
        if (body) {
            a->fd = rs->file_fd;
            a->file_size = rs->file_size;
        } else {
            close(rs->file_fd);
        }
    }
    a->close = !x->keep_alive;
}

int exchange_refuse(struct exchange *x, int status, const char *key, const char *argument)
{
    struct error e = {.code = ERR_MALFORMED, .key = key, .args = {str_of(argument)}, .retry_after = status == 503 ? 2 : 0};
    struct str header = STR("accept-language"), language = STR("");
    for (size_t i = 0; i < x->header_count; i++)
        if (str_eq(x->headers[i].name, header))
            language = x->headers[i].value;
    struct ctx c = {.arena = x->arena, .err = &e, .clock = &system_clock, .lang = lang_from_header(language, LANG_ZH)};
    struct response rs = {.body.arena = x->arena, .file_fd = -1};
    struct ctx *before = x->rq.ctx;
    x->rq.ctx = &c;
    problem_write(&x->rq, &rs, status);
    if (x->allow)
        response_header(&rs, "allow", router_allow(x->arena, x->allow));
    if (status == 426)
        response_header(&rs, "sec-websocket-version", STR("13"));
    answer_drop(&x->answer);
    answer_make(x, &rs);
    x->rq.ctx = before;
    return status;
}

static int answer_plain(struct exchange *x, int status, const char *name, struct str value)
{
    struct response rs = {.status = status, .body.arena = x->arena, .file_fd = -1};
    response_header(&rs, name, value);
    answer_make(x, &rs);
    return status;
}

// ---- From the head to the body.

static void from_where(struct exchange *x)
{
    struct server *s = x->net->server;
    struct request *rq = &x->rq;
    struct address at = x->peer;
    rq->host = request_header(rq, "host");
    if (networks_hold(&s->proxies, at)) {
        // The last address that is not one of our proxies is the client: what stands before it, it may have made up.
        struct str list = request_header(rq, "x-forwarded-for");
        while (list.len && networks_hold(&s->proxies, at)) {
            size_t comma = list.len;
            while (comma && list.at[comma - 1] != ',')
                comma--;
            struct address next;
            if (!address_parse(str_sub(list, comma, list.len), &next))
                break;
            at = next;
            list.len = comma ? comma - 1 : 0;
        }
        struct str proto = request_header(rq, "x-forwarded-proto"), host = request_header(rq, "x-forwarded-host");
        if (proto.len)
            rq->tls = str_eq_nocase(proto, STR("https"));
        if (host.len)
            rq->host = host;
    }
    rq->peer = address_text(x->arena, at);
}

static int target(struct exchange *x, struct str t)
{
    if (str_starts(t, STR("http://")) || str_starts(t, STR("https://"))) {
        size_t at = 0;
        struct str rest = str_sub(t, t.at[4] == 's' ? 8 : 7, t.len);
        t = str_find(rest, STR("/"), &at) ? str_sub(rest, at, rest.len) : STR("/");
    }
    size_t question;
    struct str path = t;
    x->rq.query = STR("");
    if (str_find(t, STR("?"), &question)) {
        path = str_sub(t, 0, question);
        x->rq.query = str_sub(t, question + 1, t.len);
    }
    if (memchr(t.at, '#', t.len) || !path_decode(x->arena, path, &x->rq.path))
        return exchange_refuse(x, 400, "net.path", NULL);
    return 0;
}

// A static file for the path; "/shop/" has an index, "/console/…" without an ending is the console's page.
static const struct asset *find_asset(struct exchange *x, bool *redirect)
{
    struct str path = x->rq.path;
    const struct asset *found = asset_find(path);
    if (found)
        return found;
    if (str_ends(path, STR("/")))
        found = asset_find(str_printf(x->arena, STR_FMT "index.html", STR_ARG(path)));
    else
        *redirect = asset_find(str_printf(x->arena, STR_FMT "/index.html", STR_ARG(path)));
    if (!found && !*redirect && str_starts(path, STR("/console/"))) {
        size_t slash = path.len;
        while (path.at[slash - 1] != '/')
            slash--;
        if (!memchr(path.at + slash, '.', path.len - slash))
            found = asset_find(STR("/console/index.html"));
    }
    return found;
}

static int body_policy(struct exchange *x, int64_t content_length)
{
    struct server *s = x->net->server;
    const struct route *route = x->rq.route;
    struct str type = x->content_type = request_header(&x->rq, "content-type");
    char number[24];
    if (!route)
        return exchange_refuse(x, 404, "not_found", NULL);
    bool upload = route->flags & ROUTE_UPLOAD;
    int64_t most = upload ? s->conf->max_upload + FORM_VALUES_MOST + 65536 : s->conf->max_body;
    if (content_length > most)
        return exchange_refuse(x, 413, "net.too_large", log_int(number, upload ? s->conf->max_upload : most));
    if (content_length == 0)
        return 0;
    if (upload) {
        if (atomic_load(&s->disk) > 16 * s->conf->max_upload)
            return exchange_refuse(x, 503, "net.busy", NULL);
        x->form = form_new(x->arena, type, (struct form_limits){s->temp_dir, s->conf->max_upload, FORM_VALUES_MOST, FORM_PARTS_MOST});
        return x->form ? 0 : exchange_refuse(x, 415, "net.form_wanted", NULL);
    }
    if (media_type_is(type, "application/json") || ((route->flags & ROUTE_PAGE) && media_type_is(type, "application/x-www-form-urlencoded")))
        return 0;
    return exchange_refuse(x, 415, "net.json_wanted", NULL);
}

int exchange_start(struct exchange *x, struct str method, struct str target_text, int64_t content_length, bool has_body)
{
    struct server *s = x->net->server;
    atomic_fetch_add_explicit(&x->net->requests, 1, memory_order_relaxed);
    from_where(x);
    if (!method_parse(method, &x->rq.method))
        return exchange_refuse(x, 501, "net.unknown_method", NULL);
    x->head_only = x->rq.method == HEAD;
    if (x->rq.method == OPTIONS && str_is(target_text, "*"))
        return answer_plain(x, 204, "allow", router_allow(x->arena, ~0u));
    int refused = target(x, target_text);
    if (refused)
        return refused;
    struct request *rq = &x->rq;
    for (int i = 0; i < s->endpoint_count; i++)
        if (str_is(rq->path, s->setup.endpoints[i].path)) {
            x->endpoint = i;
            x->allow = 1u << GET;
            if (rq->method != GET)
                return exchange_refuse(x, 405, "net.method", "GET");
            return x->upgrade && !has_body ? 0 : exchange_refuse(x, 426, "net.websocket", NULL);
        }
    struct match m = router_find(s->router, rq->method, rq->path);
    rq->route = m.route;
    memcpy(rq->params, m.params, sizeof m.params);
    if (!m.route && m.allow) {
        if (rq->method == OPTIONS)
            return answer_plain(x, 204, "allow", router_allow(x->arena, m.allow));
        x->allow = m.allow;
        return exchange_refuse(x, 405, "net.method", str_z(x->arena, router_allow(x->arena, m.allow)));
    }
    if (!m.route && (rq->method == GET || rq->method == HEAD)) {
        bool redirect = false;
        x->asset = find_asset(x, &redirect);
        if (redirect)
            return answer_plain(x, 308, "location", str_printf(x->arena, STR_FMT "/", STR_ARG(rq->path)));
    }
    return has_body ? body_policy(x, content_length) : 0;
}

// ---- The body.

int exchange_body(struct exchange *x, const char *bytes, size_t len)
{
    struct server *s = x->net->server;
    char number[24];
    x->received += (int64_t)len;
    if (x->form) {
        enum form_result r = form_feed(x->form, bytes, len);
        int64_t disk = form_disk(x->form);
        atomic_fetch_add(&s->disk, disk - x->disk);
        x->disk = disk;
        if (r == FORM_GOOD && x->received > s->conf->max_upload + FORM_VALUES_MOST + 65536)
            r = FORM_TOO_LARGE;
        return r == FORM_GOOD      ? 0
             : r == FORM_TOO_LARGE ? exchange_refuse(x, 413, "net.too_large", log_int(number, s->conf->max_upload))
             : r == FORM_NO_ROOM   ? exchange_refuse(x, 503, "net.no_room", NULL)
                                   : exchange_refuse(x, 400, "net.form", NULL);
    }
    if (x->received > s->conf->max_body)
        return exchange_refuse(x, 413, "net.too_large", log_int(number, s->conf->max_body));
    if (x->body_len + len > x->body_room) {
        size_t room = x->body_room ? x->body_room * 2 : 1024;
        while (room < x->body_len + len)
            room *= 2;
        x->body = realloc(x->body, room);
        ASSERT(x->body, "out of memory");
        x->body_room = room;
    }
    memcpy(x->body + x->body_len, bytes, len);
    x->body_len += len;
    return 0;
}

int exchange_run(struct exchange *x)
{
    if (x->asset) {
        answer_asset(x, x->asset);
        return x->answer.status;
    }
    if (x->form) {
        enum form_result r = form_end(x->form, &x->rq);
        form_free(x->form);
        x->form = NULL;
        if (r != FORM_GOOD)
            return exchange_refuse(x, 400, "net.form", NULL);
    }
    x->rq.body = (struct str){x->body ? x->body : "", x->body_len};
    if (x->body_len && media_type_is(x->content_type, "application/x-www-form-urlencoded") &&
        !form_urlencoded(x->arena, x->rq.body, FORM_PARTS_MOST, &x->rq))
        return exchange_refuse(x, 400, "net.form", NULL);
    if (!worker_queue(x->net->server, x))
        return exchange_refuse(x, 503, "net.busy", NULL);
    return 0;
}

// ---- In the worker.

static bool handle(struct server *s, struct request *rq, struct response *rs)
{
    const struct route *route = rq->route;
    struct ctx *c = rq->ctx;
    if (!route) {
        if (s->setup.fallback && s->setup.fallback(rq, rs))
            return true;
        return c->err->code != ERR_NONE ? false : fail(c, ERR_NOT_FOUND, "not_found", NULL);
    }
    if (s->setup.authorise && !s->setup.authorise(rq))
        return false;
    bool changes = route->method != GET && route->method != HEAD;
    if (changes && s->setup.around)
        return s->setup.around(rq, rs, route->handler);
    return route->handler(rq, rs);
}

void exchange_handle(struct ctx *c, struct exchange *x)
{
    struct server *s = x->net->server;
    struct request *rq = &x->rq;
    const struct route *route = rq->route;
    struct arena *mine = c->arena;
    rq->ctx = c;
    c->lang = lang_from_header(request_header(rq, "accept-language"), LANG_ZH);
    c->actor = (struct actor){.kind = ACTOR_NOBODY, .address = rq->peer, .device = str_clip(request_header(rq, "user-agent"), 200)};
    if (!str_is_utf8(c->actor.device))
        c->actor.device = STR("");
    unsigned flags = route ? route->flags : 0;
    struct response rs = {.status = flags & ROUTE_CREATES ? 201 : flags & ROUTE_EMPTY ? 204 : 200, .body.arena = mine, .file_fd = -1};
    if (!handle(s, rq, &rs)) {
        if (rs.file_fd >= 0)
            close(rs.file_fd);
        response_problem(rq, &rs);
        if (rs.status >= 500)
            LOG_ERROR("request failed", "path", str_z(mine, rq->path), "code", c->err->key ? c->err->key : "", "detail", c->err->detail,
                      NULL);
    }
    answer_make(x, &rs);
    rq->ctx = NULL;
}
