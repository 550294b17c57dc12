#include "store/job.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rand.h"
#include "store/engine.h"

// A job is `waiting` until it is due, `running` while a thread has it, gone when it is done, `dead` when its attempts are used up.
// Of one kind and key at most one waits and at most one runs. What runs is leased: a process that dies leaves its jobs to the others
// when the lease ends, and to itself at its next start. `attempt` fences: who lost its lease can no longer end the job.
static const usec lease = 30 * SECOND;
static const usec first_delay = SECOND, longest_delay = 10 * MINUTE;
static const usec longest_look = 15 * SECOND; // other nodes put jobs too

SQL(job_insert, "INSERT INTO job (kind, key, payload, state, due, created) VALUES (?1, ?2, ?3, 'waiting', ?4, ?5) "
                "ON CONFLICT (kind, key) WHERE state = 'waiting' "
                "DO UPDATE SET due = CASE WHEN excluded.due < job.due THEN excluded.due ELSE job.due END");
SQL(job_delete_waiting, "DELETE FROM job WHERE kind = ?1 AND key = ?2 AND state = 'waiting'");
SQL(job_next_due, "SELECT due FROM job WHERE state = 'waiting' AND kind = ?1 ORDER BY due LIMIT 1");
SQL(job_claim, "UPDATE job SET state = 'running', attempt = attempt + 1, owner = ?3, lease = ?4 WHERE state = 'waiting' AND id = "
               "(SELECT j.id FROM job j WHERE j.state = 'waiting' AND j.kind = ?1 AND j.due <= ?2 AND NOT EXISTS "
               "(SELECT 1 FROM job r WHERE r.kind = j.kind AND r.key = j.key AND r.state = 'running') "
               "ORDER BY j.due, j.id LIMIT 1) RETURNING id, key, payload, attempt");
SQL(job_done, "DELETE FROM job WHERE id = ?1 AND state = 'running' AND attempt = ?2");
SQL(job_dead, "UPDATE job SET state = 'dead', error = ?3 WHERE id = ?1 AND state = 'running' AND attempt = ?2");
SQL(job_again, "UPDATE job SET state = 'waiting', due = ?3, error = ?4 WHERE id = ?1 AND state = 'running' AND attempt = ?2 AND NOT EXISTS "
               "(SELECT 1 FROM job w WHERE w.kind = job.kind AND w.key = job.key AND w.state = 'waiting')");
SQL(job_renew, "UPDATE job SET lease = ?1 WHERE state = 'running' AND owner = ?2");
SQL(job_left, "SELECT COUNT(*) FROM job WHERE state = 'running' AND (lease < ?1 OR owner = ?2)");
SQL(job_take_back, "UPDATE job SET state = 'waiting', due = ?1 WHERE state = 'running' AND (lease < ?1 OR owner = ?2) AND NOT EXISTS "
                   "(SELECT 1 FROM job w WHERE w.kind = job.kind AND w.key = job.key AND w.state = 'waiting')");
SQL(job_take_back_doubled, "DELETE FROM job WHERE state = 'running' AND (lease < ?1 OR owner = ?2)");
SQL_SCAN(job_count_states, "jobs are few; for metrics and doctor", "SELECT state, COUNT(*) FROM job GROUP BY state");

bool job_put(struct ctx *c, const char *kind, struct str key, struct str payload, usec at)
{
    ASSERT(c->db && c->db->writer, "a job is put outside store_write");
    usec now = clock_now(c->clock);
    c->db->jobs_put = true;
    return db_exec(c, &job_insert, "zssii", kind, key, payload, at ? at : now, now);
}
bool job_cancel(struct ctx *c, const char *kind, struct str key)
{
    return db_exec(c, &job_delete_waiting, "zs", kind, key);
}
bool job_counts(struct ctx *c, struct job_counts *out)
{
    struct rows r;
    *out = (struct job_counts){0};
    db_query(c, &r, &job_count_states, "");
    while (rows_next(&r)) {
        struct str state = rows_str(&r, 0);
        *(str_is(state, "waiting") ? &out->waiting : str_is(state, "running") ? &out->running : &out->dead) = rows_int(&r, 1);
    }
    return rows_done(&r);
}

