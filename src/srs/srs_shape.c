#include "srs/srs_shape.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "mail/address.h"
#include "mail/domain.h"
#include "srs/srs_hash.h"

static enum srs_outcome
no_address(struct view *why, const char *words)
{
	*why = view_of(words);
	return SRS_NO_ADDRESS;
}

/* Quoted-string and nothing but it; the path's grammar has been seen to already.      RFC 5321 4.1.2 */
static bool
is_quoted_string(struct view local)
{
	struct cursor c = cursor_over(local);

	if (!cursor_char(&c, '"'))
		return false;
	while (!cursor_end(&c)) { /* ends: each turn takes an octet */
		if (cursor_char(&c, '"'))
			return cursor_end(&c);
		cursor_char(&c, '\\');
		cursor_take_n(&c, 1);
	}
	return false;
}

static enum srs_outcome
look_at_local(struct view local, struct srs_mailbox *m, struct view *why)
{
	m->quoted = is_quoted_string(local);
	m->mixed = !m->quoted && view_find(local, '"') != VIEW_NONE;
	m->local = m->quoted ? view_sub(local, 1, local.n - 2) : local;
	if (m->local.n == 0)
		return no_address(why, "an empty local part");
	return SRS_VALID;
}

enum srs_outcome
srs_mailbox_parse(struct view address, struct arena *arena, struct srs_mailbox *m, struct view *why)
{
	struct cursor c = cursor_over(address);
	struct mail_path path;
	struct err err;

	*m = (struct srs_mailbox){ 0 };
	if (address.n == 0 || view_is(address, "<>") || view_is(address, "\"\""))
		return SRS_NULL;
	if (address.n > SRS_INPUT_MAX)
		return no_address(why, "too long for an address");
	cursor_take(&c, CC_VCHAR | CC_UTF8 | CC_WSP);
	if (!cursor_end(&c) || view_find(address, '\t') != VIEW_NONE)
		return no_address(why, "a control octet");
	if (view_trim(address).n != address.n)
		return no_address(why, "a space around it");
	if (!mail_path_parse(address, arena, &path, &err)) {
		*why = arena_copy(arena, view_of(err.text));
		return SRS_NO_ADDRESS;
	}
	if (path.domain.n == 0)
		return no_address(why, "no domain");
	if (path.domain.p[0] == '[')
		return no_address(why, "an address literal");
	m->text = path.text;
	m->domain = path.domain;
	m->typed_domain = view_from(path.text, path.local.n + 1);
	return look_at_local(path.local, m, why);
}

struct view
srs_unquoted(struct view inside, struct arena *arena)
{
	struct buffer b = buffer_in(arena);
	struct cursor c = cursor_over(inside);

	while (!cursor_end(&c)) { /* ends: each turn takes an octet */
		buffer_add(&b, cursor_until(&c, '\\'));
		cursor_char(&c, '\\');
		buffer_add(&b, cursor_take_n(&c, 1));
	}
	return buffer_view(&b);
}

struct view
srs_address(struct view local, bool quoted, struct view domain, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	if (quoted)
		buffer_add_char(&b, '"');
	buffer_add(&b, local);
	if (quoted)
		buffer_add_char(&b, '"');
	buffer_add_char(&b, '@');
	buffer_add(&b, domain);
	return buffer_view(&b);
}

static bool
is_separator(int c)
{
	return c == '=' || c == '+' || c == '-';
}

int
srs_tag(struct view local, struct view *rest)
{
	struct cursor c = cursor_over(local);

	if (!cursor_text_nocase(&c, VIEW_LIT("SRS")))
		return -1;
	int tag = cursor_char(&c, '0') ? 0 : cursor_char(&c, '1') ? 1 : -1;
	if (tag < 0 || !is_separator(cursor_peek(&c)))
		return -1;
	cursor_take_n(&c, 1);
	*rest = cursor_rest(&c);
	return tag;
}

/* Up to the next "=", which is taken too. */
static bool
take_field(struct cursor *c, struct view *field)
{
	*field = cursor_until(c, '=');
	return field->n > 0 && cursor_char(c, '=');
}

/* What can stand behind an "@" again. */
static bool
is_host(struct view host, struct arena *arena)
{
	struct view ascii;
	struct err err;

	return view_all_in(host, CC_LDH | CC_DOT | CC_UNDERSCORE | CC_UTF8) && domain_to_ascii(host, arena, &ascii, &err);
}

bool
srs0_split(struct view rest, bool with_hash, bool with_stamp, struct arena *arena, struct srs_fields *f)
{
	struct cursor c = cursor_over(rest);
	int age;

	*f = (struct srs_fields){ VIEW_EMPTY, VIEW_EMPTY, VIEW_EMPTY, VIEW_EMPTY };
	if (with_hash && !take_field(&c, &f->hash))
		return false;
	if (with_stamp && (!take_field(&c, &f->stamp) || !srs_stamp_age(f->stamp, 0, &age)))
		return false;
	if (!take_field(&c, &f->host) || !is_host(f->host, arena))
		return false;
	f->user = cursor_rest(&c);
	return f->user.n > 0;
}

bool
srs1_split(struct view rest, struct arena *arena, struct srs_fields *f)
{
	struct cursor c = cursor_over(rest);

	*f = (struct srs_fields){ VIEW_EMPTY, VIEW_EMPTY, VIEW_EMPTY, VIEW_EMPTY };
	if (!take_field(&c, &f->hash) || !take_field(&c, &f->host) || !is_host(f->host, arena))
		return false;
	f->user = cursor_rest(&c);
	return f->user.n > 1 && is_separator(cursor_peek(&c));
}
