// The holder of the current snapshot. Readers take it without a lock: `current` packs the snapshot's slot and how often it was taken since it was
// put there, so that one addition finds the snapshot and counts the reader. Whoever gives it back subtracts from the slot's `held`; the swap adds
// the number of times it was taken. The one who brings `held` to zero after the swap frees the snapshot.
#include "knowledge/knowledge.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/log.h"
#include "knowledge/snapshot.h"
#include "schema/id.h"
#include "store/db.h"

enum { SLOTS = 64, TAKEN_BITS = 48, WATCH_SECONDS = 1 };
#define TAKEN_MASK ((UINT64_C(1) << TAKEN_BITS) - 1)

struct slot {
    struct snapshot *snapshot;
    _Atomic int64_t held;
    _Atomic bool used;
};
struct knowledge {
    struct arena *arena; // holds this struct
    _Atomic uint64_t current;
    struct slot slots[SLOTS];
    _Atomic uint64_t asked; // publications asked for
    pthread_mutex_t building;
    uint64_t done; // publications that are in; under `building`
    struct knowledge_stats stats;
    // The watcher looks for changes by other processes.
    pthread_t watcher;
    pthread_mutex_t stop_lock;
    pthread_cond_t stop_signal;
    bool stop;
    struct ctx watch_ctx;
    struct error watch_error;
};

static void slot_release(struct slot *slot, int64_t change)
{
    if (atomic_fetch_add(&slot->held, change) + change == 0) {
        snapshot_free(slot->snapshot);
        slot->snapshot = NULL;
        atomic_store(&slot->used, false);
    }
}

const struct snapshot *snapshot_take(struct knowledge *k)
{
    uint64_t was = atomic_fetch_add(&k->current, 1);
    return k->slots[was >> TAKEN_BITS].snapshot;
}

void snapshot_give(struct knowledge *k, const struct snapshot *s)
{
    slot_release(&k->slots[s->slot], -1);
}

// With `building` held.
static void swap_in(struct knowledge *k, struct snapshot *next)
{
    int free_slot = -1;
    while (free_slot < 0) { // 63 older snapshots that are all still being read: wait for one of the readers
        for (int i = 0; i < SLOTS && free_slot < 0; i++)
            if (!atomic_load(&k->slots[i].used))
                free_slot = i;
        if (free_slot < 0)
            nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    struct slot *slot = &k->slots[free_slot];
    next->slot = free_slot;
    slot->snapshot = next;
    atomic_store(&slot->held, 0);
    atomic_store(&slot->used, true);
    uint64_t was = atomic_exchange(&k->current, (uint64_t)free_slot << TAKEN_BITS);
    struct slot *old = &k->slots[was >> TAKEN_BITS];
    if (old != slot)
        slot_release(old, (int64_t)(was & TAKEN_MASK));
}

// With `building` held, so that the current snapshot stays.
static bool build(struct ctx *c, struct knowledge *k)
{
    usec from = time_monotonic();
    const struct snapshot *now = k->slots[atomic_load(&k->current) >> TAKEN_BITS].snapshot;
    struct snapshot *next;
    struct ctx mine = *c;
    mine.arena = arena_new();
    bool ok = snapshot_build(&mine, now, &next);
    if (ok && next) {
        k->stats = (struct knowledge_stats){
            .entries = next->count,
            .texts = next->texts,
            .bytes = (int64_t)(arena_used(next->arena) + index_bytes(next->index)),
            .change = next->change,
            .build_microseconds = time_monotonic() - from,
            .builds = k->stats.builds + 1,
        };
        swap_in(k, next);
    }
    arena_free(mine.arena);
    return ok;
}

bool knowledge_publish(struct ctx *c)
{
    struct knowledge *k = c->knowledge;
    if (!k)
        return true;
    uint64_t mine = atomic_fetch_add(&k->asked, 1) + 1;
    bool ok = true;
    pthread_mutex_lock(&k->building);
    if (k->done < mine) { // else somebody else's build began after our change
        uint64_t upto = atomic_load(&k->asked);
        ok = build(c, k);
        if (ok)
            k->done = upto;
    }
    pthread_mutex_unlock(&k->building);
    return ok;
}

static void *watch(void *arg)
{
    struct knowledge *k = arg;
    struct ctx *c = &k->watch_ctx;
    pthread_mutex_lock(&k->stop_lock);
    while (!k->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += WATCH_SECONDS;
        pthread_cond_timedwait(&k->stop_signal, &k->stop_lock, &until);
        if (k->stop)
            break;
        pthread_mutex_unlock(&k->stop_lock);
        int64_t change;
        error_clear(c->err);
        pthread_mutex_lock(&k->building);
        if (!knowledge_change_now(c, &change) || (change != k->stats.change && !build(c, k)))
            LOG_WARN("knowledge_watch", "error", c->err->key ? c->err->key : "internal", "detail", c->err->detail, NULL);
        pthread_mutex_unlock(&k->building);
        arena_reset(c->arena);
        pthread_mutex_lock(&k->stop_lock);
    }
    pthread_mutex_unlock(&k->stop_lock);
    return NULL;
}

struct knowledge *knowledge_open(struct ctx *c)
{
    struct arena *a = arena_new();
    struct knowledge *k = ARENA_NEW(a, struct knowledge);
    k->arena = a;
    pthread_mutex_init(&k->building, NULL);
    pthread_mutex_init(&k->stop_lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&k->stop_signal, &monotonic);
    pthread_condattr_destroy(&monotonic);
    k->watch_ctx = *c;
    k->watch_ctx.arena = arena_new();
    k->watch_ctx.err = &k->watch_error;
    k->watch_ctx.knowledge = k;
    k->watch_ctx.db = NULL;
    if (!build(c, k) || !(k->watch_ctx.db = store_reader(c->store, &k->watch_ctx))) {
        if (!c->err->key)
            *c->err = k->watch_error;
        k->stop = true;
        knowledge_close(k);
        return NULL;
    }
    ASSERT(pthread_create(&k->watcher, NULL, watch, k) == 0, "a thread cannot be started");
    return k;
}

void knowledge_close(struct knowledge *k)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->stop_lock);
    bool running = !k->stop;
    k->stop = true;
    pthread_cond_signal(&k->stop_signal);
    pthread_mutex_unlock(&k->stop_lock);
    if (running)
        pthread_join(k->watcher, NULL);
    if (k->watch_ctx.db)
        store_reader_close(k->watch_ctx.db);
    arena_free(k->watch_ctx.arena);
    for (int i = 0; i < SLOTS; i++)
        if (atomic_load(&k->slots[i].used))
            snapshot_free(k->slots[i].snapshot);
    pthread_cond_destroy(&k->stop_signal);
    pthread_mutex_destroy(&k->stop_lock);
    pthread_mutex_destroy(&k->building);
    arena_free(k->arena);
}

