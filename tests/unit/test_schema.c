// The field tables' rules, named as sentences.
#include "test.h"

#include "base/ctx.h"
#include "base/rand.h"
#include "schema/id.h"
#include "schema/perm.h"
#include "schema/schema.h"
#include "schema/text.h"
#include "store/db.h"

static struct arena *arena;
static struct error error;
static struct ctx ctx;

static int fresh(void **state)
{
    rand_setup();
    arena = arena_new();
    error = (struct error){0};
    ctx = (struct ctx){.arena = arena, .err = &error, .clock = &system_clock, .actor = {.kind = ACTOR_USER, .id = 7}};
    return 0;
}
static int gone(void **state)
{
    arena_free(arena);
    return 0;
}
static void grant(enum perm p)
{
    ctx.actor.perms[p / 64] |= UINT64_C(1) << (p % 64);
}

struct pet {
    struct str name;
    int64_t age;
};
static const struct field pet_fields[] = {
    FIELD(_, pet, name, F_TEXT, .flags = FIELD_REQUIRED),
    FIELD(_, pet, age, F_INT, .min = 0, .max = 40),
};
SCHEMA(pet_schema, "Pet", struct pet, pet_fields, "An animal");

struct person {
    int64_t id;
    struct str name, email, phone, site, color, secret, note, extra;
    int64_t height, born, since, boss, pay_fen;
    bool active;
    int state, language;
    struct pet *pet;
    struct list pets;
    struct str_list tags;
};
static const char *const states[] = {"new", "busy", "gone", NULL};
static const struct field person_fields[] = {
    FIELD(_, person, id, F_ID, .prefix = "pn", .flags = FIELD_READ_ONLY),
    FIELD(_, person, name, F_TEXT, .max = 10, .flags = FIELD_REQUIRED | FIELD_PERSONAL | FIELD_SORT | FIELD_SEARCH),
    FIELD(_, person, email, F_EMAIL, .flags = FIELD_PERSONAL | FIELD_FILTER),
    FIELD(_, person, phone, F_PHONE, .flags = FIELD_PERSONAL),
    FIELD(_, person, site, F_URL),
    FIELD(_, person, color, F_COLOR),
    FIELD(_, person, secret, F_TEXT, .flags = FIELD_SECRET, .min = 4),
    FIELD(_, person, note, F_TEXT, .flags = FIELD_MULTILINE, .see = PERM_AUDIT_READ + 1),
    FIELD(_, person, extra, F_JSON, .max = 30, .flags = FIELD_SKIP_EMPTY),
    FIELD(_, person, height, F_INT, .min = 30, .max = 250),
    FIELD(_, person, born, F_DATE, .flags = FIELD_PERSONAL | FIELD_FILTER),
    FIELD(_, person, since, F_TIME, .flags = FIELD_FILTER | FIELD_SORT, .column = "p.since"),
    FIELD(_, person, boss, F_ID, .prefix = "us", .flags = FIELD_FILTER),
    FIELD(_, person, pay_fen, F_FEN, .write = PERM_PAY_WRITE + 1),
    FIELD(_, person, active, F_BOOL, .flags = FIELD_FILTER),
    FIELD(_, person, state, F_ENUM, .choices = states, .flags = FIELD_FILTER | FIELD_STORED_TEXT),
    FIELD(_, person, language, F_LANG),
    FIELD(_, person, pet, F_OBJECT, .sub = &pet_schema),
    FIELD(_, person, pets, F_LIST, .sub = &pet_schema, .max = 2),
    FIELD(_, person, tags, F_TEXTS, .max = 3),
};
SCHEMA(person_schema, "Person", struct person, person_fields, "A person");

static bool parse(const char *body, bool partial, struct person *out, uint64_t *set)
{
    error_clear(&error);
    memset(out, 0, sizeof *out);
    return schema_parse(&ctx, &person_schema, str_of(body), partial, out, set);
}
static const char *fault(const char *field)
{
    for (size_t i = 0; i < error.field_count; i++)
        if (str_is(error.fields[i].field, field))
            return error.fields[i].key;
    return "";
}
static const char *fault_of(const char *body, const char *field)
{
    struct person p;
    if (parse(body, true, &p, NULL))
        return "fine";
    return fault(field);
}
static const char *written(const struct person *p)
{
    struct json_out o = json_begin(arena);
    schema_write(&ctx, &person_schema, p, &o, NULL);
    return str_z(arena, buf_str(&o.buf));
}

