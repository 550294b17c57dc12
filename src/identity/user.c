#include "identity/user.h"

#include "base/vec.h"
#include "identity/access.h"
#include "identity/audit.h"
#include "identity/password.h"
#include "schema/id.h"
#include "schema/list.h"
#include "store/db.h"

#define USER_COLUMNS \
    "SELECT u.id, u.name, u.email, u.locale, u.theme, u.state, u.capacity, u.last_seen_at, u.version, u.created_at, u.updated_at, " \
    "(SELECT COUNT(*) FROM user_totp t WHERE t.user_id = u.id AND t.confirmed_at IS NOT NULL) FROM users u WHERE "
SQL(user_by_id, USER_COLUMNS "u.id = ?1");
SQL(user_by_address, USER_COLUMNS "u.email = ?1");
SQL(user_roles, "SELECT r.id, r.key, r.name, r.permissions FROM user_role ur JOIN role r ON r.id = ur.role_id WHERE ur.user_id = ?1 "
                "ORDER BY r.id");
SQL(user_add,
    "INSERT INTO users (name, email, password, locale, theme, state, capacity, version, created_at, updated_at) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?8) RETURNING id");
SQL(user_update,
    "UPDATE users SET name = ?1, email = ?2, locale = ?3, theme = ?4, state = ?5, capacity = ?6, version = version + 1, updated_at = ?7 "
    "WHERE id = ?8 AND version = ?9");
SQL(user_set_password, "UPDATE users SET password = ?1, version = version + 1, updated_at = ?2 WHERE id = ?3");
SQL(user_role_add, "INSERT INTO user_role (user_id, role_id) VALUES (?1, ?2) ON CONFLICT (user_id, role_id) DO NOTHING");
SQL(user_role_clear, "DELETE FROM user_role WHERE user_id = ?1");
SQL(user_sessions_end, "DELETE FROM session WHERE user_id = ?1 AND id <> ?2");
SQL(user_other_sessions, "SELECT id FROM session WHERE user_id = ?1 AND id <> ?2");
SQL(user_email_taken, "SELECT id FROM users WHERE email = ?1");
SQL(user_other_owner,
    "SELECT u.id FROM role r JOIN user_role ur ON ur.role_id = r.id JOIN users u ON u.id = ur.user_id "
    "WHERE r.key = 'owner' AND u.state = 'active' AND u.id <> ?1 LIMIT 1");
SQL(user_owner_lock, "UPDATE role SET updated_at = ?1 WHERE key = 'owner'");

static const char *const states[] = {"active", "disabled", NULL};
static const char *const themes[] = {"system", "light", "dark", NULL};
enum { MOST_ROLES = 20, MOST_CAPACITY = 100 };

static const struct field role_ref_fields[] = {
    FIELD(_, role_ref, id, F_ID, .prefix = "ro", .flags = FIELD_REQUIRED),
    FIELD(_, role_ref, key, F_TEXT, .doc = "Of a built-in role."),
    FIELD(_, role_ref, name, F_TEXT, .flags = FIELD_REQUIRED),
};
static SCHEMA(role_ref_schema, "RoleRef", struct role_ref, role_ref_fields, "A role by name.");

static const struct field user_fields[] = {
    FIELD(_, user, id, F_ID, .prefix = "us", .column = "u.id", .flags = FIELD_REQUIRED | FIELD_FILTER),
    FIELD(_, user, name, F_TEXT, .column = "u.name", .flags = FIELD_REQUIRED | FIELD_SORT | FIELD_SEARCH),
    FIELD(_, user, email, F_EMAIL, .column = "u.email", .flags = FIELD_REQUIRED | FIELD_SORT | FIELD_SEARCH),
    FIELD(_, user, locale, F_LANG),
    FIELD(_, user, theme, F_ENUM, .choices = themes, .flags = FIELD_REQUIRED),
    FIELD(_, user, state, F_ENUM, .choices = states, .column = "u.state",
          .flags = FIELD_REQUIRED | FIELD_FILTER | FIELD_STORED_TEXT),
    FIELD(_, user, capacity, F_INT, .doc = "Conversations at once."),
    FIELD(_, user, roles, F_LIST, .sub = &role_ref_schema),
    FIELD(_, user, totp, F_BOOL, .doc = "Signs in with a second factor."),
    FIELD(_, user, last_seen_at, F_TIME),
    FIELD(_, user, version, F_INT),
    FIELD(_, user, created_at, F_TIME, .flags = FIELD_REQUIRED),
    FIELD(_, user, updated_at, F_TIME, .flags = FIELD_REQUIRED),
};
SCHEMA(user_schema, "User", struct user, user_fields, "Somebody of the staff.");

