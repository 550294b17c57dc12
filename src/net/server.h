// The server: net threads (an event loop each, no shared mutable state) hand requests to worker threads that run plain sequential handlers.
#pragma once
#include "net/http.h"
#include "net/hub.h"

struct server;
struct asset { // a static file compiled into the binary (tools/embed.py)
    const char *path, *type, *etag;
    const unsigned char *plain, *gzip, *brotli; // gzip, brotli may be NULL
    uint32_t plain_size, gzip_size, brotli_size;
    bool immutable; // hashed name
};
const struct asset *asset_find(struct str path);

// WebSocket endpoints. Everything of one connection is handled by one lane thread, in order; a lane takes all frames that wait at once,
// so that one durable commit serves many messages.
enum ws_what { WS_OPEN, WS_TEXT, WS_CLOSED };
struct ws_event {
    enum ws_what what;
    uint64_t conn;             // never reused while the process lives
    struct str text;           // WS_TEXT: one whole message, valid UTF-8; lives until the handler returns
    const struct ws_hello *hello; // WS_OPEN: path, query, headers of the upgrade, valid until the handler returns
};
struct ws_hello {
    struct str path, query, peer, origin, cookie, authorization, host, language, agent;
    bool tls;
};
struct ws_endpoint {
    const char *path; // "/ws/widget"
    size_t max_message; // bytes; larger closes with 1009
    // Called with up to `max_batch` events of one lane. c has the lane's arena (reset after), db, services; actor is NOBODY.
    void (*events)(struct ctx *c, const struct ws_event *events, size_t count);
};
struct server_setup {
    struct conf *conf;
    const struct route *const *tables; // NULL-terminated list of tables, each ended by a row with path NULL
    const struct ws_endpoint *endpoints; // ended by path NULL
    void (*make_ctx)(void *arg, struct ctx *c); // once a worker/lane thread: arena, db, services (hub, conf and err are set here)
    void (*free_ctx)(void *arg, struct ctx *c); // when the thread ends; NULL: only its arena is freed
    void *arg;
    // Sets ctx->actor from cookie/token and checks route->perm and CSRF; false with the error. Given by identity.
    bool (*authorise)(struct request *rq);
    // Runs around a handler of a changing route: audit, idempotency. NULL-able.
    bool (*around)(struct request *rq, struct response *rs, bool (*handler)(struct request *, struct response *));
    // Looked at when no route and no asset fits (SPA index, help pages); NULL-able.
    bool (*fallback)(struct request *rq, struct response *rs);
};
// Listens when it returns, and c->hub is its hub; NULL with the error.
struct server *server_start(struct ctx *c, const struct server_setup *setup);
int server_port(const struct server *s, bool tls);                            // what port 0 became
void server_drain(struct server *s, int seconds); // SIGTERM: stop accepting, finish requests, close sockets with 1012, then stop.
// The hub still takes calls and drops them.
void server_free(struct server *s); // after server_drain; NULL is fine
struct hub *server_hub(struct server *s);
struct server_stats {
    int64_t connections, websockets, requests, frames_in, frames_out, bytes_out, slow_dropped, refused;
};
struct server_stats server_stats(const struct server *s);
