#include "dkim/dkim.h"

#include "base/buffer.h"
#include "dkim/dkim_signature.h"
#include "dkim/dkim_verify.h"
#include "mail/domain.h"

#include <assert.h>

struct dkim_check {
	struct dkim_input in;
	struct dns_task *dns;
	struct arena *arena;
	struct dkim_job *job; /* from the top; DKIM_FIELDS_MAX at most */
	size_t n;
	size_t beyond; /* fields that were not looked at */
};

/* --- begin ------------------------------------------------------------------------------------ */

static bool
is_signature(const struct header_field *f)
{
	return view_is_nocase(view_trim_end(f->name), "DKIM-Signature");
}

/* RFC 6376 3.5, t= and x=: "MAY be considered invalid"; a matter of policy, decided without a key. */
static const char *
time_fault(const struct dkim_signature *sig, const struct dkim_input *in)
{
	int64_t skew = in->conf->clock_skew;

	if (sig->expires_at >= 0 && sig->expires_at < in->now - skew)
		return "signature expired";
	if (sig->signed_at > in->now + skew)
		return "t= lies in the future";
	return NULL;
}

/* What can be said without key and body.  AUTH_NONE: nothing yet. */
static void
read_field(struct dkim_job *job, const struct dkim_input *in, struct arena *arena)
{
	struct err err;

	job->result = AUTH_NONE;
	if (!dkim_signature_parse(job->field->value, arena, &job->sig, &err)) {
		job->result = job->sig.fault == DKIM_SYNTAX ? AUTH_NEUTRAL : AUTH_PERMERROR;
		job->reason = arena_copy(arena, view_of(err.text));
		return;
	}
	const char *fault = time_fault(&job->sig, in);
	if (fault != NULL) {
		job->result = AUTH_POLICY;
		job->reason = view_of(fault);
	}
}

static void
read_fields(struct dkim_check *check)
{
	const struct header *h = check->in.header;
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		n += is_signature(&h->field[i]);
	check->job = ARENA_ARRAY(check->arena, n < DKIM_FIELDS_MAX ? n : DKIM_FIELDS_MAX, struct dkim_job);
	for (size_t i = 0; i < h->n; i++) {
		if (!is_signature(&h->field[i]))
			continue;
		if (check->n == DKIM_FIELDS_MAX) {
			check->beyond = n - check->n;
			return;
		}
		struct dkim_job *job = &check->job[check->n++];
		job->field = &h->field[i];
		read_field(job, &check->in, check->arena);
	}
}

/* How near d= is to the author's domain: 0 the same, 1 one within the other, 2 none of it. */
static int
distance(const struct dkim_job *job, struct view from)
{
	struct view d = job->sig.domain;

	if (view_eq(d, from))
		return 0;
	return domain_within(d, from) || domain_within(from, d) ? 1 : 2;
}
#define DISTANCES 3

static void
start(struct dkim_check *check, struct dkim_job *job, struct body_hashes *bodies)
{
	const struct dkim_signature *sig = &job->sig;
	struct buffer name = buffer_in(check->arena);

	job->body = body_hashes_want(bodies, DIGEST_SHA256, sig->body_canon, sig->body_limit);
	if (job->body == NULL) {
		job->result = AUTH_POLICY;
		job->reason = VIEW_LIT("not verified: too many different l= in one message");
		return;
	}
	buffer_add(&name, sig->selector);
	buffer_add_cstr(&name, "._domainkey.");
	buffer_add(&name, sig->domain);
	job->key_question = dns_ask(check->dns, buffer_view(&name), DNS_TXT);
}

