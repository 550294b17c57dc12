// The widget's real-time endpoint (docs/protocol.md, "Widget").
#pragma once
#include "net/server.h"

extern const struct ws_endpoint widget_endpoint;
