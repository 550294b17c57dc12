#include "desk/visitor.h"

#include "base/conf.h"
#include "crm/contact.h"
#include "desk/live.h"
#include "identity/crypt.h"
#include "schema/id.h"

#define TOKEN_FOR (365 * DAY)
enum { RATE_SECONDS = 10, START_SECONDS = 60, MOST_BUDGETS = 200000, MOST_ADDRESS = 64 };

struct str visitor_token(struct ctx *c, int64_t contact, int64_t inbox)
{
    char a[ID_TEXT], b[ID_TEXT];
    struct str payload = str_printf(c->arena, STR_FMT ":" STR_FMT, STR_ARG(id_text("ct", contact, a)), STR_ARG(id_text("ib", inbox, b)));
    return signed_token(c, "visitor", payload, clock_now(c->clock) + TOKEN_FOR);
}

bool visitor_from_token(struct ctx *c, struct str token, int64_t *contact, int64_t *inbox)
{
    struct str rest, first, second;
    return token.len && token.len < 300 && signed_token_open(c, "visitor", token, &rest) && str_split(&rest, ':', &first) &&
           str_split(&rest, ':', &second) && id_parse("ct", first, contact) && id_parse("ib", second, inbox);
}

bool visitor_authorise(struct ctx *c, struct str token)
{
    int64_t contact, inbox;
    struct contact_brief brief;
    if (!visitor_from_token(c, token, &contact, &inbox) || !contact_find(c, contact, &brief))
        return c->err->code == ERR_NONE ? fail(c, ERR_UNAUTHENTICATED, "desk.visitor_token", NULL) : false;
    c->actor.kind = ACTOR_VISITOR;
    c->actor.id = brief.id;
    c->actor.name = brief.name;
    return true;
}

// Fixed windows: at most `most` in each span. Returns the seconds to wait, 0 when it may.
static int spend(struct budget *b, usec now, int64_t most, int seconds)
{
    if (now - b->since >= seconds * SECOND || now < b->since)
        *b = (struct budget){now, 0};
    if (b->used >= most)
        return (int)((b->since + seconds * SECOND - now + SECOND - 1) / SECOND);
    b->used++;
    return 0;
}
static bool refuse(struct ctx *c, int wait, const char *key)
{
    if (!wait)
        return true;
    fail(c, ERR_LIMIT, key, NULL);
    c->err->retry_after = wait;
    return false;
}

bool visitor_may_send(struct ctx *c, int64_t contact)
{
    struct desk *d = c->desk;
    usec now = clock_now(c->clock);
    int wait = 0;
    pthread_mutex_lock(&d->lock);
    struct budget *b = map_get(&d->senders, (uint64_t)contact);
    if (!b && d->senders.count < MOST_BUDGETS) {
        b = desk_keep(sizeof *b);
        map_put(&d->senders, (uint64_t)contact, b);
    }
    if (b)
        wait = spend(b, now, c->conf->visitor_rate, RATE_SECONDS);
    pthread_mutex_unlock(&d->lock);
    return refuse(c, wait, "desk.too_fast");
}

bool visitor_may_start(struct ctx *c, struct str address)
{
    struct desk *d = c->desk;
    usec now = clock_now(c->clock);
    int wait = 0;
    address = str_sub(address, 0, MOST_ADDRESS);
    pthread_mutex_lock(&d->lock);
    struct budget *b = str_map_get(&d->starters, address);
    if (!b && d->starters.count < MOST_BUDGETS) {
        b = desk_keep(sizeof *b);
        str_map_put(&d->starters, address, b);
    }
    if (b)
        wait = spend(b, now, c->conf->visitor_starts, START_SECONDS);
    pthread_mutex_unlock(&d->lock);
    return refuse(c, wait, "desk.too_many_visitors");
}
