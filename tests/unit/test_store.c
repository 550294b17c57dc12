// The store's promises, the same on SQLite and on PostgreSQL (YINGDA_TEST_PG: a server where databases can be made).
#include "test.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/rand.h"
#include "store/backup.h"
#include "store/blob.h"
#include "store/db.h"
#include "store/engine.h"
#include "store/job.h"

static struct arena *arena;
static char dir[64];
static char url[512];
static struct conf conf;
static struct store *store;
static struct error err;
static struct ctx ctx;
static struct ctx *c = &ctx;

static void server_says(const char *command)
{
    PGconn *conn = PQconnectdb(getenv("YINGDA_TEST_PG"));
    PQclear(PQexec(conn, "SET client_min_messages = error"));
    PGresult *r = PQexec(conn, command);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", command, PQerrorMessage(conn));
    PQclear(r);
    PQfinish(conn);
}

// A database of its own: a folder, and on PostgreSQL a database beside it.
static void place_new(bool postgres)
{
    strcpy(dir, "/tmp/yingda-store-XXXXXX");
    assert_non_null(mkdtemp(dir));
    conf = (struct conf){.data_dir = dir, .store_url = "", .store_readers = 4, .blob_place = "folder"};
    if (postgres) {
        char name[64], make[128];
        snprintf(name, sizeof name, "t%08x%08x", rand_below(UINT32_MAX), rand_below(UINT32_MAX));
        snprintf(make, sizeof make, "CREATE DATABASE %s", name);
        server_says(make);
        const char *server = getenv("YINGDA_TEST_PG"), *end = strrchr(server, '/');
        snprintf(url, sizeof url, "%.*s/%s", (int)(end - server), server, name);
        conf.store_url = url;
    }
}
static void place_gone(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
    if (*conf.store_url) {
        snprintf(command, sizeof command, "DROP DATABASE %s WITH (FORCE)", strrchr(url, '/') + 1);
        server_says(command);
    }
}

static struct ctx ctx_new(struct arena *a, struct error *e)
{
    return (struct ctx){.arena = a, .err = e, .clock = &system_clock, .conf = &conf, .actor = {.kind = ACTOR_SYSTEM}};
}
static void must(bool ok)
{
    if (!ok)
        fail_msg("%s: %s", err.key ? err.key : "no error", err.detail);
}
static void open_store(void)
{
    store = store_open(c, true);
    must(store != NULL);
    c->store = store;
    c->db = store_reader(store, c);
}
static void close_store(void)
{
    store_reader_close(c->db);
    store_close(store);
    c->db = NULL;
    c->store = store = NULL;
}

static bool script(struct ctx *x, void *text)
{
    struct rows r;
    db_query_built(x, &r, str_of(text), NULL, 0);
    while (rows_next(&r))
        ;
    return rows_done(&r);
}
static void write_script(const char *text)
{
    must(store_write(c, script, (void *)(uintptr_t)text));
}

static int fresh(void **state)
{
    rand_setup();
    log_setup(LOG_LEVEL_ERROR, false);
    arena = arena_new();
    err = (struct error){0};
    ctx = ctx_new(arena, &err);
    place_new(getenv("YINGDA_TEST_PG") != NULL);
    open_store();
    write_script("CREATE TABLE thing (id {id}, name TEXT UNIQUE, size BIGINT, bytes {bytes}, {xid})");
    return 0;
}
static int gone(void **state)
{
    if (store)
        close_store();
    place_gone();
    arena_free(arena);
    return 0;
}

SQL(test_add, "INSERT INTO thing (name, size, bytes) VALUES (?1, ?2, ?3) RETURNING id");
SQL(test_put, "INSERT INTO thing (name, size) VALUES (?1, ?2)");
SQL(test_get, "SELECT name, size, bytes, id FROM thing WHERE id = ?1");
SQL(test_by_name, "SELECT id, '?1 {id}' FROM thing WHERE name = ?1");
SQL_SCAN(test_count, "a test counts", "SELECT COUNT(*) FROM thing");
SQL_SCAN(test_settled, "a test reads all", "SELECT id FROM thing WHERE {settled} ORDER BY id");
SQL_SCAN(test_grow, "a test changes all", "UPDATE thing SET size = size + ?1");

static int64_t things(void)
{
    int64_t n;
    must(db_int(c, &n, NULL, &test_count, ""));
    return n;
}

struct adding {
    const char *types;
    struct str name, bytes;
    int64_t size, id;
};
static bool add(struct ctx *x, void *arg)
{
    struct adding *a = arg;
    return db_int(x, &a->id, NULL, &test_add, "sib", a->name, a->size, a->bytes);
}

static void every_type_of_parameter_comes_back_as_it_went_in(void **state)
{
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    struct adding a = {.name = STR("应答 'quoted' \\ \"double\" 😀"), .size = INT64_MIN, .bytes = {all, 256}};
    must(store_write(c, add, &a));
    assert_true(a.id > 0);
    struct rows r;
    must(db_query(c, &r, &test_get, "i", a.id));
    assert_true(rows_next(&r));
    assert_true(str_eq(rows_str(&r, 0), a.name));
    assert_true(rows_int(&r, 1) == INT64_MIN);
    struct str bytes = rows_bytes(&r, 2);
    assert_int_equal(bytes.len, 256);
    assert_memory_equal(bytes.at, all, 256);
    assert_false(rows_next(&r));
    assert_true(rows_done(&r));
}

