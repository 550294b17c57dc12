// Durable background work: a row in `job`, never only a thread. A job is put inside the transaction that causes it, runs after the commit,
// at least once, with attempts, growing delays and a dead-letter state.
#pragma once
#include "store/db.h"

struct job {
    int64_t id;
    struct str kind;
    struct str key;     // at most one waiting job of a kind and key
    struct str payload; // JSON or whatever the kind says
    int attempt;        // 1 …
};
// A kind's handler: runs on a job thread with a ctx of its own (actor SYSTEM); true: done; false: again later until attempts are used up.
struct job_kind {
    const char *kind;
    bool (*run)(struct ctx *c, const struct job *job);
    int max_attempts; // then state 'dead', logged, shown by doctor and metrics
    bool quick;       // runs on the lane for short work that people wait for (the bot's turn)
};
// Inside store_write. Due at `at` (usec; 0 = at once). A waiting job of the same kind and key is kept and its time moved earlier; one that
// runs is followed by the new one.
bool job_put(struct ctx *c, const char *kind, struct str key, struct str payload, usec at);
bool job_cancel(struct ctx *c, const char *kind, struct str key);
void job_wake(struct store *s); // after the commit: look now (cheap; called by store_write's caller or by itself)

struct job_counts {
    int64_t waiting, running, dead;
};
bool job_counts(struct ctx *c, struct job_counts *out);

struct job_runner;
// make_ctx fills a fresh ctx for a job thread (arena, db, services) whose parts stay with `arg`'s owner until after job_stop. Half of the
// threads are for quick kinds; one more keeps leases. `kinds` stays with the caller. Of one kind and key no two jobs run at once. The
// arena that a handler sees ends with its job.
struct job_runner *job_start(struct store *s, const struct job_kind *kinds, size_t count, int threads,
                             void (*make_ctx)(void *arg, struct ctx *c), void *arg);
void job_stop(struct job_runner *r); // lets running jobs end
