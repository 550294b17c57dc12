#include "app/app.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "identity/crypt.h"
#include "knowledge/knowledge.h"
#include "store/db.h"

static bool open_data_dir(struct app *app)
{
    if (mkdir(app->conf.data_dir, 0700) == 0 || errno == EEXIST)
        return true;
    return fail(&app->ctx, ERR_INTERNAL, "app.data_dir", app->conf.data_dir, NULL);
}

bool app_open(struct app *app, enum app_need need)
{
    struct ctx *c = &app->ctx;
    if (need >= APP_CONF && app->opened < APP_CONF) {
        if (!conf_load(c, app->config_file, app->data_dir, &app->conf))
            return false;
        static const char *const levels[] = {"debug", "info", "warn", "error"};
        for (int i = 0; i < 4; i++)
            if (strcmp(levels[i], app->conf.log_level) == 0)
                log_setup((enum log_level)i, strcmp(app->conf.log_format, "json") == 0);
        app->opened = APP_CONF;
    }
    if (need >= APP_STORE && app->opened < APP_STORE) {
        if (!open_data_dir(app) || !(c->keys = keys_open(c)) || !(c->store = store_open(c, true)))
            return false;
        app->opened = APP_STORE;
        if (!(c->db = store_reader(c->store, c)))
            return false;
    }
    if (need >= APP_ROOMS && app->opened < APP_ROOMS) {
        if (!(c->knowledge = knowledge_open(c)))
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
