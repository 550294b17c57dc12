// An FAQ: a standard question, similar questions (other wordings of it) and the answer in Markdown, in one language. A disabled FAQ is kept but
// neither found nor shown. Changes count `version`; whoever changes names the version that they saw.
#pragma once
#include "knowledge/knowledge.h"
#include "schema/schema.h"

enum {
    FAQ_MOST_SIMILAR = 1000,
    FAQ_MOST_QUESTION = 500, // characters, of similar questions too
    FAQ_MOST_ANSWER = 20000,
    KNOWLEDGE_MOST_CATEGORY = 60,
    KNOWLEDGE_MOST_TAGS = 20,
    KNOWLEDGE_MOST_TAG = 40,
};
struct knowledge_editor { // who changed it last
    int64_t id;           // 0: the system
    struct str name;
};
struct faq {
    int64_t id;
    int language; // enum lang
    struct str question;
    struct str_list similar;
    struct str answer, category;
    struct str_list tags;
    bool enabled;
    struct str external_id; // of an import; empty: none
    struct knowledge_editor *updated_by;
    int64_t created_at, updated_at, version;
};
// Each of the three changes is searchable when it returns. Similar questions that repeat another wording are dropped.
bool faq_create(struct ctx *c, struct faq *faq);                  // fills id, version, times
bool faq_change(struct ctx *c, struct faq *faq, uint64_t set, int64_t expected_version); // set: bits of faq_schema; fills the rest of *faq
bool faq_delete(struct ctx *c, int64_t id, int64_t expected_version); // expected 0: any
bool faq_get(struct ctx *c, int64_t id, struct faq *out);         // ERR_NOT_FOUND
bool faq_list(struct ctx *c, const struct list_query *q, struct faq **faqs, size_t *count);
// Inside store_write, for many at once (import, demo): the caller publishes afterwards. An FAQ with the same external id, or without one the same question
// in the same language, is updated. The fields must have passed faq_check.
enum knowledge_put { PUT_NEW, PUT_UPDATED, PUT_SAME };
bool faq_put(struct ctx *c, struct faq *faq, enum knowledge_put *how);
bool faq_check(struct ctx *c, struct faq *faq); // the limits of faq_schema, for rows that come another way; cleans the texts; field errors
extern const struct schema faq_schema;
extern const struct schema knowledge_editor_schema;
extern const struct route faq_routes[];
