// Visitors: the token by which a browser is known again, and how much a visitor may ask of us.
#pragma once
#include "base/ctx.h"

struct str visitor_token(struct ctx *c, int64_t contact, int64_t inbox); // signed; good for a year
// False (without an error) when forged, expired or malformed.
bool visitor_from_token(struct ctx *c, struct str token, int64_t *contact, int64_t *inbox);
bool visitor_authorise(struct ctx *c, struct str token); // for access_visitors: sets the actor; ERR_UNAUTHENTICATED desk.visitor_token
// Budgets (conf visitor_rate, visitor_starts): false with ERR_LIMIT desk.too_fast / desk.too_many_visitors and retry_after.
bool visitor_may_send(struct ctx *c, int64_t contact);
bool visitor_may_start(struct ctx *c, struct str address);
