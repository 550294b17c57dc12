// The knowledge base as the bot and the desk use it: FAQs (standard question, similar questions, answer) and articles (Markdown), searched
// through an immutable snapshot that is swapped on publish and reference-counted; readers never lock.
#pragma once
#include "base/ctx.h"
#include "net/http.h"
#include "text/index.h"

struct knowledge;
struct knowledge_hit {
    char kind;          // 'f' FAQ, 'a' article
    int64_t id;
    struct str title;   // standard question or title
    struct str matched; // the wording or passage that matched best
    struct str answer;  // Markdown: the FAQ's answer, or the article's best passage
    int language;       // enum lang
    int score;          // thousandths, 0…1000: calibrated, comparable between queries
    int bm25;           // thousandths of the raw score
    struct str slug;    // articles: of their page
};
struct knowledge *knowledge_open(struct ctx *c); // builds the first snapshot from the store; NULL with the error
void knowledge_close(struct knowledge *k);
// After entries changed (the change is committed): what was changed before the call is found by any search after it. Changes by other processes on
// the same store come by themselves within two seconds.
bool knowledge_publish(struct ctx *c);
// The best `most` entries for a question, best first, one an entry. Copies into c->arena. Never fails: nothing found is 0.
size_t knowledge_search(struct ctx *c, struct str question, struct knowledge_hit *hits, size_t most);

// The same with choices, and with what the index saw, for traces.
struct knowledge_query {
    struct str question;
    int language; // enum lang; -1: any
    char kind;    // 'f', 'a'; 0: any
    bool explain; // fill terms
    // Out:
    struct text text; // the question's canonical form
    struct knowledge_term {
        struct str text;
        int weight; // thousandths of the question's whole weight
        bool known; // some entry has it
    } *terms;
    size_t term_count;
};
enum { KNOWLEDGE_MOST_QUESTION = 1000, KNOWLEDGE_MOST_HITS = 50 }; // of a longer question the first characters count
size_t knowledge_find(struct ctx *c, struct knowledge_query *q, struct knowledge_hit *hits, size_t most);
// One enabled FAQ or published article as a hit, with the whole answer or body; false when there is none (no error).
bool knowledge_entry(struct ctx *c, char kind, int64_t id, struct knowledge_hit *out);
struct str knowledge_url(struct arena *a, const struct knowledge_hit *hit); // its page: "/help/zh-CN/faq/kf_…", "/help/en-US/returns"
struct knowledge_stats {
    int64_t entries, texts, bytes, change, build_microseconds, builds;
};
struct knowledge_stats knowledge_stats(struct ctx *c);

// Routes of the room, each table ended by a row with path NULL: faq_routes (faq.h), article_routes (article.h), help_routes (help.h), and import,
// export and search:
extern const struct route knowledge_routes[];
