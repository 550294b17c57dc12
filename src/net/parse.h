// HTTP/1.1 as bytes: the head of a request and the chunks of a body (RFC 9112), strictly: what two readers could understand
// differently is refused. Pure functions over memory, so that a fuzzer can call them.
#pragma once
#include "base/str.h"

struct header {
    struct str name, value; // name in lower case, value trimmed
};
struct head {
    struct str method, target;
    int minor; // HTTP/1.0 or 1.1
    struct header *headers;
    size_t count;
    int64_t content_length; // -1: none
    bool chunked, keep_alive, upgrade, expect_continue;
};
// Bytes up to and with the empty line, or 0 when it is not there yet. Empty lines before a request are counted in.
size_t head_length(const char *bytes, size_t len);
// Parses a complete head in place (names are made lower case). 0, or the status of the refusal: 400, 431, 501, 505.
int head_parse(char *bytes, size_t len, struct header *room, size_t room_count, struct head *out);

enum chunk_stage { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_SIZE_LF, CHUNK_DATA, CHUNK_DATA_CR, CHUNK_DATA_LF, CHUNK_TRAILER, CHUNK_TRAILER_LF,
                   CHUNK_LAST_LF, CHUNK_END };
struct chunks {
    uint8_t stage; // CHUNK_SIZE at first
    uint16_t line; // bytes of the present line
    int64_t left;  // of the present chunk
};
// Takes from the bytes up to one run of data. `used` bytes were taken; *data is the run (may be empty). False: malformed.
bool chunks_next(struct chunks *c, const char *bytes, size_t len, size_t *used, struct str *data);

// "text/html; charset=utf-8" is `type`, whatever its parameters.
bool media_type_is(struct str header, const char *type);
// The value of a parameter of a header such as content-disposition; quotes and backslashes resolved. False if absent.
bool header_parameter(struct arena *a, struct str header, const char *name, struct str *value);
bool header_lists(struct str header, const char *token); // "keep-alive, Upgrade" lists "upgrade"
