#include "knowledge/export.h"
#include "knowledge/faq.h"
#include "schema/id.h"
#include "schema/perm.h"

// ---- import

struct import_view {
    int64_t imported, updated, unchanged, failed;
    struct list rows; // struct import_row
};
static const struct field row_fields[] = {
    FIELD(_, import_row, file, F_TEXT, .flags = FIELD_SKIP_EMPTY),
    FIELD(_, import_row, row, F_INT, .flags = FIELD_REQUIRED, .doc = "Line of the file, from 1"),
    FIELD(_, import_row, error, F_TEXT, .flags = FIELD_REQUIRED, .doc = "In the reader's language"),
};
static SCHEMA(row_schema, "ImportRow", struct import_row, row_fields, "A row that could not be taken in");
static const struct field import_fields[] = {
    FIELD(_, import_view, imported, F_INT, .flags = FIELD_REQUIRED),
    FIELD(_, import_view, updated, F_INT, .flags = FIELD_REQUIRED),
    FIELD(_, import_view, unchanged, F_INT, .flags = FIELD_REQUIRED),
    FIELD(_, import_view, failed, F_INT, .flags = FIELD_REQUIRED),
    FIELD(_, import_view, rows, F_LIST, .sub = &row_schema, .flags = FIELD_REQUIRED),
};
static SCHEMA(import_schema, "Import", struct import_view, import_fields, "What became of an imported file");

static struct str form_value(const struct request *rq, const char *name)
{
    for (size_t i = 0; i < rq->form_count; i++)
        if (str_is(rq->form_names[i], name))
            return str_trim(rq->form_values[i]);
    return STR("");
}

static bool read_language(struct ctx *c, struct str text, int *language)
{
    *language = str_is(text, "zh") ? LANG_ZH : str_is(text, "en") ? LANG_EN : -1;
    return *language >= 0 || !text.len || fail_field(c, STR("language"), "schema.choice", "zh, en", NULL);
}

static bool import_api(struct request *rq, struct response *rs)
{
    struct ctx *c = rq->ctx;
    const struct upload *file = NULL;
    for (size_t i = 0; i < rq->upload_count; i++)
        if (str_is(rq->uploads[i].field, "file"))
            file = &rq->uploads[i];
    if (!file)
        return fail_field(c, STR("file"), "import.no_file", NULL);
    struct import_options o = {.default_answer = form_value(rq, "default_answer"), .check = str_is(form_value(rq, "check"), "true")};
    bool fine = import_format_of(form_value(rq, "format"), &o.format) ||
                fail_field(c, STR("format"), "schema.choice", "csv, jsonl, markdown", NULL);
    if (!(fine & read_language(c, form_value(rq, "language"), &o.language)))
        return false;
    struct import_report report;
    if (!import_upload(c, str_z(c->arena, file->path), file->file_name, &o, &report))
        return false;
    struct import_view view = {report.imported, report.updated, report.unchanged, report.failed, {report.rows, report.row_count}};
    reply(rq, rs, &import_schema, &view);
    return true;
}

// ---- export

static bool to_body(void *arg, struct str part)
{
    struct response *rs = arg;
    buf_str_add(&rs->body, part);
    return true;
}

static bool export_api(struct request *rq, struct response *rs)
{
    struct str name = STR("csv");
    enum import_format format;
    request_query(rq, "format", &name);
    if (!import_format_of(name, &format) || format == IMPORT_AUTO || format == IMPORT_MARKDOWN)
        return fail_field(rq->ctx, STR("format"), "schema.choice", "csv, jsonl", NULL);
    rs->type = format == IMPORT_CSV ? "text/csv; charset=utf-8" : "application/jsonl; charset=utf-8";
    response_header(rs, "content-disposition",
                    format == IMPORT_CSV ? STR("attachment; filename=\"knowledge.csv\"") : STR("attachment; filename=\"knowledge.jsonl\""));
    return export_faqs(rq->ctx, format, to_body, rs);
}

// ---- search

