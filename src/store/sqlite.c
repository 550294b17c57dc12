// SQLite in WAL mode with synchronous=FULL. One thread writes: it takes the closures that wait, runs each in a savepoint, commits once
// and wakes all of them, so that many durable writes share one fsync. Readers have connections of their own and never wait for it.
#include "store/engine.h"

#include <semaphore.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/job.h"

enum {
    MOST_BATCH = 256,       // closures a commit
    COPY_PAGES = 8000       // of the write-ahead log, from which on it is copied into the database
};
static const usec longest_batch = 15 * MILLISECOND;

struct slot {
    sqlite3_stmt *stmt;
    bool busy;
};
struct sqlite_db {
    struct db db;
    sqlite3 *at;         // NULL until first use, and after a broken file
    struct slot *slots;  // by sql.id
    const char *trouble; // key of an error that ends the whole transaction
    int retry_after;
    bool reopen;
    char path[1024];
};

struct write {
    struct ctx *c;
    bool (*fn)(struct ctx *c, void *arg);
    void *arg;
    bool ok;
    sem_t done;
    struct write *next;
};
struct writer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t some;
    struct write *first, **last;
    bool stop;
    usec told; // when trouble was last logged
    struct sqlite_db *db;
    sqlite3_stmt *begin, *commit, *save, *release, *back;
    // Copying the log into the database takes a tenth of a second and more: a thread of its own does it beside the commits, and the writer
    // itself only copies the little that came meanwhile, so that the log begins anew.
    pthread_t copier;
    enum { COPY_IDLE, COPY_WANTED, COPY_DONE } copy; // under `lock`
    pthread_cond_t copy_some;
};

static const char *const words[][2] = {
    {"{id}", "INTEGER PRIMARY KEY AUTOINCREMENT"},
    {"{bytes}", "BLOB"},
    {"{xid}", "xid BIGINT NOT NULL DEFAULT 0"},
    {"{settled}", "1 = 1"},
    {NULL, NULL},
};

static struct sqlite_db *of(struct db *db)
{
    return (struct sqlite_db *)db;
}

static void close_file(struct sqlite_db *db)
{
    if (!db->at)
        return;
    for (sqlite3_stmt *s; (s = sqlite3_next_stmt(db->at, NULL));)
        sqlite3_finalize(s);
    memset(db->slots, 0, sizeof *db->slots * sql_count());
    sqlite3_close(db->at);
    db->at = NULL;
}

// Fills the error for what SQLite said. Errors of the medium end the transaction, whatever else waits in it.
static bool complain(struct ctx *c, struct sqlite_db *db, int code)
{
    const char *said = db->at ? sqlite3_errmsg(db->at) : sqlite3_errstr(code);
    const char *key = NULL;
    int retry = 1;
    db->db.doomed = true;
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
        if (code == SQLITE_CONSTRAINT_NOTNULL || code == SQLITE_CONSTRAINT_CHECK)
            fail(c, ERR_INTERNAL, "internal", NULL);
        else
            fail(c, ERR_CONFLICT, "store.conflict", NULL);
        return fail_detail(c, "%s", said);
    case SQLITE_FULL: key = "store.full", retry = 5; break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: key = "store.busy"; break;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_NOMEM: key = "store.broken", retry = 5, db->reopen = true; break;
    default: fail(c, ERR_INTERNAL, "internal", NULL); return fail_detail(c, "%s", said);
    }
    db->trouble = key;
    db->retry_after = retry;
    c->err->retry_after = retry;
    fail(c, ERR_UNAVAILABLE, key, NULL);
    return fail_detail(c, "%s (%d)", said, code);
}

