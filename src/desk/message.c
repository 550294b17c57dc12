// Messages: how they are stored, listed and written for each kind of reader.
#include "desk/message.h"

#include "crm/contact.h"
#include "desk/live.h"
#include "schema/id.h"
#include "schema/perm.h"

const char *const message_kinds[] = {"text", "image", "file", "activity", "note", NULL};
const char *const author_kinds[] = {"visitor", "agent", "bot", "system", NULL};

#define MESSAGE_COLUMNS "id, seq, cid, kind, author_kind, author, at, text, data, staff, trace"
SQL(message_put,
    "INSERT INTO message (conversation, seq, cid, kind, author_kind, author, at, text, data, staff, choice, trace) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (conversation, cid) DO NOTHING RETURNING id");
SQL(message_by_cid_of, "SELECT seq, id, at FROM message WHERE conversation = ?1 AND cid = ?2");
SQL(messages_after, "SELECT " MESSAGE_COLUMNS " FROM message WHERE conversation = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3");
SQL(messages_before, "SELECT " MESSAGE_COLUMNS " FROM message WHERE conversation = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3");
SQL(message_whose, "SELECT contact, language FROM conversation WHERE id = ?1");

bool message_of_cid(struct ctx *c, int64_t conversation, struct str cid, int64_t *seq, int64_t *event, int64_t *at)
{
    struct rows r;
    *seq = *event = *at = 0;
    db_query(c, &r, &message_by_cid_of, "is", conversation, cid);
    if (rows_next(&r)) {
        *seq = rows_int(&r, 0);
        *event = rows_int(&r, 1);
        *at = rows_int(&r, 2);
    }
    return rows_done(&r);
}

bool message_insert(struct ctx *c, struct change *ch, int64_t conversation, int64_t seq, const struct line *l, int64_t *event)
{
    int64_t id;
    bool fresh;
    if (!db_int(c, &id, &fresh, &message_put, "iiSiiiissSIt", conversation, seq, l->cid, (int64_t)l->kind, (int64_t)l->author.kind,
                l->author.id, l->at, l->text, l->data, l->staff, l->choice, (int)l->trace))
        return false;
    if (!fresh)
        return fail(c, ERR_CONFLICT, "store.conflict", NULL);
    if (event)
        *event = id;
    VEC_PUSH(c->arena, &ch->messages,
             (struct conv_message){.event = id, .conversation = conversation, .seq = seq, .at = l->at, .cid = l->cid, .kind = l->kind,
                                   .author = l->author.kind, .author_id = l->author.id, .author_name = l->author.name, .text = l->text,
                                   .data = l->data, .staff = l->staff, .trace = l->trace});
    return true;
}

struct str bot_name(struct ctx *c, int64_t language)
{
    return message_text(c->arena, (enum lang)language, "desk.bot", NULL, 0);
}

// Whose words they are. A visitor's are always the conversation's contact's, also after two contacts were merged.
static bool name_authors(struct ctx *c, int64_t conversation, struct conv_message *m, size_t count)
{
    if (!count)
        return true;
    struct rows r;
    int64_t contact = 0, language = 0;
    db_query(c, &r, &message_whose, "i", conversation);
    if (rows_next(&r)) {
        contact = rows_int(&r, 0);
        language = rows_int(&r, 1);
    }
    if (!rows_done(&r))
        return false;
    struct contact_brief brief = {.id = contact};
    if (contact && !contact_find(c, contact, &brief) && c->err->code)
        return false;
    struct desk_user user = {0};
    for (size_t i = 0; i < count; i++)
        switch (m[i].author) {
        case AUTHOR_VISITOR:
            m[i].author_id = brief.id;
            m[i].author_name = brief.name;
            break;
        case AUTHOR_AGENT:
            if (user.id == m[i].author_id || desk_user(c, m[i].author_id, &user))
                m[i].author_name = user.name;
            break;
        case AUTHOR_BOT: m[i].author_name = bot_name(c, language); break;
        default: break;
        }
    return true;
}

