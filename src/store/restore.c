// Reading a backup: checking it, and restoring it into an empty store in one transaction.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/backup_file.h"

static bool damaged(struct backup_run *j, const char *why)
{
    fail(j->c, ERR_INVALID, "store.backup_damaged", j->path, NULL);
    return fail_detail(j->c, "%s", why);
}

// ---- reading

struct reader {
    struct backup_run j;
    char kind;
    struct str payload, rest; // rest: what has not been taken of the payload
    char *room;
    size_t room_size;
    unsigned char before[HASH]; // hash of all bytes before the record at hand
    bool bad;
    struct restoring *restoring;
};

static bool next_record(struct reader *in)
{
    unsigned char head[9];
    crypto_generichash_state so_far = in->j.all;
    crypto_generichash_final(&so_far, in->before, HASH);
    if (fread(head, 1, sizeof head, in->j.file) != sizeof head)
        return damaged(&in->j, "it ends too early");
    uint64_t size = 0;
    for (int i = 0; i < 8; i++)
        size |= (uint64_t)head[1 + i] << (8 * i);
    if (size > MOST_RECORD)
        return damaged(&in->j, "a record is too long");
    if (size > in->room_size) {
        in->room_size = (size_t)size * 2 < 2 * PIECE ? 2 * PIECE : (size_t)size;
        free(in->room);
        in->room = malloc(in->room_size);
        ASSERT(in->room, "out of memory");
    }
    if (size && fread(in->room, 1, (size_t)size, in->j.file) != size)
        return damaged(&in->j, "it ends too early");
    in->kind = (char)head[0];
    in->payload = in->rest = (struct str){in->room ? in->room : "", (size_t)size};
    crypto_generichash_update(&in->j.all, head, sizeof head);
    crypto_generichash_update(&in->j.all, (const unsigned char *)in->payload.at, in->payload.len);
    if (in->kind == 'R')
        crypto_generichash_update(&in->j.table, (const unsigned char *)in->payload.at, in->payload.len);
    return true;
}

// A cell of the payload; its text points into the record. in->bad when there is none.
static struct param take_cell(struct reader *in)
{
    struct param p = {.type = 'n', .null = true};
    size_t need = 1;
    if (in->rest.len >= 1) {
        p.type = in->rest.at[0];
        need = p.type == 'n' ? 1 : p.type == 'i' ? 9 : 5;
    }
    if (in->rest.len < need || !strchr("nisb", p.type) || !p.type) {
        in->bad = true;
        return (struct param){.type = 'n', .null = true};
    }
    const unsigned char *at = (const unsigned char *)in->rest.at + 1;
    p.null = p.type == 'n';
    uint64_t number = 0;
    for (size_t i = 0; i + 1 < need; i++)
        number |= (uint64_t)at[i] << (8 * i);
    if (p.type == 'i')
        p.i = (int64_t)number;
    if (need == 5) {
        if (number > in->rest.len - need) {
            in->bad = true;
            return (struct param){.type = 'n', .null = true};
        }
        p.s = (struct str){in->rest.at + need, (size_t)number};
        need += (size_t)number;
    }
    in->rest = str_sub(in->rest, need, in->rest.len);
    return p;
}
static int64_t take_int(struct reader *in, int64_t most)
{
    struct param p = take_cell(in);
    if (p.type != 'i' || p.i < 0 || p.i > most)
        in->bad = true;
    return in->bad ? 0 : p.i;
}
static struct str take_text(struct reader *in, char type)
{
    struct param p = take_cell(in);
    if (p.type != type)
        in->bad = true;
    return in->bad ? STR("") : str_dup(in->j.c->arena, p.s);
}

struct header {
    struct {
        VEC(int64_t);
    } migrations;
    struct catalogue all;
    int64_t attachments, pieces, rows;
};

