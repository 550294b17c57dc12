#include "knowledge/article.h"

#include "knowledge/snapshot.h"
#include "store/db.h"

#define COLUMNS "language, slug, title, body, category, tag_lines, published, version, created_at, updated_at, updated_by, updated_by_name"
SQL(article_by_id, "SELECT id, " COLUMNS " FROM article WHERE id = ?1");
SQL(article_by_slug, "SELECT id, " COLUMNS " FROM article WHERE slug = ?1 AND language = ?2");
SQL(article_insert, "INSERT INTO article (" COLUMNS ", changed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?8, ?9, ?10, ?11) RETURNING id");
SQL(article_update, "UPDATE article SET language = ?1, slug = ?2, title = ?3, body = ?4, category = ?5, tag_lines = ?6, published = ?7, "
                    "updated_at = ?8, updated_by = ?9, updated_by_name = ?10, changed = ?11, version = version + 1 "
                    "WHERE id = ?12 AND version = ?13");
SQL(article_remove, "DELETE FROM article WHERE id = ?1 AND version = ?2");

static const char *const languages[] = {"zh", "en", NULL}; // by enum lang
static const struct field article_fields[] = {
    FIELD(_, article, id, F_ID, .prefix = "ka", .flags = FIELD_READ_ONLY),
    FIELD(_, article, slug, F_TEXT, .max = ARTICLE_MOST_SLUG, .flags = FIELD_FILTER,
          .doc = "Its page's name: a-z, 0-9 and hyphens; made from the title when empty"),
    FIELD(_, article, language, F_ENUM, .choices = languages, .flags = FIELD_REQUIRED | FIELD_FILTER),
    FIELD(_, article, title, F_TEXT, .max = ARTICLE_MOST_TITLE, .flags = FIELD_REQUIRED | FIELD_SEARCH),
    FIELD(_, article, body, F_TEXT, .max = ARTICLE_MOST_BODY, .flags = FIELD_REQUIRED | FIELD_MULTILINE, .doc = "Markdown"),
    FIELD(_, article, category, F_TEXT, .max = KNOWLEDGE_MOST_CATEGORY, .flags = FIELD_FILTER),
    FIELD(_, article, tags, F_TEXTS, .max = KNOWLEDGE_MOST_TAGS),
    FIELD(_, article, published, F_BOOL, .flags = FIELD_FILTER, .doc = "Found and shown; false unless said otherwise"),
    FIELD(_, article, updated_by, F_OBJECT, .sub = &knowledge_editor_schema, .flags = FIELD_READ_ONLY),
    FIELD(_, article, created_at, F_TIME, .flags = FIELD_READ_ONLY),
    FIELD(_, article, updated_at, F_TIME, .flags = FIELD_READ_ONLY | FIELD_SORT | FIELD_FILTER),
    FIELD(_, article, version, F_INT, .flags = FIELD_READ_ONLY, .doc = "What If-Match names"),
};
SCHEMA(article_schema, "Article", struct article, article_fields, "A page of the help centre");

static void read_row(struct rows *r, struct article *out)
{
    struct arena *a = r->c->arena;
    *out = (struct article){.id = rows_int(r, 0), .language = (int)rows_int(r, 1)};
    out->slug = rows_str(r, 2);
    out->title = rows_str(r, 3);
    out->body = rows_str(r, 4);
    out->category = rows_str(r, 5);
    lines_split(a, rows_str(r, 6), &out->tags.at, &out->tags.count);
    out->published = rows_int(r, 7) != 0;
    out->version = rows_int(r, 8);
    out->created_at = rows_int(r, 9);
    out->updated_at = rows_int(r, 10);
    out->updated_by = ARENA_NEW(a, struct knowledge_editor);
    out->updated_by->id = rows_int(r, 11);
    out->updated_by->name = rows_str(r, 12);
}

static bool read_one(struct rows *r, struct article *out, bool *found)
{
    *found = rows_next(r);
    if (*found)
        read_row(r, out);
    return rows_done(r);
}