static void all_faults_of_a_body_are_reported_at_once_with_pointers(void **state)
{
    struct person p;
    assert_false(parse("{\"name\":5,\"email\":\"x@\",\"height\":2,\"id\":\"pn_1\",\"a/b~\":1,\"state\":\"odd\",\"active\":1,"
                       "\"pets\":[{\"name\":\"a\"},{\"age\":99,\"tail\":true}],\"tags\":[\"a\",3],\"born\":\"2026-02-30\",\"pay_fen\":1}",
                       false, &p, NULL));
    assert_int_equal(error.code, ERR_INVALID);
    assert_string_equal(error.key, "invalid");
    assert_string_equal(fault("name"), "schema.not_text");
    assert_string_equal(fault("email"), "schema.email");
    assert_string_equal(fault("height"), "schema.too_small");
    assert_string_equal(fault("id"), "schema.read_only");
    assert_string_equal(fault("a~1b~0"), "schema.unknown");
    assert_string_equal(fault("state"), "schema.choice");
    assert_string_equal(fault("active"), "schema.not_bool");
    assert_string_equal(fault("pets/1/name"), "schema.required");
    assert_string_equal(fault("pets/1/age"), "schema.too_large");
    assert_string_equal(fault("pets/1/tail"), "schema.unknown");
    assert_string_equal(fault("tags/1"), "schema.not_text");
    assert_string_equal(fault("born"), "schema.date");
    assert_string_equal(fault("pay_fen"), "forbidden");
    assert_int_equal(error.field_count, 13);
    for (size_t i = 0; i < error.field_count; i++)
        assert_true(message_exists(error.fields[i].key));
}

static void a_required_field_may_be_absent_from_a_patch_only_and_never_empty(void **state)
{
    struct person p;
    uint64_t set;
    assert_false(parse("{}", false, &p, &set));
    assert_string_equal(fault("name"), "schema.required");
    assert_true(parse("{\"email\":null,\"active\":true}", true, &p, &set));
    assert_int_equal(set, UINT64_C(1) << schema_field(&person_schema, "email") | UINT64_C(1) << schema_field(&person_schema, "active"));
    assert_false(parse("{\"name\":\" \xE3\x80\x80 \"}", true, &p, &set));
    assert_string_equal(fault("name"), "schema.required");
    assert_false(parse("{\"name\":null}", true, &p, &set));
    assert_true(parse("{\"name\":\"x\",\"state\":null,\"born\":null}", false, &p, &set));
    assert_int_equal(p.state, -1);
    assert_int_equal(p.born, INT64_MIN);
}

static void texts_are_trimmed_counted_by_code_points_and_free_of_control_characters(void **state)
{
    struct person p;
    assert_true(parse("{\"name\":\" \\t\xE3\x80\x80王小明王小明王小明王 \\n\"}", false, &p, NULL));
    assert_str(p.name, "王小明王小明王小明王");
    assert_string_equal(fault_of("{\"name\":\"王小明王小明王小明王小\"}", "name"), "schema.too_long");
    assert_str(error.fields[0].args[0], "10");
    assert_string_equal(fault_of("{\"name\":\"a\\nb\"}", "name"), "schema.control");
    assert_string_equal(fault_of("{\"name\":\"a\\u202eb\"}", "name"), "schema.control");
    assert_string_equal(fault_of("{\"name\":\"a\\u0085b\"}", "name"), "schema.control");
    assert_true(parse("{\"note\":\"a\\r\\nb\\rc\\td\"}", true, &p, NULL));
    assert_str(p.note, "a\nb\nc\td");
    assert_string_equal(fault_of("{\"note\":\"a\\u0007\"}", "note"), "schema.control");
    assert_true(parse("{\"secret\":\"  pass  \"}", true, &p, NULL));
    assert_str(p.secret, "  pass  ");
    assert_string_equal(fault_of("{\"secret\":\"abc\"}", "secret"), "schema.too_short");
    assert_false(parse("{\"name\":\"\xFF\"}", false, &p, NULL));
    assert_int_equal(error.code, ERR_MALFORMED);
    assert_false(parse("{\"name\":\"\\u0000\"}", false, &p, NULL));
    assert_int_equal(error.code, ERR_MALFORMED);
    assert_false(parse("[]", false, &p, NULL));
    assert_false(parse("{\"name\":\"a\",\"name\":\"b\"}", false, &p, NULL));
}

