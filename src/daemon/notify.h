#ifndef ASSAY_DAEMON_NOTIFY_H
#define ASSAY_DAEMON_NOTIFY_H

#include <stdbool.h>

/*
 * notify - a word to systemd, where it listens (sd_notify(3): one datagram to $NOTIFY_SOCKET).
 * state: "READY=1", "STOPPING=1"...; lines are parted by LF.  Nobody there: nothing happens.
 */
void notify(const char *state);

/* Standard error is a stream to systemd's journal: it is the one that $JOURNAL_STREAM names (systemd.exec(5)). */
bool notify_stderr_is_journal(void);

#endif
