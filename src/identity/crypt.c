// house: malloc — the keys live as long as the process and are wiped at its end.
#include "identity/crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conf.h"
#include "identity/keys.h"
#include "schema/id.h"
#include "schema/list.h"

enum { MOST_KEYS = 1000, KEY_FILE_ROOM = 128 * 1024, NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
       TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES, SEALED_HEAD = 5 };
#define SEALED_FORMAT 1 // first byte of a sealed value; four bytes of key number, nonce and box follow

void keys_derive(const struct keys *k, const char *purpose, uint8_t key[32])
{
    crypto_generichash(key, 32, (const uint8_t *)purpose, strlen(purpose), k->root, sizeof k->root);
}

static void put_key(struct buf *b, const char *kind, uint32_t number, const uint8_t key[32])
{
    buf_printf(b, "%s %u " STR_FMT "\n", kind, number, STR_ARG(str_hex(b->arena, key, 32)));
}

// The file is replaced as a whole, durably. fresh: there must be none yet (two processes may start at once).
static bool write_file(struct ctx *c, const char *path, struct str text, bool fresh)
{
    char *next = arena_printf(c->arena, "%s.%d.new", path, (int)getpid());
    int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool fine = fd >= 0 && write(fd, text.at, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (fine && fresh)
        fine = link(next, path) == 0 || errno == EEXIST;
    else if (fine)
        fine = rename(next, path) == 0;
    int why = errno;
    if (!fine || fresh)
        unlink(next);
    int dir = open(c->conf->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        fine = fsync(dir) == 0 && fine;
        close(dir);
    }
    if (!fine) {
        fail(c, ERR_INTERNAL, "identity.keys_unreadable", path, NULL);
        return fail_detail(c, "%s", strerror(why));
    }
    return true;
}

static bool make_file(struct ctx *c, const char *path)
{
    uint8_t root[32], field[32];
    randombytes_buf(root, sizeof root);
    randombytes_buf(field, sizeof field);
    struct buf b = {.arena = c->arena};
    put_key(&b, "root", 1, root);
    put_key(&b, "field", 1, field);
    bool fine = write_file(c, path, buf_str(&b), true);
    sodium_memzero(root, sizeof root);
    sodium_memzero(field, sizeof field);
    sodium_memzero(b.at, b.len);
    return fine;
}

struct key_file {
    uint8_t root[32];
    struct field_key field[MOST_KEYS];
    size_t count;
};

static bool read_line(struct str line, struct key_file *f, bool *has_root)
{
    struct str kind, number, hex = line;
    int64_t n;
    if (!str_split(&hex, ' ', &kind) || !str_split(&hex, ' ', &number) || !str_int(number, &n) || n < 1 || n > UINT32_MAX)
        return false;
    if (str_is(kind, "root") && !*has_root) {
        *has_root = true;
        return str_unhex(str_trim(hex), f->root, 32);
    }
    if (!str_is(kind, "field") || f->count == MOST_KEYS || (f->count && f->field[f->count - 1].number >= n))
        return false;
    f->field[f->count].number = (uint32_t)n;
    return str_unhex(str_trim(hex), f->field[f->count++].key, 32);
}

static bool parse_file(struct str text, struct key_file *f)
{
    struct str line;
    bool has_root = false;
    f->count = 0;
    while (text.len && str_split(&text, '\n', &line)) {
        line = str_trim(line);
        if (line.len && line.at[0] != '#' && !read_line(line, f, &has_root))
            return false;
    }
    return has_root && f->count;
}

// Reads the file into `f`. Whoever may read it can read every personal field, so it must be nobody else's.
static bool read_file(struct ctx *c, const char *path, struct key_file *f, bool *missing)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *missing = fd < 0 && errno == ENOENT;
    if (fd < 0) {
        fail(c, ERR_INTERNAL, "identity.keys_unreadable", path, NULL);
        return fail_detail(c, "%s", strerror(errno));
    }
    struct stat st;
    char *text = arena_alloc(c->arena, KEY_FILE_ROOM);
    ssize_t got = -1;
    if (fstat(fd, &st) == 0 && st.st_size < KEY_FILE_ROOM)
        got = read(fd, text, KEY_FILE_ROOM - 1);
    close(fd);
    if (got >= 0 && st.st_mode & 077)
        return fail(c, ERR_INTERNAL, "identity.keys_open_to_others", path, NULL);
    bool fine = got > 0 && parse_file((struct str){text, (size_t)got}, f);
    sodium_memzero(text, KEY_FILE_ROOM);
    return fine || fail(c, ERR_INTERNAL, "identity.keys_unreadable", path, NULL);
}

