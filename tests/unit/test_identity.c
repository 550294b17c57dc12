// Who may do what, and what proves it: the same on SQLite and on PostgreSQL (YINGDA_TEST_PG: a server where databases can be made).
#include "test.h"

#include <cotp.h>
#include <libpq-fe.h>
#include <sys/stat.h>

#include "base/conf.h"
#include "base/rand.h"
#include "identity/access.h"
#include "identity/audit.h"
#include "identity/company.h"
#include "identity/crypt.h"
#include "identity/password.h"
#include "identity/reseal.h"
#include "identity/session.h"
#include "identity/throttle.h"
#include "identity/token.h"
#include "identity/totp.h"
#include "schema/list.h"
#include "store/db.h"

static struct arena *arena;
static char dir[64], url[512];
static struct conf conf;
static struct error err;
static struct test_clock clock_;
static struct ctx ctx;
static struct ctx *c = &ctx;

#define PASSWORD STR("correct horse battery")

static void server_says(const char *command)
{
    PGconn *conn = PQconnectdb(getenv("YINGDA_TEST_PG"));
    PQclear(PQexec(conn, "SET client_min_messages = error"));
    PGresult *r = PQexec(conn, command);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", command, PQerrorMessage(conn));
    PQclear(r);
    PQfinish(conn);
}

#define must(ok) must_(ok, __LINE__)
static void must_(bool ok, int line)
{
    if (ok)
        return;
    for (size_t i = 0; i < err.field_count; i++)
        print_error(STR_FMT ": %s\n", STR_ARG(err.fields[i].field), err.fields[i].key);
    fail_msg("line %d: %s: %s", line, err.key ? err.key : "no error", err.detail);
}
#define REFUSED(call, key_) \
    do { \
        error_clear(&err); \
        assert_false(call); \
        assert_string_equal(err.key, key_); \
        error_clear(&err); \
    } while (0)
#define REFUSED_FIELD(call, field_, key_) \
    do { \
        error_clear(&err); \
        assert_false(call); \
        assert_int_equal(err.code, ERR_INVALID); \
        assert_str(err.fields[0].field, field_); \
        assert_string_equal(err.fields[0].key, key_); \
        error_clear(&err); \
    } while (0)

static void become_system(void)
{
    c->actor = (struct actor){.kind = ACTOR_SYSTEM, .name = STR("system"), .address = STR(""), .device = STR("")};
}

