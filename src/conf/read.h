#ifndef ASSAY_CONF_READ_H
#define ASSAY_CONF_READ_H

#include "conf/item.h"

/*
 * read - a file in libconfig's syntax into structs, by their rows.
 * Strict: a group or name that no row has, a wrong type, a value out of its limits, a name given twice are
 * mistakes, said as "FILE:LINE: group.name: what is wrong; what is wanted", or "FILE:LINE: group: ..." for what
 * does not fit together in a group, with the line where it begins.  All of them are said, not only
 * the first; but a mistake of syntax ends the reading, as nobody knows what follows it.
 *
 * Not thread-safe against itself on one arena; otherwise thread-safe.
 */
struct conf_target {
	const struct conf_section *section;
	void *into; /* section->size octets */
};

/* One line without its end, valid during the call. */
typedef void conf_say(void *ctx, const char *text);

/*
 * Fill each target with its presets, then with what the file says.  Lists and texts live in arena.
 * "@include" at the start of a line names another file, relative to the folder of path; an included file
 * includes no others.  False: every mistake has been said, the targets are unspecified.  A warning is said with
 * the word "warning:" and is no mistake.
 */
bool conf_read(const char *path, const struct conf_target *target, size_t targets, struct arena *arena,
    conf_say *say, void *ctx);

/* The same from text that is called `name` in messages; an @include is refused. */
bool conf_read_text(struct view text, const char *name, const struct conf_target *target, size_t targets,
    struct arena *arena, conf_say *say, void *ctx);

#endif
