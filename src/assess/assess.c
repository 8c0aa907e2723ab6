#include "assess/assess.h"

#include "arc/arc_seal.h"
#include "crypt/digest.h"
#include "sig/body_hash.h"

#include <poll.h>

/*
 * Percent of the questions a message may cause.  Each check has its own, so that nobody can make the check
 * that matters end in temperror by what he publishes or writes for another: an SPF record of a hundred names, fifty
 * ARC sets.  HELO is chosen freely beside a MAIL FROM of somebody else's, so the two are two checks.
 */
enum { SHARE_SPF = 32, SHARE_HELO = 12, SHARE_ARC = 24, SHARE_DMARC = 20 };

/*
 * Not less, however few questions the site allows, or a From with many labels would turn fail into temperror: eight
 * names of the author (RFC 9989 4.10), at most as many of a sender beside him, the lists' two, the existence of one.
 * For the same reason DKIM has a question for each signature that it verifies.
 */
#define DMARC_QUERIES_MIN 20

/* Percent of the time all may wait.  What is behind it is DMARC's, which asks last: whether the author's domain exists. */
#define WAIT_BEFORE_DMARC 67

struct assess {
	const struct assess_conf *conf;
	struct assess_shared shared;
	struct dns_task *dns;				/* of SPF's MAIL FROM; the others stand beside it */
	struct dns_task *helo_dns, *arc_dns, *dkim_dns, *dmarc_dns; /* NULL: not begun */
	struct arena *arena;
	bool trusted, seal;
	int64_t now;
	struct spf_input spf_input;
	struct spf_check *mailfrom, *helo, *guess; /* NULL: not asked (yet) */
	const struct header *header;		   /* NULL: not complete yet */
	struct body_hashes *bodies;
	struct body_hash *seal_body; /* NULL: no seal is wanted */
	struct arc_check *arc;	   /* NULL: not asked, as the next two */
	struct dkim_check *dkim;
	struct dmarc_check *dmarc;
	struct dmarc_input dmarc_input;
	struct assessment found;
	bool ended;
};

/* An unknown address cannot be asked about, and a client of our own must not be judged by the outside's rules. */
static bool
asks_spf(const struct assess_conf *conf, const struct assess_client *client)
{
	return conf->spf.enable && !client->trusted && client->ip.family != 0;
}

static struct dns_budget
share_of(const struct assess_conf *conf, unsigned percent)
{
	unsigned share = (unsigned)((uint64_t)conf->budget.queries * percent / 100);

	return (struct dns_budget){ share == 0 ? 1 : share, conf->budget.wait_ms * WAIT_BEFORE_DMARC / 100 };
}

static struct dns_budget
share_of_dkim(const struct assess_conf *conf)
{
	struct dns_budget share = share_of(conf, 0);

	share.queries = (unsigned)conf->dkim.signatures_max;
	return share;
}

static struct dns_budget
share_of_dmarc(const struct assess_conf *conf)
{
	struct dns_budget share = share_of(conf, SHARE_DMARC);

	if (share.queries < DMARC_QUERIES_MIN)
		share.queries = DMARC_QUERIES_MIN;
	share.wait_ms = conf->budget.wait_ms;
	return share;
}

static void
begin_spf(struct assess *a, const struct assess_client *client)
{
	a->spf_input = (struct spf_input){
		.conf = &a->conf->spf,
		.cache = a->shared.records,
		.client = client->ip,
		.helo = client->helo,
		.mail_local = client->mail_local,
		.mail_domain = client->mail_domain,
		.receiver = client->receiver,
		.dnssec = a->conf->dnssec,
		.now = a->now,
	};
	a->mailfrom = spf_begin(&a->spf_input, SPF_MAILFROM, a->dns, a->arena);
	a->helo_dns = dns_task_beside(a->dns, share_of(a->conf, SHARE_HELO));
	a->helo = spf_begin(&a->spf_input, SPF_HELO, a->helo_dns, a->arena);
}

