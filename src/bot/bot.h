// The bot: one question in, one decision out, with the trace that explains it. No outside model.
#pragma once
#include "knowledge/knowledge.h"

enum bot_verdict { BOT_ANSWER, BOT_SUGGEST, BOT_HANDOFF, BOT_SMALLTALK };
struct bot_decision {
    enum bot_verdict verdict;
    const char *reason;      // stable code: "above_threshold", "asked_for_person", "two_misses", …
    enum lang lang;          // the language to answer in
    struct str text;         // what to say (Markdown)
    struct knowledge_hit hits[5];
    size_t hit_count;        // ANSWER: hits[0] is the source; SUGGEST: the options
    struct str trace;        // JSON: normalised text, tokens, candidates with scores, thresholds, verdict, microseconds
};
struct bot_turn { // what the bot knows of the conversation
    struct str text;
    int64_t option;     // FAQ id that the visitor chose from the suggestions, 0 = none
    int misses;         // bot answers in a row below the threshold
    bool person_online; // whether a hand-off would reach somebody now
};
void bot_decide(struct ctx *c, const struct bot_turn *turn, struct bot_decision *out);
