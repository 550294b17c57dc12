// Key rotation's second half: every column with sealed values is registered here, and a durable job seals its rows anew, batch by batch.
#pragma once
#include "store/db.h"
#include "store/job.h"

struct reseal {
    const char *name;    // "contact.phone", the context of field_seal too
    struct sql *select;  // "SELECT id, COLUMN FROM … WHERE id > ?1 AND COLUMN IS NOT NULL ORDER BY id LIMIT ?2"
    struct sql *update;  // "UPDATE … SET COLUMN = ?1 WHERE id = ?2 AND COLUMN = ?3": only if nobody changed it meanwhile
    struct reseal *next;
};
void reseal_register(struct reseal *r);
#define RESEAL(ident, name_, select_, update_) \
    static struct reseal ident = {name_, select_, update_, NULL}; \
    __attribute__((constructor)) static void ident##_register(void) \
    { \
        reseal_register(&ident); \
    } \
    struct reseal_eats_semicolon

extern const struct job_kind reseal_job; // give it to job_start with the other kinds
bool reseal_all(struct ctx *c, int64_t *rows); // what the job does: seals anew whatever an older key sealed; outside store_write
