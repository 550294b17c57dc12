// Pages are made from the search snapshot: no SQL but for the company's name. Whatever an editor or a visitor wrote goes through buf_html or
// markdown_render; the policy allows neither script nor foreign styles.
#include "knowledge/help.h"

#include "base/conf.h"
#include "base/vec.h"
#include "identity/company.h"
#include "knowledge/markdown.h"
#include "knowledge/snapshot.h"
#include "schema/id.h"

enum { MOST_RESULTS = 20, MOST_QUERY = 200, CARD_LINES = 5, MOST_IN_CATEGORY = 500, RELATED = 5, LEAST_SCORE = 20, LEAST_LIKE = 200, SNIPPET = 140 };
#define POLICY "default-src 'none'; style-src 'self'; img-src 'self' https: data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

struct page {
    struct request *rq;
    struct response *rs;
    struct ctx *c;
    struct buf *out;
    enum lang lang;
    struct str company; // empty when there is none yet
    struct str base;    // "https://example.com": for addresses that must be whole
    const struct snapshot *s;
};

static void put(struct page *p, const char *html)
{
    buf_puts(p->out, html);
}
static void text(struct page *p, struct str s)
{
    buf_html(p->out, s);
}
static struct str words(struct page *p, const char *key, struct str arg)
{
    return message_text(p->c->arena, p->lang, key, &arg, 1);
}
static void say(struct page *p, const char *key)
{
    text(p, words(p, key, STR("")));
}

static struct str url_of(struct page *p, const struct entry *e)
{
    struct knowledge_hit hit = {.kind = e->kind, .id = e->id, .language = e->language, .slug = e->slug};
    return knowledge_url(p->c->arena, &hit);
}
static struct str home_of(struct page *p, enum lang lang)
{
    return str_printf(p->c->arena, "/help/%s/", lang_tag(lang));
}
static struct str category_url(struct page *p, struct str category)
{
    struct buf b = {.arena = p->c->arena};
    buf_printf(&b, "/help/%s/category/", lang_tag(p->lang));
    buf_url(&b, category);
    return buf_str(&b);
}
static struct str category_name(struct page *p, struct str category)
{
    return category.len ? category : words(p, "help.other", STR(""));
}

// ---- the frame of every page

static void link_line(struct page *p, const char *rel, const char *lang, struct str path)
{
    buf_printf(p->out, "<link rel=\"%s\"", rel);
    if (lang)
        buf_printf(p->out, " hreflang=\"%s\"", lang);
    put(p, " href=\"");
    text(p, p->base);
    text(p, path);
    put(p, "\">\n");
}

static void search_form(struct page *p, struct str q, bool large)
{
    buf_printf(p->out, "<form class=\"search%s\" role=\"search\" action=\"/help/%s/\"><label class=\"hidden\" for=\"q\">", large ? " large" : "",
               lang_tag(p->lang));
    say(p, "help.search");
    put(p, "</label><input id=\"q\" name=\"q\" type=\"search\" maxlength=\"200\" autocomplete=\"off\" placeholder=\"");
    say(p, "help.search_hint");
    put(p, "\" value=\"");
    text(p, q);
    put(p, "\"><button>");
    say(p, "help.search");
    put(p, "</button></form>\n");
}