static void take_fields(struct keys *k, const struct key_file *f)
{
    ASSERT(f->count, "a key file has a field key");
    struct field_key *fresh = malloc(f->count * sizeof *fresh);
    ASSERT(fresh, "out of memory");
    memcpy(fresh, f->field, f->count * sizeof *fresh);
    pthread_rwlock_wrlock(&k->lock);
    struct field_key *old = k->field;
    size_t old_count = k->count;
    k->field = fresh;
    k->count = f->count;
    pthread_rwlock_unlock(&k->lock);
    if (old) {
        sodium_memzero(old, old_count * sizeof *old);
        free(old);
    }
}

struct keys *keys_open(struct ctx *c)
{
    char *path = arena_printf(c->arena, "%s/yingda.keys", c->conf->data_dir);
    struct key_file *f = ARENA_NEW(c->arena, struct key_file);
    bool missing;
    if (!read_file(c, path, f, &missing)) {
        if (!missing)
            return NULL;
        error_clear(c->err);
        if (!make_file(c, path) || !read_file(c, path, f, &missing))
            return NULL;
    }
    struct keys *k = calloc(1, sizeof *k);
    ASSERT(k, "out of memory");
    k->path = strdup(path);
    pthread_rwlock_init(&k->lock, NULL);
    pthread_mutex_init(&k->hashing, NULL);
    pthread_cond_init(&k->hashed, NULL);
    memcpy(k->root, f->root, sizeof k->root);
    take_fields(k, f);
    k->access = access_new();
    sodium_memzero(f, sizeof *f);
    uint8_t key[32];
    keys_derive(k, "ids", key);
    id_setup(key);
    keys_derive(k, "cursors", key);
    list_setup(key);
    sodium_memzero(key, sizeof key);
    return k;
}

void keys_close(struct keys *k)
{
    if (!k)
        return;
    access_free(k->access);
    sodium_memzero(k->field, k->count * sizeof *k->field);
    free(k->field);
    free(k->path);
    pthread_rwlock_destroy(&k->lock);
    pthread_mutex_destroy(&k->hashing);
    pthread_cond_destroy(&k->hashed);
    sodium_memzero(k, sizeof *k);
    free(k);
}

struct str keys_fingerprint(struct ctx *c)
{
    uint8_t key[32];
    keys_derive(c->keys, "fingerprint", key);
    return str_hex(c->arena, key, 8);
}

uint32_t keys_current(struct ctx *c)
{
    pthread_rwlock_rdlock(&c->keys->lock);
    uint32_t number = c->keys->field[c->keys->count - 1].number;
    pthread_rwlock_unlock(&c->keys->lock);
    return number;
}

bool keys_reload(struct ctx *c)
{
    struct key_file *f = ARENA_NEW(c->arena, struct key_file);
    bool missing;
    if (!read_file(c, c->keys->path, f, &missing))
        return false;
    bool same = sodium_memcmp(f->root, c->keys->root, sizeof f->root) == 0;
    if (same)
        take_fields(c->keys, f);
    sodium_memzero(f, sizeof *f);
    return same || fail(c, ERR_INTERNAL, "identity.wrong_keys", NULL);
}

static bool add_to_file(struct ctx *c)
{
    struct keys *k = c->keys;
    struct key_file *f = ARENA_NEW(c->arena, struct key_file);
    bool missing;
    if (!read_file(c, k->path, f, &missing))
        return false;
    if (f->count == MOST_KEYS)
        return fail(c, ERR_CONFLICT, "identity.too_many_keys", NULL);
    f->field[f->count].number = f->field[f->count - 1].number + 1;
    randombytes_buf(f->field[f->count++].key, 32);
    struct buf b = {.arena = c->arena};
    put_key(&b, "root", 1, f->root);
    for (size_t i = 0; i < f->count; i++)
        put_key(&b, "field", f->field[i].number, f->field[i].key);
    bool fine = write_file(c, k->path, buf_str(&b), false);
    if (fine)
        take_fields(k, f);
    sodium_memzero(b.at, b.len);
    sodium_memzero(f, sizeof *f);
    return fine;
}

bool keys_add(struct ctx *c)
{
    int lock = open(c->conf->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0 || flock(lock, LOCK_EX)) {
        if (lock >= 0)
            close(lock);
        return fail(c, ERR_INTERNAL, "identity.keys_unreadable", c->keys->path, NULL);
    }
    bool fine = add_to_file(c);
    close(lock);
    return fine;
}

static bool find_key(struct keys *k, uint32_t number, struct field_key *out)
{
    bool found = false;
    pthread_rwlock_rdlock(&k->lock);
    for (size_t i = k->count; i-- && !found;) {
        found = number == 0 || k->field[i].number == number;
        if (found)
            *out = k->field[i];
    }
    pthread_rwlock_unlock(&k->lock);
    return found;
}

