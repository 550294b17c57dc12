// The help centre: pages rendered by the server under /help/, without script. The style sheet is the asset /help/assets/style.css (web/help).
#pragma once
#include "net/http.h"

extern const struct route help_routes[];
