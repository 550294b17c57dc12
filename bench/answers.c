// How well the bot answers, on public question sets and on the demo company: recall of the search, and the share of right, wrong and withheld answers of
// the whole decision. Usage: answers [FOLDER of data sets] [DEMO folder]; sets that are not there are passed over.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/vec.h"
#include "bot/bot.h"
#include "knowledge/faq.h"
#include "knowledge/import.h"
#include "store/db.h"

static struct arena *arena;
static struct error error;
static struct conf conf;
static struct ctx ctx;
static char folder[] = "/tmp/yingda-answers-XXXXXX";

static void die(const char *what)
{
    fprintf(stderr, "%s: %s %s\n", what, ctx.err->key ? ctx.err->key : "", ctx.err->detail);
    exit(1);
}

static struct str slurp(const char *path) // empty when absent
{
    struct str s = {"", 0};
    FILE *f = fopen(path, "rb");
    struct stat st;
    if (!f || fstat(fileno(f), &st) || !st.st_size) {
        if (f)
            fclose(f);
        return s;
    }
    char *at = arena_alloc(arena, (size_t)st.st_size + 1);
    s = (struct str){at, fread(at, 1, (size_t)st.st_size, f)};
    fclose(f);
    return s;
}

static const char *path_of(const char *base, const char *set, const char *file)
{
    return arena_printf(arena, "%s/%s/%s", base, set, file);
}

static void remove_store(void)
{
    static const char *const names[] = {"yingda.db", "yingda.db-wal", "yingda.db-shm"};
    for (int i = 0; i < 3; i++)
        unlink(arena_printf(arena, "%s/%s", folder, names[i]));
}

static void fresh_store(void)
{
    error_clear(&error);
    ctx.store = store_open(&ctx, true);
    if (!ctx.store || !(ctx.db = store_reader(ctx.store, &ctx)) || !(ctx.knowledge = knowledge_open(&ctx)))
        die("store");
}
static void close_store(void)
{
    knowledge_close(ctx.knowledge);
    store_reader_close(ctx.db);
    store_close(ctx.store);
    remove_store();
}

struct question {
    struct str label, text; // label "oos", "-": nothing in the base answers it
};
struct questions {
    VEC(struct question);
};
static void read_questions(const char *path, struct questions *out)
{
    struct str text = slurp(path), line;
    while (text.len && str_split(&text, '\n', &line)) {
        struct str label;
        if (!str_split(&line, '\t', &label) || !line.len)
            continue;
        VEC_PUSH(arena, out, (struct question){label, line});
    }
}

static struct str label_of(const struct knowledge_hit *h)
{
    if (h->kind != 'f')
        return STR("");
    struct faq f;
    if (!faq_get(&ctx, h->id, &f))
        die("faq");
    return f.external_id;
}

static int by_number(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static int compare_time(const void *a, const void *b)
{
    return (*(const usec *)a > *(const usec *)b) - (*(const usec *)a < *(const usec *)b);
}

// Scores of the best hits, for thresholds: what share of `scores` reaches `t`.
static double share_above(const int *scores, size_t count, int t)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += scores[i] >= t;
    return count ? (double)n / (double)count : 0;
}

static bool is_out(struct str label)
{
    return str_is(label, "oos") || str_is(label, "-");
}

