#ifndef ASSAY_ASSESS_ASSESS_H
#define ASSAY_ASSESS_ASSESS_H

#include "arc/arc.h"
#include "base/clock.h"
#include "base/ip.h"
#include "dkim/dkim.h"
#include "dmarc/dmarc.h"
#include "mail/address.h"
#include "mail/header.h"
#include "spf/spf.h"

/*
 * assess - one message through the checks in their order: facts, no opinions.
 * Calls follow the arrival of the message and never block but for assess_end:
 *
 *	assess_begin	at MAIL: SPF starts
 *	assess_step	whenever there is a moment: SPF and DMARC go on as answers come in
 *	assess_header	the header is complete: every DNS name that will be needed is asked
 *	assess_body	chunks, hashed as they stream by
 *	assess_end	joins everything
 *
 * One thread at a time.  Everything is of the arena given to assess_begin and ends with it, also in the middle.
 */
struct assess_conf {
	struct spf_conf spf;
	struct dkim_conf dkim;
	struct arc_conf arc;
	struct dmarc_conf dmarc;
	const struct dmarc_lists *lists; /* dmarc_lists_open(&dmarc); NULL only where dmarc needs none */
	bool dnssec;		  /* from the settings: answers are validated */
	struct dns_budget budget; /* from the settings: queries and milliseconds per message */
};

/* What all messages of a process share; outlives them. */
struct assess_shared {
	struct dns *dns;
	struct key_cache *keys;	    /* NULL: each key is parsed anew */
	struct spf_cache *records; /* NULL: each SPF record is parsed anew */
};

struct assess_client {
	struct ip ip; /* family 0: SPF is not asked */
	struct view helo;
	struct view mail_local, mail_domain; /* both empty: the null sender */
	struct view receiver;		     /* our name */
	bool trusted;			     /* internal or authenticated: neither SPF nor DMARC is asked */
};

struct assessment {
	const struct spf_result *spf;	   /* NULL: not asked */
	const struct spf_result *spf_helo; /* NULL: not asked */
	const struct spf_result *spf_guess; /* NULL: not asked */
	struct view guess_field;	   /* value of an X-SPF-Guess field; empty: nothing was guessed */
	const struct spf_input *spf_input; /* for spf_header_comment and the like; NULL: not asked */
	struct view received_spf;	   /* value of a Received-SPF field; empty: not wanted, or SPF not asked */
	struct from_domain from;
	struct auth_facts dkim;	 /* empty: not asked */
	const struct arc_result *arc;	  /* NULL: not asked */
	const struct dmarc_result *dmarc; /* NULL: not asked */
	struct auth_facts facts; /* all methods, in the order they are written; the guess is not among them */
	struct dns_task_stats dns;
};

struct assess;

/* The views of *client and *conf must outlive arena's contents; *client and *shared themselves are copied. */
struct assess *assess_begin(const struct assess_conf *conf, const struct assess_client *client,
    const struct assess_shared *shared, int64_t now, struct arena *arena);
void assess_step(struct assess *a);
/* Before assess_header: an ARC set will be added, so its body hash is made too. */
void assess_want_seal(struct assess *a);
/*
 * header must stay unchanged until assess_end.  Once only: a second call is ignored.
 * False: no signature wants the body.
 */
bool assess_header(struct assess *a, const struct header *header);
/* Ignored before assess_header.  False: no more of the body is needed. */
bool assess_body(struct assess *a, struct view chunk);
/*
 * What SPF says, before the message is there: waits at most wait_ms.  NULL: not within that time, or the engine cannot
 * be interrupted.  Only the SPF results of the assessment, and what is not asked, are final then.
 */
const struct assessment *assess_spf(struct assess *a, int64_t wait_ms);
/* Also right when assess_header or any body never came.  Called again: the same assessment. */
const struct assessment *assess_end(struct assess *a);
/* After assess_end: what arc_seal_want_body gave; NULL: not asked for. */
const struct body_hash *assess_seal_body(const struct assess *a);

#endif
