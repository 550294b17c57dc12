// The durable-message load on an XMPP server, the same shape as `load durable`: N conversations (a sender and a receiver each), a window of
// messages in flight, the span from sending to the receiver's copy. The server archives every message (XEP-0313) before it delivers.
//     xmpp --port P --conversations N --window W --seconds S --pid SERVER
// Prints one line of JSON. Loopback only.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum stage { FEATURES, REGISTER, AUTH, FEATURES_AGAIN, BIND, READY };
struct conn {
    int fd, number; // number >= conversations: the receiver of number - conversations
    enum stage stage;
    char *in;
    size_t len, room;
};
static int port, conversations = 200, window = 4, epoll, ready;
static long pid;
static double seconds = 15;
static struct conn *all;
static int64_t delivered;
static float *spans;
static size_t span_count, span_room;

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
    fputc('\n', stderr);
    exit(1);
}
static void put(struct conn *c, const char *text, size_t n)
{
    while (n) {
        ssize_t sent = send(c->fd, text, n, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN || errno == EINTR)
                continue;
            die("send: %s", strerror(errno));
        }
        text += sent;
        n -= (size_t)sent;
    }
}
static void say(struct conn *c, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put(c, text, (size_t)n);
}
static const char header[] =
    "<?xml version='1.0'?><stream:stream to='localhost' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

static void base64(const unsigned char *in, size_t n, char *out)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        unsigned v = (unsigned)in[i] << 16 | (i + 1 < n ? in[i + 1] << 8 : 0) | (i + 2 < n ? in[i + 2] : 0);
        *out++ = set[v >> 18];
        *out++ = set[v >> 12 & 63];
        *out++ = i + 1 < n ? set[v >> 6 & 63] : '=';
        *out++ = i + 2 < n ? set[v & 63] : '=';
    }
    *out = 0;
}
static void message(struct conn *c)
{
    static unsigned counter;
    say(c, "<message type='chat' to='u%d@localhost' id='m%u'><body>@%lld@ the quick brown fox writes message %u</body></message>",
        c->number + conversations, counter, (long long)now(), counter);
    counter++;
}
static void took(struct conn *c, size_t n)
{
    memmove(c->in, c->in + n, c->len - n);
    c->len -= n;
    c->in[c->len] = 0;
}
static void step(struct conn *c)
{
    char *at;
    switch (c->stage) {
    case FEATURES:
        if (!(at = strstr(c->in, "</stream:features>")))
            return;
        took(c, c->len);
        say(c, "<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>u%d</username><password>secret</password></query></iq>", c->number);
        c->stage = REGISTER;
        return;
    case REGISTER: {
        if (!strstr(c->in, "id='r'") || !(strstr(c->in, "</iq>") || strstr(c->in, "/>")))
            return;
        took(c, c->len);
        char plain[64], code[128];
        int n = snprintf(plain, sizeof plain, "%cu%d%csecret", 0, c->number, 0);
        base64((unsigned char *)plain, (size_t)n, code);
        say(c, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>", code);
        c->stage = AUTH;
        return;
    }
    case AUTH:
        if (strstr(c->in, "<failure"))
            die("sign-in: %s", c->in);
        if (!strstr(c->in, "<success"))
            return;
        took(c, c->len);
        put(c, header, sizeof header - 1);
        c->stage = FEATURES_AGAIN;
        return;
    case FEATURES_AGAIN:
        if (!strstr(c->in, "</stream:features>"))
            return;
        took(c, c->len);
        say(c, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
        c->stage = BIND;
        return;
    case BIND:
        if (!strstr(c->in, "</iq>"))
            return;
        took(c, c->len);
        say(c, "<presence/>");
        c->stage = READY;
        ready++;
        return;
    case READY:
        while ((at = strstr(c->in, "</message>"))) {
            size_t end = (size_t)(at - c->in) + 10;
            char saved = c->in[end];
            c->in[end] = 0;
            char *body = strstr(c->in, "<body>@");
            if (body && c->number >= conversations) {
                int64_t sent = atoll(body + 7);
                if (span_count == span_room) {
                    span_room = span_room ? span_room * 2 : 1 << 16;
                    spans = realloc(spans, span_room * sizeof *spans);
                }
                spans[span_count++] = (float)(now() - sent) / 1000;
                delivered++;
                message(&all[c->number - conversations]);
            }
            c->in[end] = saved;
            took(c, end);
        }
        if (!strstr(c->in, "<message") && c->len > 4096)
            took(c, c->len - 16);
        return;
    }
}
static void turn(int wait)
{
    struct epoll_event events[256];
    int n = epoll_wait(epoll, events, 256, wait);
    for (int i = 0; i < n; i++) {
        struct conn *c = events[i].data.ptr;
        if (c->len + 8192 > c->room) {
            c->room = c->room * 2 + 16384;
            c->in = realloc(c->in, c->room + 1);
        }
        ssize_t got = recv(c->fd, c->in + c->len, c->room - c->len, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            die("the server closed connection %d: %.300s", c->number, c->len ? c->in : "");
        if (got > 0) {
            c->len += (size_t)got;
            c->in[c->len] = 0;
            enum stage before;
            do {
                before = c->stage;
                step(c);
            } while (before != c->stage && c->len);
        }
    }
}
static double server_cpu(void) // seconds
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    char *at = strrchr(text, ')');
    unsigned long user = 0, system = 0;
    if (at)
        sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}
static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}
int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--port")) port = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--conversations")) conversations = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--window")) window = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
        else if (!strcmp(argv[i], "--pid")) pid = atol(argv[i + 1]);
        else die("unknown option %s", argv[i]);
    }
    int count = conversations * 2;
    all = calloc((size_t)count, sizeof *all);
    epoll = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        struct conn *c = &all[i];
        c->number = i;
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0)
            die("connect: %s", strerror(errno));
        int one = 1;
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
        struct epoll_event e = {EPOLLIN, {.ptr = c}};
        epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e);
        put(c, header, sizeof header - 1);
        int64_t until = now() + 10000000;
        while (i % 16 == 15 && ready < i - 16 && now() < until)
            turn(10);
    }
    int64_t until = now() + 60000000;
    while (ready < count && now() < until)
        turn(20);
    if (ready < count)
        die("only %d of %d signed in", ready, count);
    for (int i = 0; i < conversations; i++)
        for (int k = 0; k < window; k++)
            message(&all[i]);
    int64_t warm = now() + 2000000; // two seconds to warm up
    while (now() < warm)
        turn(10);
    delivered = 0;
    span_count = 0;
    double cpu = server_cpu();
    int64_t from = now();
    while (now() - from < (int64_t)(seconds * 1e6))
        turn(10);
    double span = (double)(now() - from) / 1e6;
    cpu = server_cpu() - cpu;
    qsort(spans, span_count, sizeof *spans, by_size);
    printf("{\"mode\":\"xmpp durable\",\"conversations\":%d,\"window\":%d,\"delivered\":%lld,\"per_second\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,"
           "\"server_cores\":%.2f}\n",
           conversations, window, (long long)delivered, (double)delivered / span, span_count ? spans[span_count / 2] : 0,
           span_count ? spans[span_count * 99 / 100] : 0, cpu / span);
    return 0;
}
