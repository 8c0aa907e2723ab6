#ifndef ASSAY_MILTER_SESSION_HISTORY_H
#define ASSAY_MILTER_SESSION_HISTORY_H

#include "policy/verdict.h"

/*
 * session_history - each message's lines for opendmarc-import (dmarc.history-file).
 * Belongs to a settings snapshot, so a reload opens the file anew.  A file that cannot be written costs its
 * lines, never the message: one warning a minute says so and counts.
 */
struct session;
struct session_history;

struct session_history *session_history_open(struct view path, struct arena *arena);

/* Nothing, when the settings want no file or the message has no usable record.  found may be NULL. */
void session_history_record(struct session *s, const struct assessment *found, enum verdict_action action);

#endif
