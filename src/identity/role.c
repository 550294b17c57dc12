#include "identity/role.h"

#include "base/vec.h"
#include "identity/access.h"
#include "identity/audit.h"
#include "schema/id.h"
#include "schema/list.h"
#include "store/db.h"

SQL(role_by_id,
    "SELECT r.id, r.key, r.name, r.permissions, (SELECT COUNT(*) FROM user_role ur WHERE ur.role_id = r.id), r.version, r.created_at, "
    "r.updated_at FROM role r WHERE r.id = ?1");
SQL(role_id_by_key, "SELECT id FROM role WHERE key = ?1");
SQL(role_insert,
    "INSERT INTO role (key, name, permissions, version, created_at, updated_at) VALUES (?1, ?2, ?3, 1, ?4, ?4) RETURNING id");
SQL(role_update, "UPDATE role SET name = ?1, permissions = ?2, version = version + 1, updated_at = ?3 WHERE id = ?4 AND version = ?5");
SQL(role_remove, "DELETE FROM role WHERE id = ?1");
SQL(role_used, "SELECT user_id FROM user_role WHERE role_id = ?1 LIMIT 1");
#define ROLE_LIST \
    "SELECT r.id, r.key, r.name, r.permissions, (SELECT COUNT(*) FROM user_role ur WHERE ur.role_id = r.id), r.version, r.created_at, " \
    "r.updated_at FROM role r WHERE 1 = 1"

const char *const role_keys[] = {"owner", "supervisor", "agent", "editor", "planner", "finance", "auditor", NULL};

// What each may do. The owner may do everything, what later versions add included.
static const enum perm supervisor[] = {
    PERM_USER_READ,         PERM_ROLE_READ,  PERM_AUDIT_READ,    PERM_INBOX_READ,        PERM_CONTACT_READ,
    PERM_CONTACT_WRITE,     PERM_CONTACT_UNMASK, PERM_CONVERSATION_READ, PERM_CONVERSATION_READ_ALL, PERM_CONVERSATION_REPLY,
    PERM_CONVERSATION_ASSIGN, PERM_KNOWLEDGE_READ, PERM_ROSTER_READ, PERM_SYSTEM_READ,
};
static const enum perm agent[] = {
    PERM_INBOX_READ,         PERM_CONTACT_READ,      PERM_CONTACT_WRITE,  PERM_CONVERSATION_READ,
    PERM_CONVERSATION_REPLY, PERM_KNOWLEDGE_READ,    PERM_ROSTER_READ,
};
static const enum perm editor[] = {
    PERM_INBOX_READ,      PERM_CONVERSATION_READ, PERM_CONVERSATION_READ_ALL,
    PERM_KNOWLEDGE_READ,  PERM_KNOWLEDGE_WRITE,   PERM_KNOWLEDGE_IMPORT,
};
static const enum perm planner[] = {
    PERM_USER_READ, PERM_INBOX_READ, PERM_CONVERSATION_READ, PERM_KNOWLEDGE_READ, PERM_ROSTER_READ, PERM_ROSTER_WRITE,
};
static const enum perm finance[] = {PERM_USER_READ, PERM_ROSTER_READ, PERM_PAY_READ, PERM_PAY_WRITE};
static const enum perm auditor[] = {
    PERM_USER_READ,         PERM_ROLE_READ,     PERM_AUDIT_READ,        PERM_INBOX_READ,
    PERM_CONTACT_READ,      PERM_KNOWLEDGE_READ, PERM_CONVERSATION_READ, PERM_CONVERSATION_READ_ALL,
    PERM_ROSTER_READ,       PERM_PAY_READ,      PERM_SYSTEM_READ,
};
#define BUNDLE(name) {#name, name, sizeof name / sizeof *name}
static const struct {
    const char *key;
    const enum perm *perms;
    size_t count;
} bundles[] = {BUNDLE(supervisor), BUNDLE(agent), BUNDLE(editor), BUNDLE(planner), BUNDLE(finance), BUNDLE(auditor)};

