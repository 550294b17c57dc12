// Until a room is built, what it offers is absent.
#pragma once
#pragma weak openapi_serve
#pragma weak openapi_routes
