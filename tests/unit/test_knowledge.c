// FAQs, articles, import, export and the search snapshot: the same on SQLite and on PostgreSQL (YINGDA_TEST_PG: a server where databases can be made).
#include "test.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/conf.h"
#include "base/rand.h"
#include "knowledge/article.h"
#include "knowledge/csv.h"
#include "knowledge/export.h"
#include "knowledge/faq.h"
#include "knowledge/markdown.h"
#include "knowledge/snapshot.h"
#include "store/db.h"

static struct arena *arena;
static char dir[64], url[512];
static struct conf conf;
static struct error err;
static struct ctx ctx;
static struct ctx *c = &ctx;

static void server_says(const char *command)
{
    PGconn *conn = PQconnectdb(getenv("YINGDA_TEST_PG"));
    PQclear(PQexec(conn, "SET client_min_messages = error"));
    PGresult *r = PQexec(conn, command);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", command, PQerrorMessage(conn));
    PQclear(r);
    PQfinish(conn);
}

#define must(ok) must_(ok, __LINE__)
static void must_(bool ok, int line)
{
    if (ok)
        return;
    for (size_t i = 0; i < err.field_count; i++)
        print_error(STR_FMT ": %s\n", STR_ARG(err.fields[i].field), err.fields[i].key);
    fail_msg("line %d: %s: %s", line, err.key ? err.key : "no error", err.detail);
}

static int fresh(void **state)
{
    rand_setup();
    arena = arena_new();
    err = (struct error){0};
    strcpy(dir, "/tmp/yingda-knowledge-XXXXXX");
    assert_non_null(mkdtemp(dir));
    conf = (struct conf){.data_dir = dir, .store_url = "", .store_readers = 8, .blob_place = "folder", .public_url = ""};
    if (getenv("YINGDA_TEST_PG")) {
        char name[64], make[128];
        snprintf(name, sizeof name, "t%08x%08x", rand_below(UINT32_MAX), rand_below(UINT32_MAX));
        snprintf(make, sizeof make, "CREATE DATABASE %s", name);
        server_says(make);
        const char *server = getenv("YINGDA_TEST_PG"), *end = strrchr(server, '/');
        snprintf(url, sizeof url, "%.*s/%s", (int)(end - server), server, name);
        conf.store_url = url;
    }
    ctx = (struct ctx){.arena = arena, .err = &err, .clock = &system_clock, .conf = &conf, .lang = LANG_EN,
                       .actor = {.kind = ACTOR_USER, .id = 7, .name = STR("Olive"), .address = STR(""), .device = STR("")}};
    c->store = store_open(c, true);
    must(c->store != NULL);
    c->db = store_reader(c->store, c);
    c->knowledge = knowledge_open(c);
    must(c->knowledge != NULL);
    return 0;
}
static int gone(void **state)
{
    char command[128];
    knowledge_close(c->knowledge);
    store_reader_close(c->db);
    store_close(c->store);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
    if (getenv("YINGDA_TEST_PG")) {
        snprintf(command, sizeof command, "DROP DATABASE %s WITH (FORCE)", strrchr(url, '/') + 1);
        server_says(command);
    }
    arena_free(arena);
    return 0;
}

static struct faq make_faq(const char *question, const char *answer)
{
    struct faq f = {.language = LANG_ZH, .question = str_of(question), .answer = str_of(answer), .enabled = true};
    return f;
}
static struct str first(const char *question)
{
    struct knowledge_hit hit;
    return knowledge_search(c, str_of(question), &hit, 1) ? hit.title : STR("");
}
static uint64_t bit(const char *name)
{
    return UINT64_C(1) << schema_field(&faq_schema, name);
}
static struct import_report import(const char *name, const char *text, struct import_options o)
{
    struct import_report r;
    must(import_text(c, str_of(name), str_of(text), &o, &r));
    return r;
}
static const struct import_options plain = {.language = -1};

// ---- FAQs

