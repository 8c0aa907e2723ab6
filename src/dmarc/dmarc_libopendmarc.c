#include "dmarc/dmarc_libopendmarc.h"

#include "base/cursor.h"

#include <opendmarc/dmarc.h>
#include <pthread.h>

/* The library's list is one global of its own; this pair only keeps it from being read twice. */
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static bool opened; /* guarded by opening */

bool
dmarc_libopendmarc_open(const char *tld_file, struct err *err)
{
	bool ok;

	pthread_mutex_lock(&opening);
	if (!opened)
		opened = opendmarc_tld_read_file((char *)tld_file, NULL, NULL, NULL) == 0;
	ok = opened;
	pthread_mutex_unlock(&opening);
	return ok || err_perm(err, "%s: libopendmarc cannot read it", tld_file);
}

/* Lower or upper case, v= in front or not: the library is not strict about it, nor are we for it. */
static struct view
pick_record(const struct dmarc_walk_step *step)
{
	if (step->answer == NULL || step->answer->outcome != DNS_DATA)
		return VIEW_EMPTY;
	for (size_t i = 0; i < step->answer->n; i++) {
		struct cursor c = cursor_over(step->answer->txt[i]);
		cursor_take(&c, CC_WSP);
		if (cursor_text_nocase(&c, VIEW_LIT("v=DMARC1")))
			return step->answer->txt[i];
	}
	return VIEW_EMPTY;
}

static bool
fits(struct view text, size_t max)
{
	return text.n > 0 && text.n <= max && view_all_in(text, CC_VCHAR | CC_WSP);
}

static u_char *
cstr(struct arena *arena, struct view v)
{
	return (u_char *)arena_cstr(arena, v);
}

/* Only what passed goes in: see the header. */
static void
store_identifiers(DMARC_POLICY_T *pctx, const struct dmarc_identifier *list, size_t n, struct arena *arena)
{
	for (size_t i = 0; i < n; i++) {
		const struct dmarc_identifier *id = &list[i];
		if (id->result != AUTH_PASS || !fits(id->domain, DMARC_MAXHOSTNAMELEN - 1))
			continue;
		if (id->method == AUTH_SPF)
			opendmarc_policy_store_spf(pctx, cstr(arena, id->domain), DMARC_POLICY_SPF_OUTCOME_PASS,
			    DMARC_POLICY_SPF_ORIGIN_MAILFROM, NULL);
		else
			opendmarc_policy_store_dkim(pctx, cstr(arena, id->domain), NULL, DMARC_POLICY_DKIM_OUTCOME_PASS, NULL);
	}
}

static enum dmarc_policy
policy_of_letter(int letter)
{
	switch (letter) {
	case DMARC_RECORD_P_NONE:
		return DMARC_NONE;
	case DMARC_RECORD_P_QUARANTINE:
		return DMARC_QUARANTINE;
	case DMARC_RECORD_P_REJECT:
		return DMARC_REJECT;
	}
	return DMARC_UNSET;
}

/* What reports and facts need of the record; where ours is stricter than the library, its reading. */
static const struct dmarc_record *
record_as_read(DMARC_POLICY_T *pctx, struct view text, struct arena *arena)
{
	struct dmarc_record *r = ARENA_NEW(arena, struct dmarc_record);
	int p = 0, sp = 0;

	if (!dmarc_record_parse(text, arena, r, NULL))
		*r = (struct dmarc_record){ .text = text, .pct = 100, .fo = DMARC_FO_0, .fo_text = VIEW_LIT("0") };
	opendmarc_policy_fetch_p(pctx, &p);
	opendmarc_policy_fetch_sp(pctx, &sp);
	r->p = policy_of_letter(p);
	r->sp = policy_of_letter(sp);
	r->has_p = r->usable = true;
	r->test = r->watch = false;
	return r;
}

