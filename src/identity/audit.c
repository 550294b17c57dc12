#include "identity/audit.h"

#include <sodium.h>

#include "base/vec.h"
#include "identity/keys.h"
#include "schema/list.h"
#include "store/db.h"

SQL(audit_head_take, "UPDATE audit_head SET entries = entries + 1 WHERE id = 1");
SQL(audit_head_make, "INSERT INTO audit_head (id, entries, hash) VALUES (1, 1, '')");
SQL(audit_head_read, "SELECT entries, hash FROM audit_head WHERE id = 1");
SQL(audit_head_write, "UPDATE audit_head SET hash = ?1 WHERE id = 1");
SQL(audit_insert,
    "INSERT INTO audit (id, at, actor_kind, actor_id, actor, address, device, action, object, detail, previous, hash) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
SQL(audit_walk,
    "SELECT id, at, actor_kind, actor_id, actor, address, device, action, object, detail, previous, hash FROM audit WHERE id > ?1 "
    "ORDER BY id LIMIT ?2");
#define AUDIT_LIST \
    "SELECT id, at, actor_kind, actor_id, actor, address, device, action, object, detail, previous, hash FROM audit WHERE 1 = 1"

static const char *const kinds[] = {"nobody", "system", "user", "token", "visitor", "bot", NULL};
static const char *kind_name(enum actor_kind kind)
{
    return kinds[kind];
}

static const struct field audit_fields[] = {
    FIELD(_, audit_entry, id, F_INT, .flags = FIELD_SORT | FIELD_REQUIRED, .doc = "Number in the chain: 1, 2, 3 …"),
    FIELD(_, audit_entry, at, F_TIME, .flags = FIELD_FILTER | FIELD_SORT | FIELD_REQUIRED),
    FIELD(_, audit_entry, actor_kind, F_ENUM, .choices = kinds, .flags = FIELD_FILTER | FIELD_STORED_TEXT | FIELD_REQUIRED),
    FIELD(_, audit_entry, actor_id, F_ID, .prefix = "us", .flags = FIELD_FILTER, .doc = "The user who did it, or whose token did."),
    FIELD(_, audit_entry, actor, F_TEXT, .doc = "Their name at that time."),
    FIELD(_, audit_entry, address, F_TEXT),
    FIELD(_, audit_entry, device, F_TEXT),
    FIELD(_, audit_entry, action, F_TEXT, .flags = FIELD_FILTER, .doc = "Thing and verb: user.create"),
    FIELD(_, audit_entry, object, F_TEXT, .flags = FIELD_FILTER, .doc = "Id of what it was done to."),
    FIELD(_, audit_entry, detail, F_JSON),
    FIELD(_, audit_entry, hash, F_TEXT, .doc = "Keyed hash over this entry and the hash before it."),
};
SCHEMA(audit_schema, "AuditEntry", struct audit_entry, audit_fields, "One line of the audit log.");

// What is hashed: every member with its length before it, so that no two entries have one text.
static struct str hash_of(struct ctx *c, const struct audit_entry *e)
{
    struct buf b = {.arena = c->arena};
    const char *kind = kind_name((enum actor_kind)e->actor_kind);
    buf_printf(&b, "1|%lld|%lld|%s|%lld", (long long)e->id, (long long)e->at, kind, (long long)e->actor_id);
    const struct str *const texts[] = {&e->actor, &e->address, &e->device, &e->action, &e->object, &e->detail, &e->previous};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        buf_printf(&b, "|%zu:", texts[i]->len);
        buf_str_add(&b, *texts[i]);
    }
    uint8_t key[32], hash[32];
    keys_derive(c->keys, "audit", key);
    crypto_generichash(hash, sizeof hash, (const uint8_t *)b.at, b.len, key, sizeof key);
    sodium_memzero(key, sizeof key);
    return str_hex(c->arena, hash, sizeof hash);
}

static bool head_read(struct ctx *c, int64_t *entries, struct str *hash)
{
    struct rows r;
    *entries = 0;
    *hash = STR("");
    db_query(c, &r, &audit_head_read, "");
    if (rows_next(&r)) {
        *entries = rows_int(&r, 0);
        *hash = rows_str(&r, 1);
    }
    return rows_done(&r);
}