enum { IN_NAME, IN_EMAIL, IN_PASSWORD, IN_LOCALE, IN_THEME, IN_STATE, IN_CAPACITY, IN_ROLES };
static const struct field user_in_fields[] = {
    FIELD(_, user, name, F_TEXT, .max = 120, .flags = FIELD_REQUIRED),
    FIELD(_, user, email, F_EMAIL, .flags = FIELD_REQUIRED),
    FIELD(_, user, password, F_TEXT, .max = 1000, .flags = FIELD_SECRET, .doc = "At least 10 characters. Without one nobody can sign in."),
    FIELD(_, user, locale, F_LANG),
    FIELD(_, user, theme, F_ENUM, .choices = themes),
    FIELD(_, user, state, F_ENUM, .choices = states),
    FIELD(_, user, capacity, F_INT, .max = MOST_CAPACITY),
    {"roles", F_TEXTS, offsetof(struct user, role_keys), .max = MOST_ROLES, .doc = "Ids of roles, or keys of built-in ones."},
};
SCHEMA(user_in_schema, "UserInput", struct user, user_in_fields, "A user to create or change.");
#define HAS(set, n) ((set) >> (n) & 1)

static int choice_of(const char *const *choices, struct str text)
{
    for (int i = 0; choices[i]; i++)
        if (str_is(text, choices[i]))
            return i;
    return 0;
}

static struct user read_user(struct rows *r)
{
    return (struct user){
        .id = rows_int(r, 0),
        .name = rows_str(r, 1),
        .email = rows_str(r, 2),
        .locale = (int)lang_from_header(rows_str(r, 3), LANG_ZH),
        .theme = choice_of(themes, rows_str(r, 4)),
        .state = choice_of(states, rows_str(r, 5)),
        .capacity = rows_int(r, 6),
        .last_seen_at = rows_int(r, 7),
        .version = rows_int(r, 8),
        .created_at = rows_int(r, 9),
        .updated_at = rows_int(r, 10),
        .totp = rows_int(r, 11) > 0,
    };
}

// The roles of one user; perms (may be NULL) gets their union.
static bool read_roles(struct ctx *c, int64_t id, struct list *out, uint64_t perms[2])
{
    struct {
        VEC(struct role_ref);
    } list = {0};
    struct rows r;
    uint64_t all[2] = {0}, some[2];
    db_query(c, &r, &user_roles, "i", id);
    while (rows_next(&r)) {
        VEC_PUSH(c->arena, &list, (struct role_ref){rows_int(&r, 0), rows_str(&r, 1), rows_str(&r, 2)});
        role_perms(rows_str(&r, 1), rows_str(&r, 3), some);
        all[0] |= some[0];
        all[1] |= some[1];
    }
    if (out)
        *out = (struct list){list.at, list.count};
    if (perms)
        memcpy(perms, all, sizeof all);
    return rows_done(&r);
}

bool user_perms(struct ctx *c, int64_t id, uint64_t perms[2])
{
    return read_roles(c, id, NULL, perms);
}

static bool one_user(struct ctx *c, struct rows *r, struct user *out)
{
    bool found = rows_next(r);
    if (found)
        *out = read_user(r);
    if (!rows_done(r))
        return false;
    if (!found)
        fail(c, ERR_NOT_FOUND, "not_found", NULL);
    return found && read_roles(c, out->id, &out->roles, NULL);
}

