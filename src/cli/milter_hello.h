#ifndef ASSAY_CLI_MILTER_HELLO_H
#define ASSAY_CLI_MILTER_HELLO_H

#include "base/arena.h"
#include "base/err.h"

/*
 * milter_hello - the first packets of the milter protocol, octets out, octets in.
 * Source: libmilter's mfdef.h: a packet is a length of four octets in network order, a command, data; SMFIC_OPTNEG 'O'
 * carries version, actions and steps of four octets each; the filter's answer may be followed by lists of macros.
 * Knows no socket; pure and thread-safe.
 */
#define MILTER_VERSION 6
#define MILTER_ACTIONS 0x1ffu   /* all that Postfix 3.7 and Sendmail 8.17 offer */
#define MILTER_STEPS 0x1fffffu

/* The actions we need of the MTA, by their numbers in mfdef.h. */
#define MILTER_ADDHDRS 0x01u
#define MILTER_CHGHDRS 0x10u

struct milter_hello {
	unsigned version, actions, steps;
};

enum milter_hello_outcome {
	MILTER_HELLO_MORE,  /* so far, so good: read on */
	MILTER_HELLO_WHOLE,
	MILTER_HELLO_BAD,   /* no filter answers like this; err says why */
};

/* The packet of an MTA that offers everything. */
struct view milter_hello_make(struct arena *arena);
/* QUIT, so that the filter knows that we leave on purpose. */
struct view milter_hello_quit(void);

/* No filter's answer is longer: libmilter's own buffer for macros is far shorter. */
#define MILTER_HELLO_MAX 65536
enum milter_hello_outcome milter_hello_take(struct view input, struct milter_hello *hello, struct err *err);

#endif
