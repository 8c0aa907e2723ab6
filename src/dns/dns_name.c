#include "dns/dns_name.h"

#include "dns/dns.h"

#include <string.h>

#define WIRE_MAX 255 /* RFC 1035 2.3.4 */

struct view
dns_name_trim(struct view name)
{
	if (name.n > 0 && name.p[name.n - 1] == '.')
		return view_sub(name, 0, name.n - 1);
	return name;
}

bool
dns_name_ok(struct view name)
{
	struct cursor c = cursor_over(name);

	if (name.n == 0 || name.n > DNS_NAME_MAX)
		return false;
	for (;;) { /* ends: each turn takes a label or returns */
		struct view label = cursor_until(&c, '.');

		if (label.n == 0 || label.n > DNS_LABEL_MAX)
			return false;
		if (!cursor_char(&c, '.'))
			return cursor_end(&c);
	}
}

static void
add_label(struct buffer *text, struct view label)
{
	struct cursor c = cursor_over(label);
	int octet;

	while ((octet = cursor_peek(&c)) >= 0) {
		if (octet == '.' || octet == '\\' || !char_in((char)octet, CC_VCHAR))
			buffer_addf(text, "\\%03d", octet);
		else
			buffer_add_char(text, ascii_lower((char)octet));
		cursor_take_n(&c, 1);
	}
}

bool
dns_name_from_wire(struct cursor *c, struct arena *arena, struct view *text)
{
	struct buffer b = buffer_in(arena);
	size_t start = cursor_offset(c);

	for (;;) { /* ends: each turn takes an octet or returns */
		int length = cursor_peek(c);
		struct view label;

		if (length < 0 || length > DNS_LABEL_MAX) /* no compression inside rdata from libunbound */
			return false;
		cursor_take_n(c, 1);
		if (cursor_offset(c) - start + (size_t)length > WIRE_MAX)
			return false;
		if (length == 0)
			break;
		label = cursor_take_n(c, (size_t)length);
		if (label.n < (size_t)length)
			return false;
		if (buffer_view(&b).n > 0)
			buffer_add_char(&b, '.');
		add_label(&b, label);
	}
	*text = buffer_view(&b);
	return true;
}

struct view
dns_name_escaped(struct view name, struct arena *arena)
{
	struct buffer b = buffer_in(arena);
	struct cursor c = cursor_over(name);

	while (!cursor_end(&c)) {
		buffer_add(&b, cursor_take(&c, CC_LDH | CC_UNDERSCORE | CC_DOT));
		if (!cursor_end(&c)) {
			buffer_addf(&b, "\\%03d", cursor_peek(&c));
			cursor_take_n(&c, 1);
		}
	}
	return buffer_view(&b);
}

/* One octet of a label in a zone file: X, \X or \DDD.  -1: none. */
static int
take_octet(struct cursor *c)
{
	uint64_t value;
	int octet = cursor_peek(c);

	if (octet < 0)
		return -1;
	cursor_take_n(c, 1);
	if (octet != '\\')
		return octet;
	octet = cursor_peek(c);
	if (octet < 0)
		return -1;
	if (!char_in((char)octet, CC_DIGIT)) {
		cursor_take_n(c, 1);
		return octet;
	}
	return view_to_u64(cursor_take_max(c, CC_DIGIT, 3), 255, &value) ? (int)value : -1;
}

static bool
label_to_wire(struct cursor *c, bool fold, struct buffer *wire)
{
	char label[DNS_LABEL_MAX];
	size_t n = 0;

	while (!cursor_end(c) && cursor_peek(c) != '.') {
		int octet = take_octet(c);

		if (octet < 0 || n == sizeof(label))
			return false;
		label[n++] = fold ? ascii_lower((char)octet) : (char)octet;
	}
	buffer_add_char(wire, (char)n);
	buffer_add(wire, (struct view){ label, n });
	return n > 0;
}

bool
dns_name_to_wire(struct view text, bool fold, struct buffer *wire)
{
	struct cursor c = cursor_over(text);
	size_t start = buffer_view(wire).n;

	if (text.n == 0)
		return false;
	if (!view_is(text, "."))
		do { /* ends: each turn takes a label or returns */
			if (!label_to_wire(&c, fold, wire))
				return false;
		} while (cursor_char(&c, '.') && !cursor_end(&c));
	buffer_add_char(wire, '\0');
	return buffer_view(wire).n - start <= WIRE_MAX;
}
