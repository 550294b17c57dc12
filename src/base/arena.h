// Memory by arena: whatever a request makes lives in its arena and goes with it, so functions have no free paths.
// An arena belongs to one thread at a time. Allocation never returns NULL: out of memory ends the process with a message,
// since nothing acknowledged is lost by that (see store/db.h).
#pragma once
#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);  // NULL is fine
void arena_reset(struct arena *a); // gives everything back but the first block, for the next request

void *arena_alloc(struct arena *a, size_t bytes);                            // zeroed, aligned for any type
void *arena_grow(struct arena *a, void *old, size_t old_bytes, size_t bytes); // moves or extends; the rest is zeroed
size_t arena_used(const struct arena *a);                                    // bytes handed out since the last reset
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *format, va_list args);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_alloc((a), sizeof(type) * (size_t)(count)))
