// The text room's rules, named as sentences.
#include "test.h"

#include "base/rand.h"
#include "text/index.h"

static struct arena *arena;

static int fresh(void **state)
{
    rand_setup();
    arena = arena_new();
    return 0;
}
static int gone(void **state)
{
    arena_free(arena);
    return 0;
}

static struct str plain(const char *raw)
{
    return text_normalise(arena, str_of(raw)).plain;
}
static bool has_token(const char *raw, const char *token)
{
    struct text t = text_normalise(arena, str_of(raw)), one = text_normalise(arena, str_of(token));
    struct tokens all = text_tokenise(arena, &t), want = text_tokenise(arena, &one);
    for (size_t i = 0; i < all.count; i++)
        if (all.at[i].id == want.at[want.count - 1].id)
            return true;
    return false;
}

static void width_case_and_script_variants_become_one_form(void **state)
{
    assert_str(plain("ＡＢＣ　１２３"), "abc 123");
    assert_str(plain("可以更改還款日期嗎？"), "可以更改还款日期吗?");
    assert_str(plain("ﾃｽﾄ Straße ①"), "テスト strasse 1");
    assert_str(plain("  a\t\n b  "), "a b");
    assert_str(plain(""), "");
}

static void emoji_are_taken_out_and_counted(void **state)
{
    struct text t = text_normalise(arena, STR("退货😀👍🏽"));
    assert_str(t.plain, "退货");
    assert_true(t.emoji >= 2);
    t = text_normalise(arena, STR("👨‍👩‍👧🇨🇳❤️"));
    assert_str(t.plain, "");
    assert_true(t.emoji > 0 && t.chars == 0);
}

static void broken_utf8_and_control_characters_do_no_harm(void **state)
{
    struct text t = text_normalise(arena, STR("退\xE8\xB4\0货\x01"));
    assert_str(t.plain, "退 货");
    assert_int_equal(t.chars, 3);
    for (int i = 0; i < 2000; i++) { // any bytes at all
        char bytes[64];
        rand_bytes(bytes, sizeof bytes);
        t = text_normalise(arena, (struct str){bytes, sizeof bytes});
        assert_true(str_is_utf8(t.plain));
        struct tokens k = text_tokenise(arena, &t);
        for (size_t j = 0; j < k.count; j++)
            assert_true(k.at[j].at + k.at[j].len <= t.unit_count && k.at[j].len > 0);
    }
}

static void the_language_is_guessed_from_the_letters(void **state)
{
    assert_int_equal(text_normalise(arena, STR("怎么退货")).lang, TEXT_ZH);
    assert_int_equal(text_normalise(arena, STR("怎么开通 Level-2")).lang, TEXT_ZH);
    assert_int_equal(text_normalise(arena, STR("how do I return this?")).lang, TEXT_EN);
    assert_int_equal(text_normalise(arena, STR("what does 退货 mean in this shop")).lang, TEXT_MIXED);
    assert_int_equal(text_normalise(arena, STR("12345 !!!")).lang, TEXT_OTHER);
}

static void chinese_gives_characters_pairs_and_dictionary_words(void **state)
{
    struct text t = text_normalise(arena, STR("退货,运费"));
    struct tokens k = text_tokenise(arena, &t);
    assert_int_equal(k.count, 6); // 退 货 退货 运 费 运费: no pair over the comma
    assert_true(has_token("怎么退货", "退货"));
    assert_false(has_token("怎么退货", "么货"));
    t = text_normalise(arena, STR("中华人民共和国的图书馆"));
    k = text_tokenise(arena, &t);
    size_t words = 0;
    for (size_t i = 0; i < k.count; i++)
        words += k.at[i].kind == TOKEN_TERM;
    assert_true(words >= 1);
    assert_str(token_text(arena, &t, &k.at[0]), "中");
}

static void forms_of_an_english_word_become_one_token(void **state)
{
    const char *same[][2] = {{"deliveries", "delivery"}, {"shipping", "ship"}, {"shipped", "ships"}, {"changed", "changing"},
                             {"change", "changes"}, {"returned", "return"}, {"boxes", "box"}, {"addresses", "address"},
                             {"refunds", "refund"}, {"prices", "price"}, {"cancelled", "cancelling"}, {"Orders", "order's"}};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (!has_token(same[i][0], same[i][1]))
            fail_msg("%s and %s differ", same[i][0], same[i][1]);
    assert_true(has_token("I can't pay", "not"));
    assert_true(has_token("I can’t pay", "can"));
    assert_false(has_token("news", "new sing"));
    assert_false(has_token("this", "thing"));
}

