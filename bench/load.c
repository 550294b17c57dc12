// The load client of bench/run: many WebSocket connections from one thread over epoll, to loopback only, bounded in time.
//
//   load durable   --conversations N --window W --seconds S           acknowledged messages a second, latency of the acknowledgement
//   load delivery  --conversations N --rate R --idle N --seconds S     visitor's send → agent's page, with idle connections beside
//   load idle      --steps 1000,15000 --pid PID                        the server's resident memory by idle connection
//   load fanout    --conversations N --followers F --seconds S         typing previews of 100 bytes to F followers each, no disk
//   load human     --agents A --visitors V --seconds S                 people at a human pace
// Common: --port P --inbox KEY --cookie "yd_session=…" --pid PID. Prints one JSON object.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum role { VISITOR, STAFF };
enum stage { CONNECTING, UPGRADING, HELLO, READY, DEAD };
struct conn {
    int fd;
    enum role role;
    enum stage stage;
    int number, in_flight;
    char conv[32];      // of a visitor
    char *in, *out;     // allocated while something waits
    uint32_t in_len, in_room, out_len, out_room, out_at;
    int64_t next;       // when it acts again (human, delivery)
    int64_t sent_at[64]; // by counter modulo 64, for acknowledgements
    uint32_t counter, acked;
    bool want_write;
};

static struct conn *conns;
static int conn_count, epoll, port, alive;
static char inbox[128], cookie[512];
static int64_t deadline;
static int64_t acks, errors, delivered, frames_in, refused;
static struct {
    uint32_t bucket[20000]; // 20 µs each up to 400 ms; the last holds the rest
    int64_t count;
} latency;

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}
static void note_latency(int64_t us)
{
    size_t b = us < 0 ? 0 : (size_t)(us / 20);
    latency.bucket[b < 20000 ? b : 19999]++;
    latency.count++;
}
static double percentile(double p)
{
    int64_t want = (int64_t)ceil(p * (double)latency.count), seen = 0;
    for (int i = 0; i < 20000; i++)
        if ((seen += latency.bucket[i]) >= want && seen)
            return (i + 1) * 0.02;
    return 0;
}

static void flush(struct conn *c)
{
    while (c->out_at < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n < 0) {
            if (c->stage != DEAD)
                alive--;
            c->stage = DEAD;
            errors++;
            return;
        }
        c->out_at += (uint32_t)n;
    }
    bool want = c->out_at < c->out_len;
    if (!want) {
        c->out_at = c->out_len = 0;
        if (c->out_room > 4096) {
            free(c->out);
            c->out = NULL;
            c->out_room = 0;
        }
    }
    if (want != c->want_write) {
        c->want_write = want;
        struct epoll_event e = {EPOLLIN | (want ? EPOLLOUT : 0), {.ptr = c}};
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &e);
    }
}
static void put(struct conn *c, const void *bytes, size_t n)
{
    if (c->out_len + n > c->out_room) {
        c->out_room = (uint32_t)(c->out_len + n + 512);
        c->out = realloc(c->out, c->out_room);
    }
    memcpy(c->out + c->out_len, bytes, n);
    c->out_len += (uint32_t)n;
}
static void put_frame(struct conn *c, int opcode, const char *text, size_t n)
{
    unsigned char head[14] = {0x80 | opcode};
    size_t h = 2;
    if (n < 126) {
        head[1] = 0x80 | (unsigned char)n;
    } else {
        head[1] = 0x80 | 126;
        head[2] = (unsigned char)(n >> 8);
        head[3] = (unsigned char)n;
        h = 4;
    }
    memset(head + h, 0, 4); // a mask of zeros is a valid mask and costs the client nothing
    put(c, head, h + 4);
    put(c, text, n);
}
static void say(struct conn *c, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put_frame(c, 1, text, (size_t)n);
    flush(c);
}

