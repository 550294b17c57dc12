// The console's socket. Rights are looked at for every frame, as they are then.
#include "desk/console_ws.h"

#include <stdlib.h>

#include "base/conf.h"
#include "base/json.h"
#include "desk/frame.h"
#include "desk/live.h"
#include "desk/socket.h"
#include "identity/access.h"
#include "schema/id.h"

enum { FIRST_PAGE = 50, MOST_RESUMED = 200 };

SQL(console_conversation, "SELECT last_seq, state, assignee FROM conversation WHERE id = ?1");

struct console { // one socket, in the map of its lane
    struct staff staff;
    int64_t typing_in;
    usec typed_at;
};
static _Thread_local struct map consoles;

struct sending {
    struct console *k;
    struct str cid;
};
struct batch {
    struct draft *drafts;
    struct sending *sendings;
    size_t draft_count;
};

static void say(struct ctx *c, const struct console *k, struct str frame)
{
    hub_send(c->hub, k->staff.conn, frame);
}
static void refuse(struct ctx *c, const struct console *k, struct str cid)
{
    c->lang = k->staff.lang;
    say(c, k, frame_error(c, cid));
}
static void end(struct ctx *c, struct console *k, int code, const char *why)
{
    k->staff.closing = true;
    hub_close(c->hub, k->staff.conn, code, why);
}

static bool conv_param(struct ctx *c, const struct frame *f, int64_t *id)
{
    return id_param(c, "cv", f->conv, id);
}
// What a frame needs to know of its conversation: one indexed read. ERR_NOT_FOUND when it may not be seen.
struct brief {
    int64_t last_seq, assignee;
    int state;
};
static bool look(struct ctx *c, int64_t id, struct brief *out)
{
    struct rows r;
    db_query(c, &r, &console_conversation, "i", id);
    bool found = rows_next(&r);
    if (found)
        *out = (struct brief){rows_int(&r, 0), rows_int(&r, 2), (int)rows_int(&r, 1)};
    if (!rows_done(&r))
        return false;
    return (found && conversation_visible(&c->actor, out->state, out->assignee)) || fail(c, ERR_NOT_FOUND, "not_found", NULL);
}

static bool tell_history(struct ctx *c, const struct console *k, int64_t id, int64_t after, int64_t before, int limit)
{
    struct conversation v;
    struct conv_message *m;
    size_t count;
    bool more;
    char text[ID_TEXT];
    if (!conversation_get(c, id, &v) || !message_list(c, id, after, before, limit, &m, &count, &more))
        return false;
    enum view view = view_of(&c->actor);
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_z(&o, "t", "history");
    json_put_str(&o, "conv", id_text("cv", id, text));
    json_open(&o, "messages", '[');
    for (size_t i = 0; i < count; i++)
        message_write(c, view, &m[i], &o, NULL);
    json_close(&o, ']');
    json_put_bool(&o, "more", more);
    conversation_write(c, view, &v, &o, "conversation");
    json_close(&o, '}');
    say(c, k, buf_str(&o.buf));
    return true;
}

// First the right to see it, then the topic, then what was said until now: nothing falls between.
static bool follow_one(struct ctx *c, struct console *k, int64_t id, bool resumes, int64_t seq)
{
    struct brief brief;
    if (!look(c, id, &brief) || !staff_follow(c, &k->staff, id))
        return false;
    if (!tell_history(c, k, id, !resumes ? 0 : seq ? seq : -1, 0, resumes ? MESSAGE_MOST_PAGE : FIRST_PAGE)) {
        staff_unfollow(c, &k->staff, id);
        return false;
    }
    staff_tell_viewers(c, id, k->staff.conn);
    return true;
}

static bool put_welcome(struct ctx *c, struct console *k, const struct frame *f)
{
    struct conversation *list = NULL;
    size_t count = 0;
    int64_t event = 0;
    bool reset = true;
    struct conversation_counts counts;
    char id[ID_TEXT];
    // Without an event nothing is known there: the page loads its lists.
    if (!conversation_since(c, FRAME_HAS(f, IN_EVENT) ? f->event : 0, FRAME_HAS(f, IN_EVENT) ? MOST_RESUMED : 0, &list, &count, &reset, &event) ||
        !conversation_count(c, k->staff.user, &counts))
        return false;
    if (!FRAME_HAS(f, IN_EVENT)) {
        reset = true;
        count = 0;
    }
    enum view view = view_of(&c->actor);
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_z(&o, "t", "welcome");
    json_put_int(&o, "event", event);
    json_open(&o, "me", '{');
    json_put_str(&o, "id", id_text("us", k->staff.user, id));
    json_put_str(&o, "name", c->actor.name);
    json_put_z(&o, "presence", presence_names[presence_of(c, k->staff.user)]);
    json_open(&o, "permissions", '[');
    for (int p = 0; p < PERM_COUNT; p++)
        if (actor_may(&c->actor, (enum perm)p))
            json_put_z(&o, NULL, perm_name((enum perm)p));
    json_close(&o, ']');
    json_close(&o, '}');
    json_open(&o, "conversations", '[');
    for (size_t i = 0; !reset && i < count; i++)
        conversation_write(c, view, &list[i], &o, NULL);
    json_close(&o, ']');
    json_put_bool(&o, "reset", reset);
    conversation_counts_write(&counts, &o, "counts");
    json_put_time(&o, "at", clock_now(c->clock));
    json_close(&o, '}');
    say(c, k, buf_str(&o.buf));
    return true;
}

