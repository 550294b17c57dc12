#include "desk/socket.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/json.h"
#include "desk/live.h"
#include "identity/access.h"
#include "schema/id.h"
#include "schema/perm.h"

// One lock for each of the three registries; none is held while SQL runs, and none while another is taken.
static struct {
    pthread_mutex_t lock;
    struct map greet;  // socket → when it must have said hello
    usec looked;
} fresh = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct {
    pthread_mutex_t lock;
    struct map by_contact; // → struct person
} people = {.lock = PTHREAD_MUTEX_INITIALIZER};
struct typing {
    struct typist who;
    usec until;
};
static struct {
    pthread_mutex_t lock;
    struct map by_conn; // → struct typing
} typists = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct {
    pthread_mutex_t lock;
    struct map by_conn; // → struct staff
    struct hub *hub;
} team = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *regrow(void *old, size_t bytes)
{
    void *at = realloc(old, bytes); // house: malloc — sockets outlive every request
    ASSERT(at, "out of memory");
    return at;
}

// Sockets without a hello.
void socket_opened(struct ctx *c, uint64_t conn)
{
    usec until = clock_now(c->clock) + HELLO_WITHIN;
    pthread_mutex_lock(&fresh.lock);
    map_put(&fresh.greet, conn, (void *)(uintptr_t)until);
    pthread_mutex_unlock(&fresh.lock);
}
void socket_greeted(uint64_t conn)
{
    pthread_mutex_lock(&fresh.lock);
    map_take(&fresh.greet, conn);
    if (!fresh.greet.count)
        map_free(&fresh.greet);
    pthread_mutex_unlock(&fresh.lock);
}
static void end_silent(struct ctx *c, usec now)
{
    enum { MOST = 256 };
    uint64_t late[MOST], conn;
    size_t count = 0, at = 0;
    void *value;
    pthread_mutex_lock(&fresh.lock);
    if (now - fresh.looked >= SECOND || now < fresh.looked) {
        fresh.looked = now;
        while (count < MOST && map_next(&fresh.greet, &at, &conn, &value))
            if ((usec)(uintptr_t)value <= now)
                late[count++] = conn;
        for (size_t i = 0; i < count; i++)
            map_take(&fresh.greet, late[i]);
    }
    pthread_mutex_unlock(&fresh.lock);
    for (size_t i = 0; i < count; i++)
        hub_close(c->hub, late[i], WS_REFUSED, "no hello");
}

// Visitors.
struct person *person_join(int64_t contact, uint64_t conn)
{
    pthread_mutex_lock(&people.lock);
    struct person *p = map_get(&people.by_contact, (uint64_t)contact);
    if (!p) {
        p = desk_keep(sizeof *p);
        p->contact = contact;
        map_put(&people.by_contact, (uint64_t)contact, p);
    }
    if (p->count == p->room) {
        p->room = p->room ? p->room * 2 : 1;
        p->conns = regrow(p->conns, p->room * sizeof *p->conns);
    }
    p->conns[p->count++] = conn;
    pthread_mutex_unlock(&people.lock);
    return p;
}

void person_leave(struct person *p, uint64_t conn)
{
    pthread_mutex_lock(&people.lock);
    for (uint32_t i = 0; i < p->count; i++)
        if (p->conns[i] == conn) {
            p->conns[i] = p->conns[--p->count];
            break;
        }
    if (!p->count) {
        map_take(&people.by_contact, (uint64_t)p->contact);
        free(p->conns);
        free(p);
        if (!people.by_contact.count)
            map_free(&people.by_contact);
    }
    pthread_mutex_unlock(&people.lock);
}

bool person_follows(struct ctx *c, struct person *p, int64_t conversation)
{
    pthread_mutex_lock(&people.lock);
    int64_t was = atomic_load(&p->conversation);
    bool other = was != conversation;
    for (uint32_t i = 0; i < p->count; i++) {
        if (was && other)
            hub_unsubscribe(c->hub, p->conns[i], desk_topic_visitor(was));
        if (conversation)
            hub_subscribe(c->hub, p->conns[i], desk_topic_visitor(conversation));
    }
    atomic_store(&p->conversation, conversation);
    pthread_mutex_unlock(&people.lock);
    return other;
}

void person_close(struct ctx *c, int64_t contact)
{
    pthread_mutex_lock(&people.lock);
    struct person *p = map_get(&people.by_contact, (uint64_t)contact);
    for (uint32_t i = 0; p && i < p->count; i++)
        hub_close(c->hub, p->conns[i], WS_RESTART, "identified");
    pthread_mutex_unlock(&people.lock);
}

