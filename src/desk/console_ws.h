// The console's real-time endpoint (docs/protocol.md, "Console").
#pragma once
#include "net/server.h"

extern const struct ws_endpoint console_endpoint;
