// A server in this process on free ports, spoken to with raw sockets: what a well-behaved client never sends is what is tested here.
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/conf.h"
#include "base/log.h"
#include "net/asset.h"
#include "net/form.h"
#include "net/parse.h"
#include "net/route.h"
#include "net/server.h"
#include "net/utf8.h"

static struct arena *arena;
static struct server *server;
static struct conf conf;
static char dir[] = "/tmp/yingda-net-XXXXXX";

// ---- The server's side.

static bool hello(struct request *rq, struct response *rs)
{
    struct str name;
    struct json_out o = {.buf = rs->body};
    json_open(&o, NULL, '{');
    json_put_str(&o, "path", rq->path);
    json_put_str(&o, "param", rq->params[0]);
    json_put_str(&o, "body", rq->body);
    json_put_str(&o, "peer", rq->peer);
    json_put_str(&o, "host", rq->host);
    json_put_bool(&o, "tls", rq->tls);
    json_put_str(&o, "cookie", request_cookie(rq, "yd_session"));
    json_put_str(&o, "custom", request_header(rq, "x-csrf-token"));
    if (request_query(rq, "name", &name))
        json_put_str(&o, "name", name);
    json_close(&o, '}');
    rs->body = o.buf;
    return true;
}
static bool refuse(struct request *rq, struct response *rs)
{
    fail_field(rq->ctx, STR("name"), "schema.required", NULL);
    return fail_field(rq->ctx, STR("items/0"), "schema.too_long", "5", NULL);
}
static bool upload(struct request *rq, struct response *rs)
{
    struct json_out o = {.buf = rs->body};
    json_open(&o, NULL, '{');
    for (size_t i = 0; i < rq->upload_count; i++) {
        struct stat st;
        stat(rq->uploads[i].path.at, &st);
        json_put_str(&o, "field", rq->uploads[i].field);
        json_put_str(&o, "file", rq->uploads[i].file_name);
        json_put_int(&o, "size", st.st_size == rq->uploads[i].size ? st.st_size : -1);
    }
    for (size_t i = 0; i < rq->form_count; i++)
        json_put_str(&o, str_z(rq->ctx->arena, rq->form_names[i]), rq->form_values[i]);
    json_close(&o, '}');
    rs->body = o.buf;
    return true;
}
static bool file(struct request *rq, struct response *rs)
{
    char *path = arena_printf(rq->ctx->arena, "%s/big", dir);
    rs->file_fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    rs->file_size = 3 << 20;
    rs->type = "application/octet-stream";
    return ftruncate(rs->file_fd, rs->file_size) == 0;
}
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static bool slow(struct request *rq, struct response *rs)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    buf_puts(&rs->body, "\"done\"");
    return true;
}
static bool page(struct request *rq, struct response *rs)
{
    rs->type = "text/html; charset=utf-8";
    buf_puts(&rs->body, "<p>page</p>");
    response_cookie(rq, rs, "yd_session", STR("abc"), 60);
    return true;
}
static bool authorise(struct request *rq)
{
    if (rq->route->perm == PERM_SIGNED_IN)
        return fail(rq->ctx, ERR_UNAUTHENTICATED, "forbidden", "session", NULL);
    return true;
}
static const struct route routes[] = {
    {GET, "/api/v1/things", PERM_PUBLIC, .handler = hello},
    {POST, "/api/v1/things", PERM_PUBLIC, .handler = hello, .flags = ROUTE_CREATES},
    {GET, "/api/v1/things/{id}", PERM_PUBLIC, .handler = hello},
    {GET, "/api/v1/things/mine", PERM_PUBLIC, .handler = page, .flags = ROUTE_PAGE},
    {GET, "/api/v1/things/{id}/parts/{part}", PERM_PUBLIC, .handler = hello},
    {POST, "/api/v1/refuse", PERM_PUBLIC, .handler = refuse},
    {POST, "/api/v1/uploads", PERM_PUBLIC, .handler = upload, .flags = ROUTE_UPLOAD},
    {POST, "/form", PERM_PUBLIC, .handler = upload, .flags = ROUTE_PAGE},
    {GET, "/file", PERM_PUBLIC, .handler = file, .flags = ROUTE_PAGE},
    {GET, "/slow", PERM_PUBLIC, .handler = slow},
    {GET, "/secret", PERM_SIGNED_IN, .handler = hello},
    {0},
};
static const struct route *const tables[] = {routes, NULL};

