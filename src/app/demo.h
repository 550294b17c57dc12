// The demo company of demo/, compiled into the program: fictional content that fills an empty instance.
#pragma once
#include "app/app.h"

#define DEMO_PASSWORD "demo-password-2026" // of all demo logins
#define DEMO_OWNER "owner@demo.example"
#define DEMO_LOGINS "owner@demo.example supervisor@demo.example agent1@demo.example agent4@demo.example editor@demo.example"

int demo_load(struct app *app); // exit code; only into an empty store (demo.not_empty)
