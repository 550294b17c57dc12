#include "desk/frame.h"

#include <stddef.h>
#include <stdio.h>

#include "base/json.h"
#include "schema/id.h"

#define BIT(member) (UINT32_C(1) << (member))
#define SAFE_INT ((INT64_C(1) << 53) - 1) // what a JavaScript client can hold

enum value { V_TEXT, V_INT, V_BOOL, V_TEXTS, V_IDENTITY, V_PAGE, V_FOLLOW };
struct member {
    const char *name;
    enum value value;
    size_t offset;
    int64_t min, max; // text: bytes; int: values; lists: entries
};
#define MEMBER(name, value, member, ...) {#name, value, offsetof(struct frame, member), __VA_ARGS__}
static const struct member members[FRAME_MEMBERS] = {
    [IN_T] = MEMBER(t, V_TEXT, t, 0, 32),
    [IN_CID] = MEMBER(cid, V_TEXT, cid, 1, 64),
    [IN_CONV] = MEMBER(conv, V_TEXT, conv, 0, 32),
    [IN_TEXT] = MEMBER(text, V_TEXT, text, 0, 65536),
    [IN_ON] = MEMBER(on, V_BOOL, on),
    [IN_SEQ] = MEMBER(seq, V_INT, seq, 0, SAFE_INT),
    [IN_BEFORE] = MEMBER(before, V_INT, before, 1, SAFE_INT),
    [IN_AFTER] = MEMBER(after, V_INT, after, 0, SAFE_INT),
    [IN_LIMIT] = MEMBER(limit, V_INT, limit, 1, 100),
    [IN_KIND] = MEMBER(kind, V_TEXT, kind, 0, 16),
    [IN_OPTION] = MEMBER(option, V_TEXT, option, 0, 32),
    [IN_ATTACHMENTS] = MEMBER(attachments, V_TEXTS, attachments, 0, FRAME_MOST_ATTACHMENTS),
    [IN_USED] = MEMBER(used, V_TEXTS, used, 0, FRAME_MOST_ATTACHMENTS),
    [IN_TOKEN] = MEMBER(token, V_TEXT, token, 0, 300),
    [IN_IDENTITY] = MEMBER(identity, V_IDENTITY, identity),
    [IN_PAGE] = MEMBER(page, V_PAGE, page),
    [IN_LOCALE] = MEMBER(locale, V_TEXT, locale, 0, 64),
    [IN_SCORE] = MEMBER(score, V_INT, score, 1, 5),
    [IN_COMMENT] = MEMBER(comment, V_TEXT, comment, 0, 8000),
    [IN_EVENT] = MEMBER(event, V_INT, event, 0, SAFE_INT),
    [IN_FOLLOW] = MEMBER(follow, V_FOLLOW, follow, 0, FRAME_MOST_FOLLOW),
    [IN_STATE] = MEMBER(state, V_TEXT, state, 0, 16),
};

struct spec {
    const char *t;
    enum frame_type type;
    unsigned side;
    uint32_t must, may;
};
#define BOTH (FRAME_OF_WIDGET | FRAME_OF_CONSOLE)
static const struct spec specs[] = {
    {"send", FRAME_SEND, FRAME_OF_WIDGET, BIT(IN_CID), BIT(IN_TEXT) | BIT(IN_ATTACHMENTS) | BIT(IN_OPTION)},
    {"send", FRAME_SEND, FRAME_OF_CONSOLE, BIT(IN_CID) | BIT(IN_CONV) | BIT(IN_KIND), BIT(IN_TEXT) | BIT(IN_ATTACHMENTS) | BIT(IN_USED)},
    {"typing", FRAME_TYPING, FRAME_OF_WIDGET, BIT(IN_ON), BIT(IN_TEXT)},
    {"typing", FRAME_TYPING, FRAME_OF_CONSOLE, BIT(IN_CONV) | BIT(IN_ON), 0},
    {"ping", FRAME_PING, BOTH, 0, 0},
    {"read", FRAME_READ, FRAME_OF_WIDGET, BIT(IN_SEQ), 0},
    {"read", FRAME_READ, FRAME_OF_CONSOLE, BIT(IN_CONV) | BIT(IN_SEQ), 0},
    {"hello", FRAME_HELLO, FRAME_OF_WIDGET, 0,
     BIT(IN_TOKEN) | BIT(IN_IDENTITY) | BIT(IN_CONV) | BIT(IN_SEQ) | BIT(IN_LOCALE) | BIT(IN_PAGE)},
    {"hello", FRAME_HELLO, FRAME_OF_CONSOLE, 0, BIT(IN_EVENT) | BIT(IN_FOLLOW) | BIT(IN_LOCALE)},
    {"history", FRAME_HISTORY, FRAME_OF_WIDGET, 0, BIT(IN_BEFORE) | BIT(IN_AFTER) | BIT(IN_LIMIT)},
    {"history", FRAME_HISTORY, FRAME_OF_CONSOLE, BIT(IN_CONV), BIT(IN_BEFORE) | BIT(IN_AFTER) | BIT(IN_LIMIT)},
    {"handoff", FRAME_HANDOFF, FRAME_OF_WIDGET, BIT(IN_CID), 0},
    {"rate", FRAME_RATE, FRAME_OF_WIDGET, BIT(IN_CID) | BIT(IN_SCORE), BIT(IN_COMMENT)},
    {"follow", FRAME_FOLLOW, FRAME_OF_CONSOLE, BIT(IN_CONV), BIT(IN_SEQ)},
    {"unfollow", FRAME_UNFOLLOW, FRAME_OF_CONSOLE, BIT(IN_CONV), 0},
    {"viewing", FRAME_VIEWING, FRAME_OF_CONSOLE, BIT(IN_CONV), 0},
    {"presence", FRAME_PRESENCE, FRAME_OF_CONSOLE, BIT(IN_STATE), 0},
};