static void a_new_faq_is_found_at_once_by_each_of_its_wordings(void **state)
{
    struct faq f = make_faq("怎么申请退货?", "签收后 7 天内可以退货。");
    struct str similar[] = {STR("东西不想要了能退吗"), STR("怎么申请退货?"), STR("东西不想要了能退吗"), STR("")};
    f.similar = (struct str_list){similar, 4};
    must(faq_create(c, &f));
    assert_int_equal(f.similar.count, 1); // repetitions say nothing
    assert_int_equal(f.version, 1);
    assert_str(f.updated_by->name, "Olive");
    struct knowledge_hit hit;
    assert_int_equal(knowledge_search(c, STR("东西不想要了 能退吗"), &hit, 1), 1);
    assert_int_equal(hit.id, f.id);
    assert_str(hit.matched, "东西不想要了能退吗");
    assert_str(hit.answer, "签收后 7 天内可以退货。");
    assert_true(hit.score > 900);
}

static void a_change_a_switch_off_and_a_deletion_show_in_the_next_search(void **state)
{
    struct faq f = make_faq("什么时候发货", "24 小时内"), other = make_faq("如何开发票", "下单后可开");
    must(faq_create(c, &f));
    must(faq_create(c, &other));
    struct faq change = {.id = f.id, .question = STR("多久发出")};
    must(faq_change(c, &change, bit("question"), 1));
    assert_int_equal(change.version, 2);
    assert_str(change.answer, "24 小时内");
    assert_str(first("多久发出"), "多久发出");
    change = (struct faq){.id = f.id, .enabled = false};
    must(faq_change(c, &change, bit("enabled"), 0));
    assert_str(first("多久发出"), "如何开发票"); // what is left and shares a character
    assert_str(first("如何开发票"), "如何开发票");
    must(faq_delete(c, other.id, 1));
    assert_str(first("如何开发票"), "");
    struct faq missing;
    assert_false(faq_get(c, other.id, &missing));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void a_change_of_an_older_version_is_refused_and_changes_nothing(void **state)
{
    struct faq f = make_faq("什么时候发货", "24 小时内");
    must(faq_create(c, &f));
    struct faq change = {.id = f.id, .answer = STR("48 小时内")};
    must(faq_change(c, &change, bit("answer"), 1));
    change.answer = STR("迟到的修改");
    assert_false(faq_change(c, &change, bit("answer"), 1));
    assert_int_equal(err.code, ERR_PRECONDITION);
    error_clear(&err);
    assert_false(faq_delete(c, f.id, 1));
    assert_int_equal(err.code, ERR_PRECONDITION);
    error_clear(&err);
    struct faq now;
    must(faq_get(c, f.id, &now));
    assert_str(now.answer, "48 小时内");
}

static void another_process_sees_changes_without_being_told(void **state)
{
    struct error err2 = {0};
    struct ctx other = *c;
    other.err = &err2;
    other.db = store_reader(c->store, &other);
    other.knowledge = knowledge_open(&other);
    struct faq f = make_faq("保修多久", "两年");
    must(faq_create(c, &f)); // publishes in c's holder only
    struct knowledge_hit hit;
    usec end = time_monotonic() + 10 * SECOND;
    while (knowledge_search(&other, STR("保修多久"), &hit, 1) == 0 && time_monotonic() < end)
        usleep(10000);
    assert_int_equal(hit.id, f.id);
    knowledge_close(other.knowledge);
    store_reader_close(other.db);
}

static struct {
    _Atomic bool stop;
    _Atomic int64_t searches, wrong;
} readers;
static void *read_on(void *arg)
{
    struct error e = {0};
    struct ctx mine = {.err = &e, .arena = arena_new(), .knowledge = arg};
    while (!atomic_load(&readers.stop)) {
        struct knowledge_hit hits[3];
        size_t n = knowledge_search(&mine, STR("稳定的问题"), hits, 3);
        if (n == 0 || !str_is(hits[0].title, "稳定的问题") || !str_is(hits[0].answer, "稳定的答案"))
            atomic_fetch_add(&readers.wrong, 1);
        atomic_fetch_add(&readers.searches, 1);
        arena_reset(mine.arena);
    }
    arena_free(mine.arena);
    return NULL;
}
static void searches_go_on_undisturbed_while_entries_change(void **state)
{
    struct faq f = make_faq("稳定的问题", "稳定的答案");
    must(faq_create(c, &f));
    pthread_t threads[3];
    readers.stop = false;
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, read_on, c->knowledge);
    for (int i = 0; i < 40; i++) {
        struct faq more = make_faq(arena_printf(arena, "第 %d 个别的问题", i), "别的");
        must(faq_create(c, &more));
        if (i % 2)
            must(faq_delete(c, more.id, 0));
    }
    atomic_store(&readers.stop, true);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_true(readers.searches > 0);
    assert_int_equal(readers.wrong, 0);
    assert_int_equal(knowledge_stats(c).entries, 21);
}