bool article_get(struct ctx *c, int64_t id, struct article *out)
{
    struct rows r;
    bool found;
    db_query(c, &r, &article_by_id, "i", id);
    return read_one(&r, out, &found) && (found || fail(c, ERR_NOT_FOUND, "not_found", NULL));
}

bool article_list(struct ctx *c, const struct list_query *q, struct article **articles, size_t *count)
{
    struct str text = str_printf(c->arena, "SELECT id, " COLUMNS " FROM article WHERE 1 = 1" STR_FMT STR_FMT " LIMIT %d",
                                 STR_ARG(q->where), STR_ARG(q->order), q->limit + 1);
    struct rows r;
    *articles = ARENA_ARRAY(c->arena, struct article, q->limit + 1);
    *count = 0;
    db_query_built(c, &r, text, q->values, q->count);
    while (*count <= (size_t)q->limit && rows_next(&r))
        read_row(&r, &(*articles)[(*count)++]);
    return rows_done(&r);
}

// ---- rules

bool article_slug_valid(struct str slug)
{
    if (!slug.len || slug.len > ARTICLE_MOST_SLUG || slug.at[0] == '-' || slug.at[slug.len - 1] == '-')
        return false;
    for (size_t i = 0; i < slug.len; i++)
        if (!(slug.at[i] >= 'a' && slug.at[i] <= 'z') && !(slug.at[i] >= '0' && slug.at[i] <= '9') && slug.at[i] != '-')
            return false;
    // Names that the help centre's own pages have.
    return !str_is(slug, "faq") && !str_is(slug, "category") && !str_is(slug, "assets");
}

