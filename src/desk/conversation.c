// The rules of a conversation: the table of legal transitions, its row, and the acts that staff, visitors and the desk itself do.
#include "desk/conversation.h"

#include "crm/contact.h"
#include "desk/live.h"
#include "desk/wrap_up.h"
#include "schema/id.h"
#include "schema/perm.h"
#include "schema/text.h"

enum { MOST_COMMENT = 1000, MOST_NOTE = 2000, TRIES = 3 };
const char *const conversation_states[] = {"bot", "queued", "open", "pending", "resolved", NULL};
static const char *const reasons[] = {"asked", "bot_gave_up", "offline"};

static const struct transition {
    enum conversation_act act;
    enum conversation_state from, to;
    const char *activity;
} transitions[] = {
    {ACT_HANDOFF, CONV_BOT, CONV_QUEUED, "handoff"},
    {ACT_ASSIGN, CONV_BOT, CONV_OPEN, "assigned"},
    {ACT_ASSIGN, CONV_QUEUED, CONV_OPEN, "assigned"},
    {ACT_TRANSFER, CONV_OPEN, CONV_OPEN, "transferred"},
    {ACT_TRANSFER, CONV_PENDING, CONV_OPEN, "transferred"},
    {ACT_UNASSIGN, CONV_OPEN, CONV_QUEUED, "unassigned"},
    {ACT_UNASSIGN, CONV_PENDING, CONV_QUEUED, "unassigned"},
    {ACT_PENDING, CONV_OPEN, CONV_PENDING, "pending"},
    {ACT_REOPEN, CONV_PENDING, CONV_OPEN, "reopened"},
    {ACT_REOPEN, CONV_RESOLVED, CONV_OPEN, "reopened"},
    {ACT_RESOLVE, CONV_BOT, CONV_RESOLVED, "resolved"},
    {ACT_RESOLVE, CONV_QUEUED, CONV_RESOLVED, "resolved"},
    {ACT_RESOLVE, CONV_OPEN, CONV_RESOLVED, "resolved"},
    {ACT_RESOLVE, CONV_PENDING, CONV_RESOLVED, "resolved"},
    {ACT_RATE, CONV_RESOLVED, CONV_RESOLVED, "rated"},
};

static const struct transition *transition_of(enum conversation_act act, int64_t from)
{
    for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++)
        if (transitions[i].act == act && (int64_t)transitions[i].from == from)
            return &transitions[i];
    return NULL;
}

bool conversation_legal(enum conversation_act act, enum conversation_state from, enum conversation_state *to)
{
    const struct transition *t = transition_of(act, from);
    if (t && to)
        *to = t->to;
    return t != NULL;
}

// The row.
#define CONV_COLUMNS \
    "id, inbox, contact, state, assignee, last_seq, visitor_read, agent_read, unread, queue_first, queued_at, waiting_since, opened_at, " \
    "resolved_at, language, misses, bot_seq, rating, rated_at, created_at, updated_at, rating_comment, wrap_code, wrap_note"
SQL(conv_by_id, "SELECT " CONV_COLUMNS " FROM conversation WHERE id = ?1");
SQL(conv_take, "UPDATE conversation SET last_seq = last_seq + 1 WHERE id = ?1 RETURNING " CONV_COLUMNS);
SQL(conv_change,
    "UPDATE conversation SET contact = ?2, state = ?3, assignee = ?4, agent_read = ?5, unread = ?6, queue_first = ?7, queued_at = ?8, "
    "waiting_since = ?9, opened_at = ?10, resolved_at = ?11, misses = ?12, bot_seq = ?13, rating = ?14, rated_at = ?15, updated_at = ?16, "
    "rating_comment = ?17, wrap_code = ?18, wrap_note = ?19 WHERE id = ?1");

static void row_fill(struct rows *r, struct conv_row *row)
{
    int64_t *const numbers[] = {
        &row->id,          &row->inbox,     &row->contact,       &row->state,     &row->assignee,    &row->last_seq, &row->visitor_read,
        &row->agent_read,  &row->unread,    &row->queue_first,   &row->queued_at, &row->waiting_since, &row->opened_at,
        &row->resolved_at, &row->language,  &row->misses,        &row->bot_seq,   &row->rating,      &row->rated_at, &row->created_at,
        &row->updated_at,
    };
    int n = (int)(sizeof numbers / sizeof numbers[0]);
    for (int i = 0; i < n; i++)
        *numbers[i] = rows_int(r, i);
    row->rating_comment = rows_str(r, n);
    row->wrap_code = rows_str(r, n + 1);
    row->wrap_note = rows_str(r, n + 2);
}

