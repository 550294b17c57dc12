#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "base/vec.h"

static void take_args(struct arena *a, struct str args[3], va_list from)
{
    for (int i = 0; i < 3; i++)
        args[i] = (struct str){"", 0};
    for (int i = 0; i < 3; i++) {
        const char *arg = va_arg(from, const char *);
        if (!arg)
            return;
        args[i] = str_dup(a, str_of(arg));
    }
}

bool fail(struct ctx *c, enum error_code code, const char *key, ...)
{
    struct error *e = c->err;
    va_list args;
    va_start(args, key);
    e->code = code;
    e->key = key;
    e->detail[0] = 0;
    e->fields = NULL;
    e->field_count = e->field_room = 0;
    if (!e->retry_after && (code == ERR_LIMIT || code == ERR_UNAVAILABLE))
        e->retry_after = 1;
    take_args(c->arena, e->args, args);
    va_end(args);
    return false;
}

enum { MOST_FIELD_ERRORS = 100 };

bool fail_field(struct ctx *c, struct str field, const char *key, ...)
{
    struct error *e = c->err;
    if (e->code != ERR_INVALID || !e->field_count)
        fail(c, ERR_INVALID, "invalid", NULL);
    if (e->field_count == MOST_FIELD_ERRORS)
        return false;
    if (e->field_count == e->field_room) {
        size_t room = e->field_room ? e->field_room * 2 : 4;
        e->fields = arena_grow(c->arena, e->fields, e->field_room * sizeof *e->fields, room * sizeof *e->fields);
        e->field_room = room;
    }
    struct field_error *f = &e->fields[e->field_count++];
    f->field = str_dup(c->arena, field);
    f->key = key;
    va_list args;
    va_start(args, key);
    take_args(c->arena, f->args, args);
    va_end(args);
    return false;
}

bool fail_detail(struct ctx *c, const char *format, ...)
{
    if (c->err->code == ERR_NONE)
        fail(c, ERR_INTERNAL, "internal", NULL);
    va_list args;
    va_start(args, format);
    vsnprintf(c->err->detail, sizeof c->err->detail, format, args);
    va_end(args);
    return false;
}

void error_clear(struct error *e)
{
    *e = (struct error){0};
}

int error_http_status(enum error_code code)
{
    static const int status[] = {
        [ERR_NONE] = 200,         [ERR_MALFORMED] = 400,  [ERR_UNAUTHENTICATED] = 401, [ERR_FORBIDDEN] = 403,
        [ERR_NOT_FOUND] = 404,    [ERR_METHOD] = 405,     [ERR_CONFLICT] = 409,        [ERR_PRECONDITION] = 412,
        [ERR_TOO_LARGE] = 413,    [ERR_MEDIA_TYPE] = 415, [ERR_INVALID] = 422,         [ERR_LIMIT] = 429,
        [ERR_INTERNAL] = 500,     [ERR_UNAVAILABLE] = 503,
    };
    return status[code];
}

void assert_failed(const char *condition, const char *message, const char *file, int line)
{
    fprintf(stderr, "level=fatal event=invariant message=\"%s\" condition=\"%s\" at=%s:%d\n", message, condition, file, line);
    abort();
}