struct str field_seal(struct ctx *c, const char *context, struct str plain)
{
    if (!plain.len)
        return STR("");
    struct field_key key;
    ASSERT(find_key(c->keys, 0, &key), "there is always a field key");
    size_t size = SEALED_HEAD + NONCE + plain.len + TAG;
    uint8_t *out = arena_alloc(c->arena, size);
    out[0] = SEALED_FORMAT;
    for (int i = 0; i < 4; i++)
        out[1 + i] = (uint8_t)(key.number >> (8 * i));
    randombytes_buf(out + SEALED_HEAD, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + SEALED_HEAD + NONCE, NULL, (const uint8_t *)plain.at, plain.len,
                                               (const uint8_t *)context, strlen(context), NULL, out + SEALED_HEAD, key.key);
    sodium_memzero(&key, sizeof key);
    return (struct str){(const char *)out, size};
}

uint32_t field_key_of(struct str sealed)
{
    const uint8_t *at = (const uint8_t *)sealed.at;
    if (sealed.len < SEALED_HEAD + NONCE + TAG || at[0] != SEALED_FORMAT)
        return 0;
    return at[1] | (uint32_t)at[2] << 8 | (uint32_t)at[3] << 16 | (uint32_t)at[4] << 24;
}

bool field_open(struct ctx *c, const char *context, struct str sealed, struct str *plain)
{
    *plain = STR("");
    if (!sealed.len)
        return true;
    uint32_t number = field_key_of(sealed);
    struct field_key key;
    // Another process may have rotated since: look into the file once more before giving up.
    if (!number || (!find_key(c->keys, number, &key) && (!keys_reload(c) || !find_key(c->keys, number, &key))))
        return fail(c, ERR_INTERNAL, "identity.sealed_broken", context, NULL);
    const uint8_t *at = (const uint8_t *)sealed.at;
    size_t box = sealed.len - SEALED_HEAD - NONCE;
    uint8_t *out = arena_alloc(c->arena, box - TAG + 1);
    int bad = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, at + SEALED_HEAD + NONCE, box, (const uint8_t *)context,
                                                         strlen(context), at + SEALED_HEAD, key.key);
    sodium_memzero(&key, sizeof key);
    if (bad)
        return fail(c, ERR_INTERNAL, "identity.sealed_broken", context, NULL);
    *plain = (struct str){(const char *)out, box - TAG};
    return true;
}

// Keyed by the purpose, so that what one thing signed is worth nothing for another.
static void keyed_hash(struct ctx *c, const char *family, const char *purpose, struct str text, uint8_t out[32])
{
    uint8_t key[32];
    keys_derive(c->keys, arena_printf(c->arena, "%s %s", family, purpose), key);
    crypto_generichash(out, 32, (const uint8_t *)text.at, text.len, key, sizeof key);
    sodium_memzero(key, sizeof key);
}

struct str field_lookup_hash(struct ctx *c, const char *context, struct str plain)
{
    if (!plain.len)
        return STR("");
    uint8_t hash[32];
    keyed_hash(c, "lookup", context, plain, hash);
    return str_hex(c->arena, hash, sizeof hash);
}

struct str sign_text(struct ctx *c, const char *purpose, struct str text)
{
    uint8_t hash[32];
    keyed_hash(c, "sign", purpose, text, hash);
    return str_base64url(c->arena, hash, sizeof hash);
}

bool equal_in_constant_time(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || sodium_memcmp(a.at, b.at, a.len) == 0);
}

bool sign_check(struct ctx *c, const char *purpose, struct str text, struct str signature)
{
    return equal_in_constant_time(sign_text(c, purpose, text), signature);
}

struct str signed_token(struct ctx *c, const char *purpose, struct str payload, usec expires)
{
    struct str text = str_printf(c->arena, STR_FMT ".%lld", STR_ARG(payload), (long long)expires);
    return str_printf(c->arena, STR_FMT "." STR_FMT, STR_ARG(text), STR_ARG(sign_text(c, purpose, text)));
}

bool signed_token_open(struct ctx *c, const char *purpose, struct str token, struct str *payload)
{
    if (token.len > 2000)
        return false;
    struct str rest = token, said, expiry;
    int64_t expires;
    if (!str_split(&rest, '.', &said) || !str_split(&rest, '.', &expiry) || !str_int(expiry, &expires) || expires < 0)
        return false;
    struct str text = str_sub(token, 0, said.len + 1 + expiry.len);
    if (!sign_check(c, purpose, text, rest) || (expires && clock_now(c->clock) >= expires))
        return false;
    *payload = str_dup(c->arena, said);
    return true;
}

bool hmac_hex_check(struct str key, struct str text, struct str hex)
{
    uint8_t said[32], ours[32];
    if (!str_unhex(hex, said, sizeof said))
        return false;
    crypto_auth_hmacsha256_state s;
    crypto_auth_hmacsha256_init(&s, (const uint8_t *)key.at, key.len);
    crypto_auth_hmacsha256_update(&s, (const uint8_t *)text.at, text.len);
    crypto_auth_hmacsha256_final(&s, ours);
    sodium_memzero(&s, sizeof s);
    return sodium_memcmp(said, ours, sizeof ours) == 0;
}
