// Conversations as they are shown: with their references, for lists, for a console that resumes, and as JSON for each kind of reader.
#include "crm/contact.h"
#include "desk/live.h"
#include "schema/id.h"
#include "schema/perm.h"

// The order in which shown_fill reads.
#define SHOWN_COLUMNS \
    "c.id, c.inbox, c.contact, c.state, c.assignee, c.last_seq, c.visitor_read, c.agent_read, c.unread, c.created_at, c.updated_at, " \
    "c.queued_at, c.language, c.rating, c.rating_comment, c.wrap_code, c.wrap_note, c.misses, c.bot_seq, c.opened_at, c.resolved_at, " \
    "c.rated_at, c.waiting_since, m.id, m.seq, m.cid, m.kind, m.author_kind, m.author, m.at, m.text, m.data, m.staff, m.trace, " \
    "c.page_url, c.page_title"
#define SHOWN_FROM " FROM conversation c JOIN message m ON m.conversation = c.id AND m.seq = c.last_seq"
SQL(shown_by_id, "SELECT " SHOWN_COLUMNS SHOWN_FROM " WHERE c.id = ?1");
SQL(conv_of_visitor, "SELECT id, state FROM conversation WHERE contact = ?1 AND inbox = ?2 ORDER BY id DESC LIMIT 1");
SQL(conv_contact, "SELECT contact FROM conversation WHERE id = ?1");
SQL(conv_visitor_unread, "SELECT COUNT(*) FROM message WHERE conversation = ?1 AND seq > ?2 AND author_kind IN (1, 2) AND kind < 3");
SQL(conv_counts, "SELECT state, COUNT(*) FROM conversation WHERE state IN (0, 1) GROUP BY state");
SQL(conv_mine, "SELECT COUNT(*) FROM conversation WHERE assignee = ?1 AND state IN (2, 3)");
SQL(conv_stray, "SELECT COUNT(*) FROM conversation WHERE assignee IS NULL AND state IN (2, 3)");
SQL(conv_trace, "SELECT at, trace FROM bot_trace WHERE conversation = ?1 AND seq = ?2");
SQL_SCAN(event_latest, "from the newest row down, and the first settled one ends it",
         "SELECT id FROM message WHERE {settled} ORDER BY id DESC LIMIT 1");
// Rows of one conversation lie apart, so more of them are read than conversations are wanted.
SQL(event_since, "SELECT id, conversation FROM message WHERE id > ?1 AND {settled} ORDER BY id LIMIT ?2");

static void shown_fill(struct ctx *c, struct rows *r, struct conversation *v, struct conv_message *last)
{
    *v = (struct conversation){.id = rows_int(r, 0), .inbox_id = rows_int(r, 1), .contact_id = rows_int(r, 2), .state = (int)rows_int(r, 3),
                               .assignee_id = rows_int(r, 4), .last_seq = rows_int(r, 5), .visitor_read = rows_int(r, 6),
                               .agent_read = rows_int(r, 7), .unread = rows_int(r, 8), .created_at = rows_int(r, 9),
                               .updated_at = rows_int(r, 10), .queued_at = rows_int(r, 11),
                               .language = rows_int(r, 12) == LANG_EN ? STR("en") : STR("zh"), .misses = rows_int(r, 17),
                               .bot_seq = rows_int(r, 18), .opened_at = rows_int(r, 19), .resolved_at = rows_int(r, 20),
                               .rated_at = rows_int(r, 21), .waiting_since = rows_int(r, 22), .event = rows_int(r, 23)};
    if (!rows_null(r, 13)) {
        v->rating = ARENA_NEW(c->arena, struct rating);
        *v->rating = (struct rating){rows_int(r, 13), rows_str(r, 14)};
    }
    struct str code = rows_str(r, 15);
    if (code.len) {
        v->wrap_up = ARENA_NEW(c->arena, struct wrap_up);
        *v->wrap_up = (struct wrap_up){code, rows_str(r, 16)};
    }
    struct str page = rows_str(r, 34);
    if (page.len) {
        v->page = ARENA_NEW(c->arena, struct page_ref);
        *v->page = (struct page_ref){page, rows_str(r, 35)};
    }
    *last = (struct conv_message){.event = rows_int(r, 23), .conversation = v->id, .seq = rows_int(r, 24), .cid = rows_str(r, 25),
                                  .kind = (int)rows_int(r, 26), .author = (int)rows_int(r, 27), .author_id = rows_int(r, 28),
                                  .at = rows_int(r, 29), .text = rows_str(r, 30), .data = rows_str(r, 31), .staff = rows_str(r, 32),
                                  .trace = rows_int(r, 33) != 0};
}