// others: this page's path by language; empty where there is no such page (the switch then leads to the other start page).
static void head(struct page *p, struct str title, struct str description, const struct str others[LANG_COUNT], bool index)
{
    buf_printf(p->out, "<!doctype html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n<title>", lang_tag(p->lang));
    struct str site = p->company.len ? words(p, "help.site", p->company) : words(p, "help.title", STR(""));
    if (title.len) {
        text(p, title);
        put(p, " · ");
    }
    text(p, site);
    put(p, "</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
           "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"stylesheet\" href=\"/help/assets/style.css\">\n");
    if (description.len) {
        put(p, "<meta name=\"description\" content=\"");
        text(p, str_clip(description, 160));
        put(p, "\">\n");
    }
    if (index) {
        link_line(p, "canonical", NULL, others[p->lang]);
        for (int i = 0; i < LANG_COUNT; i++)
            if (others[i].len)
                link_line(p, "alternate", lang_tag((enum lang)i), others[i]);
    } else {
        put(p, "<meta name=\"robots\" content=\"noindex\">\n");
    }
    put(p, "</head>\n<body>\n<a class=\"skip\" href=\"#main\">");
    say(p, "help.skip");
    put(p, "</a>\n<header class=\"bar\"><div class=\"wrap\"><a class=\"brand\" href=\"");
    text(p, home_of(p, p->lang));
    put(p, "\"><span class=\"mark\" aria-hidden=\"true\"></span><span>");
    text(p, site);
    put(p, "</span></a><nav aria-label=\"");
    say(p, "help.languages");
    put(p, "\">");
    for (int i = 0; i < LANG_COUNT; i++) {
        enum lang lang = (enum lang)i;
        buf_printf(p->out, "<a lang=\"%s\" hreflang=\"%s\"%s href=\"", lang_tag(lang), lang_tag(lang), lang == p->lang ? " aria-current=\"true\"" : "");
        text(p, others[i].len ? others[i] : home_of(p, lang));
        put(p, "\">");
        text(p, message_text(p->c->arena, lang, "help.language_name", NULL, 0));
        put(p, "</a>");
    }
    put(p, "</nav></div></header>\n");
}

static bool finish(struct page *p)
{
    put(p, "<footer class=\"foot\"><div class=\"wrap\">");
    text(p, p->company.len ? p->company : words(p, "help.title", STR("")));
    put(p, "</div></footer>\n</body>\n</html>\n");
    snapshot_give(p->c->knowledge, p->s);
    response_header(p->rs, "content-security-policy", STR(POLICY));
    response_header(p->rs, "x-frame-options", STR("DENY"));
    response_header(p->rs, "cache-control", STR("no-cache"));
    response_header(p->rs, "content-language", str_of(lang_tag(p->lang)));
    return true;
}

static struct page begin(struct request *rq, struct response *rs)
{
    struct ctx *c = rq->ctx;
    struct page p = {rq, rs, c, &rs->body, LANG_ZH, STR(""), STR(""), snapshot_take(c->knowledge)};
    rs->type = "text/html; charset=utf-8";
    if (!rs->body.arena)
        rs->body.arena = c->arena;
    if (str_starts(rq->path, STR("/help/en-US")))
        p.lang = LANG_EN;
    struct company company;
    if (company_get(c, &company))
        p.company = company.name;
    error_clear(c->err); // before the set-up there is no company, and the pages need none
    p.base = c->conf && *c->conf->public_url ? str_of(c->conf->public_url)
                                             : str_printf(c->arena, "%s://" STR_FMT, rq->tls ? "https" : "http", STR_ARG(rq->host));
    while (p.base.len && p.base.at[p.base.len - 1] == '/')
        p.base.len--;
    return p;
}

static void crumbs(struct page *p, struct str category, bool category_is_page)
{
    put(p, "<nav class=\"crumbs\" aria-label=\"");
    say(p, "help.crumbs");
    put(p, "\"><ol><li><a href=\"");
    text(p, home_of(p, p->lang));
    put(p, "\">");
    say(p, "help.title");
    put(p, "</a></li>");
    if (category_is_page) {
        put(p, "<li><a href=\"");
        text(p, category_url(p, category_name(p, category)));
        put(p, "\">");
        text(p, category_name(p, category));
        put(p, "</a></li>");
    }
    put(p, "</ol></nav>\n");
}

static void entry_link(struct page *p, const struct entry *e)
{
    put(p, "<a href=\"");
    text(p, url_of(p, e));
    put(p, "\">");
    text(p, e->title);
    put(p, "</a>");
}

