// The commands: one row each, with their handlers. Longer ones have files of their own (transfer.c, doctor.c, serve.c, demo.c).
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "app/command.h"
#include "app/demo.h"
#include "identity/audit.h"
#include "identity/company.h"
#include "identity/crypt.h"
#include "identity/reseal.h"
#include "schema/id.h"
#include "schema/openapi.h"
#include "store/db.h"

static void restore_echo(int signal)
{
    // Ctrl-C at the question: the terminal must echo again. Only async-signal-safe calls.
    struct termios t;
    if (tcgetattr(STDIN_FILENO, &t) == 0) {
        t.c_lflag |= ECHO;
        tcsetattr(STDIN_FILENO, TCSANOW, &t);
    }
    _exit(128 + signal);
}

static const char *read_line(struct app *app)
{
    char line[1024];
    if (!fgets(line, sizeof line, stdin))
        return NULL;
    size_t len = strcspn(line, "\r\n");
    return str_z(app->arena, (struct str){line, len});
}

static const char *ask(struct app *app, const char *key)
{
    struct termios before, quiet;
    if (tcgetattr(STDIN_FILENO, &before))
        return NULL;
    struct sigaction act = {.sa_handler = restore_echo}, old;
    sigaction(SIGINT, &act, &old);
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "%s ", command_text(app, key, "", "", ""));
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    const char *line = read_line(app);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    sigaction(SIGINT, &old, NULL);
    fputc('\n', stderr);
    return line;
}

// --password TEXT, --password - (a line of standard input), or asked for twice on the terminal. NULL: said why.
static const char *password_of(struct app *app, const struct args *args)
{
    const char *given = arg_option(app->command, args, "password");
    if (given && strcmp(given, "-") == 0)
        given = read_line(app);
    if (given)
        return given;
    if (!isatty(STDIN_FILENO)) {
        command_wrong_use(app, "cli.no_terminal", "", "");
        return NULL;
    }
    const char *once = ask(app, "cli.confirm_password"), *again = once ? ask(app, "cli.repeat_password") : NULL;
    if (!again || strcmp(once, again) != 0) {
        command_wrong_use(app, "cli.not_the_same", "", "");
        return NULL;
    }
    return once;
}

static int init_command(struct app *app, const struct args *args)
{
    struct ctx *c = &app->ctx;
    const struct command *k = app->command;
    static const char *const wanted[] = {"company", "name", "email"};
    for (int i = 0; i < 3; i++)
        if (!arg_option(k, args, wanted[i]))
            return command_wrong_use(app, "cli.needs_option", wanted[i], "");
    bool exists;
    if (!company_exists(c, &exists))
        return app_complain(app);
    if (exists) {
        fail(c, ERR_CONFLICT, "identity.already_set_up", NULL);
        return app_complain(app);
    }
    const char *password = password_of(app, args);
    if (!password)
        return 2;
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    for (int i = 0; i < 3; i++)
        json_put_z(&o, wanted[i], arg_option(k, args, wanted[i]));
    json_put_z(&o, "password", password);
    json_put_z(&o, "locale", lang_tag(c->lang));
    json_close(&o, '}');
    struct setup setup = {0};
    if (!schema_parse(c, &setup_schema, buf_str(&o.buf), false, &setup, NULL) || !company_setup(c, &setup, NULL))
        return app_complain(app);
    return command_done(app, "init.done", str_z(c->arena, setup.email), "");
}

static int user_list_command(struct app *app)
{
    struct ctx *c = &app->ctx;
    struct list_query q = {.where = STR(""), .order = STR(" ORDER BY id"), .limit = 100000, .sort_field = -1};
    struct user *users;
    size_t count;
    if (!user_list(c, &q, &users, &count))
        return app_complain(app);
    for (size_t i = 0; i < count; i++) {
        struct buf roles = {.arena = c->arena};
        const struct role_ref *r = users[i].roles.at;
        for (size_t n = 0; n < users[i].roles.count; n++) {
            if (n)
                buf_putc(&roles, ',');
            buf_str_add(&roles, r[n].key.len ? r[n].key : r[n].name);
        }
        const char *state = command_text(app, users[i].state == USER_ACTIVE ? "user.active" : "user.disabled", "", "", "");
        printf("%s\t%s\t%s\t%s\n", str_z(c->arena, users[i].email), str_z(c->arena, users[i].name), str_z(c->arena, buf_str(&roles)),
               state);
    }
    return 0;
}