struct claimed {
    const struct job_kind *kind;
    struct job job; // its texts are owned
    struct claimed *next;
};
struct lane {
    struct job_runner *runner;
    const struct job_kind **kinds;
    size_t kind_count;
    pthread_cond_t some;
    struct claimed *ready;
    int idle;
    bool claiming;  // one thread looks for all of its lane
    bool look_now;  // something was put or ended since the last look
    usec look_at;   // else then (monotonic)
    int thread_count;
};
enum { QUICK, NORMAL, LANES };
struct job_runner {
    struct store *store;
    struct lane lanes[LANES];
    pthread_mutex_t lock;
    pthread_cond_t keep;
    bool stop, over, alone, rescued;
    int running;
    void (*make_ctx)(void *arg, struct ctx *c);
    void *arg;
    char owner[80];
    int lock_file;
    pthread_t *threads, keeper;
    int thread_count;
    struct job_runner *next; // of the store
};

void job_wake(struct store *s)
{
    pthread_mutex_lock(&s->runners_lock);
    for (struct job_runner *r = s->runners; r; r = r->next) {
        pthread_mutex_lock(&r->lock);
        for (int i = 0; i < LANES; i++) {
            r->lanes[i].look_now = true;
            pthread_cond_signal(&r->lanes[i].some);
        }
        pthread_mutex_unlock(&r->lock);
    }
    pthread_mutex_unlock(&s->runners_lock);
}

static struct ctx thread_ctx(struct job_runner *r, struct error *err)
{
    struct ctx c = {0};
    r->make_ctx(r->arg, &c);
    c.err = err;
    c.store = r->store;
    if (!c.clock)
        c.clock = &system_clock;
    c.actor.kind = ACTOR_SYSTEM;
    return c;
}

static char *owned(struct str s)
{
    char *copy = malloc(s.len + 1);
    ASSERT(copy, "out of memory");
    memcpy(copy, s.at, s.len);
    copy[s.len] = 0;
    return copy;
}
static void claimed_free(struct claimed *one)
{
    free((void *)(uintptr_t)one->job.key.at);
    free((void *)(uintptr_t)one->job.payload.at);
    free(one);
}

struct claiming {
    struct lane *lane;
    int want;
    struct claimed *got;
    usec wait; // until the next is due
};
static void forget(struct claiming *k)
{
    while (k->got) {
        struct claimed *one = k->got;
        k->got = one->next;
        claimed_free(one);
    }
}

// The earliest due first, over all kinds of the lane.
static bool claim(struct ctx *c, void *arg)
{
    struct claiming *k = arg;
    const struct lane *lane = k->lane;
    usec now = clock_now(c->clock);
    bool *spent = ARENA_ARRAY(c->arena, bool, lane->kind_count);
    struct claimed **end = &k->got;
    forget(k); // of a run before this one
    k->wait = longest_look;
    for (int want = k->want; want > 0;) {
        size_t best = lane->kind_count;
        usec earliest = INT64_MAX;
        for (size_t i = 0; i < lane->kind_count; i++) {
            int64_t due;
            bool found;
            if (spent[i])
                continue;
            if (!db_int(c, &due, &found, &job_next_due, "z", lane->kinds[i]->kind))
                return false;
            if (found && due <= now && due < earliest)
                earliest = due, best = i;
            else if (found && due > now && due - now < k->wait)
                k->wait = due - now;
        }
        if (best == lane->kind_count)
            return true;
        struct rows r;
        db_query(c, &r, &job_claim, "zisi", lane->kinds[best]->kind, now, str_of(lane->runner->owner), now + lease);
        if (rows_next(&r)) {
            struct claimed *one = calloc(1, sizeof *one);
            ASSERT(one, "out of memory");
            struct str key = rows_str(&r, 1), payload = rows_str(&r, 2);
            one->kind = lane->kinds[best];
            one->job = (struct job){rows_int(&r, 0), str_of(one->kind->kind), {owned(key), key.len}, {owned(payload), payload.len},
                                    (int)rows_int(&r, 3)};
            *end = one;
            end = &one->next;
            want--;
            while (rows_next(&r))
                ;
        } else
            spent[best] = true; // those that are due wait for one of their key that runs; its end looks again
        if (!rows_done(&r))
            return false;
    }
    k->wait = 0; // there may be more
    return true;
}

