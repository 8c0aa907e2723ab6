#ifndef ASSAY_CONF_TREE_H
#define ASSAY_CONF_TREE_H

#include "base/arena.h"
#include "conf/read.h"

/*
 * tree - a file in libconfig's syntax as plain nodes, for what rows cannot express: lists of groups.
 * Each node knows its file and line.  No deeper than CONF_NESTING_MAX (conf/source.h).
 */
enum conf_kind {
	CONF_GROUP, /* { ... } and the file itself */
	CONF_LISTING, /* ( ... ) and [ ... ] */
	CONF_STRING,
	CONF_NUMBER,
	CONF_BOOLEAN,
	CONF_OTHER, /* a broken number */
};

struct conf_node {
	enum conf_kind kind;
	struct view name; /* empty within a list, and for the file itself */
	const char *file;
	unsigned line;
	struct view text; /* CONF_STRING: UTF-8 without control characters, NUL-terminated behind its end */
	int64_t number;	  /* CONF_NUMBER */
	bool yes;	  /* CONF_BOOLEAN */
	struct conf_node *child; /* CONF_GROUP, CONF_LISTING */
	size_t n;
};

struct conf_tree {
	struct conf_node root;
	struct view text; /* all that was read, includes put in place: for conf_tree_text, one day */
};

/* Everything lives in arena.  False: what is wrong has been said, "FILE:LINE: ..." (conf_say of conf/read.h). */
bool conf_tree_file(const char *path, struct arena *arena, struct conf_tree *tree, conf_say *say, void *ctx);
bool conf_tree_text(struct view text, const char *name, struct arena *arena, struct conf_tree *tree,
    conf_say *say, void *ctx);

/* The child of that name; NULL: none. */
const struct conf_node *conf_node_find(const struct conf_node *group, const char *name);
/* "a number", "a list"...: for messages. */
const char *conf_kind_words(enum conf_kind kind);

#endif
