// The widget's socket. A lane hands over all events that wait: hellos that need a contact share one transaction, and so do messages. What
// depends on an earlier frame of its connection is done after that frame's transaction.
#include "desk/widget_ws.h"

#include <stdlib.h>

#include "base/conf.h"
#include "base/json.h"
#include "base/vec.h"
#include "crm/contact.h"
#include "desk/frame.h"
#include "desk/inbox.h"
#include "desk/live.h"
#include "desk/socket.h"
#include "desk/visitor.h"
#include "identity/crypt.h"
#include "schema/id.h"

enum { FIRST_PAGE = 50, MOST_PREVIEW = 500, MOST_URL = 1000, MOST_TITLE = 200, MOST_IDENTIFY_TRIES = 3 };
_Static_assert((int)FRAME_MOST_ATTACHMENTS == (int)MESSAGE_MOST_ATTACHMENTS, "a frame holds what a draft holds");

SQL(visitor_last_seq, "SELECT last_seq FROM conversation WHERE id = ?1");
SQL(visitor_last_resolved, "SELECT id FROM conversation WHERE contact = ?1 AND inbox = ?2 AND state = 4 ORDER BY id DESC LIMIT 1");

// One socket. Lives in the map of its lane.
struct widget {
    uint64_t conn;
    int64_t inbox, contact;
    struct person *person; // NULL before hello
    usec typed_at;
    enum lang lang;
    bool closing, typing, greeting; // greeting: its hello waits in this batch
    char address[48];
    char *name; // of a contact who has one; NULL: none
    char *page; // where the visitor is: URL and title, each ended by NUL; NULL: not told
};
static _Thread_local struct map widgets;

struct arrival { // a hello in this batch
    struct widget *w;
    struct frame frame;
    int64_t known;  // the token's contact, 0: none
    bool account;   // a signed identity that holds
    struct contact_account says;
    int language;
    bool done, failed;
    int64_t contact, merged; // outcome
    bool taken;
    struct error error;
};
struct sending {
    struct widget *w;
    struct str cid;
};
struct batch {
    struct {
        VEC(struct arrival);
    } arrivals;
    struct draft *drafts; // made when the first is wanted
    struct sending *sendings;
    size_t draft_count;
};

static void say(struct ctx *c, const struct widget *w, struct str frame)
{
    hub_send(c->hub, w->conn, frame);
}
static void refuse(struct ctx *c, const struct widget *w, struct str cid)
{
    c->lang = w->lang;
    say(c, w, frame_error(c, cid));
}
static void end(struct ctx *c, struct widget *w, int code, const char *why)
{
    w->closing = true;
    hub_close(c->hub, w->conn, code, why);
}

// The visitor as the actor of what follows.
static void act_as(struct ctx *c, const struct widget *w)
{
    c->lang = w->lang;
    c->actor = (struct actor){.kind = w->contact ? ACTOR_VISITOR : ACTOR_NOBODY, .id = w->contact, .name = str_of(w->name),
                              .address = str_of(w->address)};
}

static char *keep_text(struct str a, struct str b) // both ended by NUL
{
    char *at = desk_keep(a.len + b.len + 2);
    if (a.len)
        memcpy(at, a.at, a.len);
    if (b.len)
        memcpy(at + a.len + 1, b.at, b.len);
    return at;
}

static void put_messages(struct ctx *c, struct json_out *o, const struct conv_message *m, size_t count)
{
    json_open(o, "messages", '[');
    for (size_t i = 0; i < count; i++)
        message_write(c, VIEW_VISITOR, &m[i], o, NULL);
    json_close(o, ']');
}

static void tell_place(struct ctx *c, const struct widget *w, int64_t conversation)
{
    struct queue_place place;
    if (queue_place(c, conversation, &place) && place.position)
        say(c, w, queue_frame(c, &place));
    error_clear(c->err);
}

