#include "text/index.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/vec.h"

// Method: README.md. Impacts are quantised to a byte at build time (Anh and Moffat 2005), so a posting is four bytes and scoring one
// is a table look-up, a multiplication and an addition.
#define K1 1.2f
static const float b_short = 0.4f, b_body = 0.75f;          // length normalisation of wordings and of passages
static const float field_weight[INDEX_FIELDS] = {1.3f, 1.0f, 1.5f, 0.7f};
static const float kind_weight[TOKEN_KINDS] = {0.5f, 1.0f, 0.5f, 1.0f, 0.8f, 0.3f, 1.0f, 0.5f, 1.0f, 0.5f};
// Any base is weighed as part of a larger one, of so many further texts and entries: in a small one every token is rare by chance. A function
// word stands in a fifth of them, other tokens in none.
enum { OTHER_TEXTS = 1000, OTHER_ENTRIES = 50, COMMON_SHARE = 5 };

enum { ID_BITS = 24, IMPACT_STEPS = 255 };
#define ID_MASK ((1u << ID_BITS) - 1)
#define IMPACT_SCALE ((K1 + 1) / IMPACT_STEPS) // an impact is below k1 + 1

struct term {
    uint64_t id;
    uint32_t texts_from, texts_count;     // postings by text
    uint32_t entries_from, entries_count; // postings by entry
    float text_idf, entry_idf;            // times the weight of the token's kind
    float entry_most;                     // the largest impact in its entry postings: what an ideal entry would get
    uint32_t kind;
};
struct text_info {
    uint32_t from, count; // in forward
    uint32_t entry : 24, field : 8;
    float self; // what the text scores against itself
};
struct index {
    struct arena *arena;
    struct term *terms;
    uint32_t term_count;
    uint32_t *slots; // open addressing: term number + 1
    uint32_t slot_mask;
    struct text_info *texts; // by entry
    uint32_t text_count;
    uint32_t *entry_first; // first text of each entry; one more at the end
    uint32_t entry_count;
    uint32_t *forward; // term numbers of each text, with repetitions, in order
    uint32_t *text_postings, *entry_postings;
    float unknown_text_idf[TOKEN_KINDS], unknown_entry_idf[TOKEN_KINDS]; // of the question's tokens that stand nowhere
};

struct index_builder {
    struct arena *arena;   // becomes the index's
    struct arena *scratch; // goes with the builder
    struct arena *reading; // reset after each text
    VEC(uint32_t);         // forward
    struct {
        VEC(struct term);
    } terms;
    struct {
        VEC(struct text_info);
    } texts;
    struct {
        VEC(uint32_t);
    } entries;
    uint32_t *slots, slot_mask;
};

struct index_builder *index_begin(void)
{
    struct arena *scratch = arena_new();
    struct index_builder *b = ARENA_NEW(scratch, struct index_builder);
    b->scratch = scratch;
    b->arena = arena_new();
    b->reading = arena_new();
    b->slot_mask = 1023;
    b->slots = ARENA_ARRAY(scratch, uint32_t, 1024);
    return b;
}

static uint32_t term_number(struct index_builder *b, uint64_t id, uint32_t kind)
{
    uint32_t i = (uint32_t)id & b->slot_mask;
    for (; b->slots[i]; i = (i + 1) & b->slot_mask)
        if (b->terms.at[b->slots[i] - 1].id == id)
            return b->slots[i] - 1;
    VEC_PUSH(b->scratch, &b->terms, (struct term){.id = id, .kind = kind});
    b->slots[i] = (uint32_t)b->terms.count;
    if (b->terms.count * 2 > b->slot_mask) {
        uint32_t mask = b->slot_mask * 2 + 1;
        uint32_t *slots = ARENA_ARRAY(b->scratch, uint32_t, mask + 1);
        for (uint32_t t = 0; t < b->terms.count; t++) {
            uint32_t j = (uint32_t)b->terms.at[t].id & mask;
            while (slots[j])
                j = (j + 1) & mask;
            slots[j] = t + 1;
        }
        b->slots = slots;
        b->slot_mask = mask;
    }
    return (uint32_t)b->terms.count - 1;
}

