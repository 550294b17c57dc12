#include <arpa/inet.h>
#include <stdio.h>

#include "base/error.h"
#include "net/core.h"

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

struct address address_of(const struct sockaddr_storage *from)
{
    struct address a = {0};
    if (from->ss_family == AF_INET6) {
        memcpy(a.bytes, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
    } else if (from->ss_family == AF_INET) {
        memcpy(a.bytes, v4_prefix, 12);
        memcpy(a.bytes + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
    }
    return a;
}

struct str address_text(struct arena *a, struct address from)
{
    char text[INET6_ADDRSTRLEN];
    bool v4 = memcmp(from.bytes, v4_prefix, 12) == 0;
    inet_ntop(v4 ? AF_INET : AF_INET6, from.bytes + (v4 ? 12 : 0), text, sizeof text);
    return str_dup(a, str_of(text));
}

bool address_parse(struct str text, struct address *out)
{
    char z[64];
    text = str_trim(text);
    if (text.len && text.at[0] == '[') {
        const char *end = memchr(text.at, ']', text.len);
        if (!end)
            return false;
        text = (struct str){text.at + 1, (size_t)(end - text.at) - 1};
    } else {
        const char *colon = memchr(text.at, ':', text.len);
        if (colon && memchr(text.at, '.', (size_t)(colon - text.at))) // 192.0.2.1:5000
            text.len = (size_t)(colon - text.at);
    }
    if (!text.len || text.len >= sizeof z)
        return false;
    memcpy(z, text.at, text.len);
    z[text.len] = 0;
    memcpy(out->bytes, v4_prefix, 12);
    return inet_pton(AF_INET, z, out->bytes + 12) == 1 || inet_pton(AF_INET6, z, out->bytes) == 1;
}

bool networks_parse(struct ctx *c, struct str list, struct networks *out)
{
    struct str part;
    out->count = 0;
    while (list.len && str_split(&list, ',', &part)) {
        part = str_trim(part);
        if (!part.len)
            continue;
        struct str address = part;
        size_t slash;
        int64_t bits = -1;
        bool good = true;
        if (str_find(part, STR("/"), &slash)) {
            address = str_sub(part, 0, slash);
            good = str_int(str_sub(part, slash + 1, part.len), &bits) && bits >= 0;
        }
        struct network n;
        good = good && out->count < sizeof out->at / sizeof out->at[0] && address_parse(address, &n.address);
        if (good) {
            bool v4 = memcmp(n.address.bytes, v4_prefix, 12) == 0;
            n.bits = bits < 0 ? 128 : (int)bits + (v4 ? 96 : 0);
            good = n.bits <= 128;
        }
        if (!good)
            return fail(c, ERR_INVALID, "net.proxies", str_z(c->arena, part), NULL);
        out->at[out->count++] = n;
    }
    return true;
}

bool networks_hold(const struct networks *n, struct address a)
{
    for (size_t i = 0; i < n->count; i++) {
        const struct network *w = &n->at[i];
        int whole = w->bits / 8, rest = w->bits % 8;
        if (memcmp(a.bytes, w->address.bytes, (size_t)whole) == 0 &&
            (!rest || (a.bytes[whole] ^ w->address.bytes[whole]) >> (8 - rest) == 0))
            return true;
    }
    return false;
}
