#include "net/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "net/core.h"

// ---- Who may connect.

static struct str address_key(const struct address *a) // an IPv6 client has a whole /64
{
    static const uint8_t zero[10] = {0};
    return (struct str){(const char *)a->bytes, memcmp(a->bytes, zero, 10) == 0 ? 16 : 8};
}

bool server_admit(struct server *s, struct address from)
{
    bool counted = !networks_hold(&s->proxies, from), good;
    pthread_mutex_lock(&s->lock);
    good = atomic_load(&s->open) < s->connections_most;
    if (good && counted) {
        uintptr_t have = (uintptr_t)str_map_get(&s->addresses, address_key(&from));
        good = (int64_t)have < s->conf->max_per_address;
        if (good)
            str_map_put(&s->addresses, address_key(&from), (void *)(have + 1)); // NOLINT(performance-no-int-to-ptr)
    }
    if (good)
        atomic_fetch_add(&s->open, 1);
    pthread_mutex_unlock(&s->lock);
    return good;
}

void server_leave(struct server *s, struct address from)
{
    bool counted = !networks_hold(&s->proxies, from);
    pthread_mutex_lock(&s->lock);
    if (counted) {
        uintptr_t have = (uintptr_t)str_map_get(&s->addresses, address_key(&from));
        if (have > 1)
            str_map_put(&s->addresses, address_key(&from), (void *)(have - 1)); // NOLINT(performance-no-int-to-ptr)
        else
            str_map_take(&s->addresses, address_key(&from));
    }
    atomic_fetch_sub(&s->open, 1);
    pthread_mutex_unlock(&s->lock);
}

// ---- Workers.

struct ctx server_thread_ctx(struct server *s, struct error *error)
{
    struct ctx c = {0};
    if (s->setup.make_ctx)
        s->setup.make_ctx(s->setup.arg, &c);
    if (!c.arena)
        c.arena = arena_new();
    if (!c.clock)
        c.clock = &system_clock;
    c.conf = s->conf;
    c.hub = &s->hub;
    c.err = error;
    return c;
}

void server_thread_done(struct server *s, struct ctx *c)
{
    if (s->setup.free_ctx)
        s->setup.free_ctx(s->setup.arg, c);
    else
        arena_free(c->arena);
}

bool worker_queue(struct server *s, struct exchange *x)
{
    pthread_mutex_lock(&s->lock);
    bool good = s->queued < REQUESTS_MOST && !s->stopping;
    if (good) {
        x->next = NULL;
        *s->last = x;
        s->last = &x->next;
        s->queued++;
        atomic_fetch_add(&s->running, 1);
    }
    pthread_mutex_unlock(&s->lock);
    if (good)
        pthread_cond_signal(&s->waiting);
    return good;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct server *s = w->server;
    struct error error = {0};
    struct ctx base = server_thread_ctx(s, &error);
    prctl(PR_SET_NAME, "worker");
    for (;;) {
        pthread_mutex_lock(&s->lock);
        while (!s->first && !s->stopping)
            pthread_cond_wait(&s->waiting, &s->lock);
        struct exchange *x = s->first;
        if (x) {
            s->first = x->next;
            if (!s->first)
                s->last = &s->first;
            s->queued--;
        }
        pthread_mutex_unlock(&s->lock);
        if (!x)
            break; // stopping, and nothing waits
        struct ctx c = base;
        error_clear(&error);
        exchange_handle(&c, x);
        arena_reset(base.arena);
        net_post(x->net, &(struct letter){.kind = LETTER_ANSWER, .at = x}, 1, true);
        atomic_fetch_sub(&s->running, 1);
    }
    server_thread_done(s, &base);
    return NULL;
}

bool workers_start(struct server *s)
{
    for (int i = 0; i < s->worker_count; i++) {
        struct worker *w = &s->workers[i];
        w->server = s;
        w->running = pthread_create(&w->thread, NULL, work, w) == 0;
        if (!w->running)
            return false;
    }
    return true;
}

void workers_stop(struct server *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->waiting);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < s->worker_count; i++)
        if (s->workers[i].running)
            pthread_join(s->workers[i].thread, NULL);
}

// ---- Start.

static int listen_on(struct ctx *c, const char *address, int64_t port, int *bound)
{
    char service[8];
    struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV}, *found = NULL;
    snprintf(service, sizeof service, "%d", (int)port);
    int fd = -1, one = 1, off = 0;
    if (getaddrinfo(address, service, &want, &found) == 0) {
        fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0) {
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
            if (found->ai_family == AF_INET6)
                setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
        }
        if (fd >= 0 && (bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, 4096) < 0)) {
            int why = errno;
            close(fd);
            errno = why;
            fd = -1;
        }
        freeaddrinfo(found);
    }
    if (fd < 0) {
        fail(c, ERR_UNAVAILABLE, "net.listen", address, service, NULL);
        fail_detail(c, "%s", strerror(errno));
        return -1;
    }
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } here = {.six = {0}};
    socklen_t len = sizeof here;
    getsockname(fd, &here.any, &len);
    *bound = ntohs(here.any.sa_family == AF_INET6 ? here.six.sin6_port : here.four.sin_port);
    return fd;
}

