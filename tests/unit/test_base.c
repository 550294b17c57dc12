// The base room's rules, named as sentences.
#include "test.h"

#include "base/buf.h"
#include "base/conf.h"
#include "base/ctx.h"
#include "base/json.h"
#include "base/map.h"
#include "base/money.h"
#include "base/rand.h"
#include "base/vec.h"

static struct arena *arena;
static struct error error;
static struct ctx ctx;

static int fresh(void **state)
{
    rand_setup();
    arena = arena_new();
    error = (struct error){0};
    ctx = (struct ctx){.arena = arena, .err = &error, .clock = &system_clock};
    return 0;
}
static int gone(void **state)
{
    arena_free(arena);
    return 0;
}

static void an_arena_gives_zeroed_memory_and_grows_the_last_piece_in_place(void **state)
{
    char *a = arena_alloc(arena, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(a[i], 0);
    memset(a, 7, 100);
    char *b = arena_grow(arena, a, 100, 200);
    assert_ptr_equal(a, b);
    assert_int_equal(b[99], 7);
    assert_int_equal(b[199], 0);
    char *c = arena_alloc(arena, 1000000);
    c[999999] = 1;
    arena_reset(arena);
    char *d = arena_alloc(arena, 5000);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(d[i], 0);
}

static void slices_split_trim_and_parse(void **state)
{
    struct str rest = STR("a,,b"), part;
    assert_true(str_split(&rest, ',', &part));
    assert_str(part, "a");
    assert_true(str_split(&rest, ',', &part));
    assert_str(part, "");
    assert_true(str_split(&rest, ',', &part));
    assert_str(part, "b");
    assert_false(str_split(&rest, ',', &part));
    assert_str(str_trim(STR(" \t x y\n")), "x y");
    int64_t v;
    assert_true(str_int(STR("-9223372036854775808"), &v) && v == INT64_MIN);
    assert_true(str_int(STR("9223372036854775807"), &v) && v == INT64_MAX);
    assert_false(str_int(STR("9223372036854775808"), &v));
    assert_false(str_int(STR(""), &v));
    assert_false(str_int(STR("-"), &v));
    assert_false(str_int(STR("1 "), &v));
}

static void utf8_is_checked_by_the_unicode_table(void **state)
{
    assert_true(str_is_utf8(STR("应答 é 😀")));
    assert_false(str_is_utf8(STR("\xC0\x80")));         // overlong
    assert_false(str_is_utf8(STR("\xED\xA0\x80")));     // surrogate
    assert_false(str_is_utf8(STR("\xF4\x90\x80\x80"))); // beyond U+10FFFF
    assert_false(str_is_utf8(STR("\xE5\xBA")));         // cut
    assert_false(str_is_utf8(STR("a\0b")));             // NUL
    assert_int_equal(str_chars(STR("应答a")), 3);
    assert_str(str_clip(STR("应答a"), 1), "应");
    for (uint32_t c = 1; c < 0x110000; c++) {
        if (c >= 0xD800 && c < 0xE000)
            continue;
        char text[4];
        struct str s = {text, str_put_char(text, c)};
        size_t at = 0;
        if (!str_is_utf8(s) || str_next_char(s, &at) != c || at != s.len)
            fail_msg("U+%04X does not round-trip", c);
    }
}

static void json_text_is_escaped_and_read_back(void **state)
{
    struct str nasty = STR("\"\\/\n\x01<>&'\x7F 应\xE2\x80\xA8 😀");
    struct buf b = {.arena = arena};
    buf_json(&b, nasty);
    struct json *v = json_read(&ctx, buf_str(&b), (struct json_limits){0});
    assert_non_null(v);
    assert_true(str_eq(json_text(v), nasty));
    json_free(v);
    b.len = 0;
    buf_json(&b, STR("a\xFFz"));
    assert_str(buf_str(&b), "\"a\xEF\xBF\xBDz\"");
}

static void json_refuses_what_is_malformed(void **state)
{
    static const struct {
        const char *text, *key;
    } bad[] = {
        {"", "json.syntax"},       {"{", "json.syntax"},          {"{\"a\":1,\"a\":2}", "json.syntax"}, {"[1,]", "json.syntax"},
        {"nul", "json.syntax"},    {"\"\\u0000\"", "json.syntax"}, {"1 2", "json.syntax"},              {"\"\xFF\"", "json.utf8"},
        {"99999999999999999999", "json.syntax"}, {"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "json.depth"},
        {"\"\\ud800\"", "json.syntax"}, {"{'a':1}", "json.syntax"}, {"[01]", "json.syntax"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        error_clear(&error);
        struct json *v = json_read(&ctx, str_of(bad[i].text), (struct json_limits){0});
        if (v || !error.key || strcmp(error.key, bad[i].key) != 0)
            fail_msg("%s gave %s", bad[i].text, v ? "a value" : error.key ? error.key : "no error");
    }
    assert_null(json_read(&ctx, STR("[1,2,3]"), (struct json_limits){.max_bytes = 6}));
    assert_int_equal(error.code, ERR_TOO_LARGE);
}

static void json_values_are_walked(void **state)
{
    struct json *v = json_read(&ctx, STR("{\"a\":[1,2.5,true,null,\"x\"],\"b\":null}"), (struct json_limits){0});
    struct json *a = json_get(v, "a");
    assert_int_equal(json_count(a), 5);
    assert_int_equal(json_int(json_at(a, 0)), 1);
    assert_true(json_double(json_at(a, 1)) == 2.5);
    assert_true(json_bool(json_at(a, 2)));
    assert_int_equal(json_type(json_at(a, 3)), JSON_NULL);
    assert_str(json_text(json_at(a, 4)), "x");
    assert_null(json_get(v, "b"));
    assert_true(json_has(v, "b"));
    size_t at = 0, members = 0;
    struct str name;
    struct json *value;
    while (json_member(v, &at, &name, &value))
        members++;
    assert_int_equal(members, 2);
    assert_str(json_print(arena, v), "{\"a\":[1,2.5,true,null,\"x\"],\"b\":null}");
    json_free(v);
    struct json_out o = json_begin(arena);
    json_open(&o, NULL, '{');
    json_put_int(&o, "n", -5);
    json_open(&o, "l", '[');
    json_put_z(&o, NULL, "x");
    json_put_bool(&o, NULL, true);
    json_close(&o, ']');
    json_put_null(&o, "z");
    json_close(&o, '}');
    assert_str(buf_str(&o.buf), "{\"n\":-5,\"l\":[\"x\",true],\"z\":null}");
}

static void times_are_printed_and_parsed(void **state)
{
    char text[TIME_TEXT];
    usec t;
    assert_true(time_parse(STR("2026-03-01T08:00:00.123456Z"), &t));
    assert_str(time_text(t, text), "2026-03-01T08:00:00.123456Z");
    usec u;
    assert_true(time_parse(STR("2026-03-01T16:00:00.123456+08:00"), &u));
    assert_true(t == u);
    assert_str(time_text(-1, text), "1969-12-31T23:59:59.999999Z");
    assert_false(time_parse(STR("2026-02-29T00:00:00Z"), &t));
    assert_false(time_parse(STR("2026-01-01T24:00:00Z"), &t));
    assert_false(time_parse(STR("2026-01-01T00:00:00"), &t));
    assert_false(time_parse(STR("2026-01-01"), &t));
    for (int64_t days = -800000; days < 800000; days += 13) {
        struct date d = date_from_days(days);
        assert_true(date_days(d) == days && date_valid(d));
    }
    struct test_clock clock = test_clock_at(5);
    assert_int_equal(clock_now(&clock.clock), 5);
}

static void money_is_exact(void **state)
{
    fen f;
    assert_true(fen_parse(STR("1234.5"), &f) && f == 123450);
    assert_true(fen_parse(STR("-0.01"), &f) && f == -1);
    assert_true(fen_parse(STR("999999999999999.99"), &f) && f == FEN_MAX);
    assert_false(fen_parse(STR("1000000000000000"), &f));
    assert_false(fen_parse(STR("1.234"), &f));
    assert_false(fen_parse(STR("1."), &f));
    assert_false(fen_parse(STR(".5"), &f));
    assert_false(fen_parse(STR("1e3"), &f));
    assert_false(fen_parse(STR(""), &f));
    assert_str(fen_text(arena, -5), "-0.05");
    assert_true(fen_ratio(5, 1, 2, &f) && f == 3);
    assert_true(fen_ratio(-5, 1, 2, &f) && f == -3);
    assert_true(fen_ratio(FEN_MAX, 3, 3, &f) && f == FEN_MAX);
    assert_false(fen_ratio(FEN_MAX, 2, 1, &f));
    assert_false(fen_ratio(1, 1, 0, &f));
}

static void maps_hold_what_was_put_after_any_mix_of_changes(void **state)
{
    struct map m = {0};
    static char present[512];
    memset(present, 0, sizeof present);
    for (int i = 0; i < 20000; i++) {
        uint64_t key = rand_below(512);
        if (rand_below(2)) {
            assert_true(!!map_put(&m, key, &present[key]) == present[key]);
            present[key] = 1;
        } else {
            assert_true(!!map_take(&m, key) == present[key]);
            present[key] = 0;
        }
    }
    size_t count = 0;
    for (uint64_t key = 0; key < 512; key++) {
        assert_true(!!map_get(&m, key) == present[key]);
        count += (size_t)present[key];
    }
    assert_int_equal(m.count, count);
    map_free(&m);
    struct str_map s = {0};
    for (int i = 0; i < 1000; i++)
        str_map_put(&s, str_printf(arena, "k%d", i), &present[i % 512]);
    for (int i = 0; i < 1000; i += 2)
        assert_ptr_equal(str_map_take(&s, str_printf(arena, "k%d", i)), &present[i % 512]);
    for (int i = 0; i < 1000; i++)
        assert_true(!!str_map_get(&s, str_printf(arena, "k%d", i)) == i % 2);
    str_map_free(&s);
}

static void vectors_grow(void **state)
{
    struct {
        VEC(int64_t);
    } v = {0};
    for (int64_t i = 0; i < 1000; i++)
        VEC_PUSH(arena, &v, i * i);
    assert_int_equal(v.count, 1000);
    assert_int_equal(v.at[999], 998001);
}

static void every_text_exists_in_both_languages_and_the_header_chooses(void **state)
{
    struct str args[] = {STR("7")};
    assert_str(message_text(arena, LANG_EN, "json.size", args, 1), "The JSON text is longer than 7 bytes.");
    assert_str(message_text(arena, LANG_EN, "no.such.key", NULL, 0), "no.such.key");
    for (unsigned i = 1; i < message_count; i++)
        assert_true(strcmp(message_table[i - 1].key, message_table[i].key) < 0);
    assert_int_equal(lang_from_header(STR("en-GB,en;q=0.9,zh;q=0.8"), LANG_ZH), LANG_EN);
    assert_int_equal(lang_from_header(STR("fr, zh-TW;q=0.7, en;q=0.3"), LANG_EN), LANG_ZH);
    assert_int_equal(lang_from_header(STR("fr"), LANG_ZH), LANG_ZH);
    assert_int_equal(lang_from_header(STR(""), LANG_EN), LANG_EN);
}

static void errors_keep_all_fields(void **state)
{
    assert_false(fail_field(&ctx, STR("name"), "x", NULL));
    assert_false(fail_field(&ctx, STR("age"), "y", "3", NULL));
    assert_int_equal(error.field_count, 2);
    assert_str(error.fields[1].args[0], "3");
    for (int i = 0; i < 1000; i++)
        fail_field(&ctx, STR("f"), "x", NULL);
    assert_int_equal(error.field_count, 100);
    assert_false(fail(&ctx, ERR_CONFLICT, "z", NULL));
    assert_int_equal(error.field_count, 0);
    assert_int_equal(error_http_status(ERR_LIMIT), 429);
}

static bool load(const char *text, struct conf *conf)
{
    char name[] = "/tmp/yingda-conf-XXXXXX";
    int fd = mkstemp(name);
    assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    error_clear(&error);
    bool ok = conf_load(&ctx, name, NULL, conf);
    unlink(name);
    return ok;
}

static void configuration_says_what_is_wrong_and_the_environment_wins(void **state)
{
    struct conf conf;
    assert_true(load("[http]\nport = 9000\n", &conf));
    assert_int_equal(conf.http_port, 9000);
    setenv("YINGDA_HTTP_PORT", "9001", 1);
    assert_true(load("[http]\nport = 9000\n", &conf));
    assert_int_equal(conf.http_port, 9001);
    unsetenv("YINGDA_HTTP_PORT");
    assert_false(load("[http]\nport = 70000\n", &conf));
    assert_string_equal(error.key, "conf.value");
    assert_false(load("[http]\nprot = 1\n", &conf));
    assert_string_equal(error.key, "conf.unknown");
    assert_false(load("[log]\nformat = xml\n", &conf));
    assert_string_equal(error.key, "conf.choice");
    assert_false(conf_load(&ctx, "/nonexistent/yingda.ini", NULL, &conf));
    assert_string_equal(error.key, "conf.file");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
        T(an_arena_gives_zeroed_memory_and_grows_the_last_piece_in_place),
        T(slices_split_trim_and_parse),
        T(utf8_is_checked_by_the_unicode_table),
        T(json_text_is_escaped_and_read_back),
        T(json_refuses_what_is_malformed),
        T(json_values_are_walked),
        T(times_are_printed_and_parsed),
        T(money_is_exact),
        T(maps_hold_what_was_put_after_any_mix_of_changes),
        T(vectors_grow),
        T(every_text_exists_in_both_languages_and_the_header_chooses),
        T(errors_keep_all_fields),
        T(configuration_says_what_is_wrong_and_the_environment_wins),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
