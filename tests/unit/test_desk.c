// The desk's rules: transitions, posting, queue, presence, the bot's turn, attachments; on SQLite and on PostgreSQL (YINGDA_TEST_PG: a server where
// databases can be made). Time is a test clock's.
#include "test.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/rand.h"
#include "crm/contact.h"
#include "desk/live.h"
#include "desk/past.h"
#include "desk/visitor.h"
#include "desk/wrap_up.h"
#include "identity/company.h"
#include "identity/crypt.h"
#include "knowledge/faq.h"
#include "schema/id.h"
#include "schema/perm.h"
#include "store/job.h"

static struct arena *arena;
static char dir[64], url[512];
static struct conf conf;
static struct error err;
static struct ctx ctx;
static struct ctx *c = &ctx;
static struct test_clock test_time;
static struct inbox inbox, botless;

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
#define must_fail(ok, key_) must_fail_(ok, key_, __LINE__)
static void must_fail_(bool ok, const char *key, int line)
{
    const char *said = err.field_count ? err.fields[0].key : err.key;
    if (ok || !said || strcmp(said, key))
        fail_msg("line %d: %s instead of %s %s", line, ok ? "success" : said ? said : "no error", key, err.detail);
    assert_true(message_exists(key));
    error_clear(&err);
}

static struct actor staff(int64_t id, const char *name)
{
    struct actor a = {.kind = ACTOR_USER, .id = id, .name = str_of(name), .address = STR(""), .device = STR("")};
    must(user_perms(c, id, a.perms));
    return a;
}
static void as(int64_t id)
{
    c->actor = staff(id, "somebody");
}

