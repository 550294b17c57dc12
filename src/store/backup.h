// Online backup and checked restore. A backup is one file: a header with the schema and counts, the rows of every table with their hash,
// and the attachments; the same format from both engines, so a backup of one restores into the other.
#pragma once
#include "store/db.h"

typedef void (*backup_progress)(void *arg, int64_t done, int64_t total);
bool backup_write(struct ctx *c, const char *file, backup_progress progress, void *arg); // one consistent snapshot, while serving
bool backup_check(struct ctx *c, const char *file);                                     // every hash and count, changes nothing
bool backup_restore(struct ctx *c, const char *file, backup_progress progress, void *arg); // only into an empty store; all or nothing
