#include "policy/policy_set.h"

#include "base/hash.h"
#include "base/mem.h"
#include "mail/address.h"
#include "mail/domain.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
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

#define PRESET_DIRECTORY "/etc/assay/domains"

static const struct conf_item policy_rows[] = {
	/*        struct       name in file           field             default, check or names */
	CONF_TEXT(policy_conf, "directory",	      directory,	PRESET_DIRECTORY, check_directory),
	CONF_ENUM(policy_conf, "recipients",	      recipients,	POLICY_CLASS, recipients_names),
	CONF_BOOL(policy_conf, "deferred-deliver",    deferred_deliver, false),
	CONF_TEXT(policy_conf, "recipient-delimiter", delimiter,	"", NULL),
};
const struct conf_section policy_section = CONF_SECTION("policy", policy_conf, policy_rows, NULL);

/* ---- the table ---- */

static struct policy_slot *
slot_of(const struct policy_set *set, struct view key)
{
	size_t i = (size_t)hash_view(key) & (set->slots - 1);

	while (set->slot[i].key.n > 0 && !view_eq(set->slot[i].key, key)) /* ends: half of them are free */
		i = (i + 1) & (set->slots - 1);
	return &set->slot[i];
}

struct policy_block *
policy_block_of(const struct policy_set *set, struct view key)
{
	return set == NULL || set->slots == 0 ? NULL : slot_of(set, key)->block;
}

/* Two files for one name: nobody knows which was meant, so the second has a mistake. */
static bool
claims_are_free(struct policy_reading *r, const struct policy_set *set, const struct policy_block *block)
{
	bool ok = true;

	for (size_t i = 0; i < block->keys; i++) {
		const struct policy_slot *slot = slot_of(set, block->key[i]);
		bool twice = slot->key.n > 0;
		for (size_t k = 0; k < i && !twice; k++)
			if (view_eq(block->key[k], block->key[i])) {
				policy_mistake(r, block->key_at[i], "%.*s stands there twice", VIEW_ARG(block->key[i]));
				ok = false;
			}
		if (!twice)
			continue;
		policy_mistake(r, block->key_at[i], "%.*s belongs to %s:%u already", VIEW_ARG(block->key[i]), slot->at->file,
		    slot->at->line);
		ok = false;
	}
	return ok;
}

static void
claim(struct policy_set *set, struct policy_block *block)
{
	for (size_t i = 0; i < block->keys; i++) {
		struct policy_slot *slot = slot_of(set, block->key[i]);
		if (slot->key.n == 0)
			*slot = (struct policy_slot){ block->key[i], block->key_at[i], block };
	}
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

/* ---- fields that rules add ---- */

static void
add_tag(struct policy_set *set, struct view name, struct arena *arena)
{
	for (size_t k = 0; k < set->tags; k++)
		if (view_eq_nocase(set->tag[k], name))
			return;
	set->tag = arena_grow(arena, set->tag, set->tags * sizeof(*set->tag), (set->tags + 1) * sizeof(*set->tag));
	set->tag[set->tags++] = name;
}

/* A hold can become a field, too: policy_settle.c. */
static void
collect_tags(struct policy_set *set, const struct policy_rules *rules, struct arena *arena)
{
	for (size_t i = 0; i < rules->n; i++) {
		if (rules->rule[i].tag_name.n > 0)
			add_tag(set, rules->rule[i].tag_name, arena);
		if (rules->rule[i].action == VERDICT_QUARANTINE && rules->rule[i].by == QUARANTINE_HOLD)
			add_tag(set, POLICY_HOLD_TAG, arena);
	}
}

static void
collect_refusals(struct policy_set *set, const struct policy_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct policy_rule *rule = &rules->rule[i];
		set->refuses |= rule->refuses;
		set->refuses_early |= (rule->action == VERDICT_REJECT || rule->action == VERDICT_DEFER) &&
		    policy_when_early(&rule->when);
	}
}

/* One file for everybody makes one class; of several it is not known. */
bool
policy_speaks_at_rcpt(const struct policy_set *set, enum policy_recipients how)
{
	bool alike = set != NULL && set->blocks == 1 && policy_block_of(set, VIEW_LIT("*")) != NULL;

	if (set == NULL || how == POLICY_STRICTEST || how == POLICY_LENIENT)
		return false;
	return set->refuses_early || (how == POLICY_CLASS && set->refuses && !alike);
}

