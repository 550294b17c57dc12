#include "base/lang.h"

#include "base/buf.h"

static const struct message *find(const char *key)
{
    unsigned low = 0, high = message_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int order = strcmp(key, message_table[middle].key);
        if (!order)
            return &message_table[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool message_exists(const char *key)
{
    return find(key) != NULL;
}

struct str message_text(struct arena *a, enum lang lang, const char *key, const struct str *args, size_t count)
{
    const struct message *m = find(key);
    if (!m)
        return str_dup(a, str_of(key));
    struct buf out = {.arena = a};
    for (const char *at = m->text[lang]; *at; at++) {
        if (at[0] == '{' && at[1] >= '0' && at[1] <= '9' && at[2] == '}') {
            size_t n = (size_t)(at[1] - '0');
            if (n < count)
                buf_str_add(&out, args[n]);
            at += 2;
        } else {
            buf_putc(&out, *at);
        }
    }
    return buf_str(&out);
}

enum lang lang_from_header(struct str header, enum lang otherwise)
{
    // The first tag that is ours with the highest weight; weights other than 1 are compared by their digits after "q=0.".
    enum lang best = otherwise;
    int best_weight = 0;
    struct str part;
    while (str_split(&header, ',', &part)) {
        struct str tag;
        str_split(&part, ';', &tag);
        tag = str_trim(tag);
        int weight = 1000;
        part = part.at ? str_trim(part) : part;
        if (part.at && str_starts(part, STR("q="))) {
            weight = part.len > 2 && part.at[2] == '1' ? 1000 : 0;
            for (size_t i = 4, unit = 100; weight < 1000 && i < part.len && i < 7; i++, unit /= 10)
                weight += (part.at[i] - '0') * (int)unit;
        }
        struct str main_tag = str_sub(tag, 0, 2);
        bool zh = str_eq_nocase(main_tag, STR("zh")), en = str_eq_nocase(main_tag, STR("en"));
        if ((zh || en) && (tag.len == 2 || tag.at[2] == '-' || tag.at[2] == '_') && weight > best_weight) {
            best = zh ? LANG_ZH : LANG_EN;
            best_weight = weight;
        }
    }
    return best;
}

const char *lang_tag(enum lang lang)
{
    return lang == LANG_ZH ? "zh-CN" : "en-US";
}