SQL(test_nulls, "INSERT INTO thing (name, size, bytes) VALUES (?1, ?2, ?3) RETURNING id");
SQL(test_small, "INSERT INTO thing (name, size) VALUES (?1, ?2) RETURNING id");
static bool add_nulls(struct ctx *x, void *arg)
{
    int64_t *id = arg;
    return db_int(x, &id[0], NULL, &test_nulls, "SIn", STR(""), (int64_t)0) &&
           db_int(x, &id[1], NULL, &test_nulls, "zIb", (const char *)NULL, (int64_t)7, STR("")) &&
           db_int(x, &id[2], NULL, &test_small, "zt", "z", 1) && db_int(x, &id[3], NULL, &test_small, "sn", STR("")) &&
           db_int(x, &id[4], NULL, &test_small, "St", STR("S"), 0);
}
static void nulls_are_told_from_empty_and_zero(void **state)
{
    int64_t id[5];
    must(store_write(c, add_nulls, id));
    static const char *const names[] = {NULL, NULL, "z", "", "S"};
    static const int64_t sizes[] = {-1, 7, 1, -1, 0};
    for (int i = 0; i < 5; i++) {
        struct rows r;
        must(db_query(c, &r, &test_get, "i", id[i]));
        assert_true(rows_next(&r));
        assert_int_equal(rows_null(&r, 0), names[i] == NULL);
        assert_str(rows_str(&r, 0), names[i] ? names[i] : "");
        assert_int_equal(rows_null(&r, 1), sizes[i] < 0);
        assert_int_equal(rows_int(&r, 1), sizes[i] < 0 ? 0 : sizes[i]);
        assert_int_equal(rows_null(&r, 2), i != 1);
        assert_int_equal(rows_bytes(&r, 2).len, 0);
        assert_true(rows_done(&r));
    }
}

static void marks_and_words_inside_literals_stay(void **state)
{
    struct adding a = {.name = STR("x"), .bytes = STR("")};
    must(store_write(c, add, &a));
    struct rows r;
    must(db_query(c, &r, &test_by_name, "s", STR("x")));
    assert_true(rows_next(&r));
    assert_str(rows_str(&r, 1), "?1 {id}");
    assert_true(rows_done(&r));
}

static void the_same_statement_may_be_read_inside_its_own_rows(void **state)
{
    write_script("INSERT INTO thing (name, size) VALUES ('a', 1), ('b', 2), ('c', 3)");
    struct rows outer, inner;
    int seen = 0;
    must(db_query(c, &outer, &test_settled, ""));
    while (rows_next(&outer)) {
        must(db_query(c, &inner, &test_settled, ""));
        while (rows_next(&inner))
            seen++;
        assert_true(rows_done(&inner));
    }
    assert_true(rows_done(&outer));
    assert_int_equal(seen, 9);
}

static bool add_then_fail(struct ctx *x, void *arg)
{
    return add(x, arg) && fail(x, ERR_INVALID, "invalid", NULL);
}
static void a_closure_that_fails_leaves_nothing(void **state)
{
    struct adding a = {.name = STR("x"), .bytes = STR("")};
    assert_false(store_write(c, add_then_fail, &a));
    assert_int_equal(err.code, ERR_INVALID);
    assert_int_equal(things(), 0);
}

static void a_second_row_with_a_unique_name_is_a_conflict(void **state)
{
    struct adding a = {.name = STR("x"), .bytes = STR("")};
    must(store_write(c, add, &a));
    assert_false(store_write(c, add, &a));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_string_equal(err.key, "store.conflict");
    error_clear(&err);
    a.name = STR("y");
    must(store_write(c, add, &a));
    assert_int_equal(things(), 2);
}

static bool add_twice_and_look_away(struct ctx *x, void *arg)
{
    add(x, arg);
    add(x, arg);
    error_clear(x->err);
    return true;
}
static void a_failed_statement_takes_its_whole_closure_with_it(void **state)
{
    struct adding a = {.name = STR("x"), .bytes = STR("")};
    assert_false(store_write(c, add_twice_and_look_away, &a));
    assert_true(err.code != ERR_NONE);
    assert_int_equal(things(), 0);
}

static bool grow(struct ctx *x, void *arg)
{
    if (!db_exec(x, &test_grow, "i", (int64_t)10))
        return false;
    *(int64_t *)arg = db_changed(x);
    return true;
}
static void the_number_of_changed_rows_is_known(void **state)
{
    write_script("INSERT INTO thing (name, size) VALUES ('a', 1), ('b', 2), ('c', 3)");
    int64_t changed;
    must(store_write(c, grow, &changed));
    assert_int_equal(changed, 3);
}

static void a_reader_cannot_write(void **state)
{
    assert_false(db_exec(c, &test_put, "si", STR("x"), (int64_t)1));
    error_clear(&err);
    assert_int_equal(things(), 0);
}

static void a_snapshot_stays_as_it_was(void **state)
{
    struct adding a = {.name = STR("x"), .bytes = STR("")};
    must(db_snapshot_begin(c));
    assert_int_equal(things(), 0);
    struct db *mine = c->db;
    must(store_write(c, add, &a));
    assert_ptr_equal(c->db, mine);
    assert_int_equal(things(), 0);
    db_snapshot_end(c);
    assert_int_equal(things(), 1);
}

