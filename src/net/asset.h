// The table that tools/embed.py makes: static files compiled into the binary, sorted by path.
#pragma once
#include "net/server.h"

extern const struct asset asset_table[];
extern const unsigned asset_count;
