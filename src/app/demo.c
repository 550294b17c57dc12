// Loads the demo company: company and owner, inboxes and wrap-up codes, and then, in one transaction, staff, knowledge, customers and the
// conversations of the last thirty days, which end near now.
#include "app/demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "app/command.h"
#include "crm/contact.h"
#include "desk/desk.h"
#include "desk/inbox.h"
#include "desk/past.h"
#include "desk/wrap_up.h"
#include "identity/audit.h"
#include "identity/company.h"
#include "identity/password.h"
#include "knowledge/article.h"
#include "knowledge/faq.h"
#include "schema/text.h"

enum { MOST_FAQS = 1024, MOST_CONTACTS = 1024 };
struct demo {
    struct app *app;
    const char *bytes; // all files, unpacked
    struct json *company, *staff, *categories;
    struct str hashed; // the one password of all
    struct test_clock past; // what the clock shows while customers are written
    usec now;
    struct named {
        struct str name;
        int64_t id;
        struct str title, answer; // of FAQs
    } * users, *faqs, *inboxes;
    size_t user_count, faq_count, inbox_count;
    int64_t *contacts;
    size_t contact_count, article_count, conversation_count;
};

static struct str file_named(const struct demo *d, const char *name)
{
    const char *at = d->bytes;
    for (const struct demo_file *f = demo_files; f->name; at += f->size, f++)
        if (strcmp(f->name, name) == 0)
            return (struct str){at, f->size};
    return STR("");
}

static bool wrong(struct ctx *c, const char *name, int64_t line)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)line);
    return fail(c, ERR_INTERNAL, "demo.file", name, number, NULL);
}

static struct json *whole(struct demo *d, const char *name)
{
    struct json *j = json_read(&d->app->ctx, file_named(d, name), (struct json_limits){0});
    if (!j)
        wrong(&d->app->ctx, name, 1);
    return j;
}

// A member as a text, a text in one of two languages, and a list of texts.
static struct str text_of(struct ctx *c, const struct json *j, const char *name)
{
    return str_dup(c->arena, json_text(json_get(j, name)));
}

static struct str both_of(struct ctx *c, const struct json *j, const char *name, enum lang lang)
{
    return text_of(c, json_get(j, name), lang_tag(lang));
}

static struct str_list texts_of(struct ctx *c, const struct json *j, const char *name)
{
    const struct json *from = json_get(j, name);
    struct str_list list = {ARENA_ARRAY(c->arena, struct str, json_count(from) + 1), json_count(from)};
    for (size_t i = 0; i < list.count; i++)
        list.at[i] = str_dup(c->arena, json_text(json_at(from, i)));
    return list;
}

static const struct named *find(const struct named *rows, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(rows[i].name, name))
            return &rows[i];
    return NULL;
}

static int language_of(struct str tag) // "zh", "zh-CN", "en", "en-US"
{
    return str_starts(tag, STR("en")) ? LANG_EN : LANG_ZH;
}

// The name that readers see for a category's slug.
static struct str category_name(struct demo *d, struct str slug, enum lang lang)
{
    for (size_t i = 0; i < json_count(d->categories); i++)
        if (str_eq(json_text(json_get(json_at(d->categories, i), "slug")), slug))
            return both_of(&d->app->ctx, json_at(d->categories, i), "name", lang);
    return slug;
}

static bool unpack(struct demo *d)
{
    unsigned char *out = arena_alloc(d->app->arena, demo_size + 1);
    uLongf size = demo_size;
    ASSERT(uncompress(out, &size, demo_packed, demo_packed_size) == Z_OK && size == demo_size, "what the build packed unpacks");
    d->bytes = (const char *)out;
    return (d->company = whole(d, "company.json")) && (d->staff = whole(d, "staff.json")) &&
           (d->categories = whole(d, "categories.json"));
}

static bool set_up(struct demo *d)
{
    struct ctx *c = &d->app->ctx;
    const struct json *owner = json_at(d->staff, 0);
    struct setup setup = {
        .company = str_printf(c->arena, STR_FMT " " STR_FMT, STR_ARG(both_of(c, d->company, "name", LANG_ZH)),
                              STR_ARG(both_of(c, d->company, "name", LANG_EN))),
        .name = text_of(c, owner, "name"),
        .email = text_of(c, owner, "email"),
        .password = STR(DEMO_PASSWORD),
        .timezone = text_of(c, d->company, "timezone"),
        .locale = language_of(json_text(json_get(owner, "locale"))),
    };
    d->users = ARENA_ARRAY(c->arena, struct named, json_count(d->staff));
    d->users[d->user_count++].name = setup.email;
    return company_setup(c, &setup, &d->users[0].id) && password_hash(c, STR(DEMO_PASSWORD), &d->hashed);
}

