// Lists: filter, sort and cursor from the query string. SQL text comes from the field table alone; whatever a client sent is a parameter.
#include <sodium.h>

#include "base/money.h"
#include "base/vec.h"
#include "net/http.h"
#include "schema/id.h"
#include "schema/list.h"
#include "schema/perm.h"
#include "schema/schema.h"
#include "schema/text.h"
#include "store/db.h"

enum { DEFAULT_LIMIT = 50, MOST_LIMIT = 200, MOST_VALUES = 50, MOST_CURSOR = 4000 };

// Cursors are sealed: they hold the last row's id and sort value, which the reader may not be allowed to see.
static uint8_t cursor_key[crypto_secretbox_KEYBYTES] = {1};

void list_setup(const uint8_t key[32])
{
    crypto_generichash(cursor_key, sizeof cursor_key, (const uint8_t *)"cursor", 6, key, 32);
}

struct parse {
    struct request *rq;
    struct ctx *c;
    const struct schema *s;
    struct list_query *q;
    struct buf where;
    int next; // number of the next free parameter
    struct {
        VEC(struct db_value);
    } values;
};

static int add_int(struct parse *p, int64_t v)
{
    VEC_PUSH(p->c->arena, &p->values, (struct db_value){.type = 'i', .i = v});
    return p->next++;
}
static int add_str(struct parse *p, struct str v)
{
    VEC_PUSH(p->c->arena, &p->values, (struct db_value){.type = 's', .s = v});
    return p->next++;
}

static const char *column_of(const struct field *f)
{
    return f->column ? f->column : f->name;
}

// The unique column that ends every order.
static const char *id_column(const struct schema *s)
{
    int id = schema_field(s, "id");
    return id < 0 ? "id" : column_of(&s->fields[id]);
}

static bool url_decode(struct arena *a, struct str raw, struct str *out)
{
    char *at = arena_alloc(a, raw.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        uint8_t byte;
        if (raw.at[i] == '%') {
            if (i + 2 >= raw.len || !str_unhex(str_sub(raw, i + 1, 2), &byte, 1))
                return false;
            at[n++] = (char)byte;
            i += 2;
        } else {
            at[n++] = raw.at[i] == '+' ? ' ' : raw.at[i];
        }
    }
    *out = (struct str){at, n};
    return str_is_utf8(*out);
}

static bool is_number(enum field_type t)
{
    return t == F_INT || t == F_FEN || t == F_TIME || t == F_DATE;
}

// One value of a filter as the column holds it.
static bool value_of(struct parse *p, const struct field *f, struct str text, struct db_value *v)
{
    *v = (struct db_value){.type = 'i'};
    struct str s;
    switch (f->type) {
    case F_INT: return str_int(text, &v->i);
    case F_FEN: return str_int(text, &v->i);
    case F_TIME: return time_parse(text, &v->i);
    case F_DATE: return text_date(text, &v->i);
    case F_BOOL:
        v->i = str_is(text, "true");
        return v->i || str_is(text, "false");
    case F_ID:
        if (!strcmp(f->prefix, "us") && str_is(text, "me")) {
            v->i = p->c->actor.id;
            return true;
        }
        return id_parse(f->prefix, text, &v->i);
    case F_ENUM:
    case F_LANG:
        for (int i = 0; f->type == F_LANG ? i < LANG_COUNT : f->choices[i] != NULL; i++)
            if (str_is(text, f->type == F_LANG ? lang_tag((enum lang)i) : f->choices[i])) {
                v->i = i;
                if (f->flags & FIELD_STORED_TEXT)
                    *v = (struct db_value){.type = 's', .s = text};
                return true;
            }
        return false;
    case F_EMAIL: v->type = 's'; return text_email(p->c->arena, text, &v->s);
    case F_PHONE: v->type = 's'; return text_phone(p->c->arena, text, &v->s);
    case F_TEXT:
    case F_URL:
    case F_COLOR:
        v->type = 's';
        if (str_chars(text) > 200 || !text_clean(p->c->arena, text, false, true, &s))
            return false;
        v->s = s;
        return true;
    default: return false;
    }
}