static void entry_begin(struct index_builder *b)
{
    ASSERT(b->entries.count < ID_MASK && b->texts.count < ID_MASK, "an index holds 16 million texts");
    VEC_PUSH(b->scratch, &b->entries, (uint32_t)b->texts.count);
}

void index_add(struct index_builder *b, const struct index_text *texts, size_t count)
{
    entry_begin(b);
    for (size_t i = 0; i < count; i++) {
        struct text t = text_normalise(b->reading, texts[i].text);
        struct tokens k = text_tokenise(b->reading, &t);
        struct text_info info = {(uint32_t)b->count, (uint32_t)k.count, (uint32_t)b->entries.count - 1, texts[i].field, 0};
        for (size_t j = 0; j < k.count; j++) {
            uint32_t number = term_number(b, k.at[j].id, k.at[j].kind);
            VEC_PUSH(b->scratch, b, number);
        }
        VEC_PUSH(b->scratch, &b->texts, info);
        arena_reset(b->reading);
    }
}

void index_copy(struct index_builder *b, const struct index *from, uint32_t entry)
{
    entry_begin(b);
    for (uint32_t t = from->entry_first[entry]; t < from->entry_first[entry + 1]; t++) {
        struct text_info info = from->texts[t];
        const uint32_t *words = from->forward + info.from;
        info.from = (uint32_t)b->count;
        info.entry = (uint32_t)b->entries.count - 1;
        for (uint32_t j = 0; j < info.count; j++) {
            uint32_t number = term_number(b, from->terms[words[j]].id, from->terms[words[j]].kind);
            VEC_PUSH(b->scratch, b, number);
        }
        VEC_PUSH(b->scratch, &b->texts, info);
    }
}

static uint32_t quantise(float impact)
{
    uint32_t step = (uint32_t)lrintf(impact / IMPACT_SCALE);
    return step < 1 ? 1 : step > IMPACT_STEPS ? IMPACT_STEPS : step;
}

static float idf(uint32_t all, uint32_t having) // Robertson and Spärck Jones, kept positive as Lucene does
{
    return logf(1 + ((float)all - (float)having + 0.5f) / ((float)having + 0.5f));
}

static float text_idf(const struct index *x, uint32_t kind, uint32_t having)
{
    return idf(x->text_count + OTHER_TEXTS, having + (kind >= TOKEN_COMMON ? OTHER_TEXTS / COMMON_SHARE : 0));
}
static float entry_idf(const struct index *x, uint32_t kind, uint32_t having)
{
    return idf(x->entry_count + OTHER_ENTRIES, having + (kind >= TOKEN_COMMON ? OTHER_ENTRIES / COMMON_SHARE : 0));
}

// Turns counts into places: each list's start, in the order of the term numbers.
static uint32_t *lay_out(struct index *x, bool by_entry, uint32_t *total)
{
    uint64_t sum = 0;
    for (uint32_t t = 0; t < x->term_count; t++) {
        struct term *term = &x->terms[t];
        if (by_entry) {
            term->entries_from = (uint32_t)sum;
            sum += term->entries_count;
            term->entries_count = 0;
        } else {
            term->texts_from = (uint32_t)sum;
            sum += term->texts_count;
            term->texts_count = 0;
        }
    }
    ASSERT(sum < UINT32_MAX, "an index holds four thousand million postings");
    *total = (uint32_t)sum;
    return ARENA_ARRAY(x->arena, uint32_t, sum + 1);
}

// How often each term stands in texts [from, to): calls for each distinct term once. `seen` and `weight` have a cell for each term.
struct counting {
    uint32_t *mark; // the round in which a term was last seen
    float *weight;
    uint32_t round;
    uint32_t *distinct;
    size_t distinct_count;
};

static void count_text(const struct index *x, struct counting *k, const struct text_info *t, float each)
{
    for (uint32_t j = 0; j < t->count; j++) {
        uint32_t term = x->forward[t->from + j];
        if (k->mark[term] != k->round) {
            k->mark[term] = k->round;
            k->weight[term] = 0;
            k->distinct[k->distinct_count++] = term;
        }
        k->weight[term] += each;
    }
}

