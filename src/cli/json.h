#ifndef ASSAY_CLI_JSON_H
#define ASSAY_CLI_JSON_H

#include "base/buffer.h"

/*
 * json - RFC 8259 text under construction, indented for people.
 * Octets that are no UTF-8 become U+FFFD, so that the output is always valid.
 */
struct json {
	struct buffer out;
	int depth;
	bool empty; /* nothing in the innermost object or array yet */
};

struct json json_in(struct arena *arena);
/* key is NULL inside an array and for the outermost value. */
void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end(struct json *j, char bracket); /* '}' or ']' */
void json_text(struct json *j, const char *key, struct view value);
void json_cstr(struct json *j, const char *key, const char *value); /* NULL: null */
void json_number(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
void json_print(const struct json *j); /* to standard output */

#endif
