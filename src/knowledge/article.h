// An article of the help centre: Markdown with a title and a slug; the same slug in the other language is the same article. Only published ones
// are found and shown.
#pragma once
#include "knowledge/faq.h"

enum { ARTICLE_MOST_TITLE = 200, ARTICLE_MOST_BODY = 100000, ARTICLE_MOST_SLUG = 80 };
struct article {
    int64_t id;
    struct str slug; // a-z 0-9 and hyphens
    int language;    // enum lang
    struct str title, body, category;
    struct str_list tags;
    bool published;
    struct knowledge_editor *updated_by;
    int64_t created_at, updated_at, version;
};
bool article_create(struct ctx *c, struct article *article); // an empty slug is made from the title
bool article_change(struct ctx *c, struct article *article, uint64_t set, int64_t expected_version);
bool article_delete(struct ctx *c, int64_t id, int64_t expected_version);
bool article_get(struct ctx *c, int64_t id, struct article *out);
bool article_list(struct ctx *c, const struct list_query *q, struct article **articles, size_t *count);
bool article_put(struct ctx *c, struct article *article, enum knowledge_put *how); // as faq_put; the same slug and language is the same article
bool article_check(struct ctx *c, struct article *article);                       // as faq_check
bool article_slug_valid(struct str slug);
extern const struct schema article_schema;
extern const struct route article_routes[];