static void measure(struct index *x, struct counting *k) // document frequencies
{
    for (uint32_t t = 0; t < x->text_count; t++) {
        k->round++;
        k->distinct_count = 0;
        count_text(x, k, &x->texts[t], 1);
        for (size_t i = 0; i < k->distinct_count; i++)
            x->terms[k->distinct[i]].texts_count++;
    }
    for (uint32_t e = 0; e < x->entry_count; e++) {
        k->round++;
        k->distinct_count = 0;
        for (uint32_t t = x->entry_first[e]; t < x->entry_first[e + 1]; t++)
            count_text(x, k, &x->texts[t], 1);
        for (size_t i = 0; i < k->distinct_count; i++)
            x->terms[k->distinct[i]].entries_count++;
    }
    double once[TOKEN_KINDS] = {0}, all[TOKEN_KINDS] = {0};
    for (uint32_t t = 0; t < x->term_count; t++) {
        struct term *term = &x->terms[t];
        term->text_idf = kind_weight[term->kind] * text_idf(x, term->kind, term->texts_count);
        term->entry_idf = kind_weight[term->kind] * entry_idf(x, term->kind, term->entries_count);
        once[term->kind] += term->texts_count == 1;
        all[term->kind] += term->texts_count;
    }
    for (uint32_t kind = 0; kind < TOKEN_KINDS; kind++) {
        float weight = kind == TOKEN_WORD_PAIR ? 0.1f : kind_weight[kind]; // most pairs of known words are new: that says little
        if (kind < TOKEN_COMMON) // half of it is withheld as far as new tokens are to be expected here: Good (1953), README.md "Index"
            weight *= 1 - 0.5f * (float)((once[kind] + 1) / (all[kind] + 1));
        x->unknown_text_idf[kind] = weight * text_idf(x, kind, 0);
        x->unknown_entry_idf[kind] = weight * entry_idf(x, kind, 0);
    }
}

struct index *index_finish(struct index_builder *b)
{
    struct arena *a = b->arena;
    struct index *x = ARENA_NEW(a, struct index);
    x->arena = a;
    x->term_count = (uint32_t)b->terms.count;
    x->text_count = (uint32_t)b->texts.count;
    x->entry_count = (uint32_t)b->entries.count;
    x->terms = ARENA_ARRAY(a, struct term, x->term_count + 1);
    x->texts = ARENA_ARRAY(a, struct text_info, x->text_count + 1);
    x->entry_first = ARENA_ARRAY(a, uint32_t, x->entry_count + 1);
    x->forward = ARENA_ARRAY(a, uint32_t, b->count + 1);
    x->slots = ARENA_ARRAY(a, uint32_t, b->slot_mask + 1);
    x->slot_mask = b->slot_mask;
    if (x->term_count)
        memcpy(x->terms, b->terms.at, x->term_count * sizeof *x->terms);
    if (x->text_count)
        memcpy(x->texts, b->texts.at, x->text_count * sizeof *x->texts);
    if (x->entry_count)
        memcpy(x->entry_first, b->entries.at, x->entry_count * sizeof *x->entry_first);
    if (b->count)
        memcpy(x->forward, b->at, b->count * sizeof *x->forward);
    memcpy(x->slots, b->slots, (b->slot_mask + 1) * sizeof *x->slots);
    x->entry_first[x->entry_count] = x->text_count;

    struct counting k = {ARENA_ARRAY(b->scratch, uint32_t, x->term_count + 1), ARENA_ARRAY(b->scratch, float, x->term_count + 1), 0,
                         ARENA_ARRAY(b->scratch, uint32_t, x->term_count + 1), 0};
    measure(x, &k);

    // Mean lengths, each field by itself: a passage is not a long question.
    double sum[INDEX_FIELDS] = {0}, number[INDEX_FIELDS] = {0};
    for (uint32_t t = 0; t < x->text_count; t++) {
        enum index_field f = x->texts[t].field == INDEX_BODY ? INDEX_BODY : INDEX_QUESTION;
        sum[f] += x->texts[t].count;
        number[f]++;
    }
    float mean_short = number[INDEX_QUESTION] > 0 ? (float)(sum[INDEX_QUESTION] / number[INDEX_QUESTION]) : 1;
    float mean_body = number[INDEX_BODY] > 0 ? (float)(sum[INDEX_BODY] / number[INDEX_BODY]) : 1;
    double whole = 0;
    for (uint32_t t = 0; t < x->text_count; t++)
        whole += x->texts[t].count * field_weight[x->texts[t].field];
    float mean_entry = x->entry_count ? (float)(whole / x->entry_count) : 1;