static bool not_found(struct page *p)
{
    struct str others[LANG_COUNT] = {{0}};
    p->rs->status = 404;
    head(p, words(p, "help.not_found", STR("")), STR(""), others, false);
    put(p, "<main id=\"main\" class=\"wrap narrow\">\n<h1>");
    say(p, "help.not_found");
    put(p, "</h1>\n<p>");
    say(p, "help.not_found_hint");
    put(p, "</p>\n");
    search_form(p, STR(""), false);
    put(p, "</main>\n");
    return finish(p);
}

// ---- start page and results

struct category {
    struct str name;
    size_t count;
    const struct entry *first[CARD_LINES];
};
struct categories {
    VEC(struct category);
};

static void sort_in(struct page *p, struct categories *list, char kind)
{
    for (uint32_t i = 0; i < p->s->count; i++) {
        const struct entry *e = &p->s->entries[i];
        if (e->language != (int)p->lang || e->kind != kind)
            continue;
        size_t k = 0;
        while (k < list->count && !str_eq(list->at[k].name, e->category))
            k++;
        if (k == list->count)
            VEC_PUSH(p->c->arena, list, (struct category){.name = e->category});
        struct category *c = &list->at[k];
        if (c->count < CARD_LINES)
            c->first[c->count] = e;
        c->count++;
    }
}

static void category_card(struct page *p, const struct category *k)
{
    put(p, "<section class=\"card\"><h2><a href=\"");
    text(p, category_url(p, category_name(p, k->name)));
    put(p, "\">");
    text(p, category_name(p, k->name));
    put(p, "</a></h2>\n<ul>\n");
    for (size_t i = 0; i < k->count && i < CARD_LINES; i++) {
        put(p, "<li>");
        entry_link(p, k->first[i]);
        put(p, "</li>\n");
    }
    put(p, "</ul>\n<p class=\"count\">");
    text(p, words(p, "help.count", str_printf(p->c->arena, "%zu", k->count)));
    put(p, "</p></section>\n");
}

static void guides(struct page *p)
{
    size_t shown = 0;
    for (uint32_t i = 0; i < p->s->count && p->s->entries[i].kind == 'a' && shown < 6; i++) {
        const struct entry *e = &p->s->entries[i];
        if (e->language != (int)p->lang)
            continue;
        if (!shown++) {
            put(p, "<h2 class=\"row-title\">");
            say(p, "help.guides");
            put(p, "</h2>\n<ul class=\"guides\">\n");
        }
        put(p, "<li><h3>");
        entry_link(p, e);
        put(p, "</h3><p>");
        text(p, str_clip(e->text_count > 1 ? e->texts[1].plain : STR(""), 70));
        put(p, "…</p></li>\n");
    }
    if (shown)
        put(p, "</ul>\n");
}

static bool results(struct page *p, struct str q)
{
    struct str others[LANG_COUNT] = {{0}};
    struct knowledge_query query = {.question = str_clip(q, MOST_QUERY), .language = (int)p->lang};
    struct knowledge_hit hits[MOST_RESULTS];
    size_t found = knowledge_find(p->c, &query, hits, MOST_RESULTS), count = 0;
    while (count < found && hits[count].score >= LEAST_SCORE)
        count++;
    head(p, words(p, "help.results", query.question), STR(""), others, false);
    put(p, "<main id=\"main\" class=\"wrap narrow\">\n");
    crumbs(p, STR(""), false);
    put(p, "<h1>");
    text(p, words(p, "help.results", query.question));
    put(p, "</h1>\n");
    search_form(p, query.question, false);
    put(p, "<p class=\"count\" role=\"status\">");
    text(p, count ? words(p, "help.found", str_printf(p->c->arena, "%zu", count)) : words(p, "help.nothing", STR("")));
    put(p, "</p>\n<ul class=\"results\">\n");
    for (size_t i = 0; i < count; i++) {
        put(p, "<li><h2><a href=\"");
        text(p, knowledge_url(p->c->arena, &hits[i]));
        put(p, "\">");
        text(p, hits[i].title);
        put(p, "</a></h2><p>");
        struct str plain = markdown_plain(p->c->arena, hits[i].answer);
        text(p, str_clip(plain, SNIPPET));
        put(p, str_chars(plain) > SNIPPET ? "…</p></li>\n" : "</p></li>\n");
    }
    put(p, "</ul>\n</main>\n");
    return finish(p);
}

