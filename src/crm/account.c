// Accounts that a site has proven, and merging (the rules stand in contact.h).
#include <stdio.h>

#include "crm/contact_row.h"
#include "identity/crypt.h"
#include "schema/text.h"

SQL(account_insert, "INSERT INTO contact_account (contact, inbox, hash, created_at) VALUES (?1, ?2, ?3, ?4)");
SQL(account_by_hash, "SELECT contact FROM contact_account WHERE inbox = ?1 AND hash = ?2");
SQL(account_move, "UPDATE contact_account SET contact = ?2 WHERE contact = ?1");
SQL(merge_mark, "UPDATE contact SET merged_into = ?2, updated_at = ?3, version = version + 1 WHERE id = ?1");
SQL(merge_shorten, "UPDATE contact SET merged_into = ?2 WHERE merged_into = ?1");

static struct contact_merge *movers;

void contact_merge_register(struct contact_merge *m)
{
    m->next = movers;
    movers = m;
}

bool contact_visitor_in(struct ctx *c, int language, int64_t *id)
{
    struct contact fresh = {.language = language, .last_seen_at = clock_now(c->clock)};
    if (!contact_create_in(c, &fresh))
        return false;
    *id = fresh.id;
    return true;
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
    bool fine = check_text(c, "identity/id", &a->id, CONTACT_MOST_ACCOUNT_ID);
    bool named = check_text(c, "identity/name", &a->name, CONTACT_MOST_NAME);
    if (fine && !a->id.len)
        fine = fail_field(c, STR("identity/id"), "schema.required", NULL);
    if (a->email.len && !text_email(c->arena, a->email, &a->email))
        fine = fail_field(c, STR("identity/email"), "schema.email", NULL);
    if (a->phone.len && !text_phone(c->arena, a->phone, &a->phone))
        fine = fail_field(c, STR("identity/phone"), "schema.phone", NULL);
    return fine && named;
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
    return db_exec(c, &account_move, "ii", from->id, to->id) && db_exec(c, &merge_shorten, "ii", from->id, to->id) &&
           db_exec(c, &merge_mark, "iii", from->id, to->id, clock_now(c->clock));
}

bool contact_identify_in(struct ctx *c, int64_t inbox, const struct contact_account *a, int64_t *id, int64_t *merged, bool *taken)
{
    struct str hash = field_lookup_hash(c, "contact.account", a->id); // exact: a site's ids may differ in case alone
    struct contact browser = {0}, account = {0};
    int64_t owner;
    bool known, changed = false, renamed = false;
    *merged = 0;
    *taken = false;
    if (!db_int(c, &owner, &known, &account_by_hash, "is", inbox, hash) || (known && !contact_get(c, owner, &account)) ||
        (*id && !contact_get(c, *id, &browser)))
        return false;
    if (known && browser.id && !browser.verified && browser.id != account.id) {
        fill(&account.name, browser.name, &renamed);
        if (!merge_in(c, &browser, &account, &changed))
            return false;
        *merged = browser.id;
    }
    if (!known && browser.id && !browser.verified)
        account = browser;
    take_over(&account.name, a->name, &renamed);
    take_over(&account.email, a->email, &changed);
    take_over(&account.phone, a->phone, &changed);
    take_over(&account.external_id, a->id, &changed);
    *taken = !known;
    if (!known) {
        account.verified = changed = true;
        if (!account.id) {
            account.language = a->language;
            account.last_seen_at = clock_now(c->clock);
            if (!contact_create_in(c, &account))
                return false;
            changed = renamed = false;
        }
        if (!db_exec(c, &account_insert, "iisi", account.id, inbox, hash, clock_now(c->clock)))
            return false;
    }
    *id = account.id;
    return !(changed || renamed) || contact_write_in(c, &account, renamed);
}
