#include "dkim/dkim_signature.h"

#include "base/base64.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/names.h"
#include "mail/domain.h"
#include "mail/tag_list.h"

#define SHA256_OCTETS 32

/* Case matters in all of them (RFC 6376 3.2). */
static const struct name_row algorithms[] = {
	{ "rsa-sha256", DKIM_RSA_SHA256 },
	{ "ed25519-sha256", DKIM_ED25519_SHA256 },
	{ "rsa-sha1", DKIM_RSA_SHA1 },
	{ NULL, 0 },
};

static const struct name_row canons[] = {
	{ "simple", CANON_SIMPLE },
	{ "relaxed", CANON_RELAXED },
	{ NULL, 0 },
};

static bool
exact_value(const struct name_row *table, struct view name, int *value)
{
	return name_value(table, name, value) && view_is(name, name_of(table, *value));
}

static struct view
value_of(const struct tag_list *tags, const char *name)
{
	const struct tag *tag = tag_list_find(tags, name);

	return tag == NULL ? VIEW_EMPTY : tag->value;
}

/* --- for the report, whatever else is wrong --------------------------------------------------- */

/* domain-name of 3.5 with U-labels (RFC 8616); underscores are let through, as DNS does. */
static bool
take_domain(struct view text, struct arena *arena, struct view *ascii, struct err *err)
{
	if (!view_all_in(text, CC_LDH | CC_UNDERSCORE | CC_DOT | CC_UTF8))
		return err_perm(err, "no domain name");
	return domain_to_ascii(text, arena, ascii, err);
}

static bool
take_d(const struct tag_list *tags, struct arena *arena, struct dkim_signature *sig, struct err *err)
{
	struct view d;

	if (tag_list_find(tags, "d") == NULL)
		return err_perm(err, "no d=");
	if (!take_domain(value_of(tags, "d"), arena, &d, err))
		return err_in(err, "d=");
	if (domain_labels(d) < 2) /* domain-name = sub-domain 1*("." sub-domain) */
		return err_perm(err, "d= is a single label");
	sig->domain = d;
	return true;
}

static bool
take_s(const struct tag_list *tags, struct arena *arena, struct dkim_signature *sig, struct err *err)
{
	if (tag_list_find(tags, "s") == NULL)
		return err_perm(err, "no s=");
	return take_domain(value_of(tags, "s"), arena, &sig->selector, err) || err_in(err, "s=");
}

static int
hex_value(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : c - 'A' + 10;
}

/* hex-octet = "=" 2HEXDIG, in upper case                                 RFC 6376 2.11 */
static int
take_hex_octet(struct cursor *c)
{
	int high, low;

	if (!cursor_char(c, '='))
		return -1;
	high = cursor_any(c, CC_HEXDIG);
	low = cursor_any(c, CC_HEXDIG);
	if (high < 0 || low < 0 || high > 'F' || low > 'F')
		return -1;
	return hex_value(high) << 4 | hex_value(low);
}

/* dkim-quoted-printable = *(FWS / hex-octet / dkim-safe-char)            RFC 6376 2.11 */
static bool
decode_quoted(struct view text, struct arena *arena, struct view *out, struct err *err)
{
	struct buffer b = buffer_in(arena);
	struct cursor c = cursor_over(text);

	while (!cursor_end(&c)) {	/* ends: each turn takes an octet or returns */
		if (cursor_take(&c, CC_FWS).n > 0)
			continue;
		int octet = cursor_peek(&c) == '=' ? take_hex_octet(&c) : cursor_any(&c, CC_VALCHAR | CC_UTF8);
		if (octet < 0)
			return err_perm(err, "no quoted-printable text");
		if (b.n == DKIM_IDENTITY_MAX)
			return err_perm(err, "more than %d octets", DKIM_IDENTITY_MAX);
		buffer_add_char(&b, (char)octet);
	}
	*out = buffer_view(&b);
	return true;
}

static bool
split_identity(struct view decoded, struct arena *arena, struct dkim_signature *sig, struct err *err)
{
	size_t at = view_find_last(decoded, '@');
	struct view domain;

	if (at == VIEW_NONE)
		return err_perm(err, "no \"@\"");
	if (!take_domain(view_from(decoded, at + 1), arena, &domain, err))
		return false;
	struct buffer b = buffer_in(arena);
	buffer_add(&b, view_sub(decoded, 0, at + 1));
	buffer_add(&b, domain);
	sig->identity = buffer_view(&b);
	sig->identity_domain = domain;
	return true;
}

