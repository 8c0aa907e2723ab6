#include "policy/policy_set.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Files become a set: one after the other, each whole or not at all. */

/* Two files for one name: nobody knows which was meant, so the second has a mistake. */
static bool
claims_are_free(struct policy_reading *r, const struct policy_set *set, const struct policy_block *block)
{
	bool ok = true;

	for (size_t i = 0; i < block->keys; i++) {
		const struct policy_slot *slot = policy_slot_of(set, block->key[i]);
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
		struct policy_slot *slot = policy_slot_of(set, block->key[i]);
		if (slot->key.n == 0)
			*slot = (struct policy_slot){ block->key[i], block->key_at[i], block };
	}
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

/* ---- loading ---- */

static void
hush(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
}

/* Names that a file of now has are its own.  How many are left. */
static size_t
leave_claimed(const struct policy_set *set, struct policy_block *block)
{
	size_t left = 0;

	for (size_t i = 0; i < block->keys; i++)
		if (policy_block_of(set, block->key[i]) == NULL) {
			block->key[left] = block->key[i];
			block->key_at[left++] = block->key_at[i];
		}
	block->keys = left;
	return left;
}

static bool
take_tree(struct policy_reading *r, struct policy_set *set, struct conf_tree *tree, struct policy_block *block)
{
	*block = (struct policy_block){ .text = tree->text };
	return policy_block_read(r, &tree->root, block) && claims_are_free(r, set, block) &&
	    tags_fit(r, set, &tree->root, block);
}

/* What the file said when it was good.  *whole: for all its names. */
static bool
take_stale(struct policy_reading *r, struct policy_set *set, const struct policy_block *old, struct policy_block *block, bool *whole)
{
	struct policy_reading quiet = { r->arena, hush, NULL, 0 };
	struct conf_tree tree;

	if (!conf_tree_text(old->text, arena_cstr(r->arena, old->file), r->arena, &tree, hush, NULL))
		return false;
	*block = (struct policy_block){ .text = arena_copy(r->arena, old->text) }; /* the tree's has one more line's end */
	if (!policy_block_read(&quiet, &tree.root, block) || !tags_fit(&quiet, set, &tree.root, block))
		return false;
	size_t said = block->keys, left = leave_claimed(set, block);
	*whole = left == said;
	return left > 0;
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

/* A file as it is now. */
struct policy_file {
	const char *name;
	struct conf_tree tree;
	bool read; /* false: there is no tree */
	const struct policy_block *old; /* NULL: it said nothing before */
};

static void
add_file(struct policy_reading *r, struct policy_set *set, struct policy_file *file)
{
	struct policy_block *block = &set->block[set->blocks];
	const struct conf_node at = { .file = file->name };
	bool whole = true;

	if (file->read && take_tree(r, set, &file->tree, block)) {
		keep_block(r, set, block);
		return;
	}
	set->mistakes++;
	if (file->old == NULL || !take_stale(r, set, file->old, block, &whole)) {
		policy_warning(r, &at, "nothing of this file is in force");
		return;
	}
	block->stale = true;
	keep_block(r, set, block);
	policy_warning(r, &at, "what this file said before stays in force%s", whole ? "" : ", but for names that other files have");
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
			*policy_slot_of(set, old[i].key) = old[i];
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

/* ---- who comes first ---- */

static int
by_file(const void *a, const void *b)
{
	const struct policy_block *x = *(const struct policy_block *const *)a, *y = *(const struct policy_block *const *)b;

	return strcmp(x->file.p, y->file.p); /* of C strings */
}

static int
name_and_file(const void *name, const void *block)
{
	return strcmp(name, (*(const struct policy_block *const *)block)->file.p);
}

static void
find_old(struct policy_file *file, size_t n, const struct policy_set *before, struct arena *arena)
{
	if (before == NULL || before->blocks == 0)
		return;
	const struct policy_block **sorted = ARENA_ARRAY(arena, before->blocks, const struct policy_block *);
	for (size_t i = 0; i < before->blocks; i++)
		sorted[i] = &before->block[i];
	qsort(sorted, before->blocks, sizeof(*sorted), by_file);
	for (size_t i = 0; i < n; i++) {
		const struct policy_block **found = bsearch(file[i].name, sorted, before->blocks, sizeof(*sorted), name_and_file);
		file[i].old = found == NULL ? NULL : *found;
	}
}

/* Who claims a name keeps it: files that say what they said, then those that said something else, then new ones. */
static int
seniority(const struct policy_file *file)
{
	if (file->old == NULL)
		return 2;
	return file->read && view_eq(file->tree.text, file->old->text) ? 0 : 1;
}

static void
add_files(struct policy_reading *r, struct policy_set *set, struct policy_file *file, size_t n, const struct policy_set *before)
{
	find_old(file, n, before, r->arena);
	for (int rank = 0; rank <= 2; rank++)
		for (size_t i = 0; i < n; i++)
			if (seniority(&file[i]) == rank) {
				make_room(set, set->keys, CLAIMS_MAX, r->arena);
				add_file(r, set, &file[i]);
			}
}

const struct policy_set *
policy_of_texts(const struct policy_conf *conf, const struct policy_text *text, size_t n, const struct policy_set *before,
    struct arena *arena, conf_say *say, void *ctx)
{
	struct policy_reading r = { arena, say, ctx, 0 };
	struct policy_set *set = new_set(conf, n, arena);
	struct policy_file *file = ARENA_ARRAY(arena, n, struct policy_file);

	for (size_t i = 0; i < n; i++) {
		file[i].name = arena_cstr(arena, view_of(text[i].name));
		file[i].read = conf_tree_text(text[i].text, file[i].name, arena, &file[i].tree, say, ctx);
	}
	add_files(&r, set, file, n, before);
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

	if (dir == NULL && errno == ENOENT && view_is(conf->directory, POLICY_DIRECTORY))
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
	struct policy_file *file = ARENA_ARRAY(arena, names.n, struct policy_file);
	make_room(set, names.n, CLAIMS_MAX, arena);
	for (size_t i = 0; i < names.n; i++) {
		file[i].name = names.name[i];
		file[i].read = conf_tree_file(names.name[i], arena, &file[i].tree, say, ctx);
	}
	add_files(&r, set, file, names.n, before);
	return set;
}