enum { THREADS = 16, EACH = 100 };
struct crowd {
    pthread_t thread;
    int number, failed, odd;
};
static bool crowd_add(struct ctx *x, void *arg)
{
    int64_t *n = arg;
    return db_exec(x, &test_put, "si", str_printf(x->arena, "t%lld", (long long)n[0]), n[0]) &&
           (n[0] % 10 != 3 || fail(x, ERR_INVALID, "invalid", NULL));
}
static void *crowd_run(void *arg)
{
    struct crowd *me = arg;
    struct arena *a = arena_new();
    struct error e = {0};
    struct ctx x = ctx_new(a, &e);
    x.store = store;
    for (int i = 0; i < EACH; i++) {
        int64_t n = me->number * EACH + i;
        error_clear(&e);
        if (!store_write(&x, crowd_add, &n)) {
            me->failed++;
            me->odd += e.code != ERR_INVALID || n % 10 != 3;
        }
        arena_reset(a);
    }
    arena_free(a);
    return NULL;
}
static void many_threads_share_commits_and_one_ones_error_is_its_own(void **state)
{
    struct crowd crowd[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        crowd[i].number = i;
        assert_int_equal(pthread_create(&crowd[i].thread, NULL, crowd_run, &crowd[i]), 0);
    }
    int failed = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(crowd[i].thread, NULL);
        failed += crowd[i].failed;
        assert_int_equal(crowd[i].odd, 0);
    }
    assert_int_equal(failed, THREADS * EACH / 10);
    assert_int_equal(things(), THREADS * EACH * 9 / 10);
    struct store_stats stats = store_stats(store);
    assert_int_equal(stats.write_errors, failed);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.writes, things() + 1);
    if (store_engine(store) == STORE_SQLITE)
        assert_true(stats.commits < stats.writes);
}

// ---- migrations

static void a_store_opens_again_and_keeps_what_it_has(void **state)
{
    struct adding a = {.name = STR("x"), .bytes = STR("")};
    must(store_write(c, add, &a));
    close_store();
    open_store();
    assert_int_equal(things(), 1);
    must(store_ping(c));
}

static void a_newer_schema_is_refused(void **state)
{
    write_script("INSERT INTO migration (number, name, at) VALUES (9999, 'future', 0)");
    close_store();
    assert_null(store_open(c, true));
    assert_string_equal(err.key, "store.newer");
    assert_str(err.args[0], "9999");
}

// ---- jobs

struct moving_clock {
    struct clock clock;
    atomic_llong at;
};
static usec moving_now(struct clock *clock)
{
    return atomic_load(&((struct moving_clock *)clock)->at);
}
static struct moving_clock moving = {.clock = {moving_now}};

static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t seen_changed = PTHREAD_COND_INITIALIZER;
static struct {
    int ran, failing, at_once, most_at_once, last_attempt;
    bool held;
    char last[64];
} seen;
static struct ctx made[16];
static int made_count;
static struct job_runner *runner;

