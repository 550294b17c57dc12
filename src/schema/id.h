// Ids on the wire: "cv_" and 13 base32 characters: the 64-bit id encrypted (a Feistel permutation keyed by the installation), so that strangers can
// neither count nor guess. Decoding checks the prefix and the range.
#pragma once
#include "base/ctx.h"

#define ID_TEXT 24
void id_setup(const uint8_t key[32]); // once at start, from the key file; before that a fixed test key serves
struct str id_text(const char *prefix, int64_t id, char out[ID_TEXT]);
struct str id_str(struct arena *a, const char *prefix, int64_t id);
bool id_parse(const char *prefix, struct str text, int64_t *id); // false when malformed
// A path parameter: ERR_NOT_FOUND "not_found" when malformed.
bool id_param(struct ctx *c, const char *prefix, struct str text, int64_t *id);
