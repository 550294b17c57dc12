// The permission catalogue stands in schema/, since field tables and routes name permissions; identity gives them to people.
#pragma once
#include "schema/perm.h"
