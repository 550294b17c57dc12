#include "base/money.h"

bool fen_parse(struct str s, fen *amount)
{
    bool minus = s.len && s.at[0] == '-';
    size_t i = minus, whole_from = i;
    fen value = 0;
    int decimals = -1;
    for (; i < s.len; i++) {
        char c = s.at[i];
        if (c == '.' && decimals < 0 && i > whole_from) {
            decimals = 0;
        } else if (c >= '0' && c <= '9' && decimals < 2) {
            if (value > (FEN_MAX - (c - '0')) / 10)
                return false;
            value = value * 10 + (c - '0');
            decimals += decimals >= 0;
        } else {
            return false;
        }
    }
    if (i == whole_from || decimals == 0)
        return false;
    for (int missing = decimals < 0 ? 2 : 2 - decimals; missing; missing--) {
        if (value > FEN_MAX / 10)
            return false;
        value *= 10;
    }
    *amount = minus ? -value : value;
    return true;
}

struct str fen_text(struct arena *a, fen amount)
{
    uint64_t v = amount < 0 ? 0 - (uint64_t)amount : (uint64_t)amount;
    return str_printf(a, "%s%llu.%02llu", amount < 0 ? "-" : "", (unsigned long long)(v / 100), (unsigned long long)(v % 100));
}

bool fen_ratio(fen amount, int64_t numerator, int64_t denominator, fen *result)
{
    if (denominator == 0)
        return false;
    __extension__ typedef __int128 wide;
    wide product = (wide)amount * numerator, by = denominator;
    bool minus = (product < 0) != (by < 0);
    product = product < 0 ? -product : product;
    by = by < 0 ? -by : by;
    wide rounded = (product * 2 + by) / (by * 2);
    if (rounded > FEN_MAX)
        return false;
    *result = minus ? -(fen)rounded : (fen)rounded;
    return true;
}