bool conv_read(struct ctx *c, int64_t id, struct conv_row *row, bool *found)
{
    struct rows r;
    db_query(c, &r, &conv_by_id, "i", id);
    *found = rows_next(&r);
    if (*found)
        row_fill(&r, row);
    return rows_done(&r);
}

bool conv_lock(struct ctx *c, int64_t id, struct conv_row *row)
{
    struct rows r;
    db_query(c, &r, &conv_take, "i", id);
    bool found = rows_next(&r);
    if (found)
        row_fill(&r, row);
    while (found && rows_next(&r))
        ;
    if (!rows_done(&r))
        return false;
    return found || fail(c, ERR_NOT_FOUND, "not_found", NULL);
}

bool conv_save(struct ctx *c, const struct conv_row *row)
{
    return db_exec(c, &conv_change, "iiiIiiiIIIIiiIIisss", row->id, row->contact, row->state, row->assignee, row->agent_read, row->unread,
                   row->queue_first, row->queued_at, row->waiting_since, row->opened_at, row->resolved_at, row->misses, row->bot_seq,
                   row->rating, row->rated_at, row->updated_at, row->rating_comment, row->wrap_code, row->wrap_note);
}

SQL(conv_running_of, "SELECT id FROM conversation WHERE contact = ?1 AND inbox = ?2 AND state <> 4");
bool conv_running(struct ctx *c, int64_t inbox, int64_t contact, int64_t *id)
{
    return db_int(c, id, NULL, &conv_running_of, "ii", contact, inbox);
}

SQL(conv_insert,
    "INSERT INTO conversation (inbox, contact, state, last_seq, visitor_read, agent_read, unread, queue_first, queued_at, language, page_url, "
    "page_title, misses, bot_seq, rating_comment, wrap_code, wrap_note, created_at, updated_at) "
    "VALUES (?1, ?2, ?3, 0, 0, 0, 0, 1, ?4, ?5, ?6, ?7, 0, 0, '', '', '', ?8, ?8) "
    "ON CONFLICT (contact, inbox) WHERE state <> 4 DO NOTHING RETURNING id");
bool conv_start(struct ctx *c, const struct conversation_start *s, bool bot, usec at, int64_t *id)
{
    return db_int(c, id, NULL, &conv_insert, "iiiIissi", s->inbox, s->contact, (int64_t)(bot ? CONV_BOT : CONV_QUEUED), bot ? 0 : at,
                  (int64_t)s->lang, str_clip(s->page_url, 1000), str_clip(s->page_title, 200), at);
}

struct author author_of(const struct ctx *c)
{
    const struct actor *a = &c->actor;
    switch (a->kind) {
    case ACTOR_USER:
    case ACTOR_TOKEN: return (struct author){AUTHOR_AGENT, a->id, a->name};
    case ACTOR_VISITOR: return (struct author){AUTHOR_VISITOR, a->id, a->name};
    case ACTOR_BOT: return (struct author){AUTHOR_BOT, 0, STR("")};
    default: return (struct author){AUTHOR_SYSTEM, 0, STR("")};
    }
}

static void put_to(struct json_out *o, const struct act *a)
{
    char text[ID_TEXT];
    json_put_str(o, "to", id_text("us", a->user, text));
    if (a->user_name.len)
        json_put_str(o, "to_name", a->user_name);
}

// The members of an activity message, for everyone or for staff.
static struct str activity_json(struct ctx *c, const char *name, const struct act *a, bool staff)
{
    struct json_out o = json_begin(c->arena);
    json_open(&o, "activity", '{');
    json_put_z(&o, "name", name);
    if (a->act == ACT_HANDOFF)
        json_put_z(&o, "reason", reasons[a->reason]);
    if (a->act == ACT_ASSIGN || a->act == ACT_TRANSFER)
        put_to(&o, a);
    if (a->act == ACT_RATE)
        json_put_int(&o, "score", a->rating->score);
    if (a->act == ACT_RESOLVE && staff && a->wrap_up) {
        json_open(&o, "wrap_up", '{');
        json_put_str(&o, "code", a->wrap_up->code);
        if (a->wrap_up->note.len)
            json_put_str(&o, "note", a->wrap_up->note);
        json_close(&o, '}');
    }
    json_close(&o, '}');
    return buf_str(&o.buf);
}

