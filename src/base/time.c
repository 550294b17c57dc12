#include "base/time.h"

#include <stdio.h>
#include <time.h>

static usec read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (usec)t.tv_sec * SECOND + t.tv_nsec / 1000;
}

static usec system_now(struct clock *c)
{
    return read_clock(CLOCK_REALTIME);
}
struct clock system_clock = {system_now};

static usec test_now(struct clock *c)
{
    return ((struct test_clock *)c)->at;
}

struct test_clock test_clock_at(usec at)
{
    return (struct test_clock){{test_now}, at};
}

usec time_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

// Howard Hinnant, "chrono-compatible low-level date algorithms": years begin in March, 400 years are an era.
int64_t date_days(struct date d)
{
    int64_t y = d.month <= 2 ? d.year - 1 : d.year, era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
    int64_t doy = (153 * (d.month + (d.month > 2 ? -3 : 9)) + 2) / 5 + d.day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

struct date date_from_days(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t m = (5 * doy + 2) / 153;
    int month = (int)(m < 10 ? m + 3 : m - 9);
    return (struct date){(int)(yoe + era * 400 + (month <= 2)), month, (int)(doy - (153 * m + 2) / 5 + 1)};
}

bool date_valid(struct date d)
{
    if (d.month < 1 || d.month > 12 || d.day < 1 || d.year < -9999 || d.year > 9999)
        return false;
    struct date again = date_from_days(date_days(d));
    return again.year == d.year && again.month == d.month && again.day == d.day;
}

static char *digits(char *at, int64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + count;
}

struct str time_text(usec t, char out[TIME_TEXT])
{
    int64_t days = t / DAY - (t % DAY < 0);
    usec rest = t - days * DAY;
    struct date d = date_from_days(days);
    char *at = digits(out, d.year, 4);
    *at++ = '-';
    at = digits(at, d.month, 2);
    *at++ = '-';
    at = digits(at, d.day, 2);
    *at++ = 'T';
    at = digits(at, rest / HOUR, 2);
    *at++ = ':';
    at = digits(at, rest / MINUTE % 60, 2);
    *at++ = ':';
    at = digits(at, rest / SECOND % 60, 2);
    *at++ = '.';
    at = digits(at, rest % SECOND, 6);
    *at++ = 'Z';
    *at = 0;
    return (struct str){out, (size_t)(at - out)};
}

static bool number(struct str s, size_t at, size_t count, int *value)
{
    *value = 0;
    if (s.len < at + count)
        return false;
    for (size_t i = at; i < at + count; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        *value = *value * 10 + (s.at[i] - '0');
    }
    return true;
}

bool time_parse(struct str s, usec *t)
{
    struct date d;
    int hour, minute, second;
    if (!number(s, 0, 4, &d.year) || !number(s, 5, 2, &d.month) || !number(s, 8, 2, &d.day) || !number(s, 11, 2, &hour) ||
        !number(s, 14, 2, &minute) || !number(s, 17, 2, &second))
        return false;
    if (s.at[4] != '-' || s.at[7] != '-' || (s.at[10] != 'T' && s.at[10] != 't' && s.at[10] != ' ') || s.at[13] != ':' ||
        s.at[16] != ':' || !date_valid(d) || hour > 23 || minute > 59 || second > 59)
        return false;
    size_t i = 19;
    usec fraction = 0;
    if (i < s.len && s.at[i] == '.') {
        size_t from = ++i;
        usec unit = SECOND / 10;
        for (; i < s.len && s.at[i] >= '0' && s.at[i] <= '9'; i++, unit /= 10)
            fraction += unit * (s.at[i] - '0');
        if (i == from || i - from > 9)
            return false;
    }
    usec offset = 0;
    struct str zone = str_sub(s, i, s.len);
    if (zone.len == 6 && (zone.at[0] == '+' || zone.at[0] == '-') && zone.at[3] == ':') {
        int h, m;
        if (!number(zone, 1, 2, &h) || !number(zone, 4, 2, &m) || h > 23 || m > 59)
            return false;
        offset = (h * HOUR + m * MINUTE) * (zone.at[0] == '-' ? -1 : 1);
    } else if (!(zone.len == 1 && (zone.at[0] == 'Z' || zone.at[0] == 'z'))) {
        return false;
    }
    *t = date_days(d) * DAY + hour * HOUR + minute * MINUTE + second * SECOND + fraction - offset;
    return true;
}