/* Every message is searched for all of them. */
static bool
tags_fit(struct policy_reading *r, const struct policy_set *set, const struct conf_node *root, const struct policy_block *block)
{
	size_t more = 0;

	if (set->tags + block->rules.n <= POLICY_TAGS_MAX)
		return true;
	for (size_t i = 0; i < block->rules.n; i++) {
		struct view name = block->rules.rule[i].tag_name;
		size_t k = 0;
		while (k < set->tags && !view_eq_nocase(set->tag[k], name))
			k++;
		more += name.n > 0 && k == set->tags;
	}
	if (set->tags + more <= POLICY_TAGS_MAX)
		return true;
	policy_mistake(r, root, "more than %d different header fields in all files", POLICY_TAGS_MAX);
	return false;
}

bool
policy_tag_name(const struct policy_set *set, size_t i, struct view *name)
{
	if (set == NULL || i >= set->tags)
		return false;
	*name = set->tag[i];
	return true;
}

/* ---- loading ---- */

static const struct policy_block *
block_before(const struct policy_set *before, struct view file)
{
	for (size_t i = 0; before != NULL && i < before->blocks; i++)
		if (view_eq(before->block[i].file, file))
			return &before->block[i];
	return NULL;
}

static void
hush(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
}

static bool
take_tree(struct policy_reading *r, struct policy_set *set, struct conf_tree *tree, struct policy_block *block)
{
	*block = (struct policy_block){ .text = tree->text };
	return policy_block_read(r, &tree->root, block) && claims_are_free(r, set, block) &&
	    tags_fit(r, set, &tree->root, block);
}

/* What the file said when it was good. */
static bool
take_stale(struct policy_reading *r, struct policy_set *set, const struct policy_block *old, struct policy_block *block)
{
	struct policy_reading quiet = { r->arena, hush, NULL, 0 };
	struct conf_tree tree;

	return conf_tree_text(old->text, arena_cstr(r->arena, old->file), r->arena, &tree, hush, NULL) &&
	    take_tree(&quiet, set, &tree, block);
}

static void
keep_keys(struct policy_set *set, const struct policy_block *block, struct arena *arena)
{
	size_t wanted = set->keys + block->keys;

	if (wanted > set->key_room) {
		size_t room = wanted * 2;
		set->key = arena_grow(arena, set->key, set->key_room * sizeof(*set->key), room * sizeof(*set->key));
		set->key_room = room;
	}
	for (size_t i = 0; i < block->keys; i++)
		set->key[set->keys++] = block->key[i];
}

static void
keep_block(struct policy_reading *r, struct policy_set *set, struct policy_block *block)
{
	claim(set, block);
	keep_keys(set, block, r->arena);
	collect_tags(set, &block->rules, r->arena);
	if (block->seal != NULL) {
		block->seal->number = set->seals;
		set->seal[set->seals++] = block->seal;
	}
	if (block->srs_domain.n > 0)
		set->srs_domain[set->srs_domains++] = block->srs_domain;
	collect_refusals(set, &block->rules);
	set->blocks++;
}

/* tree: what could be read of the file; NULL: nothing. */
static void
add_file(struct policy_reading *r, struct policy_set *set, const char *path, struct conf_tree *tree,
    const struct policy_set *before)
{
	struct policy_block *block = &set->block[set->blocks];
	const struct conf_node at = { .file = path };

	if (tree != NULL && take_tree(r, set, tree, block)) {
		keep_block(r, set, block);
		return;
	}
	set->mistakes++;
	const struct policy_block *old = block_before(before, view_of(path));
	if (old != NULL && take_stale(r, set, old, block)) {
		block->stale = true;
		keep_block(r, set, block);
		policy_warning(r, &at, "what this file said before stays in force");
	} else {
		policy_warning(r, &at, "nothing of this file is in force");
	}
}

static size_t
slots_for(size_t keys)
{
	size_t n = 16;

	while (n < keys * 2)
		n *= 2;
	return n;
}