static void ask_all(const char *name, const struct questions *in, const struct questions *out, const char *out_name, bool first_part)
{
    struct arena *whole = ctx.arena;
    size_t at1 = 0, at3 = 0, right = 0, wrong = 0, offered = 0, offered_in_vain = 0, none = 0, asked = 0;
    int *best = ARENA_ARRAY(arena, int, in->count + 1), *best_out = ARENA_ARRAY(arena, int, out->count + 1);
    usec *spent = ARENA_ARRAY(arena, usec, in->count + 1);
    ctx.arena = arena_new();
    for (size_t i = 0; i < in->count; i++) {
        if (is_out(in->at[i].label))
            continue;
        struct knowledge_hit hits[3];
        size_t n = knowledge_search(&ctx, in->at[i].text, hits, 3);
        best[asked] = n ? hits[0].score : 0;
        for (size_t j = 0; j < n; j++)
            if (str_eq(label_of(&hits[j]), in->at[i].label)) {
                at1 += j == 0;
                at3++;
                break;
            }
        struct bot_turn turn = {.text = in->at[i].text, .person_online = true};
        struct bot_decision d;
        usec from = time_monotonic();
        bot_decide(&ctx, &turn, &d);
        spent[asked++] = time_monotonic() - from;
        bool has = false;
        for (size_t j = 0; j < d.hit_count; j++)
            has |= str_eq(label_of(&d.hits[j]), in->at[i].label);
        if (d.verdict == BOT_ANSWER) {
            right += has;
            wrong += !has;
            if (!has && getenv("SHOW_WRONG"))
                printf("  wrong: " STR_FMT " -> " STR_FMT " (%d)\n", STR_ARG(in->at[i].text), STR_ARG(d.hits[0].title), d.hits[0].score);
        } else {
            offered += d.verdict == BOT_SUGGEST && has;
            offered_in_vain += d.verdict == BOT_SUGGEST && d.hit_count && !has;
            none += d.hit_count == 0;
            if (d.hit_count == 0 && getenv("SHOW_NONE"))
                printf("  none: " STR_FMT " (%s)\n", STR_ARG(in->at[i].text), d.reason);
        }
        arena_reset(ctx.arena);
    }
    size_t out_answered = 0, out_offered = 0, outs = 0;
    for (size_t i = 0; i < out->count; i++) {
        if (!is_out(out->at[i].label))
            continue;
        struct knowledge_hit hit;
        best_out[outs++] = knowledge_search(&ctx, out->at[i].text, &hit, 1) ? hit.score : 0;
        struct bot_turn turn = {.text = out->at[i].text, .person_online = true};
        struct bot_decision d;
        bot_decide(&ctx, &turn, &d);
        out_answered += d.verdict == BOT_ANSWER;
        out_offered += d.verdict == BOT_SUGGEST && d.hit_count > 0;
        arena_reset(ctx.arena);
    }
    arena_free(ctx.arena);
    ctx.arena = whole;
    double n = asked ? (double)asked : 1, m = outs ? (double)outs : 1;
    if (first_part && asked) {
        qsort(spent, asked, sizeof *spent, compare_time);
        printf("%-22s %5zu questions  recall@1 %.3f  recall@3 %.3f | answered right %.3f wrong %.3f  offered right %.3f in vain %.3f  none %.3f"
               " | decision p50 %lld us p99 %lld us\n",
               name, asked, at1 / n, at3 / n, right / n, wrong / n, offered / n, offered_in_vain / n, none / n, (long long)spent[asked / 2],
               (long long)spent[asked * 99 / 100]);
    }
    if (outs) {
        int *sorted = ARENA_ARRAY(arena, int, asked + 1);
        memcpy(sorted, best, asked * sizeof *best);
        qsort(sorted, asked, sizeof *sorted, by_number);
        int t5 = asked ? sorted[asked / 20] : 0;
        printf("%-22s %5zu %s  answered %.3f  offered %.3f  rejected %.3f | rejected at 5%% false rejection (%d): %.3f\n", name, outs, out_name,
               out_answered / m, out_offered / m, 1 - (double)(out_answered + out_offered) / m, t5, 1 - share_above(best_out, outs, t5));
    }
}

// ---- the sets

static void import_or_die(struct str name, struct str bytes, const char *default_answer)
{
    struct import_options o = {.language = -1, .default_answer = str_of(default_answer)};
    struct import_report report;
    usec from = time_monotonic();
    if (!import_text(&ctx, name, bytes, &o, &report))
        die("import");
    usec spent = time_monotonic() - from;
    struct knowledge_stats s = knowledge_stats(&ctx);
    printf("  import: %lld new, %lld failed, %lld texts in %.3f s with the index (%.3f s, %.1f MB)\n", (long long)report.imported,
           (long long)report.failed, (long long)s.texts, (double)spent / 1e6, (double)s.build_microseconds / 1e6, (double)s.bytes / 1e6);
}

static void faq_set(const char *base, const char *set)
{
    struct str kb = slurp(path_of(base, set, "kb.jsonl"));
    if (!kb.len) {
        printf("%s: not there, passed over\n", set);
        return;
    }
    printf("%s\n", set);
    fresh_store();
    import_or_die(STR("kb.jsonl"), kb, "{question}");
    struct questions in = {0}, chat = {0}, near = {0};
    read_questions(path_of(base, set, "queries_dev.tsv"), &in);
    read_questions(path_of(base, set, "oos_dev.tsv"), &chat);
    read_questions(path_of(base, set, "oos_near_dev.tsv"), &near);
    ask_all(set, &in, &chat, "chat", true);
    ask_all(set, &in, &near, "near", false);
    // One edit: what a change costs.
    struct faq f = {.language = LANG_ZH, .question = STR("\xe6\xb5\x8b\xe8\xaf\x95"), .answer = STR("x"), .enabled = true};
    usec from = time_monotonic();
    if (!faq_create(&ctx, &f))
        die("create");
    printf("  one FAQ more, stored and searchable: %.1f ms\n", (double)(time_monotonic() - from) / 1e3);
    close_store();
}