// ---- articles

static void an_article_is_found_when_published_and_answers_with_the_passage(void **state)
{
    struct article a = {.language = LANG_EN, .title = STR("Caring for your kettle"), .slug = STR("kettle"),
                        .body = STR("Read this first.\n\n## Descaling\n\nPour in **vinegar** and wait an hour.\n\n## Storage\n\nKeep it dry.")};
    must(article_create(c, &a));
    assert_str(first("how do I descale with vinegar"), "");
    struct article change = {.id = a.id, .published = true};
    must(article_change(c, &change, UINT64_C(1) << schema_field(&article_schema, "published"), 1));
    struct knowledge_hit hit;
    assert_int_equal(knowledge_search(c, STR("how do I descale with vinegar"), &hit, 1), 1);
    assert_int_equal(hit.kind, 'a');
    assert_str(hit.answer, "Pour in **vinegar** and wait an hour.");
    assert_str(knowledge_url(arena, &hit), "/help/en-US/kettle");
}

static void a_slug_is_unique_in_its_language_and_made_from_the_title(void **state)
{
    struct article a = {.language = LANG_EN, .title = STR("Returns & refunds!"), .body = STR("x")}, b = a, zh = a;
    must(article_create(c, &a));
    assert_str(a.slug, "returns-refunds");
    assert_false(article_create(c, &b));
    assert_int_equal(err.code, ERR_CONFLICT);
    error_clear(&err);
    zh.language = LANG_ZH;
    zh.slug = STR("returns-refunds");
    must(article_create(c, &zh));
    struct article han = {.language = LANG_ZH, .title = STR("退换货"), .body = STR("x")};
    must(article_create(c, &han));
    assert_true(article_slug_valid(han.slug));
    static const char *const bad[] = {"", "-a", "a-", "A", "a b", "../x", "faq", "assets", "退货"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(article_slug_valid(str_of(bad[i])));
}

// ---- import and export

static void csv_rows_that_fail_are_reported_by_line_and_the_others_go_in(void **state)
{
    struct import_report r = import("a.csv",
                                    "\xEF\xBB\xBFid,question,similar,similar2,answer,language,category,tags,enabled\r\n"
                                    "1,\"怎么\n退货\",我要退货|能退吗,,\"第一行\n第二行\",zh,售后,退货|售后,\r\n"
                                    "2,,x,,没有问题,zh,,,\r\n"
                                    "3,How long is the warranty?,,guarantee,Two years.,,,,yes\r\n"
                                    "\r\n"
                                    "4,没有答案,,,,zh,,,\r\n"
                                    "5,语言不对,,,答案,fr,,,\r\n"
                                    "1,重复的编号,,,答案,zh,,,\r\n"
                                    "6,太多列,,,a,zh,,,,,,\r\n"
                                    "7,开关不对,,,a,zh,,,maybe\r\n",
                                    plain);
    assert_int_equal(r.imported, 2);
    assert_int_equal(r.failed, 6);
    static const int lines[] = {5, 8, 9, 10, 11, 12};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(r.rows[i].row, lines[i]);
    assert_str(r.rows[0].error, "question: Required.");
    assert_str(r.rows[1].error, "answer: Required.");
    struct knowledge_hit hit;
    assert_int_equal(knowledge_search(c, STR("能退吗"), &hit, 1), 1);
    assert_str(hit.title, "怎么 退货");
    assert_str(hit.answer, "第一行\n第二行");
    assert_int_equal(knowledge_search(c, STR("guarantee"), &hit, 1), 1);
    assert_int_equal(hit.language, LANG_EN);
}

static void csv_in_gbk_and_with_chinese_column_names_is_read(void **state)
{
    // 问题,答案 / 怎么退货,七天内
    struct import_report r = import("b.csv", "\xCE\xCA\xCC\xE2,\xB4\xF0\xB0\xB8\r\n\xD4\xF5\xC3\xB4\xCD\xCB\xBB\xF5,\xC6\xDF\xCC\xEC\xC4\xDA\r\n", plain);
    assert_int_equal(r.imported, 1);
    assert_str(first("怎么退货"), "怎么退货");
}

static void the_same_file_again_changes_only_what_differs(void **state)
{
    const char *lines = "{\"id\":\"a\",\"question\":\"怎么退货\",\"similar\":[\"退货\"],\"answer\":\"7 天\"}\n"
                        "{\"id\":\"b\",\"question\":\"怎么开票\",\"answer\":\"可以\",\"note\":1}\n";
    assert_int_equal(import("k.jsonl", lines, plain).imported, 2);
    struct import_report r = import("k.jsonl", lines, plain);
    assert_int_equal(r.unchanged, 2);
    assert_int_equal(r.imported + r.updated, 0);
    r = import("k.jsonl", "{\"id\":\"a\",\"question\":\"怎么退货呢\",\"answer\":\"15 天\"}\n", plain);
    assert_int_equal(r.updated, 1);
    struct knowledge_hit hit;
    assert_int_equal(knowledge_search(c, STR("怎么退货呢"), &hit, 1), 1);
    assert_str(hit.answer, "15 天");
    assert_int_equal(knowledge_stats(c).entries, 2);
}

static void jsonl_lines_that_are_not_rows_are_reported(void **state)
{
    struct import_report r = import("k.jsonl",
                                    "{\"question\":\"好的一行\",\"answer\":\"x\"}\n"
                                    "not json\n\n[1]\n"
                                    "{\"question\":7,\"similar\":\"x\",\"answer\":{}}\n"
                                    "{\"question\":\"深\",\"answer\":\"x\",\"similar\":[[\"x\"]]}\n",
                                    plain);
    assert_int_equal(r.imported, 1);
    assert_int_equal(r.failed, 4);
    assert_int_equal(r.rows[0].row, 2);
    assert_int_equal(r.rows[1].row, 4);
    assert_int_equal(r.rows[3].row, 6);
}

static void a_template_answers_rows_that_have_no_answer(void **state)
{
    struct import_options o = {.language = -1, .default_answer = STR("关于“{question}”，请看帮助。")};
    import("k.jsonl", "{\"id\":\"s\",\"question\":\"怎么开户\"}", o);
    struct knowledge_hit hit;
    assert_int_equal(knowledge_search(c, STR("怎么开户"), &hit, 1), 1);
    assert_str(hit.answer, "关于“怎么开户”，请看帮助。");
}

static void a_check_stores_nothing(void **state)
{
    struct import_report r = import("k.jsonl", "{\"question\":\"a\",\"answer\":\"b\"}\n{}", (struct import_options){.language = -1, .check = true});
    assert_int_equal(r.imported, 1);
    assert_int_equal(r.failed, 1);
    assert_int_equal(knowledge_stats(c).entries, 0);
}

static void files_that_cannot_be_read_are_refused_whole(void **state)
{
    static const struct {
        const char *name, *text, *key;
    } bad[] = {
        {"a.csv", "", "import.empty"},
        {"a.csv", "x,y\n1,2\n", "import.header"},
        {"a.csv", "question,answer\n\"open,x\n", "import.csv_quote"},
        {"a.csv", "question\xFF\xFF\xFF,answer\n", "import.encoding"},
    };
    struct import_report r;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        error_clear(&err);
        assert_false(import_text(c, str_of(bad[i].name), str_of(bad[i].text), &plain, &r));
        assert_string_equal(err.key, bad[i].key);
    }
    error_clear(&err);
    assert_false(import_file(c, "/nowhere/x.csv", &plain, &r));
    assert_string_equal(err.key, "import.unreadable");
    error_clear(&err);
}

