// What the two files of contacts share.
#pragma once
#include "crm/contact.h"

struct str contact_account_hash(struct ctx *c, struct str account_id);
bool contact_write_in(struct ctx *c, const struct contact *contact, bool renamed); // the whole row; counts the version
