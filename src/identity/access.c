// house: malloc — one object a process, with the callers that were verified lately.
#include "identity/access.h"

#include <stdlib.h>

#include "base/conf.h"
#include "identity/keys.h"
#include "identity/session.h"
#include "identity/token.h"

#define KEPT (5 * SECOND) // another process may end a session; this one hears of it after so long at the latest
enum { SLOTS = 1024, NAME_ROOM = 480, ID_ROOM = 80, LISTENERS = 4, DEVICE_CHARS = 200 };

struct seen {
    char id[ID_ROOM]; // kind with a token's hash or a session's number
    size_t id_len, name_len;
    uint64_t generation;
    usec until;
    struct actor actor; // without its texts
    char name[NAME_ROOM];
};
struct listener {
    void (*ended)(void *arg, int64_t user, int64_t session);
    void *arg;
};
struct access {
    pthread_mutex_t lock;
    uint64_t generation; // grows with every change; what an earlier one verified is not believed
    struct seen slots[SLOTS];
    struct listener listeners[LISTENERS];
    size_t listener_count;
    bool (*visitor)(struct ctx *c, struct str token);
};

struct access *access_new(void)
{
    struct access *a = calloc(1, sizeof *a);
    ASSERT(a, "out of memory");
    pthread_mutex_init(&a->lock, NULL);
    a->generation = 1;
    return a;
}

void access_free(struct access *a)
{
    if (a)
        pthread_mutex_destroy(&a->lock);
    free(a);
}

void access_changed(struct ctx *c)
{
    struct access *a = c->keys->access;
    pthread_mutex_lock(&a->lock);
    a->generation++;
    pthread_mutex_unlock(&a->lock);
}

void access_on_end(struct ctx *c, void (*ended)(void *arg, int64_t user, int64_t session), void *arg)
{
    struct access *a = c->keys->access;
    pthread_mutex_lock(&a->lock);
    ASSERT(a->listener_count < LISTENERS, "more listeners than there is room for");
    a->listeners[a->listener_count++] = (struct listener){ended, arg};
    pthread_mutex_unlock(&a->lock);
}

void access_ended(struct ctx *c, int64_t user, int64_t session)
{
    struct access *a = c->keys->access;
    struct listener copy[LISTENERS];
    pthread_mutex_lock(&a->lock);
    size_t count = a->listener_count;
    memcpy(copy, a->listeners, sizeof copy);
    pthread_mutex_unlock(&a->lock);
    for (size_t i = 0; i < count; i++)
        copy[i].ended(copy[i].arg, user, session);
}

void access_visitors(struct ctx *c, bool (*authorise)(struct ctx *c, struct str token))
{
    struct access *a = c->keys->access;
    pthread_mutex_lock(&a->lock);
    a->visitor = authorise;
    pthread_mutex_unlock(&a->lock);
}

struct str access_csrf(struct ctx *c, struct str session_token)
{
    return sign_text(c, "csrf", session_token);
}

static struct seen *slot_of(struct access *a, struct str id)
{
    return &a->slots[str_hash(id) % SLOTS];
}

// True when it was verified lately. generation: what to store the next finding under.
static bool seen_lately(struct ctx *c, struct str id, struct actor *actor, uint64_t *generation)
{
    struct access *a = c->keys->access;
    usec now = clock_now(c->clock);
    pthread_mutex_lock(&a->lock);
    *generation = a->generation;
    const struct seen *s = slot_of(a, id);
    bool hit = s->generation == a->generation && now < s->until && s->until <= now + KEPT && s->id_len == id.len &&
               memcmp(s->id, id.at, id.len) == 0;
    if (hit) {
        actor->kind = s->actor.kind;
        actor->id = s->actor.id;
        actor->session = s->actor.session;
        memcpy(actor->perms, s->actor.perms, sizeof actor->perms);
        actor->name = str_dup(c->arena, (struct str){s->name, s->name_len});
    }
    pthread_mutex_unlock(&a->lock);
    return hit;
}

static void remember(struct ctx *c, struct str id, const struct actor *actor, usec expires, uint64_t generation)
{
    struct access *a = c->keys->access;
    usec until = clock_now(c->clock) + KEPT;
    if (id.len > ID_ROOM || actor->name.len > NAME_ROOM)
        return;
    pthread_mutex_lock(&a->lock);
    struct seen *s = slot_of(a, id);
    memcpy(s->id, id.at, id.len);
    s->id_len = id.len;
    s->actor = *actor;
    s->actor.name = s->actor.address = s->actor.device = (struct str){0};
    if (actor->name.len)
        memcpy(s->name, actor->name.at, actor->name.len);
    s->name_len = actor->name.len;
    s->until = expires < until ? expires : until;
    s->generation = generation;
    pthread_mutex_unlock(&a->lock);
}

