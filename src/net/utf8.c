#include "net/utf8.h"

#include <string.h>

bool utf8_feed(struct utf8 *u, const char *bytes, size_t len)
{
    size_t i = 0;
    while (i < len) {
        if (!u->need) {
            uint64_t eight;
            while (i + 8 <= len) {
                memcpy(&eight, bytes + i, 8);
                if (eight & 0x8080808080808080u)
                    break;
                i += 8;
            }
            if (i == len)
                break;
        }
        uint8_t b = (uint8_t)bytes[i++];
        if (u->need) {
            if (b < u->low || b > u->high)
                return false;
            u->need--;
            u->low = 0x80;
            u->high = 0xBF;
        } else if (b >= 0x80) {
            u->low = b == 0xE0 ? 0xA0 : b == 0xF0 ? 0x90 : 0x80;
            u->high = b == 0xED ? 0x9F : b == 0xF4 ? 0x8F : 0xBF;
            if (b >= 0xC2 && b <= 0xDF)
                u->need = 1;
            else if (b >= 0xE0 && b <= 0xEF)
                u->need = 2;
            else if (b >= 0xF0 && b <= 0xF4)
                u->need = 3;
            else
                return false;
        }
    }
    return true;
}