bool user_get(struct ctx *c, int64_t id, struct user *out)
{
    struct rows r;
    db_query(c, &r, &user_by_id, "i", id);
    return one_user(c, &r, out);
}

bool user_by_email(struct ctx *c, struct str email, struct user *out)
{
    struct rows r;
    db_query(c, &r, &user_by_address, "s", email);
    return one_user(c, &r, out);
}

bool user_list(struct ctx *c, const struct list_query *q, struct user **users, size_t *count)
{
    struct {
        VEC(struct user);
    } list = {0};
    struct rows r;
    struct str text =
        str_printf(c->arena, USER_COLUMNS "1 = 1" STR_FMT STR_FMT " LIMIT %d", STR_ARG(q->where), STR_ARG(q->order), q->limit + 1);
    db_query_built(c, &r, text, q->values, q->count);
    while (rows_next(&r))
        VEC_PUSH(c->arena, &list, read_user(&r));
    bool fine = rows_done(&r);
    for (size_t i = 0; fine && i < list.count; i++)
        fine = read_roles(c, list.at[i].id, &list.at[i].roles, NULL);
    *users = list.at;
    *count = list.count;
    return fine;
}

// role_keys hold ids ("ro_…") or keys of built-in roles; what is found goes into roles. perms: the union.
static bool resolve_roles(struct ctx *c, struct user *u, uint64_t perms[2])
{
    struct {
        VEC(struct role_ref);
    } list = {0};
    bool fine = true;
    perms[0] = perms[1] = 0;
    size_t count = u->role_keys.count ? u->role_keys.count : u->roles.count;
    for (size_t i = 0; i < count; i++) {
        struct role role;
        int64_t id = u->role_keys.count ? 0 : ((struct role_ref *)u->roles.at)[i].id;
        struct str name = u->role_keys.count ? u->role_keys.at[i] : STR("");
        bool found = id || id_parse("ro", name, &id) || role_by_key(c, str_z(c->arena, name), &id);
        if ((found && role_get(c, id, &role))) {
            VEC_PUSH(c->arena, &list, (struct role_ref){role.id, role.key, role.name});
            perms[0] |= role.perms[0];
            perms[1] |= role.perms[1];
            continue;
        }
        if (c->err->code != ERR_NOT_FOUND && c->err->code != ERR_INVALID)
            return false;
        fine = fail_field(c, str_printf(c->arena, "roles/%zu", i), "identity.no_such_role", NULL);
    }
    u->roles = (struct list){list.at, list.count};
    return fine;
}

static bool put_roles(struct ctx *c, const struct user *u)
{
    bool fine = db_exec(c, &user_role_clear, "i", u->id);
    for (size_t i = 0; fine && i < u->roles.count; i++)
        fine = db_exec(c, &user_role_add, "ii", u->id, ((struct role_ref *)u->roles.at)[i].id);
    return fine;
}

static bool email_free(struct ctx *c, struct str email, int64_t except)
{
    int64_t other;
    bool taken;
    if (!db_int(c, &other, &taken, &user_email_taken, "s", email))
        return false;
    if (!taken || other == except)
        return true;
    return fail_field(c, STR("email"), "identity.email_taken", NULL);
}

static struct str detail_of(struct ctx *c, const struct user *u, uint64_t set)
{
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    if (HAS(set, IN_NAME))
        json_put_str(&o, "name", u->name);
    if (HAS(set, IN_EMAIL))
        json_put_str(&o, "email", u->email);
    if (HAS(set, IN_STATE))
        json_put_z(&o, "state", states[u->state]);
    if (HAS(set, IN_CAPACITY))
        json_put_int(&o, "capacity", u->capacity);
    if (HAS(set, IN_PASSWORD))
        json_put_bool(&o, "password", true);
    if (HAS(set, IN_ROLES)) {
        json_open(&o, "roles", '[');
        for (size_t i = 0; i < u->roles.count; i++) {
            const struct role_ref *ref = (struct role_ref *)u->roles.at + i;
            json_put_str(&o, NULL, ref->key.len ? ref->key : ref->name);
        }
        json_close(&o, ']');
    }
    json_close(&o, '}');
    return buf_str(&o.buf);
}

