#include <stdlib.h>

#include "base/error.h"
#include "net/core.h"

struct frame *frame_new(size_t len)
{
    struct frame *f = malloc(sizeof *f + len);
    ASSERT(f && len < UINT32_MAX, "out of memory");
    f->count = 1;
    f->len = (uint32_t)len;
    f->at = f->bytes;
    return f;
}

struct frame *frame_static(const void *at, size_t len)
{
    struct frame *f = frame_new(0);
    f->at = at;
    f->len = (uint32_t)len;
    return f;
}

void frame_drop(struct frame *f)
{
    if (f && atomic_fetch_sub_explicit(&f->count, 1, memory_order_acq_rel) == 1)
        free(f);
}

// A server's frames are not masked, so one copy with its header serves every reader (RFC 6455, 5.2).
static struct frame *websocket_frame(int opcode, const void *body, size_t len)
{
    size_t head = len < 126 ? 2 : len < 65536 ? 4 : 10;
    struct frame *f = frame_new(head + len);
    uint8_t *to = (uint8_t *)f->bytes;
    to[0] = (uint8_t)(0x80 | opcode);
    if (head == 2) {
        to[1] = (uint8_t)len;
    } else {
        size_t digits = head - 2;
        to[1] = head == 4 ? 126 : 127;
        for (size_t i = 0; i < digits; i++)
            to[2 + i] = (uint8_t)(len >> 8 * (digits - 1 - i));
    }
    if (len)
        memcpy(to + head, body, len);
    return f;
}

struct frame *frame_text(struct str text)
{
    return websocket_frame(1, text.at, text.len);
}

struct frame *frame_control(int opcode, const void *body, size_t len)
{
    return websocket_frame(opcode, body, len);
}

struct frame *frame_close(int code, const char *reason)
{
    char body[125] = {(char)(code >> 8), (char)code};
    size_t len = reason ? strlen(reason) : 0;
    len = len < sizeof body - 2 ? len : sizeof body - 2;
    if (len)
        memcpy(body + 2, reason, len); // NOLINT(bugprone-not-null-terminated-result)
    return frame_control(8, body, code ? len + 2 : 0);
}
