#include "store/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/conf.h"

static struct sql *all;
static unsigned count;

void sql_register(struct sql *q)
{
    q->id = count++;
    q->next = all;
    all = q;
}
struct sql *sql_first(void)
{
    return all;
}
unsigned sql_count(void)
{
    return count;
}

// Words in braces and parameter marks are replaced outside of literals and comments only.
char *sql_translate(struct ctx *c, const struct engine *e, struct str text)
{
    struct buf b = {.arena = c->arena};
    for (size_t i = 0; i < text.len;) {
        char at = text.at[i];
        size_t end = i + 1;
        if (at == '\'' || at == '"') {
            while (end < text.len && text.at[end] != at)
                end++;
            end += end < text.len;
        } else if (at == '-' && end < text.len && text.at[end] == '-') {
            while (end < text.len && text.at[end] != '\n')
                end++;
        } else if (at == '?') {
            buf_putc(&b, e->mark);
            i++;
            continue;
        } else if (at == '{') {
            size_t word = 0;
            while (e->words[word][0] && !str_starts(str_sub(text, i, text.len - i), str_of(e->words[word][0])))
                word++;
            if (e->words[word][0]) {
                buf_puts(&b, e->words[word][1]);
                i += strlen(e->words[word][0]);
                continue;
            }
        }
        buf_add(&b, text.at + i, end - i);
        i = end;
    }
    buf_putc(&b, 0);
    return b.at;
}

enum { MOST_ARGS = 64 };

static size_t take(struct param p[MOST_ARGS], const char *types, va_list args)
{
    size_t n = 0;
    for (; types[n]; n++) {
        ASSERT(n < MOST_ARGS, "too many parameters in one statement");
        p[n] = (struct param){.type = types[n]};
        switch (types[n]) {
        case 'I':
        case 'i':
            p[n].i = va_arg(args, int64_t);
            p[n].null = types[n] == 'I' && p[n].i == 0;
            p[n].type = 'i';
            break;
        case 't':
            p[n].i = va_arg(args, int) != 0;
            p[n].type = 'i';
            break;
        case 'S':
        case 's':
        case 'b':
            p[n].s = va_arg(args, struct str);
            p[n].null = types[n] == 'S' && p[n].s.len == 0;
            p[n].type = types[n] == 'b' ? 'b' : 's';
            break;
        case 'z': {
            const char *z = va_arg(args, const char *);
            p[n].s = str_of(z);
            p[n].null = !z;
            p[n].type = 's';
            break;
        }
        case 'n': p[n].null = true; break;
        default: ASSERT(false, "a parameter type that is not one");
        }
    }
    return n;
}

static bool run(struct ctx *c, struct rows *r, struct sql *q, const char *types, va_list args, enum run_mode mode)
{
    struct param p[MOST_ARGS];
    size_t n = take(p, types, args);
    *r = (struct rows){.c = c, .db = c->db};
    ASSERT(c->db, "a ctx without a connection reads");
    if (c->db->engine->run(c, r, q, q->text, p, n, mode))
        return true;
    r->failed = true;
    return false;
}

bool db_query(struct ctx *c, struct rows *r, struct sql *q, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    bool ok = run(c, r, q, types, args, RUN_ROWS);
    va_end(args);
    return ok;
}

bool db_run_built(struct ctx *c, struct rows *r, struct str text, const struct param *p, size_t n, enum run_mode mode)
{
    *r = (struct rows){.c = c, .db = c->db};
    ASSERT(n <= MOST_PARAMS, "too many parameters in one built statement");
    if (c->db->engine->run(c, r, NULL, str_z(c->arena, text), p, n, mode))
        return true;
    r->failed = true;
    return false;
}

bool db_query_built(struct ctx *c, struct rows *r, struct str text, const struct db_value *values, size_t n)
{
    struct param *p = ARENA_ARRAY(c->arena, struct param, n ? n : 1);
    for (size_t i = 0; i < n; i++)
        p[i] = (struct param){.type = values[i].type == 's' ? 's' : 'i', .i = values[i].i, .s = values[i].s};
    return db_run_built(c, r, text, p, n, RUN_ROWS);
}

bool rows_next(struct rows *r)
{
    return r->open && !r->failed && r->db->engine->next(r);
}
bool rows_done(struct rows *r)
{
    if (r->open)
        r->db->engine->done(r);
    r->open = false;
    return !r->failed;
}
int64_t rows_int(struct rows *r, int column)
{
    return r->db->engine->column_int(r, column);
}
struct str rows_str(struct rows *r, int column)
{
    return r->db->engine->column_str(r, column, false);
}
struct str rows_bytes(struct rows *r, int column)
{
    return r->db->engine->column_str(r, column, true);
}
bool rows_null(struct rows *r, int column)
{
    return r->db->engine->column_type(r, column) == 'n';
}

