#include "net/parse.h"

#include <stdlib.h>

size_t head_length(const char *bytes, size_t len)
{
    const char *end = memmem(bytes, len, "\r\n\r\n", 4);
    size_t skip = 0;
    while (skip + 1 < len && bytes[skip] == '\r' && bytes[skip + 1] == '\n')
        skip += 2;
    if (skip) { // empty lines before the request line are allowed and not its end
        end = len > skip ? memmem(bytes + skip, len - skip, "\r\n\r\n", 4) : NULL;
    }
    return end ? (size_t)(end - bytes) + 4 : 0;
}

static bool is_token(unsigned char c)
{
    static const char extra[] = "!#$%&'*+-.^_`|~";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr(extra, c));
}

static bool request_line(struct str line, struct head *out)
{
    size_t a, b;
    if (!str_find(line, STR(" "), &a) || !a)
        return false;
    for (size_t i = 0; i < a; i++)
        if (!is_token((unsigned char)line.at[i]))
            return false;
    struct str rest = str_sub(line, a + 1, line.len);
    if (!str_find(rest, STR(" "), &b) || !b)
        return false;
    struct str version = str_sub(rest, b + 1, rest.len);
    out->method = str_sub(line, 0, a);
    out->target = str_sub(rest, 0, b);
    for (size_t i = 0; i < b; i++)
        if ((unsigned char)rest.at[i] <= 0x20 || rest.at[i] == 0x7F)
            return false;
    if (version.len != 8 || !str_starts(version, STR("HTTP/")) || version.at[6] != '.')
        return false;
    out->minor = version.at[5] == '1' && version.at[7] >= '0' && version.at[7] <= '9' ? version.at[7] - '0' : -1;
    return true;
}

bool header_lists(struct str header, const char *token)
{
    struct str part;
    while (header.len && str_split(&header, ',', &part))
        if (str_eq_nocase(str_trim(part), str_of(token)))
            return true;
    return false;
}

static int field(struct head *out, struct header *h, bool *host)
{
    if (str_is(h->name, "content-length")) {
        int64_t n;
        if (!h->value.len || h->value.at[0] < '0' || h->value.at[0] > '9' || !str_int(h->value, &n))
            return 400;
        if (out->content_length >= 0 && out->content_length != n)
            return 400;
        out->content_length = n;
    } else if (str_is(h->name, "transfer-encoding")) {
        if (out->chunked || !str_eq_nocase(h->value, STR("chunked")))
            return 501;
        out->chunked = true;
    } else if (str_is(h->name, "connection")) {
        if (header_lists(h->value, "close"))
            out->keep_alive = false;
        else if (header_lists(h->value, "keep-alive"))
            out->keep_alive = true;
        if (header_lists(h->value, "upgrade"))
            out->upgrade = true;
    } else if (str_is(h->name, "host")) {
        if (*host)
            return 400;
        *host = true;
        for (size_t i = 0; i < h->value.len; i++) {
            char c = h->value.at[i];
            if (!(is_token((unsigned char)c) || c == ':' || c == '[' || c == ']'))
                return 400;
        }
    } else if (str_is(h->name, "expect") && str_eq_nocase(h->value, STR("100-continue"))) {
        out->expect_continue = true;
    }
    return 0;
}

int head_parse(char *bytes, size_t len, struct header *room, size_t room_count, struct head *out)
{
    *out = (struct head){.headers = room, .content_length = -1};
    size_t at = 0;
    while (at + 1 < len && bytes[at] == '\r' && bytes[at + 1] == '\n')
        at += 2;
    bool first = true, host = false;
    for (;;) {
        char *end = memchr(bytes + at, '\r', len - at);
        if (!end || end + 1 >= bytes + len || end[1] != '\n')
            return 400;
        struct str line = {bytes + at, (size_t)(end - (bytes + at))};
        if (memchr(line.at, '\n', line.len) || memchr(line.at, 0, line.len))
            return 400;
        at += line.len + 2;
        if (first) {
            if (!request_line(line, out))
                return 400;
            if (out->minor < 0)
                return 505;
            out->keep_alive = out->minor > 0;
            first = false;
            continue;
        }
        if (!line.len)
            break;
        size_t colon;
        if (!str_find(line, STR(":"), &colon) || !colon)
            return 400;
        if (out->count == room_count)
            return 431;
        struct header *h = &room[out->count];
        h->name = str_sub(line, 0, colon);
        h->value = str_trim(str_sub(line, colon + 1, line.len));
        for (size_t i = 0; i < colon; i++) { // a blank here is a folded line or a smuggler
            unsigned char c = (unsigned char)line.at[i];
            if (!is_token(c))
                return 400;
            if (c >= 'A' && c <= 'Z')
                *(char *)&line.at[i] = (char)(c + 32);
        }
        for (size_t i = 0; i < h->value.len; i++) {
            unsigned char c = (unsigned char)h->value.at[i];
            if ((c < 0x20 && c != '\t') || c == 0x7F)
                return 400;
        }
        int refused = field(out, h, &host);
        if (refused)
            return refused;
        out->count++;
    }
    if (out->minor > 0 && !host)
        return 400;
    if (out->chunked && (out->content_length >= 0 || out->minor == 0))
        return 400;
    return 0;
}