static int user_add_command(struct app *app, const struct args *args)
{
    struct ctx *c = &app->ctx;
    const struct command *k = app->command;
    const char *email = arg_option(k, args, "email"), *role = arg_option(k, args, "role"), *name = arg_option(k, args, "name");
    if (!email && args->count > 1)
        email = args->plain[1];
    if (!email || !role)
        return command_wrong_use(app, "cli.needs_option", email ? "role" : "email", "");
    const char *password = password_of(app, args);
    if (!password)
        return 2;
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_z(&o, "name", name ? name : email);
    json_put_z(&o, "email", email);
    json_put_z(&o, "password", password);
    json_put_z(&o, "locale", lang_tag(c->lang));
    json_close(&o, '}');
    struct user user = {0};
    if (!schema_parse(c, &user_in_schema, buf_str(&o.buf), true, &user, NULL))
        return app_complain(app);
    struct str rest = str_of(role), part;
    struct str *keys = ARENA_ARRAY(c->arena, struct str, rest.len + 1);
    while (str_split(&rest, ',', &part))
        keys[user.role_keys.count++] = str_trim(part);
    user.role_keys.at = keys;
    if (!user.capacity)
        user.capacity = 5;
    if (!user_create(c, &user))
        return app_complain(app);
    return command_done(app, "user.done", email, "");
}

static int user_command(struct app *app, const struct args *args)
{
    struct ctx *c = &app->ctx;
    const char *what = args->plain[0];
    if (strcmp(what, "list") == 0)
        return user_list_command(app);
    if (strcmp(what, "add") == 0)
        return user_add_command(app, args);
    bool password = strcmp(what, "password") == 0, disable = strcmp(what, "disable") == 0, enable = strcmp(what, "enable") == 0;
    if (!password && !disable && !enable)
        return command_wrong_use(app, "cli.unknown", what, "");
    const char *email = args->count > 1 ? args->plain[1] : arg_option(app->command, args, "email");
    if (!email)
        return command_wrong_use(app, "cli.needs_option", "email", "");
    struct user user;
    if (!user_by_email(c, str_of(email), &user))
        return app_complain(app);
    if (password) {
        const char *plain = password_of(app, args);
        if (!plain)
            return 2;
        struct json_out o = json_begin(c->arena);
        json_open(&o, NULL, '{');
        json_put_z(&o, "password", plain);
        json_close(&o, '}');
        struct user checked = {0};
        if (!schema_parse(c, &user_in_schema, buf_str(&o.buf), true, &checked, NULL) || !user_password(c, user.id, checked.password, 0))
            return app_complain(app);
        return command_done(app, "user.done", email, "");
    }
    if (!(disable ? user_disable(c, user.id) : user_enable(c, user.id)))
        return app_complain(app);
    return command_done(app, "user.done", email, "");
}

static int audit_command(struct app *app, const struct args *args)
{
    if (strcmp(args->plain[0], "verify") != 0)
        return command_wrong_use(app, "cli.unknown", args->plain[0], "");
    struct audit_state state;
    if (!audit_verify(&app->ctx, &state))
        return app_complain(app);
    char n[24];
    snprintf(n, sizeof n, "%lld", (long long)(state.broken ? state.broken : state.entries));
    command_done(app, state.broken ? "audit.broken" : "audit.good", n, "");
    return state.broken ? 1 : 0;
}

static int keys_command(struct app *app, const struct args *args)
{
    if (strcmp(args->plain[0], "rotate") != 0)
        return command_wrong_use(app, "cli.unknown", args->plain[0], "");
    int64_t rows = 0;
    if (!keys_rotate(&app->ctx) || !reseal_all(&app->ctx, &rows))
        return app_complain(app);
    char n[24];
    snprintf(n, sizeof n, "%lld", (long long)rows);
    return command_done(app, "keys.done", n, "");
}

static int demo_command(struct app *app, const struct args *args)
{
    if (strcmp(args->plain[0], "load") != 0)
        return command_wrong_use(app, "cli.unknown", args->plain[0], "");
    return demo_load(app);
}

static int serve_command(struct app *app, const struct args *args)
{
    return serve_run(app);
}

static int migrate_command(struct app *app, const struct args *args) // the store migrates as it is opened
{
    return command_done(app, "migrate.done", "", "");
}