static int open_desk(void)
{
    c->desk = desk_open(c);
    must(c->desk != NULL);
    return 0;
}
static int fresh(void **state)
{
    rand_setup();
    arena = arena_new();
    err = (struct error){0};
    strcpy(dir, "/tmp/yingda-desk-XXXXXX");
    assert_non_null(mkdtemp(dir));
    conf = (struct conf){.data_dir = dir, .store_url = "", .store_readers = 12, .blob_place = "folder", .public_url = "", .argon_mib = 8,
                         .visitor_rate = 5, .visitor_starts = 3, .session_hours = 12, .login_tries = 5};
    if (getenv("YINGDA_TEST_PG")) {
        char name[64], make[128];
        snprintf(name, sizeof name, "t%08x%08x", rand_below(UINT32_MAX), rand_below(UINT32_MAX));
        snprintf(make, sizeof make, "CREATE DATABASE %s", name);
        server_says(make);
        const char *server = getenv("YINGDA_TEST_PG"), *end = strrchr(server, '/');
        snprintf(url, sizeof url, "%.*s/%s", (int)(end - server), server, name);
        conf.store_url = url;
    }
    test_time = test_clock_at(INT64_C(1772000000000000));
    ctx = (struct ctx){.arena = arena, .err = &err, .clock = &test_time.clock, .conf = &conf, .lang = LANG_EN,
                       .actor = {.kind = ACTOR_SYSTEM}};
    c->keys = keys_open(c);
    must(c->keys != NULL);
    c->store = store_open(c, true);
    must(c->store != NULL);
    c->db = store_reader(c->store, c);
    c->knowledge = knowledge_open(c);
    must(c->knowledge != NULL);
    struct setup setup = {.company = STR("Test"), .name = STR("Owner"), .email = STR("owner@test.example"),
                          .password = STR("correct horse battery 9"), .timezone = STR("UTC")};
    must(company_setup(c, &setup, NULL));
    open_desk();
    inbox = (struct inbox){.name = STR("Shop"), .bot = true, .enabled = true};
    botless = (struct inbox){.name = STR("Repairs"), .enabled = true};
    must(inbox_create(c, &inbox) && inbox_create(c, &botless));
    return 0;
}
static int gone(void **state)
{
    char command[128];
    desk_close(c->desk);
    knowledge_close(c->knowledge);
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

static bool make_contact(struct ctx *k, void *arg)
{
    return contact_visitor_in(k, CONTACT_EN, arg);
}
static int64_t visitor(void)
{
    int64_t id;
    must(store_write(c, make_contact, &id));
    return id;
}
static bool put_user(struct ctx *k, void *arg)
{
    return user_insert(k, arg, STR(""));
}
static int64_t agent(const char *name, int64_t capacity, const char *role)
{
    struct user u = {.name = str_of(name), .email = str_printf(arena, "%s@test.example", name), .capacity = capacity};
    struct str *key = ARENA_NEW(arena, struct str);
    *key = str_of(role);
    u.role_keys = (struct str_list){key, 1};
    must(store_write(c, put_user, &u));
    return u.id;
}
static void online(int64_t user)
{
    presence_connected(c, user);
    must(presence_set(c, user, PRESENCE_ONLINE));
}

static int cids;
static struct draft said(int64_t contact, const struct inbox *in, const char *text)
{
    return (struct draft){.contact = contact, .inbox = in->id, .author = AUTHOR_VISITOR, .text = str_of(text), .lang = LANG_EN,
                          .cid = str_printf(arena, "c-%d", ++cids)};
}
static struct draft post(struct draft d)
{
    must(desk_post(c, &d, 1));
    if (!d.stored)
        fail_msg("not stored: %s", d.key);
    return d;
}
static struct draft answered(int64_t conversation, int64_t user, const char *text)
{
    return (struct draft){.conversation = conversation, .author = AUTHOR_AGENT, .author_id = user, .text = str_of(text),
                          .cid = str_printf(arena, "a-%d", ++cids)};
}
static struct conv_row row_of(int64_t id)
{
    struct conv_row row;
    bool found;
    must(conv_read(c, id, &row, &found));
    assert_true(found);
    return row;
}
static size_t all_messages(int64_t id, struct conv_message **m)
{
    size_t count, sum = 0;
    bool more = true;
    struct conv_message *page;
    *m = ARENA_ARRAY(arena, struct conv_message, 20000);
    for (int64_t after = -1; more; after = (*m)[sum - 1].seq) {
        must(message_list(c, id, after, 0, 100, &page, &count, &more));
        for (size_t i = 0; i < count; i++)
            (*m)[sum++] = page[i];
        if (!count)
            break;
    }
    return sum;
}
static void no_gap(int64_t id)
{
    struct conv_message *m;
    size_t n = all_messages(id, &m);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(m[i].seq, (int64_t)i + 1);
    assert_int_equal(row_of(id).last_seq, (int64_t)n);
}
static const char *shown(enum view view, const struct conv_message *m)
{
    return str_z(arena, message_frame(c, view, m));
}
static struct wrap_up wrap = {.code = {"solved", 6}, .note = {"fine", 4}};

static void each_legal_transition_works_and_each_illegal_one_is_refused(void **state)
{
    // As the rules say it, apart from the table that is tested.
    static const char *const legal[ACT_COUNT][CONV_STATES] = {
        [ACT_HANDOFF] = {[CONV_BOT] = "handoff"},
        [ACT_ASSIGN] = {[CONV_BOT] = "assigned", [CONV_QUEUED] = "assigned"},
        [ACT_TRANSFER] = {[CONV_OPEN] = "transferred", [CONV_PENDING] = "transferred"},
        [ACT_UNASSIGN] = {[CONV_OPEN] = "unassigned", [CONV_PENDING] = "unassigned"},
        [ACT_PENDING] = {[CONV_OPEN] = "pending"},
        [ACT_REOPEN] = {[CONV_PENDING] = "reopened", [CONV_RESOLVED] = "reopened"},
        [ACT_RESOLVE] = {[CONV_BOT] = "resolved", [CONV_QUEUED] = "resolved", [CONV_OPEN] = "resolved", [CONV_PENDING] = "resolved"},
        [ACT_RATE] = {[CONV_RESOLVED] = "rated"},
    };
    int64_t one = agent("one", 3, "supervisor"), two = agent("two", 3, "supervisor");
    for (int act = 0; act < ACT_COUNT; act++)
        for (int from = 0; from < CONV_STATES; from++) {
            as(one);
            int64_t who = visitor(), id = post(said(who, &inbox, "hello")).conversation;
            if (from == CONV_QUEUED)
                must(conversation_handoff(c, id, who, HANDOFF_ASKED, STR(""), NULL));
            if (from >= CONV_OPEN)
                must(conversation_take(c, id, NULL));
            if (from == CONV_PENDING)
                must(conversation_pending(c, id, NULL));
            if (from == CONV_RESOLVED)
                must(conversation_resolve(c, id, &wrap, NULL));
            assert_int_equal(row_of(id).state, from);
            int64_t before = row_of(id).last_seq;
            enum conversation_state to = 99;
            assert_int_equal(conversation_legal(act, from, &to), legal[act][from] != NULL);
            struct rating rating = {.score = 4, .comment = STR("good")};
            bool ok = false;
            switch ((enum conversation_act)act) {
            case ACT_HANDOFF: ok = conversation_handoff(c, id, who, HANDOFF_ASKED, STR("h"), NULL); break;
            case ACT_ASSIGN: ok = from < CONV_OPEN || from == CONV_RESOLVED ? conversation_assign(c, id, two, NULL) : false; break;
            case ACT_TRANSFER: ok = from < CONV_OPEN ? false : conversation_assign(c, id, two, NULL); break;
            case ACT_UNASSIGN: ok = from == CONV_BOT ? false : conversation_assign(c, id, 0, NULL); break;
            case ACT_PENDING: ok = conversation_pending(c, id, NULL); break;
            case ACT_REOPEN: ok = conversation_reopen(c, id, NULL); break;
            case ACT_RESOLVE: ok = conversation_resolve(c, id, &wrap, NULL); break;
            case ACT_RATE: ok = conversation_rate(c, id, who, &rating, STR("r"), NULL); break;
            case ACT_COUNT: break;
            }
            if (act == ACT_HANDOFF && from != CONV_BOT && from != CONV_RESOLVED) {
                must(ok); // it is so already: nothing changes
                assert_int_equal(row_of(id).last_seq, before);
                continue;
            }
            assert_int_equal(ok, legal[act][from] != NULL);
            error_clear(&err);
            struct conv_row row = row_of(id);
            assert_int_equal(row.state, ok ? (int)to : from);
            assert_int_equal(row.last_seq, before + ok);
            if (ok) {
                struct conv_message m;
                bool found;
                must(message_at(c, id, row.last_seq, &m, &found));
                assert_true(found);
                assert_int_equal(m.kind, MESSAGE_ACTIVITY);
                assert_non_null(strstr(str_z(arena, m.data), str_z(arena, str_printf(arena, "\"name\":\"%s\"", legal[act][from]))));
            }
            no_gap(id);
        }
}

static void the_same_cid_is_stored_once_and_gets_the_same_seq(void **state)
{
    int64_t who = visitor();
    struct draft first = said(who, &inbox, "only once"), again = first, other = said(who, &inbox, "more");
    must(desk_post(c, &first, 1));
    assert_true(first.stored && first.started);
    assert_int_equal(first.seq, 2); // after `started`
    struct draft both[] = {again, other, again};
    must(desk_post(c, both, 3));
    assert_true(both[0].again && both[2].again && !both[1].again);
    assert_int_equal(both[0].seq, first.seq);
    assert_int_equal(both[2].seq, first.seq);
    assert_int_equal(both[2].at, first.at);
    assert_int_equal(both[1].seq, 3);
    assert_int_equal(both[1].conversation, first.conversation);
    no_gap(first.conversation);
    assert_int_equal(row_of(first.conversation).unread, 2);
}

static void bad_drafts_are_refused_each_for_itself(void **state)
{
    int64_t who = visitor(), other = visitor();
    struct draft good = said(who, &inbox, "good"), empty = said(who, &inbox, " \n "), cidless = good, foreign = said(other, &inbox, "hi");
    must(desk_post(c, &good, 1));
    cidless.cid = STR("a b");
    foreign.conversation = good.conversation;
    char *large = arena_alloc(arena, MESSAGE_MOST_TEXT + 2);
    memset(large, 'x', MESSAGE_MOST_TEXT + 1);
    struct draft d[] = {empty, cidless, foreign, said(who, &inbox, large), said(who, &inbox, "a\x01z"), said(who, &inbox, "last")};
    must(desk_post(c, d, 6));
    static const char *const keys[] = {"message.empty", "message.cid", "not_found", "message.too_long", "message.control"};
    for (int i = 0; i < 5; i++) {
        assert_false(d[i].stored);
        assert_string_equal(d[i].key, keys[i]);
        assert_true(message_exists(keys[i]));
    }
    assert_true(d[5].stored);
    assert_int_equal(d[5].seq, 3);
    no_gap(good.conversation);
    assert_int_equal(row_of(good.conversation).unread, 2);
}

enum { THREADS = 8, POSTS = 40, SHARED = 3 };
struct poster {
    int number;
    int64_t conversations[SHARED], visitors[SHARED];
    int64_t seen;
};
static void *post_many(void *arg)
{
    struct poster *p = arg;
    struct error mine = {0};
    struct ctx k = *c;
    k.arena = arena_new();
    k.err = &mine;
    k.db = store_reader(c->store, &k);
    for (int i = 0; i < POSTS; i++) {
        struct draft d[6];
        for (int n = 0; n < 6; n++) {
            int which = (i + n + p->number) % SHARED;
            d[n] = (struct draft){.contact = p->visitors[which], .inbox = inbox.id, .author = AUTHOR_VISITOR, .text = STR("hello"),
                                  .conversation = n % 2 ? p->conversations[which] : 0,
                                  .cid = str_printf(k.arena, "t%d-%d-%d", n == 5 ? 99 : p->number, i, n)}; // the sixth is everyone's
        }
        if (!desk_post(&k, d, 6)) {
            print_error("%s %s\n", mine.key, mine.detail);
            break;
        }
        for (int n = 0; n < 6; n++)
            p->seen += d[n].stored && !d[n].again;
        arena_reset(k.arena);
    }
    store_reader_close(k.db);
    arena_free(k.arena);
    return NULL;
}
static void seq_has_no_gap_when_eight_threads_post_to_the_same_conversations(void **state)
{
    pthread_t threads[THREADS];
    struct poster posters[THREADS];
    int64_t conversations[SHARED], visitors[SHARED], sum = 0, seen = 0;
    for (int i = 0; i < SHARED; i++) {
        visitors[i] = visitor();
        conversations[i] = post(said(visitors[i], &inbox, "first")).conversation;
    }
    for (int i = 0; i < THREADS; i++) {
        posters[i] = (struct poster){.number = i};
        memcpy(posters[i].conversations, conversations, sizeof conversations);
        memcpy(posters[i].visitors, visitors, sizeof visitors);
        pthread_create(&threads[i], NULL, post_many, &posters[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        seen += posters[i].seen;
    }
    for (int i = 0; i < SHARED; i++) {
        no_gap(conversations[i]);
        sum += row_of(conversations[i]).last_seq - 2;
    }
    assert_int_equal(sum, seen);
    assert_true(sum >= THREADS * POSTS * 5);
}
static void *start_one(void *arg)
{
    struct draft *d = arg;
    struct error mine = {0};
    struct ctx k = *c;
    k.arena = arena_new();
    k.err = &mine;
    k.db = store_reader(c->store, &k);
    if (!desk_post(&k, d, 1))
        print_error("%s %s\n", mine.key, mine.detail);
    store_reader_close(k.db);
    arena_free(k.arena);
    return NULL;
}
static void a_visitor_who_writes_from_eight_tabs_at_once_has_one_conversation(void **state)
{
    pthread_t threads[THREADS];
    struct draft d[THREADS];
    int64_t who = visitor();
    for (int i = 0; i < THREADS; i++) {
        d[i] = said(who, &inbox, "hello");
        pthread_create(&threads[i], NULL, start_one, &d[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_true(d[i].stored);
        assert_int_equal(d[i].conversation, d[0].conversation);
    }
    no_gap(d[0].conversation);
    assert_int_equal(row_of(d[0].conversation).last_seq, THREADS + 1);
}

static void a_note_reaches_staff_only_and_leaves_no_gap_for_the_visitor(void **state)
{
    int64_t one = agent("one", 3, "agent"), who = visitor(), id = post(said(who, &inbox, "hello")).conversation;
    struct draft note = answered(id, one, "secret note");
    note.kind = MESSAGE_NOTE;
    note = post(note);
    struct conv_message *m;
    size_t n = all_messages(id, &m);
    assert_int_equal(n, 3);
    assert_null(strstr(shown(VIEW_VISITOR, &m[2]), "secret"));
    assert_non_null(strstr(shown(VIEW_VISITOR, &m[2]), "\"kind\":\"hidden\""));
    assert_non_null(strstr(shown(VIEW_STAFF, &m[2]), "secret note"));
    struct conversation v;
    must(conversation_load(c, VIEW_VISITOR, id, &v));
    assert_null(strstr(str_z(arena, v.last_message), "secret"));
    as(one);
    must(conversation_take(c, id, NULL));
    must(conversation_resolve(c, id, &wrap, NULL));
    n = all_messages(id, &m);
    assert_null(strstr(shown(VIEW_VISITOR, &m[n - 1]), "wrap_up"));
    assert_non_null(strstr(shown(VIEW_STAFF, &m[n - 1]), "\"wrap_up\":{\"code\":\"solved\",\"note\":\"fine\"}"));
    must(conversation_load(c, VIEW_VISITOR, id, &v));
    struct json_out o = json_begin(arena);
    conversation_write(c, VIEW_VISITOR, &v, &o, NULL);
    assert_null(strstr(str_z(arena, buf_str(&o.buf)), "wrap_up"));
}

static void a_colleagues_conversation_is_not_written_into_nor_seen_without_the_right(void **state)
{
    int64_t one = agent("one", 3, "agent"), two = agent("two", 3, "agent"), boss = agent("boss", 3, "supervisor");
    int64_t who = visitor(), id = post(said(who, &inbox, "hello")).conversation;
    as(one);
    must(conversation_take(c, id, NULL));
    struct draft d[] = {answered(id, two, "me too"), answered(id, two, "note"), answered(id, boss, "from above")};
    d[1].kind = MESSAGE_NOTE;
    d[2].may_all = true;
    must(desk_post(c, d, 3));
    assert_false(d[0].stored);
    assert_string_equal(d[0].key, "conversation.not_yours");
    assert_true(d[1].stored && d[2].stored);
    no_gap(id);
    struct conversation v;
    as(two);
    must_fail(conversation_get(c, id, &v), "not_found");
    must_fail(conversation_take(c, id, NULL), "not_found");
    as(boss);
    must(conversation_get(c, id, &v));
    must(conversation_take(c, id, NULL));
    assert_int_equal(row_of(id).assignee, boss);
    must_fail(conversation_assign(c, id, 999999, NULL), "conversation.no_agent");
    must(conversation_resolve(c, id, &wrap, NULL));
    struct draft late = answered(id, boss, "late");
    must(desk_post(c, &late, 1));
    assert_string_equal(late.key, "conversation.resolved");
    assert_true(post(said(who, &inbox, "again")).conversation != id);
    must_fail(conversation_reopen(c, id, NULL), "conversation.other_running");
}

static void a_customer_who_answers_brings_a_pending_conversation_back(void **state)
{
    int64_t one = agent("one", 3, "agent"), who = visitor(), id = post(said(who, &inbox, "hello")).conversation;
    as(one);
    must(conversation_take(c, id, NULL));
    post(answered(id, one, "Which order?"));
    assert_int_equal(row_of(id).waiting_since, 0);
    assert_int_equal(row_of(id).unread, 0);
    must(conversation_pending(c, id, NULL));
    post(said(who, &inbox, "number 7"));
    assert_int_equal(row_of(id).state, CONV_OPEN);
    assert_int_equal(row_of(id).assignee, one);
    assert_true(row_of(id).waiting_since > 0);
    no_gap(id);
}

static void a_resolution_needs_a_known_wrap_up_and_is_rated_once(void **state)
{
    int64_t one = agent("one", 3, "agent"), who = visitor(), id = post(said(who, &inbox, "hello")).conversation;
    as(one);
    must(conversation_take(c, id, NULL));
    struct wrap_up none = {.code = STR("")}, odd = {.code = STR("odd")};
    must_fail(conversation_resolve(c, id, &none, NULL), "schema.required");
    must_fail(conversation_resolve(c, id, &odd, NULL), "conversation.wrap_up_unknown");
    struct rating five = {5, STR("very good")}, six = {6, STR("")}, three = {3, STR("")};
    struct act_ack first, again;
    must_fail(conversation_rate(c, id, who, &five, STR("r1"), NULL), "conversation.not_resolved");
    must(conversation_resolve(c, id, &wrap, NULL));
    must_fail(conversation_rate(c, id, who, &six, STR("r2"), NULL), "conversation.score");
    must_fail(conversation_rate(c, id, visitor(), &five, STR("r3"), NULL), "not_found");
    must(conversation_rate(c, id, who, &five, STR("r1"), &first));
    must(conversation_rate(c, id, who, &five, STR("r1"), &again));
    assert_int_equal(first.seq, again.seq);
    test_time.at += MINUTE;
    must(conversation_rate(c, id, who, &three, STR("r4"), NULL));
    struct conversation v;
    must(conversation_get(c, id, &v));
    assert_int_equal(v.rating->score, 3);
    test_time.at += RATING_CHANGE_FOR;
    must_fail(conversation_rate(c, id, who, &five, STR("r5"), NULL), "conversation.rated");
    must(conversation_reopen(c, id, NULL));
    must(conversation_resolve(c, id, &wrap, NULL));
    must(conversation_rate(c, id, who, &five, STR("r6"), NULL)); // another resolution, another rating
    no_gap(id);
}

static void the_queue_is_first_come_first_served_to_whoever_has_room_and_least_to_do(void **state)
{
    int64_t one = agent("one", 2, "agent"), two = agent("two", 1, "agent");
    int64_t id[5];
    for (int i = 0; i < 5; i++) {
        test_time.at += SECOND;
        id[i] = post(said(visitor(), &botless, "help")).conversation;
        assert_int_equal(row_of(id[i]).state, CONV_QUEUED);
    }
    struct queue_place place;
    must(queue_place(c, id[2], &place));
    assert_int_equal(place.position, 3);
    assert_int_equal(place.wait_s, -1); // nobody is here
    test_time.at += SECOND;
    online(one);
    assert_int_equal(row_of(id[0]).assignee, one);
    assert_int_equal(row_of(id[1]).assignee, one);
    assert_int_equal(row_of(id[2]).state, CONV_QUEUED); // capacity
    must(queue_place(c, id[2], &place));
    assert_int_equal(place.position, 1);
    assert_true(place.wait_s > 0);
    test_time.at += SECOND;
    online(two);
    assert_int_equal(row_of(id[2]).assignee, two);
    test_time.at += SECOND;
    as(one);
    must(conversation_resolve(c, id[0], &wrap, NULL)); // room: the next one comes by itself
    assert_int_equal(row_of(id[3]).assignee, one);
    must(conversation_pending(c, id[1], NULL)); // what waits for the customer leaves room too
    assert_int_equal(row_of(id[4]).assignee, one);
    test_time.at += SECOND;
    as(two);
    must(conversation_resolve(c, id[2], &wrap, NULL));
    int64_t next = post(said(visitor(), &botless, "help")).conversation;
    assert_int_equal(row_of(next).assignee, two); // idle
}

static void whoever_leaves_counts_as_away_and_what_they_did_not_answer_goes_to_the_front(void **state)
{
    int64_t one = agent("one", 3, "agent"), two = agent("two", 3, "agent");
    online(one);
    int64_t a = post(said(visitor(), &botless, "a")).conversation, b = post(said(visitor(), &botless, "b")).conversation;
    post(answered(b, one, "coming"));
    must(presence_set(c, one, PRESENCE_AWAY));
    test_time.at += SECOND;
    int64_t later = post(said(visitor(), &botless, "later")).conversation;
    must(presence_set(c, one, PRESENCE_ONLINE));
    assert_int_equal(row_of(later).assignee, one);
    int64_t full = post(said(visitor(), &botless, "full")).conversation; // no room
    assert_int_equal(row_of(full).state, CONV_QUEUED);
    presence_gone(c, one);
    test_time.at += PRESENCE_GRACE - SECOND;
    desk_tick(c);
    assert_int_equal(presence_of(c, one), PRESENCE_ONLINE);
    test_time.at += 2 * SECOND;
    desk_tick(c);
    assert_int_equal(presence_of(c, one), PRESENCE_AWAY);
    assert_int_equal(row_of(a).state, CONV_OPEN);
    test_time.at += RETURN_GRACE;
    desk_tick(c);
    assert_int_equal(row_of(a).state, CONV_QUEUED);
    assert_int_equal(row_of(b).assignee, one); // answered: stays
    struct queue_place place;
    must(queue_place(c, full, &place));
    assert_int_equal(place.position, 3); // behind the two that came back
    no_gap(a);
    presence_connected(c, one); // comes back, and is online as before
    assert_int_equal(presence_of(c, one), PRESENCE_ONLINE);
    assert_int_equal(row_of(a).assignee, one);
    must(presence_set(c, one, PRESENCE_OFFLINE));
    online(two);
    test_time.at += RETURN_GRACE;
    desk_tick(c);
    assert_int_equal(row_of(a).assignee, two);
}

static void a_restart_forgets_neither_the_queue_nor_who_was_here(void **state)
{
    int64_t one = agent("one", 1, "agent");
    online(one);
    int64_t a = post(said(visitor(), &botless, "a")).conversation, b = post(said(visitor(), &botless, "b")).conversation;
    assert_int_equal(row_of(b).state, CONV_QUEUED);
    desk_close(c->desk);
    open_desk();
    assert_int_equal(presence_of(c, one), PRESENCE_ONLINE); // has a grace to come back
    presence_connected(c, one);
    as(one);
    must(conversation_resolve(c, a, &wrap, NULL));
    assert_int_equal(row_of(b).assignee, one);
}

// Whatever happens, in whatever order: when somebody who is online has room, nobody waits; nobody has more than their capacity unless by hand.
static void nothing_is_ever_stuck(void **state)
{
    enum { AGENTS = 4, CONVERSATIONS = 60, STEPS = 400 };
    unsigned seed = getenv("YINGDA_SEED") ? (unsigned)atoi(getenv("YINGDA_SEED")) : (unsigned)time_monotonic();
    print_message("seed %u\n", seed);
    int64_t agents[AGENTS], ids[CONVERSATIONS];
    int sockets[AGENTS] = {0}, count = 0;
    for (int i = 0; i < AGENTS; i++)
        agents[i] = agent(str_z(arena, str_printf(arena, "a%d", i)), i % 3 + 1, "agent");
    for (int step = 0; step < STEPS; step++) {
        int what = rand_r(&seed) % 12, who = rand_r(&seed) % AGENTS;
        int64_t id = count ? ids[rand_r(&seed) % count] : 0;
        test_time.at += rand_r(&seed) % 20 * SECOND;
        as(agents[who]);
        switch (what) {
        case 0:
        case 1:
        case 2:
            if (count < CONVERSATIONS)
                ids[count++] = post(said(visitor(), rand_r(&seed) % 4 ? &botless : &inbox, "help")).conversation;
            break;
        case 3: must(presence_set(c, agents[who], PRESENCE_ONLINE)); break;
        case 4: must(presence_set(c, agents[who], rand_r(&seed) % 2 ? PRESENCE_AWAY : PRESENCE_OFFLINE)); break;
        case 5:
            presence_connected(c, agents[who]);
            sockets[who]++;
            break;
        case 6:
            if (sockets[who]) {
                presence_gone(c, agents[who]);
                sockets[who]--;
            }
            break;
        case 7: id ? (void)conversation_resolve(c, id, &wrap, NULL) : (void)0; break;
        case 8: id ? (void)conversation_pending(c, id, NULL) : (void)0; break;
        case 9: id ? (void)conversation_handoff(c, id, row_of(id).contact, HANDOFF_ASKED, STR(""), NULL) : (void)0; break;
        case 10:
            if (id && row_of(id).assignee == agents[who] && row_of(id).state == CONV_OPEN)
                post(answered(id, agents[who], "yes"));
            break;
        default: id ? (void)conversation_assign(c, id, rand_r(&seed) % 2 ? 0 : agents[who], NULL) : (void)0;
        }
        error_clear(&err);
        desk_tick(c);
        struct free_agent *ready;
        size_t n = presence_ready(c, &ready);
        int waiting = 0, room = 0;
        for (int i = 0; i < count; i++)
            waiting += row_of(ids[i]).state == CONV_QUEUED;
        for (size_t i = 0; i < n; i++) {
            int64_t load = 0;
            for (int k = 0; k < count; k++) {
                struct conv_row row = row_of(ids[k]);
                load += row.state == CONV_OPEN && row.assignee == ready[i].user;
            }
            room += load < ready[i].capacity;
        }
        if (waiting && room)
            fail_msg("step %d (%d): %d wait and %d agents have room", step, what, waiting, room);
        for (int i = 0; i < count; i++) {
            struct conv_row row = row_of(ids[i]);
            bool open = row.state == CONV_OPEN || row.state == CONV_PENDING;
            assert_true(!open || row.assignee);
            assert_true(row.state != CONV_QUEUED || (!row.assignee && row.queued_at));
        }
        c->actor = (struct actor){.kind = ACTOR_SYSTEM};
    }
    for (int i = 0; i < count; i++)
        no_gap(ids[i]);
}

struct assigner {
    int64_t user;
    int assigned;
};
static void *run_queue(void *arg)
{
    struct assigner *a = arg;
    struct error mine = {0};
    struct ctx k = *c;
    k.arena = arena_new();
    k.err = &mine;
    k.db = store_reader(c->store, &k);
    if (!queue_run(&k, &a->assigned))
        print_error("%s %s\n", mine.key, mine.detail);
    store_reader_close(k.db);
    arena_free(k.arena);
    return NULL;
}
static void two_threads_never_assign_the_same_conversation_or_past_a_capacity(void **state)
{
    enum { WAIT = 12 };
    pthread_t threads[THREADS];
    struct assigner a[THREADS] = {0};
    int64_t one = agent("one", 5, "agent"), two = agent("two", 4, "agent"), ids[WAIT];
    for (int i = 0; i < WAIT; i++)
        ids[i] = post(said(visitor(), &botless, "help")).conversation;
    // Ready without the queue having been run.
    presence_connected(c, one);
    presence_connected(c, two);
    ((struct seat *)map_get(&c->desk->seats, (uint64_t)one))->chosen = PRESENCE_ONLINE;
    ((struct seat *)map_get(&c->desk->seats, (uint64_t)two))->chosen = PRESENCE_ONLINE;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, run_queue, &a[i]);
    int sum = 0, open = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += a[i].assigned;
    }
    for (int i = 0; i < WAIT; i++) {
        open += row_of(ids[i]).state == CONV_OPEN;
        assert_int_equal(row_of(ids[i]).state, i < 9 ? CONV_OPEN : CONV_QUEUED);
        no_gap(ids[i]);
    }
    assert_int_equal(sum, 9);
    assert_int_equal(open, 9);
}

// The bot.
static void teach(const char *question, const char *answer)
{
    struct faq f = {.language = LANG_EN, .question = str_of(question), .answer = str_of(answer), .enabled = true};
    must(faq_create(c, &f));
}
static bool take_turn(int64_t conversation)
{
    struct job job = {.kind = STR("bot_turn"), .key = str_printf(arena, "%lld", (long long)conversation), .attempt = 1};
    struct actor mine = c->actor;
    c->actor = (struct actor){.kind = ACTOR_SYSTEM};
    bool ok = turn_job.run(c, &job);
    c->actor = mine;
    return ok;
}
static void the_bot_answers_each_question_once_with_its_source_and_trace(void **state)
{
    teach("How do I return a product?", "You can return it within 7 days.");
    teach("When will my order be shipped?", "We ship within 24 hours.");
    struct job_counts counts;
    int64_t who = visitor(), id = post(said(who, &inbox, "how can I return a product")).conversation;
    must(job_counts(c, &counts));
    assert_int_equal(counts.waiting, 1);
    must(take_turn(id));
    must(take_turn(id)); // run again: nothing more
    struct conv_message *m;
    size_t n = all_messages(id, &m);
    assert_int_equal(n, 3);
    assert_int_equal(m[2].author, AUTHOR_BOT);
    assert_true(m[2].trace);
    assert_non_null(strstr(shown(VIEW_VISITOR, &m[2]), "within 7 days"));
    assert_non_null(strstr(shown(VIEW_VISITOR, &m[2]), "\"sources\":[{\"kind\":\"faq\",\"id\":\"kf_"));
    assert_null(strstr(shown(VIEW_VISITOR, &m[2]), "\"trace\""));
    assert_non_null(strstr(shown(VIEW_STAFF, &m[2]), "\"trace\":true"));
    struct str trace;
    must(conversation_trace(c, id, m[2].seq, &trace));
    assert_true(str_starts(trace, STR("{\"seq\":3,\"at\":\"")));
    struct json *document = json_read(c, trace, (struct json_limits){0});
    must(document != NULL);
    assert_true(json_count(json_get(document, "candidates")) > 0);
    json_free(document);
    post(said(who, &inbox, "when do you ship my order"));
    post(said(who, &inbox, "how do I return a product"));
    must(take_turn(id));
    n = all_messages(id, &m);
    assert_int_equal(n, 7);
    assert_non_null(strstr(shown(VIEW_VISITOR, &m[5]), "24 hours"));
    assert_non_null(strstr(shown(VIEW_VISITOR, &m[6]), "7 days"));
    no_gap(id);
}
static void *turn_beside(void *arg)
{
    struct error mine = {0};
    struct ctx k = *c;
    k.arena = arena_new();
    k.err = &mine;
    k.db = store_reader(c->store, &k);
    struct job job = {.kind = STR("bot_turn"), .key = *(struct str *)arg, .attempt = 1};
    for (int i = 0; i < 5 && !turn_job.run(&k, &job); i++)
        error_clear(&mine);
    store_reader_close(k.db);
    arena_free(k.arena);
    return NULL;
}
static void turns_that_run_beside_each_other_answer_nothing_twice(void **state)
{
    teach("How do I return a product?", "You can return it within 7 days.");
    pthread_t threads[4];
    int64_t who = visitor(), id = post(said(who, &inbox, "how do I return a product")).conversation;
    post(said(who, &inbox, "return a product, how?"));
    struct str key = str_printf(arena, "%lld", (long long)id);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, turn_beside, &key);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    struct conv_message *m;
    assert_int_equal(all_messages(id, &m), 5);
    no_gap(id);
}
static void a_second_miss_or_a_request_brings_a_person(void **state)
{
    teach("How do I return a product?", "You can return it within 7 days.");
    int64_t who = visitor(), id = post(said(who, &inbox, "xylophone tuning lessons on mars")).conversation;
    must(take_turn(id));
    assert_int_equal(row_of(id).state, CONV_BOT);
    assert_int_equal(row_of(id).misses, 1);
    post(said(who, &inbox, "qwerty plumbus zorblax"));
    must(take_turn(id));
    assert_int_equal(row_of(id).state, CONV_QUEUED);
    struct conv_message *m;
    size_t n = all_messages(id, &m);
    assert_non_null(strstr(shown(VIEW_VISITOR, &m[n - 1]), "\"reason\":\"bot_gave_up\""));
    post(said(who, &inbox, "hello?"));
    must(take_turn(id)); // no longer the bot's
    no_gap(id);
    int64_t other = post(said(visitor(), &inbox, "I want to talk to a human")).conversation;
    must(take_turn(other));
    assert_int_equal(row_of(other).state, CONV_QUEUED);
    n = all_messages(other, &m);
    assert_non_null(strstr(shown(VIEW_VISITOR, &m[n - 1]), "\"reason\":\"asked\""));
}

// Attachments.
static struct attachment put(const char *name, const void *bytes, size_t size, int kind, int64_t owner)
{
    char *path = arena_printf(arena, "%s/upload", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
    struct upload u = {.field = STR("file"), .file_name = str_of(name), .path = str_of(path), .size = (int64_t)size};
    struct attachment a = {0};
    (void)attachment_put(c, &u, kind, owner, &a);
    return a;
}
#define BYTES(text) text, sizeof(text) - 1
static const uint8_t dot[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x08\x06\0\0\0\x1f\x15\xc4\x89";
static void an_attachment_is_sniffed_and_sent_once_by_its_owner(void **state)
{
    int64_t who = visitor(), other = visitor();
    struct attachment a = put("../../a\"b\n.png", dot, sizeof dot - 1, AUTHOR_VISITOR, who);
    must(a.id != 0);
    assert_str(a.type, "image/png");
    assert_str(a.name, "a_b.png");
    assert_int_equal(a.width, 3);
    assert_int_equal(a.height, 2);
    struct draft d = said(who, &inbox, ""), foreign = said(other, &inbox, "mine"), twice = said(who, &inbox, "twice");
    d.attachments[0] = foreign.attachments[0] = twice.attachments[0] = a.id;
    d.attachment_count = foreign.attachment_count = twice.attachment_count = 1;
    must(desk_post(c, &foreign, 1));
    assert_string_equal(foreign.key, "message.attachment");
    struct draft again = d;
    must(desk_post(c, &d, 1));
    assert_true(d.stored);
    must(desk_post(c, &again, 1)); // sent again after a lost acknowledgement
    assert_true(again.again);
    assert_int_equal(again.seq, d.seq);
    must(desk_post(c, &twice, 1));
    assert_string_equal(twice.key, "message.attachment");
    struct conv_message m;
    bool found;
    must(message_at(c, d.conversation, d.seq, &m, &found));
    assert_int_equal(m.kind, MESSAGE_IMAGE);
    assert_non_null(strstr(shown(VIEW_VISITOR, &m), "\"width\":3,\"height\":2,\"url\":\"/files/at_"));
    size_t at;
    assert_true(str_find(a.url, STR("?sig="), &at));
    struct str id = str_sub(a.url, 7, at - 7), sig = str_sub(a.url, at + 5, a.url.len);
    assert_true(attachment_signed(c, id, sig));
    assert_false(attachment_signed(c, id_str(arena, "at", a.id + 1), sig));
    no_gap(d.conversation);
}
static void bombs_broken_pictures_and_unwanted_types_are_refused(void **state)
{
    uint8_t bomb[sizeof dot];
    memcpy(bomb, dot, sizeof dot);
    memcpy(bomb + 16, "\0\0\xea\x60\0\0\xea\x60", 8);
    put("bomb.png", bomb, sizeof bomb - 1, AUTHOR_AGENT, 1);
    must_fail(false, "attachment.pixels");
    put("broken.jpg", BYTES("\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xda\0\x08"), AUTHOR_AGENT, 1);
    must_fail(false, "attachment.image");
    put("run.exe", BYTES("\x7f" "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0"), AUTHOR_AGENT, 1);
    must_fail(false, "attachment.type");
    put("nothing", "", 0, AUTHOR_AGENT, 1);
    must_fail(false, "attachment.empty");
    struct attachment page = put("evil.html", BYTES("<!doctype html><html><script>alert(1)</script></html>"), AUTHOR_AGENT, 1);
    assert_str(page.type, "text/plain");
    assert_false(attachment_inline(page.type));
    struct attachment drawing = put("a.svg", BYTES("<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>"), AUTHOR_AGENT, 1);
    assert_false(attachment_inline(drawing.type));
    assert_str(attachment_clean_name(arena, STR("..")), "file");
}
static void what_nobody_sends_goes_after_a_day(void **state)
{
    struct attachment a = put("a.png", dot, sizeof dot - 1, AUTHOR_AGENT, 1);
    struct job job = {.kind = STR("attachment_orphans"), .key = STR("all")};
    must(attachment_orphans_run(c, &job));
    struct attachment out;
    must(attachment_get(c, a.id, &out));
    test_time.at += DAY + HOUR;
    must(attachment_orphans_run(c, &job));
    must_fail(attachment_get(c, a.id, &out), "not_found");
}

static void read_marks_grow_and_clear_what_is_unread(void **state)
{
    int64_t who = visitor(), id = post(said(who, &inbox, "one")).conversation;
    post(said(who, &inbox, "two"));
    assert_int_equal(row_of(id).unread, 2);
    desk_read_agent(c, id, 2);
    desk_read_visitor(c, id, 3);
    desk_read_visitor(c, id, 1);
    desk_tick(c);
    assert_int_equal(row_of(id).unread, 1);
    assert_int_equal(row_of(id).agent_read, 2);
    assert_int_equal(row_of(id).visitor_read, 3);
    desk_read_agent(c, id, 99); // not there yet: does not count
    desk_tick(c);
    assert_int_equal(row_of(id).agent_read, 2);
}

static void a_console_resumes_from_its_last_event(void **state)
{
    int64_t boss = agent("boss", 3, "supervisor");
    as(boss);
    struct conversation *v;
    size_t count;
    bool reset;
    int64_t latest, then;
    int64_t a = post(said(visitor(), &inbox, "a")).conversation, b = post(said(visitor(), &inbox, "b")).conversation;
    must(conversation_since(c, 0, 100, &v, &count, &reset, &latest));
    assert_int_equal(count, 2);
    assert_int_equal(v[0].id, a);
    post(answered(b, boss, "x"));
    must(conversation_since(c, latest, 100, &v, &count, &reset, &then));
    assert_int_equal(count, 1);
    assert_int_equal(v[0].id, b);
    assert_int_equal(v[0].event, then);
    must(conversation_since(c, then, 100, &v, &count, &reset, &then));
    assert_int_equal(count, 0);
    must(conversation_since(c, 0, 1, &v, &count, &reset, &then));
    assert_true(reset);
    struct conversation_counts n;
    must(conversation_count(c, boss, &n));
    assert_int_equal(n.bot, 2);
    struct list_query q = {.where = STR(""), .order = STR(" ORDER BY c.updated_at DESC, c.id DESC"), .limit = 10};
    must(conversation_list(c, &q, &v, &count));
    assert_int_equal(count, 2);
}

struct pair {
    int64_t from, to;
};
static bool move(struct ctx *k, void *arg)
{
    const struct pair *p = arg;
    return conv_contact_moves(k, p->from, p->to);
}
static void a_merged_contacts_conversations_move_and_one_runs(void **state)
{
    int64_t browser = visitor(), account = visitor();
    int64_t old = post(said(account, &inbox, "from my phone")).conversation, now = post(said(browser, &inbox, "here")).conversation;
    int64_t elsewhere = post(said(browser, &botless, "there")).conversation;
    struct pair pair = {browser, account};
    must(store_write(c, move, &pair));
    assert_int_equal(row_of(now).contact, account);
    assert_int_equal(row_of(elsewhere).contact, account);
    assert_true((row_of(old).state == CONV_RESOLVED) != (row_of(now).state == CONV_RESOLVED));
    no_gap(old);
    no_gap(now);
}

static void an_inbox_lets_in_only_the_pages_that_it_names(void **state)
{
    struct inbox i = inbox;
    struct str named[] = {STR("HTTPS://Shop.example:443/"), STR("http://localhost:8080")};
    i.origins = (struct str_list){named, 2};
    must(inbox_change(c, &i, UINT64_C(1) << schema_field(&inbox_schema, "origins"), i.version));
    must(inbox_by_key(c, i.key, &i));
    assert_str(i.origins.at[0], "https://shop.example");
    assert_true(inbox_allows(&i, STR("https://shop.example"), STR("desk.example")));
    assert_true(inbox_allows(&i, STR("http://localhost:8080"), STR("desk.example")));
    assert_true(inbox_allows(&i, STR("https://desk.example"), STR("desk.example")));
    assert_false(inbox_allows(&i, STR("http://shop.example"), STR("desk.example")));
    assert_false(inbox_allows(&i, STR("https://shop.example.evil.example"), STR("desk.example")));
    assert_false(inbox_allows(&i, STR("null"), STR("desk.example")));
    named[0] = STR("shop.example/path");
    i.origins = (struct str_list){named, 2};
    must_fail(inbox_change(c, &i, UINT64_C(1) << schema_field(&inbox_schema, "origins"), i.version), "inbox.origin");
    struct str first, second;
    must(inbox_secret(c, i.id, &first));
    must(inbox_new_secret(c, i.id, &second));
    assert_false(str_eq(first, second));
    must(inbox_secret(c, i.id, &first));
    assert_true(str_eq(first, second));
    must_fail(inbox_by_key(c, STR("nonsense"), &i), "desk.inbox_unknown");
}

static void a_visitors_token_opens_until_it_expires_and_budgets_bound_what_they_ask(void **state)
{
    int64_t who = visitor(), contact, in;
    struct str token = visitor_token(c, who, inbox.id);
    assert_true(visitor_from_token(c, token, &contact, &in));
    assert_int_equal(contact, who);
    assert_int_equal(in, inbox.id);
    char *forged = str_z(arena, token);
    forged[4] = forged[4] == 'a' ? 'b' : 'a';
    assert_false(visitor_from_token(c, str_of(forged), &contact, &in));
    must(visitor_authorise(c, token));
    assert_int_equal(c->actor.kind, ACTOR_VISITOR);
    must_fail(visitor_authorise(c, STR("nonsense")), "desk.visitor_token");
    test_time.at += 366 * DAY;
    assert_false(visitor_from_token(c, token, &contact, &in));
    for (int i = 0; i < 5; i++)
        must(visitor_may_send(c, who));
    assert_false(visitor_may_send(c, who));
    assert_int_equal(err.retry_after, 10);
    error_clear(&err);
    must(visitor_may_send(c, who + 1));
    test_time.at += 10 * SECOND;
    must(visitor_may_send(c, who));
    for (int i = 0; i < 3; i++)
        must(visitor_may_start(c, STR("192.0.2.1")));
    must_fail(visitor_may_start(c, STR("192.0.2.1")), "desk.too_many_visitors");
}

static bool put_past(struct ctx *k, void *arg)
{
    return past_put(k, arg);
}
static void a_conversation_of_the_past_reads_like_any_other(void **state)
{
    int64_t one = agent("one", 3, "agent"), who = visitor();
    usec at = test_time.at - 10 * DAY;
    struct past_message m[] = {
        {MESSAGE_TEXT, AUTHOR_VISITOR, 0, STR("hello"), 0, STR(""), at, 0},
        {MESSAGE_TEXT, AUTHOR_BOT, 0, STR("7 days"), 3, STR("Returns"), at + SECOND, 0},
        {.handoff = HANDOFF_ASKED + 1, .at = at + 2 * SECOND},
        {MESSAGE_TEXT, AUTHOR_AGENT, one, STR("Hi, I am One"), 0, STR(""), at + MINUTE, 0},
    };
    struct past_conversation p = {.inbox = inbox.id, .contact = who, .assignee = one, .state = CONV_RESOLVED, .language = STR("en"),
                                  .created_at = at, .messages = m, .count = 4, .wrap_up_code = STR("solved"), .wrap_up_note = STR(""),
                                  .rating = {4, STR("ok")}};
    must(store_write(c, put_past, &p));
    no_gap(p.id);
    struct conversation v;
    as(one);
    must(conversation_get(c, p.id, &v));
    assert_int_equal(v.state, CONV_RESOLVED);
    assert_int_equal(v.rating->score, 4);
    assert_int_equal(v.last_seq, 8); // started, hello, 7 days, handoff, assigned, hi, resolved, rated
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
    const struct CMUnitTest tests[] = {
        TEST(each_legal_transition_works_and_each_illegal_one_is_refused),
        TEST(the_same_cid_is_stored_once_and_gets_the_same_seq),
        TEST(bad_drafts_are_refused_each_for_itself),
        TEST(seq_has_no_gap_when_eight_threads_post_to_the_same_conversations),
        TEST(a_visitor_who_writes_from_eight_tabs_at_once_has_one_conversation),
        TEST(a_note_reaches_staff_only_and_leaves_no_gap_for_the_visitor),
        TEST(a_colleagues_conversation_is_not_written_into_nor_seen_without_the_right),
        TEST(a_customer_who_answers_brings_a_pending_conversation_back),
        TEST(a_resolution_needs_a_known_wrap_up_and_is_rated_once),
        TEST(the_queue_is_first_come_first_served_to_whoever_has_room_and_least_to_do),
        TEST(whoever_leaves_counts_as_away_and_what_they_did_not_answer_goes_to_the_front),
        TEST(a_restart_forgets_neither_the_queue_nor_who_was_here),
        TEST(nothing_is_ever_stuck),
        TEST(two_threads_never_assign_the_same_conversation_or_past_a_capacity),
        TEST(the_bot_answers_each_question_once_with_its_source_and_trace),
        TEST(turns_that_run_beside_each_other_answer_nothing_twice),
        TEST(a_second_miss_or_a_request_brings_a_person),
        TEST(an_attachment_is_sniffed_and_sent_once_by_its_owner),
        TEST(bombs_broken_pictures_and_unwanted_types_are_refused),
        TEST(what_nobody_sends_goes_after_a_day),
        TEST(read_marks_grow_and_clear_what_is_unread),
        TEST(a_console_resumes_from_its_last_event),
        TEST(a_merged_contacts_conversations_move_and_one_runs),
        TEST(an_inbox_lets_in_only_the_pages_that_it_names),
        TEST(a_visitors_token_opens_until_it_expires_and_budgets_bound_what_they_ask),
        TEST(a_conversation_of_the_past_reads_like_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
