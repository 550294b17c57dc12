// HTTP's half of access.h: the headers of a request, and forged requests of foreign pages.
#include "identity/access.h"
#include "identity/crypt.h"

static bool changes(const struct request *rq)
{
    return rq->method != GET && rq->method != HEAD && rq->method != OPTIONS;
}

// A browser says where a request comes from. Programs say neither, and have no cookie that they do not mean to send.
static bool from_own_page(struct request *rq)
{
    struct str site = request_header(rq, "sec-fetch-site"), origin = request_header(rq, "origin");
    bool fine = (!site.len || str_is(site, "same-origin") || str_is(site, "none")) &&
                (!origin.len || access_own_origin(rq->ctx, origin, rq->host, rq->tls));
    return fine || fail(rq->ctx, ERR_FORBIDDEN, "identity.foreign_origin", NULL);
}

bool access_authorise(struct request *rq)
{
    struct ctx *c = rq->ctx;
    struct str header = request_header(rq, "authorization"), cookie, csrf;
    access_nobody(c, rq->peer, request_header(rq, "user-agent"));
    int perm = rq->route->perm;
    if (perm == PERM_PUBLIC) // signing somebody in unasked is a forgery too
        return !changes(rq) || from_own_page(rq);
    if (perm == PERM_VISITOR)
        return access_by_visitor(c, access_of_scheme(header, STR("Visitor")));
    if (header.len) {
        if (!access_by_token(c, access_of_scheme(header, STR("Bearer"))))
            return false;
    } else {
        cookie = request_cookie(rq, SESSION_COOKIE);
        if (!access_by_cookie(c, cookie))
            return false;
        if (changes(rq)) {
            csrf = request_header(rq, "x-csrf-token");
            if (!from_own_page(rq))
                return false;
            if (!equal_in_constant_time(csrf, access_csrf(c, cookie)))
                return fail(c, ERR_FORBIDDEN, "identity.csrf", NULL);
        }
    }
    return perm == PERM_SIGNED_IN || need(c, (enum perm)perm);
}
