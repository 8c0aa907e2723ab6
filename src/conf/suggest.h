#ifndef ASSAY_CONF_SUGGEST_H
#define ASSAY_CONF_SUGGEST_H

#include "base/view.h"

/*
 * suggest - the word that was probably meant.
 * Feed every word there is; best is NULL when none is near: at most a third of the letters wrong (insert,
 * drop, change, swap neighbours), "_" as good as "-".
 */
#define SUGGEST_LETTERS_MAX 40

struct suggest {
	struct view given;
	const char *best;
	unsigned distance; /* of best */
};

struct suggest suggest_for(struct view given);
void suggest_word(struct suggest *s, const char *word);

#endif
