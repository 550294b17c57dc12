#include "desk/wrap_up.h"

#include "desk/live.h"

#define CODE_COLUMNS "id, code, name_zh, name_en, enabled, position, version, created_at, updated_at"
SQL_SCAN(codes_all, "the company's list of codes, shown as a whole", "SELECT " CODE_COLUMNS " FROM wrap_up_code ORDER BY position, id LIMIT 500");
SQL(code_by_id, "SELECT " CODE_COLUMNS " FROM wrap_up_code WHERE id = ?1");
SQL(code_enabled, "SELECT enabled FROM wrap_up_code WHERE code = ?1");
SQL(code_insert, "INSERT INTO wrap_up_code (code, name_zh, name_en, enabled, position, version, created_at, updated_at) "
                 "VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?6) ON CONFLICT (code) DO NOTHING RETURNING id");
SQL(code_update, "UPDATE wrap_up_code SET name_zh = ?2, name_en = ?3, enabled = ?4, position = ?5, version = version + 1, updated_at = ?6 "
                 "WHERE id = ?1 AND version = ?7");
SQL_SCAN(codes_any, "stops at the first row", "SELECT id FROM wrap_up_code LIMIT 1");

static const struct field name_fields[] = {
    FIELD(_, wrap_up_name, zh_CN, F_TEXT, .max = 60),
    FIELD(_, wrap_up_name, en_US, F_TEXT, .max = 60),
};
static SCHEMA(name_schema, "WrapUpName", struct wrap_up_name, name_fields, "The code's name in both languages.");
enum { CODE_CODE = 1, CODE_NAME, CODE_ENABLED, CODE_POSITION };
static const struct field code_fields[] = {
    FIELD(_, wrap_up_code, id, F_ID, .prefix = "wu", .flags = FIELD_READ_ONLY),
    FIELD(_, wrap_up_code, code, F_TEXT, .max = 40, .flags = FIELD_REQUIRED, .doc = "a-z 0-9 _ -; cannot be changed later."),
    FIELD(_, wrap_up_code, name, F_OBJECT, .sub = &name_schema, .flags = FIELD_REQUIRED),
    FIELD(_, wrap_up_code, enabled, F_BOOL),
    FIELD(_, wrap_up_code, position, F_INT, .min = 0, .max = 100000),
    FIELD(_, wrap_up_code, version, F_INT, .flags = FIELD_READ_ONLY),
    FIELD(_, wrap_up_code, created_at, F_TIME, .flags = FIELD_READ_ONLY),
    FIELD(_, wrap_up_code, updated_at, F_TIME, .flags = FIELD_READ_ONLY),
};
SCHEMA(wrap_up_code_schema, "WrapUpCode", struct wrap_up_code, code_fields, "How a conversation may end.");

static void fill(struct ctx *c, struct rows *r, struct wrap_up_code *code)
{
    *code = (struct wrap_up_code){.id = rows_int(r, 0), .code = rows_str(r, 1), .enabled = rows_int(r, 4) != 0, .position = rows_int(r, 5),
                                  .version = rows_int(r, 6), .created_at = rows_int(r, 7), .updated_at = rows_int(r, 8)};
    code->name = ARENA_NEW(c->arena, struct wrap_up_name);
    *code->name = (struct wrap_up_name){rows_str(r, 2), rows_str(r, 3)};
}

bool wrap_up_get(struct ctx *c, int64_t id, struct wrap_up_code *out)
{
    struct rows r;
    db_query(c, &r, &code_by_id, "i", id);
    bool found = rows_next(&r);
    if (found)
        fill(c, &r, out);
    return rows_done(&r) && (found || fail(c, ERR_NOT_FOUND, "not_found", NULL));
}

bool wrap_up_list(struct ctx *c, struct wrap_up_code **codes, size_t *count)
{
    struct {
        VEC(struct wrap_up_code);
    } list = {0};
    struct rows r;
    db_query(c, &r, &codes_all, "");
    while (rows_next(&r)) {
        struct wrap_up_code code;
        fill(c, &r, &code);
        VEC_PUSH(c->arena, &list, code);
    }
    *codes = list.at;
    *count = list.count;
    return rows_done(&r);
}

