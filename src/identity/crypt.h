// The installation's keys: one file `yingda.keys` in the data folder (mode 0600), apart from the database, so that a copy of the database
// alone tells nobody's phone number. Two kinds stand in it: `root`, made once and never changed (ids, cursors, look-up hashes, signatures derive
// from it), and numbered `field` keys, of which the last one seals; older ones stay to open what they sealed (old backups too).
#pragma once
#include "base/ctx.h"

struct keys; // thread-safe; owned by the process

// Reads the key file in conf->data_dir, or makes it when there is none; sets the id and cursor keys (schema/). NULL with the error
// (identity.keys_unreadable, identity.keys_open_to_others). store/ need not be open.
struct keys *keys_open(struct ctx *c);
void keys_close(struct keys *k); // NULL is fine
// Hex of 8 bytes that tell this root key from another one's, for comparing with what the store was made with.
struct str keys_fingerprint(struct ctx *c);
uint32_t keys_current(struct ctx *c); // number of the field key that seals now
// Adds a field key, makes it the current one and puts the job that re-encrypts all rows (reseal.h). Durable when it returns.
bool keys_rotate(struct ctx *c);
bool keys_reload(struct ctx *c); // after another process rotated

// Sealing (XChaCha20-Poly1305) for a column: `context` ("contact.phone") is authenticated too, so that a value moved to another column does not
// open. Empty stays empty. The result is bytes (column {bytes}, parameter type 'b').
struct str field_seal(struct ctx *c, const char *context, struct str plain);
bool field_open(struct ctx *c, const char *context, struct str sealed, struct str *plain); // false: identity.sealed_broken
uint32_t field_key_of(struct str sealed); // number of the key that sealed it; 0: empty or no sealed value
// For exact look-up: hex of a keyed BLAKE2b-256 of the normalised value. Empty gives the empty slice.
struct str field_lookup_hash(struct ctx *c, const char *context, struct str plain);

// Signatures of ours (file addresses, visitor tokens, CSRF): keyed BLAKE2b-256 of the text, base64url, 43 characters.
struct str sign_text(struct ctx *c, const char *purpose, struct str text);
bool sign_check(struct ctx *c, const char *purpose, struct str text, struct str signature); // in constant time
// "PAYLOAD.EXPIRY.SIGNATURE": a token that carries a text of [A-Za-z0-9_:-] and is valid until `expires` (0: for ever).
struct str signed_token(struct ctx *c, const char *purpose, struct str payload, usec expires);
bool signed_token_open(struct ctx *c, const char *purpose, struct str token, struct str *payload); // false when forged or expired
// HMAC-SHA256 with a key that a customer's site holds as well (widget identity), compared with `hex` in constant time.
bool hmac_hex_check(struct str key, struct str text, struct str hex);
bool equal_in_constant_time(struct str a, struct str b);