// The pull parser. `broken` ends everything; what is JSON but not wanted is noted as a field error and passed over.
struct parse {
    struct ctx *c;
    const char *at, *end;
    int depth;
    bool broken;
    bool refused;
};

static void space(struct parse *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
        p->at++;
}
static char peek(struct parse *p)
{
    space(p);
    return p->at < p->end ? *p->at : 0;
}
static bool broken(struct parse *p)
{
    p->broken = true;
    return false;
}
static bool expect(struct parse *p, char ch)
{
    if (peek(p) != ch)
        return broken(p);
    p->at++;
    return true;
}

static int hex4(const char *at)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        char ch = at[i];
        int digit = ch >= '0' && ch <= '9' ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10 : -1;
        if (digit < 0)
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

// The rest of a text that holds an escape. The decoded form is never longer than the written one.
static bool escaped_text(struct parse *p, const char *from, struct str *out)
{
    char *to = arena_alloc(p->c->arena, (size_t)(p->end - from) + 1), *start = to;
    memcpy(to, from, (size_t)(p->at - from));
    to += p->at - from;
    while (p->at < p->end && *p->at != '"') {
        unsigned char ch = (unsigned char)*p->at;
        if (ch < 0x20)
            return broken(p);
        if (ch != '\\') {
            *to++ = *p->at++;
            continue;
        }
        if (p->end - p->at < 2)
            return broken(p);
        char escape = p->at[1];
        p->at += 2;
        switch (escape) {
        case '"':
        case '\\':
        case '/': *to++ = escape; break;
        case 'b': *to++ = '\b'; break;
        case 'f': *to++ = '\f'; break;
        case 'n': *to++ = '\n'; break;
        case 'r': *to++ = '\r'; break;
        case 't': *to++ = '\t'; break;
        case 'u': {
            int high = p->end - p->at >= 4 ? hex4(p->at) : -1, low;
            if (high <= 0) // malformed, or the NUL character, which is refused everywhere
                return broken(p);
            p->at += 4;
            uint32_t code = (uint32_t)high;
            if (high >= 0xD800 && high <= 0xDBFF) {
                if (p->end - p->at < 6 || p->at[0] != '\\' || p->at[1] != 'u' || (low = hex4(p->at + 2)) < 0xDC00 || low > 0xDFFF)
                    return broken(p);
                code = 0x10000 + (((uint32_t)high - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
                p->at += 6;
            } else if (high >= 0xDC00 && high <= 0xDFFF) {
                return broken(p);
            }
            to += str_put_char(to, code);
            break;
        }
        default: return broken(p);
        }
    }
    *out = (struct str){start, (size_t)(to - start)};
    return expect(p, '"');
}

static bool text(struct parse *p, struct str *out)
{
    if (!expect(p, '"'))
        return false;
    const char *from = p->at;
    while (p->at < p->end && *p->at != '"' && *p->at != '\\' && (unsigned char)*p->at >= 0x20)
        p->at++;
    if (p->at == p->end || (unsigned char)*p->at < 0x20)
        return broken(p);
    if (*p->at == '\\')
        return escaped_text(p, from, out);
    *out = (struct str){from, (size_t)(p->at - from)};
    p->at++;
    return true;
}

static bool word(struct parse *p, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(p->end - p->at) < n || memcmp(p->at, w, n) != 0)
        return broken(p);
    p->at += n;
    return true;
}

static bool is_digit(const struct parse *p)
{
    return p->at < p->end && *p->at >= '0' && *p->at <= '9';
}
// *whole: an integer that 53 bits hold.
static bool number(struct parse *p, int64_t *value, bool *whole)
{
    bool minus = p->at < p->end && *p->at == '-';
    p->at += minus;
    *whole = true;
    *value = 0;
    if (!is_digit(p))
        return broken(p);
    if (*p->at == '0') {
        p->at++;
        if (is_digit(p))
            return broken(p);
    }
    for (; is_digit(p); p->at++) {
        if (*value <= SAFE_INT / 10)
            *value = *value * 10 + (*p->at - '0');
        else
            *whole = false;
    }
    if (p->at < p->end && *p->at == '.') {
        p->at++;
        *whole = false;
        if (!is_digit(p))
            return broken(p);
        while (is_digit(p))
            p->at++;
    }
    if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
        p->at++;
        *whole = false;
        if (p->at < p->end && (*p->at == '+' || *p->at == '-'))
            p->at++;
        if (!is_digit(p))
            return broken(p);
        while (is_digit(p))
            p->at++;
    }
    if (*value > SAFE_INT)
        *whole = false;
    if (minus)
        *value = -*value;
    return true;
}

