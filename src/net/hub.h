// The WebSocket hub: connections follow topics; whoever publishes never waits. Per-client queues are bounded; a slow reader is closed with
// 4008 and resumes. Calls may come from any thread; calls from one thread reach one connection in their order.
#pragma once
#include "base/str.h"

struct hub;
// A topic is a number: hub_topic('c', conversation id).
static inline uint64_t hub_topic(char kind, int64_t id)
{
    return ((uint64_t)(unsigned char)kind << 56) | (uint64_t)id;
}
void hub_subscribe(struct hub *h, uint64_t conn, uint64_t topic);
void hub_unsubscribe(struct hub *h, uint64_t conn, uint64_t topic);
void hub_send(struct hub *h, uint64_t conn, struct str frame);                           // copies the frame
void hub_publish(struct hub *h, uint64_t topic, struct str frame, uint64_t except_conn); // 0: to all
void hub_close(struct hub *h, uint64_t conn, int code, const char *reason);
// Between these, this thread's calls are collected and handed over at once: one wake-up for a batch. The lanes do it around each batch.
// A subscription is handed over at once, with what was collected before it.
void hub_hold(struct hub *h);
void hub_flush(struct hub *h);
