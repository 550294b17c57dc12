// Contacts: rows, sealing and look-up. Accounts of sites stand in account.c.
#include "crm/contact.h"

#include "crm/contact_row.h"
#include "identity/crypt.h"
#include "identity/reseal.h"
#include "schema/perm.h"
#include "schema/text.h"
#include "text/normalise.h"

enum { MOST_WORDS = 8 };

SQL(contact_by_id, "SELECT id, name, email, phone, external_id, company, note, verified, language, last_seen_at, created_at, updated_at, "
                   "version, merged_into FROM contact WHERE id = ?1");
SQL(contact_brief, "SELECT id, name, verified, merged_into FROM contact WHERE id = ?1");
SQL(contact_insert, "INSERT INTO contact (name, name_hash, email, email_hash, phone, phone_hash, note, external_id, external_hash, "
                    "company, language, verified, merged_into, version, last_seen_at, created_at, updated_at) VALUES "
                    "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, 1, ?13, ?14, ?14) RETURNING id");
SQL(contact_update, "UPDATE contact SET name = ?1, name_hash = ?2, email = ?3, email_hash = ?4, phone = ?5, phone_hash = ?6, note = ?7, "
                    "external_id = ?8, external_hash = ?9, company = ?10, language = ?11, verified = ?12, updated_at = ?13, "
                    "version = version + 1 WHERE id = ?14");
SQL(contact_seen, "UPDATE contact SET last_seen_at = ?2 WHERE id = ?1 AND last_seen_at < ?2");
SQL(contact_word_insert, "INSERT INTO contact_word (hash, contact) VALUES (?1, ?2) ON CONFLICT (hash, contact) DO NOTHING");
SQL(contact_word_clear, "DELETE FROM contact_word WHERE contact = ?1");

