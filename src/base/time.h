// Time: integer microseconds since 1970-01-01 UTC. The clock is injected, so a month runs in milliseconds in a test.
#pragma once
#include "base/str.h"

typedef int64_t usec; // a moment or a span, in microseconds

#define MILLISECOND ((usec)1000)
#define SECOND (1000 * MILLISECOND)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

struct clock {
    usec (*now)(struct clock *c);
};
extern struct clock system_clock; // the real one
struct test_clock {
    struct clock clock; // first: pass &t.clock
    usec at;            // what it shows; set or advance it
};
struct test_clock test_clock_at(usec at);
static inline usec clock_now(struct clock *c)
{
    return c->now(c);
}
usec time_monotonic(void); // for measuring spans and time-outs of threads only

#define TIME_TEXT 32
struct str time_text(usec t, char out[TIME_TEXT]); // RFC 3339 UTC with six decimals: 2026-03-01T08:00:00.123456Z
bool time_parse(struct str text, usec *t);         // RFC 3339 with Z or an offset, 0 to 9 decimals
struct date {
    int year, month, day; // proleptic Gregorian
};
int64_t date_days(struct date d);     // days since 1970-01-01
struct date date_from_days(int64_t days);
bool date_valid(struct date d);
