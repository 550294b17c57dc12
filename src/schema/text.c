#include "schema/text.h"

#include "base/buf.h"
#include "base/time.h"

static bool is_space(uint32_t p)
{
    return p == ' ' || p == '\t' || p == '\n' || p == '\r' || p == 0xA0 || p == 0x3000 || p == 0xFEFF;
}

static bool is_control(uint32_t p)
{
    return p < 0x20 || (p >= 0x7F && p < 0xA0) || p == 0x2028 || p == 0x2029 || (p >= 0x202A && p <= 0x202E) ||
           (p >= 0x2066 && p <= 0x2069) || p == 0xFFFE || p == 0xFFFF;
}

bool text_clean(struct arena *a, struct str raw, bool multiline, bool trim, struct str *out)
{
    size_t first = raw.len, last = 0;
    bool returns = false;
    for (size_t i = 0; i < raw.len;) {
        size_t from = i;
        uint32_t p = str_next_char(raw, &i);
        if (!trim || !is_space(p)) {
            if (first == raw.len)
                first = from;
            last = i;
        }
    }
    struct str v = first < last ? str_sub(raw, first, last - first) : STR("");
    for (size_t i = 0; i < v.len;) {
        uint32_t p = str_next_char(v, &i);
        if (p == '\r')
            returns = true;
        if (is_control(p) && !(multiline && (p == '\n' || p == '\r' || p == '\t')))
            return false;
    }
    if (!returns) {
        *out = str_dup(a, v);
        return true;
    }
    struct buf b = {.arena = a};
    for (size_t i = 0; i < v.len; i++) {
        if (v.at[i] != '\r')
            buf_putc(&b, v.at[i]);
        else if (i + 1 == v.len || v.at[i + 1] != '\n')
            buf_putc(&b, '\n');
    }
    *out = buf_str(&b);
    return true;
}

static bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}
static bool is_alnum(char ch)
{
    return is_digit(ch) || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

static bool domain_ok(struct str domain)
{
    int labels = 0;
    struct str label;
    while (str_split(&domain, '.', &label)) {
        if (!label.len || label.len > 63 || label.at[0] == '-' || label.at[label.len - 1] == '-')
            return false;
        for (size_t i = 0; i < label.len; i++)
            if (!is_alnum(label.at[i]) && label.at[i] != '-')
                return false;
        labels++;
    }
    return labels >= 2;
}

bool text_email(struct arena *a, struct str v, struct str *out)
{
    size_t at;
    if (v.len > 254 || !str_find(v, STR("@"), &at) || at == 0 || at > 64)
        return false;
    struct str local = str_sub(v, 0, at), domain = str_sub(v, at + 1, v.len - at - 1);
    if (local.at[0] == '.' || local.at[at - 1] == '.' || !domain_ok(domain))
        return false;
    for (size_t i = 0; i < local.len; i++) {
        char ch = local.at[i];
        if (!is_alnum(ch) && (!ch || !strchr("!#$%&'*+-/=?^_`{|}~.", ch)))
            return false;
        if (ch == '.' && local.at[i + 1] == '.')
            return false;
    }
    char *low = arena_alloc(a, v.len + 1);
    for (size_t i = 0; i < v.len; i++)
        low[i] = v.at[i] >= 'A' && v.at[i] <= 'Z' ? (char)(v.at[i] + 32) : v.at[i];
    *out = (struct str){low, v.len};
    return true;
}

bool text_phone(struct arena *a, struct str v, struct str *out)
{
    char digits[24];
    size_t count = 0;
    bool plus = false;
    for (size_t i = 0; i < v.len;) {
        uint32_t p = str_next_char(v, &i);
        if (p >= 0xFF10 && p <= 0xFF19) // full-width digits, as Chinese input methods give them
            p = p - 0xFF10 + '0';
        if (p == '+' && !count && !plus)
            plus = true;
        else if (p >= '0' && p <= '9' && count < sizeof digits - 1)
            digits[count++] = (char)p;
        else if (p != ' ' && p != '-' && p != '(' && p != ')' && p != '.')
            return false;
    }
    struct str d = {digits, count};
    if (!plus && str_starts(d, STR("00"))) {
        plus = true;
        d = str_sub(d, 2, d.len - 2);
    }
    struct str national = d;
    bool china = !plus;
    if (plus && str_starts(d, STR("86"))) {
        china = true;
        national = str_sub(d, 2, d.len - 2);
    }
    if (!china) {
        if (d.len < 7 || d.len > 15 || d.at[0] == '0')
            return false;
        *out = str_printf(a, "+" STR_FMT, STR_ARG(d));
        return true;
    }
    bool mobile = national.len == 11 && national.at[0] == '1' && national.at[1] >= '3';
    bool trunk = national.len && national.at[0] == '0'; // a landline as dialled inside the country
    if (trunk)
        national = str_sub(national, 1, national.len - 1);
    bool landline = (trunk || plus) && national.len >= 9 && national.len <= 11 && national.at[0] != '0' &&
                    !(national.at[0] == '1' && national.at[1] != '0');
    if (!mobile && !landline)
        return false;
    *out = str_printf(a, "+86" STR_FMT, STR_ARG(national));
    return true;
}

bool text_url(struct str v, struct str *out)
{
    size_t scheme = str_starts(v, STR("https://")) ? 8 : str_starts(v, STR("http://")) ? 7 : 0;
    if (!scheme)
        return false;
    struct str host = str_sub(v, scheme, v.len - scheme);
    for (size_t i = 0; i < v.len; i++)
        if ((unsigned char)v.at[i] <= ' ' || strchr("\"<>\\^`{|}", v.at[i]))
            return false;
    for (size_t i = 0; i < host.len; i++)
        if (host.at[i] == '/' || host.at[i] == '?' || host.at[i] == '#') {
            host.len = i;
            break;
        }
    if (!host.len || host.len > 255 || memchr(host.at, '@', host.len) || host.at[0] == ':' || host.at[0] == '.')
        return false;
    *out = v;
    return true;
}

bool text_color(struct arena *a, struct str v, struct str *out)
{
    if (v.len != 7 || v.at[0] != '#')
        return false;
    uint8_t bytes[3];
    if (!str_unhex(str_sub(v, 1, 6), bytes, 3))
        return false;
    *out = str_printf(a, "#%02x%02x%02x", bytes[0], bytes[1], bytes[2]);
    return true;
}

bool text_date(struct str v, int64_t *days)
{
    if (v.len != 10 || v.at[4] != '-' || v.at[7] != '-')
        return false;
    for (size_t i = 0; i < 10; i++)
        if (i != 4 && i != 7 && !is_digit(v.at[i]))
            return false;
    int64_t y, m, d;
    str_int(str_sub(v, 0, 4), &y), str_int(str_sub(v, 5, 2), &m), str_int(str_sub(v, 8, 2), &d);
    struct date date = {(int)y, (int)m, (int)d};
    if (!y || !date_valid(date))
        return false;
    *days = date_days(date);
    return true;
}
