// The bot's turn: a durable job that a visitor's message put. It answers each message that the bot has not dealt with, in order. A turn that is run
// again answers nothing twice: the row remembers the last message dealt with, and the answer's cid comes from the question's seq.
#include "base/log.h"
#include "bot/bot.h"
#include "desk/live.h"
#include "schema/id.h"

enum { MOST_TURNS = 100 };

SQL(turn_question, "SELECT m.seq, m.text, m.choice FROM message m WHERE m.conversation = ?1 AND m.seq > ?2 AND m.author_kind = 0 AND "
                   "m.kind < 3 ORDER BY m.seq LIMIT 1");
SQL(turn_trace, "INSERT INTO bot_trace (conversation, seq, at, trace) VALUES (?1, ?2, ?3, ?4)");

struct turn {
    int64_t conversation, question; // seq
    struct str text;
    int64_t option;
    struct bot_decision decision;
    struct change change;
    bool done; // answered, or no longer the bot's
};

// Sources of an answer, options of a suggestion.
static struct str answer_data(struct ctx *c, const struct bot_decision *d)
{
    struct json_out o = json_begin(c->arena);
    bool suggests = d->verdict == BOT_SUGGEST;
    size_t count = suggests ? d->hit_count : d->verdict == BOT_ANSWER && d->hit_count ? 1 : 0;
    if (!count)
        return STR("");
    json_open(&o, suggests ? "options" : "sources", '[');
    for (size_t i = 0; i < count; i++) {
        const struct knowledge_hit *hit = &d->hits[i];
        char id[ID_TEXT];
        json_open(&o, NULL, '{');
        if (!suggests)
            json_put_z(&o, "kind", hit->kind == 'a' ? "article" : "faq");
        json_put_str(&o, "id", id_text(hit->kind == 'a' ? "ka" : "kf", hit->id, id));
        json_put_str(&o, suggests ? "text" : "title", hit->title);
        if (!suggests)
            json_put_str(&o, "url", knowledge_url(c->arena, hit));
        json_close(&o, '}');
    }
    json_close(&o, ']');
    return buf_str(&o.buf);
}

static bool answer(struct ctx *c, void *arg)
{
    struct turn *t = arg;
    const struct bot_decision *d = &t->decision;
    struct conv_row row = {0};
    change_begin(&t->change);
    t->done = false;
    if (!conv_lock(c, t->conversation, &row))
        return false;
    if (row.state != CONV_BOT || row.bot_seq >= t->question) { // a person was faster, or this turn ran already
        t->done = true;
        return fail(c, ERR_CONFLICT, "store.conflict", NULL);
    }
    usec at = clock_now(c->clock);
    row.bot_seq = t->question;
    row.misses = d->verdict == BOT_SUGGEST ? row.misses + 1 : 0;
    row.updated_at = at;
    bool spoke = d->text.len > 0;
    if (spoke) {
        struct line line = {.kind = MESSAGE_TEXT, .author = {AUTHOR_BOT, 0, bot_name(c, row.language)}, .text = d->text,
                            .cid = str_printf(c->arena, "bot:%lld", (long long)t->question), .data = answer_data(c, d),
                            .trace = d->trace.len > 0, .at = at};
        if (!message_insert(c, &t->change, t->conversation, row.last_seq, &line, NULL))
            return false;
        if (d->trace.len && !db_exec(c, &turn_trace, "iiis", t->conversation, row.last_seq, at, d->trace))
            return false;
    }
    if (d->verdict != BOT_HANDOFF) {
        ASSERT(spoke, "the bot decides without a word");
        return conv_save(c, &row);
    }
    int64_t bot_seq = row.bot_seq;
    if (spoke && !conv_lock(c, t->conversation, &row))
        return false;
    row.bot_seq = bot_seq;
    struct act act = {.act = ACT_HANDOFF, .author = {AUTHOR_BOT, 0, bot_name(c, row.language)}, .at = at,
                      .reason = d->reason && !strcmp(d->reason, "two_misses") ? HANDOFF_BOT_GAVE_UP : HANDOFF_ASKED};
    return act_apply(c, &t->change, &row, &act);
}

void typing_bot(struct ctx *c, int64_t conversation, int64_t language, bool on)
{
    if (!c->hub)
        return;
    char id[ID_TEXT];
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_z(&o, "t", "typing");
    json_put_str(&o, "conv", id_text("cv", conversation, id));
    json_open(&o, "by", '{');
    json_put_z(&o, "kind", "bot");
    json_put_str(&o, "name", bot_name(c, language));
    json_close(&o, '}');
    json_put_bool(&o, "on", on);
    json_close(&o, '}');
    desk_publish_visitor(c, conversation, buf_str(&o.buf), 0);
    desk_publish_staff(c, conversation, buf_str(&o.buf), 0);
}

static bool next_question(struct ctx *c, const struct conv_row *row, struct turn *t, bool *found)
{
    struct rows r;
    *t = (struct turn){.conversation = row->id};
    db_query(c, &r, &turn_question, "ii", row->id, row->bot_seq);
    if ((*found = rows_next(&r))) {
        t->question = rows_int(&r, 0);
        t->text = rows_str(&r, 1);
        t->option = rows_int(&r, 2);
    }
    return rows_done(&r);
}

// True: nothing is left to answer now.
static bool one_turn(struct ctx *c, int64_t id, bool *more)
{
    struct conv_row row = {0};
    struct turn t;
    bool found;
    *more = false;
    if (!conv_read(c, id, &row, &found))
        return false;
    if (!found || row.state != CONV_BOT)
        return true;
    if (!next_question(c, &row, &t, &found) || !found)
        return c->err->code == ERR_NONE;
    typing_bot(c, id, row.language, true);
    struct bot_turn turn = {.text = t.text, .option = t.option, .misses = (int)row.misses, .person_online = presence_online(c) > 0};
    bot_decide(c, &turn, &t.decision);
    if (!store_write(c, answer, &t)) {
        typing_bot(c, id, row.language, false);
        if (!t.done)
            return false;
        error_clear(c->err);
    }
    *more = true;
    change_publish(c, &t.change);
    return true;
}

static bool turn_job_run(struct ctx *c, const struct job *job)
{
    int64_t id;
    if (!str_int(job->key, &id))
        return true;
    bool more = true;
    for (int i = 0; more && i < MOST_TURNS; i++)
        if (!one_turn(c, id, &more))
            return false;
    return !more || fail(c, ERR_UNAVAILABLE, "internal", NULL); // goes on with the next attempt
}
const struct job_kind turn_job = {"bot_turn", turn_job_run, 8, true};
const struct job_kind desk_jobs[] = {{"bot_turn", turn_job_run, 8, true}, {"attachment_orphans", attachment_orphans_run, 10, false}};
const size_t desk_job_count = sizeof desk_jobs / sizeof desk_jobs[0];
