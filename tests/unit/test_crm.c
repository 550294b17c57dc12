// Contacts: sealed fields, look-up by hashes, accounts of sites and merging; the same on SQLite and on PostgreSQL (YINGDA_TEST_PG).
#include "test.h"

#include <libpq-fe.h>

#include "base/conf.h"
#include "base/rand.h"
#include "crm/contact.h"
#include "identity/crypt.h"
#include "identity/reseal.h"
#include "net/http.h"
#include "schema/perm.h"
#include "store/db.h"

static struct arena *arena;
static char dir[64], url[512];
static struct conf conf;
static struct error err;
static struct test_clock clock_;
static struct ctx ctx;
static struct ctx *c = &ctx;

static void server_says(const char *command)
{
    PGconn *conn = PQconnectdb(getenv("YINGDA_TEST_PG"));
    PGresult *r = PQexec(conn, command);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", command, PQerrorMessage(conn));
    PQclear(r);
    PQfinish(conn);
}
#define must(ok) must_(ok, __LINE__)
static void must_(bool ok, int line)
{
    if (!ok)
        fail_msg("line %d: %s: %s", line, err.key ? err.key : "no error", err.detail);
}

static int fresh(void **state)
{
    rand_setup();
    arena = arena_new();
    err = (struct error){0};
    strcpy(dir, "/tmp/yingda-crm-XXXXXX");
    assert_non_null(mkdtemp(dir));
    conf = (struct conf){.data_dir = dir, .store_url = "", .store_readers = 4, .blob_place = "folder"};
    if (getenv("YINGDA_TEST_PG")) {
        char name[64], make[128];
        snprintf(name, sizeof name, "t%08x%08x", rand_below(UINT32_MAX), rand_below(UINT32_MAX));
        snprintf(make, sizeof make, "CREATE DATABASE %s", name);
        server_says(make);
        const char *server = getenv("YINGDA_TEST_PG"), *end = strrchr(server, '/');
        snprintf(url, sizeof url, "%.*s/%s", (int)(end - server), server, name);
        conf.store_url = url;
    }
    clock_ = test_clock_at(INT64_C(1772352000) * SECOND);
    ctx = (struct ctx){.arena = arena, .err = &err, .clock = &clock_.clock, .conf = &conf, .actor = {.kind = ACTOR_SYSTEM}};
    c->keys = keys_open(c);
    must(c->keys != NULL);
    c->store = store_open(c, true);
    must(c->store != NULL);
    c->db = store_reader(c->store, c);
    return 0;
}
static int gone(void **state)
{
    char command[128];
    store_reader_close(c->db);
    store_close(c->store);
    keys_close(c->keys);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
    if (getenv("YINGDA_TEST_PG")) {
        snprintf(command, sizeof command, "DROP DATABASE %s WITH (FORCE)", strrchr(url, '/') + 1);
        server_says(command);
    }
    arena_free(arena);
    return 0;
}

static struct contact person(const char *name, const char *email, const char *phone)
{
    struct contact p = {.name = str_of(name), .email = str_of(email), .phone = str_of(phone), .company = STR("Pine"), .note = STR("likes tea"),
                        .language = CONTACT_EN};
    must(contact_create(c, &p));
    return p;
}
static size_t found(const char *query, const char *words, struct contact **out)
{
    struct request rq = {.ctx = c, .query = str_of(query)};
    struct list_query q;
    size_t count;
    must(list_parse(&rq, &contact_schema, 1, &q));
    must(contact_list(c, &q, str_of(words), out, &count));
    return count;
}
#define FOUND(query, words) found(query, words, &(struct contact *){NULL})

