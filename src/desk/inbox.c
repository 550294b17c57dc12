#include "desk/inbox.h"

#include <stdlib.h>

#include "base/rand.h"
#include "desk/live.h"
#include "identity/crypt.h"
#include "identity/reseal.h"
#include "schema/text.h"

enum { MOST_INBOXES = 1000, MOST_ORIGINS = 50, KEY_BYTES = 12, SECRET_BYTES = 32 };
#define CACHED_FOR (3 * SECOND)

#define INBOX_COLUMNS "id, name, key, color, greeting_zh, greeting_en, origin_lines, bot, enabled, version, created_at, updated_at"
SQL_SCAN(inboxes_all, "few rows, read whole into the cache", "SELECT " INBOX_COLUMNS " FROM inbox ORDER BY id LIMIT 1000");
SQL(inbox_by_id, "SELECT " INBOX_COLUMNS " FROM inbox WHERE id = ?1");
SQL(inbox_insert, "INSERT INTO inbox (name, key, color, greeting_zh, greeting_en, origin_lines, bot, enabled, secret, version, created_at, "
                  "updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10, ?10) RETURNING id");
SQL(inbox_update, "UPDATE inbox SET name = ?2, color = ?3, greeting_zh = ?4, greeting_en = ?5, origin_lines = ?6, bot = ?7, enabled = ?8, "
                  "version = version + 1, updated_at = ?9 WHERE id = ?1 AND version = ?10");
SQL(inbox_secret_of, "SELECT secret FROM inbox WHERE id = ?1");
SQL(inbox_secret_set, "UPDATE inbox SET secret = ?2, updated_at = ?3 WHERE id = ?1");
SQL(inbox_sealed, "SELECT id, secret FROM inbox WHERE id > ?1 AND secret IS NOT NULL ORDER BY id LIMIT ?2");
SQL(inbox_reseal, "UPDATE inbox SET secret = ?1 WHERE id = ?2 AND secret = ?3");
RESEAL(inbox_secret_reseal, "inbox.secret", &inbox_sealed, &inbox_reseal);

static const struct field greeting_fields[] = {
    FIELD(_, greeting, zh_CN, F_TEXT, .max = 500, .flags = FIELD_MULTILINE),
    FIELD(_, greeting, en_US, F_TEXT, .max = 500, .flags = FIELD_MULTILINE),
};
SCHEMA(greeting_schema, "Greeting", struct greeting, greeting_fields, "What the widget says first, in both languages.");
enum { I_NAME = 1, I_COLOR = 3, I_GREETING, I_ORIGINS, I_BOT, I_ENABLED };
static const struct field inbox_fields[] = {
    FIELD(_, inbox, id, F_ID, .prefix = "ib", .flags = FIELD_READ_ONLY),
    FIELD(_, inbox, name, F_TEXT, .max = 80, .flags = FIELD_REQUIRED),
    FIELD(_, inbox, key, F_TEXT, .flags = FIELD_READ_ONLY, .doc = "What the widget's script names."),
    FIELD(_, inbox, color, F_COLOR),
    FIELD(_, inbox, greeting, F_OBJECT, .sub = &greeting_schema),
    FIELD(_, inbox, origins, F_TEXTS, .max = MOST_ORIGINS, .doc = "Pages that may embed the widget; empty: our own only."),
    FIELD(_, inbox, bot, F_BOOL, .doc = "The bot answers first."),
    FIELD(_, inbox, enabled, F_BOOL),
    FIELD(_, inbox, version, F_INT, .flags = FIELD_READ_ONLY),
    FIELD(_, inbox, created_at, F_TIME, .flags = FIELD_READ_ONLY),
    FIELD(_, inbox, updated_at, F_TIME, .flags = FIELD_READ_ONLY),
};
SCHEMA(inbox_schema, "Inbox", struct inbox, inbox_fields, "Where customers come in.");

static struct str lines_of(struct arena *a, const struct str_list *list)
{
    return str_join(a, list->at, list->count, STR("\n"));
}
static struct str_list list_of(struct arena *a, struct str lines)
{
    struct str_list list = {.at = ARENA_ARRAY(a, struct str, MOST_ORIGINS)};
    struct str line;
    while (lines.len && list.count < MOST_ORIGINS && str_split(&lines, '\n', &line))
        if (line.len)
            list.at[list.count++] = str_dup(a, line);
    return list;
}

