// Until a room is built, what it offers is absent.
#pragma once
