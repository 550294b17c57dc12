#include "identity/password.h"

#include <sodium.h>
#include <stdio.h>
#include <time.h>

#include "base/conf.h"
#include "base/rand.h"
#include "identity/keys.h"

enum { LEAST_CHARS = 10, MOST_CHARS = 200, AT_ONCE = 2, MOST_WAITING = 32, PATIENCE_SECONDS = 10 };
#define PASSES 3 // over the memory; RFC 9106 gives 3 for its 64 MiB setting

// Of ten and more characters, in lower case; shorter ones fall by their length.
static const char *const commonest[] = {
    "1234567890",   "0123456789",    "0987654321",   "9876543210",  "12345678910", "123456789a",   "a123456789",   "1q2w3e4r5t",
    "q1w2e3r4t5",   "1qaz2wsx3edc",  "qazwsxedcrfv", "qwertyuiop",  "qwerty1234",  "qwerty12345",  "qwertyuiop123", "asdfghjkl;",
    "asdfghjkl123", "zxcvbnm123",    "password12",   "password123", "password1234", "passw0rd123", "p@ssw0rd123",  "p@ssword123",
    "iloveyou123",  "iloveyou1314",  "woaini1314",   "woaini520",   "woaini5201314", "5201314520", "1314520520",   "a1b2c3d4e5",
    "abc1234567",   "abcd123456",    "abcdefghij",   "aa12345678",  "qq123456789", "admin12345",   "admin123456",  "administrator",
    "welcome123",   "letmein123",    "changeme123",  "football123", "superman123", "1122334455",   "1212121212",   "1231231231",
    "123123123123", "147258369a",    "1472583690",   "3.1415926535", "yingda1234", "yingda12345",
};

static bool one_character(struct str s)
{
    for (size_t i = 1; i < s.len; i++)
        if (s.at[i] != s.at[0])
            return false;
    return true;
}

bool password_check(struct ctx *c, struct str field, struct str password, struct str email)
{
    size_t chars = str_chars(password), at;
    if (chars < LEAST_CHARS)
        return fail_field(c, field, "identity.password_short", "10", NULL);
    if (chars > MOST_CHARS)
        return fail_field(c, field, "identity.password_long", "200", NULL);
    struct str name = str_find(email, STR("@"), &at) ? str_sub(email, 0, at) : email;
    if (email.len && (str_eq_nocase(password, email) || str_eq_nocase(password, name)))
        return fail_field(c, field, "identity.password_is_email", NULL);
    bool common = one_character(password);
    for (size_t i = 0; i < sizeof commonest / sizeof *commonest; i++)
        common |= str_eq_nocase(password, str_of(commonest[i]));
    return !common || fail_field(c, field, "identity.password_common", NULL);
}

static bool enter(struct ctx *c)
{
    struct keys *k = c->keys;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_SECONDS;
    pthread_mutex_lock(&k->hashing);
    bool fine = k->hashing_wait < MOST_WAITING;
    k->hashing_wait++;
    while (fine && k->hashing_now >= AT_ONCE)
        fine = pthread_cond_timedwait(&k->hashed, &k->hashing, &until) == 0;
    k->hashing_wait--;
    if (fine)
        k->hashing_now++;
    pthread_mutex_unlock(&k->hashing);
    if (fine)
        return true;
    fail(c, ERR_UNAVAILABLE, "identity.busy", NULL);
    c->err->retry_after = 2;
    return false;
}

static void leave(struct ctx *c)
{
    pthread_mutex_lock(&c->keys->hashing);
    c->keys->hashing_now--;
    pthread_cond_signal(&c->keys->hashed);
    pthread_mutex_unlock(&c->keys->hashing);
}

static size_t memory_of(struct ctx *c)
{
    return (size_t)c->conf->argon_mib << 20;
}

static bool hash(struct ctx *c, struct str password, char out[crypto_pwhash_STRBYTES])
{
    if (crypto_pwhash_str_alg(out, password.at, password.len, PASSES, memory_of(c), crypto_pwhash_ALG_ARGON2ID13) == 0)
        return true;
    fail(c, ERR_UNAVAILABLE, "identity.busy", NULL);
    return fail_detail(c, "argon2id found no %lld MiB of memory", (long long)c->conf->argon_mib);
}

bool password_hash(struct ctx *c, struct str password, struct str *hashed)
{
    char out[crypto_pwhash_STRBYTES];
    if (!enter(c))
        return false;
    bool fine = hash(c, password, out);
    leave(c);
    if (fine)
        *hashed = str_dup(c->arena, str_of(out));
    return fine;
}

// What an unknown address is checked against, so that the time of the answer tells nobody which addresses exist.
static bool nobody_hash(struct ctx *c, char out[crypto_pwhash_STRBYTES])
{
    struct keys *k = c->keys;
    _Static_assert(sizeof k->nobody >= crypto_pwhash_STRBYTES, "room for one hash");
    pthread_mutex_lock(&k->hashing);
    memcpy(out, k->nobody, crypto_pwhash_STRBYTES);
    pthread_mutex_unlock(&k->hashing);
    if (out[0])
        return true;
    if (!hash(c, rand_token(c->arena, 32), out))
        return false;
    pthread_mutex_lock(&k->hashing);
    memcpy(k->nobody, out, crypto_pwhash_STRBYTES);
    pthread_mutex_unlock(&k->hashing);
    return true;
}

bool password_verify(struct ctx *c, struct str hashed, struct str password, bool *right, bool *stale)
{
    *right = *stale = false;
    char known[crypto_pwhash_STRBYTES] = "";
    if (!enter(c))
        return false;
    bool fine = true;
    if (hashed.len && hashed.len < sizeof known)
        memcpy(known, hashed.at, hashed.len);
    else
        fine = nobody_hash(c, known);
    if (fine) {
        *right = crypto_pwhash_str_verify(known, password.at, password.len) == 0 && hashed.len;
        *stale = *right && crypto_pwhash_str_needs_rehash(known, PASSES, memory_of(c)) != 0;
    }
    leave(c);
    return fine;
}