static bool filter_search(struct parse *p, const struct field *f, struct str text)
{
    if (str_chars(text) > 200)
        return false;
    struct buf pattern = {.arena = p->c->arena};
    buf_putc(&pattern, '%');
    for (size_t i = 0; i < text.len; i++) {
        char ch = text.at[i];
        if (ch == '%' || ch == '_' || ch == '\\')
            buf_putc(&pattern, '\\');
        buf_putc(&pattern, ch >= 'A' && ch <= 'Z' ? (char)(ch + 32) : ch);
    }
    buf_putc(&pattern, '%');
    buf_printf(&p->where, " AND LOWER(%s) LIKE ?%d ESCAPE '\\'", column_of(f), add_str(p, buf_str(&pattern)));
    return true;
}

// "a..b", either side may be missing: from a, up to and without b for times, with b for the others.
static bool filter_range(struct parse *p, const struct field *f, struct str text, size_t dots)
{
    struct str from = str_sub(text, 0, dots), to = str_sub(text, dots + 2, text.len);
    struct db_value v;
    if (!from.len && !to.len)
        return false;
    if (from.len) {
        if (!value_of(p, f, from, &v))
            return false;
        buf_printf(&p->where, " AND %s >= ?%d", column_of(f), add_int(p, v.i));
    }
    if (to.len) {
        if (!value_of(p, f, to, &v))
            return false;
        buf_printf(&p->where, " AND %s %s ?%d", column_of(f), f->type == F_TIME ? "<" : "<=", add_int(p, v.i));
    }
    return true;
}

static bool filter_values(struct parse *p, const struct field *f, struct str text)
{
    struct str rest = text, part;
    struct buf in = {.arena = p->c->arena};
    int count = 0;
    bool none = false;
    while (str_split(&rest, ',', &part)) {
        struct db_value v;
        if (++count > MOST_VALUES)
            return false;
        if (str_is(part, "none") && (f->type == F_ID || f->type == F_TIME || f->type == F_DATE)) {
            none = true;
            continue;
        }
        if (!value_of(p, f, part, &v))
            return false;
        buf_printf(&in, "%s?%d", in.len ? "," : "", v.type == 's' ? add_str(p, v.s) : add_int(p, v.i));
    }
    const char *column = column_of(f);
    buf_puts(&p->where, " AND (");
    if (in.len)
        buf_printf(&p->where, "%s IN (" STR_FMT ")", column, STR_ARG(buf_str(&in)));
    if (none)
        buf_printf(&p->where, "%s%s IS NULL", in.len ? " OR " : "", column);
    buf_putc(&p->where, ')');
    return in.len || none;
}

static bool parse_filter(struct parse *p, struct str key, struct str text)
{
    struct str name = str_sub(key, 7, key.len - 8);
    const struct field *f = NULL;
    for (size_t i = 0; i < p->s->count; i++)
        if (str_is(name, p->s->fields[i].name) && p->s->fields[i].flags & (FIELD_FILTER | FIELD_SEARCH))
            f = &p->s->fields[i];
    key = str_clip(key, 80);
    if (!f)
        return fail_field(p->c, key, "list.filter_unknown", NULL);
    if (f->see && !actor_may(&p->c->actor, (enum perm)(f->see - 1)))
        return fail_field(p->c, key, "forbidden", perm_name((enum perm)(f->see - 1)), NULL);
    // Looking for parts of what is masked would unmask it letter by letter; whole values may be asked for.
    if (f->flags & FIELD_SEARCH && f->flags & FIELD_PERSONAL && f->type != F_TEXT && !actor_may(&p->c->actor, PERM_CONTACT_UNMASK))
        return fail_field(p->c, key, "forbidden", perm_name(PERM_CONTACT_UNMASK), NULL);
    size_t dots;
    bool fine = f->flags & FIELD_SEARCH                                      ? filter_search(p, f, text)
                : is_number(f->type) && str_find(text, STR(".."), &dots) ? filter_range(p, f, text, dots)
                                                                         : filter_values(p, f, text);
    return fine || fail_field(p->c, key, "list.filter_value", NULL);
}