static void grant(uint64_t perms[2], enum perm p)
{
    perms[p / 64] |= UINT64_C(1) << (p % 64);
}

void role_bundle(const char *key, uint64_t perms[2])
{
    perms[0] = perms[1] = 0;
    for (int p = 0; p < PERM_COUNT && !strcmp(key, "owner"); p++)
        grant(perms, (enum perm)p);
    for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++)
        for (size_t j = 0; j < bundles[i].count && !strcmp(key, bundles[i].key); j++)
            grant(perms, bundles[i].perms[j]);
}

bool perms_of_names(struct ctx *c, struct str field, const struct str_list *names, uint64_t perms[2])
{
    bool fine = true;
    perms[0] = perms[1] = 0;
    for (size_t i = 0; i < names->count; i++) {
        enum perm p;
        if (perm_from_name(names->at[i], &p))
            grant(perms, p);
        else
            fine = fail_field(c, str_printf(c->arena, STR_FMT "/%zu", STR_ARG(field), i), "identity.no_such_permission", NULL);
    }
    return fine;
}

struct str_list perms_to_names(struct arena *a, const uint64_t perms[2])
{
    struct str_list list = {.at = ARENA_ARRAY(a, struct str, PERM_COUNT)};
    for (int p = 0; p < PERM_COUNT; p++)
        if (perms[p / 64] >> (p % 64) & 1)
            list.at[list.count++] = str_of(perm_name((enum perm)p));
    return list;
}

bool perms_within(const uint64_t inner[2], const struct actor *outer)
{
    return outer->kind == ACTOR_SYSTEM || (!(inner[0] & ~outer->perms[0]) && !(inner[1] & ~outer->perms[1]));
}

// A name that this version does not know gives nothing: a permission that went away is nobody's.
void role_perms(struct str key, struct str names, uint64_t perms[2])
{
    struct str part;
    enum perm p;
    perms[0] = perms[1] = 0;
    for (size_t i = 0; key.len && role_keys[i]; i++)
        if (str_is(key, role_keys[i]))
            role_bundle(role_keys[i], perms);
    while (!key.len && names.len && str_split(&names, ' ', &part))
        if (perm_from_name(part, &p))
            grant(perms, p);
}

static struct role read_role(struct ctx *c, struct rows *r)
{
    struct role role = {
        .id = rows_int(r, 0),
        .key = rows_str(r, 1),
        .name = rows_str(r, 2),
        .users = rows_int(r, 4),
        .version = rows_int(r, 5),
        .created_at = rows_int(r, 6),
        .updated_at = rows_int(r, 7),
    };
    role.built_in = role.key.len > 0;
    role_perms(role.key, rows_str(r, 3), role.perms);
    role.permissions = perms_to_names(c->arena, role.perms);
    return role;
}

bool role_get(struct ctx *c, int64_t id, struct role *out)
{
    struct rows r;
    db_query(c, &r, &role_by_id, "i", id);
    bool found = rows_next(&r);
    if (found)
        *out = read_role(c, &r);
    if (!rows_done(&r))
        return false;
    if (!found)
        fail(c, ERR_NOT_FOUND, "not_found", NULL);
    return found;
}

bool role_by_key(struct ctx *c, const char *key, int64_t *id)
{
    bool found;
    return db_int(c, id, &found, &role_id_by_key, "z", key) && (found || fail(c, ERR_NOT_FOUND, "not_found", NULL));
}

bool role_list(struct ctx *c, const struct list_query *q, struct role **roles, size_t *count)
{
    struct {
        VEC(struct role);
    } list = {0};
    struct rows r;
    struct str text = str_printf(c->arena, ROLE_LIST STR_FMT STR_FMT " LIMIT %d", STR_ARG(q->where), STR_ARG(q->order), q->limit + 1);
    db_query_built(c, &r, text, q->values, q->count);
    while (rows_next(&r))
        VEC_PUSH(c->arena, &list, read_role(c, &r));
    *roles = list.at;
    *count = list.count;
    return rows_done(&r);
}

