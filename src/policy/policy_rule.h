#ifndef ASSAY_POLICY_POLICY_RULE_H
#define ASSAY_POLICY_POLICY_RULE_H

#include "base/buffer.h"
#include "conf/tree.h"
#include "policy/policy.h"

/*
 * policy_rule - rules and files as the room policy/ keeps them; nobody else looks in here.
 */
#define POLICY_RULES_MAX 200	   /* of one list */
#define POLICY_ITEMS_MAX 1000	   /* of one condition */
#define POLICY_RULE_NAME_MAX 64	   /* octets: it goes into replies and the log */
#define POLICY_REPLY_MAX 980	   /* octets of a reply's text: libmilter takes no more */
#define POLICY_TAG_MAX 900	   /* octets of a field's value: no line of ours passes 990 */
#define POLICY_TAGS_MAX 250	   /* different fields that rules add, in all files */
#define POLICY_HOLD_TAG VIEW_LIT("X-Assay-Quarantine") /* where a hold would hit others */
#define POLICY_VALUE_MAX 200	   /* octets of one expanded variable */

/* ---- saying ---- */

struct policy_reading {
	struct arena *arena;
	conf_say *say;
	void *ctx;
	size_t mistakes;
};
/* "FILE:LINE: WHAT" */
void policy_mistake(struct policy_reading *r, const struct conf_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void policy_warning(struct policy_reading *r, const struct conf_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A name the file must not have: with the near one, if any. */
void policy_unknown(struct policy_reading *r, const struct conf_node *at, const char *what, struct view given,
    const char *const *words, size_t n);
/* The one of table; a mistake and false for any other. */
bool policy_read_word(struct policy_reading *r, const struct conf_node *node, const struct name_row *table, int *value);
/* A list of texts, or one text alone: its i-th; NULL: no more.  Other kinds are said. */
size_t policy_list_length(struct policy_reading *r, const struct conf_node *node);
const struct conf_node *policy_list_item(const struct conf_node *node, size_t i);

/* ---- names: of domains, of clients ---- */

/* "example.org", ".example.org" (all below), "*" (any), "<>" or "ann@example.org" where a sender is meant. */
struct policy_name {
	bool any, null_sender, below;
	struct view local;  /* lower case; empty: any */
	struct view domain; /* mail/domain.h's spelling */
};
bool policy_name_parse(struct view text, struct arena *arena, struct policy_name *name, struct err *err);
bool policy_name_holds(const struct policy_name *name, struct view domain);

/* A trusted forwarder: a network, or a name that SPF must have passed for. */
struct policy_peer {
	bool is_net;
	struct ip_net net;
	struct policy_name name;
};

/* ---- conditions ---- */

enum truth {
	TRUTH_NO,
	TRUTH_YES,
	TRUTH_NEEDS_SPF, /* not known yet */
	TRUTH_NEEDS_CONTENT,
};

struct policy_item {
	bool inverted;
	bool any;
	int word;
	struct policy_name name;
	struct ip_net net;
	bool over; /* size */
	uint64_t octets;
};

struct policy_ask; /* a row of the table of facts, policy_when.c */

struct policy_condition {
	const struct policy_ask *ask;
	struct policy_item *item;
	size_t n;
	bool yes; /* yes-or-no facts */
};

struct policy_when {
	struct policy_condition *condition;
	size_t n;
	bool names_trust; /* asks for clients of ours, and wants one */
	bool asks_dmarc, asks_spf;
	struct view canon; /* equal when they ask the same */
};
bool policy_when_read(struct policy_reading *r, const struct conf_node *group, struct policy_when *when);
enum truth policy_when_holds(const struct policy_when *when, const struct policy_facts *facts,
    const struct dmarc_disposition *d);

/* ---- replies and fields ---- */

struct policy_piece {
	struct view text; /* when variable < 0 */
	int variable;
};
struct policy_template {
	struct policy_piece *piece;
	size_t n;
};
/* ASCII, %{variable}.  False: err. */
bool policy_template_parse(struct view text, struct arena *arena, struct policy_template *t, struct err *err);
/* Printable ASCII, at most max octets; what senders wrote is sanitised and capped. */
struct view policy_expand(const struct policy_template *t, const struct policy_facts *facts,
    const struct recipient *rcpt, struct view rule, size_t max, struct arena *arena);

struct policy_reply {
	int code;
	struct view enhanced;
	struct policy_template text;
};
/* "550 5.7.26 text": class is 4 or 5, and all agree with it. */
bool policy_reply_parse(struct view text, int reply_class, struct arena *arena, struct policy_reply *reply, struct err *err);

/* ---- rules ---- */

struct policy_rule {
	struct view name;
	struct view file;
	unsigned line;
	struct policy_when when;
	enum verdict_action action;
	enum quarantine_by by;
	struct policy_reply reply;
	struct view tag_name; /* empty: none */
	struct policy_template tag_value;
	struct view mailbox;
	struct view canon; /* of the whole rule, for classes: equal when it asks and refuses the same */
	bool refuses;	   /* reject, defer, discard, hold, redirect */
};

struct policy_rules {
	struct policy_rule *rule;
	size_t n;
	bool given;
};
void policy_rules_read(struct policy_reading *r, const struct conf_node *list, struct policy_rules *rules);

/* ---- files ---- */

enum policy_mode {
	POLICY_ENFORCE,
	POLICY_MONITOR,
};

enum policy_out { /* the words of group outgoing */
	POLICY_OUT_LEAVES,
	POLICY_OUT_SRS,
	POLICY_OUT_SRS_DOMAIN,
	POLICY_OUT_SEAL,
	POLICY_OUT_SEAL_DOMAIN,
	POLICY_OUT_SEAL_KEYS,
	POLICY_OUTS,
};

struct policy_chain;

struct policy_block {
	struct view file;
	struct view text; /* of the file, as it was read without mistakes: for the next reload */
	bool stale;	  /* the file has mistakes now: this is what it said before */
	struct view *key; /* "example.org", ".example.org", "*", "ann@example.org" */
	const struct conf_node **key_at;
	size_t keys;
	bool inherit;
	int mode, reject_needs;
	bool dmarc_disable_verify; /* the recipient does not want DMARC looked at */
	bool has_mode, has_reject_needs, has_disable, has_sealers, has_lists, has_forwarders;
	struct policy_name *sealer, *list;
	struct policy_peer *forwarder;
	size_t sealers, lists, forwarders;
	struct policy_rules rules, shadow;
	const struct conf_node *out[POLICY_OUTS]; /* NULL: not given */
	struct view srs_domain;
	struct policy_seal *seal; /* NULL: no keys of its own */
};
/* policy_outgoing.c */
void policy_outgoing_read(struct policy_reading *r, const struct conf_node *group, struct policy_block *block);
void policy_outgoing_show(struct buffer *b, const struct policy_chain *chain);
bool policy_same_outgoing(const struct policy_chain *a, const struct policy_chain *b);
/* False: mistakes were said. */
bool policy_block_read(struct policy_reading *r, const struct conf_node *root, struct policy_block *block);

#define POLICY_CHAIN_MAX 136 /* a name has 127 labels at most */
struct policy_chain {
	const struct policy_block *block[POLICY_CHAIN_MAX];
	size_t n;
};
void policy_find(const struct policy_set *set, const struct recipient *rcpt, struct policy_chain *chain);
/* As if every file said inherit = true: that word is about rules. */
void policy_find_all(const struct policy_set *set, const struct recipient *rcpt, struct policy_chain *chain);
bool policy_chain_eq(const struct policy_chain *a, const struct policy_chain *b);

/* policy_dmarc.c: what is left of the domain owner's wish under the recipient's settings. */
enum policy_reject_needs {
	POLICY_NEEDS_EVIDENCE,
	POLICY_NEEDS_NOTHING,
};
struct policy_trust { /* effective settings */
	enum policy_reject_needs reject_needs;
	bool dmarc_disable_verify;
	const struct policy_name *sealer, *list;
	const struct policy_peer *forwarder;
	size_t sealers, lists, forwarders;
};
struct dmarc_disposition policy_dmarc(const struct policy_trust *trust, const struct policy_facts *facts, struct arena *arena);

/* policy_decide.c: what holds for one recipient */
enum policy_mode policy_mode_of(const struct policy_chain *chain);
struct policy_trust policy_trust_of(const struct policy_chain *chain);
/* False: the rule would refuse a client of ours without naming such clients. */
bool policy_is_for(const struct policy_rule *rule, const struct policy_facts *f);
bool policy_has_shadow(const struct policy_chain *chain);
bool policy_same_trust(const struct policy_chain *a, const struct policy_chain *b);

#endif