static bool parse_sort(struct parse *p, struct str text)
{
    p->q->descending = str_starts(text, STR("-"));
    struct str name = p->q->descending ? str_sub(text, 1, text.len - 1) : text;
    p->q->sort_field = -1;
    if (str_is(name, "id"))
        return true;
    for (size_t i = 0; i < p->s->count; i++) {
        const struct field *f = &p->s->fields[i];
        if (str_is(name, f->name) && f->flags & FIELD_SORT && (!f->see || actor_may(&p->c->actor, (enum perm)(f->see - 1)))) {
            p->q->sort_field = (int)i;
            return true;
        }
    }
    return fail_field(p->c, STR("sort"), "list.sort", NULL);
}

static bool by_text(const struct field *f)
{
    return f->type == F_TEXT || f->type == F_EMAIL || f->type == F_PHONE || f->type == F_URL || f->type == F_COLOR;
}

// What a cursor seals: schema and order, so that it fits its list only; then the last row's id and sort value.
static struct str cursor_head(struct arena *a, const struct schema *s, const struct list_query *q)
{
    return str_printf(a, "1|%s|%s%s|", s->name, q->descending ? "-" : "", q->sort_field < 0 ? "id" : s->fields[q->sort_field].name);
}

static struct str cursor_make(struct ctx *c, const struct schema *s, const struct list_query *q, const void *item, size_t id_offset)
{
    struct buf plain = {.arena = c->arena};
    buf_str_add(&plain, cursor_head(c->arena, s, q));
    buf_printf(&plain, "%lld|", (long long)*(const int64_t *)((const char *)item + id_offset));
    if (q->sort_field >= 0) {
        const struct field *f = &s->fields[q->sort_field];
        const void *at = (const char *)item + f->offset;
        bool chosen = f->type == F_ENUM || f->type == F_LANG;
        if (by_text(f))
            buf_str_add(&plain, *(const struct str *)at);
        else if (chosen && f->flags & FIELD_STORED_TEXT)
            buf_puts(&plain, f->type == F_LANG ? lang_tag((enum lang) * (const int *)at) : f->choices[*(const int *)at]);
        else
            buf_int(&plain, chosen ? *(const int *)at : f->type == F_BOOL ? *(const bool *)at : *(const int64_t *)at);
    }
    size_t size = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + plain.len;
    uint8_t *box = arena_alloc(c->arena, size);
    randombytes_buf(box, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, (const uint8_t *)plain.at, plain.len, box, cursor_key);
    return str_base64url(c->arena, box, size);
}

static bool cursor_read(struct parse *p, struct str text)
{
    struct ctx *c = p->c;
    if (text.len > MOST_CURSOR)
        return false;
    uint8_t *box = arena_alloc(c->arena, text.len + 1);
    size_t size;
    const char *end;
    if (sodium_base642bin(box, text.len, text.at, text.len, NULL, &size, &end, sodium_base64_VARIANT_URLSAFE_NO_PADDING) ||
        end != text.at + text.len || size < crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES)
        return false;
    size_t plain_len = size - crypto_secretbox_NONCEBYTES - crypto_secretbox_MACBYTES;
    uint8_t *plain = arena_alloc(c->arena, plain_len + 1);
    if (crypto_secretbox_open_easy(plain, box + crypto_secretbox_NONCEBYTES, size - crypto_secretbox_NONCEBYTES, box, cursor_key))
        return false;
    struct str rest = {(const char *)plain, plain_len}, head = cursor_head(c->arena, p->s, p->q), part;
    if (!str_starts(rest, head))
        return false;
    rest = str_sub(rest, head.len, rest.len);
    int64_t id, number;
    if (!str_split(&rest, '|', &part) || !str_int(part, &id))
        return false;
    const char *way = p->q->descending ? "<" : ">", *by_id = id_column(p->s);
    if (p->q->sort_field < 0) {
        buf_printf(&p->where, " AND %s %s ?%d", by_id, way, add_int(p, id));
        return true;
    }
    const struct field *f = &p->s->fields[p->q->sort_field];
    int at;
    if (by_text(f) || f->flags & FIELD_STORED_TEXT) {
        at = add_str(p, rest);
    } else {
        if (!str_int(rest, &number))
            return false;
        at = add_int(p, number);
    }
    buf_printf(&p->where, " AND (%s, %s) %s (?%d, ?%d)", column_of(f), by_id, way, at, add_int(p, id));
    return true;
}

