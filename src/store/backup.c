#include "store/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/backup_file.h"
#include "store/blob.h"

void backup_tick(struct backup_run *j, int64_t more)
{
    j->done += more;
    if (j->progress)
        j->progress(j->arg, j->done < j->total ? j->done : j->total, j->total);
}
// The error's texts outlive the arena in which they were made.
void backup_end_work(struct ctx *c, struct arena *mine, struct arena *work)
{
    c->arena = mine;
    for (int i = 0; i < 3; i++)
        c->err->args[i] = str_dup(mine, c->err->args[i]);
    arena_free(work);
}
bool backup_file_failed(struct ctx *c, const char *path)
{
    int code = errno;
    fail(c, ERR_UNAVAILABLE, "store.backup_file", path, NULL);
    return fail_detail(c, "%s: %s", path, strerror(code));
}
// ---- the engine's catalogue

bool backup_own_form(struct str name) // the tables that are written in another form
{
    return str_is(name, "migration") || str_is(name, "blob") || str_is(name, "blob_part");
}
bool backup_plain_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!(name.at[i] >= 'a' && name.at[i] <= 'z') && !(name.at[i] >= '0' && name.at[i] <= '9') && name.at[i] != '_')
            return false;
    return name.len > 0 && name.len < 64;
}

bool built_int(struct ctx *c, int64_t *value, struct str text, const struct param *p, size_t n)
{
    struct rows r;
    db_run_built(c, &r, text, p, n, RUN_SHORT);
    *value = rows_next(&r) ? rows_int(&r, 0) : 0;
    while (rows_next(&r))
        ;
    return rows_done(&r);
}
bool built_exec(struct ctx *c, struct str text, const struct param *p, size_t n)
{
    struct rows r;
    db_run_built(c, &r, text, p, n, RUN_EXEC);
    return rows_done(&r);
}

static bool read_columns(struct ctx *c, struct table *t)
{
    bool lite = c->db->engine->which == STORE_SQLITE;
    struct str text = lite ? STR("SELECT name, type FROM pragma_table_info(?1) ORDER BY cid")
                           : STR("SELECT column_name::text, data_type::text FROM information_schema.columns "
                                 "WHERE table_schema = current_schema() AND table_name = ?1 ORDER BY ordinal_position");
    struct rows r;
    db_run_built(c, &r, text, &(struct param){.type = 's', .s = t->name}, 1, RUN_ROWS);
    bool has_id = false;
    while (rows_next(&r)) {
        struct str name = rows_str(&r, 0), type = rows_str(&r, 1);
        char letter = str_eq_nocase(type, STR("bigint")) || str_eq_nocase(type, STR("integer")) ? 'i'
                      : str_eq_nocase(type, STR("blob")) || str_eq_nocase(type, STR("bytea"))   ? 'b'
                                                                                                 : 's';
        has_id |= str_is(name, "id");
        VEC_PUSH(c->arena, t, (struct column){name, letter});
    }
    if (!rows_done(&r))
        return false;
    if (!has_id)
        return true;
    return built_int(c, &t->last_id, lite ? STR("SELECT seq FROM sqlite_sequence WHERE name = ?1")
                                        : STR("SELECT pg_sequence_last_value(pg_get_serial_sequence(?1, 'id')::regclass)"),
                   &(struct param){.type = 's', .s = t->name}, 1);
}

bool catalogue_read(struct ctx *c, struct catalogue *all, bool with_ours)
{
    bool lite = c->db->engine->which == STORE_SQLITE;
    struct rows r;
    db_run_built(c, &r, lite ? STR("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")
                             : STR("SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema() AND "
                                   "table_type = 'BASE TABLE' ORDER BY table_name::text COLLATE \"C\""),
                 NULL, 0, RUN_ROWS);
    *all = (struct catalogue){0};
    while (rows_next(&r)) {
        struct str name = rows_str(&r, 0);
        if (backup_plain_name(name) && (with_ours || !backup_own_form(name)))
            VEC_PUSH(c->arena, all, (struct table){.name = name});
    }
    if (!rows_done(&r))
        return false;
    for (size_t i = 0; i < all->count; i++)
        if (!read_columns(c, &all->at[i]) ||
            !built_int(c, &all->at[i].rows, str_printf(c->arena, "SELECT COUNT(*) FROM " STR_FMT, STR_ARG(all->at[i].name)), NULL, 0))
            return false;
    return true;
}

