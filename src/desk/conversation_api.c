#include "crm/contact.h"
#include "desk/live.h"
#include "schema/id.h"
#include "schema/perm.h"

static bool body_conversation(struct request *rq, struct response *rs, int64_t id)
{
    struct conversation v;
    struct ctx *c = rq->ctx;
    if (!conversation_load(c, view_of(&c->actor), id, &v)) // whoever just acted on it may see what became of it
        return false;
    reply(rq, rs, &conversation_schema, &v);
    return true;
}
static bool conversation_param(struct request *rq, int64_t *id)
{
    return id_param(rq->ctx, "cv", rq->params[0], id);
}
static bool visible(struct request *rq, int64_t *id)
{
    struct ctx *c = rq->ctx;
    struct conv_row row = {0};
    bool found;
    if (!conversation_param(rq, id) || !conv_read(c, *id, &row, &found))
        return false;
    return (found && conversation_visible(&c->actor, (int)row.state, row.assignee)) || fail(c, ERR_NOT_FOUND, "not_found", NULL);
}

static bool list(struct request *rq, struct response *rs)
{
    struct list_query q;
    struct conversation *v;
    size_t count;
    if (!list_parse(rq, &conversation_schema, 2, &q) || !conversation_list(rq->ctx, &q, &v, &count))
        return false;
    list_write(rq, rs, &conversation_schema, &q, v, count, offsetof(struct conversation, id));
    return true;
}
static bool of_contact(struct request *rq, struct response *rs)
{
    struct ctx *c = rq->ctx;
    struct list_query q;
    struct conversation *v;
    struct contact_brief brief;
    size_t count;
    int64_t id;
    if (!id_param(c, "ct", rq->params[0], &id) || !list_parse(rq, &conversation_schema, 2, &q))
        return false;
    if (!contact_find(c, id, &brief))
        return c->err->code ? false : fail(c, ERR_NOT_FOUND, "not_found", NULL);
    struct db_value *values = ARENA_ARRAY(c->arena, struct db_value, q.count + 1);
    if (q.count)
        memcpy(values, q.values, q.count * sizeof *values);
    values[q.count] = (struct db_value){.type = 'i', .i = brief.id};
    q.where = str_printf(c->arena, STR_FMT " AND c.contact = ?%zu", STR_ARG(q.where), q.count + 2);
    q.values = values;
    q.count++;
    if (!conversation_list(c, &q, &v, &count))
        return false;
    list_write(rq, rs, &conversation_schema, &q, v, count, offsetof(struct conversation, id));
    return true;
}
static bool get(struct request *rq, struct response *rs)
{
    struct conversation v;
    int64_t id;
    if (!conversation_param(rq, &id) || !conversation_get(rq->ctx, id, &v))
        return false;
    reply(rq, rs, &conversation_schema, &v);
    return true;
}

struct history {
    int64_t after, before, limit;
};
static const struct field history_fields[] = {
    FIELD(_, history, after, F_INT, .doc = "Messages after this seq, ascending."),
    FIELD(_, history, before, F_INT, .doc = "The last messages before this seq."),
    FIELD(_, history, limit, F_INT, .min = 1, .max = MESSAGE_MOST_PAGE),
};
static SCHEMA(history_schema, "MessageQuery", struct history, history_fields, "Which messages.");

static bool query_int(struct request *rq, const char *name, int64_t least, int64_t most, int64_t *value)
{
    struct str text;
    if (!request_query(rq, name, &text))
        return true;
    if (str_int(text, value) && *value >= least && *value <= most)
        return true;
    return fail_field(rq->ctx, str_of(name), "list.filter_value", NULL);
}

struct message_page {
    struct list items;
    bool more;
};
static const struct field page_fields[] = {
    FIELD(_, message_page, items, F_LIST, .sub = &message_schema),
    FIELD(_, message_page, more, F_BOOL, .doc = "There are further ones in that direction."),
};
static SCHEMA(page_schema, "MessagePage", struct message_page, page_fields, "Messages, ascending by seq.");

