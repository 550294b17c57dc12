// The whole program in the fuzzer's process: a server on a loopback port with the program's own routes, a company in a temporary folder, and
// raw connections to it. Inputs are the same from run to run, ids and tokens are not: an input writes a place holder for them.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SERVE_ROOM = 256 * 1024 };

// Starts the server when it is called first; it ends with the process.
void serve_ready(void);
// <bearer> an API token that may everything, <visitor> a visitor's token, <key> the inbox's public key, and the ids <inbox> <contact> <conv>
// <faq> <article> <user> <role>. Returns the bytes put into `out` (at most SERVE_ROOM; the rest of the input is dropped).
size_t serve_fill(const uint8_t *data, size_t size, uint8_t *out);
int serve_connect(void);
// False when the server closed before it took everything.
bool serve_send(int fd, const void *bytes, size_t size);
// Bytes read, 0 at the end. Ten seconds without any are a hang: the process aborts.
size_t serve_read(int fd, void *bytes, size_t room);