struct hit_view {
    int kind, language;
    struct str id, title, matched, answer;
    int64_t score;
};
struct search_query {
    struct str q;
    int language;
    int64_t limit;
};
static const char *const kinds[] = {"faq", "article", NULL}, *const languages[] = {"zh", "en", NULL};
static const struct field hit_fields[] = {
    FIELD(_, hit_view, kind, F_ENUM, .choices = kinds, .flags = FIELD_REQUIRED),
    FIELD(_, hit_view, id, F_TEXT, .flags = FIELD_REQUIRED, .doc = "kf_… or ka_…"),
    FIELD(_, hit_view, title, F_TEXT, .flags = FIELD_REQUIRED),
    FIELD(_, hit_view, matched, F_TEXT, .flags = FIELD_REQUIRED, .doc = "The wording or passage that matched best"),
    FIELD(_, hit_view, answer, F_TEXT, .flags = FIELD_REQUIRED, .doc = "Markdown"),
    FIELD(_, hit_view, language, F_ENUM, .choices = languages, .flags = FIELD_REQUIRED),
    FIELD(_, hit_view, score, F_INT, .flags = FIELD_REQUIRED, .doc = "Thousandths; the estimated chance that this is what was asked for"),
};
static SCHEMA(hit_schema, "KnowledgeHit", struct hit_view, hit_fields, "An entry that may answer a question");
struct hits_view {
    struct list items; // struct hit_view
};
static const struct field hits_fields[] = {
    FIELD(_, hits_view, items, F_LIST, .sub = &hit_schema, .flags = FIELD_REQUIRED, .doc = "Best first"),
};
static SCHEMA(hits_schema, "KnowledgeHits", struct hits_view, hits_fields, "What a search found");
static const struct field search_fields[] = {
    FIELD(_, search_query, q, F_TEXT, .max = KNOWLEDGE_MOST_QUESTION, .flags = FIELD_REQUIRED),
    FIELD(_, search_query, language, F_ENUM, .choices = languages),
    FIELD(_, search_query, limit, F_INT, .min = 1, .max = KNOWLEDGE_MOST_HITS),
};
static SCHEMA(search_schema, "KnowledgeSearch", struct search_query, search_fields, "What to search for");

static bool search_api(struct request *rq, struct response *rs)
{
    struct ctx *c = rq->ctx;
    struct knowledge_query q = {.question = STR("")};
    struct str text = STR("");
    int64_t limit = 10;
    request_query(rq, "language", &text);
    if (!read_language(c, text, &q.language))
        return false;
    if (request_query(rq, "limit", &text) && (!str_int(text, &limit) || limit < 1 || limit > KNOWLEDGE_MOST_HITS))
        return fail_field(c, STR("limit"), "list.limit", arena_printf(c->arena, "%d", KNOWLEDGE_MOST_HITS), NULL);
    if (!request_query(rq, "q", &q.question) || !str_trim(q.question).len)
        return fail_field(c, STR("q"), "schema.required", NULL);
    struct knowledge_hit hits[KNOWLEDGE_MOST_HITS];
    size_t count = knowledge_find(c, &q, hits, (size_t)limit);
    struct hit_view *views = ARENA_ARRAY(c->arena, struct hit_view, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct knowledge_hit *h = &hits[i];
        views[i] = (struct hit_view){h->kind == 'a', h->language, id_str(c->arena, h->kind == 'a' ? "ka" : "kf", h->id), h->title,
                                     h->matched,     h->answer,   h->score};
    }
    reply(rq, rs, &hits_schema, &(struct hits_view){{views, count}});
    return true;
}

const struct route knowledge_routes[] = {
    {POST, "/api/v1/knowledge/import", PERM_KNOWLEDGE_IMPORT, NULL, &import_schema, import_api, ROUTE_UPLOAD,
     "Import FAQs or an article from a file (parts: file, format, language, default_answer, check)"},
    {GET, "/api/v1/knowledge/export", PERM_KNOWLEDGE_READ, NULL, NULL, export_api, ROUTE_PAGE, "All FAQs as CSV or JSONL"},
    {GET, "/api/v1/knowledge/search", PERM_KNOWLEDGE_READ, NULL, &hits_schema, search_api, 0, "Search FAQs and articles", NULL, &search_schema},
    {0},
};