static void row_apply(struct conv_row *row, const struct act *a, enum conversation_state from, enum conversation_state to)
{
    row->state = to;
    row->updated_at = a->at;
    switch (a->act) {
    case ACT_HANDOFF:
        row->queued_at = a->at;
        row->queue_first = 1;
        row->misses = 0;
        if (!row->waiting_since)
            row->waiting_since = a->at;
        break;
    case ACT_ASSIGN:
    case ACT_TRANSFER:
        row->assignee = a->user;
        if (!row->opened_at)
            row->opened_at = a->at;
        break;
    case ACT_UNASSIGN:
        row->assignee = 0;
        row->queue_first = a->front ? 0 : 1;
        if (!a->front || !row->queued_at)
            row->queued_at = a->at;
        break;
    case ACT_PENDING: row->waiting_since = 0; break;
    case ACT_REOPEN:
        if (from == CONV_RESOLVED) {
            row->assignee = a->user;
            row->opened_at = a->at;
            row->resolved_at = row->rating = row->rated_at = 0;
            row->rating_comment = row->wrap_code = row->wrap_note = STR("");
        }
        break;
    case ACT_RESOLVE:
        row->resolved_at = a->at;
        row->waiting_since = 0;
        if (a->wrap_up) {
            row->wrap_code = a->wrap_up->code;
            row->wrap_note = a->wrap_up->note;
        }
        break;
    case ACT_RATE:
        if (!row->rated_at)
            row->rated_at = a->at;
        row->rating = a->rating->score;
        row->rating_comment = a->rating->comment;
        break;
    case ACT_COUNT: break;
    }
}

bool act_apply(struct ctx *c, struct change *ch, struct conv_row *row, const struct act *a)
{
    const struct transition *t = transition_of(a->act, row->state);
    if (!t)
        return fail(c, ERR_CONFLICT, row->state == CONV_RESOLVED ? "conversation.resolved" : "conversation.not_now", NULL);
    int64_t was = row->assignee;
    row_apply(row, a, t->from, t->to);
    struct line line = {
        .kind = MESSAGE_ACTIVITY, .author = a->author, .cid = a->cid, .data = activity_json(c, t->activity, a, false), .at = a->at};
    if (a->act == ACT_RESOLVE)
        line.staff = activity_json(c, t->activity, a, true);
    if (!conv_save(c, row) || !message_insert(c, ch, row->id, row->last_seq, &line, NULL))
        return false;
    bool own = a->author.kind == AUTHOR_AGENT && a->author.id == row->assignee;
    change_moved(c, ch, (struct moved){.conversation = row->id, .from = t->from, .to = t->to, .was = was, .is = row->assignee,
                                       .offered = row->assignee && row->assignee != was && !own});
    return true;
}

// One act as a whole: what is to be done, who checks it, and what came out.
struct doing {
    int64_t id;
    struct act act;
    int64_t contact; // the visitor's acts
    bool (*choose)(struct ctx *c, struct doing *d, struct conv_row *row); // checks rights and picks the act; false with the error
    struct change change;
    struct act_ack ack;
    bool nothing; // it is so already
};

static bool doing_run(struct ctx *c, void *arg)
{
    struct doing *d = arg;
    change_begin(&d->change);
    d->nothing = false;
    d->ack = (struct act_ack){.conversation = d->id};
    int64_t event;
    if (d->act.cid.len) {
        if (!message_of_cid(c, d->id, d->act.cid, &d->ack.seq, &event, &d->ack.at))
            return false;
        if (d->ack.seq)
            return true;
    }
    struct conv_row row = {0};
    if (!conv_lock(c, d->id, &row))
        return false;
    d->act.at = clock_now(c->clock);
    if (!d->choose(c, d, &row))
        return false;
    d->ack = (struct act_ack){d->id, row.last_seq, d->act.at};
    return act_apply(c, &d->change, &row, &d->act);
}

