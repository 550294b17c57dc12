// Inside of the room: what an engine (sqlite.c, postgres.c) offers to db.c, and what both engines' connections have in common.
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "store/db.h"

enum { MOST_PARAMS = 1000 };
struct param {
    char type; // i s b, or n: NULL of a type that the engine works out
    bool null;
    int64_t i;
    struct str s;
};
enum run_mode {
    RUN_EXEC,   // to the end at once, no rows
    RUN_SHORT,  // rows, read before the caller's parameters go away
    RUN_ROWS,   // rows; the parameters are copied
    RUN_STREAM, // rows one by one, however many; nothing else runs on this connection meanwhile
};
enum begin_mode {
    BEGIN_READ,    // a snapshot
    BEGIN_WRITE,   // a writer
    BEGIN_MIGRATE, // a writer that is alone in the world: two processes that start at once migrate one after the other
};

// A connection: the engine's own struct begins with this.
struct db {
    const struct engine *engine;
    struct store *store;
    bool writer;
    bool doomed;     // a statement failed since the transaction began: it can only be rolled back
    bool jobs_put;   // the job threads have something to look at after the commit
    int64_t changed; // rows touched by the last RUN_EXEC
};

struct engine {
    enum store_engine which;
    char mark;                    // of a parameter: ? or $
    const char *const (*words)[2]; // {id} and the like, ends with NULL
    bool (*open)(struct ctx *c, struct store *s);
    void (*close)(struct store *s);
    bool (*write)(struct ctx *c, bool (*fn)(struct ctx *c, void *arg), void *arg);
    struct db *(*connect)(struct store *s, bool writer); // connects at first use
    void (*disconnect)(struct db *db);
    bool (*begin)(struct ctx *c, enum begin_mode mode); // on c->db, as all that follow
    bool (*end)(struct ctx *c, bool commit);
    bool (*script)(struct ctx *c, const char *text); // several statements, no parameters, no rows
    // q NULL: `text` stands for itself and is prepared each time. Fills r, which is zeroed but for c and db.
    bool (*run)(struct ctx *c, struct rows *r, struct sql *q, const char *text, const struct param *p, size_t n, enum run_mode mode);
    bool (*next)(struct rows *r);
    void (*done)(struct rows *r);
    int64_t (*column_int)(struct rows *r, int column);
    struct str (*column_str)(struct rows *r, int column, bool bytes);
    char (*column_type)(struct rows *r, int column); // i s b, n for NULL
    int (*columns)(struct rows *r);
};
extern const struct engine sqlite_engine, postgres_engine;

struct job_runner;
struct store {
    const struct engine *engine;
    void *own; // the engine's
    char *data_dir, *url;
    bool blobs_in_table;
    int connections;
    atomic_llong commits, writes, write_errors, waiting;
    pthread_mutex_t runners_lock;
    struct job_runner *runners;
};

unsigned sql_count(void);
// The engine's words and parameter marks for the dialect's. NUL-terminated, in c->arena.
char *sql_translate(struct ctx *c, const struct engine *e, struct str text);
bool db_run_built(struct ctx *c, struct rows *r, struct str text, const struct param *p, size_t n, enum run_mode mode);

// migrate.c: brings the schema of c->db up to this program, or only checks it.
struct migration {
    int number;
    const char *name, *text;
};
extern const struct migration migration_table[];
extern const unsigned migration_count;
extern const char migration_version_table[];
bool migrate_run(struct ctx *c, bool apply);
// Inside a BEGIN_MIGRATE transaction: runs those of the table that `has` does not have and `wanted` (NULL: all) names.
bool migrate_missing(struct ctx *c, const int64_t *has, size_t has_count, const int64_t *wanted, size_t wanted_count);

// blob.c, for the backup.
bool blob_hash_valid(struct str hash);
int blob_hold(struct ctx *c, bool alone); // a lock until it is closed, -1 with the error: nothing is forgotten meanwhile
bool blob_sweep(struct ctx *c);           // inside a transaction: removes attachments that never became whole

// Attachments that a restore takes in, one after the other, inside its transaction. Zeroed at first.
struct blob_in {
    char hash[65], part[4200];
    int64_t size, at, pieces;
    int fd;
    bool skip; // it is there already
    char (*made)[65];
    size_t made_count, made_room;
};
bool blob_in_begin(struct ctx *c, struct blob_in *in, struct str hash, int64_t size);
bool blob_in_add(struct ctx *c, struct blob_in *in, struct str bytes); // at most 128 KiB; the last one finishes it
void blob_in_end(struct ctx *c, struct blob_in *in, bool keep);        // of all: frees, and removes new files unless they are to be kept