bool audit_add(struct ctx *c, const char *action, struct str object, struct str detail)
{
    const struct actor *who = &c->actor;
    struct audit_entry e = {
        .at = clock_now(c->clock),
        .actor_kind = (int)who->kind,
        .actor_id = who->id,
        .actor = who->name,
        .address = who->address,
        .device = who->device,
        .action = str_of(action),
        .object = object,
        .detail = detail.len ? detail : STR("{}"),
    };
    struct str *const texts[] = {&e.actor, &e.address, &e.device, &e.object};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!texts[i]->at)
            *texts[i] = STR("");
    // The head's row is locked first: on PostgreSQL the next writer waits here, and so the chain never forks.
    if (!db_exec(c, &audit_head_take, "") || (!db_changed(c) && !db_exec(c, &audit_head_make, "")) || !head_read(c, &e.id, &e.previous))
        return false;
    e.hash = hash_of(c, &e);
    return db_exec(c, &audit_insert, "iizissssssss", e.id, e.at, kind_name(who->kind), e.actor_id, e.actor, e.address, e.device, e.action,
                   e.object, e.detail, e.previous, e.hash) &&
           db_exec(c, &audit_head_write, "s", e.hash);
}

static struct audit_entry read_entry(struct rows *r)
{
    struct audit_entry e = {
        .id = rows_int(r, 0),
        .at = rows_int(r, 1),
        .actor_kind = -1,
        .actor_id = rows_int(r, 3),
        .actor = rows_str(r, 4),
        .address = rows_str(r, 5),
        .device = rows_str(r, 6),
        .action = rows_str(r, 7),
        .object = rows_str(r, 8),
        .detail = rows_str(r, 9),
        .previous = rows_str(r, 10),
        .hash = rows_str(r, 11),
    };
    struct str kind = rows_str(r, 2);
    for (int i = 0; kinds[i]; i++)
        if (str_is(kind, kinds[i]))
            e.actor_kind = i;
    return e;
}

enum { BATCH = 500 };

// Reads one batch; *last and *before go on. False at the first entry that does not fit.
static bool batch_fits(struct ctx *c, int64_t *last, struct str *before, size_t *got, bool *read)
{
    struct rows r;
    bool fits = true;
    *got = 0;
    db_query(c, &r, &audit_walk, "ii", *last, (int64_t)BATCH);
    while (fits && rows_next(&r)) {
        struct audit_entry e = read_entry(&r);
        fits = e.id == *last + 1 && e.actor_kind >= 0 && str_eq(e.previous, *before) && str_eq(e.hash, hash_of(c, &e));
        if (fits) {
            *last = e.id;
            *before = e.hash;
            ++*got;
        }
    }
    *read = rows_done(&r);
    return fits;
}

bool audit_verify(struct ctx *c, struct audit_state *state)
{
    *state = (struct audit_state){0};
    struct arena *whole = c->arena;
    struct str before = STR(""), head;
    char kept[64];
    size_t got = 0;
    bool read = false, fits;
    if (!db_snapshot_begin(c))
        return false;
    do { // an arena a batch: the log may be long
        c->arena = arena_new();
        fits = batch_fits(c, &state->entries, &before, &got, &read);
        if (before.len && before.len <= sizeof kept) {
            memmove(kept, before.at, before.len);
            before.at = kept;
        }
        arena_free(c->arena);
        c->arena = whole;
    } while (read && fits && got == BATCH);
    int64_t entries;
    read = read && head_read(c, &entries, &head);
    db_snapshot_end(c);
    if (!read) // the arguments of the error went with the batch's arena
        return fail(c, ERR_UNAVAILABLE, "store.away", NULL);
    if (!fits || entries != state->entries || !str_eq(head, before))
        state->broken = state->entries + 1;
    return true;
}

bool audit_list(struct ctx *c, const struct list_query *q, struct audit_entry **entries, size_t *count)
{
    struct {
        VEC(struct audit_entry);
    } list = {0};
    struct rows r;
    struct str text = str_printf(c->arena, AUDIT_LIST STR_FMT STR_FMT " LIMIT %d", STR_ARG(q->where), STR_ARG(q->order), q->limit + 1);
    db_query_built(c, &r, text, q->values, q->count);
    while (rows_next(&r)) {
        struct audit_entry e = read_entry(&r);
        if (e.actor_kind != ACTOR_USER && e.actor_kind != ACTOR_TOKEN)
            e.actor_id = 0; // a visitor's number is not a user's
        VEC_PUSH(c->arena, &list, e);
    }
    *entries = list.at;
    *count = list.count;
    return rows_done(&r);
}
