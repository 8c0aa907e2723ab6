#ifndef ASSAY_MAIL_AUTH_RESULTS_H
#define ASSAY_MAIL_AUTH_RESULTS_H

#include "base/err.h"
#include "mail/auth_fact.h"

/*
 * auth_results - the Authentication-Results field, both ways.  Source: RFC 8601 2.2.
 */

/*
 * The value of the field: "authserv-id; method=result (comment) reason=\"..\" ptype.prop=value ...", or
 * "authserv-id; none".  Lines end in LF and tab (what libmilter wants), begin with a space, and stay below 78
 * columns with prefix_columns on the first ("Authentication-Results:" is 23) unless one atom is longer;
 * then it stands on a line of its own, never above 990.  Values that are no token are quoted; control octets and
 * malformed UTF-8 become '?'.  comments = false leaves comments out (ARC).
 */
struct view auth_results_write(struct view authserv_id, const struct auth_facts *facts, bool comments,
    size_t prefix_columns, struct arena *arena);

/* A parsed resinfo: views into arena, quotes and comments taken off. */
struct auth_results_property {
	struct view ptype, name, value;
};
struct auth_results_info {
	struct view method;  /* "none": no-result */
	struct view version; /* usually empty */
	struct view result;
	struct view reason;
	struct auth_results_property *property;
	size_t properties;
};
struct auth_results {
	struct view authserv_id; /* quotes and comments taken off */
	struct view version;
	struct auth_results_info *info;
	size_t n;
};
bool auth_results_parse(struct view value, struct arena *arena, struct auth_results *out, struct err *err);

/*
 * Would any reader take this field for one of `authserv_id`?  As generous as the most careless reader: case,
 * comments, folds, quotes, a version, a missing rest do not hide it.  For the removal of forged fields.
 */
bool auth_results_claims(struct view value, struct view authserv_id, struct arena *arena);

#endif
