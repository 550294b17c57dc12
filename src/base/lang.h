// The texts that people read, compiled from lang/*.txt. Code holds keys, never texts.
#pragma once
#include "base/str.h"

enum lang { LANG_ZH, LANG_EN, LANG_COUNT };

struct message {
    const char *key;
    const char *text[LANG_COUNT];
};
extern const struct message message_table[]; // sorted by key
extern const unsigned message_count;

// The text with {0} {1} {2} replaced by args (not escaped). An unknown key gives the key itself, and a unit test fails.
struct str message_text(struct arena *a, enum lang lang, const char *key, const struct str *args, size_t count);
bool message_exists(const char *key);
enum lang lang_from_header(struct str accept_language, enum lang otherwise); // best of an Accept-Language header or a tag
const char *lang_tag(enum lang lang);                                       // "zh-CN", "en-US"