static struct index *shop(void)
{
    struct index_builder *b = index_begin();
    struct index_text returns[] = {{INDEX_QUESTION, STR("怎么退货")}, {INDEX_SIMILAR, STR("我想把东西退掉")}, {INDEX_SIMILAR, STR("退货流程是什么")}};
    struct index_text freight[] = {{INDEX_QUESTION, STR("运费是多少")}, {INDEX_SIMILAR, STR("邮费怎么算")}};
    struct index_text invoice[] = {{INDEX_QUESTION, STR("How do I get an invoice?")}, {INDEX_SIMILAR, STR("I need a receipt for tax")}};
    struct index_text article[] = {{INDEX_TITLE, STR("会员等级说明")}, {INDEX_BODY, STR("积分达到一千分升为银卡会员，退货会扣除积分。")}};
    index_add(b, returns, 3);
    index_add(b, freight, 2);
    index_add(b, invoice, 2);
    index_add(b, article, 2);
    return index_finish(b);
}
static size_t search(const struct index *x, const char *question, struct index_hit *hits, size_t most)
{
    struct text t = text_normalise(arena, str_of(question));
    struct tokens k = text_tokenise(arena, &t);
    return index_search(x, arena, &k, NULL, hits, most, NULL, NULL);
}

static void the_entry_asked_for_comes_first_with_its_best_wording(void **state)
{
    struct index *x = shop();
    struct index_hit hits[4];
    assert_true(search(x, "東西可以退掉嗎", hits, 4) >= 1);
    assert_int_equal(hits[0].entry, 0);
    assert_int_equal(hits[0].text, 1);
    assert_true(search(x, "invoices?", hits, 4) >= 1);
    assert_int_equal(hits[0].entry, 2);
    assert_true(search(x, "银卡会员要多少积分", hits, 4) >= 1);
    assert_int_equal(hits[0].entry, 3);
    assert_int_equal(hits[0].text, 1);
    index_free(x);
}

static void a_stored_wording_scores_near_one_and_a_stranger_near_nothing(void **state)
{
    struct index *x = shop();
    struct index_hit hits[4];
    const char *stored[] = {"怎么退货", "邮费怎么算", "I need a receipt for tax", "How do I get an invoice?"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(search(x, stored[i], hits, 4) >= 1);
        assert_true(hits[0].score > 0.9f && hits[0].told > 0.99f);
    }
    size_t n = search(x, "今天天气好吗我们去爬山", hits, 4);
    assert_true(n == 0 || hits[0].score < 0.3f);
    assert_int_equal(search(x, "zzz qqq", hits, 4), 0);
    assert_int_equal(search(x, "", hits, 4), 0);
    index_free(x);
}

// The less is stored, the more of a question is new to the index.
static void a_base_of_four_entries_tells_its_questions_from_others(void **state)
{
    struct index_builder *b = index_begin();
    struct index_text return_en[] = {{INDEX_QUESTION, STR("How do I return a product?")},
                                     {INDEX_SIMILAR, STR("I want to send something back")},
                                     {INDEX_SIMILAR, STR("return policy")}};
    struct index_text ship_en[] = {{INDEX_QUESTION, STR("When will my order be shipped?")},
                                   {INDEX_SIMILAR, STR("shipping time")},
                                   {INDEX_SIMILAR, STR("how long does dispatch take")}};
    struct index_text return_zh[] = {{INDEX_QUESTION, STR("怎么申请退货？")}, {INDEX_SIMILAR, STR("我要退货")}, {INDEX_SIMILAR, STR("东西不想要了能退吗")}};
    struct index_text ship_zh[] = {{INDEX_QUESTION, STR("什么时候发货？")}, {INDEX_SIMILAR, STR("多久发货")}, {INDEX_SIMILAR, STR("发货时间")}};
    index_add(b, return_en, 3);
    index_add(b, ship_en, 3);
    index_add(b, return_zh, 3);
    index_add(b, ship_zh, 3);
    struct index *x = index_finish(b);
    static const struct {
        const char *question;
        uint32_t entry;
    } good[] = {{"how can I return a product", 0}, {"can I return this?", 0}, {"when do you ship?", 1}, {"how long until you ship my order", 1},
                {"我想退货怎么办", 2}, {"不想要了可以退吗", 2}, {"退货怎么弄", 2}, {"下单后多久能发货", 3}, {"什么时候能发货呀", 3}};
    static const char *const other[] = {"when do you open?", "what is the weather like", "how can I pay", "do you sell shoes", "今天天气怎么样",
                                        "你们有实体店吗", "我要开发票", "怎么办啊"};
    struct index_hit hits[2];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!search(x, good[i].question, hits, 2) || hits[0].entry != good[i].entry || hits[0].score < 0.8f)
            fail_msg("%s: entry %u, %.3f", good[i].question, hits[0].entry, (double)hits[0].score);
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        if (search(x, other[i], hits, 2) && hits[0].score > 0.4f)
            fail_msg("%s: entry %u, %.3f", other[i], hits[0].entry, (double)hits[0].score);
    index_free(x);
}