// The folder of uploads on their way; what an earlier process left is removed.
static bool open_temp(struct ctx *c, struct server *s)
{
    s->temp_dir = arena_printf(s->arena, "%s/tmp", s->conf->data_dir);
    if (mkdir(s->temp_dir, 0700) < 0 && errno != EEXIST)
        return fail(c, ERR_INTERNAL, "net.temp", s->temp_dir, NULL);
    DIR *d = opendir(s->temp_dir);
    if (!d)
        return fail(c, ERR_INTERNAL, "net.temp", s->temp_dir, NULL);
    for (struct dirent *e; (e = readdir(d));)
        if (strncmp(e->d_name, "upload-", 7) == 0)
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    return true;
}

static void limits(struct server *s)
{
    struct rlimit files;
    s->connections_most = s->conf->max_connections;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    if (files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        getrlimit(RLIMIT_NOFILE, &files);
    }
    int64_t room = files.rlim_cur == RLIM_INFINITY ? INT64_MAX : (int64_t)files.rlim_cur - FD_HEADROOM;
    room = room < 16 ? 16 : room;
    if (s->connections_most > room) {
        char number[24];
        LOG_WARN("open files limit bounds the connections", "connections", log_int(number, room), NULL);
        s->connections_most = room;
    }
}

static int64_t within(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

static void counts(struct server *s)
{
    int64_t processors = within(sysconf(_SC_NPROCESSORS_ONLN), 1, 64);
    s->net_count = (int)within(s->conf->net_threads ? s->conf->net_threads : processors / 2, 1, NET_MOST);
    s->worker_count = (int)within(s->conf->workers ? s->conf->workers : 2 * processors, s->conf->workers ? 1 : 4, 256);
    s->lane_count = (int)within(2 * processors, 4, 16); // while some wait for their commit, others read on
    while (s->setup.endpoints && s->setup.endpoints[s->endpoint_count].path)
        s->endpoint_count++;
}

struct server *server_start(struct ctx *c, const struct server_setup *setup)
{
    struct arena *a = arena_new();
    struct server *s = ARENA_NEW(a, struct server);
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL); // here rather than in a net thread at its first upgrade
    s->arena = a;
    s->setup = *setup;
    s->conf = setup->conf;
    s->last = &s->first;
    s->listen_fd[0] = s->listen_fd[1] = -1;
    s->hub.server = s;
    c->hub = &s->hub; // before any thread takes its ctx from the caller's
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->waiting, NULL);
    limits(s);
    counts(s);
    s->router = router_new(a, setup->tables);
    s->nets = ARENA_ARRAY(a, struct net, s->net_count);
    s->lanes = ARENA_ARRAY(a, struct lane, s->lane_count);
    s->workers = ARENA_ARRAY(a, struct worker, s->worker_count);
    bool good = networks_parse(c, str_of(s->conf->trusted_proxies), &s->proxies) && open_temp(c, s) &&
                (s->listen_fd[0] = listen_on(c, s->conf->http_address, s->conf->http_port, &s->port[0])) >= 0;
    if (good && (s->conf->https_port || *s->conf->tls_cert))
        good = (s->tls = tls_open(c, s->conf->tls_cert, s->conf->tls_key)) &&
               (s->listen_fd[1] = listen_on(c, s->conf->http_address, s->conf->https_port, &s->port[1])) >= 0;
    for (int i = 0; good && i < s->lane_count; i++) {
        s->lanes[i].index = i;
        good = lane_start(s, &s->lanes[i]) || fail(c, ERR_INTERNAL, "net.start", NULL);
    }
    good = good && (workers_start(s) || fail(c, ERR_INTERNAL, "net.start", NULL));
    for (int i = s->net_count - 1; good && i >= 0; i--) // the accepting one last
        good = net_start(c, s, &s->nets[i]);
    if (good)
        return s;
    server_drain(s, 0);
    server_free(s);
    c->hub = NULL;
    return NULL;
}

int server_port(const struct server *s, bool tls)
{
    return s->port[tls];
}

struct hub *server_hub(struct server *s)
{
    return &s->hub;
}

// ---- The end.

static void to_all(struct server *s, enum letter_kind kind)
{
    for (int i = 0; i < s->net_count; i++)
        if (s->nets[i].running)
            net_post(&s->nets[i], &(struct letter){.kind = (uint8_t)kind}, 1, false);
}

void server_drain(struct server *s, int seconds)
{
    atomic_store(&s->draining, true);
    to_all(s, LETTER_DRAIN);
    usec until = time_monotonic() + seconds * SECOND;
    while ((atomic_load(&s->open) || atomic_load(&s->running)) && time_monotonic() < until)
        usleep(5000);
    workers_stop(s);
    for (int i = 0; i < s->net_count; i++)
        net_stop(&s->nets[i]);
    for (int i = 0; i < s->lane_count; i++)
        lane_stop(&s->lanes[i]);
}

void server_free(struct server *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->net_count; i++)
        net_free(&s->nets[i]);
    for (int i = 0; i < 2; i++)
        if (s->listen_fd[i] >= 0)
            close(s->listen_fd[i]);
    SSL_CTX_free(s->tls);
    str_map_free(&s->addresses);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->waiting);
    arena_free(s->arena);
}

struct server_stats server_stats(const struct server *s)
{
    struct server_stats t = {.refused = atomic_load(&s->refused)};
    for (int i = 0; i < s->net_count; i++) {
        const struct net *n = &s->nets[i];
        t.connections += atomic_load(&n->connections);
        t.websockets += atomic_load(&n->websockets);
        t.requests += atomic_load(&n->requests);
        t.frames_in += atomic_load(&n->frames_in);
        t.frames_out += atomic_load(&n->frames_out);
        t.bytes_out += atomic_load(&n->bytes_out);
        t.slow_dropped += atomic_load(&n->slow_dropped);
    }
    return t;
}
