#include "schema/perm.h"

static const char *const names[PERM_COUNT] = {
#define PERM_NAME(name, text) [PERM_##name] = text,
    PERM_LIST(PERM_NAME)
#undef PERM_NAME
};

const char *perm_name(enum perm p)
{
    ASSERT((unsigned)p < PERM_COUNT, "a permission outside the catalogue");
    return names[p];
}

bool perm_from_name(struct str name, enum perm *p)
{
    for (int i = 0; i < PERM_COUNT; i++)
        if (str_is(name, names[i])) {
            *p = (enum perm)i;
            return true;
        }
    return false;
}

bool need(struct ctx *c, enum perm p)
{
    return actor_may(&c->actor, p) || fail(c, ERR_FORBIDDEN, "forbidden", perm_name(p), NULL);
}
