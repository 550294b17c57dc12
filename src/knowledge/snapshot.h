// Inside the room: what a snapshot holds, and how one is taken and given back. All of it is immutable and in one arena; a snapshot that is held stays
// whole however many are published meanwhile. Taking and giving back are one atomic addition each (knowledge.c tells how).
#pragma once
#include "knowledge/knowledge.h"
#include "schema/schema.h"

struct entry {
    char kind; // 'f', 'a'
    int64_t id;
    int language;
    struct str title;
    struct str answer;          // FAQ: answer; article: the whole body
    struct str category, slug;  // slug: articles only
    struct str_pair {
        struct str plain, source; // of wordings both are the wording; of passages the source is Markdown
    } *texts;                   // by the index's text numbers; texts[0] is the title
    uint32_t text_count;
    int64_t updated_at;
};
struct snapshot {
    struct arena *arena;
    struct index *index;
    struct entry *entries; // by kind, then id; the index's entry numbers
    uint32_t count;
    uint32_t texts;
    int64_t change; // every change up to this number is in
    int slot;       // knowledge.c's
};
const struct snapshot *snapshot_take(struct knowledge *k);
void snapshot_give(struct knowledge *k, const struct snapshot *s);
const struct entry *snapshot_entry(const struct snapshot *s, char kind, int64_t id);        // NULL: none
const struct entry *snapshot_article(const struct snapshot *s, struct str slug, int language); // NULL: none

// load.c: the next snapshot from the store and the one before (NULL: none). *next is NULL when nothing changed. False with the error.
bool snapshot_build(struct ctx *c, const struct snapshot *before, struct snapshot **next);
void snapshot_free(struct snapshot *s);
// The number of the next change; inside store_write. Changes get it in the order of their commits: whoever has it holds the row's lock.
bool knowledge_next_change(struct ctx *c, int64_t *change);
bool knowledge_change_now(struct ctx *c, int64_t *change);
bool knowledge_forget(struct ctx *c, char kind, int64_t id, int64_t change); // inside store_write: an entry was deleted

struct str lines_join(struct arena *a, const struct str *lines, size_t count);
void lines_split(struct arena *a, struct str text, struct str **lines, size_t *count);

// faq.c, for articles as well.
bool knowledge_same_texts(const struct str_list *a, const struct str_list *b); // the same, in the same order
bool knowledge_check_common(struct ctx *c, struct str *category, struct str_list *tags);
bool knowledge_clean(struct ctx *c, const char *field, struct str *v, bool multiline, bool required, int most);
void knowledge_changed(struct ctx *c); // publishes what is stored; a failure is logged, the watcher repairs it
