#ifndef ASSAY_TESTS_REPLAY_SCENARIO_H
#define ASSAY_TESTS_REPLAY_SCENARIO_H

#include "base/arena.h"
#include "base/err.h"

/*
 * scenario - a session as text (*.scn), one step a line.
 *
 *	# a comment
 *	conf	a line of assay.conf; all of them together are the settings; %KEY% is the file of an RSA key, %SECRETS% one
 *		with the line "tEsT-secret", %VIRTUAL% and %ALIASES% those of the next two
 *	virtual	a line of a virtual(5) table
 *	aliases	a line of an aliases(5) table
 *	dns	a line of dns/dns_fake.h; all of them together are the DNS
 *	clock	seconds since the epoch; before the first event
 *	host	NAME of this machine; before the first event
 *	macro	NAME VALUE, from here on; without a VALUE it is unset
 *	reload	a line of assay.conf: from here on the settings are this alone
 *	policy	NAME TEXT: a line of the policy file NAME
 *	policies	the files named since the last one are in force now, all others are gone; not inside a message
 *	drain	the process is about to stop
 *	session	N: what follows happens on connection N (1 to 4; 1 at first)
 *	close	the connection ends; the next event is another one's
 *
 *	connect	NAME ADDRESS PORT	ADDRESS may be "unix" or "unknown"
 *	helo	NAME
 *	mail	ADDRESS ARGUMENT...	"" is an empty one
 *	rcpt	ADDRESS ARGUMENT...
 *	data
 *	header	NAME:VALUE	VALUE as it is, leading space included
 *	eoh
 *	body	TEXT
 *	eom
 *	abort
 *	failed	TEXT	an edit could not be carried out
 *	message	N	the lines up to "." are header fields, an empty line and a body; they come as header events, eoh,
 *			and body chunks of N octets (all in one without N)
 *	repeat	N STEP
 *
 * In what stands behind the word, \r \n \t \\ and \xNN are those octets; %n is the number of the turn in a repeat.
 * Lines that begin with "= " are what the step above them must bring, nothing else and in this order:
 *
 *	= continue | skip | reject | tempfail | accept | discard	and the reply, if any; "continue" after eom only
 *	= line TEXT	one line of a reply that has several
 *	= says TEXT	what is wrong with a policy file
 *	= delete NAME NTH
 *	= insert NAME:VALUE	a fold goes on in another "= " line
 *	= log LEVEL TEXT
 */
struct step {
	unsigned line;		/* in the file, from 1 */
	struct view word;
	struct view rest;	/* escapes undone; message: the lines, as they stand */
	unsigned repeat;	/* how often; 1 at least */
	struct view wanted;	/* the "= " lines, each with its LF */
	size_t wanted_from, wanted_to; /* offsets of them in the file */
};

struct scenario {
	struct view text;
	struct view conf, dns, host, virtual, aliases;
	int64_t clock;
	struct step *step;
	size_t steps;
};

bool scenario_parse(struct view text, struct arena *arena, struct scenario *s, struct err *err);

/* \xNN and the like become octets, and %n the number. */
struct view scenario_unescape(struct view text, unsigned turn, struct arena *arena);
/* The other way; LF becomes LF and "= ". */
struct view scenario_show(struct view text, struct arena *arena);

#endif
