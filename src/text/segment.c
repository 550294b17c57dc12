#include "text/segment.h"

#include <pthread.h>
#include <stdlib.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "base/error.h"
#include "base/vec.h"
#include "text/han.h"

// A break iterator belongs to one thread; it is opened when the thread first meets ideographs and closed when the thread ends.
static pthread_key_t breaker_key;
static pthread_once_t breaker_once = PTHREAD_ONCE_INIT;

static void breaker_close(void *breaker)
{
    ubrk_close(breaker);
}
static void breaker_setup(void)
{
    int failed = pthread_key_create(&breaker_key, breaker_close);
    ASSERT(!failed, "no thread key left");
}
static UBreakIterator *breaker(void)
{
    pthread_once(&breaker_once, breaker_setup);
    UBreakIterator *b = pthread_getspecific(breaker_key);
    if (!b) {
        UErrorCode status = U_ZERO_ERROR;
        b = ubrk_open(UBRK_WORD, "zh", NULL, 0, &status);
        ASSERT(U_SUCCESS(status), "ICU has no word break data");
        pthread_setspecific(breaker_key, b);
    }
    return b;
}

struct reading {
    struct arena *arena;
    const UChar *units;
    UChar last[64]; // the word before, stemmed
    size_t last_len, last_at;
    VEC(struct token);
};

static uint64_t hash_units(const UChar *units, size_t count)
{
    uint64_t h = 0xcbf29ce484222325u ^ count; // FNV-1a over units, then splitmix64's finisher
    for (size_t i = 0; i < count; i++)
        h = (h ^ units[i]) * 0x100000001b3u;
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return h ^ h >> 31;
}

static void push(struct reading *r, const UChar *text, size_t text_len, size_t at, size_t len, enum token_kind kind)
{
    VEC_PUSH(r->arena, r, (struct token){hash_units(text, text_len), (uint32_t)at, (uint32_t)len, kind});
}

// Stemming by a few endings of English (Harman 1991, "How effective is suffixing?", extended by -ing, -ed and silent e). It only has to
// bring the forms of one word together; it need not give a word. Works on ASCII letters in place, returns the new length.
static bool is_vowel(UChar c)
{
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}
static bool has_vowel(const UChar *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_vowel(w[i]))
            return true;
    return false;
}
static size_t undouble(const UChar *w, size_t n)
{
    bool doubled = n > 2 && w[n - 1] == w[n - 2] && !is_vowel(w[n - 1]);
    return doubled && w[n - 1] != 'l' && w[n - 1] != 's' && w[n - 1] != 'z' ? n - 1 : n;
}
static size_t stem(UChar *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (w[i] < 'a' || w[i] > 'z')
            return n;
    if (n > 4 && w[n - 1] == 's' && w[n - 2] == 'e' && w[n - 3] == 'i') {
        n -= 2;
        w[n - 1] = 'y'; // deliveries → delivery
    } else if (n > 3 && w[n - 1] == 's' && w[n - 2] != 's' && w[n - 2] != 'u' && w[n - 2] != 'i') {
        n--;
        bool sibilant = n > 3 && w[n - 1] == 'e' &&
                        (w[n - 2] == 'x' || (w[n - 2] == 's' && w[n - 3] == 's') ||
                         (w[n - 2] == 'h' && (w[n - 3] == 'c' || w[n - 3] == 's')));
        n -= sibilant; // boxes → box, addresses → address
    }
    if (n > 5 && w[n - 1] == 'g' && w[n - 2] == 'n' && w[n - 3] == 'i' && has_vowel(w, n - 3))
        n = undouble(w, n - 3); // shipping → ship
    else if (n > 4 && w[n - 1] == 'd' && w[n - 2] == 'e' && w[n - 3] != 'e' && has_vowel(w, n - 2))
        n = undouble(w, n - 2); // returned → return
    if (n > 4 && w[n - 1] == 'e')
        n--; // change, changed → chang
    if (n > 3 && w[n - 1] == 'y' && !is_vowel(w[n - 2]))
        w[n - 1] = 'i'; // delivery, deliveried
    return n;
}

// Words that say how something is asked, not what about. In a large collection their frequency would tell; a small one has too few texts for that.
static bool is_common(const UChar *w, size_t n)
{
    static const char *const words[] = {"a", "about", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did",
                                        "do", "does", "for", "from", "had", "has", "have", "hello", "here", "hi", "how", "i", "if", "in", "into", "is",
                                        "it", "just", "ll", "m", "may", "me", "might", "my", "need", "of", "on", "or", "our", "please", "re", "s", "shall",
                                        "should", "so", "some", "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
                                        "those", "to", "too", "us", "ve", "want", "was", "we", "were", "what", "when", "where", "which", "who", "why",
                                        "will", "with", "would", "you", "your"};
    size_t from = 0, to = sizeof words / sizeof words[0];
    while (from < to) {
        size_t middle = (from + to) / 2, i = 0;
        while (i < n && words[middle][i] && (UChar)words[middle][i] == w[i])
            i++;
        if (i == n && !words[middle][i])
            return true;
        if (i == n || (words[middle][i] && (UChar)words[middle][i] > w[i]))
            to = middle;
        else
            from = middle + 1;
    }
    return false;
}
static const UChar not_word[] = {'n', 'o', 't'};

// The same of Chinese, in the order of their numbers.
static const UChar function_chars[] = u"一下与个为么之也了于些什他以们会但何你候儿其再办又可吗吧呀呢咋和咱哈哦哪啊啥嘛因在地太她"
                                      u"如它对就己帮应很得怎您想我或所才把是有果样求没烦的着给而能自被要让该请跟过还这那都里问麻";
