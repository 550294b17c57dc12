#include "knowledge/export.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knowledge/article.h"
#include "knowledge/csv.h"
#include "knowledge/snapshot.h"
#include "schema/id.h"
#include "store/db.h"

SQL(faq_page, "SELECT id, language, external_id, question, similar_lines, answer, category, tag_lines, enabled FROM faq "
              "WHERE id > ?1 ORDER BY id LIMIT 500");
SQL(article_page, "SELECT id, language, slug, title, body, category, tag_lines, published FROM article WHERE id > ?1 ORDER BY id LIMIT 100");

static const char *const languages[] = {"zh", "en"};

static struct str with_bars(struct arena *a, struct str lines)
{
    char *at = str_z(a, lines);
    for (size_t i = 0; i < lines.len; i++)
        if (at[i] == '\n')
            at[i] = '|';
    return (struct str){at, lines.len};
}

static void put_texts(struct json_out *o, struct arena *a, const char *name, struct str lines)
{
    struct str *list;
    size_t count;
    lines_split(a, lines, &list, &count);
    json_open(o, name, '[');
    for (size_t i = 0; i < count; i++)
        json_put_str(o, NULL, list[i]);
    json_close(o, ']');
}

static struct str one_faq(struct rows *r, struct arena *a, enum import_format format)
{
    char own[ID_TEXT];
    struct str id = rows_null(r, 2) ? id_text("kf", rows_int(r, 0), own) : rows_str(r, 2);
    struct str similar = rows_str(r, 4), tags = rows_str(r, 7);
    struct str language = str_of(languages[rows_int(r, 1) == LANG_EN]);
    bool enabled = rows_int(r, 8) != 0;
    struct buf b = {.arena = a};
    if (format == IMPORT_CSV) {
        csv_write_field(&b, id, true);
        csv_write_field(&b, language, false);
        csv_write_field(&b, rows_str(r, 3), false);
        csv_write_field(&b, with_bars(a, similar), false);
        csv_write_field(&b, rows_str(r, 5), false);
        csv_write_field(&b, rows_str(r, 6), false);
        csv_write_field(&b, with_bars(a, tags), false);
        csv_write_field(&b, enabled ? STR("true") : STR("false"), false);
        buf_puts(&b, "\r\n");
        return buf_str(&b);
    }
    struct json_out o = json_begin(a);
    json_open(&o, NULL, '{');
    json_put_str(&o, "id", id);
    json_put_str(&o, "language", language);
    json_put_str(&o, "question", rows_str(r, 3));
    put_texts(&o, a, "similar", similar);
    json_put_str(&o, "answer", rows_str(r, 5));
    json_put_str(&o, "category", rows_str(r, 6));
    put_texts(&o, a, "tags", tags);
    json_put_bool(&o, "enabled", enabled);
    json_close(&o, '}');
    buf_putc(&o.buf, '\n');
    return buf_str(&o.buf);
}

bool export_faqs(struct ctx *c, enum import_format format, export_sink sink, void *arg)
{
    struct ctx page = *c; // a page's memory goes before the next one
    page.arena = arena_new();
    bool fine = format != IMPORT_CSV || sink(arg, STR("\xEF\xBB\xBFid,language,question,similar,answer,category,tags,enabled\r\n"));
    int64_t after = 0, rows = 1;
    while (fine && rows) {
        struct rows r;
        rows = 0;
        db_query(&page, &r, &faq_page, "i", after);
        while (fine && rows_next(&r)) {
            rows++;
            after = rows_int(&r, 0);
            fine = sink(arg, one_faq(&r, page.arena, format));
        }
        fine = rows_done(&r) && fine;
        arena_reset(page.arena);
    }
    arena_free(page.arena);
    return fine;
}

static bool make_folder(struct ctx *c, const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return true;
    int why = errno;
    fail(c, ERR_INVALID, "export.folder", path, NULL);
    return fail_detail(c, "%s", strerror(why));
}

static bool write_article(struct ctx *c, const char *folder, struct rows *r)
{
    struct str *tags;
    size_t count;
    lines_split(c->arena, rows_str(r, 6), &tags, &count);
    int language = rows_int(r, 1) == LANG_EN ? LANG_EN : LANG_ZH;
    struct buf b = {.arena = c->arena};
    buf_printf(&b, "---\ntitle: \"" STR_FMT "\"\nslug: " STR_FMT "\nlanguage: %s\ncategory: \"" STR_FMT "\"\ntags:\n", STR_ARG(rows_str(r, 3)),
               STR_ARG(rows_str(r, 2)), languages[language], STR_ARG(rows_str(r, 5)));
    for (size_t i = 0; i < count; i++)
        buf_printf(&b, "  - \"" STR_FMT "\"\n", STR_ARG(tags[i]));
    buf_printf(&b, "published: %s\n---\n\n" STR_FMT "\n", rows_int(r, 7) ? "true" : "false", STR_ARG(rows_str(r, 4)));
    const char *path = arena_printf(c->arena, "%s/%s/" STR_FMT ".md", folder, lang_tag((enum lang)language), STR_ARG(rows_str(r, 2)));
    FILE *f = fopen(path, "wb");
    bool fine = f && fwrite(b.at, 1, b.len, f) == b.len;
    if (f && fclose(f))
        fine = false;
    return fine || fail(c, ERR_INVALID, "export.file", path, NULL);
}

bool export_articles(struct ctx *c, const char *folder, int64_t *count)
{
    *count = 0;
    if (!make_folder(c, folder))
        return false;
    for (int i = 0; i < LANG_COUNT; i++)
        if (!make_folder(c, arena_printf(c->arena, "%s/%s", folder, lang_tag((enum lang)i))))
            return false;
    bool fine = true;
    int64_t after = 0, rows = 1;
    while (fine && rows) {
        struct rows r;
        rows = 0;
        db_query(c, &r, &article_page, "i", after);
        while (fine && rows_next(&r)) {
            rows++;
            after = rows_int(&r, 0);
            fine = write_article(c, folder, &r);
        }
        fine = rows_done(&r) && fine;
        *count += rows;
    }
    return fine;
}
