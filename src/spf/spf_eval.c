#include "spf/spf_eval.h"

#include "spf/spf_cache.h"

#include <assert.h>
#include <stdarg.h>

enum dns_type
spf_eval_addr_type(const struct spf_eval *e)
{
	return e->in->client.family == 4 ? DNS_A : DNS_AAAA;
}

const struct dns_answer *
spf_eval_ask(struct spf_eval *e, struct view name, enum dns_type type)
{
	static const struct dns_answer too_late = { .outcome = DNS_TEMP, .why = "the time for SPF is up" };
	struct dns_question *q = dns_ask(e->dns, name, type);
	const struct dns_answer *answer = dns_peek(e->dns, q);

	if (e->late != NULL && (answer == NULL || q == e->late))
		answer = &too_late;
	if (answer == NULL)
		e->pending = q;
	else
		e->result->secure &= answer->secure;
	return answer;
}

enum spf_step
spf_eval_error(struct spf_eval *e, enum auth_result error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	e->result->problem = arena_vprintf(e->arena, fmt, ap);
	va_end(ap);
	e->error = error;
	return SPF_STEP_ERROR;
}

/* A name in words: macros can put any octet into it. */
static struct view
shown(struct spf_eval *e, struct view name)
{
	struct buffer b = buffer_in(e->arena);

	buffer_add_quoted(&b, name, 253);
	return buffer_view(&b);
}

enum spf_step
spf_eval_dns_error(struct spf_eval *e, struct view name, enum dns_type type, const struct dns_answer *answer)
{
	return spf_eval_error(e, AUTH_TEMPERROR, "%.*s %s: %s", VIEW_ARG(shown(e, name)), dns_type_name(type),
	    answer->why);
}

enum spf_step
spf_eval_void(struct spf_eval *e, struct view name)
{
	if (++e->result->voids <= e->void_max)
		return SPF_STEP_NO_MATCH;
	return spf_eval_error(e, AUTH_PERMERROR, "more than %u void lookups, the last for %.*s", e->void_max,
	    VIEW_ARG(shown(e, name)));
}

enum spf_step
spf_eval_expand(struct spf_eval *e, struct view domain, struct view spec, struct view *name)
{
	struct err err;

	e->values.domain = domain;
	if (spf_macro_wants_p(spec) && !spf_term_validated(e, domain, &e->values.validated))
		return SPF_STEP_PENDING;
	if (!spf_domain_expand(spec, &e->values, &e->scratch, name, &err))
		return spf_eval_error(e, AUTH_PERMERROR, "%s", err.text);
	return SPF_STEP_MATCH;
}

static struct spf_frame *
push(struct spf_eval *e)
{
	assert(e->depth < e->depth_max); /* each include was counted */
	struct spf_frame **f = &e->frame[e->depth++];
	if (*f == NULL)
		*f = ARENA_NEW(e->arena, struct spf_frame);
	**f = (struct spf_frame){ .domain = VIEW_EMPTY };
	return *f;
}

static struct spf_frame *
enter(struct spf_eval *e, struct view domain)
{
	struct spf_frame *f = push(e);

	f->domain = domain;
	if (dns_name_ok(domain))
		(void)dns_ask(e->dns, domain, DNS_TXT);
	return f;
}

void
spf_eval_begin(struct spf_eval *e, struct view domain, const struct spf_record *record)
{
	e->scratch = buffer_in(e->arena);
	e->depth_max = e->lookups_max + 1;
	e->frame = ARENA_ARRAY(e->arena, e->depth_max, struct spf_frame *);
	e->result->secure = true;
	if (record == NULL) {
		(void)enter(e, domain);
		return;
	}
	struct spf_frame *f = push(e);
	f->domain = domain;
	f->record = record;
	f->trace = spf_trace_begin(e->in->trace, SPF_TRACE_RECORD, 0, domain, record->text);
}

/* --- leaving a record ------------------------------------------------------------------------ */

static const char *
result_word(enum auth_result result)
{
	return name_of(auth_result_names, result);
}