// ASCII letters and digits of the title; what has none gets a name from the title's characters, so that the same title gives the same page.
static struct str slug_of(struct arena *a, struct str title)
{
    struct buf b = {.arena = a};
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < title.len; i++) {
        char ch = title.at[i];
        hash = (hash ^ (unsigned char)ch) * 0x100000001b3;
        if (ch >= 'A' && ch <= 'Z')
            ch = (char)(ch + 32);
        if ((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9'))
            buf_putc(&b, ch);
        else if (b.len && b.at[b.len - 1] != '-')
            buf_putc(&b, '-');
        if (b.len == ARTICLE_MOST_SLUG - 20)
            break;
    }
    while (b.len && b.at[b.len - 1] == '-')
        b.len--;
    if (b.len < 3)
        buf_printf(&b, "%sarticle-%08x", b.len ? "-" : "", (unsigned)(hash >> 32));
    return buf_str(&b);
}

static bool check_slug(struct ctx *c, struct article *article)
{
    if (!article->slug.len)
        article->slug = slug_of(c->arena, article->title);
    return article_slug_valid(article->slug) || fail_field(c, STR("slug"), "article.slug", NULL);
}

bool article_check(struct ctx *c, struct article *article)
{
    bool fine = knowledge_clean(c, "title", &article->title, false, true, ARTICLE_MOST_TITLE);
    fine &= knowledge_clean(c, "body", &article->body, true, true, ARTICLE_MOST_BODY);
    fine &= knowledge_check_common(c, &article->category, &article->tags);
    return fine && check_slug(c, article);
}

// ---- changes

static bool write_row(struct ctx *c, struct article *f) // id 0: a new one; else the row must have f->version
{
    int64_t change, now = clock_now(c->clock);
    struct str tags = lines_join(c->arena, f->tags.at, f->tags.count);
    int64_t by = c->actor.kind == ACTOR_USER || c->actor.kind == ACTOR_TOKEN ? c->actor.id : 0;
    if (!knowledge_next_change(c, &change))
        return false;
    f->updated_at = now;
    f->updated_by = ARENA_NEW(c->arena, struct knowledge_editor);
    *f->updated_by = (struct knowledge_editor){by, c->actor.name};
    if (!f->id) {
        f->created_at = now;
        f->version = 1;
        return db_int(c, &f->id, NULL, &article_insert, "isssssiiisi", (int64_t)f->language, f->slug, f->title, f->body, f->category, tags,
                      (int64_t)f->published, now, by, c->actor.name, change);
    }
    if (!db_exec(c, &article_update, "isssssiiisiii", (int64_t)f->language, f->slug, f->title, f->body, f->category, tags,
                 (int64_t)f->published, now, by, c->actor.name, change, f->id, f->version))
        return false;
    if (!db_changed(c))
        return fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
    f->version++;
    return true;
}

// Inside the transaction, so that the field is named; the unique index stands behind it.
static bool slug_is_free(struct ctx *c, const struct article *article)
{
    struct rows r;
    struct article other;
    bool found;
    db_query(c, &r, &article_by_slug, "si", article->slug, (int64_t)article->language);
    if (!read_one(&r, &other, &found))
        return false;
    if (!found || other.id == article->id)
        return true;
    fail_field(c, STR("slug"), "article.slug_taken", str_z(c->arena, article->slug), NULL);
    c->err->code = ERR_CONFLICT;
    return false;
}

static bool create_write(struct ctx *c, void *arg)
{
    struct article *f = arg;
    f->id = 0;
    return slug_is_free(c, f) && write_row(c, f);
}

bool article_create(struct ctx *c, struct article *article)
{
    if (!check_slug(c, article) || !store_write(c, create_write, article))
        return false;
    knowledge_changed(c);
    return true;
}

struct change {
    struct article *in, out;
    uint64_t set;
    int64_t expected;
};
static bool is_set(const struct change *k, const char *name)
{
    return k->set >> schema_field(&article_schema, name) & 1;
}

static bool change_write(struct ctx *c, void *arg)
{
    struct change *k = arg;
    struct article *f = &k->out;
    if (!article_get(c, k->in->id, f))
        return false;
    if (k->expected && f->version != k->expected)
        return fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
    if (is_set(k, "slug"))
        f->slug = k->in->slug;
    if (is_set(k, "language"))
        f->language = k->in->language;
    if (is_set(k, "title"))
        f->title = k->in->title;
    if (is_set(k, "body"))
        f->body = k->in->body;
    if (is_set(k, "category"))
        f->category = k->in->category;
    if (is_set(k, "tags"))
        f->tags = k->in->tags;
    if (is_set(k, "published"))
        f->published = k->in->published;
    return check_slug(c, f) && slug_is_free(c, f) && write_row(c, f);
}

bool article_change(struct ctx *c, struct article *article, uint64_t set, int64_t expected_version)
{
    struct change k = {.in = article, .set = set, .expected = expected_version};
    if (!store_write(c, change_write, &k))
        return false;
    *article = k.out;
    knowledge_changed(c);
    return true;
}

static bool delete_write(struct ctx *c, void *arg)
{
    const struct change *k = arg;
    struct article f = {0};
    int64_t change;
    if (!article_get(c, k->in->id, &f))
        return false;
    if (k->expected && f.version != k->expected)
        return fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
    if (!knowledge_next_change(c, &change) || !knowledge_forget(c, 'a', f.id, change) ||
        !db_exec(c, &article_remove, "ii", f.id, f.version))
        return false;
    return db_changed(c) || fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
}

bool article_delete(struct ctx *c, int64_t id, int64_t expected_version)
{
    struct article f = {.id = id};
    struct change k = {.in = &f, .expected = expected_version};
    if (!store_write(c, delete_write, &k))
        return false;
    knowledge_changed(c);
    return true;
}

static bool same(const struct article *a, const struct article *b)
{
    return knowledge_same_texts(&a->tags, &b->tags) && str_eq(a->title, b->title) &&
           str_eq(a->body, b->body) && str_eq(a->category, b->category) && a->published == b->published;
}

bool article_put(struct ctx *c, struct article *f, enum knowledge_put *how)
{
    struct rows r;
    struct article now;
    bool found;
    db_query(c, &r, &article_by_slug, "si", f->slug, (int64_t)f->language);
    if (!read_one(&r, &now, &found))
        return false;
    f->id = found ? now.id : 0;
    if (found) {
        f->version = now.version;
        f->created_at = now.created_at;
    }
    *how = !found ? PUT_NEW : same(f, &now) ? PUT_SAME : PUT_UPDATED;
    return *how == PUT_SAME || write_row(c, f);
}
