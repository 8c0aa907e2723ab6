#include "policy/policy_set.h"

#include "mail/domain.h"

/* policy_outgoing - the senders' side of a file: where mail goes on to, under which address, with whose seal. */

static const char *const words[POLICY_OUTS] = {
	[POLICY_OUT_LEAVES] = "leaves",
	[POLICY_OUT_SRS] = "srs",
	[POLICY_OUT_SRS_DOMAIN] = "srs-domain",
	[POLICY_OUT_SEAL] = "seal",
	[POLICY_OUT_SEAL_DOMAIN] = "seal-domain",
	[POLICY_OUT_SEAL_KEYS] = "seal-keys",
};

/* ---- reading ---- */

static bool
is_yes_no(size_t k)
{
	return k == POLICY_OUT_LEAVES || k == POLICY_OUT_SRS || k == POLICY_OUT_SEAL;
}

static void
read_domain(struct policy_reading *r, const struct conf_node *node, struct view *domain)
{
	struct err err;

	*domain = VIEW_EMPTY;
	if (node->kind != CONF_STRING)
		policy_mistake(r, node, "%s: wants a domain, not %s", node->name.p, conf_kind_words(node->kind));
	else if (!domain_to_ascii(node->text, r->arena, domain, &err))
		policy_mistake(r, node, "%s: no domain: %s", node->name.p, err.text);
	else if (!domain_is_fqdn(*domain))
		policy_mistake(r, node, "%s: wants a domain name with a dot in it", node->name.p);
}

static void
read_keys(struct policy_reading *r, const struct conf_node *node, struct conf_list *keys)
{
	size_t n = policy_list_length(r, node);
	struct view *item = ARENA_ARRAY(r->arena, n, struct view);
	struct err err;

	for (size_t i = 0; i < n; i++)
		item[i] = policy_list_item(node, i)->text;
	*keys = (struct conf_list){ item, n, arena_printf(r->arena, "%s:%u", node->file, node->line).p };
	if (n == 0 && node->kind == CONF_LISTING && node->n == 0)
		policy_mistake(r, node, "seal-keys: names no key");
	else if (!seal_keys_ok(keys, &err))
		policy_mistake(r, node, "seal-keys: %s", err.text);
}

/* A key is of a domain: its public half stands in DNS below that. */
static void
read_seal(struct policy_reading *r, struct policy_block *block)
{
	const struct conf_node *domain = block->out[POLICY_OUT_SEAL_DOMAIN], *keys = block->out[POLICY_OUT_SEAL_KEYS];

	if (domain == NULL && keys == NULL)
		return;
	if (domain == NULL || keys == NULL) {
		policy_mistake(r, domain == NULL ? keys : domain, "seal-domain and seal-keys stand together: a key is of "
								  "one domain");
		return;
	}
	block->seal = ARENA_NEW(r->arena, struct policy_seal);
	read_domain(r, domain, &block->seal->domain);
	read_keys(r, keys, &block->seal->keys);
}

static void
read_word(struct policy_reading *r, const struct conf_node *node, struct policy_block *block)
{
	size_t k = 0;

	while (k < POLICY_OUTS && !view_is(node->name, words[k]))
		k++;
	if (k == POLICY_OUTS) {
		policy_unknown(r, node, "outgoing", node->name, words, POLICY_OUTS);
		return;
	}
	block->out[k] = node;
	if (is_yes_no(k) && node->kind != CONF_BOOLEAN)
		policy_mistake(r, node, "%s: wants true or false, not %s", words[k], conf_kind_words(node->kind));
	else if (k == POLICY_OUT_SRS_DOMAIN)
		read_domain(r, node, &block->srs_domain);
}

void
policy_outgoing_read(struct policy_reading *r, const struct conf_node *group, struct policy_block *block)
{
	if (group->kind != CONF_GROUP) {
		policy_mistake(r, group, "outgoing: is the name of a group: outgoing: { ... };");
		return;
	}
	for (size_t i = 0; i < group->n; i++)
		read_word(r, &group->child[i], block);
	read_seal(r, block);
}

/* ---- what holds for one recipient ---- */

/*
 * The nearest file that has the word; NULL: none.  A file that says how a thing is done wants it done, unless it says
 * otherwise itself.
 */