static _Atomic int opened, closed;
static _Atomic uint64_t last_conn;
static void events(struct ctx *c, const struct ws_event *e, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct str t = e[i].text;
        if (e[i].what == WS_OPEN) {
            atomic_store(&last_conn, e[i].conn);
            opened++;
            if (str_is(e[i].hello->query, "no"))
                hub_close(c->hub, e[i].conn, 4003, "refused");
        } else if (e[i].what == WS_CLOSED) {
            closed++;
        } else if (str_starts(t, STR("follow "))) {
            hub_subscribe(c->hub, e[i].conn, (uint64_t)t.at[7]);
            hub_publish(c->hub, (uint64_t)t.at[7], STR("welcome"), 0); // must reach the one that has just come
        } else if (str_starts(t, STR("leave "))) {
            hub_unsubscribe(c->hub, e[i].conn, (uint64_t)t.at[6]);
        } else if (str_starts(t, STR("tell "))) {
            hub_publish(c->hub, (uint64_t)t.at[5], str_sub(t, 7, t.len), e[i].conn);
        } else {
            hub_send(c->hub, e[i].conn, t);
        }
    }
}
static const struct ws_endpoint endpoints[] = {{"/ws/echo", 65536, events}, {0}};

static void start(void)
{
    struct error e = {0};
    struct ctx c = {.arena = arena, .err = &e, .clock = &system_clock};
    struct server_setup setup = {.conf = &conf, .tables = tables, .endpoints = endpoints, .authorise = authorise};
    server = server_start(&c, &setup);
    if (!server)
        fail_msg("%s %s", e.key, e.detail);
}
static void stop(void)
{
    server_drain(server, 2);
    server_free(server);
    server = NULL;
}
static int set_up(void **state)
{
    arena = arena_new();
    conf = (struct conf){.data_dir = dir, .http_address = "127.0.0.1", .tls_cert = "", .tls_key = "", .trusted_proxies = "127.0.0.9, 10.0.0.0/8",
                         .public_url = "", .net_threads = 2, .workers = 2, .max_body = 4096, .max_upload = 100000, .max_connections = 60,
                         .max_per_address = 40, .idle_seconds = 1, .ws_queue_bytes = 65536};
    opened = closed = 0;
    start();
    return 0;
}
static int tear_down(void **state)
{
    stop();
    arena_free(arena);
    return 0;
}

// ---- The client's side.

static int dial_from(const char *from)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET}, b = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(server, false))};
    inet_pton(AF_INET, from, &a.sin_addr);
    inet_pton(AF_INET, "127.0.0.1", &b.sin_addr);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&b, sizeof b), 0);
    struct timeval limit = {10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}
static int dial(void)
{
    return dial_from("127.0.0.1");
}
static void put(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}
static void put_z(int fd, const char *text)
{
    put(fd, text, strlen(text));
}
static char *read_all(int fd) // until the end
{
    struct buf b = {.arena = arena};
    char bytes[65536];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
        buf_add(&b, bytes, (size_t)n);
    if (n < 0 && errno == EAGAIN)
        fail_msg("the server did not close");
    close(fd);
    buf_putc(&b, 0);
    return b.at;
}
static char *ask(const char *text) // one request on a connection of its own
{
    int fd = dial();
    put_z(fd, text);
    return read_all(fd);
}
static char *get(const char *path)
{
    return ask(arena_printf(arena, "GET %s HTTP/1.1\r\nHost: here\r\nAccept-Language: en\r\nConnection: close\r\n\r\n", path));
}
static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no '%s' in:\n%s", part, text);
}
static void has_not(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("'%s' in:\n%s", part, text);
}

static int ws_dial(const char *path)
{
    int fd = dial();
    put_z(fd, arena_printf(arena,
                           "GET %s HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                           path));
    char head[1024];
    size_t len = 0;
    while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0) {
        assert_int_equal(recv(fd, head + len, 1, 0), 1);
        len++;
        assert_true(len < sizeof head - 1);
    }
    head[len] = 0;
    has(head, "HTTP/1.1 101");
    has(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); // RFC 6455, 1.3
    return fd;
}
static void ws_put(int fd, int first, const void *text, size_t len)
{
    char *b = arena_alloc(arena, len + 14);
    const uint8_t mask[4] = {1, 2, 3, 4};
    size_t at = 2;
    b[0] = (char)first;
    b[1] = (char)(0x80 | (len < 126 ? len : len < 65536 ? 126 : 127));
    if (len >= 126) {
        int digits = len < 65536 ? 2 : 8;
        for (int i = 0; i < digits; i++)
            b[at++] = (char)(len >> 8 * (digits - 1 - i));
    }
    memcpy(b + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < len; i++)
        b[at + i] = (char)(((const uint8_t *)text)[i] ^ mask[i & 3]);
    put(fd, b, at + len);
}
static void ws_text(int fd, const char *text)
{
    ws_put(fd, 0x81, text, strlen(text));
}
static void read_exactly(int fd, void *to, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = recv(fd, (char *)to + at, len - at, 0);
        if (n <= 0)
            fail_msg("the connection ended while a frame was expected");
        at += (size_t)n;
    }
}
static int ws_get(int fd, char **text) // opcode
{
    uint8_t head[10];
    read_exactly(fd, head, 2);
    size_t len = head[1];
    if (len >= 126) {
        size_t digits = len == 126 ? 2 : 8;
        read_exactly(fd, head + 2, digits);
        len = 0;
        for (size_t i = 0; i < digits; i++)
            len = len << 8 | head[2 + i];
    }
    *text = arena_alloc(arena, len + 1);
    read_exactly(fd, *text, len);
    return head[0] & 15;
}
static void ws_expect(int fd, const char *text)
{
    char *got;
    int opcode = ws_get(fd, &got);
    if (opcode != 1)
        fail_msg("opcode %d (close code %d) instead of '%s'", opcode, (uint8_t)got[0] << 8 | (uint8_t)got[1], text);
    assert_string_equal(got, text);
}
static void ws_closes(int fd, int code)
{
    char *got;
    int opcode;
    while ((opcode = ws_get(fd, &got)) != 8)
        assert_true(opcode == 1 || opcode == 9);
    assert_int_equal((uint8_t)got[0] << 8 | (uint8_t)got[1], code);
    read_all(fd);
}
static void wait_for(_Atomic int *value, int want)
{
    for (int i = 0; i < 2000 && *value < want; i++)
        usleep(2000);
    assert_int_equal(*value, want);
}

