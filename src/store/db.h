// The store: one interface, two engines (SQLite, PostgreSQL). Domain rooms write SQL that both accept.
//
//     SQL(contact_by_id, "SELECT id, name FROM contact WHERE id = ?1");
//     struct rows r;
//     db_query(c, &r, &contact_by_id, "i", id);
//     if (rows_next(&r)) { contact->id = rows_int(&r, 0); contact->name = rows_str(&r, 1); }
//     if (!rows_done(&r)) return false;                    // the error is in c->err
//
// Dialect: parameters ?1 ?2 …; BIGINT for integers, times (usec) and booleans (0/1); TEXT; {bytes}; INSERT … RETURNING; ON CONFLICT.
// No dates, no floats, no engine functions but COUNT MIN MAX SUM COALESCE LENGTH LOWER; ids by {id} columns. In migrations and statements
// these words are replaced for each engine: {id} (64-bit auto primary key), {bytes} (BLOB/BYTEA), {xid} (column definition that notes
// the writing transaction on PostgreSQL; on SQLite a constant 0), {settled} (a condition on column xid: "no lower event id can still
// commit").
#pragma once
#include "base/ctx.h"

struct store; // the engine: threads, pool
struct db;    // one connection, used by one thread at a time

struct sql {
    const char *name; // unique in the program
    const char *text;
    const char *scan; // why a table scan is right here; NULL: a scan fails the test
    unsigned id;      // given at start
    struct sql *next;
};
void sql_register(struct sql *q);
struct sql *sql_first(void); // all registered statements, for the test that prepares each on both engines

#define SQL_SCAN(ident, why, ...) \
    static struct sql ident = {#ident, __VA_ARGS__, why, 0, NULL}; \
    __attribute__((constructor)) static void ident##_register(void) \
    { \
        sql_register(&ident); \
    } \
    struct sql_eats_semicolon
#define SQL(ident, ...) SQL_SCAN(ident, NULL, __VA_ARGS__)

struct rows {
    struct ctx *c;
    struct db *db;
    void *stmt;     // engine's
    int row, count; // PostgreSQL
    bool open, failed;
    void *engine;
};

// Parameter types, one letter each in `types`: i int64_t · s struct str · b struct str as bytes · z const char * (NULL = SQL NULL) ·
// n SQL NULL (no argument) · S struct str, empty = SQL NULL · I int64_t, 0 = SQL NULL · t int (bool).
// Reading runs on c->db; inside store_write that is the transaction.
bool db_query(struct ctx *c, struct rows *r, struct sql *q, const char *types, ...); // false: failed, rows_done still fine to call
bool rows_next(struct rows *r);                   // false at the end or on error
bool rows_done(struct rows *r);                   // closes; false if anything failed. Must be called once.
int64_t rows_int(struct rows *r, int column);     // NULL gives 0
struct str rows_str(struct rows *r, int column);  // copied into c->arena; NULL gives the empty slice
struct str rows_bytes(struct rows *r, int column);
bool rows_null(struct rows *r, int column);
bool db_exec(struct ctx *c, struct sql *q, const char *types, ...);    // INSERT, UPDATE, DELETE
int64_t db_changed(struct ctx *c);                                     // rows touched by the last db_exec
// INSERT … RETURNING id, and any one-value query: false on error; *found says whether there was a row.
bool db_int(struct ctx *c, int64_t *value, bool *found, struct sql *q, const char *types, ...);
struct db_value {
    char type; // i or s, as above
    int64_t i;
    struct str s;
};
// A list with filters: text built from the field table only (schema/list.h). Prepared each time.
bool db_query_built(struct ctx *c, struct rows *r, struct str text, const struct db_value *values, size_t count);
// Several reads that must agree with each other.
bool db_snapshot_begin(struct ctx *c);
void db_snapshot_end(struct ctx *c);

// Runs fn inside a transaction and returns only when it is durable (true) or rolled back (false, with the error). During fn, c->db is the
// transaction's connection and, on SQLite, the thread is the writer's: fn does no I/O but SQL, and may run twice (PostgreSQL
// serialization failure), so it must not change what it cannot redo. fn may use c->arena. Unique violations: ERR_CONFLICT
// "store.conflict"; full disk or lost connection: ERR_UNAVAILABLE "store.full" / "store.away" with retry_after. A statement that fails
// takes its whole closure with it, even when fn goes on and returns true: what may clash says ON CONFLICT. Not inside itself.
bool store_write(struct ctx *c, bool (*fn)(struct ctx *c, void *arg), void *arg);

enum store_engine { STORE_SQLITE, STORE_POSTGRES };
// Opens, checks and migrates (refuses a newer schema: store.newer). Needs c->conf. NULL with the error.
struct store *store_open(struct ctx *c, bool migrate);
void store_close(struct store *s); // waits for running writes
enum store_engine store_engine(const struct store *s);
struct db *store_reader(struct store *s, struct ctx *c); // a thread's own read connection, reconnecting by itself
void store_reader_close(struct db *db);
bool store_ping(struct ctx *c);                  // for health
struct store_stats {
    int64_t commits, writes, write_errors, waiting;
};
struct store_stats store_stats(const struct store *s);
