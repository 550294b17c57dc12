#include "bot/bot.h"

#include "base/conf.h"
#include "bot/phrases.h"
#include "schema/id.h"

// Chosen by measuring: README.md "Thresholds".
enum { ANSWER_DEFAULT = 600, SUGGEST_DEFAULT = 100, CERTAIN = 990, MOST_OPTIONS = 3, MOST_LOOKED_AT = 10 };

int bot_answer_threshold(const struct ctx *c)
{
    return c->conf && c->conf->answer_threshold ? (int)c->conf->answer_threshold : ANSWER_DEFAULT;
}
int bot_suggest_threshold(const struct ctx *c)
{
    int suggest = c->conf && c->conf->suggest_threshold ? (int)c->conf->suggest_threshold : SUGGEST_DEFAULT, answer = bot_answer_threshold(c);
    return suggest < answer ? suggest : answer;
}

const char *bot_verdict_name(enum bot_verdict v)
{
    static const char *const names[] = {"answer", "suggest", "handoff", "smalltalk"};
    return names[v];
}

struct thinking {
    struct ctx *c;
    const struct bot_turn *turn;
    struct bot_decision *out;
    struct knowledge_query query;
    struct knowledge_hit seen[MOST_LOOKED_AT]; // candidates, best first, for the trace
    size_t seen_count;
};

static void say(struct thinking *t, enum bot_verdict verdict, const char *reason, const char *key)
{
    t->out->verdict = verdict;
    t->out->reason = reason;
    if (key)
        t->out->text = message_text(t->c->arena, t->out->lang, key, NULL, 0);
}

static void hand_off(struct thinking *t, const char *reason, const char *key, const char *key_offline)
{
    t->out->hit_count = 0;
    say(t, BOT_HANDOFF, reason, t->turn->person_online ? key : key_offline);
}

static bool small_talk(struct thinking *t, enum phrase phrase)
{
    switch (phrase) {
    case PHRASE_GREETING: say(t, BOT_SMALLTALK, "greeting", "bot.greeting"); return true;
    case PHRASE_ACKNOWLEDGED: say(t, BOT_SMALLTALK, "acknowledged", "bot.acknowledged"); return true;
    case PHRASE_WHO: say(t, BOT_SMALLTALK, "who_are_you", "bot.who"); return true;
    case PHRASE_THANKS: say(t, BOT_SMALLTALK, "thanks", "bot.thanks"); return true;
    case PHRASE_GOODBYE: say(t, BOT_SMALLTALK, "goodbye", "bot.goodbye"); return true;
    case PHRASE_NONE: break;
    }
    return false;
}

static void look(struct thinking *t, struct str question)
{
    t->query.question = question;
    t->query.explain = true;
    t->query.language = (int)t->out->lang;
    t->seen_count = knowledge_find(t->c, &t->query, t->seen, MOST_LOOKED_AT);
    if (t->seen_count && t->seen[0].score >= bot_suggest_threshold(t->c))
        return;
    // Nothing in the asker's language: an answer in the other one is better than none.
    struct knowledge_hit other[MOST_LOOKED_AT];
    t->query.language = -1;
    size_t count = knowledge_find(t->c, &t->query, other, MOST_LOOKED_AT);
    if (count && other[0].score >= bot_suggest_threshold(t->c)) {
        memcpy(t->seen, other, sizeof other);
        t->seen_count = count;
    }
}

// Those worth offering: above the threshold, none that says the same as one before.
static void choose_options(struct thinking *t)
{
    struct bot_decision *out = t->out;
    for (size_t i = 0; i < t->seen_count && out->hit_count < MOST_OPTIONS; i++) {
        const struct knowledge_hit *h = &t->seen[i];
        bool again = h->score < bot_suggest_threshold(t->c);
        for (size_t j = 0; j < out->hit_count && !again; j++)
            again = str_eq_nocase(out->hits[j].title, h->title) || str_eq(out->hits[j].answer, h->answer);
        if (!again)
            out->hits[out->hit_count++] = *h;
    }
}

// Whether the best one is clearly ahead of the next of its kind: the odds of the two scores differ by half. Otherwise the visitor chooses.
static bool stands_out(const struct thinking *t)
{
    int64_t best = t->seen[0].score, next = 0;
    for (size_t i = 1; i < t->seen_count && !next; i++)
        if (t->seen[i].kind == t->seen[0].kind) // an article on the same matter is no rival of its FAQ
            next = t->seen[i].score;
    return best >= CERTAIN || 2 * best * (1000 - next) >= 3 * next * (1000 - best);
}

