#include "identity/reseal.h"

#include "base/vec.h"
#include "identity/audit.h"
#include "identity/keys.h"

enum { BATCH = 200 };
static struct reseal *first;

void reseal_register(struct reseal *r)
{
    r->next = first;
    first = r;
}

struct row {
    int64_t id;
    struct str old, fresh;
};
struct batch {
    const struct reseal *r;
    VEC(struct row);
    int64_t last, done;
    size_t read;
};

static bool read_batch(struct ctx *c, struct batch *b)
{
    struct rows r;
    uint32_t current = keys_current(c);
    b->count = b->room = b->read = 0;
    db_query(c, &r, b->r->select, "ii", b->last, (int64_t)BATCH);
    while (rows_next(&r)) {
        struct row row = {.id = rows_int(&r, 0), .old = rows_bytes(&r, 1)};
        b->last = row.id;
        b->read++;
        if (row.old.len && field_key_of(row.old) != current)
            VEC_PUSH(c->arena, b, row);
    }
    return rows_done(&r);
}

static bool write_batch(struct ctx *c, void *arg)
{
    struct batch *b = arg;
    b->done = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (!db_exec(c, b->r->update, "bib", b->at[i].fresh, b->at[i].id, b->at[i].old))
            return false;
        b->done += db_changed(c);
    }
    return true;
}

static bool seal_anew(struct ctx *c, struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct str plain;
        if (!field_open(c, b->r->name, b->at[i].old, &plain))
            return false;
        b->at[i].fresh = field_seal(c, b->r->name, plain);
    }
    return !b->count || store_write(c, write_batch, b);
}

bool reseal_all(struct ctx *c, int64_t *rows)
{
    *rows = 0;
    for (const struct reseal *r = first; r; r = r->next) {
        struct batch b = {.r = r};
        do {
            struct arena *whole = c->arena;
            c->arena = arena_new(); // a batch's: the tables may be long
            b.at = NULL;
            bool fine = read_batch(c, &b) && seal_anew(c, &b);
            arena_free(c->arena);
            c->arena = whole;
            if (!fine) { // its arguments went with the arena
                enum error_code code = c->err->code;
                return fail(c, code, code == ERR_UNAVAILABLE ? "store.away" : "identity.sealed_broken", r->name, NULL);
            }
            *rows += b.done;
        } while (b.read == BATCH);
    }
    return true;
}

static bool run(struct ctx *c, const struct job *job)
{
    int64_t rows;
    return keys_reload(c) && reseal_all(c, &rows); // another process may have rotated
}

const struct job_kind reseal_job = {.kind = "reseal", .run = run, .max_attempts = 20};

static bool put_job(struct ctx *c, void *arg)
{
    return job_put(c, "reseal", STR(""), STR("{}"), 0) &&
           audit_add(c, "keys.rotate", STR(""), str_printf(c->arena, "{\"key\":%u}", keys_current(c)));
}

bool keys_rotate(struct ctx *c)
{
    return keys_add(c) && store_write(c, put_job, NULL);
}