// Names of what the row points to, and the last message as this view has it.
static bool refer(struct ctx *c, enum view view, struct conversation *v, struct conv_message *last)
{
    struct inbox inbox;
    struct contact_brief contact = {0};
    struct desk_user user;
    v->inbox = ARENA_NEW(c->arena, struct inbox_ref);
    v->inbox->id = v->inbox_id;
    if (inbox_cached(c, v->inbox_id, &inbox))
        v->inbox->name = inbox.name;
    else
        error_clear(c->err);
    v->contact = ARENA_NEW(c->arena, struct contact_ref);
    v->contact->id = v->contact_id;
    if (contact_find(c, v->contact_id, &contact))
        *v->contact = (struct contact_ref){contact.id, contact.name, contact.verified};
    else if (c->err->code)
        return false;
    if (v->assignee_id) {
        v->assignee = ARENA_NEW(c->arena, struct user_ref);
        v->assignee->id = v->assignee_id;
        if (desk_user(c, v->assignee_id, &user))
            v->assignee->name = user.name;
    }
    if (last->author == AUTHOR_AGENT && desk_user(c, last->author_id, &user))
        last->author_name = user.name;
    if (last->author == AUTHOR_VISITOR) {
        last->author_id = v->contact->id;
        last->author_name = v->contact->name;
    }
    if (last->author == AUTHOR_BOT)
        last->author_name = bot_name(c, str_is(v->language, "en") ? LANG_EN : LANG_ZH);
    if (view == VIEW_VISITOR) {
        v->unread = 0;
        v->wrap_up = NULL;
        v->page = NULL;
        if (!db_int(c, &v->unread, NULL, &conv_visitor_unread, "ii", v->id, v->visitor_read))
            return false;
    }
    struct json_out o = json_begin(c->arena);
    message_write(c, view, last, &o, NULL);
    v->last_message = buf_str(&o.buf);
    return true;
}

bool conversation_load(struct ctx *c, enum view view, int64_t id, struct conversation *out)
{
    struct rows r;
    struct conv_message last;
    db_query(c, &r, &shown_by_id, "i", id);
    bool found = rows_next(&r);
    if (found)
        shown_fill(c, &r, out, &last);
    if (!rows_done(&r))
        return false;
    return found ? refer(c, view, out, &last) : fail(c, ERR_NOT_FOUND, "not_found", NULL);
}

bool conversation_get(struct ctx *c, int64_t id, struct conversation *out)
{
    struct rows r;
    struct conv_message last;
    db_query(c, &r, &shown_by_id, "i", id);
    bool found = rows_next(&r);
    if (found)
        shown_fill(c, &r, out, &last);
    if (!rows_done(&r))
        return false;
    if (!found || !conversation_visible(&c->actor, out->state, out->assignee_id))
        return fail(c, ERR_NOT_FOUND, "not_found", NULL);
    return refer(c, view_of(&c->actor), out, &last);
}

bool conversation_list(struct ctx *c, const struct list_query *q, struct conversation **conversations, size_t *count)
{
    // ?1: 0 for whoever sees all, else the user.
    struct buf text = {.arena = c->arena};
    buf_puts(&text, "SELECT " SHOWN_COLUMNS SHOWN_FROM " WHERE (?1 = 0 OR c.state IN (0, 1) OR c.assignee IS NULL OR c.assignee = ?1)");
    buf_str_add(&text, q->where);
    buf_str_add(&text, q->order);
    buf_printf(&text, " LIMIT %d", q->limit + 1);
    struct db_value *values = ARENA_ARRAY(c->arena, struct db_value, q->count + 1);
    values[0] = (struct db_value){.type = 'i', .i = actor_may(&c->actor, PERM_CONVERSATION_READ_ALL) ? 0 : c->actor.id};
    if (q->count)
        memcpy(values + 1, q->values, q->count * sizeof *values);
    size_t room = (size_t)q->limit + 1;
    *conversations = ARENA_ARRAY(c->arena, struct conversation, room);
    struct conv_message *last = ARENA_ARRAY(c->arena, struct conv_message, room);
    *count = 0;
    struct rows r;
    db_query_built(c, &r, buf_str(&text), values, q->count + 1);
    for (; *count < room && rows_next(&r); ++*count)
        shown_fill(c, &r, &(*conversations)[*count], &last[*count]);
    if (!rows_done(&r))
        return false;
    for (size_t i = 0; i < *count; i++)
        if (!refer(c, view_of(&c->actor), &(*conversations)[i], &last[i]))
            return false;
    return true;
}

bool conversation_of_visitor(struct ctx *c, int64_t inbox, int64_t contact, int64_t *id, int *state)
{
    if (!conv_running(c, inbox, contact, id))
        return false;
    if (*id) {
        struct conv_row row = {0};
        bool found;
        if (!conv_read(c, *id, &row, &found))
            return false;
        *state = found ? (int)row.state : CONV_RESOLVED;
        return true;
    }
    struct rows r;
    db_query(c, &r, &conv_of_visitor, "ii", contact, inbox);
    if (rows_next(&r)) {
        *id = rows_int(&r, 0);
        *state = (int)rows_int(&r, 1);
    }
    return rows_done(&r);
}