bool wrap_up_known(struct ctx *c, struct str code, bool *known)
{
    int64_t enabled;
    if (!db_int(c, &enabled, known, &code_enabled, "s", code))
        return false;
    *known = *known && enabled;
    return true;
}

static bool code_fine(struct str code)
{
    for (size_t i = 0; i < code.len; i++)
        if (!((code.at[i] >= 'a' && code.at[i] <= 'z') || (code.at[i] >= '0' && code.at[i] <= '9') || code.at[i] == '_' || code.at[i] == '-'))
            return false;
    return code.len > 0;
}
static bool name_fine(struct ctx *c, struct wrap_up_name *name)
{
    if (!name || (!name->zh_CN.len && !name->en_US.len))
        return fail_field(c, STR("name"), "schema.required", NULL);
    // One language alone serves both, rather than an empty choice on somebody's page.
    if (!name->zh_CN.len)
        name->zh_CN = name->en_US;
    if (!name->en_US.len)
        name->en_US = name->zh_CN;
    return true;
}

static bool insert(struct ctx *c, void *arg)
{
    struct wrap_up_code *code = arg;
    bool fresh;
    if (!db_int(c, &code->id, &fresh, &code_insert, "ssstii", code->code, code->name->zh_CN, code->name->en_US, (int)code->enabled,
                code->position, code->created_at))
        return false;
    return fresh || fail(c, ERR_CONFLICT, "wrap_up.exists", NULL);
}
bool wrap_up_create(struct ctx *c, struct wrap_up_code *code)
{
    bool fine = name_fine(c, code->name);
    if (!code_fine(code->code))
        fine = fail_field(c, STR("code"), "wrap_up.code", NULL);
    code->created_at = code->updated_at = clock_now(c->clock);
    code->version = 1;
    return fine && store_write(c, insert, code);
}

static bool update(struct ctx *c, void *arg)
{
    const struct wrap_up_code *code = arg;
    if (!db_exec(c, &code_update, "isstiii", code->id, code->name->zh_CN, code->name->en_US, (int)code->enabled, code->position,
                 code->updated_at, code->version))
        return false;
    return db_changed(c) || fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
}
bool wrap_up_change(struct ctx *c, struct wrap_up_code *code, uint64_t set, int64_t expected_version)
{
    struct wrap_up_code was = {0};
    if (!wrap_up_get(c, code->id, &was))
        return false;
    if (expected_version && expected_version != was.version)
        return fail(c, ERR_PRECONDITION, "schema.changed_meanwhile", NULL);
    if (set >> CODE_CODE & 1 && !str_eq(code->code, was.code))
        return fail_field(c, STR("code"), "schema.read_only", NULL);
    if (set >> CODE_NAME & 1) {
        if (!name_fine(c, code->name))
            return false;
        was.name = code->name;
    }
    if (set >> CODE_ENABLED & 1)
        was.enabled = code->enabled;
    if (set >> CODE_POSITION & 1)
        was.position = code->position;
    *code = was;
    code->updated_at = clock_now(c->clock);
    if (!store_write(c, update, code))
        return false;
    code->version++;
    return true;
}

static bool ensure(struct ctx *c, void *arg)
{
    static const char *const usual[] = {"solved", "no_answer", "complaint", "spam", "other"};
    int64_t id;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        char *key = arena_printf(c->arena, "wrap_up.usual.%s", usual[i]);
        if (!db_int(c, &id, NULL, &code_insert, "sssiii", str_of(usual[i]), message_text(c->arena, LANG_ZH, key, NULL, 0),
                    message_text(c->arena, LANG_EN, key, NULL, 0), (int64_t)1, (int64_t)i, clock_now(c->clock)))
            return false;
    }
    return true;
}
bool wrap_up_ensure(struct ctx *c)
{
    int64_t id;
    bool any;
    if (!db_int(c, &id, &any, &codes_any, ""))
        return false;
    return any || store_write(c, ensure, NULL);
}
