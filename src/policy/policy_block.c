#include "policy/policy_rule.h"

#include "base/cursor.h"
#include "mail/address.h"
#include "mail/domain.h"

/* policy_block - one file: whom it is for, and what it wants for them. */

static const struct name_row mode_names[] = { { "enforce", POLICY_ENFORCE }, { "monitor", POLICY_MONITOR }, { NULL, 0 } };
static const struct name_row needs_names[] = {
	{ "evidence", POLICY_NEEDS_EVIDENCE }, { "nothing", POLICY_NEEDS_NOTHING }, { NULL, 0 },
};

static void
add_key(struct policy_block *block, struct view key, const struct conf_node *at)
{
	block->key[block->keys] = key;
	block->key_at[block->keys++] = at;
}

/* "example.org", ".example.org", "*" */
static void
read_domain(struct policy_reading *r, const struct conf_node *node, struct policy_block *block)
{
	struct policy_name name;
	struct err err;

	if (!policy_name_parse(node->text, r->arena, &name, &err))
		policy_mistake(r, node, "domains: %s", err.text);
	else if (name.null_sender || name.local.n > 0)
		policy_mistake(r, node, "domains: wants \"example.org\", \".example.org\" or \"*\"; addresses go to addresses");
	else if (name.any)
		add_key(block, VIEW_LIT("*"), node);
	else
		add_key(block, arena_printf(r->arena, "%s%.*s", name.below ? "." : "", VIEW_ARG(name.domain)), node);
}

static void
read_address(struct policy_reading *r, const struct conf_node *node, struct policy_block *block)
{
	struct mail_path path;
	struct err err;

	if (!mail_path_parse(node->text, r->arena, &path, &err) || path.local.n == 0 || path.domain.n == 0) {
		policy_mistake(r, node, "addresses: wants \"name@example.org\"");
		return;
	}
	char *bare = arena_alloc(r->arena, path.local.n);
	size_t n = mail_local_bare(path.local, bare);
	struct view key = arena_printf(r->arena, "%.*s@%.*s", (int)n, bare, VIEW_ARG(path.domain));
	add_key(block, arena_copy_lower(r->arena, key), node);
}

static void
read_keys(struct policy_reading *r, const struct conf_node *root, struct policy_block *block)
{
	const struct conf_node *domains = conf_node_find(root, "domains"), *addresses = conf_node_find(root, "addresses");
	size_t nd = domains == NULL ? 0 : policy_list_length(r, domains);
	size_t na = addresses == NULL ? 0 : policy_list_length(r, addresses);

	block->key = ARENA_ARRAY(r->arena, nd + na, struct view);
	block->key_at = ARENA_ARRAY(r->arena, nd + na, const struct conf_node *);
	for (size_t i = 0; i < nd; i++)
		read_domain(r, policy_list_item(domains, i), block);
	for (size_t i = 0; i < na; i++)
		read_address(r, policy_list_item(addresses, i), block);
	if (nd + na == 0 && domains == NULL && addresses == NULL)
		policy_mistake(r, root, "wants domains = [\"example.org\"]; or addresses = [...]; to say whom it is for");
}

/* ---- incoming ---- */

typedef void read_setting(struct policy_reading *r, const struct conf_node *node, struct policy_block *block);

static void
read_mode(struct policy_reading *r, const struct conf_node *node, struct policy_block *block)
{
	block->has_mode = policy_read_word(r, node, mode_names, &block->mode);
}

static void
read_needs(struct policy_reading *r, const struct conf_node *node, struct policy_block *block)
{
	block->has_reject_needs = policy_read_word(r, node, needs_names, &block->reject_needs);
}

static void
read_disable(struct policy_reading *r, const struct conf_node *node, struct policy_block *block)
{
	if (node->kind != CONF_BOOLEAN)
		policy_mistake(r, node, "dmarc-disable-verify: wants true or false, not %s", conf_kind_words(node->kind));
	block->has_disable = true;
	block->dmarc_disable_verify = node->yes;
}

static void
read_defer_hours(struct policy_reading *r, const struct conf_node *node, struct policy_block *block)
{
	if (node->kind != CONF_NUMBER || node->number < 0 || node->number > POLICY_DEFER_HOURS_MAX) {
		policy_mistake(r, node, "defer-hours: wants a number of 0..%d hours, 0 for no end", POLICY_DEFER_HOURS_MAX);
		return;
	}
	block->has_defer_hours = true;
	block->defer_hours = (unsigned)node->number;
}

static void
read_inherit(struct policy_reading *r, const struct conf_node *node, struct policy_block *block)
{
	if (node->kind != CONF_BOOLEAN)
		policy_mistake(r, node, "inherit: wants true or false, not %s", conf_kind_words(node->kind));
	block->inherit = node->yes;
}

