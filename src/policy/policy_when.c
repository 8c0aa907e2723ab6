#include "policy/policy_ask.h"

#include "base/buffer.h"
#include "base/cursor.h"

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
	else if ((ask->kind == ASK_DOMAINS || ask->kind == ASK_SENDERS) && !policy_name_parse(text, r->arena, &item->name, &err))
		policy_mistake(r, node, "%s: no domain: %s", ask->name, err.text);
	else if (ask->kind == ASK_DOMAINS && (item->name.null_sender || item->name.local.n > 0))
		policy_mistake(r, node, "%s: wants domains, no addresses", ask->name);
}

static const struct policy_ask *
find_ask(struct policy_reading *r, const struct conf_node *node)
{
	const char *names[POLICY_ASKS_MAX];

	for (size_t i = 0; i < policy_asks_n; i++) {
		names[i] = policy_asks[i].name;
		if (view_is(node->name, policy_asks[i].name))
			return &policy_asks[i];
	}
	policy_unknown(r, node, "when", node->name, names, policy_asks_n);
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

	for (size_t a = 0; a < policy_asks_n; a++)
		for (size_t i = 0; i < when->n; i++)
			if (when->condition[i].ask == &policy_asks[a])
				write_condition(&b, &when->condition[i], conf_node_find(group, policy_asks[a].name));
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
		when->names_trust |= c->ask->about == ABOUT_TRUST && c->yes;
		when->asks_dmarc |= c->ask->about == ABOUT_DMARC;
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

static bool
has_temporary_word(const struct policy_ask *ask, int *word)
{
	return ask->kind == ASK_WORDS && name_value(ask->words, VIEW_LIT("temperror"), word);
}

unsigned
policy_when_waits(const struct policy_when *when, const struct policy_facts *facts, const struct dmarc_disposition *d)
{
	unsigned waits = 0;

	for (size_t i = 0; i < when->n; i++) {
		const struct policy_ask *ask = when->condition[i].ask;
		struct policy_item item = { .inverted = false };
		if (!has_temporary_word(ask, &item.word) || (ask->is_there != NULL && !ask->is_there(facts)))
			continue;
		if (ask->item_holds(&item, facts, d))
			waits |= ask->stage == STAGE_SPF ? VERDICT_WAITS_SPF : VERDICT_WAITS_AUTHOR;
	}
	return waits;
}

bool
policy_when_may_wait(const struct policy_when *when)
{
	int word;

	for (size_t i = 0; i < when->n; i++)
		if (has_temporary_word(when->condition[i].ask, &word))
			return true;
	return false;
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
