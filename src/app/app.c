#include "app/app.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "identity/company.h"
#include "identity/crypt.h"
#include "knowledge/knowledge.h"
#include "store/db.h"

static bool open_data_dir(struct app *app)
{
    struct stat st;
    if (mkdir(app->conf.data_dir, 0700) == 0)
        return true;
    if (errno == EEXIST && stat(app->conf.data_dir, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    fail(&app->ctx, ERR_INTERNAL, "app.data_dir", app->conf.data_dir, NULL);
    return fail_detail(&app->ctx, "%s", strerror(errno));
}

static bool open_conf(struct app *app)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    if (!conf_load(&app->ctx, app->config_file, app->data_dir, &app->conf))
        return false;
    for (int i = 0; i < 4; i++)
        if (strcmp(levels[i], app->conf.log_level) == 0)
            log_setup((enum log_level)i, strcmp(app->conf.log_format, "json") == 0);
    return true;
}

static bool open_store(struct app *app)
{
    struct ctx *c = &app->ctx;
    if (!open_data_dir(app))
        return false;
    if (!(c->keys = keys_open(c)))
        return false;
    if (!(c->store = store_open(c, !app->keep_schema)))
        return false;
    app->opened = APP_STORE;
    if (!(c->db = store_reader(c->store, c)))
        return false;
    return app->keep_schema || company_check(c);
}

bool app_open(struct app *app, enum app_need need)
{
    if (need >= APP_CONF && app->opened < APP_CONF) {
        if (!open_conf(app))
            return false;
        app->opened = APP_CONF;
    }
    if (need >= APP_STORE && app->opened < APP_STORE && !open_store(app))
        return false;
    if (need >= APP_ROOMS && app->opened < APP_ROOMS) {
        if (!(app->ctx.knowledge = knowledge_open(&app->ctx)))
            return false;
        app->opened = APP_ROOMS;
    }
    return true;
}

void app_close(struct app *app)
{
    struct ctx *c = &app->ctx;
    if (c->knowledge)
        knowledge_close(c->knowledge);
    for (size_t i = 0; i < app->thread_count; i++) {
        if (app->threads[i].db)
            store_reader_close(app->threads[i].db);
        arena_free(app->threads[i].arena);
    }
    app->thread_count = 0;
    if (c->db)
        store_reader_close(c->db);
    if (c->store)
        store_close(c->store);
    if (c->keys)
        keys_close(c->keys);
    c->knowledge = NULL;
    c->db = NULL;
    c->store = NULL;
    c->keys = NULL;
    app->opened = APP_NOTHING;
}

void app_thread_ctx(void *arg, struct ctx *c)
{
    static _Thread_local struct error error; // not in the arena, which is reset after each request
    struct app *app = arg;
    *c = (struct ctx){
        .arena = arena_new(),
        .err = &error,
        .clock = app->ctx.clock,
        .lang = app->ctx.lang,
        .store = app->ctx.store,
        .conf = &app->conf,
        .hub = app->ctx.hub,
        .keys = app->ctx.keys,
        .knowledge = app->ctx.knowledge,
        .desk = app->ctx.desk,
    };
    c->db = store_reader(c->store, c);
    pthread_mutex_lock(&app->lock);
    ASSERT(app->thread_count < APP_MOST_THREADS, "threads are bounded by the configuration");
    app->threads[app->thread_count].arena = c->arena;
    app->threads[app->thread_count++].db = c->db;
    pthread_mutex_unlock(&app->lock);
}

void app_thread_done(void *app, struct ctx *c)
{
}

int app_complain(struct app *app)
{
    struct ctx *c = &app->ctx;
    struct error *e = c->err;
    struct str said = message_text(app->arena, c->lang, e->key ? e->key : "internal", e->args, 3);
    fprintf(stderr, "yingda: " STR_FMT "\n", STR_ARG(said));
    for (size_t i = 0; i < e->field_count; i++) {
        struct field_error *f = &e->fields[i];
        said = message_text(app->arena, c->lang, f->key, f->args, 3);
        fprintf(stderr, "  " STR_FMT ": " STR_FMT "\n", STR_ARG(f->field), STR_ARG(said));
    }
    if (e->detail[0])
        fprintf(stderr, "  (%s)\n", e->detail);
    return 1;
}
