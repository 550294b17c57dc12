#include "store/engine.h"

#include "base/log.h"
#include "base/vec.h"

// Each migration is known by its number, so that those of different rooms may be added in any order.
const char migration_version_table[] =
    "CREATE TABLE IF NOT EXISTS migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL, at BIGINT NOT NULL)";
SQL_SCAN(migration_list, "a few rows, all of them wanted, once at start", "SELECT number FROM migration ORDER BY number");
SQL(migration_add, "INSERT INTO migration (number, name, at) VALUES (?1, ?2, ?3)");

static bool has(const int64_t *numbers, size_t count, int64_t number)
{
    for (size_t i = 0; i < count; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

bool migrate_missing(struct ctx *c, const int64_t *there, size_t there_count, const int64_t *wanted, size_t wanted_count)
{
    const struct engine *e = c->db->engine;
    for (unsigned i = 0; i < migration_count; i++) {
        const struct migration *m = &migration_table[i];
        if (has(there, there_count, m->number) || (wanted && !has(wanted, wanted_count, m->number)))
            continue;
        if (!e->script(c, sql_translate(c, e, str_of(m->text))) ||
            !db_exec(c, &migration_add, "izi", (int64_t)m->number, m->name, clock_now(c->clock)))
            return fail_detail(c, "migration %04d %s: %s", m->number, m->name, str_z(c->arena, str_of(c->err->detail)));
    }
    return true;
}

static bool in_transaction(struct ctx *c, bool apply, bool *changed)
{
    if (!c->db->engine->script(c, migration_version_table))
        return false;
    struct {
        VEC(int64_t);
    } there = {0};
    struct rows r;
    db_query(c, &r, &migration_list, "");
    while (rows_next(&r))
        VEC_PUSH(c->arena, &there, rows_int(&r, 0));
    if (!rows_done(&r))
        return false;
    size_t known = 0;
    for (unsigned i = 0; i < migration_count; i++)
        known += has(there.at, there.count, migration_table[i].number);
    for (size_t i = 0; i < there.count; i++) {
        bool mine = false;
        for (unsigned j = 0; j < migration_count && !mine; j++)
            mine = migration_table[j].number == there.at[i];
        if (!mine)
            return fail(c, ERR_CONFLICT, "store.newer", arena_printf(c->arena, "%lld", (long long)there.at[i]), NULL);
    }
    *changed = known < migration_count;
    if (!*changed)
        return true;
    if (!apply)
        return fail(c, ERR_CONFLICT, "store.older", NULL);
    return migrate_missing(c, there.at, there.count, NULL, 0);
}

bool migrate_run(struct ctx *c, bool apply)
{
    const struct engine *e = c->db->engine;
    bool changed = false;
    if (!e->begin(c, BEGIN_MIGRATE))
        return false;
    if (!in_transaction(c, apply, &changed)) {
        e->end(c, false);
        return false;
    }
    if (!e->end(c, true))
        return false;
    char number[24];
    if (changed)
        LOG_INFO("store.migrated", "migrations", log_int(number, migration_count), NULL);
    return true;
}
