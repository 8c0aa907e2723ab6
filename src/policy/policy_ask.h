#ifndef ASSAY_POLICY_POLICY_ASK_H
#define ASSAY_POLICY_POLICY_ASK_H

#include "policy/policy_rule.h"

/* policy_ask - the facts that a condition may ask for, as a table: their names in `when`, and how they are asked. */
enum ask_kind {
	ASK_WORDS,
	ASK_DOMAINS,
	ASK_SENDERS, /* domains, addresses, "<>" */
	ASK_NETS,
	ASK_YES_NO,
	ASK_SIZES,
};
enum ask_stage { /* when it is known */
	STAGE_ENVELOPE,
	STAGE_SPF,
	STAGE_CONTENT,
};
enum ask_about {
	ABOUT_OTHER,
	ABOUT_TRUST, /* clients of ours */
	ABOUT_DMARC, /* its outcome, its record */
};

struct policy_ask {
	const char *name;
	enum ask_kind kind;
	enum ask_stage stage;
	const struct name_row *words; /* ASK_WORDS */
	/* But ASK_YES_NO.  The item is of the kind, neither inverted nor "any": the caller sees to that. */
	bool (*item_holds)(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d);
	/* yes-or-no: the answer; others: NULL, or was it asked at all?  Not asked: no condition holds */
	bool (*is_there)(const struct policy_facts *f);
	enum ask_about about;
};

/* In the order in which conditions are compared. */
extern const struct policy_ask policy_asks[];
extern const size_t policy_asks_n;
/* Room for the names of all. */
#define POLICY_ASKS_MAX 64

#endif