// The sockets of this visitor turn to a conversation that has just begun, or that another socket has begun: they get it from its start.
static void turn_to(struct ctx *c, struct person *p, int64_t conversation)
{
    struct conversation v;
    struct conv_message *m;
    size_t count;
    bool more;
    if (!person_follows(c, p, conversation))
        return;
    struct error mine = *c->err;
    error_clear(c->err);
    if (conversation_load(c, VIEW_VISITOR, conversation, &v) && message_list(c, conversation, -1, 0, MESSAGE_MOST_PAGE, &m, &count, &more)) {
        struct json_out o = json_begin(c->arena);
        json_open(&o, NULL, '{');
        json_put_z(&o, "t", "conv");
        conversation_write(c, VIEW_VISITOR, &v, &o, "conversation");
        json_close(&o, '}');
        desk_publish_visitor(c, conversation, buf_str(&o.buf), 0);
        for (size_t i = 0; i < count; i++)
            desk_publish_visitor(c, conversation, message_frame(c, VIEW_VISITOR, &m[i]), 0);
    }
    *c->err = mine;
}

// Hello.
static void put_welcome(struct ctx *c, struct arrival *a, const struct contact_brief *contact, const struct conversation *v,
                        const struct conv_message *m, size_t count, bool more)
{
    struct widget *w = a->w;
    struct inbox inbox;
    char id[ID_TEXT];
    if (!inbox_cached(c, w->inbox, &inbox)) {
        refuse(c, w, STR(""));
        return;
    }
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_z(&o, "t", "welcome");
    json_put_str(&o, "token", visitor_token(c, w->contact, w->inbox));
    json_open(&o, "contact", '{');
    json_put_str(&o, "id", id_text("ct", w->contact, id));
    json_put_str(&o, "name", contact->name);
    json_put_bool(&o, "verified", contact->verified);
    json_close(&o, '}');
    json_open(&o, "inbox", '{');
    json_put_str(&o, "name", inbox.name);
    json_put_str(&o, "color", inbox.color);
    json_open(&o, "greeting", '{');
    json_put_str(&o, "zh_CN", inbox.greeting ? inbox.greeting->zh_CN : STR(""));
    json_put_str(&o, "en_US", inbox.greeting ? inbox.greeting->en_US : STR(""));
    json_close(&o, '}');
    json_put_bool(&o, "online", presence_online(c) > 0);
    json_close(&o, '}');
    if (v)
        conversation_write(c, VIEW_VISITOR, v, &o, "conversation");
    else
        json_put_null(&o, "conversation");
    put_messages(c, &o, m, count);
    json_put_bool(&o, "more", more);
    json_put_time(&o, "at", clock_now(c->clock));
    json_close(&o, '}');
    say(c, w, buf_str(&o.buf));
}

static void keep_page(struct widget *w, const struct frame *f)
{
    struct str url = str_clip(f->page.url, MOST_URL), title = str_clip(f->page.title, MOST_TITLE);
    if (url.len)
        w->page = keep_text(url, title);
}

static bool welcome(struct ctx *c, struct arrival *a)
{
    struct widget *w = a->w;
    const struct frame *f = &a->frame;
    struct contact_brief contact = {0};
    struct conversation v;
    struct conv_message *m = NULL;
    size_t count = 0;
    bool more = false;
    int64_t conversation, resumed = 0;
    int state;
    w->contact = a->contact;
    act_as(c, w);
    if (!contact_find(c, w->contact, &contact))
        return c->err->code || fail(c, ERR_NOT_FOUND, "not_found", NULL);
    c->actor.name = contact.name;
    if (!conversation_of_visitor(c, w->inbox, w->contact, &conversation, &state))
        return false;
    if ((a->taken || a->merged) && conversation && state != CONV_RESOLVED && !conversation_identified(c, conversation, w->contact))
        return false;
    if (a->merged)
        person_close(c, a->merged);
    w->person = person_join(w->contact, w->conn);
    person_follows(c, w->person, conversation);
    if (conversation) {
        bool resumes = FRAME_HAS(f, IN_CONV) && FRAME_HAS(f, IN_SEQ) && id_parse("cv", f->conv, &resumed) && resumed == conversation;
        int64_t after = !resumes ? 0 : f->seq ? f->seq : -1;
        if (!conversation_load(c, VIEW_VISITOR, conversation, &v) ||
            !message_list(c, conversation, after, 0, resumes ? MESSAGE_MOST_PAGE : FIRST_PAGE, &m, &count, &more)) {
            person_leave(w->person, w->conn);
            w->person = NULL;
            return false;
        }
    }
    keep_page(w, f);
    if (contact.name.len)
        w->name = keep_text(contact.name, STR(""));
    socket_greeted(w->conn);
    put_welcome(c, a, &contact, conversation ? &v : NULL, m, count, more);
    if (conversation && state == CONV_QUEUED)
        tell_place(c, w, conversation);
    return true;
}