static bool start_page(struct request *rq, struct response *rs)
{
    struct page p = begin(rq, rs);
    struct str q = STR("");
    if (request_query(rq, "q", &q) && str_trim(q).len)
        return results(&p, str_trim(q));
    struct str others[LANG_COUNT] = {home_of(&p, LANG_ZH), home_of(&p, LANG_EN)};
    head(&p, STR(""), words(&p, "help.about", p.company), others, true);
    put(&p, "<main id=\"main\" class=\"start\">\n<div class=\"hero\"><div class=\"wrap\"><h1>");
    say(&p, "help.hello");
    put(&p, "</h1>\n");
    search_form(&p, STR(""), true);
    put(&p, "</div></div>\n<div class=\"wrap\">\n");
    struct categories list = {0};
    sort_in(&p, &list, 'f'); // in the order in which the FAQs came
    sort_in(&p, &list, 'a');
    if (!list.count) {
        put(&p, "<p class=\"empty\">");
        say(&p, "help.empty");
        put(&p, "</p>\n");
    }
    put(&p, "<div class=\"cards\">\n");
    for (size_t i = 0; i < list.count; i++)
        category_card(&p, &list.at[i]);
    put(&p, "</div>\n");
    guides(&p);
    put(&p, "</div>\n</main>\n");
    return finish(&p);
}

// ---- one category, one entry

static bool category_page(struct request *rq, struct response *rs)
{
    struct page p = begin(rq, rs);
    struct str name = rq->params[0];
    struct str wanted = str_eq(name, words(&p, "help.other", STR(""))) ? STR("") : name;
    size_t shown = 0;
    struct str others[LANG_COUNT] = {{0}};
    others[p.lang] = category_url(&p, name);
    for (uint32_t i = 0; i < p.s->count && shown < MOST_IN_CATEGORY; i++) {
        const struct entry *e = &p.s->entries[i];
        if (e->language != (int)p.lang || !(str_eq(e->category, wanted) || str_eq(e->category, name)))
            continue;
        if (!shown++) {
            head(&p, name, STR(""), others, true);
            put(&p, "<main id=\"main\" class=\"wrap narrow\">\n");
            crumbs(&p, STR(""), false);
            put(&p, "<h1>");
            text(&p, name);
            put(&p, "</h1>\n<ul class=\"list\">\n");
        }
        put(&p, e->kind == 'a' ? "<li class=\"guide\">" : "<li>");
        entry_link(&p, e);
        put(&p, "</li>\n");
    }
    if (!shown)
        return not_found(&p);
    put(&p, "</ul>\n</main>\n");
    return finish(&p);
}

static void related_link(struct page *p, struct str url, struct str title, size_t *shown)
{
    if (!(*shown)++) {
        put(p, "<aside class=\"related\"><h2>");
        say(p, "help.related");
        put(p, "</h2>\n<ul>\n");
    }
    put(p, "<li><a href=\"");
    text(p, url);
    put(p, "\">");
    text(p, title);
    put(p, "</a></li>\n");
}

// What is like it and of its category; then what is very like it; no more than a handful.
static void related(struct page *p, const struct entry *e)
{
    struct knowledge_query q = {.question = e->title, .language = e->language};
    struct knowledge_hit hits[MOST_RESULTS];
    size_t count = knowledge_find(p->c, &q, hits, MOST_RESULTS), shown = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count && shown < RELATED; i++) {
            const struct entry *other = snapshot_entry(p->s, hits[i].kind, hits[i].id);
            if (!other || other == e || (pass == 1) == str_eq(other->category, e->category))
                continue;
            if (hits[i].score >= (pass ? LEAST_LIKE : LEAST_SCORE))
                related_link(p, url_of(p, other), other->title, &shown);
        }
    }
    if (shown)
        put(p, "</ul></aside>\n");
}