/* The table grows before a file comes in, with room for all it may claim. */
static void
make_room(struct policy_set *set, size_t used, size_t more, struct arena *arena)
{
	size_t wanted = slots_for(used + more), before = set->slots;
	struct policy_slot *old = set->slot;

	if (wanted <= set->slots)
		return;
	set->slot = ARENA_ARRAY(arena, wanted * 2, struct policy_slot);
	set->slots = wanted * 2;
	for (size_t i = 0; i < before; i++)
		if (old[i].key.n > 0)
			*slot_of(set, old[i].key) = old[i];
}

#define CLAIMS_MAX ((size_t)2 * POLICY_ITEMS_MAX) /* of one file */

static struct policy_set *
new_set(const struct policy_conf *conf, size_t files, struct arena *arena)
{
	struct policy_set *set = ARENA_NEW(arena, struct policy_set);

	set->delimiter = arena_copy(arena, conf->delimiter);
	set->block = ARENA_ARRAY(arena, files, struct policy_block);
	set->seal = ARENA_ARRAY(arena, files, const struct policy_seal *);
	set->srs_domain = ARENA_ARRAY(arena, files, struct view);
	return set;
}

const struct policy_set *
policy_of_texts(const struct policy_conf *conf, const struct policy_text *text, size_t n, const struct policy_set *before,
    struct arena *arena, conf_say *say, void *ctx)
{
	struct policy_reading r = { arena, say, ctx, 0 };
	struct policy_set *set = new_set(conf, n, arena);

	for (size_t i = 0; i < n; i++) {
		struct conf_tree tree = { .text = VIEW_EMPTY };
		const char *name = arena_cstr(arena, view_of(text[i].name));
		bool read = conf_tree_text(text[i].text, name, arena, &tree, say, ctx);
		make_room(set, set->keys, CLAIMS_MAX, arena);
		add_file(&r, set, name, read ? &tree : NULL, before);
	}
	return set;
}

/* ---- a directory ---- */

struct names {
	const char **name;
	size_t n, room;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* *.conf, but no hidden ones: editors leave those. */
static bool
list_files(const struct policy_conf *conf, struct arena *arena, struct names *names, struct err *err)
{
	const char *path = arena_cstr(arena, conf->directory);
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (dir == NULL && errno == ENOENT && view_is(conf->directory, PRESET_DIRECTORY))
		return true; /* nobody asked for it */
	if (dir == NULL)
		return err_perm(err, "%s: cannot be opened: %s", path, strerrordesc_np(errno));
	while ((entry = readdir(dir)) != NULL) {
		struct view name = view_of(entry->d_name);
		if (name.p[0] == '.' || !view_ends(name, VIEW_LIT(".conf")))
			continue;
		if (names->n == names->room) {
			size_t room = names->room == 0 ? 64 : names->room * 2;
			names->name = arena_grow(arena, names->name, names->room * sizeof(*names->name),
			    room * sizeof(*names->name));
			names->room = room;
		}
		names->name[names->n++] = arena_printf(arena, "%s/%s", path, entry->d_name).p;
	}
	closedir(dir);
	if (names->n > 0)
		qsort(names->name, names->n, sizeof(*names->name), by_name);
	return true;
}

const struct policy_set *
policy_load(const struct policy_conf *conf, const struct policy_set *before, struct arena *arena, conf_say *say, void *ctx)
{
	struct policy_reading r = { arena, say, ctx, 0 };
	struct names names = { NULL, 0, 0 };
	struct err err;

	if (conf->directory.n > 0 && !list_files(conf, arena, &names, &err)) {
		say(ctx, arena_printf(arena, "policy.directory: %s", err.text).p);
		return NULL;
	}
	struct policy_set *set = new_set(conf, names.n, arena);
	make_room(set, names.n, CLAIMS_MAX, arena);
	for (size_t i = 0; i < names.n; i++) {
		struct conf_tree tree = { .text = VIEW_EMPTY };
		bool read = conf_tree_file(names.name[i], arena, &tree, say, ctx);
		make_room(set, set->keys, CLAIMS_MAX, arena);
		add_file(&r, set, names.name[i], read ? &tree : NULL, before);
	}
	return set;
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
