#include "store/blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/engine.h"

// In a folder: DIR/blobs/ab/cd/HASH, written under another name, synced, then renamed. In the database: pieces in `blob_part`, each few
// of them a transaction of their own so that no long one holds up the messages; `blob.whole` makes the blob visible.
enum { HASH_BYTES = 32, PIECE = 128 * 1024, PIECES_A_WRITE = 8 };
static const usec unfinished_for = DAY;

SQL(blob_begin, "INSERT INTO blob (hash, size, whole, created) VALUES (?1, ?2, 0, ?3) ON CONFLICT (hash) DO NOTHING");
SQL(blob_add, "INSERT INTO blob_part (hash, part, bytes) VALUES (?1, ?2, ?3) ON CONFLICT (hash, part) DO NOTHING");
SQL(blob_finish, "UPDATE blob SET whole = 1 WHERE hash = ?1");
SQL(blob_size, "SELECT size FROM blob WHERE hash = ?1 AND whole = 1");
SQL(blob_piece, "SELECT bytes FROM blob_part WHERE hash = ?1 AND part = ?2");
SQL(blob_delete, "DELETE FROM blob WHERE hash = ?1");
SQL(blob_delete_old, "DELETE FROM blob WHERE whole = 0 AND created < ?1");

static bool io_failed(struct ctx *c, const char *what)
{
    int code = errno;
    c->err->retry_after = 5;
    fail(c, ERR_UNAVAILABLE, code == ENOSPC || code == EDQUOT ? "store.full" : "store.broken", NULL);
    return fail_detail(c, "%s: %s", what, strerror(code));
}

bool blob_hash_valid(struct str hash)
{
    for (size_t i = 0; i < hash.len; i++)
        if (!(hash.at[i] >= '0' && hash.at[i] <= '9') && !(hash.at[i] >= 'a' && hash.at[i] <= 'f'))
            return false;
    return hash.len == HASH_BYTES * 2;
}

static char *folder_of(struct ctx *c, struct str hash, int levels) // 0: blobs, 1: blobs/ab, 2: blobs/ab/cd
{
    const char *dir = c->store->data_dir;
    return levels == 0   ? arena_printf(c->arena, "%s/blobs", dir)
           : levels == 1 ? arena_printf(c->arena, "%s/blobs/%.2s", dir, hash.at)
                         : arena_printf(c->arena, "%s/blobs/%.2s/%.2s", dir, hash.at, hash.at + 2);
}
static char *path_of(struct ctx *c, struct str hash)
{
    return arena_printf(c->arena, "%s/" STR_FMT, folder_of(c, hash, 2), STR_ARG(hash));
}

static bool sync_folder(struct ctx *c, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok || io_failed(c, path);
}
static bool make_folders(struct ctx *c, struct str hash)
{
    const char *above = c->store->data_dir;
    for (int level = 0; level <= 2; level++) {
        char *path = folder_of(c, hash, level);
        if (mkdir(path, 0700) == 0) {
            if (!sync_folder(c, above))
                return false;
        } else if (errno != EEXIST)
            return io_failed(c, path);
        above = path;
    }
    return true;
}

// Copies fd's bytes from its beginning into the folder.
static bool into_folder(struct ctx *c, int fd, struct str hash)
{
    char *path = path_of(c, hash);
    if (access(path, F_OK) == 0)
        return true;
    if (!make_folders(c, hash))
        return false;
    char *part = arena_printf(c->arena, "%s/blobs/incoming-XXXXXX", c->store->data_dir);
    int out = mkostemp(part, O_CLOEXEC);
    if (out < 0)
        return io_failed(c, part);
    char *buffer = malloc(PIECE);
    ASSERT(buffer, "out of memory");
    bool ok = true;
    off_t at = 0;
    for (ssize_t n; ok && (n = pread(fd, buffer, PIECE, at)) != 0; at += n)
        for (ssize_t done = 0, k; ok && done < n; done += k)
            ok = n > 0 && (k = write(out, buffer + done, (size_t)(n - done))) > 0;
    free(buffer);
    ok = ok && fsync(out) == 0;
    ok = close(out) == 0 && ok;
    if (!ok || rename(part, path)) {
        io_failed(c, path);
        unlink(part);
        return false;
    }
    return sync_folder(c, folder_of(c, hash, 2));
}