static bool arrive_in(struct ctx *c, struct arrival *a)
{
    a->contact = a->known;
    a->merged = 0;
    a->taken = false;
    if (a->account)
        return contact_identify_in(c, a->w->inbox, &a->says, &a->contact, &a->merged, &a->taken);
    return a->contact ? contact_seen_in(c, a->contact, clock_now(c->clock)) : contact_visitor_in(c, a->language, &a->contact);
}
struct arriving {
    struct arrival *at;
    size_t count;
};
static bool arrive_all(struct ctx *c, void *arg)
{
    const struct arriving *all = arg;
    for (size_t i = 0; i < all->count; i++)
        if (!arrive_in(c, &all->at[i]))
            return false;
    return true;
}

// All hellos of the batch in one transaction; when that fails, each alone, so that one cannot spoil the others.
static void flush_arrivals(struct ctx *c, struct batch *b)
{
    struct arriving all = {b->arrivals.at, b->arrivals.count};
    if (!all.count)
        return;
    error_clear(c->err);
    bool stored = store_write(c, arrive_all, &all);
    for (size_t i = 0; i < all.count; i++) {
        struct arrival *a = &all.at[i];
        struct arriving one = {a, 1};
        bool fine = stored;
        for (int tries = MOST_IDENTIFY_TRIES; !fine && tries; tries--) { // the same account may be arriving elsewhere just now
            error_clear(c->err);
            fine = store_write(c, arrive_all, &one);
            if (!fine && c->err->code != ERR_CONFLICT)
                break;
        }
        if (!fine && !a->account && a->known) { // only that they were seen is not stored
            a->contact = a->known;
            fine = true;
        }
        a->w->greeting = false;
        if (fine)
            error_clear(c->err);
        if (!a->w->closing && (!fine || !welcome(c, a)))
            refuse(c, a->w, STR(""));
    }
    b->arrivals.count = 0;
}

static bool hello_accepts(struct ctx *c, struct widget *w, struct arrival *a)
{
    struct frame *f = &a->frame;
    int64_t inbox;
    struct contact_brief contact;
    struct str secret;
    if (f->token.len && visitor_from_token(c, f->token, &a->known, &inbox)) {
        if (inbox != w->inbox)
            a->known = 0;
        else if (!contact_find(c, a->known, &contact)) {
            if (c->err->code)
                return false;
            a->known = 0;
        } else
            a->known = contact.id;
    }
    if (FRAME_HAS(f, IN_IDENTITY)) {
        a->says = (struct contact_account){f->identity.id, f->identity.name, f->identity.email, f->identity.phone, a->language};
        if (!inbox_secret(c, w->inbox, &secret))
            return false;
        if (!f->identity.hash.len || !hmac_hex_check(secret, f->identity.id, f->identity.hash))
            return fail(c, ERR_FORBIDDEN, "desk.identity_forged", NULL);
        if (!contact_account_check(c, &a->says))
            return false;
        a->account = true;
    }
    return a->known || visitor_may_start(c, str_of(w->address));
}