struct ending {
    const struct claimed *one;
    bool ok, last;
    struct str error;
};
static bool end_job(struct ctx *c, void *arg)
{
    struct ending *e = arg;
    const struct job *job = &e->one->job;
    int64_t attempt = job->attempt;
    if (e->ok)
        return db_exec(c, &job_done, "ii", job->id, attempt);
    if (e->last)
        return db_exec(c, &job_dead, "iis", job->id, attempt, e->error);
    usec delay = first_delay;
    for (int i = 1; i < job->attempt && delay < longest_delay; i++)
        delay *= 3;
    if (delay > longest_delay)
        delay = longest_delay;
    if (!db_exec(c, &job_again, "iiis", job->id, attempt, clock_now(c->clock) + delay, e->error))
        return false;
    return db_changed(c) || db_exec(c, &job_done, "ii", job->id, attempt); // one like it waits already
}

static bool stopping(struct job_runner *r)
{
    pthread_mutex_lock(&r->lock);
    bool stop = r->stop;
    pthread_mutex_unlock(&r->lock);
    return stop;
}

static void run_job(struct lane *lane, struct ctx *c, const struct claimed *one)
{
    const struct job *job = &one->job;
    char id[24], attempt[24];
    log_int(id, job->id);
    log_int(attempt, job->attempt);
    error_clear(c->err);
    struct ending e = {.one = one, .last = job->attempt >= one->kind->max_attempts};
    if (job->attempt <= one->kind->max_attempts)
        e.ok = one->kind->run(c, job);
    else
        fail_detail(c, "the process ended in the middle of every attempt");
    if (!e.ok) {
        e.error = str_printf(c->arena, "%s: %s", c->err->key ? c->err->key : "internal", c->err->detail);
        const char *event = e.last ? "job.dead" : "job.failed";
        log_line(e.last ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, event, "kind", one->kind->kind, "id", id, "attempt", attempt, "error",
                 str_z(c->arena, e.error), NULL);
    }
    // The store may be full or away: the outcome is kept until it can be told, or the lease ends.
    for (;;) {
        error_clear(c->err);
        if (store_write(c, end_job, &e) || stopping(lane->runner))
            return;
        LOG_WARN("job.outcome_waits", "id", id, "error", c->err->key, NULL);
        usleep(500 * MILLISECOND);
    }
}

static struct timespec moment(usec t)
{
    return (struct timespec){t / SECOND, t % SECOND * 1000};
}

// Called with the lock; gives it back meanwhile.
static void look(struct lane *lane, struct ctx *c, bool *told)
{
    struct job_runner *r = lane->runner;
    struct claiming k = {.lane = lane, .want = 1 + lane->idle};
    lane->claiming = true;
    lane->look_now = false;
    pthread_mutex_unlock(&r->lock);
    error_clear(c->err);
    if (!store_write(c, claim, &k)) {
        forget(&k);
        k.wait = SECOND;
        if (!*told)
            LOG_WARN("job.claim", "error", c->err->key, "said", c->err->detail, NULL);
        *told = true;
    } else
        *told = false;
    pthread_mutex_lock(&r->lock);
    lane->claiming = false;
    lane->look_at = time_monotonic() + k.wait;
    if (k.got) {
        struct claimed **end = &lane->ready;
        while (*end)
            end = &(*end)->next;
        *end = k.got;
    }
    pthread_cond_broadcast(&lane->some);
}

