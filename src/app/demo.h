// The demo company of demo/, compiled into the program: fictional content that fills an empty instance. demo/README.md tells the format.
#pragma once
#include "app/app.h"

#define DEMO_PASSWORD "demo-password-2026" // of all demo logins
#define DEMO_OWNER "owner@demo.example"
#define DEMO_LOGINS "owner@demo.example supervisor@demo.example agent1@demo.example agent4@demo.example editor@demo.example"
#define DEMO_INBOX_KEY "pinemist-" // and the inbox's slug: the shop's page names "pinemist-shop"

struct demo_file {
    const char *name; // "faqs.jsonl"; NULL ends the table
    size_t size;
};
// Made by tools/embed_demo.py: the files one after the other, as one zlib stream.
extern const struct demo_file demo_files[];
extern const size_t demo_size, demo_packed_size;
extern const unsigned char demo_packed[];

int demo_load(struct app *app); // exit code; only into an empty store (demo.not_empty)