static bool hello(struct ctx *c, struct console *k, const struct frame *f)
{
    struct staff *s = &k->staff;
    if (s->greeted)
        return fail(c, ERR_CONFLICT, "frame.greeted", NULL);
    if (f->locale.len)
        c->lang = s->lang = lang_from_header(f->locale, s->lang);
    staff_may(c, s, c->actor.perms); // its topics come first, so that nothing falls between the list and them
    s->greeted = true;
    presence_connected(c, s->user);
    desk_console(c, 1);
    socket_greeted(s->conn);
    if (!put_welcome(c, k, f))
        return false;
    for (size_t i = 0; i < f->follow_count; i++) {
        int64_t id;
        error_clear(c->err);
        if (!id_param(c, "cv", f->follow[i].conv, &id) || !follow_one(c, k, id, true, f->follow[i].seq))
            refuse(c, k, STR(""));
    }
    error_clear(c->err);
    return true;
}

static void flush_drafts(struct ctx *c, struct batch *b)
{
    if (!b->draft_count)
        return;
    size_t count = b->draft_count;
    b->draft_count = 0;
    struct actor mine = c->actor;
    c->actor = (struct actor){.kind = ACTOR_NOBODY};
    error_clear(c->err);
    desk_post(c, b->drafts, count);
    for (size_t i = 0; i < count; i++) {
        const struct draft *d = &b->drafts[i];
        const struct console *k = b->sendings[i].k;
        if (k->staff.closing)
            continue;
        if (d->stored) {
            say(c, k, frame_ack(c, b->sendings[i].cid, d->conversation, d->seq, d->at));
            continue;
        }
        error_clear(c->err);
        fail(c, d->code ? d->code : ERR_INTERNAL, d->key ? d->key : "internal", NULL);
        c->err->retry_after = d->retry_after;
        refuse(c, k, b->sendings[i].cid);
    }
    error_clear(c->err);
    c->actor = mine;
    c->lang = LANG_ZH;
}

static bool ids_of(struct ctx *c, const char *field, const char *prefix, const struct str *texts, size_t count, int64_t *ids)
{
    for (size_t i = 0; i < count; i++)
        if (!id_parse(prefix, texts[i], &ids[i]))
            return fail_field(c, str_of(field), "schema.id", NULL);
    return true;
}

static bool send(struct ctx *c, struct batch *b, struct console *k, const struct frame *f)
{
    bool note = str_is(f->kind, "note");
    int64_t id;
    struct brief brief;
    if (!note && !str_is(f->kind, "text"))
        return fail_field(c, STR("kind"), "schema.choice", "text, note", NULL);
    if ((!note && !need(c, PERM_CONVERSATION_REPLY)) || !conv_param(c, f, &id) || !look(c, id, &brief))
        return false;
    if (b->draft_count == DRAFTS_MOST) {
        enum lang lang = c->lang;
        flush_drafts(c, b);
        c->lang = lang;
    }
    if (!b->drafts) {
        b->drafts = ARENA_ARRAY(c->arena, struct draft, DRAFTS_MOST);
        b->sendings = ARENA_ARRAY(c->arena, struct sending, DRAFTS_MOST);
    }
    struct draft *d = &b->drafts[b->draft_count];
    *d = (struct draft){.conversation = id,
                        .author = AUTHOR_AGENT,
                        .author_id = k->staff.user,
                        .author_name = k->staff.actor.name,
                        .may_all = actor_may(&c->actor, PERM_CONVERSATION_ASSIGN),
                        .kind = note ? MESSAGE_NOTE : MESSAGE_TEXT,
                        .cid = f->cid,
                        .text = f->text,
                        .attachment_count = f->attachment_count,
                        .used_count = f->used_count,
                        .tag = k->staff.conn};
    if (!ids_of(c, "attachments", "at", f->attachments, f->attachment_count, d->attachments) ||
        !ids_of(c, "used", "kf", f->used, f->used_count, d->used))
        return false;
    b->sendings[b->draft_count++] = (struct sending){k, f->cid};
    return true;
}