static void fill(struct arena *a, struct rows *r, struct inbox *i)
{
    *i = (struct inbox){.id = rows_int(r, 0), .name = rows_str(r, 1), .key = rows_str(r, 2), .color = rows_str(r, 3),
                        .origins = list_of(a, rows_str(r, 6)), .bot = rows_int(r, 7) != 0, .enabled = rows_int(r, 8) != 0,
                        .version = rows_int(r, 9), .created_at = rows_int(r, 10), .updated_at = rows_int(r, 11)};
    i->greeting = ARENA_NEW(a, struct greeting);
    *i->greeting = (struct greeting){rows_str(r, 4), rows_str(r, 5)};
}

static struct inbox copy(struct arena *a, const struct inbox *from)
{
    struct inbox i = *from;
    i.name = str_dup(a, from->name);
    i.key = str_dup(a, from->key);
    i.color = str_dup(a, from->color);
    i.greeting = ARENA_NEW(a, struct greeting);
    *i.greeting = (struct greeting){str_dup(a, from->greeting->zh_CN), str_dup(a, from->greeting->en_US)};
    i.origins.at = ARENA_ARRAY(a, struct str, from->origins.count + 1);
    for (size_t n = 0; n < from->origins.count; n++)
        i.origins.at[n] = str_dup(a, from->origins.at[n]);
    return i;
}

// All inboxes as they were some seconds ago at most: read as a whole, swapped as a whole.
struct inbox_cache {
    pthread_mutex_t lock;
    struct arena *arena;
    struct inbox *at;
    size_t count;
    usec read_at;
    bool fresh;
    int64_t changes; // so that a read that began before a change does not pass for newer
};
struct inbox_cache *inbox_cache_new(void)
{
    struct inbox_cache *cache = desk_keep(sizeof *cache);
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}
void inbox_cache_free(struct inbox_cache *cache)
{
    if (!cache)
        return;
    arena_free(cache->arena);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}
static void forget(struct ctx *c)
{
    struct inbox_cache *cache = c->desk ? c->desk->inboxes : NULL;
    if (!cache)
        return;
    pthread_mutex_lock(&cache->lock);
    cache->fresh = false;
    cache->changes++;
    pthread_mutex_unlock(&cache->lock);
}

static bool refresh(struct ctx *c)
{
    struct inbox_cache *cache = c->desk->inboxes;
    usec now = clock_now(c->clock);
    pthread_mutex_lock(&cache->lock);
    bool fresh = cache->fresh && now - cache->read_at < CACHED_FOR && now >= cache->read_at;
    int64_t changes = cache->changes;
    pthread_mutex_unlock(&cache->lock);
    if (fresh)
        return true;
    struct {
        VEC(struct inbox);
    } list = {0};
    struct rows r;
    db_query(c, &r, &inboxes_all, "");
    while (rows_next(&r)) {
        struct inbox i;
        fill(c->arena, &r, &i);
        VEC_PUSH(c->arena, &list, i);
    }
    if (!rows_done(&r))
        return false;
    struct arena *arena = arena_new(), *old;
    struct inbox *at = ARENA_ARRAY(arena, struct inbox, list.count + 1);
    for (size_t i = 0; i < list.count; i++)
        at[i] = copy(arena, &list.at[i]);
    pthread_mutex_lock(&cache->lock);
    old = cache->arena;
    cache->arena = arena;
    cache->at = at;
    cache->count = list.count;
    cache->read_at = now;
    cache->fresh = cache->changes == changes;
    pthread_mutex_unlock(&cache->lock);
    arena_free(old);
    return true;
}

