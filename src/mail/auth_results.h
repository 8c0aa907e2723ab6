#ifndef ASSAY_MAIL_AUTH_RESULTS_H
#define ASSAY_MAIL_AUTH_RESULTS_H

#include "base/err.h"
#include "mail/auth_fact.h"

/*
 * auth_results - the Authentication-Results field, both ways.  Source: RFC 8601 2.2.
 */

/*
 * What a value, reason or comment may take of a line, backslashes and quotes included; what is longer is cut and ends
 * in "...".  No line of ours passes 990 octets (RFC 5322 2.1.1: 998, and MTAs add to it).
 */
#define AUTH_RESULTS_VALUE_MAX 900

/*
 * The value of the field: "authserv-id; method=result (comment) reason=\"..\" ptype.prop=value ...", or
 * "authserv-id; none".  Lines end in LF and tab (what libmilter wants), begin with a space, and stay below 78
 * columns with prefix_columns on the first ("Authentication-Results:" is 23) unless one atom is longer;
 * then it stands on a line of its own, never above 990.  Values that are no token are quoted; control octets and
 * malformed UTF-8 become '?'.  Each method begins a line.  comments = false leaves comments out (ARC).
 */
struct view auth_results_write(struct view authserv_id, const struct auth_facts *facts, bool comments,
    size_t prefix_columns, struct arena *arena);

/*
 * A parsed resinfo: views into arena, quotes and comments taken off; methods, results and names in lower case.
 */
struct auth_results_property {
	struct view ptype, name, value; /* ptype is empty in Microsoft's "action=none" */
};
struct auth_results_info {
	struct view method;  /* "none", with an empty result: no-result */
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

/*
 * The whole grammar of RFC 8601 2.2, CFWS everywhere.  Beyond it, since trusted senders write so: unquoted values of
 * atext, "@", ":", "[" and "]" (base64, IPv6 addresses), properties without ptype, a reason behind properties,
 * a ";" at the end.  False (ERR_PERM): anything else, malformed UTF-8, or over a maximum.
 */
#define AUTH_RESULTS_INFOS_MAX 100
#define AUTH_RESULTS_PROPERTIES_MAX 50 /* of one result */
bool auth_results_parse(struct view value, struct arena *arena, struct auth_results *out, struct err *err);

/*
 * Would any reader take this field for one of `authserv_id`?  As generous as the most careless reader: case,
 * comments, folds, quotes, a version, a missing rest do not hide it.  For the removal of forged fields.
 *
 * The field is read in several ways, and one that finds us is enough.  Comments: nested or ended by the first ")",
 * with or without backslashes; one that does not end is none.  Comments, and also white space, controls, NULs and
 * malformed UTF-8: nothing, or the end of a word.  Quotes and backslashes: nothing.  Well-formed UTF-8: the end of
 * a word.  What stands before the first octet of a token is skipped.  Then our id must come, in any case, and behind it
 * the end, a final dot, or what no token holds.  Last, a first word in U-labels is compared as A-labels.  All
 * that is done to the text as it stands and with its encoded words (RFC 2047) decoded.  Our id behind another word
 * ("other.example; x=ours") is not ours.
 */
bool auth_results_claims(struct view value, struct view authserv_id, struct arena *arena);

#endif
