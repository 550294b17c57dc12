#include "identity/session_api.h"

#include "identity/access.h"
#include "identity/identity.h"
#include "identity/totp.h"
#include "schema/list.h"
#include "schema/id.h"

#define COOKIE_DAYS 30 // the server ends sessions; the cookie only has to outlive them

static const struct field session_out_fields[] = {
    FIELD(_, session_out, user, F_OBJECT, .sub = &user_schema, .flags = FIELD_REQUIRED),
    FIELD(_, session_out, permissions, F_TEXTS),
    FIELD(_, session_out, company, F_OBJECT, .sub = &company_schema, .flags = FIELD_REQUIRED),
    FIELD(_, session_out, csrf, F_TEXT, .doc = "For the header X-CSRF-Token of every changing request with the cookie."),
};
SCHEMA(session_out_schema, "Session", struct session_out, session_out_fields, "Who is signed in, and what they may do.");

static const struct field sign_in_fields[] = {
    FIELD(_, sign_in, email, F_EMAIL, .flags = FIELD_REQUIRED),
    FIELD(_, sign_in, password, F_TEXT, .max = 1000, .flags = FIELD_REQUIRED | FIELD_SECRET),
    FIELD(_, sign_in, totp, F_TEXT, .max = 40, .doc = "Six digits of the authenticator, or a recovery code."),
};
static SCHEMA(sign_in_schema, "SignIn", struct sign_in, sign_in_fields, "Signing in.");

static bool answer(struct request *rq, struct response *rs, struct str token)
{
    struct ctx *c = rq->ctx;
    struct user user;
    struct company company;
    if (!user_get(c, c->actor.id, &user) || !company_get(c, &company))
        return false;
    struct session_out out = {&user, perms_to_names(c->arena, c->actor.perms), &company, STR("")};
    if (token.len) {
        out.csrf = access_csrf(c, token);
        response_cookie(rq, rs, SESSION_COOKIE, token, COOKIE_DAYS * 24 * 3600);
    }
    response_header(rs, "cache-control", STR("no-store"));
    reply(rq, rs, &session_out_schema, &out);
    return true;
}

bool session_reply(struct request *rq, struct response *rs, struct str token)
{
    struct session_use use;
    bool there;
    if (!session_find(rq->ctx, token_hash(rq->ctx, token), &rq->ctx->actor, &use, &there))
        return false;
    return there ? answer(rq, rs, token) : fail(rq->ctx, ERR_UNAUTHENTICATED, "identity.session_over", NULL);
}

static bool sign_in_api(struct request *rq, struct response *rs)
{
    struct str token;
    int64_t user;
    return session_sign_in(rq->ctx, rq->in, &token, &user) && session_reply(rq, rs, token);
}

static bool session_get_api(struct request *rq, struct response *rs)
{
    // The cookie is set again, so that it lasts as long as the session is used.
    return answer(rq, rs, rq->ctx->actor.kind == ACTOR_USER ? request_cookie(rq, SESSION_COOKIE) : STR(""));
}

static bool sign_out_api(struct request *rq, struct response *rs)
{
    struct ctx *c = rq->ctx;
    if (c->actor.kind != ACTOR_USER)
        return fail(c, ERR_FORBIDDEN, "identity.session_needed", NULL);
    if (!session_end(c, c->actor.id, c->actor.session))
        return false;
    response_cookie(rq, rs, SESSION_COOKIE, STR(""), 0);
    return true;
}

const struct route session_routes[] = {
    {POST, "/api/v1/session", PERM_PUBLIC, &sign_in_schema, &session_out_schema, sign_in_api, ROUTE_NO_AUDIT,
     "Sign in: sets the cookie yd_session"},
    {GET, "/api/v1/session", PERM_SIGNED_IN, NULL, &session_out_schema, session_get_api, .summary = "Who is signed in"},
    {DELETE, "/api/v1/session", PERM_SIGNED_IN, NULL, NULL, sign_out_api, ROUTE_NO_AUDIT | ROUTE_EMPTY, "Sign out"},
    {0},
};

// --- one's own profile, password, second factor and browsers

static bool needs_session(struct ctx *c)
{
    return c->actor.kind == ACTOR_USER || fail(c, ERR_FORBIDDEN, "identity.session_needed", NULL);
}

static bool me_get_api(struct request *rq, struct response *rs)
{
    struct user user;
    if (!user_get(rq->ctx, rq->ctx->actor.id, &user))
        return false;
    reply_versioned(rq, rs, &user_schema, &user, user.version);
    return true;
}

static const char *const themes[] = {"system", "light", "dark", NULL};
static const struct field profile_fields[] = {
    FIELD(_, user, name, F_TEXT, .max = 120, .flags = FIELD_REQUIRED),
    FIELD(_, user, locale, F_LANG),
    FIELD(_, user, theme, F_ENUM, .choices = themes),
};
static SCHEMA(profile_schema, "Profile", struct user, profile_fields, "What everybody may change of themselves.");

static bool me_change_api(struct request *rq, struct response *rs)
{
    struct ctx *c = rq->ctx;
    struct user *in = rq->in, now;
    uint64_t set = 0;
    if (!needs_session(c) || !user_get(c, c->actor.id, &now) || !request_if_match(rq, now.version))
        return false;
    for (size_t i = 0; i < profile_schema.count; i++)
        if (rq->in_set >> i & 1)
            set |= UINT64_C(1) << schema_field(&user_in_schema, profile_fields[i].name);
    in->id = c->actor.id;
    return user_change(c, in, set, request_header(rq, "if-match").len ? now.version : 0) && me_get_api(rq, rs);
}