static const struct policy_block *
giver_of(const struct policy_chain *chain, enum policy_out word)
{
	static const enum policy_out how[POLICY_OUTS] = {
		[POLICY_OUT_LEAVES] = POLICY_OUT_LEAVES,
		[POLICY_OUT_SRS] = POLICY_OUT_SRS_DOMAIN,
		[POLICY_OUT_SRS_DOMAIN] = POLICY_OUT_SRS_DOMAIN,
		[POLICY_OUT_SEAL] = POLICY_OUT_SEAL_DOMAIN,
		[POLICY_OUT_SEAL_DOMAIN] = POLICY_OUT_SEAL_DOMAIN,
		[POLICY_OUT_SEAL_KEYS] = POLICY_OUT_SEAL_KEYS,
	};

	for (size_t i = 0; i < chain->n; i++)
		if (chain->block[i]->out[word] != NULL || chain->block[i]->out[how[word]] != NULL)
			return chain->block[i];
	return NULL;
}

static bool
yes_no(const struct policy_chain *chain, enum policy_out word, bool *given)
{
	const struct policy_block *block = giver_of(chain, word);

	*given = block != NULL;
	return block != NULL && (block->out[word] == NULL || block->out[word]->yes);
}

static void
fill(const struct policy_chain *chain, struct policy_outgoing *out)
{
	const struct policy_block *srs = giver_of(chain, POLICY_OUT_SRS_DOMAIN);
	const struct policy_block *seal = giver_of(chain, POLICY_OUT_SEAL_DOMAIN);

	*out = (struct policy_outgoing){ .srs_domain = srs == NULL ? VIEW_EMPTY : srs->srs_domain };
	out->leaves = yes_no(chain, POLICY_OUT_LEAVES, &out->has_leaves);
	out->srs = yes_no(chain, POLICY_OUT_SRS, &out->has_srs);
	out->seal = yes_no(chain, POLICY_OUT_SEAL, &out->has_seal);
	out->seal_as = seal == NULL ? NULL : seal->seal;
}

void
policy_outgoing(const struct policy_set *set, const struct recipient *rcpt, struct policy_outgoing *out)
{
	struct policy_chain chain;

	policy_find_all(set, rcpt, &chain);
	fill(&chain, out);
}

/* ---- all of them ---- */

const struct policy_seal *
policy_seal_nth(const struct policy_set *set, size_t i)
{
	return set == NULL || i >= set->seals ? NULL : set->seal[i];
}

bool
policy_srs_domain(const struct policy_set *set, size_t i, struct view *domain)
{
	if (set == NULL || i >= set->srs_domains)
		return false;
	*domain = set->srs_domain[i];
	return true;
}

/* ---- showing, comparing ---- */

static void
show_value(struct buffer *b, const struct conf_node *node)
{
	if (node->kind == CONF_BOOLEAN) {
		buffer_add_cstr(b, node->yes ? "true" : "false");
		return;
	}
	for (size_t i = 0; node->kind == CONF_LISTING && i < node->n; i++)
		buffer_addf(b, "%s%.*s", i == 0 ? "" : " ", VIEW_ARG(node->child[i].text));
	if (node->kind == CONF_STRING)
		buffer_add(b, node->text);
}

void
policy_outgoing_show(struct buffer *b, const struct policy_chain *chain)
{
	for (size_t k = 0; k < POLICY_OUTS; k++) {
		const struct policy_block *block = giver_of(chain, (enum policy_out)k);
		const struct conf_node *node = block == NULL ? NULL : block->out[k];
		if (node == NULL)
			continue;
		buffer_addf(b, "%s:%u: outgoing %s: ", node->file, node->line, words[k]);
		show_value(b, node);
		buffer_add_char(b, '\n');
	}
}

static bool
lists_eq(const struct conf_list *a, const struct conf_list *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (!view_eq(a->item[i], b->item[i]))
			return false;
	return a->n == b->n;
}

bool
policy_same_outgoing(const struct policy_chain *a, const struct policy_chain *b)
{
	struct policy_outgoing x, y;

	fill(a, &x);
	fill(b, &y);
	if (x.has_leaves != y.has_leaves || x.leaves != y.leaves || x.has_srs != y.has_srs || x.srs != y.srs ||
	    x.has_seal != y.has_seal || x.seal != y.seal || !view_eq(x.srs_domain, y.srs_domain))
		return false;
	if (x.seal_as == NULL || y.seal_as == NULL)
		return x.seal_as == y.seal_as;
	return view_eq(x.seal_as->domain, y.seal_as->domain) && lists_eq(&x.seal_as->keys, &y.seal_as->keys);
}
