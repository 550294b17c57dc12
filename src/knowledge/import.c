#include "knowledge/import.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "base/vec.h"
#include "knowledge/article.h"
#include "knowledge/csv.h"
#include "knowledge/faq.h"
#include "schema/id.h"
#include "store/db.h"

enum { BATCH = 200 };

bool import_format_of(struct str name, enum import_format *format)
{
    static const char *const names[] = {"", "csv", "jsonl", "markdown"};
    for (int i = 0; i < 4; i++)
        if (str_is(name, names[i])) {
            *format = (enum import_format)i;
            return true;
        }
    return false;
}

struct item { // a row that passed its checks and waits to be stored
    bool is_article;
    struct faq faq;
    struct article article;
    struct str file;
    int64_t row;
};
struct importing {
    struct ctx *c;
    const struct import_options *o;
    struct import_report *report;
    struct str file; // of a folder
    struct {
        VEC(struct item);
    } batch;
    struct str_map ids; // external ids, and articles' slugs, that this import had already
    int64_t done, total;
    int64_t counts[3]; // of the batch, by enum knowledge_put
};

// ---- report

static struct str error_in_words(struct ctx *c)
{
    struct buf b = {.arena = c->arena};
    for (size_t i = 0; i < c->err->field_count; i++) {
        const struct field_error *f = &c->err->fields[i];
        if (i)
            buf_putc(&b, ' ');
        buf_str_add(&b, f->field);
        buf_puts(&b, ": ");
        buf_str_add(&b, message_text(c->arena, c->lang, f->key, f->args, 3));
    }
    if (!c->err->field_count)
        buf_str_add(&b, message_text(c->arena, c->lang, c->err->key ? c->err->key : "internal", c->err->args, 3));
    return buf_str(&b);
}

static void row_failed(struct importing *m, int64_t row) // with what stands in the ctx's error, which it clears
{
    struct import_report *r = m->report;
    r->failed++;
    if (!r->rows)
        r->rows = ARENA_ARRAY(m->c->arena, struct import_row, IMPORT_MOST_ROWS);
    if (r->row_count < IMPORT_MOST_ROWS)
        r->rows[r->row_count++] = (struct import_row){m->file, row, error_in_words(m->c)};
    error_clear(m->c->err);
}

struct str import_report_json(struct arena *a, const struct import_report *report)
{
    struct json_out o = json_begin(a);
    json_open(&o, NULL, '{');
    json_put_int(&o, "imported", report->imported);
    json_put_int(&o, "updated", report->updated);
    json_put_int(&o, "unchanged", report->unchanged);
    json_put_int(&o, "failed", report->failed);
    json_open(&o, "rows", '[');
    for (size_t i = 0; i < report->row_count; i++) {
        const struct import_row *r = &report->rows[i];
        json_open(&o, NULL, '{');
        if (r->file.len)
            json_put_str(&o, "file", r->file);
        json_put_int(&o, "row", r->row);
        json_put_str(&o, "error", r->error);
        json_close(&o, '}');
    }
    json_close(&o, ']');
    json_close(&o, '}');
    return buf_str(&o.buf);
}

// ---- storing

static bool store_batch(struct ctx *c, void *arg)
{
    struct importing *m = arg;
    memset(m->counts, 0, sizeof m->counts);
    for (size_t i = 0; i < m->batch.count; i++) {
        struct item copy = m->batch.at[i]; // the closure may run again
        enum knowledge_put how;
        if (copy.is_article ? !article_put(c, &copy.article, &how) : !faq_put(c, &copy.faq, &how))
            return false;
        m->counts[how]++;
    }
    return true;
}

static bool flush(struct importing *m)
{
    if (m->batch.count && !m->o->check) {
        if (!store_write(m->c, store_batch, m))
            return false;
        m->report->imported += m->counts[PUT_NEW];
        m->report->updated += m->counts[PUT_UPDATED];
        m->report->unchanged += m->counts[PUT_SAME];
    } else {
        m->report->imported += (int64_t)m->batch.count;
    }
    m->batch.count = 0;
    if (m->o->progress)
        m->o->progress(m->o->arg, m->done, m->total);
    return true;
}

