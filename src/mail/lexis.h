#ifndef ASSAY_MAIL_LEXIS_H
#define ASSAY_MAIL_LEXIS_H

#include "base/buffer.h"
#include "base/cursor.h"
#include "base/err.h"

/*
 * lexis - the small tokens that all structured fields share.
 * Source: RFC 5322 3.2 and 4.1, RFC 6532 3.2 (the caller has seen to it that the text is well-formed UTF-8).
 * Stricter than the obsolete grammar in one thing: control octets (obs-NO-WS-CTL) are refused also within comments
 * and quoted strings, bare or behind a backslash.  No software writes them, and readers differ about them.
 */
#define COMMENT_DEPTH_MAX 50 /* counted, not recursed into: a reader that recurses must not be our victim */

/*
 * FWS = [*WSP CRLF] 1*WSP, as often as it comes.  A bare LF counts as CRLF: key records and stored messages have
 * them.  A line end without white space behind it is no fold and is not taken.  True: something was.
 */
bool lexis_fws(struct cursor *c);

/* [CFWS].  False: a comment that does not end, nests too deep, or holds what no comment may. */
bool lexis_cfws(struct cursor *c, struct err *err);

/* quoted-string; the cursor is at its first quote.  What it means goes to *out: no quotes, backslashes, line ends. */
bool lexis_quoted_string(struct cursor *c, struct buffer *out, struct err *err);

#endif
