// Finding the route of a path. Routes stand in tables; they are compiled once into a tree of path segments.
#pragma once
#include "net/http.h"

struct router;
struct router *router_new(struct arena *a, const struct route *const *tables);
struct match {
    const struct route *route; // NULL: see allow
    struct str params[4];
    unsigned allow; // bit per method that this path has; 0: no such path
};
struct match router_find(const struct router *r, enum method method, struct str path);
struct str router_allow(struct arena *a, unsigned allow); // "GET, HEAD, OPTIONS"
bool method_parse(struct str text, enum method *out);

// %XX decoded; false for NUL, control characters, broken UTF-8, backslashes, an encoded slash, and "." or ".." as a segment.
bool path_decode(struct arena *a, struct str raw, struct str *out);
bool query_decode(struct arena *a, struct str raw, struct str *out); // + is a space; false for NUL and broken UTF-8
