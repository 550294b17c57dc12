// Storing messages: a batch of drafts in one transaction, each with its own outcome. Per message one INSERT; per conversation of the batch one UPDATE,
// which takes the row (so that seq has no gap on an engine whose transactions run side by side) and moves seq and counts on at once.
#include <stdio.h>

#include "desk/live.h"
#include "knowledge/knowledge.h"
#include "schema/id.h"
#include "schema/text.h"

enum { TRIES = 4 };

SQL(post_take,
    "UPDATE conversation SET last_seq = last_seq + ?2, updated_at = ?3, unread = unread + ?4, waiting_since = COALESCE(waiting_since, ?5) "
    "WHERE id = ?1 AND state <> 4 RETURNING last_seq, state, assignee, inbox, contact, unread, waiting_since, agent_read, language");
SQL(post_settle, "UPDATE conversation SET last_seq = ?2, unread = ?3, waiting_since = ?4, agent_read = ?5 WHERE id = ?1");
SQL(post_state, "SELECT state FROM conversation WHERE id = ?1");

struct batch {
    struct draft *drafts;
    size_t count;
    struct draft **order; // of those that are well-formed, by conversation; within one as they came
    int64_t *asked;       // what the caller had named, since a closure may run twice
    size_t sent;
    struct change change;
};

static void refuse(struct draft *d, enum error_code code, const char *key)
{
    d->stored = false;
    d->code = code;
    d->key = key;
}
static bool visitor(const struct draft *d)
{
    return d->author == AUTHOR_VISITOR;
}

