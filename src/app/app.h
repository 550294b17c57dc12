// The process: configuration, store, keys, knowledge, desk and server, opened as far as a command needs them.
#pragma once
#include <pthread.h>

#include "base/conf.h"
#include "base/ctx.h"
#include "net/http.h"

enum app_need {
    APP_NOTHING, // only the language
    APP_CONF,    // configuration
    APP_STORE,   // and the store, migrated, and the keys
    APP_ROOMS,   // and the knowledge index
};

enum { APP_MOST_THREADS = 512 };

struct app {
    struct arena *arena; // for the process
    struct error error;
    struct conf conf;
    struct ctx ctx;      // the main thread's; actor SYSTEM
    const char *config_file, *data_dir;
    bool keep_schema;    // do not migrate: doctor only looks
    enum app_need opened;
    const struct command *command;
    pthread_mutex_t lock; // over what app_thread_ctx handed out
    struct {
        struct arena *arena;
        struct db *db;
    } threads[APP_MOST_THREADS];
    size_t thread_count;
};

// False with app->error; app_close undoes what was opened.
bool app_open(struct app *app, enum app_need need);
void app_close(struct app *app);
// A fresh ctx for a thread of its own: arena, reader connection, the services of `app`. app_close frees them, after the threads ended.
void app_thread_ctx(void *app, struct ctx *c);
void app_thread_done(void *app, struct ctx *c); // the thread ends: nothing to do before app_close
// Prints app->error in the user's language to stderr; returns 1, the exit code.
int app_complain(struct app *app);

// rooms.c: what the rooms offer to the process.
const struct route *const *app_routes(void); // all rooms' tables, NULL-terminated
struct job_kind;
const struct job_kind *app_jobs(size_t *count);
struct ws_endpoint;
const struct ws_endpoint *app_endpoints(void); // ended by path NULL
extern const struct route app_own_routes[];    // serve.c: health, version

// serve.c: the rooms, the server and the background work, begun and ended in order.
struct server;
struct job_runner;
struct serving {
    struct server *server;
    struct job_runner *jobs;
};
bool serve_begin(struct app *app, struct serving *s); // listens when it returns; false with app->error
void serve_end(struct app *app, struct serving *s);
int serve_run(struct app *app); // until SIGTERM or SIGINT; exit code
