// Inside identity: what a signed-in browser is told.
#pragma once
#include "identity/company.h"
#include "identity/session.h"
#include "net/http.h"

struct session_out {
    struct user *user;
    struct str_list permissions;
    struct company *company;
    struct str csrf;
};
extern const struct schema session_out_schema;
// Sets the cookie and answers as GET /session does; the actor becomes the token's. token: of a session that has just begun.
bool session_reply(struct request *rq, struct response *rs, struct str token);