static void *lane_run(void *arg)
{
    struct lane *lane = arg;
    struct job_runner *r = lane->runner;
    struct error err = {0};
    struct ctx c = thread_ctx(r, &err);
    struct arena *work = arena_new(); // make_ctx's own is not ours to empty
    bool told = false;
    c.arena = work;
    pthread_mutex_lock(&r->lock);
    while (!r->rescued && !r->stop)
        pthread_cond_wait(&lane->some, &r->lock);
    while (!r->stop) {
        struct claimed *one = lane->ready;
        if (one) {
            lane->ready = one->next;
            r->running++;
            if (lane->look_now && lane->idle)
                pthread_cond_signal(&lane->some);
            pthread_mutex_unlock(&r->lock);
            run_job(lane, &c, one);
            claimed_free(one);
            arena_reset(work);
            pthread_mutex_lock(&r->lock);
            r->running--;
            lane->look_now = true;
        } else if (!lane->claiming && (lane->look_now || time_monotonic() >= lane->look_at)) {
            look(lane, &c, &told);
            arena_reset(work);
        } else {
            lane->idle++;
            struct timespec until = moment(lane->look_at);
            if (lane->claiming)
                pthread_cond_wait(&lane->some, &r->lock);
            else
                pthread_cond_timedwait(&lane->some, &r->lock, &until);
            lane->idle--;
        }
    }
    pthread_mutex_unlock(&r->lock);
    arena_free(work);
    return NULL;
}

struct taking_back {
    usec now;
    const char *owner;
};
static bool take_back(struct ctx *c, void *arg)
{
    struct taking_back *t = arg;
    c->db->jobs_put = true;
    return db_exec(c, &job_take_back, "iz", t->now, t->owner) && db_exec(c, &job_take_back_doubled, "iz", t->now, t->owner);
}
// Puts jobs back whose lease is over, or that an earlier life of this process had.
static bool rescue(struct ctx *c, const char *owner)
{
    struct taking_back t = {clock_now(c->clock), owner};
    int64_t left;
    if (!db_int(c, &left, NULL, &job_left, "iz", t.now, t.owner))
        return false;
    if (!left)
        return true;
    char count[24];
    LOG_WARN("job.rescued", "jobs", log_int(count, left), NULL);
    return store_write(c, take_back, &t);
}
static bool renew(struct ctx *c, void *arg)
{
    return db_exec(c, &job_renew, "iz", clock_now(c->clock) + lease, arg);
}

