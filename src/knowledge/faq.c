#include "knowledge/faq.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "knowledge/snapshot.h"
#include "schema/text.h"
#include "store/db.h"

#define COLUMNS "language, external_id, question, similar_lines, answer, category, tag_lines, enabled, version, created_at, updated_at, " \
                "updated_by, updated_by_name"
SQL(faq_by_id, "SELECT id, " COLUMNS " FROM faq WHERE id = ?1");
SQL(faq_by_external_id, "SELECT id, " COLUMNS " FROM faq WHERE external_id = ?1");
SQL(faq_by_question, "SELECT id, " COLUMNS " FROM faq WHERE question = ?1 AND language = ?2 ORDER BY id LIMIT 1");
SQL(faq_insert, "INSERT INTO faq (" COLUMNS ", changed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?9, ?10, ?11, ?12) RETURNING id");
SQL(faq_update, "UPDATE faq SET language = ?1, external_id = ?2, question = ?3, similar_lines = ?4, answer = ?5, category = ?6, tag_lines = ?7, "
                "enabled = ?8, updated_at = ?9, updated_by = ?10, updated_by_name = ?11, changed = ?12, version = version + 1 "
                "WHERE id = ?13 AND version = ?14");
SQL(faq_remove, "DELETE FROM faq WHERE id = ?1 AND version = ?2");

static const char *const languages[] = {"zh", "en", NULL}; // by enum lang
static const struct field editor_fields[] = {
    FIELD(_, knowledge_editor, id, F_ID, .prefix = "us"),
    FIELD(_, knowledge_editor, name, F_TEXT),
};
SCHEMA(knowledge_editor_schema, "KnowledgeEditor", struct knowledge_editor, editor_fields, "Who changed an entry last; without id: the system");

static const struct field faq_fields[] = {
    FIELD(_, faq, id, F_ID, .prefix = "kf", .flags = FIELD_READ_ONLY),
    FIELD(_, faq, language, F_ENUM, .choices = languages, .flags = FIELD_REQUIRED | FIELD_FILTER),
    FIELD(_, faq, question, F_TEXT, .max = FAQ_MOST_QUESTION, .flags = FIELD_REQUIRED | FIELD_SEARCH, .doc = "The standard question"),
    FIELD(_, faq, similar, F_TEXTS, .max = FAQ_MOST_SIMILAR, .doc = "Other wordings of it"),
    FIELD(_, faq, answer, F_TEXT, .max = FAQ_MOST_ANSWER, .flags = FIELD_REQUIRED | FIELD_MULTILINE, .doc = "Markdown"),
    FIELD(_, faq, category, F_TEXT, .max = KNOWLEDGE_MOST_CATEGORY, .flags = FIELD_FILTER),
    FIELD(_, faq, tags, F_TEXTS, .max = KNOWLEDGE_MOST_TAGS),
    FIELD(_, faq, enabled, F_BOOL, .flags = FIELD_FILTER, .doc = "Found and shown; true unless said otherwise"),
    FIELD(_, faq, updated_by, F_OBJECT, .sub = &knowledge_editor_schema, .flags = FIELD_READ_ONLY),
    FIELD(_, faq, created_at, F_TIME, .flags = FIELD_READ_ONLY),
    FIELD(_, faq, updated_at, F_TIME, .flags = FIELD_READ_ONLY | FIELD_SORT | FIELD_FILTER),
    FIELD(_, faq, version, F_INT, .flags = FIELD_READ_ONLY, .doc = "What If-Match names"),
};
SCHEMA(faq_schema, "Faq", struct faq, faq_fields, "A standard question with other wordings and its answer");

static void read_row(struct rows *r, struct faq *out)
{
    struct arena *a = r->c->arena;
    *out = (struct faq){.id = rows_int(r, 0), .language = (int)rows_int(r, 1)};
    out->external_id = rows_str(r, 2);
    out->question = rows_str(r, 3);
    lines_split(a, rows_str(r, 4), &out->similar.at, &out->similar.count);
    out->answer = rows_str(r, 5);
    out->category = rows_str(r, 6);
    lines_split(a, rows_str(r, 7), &out->tags.at, &out->tags.count);
    out->enabled = rows_int(r, 8) != 0;
    out->version = rows_int(r, 9);
    out->created_at = rows_int(r, 10);
    out->updated_at = rows_int(r, 11);
    out->updated_by = ARENA_NEW(a, struct knowledge_editor);
    out->updated_by->id = rows_int(r, 12);
    out->updated_by->name = rows_str(r, 13);
}

static bool read_one(struct ctx *c, struct rows *r, struct faq *out, bool *found)
{
    *found = rows_next(r);
    if (*found)
        read_row(r, out);
    return rows_done(r);
}

bool faq_get(struct ctx *c, int64_t id, struct faq *out)
{
    struct rows r;
    bool found;
    db_query(c, &r, &faq_by_id, "i", id);
    return read_one(c, &r, out, &found) && (found || fail(c, ERR_NOT_FOUND, "not_found", NULL));
}