/* The frame on top has its result.  At the bottom that is the result of all. */
static void
leave(struct spf_eval *e, enum auth_result result, struct view mechanism)
{
	const struct spf_frame *f = e->frame[--e->depth];
	bool error = result == AUTH_PERMERROR || result == AUTH_TEMPERROR;

	spf_trace_end(e->in->trace, f->trace, result_word(result), error ? e->result->problem : VIEW_EMPTY,
	    e->result->lookups, e->result->voids);
	e->child = result;
	if (e->depth > 0)
		return;
	e->result->result = result;
	e->result->mechanism = mechanism;
	e->last = *f;
	/* RFC 7208 6.2: only of a fail, and only the exp= of the record that decided. */
	e->explaining = result == AUTH_FAIL && f->record->explain.n > 0;
	e->last.expanded = false;
}

/* --- finding the record ---------------------------------------------------------------------- */

/* No record, or a name that can have none: RFC 7208 4.3, 5.2, 6.1. */
static void
no_record(struct spf_eval *e, const struct spf_frame *f)
{
	if (!f->redirected) {
		leave(e, AUTH_NONE, VIEW_EMPTY);
		return;
	}
	(void)spf_eval_error(e, AUTH_PERMERROR, "redirect to %.*s, which has no SPF record",
	    VIEW_ARG(shown(e, f->domain)));
	leave(e, AUTH_PERMERROR, VIEW_EMPTY);
}

/* RFC 7208 4.5: records of other versions do not count; two of ours are an error. */
static size_t
select_records(const struct dns_answer *answer, struct view *text)
{
	size_t n = 0;

	for (size_t i = 0; answer->outcome == DNS_DATA && i < answer->n; i++) {
		if (!spf_record_is(answer->txt[i]))
			continue;
		*text = answer->txt[i];
		n++;
	}
	return n;
}

static void
use_record(struct spf_eval *e, struct spf_frame *f, struct view text)
{
	struct err err;

	f->trace = spf_trace_begin(e->in->trace, SPF_TRACE_RECORD, e->depth - 1, f->domain, text);
	f->record = spf_cache_get(e->in->cache, text, e->arena, &err);
	if (f->record != NULL)
		return;
	(void)spf_eval_error(e, AUTH_PERMERROR, "record of %.*s: %s", VIEW_ARG(shown(e, f->domain)), err.text);
	leave(e, AUTH_PERMERROR, VIEW_EMPTY);
}

static void
refuse_record(struct spf_eval *e, struct spf_frame *f)
{
	f->trace = spf_trace_begin(e->in->trace, SPF_TRACE_RECORD, e->depth - 1, f->domain, VIEW_EMPTY);
	leave(e, e->error, VIEW_EMPTY);
}

/* False: pending. */
static bool
find_record(struct spf_eval *e, struct spf_frame *f)
{
	struct view text = VIEW_EMPTY;

	if (!dns_name_ok(f->domain)) {
		f->trace = spf_trace_begin(e->in->trace, SPF_TRACE_RECORD, e->depth - 1, f->domain, VIEW_EMPTY);
		no_record(e, f);
		return true;
	}
	const struct dns_answer *answer = spf_eval_ask(e, f->domain, DNS_TXT);
	if (answer == NULL)
		return false;
	size_t n = select_records(answer, &text);
	if (answer->outcome == DNS_TEMP) {
		(void)spf_eval_dns_error(e, f->domain, DNS_TXT, answer);
		refuse_record(e, f);
	} else if (n > 1) {
		(void)spf_eval_error(e, AUTH_PERMERROR, "%.*s has %zu SPF records", VIEW_ARG(shown(e, f->domain)), n);
		refuse_record(e, f);
	} else if (n == 0) {
		f->trace = spf_trace_begin(e->in->trace, SPF_TRACE_RECORD, e->depth - 1, f->domain, VIEW_EMPTY);
		no_record(e, f);
	} else {
		use_record(e, f, text);
	}
	return true;
}

/* --- asking ahead ---------------------------------------------------------------------------- */

static bool
first_question(const struct spf_eval *e, enum spf_mechanism mechanism, enum dns_type *type)
{
	switch (mechanism) {
	case SPF_INCLUDE:
		*type = DNS_TXT;
		return true;
	case SPF_A:
		*type = spf_eval_addr_type(e);
		return true;
	case SPF_MX:
		*type = DNS_MX;
		return true;
	case SPF_EXISTS:
		*type = DNS_A;
		return true;
	default:
		return false;
	}
}

