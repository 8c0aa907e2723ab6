#ifndef ASSAY_MAIL_TAG_LIST_H
#define ASSAY_MAIL_TAG_LIST_H

#include "base/err.h"
#include "base/view.h"

/*
 * tag_list - "name=value; name=value" of signatures, key records and DMARC records.
 * Source: RFC 6376 3.2.  Names are case-sensitive; a name twice is an error; values may be empty and
 * hold folds (CRLF or LF, always with white space behind it).  One ";" may end the list, with white space
 * behind it; ";;" and the empty list are errors.  Views point into the text.
 */
#define TAG_LIST_MAX 64

struct tag {
	struct view name;
	struct view value; /* white space at both ends taken off, inside kept */
	size_t value_at;   /* offset in the text of the octet behind "=", white space included */
	size_t value_end;  /* offset of the ";" or of the end: what header hashing cuts from b= */
};

struct tag_list {
	struct tag tag[TAG_LIST_MAX];
	size_t n;
};

/* 8-bit octets of well-formed UTF-8 are let in by RFC 8616; other 8-bit octets, NUL and controls are not. */
bool tag_list_parse(struct view text, struct tag_list *list, struct err *err);
const struct tag *tag_list_find(const struct tag_list *list, const char *name); /* NULL: absent */

#endif