// Intent sets become FAQs: the label's first example is the question, the others are its similar questions.
static void intent_set(const char *base, const char *set, const char *dev, const char *oos)
{
    struct questions train = {0}, in = {0}, out = {0};
    read_questions(path_of(base, set, "train.tsv"), &train);
    if (!train.count) {
        printf("%s: not there, passed over\n", set);
        return;
    }
    printf("%s\n", set);
    read_questions(path_of(base, set, dev), &in);
    if (oos)
        read_questions(path_of(base, set, oos), &out);
    struct buf lines = {.arena = arena};
    bool *used = ARENA_ARRAY(arena, bool, train.count);
    for (size_t i = 0; i < train.count; i++) {
        if (used[i])
            continue;
        struct json_out o = json_begin(arena);
        json_open(&o, NULL, '{');
        json_put_str(&o, "id", train.at[i].label);
        json_put_str(&o, "question", train.at[i].text);
        json_put_str(&o, "answer", train.at[i].label);
        json_open(&o, "similar", '[');
        for (size_t j = i + 1; j < train.count; j++)
            if (str_eq(train.at[j].label, train.at[i].label)) {
                used[j] = true;
                json_put_str(&o, NULL, train.at[j].text);
            }
        json_close(&o, ']');
        json_close(&o, '}');
        buf_str_add(&lines, buf_str(&o.buf));
        buf_putc(&lines, '\n');
    }
    fresh_store();
    import_or_die(STR("train.jsonl"), buf_str(&lines), "");
    ask_all(set, &in, &out, "out of scope", true);
    close_store();
}

static void demo_set(const char *demo)
{
    struct str faqs = slurp(arena_printf(arena, "%s/faqs.jsonl", demo));
    if (!faqs.len)
        return;
    printf("demo company\n");
    fresh_store();
    import_or_die(STR("faqs.jsonl"), faqs, "");
    struct import_options o = {.language = -1};
    struct import_report report;
    if (access(arena_printf(arena, "%s/articles", demo), R_OK) == 0 &&
        import_file(&ctx, arena_printf(arena, "%s/articles", demo), &o, &report))
        printf("  import: %lld articles, %lld failed\n", (long long)report.imported, (long long)report.failed);
    struct questions all = {0};
    read_questions(arena_printf(arena, "%s/questions.tsv", demo), &all);
    ask_all("demo", &all, &all, "not answerable", true);
    close_store();
}

int main(int argc, char **argv)
{
    const char *base = argc > 1 ? argv[1] : "../shared/data", *demo = argc > 2 ? argv[2] : "demo";
    rand_setup();
    log_setup(LOG_LEVEL_ERROR, false);
    arena = arena_new();
    if (!mkdtemp(folder))
        return 1;
    ctx = (struct ctx){.arena = arena, .err = &error, .clock = &system_clock, .actor = {.kind = ACTOR_SYSTEM, .name = STR("system")}, .conf = &conf};
    unsetenv("YINGDA_STORE_URL");
    if (!conf_load(&ctx, NULL, folder, &conf))
        die("configuration");
    if (getenv("ANSWER"))
        conf.answer_threshold = atoi(getenv("ANSWER"));
    if (getenv("SUGGEST"))
        conf.suggest_threshold = atoi(getenv("SUGGEST"));
    struct utsname machine;
    uname(&machine);
    printf("answers %s %s | %s %s, %ld processors | thresholds: answer %d, suggest %d\n", base, demo, machine.sysname, machine.machine,
           sysconf(_SC_NPROCESSORS_ONLN), bot_answer_threshold(&ctx), bot_suggest_threshold(&ctx));
    static const char *const sets[] = {"zh-stock-faq", "zh-bank-topics", "zh-bank-faq"};
    const char *only = getenv("ONLY");
    for (int i = 0; i < 3; i++)
        if (!only || strcmp(only, sets[i]) == 0)
            faq_set(base, sets[i]);
    if (!only || strcmp(only, "banking77") == 0)
        intent_set(base, "banking77", "dev.tsv", NULL);
    if (!only || strcmp(only, "clinc150") == 0)
        intent_set(base, "clinc150", "val.tsv", "oos_val.tsv");
    if (!only || strcmp(only, "demo") == 0)
        demo_set(demo);
    remove_store();
    rmdir(folder);
    arena_free(arena);
    return 0;
}
