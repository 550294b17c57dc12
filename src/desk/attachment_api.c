// Uploads of staff and visitors, and the files themselves. Whatever a stranger sent is never run in our origin: only pictures are shown in place,
// all else is saved, under a type that we sniffed, in a sandbox without script.
#include "desk/live.h"
#include "desk/visitor.h"
#include "schema/id.h"
#include "schema/perm.h"
#include "store/blob.h"

static bool take_upload(struct request *rq, struct response *rs, int owner_kind)
{
    struct ctx *c = rq->ctx;
    struct attachment a;
    const struct upload *file = NULL;
    for (size_t i = 0; i < rq->upload_count; i++)
        if (str_is(rq->uploads[i].field, "file")) {
            if (file)
                return fail_field(c, STR("file"), "attachment.one", NULL);
            file = &rq->uploads[i];
        }
    if (!file)
        return fail_field(c, STR("file"), "schema.required", NULL);
    if (!attachment_put(c, file, owner_kind, c->actor.id, &a))
        return false;
    rs->status = 201;
    reply(rq, rs, &attachment_schema, &a);
    return true;
}
static bool upload(struct request *rq, struct response *rs)
{
    return take_upload(rq, rs, AUTHOR_AGENT);
}

// The widget stands on other people's pages. It sends a token and no cookie, so any page may ask.
static void cross_origin(struct response *rs)
{
    response_header(rs, "access-control-allow-origin", STR("*"));
}
static bool widget_upload(struct request *rq, struct response *rs)
{
    cross_origin(rs);
    return visitor_may_send(rq->ctx, rq->ctx->actor.id) && take_upload(rq, rs, AUTHOR_VISITOR);
}
static bool widget_preflight(struct request *rq, struct response *rs)
{
    cross_origin(rs);
    response_header(rs, "access-control-allow-methods", STR("POST"));
    response_header(rs, "access-control-allow-headers", STR("authorization, accept-language, content-type"));
    response_header(rs, "access-control-max-age", STR("86400"));
    rs->status = 204;
    return true;
}

static bool plain_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] >= 0x7F || (unsigned char)name.at[i] < 0x20 || name.at[i] == '"' || name.at[i] == '\\' || name.at[i] == '%')
            return false;
    return true;
}
static bool file(struct request *rq, struct response *rs)
{
    struct ctx *c = rq->ctx;
    struct attachment a;
    struct str sig, etag;
    int64_t id;
    if (!request_query(rq, "sig", &sig) || !attachment_signed(c, rq->params[0], sig) || !id_param(c, "at", rq->params[0], &id))
        return fail(c, ERR_NOT_FOUND, "not_found", NULL);
    if (!attachment_get(c, id, &a))
        return false;
    etag = str_printf(c->arena, "\"" STR_FMT "\"", STR_ARG(str_sub(a.hash, 0, 32)));
    response_header(rs, "etag", etag);
    response_header(rs, "cache-control", STR("private, max-age=31536000, immutable"));
    response_header(rs, "content-security-policy", STR("default-src 'none'; sandbox"));
    response_header(rs, "cross-origin-resource-policy", STR("cross-origin"));
    struct buf disposition = {.arena = c->arena};
    buf_puts(&disposition, attachment_inline(a.type) ? "inline" : "attachment");
    if (plain_name(a.name)) {
        buf_printf(&disposition, "; filename=\"" STR_FMT "\"", STR_ARG(a.name));
    } else { // RFC 6266, RFC 8187
        buf_puts(&disposition, "; filename*=UTF-8''");
        buf_url(&disposition, a.name);
    }
    response_header(rs, "content-disposition", buf_str(&disposition));
    if (str_eq(request_header(rq, "if-none-match"), etag)) {
        rs->status = 304;
        return true;
    }
    rs->type = str_is(a.type, "text/plain") || str_is(a.type, "text/csv") ? arena_printf(c->arena, STR_FMT "; charset=utf-8", STR_ARG(a.type))
                                                                          : str_z(c->arena, a.type);
    return blob_open(c, a.hash, &rs->file_fd, &rs->file_size);
}

const struct route attachment_routes[] = {
    {POST, "/api/v1/uploads", PERM_CONVERSATION_REPLY, NULL, &attachment_schema, upload, ROUTE_UPLOAD | ROUTE_NO_AUDIT,
     "Upload a file (multipart, field `file`) to send with a message"},
    {POST, "/api/v1/widget/uploads", PERM_VISITOR, NULL, &attachment_schema, widget_upload, ROUTE_UPLOAD | ROUTE_NO_AUDIT,
     "The same for a visitor, by `Authorization: Visitor TOKEN`"},
    {OPTIONS, "/api/v1/widget/uploads", PERM_PUBLIC, NULL, NULL, widget_preflight, ROUTE_EMPTY | ROUTE_NO_AUDIT | ROUTE_PAGE,
     "What a browser asks before a page of another origin uploads"},
    {GET, "/files/{id}", PERM_PUBLIC, NULL, NULL, file, ROUTE_PAGE, "A file, by its signed address"},
    {0},
};
