// The bot: one question in, one decision out, with the trace that explains it. No outside model. README.md tells the method.
#pragma once
#include "knowledge/knowledge.h"

enum bot_verdict { BOT_ANSWER, BOT_SUGGEST, BOT_HANDOFF, BOT_SMALLTALK };
struct bot_decision {
    enum bot_verdict verdict;
    // Stable code. ANSWER: "above_threshold", "chosen". SUGGEST: "between_thresholds", "several_fit" (none clearly ahead),
    // "not_found" (no options; text offers a person).
    // HANDOFF: "asked_for_person", "two_misses" (the bot gave up). SMALLTALK: "greeting", "acknowledged",
    // "thanks", "goodbye", "who_are_you", "nothing_asked".
    const char *reason;
    enum lang lang;          // the language to answer in
    struct str text;         // what to say (Markdown)
    struct knowledge_hit hits[5];
    size_t hit_count;        // ANSWER: hits[0] is the source; SUGGEST: the options
    struct str trace;        // JSON: normalised text, tokens, candidates with scores, thresholds, verdict, microseconds (without seq and at)
};
struct bot_turn { // what the bot knows of the conversation
    struct str text;
    int64_t option;     // FAQ id that the visitor chose from the suggestions, 0 = none
    int misses;         // SUGGEST decisions in a row just before this turn
    bool person_online; // whether a hand-off would reach somebody now
};
void bot_decide(struct ctx *c, const struct bot_turn *turn, struct bot_decision *out);
const char *bot_verdict_name(enum bot_verdict v); // "answer", "suggest", "handoff", "smalltalk"
// Thousandths, from the configuration or the measured defaults.
int bot_answer_threshold(const struct ctx *c);
int bot_suggest_threshold(const struct ctx *c);
extern const struct route bot_routes[];
