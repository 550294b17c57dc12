// WebSocket after the upgrade, both endpoints. The input's first byte says how the rest goes out: bit 0: as it stands, or line by line, each line
// as one masked text frame; bit 1: on the console's endpoint instead of the widget's; bit 2: without a hello before it.
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/serve.h"

enum { READ_ROOM = 4 << 20 };
static char got[READ_ROOM];
static size_t got_len;

// A client's frame with a mask of zeros. False when the server has closed.
static bool say(int fd, int opcode, const void *text, size_t len)
{
    uint8_t head[14] = {(uint8_t)(0x80 | opcode)};
    size_t n = 2;
    if (len < 126) {
        head[1] = (uint8_t)(0x80 | len);
    } else if (len < 65536) {
        head[1] = 0x80 | 126;
        head[2] = (uint8_t)(len >> 8);
        head[3] = (uint8_t)len;
        n = 4;
    } else {
        head[1] = 0x80 | 127;
        for (int i = 0; i < 8; i++)
            head[2 + i] = (uint8_t)(len >> (56 - 8 * i));
        n = 10;
    }
    return serve_send(fd, head, n + 4) && serve_send(fd, text, len);
}

static bool more(int fd)
{
    size_t n = got_len < READ_ROOM ? serve_read(fd, got + got_len, READ_ROOM - got_len) : 0;
    got_len += n;
    return n > 0;
}

// One frame of the server at *at; false when it is not whole yet.
static bool frame(size_t *at, int *opcode, struct str *body)
{
    const uint8_t *b = (const uint8_t *)got + *at;
    size_t left = got_len - *at, n = 2;
    if (left < 2)
        return false;
    size_t len = b[1] & 0x7F;
    ASSERT(!(b[1] & 0x80), "a server's frame has no mask");
    ASSERT((b[0] & 0xF0) == 0x80, "a server's frame is whole and has no extension");
    if (len == 126)
        n = 4;
    else if (len == 127)
        n = 10;
    if (left < n)
        return false;
    for (size_t i = 2, value = 0; i < n; i++)
        len = value = value << 8 | b[i];
    if (left - n < len)
        return false;
    *opcode = b[0] & 15;
    *body = (struct str){(const char *)b + n, len};
    *at += n + len;
    return true;
}

// Reads to the end, or until a frame of type `last` when there is one. What the server says is sound.
static void listen_to(int fd, struct ctx *c, size_t *at, const char *last)
{
    for (;;) {
        int opcode;
        struct str body;
        while (frame(at, &opcode, &body)) {
            ASSERT(opcode == 1 || (opcode >= 8 && opcode <= 10), "a server sends text, close, ping and pong");
            ASSERT(opcode != 8 || body.len >= 2, "a close has its code");
            if (opcode != 1)
                continue;
            struct json *v = json_read(c, body, (struct json_limits){0});
            ASSERT(v && json_text(json_get(v, "t")).len, "a frame is a JSON object with its type");
            bool found = last && str_is(json_text(json_get(v, "t")), last);
            json_free(v);
            if (found)
                return;
        }
        if (!more(fd))
            return;
    }
}

static int upgrade(bool console, size_t *at)
{
    static const char widget_head[] =
        "GET /ws/widget?inbox=<key> HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    static const char console_head[] =
        "GET /ws/console HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer <bearer>\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    static uint8_t head[SERVE_ROOM];
    const char *from = console ? console_head : widget_head;
    size_t len = serve_fill((const uint8_t *)from, strlen(from), head);
    int fd = serve_connect();
    got_len = 0;
    const char *end = NULL;
    ASSERT(serve_send(fd, head, len), "the server takes an upgrade");
    while (!end && more(fd))
        end = memmem(got, got_len, "\r\n\r\n", 4);
    ASSERT(end && memcmp(got, "HTTP/1.1 101", 12) == 0, "the server upgrades");
    *at = (size_t)(end - got) + 4;
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t in[SERVE_ROOM];
    if (!size)
        return 0;
    serve_ready();
    unsigned how = data[0];
    bool console = how & 2;
    size_t at, len = serve_fill(data + 1, size - 1, in);
    int fd = upgrade(console, &at);
    struct fuzz_ctx f;
    struct ctx *c = fuzz_begin(&f);
    bool open = true;
    if (!(how & 4)) {
        static const char hello[] = "{\"t\":\"hello\",\"token\":\"<visitor>\",\"locale\":\"en-US\"}", console_hello[] = "{\"t\":\"hello\"}";
        static uint8_t text[SERVE_ROOM];
        const char *from = console ? console_hello : hello;
        open = say(fd, 1, text, serve_fill((const uint8_t *)from, strlen(from), text));
        listen_to(fd, c, &at, "welcome");
    }
    if (how & 1) {
        serve_send(fd, in, len);
        shutdown(fd, SHUT_WR);
    } else {
        struct str rest = {(const char *)in, len}, line;
        while (open && rest.len && str_split(&rest, '\n', &line))
            open = say(fd, 1, line.at, line.len);
        static const char ping[] = "{\"t\":\"ping\"}"; // answered after all that came before it
        if (open && !(how & 4) && say(fd, 1, ping, sizeof ping - 1))
            listen_to(fd, c, &at, "pong");
        say(fd, 8, "\x03\xe8", 2);
        shutdown(fd, SHUT_WR);
    }
    listen_to(fd, c, &at, NULL);
    close(fd);
    fuzz_end(&f);
    return 0;
}