static void make_ctx(void *arg, struct ctx *x)
{
    pthread_mutex_lock(&seen_lock);
    *x = ctx_new(arena_new(), NULL);
    x->clock = &moving.clock;
    x->store = store;
    x->db = store_reader(store, x);
    made[made_count++] = *x;
    pthread_mutex_unlock(&seen_lock);
}
static bool note(struct ctx *x, const struct job *job)
{
    pthread_mutex_lock(&seen_lock);
    seen.at_once++;
    if (seen.at_once > seen.most_at_once)
        seen.most_at_once = seen.at_once;
    pthread_cond_broadcast(&seen_changed);
    while (seen.held && !str_starts(str_of(job->kind.at), STR("quick")))
        pthread_cond_wait(&seen_changed, &seen_lock);
    seen.ran++;
    seen.last_attempt = job->attempt;
    snprintf(seen.last, sizeof seen.last, "%.*s/%.*s", STR_ARG(job->key), STR_ARG(job->payload));
    bool ok = seen.failing == 0;
    seen.failing -= !ok;
    seen.at_once--;
    pthread_cond_broadcast(&seen_changed);
    pthread_mutex_unlock(&seen_lock);
    return ok || fail(x, ERR_UNAVAILABLE, "store.busy", NULL);
}
static const struct job_kind kinds[] = {
    {"slow", note, 3, false},
    {"quick", note, 3, true},
};
static void start_jobs(void)
{
    runner = job_start(store, kinds, 2, 4, make_ctx, NULL);
}
static void stop_jobs(void)
{
    job_stop(runner);
    for (int i = 0; i < made_count; i++) {
        store_reader_close(made[i].db);
        arena_free(made[i].arena);
    }
    made_count = 0;
}
static int fresh_jobs(void **state)
{
    memset(&seen, 0, sizeof seen);
    atomic_store(&moving.at, 1000 * DAY);
    fresh(state);
    c->clock = &moving.clock;
    return 0;
}
static void hold(bool on)
{
    pthread_mutex_lock(&seen_lock);
    seen.held = on;
    pthread_cond_broadcast(&seen_changed);
    pthread_mutex_unlock(&seen_lock);
}
#define WAIT_FOR(condition) \
    do { \
        struct timespec until; \
        clock_gettime(CLOCK_REALTIME, &until); \
        until.tv_sec += 20; \
        pthread_mutex_lock(&seen_lock); \
        int late = 0; \
        while (!(condition) && !late) \
            late = pthread_cond_timedwait(&seen_changed, &seen_lock, &until); \
        bool met = condition; \
        pthread_mutex_unlock(&seen_lock); \
        if (!met) \
            fail_msg("waited too long for %s", #condition); \
    } while (0)

struct putting {
    const char *kind, *key, *payload;
    usec at;
    bool then_fail;
};
static bool put(struct ctx *x, void *arg)
{
    struct putting *p = arg;
    return job_put(x, p->kind, str_of(p->key), str_of(p->payload), p->at) && (!p->then_fail || fail(x, ERR_INVALID, "invalid", NULL));
}
static bool cancel(struct ctx *x, void *arg)
{
    struct putting *p = arg;
    return job_cancel(x, p->kind, str_of(p->key));
}
static void put_job(const char *kind, const char *key, const char *payload, usec at)
{
    struct putting p = {kind, key, payload, at, false};
    must(store_write(c, put, &p));
}
static struct job_counts counts(void)
{
    struct job_counts n;
    must(job_counts(c, &n));
    return n;
}
static void until_counts(int64_t waiting, int64_t running, int64_t dead)
{
    for (int i = 0; i < 4000; i++) {
        struct job_counts n = counts();
        if (n.waiting == waiting && n.running == running && n.dead == dead)
            return;
        usleep(5000);
    }
    struct job_counts n = counts();
    fail_msg("%d waiting, %d running, %d dead", (int)n.waiting, (int)n.running, (int)n.dead);
}

static void a_job_runs_after_the_commit_and_never_after_a_rollback(void **state)
{
    start_jobs();
    struct putting bad = {"slow", "bad", "", 0, true};
    assert_false(store_write(c, put, &bad));
    error_clear(&err);
    put_job("slow", "good", "payload", 0);
    WAIT_FOR(seen.ran == 1);
    assert_string_equal(seen.last, "good/payload");
    until_counts(0, 0, 0);
    stop_jobs();
    assert_int_equal(seen.ran, 1);
}

static void waiting_jobs_of_one_key_become_one_at_the_earlier_time(void **state)
{
    usec now = atomic_load(&moving.at);
    put_job("slow", "k", "first", now + HOUR);
    put_job("slow", "k", "second", now + MINUTE);
    put_job("slow", "k", "third", now + DAY);
    put_job("slow", "other", "", now + DAY);
    assert_int_equal(counts().waiting, 2);
    start_jobs();
    atomic_store(&moving.at, now + MINUTE);
    job_wake(store);
    WAIT_FOR(seen.ran == 1);
    assert_string_equal(seen.last, "k/first");
    until_counts(1, 0, 0);
    stop_jobs();
}

static void a_job_waits_for_its_time(void **state)
{
    start_jobs();
    usec start = time_monotonic();
    struct putting p = {"quick", "k", "", clock_now(&moving.clock) + 200 * MILLISECOND, false};
    must(store_write(c, put, &p));
    while (counts().waiting) { // the clock of the jobs goes on by hand
        atomic_store(&moving.at, 1000 * DAY + time_monotonic() - start);
        usleep(2000);
    }
    WAIT_FOR(seen.ran == 1);
    assert_true(time_monotonic() - start >= 200 * MILLISECOND);
    assert_true(time_monotonic() - start < 5 * SECOND);
    until_counts(0, 0, 0);
    stop_jobs();
}

static void a_failing_job_comes_again_later_and_later_and_then_is_dead(void **state)
{
    seen.failing = 3;
    start_jobs();
    put_job("slow", "k", "", 0);
    WAIT_FOR(seen.ran == 1);
    until_counts(1, 0, 0);
    atomic_fetch_add(&moving.at, SECOND - 1);
    job_wake(store);
    usleep(30000);
    assert_int_equal(seen.ran, 1);
    atomic_fetch_add(&moving.at, 1);
    job_wake(store);
    WAIT_FOR(seen.ran == 2);
    assert_int_equal(seen.last_attempt, 2);
    until_counts(1, 0, 0);
    atomic_fetch_add(&moving.at, 3 * SECOND);
    job_wake(store);
    WAIT_FOR(seen.ran == 3);
    until_counts(0, 0, 1);
    put_job("slow", "k", "", 0); // a dead one is not in the way
    WAIT_FOR(seen.ran == 4);
    until_counts(0, 0, 1);
    stop_jobs();
}

static void a_cancelled_job_does_not_run(void **state)
{
    start_jobs();
    struct putting p = {"slow", "k", "", clock_now(&moving.clock) + HOUR, false};
    must(store_write(c, put, &p));
    must(store_write(c, cancel, &p));
    assert_int_equal(counts().waiting, 0);
    stop_jobs();
    assert_int_equal(seen.ran, 0);
}

static void jobs_of_one_key_run_one_after_the_other_and_others_beside_them(void **state)
{
    hold(true);
    start_jobs();
    put_job("slow", "a", "1", 0);
    WAIT_FOR(seen.at_once == 1);
    put_job("slow", "a", "2", 0); // the first runs, so this is a new one
    put_job("slow", "b", "1", 0);
    WAIT_FOR(seen.at_once == 2);
    until_counts(1, 2, 0);
    hold(false);
    WAIT_FOR(seen.ran == 3);
    until_counts(0, 0, 0);
    assert_int_equal(seen.most_at_once, 2);
    stop_jobs();
}

static void quick_jobs_do_not_wait_behind_slow_ones(void **state)
{
    hold(true);
    start_jobs();
    for (int i = 0; i < 10; i++)
        put_job("slow", arena_printf(arena, "%d", i), "", 0);
    WAIT_FOR(seen.at_once == 2);
    put_job("quick", "q", "now", 0);
    WAIT_FOR(seen.ran == 1);
    assert_string_equal(seen.last, "q/now");
    hold(false);
    WAIT_FOR(seen.ran == 11);
    until_counts(0, 0, 0);
    stop_jobs();
}

static void jobs_of_a_process_that_died_run_again_when_their_lease_is_over(void **state)
{
    write_script("INSERT INTO job (kind, key, payload, state, attempt, due, owner, lease, created) VALUES "
                 "('slow', 'dead', '', 'running', 1, 1, 'gone', 1000, 1), ('slow', 'alive', '', 'running', 1, 1, 'other', "
                 "9000000000000000, 1), ('slow', 'poison', '', 'running', 3, 1, 'gone', 1000, 1)");
    start_jobs();
    WAIT_FOR(seen.ran == 1);
    assert_string_equal(seen.last, "dead/");
    assert_int_equal(seen.last_attempt, 2);
    until_counts(0, 1, 1); // whatever kills the process at every attempt is given up
    stop_jobs();
}

static void a_stopped_runner_leaves_the_rest_for_the_next(void **state)
{
    for (int i = 0; i < 50; i++)
        put_job("slow", arena_printf(arena, "%d", i), "", 0);
    start_jobs();
    WAIT_FOR(seen.ran >= 5);
    stop_jobs();
    int64_t left = counts().waiting + counts().running;
    assert_int_equal(left, 50 - seen.ran);
    start_jobs();
    WAIT_FOR(seen.ran == 50);
    until_counts(0, 0, 0);
    stop_jobs();
}

// ---- the engines' own troubles

SQL(test_long, "INSERT INTO thing (name, bytes) VALUES (?1, ?2)");
static bool add_long(struct ctx *x, void *arg)
{
    static char zeros[20000];
    return db_exec(x, &test_long, "sb", *(struct str *)arg, (struct str){zeros, sizeof zeros});
}
static void a_full_store_refuses_keeps_what_it_has_and_goes_on_when_there_is_room(void **state)
{
    if (store_engine(store) != STORE_SQLITE)
        skip();
    write_script("PRAGMA max_page_count = 200");
    int64_t kept = 0;
    for (; kept < 1000; kept++) {
        struct str name = str_printf(arena, "n%d", (int)kept);
        if (!store_write(c, add_long, &name))
            break;
    }
    assert_true(kept > 0 && kept < 1000);
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_string_equal(err.key, "store.full");
    assert_true(err.retry_after > 0);
    error_clear(&err);
    assert_int_equal(things(), kept);
    write_script("PRAGMA max_page_count = 1000000");
    struct str name = STR("after");
    must(store_write(c, add_long, &name));
    assert_int_equal(things(), kept + 1);
}

static void a_restart_of_the_server_is_survived(void **state)
{
    if (store_engine(store) != STORE_POSTGRES || !getenv("YINGDA_TEST_PG_RESTART"))
        skip();
    struct adding a = {.name = STR("before"), .bytes = STR("")};
    must(store_write(c, add, &a));
    assert_int_equal(system(getenv("YINGDA_TEST_PG_RESTART")), 0);
    assert_int_equal(things(), 1); // a read comes back by itself
    a.name = STR("after");
    must(store_write(c, add, &a)); // and so does a write that found its connection gone
    assert_int_equal(things(), 2);
}

static bool add_while_it_goes(struct ctx *x, void *arg)
{
    return add(x, arg) && script(x, "SELECT pg_terminate_backend(pg_backend_pid())");
}
static void a_connection_lost_in_a_transaction_is_an_error_that_says_so(void **state)
{
    if (store_engine(store) != STORE_POSTGRES)
        skip();
    struct adding a = {.name = STR("x"), .bytes = STR("")};
    assert_false(store_write(c, add_while_it_goes, &a));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_string_equal(err.key, "store.away");
    assert_true(err.retry_after > 0);
    error_clear(&err);
    assert_int_equal(things(), 0);
    must(store_write(c, add, &a));
}

SQL(test_size, "SELECT size FROM thing WHERE name = ?1");
SQL(test_set, "UPDATE thing SET size = ?1 WHERE name = ?2");
static bool read_and_add_one(struct ctx *x, void *arg)
{
    int64_t size;
    return db_int(x, &size, NULL, &test_size, "s", STR("counter")) && db_exec(x, &test_set, "is", size + 1, STR("counter"));
}
static void *count_up(void *arg)
{
    struct crowd *me = arg;
    struct arena *a = arena_new();
    struct error e = {0};
    struct ctx x = ctx_new(a, &e);
    x.store = store;
    for (int i = 0; i < 50; i++)
        me->failed += !store_write(&x, read_and_add_one, NULL);
    arena_free(a);
    return NULL;
}
static void what_a_closure_read_still_holds_when_it_writes(void **state)
{
    write_script("INSERT INTO thing (name, size) VALUES ('counter', 0)");
    struct crowd crowd[4] = {0};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&crowd[i].thread, NULL, count_up, &crowd[i]), 0);
    int failed = 0;
    for (int i = 0; i < 4; i++) {
        pthread_join(crowd[i].thread, NULL);
        failed += crowd[i].failed;
    }
    int64_t size;
    must(db_int(c, &size, NULL, &test_size, "s", STR("counter")));
    assert_int_equal(failed, 0);
    assert_int_equal(size, 200);
}

