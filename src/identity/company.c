#include "identity/company.h"

#include <unicode/ucal.h>

#include "identity/audit.h"
#include "identity/crypt.h"
#include "identity/password.h"
#include "store/db.h"

SQL(company_read, "SELECT id, name, timezone, locale, version, created_at, updated_at FROM company WHERE id = 1");
SQL(company_there, "SELECT id FROM company WHERE id = 1");
SQL(company_insert,
    "INSERT INTO company (id, name, timezone, locale, version, created_at, updated_at) VALUES (1, ?1, ?2, ?3, 1, ?4, ?4)");
SQL(company_update,
    "UPDATE company SET name = ?1, timezone = ?2, locale = ?3, version = version + 1, updated_at = ?4 WHERE id = 1 AND version = ?5");
SQL(installation_read, "SELECT fingerprint FROM installation WHERE id = 1");
SQL(installation_insert,
    "INSERT INTO installation (id, fingerprint, created_at) VALUES (1, ?1, ?2) ON CONFLICT (id) DO NOTHING");
SQL(any_role, "SELECT COUNT(*) FROM role WHERE key IN ('owner', 'supervisor', 'agent', 'editor', 'planner', 'finance', 'auditor')");

#define DEFAULT_TIMEZONE "Asia/Shanghai"
enum { SET_NAME, SET_TIMEZONE, SET_LOCALE };
static const struct field company_fields[] = {
    FIELD(_, company, name, F_TEXT, .max = 120, .flags = FIELD_REQUIRED),
    FIELD(_, company, timezone, F_TEXT, .max = 60, .flags = FIELD_REQUIRED, .doc = "IANA name, Asia/Shanghai"),
    FIELD(_, company, locale, F_LANG),
    FIELD(_, company, version, F_INT, .flags = FIELD_READ_ONLY),
    FIELD(_, company, created_at, F_TIME, .flags = FIELD_READ_ONLY | FIELD_REQUIRED),
    FIELD(_, company, updated_at, F_TIME, .flags = FIELD_READ_ONLY | FIELD_REQUIRED),
};
SCHEMA(company_schema, "Company", struct company, company_fields, "The company that runs this installation.");

static const struct field setup_fields[] = {
    FIELD(_, setup, company, F_TEXT, .max = 120, .flags = FIELD_REQUIRED, .doc = "The company's name."),
    FIELD(_, setup, name, F_TEXT, .max = 120, .flags = FIELD_REQUIRED, .doc = "The owner's name."),
    FIELD(_, setup, email, F_EMAIL, .flags = FIELD_REQUIRED),
    FIELD(_, setup, password, F_TEXT, .max = 1000, .flags = FIELD_REQUIRED | FIELD_SECRET),
    FIELD(_, setup, timezone, F_TEXT, .max = 60, .doc = "IANA name; without it " DEFAULT_TIMEZONE),
    FIELD(_, setup, locale, F_LANG),
};
SCHEMA(setup_schema, "Setup", struct setup, setup_fields, "Company and owner of a new installation.");

bool company_exists(struct ctx *c, bool *exists)
{
    int64_t id;
    return db_int(c, &id, exists, &company_there, "");
}

bool company_get(struct ctx *c, struct company *out)
{
    struct rows r;
    db_query(c, &r, &company_read, "");
    bool found = rows_next(&r);
    if (found)
        *out = (struct company){
            .id = rows_int(&r, 0),
            .name = rows_str(&r, 1),
            .timezone = rows_str(&r, 2),
            .locale = (int)lang_from_header(rows_str(&r, 3), LANG_ZH),
            .version = rows_int(&r, 4),
            .created_at = rows_int(&r, 5),
            .updated_at = rows_int(&r, 6),
        };
    if (!rows_done(&r))
        return false;
    if (!found)
        fail(c, ERR_NOT_FOUND, "identity.not_set_up", NULL);
    return found;
}

static bool timezone_known(struct ctx *c, struct str name)
{
    UErrorCode code = U_ZERO_ERROR;
    UChar wide[64], canonical[64];
    UBool system = false;
    bool fine = name.len > 0 && name.len < 60;
    for (size_t i = 0; fine && i < name.len; i++)
        fine = (unsigned char)name.at[i] < 0x80;
    for (size_t i = 0; fine && i < name.len; i++)
        wide[i] = (UChar)name.at[i];
    if (fine)
        ucal_getCanonicalTimeZoneID(wide, (int32_t)name.len, canonical, 64, &system, &code);
    return (fine && U_SUCCESS(code) && system) || fail_field(c, STR("timezone"), "identity.no_such_timezone", NULL);
}