static bool read_header(struct reader *in, struct header *h)
{
    struct ctx *c = in->j.c;
    *h = (struct header){0};
    if (!next_record(in))
        return false;
    if (in->kind != 'Y' || !str_is(take_text(in, 's'), BACKUP_MAGIC))
        return damaged(&in->j, "it is not a backup");
    if (take_int(in, INT64_MAX) != FORMAT)
        return fail(c, ERR_INVALID, "store.newer", "-", NULL);
    take_text(in, 's');
    take_int(in, INT64_MAX);
    take_text(in, 's');
    for (int64_t n = take_int(in, 100000); n > 0 && !in->bad; n--)
        VEC_PUSH(c->arena, &h->migrations, take_int(in, INT64_MAX));
    h->attachments = take_int(in, INT64_MAX);
    h->pieces = take_int(in, INT64_MAX);
    for (int64_t n = take_int(in, MOST_TABLES); n > 0 && !in->bad; n--) {
        struct table t = {.name = take_text(in, 's')};
        t.rows = take_int(in, INT64_MAX / MOST_TABLES);
        t.last_id = take_int(in, INT64_MAX);
        h->rows += t.rows;
        for (int64_t k = take_int(in, MOST_COLUMNS); k > 0 && !in->bad; k--) {
            struct str name = take_text(in, 's'), type = take_text(in, 's');
            if (!backup_plain_name(name) || type.len != 1)
                in->bad = true;
            else
                VEC_PUSH(c->arena, &t, (struct column){name, type.at[0]});
        }
        if (!backup_plain_name(t.name) || backup_own_form(t.name) || !t.count)
            in->bad = true;
        VEC_PUSH(c->arena, &h->all, t);
    }
    in->j.total = h->rows + h->pieces;
    return (!in->bad && !in->rest.len) || damaged(&in->j, "its header cannot be read");
}

// What a restore does with what is read; NULL when the file is only checked.
struct taker {
    bool (*row)(struct reader *in, const struct table *t, const struct param *cells);
    bool (*flush)(struct reader *in, const struct table *t);
    bool (*piece)(struct reader *in, struct str hash, int64_t size, int64_t part, struct str bytes);
};

static bool read_table(struct reader *in, const struct table *t, const struct taker *to)
{
    struct param cells[MOST_COLUMNS];
    int64_t count = 0;
    if (!next_record(in))
        return false;
    if (in->kind != 'T' || !str_eq(take_cell(in).s, t->name))
        return damaged(&in->j, "a table is missing");
    crypto_generichash_init(&in->j.table, NULL, 0, HASH);
    for (;;) {
        if (!next_record(in))
            return false;
        if (in->kind != 'R')
            break;
        while (in->rest.len) {
            for (size_t i = 0; i < t->count; i++)
                cells[i] = take_cell(in);
            if (in->bad)
                return damaged(&in->j, "a row cannot be read");
            count++;
            if (to && !to->row(in, t, cells))
                return false;
            backup_tick(&in->j, 1);
        }
        if (to && !to->flush(in, t)) // the cells point into this record
            return false;
    }
    unsigned char hash[HASH];
    crypto_generichash_final(&in->j.table, hash, HASH);
    int64_t stated = take_int(in, INT64_MAX);
    struct str stated_hash = take_text(in, 'b');
    if (in->kind != 't' || in->bad || stated != count || t->rows != count || !str_eq(stated_hash, (struct str){(char *)hash, HASH}))
        return damaged(&in->j, "a table's number or hash is wrong");
    return true;
}

static bool read_attachment(struct reader *in, const struct taker *to)
{
    struct str hash = take_text(in, 's');
    int64_t size = take_int(in, INT64_MAX), at = 0, part = 0;
    if (in->bad || !blob_hash_valid(hash))
        return damaged(&in->j, "an attachment's head cannot be read");
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, HASH);
    if (size == 0 && to && !to->piece(in, hash, 0, 0, STR("")))
        return false;
    while (at < size) {
        if (!next_record(in))
            return false;
        if (in->kind != 'a' || (int64_t)in->payload.len != (size - at < PIECE ? size - at : PIECE))
            return damaged(&in->j, "an attachment's piece is missing");
        crypto_generichash_update(&state, (const unsigned char *)in->payload.at, in->payload.len);
        at += (int64_t)in->payload.len;
        if (to && !to->piece(in, hash, size, part, in->payload))
            return false;
        part++;
        backup_tick(&in->j, 1);
    }
    unsigned char real[HASH];
    crypto_generichash_final(&state, real, HASH);
    return str_eq(hash, str_hex(in->j.c->arena, real, HASH)) || damaged(&in->j, "an attachment's hash is wrong");
}

static bool read_everything(struct reader *in, const struct header *h, const struct taker *to)
{
    int64_t attachments = 0;
    struct arena *mine = in->j.c->arena, *work = arena_new();
    in->j.c->arena = work;
    bool ok = true;
    for (size_t i = 0; ok && i < h->all.count; i++) {
        if ((ok = read_table(in, &h->all.at[i], to)))
            arena_reset(work);
    }
    while (ok && (ok = next_record(in)) && in->kind == 'A') {
        if ((ok = read_attachment(in, to)))
            arena_reset(work);
        attachments++;
    }
    if (ok) {
        int64_t rows = take_int(in, INT64_MAX), stated = take_int(in, INT64_MAX);
        struct str hash = take_text(in, 'b');
        if (in->kind != 'E' || in->bad || rows != h->rows || stated != attachments || h->attachments != attachments ||
            !str_eq(hash, (struct str){(char *)in->before, HASH}) || fgetc(in->j.file) != EOF)
            ok = damaged(&in->j, "its end is wrong");
    }
    backup_end_work(in->j.c, mine, work);
    return ok;
}