// ---- writing

static void put_int(struct buf *b, int64_t value)
{
    buf_putc(b, 'i');
    for (int i = 0; i < 8; i++)
        buf_putc(b, (char)((uint64_t)value >> (8 * i)));
}
static void put_text(struct buf *b, char type, struct str s)
{
    buf_putc(b, type);
    for (int i = 0; i < 4; i++)
        buf_putc(b, (char)((uint32_t)s.len >> (8 * i)));
    buf_str_add(b, s);
}

static bool emit(struct backup_run *j, char kind, struct str payload)
{
    unsigned char head[9] = {(unsigned char)kind};
    if (payload.len > MOST_RECORD)
        return fail_detail(j->c, "a row of more than %d bytes", MOST_RECORD);
    for (int i = 0; i < 8; i++)
        head[1 + i] = (unsigned char)((uint64_t)payload.len >> (8 * i));
    if (fwrite(head, 1, sizeof head, j->file) != sizeof head || fwrite(payload.at, 1, payload.len, j->file) != payload.len)
        return backup_file_failed(j->c, j->path);
    crypto_generichash_update(&j->all, head, sizeof head);
    crypto_generichash_update(&j->all, (const unsigned char *)payload.at, payload.len);
    if (kind == 'R')
        crypto_generichash_update(&j->table, (const unsigned char *)payload.at, payload.len);
    return true;
}

static bool write_table(struct backup_run *j, const struct table *t)
{
    struct ctx *c = j->c;
    struct arena *mine = c->arena, *work = arena_new();
    struct buf text = {.arena = mine}, name = {.arena = mine}, rows = {.arena = work};
    put_text(&name, 's', t->name);
    buf_puts(&text, "SELECT ");
    for (size_t i = 0; i < t->count; i++)
        buf_printf(&text, "%s" STR_FMT, i ? ", " : "", STR_ARG(t->at[i].name));
    buf_printf(&text, " FROM " STR_FMT, STR_ARG(t->name));
    crypto_generichash_init(&j->table, NULL, 0, HASH);
    bool ok = emit(j, 'T', buf_str(&name));
    int64_t count = 0;
    struct rows r;
    db_run_built(c, &r, buf_str(&text), NULL, 0, RUN_STREAM);
    c->arena = work;
    while (ok && rows_next(&r)) {
        for (size_t i = 0; i < t->count; i++) {
            int column = (int)i;
            char type = c->db->engine->column_type(&r, column);
            if (type == 'n')
                buf_putc(&rows, 'n');
            else if (type == 'i' && t->at[i].type == 'i')
                put_int(&rows, rows_int(&r, column));
            else
                put_text(&rows, t->at[i].type == 'b' ? 'b' : 's', t->at[i].type == 'b' ? rows_bytes(&r, column) : rows_str(&r, column));
        }
        count++;
        if (rows.len >= ROWS_BYTES) {
            if (!(ok = emit(j, 'R', buf_str(&rows))))
                break;
            arena_reset(work);
            rows = (struct buf){.arena = work};
        }
        backup_tick(j, 1);
    }
    ok = rows_done(&r) && ok && (!rows.len || emit(j, 'R', buf_str(&rows)));
    backup_end_work(c, mine, work);
    unsigned char hash[HASH];
    crypto_generichash_final(&j->table, hash, HASH);
    struct buf end = {.arena = mine};
    put_int(&end, count);
    put_text(&end, 'b', (struct str){(char *)hash, HASH});
    return ok && emit(j, 't', buf_str(&end));
}

