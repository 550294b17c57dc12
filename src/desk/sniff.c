// What a file is, by its bytes: libmagic names the type, an allow-list decides, and the size of a picture is read from its header alone (nothing is
// decoded, so a picture that unpacks to gigabytes costs nothing). Formats: PNG (W3C, IHDR), JPEG (ITU T.81, SOFn), GIF89a (logical screen),
// WebP (RFC 9649).
#include <fcntl.h>
#include <magic.h>
#include <pthread.h>
#include <unistd.h>

#include "desk/attachment.h"

enum { HEAD_BYTES = 64 * 1024, MOST_MARKERS = 2000 };

// What is served under which type. NULL: as it is.
static const struct allowed {
    const char *type, *served;
} allowed[] = {
    {"image/png", NULL}, {"image/jpeg", NULL}, {"image/gif", NULL}, {"image/webp", NULL},
    {"image/bmp", NULL}, {"image/x-ms-bmp", "image/bmp"}, {"image/tiff", NULL}, {"image/heic", NULL}, {"image/heif", NULL}, {"image/avif", NULL},
    {"image/svg+xml", "application/octet-stream"}, {"text/html", "text/plain"}, {"application/pdf", NULL},
    {"text/plain", NULL}, {"text/csv", NULL}, {"application/csv", "text/csv"}, {"application/json", NULL},
    {"application/rtf", NULL}, {"text/rtf", "application/rtf"}, {"text/xml", "text/plain"}, {"application/xml", "text/plain"},
    {"application/zip", NULL}, {"application/gzip", NULL}, {"application/x-7z-compressed", NULL}, {"application/x-rar", NULL},
    {"application/vnd.rar", NULL}, {"application/msword", NULL}, {"application/vnd.ms-excel", NULL}, {"application/vnd.ms-powerpoint", NULL},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", NULL},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", NULL},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", NULL},
    {"application/vnd.oasis.opendocument.text", NULL}, {"application/vnd.oasis.opendocument.spreadsheet", NULL},
    {"application/CDFV2", "application/octet-stream"}, {"application/x-ole-storage", "application/octet-stream"},
    {"audio/mpeg", NULL}, {"audio/mp4", NULL}, {"audio/x-m4a", "audio/mp4"}, {"audio/ogg", NULL}, {"audio/wav", NULL}, {"audio/x-wav", "audio/wav"},
    {"audio/webm", NULL}, {"audio/amr", NULL}, {"video/mp4", NULL}, {"video/quicktime", NULL}, {"video/webm", NULL}, {"video/ogg", NULL},
};

static uint32_t big16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}
static uint32_t big32(const uint8_t *p)
{
    return big16(p) << 16 | big16(p + 2);
}
static uint32_t little16(const uint8_t *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}
static uint32_t little24(const uint8_t *p)
{
    return little16(p) | (uint32_t)p[2] << 16;
}

