#ifndef ASSAY_TESTS_SMTP_SINK_H
#define ASSAY_TESTS_SMTP_SINK_H

#include "base/lock.h"
#include "base/view.h"

/*
 * smtp_sink - an SMTP server that says what a test wants it to say, in a thread of its own; one connection at a time.
 */
enum sink_manner {
	SINK_GOOD,	    /* takes everything */
	SINK_LINES,	    /* the same, in replies of many lines, octet by octet */
	SINK_NO_EHLO,	    /* only knows HELO */
	SINK_RCPT_LATER,    /* 451 to RCPT */
	SINK_RCPT_NEVER,    /* 550 to RCPT */
	SINK_END_LATER,	    /* 451 to the mail */
	SINK_GOODBYE,	    /* 421 instead of a greeting */
	SINK_HANGS_UP,	    /* closes at once */
	SINK_NO_SMTP,
};

#define SINK_ROOM 65536

struct sink {
	pthread_t thread;
	int fd; /* listens */
	unsigned port;
	_Atomic int manner;
	struct lock lock;
	char said[SINK_ROOM]; /* guarded by lock: all lines of clients, QUIT left out */
	size_t n;
	unsigned mails; /* taken */
	unsigned connections;
};

void sink_open(struct sink *sink, enum sink_manner manner); /* listens; the thread begins */
void sink_close(struct sink *sink);
unsigned sink_mails(struct sink *sink);
unsigned sink_connections(struct sink *sink);

#endif
