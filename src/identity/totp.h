// The second factor: time-based one-time passwords (RFC 6238: SHA-1, six digits, 30 seconds, by libcotp), with ten recovery codes. The secret
// is sealed; a code serves once.
#pragma once
#include "base/ctx.h"
#include "schema/schema.h"

struct totp_enrolment {
    struct str secret; // base32, for typing
    struct str url;    // otpauth://totp/…
    struct str qr;     // the same as an SVG picture
};
bool totp_active(struct ctx *c, int64_t user, bool *active);
bool totp_enrol(struct ctx *c, struct str account, struct totp_enrolment *out); // the actor's; counts from totp_confirm on
bool totp_confirm(struct ctx *c, struct str code, struct str_list *recovery); // identity.totp_wrong on field "code"
bool totp_remove(struct ctx *c, int64_t user);
// A code of the authenticator or a recovery code; used up when right. Outside store_write.
bool totp_check(struct ctx *c, int64_t user, struct str code, bool *right);
