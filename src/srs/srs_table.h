#ifndef ASSAY_SRS_TABLE_H
#define ASSAY_SRS_TABLE_H

#include "base/arena.h"

/*
 * srs_table - the text of one table of the MTA, as it knows forwarded recipients.
 * Source: virtual(5), aliases(5), relocated(5), postmap(1), postalias(1) of Postfix; Sendmail's virtusertable and
 * aliases look the same.
 *
 * A logical line begins at the margin and goes on in lines that begin with white space; empty lines and those whose
 * first mark is "#" may stand anywhere.  Of two lines with one key the first counts, and case does not matter in
 * keys.  A line that cannot be read is left out and counted, as the MTA does.
 *
 * Immutable and counted; thread-safe.
 */
enum srs_table_kind {
	SRS_TABLE_VIRTUAL,   /* KEY WHITE-SPACE ADDRESS, ADDRESS... */
	SRS_TABLE_ALIASES,   /* KEY: TARGET, TARGET... */
	SRS_TABLE_RELOCATED, /* KEY WHITE-SPACE TEXT */
	SRS_TABLE_DOMAINS,   /* KEY, whatever follows */
	SRS_TABLE_INCLUDE,   /* no keys: the file of an alias's :include:, targets throughout */
};

/* Octets of a file: some million lines. */
#define SRS_TABLE_OCTETS_MAX ((size_t)256 * 1024 * 1024)

struct srs_table;

/* text: from mem_zero, taken over. */
struct srs_table *srs_table_new(enum srs_table_kind kind, struct view text);
struct srs_table *srs_table_ref(struct srs_table *table);
void srs_table_unref(struct srs_table *table); /* NULL is fine */

size_t srs_table_keys(const struct srs_table *table);
size_t srs_table_mistakes(const struct srs_table *table);
unsigned srs_table_first_mistake(const struct srs_table *table, const char **what); /* line; 0: there is none */

/* What stands behind the key, folds and comments included; it lives as long as the table. */
bool srs_table_find(const struct srs_table *table, struct view key, struct view *value);
struct view srs_table_text(const struct srs_table *table); /* all of it */

/* The paths behind ":include:" in values (of an INCLUDE, in its text), one after the other; *at begins at 0. */
bool srs_table_include(const struct srs_table *table, size_t *at, struct view *path);

/* ---- values ---- */

enum srs_target_kind {
	SRS_TARGET_ADDRESS, /* "u@a.test", "@a.test", "u"; quotes as they stand */
	SRS_TARGET_INCLUDE, /* the path */
	SRS_TARGET_OTHER,   /* a command, a file, "\u": it stays here */
};
/* The next target of a value; false: there is none.  *rest: of the value, at first all of it. */
bool srs_target_next(struct view *rest, enum srs_target_kind *kind, struct view *target);

#endif