bool chunks_next(struct chunks *c, const char *bytes, size_t len, size_t *used, struct str *data)
{
    *data = STR("");
    size_t i = 0;
    for (; i < len; i++) {
        unsigned char b = (unsigned char)bytes[i];
        switch ((enum chunk_stage)c->stage) {
        case CHUNK_SIZE: {
            int digit = b >= '0' && b <= '9' ? b - '0' : (b | 32) >= 'a' && (b | 32) <= 'f' ? (b | 32) - 'a' + 10 : -1;
            if (digit >= 0) {
                if (++c->line > 12)
                    return false;
                c->left = c->left << 4 | digit;
                break;
            }
            if (!c->line)
                return false;
            c->stage = b == '\r' ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
            if (b != '\r' && b != ';' && b != ' ' && b != '\t')
                return false;
            break;
        }
        case CHUNK_EXTENSION:
            if (++c->line > 256 || b == '\n' || b == 0)
                return false;
            if (b == '\r')
                c->stage = CHUNK_SIZE_LF;
            break;
        case CHUNK_SIZE_LF:
            if (b != '\n')
                return false;
            c->line = 0;
            c->stage = c->left ? CHUNK_DATA : CHUNK_TRAILER;
            break;
        case CHUNK_DATA: {
            size_t n = len - i < (size_t)c->left ? len - i : (size_t)c->left;
            *data = (struct str){bytes + i, n};
            c->left -= (int64_t)n;
            if (!c->left)
                c->stage = CHUNK_DATA_CR;
            *used = i + n;
            return true;
        }
        case CHUNK_DATA_CR:
            if (b != '\r')
                return false;
            c->stage = CHUNK_DATA_LF;
            break;
        case CHUNK_DATA_LF:
            if (b != '\n')
                return false;
            c->stage = CHUNK_SIZE;
            c->line = 0;
            c->left = 0;
            break;
        case CHUNK_TRAILER: // fields behind the body are read over
            if (b == '\r') {
                c->stage = c->line ? CHUNK_TRAILER_LF : CHUNK_LAST_LF;
                break;
            }
            if (b == '\n' || ++c->line > 1024)
                return false;
            break;
        case CHUNK_TRAILER_LF:
            if (b != '\n' || (c->left += 1) > 32)
                return false;
            c->line = 0;
            c->stage = CHUNK_TRAILER;
            break;
        case CHUNK_LAST_LF:
            if (b != '\n')
                return false;
            c->stage = CHUNK_END;
            *used = i + 1;
            return true;
        case CHUNK_END:
            *used = i;
            return true;
        }
    }
    *used = i;
    return true;
}

bool media_type_is(struct str header, const char *type)
{
    struct str main_part = header;
    size_t at;
    if (str_find(header, STR(";"), &at))
        main_part = str_sub(header, 0, at);
    return str_eq_nocase(str_trim(main_part), str_of(type));
}

bool header_parameter(struct arena *a, struct str header, const char *name, struct str *value)
{
    size_t i = 0;
    while (i < header.len && header.at[i] != ';')
        i++;
    while (i < header.len) {
        while (i < header.len && (header.at[i] == ';' || header.at[i] == ' ' || header.at[i] == '\t'))
            i++;
        size_t from = i;
        while (i < header.len && header.at[i] != '=' && header.at[i] != ';')
            i++;
        struct str key = str_trim(str_sub(header, from, i - from));
        char *to = arena_alloc(a, header.len + 1);
        size_t len = 0;
        if (i < header.len && header.at[i] == '=') {
            i++;
            if (i < header.len && header.at[i] == '"') {
                for (i++; i < header.len && header.at[i] != '"'; i++) {
                    // Browsers send a file name's backslash as it is and a quote as %22; others escape both.
                    if (header.at[i] == '\\' && i + 1 < header.len && (header.at[i + 1] == '"' || header.at[i + 1] == '\\'))
                        i++;
                    to[len++] = header.at[i];
                }
                while (i < header.len && header.at[i] != ';')
                    i++;
            } else {
                for (; i < header.len && header.at[i] != ';'; i++)
                    to[len++] = header.at[i];
                while (len && (to[len - 1] == ' ' || to[len - 1] == '\t'))
                    len--;
            }
        }
        if (str_eq_nocase(key, str_of(name))) {
            *value = (struct str){to, len};
            return true;
        }
    }
    return false;
}
