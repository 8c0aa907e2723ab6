#ifndef ASSAY_DMARC_DMARC_WALK_H
#define ASSAY_DMARC_DMARC_WALK_H

#include "dmarc/dmarc_record.h"
#include "dns/dns.h"

/*
 * dmarc_walk - the DNS Tree Walk of RFC 9989 4.10 from one domain, as plain data.
 * All of its names are asked side by side at the start; then the answers are read from the longest
 * name to the shortest, and those behind the one that stopped the walk are never looked at.
 */
#define DMARC_WALK_MAX 8 /* queries, RFC 9989 4.10 */

struct dmarc_walk_step {
	struct view domain;	/* asked as _dmarc.domain */
	struct dns_question *question;
	const struct dns_answer *answer;   /* NULL: the walk did not (or not yet) need it */
	const struct dmarc_record *record; /* the one that stands at this name; NULL: none does */
	const struct view *discarded_why;  /* one for each text record of the answer; empty: kept */
};

enum dmarc_walk_state {
	DMARC_WALK_WAITING, /* answers are outstanding */
	DMARC_WALK_DONE,
	DMARC_WALK_TEMP, /* an answer that the walk needs cannot be had: nothing is known beyond it */
};

struct dmarc_walk {
	struct view start;
	struct dmarc_walk_step step[DMARC_WALK_MAX];
	size_t n;    /* names: 1..8, none for a name that cannot be asked */
	size_t read; /* steps that have been read */
	bool stopped; /* the step read last was the last one: psd=y, psd=n, trouble, or no name is left */
	enum dmarc_walk_state state;
	/* DMARC_WALK_DONE, RFC 9989 4.10.2: */
	struct view org;      /* never empty */
	const char *org_why;  /* "psd=n", "psd=y above", "fewest labels", "no record" */
	size_t org_at;	      /* the step whose record decided; n: none did */
	struct view temp_why; /* DMARC_WALK_TEMP: "_dmarc.example.org: timeout" */
};

/* Asks, never blocks. */
struct dmarc_walk *dmarc_walk_begin(struct view domain, struct dns_task *dns, struct arena *arena);
/* The first answer alone: true when it is read (state may be DMARC_WALK_TEMP by it). */
bool dmarc_walk_read_first(struct dmarc_walk *walk, bool wait, struct dns_task *dns, struct arena *arena);
/* Reads on, as far as answers are there; with wait, as far as the budget allows, and then never DMARC_WALK_WAITING. */
enum dmarc_walk_state dmarc_walk_read(struct dmarc_walk *walk, bool wait, struct dns_task *dns, struct arena *arena);

/*
 * Read one answer for `_dmarc.<domain>`: the single record that stands, or NULL (4.10 steps 2 and 6).
 */
void dmarc_walk_step_read(struct dmarc_walk_step *step, const struct dns_answer *answer, struct arena *arena);
struct dns_question *dmarc_ask(struct view domain, struct dns_task *dns, struct arena *arena);

#endif
