#ifndef ASSAY_DMARC_DMARC_H
#define ASSAY_DMARC_DMARC_H

#include "conf/item.h"
#include "dmarc/dmarc_psl.h"
#include "dmarc/dmarc_record.h"
#include "dmarc/dmarc_walk.h"
#include "dns/dns.h"
#include "mail/address.h"
#include "mail/auth_fact.h"

/*
 * dmarc - policy discovery, alignment and the verdict of DMARC for one message.
 * Sources: RFC 9989 (tree walk; the preset), RFC 7489 (public suffix list; on demand), RFC 9990 (what a report needs).
 * Speaks through struct from_domain and struct auth_fact only; no field of the message is read here.
 *
 *	dmarc_begin	the header is complete: every name that will be needed is asked
 *	dmarc_step	whenever there is a moment: follow-up questions go out as answers come in
 *	dmarc_end	SPF and DKIM are known: waits as the budget allows, and decides
 */
enum dmarc_engine {
	DMARC_NATIVE,
	DMARC_LIBOPENDMARC, /* the old library's verdict over our DNS and our SPF and DKIM */
};

enum dmarc_discovery {
	DMARC_TREEWALK,		/* RFC 9989 4.10 */
	DMARC_PSL,		/* RFC 7489 6.6.3 and 3.2 */
	DMARC_TREEWALK_AND_PSL, /* the first acts, the second is compared: dmarc_result.other */
	DMARC_PSL_AND_TREEWALK,
};

/* More than one author domain, RFC 9989 11.5. */
enum dmarc_several {
	DMARC_SEVERAL_REJECT,	 /* status reject, whatever they publish */
	DMARC_SEVERAL_STRICTEST, /* each is checked, the strictest outcome holds; several From fields: as reject */
	DMARC_SEVERAL_NONE,	 /* not DMARC's business: status nofrom */
};

struct dmarc_conf {
	bool enable;
	int engine;    /* enum dmarc_engine */
	int discovery; /* enum dmarc_discovery */
	int several_from; /* enum dmarc_several */
	struct view tld_file; /* public suffix list */
	int64_t tld_max_age;  /* days; an older list is told of by dmarc_lists_open */
	bool honour_pct;      /* pct= as in RFC 7489 6.6.4; only where the list acts */
	int64_t identifiers_max; /* domains of SPF and DKIM that are walked from; as many again may be asked early, as hints */
	struct view history_file; /* for opendmarc-import; empty: none */
};
extern const struct conf_section dmarc_section;

/*
 * What outlives messages: the public suffix list (when discovery or engine want it) and the old library.
 * Made with the settings snapshot, ends with its arena.  NULL: err, and DMARC cannot work as configured.
 * *warning, one sentence to be logged: the list is older than conf->tld_max_age, has broken lines, or is missing where it
 * would only be compared; else empty.
 */
struct dmarc_lists;
const struct dmarc_lists *dmarc_lists_open(const struct dmarc_conf *conf, int64_t now, struct arena *arena,
    struct view *warning, struct err *err);
const struct dmarc_psl *dmarc_lists_psl(const struct dmarc_lists *lists); /* NULL: none loaded */

struct dmarc_input {
	const struct dmarc_conf *conf;
	const struct dmarc_lists *lists; /* NULL only where conf needs none */
	const struct from_domain *from;
	/* Domains that SPF or DKIM may pass for, asked early; a hint, and may be empty. */
	const struct view *likely;
	size_t likely_n;
	bool off;      /* not to be checked: local policy */
	unsigned draw; /* 0..99, drawn for this message: with honour_pct the policy applies when draw < pct */
};

/* $dmarc_status; names as Exim's. */
enum dmarc_status {
	DMARC_STATUS_OFF,
	DMARC_STATUS_NOFROM,	 /* no author domain, or several that several-from = none leaves alone */
	DMARC_STATUS_NORECORD,	 /* no usable record: DMARC does not apply */
	DMARC_STATUS_TEMPERROR,	 /* neither pass nor fail, RFC 9989 5.3.6 */
	DMARC_STATUS_ACCEPT,	 /* pass */
	DMARC_STATUS_NONE,	 /* fail, and the policy is none */
	DMARC_STATUS_QUARANTINE, /* fail */
	DMARC_STATUS_REJECT,	 /* fail */
};
extern const struct name_row dmarc_status_names[];

enum dmarc_alignment {
	DMARC_ALIGN_NONE,
	DMARC_ALIGN_RELAXED, /* same organizational domain */
	DMARC_ALIGN_STRICT,  /* the same domain */
	DMARC_ALIGN_UNKNOWN, /* DNS trouble */
	DMARC_ALIGN_UNASKED, /* not looked at: it did not pass, or is over identifiers-max and then counts as not aligned */
};
extern const struct name_row dmarc_alignment_names[];

