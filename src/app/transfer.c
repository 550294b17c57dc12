// Files in and out: backup, restore, import and export of knowledge.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/command.h"
#include "knowledge/export.h"
#include "knowledge/import.h"
#include "store/backup.h"

int backup_command(struct app *app, const struct args *args)
{
    void *label = (void *)(uintptr_t)command_text(app, "progress.backup", "", "", "");
    if (!backup_write(&app->ctx, args->plain[0], progress, label))
        return app_complain(app);
    return command_done(app, "backup.done", args->plain[0], "");
}

int restore_command(struct app *app, const struct args *args)
{
    const char *file = args->plain[0];
    if (!backup_check(&app->ctx, file))
        return app_complain(app);
    if (arg_option(app->command, args, "check"))
        return command_done(app, "restore.good", file, "");
    void *label = (void *)(uintptr_t)command_text(app, "progress.restore", "", "", "");
    if (!backup_restore(&app->ctx, file, progress, label))
        return app_complain(app);
    return command_done(app, "restore.done", file, "");
}

static const char *number(struct app *app, int64_t n)
{
    return arena_printf(app->arena, "%lld", (long long)n);
}

static void print_rows(struct app *app, const char *path, const struct import_report *r)
{
    for (size_t i = 0; i < r->row_count; i++) {
        const struct import_row *row = &r->rows[i];
        const char *file = row->file.len ? str_z(app->arena, row->file) : path;
        fprintf(stderr, "%s: %s\n", file,
                command_text(app, "import.row", number(app, row->row), str_z(app->arena, row->error), ""));
    }
    if (r->failed > (int64_t)r->row_count)
        fprintf(stderr, "%s\n", command_text(app, "import.more", number(app, r->failed - (int64_t)r->row_count), "", ""));
}

// Exit code 1 when a row failed, though the others are in.
int import_command(struct app *app, const struct args *args)
{
    const struct command *k = app->command;
    if (strcmp(args->plain[0], "knowledge") != 0)
        return command_wrong_use(app, "cli.unknown", args->plain[0], "");
    const char *format = arg_option(k, args, "format"), *language = arg_option(k, args, "language");
    struct import_options o = {.language = -1, .default_answer = str_of(arg_option(k, args, "default-answer"))};
    if (!import_format_of(str_of(format), &o.format))
        return command_wrong_use(app, "cli.choice", "format", "csv, jsonl, markdown");
    if (language && strncmp(language, "zh", 2) != 0 && strncmp(language, "en", 2) != 0)
        return command_wrong_use(app, "cli.choice", "language", "zh, en");
    if (language)
        o.language = language[0] == 'z' ? LANG_ZH : LANG_EN;
    o.check = arg_option(k, args, "check") != NULL;
    o.progress = progress;
    o.arg = (void *)(uintptr_t)command_text(app, "progress.import", "", "", "");
    bool json = arg_option(k, args, "json") != NULL, good = true;
    for (int i = 1; i < args->count; i++) {
        struct import_report r = {0};
        bool read = import_file(&app->ctx, args->plain[i], &o, &r);
        if (json && read)
            printf(STR_FMT "\n", STR_ARG(import_report_json(app->arena, &r)));
        else
            print_rows(app, args->plain[i], &r);
        if (!read)
            return app_complain(app);
        if (!json)
            printf("%s: %s\n", args->plain[i],
                   command_text(app, o.check ? "import.checked" : "import.done", number(app, r.imported + r.updated + r.unchanged),
                                number(app, r.updated), number(app, r.failed)));
        good = good && !r.failed;
    }
    return good ? 0 : 1;
}

struct file_sink {
    struct ctx *c;
    FILE *out;
    const char *name;
};

static bool write_part(void *arg, struct str part)
{
    struct file_sink *s = arg;
    if (fwrite(part.at, 1, part.len, s->out) == part.len)
        return true;
    fail(s->c, ERR_INTERNAL, "app.write", s->name, NULL);
    return fail_detail(s->c, "%s", strerror(errno));
}

// Into a temporary name beside it, then renamed: a failed export leaves no half file.
static bool export_to(struct app *app, const char *path, enum import_format format)
{
    struct ctx *c = &app->ctx;
    bool plain = strcmp(path, "-") == 0;
    const char *temporary = plain ? path : arena_printf(app->arena, "%s.part", path);
    struct file_sink s = {c, plain ? stdout : fopen(temporary, "wb"), path};
    if (!s.out) {
        fail(c, ERR_INTERNAL, "app.write", path, NULL);
        return fail_detail(c, "%s", strerror(errno));
    }
    bool good = export_faqs(c, format, write_part, &s);
    if (good && (fflush(s.out) || (!plain && fsync(fileno(s.out)))))
        good = write_part(&s, STR(" "));
    if (plain)
        return good;
    if (fclose(s.out) && good) {
        fail(c, ERR_INTERNAL, "app.write", path, NULL);
        good = fail_detail(c, "%s", strerror(errno));
    }
    if (good && rename(temporary, path)) {
        fail(c, ERR_INTERNAL, "app.write", path, NULL);
        good = fail_detail(c, "%s", strerror(errno));
    }
    if (!good)
        unlink(temporary);
    return good;
}

int export_command(struct app *app, const struct args *args)
{
    const char *path = args->plain[1], *named = arg_option(app->command, args, "format");
    if (strcmp(args->plain[0], "knowledge") != 0)
        return command_wrong_use(app, "cli.unknown", args->plain[0], "");
    enum import_format format;
    if (!import_format_of(str_of(named), &format))
        return command_wrong_use(app, "cli.choice", "format", "csv, jsonl, markdown");
    if (format == IMPORT_AUTO) {
        struct str name = str_of(path);
        format = str_ends(name, STR(".csv")) ? IMPORT_CSV : strchr(path, '.') || strcmp(path, "-") == 0 ? IMPORT_JSONL : IMPORT_MARKDOWN;
    }
    if (format == IMPORT_MARKDOWN) {
        int64_t count;
        if (!export_articles(&app->ctx, path, &count))
            return app_complain(app);
        return command_done(app, "export.articles", number(app, count), path);
    }
    if (!export_to(app, path, format))
        return app_complain(app);
    return strcmp(path, "-") == 0 ? 0 : command_done(app, "export.done", path, "");
}
