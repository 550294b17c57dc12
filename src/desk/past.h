// Conversations of the past, for the demo and imports: written as they were, with nothing published and no job put.
#pragma once
#include "desk/conversation.h"

struct past_message {
    int kind, author; // enum message_kind (not ACTIVITY), author_kind
    int64_t author_id;
    struct str text;
    int64_t faq; // the bot's source; 0: none
    struct str faq_title;
    usec at;
    int handoff; // enum handoff_reason + 1: a hand-off instead of a message
};
struct past_conversation {
    int64_t inbox, contact, assignee;
    int state; // enum conversation_state
    struct str language;
    usec created_at;
    const struct past_message *messages;
    size_t count;
    struct str wrap_up_code, wrap_up_note; // resolved ones
    struct rating rating;                  // score 0: none
    int64_t id;                            // out
};
// Inside store_write. The activities (started, handoff, assigned, resolved, rated) are derived.
bool past_put(struct ctx *c, struct past_conversation *past);
