// JSON → struct by a field table. Every fault of a body is found in one pass; nothing of a faulty body is used.
#include <stdio.h>

#include "base/ctx.h"
#include "base/money.h"
#include "schema/id.h"
#include "schema/perm.h"
#include "schema/schema.h"
#include "schema/text.h"

enum { MOST_INT_BITS = 53, MOST_MEMBERS = 200, DEFAULT_ITEMS = 100, DEFAULT_JSON = 8192, TEXTS_LENGTH = 500 };
#define SAFE_INT ((INT64_C(1) << MOST_INT_BITS) - 1) // what a JavaScript client can hold

static struct str path_of(struct ctx *c, struct str at, struct str name)
{
    struct buf b = {.arena = c->arena};
    buf_str_add(&b, at);
    if (at.len)
        buf_putc(&b, '/');
    name = str_clip(name, 80); // an unknown name is the client's: as a JSON pointer, and no longer than useful
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '~')
            buf_puts(&b, "~0");
        else if (name.at[i] == '/')
            buf_puts(&b, "~1");
        else
            buf_putc(&b, name.at[i]);
    }
    return buf_str(&b);
}

static struct str path_at(struct ctx *c, struct str at, size_t index)
{
    return str_printf(c->arena, STR_FMT "%s%zu", STR_ARG(at), at.len ? "/" : "", index);
}

static bool fail_number(struct ctx *c, struct str at, const char *key, int64_t n)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)n);
    return fail_field(c, at, key, text, NULL);
}

static void set_null(const struct field *f, void *at)
{
    switch (f->type) {
    case F_DATE: *(int64_t *)at = INT64_MIN; break;
    case F_ENUM: *(int *)at = -1; break;
    case F_LANG: *(int *)at = LANG_ZH; break;
    case F_INT:
    case F_TIME:
    case F_ID:
    case F_FEN: *(int64_t *)at = 0; break;
    case F_BOOL: *(bool *)at = false; break;
    case F_OBJECT: *(void **)at = NULL; break;
    case F_LIST: *(struct list *)at = (struct list){0}; break;
    case F_TEXTS: *(struct str_list *)at = (struct str_list){0}; break;
    default: *(struct str *)at = STR(""); break;
    }
}

static bool parse_text(struct ctx *c, const struct field *f, struct str raw, struct str at, struct str *out)
{
    struct str v;
    if (!text_clean(c->arena, raw, f->flags & FIELD_MULTILINE, !(f->flags & FIELD_SECRET), &v))
        return fail_field(c, at, "schema.control", NULL);
    if (!v.len) {
        *out = v;
        if (f->flags & FIELD_REQUIRED)
            return fail_field(c, at, "schema.required", NULL);
        return true;
    }
    int64_t most = f->max ? f->max : f->type == F_URL ? 2000 : f->type == F_EMAIL ? 254 : 200;
    int64_t length = (int64_t)str_chars(v);
    if (length > most)
        return fail_number(c, at, "schema.too_long", most);
    if (length < f->min)
        return fail_number(c, at, "schema.too_short", f->min);
    switch (f->type) {
    case F_EMAIL: return text_email(c->arena, v, out) || fail_field(c, at, "schema.email", NULL);
    case F_PHONE: return text_phone(c->arena, v, out) || fail_field(c, at, "schema.phone", NULL);
    case F_URL: return text_url(v, out) || fail_field(c, at, "schema.url", NULL);
    case F_COLOR: return text_color(c->arena, v, out) || fail_field(c, at, "schema.color", NULL);
    default: *out = v; return true;
    }
}

static bool parse_int(struct ctx *c, const struct field *f, const struct json *v, struct str at, int64_t *out)
{
    if (json_type(v) != JSON_INT)
        return fail_field(c, at, "schema.not_int", NULL);
    int64_t wide = f->type == F_FEN ? FEN_MAX : SAFE_INT;
    int64_t least = f->min || f->max ? f->min : -wide, most = f->max ? f->max : f->min < 0 ? 0 : wide;
    int64_t n = json_int(v);
    if (n < least)
        return fail_number(c, at, "schema.too_small", least);
    if (n > most)
        return fail_number(c, at, "schema.too_large", most);
    *out = n;
    return true;
}

static bool parse_choice(struct ctx *c, const struct field *f, struct str text, struct str at, int *out)
{
    struct buf names = {.arena = c->arena};
    for (int i = 0; f->choices[i]; i++) {
        if (str_is(text, f->choices[i])) {
            *out = i;
            return true;
        }
        buf_printf(&names, "%s%s", i ? ", " : "", f->choices[i]);
    }
    return fail_field(c, at, "schema.choice", str_z(c->arena, buf_str(&names)), NULL);
}

static bool parse_texts(struct ctx *c, const struct field *f, const struct json *v, struct str at, struct str_list *out)
{
    size_t count = json_count(v);
    out->at = ARENA_ARRAY(c->arena, struct str, count);
    struct field item = {.type = F_TEXT, .max = TEXTS_LENGTH, .flags = (f->flags & FIELD_MULTILINE) | FIELD_REQUIRED};
    bool fine = true;
    for (size_t i = 0; i < count; i++) {
        struct json *text = json_at(v, i);
        if (json_type(text) != JSON_TEXT)
            fine = fail_field(c, path_at(c, at, i), "schema.not_text", NULL);
        else
            fine &= parse_text(c, &item, json_text(text), path_at(c, at, i), &out->at[i]);
    }
    out->count = count;
    return fine;
}