bool list_parse(struct request *rq, const struct schema *s, int first, struct list_query *q)
{
    struct ctx *c = rq->ctx;
    *q = (struct list_query){.limit = DEFAULT_LIMIT, .sort_field = -1, .descending = true};
    struct parse p = {.rq = rq, .c = c, .s = s, .q = q, .where = {.arena = c->arena}, .next = first};
    struct str rest = rq->query, pair, cursor = STR("");
    bool fine = true, has_cursor = false;
    while (rest.len && str_split(&rest, '&', &pair)) {
        struct str raw_key = pair, raw_value = STR(""), key, value;
        size_t equals;
        if (str_find(pair, STR("="), &equals)) {
            raw_key = str_sub(pair, 0, equals);
            raw_value = str_sub(pair, equals + 1, pair.len);
        }
        if (!url_decode(c->arena, raw_key, &key) || !url_decode(c->arena, raw_value, &value))
            return fail(c, ERR_MALFORMED, "list.query", NULL);
        int64_t limit;
        if (str_starts(key, STR("filter[")) && str_ends(key, STR("]"))) {
            fine &= parse_filter(&p, key, value);
        } else if (str_is(key, "sort")) {
            fine &= parse_sort(&p, value);
        } else if (str_is(key, "limit")) {
            if (str_int(value, &limit) && limit >= 1 && limit <= MOST_LIMIT)
                q->limit = (int)limit;
            else
                fine = fail_field(c, key, "list.limit", "200", NULL);
        } else if (str_is(key, "cursor")) {
            cursor = value;
            has_cursor = value.len > 0;
        }
    }
    if (fine && has_cursor && !cursor_read(&p, cursor))
        fine = fail_field(c, STR("cursor"), "list.cursor", NULL);
    if (!fine)
        return false;
    const char *way = q->descending ? "DESC" : "ASC", *by_id = id_column(s);
    q->order = q->sort_field < 0 ? str_printf(c->arena, " ORDER BY %s %s", by_id, way)
                                 : str_printf(c->arena, " ORDER BY %s %s, %s %s", column_of(&s->fields[q->sort_field]), way, by_id, way);
    q->where = buf_str(&p.where);
    q->values = p.values.at;
    q->count = p.values.count;
    return true;
}

void list_write(struct request *rq, struct response *rs, const struct schema *s, const struct list_query *q, const void *items,
                size_t count, size_t id_offset)
{
    struct json_out o = {.buf = rs->body};
    o.buf.arena = rq->ctx->arena;
    bool more = count > (size_t)q->limit;
    if (more)
        count = (size_t)q->limit;
    json_open(&o, NULL, '{');
    json_open(&o, "items", '[');
    for (size_t i = 0; i < count; i++)
        schema_write(rq->ctx, s, (const char *)items + i * s->size, &o, NULL);
    json_close(&o, ']');
    if (more)
        json_put_str(&o, "next", cursor_make(rq->ctx, s, q, (const char *)items + (count - 1) * s->size, id_offset));
    else
        json_put_null(&o, "next");
    json_close(&o, '}');
    rs->body = o.buf;
}
