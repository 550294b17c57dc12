#include "text/normalise.h"

#include <opencc/opencc.h>
#include <pthread.h>
#include <stdlib.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "base/error.h"
#include "base/log.h"
#include "text/han.h"

// OpenCC's t2s dictionaries take about 1 MiB and 2 ms here, once a process, when the first text with ideographs comes. Converting is
// const on the C++ side, so the threads share one converter.
static opencc_t converter;
static pthread_once_t converter_once = PTHREAD_ONCE_INIT;

static void converter_open(void)
{
    converter = opencc_open("t2s.json");
    if (converter == (opencc_t)-1) {
        converter = NULL;
        LOG_WARN("opencc_missing", "reason", opencc_error(), NULL); // texts stay comparable, but 繁 and 简 differ
    }
}

static const UNormalizer2 *folder;
static pthread_once_t folder_once = PTHREAD_ONCE_INIT;

static void folder_open(void)
{
    UErrorCode status = U_ZERO_ERROR;
    folder = unorm2_getNFKCCasefoldInstance(&status);
    ASSERT(U_SUCCESS(status), "ICU has no NFKC_Casefold data");
}

static UChar *from_utf8(struct arena *a, struct str s, size_t *count)
{
    UChar *units = ARENA_ARRAY(a, UChar, s.len + 1); // never more units than bytes
    int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8WithSub(units, (int32_t)s.len + 1, &length, s.at, (int32_t)s.len, 0xFFFD, NULL, &status);
    ASSERT(U_SUCCESS(status), "UTF-8 with substitution cannot fail");
    *count = (size_t)length;
    return units;
}

static struct str to_utf8(struct arena *a, const UChar *units, size_t count)
{
    char *bytes = arena_alloc(a, count * 3 + 1);
    int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strToUTF8WithSub(bytes, (int32_t)(count * 3 + 1), &length, units, (int32_t)count, 0xFFFD, NULL, &status);
    ASSERT(U_SUCCESS(status), "UTF-16 with substitution cannot fail");
    return (struct str){bytes, (size_t)length};
}

static UChar *fold(struct arena *a, const UChar *units, size_t *count)
{
    pthread_once(&folder_once, folder_open);
    size_t room = *count + 16;
    for (;;) {
        UChar *out = ARENA_ARRAY(a, UChar, room);
        UErrorCode status = U_ZERO_ERROR;
        int32_t length = unorm2_normalize(folder, units, (int32_t)*count, out, (int32_t)room, &status);
        if (U_SUCCESS(status)) {
            *count = (size_t)length;
            return out;
        }
        ASSERT(status == U_BUFFER_OVERFLOW_ERROR, "normalisation fails for want of room only");
        room = (size_t)length + 1;
    }
}

static bool is_emoji(UChar32 c)
{
    if (c < 0x203C)
        return false;
    return u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC) || u_hasBinaryProperty(c, UCHAR_EMOJI_MODIFIER) ||
           u_hasBinaryProperty(c, UCHAR_REGIONAL_INDICATOR) || c == 0x20E3;
}

// Takes out emoji and what cannot be seen, collapses white space, counts what the guards and the language guess ask for. In place.
static size_t clean(UChar *units, size_t count, struct text *t)
{
    size_t out = 0;
    bool space = true, in_word = false;
    for (size_t i = 0; i < count;) {
        UChar32 c;
        U16_NEXT(units, i, count, c);
        if (is_emoji(c)) {
            t->emoji++;
            c = ' ';
        }
        if (c == 0xFFFD || u_isUWhiteSpace(c) || u_iscntrl(c) || u_charType(c) == U_FORMAT_CHAR)
            c = ' ';
        if (c == ' ') {
            in_word = false;
            if (!space) {
                units[out++] = ' ';
                t->chars++;
            }
            space = true;
            continue;
        }
        space = false;
        bool letter = u_isalpha(c), ideograph = letter && char_is_ngram(c);
        t->chars++;
        t->han += ideograph;
        t->digits += u_isdigit(c);
        t->words += letter && !ideograph && !in_word;
        in_word = (letter && !ideograph) || (in_word && (c == '\'' || c == 0x2019));
        U16_APPEND_UNSAFE(units, out, c); // never overtakes i: a code point takes the units that it had
    }
    if (out && units[out - 1] == ' ') {
        out--;
        t->chars--;
    }
    return out;
}

static enum text_lang guess(const struct text *t)
{
    if (t->han == 0)
        return t->words ? TEXT_EN : TEXT_OTHER;
    if (t->words == 0 || t->han >= 2 * t->words)
        return TEXT_ZH; // "怎么开通 Level-2": names and units in Latin letters are usual in Chinese
    return TEXT_MIXED;
}

struct text text_normalise(struct arena *a, struct str raw)
{
    struct text t = {0};
    size_t count;
    UChar *units = from_utf8(a, raw, &count);
    units = fold(a, units, &count);
    count = clean(units, count, &t);
    t.plain = to_utf8(a, units, count);
    if (t.han) {
        pthread_once(&converter_once, converter_open);
        char *simplified = converter ? opencc_convert_utf8(converter, t.plain.at, t.plain.len) : NULL;
        if (simplified) {
            struct str s = str_of(simplified);
            if (!str_eq(s, t.plain)) {
                t.plain = str_dup(a, s);
                units = from_utf8(a, t.plain, &count);
            }
            opencc_convert_utf8_free(simplified);
        }
    }
    t.units = units;
    t.unit_count = count;
    t.lang = guess(&t);
    return t;
}
