#ifndef ASSAY_DMARC_DMARC_RECORD_H
#define ASSAY_DMARC_DMARC_RECORD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/names.h"

/*
 * dmarc_record - one DMARC Policy Record, decoded.
 * Sources: RFC 9989 4.7 (tags), 4.8 (grammar), 4.10.1 (what a record without a valid p= is worth); RFC 6376
 * 3.2, whose tag-list syntax 4.7 takes over; RFC 7489 6.3 for pct=, which only discovery = psl may ask for.
 * Knows the text and nothing else: no DNS, no domain, no settings.
 */
enum dmarc_policy {
	DMARC_UNSET, /* absent, or not valid */
	DMARC_NONE,
	DMARC_QUARANTINE,
	DMARC_REJECT,
};
extern const struct name_row dmarc_policy_names[]; /* "" is DMARC_UNSET */

enum dmarc_psd {
	DMARC_PSD_U, /* the preset: not a public suffix, perhaps an organizational domain */
	DMARC_PSD_N, /* an organizational domain */
	DMARC_PSD_Y, /* a public suffix */
};
extern const struct name_row dmarc_psd_names[];

enum dmarc_fo { /* fo=, joined by | */
	DMARC_FO_0 = 1 << 0,
	DMARC_FO_1 = 1 << 1,
	DMARC_FO_D = 1 << 2,
	DMARC_FO_S = 1 << 3,
};

struct dmarc_uris {
	const struct view *uri; /* as published, obsolete "!10m" taken off; only well-formed ones */
	size_t n;
};

#define DMARC_URIS_MAX 50   /* of one tag; further ones are not kept and make a flaw */
#define DMARC_FLAWS_MAX 12  /* further ones are not kept */

struct dmarc_record {
	struct view text;	   /* as published, strings joined */
	enum dmarc_policy p, sp, np; /* as published */
	bool has_p, has_sp, has_np; /* the tag is there, valid or not */
	enum dmarc_psd psd;
	bool strict_dkim, strict_spf; /* adkim=s, aspf=s */
	bool test;		   /* t=y */
	unsigned pct;		   /* 0..100, preset 100; obsolete, obeyed by discovery = psl on demand only */
	unsigned fo;		   /* enum dmarc_fo; DMARC_FO_0 when absent, wrong, or without a ruf= */
	struct view fo_text;	   /* as published when valid, else "0": RFC 9990's <fo> */
	struct dmarc_uris rua, ruf;
	/*
	 * RFC 9989 4.10.1.  usable: the record may be applied.  watch: only because of its rua=, as if it had
	 * said p=none.  A record that is not usable still marks its place in a tree walk.
	 */
	bool usable;
	bool watch;
	struct view flaw[DMARC_FLAWS_MAX]; /* what was ignored or replaced, and why: for people */
	size_t flaws;
};

/* Does the text begin with a v tag of value DMARC1, as 4.8 writes it?  What does not is no DMARC record at all. */
bool dmarc_record_claims(struct view text);

/*
 * Decode.  False (ERR_PERM): not a DMARC Policy Record, to be discarded: no v=DMARC1 in front, or a known tag
 * twice (RFC 6376 3.2: the whole list is invalid).  Every other mistake falls back to the preset and makes a
 * flaw.  Views point into text or into arena.
 */
bool dmarc_record_parse(struct view text, struct arena *arena, struct dmarc_record *record, struct err *err);

/*
 * What the record asks for mail of a domain that fails, before t= and pct=: "p" for the record's own domain,
 * "sp" below it, "np" below it when the domain does not exist (4.10.1).  *tag names the tag that held.
 * Only for a usable record; never DMARC_UNSET.
 */
enum dmarc_policy dmarc_record_policy(const struct dmarc_record *record, bool subdomain, bool nonexistent,
    const char **tag);
/* Does it make a difference whether the subdomain exists?  False for a record that is not usable. */
bool dmarc_record_wants_existence(const struct dmarc_record *record, bool subdomain);

#endif