struct new_password {
    struct str current, password;
};
static const struct field new_password_fields[] = {
    FIELD(_, new_password, current, F_TEXT, .max = 1000, .flags = FIELD_REQUIRED | FIELD_SECRET, .doc = "The present one."),
    FIELD(_, new_password, password, F_TEXT, .max = 1000, .flags = FIELD_REQUIRED | FIELD_SECRET, .doc = "The new one."),
};
static SCHEMA(new_password_schema, "NewPassword", struct new_password, new_password_fields, "A new password for oneself.");

static bool me_password_api(struct request *rq, struct response *rs)
{
    struct ctx *c = rq->ctx;
    const struct new_password *in = rq->in;
    return needs_session(c) && session_confirm(c, STR("current"), in->current) &&
           user_password(c, c->actor.id, in->password, c->actor.session);
}

struct confirmation {
    struct str password, code;
};
static const struct field password_fields[] = {
    FIELD(_, confirmation, password, F_TEXT, .max = 1000, .flags = FIELD_REQUIRED | FIELD_SECRET),
};
static SCHEMA(password_schema, "PasswordConfirmation", struct confirmation, password_fields, "One's password once more.");
static const struct field code_fields[] = {
    FIELD(_, confirmation, code, F_TEXT, .max = 12, .flags = FIELD_REQUIRED, .doc = "What the authenticator shows now."),
};
static SCHEMA(code_schema, "TotpCode", struct confirmation, code_fields, "Proof that the authenticator has the secret.");
static const struct field enrolment_fields[] = {
    FIELD(_, totp_enrolment, secret, F_TEXT, .doc = "Base32, for typing in."),
    FIELD(_, totp_enrolment, url, F_TEXT, .doc = "otpauth://totp/…"),
    FIELD(_, totp_enrolment, qr, F_TEXT, .doc = "The same as an SVG picture."),
};
static SCHEMA(enrolment_schema, "TotpEnrolment", struct totp_enrolment, enrolment_fields, "For the authenticator.");
struct recovery {
    struct str_list recovery_codes;
};
static const struct field recovery_fields[] = {
    FIELD(_, recovery, recovery_codes, F_TEXTS, .doc = "Each serves once instead of a code. Shown once."),
};
static SCHEMA(recovery_schema, "RecoveryCodes", struct recovery, recovery_fields, "For when the authenticator is lost.");

static bool totp_enrol_api(struct request *rq, struct response *rs)
{
    struct ctx *c = rq->ctx;
    const struct confirmation *in = rq->in;
    struct user user;
    struct totp_enrolment out;
    if (!needs_session(c) || !session_confirm(c, STR("password"), in->password) || !user_get(c, c->actor.id, &user) ||
        !totp_enrol(c, user.email, &out))
        return false;
    response_header(rs, "cache-control", STR("no-store"));
    reply(rq, rs, &enrolment_schema, &out);
    return true;
}

static bool totp_confirm_api(struct request *rq, struct response *rs)
{
    const struct confirmation *in = rq->in;
    struct recovery out;
    if (!needs_session(rq->ctx) || !totp_confirm(rq->ctx, in->code, &out.recovery_codes))
        return false;
    response_header(rs, "cache-control", STR("no-store"));
    reply(rq, rs, &recovery_schema, &out);
    return true;
}

static bool totp_remove_api(struct request *rq, struct response *rs)
{
    const struct confirmation *in = rq->in;
    struct ctx *c = rq->ctx;
    return needs_session(c) && session_confirm(c, STR("password"), in->password) && totp_remove(c, c->actor.id);
}

static bool sessions_api(struct request *rq, struct response *rs)
{
    struct list_query q;
    struct session *sessions;
    size_t count;
    if (!list_parse(rq, &session_schema, 3, &q) || !session_list(rq->ctx, rq->ctx->actor.id, &q, &sessions, &count))
        return false;
    list_write(rq, rs, &session_schema, &q, sessions, count, offsetof(struct session, id));
    return true;
}

static bool session_end_api(struct request *rq, struct response *rs)
{
    int64_t id;
    return needs_session(rq->ctx) && id_param(rq->ctx, "se", rq->params[0], &id) && session_end(rq->ctx, rq->ctx->actor.id, id);
}

const struct route me_routes[] = {
    {GET, "/api/v1/me", PERM_SIGNED_IN, NULL, &user_schema, me_get_api, .summary = "One's own profile"},
    {PATCH, "/api/v1/me", PERM_SIGNED_IN, &profile_schema, &user_schema, me_change_api, ROUTE_NO_AUDIT, "Change one's own profile"},
    {POST, "/api/v1/me/password", PERM_SIGNED_IN, &new_password_schema, NULL, me_password_api, ROUTE_NO_AUDIT | ROUTE_EMPTY,
     "Change one's own password; other sessions end"},
    {POST, "/api/v1/me/totp", PERM_SIGNED_IN, &password_schema, &enrolment_schema, totp_enrol_api, ROUTE_NO_AUDIT,
     "Begin with a second factor"},
    {POST, "/api/v1/me/totp/confirm", PERM_SIGNED_IN, &code_schema, &recovery_schema, totp_confirm_api, ROUTE_NO_AUDIT,
     "Turn the second factor on"},
    {DELETE, "/api/v1/me/totp", PERM_SIGNED_IN, &password_schema, NULL, totp_remove_api, ROUTE_NO_AUDIT | ROUTE_EMPTY,
     "Turn the second factor off"},
    {GET, "/api/v1/me/sessions", PERM_SIGNED_IN, NULL, &session_schema, sessions_api, ROUTE_LIST, "Where one is signed in"},
    {DELETE, "/api/v1/me/sessions/{id}", PERM_SIGNED_IN, NULL, NULL, session_end_api, ROUTE_NO_AUDIT | ROUTE_EMPTY, "Sign one out"},
    {0},
};