static bool messages(struct request *rq, struct response *rs)
{
    struct ctx *c = rq->ctx;
    int64_t id, after = 0, before = 0, limit = 50;
    struct conv_message *m;
    struct str given;
    size_t count;
    bool more, fine = query_int(rq, "after", 0, INT64_MAX - 1, &after);
    fine &= query_int(rq, "before", 1, INT64_MAX - 1, &before);
    fine &= query_int(rq, "limit", 1, MESSAGE_MOST_PAGE, &limit);
    if (!fine || !visible(rq, &id))
        return false;
    if (request_query(rq, "after", &given) && !after)
        after = -1;
    if (!message_list(c, id, after, before, (int)limit, &m, &count, &more))
        return false;
    struct json_out o = {.buf = rs->body};
    o.buf.arena = c->arena;
    json_open(&o, NULL, '{');
    json_open(&o, "items", '[');
    for (size_t i = 0; i < count; i++)
        message_write(c, view_of(&c->actor), &m[i], &o, NULL);
    json_close(&o, ']');
    json_put_bool(&o, "more", more);
    json_close(&o, '}');
    rs->body = o.buf;
    return true;
}

// What POST …/messages takes.
struct sending {
    struct str cid, text;
    int kind;
    struct str_list attachments, used;
};
static const char *const sending_kinds[] = {"text", "note", NULL};
static const struct field sending_fields[] = {
    FIELD(_, sending, cid, F_TEXT, .max = MESSAGE_MOST_CID, .doc = "Makes sending idempotent; a UUID."),
    FIELD(_, sending, kind, F_ENUM, .choices = sending_kinds),
    FIELD(_, sending, text, F_TEXT, .max = MESSAGE_MOST_TEXT, .flags = FIELD_MULTILINE),
    FIELD(_, sending, attachments, F_TEXTS, .max = MESSAGE_MOST_ATTACHMENTS),
    FIELD(_, sending, used, F_TEXTS, .max = MESSAGE_MOST_USED, .doc = "FAQs whose answers were used."),
};
SCHEMA(draft_schema, "MessageDraft", struct sending, sending_fields, "A message to be sent.");

static bool ids_of(struct ctx *c, const char *prefix, const char *field, const struct str_list *texts, int64_t *ids, size_t *count)
{
    bool fine = true;
    *count = texts->count;
    for (size_t i = 0; i < texts->count; i++)
        if (!id_parse(prefix, texts->at[i], &ids[i]))
            fine = fail_field(c, str_printf(c->arena, "%s/%zu", field, i), "schema.id", NULL);
    return fine;
}

static bool send(struct request *rq, struct response *rs)
{
    struct ctx *c = rq->ctx;
    const struct sending *in = rq->in;
    int64_t id;
    if (!visible(rq, &id))
        return false;
    struct draft d = {.conversation = id, .author = AUTHOR_AGENT, .author_id = c->actor.id, .author_name = c->actor.name, .cid = in->cid,
                      .text = in->text, .kind = in->kind == 1 ? MESSAGE_NOTE : MESSAGE_TEXT,
                      .may_all = actor_may(&c->actor, PERM_CONVERSATION_ASSIGN)};
    bool fine = ids_of(c, "at", "attachments", &in->attachments, d.attachments, &d.attachment_count);
    fine &= ids_of(c, "kf", "used", &in->used, d.used, &d.used_count);
    if (!fine || (!desk_post(c, &d, 1)))
        return false;
    if (!d.stored)
        return d.code == ERR_INVALID ? fail_field(c, STR("text"), d.key, NULL) : fail(c, d.code, d.key, NULL);
    struct conv_message m;
    bool found;
    if (!message_at(c, d.conversation, d.seq, &m, &found))
        return false;
    if (!found)
        return fail(c, ERR_NOT_FOUND, "not_found", NULL);
    struct json_out o = {.buf = rs->body};
    o.buf.arena = c->arena;
    message_write(c, view_of(&c->actor), &m, &o, NULL);
    rs->body = o.buf;
    rs->status = d.again ? 200 : 201;
    return true;
}