static bool is_function_char(UChar c)
{
    size_t from = 0, to = sizeof function_chars / sizeof *function_chars - 1;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (function_chars[middle] == c)
            return true;
        if (function_chars[middle] > c)
            to = middle;
        else
            from = middle + 1;
    }
    return false;
}
// Of such characters alone, 时 within 什么时候 included.
static bool is_function_phrase(const UChar *units, size_t count)
{
    size_t known = 0, inside = 0;
    for (size_t i = 0; i < count; i++) {
        known += is_function_char(units[i]);
        inside += units[i] == u'时';
    }
    return known && known + inside == count;
}

// One run of letters with apostrophes inside: can't → can, not; order's → order.
static void add_word(struct reading *r, size_t at, size_t end)
{
    UChar word[64];
    size_t len = end - at, kept = len;
    for (size_t i = 0; i < len; i++)
        if (r->units[at + i] == '\'' || r->units[at + i] == 0x2019) {
            kept = i;
            break;
        }
    bool negated = kept < len && kept > 1 && r->units[at + kept - 1] == 'n' && end - at - kept == 2 && r->units[end - 1] == 't';
    if (kept == len && len > 64) {
        push(r, r->units + at, len, at, len, TOKEN_WORD);
        return;
    }
    if (negated)
        kept--;
    if (negated && kept == 2 && r->units[at] == 'c' && r->units[at + 1] == 'a')
        kept++; // ca|n't
    size_t n = kept < 64 ? kept : 64;
    memcpy(word, r->units + at, n * sizeof *word);
    bool common = is_common(word, n);
    n = stem(word, n);
    push(r, word, n, at, len, common ? TOKEN_COMMON : TOKEN_WORD);
    if (r->last_len) {
        UChar pair[2 * sizeof word / sizeof *word + 1];
        memcpy(pair, r->last, r->last_len * sizeof *pair);
        pair[r->last_len] = ' ';
        memcpy(pair + r->last_len + 1, word, n * sizeof *pair);
        push(r, pair, r->last_len + 1 + n, r->last_at, end - r->last_at, TOKEN_WORD_PAIR);
    }
    memcpy(r->last, word, n * sizeof *word);
    r->last_len = n;
    r->last_at = at;
    if (negated)
        push(r, not_word, 3, at, len, TOKEN_WORD);
}

static void add_terms(struct reading *r, const struct text *t)
{
    UBreakIterator *b = breaker();
    UErrorCode status = U_ZERO_ERROR;
    ubrk_setText(b, t->units, (int32_t)t->unit_count, &status);
    ASSERT(U_SUCCESS(status), "a break iterator takes any text");
    for (int32_t from = ubrk_first(b), to; (to = ubrk_next(b)) != UBRK_DONE; from = to)
        if (to - from >= 3 && ubrk_getRuleStatus(b) >= UBRK_WORD_KANA)
            push(r, t->units + from, (size_t)(to - from), (size_t)from, (size_t)(to - from),
                 is_function_phrase(t->units + from, (size_t)(to - from)) ? TOKEN_COMMON_TERM : TOKEN_TERM);
    ubrk_setText(b, NULL, 0, &status); // the text's arena goes away before the iterator does
}

struct tokens text_tokenise(struct arena *a, const struct text *t)
{
    struct reading r = {.arena = a, .units = t->units};
    size_t before = 0; // where the ideograph just before starts, as long as last_end == at
    size_t last_end = SIZE_MAX;
    for (size_t i = 0; i < t->unit_count;) {
        size_t at = i;
        UChar32 c;
        U16_NEXT(t->units, i, t->unit_count, c);
        if (u_isdigit(c)) {
            size_t end = i;
            while (end < t->unit_count && u_isdigit(t->units[end]))
                end++;
            push(&r, t->units + at, end - at, at, end - at, TOKEN_NUMBER);
            i = end;
        } else if (!u_isalpha(c)) {
            continue;
        } else if (char_is_ngram(c)) {
            push(&r, t->units + at, i - at, at, i - at, is_function_char(t->units[at]) ? TOKEN_COMMON_CHAR : TOKEN_CHAR);
            if (last_end == at)
                push(&r, t->units + before, i - before, before, i - before,
                     is_function_phrase(t->units + before, i - before) ? TOKEN_COMMON_PAIR : TOKEN_PAIR);
            before = at;
            last_end = i;
        } else {
            size_t end = i;
            while (end < t->unit_count) {
                size_t next = end;
                UChar32 d;
                U16_NEXT(t->units, next, t->unit_count, d);
                bool inside = (d == '\'' || d == 0x2019) && next < t->unit_count && u_isalpha(t->units[next]) &&
                              !char_is_ngram(t->units[next]);
                bool mark = u_charType(d) == U_NON_SPACING_MARK || u_charType(d) == U_COMBINING_SPACING_MARK;
                if (!inside && !mark && (!u_isalpha(d) || char_is_ngram(d)))
                    break;
                end = next;
            }
            add_word(&r, at, end);
            i = end;
        }
    }
    if (t->han >= 3)
        add_terms(&r, t);
    return (struct tokens){r.at, r.count};
}

struct str token_text(struct arena *a, const struct text *t, const struct token *k)
{
    char *bytes = arena_alloc(a, (size_t)k->len * 3 + 1);
    int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strToUTF8WithSub(bytes, (int32_t)(k->len * 3 + 1), &length, t->units + k->at, (int32_t)k->len, 0xFFFD, NULL, &status);
    return (struct str){bytes, (size_t)length};
}
