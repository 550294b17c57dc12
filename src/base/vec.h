// A typed growing array in an arena.
//     struct { VEC(int64_t); } ids = {0};
//     VEC_PUSH(arena, &ids, 7);      for (size_t i = 0; i < ids.count; i++) use(ids.at[i]);
#pragma once
#include "base/arena.h"

#define VEC(type) \
    type *at; \
    size_t count, room

#define VEC_PUSH(arena_, v, ...) \
    do { \
        if ((v)->count == (v)->room) { \
            size_t more_ = (v)->room ? (v)->room * 2 : 8; \
            (v)->at = arena_grow((arena_), (v)->at, (v)->room * sizeof *(v)->at, more_ * sizeof *(v)->at); \
            (v)->room = more_; \
        } \
        (v)->at[(v)->count++] = (__VA_ARGS__); \
    } while (0)