static bool cid_fine(struct str cid)
{
    if (cid.len > MESSAGE_MOST_CID)
        return false;
    for (size_t i = 0; i < cid.len; i++) {
        char ch = cid.at[i];
        if (!((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '-' || ch == '_'))
            return false;
    }
    return true;
}

// What can be said of a draft without the store.
static bool check(struct ctx *c, struct draft *d)
{
    d->stored = d->again = d->started = false;
    d->seq = d->event = d->at = 0;
    d->code = ERR_NONE;
    d->key = NULL;
    struct knowledge_hit hit;
    if (!cid_fine(d->cid) || (visitor(d) && !d->cid.len)) {
        refuse(d, ERR_INVALID, "message.cid");
    } else if (!text_clean(c->arena, d->text, true, true, &d->text)) {
        refuse(d, ERR_INVALID, "message.control");
    } else if (d->text.len > (size_t)MESSAGE_MOST_TEXT && str_chars(d->text) > MESSAGE_MOST_TEXT) {
        refuse(d, ERR_INVALID, "message.too_long");
    } else if (d->attachment_count > MESSAGE_MOST_ATTACHMENTS || d->used_count > MESSAGE_MOST_USED) {
        refuse(d, ERR_INVALID, "message.too_many");
    } else if (!d->text.len && d->option && c->knowledge) {
        if (knowledge_entry(c, 'f', d->option, &hit))
            d->text = hit.title;
        else
            refuse(d, ERR_INVALID, "message.option");
    }
    if (!d->key && !d->text.len && !d->attachment_count)
        refuse(d, ERR_INVALID, "message.empty");
    return !d->key;
}

static struct str used_json(struct ctx *c, const struct draft *d)
{
    if (!d->used_count)
        return STR("");
    struct json_out o = json_begin(c->arena);
    json_open(&o, "used", '[');
    for (size_t i = 0; i < d->used_count; i++) {
        char id[ID_TEXT];
        json_put_str(&o, NULL, id_text("kf", d->used[i], id));
    }
    json_close(&o, ']');
    return buf_str(&o.buf);
}

// Takes the draft's attachments for this conversation. *fine false: the draft is refused, and none of them was taken.
static bool take_attachments(struct ctx *c, struct draft *d, struct str *data, int *kind, bool *fine)
{
    struct json_out o = json_begin(c->arena);
    int64_t owner = visitor(d) ? d->contact : d->author_id;
    bool pictures = true;
    *fine = true;
    json_open(&o, "attachments", '[');
    for (size_t i = 0; *fine && i < d->attachment_count; i++) {
        struct attachment a;
        if (!attachment_unsent(c, d->attachments[i], d->author, owner, &a, fine))
            return false;
        for (size_t j = 0; j < i; j++)
            *fine &= d->attachments[j] != d->attachments[i];
        if (!*fine)
            break;
        pictures &= attachment_inline(a.type);
        schema_write(c, &attachment_schema, &a, &o, NULL);
    }
    json_close(&o, ']');
    if (!*fine) {
        refuse(d, ERR_INVALID, "message.attachment");
        return true;
    }
    for (size_t i = 0; i < d->attachment_count; i++)
        if (!attachment_send(c, d->attachments[i], d->conversation))
            return false;
    *data = buf_str(&o.buf);
    if (d->kind == MESSAGE_TEXT && !d->text.len)
        *kind = pictures ? MESSAGE_IMAGE : MESSAGE_FILE;
    return true;
}

// Stores one draft at `seq`; *used: it took that seq, and was neither refused nor there before.
static bool one_message(struct ctx *c, struct batch *b, struct draft *d, int64_t seq, usec at, bool *used)
{
    int64_t was, event, when;
    int kind = d->kind == MESSAGE_NOTE ? MESSAGE_NOTE : MESSAGE_TEXT;
    struct str data = STR(""), staff = used_json(c, d);
    *used = false;
    if (d->attachment_count && d->cid.len) { // sent again: its attachments are taken already, by itself
        if (!message_of_cid(c, d->conversation, d->cid, &was, &event, &when))
            return false;
        if (was)
            goto again;
    }
    if (d->attachment_count) {
        bool fine = true;
        if (!take_attachments(c, d, &data, &kind, &fine))
            return false;
        if (!fine)
            return true;
    }
    if (staff.len)
        staff = data.len ? str_printf(c->arena, STR_FMT "," STR_FMT, STR_ARG(data), STR_ARG(staff)) : staff;
    struct line line = {.kind = kind, .author = {d->author, visitor(d) ? d->contact : d->author_id, d->author_name}, .cid = d->cid,
                        .text = d->text, .data = data, .staff = staff, .choice = d->option, .at = at};
    if (message_insert(c, &b->change, d->conversation, seq, &line, &d->event)) {
        d->stored = *used = true;
        d->seq = seq;
        d->at = at;
        return true;
    }
    if (c->err->code != ERR_CONFLICT || !d->cid.len)
        return false;
    // The cid is there: the same message, sent again.
    if (!message_of_cid(c, d->conversation, d->cid, &was, &event, &when))
        return false;
    if (!was)
        return false;
    error_clear(c->err);
again:
    d->stored = d->again = true;
    d->seq = was;
    d->event = event;
    d->at = when;
    return true;
}

static bool started_message(struct ctx *c, struct batch *b, int64_t conversation, int64_t seq, usec at)
{
    struct line line = {.kind = MESSAGE_ACTIVITY, .author = {AUTHOR_SYSTEM, 0, STR("")}, .data = STR("\"activity\":{\"name\":\"started\"}"),
                        .at = at};
    return message_insert(c, &b->change, conversation, seq, &line, NULL);
}

struct taken { // what post_take found
    int64_t last_seq, state, assignee, inbox, contact, unread, waiting, agent_read, language;
    bool found;
};

// All drafts of one conversation. *missed: there is none that runs, so visitors' drafts need another.
static bool one_conversation(struct ctx *c, struct batch *b, struct draft **d, size_t n, bool started, bool *missed)
{
    usec at = clock_now(c->clock);
    int64_t id = d[0]->conversation, visitors = 0;
    for (size_t i = 0; i < n; i++)
        visitors += visitor(d[i]);
    struct taken t = {0};
    struct rows r;
    db_query(c, &r, &post_take, "iiiiI", id, (int64_t)n + started, at, visitors, visitors ? at : 0);
    if ((t.found = rows_next(&r))) {
        int64_t *const to[] = {&t.last_seq, &t.state, &t.assignee, &t.inbox, &t.contact, &t.unread, &t.waiting, &t.agent_read, &t.language};
        for (int i = 0; i < 9; i++)
            *to[i] = rows_int(&r, i);
    }
    while (t.found && rows_next(&r))
        ;
    if (!rows_done(&r))
        return false;
    *missed = !t.found;
    if (!t.found)
        return true;
    int64_t seq = t.last_seq - (int64_t)n - started, unread = t.unread - visitors, waiting = t.waiting == at ? 0 : t.waiting;
    int64_t agent_read = t.agent_read;
    bool exact = true, replied = false, asked = false;
    if (started && !started_message(c, b, id, ++seq, at))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool used = false;
        if (visitor(d[i]) && t.contact != d[i]->contact)
            refuse(d[i], ERR_NOT_FOUND, "not_found");
        else if (d[i]->author == AUTHOR_AGENT && d[i]->kind != MESSAGE_NOTE && t.assignee && t.assignee != d[i]->author_id && !d[i]->may_all)
            refuse(d[i], ERR_FORBIDDEN, "conversation.not_yours");
        else if (!one_message(c, b, d[i], seq + 1, at, &used))
            return false;
        if (!used) {
            exact = false;
            continue;
        }
        seq++;
        d[i]->started = started;
        if (visitor(d[i])) {
            asked = true;
            unread++;
            if (!waiting)
                waiting = at;
        } else if (d[i]->author == AUTHOR_AGENT) {
            replied = true;
            unread = 0;
            agent_read = seq;
            if (d[i]->kind != MESSAGE_NOTE)
                waiting = 0;
        }
    }
    if ((!exact || replied) && !db_exec(c, &post_settle, "iiiIi", id, seq, unread, waiting, agent_read))
        return false;
    if (asked && t.state == CONV_PENDING) { // the customer came back
        struct conv_row row = {0};
        struct act act = {.act = ACT_REOPEN, .author = {AUTHOR_SYSTEM, 0, STR("")}, .at = at};
        if (!conv_lock(c, id, &row) || !act_apply(c, &b->change, &row, &act))
            return false;
    }
    if (asked && t.state == CONV_BOT) {
        char key[24];
        snprintf(key, sizeof key, "%lld", (long long)id);
        if (!job_put(c, turn_job.kind, str_dup(c->arena, str_of(key)), STR(""), 0))
            return false;
    }
    if (started)
        change_moved(c, &b->change, (struct moved){.conversation = id, .from = (int)t.state, .to = (int)t.state, .started = true});
    return true;
}

