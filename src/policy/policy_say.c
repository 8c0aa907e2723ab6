#include "policy/policy_rule.h"

#include "base/buffer.h"
#include "conf/suggest.h"

#define SHOWN_MAX 60 /* octets of the file in a message */

static void
say(struct policy_reading *r, const struct conf_node *at, const char *kind, struct view what)
{
	struct arena *words = arena_new();
	struct buffer b = buffer_in(words);

	buffer_addf(&b, "%s:", at->file);
	if (at->line > 0)
		buffer_addf(&b, "%u:", at->line);
	buffer_addf(&b, " %s", kind);
	buffer_add(&b, what);
	buffer_add_char(&b, '\0');
	r->say(r->ctx, buffer_view(&b).p);
	arena_free(words);
}

void
policy_mistake(struct policy_reading *r, const struct conf_node *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(r, at, "", arena_vprintf(r->arena, fmt, ap));
	va_end(ap);
	r->mistakes++;
}

void
policy_warning(struct policy_reading *r, const struct conf_node *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(r, at, "warning: ", arena_vprintf(r->arena, fmt, ap));
	va_end(ap);
}

void
policy_unknown(struct policy_reading *r, const struct conf_node *at, const char *what, struct view given,
    const char *const *words, size_t n)
{
	struct suggest near = suggest_for(given);
	struct buffer b = buffer_in(r->arena);

	for (size_t i = 0; i < n; i++)
		suggest_word(&near, words[i]);
	buffer_addf(&b, "%s: ", what);
	buffer_add_quoted(&b, given, SHOWN_MAX);
	buffer_add_cstr(&b, " is not one of ");
	for (size_t i = 0; i < n; i++)
		buffer_addf(&b, "%s%s", i == 0 ? "" : ", ", words[i]);
	if (near.best != NULL)
		buffer_addf(&b, "; did you mean %s?", near.best);
	say(r, at, "", buffer_view(&b));
	r->mistakes++;
}

bool
policy_read_word(struct policy_reading *r, const struct conf_node *node, const struct name_row *table, int *value)
{
	const char *words[16];
	size_t n = 0;

	if (node->kind == CONF_STRING && name_value(table, node->text, value))
		return true;
	for (; table[n].name != NULL && n < 16; n++)
		words[n] = table[n].name;
	policy_unknown(r, node, node->name.p, node->kind == CONF_STRING ? node->text : view_of(conf_kind_words(node->kind)),
	    words, n);
	return false;
}

size_t
policy_list_length(struct policy_reading *r, const struct conf_node *node)
{
	if (node->kind == CONF_STRING)
		return 1;
	if (node->kind != CONF_LISTING) {
		policy_mistake(r, node, "%s: wants a list of texts, not %s", node->name.p, conf_kind_words(node->kind));
		return 0;
	}
	if (node->n > POLICY_ITEMS_MAX) {
		policy_mistake(r, node, "%s: more than %d items", node->name.p, POLICY_ITEMS_MAX);
		return 0;
	}
	for (size_t i = 0; i < node->n; i++)
		if (node->child[i].kind != CONF_STRING || node->child[i].text.n == 0) {
			policy_mistake(r, &node->child[i], "%s: wants texts in its list, not %s", node->name.p,
			    node->child[i].kind == CONF_STRING ? "an empty one" : conf_kind_words(node->child[i].kind));
			return 0;
		}
	return node->n;
}

const struct conf_node *
policy_list_item(const struct conf_node *node, size_t i)
{
	return node->kind == CONF_STRING ? node : &node->child[i];
}
