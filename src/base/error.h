// One error type. A function that can fail returns false (or NULL) after filling the ctx's error; nobody logs what they return.
// `key` is the stable code of the problem document ("conversation.not_open") and the key of its text in lang/*.txt.
#pragma once
#include "base/str.h"

enum error_code {
    ERR_NONE,
    ERR_MALFORMED,       // 400 not JSON, broken UTF-8, bad cursor …
    ERR_UNAUTHENTICATED, // 401
    ERR_FORBIDDEN,       // 403
    ERR_NOT_FOUND,       // 404
    ERR_METHOD,          // 405
    ERR_CONFLICT,        // 409 state or uniqueness
    ERR_PRECONDITION,    // 412 If-Match
    ERR_TOO_LARGE,       // 413
    ERR_MEDIA_TYPE,      // 415
    ERR_INVALID,         // 422 field errors
    ERR_LIMIT,           // 429 with retry_after
    ERR_INTERNAL,        // 500 details only in the log
    ERR_UNAVAILABLE,     // 503 store full or away, draining
};

struct field_error {
    struct str field; // JSON pointer without the leading slash: "name", "origins/2"
    const char *key;
    struct str args[3];
};

struct error {
    enum error_code code;
    const char *key;
    struct str args[3];
    struct field_error *fields;
    size_t field_count, field_room;
    int retry_after;  // seconds, with ERR_LIMIT and ERR_UNAVAILABLE
    char detail[240]; // for the log only: never shown to a client
};

struct ctx;
// All return false, so that `return fail(…)` reads well. Arguments after the key are `const char *` and end with NULL (up to 3).
bool fail(struct ctx *c, enum error_code code, const char *key, ...) __attribute__((sentinel));
// Adds a field error (code becomes ERR_INVALID, key "invalid"); the parse goes on to find them all.
bool fail_field(struct ctx *c, struct str field, const char *key, ...) __attribute__((sentinel));
// For the log: what the engine or library said. Keeps the code and key that are there, or sets ERR_INTERNAL "internal".
bool fail_detail(struct ctx *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void error_clear(struct error *e);
int error_http_status(enum error_code code);

// A broken invariant: prints and aborts, in production builds too. Never on user input.
#define ASSERT(condition, message) \
    do { \
        if (__builtin_expect(!(condition), 0)) assert_failed(#condition, message, __FILE__, __LINE__); \
    } while (0)
void assert_failed(const char *condition, const char *message, const char *file, int line)
    __attribute__((noreturn));