bool conversation_is_of(struct ctx *c, int64_t id, int64_t contact, bool *is)
{
    int64_t owner;
    bool found;
    if (!db_int(c, &owner, &found, &conv_contact, "i", id))
        return false;
    *is = found && owner == contact;
    return true;
}

bool conversation_since(struct ctx *c, int64_t event, size_t most, struct conversation **conversations, size_t *count, bool *reset,
                        int64_t *latest)
{
    enum { MOST_EVENTS = 2000 };
    *count = 0;
    *conversations = NULL;
    *reset = false;
    if (!db_int(c, latest, NULL, &event_latest, ""))
        return false;
    if (*latest <= event)
        return true;
    struct {
        VEC(int64_t);
    } ids = {0};
    struct map seen = {0};
    size_t rows = 0;
    struct rows r;
    db_query(c, &r, &event_since, "ii", event, (int64_t)MOST_EVENTS + 1);
    while (rows_next(&r)) {
        rows++;
        uint64_t id = (uint64_t)rows_int(&r, 1);
        if (!map_get(&seen, id)) {
            map_put(&seen, id, &seen);
            VEC_PUSH(c->arena, &ids, (int64_t)id);
        }
    }
    map_free(&seen);
    if (!rows_done(&r))
        return false;
    *reset = rows > MOST_EVENTS || ids.count > most;
    if (*reset)
        return true;
    *conversations = ARENA_ARRAY(c->arena, struct conversation, ids.count);
    for (size_t i = 0; i < ids.count; i++) {
        if (conversation_get(c, ids.at[i], &(*conversations)[*count]))
            ++*count;
        else if (c->err->code != ERR_NOT_FOUND)
            return false;
        else
            error_clear(c->err);
    }
    return true;
}

bool conversation_count(struct ctx *c, int64_t user, struct conversation_counts *out)
{
    *out = (struct conversation_counts){0};
    struct rows r;
    db_query(c, &r, &conv_counts, "");
    while (rows_next(&r))
        *(rows_int(&r, 0) == CONV_BOT ? &out->bot : &out->queued) = rows_int(&r, 1);
    int64_t stray = 0;
    if (!rows_done(&r) || !db_int(c, &out->mine, NULL, &conv_mine, "i", user) || !db_int(c, &stray, NULL, &conv_stray, ""))
        return false;
    out->unassigned = out->queued + stray;
    return true;
}

void conversation_counts_write(const struct conversation_counts *n, struct json_out *o, const char *name)
{
    json_open(o, name, '{');
    json_put_int(o, "mine", n->mine);
    json_put_int(o, "queued", n->queued);
    json_put_int(o, "bot", n->bot);
    json_put_int(o, "unassigned", n->unassigned);
    json_close(o, '}');
}

bool conversation_trace(struct ctx *c, int64_t id, int64_t seq, struct str *json)
{
    struct rows r;
    usec at = 0;
    struct str trace = STR("");
    db_query(c, &r, &conv_trace, "ii", id, seq);
    if (rows_next(&r)) {
        at = rows_int(&r, 0);
        trace = rows_str(&r, 1);
    }
    if (!rows_done(&r))
        return false;
    if (!trace.len)
        return fail(c, ERR_NOT_FOUND, "not_found", NULL);
    char text[TIME_TEXT];
    struct str rest = str_sub(trace, 1, trace.len - 1); // after its brace
    *json = str_printf(c->arena, "{\"seq\":%lld,\"at\":\"" STR_FMT "\"%s" STR_FMT, (long long)seq, STR_ARG(time_text(at, text)),
                       str_is(rest, "}") ? "" : ",", STR_ARG(rest));
    return true;
}