static int settled(void)
{
    struct rows r;
    int count = 0;
    must(db_query(c, &r, &test_settled, ""));
    while (rows_next(&r))
        count++;
    assert_true(rows_done(&r));
    return count;
}
static void only_settled_rows_are_shown_to_those_who_follow(void **state)
{
    write_script("INSERT INTO thing (name) VALUES ('a'), ('b')");
    assert_int_equal(settled(), 2);
    if (store_engine(store) != STORE_POSTGRES)
        return;
    // Another transaction that began earlier and has not ended yet holds back what came after it.
    PGconn *other = PQconnectdb(url);
    PQclear(PQexec(other, "BEGIN"));
    PQclear(PQexec(other, "INSERT INTO thing (name) VALUES ('slow')"));
    write_script("INSERT INTO thing (name) VALUES ('fast')");
    assert_int_equal(settled(), 2);
    PQclear(PQexec(other, "COMMIT"));
    PQfinish(other);
    assert_int_equal(settled(), 4);
}

static void every_statement_fits_the_schema_and_has_its_index(void **state)
{
    bool lite = store_engine(store) == STORE_SQLITE;
    PGconn *conn = lite ? NULL : PQconnectdb(url);
    int wrong = 0;
    for (struct sql *q = sql_first(); q; q = q->next) {
        if (!lite) {
            char *text = sql_translate(c, &postgres_engine, str_of(q->text));
            PGresult *r = PQprepare(conn, arena_printf(arena, "s%u", q->id), text, 0, NULL);
            if (PQresultStatus(r) != PGRES_COMMAND_OK && ++wrong)
                print_error("%s: %s", q->name, PQerrorMessage(conn));
            PQclear(r);
            continue;
        }
        struct rows r;
        error_clear(&err);
        db_query_built(c, &r, str_printf(arena, "EXPLAIN QUERY PLAN %s", q->text), NULL, 0);
        while (rows_next(&r)) {
            struct str step = rows_str(&r, 3);
            bool scan = str_starts(step, STR("SCAN ")) && !str_starts(step, STR("SCAN CONSTANT")) && !str_starts(step, STR("SCAN ("));
            if (scan && !q->scan && ++wrong)
                print_error("%s: " STR_FMT "\n", q->name, STR_ARG(step));
        }
        if (!rows_done(&r) && ++wrong)
            print_error("%s: %s\n", q->name, err.detail);
    }
    PQfinish(conn);
    assert_int_equal(wrong, 0);
}

