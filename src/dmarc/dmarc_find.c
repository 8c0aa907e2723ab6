#include "dmarc/dmarc_find.h"

#include "mail/domain.h"

void
dmarc_find_begin(struct dmarc_find *f, struct view domain, const struct dmarc_psl *psl, struct dns_task *dns,
    struct arena *arena)
{
	*f = (struct dmarc_find){ .domain = domain, .psl = psl };
	if (psl == NULL) {
		f->walk = dmarc_walk_begin(domain, dns, arena);
		return;
	}
	f->own = (struct dmarc_walk_step){ .domain = domain, .question = dmarc_ask(domain, dns, arena) };
	f->above.domain = dmarc_psl_org(psl, domain);
	f->above.question = dmarc_ask(f->above.domain, dns, arena);
}

static enum dmarc_find_state
found(struct dmarc_find *f, const struct dmarc_walk_step *step)
{
	f->record = step->record;
	f->used = step->domain;
	f->subdomain = !view_eq(step->domain, f->domain);
	return f->state = DMARC_FIND_RECORD;
}

static enum dmarc_find_state
trouble(struct dmarc_find *f, struct view why)
{
	f->temp_why = why;
	return f->state = DMARC_FIND_TEMP;
}

/* 4.10.1: the author domain, its organizational domain, its public suffix domain. */
static enum dmarc_find_state
record_by_walk(struct dmarc_find *f, bool wait, struct dns_task *dns, struct arena *arena)
{
	struct dmarc_walk *w = f->walk;

	if (!dmarc_walk_read_first(w, wait, dns, arena))
		return DMARC_FIND_WAITING;
	if (w->n > 0 && w->step[0].record != NULL)
		return found(f, &w->step[0]);
	if (dmarc_walk_read(w, wait, dns, arena) == DMARC_WALK_WAITING)
		return DMARC_FIND_WAITING;
	if (w->state == DMARC_WALK_TEMP)
		return trouble(f, w->temp_why);
	for (size_t i = 0; i < w->read; i++)
		if (w->step[i].record != NULL && view_eq(w->step[i].domain, w->org))
			return found(f, &w->step[i]);
	if (w->org_at < w->n) /* psd=y, and nothing at the organizational domain */
		return found(f, &w->step[w->org_at]);
	return f->state = DMARC_FIND_NONE;
}

/* Read the answer of one step; false: there is none yet. */
static bool
read_one(struct dmarc_walk_step *step, bool wait, struct dns_task *dns, struct arena *arena)
{
	const struct dns_answer *answer;

	if (step->answer != NULL)
		return true;
	answer = wait ? dns_wait(dns, step->question) : dns_peek(dns, step->question);
	if (answer != NULL)
		dmarc_walk_step_read(step, answer, arena);
	return answer != NULL;
}

/* RFC 7489 6.6.3: the author domain, then its organizational domain. */
static enum dmarc_find_state
record_by_psl(struct dmarc_find *f, bool wait, struct dns_task *dns, struct arena *arena)
{
	struct dmarc_walk_step *steps[] = { &f->own, &f->above };

	for (size_t i = 0; i < 2; i++) {
		struct dmarc_walk_step *s = steps[i];
		if (!read_one(s, wait, dns, arena))
			return DMARC_FIND_WAITING;
		if (s->answer->outcome == DNS_TEMP)
			return trouble(f, arena_printf(arena, "_dmarc.%.*s: %s", VIEW_ARG(s->domain), s->answer->why));
		if (s->record != NULL)
			return found(f, s);
	}
	return f->state = DMARC_FIND_NONE;
}

enum dmarc_find_state
dmarc_find_record(struct dmarc_find *f, bool wait, struct dns_task *dns, struct arena *arena)
{
	if (f->state != DMARC_FIND_WAITING)
		return f->state;
	return f->psl == NULL ? record_by_walk(f, wait, dns, arena) : record_by_psl(f, wait, dns, arena);
}

struct view
dmarc_find_org(struct dmarc_find *f, bool wait, struct view *temp_why, struct dns_task *dns, struct arena *arena)
{
	if (f->psl != NULL)
		return f->above.domain;
	switch (dmarc_walk_read(f->walk, wait, dns, arena)) {
	case DMARC_WALK_DONE:
		return f->walk->org;
	case DMARC_WALK_TEMP:
		*temp_why = f->walk->temp_why;
		break;
	case DMARC_WALK_WAITING:
		break;
	}
	return VIEW_EMPTY;
}

/*
 * A name below an existing one's proves it (RFC 8020): an answer other than NXDOMAIN for _dmarc.D saves the
 * question.  Otherwise any type will do; TXT is what SPF has asked for in most cases.
 */
enum dmarc_existence
dmarc_find_existence(struct dmarc_find *f, bool wait, struct dns_task *dns)
{
	struct dmarc_walk_step *own = f->psl == NULL ? &f->walk->step[0] : &f->own;
	const struct dns_answer *answer = own->answer;

	if (answer != NULL && (answer->outcome == DNS_DATA || answer->outcome == DNS_NODATA))
		return DMARC_EXISTS;
	if (f->exists == NULL)
		f->exists = dns_ask(dns, f->domain, DNS_TXT);
	answer = wait ? dns_wait(dns, f->exists) : dns_peek(dns, f->exists);
	if (answer == NULL || answer->outcome == DNS_TEMP)
		return DMARC_EXISTS_UNKNOWN;
	return answer->outcome == DNS_NXDOMAIN ? DMARC_EXISTS_NOT : DMARC_EXISTS;
}
