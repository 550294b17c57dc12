// From a text to the tokens that the index counts. Chinese: single characters, pairs of neighbours, and dictionary words of three or more
// characters (ICU). Alphabetic scripts: words, lightly stemmed. Numbers as they stand.
#pragma once
#include "text/normalise.h"

enum token_kind {
    TOKEN_CHAR,
    TOKEN_PAIR,
    TOKEN_TERM,
    TOKEN_WORD,
    TOKEN_NUMBER,
    TOKEN_WORD_PAIR,   // two words in a row
    TOKEN_COMMON,      // from here on, what says how something is asked rather than what about: "the", "how"
    TOKEN_COMMON_CHAR, // 的
    TOKEN_COMMON_PAIR, // 怎么
    TOKEN_COMMON_TERM, // 什么时候
    TOKEN_KINDS
};

struct token {
    uint64_t id;      // hash of its text: the same in every process
    uint32_t at, len; // in text.units
    enum token_kind kind;
};
struct tokens {
    struct token *at;
    size_t count;
};
struct tokens text_tokenise(struct arena *a, const struct text *t);
struct str token_text(struct arena *a, const struct text *t, const struct token *k); // as it stands in the text, for the trace