static int committed(void *arg, sqlite3 *at, const char *name, int pages)
{
    struct writer *w = arg;
    if (pages < COPY_PAGES)
        return SQLITE_OK;
    pthread_mutex_lock(&w->lock);
    bool mine = w->copy == COPY_DONE;
    if (mine)
        w->copy = COPY_IDLE;
    else if (w->copy == COPY_IDLE) {
        w->copy = COPY_WANTED;
        pthread_cond_signal(&w->copy_some);
    }
    pthread_mutex_unlock(&w->lock);
    if (mine) // what goes wrong here is tried again, and told by the next write that fails
        sqlite3_wal_checkpoint_v2(at, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return SQLITE_OK;
}

static bool ready(struct ctx *c, struct sqlite_db *db)
{
    if (db->at && db->reopen && !db->db.writer && sqlite3_get_autocommit(db->at))
        close_file(db);
    if (db->at)
        return true;
    db->reopen = false;
    int code = sqlite3_open_v2(db->path, &db->at, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    const char *setup = db->db.writer ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                                        "PRAGMA cache_size=-16000; PRAGMA journal_size_limit=67108864; PRAGMA temp_store=MEMORY"
                                      : "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY";
    if (code == SQLITE_OK) {
        sqlite3_extended_result_codes(db->at, 1);
        sqlite3_busy_timeout(db->at, 10000);
        if (db->db.writer)
            sqlite3_wal_hook(db->at, committed, db->db.store->own);
        // Two processes that make the file at once: the change to WAL does not wait by itself.
        for (int i = 0; i < 200 && (code = sqlite3_exec(db->at, setup, NULL, NULL, NULL)) == SQLITE_BUSY; i++)
            sqlite3_sleep(10);
    }
    if (code == SQLITE_OK)
        return true;
    complain(c, db, code);
    close_file(db);
    return false;
}

static struct db *lite_connect(struct store *s, bool writer)
{
    struct sqlite_db *db = calloc(1, sizeof *db);
    ASSERT(db, "out of memory");
    db->slots = calloc(sql_count() + 1, sizeof *db->slots);
    ASSERT(db->slots, "out of memory");
    db->db = (struct db){.engine = &sqlite_engine, .store = s, .writer = writer};
    int len = snprintf(db->path, sizeof db->path, "%s/yingda.db", s->data_dir);
    ASSERT(len > 0 && (size_t)len < sizeof db->path, "the data folder's name is too long");
    return &db->db;
}
static void lite_disconnect(struct db *db)
{
    close_file(of(db));
    free(of(db)->slots);
    free(db);
}

static bool lite_script(struct ctx *c, const char *text)
{
    struct sqlite_db *db = of(c->db);
    if (!ready(c, db))
        return false;
    int code = sqlite3_exec(db->at, text, NULL, NULL, NULL);
    return code == SQLITE_OK || complain(c, db, code);
}
static bool lite_begin(struct ctx *c, enum begin_mode mode)
{
    c->db->doomed = false;
    if (!ready(c, of(c->db)))
        return false;
    if (mode == BEGIN_MIGRATE)
        sqlite3_busy_timeout(of(c->db)->at, 60000);
    return lite_script(c, mode == BEGIN_READ ? "BEGIN" : "BEGIN IMMEDIATE");
}
static bool lite_end(struct ctx *c, bool commit)
{
    struct sqlite_db *db = of(c->db);
    bool ok = true;
    if (db->at && !sqlite3_get_autocommit(db->at)) {
        ok = commit && lite_script(c, "COMMIT");
        if (!ok)
            sqlite3_exec(db->at, "ROLLBACK", NULL, NULL, NULL);
    } else if (commit)
        ok = fail_detail(c, "the transaction is gone");
    return ok || !commit;
}

static void bind(sqlite3_stmt *s, const struct param *p, size_t n, sqlite3_destructor_type keep)
{
    for (size_t i = 0; i < n; i++) {
        int at = (int)i + 1;
        const char *bytes = p[i].s.at ? p[i].s.at : "";
        if (p[i].null)
            sqlite3_bind_null(s, at);
        else if (p[i].type == 'i')
            sqlite3_bind_int64(s, at, p[i].i);
        else if (p[i].type == 's')
            sqlite3_bind_text64(s, at, bytes, p[i].s.len, keep, SQLITE_UTF8);
        else
            sqlite3_bind_blob64(s, at, bytes, p[i].s.len, keep);
    }
}

static bool lite_run(struct ctx *c, struct rows *r, struct sql *q, const char *text, const struct param *p, size_t n, enum run_mode mode)
{
    struct sqlite_db *db = of(c->db);
    if (!ready(c, db))
        return false;
    struct slot *slot = q ? &db->slots[q->id] : NULL;
    if (slot && slot->busy) // its rows are still being read further up: once more beside it
        slot = NULL;
    sqlite3_stmt *s = slot ? slot->stmt : NULL;
    if (!s) {
        if (strpbrk(text, "{"))
            text = sql_translate(c, &sqlite_engine, str_of(text));
        int code = sqlite3_prepare_v3(db->at, text, -1, slot ? SQLITE_PREPARE_PERSISTENT : 0, &s, NULL);
        if (code != SQLITE_OK) {
            complain(c, db, code);
            return fail_detail(c, "%s: %s", q ? q->name : "built", sqlite3_errmsg(db->at));
        }
        if (slot)
            slot->stmt = s;
    }
    r->stmt = s;
    r->engine = slot;
    r->open = true;
    if (slot)
        slot->busy = true;
    bind(s, p, n, mode == RUN_ROWS || mode == RUN_STREAM ? SQLITE_TRANSIENT : SQLITE_STATIC);
    if (mode != RUN_EXEC)
        return true;
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW)
        ;
    if (code != SQLITE_DONE) {
        complain(c, db, code);
        if (q && c->err->code == ERR_INTERNAL)
            fail_detail(c, "%s: %s", q->name, sqlite3_errmsg(db->at));
        return false;
    }
    db->db.changed = sqlite3_changes64(db->at);
    return true;
}

static bool lite_next(struct rows *r)
{
    int code = sqlite3_step(r->stmt);
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE) {
        r->failed = true;
        complain(r->c, of(r->db), code);
    }
    return false;
}
static void lite_done(struct rows *r)
{
    struct slot *slot = r->engine;
    if (!slot) {
        sqlite3_finalize(r->stmt);
        return;
    }
    sqlite3_reset(r->stmt);
    sqlite3_clear_bindings(r->stmt);
    slot->busy = false;
}
static int64_t lite_int(struct rows *r, int column)
{
    return r->open ? sqlite3_column_int64(r->stmt, column) : 0;
}
static struct str lite_str(struct rows *r, int column, bool bytes)
{
    if (!r->open)
        return STR("");
    const char *at = bytes ? sqlite3_column_blob(r->stmt, column) : (const char *)sqlite3_column_text(r->stmt, column);
    return str_dup(r->c->arena, (struct str){at ? at : "", (size_t)sqlite3_column_bytes(r->stmt, column)});
}
static char lite_type(struct rows *r, int column)
{
    switch (r->open ? sqlite3_column_type(r->stmt, column) : SQLITE_NULL) {
    case SQLITE_NULL: return 'n';
    case SQLITE_INTEGER: return 'i';
    case SQLITE_BLOB: return 'b';
    default: return 's';
    }
}
static int lite_columns(struct rows *r)
{
    return sqlite3_column_count(r->stmt);
}

