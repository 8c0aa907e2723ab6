#include "policy/policy_rule.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "mail/domain.h"

/* How a fact is asked for. */
enum ask_kind {
	ASK_WORDS,
	ASK_DOMAINS,
	ASK_NETS,
	ASK_YES_NO,
	ASK_SIZES,
};
enum ask_stage {
	STAGE_ENVELOPE,
	STAGE_SPF,
	STAGE_CONTENT,
};

typedef bool holds(const struct policy_item *item, const struct policy_facts *f, const struct dmarc_disposition *d);
typedef bool known(const struct policy_facts *f);

struct policy_ask {
	const char *name;
	enum ask_kind kind;
	enum ask_stage stage;
	const struct name_row *words;
	holds *item_holds; /* but ASK_YES_NO */
	known *is_there; /* yes-or-no: the answer; others: NULL, or was it asked at all?  Not asked: no condition holds */
	bool trust;
};

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
	return (item->name.local.n == 0 || view_eq_nocase(item->name.local, f->from.local)) &&
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

static const struct policy_ask asks[] = {
	{ "spf", ASK_WORDS, STAGE_SPF, spf_words, spf_holds, has_spf, false },
	{ "spf_helo", ASK_WORDS, STAGE_SPF, spf_words, spf_helo_holds, has_spf_helo, false },
	{ "spf_guess", ASK_WORDS, STAGE_SPF, spf_words, spf_guess_holds, has_spf_guess, false },
	{ "dkim", ASK_WORDS, STAGE_CONTENT, dkim_words, dkim_holds, has_dkim, false },
	{ "dkim_aligned", ASK_WORDS, STAGE_CONTENT, dkim_words, dkim_aligned_holds, has_dkim, false },
	{ "dkim_domain", ASK_DOMAINS, STAGE_CONTENT, NULL, dkim_domain_holds, has_dkim, false },
	{ "dmarc", ASK_WORDS, STAGE_CONTENT, dmarc_status_names, dmarc_holds, NULL, false },
	{ "dmarc_policy", ASK_WORDS, STAGE_CONTENT, published_words, dmarc_policy_holds, has_policy, false },
	{ "arc", ASK_WORDS, STAGE_CONTENT, arc_words, arc_holds, has_arc, false },
	{ "arc_sealer", ASK_DOMAINS, STAGE_CONTENT, NULL, arc_sealer_holds, has_arc, false },
	{ "sender", ASK_DOMAINS, STAGE_ENVELOPE, NULL, sender_holds, NULL, false },
	{ "from_domain", ASK_DOMAINS, STAGE_CONTENT, NULL, from_holds, NULL, false },
	{ "client", ASK_NETS, STAGE_ENVELOPE, NULL, client_holds, NULL, false },
	{ "client_name", ASK_DOMAINS, STAGE_ENVELOPE, NULL, client_name_holds, NULL, false },
	{ "authenticated", ASK_YES_NO, STAGE_ENVELOPE, NULL, NULL, is_authenticated, true },
	{ "internal", ASK_YES_NO, STAGE_ENVELOPE, NULL, NULL, is_internal, true },
	{ "local", ASK_YES_NO, STAGE_ENVELOPE, NULL, NULL, is_local, true },
	{ "tls", ASK_YES_NO, STAGE_ENVELOPE, NULL, NULL, is_tls, false },
	{ "certificate", ASK_DOMAINS, STAGE_ENVELOPE, NULL, certificate_holds, NULL, false },
	{ "list_id", ASK_YES_NO, STAGE_CONTENT, NULL, NULL, is_list, false },
	{ "list", ASK_DOMAINS, STAGE_CONTENT, NULL, list_holds, NULL, false },
	{ "size", ASK_SIZES, STAGE_CONTENT, NULL, size_holds, NULL, false },
};
#define ASKS (sizeof(asks) / sizeof(asks[0]))

/* ---- names of domains ---- */