bool inbox_by_key(struct ctx *c, struct str key, struct inbox *out)
{
    if (!refresh(c))
        return false;
    struct inbox_cache *cache = c->desk->inboxes;
    bool found = false;
    pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; !found && i < cache->count; i++)
        if (cache->at[i].enabled && str_eq(cache->at[i].key, key)) {
            *out = copy(c->arena, &cache->at[i]);
            found = true;
        }
    pthread_mutex_unlock(&cache->lock);
    return found || fail(c, ERR_NOT_FOUND, "desk.inbox_unknown", NULL);
}
bool inbox_cached(struct ctx *c, int64_t id, struct inbox *out)
{
    if (!refresh(c))
        return false;
    struct inbox_cache *cache = c->desk->inboxes;
    bool found = false;
    pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; !found && i < cache->count; i++)
        if (cache->at[i].id == id) {
            *out = copy(c->arena, &cache->at[i]);
            found = true;
        }
    pthread_mutex_unlock(&cache->lock);
    return found || inbox_get(c, id, out);
}

// "https://shop.example:8443" of what a browser says or a person types: scheme and host in lower case, no path, no port that goes without saying.
static bool origin_clean(struct arena *a, struct str raw, struct str *out)
{
    struct str rest = str_trim(raw);
    if (str_ends(rest, STR("/")))
        rest.len--;
    char *z = str_z(a, rest);
    for (char *at = z; *at; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at + 32);
    struct str text = str_of(z), scheme = str_starts(text, STR("https://")) ? STR("https://") : STR("http://");
    if (!str_starts(text, scheme))
        return false;
    struct str host = str_sub(text, scheme.len, text.len);
    struct str port = str_is(scheme, "https://") ? STR(":443") : STR(":80");
    if (str_ends(host, port))
        host.len -= port.len;
    if (!host.len || host.len > 260)
        return false;
    for (size_t i = 0; i < host.len; i++) {
        char ch = host.at[i];
        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '-' || ch == '.' || ch == ':' || ch == '[' || ch == ']'))
            return false;
    }
    *out = str_printf(a, STR_FMT STR_FMT, STR_ARG(scheme), STR_ARG(host));
    return true;
}

bool inbox_allows(const struct inbox *inbox, struct str origin, struct str own_host)
{
    if (!origin.len)
        return true; // no browser: nobody's page can have brought it here
    struct arena *a = arena_new();
    struct str clean, own;
    bool fine = origin_clean(a, origin, &clean);
    bool same = fine && own_host.len &&
                ((origin_clean(a, str_printf(a, "https://" STR_FMT, STR_ARG(own_host)), &own) && str_eq(own, clean)) ||
                 (origin_clean(a, str_printf(a, "http://" STR_FMT, STR_ARG(own_host)), &own) && str_eq(own, clean)));
    bool named = false;
    for (size_t i = 0; fine && !named && i < inbox->origins.count; i++)
        named = str_eq(inbox->origins.at[i], clean);
    arena_free(a);
    return same || named;
}

static bool origins_fine(struct ctx *c, struct inbox *i)
{
    bool fine = true;
    for (size_t n = 0; n < i->origins.count; n++)
        if (!origin_clean(c->arena, i->origins.at[n], &i->origins.at[n]))
            fine = fail_field(c, str_printf(c->arena, "origins/%zu", n), "inbox.origin", NULL);
    return fine;
}

struct making {
    struct inbox *inbox;
    struct str secret, lines;
    usec at;
};
static bool insert(struct ctx *c, void *arg)
{
    struct making *m = arg;
    struct inbox *i = m->inbox;
    return db_int(c, &i->id, NULL, &inbox_insert, "ssssssttbi", i->name, i->key, i->color, i->greeting->zh_CN, i->greeting->en_US, m->lines,
                  (int)i->bot, (int)i->enabled, m->secret, i->created_at);
}
bool inbox_create(struct ctx *c, struct inbox *inbox)
{
    if (!origins_fine(c, inbox))
        return false;
    if (!inbox->greeting)
        inbox->greeting = ARENA_NEW(c->arena, struct greeting);
    if (!inbox->color.len)
        inbox->color = STR("#1677ff");
    if (!inbox->key.len) // the demo names its own, since its shop page does
        inbox->key = rand_token(c->arena, KEY_BYTES);
    inbox->version = 1;
    inbox->created_at = inbox->updated_at = clock_now(c->clock);
    struct making m = {.inbox = inbox, .secret = field_seal(c, "inbox.secret", rand_token(c->arena, SECRET_BYTES)),
                       .lines = lines_of(c->arena, &inbox->origins)};
    if (!store_write(c, insert, &m))
        return false;
    forget(c);
    return true;
}