struct pieces {
    struct str hash;
    int64_t size, first, count;
    struct str piece[PIECES_A_WRITE];
    bool last;
};
static bool write_pieces(struct ctx *c, void *arg)
{
    struct pieces *p = arg;
    if (p->first == 0 && !db_exec(c, &blob_begin, "sii", p->hash, p->size, clock_now(c->clock)))
        return false;
    for (int64_t i = 0; i < p->count; i++)
        if (!db_exec(c, &blob_add, "sib", p->hash, p->first + i, p->piece[i]))
            return false;
    return !p->last || db_exec(c, &blob_finish, "s", p->hash);
}
static bool into_table(struct ctx *c, int fd, struct str hash, int64_t size)
{
    int64_t there;
    bool found, ok = true;
    if (!db_int(c, &there, &found, &blob_size, "s", hash))
        return false;
    if (found)
        return true;
    char *buffer = malloc((size_t)PIECE * PIECES_A_WRITE);
    ASSERT(buffer, "out of memory");
    struct pieces p = {.hash = hash, .size = size};
    while (ok && !p.last) {
        p.first += p.count;
        p.count = 0;
        while (ok && p.count < PIECES_A_WRITE && !p.last) {
            off_t from = (p.first + p.count) * PIECE;
            char *to = buffer + p.count * PIECE;
            size_t want = size - from < PIECE ? (size_t)(size - from) : PIECE, have = 0;
            for (ssize_t n; have < want && (n = pread(fd, to + have, want - have, from + (off_t)have)) > 0;)
                have += (size_t)n;
            if (have < want)
                ok = io_failed(c, "reading an attachment");
            if (have)
                p.piece[p.count++] = (struct str){to, have};
            p.last = from + (off_t)want >= size;
        }
        ok = ok && store_write(c, write_pieces, &p);
    }
    free(buffer);
    return ok;
}

static bool put_fd(struct ctx *c, int fd, struct blob_ref *ref)
{
    crypto_generichash_state state;
    unsigned char hash[HASH_BYTES];
    crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
    char *buffer = malloc(PIECE);
    ASSERT(buffer, "out of memory");
    off_t at = 0;
    ssize_t n;
    while ((n = pread(fd, buffer, PIECE, at)) > 0) {
        crypto_generichash_update(&state, (const unsigned char *)buffer, (size_t)n);
        at += n;
    }
    free(buffer);
    if (n < 0)
        return io_failed(c, "reading an attachment");
    crypto_generichash_final(&state, hash, HASH_BYTES);
    ref->hash = str_hex(c->arena, hash, HASH_BYTES);
    ref->size = at;
    return c->store->blobs_in_table ? into_table(c, fd, ref->hash, at) : into_folder(c, fd, ref->hash);
}

bool blob_put_file(struct ctx *c, const char *path, struct blob_ref *ref)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return io_failed(c, path);
    bool ok = put_fd(c, fd, ref);
    close(fd);
    return ok;
}

static bool write_all(int fd, struct str bytes)
{
    for (ssize_t n; bytes.len; bytes = str_sub(bytes, (size_t)n, bytes.len))
        if ((n = write(fd, bytes.at, bytes.len)) <= 0)
            return false;
    return true;
}
static int memory_file(struct ctx *c)
{
    int fd = memfd_create("attachment", MFD_CLOEXEC);
    if (fd < 0)
        io_failed(c, "memfd");
    return fd;
}

bool blob_put(struct ctx *c, struct str bytes, struct blob_ref *ref)
{
    int fd = memory_file(c);
    if (fd < 0)
        return false;
    bool ok = write_all(fd, bytes) || io_failed(c, "memfd");
    ok = ok && put_fd(c, fd, ref);
    close(fd);
    return ok;
}