static void addresses_are_checked_and_stored_in_one_form(void **state)
{
    static const char *const good[][2] = {{"Li.Ming+a@Example.COM", "li.ming+a@example.com"}, {"a@b.cn", "a@b.cn"}};
    static const char *const bad[] = {"a", "@b.cn", "a@b", "a@.cn", "a..b@c.cn", ".a@c.cn", "a@c.cn.", "a b@c.cn", "a@-c.cn", "a@b@c.cn"};
    struct str out;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(text_email(arena, str_of(good[i][0]), &out));
        assert_str(out, good[i][1]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(text_email(arena, str_of(bad[i]), &out));
    static const char *const phones[][2] = {{"138 1234-5678", "+8613812345678"},    {"+86 138 1234 5678", "+8613812345678"},
                                            {"008613812345678", "+8613812345678"},  {"１３８１２３４５６７８", "+8613812345678"},
                                            {"0755-12345678", "+8675512345678"},    {"+44 (20) 7946 0000", "+442079460000"},
                                            {"010-12345678", "+861012345678"}};
    for (size_t i = 0; i < sizeof phones / sizeof *phones; i++) {
        assert_true(text_phone(arena, str_of(phones[i][0]), &out));
        assert_str(out, phones[i][1]);
    }
    static const char *const no_phones[] = {"12812345678", "1381234567", "138123456789", "12345", "+0123456789", "abc", "+86 12812345678",
                                            "++8613812345678", "+1234567890123456", "", "+"};
    for (size_t i = 0; i < sizeof no_phones / sizeof *no_phones; i++)
        assert_false(text_phone(arena, str_of(no_phones[i]), &out));
    assert_true(text_url(STR("https://shop.example.cn/a?b#c"), &out));
    static const char *const no_urls[] = {"javascript:alert(1)", "//x.cn", "http://", "http:///a", "https://u@x.cn", "https://a b", "ftp://x.cn",
                                          "https://x.cn/<"};
    for (size_t i = 0; i < sizeof no_urls / sizeof *no_urls; i++)
        assert_false(text_url(str_of(no_urls[i]), &out));
    assert_true(text_color(arena, STR("#A0b1C2"), &out));
    assert_str(out, "#a0b1c2");
    assert_false(text_color(arena, STR("#A0b1C"), &out));
    assert_false(text_color(arena, STR("#A0b1Cg"), &out));
}

static void nested_objects_lists_and_raw_json_are_read_with_their_limits(void **state)
{
    struct person p;
    assert_true(parse("{\"name\":\"a\",\"pet\":{\"name\":\"cat\",\"age\":3},\"pets\":[{\"name\":\"x\"},{\"name\":\"y\"}],"
                      "\"tags\":[\" a \",\"b\"],\"extra\":{\"k\":[1, 2]},\"language\":\"en-US\",\"state\":\"busy\"}",
                      false, &p, NULL));
    assert_str(p.pet->name, "cat");
    assert_int_equal(p.pet->age, 3);
    assert_int_equal(p.pets.count, 2);
    assert_str(((struct pet *)p.pets.at)[1].name, "y");
    assert_str(p.tags.at[0], "a");
    assert_str(p.extra, "{\"k\":[1,2]}");
    assert_int_equal(p.language, LANG_EN);
    assert_int_equal(p.state, 1);
    assert_string_equal(fault_of("{\"pets\":[{},{},{}]}", "pets"), "schema.too_many");
    assert_string_equal(fault_of("{\"extra\":{\"k\":\"0123456789012345678901234567890\"}}", "extra"), "schema.too_many_bytes");
    assert_string_equal(fault_of("{\"extra\":\"k\"}", "extra"), "schema.not_json");
    assert_string_equal(fault_of("{\"tags\":[\"\"]}", "tags/0"), "schema.required");
    assert_string_equal(fault_of("{\"height\":1.5}", "height"), "schema.not_int");
    assert_string_equal(fault_of("{\"language\":\"fr\"}", "language"), "schema.choice");
    assert_string_equal(fault_of("{\"boss\":\"us_0000000000000\"}", "boss"), "schema.id");
}

static void personal_fields_are_masked_without_the_permission_and_secrets_never_written(void **state)
{
    struct person p = {.id = 3, .name = STR("王小明"), .email = STR("lily@x.com"), .phone = STR("+8613812341234"), .secret = STR("hidden"),
                       .note = STR("n"), .born = 100, .state = -1};
    const char *out = written(&p);
    assert_non_null(strstr(out, "\"name\":\"王**\""));
    assert_non_null(strstr(out, "\"email\":\"l***@x.com\""));
    assert_non_null(strstr(out, "\"phone\":\"138****1234\""));
    assert_non_null(strstr(out, "\"born\":null"));
    assert_non_null(strstr(out, "\"state\":null"));
    assert_null(strstr(out, "hidden"));
    assert_null(strstr(out, "note"));
    assert_null(strstr(out, "extra"));
    grant(PERM_CONTACT_UNMASK);
    grant(PERM_AUDIT_READ);
    out = written(&p);
    assert_non_null(strstr(out, "\"name\":\"王小明\""));
    assert_non_null(strstr(out, "\"email\":\"lily@x.com\""));
    assert_non_null(strstr(out, "+8613812341234"));
    assert_non_null(strstr(out, "\"born\":\"1970-04-11\""));
    assert_non_null(strstr(out, "\"note\":\"n\""));
    assert_null(strstr(out, "hidden"));
}

static void ids_are_opaque_differ_by_kind_and_invented_ones_are_refused(void **state)
{
    char a[ID_TEXT], b[ID_TEXT];
    int64_t id;
    for (int64_t i = 1; i < 3000; i++) {
        assert_true(id_parse("cv", id_text("cv", i, a), &id));
        assert_int_equal(id, i);
    }
    struct str one = id_text("cv", 1, a), other = id_text("ct", 1, b);
    assert_memory_not_equal(one.at + 3, other.at + 3, 13);
    assert_false(id_parse("ct", one, &id));
    assert_false(id_parse("cv", STR("cv_"), &id));
    assert_false(id_parse("cv", STR("cv_zzzzzzzzzzzzz"), &id));
    a[5] = 'U';
    assert_false(id_parse("cv", one, &id));
    int accepted = 0;
    for (int i = 0; i < 20000; i++) {
        uint8_t raw[13];
        char text[17] = "cv_";
        rand_bytes(raw, sizeof raw);
        for (int j = 0; j < 13; j++)
            text[3 + j] = "0123456789abcdefghjkmnpqrstvwxyz"[j ? raw[j] & 31 : raw[j] & 15];
        accepted += id_parse("cv", (struct str){text, 16}, &id);
    }
    assert_true(accepted < 60); // 1 in 2,048 is expected: about 10
    assert_false(id_param(&ctx, "cv", STR("cv_x"), &id));
    assert_int_equal(error.code, ERR_NOT_FOUND);
}

static bool ask(const char *query, struct list_query *q)
{
    error_clear(&error);
    struct request rq = {.ctx = &ctx, .query = str_of(query)};
    return list_parse(&rq, &person_schema, 3, q);
}

static void list_filters_become_parameters_of_fixed_sql(void **state)
{
    struct list_query q;
    assert_true(ask("", &q));
    assert_str(q.where, "");
    assert_str(q.order, " ORDER BY id DESC");
    assert_int_equal(q.limit, 50);
    assert_true(ask("filter[state]=new,gone&filter%5Bactive%5D=true&filter[boss]=me,none&sort=-since&limit=7", &q));
    assert_str(q.where, " AND (state IN (?3,?4)) AND (active IN (?5)) AND (boss IN (?6) OR boss IS NULL)");
    assert_str(q.order, " ORDER BY p.since DESC, id DESC");
    assert_int_equal(q.count, 4);
    assert_str(q.values[1].s, "gone");
    assert_int_equal(q.values[3].i, 7);
    assert_int_equal(q.limit, 7);
    assert_true(ask("filter[since]=1970-01-01T00:00:01Z..1970-01-01T00:00:02Z&filter[born]=..1970-01-02&q=x", &q));
    assert_str(q.where, " AND p.since >= ?3 AND p.since < ?4 AND born <= ?5");
    assert_true(ask("filter[name]=10%25_A", &q));
    assert_str(q.where, " AND LOWER(name) LIKE ?3 ESCAPE '\\'");
    assert_str(q.values[0].s, "%10\\%\\_a%");
    assert_true(ask("filter[name]='%20OR%201=1;--", &q));
    assert_str(q.where, " AND LOWER(name) LIKE ?3 ESCAPE '\\'");
}

static void a_bad_list_query_names_each_fault(void **state)
{
    struct list_query q;
    assert_false(ask("filter[secret]=x&filter[state]=odd&sort=note&limit=201&filter[nope]=1&filter[since]=..&filter[active]=1", &q));
    assert_string_equal(fault("filter[secret]"), "list.filter_unknown");
    assert_string_equal(fault("filter[state]"), "list.filter_value");
    assert_string_equal(fault("sort"), "list.sort");
    assert_string_equal(fault("limit"), "list.limit");
    assert_string_equal(fault("filter[nope]"), "list.filter_unknown");
    assert_string_equal(fault("filter[since]"), "list.filter_value");
    assert_string_equal(fault("filter[active]"), "list.filter_value");
    assert_int_equal(error.field_count, 7);
    assert_false(ask("limit=0", &q));
    assert_false(ask("limit=x", &q));
    assert_false(ask("filter[state]=%FF", &q));
    assert_int_equal(error.code, ERR_MALFORMED);
    assert_false(ask("filter[state]=%4", &q));
    assert_int_equal(error.code, ERR_MALFORMED);
}

static void a_cursor_fits_its_own_list_and_order_and_cannot_be_forged(void **state)
{
    struct list_query q;
    struct person people[3] = {{.id = 9, .since = 500, .state = -1}, {.id = 4, .since = 400, .state = -1}, {.id = 2, .since = 300, .state = -1}};
    assert_true(ask("sort=-since&limit=2", &q));
    struct request rq = {.ctx = &ctx};
    struct response rs = {0};
    list_write(&rq, &rs, &person_schema, &q, people, 3, offsetof(struct person, id));
    struct json *body = json_read(&ctx, buf_str(&rs.body), (struct json_limits){0});
    assert_int_equal(json_count(json_get(body, "items")), 2);
    char query[600];
    struct str cursor = json_text(json_get(body, "next"));
    assert_true(cursor.len > 20);
    snprintf(query, sizeof query, "sort=-since&limit=2&cursor=" STR_FMT, STR_ARG(cursor));
    assert_true(ask(query, &q));
    assert_str(q.where, " AND (p.since, id) < (?3, ?4)");
    assert_int_equal(q.values[0].i, 400);
    assert_int_equal(q.values[1].i, 4);
    snprintf(query, sizeof query, "sort=since&cursor=" STR_FMT, STR_ARG(cursor));
    assert_false(ask(query, &q));
    assert_string_equal(fault("cursor"), "list.cursor");
    query[strlen(query) - 5] ^= 1;
    assert_false(ask(query, &q));
    assert_false(ask("cursor=abc", &q));
    struct response last = {0};
    list_write(&rq, &last, &person_schema, &q, people, 1, offsetof(struct person, id));
    assert_non_null(strstr(str_z(arena, buf_str(&last.body)), "\"next\":null"));
    json_free(body);
}

static void every_permission_has_one_name(void **state)
{
    for (int i = 0; i < PERM_COUNT; i++) {
        enum perm p;
        assert_true(perm_from_name(str_of(perm_name((enum perm)i)), &p));
        assert_int_equal(p, i);
    }
    enum perm p;
    assert_false(perm_from_name(STR("nope"), &p));
    assert_false(need(&ctx, PERM_AUDIT_READ));
    assert_int_equal(error.code, ERR_FORBIDDEN);
    grant(PERM_AUDIT_READ);
    assert_true(need(&ctx, PERM_AUDIT_READ));
}

#define SENTENCE(f) cmocka_unit_test_setup_teardown(f, fresh, gone)
int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE(all_faults_of_a_body_are_reported_at_once_with_pointers),
        SENTENCE(a_required_field_may_be_absent_from_a_patch_only_and_never_empty),
        SENTENCE(texts_are_trimmed_counted_by_code_points_and_free_of_control_characters),
        SENTENCE(addresses_are_checked_and_stored_in_one_form),
        SENTENCE(nested_objects_lists_and_raw_json_are_read_with_their_limits),
        SENTENCE(personal_fields_are_masked_without_the_permission_and_secrets_never_written),
        SENTENCE(ids_are_opaque_differ_by_kind_and_invented_ones_are_refused),
        SENTENCE(list_filters_become_parameters_of_fixed_sql),
        SENTENCE(a_bad_list_query_names_each_fault),
        SENTENCE(a_cursor_fits_its_own_list_and_order_and_cannot_be_forged),
        SENTENCE(every_permission_has_one_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
