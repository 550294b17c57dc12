#include "bot/phrases.h"

#include <unicode/uchar.h>

#include "text/han.h"

static const struct {
    const char *text;
    enum phrase what;
} phrases[] = {
    {"你好", PHRASE_GREETING}, {"您好", PHRASE_GREETING}, {"你好你好", PHRASE_GREETING}, {"您好您好", PHRASE_GREETING},
    {"嗨", PHRASE_GREETING}, {"哈喽", PHRASE_GREETING}, {"哈啰", PHRASE_GREETING}, {"哈罗", PHRASE_GREETING}, {"hi", PHRASE_GREETING},
    {"hello", PHRASE_GREETING}, {"hey", PHRASE_GREETING}, {"hi there", PHRASE_GREETING}, {"hello there", PHRASE_GREETING},
    {"hey there", PHRASE_GREETING}, {"greetings", PHRASE_GREETING}, {"good morning", PHRASE_GREETING}, {"good afternoon", PHRASE_GREETING},
    {"good evening", PHRASE_GREETING}, {"good day", PHRASE_GREETING}, {"are you there", PHRASE_GREETING}, {"anyone there", PHRASE_GREETING},
    {"anybody there", PHRASE_GREETING}, {"is anyone there", PHRASE_GREETING}, {"is anybody there", PHRASE_GREETING},
    {"在吗", PHRASE_GREETING}, {"在么", PHRASE_GREETING}, {"在嘛", PHRASE_GREETING}, {"在不在", PHRASE_GREETING}, {"在不", PHRASE_GREETING},
    {"你好在吗", PHRASE_GREETING}, {"您好在吗", PHRASE_GREETING}, {"有人吗", PHRASE_GREETING}, {"有人在吗", PHRASE_GREETING},
    {"有人么", PHRASE_GREETING}, {"亲", PHRASE_GREETING}, {"亲在吗", PHRASE_GREETING}, {"亲亲", PHRASE_GREETING}, {"早", PHRASE_GREETING},
    {"早上好", PHRASE_GREETING}, {"上午好", PHRASE_GREETING}, {"中午好", PHRASE_GREETING}, {"下午好", PHRASE_GREETING},
    {"晚上好", PHRASE_GREETING}, {"请问", PHRASE_GREETING}, {"你好请问", PHRASE_GREETING}, {"您好请问", PHRASE_GREETING},
    {"客服你好", PHRASE_GREETING}, {"客服您好", PHRASE_GREETING}, {"你好客服", PHRASE_GREETING}, {"您好客服", PHRASE_GREETING},
    {"我想问一下", PHRASE_GREETING}, {"问一下", PHRASE_GREETING}, {"咨询一下", PHRASE_GREETING}, {"我想咨询一下", PHRASE_GREETING},
    {"i have a question", PHRASE_GREETING}, {"excuse me", PHRASE_GREETING}, {"help", PHRASE_GREETING}, {"i need help", PHRASE_GREETING},
    {"can you help me", PHRASE_GREETING}, {"could you help me", PHRASE_GREETING}, {"please help", PHRASE_GREETING},
    {"好的", PHRASE_ACKNOWLEDGED}, {"好", PHRASE_ACKNOWLEDGED}, {"嗯", PHRASE_ACKNOWLEDGED}, {"嗯嗯", PHRASE_ACKNOWLEDGED},
    {"行", PHRASE_ACKNOWLEDGED}, {"可以", PHRASE_ACKNOWLEDGED}, {"知道", PHRASE_ACKNOWLEDGED}, {"我知道", PHRASE_ACKNOWLEDGED},
    {"明白", PHRASE_ACKNOWLEDGED}, {"懂", PHRASE_ACKNOWLEDGED}, {"收到", PHRASE_ACKNOWLEDGED}, {"了解", PHRASE_ACKNOWLEDGED},
    {"ok", PHRASE_ACKNOWLEDGED}, {"okay", PHRASE_ACKNOWLEDGED}, {"got it", PHRASE_ACKNOWLEDGED}, {"i see", PHRASE_ACKNOWLEDGED},
    {"great", PHRASE_ACKNOWLEDGED}, {"fine", PHRASE_ACKNOWLEDGED}, {"all right", PHRASE_ACKNOWLEDGED}, {"alright", PHRASE_ACKNOWLEDGED},
    {"understood", PHRASE_ACKNOWLEDGED}, {"cool", PHRASE_ACKNOWLEDGED}, {"perfect", PHRASE_ACKNOWLEDGED}, {"sure", PHRASE_ACKNOWLEDGED},
    {"你是谁", PHRASE_WHO}, {"您是谁", PHRASE_WHO}, {"你是机器人吗", PHRASE_WHO}, {"你是机器人", PHRASE_WHO}, {"是机器人吗", PHRASE_WHO},
    {"你是人工吗", PHRASE_WHO}, {"你是真人吗", PHRASE_WHO}, {"你是人吗", PHRASE_WHO}, {"你叫什么", PHRASE_WHO}, {"你叫什么名字", PHRASE_WHO},
    {"你能做什么", PHRASE_WHO}, {"你会做什么", PHRASE_WHO}, {"你会什么", PHRASE_WHO}, {"你能干什么", PHRASE_WHO}, {"你有什么用", PHRASE_WHO},
    {"who are you", PHRASE_WHO}, {"what are you", PHRASE_WHO}, {"are you a bot", PHRASE_WHO}, {"are you a robot", PHRASE_WHO},
    {"are you human", PHRASE_WHO}, {"are you a human", PHRASE_WHO}, {"are you real", PHRASE_WHO}, {"are you a real person", PHRASE_WHO},
    {"what can you do", PHRASE_WHO}, {"what is your name", PHRASE_WHO}, {"what's your name", PHRASE_WHO}, {"is this a bot", PHRASE_WHO},
    {"am i talking to a bot", PHRASE_WHO}, {"am i talking to a robot", PHRASE_WHO},
    {"谢谢", PHRASE_THANKS}, {"谢谢你", PHRASE_THANKS}, {"谢谢您", PHRASE_THANKS}, {"谢谢谢谢", PHRASE_THANKS}, {"多谢", PHRASE_THANKS},
    {"感谢", PHRASE_THANKS}, {"非常感谢", PHRASE_THANKS}, {"十分感谢", PHRASE_THANKS}, {"谢", PHRASE_THANKS}, {"谢谢亲", PHRASE_THANKS},
    {"好的谢谢", PHRASE_THANKS}, {"好谢谢", PHRASE_THANKS}, {"好的谢谢你", PHRASE_THANKS}, {"好的谢谢您", PHRASE_THANKS},
    {"知道了谢谢", PHRASE_THANKS}, {"明白了谢谢", PHRASE_THANKS}, {"麻烦你", PHRASE_THANKS}, {"辛苦", PHRASE_THANKS}, {"3q", PHRASE_THANKS},
    {"thanks", PHRASE_THANKS}, {"thank you", PHRASE_THANKS}, {"thx", PHRASE_THANKS}, {"ty", PHRASE_THANKS}, {"many thanks", PHRASE_THANKS},
    {"thanks a lot", PHRASE_THANKS}, {"thank you very much", PHRASE_THANKS}, {"thank you so much", PHRASE_THANKS},
    {"thanks so much", PHRASE_THANKS}, {"ok thanks", PHRASE_THANKS}, {"ok thank you", PHRASE_THANKS}, {"okay thanks", PHRASE_THANKS},
    {"great thanks", PHRASE_THANKS}, {"great thank you", PHRASE_THANKS}, {"perfect thanks", PHRASE_THANKS}, {"cheers", PHRASE_THANKS},
    {"that helps", PHRASE_THANKS}, {"much appreciated", PHRASE_THANKS}, {"thanks for your help", PHRASE_THANKS},
    {"thank you for your help", PHRASE_THANKS},
    {"再见", PHRASE_GOODBYE}, {"拜拜", PHRASE_GOODBYE}, {"拜", PHRASE_GOODBYE}, {"88", PHRASE_GOODBYE}, {"没事", PHRASE_GOODBYE},
    {"没有", PHRASE_GOODBYE}, {"没问题", PHRASE_GOODBYE}, {"没有问题", PHRASE_GOODBYE}, {"没别的", PHRASE_GOODBYE}, {"不用", PHRASE_GOODBYE},
    {"没有其他问题", PHRASE_GOODBYE}, {"谢谢再见", PHRASE_GOODBYE}, {"bye", PHRASE_GOODBYE}, {"bye bye", PHRASE_GOODBYE},
    {"goodbye", PHRASE_GOODBYE}, {"good bye", PHRASE_GOODBYE}, {"see you", PHRASE_GOODBYE}, {"see ya", PHRASE_GOODBYE},
    {"no thanks", PHRASE_GOODBYE}, {"no thank you", PHRASE_GOODBYE}, {"that's all", PHRASE_GOODBYE}, {"that is all", PHRASE_GOODBYE},
    {"nothing else", PHRASE_GOODBYE}, {"have a nice day", PHRASE_GOODBYE}, {"good night", PHRASE_GOODBYE}, {"晚安", PHRASE_GOODBYE},
};
// Polite openings written without a stop: what follows is the question.
static const char *const openings[] = {"你好", "您好", "请问一下", "请问", "我想请问", "我想问一下", "我想问下", "想问一下", "想问下", "问一下", "问下",
                                       "我想咨询一下", "想咨询一下", "咨询一下", "麻烦问一下", "麻烦问下", "不好意思"};
