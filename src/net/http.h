// HTTP as handlers see it: a request and a response in one arena, routes as tables.
#pragma once
#include "base/ctx.h"
#include "base/json.h"

enum method { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, METHOD_COUNT };

struct upload { // one streamed part of multipart/form-data: already on disk in a temporary file that goes with the request
    struct str field, file_name; // file name as sent, base name only, control characters removed
    struct str path;             // NUL-terminated
    int64_t size;
};

struct request {
    struct ctx *ctx;
    enum method method;
    struct str path;      // decoded, normalised; "/api/v1/contacts/ct_1"
    struct str query;     // raw
    struct str body;      // complete; empty for multipart
    struct str params[4]; // {…} of the route in order
    struct str peer;      // client address after trusted proxies
    struct str host;      // as sent (or X-Forwarded-Host of a trusted proxy)
    bool tls;             // or X-Forwarded-Proto of a trusted proxy
    struct upload *uploads;
    size_t upload_count;
    struct str *form_names, *form_values; // other parts of multipart, or urlencoded
    size_t form_count;
    const struct route *route;
    void *in;        // parsed body by route->in, or NULL
    uint64_t in_set; // bit n: field n of route->in was present (PATCH)
    const void *net; // the server's
};
struct str request_header(const struct request *rq, const char *name); // lower-case name; empty if absent
struct str request_cookie(const struct request *rq, const char *name);
bool request_query(const struct request *rq, const char *name, struct str *value); // decoded; false if absent

struct response {
    int status; // 200 unless set
    const char *type; // application/json unless set
    struct buf body;
    struct str headers; // further complete lines "name: value\r\n"
    int file_fd;        // -1, or a file to stream (closed by the server)
    int64_t file_size;
};
void response_header(struct response *rs, const char *name, struct str value); // CR, LF and NUL refused by ASSERT
void response_cookie(struct request *rq, struct response *rs, const char *name, struct str value, int64_t max_age_seconds);
bool response_redirect(struct response *rs, int status, struct str location);
// The problem document (RFC 9457) of ctx->err, localised.
void response_problem(const struct request *rq, struct response *rs);

struct schema;
// One row a route. `perm` is an enum perm (identity/perm.h) or one of these:
enum { PERM_PUBLIC = 1000, PERM_SIGNED_IN = 1001, PERM_VISITOR = 1002 };
enum route_flag {
    ROUTE_LIST = 1,      // answers {"items":[out…],"next"}; takes filter[…], sort, limit, cursor
    ROUTE_CREATES = 2,   // honours Idempotency-Key, answers 201
    ROUTE_UPLOAD = 4,    // multipart streamed to disk
    ROUTE_NO_AUDIT = 8,  // a change without an audit entry (reads never have one)
    ROUTE_EMPTY = 16,    // answers 204
    ROUTE_PAGE = 32,     // HTML or a file: not in the OpenAPI document
    ROUTE_OPTIONAL_BODY = 64,
};
struct route {
    enum method method;
    const char *path; // "/api/v1/contacts/{id}"
    int perm;
    const struct schema *in, *out; // NULL: no body
    bool (*handler)(struct request *rq, struct response *rs);
    unsigned flags;
    const char *summary; // English, one line, for the API page
    const struct schema *list; // with ROUTE_LIST: what filter[…] and sort may name (usually = out)
    const struct schema *query; // further query parameters (?after=…): for the OpenAPI document
};
