#ifndef ASSAY_BASE_LOG_H
#define ASSAY_BASE_LOG_H

#include "base/view.h"

/*
 * log - one line to whoever runs the program.
 * The rooms below daemon/, milter/ and cli/ return errors and stay silent; a message is logged
 * once, by the room that knows what it means.  Lines are cut at LOG_LINE_MAX octets and never hold a
 * control character (each becomes '?'), whatever was put into them.
 * log_to_* are called while there is one thread; the rest is thread-safe.
 */
#define LOG_LINE_MAX 8000

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

void log_to_stderr(const char *ident);
/* The journal of systemd reads standard error: each line begins with its priority, "<6>" (sd-daemon(3)), not with ident. */
void log_to_journal(void);
void log_to_syslog(const char *ident, int facility); /* LOG_MAIL and its like; ident must stay */
/* For tests: each line goes to take(ctx, level, text), called under a lock. */
void log_to_function(void (*take)(void *ctx, enum log_level level, const char *text), void *ctx);
void log_set_level(enum log_level most); /* lines above it are dropped; LOG_LEVEL_INFO at first */
bool log_wants(enum log_level level);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
