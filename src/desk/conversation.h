// A conversation: bot → queued → open → pending → resolved → reopened. Legal transitions stand in one table (conversation.c); every
// change writes an activity message in the same transaction.
//
// Rights: PERM_CONVERSATION_READ_ALL sees all; PERM_CONVERSATION_READ sees those with the bot, in the queue, or without an assignee, and
// the own ones. PERM_CONVERSATION_REPLY writes into these, takes and resolves; into a colleague's only with PERM_CONVERSATION_ASSIGN
// (notes: whoever sees it).
#pragma once
#include "desk/message.h"

enum conversation_state { CONV_BOT, CONV_QUEUED, CONV_OPEN, CONV_PENDING, CONV_RESOLVED, CONV_STATES };
extern const char *const conversation_states[]; // NULL-terminated, as on the wire

enum conversation_act {
    ACT_HANDOFF,  // bot → queued
    ACT_ASSIGN,   // bot, queued → open
    ACT_TRANSFER, // open, pending → open, with another assignee
    ACT_UNASSIGN, // open, pending → queued, to the front
    ACT_PENDING,  // open → pending: waits for the customer
    ACT_REOPEN,   // pending, resolved → open
    ACT_RESOLVE,  // bot, queued, open, pending → resolved
    ACT_RATE,     // resolved stays
    ACT_COUNT
};
// The table, as a question: may this act happen in that state, and which state follows?
bool conversation_legal(enum conversation_act act, enum conversation_state from, enum conversation_state *to);

enum handoff_reason { HANDOFF_ASKED, HANDOFF_BOT_GAVE_UP, HANDOFF_OFFLINE };

struct inbox_ref {
    int64_t id;
    struct str name;
};
struct contact_ref {
    int64_t id;
    struct str name; // personal
    bool verified;
};
struct user_ref {
    int64_t id;
    struct str name;
};
struct rating {
    int64_t score; // 1 … 5
    struct str comment;
};
struct wrap_up {
    struct str code, note;
};
struct page_ref {
    struct str url, title;
};
struct conversation {
    int64_t id;
    struct inbox_ref *inbox;
    int state;
    struct contact_ref *contact;
    struct user_ref *assignee; // NULL: nobody
    int64_t last_seq, visitor_read, agent_read, unread;
    struct str last_message; // JSON, as the ctx's actor may see it
    int64_t created_at, updated_at, queued_at;
    struct str language; // "zh", "en"
    struct rating *rating;
    struct wrap_up *wrap_up;
    struct page_ref *page; // NULL: not known, or the reader is a visitor
    int64_t event;
    // Not on the wire: for rules and filters.
    int64_t inbox_id, contact_id, assignee_id;
    int64_t misses, bot_seq, opened_at, resolved_at, rated_at, waiting_since;
};
// One with its references filled, as `view` may see it. ERR_NOT_FOUND. Checks no rights but what a view hides.
bool conversation_load(struct ctx *c, enum view view, int64_t id, struct conversation *out);
// The same for the actor: ERR_NOT_FOUND also when the actor may not see it.
bool conversation_get(struct ctx *c, int64_t id, struct conversation *out);
bool conversation_visible(const struct actor *a, int state, int64_t assignee); // may this actor see such a conversation?
bool conversation_list(struct ctx *c, const struct list_query *q, struct conversation **conversations, size_t *count);
// A visitor's: the running one, else the last one; 0: none.
bool conversation_of_visitor(struct ctx *c, int64_t inbox, int64_t contact, int64_t *id, int *state);
// Is `id` a conversation of this contact?
bool conversation_is_of(struct ctx *c, int64_t id, int64_t contact, bool *is);
void conversation_write(struct ctx *c, enum view view, const struct conversation *v, struct json_out *o, const char *name);
// Those whose last change is after `event`, which the actor may see, at most `most`; reset: more changed than that. latest: the newest
// event that is readable now (ask for what comes after it next time).
bool conversation_since(struct ctx *c, int64_t event, size_t most, struct conversation **conversations, size_t *count, bool *reset,
                        int64_t *latest);
struct conversation_counts {
    int64_t mine, queued, bot, unassigned; // mine: open and pending; unassigned: queued, or open without an agent
};
bool conversation_count(struct ctx *c, int64_t user, struct conversation_counts *out);
void conversation_counts_write(const struct conversation_counts *n, struct json_out *o, const char *name);

// The acts. Each is one durable transaction and publishes afterwards. The actor's rights are checked (by the ctx). cid: idempotent; may
// be empty. *ack (may be NULL) gets the activity's seq and time.
struct act_ack {
    int64_t conversation, seq, at;
};
bool conversation_assign(struct ctx *c, int64_t id, int64_t user, struct act_ack *ack); // 0: back to the queue
// The actor becomes the assignee, also of a colleague's conversation with PERM_CONVERSATION_ASSIGN (explicit take-over).
bool conversation_take(struct ctx *c, int64_t id, struct act_ack *ack);
bool conversation_pending(struct ctx *c, int64_t id, struct act_ack *ack);
bool conversation_reopen(struct ctx *c, int64_t id, struct act_ack *ack);
bool conversation_resolve(struct ctx *c, int64_t id, const struct wrap_up *wrap_up, struct act_ack *ack); // code must be an enabled one
// The visitor's (contact is checked).
bool conversation_handoff(struct ctx *c, int64_t id, int64_t contact, enum handoff_reason reason, struct str cid, struct act_ack *ack);
// Once for a resolution; changeable for RATING_CHANGE_FOR. ERR_CONFLICT conversation.not_resolved, conversation.rated.
#define RATING_CHANGE_FOR (10 * MINUTE)
bool conversation_rate(struct ctx *c, int64_t id, int64_t contact, const struct rating *rating, struct str cid, struct act_ack *ack);
// The contact behind a visitor became known (signed identity): an activity in the conversation. Its rows moved with the contacts' merge already.
bool conversation_identified(struct ctx *c, int64_t id, int64_t contact);
// The visitor's running conversation, started when there is none (asking for a person before any message).
struct conversation_start {
    int64_t inbox, contact;
    int lang; // enum lang
    struct str page_url, page_title;
};
bool conversation_start(struct ctx *c, const struct conversation_start *start, int64_t *id);

// The bot's decision for a message: JSON with seq and at. ERR_NOT_FOUND.
bool conversation_trace(struct ctx *c, int64_t id, int64_t seq, struct str *json);

extern const struct schema conversation_schema, wrap_up_schema;
extern const struct route conversation_routes[], agent_routes[];
