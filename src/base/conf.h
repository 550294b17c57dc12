// Configuration: one INI file (inih) and environment variables (YINGDA_SECTION_NAME wins over [section] name), both optional.
// Every setting that exists stands in conf.c's table with its default, limits and a line of help; anything else is refused.
#pragma once
#include "base/str.h"

struct ctx;
struct conf {
    const char *data_dir;      // [data] dir: database, key file, attachments
    const char *store_url;     // [store] url: empty = SQLite in data_dir; postgresql://…
    int64_t store_readers;     // [store] connections: PostgreSQL pool size
    const char *blob_place;    // [store] attachments: "folder" or "database"
    const char *http_address;  // [http] address
    int64_t http_port;         // [http] port; 0 = any free one
    int64_t https_port;        // [http] tls_port; 0 = off
    const char *tls_cert, *tls_key; // [http] tls_certificate, tls_key: PEM files
    const char *trusted_proxies; // [http] trusted_proxies: addresses or CIDRs, comma-separated; only they may set X-Forwarded-*
    const char *public_url;    // [http] public_url: what customers' browsers use; empty = from the request
    int64_t net_threads;       // [http] threads; 0 = by processors
    int64_t workers;           // [http] workers; 0 = by processors
    int64_t max_body;          // [http] max_body bytes of a JSON request
    int64_t max_upload;        // [http] max_upload bytes of one file
    int64_t max_connections;   // [http] max_connections in all
    int64_t max_per_address;   // [http] max_connections_per_address (not for trusted proxies)
    int64_t idle_seconds;      // [http] idle_seconds: a request must arrive in this time
    int64_t ws_queue_bytes;    // [http] ws_queue_bytes a slow reader may lag before it is dropped to resume
    const char *log_level;     // [log] level: debug info warn error
    const char *log_format;    // [log] format: logfmt json
    int64_t argon_mib;         // [identity] argon2_mib
    int64_t login_tries;       // [identity] login_tries before waiting
    int64_t session_hours;     // [identity] session_hours
    int64_t answer_threshold;  // [bot] answer_threshold, thousandths
    int64_t suggest_threshold; // [bot] suggest_threshold, thousandths
    int64_t visitor_rate;      // [desk] messages_per_10_seconds of one visitor
    int64_t visitor_starts;    // [desk] new_visitors_per_minute from one address
    int64_t typing_every;      // [desk] typing_every milliseconds a typing sign of one person is passed on
};
// `file` NULL: $YINGDA_CONFIG, else DIR/yingda.ini when there. Texts live in the arena. False with the error (conf.*) naming file and line.
bool conf_load(struct ctx *c, const char *file, const char *data_dir, struct conf *out);
void conf_print(const struct conf *conf, bool with_help); // for `yingda doctor`