static bool member(const char *text, const char *name, char *out, size_t room) // a string member of flat JSON
{
    char pattern[64];
    snprintf(pattern, sizeof pattern, "\"%s\":\"", name);
    const char *at = strstr(text, pattern);
    if (!at)
        return false;
    at += strlen(pattern);
    size_t n = strcspn(at, "\"");
    if (n >= room)
        return false;
    memcpy(out, at, n);
    out[n] = 0;
    return true;
}

static void start(struct conn *c, enum role role, int number)
{
    memset(c, 0, sizeof *c);
    c->role = role;
    c->number = number;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        die("socket: %s", strerror(errno));
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    // One source address holds some 28,000 ports: spread over loopback addresses.
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (unsigned)(number % 50))};
    bind(c->fd, (struct sockaddr *)&from, sizeof from);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    char text[1024];
    int n = role == VISITOR
                ? snprintf(text, sizeof text,
                           "GET /ws/widget?inbox=%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: http://127.0.0.1:%d\r\n\r\n",
                           inbox, port, port)
                : snprintf(text, sizeof text,
                           "GET /ws/console HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nCookie: %s\r\n"
                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: http://127.0.0.1:%d\r\n\r\n",
                           port, cookie, port);
    c->stage = UPGRADING;
    c->want_write = true;
    struct epoll_event e = {EPOLLIN | EPOLLOUT, {.ptr = c}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e);
    put(c, text, (size_t)n);
    alive++;
}

static void send_message(struct conn *c)
{
    c->sent_at[c->counter % 64] = now();
    say(c, "{\"t\":\"send\",\"cid\":\"%08x-0000-4000-8000-%012x\",\"text\":\"@%lld@ the quick brown fox writes message %u\"}", c->number,
        c->counter, (long long)c->sent_at[c->counter % 64], c->counter);
    c->counter++;
    c->in_flight++;
}

static void (*on_ready)(struct conn *c);                    // welcome came
static void (*on_ack)(struct conn *c);
static void (*on_frame)(struct conn *c, const char *text); // everything else

static void frame(struct conn *c, char *text, size_t n)
{
    char saved = text[n];
    text[n] = 0;
    frames_in++;
    if (c->stage == HELLO && strstr(text, "\"t\":\"welcome\"")) {
        c->stage = READY;
        if (on_ready)
            on_ready(c);
    } else if (strncmp(text, "{\"t\":\"ack\"", 10) == 0) {
        char id[64];
        if (c->role == VISITOR && member(text, "cid", id, sizeof id) && strlen(id) == 36) {
            uint32_t counter = (uint32_t)strtoul(id + 24, NULL, 16);
            note_latency(now() - c->sent_at[counter % 64]);
            c->in_flight--;
            c->acked++;
            acks++;
            if (!c->conv[0])
                member(text, "conv", c->conv, sizeof c->conv);
        }
        if (on_ack)
            on_ack(c);
    } else if (strncmp(text, "{\"t\":\"error\"", 12) == 0) {
        if (refused++ < 5)
            fprintf(stderr, "refused: %s\n", text);
        if (c->in_flight)
            c->in_flight--;
    } else if (on_frame) {
        on_frame(c, text);
    }
    text[n] = saved;
}