static void a_store_that_lacks_a_migration_is_brought_up_to_date_or_refused(void **state)
{
    write_script("DROP TABLE blob_part");
    write_script("DROP TABLE blob");
    write_script("DROP TABLE job");
    write_script("DELETE FROM migration WHERE number = 1");
    close_store();
    assert_null(store_open(c, false));
    assert_string_equal(err.key, "store.older");
    error_clear(&err);
    open_store();
    struct job_counts none;
    must(job_counts(c, &none));
    close_store();
    store = store_open(c, false);
    must(store != NULL);
    store_close(store);
    store = NULL;
}

static void processes_that_start_at_once_migrate_once(void **state)
{
    close_store();
    place_gone();
    place_new(getenv("YINGDA_TEST_PG") != NULL);
    pid_t child[4];
    for (int i = 0; i < 4; i++)
        if ((child[i] = fork()) == 0) {
            struct store *s = store_open(c, true);
            if (!s)
                print_error("%s: %s\n", err.key, err.detail);
            store_close(s);
            _exit(s ? 0 : 1);
        }
    for (int i = 0; i < 4; i++) {
        int status;
        waitpid(child[i], &status, 0);
        assert_int_equal(status, 0);
    }
    open_store();
}

// ---- attachments

static struct str content(int size)
{
    char *at = arena_alloc(arena, (size_t)size + 1);
    for (int i = 0; i < size; i++)
        at[i] = (char)(i * 7 + i / 251);
    return (struct str){at, (size_t)size};
}
static void check_blob(struct blob_ref ref, struct str bytes)
{
    int fd;
    int64_t size;
    must(blob_open(c, ref.hash, &fd, &size));
    assert_int_equal(size, bytes.len);
    char *back = arena_alloc(arena, bytes.len + 1);
    assert_int_equal(read(fd, back, bytes.len + 1), bytes.len);
    assert_memory_equal(back, bytes.at, bytes.len);
    close(fd);
}
static void use_place(const char *place)
{
    close_store();
    conf.blob_place = place;
    open_store();
}
static void attachments_are_kept_once_in_either_place_and_found_in_both(void **state)
{
    static const int sizes[] = {0, 1, 128 * 1024, 128 * 1024 + 1, 3000000};
    struct blob_ref refs[5], again;
    for (int i = 0; i < 5; i++) {
        use_place(i % 2 ? "database" : "folder");
        must(blob_put(c, content(sizes[i]), &refs[i]));
        must(blob_put(c, content(sizes[i]), &again));
        assert_true(str_eq(refs[i].hash, again.hash));
        assert_int_equal(refs[i].size, sizes[i]);
        assert_int_equal(refs[i].hash.len, 64);
    }
    for (int i = 0; i < 5; i++) {
        check_blob(refs[i], content(sizes[i]));
        must(blob_forget(c, refs[i].hash));
        int fd;
        int64_t size;
        assert_false(blob_open(c, refs[i].hash, &fd, &size));
        assert_int_equal(err.code, ERR_NOT_FOUND);
        error_clear(&err);
    }
}
static void an_attachment_comes_from_a_file_and_its_name_leads_nowhere_else(void **state)
{
    char *path = arena_printf(arena, "%s/upload", dir);
    FILE *f = fopen(path, "w");
    fputs("hello", f);
    fclose(f);
    struct blob_ref ref;
    must(blob_put_file(c, path, &ref));
    check_blob(ref, STR("hello"));
    assert_str(ref.hash, "324dcf027dd4a30a932c441f365a25e86b173defa4b8e58948253471b81b72cf"); // as b2sum -l 256 says
    int fd;
    int64_t size;
    assert_false(blob_open(c, STR("../../etc/passwd"), &fd, &size));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(blob_put_file(c, "/tmp/yingda-there-is-no-such-file", &ref));
}