static void a_contact_is_stored_and_read_with_its_fields(void **state)
{
    struct contact p = person("李 小明", "li@test.example", "+8613800138000"), back;
    assert_true(p.id > 0 && p.version == 1);
    must(contact_get(c, p.id, &back));
    assert_str(back.name, "李 小明");
    assert_str(back.email, "li@test.example");
    assert_str(back.phone, "+8613800138000");
    assert_str(back.note, "likes tea");
    assert_int_equal(back.language, CONTACT_EN);
    assert_false(back.verified);
    assert_false(contact_get(c, p.id + 99, &back));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

SQL(test_raw_contact, "SELECT name, email, phone, note FROM contact WHERE id = ?1");
static void personal_fields_lie_sealed_in_the_store(void **state)
{
    struct contact p = person("Grace", "grace@test.example", "+8613900139000");
    struct rows r;
    db_query(c, &r, &test_raw_contact, "i", p.id);
    assert_true(rows_next(&r));
    static const char *const plain[] = {"Grace", "grace@", "139", "tea"};
    for (int i = 0; i < 4; i++) {
        size_t at;
        struct str sealed = rows_bytes(&r, i);
        assert_true(sealed.len > 10);
        assert_false(str_find(sealed, str_of(plain[i]), &at));
    }
    must(rows_done(&r));
}

static void contacts_are_found_by_whole_values_whatever_their_writing(void **state)
{
    person("Grace Müller", "grace@test.example", "+8613900139000");
    person("李小明", "li@test.example", "+8613800138000");
    assert_int_equal(FOUND("", ""), 2);
    assert_int_equal(FOUND("", "GRACE@TEST.example"), 1);
    assert_int_equal(FOUND("", "139 0013 9000"), 1);
    assert_int_equal(FOUND("", "grace"), 1);
    assert_int_equal(FOUND("", "müller"), 1);
    assert_int_equal(FOUND("", "Ｇｒａｃｅ Müller"), 1);
    assert_int_equal(FOUND("", "李小明"), 1);
    assert_int_equal(FOUND("", "grac"), 0);
    assert_int_equal(FOUND("filter[email]=li@test.example", ""), 1);
    assert_int_equal(FOUND("filter[email]=li@test.example,grace@test.example", ""), 2);
    assert_int_equal(FOUND("filter[phone]=13800138000", ""), 1);
    assert_int_equal(FOUND("filter[name]=%E6%9D%8E%E5%B0%8F%E6%98%8E", ""), 1);
    assert_int_equal(FOUND("filter[email]=nobody@test.example", ""), 0);
    assert_int_equal(FOUND("filter[verified]=true", ""), 0);
    assert_int_equal(FOUND("filter[language]=en&sort=-last_seen_at", "grace"), 1);
}

static void a_change_touches_what_it_names_and_checks_the_version(void **state)
{
    struct contact p = person("Grace", "grace@test.example", ""), in = {.name = STR("Grace H"), .email = STR("")}, back;
    uint64_t name = UINT64_C(1) << schema_field(&contact_schema, "name");
    must(contact_change(c, p.id, &in, name, 1));
    must(contact_get(c, p.id, &back));
    assert_str(back.name, "Grace H");
    assert_str(back.email, "grace@test.example");
    assert_int_equal(back.version, 2);
    assert_int_equal(FOUND("", "h"), 1);
    assert_int_equal(FOUND("", "grace"), 1);
    assert_false(contact_change(c, p.id, &in, name, 1));
    assert_int_equal(err.code, ERR_PRECONDITION);
    error_clear(&err);
    // Somebody who sees it masked and sends the mask back changes nothing.
    c->actor = (struct actor){.kind = ACTOR_USER, .id = 1};
    in.name = schema_mask(c, F_TEXT, STR("Grace H"));
    must(contact_change(c, p.id, &in, name, 0));
    must(contact_get(c, p.id, &back));
    assert_str(back.name, "Grace H");
}

// Accounts.
struct arriving {
    int64_t inbox, contact, merged;
    struct contact_account account;
    bool taken;
};
static bool visit(struct ctx *ctx_, void *arg)
{
    return contact_visitor_in(ctx_, CONTACT_ZH, arg);
}
static bool identify(struct ctx *ctx_, void *arg)
{
    struct arriving *a = arg;
    return contact_identify_in(ctx_, a->inbox, &a->account, &a->contact, &a->merged, &a->taken);
}
static int64_t visitor(void)
{
    int64_t id;
    must(store_write(c, visit, &id));
    return id;
}
static struct arriving arrives(int64_t inbox, int64_t contact, const char *id, const char *name, const char *email)
{
    struct arriving a = {.inbox = inbox, .contact = contact, .account = {str_of(id), str_of(name), str_of(email), STR(""), CONTACT_EN}};
    must(contact_account_check(c, &a.account));
    must(store_write(c, identify, &a));
    return a;
}

static void an_anonymous_visitor_takes_a_new_account_on(void **state)
{
    int64_t id = visitor();
    struct contact back;
    struct arriving a = arrives(1, id, "customer-7", "Lee", "LEE@test.example");
    assert_true(a.taken && a.contact == id && !a.merged);
    must(contact_get(c, id, &back));
    assert_true(back.verified);
    assert_str(back.external_id, "customer-7");
    assert_str(back.email, "lee@test.example");
    assert_int_equal(FOUND("filter[external_id]=customer-7", ""), 1);
}

static void an_account_is_known_again_on_another_device(void **state)
{
    struct arriving one = arrives(1, 0, "customer-7", "Lee", ""), two = arrives(1, 0, "customer-7", "", "");
    assert_true(one.taken && !two.taken && one.contact == two.contact);
    assert_true(arrives(2, 0, "customer-7", "", "").contact != one.contact); // another site's customer of that number
    assert_true(arrives(1, 0, "Customer-7", "", "").contact != one.contact);
    struct contact back;
    must(contact_get(c, one.contact, &back));
    assert_str(back.name, "Lee");
}

static int64_t moved_from, moved_to;
static bool moves(struct ctx *ctx_, int64_t from, int64_t to)
{
    moved_from = from;
    moved_to = to;
    return true;
}
CONTACT_MERGE(test_merge, moves);
static void an_anonymous_contact_is_merged_into_the_accounts(void **state)
{
    struct arriving first = arrives(1, 0, "customer-7", "Lee", "");
    int64_t id = visitor();
    struct contact in = {.email = STR("found@test.example"), .note = STR("asked for blue")}, back;
    must(contact_change(c, id, &in, UINT64_C(1) << schema_field(&contact_schema, "email") | UINT64_C(1) << schema_field(&contact_schema, "note"), 0));
    moved_from = moved_to = 0;
    struct arriving second = arrives(1, id, "customer-7", "", "");
    assert_true(second.contact == first.contact && second.merged == id && !second.taken);
    assert_true(moved_from == id && moved_to == first.contact);
    must(contact_get(c, id, &back)); // the old id leads on
    assert_true(back.id == first.contact);
    assert_str(back.name, "Lee");
    assert_str(back.email, "found@test.example");
    assert_str(back.note, "asked for blue");
    struct contact_brief brief;
    assert_true(contact_find(c, id, &brief));
    assert_true(brief.id == first.contact && brief.verified);
    assert_int_equal(FOUND("", ""), 1);
    // The same browser once more: nothing is left to merge.
    assert_true(arrives(1, id, "customer-7", "", "").merged == 0);
}

static void another_account_at_the_same_browser_leaves_the_first_one_alone(void **state)
{
    struct arriving first = arrives(1, visitor(), "customer-7", "Lee", "");
    struct arriving second = arrives(1, first.contact, "customer-8", "Kim", "");
    assert_true(second.contact != first.contact && !second.merged && second.taken);
    struct contact back;
    must(contact_get(c, first.contact, &back));
    assert_str(back.name, "Lee");
    assert_str(back.external_id, "customer-7");
    struct arriving again = arrives(1, first.contact, "customer-8", "", "");
    assert_true(again.contact == second.contact && !again.merged);
}

static void what_a_site_says_is_checked(void **state)
{
    struct contact_account a = {.id = STR(""), .email = STR("nonsense"), .phone = STR("x"), .name = STR("a\x01")};
    assert_false(contact_account_check(c, &a));
    assert_int_equal(err.code, ERR_INVALID);
    assert_true(err.field_count >= 3);
}

static void key_rotation_seals_contacts_anew(void **state)
{
    struct contact p = person("Grace", "grace@test.example", ""), back;
    int64_t rows;
    uint32_t before = keys_current(c);
    must(keys_rotate(c));
    must(reseal_all(c, &rows));
    assert_true(rows >= 3);
    struct rows r;
    db_query(c, &r, &test_raw_contact, "i", p.id);
    assert_true(rows_next(&r));
    assert_true(field_key_of(rows_bytes(&r, 0)) > before);
    must(rows_done(&r));
    must(contact_get(c, p.id, &back));
    assert_str(back.email, "grace@test.example");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
    const struct CMUnitTest tests[] = {
        T(a_contact_is_stored_and_read_with_its_fields), T(personal_fields_lie_sealed_in_the_store),
        T(contacts_are_found_by_whole_values_whatever_their_writing), T(a_change_touches_what_it_names_and_checks_the_version),
        T(an_anonymous_visitor_takes_a_new_account_on), T(an_account_is_known_again_on_another_device),
        T(an_anonymous_contact_is_merged_into_the_accounts), T(another_account_at_the_same_browser_leaves_the_first_one_alone),
        T(what_a_site_says_is_checked), T(key_rotation_seals_contacts_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