// ---- Pure parts.

static void a_path_is_decoded_and_tricks_are_refused(void **state)
{
    struct str out;
    arena = arena_new();
    assert_true(path_decode(arena, STR("/a%20b/%E4%B8%AD"), &out));
    assert_str(out, "/a b/中");
    const char *bad[] = {"", "a", "/a/../b", "/%2e%2e/x", "/a/.", "/%00", "/a%2fb", "/a\\b", "/a%5cb", "/%ff", "/%c0%af", "/%zz", "/%1", "/a\x01"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(path_decode(arena, str_of(bad[i]), &out));
    arena_free(arena);
}

static void a_head_that_two_readers_could_read_differently_is_refused(void **state)
{
    static const struct {
        const char *text;
        int status;
    } heads[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
        {"\r\nGET / HTTP/1.0\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x01\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct header room[8];
        struct head h;
        char copy[256];
        size_t len = strlen(heads[i].text);
        memcpy(copy, heads[i].text, len);
        if (heads[i].status == 0)
            assert_int_equal(head_length(copy, len), len);
        int status = head_parse(copy, len, room, 8, &h);
        if (status != heads[i].status)
            fail_msg("%d for %s", status, heads[i].text);
    }
}

static void chunks_come_out_the_same_however_they_are_cut(void **state)
{
    const char *text = "5;x=y\r\nhello\r\n0006\r\n world\r\n0\r\nTrailer: a\r\n\r\nNEXT";
    for (size_t step = 1; step < 20; step++) {
        struct chunks c = {0};
        char got[32] = "";
        size_t at = 0, len = strlen(text), used = 0;
        while (c.stage != CHUNK_END) {
            struct str data;
            size_t n = len - at < step ? len - at : step;
            assert_true(chunks_next(&c, text + at, n, &used, &data));
            strncat(got, data.at, data.len);
            at += used;
        }
        assert_string_equal(got, "hello world");
        assert_string_equal(text + at, "NEXT");
    }
    const char *bad[] = {"x\r\n", "\r\n", "5\nhello", "5\r\nhelloX", "fffffffffffffff\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct chunks c = {0};
        size_t at = 0, used;
        struct str data;
        bool good = true;
        while (good && at < strlen(bad[i])) {
            good = chunks_next(&c, bad[i] + at, strlen(bad[i]) - at, &used, &data);
            at += used;
        }
        assert_false(good);
    }
}

static void utf8_is_judged_the_same_in_pieces(void **state)
{
    const char *good[] = {"", "plain text of more than eight bytes", "κόσμε", "中文😀", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"};
    const char *bad[] = {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "\x80", "\xE2\x82", "12345678\xC2"};
    for (size_t cut = 0; cut < 4; cut++) {
        for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
            struct utf8 u = {0};
            size_t len = strlen(good[i]), first = cut < len ? cut : len;
            assert_true(utf8_feed(&u, good[i], first) && utf8_feed(&u, good[i] + first, len - first) && utf8_whole(&u));
        }
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            struct utf8 u = {0};
            size_t len = strlen(bad[i]), first = cut < len ? cut : len;
            assert_false(utf8_feed(&u, bad[i], first) && utf8_feed(&u, bad[i] + first, len - first) && utf8_whole(&u));
        }
    }
}

static void a_form_is_the_same_however_it_is_cut(void **state)
{
    arena = arena_new();
    const char *text = "--B\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n--C-not\r\n--B\r\n"
                       "Content-Disposition: form-data; name=\"file\"; filename=\"../x/a\\\"b.txt\"\r\nContent-Type: text/plain\r\n\r\n"
                       "one\r\n--two\r\n--B--\r\n";
    struct form_limits limits = {dir, 1000, 1000, 10};
    for (size_t step = 1; step < strlen(text); step++) {
        struct request rq = {0};
        struct form *f = form_new(arena, STR("multipart/form-data; boundary=\"B\""), limits);
        for (size_t at = 0; at < strlen(text); at += step)
            assert_int_equal(form_feed(f, text + at, strlen(text) - at < step ? strlen(text) - at : step), FORM_GOOD);
        assert_int_equal(form_end(f, &rq), FORM_GOOD);
        assert_int_equal(rq.form_count, 1);
        assert_str(rq.form_values[0], "hi\r\n--C-not");
        assert_int_equal(rq.upload_count, 1);
        assert_str(rq.uploads[0].file_name, "a\"b.txt");
        assert_int_equal(rq.uploads[0].size, 10);
        uploads_remove(&rq);
        form_free(f);
    }
    struct form *f = form_new(arena, STR("multipart/form-data; boundary=B"), (struct form_limits){dir, 5, 1000, 10});
    assert_int_equal(form_feed(f, text, strlen(text)), FORM_TOO_LARGE);
    form_free(f);
    assert_null(form_new(arena, STR("multipart/form-data"), limits));
    arena_free(arena);
}

// ---- Requests.

static void routes_are_found_with_their_parameters(void **state)
{
    has(get("/api/v1/things"), "HTTP/1.1 200 OK");
    has(get("/api/v1/things/ct_7?name=a%20b"), "\"param\":\"ct_7\"");
    has(get("/api/v1/things/ct_7?name=a%20b"), "\"name\":\"a b\"");
    has(get("/api/v1/things/mine"), "<p>page</p>");
    has(get("/api/v1/things/mine/parts/3"), "\"param\":\"mine\"");
    has(ask("POST http://here/api/v1/things HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Type: application/json\r\n"
            "X-CSRF-Token: t\r\nCookie: a=b; yd_session=s1\r\nContent-Length: 2\r\n\r\n{}"),
        "HTTP/1.1 201 Created");
    char *head = ask("HEAD /api/v1/things HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    has(head, "200 OK");
    has_not(head, "\"path\"");
}

static void what_is_not_there_is_told_with_a_problem_document(void **state)
{
    char *r = get("/nothing");
    has(r, "HTTP/1.1 404");
    has(r, "application/problem+json");
    has(r, "\"code\":\"not_found\"");
    r = ask("DELETE /api/v1/things HTTP/1.1\r\nHost: here\r\nAccept-Language: zh-CN\r\nConnection: close\r\n\r\n");
    has(r, "HTTP/1.1 405");
    has(r, "allow: GET, HEAD, POST, OPTIONS");
    has(r, "不支持");
    r = ask("OPTIONS /api/v1/things HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    has(r, "HTTP/1.1 204");
    has(r, "allow: GET, HEAD, POST, OPTIONS");
    has(get("/secret"), "HTTP/1.1 401");
    r = ask("POST /api/v1/refuse HTTP/1.1\r\nHost: here\r\nAccept-Language: en\r\nConnection: close\r\n\r\n");
    has(r, "HTTP/1.1 422");
    has(r, "\"pointer\":\"/name\"");
    has(r, "\"pointer\":\"/items/0\"");
    has(r, "At most 5 characters");
}

static void every_response_has_the_security_headers(void **state)
{
    const char *paths[] = {"/api/v1/things", "/nothing", "/api/v1/things/mine"};
    for (int i = 0; i < 3; i++) {
        char *r = get(paths[i]);
        has(r, "x-content-type-options: nosniff");
        has(r, "referrer-policy:");
        has(r, "content-security-policy:");
    }
    char *r = get("/api/v1/things/mine");
    has(r, "frame-ancestors 'none'");
    has(r, "set-cookie: yd_session=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60\r\n");
}

static void traversal_and_broken_paths_are_refused(void **state)
{
    const char *paths[] = {"/../../etc/passwd", "/console/..%2f..%2f..%2fetc/passwd", "/%00", "/help/%2e%2e/%2e%2e/etc/passwd", "/a\\..\\b", "/%ff"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        has(get(paths[i]), "HTTP/1.1 400");
    has(get("//etc/passwd"), "HTTP/1.1 404");
}

static void bodies_have_limits_and_types(void **state)
{
    has(ask("POST /api/v1/things HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"), "HTTP/1.1 413");
    struct buf b = {.arena = arena};
    buf_puts(&b, "POST /api/v1/things HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 6; i++)
        buf_printf(&b, "400\r\n%01024d\r\n", 0);
    buf_puts(&b, "0\r\n\r\n");
    buf_putc(&b, 0);
    has(ask(b.at), "HTTP/1.1 413");
    has(ask("POST /api/v1/things HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>"), "HTTP/1.1 415");
    has(ask("POST /api/v1/uploads HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"), "HTTP/1.1 415");
    has(ask("POST /form HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 17\r\n\r\n"
            "a=1+2&b=%E4%B8%AD"),
        "\"a\":\"1 2\"");
    has(ask("POST /api/v1/things HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n"
            "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n"),
        "{\\\"a\\\":1}");
    has(ask(arena_printf(arena, "GET / HTTP/1.1\r\nHost: h\r\nX: %020000d\r\n\r\n", 0)), "HTTP/1.1 431");
}

static void requests_follow_each_other_on_one_connection(void **state)
{
    int fd = dial();
    put_z(fd, "GET /api/v1/things/1 HTTP/1.1\r\nHost: h\r\n\r\nGET /api/v1/things/2 HTTP/1.1\r\nHost: h\r\n\r\n"
              "POST /api/v1/things HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
              "GET /api/v1/things/3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    char *r = read_all(fd), *one = strstr(r, "\"param\":\"1\""), *two = strstr(r, "\"param\":\"2\""), *three = strstr(r, "\"param\":\"3\"");
    assert_true(one && two && three && one < two && two < three);
}

static void half_a_request_goes_when_its_sender_goes_and_a_whole_one_is_answered(void **state)
{
    static const char *const halves[] = {"GET /api/v1/things HTTP/1.1\r\nHo",
                                         "POST /api/v1/things HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
                                         "POST /api/v1/things HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"};
    int64_t before = conf.idle_seconds;
    conf.idle_seconds = 60; // longer than a read of ours waits
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        int fd = dial();
        put_z(fd, halves[i]);
        shutdown(fd, SHUT_WR);
        assert_string_equal(read_all(fd), "");
    }
    int fd = dial();
    put_z(fd, "GET /api/v1/things/1 HTTP/1.1\r\nHost: h\r\n\r\n");
    shutdown(fd, SHUT_WR);
    has(read_all(fd), "\"param\":\"1\"");
    conf.idle_seconds = before;
}

static void a_large_file_is_streamed(void **state)
{
    int fd = dial();
    put_z(fd, "GET /file HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    size_t total = 0;
    char bytes[65536];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
        total += (size_t)n;
    close(fd);
    assert_true(total > 3 << 20 && total < (3 << 20) + 1000);
}

static void an_upload_is_on_disk_while_it_is_handled_and_gone_after(void **state)
{
    const char *body = "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"..\\\\a/b.png\"\r\n\r\nabc\r\n--xx\r\n"
                       "Content-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--xx--\r\n";
    const char *head = "POST /api/v1/uploads HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=xx\r\n";
    char *r = ask(arena_printf(arena, "%sContent-Length: %zu\r\n\r\n%s", head, strlen(body), body));
    has(r, "\"file\":\"b.png\"");
    has(r, "\"size\":3");
    has(r, "\"note\":\"hello\"");
    has(ask(arena_printf(arena, "%sContent-Length: 20\r\n\r\n--xx\r\nnonsense......", head)), "HTTP/1.1 400");
    has(ask(arena_printf(arena, "%sContent-Length: 500000\r\n\r\n", head)), "HTTP/1.1 413");
    int fd = dial();
    put_z(fd, arena_printf(arena, "%sExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n", head));
    char line[26] = "";
    read_exactly(fd, line, 25);
    has(line, "100 Continue");
    put_z(fd, arena_printf(arena, "%zx\r\n", strlen("--xx\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n")));
    put_z(fd, "--xx\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n\r\n");
    for (int i = 0; i < 11; i++)
        if (send(fd, arena_printf(arena, "2710\r\n%010000d\r\n", 0), 10008, MSG_NOSIGNAL) < 0)
            break;
    has(read_all(fd), "HTTP/1.1 413");
    char *left = arena_printf(arena, "ls %s/tmp/upload-* 2>/dev/null | wc -l", dir);
    FILE *p = popen(left, "r");
    int count = -1;
    assert_int_equal(fscanf(p, "%d", &count), 1);
    pclose(p);
    assert_int_equal(count, 0);
}

static void only_trusted_proxies_may_say_who_the_client_is(void **state)
{
    const char *request = "GET /api/v1/things HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-Forwarded-For: 203.0.113.7, 198.51.100.2, 10.1.1.1\r\n"
                          "X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n\r\n";
    char *r = ask(request);
    has(r, "\"peer\":\"127.0.0.1\"");
    has(r, "\"tls\":false");
    int fd = dial_from("127.0.0.9");
    put_z(fd, request);
    r = read_all(fd);
    has(r, "\"peer\":\"198.51.100.2\"");
    has(r, "\"tls\":true");
    has(r, "\"host\":\"shop.example\"");
}

static void a_slow_request_is_cut_off(void **state)
{
    int fd = dial(), body = dial(), quiet = dial();
    put_z(fd, "GET /api/v1/things HTTP/1.1\r\nHost: h\r\nX-Slow: ");
    put_z(body, "POST /api/v1/things HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
    assert_string_equal(read_all(fd), "");
    assert_string_equal(read_all(body), "");
    assert_string_equal(read_all(quiet), "");
}

static void connections_over_the_limit_are_refused_and_others_served(void **state)
{
    int fds[60];
    for (int i = 0; i < 60; i++)
        fds[i] = dial();
    for (int i = 0; i < 200 && server_stats(server).refused < 20; i++)
        usleep(5000);
    assert_int_equal(server_stats(server).refused, 20); // 40 of one address
    int other = dial_from("127.0.0.2");
    put_z(other, "GET /api/v1/things HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    has(read_all(other), "200 OK");
    for (int i = 0; i < 60; i++)
        close(fds[i]);
    for (int i = 0; i < 200 && server_stats(server).connections; i++)
        usleep(5000);
    has(get("/api/v1/things"), "200 OK");
}

static void assets_are_served_packed_and_revalidated(void **state)
{
    if (!asset_count)
        skip();
    const struct asset *a = &asset_table[0];
    char *r = ask(arena_printf(arena, "HEAD %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", a->path));
    has(r, "200 OK");
    r = ask(arena_printf(arena, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nIf-None-Match: \"%s\"\r\n\r\n", a->path, a->etag));
    has(r, "HTTP/1.1 304");
}

// ---- WebSocket.

static void messages_come_back_whole_in_parts_and_between_pings(void **state)
{
    int fd = ws_dial("/ws/echo?x=1");
    ws_text(fd, "hello");
    ws_expect(fd, "hello");
    ws_text(fd, "");
    ws_expect(fd, "");
    ws_put(fd, 0x01, "κό", 4);
    ws_put(fd, 0x89, "ping", 4);
    ws_put(fd, 0x00, "\xCF", 1); // inside a character
    ws_put(fd, 0x80, "\x83με", 5);
    char *got;
    assert_int_equal(ws_get(fd, &got), 10);
    assert_string_equal(got, "ping");
    ws_expect(fd, "κόσμε");
    char *large = arena_alloc(arena, 65537);
    memset(large, 'x', 65536);
    ws_put(fd, 0x81, large, 65536);
    ws_expect(fd, large);
    for (int i = 0; i < 500; i++)
        ws_text(fd, arena_printf(arena, "%d", i));
    for (int i = 0; i < 500; i++)
        ws_expect(fd, arena_printf(arena, "%d", i));
    ws_put(fd, 0x88, "\x03\xE8", 2);
    ws_closes(fd, 1000);
    wait_for(&closed, 1);
    assert_int_equal(opened, 1);
}

static void a_frame_may_come_byte_by_byte(void **state)
{
    int fd = ws_dial("/ws/echo");
    const uint8_t bytes[] = {0x81, 0xFE, 0, 3, 0, 0, 0, 0, 'a', 'b', 'c'};
    for (size_t i = 0; i < sizeof bytes; i++)
        put(fd, bytes + i, 1);
    ws_expect(fd, "abc");
    close(fd);
    wait_for(&closed, 1);
}

static void misuse_closes_with_the_right_code(void **state)
{
    static const struct {
        int first;
        const char *bytes;
        size_t len;
        int code;
    } cases[] = {
        {0x81, "\xFF", 1, 1007}, {0x01, "\xC0", 1, 1007}, {0x81, "\xE2\x82", 2, 1007}, {0x82, "x", 1, 1003}, {0x83, "x", 1, 1002},
        {0x80, "x", 1, 1002}, {0xC1, "x", 1, 1002}, {0x09, "x", 1, 1002}, {0x8B, "", 0, 1002}, {0x88, "\x03", 1, 1002},
        {0x88, "\x03\xE7", 2, 1002}, {0x88, "\x03\xED", 2, 1002}, {0x88, "\x07\xD0", 2, 1002}, {0x88, "\x03\xE8\xFF", 3, 1007},
        {0x88, "\x03\xF4", 2, 1012}, {0x88, "\x0B\xB8", 2, 3000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fd = ws_dial("/ws/echo");
        ws_put(fd, cases[i].first, cases[i].bytes, cases[i].len);
        ws_closes(fd, cases[i].code);
    }
    int fd = ws_dial("/ws/echo");
    put(fd, "\x81\x01x", 3); // not masked
    ws_closes(fd, 1002);
    fd = ws_dial("/ws/echo");
    ws_put(fd, 0x01, "a", 1);
    ws_put(fd, 0x81, "b", 1);
    ws_closes(fd, 1002);
    fd = ws_dial("/ws/echo");
    char *large = arena_alloc(arena, 70000);
    memset(large, 'x', 70000);
    ws_put(fd, 0x01, large, 60000);
    ws_put(fd, 0x80, large, 60000);
    ws_closes(fd, 1009);
    fd = ws_dial("/ws/echo?no");
    ws_closes(fd, 4003);
    wait_for(&closed, 20);
}

static void an_upgrade_that_is_none_is_refused(void **state)
{
    has(get("/ws/echo"), "HTTP/1.1 426");
    has(ask("GET /ws/echo HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n"), "HTTP/1.1 426");
    has(ask("GET /ws/echo HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 8\r\n\r\n"),
        "sec-websocket-version: 13");
    has(ask("POST /ws/echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), "HTTP/1.1 405");
}

static void a_topic_reaches_its_followers_in_order_and_not_the_one_who_spoke(void **state)
{
    int a = ws_dial("/ws/echo"), b = ws_dial("/ws/echo"), other = ws_dial("/ws/echo");
    ws_text(a, "follow T");
    ws_expect(a, "welcome");
    ws_text(b, "follow T");
    ws_expect(b, "welcome");
    ws_expect(a, "welcome");
    for (int i = 0; i < 300; i++)
        ws_text(b, arena_printf(arena, "tell T %d", i));
    for (int i = 0; i < 300; i++)
        ws_expect(a, arena_printf(arena, "%d", i));
    ws_text(b, "end");
    ws_expect(b, "end"); // none of its own
    ws_text(a, "leave T");
    ws_text(a, "left");
    ws_expect(a, "left");
    ws_text(b, "tell T again");
    ws_text(b, "sync");
    ws_expect(b, "sync");
    ws_text(a, "quiet");
    ws_expect(a, "quiet");
    ws_text(other, "x");
    ws_expect(other, "x");
    close(a);
    close(b);
    close(other);
    wait_for(&closed, 3);
}

static void a_slow_reader_is_dropped_while_the_others_go_on(void **state)
{
    int slow_one = ws_dial("/ws/echo"), fast = ws_dial("/ws/echo"), from = ws_dial("/ws/echo");
    ws_text(slow_one, "follow S");
    ws_expect(slow_one, "welcome");
    ws_text(fast, "follow S");
    ws_expect(fast, "welcome");
    char *text = arena_alloc(arena, 30008);
    memset(text, 'y', 30007);
    memcpy(text, "tell S ", 7);
    char *got;
    int sent = 0;
    for (; sent < 2000 && !server_stats(server).slow_dropped; sent++) {
        ws_text(from, text);
        assert_int_equal(ws_get(fast, &got), 1);
        assert_int_equal(strlen(got), 30000);
    }
    assert_int_equal(server_stats(server).slow_dropped, 1);
    ws_closes(slow_one, 4008);
    ws_text(from, "tell S on");
    ws_expect(fast, "on");
    close(fast);
    close(from);
    wait_for(&closed, 3);
}

// ---- The end.

static void draining_finishes_what_runs_and_says_1012(void **state)
{
    int ws = ws_dial("/ws/echo"), idle = dial(), busy = dial();
    pthread_mutex_lock(&gate);
    put_z(busy, "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
    while (!server_stats(server).requests || server_stats(server).requests < 2)
        usleep(1000);
    int port = server_port(server, false);
    pthread_t t;
    pthread_create(&t, NULL, (void *(*)(void *))(void (*)(void))stop, NULL);
    ws_closes(ws, 1012);
    assert_string_equal(read_all(idle), "");
    int late = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < 1000 && connect(late, (struct sockaddr *)&to, sizeof to) == 0; i++) {
        close(late);
        late = socket(AF_INET, SOCK_STREAM, 0);
        usleep(1000);
    }
    close(late);
    pthread_mutex_unlock(&gate);
    char *r = read_all(busy);
    has(r, "\"done\"");
    pthread_join(t, NULL);
    assert_int_equal(closed, 1);
    start();
}

static void tls_speaks_1_2_and_up(void **state)
{
    stop();
    char *command = arena_printf(arena, "openssl req -x509 -newkey rsa:2048 -nodes -keyout %s/k.pem -out %s/c.pem -days 2 -subj /CN=localhost 2>/dev/null", dir, dir);
    assert_int_equal(system(command), 0);
    conf.tls_cert = arena_printf(arena, "%s/c.pem", dir);
    conf.tls_key = arena_printf(arena, "%s/k.pem", dir);
    start();
    SSL_CTX *x = SSL_CTX_new(TLS_client_method());
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(server, true)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    SSL *ssl = SSL_new(x);
    SSL_set_fd(ssl, fd);
    assert_int_equal(SSL_connect(ssl), 1);
    const char *request = "GET /file HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    SSL_write(ssl, request, (int)strlen(request));
    char bytes[16384];
    size_t total = 0;
    for (int n; (n = SSL_read(ssl, bytes, sizeof bytes)) > 0;) {
        if (!total)
            assert_non_null(memmem(bytes, (size_t)n, "strict-transport-security", 25));
        total += (size_t)n;
    }
    assert_true(total > 3 << 20);
    SSL_free(ssl);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    SSL_CTX_set_max_proto_version(x, TLS1_1_VERSION);
    ssl = SSL_new(x);
    SSL_set_fd(ssl, fd);
    assert_true(SSL_connect(ssl) <= 0);
    SSL_free(ssl);
    close(fd);
    SSL_CTX_free(x);
}

static void http_2_carries_every_header_and_both_ways_of_bodies(void **state)
{
    stop();
    char *command = arena_printf(arena, "openssl req -x509 -newkey rsa:2048 -nodes -keyout %s/k.pem -out %s/c.pem -days 2 -subj /CN=localhost 2>/dev/null", dir, dir);
    assert_int_equal(system(command), 0);
    conf.tls_cert = arena_printf(arena, "%s/c.pem", dir);
    conf.tls_key = arena_printf(arena, "%s/k.pem", dir);
    start();
    static const struct {
        const char *arguments, *want;
    } calls[] = {
        {"-H 'X-CSRF-Token: abc' -H 'Cookie: yd_session=s1' %s/api/v1/things", "\"cookie\":\"s1\",\"custom\":\"abc\""},
        {"-H 'X-CSRF-Token: abc' %s/api/v1/things -w '%%{http_version}'", "}2"},
        {"-H 'Content-Type: application/json' -d '{}' %s/api/v1/things -w '%%{http_code}'", "201"},
        {"-F 'file=@/proc/self/status' %s/api/v1/uploads", "\"file\":\"status\""},
        {"%s/file | wc -c", "3145728"},
        {"%s/nothing", "not_found"},
        {"%s/ws/echo", "net.websocket"},
        {"-H 'Content-Type: application/json' --data-binary @/usr/bin/env %s/api/v1/things", "net.too_large"},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        char *url = arena_printf(arena, "https://127.0.0.1:%d", server_port(server, true));
        struct str rest = str_of(calls[i].arguments);
        size_t at;
        assert_true(str_find(rest, STR("%s"), &at));
        command = arena_printf(arena, "curl -sk --http2 " STR_FMT "%s" STR_FMT, (int)at, rest.at, url, (int)(rest.len - at - 2), rest.at + at + 2);
        for (char *c = command; (c = strstr(c, "%%"));)
            memmove(c, c + 1, strlen(c));
        FILE *p = popen(command, "r");
        char got[4096];
        size_t len = fread(got, 1, sizeof got - 1, p);
        got[len] = 0;
        pclose(p);
        has(got, calls[i].want);
    }
}

#define WITH_SERVER(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
    assert_non_null(mkdtemp(dir));
    log_setup(LOG_LEVEL_ERROR, false);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_decoded_and_tricks_are_refused),
        cmocka_unit_test(a_head_that_two_readers_could_read_differently_is_refused),
        cmocka_unit_test(chunks_come_out_the_same_however_they_are_cut),
        cmocka_unit_test(utf8_is_judged_the_same_in_pieces),
        cmocka_unit_test(a_form_is_the_same_however_it_is_cut),
        WITH_SERVER(routes_are_found_with_their_parameters),
        WITH_SERVER(what_is_not_there_is_told_with_a_problem_document),
        WITH_SERVER(every_response_has_the_security_headers),
        WITH_SERVER(traversal_and_broken_paths_are_refused),
        WITH_SERVER(bodies_have_limits_and_types),
        WITH_SERVER(requests_follow_each_other_on_one_connection),
        WITH_SERVER(half_a_request_goes_when_its_sender_goes_and_a_whole_one_is_answered),
        WITH_SERVER(a_large_file_is_streamed),
        WITH_SERVER(an_upload_is_on_disk_while_it_is_handled_and_gone_after),
        WITH_SERVER(only_trusted_proxies_may_say_who_the_client_is),
        WITH_SERVER(a_slow_request_is_cut_off),
        WITH_SERVER(connections_over_the_limit_are_refused_and_others_served),
        WITH_SERVER(assets_are_served_packed_and_revalidated),
        WITH_SERVER(messages_come_back_whole_in_parts_and_between_pings),
        WITH_SERVER(a_frame_may_come_byte_by_byte),
        WITH_SERVER(misuse_closes_with_the_right_code),
        WITH_SERVER(an_upgrade_that_is_none_is_refused),
        WITH_SERVER(a_topic_reaches_its_followers_in_order_and_not_the_one_who_spoke),
        WITH_SERVER(a_slow_reader_is_dropped_while_the_others_go_on),
        WITH_SERVER(draining_finishes_what_runs_and_says_1012),
        WITH_SERVER(tls_speaks_1_2_and_up),
        WITH_SERVER(http_2_carries_every_header_and_both_ways_of_bodies),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command) == 0 ? failed : 1;
}