static bool make_inboxes(struct demo *d)
{
    struct ctx *c = &d->app->ctx;
    const struct json *rows = json_get(d->company, "inboxes");
    d->inboxes = ARENA_ARRAY(c->arena, struct named, json_count(rows));
    for (size_t i = 0; i < json_count(rows); i++) {
        const struct json *row = json_at(rows, i);
        struct greeting greeting = {both_of(c, row, "greeting", LANG_ZH), both_of(c, row, "greeting", LANG_EN)};
        struct inbox inbox = {.greeting = &greeting, .color = text_of(c, row, "color"), .bot = true, .enabled = true};
        struct named *n = &d->inboxes[d->inbox_count++];
        n->name = text_of(c, row, "slug");
        inbox.name = str_printf(c->arena, STR_FMT " " STR_FMT, STR_ARG(both_of(c, row, "name", LANG_ZH)),
                                STR_ARG(both_of(c, row, "name", LANG_EN)));
        inbox.key = str_printf(c->arena, DEMO_INBOX_KEY STR_FMT, STR_ARG(n->name));
        if (!inbox_create(c, &inbox))
            return false;
        n->id = inbox.id;
    }
    return true;
}

static bool make_wrap_ups(struct demo *d)
{
    struct ctx *c = &d->app->ctx;
    const struct json *rows = json_get(d->company, "wrap_up_codes");
    for (size_t i = 0; i < json_count(rows); i++) {
        const struct json *row = json_at(rows, i);
        struct wrap_up_name name = {both_of(c, row, "name", LANG_ZH), both_of(c, row, "name", LANG_EN)};
        struct wrap_up_code code = {.code = text_of(c, row, "code"), .name = &name, .enabled = true, .position = (int64_t)i};
        if (!wrap_up_create(c, &code))
            return false;
    }
    return true;
}

// All below runs inside one store_write.

static bool put_staff(struct demo *d, struct ctx *c)
{
    for (size_t i = 1; i < json_count(d->staff); i++) {
        const struct json *row = json_at(d->staff, i);
        int lang = language_of(json_text(json_get(row, "locale")));
        struct user user = {
            .name = text_of(c, row, lang == LANG_EN ? "name_en" : "name"),
            .email = text_of(c, row, "email"),
            .locale = lang,
            .capacity = json_int(json_get(row, "capacity")),
            .role_keys = texts_of(c, row, "roles"),
        };
        if (!user_insert(c, &user, d->hashed))
            return false;
        d->users[d->user_count++] = (struct named){.name = user.email, .id = user.id};
    }
    return true;
}

// Calls one(row) for each line of a .jsonl file.
static bool each_line(struct demo *d, struct ctx *c, const char *name, bool (*one)(struct demo *d, struct ctx *c, const struct json *row))
{
    struct str rest = file_named(d, name), line;
    for (int64_t n = 1; str_split(&rest, '\n', &line); n++) {
        if (!line.len)
            continue;
        struct json *row = json_read(c, line, (struct json_limits){0});
        if (!row)
            return wrong(c, name, n);
        bool good = one(d, c, row);
        json_free(row);
        if (!good)
            return c->err->code != ERR_NONE ? false : wrong(c, name, n);
    }
    return true;
}

static bool put_faq(struct demo *d, struct ctx *c, const struct json *row)
{
    int lang = language_of(json_text(json_get(row, "language")));
    struct faq faq = {
        .language = lang,
        .external_id = text_of(c, row, "id"),
        .question = text_of(c, row, "question"),
        .similar = texts_of(c, row, "similar"),
        .answer = text_of(c, row, "answer"),
        .category = category_name(d, json_text(json_get(row, "category")), (enum lang)lang),
        .tags = texts_of(c, row, "tags"),
        .enabled = true,
    };
    enum knowledge_put how;
    if (!faq_put(c, &faq, &how))
        return false;
    if (d->faq_count == MOST_FAQS)
        return false;
    d->faqs[d->faq_count++] = (struct named){faq.external_id, faq.id, faq.question, faq.answer};
    return true;
}