static void stop_typing(struct ctx *c, struct console *k)
{
    if (!k->typing_in)
        return;
    struct typist t = {.conn = k->staff.conn, .conversation = k->typing_in, .staff = true, .id = k->staff.user, .name = k->staff.actor.name};
    typing_say(c, &t, false, STR(""));
    k->typing_in = 0;
}
static bool typing(struct ctx *c, struct console *k, const struct frame *f)
{
    int64_t id;
    usec now = clock_now(c->clock);
    if (!need(c, PERM_CONVERSATION_REPLY) || !conv_param(c, f, &id))
        return false;
    if (!staff_follows(&k->staff, id))
        return fail(c, ERR_NOT_FOUND, "desk.not_followed", NULL);
    if (!f->on) {
        if (k->typing_in == id)
            stop_typing(c, k);
        return true;
    }
    if (k->typing_in == id && now - k->typed_at < c->conf->typing_every * MILLISECOND)
        return true;
    k->typing_in = id;
    k->typed_at = now;
    struct typist t = {.conn = k->staff.conn, .conversation = id, .staff = true, .id = k->staff.user, .name = k->staff.actor.name};
    typing_say(c, &t, true, STR(""));
    return true;
}

// The customer is told of the reads of whoever deals with them, not of every colleague who looks in.
static bool read_up_to(struct ctx *c, struct console *k, const struct frame *f)
{
    int64_t id;
    struct brief brief = {0};
    if (!need(c, PERM_CONVERSATION_REPLY) || !conv_param(c, f, &id) || !look(c, id, &brief))
        return false;
    if (f->seq && (!brief.assignee || brief.assignee == k->staff.user))
        desk_read_agent(c, id, f->seq < brief.last_seq ? f->seq : brief.last_seq);
    return true;
}

static bool viewing(struct ctx *c, struct console *k, const struct frame *f)
{
    int64_t id = 0;
    struct brief brief;
    if (FRAME_HAS(f, IN_CONV) && (!conv_param(c, f, &id) || !look(c, id, &brief)))
        return false;
    staff_views(c, &k->staff, id);
    return true;
}

static bool presence(struct ctx *c, struct console *k, const struct frame *f)
{
    int state = 0;
    struct str frame;
    while (presence_names[state] && !str_is(f->state, presence_names[state]))
        state++;
    if (!presence_names[state])
        return fail_field(c, STR("state"), "schema.choice", "online, away, offline", NULL);
    if (!need(c, PERM_CONVERSATION_REPLY) || !presence_set(c, k->staff.user, (enum presence)state) ||
        !presence_frame(c, k->staff.user, &frame))
        return false;
    say(c, k, frame);
    return true;
}

static bool history(struct ctx *c, struct console *k, const struct frame *f)
{
    int64_t id, after = FRAME_HAS(f, IN_AFTER) ? f->after ? f->after : -1 : 0;
    if (after && FRAME_HAS(f, IN_BEFORE))
        return fail_field(c, STR("before"), "frame.before_or_after", NULL);
    return conv_param(c, f, &id) && tell_history(c, k, id, after, f->before, f->limit ? (int)f->limit : FIRST_PAGE);
}

static bool follow(struct ctx *c, struct console *k, const struct frame *f)
{
    int64_t id;
    return conv_param(c, f, &id) && follow_one(c, k, id, FRAME_HAS(f, IN_SEQ), f->seq);
}
static bool unfollow(struct ctx *c, struct console *k, const struct frame *f)
{
    int64_t id;
    if (!conv_param(c, f, &id))
        return false;
    staff_unfollow(c, &k->staff, id);
    return true;
}

// Whoever was signed out is gone; whoever has other rights by now acts with those.
static bool still(struct ctx *c, struct console *k)
{
    struct actor now = k->staff.actor;
    if (!access_still(c, &now)) {
        if (c->err->code == ERR_UNAVAILABLE || c->err->code == ERR_INTERNAL)
            end(c, k, WS_RESTART, "unavailable");
        else
            end(c, k, WS_SIGNED_OUT, "signed out");
        return false;
    }
    c->actor = now;
    if (!actor_may(&now, PERM_CONVERSATION_READ)) {
        end(c, k, WS_REFUSED, "forbidden");
        return false;
    }
    if (k->staff.greeted)
        staff_may(c, &k->staff, now.perms);
    return true;
}