static bool update(struct ctx *c, void *arg)
{
    struct making *m = arg;
    struct inbox *i = m->inbox;
    if (!db_exec(c, &inbox_update, "isssssttii", i->id, i->name, i->color, i->greeting->zh_CN, i->greeting->en_US, m->lines, (int)i->bot,
                 (int)i->enabled, m->at, i->version))
        return false;
    return db_changed(c) || fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
}
bool inbox_change(struct ctx *c, struct inbox *inbox, uint64_t set, int64_t expected_version)
{
    struct inbox was = {0};
    if (!inbox_get(c, inbox->id, &was))
        return false;
    if (expected_version && expected_version != was.version)
        return fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
    if (set >> I_ORIGINS & 1 && !origins_fine(c, inbox))
        return false;
    if (set >> I_NAME & 1)
        was.name = inbox->name;
    if (set >> I_COLOR & 1 && inbox->color.len)
        was.color = inbox->color;
    if (set >> I_GREETING & 1)
        was.greeting = inbox->greeting ? inbox->greeting : ARENA_NEW(c->arena, struct greeting);
    if (set >> I_ORIGINS & 1)
        was.origins = inbox->origins;
    if (set >> I_BOT & 1)
        was.bot = inbox->bot;
    if (set >> I_ENABLED & 1)
        was.enabled = inbox->enabled;
    *inbox = was;
    struct making m = {.inbox = inbox, .lines = lines_of(c->arena, &inbox->origins), .at = clock_now(c->clock)};
    if (!store_write(c, update, &m))
        return false;
    inbox->version++;
    inbox->updated_at = m.at;
    forget(c);
    return true;
}

bool inbox_get(struct ctx *c, int64_t id, struct inbox *out)
{
    struct rows r;
    db_query(c, &r, &inbox_by_id, "i", id);
    bool found = rows_next(&r);
    if (found)
        fill(c->arena, &r, out);
    return rows_done(&r) && (found || fail(c, ERR_NOT_FOUND, "not_found", NULL));
}

bool inbox_list(struct ctx *c, const struct list_query *q, struct inbox **inboxes, size_t *count)
{
    struct {
        VEC(struct inbox);
    } list = {0};
    struct rows r;
    struct str text = str_printf(c->arena, "SELECT " INBOX_COLUMNS " FROM inbox WHERE 1 = 1" STR_FMT STR_FMT " LIMIT %d", STR_ARG(q->where),
                                 STR_ARG(q->order), q->limit + 1);
    db_query_built(c, &r, text, q->values, q->count);
    while (rows_next(&r)) {
        struct inbox i;
        fill(c->arena, &r, &i);
        VEC_PUSH(c->arena, &list, i);
    }
    *inboxes = list.at;
    *count = list.count;
    return rows_done(&r);
}

struct secreting {
    int64_t id;
    struct str sealed;
    usec at;
};
static bool set_secret(struct ctx *c, void *arg)
{
    const struct secreting *s = arg;
    if (!db_exec(c, &inbox_secret_set, "ibi", s->id, s->sealed, s->at))
        return false;
    return db_changed(c) || fail(c, ERR_NOT_FOUND, "not_found", NULL);
}
bool inbox_new_secret(struct ctx *c, int64_t id, struct str *secret)
{
    *secret = rand_token(c->arena, SECRET_BYTES);
    struct secreting s = {id, field_seal(c, "inbox.secret", *secret), clock_now(c->clock)};
    return store_write(c, set_secret, &s);
}
bool inbox_secret(struct ctx *c, int64_t id, struct str *secret)
{
    struct rows r;
    struct str sealed = STR("");
    db_query(c, &r, &inbox_secret_of, "i", id);
    bool found = rows_next(&r);
    if (found)
        sealed = rows_bytes(&r, 0);
    if (!rows_done(&r))
        return false;
    return found ? field_open(c, "inbox.secret", sealed, secret) : fail(c, ERR_NOT_FOUND, "not_found", NULL);
}