// An article: "---", lines "key: value", "---", the body.
static bool put_article(struct demo *d, struct ctx *c, const char *name, struct str text)
{
    struct article article = {.published = true};
    struct str rest = text, line, category = STR(""), tags = STR("");
    str_split(&rest, '\n', &line);
    while (str_split(&rest, '\n', &line) && !str_is(line, "---")) {
        struct str value = line, key;
        str_split(&value, ':', &key);
        value = str_trim(value);
        if (str_is(key, "title"))
            article.title = value;
        else if (str_is(key, "slug"))
            article.slug = value;
        else if (str_is(key, "category"))
            category = value;
        else if (str_is(key, "tags"))
            tags = value;
        else if (str_is(key, "language"))
            article.language = language_of(value);
    }
    article.body = str_trim(rest);
    article.category = category_name(d, category, (enum lang)article.language);
    article.tags.at = ARENA_ARRAY(c->arena, struct str, KNOWLEDGE_MOST_TAGS);
    while (article.tags.count < KNOWLEDGE_MOST_TAGS && str_split(&tags, ',', &line))
        article.tags.at[article.tags.count++] = str_trim(line);
    if (!article.title.len || !article_slug_valid(article.slug) || !article.body.len)
        return wrong(c, name, 1);
    enum knowledge_put how;
    d->article_count++;
    return article_put(c, &article, &how);
}

static bool put_articles(struct demo *d, struct ctx *c)
{
    const char *at = d->bytes;
    for (const struct demo_file *f = demo_files; f->name; at += f->size, f++)
        if (str_starts(str_of(f->name), STR("articles/")) && !put_article(d, c, f->name, (struct str){at, f->size}))
            return false;
    return true;
}

static bool put_contact(struct demo *d, struct ctx *c, const struct json *row)
{
    int lang = language_of(json_text(json_get(row, "locale")));
    struct contact contact = {
        .name = text_of(c, row, "name"),
        .email = text_of(c, row, "email"),
        .language = lang == LANG_EN ? CONTACT_EN : CONTACT_ZH,
    };
    struct str parts[8], account = text_of(c, row, "customer_id");
    size_t count = 0;
    parts[count++] = text_of(c, row, "city");
    struct str_list tags = texts_of(c, row, "tags");
    for (size_t i = 0; i < tags.count && count < 6; i++)
        parts[count++] = tags.at[i];
    contact.note = str_join(c->arena, parts, count, STR(" · "));
    if (json_get(row, "note"))
        contact.note = str_printf(c->arena, STR_FMT "\n" STR_FMT, STR_ARG(contact.note), STR_ARG(json_text(json_get(row, "note"))));
    if (!text_phone(c->arena, text_of(c, row, "phone"), &contact.phone))
        return false;
    // Customers came one after the other over the last months.
    d->past.at = d->now - 30 * DAY - (usec)(d->contact_count * 53 % 97) * DAY - (usec)(d->contact_count * 7919 % 1440) * MINUTE;
    if (account.len) {
        const struct contact_account proven = {account, contact.name, contact.email, contact.phone, contact.language};
        int64_t merged;
        bool taken;
        const uint64_t note = 1ULL << schema_field(&contact_schema, "note");
        if (!contact_identify_in(c, d->inboxes[0].id, &proven, &contact.id, &merged, &taken) ||
            !contact_change_in(c, contact.id, &contact, note, 0))
            return false;
    } else if (!contact_create_in(c, &contact)) {
        return false;
    }
    if (d->contact_count == MOST_CONTACTS)
        return false;
    d->contacts[d->contact_count++] = contact.id;
    return true;
}

static bool message_of(struct demo *d, struct ctx *c, const struct json *row, int64_t agent, int64_t contact, struct past_message *m)
{
    struct str by = json_text(json_get(row, "by"));
    m->text = text_of(c, row, "text");
    m->kind = MESSAGE_TEXT;
    if (str_is(by, "visitor")) {
        m->author = AUTHOR_VISITOR;
        m->author_id = contact;
    } else if (str_is(by, "bot")) {
        m->author = AUTHOR_BOT;
        struct str name = text_of(c, row, "faq");
        if (!name.len)
            return true;
        const struct named *faq = find(d->faqs, d->faq_count, name);
        if (!faq)
            return false;
        m->faq = faq->id;
        m->faq_title = faq->title;
        if (!m->text.len)
            m->text = faq->answer;
    } else if (str_is(by, "handoff")) {
        m->author = AUTHOR_SYSTEM;
        m->handoff = 1 + (str_is(json_text(json_get(row, "reason")), "asked") ? HANDOFF_ASKED : HANDOFF_BOT_GAVE_UP);
    } else {
        m->author = AUTHOR_AGENT;
        m->author_id = agent;
        if (str_is(by, "note"))
            m->kind = MESSAGE_NOTE;
    }
    return true;
}

