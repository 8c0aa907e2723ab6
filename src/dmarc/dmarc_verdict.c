#include "dmarc/dmarc_verdict.h"

const struct name_row dmarc_status_names[] = {
	{ "off", DMARC_STATUS_OFF },
	{ "nofrom", DMARC_STATUS_NOFROM },
	{ "norecord", DMARC_STATUS_NORECORD },
	{ "temperror", DMARC_STATUS_TEMPERROR },
	{ "accept", DMARC_STATUS_ACCEPT },
	{ "none", DMARC_STATUS_NONE },
	{ "quarantine", DMARC_STATUS_QUARANTINE },
	{ "reject", DMARC_STATUS_REJECT },
	{ NULL, 0 },
};

const struct name_row dmarc_alignment_names[] = {
	{ "none", DMARC_ALIGN_NONE },
	{ "relaxed", DMARC_ALIGN_RELAXED },
	{ "strict", DMARC_ALIGN_STRICT },
	{ "unknown", DMARC_ALIGN_UNKNOWN },
	{ "unasked", DMARC_ALIGN_UNASKED },
	{ NULL, 0 },
};

const struct name_row dmarc_reason_names[] = { /* RFC 9990, PolicyOverrideType */
	{ "local_policy", DMARC_REASON_LOCAL_POLICY },
	{ "mailing_list", DMARC_REASON_MAILING_LIST },
	{ "other", DMARC_REASON_OTHER },
	{ "policy_test_mode", DMARC_REASON_POLICY_TEST_MODE },
	{ "trusted_forwarder", DMARC_REASON_TRUSTED_FORWARDER },
	{ NULL, 0 },
};

void
dmarc_disposition_override(struct dmarc_disposition *d, enum dmarc_policy instead, enum dmarc_reason reason,
    struct view comment)
{
	if (d->overrides == DMARC_OVERRIDES_MAX)
		d->overrides--;
	d->override[d->overrides++] = (struct dmarc_override){ reason, comment };
	d->policy = instead;
}

struct dmarc_result *
dmarc_verdict_plain(enum dmarc_status status, struct view from_domain, struct view text, struct arena *arena)
{
	struct dmarc_result *r = ARENA_NEW(arena, struct dmarc_result);

	r->status = status;
	r->text = text;
	r->from_domain = r->used_domain = from_domain;
	r->policy_tag = "";
	if (status == DMARC_STATUS_REJECT)
		r->disposition.policy = DMARC_REJECT;
	return r;
}

static enum dmarc_policy
one_level_below(enum dmarc_policy policy)
{
	return policy == DMARC_REJECT ? DMARC_QUARANTINE : DMARC_NONE;
}

/* t= of RFC 9989 4.7; pct= of RFC 7489 6.6.4.  One level at most: "pct=0; t=y" says the same thing twice. */
static void
apply_policy(struct dmarc_result *r, const struct dmarc_case *c, bool psl_acts)
{
	const struct dmarc_record *record = r->record;
	bool spared = psl_acts && c->in->conf->honour_pct && c->in->draw >= record->pct;

	r->applied = r->disposition.policy = r->policy;
	if (r->policy == DMARC_NONE || !(record->test || spared))
		return;
	r->applied = one_level_below(r->policy);
	dmarc_disposition_override(&r->disposition, r->applied,
	    record->test ? DMARC_REASON_POLICY_TEST_MODE : DMARC_REASON_OTHER,
	    record->test ? VIEW_LIT("t=y") : arena_printf(c->arena, "not sampled by pct=%u", record->pct));
}

/*
 * The policy that holds, 4.10.1.  Existence is asked about only where it makes a difference, and waited for
 * only when the message failed.  False: it must be known and cannot be.
 */
static bool
find_policy(struct dmarc_result *r, const struct dmarc_case *c, struct dmarc_find *f, bool failed)
{
	enum dmarc_existence existence;

	r->policy = dmarc_record_policy(f->record, f->subdomain, false, &r->policy_tag);
	if (!dmarc_record_wants_existence(f->record, f->subdomain) || (!failed && f->exists == NULL))
		return true;
	existence = dmarc_find_existence(f, failed, c->dns);
	if (existence == DMARC_EXISTS_UNKNOWN && failed)
		return false;
	r->nonexistent = existence == DMARC_EXISTS_NOT;
	r->policy = dmarc_record_policy(f->record, f->subdomain, r->nonexistent, &r->policy_tag);
	return true;
}

