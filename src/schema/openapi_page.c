// The page for people at /api: every route with its permission, parameters and fields, from the tables that drive the server. Without script.
#include "base/ctx.h"
#include "schema/openapi.h"
#include "schema/perm.h"

#define POLICY "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Named once before the server starts, read only from then on.
static const struct route *const *served;
static struct str document;

void openapi_serve(const struct route *const *tables, const char *version)
{
    static struct arena *kept;
    if (!kept)
        kept = arena_new();
    served = tables;
    document = openapi_print(kept, tables, version);
}

struct page {
    struct ctx *c;
    struct buf *out;
};

static void put(struct page *p, const char *html)
{
    buf_puts(p->out, html);
}

static void text(struct page *p, const char *z)
{
    buf_html(p->out, str_of(z));
}

static void say(struct page *p, const char *key)
{
    buf_html(p->out, message_text(p->c->arena, p->c->lang, key, NULL, 0));
}

static const char *type_of(const struct field *f)
{
    static const char *const names[] = {
        [F_TEXT] = "text", [F_INT] = "integer", [F_BOOL] = "boolean", [F_TIME] = "time",   [F_DATE] = "date",    [F_ENUM] = "choice",
        [F_ID] = "id",     [F_FEN] = "fen",     [F_EMAIL] = "e-mail", [F_PHONE] = "phone", [F_URL] = "URL",      [F_COLOR] = "#rrggbb",
        [F_LANG] = "language", [F_JSON] = "JSON", [F_OBJECT] = "object", [F_LIST] = "list", [F_TEXTS] = "texts",
    };
    return names[f->type];
}

// Whose fields were written out already, on this page: later mentions link to them.
struct seen {
    const struct schema *s[256];
    size_t count;
};

static bool first_time(struct seen *seen, const struct schema *s)
{
    for (size_t i = 0; i < seen->count; i++)
        if (seen->s[i] == s)
            return false;
    if (seen->count < sizeof seen->s / sizeof seen->s[0])
        seen->s[seen->count++] = s;
    return true;
}

static void field_row(struct page *p, const struct field *f)
{
    put(p, "<tr><td><code>");
    text(p, f->name);
    put(p, "</code></td><td>");
    if (f->sub) {
        put(p, "<a href=\"#schema-");
        text(p, f->sub->name);
        put(p, "\">");
        text(p, f->sub->name);
        put(p, f->type == F_LIST ? "</a>[]" : "</a>");
    } else if (f->type == F_LANG) {
        put(p, "<code>zh-CN</code> <code>en-US</code>");
    } else if (f->choices) {
        for (const char *const *at = f->choices; *at; at++) {
            put(p, at == f->choices ? "<code>" : " <code>");
            text(p, *at);
            put(p, "</code>");
        }
    } else {
        text(p, type_of(f));
        if (f->prefix)
            buf_printf(p->out, " <code>%s_…</code>", f->prefix);
    }
    put(p, "</td><td>");
    static const struct {
        unsigned flag;
        const char *key;
    } marks[] = {{FIELD_REQUIRED, "api.required"}, {FIELD_READ_ONLY, "api.read_only"}, {FIELD_SECRET, "api.in_only"},
                 {FIELD_PERSONAL, "api.personal"}, {FIELD_FILTER, "api.filter"},       {FIELD_SORT, "api.sort"}};
    bool any = false;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (f->flags & marks[i].flag) {
            put(p, any ? ", " : "");
            say(p, marks[i].key);
            any = true;
        }
    put(p, any && f->doc ? ". " : "");
    if (f->doc)
        text(p, f->doc);
    put(p, "</td></tr>\n");
}

static void schema_table(struct page *p, struct seen *seen, const struct schema *s)
{
    if (!first_time(seen, s))
        return;
    put(p, "<section class=\"schema\" id=\"schema-");
    text(p, s->name);
    put(p, "\"><h3>");
    text(p, s->name);
    put(p, "</h3><p>");
    text(p, s->doc ? s->doc : "");
    put(p, "</p><table>\n");
    for (size_t i = 0; i < s->count; i++)
        field_row(p, &s->fields[i]);
    put(p, "</table></section>\n");
    for (size_t i = 0; i < s->count; i++)
        if (s->fields[i].sub)
            schema_table(p, seen, s->fields[i].sub);
}

static void schema_link(struct page *p, const char *key, const struct schema *s, bool list)
{
    if (!s)
        return;
    put(p, "<dt>");
    say(p, key);
    put(p, "</dt><dd><a href=\"#schema-");
    text(p, s->name);
    put(p, "\">");
    text(p, s->name);
    put(p, list ? "</a>[]</dd>" : "</a></dd>");
}