struct knowledge_stats knowledge_stats(struct ctx *c)
{
    struct knowledge *k = c->knowledge;
    pthread_mutex_lock(&k->building);
    struct knowledge_stats stats = k->stats;
    pthread_mutex_unlock(&k->building);
    return stats;
}

// ---- searching

struct choice {
    const struct snapshot *s;
    int language;
    char kind;
};
static bool may(const void *arg, uint32_t entry)
{
    const struct choice *choice = arg;
    const struct entry *e = &choice->s->entries[entry];
    return (choice->language < 0 || e->language == choice->language) && (!choice->kind || e->kind == choice->kind);
}

// What an article answers with: the passage that matched, or its first one when the title did.
static struct str passage_of(const struct entry *e, uint32_t text)
{
    return text > 0 ? e->texts[text].source : e->text_count > 1 ? e->texts[1].source : e->answer;
}

static void fill(struct arena *a, const struct entry *e, uint32_t text, struct knowledge_hit *out)
{
    *out = (struct knowledge_hit){.kind = e->kind, .id = e->id, .language = e->language};
    out->title = str_dup(a, e->title);
    out->matched = str_dup(a, e->texts[text].plain);
    out->answer = str_dup(a, e->kind == 'f' ? e->answer : passage_of(e, text));
    out->slug = str_dup(a, e->slug);
}

size_t knowledge_find(struct ctx *c, struct knowledge_query *q, struct knowledge_hit *hits, size_t most)
{
    struct arena *a = c->arena;
    q->text = text_normalise(a, str_clip(q->question, KNOWLEDGE_MOST_QUESTION));
    struct tokens tokens = text_tokenise(a, &q->text);
    if (most > KNOWLEDGE_MOST_HITS)
        most = KNOWLEDGE_MOST_HITS;
    struct index_hit found[KNOWLEDGE_MOST_HITS];
    struct index_term *terms;
    size_t term_count;
    const struct snapshot *s = snapshot_take(c->knowledge);
    struct choice choice = {s, q->language, q->kind};
    struct index_filter filter = {may, &choice};
    bool all = q->language < 0 && !q->kind;
    size_t count = index_search(s->index, a, &tokens, all ? NULL : &filter, found, most, q->explain ? &terms : NULL, &term_count);
    for (size_t i = 0; i < count; i++) {
        fill(a, &s->entries[found[i].entry], found[i].text, &hits[i]);
        hits[i].score = (int)lrintf(found[i].score * 1000);
        hits[i].bm25 = (int)lrintf(found[i].bm25 * 1000);
    }
    snapshot_give(c->knowledge, s);
    q->term_count = 0;
    if (q->explain) {
        q->terms = ARENA_ARRAY(a, struct knowledge_term, term_count + 1);
        for (size_t i = 0; i < term_count; i++)
            q->terms[q->term_count++] = (struct knowledge_term){token_text(a, &q->text, terms[i].token),
                                                                (int)lrintf(terms[i].weight * 1000), terms[i].entries > 0};
    }
    return count;
}

size_t knowledge_search(struct ctx *c, struct str question, struct knowledge_hit *hits, size_t most)
{
    struct knowledge_query q = {.question = question, .language = -1};
    return knowledge_find(c, &q, hits, most);
}

bool knowledge_entry(struct ctx *c, char kind, int64_t id, struct knowledge_hit *out)
{
    const struct snapshot *s = snapshot_take(c->knowledge);
    const struct entry *e = snapshot_entry(s, kind, id);
    if (e) {
        fill(c->arena, e, 0, out);
        out->answer = str_dup(c->arena, e->answer);
        out->score = 1000;
    }
    snapshot_give(c->knowledge, s);
    return e != NULL;
}

struct str knowledge_url(struct arena *a, const struct knowledge_hit *hit)
{
    const char *lang = lang_tag((enum lang)hit->language);
    char id[ID_TEXT];
    if (hit->kind == 'a')
        return str_printf(a, "/help/%s/" STR_FMT, lang, STR_ARG(hit->slug));
    struct str text = id_text("kf", hit->id, id);
    return str_printf(a, "/help/%s/faq/" STR_FMT, lang, STR_ARG(text));
}