// A draft that names a conversation which does not run: staff are told so.
static bool not_running(struct ctx *c, struct draft *d)
{
    int64_t state;
    bool found;
    if (!db_int(c, &state, &found, &post_state, "i", d->conversation))
        return false;
    refuse(d, found ? ERR_CONFLICT : ERR_NOT_FOUND, found ? "conversation.resolved" : "not_found");
    return true;
}

static int64_t order_of(const struct draft *d)
{
    return d->conversation ? d->conversation : INT64_MAX;
}
// Insertion sort: batches are small, mostly in order, and equal ones must keep theirs.
static void sort(struct draft **d, size_t n, bool starters)
{
    for (size_t i = 1; i < n; i++) {
        struct draft *one = d[i];
        size_t at = i;
        while (at && (starters ? d[at - 1]->contact > one->contact || (d[at - 1]->contact == one->contact && d[at - 1]->inbox > one->inbox)
                               : order_of(d[at - 1]) > order_of(one))) {
            d[at] = d[at - 1];
            at--;
        }
        d[at] = one;
    }
}

// The drafts of one visitor who has no running conversation, as far as anybody knew.
static bool start_one(struct ctx *c, struct batch *b, struct draft **d, size_t n)
{
    struct inbox inbox;
    int64_t id;
    bool started = false, missed;
    if (!conv_running(c, d[0]->inbox, d[0]->contact, &id))
        return false;
    if (!id) {
        if (!inbox_cached(c, d[0]->inbox, &inbox))
            return false;
        struct conversation_start s = {d[0]->inbox, d[0]->contact, d[0]->lang, d[0]->page_url, d[0]->page_title};
        if (!conv_start(c, &s, inbox.bot, clock_now(c->clock), &id))
            return false;
        if (!id) // another transaction was faster, and is not to be seen yet
            return fail(c, ERR_CONFLICT, "store.conflict", NULL);
        started = true;
    }
    for (size_t i = 0; i < n; i++)
        d[i]->conversation = id;
    if (!one_conversation(c, b, d, n, started, &missed))
        return false;
    return !missed || fail(c, ERR_CONFLICT, "store.conflict", NULL);
}