bool db_exec(struct ctx *c, struct sql *q, const char *types, ...)
{
    struct rows r;
    va_list args;
    va_start(args, types);
    run(c, &r, q, types, args, RUN_EXEC);
    va_end(args);
    return rows_done(&r);
}
int64_t db_changed(struct ctx *c)
{
    return c->db->changed;
}
bool db_int(struct ctx *c, int64_t *value, bool *found, struct sql *q, const char *types, ...)
{
    struct rows r;
    va_list args;
    va_start(args, types);
    run(c, &r, q, types, args, RUN_SHORT);
    va_end(args);
    bool one = rows_next(&r);
    *value = one ? rows_int(&r, 0) : 0;
    if (found)
        *found = one;
    while (one && rows_next(&r)) // a statement that writes runs to its end
        ;
    return rows_done(&r);
}

bool db_snapshot_begin(struct ctx *c)
{
    return c->db->engine->begin(c, BEGIN_READ);
}
void db_snapshot_end(struct ctx *c)
{
    c->db->engine->end(c, true);
}

bool store_write(struct ctx *c, bool (*fn)(struct ctx *c, void *arg), void *arg)
{
    ASSERT(!c->db || !c->db->writer, "store_write inside store_write");
    atomic_fetch_add(&c->store->waiting, 1);
    bool ok = c->store->engine->write(c, fn, arg);
    atomic_fetch_sub(&c->store->waiting, 1);
    atomic_fetch_add(ok ? &c->store->writes : &c->store->write_errors, 1);
    return ok;
}

struct store *store_open(struct ctx *c, bool migrate)
{
    const struct conf *conf = c->conf;
    const struct engine *e = &sqlite_engine;
    struct str url = str_of(conf->store_url);
    if (url.len) {
        if (!str_starts(url, STR("postgresql://")) && !str_starts(url, STR("postgres://"))) {
            fail(c, ERR_INVALID, "store.url", NULL);
            return NULL;
        }
        e = &postgres_engine;
    }
    if (mkdir(conf->data_dir, 0700) && errno != EEXIST) {
        fail(c, ERR_UNAVAILABLE, "store.folder", conf->data_dir, NULL);
        fail_detail(c, "%s: %s", conf->data_dir, strerror(errno));
        return NULL;
    }
    struct store *s = calloc(1, sizeof *s);
    ASSERT(s, "out of memory");
    s->engine = e;
    s->data_dir = strdup(conf->data_dir);
    s->url = strdup(conf->store_url);
    s->blobs_in_table = strcmp(conf->blob_place, "database") == 0;
    s->connections = (int)conf->store_readers;
    pthread_mutex_init(&s->runners_lock, NULL);
    ASSERT(s->data_dir && s->url, "out of memory");

    struct db *mine = c->db;
    struct store *former = c->store;
    c->db = e->connect(s, true);
    c->store = s;
    bool ok = migrate_run(c, migrate);
    if (ok && migrate && (ok = e->begin(c, BEGIN_WRITE))) {
        ok = blob_sweep(c);
        ok = e->end(c, ok) && ok;
    }
    e->disconnect(c->db);
    c->db = mine;
    c->store = former;
    if (ok && e->open(c, s))
        return s;
    free(s->data_dir);
    free(s->url);
    pthread_mutex_destroy(&s->runners_lock);
    free(s);
    return NULL;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    s->engine->close(s);
    free(s->data_dir);
    free(s->url);
    pthread_mutex_destroy(&s->runners_lock);
    free(s);
}

enum store_engine store_engine(const struct store *s)
{
    return s->engine->which;
}
struct db *store_reader(struct store *s, struct ctx *c)
{
    return s->engine->connect(s, false);
}
void store_reader_close(struct db *db)
{
    if (db)
        db->engine->disconnect(db);
}

SQL(store_one, "SELECT 1");
bool store_ping(struct ctx *c)
{
    int64_t one;
    return db_int(c, &one, NULL, &store_one, "") && one == 1;
}

struct store_stats store_stats(const struct store *s)
{
    struct store *live = (struct store *)(uintptr_t)s; // atomic loads want a pointer to what may change
    return (struct store_stats){atomic_load(&live->commits), atomic_load(&live->writes), atomic_load(&live->write_errors),
                                atomic_load(&live->waiting)};
}
