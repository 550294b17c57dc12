// A client's frame: one JSON object, read in a single pass into a flat struct, without a tree in between (a send, a typing sign or a ping is
// read some ten times faster than through json_read; tests/unit/test_frame.c compares the two on what they take and refuse). Texts are slices
// of the input unless they hold escapes, which are decoded into the arena.
#pragma once
#include "base/ctx.h"

enum frame_type {
    FRAME_HELLO, FRAME_SEND, FRAME_TYPING, FRAME_READ, FRAME_PING, FRAME_HISTORY,
    FRAME_HANDOFF, FRAME_RATE,                                // the widget's alone
    FRAME_FOLLOW, FRAME_UNFOLLOW, FRAME_VIEWING, FRAME_PRESENCE // the console's alone
};
enum frame_side { FRAME_OF_WIDGET = 1, FRAME_OF_CONSOLE = 2 };

// Members, as bits of `set`. A member that is null counts as absent but in `nulls`.
enum frame_member {
    IN_T, IN_CID, IN_CONV, IN_TEXT, IN_ON, IN_SEQ, IN_BEFORE, IN_AFTER, IN_LIMIT, IN_KIND, IN_OPTION, IN_ATTACHMENTS, IN_USED, IN_TOKEN,
    IN_IDENTITY, IN_PAGE, IN_LOCALE, IN_SCORE, IN_COMMENT, IN_EVENT, IN_FOLLOW, IN_STATE, FRAME_MEMBERS
};
#define FRAME_HAS(frame, member) (((frame)->set >> (member)) & 1)

enum {
    FRAME_MOST_DEPTH = 16,
    FRAME_MOST_ATTACHMENTS = 10, // message.h: MESSAGE_MOST_ATTACHMENTS
    FRAME_MOST_FOLLOW = 50,
};
struct frame_follow {
    struct str conv;
    int64_t seq;
};
struct frame {
    enum frame_type type;
    uint32_t set, nulls;
    struct str t, cid, conv, text, kind, option, token, locale, comment, state;
    int64_t seq, before, after, limit, score, event;
    bool on;
    struct str attachments[FRAME_MOST_ATTACHMENTS], used[FRAME_MOST_ATTACHMENTS];
    size_t attachment_count, used_count;
    struct {
        struct str id, name, email, phone, hash;
    } identity;
    struct {
        struct str url, title;
    } page;
    struct frame_follow *follow;
    size_t follow_count;
};

enum frame_result {
    FRAME_OK,
    FRAME_REFUSED, // JSON, but no frame of this side: the error is in c->err; `cid` is filled where it could be read
    FRAME_BROKEN   // not JSON, or nested too deeply: the connection ends with 1007
};
// text is valid UTF-8 (net checks it).
enum frame_result frame_read(struct ctx *c, enum frame_side side, struct str text, struct frame *out);

// {"t":"error",…} for c->err in c->lang. cid may be empty.
struct str frame_error(struct ctx *c, struct str cid);
struct str frame_ack(struct ctx *c, struct str cid, int64_t conversation, int64_t seq, usec at);
struct str frame_pong(struct ctx *c);
