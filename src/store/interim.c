// SQLite alone, until the engines of this room land: then this file goes.
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <dirent.h>

#include "base/conf.h"
#include "base/log.h"
#include "store/db.h"

enum { MOST_SQL = 2000 };
struct db {
    sqlite3 *sqlite;
    sqlite3_stmt *stmt[MOST_SQL];
    struct store *store;
};
struct store {
    struct db *writer;
    pthread_mutex_t lock;
    const char *path;
};
static struct sql *all;
static unsigned count;

void sql_register(struct sql *q)
{
    q->id = count++;
    q->next = all;
    all = q;
}
struct sql *sql_first(void)
{
    return all;
}

static char *translate(const char *text)
{
    static const char *const words[][2] = {{"{id}", "INTEGER PRIMARY KEY AUTOINCREMENT"}, {"{bytes}", "BLOB"},
                                           {"{xid}", "xid BIGINT NOT NULL DEFAULT 0"}, {"{settled}", "xid = 0"}};
    char *out = calloc(1, strlen(text) * 8 + 64), *at = out;
    while (*text) {
        bool hit = false;
        for (int i = 0; i < 4; i++)
            if (strncmp(text, words[i][0], strlen(words[i][0])) == 0) {
                at = stpcpy(at, words[i][1]);
                text += strlen(words[i][0]);
                hit = true;
                break;
            }
        if (!hit)
            *at++ = *text++;
    }
    return out;
}

static bool complain(struct ctx *c, struct db *db, int code)
{
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT: fail(c, ERR_CONFLICT, "store.conflict", NULL); break;
    case SQLITE_FULL: fail(c, ERR_UNAVAILABLE, "store.full", NULL); break;
    default: fail(c, ERR_INTERNAL, "internal", NULL);
    }
    return fail_detail(c, "%s", sqlite3_errmsg(db->sqlite));
}

static sqlite3_stmt *prepare(struct ctx *c, struct sql *q)
{
    struct db *db = c->db;
    ASSERT(q->id < MOST_SQL, "too many statements");
    sqlite3_stmt *s = db->stmt[q->id];
    if (s)
        return s;
    char *text = translate(q->text);
    int code = sqlite3_prepare_v3(db->sqlite, text, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL);
    free(text);
    if (code) {
        complain(c, db, code);
        fprintf(stderr, "%s: %s\n", q->name, sqlite3_errmsg(db->sqlite));
        return NULL;
    }
    return db->stmt[q->id] = s;
}

static void bind(sqlite3_stmt *s, const char *types, va_list args)
{
    for (int i = 1; types[i - 1]; i++) {
        switch (types[i - 1]) {
        case 'i': sqlite3_bind_int64(s, i, va_arg(args, int64_t)); break;
        case 't': sqlite3_bind_int64(s, i, va_arg(args, int)); break;
        case 'I': {
            int64_t v = va_arg(args, int64_t);
            v ? sqlite3_bind_int64(s, i, v) : sqlite3_bind_null(s, i);
            break;
        }
        case 's': case 'S': {
            struct str v = va_arg(args, struct str);
            types[i - 1] == 'S' && !v.len ? sqlite3_bind_null(s, i) : sqlite3_bind_text(s, i, v.at ? v.at : "", (int)v.len, SQLITE_TRANSIENT);
            break;
        }
        case 'b': {
            struct str v = va_arg(args, struct str);
            sqlite3_bind_blob(s, i, v.at ? v.at : "", (int)v.len, SQLITE_TRANSIENT);
            break;
        }
        case 'z': {
            const char *v = va_arg(args, const char *);
            v ? sqlite3_bind_text(s, i, v, -1, SQLITE_TRANSIENT) : sqlite3_bind_null(s, i);
            break;
        }
        case 'n': sqlite3_bind_null(s, i); break;
        default: ASSERT(false, "a parameter type that is not one");
        }
    }
}

