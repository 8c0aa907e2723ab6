#include "policy/policy_set.h"

#include "base/hash.h"
#include "base/mem.h"
#include "mail/address.h"
#include "mail/domain.h"

#include <string.h>

static const struct name_row recipients_names[] = {
	{ "class", POLICY_CLASS }, { "split", POLICY_SPLIT }, { "strictest", POLICY_STRICTEST },
	{ "lenient", POLICY_LENIENT }, { NULL, 0 },
};

static bool
check_directory(const void *field, struct err *err)
{
	const struct view *path = field;

	return path->n == 0 || path->p[0] == '/' || err_perm(err, "wants a path that begins with \"/\", or \"\" for none");
}

static const struct conf_item policy_rows[] = {
	/*        struct       name in file           field             default, check or names */
	CONF_TEXT(policy_conf, "directory",	      directory,	POLICY_DIRECTORY, check_directory),
	CONF_ENUM(policy_conf, "recipients",	      recipients,	POLICY_CLASS, recipients_names),
	/* Postfix hangs up after 20 errors of a client in a row (smtpd_hard_error_limit), some of them not of our making. */
	CONF_INT (policy_conf, "class-refusals",      class_refusals,	15, 0, 1000000, "recipients"),
	CONF_BOOL(policy_conf, "deferred-deliver",    deferred_deliver, false),
	CONF_TEXT(policy_conf, "recipient-delimiter", delimiter,	"", NULL),
};
const struct conf_section policy_section = CONF_SECTION("policy", policy_conf, policy_rows, NULL);

/* ---- the table ---- */

struct policy_slot *
policy_slot_of(const struct policy_set *set, struct view key)
{
	size_t i = (size_t)hash_view(key) & (set->slots - 1);

	while (set->slot[i].key.n > 0 && !view_eq(set->slot[i].key, key)) /* ends: half of them are free */
		i = (i + 1) & (set->slots - 1);
	return &set->slot[i];
}

struct policy_block *
policy_block_of(const struct policy_set *set, struct view key)
{
	return set == NULL || set->slots == 0 ? NULL : policy_slot_of(set, key)->block;
}

static bool
chain_has(const struct policy_chain *chain, const struct policy_block *block)
{
	for (size_t i = 0; i < chain->n; i++)
		if (chain->block[i] == block)
			return true;
	return false;
}

/* False: the chain of rules ends here. */
static bool
add_link(struct policy_chain *chain, const struct policy_block *block)
{
	if (block == NULL || chain->n == POLICY_CHAIN_MAX || chain_has(chain, block))
		return true;
	chain->block[chain->n++] = block;
	return block->inherit;
}

static size_t
extension_at(const struct policy_set *set, struct view local)
{
	for (size_t i = 1; i < local.n; i++)
		if (view_find(set->delimiter, local.p[i]) != VIEW_NONE)
			return i;
	return VIEW_NONE;
}

/* A key of the envelope; longer ones than SMTP lets through are nobody's. */
#define KEY_MAX 1024

static const struct policy_block *
address_block(const struct policy_set *set, struct view local, struct view domain)
{
	char key[KEY_MAX];

	if (local.n + 1 + domain.n > sizeof(key))
		return NULL;
	size_t n = mail_local_bare(local, key);
	for (size_t i = 0; i < n; i++)
		key[i] = ascii_lower(key[i]);
	key[n++] = '@';
	memcpy(key + n, domain.p, domain.n);
	return policy_block_of(set, (struct view){ key, n + domain.n });
}

static const struct policy_block *
below_block(const struct policy_set *set, struct view parent)
{
	char key[KEY_MAX];

	if (parent.n == 0 || parent.n + 1 > sizeof(key))
		return NULL;
	key[0] = '.';
	memcpy(key + 1, parent.p, parent.n);
	return policy_block_of(set, (struct view){ key, parent.n + 1 });
}

static void
find(const struct policy_set *set, const struct recipient *rcpt, bool all, struct policy_chain *chain)
{
	struct view local = rcpt->path.local, domain = rcpt->path.domain;

	chain->n = 0;
	if (set == NULL || set->slots == 0)
		return;
	if (local.n > 0 && domain.n > 0) {
		size_t cut = extension_at(set, local);
		if (!add_link(chain, address_block(set, local, domain)) && !all)
			return;
		if (cut != VIEW_NONE && !add_link(chain, address_block(set, view_sub(local, 0, cut), domain)) && !all)
			return;
	}
	if (domain.n > 0 && !add_link(chain, policy_block_of(set, domain)) && !all)
		return;
	if (domain.n > 0 && domain.p[0] != '[')
		for (struct view up = domain_parent(domain); up.n > 0; up = domain_parent(up))
			if (!add_link(chain, below_block(set, up)) && !all)
				return;
	add_link(chain, policy_block_of(set, VIEW_LIT("*")));
}

void
policy_find(const struct policy_set *set, const struct recipient *rcpt, struct policy_chain *chain)
{
	find(set, rcpt, false, chain);
}

void
policy_find_all(const struct policy_set *set, const struct recipient *rcpt, struct policy_chain *chain)
{
	find(set, rcpt, true, chain);
}

bool
policy_chain_eq(const struct policy_chain *a, const struct policy_chain *b)
{
	return a->n == b->n && memcmp(a->block, b->block, a->n * sizeof(a->block[0])) == 0;
}

/* ---- what all files say ---- */

/* One file for everybody makes one class; of several it is not known. */
bool
policy_speaks_at_rcpt(const struct policy_set *set, enum policy_recipients how)
{
	bool alike = set != NULL && set->blocks == 1 && policy_block_of(set, VIEW_LIT("*")) != NULL;

	if (set == NULL || how == POLICY_STRICTEST || how == POLICY_LENIENT)
		return false;
	return set->refuses_early || (how == POLICY_CLASS && set->refuses && !alike);
}

bool
policy_tag_name(const struct policy_set *set, size_t i, struct view *name)
{
	if (set == NULL || i >= set->tags)
		return false;
	*name = set->tag[i];
	return true;
}

bool
policy_text_nth(const struct policy_set *set, size_t i, struct policy_text *text)
{
	if (set == NULL || i >= set->blocks)
		return false;
	*text = (struct policy_text){ set->block[i].file.p, set->block[i].text }; /* file: of a C string */
	return true;
}

size_t
policy_mistakes(const struct policy_set *set)
{
	return set == NULL ? 0 : set->mistakes;
}

size_t
policy_files(const struct policy_set *set)
{
	return set == NULL ? 0 : set->blocks;
}