static bool size_png(const uint8_t *p, size_t n, int64_t *w, int64_t *h)
{
    if (n < 24 || memcmp(p, "\x89PNG\r\n\x1a\n", 8) != 0 || memcmp(p + 12, "IHDR", 4) != 0)
        return false;
    *w = big32(p + 16);
    *h = big32(p + 20);
    return true;
}
static bool size_gif(const uint8_t *p, size_t n, int64_t *w, int64_t *h)
{
    if (n < 10 || memcmp(p, "GIF8", 4) != 0)
        return false;
    *w = little16(p + 6);
    *h = little16(p + 8);
    return true;
}
static bool size_webp(const uint8_t *p, size_t n, int64_t *w, int64_t *h)
{
    if (n < 30 || memcmp(p, "RIFF", 4) != 0 || memcmp(p + 8, "WEBP", 4) != 0)
        return false;
    if (memcmp(p + 12, "VP8X", 4) == 0) {
        *w = little24(p + 24) + 1;
        *h = little24(p + 27) + 1;
        return true;
    }
    if (memcmp(p + 12, "VP8L", 4) == 0 && p[20] == 0x2F) {
        uint32_t bits = little16(p + 21) | little16(p + 23) << 16;
        *w = (bits & 0x3FFF) + 1;
        *h = (bits >> 14 & 0x3FFF) + 1;
        return true;
    }
    if (memcmp(p + 12, "VP8 ", 4) == 0 && p[23] == 0x9D && p[24] == 0x01 && p[25] == 0x2A) {
        *w = little16(p + 26) & 0x3FFF;
        *h = little16(p + 28) & 0x3FFF;
        return true;
    }
    return false;
}
// Segments until a frame header; a long EXIF or colour profile may stand before it, so the file is read on.
static bool size_jpeg(int fd, int64_t *w, int64_t *h)
{
    uint8_t p[9];
    off_t at = 2;
    if (pread(fd, p, 2, 0) != 2 || p[0] != 0xFF || p[1] != 0xD8)
        return false;
    for (int i = 0; i < MOST_MARKERS; i++) {
        if (pread(fd, p, sizeof p, at) < 4 || p[0] != 0xFF)
            return false;
        uint8_t marker = p[1];
        if (marker == 0xFF) { // fill byte
            at++;
            continue;
        }
        if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7)) {
            at += 2;
            continue;
        }
        if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC) {
            if (pread(fd, p, sizeof p, at) != (ssize_t)sizeof p)
                return false;
            *h = big16(p + 5);
            *w = big16(p + 7);
            return true;
        }
        if (marker == 0xD9 || marker == 0xDA || big16(p + 2) < 2)
            return false;
        at += 2 + (off_t)big16(p + 2);
    }
    return false;
}

// One database for the process; libmagic is asked by one thread at a time.
static struct str magic_of(struct ctx *c, const uint8_t *head, size_t n)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static magic_t magic;
    struct str type = STR("");
    pthread_mutex_lock(&lock);
    if (!magic && (magic = magic_open(MAGIC_MIME_TYPE)) && magic_load(magic, NULL)) {
        magic_close(magic);
        magic = NULL;
    }
    const char *said = magic ? magic_buffer(magic, head, n) : NULL;
    if (said)
        type = str_dup(c->arena, str_of(said));
    else
        fail(c, ERR_INTERNAL, "internal", NULL), fail_detail(c, "libmagic has no database or no answer");
    pthread_mutex_unlock(&lock);
    return type;
}

struct str attachment_sniff(struct ctx *c, const char *path, struct str name, int64_t *width, int64_t *height, bool *sound)
{
    *width = *height = 0;
    *sound = true;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail(c, ERR_INTERNAL, "internal", NULL);
        fail_detail(c, "an upload cannot be read");
        return STR("");
    }
    uint8_t *head = arena_alloc(c->arena, HEAD_BYTES);
    ssize_t n = pread(fd, head, HEAD_BYTES, 0);
    struct str type = n > 0 ? magic_of(c, head, (size_t)n) : STR("");
    if (str_is(type, "image/png"))
        *sound = size_png(head, (size_t)n, width, height);
    else if (str_is(type, "image/jpeg"))
        *sound = size_jpeg(fd, width, height);
    else if (str_is(type, "image/gif"))
        *sound = size_gif(head, (size_t)n, width, height);
    else if (str_is(type, "image/webp"))
        *sound = size_webp(head, (size_t)n, width, height);
    close(fd);
    if (attachment_inline(type) && *sound)
        *sound = *width > 0 && *height > 0;
    // A spreadsheet's text or a log without a telling beginning: text is text.
    bool text = str_starts(type, STR("text/"));
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (str_is(type, allowed[i].type))
            return allowed[i].served ? str_of(allowed[i].served) : type;
    return text && !str_is(type, "text/x-shellscript") ? STR("text/plain") : STR("");
}