#define RESEAL_COLUMN(column) \
    SQL(contact_sealed_##column, "SELECT id, " #column " FROM contact WHERE id > ?1 AND LENGTH(" #column ") > 0 ORDER BY id LIMIT ?2"); \
    SQL(contact_reseal_##column, "UPDATE contact SET " #column " = ?1 WHERE id = ?2 AND " #column " = ?3"); \
    RESEAL(reseal_contact_##column, "contact." #column, &contact_sealed_##column, &contact_reseal_##column)
RESEAL_COLUMN(name);
RESEAL_COLUMN(email);
RESEAL_COLUMN(phone);
RESEAL_COLUMN(note);
RESEAL_COLUMN(external_id);

static const char *const languages[] = {"zh", "en", NULL};
static const struct field contact_fields[] = {
    FIELD(_, contact, id, F_ID, .prefix = "ct", .flags = FIELD_READ_ONLY, .column = "c.id"),
    FIELD(_, contact, name, F_TEXT, .max = CONTACT_MOST_NAME, .flags = FIELD_PERSONAL | FIELD_FILTER, .column = "c.name_hash",
          .doc = "Empty for an anonymous visitor. The filter takes the whole name."),
    FIELD(_, contact, email, F_EMAIL, .flags = FIELD_PERSONAL | FIELD_FILTER, .column = "c.email_hash"),
    FIELD(_, contact, phone, F_PHONE, .flags = FIELD_PERSONAL | FIELD_FILTER, .column = "c.phone_hash"),
    FIELD(_, contact, external_id, F_TEXT, .max = CONTACT_MOST_ACCOUNT_ID, .flags = FIELD_READ_ONLY | FIELD_FILTER,
          .column = "c.external_hash", .doc = "The customer's id at the site, from a signed identity."),
    FIELD(_, contact, verified, F_BOOL, .flags = FIELD_READ_ONLY | FIELD_FILTER, .column = "c.verified",
          .doc = "The site has proven who this is."),
    FIELD(_, contact, language, F_ENUM, .choices = languages, .flags = FIELD_FILTER, .column = "c.language"),
    FIELD(_, contact, company, F_TEXT, .max = 120),
    FIELD(_, contact, note, F_TEXT, .max = 2000, .flags = FIELD_PERSONAL | FIELD_MULTILINE),
    FIELD(_, contact, last_seen_at, F_TIME, .flags = FIELD_READ_ONLY | FIELD_SORT | FIELD_FILTER, .column = "c.last_seen_at"),
    FIELD(_, contact, created_at, F_TIME, .flags = FIELD_READ_ONLY | FIELD_SORT | FIELD_FILTER, .column = "c.created_at"),
    FIELD(_, contact, updated_at, F_TIME, .flags = FIELD_READ_ONLY | FIELD_SORT, .column = "c.updated_at"),
};
SCHEMA(contact_schema, "Contact", struct contact, contact_fields, "A person who writes in");

// The canonical form of what is looked for: width, case and spaces do not matter.
static struct str look_up(struct ctx *c, struct str value)
{
    return value.len ? field_lookup_hash(c, "contact", text_normalise(c->arena, value).plain) : STR("");
}

static bool read_row(struct ctx *c, struct rows *r, struct contact *out, int64_t *merged_into)
{
    *out = (struct contact){.id = rows_int(r, 0), .company = rows_str(r, 5), .verified = rows_int(r, 7) != 0,
                            .language = (int)rows_int(r, 8), .last_seen_at = rows_int(r, 9), .created_at = rows_int(r, 10),
                            .updated_at = rows_int(r, 11), .version = rows_int(r, 12)};
    *merged_into = rows_int(r, 13);
    return field_open(c, "contact.name", rows_bytes(r, 1), &out->name) && field_open(c, "contact.email", rows_bytes(r, 2), &out->email) &&
           field_open(c, "contact.phone", rows_bytes(r, 3), &out->phone) &&
           field_open(c, "contact.external_id", rows_bytes(r, 4), &out->external_id) &&
           field_open(c, "contact.note", rows_bytes(r, 6), &out->note);
}

bool contact_get(struct ctx *c, int64_t id, struct contact *out)
{
    for (int hops = 0; hops < 2; hops++) { // a merge leads straight to its end (contact_merge_in)
        struct rows r;
        int64_t merged_into = 0;
        db_query(c, &r, &contact_by_id, "i", id);
        bool found = rows_next(&r), fine = !found || read_row(c, &r, out, &merged_into);
        if (!rows_done(&r) || !fine)
            return false;
        if (!found)
            break;
        if (!merged_into)
            return true;
        id = merged_into;
    }
    return fail(c, ERR_NOT_FOUND, "not_found", NULL);
}

bool contact_find(struct ctx *c, int64_t id, struct contact_brief *out)
{
    for (int hops = 0; hops < 2; hops++) {
        struct rows r;
        int64_t merged_into = 0;
        db_query(c, &r, &contact_brief, "i", id);
        bool found = rows_next(&r), fine = true;
        if (found) {
            *out = (struct contact_brief){.id = rows_int(&r, 0), .verified = rows_int(&r, 2) != 0};
            fine = field_open(c, "contact.name", rows_bytes(&r, 1), &out->name);
            merged_into = rows_int(&r, 3);
        }
        if (!rows_done(&r) || !fine || !found)
            return false;
        if (!merged_into)
            return true;
        id = merged_into;
    }
    return false;
}

bool contact_list(struct ctx *c, const struct list_query *q, struct str words, struct contact **contacts, size_t *count)
{
    size_t n = q->count;
    struct db_value *values = ARENA_ARRAY(c->arena, struct db_value, n + 2);
    for (size_t i = 0; i < n; i++) { // every text that the list filters by is a look-up
        values[i] = q->values[i];
        if (values[i].type == 's')
            values[i].s = look_up(c, values[i].s);
    }
    struct buf text = {.arena = c->arena};
    buf_puts(&text, "SELECT c.id, c.name, c.email, c.phone, c.external_id, c.company, c.note, c.verified, c.language, c.last_seen_at, "
                    "c.created_at, c.updated_at, c.version, c.merged_into FROM contact c WHERE c.merged_into = 0");
    buf_str_add(&text, q->where);
    if (words.len) {
        struct str phone;
        int any = (int)n + 1, call = any + 1;
        values[n++] = (struct db_value){.type = 's', .s = look_up(c, words)};
        values[n++] = (struct db_value){.type = 's', .s = look_up(c, text_phone(c->arena, words, &phone) ? phone : words)};
        buf_printf(&text, " AND (c.name_hash = ?%d OR c.email_hash = ?%d OR c.external_hash = ?%d OR c.phone_hash = ?%d OR c.id IN "
                          "(SELECT w.contact FROM contact_word w WHERE w.hash = ?%d))", any, any, any, call, any);
    }
    buf_str_add(&text, q->order);
    buf_printf(&text, " LIMIT %d", q->limit + 1);
    *contacts = ARENA_ARRAY(c->arena, struct contact, (size_t)q->limit + 1);
    *count = 0;
    struct rows r;
    db_query_built(c, &r, buf_str(&text), values, n);
    bool fine = true;
    int64_t merged_into;
    while (fine && *count <= (size_t)q->limit && rows_next(&r))
        fine = read_row(c, &r, &(*contacts)[(*count)++], &merged_into);
    return rows_done(&r) && fine;
}

static bool write_words(struct ctx *c, int64_t id, struct str name)
{
    struct str rest = text_normalise(c->arena, name).plain, word;
    struct str whole = rest;
    for (int i = 0; i < MOST_WORDS && rest.len && str_split(&rest, ' ', &word);)
        if (word.len && word.len < whole.len) {
            i++;
            if (!db_exec(c, &contact_word_insert, "si", look_up(c, word), id))
                return false;
        }
    return true;
}

bool contact_create_in(struct ctx *c, struct contact *p)
{
    p->created_at = p->updated_at = clock_now(c->clock);
    p->version = 1;
    if (!db_int(c, &p->id, NULL, &contact_insert, "bSbSbSbbSsitii", field_seal(c, "contact.name", p->name), look_up(c, p->name),
                field_seal(c, "contact.email", p->email), look_up(c, p->email), field_seal(c, "contact.phone", p->phone),
                look_up(c, p->phone), field_seal(c, "contact.note", p->note), field_seal(c, "contact.external_id", p->external_id),
                look_up(c, p->external_id), p->company, (int64_t)p->language, (int)p->verified, p->last_seen_at, p->created_at))
        return false;
    return write_words(c, p->id, p->name);
}

bool contact_write_in(struct ctx *c, const struct contact *p, bool renamed)
{
    if (!db_exec(c, &contact_update, "bSbSbSbbSsitii", field_seal(c, "contact.name", p->name), look_up(c, p->name),
                 field_seal(c, "contact.email", p->email), look_up(c, p->email), field_seal(c, "contact.phone", p->phone),
                 look_up(c, p->phone), field_seal(c, "contact.note", p->note), field_seal(c, "contact.external_id", p->external_id),
                 look_up(c, p->external_id), p->company, (int64_t)p->language, (int)p->verified, clock_now(c->clock), p->id))
        return false;
    return !renamed || (db_exec(c, &contact_word_clear, "i", p->id) && write_words(c, p->id, p->name));
}

bool contact_change_in(struct ctx *c, int64_t id, const struct contact *in, uint64_t set, int64_t expected_version)
{
    struct contact now = {0};
    if (!contact_get(c, id, &now))
        return false;
    if (expected_version && expected_version != now.version)
        return fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
    bool renamed = false;
    for (size_t i = 0; i < contact_schema.count; i++) {
        const struct field *f = &contact_fields[i];
        if (!(set >> i & 1) || f->flags & FIELD_READ_ONLY)
            continue;
        void *to = (char *)&now + f->offset;
        const void *from = (const char *)in + f->offset;
        // What was shown masked and comes back as it was is no change.
        if (f->flags & FIELD_PERSONAL && !actor_may(&c->actor, PERM_CONTACT_UNMASK) && ((const struct str *)from)->len &&
            str_eq(*(const struct str *)from, schema_mask(c, f->type, *(const struct str *)to)))
            continue;
        memcpy(to, from, f->type == F_ENUM ? sizeof(int) : sizeof(struct str));
        renamed |= f->offset == offsetof(struct contact, name);
    }
    return contact_write_in(c, &now, renamed);
}

bool contact_seen_in(struct ctx *c, int64_t id, usec at)
{
    return db_exec(c, &contact_seen, "ii", id, at);
}

static bool create(struct ctx *c, void *arg)
{
    return contact_create_in(c, arg);
}
bool contact_create(struct ctx *c, struct contact *p)
{
    return store_write(c, create, p);
}

struct change {
    int64_t id, expected_version;
    const struct contact *contact;
    uint64_t set;
};
static bool change(struct ctx *c, void *arg)
{
    const struct change *ch = arg;
    return contact_change_in(c, ch->id, ch->contact, ch->set, ch->expected_version);
}
bool contact_change(struct ctx *c, int64_t id, const struct contact *p, uint64_t set, int64_t expected_version)
{
    struct change ch = {id, expected_version, p, set};
    return store_write(c, change, &ch);
}
