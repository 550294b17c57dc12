// What the rooms offer to the process: routes, background work and WebSocket endpoints. One row each; a new room adds its rows here.
#include "app/app.h"
#include "bot/bot.h"
#include "crm/contact.h"
#include "desk/attachment.h"
#include "desk/console_ws.h"
#include "desk/desk.h"
#include "desk/inbox.h"
#include "desk/widget_ws.h"
#include "desk/wrap_up.h"
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
        app_own_routes, openapi_routes, session_routes, me_routes,      company_routes,    user_routes,         role_routes,
        token_routes,   audit_routes,   faq_routes,     article_routes, knowledge_routes,  help_routes,         bot_routes,
        contact_routes, inbox_routes,   wrap_up_routes, agent_routes,   attachment_routes, conversation_routes, NULL,
    };
    return tables;
}

const struct job_kind *app_jobs(size_t *count)
{
    static struct job_kind kinds[16];
    size_t n = 0;
    kinds[n++] = reseal_job;
    for (size_t i = 0; i < desk_job_count; i++)
        kinds[n++] = desk_jobs[i];
    *count = n;
    return kinds;
}

const struct ws_endpoint *app_endpoints(void)
{
    static struct ws_endpoint endpoints[3];
    endpoints[0] = widget_endpoint;
    endpoints[1] = console_endpoint;
    return endpoints;
}
