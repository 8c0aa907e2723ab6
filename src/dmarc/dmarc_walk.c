#include "dmarc/dmarc_walk.h"

#include "mail/domain.h"

#define WALK_JUMP 7 /* labels that a longer name is shortened to, RFC 9989 4.10 step 4 */

struct dns_question *
dmarc_ask(struct view domain, struct dns_task *dns, struct arena *arena)
{
	return dns_ask(dns, arena_printf(arena, "_dmarc.%.*s", VIEW_ARG(domain)), DNS_TXT);
}

/* Steps 3, 4 and 7: the next shorter name; empty: there is none. */
static struct view
next_target(struct view domain)
{
	if (domain_labels(domain) > WALK_JUMP + 1)
		return domain_last(domain, WALK_JUMP);
	return domain_parent(domain);
}

struct dmarc_walk *
dmarc_walk_begin(struct view domain, struct dns_task *dns, struct arena *arena)
{
	struct dmarc_walk *w = ARENA_NEW(arena, struct dmarc_walk);

	w->start = domain;
	for (; domain.n > 0 && w->n < DMARC_WALK_MAX; domain = next_target(domain)) {
		w->step[w->n].domain = domain;
		w->step[w->n++].question = dmarc_ask(domain, dns, arena);
	}
	return w;
}

static struct view
why_discarded(struct view text, struct arena *arena, const struct err *err)
{
	if (!dmarc_record_claims(text))
		return VIEW_LIT("does not begin with v=DMARC1 (RFC 9989 4.7)");
	return arena_printf(arena, "%s (RFC 6376 3.2)", err->text);
}

void
dmarc_walk_step_read(struct dmarc_walk_step *step, const struct dns_answer *answer, struct arena *arena)
{
	struct view *why = ARENA_ARRAY(arena, answer->n, struct view);
	struct dmarc_record *record = NULL;
	size_t versions = 0;
	struct err err;

	step->answer = answer;
	step->discarded_why = why;
	if (answer->outcome != DNS_DATA)
		return;
	for (size_t i = 0; i < answer->n; i++) {
		struct dmarc_record *r = ARENA_NEW(arena, struct dmarc_record);
		versions += dmarc_record_claims(answer->txt[i]);
		if (dmarc_record_parse(answer->txt[i], arena, r, &err))
			record = r;
		else
			why[i] = why_discarded(answer->txt[i], arena, &err);
	}
	if (versions > 1) { /* steps 2 and 6: all of them, broken ones counted */
		record = NULL;
		for (size_t i = 0; i < answer->n; i++)
			if (why[i].n == 0)
				why[i] = VIEW_LIT("one of several at one name: all discarded (RFC 9989 4.10)");
	}
	step->record = record;
}

/* RFC 9989 4.10.2, from the longest name to the shortest. */
static void
find_org(struct dmarc_walk *w)
{
	size_t fewest = w->n;

	for (size_t i = 0; i < w->read; i++) {
		const struct dmarc_record *r = w->step[i].record;
		if (r == NULL)
			continue;
		fewest = i;
		if (r->psd == DMARC_PSD_N) {
			w->org = w->step[i].domain;
			w->org_why = "psd=n";
			w->org_at = i;
			return;
		}
		if (r->psd == DMARC_PSD_Y && i > 0) { /* "other than the one for the domain where the tree walk started" */
			w->org = domain_last(w->start, domain_labels(w->step[i].domain) + 1);
			w->org_why = "psd=y above";
			w->org_at = i;
			return;
		}
	}
	w->org_at = fewest;
	w->org = fewest == w->n ? w->start : w->step[fewest].domain;
	w->org_why = fewest == w->n ? "no record" : "fewest labels";
}

/* True: the walk goes on behind this step. */
static bool
read_step(struct dmarc_walk *w, const struct dns_answer *answer, struct arena *arena)
{
	struct dmarc_walk_step *step = &w->step[w->read++];

	dmarc_walk_step_read(step, answer, arena);
	if (answer->outcome == DNS_TEMP) {
		w->state = DMARC_WALK_TEMP;
		w->temp_why = arena_printf(arena, "_dmarc.%.*s: %s", VIEW_ARG(step->domain), answer->why);
		return false;
	}
	return step->record == NULL || step->record->psd == DMARC_PSD_U; /* steps 2 and 6: "stop" */
}

/* False: there is no answer yet. */
static bool
read_next(struct dmarc_walk *w, bool wait, struct dns_task *dns, struct arena *arena)
{
	struct dns_question *q = w->step[w->read].question;
	const struct dns_answer *answer = wait ? dns_wait(dns, q) : dns_peek(dns, q);

	if (answer != NULL)
		w->stopped = !read_step(w, answer, arena) || w->read == w->n;
	return answer != NULL;
}

bool
dmarc_walk_read_first(struct dmarc_walk *w, bool wait, struct dns_task *dns, struct arena *arena)
{
	return w->n == 0 || w->read > 0 || read_next(w, wait, dns, arena);
}

enum dmarc_walk_state
dmarc_walk_read(struct dmarc_walk *w, bool wait, struct dns_task *dns, struct arena *arena)
{
	if (w->state != DMARC_WALK_WAITING)
		return w->state;
	while (!w->stopped && w->read < w->n) /* ends: each turn reads one */
		if (!read_next(w, wait, dns, arena))
			return DMARC_WALK_WAITING;
	if (w->state == DMARC_WALK_TEMP)
		return w->state;
	find_org(w);
	return w->state = DMARC_WALK_DONE;
}