static void hello(struct ctx *c, struct batch *b, struct widget *w, const struct frame *f)
{
    struct arrival a = {.w = w, .frame = *f};
    if (w->person || w->greeting) {
        fail(c, ERR_CONFLICT, "frame.greeted", NULL);
        refuse(c, w, STR(""));
        return;
    }
    w->lang = f->locale.len ? lang_from_header(f->locale, w->lang) : w->lang;
    a.language = w->lang == LANG_EN ? CONTACT_EN : CONTACT_ZH;
    if (hello_accepts(c, w, &a)) {
        w->greeting = true;
        VEC_PUSH(c->arena, &b->arrivals, a);
        return;
    }
    bool forged = c->err->code == ERR_FORBIDDEN;
    refuse(c, w, STR(""));
    if (forged)
        end(c, w, WS_REFUSED, "identity");
}

// Messages.
static void flush_drafts(struct ctx *c, struct batch *b)
{
    if (!b->draft_count)
        return;
    size_t count = b->draft_count;
    b->draft_count = 0;
    c->actor = (struct actor){.kind = ACTOR_NOBODY};
    error_clear(c->err);
    desk_post(c, b->drafts, count);
    for (size_t i = 0; i < count; i++) {
        const struct draft *d = &b->drafts[i];
        struct widget *w = b->sendings[i].w;
        if (w->closing)
            continue;
        if (d->stored) {
            if (atomic_load_explicit(&w->person->conversation, memory_order_relaxed) != d->conversation)
                turn_to(c, w->person, d->conversation);
            say(c, w, frame_ack(c, b->sendings[i].cid, d->conversation, d->seq, d->at));
            free(w->page); // the conversation has it now
            w->page = NULL;
            continue;
        }
        error_clear(c->err);
        fail(c, d->code ? d->code : ERR_INTERNAL, d->key ? d->key : "internal", NULL);
        c->err->retry_after = d->retry_after;
        refuse(c, w, b->sendings[i].cid);
    }
    error_clear(c->err);
}

static bool ids_of(struct ctx *c, const char *field, const char *prefix, const struct str *texts, size_t count, int64_t *ids)
{
    for (size_t i = 0; i < count; i++)
        if (!id_parse(prefix, texts[i], &ids[i]))
            return fail_field(c, str_of(field), "schema.id", NULL);
    return true;
}

static void page_of(const struct widget *w, struct str *url, struct str *title)
{
    *url = str_of(w->page);
    *title = w->page ? str_of(w->page + url->len + 1) : STR("");
}

static void send(struct ctx *c, struct batch *b, struct widget *w, const struct frame *f)
{
    if (b->draft_count == DRAFTS_MOST)
        flush_drafts(c, b);
    if (!b->drafts) {
        b->drafts = ARENA_ARRAY(c->arena, struct draft, DRAFTS_MOST);
        b->sendings = ARENA_ARRAY(c->arena, struct sending, DRAFTS_MOST);
    }
    struct draft *d = &b->drafts[b->draft_count];
    *d = (struct draft){.conversation = atomic_load_explicit(&w->person->conversation, memory_order_relaxed),
                        .contact = w->contact,
                        .inbox = w->inbox,
                        .author = AUTHOR_VISITOR,
                        .author_id = w->contact,
                        .author_name = str_of(w->name),
                        .kind = MESSAGE_TEXT,
                        .cid = f->cid,
                        .text = f->text,
                        .attachment_count = f->attachment_count,
                        .lang = w->lang,
                        .tag = w->conn};
    page_of(w, &d->page_url, &d->page_title);
    if (!ids_of(c, "attachments", "at", f->attachments, f->attachment_count, d->attachments) ||
        (f->option.len && !ids_of(c, "option", "kf", &f->option, 1, &d->option)) || !visitor_may_send(c, w->contact)) {
        refuse(c, w, f->cid);
        return;
    }
    b->sendings[b->draft_count++] = (struct sending){w, f->cid};
}