static bool write_attachment(struct backup_run *j, struct str hash)
{
    struct ctx *c = j->c;
    int fd;
    int64_t size;
    if (!blob_open(c, hash, &fd, &size))
        return false;
    struct buf head = {.arena = c->arena};
    put_text(&head, 's', hash);
    put_int(&head, size);
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, HASH);
    unsigned char real[HASH], *piece = malloc(PIECE);
    ASSERT(piece, "out of memory");
    bool ok = emit(j, 'A', buf_str(&head));
    for (int64_t at = 0; ok && at < size;) {
        size_t want = size - at < PIECE ? (size_t)(size - at) : PIECE, have = 0;
        for (ssize_t n; have < want && (n = pread(fd, piece + have, want - have, at + (off_t)have)) > 0;)
            have += (size_t)n;
        if (have < want) {
            ok = backup_file_failed(c, "attachments");
            break;
        }
        crypto_generichash_update(&state, piece, have);
        ok = emit(j, 'a', (struct str){(char *)piece, have});
        at += (int64_t)have;
        backup_tick(j, 1);
    }
    free(piece);
    close(fd);
    crypto_generichash_final(&state, real, HASH);
    if (ok && !str_eq(hash, str_hex(c->arena, real, HASH)))
        ok = fail(c, ERR_INTERNAL, "store.attachment_damaged", str_z(c->arena, hash), NULL);
    return ok;
}

// Calls `each` for every attachment, whichever place it is in.
static bool each_attachment(struct backup_run *j, bool (*each)(struct backup_run *j, struct str hash, int64_t size, void *arg), void *arg)
{
    struct ctx *c = j->c;
    struct arena *mine = c->arena, *work = arena_new();
    char last[65] = "";
    bool ok = true;
    for (bool more = true; ok && more;) {
        c->arena = work;
        struct {
            VEC(struct blob_ref);
        } some = {0};
        struct rows r;
        db_run_built(c, &r, STR("SELECT hash, size FROM blob WHERE whole = 1 AND hash > ?1 ORDER BY hash LIMIT 500"),
                     &(struct param){.type = 's', .s = str_of(last)}, 1, RUN_ROWS);
        while (rows_next(&r))
            VEC_PUSH(work, &some, (struct blob_ref){rows_str(&r, 0), rows_int(&r, 1)});
        ok = rows_done(&r);
        for (size_t i = 0; ok && i < some.count; i++)
            ok = each(j, some.at[i].hash, some.at[i].size, arg);
        more = some.count == 500;
        if (more)
            snprintf(last, sizeof last, STR_FMT, STR_ARG(some.at[some.count - 1].hash));
        if (ok)
            arena_reset(work);
    }
    c->arena = work;
    for (int i = 0; ok && i < 65536; i++) {
        if ((i & 255) == 0 && access(arena_printf(work, "%s/blobs/%02x", c->store->data_dir, i >> 8), F_OK)) {
            i |= 255;
            continue;
        }
        DIR *dir = opendir(arena_printf(work, "%s/blobs/%02x/%02x", c->store->data_dir, i >> 8, i & 255));
        for (struct dirent *entry; ok && dir && (entry = readdir(dir));) {
            struct stat about;
            if (blob_hash_valid(str_of(entry->d_name)) && fstatat(dirfd(dir), entry->d_name, &about, 0) == 0)
                ok = each(j, str_of(entry->d_name), about.st_size, arg);
        }
        if (dir)
            closedir(dir);
        if (ok)
            arena_reset(work);
    }
    backup_end_work(c, mine, work);
    return ok;
}
struct counted {
    int64_t count, pieces;
};
static bool count_one(struct backup_run *j, struct str hash, int64_t size, void *arg)
{
    struct counted *n = arg;
    n->count++;
    n->pieces += (size + PIECE - 1) / PIECE;
    return true;
}
static bool write_one(struct backup_run *j, struct str hash, int64_t size, void *arg)
{
    ++*(int64_t *)arg;
    return write_attachment(j, hash);
}

