// The knowledge base as the bot and the desk use it: FAQs (standard question, similar questions, answer) and articles (Markdown), searched
// through an immutable snapshot that is swapped on publish and reference-counted; readers never lock.
#pragma once
#include "base/ctx.h"

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
};
struct knowledge *knowledge_open(struct ctx *c); // builds the first snapshot from the store
void knowledge_close(struct knowledge *k);
bool knowledge_publish(struct ctx *c);           // after entries changed: rebuild or extend, swap
// The best `most` entries for a question, best first, one an entry. Copies into c->arena. Never fails: nothing found is 0.
size_t knowledge_search(struct ctx *c, struct str question, struct knowledge_hit *hits, size_t most);