bool
policy_name_parse(struct view text, struct arena *arena, struct policy_name *name, struct err *err)
{
	struct view domain = text;
	size_t at = view_find_last(text, '@');

	*name = (struct policy_name){ .local = VIEW_EMPTY, .domain = VIEW_EMPTY };
	if (view_is(text, "*") || view_is_nocase(text, "any")) {
		name->any = true;
		return true;
	}
	if (view_is(text, "<>")) {
		name->null_sender = true;
		return true;
	}
	if (at != VIEW_NONE) {
		name->local = arena_copy_lower(arena, view_sub(text, 0, at));
		domain = view_from(text, at + 1);
		if (name->local.n == 0)
			return err_perm(err, "wants something before the \"@\", or no \"@\"");
	} else if (view_starts(text, VIEW_LIT("."))) {
		name->below = true;
		domain = view_from(text, 1);
	}
	return domain_to_ascii(domain, arena, &name->domain, err);
}

bool
policy_name_holds(const struct policy_name *name, struct view domain)
{
	if (name->any)
		return true;
	if (name->null_sender || domain.n == 0)
		return false;
	if (!name->below)
		return view_eq_nocase(name->domain, domain);
	return domain.n > name->domain.n && domain_within(domain, name->domain);
}

/* ---- reading ---- */

/* "> 10M", "<500k" */
static bool
read_size(struct view text, struct policy_item *item)
{
	struct cursor c = cursor_over(text);
	uint64_t n, unit = 1;

	item->over = cursor_char(&c, '>');
	if (!item->over && !cursor_char(&c, '<'))
		return false;
	cursor_take(&c, CC_WSP);
	if (!cursor_u64(&c, UINT64_C(1) << 40, &n))
		return false;
	if (cursor_text_nocase(&c, VIEW_LIT("k")))
		unit = 1024;
	else if (cursor_text_nocase(&c, VIEW_LIT("m")))
		unit = 1024 * 1024;
	item->octets = n * unit;
	return cursor_end(&c);
}

static void
unknown_word(struct policy_reading *r, const struct conf_node *node, const char *fact, struct view text,
    const struct name_row *words)
{
	const char *names[32];
	size_t n = 0;

	for (; words[n].name != NULL && n < 30; n++)
		names[n] = words[n].name;
	names[n++] = "any";
	policy_unknown(r, node, fact, text, names, n);
}

static void
read_item(struct policy_reading *r, const struct conf_node *node, const struct policy_ask *ask, struct policy_item *item)
{
	struct view text = node->text;
	struct err err;

	if (view_starts(text, VIEW_LIT("!"))) {
		item->inverted = true;
		text = view_trim(view_from(text, 1));
	}
	item->any = view_is_nocase(text, "any");
	if (item->any)
		return;
	if (ask->kind == ASK_WORDS && !name_value(ask->words, text, &item->word))
		unknown_word(r, node, ask->name, text, ask->words);
	else if (ask->kind == ASK_NETS && !ip_net_parse(text, &item->net))
		policy_mistake(r, node, "%s: wants addresses (192.0.2.1, 2001:db8::1) and networks (192.0.2.0/24)", ask->name);
	else if (ask->kind == ASK_SIZES && !read_size(text, item))
		policy_mistake(r, node, "%s: wants \">10M\" or \"<500k\"", ask->name);
	else if (ask->kind == ASK_DOMAINS && !policy_name_parse(text, r->arena, &item->name, &err))
		policy_mistake(r, node, "%s: no domain: %s", ask->name, err.text);
	else if (ask->kind == ASK_DOMAINS && (item->name.null_sender || item->name.local.n > 0) &&
	    ask->item_holds != sender_holds)
		policy_mistake(r, node, "%s: wants domains, no addresses", ask->name);
}

static const struct policy_ask *
find_ask(struct policy_reading *r, const struct conf_node *node)
{
	const char *names[ASKS];

	for (size_t i = 0; i < ASKS; i++) {
		names[i] = asks[i].name;
		if (view_is(node->name, asks[i].name))
			return &asks[i];
	}
	policy_unknown(r, node, "when", node->name, names, ASKS);
	return NULL;
}

static void
read_condition(struct policy_reading *r, const struct conf_node *node, struct policy_condition *c)
{
	if (c->ask->kind == ASK_YES_NO) {
		if (node->kind != CONF_BOOLEAN)
			policy_mistake(r, node, "%s: wants true or false, not %s", c->ask->name, conf_kind_words(node->kind));
		c->yes = node->yes;
		return;
	}
	c->n = policy_list_length(r, node);
	c->item = ARENA_ARRAY(r->arena, c->n, struct policy_item);
	for (size_t i = 0; i < c->n; i++)
		read_item(r, policy_list_item(node, i), c->ask, &c->item[i]);
	if (c->n == 0)
		policy_mistake(r, node, "%s: an empty list never holds", c->ask->name);
}