static bool put_conversation(struct demo *d, struct ctx *c, const struct json *row)
{
    struct past_conversation p = {.language = text_of(c, row, "language"), .wrap_up_code = text_of(c, row, "wrap_up")};
    const struct json *messages = json_get(row, "messages"), *rating = json_get(row, "rating");
    const int64_t number = json_int(json_get(row, "contact"));
    const struct named *inbox = find(d->inboxes, d->inbox_count, json_text(json_get(row, "inbox")));
    struct str agent = text_of(c, row, "agent");
    const struct named *user = agent.len ? find(d->users, d->user_count, agent) : NULL;
    if (!inbox || number < 0 || number >= (int64_t)d->contact_count || (agent.len && !user))
        return false;
    p.inbox = inbox->id;
    p.contact = d->contacts[number];
    p.assignee = user ? user->id : 0;
    p.created_at = d->now - json_int(json_get(row, "minutes_ago")) * MINUTE;
    p.state = CONV_STATES;
    for (int s = 0; s < CONV_STATES; s++)
        if (str_is(json_text(json_get(row, "state")), conversation_states[s]))
            p.state = s;
    if (rating)
        p.rating = (struct rating){json_int(json_get(rating, "score")), text_of(c, rating, "comment")};
    p.count = json_count(messages);
    struct past_message *said = ARENA_ARRAY(c->arena, struct past_message, p.count + 1);
    p.messages = said;
    usec at = p.created_at;
    for (size_t i = 0; i < p.count; i++) {
        const struct json *m = json_at(messages, i);
        at += json_int(json_get(m, "after_s")) * SECOND + (usec)((i * 271 + d->conversation_count * 37) % 1000) * MILLISECOND;
        said[i].at = at;
        if (!message_of(d, c, m, p.assignee, p.contact, &said[i]))
            return false;
    }
    d->past.at = at;
    d->conversation_count++;
    return p.state != CONV_STATES && past_put(c, &p) && contact_seen_in(c, p.contact, at);
}

static bool put_all(struct ctx *c, void *arg)
{
    struct demo *d = arg;
    struct clock *clock = c->clock;
    void *label = (void *)(uintptr_t)command_text(d->app, "progress.demo", "", "", "");
    // From the start, since a transaction may run twice.
    d->user_count = 1;
    d->faq_count = d->contact_count = d->article_count = d->conversation_count = 0;
    d->faqs = ARENA_ARRAY(c->arena, struct named, MOST_FAQS);
    d->contacts = ARENA_ARRAY(c->arena, int64_t, MOST_CONTACTS);
    error_clear(c->err);
    bool good = put_staff(d, c) && each_line(d, c, "faqs.jsonl", put_faq) && put_articles(d, c);
    progress(label, 30, 100);
    d->past = test_clock_at(d->now);
    c->clock = &d->past.clock;
    good = good && each_line(d, c, "contacts.jsonl", put_contact);
    progress(label, 40, 100);
    good = good && each_line(d, c, "conversations.jsonl", put_conversation);
    c->clock = clock;
    progress(label, 100, 100);
    return good && audit_add(c, "demo.load", STR(""), STR("{}"));
}

static bool load(struct demo *d)
{
    struct ctx *c = &d->app->ctx;
    bool exists;
    if (!company_exists(c, &exists))
        return false;
    if (exists || knowledge_stats(c).entries > 0)
        return fail(c, ERR_CONFLICT, "demo.not_empty", NULL);
    d->now = clock_now(c->clock);
    if (!unpack(d) || !set_up(d) || !make_inboxes(d) || !make_wrap_ups(d) || !(c->desk = desk_open(c)))
        return false;
    bool good = store_write(c, put_all, d) && knowledge_publish(c);
    desk_close(c->desk);
    c->desk = NULL;
    return good;
}

int demo_load(struct app *app)
{
    struct demo d = {.app = app};
    bool good = load(&d);
    json_free(d.company);
    json_free(d.staff);
    json_free(d.categories);
    if (!good)
        return app_complain(app);
    command_done(app, "demo.loaded", arena_printf(app->arena, "%zu", d.faq_count + d.article_count),
                 arena_printf(app->arena, "%zu", d.conversation_count));
    return command_done(app, "serve.logins", DEMO_PASSWORD, DEMO_LOGINS);
}