static bool collect(void *arg, struct str part)
{
    buf_str_add(arg, part);
    return true;
}
static void what_is_exported_imports_again_to_the_same(void **state)
{
    import("k.jsonl",
           "{\"id\":\"a\",\"question\":\"怎么 \\\"退\\\" 货,快\",\"similar\":[\"退货\",\"-1+2\"],\"answer\":\" 第一行\\n\\n* 第二行, \\\"x\\\"\",\"tags\":[\"t1\",\"t2\"],"
           "\"category\":\"售后\"}\n"
           "{\"question\":\"no id here\",\"answer\":\"x\",\"enabled\":false}\n",
           plain);
    static const enum import_format formats[] = {IMPORT_CSV, IMPORT_JSONL};
    for (int i = 0; i < 2; i++) {
        struct buf out = {.arena = arena}, again = {.arena = arena};
        must(export_faqs(c, formats[i], collect, &out));
        struct import_options o = {.language = -1, .format = formats[i]};
        struct import_report r;
        must(import_text(c, STR("x"), buf_str(&out), &o, &r));
        assert_int_equal(r.unchanged, 2);
        must(export_faqs(c, formats[i], collect, &again));
        assert_true(str_eq(buf_str(&out), buf_str(&again)));
    }
}

static void a_folder_of_markdown_becomes_articles_and_comes_back(void **state)
{
    char path[200];
    const char *folder = arena_printf(arena, "%s/docs", dir), *out = arena_printf(arena, "%s/out", dir);
    mkdir(folder, 0777);
    mkdir(arena_printf(arena, "%s/en-US", folder), 0777);
    static const char *const files[][2] = {
        {"returns.md", "---\ntitle: \"退换货\"\nslug: returns\nlanguage: zh\ncategory: 售后\ntags: [退货, '换货']\n---\n\n正文 **一**。\n"},
        {"en-US/returns.md", "# Returns\n\nBody one.\n"},
        {"bad.md", "---\ntitle: x\nslug: Not A Slug\n---\nbody\n"},
        {"note.txt", "not read"},
    };
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i][0]);
        FILE *f = fopen(path, "w");
        fputs(files[i][1], f);
        fclose(f);
    }
    struct import_report r;
    must(import_file(c, folder, &plain, &r));
    assert_int_equal(r.imported, 2);
    assert_int_equal(r.failed, 1);
    assert_str(r.rows[0].file, "bad.md");
    const struct snapshot *s = snapshot_take(c->knowledge);
    const struct entry *zh = snapshot_article(s, STR("returns"), LANG_ZH), *en = snapshot_article(s, STR("returns"), LANG_EN);
    assert_non_null(zh);
    assert_non_null(en);
    assert_str(zh->title, "退换货");
    assert_str(en->title, "Returns");
    assert_str(en->answer, "Body one.");
    snapshot_give(c->knowledge, s);
    int64_t count;
    must(export_articles(c, out, &count));
    assert_int_equal(count, 2);
    must(import_file(c, out, &plain, &r));
    assert_int_equal(r.unchanged, 2);
}