struct assess *
assess_begin(const struct assess_conf *conf, const struct assess_client *client, const struct assess_shared *shared,
    int64_t now, struct arena *arena)
{
	struct assess *a = ARENA_NEW(arena, struct assess);

	a->conf = conf;
	a->shared = *shared;
	a->dns = dns_task_new(shared->dns, arena, share_of(conf, SHARE_SPF));
	a->arena = arena;
	a->trusted = client->trusted;
	a->now = now;
	if (asks_spf(conf, client))
		begin_spf(a, client);
	return a;
}

/* The guess is for senders without a record of their own: it can only begin when that is known. */
static void
begin_guess(struct assess *a)
{
	if (a->guess != NULL || !a->conf->spf.guess || spf_join(a->mailfrom)->result != AUTH_NONE)
		return;
	a->guess = spf_begin(&a->spf_input, SPF_GUESS, a->dns, a->arena);
}

static void
step_spf(struct assess *a)
{
	if (a->mailfrom == NULL)
		return;
	if (spf_step(a->mailfrom))
		begin_guess(a);
	spf_step(a->helo);
	if (a->guess != NULL)
		spf_step(a->guess);
}

void
assess_step(struct assess *a)
{
	if (a->ended)
		return;
	step_spf(a);
	if (a->dmarc != NULL)
		dmarc_step(a->dmarc);
}

/* For pct=; 256 % 100 would favour the small, so those are drawn again. */
static unsigned
draw_percent(void)
{
	unsigned char octet;

	do
		crypt_random(&octet, 1);
	while (octet >= 200);
	return octet % 100;
}

/*
 * Who may pass DMARC beside the author is not known before SPF and DKIM are: the envelope's domain is
 * the one that can be named early.  Domains of signatures are mostly the author's own.
 */
static void
begin_dmarc(struct assess *a)
{
	struct dmarc_input *in = &a->dmarc_input;

	*in = (struct dmarc_input){
		.conf = &a->conf->dmarc,
		.lists = a->conf->lists,
		.from = &a->found.from,
		.likely = &a->spf_input.mail_domain,
		.likely_n = a->mailfrom != NULL && a->spf_input.mail_domain.n > 0,
		.draw = draw_percent(),
	};
	a->dmarc_dns = dns_task_beside(a->dns, share_of_dmarc(a->conf));
	a->dmarc = dmarc_begin(in, a->dmarc_dns, a->arena);
}

void
assess_want_seal(struct assess *a)
{
	a->seal = true;
}

/* What we sign comes first, then ARC, then DKIM: see arc_begin. */
static void
begin_checks(struct assess *a, const struct header *header)
{
	const struct assess_conf *conf = a->conf;

	a->header = header;
	from_domain_find(header, a->arena, &a->found.from);
	a->bodies = body_hashes_new(a->arena);
	if (a->seal)
		a->seal_body = arc_seal_want_body(a->bodies);
	if (conf->arc.enable) {
		struct arc_input in = { &conf->arc, header, a->now, a->shared.keys };
		a->arc_dns = dns_task_beside(a->dns, share_of(conf, SHARE_ARC));
		a->arc = arc_begin(&in, a->arc_dns, a->bodies, a->arena);
	}
	if (conf->dkim.enable) {
		struct dkim_input in = { &conf->dkim, header, a->found.from.domain, a->now, a->shared.keys };
		a->dkim_dns = dns_task_beside(a->dns, share_of_dkim(conf));
		a->dkim = dkim_begin(&in, a->dkim_dns, a->bodies, a->arena);
	}
	if (conf->dmarc.enable && !a->trusted)
		begin_dmarc(a);
	assess_step(a);
}

/* Each room that verifies over header and body begins here, so that all their questions fly together. */
bool
assess_header(struct assess *a, const struct header *header)
{
	if (a->header == NULL && !a->ended)
		begin_checks(a, header);
	return a->bodies != NULL && body_hashes_any(a->bodies);
}

bool
assess_body(struct assess *a, struct view chunk)
{
	if (a->bodies == NULL || a->ended || !body_hashes_any(a->bodies))
		return false;
	assess_step(a);
	body_hashes_add(a->bodies, chunk);
	return !body_hashes_full(a->bodies);
}