static void
take_verdict(struct dmarc_result *r, DMARC_POLICY_T *pctx)
{
	int verdict = opendmarc_get_policy_to_enforce(pctx), dkim = 0, spf = 0;

	opendmarc_policy_fetch_alignment(pctx, &dkim, &spf);
	r->dkim_aligned = dkim == DMARC_POLICY_DKIM_ALIGNMENT_PASS;
	r->spf_aligned = spf == DMARC_POLICY_SPF_ALIGNMENT_PASS;
	r->text = view_of(opendmarc_policy_status_to_str(verdict));
	switch (verdict) {
	case DMARC_POLICY_PASS:
		r->status = DMARC_STATUS_ACCEPT;
		break;
	case DMARC_POLICY_REJECT:
		r->status = DMARC_STATUS_REJECT;
		break;
	case DMARC_POLICY_QUARANTINE:
		r->status = DMARC_STATUS_QUARANTINE;
		break;
	case DMARC_POLICY_NONE:
		r->status = DMARC_STATUS_NONE;
		break;
	case DMARC_POLICY_ABSENT:
		r->status = DMARC_STATUS_NORECORD;
		break;
	default:
		r->status = DMARC_STATUS_TEMPERROR;
		break;
	}
}

static void
ask_library(struct dmarc_result *r, const struct dmarc_case *c, struct dmarc_find *f, struct view record, bool above)
{
	static const u_char nobody[] = "127.0.0.1"; /* it wants an address and uses none */
	DMARC_POLICY_T *pctx = opendmarc_policy_connect_init((u_char *)nobody, DMARC_POLICY_IP_TYPE_IPV4);
	struct dmarc_identifier *list;
	int rc;

	if (pctx == NULL) {
		r->status = DMARC_STATUS_TEMPERROR;
		r->text = VIEW_LIT("libopendmarc has no memory");
		return;
	}
	dmarc_identifiers(c->facts, c->arena, &list, &r->identifiers);
	r->identifier = list;
	opendmarc_policy_store_from_domain(pctx, cstr(c->arena, f->domain));
	store_identifiers(pctx, list, r->identifiers, c->arena);
	rc = opendmarc_policy_store_dmarc(pctx, cstr(c->arena, record), cstr(c->arena, f->domain),
	    above ? cstr(c->arena, f->above.domain) : NULL);
	if (rc != DMARC_PARSE_OKAY) {
		r->text = view_of(opendmarc_policy_status_to_str(rc));
	} else {
		r->record = record_as_read(pctx, record, c->arena);
		r->used_domain = above ? f->above.domain : f->domain;
		r->policy = dmarc_record_policy(r->record, above, false, &r->policy_tag);
		r->applied = r->policy;
		take_verdict(r, pctx);
		r->disposition.policy = r->status == DMARC_STATUS_ACCEPT ? DMARC_UNSET : r->applied;
	}
	opendmarc_policy_connect_shutdown(pctx);
}

struct dmarc_result *
dmarc_libopendmarc_verdict(const struct dmarc_case *c, struct dmarc_find *f)
{
	struct dmarc_result *r = dmarc_verdict_plain(DMARC_STATUS_NORECORD, f->domain, VIEW_EMPTY, c->arena);
	struct view record;
	bool above = false;

	r->org_by_psl = true;
	r->org_domain = f->above.domain;
	dmarc_find_record(f, true, c->dns, c->arena);
	if (f->state == DMARC_FIND_TEMP) {
		r->status = DMARC_STATUS_TEMPERROR;
		r->text = f->temp_why;
		return r;
	}
	record = pick_record(&f->own);
	if (record.n == 0) {
		above = true;
		record = pick_record(&f->above);
	}
	if (record.n == 0)
		r->text = arena_printf(c->arena, "no DMARC record for %.*s", VIEW_ARG(f->domain));
	else if (!fits(record, DMARC_LIBOPENDMARC_RECORD_MAX) || !fits(f->domain, DMARC_MAXHOSTNAMELEN - 1))
		r->text = VIEW_LIT("a name or record that libopendmarc is not to see");
	else
		ask_library(r, c, f, record, above);
	return r;
}
