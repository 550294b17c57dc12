#include "schema/id.h"

#include <sodium.h>

// Crockford's alphabet in lower case: no letter that reads like a digit.
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
enum { DIGITS = 13, ROUNDS = 4 };

// A thing has one text for as long as the installation keeps its key, so the key is set once, before threads start.
static uint8_t round_key[ROUNDS][crypto_shorthash_KEYBYTES] = {{1}, {2}, {3}, {4}};

void id_setup(const uint8_t key[32])
{
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t info[8] = {'i', 'd', (uint8_t)i};
        crypto_generichash(round_key[i], sizeof round_key[i], info, sizeof info, key, 32);
    }
}

// The prefix takes part, so that the same number of two kinds gives unrelated texts.
static uint32_t round_of(int i, const char *prefix, size_t prefix_len, uint32_t half)
{
    uint8_t in[16] = {0}, out[crypto_shorthash_BYTES];
    memcpy(in, &half, 4);
    memcpy(in + 4, prefix, prefix_len);
    crypto_shorthash(out, in, sizeof in, round_key[i]);
    uint32_t v;
    memcpy(&v, out, 4);
    return v;
}

struct str id_text(const char *prefix, int64_t id, char out[ID_TEXT])
{
    size_t p = strlen(prefix);
    ASSERT(p && p + 1 + DIGITS < ID_TEXT, "an id's prefix has 1 to 9 characters");
    uint32_t left = (uint32_t)((uint64_t)id >> 32), right = (uint32_t)id;
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t next = left ^ round_of(i, prefix, p, right);
        left = right;
        right = next;
    }
    uint64_t v = (uint64_t)left << 32 | right;
    memcpy(out, prefix, p);
    out[p] = '_';
    for (int i = DIGITS; i--; v >>= 5)
        out[p + 1 + (size_t)i] = alphabet[v & 31];
    out[p + 1 + DIGITS] = 0;
    return (struct str){out, p + 1 + DIGITS};
}

struct str id_str(struct arena *a, const char *prefix, int64_t id)
{
    char text[ID_TEXT];
    return str_dup(a, id_text(prefix, id, text));
}

bool id_parse(const char *prefix, struct str text, int64_t *id)
{
    size_t p = strlen(prefix);
    if (text.len != p + 1 + DIGITS || memcmp(text.at, prefix, p) || text.at[p] != '_')
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < DIGITS; i++) {
        char ch = text.at[p + 1 + i];
        const char *digit = ch ? memchr(alphabet, ch, 32) : NULL;
        if (!digit || v >> 59) // 13 × 5 = 65 bits: the first one has to be zero, or one id would have two texts
            return false;
        v = v << 5 | (uint64_t)(digit - alphabet);
    }
    uint32_t left = (uint32_t)(v >> 32), right = (uint32_t)v;
    for (int i = ROUNDS; i--;) {
        uint32_t before = right ^ round_of(i, prefix, p, left);
        right = left;
        left = before;
    }
    v = (uint64_t)left << 32 | right;
    if (v == 0 || v >> 53) // no table gets there: an invented id is told from a real one before any query
        return false;
    *id = (int64_t)v;
    return true;
}

bool id_param(struct ctx *c, const char *prefix, struct str text, int64_t *id)
{
    return id_parse(prefix, text, id) || fail(c, ERR_NOT_FOUND, "not_found", NULL);
}
