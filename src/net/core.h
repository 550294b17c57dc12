// Inside the room: connections, frames, exchanges, and the net threads that own them. Nothing here is for other rooms.
// README.md tells of the threads and the queues; every structure says which thread may touch it.
#pragma once
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/conf.h"
#include "base/map.h"
#include "net/parse.h"
#include "net/route.h"
#include "net/server.h"
#include "net/utf8.h"

enum {
    NET_MOST = 64,               // net threads; the lower bits of a connection's id
    READ_ROOM = 64 * 1024,       // the shared read and write buffer of a net thread
    HEAD_MOST = 16 * 1024,       // bytes of a request's head
    HEADERS_MOST = 100,          // lines of it
    FORM_PARTS_MOST = 64,        // parts of a form
    FORM_VALUES_MOST = 64 * 1024, // bytes of all its small parts
    REQUESTS_MOST = 2048,        // requests that wait for a worker
    LANE_EVENTS_MOST = 16384,    // events that wait in a lane
    LANE_BYTES_MOST = 32 << 20,  // and their bytes
    LANE_BATCH = 256,            // events of one call
    LETTERS_MOST = 1 << 18,      // letters that wait for a net thread
    PIPE_BYTES = 256 * 1024,     // HTTP/2 bytes made ahead of the socket
    WHEEL = 64,                  // seconds of the timer wheel
    PING_SECONDS = 25,
    SILENCE_SECONDS = 60,
    CLOSE_SECONDS = 5,  // for the other side's part of a close
    STALL_SECONDS = 60, // a response that nobody reads
    FD_HEADROOM = 256,  // descriptors kept for the store, the log and uploads
};

// What a page of ours may load; `styles` is what style-src allows.
#define PAGE_POLICY(styles) \
    "default-src 'self'; script-src 'self'; style-src " styles "; img-src 'self' data: blob:; font-src 'self' data:; " \
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// ---- Bytes on their way out: counted, shared by all followers of a topic.
struct frame {
    _Atomic unsigned count;
    uint32_t len;
    const char *at; // `bytes`, or an asset's memory
    char bytes[];
};
struct frame *frame_new(size_t len);
struct frame *frame_static(const void *at, size_t len); // not copied
struct frame *frame_text(struct str text);               // as one WebSocket text frame
struct frame *frame_control(int opcode, const void *body, size_t len);
struct frame *frame_close(int code, const char *reason);
static inline struct frame *frame_hold(struct frame *f)
{
    atomic_fetch_add_explicit(&f->count, 1, memory_order_relaxed);
    return f;
}
void frame_drop(struct frame *f);

struct address {
    uint8_t bytes[16]; // IPv4 as ::ffff:a.b.c.d
};
struct address address_of(const struct sockaddr_storage *from);
struct str address_text(struct arena *a, struct address from);
bool address_parse(struct str text, struct address *out); // also "[::1]" and with a port behind
struct network {
    struct address address;
    int bits;
};
struct networks {
    struct network at[64];
    size_t count;
};
bool networks_parse(struct ctx *c, struct str list, struct networks *out); // "10.0.0.0/8, ::1"
bool networks_hold(const struct networks *n, struct address a);

// ---- One HTTP request with its answer. The net thread fills it, one worker runs it, the net thread sends the answer.
struct form;
struct answer {
    int status;
    size_t head_len;     // of frame: "HTTP/1.1 200 OK\r\n…\r\n\r\n"; the body stands behind it
    struct frame *frame;
    struct frame *body;  // or here: an asset's memory
    int fd;              // or a file; -1
    int64_t file_size;
    bool close;          // the connection ends with it
};
struct exchange {
    struct exchange *next; // in the workers' queue
    struct net *net;
    uint64_t conn;
    int32_t stream; // of HTTP/2; 0 for HTTP/1.1
    struct arena *arena;
    struct request rq;
    struct header *headers;
    size_t header_count;
    struct str content_type;
    struct address peer;
    const struct asset *asset;
    int endpoint; // of WebSocket; -1
    unsigned allow;
    bool head_only, keep_alive, upgrade;
    bool running, answered, reset; // of HTTP/2: with a worker; its answer is being sent; the stream is gone
    int64_t sent, ignored; // of the answer; of a body that nobody wants any more
    struct exchange *sibling;      // in its connection's list
    char *body; // malloc'ed while it arrives
    size_t body_len, body_room;
    int64_t received;
    struct form *form; // multipart on its way to disk
    int64_t disk;      // bytes in temporary files
    uint32_t since;    // second in which it began
    struct answer answer;
};
struct exchange *exchange_new(struct net *n, uint64_t conn, int32_t stream);
void exchange_free(struct exchange *x);
// Head is complete: decides. 0: go on with the body; else the status of a refusal, with x->answer made.
int exchange_start(struct exchange *x, struct str method, struct str target, int64_t content_length, bool has_body); // -1: length unknown
int exchange_body(struct exchange *x, const char *bytes, size_t len); // 0, or refused as above
int exchange_run(struct exchange *x); // body is complete: to the workers (0), or answered at once (status)
int exchange_refuse(struct exchange *x, int status, const char *key, const char *argument); // makes x->answer, returns the status
void problem_write(const struct request *rq, struct response *rs, int status);
void exchange_handle(struct ctx *c, struct exchange *x); // in the worker: from routing's result to x->answer
void answer_make(struct exchange *x, struct response *rs);
void answer_drop(struct answer *a);
void answer_asset(struct exchange *x, const struct asset *asset);