bool faq_list(struct ctx *c, const struct list_query *q, struct faq **faqs, size_t *count)
{
    struct str text = str_printf(c->arena, "SELECT id, " COLUMNS " FROM faq WHERE 1 = 1" STR_FMT STR_FMT " LIMIT %d", STR_ARG(q->where),
                                 STR_ARG(q->order), q->limit + 1);
    struct rows r;
    *faqs = ARENA_ARRAY(c->arena, struct faq, q->limit + 1);
    *count = 0;
    db_query_built(c, &r, text, q->values, q->count);
    while (*count <= (size_t)q->limit && rows_next(&r))
        read_row(&r, &(*faqs)[(*count)++]);
    return rows_done(&r);
}

// ---- rules

// What spreadsheets and chat logs carry along: line breaks and controls inside a line become spaces, invisible direction marks go.
static struct str tidy(struct arena *a, struct str v, bool multiline)
{
    struct buf b = {.arena = a};
    for (size_t at = 0; at < v.len;) {
        size_t from = at;
        uint32_t ch = str_next_char(v, &at);
        bool control = ch < 0x20 || (ch >= 0x7f && ch < 0xa0) || ch == 0x2028 || ch == 0x2029;
        if (control && !(multiline && (ch == '\n' || ch == '\r' || ch == '\t')))
            buf_putc(&b, multiline && (ch == 0x2028 || ch == 0x2029) ? '\n' : ' ');
        else if (!((ch >= 0x202a && ch <= 0x202e) || (ch >= 0x2066 && ch <= 0x2069)))
            buf_add(&b, v.at + from, at - from);
    }
    return buf_str(&b);
}

bool knowledge_clean(struct ctx *c, const char *field, struct str *v, bool multiline, bool required, int most)
{
    if ((v->len && !str_is_utf8(*v)) || !text_clean(c->arena, tidy(c->arena, *v, multiline), multiline, true, v))
        return fail_field(c, str_of(field), "schema.control", NULL);
    if (required && !v->len)
        return fail_field(c, str_of(field), "schema.required", NULL);
    if (str_chars(*v) > (size_t)most)
        return fail_field(c, str_of(field), "schema.too_long", arena_printf(c->arena, "%d", most), NULL);
    return true;
}

static bool clean_texts(struct ctx *c, const char *field, struct str_list *list, int most, int most_chars)
{
    struct str_list out = {.at = ARENA_ARRAY(c->arena, struct str, list->count + 1)};
    for (size_t i = 0; i < list->count; i++) {
        struct str v = list->at[i];
        if (!knowledge_clean(c, arena_printf(c->arena, "%s/%zu", field, i), &v, false, false, most_chars))
            return false;
        if (v.len)
            out.at[out.count++] = v;
    }
    *list = out;
    if (list->count > (size_t)most)
        return fail_field(c, str_of(field), "schema.too_many", arena_printf(c->arena, "%d", most), NULL);
    return true;
}

bool knowledge_same_texts(const struct str_list *a, const struct str_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!str_eq(a->at[i], b->at[i]))
            return false;
    return true;
}

bool knowledge_check_common(struct ctx *c, struct str *category, struct str_list *tags)
{
    bool fine = knowledge_clean(c, "category", category, false, false, KNOWLEDGE_MOST_CATEGORY);
    return clean_texts(c, "tags", tags, KNOWLEDGE_MOST_TAGS, KNOWLEDGE_MOST_TAG) && fine;
}

bool faq_check(struct ctx *c, struct faq *f)
{
    bool fine = knowledge_clean(c, "question", &f->question, false, true, FAQ_MOST_QUESTION);
    fine &= clean_texts(c, "similar", &f->similar, FAQ_MOST_SIMILAR, FAQ_MOST_QUESTION);
    fine &= knowledge_clean(c, "answer", &f->answer, true, true, FAQ_MOST_ANSWER);
    fine &= knowledge_check_common(c, &f->category, &f->tags);
    fine &= knowledge_clean(c, "id", &f->external_id, false, false, 200);
    return fine;
}

// A wording that stands twice weighs twice in the index and says nothing new.
static void drop_repeated(struct ctx *c, struct faq *f)
{
    struct str_map seen = {0};
    struct str_list out = {.at = ARENA_ARRAY(c->arena, struct str, f->similar.count + 1)};
    str_map_put(&seen, f->question, f);
    for (size_t i = 0; i < f->similar.count; i++)
        if (f->similar.at[i].len && !str_map_put(&seen, f->similar.at[i], f))
            out.at[out.count++] = f->similar.at[i];
    str_map_free(&seen);
    f->similar = out;
}

// ---- changes