static bool repeated(struct importing *m, struct str key)
{
    return key.len && str_map_put(&m->ids, key, m) != NULL;
}

static bool add_item(struct importing *m, struct item *item)
{
    item->file = m->file;
    VEC_PUSH(m->c->arena, &m->batch, *item);
    return m->batch.count < BATCH || flush(m);
}

// ---- one FAQ, from whatever format

static struct str fill_template(struct arena *a, struct str template, struct str question)
{
    struct buf b = {.arena = a};
    size_t at;
    while (str_find(template, STR("{question}"), &at)) {
        buf_str_add(&b, str_sub(template, 0, at));
        buf_str_add(&b, question);
        template = str_sub(template, at + strlen("{question}"), template.len);
    }
    buf_str_add(&b, template);
    return buf_str(&b);
}

static int guess_language(struct arena *a, struct str text)
{
    return text_normalise(a, str_clip(text, 200)).lang == TEXT_EN ? LANG_EN : LANG_ZH;
}

static bool language_of(struct importing *m, struct str name, struct str text, int *out)
{
    static const char *const zh[] = {"zh", "zh-cn", "zh-hans", "cn", "中文", "chinese"}, *const en[] = {"en", "en-us", "en-gb", "英文", "english"};
    if (!name.len) {
        *out = m->o->language >= 0 ? m->o->language : guess_language(m->c->arena, text);
        return true;
    }
    for (size_t i = 0; i < sizeof zh / sizeof zh[0]; i++)
        if (str_eq_nocase(name, str_of(zh[i]))) {
            *out = LANG_ZH;
            return true;
        }
    for (size_t i = 0; i < sizeof en / sizeof en[0]; i++)
        if (str_eq_nocase(name, str_of(en[i]))) {
            *out = LANG_EN;
            return true;
        }
    return fail_field(m->c, STR("language"), "schema.choice", "zh, en", NULL);
}

static bool truth_of(struct importing *m, const char *field, struct str text, bool otherwise, bool *out)
{
    static const char *const yes[] = {"true", "1", "yes", "是"}, *const no[] = {"false", "0", "no", "否"};
    *out = otherwise;
    for (int i = 0; i < 4; i++) {
        if (str_eq_nocase(text, str_of(yes[i])) || str_eq_nocase(text, str_of(no[i]))) {
            *out = str_eq_nocase(text, str_of(yes[i]));
            return true;
        }
    }
    return !text.len || fail_field(m->c, str_of(field), "schema.not_bool", NULL);
}

// Checks the row and takes it in, or reports it. False only when the store failed.
static bool take_faq(struct importing *m, struct faq *f, struct str language, struct str enabled, int64_t row)
{
    struct ctx *c = m->c;
    m->done++;
    bool fine = language_of(m, language, f->question, &f->language);
    fine &= truth_of(m, "enabled", enabled, true, &f->enabled);
    if (!str_trim(f->answer).len && m->o->default_answer.len)
        f->answer = fill_template(c->arena, m->o->default_answer, f->question);
    fine &= faq_check(c, f);
    int64_t own;
    if (fine && str_starts(f->external_id, STR("kf_")) && id_parse("kf", f->external_id, &own)) { // an id of ours, from an export
        f->id = own;
        fine = !repeated(m, f->external_id) || fail_field(c, STR("id"), "import.repeated", NULL);
        f->external_id = STR("");
    } else if (fine) {
        struct str key = f->external_id.len ? f->external_id
                                            : str_printf(c->arena, "\x01%d" STR_FMT, f->language, STR_ARG(f->question));
        fine = !repeated(m, key) || fail_field(c, str_of(f->external_id.len ? "id" : "question"), "import.repeated", NULL);
    }
    if (!fine) {
        row_failed(m, row);
        return true;
    }
    return add_item(m, &(struct item){.faq = *f, .row = row});
}

// ---- CSV

