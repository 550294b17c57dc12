// Who sits at a browser: identities, accounts that a site has proven, and merging (the rules stand in contact.h).
#include <stdio.h>

#include "crm/contact_row.h"
#include "identity/crypt.h"
#include "schema/text.h"

SQL(identity_insert, "INSERT INTO contact_identity (contact, inbox, kind, hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id");
SQL(identity_by_id, "SELECT contact, inbox FROM contact_identity WHERE id = ?1 AND kind = 'visitor'");
SQL(identity_by_hash, "SELECT contact FROM contact_identity WHERE inbox = ?1 AND hash = ?2");
SQL(identity_move, "UPDATE contact_identity SET contact = ?2 WHERE contact = ?1");
SQL(merge_mark, "UPDATE contact SET merged_into = ?2, updated_at = ?3, version = version + 1 WHERE id = ?1");
SQL(merge_shorten, "UPDATE contact SET merged_into = ?2 WHERE merged_into = ?1");

static struct contact_merge *movers;

void contact_merge_register(struct contact_merge *m)
{
    m->next = movers;
    movers = m;
}

struct str visitor_token(struct ctx *c, int64_t inbox, int64_t identity)
{
    return signed_token(c, "visitor", str_printf(c->arena, "%lld:%lld", (long long)inbox, (long long)identity), 0);
}

bool visitor_find(struct ctx *c, int64_t inbox, struct str token, struct visitor *out, int64_t *of_inbox)
{
    struct str rest, part;
    int64_t said, stored = 0;
    if (token.len > 200 || !signed_token_open(c, "visitor", token, &rest) || !str_split(&rest, ':', &part) || !str_int(part, &said) ||
        !str_int(rest, &out->identity) || (inbox && said != inbox))
        return false;
    struct rows r;
    db_query(c, &r, &identity_by_id, "i", out->identity);
    bool found = rows_next(&r);
    if (found) {
        out->contact = rows_int(&r, 0);
        stored = rows_int(&r, 1);
    }
    if (of_inbox)
        *of_inbox = stored;
    return rows_done(&r) && found && stored == said;
}

static bool add_browser(struct ctx *c, int64_t inbox, struct visitor *v)
{
    return db_int(c, &v->identity, NULL, &identity_insert, "iizni", v->contact, inbox, "visitor", clock_now(c->clock));
}

bool visitor_create_in(struct ctx *c, int64_t inbox, int language, struct visitor *out)
{
    struct contact fresh = {.name = STR(""), .language = language, .last_seen_at = clock_now(c->clock)};
    if (!contact_create_in(c, &fresh))
        return false;
    out->contact = fresh.id;
    return add_browser(c, inbox, out);
}

static bool check_text(struct ctx *c, const char *field, struct str *v, size_t most)
{
    if (!text_clean(c->arena, *v, false, true, v))
        return fail_field(c, str_of(field), "schema.control", NULL);
    if (str_chars(*v) > most) {
        char number[24];
        snprintf(number, sizeof number, "%zu", most);
        return fail_field(c, str_of(field), "schema.too_long", number, NULL);
    }
    return true;
}

bool contact_account_check(struct ctx *c, struct contact_account *a)
{
    bool fine = check_text(c, "identity/id", &a->id, CONTACT_MOST_ACCOUNT_ID) & check_text(c, "identity/name", &a->name, CONTACT_MOST_NAME);
    if (fine && !a->id.len)
        fine = fail_field(c, STR("identity/id"), "schema.required", NULL);
    if (a->email.len && !text_email(c->arena, a->email, &a->email))
        fine = fail_field(c, STR("identity/email"), "schema.email", NULL);
    if (a->phone.len && !text_phone(c->arena, a->phone, &a->phone))
        fine = fail_field(c, STR("identity/phone"), "schema.phone", NULL);
    return fine;
}

// Takes over what the account says; *changed when that differs from what stands there.
static void take_over(struct str *to, struct str from, bool *changed)
{
    if (from.len && !str_eq(*to, from)) {
        *to = from;
        *changed = true;
    }
}
static void fill(struct str *to, struct str from, bool *changed)
{
    if (!to->len)
        take_over(to, from, changed);
}

static bool merge_in(struct ctx *c, const struct contact *from, struct contact *to, bool *changed)
{
    fill(&to->email, from->email, changed);
    fill(&to->phone, from->phone, changed);
    fill(&to->company, from->company, changed);
    fill(&to->note, from->note, changed);
    for (struct contact_merge *m = movers; m; m = m->next)
        if (!m->move(c, from->id, to->id))
            return false;
    return db_exec(c, &identity_move, "ii", from->id, to->id) && db_exec(c, &merge_shorten, "ii", from->id, to->id) &&
           db_exec(c, &merge_mark, "iii", from->id, to->id, clock_now(c->clock));
}

bool contact_identify_in(struct ctx *c, int64_t inbox, const struct contact_account *a, struct visitor *v, int64_t *merged, bool *taken)
{
    struct str hash = contact_account_hash(c, a->id);
    struct contact browser = {0}, account = {0};
    int64_t owner;
    bool known, changed = false, renamed = false;
    *merged = 0;
    *taken = false;
    if (!db_int(c, &owner, &known, &identity_by_hash, "is", inbox, hash) || (known && !contact_get(c, owner, &account)) ||
        (v->contact && !contact_get(c, v->contact, &browser)))
        return false;
    if (!known && browser.id && !browser.verified)
        account = browser;
    bool own = account.id && account.id == browser.id;
    if (!own)
        v->identity = 0; // a browser that is handed to another contact gets a new identity, unless a merge moves its old one
    if (known && browser.id && !browser.verified && !own) {
        fill(&account.name, browser.name, &renamed);
        int64_t identity = v->contact == browser.id ? v->identity : 0;
        if (!merge_in(c, &browser, &account, &changed))
            return false;
        *merged = browser.id;
        v->identity = identity;
    }
    take_over(&account.name, a->name, &renamed);
    take_over(&account.email, a->email, &changed);
    take_over(&account.phone, a->phone, &changed);
    take_over(&account.external_id, a->id, &changed);
    if (!known) {
        *taken = true;
        account.verified = changed = true;
        if (!account.id) {
            account.language = a->language;
            account.last_seen_at = clock_now(c->clock);
            if (!contact_create_in(c, &account))
                return false;
            changed = renamed = false;
        }
        int64_t id;
        if (!db_int(c, &id, NULL, &identity_insert, "iizsi", account.id, inbox, "external", hash, clock_now(c->clock)))
            return false;
    }
    if ((changed || renamed) && !contact_write_in(c, &account, renamed))
        return false;
    v->contact = account.id;
    return v->identity || add_browser(c, inbox, v);
}
