#ifndef ASSAY_MILTER_SESSION_LOG_H
#define ASSAY_MILTER_SESSION_LOG_H

#include "milter/session_state.h"

/*
 * session_log - what the files session_log*.c share, and nobody else.  The lines themselves: session_state.h.
 * What strangers wrote is cut to these many octets; the line as a whole ends at LOG_LINE_MAX.
 */
#define SHOWN_NAME 256
#define SHOWN_SIGNATURES 8

/* before, and the value's name in the table. */
void session_log_word(struct buffer *b, const char *before, const struct name_row *table, int value);

/* session_log_facts.c: spf= to from_domain=, in their order; what was not asked is left out. */
void session_log_facts(struct buffer *b, const struct assessment *found, const struct message_seal *seal);

#endif
