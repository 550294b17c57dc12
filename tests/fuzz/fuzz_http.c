// HTTP: an input is what a client writes on a connection before it closes its side. The server answers or closes; an answer is well-formed,
// never a 500, and an error of the API is a problem document.
#include <ctype.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/serve.h"

enum { ANSWER_ROOM = 4 << 20 };

static struct str header(struct str head, const char *name)
{
    struct str line;
    while (head.len && str_split(&head, '\n', &line)) {
        size_t colon;
        if (str_find(line, STR(":"), &colon) && str_eq_nocase(str_sub(line, 0, colon), str_of(name)))
            return str_trim(str_sub(line, colon + 1, line.len));
    }
    return STR("");
}

// The bytes of a chunked body that starts at `rest`, without its sizes; *used: all of it. False when it is cut off or broken.
static bool unchunk(struct arena *a, struct str rest, struct str *body, size_t *used)
{
    struct buf b = {.arena = a};
    size_t at = 0, end;
    for (;;) {
        struct str left = str_sub(rest, at, rest.len);
        if (!str_find(left, STR("\r\n"), &end) || !end)
            return false;
        size_t size = strtoul(str_z(a, str_sub(left, 0, end)), NULL, 16);
        at += end + 2;
        if (rest.len - at < size + 2)
            return false;
        buf_add(&b, rest.at + at, size);
        at += size + 2;
        if (!size) {
            *body = buf_str(&b);
            *used = at;
            return true;
        }
    }
}

static void problem(struct ctx *c, int status, struct str body)
{
    struct json *v = json_read(c, body, (struct json_limits){0});
    ASSERT(v, "a problem document is JSON");
    ASSERT(json_int(json_get(v, "status")) == status, "a problem document names its status");
    ASSERT(json_text(json_get(v, "title")).len, "a problem document has a title");
    json_free(v);
}

// Answers one after the other; a HEAD's has no body, so only what cannot be one is looked at strictly.
static void check(struct ctx *c, struct str all, bool head_asked)
{
    while (all.len) {
        ASSERT(str_starts(all, STR("HTTP/1.1 ")) && all.len > 12 && isdigit(all.at[9]), "an answer has a status line");
        int status = (int)strtol(all.at + 9, NULL, 10);
        ASSERT(status >= 100 && status < 600 && status != 500, "no input makes an internal error");
        size_t end;
        ASSERT(str_find(all, STR("\r\n\r\n"), &end), "an answer's head is whole");
        struct str head = str_sub(all, 0, end), body;
        all = str_sub(all, end + 4, all.len);
        if (status == 101)
            return; // frames follow
        if (status < 200)
            continue;
        size_t used = 0;
        struct str length = header(head, "content-length");
        if (head_asked)
            return;
        if (str_eq_nocase(header(head, "transfer-encoding"), STR("chunked"))) {
            ASSERT(unchunk(c->arena, all, &body, &used), "a chunked answer is whole");
        } else {
            used = length.len ? strtoul(str_z(c->arena, length), NULL, 10) : 0;
            ASSERT(used <= all.len, "an answer is as long as it says");
            body = str_sub(all, 0, used);
        }
        if (str_starts(header(head, "content-type"), STR("application/problem+json")) && !header(head, "content-encoding").len)
            problem(c, status, body);
        all = str_sub(all, used, all.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t in[SERVE_ROOM];
    static char out[ANSWER_ROOM];
    serve_ready();
    size_t len = serve_fill(data, size, in), got = 0, n;
    int fd = serve_connect();
    serve_send(fd, in, len);
    shutdown(fd, SHUT_WR);
    while ((n = serve_read(fd, out + got, ANSWER_ROOM - 1 - got)) > 0)
        if ((got += n) == ANSWER_ROOM - 1)
            break;
    close(fd);
    out[got] = '\0'; // strtol
    struct fuzz_ctx f;
    struct ctx *c = fuzz_begin(&f);
    size_t found;
    bool two = len >= 3 && memcmp(in, "PRI", 3) == 0; // HTTP/2 answers with frames
    if (got && got < ANSWER_ROOM - 1 && !two)
        check(c, (struct str){out, got}, str_find((struct str){(const char *)in, len}, STR("HEAD"), &found));
    fuzz_end(&f);
    return 0;
}
