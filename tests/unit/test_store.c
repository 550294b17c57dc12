// The store's promises, the same on SQLite and on PostgreSQL (YINGDA_TEST_PG: a server where databases can be made).
#include "test.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/rand.h"
#include "store/db.h"

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

// A database of its own: a folder, and on PostgreSQL a database with the same name.
static void place_new(void)
{
    strcpy(dir, "/tmp/yingda-store-XXXXXX");
    assert_non_null(mkdtemp(dir));
    conf = (struct conf){.data_dir = dir, .store_url = "", .store_readers = 4, .blob_place = "folder"};
    if (getenv("YINGDA_TEST_PG")) {
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
    if (getenv("YINGDA_TEST_PG")) {
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
    place_new();
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