bool user_insert(struct ctx *c, struct user *u, struct str password_hashed)
{
    uint64_t perms[2];
    if (!resolve_roles(c, u, perms))
        return false;
    if (!perms_within(perms, &c->actor))
        return fail(c, ERR_FORBIDDEN, "identity.more_than_own", NULL);
    if (!email_free(c, u->email, 0))
        return false;
    u->theme = u->theme < 0 ? THEME_SYSTEM : u->theme;
    u->state = u->state < 0 ? USER_ACTIVE : u->state;
    return db_int(c, &u->id, NULL, &user_add, "ssSzzzii", u->name, u->email, password_hashed, lang_tag((enum lang)u->locale),
                  themes[u->theme], states[u->state], u->capacity, clock_now(c->clock)) &&
           put_roles(c, u) &&
           audit_add(c, "user.create", id_str(c->arena, "us", u->id),
                     detail_of(c, u, 1 << IN_NAME | 1 << IN_EMAIL | 1 << IN_ROLES));
}

struct creation {
    struct user *user;
    struct str hashed;
};

static bool create_now(struct ctx *c, void *arg)
{
    struct creation *made = arg;
    struct user fresh = *made->user; // may run twice
    if (!user_insert(c, &fresh, made->hashed))
        return false;
    *made->user = fresh;
    return true;
}

bool user_create(struct ctx *c, struct user *user)
{
    struct creation made = {.user = user};
    // What can be refused is refused before the slow part.
    uint64_t perms[2];
    if (!resolve_roles(c, user, perms) || !email_free(c, user->email, 0))
        return false;
    if (user->password.len && (!password_check(c, STR("password"), user->password, user->email) ||
                               !password_hash(c, user->password, &made.hashed)))
        return false;
    return store_write(c, create_now, &made);
}

static bool is_owner(const struct list *roles)
{
    for (size_t i = 0; i < roles->count; i++)
        if (str_is(((struct role_ref *)roles->at)[i].key, "owner"))
            return true;
    return false;
}

// One who has less may not change one who has more: or an owner's password would be anybody's who may write users.
static bool may_change(struct ctx *c, int64_t id)
{
    uint64_t perms[2];
    if (c->actor.kind != ACTOR_SYSTEM && c->actor.id == id)
        return true;
    return user_perms(c, id, perms) && (perms_within(perms, &c->actor) || fail(c, ERR_FORBIDDEN, "identity.more_than_own", NULL));
}

struct change {
    const struct user *in;
    uint64_t set;
    int64_t expected;
    struct str hashed;
    bool ends; // afterwards: their sessions are over
};

static bool keep_an_owner(struct ctx *c, const struct user *old, const struct user *new)
{
    int64_t other;
    bool found;
    if (!is_owner(&old->roles) || old->state != USER_ACTIVE || (is_owner(&new->roles) && new->state == USER_ACTIVE))
        return true;
    // The row is written so that two owners who demote each other at once do not both succeed.
    if (!db_exec(c, &user_owner_lock, "i", clock_now(c->clock)) || !db_int(c, &other, &found, &user_other_owner, "i", old->id))
        return false;
    return found || fail(c, ERR_CONFLICT, "identity.last_owner", NULL);
}