static bool act(struct ctx *c, struct batch *b, struct console *k, const struct frame *f)
{
    switch (f->type) {
    case FRAME_SEND: return send(c, b, k, f);
    case FRAME_TYPING: return typing(c, k, f);
    case FRAME_READ: return read_up_to(c, k, f);
    default: break;
    }
    enum lang lang = c->lang;
    flush_drafts(c, b); // they may be this agent's
    c->lang = lang;
    switch (f->type) {
    case FRAME_HELLO: return hello(c, k, f);
    case FRAME_FOLLOW: return follow(c, k, f);
    case FRAME_UNFOLLOW: return unfollow(c, k, f);
    case FRAME_VIEWING: return viewing(c, k, f);
    case FRAME_PRESENCE: return presence(c, k, f);
    case FRAME_HISTORY: return history(c, k, f);
    default: return true;
    }
}

static void frame(struct ctx *c, struct batch *b, struct console *k, struct str text)
{
    struct frame f;
    error_clear(c->err);
    c->lang = k->staff.lang;
    enum frame_result result = frame_read(c, FRAME_OF_CONSOLE, text, &f);
    if (result == FRAME_BROKEN) {
        end(c, k, WS_NOT_JSON, "not JSON");
        return;
    }
    if (result == FRAME_REFUSED) {
        refuse(c, k, f.cid);
        return;
    }
    if (f.type == FRAME_PING) {
        say(c, k, frame_pong(c));
        return;
    }
    if (!still(c, k))
        return;
    if (!k->staff.greeted && f.type != FRAME_HELLO)
        fail(c, ERR_CONFLICT, "frame.hello_first", NULL);
    else if (act(c, b, k, &f))
        return;
    refuse(c, k, f.cid);
}

static struct str keep_text(struct str s)
{
    char *at = desk_keep(s.len + 1);
    if (s.len)
        memcpy(at, s.at, s.len);
    return (struct str){at, s.len};
}
static void drop_text(struct str s)
{
    free((char *)(uintptr_t)s.at);
}

static void opened(struct ctx *c, const struct ws_event *e)
{
    struct console *k = desk_keep(sizeof *k);
    k->staff.conn = e->conn;
    k->staff.lang = lang_from_header(e->hello->language, LANG_ZH);
    map_put(&consoles, e->conn, k);
    error_clear(c->err);
    if (!access_hello(c, e->hello)) {
        end(c, k, c->err->code == ERR_UNAUTHENTICATED ? WS_SIGNED_OUT : c->err->code == ERR_FORBIDDEN ? WS_REFUSED : WS_RESTART, "refused");
        return;
    }
    k->staff.user = c->actor.id;
    k->staff.session = c->actor.session;
    k->staff.actor = c->actor;
    k->staff.actor.name = keep_text(c->actor.name);
    k->staff.actor.address = keep_text(c->actor.address);
    k->staff.actor.device = keep_text(c->actor.device);
    staff_add(c, &k->staff);
    socket_opened(c, e->conn);
}

static void closed(struct ctx *c, struct batch *b, uint64_t conn)
{
    struct console *k = map_get(&consoles, conn);
    if (!k)
        return;
    k->staff.closing = true;
    flush_drafts(c, b); // what it sent counts all the same
    map_take(&consoles, conn);
    if (!consoles.count)
        map_free(&consoles);
    socket_greeted(conn);
    if (k->staff.user) {
        stop_typing(c, k);
        staff_remove(c, &k->staff);
    }
    if (k->staff.greeted) {
        presence_gone(c, k->staff.user);
        desk_console(c, -1);
    }
    drop_text(k->staff.actor.name);
    drop_text(k->staff.actor.address);
    drop_text(k->staff.actor.device);
    free(k);
}

static void events(struct ctx *c, const struct ws_event *events, size_t count)
{
    struct batch b = {0};
    hub_hold(c->hub);
    for (size_t i = 0; i < count; i++) {
        const struct ws_event *e = &events[i];
        struct console *k;
        switch (e->what) {
        case WS_OPEN: opened(c, e); break;
        case WS_TEXT:
            k = map_get(&consoles, e->conn);
            if (k && !k->staff.closing)
                frame(c, &b, k, e->text);
            break;
        case WS_CLOSED: closed(c, &b, e->conn); break;
        }
    }
    flush_drafts(c, &b);
    hub_flush(c->hub);
}

const struct ws_endpoint console_endpoint = {.path = "/ws/console", .max_message = 65536, .events = events};
