// Inside of the room: the form of a backup's file, and what writing (backup.c) and reading (restore.c) have in common.
#pragma once
#include <sodium.h>
#include <stdio.h>

#include "base/vec.h"
#include "store/backup.h"
#include "store/engine.h"

// The file is a chain of records: a kind byte, the payload's length (8 bytes, little-endian), the payload. A payload is a row of cells
// (n · i 8 bytes · s or b with a 4-byte length) but for the pieces of attachments, which are raw.
//     Y  magic, format, program, created, engine, migrations, attachments, pieces, tables (name, rows, last id, columns)
//     T  a table's name; then R  rows …; then t  their number and the hash of all R payloads
//     A  an attachment's hash and size; then a  pieces …
//     E  number of rows and of attachments, hash of every byte before this record; nothing follows
#define BACKUP_MAGIC "yingda-backup"
enum {
    FORMAT = 1,
    HASH = 32,                      // BLAKE2b-256
    PIECE = 128 * 1024,             // of an attachment; the last one may be shorter
    ROWS_BYTES = 256 * 1024,        // of an R record, about
    MOST_RECORD = 64 * 1024 * 1024, // a single row may be this long
    MOST_TABLES = 1000,
    MOST_COLUMNS = 200,
};

struct column {
    struct str name;
    char type; // i s b
};
struct table {
    struct str name;
    int64_t rows, last_id;
    VEC(struct column);
};
struct catalogue {
    VEC(struct table);
};
struct backup_run { // what both ways have in common
    struct ctx *c;
    const char *path;
    FILE *file;
    crypto_generichash_state all, table;
    backup_progress progress;
    void *arg;
    int64_t done, total;
};


void backup_tick(struct backup_run *j, int64_t more);
void backup_end_work(struct ctx *c, struct arena *mine, struct arena *work); // c->arena is `mine` again; frees `work`
bool backup_file_failed(struct ctx *c, const char *path); // after errno; returns false
bool backup_own_form(struct str table);                   // a table that is written in another form
bool backup_plain_name(struct str name);                  // may stand in a statement as it is

// On c->db, with texts that are the room's own.
bool built_int(struct ctx *c, int64_t *value, struct str text, const struct param *p, size_t n);
bool built_exec(struct ctx *c, struct str text, const struct param *p, size_t n);
bool catalogue_read(struct ctx *c, struct catalogue *all, bool with_own_forms); // tables with their columns and numbers of rows
