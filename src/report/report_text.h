#ifndef ASSAY_REPORT_REPORT_TEXT_H
#define ASSAY_REPORT_REPORT_TEXT_H

#include "base/buffer.h"

/*
 * report_text - the small pieces that mails of ours are made of.  Pure.
 */

/* "Sun, 22 Nov 2026 17:05:23 +0000"                                        RFC 5322 3.3 */
struct view report_date(int64_t seconds, struct arena *arena);

/* Visible ASCII and spaces as they are; every other octet is "?". */
struct view report_clean(struct view text, struct arena *arena);

/* The same, but well-formed UTF-8 becomes "\x{E9}" (RFC 6533 3: utf-8-addr-xtext). */
struct view report_address(struct view address, struct arena *arena);

/*
 * Text that report_clean made, on lines of some 76 octets: breaks at spaces with CRLF and indent, and within a word only
 * where it would not fit into 900.  column: octets that stand on the line already.  Ends with CRLF.
 */
void report_fold(struct buffer *b, size_t column, const char *indent, struct view text);

/* RFC 3461 4: "+2B" and the like undone.  False: no xtext. */
bool report_xtext_decode(struct view xtext, struct arena *arena, struct view *text);

/* RFC 2045 6.7: lines of at most 76 octets.  text: lines that end in CRLF, the last one too. */
void report_quoted_printable(struct buffer *b, struct view text);

#endif
