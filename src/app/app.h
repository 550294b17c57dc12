// The process: configuration, store, keys, knowledge, desk and server, opened as far as a command needs them.
#pragma once
#include "base/conf.h"
#include "base/ctx.h"

enum app_need {
    APP_NOTHING, // only the language
    APP_CONF,    // configuration
    APP_STORE,   // and the store, migrated, and the keys
    APP_ROOMS,   // and the knowledge index
};

struct app {
    struct arena *arena; // for the process
    struct error error;
    struct conf conf;
    struct ctx ctx;      // the main thread's; actor SYSTEM
    const char *config_file, *data_dir;
    enum app_need opened;
    const struct command *command;
};

// False with app->error; app_close undoes what was opened.
bool app_open(struct app *app, enum app_need need);
void app_close(struct app *app);
// A fresh ctx for a thread of its own: arena, reader connection, the services of `app`.
void app_thread_ctx(void *app, struct ctx *c);
// Prints app->error in the user's language to stderr; returns 1, the exit code.
int app_complain(struct app *app);

const struct route *const *app_routes(void); // all rooms' tables, NULL-terminated

int serve_run(struct app *app); // serve.c: until SIGTERM or SIGINT; exit code