static bool write_header(struct backup_run *j, const struct catalogue *all, const struct counted *attachments)
{
    struct ctx *c = j->c;
    struct buf b = {.arena = c->arena};
    put_text(&b, 's', STR(BACKUP_MAGIC));
    put_int(&b, FORMAT);
    put_text(&b, 's', STR(YINGDA_VERSION));
    put_int(&b, clock_now(c->clock));
    put_text(&b, 's', c->db->engine->which == STORE_SQLITE ? STR("sqlite") : STR("postgresql"));
    struct {
        VEC(int64_t);
    } numbers = {0};
    struct rows r;
    db_run_built(c, &r, STR("SELECT number FROM migration ORDER BY number"), NULL, 0, RUN_ROWS);
    while (rows_next(&r))
        VEC_PUSH(c->arena, &numbers, rows_int(&r, 0));
    if (!rows_done(&r))
        return false;
    put_int(&b, (int64_t)numbers.count);
    for (size_t i = 0; i < numbers.count; i++)
        put_int(&b, numbers.at[i]);
    put_int(&b, attachments->count);
    put_int(&b, attachments->pieces);
    put_int(&b, (int64_t)all->count);
    for (size_t i = 0; i < all->count; i++) {
        const struct table *t = &all->at[i];
        put_text(&b, 's', t->name);
        put_int(&b, t->rows);
        put_int(&b, t->last_id);
        put_int(&b, (int64_t)t->count);
        for (size_t k = 0; k < t->count; k++) {
            put_text(&b, 's', t->at[k].name);
            put_text(&b, 's', (struct str){&t->at[k].type, 1});
        }
    }
    return emit(j, 'Y', buf_str(&b));
}

static bool write_everything(struct backup_run *j)
{
    struct ctx *c = j->c;
    struct catalogue all;
    struct counted attachments = {0};
    if (!catalogue_read(c, &all, false) || !each_attachment(j, count_one, &attachments))
        return false;
    j->total = attachments.pieces;
    int64_t rows = 0, count = 0;
    for (size_t i = 0; i < all.count; i++)
        rows += all.at[i].rows;
    j->total += rows;
    if (!write_header(j, &all, &attachments))
        return false;
    for (size_t i = 0; i < all.count; i++)
        if (!write_table(j, &all.at[i]))
            return false;
    if (!each_attachment(j, write_one, &count))
        return false;
    unsigned char hash[HASH];
    crypto_generichash_final(&j->all, hash, HASH);
    struct buf b = {.arena = c->arena};
    put_int(&b, rows);
    put_int(&b, count);
    put_text(&b, 'b', (struct str){(char *)hash, HASH});
    return emit(j, 'E', buf_str(&b));
}

bool backup_write(struct ctx *c, const char *file, backup_progress progress, void *arg)
{
    char *part = arena_printf(c->arena, "%s.part", file), *folder = dirname(str_z(c->arena, str_of(file)));
    struct backup_run j = {.c = c, .path = part, .progress = progress, .arg = arg};
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || !(j.file = fdopen(fd, "w"))) {
        backup_file_failed(c, part);
        if (fd >= 0)
            close(fd);
        return false;
    }
    crypto_generichash_init(&j.all, NULL, 0, HASH);
    struct db *mine = c->db;
    c->db = store_reader(c->store, c);
    int hold = blob_hold(c, false); // before the snapshot: whatever it speaks of stays
    bool ok = hold >= 0 && db_snapshot_begin(c);
    if (ok) {
        ok = write_everything(&j);
        db_snapshot_end(c);
    }
    if (hold >= 0)
        close(hold);
    store_reader_close(c->db);
    c->db = mine;
    if (ok && (fflush(j.file) || fsync(fd)))
        ok = backup_file_failed(c, part);
    if (fclose(j.file) && ok)
        ok = backup_file_failed(c, part);
    if (ok && rename(part, file))
        ok = backup_file_failed(c, file);
    if (!ok) {
        unlink(part);
        return false;
    }
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok = dir >= 0 && fsync(dir) == 0;
    if (dir >= 0)
        close(dir);
    return ok || backup_file_failed(c, folder);
}
