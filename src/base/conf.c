#include "base/conf.h"

#include <ini.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ctx.h"

// One row a setting: what `yingda doctor` prints and what a file or the environment may set.
struct setting {
    const char *section, *name;
    enum { TEXT, NUMBER } type;
    size_t offset;
    const char *otherwise;
    int64_t least, most;
    const char *help;
};
#define ROW(section, name, type, member, otherwise, least, most, help) \
    {section, name, type, offsetof(struct conf, member), otherwise, least, most, help}
static const struct setting settings[] = {
    ROW("data", "dir", TEXT, data_dir, "data", 0, 0, "folder of database, key file and attachments"),
    ROW("store", "url", TEXT, store_url, "", 0, 0, "empty: SQLite in the data folder; postgresql://user@host/database"),
    ROW("store", "connections", NUMBER, store_readers, "8", 2, 200, "PostgreSQL connections for writing"),
    ROW("store", "attachments", TEXT, blob_place, "folder", 0, 0, "folder or database"),
    ROW("http", "address", TEXT, http_address, "127.0.0.1", 0, 0, "address to listen on; 0.0.0.0 or :: for all"),
    ROW("http", "port", NUMBER, http_port, "8080", 0, 65535, "HTTP port; 0: any free one"),
    ROW("http", "tls_port", NUMBER, https_port, "0", 0, 65535, "HTTPS port; 0: none"),
    ROW("http", "tls_certificate", TEXT, tls_cert, "", 0, 0, "PEM file with the certificate chain"),
    ROW("http", "tls_key", TEXT, tls_key, "", 0, 0, "PEM file with the private key"),
    ROW("http", "trusted_proxies", TEXT, trusted_proxies, "", 0, 0, "addresses or CIDRs that may set X-Forwarded-*"),
    ROW("http", "public_url", TEXT, public_url, "", 0, 0, "how customers' browsers reach the server"),
    ROW("http", "threads", NUMBER, net_threads, "0", 0, 64, "event loops; 0: by processors"),
    ROW("http", "workers", NUMBER, workers, "0", 0, 256, "request workers; 0: by processors"),
    ROW("http", "max_body", NUMBER, max_body, "1048576", 1024, 67108864, "bytes of a JSON request"),
    ROW("http", "max_upload", NUMBER, max_upload, "26214400", 1024, 4294967296, "bytes of one uploaded file"),
    ROW("http", "max_connections", NUMBER, max_connections, "20000", 16, 1000000, "connections in all"),
    ROW("http", "max_connections_per_address", NUMBER, max_per_address, "1000", 1, 1000000, "connections of one address"),
    ROW("http", "idle_seconds", NUMBER, idle_seconds, "15", 1, 600, "a request must arrive in this time"),
    ROW("http", "ws_queue_bytes", NUMBER, ws_queue_bytes, "262144", 4096, 67108864, "a slow reader may lag this much"),
    ROW("log", "level", TEXT, log_level, "info", 0, 0, "debug, info, warn or error"),
    ROW("log", "format", TEXT, log_format, "logfmt", 0, 0, "logfmt or json"),
    ROW("identity", "argon2_mib", NUMBER, argon_mib, "64", 8, 1024, "memory of one password check in MiB"),
    ROW("identity", "login_tries", NUMBER, login_tries, "5", 1, 100, "wrong passwords before waiting"),
    ROW("identity", "session_hours", NUMBER, session_hours, "12", 1, 720, "hours without use that end a session"),
    ROW("bot", "answer_threshold", NUMBER, answer_threshold, "0", 0, 1000, "thousandths; 0: the measured default"),
    ROW("bot", "suggest_threshold", NUMBER, suggest_threshold, "0", 0, 1000, "thousandths; 0: the measured default"),
    ROW("desk", "messages_per_10_seconds", NUMBER, visitor_rate, "20", 1, 1000000, "messages of one visitor"),
    ROW("desk", "new_visitors_per_minute", NUMBER, visitor_starts, "60", 1, 1000000, "new visitors from one address"),
    ROW("desk", "typing_every", NUMBER, typing_every, "1000", 0, 10000, "milliseconds between passed-on typing signs of one person"),
};
enum { SETTING_COUNT = sizeof settings / sizeof settings[0] };

