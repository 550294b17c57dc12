// Struct → JSON by a field table, as the actor may see it.
#include <stdio.h>

#include "base/ctx.h"
#include "schema/id.h"
#include "schema/perm.h"
#include "schema/schema.h"

static struct str first_char(struct str v)
{
    size_t i = 0;
    if (v.len)
        str_next_char(v, &i);
    return str_sub(v, 0, i);
}

struct str schema_mask(struct ctx *c, enum field_type type, struct str v)
{
    size_t at;
    if (!v.len)
        return v;
    switch (type) {
    case F_PHONE: {
        if (str_starts(v, STR("+86")))
            v = str_sub(v, 3, v.len - 3);
        if (v.len < 9)
            return str_printf(c->arena, STR_FMT "****", STR_ARG(first_char(v)));
        return str_printf(c->arena, STR_FMT "****" STR_FMT, STR_ARG(str_sub(v, 0, 3)), STR_ARG(str_sub(v, v.len - 4, 4)));
    }
    case F_EMAIL:
        if (!str_find(v, STR("@"), &at))
            at = v.len;
        return str_printf(c->arena, STR_FMT "***" STR_FMT, STR_ARG(first_char(v)), STR_ARG(str_sub(v, at, v.len - at)));
    case F_TEXT: {
        size_t chars = str_chars(v);
        return str_printf(c->arena, STR_FMT "%s", STR_ARG(chars > 1 ? first_char(v) : STR("")),
                          chars > 4 ? "***" : chars == 4 || chars == 3 ? "**" : "*");
    }
    default: return STR("***");
    }
}

// A person sees their own data in full: an object whose id is the actor's.
static bool is_own(struct ctx *c, const struct schema *s, const void *in)
{
    enum actor_kind kind = c->actor.kind;
    int id = schema_field(s, "id");
    if (id < 0 || s->fields[id].type != F_ID || *(const int64_t *)((const char *)in + s->fields[id].offset) != c->actor.id)
        return false;
    return (kind == ACTOR_USER && !strcmp(s->fields[id].prefix, "us")) || (kind == ACTOR_VISITOR && !strcmp(s->fields[id].prefix, "ct"));
}

static void put_text(struct ctx *c, const struct field *f, struct str v, bool mask, struct json_out *o)
{
    if (!v.len && f->type != F_TEXT)
        json_put_null(o, f->name); // "" is no e-mail address
    else
        json_put_str(o, f->name, mask ? schema_mask(c, f->type, v) : v);
}

static void put_date(const struct field *f, int64_t days, struct json_out *o)
{
    struct date d = date_from_days(days);
    char text[16];
    snprintf(text, sizeof text, "%04d-%02d-%02d", d.year, d.month, d.day);
    json_put_z(o, f->name, text);
}

static bool is_empty(const struct field *f, const void *at)
{
    switch (f->type) {
    case F_INT:
    case F_FEN:
    case F_TIME:
    case F_ID: return *(const int64_t *)at == 0;
    case F_BOOL: return !*(const bool *)at;
    case F_DATE: return *(const int64_t *)at == INT64_MIN;
    case F_ENUM: return *(const int *)at < 0;
    case F_LANG: return false;
    case F_OBJECT: return !*(void *const *)at;
    case F_LIST: return !((const struct list *)at)->count;
    case F_TEXTS: return !((const struct str_list *)at)->count;
    default: return !((const struct str *)at)->len;
    }
}

static void put_field(struct ctx *c, const struct field *f, const void *at, bool mask, struct json_out *o)
{
    char text[ID_TEXT];
    switch (f->type) {
    case F_TEXT:
    case F_EMAIL:
    case F_PHONE:
    case F_URL:
    case F_COLOR: put_text(c, f, *(const struct str *)at, mask, o); return;
    case F_TEXTS: {
        const struct str_list *list = at;
        json_open(o, f->name, '[');
        for (size_t i = 0; i < list->count; i++)
            json_put_str(o, NULL, mask ? schema_mask(c, F_TEXT, list->at[i]) : list->at[i]);
        json_close(o, ']');
        return;
    }
    case F_BOOL: json_put_bool(o, f->name, *(const bool *)at); return;
    case F_LANG: json_put_z(o, f->name, lang_tag((enum lang) * (const int *)at)); return;
    case F_OBJECT:
        if (*(void *const *)at)
            schema_write(c, f->sub, *(void *const *)at, o, f->name);
        else
            json_put_null(o, f->name);
        return;
    case F_LIST: {
        const struct list *list = at;
        json_open(o, f->name, '[');
        for (size_t i = 0; i < list->count; i++)
            schema_write(c, f->sub, (const char *)list->at + i * f->sub->size, o, NULL);
        json_close(o, ']');
        return;
    }
    default: break;
    }
    if (f->type == F_INT || f->type == F_FEN ? mask : is_empty(f, at) || mask) {
        json_put_null(o, f->name);
        return;
    }
    switch (f->type) {
    case F_INT:
    case F_FEN: json_put_int(o, f->name, *(const int64_t *)at); break;
    case F_TIME: json_put_time(o, f->name, *(const int64_t *)at); break;
    case F_DATE: put_date(f, *(const int64_t *)at, o); break;
    case F_ENUM: json_put_z(o, f->name, f->choices[*(const int *)at]); break;
    case F_ID: json_put_str(o, f->name, id_text(f->prefix, *(const int64_t *)at, text)); break;
    case F_JSON: json_put_raw(o, f->name, *(const struct str *)at); break;
    default: break;
    }
}

void schema_write(struct ctx *c, const struct schema *s, const void *in, struct json_out *o, const char *name)
{
    bool unmasked = actor_may(&c->actor, PERM_CONTACT_UNMASK) || is_own(c, s, in);
    json_open(o, name, '{');
    for (size_t i = 0; i < s->count; i++) {
        const struct field *f = &s->fields[i];
        const void *at = (const char *)in + f->offset;
        if (f->flags & FIELD_SECRET || (f->see && !actor_may(&c->actor, (enum perm)(f->see - 1))) ||
            (f->flags & FIELD_SKIP_EMPTY && is_empty(f, at)))
            continue;
        put_field(c, f, at, f->flags & FIELD_PERSONAL && !unmasked, o);
    }
    json_close(o, '}');
}
