// The queue: first come first served, to the online agent with free capacity who has the least to do, then who has been idle longest.
// What waits are rows (state queued), so a restart forgets nothing. Assignment is one transaction behind one lock row, so two threads or
// nodes never assign twice. Whenever somebody has room and somebody waits, queue_run assigns: it is called after every change that could
// matter, and by the desk's clock.
#pragma once
#include "base/ctx.h"

bool queue_run(struct ctx *c, int *assigned); // until nobody waits or nobody has room; assigned may be NULL. Outside store_write
struct queue_place {
    int64_t position; // 1 = next; 0: not in the queue
    int64_t wait_s;   // expected; -1: nobody is online
};
bool queue_place(struct ctx *c, int64_t conversation, struct queue_place *out);
struct str queue_frame(struct ctx *c, const struct queue_place *place); // {"t":"queue","position","wait_s"}
