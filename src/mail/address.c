#include "mail/address.h"

#include "mail/domain.h"
#include "mail/lexis.h"

#define CC_ATOM (CC_ATEXT | CC_UTF8)

/* What reading a list needs at hand. */
struct reader {
	struct cursor c;
	struct arena *arena;
	struct mailbox_list *list;
	size_t room;	       /* elements at list->box */
	struct buffer scratch; /* local part or domain under construction */
	struct err *err;
};

static bool
refuse(struct reader *r, const char *what)
{
	return err_perm(r->err, "%s at byte %zu", what, cursor_offset(&r->c));
}

static bool
add_mailbox(struct reader *r, struct mailbox box)
{
	struct mailbox_list *list = r->list;

	if (list->n == MAILBOXES_MAX)
		return err_perm(r->err, "more than %d mailboxes", MAILBOXES_MAX);
	if (list->n == r->room) {
		size_t room = r->room == 0 ? 1 : r->room * 2;
		list->box = arena_grow(r->arena, list->box, r->room * sizeof(box), room * sizeof(box));
		r->room = room;
	}
	list->box[list->n++] = box;
	return true;
}

/* word = atom / quoted-string, without the CFWS around it */
static bool
take_word(struct reader *r, struct buffer *out)
{
	if (cursor_peek(&r->c) == '"')
		return lexis_quoted_string(&r->c, out, r->err);
	struct view atom = cursor_take(&r->c, CC_ATOM);
	if (atom.n == 0)
		return refuse(r, "neither a word nor a quoted string");
	buffer_add(out, atom);
	return true;
}

static bool
at_word_or_dot(const struct cursor *c)
{
	int next = cursor_peek(c);

	return next == '"' || next == '.' || (next >= 0 && char_in((char)next, CC_ATOM));
}

/*
 * phrase = 1*word / obs-phrase, obs-phrase = word *(word / "." / CFWS)    RFC 5322 3.2.5, 4.1
 * Perhaps nothing; an addr-spec's local part looks like one and is taken, too.
 */
static bool
take_phrase(struct reader *r, struct buffer *out)
{
	for (;;) { /* ends: each turn takes a word or dot, or returns */
		size_t at = cursor_offset(&r->c);
		if (!lexis_cfws(&r->c, r->err))
			return false;
		if (!at_word_or_dot(&r->c))
			return true;
		if (cursor_offset(&r->c) > at && out->n > 0)
			buffer_add_char(out, ' ');
		if (cursor_char(&r->c, '.'))
			buffer_add_char(out, '.');
		else if (!take_word(r, out))
			return false;
	}
}

/* local-part = dot-atom / quoted-string / obs-local-part; all of them are word *("." word) */
static bool
take_local_part(struct reader *r, struct view *local)
{
	buffer_clear(&r->scratch);
	for (;;) { /* ends: each turn takes a word or returns */
		if (!lexis_cfws(&r->c, r->err) || !take_word(r, &r->scratch) || !lexis_cfws(&r->c, r->err))
			return false;
		if (!cursor_char(&r->c, '.'))
			break;
		buffer_add_char(&r->scratch, '.');
	}
	*local = arena_copy(r->arena, buffer_view(&r->scratch));
	return true;
}

/* domain-literal = "[" *([FWS] dtext) [FWS] "]"; what obs-dtext adds is refused */
static bool
take_domain_literal(struct reader *r, struct view *domain)
{
	buffer_add_char(&r->scratch, '[');
	do /* ends: each turn but the last takes white space */
		buffer_add(&r->scratch, cursor_take(&r->c, CC_DTEXT | CC_UTF8));
	while (lexis_fws(&r->c));
	if (!cursor_char(&r->c, ']'))
		return refuse(r, "a domain literal that does not end");
	buffer_add_char(&r->scratch, ']');
	*domain = arena_copy_lower(r->arena, buffer_view(&r->scratch));
	return lexis_cfws(&r->c, r->err);
}

/* domain = dot-atom / domain-literal / obs-domain; obs-domain = atom *("." atom) */
static bool
take_domain(struct reader *r, struct view *domain)
{
	buffer_clear(&r->scratch);
	if (!lexis_cfws(&r->c, r->err))
		return false;
	if (cursor_char(&r->c, '['))
		return take_domain_literal(r, domain);
	for (;;) { /* ends: each turn takes an atom or returns */
		if (!lexis_cfws(&r->c, r->err))
			return false;
		struct view atom = cursor_take(&r->c, CC_ATOM);
		if (atom.n == 0)
			return refuse(r, "no label of a domain");
		buffer_add(&r->scratch, atom);
		if (!lexis_cfws(&r->c, r->err))
			return false;
		if (!cursor_char(&r->c, '.'))
			break;
		buffer_add_char(&r->scratch, '.');
	}
	return domain_to_ascii(buffer_view(&r->scratch), r->arena, domain, r->err);
}

