#ifndef ASSAY_SPF_SPF_H
#define ASSAY_SPF_SPF_H

#include "base/clock.h"
#include "base/ip.h"
#include "conf/item.h"
#include "dns/dns.h"
#include "mail/auth_fact.h"

/*
 * spf - check_host() of RFC 7208, by one of two engines.
 * native is ours and the default; libspf2 is the old library with our DNS layer in it and guards
 * around it.  Both answer this header's questions in its words.
 *
 * What RFC 7208 4.6.4 leaves open is read so.  include, a, mx, ptr, exists and redirect are counted, %{p} is not.  A
 * term is one void lookup at most ("the number of terms for which DNS queries return" nothing): when what it
 * asks first is void, or none of its MX hosts has an address of the client's family.  So an IPv6 client
 * costs a sender of IPv4-only hosts one for each a and mx; void_max can be raised.  Names that the
 * client's PTR records claim are not counted, they are not the sender's doing; nor is the explanation.
 * 11 MX records are permerror at once.  A name that DNS cannot have (an empty label, one above 63 octets) matches
 * nothing and is not asked.
 */
enum spf_engine {
	SPF_NATIVE,
	SPF_LIBSPF2,
};

struct spf_conf {
	bool enable;
	int engine;		/* enum spf_engine */
	int64_t lookups_max;	/* terms that cause DNS queries, RFC 7208 4.6.4: 10 */
	int64_t void_max;	/* void lookups, RFC 7208 4.6.4: 2 */
	int64_t wait;		/* seconds spf_join may wait in all; one question's time-out may come on top */
	bool guess;		/* evaluate guess_record where a sender has no record */
	struct view guess_record;
	bool received_spf;	/* add a Received-SPF field */
};
extern const struct conf_section spf_section;

/*
 * Parsed records, shared by all checks of the process: keyed by the record's text, so their life follows that
 * of the answer in the DNS cache.  Bounded in octets, the record used longest ago goes first.  Thread-safe.
 * It must outlive every arena whose checks used it.
 */
struct spf_cache;
struct spf_cache *spf_cache_new(size_t octets);
void spf_cache_free(struct spf_cache *cache); /* NULL is fine */

struct spf_trace; /* spf/spf_trace.h */

/* The views and what is pointed at must live as long as the arena of the check. */
struct spf_input {
	const struct spf_conf *conf;
	struct spf_cache *cache; /* NULL: each record is parsed anew */
	struct spf_trace *trace; /* NULL: nobody looks on */
	struct ip client;
	struct view helo;	/* as given */
	struct view mail_local; /* as given; empty with an empty mail_domain: the null sender */
	struct view mail_domain; /* mail/domain.h's spelling */
	struct view receiver;	/* our name, for %{r} */
	bool dnssec;		/* answers are validated: the fact's comment tells how it went */
	int64_t now;		/* seconds since the epoch, for %{t} */
};

/* The result for one identity. */
struct spf_result {
	enum auth_result result; /* all seven of RFC 7208 2.6, never collapsed; none when nothing could be asked */
	struct view domain;	 /* the domain whose policy was asked */
	struct view sender;	 /* local@domain that %{s} meant */
	struct view mechanism;	 /* that matched: "-all", "include:_spf.example"; "default": none did; else empty */
	struct view problem;	 /* temperror, permerror: why, in our words, ASCII; else empty */
	struct view explanation; /* exp= of the sender, ASCII, capped; empty: none.  The sender's words. */
	unsigned lookups;	 /* terms counted */
	unsigned voids;
	bool secure;		 /* every answer that decided it was validated */
};

enum spf_identity {
	SPF_MAILFROM, /* null sender: postmaster@HELO, RFC 7208 2.4 */
	SPF_HELO,
	SPF_GUESS,    /* MAIL FROM identity against conf->guess_record; never an input of DMARC */
};

/* An explanation is cut to this many octets, so that one reply of 980 holds it, the domain and our words. */
#define SPF_EXPLANATION_MAX 400

/*
 * One evaluation.  *in is copied.  It runs as far as answers are there and goes on when called again: spf_step never
 * blocks, spf_join waits as the budgets allow.  Ends with its arena.  With libspf2, which cannot be interrupted,
 * spf_step is true only after spf_join.
 */
struct spf_check;
struct spf_check *spf_begin(const struct spf_input *in, enum spf_identity identity, struct dns_task *dns,
    struct arena *arena);
bool spf_step(struct spf_check *check); /* true: the result is there */
const struct spf_result *spf_join(struct spf_check *check);

/*
 * In words for headers and replies (RFC 7208 9.1, Exim's $spf_header_comment, $spf_smtp_comment):
 * "domain of a@example.org designates 192.0.2.1 as permitted sender".
 */
struct view spf_header_comment(const struct spf_input *in, const struct spf_result *r, struct arena *arena);
struct view spf_smtp_comment(const struct spf_input *in, const struct spf_result *r, struct arena *arena);
/* Value of the Received-SPF field, LF + tab folds. */
struct view spf_received(const struct spf_input *in, enum spf_identity identity, const struct spf_result *r,
    struct arena *arena);

/* Value of the X-SPF-Guess field, for a result of SPF_GUESS: "pass (best guess: ...)"; LF + tab folds. */
struct view spf_guess_field(const struct spf_input *in, const struct spf_result *r, struct arena *arena);

/* smtp.mailfrom or smtp.helo; only a MAIL FROM pass aligns (RFC 9989: never HELO). */
void spf_fact(const struct spf_input *in, enum spf_identity identity, const struct spf_result *r, struct arena *arena,
    struct auth_fact *fact);

#endif