// Passes over any value, checking that it is one.
static bool skip(struct parse *p)
{
    struct str s;
    int64_t value;
    bool whole;
    char open = peek(p);
    switch (open) {
    case '"': return text(p, &s);
    case 't': return word(p, "true");
    case 'f': return word(p, "false");
    case 'n': return word(p, "null");
    case '[':
    case '{':
        if (++p->depth > FRAME_MOST_DEPTH)
            return broken(p);
        p->at++;
        if (peek(p) != (open == '{' ? '}' : ']')) {
            do {
                if (open == '{' && (peek(p) != '"' || !text(p, &s) || !expect(p, ':')))
                    return broken(p);
                if (!skip(p))
                    return false;
            } while (peek(p) == ',' && p->at++);
        }
        p->depth--;
        return expect(p, open == '{' ? '}' : ']');
    default: return number(p, &value, &whole);
    }
}

static bool wrong(struct parse *p, const char *field, const char *key)
{
    p->refused = true;
    fail_field(p->c, str_of(field), key, NULL);
    return true;
}
static bool past(struct parse *p, const char *field, const char *key, int64_t bound)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)bound);
    p->refused = true;
    fail_field(p->c, str_of(field), key, digits, NULL);
    return true;
}

static bool text_value(struct parse *p, const char *field, int64_t most, struct str *out)
{
    if (peek(p) != '"')
        return skip(p) && wrong(p, field, "schema.not_text");
    struct str s;
    if (!text(p, &s))
        return false;
    if ((int64_t)s.len > most)
        return past(p, field, "schema.too_many_bytes", most);
    *out = s;
    return true;
}
static bool int_value(struct parse *p, const struct member *m, const char *field, int64_t *out)
{
    char ch = peek(p);
    bool whole;
    int64_t value;
    if (ch != '-' && (ch < '0' || ch > '9'))
        return skip(p) && wrong(p, field, "schema.not_int");
    if (!number(p, &value, &whole))
        return false;
    if (!whole)
        return wrong(p, field, "schema.not_int");
    if (value < m->min)
        return past(p, field, "schema.too_small", m->min);
    if (value > m->max)
        return past(p, field, "schema.too_large", m->max);
    *out = value;
    return true;
}