/* Canonical: facts in the order of the table, items as they stand. */
static void
write_condition(struct buffer *b, const struct policy_condition *c, const struct conf_node *node)
{
	buffer_addf(b, "%s=", c->ask->name);
	if (c->ask->kind == ASK_YES_NO)
		buffer_addf(b, "%d", c->yes);
	for (size_t i = 0; i < c->n; i++) {
		struct view text = policy_list_item(node, i)->text;
		buffer_addf(b, "%zu:", text.n); /* so that no two lists look alike */
		for (size_t k = 0; k < text.n; k++)
			buffer_add_char(b, ascii_lower(text.p[k]));
	}
	buffer_add_char(b, '\n');
}

static void
write_canon(struct policy_reading *r, const struct conf_node *group, struct policy_when *when)
{
	struct buffer b = buffer_in(r->arena);

	for (size_t a = 0; a < ASKS; a++)
		for (size_t i = 0; i < when->n; i++)
			if (when->condition[i].ask == &asks[a])
				write_condition(&b, &when->condition[i], conf_node_find(group, asks[a].name));
	when->canon = buffer_view(&b);
}

bool
policy_when_read(struct policy_reading *r, const struct conf_node *group, struct policy_when *when)
{
	size_t before = r->mistakes;

	*when = (struct policy_when){ .canon = VIEW_EMPTY };
	if (group == NULL)
		return true;
	if (group->kind != CONF_GROUP) {
		policy_mistake(r, group, "when: wants a group: when = { spf = [\"fail\"]; };");
		return false;
	}
	when->condition = ARENA_ARRAY(r->arena, group->n, struct policy_condition);
	for (size_t i = 0; i < group->n; i++) {
		struct policy_condition *c = &when->condition[when->n];
		c->ask = find_ask(r, &group->child[i]);
		if (c->ask == NULL)
			continue;
		read_condition(r, &group->child[i], c);
		when->names_trust |= c->ask->trust && c->yes;
		when->asks_dmarc |= c->ask->item_holds == dmarc_holds || c->ask->item_holds == dmarc_policy_holds;
		when->asks_spf |= c->ask->stage == STAGE_SPF;
		when->n++;
	}
	if (r->mistakes == before)
		write_canon(r, group, when);
	return r->mistakes == before;
}

/* ---- asking ---- */

/* From left to right: the first item that holds decides.  When none does, a list that ends in "!" holds. */
static bool
list_says(const struct policy_condition *c, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->item[i].any || c->ask->item_holds(&c->item[i], f, d))
			return !c->item[i].inverted;
	return c->n > 0 && c->item[c->n - 1].inverted;
}

static enum truth
condition_holds(const struct policy_condition *c, const struct policy_facts *f, const struct dmarc_disposition *d)
{
	if (c->ask->stage == STAGE_SPF && !f->spf_known)
		return TRUTH_NEEDS_SPF;
	if (c->ask->stage == STAGE_CONTENT && !f->content_known)
		return TRUTH_NEEDS_CONTENT;
	if (c->ask->kind == ASK_YES_NO)
		return c->ask->is_there(f) == c->yes ? TRUTH_YES : TRUTH_NO;
	if (c->ask->is_there != NULL && !c->ask->is_there(f))
		return TRUTH_NO;
	return list_says(c, f, d) ? TRUTH_YES : TRUTH_NO;
}

bool
policy_when_early(const struct policy_when *when)
{
	for (size_t i = 0; i < when->n; i++)
		if (when->condition[i].ask->stage == STAGE_CONTENT)
			return false;
	return true;
}

/* All of them.  One that is known not to hold is enough to know, whatever is not known yet. */
enum truth
policy_when_holds(const struct policy_when *when, const struct policy_facts *facts, const struct dmarc_disposition *d)
{
	enum truth all = TRUTH_YES;

	for (size_t i = 0; i < when->n; i++) {
		enum truth one = condition_holds(&when->condition[i], facts, d);
		if (one == TRUTH_NO)
			return TRUTH_NO;
		if (one > all)
			all = one; /* content outweighs SPF: asking for SPF would not help */
	}
	return all;
}