static void
ask_ahead(struct spf_eval *e, const struct spf_frame *f, struct view spec, enum dns_type type)
{
	struct view name = f->domain;

	if (spf_macro_wants_p(spec))
		return;
	e->values.domain = f->domain;
	if (spec.n > 0 && !spf_domain_expand(spec, &e->values, &e->scratch, &name, NULL))
		return;
	if (!dns_name_ok(name))
		return;
	(void)dns_ask(e->dns, name, type);
	e->ahead++;
}

/*
 * The evaluation has to wait, so what the record will ask next flies along, up to a term that decides without
 * DNS.  No more terms than could still be counted, and in the whole evaluation no more than the limit.
 */
static void
ask_rest_ahead(struct spf_eval *e, struct spf_frame *f)
{
	unsigned left = e->lookups_max - e->result->lookups;

	if (f->asked_ahead || e->late != NULL)
		return;
	f->asked_ahead = true;
	for (size_t i = f->at + 1; i < f->record->n; i++) {
		const struct spf_directive *d = &f->record->directive[i];
		enum dns_type type;
		if (d->mechanism == SPF_ALL)
			return;
		if ((d->mechanism == SPF_IP4 || d->mechanism == SPF_IP6) && spf_directive_has(d, &e->in->client))
			return;
		if (!first_question(e, d->mechanism, &type))
			continue;
		if (left-- == 0 || e->ahead >= e->lookups_max)
			return;
		ask_ahead(e, f, d->domain_spec, type);
	}
	if (f->record->redirect.n > 0 && left > 0 && e->ahead < e->lookups_max)
		ask_ahead(e, f, f->record->redirect, DNS_TXT);
}

/* --- terms ------------------------------------------------------------------------------------ */

static bool
counts(enum spf_mechanism mechanism)
{
	return mechanism != SPF_ALL && mechanism != SPF_IP4 && mechanism != SPF_IP6;
}

/* A term that asks DNS begins: RFC 7208 4.6.4. */
static enum spf_step
count_lookup(struct spf_eval *e)
{
	if (e->result->lookups == e->lookups_max)
		return spf_eval_error(e, AUTH_PERMERROR, "more than %u terms that need DNS lookups", e->lookups_max);
	e->result->lookups++;
	return SPF_STEP_MATCH;
}

enum spf_step
spf_eval_target(struct spf_eval *e, struct spf_frame *f, struct view spec)
{
	if (f->expanded)
		return SPF_STEP_MATCH;
	f->target = f->domain;
	if (spec.n > 0) {
		enum spf_step step = spf_eval_expand(e, f->domain, spec, &f->target);
		if (step != SPF_STEP_MATCH)
			return step;
	}
	f->expanded = true;
	return SPF_STEP_MATCH;
}

/* The table of RFC 7208 5.2. */
static enum spf_step
include_result(struct spf_eval *e, const struct spf_frame *f)
{
	switch (e->child) {
	case AUTH_PASS:
		return SPF_STEP_MATCH;
	case AUTH_FAIL:
	case AUTH_SOFTFAIL:
	case AUTH_NEUTRAL:
		return SPF_STEP_NO_MATCH;
	case AUTH_NONE:
		return spf_eval_error(e, AUTH_PERMERROR, "include of %.*s, which has no SPF record",
		    VIEW_ARG(shown(e, f->target)));
	default:
		e->error = e->child; /* the problem stands as the inner record told it */
		return SPF_STEP_ERROR;
	}
}

static enum spf_step
eval_include(struct spf_eval *e, struct spf_frame *f)
{
	if (f->entered)
		return include_result(e, f);
	f->entered = true;
	(void)enter(e, f->target);
	return SPF_STEP_ENTER;
}

/* A mechanism that asks DNS, its target name known. */
static enum spf_step
eval_lookup(struct spf_eval *e, struct spf_frame *f, const struct spf_directive *d)
{
	if (d->mechanism == SPF_INCLUDE)
		return eval_include(e, f);
	if (d->mechanism == SPF_PTR)
		return spf_term_ptr(e, f);
	/* RFC 7208 4.8: what macros made and DNS cannot have is a name that does not exist; nothing is asked. */
	if (!dns_name_ok(f->target))
		return SPF_STEP_NO_MATCH;
	if (d->mechanism == SPF_A)
		return spf_term_a(e, f, d);
	if (d->mechanism == SPF_MX)
		return spf_term_mx(e, f, d);
	return spf_term_exists(e, f);
}

