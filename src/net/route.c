#include "net/route.h"

#include "base/error.h"

struct node {
    struct str text; // the segment; of a parameter: empty
    struct node *child, *sibling, *param;
    const struct route *by_method[METHOD_COUNT];
};
struct router {
    struct node root;
};
static const char *const method_names[METHOD_COUNT] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

bool method_parse(struct str text, enum method *out)
{
    for (int m = 0; m < METHOD_COUNT; m++)
        if (str_is(text, method_names[m])) {
            *out = (enum method)m;
            return true;
        }
    return false;
}

// The next segment without its slash; false at the end. "/a//b" has an empty segment, which no route has.
static bool segment(struct str *rest, struct str *out)
{
    if (!rest->len)
        return false;
    struct str s = {rest->at + 1, rest->len - 1};
    const char *slash = memchr(s.at, '/', s.len);
    *out = (struct str){s.at, slash ? (size_t)(slash - s.at) : s.len};
    *rest = (struct str){s.at + out->len, s.len - out->len};
    return true;
}

static struct node *grow(struct arena *a, struct node *at, struct str text)
{
    if (text.len && text.at[0] == '{') {
        if (!at->param)
            at->param = ARENA_NEW(a, struct node);
        return at->param;
    }
    for (struct node *n = at->child; n; n = n->sibling)
        if (str_eq(n->text, text))
            return n;
    struct node *n = ARENA_NEW(a, struct node);
    n->text = text;
    n->sibling = at->child;
    at->child = n;
    return n;
}

struct router *router_new(struct arena *a, const struct route *const *tables)
{
    struct router *r = ARENA_NEW(a, struct router);
    for (; tables && *tables; tables++)
        for (const struct route *route = *tables; route->path; route++) {
            struct node *at = &r->root;
            struct str rest = str_of(route->path), part;
            while (segment(&rest, &part))
                at = grow(a, at, part);
            ASSERT(!at->by_method[route->method], "two routes have one path and method");
            at->by_method[route->method] = route;
        }
    return r;
}

static void descend(const struct node *at, enum method method, struct str rest, struct match *m, size_t params)
{
    struct str part;
    if (!segment(&rest, &part)) {
        const struct route *found = at->by_method[method];
        if (!found && method == HEAD)
            found = at->by_method[GET];
        for (int i = 0; i < METHOD_COUNT; i++)
            if (at->by_method[i])
                m->allow |= 1u << i;
        m->route = found;
        return;
    }
    for (const struct node *n = at->child; n && !m->route; n = n->sibling)
        if (str_eq(n->text, part))
            descend(n, method, rest, m, params);
    if (!m->route && at->param && part.len && params < 4) {
        m->params[params] = part;
        descend(at->param, method, rest, m, params + 1);
    }
}

struct match router_find(const struct router *r, enum method method, struct str path)
{
    struct match m = {0};
    descend(&r->root, method, path, &m, 0);
    if (m.allow & 1u << GET)
        m.allow |= 1u << HEAD;
    if (m.allow)
        m.allow |= 1u << OPTIONS;
    return m;
}

struct str router_allow(struct arena *a, unsigned allow)
{
    struct buf b = {.arena = a};
    for (int i = 0; i < METHOD_COUNT; i++)
        if (allow & 1u << i) {
            if (b.len)
                buf_puts(&b, ", ");
            buf_puts(&b, method_names[i]);
        }
    return buf_str(&b);
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool percent(struct arena *a, struct str raw, bool plus, struct str *out)
{
    char *to = arena_alloc(a, raw.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.at[i];
        if (c == '%') {
            if (i + 2 >= raw.len || hex(raw.at[i + 1]) < 0 || hex(raw.at[i + 2]) < 0)
                return false;
            c = (char)(hex(raw.at[i + 1]) << 4 | hex(raw.at[i + 2]));
            i += 2;
            if (!plus && c == '/')
                return false;
        } else if (plus && c == '+') {
            c = ' ';
        }
        to[len++] = c;
    }
    *out = (struct str){to, len};
    return str_is_utf8(*out);
}

bool path_decode(struct arena *a, struct str raw, struct str *out)
{
    if (!raw.len || raw.at[0] != '/' || !percent(a, raw, false, out))
        return false;
    for (size_t i = 0; i < out->len; i++)
        if ((unsigned char)out->at[i] < 0x20 || out->at[i] == 0x7F || out->at[i] == '\\')
            return false;
    struct str rest = *out, part;
    while (segment(&rest, &part))
        if (str_is(part, ".") || str_is(part, ".."))
            return false;
    return true;
}

bool query_decode(struct arena *a, struct str raw, struct str *out)
{
    return percent(a, raw, true, out);
}