static void decide(struct thinking *t)
{
    struct ctx *c = t->c;
    struct bot_decision *out = t->out;
    struct text text = text_normalise(c->arena, str_clip(t->turn->text, KNOWLEDGE_MOST_QUESTION));
    out->lang = text.han ? LANG_ZH : text.lang == TEXT_EN ? LANG_EN : c->lang;
    t->query.text = text;
    if (t->turn->option && knowledge_entry(c, 'f', t->turn->option, &out->hits[0])) {
        out->hit_count = 1;
        out->lang = (enum lang)out->hits[0].language;
        out->text = out->hits[0].answer;
        say(t, BOT_ANSWER, "chosen", NULL);
        return;
    }
    if (phrase_asks_for_person(c->arena, text.plain)) {
        hand_off(t, "asked_for_person", "bot.handoff", "bot.handoff_offline");
        return;
    }
    struct str question;
    if (small_talk(t, phrase_of(c->arena, text.plain, &question)))
        return;
    if (!text.han && !text.words && !text.digits) { // emoji, punctuation, nothing
        say(t, BOT_SMALLTALK, "nothing_asked", "bot.nothing_asked");
        return;
    }
    look(t, question);
    bool good = t->seen_count && t->seen[0].score >= bot_answer_threshold(c);
    if (good && stands_out(t)) {
        out->hits[0] = t->seen[0];
        out->hit_count = 1;
        out->text = t->seen[0].answer;
        say(t, BOT_ANSWER, "above_threshold", NULL);
        return;
    }
    choose_options(t);
    // One miss may be a matter of wording; after a second one, or a third list of guesses, a person is quicker.
    if (t->turn->misses >= (out->hit_count ? 2 : 1))
        hand_off(t, "two_misses", "bot.give_up", "bot.give_up_offline");
    else if (out->hit_count)
        say(t, BOT_SUGGEST, good ? "several_fit" : "between_thresholds", "bot.suggest");
    else
        say(t, BOT_SUGGEST, "not_found", t->turn->person_online ? "bot.not_found" : "bot.not_found_offline");
}

static struct str write_trace(struct thinking *t, usec spent)
{
    struct ctx *c = t->c;
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_z(&o, "verdict", bot_verdict_name(t->out->verdict));
    json_put_z(&o, "reason", t->out->reason);
    json_put_str(&o, "normalised", t->query.text.plain);
    json_open(&o, "tokens", '[');
    for (size_t i = 0; i < t->query.term_count && i < 100; i++) {
        json_open(&o, NULL, '{');
        json_put_str(&o, "text", t->query.terms[i].text);
        json_put_int(&o, "weight", t->query.terms[i].weight);
        json_put_bool(&o, "known", t->query.terms[i].known);
        json_close(&o, '}');
    }
    json_close(&o, ']');
    json_open(&o, "candidates", '[');
    for (size_t i = 0; i < t->seen_count && i < 5; i++) {
        const struct knowledge_hit *h = &t->seen[i];
        char id[ID_TEXT];
        json_open(&o, NULL, '{');
        json_put_z(&o, "kind", h->kind == 'f' ? "faq" : "article");
        json_put_str(&o, "id", id_text(h->kind == 'f' ? "kf" : "ka", h->id, id));
        json_put_str(&o, "title", h->title);
        json_put_str(&o, "matched", str_clip(h->matched, 200));
        json_put_int(&o, "score", h->score);
        json_put_int(&o, "bm25", h->bm25);
        json_close(&o, '}');
    }
    json_close(&o, ']');
    json_put_int(&o, "answer_threshold", bot_answer_threshold(c));
    json_put_int(&o, "suggest_threshold", bot_suggest_threshold(c));
    json_put_int(&o, "microseconds", spent);
    json_close(&o, '}');
    return buf_str(&o.buf);
}

void bot_decide(struct ctx *c, const struct bot_turn *turn, struct bot_decision *out)
{
    usec from = time_monotonic();
    *out = (struct bot_decision){.lang = c->lang, .reason = "", .text = STR("")};
    struct thinking t = {.c = c, .turn = turn, .out = out};
    decide(&t);
    out->trace = write_trace(&t, time_monotonic() - from);
}