static void operation(struct page *p, const struct route *r)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    put(p, "<section class=\"route\"><h3><span class=\"method\">");
    text(p, methods[r->method]);
    put(p, "</span> <code>");
    text(p, r->path);
    put(p, "</code></h3><p>");
    text(p, r->summary ? r->summary : "");
    put(p, "</p><dl><dt>");
    say(p, "api.permission");
    put(p, "</dt><dd>");
    if (r->perm >= 0 && r->perm < PERM_COUNT)
        buf_printf(p->out, "<code>%s</code>", perm_name((enum perm)r->perm));
    else
        say(p, r->perm == PERM_PUBLIC ? "api.public" : r->perm == PERM_VISITOR ? "api.visitor" : "api.signed_in");
    put(p, "</dd>");
    schema_link(p, "api.body", r->in, false);
    schema_link(p, "api.answer", r->out, (r->flags & ROUTE_LIST) != 0);
    schema_link(p, "api.query", r->query, false);
    put(p, "</dl></section>\n");
}

static bool described(const struct route *r)
{
    return !(r->flags & ROUTE_PAGE) && str_starts(str_of(r->path), STR("/api/v1/"));
}

static const struct route *first_of(struct str tag)
{
    for (const struct route *const *t = served; *t; t++)
        for (const struct route *r = *t; r->path; r++)
            if (described(r) && str_eq(openapi_tag(r), tag))
                return r;
    return NULL;
}

// A tag's routes stand together, in the order of the tables, under the tag's first mention.
static void tag_section(struct page *p, const struct route *first)
{
    struct str tag = openapi_tag(first);
    if (first_of(tag) != first)
        return;
    put(p, "<h2 id=\"");
    buf_html(p->out, tag);
    put(p, "\">");
    buf_html(p->out, tag);
    put(p, "</h2>\n");
    for (const struct route *const *t = served; *t; t++)
        for (const struct route *r = *t; r->path; r++)
            if (described(r) && str_eq(openapi_tag(r), tag))
                operation(p, r);
}

static bool page_get(struct request *rq, struct response *rs)
{
    struct page p = {rq->ctx, &rs->body};
    rs->body.arena = rq->ctx->arena;
    rs->type = "text/html; charset=utf-8";
    response_header(rs, "content-security-policy", STR(POLICY));
    put(&p, "<!doctype html>\n<html lang=\"");
    put(&p, lang_tag(p.c->lang));
    put(&p, "\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>");
    say(&p, "api.title");
    put(&p, "</title><link rel=\"stylesheet\" href=\"/api/style.css\"></head><body><header><h1>");
    say(&p, "api.title");
    put(&p, "</h1><p>");
    say(&p, "api.about");
    put(&p, " <a href=\"/api/openapi.json\">openapi.json</a></p></header><main>\n");
    for (const struct route *const *t = served; *t; t++)
        for (const struct route *r = *t; r->path; r++)
            if (described(r))
                tag_section(&p, r);
    put(&p, "<h2>");
    say(&p, "api.schemas");
    put(&p, "</h2>\n");
    struct seen *seen = ARENA_NEW(p.c->arena, struct seen);
    for (const struct route *const *t = served; *t; t++)
        for (const struct route *r = *t; r->path; r++) {
            const struct schema *all[] = {r->in, r->out, r->query};
            for (size_t i = 0; described(r) && i < 3; i++)
                if (all[i])
                    schema_table(&p, seen, all[i]);
        }
    put(&p, "</main></body></html>\n");
    return true;
}

static bool style_get(struct request *rq, struct response *rs)
{
    rs->body.arena = rq->ctx->arena;
    rs->type = "text/css; charset=utf-8";
    response_header(rs, "cache-control", STR("public, max-age=300"));
    buf_puts(&rs->body,
             ":root{color-scheme:light dark;font:15px/1.55 system-ui,sans-serif}body{margin:0 auto;max-width:62rem;padding:1rem}"
             "code{font:13px ui-monospace,monospace}h2{border-bottom:1px solid #8884;margin-top:2.2rem}h3{margin:.2rem 0;font-size:1rem}"
             "section{border:1px solid #8884;border-radius:8px;margin:.7rem 0;padding:.6rem .9rem;overflow-x:auto}p{margin:.2rem 0}"
             "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.4rem 0 0}dd{margin:0}dt{opacity:.75}"
             ".method{background:#2f6b4f;border-radius:4px;color:#fff;font-size:12px;padding:2px 7px}a{color:#2a6fb0}"
             "@media(prefers-color-scheme:dark){a{color:#8ec1f0}}table{border-collapse:collapse;width:100%}"
             "td{border-top:1px solid #8883;padding:.2rem .6rem .2rem 0;vertical-align:top}");
    return true;
}

static bool document_get(struct request *rq, struct response *rs)
{
    rs->body.arena = rq->ctx->arena;
    buf_str_add(&rs->body, document);
    return true;
}

const struct route openapi_routes[] = {
    {GET, "/api", PERM_PUBLIC, NULL, NULL, page_get, ROUTE_PAGE, "The API for people"},
    {GET, "/api/style.css", PERM_PUBLIC, NULL, NULL, style_get, ROUTE_PAGE, "The page's style sheet"},
    {GET, "/api/openapi.json", PERM_PUBLIC, NULL, NULL, document_get, ROUTE_PAGE, "The OpenAPI document"},
    {0},
};
