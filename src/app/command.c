#include "app/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rand.h"

static const struct option_row common[] = {
    {"help", OPTION_FLAG, NULL},
    {"config", OPTION_TEXT, "FILE"},
    {"data", OPTION_TEXT, "DIR"},
    {"lang", OPTION_TEXT, "zh-CN|en-US"},
    {NULL},
};

static const char *text(struct app *app, const char *key, const char *a, const char *b)
{
    return command_text(app, key, a, b, "");
}

const char *command_text(struct app *app, const char *key, const char *a, const char *b, const char *c)
{
    struct str args[] = {str_of(a), str_of(b), str_of(c)};
    return str_z(app->arena, message_text(app->arena, app->ctx.lang, key, args, 3));
}

int command_done(struct app *app, const char *key, const char *a, const char *b)
{
    printf("%s\n", text(app, key, a, b));
    return 0;
}

const char *command_pad(struct app *app, const char *words, int columns)
{
    struct str s = str_of(words);
    int width = 0;
    for (size_t at = 0; at < s.len;)
        width += str_next_char(s, &at) >= 0x2e80 ? 2 : 1;
    return arena_printf(app->arena, "%s%*s", words, width < columns ? columns - width : 0, "");
}

static const char *key_of(struct app *app, const char *prefix, const char *name)
{
    return arena_printf(app->arena, "%s.%s", prefix, name);
}

static void print_options(struct app *app, const struct option_row *rows)
{
    for (const struct option_row *o = rows; o && o->name; o++) {
        const char *left = arena_printf(app->arena, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
        printf("  %s %s\n", command_pad(app, left, 28), text(app, key_of(app, "opt", o->name), "", ""));
    }
}

static void print_help(struct app *app, const struct command *k)
{
    if (k) {
        printf("yingda %s%s%s\n\n%s\n\n", k->name, *k->synopsis ? " " : "", k->synopsis,
               text(app, key_of(app, "cmd", k->name), "", ""));
        print_options(app, k->options);
        print_options(app, common);
        return;
    }
    printf("%s\n\n", text(app, "cli.about", YINGDA_VERSION, ""));
    for (k = commands; k->name; k++)
        printf("  %-12s %s\n", k->name, text(app, key_of(app, "cmd", k->name), "", ""));
    printf("\n%s\n", text(app, "cli.more", "", ""));
}

// Edit distance for "did you mean", over short words.
static int distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    int row[64];
    if (n > 60 || m > 60)
        return 99;
    for (size_t j = 0; j <= m; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int replace = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            int best = row[j] + 1 < row[j - 1] + 1 ? row[j] + 1 : row[j - 1] + 1;
            row[j] = replace < best ? replace : best;
        }
    }
    return row[m];
}

static const struct command *find(const char *name, const char **closest)
{
    int best = 4;
    *closest = NULL;
    for (const struct command *k = commands; k->name; k++) {
        if (strcmp(k->name, name) == 0)
            return k;
        int d = distance(name, k->name);
        if (d < best) {
            best = d;
            *closest = k->name;
        }
    }
    return NULL;
}

int command_wrong_use(struct app *app, const char *key, const char *a, const char *b)
{
    fprintf(stderr, "yingda: %s\n", text(app, key, a, b));
    if (app->command)
        fprintf(stderr, "%s\n", text(app, "cli.see_help", app->command->name, ""));
    return 2;
}

static const struct option_row *option(const struct option_row *rows, const char *name, int *index)
{
    for (int i = 0; rows && rows[i].name; i++) {
        size_t len = strlen(rows[i].name);
        if (strncmp(rows[i].name, name, len) == 0 && (name[len] == 0 || name[len] == '=')) {
            *index = i;
            return &rows[i];
        }
    }
    return NULL;
}

const char *arg_option(const struct command *k, const struct args *a, const char *name)
{
    int index;
    const struct option_row *o = option(k->options, name, &index);
    ASSERT(o, "a command reads only options of its own row");
    return a->option[index];
}

static int run(struct app *app, int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(app, NULL);
        return argc < 2 ? 2 : 0;
    }
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1], *closest;
    const struct command *k = find(name, &closest);
    if (!k)
        return command_wrong_use(app, closest ? "cli.unknown_meant" : "cli.unknown", name, closest);
    app->command = k;
    struct args args = {0};
    const char *shared[4] = {0};
    bool only_plain = false;
    for (int i = 2; i < argc; i++) {
        const char *word = argv[i];
        if (only_plain || word[0] != '-' || !word[1]) {
            if (args.count == k->most || args.count == 40)
                return command_wrong_use(app, "cli.too_many", word, "");
            args.plain[args.count++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            only_plain = true;
            continue;
        }
        if (strcmp(word, "-h") == 0)
            word = "--help";
        int index = 0;
        bool own = true;
        const struct option_row *o = strncmp(word, "--", 2) ? NULL : option(k->options, word + 2, &index);
        if (!o && strncmp(word, "--", 2) == 0) {
            own = false;
            o = option(common, word + 2, &index);
        }
        if (!o)
            return command_wrong_use(app, "cli.unknown_option", word, "");
        const char *value = strchr(word, '=');
        if (o->kind == OPTION_FLAG && value)
            return command_wrong_use(app, "cli.no_value", o->name, "");
        if (o->kind == OPTION_FLAG)
            value = "1";
        else if (value)
            value++;
        else if (i + 1 < argc)
            value = argv[++i];
        else
            return command_wrong_use(app, "cli.needs_value", o->name, "");
        int64_t number;
        if (o->kind == OPTION_NUMBER && !str_int(str_of(value), &number))
            return command_wrong_use(app, "cli.number", o->name, value);
        *(own ? &args.option[index] : &shared[index]) = value;
    }
    if (shared[3])
        app->ctx.lang = lang_from_header(str_of(shared[3]), app->ctx.lang);
    if (shared[0]) {
        print_help(app, k);
        return 0;
    }
    if (args.count < k->least)
        return command_wrong_use(app, "cli.too_few", k->synopsis, "");
    app->config_file = shared[1];
    app->data_dir = shared[2];
    if (!app_open(app, k->need))
        return app_complain(app);
    return k->run(app, &args);
}

int command_main(int argc, char **argv)
{
    rand_setup();
    struct app app = {.arena = arena_new(), .lock = PTHREAD_MUTEX_INITIALIZER};
    const char *lang = getenv("LC_ALL");
    if (!lang || !*lang)
        lang = getenv("LC_MESSAGES");
    if (!lang || !*lang)
        lang = getenv("LANG");
    app.ctx = (struct ctx){
        .arena = app.arena,
        .err = &app.error,
        .clock = &system_clock,
        .lang = lang_from_header(str_of(lang), LANG_EN),
        .actor = {.kind = ACTOR_SYSTEM, .name = STR("system"), .address = STR(""), .device = STR("command line")},
        .conf = &app.conf,
    };
    int code = run(&app, argc, argv);
    app_close(&app);
    arena_free(app.arena);
    return code;
}

bool progress_wanted(void)
{
    return isatty(STDERR_FILENO);
}

void progress(void *arg, int64_t done, int64_t total)
{
    static int shown = -1;
    if (!progress_wanted() || total <= 0)
        return;
    static const char bar[] = "########################################";
    int share = (int)(done * 100 / total);
    if (share == shown)
        return;
    shown = done >= total ? -1 : share;
    fprintf(stderr, "\r%s [%-40.*s] %3d%%%s", (const char *)arg, share * 40 / 100, bar, share, done >= total ? "\n" : "");
}
