#ifndef ASSAY_DAEMON_NOTIFY_H
#define ASSAY_DAEMON_NOTIFY_H

/*
 * notify - a word to systemd, where it listens (sd_notify(3): one datagram to $NOTIFY_SOCKET).
 * state: "READY=1", "STOPPING=1"...; lines are parted by LF.  Nobody there: nothing happens.
 */
void notify(const char *state);

#endif
