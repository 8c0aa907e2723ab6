#include "policy/policy_rule.h"

#include "base/buffer.h"
#include "mail/auth_results.h"
#include "mail/domain.h"

/* ---- evidence ---- */

static bool
anything_passes(const struct assessment *found)
{
	if (found->spf != NULL && found->spf->result == AUTH_PASS)
		return true;
	if (found->spf_helo != NULL && found->spf_helo->result == AUTH_PASS)
		return true;
	for (size_t i = 0; i < found->dkim.n; i++)
		if (found->dkim.fact[i].result == AUTH_PASS)
			return true;
	return found->arc != NULL && found->arc->result == AUTH_PASS;
}

/*
 * RFC 9989 7.4: not to be refused because of p=reject alone.  What speaks against a message beside it: SPF says fail
 * (not: softfail, neutral), or nobody at all vouches for it, while forwarders and lists mostly do with a
 * name of their own.
 */
static bool
is_evidence(const struct assessment *found)
{
	if (found->dmarc->several)
		return true; /* not the domain owner's wish but the message's own fault: RFC 9989 11.5 */
	if (found->spf != NULL && found->spf->result == AUTH_FAIL)
		return true;
	if (found->spf_helo != NULL && found->spf_helo->result == AUTH_FAIL)
		return true;
	return !anything_passes(found);
}

/* ---- those who are trusted ---- */

static bool
is_named(const struct policy_name *name, size_t n, struct view domain)
{
	for (size_t i = 0; i < n; i++)
		if (policy_name_holds(&name[i], domain))
			return true;
	return false;
}

/* A claim of the author's own domain, or of one that shares its organizational domain. */
static bool
is_of_author(struct view domain, const struct dmarc_result *r)
{
	if (domain.n == 0 || r->from_domain.n == 0)
		return false;
	return view_eq_nocase(domain, r->from_domain) || (r->org_domain.n > 0 && domain_within(domain, r->org_domain));
}

static bool
says_pass(const struct auth_results_info *info, const struct dmarc_result *r)
{
	const char *wanted = view_is(info->method, "dmarc") ? "from" : view_is(info->method, "dkim") ? "d" : NULL;

	if (wanted == NULL || !view_is(info->result, "pass"))
		return false;
	for (size_t i = 0; i < info->properties; i++)
		if (view_is(info->property[i].ptype, "header") && view_is(info->property[i].name, wanted) &&
		    is_of_author(info->property[i].value, r))
			return true;
	return false;
}

/*
 * The newest seal is of somebody trusted, and what it sealed says that the author was authenticated.  A signature
 * that does not cover From proves nothing about who the author is now.
 */
static bool
sealer_vouches(const struct policy_trust *trust, const struct policy_facts *f, struct arena *arena)
{
	const struct arc_result *arc = f->found->arc;
	struct auth_results results;
	struct err err;

	if (arc == NULL || arc->result != AUTH_PASS || !arc->covers_from || !is_named(trust->sealer, trust->sealers, arc->sealer))
		return false;
	if (!auth_results_parse(arc->newest_authres, arena, &results, &err))
		return false;
	for (size_t i = 0; i < results.n; i++)
		if (says_pass(&results.info[i], f->found->dmarc))
			return true;
	return false;
}

static bool
passes_for(const struct policy_name *name, const struct assessment *found)
{
	if (found->spf != NULL && found->spf->result == AUTH_PASS && policy_name_holds(name, found->spf->domain))
		return true;
	for (size_t i = 0; i < found->dkim.n; i++)
		if (found->dkim.fact[i].result == AUTH_PASS && policy_name_holds(name, found->dkim.fact[i].domain))
			return true;
	return false;
}

/* List-Id alone can be written by anybody: SPF or DKIM must pass for the list's trusted domain too. */
static bool
list_vouches(const struct policy_trust *trust, const struct policy_facts *f)
{
	for (size_t i = 0; i < trust->lists; i++) {
		const struct policy_name *name = &trust->list[i];
		if (domain_within(f->list, name->domain) && passes_for(name, f->found))
			return true;
	}
	return false;
}

static bool
forwarder_vouches(const struct policy_trust *trust, const struct policy_facts *f)
{
	const struct assessment *found = f->found;

	for (size_t i = 0; i < trust->forwarders; i++) {
		const struct policy_peer *peer = &trust->forwarder[i];
		if (peer->is_net ? ip_in_net(&f->client, &peer->net) : passes_for(&peer->name, found))
			return true;
		if (!peer->is_net && found->spf_helo != NULL && found->spf_helo->result == AUTH_PASS &&
		    policy_name_holds(&peer->name, found->spf_helo->domain))
			return true;
	}
	return false;
}

/* RFC 8617 7.2.2: "arc=pass as[2].d=d2.example as[2].s=s2 as[1].d=d1.example" */
static struct view
arc_comment(const struct arc_result *arc, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	buffer_addf(&b, "arc=pass as[%zu].d=%.*s as[%zu].s=%.*s", arc->domains_n, VIEW_ARG(arc->sealer), arc->domains_n,
	    VIEW_ARG(arc->selector));
	for (size_t i = arc->domains_n; i > 1; i--)
		buffer_addf(&b, " as[%zu].d=%.*s", i - 1, VIEW_ARG(arc->domains[i - 2]));
	return buffer_view(&b);
}

struct dmarc_disposition
policy_dmarc(const struct policy_trust *trust, const struct policy_facts *f, struct arena *arena)
{
	struct dmarc_disposition d = { .policy = DMARC_UNSET };

	if (f->found->dmarc == NULL)
		return d;
	d = f->found->dmarc->disposition;
	if (d.policy != DMARC_REJECT && d.policy != DMARC_QUARANTINE)
		return d;
	if (sealer_vouches(trust, f, arena))
		dmarc_disposition_override(&d, DMARC_NONE, DMARC_REASON_LOCAL_POLICY, arc_comment(f->found->arc, arena));
	else if (list_vouches(trust, f))
		dmarc_disposition_override(&d, DMARC_NONE, DMARC_REASON_MAILING_LIST, VIEW_LIT("trusted-lists"));
	else if (forwarder_vouches(trust, f))
		dmarc_disposition_override(&d, DMARC_NONE, DMARC_REASON_TRUSTED_FORWARDER, VIEW_LIT("trusted-forwarders"));
	else if (d.policy == DMARC_REJECT && trust->reject_needs == POLICY_NEEDS_EVIDENCE && !is_evidence(f->found))
		dmarc_disposition_override(&d, DMARC_QUARANTINE, DMARC_REASON_LOCAL_POLICY,
		    VIEW_LIT("reject-needs evidence"));
	return d;
}