static void
end_spf(struct assess *a)
{
	struct assessment *found = &a->found;

	if (a->mailfrom == NULL)
		return;
	found->spf_input = &a->spf_input;
	found->spf = spf_join(a->mailfrom);
	begin_guess(a);
	found->spf_helo = spf_join(a->helo);
	if (a->guess != NULL) {
		found->spf_guess = spf_join(a->guess);
		found->guess_field = spf_guess_field(&a->spf_input, found->spf_guess, a->arena);
	}
	if (a->conf->spf.received_spf)
		found->received_spf = spf_received(&a->spf_input, SPF_MAILFROM, found->spf, a->arena);
}

static bool
spf_is_there(struct assess *a)
{
	step_spf(a);
	return spf_step(a->mailfrom) && spf_step(a->helo) && (a->guess == NULL || spf_step(a->guess));
}

#define LOOK_AGAIN_MS 5 /* an answer that is not in a cache takes some ten */

const struct assessment *
assess_spf(struct assess *a, int64_t wait_ms)
{
	int64_t until = clock_mono_ms(&clock_system) + wait_ms;

	if (a->ended || a->mailfrom == NULL)
		return &a->found;
	if (a->conf->spf.engine != SPF_NATIVE)
		return NULL;
	while (!spf_is_there(a)) { /* ends: by until */
		if (clock_mono_ms(&clock_system) >= until)
			return NULL;
		poll(NULL, 0, LOOK_AGAIN_MS);
	}
	end_spf(a);
	return &a->found;
}

static void
end_arc(struct assess *a)
{
	if (a->arc == NULL)
		return;
	struct arc_result *r = ARENA_NEW(a->arena, struct arc_result);
	arc_end(a->arc, r);
	a->found.arc = r;
}

/* The order of the methods in Authentication-Results: SPF, DKIM, what follows from them, ARC. */
static void
gather_facts(struct assess *a)
{
	struct assessment *found = &a->found;
	struct auth_facts *all = &found->facts;

	all->fact = ARENA_ARRAY(a->arena, 4 + found->dkim.n, struct auth_fact);
	if (found->spf != NULL)
		spf_fact(&a->spf_input, SPF_MAILFROM, found->spf, a->arena, &all->fact[all->n++]);
	if (found->spf_helo != NULL && a->spf_input.helo.n > 0) /* without a name nobody could tell whose result it is */
		spf_fact(&a->spf_input, SPF_HELO, found->spf_helo, a->arena, &all->fact[all->n++]);
	for (size_t i = 0; i < found->dkim.n; i++)
		all->fact[all->n++] = found->dkim.fact[i];
	if (a->dmarc != NULL) {
		found->dmarc = dmarc_end(a->dmarc, all);
		all->fact[all->n++] = found->dmarc->fact;
	}
	if (found->arc != NULL)
		arc_fact(found->arc, a->arena, &all->fact[all->n++]);
}

static void
sum_stats(struct assess *a)
{
	const struct dns_task *const tasks[] = { a->dns, a->helo_dns, a->arc_dns, a->dkim_dns, a->dmarc_dns };
	struct dns_task_stats *sum = &a->found.dns;

	for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++) {
		if (tasks[i] == NULL)
			continue;
		struct dns_task_stats one = dns_task_stats(tasks[i]);
		sum->queries += one.queries;
		sum->from_cache += one.from_cache;
		sum->temp += one.temp;
		sum->waited_ms += one.waited_ms;
	}
}

static const struct header *
no_header(struct arena *arena)
{
	struct header *h = ARENA_NEW(arena, struct header);

	header_init(h, arena, 0, 0);
	return h;
}

const struct assessment *
assess_end(struct assess *a)
{
	if (a->ended)
		return &a->found;
	if (a->header == NULL)
		assess_header(a, no_header(a->arena));
	body_hashes_end(a->bodies);
	end_spf(a);
	end_arc(a);
	if (a->dkim != NULL)
		dkim_end(a->dkim, &a->found.dkim);
	gather_facts(a);
	sum_stats(a);
	a->ended = true;
	return &a->found;
}

const struct body_hash *
assess_seal_body(const struct assess *a)
{
	return a->seal_body;
}
