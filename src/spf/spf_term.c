#include "spf/spf_eval.h"

#include "mail/domain.h"

/* RFC 7208 4.6.4: address lookups of one mx, ptr or %{p}. */
#define NAMES_MAX 10

static bool
any_in(const struct dns_answer *answer, const struct ip *client, const struct spf_directive *d)
{
	int bits = client->family == 4 ? d->bits4 : d->bits6;

	for (size_t i = 0; i < answer->n; i++)
		if (ip_in(client, &answer->addr[i], bits))
			return true;
	return false;
}

/* RFC 7208 5.3 */
enum spf_step
spf_term_a(struct spf_eval *e, const struct spf_frame *f, const struct spf_directive *d)
{
	enum dns_type type = spf_eval_addr_type(e);
	const struct dns_answer *answer = spf_eval_ask(e, f->target, type);

	if (answer == NULL)
		return SPF_STEP_PENDING;
	if (answer->outcome == DNS_TEMP)
		return spf_eval_dns_error(e, f->target, type, answer);
	if (answer->outcome != DNS_DATA)
		return spf_eval_void(e, f->target);
	return any_in(answer, &e->in->client, d) ? SPF_STEP_MATCH : SPF_STEP_NO_MATCH;
}

/* RFC 7208 5.7: always an A lookup, even for IPv6. */
enum spf_step
spf_term_exists(struct spf_eval *e, const struct spf_frame *f)
{
	const struct dns_answer *answer = spf_eval_ask(e, f->target, DNS_A);

	if (answer == NULL)
		return SPF_STEP_PENDING;
	if (answer->outcome == DNS_TEMP)
		return spf_eval_dns_error(e, f->target, DNS_A, answer);
	return answer->outcome == DNS_DATA ? SPF_STEP_MATCH : spf_eval_void(e, f->target);
}

/*
 * The addresses of the exchangers, in their order, so that the result is the same whichever came first.
 * A term is void once, not once for each of its questions: RFC 7208 4.6.4 limits "the number of terms for
 * which DNS queries return" nothing.  Else four IPv4-only exchangers would be a permerror for IPv6 clients.
 */
static enum spf_step
match_exchangers(struct spf_eval *e, const struct spf_frame *f, const struct spf_directive *d,
    const struct dns_answer *mx)
{
	enum dns_type type = spf_eval_addr_type(e);
	bool any_address = false;

	for (size_t i = 0; i < mx->n; i++)	/* side by side; the answers are collected below */
		if (mx->mx[i].name.n > 0)
			(void)dns_ask(e->dns, mx->mx[i].name, type);
	for (size_t i = 0; i < mx->n; i++) {
		struct view name = mx->mx[i].name;
		if (name.n == 0) {		/* null MX: a host that is none */
			any_address = true;
			continue;
		}
		const struct dns_answer *answer = spf_eval_ask(e, name, type);
		if (answer == NULL)
			return SPF_STEP_PENDING;
		if (answer->outcome == DNS_TEMP)
			return spf_eval_dns_error(e, name, type, answer);
		any_address |= answer->n > 0;
		if (any_in(answer, &e->in->client, d))
			return SPF_STEP_MATCH;
	}
	return any_address ? SPF_STEP_NO_MATCH : spf_eval_void(e, f->target);
}

/* RFC 7208 5.4 */
enum spf_step
spf_term_mx(struct spf_eval *e, const struct spf_frame *f, const struct spf_directive *d)
{
	const struct dns_answer *mx = spf_eval_ask(e, f->target, DNS_MX);

	if (mx == NULL)
		return SPF_STEP_PENDING;
	if (mx->outcome == DNS_TEMP)
		return spf_eval_dns_error(e, f->target, DNS_MX, mx);
	if (mx->outcome != DNS_DATA)
		return spf_eval_void(e, f->target);
	if (mx->n > NAMES_MAX)
		return spf_eval_error(e, AUTH_PERMERROR, "%.*s has more than %d MX records", VIEW_ARG(f->target),
		    NAMES_MAX);
	return match_exchangers(e, f, d, mx);
}

/* The names the client's address claims; NULL: pending. */
static const struct dns_answer *
claimed_names(struct spf_eval *e)
{
	return spf_eval_ask(e, ip_reverse_name(&e->in->client, e->arena), DNS_PTR);
}

static size_t
names_to_look_at(const struct dns_answer *ptr)
{
	return ptr->n < NAMES_MAX ? ptr->n : NAMES_MAX; /* "all records other than the first 10 MUST be ignored" */
}

/* Does the name lead back to the client?  An error there is a name that does not (RFC 7208 5.5). */
static enum spf_step
validate(struct spf_eval *e, struct view name)
{
	const struct dns_answer *answer = spf_eval_ask(e, name, spf_eval_addr_type(e));

	if (answer == NULL)
		return SPF_STEP_PENDING;
	for (size_t i = 0; i < answer->n; i++)
		if (ip_eq(&answer->addr[i], &e->in->client))
			return SPF_STEP_MATCH;
	return SPF_STEP_NO_MATCH;
}

/* RFC 7208 5.5.  Only names that could match are looked up; void ones are the client's doing and not counted. */
enum spf_step
spf_term_ptr(struct spf_eval *e, const struct spf_frame *f)
{
	const struct dns_answer *ptr = claimed_names(e);

	if (ptr == NULL)
		return SPF_STEP_PENDING;
	if (ptr->outcome == DNS_TEMP)
		return SPF_STEP_NO_MATCH;
	if (ptr->outcome != DNS_DATA)
		return spf_eval_void(e, f->target);
	for (size_t i = 0; i < names_to_look_at(ptr); i++)
		if (domain_within(ptr->name[i], f->target))
			(void)dns_ask(e->dns, ptr->name[i], spf_eval_addr_type(e));
	for (size_t i = 0; i < names_to_look_at(ptr); i++) {
		if (!domain_within(ptr->name[i], f->target))
			continue;
		enum spf_step step = validate(e, ptr->name[i]);
		if (step != SPF_STEP_NO_MATCH)
			return step;
	}
	return SPF_STEP_NO_MATCH;
}

/* The domain itself before a name below it, before any other: RFC 7208 7.3. */
enum nearness {
	NEAR_SAME,
	NEAR_BELOW,
	NEAR_OTHER,
	NEAR_RANKS,
};

static int
nearness(struct view name, struct view domain)
{
	if (view_eq_nocase(name, domain))
		return NEAR_SAME;
	return domain_within(name, domain) ? NEAR_BELOW : NEAR_OTHER;
}

bool
spf_term_validated(struct spf_eval *e, struct view domain, struct view *name)
{
	const struct dns_answer *ptr = claimed_names(e);

	if (ptr == NULL)
		return false;
	*name = VIEW_LIT("unknown");
	for (size_t i = 0; i < names_to_look_at(ptr); i++)
		(void)dns_ask(e->dns, ptr->name[i], spf_eval_addr_type(e));
	for (int rank = NEAR_SAME; rank < NEAR_RANKS; rank++) {
		for (size_t i = 0; i < names_to_look_at(ptr); i++) {
			if (nearness(ptr->name[i], domain) != rank)
				continue;
			switch (validate(e, ptr->name[i])) {
			case SPF_STEP_PENDING:
				return false;
			case SPF_STEP_MATCH:
				*name = ptr->name[i];
				return true;
			default:
				break;
			}
		}
	}
	return true;
}