static bool doing_do(struct ctx *c, struct doing *d, struct act_ack *ack)
{
    if (!d->act.author.kind && !d->act.author.id)
        d->act.author = author_of(c);
    for (int left = TRIES;; left--) {
        if (store_write(c, doing_run, d))
            break;
        if (d->nothing) { // rolled back on purpose: nothing is to be changed
            error_clear(c->err);
            break;
        }
        if (left == 1 || c->err->code != ERR_CONFLICT || !c->err->key || strcmp(c->err->key, "store.conflict") != 0)
            return false;
        error_clear(c->err);
    }
    if (ack)
        *ack = d->ack;
    change_publish(c, &d->change);
    return true;
}

bool conversation_visible(const struct actor *a, int state, int64_t assignee)
{
    if (actor_may(a, PERM_CONVERSATION_READ_ALL))
        return true;
    return actor_may(a, PERM_CONVERSATION_READ) && (state == CONV_BOT || state == CONV_QUEUED || !assignee || assignee == a->id);
}

// Staff may act on what they see, and on a colleague's with PERM_CONVERSATION_ASSIGN.
static bool may_act(struct ctx *c, const struct conv_row *row)
{
    const struct actor *a = &c->actor;
    if (!conversation_visible(a, (int)row->state, row->assignee))
        return fail(c, ERR_NOT_FOUND, "not_found", NULL);
    if (!row->assignee || row->assignee == a->id || row->state == CONV_RESOLVED || actor_may(a, PERM_CONVERSATION_ASSIGN))
        return true;
    return fail(c, ERR_FORBIDDEN, "conversation.not_yours", NULL);
}

static bool choose_assign(struct ctx *c, struct doing *d, struct conv_row *row)
{
    if (!may_act(c, row))
        return false;
    bool running = row->state == CONV_OPEN || row->state == CONV_PENDING;
    // To oneself anybody who replies may take it; others by whoever may assign, or whoever has it.
    if (d->act.user != c->actor.id && row->assignee != c->actor.id && !need(c, PERM_CONVERSATION_ASSIGN))
        return false;
    if (!d->act.user) {
        d->act.act = row->state == CONV_BOT ? ACT_HANDOFF : ACT_UNASSIGN;
        d->act.reason = HANDOFF_ASKED;
        d->act.front = true;
        return true;
    }
    if (running && row->assignee == d->act.user && row->state == CONV_OPEN)
        return fail(c, ERR_CONFLICT, "conversation.assigned_already", NULL);
    d->act.act = running ? ACT_TRANSFER : ACT_ASSIGN;
    return true;
}

static bool agent_known(struct ctx *c, int64_t user, struct str *name)
{
    struct desk_user u;
    struct actor as = {.kind = ACTOR_USER};
    bool fine = desk_user(c, user, &u) && u.active;
    if (fine) {
        as.perms[0] = u.perms[0];
        as.perms[1] = u.perms[1];
        fine = actor_may(&as, PERM_CONVERSATION_REPLY);
    }
    if (!fine)
        return fail_field(c, STR("user"), "conversation.no_agent", NULL);
    *name = u.name;
    return true;
}

bool conversation_assign(struct ctx *c, int64_t id, int64_t user, struct act_ack *ack)
{
    struct doing d = {.id = id, .act = {.user = user}, .choose = choose_assign};
    if (user && !agent_known(c, user, &d.act.user_name))
        return false;
    return doing_do(c, &d, ack);
}
bool conversation_take(struct ctx *c, int64_t id, struct act_ack *ack)
{
    return conversation_assign(c, id, c->actor.id, ack);
}

static bool choose_pending(struct ctx *c, struct doing *d, struct conv_row *row)
{
    d->act.act = ACT_PENDING;
    return may_act(c, row);
}
bool conversation_pending(struct ctx *c, int64_t id, struct act_ack *ack)
{
    struct doing d = {.id = id, .choose = choose_pending};
    return doing_do(c, &d, ack);
}