// The rest.
static void typing(struct ctx *c, struct widget *w, const struct frame *f)
{
    usec now = clock_now(c->clock);
    int64_t conversation = atomic_load_explicit(&w->person->conversation, memory_order_relaxed);
    if (!conversation || (f->on ? now - w->typed_at < c->conf->typing_every * MILLISECOND : !w->typing))
        return;
    w->typing = f->on;
    if (f->on)
        w->typed_at = now;
    struct typist t = {.conn = w->conn, .conversation = conversation, .id = w->contact, .name = STR("")};
    typing_say(c, &t, f->on, str_clip(f->text, MOST_PREVIEW));
}

static void read_up_to(struct ctx *c, struct widget *w, const struct frame *f)
{
    int64_t last, conversation = atomic_load(&w->person->conversation);
    bool found;
    if (conversation && f->seq && db_int(c, &last, &found, &visitor_last_seq, "i", conversation) && found)
        desk_read_visitor(c, conversation, f->seq < last ? f->seq : last);
}

static bool handoff(struct ctx *c, struct widget *w, const struct frame *f)
{
    int64_t conversation;
    int state;
    struct act_ack ack;
    if (!visitor_may_send(c, w->contact) || !conversation_of_visitor(c, w->inbox, w->contact, &conversation, &state))
        return false;
    if (!conversation || state == CONV_RESOLVED) {
        struct conversation_start start = {.inbox = w->inbox, .contact = w->contact, .lang = w->lang};
        page_of(w, &start.page_url, &start.page_title);
        if (!conversation_start(c, &start, &conversation))
            return false;
    }
    turn_to(c, w->person, conversation);
    if (!conversation_handoff(c, conversation, w->contact, HANDOFF_ASKED, f->cid, &ack))
        return false;
    say(c, w, frame_ack(c, f->cid, ack.conversation, ack.seq, ack.at));
    tell_place(c, w, conversation);
    return true;
}

static bool rate(struct ctx *c, struct widget *w, const struct frame *f)
{
    int64_t conversation;
    bool found;
    struct act_ack ack;
    struct rating rating = {.score = f->score, .comment = f->comment};
    if (!visitor_may_send(c, w->contact) || !db_int(c, &conversation, &found, &visitor_last_resolved, "ii", w->contact, w->inbox))
        return false;
    if (!found)
        return fail(c, ERR_CONFLICT, "conversation.not_resolved", NULL);
    if (!conversation_rate(c, conversation, w->contact, &rating, f->cid, &ack))
        return false;
    say(c, w, frame_ack(c, f->cid, ack.conversation, ack.seq, ack.at));
    return true;
}

static bool history(struct ctx *c, struct widget *w, const struct frame *f)
{
    int64_t conversation = atomic_load(&w->person->conversation);
    struct conv_message *m = NULL;
    size_t count = 0;
    bool more = false;
    char id[ID_TEXT];
    int64_t after = FRAME_HAS(f, IN_AFTER) ? f->after ? f->after : -1 : 0;
    if (after && FRAME_HAS(f, IN_BEFORE))
        return fail_field(c, STR("before"), "frame.before_or_after", NULL);
    if (conversation && !message_list(c, conversation, after, f->before, f->limit ? (int)f->limit : FIRST_PAGE, &m, &count, &more))
        return false;
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_z(&o, "t", "history");
    if (conversation)
        json_put_str(&o, "conv", id_text("cv", conversation, id));
    put_messages(c, &o, m, count);
    json_put_bool(&o, "more", more);
    json_close(&o, '}');
    say(c, w, buf_str(&o.buf));
    return true;
}

