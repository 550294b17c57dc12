// What the rooms offer to the process: routes, background work and WebSocket endpoints. One row each; a new room adds its rows here.
#include "app/app.h"
#include "bot/bot.h"
#include "identity/identity.h"
#include "identity/reseal.h"
#include "knowledge/article.h"
#include "knowledge/faq.h"
#include "knowledge/help.h"
#include "net/server.h"
#include "schema/openapi.h"
#include "store/job.h"

const struct route *const *app_routes(void)
{
    static const struct route *const tables[] = {
#ifdef ROOM_NET
        app_own_routes,
#endif
#ifdef ROOM_PAGE
        openapi_routes,
#endif
#ifdef ROOM_IDENTITY
        session_routes,
        me_routes,
        company_routes,
        user_routes,
        role_routes,
        token_routes,
        audit_routes,
#endif
#ifdef ROOM_KNOWLEDGE
        faq_routes,
        article_routes,
        knowledge_routes,
        help_routes,
#endif
#ifdef ROOM_BOT
        bot_routes,
#endif
        NULL,
    };
    return tables;
}

const struct job_kind *app_jobs(size_t *count)
{
    static struct job_kind kinds[16];
    size_t n = 0;
#ifdef ROOM_IDENTITY
    kinds[n++] = reseal_job;
#endif
    *count = n;
    return kinds;
}

const struct ws_endpoint *app_endpoints(void)
{
    static struct ws_endpoint endpoints[3];
    return endpoints;
}