static bool reader_open(struct reader *in, struct ctx *c, const char *file)
{
    *in = (struct reader){.j = {.c = c, .path = file}};
    crypto_generichash_init(&in->j.all, NULL, 0, HASH);
    in->j.file = fopen(file, "re");
    return in->j.file || backup_file_failed(c, file);
}
static void reader_close(struct reader *in)
{
    if (in->j.file)
        fclose(in->j.file);
    free(in->room);
}

bool backup_check(struct ctx *c, const char *file)
{
    struct reader in;
    struct header h;
    bool ok = reader_open(&in, c, file) && read_header(&in, &h) && read_everything(&in, &h, NULL);
    reader_close(&in);
    return ok;
}

// ---- restoring

struct restoring {
    struct param values[MOST_PARAMS];
    size_t rows;
    struct blob_in blob;
};

static bool flush_rows(struct reader *in, const struct table *t)
{
    struct ctx *c = in->j.c;
    struct restoring *to = in->restoring;
    if (!to->rows)
        return true;
    struct arena *mine = c->arena, *work = arena_new();
    c->arena = work;
    struct buf text = {.arena = work};
    buf_printf(&text, "INSERT INTO " STR_FMT " (", STR_ARG(t->name));
    for (size_t i = 0; i < t->count; i++)
        buf_printf(&text, "%s" STR_FMT, i ? ", " : "", STR_ARG(t->at[i].name));
    for (size_t row = 0, n = 0; row < to->rows; row++)
        for (size_t i = 0; i < t->count; i++)
            buf_printf(&text, "%s?%zu", i ? ", " : row ? "), (" : ") VALUES (", ++n);
    buf_puts(&text, ")");
    bool ok = built_exec(c, buf_str(&text), to->values, to->rows * t->count);
    to->rows = 0;
    backup_end_work(c, mine, work);
    return ok;
}
static bool restore_row(struct reader *in, const struct table *t, const struct param *cells)
{
    struct restoring *to = in->restoring;
    for (size_t i = 0; i < t->count; i++) {
        struct param *value = &to->values[to->rows * t->count + i];
        *value = cells[i];
        if (value->null)
            value->type = t->at[i].type;
        if (str_is(t->at[i].name, "xid")) // numbers of the other engine's transactions: here all of them are over
            *value = (struct param){.type = 'i'};
    }
    to->rows++;
    return (to->rows + 1) * t->count <= MOST_PARAMS || flush_rows(in, t);
}
static bool restore_piece(struct reader *in, struct str hash, int64_t size, int64_t part, struct str bytes)
{
    struct restoring *to = in->restoring;
    return (part > 0 || blob_in_begin(in->j.c, &to->blob, hash, size)) && blob_in_add(in->j.c, &to->blob, bytes);
}

// What the program writes by itself when it opens a store for the first time.
static bool first_start(struct str table)
{
    return str_is(table, "migration") || str_is(table, "installation") || str_is(table, "role") || str_is(table, "job");
}

// The schema as the backup's program had it, with no rows at all. The store counts as empty when nothing in it is more than what a
// fresh one has from its migrations.
static bool make_room(struct ctx *c, const struct header *h)
{
    const struct engine *e = c->db->engine;
    bool lite = e->which == STORE_SQLITE;
    struct catalogue before, after;
    for (size_t i = 0; i < h->migrations.count; i++) {
        bool known = false;
        for (unsigned k = 0; k < migration_count && !known; k++)
            known = migration_table[k].number == h->migrations.at[i];
        if (!known)
            return fail(c, ERR_CONFLICT, "store.newer", arena_printf(c->arena, "%lld", (long long)h->migrations.at[i]), NULL);
    }
    if (!catalogue_read(c, &before, true))
        return false;
    for (size_t i = 0; i < before.count; i++)
        if (!e->script(c, arena_printf(c->arena, "DROP TABLE " STR_FMT "%s", STR_ARG(before.at[i].name), lite ? "" : " CASCADE")))
            return false;
    if (!e->script(c, migration_version_table) || !migrate_missing(c, NULL, 0, h->migrations.at, h->migrations.count) ||
        !catalogue_read(c, &after, true))
        return false;
    for (size_t i = 0; i < before.count; i++) {
        int64_t seeds = 0;
        for (size_t k = 0; k < after.count; k++)
            if (str_eq(after.at[k].name, before.at[i].name))
                seeds = after.at[k].rows;
        if (before.at[i].rows > seeds && !first_start(before.at[i].name))
            return fail(c, ERR_CONFLICT, "store.not_empty", NULL);
    }
    for (size_t i = 0; i < after.count; i++)
        if (!str_is(after.at[i].name, "migration") &&
            !built_exec(c, str_printf(c->arena, "DELETE FROM " STR_FMT, STR_ARG(after.at[i].name)), NULL, 0))
            return false;
    return true;
}

