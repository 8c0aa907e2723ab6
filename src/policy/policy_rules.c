#include "policy/policy_rule.h"

#include "base/buffer.h"
#include "base/cursor.h"

#include <string.h>

static const char *const rule_names[] = { "name", "when", "do", "reply", "by", "to", "header", "note" };

/* What a rule is called in messages, replies and the log. */
static void
read_name(struct policy_reading *r, const struct conf_node *group, size_t i, struct policy_rule *rule)
{
	const struct conf_node *node = conf_node_find(group, "name");

	rule->name = arena_printf(r->arena, "rule-%zu", i + 1);
	if (node == NULL)
		return;
	if (node->kind != CONF_STRING || node->text.n == 0 || node->text.n > POLICY_RULE_NAME_MAX ||
	    !view_all_in(node->text, CC_ALNUM | CC_HYPHEN | CC_UNDERSCORE | CC_DOT))
		policy_mistake(r, node, "name: wants at most %d letters, digits, \"-\", \"_\" and \".\"", POLICY_RULE_NAME_MAX);
	else
		rule->name = node->text;
}

static void
forbid(struct policy_reading *r, const struct conf_node *group, const char *name, const char *why)
{
	const struct conf_node *node = conf_node_find(group, name);

	if (node != NULL)
		policy_mistake(r, node, "%s: %s", name, why);
}

/* RFC 7372 has codes of its own for what SPF and DMARC refuse. */
static const char *
preset_reply(const struct policy_rule *rule)
{
	if (rule->action == VERDICT_DEFER)
		return "451 4.7.1 Not accepted now, please try again later";
	if (rule->when.asks_dmarc)
		return "550 5.7.26 Refused under the DMARC policy of %{dmarc_used_domain}";
	if (rule->when.asks_spf)
		return "550 5.7.23 Refused: SPF %{spf_result} for %{sender}";
	return "550 5.7.1 Refused by local policy";
}

static void
read_reply(struct policy_reading *r, const struct conf_node *group, struct policy_rule *rule)
{
	const struct conf_node *node = conf_node_find(group, "reply");
	int reply_class = rule->action == VERDICT_DEFER ? 4 : 5;
	struct err err;

	if (node != NULL && node->kind != CONF_STRING)
		policy_mistake(r, node, "reply: wants a text, not %s", conf_kind_words(node->kind));
	else if (!policy_reply_parse(node == NULL ? view_of(preset_reply(rule)) : node->text, reply_class, r->arena,
		     &rule->reply, &err))
		policy_mistake(r, node == NULL ? group : node, "reply: %s", err.text);
}

/* "X-Name: template".  Only X- names: a rule must not write fields that others give a meaning. */
static void
read_header(struct policy_reading *r, const struct conf_node *group, struct policy_rule *rule)
{
	const struct conf_node *node = conf_node_find(group, "header");
	struct view text = VIEW_LIT("X-Assay-Policy: %{rule}"), name, value;
	struct err err;

	if (node != NULL && node->kind != CONF_STRING) {
		policy_mistake(r, node, "header: wants a text, not %s", conf_kind_words(node->kind));
		return;
	}
	if (node != NULL)
		text = node->text;
	if (!view_split(text, ':', &name, &value) || !view_all_in(name, CC_FTEXT) || name.n < 3 || name.n > 60 ||
	    !view_starts(arena_copy_lower(r->arena, name), VIEW_LIT("x-")))
		policy_mistake(r, node, "header: wants \"X-Name: text\"");
	else if (!policy_template_parse(view_trim(value), r->arena, &rule->tag_value, &err))
		policy_mistake(r, node, "header: %s", err.text);
	rule->tag_name = name;
}

static void
read_mailbox(struct policy_reading *r, const struct conf_node *group, struct policy_rule *rule)
{
	const struct conf_node *node = conf_node_find(group, "to");
	struct mail_path path;
	struct err err;

	if (node == NULL || node->kind != CONF_STRING) {
		policy_mistake(r, node == NULL ? group : node,
		    "by = \"redirect\" wants the mailbox: to = \"quarantine@example.org\"");
		return;
	}
	if (!view_all_in(node->text, CC_VCHAR) || !mail_path_parse(node->text, r->arena, &path, &err) ||
	    path.local.n == 0 || path.domain.n == 0)
		policy_mistake(r, node, "to: wants an address: \"quarantine@example.org\"");
	else
		rule->mailbox = arena_printf(r->arena, "<%.*s@%.*s>", VIEW_ARG(path.local), VIEW_ARG(path.domain));
}

static void
read_by(struct policy_reading *r, const struct conf_node *group, struct policy_rule *rule)
{
	const struct conf_node *node = conf_node_find(group, "by");
	int by = QUARANTINE_TAG;

	if (node != NULL && !policy_read_word(r, node, quarantine_by_names, &by))
		return;
	rule->by = (enum quarantine_by)by;
	if (rule->by == QUARANTINE_REDIRECT)
		read_mailbox(r, group, rule);
	else
		forbid(r, group, "to", "belongs to by = \"redirect\"");
	if (rule->by == QUARANTINE_TAG)
		read_header(r, group, rule);
	else
		forbid(r, group, "header", "belongs to by = \"tag\"");
}

