#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

enum sink { SINK_STDERR, SINK_JOURNAL, SINK_SYSLOG, SINK_FUNCTION };

static struct {
	enum sink sink;
	const char *ident;
	void (*take)(void *ctx, enum log_level level, const char *text);
	void *ctx;
	pthread_mutex_t lock; /* guards the calls of take and the wholeness of lines on stderr */
} out = { SINK_STDERR, "assay", NULL, NULL, PTHREAD_MUTEX_INITIALIZER };

static _Atomic int most_level = LOG_LEVEL_INFO;

static const struct {
	int priority;
	const char *word; /* on stderr */
} levels[] = {
	[LOG_LEVEL_ERROR] = { LOG_ERR, "error: " },
	[LOG_LEVEL_WARNING] = { LOG_WARNING, "warning: " },
	[LOG_LEVEL_NOTICE] = { LOG_NOTICE, "" },
	[LOG_LEVEL_INFO] = { LOG_INFO, "" },
	[LOG_LEVEL_DEBUG] = { LOG_DEBUG, "debug: " },
};

void
log_to_stderr(const char *ident)
{
	out.sink = SINK_STDERR;
	out.ident = ident;
}

void
log_to_journal(void)
{
	out.sink = SINK_JOURNAL;
}

void
log_to_syslog(const char *ident, int facility)
{
	out.sink = SINK_SYSLOG;
	openlog(ident, LOG_PID | LOG_NDELAY, facility);
}

void
log_to_function(void (*take)(void *ctx, enum log_level level, const char *text), void *ctx)
{
	out.sink = SINK_FUNCTION;
	out.take = take;
	out.ctx = ctx;
}

void
log_set_level(enum log_level most)
{
	atomic_store_explicit(&most_level, (int)most, memory_order_relaxed);
}

bool
log_wants(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&most_level, memory_order_relaxed);
}

static void
clean(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 127)
			*text = '?';
}

__attribute__((format(printf, 2, 0))) static void
write_line(enum log_level level, const char *fmt, va_list ap)
{
	char text[LOG_LINE_MAX];
	int before = errno; /* a caller may log first and use errno after */

	int n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(text))
		memcpy(text + sizeof(text) - 4, "...", 4);
	clean(text);
	if (out.sink == SINK_SYSLOG) {
		syslog(levels[level].priority, "%s", text);
	} else {
		pthread_mutex_lock(&out.lock);
		if (out.sink == SINK_FUNCTION)
			out.take(out.ctx, level, text);
		else if (out.sink == SINK_JOURNAL)
			fprintf(stderr, "<%d>%s\n", levels[level].priority, text);
		else
			fprintf(stderr, "%s: %s%s\n", out.ident, levels[level].word, text);
		pthread_mutex_unlock(&out.lock);
	}
	errno = before;
}

#define LOG_AT(level)                          \
	do {                                   \
		va_list ap;                    \
		if (!log_wants(level))         \
			return;                \
		va_start(ap, fmt);             \
		write_line((level), fmt, ap);  \
		va_end(ap);                    \
	} while (0)

void
log_error(const char *fmt, ...)
{
	LOG_AT(LOG_LEVEL_ERROR);
}

void
log_warning(const char *fmt, ...)
{
	LOG_AT(LOG_LEVEL_WARNING);
}

void
log_notice(const char *fmt, ...)
{
	LOG_AT(LOG_LEVEL_NOTICE);
}

void
log_info(const char *fmt, ...)
{
	LOG_AT(LOG_LEVEL_INFO);
}

void
log_debug(const char *fmt, ...)
{
	LOG_AT(LOG_LEVEL_DEBUG);
}
