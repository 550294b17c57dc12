#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"

static enum log_level least_level = LOG_LEVEL_INFO;
static bool as_json;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_setup(enum log_level least, bool json)
{
    least_level = least;
    as_json = json;
}

struct line {
    char at[2048];
    size_t len;
};

static void put(struct line *l, const char *bytes, size_t count)
{
    size_t room = sizeof l->at - 8 - l->len; // always room for the end
    if (count > room)
        count = room;
    memcpy(l->at + l->len, bytes, count);
    l->len += count;
}

// A value never breaks the line: control characters, quotes and backslashes are escaped.
static void put_value(struct line *l, const char *value, bool quoted)
{
    if (quoted)
        put(l, "\"", 1);
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        char escaped[8];
        if (c == '"' || c == '\\')
            put(l, (char[]){'\\', (char)c}, 2);
        else if (c < 0x20 || c == 0x7F)
            put(l, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", c));
        else
            put(l, value, 1);
    }
    if (quoted)
        put(l, "\"", 1);
}

static void put_pair(struct line *l, const char *key, const char *value)
{
    bool quoted = as_json || !*value || strpbrk(value, " =\"\\\n\r\t");
    if (l->len > 1)
        put(l, as_json ? "," : " ", 1);
    if (as_json)
        put(l, "\"", 1);
    put(l, key, strlen(key));
    put(l, as_json ? "\":" : "=", as_json ? 2 : 1);
    put_value(l, value, quoted);
}

void log_line(enum log_level level, const char *event, ...)
{
    if (level < least_level)
        return;
    struct line l;
    l.len = 0;
    if (as_json)
        put(&l, "{", 1);
    char moment[TIME_TEXT];
    time_text(clock_now(&system_clock), moment);
    put_pair(&l, "at", moment);
    put_pair(&l, "level", level_names[level]);
    put_pair(&l, "event", event);
    va_list args;
    va_start(args, event);
    for (const char *key; (key = va_arg(args, const char *));) {
        const char *value = va_arg(args, const char *);
        put_pair(&l, key, value ? value : "");
    }
    va_end(args);
    l.len = l.len < sizeof l.at - 8 ? l.len : sizeof l.at - 8;
    if (as_json)
        l.at[l.len++] = '}';
    l.at[l.len++] = '\n';
    if (write(STDERR_FILENO, l.at, l.len) < 0)
        return; // nobody listens: nothing better to do than to go on
}

const char *log_int(char out[24], long long value)
{
    snprintf(out, 24, "%lld", value);
    return out;
}
