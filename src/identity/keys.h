// Inside identity: what the process holds for the room beside the keys themselves. One object, reached by c->keys, so that there is no global.
#pragma once
#include <pthread.h>
#include "identity/crypt.h"

struct access; // access.c: callers that were verified lately, listeners

struct field_key {
    uint32_t number;
    uint8_t key[32];
};
struct keys {
    char *path; // of the key file
    uint8_t root[32];
    pthread_rwlock_t lock; // guards the field keys
    struct field_key *field;
    size_t count; // at least 1; the last one seals
    struct access *access;
    // Password hashing takes much memory and time: a few at once, a few more may wait (password.c).
    pthread_mutex_t hashing;
    pthread_cond_t hashed;
    int hashing_now, hashing_wait;
    char nobody[128]; // a hash that no password fits, made when first needed
};
// A key of its own for each purpose, from the root key.
void keys_derive(const struct keys *k, const char *purpose, uint8_t key[32]);
// Adds a field key to the file and to `k`, without the job (keys_rotate does both).
bool keys_add(struct ctx *c);

struct access *access_new(void);
void access_free(struct access *a);
