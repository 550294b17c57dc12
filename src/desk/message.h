// Messages: the lines of a conversation. `seq` is 1, 2, 3 … in the conversation, without gaps; `event` grows over the installation. A
// message never changes once it is stored.
#pragma once
#include "schema/schema.h"

enum message_kind { MESSAGE_TEXT, MESSAGE_IMAGE, MESSAGE_FILE, MESSAGE_ACTIVITY, MESSAGE_NOTE };
enum author_kind { AUTHOR_VISITOR, AUTHOR_AGENT, AUTHOR_BOT, AUTHOR_SYSTEM };
extern const char *const message_kinds[], *const author_kinds[]; // NULL-terminated, as on the wire

enum {
    MESSAGE_MOST_TEXT = 8000,      // code points
    MESSAGE_MOST_CID = 64,         // bytes
    MESSAGE_MOST_ATTACHMENTS = 10,
    MESSAGE_MOST_USED = 10,
    MESSAGE_MOST_PAGE = 100,       // messages of one history answer
    DRAFTS_MOST = 512,             // of one desk_post
};

struct conv_message {
    int64_t event, conversation, seq, at;
    struct str cid;
    int kind, author; // enum message_kind, author_kind
    int64_t author_id; // contact or user; 0: bot, system
    struct str author_name;
    struct str text;
    struct str data;  // further members as they stand on the wire, without braces: "attachments":[…],"sources":[…],"activity":{…}
    struct str staff; // the same for staff where it differs (a resolved activity with its wrap-up); empty: data
    bool trace;       // the bot's decision is kept
};

// Who reads: a visitor (notes become `hidden`), or staff, with the contact's name in full or masked.
enum view { VIEW_VISITOR, VIEW_STAFF, VIEW_STAFF_FULL };
enum view view_of(const struct actor *a);
void message_write(struct ctx *c, enum view view, const struct conv_message *m, struct json_out *o, const char *name);
struct str message_frame(struct ctx *c, enum view view, const struct conv_message *m); // {"t":"msg","m":…}

// Messages after (after < 0: from the first on) or before a seq; after and before 0: the last ones. Always ascending. more: there are further ones in that
// direction. Author names are filled. limit is clipped to 1 … MESSAGE_MOST_PAGE. Checks no rights.
bool message_list(struct ctx *c, int64_t conversation, int64_t after, int64_t before, int limit, struct conv_message **messages,
                  size_t *count, bool *more);
bool message_at(struct ctx *c, int64_t conversation, int64_t seq, struct conv_message *out, bool *found);

// Whoever wants to store messages fills drafts; each gets its own outcome.
struct draft {
    // In. A visitor's draft names contact and inbox; conversation 0 (or one that is resolved by now): the running one, or a new one is
    // started. An agent's draft names the conversation; the ctx's rights do not count here, but `author_id` and `may_all` do.
    int64_t conversation, contact, inbox;
    int author;            // enum author_kind
    int64_t author_id;     // user; visitors: the contact; 0 for bot and system
    struct str author_name;
    bool may_all;          // agents: may write into a colleague's conversation (PERM_CONVERSATION_ASSIGN)
    int kind;              // MESSAGE_TEXT (image or file by the attachments) or MESSAGE_NOTE
    struct str cid;        // [A-Za-z0-9_-], may be empty for staff by REST
    struct str text;       // checked here: clean UTF-8, not too long, not empty without attachments
    int64_t attachments[MESSAGE_MOST_ATTACHMENTS];
    size_t attachment_count;
    int64_t option;        // FAQ that the visitor chose, 0 = none
    int64_t used[MESSAGE_MOST_USED]; // FAQs that the agent used
    size_t used_count;
    int lang;              // enum lang of the visitor's page, for a new conversation
    struct str page_url, page_title; // for a new conversation
    uint64_t tag;          // the caller's own: the socket
    // Out.
    bool stored;           // durable, now or before
    bool again;            // the cid was there already
    bool started;          // this draft started its conversation
    int64_t seq, event, at;
    enum error_code code;  // when not stored
    const char *key;       // "conversation.resolved" …
    int retry_after;
};

extern const struct schema message_schema, draft_schema; // on the wire: Message, and what POST …/messages takes
