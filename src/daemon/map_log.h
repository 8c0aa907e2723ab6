#ifndef ASSAY_DAEMON_MAP_LOG_H
#define ASSAY_DAEMON_MAP_LOG_H

#include "srs/srs_socketmap.h"

/*
 * map_log - what the maps have to say, and never more of it than MAP_LOG_LINES in MAP_LOG_WINDOW_MS: strangers
 * choose the recipients that reverse is asked for.  What was left out is counted.
 * Postfix asks forward for every message, so ordinary answers are for log-level = "debug" (which has no limit).
 * One thread.
 */
#define MAP_LOG_WINDOW_MS 60000
#define MAP_LOG_LINES 60

struct map_log { /* all zero: fresh */
	int64_t since_ms; /* of this window */
	unsigned said;	  /* in it */
	uint64_t left_out;
};

/* notice: reverse was refused; warning: the store cannot be asked; debug: the rest. */
void map_log_answer(struct map_log *log, int64_t now_ms, enum socketmap_map map, struct view request,
    const struct srs_result *result);
/* A client was closed because of what it did. */
void map_log_closed(struct map_log *log, int64_t now_ms, const char *why);

/* Whether one more line may be said now; counts it. */
bool map_log_may(struct map_log *log, int64_t now_ms);

#endif
