// A hash map from a 64-bit number or from a text to a pointer. Grows; owns its table and copies of its text keys, never the values.
//     struct map m = {0};  map_put(&m, 7, p);  p = map_get(&m, 7);  map_free(&m);
#pragma once
#include "base/str.h"

struct map_slot {
    uint64_t key;
    void *value; // NULL: free
};
struct map {
    struct map_slot *slots;
    size_t count, room; // room is 0 or a power of two
};
void *map_get(const struct map *m, uint64_t key);
void *map_put(struct map *m, uint64_t key, void *value); // value not NULL; returns the former one or NULL
void *map_take(struct map *m, uint64_t key);             // removes and returns it, or NULL
bool map_next(const struct map *m, size_t *at, uint64_t *key, void **value); // start with *at = 0; no changes meanwhile
void map_free(struct map *m);

struct str_map_slot {
    char *key; // owned
    size_t len;
    uint64_t hash;
    void *value;
};
struct str_map {
    struct str_map_slot *slots;
    size_t count, room;
};
void *str_map_get(const struct str_map *m, struct str key);
void *str_map_put(struct str_map *m, struct str key, void *value); // copies the key; returns the former value or NULL
void *str_map_take(struct str_map *m, struct str key);
bool str_map_next(const struct str_map *m, size_t *at, struct str *key, void **value);
void str_map_free(struct str_map *m);