static void frame(struct ctx *c, struct batch *b, struct widget *w, struct str text)
{
    struct frame f;
    error_clear(c->err);
    act_as(c, w);
    enum frame_result result = frame_read(c, FRAME_OF_WIDGET, text, &f);
    if (result == FRAME_BROKEN) {
        end(c, w, WS_NOT_JSON, "not JSON");
        return;
    }
    if (result == FRAME_REFUSED) {
        refuse(c, w, f.cid);
        return;
    }
    if (f.type == FRAME_PING) {
        say(c, w, frame_pong(c));
        return;
    }
    if (f.type == FRAME_HELLO) {
        hello(c, b, w, &f);
        return;
    }
    if (w->greeting)
        flush_arrivals(c, b);
    if (!w->person) {
        fail(c, ERR_CONFLICT, "frame.hello_first", NULL);
        refuse(c, w, f.cid);
        return;
    }
    act_as(c, w);
    bool fine = true;
    switch (f.type) {
    case FRAME_SEND: send(c, b, w, &f); return;
    case FRAME_TYPING: typing(c, w, &f); return;
    case FRAME_READ: read_up_to(c, w, &f); return;
    default: break;
    }
    flush_drafts(c, b); // they may be this visitor's
    act_as(c, w);
    switch (f.type) {
    case FRAME_HANDOFF: fine = handoff(c, w, &f); break;
    case FRAME_RATE: fine = rate(c, w, &f); break;
    case FRAME_HISTORY: fine = history(c, w, &f); break;
    default: break;
    }
    if (!fine)
        refuse(c, w, f.cid);
}

static struct str query_value(struct str query, struct str name)
{
    struct str part;
    while (query.len && str_split(&query, '&', &part))
        if (str_starts(part, name) && part.len > name.len && part.at[name.len] == '=')
            return str_sub(part, name.len + 1, part.len);
    return STR("");
}

static void opened(struct ctx *c, const struct ws_event *e)
{
    struct inbox inbox;
    struct widget *w = desk_keep(sizeof *w);
    w->conn = e->conn;
    w->lang = lang_from_header(e->hello->language, LANG_ZH);
    size_t n = e->hello->peer.len < sizeof w->address - 1 ? e->hello->peer.len : sizeof w->address - 1;
    if (n)
        memcpy(w->address, e->hello->peer.at, n);
    map_put(&widgets, e->conn, w);
    error_clear(c->err);
    if (!inbox_by_key(c, query_value(e->hello->query, STR("inbox")), &inbox) ||
        !inbox_allows(&inbox, e->hello->origin, e->hello->host)) {
        bool unavailable = c->err->code == ERR_UNAVAILABLE || c->err->code == ERR_INTERNAL;
        end(c, w, unavailable ? WS_RESTART : WS_REFUSED, "refused");
        return;
    }
    w->inbox = inbox.id;
    socket_opened(c, w->conn);
}

static void closed(struct ctx *c, struct batch *b, uint64_t conn)
{
    struct widget *w = map_get(&widgets, conn);
    if (!w)
        return;
    w->closing = true;
    if (w->greeting)
        flush_arrivals(c, b);
    flush_drafts(c, b); // what it sent counts all the same
    map_take(&widgets, conn);
    if (!widgets.count)
        map_free(&widgets);
    if (w->typing) {
        struct typist t = {.conn = conn, .conversation = atomic_load(&w->person->conversation), .id = w->contact, .name = STR("")};
        typing_say(c, &t, false, STR(""));
    }
    socket_greeted(conn);
    if (w->person)
        person_leave(w->person, conn);
    free(w->name);
    free(w->page);
    free(w);
}

static void events(struct ctx *c, const struct ws_event *events, size_t count)
{
    struct batch b = {0};
    hub_hold(c->hub);
    for (size_t i = 0; i < count; i++) {
        const struct ws_event *e = &events[i];
        struct widget *w;
        switch (e->what) {
        case WS_OPEN: opened(c, e); break;
        case WS_TEXT:
            w = map_get(&widgets, e->conn);
            if (w && !w->closing)
                frame(c, &b, w, e->text);
            break;
        case WS_CLOSED: closed(c, &b, e->conn); break;
        }
    }
    flush_arrivals(c, &b);
    flush_drafts(c, &b);
    hub_flush(c->hub);
}

const struct ws_endpoint widget_endpoint = {.path = "/ws/widget", .max_message = 65536, .events = events};