// ---- A connection: belongs to one net thread.
enum conn_kind { CONN_HTTP, CONN_WS, CONN_H2 };
struct http {
    struct exchange *x; // arriving or being worked on
    uint8_t stage;      // enum http_stage
    bool keep_alive, begun, chunked;
    int file; // being sent, -1
    int64_t file_left, file_at;
    int64_t left; // of a body with a known length
    struct chunks chunks;
};
struct ws {
    uint64_t *topics;
    uint16_t topic_count, topic_room;
    uint8_t endpoint;
    bool in_frame, in_message, last, opened, closing, told, peer_closed;
    uint8_t mask_at, mask[4];
    struct utf8 utf8;
    uint32_t left; // of the frame
    uint32_t text_len, text_room;
    char *text; // a message in parts; NULL when there is none
    uint32_t heard; // second of the last life sign
};
struct h2;
struct conn {
    uint64_t id;
    struct net *net;
    SSL *ssl;
    int fd;
    uint8_t kind;
    bool tls_ready, dead, dirty, again, finishing, linger, lingering, writing, paused, ended;
    uint32_t events;   // what epoll watches
    uint32_t deadline; // second; 0: none
    struct conn *next, **back; // its slot of the wheel
    struct address peer;
    char *in; // unread bytes, NULL when there are none
    uint32_t in_len, in_room;
    struct frame **out; // a ring; NULL when nothing waits
    uint32_t out_first, out_count, out_room, out_at, out_bytes;
    union {
        struct http http;
        struct ws ws;
        struct h2 *h2;
    };
};

// ---- A net thread.
enum letter_kind {
    LETTER_ADOPT, LETTER_ANSWER, LETTER_SEND, LETTER_PUBLISH, LETTER_FOLLOW, LETTER_UNFOLLOW, LETTER_CLOSE, LETTER_ROOM,
    LETTER_DRAIN, LETTER_STOP
};
struct letter {
    uint8_t kind;
    bool tls;
    int number; // descriptor, close code, lane
    uint64_t conn, topic;
    void *at;   // struct frame, struct exchange, struct address
};
struct letters {
    struct letter *at;
    size_t count, room;
};
struct topic {
    uint64_t number;
    uint32_t count, room;
    struct conn **conns;
};
struct parcel;
enum { FOLLOWED = 4096 };
struct net {
    struct server *server;
    int index, epoll, wake;
    pthread_t thread;
    bool running;
    uint64_t next_id;
    uint32_t second, ticked;
    usec started;
    struct map conns, topics;
    struct conn *wheel[WHEEL];
    struct conn **dirty, **dead, **again;
    size_t dirty_count, dirty_room, dead_count, dead_room, again_count, again_room;
    struct waiting {
        uint64_t *ids;
        size_t count, room;
    } *paused; // by lane: connections not read from until it has room
    struct parcel **parcels; // by lane: events of this round
    struct arena *arena;     // for answers made here
    struct error error;
    char *buffer, *out;
    bool draining, stopping;
    int spare_fd; // given up for a moment when descriptors run out

    pthread_mutex_t lock; // the mailbox
    pthread_cond_t room;
    struct letters box;
    bool woken, stopped;
    _Atomic int64_t load; // connections, for choosing the least loaded thread
    _Atomic unsigned followed[FOLLOWED]; // by hashed topic: followers here, so that others need not be told
    _Atomic int64_t connections, websockets, requests, frames_in, frames_out, bytes_out, slow_dropped;
};
struct conn *net_conn(struct net *n, uint64_t id); // NULL when gone
bool net_start(struct ctx *c, struct server *s, struct net *n);
void net_stop(struct net *n); // the thread ends; connections are gone
void net_free(struct net *n);
void letter_drop(struct letter *l);
void net_post(struct net *n, const struct letter *letters, size_t count, bool may_wait);
void net_hub_letter(struct net *n, struct letter *l); // hub.c
void net_forget(struct conn *c);                      // hub.c: out of all topics

