#include "base/map.h"

#include <stdlib.h>

#include "base/error.h"

// Open addressing with linear probing, at most 3/4 full; removal moves later members of the run back, so there are no tombstones.

static uint64_t mix(uint64_t x) // splitmix64's finisher
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static size_t find(const struct map *m, uint64_t key)
{
    size_t i = mix(key) & (m->room - 1);
    while (m->slots[i].value && m->slots[i].key != key)
        i = (i + 1) & (m->room - 1);
    return i;
}

void *map_get(const struct map *m, uint64_t key)
{
    return m->room ? m->slots[find(m, key)].value : NULL;
}

void *map_put(struct map *m, uint64_t key, void *value)
{
    ASSERT(value, "a map holds no NULL");
    if ((m->count + 1) * 4 > m->room * 3) {
        struct map bigger = {calloc(m->room ? m->room * 2 : 16, sizeof *m->slots), m->count, m->room ? m->room * 2 : 16};
        ASSERT(bigger.slots, "out of memory");
        for (size_t i = 0; i < m->room; i++)
            if (m->slots[i].value)
                bigger.slots[find(&bigger, m->slots[i].key)] = m->slots[i];
        free(m->slots);
        *m = bigger;
    }
    struct map_slot *s = &m->slots[find(m, key)];
    void *former = s->value;
    m->count += !former;
    *s = (struct map_slot){key, value};
    return former;
}

void *map_take(struct map *m, uint64_t key)
{
    if (!m->room)
        return NULL;
    size_t i = find(m, key);
    void *value = m->slots[i].value;
    if (!value)
        return NULL;
    for (size_t j = (i + 1) & (m->room - 1); m->slots[j].value; j = (j + 1) & (m->room - 1)) {
        size_t home = mix(m->slots[j].key) & (m->room - 1);
        if (((j - home) & (m->room - 1)) >= ((j - i) & (m->room - 1))) {
            m->slots[i] = m->slots[j];
            i = j;
        }
    }
    m->slots[i] = (struct map_slot){0, NULL};
    m->count--;
    return value;
}

bool map_next(const struct map *m, size_t *at, uint64_t *key, void **value)
{
    for (; *at < m->room; ++*at)
        if (m->slots[*at].value) {
            *key = m->slots[*at].key;
            *value = m->slots[(*at)++].value;
            return true;
        }
    return false;
}

void map_free(struct map *m)
{
    free(m->slots);
    *m = (struct map){0};
}

static size_t str_find_slot(const struct str_map *m, struct str key, uint64_t hash)
{
    size_t i = hash & (m->room - 1);
    while (m->slots[i].key && !(m->slots[i].hash == hash && m->slots[i].len == key.len &&
                                memcmp(m->slots[i].key, key.at, key.len) == 0))
        i = (i + 1) & (m->room - 1);
    return i;
}

void *str_map_get(const struct str_map *m, struct str key)
{
    return m->room ? m->slots[str_find_slot(m, key, str_hash(key))].value : NULL;
}

void *str_map_put(struct str_map *m, struct str key, void *value)
{
    ASSERT(value, "a map holds no NULL");
    uint64_t hash = str_hash(key);
    if ((m->count + 1) * 4 > m->room * 3) {
        struct str_map bigger = {calloc(m->room ? m->room * 2 : 16, sizeof *m->slots), m->count, m->room ? m->room * 2 : 16};
        ASSERT(bigger.slots, "out of memory");
        for (size_t i = 0; i < m->room; i++)
            if (m->slots[i].key)
                bigger.slots[str_find_slot(&bigger, (struct str){m->slots[i].key, m->slots[i].len}, m->slots[i].hash)] =
                    m->slots[i];
        free(m->slots);
        *m = bigger;
    }
    struct str_map_slot *s = &m->slots[str_find_slot(m, key, hash)];
    void *former = s->value;
    if (!s->key) {
        s->key = malloc(key.len + 1);
        ASSERT(s->key, "out of memory");
        memcpy(s->key, key.at, key.len);
        s->key[key.len] = 0;
        s->len = key.len;
        s->hash = hash;
        m->count++;
    }
    s->value = value;
    return former;
}

void *str_map_take(struct str_map *m, struct str key)
{
    if (!m->room)
        return NULL;
    size_t i = str_find_slot(m, key, str_hash(key));
    void *value = m->slots[i].value;
    if (!m->slots[i].key)
        return NULL;
    free(m->slots[i].key);
    for (size_t j = (i + 1) & (m->room - 1); m->slots[j].key; j = (j + 1) & (m->room - 1)) {
        size_t home = m->slots[j].hash & (m->room - 1);
        if (((j - home) & (m->room - 1)) >= ((j - i) & (m->room - 1))) {
            m->slots[i] = m->slots[j];
            i = j;
        }
    }
    m->slots[i] = (struct str_map_slot){0};
    m->count--;
    return value;
}

bool str_map_next(const struct str_map *m, size_t *at, struct str *key, void **value)
{
    for (; *at < m->room; ++*at)
        if (m->slots[*at].key) {
            *key = (struct str){m->slots[*at].key, m->slots[*at].len};
            *value = m->slots[(*at)++].value;
            return true;
        }
    return false;
}

void str_map_free(struct str_map *m)
{
    for (size_t i = 0; i < m->room; i++)
        free(m->slots[i].key);
    free(m->slots);
    *m = (struct str_map){0};
}
