// The key that seals list cursors (schema.h has the lists themselves).
#pragma once
#include <stdint.h>

void list_setup(const uint8_t key[32]); // once at start, beside id_setup; before that a fixed test key serves