// Typing.
static void typing_publish(struct ctx *c, const struct typist *t, bool on, struct str text)
{
    char conv[ID_TEXT], id[ID_TEXT];
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_raw(&o, "t", STR("\"typing\""));
    json_put_str(&o, "conv", id_text("cv", t->conversation, conv));
    json_open(&o, "by", '{');
    json_put_z(&o, "kind", t->staff ? "agent" : "visitor");
    json_put_str(&o, "id", id_text(t->staff ? "us" : "ct", t->id, id)); // a visitor's name is the conversation's contact's, masked or not
    if (t->staff)
        json_put_str(&o, "name", t->name);
    json_close(&o, '}');
    json_put_bool(&o, "on", on);
    if (on && text.len)
        json_put_str(&o, "text", text);
    json_close(&o, '}');
    desk_publish_staff(c, t->conversation, buf_str(&o.buf), t->conn);
    if (!t->staff)
        return;
    o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_raw(&o, "t", STR("\"typing\""));
    json_open(&o, "by", '{');
    json_put_z(&o, "kind", "agent");
    json_put_str(&o, "name", t->name);
    json_close(&o, '}');
    json_put_bool(&o, "on", on);
    json_close(&o, '}');
    desk_publish_visitor(c, t->conversation, buf_str(&o.buf), 0);
}

static void typing_forget(struct typing *t)
{
    map_take(&typists.by_conn, t->who.conn);
    free((char *)(uintptr_t)t->who.name.at);
    free(t);
    if (!typists.by_conn.count)
        map_free(&typists.by_conn);
}

// Published under the lock, so that a sign and its end never change places.
void typing_say(struct ctx *c, const struct typist *who, bool on, struct str text)
{
    pthread_mutex_lock(&typists.lock);
    struct typing *t = map_get(&typists.by_conn, who->conn);
    if (t && (!on || t->who.conversation != who->conversation)) {
        typing_publish(c, &t->who, false, STR(""));
        typing_forget(t);
        t = NULL;
    }
    if (on) {
        if (!t) {
            t = desk_keep(sizeof *t);
            t->who = *who;
            char *name = desk_keep(who->name.len + 1);
            if (who->name.len)
                memcpy(name, who->name.at, who->name.len);
            t->who.name.at = name;
            map_put(&typists.by_conn, who->conn, t);
        }
        t->until = clock_now(c->clock) + TYPING_LASTS;
        typing_publish(c, &t->who, true, text);
    }
    pthread_mutex_unlock(&typists.lock);
}

static void end_typing(struct ctx *c, usec now)
{
    size_t at = 0, count = 0;
    uint64_t conn;
    void *value;
    struct typing *over[256];
    pthread_mutex_lock(&typists.lock);
    while (count < 256 && map_next(&typists.by_conn, &at, &conn, &value))
        if (((struct typing *)value)->until <= now)
            over[count++] = value;
    for (size_t i = 0; i < count; i++) {
        typing_publish(c, &over[i]->who, false, STR(""));
        typing_forget(over[i]);
    }
    pthread_mutex_unlock(&typists.lock);
}

void socket_tick(struct ctx *c)
{
    if (!c->hub)
        return;
    usec now = clock_now(c->clock);
    hub_hold(c->hub);
    end_silent(c, now);
    end_typing(c, now);
    hub_flush(c->hub);
}

// Staff.
static void ended(void *arg, int64_t user, int64_t session)
{
    size_t at = 0;
    uint64_t conn;
    void *value;
    pthread_mutex_lock(&team.lock);
    while (map_next(&team.by_conn, &at, &conn, &value)) {
        const struct staff *s = value;
        if (s->user == user && (!session || s->session == session))
            hub_close(team.hub, conn, WS_SIGNED_OUT, "signed out");
    }
    pthread_mutex_unlock(&team.lock);
}

void staff_add(struct ctx *c, struct staff *s)
{
    pthread_mutex_lock(&team.lock);
    bool first = team.hub != c->hub;
    team.hub = c->hub;
    map_put(&team.by_conn, s->conn, s);
    pthread_mutex_unlock(&team.lock);
    if (first)
        access_on_end(c, ended, NULL);
}

static bool follows_locked(const struct staff *s, int64_t conversation)
{
    for (uint32_t i = 0; i < s->follow_count; i++)
        if (s->follows[i].conversation == conversation)
            return true;
    return false;
}
bool staff_follows(const struct staff *s, int64_t conversation)
{
    pthread_mutex_lock(&team.lock);
    bool does = follows_locked(s, conversation);
    pthread_mutex_unlock(&team.lock);
    return does;
}

bool staff_follow(struct ctx *c, struct staff *s, int64_t conversation)
{
    uint64_t topic = desk_topic_follow(&s->actor, conversation);
    pthread_mutex_lock(&team.lock);
    bool full = s->follow_count == STAFF_MOST_FOLLOWS, already = follows_locked(s, conversation);
    if (!already && !full) {
        if (s->follow_count == s->follow_room) {
            s->follow_room = s->follow_room ? s->follow_room * 2 : 2;
            s->follows = regrow(s->follows, s->follow_room * sizeof *s->follows);
        }
        s->follows[s->follow_count].conversation = conversation;
        s->follows[s->follow_count++].topic = topic;
        hub_subscribe(c->hub, s->conn, topic);
    }
    pthread_mutex_unlock(&team.lock);
    return already || !full || fail(c, ERR_LIMIT, "desk.too_many_followed", NULL);
}