// Field tables.
static const struct field inbox_ref_fields[] = {
    FIELD(_, inbox_ref, id, F_ID, .prefix = "ib"),
    FIELD(_, inbox_ref, name, F_TEXT),
};
static SCHEMA(inbox_ref_schema, "InboxRef", struct inbox_ref, inbox_ref_fields, "An inbox, named.");
static const struct field contact_ref_fields[] = {
    FIELD(_, contact_ref, id, F_ID, .prefix = "ct"),
    FIELD(_, contact_ref, name, F_TEXT, .flags = FIELD_PERSONAL, .doc = "Empty for an anonymous visitor."),
    FIELD(_, contact_ref, verified, F_BOOL),
};
static SCHEMA(contact_ref_schema, "ContactRef", struct contact_ref, contact_ref_fields, "A contact, named.");
static const struct field user_ref_fields[] = {
    FIELD(_, user_ref, id, F_ID, .prefix = "us"),
    FIELD(_, user_ref, name, F_TEXT),
};
static SCHEMA(user_ref_schema, "UserRef", struct user_ref, user_ref_fields, "A user, named.");
static const struct field rating_fields[] = {
    FIELD(_, rating, score, F_INT, .min = 1, .max = 5, .flags = FIELD_REQUIRED),
    FIELD(_, rating, comment, F_TEXT, .max = 1000, .flags = FIELD_MULTILINE | FIELD_SKIP_EMPTY),
};
static SCHEMA(rating_schema, "Rating", struct rating, rating_fields, "What the customer says of a resolved conversation.");
static const struct field wrap_up_fields[] = {
    FIELD(_, wrap_up, code, F_TEXT, .max = 40, .flags = FIELD_REQUIRED),
    FIELD(_, wrap_up, note, F_TEXT, .max = 2000, .flags = FIELD_MULTILINE | FIELD_SKIP_EMPTY),
};
SCHEMA(wrap_up_schema, "WrapUp", struct wrap_up, wrap_up_fields, "How a conversation ended.");

static const struct field page_ref_fields[] = {
    FIELD(_, page_ref, url, F_TEXT),
    FIELD(_, page_ref, title, F_TEXT),
};
static SCHEMA(page_ref_schema, "PageRef", struct page_ref, page_ref_fields, "The page from which the visitor wrote first.");

// `inbox`, `contact` and `assignee` are objects on the way out and ids in filters.
static const struct field conversation_fields[] = {
    FIELD(_, conversation, id, F_ID, .prefix = "cv", .column = "c.id"),
    FIELD(_, conversation, inbox, F_OBJECT, .sub = &inbox_ref_schema),
    FIELD(_, conversation, state, F_ENUM, .choices = conversation_states, .column = "c.state", .flags = FIELD_FILTER),
    FIELD(_, conversation, contact, F_OBJECT, .sub = &contact_ref_schema),
    FIELD(_, conversation, assignee, F_OBJECT, .sub = &user_ref_schema, .flags = FIELD_SKIP_EMPTY),
    FIELD(_, conversation, last_seq, F_INT),
    FIELD(_, conversation, visitor_read, F_INT),
    FIELD(_, conversation, agent_read, F_INT),
    FIELD(_, conversation, last_message, F_JSON, .flags = FIELD_SKIP_EMPTY, .doc = "The last Message."),
    FIELD(_, conversation, created_at, F_TIME, .column = "c.created_at", .flags = FIELD_FILTER),
    FIELD(_, conversation, updated_at, F_TIME, .column = "c.updated_at", .flags = FIELD_SORT | FIELD_FILTER),
    FIELD(_, conversation, queued_at, F_TIME, .column = "c.queued_at", .flags = FIELD_SKIP_EMPTY | FIELD_FILTER),
    FIELD(_, conversation, language, F_TEXT),
    FIELD(_, conversation, rating, F_OBJECT, .sub = &rating_schema, .flags = FIELD_SKIP_EMPTY),
    FIELD(_, conversation, wrap_up, F_OBJECT, .sub = &wrap_up_schema, .flags = FIELD_SKIP_EMPTY),
    FIELD(_, conversation, page, F_OBJECT, .sub = &page_ref_schema, .flags = FIELD_SKIP_EMPTY, .doc = "For staff."),
    FIELD(_, conversation, event, F_INT),
    FIELD(_, conversation, unread, F_INT),
    {"inbox", F_ID, offsetof(struct conversation, inbox_id), .prefix = "ib", .column = "c.inbox", .flags = FIELD_FILTER | FIELD_SECRET},
    {"contact", F_ID, offsetof(struct conversation, contact_id), .prefix = "ct", .column = "c.contact", .flags = FIELD_FILTER | FIELD_SECRET},
    {"assignee", F_ID, offsetof(struct conversation, assignee_id), .prefix = "us", .column = "c.assignee",
     .flags = FIELD_FILTER | FIELD_SECRET},
};
SCHEMA(conversation_schema, "Conversation", struct conversation, conversation_fields, "A customer's conversation with the company.");

void conversation_write(struct ctx *c, enum view view, const struct conversation *v, struct json_out *o, const char *name)
{
    struct actor mine = c->actor;
    c->actor = (struct actor){.kind = view == VIEW_VISITOR ? ACTOR_VISITOR : ACTOR_USER, .id = view == VIEW_VISITOR ? v->contact_id : 0};
    if (view != VIEW_STAFF)
        c->actor.perms[PERM_CONTACT_UNMASK / 64] |= UINT64_C(1) << (PERM_CONTACT_UNMASK % 64);
    schema_write(c, &conversation_schema, v, o, name);
    c->actor = mine;
}
