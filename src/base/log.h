// Structured log on stderr: one logfmt or JSON object a line. Personal data and secrets are never logged.
//     LOG_INFO("listening", "address", "127.0.0.1", "port", "8080", NULL)   — keys and values are C strings
#pragma once
#include <stdbool.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

void log_setup(enum log_level least, bool json);
void log_line(enum log_level level, const char *event, ...) __attribute__((sentinel)); // one write(2) a line, thread-safe
#define LOG_DEBUG(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define LOG_INFO(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define LOG_WARN(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define LOG_ERROR(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
const char *log_int(char out[24], long long value); // for passing a number
