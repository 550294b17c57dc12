// What visitors say besides questions: greetings, thanks, goodbyes, asking for a person. Word lists and a few patterns in both languages, on the
// canonical form (text/normalise.h). They are data of the method like a stop list; what the bot answers stands in lang/bot.txt.
#pragma once
#include "base/str.h"

enum phrase { PHRASE_NONE, PHRASE_GREETING, PHRASE_ACKNOWLEDGED, PHRASE_WHO, PHRASE_THANKS, PHRASE_GOODBYE };
// What the whole message is, when it is nothing else. *question: what is left of it without the greeting and the polite opening ("你好，请问…").
enum phrase phrase_of(struct arena *a, struct str plain, struct str *question);
bool phrase_asks_for_person(struct arena *a, struct str plain);