static bool post_run(struct ctx *c, void *arg)
{
    struct batch *b = arg;
    change_begin(&b->change);
    for (size_t i = 0; i < b->count; i++) { // as before an earlier try
        struct draft *d = &b->drafts[i];
        d->conversation = b->asked[i];
        d->stored = d->again = d->started = false;
    }
    for (size_t i = 0; i < b->sent; i++)
        refuse(b->order[i], ERR_NONE, NULL);
    // A visitor's draft without a conversation goes to the one that runs.
    for (size_t i = 0; i < b->sent; i++) {
        struct draft *d = b->order[i];
        if (!d->conversation && i && visitor(d) && b->order[i - 1]->contact == d->contact && b->order[i - 1]->inbox == d->inbox)
            d->conversation = b->order[i - 1]->conversation;
        else if (!d->conversation && !conv_running(c, d->inbox, d->contact, &d->conversation))
            return false;
    }
    sort(b->order, b->sent, false);
    struct draft **starters = ARENA_ARRAY(c->arena, struct draft *, b->sent + 1);
    size_t starting = 0;
    for (size_t at = 0, n; at < b->sent; at += n) {
        bool missed = true;
        int64_t id = b->order[at]->conversation;
        for (n = 1; at + n < b->sent && b->order[at + n]->conversation == id;)
            n++;
        if (id && !one_conversation(c, b, b->order + at, n, false, &missed))
            return false;
        for (size_t i = at; missed && i < at + n; i++) {
            struct draft *d = b->order[i];
            if (visitor(d))
                starters[starting++] = d;
            else if (!not_running(c, d))
                return false;
        }
    }
    sort(starters, starting, true);
    for (size_t at = 0, n; at < starting; at += n) {
        for (n = 1; at + n < starting && starters[at + n]->contact == starters[at]->contact && starters[at + n]->inbox == starters[at]->inbox;)
            n++;
        if (!start_one(c, b, starters + at, n))
            return false;
    }
    return true;
}

bool desk_post(struct ctx *c, struct draft *drafts, size_t count)
{
    ASSERT(count <= DRAFTS_MOST, "a batch is bounded");
    struct batch b = {.drafts = drafts, .count = count};
    b.order = ARENA_ARRAY(c->arena, struct draft *, count + 1);
    b.asked = ARENA_ARRAY(c->arena, int64_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        b.asked[i] = drafts[i].conversation;
        if (check(c, &drafts[i]))
            b.order[b.sent++] = &drafts[i];
    }
    for (int left = TRIES; b.sent; left--) {
        if (store_write(c, post_run, &b))
            break;
        if (left > 1 && c->err->code == ERR_CONFLICT) {
            error_clear(c->err);
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            drafts[i].conversation = b.asked[i];
            drafts[i].again = drafts[i].started = false;
            refuse(&drafts[i], c->err->code, c->err->key);
            drafts[i].retry_after = c->err->retry_after;
        }
        return false;
    }
    if (b.sent)
        change_publish(c, &b.change);
    return true;
}