bool message_list(struct ctx *c, int64_t conversation, int64_t after, int64_t before, int limit, struct conv_message **messages,
                  size_t *count, bool *more)
{
    limit = limit < 1 ? 1 : limit > MESSAGE_MOST_PAGE ? MESSAGE_MOST_PAGE : limit;
    bool back = !after;
    struct conv_message *m = ARENA_ARRAY(c->arena, struct conv_message, limit);
    size_t n = 0;
    struct rows r;
    if (back)
        db_query(c, &r, &messages_before, "iii", conversation, before > 0 ? before : INT64_MAX, (int64_t)limit + 1);
    else
        db_query(c, &r, &messages_after, "iii", conversation, after < 0 ? 0 : after, (int64_t)limit + 1);
    *more = false;
    while (rows_next(&r)) {
        if (n == (size_t)limit) {
            *more = true;
            break;
        }
        m[n++] = (struct conv_message){.event = rows_int(&r, 0), .conversation = conversation, .seq = rows_int(&r, 1), .cid = rows_str(&r, 2),
                                       .kind = (int)rows_int(&r, 3), .author = (int)rows_int(&r, 4), .author_id = rows_int(&r, 5),
                                       .at = rows_int(&r, 6), .text = rows_str(&r, 7), .data = rows_str(&r, 8), .staff = rows_str(&r, 9),
                                       .trace = rows_int(&r, 10) != 0};
    }
    if (!rows_done(&r))
        return false;
    for (size_t i = 0; back && i < n / 2; i++) {
        struct conv_message swap = m[i];
        m[i] = m[n - 1 - i];
        m[n - 1 - i] = swap;
    }
    *messages = m;
    *count = n;
    return name_authors(c, conversation, m, n);
}

bool message_at(struct ctx *c, int64_t conversation, int64_t seq, struct conv_message *out, bool *found)
{
    struct conv_message *m;
    size_t count;
    bool more;
    *found = false;
    if (seq < 1)
        return true;
    if (!message_list(c, conversation, 0, seq + 1, 1, &m, &count, &more))
        return false;
    *found = count && m[0].seq == seq;
    if (*found)
        *out = m[0];
    return true;
}

enum view view_of(const struct actor *a)
{
    if (a->kind == ACTOR_VISITOR)
        return VIEW_VISITOR;
    return actor_may(a, PERM_CONTACT_UNMASK) ? VIEW_STAFF_FULL : VIEW_STAFF;
}

static void write_author(struct ctx *c, enum view view, const struct conv_message *m, struct json_out *o)
{
    char text[ID_TEXT];
    json_open(o, "author", '{');
    json_put_z(o, "kind", author_kinds[m->author]);
    if (m->author_id)
        json_put_str(o, "id", id_text(m->author == AUTHOR_VISITOR ? "ct" : "us", m->author_id, text));
    if (m->author_name.len)
        json_put_str(o, "name",
                     view == VIEW_STAFF && m->author == AUTHOR_VISITOR ? schema_mask(c, F_TEXT, m->author_name) : m->author_name);
    json_close(o, '}');
}

void message_write(struct ctx *c, enum view view, const struct conv_message *m, struct json_out *o, const char *name)
{
    char text[ID_TEXT];
    json_open(o, name, '{');
    json_put_str(o, "conv", id_text("cv", m->conversation, text));
    json_put_int(o, "seq", m->seq);
    json_put_int(o, "event", m->event);
    if (view == VIEW_VISITOR && m->kind == MESSAGE_NOTE) {
        json_put_z(o, "kind", "hidden");
        json_close(o, '}');
        return;
    }
    if (m->cid.len)
        json_put_str(o, "cid", m->cid);
    json_put_z(o, "kind", message_kinds[m->kind]);
    json_put_time(o, "at", m->at);
    write_author(c, view, m, o);
    if (m->text.len)
        json_put_str(o, "text", m->text);
    struct str data = view != VIEW_VISITOR && m->staff.len ? m->staff : m->data;
    if (data.len) { // whole members already
        buf_putc(&o->buf, ',');
        buf_str_add(&o->buf, data);
    }
    if (view != VIEW_VISITOR && m->trace)
        json_put_bool(o, "trace", true);
    json_close(o, '}');
}

