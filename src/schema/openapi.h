// OpenAPI 3.1 from the route and field tables.
#pragma once
#include "schema/schema.h"

// The whole document as JSON, in `a`. tables: NULL-terminated list of route tables, each ended by a row with path NULL. Routes with ROUTE_PAGE
// and those outside /api/v1 are left out. A schema that is read and written gets up to three components: Name (answers), NameInput (POST, PUT),
// NamePatch (PATCH). Two schemas of one name are a broken invariant.
struct str openapi_print(struct arena *a, const struct route *const *tables, const char *version);

// The page for people at /api, its style sheet, and /api/openapi.json. The tables are named once at start, before the server runs.
void openapi_serve(const struct route *const *tables, const char *version);
extern const struct route openapi_routes[];

// Stable and unique by the rules in openapi.c: listContacts, createContact, getContact, updateContact, resolveConversation …
struct str openapi_operation_id(struct arena *a, const struct route *r);
struct str openapi_tag(const struct route *r); // the first part of the path after /api/v1/