enum column { COL_NONE, COL_ID, COL_QUESTION, COL_SIMILAR, COL_ANSWER, COL_LANGUAGE, COL_CATEGORY, COL_TAGS, COL_ENABLED, COLUMNS };
static enum column column_of(struct str name)
{
    static const struct {
        const char *name;
        enum column column;
    } names[] = {
        {"id", COL_ID},             {"编号", COL_ID},           {"question", COL_QUESTION},
        {"问题", COL_QUESTION},     {"标准问", COL_QUESTION},   {"标准问题", COL_QUESTION},
        {"title", COL_QUESTION},    {"similar", COL_SIMILAR},   {"similar_questions", COL_SIMILAR},
        {"相似问", COL_SIMILAR},    {"相似问题", COL_SIMILAR},  {"相似问法", COL_SIMILAR},
        {"answer", COL_ANSWER},     {"答案", COL_ANSWER},       {"回答", COL_ANSWER},
        {"language", COL_LANGUAGE}, {"语言", COL_LANGUAGE},     {"category", COL_CATEGORY},
        {"分类", COL_CATEGORY},     {"类别", COL_CATEGORY},     {"tags", COL_TAGS},
        {"标签", COL_TAGS},         {"enabled", COL_ENABLED},   {"启用", COL_ENABLED},
    };
    name = str_trim(name);
    while (name.len && name.at[name.len - 1] >= '0' && name.at[name.len - 1] <= '9') // similar1, similar_2
        name.len--;
    if (name.len && name.at[name.len - 1] == '_')
        name.len--;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq_nocase(name, str_of(names[i].name)))
            return names[i].column;
    return COL_NONE;
}

static void add_parts(struct arena *a, struct str_list *list, size_t *room, struct str text)
{
    struct str part;
    while (str_split(&text, '|', &part)) {
        part = str_trim(part);
        if (!part.len)
            continue;
        if (list->count == *room) {
            size_t more = *room ? *room * 2 : 16;
            list->at = arena_grow(a, list->at, *room * sizeof *list->at, more * sizeof *list->at);
            *room = more;
        }
        list->at[list->count++] = part;
    }
}

static bool read_csv(struct importing *m, struct str text)
{
    struct ctx *c = m->c;
    struct csv_table table;
    if (!csv_read(c, text, &table))
        return false;
    if (!table.count)
        return fail(c, ERR_INVALID, "import.empty", NULL);
    const struct csv_record *head = &table.records[0];
    enum column *columns = ARENA_ARRAY(c->arena, enum column, head->count);
    bool has_question = false;
    for (size_t i = 0; i < head->count; i++) {
        columns[i] = column_of(head->fields[i]);
        has_question |= columns[i] == COL_QUESTION;
    }
    if (!has_question)
        return fail(c, ERR_INVALID, "import.header", NULL);
    m->total += (int64_t)table.count - 1;
    for (size_t i = 1; i < table.count; i++) {
        const struct csv_record *record = &table.records[i];
        struct faq f = {0};
        struct str one[COLUMNS] = {0};
        size_t similar_room = 0, tag_room = 0;
        if (record->count > head->count) {
            fail(c, ERR_INVALID, "import.columns", arena_printf(c->arena, "%zu", record->count),
                 arena_printf(c->arena, "%zu", head->count), NULL);
            m->done++;
            row_failed(m, record->line);
            continue;
        }
        for (size_t j = 0; j < record->count; j++) {
            if (columns[j] == COL_SIMILAR)
                add_parts(c->arena, &f.similar, &similar_room, record->fields[j]);
            else if (columns[j] == COL_TAGS)
                add_parts(c->arena, &f.tags, &tag_room, record->fields[j]);
            else if (!one[columns[j]].len)
                one[columns[j]] = record->fields[j];
        }
        f.external_id = str_trim(one[COL_ID]);
        f.question = one[COL_QUESTION];
        f.answer = one[COL_ANSWER];
        f.category = one[COL_CATEGORY];
        if (!take_faq(m, &f, str_trim(one[COL_LANGUAGE]), str_trim(one[COL_ENABLED]), record->line))
            return false;
    }
    return true;
}

// ---- JSONL

