// From the store to the next snapshot. Only rows whose `changed` is above the number of the snapshot before are read and segmented; all other entries
// come from it (index_copy), so that an edit costs milliseconds however many wordings there are.
#include <stdlib.h>

#include "base/vec.h"
#include "knowledge/markdown.h"
#include "knowledge/snapshot.h"
#include "store/db.h"

SQL(knowledge_change_select, "SELECT change FROM knowledge_state WHERE id = 1");
SQL(knowledge_change_count, "UPDATE knowledge_state SET change = change + 1 WHERE id = 1 RETURNING change");
SQL(knowledge_gone_add, "INSERT INTO knowledge_gone (changed, kind, entry) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
SQL(knowledge_gone_since, "SELECT kind, entry FROM knowledge_gone WHERE changed > ?1 ORDER BY changed, kind, entry");
SQL(faq_since, "SELECT id, language, question, similar_lines, answer, category, updated_at, enabled FROM faq "
               "WHERE changed > ?1 ORDER BY changed, id");
SQL(article_since, "SELECT id, language, title, slug, body, category, updated_at, published FROM article "
                   "WHERE changed > ?1 ORDER BY changed, id");

bool knowledge_change_now(struct ctx *c, int64_t *change)
{
    return db_int(c, change, NULL, &knowledge_change_select, "");
}
bool knowledge_next_change(struct ctx *c, int64_t *change)
{
    return db_int(c, change, NULL, &knowledge_change_count, "");
}
bool knowledge_forget(struct ctx *c, char kind, int64_t id, int64_t change)
{
    return db_exec(c, &knowledge_gone_add, "iii", change, (int64_t)kind, id);
}

struct str lines_join(struct arena *a, const struct str *lines, size_t count)
{
    return str_join(a, lines, count, STR("\n"));
}
void lines_split(struct arena *a, struct str text, struct str **lines, size_t *count)
{
    size_t n = 0, most = 1;
    for (size_t i = 0; i < text.len; i++)
        most += text.at[i] == '\n';
    *lines = ARENA_ARRAY(a, struct str, most);
    struct str part;
    while (text.len && str_split(&text, '\n', &part))
        if (part.len)
            (*lines)[n++] = part;
    *count = n;
}

// A row that changed; `gone`: it is to be neither found nor shown.
struct fresh {
    struct entry e;
    bool gone;
};
struct fresh_list {
    VEC(struct fresh);
};

static int by_place(const void *a, const void *b)
{
    const struct entry *x = &((const struct fresh *)a)->e, *y = &((const struct fresh *)b)->e;
    return x->kind != y->kind ? (x->kind > y->kind) - (x->kind < y->kind) : (x->id > y->id) - (x->id < y->id);
}

static bool read_faqs(struct ctx *c, int64_t since, struct fresh_list *list)
{
    struct rows r;
    db_query(c, &r, &faq_since, "i", since);
    while (rows_next(&r)) {
        struct fresh f = {.e = {.kind = 'f', .id = rows_int(&r, 0), .language = (int)rows_int(&r, 1)}, .gone = !rows_int(&r, 7)};
        if (!f.gone) {
            f.e.title = rows_str(&r, 2);
            struct str *lines;
            size_t count;
            lines_split(c->arena, rows_str(&r, 3), &lines, &count);
            f.e.texts = ARENA_ARRAY(c->arena, struct str_pair, count + 1);
            f.e.texts[0] = (struct str_pair){f.e.title, f.e.title};
            for (size_t i = 0; i < count; i++)
                f.e.texts[i + 1] = (struct str_pair){lines[i], lines[i]};
            f.e.text_count = (uint32_t)count + 1;
            f.e.answer = rows_str(&r, 4);
            f.e.category = rows_str(&r, 5);
            f.e.updated_at = rows_int(&r, 6);
        }
        VEC_PUSH(c->arena, list, f);
    }
    return rows_done(&r);
}

static bool read_articles(struct ctx *c, int64_t since, struct fresh_list *list)
{
    struct rows r;
    db_query(c, &r, &article_since, "i", since);
    while (rows_next(&r)) {
        struct fresh f = {.e = {.kind = 'a', .id = rows_int(&r, 0), .language = (int)rows_int(&r, 1)}, .gone = !rows_int(&r, 7)};
        if (!f.gone) {
            f.e.title = rows_str(&r, 2);
            f.e.slug = rows_str(&r, 3);
            f.e.answer = rows_str(&r, 4);
            f.e.category = rows_str(&r, 5);
            f.e.updated_at = rows_int(&r, 6);
            struct passage *passages;
            size_t count = markdown_passages(c->arena, f.e.answer, &passages);
            f.e.texts = ARENA_ARRAY(c->arena, struct str_pair, count + 1);
            f.e.texts[0] = (struct str_pair){f.e.title, f.e.title};
            for (size_t i = 0; i < count; i++)
                f.e.texts[i + 1] = (struct str_pair){passages[i].plain, passages[i].source};
            f.e.text_count = (uint32_t)count + 1;
        }
        VEC_PUSH(c->arena, list, f);
    }
    return rows_done(&r);
}

static bool read_gone(struct ctx *c, int64_t since, struct fresh_list *list)
{
    struct rows r;
    db_query(c, &r, &knowledge_gone_since, "i", since);
    while (rows_next(&r)) {
        struct fresh f = {.e = {.kind = (char)rows_int(&r, 0), .id = rows_int(&r, 1)}, .gone = true};
        VEC_PUSH(c->arena, list, f);
    }
    return rows_done(&r);
}

static struct entry entry_copy(struct arena *a, const struct entry *from)
{
    struct entry e = *from;
    e.title = str_dup(a, from->title);
    e.answer = str_dup(a, from->answer);
    e.category = str_dup(a, from->category);
    e.slug = str_dup(a, from->slug);
    e.texts = ARENA_ARRAY(a, struct str_pair, from->text_count);
    for (uint32_t i = 0; i < from->text_count; i++) {
        bool same = from->texts[i].plain.at == from->texts[i].source.at;
        e.texts[i].plain = i == 0 ? e.title : str_dup(a, from->texts[i].plain);
        e.texts[i].source = same ? e.texts[i].plain : str_dup(a, from->texts[i].source);
    }
    return e;
}

static void add_entry(struct arena *scratch, struct index_builder *b, const struct entry *e)
{
    struct index_text *texts = ARENA_ARRAY(scratch, struct index_text, e->text_count);
    for (uint32_t i = 0; i < e->text_count; i++) {
        enum index_field field = e->kind == 'f' ? (i ? INDEX_SIMILAR : INDEX_QUESTION) : (i ? INDEX_BODY : INDEX_TITLE);
        texts[i] = (struct index_text){field, e->texts[i].plain};
    }
    index_add(b, texts, e->text_count);
}

static struct snapshot *merge(struct ctx *c, const struct snapshot *before, struct fresh_list *list, int64_t change)
{
    struct arena *a = arena_new();
    struct snapshot *s = ARENA_NEW(a, struct snapshot);
    s->arena = a;
    s->change = change;
    s->entries = ARENA_ARRAY(a, struct entry, (before ? before->count : 0) + list->count + 1);
    if (list->count)
        qsort(list->at, list->count, sizeof *list->at, by_place);
    struct index_builder *b = index_begin();
    uint32_t old = 0, olds = before ? before->count : 0;
    size_t new = 0;
    while (old < olds || new < list->count) {
        int order = old == olds             ? 1
                    : new == list->count ? -1
                                         : by_place(&(struct fresh){.e = before->entries[old]}, &list->at[new]);
        if (order < 0) {
            index_copy(b, before->index, old);
            s->entries[s->count] = entry_copy(a, &before->entries[old++]);
        } else {
            const struct fresh *f = &list->at[new++];
            old += order == 0;
            if (f->gone)
                continue;
            add_entry(c->arena, b, &f->e);
            s->entries[s->count] = entry_copy(a, &f->e);
        }
        s->texts += s->entries[s->count++].text_count;
    }
    s->index = index_finish(b);
    return s;
}

bool snapshot_build(struct ctx *c, const struct snapshot *before, struct snapshot **next)
{
    *next = NULL;
    int64_t since = before ? before->change : 0, change = 0;
    struct fresh_list list = {0};
    if (!db_snapshot_begin(c))
        return false;
    bool ok = knowledge_change_now(c, &change);
    if (ok && (change != since || !before))
        ok = read_faqs(c, since, &list) && read_articles(c, since, &list) && (!before || read_gone(c, since, &list));
    db_snapshot_end(c);
    if (ok && (change != since || !before))
        *next = merge(c, before, &list, change);
    return ok;
}

void snapshot_free(struct snapshot *s)
{
    if (!s)
        return;
    index_free(s->index);
    arena_free(s->arena);
}

const struct entry *snapshot_entry(const struct snapshot *s, char kind, int64_t id)
{
    struct fresh key = {.e = {.kind = kind, .id = id}};
    uint32_t from = 0, to = s->count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        int order = by_place(&(struct fresh){.e = s->entries[middle]}, &key);
        if (order == 0)
            return &s->entries[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

const struct entry *snapshot_article(const struct snapshot *s, struct str slug, int language)
{
    for (uint32_t i = 0; i < s->count && s->entries[i].kind == 'a'; i++) // articles come first: 'a' < 'f'
        if (s->entries[i].language == language && str_eq(s->entries[i].slug, slug))
            return &s->entries[i];
    return NULL;
}