/* i= = [ Local-part ] "@" domain-name; "@" d= when absent */
static bool
take_i(const struct tag_list *tags, struct arena *arena, struct dkim_signature *sig, struct err *err)
{
	const struct tag *i = tag_list_find(tags, "i");
	struct view decoded;

	if (i == NULL) {
		struct buffer b = buffer_in(arena);
		buffer_add_char(&b, '@');
		buffer_add(&b, sig->domain);
		sig->identity = buffer_view(&b);
		sig->identity_domain = sig->domain;
		return true;
	}
	if (!decode_quoted(i->value, arena, &decoded, err) || !split_identity(decoded, arena, sig, err))
		return err_in(err, "i=");
	return true;
}

static bool
take_a(const struct tag_list *tags, struct dkim_signature *sig, struct err *err)
{
	int alg;

	if (tag_list_find(tags, "a") == NULL)
		return err_perm(err, "no a=");
	if (!exact_value(algorithms, value_of(tags, "a"), &alg))
		return err_perm(err, "a= names no algorithm that we know");
	sig->alg = (enum dkim_alg)alg;
	sig->algorithm = value_of(tags, "a");
	return true;
}

static struct view
without_white_space(struct view base64, struct arena *arena)
{
	struct buffer b = buffer_in(arena);
	struct cursor c = cursor_over(base64);

	while (!cursor_end(&c)) {	/* ends: there is nothing but octets of the two classes */
		cursor_take(&c, CC_FWS);
		buffer_add(&b, cursor_take(&c, CC_BASE64));
	}
	return buffer_view(&b);
}

static bool
take_b(const struct tag_list *tags, struct arena *arena, struct dkim_signature *sig, struct err *err)
{
	const struct tag *b = tag_list_find(tags, "b");

	if (b == NULL)
		return err_perm(err, "no b=");
	sig->signature_at = b->value_at;
	sig->signature_end = b->value_end;
	if (b->value.n > (size_t)DKIM_SIGNATURE_MAX * 2) /* base64 and its folds */
		return err_perm(err, "b= of %zu octets", b->value.n);
	if (!view_all_in(b->value, CC_BASE64 | CC_FWS) || !base64_decode(b->value, arena, &sig->signature, err))
		return err_perm(err, "b= is not base64");
	sig->signature_text = without_white_space(b->value, arena);
	return sig->signature.n > 0 || err_perm(err, "b= is empty");
}

/* --- the rest, in the order of 3.5 ------------------------------------------------------------- */

static bool
take_v(const struct tag_list *tags, struct err *err)
{
	if (tag_list_find(tags, "v") == NULL)
		return err_perm(err, "no v=");
	return view_is(value_of(tags, "v"), "1") || err_perm(err, "v= is not 1");
}

static bool
take_bh(const struct tag_list *tags, struct arena *arena, struct dkim_signature *sig, struct err *err)
{
	const struct tag *bh = tag_list_find(tags, "bh");

	if (bh == NULL)
		return err_perm(err, "no bh=");
	if (bh->value.n > 1024 || !base64_decode(bh->value, arena, &sig->body_hash, err))
		return err_perm(err, "bh= is not base64 of a hash");
	/* rsa-sha1 has a hash of another length, and is refused for what it is further below. */
	if (sig->alg != DKIM_RSA_SHA1 && sig->body_hash.n != SHA256_OCTETS)
		return err_perm(err, "bh= has %zu octets instead of %d", sig->body_hash.n, SHA256_OCTETS);
	return true;
}

/* c= = header [ "/" body ]; simple is what is left out */
static bool
take_c(const struct tag_list *tags, struct dkim_signature *sig, struct err *err)
{
	const struct tag *c = tag_list_find(tags, "c");
	struct view header, body;
	int canon;

	if (c == NULL)
		return true;
	bool both = view_split(c->value, '/', &header, &body);
	if (!exact_value(canons, header, &canon))
		return err_perm(err, "c= names no canonicalization that we know");
	sig->header_canon = (enum canon)canon;
	if (!both)
		return true;
	if (!exact_value(canons, body, &canon))
		return err_perm(err, "c= names no canonicalization that we know");
	sig->body_canon = (enum canon)canon;
	return true;
}

static size_t
count_names(struct view list)
{
	size_t n = 1;
	struct view name;

	while (view_split(list, ':', &name, &list))
		n++;
	return n;
}