/* addr-spec = local-part "@" domain                                       RFC 5322 3.4.1 */
static bool
take_addr_spec(struct reader *r, struct view display)
{
	struct mailbox box = { .display = display };

	if (!take_local_part(r, &box.local))
		return false;
	if (!cursor_char(&r->c, '@'))
		return refuse(r, "no \"@\" behind a local part");
	return take_domain(r, &box.domain) && add_mailbox(r, box);
}

/* obs-route = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain]) ":"     RFC 5322 4.4 */
static bool
take_route(struct reader *r)
{
	struct view domain;

	while (cursor_char(&r->c, ','))
		if (!lexis_cfws(&r->c, r->err))
			return false;
	if (!cursor_char(&r->c, '@'))
		return refuse(r, "no \"@\" of a route");
	if (!take_domain(r, &domain))
		return false;
	while (cursor_char(&r->c, ',')) {
		if (!lexis_cfws(&r->c, r->err))
			return false;
		if (cursor_char(&r->c, '@') && !take_domain(r, &domain))
			return false;
	}
	return cursor_char(&r->c, ':') || refuse(r, "no \":\" behind a route");
}

/* angle-addr = "<" [obs-route] addr-spec ">"; the cursor is behind the "<" */
static bool
take_angle_addr(struct reader *r, struct view display)
{
	if (!lexis_cfws(&r->c, r->err))
		return false;
	int next = cursor_peek(&r->c);
	if ((next == '@' || next == ',') && !take_route(r))
		return false;
	if (!take_addr_spec(r, display))
		return false;
	return cursor_char(&r->c, '>') || refuse(r, "no \">\" behind an address");
}

/* address = mailbox / group.  Of a group its display name and ":" are taken, and *opened is set. */
static bool
take_address(struct reader *r, bool in_group, bool *opened)
{
	struct buffer display = buffer_in(r->arena);
	size_t from = cursor_offset(&r->c);
	bool has_phrase = at_word_or_dot(&r->c);

	*opened = false;
	if (cursor_peek(&r->c) == '.')
		return refuse(r, "a dot before a word");
	if (!take_phrase(r, &display))
		return false;
	if (cursor_peek(&r->c) == '@') {
		cursor_back(&r->c, from);
		return take_addr_spec(r, VIEW_EMPTY);
	}
	if (cursor_char(&r->c, '<'))
		return take_angle_addr(r, buffer_view(&display));
	if (has_phrase && !in_group && cursor_char(&r->c, ':')) {
		*opened = true;
		return true;
	}
	return refuse(r, "neither \"@\" nor \"<\"");
}

/*
 * address-list / obs-addr-list, with group-lists met on the way: addresses and empty places between commas.
 * group = display-name ":" [group-list] ";"; groups do not nest.          RFC 5322 3.4, 4.4
 */
static bool
take_list(struct reader *r)
{
	bool in_group = false, opened, some = false;
	bool separated = true; /* an address may stand here */

	for (;;) { /* ends: each turn takes something or returns */
		if (!lexis_cfws(&r->c, r->err))
			return false;
		if (cursor_end(&r->c))
			break;
		if (cursor_char(&r->c, ',')) {
			separated = true;
			continue;
		}
		if (in_group && cursor_char(&r->c, ';')) {
			in_group = separated = false;
			continue;
		}
		if (!separated)
			return refuse(r, "something behind an address that is no comma");
		if (!take_address(r, in_group, &opened))
			return false;
		in_group = in_group || opened;
		separated = opened;
		some = true;
	}
	if (in_group)
		return refuse(r, "a group that does not end");
	return some || refuse(r, "no address");
}

bool
mailbox_list_parse(struct view value, struct arena *arena, struct mailbox_list *list, struct err *err)
{
	struct reader r = {
		.c = cursor_over(value),
		.arena = arena,
		.list = list,
		.scratch = buffer_in(arena),
		.err = err,
	};

	*list = (struct mailbox_list){ NULL, 0 };
	if (!view_is_utf8(value))
		return err_perm(err, "malformed UTF-8");
	return take_list(&r);
}

/* The next octet; -1: no more. */
static int
next_bare(struct view *rest)
{
	while (view_starts(*rest, VIEW_LIT("\""))) /* ends: each turn takes an octet */
		*rest = view_from(*rest, 1);
	if (view_starts(*rest, VIEW_LIT("\\")))
		*rest = view_from(*rest, 1);
	if (rest->n == 0)
		return -1;
	int octet = (unsigned char)rest->p[0];
	*rest = view_from(*rest, 1);
	return octet;
}

size_t
mail_local_bare(struct view local, char *bare)
{
	size_t n = 0;

	for (int octet = next_bare(&local); octet >= 0; octet = next_bare(&local))
		bare[n++] = (char)octet;
	return n;
}

bool
mail_local_is(struct view local, struct view bare)
{
	for (size_t i = 0; i < bare.n; i++) {
		int octet = next_bare(&local);
		if (octet < 0 || ascii_lower((char)octet) != ascii_lower(bare.p[i]))
			return false;
	}
	return next_bare(&local) < 0;
}