static void take(struct conn *c)
{
    static char chunk[256 * 1024];
    for (;;) {
        ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <= 0) {
            if (c->stage != DEAD) {
                alive--;
                errors++;
            }
            c->stage = DEAD;
            epoll_ctl(epoll, EPOLL_CTL_DEL, c->fd, NULL);
            return;
        }
        char *data = chunk;
        size_t len = (size_t)n;
        if (c->in_len) {
            if (c->in_len + len + 1 > c->in_room)
                c->in = realloc(c->in, c->in_room = (uint32_t)(c->in_len + len + 1));
            memcpy(c->in + c->in_len, chunk, len);
            data = c->in;
            len += c->in_len;
        }
        size_t at = 0;
        if (c->stage == UPGRADING) {
            char *end = memmem(data, len, "\r\n\r\n", 4);
            if (end) {
                if (len < 12 || memcmp(data + 9, "101", 3) != 0)
                    die("upgrade refused: %.*s", (int)(len < 300 ? len : 300), data);
                at = (size_t)(end + 4 - data);
                c->stage = HELLO;
                say(c, c->role == VISITOR ? "{\"t\":\"hello\",\"locale\":\"en-US\"}" : "{\"t\":\"hello\",\"locale\":\"en-US\"}");
            }
        }
        while (c->stage >= HELLO && len - at >= 2) {
            unsigned char *h = (unsigned char *)data + at;
            size_t head = 2, size = h[1] & 127;
            if (size == 126) {
                head = 4;
                if (len - at < 4)
                    break;
                size = (size_t)h[2] << 8 | h[3];
            } else if (size == 127) {
                head = 10;
                if (len - at < 10)
                    break;
                size = 0;
                for (int i = 2; i < 10; i++)
                    size = size << 8 | h[i];
            }
            if (len - at < head + size)
                break;
            int opcode = h[0] & 15;
            if (opcode == 1) {
                frame(c, (char *)h + head, size);
            } else if (opcode == 9) {
                put_frame(c, 10, (char *)h + head, size);
                flush(c);
            } else if (opcode == 8) {
                if (errors++ < 5)
                    fprintf(stderr, "closed by the server: %d %.*s\n", size >= 2 ? h[head] << 8 | h[head + 1] : 0,
                            size > 2 ? (int)size - 2 : 0, (char *)h + head + 2);
            }
            at += head + size;
        }
        size_t rest = len - at;
        if (rest) {
            if (data != c->in && rest + 1 > c->in_room)
                c->in = realloc(c->in, c->in_room = (uint32_t)(rest + 1 + 256));
            memmove(c->in, data + at, rest);
        } else if (c->in_room > 2048) {
            free(c->in);
            c->in = NULL;
            c->in_room = 0;
        }
        c->in_len = (uint32_t)rest;
        if ((size_t)n < sizeof chunk)
            break;
    }
}

static void turn(int wait_ms)
{
    static struct epoll_event events[1024];
    int n = epoll_wait(epoll, events, 1024, wait_ms);
    for (int i = 0; i < n; i++) {
        struct conn *c = events[i].data.ptr;
        if (c->stage == DEAD)
            continue;
        if (events[i].events & EPOLLOUT)
            flush(c);
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            take(c);
    }
}
static void until_ready(int from, int to)
{
    int64_t limit = now() + 120000000;
    for (int i = from; i < to; i++)
        while (conns[i].stage < READY) {
            turn(10);
            if (now() > limit)
                die("connection %d is not ready after 120 s", i);
        }
    for (int i = from; i < to; i++)
        if (conns[i].stage == DEAD)
            die("connection %d was dropped", i);
}
static void connect_all(enum role role, int from, int to)
{
    for (int i = from; i < to; i++) {
        start(&conns[i], role, i);
        if (i % 64 == 63)
            for (int k = 0; k < 4; k++)
                turn(0);
        if (i - from >= 400) // at most 400 handshakes at once
            while (conns[i - 400].stage < READY && conns[i - 400].stage != DEAD)
                turn(5);
    }
    until_ready(from, to);
}

struct usage {
    double cpu;
    long rss_kb;
};
static struct usage usage_of(int pid)
{
    struct usage u = {0};
    char name[64], line[1024];
    snprintf(name, sizeof name, "/proc/%d/stat", pid);
    FILE *f = fopen(name, "r");
    if (!f)
        return u;
    if (fgets(line, sizeof line, f)) {
        unsigned long user, system;
        char *at = strrchr(line, ')');
        if (at && sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2)
            u.cpu = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    }
    fclose(f);
    snprintf(name, sizeof name, "/proc/%d/status", pid);
    if ((f = fopen(name, "r"))) {
        while (fgets(line, sizeof line, f))
            sscanf(line, "VmRSS: %ld", &u.rss_kb);
        fclose(f);
    }
    return u;
}