static bool text_member(struct ctx *c, const struct json *object, const char *name, struct str *out)
{
    const struct json *v = json_get(object, name);
    enum json_type type = json_type(v);
    if (type == JSON_INT)
        *out = str_printf(c->arena, "%lld", (long long)json_int(v));
    else if (type == JSON_BOOL)
        *out = json_bool(v) ? STR("true") : STR("false");
    else if (type == JSON_TEXT || type == JSON_NULL)
        *out = str_dup(c->arena, json_text(v));
    else
        return fail_field(c, str_of(name), "schema.not_text", NULL);
    return true;
}

static bool texts_member(struct ctx *c, const struct json *object, const char *name, struct str_list *out)
{
    const struct json *v = json_get(object, name);
    if (!v)
        return true;
    if (json_type(v) != JSON_ARRAY)
        return fail_field(c, str_of(name), "schema.not_list", NULL);
    out->at = ARENA_ARRAY(c->arena, struct str, json_count(v) + 1);
    for (size_t i = 0; i < json_count(v); i++) {
        if (json_type(json_at(v, i)) != JSON_TEXT)
            return fail_field(c, str_printf(c->arena, "%s/%zu", name, i), "schema.not_text", NULL);
        out->at[out->count++] = str_dup(c->arena, json_text(json_at(v, i)));
    }
    return true;
}

static bool read_line(struct ctx *c, struct str line, struct faq *f, struct str *language, struct str *enabled)
{
    struct json *v = json_read(c, line, (struct json_limits){.max_bytes = 4 << 20});
    if (!v)
        return false;
    bool fine = json_type(v) == JSON_OBJECT || fail(c, ERR_INVALID, "import.not_object", NULL);
    if (fine) {
        fine = text_member(c, v, "id", &f->external_id);
        fine &= text_member(c, v, "question", &f->question);
        fine &= texts_member(c, v, "similar", &f->similar);
        fine &= text_member(c, v, "answer", &f->answer);
        fine &= text_member(c, v, "category", &f->category);
        fine &= texts_member(c, v, "tags", &f->tags);
        fine &= text_member(c, v, "language", language);
        fine &= text_member(c, v, "enabled", enabled);
    }
    json_free(v);
    return fine;
}

static bool read_jsonl(struct importing *m, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        m->total += text.at[i] == '\n';
    struct str line;
    for (int64_t row = 1; str_split(&text, '\n', &line); row++) {
        line = str_trim(line);
        if (!line.len)
            continue;
        struct faq f = {0};
        struct str language = {0}, enabled = {0};
        if (!read_line(m->c, line, &f, &language, &enabled)) {
            m->done++;
            row_failed(m, row);
        } else if (!take_faq(m, &f, language, enabled, row)) {
            return false;
        }
    }
    return true;
}

// ---- Markdown

// A value of the front matter: plain, or in quotes; lists as [a, b] or a, b.
static struct str unquote(struct str v)
{
    v = str_trim(v);
    if (v.len >= 2 && (v.at[0] == '"' || v.at[0] == '\'') && v.at[v.len - 1] == v.at[0])
        v = str_sub(v, 1, v.len - 2);
    return v;
}
static struct str_list list_of(struct arena *a, struct str v)
{
    struct str_list out = {0};
    struct str part;
    v = str_trim(v);
    if (v.len >= 2 && v.at[0] == '[' && v.at[v.len - 1] == ']')
        v = str_sub(v, 1, v.len - 2);
    size_t most = 1;
    for (size_t i = 0; i < v.len; i++)
        most += v.at[i] == ',';
    out.at = ARENA_ARRAY(a, struct str, most);
    while (v.len && str_split(&v, ',', &part))
        if (unquote(part).len)
            out.at[out.count++] = unquote(part);
    return out;
}