static bool choose_reopen(struct ctx *c, struct doing *d, struct conv_row *row)
{
    d->act.act = ACT_REOPEN;
    d->act.user = c->actor.id;
    if (!may_act(c, row))
        return false;
    if (row->state != CONV_RESOLVED)
        return true;
    int64_t running;
    if (!conv_running(c, row->inbox, row->contact, &running))
        return false;
    return !running || fail(c, ERR_CONFLICT, "conversation.other_running", NULL);
}
bool conversation_reopen(struct ctx *c, int64_t id, struct act_ack *ack)
{
    struct doing d = {.id = id, .choose = choose_reopen};
    return doing_do(c, &d, ack);
}

static bool choose_resolve(struct ctx *c, struct doing *d, struct conv_row *row)
{
    d->act.act = ACT_RESOLVE;
    return may_act(c, row);
}
bool conversation_resolve(struct ctx *c, int64_t id, const struct wrap_up *wrap_up, struct act_ack *ack)
{
    bool known = false;
    if (!wrap_up || !wrap_up->code.len)
        return fail_field(c, STR("wrap_up/code"), "schema.required", NULL);
    if (!wrap_up_known(c, wrap_up->code, &known))
        return false;
    if (!known)
        return fail_field(c, STR("wrap_up/code"), "conversation.wrap_up_unknown", NULL);
    struct doing d = {.id = id, .act = {.wrap_up = wrap_up}, .choose = choose_resolve};
    return doing_do(c, &d, ack);
}

static bool choose_handoff(struct ctx *c, struct doing *d, struct conv_row *row)
{
    d->act.act = ACT_HANDOFF;
    if (d->contact && row->contact != d->contact)
        return fail(c, ERR_NOT_FOUND, "not_found", NULL);
    if (row->state == CONV_BOT || row->state == CONV_RESOLVED)
        return true;
    d->nothing = true; // waits or has somebody already
    d->ack = (struct act_ack){d->id, row->last_seq - 1, row->updated_at};
    return false;
}
bool conversation_handoff(struct ctx *c, int64_t id, int64_t contact, enum handoff_reason reason, struct str cid, struct act_ack *ack)
{
    struct doing d = {.id = id, .contact = contact, .act = {.cid = cid, .reason = reason}, .choose = choose_handoff};
    d.act.author = contact ? (struct author){AUTHOR_VISITOR, contact, c->actor.name} : author_of(c);
    return doing_do(c, &d, ack);
}

static bool choose_rate(struct ctx *c, struct doing *d, struct conv_row *row)
{
    d->act.act = ACT_RATE;
    if (row->contact != d->contact)
        return fail(c, ERR_NOT_FOUND, "not_found", NULL);
    if (row->state != CONV_RESOLVED)
        return fail(c, ERR_CONFLICT, "conversation.not_resolved", NULL);
    if (row->rated_at && d->act.at - row->rated_at > RATING_CHANGE_FOR)
        return fail(c, ERR_CONFLICT, "conversation.rated", NULL);
    return true;
}
bool conversation_rate(struct ctx *c, int64_t id, int64_t contact, const struct rating *rating, struct str cid, struct act_ack *ack)
{
    struct rating clean = {.score = rating->score};
    bool fine = true;
    if (rating->score < 1 || rating->score > 5)
        fine = fail_field(c, STR("score"), "conversation.score", NULL);
    if (!text_clean(c->arena, rating->comment, true, true, &clean.comment))
        fine = fail_field(c, STR("comment"), "schema.control", NULL);
    else if (str_chars(clean.comment) > MOST_COMMENT)
        fine = fail_field(c, STR("comment"), "schema.too_long", "1000", NULL);
    if (!fine)
        return false;
    struct doing d = {.id = id, .contact = contact, .act = {.cid = cid, .rating = &clean}, .choose = choose_rate};
    d.act.author = (struct author){AUTHOR_VISITOR, contact, c->actor.name};
    return doing_do(c, &d, ack);
}