// A closure that left a statement open must not hold the next one's transaction.
static void settle(struct sqlite_db *db)
{
    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(db->at, s));)
        if (sqlite3_stmt_busy(s))
            sqlite3_reset(s);
    for (unsigned i = 0; i < sql_count(); i++)
        db->slots[i].busy = false;
}

static bool step(struct writer *w, struct ctx *c, sqlite3_stmt **s, const char *text)
{
    int code = SQLITE_OK;
    if (!*s)
        code = sqlite3_prepare_v3(w->db->at, text, -1, SQLITE_PREPARE_PERSISTENT, s, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(*s);
        sqlite3_reset(*s);
    }
    return code == SQLITE_DONE || complain(c, w->db, code);
}

// guarded: in a savepoint, so that its failure leaves what others did. That has a price: each statement then copies the pages that it changes, and
// the list of these copies is walked at its end, so time grows with the square of a closure's statements.
static void run_one(struct writer *w, struct write *one, bool guarded)
{
    struct ctx *c = one->c;
    struct sqlite_db *db = w->db;
    struct db *mine = c->db;
    db->db.doomed = false;
    if (guarded && !step(w, c, &w->save, "SAVEPOINT closure"))
        return;
    c->db = &db->db;
    one->ok = one->fn(c, one->arg);
    c->db = mine;
    if (db->db.doomed) // as on PostgreSQL, where a failed statement takes the transaction with it
        one->ok = false;
    if (db->trouble)
        return;
    if (db->db.doomed && c->err->code == ERR_NONE)
        fail_detail(c, "a closure went on after a failed statement");
    settle(db);
    if (!guarded)
        return;
    if (!one->ok)
        step(w, c, &w->back, "ROLLBACK TO closure");
    step(w, c, &w->release, "RELEASE closure");
}