static int conversations = 200, window = 1, seconds = 10, rate = 1000, idle, followers = 5, agents = 50, visitors = 2000, pid;
static const char *steps = "1000,15000";

static void durable_ready(struct conn *c)
{
    for (int i = 0; i < window; i++)
        send_message(c);
}
static void durable_ack(struct conn *c)
{
    if (now() < deadline)
        while (c->in_flight < window)
            send_message(c);
}
static void print_common(double span, struct usage before, struct usage after)
{
    printf("\"seconds\":%.2f,\"p50_ms\":%.2f,\"p90_ms\":%.2f,\"p99_ms\":%.2f,\"p999_ms\":%.2f,\"server_cpu_s\":%.2f,\"server_rss_kb\":%ld,"
           "\"refused\":%lld,\"errors\":%lld}\n",
           span, percentile(.5), percentile(.9), percentile(.99), percentile(.999), after.cpu - before.cpu, after.rss_kb,
           (long long)refused, (long long)errors);
}
static void run_durable(void)
{
    connect_all(VISITOR, 0, conversations);
    on_ack = durable_ack;
    deadline = now() + 1000000; // one second of warm-up
    for (int i = 0; i < conversations; i++)
        durable_ready(&conns[i]);
    while (now() < deadline)
        turn(10);
    memset(&latency, 0, sizeof latency);
    struct usage before = usage_of(pid);
    int64_t from = now(), acked = acks;
    deadline = from + seconds * 1000000LL;
    for (int i = 0; i < conversations; i++)
        durable_ack(&conns[i]);
    while (now() < deadline)
        turn(10);
    int64_t count = acks - acked;
    double span = (double)(now() - from) / 1e6;
    struct usage after = usage_of(pid);
    int64_t limit = now() + 5000000;
    for (int waiting = 1; waiting && now() < limit;) { // whatever was sent is acknowledged, or it counts as an error
        turn(10);
        waiting = 0;
        for (int i = 0; i < conversations; i++)
            waiting += conns[i].in_flight > 0;
        if (!waiting)
            break;
    }
    for (int i = 0; i < conversations; i++)
        errors += conns[i].in_flight;
    printf("{\"mode\":\"durable\",\"conversations\":%d,\"window\":%d,\"acknowledged\":%lld,\"per_second\":%.0f,", conversations, window,
           (long long)count, (double)count / span);
    print_common(span, before, after);
}

static void delivery_frame(struct conn *c, const char *text)
{
    const char *at;
    if (c->role == STAFF && strncmp(text, "{\"t\":\"msg\"", 10) == 0 && (at = strchr(text, '@'))) {
        note_latency(now() - strtoll(at + 1, NULL, 10));
        delivered++;
    }
}
static void make_conversations(int count)
{
    connect_all(VISITOR, 0, count);
    for (int i = 0; i < count; i++) {
        send_message(&conns[i]);
        if (i % 100 == 99)
            turn(0);
    }
    int64_t limit = now() + 60000000;
    for (int i = 0; i < count; i++)
        while (!conns[i].conv[0] && now() < limit)
            turn(10);
    for (int i = 0; i < count; i++)
        if (!conns[i].conv[0])
            die("conversation %d did not start", i);
}
static void run_delivery(void)
{
    make_conversations(conversations);
    int staff = conversations, first_idle = conversations + 10;
    connect_all(STAFF, staff, staff + 10);
    for (int i = 0; i < conversations; i++)
        say(&conns[staff + i % 10], "{\"t\":\"follow\",\"conv\":\"%s\",\"seq\":1}", conns[i].conv);
    connect_all(VISITOR, first_idle, first_idle + idle);
    for (int k = 0; k < 100; k++)
        turn(10);
    on_frame = delivery_frame;
    memset(&latency, 0, sizeof latency);
    delivered = 0;
    struct usage before = usage_of(pid);
    int64_t from = now(), sent = 0, end = from + seconds * 1000000LL;
    int64_t acked = acks;
    // The acknowledgement's latency is not wanted here.
    while (now() < end) {
        int64_t due = (now() - from) * rate / 1000000;
        while (sent < due) {
            struct conn *c = &conns[sent % conversations];
            if (c->in_flight < 60)
                send_message(c);
            sent++;
        }
        turn(1);
    }
    for (int k = 0; k < 100 && delivered < sent; k++)
        turn(10);
    double span = (double)(now() - from) / 1e6;
    printf("{\"mode\":\"delivery\",\"conversations\":%d,\"idle\":%d,\"sent\":%lld,\"acknowledged\":%lld,\"delivered\":%lld,", conversations,
           idle, (long long)sent, (long long)(acks - acked), (long long)delivered);
    print_common(span, before, usage_of(pid));
}

