// Clients' frames of both sides: whatever is taken has sound members, whatever is refused has an error.
#include "base/json.h"
#include "desk/frame.h"
#include "tests/fuzz/fuzz.h"

static void once(struct fuzz_ctx *f, enum frame_side side, struct str text)
{
    struct frame frame;
    error_clear(&f->error);
    switch (frame_read(&f->c, side, text, &frame)) {
    case FRAME_OK:
        ASSERT(!f->error.code, "what is taken has no error");
        ASSERT(str_is_utf8(frame.text) || !frame.text.len, "a text that is not UTF-8");
        ASSERT(frame.attachment_count <= FRAME_MOST_ATTACHMENTS && frame.follow_count <= FRAME_MOST_FOLLOW, "lists are bounded");
        break;
    case FRAME_REFUSED: {
        ASSERT(f->error.code, "a refusal has an error");
        struct json *v = json_read(&f->c, frame_error(&f->c, frame.cid), (struct json_limits){0});
        ASSERT(v, "an error frame is JSON");
        json_free(v);
        break;
    }
    case FRAME_BROKEN: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_ctx f;
    fuzz_begin(&f);
    struct str text = {(const char *)data, size};
    if (size <= 65536 && (str_is_utf8(text) || !size)) {
        once(&f, FRAME_OF_WIDGET, text);
        once(&f, FRAME_OF_CONSOLE, text);
    }
    fuzz_end(&f);
    return 0;
}