// Who has this session or token, found by hash, or by number when hash is empty.
static bool verify(struct ctx *c, enum actor_kind kind, struct str hash, int64_t number, struct actor *actor, bool *there)
{
    uint64_t generation;
    struct str id = str_printf(c->arena, "%d:%lld:" STR_FMT, (int)kind, (long long)number, STR_ARG(hash));
    *there = true;
    if (seen_lately(c, id, actor, &generation))
        return true;
    struct session_use use = {0};
    bool fine;
    if (kind == ACTOR_TOKEN)
        fine = hash.len ? token_find(c, hash, actor, &use.seen, &use.expires, there)
                        : token_find_id(c, number, actor, &use.seen, &use.expires, there);
    else
        fine = hash.len ? session_find(c, hash, actor, &use, there) : session_find_id(c, number, actor, &use, there);
    if (!fine || !*there)
        return fine;
    if (kind == ACTOR_TOKEN)
        token_touch(c, actor->session, &use.seen);
    else
        session_touch(c, actor, &use);
    remember(c, id, actor, use.expires, generation);
    return true;
}

static bool unauthenticated(struct ctx *c, const char *key)
{
    return fail(c, ERR_UNAUTHENTICATED, key, NULL);
}

bool access_by_token(struct ctx *c, struct str token)
{
    bool there;
    if (!str_starts(token, STR("yd_")) || token.len > 100)
        return unauthenticated(c, "identity.bad_token");
    if (!verify(c, ACTOR_TOKEN, token_hash(c, token), 0, &c->actor, &there))
        return false;
    return there || unauthenticated(c, "identity.bad_token");
}

bool access_by_cookie(struct ctx *c, struct str cookie)
{
    bool there;
    if (!cookie.len)
        return unauthenticated(c, "identity.sign_in");
    if (cookie.len > 100)
        return unauthenticated(c, "identity.session_over");
    if (!verify(c, ACTOR_USER, token_hash(c, cookie), 0, &c->actor, &there))
        return false;
    return there || unauthenticated(c, "identity.session_over");
}

// "Bearer X" → X; empty when it is of another kind.
struct str access_of_scheme(struct str header, struct str scheme)
{
    if (header.len <= scheme.len || !str_eq_nocase(str_sub(header, 0, scheme.len), scheme) || header.at[scheme.len] != ' ')
        return STR("");
    return str_trim(str_sub(header, scheme.len, header.len));
}

static struct str without_port(struct str host, const char *port)
{
    struct str suffix = str_of(port);
    return str_ends(host, suffix) ? str_sub(host, 0, host.len - suffix.len) : host;
}

// An Origin that is ours: of the host that was asked for, or of public_url. Behind a proxy that does TLS and is not trusted, https counts too.
bool access_own_origin(struct ctx *c, struct str origin, struct str host, bool tls)
{
    bool secure = str_starts(origin, STR("https://"));
    if (!secure && !str_starts(origin, STR("http://")))
        return false;
    struct str authority = str_sub(origin, secure ? 8 : 7, origin.len), url = str_of(c->conf->public_url);
    if (str_starts(url, origin) && (url.len == origin.len || url.at[origin.len] == '/'))
        return true;
    const char *port = secure ? ":443" : ":80";
    return host.len && (secure || !tls) && str_eq_nocase(without_port(authority, port), without_port(host, port));
}

static struct str clean_device(struct ctx *c, struct str agent)
{
    struct buf b = {.arena = c->arena};
    agent = str_clip(agent, DEVICE_CHARS);
    for (size_t i = 0; i < agent.len && str_is_utf8(agent); i++)
        buf_putc(&b, (unsigned char)agent.at[i] < 0x20 || agent.at[i] == 0x7f ? ' ' : agent.at[i]);
    return buf_str(&b);
}

void access_nobody(struct ctx *c, struct str address, struct str agent)
{
    c->actor = (struct actor){.kind = ACTOR_NOBODY, .name = STR(""), .address = address, .device = clean_device(c, agent)};
}

bool access_by_visitor(struct ctx *c, struct str token)
{
    struct access *a = c->keys->access;
    pthread_mutex_lock(&a->lock);
    bool (*authorise)(struct ctx *, struct str) = a->visitor;
    pthread_mutex_unlock(&a->lock);
    if (!token.len || !authorise)
        return unauthenticated(c, "identity.sign_in");
    return authorise(c, token);
}

static struct str cookie_in(struct str header, const char *name)
{
    struct str pair, key;
    while (header.len && str_split(&header, ';', &pair)) {
        struct str value = str_trim(pair);
        if (str_split(&value, '=', &key) && str_is(key, name))
            return value;
    }
    return STR("");
}

bool access_hello(struct ctx *c, const struct ws_hello *hello)
{
    access_nobody(c, hello->peer, hello->agent);
    if (hello->authorization.len)
        return access_by_token(c, access_of_scheme(hello->authorization, STR("Bearer")));
    if (!access_own_origin(c, hello->origin, hello->host, hello->tls))
        return fail(c, ERR_FORBIDDEN, "identity.foreign_origin", NULL);
    return access_by_cookie(c, cookie_in(hello->cookie, SESSION_COOKIE));
}

bool access_still(struct ctx *c, struct actor *actor)
{
    bool there = false;
    if (actor->kind != ACTOR_USER && actor->kind != ACTOR_TOKEN)
        return unauthenticated(c, "identity.sign_in");
    if (!verify(c, actor->kind, STR(""), actor->session, actor, &there))
        return false;
    return there || unauthenticated(c, "identity.session_over");
}
