// Contacts: the people who write in, and by what they are recognised.
//
// Personal fields (name, e-mail, phone, note, the site's customer id) are sealed in the store; nothing of them can be searched by
// parts. What can be found: a whole e-mail address, phone number, customer id or name, and one word of a name, each through its keyed
// hash. A list therefore never reveals letter by letter what is masked.
//
// Who is at a browser. The widget keeps a signed token that names a contact (desk/visitor.h); an anonymous visitor is a contact without a
// name. An account of the site is (inbox, customer id), proven by the caller with the inbox's secret. When a browser proves an account:
//   - nobody has that account yet, and the browser's contact is anonymous: the contact takes the account on;
//   - somebody has it, and the browser's contact is anonymous: that contact is merged into the account's. Whatever other rooms keep for it
//     (CONTACT_MERGE) moves over; fields that are empty there are filled from it; its row stays and leads on, so no id and no token is lost;
//   - the browser's contact is proven to be somebody else (a shared device): neither is touched. The browser gets a token of the account's
//     contact, and what was said under the other account stays there.
#pragma once
#include "schema/schema.h"
#include "store/db.h"

enum contact_language { CONTACT_ZH, CONTACT_EN };
struct contact {
    int64_t id;
    struct str name; // empty for an anonymous visitor: the pages show a label of their own
    struct str email, phone, external_id, company, note;
    bool verified; // has an account that its site has proven
    int language;  // enum contact_language, -1 unknown
    int64_t last_seen_at, created_at, updated_at, version;
};
extern const struct schema contact_schema;
extern const struct route contact_routes[];

// The id of a merged contact finds the one that it was merged into. ERR_NOT_FOUND.
bool contact_get(struct ctx *c, int64_t id, struct contact *out);
// words: what somebody looks for (see above); empty: all. Up to q->limit + 1 rows.
bool contact_list(struct ctx *c, const struct list_query *q, struct str words, struct contact **contacts, size_t *count);
bool contact_create(struct ctx *c, struct contact *contact); // fills id, times, version
// Fields by name: bits of `set` are fields of contact_schema. expected_version 0: any; else ERR_PRECONDITION when it is another one.
bool contact_change(struct ctx *c, int64_t id, const struct contact *contact, uint64_t set, int64_t expected_version);

// The same inside store_write.
bool contact_create_in(struct ctx *c, struct contact *contact);
bool contact_change_in(struct ctx *c, int64_t id, const struct contact *contact, uint64_t set, int64_t expected_version);
bool contact_seen_in(struct ctx *c, int64_t id, usec at); // moves last_seen_at forward

// What a conversation needs to know of somebody; cheap. The id of a merged contact finds the one that it was merged into. False without an
// error when there is no such contact.
struct contact_brief {
    int64_t id;
    struct str name;
    bool verified;
};
bool contact_find(struct ctx *c, int64_t id, struct contact_brief *out);
// Inside store_write: a new anonymous contact for a browser. language: enum contact_language or -1.
bool contact_visitor_in(struct ctx *c, int language, int64_t *id);

// A proven account (the caller has checked the signature). Fields that are given replace the contact's.
struct contact_account {
    struct str id, name, email, phone;
    int language;
};
enum { CONTACT_MOST_ACCOUNT_ID = 200, CONTACT_MOST_NAME = 120 };
// Checks and normalises what a site says of its customer; false with field errors ("identity/email").
bool contact_account_check(struct ctx *c, struct contact_account *account);
// Inside store_write. *id: the browser's contact so far (0: none); becomes the account's. *merged: the id of the contact that was merged
// into it, or 0. *taken: whether the account was new.
bool contact_identify_in(struct ctx *c, int64_t inbox, const struct contact_account *account, int64_t *id, int64_t *merged, bool *taken);

// Rooms to the right move what they keep for a contact. Runs inside the transaction of the merge, before the row is marked.
struct contact_merge {
    bool (*move)(struct ctx *c, int64_t from, int64_t to);
    struct contact_merge *next;
};
void contact_merge_register(struct contact_merge *m);
#define CONTACT_MERGE(ident, move_) \
    static struct contact_merge ident = {move_, NULL}; \
    __attribute__((constructor)) static void ident##_register(void) \
    { \
        contact_merge_register(&ident); \
    } \
    struct contact_merge_eats_semicolon