static struct view
say_pass(const struct dmarc_result *r, struct arena *arena)
{
	for (size_t i = 0; i < r->identifiers; i++)
		if (r->identifier[i].counts)
			return arena_printf(arena, "%s domain %.*s is aligned with %.*s",
			    r->identifier[i].method == AUTH_SPF ? "SPF" : "DKIM", VIEW_ARG(r->identifier[i].domain),
			    VIEW_ARG(r->from_domain));
	return VIEW_EMPTY;
}

static struct view
say_fail(const struct dmarc_result *r, struct arena *arena)
{
	size_t unasked = 0;

	for (size_t i = 0; i < r->identifiers; i++)
		unasked += r->identifier[i].result == AUTH_PASS && r->identifier[i].alignment == DMARC_ALIGN_UNASKED;
	if (unasked > 0)
		return arena_printf(arena, "nothing aligned with %.*s among the identifiers looked at, %zu over identifiers-max",
		    VIEW_ARG(r->from_domain), unasked);
	return arena_printf(arena, "no SPF or DKIM domain that passed is aligned with %.*s", VIEW_ARG(r->from_domain));
}

static struct view
say_norecord(const struct dmarc_find *f, struct arena *arena)
{
	const struct dmarc_walk_step *steps = f->psl == NULL ? f->walk->step : &f->own;
	size_t n = f->psl == NULL ? f->walk->read : 1;

	for (size_t i = 0; i < n; i++)
		if (steps[i].answer != NULL)
			for (size_t t = 0; t < steps[i].answer->n; t++)
				if (dmarc_record_claims(steps[i].answer->txt[t]))
					return arena_printf(arena, "_dmarc.%.*s: %.*s", VIEW_ARG(steps[i].domain),
					    VIEW_ARG(steps[i].discarded_why[t]));
	return arena_printf(arena, "no DMARC record for %.*s", VIEW_ARG(f->domain));
}

static void
end_in_trouble(struct dmarc_result *r, struct view why, struct arena *arena)
{
	r->status = DMARC_STATUS_TEMPERROR;
	r->policy = r->applied = DMARC_UNSET;
	r->policy_tag = "";
	r->disposition = (struct dmarc_disposition){ .policy = DMARC_UNSET };
	r->text = arena_printf(arena, "cannot be told: %.*s", VIEW_ARG(why));
}

static enum dmarc_status
status_of_policy(enum dmarc_policy policy)
{
	switch (policy) {
	case DMARC_REJECT:
		return DMARC_STATUS_REJECT;
	case DMARC_QUARANTINE:
		return DMARC_STATUS_QUARANTINE;
	case DMARC_NONE:
	case DMARC_UNSET:
		break;
	}
	return DMARC_STATUS_NONE;
}

/* 5.3.5 and 5.3.6: one that counts is enough; otherwise trouble where something might have counted is trouble. */
static void
judge(struct dmarc_result *r, const struct dmarc_case *c, struct dmarc_find *f, const struct dmarc_aligner *a)
{
	bool pass = r->spf_aligned || r->dkim_aligned;
	const struct dmarc_identifier *trouble = NULL;

	for (size_t i = 0; i < r->identifiers; i++) {
		const struct dmarc_identifier *id = &r->identifier[i];
		bool near = id->alignment == DMARC_ALIGN_STRICT || id->alignment == DMARC_ALIGN_RELAXED;
		if (id->alignment == DMARC_ALIGN_UNKNOWN || (id->result == AUTH_TEMPERROR && near))
			trouble = id;
	}
	if (!pass && trouble != NULL) {
		struct view why = trouble->alignment == DMARC_ALIGN_UNKNOWN ? a->temp_why :
		    arena_printf(c->arena, "temperror of %s for %.*s", trouble->method == AUTH_SPF ? "SPF" : "DKIM",
			VIEW_ARG(trouble->domain));
		end_in_trouble(r, why, c->arena);
		return;
	}
	if (!find_policy(r, c, f, !pass)) {
		end_in_trouble(r, VIEW_LIT("whether the author domain exists"), c->arena);
		return;
	}
	apply_policy(r, c, f->psl != NULL);
	if (pass)
		r->disposition = (struct dmarc_disposition){ .policy = DMARC_UNSET };
	r->status = pass ? DMARC_STATUS_ACCEPT : status_of_policy(r->applied);
	r->text = pass ? say_pass(r, c->arena) : say_fail(r, c->arena);
}

