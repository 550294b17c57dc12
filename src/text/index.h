// The inverted index that answers questions: entries (an FAQ, an article) with several texts each (wordings, title, passages). It scores
// entries as a whole (BM25F over the fields) and each text by itself (BM25), so that the best matching wording is the evidence.
// Immutable after index_finish: any number of threads search it without locks.
#pragma once
#include "text/segment.h"

enum index_field { INDEX_QUESTION, INDEX_SIMILAR, INDEX_TITLE, INDEX_BODY, INDEX_FIELDS };
struct index_text {
    enum index_field field;
    struct str text;
};

struct index;
struct index_builder;
struct index_builder *index_begin(void);
// Entries get the numbers 0, 1, 2 … in the order of these two calls. The texts are not kept.
void index_add(struct index_builder *b, const struct index_text *texts, size_t count);
void index_copy(struct index_builder *b, const struct index *from, uint32_t entry); // without segmenting again
struct index *index_finish(struct index_builder *b);                               // also frees the builder
void index_free(struct index *x);
size_t index_bytes(const struct index *x);
uint32_t index_entries(const struct index *x);

// What speaks for one entry, all in 0…1 but bm25.
struct index_hit {
    uint32_t entry, text;  // number of the entry, and of its best text within the entry
    float score;           // calibrated: the estimated chance that this entry is what was asked for
    float bm25;            // raw score of the best text
    float asked;           // share of the question's weight that the best text answers
    float told;            // share of the best text's own weight that the question names
    float several;         // `asked` averaged over the entry's three best texts
    float whole;           // share of the question's weight by the entry as a whole (BM25F)
    float coverage;        // share of the question's informative tokens that occur anywhere in the entry
};
// A token of the question as the index sees it, for the trace.
struct index_term {
    const struct token *token;
    float weight;     // 0…1, share of the question's whole weight
    uint32_t entries; // how many entries have it; 0: unknown here
};
struct index_filter { // which entries may be found; NULL: all
    bool (*may)(const void *arg, uint32_t entry);
    const void *arg;
};
// The best `most` entries, best first; equal ones by number. `terms`, if not NULL, gets the question's distinct tokens (arena).
size_t index_search(const struct index *x, struct arena *a, const struct tokens *question, const struct index_filter *filter,
                    struct index_hit *hits, size_t most, struct index_term **terms, size_t *term_count);
