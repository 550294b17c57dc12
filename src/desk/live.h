// Inside of the room: the desk's live state, rows as rules see them, and what a transaction changed (published after its commit).
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "base/vec.h"
#include "desk/desk.h"
#include "desk/attachment.h"
#include "desk/inbox.h"
#include "store/db.h"

// One user's place at the desk.
struct seat {
    int64_t user;
    int chosen;        // enum presence, as stored
    int shown;         // what was last published
    int sockets;
    usec gone_at;      // when the last socket closed; 0: one is open, or never was here
    usec idle_since;   // the longest idle comes first
    usec left_at;      // when they chose offline; 0: they did not
    bool returned;     // their unanswered conversations went back already
};
struct known_user {
    struct desk_user user;
    char *name;
    usec read_at;
};
struct read_mark {
    int64_t visitor, agent;
};
struct budget { // a count within a window
    usec since;
    int64_t used;
};
struct inbox_cache; // inbox.c

struct desk {
    pthread_mutex_t lock; // for all below; never held while SQL runs
    struct map seats;     // user → struct seat
    struct map users;     // user → struct known_user
    struct map dirty;     // conversations whose traffic the list has not seen yet
    struct map reads;     // conversation → struct read_mark, not yet written
    struct map senders;   // contact → struct budget
    struct str_map starters; // address → struct budget
    usec listed_at, placed_at, swept_at;
    usec handling; // mean time of recent conversations, for the expected wait
    usec handling_at;
    bool queue_changed; // visitors who wait have not heard of their new places yet
    bool queue_again;   // something happened that the queue should look at
    atomic_int consoles;
    struct inbox_cache *inboxes;
    pthread_t thread;
    bool running, stopping;
    pthread_cond_t wake;
    void (*make_ctx)(void *arg, struct ctx *c);
    void *make_arg;
};

// A conversation's row.
struct conv_row {
    int64_t id, inbox, contact, state, assignee, last_seq, visitor_read, agent_read, unread, queue_first, queued_at, waiting_since;
    int64_t opened_at, resolved_at, language, misses, bot_seq, rating, rated_at, created_at, updated_at;
    struct str rating_comment, wrap_code, wrap_note;
};
bool conv_read(struct ctx *c, int64_t id, struct conv_row *row, bool *found);
// Inside store_write. Takes the row for this transaction and the next seq for one message: row->last_seq is that seq. Each must be used.
bool conv_lock(struct ctx *c, int64_t id, struct conv_row *row); // ERR_NOT_FOUND
bool conv_save(struct ctx *c, const struct conv_row *row);       // all but seq, reads of the visitor and times of creation

// What one transaction changed. Filled inside the closure (which empties it first, since it may run twice), published after the commit.
struct change {
    struct {
        VEC(struct conv_message);
    } messages;
    struct moved {
        int64_t conversation;
        int from, to;            // states
        int64_t was, is;         // assignees
        bool offered;            // the assignee did not do it themself
        bool started;
    } *moved;
    size_t moved_count, moved_room;
};
void change_begin(struct change *ch);
void change_moved(struct ctx *c, struct change *ch, struct moved m);
void change_tell(struct ctx *c, struct change *ch);    // only the frames
void change_publish(struct ctx *c, struct change *ch); // outside store_write; also tells the queue

// Who does something, as messages name them.
struct author {
    int kind;
    int64_t id;
    struct str name;
};
struct author author_of(const struct ctx *c); // the ctx's actor
struct str bot_name(struct ctx *c, int64_t language);

// Inside store_write: stores one message at row->last_seq (from conv_lock) and notes it in `ch`. False also when its cid is there already.
struct line {
    int kind;
    struct author author;
    struct str cid, text, data, staff;
    int64_t choice;
    bool trace;
    usec at;
};
bool message_insert(struct ctx *c, struct change *ch, int64_t conversation, int64_t seq, const struct line *l, int64_t *event);
// Looks up a cid: *seq 0 when it is not there.
bool message_of_cid(struct ctx *c, int64_t conversation, struct str cid, int64_t *seq, int64_t *event, int64_t *at);

// Inside store_write: one act on a conversation that conv_lock took: checks the table, writes row and activity.
struct act {
    enum conversation_act act;
    struct author author;
    struct str cid;
    int64_t user;                 // assign, transfer
    struct str user_name;
    enum handoff_reason reason;   // hand-off
    bool front;                   // unassign: before the others
    const struct wrap_up *wrap_up;
    const struct rating *rating;
    usec at;
};
bool act_apply(struct ctx *c, struct change *ch, struct conv_row *row, const struct act *a);

// One running conversation of a contact in an inbox: found or started (*started). Inside store_write; false with store.conflict when
// another transaction was faster: the caller runs it all again.
bool conv_running(struct ctx *c, int64_t inbox, int64_t contact, int64_t *id);
bool conv_start(struct ctx *c, const struct conversation_start *s, bool bot, usec at, int64_t *id);

bool conv_contact_moves(struct ctx *c, int64_t from, int64_t to); // inside store_write: a merged contact's conversations

// Whether something waits in the queue's rows: a cheap look.
bool queue_waiting(struct ctx *c, bool *waiting);
void queue_publish_places(struct ctx *c);
void presence_load(struct ctx *c, struct desk *d);
void presence_tick(struct ctx *c);
void presence_busy(struct ctx *c, int64_t user, usec at); // had something to do just now
// The users who can take conversations now: copies into the arena.
struct free_agent {
    int64_t user, capacity, load;
    usec idle_since;
    struct str name;
};
size_t presence_ready(struct ctx *c, struct free_agent **agents);
struct inbox_cache *inbox_cache_new(void);
void inbox_cache_free(struct inbox_cache *cache);
extern const struct job_kind turn_job;
bool attachment_orphans_run(struct ctx *c, const struct job *job);
void typing_bot(struct ctx *c, int64_t conversation, int64_t language, bool on);
// Inside store_write: one that this owner uploaded and nobody sent yet (*fine); then: it is sent.
bool attachment_unsent(struct ctx *c, int64_t id, int owner_kind, int64_t owner, struct attachment *out, bool *fine);
bool attachment_send(struct ctx *c, int64_t id, int64_t conversation);
void desk_dirty(struct ctx *c, int64_t conversation);
void *desk_keep(size_t bytes); // live state is long-lived: zeroed memory of the desk's own