// ---- Markdown

static void markdown_keeps_its_forms(void **state)
{
    assert_str(markdown_render(arena, STR("# T\n\na **b** *c* ~~d~~ `e<f`\n\n1. x\n2. y\n")),
               "<h2>T</h2>\n<p>a <strong>b</strong> <em>c</em> <del>d</del> <code>e&lt;f</code></p>\n<ol>\n<li>x</li>\n<li>y</li>\n</ol>\n");
    assert_str(markdown_render(arena, STR("|a|b|\n|-|-:|\n|1|2|\n")),
               "<div class=\"table\" tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">a</th><th scope=\"col\" class=\"right\">b</th></tr></thead>\n"
               "<tbody>\n<tr><td>1</td><td class=\"right\">2</td></tr>\n</tbody>\n</table></div>\n");
    assert_str(markdown_render(arena, STR("[in](/help/x) https://a.example/?b=1&c=2")),
               "<p><a href=\"/help/x\">in</a> <a href=\"https://a.example/?b=1&amp;c=2\" rel=\"noopener nofollow\">https://a.example/?b=1&amp;c=2</a></p>\n");
    assert_str(markdown_render(arena, STR("![a *b*](https://x.example/p.png)")),
               "<p><img loading=\"lazy\" src=\"https://x.example/p.png\" alt=\"a b\"></p>\n");
}