static const char *const particles[] = {"了", "啊", "呀", "呢", "吧", "哦", "噢", "哈", "啦", "嘛", "哟", "喔", "呐", "哒", "滴", "的", "~"};

static bool cut_end(struct str *s, const char *end)
{
    size_t len = strlen(end);
    if (s->len <= len || !str_ends(*s, str_of(end)))
        return false;
    s->len -= len;
    return true;
}

static enum phrase look_up(struct str s)
{
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (str_is(s, phrases[i].text))
            return phrases[i].what;
    return PHRASE_NONE;
}

static enum phrase whole(struct str s)
{
    for (;;) {
        enum phrase what = look_up(s);
        if (what)
            return what;
        bool cut = false;
        for (size_t i = 0; i < sizeof particles / sizeof particles[0] && !cut; i++)
            cut = cut_end(&s, particles[i]);
        if (!cut)
            return PHRASE_NONE;
        s = str_trim(s);
    }
}

static bool is_stop(uint32_t ch) // what ends a part: punctuation and symbols, but not those inside words
{
    return ch != '\'' && ch != '-' && ch != '~' && !u_isalnum((UChar32)ch) && ch != ' ' && !char_is_ngram((int32_t)ch);
}

// The next part up to a stop, trimmed; *at moves behind the stop. Between ideographs a space is a stop too.
static struct str next_part(struct str s, size_t *at)
{
    size_t from = *at, to = from;
    uint32_t before = 0;
    while (*at < s.len) {
        to = *at;
        uint32_t ch = str_next_char(s, at);
        if (is_stop(ch) || (ch == ' ' && char_is_ngram((int32_t)before)))
            return str_trim(str_sub(s, from, to - from));
        before = ch;
        to = *at;
    }
    return str_trim(str_sub(s, from, to - from));
}