struct assigning {
    int64_t user;
};
static const struct field assigning_fields[] = {
    FIELD(_, assigning, user, F_ID, .prefix = "us", .doc = "Absent: back to the queue."),
};
static SCHEMA(assigning_schema, "Assignment", struct assigning, assigning_fields, "To whom.");
static bool assign(struct request *rq, struct response *rs)
{
    int64_t id;
    const struct assigning *in = rq->in;
    return conversation_param(rq, &id) && conversation_assign(rq->ctx, id, in ? in->user : 0, NULL) && body_conversation(rq, rs, id);
}
static bool take(struct request *rq, struct response *rs)
{
    int64_t id;
    return conversation_param(rq, &id) && conversation_take(rq->ctx, id, NULL) && body_conversation(rq, rs, id);
}
static bool pending(struct request *rq, struct response *rs)
{
    int64_t id;
    return conversation_param(rq, &id) && conversation_pending(rq->ctx, id, NULL) && body_conversation(rq, rs, id);
}
static bool reopen(struct request *rq, struct response *rs)
{
    int64_t id;
    return conversation_param(rq, &id) && conversation_reopen(rq->ctx, id, NULL) && body_conversation(rq, rs, id);
}

struct resolving {
    struct wrap_up *wrap_up;
};
static const struct field resolving_fields[] = {
    FIELD(_, resolving, wrap_up, F_OBJECT, .sub = &wrap_up_schema, .flags = FIELD_REQUIRED),
};
static SCHEMA(resolving_schema, "Resolution", struct resolving, resolving_fields, "How it ended.");
static bool resolve(struct request *rq, struct response *rs)
{
    int64_t id;
    const struct resolving *in = rq->in;
    return conversation_param(rq, &id) && conversation_resolve(rq->ctx, id, in->wrap_up, NULL) && body_conversation(rq, rs, id);
}

// The trace is written as it was kept; this is for the document.
struct trace_token {
    struct str text;
    int64_t weight;
};
static const struct field trace_token_fields[] = {FIELD(_, trace_token, text, F_TEXT), FIELD(_, trace_token, weight, F_INT)};
static SCHEMA(trace_token_schema, "BotTraceToken", struct trace_token, trace_token_fields, "A term of the question.");
struct trace_candidate {
    struct str kind, id, title, matched;
    int64_t score;
};
static const struct field trace_candidate_fields[] = {
    FIELD(_, trace_candidate, kind, F_TEXT),    FIELD(_, trace_candidate, id, F_TEXT),   FIELD(_, trace_candidate, title, F_TEXT),
    FIELD(_, trace_candidate, matched, F_TEXT), FIELD(_, trace_candidate, score, F_INT),
};
static SCHEMA(trace_candidate_schema, "BotTraceCandidate", struct trace_candidate, trace_candidate_fields, "What could have been the answer.");
struct trace_shape {
    int64_t seq, at, answer_threshold, suggest_threshold, microseconds;
    struct str verdict, reason, normalised;
    struct list tokens, candidates;
};
static const struct field trace_fields[] = {
    FIELD(_, trace_shape, seq, F_INT),
    FIELD(_, trace_shape, at, F_TIME),
    FIELD(_, trace_shape, verdict, F_TEXT),
    FIELD(_, trace_shape, reason, F_TEXT),
    FIELD(_, trace_shape, normalised, F_TEXT),
    FIELD(_, trace_shape, tokens, F_LIST, .sub = &trace_token_schema),
    FIELD(_, trace_shape, candidates, F_LIST, .sub = &trace_candidate_schema),
    FIELD(_, trace_shape, answer_threshold, F_INT),
    FIELD(_, trace_shape, suggest_threshold, F_INT),
    FIELD(_, trace_shape, microseconds, F_INT),
};
static SCHEMA(trace_schema, "BotTrace", struct trace_shape, trace_fields, "Why the bot said what it said.");
struct trace_query {
    int64_t seq;
};
static const struct field trace_query_fields[] = {FIELD(_, trace_query, seq, F_INT, .flags = FIELD_REQUIRED, .doc = "The bot's message.")};
static SCHEMA(trace_query_schema, "TraceQuery", struct trace_query, trace_query_fields, "Which decision.");
static bool trace(struct request *rq, struct response *rs)
{
    int64_t id, seq = 0;
    struct str json;
    if (!query_int(rq, "seq", 1, INT64_MAX, &seq) || !visible(rq, &id) || !conversation_trace(rq->ctx, id, seq, &json))
        return false;
    rs->body.arena = rq->ctx->arena;
    buf_str_add(&rs->body, json);
    return true;
}