/* Those nearest to the author first, among equals from the top; the rest is over the cap. */
static void
start_nearest(struct dkim_check *check, struct body_hashes *bodies)
{
	int64_t left = check->in.conf->signatures_max;
	struct view why = arena_printf(check->arena, "not verified: more than %d signatures", (int)left);

	for (int d = 0; d < DISTANCES; d++) {
		for (size_t i = 0; i < check->n; i++) {
			struct dkim_job *job = &check->job[i];
			if (job->result != AUTH_NONE || job->key_question != NULL || distance(job, check->in.from_domain) != d)
				continue;
			if (left > 0) {
				left--;
				start(check, job, bodies);
			} else {
				job->result = AUTH_POLICY;
				job->reason = why;
			}
		}
	}
}

struct dkim_check *
dkim_begin(const struct dkim_input *in, struct dns_task *dns, struct body_hashes *bodies, struct arena *arena)
{
	struct dkim_check *check = ARENA_NEW(arena, struct dkim_check);

	check->in = *in;
	check->dns = dns;
	check->arena = arena;
	if (in->conf->enable) {
		read_fields(check);
		start_nearest(check, bodies);
	}
	return check;
}

/* --- end -------------------------------------------------------------------------------------- */

static bool
is_shared(const struct dkim_check *check, const struct dkim_job *job, struct view start_of_b)
{
	for (size_t i = 0; i < check->n; i++)
		if (&check->job[i] != job && view_starts(check->job[i].sig.signature_text, start_of_b))
			return true;
	return false;
}

/* RFC 6008 4: at least eight characters, and as many as tell it from the message's other signatures. */
static struct view
shortened_b(const struct dkim_check *check, const struct dkim_job *job)
{
	struct view b = job->sig.signature_text;
	size_t n = 8;

	while (n < b.n && n < DKIM_B_CHARS_MAX && is_shared(check, job, view_sub(b, 0, n)))
		n++;
	return view_sub(b, 0, n);
}

static void
report(const struct dkim_check *check, const struct dkim_job *job, struct auth_fact *fact)
{
	const struct dkim_signature *sig = &job->sig;

	*fact = (struct auth_fact){ .method = AUTH_DKIM, .result = job->result, .reason = job->reason, .comment = job->comment };
	fact->domain = sig->domain;
	fact->aligns = job->result == AUTH_PASS;
	auth_fact_property(fact, "header", "d", sig->domain);
	auth_fact_property(fact, "header", "i", sig->identity);
	auth_fact_property(fact, "header", "s", sig->selector);
	auth_fact_property(fact, "header", "a", sig->algorithm);
	auth_fact_property(fact, "header", "b", shortened_b(check, job));
}

static void
report_rest(const struct dkim_check *check, size_t n, struct auth_fact *fact)
{
	*fact = (struct auth_fact){ .method = AUTH_DKIM, .result = AUTH_POLICY };
	fact->reason = arena_printf(check->arena, "%zu more signatures not verified: more than %d signatures", n,
	    (int)check->in.conf->signatures_max);
}

static void
report_all(const struct dkim_check *check, struct auth_facts *facts)
{
	size_t others = 0, rest = check->beyond;

	facts->fact = ARENA_ARRAY(check->arena, check->n + 1, struct auth_fact);
	facts->n = 0;
	for (size_t i = 0; i < check->n; i++) {
		const struct dkim_job *job = &check->job[i];
		if (job->key_question == NULL && others++ >= DKIM_FACTS_BEYOND)
			rest++;
		else
			report(check, job, &facts->fact[facts->n++]);
	}
	if (rest > 0)
		report_rest(check, rest, &facts->fact[facts->n++]);
	if (facts->n == 0)
		facts->fact[facts->n++] = (struct auth_fact){ .method = AUTH_DKIM, .result = AUTH_NONE };
}

void
dkim_end(struct dkim_check *check, struct auth_facts *facts)
{
	*facts = (struct auth_facts){ 0 };
	if (!check->in.conf->enable)
		return;
	for (size_t i = 0; i < check->n; i++)
		if (check->job[i].key_question != NULL)
			dkim_verify(&check->job[i], &check->in, check->dns, check->arena);
	report_all(check, facts);
}
