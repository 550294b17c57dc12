// Inboxes: where customers come in. An inbox has a public key (what the widget's script names), a look, the origins that may embed it,
// and a sealed secret for signed identities. Sockets read a small cache; a change empties it (other processes' changes are seen within
// seconds).
#pragma once
#include "schema/schema.h"

struct greeting {
    struct str zh_CN, en_US;
};
struct inbox {
    int64_t id;
    struct str name, key, color;
    struct greeting *greeting;
    struct str_list origins; // empty: our own pages only
    bool bot;                // the bot answers first; else conversations go to the queue
    bool enabled;
    int64_t version, created_at, updated_at;
};
bool inbox_create(struct ctx *c, struct inbox *inbox); // name, bot …; makes the key (unless one is given) and the secret, fills the rest
bool inbox_change(struct ctx *c, struct inbox *inbox, uint64_t set, int64_t expected_version); // set: bits of inbox_schema; fills the rest
bool inbox_get(struct ctx *c, int64_t id, struct inbox *out); // ERR_NOT_FOUND
bool inbox_list(struct ctx *c, const struct list_query *q, struct inbox **inboxes, size_t *count);
bool inbox_new_secret(struct ctx *c, int64_t id, struct str *secret); // a fresh one; the old one ends
// From the cache. ERR_NOT_FOUND desk.inbox_unknown (also when it is disabled).
bool inbox_by_key(struct ctx *c, struct str key, struct inbox *out);
bool inbox_cached(struct ctx *c, int64_t id, struct inbox *out); // disabled ones too
bool inbox_secret(struct ctx *c, int64_t id, struct str *secret); // for checking a signed identity; outside store_write
// May a page of `origin` ("https://shop.example") talk to this inbox? `own_host` is the Host that the request named.
bool inbox_allows(const struct inbox *inbox, struct str origin, struct str own_host);

extern const struct schema inbox_schema;
extern const struct route inbox_routes[];