static bool change_now(struct ctx *c, void *arg)
{
    struct change *change = arg;
    const struct user *in = change->in;
    uint64_t set = change->set, perms[2];
    struct user old;
    change->ends = false;
    if (!user_get(c, in->id, &old) || !may_change(c, in->id))
        return false;
    if (change->expected && change->expected != old.version)
        return fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
    struct user new = old;
    new.name = HAS(set, IN_NAME) ? in->name : old.name;
    new.email = HAS(set, IN_EMAIL) ? in->email : old.email;
    new.locale = HAS(set, IN_LOCALE) ? in->locale : old.locale;
    new.theme = HAS(set, IN_THEME) && in->theme >= 0 ? in->theme : old.theme;
    new.state = HAS(set, IN_STATE) && in->state >= 0 ? in->state : old.state;
    new.capacity = HAS(set, IN_CAPACITY) ? in->capacity : old.capacity;
    if (HAS(set, IN_ROLES)) {
        new.role_keys = in->role_keys;
        new.roles = in->roles;
        if (!resolve_roles(c, &new, perms))
            return false;
        if (!perms_within(perms, &c->actor))
            return fail(c, ERR_FORBIDDEN, "identity.more_than_own", NULL);
    }
    if (!keep_an_owner(c, &old, &new) || (HAS(set, IN_EMAIL) && !email_free(c, new.email, old.id)))
        return false;
    if (!db_exec(c, &user_update, "sszzziiii", new.name, new.email, lang_tag((enum lang)new.locale), themes[new.theme],
                 states[new.state], new.capacity, clock_now(c->clock), old.id, old.version))
        return false;
    if (db_changed(c) != 1)
        return fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
    if (HAS(set, IN_ROLES) && !put_roles(c, &new))
        return false;
    if (HAS(set, IN_PASSWORD) && !db_exec(c, &user_set_password, "Sii", change->hashed, clock_now(c->clock), old.id))
        return false;
    change->ends = HAS(set, IN_PASSWORD) || (new.state == USER_DISABLED && old.state == USER_ACTIVE);
    if (change->ends && !db_exec(c, &user_sessions_end, "ii", old.id, (int64_t)0))
        return false;
    bool own = c->actor.kind == ACTOR_USER && c->actor.id == old.id;
    return audit_add(c, own ? "me.change" : "user.change", id_str(c->arena, "us", old.id), detail_of(c, &new, set));
}

bool user_change(struct ctx *c, const struct user *user, uint64_t set, int64_t expected_version)
{
    struct change change = {.in = user, .set = set, .expected = expected_version};
    if (HAS(set, IN_PASSWORD)) {
        struct user old;
        if (!user_get(c, user->id, &old) || !may_change(c, user->id))
            return false;
        if (user->password.len && (!password_check(c, STR("password"), user->password, HAS(set, IN_EMAIL) ? user->email : old.email) ||
                                   !password_hash(c, user->password, &change.hashed)))
            return false;
    }
    if (!store_write(c, change_now, &change))
        return false;
    access_changed(c);
    if (change.ends)
        access_ended(c, user->id, 0);
    return true;
}

bool user_disable(struct ctx *c, int64_t id)
{
    struct user user = {.id = id, .state = USER_DISABLED};
    return user_change(c, &user, 1 << IN_STATE, 0);
}

bool user_enable(struct ctx *c, int64_t id)
{
    struct user user = {.id = id, .state = USER_ACTIVE};
    return user_change(c, &user, 1 << IN_STATE, 0);
}

struct new_password {
    int64_t id, keep;
    struct str hashed;
    struct {
        VEC(int64_t);
    } ended;
};

static bool password_now(struct ctx *c, void *arg)
{
    struct new_password *p = arg;
    struct rows r;
    p->ended.count = 0;
    db_query(c, &r, &user_other_sessions, "ii", p->id, p->keep);
    while (rows_next(&r))
        VEC_PUSH(c->arena, &p->ended, rows_int(&r, 0));
    return rows_done(&r) && may_change(c, p->id) && db_exec(c, &user_set_password, "sii", p->hashed, clock_now(c->clock), p->id) &&
           db_exec(c, &user_sessions_end, "ii", p->id, p->keep) &&
           audit_add(c, "user.password", id_str(c->arena, "us", p->id), STR(""));
}

bool user_password(struct ctx *c, int64_t id, struct str password, int64_t keep_session)
{
    struct user user;
    struct new_password p = {.id = id, .keep = keep_session};
    if (!user_get(c, id, &user) || !password_check(c, STR("password"), password, user.email) ||
        !password_hash(c, password, &p.hashed) || !store_write(c, password_now, &p))
        return false;
    access_changed(c);
    for (size_t i = 0; i < p.ended.count; i++)
        access_ended(c, id, p.ended.at[i]);
    return true;
}