static struct str without_opening(struct str s)
{
    for (bool cut = true; cut;) {
        cut = false;
        for (size_t i = 0; i < sizeof openings / sizeof openings[0] && !cut; i++)
            if (str_starts(s, str_of(openings[i])) && s.len > strlen(openings[i])) {
                s = str_trim(str_sub(s, strlen(openings[i]), s.len));
                cut = true;
            }
    }
    return s;
}

enum phrase phrase_of(struct arena *a, struct str plain, struct str *question)
{
    enum phrase most = PHRASE_NONE;
    size_t at = 0;
    while (at < plain.len) {
        size_t from = at;
        struct str part = next_part(plain, &at);
        if (!part.len)
            continue;
        enum phrase what = whole(part);
        if (what == PHRASE_NONE) { // a question begins here
            *question = without_opening(str_trim(str_sub(plain, from, plain.len)));
            return PHRASE_NONE;
        }
        if (what > most)
            most = what;
    }
    *question = plain;
    return most;
}

// ---- asking for a person

static bool one_of(struct str s, const char *const *list)
{
    for (; *list; list++)
        if (str_is(s, *list))
            return true;
    return false;
}

static bool starts_with_one_of(struct str s, const char *const *list)
{
    for (; *list; list++)
        if (str_starts(s, str_of(*list)))
            return true;
    return false;
}

static bool contains_one_of(struct str s, const char *const *list)
{
    size_t at;
    for (; *list; list++)
        if (str_find(s, str_of(*list), &at))
            return true;
    return false;
}

