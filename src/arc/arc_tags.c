#include "arc/arc_tags.h"

#include "base/buffer.h"

#include <assert.h>
#include <string.h>

#define COLUMNS_MAX 77
#define TAB_COLUMNS 8

void
arc_tags_add(struct arc_tags *tags, const char *name, struct view value)
{
	assert(tags->n < ARC_TAGS_MAX);
	tags->tag[tags->n++] = (struct arc_tag){ name, value };
}

void
arc_tags_sort(struct arc_tags *tags)
{
	for (size_t i = 1; i < tags->n; i++)
		for (size_t k = i; k > 0 && strcmp(tags->tag[k - 1].name, tags->tag[k].name) > 0; k--) {
			struct arc_tag lower = tags->tag[k];
			tags->tag[k] = tags->tag[k - 1];
			tags->tag[k - 1] = lower;
		}
}

struct folder {
	struct buffer text;
	size_t column;
};

static size_t
columns_left(const struct folder *f)
{
	return f->column < COLUMNS_MAX ? COLUMNS_MAX - f->column : 0;
}

static void
fold(struct folder *f)
{
	buffer_add_cstr(&f->text, "\n\t");
	f->column = TAB_COLUMNS;
}

static void
add_word(struct folder *f, struct view word)
{
	buffer_add(&f->text, word);
	f->column += word.n;
}

/* What goes on this line: up to a ":" that fits, or to the next one; of b=, as much as fits. */
static size_t
piece_of(const struct folder *f, struct view word, bool base64)
{
	size_t left = columns_left(f);

	if (word.n <= left)
		return word.n;
	if (base64)
		return left;
	size_t colon = view_find_last(view_sub(word, 0, left), ':');
	if (colon == VIEW_NONE)
		colon = view_find(word, ':');
	return colon == VIEW_NONE ? word.n : colon + 1;
}

static void
add_broken(struct folder *f, struct view word, bool base64)
{
	while (word.n > 0) { /* ends: a fresh line always takes something */
		size_t n = piece_of(f, word, base64);
		add_word(f, view_sub(word, 0, n));
		word = view_from(word, n);
		if (word.n > 0)
			fold(f);
	}
}

struct view
arc_tags_write(const struct arc_tags *tags, struct view field, bool break_b, struct arena *arena)
{
	struct folder f = { .text = buffer_in(arena), .column = field.n + strlen(":") };

	for (size_t i = 0; i < tags->n; i++) {
		const struct arc_tag *tag = &tags->tag[i];
		struct view word =
		    arena_printf(arena, "%s=%.*s%s", tag->name, VIEW_ARG(tag->value), i + 1 < tags->n ? ";" : "");
		if (i == 0 || word.n + 1 <= columns_left(&f))
			add_word(&f, VIEW_LIT(" "));
		else
			fold(&f);
		add_broken(&f, word, break_b && strcmp(tag->name, "b") == 0);
	}
	return buffer_view(&f.text);
}