static void *keeper_run(void *arg)
{
    struct job_runner *r = arg;
    struct error err = {0};
    struct ctx c = thread_ctx(r, &err);
    struct arena *work = c.arena = arena_new();
    if (r->alone && !rescue(&c, r->owner)) // then their leases have to end first
        LOG_WARN("job.rescue", "error", err.key, "said", err.detail, NULL);
    pthread_mutex_lock(&r->lock);
    r->rescued = true; // only now may this life claim under the same name
    for (int i = 0; i < LANES; i++)
        pthread_cond_broadcast(&r->lanes[i].some);
    for (;;) {
        struct timespec until = moment(time_monotonic() + lease / 3);
        while (!r->over && pthread_cond_timedwait(&r->keep, &r->lock, &until) != ETIMEDOUT)
            ;
        if (r->over)
            break;
        bool busy = r->running > 0;
        pthread_mutex_unlock(&r->lock);
        error_clear(&err);
        if (busy && !store_write(&c, renew, r->owner))
            LOG_WARN("job.lease", "error", err.key, NULL);
        error_clear(&err);
        rescue(&c, ""); // a failure here will be a failure elsewhere too: said there
        arena_reset(work);
        pthread_mutex_lock(&r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    arena_free(work);
    return NULL;
}

// A process that alone holds the data folder knows that what ran under the folder's name runs no more.
static bool name_owner(struct job_runner *r)
{
    char path[PATH_MAX + 16], host[64] = "", real[PATH_MAX];
    snprintf(path, sizeof path, "%s/jobs.lock", r->store->data_dir);
    r->lock_file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (r->lock_file >= 0 && flock(r->lock_file, LOCK_EX | LOCK_NB) == 0 && realpath(r->store->data_dir, real)) {
        gethostname(host, sizeof host - 1);
        uint64_t hash = 14695981039346656037u; // FNV-1a: the same in every process
        for (const char *at = real; *at; at++)
            hash = (hash ^ (uint8_t)*at) * 1099511628211u;
        snprintf(r->owner, sizeof r->owner, "%.50s/%016llx", host, (unsigned long long)hash);
        return true;
    }
    snprintf(r->owner, sizeof r->owner, "%08x%08x", rand_below(UINT32_MAX), rand_below(UINT32_MAX));
    return false;
}

struct job_runner *job_start(struct store *s, const struct job_kind *kinds, size_t count, int threads,
                             void (*make_ctx)(void *arg, struct ctx *c), void *arg)
{
    struct job_runner *r = calloc(1, sizeof *r);
    ASSERT(r, "out of memory");
    r->store = s;
    r->make_ctx = make_ctx;
    r->arg = arg;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->keep, &monotonic);
    int share[LANES] = {[QUICK] = threads > 1 ? threads / 2 : 1, [NORMAL] = threads > 1 ? threads - threads / 2 : 1};
    r->threads = calloc((size_t)share[QUICK] + (size_t)share[NORMAL], sizeof *r->threads);
    ASSERT(r->threads, "out of memory");
    r->alone = name_owner(r);
    for (int i = 0; i < LANES; i++) {
        struct lane *lane = &r->lanes[i];
        lane->runner = r;
        lane->look_now = true;
        lane->kinds = calloc(count + 1, sizeof *lane->kinds);
        ASSERT(lane->kinds, "out of memory");
        pthread_cond_init(&lane->some, &monotonic);
        for (size_t k = 0; k < count; k++)
            if (kinds[k].quick == (i == QUICK))
                lane->kinds[lane->kind_count++] = &kinds[k];
        for (int t = 0; lane->kind_count && t < share[i]; t++) {
            pthread_t *thread = &r->threads[r->thread_count++];
            ASSERT(pthread_create(thread, NULL, lane_run, lane) == 0, "no thread for jobs");
            pthread_setname_np(*thread, i == QUICK ? "jobs-quick" : "jobs");
        }
    }
    pthread_condattr_destroy(&monotonic);
    ASSERT(pthread_create(&r->keeper, NULL, keeper_run, r) == 0, "no thread for jobs");
    pthread_setname_np(r->keeper, "jobs-keeper");
    pthread_mutex_lock(&s->runners_lock);
    r->next = s->runners;
    s->runners = r;
    pthread_mutex_unlock(&s->runners_lock);
    job_wake(s);
    return r;
}

void job_stop(struct job_runner *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->store->runners_lock);
    struct job_runner **at = &r->store->runners;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    pthread_mutex_unlock(&r->store->runners_lock);
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    for (int i = 0; i < LANES; i++)
        pthread_cond_broadcast(&r->lanes[i].some);
    pthread_mutex_unlock(&r->lock);
    for (int i = 0; i < r->thread_count; i++)
        pthread_join(r->threads[i], NULL);
    pthread_mutex_lock(&r->lock);
    r->over = true; // leases were kept up to here
    pthread_cond_broadcast(&r->keep);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->keeper, NULL);
    for (int i = 0; i < LANES; i++) {
        struct claiming rest = {.got = r->lanes[i].ready}; // claimed but not begun: found again at the next start
        forget(&rest);
        free(r->lanes[i].kinds);
        pthread_cond_destroy(&r->lanes[i].some);
    }
    if (r->lock_file >= 0)
        close(r->lock_file);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->keep);
    free(r->threads);
    free(r);
}
