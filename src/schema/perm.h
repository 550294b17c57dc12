// The permission catalogue. Built-in roles are bundles of these (identity/role.h); custom roles choose freely. Add at the end of a group:
// the names, not the numbers, are stored.
#pragma once
#include "base/ctx.h"

#define PERM_LIST(P) \
    P(COMPANY_WRITE, "company.write") \
    P(USER_READ, "user.read") \
    P(USER_WRITE, "user.write") \
    P(ROLE_READ, "role.read") \
    P(ROLE_WRITE, "role.write") \
    P(TOKEN_WRITE, "token.write") \
    P(AUDIT_READ, "audit.read") \
    P(INBOX_READ, "inbox.read") \
    P(INBOX_WRITE, "inbox.write") \
    P(CONTACT_READ, "contact.read") \
    P(CONTACT_WRITE, "contact.write") \
    P(CONTACT_UNMASK, "contact.unmask") \
    P(CONVERSATION_READ, "conversation.read") \
    P(CONVERSATION_READ_ALL, "conversation.read_all") \
    P(CONVERSATION_REPLY, "conversation.reply") \
    P(CONVERSATION_ASSIGN, "conversation.assign") \
    P(KNOWLEDGE_READ, "knowledge.read") \
    P(KNOWLEDGE_WRITE, "knowledge.write") \
    P(KNOWLEDGE_IMPORT, "knowledge.import") \
    P(ROSTER_READ, "roster.read") \
    P(ROSTER_WRITE, "roster.write") \
    P(PAY_READ, "pay.read") \
    P(PAY_WRITE, "pay.write") \
    P(SYSTEM_READ, "system.read")

enum perm {
#define PERM_ENUM(name, text) PERM_##name,
    PERM_LIST(PERM_ENUM)
#undef PERM_ENUM
    PERM_COUNT
};
_Static_assert(PERM_COUNT <= 128, "actor.perms has 128 bits");

const char *perm_name(enum perm p);
bool perm_from_name(struct str name, enum perm *p);
static inline bool actor_may(const struct actor *a, enum perm p)
{
    return a->kind == ACTOR_SYSTEM || (a->perms[p / 64] >> (p % 64) & 1);
}
// False with ERR_FORBIDDEN "forbidden" naming the permission.
bool need(struct ctx *c, enum perm p);
