// Attachments: a file that somebody sent. The bytes lie in the store's blobs under their hash; the row says what they are. The type is
// sniffed, never believed; images have a bound of pixels, read from their headers alone. An attachment is sent once, by whoever uploaded
// it; one that nobody sends goes after a day.
#pragma once
#include "schema/schema.h"
#include "store/job.h"

enum { ATTACHMENT_MOST_PIXELS = 50 * 1000 * 1000, ATTACHMENT_MOST_SIDE = 20000, ATTACHMENT_MOST_NAME = 120 };
struct attachment {
    int64_t id;
    struct str name, type;
    int64_t size, width, height; // width and height: images only
    struct str url;              // "/files/at_…?sig=…"
    struct str hash;
    int owner_kind;              // enum author_kind: visitor or agent
    int64_t owner, conversation, created_at;
};
// Takes a finished upload in. ERR_MEDIA_TYPE attachment.type, ERR_INVALID attachment.pixels / attachment.empty / attachment.image.
bool attachment_put(struct ctx *c, const struct upload *upload, int owner_kind, int64_t owner, struct attachment *out);
bool attachment_get(struct ctx *c, int64_t id, struct attachment *out); // ERR_NOT_FOUND
bool attachment_signed(struct ctx *c, struct str id_text, struct str signature);
bool attachment_inline(struct str type); // pictures that a browser may show in place
struct str attachment_clean_name(struct arena *a, struct str name); // no path, no control or bidirectional characters, bounded; never empty
// From the bytes: "image/png" …, empty when it is not on the list. width, height: 0 when no image; false in *sound when the image
// is broken.
struct str attachment_sniff(struct ctx *c, const char *path, struct str name, int64_t *width, int64_t *height, bool *sound);

extern const struct schema attachment_schema;
extern const struct route attachment_routes[];