static void run_idle(void)
{
    printf("{\"mode\":\"idle\",\"points\":[");
    int have = 0;
    long first_rss = 0, last_rss = 0;
    int first = 0;
    char *list = strdup(steps), *save;
    for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        int want = atoi(word);
        connect_all(VISITOR, have, want);
        have = want;
        for (int k = 0; k < 300; k++)
            turn(10);
        last_rss = usage_of(pid).rss_kb;
        printf("%s{\"connections\":%d,\"rss_kb\":%ld}", first ? "," : "", want, last_rss);
        if (!first) {
            first = want;
            first_rss = last_rss;
        }
    }
    double slope = have > first ? (double)(last_rss - first_rss) * 1024 / (have - first) : 0;
    printf("],\"bytes_per_connection\":%.0f,\"errors\":%lld}\n", slope, (long long)errors);
}

static void fanout_frame(struct conn *c, const char *text)
{
    const char *at;
    if (c->role == STAFF && strncmp(text, "{\"t\":\"typing\"", 13) == 0 && (at = strchr(text, '@'))) {
        note_latency(now() - strtoll(at + 1, NULL, 10));
        delivered++;
    }
}
static void run_fanout(void)
{
    make_conversations(conversations);
    int first = conversations, total = conversations * followers;
    connect_all(STAFF, first, first + total);
    for (int i = 0; i < total; i++) {
        say(&conns[first + i], "{\"t\":\"follow\",\"conv\":\"%s\",\"seq\":1}", conns[i % conversations].conv);
        if (i % 100 == 0)
            turn(0);
    }
    for (int k = 0; k < 200; k++)
        turn(10);
    on_frame = fanout_frame;
    delivered = 0;
    memset(&latency, 0, sizeof latency);
    struct usage before = usage_of(pid);
    int64_t from = now(), end = from + seconds * 1000000LL, sent = 0;
    int at = 0;
    // Closed loop: as many on their way as the window says, so that neither side only grows a queue.
    while (now() < end) {
        while ((sent * followers - delivered) < (int64_t)window * followers) {
            char text[128];
            struct conn *c = &conns[at];
            at = (at + 1) % conversations;
            snprintf(text, sizeof text, "@%lld@ xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", (long long)now());
            say(c, "{\"t\":\"typing\",\"on\":true,\"text\":\"%.100s\"}", text);
            sent++;
        }
        turn(1);
    }
    double span = (double)(now() - from) / 1e6;
    struct usage after = usage_of(pid);
    double cpu = after.cpu - before.cpu;
    printf("{\"mode\":\"fanout\",\"conversations\":%d,\"followers\":%d,\"sent\":%lld,\"delivered\":%lld,\"per_second\":%.0f,"
           "\"per_second_and_core\":%.0f,",
           conversations, followers, (long long)sent, (long long)delivered, (double)delivered / span,
           cpu > 0 ? (double)delivered / cpu : 0);
    print_common(span, before, after);
}

