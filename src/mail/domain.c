#include "mail/domain.h"

#include "base/cursor.h"

#include <idn2.h>

#define DOMAIN_MAX 253	/* RFC 1035 2.3.4: 255 on the wire */
#define LABEL_MAX 63

/*
 * What libidn2 may be asked to map.  63 octets of A-label hold at most 59 code points of 4 octets each;
 * four labels of that and their dots stay below.
 */
#define U_DOMAIN_MAX 1024

static bool
check_lengths(struct view name, struct err *err)
{
	struct view label, rest = name;
	bool more;

	if (name.n > DOMAIN_MAX)
		return err_perm(err, "a domain of %zu octets", name.n);
	do { /* ends: each turn takes a label */
		more = view_split(rest, '.', &label, &rest);
		if (label.n == 0)
			return err_perm(err, "an empty label in a domain");
		if (label.n > LABEL_MAX)
			return err_perm(err, "a label of %zu octets", label.n);
	} while (more);
	return true;
}

static void
free_idn2(void *text)
{
	idn2_free(text);
}

/*
 * UTS 46 maps case, width and the ideographic dots before it converts.  What is no letter, digit, hyphen
 * or underscore afterwards was a disguise (U+FF20 is mapped to "@") and is refused.
 */
static bool
u_labels_to_ascii(struct view domain, struct arena *arena, struct view *ascii, struct err *err)
{
	uint8_t *mapped = NULL;

	if (domain.n > U_DOMAIN_MAX)
		return err_perm(err, "a domain of %zu octets", domain.n);
	if (!view_is_utf8(domain))
		return err_perm(err, "malformed UTF-8 in a domain");
	int rc = idn2_lookup_u8((const uint8_t *)arena_cstr(arena, domain), &mapped,
	    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK)
		return err_perm(err, "not an internationalized domain: %s", idn2_strerror(rc));
	arena_defer(arena, free_idn2, mapped);
	*ascii = arena_copy_lower(arena, view_of((const char *)mapped));
	if (!view_all_in(*ascii, CC_LDH | CC_UNDERSCORE | CC_DOT))
		return err_perm(err, "a domain with characters that stand for others");
	return true;
}

static struct view
without_final_dot(struct view name)
{
	return view_sub(name, 0, name.n - (view_ends(name, VIEW_LIT(".")) ? 1 : 0));
}

bool
domain_to_ascii(struct view domain, struct arena *arena, struct view *ascii, struct err *err)
{
	if (domain.n == 0)
		return err_perm(err, "an empty domain");
	if (!view_all_in(domain, CC_VCHAR | CC_UTF8))
		return err_perm(err, "a space or control character in a domain");
	if (!view_is_ascii(domain)) {
		if (!u_labels_to_ascii(domain, arena, ascii, err))
			return false;
		*ascii = without_final_dot(*ascii);
		return check_lengths(*ascii, err);
	}
	if (!check_lengths(without_final_dot(domain), err))
		return false;
	*ascii = arena_copy_lower(arena, without_final_dot(domain));
	return true;
}

bool
domain_is_fqdn(struct view ascii)
{
	struct view label, rest = ascii;
	bool more;

	if (!view_all_in(ascii, CC_LDH | CC_DOT) || !check_lengths(ascii, NULL) || view_find(ascii, '.') == VIEW_NONE)
		return false;
	do { /* ends: each turn takes a label */
		more = view_split(rest, '.', &label, &rest);
		if (view_starts(label, VIEW_LIT("-")) || view_ends(label, VIEW_LIT("-")))
			return false;
	} while (more);
	return true;
}

size_t
domain_labels(struct view ascii)
{
	struct view label, rest = ascii;
	size_t n = ascii.n > 0 ? 1 : 0;

	while (view_split(rest, '.', &label, &rest))
		n++;
	return n;
}

struct view
domain_parent(struct view ascii)
{
	struct view label, rest;

	view_split(ascii, '.', &label, &rest);
	return rest;
}

struct view
domain_last(struct view ascii, size_t n)
{
	size_t labels = domain_labels(ascii);

	if (n == 0)
		return VIEW_EMPTY;
	while (labels-- > n)
		ascii = domain_parent(ascii);
	return ascii;
}

bool
domain_within(struct view child, struct view parent)
{
	if (parent.n == 0 || child.n <= parent.n)
		return parent.n > 0 && view_eq_nocase(child, parent);
	return view_ends_nocase(child, parent) && view_ends(view_sub(child, 0, child.n - parent.n), VIEW_LIT("."));
}
