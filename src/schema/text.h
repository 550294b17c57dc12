// The checks of single values: texts, addresses, numbers as people type them. Each gives the form that is stored.
#pragma once
#include "base/str.h"

// Line ends become \n; control characters (C0, DEL, C1, line and paragraph separators, bidirectional overrides) are refused, but for line
// breaks and tabs in `multiline`. trim: white space around it goes, the ideographic space too.
bool text_clean(struct arena *a, struct str raw, bool multiline, bool trim, struct str *out);
bool text_email(struct arena *a, struct str v, struct str *out); // lower case; ASCII, a dot in the domain, at most 254 bytes
bool text_phone(struct arena *a, struct str v, struct str *out); // +86… for mainland numbers, else E.164
bool text_url(struct str v, struct str *out);                    // http or https with a host and without user and password
bool text_color(struct arena *a, struct str v, struct str *out); // #rrggbb, lower case
bool text_date(struct str v, int64_t *days);                     // YYYY-MM-DD
