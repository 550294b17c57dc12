#include "tests/fuzz/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/app.h"
#include "base/log.h"
#include "base/rand.h"
#include "crm/contact.h"
#include "desk/conversation.h"
#include "desk/inbox.h"
#include "desk/visitor.h"
#include "identity/company.h"
#include "identity/token.h"
#include "knowledge/article.h"
#include "net/server.h"
#include "schema/id.h"
#include "schema/perm.h"

static struct app app = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct serving serving;
static char folder[200];
static int port;
static struct {
    const char *name;
    struct str value;
} holders[16];
static size_t holder_count;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    return remove(path);
}

static void end(void)
{
    serve_end(&app, &serving);
    app_close(&app);
    arena_free(app.arena);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void must(bool done)
{
    if (!done) {
        app_complain(&app);
        abort();
    }
}

static void holder(const char *name, struct str value)
{
    holders[holder_count].name = name;
    holders[holder_count++].value = value;
}

static void furnish(struct ctx *c)
{
    int64_t owner, conversation, role;
    must(company_setup(c, &(struct setup){STR("Fuzz"), STR("Owner"), STR("owner@example.com"), STR("a long password"), STR("Asia/Shanghai"), LANG_EN},
                       &owner));
    c->actor = (struct actor){.kind = ACTOR_USER, .id = owner, .name = STR("Owner"), .address = STR("127.0.0.1"), .device = STR("fuzz")};
    role_bundle("owner", c->actor.perms);
    struct api_token token = {.name = STR("all"), .scopes = perms_to_names(c->arena, c->actor.perms)};
    must(token_create(c, &token));
    must(role_by_key(c, "agent", &role));
    struct inbox inbox = {.name = STR("Shop"), .color = STR("#336699"), .bot = true, .enabled = true};
    must(inbox_create(c, &inbox));
    struct contact contact = {.name = STR("Li Lei"), .email = STR("li@example.com"), .language = CONTACT_ZH};
    must(contact_create(c, &contact));
    must(conversation_start(c, &(struct conversation_start){.inbox = inbox.id, .contact = contact.id, .lang = LANG_EN}, &conversation));
    struct faq faq = {.language = LANG_EN, .question = STR("How can I return a product?"), .answer = STR("Within **seven** days."), .enabled = true};
    must(faq_create(c, &faq));
    struct article article = {.language = LANG_EN, .title = STR("Returns"), .slug = STR("returns"), .body = STR("# Returns\n\nSeven days."), .published = true};
    must(article_create(c, &article));
    holder("<bearer>", token.token);
    holder("<visitor>", visitor_token(c, contact.id, inbox.id));
    holder("<key>", inbox.key);
    holder("<inbox>", id_str(c->arena, "ib", inbox.id));
    holder("<contact>", id_str(c->arena, "ct", contact.id));
    holder("<conv>", id_str(c->arena, "cv", conversation));
    holder("<faq>", id_str(c->arena, "kf", faq.id));
    holder("<article>", id_str(c->arena, "ka", article.id));
    holder("<user>", id_str(c->arena, "us", owner));
    holder("<role>", id_str(c->arena, "ro", role));
}

void serve_ready(void)
{
    if (app.arena)
        return;
    const char *temp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/yingda-fuzz-XXXXXX", temp && *temp ? temp : "/tmp");
    if (!mkdtemp(folder))
        abort();
    static const char *const settings[][2] = {{"YINGDA_HTTP_PORT", "0"},
                                              {"YINGDA_HTTP_ADDRESS", "127.0.0.1"},
                                              {"YINGDA_HTTP_THREADS", "1"},
                                              {"YINGDA_HTTP_WORKERS", "2"},
                                              {"YINGDA_HTTP_IDLE_SECONDS", "4"},
                                              {"YINGDA_HTTP_MAX_UPLOAD", "100000"},
                                              {"YINGDA_LOG_LEVEL", "error"},
                                              {"YINGDA_IDENTITY_ARGON2_MIB", "8"},
                                              {"YINGDA_DESK_MESSAGES_PER_10_SECONDS", "1000000"},
                                              {"YINGDA_DESK_NEW_VISITORS_PER_MINUTE", "1000000"}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        setenv(settings[i][0], settings[i][1], 1);
    signal(SIGPIPE, SIG_IGN);
    rand_setup();
    app.arena = arena_new();
    app.data_dir = folder;
    app.ctx = (struct ctx){
        .arena = app.arena,
        .err = &app.error,
        .clock = &system_clock,
        .lang = LANG_EN,
        .actor = {.kind = ACTOR_SYSTEM, .name = STR("system"), .address = STR(""), .device = STR("fuzz")},
        .conf = &app.conf,
    };
    must(serve_begin(&app, &serving));
    atexit(end);
    furnish(&app.ctx);
    port = server_port(serving.server, false);
}

size_t serve_fill(const uint8_t *data, size_t size, uint8_t *out)
{
    size_t len = 0;
    for (size_t at = 0; at < size && len < SERVE_ROOM - 256;) {
        size_t used = 0;
        for (size_t i = 0; data[at] == '<' && i < holder_count && !used; i++) {
            size_t n = strlen(holders[i].name);
            if (size - at < n || memcmp(data + at, holders[i].name, n) != 0)
                continue;
            memcpy(out + len, holders[i].value.at, holders[i].value.len);
            len += holders[i].value.len;
            used = n;
        }
        if (!used) {
            out[len++] = data[at];
            used = 1;
        }
        at += used;
    }
    return len;
}

// From ever other loopback addresses: one has too few ports for a minute of connections.
int serve_connect(void)
{
    static uint32_t from;
    struct sockaddr_in self = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    self.sin_addr.s_addr = htonl(0x7F000002 + from++ % 200);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    // The fuzzer's own timer may interrupt the call: then with a fresh socket.
    if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof self) < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        if (fd >= 0 && errno == EINTR) {
            close(fd);
            return serve_connect();
        }
        perror("connect");
        abort();
    }
    return fd;
}

bool serve_send(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

size_t serve_read(int fd, void *bytes, size_t room)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready;
    while ((ready = poll(&p, 1, 10000)) < 0 && errno == EINTR)
        ;
    ASSERT(ready == 1, "the server does not answer");
    ssize_t n = recv(fd, bytes, room, 0);
    return n > 0 ? (size_t)n : 0; // a reset is an end too
}
