// yingda doctor: looks at everything that must hold and says what is off. It changes nothing.
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "app/command.h"
#include "identity/audit.h"
#include "identity/company.h"
#include "identity/crypt.h"
#include "knowledge/knowledge.h"
#include "store/db.h"
#include "store/job.h"

enum verdict { GOOD, NOTE, BAD }; // a note does not make the exit code 1

struct doctor {
    struct app *app;
    struct json_out json;
    bool as_json;
    int bad;
};

static void finding(struct doctor *d, enum verdict v, const char *name, const char *text)
{
    static const char *const words[] = {"good", "note", "bad"};
    static const char *const marks[] = {"ok", "--", "!!"};
    d->bad += v == BAD;
    if (!d->as_json) {
        const char *label = command_text(d->app, arena_printf(d->app->arena, "doctor.%s", name), "", "", "");
        printf("%s  %s %s\n", marks[v], command_pad(d->app, label, 18), text);
        return;
    }
    json_open(&d->json, NULL, '{');
    json_put_z(&d->json, "check", name);
    json_put_z(&d->json, "state", words[v]);
    json_put_z(&d->json, "text", text);
    json_close(&d->json, '}');
}

static void say(struct doctor *d, enum verdict v, const char *name, const char *key, const char *a, const char *b)
{
    finding(d, v, name, command_text(d->app, key, a, b, ""));
}

static void say_error(struct doctor *d, const char *name)
{
    struct app *app = d->app;
    struct error *e = &app->error;
    const char *text = str_z(app->arena, message_text(app->arena, app->ctx.lang, e->key ? e->key : "internal", e->args, 3));
    finding(d, BAD, name, e->detail[0] ? arena_printf(app->arena, "%s (%s)", text, e->detail) : text);
    error_clear(e);
}

static const char *number(struct doctor *d, int64_t n)
{
    return arena_printf(d->app->arena, "%lld", (long long)n);
}

// False: there is no data folder yet, so nothing further to look at.
static bool check_data(struct doctor *d)
{
    const char *dir = d->app->conf.data_dir;
    struct stat st;
    if (stat(dir, &st)) {
        bool absent = errno == ENOENT;
        say(d, absent ? NOTE : BAD, "data", absent ? "doctor.data_absent" : "app.data_dir", dir, "");
        return !absent;
    }
    if (!S_ISDIR(st.st_mode) || access(dir, R_OK | W_OK | X_OK)) {
        say(d, BAD, "data", "doctor.data_rights", dir, "");
        return false;
    }
    struct statvfs fs;
    int64_t free_mib = statvfs(dir, &fs) ? 0 : (int64_t)(fs.f_bavail * (fs.f_frsize >> 10) >> 10);
    if (!*d->app->conf.store_url && access(arena_printf(d->app->arena, "%s/yingda.db", dir), F_OK)) {
        say(d, NOTE, "data", "doctor.data_empty", dir, "");
        return false;
    }
    if (st.st_mode & 077)
        say(d, NOTE, "data", "doctor.data_open", dir, "");
    else if (free_mib < 1024)
        say(d, NOTE, "data", "doctor.data_full", dir, number(d, free_mib));
    else
        say(d, GOOD, "data", "doctor.data_good", dir, number(d, free_mib));
    return true;
}

static void check_files(struct doctor *d)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    int64_t wanted = d->app->conf.max_connections + 256;
    bool enough = limit.rlim_max == RLIM_INFINITY || (int64_t)limit.rlim_max >= wanted;
    say(d, enough ? GOOD : NOTE, "files", enough ? "doctor.files_good" : "doctor.files_few", number(d, (int64_t)limit.rlim_max),
        number(d, wanted));
}