// "转人工", "帮我接一下真人客服吧"; but neither "人工费多少" nor "不要转人工".
static bool asks_in_chinese(struct str s)
{
    static const char *const whole_message[] = {"人工", "人工客服", "人工服务", "人工坐席", "人工座席", "真人", "真人客服", "客服", "在线客服", "联系客服",
                                                "找客服", "转客服", "叫客服", "接客服", "呼叫客服", "我要客服", "客服呢", "客服在吗", "人呢", "人工呢",
                                                "人工在吗", "有人工吗", "有人工客服吗", "有真人吗", "有客服吗", NULL};
    static const char *const who[] = {"人工", "真人", "活人", NULL};
    static const char *const verbs[] = {"转", "接", "找", "要", "叫", "换", "请", "给", "联系", "呼", "切", "进", "派", "想", NULL};
    static const char *const refusals[] = {"不要", "不用", "别", "不想", "不需要", "无需", "不转", NULL};
    static const char *const after[] = {"客服", "服务", "坐席", "座席", "专员", "吧", "谢", "处理", "帮", "来", "呢", "啊", "了", "咨询", "解答", "接", "在线",
                                        "沟通", "聊", "说", "回", "电话", "可以", "行", "好", "呀", "哦", "嘛", "吗", " ", ",", ".", "!", "?", "。", "、", "~",
                                        NULL};
    struct str bare = s;
    for (bool cut = true; cut;) {
        cut = false;
        for (size_t i = 0; i < sizeof particles / sizeof particles[0] && !cut; i++)
            cut = cut_end(&bare, particles[i]);
    }
    size_t stop;
    while (str_find(bare, STR("?"), &stop) || str_find(bare, STR("!"), &stop) || str_find(bare, STR("。"), &stop))
        bare = str_trim(str_sub(bare, 0, stop));
    if (one_of(bare, whole_message) || one_of(s, whole_message))
        return true;
    for (const char *const *w = who; *w; w++) {
        size_t at;
        if (!str_find(s, str_of(*w), &at))
            continue;
        struct str tail = str_sub(s, at + strlen(*w), s.len);
        if (tail.len && !starts_with_one_of(tail, after))
            continue;
        size_t window = at < 15 ? at : 15; // five ideographs before it
        struct str head = str_sub(s, at - window, window);
        if (contains_one_of(head, verbs) && !contains_one_of(head, refusals))
            return true;
    }
    return false;
}

// "let me speak to a real person please"; but neither "get agent discount" nor "I don't want to talk to a person".
static bool asks_in_english(struct arena *a, struct str s)
{
    static const char *const verbs[] = {"talk", "speak", "chat", "connect", "transfer", "get", "reach", "contact", "want", "need", "give", "put",
                                        "switch", "see", "have", "find", "call", "pass", "hand", NULL};
    static const char *const fillers[] = {"to", "with", "me", "a", "an", "the", "your", "some", "real", "live", "actual", "human", "another", "through",
                                          "in", "over", "us", "customer", "service", "support", "please", "of", "touch", "on", "directly", "one",
                                          "speak", "talk", "chat", "connected", "be", NULL};
    static const char *const who[] = {"human", "person", "agent", "agents", "representative", "rep", "operator", "advisor", "adviser", "humans", NULL};
    static const char *const anyone[] = {"someone", "somebody", "anyone", "staff", "people", NULL};
    static const char *const voices[] = {"talk", "speak", "chat", NULL};
    static const char *const after[] = {"please", "now", "about", "for", "regarding", "who", "instead", "asap", "today", "here", "on", "to", "thanks",
                                        "service", "support", "immediately", "because", "right", "not", "if", "and", "or", "directly", "from", "at",
                                        "pls", "thank", NULL};
    static const char *const alone[] = {"human", "agent", "person", "representative", "operator", "real person", "live agent", "live person",
                                        "live chat", "human agent", "customer service", "customer support", "human please", "agent please",
                                        "person please", "a human", "a person", "an agent", "a real person", "real human", "talk to support",
                                        "contact support", "call customer service", "real person please", "live agent please",
                                        "a human please", "an agent please", NULL};
    static const char *const no[] = {"don't", "dont", "not", "never", "no", "without", NULL};
    struct str words[64], clean = s;
    while (clean.len && (clean.at[clean.len - 1] == '!' || clean.at[clean.len - 1] == '.' || clean.at[clean.len - 1] == '?'))
        clean = str_trim(str_sub(clean, 0, clean.len - 1));
    if (one_of(clean, alone))
        return true;
    size_t count = 0;
    char *copy = str_z(a, s);
    for (size_t i = 0; i < s.len; i++)
        if (!(copy[i] >= 'a' && copy[i] <= 'z') && copy[i] != '\'')
            copy[i] = ' ';
    struct str rest = {copy, s.len}, word;
    while (count < 64 && str_split(&rest, ' ', &word))
        if (word.len)
            words[count++] = word;
    for (size_t v = 0; v < count; v++) {
        if (!one_of(words[v], verbs) || (v > 0 && one_of(words[v - 1], no)) || (v > 1 && one_of(words[v - 2], no)) ||
            (v > 2 && one_of(words[v - 3], no)) || (v > 1 && str_is(words[v - 1], "i") && str_is(words[v - 2], "do")))
            continue;
        bool voice = one_of(words[v], voices);
        for (size_t w = v + 1; w < count && w < v + 9; w++) {
            voice |= one_of(words[w], voices);
            bool found = one_of(words[w], who) || (voice && one_of(words[w], anyone));
            if (found && (w + 1 == count || one_of(words[w + 1], after)))
                return true;
            if (!one_of(words[w], fillers))
                break;
        }
    }
    return false;
}

bool phrase_asks_for_person(struct arena *a, struct str plain)
{
    return asks_in_chinese(plain) || asks_in_english(a, plain);
}