/* One fact of SPF or DKIM seen from the author domain. */
struct dmarc_identifier {
	enum auth_method method; /* AUTH_SPF, AUTH_DKIM */
	enum auth_result result;
	struct view domain;
	struct view org; /* empty: it was not needed */
	enum dmarc_alignment alignment;
	bool counts; /* passes, and is aligned as the record asks: this alone makes a DMARC pass */
};

/* RFC 9990's PolicyOverrideType. */
enum dmarc_reason {
	DMARC_REASON_LOCAL_POLICY,
	DMARC_REASON_MAILING_LIST,
	DMARC_REASON_OTHER,
	DMARC_REASON_POLICY_TEST_MODE,
	DMARC_REASON_TRUSTED_FORWARDER,
};
extern const struct name_row dmarc_reason_names[];

struct dmarc_override {
	enum dmarc_reason reason;
	struct view comment; /* ASCII, ours; empty: none */
};

/*
 * What is done with the message in DMARC's name, and why it is not what the domain owner published.
 * Starts as dmarc_result.disposition (t=y and pct= have left their reasons there); policy copies it,
 * perhaps once for each recipient, and overrides.
 */
#define DMARC_OVERRIDES_MAX 6
struct dmarc_disposition {
	enum dmarc_policy policy; /* DMARC_UNSET: nothing to decide (pass, no record, trouble) */
	struct dmarc_override override[DMARC_OVERRIDES_MAX];
	size_t overrides;
};
/*
 * instead: DMARC_NONE...; the reason is recorded even when that is what was there.  Over the maximum the last one is
 * replaced.
 */
void dmarc_disposition_override(struct dmarc_disposition *d, enum dmarc_policy instead, enum dmarc_reason reason,
    struct view comment);

struct dmarc_result {
	enum dmarc_status status;
	struct view text; /* $dmarc_status_text: one sentence, ASCII */
	bool several;	  /* the From field had several author domains */

	struct view from_domain; /* the author domain this is about; empty: none */
	struct view used_domain; /* $dmarc_used_domain: where the record stands; the author domain when there is none */
	struct view org_domain;	 /* of the author domain; empty: unknown or not needed */
	bool org_by_psl;	 /* RFC 9990 discovery_method: psl, not treewalk */
	const struct dmarc_record *record; /* the one that was applied, or would be if it were usable; NULL: none */

	/* $dmarc_domain_policy: published for this domain, before t= and pct=; DMARC_UNSET: no usable record, trouble */
	enum dmarc_policy policy;
	const char *policy_tag;	  /* "p", "sp", "np", or "" */
	enum dmarc_policy applied; /* the same after t= and pct=: policy.dmarc of RFC 9989 9.1 */
	bool nonexistent;	   /* the author domain is NXDOMAIN (asked only where np= could matter) */
	struct dmarc_disposition disposition;

	const struct dmarc_identifier *identifier; /* those of SPF and DKIM with a domain, as the facts came */
	size_t identifiers;
	bool spf_aligned, dkim_aligned; /* RFC 9990 policy_evaluated: pass or fail */

	/* discovery = X-and-Y: what Y would have said; NULL: not asked or the same trouble. */
	const struct dmarc_result *other;
	bool differs; /* in status, applied policy, used domain or organizational domain */

	struct auth_fact fact; /* dmarc=...; header.from and policy.dmarc (RFC 9989 9.1) */
};

struct dmarc_check;

/*
 * Never blocks, never NULL.  Everything *in points to must stay until dmarc_end.
 * dns should be a task of DMARC's own: what SPF and DKIM ask is chosen by the sender (ten mx terms of ten hosts each),
 * and whoever could spend our budget with it could turn every reject into a temperror.
 */
struct dmarc_check *dmarc_begin(const struct dmarc_input *in, struct dns_task *dns, struct arena *arena);
void dmarc_step(struct dmarc_check *check);
/* facts: of SPF and DKIM; others are passed over. */
const struct dmarc_result *dmarc_end(struct dmarc_check *check, const struct auth_facts *facts);

/*
 * The way to a policy as plain data, for `assayctl dmarc DOMAIN`.  Waits as the budget allows.
 */
struct dmarc_trace {
	struct view domain;
	const struct dmarc_walk *walk;	/* every name, every record, what was discarded and why */
	struct view org_walk, org_psl;	/* empty: unknown */
	struct view psl_suffix;
	const struct dns_answer *exists; /* of the domain itself; NULL: not asked */
	const struct dmarc_result *by_walk, *by_psl; /* as for a message that nothing authenticates; by_psl NULL: no list */
};
const struct dmarc_trace *dmarc_trace(struct view domain, const struct dmarc_psl *psl, struct dns_task *dns,
    struct arena *arena);

#endif