const struct route conversation_routes[] = {
    {GET, "/api/v1/conversations", PERM_CONVERSATION_READ, NULL, &conversation_schema, list, ROUTE_LIST,
     "Conversations that the caller may see", &conversation_schema},
    {GET, "/api/v1/contacts/{id}/conversations", PERM_CONVERSATION_READ, NULL, &conversation_schema, of_contact, ROUTE_LIST,
     "A contact's conversations", &conversation_schema},
    {GET, "/api/v1/conversations/{id}", PERM_CONVERSATION_READ, NULL, &conversation_schema, get, .summary = "One conversation"},
    {GET, "/api/v1/conversations/{id}/messages", PERM_CONVERSATION_READ, NULL, &page_schema, messages, .summary = "Messages of a conversation",
     .query = &history_schema},
    {POST, "/api/v1/conversations/{id}/messages", PERM_CONVERSATION_REPLY, &draft_schema, &message_schema, send,
     ROUTE_CREATES | ROUTE_NO_AUDIT, "Send a message or write a note"},
    {POST, "/api/v1/conversations/{id}/assign", PERM_CONVERSATION_REPLY, &assigning_schema, &conversation_schema, assign, ROUTE_OPTIONAL_BODY,
     "Assign to a colleague, or put back into the queue"},
    {POST, "/api/v1/conversations/{id}/take", PERM_CONVERSATION_REPLY, NULL, &conversation_schema, take, .summary = "Take over"},
    {POST, "/api/v1/conversations/{id}/pending", PERM_CONVERSATION_REPLY, NULL, &conversation_schema, pending,
     .summary = "Wait for the customer"},
    {POST, "/api/v1/conversations/{id}/reopen", PERM_CONVERSATION_REPLY, NULL, &conversation_schema, reopen, .summary = "Open again"},
    {POST, "/api/v1/conversations/{id}/resolve", PERM_CONVERSATION_REPLY, &resolving_schema, &conversation_schema, resolve,
     .summary = "Resolve with a wrap-up"},
    {GET, "/api/v1/conversations/{id}/trace", PERM_CONVERSATION_READ, NULL, &trace_schema, trace, .summary = "The bot's decision for a message",
     .query = &trace_query_schema},
    {0},
};

static const struct field agent_fields[] = {
    FIELD(_, agent, id, F_ID, .prefix = "us"),
    FIELD(_, agent, name, F_TEXT),
    FIELD(_, agent, presence, F_ENUM, .choices = presence_names),
    FIELD(_, agent, load, F_INT, .doc = "Open conversations."),
    FIELD(_, agent, capacity, F_INT),
};
static SCHEMA(agent_schema, "Agent", struct agent, agent_fields, "Somebody who answers customers.");
static bool agents(struct request *rq, struct response *rs)
{
    struct agent *a;
    size_t count;
    struct list_query q = {.limit = 1000};
    if (!agent_list(rq->ctx, &a, &count))
        return false;
    list_write(rq, rs, &agent_schema, &q, a, count, offsetof(struct agent, id));
    return true;
}
const struct route agent_routes[] = {
    {GET, "/api/v1/agents", PERM_CONVERSATION_READ, NULL, &agent_schema, agents, ROUTE_LIST, "Who answers customers, and who is here"},
    {0},
};
