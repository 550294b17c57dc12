// Presence: who is ready for conversations. What a user chose (online, away, offline) is a row; whether they are here is known from their
// sockets. When the last socket is gone for PRESENCE_GRACE they count as away; after RETURN_GRACE more, their unanswered conversations go
// back to the queue's front. Whoever comes back gets the state that they had chosen.
#pragma once
#include "base/ctx.h"

enum presence { PRESENCE_OFFLINE, PRESENCE_AWAY, PRESENCE_ONLINE };
extern const char *const presence_names[]; // NULL-terminated
#define PRESENCE_GRACE (60 * SECOND)
#define RETURN_GRACE (60 * SECOND)

void presence_connected(struct ctx *c, int64_t user);                // a console socket said hello
void presence_gone(struct ctx *c, int64_t user);                     // and one closed
bool presence_set(struct ctx *c, int64_t user, enum presence state); // durable; publishes; runs the queue
enum presence presence_of(struct ctx *c, int64_t user);              // what counts now
int presence_online(struct ctx *c);                                  // how many are online: the widget's "online"
bool presence_frame(struct ctx *c, int64_t user, struct str *frame); // {"t":"presence","user":…,"state"}

struct agent {
    int64_t id;
    struct str name;
    int presence;
    int64_t load, capacity;
};
bool agent_list(struct ctx *c, struct agent **agents, size_t *count); // active users with PERM_CONVERSATION_REPLY
// A user as the desk knows them: a small cache over identity, some seconds old at most. False: no such user (no error).
struct desk_user {
    int64_t id;
    struct str name;
    bool active;
    int64_t capacity;
    uint64_t perms[2];
};
bool desk_user(struct ctx *c, int64_t id, struct desk_user *out);
