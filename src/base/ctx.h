// The small context that comes first in every domain call. No globals: a test makes its own.
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/lang.h"
#include "base/time.h"

// Who acts. Rooms check rights by permission (identity/perm.h), never by kind.
enum actor_kind { ACTOR_NOBODY, ACTOR_SYSTEM, ACTOR_USER, ACTOR_TOKEN, ACTOR_VISITOR, ACTOR_BOT };
struct actor {
    enum actor_kind kind;
    int64_t id;         // user, API token's user, or contact
    int64_t session;    // session or token row; 0 if none
    uint64_t perms[2];  // permission bits, see identity/perm.h
    struct str name;    // for activities and the audit log
    struct str address; // where the request came from
    struct str device;  // user agent, clipped
};

// Pointers to the process's services; a room reaches only what stands to its left in the house.
struct ctx {
    struct arena *arena;
    struct error *err;
    struct clock *clock;
    enum lang lang;
    struct actor actor;
    struct store *store;         // store/db.h: store_write
    struct db *db;               // the connection to read from; inside store_write the transaction's own
    struct conf *conf;           // base/conf.h
    struct hub *hub;             // net/hub.h
    struct keys *keys;           // identity/crypt.h: field encryption and signing keys
    struct knowledge *knowledge; // knowledge/knowledge.h: the index snapshot's holder
    struct desk *desk;           // desk/desk.h: presence, queue, live state
};
