// The bot's rules, named as sentences.
#include "test.h"

#include "base/conf.h"
#include "base/rand.h"
#include "bot/bot.h"
#include "bot/phrases.h"
#include "knowledge/import.h"
#include "store/db.h"

static struct arena *arena;
static char dir[64];
static struct conf conf;
static struct error err;
static struct ctx ctx;
static struct ctx *c = &ctx;

static const char entries[] =
    "{\"id\":\"r\",\"language\":\"zh\",\"question\":\"怎么申请退货\",\"similar\":[\"我要退货\",\"东西不想要了能退吗\"],\"answer\":\"签收后 7 天内可以退货。\"}\n"
    "{\"id\":\"s\",\"language\":\"zh\",\"question\":\"什么时候发货\",\"similar\":[\"多久发货\",\"几天能发出来\"],\"answer\":\"24 小时内发货。\"}\n"
    "{\"id\":\"i\",\"language\":\"zh\",\"question\":\"怎么开发票\",\"similar\":[\"能开发票吗\"],\"answer\":\"订单页可以开。\"}\n"
    "{\"id\":\"w\",\"language\":\"zh\",\"question\":\"退货运费谁承担\",\"answer\":\"质量问题由我们承担。\"}\n"
    "{\"id\":\"re\",\"language\":\"en\",\"question\":\"How do I return a product?\",\"similar\":[\"I want to send something back\"],\"answer\":\"Within 7 days.\"}\n"
    "{\"id\":\"sh\",\"language\":\"en\",\"question\":\"When will my order be shipped?\",\"similar\":[\"shipping time\"],\"answer\":\"Within 24 hours.\"}\n"
    "{\"id\":\"only\",\"language\":\"en\",\"question\":\"Does the Ridge 2 tent fit three people?\",\"answer\":\"Two.\"}\n";

static int fresh(void **state)
{
    rand_setup();
    arena = arena_new();
    err = (struct error){0};
    strcpy(dir, "/tmp/yingda-bot-XXXXXX");
    assert_non_null(mkdtemp(dir));
    conf = (struct conf){.data_dir = dir, .store_url = "", .store_readers = 4, .blob_place = "folder"};
    ctx = (struct ctx){.arena = arena, .err = &err, .clock = &system_clock, .conf = &conf, .lang = LANG_ZH, .actor = {.kind = ACTOR_SYSTEM}};
    c->store = store_open(c, true);
    c->db = store_reader(c->store, c);
    c->knowledge = knowledge_open(c);
    assert_non_null(c->knowledge);
    struct import_report r;
    assert_true(import_text(c, STR("k.jsonl"), str_of(entries), &(struct import_options){.language = -1}, &r));
    assert_int_equal(r.imported, 7);
    return 0;
}
static int gone(void **state)
{
    char command[128];
    knowledge_close(c->knowledge);
    store_reader_close(c->db);
    store_close(c->store);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
    arena_free(arena);
    return 0;
}

static struct bot_decision ask(const char *text)
{
    struct bot_decision d;
    bot_decide(c, &(struct bot_turn){.text = str_of(text), .person_online = true}, &d);
    return d;
}
static struct bot_decision miss(const char *text, int misses, bool online)
{
    struct bot_decision d;
    bot_decide(c, &(struct bot_turn){.text = str_of(text), .misses = misses, .person_online = online}, &d);
    return d;
}

static void a_stored_wording_is_answered_in_its_language(void **state)
{
    struct bot_decision d = ask("东西不想要了，能退吗？");
    assert_int_equal(d.verdict, BOT_ANSWER);
    assert_string_equal(d.reason, "above_threshold");
    assert_str(d.text, "签收后 7 天内可以退货。");
    assert_int_equal(d.lang, LANG_ZH);
    d = ask("I want to send something back");
    assert_int_equal(d.verdict, BOT_ANSWER);
    assert_str(d.text, "Within 7 days.");
    assert_int_equal(d.lang, LANG_EN);
    assert_int_equal(d.hit_count, 1);
}

