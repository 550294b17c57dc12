// multipart/form-data (RFC 7578) as it arrives: files go to temporary files, small values into memory, all with limits.
#pragma once
#include "net/http.h"

struct form;
struct form_limits {
    const char *temp_dir;
    int64_t file_bytes;  // of one file
    size_t values_bytes; // of all values and names
    size_t parts;
};
// Memory of the results is the arena's. NULL when the header has no usable boundary.
struct form *form_new(struct arena *a, struct str content_type, struct form_limits limits);
enum form_result { FORM_GOOD, FORM_BAD, FORM_TOO_LARGE, FORM_NO_ROOM }; // NO_ROOM: the disk refused
enum form_result form_feed(struct form *f, const char *bytes, size_t len);
enum form_result form_end(struct form *f, struct request *rq); // hands the parts over; BAD when the closing boundary did not come
int64_t form_disk(const struct form *f);                       // bytes on disk
void form_free(struct form *f);                                // closes; what was not handed over is removed
void uploads_remove(struct request *rq);
// application/x-www-form-urlencoded; false when malformed or more than `parts`.
bool form_urlencoded(struct arena *a, struct str body, size_t parts, struct request *rq);
