// The desk: its live state (presence, caches, what changed), posting, and what is published after a commit. Rows are the truth; live
// state can be lost at any moment.
//
// Topics of the hub. Frames go out after the commit; when two threads post to one conversation at the same moment, theirs may pass each
// other, and a client that sees the gap asks for what is missing:
//     'v' conversation: the visitor's sockets
//     's' / 'S' conversation: staff who follow it, contact's name masked / in full
//     'l' / 'L': staff who see all conversations; 't' / 'T': those who see the team's and their own ("conv" frames of the list)
//     'w' / 'W' user: "conv" frames of their own, for those who do not see all; 'u' / 'U' user: "offer"
//     'p' 0: presence of colleagues
// A conversation's message traffic reaches the list at most once in LIST_EVERY; changes of state and assignee at once.
#pragma once
#include "desk/conversation.h"
#include "desk/presence.h"
#include "desk/queue.h"
#include "net/hub.h"
#include "store/job.h"

struct desk;
struct desk *desk_open(struct ctx *c); // after store, keys and knowledge; NULL with the error
void desk_close(struct desk *d);       // NULL is fine
// A thread that flushes the list, writes read marks, watches presence and runs the queue; make_ctx as for jobs. desk_stop ends it.
void desk_start(struct desk *d, void (*make_ctx)(void *arg, struct ctx *c), void *arg);
void desk_stop(struct desk *d);
void desk_tick(struct ctx *c); // one round of it, by the ctx's clock; tests call it
extern const struct job_kind desk_jobs[]; // bot_turn, attachment_orphans
extern const size_t desk_job_count;

#define LIST_EVERY (300 * MILLISECOND)
#define TICK_EVERY (100 * MILLISECOND)

// Stores all drafts durably in one transaction, each with its own outcome, and publishes what was stored. False (with the error, and in
// every draft) only when nothing could be stored at all. At most DRAFTS_MOST; drafts of one conversation keep their order.
bool desk_post(struct ctx *c, struct draft *drafts, size_t count);

// The topics that a console socket subscribes to after hello (up to 4, 0-terminated), and the one for following a conversation.
void desk_topics(const struct actor *a, uint64_t topics[5]);
uint64_t desk_topic_follow(const struct actor *a, int64_t conversation);
static inline uint64_t desk_topic_visitor(int64_t conversation)
{
    return hub_topic('v', conversation);
}
// A frame to all that follow the conversation: staff (both views get the same one), and the visitor too when `visitor`. c->hub NULL:
// nothing.
void desk_publish_staff(struct ctx *c, int64_t conversation, struct str frame, uint64_t except_conn);
void desk_publish_visitor(struct ctx *c, int64_t conversation, struct str frame, uint64_t except_conn);

// Seen up to seq. Publishes the read frame at once; the mark is written with the next tick. Marks only grow. The caller has checked that
// the reader may.
void desk_read_visitor(struct ctx *c, int64_t conversation, int64_t seq);
void desk_read_agent(struct ctx *c, int64_t conversation, int64_t seq);

// Consoles that are connected: without any, the list is not published.
void desk_console(struct ctx *c, int change); // +1, -1