static void how_something_is_asked_is_told_from_what_it_is_about(void **state)
{
    struct text t = text_normalise(arena, STR("请问什么时候发货的? when do you ship"));
    struct tokens k = text_tokenise(arena, &t);
    size_t about = 0;
    for (size_t i = 0; i < k.count; i++) {
        struct str one = token_text(arena, &t, &k.at[i]);
        bool common = k.at[i].kind >= TOKEN_COMMON;
        if (str_is(one, "请问") || str_is(one, "什么时候") || str_is(one, "时候") || str_is(one, "的") || str_is(one, "when") || str_is(one, "you"))
            assert_true(common);
        if (str_is(one, "发货") || str_is(one, "货") || str_is(one, "时") || str_is(one, "候发") || str_is(one, "ship")) {
            assert_false(common);
            about++;
        }
    }
    assert_int_equal(about, 5);
}

static bool only_second(const void *arg, uint32_t entry)
{
    return entry == 1;
}

static void a_filter_hides_entries_and_the_list_is_as_long_as_asked(void **state)
{
    struct index *x = shop();
    struct index_hit hits[4];
    struct text t = text_normalise(arena, STR("怎么退货"));
    struct tokens k = text_tokenise(arena, &t);
    struct index_filter filter = {only_second, NULL};
    assert_int_equal(index_search(x, arena, &k, &filter, hits, 4, NULL, NULL), 1);
    assert_int_equal(hits[0].entry, 1);
    assert_int_equal(search(x, "怎么退货", hits, 1), 1);
    assert_int_equal(search(x, "怎么退货", hits, 0), 0);
    index_free(x);
}

static void an_index_copied_entry_by_entry_answers_alike(void **state)
{
    struct index *x = shop();
    struct index_builder *b = index_begin();
    for (uint32_t e = 0; e < index_entries(x); e++)
        index_copy(b, x, e);
    struct index *y = index_finish(b);
    const char *questions[] = {"怎么退货", "积分", "invoice", "运费", "会员退货"};
    for (size_t i = 0; i < 5; i++) {
        struct index_hit one[4], other[4];
        size_t n = search(x, questions[i], one, 4);
        assert_int_equal(search(y, questions[i], other, 4), n);
        for (size_t j = 0; j < n; j++) {
            assert_int_equal(one[j].entry, other[j].entry);
            assert_true(one[j].score == other[j].score && one[j].bm25 == other[j].bm25);
        }
    }
    index_free(x);
    index_free(y);
}

static void an_empty_index_finds_nothing(void **state)
{
    struct index *x = index_finish(index_begin());
    struct index_hit hits[2];
    assert_int_equal(search(x, "怎么退货", hits, 2), 0);
    assert_int_equal(index_entries(x), 0);
    index_free(x);
}

static void the_terms_of_a_question_say_what_weighs_and_what_is_unknown(void **state)
{
    struct index *x = shop();
    struct text t = text_normalise(arena, STR("退货 zebra"));
    struct tokens k = text_tokenise(arena, &t);
    struct index_hit hits[1];
    struct index_term *terms;
    size_t count;
    index_search(x, arena, &k, NULL, hits, 1, &terms, &count);
    assert_int_equal(count, 4);
    float sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += terms[i].weight;
        bool zebra = str_is(token_text(arena, &t, terms[i].token), "zebra");
        assert_true(zebra ? terms[i].entries == 0 : terms[i].entries > 0);
    }
    assert_true(sum > 0.999f && sum < 1.001f);
    index_free(x);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
    const struct CMUnitTest tests[] = {
        TEST(width_case_and_script_variants_become_one_form),
        TEST(emoji_are_taken_out_and_counted),
        TEST(broken_utf8_and_control_characters_do_no_harm),
        TEST(the_language_is_guessed_from_the_letters),
        TEST(chinese_gives_characters_pairs_and_dictionary_words),
        TEST(forms_of_an_english_word_become_one_token),
        TEST(the_entry_asked_for_comes_first_with_its_best_wording),
        TEST(a_stored_wording_scores_near_one_and_a_stranger_near_nothing),
        TEST(a_base_of_four_entries_tells_its_questions_from_others),
        TEST(how_something_is_asked_is_told_from_what_it_is_about),
        TEST(a_filter_hides_entries_and_the_list_is_as_long_as_asked),
        TEST(an_index_copied_entry_by_entry_answers_alike),
        TEST(an_empty_index_finds_nothing),
        TEST(the_terms_of_a_question_say_what_weighs_and_what_is_unknown),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
