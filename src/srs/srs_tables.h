#ifndef ASSAY_SRS_TABLES_H
#define ASSAY_SRS_TABLES_H

#include "base/clock.h"
#include "base/err.h"
#include "srs/srs.h"
#include "srs/srs_table.h"

/*
 * srs_tables - the MTA's text tables as they are on disk, read again when they change.
 * Who wants to look at them takes a set, which does not change; at most once in table-look seconds taking one looks
 * whether files were changed (device, inode, size, times), and who finds a change reads the file while the others
 * go on with what there was.  A file that cannot be read keeps its last good text.  Thread-safe.
 */
struct srs_tables;

struct srs_table_set {
	const struct srs_table_file {
		enum srs_table_kind kind;
		struct view path;
		struct srs_table *table; /* NULL: never read; an INCLUDE only */
	} *file;
	size_t files;
};

/* What is worth a line in the log; bad: a mistake, else news.  Called without locks. */
typedef void srs_tables_say(void *ctx, bool bad, const char *text);

/* NULL: a table cannot be read.  INCLUDE files need not be there. */
struct srs_tables *srs_tables_open(const struct srs_leave_conf *conf, srs_tables_say *say, void *ctx, struct err *err);
void srs_tables_close(struct srs_tables *tables); /* NULL is fine; sets that were taken stay */

const struct srs_table_set *srs_tables_take(struct srs_tables *tables, const struct clock *clock, srs_tables_say *say,
    void *ctx);
void srs_tables_drop(const struct srs_table_set *set);

/* The first table of that kind that has the key. */
bool srs_tables_find(const struct srs_table_set *set, enum srs_table_kind kind, struct view key, struct view *value);
/* The text of an INCLUDE; false: it could not be read. */
bool srs_tables_include(const struct srs_table_set *set, struct view path, struct view *text);

#endif
