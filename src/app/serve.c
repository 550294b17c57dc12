// Serving: opens the rooms, starts the server and the background work, waits for SIGTERM or SIGINT, and ends in order.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/command.h"
#include "app/demo.h"
#include "base/log.h"
#include "desk/desk.h"
#include "desk/visitor.h"
#include "identity/access.h"
#include "identity/company.h"
#include "identity/crypt.h"
#include "net/server.h"
#include "schema/openapi.h"
#include "schema/schema.h"
#include "store/db.h"
#include "store/job.h"

// GET /api/v1/health, GET /api/v1/version

struct health {
    struct str status;
};
static const struct field health_fields[] = {
    {"status", F_TEXT, offsetof(struct health, status), .flags = FIELD_REQUIRED, .doc = "ok: the store answers"},
};
static SCHEMA(health_schema, "Health", struct health, health_fields, "Whether the server can work");

struct version {
    struct str name, version;
};
static const struct field version_fields[] = {
    {"name", F_TEXT, offsetof(struct version, name), .flags = FIELD_REQUIRED, .doc = "the program's name"},
    {"version", F_TEXT, offsetof(struct version, version), .flags = FIELD_REQUIRED, .doc = "the program's version"},
};
static SCHEMA(version_schema, "Version", struct version, version_fields, "What runs here");

static bool health_get(struct request *rq, struct response *rs)
{
    if (!store_ping(rq->ctx))
        return false;
    struct health h = {STR("ok")};
    reply(rq, rs, &health_schema, &h);
    return true;
}

static bool version_get(struct request *rq, struct response *rs)
{
    struct version v = {STR("yingda"), str_of(YINGDA_VERSION)};
    reply(rq, rs, &version_schema, &v);
    return true;
}

const struct route app_own_routes[] = {
    {GET, "/api/v1/health", PERM_PUBLIC, NULL, &health_schema, health_get, 0, "Whether the server can work"},
    {GET, "/api/v1/version", PERM_PUBLIC, NULL, &version_schema, version_get, 0, "The program's version"},
    {0},
};

// Paths that are pages' own: "/" and what the console routes by itself.
static bool fallback(struct request *rq, struct response *rs)
{
    if (str_is(rq->path, "/"))
        return response_redirect(rs, 302, STR("/console/"));
    static const char *const folders[] = {"/console", "/shop", "/help"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (str_is(rq->path, folders[i]))
            return response_redirect(rs, 302, str_printf(rq->ctx->arena, "%s/", folders[i]));
    return fail(rq->ctx, ERR_NOT_FOUND, "not_found", NULL);
}

// Each connection is a file: as many as the system lets us.
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

// What a person wants to know at the start: on stdout, the log goes to stderr.
static void greet(struct app *app, const struct server *server)
{
    struct ctx *c = &app->ctx;
    const char *host = app->conf.http_address, *url = app->conf.public_url;
    if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
        host = "localhost";
    bool six = strchr(host, ':') != NULL;
    const char *plain = arena_printf(c->arena, "http://%s%s%s:%d", six ? "[" : "", host, six ? "]" : "", server_port(server, false));
    if (!*url)
        url = plain;
    command_done(app, "serve.at", plain, "");
    if (app->conf.https_port)
        command_done(app, "serve.at",
                     arena_printf(c->arena, "https://%s%s%s:%d", six ? "[" : "", host, six ? "]" : "", server_port(server, true)), "");
    bool exists = false;
    struct user owner;
    if (company_exists(c, &exists) && !exists)
        command_done(app, "serve.setup", url, "");
    else if (exists && user_by_email(c, STR(DEMO_OWNER), &owner)) {
        command_done(app, "serve.demo", url, "");
        command_done(app, "serve.logins", DEMO_PASSWORD, DEMO_LOGINS);
    }
    error_clear(c->err);
    fflush(stdout);
}

static void wait_for_end(struct app *app, const sigset_t *signals)
{
    int got;
    while (sigwait(signals, &got) == 0 && got == SIGHUP)
        if (!keys_reload(&app->ctx)) // another process rotated the keys
            LOG_ERROR("keys not reloaded", "key", app->error.key, NULL);
    LOG_INFO("stopping", "signal", got == SIGINT ? "SIGINT" : "SIGTERM", NULL);
    sigset_t again;
    sigemptyset(&again);
    sigaddset(&again, SIGINT);
    sigaddset(&again, SIGTERM);
    signal(SIGINT, SIG_DFL); // a second one ends at once
    signal(SIGTERM, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &again, NULL);
}

bool serve_begin(struct app *app, struct serving *s)
{
    struct ctx *c = &app->ctx;
    *s = (struct serving){0};
    if (!app_open(app, APP_ROOMS))
        return false;
    openapi_serve(app_routes(), YINGDA_VERSION);
    if (!(c->desk = desk_open(c)))
        return false;
    access_visitors(c, visitor_authorise);
    struct server_setup setup = {
        .conf = &app->conf,
        .tables = app_routes(),
        .endpoints = app_endpoints(),
        .make_ctx = app_thread_ctx,
        .free_ctx = app_thread_done,
        .arg = app,
        .authorise = access_authorise,
        .around = access_around,
        .fallback = fallback,
    };
    if (!(s->server = server_start(c, &setup)))
        return false;
    size_t kinds;
    const struct job_kind *jobs = app_jobs(&kinds);
    s->jobs = job_start(c->store, jobs, kinds, 2, app_thread_ctx, app);
    desk_start(c->desk, app_thread_ctx, app);
    return true;
}

void serve_end(struct app *app, struct serving *s)
{
    struct ctx *c = &app->ctx;
    server_drain(s->server, 10);
    job_stop(s->jobs);
    desk_stop(c->desk);
    desk_close(c->desk);
    c->desk = NULL;
    server_free(s->server);
    c->hub = NULL;
}

int serve_run(struct app *app)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); // before any thread: they inherit it
    signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    struct serving serving;
    if (!serve_begin(app, &serving))
        return app_complain(app);
    greet(app, serving.server);
    wait_for_end(app, &signals);
    fprintf(stderr, "%s\n", command_text(app, "serve.stopping", "", "", ""));
    serve_end(app, &serving);
    return 0;
}
