#include "bot/bot.h"
#include "schema/id.h"
#include "schema/perm.h"
#include "schema/schema.h"

struct ask_in {
    struct str text;
};
struct source_view {
    int kind;
    struct str id, title, url;
};
struct option_view {
    struct str id, text;
};
struct ask_out {
    int verdict, language;
    struct str reason, text, trace;
    struct list sources, options;
};
static const char *const verdicts[] = {"answer", "suggest", "handoff", "smalltalk", NULL}, *const languages[] = {"zh", "en", NULL},
                  *const kinds[] = {"faq", "article", NULL};
static const struct field in_fields[] = {
    FIELD(_, ask_in, text, F_TEXT, .max = KNOWLEDGE_MOST_QUESTION, .flags = FIELD_REQUIRED | FIELD_MULTILINE),
};
static SCHEMA(in_schema, "Ask", struct ask_in, in_fields, "A question to the bot");
static const struct field source_fields[] = {
    FIELD(_, source_view, kind, F_ENUM, .choices = kinds, .flags = FIELD_REQUIRED),
    FIELD(_, source_view, id, F_TEXT, .flags = FIELD_REQUIRED),
    FIELD(_, source_view, title, F_TEXT, .flags = FIELD_REQUIRED),
    FIELD(_, source_view, url, F_TEXT, .flags = FIELD_REQUIRED, .doc = "Its page in the help centre"),
};
static SCHEMA(source_schema, "AnswerSource", struct source_view, source_fields, "The entry that an answer comes from");
static const struct field option_fields[] = {
    FIELD(_, option_view, id, F_TEXT, .flags = FIELD_REQUIRED),
    FIELD(_, option_view, text, F_TEXT, .flags = FIELD_REQUIRED),
};
static SCHEMA(option_schema, "AnswerOption", struct option_view, option_fields, "A question that the visitor may have meant");
static const struct field out_fields[] = {
    FIELD(_, ask_out, verdict, F_ENUM, .choices = verdicts, .flags = FIELD_REQUIRED),
    FIELD(_, ask_out, reason, F_TEXT, .flags = FIELD_REQUIRED, .doc = "Stable code"),
    FIELD(_, ask_out, language, F_ENUM, .choices = languages, .flags = FIELD_REQUIRED),
    FIELD(_, ask_out, text, F_TEXT, .flags = FIELD_REQUIRED, .doc = "Markdown"),
    FIELD(_, ask_out, sources, F_LIST, .sub = &source_schema, .flags = FIELD_REQUIRED),
    FIELD(_, ask_out, options, F_LIST, .sub = &option_schema, .flags = FIELD_REQUIRED),
    FIELD(_, ask_out, trace, F_JSON, .flags = FIELD_REQUIRED, .doc = "How the bot came to it"),
};
static SCHEMA(out_schema, "AskAnswer", struct ask_out, out_fields, "What the bot would say; nothing is stored");

static bool ask_api(struct request *rq, struct response *rs)
{
    struct ctx *c = rq->ctx;
    const struct ask_in *in = rq->in;
    struct bot_turn turn = {.text = in->text, .person_online = true};
    struct bot_decision d;
    bot_decide(c, &turn, &d);
    struct source_view *sources = ARENA_ARRAY(c->arena, struct source_view, d.hit_count + 1);
    struct option_view *options = ARENA_ARRAY(c->arena, struct option_view, d.hit_count + 1);
    struct ask_out out = {(int)d.verdict, (int)d.lang, str_of(d.reason), d.text, d.trace, {sources, 0}, {options, 0}};
    for (size_t i = 0; i < d.hit_count; i++) {
        const struct knowledge_hit *h = &d.hits[i];
        struct str id = id_str(c->arena, h->kind == 'f' ? "kf" : "ka", h->id);
        if (d.verdict == BOT_ANSWER)
            sources[out.sources.count++] = (struct source_view){h->kind == 'a', id, h->title, knowledge_url(c->arena, h)};
        else
            options[out.options.count++] = (struct option_view){id, h->title};
    }
    reply(rq, rs, &out_schema, &out);
    return true;
}

const struct route bot_routes[] = {
    {POST, "/api/v1/knowledge/ask", PERM_KNOWLEDGE_READ, &in_schema, &out_schema, ask_api, ROUTE_NO_AUDIT,
     "What the bot would answer, with its trace"},
    {0},
};