static bool parse_value(struct ctx *c, const struct field *f, const struct json *v, struct str at, void *out)
{
    enum json_type type = json_type(v);
    if (type == JSON_NULL) {
        if (f->flags & FIELD_REQUIRED || f->type == F_BOOL || f->type == F_LANG)
            return fail_field(c, at, "schema.required", NULL);
        set_null(f, out);
        return true;
    }
    switch (f->type) {
    case F_TEXT:
    case F_EMAIL:
    case F_PHONE:
    case F_URL:
    case F_COLOR:
        if (type != JSON_TEXT)
            return fail_field(c, at, "schema.not_text", NULL);
        return parse_text(c, f, json_text(v), at, out);
    case F_INT:
    case F_FEN: return parse_int(c, f, v, at, out);
    case F_BOOL:
        if (type != JSON_BOOL)
            return fail_field(c, at, "schema.not_bool", NULL);
        *(bool *)out = json_bool(v);
        return true;
    case F_TIME:
        return (type == JSON_TEXT && time_parse(json_text(v), out)) || fail_field(c, at, "schema.time", NULL);
    case F_DATE:
        return (type == JSON_TEXT && text_date(json_text(v), out)) || fail_field(c, at, "schema.date", NULL);
    case F_ENUM:
        if (type != JSON_TEXT)
            return fail_field(c, at, "schema.not_text", NULL);
        return parse_choice(c, f, json_text(v), at, out);
    case F_LANG:
        for (int i = 0; i < LANG_COUNT; i++)
            if (type == JSON_TEXT && str_is(json_text(v), lang_tag((enum lang)i))) {
                *(int *)out = i;
                return true;
            }
        return fail_field(c, at, "schema.choice", "zh-CN, en-US", NULL);
    case F_ID:
        return (type == JSON_TEXT && id_parse(f->prefix, json_text(v), out)) || fail_field(c, at, "schema.id", NULL);
    case F_JSON: {
        if (type != JSON_OBJECT && type != JSON_ARRAY)
            return fail_field(c, at, "schema.not_json", NULL);
        struct str text = json_print(c->arena, v);
        int64_t most = f->max ? f->max : DEFAULT_JSON;
        if ((int64_t)text.len > most)
            return fail_number(c, at, "schema.too_many_bytes", most);
        *(struct str *)out = text;
        return true;
    }
    case F_OBJECT: {
        void *sub = arena_alloc(c->arena, f->sub->size);
        *(void **)out = sub;
        return schema_parse_json(c, f->sub, v, at, false, sub, NULL);
    }
    case F_LIST:
    case F_TEXTS: {
        if (type != JSON_ARRAY)
            return fail_field(c, at, "schema.not_list", NULL);
        int64_t count = (int64_t)json_count(v), most = f->max ? f->max : DEFAULT_ITEMS;
        if (count > most)
            return fail_number(c, at, "schema.too_many", most);
        if (count < f->min)
            return fail_number(c, at, "schema.too_few", f->min);
        if (f->type == F_TEXTS)
            return parse_texts(c, f, v, at, out);
        struct list *list = out;
        list->count = (size_t)count;
        list->at = arena_alloc(c->arena, f->sub->size * (size_t)count);
        bool fine = true;
        for (size_t i = 0; i < list->count; i++)
            fine &= schema_parse_json(c, f->sub, json_at(v, i), path_at(c, at, i), false, (char *)list->at + i * f->sub->size, NULL);
        return fine;
    }
    }
    return false;
}

bool schema_parse_json(struct ctx *c, const struct schema *s, const struct json *object, struct str at, bool partial, void *out,
                       uint64_t *set)
{
    ASSERT(s->count <= 64, "a schema has at most 64 fields: presence is a bit each");
    if (set)
        *set = 0;
    if (json_type(object) != JSON_OBJECT)
        return fail_field(c, at, "schema.not_object", NULL);
    for (size_t i = 0; i < s->count; i++)
        set_null(&s->fields[i], (char *)out + s->fields[i].offset);
    if (json_count(object) > MOST_MEMBERS) // the walk below is quadratic
        return fail_number(c, at, "schema.too_many", MOST_MEMBERS);
    uint64_t present = 0;
    bool fine = true;
    size_t walk = 0;
    struct str name;
    struct json *value;
    while (json_member(object, &walk, &name, &value)) {
        size_t i = 0;
        while (i < s->count && !str_is(name, s->fields[i].name))
            i++;
        struct str here = path_of(c, at, name);
        if (i == s->count) {
            fine = fail_field(c, here, "schema.unknown", NULL);
            continue;
        }
        const struct field *f = &s->fields[i];
        present |= UINT64_C(1) << i;
        if (f->flags & FIELD_READ_ONLY)
            fine = fail_field(c, here, "schema.read_only", NULL);
        else if (f->write && !actor_may(&c->actor, (enum perm)(f->write - 1)))
            fine = fail_field(c, here, "forbidden", perm_name((enum perm)(f->write - 1)), NULL);
        else
            fine &= parse_value(c, f, value, here, (char *)out + f->offset);
    }
    for (size_t i = 0; i < s->count && !partial; i++)
        if (s->fields[i].flags & FIELD_REQUIRED && !(s->fields[i].flags & FIELD_READ_ONLY) && !(present >> i & 1))
            fine = fail_field(c, path_of(c, at, str_of(s->fields[i].name)), "schema.required", NULL);
    if (set)
        *set = present;
    return fine;
}

bool schema_parse(struct ctx *c, const struct schema *s, struct str body, bool partial, void *out, uint64_t *set)
{
    struct json *document = json_read(c, body, (struct json_limits){0});
    if (!document)
        return false;
    bool fine = schema_parse_json(c, s, document, STR(""), partial, out, set);
    json_free(document);
    return fine;
}

int schema_field(const struct schema *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (!strcmp(s->fields[i].name, name))
            return (int)i;
    return -1;
}