static void
check_alignment(struct dmarc_result *r, const struct dmarc_case *c, struct dmarc_find *f)
{
	struct dmarc_aligner a = { .find = f, .walks = c->walks, .dns = c->dns, .arena = c->arena };
	struct dmarc_identifier *list;

	dmarc_identifiers(c->facts, c->arena, &list, &r->identifiers);
	r->identifier = list;
	dmarc_align(&a, list, r->identifiers);
	for (size_t i = 0; i < r->identifiers; i++) {
		r->spf_aligned |= list[i].counts && list[i].method == AUTH_SPF;
		r->dkim_aligned |= list[i].counts && list[i].method == AUTH_DKIM;
	}
	judge(r, c, f, &a);
}

struct dmarc_result *
dmarc_verdict(const struct dmarc_case *c, struct dmarc_find *f)
{
	struct dmarc_result *r = dmarc_verdict_plain(DMARC_STATUS_NORECORD, f->domain, VIEW_EMPTY, c->arena);
	struct view why = VIEW_EMPTY;

	r->org_by_psl = f->psl != NULL;
	switch (dmarc_find_record(f, true, c->dns, c->arena)) {
	case DMARC_FIND_TEMP:
	case DMARC_FIND_WAITING: /* not after a wait */
		end_in_trouble(r, f->temp_why, c->arena);
		break;
	case DMARC_FIND_NONE:
		r->text = say_norecord(f, c->arena);
		break;
	case DMARC_FIND_RECORD:
		r->record = f->record;
		r->used_domain = f->used;
		if (f->record->usable)
			check_alignment(r, c, f);
		else
			r->text = arena_printf(c->arena, "the record of %.*s cannot be applied: %.*s", VIEW_ARG(f->used),
			    VIEW_ARG(f->record->flaw[f->record->flaws - 1]));
		break;
	}
	r->org_domain = dmarc_find_org(f, false, &why, c->dns, c->arena);
	return r;
}

static enum auth_result
result_of(const struct dmarc_result *r)
{
	switch (r->status) {
	case DMARC_STATUS_ACCEPT:
		return AUTH_PASS;
	case DMARC_STATUS_TEMPERROR:
		return AUTH_TEMPERROR;
	case DMARC_STATUS_NORECORD: /* "retrieval of an improperly formatted DMARC Policy Record", 9.2 */
		return r->record != NULL ? AUTH_PERMERROR : AUTH_NONE;
	case DMARC_STATUS_NOFROM:
		return AUTH_PERMERROR;
	case DMARC_STATUS_OFF:
		return AUTH_NONE;
	case DMARC_STATUS_NONE:
	case DMARC_STATUS_QUARANTINE:
	case DMARC_STATUS_REJECT:
		break;
	}
	return r->record == NULL ? AUTH_PERMERROR : AUTH_FAIL; /* several author domains: rejected without a record */
}

/* RFC 9989 9.1: header.from, and policy.dmarc "after policy options have been processed". */
void
dmarc_fact_write(struct dmarc_result *r, struct arena *arena)
{
	struct auth_fact *f = &r->fact;

	*f = (struct auth_fact){ .method = AUTH_DMARC, .result = result_of(r) };
	if (f->result == AUTH_PERMERROR || f->result == AUTH_TEMPERROR)
		f->reason = r->text;
	if (f->result == AUTH_PASS || f->result == AUTH_FAIL)
		f->comment = arena_printf(arena, "%s=%s%s at %.*s", r->policy_tag, name_of(dmarc_policy_names, r->policy),
		    r->record->test ? " t=y" : "", VIEW_ARG(r->used_domain));
	auth_fact_property(f, "header", "from", r->from_domain);
	auth_fact_property(f, "policy", "dmarc", view_of(name_of(dmarc_policy_names, r->applied)));
}