static struct write *take(struct writer *w, bool wait)
{
    pthread_mutex_lock(&w->lock);
    while (wait && !w->first && !w->stop)
        pthread_cond_wait(&w->some, &w->lock);
    struct write *one = w->first;
    if (one && !(w->first = one->next))
        w->last = &w->first;
    pthread_mutex_unlock(&w->lock);
    return one;
}

static void reopen(struct writer *w)
{
    w->begin = w->commit = w->save = w->release = w->back = NULL;
    close_file(w->db);
}

// One closure of several failed: all of it is taken back, and all run once more, each in a savepoint. False: nothing can be written now.
static bool run_guarded(struct writer *w, struct write *ran, size_t *good)
{
    struct sqlite_db *db = w->db;
    sqlite3_exec(db->at, "ROLLBACK", NULL, NULL, NULL);
    *good = 0;
    db->db.jobs_put = false;
    if (!step(w, ran->c, &w->begin, "BEGIN IMMEDIATE"))
        return false;
    for (struct write *one = ran; one && !db->trouble; one = one->next) {
        error_clear(one->c->err);
        one->ok = false;
        run_one(w, one, true);
        *good += one->ok;
    }
    return true;
}

// Runs what waits (up to the bounds) and commits once. What came while the batch ran joins it. Failures are rare, so it goes without savepoints
// until there is one.
static void batch(struct writer *w, struct write *first)
{
    struct write *ran = NULL, **end = &ran;
    struct sqlite_db *db = w->db;
    struct ctx *c = first->c;
    db->trouble = NULL;
    db->db.jobs_put = false;
    bool ok = ready(c, db) && step(w, c, &w->begin, "BEGIN IMMEDIATE");
    usec until = time_monotonic() + longest_batch;
    size_t count = 0, good = 0;
    bool failed = false;
    for (struct write *one = first; one; one = ++count < MOST_BATCH && time_monotonic() < until ? take(w, false) : NULL) {
        one->next = NULL;
        *end = one;
        end = &one->next;
        one->ok = false;
        if (ok && !db->trouble)
            run_one(w, one, false);
        good += one->ok;
        if ((failed = !one->ok))
            break;
    }
    if (failed && good && !db->trouble)
        ok = run_guarded(w, ran, &good);
    // The error of the medium is told to everybody; the ctx of the first serves to hear it.
    struct error heard = {0}, *own = c->err;
    c->err = &heard;
    if (ok && !db->trouble && good)
        step(w, c, &w->commit, "COMMIT");
    c->err = own;
    if (db->at && !sqlite3_get_autocommit(db->at))
        sqlite3_exec(db->at, "ROLLBACK", NULL, NULL, NULL);
    bool stored = ok && !db->trouble && heard.code == ERR_NONE;
    if (stored && good)
        atomic_fetch_add(&db->db.store->commits, 1);
    if (db->trouble && time_monotonic() - w->told > SECOND) { // once a second is enough to know
        w->told = time_monotonic();
        LOG_WARN("store.trouble", "key", db->trouble, "said", sqlite3_errmsg(db->at), NULL);
    }
    for (struct write *one = ran, *next; one; one = next) {
        next = one->next;
        if (!stored && (one->ok || !ok || (db->trouble && one->c->err->code == ERR_NONE))) {
            one->ok = false;
            if (db->trouble) {
                one->c->err->retry_after = db->retry_after;
                fail(one->c, ERR_UNAVAILABLE, db->trouble, NULL);
            } else
                fail(one->c, ERR_INTERNAL, "internal", NULL);
            fail_detail(one->c, "%s", heard.code ? heard.detail : "the transaction failed");
        }
        sem_post(&one->done); // from here on it is its caller's again
    }
    if (db->reopen)
        reopen(w);
    if (stored && db->db.jobs_put)
        job_wake(db->db.store);
}