static bool entry_page(struct page *p, const struct entry *e, const struct str others[LANG_COUNT])
{
    head(p, e->title, markdown_plain(p->c->arena, str_clip(e->answer, 1000)), others, true);
    put(p, "<main id=\"main\" class=\"wrap narrow\">\n");
    crumbs(p, e->category, true);
    put(p, "<article>\n<h1>");
    text(p, e->title);
    put(p, "</h1>\n<p class=\"when\">");
    char when[TIME_TEXT];
    struct str stamp = time_text(e->updated_at, when);
    text(p, words(p, "help.updated", str_sub(stamp, 0, 10)));
    put(p, "</p>\n<div class=\"prose\">\n");
    buf_str_add(p->out, markdown_render(p->c->arena, e->answer));
    put(p, "</div>\n</article>\n");
    related(p, e);
    put(p, "<section class=\"more\"><h2>");
    say(p, "help.still");
    put(p, "</h2>");
    search_form(p, STR(""), false);
    put(p, "</section>\n</main>\n");
    return finish(p);
}

static bool faq_page(struct request *rq, struct response *rs)
{
    struct page p = begin(rq, rs);
    int64_t id;
    const struct entry *e = id_parse("kf", rq->params[0], &id) ? snapshot_entry(p.s, 'f', id) : NULL;
    if (!e)
        return not_found(&p);
    if (e->language != (int)p.lang) { // its own language's page is the one
        struct str url = url_of(&p, e);
        snapshot_give(p.c->knowledge, p.s);
        return response_redirect(rs, 302, url);
    }
    struct str others[LANG_COUNT] = {{0}};
    others[p.lang] = url_of(&p, e);
    return entry_page(&p, e, others);
}

static bool article_page(struct request *rq, struct response *rs)
{
    struct page p = begin(rq, rs);
    const struct entry *e = snapshot_article(p.s, rq->params[0], (int)p.lang);
    if (!e)
        return not_found(&p);
    struct str others[LANG_COUNT] = {{0}};
    for (int i = 0; i < LANG_COUNT; i++) {
        const struct entry *same = snapshot_article(p.s, e->slug, i);
        if (same)
            others[i] = url_of(&p, same);
    }
    return entry_page(&p, e, others);
}

static bool choose_language(struct request *rq, struct response *rs)
{
    enum lang lang = lang_from_header(request_header(rq, "accept-language"), LANG_ZH);
    response_header(rs, "vary", STR("accept-language"));
    return response_redirect(rs, 302, str_printf(rq->ctx->arena, "/help/%s/", lang_tag(lang)));
}
static bool add_slash(struct request *rq, struct response *rs)
{
    return response_redirect(rs, 308, str_printf(rq->ctx->arena, STR_FMT "/", STR_ARG(rq->path)));
}

// The languages are written out, so that /help/assets/… stays the static files'.
#define PAGES(lang) \
    {GET, "/help/" lang, PERM_PUBLIC, NULL, NULL, add_slash, ROUTE_PAGE, ""}, \
        {GET, "/help/" lang "/", PERM_PUBLIC, NULL, NULL, start_page, ROUTE_PAGE, ""}, \
        {GET, "/help/" lang "/faq/{id}", PERM_PUBLIC, NULL, NULL, faq_page, ROUTE_PAGE, ""}, \
        {GET, "/help/" lang "/category/{name}", PERM_PUBLIC, NULL, NULL, category_page, ROUTE_PAGE, ""}, \
    { \
        GET, "/help/" lang "/{slug}", PERM_PUBLIC, NULL, NULL, article_page, ROUTE_PAGE, "" \
    }
const struct route help_routes[] = {
    {GET, "/help", PERM_PUBLIC, NULL, NULL, choose_language, ROUTE_PAGE, ""},
    {GET, "/help/", PERM_PUBLIC, NULL, NULL, choose_language, ROUTE_PAGE, ""},
    PAGES("zh-CN"),
    PAGES("en-US"),
    {0},
};