// A plain activity, without a change of state.
struct telling {
    int64_t id, contact;
    struct change change;
};
static bool tell_identified(struct ctx *c, void *arg)
{
    struct telling *t = arg;
    struct conv_row row = {0};
    change_begin(&t->change);
    if (!conv_lock(c, t->id, &row))
        return false;
    if (row.contact != t->contact)
        return fail(c, ERR_NOT_FOUND, "not_found", NULL);
    row.updated_at = clock_now(c->clock);
    struct line line = {.kind = MESSAGE_ACTIVITY, .author = {AUTHOR_SYSTEM, 0, STR("")}, .data = STR("\"activity\":{\"name\":\"identified\"}"),
                        .at = row.updated_at};
    if (!conv_save(c, &row) || !message_insert(c, &t->change, t->id, row.last_seq, &line, NULL))
        return false;
    change_moved(c, &t->change, (struct moved){.conversation = t->id, .from = (int)row.state, .to = (int)row.state, .was = row.assignee,
                                               .is = row.assignee});
    return true;
}
bool conversation_identified(struct ctx *c, int64_t id, int64_t contact)
{
    struct telling t = {.id = id, .contact = contact};
    if (!store_write(c, tell_identified, &t))
        return false;
    change_publish(c, &t.change);
    return true;
}

struct starting {
    const struct conversation_start *start;
    bool bot;
    int64_t id;
    struct change change;
};
static bool start_run(struct ctx *c, void *arg)
{
    struct starting *s = arg;
    change_begin(&s->change);
    if (!conv_running(c, s->start->inbox, s->start->contact, &s->id))
        return false;
    if (s->id)
        return true;
    usec at = clock_now(c->clock);
    if (!conv_start(c, s->start, s->bot, at, &s->id))
        return false;
    if (!s->id)
        return fail(c, ERR_CONFLICT, "store.conflict", NULL);
    struct conv_row row = {0};
    struct line line = {.kind = MESSAGE_ACTIVITY, .author = {AUTHOR_SYSTEM, 0, STR("")}, .data = STR("\"activity\":{\"name\":\"started\"}"),
                        .at = at};
    if (!conv_lock(c, s->id, &row) || !message_insert(c, &s->change, s->id, row.last_seq, &line, NULL))
        return false;
    change_moved(c, &s->change, (struct moved){.conversation = s->id, .from = (int)row.state, .to = (int)row.state, .started = true});
    return true;
}
bool conversation_start(struct ctx *c, const struct conversation_start *start, int64_t *id)
{
    struct inbox inbox;
    if (!inbox_cached(c, start->inbox, &inbox))
        return false;
    struct starting s = {.start = start, .bot = inbox.bot};
    for (int left = TRIES;; left--) {
        if (store_write(c, start_run, &s))
            break;
        if (left == 1 || c->err->code != ERR_CONFLICT)
            return false;
        error_clear(c->err);
    }
    *id = s.id;
    change_publish(c, &s.change);
    return true;
}

// A browser's anonymous contact was merged into an account's: its conversations move. In one inbox only one runs, so when both have one there, the
// one that no person deals with ends.
SQL(conv_moving, "SELECT a.id, a.state, b.id, b.state FROM conversation a JOIN conversation b ON b.contact = ?2 AND b.inbox = a.inbox "
                 "AND b.state <> 4 WHERE a.contact = ?1 AND a.state <> 4 ORDER BY a.id");
SQL(conv_move, "UPDATE conversation SET contact = ?2 WHERE contact = ?1");
bool conv_contact_moves(struct ctx *c, int64_t from, int64_t to)
{
    struct {
        VEC(int64_t);
    } ending = {0};
    struct rows r;
    db_query(c, &r, &conv_moving, "ii", from, to);
    while (rows_next(&r)) {
        bool keep_theirs = rows_int(&r, 1) == CONV_BOT || rows_int(&r, 3) != CONV_BOT;
        VEC_PUSH(c->arena, &ending, rows_int(&r, keep_theirs ? 0 : 2));
    }
    if (!rows_done(&r))
        return false;
    struct change unheard = {0};
    for (size_t i = 0; i < ending.count; i++) {
        struct conv_row row = {0};
        struct act act = {.act = ACT_RESOLVE, .author = {AUTHOR_SYSTEM, 0, STR("")}, .at = clock_now(c->clock)};
        if (!conv_lock(c, ending.at[i], &row) || !act_apply(c, &unheard, &row, &act))
            return false;
        desk_dirty(c, ending.at[i]);
    }
    return db_exec(c, &conv_move, "ii", from, to);
}
CONTACT_MERGE(desk_contact_merge, conv_contact_moves);
