#include "net/asset.h"

#include "base/error.h"
#include "net/core.h"
#include "net/parse.h"

const struct asset *asset_find(struct str path)
{
    unsigned low = 0, high = asset_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int order = str_cmp(path, str_of(asset_table[middle].path));
        if (!order)
            return &asset_table[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

// "gzip;q=0.5, br": whether the coding may be used (RFC 9110, 12.5.3); q=0 forbids it.
static bool accepts(struct str header, const char *coding)
{
    struct str part;
    while (header.len && str_split(&header, ',', &part)) {
        struct str name = part;
        size_t at;
        bool zero = false;
        if (str_find(part, STR(";"), &at)) {
            struct str q = str_trim(str_sub(part, at + 1, part.len));
            name = str_sub(part, 0, at);
            zero = str_starts(q, STR("q=0"));
            for (size_t i = 3; i < q.len; i++)
                zero = zero && !(q.at[i] >= '1' && q.at[i] <= '9');
        }
        if (!zero && str_eq_nocase(str_trim(name), str_of(coding)))
            return true;
    }
    return false;
}

void answer_asset(struct exchange *x, const struct asset *asset)
{
    struct str encoding = request_header(&x->rq, "accept-encoding"), known = request_header(&x->rq, "if-none-match");
    bool brotli = asset->brotli && accepts(encoding, "br"), gzip = !brotli && asset->gzip && accepts(encoding, "gzip"), fresh = false;
    struct str etag = str_printf(x->arena, "\"%s%s\"", asset->etag, brotli ? "-br" : gzip ? "-gz" : ""), part;
    while (known.len && str_split(&known, ',', &part)) {
        part = str_trim(part);
        if (str_starts(part, STR("W/")))
            part = str_sub(part, 2, part.len);
        fresh |= str_eq(part, etag) || str_is(part, "*");
    }
    struct response rs = {.status = fresh ? 304 : 200, .type = asset->type, .body.arena = x->arena, .file_fd = -1};
    response_header(&rs, "etag", etag);
    response_header(&rs, "cache-control",
                    asset->immutable ? STR("public, max-age=31536000, immutable") : STR("public, max-age=0, must-revalidate"));
    response_header(&rs, "vary", STR("accept-encoding"));
    if (str_ends(str_of(asset->path), STR(".js")) || str_ends(str_of(asset->path), STR(".css")))
        response_header(&rs, "cross-origin-resource-policy", STR("cross-origin")); // the widget runs on other people's pages
    // The console's component library writes its styles at run time; no other page may.
    if (str_is(str_of(asset->path), "/console/index.html"))
        response_header(&rs, "content-security-policy", STR(PAGE_POLICY("'self' 'unsafe-inline'")));
    if (!fresh && (brotli || gzip))
        response_header(&rs, "content-encoding", brotli ? STR("br") : STR("gzip"));
    if (!fresh) {
        x->answer.body = frame_static(brotli ? asset->brotli : gzip ? asset->gzip : asset->plain,
                                      brotli ? asset->brotli_size : gzip ? asset->gzip_size : asset->plain_size);
    }
    answer_make(x, &rs);
}