static int openapi_command(struct app *app, const struct args *args)
{
    struct str text = openapi_print(app->arena, app_routes(), YINGDA_VERSION);
    fwrite(text.at, 1, text.len, stdout);
    putchar('\n');
    if (fflush(stdout) == 0)
        return 0;
    fail(&app->ctx, ERR_INTERNAL, "app.write", "-", NULL);
    return app_complain(app);
}

static int version_command(struct app *app, const struct args *args)
{
    printf("yingda %s\n", YINGDA_VERSION);
    return 0;
}

static int completion_command(struct app *app, const struct args *args)
{
    printf("_yingda() {\n  local word=${COMP_WORDS[COMP_CWORD]} words\n  case $COMP_CWORD:${COMP_WORDS[1]} in\n    1:*) words='");
    for (const struct command *k = commands; k->name; k++)
        printf("%s%s", k == commands ? "" : " ", k->name);
    printf("' ;;\n");
    for (const struct command *k = commands; k->name; k++) {
        printf("    *:%s) words='--help --config --data --lang", k->name);
        for (const struct option_row *o = k->options; o && o->name; o++)
            printf(" --%s", o->name);
        for (const char *at = k->synopsis; *at;) { // the lower-case words of the synopsis are to be typed as they are
            size_t len = strcspn(at, " |");
            if (at[0] >= 'a' && at[0] <= 'z')
                printf(" %.*s", (int)len, at);
            at += len + (at[len] != 0);
        }
        printf("' ;;\n");
    }
    printf("  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
           "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$word\"))\n}\ncomplete -o filenames -F _yingda yingda\n");
    return 0;
}

static const struct option_row init_options[] = {
    {"company", OPTION_TEXT, "NAME"}, {"name", OPTION_TEXT, "NAME"},
    {"email", OPTION_TEXT, "ADDRESS"}, {"password", OPTION_TEXT, "TEXT|-"}, {NULL},
};
static const struct option_row user_options[] = {
    {"email", OPTION_TEXT, "ADDRESS"}, {"name", OPTION_TEXT, "NAME"},
    {"role", OPTION_TEXT, "ROLE,…"}, {"password", OPTION_TEXT, "TEXT|-"}, {NULL},
};
static const struct option_row restore_options[] = {{"check", OPTION_FLAG, NULL}, {NULL}};
static const struct option_row import_options[] = {
    {"format", OPTION_TEXT, "csv|jsonl|markdown"}, {"language", OPTION_TEXT, "zh|en"},
    {"default-answer", OPTION_TEXT, "TEXT"}, {"check", OPTION_FLAG, NULL}, {"json", OPTION_FLAG, NULL}, {NULL},
};
static const struct option_row export_options[] = {{"format", OPTION_TEXT, "csv|jsonl|markdown"}, {NULL}};
static const struct option_row doctor_options[] = {{"json", OPTION_FLAG, NULL}, {NULL}};
static const struct option_row none[] = {{NULL}};

const struct command commands[] = {
    {"init", "", 0, 0, init_options, init_command, APP_STORE},
    {"serve", "", 0, 0, none, serve_command, APP_CONF},
    {"migrate", "", 0, 0, none, migrate_command, APP_STORE},
    {"backup", "FILE", 1, 1, none, backup_command, APP_STORE},
    {"restore", "FILE", 1, 1, restore_options, restore_command, APP_STORE},
    {"import", "knowledge FILE…", 2, 40, import_options, import_command, APP_ROOMS},
    {"export", "knowledge FILE|FOLDER|-", 2, 2, export_options, export_command, APP_STORE},
    {"user", "list|add|password|disable|enable EMAIL", 1, 2, user_options, user_command, APP_STORE},
    {"audit", "verify", 1, 1, none, audit_command, APP_STORE},
    {"keys", "rotate", 1, 1, none, keys_command, APP_STORE},
    {"openapi", "", 0, 0, none, openapi_command, APP_NOTHING},
    {"demo", "load", 1, 1, none, demo_command, APP_ROOMS},
    {"doctor", "", 0, 0, doctor_options, doctor_command, APP_NOTHING},
    {"completion", "bash", 0, 1, none, completion_command, APP_NOTHING},
    {"version", "", 0, 0, none, version_command, APP_NOTHING},
    {NULL},
};