    uint32_t total;
    x->text_postings = lay_out(x, false, &total);
    for (uint32_t t = 0; t < x->text_count; t++) {
        struct text_info *info = &x->texts[t];
        k.round++;
        k.distinct_count = 0;
        count_text(x, &k, info, 1);
        bool body = info->field == INDEX_BODY;
        float part = body ? b_body : b_short, mean = body ? mean_body : mean_short;
        float norm = K1 * (1 - part + part * (float)info->count / (mean > 0 ? mean : 1));
        info->self = 0;
        for (size_t i = 0; i < k.distinct_count; i++) {
            struct term *term = &x->terms[k.distinct[i]];
            float tf = k.weight[k.distinct[i]], impact = tf * (K1 + 1) / (tf + norm);
            x->text_postings[term->texts_from + term->texts_count++] = t | quantise(impact) << ID_BITS;
            info->self += term->text_idf * impact;
        }
    }
    x->entry_postings = lay_out(x, true, &total);
    for (uint32_t e = 0; e < x->entry_count; e++) {
        k.round++;
        k.distinct_count = 0;
        float length = 0;
        for (uint32_t t = x->entry_first[e]; t < x->entry_first[e + 1]; t++) {
            count_text(x, &k, &x->texts[t], field_weight[x->texts[t].field]);
            length += (float)x->texts[t].count * field_weight[x->texts[t].field];
        }
        float norm = K1 * (1 - b_body + b_body * length / (mean_entry > 0 ? mean_entry : 1));
        for (size_t i = 0; i < k.distinct_count; i++) {
            struct term *term = &x->terms[k.distinct[i]];
            float tf = k.weight[k.distinct[i]], impact = tf * (K1 + 1) / (tf + norm);
            x->entry_postings[term->entries_from + term->entries_count++] = e | quantise(impact) << ID_BITS;
            if (impact > term->entry_most)
                term->entry_most = impact;
        }
    }
    arena_free(b->reading);
    arena_free(b->scratch); // the builder itself lived there
    return x;
}

void index_free(struct index *x)
{
    if (x)
        arena_free(x->arena);
}

size_t index_bytes(const struct index *x)
{
    return arena_used(x->arena);
}

uint32_t index_entries(const struct index *x)
{
    return x->entry_count;
}

// ---- searching

static const struct term *term_find(const struct index *x, uint64_t id)
{
    for (uint32_t i = (uint32_t)id & x->slot_mask; x->slots[i]; i = (i + 1) & x->slot_mask)
        if (x->terms[x->slots[i] - 1].id == id)
            return &x->terms[x->slots[i] - 1];
    return NULL;
}

struct asked { // a distinct token of the question
    const struct token *token;
    const struct term *term; // NULL: unknown
    uint32_t times;
    float text_weight, entry_weight;
};

static size_t distinct(const struct index *x, struct arena *a, const struct tokens *q, struct asked *out)
{
    size_t mask = 15, count = 0;
    while (mask < q->count * 2)
        mask = mask * 2 + 1;
    uint32_t *slots = ARENA_ARRAY(a, uint32_t, mask + 1);
    for (size_t i = 0; i < q->count; i++) {
        size_t s = q->at[i].id & mask;
        while (slots[s] && out[slots[s] - 1].token->id != q->at[i].id)
            s = (s + 1) & mask;
        if (!slots[s]) {
            out[count] = (struct asked){&q->at[i], term_find(x, q->at[i].id), 0, 0, 0};
            slots[s] = (uint32_t)++count;
        }
        out[slots[s] - 1].times++;
    }
    for (size_t i = 0; i < count; i++) {
        struct asked *t = &out[i];
        float times = sqrtf((float)t->times);
        t->text_weight = times * (t->term ? t->term->text_idf : x->unknown_text_idf[t->token->kind]);
        t->entry_weight = times * (t->term ? t->term->entry_idf : x->unknown_entry_idf[t->token->kind]);
    }
    return count;
}

