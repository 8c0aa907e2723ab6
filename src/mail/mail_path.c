#include "mail/address.h"

#include "base/cursor.h"
#include "mail/domain.h"

/* Path without "<" and ">"; both or neither. */
static bool
take_brackets_off(struct view *path, struct err *err)
{
	if (!view_starts(*path, VIEW_LIT("<")))
		return true;
	if (path->n < 2 || !view_ends(*path, VIEW_LIT(">")))
		return err_perm(err, "no \">\" at the end of a path");
	*path = view_sub(*path, 1, path->n - 2);
	return true;
}

/* A-d-l ":" = "@" Domain *("," "@" Domain) ":"                            RFC 5321 4.1.2; said once, used never */
static bool
take_route(struct cursor *c, struct err *err)
{
	if (cursor_peek(c) != '@')
		return true;
	do { /* ends: each turn takes an "@" or returns */
		if (!cursor_char(c, '@') || cursor_take(c, CC_LDH | CC_UNDERSCORE | CC_DOT | CC_UTF8).n == 0)
			return err_perm(err, "a source route that is none at byte %zu", cursor_offset(c));
	} while (cursor_char(c, ','));
	return cursor_char(c, ':') || err_perm(err, "no \":\" behind a source route");
}

/* Quoted-string = DQUOTE *(qtextSMTP / "\" %d32-126) DQUOTE               RFC 5321 4.1.2, RFC 6531 3.3 */
static bool
take_quoted_string(struct cursor *c, struct err *err)
{
	for (cursor_char(c, '"'); !cursor_char(c, '"');) { /* ends: each turn takes something or returns */
		size_t at = cursor_offset(c);
		cursor_take(c, CC_QTEXT | CC_WSP | CC_UTF8);
		if (cursor_char(c, '\\') && cursor_any(c, CC_VCHAR | CC_WSP) < 0)
			return err_perm(err, "nothing that a backslash may quote at byte %zu", at);
		if (cursor_offset(c) == at)
			return err_perm(err, "a quoted string that does not end at byte %zu", at);
	}
	return true;
}

/*
 * Looser than RFC 5321: MTAs take dots anywhere and most marks unquoted.  Not "@", brackets, quotes, backslashes:
 * with those, two readers could see two domains.
 */
static bool
take_local_part(struct cursor *c, struct view *local, struct err *err)
{
	size_t from = cursor_offset(c);

	for (;;) { /* ends: each turn takes something or leaves */
		int next = cursor_peek(c);
		if (next == '"') {
			if (!take_quoted_string(c, err))
				return false;
		} else if (next < 0 || !char_in((char)next, CC_VCHAR | CC_UTF8) || next == '@' || next == '<' ||
		    next == '>' || next == '\\') {
			break;
		} else {
			cursor_take_n(c, 1);
		}
	}
	*local = cursor_since(c, from);
	return local->n > 0 || err_perm(err, "no local part");
}

/* Domain / address-literal.  An address-literal stays within its brackets. */
static bool
take_domain(struct cursor *c, struct arena *arena, struct view *domain, struct err *err)
{
	size_t from = cursor_offset(c);

	if (cursor_char(c, '[')) {
		if (cursor_take(c, CC_DTEXT).n == 0 || !cursor_char(c, ']'))
			return err_perm(err, "an address literal that is none");
		*domain = arena_copy_lower(arena, cursor_since(c, from));
		return true;
	}
	return domain_to_ascii(cursor_take(c, CC_LDH | CC_UNDERSCORE | CC_DOT | CC_UTF8), arena, domain, err);
}

bool
mail_path_parse(struct view argument, struct arena *arena, struct mail_path *path, struct err *err)
{
	struct view text = view_trim(argument);

	*path = (struct mail_path){ VIEW_EMPTY, VIEW_EMPTY, VIEW_EMPTY };
	if (!view_is_utf8(text))
		return err_perm(err, "malformed UTF-8");
	if (!take_brackets_off(&text, err))
		return false;
	if (text.n == 0)
		return true;
	struct cursor c = cursor_over(text);
	if (!take_route(&c, err))
		return false;
	path->text = cursor_rest(&c);
	if (!take_local_part(&c, &path->local, err))
		return false;
	if (cursor_char(&c, '@') && !take_domain(&c, arena, &path->domain, err))
		return false;
	return cursor_end(&c) || err_perm(err, "a stray octet in a path at byte %zu", cursor_offset(&c));
}
