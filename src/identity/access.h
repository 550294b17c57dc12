// Who is asking: from cookie or token to actor, permissions and CSRF, for the server and for the console's socket.
#pragma once
#include "net/server.h"
#include "schema/perm.h"

#define SESSION_COOKIE "yd_session"

// server_setup.authorise: sets ctx->actor from the cookie or the Authorization header and checks route->perm, the origin and the CSRF token. In the
// usual case no SQL: verified callers are kept for some seconds in a small cache that every change of users, roles, sessions and tokens empties.
bool access_authorise(struct request *rq);
// server_setup.around: parses the body by route->in, replays answers of an Idempotency-Key (per actor and route, for a day; the same key with another
// body is refused), and adds one audit entry after the handler succeeded, unless the route has ROUTE_NO_AUDIT. The entry's action is made from the
// route ("contact.create", "conversation.resolve", "inbox.secret"), its object is the {id} in the path or the `id` in the answer, its detail names
// the members that were sent, never their values. It and the stored answer are one commit, after the change's own. A change that must not be without
// its entry even when the process is killed in between calls audit_add in its own transaction, and its route has ROUTE_NO_AUDIT; so does
// everything in identity.
bool access_around(struct request *rq, struct response *rs, bool (*handler)(struct request *, struct response *));
// For a WebSocket's WS_OPEN: sets c->actor from the cookie (then `Origin` must be our own host) or bearer token. False with ERR_UNAUTHENTICATED/FORBIDDEN.
bool access_hello(struct ctx *c, const struct ws_hello *hello);
// Whether that actor (from access_hello) may still act, with permissions as they are now in *actor. For sockets that live long; cheap.
bool access_still(struct ctx *c, struct actor *actor);
// Whoever keeps sockets open hears of ended sessions and users here (session 0: all of that user's); called after the commit, by any thread.
void access_on_end(struct ctx *c, void (*ended)(void *arg, int64_t user, int64_t session), void *arg);
// PERM_VISITOR routes: the desk tells how "Authorization: Visitor TOKEN" becomes an actor.
void access_visitors(struct ctx *c, bool (*authorise)(struct ctx *c, struct str token));

// Inside identity: after a commit that changed users, roles, sessions or tokens.
void access_changed(struct ctx *c);
void access_ended(struct ctx *c, int64_t user, int64_t session);
struct str access_csrf(struct ctx *c, struct str session_token); // the CSRF token bound to it
void access_nobody(struct ctx *c, struct str address, struct str agent); // c->actor: nobody yet, from there
bool access_by_token(struct ctx *c, struct str token);
bool access_by_cookie(struct ctx *c, struct str cookie);
bool access_by_visitor(struct ctx *c, struct str token);
struct str access_of_scheme(struct str authorization, struct str scheme); // "Bearer X" → X; empty when it is of another kind
bool access_own_origin(struct ctx *c, struct str origin, struct str host, bool tls);