static void a_question_in_other_words_is_answered_from_a_base_of_seven_too(void **state)
{
    static const struct {
        const char *question, *answer;
    } asked[] = {{"我想退货怎么办", "签收后 7 天内可以退货。"}, {"下单后多久能发货", "24 小时内发货。"}, {"发票怎么开呀", "订单页可以开。"},
                 {"when do you ship?", "Within 24 hours."}, {"how can I return a product", "Within 7 days."}};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct bot_decision d = ask(asked[i].question);
        if (d.verdict != BOT_ANSWER || !str_is(d.text, asked[i].answer))
            fail_msg("%s: %s", asked[i].question, d.reason);
    }
    static const char *const other[] = {"今天天气怎么样", "怎么办啊", "你们老板是谁", "what is the weather like", "do you sell shoes"};
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        if (ask(other[i]).verdict == BOT_ANSWER)
            fail_msg("%s was answered", other[i]);
}

static void a_polite_opening_does_not_disturb_the_question(void **state)
{
    static const char *const texts[] = {"你好，请问什么时候发货？", "您好请问什么时候发货", "Hi! When will my order be shipped?"};
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(texts[i]).verdict, BOT_ANSWER);
    struct str rest;
    assert_int_equal(phrase_of(arena, STR("你好,在吗,怎么退货"), &rest), PHRASE_NONE);
    assert_str(rest, "怎么退货");
}

static void small_talk_gets_small_talk(void **state)
{
    static const struct {
        const char *text, *reason;
    } talks[] = {{"你好", "greeting"}, {"在吗？", "greeting"}, {"Hello!", "greeting"}, {"谢谢啦", "thanks"}, {"好的，谢谢", "thanks"},
                 {"Thank you so much!", "thanks"}, {"再见", "goodbye"}, {"bye", "goodbye"}, {"你是机器人吗", "who_are_you"},
                 {"are you a bot?", "who_are_you"}, {"好的", "acknowledged"}, {"ok", "acknowledged"}, {"😀", "nothing_asked"},
                 {"？？？", "nothing_asked"}, {"", "nothing_asked"}};
    for (size_t i = 0; i < sizeof talks / sizeof talks[0]; i++) {
        struct bot_decision d = ask(talks[i].text);
        if (d.verdict != BOT_SMALLTALK || strcmp(d.reason, talks[i].reason))
            fail_msg("%s: %s", talks[i].text, d.reason);
        assert_true(d.text.len > 0);
    }
}