static float clamp(float v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

// The chance that the entry is what was asked for: a logistic model whose five numbers were fitted once over fifteen collections of both
// languages (README.md "Calibration"). The longer the question, the surer the evidence is: `length` is its count of tokens.
static float rate(const struct index_hit *h, size_t length)
{
    float z = 3.3f * h->told + 2.9f * h->several + 8.9f * h->whole - 3.2f / (1 + (float)length / 20) - 3.5f;
    return 1 / (1 + expf(-z));
}

size_t index_search(const struct index *x, struct arena *a, const struct tokens *question, const struct index_filter *filter,
                    struct index_hit *hits, size_t most, struct index_term **terms, size_t *term_count)
{
    struct asked *q = ARENA_ARRAY(a, struct asked, question->count + 1);
    size_t n = distinct(x, a, question, q);
    float text_all = 0, entry_all = 0, ideal = 0;
    for (size_t i = 0; i < n; i++) {
        text_all += q[i].text_weight;
        entry_all += q[i].entry_weight;
        ideal += q[i].entry_weight * (q[i].term ? q[i].term->entry_most : 1);
    }
    if (terms) {
        *terms = ARENA_ARRAY(a, struct index_term, n + 1);
        *term_count = n;
        for (size_t i = 0; i < n; i++)
            (*terms)[i] = (struct index_term){q[i].token, q[i].entry_weight / entry_all,
                                              q[i].term ? q[i].term->entries_count : 0};
    }
    if (n == 0 || most == 0 || x->entry_count == 0)
        return 0;

    float *text_score = ARENA_ARRAY(a, float, x->text_count + 1);
    struct entry_score {
        float whole, coverage;
    } *entry_score = ARENA_ARRAY(a, struct entry_score, x->entry_count);
    for (size_t i = 0; i < n; i++) {
        const struct term *t = q[i].term;
        if (!t)
            continue;
        float step = q[i].text_weight * IMPACT_SCALE;
        const uint32_t *p = x->text_postings + t->texts_from;
        for (const uint32_t *end = p + t->texts_count; p < end; p++)
            text_score[*p & ID_MASK] += step * (float)(*p >> ID_BITS);
        float weight = q[i].entry_weight;
        step = weight * IMPACT_SCALE;
        p = x->entry_postings + t->entries_from;
        for (const uint32_t *end = p + t->entries_count; p < end; p++) {
            entry_score[*p & ID_MASK].whole += step * (float)(*p >> ID_BITS);
            entry_score[*p & ID_MASK].coverage += weight;
        }
    }

    size_t found = 0;
    for (uint32_t e = 0; e < x->entry_count; e++) {
        if (entry_score[e].coverage <= 0 || (filter && !filter->may(filter->arg, e)))
            continue;
        float best[3] = {0};
        uint32_t best_text = x->entry_first[e];
        for (uint32_t t = x->entry_first[e]; t < x->entry_first[e + 1]; t++) {
            float s = text_score[t];
            if (s > best[0]) {
                best[2] = best[1];
                best[1] = best[0];
                best[0] = s;
                best_text = t;
            } else if (s > best[1]) {
                best[2] = best[1];
                best[1] = s;
            } else if (s > best[2]) {
                best[2] = s;
            }
        }
        struct index_hit h = {.entry = e, .text = best_text - x->entry_first[e], .bm25 = best[0]};
        h.asked = clamp(best[0] / text_all);
        h.told = clamp(best[0] / (x->texts[best_text].self > 0 ? x->texts[best_text].self : 1));
        uint32_t texts = x->entry_first[e + 1] - x->entry_first[e];
        h.several = clamp((best[0] + best[1] + best[2]) / (float)(texts < 3 ? texts : 3) / text_all);
        h.whole = clamp(entry_score[e].whole / ideal);
        h.coverage = clamp(entry_score[e].coverage / entry_all);
        h.score = rate(&h, question->count);
        // Insertion into the short list; a later entry passes only a worse one, so equal ones stay by number.
        size_t at = found < most ? found++ : most;
        while (at > 0 && hits[at - 1].score < h.score) {
            if (at < most)
                hits[at] = hits[at - 1];
            at--;
        }
        if (at < most)
            hits[at] = h;
    }
    return found;
}