// ---- backup

static const char *const rows_of_a_shop[] = {
    "INSERT INTO users (id, name, email, password, locale, theme, state, capacity, version, created_at, updated_at) VALUES "
    "(7, '小王 ''x', 'wang@test.example', NULL, 'zh-CN', '', 'active', 3, 1, 1, 1), "
    "(9000000000000000000, '', 'b@test.example', 'p', 'en-US', '', 'active', -3, 1, 1, 1)",
    "INSERT INTO role (id, key, name, permissions, version, created_at, updated_at) VALUES (3, NULL, 'r', '', 1, 1, 1)",
    "INSERT INTO user_role (user_id, role_id) VALUES (7, 3), (9000000000000000000, 3)",
    "INSERT INTO job (kind, key, payload, state, due, created) VALUES ('later', 'k', '{}', 'waiting', 5, 5)",
    "INSERT INTO job (kind, key, payload, state, due, created) VALUES ('gone', 'k', '{}', 'waiting', 5, 5)",
    "DELETE FROM job WHERE kind = 'gone'",
    "DROP TABLE thing",
    NULL,
};
SQL(test_totp, "INSERT INTO user_totp (user_id, secret, last_step, created_at) VALUES (7, ?1, 0, 0)");
SQL(test_totp_get, "SELECT secret, confirmed_at FROM user_totp WHERE user_id = ?1");
SQL(test_user, "SELECT name, password, capacity FROM users WHERE id = ?1");
SQL(test_roles, "SELECT COUNT(*) FROM user_role WHERE role_id = ?1");
SQL(test_job_id, "INSERT INTO job (kind, key, payload, state, due, created) VALUES ('new', ?1, '', 'waiting', 1, 1) RETURNING id");
static bool add_totp(struct ctx *x, void *arg)
{
    return db_exec(x, &test_totp, "b", *(struct str *)arg);
}
static bool add_job_row(struct ctx *x, void *arg)
{
    return db_int(x, arg, NULL, &test_job_id, "s", STR("k"));
}
static struct blob_ref shop_blobs[3];
static const int shop_sizes[] = {0, 10, 400000};

static void fill_shop(void)
{
    for (int i = 0; rows_of_a_shop[i]; i++)
        write_script(rows_of_a_shop[i]);
    struct str secret = content(1000);
    must(store_write(c, add_totp, &secret));
    for (int i = 0; i < 3; i++) {
        use_place(i == 1 ? "database" : "folder");
        must(blob_put(c, content(shop_sizes[i]), &shop_blobs[i]));
    }
}
static void check_shop(void)
{
    struct rows r;
    must(db_query(c, &r, &test_user, "i", (int64_t)7));
    assert_true(rows_next(&r));
    assert_str(rows_str(&r, 0), "小王 'x");
    assert_true(rows_null(&r, 1));
    assert_true(rows_done(&r));
    must(db_query(c, &r, &test_user, "i", (int64_t)9000000000000000000));
    assert_true(rows_next(&r));
    assert_false(rows_null(&r, 0));
    assert_int_equal(rows_int(&r, 2), -3);
    assert_true(rows_done(&r));
    must(db_query(c, &r, &test_totp_get, "i", (int64_t)7));
    assert_true(rows_next(&r));
    assert_true(str_eq(rows_bytes(&r, 0), content(1000)));
    assert_true(rows_null(&r, 1));
    assert_true(rows_done(&r));
    int64_t n;
    must(db_int(c, &n, NULL, &test_roles, "i", (int64_t)3));
    assert_int_equal(n, 2);
    assert_int_equal(counts().waiting, 1);
    for (int i = 0; i < 3; i++)
        check_blob(shop_blobs[i], content(shop_sizes[i]));
}
static char *backup_now(void)
{
    static char file[64];
    snprintf(file, sizeof file, "/tmp/yingda-backup-%d", (int)getpid());
    must(backup_write(c, file, NULL, NULL));
    must(backup_check(c, file));
    return file;
}
static void fresh_place(bool postgres)
{
    close_store();
    place_gone();
    place_new(postgres);
    open_store();
}

static void a_backup_restores_into_either_engine(void **state)
{
    fill_shop();
    bool server = getenv("YINGDA_TEST_PG") != NULL;
    for (int i = 0; i < 3; i++) { // from PostgreSQL to SQLite and back, when there is one
        char *file = backup_now();
        fresh_place(server && i % 2 == 1);
        if (i == 1)
            use_place("database");
        must(backup_restore(c, file, NULL, NULL));
        check_shop();
        close_store();
        open_store(); // nothing of it depends on what was in memory
        check_shop();
        unlink(file);
    }
    int64_t id;
    must(store_write(c, add_job_row, &id));
    assert_int_equal(id, 3); // the number of a row that is gone is not given again
}

