// Money: 64-bit integer fen (1/100 yuan). Floating point never touches it.
#pragma once
#include "base/str.h"

typedef int64_t fen;

#define FEN_MAX 99999999999999999 // 999,999,999,999,999.99 yuan

bool fen_parse(struct str text, fen *amount); // "1234.5", "-3", up to two decimals, no separators, within ±FEN_MAX
struct str fen_text(struct arena *a, fen amount); // "1234.50"
// numerator/denominator of the amount, rounded half up (away from zero), as RULES "Money" says; false on overflow.
bool fen_ratio(fen amount, int64_t numerator, int64_t denominator, fen *result);
