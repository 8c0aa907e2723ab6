#include "policy/policy_ask.h"

#include "mail/address.h"
#include "mail/domain.h"

/* ---- words ---- */

static const struct name_row spf_words[] = {
	{ "pass", AUTH_PASS }, { "fail", AUTH_FAIL }, { "softfail", AUTH_SOFTFAIL }, { "none", AUTH_NONE },
	{ "neutral", AUTH_NEUTRAL }, { "permerror", AUTH_PERMERROR }, { "temperror", AUTH_TEMPERROR },
	{ "err_perm", AUTH_PERMERROR }, { "err_temp", AUTH_TEMPERROR }, { NULL, 0 },
};
static const struct name_row dkim_words[] = {
	{ "pass", AUTH_PASS }, { "fail", AUTH_FAIL }, { "neutral", AUTH_NEUTRAL }, { "none", AUTH_NONE },
	{ "policy", AUTH_POLICY }, { "permerror", AUTH_PERMERROR }, { "temperror", AUTH_TEMPERROR }, { NULL, 0 },
};
static const struct name_row arc_words[] = {
	{ "none", AUTH_NONE }, { "fail", AUTH_FAIL }, { "pass", AUTH_PASS }, { "temperror", AUTH_TEMPERROR }, { NULL, 0 },
};
static const struct name_row published_words[] = {
	{ "none", DMARC_NONE }, { "quarantine", DMARC_QUARANTINE }, { "reject", DMARC_REJECT }, { NULL, 0 },
};

/* ---- was it asked ---- */

static bool
has_spf(const struct policy_facts *f)
{
	return f->found->spf != NULL;
}

static bool
has_spf_helo(const struct policy_facts *f)
{
	return f->found->spf_helo != NULL;
}

static bool
has_spf_guess(const struct policy_facts *f)
{
	return f->found->spf_guess != NULL;
}

static bool
has_dkim(const struct policy_facts *f)
{
	return f->found->dkim.n > 0;
}

static bool
has_policy(const struct policy_facts *f)
{
	return f->found->dmarc != NULL && f->found->dmarc->policy != DMARC_UNSET;
}

static bool
has_arc(const struct policy_facts *f)
{
	return f->found->arc != NULL;
}

static bool
is_authenticated(const struct policy_facts *f)
{
	return f->authenticated;
}

static bool
is_internal(const struct policy_facts *f)
{
	return f->internal;
}

static bool
is_local(const struct policy_facts *f)
{
	return f->local;
}

static bool
is_tls(const struct policy_facts *f)
{
	return f->tls;
}

static bool
is_list(const struct policy_facts *f)
{
	return f->list_id;
}

/* ---- does an item hold ---- */

static bool
spf_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	(void)d;
	return (int)f->found->spf->result == item->word;
}

static bool
spf_helo_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	(void)d;
	return (int)f->found->spf_helo->result == item->word;
}

static bool
spf_guess_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	(void)d;
	return (int)f->found->spf_guess->result == item->word;
}

/* One signature of many is enough. */
static bool
dkim_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	const struct auth_facts *dkim = &f->found->dkim;

	(void)d;
	for (size_t i = 0; i < dkim->n; i++)
		if ((int)dkim->fact[i].result == item->word)
			return true;
	return false;
}

/* DMARC has looked; where it was not asked, the domain of From itself or one of the two below the other. */
static bool
is_aligned(const struct auth_fact *fact, const struct assessment *found)
{
	if (fact->domain.n == 0)
		return false;
	if (found->dmarc == NULL)
		return domain_within(fact->domain, found->from.domain) || domain_within(found->from.domain, fact->domain);
	for (size_t i = 0; i < found->dmarc->identifiers; i++) {
		const struct dmarc_identifier *id = &found->dmarc->identifier[i];
		if (id->method == AUTH_DKIM && view_eq(id->domain, fact->domain))
			return id->alignment == DMARC_ALIGN_RELAXED || id->alignment == DMARC_ALIGN_STRICT;
	}
	return false;
}

static bool
dkim_aligned_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	const struct auth_facts *dkim = &f->found->dkim;
	bool any = false;

	(void)d;
	for (size_t i = 0; i < dkim->n; i++) {
		if (!is_aligned(&dkim->fact[i], f->found))
			continue;
		any = true;
		if ((int)dkim->fact[i].result == item->word && (item->word != AUTH_PASS || dkim->fact[i].aligns))
			return true;
	}
	return !any && item->word == AUTH_NONE;
}

static bool
dkim_domain_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	const struct auth_facts *dkim = &f->found->dkim;

	(void)d;
	for (size_t i = 0; i < dkim->n; i++)
		if (dkim->fact[i].result == AUTH_PASS && policy_name_holds(&item->name, dkim->fact[i].domain))
			return true;
	return false;
}

/* The status, but for a failure what is left of the domain owner's wish. */
static bool
dmarc_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	enum dmarc_status status = f->found->dmarc == NULL ? DMARC_STATUS_OFF : f->found->dmarc->status;
	bool failed = status == DMARC_STATUS_NONE || status == DMARC_STATUS_QUARANTINE || status == DMARC_STATUS_REJECT;

	if (failed && d->policy == DMARC_NONE)
		status = DMARC_STATUS_NONE;
	else if (failed && d->policy == DMARC_QUARANTINE)
		status = DMARC_STATUS_QUARANTINE;
	else if (failed && d->policy == DMARC_REJECT)
		status = DMARC_STATUS_REJECT;
	return (int)status == item->word;
}

