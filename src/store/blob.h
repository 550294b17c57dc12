// Attachments: bytes kept once under their BLAKE2b-256 hash, in a folder (two levels of names) or in the table `blob`.
#pragma once
#include "store/db.h"

struct blob_ref {
    struct str hash; // 64 hex digits
    int64_t size;
};
// Takes a copy of a finished upload (a file). Durable (fsync) before it returns. Outside store_write.
bool blob_put_file(struct ctx *c, const char *path, struct blob_ref *ref);
bool blob_put(struct ctx *c, struct str bytes, struct blob_ref *ref);
// Reading: either a path to send from (folder) or the bytes (database).
bool blob_open(struct ctx *c, struct str hash, int *fd, int64_t *size); // fd the caller closes; a database blob comes as a memfd
bool blob_forget(struct ctx *c, struct str hash); // when nothing refers to it any more; ERR_UNAVAILABLE while a backup is written
