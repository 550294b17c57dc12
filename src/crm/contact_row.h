// What the two files of contacts share.
#pragma once
#include "crm/contact.h"

bool contact_write_in(struct ctx *c, const struct contact *contact, bool renamed); // the whole row; counts the version