/* h= = hdr-name *( [FWS] ":" [FWS] hdr-name ) */
static bool
take_h(const struct tag_list *tags, struct arena *arena, struct dkim_signature *sig, struct err *err)
{
	struct view name, rest = value_of(tags, "h");
	size_t n = count_names(rest);

	if (tag_list_find(tags, "h") == NULL)
		return err_perm(err, "no h=");
	if (n > DKIM_NAMES_MAX)
		return err_perm(err, "h= has %zu names, more than %d", n, DKIM_NAMES_MAX);
	struct view *names = ARENA_ARRAY(arena, n, struct view);
	for (size_t i = 0; i < n; i++) {
		view_split(rest, ':', &name, &rest);
		names[i] = view_trim(name);
		if (names[i].n == 0 || !view_all_in(names[i], CC_FTEXT))
			return err_perm(err, "h= holds what is no field name");
	}
	sig->names = names;
	sig->names_n = n;
	return true;
}

/* Digits, at most as many as the grammar has; a number that is too large for us is as good as infinite. */
static bool
take_number(const struct tag_list *tags, const char *name, size_t digits_max, int64_t *out, struct err *err)
{
	const struct tag *tag = tag_list_find(tags, name);
	uint64_t n = INT64_MAX;

	*out = -1;
	if (tag == NULL)
		return true;
	if (tag->value.n == 0 || tag->value.n > digits_max || !view_all_in(tag->value, CC_DIGIT))
		return err_perm(err, "%s= is no number", name);
	view_to_u64(tag->value, INT64_MAX, &n);
	*out = (int64_t)n;
	return true;
}

/* q= = a list of methods with colons; those we do not know are passed over */
static bool
take_q(const struct tag_list *tags, struct err *err)
{
	const struct tag *q = tag_list_find(tags, "q");
	struct view method, rest = q == NULL ? VIEW_EMPTY : q->value;
	bool more;

	if (q == NULL)
		return true;
	do {	/* ends: each turn takes a method */
		more = view_split(rest, ':', &method, &rest);
		if (view_is(view_trim(method), "dns/txt"))
			return true;
	} while (more);
	return err_perm(err, "q= names no query method that we know");
}

/* 3.5: "the value of x= MUST be greater than the value of t=".  l= has 76 digits at most; t= and x= twelve, but
 * longer ones may be taken for infinite. */
static bool
take_numbers(const struct tag_list *tags, struct dkim_signature *sig, struct err *err)
{
	if (!take_number(tags, "l", 76, &sig->body_limit, err) || !take_number(tags, "t", 76, &sig->signed_at, err) ||
	    !take_number(tags, "x", 76, &sig->expires_at, err))
		return false;
	if (sig->expires_at >= 0 && sig->signed_at >= 0 && sig->expires_at <= sig->signed_at)
		return err_perm(err, "x= is not later than t=");
	return true;
}

static bool
signs_from(const struct dkim_signature *sig)
{
	for (size_t i = 0; i < sig->names_n; i++)
		if (view_is_nocase(sig->names[i], "from"))
			return true;
	return false;
}

/* 6.1.1: what makes a well-formed signature worthless. */
static bool
check_sense(struct dkim_signature *sig, struct err *err)
{
	sig->fault = DKIM_INVALID;
	if (!signs_from(sig))
		return err_perm(err, "h= does not name From");
	if (!domain_within(sig->identity_domain, sig->domain))
		return err_perm(err, "the domain of i= is not within d=");
	if (sig->alg == DKIM_RSA_SHA1)
		return err_perm(err, "rsa-sha1 is historic (RFC 8301)");
	sig->fault = DKIM_SOUND;
	return true;
}

/* The first error is the one that is told; the others must not stop what the report needs. */
static bool
take_reported(const struct tag_list *tags, struct arena *arena, struct dkim_signature *sig, struct err *err)
{
	struct err later;
	bool ok = take_d(tags, arena, sig, err);

	ok = take_s(tags, arena, sig, ok ? err : &later) && ok;
	ok = take_a(tags, sig, ok ? err : &later) && ok;
	ok = take_b(tags, arena, sig, ok ? err : &later) && ok;
	if (sig->domain.n > 0)
		ok = take_i(tags, arena, sig, ok ? err : &later) && ok;
	return ok;
}

bool
dkim_signature_parse(struct view value, struct arena *arena, struct dkim_signature *sig, struct err *err)
{
	struct tag_list tags;

	*sig = (struct dkim_signature){ .fault = DKIM_SYNTAX, .body_limit = -1, .signed_at = -1, .expires_at = -1 };
	if (!tag_list_parse(value, &tags, err))
		return false;
	if (!take_reported(&tags, arena, sig, err))
		return false;
	if (!take_v(&tags, err) || !take_bh(&tags, arena, sig, err) || !take_c(&tags, sig, err) ||
	    !take_h(&tags, arena, sig, err) || !take_numbers(&tags, sig, err) || !take_q(&tags, err))
		return false;
	return check_sense(sig, err);
}
