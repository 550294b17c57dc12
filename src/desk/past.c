#include "desk/past.h"

#include "desk/live.h"
#include "knowledge/knowledge.h"
#include "schema/id.h"

SQL(past_insert,
    "INSERT INTO conversation (inbox, contact, state, assignee, last_seq, visitor_read, agent_read, unread, queue_first, queued_at, "
    "waiting_since, opened_at, resolved_at, language, page_url, page_title, misses, bot_seq, rating, rating_comment, rated_at, wrap_code, "
    "wrap_note, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, 0, 0, 0, 0, 1, ?5, ?6, ?7, ?8, ?9, '', '', 0, 0, ?10, ?11, ?12, ?13, ?14, ?15, "
    "?16) RETURNING id");
SQL(past_finish, "UPDATE conversation SET last_seq = ?2, visitor_read = ?3, agent_read = ?4, unread = ?5, bot_seq = ?6, waiting_since = ?7 "
                 "WHERE id = ?1");

struct telling {
    struct change unheard;
    int64_t id, seq;
};
static bool tell(struct ctx *c, struct telling *t, struct line line)
{
    return message_insert(c, &t->unheard, t->id, ++t->seq, &line, NULL);
}
static bool tell_activity(struct ctx *c, struct telling *t, struct author author, struct str members, usec at)
{
    return tell(c, t, (struct line){.kind = MESSAGE_ACTIVITY, .author = author, .at = at,
                                    .data = str_printf(c->arena, "\"activity\":{" STR_FMT "}", STR_ARG(members))});
}

static struct str source_json(struct ctx *c, const struct past_message *m, enum lang lang)
{
    if (!m->faq)
        return STR("");
    char id[ID_TEXT];
    struct knowledge_hit hit = {.kind = 'f', .id = m->faq, .language = lang, .title = m->faq_title};
    struct json_out o = json_begin(c->arena);
    json_open(&o, "sources", '[');
    json_open(&o, NULL, '{');
    json_put_z(&o, "kind", "faq");
    json_put_str(&o, "id", id_text("kf", m->faq, id));
    json_put_str(&o, "title", m->faq_title);
    json_put_str(&o, "url", knowledge_url(c->arena, &hit));
    json_close(&o, '}');
    json_close(&o, ']');
    return buf_str(&o.buf);
}

bool past_put(struct ctx *c, struct past_conversation *p)
{
    enum lang lang = str_is(p->language, "en") ? LANG_EN : LANG_ZH;
    const struct author system = {AUTHOR_SYSTEM, 0, STR("")};
    usec last = p->count ? p->messages[p->count - 1].at : p->created_at, queued = 0, opened = 0, waiting = 0;
    bool resolved = p->state == CONV_RESOLVED;
    for (size_t i = 0; i < p->count; i++) {
        if (p->messages[i].handoff && !queued)
            queued = p->messages[i].at;
        if (p->messages[i].author == AUTHOR_AGENT && !p->messages[i].handoff && !opened)
            opened = p->messages[i].at;
    }
    if (p->state != CONV_BOT && p->state != CONV_QUEUED && p->assignee && !opened)
        opened = queued ? queued : last;
    if (!db_int(c, &p->id, NULL, &past_insert, "iiiIIIIIiIsIssii", p->inbox, p->contact, (int64_t)p->state, p->assignee, queued, (int64_t)0,
                opened, resolved ? last : 0, (int64_t)lang, p->rating.score, p->rating.comment, p->rating.score ? last : 0, p->wrap_up_code,
                p->wrap_up_note, p->created_at, last))
        return false;
    struct telling t = {.id = p->id};
    char id[ID_TEXT];
    struct desk_user agent = {0};
    bool assigned = false;
    int64_t unread = 0, bot_seq = 0, agent_read = 0;
    if (p->assignee)
        desk_user(c, p->assignee, &agent);
    if (!tell_activity(c, &t, system, STR("\"name\":\"started\""), p->created_at))
        return false;
    for (size_t i = 0; i < p->count; i++) {
        const struct past_message *m = &p->messages[i];
        if (m->handoff) {
            struct author who = m->handoff - 1 == HANDOFF_ASKED ? (struct author){AUTHOR_VISITOR, p->contact, STR("")}
                                                                : (struct author){AUTHOR_BOT, 0, STR("")};
            if (!tell_activity(c, &t, who, m->handoff - 1 == HANDOFF_ASKED ? STR("\"name\":\"handoff\",\"reason\":\"asked\"")
                                                                           : STR("\"name\":\"handoff\",\"reason\":\"bot_gave_up\""), m->at))
                return false;
            continue;
        }
        if (m->author == AUTHOR_AGENT && !assigned && p->assignee) {
            struct json_out o = json_begin(c->arena);
            json_put_z(&o, "name", "assigned");
            json_put_str(&o, "to", id_text("us", p->assignee, id));
            if (agent.name.len)
                json_put_str(&o, "to_name", agent.name);
            if (!tell_activity(c, &t, system, buf_str(&o.buf), m->at))
                return false;
            assigned = true;
        }
        if (!tell(c, &t, (struct line){.kind = m->kind, .author = {m->author, m->author == AUTHOR_VISITOR ? p->contact : m->author_id, STR("")},
                                       .text = m->text, .data = source_json(c, m, lang), .at = m->at}))
            return false;
        if (m->author == AUTHOR_VISITOR) {
            unread++;
            bot_seq = t.seq;
            waiting = waiting ? waiting : m->at;
        } else if (m->author == AUTHOR_AGENT) {
            unread = 0;
            agent_read = t.seq;
            waiting = m->kind == MESSAGE_NOTE ? waiting : 0;
        }
    }
    if (resolved) {
        struct author who = p->assignee ? (struct author){AUTHOR_AGENT, p->assignee, agent.name} : system;
        struct json_out o = json_begin(c->arena);
        json_open(&o, "activity", '{');
        json_put_z(&o, "name", "resolved");
        json_open(&o, "wrap_up", '{');
        json_put_str(&o, "code", p->wrap_up_code);
        if (p->wrap_up_note.len)
            json_put_str(&o, "note", p->wrap_up_note);
        json_close(&o, '}');
        json_close(&o, '}');
        if (!tell(c, &t, (struct line){.kind = MESSAGE_ACTIVITY, .author = who, .at = last, .data = STR("\"activity\":{\"name\":\"resolved\"}"),
                                       .staff = p->wrap_up_code.len ? buf_str(&o.buf) : STR("")}))
            return false;
        unread = waiting = 0;
        agent_read = t.seq;
    }
    if (p->rating.score && !tell_activity(c, &t, (struct author){AUTHOR_VISITOR, p->contact, STR("")},
                                          str_printf(c->arena, "\"name\":\"rated\",\"score\":%lld", (long long)p->rating.score), last))
        return false;
    return db_exec(c, &past_finish, "iiiiiiI", p->id, t.seq, t.seq, agent_read, unread, bot_seq, waiting);
}