static void
read_action(struct policy_reading *r, const struct conf_node *group, struct policy_rule *rule)
{
	const struct conf_node *node = conf_node_find(group, "do");
	int action = VERDICT_ACCEPT;

	if (node == NULL) {
		policy_mistake(r, group, "a rule wants its action: do = \"accept\"");
		return;
	}
	if (!policy_read_word(r, node, verdict_action_names, &action))
		return;
	rule->action = (enum verdict_action)action;
	rule->refuses = action == VERDICT_REJECT || action == VERDICT_DEFER || action == VERDICT_DISCARD;
	if (action == VERDICT_REJECT || action == VERDICT_DEFER)
		read_reply(r, group, rule);
	else
		forbid(r, group, "reply", "belongs to do = \"reject\" and do = \"defer\"");
	if (action == VERDICT_QUARANTINE) {
		read_by(r, group, rule);
		rule->refuses = rule->by != QUARANTINE_TAG;
		return;
	}
	forbid(r, group, "by", "belongs to do = \"quarantine\"");
	forbid(r, group, "to", "belongs to do = \"quarantine\"");
	if (action == VERDICT_TAG)
		read_header(r, group, rule);
	else
		forbid(r, group, "header", "belongs to do = \"tag\"");
}

/* What it asks and, if it refuses, how: a class of recipients is made of these (policy_class.c). */
static void
write_canon(struct policy_reading *r, const struct conf_node *group, struct policy_rule *rule)
{
	struct buffer b = buffer_in(r->arena);
	const struct conf_node *reply = conf_node_find(group, "reply");

	buffer_add(&b, rule->when.canon);
	if (!rule->refuses) {
		buffer_add_cstr(&b, "passes\n");
	} else {
		buffer_addf(&b, "%s/%s:%.*s:", name_of(verdict_action_names, (int)rule->action),
		    name_of(quarantine_by_names, (int)rule->by), VIEW_ARG(rule->mailbox));
		buffer_add(&b, reply == NULL ? VIEW_EMPTY : reply->text);
		buffer_add_char(&b, '\n');
	}
	rule->canon = buffer_view(&b);
}

static void
read_rule(struct policy_reading *r, const struct conf_node *group, size_t i, struct policy_rule *rule)
{
	*rule = (struct policy_rule){ .mailbox = VIEW_EMPTY, .tag_name = VIEW_EMPTY };
	rule->file = view_of(group->file);
	rule->line = group->line;
	rule->canon = VIEW_EMPTY;
	if (group->kind != CONF_GROUP) {
		policy_mistake(r, group, "a rule is a group: { when = { ... }; do = \"accept\"; }");
		return;
	}
	for (size_t k = 0; k < group->n; k++) {
		size_t n = 0;
		while (n < sizeof(rule_names) / sizeof(rule_names[0]) && !view_is(group->child[k].name, rule_names[n]))
			n++;
		if (n == sizeof(rule_names) / sizeof(rule_names[0]))
			policy_unknown(r, &group->child[k], "a rule", group->child[k].name, rule_names, n);
	}
	size_t before = r->mistakes;
	read_name(r, group, i, rule);
	policy_when_read(r, conf_node_find(group, "when"), &rule->when);
	read_action(r, group, rule);
	if (r->mistakes == before)
		write_canon(r, group, rule);
}

/* A rule that one before it leaves nothing to. */
static void
warn_unreachable(struct policy_reading *r, const struct conf_node *list, const struct policy_rules *rules)
{
	for (size_t i = 1; i < rules->n; i++)
		for (size_t k = 0; k < i; k++) {
			const struct policy_rule *a = &rules->rule[k], *b = &rules->rule[i];
			if (a->when.n > 0 && !view_eq(a->when.canon, b->when.canon))
				continue;
			if (a->refuses && !b->refuses)
				continue; /* that one is for strangers: clients of ours come to this one */
			if (a->action == VERDICT_DEFER && policy_when_may_wait(&a->when))
				continue; /* not for ever: defer-hours */
			policy_warning(r, &list->child[i], "rule %.*s is never reached: rule %.*s in line %u takes all of it",
			    VIEW_ARG(b->name), VIEW_ARG(a->name), a->line);
			break;
		}
}

void
policy_rules_read(struct policy_reading *r, const struct conf_node *list, struct policy_rules *rules)
{
	size_t before = r->mistakes;

	rules->given = true;
	if (list->kind != CONF_LISTING) {
		policy_mistake(r, list, "%s: wants a list of groups: ( { ... }, { ... } )", list->name.p);
		return;
	}
	if (list->n > POLICY_RULES_MAX) {
		policy_mistake(r, list, "%s: more than %d rules", list->name.p, POLICY_RULES_MAX);
		return;
	}
	rules->rule = ARENA_ARRAY(r->arena, list->n, struct policy_rule);
	rules->n = list->n;
	for (size_t i = 0; i < list->n; i++)
		read_rule(r, &list->child[i], i, &rules->rule[i]);
	if (r->mistakes == before)
		warn_unreachable(r, list, rules);
}
