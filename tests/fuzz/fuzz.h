// A fuzz target: one input in, no crash, no leak, no undefined behaviour. Each gets a ctx of its own input.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/ctx.h"
#include "base/rand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_ctx {
    struct ctx c;
    struct error error;
};
static inline struct ctx *fuzz_begin(struct fuzz_ctx *f)
{
    static bool ready;
    if (!ready)
        rand_setup();
    ready = true;
    *f = (struct fuzz_ctx){.c = {.arena = arena_new(), .clock = &system_clock, .lang = LANG_EN}};
    f->c.err = &f->error;
    return &f->c;
}
static inline void fuzz_end(struct fuzz_ctx *f)
{
    arena_free(f->c.arena);
}