static void check_certificate(struct doctor *d)
{
    const struct conf *conf = &d->app->conf;
    if (!conf->https_port) {
        say(d, GOOD, "tls", "doctor.tls_off", "", "");
        return;
    }
    FILE *file = *conf->tls_cert ? fopen(conf->tls_cert, "r") : NULL;
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file)
        fclose(file);
    file = *conf->tls_key ? fopen(conf->tls_key, "r") : NULL;
    EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (file)
        fclose(file);
    int days = 0, seconds = 0;
    if (!certificate)
        say(d, BAD, "tls", "doctor.tls_certificate", conf->tls_cert, "");
    else if (!key)
        say(d, BAD, "tls", "doctor.tls_key", conf->tls_key, "");
    else if (X509_check_private_key(certificate, key) != 1)
        say(d, BAD, "tls", "doctor.tls_pair", "", "");
    else if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) || days < 0 || seconds < 0)
        say(d, BAD, "tls", "doctor.tls_expired", conf->tls_cert, "");
    else
        say(d, days < 14 ? NOTE : GOOD, "tls", "doctor.tls_days", number(d, days), "");
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void check_identity(struct doctor *d)
{
    struct ctx *c = &d->app->ctx;
    bool exists = false;
    if (company_check(c))
        say(d, GOOD, "keys", "doctor.keys_good", str_z(c->arena, keys_fingerprint(c)), number(d, keys_current(c)));
    else
        say_error(d, "keys");
    struct company company;
    if (!company_exists(c, &exists)) {
        say_error(d, "company");
        return;
    }
    if (!exists)
        say(d, NOTE, "company", "doctor.no_company", "", "");
    else if (company_get(c, &company))
        finding(d, GOOD, "company", str_z(c->arena, company.name));
    else
        say_error(d, "company");
    struct audit_state state;
    if (!audit_verify(c, &state))
        say_error(d, "audit");
    else
        say(d, state.broken ? BAD : GOOD, "audit", state.broken ? "audit.broken" : "audit.good",
            number(d, state.broken ? state.broken : state.entries), "");
}

static void check_store(struct doctor *d)
{
    struct app *app = d->app;
    app->keep_schema = true;
    // Opening would make a new key file, which could open nothing of what is stored.
    const char *keys = arena_printf(app->arena, "%s/yingda.keys", app->conf.data_dir);
    if (access(keys, F_OK)) {
        say(d, *app->conf.store_url ? NOTE : BAD, "keys", "doctor.keys_absent", keys, "");
        return;
    }
    if (!app_open(app, APP_STORE)) {
        say_error(d, "store");
        return;
    }
    say(d, GOOD, "store", store_engine(app->ctx.store) == STORE_SQLITE ? "doctor.store_sqlite" : "doctor.store_postgres", "", "");
    check_identity(d);
    struct job_counts jobs;
    if (!job_counts(&app->ctx, &jobs))
        say_error(d, "jobs");
    else
        say(d, jobs.dead ? NOTE : GOOD, "jobs", "doctor.jobs_good", number(d, jobs.waiting), number(d, jobs.dead));
    if (!app_open(app, APP_ROOMS)) {
        say_error(d, "knowledge");
    } else {
        struct knowledge_stats s = knowledge_stats(&app->ctx);
        say(d, GOOD, "knowledge", "doctor.knowledge_good", number(d, s.entries), number(d, s.build_microseconds / 1000));
    }
}

int doctor_command(struct app *app, const struct args *args)
{
    struct doctor d = {.app = app, .json = json_begin(app->arena), .as_json = arg_option(app->command, args, "json") != NULL};
    json_open(&d.json, NULL, '{');
    json_open(&d.json, "checks", '[');
    if (!app_open(app, APP_CONF)) {
        say_error(&d, "config");
    } else {
        say(&d, GOOD, "config", "doctor.good", "", "");
        check_files(&d);
        check_certificate(&d);
        if (check_data(&d))
            check_store(&d);
    }
    json_close(&d.json, ']');
    json_put_bool(&d.json, "good", !d.bad);
    json_close(&d.json, '}');
    if (d.as_json)
        printf(STR_FMT "\n", STR_ARG(buf_str(&d.json.buf)));
    return d.bad ? 1 : 0;
}
