// Inside of the room: what the two real-time endpoints share between lanes. Who sits at which socket, who types, who looks at what, and which
// sockets have not said hello yet. All of it is lost with the process and comes back with the clients.
#pragma once
#include <stdatomic.h>

#include "base/map.h"
#include "desk/desk.h"
#include "net/server.h"

enum { WS_REFUSED = 4003, WS_SIGNED_OUT = 4001, WS_NOT_JSON = 1007, WS_RESTART = 1012 };
#define HELLO_WITHIN (10 * SECOND)
#define TYPING_LASTS (6 * SECOND)

// Ends sockets without a hello and typing signs that nobody repeats. Called by desk_tick.
void socket_tick(struct ctx *c);
void socket_opened(struct ctx *c, uint64_t conn); // must say hello from now on
void socket_greeted(uint64_t conn);               // has done so, or is closed

// A visitor with all open sockets (tabs, devices). They all follow the same conversation: the running one, else the last.
struct person {
    int64_t contact;
    _Atomic int64_t conversation; // 0: none yet
    uint64_t *conns;
    uint32_t count, room;
};
struct person *person_join(int64_t contact, uint64_t conn);
void person_leave(struct person *p, uint64_t conn); // p may be gone afterwards
// Lets all sockets follow this conversation; true when it is another one than before.
bool person_follows(struct ctx *c, struct person *p, int64_t conversation);
void person_close(struct ctx *c, int64_t contact); // all sockets come back by themselves: the contact was merged into another

// Who types where. A sign that is not repeated ends by itself. text: what the visitor has typed so far, for staff; may be empty.
struct typist {
    uint64_t conn;
    int64_t conversation;
    bool staff;
    int64_t id;      // contact or user
    struct str name; // of staff
};
void typing_say(struct ctx *c, const struct typist *t, bool on, struct str text);

// Staff sockets. Only the socket's lane changes one, but for `follows`; others read it under the registry's lock.
struct staff {
    uint64_t conn;
    int64_t user, session;
    struct actor actor; // texts are copies of its own
    enum lang lang;
    bool greeted, closing;
    uint64_t topics[5];
    int64_t viewing;
    struct {
        int64_t conversation;
        uint64_t topic;
    } *follows;
    uint32_t follow_count, follow_room;
};
enum { STAFF_MOST_FOLLOWS = 200 };
void staff_add(struct ctx *c, struct staff *s);
void staff_remove(struct ctx *c, struct staff *s); // with everything that it followed; does not free
bool staff_follows(const struct staff *s, int64_t conversation);
bool staff_follow(struct ctx *c, struct staff *s, int64_t conversation); // false: desk.too_many_followed
void staff_unfollow(struct ctx *c, struct staff *s, int64_t conversation);
void staff_views(struct ctx *c, struct staff *s, int64_t conversation); // 0: nothing; tells the followers of both
void staff_tell_viewers(struct ctx *c, int64_t conversation, uint64_t only); // only: this socket; 0: all who follow
// What the user may do now: the topics for it, and no more of what may not be seen.
void staff_may(struct ctx *c, struct staff *s, const uint64_t perms[2]);
// A conversation changed hands or state: whoever may not see it any more stops following. Called after each commit that did so.
void socket_moved(struct ctx *c, int64_t conversation, int state, int64_t assignee);