static size_t
read_names(struct policy_reading *r, const struct conf_node *node, struct policy_name **names)
{
	size_t n = policy_list_length(r, node);
	struct err err;

	*names = ARENA_ARRAY(r->arena, n, struct policy_name);
	for (size_t i = 0; i < n; i++)
		if (!policy_name_parse(policy_list_item(node, i)->text, r->arena, &(*names)[i], &err))
			policy_mistake(r, policy_list_item(node, i), "%s: %s", node->name.p, err.text);
		else if ((*names)[i].any || (*names)[i].null_sender || (*names)[i].local.n > 0)
			policy_mistake(r, policy_list_item(node, i), "%s: wants domains: nobody can trust everybody",
			    node->name.p);
	return n;
}

static void
read_sealers(struct policy_reading *r, const struct conf_node *node, struct policy_block *block)
{
	block->has_sealers = true;
	block->sealers = read_names(r, node, &block->sealer);
}

static void
read_lists(struct policy_reading *r, const struct conf_node *node, struct policy_block *block)
{
	block->has_lists = true;
	block->lists = read_names(r, node, &block->list);
}

static void
read_forwarders(struct policy_reading *r, const struct conf_node *node, struct policy_block *block)
{
	struct err err;

	block->has_forwarders = true;
	block->forwarders = policy_list_length(r, node);
	block->forwarder = ARENA_ARRAY(r->arena, block->forwarders, struct policy_peer);
	for (size_t i = 0; i < block->forwarders; i++) {
		struct policy_peer *peer = &block->forwarder[i];
		struct view text = policy_list_item(node, i)->text;
		peer->is_net = ip_net_parse(text, &peer->net);
		if (!peer->is_net && (!policy_name_parse(text, r->arena, &peer->name, &err) || peer->name.any ||
					 peer->name.null_sender || peer->name.local.n > 0))
			policy_mistake(r, policy_list_item(node, i),
			    "trusted-forwarders: wants networks (192.0.2.0/24) and domains that SPF passes for");
	}
}

static void
read_rules(struct policy_reading *r, const struct conf_node *node, struct policy_block *block)
{
	policy_rules_read(r, node, &block->rules);
}

static void
read_shadow(struct policy_reading *r, const struct conf_node *node, struct policy_block *block)
{
	policy_rules_read(r, node, &block->shadow);
}

static const struct {
	const char *name;
	read_setting *read;
} incoming[] = {
	{ "mode", read_mode },
	{ "inherit", read_inherit },
	{ "dmarc-disable-verify", read_disable },
	{ "reject-needs", read_needs },
	{ "defer-hours", read_defer_hours },
	{ "trusted-sealers", read_sealers },
	{ "trusted-lists", read_lists },
	{ "trusted-forwarders", read_forwarders },
	{ "rules", read_rules },
	{ "shadow", read_shadow },
};
#define INCOMING (sizeof(incoming) / sizeof(incoming[0]))

static void
read_incoming(struct policy_reading *r, const struct conf_node *group, struct policy_block *block)
{
	const char *names[INCOMING];

	if (group->kind != CONF_GROUP) {
		policy_mistake(r, group, "incoming: is the name of a group: incoming: { ... };");
		return;
	}
	for (size_t i = 0; i < INCOMING; i++)
		names[i] = incoming[i].name;
	for (size_t i = 0; i < group->n; i++) {
		size_t k = 0;
		while (k < INCOMING && !view_is(group->child[i].name, incoming[k].name))
			k++;
		if (k == INCOMING)
			policy_unknown(r, &group->child[i], "incoming", group->child[i].name, names, INCOMING);
		else
			incoming[k].read(r, &group->child[i], block);
	}
}

bool
policy_block_read(struct policy_reading *r, const struct conf_node *root, struct policy_block *block)
{
	static const char *const names[] = { "domains", "addresses", "incoming", "outgoing" };
	const size_t words = sizeof(names) / sizeof(names[0]);
	size_t before = r->mistakes;

	block->file = view_of(root->file);
	block->inherit = true;
	read_keys(r, root, block);
	for (size_t i = 0; i < root->n; i++) {
		const struct conf_node *node = &root->child[i];
		size_t k = 0;
		while (k < words && !view_is(node->name, names[k]))
			k++;
		if (k == words)
			policy_unknown(r, node, "a policy file", node->name, names, words);
	}
	const struct conf_node *in = conf_node_find(root, "incoming"), *out = conf_node_find(root, "outgoing");
	if (in != NULL)
		read_incoming(r, in, block);
	if (out != NULL)
		policy_outgoing_read(r, out, block);
	return r->mistakes == before;
}