static void markdown_lets_no_script_through(void **state)
{
    static const char *const nasty[] = {
        "<script>alert(1)</script>", "a <img src=x onerror=alert(1)> b", "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))",
        "[x](java&#10;script:alert(1))", "[x](data:text/html;base64,PHNjcmlwdD4=)", "![x](javascript:alert(1))", "![x](data:image/svg+xml,<svg/onload=1>)",
        "[x](//evil.example)", "[x](vbscript:x)", "<javascript:alert(1)>", "[x]: javascript:alert(1)\n\n[x]", "<a href=\"javascript:1\">x</a>",
        "<div style=\"x\">\n\n<iframe src=x>\n\n</div>", "[x](https://a.example/\"onmouseover=\"alert(1))", "`<script>`", "[x](\\\\evil.example)",
        "![\" onerror=\"alert(1)](https://a.example/x.png)",
    };
    static const char *const never[] = {"<script", "=\"javascript:", "onerror=\"", " onerror", "<iframe", "<a href=\"data", "style=", "vbscript", "href=\"//", "onmouseover=\""};
    for (size_t i = 0; i < sizeof nasty / sizeof nasty[0]; i++) {
        struct str html = markdown_render(arena, str_of(nasty[i]));
        for (size_t j = 0; j < sizeof never / sizeof never[0]; j++) {
            size_t at;
            bool found = str_find(html, str_of(never[j]), &at);
            // An attribute's name may stand in a text with its quotes escaped.
            if (found && strcmp(never[j], " onerror") == 0 && !str_find(html, STR("onerror=\""), &at))
                found = false;
            if (found)
                fail_msg("%s\n became " STR_FMT, nasty[i], STR_ARG(html));
        }
    }
}

static void markdown_of_any_bytes_does_no_harm(void **state)
{
    for (int i = 0; i < 500; i++) {
        char bytes[200];
        rand_bytes(bytes, sizeof bytes);
        for (size_t j = 0; j < sizeof bytes; j++)
            if (bytes[j] & 1)
                bytes[j] = "*_`[]()<>!|-#\n ~:\\"[(unsigned char)bytes[j] % 18];
        struct str s = {bytes, sizeof bytes};
        markdown_render(arena, s);
        markdown_plain(arena, s);
        struct passage *p;
        markdown_passages(arena, s, &p);
    }
}

static void passages_carry_their_heading(void **state)
{
    struct passage *p;
    size_t n = markdown_passages(arena, STR("Intro.\n\n## One\n\nFirst.\n\n- a\n- b\n\n## Two\n\nSecond."), &p);
    assert_int_equal(n, 3);
    assert_str(p[1].heading, "One");
    assert_str(p[1].source, "First.\n\n- a\n- b");
    assert_str(p[1].plain, "One First. a b");
    assert_str(p[2].source, "Second.");
}

static void csv_records_know_their_lines(void **state)
{
    struct csv_table t;
    must(csv_read(c, STR("a,b\n\n\"x\n\ny\",1\nlast,\"q\"\"q\""), &t));
    assert_int_equal(t.count, 3);
    assert_int_equal(t.records[1].line, 3);
    assert_str(t.records[1].fields[0], "x\n\ny");
    assert_int_equal(t.records[2].line, 6);
    assert_str(t.records[2].fields[1], "q\"q");
    assert_false(csv_read(c, STR("a,b\n\"x"), &t));
    error_clear(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
        T(a_new_faq_is_found_at_once_by_each_of_its_wordings),
        T(a_change_a_switch_off_and_a_deletion_show_in_the_next_search),
        T(a_change_of_an_older_version_is_refused_and_changes_nothing),
        T(another_process_sees_changes_without_being_told),
        T(searches_go_on_undisturbed_while_entries_change),
        T(an_article_is_found_when_published_and_answers_with_the_passage),
        T(a_slug_is_unique_in_its_language_and_made_from_the_title),
        T(csv_rows_that_fail_are_reported_by_line_and_the_others_go_in),
        T(csv_in_gbk_and_with_chinese_column_names_is_read),
        T(the_same_file_again_changes_only_what_differs),
        T(jsonl_lines_that_are_not_rows_are_reported),
        T(a_template_answers_rows_that_have_no_answer),
        T(a_check_stores_nothing),
        T(files_that_cannot_be_read_are_refused_whole),
        T(what_is_exported_imports_again_to_the_same),
        T(a_folder_of_markdown_becomes_articles_and_comes_back),
        T(markdown_keeps_its_forms),
        T(markdown_lets_no_script_through),
        T(markdown_of_any_bytes_does_no_harm),
        T(passages_carry_their_heading),
        T(csv_records_know_their_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
