// OpenAPI 3.1 from the route and field tables.
#pragma once
#include "schema/schema.h"

struct str openapi_print(struct arena *a, const struct route *const *tables, const char *version);