// References are checked at the end, so that the order of tables and rows does not matter.
static bool references(struct ctx *c, bool at_the_end)
{
    struct rows r;
    bool broken = false;
    if (c->db->engine->which == STORE_SQLITE) {
        if (at_the_end) // SQLite does not look at all (the pragma stands before the transaction)
            return true;
        db_run_built(c, &r, STR("PRAGMA foreign_key_check"), NULL, 0, RUN_ROWS);
        while (rows_next(&r))
            broken = true;
        return rows_done(&r) && (!broken || fail_detail(c, "a reference leads nowhere"));
    }
    if (!at_the_end && !c->db->engine->script(c, "SET CONSTRAINTS ALL IMMEDIATE"))
        return false;
    struct buf text = {.arena = c->arena};
    db_run_built(c, &r, STR("SELECT c.conrelid::regclass::text, c.conname::text FROM pg_constraint c "
                            "WHERE c.contype = 'f' AND c.connamespace = current_schema()::regnamespace"),
                 NULL, 0, RUN_ROWS);
    while (rows_next(&r))
        buf_printf(&text, "ALTER TABLE " STR_FMT " ALTER CONSTRAINT \"" STR_FMT "\" %s;", STR_ARG(rows_str(&r, 0)),
                   STR_ARG(rows_str(&r, 1)), at_the_end ? "DEFERRABLE INITIALLY DEFERRED" : "NOT DEFERRABLE");
    buf_putc(&text, 0);
    return rows_done(&r) && (text.len == 1 || c->db->engine->script(c, text.at));
}

static bool set_last_ids(struct ctx *c, const struct header *h)
{
    bool lite = c->db->engine->which == STORE_SQLITE;
    for (size_t i = 0; i < h->all.count; i++) {
        const struct table *t = &h->all.at[i];
        bool has_id = false;
        for (size_t k = 0; k < t->count; k++)
            has_id |= str_is(t->at[k].name, "id") && t->at[k].type == 'i';
        if (!has_id)
            continue;
        struct param p[] = {{.type = 's', .s = t->name}, {.type = 'i', .i = t->last_id}};
        int64_t greatest;
        if (!built_int(c, &greatest, str_printf(c->arena, "SELECT MAX(id) FROM " STR_FMT, STR_ARG(t->name)), NULL, 0))
            return false;
        if (greatest > t->last_id)
            p[1].i = greatest;
        if (!p[1].i)
            continue;
        int64_t set;
        if (lite ? !built_exec(c, STR("DELETE FROM sqlite_sequence WHERE name = ?1"), p, 1) ||
                       !built_exec(c, STR("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)"), p, 2)
                 : !built_int(c, &set, STR("SELECT setval(pg_get_serial_sequence(?1, 'id'), ?2)"), p, 2))
            return false;
    }
    return true;
}

static bool restore_all(struct reader *in, const struct header *h)
{
    struct ctx *c = in->j.c;
    const struct taker to = {restore_row, flush_rows, restore_piece};
    return make_room(c, h) && references(c, true) && read_everything(in, h, &to) && set_last_ids(c, h) && references(c, false) &&
           migrate_missing(c, h->migrations.at, h->migrations.count, NULL, 0);
}

bool backup_restore(struct ctx *c, const char *file, backup_progress progress, void *arg)
{
    if (!backup_check(c, file))
        return false;
    struct reader in;
    struct header h;
    struct restoring *to = calloc(1, sizeof *to);
    ASSERT(to, "out of memory");
    struct db *mine = c->db;
    const struct engine *e = c->store->engine;
    c->db = e->connect(c->store, true);
    bool ok = reader_open(&in, c, file) && read_header(&in, &h);
    in.j.progress = progress;
    in.j.arg = arg;
    in.restoring = to;
    if (ok && e->which == STORE_SQLITE)
        ok = e->script(c, "PRAGMA foreign_keys=OFF");
    if (ok && (ok = e->begin(c, BEGIN_MIGRATE))) {
        ok = restore_all(&in, &h) && !c->db->doomed;
        ok = e->end(c, ok) && ok;
    }
    blob_in_end(c, &to->blob, ok);
    reader_close(&in);
    e->disconnect(c->db);
    c->db = mine;
    free(to);
    return ok;
}