struct str message_frame(struct ctx *c, enum view view, const struct conv_message *m)
{
    struct json_out o = json_begin(c->arena);
    json_open(&o, NULL, '{');
    json_put_z(&o, "t", "msg");
    message_write(c, view, m, &o, "m");
    json_close(&o, '}');
    return buf_str(&o.buf);
}

// The shape for the document; the writing is above, by hand, since every frame goes through it.
struct author_shape {
    int kind;
    struct str id, name;
};
static const struct field author_fields[] = {
    FIELD(_, author_shape, kind, F_ENUM, .choices = author_kinds),
    FIELD(_, author_shape, id, F_TEXT, .flags = FIELD_SKIP_EMPTY),
    FIELD(_, author_shape, name, F_TEXT, .flags = FIELD_SKIP_EMPTY),
};
static SCHEMA(author_schema, "MessageAuthor", struct author_shape, author_fields, "Whose words.");
struct named_shape {
    struct str kind, id, title, url, text;
};
static const struct field source_fields[] = {
    FIELD(_, named_shape, kind, F_TEXT),
    FIELD(_, named_shape, id, F_TEXT),
    FIELD(_, named_shape, title, F_TEXT),
    FIELD(_, named_shape, url, F_TEXT),
};
static SCHEMA(source_schema, "MessageSource", struct named_shape, source_fields, "What an answer rests on.");
static const struct field option_fields[] = {FIELD(_, named_shape, id, F_TEXT), FIELD(_, named_shape, text, F_TEXT)};
static SCHEMA(option_schema, "MessageOption", struct named_shape, option_fields, "A suggestion.");
struct message_shape {
    int64_t conv, seq, event, at;
    struct str cid, text, activity;
    int kind;
    struct author_shape *author;
    struct list attachments, sources, options;
    struct str_list used;
    bool trace;
};
static const struct field message_fields[] = {
    FIELD(_, message_shape, conv, F_ID, .prefix = "cv"),
    FIELD(_, message_shape, seq, F_INT),
    FIELD(_, message_shape, event, F_INT),
    FIELD(_, message_shape, cid, F_TEXT, .flags = FIELD_SKIP_EMPTY),
    FIELD(_, message_shape, kind, F_ENUM, .choices = message_kinds),
    FIELD(_, message_shape, at, F_TIME),
    FIELD(_, message_shape, author, F_OBJECT, .sub = &author_schema),
    FIELD(_, message_shape, text, F_TEXT, .max = MESSAGE_MOST_TEXT, .flags = FIELD_SKIP_EMPTY | FIELD_MULTILINE),
    FIELD(_, message_shape, attachments, F_LIST, .sub = &attachment_schema, .flags = FIELD_SKIP_EMPTY),
    FIELD(_, message_shape, sources, F_LIST, .sub = &source_schema, .flags = FIELD_SKIP_EMPTY),
    FIELD(_, message_shape, options, F_LIST, .sub = &option_schema, .flags = FIELD_SKIP_EMPTY),
    FIELD(_, message_shape, activity, F_JSON, .flags = FIELD_SKIP_EMPTY, .doc = "name, and reason, to, to_name, score, wrap_up."),
    FIELD(_, message_shape, used, F_TEXTS, .flags = FIELD_SKIP_EMPTY, .doc = "FAQs that the agent used."),
    FIELD(_, message_shape, trace, F_BOOL, .flags = FIELD_SKIP_EMPTY, .doc = "The bot's decision is kept."),
};
SCHEMA(message_schema, "Message", struct message_shape, message_fields, "A line of a conversation.");
