// The canonical form of what people type, so that the same words compare equal: NFKC with case folding (which also folds full and half
// width), traditional characters as simplified ones, emoji taken out, white space collapsed. See README.md for the sources.
#pragma once
#include "base/str.h"

enum text_lang { TEXT_OTHER, TEXT_ZH, TEXT_EN, TEXT_MIXED };

struct text {
    struct str plain;      // the canonical form in UTF-8
    const uint16_t *units; // the same in UTF-16, for segmentation
    size_t unit_count;
    int chars;      // code points of the canonical form
    int han;        // ideographs
    int words;      // runs of alphabetic letters
    int digits;     // digits
    int emoji;      // emoji that were taken out
    enum text_lang lang;
};
// Never fails: malformed UTF-8 becomes U+FFFD, which counts as nothing. Everything lives in the arena.
struct text text_normalise(struct arena *a, struct str raw);
