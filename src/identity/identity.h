// The room's route tables, each ended by a row with path NULL.
#pragma once
#include "net/http.h"

extern const struct route session_routes[], me_routes[], company_routes[], user_routes[], role_routes[], token_routes[], audit_routes[];