static void a_restore_over_data_is_refused_and_changes_nothing(void **state)
{
    fill_shop();
    char *file = backup_now();
    assert_false(backup_restore(c, file, NULL, NULL));
    assert_string_equal(err.key, "store.not_empty");
    error_clear(&err);
    check_shop();
    unlink(file);
}

static void a_damaged_backup_is_told_and_restores_nothing(void **state)
{
    fill_shop();
    char *file = backup_now();
    fresh_place(store_engine(store) == STORE_POSTGRES);
    FILE *f = fopen(file, "r+");
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    for (int i = 0; i < 60; i++) { // one bit at a time, from the first byte to the last
        long at = i == 59 ? size - 1 : size * i / 60;
        fseek(f, at, SEEK_SET);
        int byte = fgetc(f);
        fseek(f, at, SEEK_SET);
        fputc(byte ^ 4, f);
        fflush(f);
        if (backup_check(c, file))
            fail_msg("the byte at %ld may be anything", at);
        error_clear(&err);
        fseek(f, at, SEEK_SET);
        fputc(byte, f);
        fflush(f);
    }
    must(backup_check(c, file));
    fseek(f, 0, SEEK_END);
    fputc('x', f);
    fflush(f);
    assert_false(backup_check(c, file));
    assert_int_equal(ftruncate(fileno(f), size / 2), 0);
    error_clear(&err);
    assert_false(backup_restore(c, file, NULL, NULL));
    assert_string_equal(err.key, "store.backup_damaged");
    assert_str(err.args[0], file);
    error_clear(&err);
    assert_false(backup_check(c, "/tmp/yingda-there-is-no-such-file"));
    assert_string_equal(err.key, "store.backup_file");
    error_clear(&err);
    assert_int_equal(counts().waiting, 0);
    fclose(f);
    unlink(file);
}

static void *write_meanwhile(void *arg)
{
    struct crowd *me = arg;
    struct arena *a = arena_new();
    struct error e = {0};
    struct ctx x = ctx_new(a, &e);
    x.store = store;
    for (int i = 0; i < 300; i++) {
        int64_t n = i * 10;
        me->failed += !store_write(&x, crowd_add, &n);
    }
    arena_free(a);
    return NULL;
}
static void a_backup_is_one_moment_while_others_write(void **state)
{
    struct crowd crowd = {0};
    assert_int_equal(pthread_create(&crowd.thread, NULL, write_meanwhile, &crowd), 0);
    for (int i = 0; i < 5; i++)
        backup_now(); // the check compares the header's numbers, counted at first, with what came later
    pthread_join(crowd.thread, NULL);
    assert_int_equal(crowd.failed, 0);
    assert_int_equal(things(), 300);
    unlink(backup_now());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
        T(every_type_of_parameter_comes_back_as_it_went_in),
        T(nulls_are_told_from_empty_and_zero),
        T(marks_and_words_inside_literals_stay),
        T(the_same_statement_may_be_read_inside_its_own_rows),
        T(a_closure_that_fails_leaves_nothing),
        T(a_second_row_with_a_unique_name_is_a_conflict),
        T(a_failed_statement_takes_its_whole_closure_with_it),
        T(the_number_of_changed_rows_is_known),
        T(a_reader_cannot_write),
        T(a_snapshot_stays_as_it_was),
        T(many_threads_share_commits_and_one_ones_error_is_its_own),
        T(a_store_opens_again_and_keeps_what_it_has),
        T(a_newer_schema_is_refused),
#define J(name) cmocka_unit_test_setup_teardown(name, fresh_jobs, gone)
        J(a_job_runs_after_the_commit_and_never_after_a_rollback),
        J(waiting_jobs_of_one_key_become_one_at_the_earlier_time),
        J(a_job_waits_for_its_time),
        J(a_failing_job_comes_again_later_and_later_and_then_is_dead),
        J(a_cancelled_job_does_not_run),
        J(jobs_of_one_key_run_one_after_the_other_and_others_beside_them),
        J(quick_jobs_do_not_wait_behind_slow_ones),
        J(jobs_of_a_process_that_died_run_again_when_their_lease_is_over),
        J(a_stopped_runner_leaves_the_rest_for_the_next),
        T(a_full_store_refuses_keeps_what_it_has_and_goes_on_when_there_is_room),
        T(a_restart_of_the_server_is_survived),
        T(a_connection_lost_in_a_transaction_is_an_error_that_says_so),
        T(what_a_closure_read_still_holds_when_it_writes),
        T(only_settled_rows_are_shown_to_those_who_follow),
        T(every_statement_fits_the_schema_and_has_its_index),
        T(a_store_that_lacks_a_migration_is_brought_up_to_date_or_refused),
        T(processes_that_start_at_once_migrate_once),
        T(attachments_are_kept_once_in_either_place_and_found_in_both),
        T(an_attachment_comes_from_a_file_and_its_name_leads_nowhere_else),
        T(a_backup_restores_into_either_engine),
        T(a_restore_over_data_is_refused_and_changes_nothing),
        T(a_damaged_backup_is_told_and_restores_nothing),
        T(a_backup_is_one_moment_while_others_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
