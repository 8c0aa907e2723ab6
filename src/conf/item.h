#ifndef ASSAY_CONF_ITEM_H
#define ASSAY_CONF_ITEM_H

#include "base/arena.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/names.h"

/*
 * item - settings as rows.
 * A room that has settings brings a struct of its own and one row for each field: name in the file,
 * field, default, limits, unit.  From the rows come reading, checking, error messages, defaults,
 * `assayctl conf show`, and the tests that compare them with the manual and the sample file.
 * Every member of such a struct lives in the arena of its snapshot and is const once loaded.
 */
struct conf_list { /* of texts */
	const struct view *item;
	size_t n;
	const char *where; /* "FILE:LINE", for what is found wrong later on; NULL: the preset */
};

struct conf_nets {
	const struct ip_net *net;
	size_t n;
};

enum conf_type {
	CONF_TYPE_BOOL, /* bool */
	CONF_TYPE_INT,	/* int64_t */
	CONF_TYPE_ENUM, /* int, by names */
	CONF_TYPE_TEXT, /* struct view; NUL-terminated behind its end */
	CONF_TYPE_LIST, /* struct conf_list; in the file a list, or one text */
	CONF_TYPE_NETS, /* struct conf_nets; in the file a list of addresses and networks, or one text */
	CONF_TYPE_MODE, /* int64_t; in the file a text of octal digits: "0660" */
};

struct conf_item {
	const char *name;
	enum conf_type type;
	size_t offset;
	int64_t preset;		      /* BOOL INT ENUM MODE */
	const char *preset_text;      /* TEXT; LIST and NETS: separated by one space; NULL: empty */
	int64_t min, max;	      /* INT: the value; TEXT: octets (max 0: any); LIST, NETS: how many */
	const char *unit;	      /* INT: "seconds", "octets"...; "" for a plain count */
	const struct name_row *names; /* ENUM */
	/* NULL, or one more look at the value (field as declared).  False: err says what is wanted. */
	bool (*check)(const void *field, struct err *err);
};

#define CONF_BOOL(s, n, f, preset_)           \
	{ .name = (n), .type = CONF_TYPE_BOOL, .offset = offsetof(struct s, f), .preset = (preset_) }
#define CONF_INT(s, n, f, preset_, min_, max_, unit_)                                                            \
	{ .name = (n), .type = CONF_TYPE_INT, .offset = offsetof(struct s, f), .preset = (preset_), .min = (min_), \
		.max = (max_), .unit = (unit_) }
#define CONF_ENUM(s, n, f, preset_, names_)                                                                         \
	{ .name = (n), .type = CONF_TYPE_ENUM, .offset = offsetof(struct s, f), .preset = (preset_), .names = (names_) }
#define CONF_TEXT(s, n, f, preset_, check_)                                                                            \
	{ .name = (n), .type = CONF_TYPE_TEXT, .offset = offsetof(struct s, f), .preset_text = (preset_), .check = (check_) }
#define CONF_LIST(s, n, f, preset_, min_, max_, check_)                                                                \
	{ .name = (n), .type = CONF_TYPE_LIST, .offset = offsetof(struct s, f), .preset_text = (preset_), .min = (min_), \
		.max = (max_), .check = (check_) }
#define CONF_NETS(s, n, f, preset_, max_)                                                                              \
	{ .name = (n), .type = CONF_TYPE_NETS, .offset = offsetof(struct s, f), .preset_text = (preset_), .max = (max_) }
#define CONF_MODE(s, n, f, preset_) \
	{ .name = (n), .type = CONF_TYPE_MODE, .offset = offsetof(struct s, f), .preset = (preset_), .max = 0777 }

/* The rows of one struct: a group of the file, as in  dkim: { clock-skew = 300; };  */
struct conf_section {
	const char *name; /* of the group; "": settings at the top level of the file */
	const struct conf_item *item;
	size_t items;
	size_t size; /* of the struct */
	/* NULL, or a look at the struct as a whole, after all rows are filled. */
	bool (*check)(const void *section, struct err *err);
};
#define CONF_SECTION(name_, s, rows, check_) \
	{ .name = (name_), .item = (rows), .items = sizeof(rows) / sizeof((rows)[0]), .size = sizeof(struct s), .check = (check_) }

/* Fill the struct at `into` with the presets of its section.  Lists live in arena. */
void conf_section_presets(const struct conf_section *section, void *into, struct arena *arena);

/*
 * A row in words, for error messages, `assayctl conf show` and the tests that compare rows with the manual.
 * allowed: "0..3600 seconds", "true or false", "one of neutral, fail".  value: as the file writes it: 300, true,
 * "a \"text\"", ("a", "b").  Both live in arena.
 */
struct view conf_item_allowed(const struct conf_item *item, struct arena *arena);
struct view conf_item_value(const struct conf_item *item, const void *section, struct arena *arena);
/* The whole section as a file would give it, one line for each row. */
struct view conf_section_show(const struct conf_section *section, const void *from, struct arena *arena);

#endif