struct reading {
    struct ctx *c;
    struct conf *out;
    const char *file;
    bool failed;
};

static bool assign(struct ctx *c, struct conf *out, const struct setting *s, const char *where, const char *value)
{
    void *member = (char *)out + s->offset;
    if (s->type == TEXT) {
        *(const char **)member = str_z(c->arena, str_of(value));
        return true;
    }
    int64_t number;
    if (!str_int(str_trim(str_of(value)), &number) || number < s->least || number > s->most) {
        char range[64];
        snprintf(range, sizeof range, "%lld…%lld", (long long)s->least, (long long)s->most);
        return fail(c, ERR_INVALID, "conf.value", where, arena_printf(c->arena, "%s.%s", s->section, s->name), range, NULL);
    }
    *(int64_t *)member = number;
    return true;
}

static int on_setting(void *arg, const char *section, const char *name, const char *value)
{
    struct reading *r = arg;
    const char *where = r->file;
    if (r->failed) // the first error counts
        return 0;
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (strcmp(settings[i].section, section) == 0 && strcmp(settings[i].name, name) == 0) {
            r->failed |= !assign(r->c, r->out, &settings[i], where, value);
            return !r->failed;
        }
    fail(r->c, ERR_INVALID, "conf.unknown", where, arena_printf(r->c->arena, "%s.%s", section, name), NULL);
    r->failed = true;
    return 0;
}

static bool one_of(struct ctx *c, const char *name, const char *value, const char *const *allowed)
{
    for (size_t i = 0; allowed[i]; i++)
        if (strcmp(value, allowed[i]) == 0)
            return true;
    return fail(c, ERR_INVALID, "conf.choice", name, value, NULL);
}

bool conf_load(struct ctx *c, const char *file, const char *data_dir, struct conf *out)
{
    *out = (struct conf){0};
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (!assign(c, out, &settings[i], "default", settings[i].otherwise))
            return false;
    bool asked = file || getenv("YINGDA_CONFIG");
    if (!file)
        file = getenv("YINGDA_CONFIG");
    if (!file)
        file = arena_printf(c->arena, "%s/yingda.ini", data_dir ? data_dir : out->data_dir);
    if (asked || access(file, R_OK) == 0) {
        struct reading r = {c, out, file, false};
        int line = ini_parse(file, on_setting, &r);
        if (r.failed) {
            c->err->args[0] = str_printf(c->arena, "%s:%d", file, line);
            return false;
        }
        if (line == -1)
            return fail(c, ERR_INVALID, "conf.file", file, NULL);
        if (line)
            return fail(c, ERR_INVALID, "conf.line", arena_printf(c->arena, "%s:%d", file, line), NULL);
    }
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        char *variable = arena_printf(c->arena, "YINGDA_%s_%s", settings[i].section, settings[i].name);
        for (char *at = variable; *at; at++)
            if (*at >= 'a' && *at <= 'z')
                *at = (char)(*at - 32);
        const char *value = getenv(variable);
        if (value && !assign(c, out, &settings[i], variable, value))
            return false;
    }
    if (data_dir)
        out->data_dir = str_z(c->arena, str_of(data_dir));
    return one_of(c, "store.attachments", out->blob_place, (const char *const[]){"folder", "database", NULL}) &&
           one_of(c, "log.level", out->log_level, (const char *const[]){"debug", "info", "warn", "error", NULL}) &&
           one_of(c, "log.format", out->log_format, (const char *const[]){"logfmt", "json", NULL});
}

void conf_print(const struct conf *conf, bool with_help)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *s = &settings[i];
        const void *member = (const char *)conf + s->offset;
        if (i == 0 || strcmp(s->section, settings[i - 1].section) != 0)
            printf("%s[%s]\n", i ? "\n" : "", s->section);
        if (with_help)
            printf("; %s (%s)\n", s->help, *s->otherwise ? s->otherwise : "-");
        // A URL may carry a password: it is not printed.
        const char *text = s->type == TEXT ? *(const char *const *)member : NULL;
        if (text && strstr(text, "://") && strchr(text, '@'))
            text = "(set)";
        if (text)
            printf("%s = %s\n", s->name, text);
        else
            printf("%s = %lld\n", s->name, (long long)*(const int64_t *)member);
    }
}