static void *writer_run(void *arg)
{
    struct writer *w = arg;
    for (struct write *first; (first = take(w, true));)
        batch(w, first);
    return NULL;
}

static void *copier_run(void *arg)
{
    struct writer *w = arg;
    sqlite3 *at = NULL;
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        if (w->copy != COPY_WANTED) {
            pthread_cond_wait(&w->copy_some, &w->lock);
            continue;
        }
        pthread_mutex_unlock(&w->lock);
        if (!at && sqlite3_open_v2(w->db->path, &at, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
            sqlite3_exec(at, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
        if (sqlite3_wal_checkpoint_v2(at, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) != SQLITE_OK) {
            sqlite3_close(at); // a broken medium: with a fresh connection next time
            at = NULL;
        }
        pthread_mutex_lock(&w->lock);
        w->copy = COPY_DONE;
    }
    pthread_mutex_unlock(&w->lock);
    sqlite3_close(at);
    return NULL;
}

static bool lite_write(struct ctx *c, bool (*fn)(struct ctx *c, void *arg), void *arg)
{
    struct writer *w = c->store->own;
    struct write one = {.c = c, .fn = fn, .arg = arg};
    sem_init(&one.done, 0, 0);
    pthread_mutex_lock(&w->lock);
    *w->last = &one;
    w->last = &one.next;
    pthread_cond_signal(&w->some);
    pthread_mutex_unlock(&w->lock);
    while (sem_wait(&one.done))
        ;
    sem_destroy(&one.done);
    return one.ok;
}

// Counting memory would take a lock at each allocation. Before SQLite is first used.
__attribute__((constructor)) static void count_no_memory(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static bool lite_open(struct ctx *c, struct store *s)
{
    struct writer *w = calloc(1, sizeof *w);
    ASSERT(w, "out of memory");
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); // counting takes a lock at each allocation; refused without harm once SQLite runs
    w->last = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->some, NULL);
    pthread_cond_init(&w->copy_some, NULL);
    w->db = of(lite_connect(s, true));
    s->own = w;
    ASSERT(pthread_create(&w->thread, NULL, writer_run, w) == 0, "no thread for the writer");
    pthread_setname_np(w->thread, "writer");
    ASSERT(pthread_create(&w->copier, NULL, copier_run, w) == 0, "no thread for the log");
    pthread_setname_np(w->copier, "copier");
    return true;
}
static void lite_close(struct store *s)
{
    struct writer *w = s->own;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->some);
    pthread_cond_signal(&w->copy_some);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->copier, NULL);
    pthread_join(w->thread, NULL);
    reopen(w);
    lite_disconnect(&w->db->db);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->some);
    pthread_cond_destroy(&w->copy_some);
    free(w);
}

const struct engine sqlite_engine = {
    .which = STORE_SQLITE,
    .mark = '?',
    .words = words,
    .open = lite_open,
    .close = lite_close,
    .write = lite_write,
    .connect = lite_connect,
    .disconnect = lite_disconnect,
    .begin = lite_begin,
    .end = lite_end,
    .script = lite_script,
    .run = lite_run,
    .next = lite_next,
    .done = lite_done,
    .column_int = lite_int,
    .column_str = lite_str,
    .column_type = lite_type,
    .columns = lite_columns,
};