static bool
dmarc_policy_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	(void)d;
	return (int)f->found->dmarc->policy == item->word;
}

static bool
arc_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	(void)d;
	return (int)f->found->arc->result == item->word;
}

static bool
arc_sealer_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	(void)d;
	return f->found->arc->sealer.n > 0 && policy_name_holds(&item->name, f->found->arc->sealer);
}

static bool
sender_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	(void)d;
	if (item->name.null_sender)
		return f->null_sender;
	return (item->name.local.n == 0 || mail_local_is(f->from.local, item->name.local)) &&
	    policy_name_holds(&item->name, f->from.domain);
}

static bool
from_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	(void)d;
	for (size_t i = 0; i < f->found->from.n; i++)
		if (policy_name_holds(&item->name, f->found->from.domains[i]))
			return true;
	return false;
}

static bool
client_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	(void)d;
	return ip_in_net(&f->client, &item->net);
}

static bool
client_name_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	(void)d;
	return policy_name_holds(&item->name, f->client_name);
}

static bool
certificate_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	(void)d;
	return f->certificate.n > 0 && policy_name_holds(&item->name, f->certificate);
}

static bool
list_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	(void)d;
	return f->list.n > 0 && policy_name_holds(&item->name, f->list);
}

static bool
size_holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	(void)d;
	return item->over ? f->size > item->octets : f->size < item->octets;
}

const struct policy_ask policy_asks[] = {
	{ "spf", ASK_WORDS, STAGE_SPF, spf_words, spf_holds, has_spf, ABOUT_OTHER },
	{ "spf_helo", ASK_WORDS, STAGE_SPF, spf_words, spf_helo_holds, has_spf_helo, ABOUT_OTHER },
	{ "spf_guess", ASK_WORDS, STAGE_SPF, spf_words, spf_guess_holds, has_spf_guess, ABOUT_OTHER },
	{ "dkim", ASK_WORDS, STAGE_CONTENT, dkim_words, dkim_holds, has_dkim, ABOUT_OTHER },
	{ "dkim_aligned", ASK_WORDS, STAGE_CONTENT, dkim_words, dkim_aligned_holds, has_dkim, ABOUT_OTHER },
	{ "dkim_domain", ASK_DOMAINS, STAGE_CONTENT, NULL, dkim_domain_holds, has_dkim, ABOUT_OTHER },
	{ "dmarc", ASK_WORDS, STAGE_CONTENT, dmarc_status_names, dmarc_holds, NULL, ABOUT_DMARC },
	{ "dmarc_policy", ASK_WORDS, STAGE_CONTENT, published_words, dmarc_policy_holds, has_policy, ABOUT_DMARC },
	{ "arc", ASK_WORDS, STAGE_CONTENT, arc_words, arc_holds, has_arc, ABOUT_OTHER },
	{ "arc_sealer", ASK_DOMAINS, STAGE_CONTENT, NULL, arc_sealer_holds, has_arc, ABOUT_OTHER },
	{ "sender", ASK_SENDERS, STAGE_ENVELOPE, NULL, sender_holds, NULL, ABOUT_OTHER },
	{ "from_domain", ASK_DOMAINS, STAGE_CONTENT, NULL, from_holds, NULL, ABOUT_OTHER },
	{ "client", ASK_NETS, STAGE_ENVELOPE, NULL, client_holds, NULL, ABOUT_OTHER },
	{ "client_name", ASK_DOMAINS, STAGE_ENVELOPE, NULL, client_name_holds, NULL, ABOUT_OTHER },
	{ "authenticated", ASK_YES_NO, STAGE_ENVELOPE, NULL, NULL, is_authenticated, ABOUT_TRUST },
	{ "internal", ASK_YES_NO, STAGE_ENVELOPE, NULL, NULL, is_internal, ABOUT_TRUST },
	{ "local", ASK_YES_NO, STAGE_ENVELOPE, NULL, NULL, is_local, ABOUT_TRUST },
	{ "tls", ASK_YES_NO, STAGE_ENVELOPE, NULL, NULL, is_tls, ABOUT_OTHER },
	{ "certificate", ASK_DOMAINS, STAGE_ENVELOPE, NULL, certificate_holds, NULL, ABOUT_OTHER },
	{ "list_id", ASK_YES_NO, STAGE_CONTENT, NULL, NULL, is_list, ABOUT_OTHER },
	{ "list", ASK_DOMAINS, STAGE_CONTENT, NULL, list_holds, NULL, ABOUT_OTHER },
	{ "size", ASK_SIZES, STAGE_CONTENT, NULL, size_holds, NULL, ABOUT_OTHER },
};
const size_t policy_asks_n = sizeof(policy_asks) / sizeof(policy_asks[0]);
_Static_assert(sizeof(policy_asks) / sizeof(policy_asks[0]) <= POLICY_ASKS_MAX, "an array of all names has room");
