// Which characters are written without spaces, so that character n-grams stand for words.
#pragma once
#include <stdbool.h>
#include <stdint.h>

static inline bool char_is_ngram(int32_t c)
{
    return (c >= 0x2E80 && c <= 0x2FDF) ||   // radicals
           (c >= 0x3005 && c <= 0x3007) ||   // 々〆〇
           (c >= 0x3040 && c <= 0x30FF) ||   // kana
           (c >= 0x3400 && c <= 0x4DBF) ||   // extension A
           (c >= 0x4E00 && c <= 0x9FFF) ||   // unified ideographs
           (c >= 0xAC00 && c <= 0xD7A3) ||   // hangul syllables
           (c >= 0xF900 && c <= 0xFAFF) ||   // compatibility ideographs
           (c >= 0x20000 && c <= 0x3FFFF);   // extensions B …
}