static unsigned seed = 7;
static int64_t pause_of(double mean_s) // exponential
{
    double u = (rand_r(&seed) + 1.0) / ((double)RAND_MAX + 2.0);
    return (int64_t)(-log(u) * mean_s * 1e6);
}
static void run_human(void)
{
    make_conversations(visitors);
    int staff = visitors;
    connect_all(STAFF, staff, staff + agents);
    for (int i = 0; i < visitors; i++)
        say(&conns[staff + i % agents], "{\"t\":\"follow\",\"conv\":\"%s\",\"seq\":1}", conns[i].conv);
    on_frame = delivery_frame;
    memset(&latency, 0, sizeof latency);
    delivered = 0;
    for (int i = 0; i < visitors; i++)
        conns[i].next = now() + pause_of(30);
    for (int i = 0; i < agents; i++)
        conns[staff + i].next = now() + pause_of(4);
    struct usage before = usage_of(pid);
    int64_t from = now(), end = from + seconds * 1000000LL, sent = 0, replies = 0, typed = 0;
    while (now() < end) {
        int64_t t = now();
        for (int i = 0; i < visitors; i++)
            if (t >= conns[i].next) {
                if (rand_r(&seed) % 3) {
                    say(&conns[i], "{\"t\":\"typing\",\"on\":true}");
                    typed++;
                    conns[i].next = t + 3000000;
                } else {
                    send_message(&conns[i]);
                    sent++;
                    conns[i].next = t + pause_of(30);
                }
            }
        for (int i = 0; i < agents; i++)
            if (t >= conns[staff + i].next) {
                struct conn *c = &conns[staff + i], *v = &conns[(rand_r(&seed) % (visitors / agents)) * agents + i];
                say(c, "{\"t\":\"send\",\"conv\":\"%s\",\"cid\":\"%08x-0000-4000-8000-%012x\",\"kind\":\"text\",\"text\":\"a reply of an agent, "
                       "some words long\"}", v->conv, c->number, c->counter++);
                replies++;
                c->next = t + pause_of(4);
            }
        turn(20);
    }
    double span = (double)(now() - from) / 1e6;
    struct usage after = usage_of(pid);
    printf("{\"mode\":\"human\",\"agents\":%d,\"visitors\":%d,\"sent\":%lld,\"typing\":%lld,\"replies\":%lld,\"delivered\":%lld,"
           "\"server_core_share\":%.4f,",
           agents, visitors, (long long)sent, (long long)typed, (long long)replies, (long long)delivered,
           (after.cpu - before.cpu) / span);
    print_common(span, before, after);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        die("load durable|delivery|idle|fanout|human --port P --inbox KEY …");
    for (int i = 2; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        struct {
            const char *name;
            int *to;
        } numbers[] = {{"--port", &port}, {"--conversations", &conversations}, {"--window", &window}, {"--seconds", &seconds},
                       {"--rate", &rate}, {"--idle", &idle}, {"--followers", &followers}, {"--agents", &agents},
                       {"--visitors", &visitors}, {"--pid", &pid}};
        bool known = false;
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
            if (strcmp(name, numbers[k].name) == 0) {
                *numbers[k].to = atoi(value);
                known = true;
            }
        if (strcmp(name, "--inbox") == 0)
            snprintf(inbox, sizeof inbox, "%s", value);
        else if (strcmp(name, "--cookie") == 0)
            snprintf(cookie, sizeof cookie, "%s", value);
        else if (strcmp(name, "--steps") == 0)
            steps = value;
        else if (!known)
            die("unknown option %s", name);
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (seconds > 600)
        die("at most 600 seconds");
    conn_count = 40000;
    conns = calloc((size_t)conn_count, sizeof *conns);
    epoll = epoll_create1(0);
    const char *mode = argv[1];
    if (strcmp(mode, "durable") == 0)
        run_durable();
    else if (strcmp(mode, "delivery") == 0)
        run_delivery();
    else if (strcmp(mode, "idle") == 0)
        run_idle();
    else if (strcmp(mode, "fanout") == 0)
        run_fanout();
    else if (strcmp(mode, "human") == 0)
        run_human();
    else
        die("unknown mode %s", mode);
    return errors || refused ? 1 : 0;
}