bool roles_ensure(struct ctx *c)
{
    for (size_t i = 0; role_keys[i]; i++) {
        int64_t id;
        bool found;
        usec now = clock_now(c->clock);
        if (!db_int(c, &id, &found, &role_id_by_key, "z", role_keys[i]) ||
            (!found && !db_int(c, &id, NULL, &role_insert, "zzsi", role_keys[i], role_keys[i], STR(""), now)))
            return false;
    }
    return true;
}

static struct str names_of(struct ctx *c, const uint64_t perms[2])
{
    struct str_list list = perms_to_names(c->arena, perms);
    return str_join(c->arena, list.at, list.count, STR(" "));
}

static struct str role_detail(struct ctx *c, struct str name, struct str permissions)
{
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_str(&o, "name", name);
    json_put_str(&o, "permissions", permissions);
    json_close(&o, '}');
    return buf_str(&o.buf);
}

static bool create_now(struct ctx *c, void *arg)
{
    struct role *role = arg;
    struct str names = names_of(c, role->perms);
    return db_int(c, &role->id, NULL, &role_insert, "nssi", role->name, names, clock_now(c->clock)) &&
           audit_add(c, "role.create", id_str(c->arena, "ro", role->id), role_detail(c, role->name, names)) && role_get(c, role->id, role);
}

static bool may_give(struct ctx *c, const uint64_t perms[2])
{
    return perms_within(perms, &c->actor) || fail(c, ERR_FORBIDDEN, "identity.more_than_own", NULL);
}

bool role_create(struct ctx *c, struct role *role)
{
    if (!perms_of_names(c, STR("permissions"), &role->permissions, role->perms) || !may_give(c, role->perms))
        return false;
    return store_write(c, create_now, role);
}

struct role_change {
    const struct role *role;
    bool name, permissions;
    uint64_t perms[2];
};

static bool change_now(struct ctx *c, void *arg)
{
    struct role_change *change = arg;
    struct role old;
    if (!role_get(c, change->role->id, &old))
        return false;
    if (old.built_in)
        return fail(c, ERR_CONFLICT, "identity.built_in_role", NULL);
    // Taking something away from people who have more than oneself is as little one's business as giving it.
    if (!may_give(c, old.perms))
        return false;
    if (change->role->version && change->role->version != old.version)
        return fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
    struct str name = change->name ? change->role->name : old.name;
    struct str names = names_of(c, change->permissions ? change->perms : old.perms);
    if (!db_exec(c, &role_update, "ssiii", name, names, clock_now(c->clock), old.id, old.version))
        return false;
    if (db_changed(c) != 1)
        return fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
    return audit_add(c, "role.change", id_str(c->arena, "ro", old.id), role_detail(c, name, names));
}

bool role_change(struct ctx *c, const struct role *role, bool name, bool permissions)
{
    struct role_change change = {.role = role, .name = name, .permissions = permissions};
    if (permissions && (!perms_of_names(c, STR("permissions"), &role->permissions, change.perms) || !may_give(c, change.perms)))
        return false;
    if (!store_write(c, change_now, &change))
        return false;
    access_changed(c);
    return true;
}

static bool delete_now(struct ctx *c, void *arg)
{
    const int64_t *id = arg;
    struct role old;
    int64_t user;
    bool used;
    if (!role_get(c, *id, &old))
        return false;
    if (old.built_in)
        return fail(c, ERR_CONFLICT, "identity.built_in_role", NULL);
    if (!may_give(c, old.perms) || !db_int(c, &user, &used, &role_used, "i", *id))
        return false;
    if (used)
        return fail(c, ERR_CONFLICT, "identity.role_in_use", NULL);
    return db_exec(c, &role_remove, "i", *id) &&
           audit_add(c, "role.delete", id_str(c->arena, "ro", *id), role_detail(c, old.name, names_of(c, old.perms)));
}

bool role_delete(struct ctx *c, int64_t id)
{
    return store_write(c, delete_now, &id);
}