struct conn *conn_new(struct net *n, int fd, struct address peer, bool tls);
void conn_end(struct conn *c); // at once; freed at the end of the round
void conn_queue(struct conn *c, struct frame *f); // takes the reference over
void conn_flush(struct conn *c);
void conn_drop_queue(struct conn *c); // what waits is thrown away, but for a frame that has begun
void conn_finish(struct conn *c, bool linger); // closes when all is sent
void conn_pause(struct conn *c, bool paused);
void conn_again(struct conn *c); // looks at its unread bytes in the next round
void conn_event(struct conn *c, uint32_t events);
void conn_late(struct conn *c);
void conn_free(struct conn *c);
void conn_deadline(struct conn *c, uint32_t seconds_from_now);
void conn_keep(struct conn *c, const char *bytes, size_t len); // what is left unread

// Bytes came: returns how many were used; the others stay.
size_t http_read(struct conn *c, const char *bytes, size_t len);
size_t ws_read(struct conn *c, const char *bytes, size_t len);
size_t h2_read(struct conn *c, const char *bytes, size_t len);
void http_answer(struct conn *c, struct exchange *x);
void http_sent(struct conn *c); // the queue ran empty
void http_end(struct conn *c);
bool http_idle(const struct conn *c);      // between requests
bool http_answering(const struct conn *c); // a whole request is in
void http_late(struct conn *c); // its deadline passed
void h2_begin(struct conn *c);
void h2_answer(struct conn *c, struct exchange *x);
void h2_sent(struct conn *c);
void h2_end(struct conn *c);
void h2_drain(struct conn *c);
bool h2_idle(const struct conn *c);
bool h2_late(struct conn *c); // true: end it
bool ws_upgrade(struct conn *c, struct exchange *x); // false: x->answer is made
void ws_send(struct conn *c, struct frame *f);       // takes the reference; drops a slow reader
void ws_close(struct conn *c, int code, const char *reason);
void ws_end(struct conn *c);
void ws_late(struct conn *c);

// ---- Lanes and workers.
struct lane {
    struct server *server;
    int index;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct parcel *first, **last;
    bool stopping, choked;
    _Atomic size_t events, bytes; // that wait
};
bool lane_choked(struct lane *l); // true: a LETTER_ROOM will come when it has room again
void lane_put(struct net *n, int lane, uint64_t conn, int endpoint, enum ws_what what, const char *text, size_t len,
              struct ws_hello *hello);
void lanes_hand_over(struct net *n);
bool lane_start(struct server *s, struct lane *l);
void lane_stop(struct lane *l);

struct worker {
    struct server *server;
    pthread_t thread;
    bool running;
};
struct address_count {
    unsigned count;
};
struct server {
    struct server_setup setup;
    struct router *router;
    struct conf *conf;
    struct arena *arena;
    struct networks proxies;
    const char *temp_dir;
    SSL_CTX *tls;
    int listen_fd[2], port[2]; // plain, TLS
    int net_count, lane_count, worker_count, endpoint_count;
    int64_t connections_most;
    struct net *nets;
    struct lane *lanes;
    struct worker *workers;
    struct hub {
        struct server *server;
    } hub;

    pthread_mutex_t lock; // the workers' queue and the addresses
    pthread_cond_t waiting;
    struct exchange *first, **last;
    size_t queued;
    bool stopping;
    struct str_map addresses;
    _Atomic bool draining;
    _Atomic int64_t open, refused, disk, running; // running: requests between queue and answer
};
bool server_admit(struct server *s, struct address from); // counts it, or false
void server_leave(struct server *s, struct address from);
bool worker_queue(struct server *s, struct exchange *x); // false: full
bool workers_start(struct server *s);
void workers_stop(struct server *s);
SSL_CTX *tls_open(struct ctx *c, const char *certificate, const char *key);
bool tls_is_h2(SSL *ssl);
// A thread's own ctx as the setup makes it, with our hub and an error of its own.
struct ctx server_thread_ctx(struct server *s, struct error *error);
void server_thread_done(struct server *s, struct ctx *c);