// Whatever place is configured now, an attachment is found where it was put.
bool blob_open(struct ctx *c, struct str hash, int *fd, int64_t *size)
{
    if (!blob_hash_valid(hash))
        return fail(c, ERR_NOT_FOUND, "store.no_attachment", NULL);
    *fd = open(path_of(c, hash), O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (*fd >= 0 && fstat(*fd, &about) == 0) {
        *size = about.st_size;
        return true;
    }
    if (*fd < 0 && errno != ENOENT && errno != ENOTDIR)
        return io_failed(c, "opening an attachment");
    bool found;
    if (!db_int(c, size, &found, &blob_size, "s", hash))
        return false;
    if (!found)
        return fail(c, ERR_NOT_FOUND, "store.no_attachment", NULL);
    if ((*fd = memory_file(c)) < 0)
        return false;
    struct arena *mine = c->arena, *work = arena_new(); // a piece at a time
    c->arena = work;
    bool ok = true;
    for (int64_t part = 0; ok && part * PIECE < *size; part++) {
        struct rows r;
        db_query(c, &r, &blob_piece, "si", hash, part);
        bool have = rows_next(&r);
        ok = have && (write_all(*fd, rows_bytes(&r, 0)) || io_failed(c, "memfd"));
        if (!rows_done(&r))
            ok = false;
        else if (!have)
            ok = fail_detail(c, "an attachment lacks a piece");
        arena_reset(work);
    }
    c->arena = mine;
    arena_free(work);
    if (ok && lseek(*fd, 0, SEEK_SET) == 0)
        return true;
    close(*fd);
    *fd = -1;
    return false;
}

static bool delete_rows(struct ctx *c, void *arg)
{
    return db_exec(c, &blob_delete, "s", *(struct str *)arg);
}

// A backup in progress holds the lock file: what it may still have to copy stays until it is done.
int blob_hold(struct ctx *c, bool alone)
{
    char *folder = folder_of(c, STR(""), 0);
    if (mkdir(folder, 0700) && errno != EEXIST) {
        io_failed(c, folder);
        return -1;
    }
    char *path = arena_printf(c->arena, "%s/lock", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        io_failed(c, path);
        return -1;
    }
    if (flock(fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
        return fd;
    close(fd);
    c->err->retry_after = 60;
    fail(c, ERR_UNAVAILABLE, "store.busy", NULL);
    fail_detail(c, "attachments are being backed up or removed");
    return -1;
}

bool blob_forget(struct ctx *c, struct str hash)
{
    if (!blob_hash_valid(hash))
        return fail(c, ERR_NOT_FOUND, "store.no_attachment", NULL);
    int lock = blob_hold(c, true);
    if (lock < 0)
        return false;
    char *path = path_of(c, hash);
    bool ok = true;
    if (unlink(path) == 0)
        ok = sync_folder(c, folder_of(c, hash, 2));
    else if (errno != ENOENT && errno != ENOTDIR)
        ok = io_failed(c, path);
    close(lock);
    bool found = false;
    int64_t size;
    if (!ok || !db_int(c, &size, &found, &blob_size, "s", hash))
        return false;
    return !found || store_write(c, delete_rows, &hash);
}

bool blob_sweep(struct ctx *c)
{
    usec before = clock_now(c->clock) - unfinished_for;
    char *folder = folder_of(c, STR(""), 0);
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        struct stat about;
        if (strncmp(entry->d_name, "incoming-", 9) == 0 && fstatat(dirfd(dir), entry->d_name, &about, 0) == 0 &&
            about.st_mtim.tv_sec < before / SECOND)
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir)
        closedir(dir);
    return db_exec(c, &blob_delete_old, "i", before);
}

// ---- taking in what a restore reads, inside its transaction

static bool in_finish(struct ctx *c, struct blob_in *in)
{
    if (in->fd < 0)
        return c->store->blobs_in_table ? db_exec(c, &blob_finish, "s", str_of(in->hash)) : true;
    struct str hash = str_of(in->hash);
    bool ok = fsync(in->fd) == 0;
    ok = close(in->fd) == 0 && ok;
    in->fd = -1;
    if (!ok || rename(in->part, path_of(c, hash))) {
        io_failed(c, in->part);
        unlink(in->part);
        return false;
    }
    if (in->made_count == in->made_room) {
        in->made_room = in->made_room ? in->made_room * 2 : 64;
        in->made = realloc(in->made, in->made_room * sizeof *in->made);
        ASSERT(in->made, "out of memory");
    }
    memcpy(in->made[in->made_count++], in->hash, sizeof in->hash);
    return sync_folder(c, folder_of(c, hash, 2));
}

bool blob_in_begin(struct ctx *c, struct blob_in *in, struct str hash, int64_t size)
{
    snprintf(in->hash, sizeof in->hash, STR_FMT, STR_ARG(hash));
    in->size = size;
    in->at = in->pieces = 0;
    in->fd = -1;
    in->skip = false;
    if (c->store->blobs_in_table) {
        int64_t there;
        return db_int(c, &there, &in->skip, &blob_size, "s", hash) &&
               (in->skip || db_exec(c, &blob_begin, "sii", hash, size, clock_now(c->clock)));
    }
    in->skip = access(path_of(c, hash), F_OK) == 0;
    if (in->skip)
        return true;
    if (!make_folders(c, hash))
        return false;
    snprintf(in->part, sizeof in->part, "%s/blobs/incoming-XXXXXX", c->store->data_dir);
    in->fd = mkostemp(in->part, O_CLOEXEC);
    return in->fd >= 0 || io_failed(c, in->part);
}
bool blob_in_add(struct ctx *c, struct blob_in *in, struct str bytes)
{
    if (in->skip)
        return true;
    ASSERT(bytes.len <= PIECE, "a piece of an attachment is bounded");
    in->at += (int64_t)bytes.len;
    bool ok = true;
    if (bytes.len && in->fd >= 0)
        ok = write_all(in->fd, bytes) || io_failed(c, in->part);
    else if (bytes.len)
        ok = db_exec(c, &blob_add, "sib", str_of(in->hash), in->pieces++, bytes);
    return ok && (in->at < in->size || in_finish(c, in));
}
void blob_in_end(struct ctx *c, struct blob_in *in, bool keep)
{
    if (in->fd > 0) {
        close(in->fd);
        unlink(in->part);
    }
    for (size_t i = 0; !keep && i < in->made_count; i++)
        unlink(path_of(c, str_of(in->made[i])));
    free(in->made);
}
