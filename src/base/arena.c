#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

// Blocks are chained newest first. The first block is kept over a reset; a block that one large allocation needed is freed then.
enum { FIRST_BLOCK = 8 * 1024, MOST_BLOCK = 256 * 1024, ALIGN = 16 };

struct block {
    struct block *older;
    size_t size, used;
    _Alignas(ALIGN) char bytes[];
};

struct arena {
    struct block *newest;
    size_t handed_out;
};

static struct block *block_new(size_t size, struct block *older)
{
    struct block *b = malloc(sizeof *b + size);
    ASSERT(b, "out of memory");
    b->older = older;
    b->size = size;
    b->used = 0;
    return b;
}

struct arena *arena_new(void)
{
    struct arena *a = calloc(1, sizeof *a);
    ASSERT(a, "out of memory");
    return a;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    for (struct block *b = a->newest, *older; b; b = older) {
        older = b->older;
        free(b);
    }
    free(a);
}

void arena_reset(struct arena *a)
{
    struct block *b = a->newest;
    if (!b)
        return;
    for (; b->older; b = a->newest) {
        a->newest = b->older;
        free(b);
    }
    if (b->size > MOST_BLOCK) { // a huge first request must not stay for ever
        free(b);
        b = NULL;
    } else {
        b->used = 0;
    }
    a->newest = b;
    a->handed_out = 0;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    ASSERT(bytes < (size_t)1 << 40, "an allocation larger than any limit allows");
    size_t need = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    struct block *b = a->newest;
    if (!b || b->size - b->used < need) {
        size_t size = b ? b->size * 2 : FIRST_BLOCK;
        if (size > MOST_BLOCK)
            size = MOST_BLOCK;
        if (size < need)
            size = need;
        b = a->newest = block_new(size, b);
    }
    void *p = b->bytes + b->used;
    b->used += need;
    a->handed_out += need;
    return memset(p, 0, bytes);
}

void *arena_grow(struct arena *a, void *old, size_t old_bytes, size_t bytes)
{
    if (bytes <= old_bytes)
        return old;
    struct block *b = a->newest;
    size_t held = (old_bytes + ALIGN - 1) / ALIGN * ALIGN, need = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    // The last allocation grows in place where its block has room.
    if (old && b && (char *)old + held == b->bytes + b->used && b->size - b->used >= need - held) {
        memset((char *)old + old_bytes, 0, bytes - old_bytes);
        b->used += need - held;
        a->handed_out += need - held;
        return old;
    }
    void *p = arena_alloc(a, bytes);
    if (old && old_bytes)
        memcpy(p, old, old_bytes);
    return p;
}

size_t arena_used(const struct arena *a)
{
    return a->handed_out;
}

char *arena_vprintf(struct arena *a, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    ASSERT(length >= 0, "a format that vsnprintf refuses");
    char *text = arena_alloc(a, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(a, format, args);
    va_end(args);
    return text;
}