static int fresh(void **state)
{
    rand_setup();
    arena = arena_new();
    err = (struct error){0};
    strcpy(dir, "/tmp/yingda-identity-XXXXXX");
    assert_non_null(mkdtemp(dir));
    conf = (struct conf){.data_dir = dir, .store_url = "", .store_readers = 4, .blob_place = "folder", .argon_mib = 8,
                         .login_tries = 3, .session_hours = 12, .public_url = ""};
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
    ctx = (struct ctx){.arena = arena, .err = &err, .clock = &clock_.clock, .conf = &conf};
    become_system();
    c->keys = keys_open(c);
    must(c->keys != NULL);
    c->store = store_open(c, true);
    must(c->store != NULL);
    c->db = store_reader(c->store, c);
    must(company_check(c));
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

static int64_t set_up(void)
{
    struct setup in = {STR("Pine & Co"), STR("Olive"), STR("owner@test.example"), PASSWORD, STR(""), LANG_EN};
    int64_t owner;
    must(company_setup(c, &in, &owner));
    return owner;
}
static int64_t user_with(const char *role, const char *email)
{
    struct str key = str_of(role);
    struct user u = {.name = str_of(role), .email = str_of(email), .password = PASSWORD, .capacity = 3, .role_keys = {&key, 1}};
    must(user_create(c, &u));
    return u.id;
}
static void become(int64_t user)
{
    struct user u;
    must(user_get(c, user, &u));
    c->actor = (struct actor){.kind = ACTOR_USER, .id = user, .name = u.name, .address = STR("192.0.2.1"), .device = STR("test")};
    must(user_perms(c, user, c->actor.perms));
}
static void become_nobody(void)
{
    c->actor = (struct actor){.kind = ACTOR_NOBODY, .name = STR(""), .address = STR("192.0.2.1"), .device = STR("test")};
}
static bool sign_in(const char *email, struct str password, const char *totp, struct str *token)
{
    int64_t user;
    become_nobody();
    return session_sign_in(c, &(struct sign_in){str_of(email), password, str_of(totp)}, token, &user);
}
static bool write_text(struct ctx *x, void *text)
{
    struct rows r;
    db_query_built(x, &r, str_of(text), NULL, 0);
    while (rows_next(&r))
        ;
    return rows_done(&r);
}
static void tamper(const char *statement)
{
    must(store_write(c, write_text, (void *)(uintptr_t)statement));
}
static int64_t broken_entry(void)
{
    struct audit_state state;
    must(audit_verify(c, &state));
    return state.broken;
}

static void test_a_sealed_value_opens_only_in_its_column_and_unchanged(void **state)
{
    struct str plain, sealed = field_seal(c, "contact.phone", STR("+8613800001234"));
    must(field_open(c, "contact.phone", sealed, &plain));
    assert_str(plain, "+8613800001234");
    assert_int_equal(field_key_of(sealed), keys_current(c));
    assert_false(str_eq(sealed, field_seal(c, "contact.phone", STR("+8613800001234"))));
    REFUSED(field_open(c, "contact.email", sealed, &plain), "identity.sealed_broken");
    char *bytes = (char *)(uintptr_t)sealed.at;
    for (size_t i = 0; i < sealed.len; i += 7) {
        bytes[i] ^= 1;
        REFUSED(field_open(c, "contact.phone", sealed, &plain), "identity.sealed_broken");
        bytes[i] ^= 1;
    }
    REFUSED(field_open(c, "contact.phone", str_sub(sealed, 0, 20), &plain), "identity.sealed_broken");
    assert_int_equal(field_seal(c, "contact.phone", STR("")).len, 0);
    must(field_open(c, "contact.phone", STR(""), &plain));
    assert_int_equal(plain.len, 0);
}

static void test_lookup_hashes_agree_for_equal_values_and_differ_between_columns(void **state)
{
    struct str one = field_lookup_hash(c, "contact.phone", STR("1"));
    assert_int_equal(one.len, 64);
    assert_true(str_eq(one, field_lookup_hash(c, "contact.phone", STR("1"))));
    assert_false(str_eq(one, field_lookup_hash(c, "contact.email", STR("1"))));
    assert_int_equal(field_lookup_hash(c, "contact.phone", STR("")).len, 0);
}

static void test_signed_tokens_end_and_cannot_be_forged_or_used_for_another_purpose(void **state)
{
    struct str payload, token = signed_token(c, "file", STR("at_123"), clock_.at + MINUTE);
    assert_true(signed_token_open(c, "file", token, &payload));
    assert_str(payload, "at_123");
    assert_false(signed_token_open(c, "visitor", token, &payload));
    for (size_t i = 0; i < token.len; i++) {
        char *copy = str_z(arena, token);
        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        assert_false(signed_token_open(c, "file", str_of(copy), &payload));
    }
    assert_false(signed_token_open(c, "file", STR(""), &payload));
    assert_false(signed_token_open(c, "file", STR("a.b"), &payload));
    clock_.at += MINUTE;
    assert_false(signed_token_open(c, "file", token, &payload));
    assert_true(signed_token_open(c, "file", signed_token(c, "file", STR("x"), 0), &payload));
}

static void test_an_hmac_of_a_foreign_site_is_checked_by_rfc_4231(void **state)
{
    struct str hex = STR("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"); // RFC 4231, test case 2
    assert_true(hmac_hex_check(STR("Jefe"), STR("what do ya want for nothing?"), hex));
    assert_false(hmac_hex_check(STR("Jeff"), STR("what do ya want for nothing?"), hex));
    assert_false(hmac_hex_check(STR("Jefe"), STR("what do ya want for nothing?"), str_sub(hex, 0, 62)));
    assert_false(hmac_hex_check(STR("Jefe"), STR(""), STR("")));
}

static void test_a_key_file_open_to_others_or_broken_is_refused(void **state)
{
    char *path = arena_printf(arena, "%s/yingda.keys", dir);
    chmod(path, 0644);
    struct keys *other = keys_open(c);
    assert_null(other);
    assert_string_equal(err.key, "identity.keys_open_to_others");
    chmod(path, 0600);
    FILE *f = fopen(path, "a");
    fputs("nonsense\n", f);
    fclose(f);
    other = keys_open(c);
    assert_null(other);
    assert_string_equal(err.key, "identity.keys_unreadable");
}

static void test_a_store_of_another_key_file_is_refused(void **state)
{
    unlink(arena_printf(arena, "%s/yingda.keys", dir));
    struct keys *mine = c->keys;
    c->keys = keys_open(c);
    REFUSED(company_check(c), "identity.wrong_keys");
    keys_close(c->keys);
    c->keys = mine;
    must(company_check(c));
}

static void test_after_a_rotation_old_values_open_and_all_rows_are_sealed_anew(void **state)
{
    int64_t owner = set_up(), rows;
    struct totp_enrolment enrolment;
    struct str old = field_seal(c, "x", STR("before")), plain;
    become(owner);
    must(totp_enrol(c, STR("owner@test.example"), &enrolment));
    uint32_t before = keys_current(c);
    must(keys_rotate(c));
    assert_int_equal(keys_current(c), before + 1);
    must(field_open(c, "x", old, &plain));
    assert_str(plain, "before");
    must(reseal_all(c, &rows));
    assert_int_equal(rows, 1);
    must(reseal_all(c, &rows));
    assert_int_equal(rows, 0);
    struct keys *again = keys_open(c), *mine = c->keys; // as another process sees it
    c->keys = again;
    assert_int_equal(keys_current(c), before + 1);
    must(field_open(c, "x", old, &plain));
    c->keys = mine;
    keys_close(again);
    assert_int_equal(broken_entry(), 0);
}

static void test_weak_passwords_are_refused(void **state)
{
    struct str f = STR("password");
    REFUSED_FIELD(password_check(c, f, STR("short one"), STR("a@b.example")), "password", "identity.password_short");
    REFUSED_FIELD(password_check(c, f, STR("aaaaaaaaaaaaaa"), STR("a@b.example")), "password", "identity.password_common");
    REFUSED_FIELD(password_check(c, f, STR("Password123"), STR("a@b.example")), "password", "identity.password_common");
    REFUSED_FIELD(password_check(c, f, STR("Longname@b.example"), STR("longname@b.example")), "password", "identity.password_is_email");
    must(password_check(c, f, STR("一二三四五六七八九十"), STR("a@b.example")));
}

static void test_a_password_fits_only_its_own_hash_and_nobodys_hash_fits_none(void **state)
{
    struct str hashed;
    bool right, stale;
    must(password_hash(c, PASSWORD, &hashed));
    assert_true(str_starts(hashed, STR("$argon2id$")));
    must(password_verify(c, hashed, PASSWORD, &right, &stale));
    assert_true(right && !stale);
    must(password_verify(c, hashed, STR("another one"), &right, &stale));
    assert_false(right);
    must(password_verify(c, STR(""), PASSWORD, &right, &stale));
    assert_false(right);
    conf.argon_mib = 16;
    must(password_verify(c, hashed, PASSWORD, &right, &stale));
    assert_true(right && stale);
}

static void test_setting_up_happens_once(void **state)
{
    struct company company;
    REFUSED(company_get(c, &company), "identity.not_set_up");
    int64_t owner = set_up();
    must(company_get(c, &company));
    assert_str(company.name, "Pine & Co");
    assert_str(company.timezone, "Asia/Shanghai");
    struct setup again = {STR("Other"), STR("X"), STR("x@test.example"), PASSWORD, STR(""), LANG_ZH};
    REFUSED(company_setup(c, &again, NULL), "identity.already_set_up");
    struct user u;
    must(user_get(c, owner, &u));
    assert_str(((struct role_ref *)u.roles.at)->key, "owner");
    company.timezone = STR("Europe/Nowhere");
    REFUSED_FIELD(company_change(c, &company, 2, 0), "timezone", "identity.no_such_timezone");
    company.timezone = STR("Europe/Berlin");
    must(company_change(c, &company, 2, company.version));
    REFUSED(company_change(c, &company, 2, company.version), "schema.changed_meanwhile");
}

static void test_every_built_in_role_has_its_bundle_and_the_auditor_changes_nothing(void **state)
{
    uint64_t perms[2];
    for (int i = 0; role_keys[i]; i++) {
        role_bundle(role_keys[i], perms);
        assert_true(perms[0] | perms[1]);
        int64_t id;
        must(role_by_key(c, role_keys[i], &id));
    }
    role_bundle("auditor", perms);
    struct str_list names = perms_to_names(arena, perms);
    for (size_t i = 0; i < names.count; i++)
        assert_true(str_ends(names.at[i], STR(".read")) || str_ends(names.at[i], STR(".read_all")));
    role_bundle("owner", perms);
    assert_int_equal(perms_to_names(arena, perms).count, PERM_COUNT);
}

static void test_an_address_belongs_to_one_user_without_regard_to_case(void **state)
{
    set_up();
    struct user u = {.name = STR("Twin"), .email = STR("owner@test.example")};
    REFUSED_FIELD(user_create(c, &u), "email", "identity.email_taken");
    struct str role = STR("nonsense");
    u = (struct user){.name = STR("New"), .email = STR("new@test.example"), .role_keys = {&role, 1}};
    REFUSED_FIELD(user_create(c, &u), "roles/0", "identity.no_such_role");
}

static void test_the_last_active_owner_stays(void **state)
{
    int64_t owner = set_up();
    struct str agent = STR("agent");
    struct user demoted = {.id = owner, .role_keys = {&agent, 1}};
    uint64_t roles = UINT64_C(1) << schema_field(&user_in_schema, "roles");
    REFUSED(user_disable(c, owner), "identity.last_owner");
    REFUSED(user_change(c, &demoted, roles, 0), "identity.last_owner");
    int64_t second = user_with("owner", "second@test.example");
    must(user_disable(c, owner));
    REFUSED(user_disable(c, second), "identity.last_owner");
    must(user_enable(c, owner));
    must(user_change(c, &(struct user){.id = second, .role_keys = {&agent, 1}}, roles, 0));
}

static void test_nobody_gives_or_manages_more_than_they_have(void **state)
{
    int64_t owner = set_up();
    struct str names[] = {STR("user.read"), STR("user.write"), STR("role.write"), STR("contact.read")};
    struct role clerk = {.name = STR("Clerk"), .permissions = {names, 4}};
    must(role_create(c, &clerk));
    struct str id = STR("");
    struct user u = {.name = STR("C"), .email = STR("clerk@test.example")};
    u.roles = (struct list){&(struct role_ref){clerk.id, id, id}, 1};
    must(user_create(c, &u));
    become(u.id);
    struct str more = STR("pay.write"), key = STR("owner");
    struct role wider = {.name = STR("Wider"), .permissions = {&more, 1}};
    REFUSED(role_create(c, &wider), "identity.more_than_own");
    struct user friend = {.name = STR("F"), .email = STR("f@test.example"), .role_keys = {&key, 1}};
    REFUSED(user_create(c, &friend), "identity.more_than_own");
    uint64_t password = UINT64_C(1) << schema_field(&user_in_schema, "password");
    REFUSED(user_change(c, &(struct user){.id = owner, .password = STR("taken over 123")}, password, 0), "identity.more_than_own");
    REFUSED(user_disable(c, owner), "identity.more_than_own");
    struct user self = {.id = u.id, .role_keys = {&key, 1}};
    REFUSED(user_change(c, &self, UINT64_C(1) << schema_field(&user_in_schema, "roles"), 0), "identity.more_than_own");
}

static void test_built_in_roles_stand_and_used_ones_are_not_deleted(void **state)
{
    set_up();
    int64_t agent;
    must(role_by_key(c, "agent", &agent));
    REFUSED(role_delete(c, agent), "identity.built_in_role");
    REFUSED(role_change(c, &(struct role){.id = agent, .name = STR("x")}, true, false), "identity.built_in_role");
    struct str name = STR("contact.read"), wrong = STR("contact.frobnicate");
    struct role role = {.name = STR("Reader"), .permissions = {&name, 1}};
    must(role_create(c, &role));
    struct user u = {.name = STR("R"), .email = STR("r@test.example"), .roles = {&(struct role_ref){.id = role.id}, 1}};
    must(user_create(c, &u));
    REFUSED(role_delete(c, role.id), "identity.role_in_use");
    REFUSED_FIELD(role_change(c, &(struct role){.id = role.id, .permissions = {&wrong, 1}}, false, true), "permissions/0",
                  "identity.no_such_permission");
    must(user_change(c, &(struct user){.id = u.id}, UINT64_C(1) << schema_field(&user_in_schema, "roles"), 0));
    must(role_delete(c, role.id));
    REFUSED(role_delete(c, role.id), "not_found");
}

static void test_a_stale_version_changes_nothing(void **state)
{
    int64_t owner = set_up();
    struct user u;
    must(user_get(c, owner, &u));
    uint64_t name = UINT64_C(1) << schema_field(&user_in_schema, "name");
    must(user_change(c, &(struct user){.id = owner, .name = STR("One")}, name, u.version));
    REFUSED(user_change(c, &(struct user){.id = owner, .name = STR("Two")}, name, u.version), "schema.changed_meanwhile");
    must(user_get(c, owner, &u));
    assert_str(u.name, "One");
}

static bool hello(struct str cookie, const char *origin)
{
    struct ws_hello h = {.peer = STR("192.0.2.1"), .host = STR("desk.example:8080"), .agent = STR("test"), .origin = str_of(origin)};
    h.cookie = str_printf(arena, "a=b; yd_session=" STR_FMT, STR_ARG(cookie));
    return access_hello(c, &h);
}

static void test_a_session_lives_by_use_and_ends_by_rest_by_hand_and_with_its_user(void **state)
{
    set_up();
    int64_t agent = user_with("agent", "agent@test.example");
    struct str token, other;
    must(sign_in("agent@test.example", PASSWORD, "", &token));
    must(hello(token, "http://desk.example:8080"));
    assert_int_equal(c->actor.id, agent);
    assert_true(actor_may(&c->actor, PERM_CONVERSATION_REPLY) && !actor_may(&c->actor, PERM_USER_READ));
    struct actor lives = c->actor;
    for (int i = 0; i < 30; i++) { // an hour a time, far longer than the 12 hours of rest
        clock_.at += HOUR;
        must(access_still(c, &lives));
    }
    clock_.at += 12 * HOUR + MINUTE;
    REFUSED(hello(token, "http://desk.example:8080"), "identity.session_over");
    must(sign_in("agent@test.example", PASSWORD, "", &token));
    must(sign_in("agent@test.example", PASSWORD, "", &other));
    must(hello(token, "http://desk.example:8080"));
    lives = c->actor;
    must(session_end(c, agent, lives.session));
    REFUSED(access_still(c, &lives), "identity.session_over");
    must(hello(other, "http://desk.example:8080"));
    lives = c->actor;
    become_system();
    must(user_disable(c, agent));
    REFUSED(access_still(c, &lives), "identity.session_over");
    REFUSED(sign_in("agent@test.example", PASSWORD, "", &token), "identity.wrong_login");
}

static void test_a_socket_of_a_foreign_page_is_refused(void **state)
{
    set_up();
    struct str token;
    must(sign_in("owner@test.example", PASSWORD, "", &token));
    REFUSED(hello(token, "https://evil.example"), "identity.foreign_origin");
    REFUSED(hello(token, "http://desk.example:8080.evil.example"), "identity.foreign_origin");
    REFUSED(hello(token, "null"), "identity.foreign_origin");
    REFUSED(hello(token, ""), "identity.foreign_origin");
    REFUSED(hello(STR("x"), "http://desk.example:8080"), "identity.session_over");
    must(hello(token, "http://desk.example:8080"));
}

static void test_a_change_of_roles_is_felt_at_once(void **state)
{
    set_up();
    int64_t id = user_with("agent", "agent@test.example");
    struct str token, auditor = STR("auditor");
    must(sign_in("agent@test.example", PASSWORD, "", &token));
    must(hello(token, "http://desk.example:8080"));
    struct actor actor = c->actor;
    become_system();
    must(user_change(c, &(struct user){.id = id, .role_keys = {&auditor, 1}}, UINT64_C(1) << schema_field(&user_in_schema, "roles"), 0));
    must(access_still(c, &actor));
    assert_true(actor_may(&actor, PERM_AUDIT_READ) && !actor_may(&actor, PERM_CONVERSATION_REPLY));
}

static int64_t ended_user, ended_session, ended_count;
static void note_end(void *arg, int64_t user, int64_t session)
{
    ended_user = user;
    ended_session = session;
    ended_count++;
}

static void test_a_new_password_ends_the_other_sessions_only(void **state)
{
    set_up();
    int64_t agent = user_with("agent", "agent@test.example");
    struct str one, two;
    must(sign_in("agent@test.example", PASSWORD, "", &one));
    must(sign_in("agent@test.example", PASSWORD, "", &two));
    must(hello(one, "http://desk.example:8080"));
    ended_count = 0;
    access_on_end(c, note_end, NULL);
    must(user_password(c, agent, STR("a new passphrase"), c->actor.session));
    assert_int_equal(ended_count, 1);
    assert_int_equal(ended_user, agent);
    assert_int_not_equal(ended_session, c->actor.session);
    must(hello(one, "http://desk.example:8080"));
    REFUSED(hello(two, "http://desk.example:8080"), "identity.session_over");
    REFUSED(sign_in("agent@test.example", PASSWORD, "", &two), "identity.wrong_login");
    must(sign_in("agent@test.example", STR("a new passphrase"), "", &two));
}

static void test_the_oldest_sessions_of_one_user_end_when_there_are_too_many(void **state)
{
    int64_t owner = set_up();
    struct str first, second, last;
    must(session_start(c, owner, &first));
    must(session_start(c, owner, &second));
    for (int i = 0; i < 49; i++)
        must(session_start(c, owner, &last));
    REFUSED(hello(first, "http://desk.example:8080"), "identity.session_over");
    must(hello(second, "http://desk.example:8080"));
    must(hello(last, "http://desk.example:8080"));
}

static void test_wrong_passwords_have_to_wait_longer_and_longer(void **state)
{
    set_up();
    struct str token;
    for (int i = 0; i < 3; i++)
        REFUSED(sign_in("owner@test.example", STR("wrong password"), "", &token), "identity.wrong_login");
    assert_false(sign_in("owner@test.example", PASSWORD, "", &token));
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(err.retry_after, 10);
    error_clear(&err);
    clock_.at += 11 * SECOND;
    REFUSED(sign_in("owner@test.example", STR("wrong password"), "", &token), "identity.wrong_login");
    assert_false(sign_in("owner@test.example", PASSWORD, "", &token));
    assert_int_equal(err.retry_after, 20);
    error_clear(&err);
    clock_.at += 21 * SECOND;
    must(sign_in("owner@test.example", PASSWORD, "", &token));
    REFUSED(sign_in("owner@test.example", STR("wrong password"), "", &token), "identity.wrong_login");
    must(sign_in("owner@test.example", PASSWORD, "", &token)); // afresh after a right one
    for (int i = 0; i < 60; i++) { // an address that tries many accounts
        become_nobody();
        must(true);
        char email[64];
        snprintf(email, sizeof email, "nobody%d@test.example", i);
        sign_in(email, STR("wrong password"), "", &token);
    }
    error_clear(&err);
    REFUSED(sign_in("owner@test.example", PASSWORD, "", &token), "identity.throttled");
}

static const char *code_at(struct str secret, usec at)
{
    cotp_error_t e;
    char *code = get_totp_at(str_z(arena, secret), (long)(at / SECOND), 6, 30, SHA1, &e);
    const char *copy = str_z(arena, str_of(code));
    free(code);
    return copy;
}

static void test_a_second_factor_serves_each_code_once_and_each_recovery_code_once(void **state)
{
    int64_t owner = set_up();
    struct totp_enrolment e;
    struct str_list codes;
    struct str token;
    conf.login_tries = 100;
    become(owner);
    must(totp_enrol(c, STR("owner@test.example"), &e));
    assert_int_equal(e.secret.len, 32);
    assert_true(str_starts(e.url, STR("otpauth://totp/Pine%20%26%20Co:owner%40test.example?secret=")));
    assert_true(str_starts(e.qr, STR("<svg")));
    REFUSED_FIELD(totp_confirm(c, STR("000000"), &codes), "code", "identity.totp_wrong");
    must(totp_confirm(c, str_of(code_at(e.secret, clock_.at)), &codes));
    assert_int_equal(codes.count, 10);
    REFUSED(totp_enrol(c, STR("owner@test.example"), &(struct totp_enrolment){0}), "identity.totp_on");
    REFUSED(sign_in("owner@test.example", PASSWORD, "", &token), "identity.totp_needed");
    REFUSED(sign_in("owner@test.example", PASSWORD, code_at(e.secret, clock_.at), &token), "identity.totp_wrong"); // used already
    clock_.at += 30 * SECOND;
    const char *code = code_at(e.secret, clock_.at);
    REFUSED(sign_in("owner@test.example", STR("wrong password"), code, &token), "identity.wrong_login");
    must(sign_in("owner@test.example", PASSWORD, code, &token));
    REFUSED(sign_in("owner@test.example", PASSWORD, code, &token), "identity.totp_wrong");
    clock_.at += 5 * MINUTE;
    REFUSED(sign_in("owner@test.example", PASSWORD, code_at(e.secret, clock_.at - 2 * MINUTE), &token), "identity.totp_wrong");
    must(sign_in("owner@test.example", PASSWORD, str_z(arena, codes.at[3]), &token));
    REFUSED(sign_in("owner@test.example", PASSWORD, str_z(arena, codes.at[3]), &token), "identity.totp_wrong");
    must(totp_remove(c, owner));
    must(sign_in("owner@test.example", PASSWORD, "", &token));
}

static bool token_hello(struct str token)
{
    struct ws_hello h = {.peer = STR("192.0.2.1"), .host = STR("desk.example"), .agent = STR("test")};
    h.authorization = str_printf(arena, "Bearer " STR_FMT, STR_ARG(token));
    return access_hello(c, &h);
}

static void test_a_token_has_its_scopes_within_its_users_rights_until_it_expires_or_is_ended(void **state)
{
    int64_t owner = set_up();
    struct str scopes[] = {STR("contact.read"), STR("user.read")}, agent = STR("agent"), much = STR("pay.write");
    int64_t second = user_with("supervisor", "second@test.example");
    become(second);
    struct api_token t = {.name = STR("shop"), .scopes = {scopes, 2}, .expires_at = clock_.at + HOUR};
    must(token_create(c, &t));
    assert_true(str_starts(t.token, STR("yd_")));
    struct api_token wide = {.name = STR("x"), .scopes = {&much, 1}};
    REFUSED(token_create(c, &wide), "identity.more_than_own");
    must(token_hello(t.token));
    assert_int_equal(c->actor.kind, ACTOR_TOKEN);
    assert_true(actor_may(&c->actor, PERM_USER_READ) && !actor_may(&c->actor, PERM_CONTACT_WRITE));
    wide.scopes.at = scopes;
    REFUSED(token_create(c, &wide), "identity.session_needed");
    become_system();
    must(user_change(c, &(struct user){.id = second, .role_keys = {&agent, 1}}, UINT64_C(1) << schema_field(&user_in_schema, "roles"), 0));
    must(token_hello(t.token));
    assert_true(actor_may(&c->actor, PERM_CONTACT_READ) && !actor_may(&c->actor, PERM_USER_READ));
    char *forged = str_z(arena, t.token);
    forged[10] ^= 1;
    REFUSED(token_hello(str_of(forged)), "identity.bad_token");
    REFUSED(hello(t.token, "http://desk.example:8080"), "identity.session_over"); // not as a cookie
    clock_.at += HOUR;
    REFUSED(token_hello(t.token), "identity.bad_token");
    become(owner);
    t = (struct api_token){.name = STR("shop"), .scopes = {scopes, 2}};
    must(token_create(c, &t));
    must(token_hello(t.token));
    become(second);
    REFUSED(token_delete(c, t.id), "not_found");
    become(owner);
    must(token_delete(c, t.id));
    REFUSED(token_hello(t.token), "identity.bad_token");
}

static void test_whoever_edits_removes_swaps_or_cuts_the_audit_log_shows(void **state)
{
    set_up();
    for (int i = 0; i < 4; i++) {
        char email[40];
        snprintf(email, sizeof email, "u%d@test.example", i);
        user_with("agent", email);
    }
    struct audit_state state_;
    must(audit_verify(c, &state_));
    assert_int_equal(state_.broken, 0);
    assert_int_equal(state_.entries, 6);
    tamper("UPDATE audit SET actor = 'Somebody else' WHERE id = 3");
    assert_int_equal(broken_entry(), 3);
    tamper("UPDATE audit SET actor = 'system' WHERE id = 3");
    assert_int_equal(broken_entry(), 0);
    tamper("UPDATE audit SET at = at + 1 WHERE id = 2");
    assert_int_equal(broken_entry(), 2);
    tamper("UPDATE audit SET at = at - 1 WHERE id = 2");
    tamper("UPDATE audit SET id = 1000 WHERE id = 4");
    assert_int_equal(broken_entry(), 4);
    tamper("UPDATE audit SET id = 4 WHERE id = 1000");
    assert_int_equal(broken_entry(), 0);
    tamper("DELETE FROM audit WHERE id = 6"); // the end cut off
    assert_int_equal(broken_entry(), 6);
    tamper("UPDATE audit_head SET entries = 5 WHERE id = 1");
    assert_int_equal(broken_entry(), 6);
}

static bool add_and_fail(struct ctx *x, void *arg)
{
    return audit_add(x, "test.fail", STR(""), STR("")) && fail(x, ERR_CONFLICT, "store.conflict", NULL);
}

static void test_a_change_that_fails_leaves_no_entry(void **state)
{
    set_up();
    struct audit_state before, after;
    must(audit_verify(c, &before));
    REFUSED(store_write(c, add_and_fail, NULL), "store.conflict");
    must(audit_verify(c, &after));
    assert_int_equal(before.entries, after.entries);
    assert_int_equal(after.broken, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_sealed_value_opens_only_in_its_column_and_unchanged),
        TEST(test_lookup_hashes_agree_for_equal_values_and_differ_between_columns),
        TEST(test_signed_tokens_end_and_cannot_be_forged_or_used_for_another_purpose),
        TEST(test_an_hmac_of_a_foreign_site_is_checked_by_rfc_4231),
        TEST(test_a_key_file_open_to_others_or_broken_is_refused),
        TEST(test_a_store_of_another_key_file_is_refused),
        TEST(test_after_a_rotation_old_values_open_and_all_rows_are_sealed_anew),
        TEST(test_weak_passwords_are_refused),
        TEST(test_a_password_fits_only_its_own_hash_and_nobodys_hash_fits_none),
        TEST(test_setting_up_happens_once),
        TEST(test_every_built_in_role_has_its_bundle_and_the_auditor_changes_nothing),
        TEST(test_an_address_belongs_to_one_user_without_regard_to_case),
        TEST(test_the_last_active_owner_stays),
        TEST(test_nobody_gives_or_manages_more_than_they_have),
        TEST(test_built_in_roles_stand_and_used_ones_are_not_deleted),
        TEST(test_a_stale_version_changes_nothing),
        TEST(test_a_session_lives_by_use_and_ends_by_rest_by_hand_and_with_its_user),
        TEST(test_a_socket_of_a_foreign_page_is_refused),
        TEST(test_a_change_of_roles_is_felt_at_once),
        TEST(test_a_new_password_ends_the_other_sessions_only),
        TEST(test_the_oldest_sessions_of_one_user_end_when_there_are_too_many),
        TEST(test_wrong_passwords_have_to_wait_longer_and_longer),
        TEST(test_a_second_factor_serves_each_code_once_and_each_recovery_code_once),
        TEST(test_a_token_has_its_scopes_within_its_users_rights_until_it_expires_or_is_ended),
        TEST(test_whoever_edits_removes_swaps_or_cuts_the_audit_log_shows),
        TEST(test_a_change_that_fails_leaves_no_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