// An object of texts whose names are known; null members count as absent.
struct inner {
    const char *name, *field; // field: as errors name it
    struct str *out;
    int64_t most;
};
static bool texts_object(struct parse *p, const char *field, const struct inner *inner, size_t count, int64_t *seq)
{
    if (peek(p) != '{')
        return skip(p) && wrong(p, field, "schema.not_object");
    p->at++;
    p->depth++;
    unsigned seen = 0;
    if (peek(p) != '}') {
        do {
            struct str name;
            if (peek(p) != '"' || !text(p, &name) || !expect(p, ':'))
                return broken(p);
            size_t i = 0;
            while (i < count && !str_is(name, inner[i].name))
                i++;
            bool is_seq = seq && str_is(name, "seq");
            if (i == count && !is_seq) {
                if (!skip(p) || !wrong(p, arena_printf(p->c->arena, "%s/" STR_FMT, field, STR_ARG(str_clip(name, 40))), "schema.unknown"))
                    return false;
                continue;
            }
            if (seen >> i & 1)
                wrong(p, is_seq ? field : inner[i].field, "frame.twice");
            seen |= 1u << i;
            bool fine = peek(p) == 'n' ? word(p, "null")
                        : is_seq      ? int_value(p, &members[IN_SEQ], field, seq)
                                      : text_value(p, inner[i].field, inner[i].most, inner[i].out);
            if (!fine)
                return false;
        } while (peek(p) == ',' && p->at++);
    }
    p->depth--;
    return expect(p, '}');
}

static bool texts_value(struct parse *p, const struct member *m, struct str *out, size_t *count)
{
    if (peek(p) != '[')
        return skip(p) && wrong(p, m->name, "schema.not_list");
    p->at++;
    p->depth++;
    size_t n = 0;
    if (peek(p) != ']') {
        do {
            struct str ignored;
            if (!text_value(p, m->name, 64, n < (size_t)m->max ? &out[n] : &ignored))
                return false;
            n++;
        } while (peek(p) == ',' && p->at++);
    }
    if (n > (size_t)m->max) {
        past(p, m->name, "schema.too_many", m->max);
        n = 0;
    }
    *count = n;
    p->depth--;
    return expect(p, ']');
}

static bool follow_value(struct parse *p, const struct member *m, struct frame *f)
{
    if (peek(p) != '[')
        return skip(p) && wrong(p, m->name, "schema.not_list");
    p->at++;
    p->depth++;
    f->follow = ARENA_ARRAY(p->c->arena, struct frame_follow, FRAME_MOST_FOLLOW);
    if (peek(p) != ']') {
        do {
            struct frame_follow one = {0};
            struct inner inner[] = {{"conv", "follow/conv", &one.conv, 32}};
            if (!texts_object(p, "follow", inner, 1, &one.seq))
                return false;
            if (f->follow_count < FRAME_MOST_FOLLOW)
                f->follow[f->follow_count] = one;
            f->follow_count++;
        } while (peek(p) == ',' && p->at++);
    }
    if (f->follow_count > FRAME_MOST_FOLLOW) {
        past(p, m->name, "schema.too_many", FRAME_MOST_FOLLOW);
        f->follow_count = 0;
    }
    p->depth--;
    return expect(p, ']');
}

static bool value_of(struct parse *p, const struct member *m, struct frame *f)
{
    void *out = (char *)f + m->offset;
    switch (m->value) {
    case V_TEXT: return text_value(p, m->name, m->max, out);
    case V_INT: return int_value(p, m, m->name, out);
    case V_BOOL:
        if (peek(p) != 't' && peek(p) != 'f')
            return skip(p) && wrong(p, m->name, "schema.not_bool");
        f->on = *p->at == 't';
        return word(p, f->on ? "true" : "false");
    case V_TEXTS: return texts_value(p, m, out, out == f->attachments ? &f->attachment_count : &f->used_count);
    case V_IDENTITY: {
        struct inner inner[] = {{"id", "identity/id", &f->identity.id, 800}, {"name", "identity/name", &f->identity.name, 800},
                                {"email", "identity/email", &f->identity.email, 400}, {"phone", "identity/phone", &f->identity.phone, 64},
                                {"hash", "identity/hash", &f->identity.hash, 128}};
        return texts_object(p, m->name, inner, sizeof inner / sizeof *inner, NULL);
    }
    case V_PAGE: {
        struct inner inner[] = {{"url", "page/url", &f->page.url, 8192}, {"title", "page/title", &f->page.title, 8192}};
        return texts_object(p, m->name, inner, sizeof inner / sizeof *inner, NULL);
    }
    case V_FOLLOW: return follow_value(p, m, f);
    }
    return false;
}

