#include "mail/lexis.h"

bool
lexis_fws(struct cursor *c)
{
	size_t from = cursor_offset(c), good;

	if (cursor_end(c) || !char_in((char)cursor_peek(c), CC_FWS)) /* mostly */
		return false;
	do { /* ends: each turn but the last takes white space */
		cursor_take(c, CC_WSP);
		good = cursor_offset(c);
		if (!cursor_text(c, VIEW_LIT("\r\n")))
			cursor_char(c, '\n');
	} while (cursor_offset(c) > good && cursor_peek(c) >= 0 && char_in((char)cursor_peek(c), CC_WSP));
	cursor_back(c, good);
	return good > from;
}

/* quoted-pair = "\" (VCHAR / WSP); of an UTF-8 character its first octet, the others follow as text. */
static bool
take_quoted_pair(struct cursor *c, struct buffer *out, struct err *err)
{
	int octet = cursor_any(c, CC_VCHAR | CC_WSP | CC_UTF8);

	if (octet < 0)
		return err_perm(err, "nothing that a backslash may quote at byte %zu", cursor_offset(c));
	if (out != NULL)
		buffer_add_char(out, (char)octet);
	return true;
}

/* comment = "(" *([FWS] (ctext / quoted-pair / comment)) [FWS] ")"        RFC 5322 3.2.2 */
static bool
take_comment(struct cursor *c, struct err *err)
{
	size_t from = cursor_offset(c), depth = 0;

	do { /* ends: each turn takes something or returns */
		size_t at = cursor_offset(c);
		lexis_fws(c);
		cursor_take(c, CC_CTEXT | CC_UTF8);
		if (cursor_char(c, '(')) {
			if (++depth > COMMENT_DEPTH_MAX)
				return err_perm(err, "comments nested deeper than %d", COMMENT_DEPTH_MAX);
		} else if (cursor_char(c, ')')) {
			depth--;
		} else if (cursor_char(c, '\\') && !take_quoted_pair(c, NULL, err)) {
			return false;
		}
		if (cursor_offset(c) == at && cursor_end(c))
			return err_perm(err, "the comment at byte %zu does not end", from);
		if (cursor_offset(c) == at)
			return err_perm(err, "a control octet in a comment at byte %zu", at);
	} while (depth > 0);
	return true;
}

bool
lexis_cfws(struct cursor *c, struct err *err)
{
	lexis_fws(c);
	while (cursor_peek(c) == '(') {
		if (!take_comment(c, err))
			return false;
		lexis_fws(c);
	}
	return true;
}

/* The white space of a fold counts, its line end does not. */
static void
take_fws_into(struct cursor *c, struct buffer *out)
{
	size_t from = cursor_offset(c);

	lexis_fws(c);
	struct cursor taken = cursor_over(cursor_since(c, from));
	while (!cursor_end(&taken)) {
		buffer_add(out, cursor_take(&taken, CC_WSP));
		cursor_take(&taken, CC_CRLF);
	}
}

/* quoted-string = DQUOTE *([FWS] (qtext / quoted-pair)) [FWS] DQUOTE      RFC 5322 3.2.4 */
bool
lexis_quoted_string(struct cursor *c, struct buffer *out, struct err *err)
{
	size_t from = cursor_offset(c);

	if (!cursor_char(c, '"'))
		return err_perm(err, "no quoted string at byte %zu", from);
	while (!cursor_char(c, '"')) { /* ends: each turn takes something or returns */
		size_t at = cursor_offset(c);
		take_fws_into(c, out);
		buffer_add(out, cursor_take(c, CC_QTEXT | CC_UTF8));
		if (cursor_char(c, '\\') && !take_quoted_pair(c, out, err))
			return false;
		if (cursor_offset(c) == at && cursor_end(c))
			return err_perm(err, "the quoted string at byte %zu does not end", from);
		if (cursor_offset(c) == at)
			return err_perm(err, "a control octet in a quoted string at byte %zu", at);
	}
	return true;
}
