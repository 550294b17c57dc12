#include "identity/throttle.h"

#include <stdio.h>

#include "base/conf.h"
#include "identity/crypt.h"
#include "store/db.h"

SQL(throttle_read, "SELECT failures, failed_at, wait_until FROM login_failure WHERE subject = ?1");
SQL(throttle_write,
    "INSERT INTO login_failure (subject, failures, failed_at, wait_until) VALUES (?1, ?2, ?3, ?4) "
    "ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, failed_at = excluded.failed_at, wait_until = excluded.wait_until");
SQL(throttle_forget, "DELETE FROM login_failure WHERE subject = ?1");
SQL(throttle_clean, "DELETE FROM login_failure WHERE failed_at < ?1");

#define FORGIVEN (15 * MINUTE)
#define FIRST_WAIT (10 * SECOND)
#define LONGEST_WAIT (15 * MINUTE)
enum { ADDRESS_FACTOR = 20 }; // an office stands behind one address

struct failures {
    int64_t count, failed_at, wait_until;
};

// Hashed: what was typed into the field for an address may be a password.
static struct str subject(struct ctx *c, const char *kind, struct str name)
{
    return field_lookup_hash(c, kind, name.len ? name : STR("-"));
}

static bool read_failures(struct ctx *c, struct str who, struct failures *f)
{
    struct rows r;
    *f = (struct failures){0};
    db_query(c, &r, &throttle_read, "s", who);
    if (rows_next(&r))
        *f = (struct failures){rows_int(&r, 0), rows_int(&r, 1), rows_int(&r, 2)};
    return rows_done(&r);
}

static bool pass(struct ctx *c, struct str who)
{
    struct failures f;
    usec now = clock_now(c->clock);
    if (!read_failures(c, who, &f))
        return false;
    if (f.wait_until <= now)
        return true;
    int seconds = (int)((f.wait_until - now + SECOND - 1) / SECOND);
    char text[16];
    snprintf(text, sizeof text, "%d", seconds);
    fail(c, ERR_LIMIT, "identity.throttled", text, NULL);
    c->err->retry_after = seconds;
    return false;
}

bool throttle_pass(struct ctx *c, struct str account, struct str address)
{
    return pass(c, subject(c, "account", account)) && pass(c, subject(c, "address", address));
}

static bool count_one(struct ctx *c, struct str who, int64_t free_tries)
{
    struct failures f;
    usec now = clock_now(c->clock);
    if (!read_failures(c, who, &f))
        return false;
    if (f.failed_at < now - FORGIVEN && f.wait_until < now)
        f.count = 0;
    f.count++;
    usec wait = 0;
    if (f.count >= free_tries) {
        int64_t doubled = f.count - free_tries;
        wait = doubled > 10 ? LONGEST_WAIT : FIRST_WAIT << doubled;
        wait = wait > LONGEST_WAIT ? LONGEST_WAIT : wait;
    }
    return db_exec(c, &throttle_write, "siii", who, f.count, now, now + wait);
}

bool throttle_wrong(struct ctx *c, struct str account, struct str address)
{
    return db_exec(c, &throttle_clean, "i", clock_now(c->clock) - 2 * FORGIVEN) &&
           count_one(c, subject(c, "account", account), c->conf->login_tries) &&
           count_one(c, subject(c, "address", address), c->conf->login_tries * ADDRESS_FACTOR);
}

bool throttle_right(struct ctx *c, struct str account)
{
    return db_exec(c, &throttle_forget, "s", subject(c, "account", account));
}