struct front {
    struct str title, slug, language, category, published;
    struct str_list tags;
};
static struct str read_front(struct importing *m, struct str text, struct front *out)
{
    struct str line, rest = text;
    if (!str_split(&rest, '\n', &line) || !str_is(str_trim(line), "---"))
        return text;
    struct str_list *open = NULL; // "tags:" with "- x" lines below
    size_t room = 0;
    while (str_split(&rest, '\n', &line)) {
        line = str_trim(line);
        size_t colon;
        if (str_is(line, "---"))
            return rest;
        if (open && str_starts(line, STR("- "))) {
            add_parts(m->c->arena, open, &room, unquote(str_sub(line, 2, line.len)));
            continue;
        }
        open = NULL;
        if (!str_find(line, STR(":"), &colon))
            continue;
        struct str name = str_trim(str_sub(line, 0, colon)), value = str_trim(str_sub(line, colon + 1, line.len));
        if (str_is(name, "title"))
            out->title = unquote(value);
        else if (str_is(name, "slug"))
            out->slug = unquote(value);
        else if (str_is(name, "language") || str_is(name, "lang"))
            out->language = unquote(value);
        else if (str_is(name, "category"))
            out->category = unquote(value);
        else if (str_is(name, "published"))
            out->published = unquote(value);
        else if (str_is(name, "tags")) {
            out->tags = list_of(m->c->arena, value);
            room = out->tags.count;
            open = value.len ? NULL : &out->tags;
        }
    }
    return text; // never closed: no front matter after all
}

// "returns.md" → "returns", when it can be a slug.
static struct str name_of(struct str path)
{
    size_t from = 0;
    for (size_t i = 0; i < path.len; i++)
        if (path.at[i] == '/')
            from = i + 1;
    struct str name = str_sub(path, from, path.len);
    size_t dot;
    return str_find(name, STR("."), &dot) ? str_sub(name, 0, dot) : name;
}

static bool take_article(struct importing *m, struct str text, struct str path)
{
    struct ctx *c = m->c;
    struct front front = {0};
    m->done++;
    struct str body = str_trim(read_front(m, text, &front)), line, rest = body;
    if (!front.title.len && str_starts(body, STR("# ")) && str_split(&rest, '\n', &line)) { // its first heading is the title
        front.title = str_trim(str_sub(line, 2, line.len));
        body = str_trim(rest);
    }
    struct article f = {.slug = front.slug, .title = front.title, .body = body, .category = front.category, .tags = front.tags};
    if (!f.slug.len && article_slug_valid(name_of(path)))
        f.slug = name_of(path);
    size_t at;
    if (!front.language.len) // a folder by language: zh-CN/returns.md
        front.language = str_starts(path, STR("zh-CN/")) || str_find(path, STR("/zh-CN/"), &at)   ? STR("zh")
                         : str_starts(path, STR("en-US/")) || str_find(path, STR("/en-US/"), &at) ? STR("en")
                                                                                                  : STR("");
    bool fine = language_of(m, front.language, f.title, &f.language);
    fine &= truth_of(m, "published", front.published, true, &f.published);
    fine &= article_check(c, &f);
    if (fine)
        fine = !repeated(m, str_printf(c->arena, "\x02%d" STR_FMT, f.language, STR_ARG(f.slug))) ||
               fail_field(c, STR("slug"), "import.repeated", NULL);
    if (!fine) {
        row_failed(m, 1);
        return true;
    }
    return add_item(m, &(struct item){.is_article = true, .article = f, .row = 1});
}

// ---- files

static bool read_whole(struct ctx *c, const char *path, struct str *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        int why = errno;
        if (fd >= 0)
            close(fd);
        fail(c, ERR_INVALID, "import.unreadable", path, NULL);
        return fail_detail(c, "%s", strerror(why));
    }
    if (!S_ISREG(st.st_mode) || st.st_size > IMPORT_MOST_BYTES) {
        close(fd);
        return S_ISREG(st.st_mode) ? fail(c, ERR_TOO_LARGE, "import.too_large", NULL) : fail(c, ERR_INVALID, "import.unreadable", path, NULL);
    }
    char *bytes = arena_alloc(c->arena, (size_t)st.st_size + 1);
    size_t len = 0;
    ssize_t n;
    while (len < (size_t)st.st_size && (n = read(fd, bytes + len, (size_t)st.st_size - len)) > 0)
        len += (size_t)n;
    close(fd);
    *out = (struct str){bytes, len};
    return true;
}