static enum spf_step
eval_directive(struct spf_eval *e, struct spf_frame *f, const struct spf_directive *d)
{
	bool first = !f->begun;

	if (first)
		f->term_trace = spf_trace_begin(e->in->trace, SPF_TRACE_TERM, e->depth - 1, VIEW_EMPTY, d->text);
	f->begun = true;
	if (d->mechanism == SPF_ALL)
		return SPF_STEP_MATCH;
	if (!counts(d->mechanism))
		return spf_directive_has(d, &e->in->client) ? SPF_STEP_MATCH : SPF_STEP_NO_MATCH;
	if (first && count_lookup(e) == SPF_STEP_ERROR)
		return SPF_STEP_ERROR;
	enum spf_step step = spf_eval_target(e, f, d->domain_spec);
	return step == SPF_STEP_MATCH ? eval_lookup(e, f, d) : step;
}

static void
trace_term(struct spf_eval *e, const struct spf_frame *f, enum spf_step step)
{
	const char *outcome = step == SPF_STEP_MATCH ? "match" : step == SPF_STEP_NO_MATCH ? "no match" :
											     result_word(e->error);

	if (e->in->trace == NULL)
		return;
	if (f->term_trace < e->in->trace->n)
		e->in->trace->row[f->term_trace].name = f->expanded ? f->target : VIEW_EMPTY;
	spf_trace_end(e->in->trace, f->term_trace, outcome, step == SPF_STEP_ERROR ? e->result->problem : VIEW_EMPTY,
	    e->result->lookups, e->result->voids);
}

static void
next_term(struct spf_frame *f)
{
	f->at++;
	f->begun = false;
	f->expanded = false;
	f->entered = false;
}

/* False: pending. */
static bool
step_directive(struct spf_eval *e, struct spf_frame *f)
{
	const struct spf_directive *d = &f->record->directive[f->at];
	enum spf_step step = eval_directive(e, f, d);

	if (step == SPF_STEP_ENTER)
		return true;
	if (step == SPF_STEP_PENDING) {
		ask_rest_ahead(e, f);
		return false;
	}
	trace_term(e, f, step);
	if (step == SPF_STEP_NO_MATCH)
		next_term(f);
	else if (step == SPF_STEP_MATCH)
		leave(e, d->result, d->text);
	else
		leave(e, e->error, VIEW_EMPTY);
	return true;
}

/* RFC 7208 6.1: the new record takes the place of this one, its domain that of ours.  False: pending. */
static bool
step_redirect(struct spf_eval *e, struct spf_frame *f)
{
	enum spf_step step = SPF_STEP_MATCH;

	if (!f->begun) {
		f->begun = true;
		step = count_lookup(e);
	}
	if (step == SPF_STEP_MATCH)
		step = spf_eval_target(e, f, f->record->redirect);
	if (step == SPF_STEP_PENDING)
		return false;
	if (step == SPF_STEP_ERROR) {
		leave(e, e->error, VIEW_EMPTY);
		return true;
	}
	struct view target = f->target;
	spf_trace_end(e->in->trace, f->trace, "redirect", target, e->result->lookups, e->result->voids);
	e->depth--;
	enter(e, target)->redirected = true;
	return true;
}

/* One step of the frame on top.  False: pending. */
static bool
step_frame(struct spf_eval *e)
{
	struct spf_frame *f = e->frame[e->depth - 1];

	if (f->record == NULL) {
		if (find_record(e, f))
			return true;
		/* While an include is fetched, so may be what its record's siblings need. */
		if (e->depth > 1)
			ask_rest_ahead(e, e->frame[e->depth - 2]);
		return false;
	}
	if (f->at < f->record->n)
		return step_directive(e, f);
	if (f->record->redirect.n > 0)
		return step_redirect(e, f);
	leave(e, AUTH_NEUTRAL, VIEW_LIT("default")); /* RFC 7208 4.7 */
	return true;
}

bool
spf_eval_run(struct spf_eval *e)
{
	e->pending = NULL;
	while (e->depth > 0)	/* ends: each turn finishes a term, enters a counted record, or waits */
		if (!step_frame(e))
			return false;
	return !e->explaining || spf_eval_explain(e);
}