static void unfollow_locked(struct ctx *c, struct staff *s, uint32_t i)
{
    hub_unsubscribe(c->hub, s->conn, s->follows[i].topic);
    s->follows[i] = s->follows[--s->follow_count];
}
void staff_unfollow(struct ctx *c, struct staff *s, int64_t conversation)
{
    pthread_mutex_lock(&team.lock);
    for (uint32_t i = 0; i < s->follow_count; i++)
        if (s->follows[i].conversation == conversation)
            unfollow_locked(c, s, i--);
    pthread_mutex_unlock(&team.lock);
}

void staff_tell_viewers(struct ctx *c, int64_t conversation, uint64_t only)
{
    enum { MOST = 50 };
    int64_t users[MOST];
    size_t count = 0, at = 0;
    uint64_t conn;
    void *value;
    char id[ID_TEXT];
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_z(&o, "t", "viewers");
    json_put_str(&o, "conv", id_text("cv", conversation, id));
    json_open(&o, "users", '[');
    pthread_mutex_lock(&team.lock);
    while (count < MOST && map_next(&team.by_conn, &at, &conn, &value)) {
        const struct staff *s = value;
        bool twice = s->viewing != conversation;
        for (size_t i = 0; i < count && !twice; i++)
            twice = users[i] == s->user;
        if (twice)
            continue;
        users[count++] = s->user;
        json_open(&o, NULL, '{');
        json_put_str(&o, "id", id_text("us", s->user, id));
        json_put_str(&o, "name", s->actor.name);
        json_close(&o, '}');
    }
    json_close(&o, ']');
    json_close(&o, '}');
    if (!only)
        desk_publish_staff(c, conversation, buf_str(&o.buf), 0);
    else if (count)
        hub_send(c->hub, only, buf_str(&o.buf));
    pthread_mutex_unlock(&team.lock);
}

void staff_views(struct ctx *c, struct staff *s, int64_t conversation)
{
    int64_t was = s->viewing;
    if (was == conversation)
        return;
    pthread_mutex_lock(&team.lock);
    s->viewing = conversation;
    pthread_mutex_unlock(&team.lock);
    if (was)
        staff_tell_viewers(c, was, 0);
    if (conversation)
        staff_tell_viewers(c, conversation, 0);
}

void staff_remove(struct ctx *c, struct staff *s)
{
    staff_views(c, s, 0);
    pthread_mutex_lock(&team.lock);
    map_take(&team.by_conn, s->conn);
    if (!team.by_conn.count)
        map_free(&team.by_conn);
    pthread_mutex_unlock(&team.lock);
    free(s->follows);
    s->follows = NULL;
    s->follow_count = s->follow_room = 0;
}

void staff_may(struct ctx *c, struct staff *s, const uint64_t perms[2])
{
    if (s->greeted && !memcmp(s->actor.perms, perms, sizeof s->actor.perms))
        return;
    uint64_t topics[5] = {0};
    pthread_mutex_lock(&team.lock);
    memcpy(s->actor.perms, perms, sizeof s->actor.perms);
    desk_topics(&s->actor, topics);
    if (memcmp(topics, s->topics, sizeof topics) != 0) {
        for (int i = 0; s->topics[i]; i++)
            hub_unsubscribe(c->hub, s->conn, s->topics[i]);
        for (int i = 0; topics[i]; i++)
            hub_subscribe(c->hub, s->conn, topics[i]);
        memcpy(s->topics, topics, sizeof topics);
    }
    for (uint32_t i = 0; i < s->follow_count; i++) { // the page follows again what it still may see
        hub_unsubscribe(c->hub, s->conn, s->follows[i].topic);
        s->follows[i].topic = desk_topic_follow(&s->actor, s->follows[i].conversation);
        if (actor_may(&s->actor, PERM_CONVERSATION_READ_ALL))
            hub_subscribe(c->hub, s->conn, s->follows[i].topic);
        else
            unfollow_locked(c, s, i--);
    }
    pthread_mutex_unlock(&team.lock);
}

void socket_moved(struct ctx *c, int64_t conversation, int state, int64_t assignee)
{
    size_t at = 0;
    uint64_t conn;
    void *value;
    pthread_mutex_lock(&team.lock);
    while (map_next(&team.by_conn, &at, &conn, &value)) {
        struct staff *s = value;
        for (uint32_t i = 0; i < s->follow_count; i++)
            if (s->follows[i].conversation == conversation && !conversation_visible(&s->actor, state, assignee))
                unfollow_locked(c, s, i--);
    }
    pthread_mutex_unlock(&team.lock);
}