static void whoever_asks_for_a_person_gets_one(void **state)
{
    static const char *const yes[] = {"转人工", "人工", "人工客服", "我要找人工客服", "帮我接一下真人客服吧", "能不能转人工啊", "客服呢？", "转接人工服务",
                                      "talk to a human", "I want to speak to a real person please", "agent", "can I talk to someone",
                                      "connect me with an agent", "Human please!", "let me speak with a customer service representative"};
    static const char *const no[] = {"人工费多少钱", "不要转人工", "什么是人工智能", "我不想要人工客服", "how do I get agent discount",
                                     "I don't want to talk to a person", "how many people fit in the tent", "do I need a person to sign for it at home",
                                     "客服几点上班"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        struct bot_decision d = ask(yes[i]);
        if (d.verdict != BOT_HANDOFF || strcmp(d.reason, "asked_for_person"))
            fail_msg("%s: %s", yes[i], d.reason);
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        if (ask(no[i]).verdict == BOT_HANDOFF)
            fail_msg("%s was handed off", no[i]);
}

static void a_vague_question_gets_suggestions_and_a_chosen_one_its_answer(void **state)
{
    conf.answer_threshold = 1000;
    conf.suggest_threshold = 50;
    struct bot_decision d = ask("发票和退货的运费");
    assert_int_equal(d.verdict, BOT_SUGGEST);
    assert_string_equal(d.reason, "between_thresholds");
    assert_in_range(d.hit_count, 1, 3);
    struct bot_decision chosen;
    bot_decide(c, &(struct bot_turn){.text = d.hits[0].title, .option = d.hits[0].id, .person_online = true}, &chosen);
    assert_int_equal(chosen.verdict, BOT_ANSWER);
    assert_string_equal(chosen.reason, "chosen");
    assert_str(chosen.text, str_z(arena, d.hits[0].answer));
    conf.answer_threshold = 0;
    bot_decide(c, &(struct bot_turn){.text = STR("怎么申请退货"), .option = 999999, .person_online = true}, &chosen);
    assert_string_equal(chosen.reason, "above_threshold"); // an option that is gone: what was typed counts
}

static void the_second_miss_in_a_row_is_handed_to_a_person(void **state)
{
    struct bot_decision d = miss("火星上有没有水", 0, true);
    assert_int_equal(d.verdict, BOT_SUGGEST);
    assert_string_equal(d.reason, "not_found");
    assert_int_equal(d.hit_count, 0);
    d = miss("火星上有没有水", 1, true);
    assert_int_equal(d.verdict, BOT_HANDOFF);
    assert_string_equal(d.reason, "two_misses");
    struct bot_decision offline = miss("火星上有没有水", 1, false);
    assert_int_equal(offline.verdict, BOT_HANDOFF);
    assert_false(str_eq(offline.text, d.text));
}

static void an_answer_in_the_other_language_is_given_only_when_there_is_no_own(void **state)
{
    struct bot_decision d = ask("Ridge 2 tent three people 可以吗");
    assert_true(d.hit_count > 0);
    assert_int_equal(d.hits[0].language, LANG_EN);
    assert_int_equal(ask("怎么申请退货").hits[0].language, LANG_ZH);
}

static void each_trace_is_json_that_tells_why(void **state)
{
    static const char *const texts[] = {"怎么申请退货", "火星上有没有水", "转人工", "你好", "\xff\xfe\"quotes\"\\", "退", ""};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct bot_decision d = ask(texts[i]);
        struct json *v = json_read(c, d.trace, (struct json_limits){0});
        assert_non_null(v);
        assert_str(json_text(json_get(v, "verdict")), bot_verdict_name(d.verdict));
        assert_str(json_text(json_get(v, "reason")), d.reason);
        assert_true(json_has(v, "tokens") && json_has(v, "candidates") && json_has(v, "answer_threshold") && json_has(v, "microseconds"));
        json_free(v);
    }
    struct bot_decision d = ask("怎么申请退货");
    struct json *v = json_read(c, d.trace, (struct json_limits){0}), *one = json_at(json_get(v, "candidates"), 0);
    assert_str(json_text(json_get(one, "kind")), "faq");
    assert_str(json_text(json_get(one, "matched")), "怎么申请退货");
    assert_true(json_int(json_get(one, "score")) > 900);
    json_free(v);
}

static void long_and_broken_texts_are_decided_too(void **state)
{
    char *long_text = arena_alloc(arena, 200001);
    for (int i = 0; i < 200000; i++)
        long_text[i] = "退货 abc，?"[i % 14];
    ask(long_text);
    for (int i = 0; i < 300; i++) {
        char bytes[100];
        rand_bytes(bytes, sizeof bytes);
        struct bot_decision d;
        bot_decide(c, &(struct bot_turn){.text = {bytes, sizeof bytes}}, &d);
        assert_true(d.text.len > 0 && d.reason[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
        T(a_stored_wording_is_answered_in_its_language),
        T(a_question_in_other_words_is_answered_from_a_base_of_seven_too),
        T(a_polite_opening_does_not_disturb_the_question),
        T(small_talk_gets_small_talk),
        T(whoever_asks_for_a_person_gets_one),
        T(a_vague_question_gets_suggestions_and_a_chosen_one_its_answer),
        T(the_second_miss_in_a_row_is_handed_to_a_person),
        T(an_answer_in_the_other_language_is_given_only_when_there_is_no_own),
        T(each_trace_is_json_that_tells_why),
        T(long_and_broken_texts_are_decided_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