static bool object(struct parse *p, struct frame *f)
{
    if (!expect(p, '{'))
        return false;
    p->depth = 1;
    if (peek(p) != '}') {
        do {
            struct str name;
            if (peek(p) != '"' || !text(p, &name) || !expect(p, ':'))
                return broken(p);
            unsigned i = 0;
            while (i < FRAME_MEMBERS && !(members[i].name[0] == (name.len ? name.at[0] : 0) && str_is(name, members[i].name)))
                i++;
            if (i == FRAME_MEMBERS) {
                if (!skip(p))
                    return false;
                wrong(p, str_z(p->c->arena, str_clip(name, 40)), "schema.unknown");
                continue;
            }
            if ((f->set | f->nulls) & BIT(i))
                wrong(p, members[i].name, "frame.twice");
            if (peek(p) == 'n') {
                if (!word(p, "null"))
                    return false;
                f->nulls |= BIT(i);
                continue;
            }
            f->set |= BIT(i);
            if (!value_of(p, &members[i], f))
                return false;
        } while (peek(p) == ',' && p->at++);
    }
    if (!expect(p, '}'))
        return false;
    space(p);
    return p->at == p->end || broken(p);
}

static bool cid_sound(struct str cid)
{
    for (size_t i = 0; i < cid.len; i++) {
        char ch = cid.at[i];
        if (!((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '-' || ch == '_'))
            return false;
    }
    return cid.len > 0;
}

enum frame_result frame_read(struct ctx *c, enum frame_side side, struct str text_, struct frame *out)
{
    struct parse p = {.c = c, .at = text_.at, .end = text_.at + text_.len};
    memset(out, 0, sizeof *out);
    if (peek(&p) != '{') {
        if (p.at == p.end || !skip(&p) || (space(&p), p.at != p.end))
            return FRAME_BROKEN;
        fail(c, ERR_INVALID, "frame.not_object", NULL);
        return FRAME_REFUSED;
    }
    if (!object(&p, out))
        return FRAME_BROKEN;
    if (FRAME_HAS(out, IN_CID) && !cid_sound(out->cid)) {
        out->cid = STR("");
        wrong(&p, "cid", "frame.cid");
    }
    const struct spec *spec = NULL;
    for (size_t i = 0; i < sizeof specs / sizeof *specs && !spec; i++)
        if (specs[i].side & side && str_is(out->t, specs[i].t))
            spec = &specs[i];
    if (!spec) {
        error_clear(c->err);
        fail(c, ERR_INVALID, "frame.unknown", NULL);
        return FRAME_REFUSED;
    }
    out->type = spec->type;
    uint32_t may = spec->must | spec->may | BIT(IN_T), odd = (out->set | out->nulls) & ~may;
    uint32_t missing = spec->must & ~out->set;
    if (spec->type == FRAME_VIEWING) // null: nothing any more
        missing &= ~(out->nulls & BIT(IN_CONV));
    for (unsigned i = 0; (odd | missing) >> i; i++) {
        if (odd >> i & 1)
            wrong(&p, members[i].name, "schema.unknown");
        if (missing >> i & 1)
            wrong(&p, members[i].name, "schema.required");
    }
    return p.refused ? FRAME_REFUSED : FRAME_OK;
}

struct str frame_error(struct ctx *c, struct str cid)
{
    const struct error *e = c->err;
    const char *key = e->key ? e->key : "internal";
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_z(&o, "t", "error");
    if (cid.len)
        json_put_str(&o, "cid", cid);
    json_put_z(&o, "code", key);
    json_put_str(&o, "title", message_text(c->arena, c->lang, key, e->args, 3));
    if (e->field_count) {
        json_open(&o, "fields", '[');
        for (size_t i = 0; i < e->field_count && i < 20; i++) {
            json_open(&o, NULL, '{');
            json_put_str(&o, "field", e->fields[i].field);
            json_put_z(&o, "code", e->fields[i].key);
            json_put_str(&o, "title", message_text(c->arena, c->lang, e->fields[i].key, e->fields[i].args, 3));
            json_close(&o, '}');
        }
        json_close(&o, ']');
    }
    if (e->retry_after > 0)
        json_put_int(&o, "retry_after", e->retry_after);
    json_close(&o, '}');
    return buf_str(&o.buf);
}

struct str frame_ack(struct ctx *c, struct str cid, int64_t conversation, int64_t seq, usec at)
{
    char id[ID_TEXT];
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_raw(&o, "t", STR("\"ack\""));
    json_put_str(&o, "cid", cid);
    json_put_str(&o, "conv", id_text("cv", conversation, id));
    json_put_int(&o, "seq", seq);
    json_put_time(&o, "at", at);
    json_close(&o, '}');
    return buf_str(&o.buf);
}

struct str frame_pong(struct ctx *c)
{
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_raw(&o, "t", STR("\"pong\""));
    json_put_time(&o, "at", clock_now(c->clock));
    json_close(&o, '}');
    return buf_str(&o.buf);
}