struct company_change {
    const struct company *in;
    uint64_t set;
    int64_t expected;
};

static bool change_now(struct ctx *c, void *arg)
{
    const struct company_change *change = arg;
    struct company now;
    if (!company_get(c, &now))
        return false;
    if (change->expected && change->expected != now.version)
        return fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
    if (change->set >> SET_NAME & 1)
        now.name = change->in->name;
    if (change->set >> SET_TIMEZONE & 1)
        now.timezone = change->in->timezone;
    if (change->set >> SET_LOCALE & 1)
        now.locale = change->in->locale;
    if (!db_exec(c, &company_update, "sszii", now.name, now.timezone, lang_tag((enum lang)now.locale), clock_now(c->clock), now.version))
        return false;
    if (db_changed(c) != 1)
        return fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_str(&o, "name", now.name);
    json_put_str(&o, "timezone", now.timezone);
    json_put_z(&o, "locale", lang_tag((enum lang)now.locale));
    json_close(&o, '}');
    return audit_add(c, "company.change", STR(""), buf_str(&o.buf));
}

bool company_change(struct ctx *c, const struct company *company, uint64_t set, int64_t expected_version)
{
    struct company_change change = {company, set, expected_version};
    if (set >> SET_TIMEZONE & 1 && !timezone_known(c, company->timezone))
        return false;
    return store_write(c, change_now, &change);
}

struct setting_up {
    const struct setup *in;
    struct str timezone, hashed;
    int64_t owner;
};

static bool setup_now(struct ctx *c, void *arg)
{
    struct setting_up *s = arg;
    bool there;
    if (!company_exists(c, &there))
        return false;
    if (there)
        return fail(c, ERR_CONFLICT, "identity.already_set_up", NULL);
    struct str owner = STR("owner");
    struct user user = {.name = s->in->name, .email = s->in->email, .locale = s->in->locale, .capacity = 5, .role_keys = {&owner, 1}};
    struct actor before = c->actor; // nobody can have the rights that this takes
    c->actor = (struct actor){.kind = ACTOR_SYSTEM, .name = STR("setup"), .address = before.address, .device = before.device};
    bool fine = db_exec(c, &company_insert, "sszi", s->in->company, s->timezone, lang_tag((enum lang)s->in->locale), clock_now(c->clock)) &&
                roles_ensure(c) && audit_add(c, "company.create", STR(""), STR("")) && user_insert(c, &user, s->hashed);
    c->actor = before;
    s->owner = user.id;
    return fine;
}

bool company_setup(struct ctx *c, const struct setup *in, int64_t *owner)
{
    struct setting_up s = {.in = in, .timezone = in->timezone.len ? in->timezone : STR(DEFAULT_TIMEZONE)};
    bool there;
    if (!company_exists(c, &there))
        return false;
    if (there)
        return fail(c, ERR_CONFLICT, "identity.already_set_up", NULL);
    if (!timezone_known(c, s.timezone) || !password_check(c, STR("password"), in->password, in->email) ||
        !password_hash(c, in->password, &s.hashed) || !store_write(c, setup_now, &s))
        return false;
    if (owner)
        *owner = s.owner;
    return true;
}

static bool read_fingerprint(struct ctx *c, struct str *known)
{
    struct rows r;
    db_query(c, &r, &installation_read, "");
    *known = rows_next(&r) ? rows_str(&r, 0) : STR("");
    return rows_done(&r);
}

static bool check_now(struct ctx *c, void *arg)
{
    return db_exec(c, &installation_insert, "si", keys_fingerprint(c), clock_now(c->clock)) && roles_ensure(c);
}

bool company_check(struct ctx *c)
{
    struct str known;
    int64_t roles, wanted = 0;
    while (role_keys[wanted])
        wanted++;
    if (!read_fingerprint(c, &known) || !db_int(c, &roles, NULL, &any_role, ""))
        return false;
    // A usual start writes nothing.
    if ((!known.len || roles < wanted) && (!store_write(c, check_now, NULL) || !read_fingerprint(c, &known)))
        return false;
    return str_eq(known, keys_fingerprint(c)) || fail(c, ERR_CONFLICT, "identity.wrong_keys", NULL);
}