static bool write_row(struct ctx *c, struct faq *f) // id 0: a new one; else the row must have f->version
{
    int64_t change, now = clock_now(c->clock);
    struct arena *a = c->arena;
    struct str similar = lines_join(a, f->similar.at, f->similar.count), tags = lines_join(a, f->tags.at, f->tags.count);
    int64_t by = c->actor.kind == ACTOR_USER || c->actor.kind == ACTOR_TOKEN ? c->actor.id : 0;
    if (!knowledge_next_change(c, &change))
        return false;
    f->updated_at = now;
    f->updated_by = ARENA_NEW(a, struct knowledge_editor);
    *f->updated_by = (struct knowledge_editor){by, c->actor.name};
    if (!f->id) {
        f->created_at = now;
        f->version = 1;
        return db_int(c, &f->id, NULL, &faq_insert, "iSsssssiiisi", (int64_t)f->language, f->external_id, f->question, similar, f->answer,
                      f->category, tags, (int64_t)f->enabled, now, by, c->actor.name, change);
    }
    if (!db_exec(c, &faq_update, "iSsssssiiisiii", (int64_t)f->language, f->external_id, f->question, similar, f->answer, f->category, tags,
                 (int64_t)f->enabled, now, by, c->actor.name, change, f->id, f->version))
        return false;
    if (!db_changed(c))
        return fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
    f->version++;
    return true;
}

// The change is stored; if the snapshot cannot be made now, the watcher makes it soon.
void knowledge_changed(struct ctx *c)
{
    if (knowledge_publish(c))
        return;
    LOG_WARN("knowledge_publish", "error", c->err->key ? c->err->key : "internal", "detail", c->err->detail, NULL);
    error_clear(c->err);
}

static bool create_write(struct ctx *c, void *arg)
{
    struct faq *f = arg;
    f->id = 0;
    return write_row(c, f);
}

bool faq_create(struct ctx *c, struct faq *faq)
{
    drop_repeated(c, faq);
    if (!store_write(c, create_write, faq))
        return false;
    knowledge_changed(c);
    return true;
}

struct change {
    struct faq *in, out;
    uint64_t set;
    int64_t expected;
};
static bool is_set(const struct change *k, const char *name)
{
    return k->set >> schema_field(&faq_schema, name) & 1;
}

static bool change_write(struct ctx *c, void *arg)
{
    struct change *k = arg;
    struct faq *f = &k->out;
    if (!faq_get(c, k->in->id, f))
        return false;
    if (k->expected && f->version != k->expected)
        return fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
    if (is_set(k, "language"))
        f->language = k->in->language;
    if (is_set(k, "question"))
        f->question = k->in->question;
    if (is_set(k, "similar"))
        f->similar = k->in->similar;
    if (is_set(k, "answer"))
        f->answer = k->in->answer;
    if (is_set(k, "category"))
        f->category = k->in->category;
    if (is_set(k, "tags"))
        f->tags = k->in->tags;
    if (is_set(k, "enabled"))
        f->enabled = k->in->enabled;
    drop_repeated(c, f);
    return write_row(c, f);
}

bool faq_change(struct ctx *c, struct faq *faq, uint64_t set, int64_t expected_version)
{
    struct change k = {.in = faq, .set = set, .expected = expected_version};
    if (!store_write(c, change_write, &k))
        return false;
    *faq = k.out;
    knowledge_changed(c);
    return true;
}

static bool delete_write(struct ctx *c, void *arg)
{
    const struct change *k = arg;
    struct faq f = {0};
    int64_t change;
    if (!faq_get(c, k->in->id, &f))
        return false;
    if (k->expected && f.version != k->expected)
        return fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
    if (!knowledge_next_change(c, &change) || !knowledge_forget(c, 'f', f.id, change) || !db_exec(c, &faq_remove, "ii", f.id, f.version))
        return false;
    return db_changed(c) || fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
}

bool faq_delete(struct ctx *c, int64_t id, int64_t expected_version)
{
    struct faq f = {.id = id};
    struct change k = {.in = &f, .expected = expected_version};
    if (!store_write(c, delete_write, &k))
        return false;
    knowledge_changed(c);
    return true;
}

// ---- many at once

static bool same(const struct faq *a, const struct faq *b)
{
    return a->language == b->language && str_eq(a->question, b->question) && str_eq(a->answer, b->answer) &&
           str_eq(a->category, b->category) && a->enabled == b->enabled && knowledge_same_texts(&a->similar, &b->similar) &&
           knowledge_same_texts(&a->tags, &b->tags);
}

bool faq_put(struct ctx *c, struct faq *f, enum knowledge_put *how)
{
    struct rows r;
    struct faq now;
    bool found = false;
    if (f->external_id.len)
        db_query(c, &r, &faq_by_external_id, "s", f->external_id);
    else if (f->id)
        db_query(c, &r, &faq_by_id, "i", f->id);
    else
        db_query(c, &r, &faq_by_question, "si", f->question, (int64_t)f->language);
    if (!read_one(c, &r, &now, &found))
        return false;
    drop_repeated(c, f);
    f->id = found ? now.id : 0;
    if (found) {
        f->version = now.version;
        f->created_at = now.created_at;
        f->external_id = now.external_id;
    }
    *how = !found ? PUT_NEW : same(f, &now) ? PUT_SAME : PUT_UPDATED;
    return *how == PUT_SAME || write_row(c, f);
}