static enum import_format format_by(struct str name, struct str text)
{
    if (str_ends(name, STR(".csv")))
        return IMPORT_CSV;
    if (str_ends(name, STR(".jsonl")) || str_ends(name, STR(".ndjson")))
        return IMPORT_JSONL;
    if (str_ends(name, STR(".md")) || str_ends(name, STR(".markdown")))
        return IMPORT_MARKDOWN;
    return str_starts(str_trim(text), STR("{")) ? IMPORT_JSONL : str_starts(text, STR("---\n")) ? IMPORT_MARKDOWN : IMPORT_CSV;
}

static bool read_text(struct importing *m, struct str name, struct str bytes)
{
    struct str text;
    if (!text_to_utf8(m->c, bytes, &text))
        return false;
    switch (m->o->format == IMPORT_AUTO ? format_by(name, text) : m->o->format) {
    case IMPORT_JSONL: return read_jsonl(m, text);
    case IMPORT_MARKDOWN: return take_article(m, text, name);
    default: return read_csv(m, text);
    }
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool read_folder(struct importing *m, const char *path)
{
    struct ctx *c = m->c;
    char *paths[] = {str_z(c->arena, str_of(path)), NULL};
    size_t root = strlen(path);
    while (root > 1 && path[root - 1] == '/')
        paths[0][--root] = 0;
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    if (!walk)
        return fail(c, ERR_INVALID, "import.unreadable", path, NULL);
    bool fine = true;
    int64_t files = 0;
    for (FTSENT *e; fine && (e = fts_read(walk));) {
        struct str name = str_of(e->fts_path);
        if (e->fts_info != FTS_F || e->fts_name[0] == '.' || (!str_ends(name, STR(".md")) && !str_ends(name, STR(".markdown"))))
            continue;
        if (++files > IMPORT_MOST_FILES) {
            fine = fail(c, ERR_TOO_LARGE, "import.too_many_files", arena_printf(c->arena, "%d", IMPORT_MOST_FILES), NULL);
            break;
        }
        m->file = str_dup(c->arena, str_sub(name, root + 1, name.len));
        m->total++;
        struct str bytes = {0}, text = {0};
        if (read_whole(c, e->fts_path, &bytes) && text_to_utf8(c, bytes, &text)) {
            fine = take_article(m, text, m->file);
        } else {
            m->done++;
            row_failed(m, 1);
        }
    }
    fts_close(walk);
    return fine && (files || fail(c, ERR_INVALID, "import.no_markdown", path, NULL));
}

static bool finish(struct importing *m, bool fine)
{
    fine = fine && flush(m);
    str_map_free(&m->ids);
    if (m->o->check)
        return fine;
    if (m->report->imported || m->report->updated) { // what earlier batches stored is to be found even if a later one failed
        struct error kept = *m->c->err;
        bool published = knowledge_publish(m->c);
        if (!fine)
            *m->c->err = kept;
        return fine && published;
    }
    return fine;
}

bool import_text(struct ctx *c, struct str name, struct str bytes, const struct import_options *o, struct import_report *report)
{
    *report = (struct import_report){0};
    struct importing m = {.c = c, .o = o, .report = report};
    if (bytes.len > IMPORT_MOST_BYTES)
        return fail(c, ERR_TOO_LARGE, "import.too_large", NULL);
    return finish(&m, read_text(&m, name, bytes));
}

bool import_upload(struct ctx *c, const char *path, struct str name, const struct import_options *o, struct import_report *report)
{
    struct str bytes = {0};
    *report = (struct import_report){0};
    return read_whole(c, path, &bytes) && import_text(c, name, bytes, o, report);
}

bool import_file(struct ctx *c, const char *path, const struct import_options *o, struct import_report *report)
{
    *report = (struct import_report){0};
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        struct importing m = {.c = c, .o = o, .report = report};
        return finish(&m, read_folder(&m, path));
    }
    return import_upload(c, path, str_of(path), o, report);
}