bool db_query(struct ctx *c, struct rows *r, struct sql *q, const char *types, ...)
{
    *r = (struct rows){.c = c, .db = c->db};
    sqlite3_stmt *s = prepare(c, q);
    if (!s) {
        r->failed = true;
        return false;
    }
    ASSERT(!sqlite3_stmt_busy(s), "a statement is used again before its rows are done");
    va_list args;
    va_start(args, types);
    bind(s, types, args);
    va_end(args);
    r->stmt = s;
    r->open = true;
    return true;
}
bool db_query_built(struct ctx *c, struct rows *r, struct str text, const struct db_value *values, size_t n)
{
    *r = (struct rows){.c = c, .db = c->db, .count = 1};
    sqlite3_stmt *s;
    char *z = translate(str_z(c->arena, text));
    int code = sqlite3_prepare_v2(c->db->sqlite, z, -1, &s, NULL);
    free(z);
    if (code) {
        r->failed = true;
        return complain(c, c->db, code);
    }
    for (size_t i = 0; i < n; i++)
        switch (values[i].type) {
        case 'i': case 't': sqlite3_bind_int64(s, (int)i + 1, values[i].i); break;
        default: sqlite3_bind_text(s, (int)i + 1, values[i].s.at, (int)values[i].s.len, SQLITE_TRANSIENT);
        }
    r->stmt = s;
    r->open = true;
    return true;
}
bool rows_next(struct rows *r)
{
    if (!r->open || r->failed)
        return false;
    int code = sqlite3_step(r->stmt);
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE) {
        r->failed = true;
        complain(r->c, r->db, sqlite3_extended_errcode(r->db->sqlite));
    }
    return false;
}
bool rows_done(struct rows *r)
{
    if (r->open) {
        sqlite3_reset(r->stmt);
        sqlite3_clear_bindings(r->stmt);
        if (r->count)
            sqlite3_finalize(r->stmt);
        r->open = false;
    }
    return !r->failed;
}
int64_t rows_int(struct rows *r, int column)
{
    return sqlite3_column_int64(r->stmt, column);
}
struct str rows_str(struct rows *r, int column)
{
    const char *at = (const char *)sqlite3_column_text(r->stmt, column);
    return str_dup(r->c->arena, (struct str){at ? at : "", (size_t)sqlite3_column_bytes(r->stmt, column)});
}
struct str rows_bytes(struct rows *r, int column)
{
    const char *at = sqlite3_column_blob(r->stmt, column);
    return str_dup(r->c->arena, (struct str){at ? at : "", (size_t)sqlite3_column_bytes(r->stmt, column)});
}
bool rows_null(struct rows *r, int column)
{
    return sqlite3_column_type(r->stmt, column) == SQLITE_NULL;
}
bool db_exec(struct ctx *c, struct sql *q, const char *types, ...)
{
    sqlite3_stmt *s = prepare(c, q);
    if (!s)
        return false;
    va_list args;
    va_start(args, types);
    bind(s, types, args);
    va_end(args);
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW)
        ;
    if (code != SQLITE_DONE)
        complain(c, c->db, sqlite3_extended_errcode(c->db->sqlite));
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return code == SQLITE_DONE;
}
int64_t db_changed(struct ctx *c)
{
    return sqlite3_changes64(c->db->sqlite);
}
bool db_int(struct ctx *c, int64_t *value, bool *found, struct sql *q, const char *types, ...)
{
    struct rows r = {.c = c, .db = c->db};
    sqlite3_stmt *s = prepare(c, q);
    if (!s)
        return false;
    va_list args;
    va_start(args, types);
    bind(s, types, args);
    va_end(args);
    r.stmt = s;
    r.open = true;
    bool one = rows_next(&r);
    if (found)
        *found = one;
    *value = one ? rows_int(&r, 0) : 0;
    while (one && rows_next(&r))
        ;
    return rows_done(&r);
}
bool db_snapshot_begin(struct ctx *c)
{
    return sqlite3_exec(c->db->sqlite, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
}
void db_snapshot_end(struct ctx *c)
{
    sqlite3_exec(c->db->sqlite, "COMMIT", NULL, NULL, NULL);
}
bool store_write(struct ctx *c, bool (*fn)(struct ctx *c, void *arg), void *arg)
{
    struct store *s = c->store;
    pthread_mutex_lock(&s->lock);
    struct db *mine = c->db;
    c->db = s->writer;
    sqlite3_exec(s->writer->sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    bool ok = fn(c, arg);
    sqlite3_exec(s->writer->sqlite, ok ? "COMMIT" : "ROLLBACK", NULL, NULL, NULL);
    c->db = mine;
    pthread_mutex_unlock(&s->lock);
    return ok;
}
enum store_engine store_engine(const struct store *s)
{
    return STORE_SQLITE;
}
struct db *store_reader(struct store *s, struct ctx *c)
{
    struct db *db = calloc(1, sizeof *db);
    db->store = s;
    sqlite3_open(s->path, &db->sqlite);
    sqlite3_exec(db->sqlite, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000", NULL, NULL, NULL);
    return db;
}
void store_reader_close(struct db *db)
{
    for (int i = 0; i < MOST_SQL; i++)
        sqlite3_finalize(db->stmt[i]);
    sqlite3_close(db->sqlite);
    free(db);
}
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}
struct store *store_open(struct ctx *c, bool migrate)
{
    struct store *s = calloc(1, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    s->path = strdup(arena_printf(c->arena, "%s/yingda.db", c->conf->data_dir));
    s->writer = store_reader(s, c);
    sqlite3_exec(s->writer->sqlite, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)", NULL, NULL, NULL);
    struct dirent **list;
    int n = scandir(YINGDA_MIGRATIONS, &list, NULL, by_name);
    for (int i = 0; i < n; i++) {
        if (!strstr(list[i]->d_name, ".sql"))
            continue;
        char *check = sqlite3_mprintf("INSERT INTO schema_version VALUES (%d)", atoi(list[i]->d_name));
        if (sqlite3_exec(s->writer->sqlite, check, NULL, NULL, NULL) == SQLITE_OK) {
            char *path = arena_printf(c->arena, "%s/%s", YINGDA_MIGRATIONS, list[i]->d_name), *message = NULL;
            FILE *f = fopen(path, "r");
            char *text = calloc(1, 1 << 20);
            if (fread(text, 1, (1 << 20) - 1, f) == 0)
                text[0] = 0;
            fclose(f);
            char *sql = translate(text);
            if (sqlite3_exec(s->writer->sqlite, sql, NULL, NULL, &message)) {
                fprintf(stderr, "%s: %s\n", path, message);
                fail(c, ERR_INTERNAL, "internal", NULL);
                return NULL;
            }
            free(sql);
            free(text);
        }
        sqlite3_free(check);
    }
    return s;
}
void store_close(struct store *s)
{
    store_reader_close(s->writer);
    free((void *)(uintptr_t)s->path);
    free(s);
}
bool store_ping(struct ctx *c)
{
    return true;
}
struct store_stats store_stats(const struct store *s)
{
    return (struct store_stats){0};
}
