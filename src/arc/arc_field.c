#include "arc/arc_field.h"

#include "arc/arc.h"
#include "base/base64.h"
#include "base/cursor.h"
#include "base/names.h"
#include "mail/domain.h"
#include "mail/tag_list.h"

#define INSTANCE_DIGITS 2 /* RFC 8617 4.2.1: position = 1*2DIGIT */
#define SECONDS_MAX 999999999999 /* RFC 6376 3.5: t= and x= are 1*12DIGIT */

static const struct name_row kind_names[] = {
	{ "ARC-Authentication-Results", ARC_AAR },
	{ "ARC-Message-Signature", ARC_AMS },
	{ "ARC-Seal", ARC_SEAL },
	{ NULL, 0 },
};

static const struct name_row cv_names[] = {
	{ "none", ARC_CV_NONE },
	{ "fail", ARC_CV_FAIL },
	{ "pass", ARC_CV_PASS },
	{ NULL, 0 },
};

struct view
arc_kind_name(enum arc_kind kind)
{
	return view_of(name_of(kind_names, kind));
}

bool
arc_kind_of(struct view name, enum arc_kind *kind)
{
	int value;

	if (!name_value(kind_names, view_trim_end(name), &value))
		return false;
	*kind = (enum arc_kind)value;
	return true;
}

const char *
arc_cv_name(enum arc_cv cv)
{
	const char *name = name_of(cv_names, cv);

	return name == NULL ? "unknown" : name;
}

/* --- tags of both signatures ---------------------------------------------------------------- */

static bool
take_required(const struct tag_list *tags, const char *name, struct view *value, struct err *err)
{
	const struct tag *tag = tag_list_find(tags, name);

	if (tag == NULL)
		return err_perm(err, "no %s=", name);
	*value = tag->value;
	return tag->value.n > 0 || err_perm(err, "%s= is empty", name);
}

/* Values of tags are case-sensitive (RFC 6376 3.2), unlike what their names stand for in other fields. */
static bool
take_algorithm(const struct tag_list *tags, enum key_type *type, struct err *err)
{
	struct view value;

	if (!take_required(tags, "a", &value, err))
		return false;
	*type = view_is(value, "ed25519-sha256") ? KEY_ED25519 : KEY_RSA;
	if (*type == KEY_RSA && !view_is(value, "rsa-sha256"))
		return err_perm(err, "a= is neither rsa-sha256 nor ed25519-sha256");
	return true;
}

/*
 * d= or s=, U-labels included (RFC 8617 4.1.4).  They go into results and logs, so nothing but the
 * characters of host names and "_" is let through.
 */
static bool
take_name(const struct tag_list *tags, const char *tag, struct arena *arena, struct view *name, struct err *err)
{
	struct view value, ascii;

	if (!take_required(tags, tag, &value, err))
		return false;
	if (!domain_to_ascii(value, arena, &ascii, err))
		return err_in(err, "%s=", tag);
	if (!view_all_in(ascii, CC_LDH | CC_UNDERSCORE | CC_DOT))
		return err_perm(err, "%s= is not a name", tag);
	*name = ascii;
	return true;
}

/* domain-name = sub-domain 1*("." sub-domain)                                  RFC 6376 3.5 */
static bool
take_domain(const struct tag_list *tags, struct arena *arena, struct view *domain, struct err *err)
{
	struct view name;

	if (!take_name(tags, "d", arena, &name, err))
		return false;
	if (domain_labels(name) < 2)
		return err_perm(err, "d= is a single label");
	*domain = name;
	return true;
}

static bool
take_octets(const struct tag_list *tags, const char *tag, struct arena *arena, struct view *octets, struct err *err)
{
	struct view value;

	if (!take_required(tags, tag, &value, err))
		return false;
	if (!base64_decode(value, arena, octets, err))
		return err_in(err, "%s=", tag);
	return octets->n > 0 || err_perm(err, "%s= is empty", tag);
}

/* An optional number; -1: absent. */
static bool
take_number(const struct tag_list *tags, const char *name, uint64_t max, int64_t *number, struct err *err)
{
	const struct tag *tag = tag_list_find(tags, name);
	uint64_t value;

	*number = -1;
	if (tag == NULL)
		return true;
	if (!view_to_u64(tag->value, max, &value))
		return err_perm(err, "%s= is not a number as it should be", name);
	*number = (int64_t)value;
	return true;
}

static bool
decode_common(const struct tag_list *tags, struct arena *arena, struct arc_signature *sig, struct err *err)
{
	return take_algorithm(tags, &sig->type, err) && take_domain(tags, arena, &sig->domain, err) &&
	       take_name(tags, "s", arena, &sig->selector, err) && take_octets(tags, "b", arena, &sig->octets, err) &&
	       take_number(tags, "t", SECONDS_MAX, &sig->signed_at, err);
}

/* --- ARC-Message-Signature -------------------------------------------------------------------- */

static bool
canon_of(struct view word, enum canon *canon)
{
	*canon = view_is(word, "relaxed") ? CANON_RELAXED : CANON_SIMPLE;
	return *canon == CANON_RELAXED || view_is(word, "simple");
}

/*
 * c= : body "simple" when only one is named                                     RFC 6376 3.5
 * Without c=, DKIM means simple/simple; sealers of ARC that leave it out mean relaxed/relaxed: the ARC test suite
 * (ams_fields_c_na), dkimpy and Mail::DKIM agree on it.
 */
static bool
take_canon(const struct tag_list *tags, struct arc_signature *sig, struct err *err)
{
	const struct tag *tag = tag_list_find(tags, "c");
	struct view head, body;

	sig->header_canon = sig->body_canon = CANON_RELAXED;
	if (tag == NULL)
		return true;
	if (!view_split(tag->value, '/', &head, &body))
		body = VIEW_LIT("simple");
	if (!canon_of(head, &sig->header_canon) || !canon_of(body, &sig->body_canon))
		return err_perm(err, "c= names no canonicalization");
	return true;
}

/* How many names a list can hold that is short enough to be taken. */
static size_t
names_room(struct view list)
{
	struct view name;
	size_t n = 1;

	while (n < ARC_NAMES_MAX && view_split(list, ':', &name, &list))
		n++;
	return n;
}

/*
 * h= : names with ":" between them                                             RFC 6376 3.5
 * An empty name, an empty list and a list without From are let through, as the ARC test suite wants: the
 * seals bind the signature, and what it covers is for whoever trusts the sealer to judge.  An ARC-Seal must
 * not be covered (RFC 8617 4.1.2); the other two fields of ARC are, in mail that is out there.
 */
static bool
take_names(const struct tag_list *tags, struct arena *arena, struct arc_signature *sig, struct err *err)
{
	const struct tag *tag = tag_list_find(tags, "h");
	struct view rest, name;
	enum arc_kind kind;
	bool more;

	if (tag == NULL)
		return err_perm(err, "no h=");
	sig->names = ARENA_ARRAY(arena, names_room(tag->value), struct view);
	rest = tag->value;
	do { /* ends: each turn takes a name, at most ARC_NAMES_MAX of them */
		if (sig->names_n == ARC_NAMES_MAX)
			return err_perm(err, "h= names more than %d fields", ARC_NAMES_MAX);
		more = view_split(rest, ':', &name, &rest);
		name = view_trim(name);
		if (!view_all_in(name, CC_FTEXT))
			return err_perm(err, "h= holds what is no field name");
		if (arc_kind_of(name, &kind) && kind == ARC_SEAL)
			return err_perm(err, "h= covers an ARC-Seal");
		sig->names[sig->names_n++] = name;
	} while (more);
	return true;
}

static bool
decode_ams(const struct tag_list *tags, struct arena *arena, struct arc_signature *sig, struct err *err)
{
	if (!decode_common(tags, arena, sig, err) || !take_octets(tags, "bh", arena, &sig->body_hash, err) ||
	    !take_canon(tags, sig, err) || !take_names(tags, arena, sig, err) ||
	    !take_number(tags, "l", INT64_MAX, &sig->body_limit, err) ||
	    !take_number(tags, "x", SECONDS_MAX, &sig->expires_at, err))
		return false;
	if (sig->expires_at >= 0 && sig->expires_at <= sig->signed_at)
		return err_perm(err, "x= is not after t=");
	return true;
}

/* --- ARC-Seal --------------------------------------------------------------------------------- */

static enum arc_cv
find_cv(const struct tag_list *tags)
{
	const struct tag *tag = tag_list_find(tags, "cv");

	for (const struct name_row *row = cv_names; tag != NULL && row->name != NULL; row++)
		if (view_is(tag->value, row->name))
			return (enum arc_cv)row->value;
	return ARC_CV_UNKNOWN;
}

static bool
decode_seal(const struct tag_list *tags, enum arc_cv cv, struct arena *arena, struct arc_signature *sig,
    struct err *err)
{
	if (tag_list_find(tags, "h") != NULL)
		return err_perm(err, "h= is not allowed"); /* RFC 8617 4.1.3 */
	if (cv == ARC_CV_UNKNOWN)
		return err_perm(err, "cv= is neither none nor pass nor fail");
	sig->expires_at = sig->body_limit = -1; /* x= and l= mean nothing here */
	return decode_common(tags, arena, sig, err);
}

/* --- instances -------------------------------------------------------------------------------- */

/* position = 1*2DIGIT ; 1 - 50                                           RFC 8617 4.2.1 */
static bool
instance_of(struct view digits, unsigned *instance, struct err *err)
{
	uint64_t value;

	if (digits.n > INSTANCE_DIGITS || !view_to_u64(digits, ARC_INSTANCES_MAX, &value) || value == 0)
		return err_perm(err, "i= is not within 1 to %d", ARC_INSTANCES_MAX);
	*instance = (unsigned)value;
	return true;
}

static bool
parse_signature(struct arc_field *field, struct arena *arena, struct err *err)
{
	struct tag_list tags;

	if (!tag_list_parse(field->from->value, &tags, err))
		return false;
	const struct tag *i = tag_list_find(&tags, "i"), *b = tag_list_find(&tags, "b");
	if (i == NULL)
		return err_perm(err, "no i=");
	if (!instance_of(i->value, &field->instance, err))
		return false;
	if (b != NULL) {
		field->b_from = b->value_at;
		field->b_to = b->value_end;
	}
	struct err fault;
	if (field->kind == ARC_SEAL) {
		field->cv = find_cv(&tags);
		field->sound = decode_seal(&tags, field->cv, arena, &field->signature, &fault);
	} else {
		field->sound = decode_ams(&tags, arena, &field->signature, &fault);
	}
	if (!field->sound)
		field->why = arena_copy(arena, view_of(fault.text));
	return true;
}

/* [CFWS], comments within comments included                              RFC 5322 3.2.2 */
static void
skip_cfws(struct cursor *c)
{
	size_t depth = 0;

	do { /* ends: each turn takes an octet or stops the loop */
		cursor_take(c, depth > 0 ? CC_FWS | CC_CTEXT | CC_UTF8 : CC_FWS);
		if (cursor_char(c, '('))
			depth++;
		else if (depth > 0 && cursor_char(c, ')'))
			depth--;
		else if (depth == 0 || !cursor_char(c, '\\') || cursor_take_n(c, 1).n == 0)
			return;
	} while (true);
}

/* instance [CFWS] ";" authres-payload, instance = [CFWS] "i" [CFWS] "=" [CFWS] position   RFC 8617 4.1.1 */
static bool
parse_aar(struct arc_field *field, struct err *err)
{
	struct cursor c = cursor_over(field->from->value);

	skip_cfws(&c);
	if (!cursor_char(&c, 'i'))
		return err_perm(err, "does not begin with i=");
	skip_cfws(&c);
	if (!cursor_char(&c, '='))
		return err_perm(err, "does not begin with i=");
	skip_cfws(&c);
	if (!instance_of(cursor_take(&c, CC_DIGIT), &field->instance, err))
		return false;
	skip_cfws(&c);
	if (!cursor_char(&c, ';'))
		return err_perm(err, "no \";\" behind the instance");
	field->authres = cursor_rest(&c);
	field->sound = true;
	return true;
}

bool
arc_field_parse(enum arc_kind kind, const struct header_field *from, struct arena *arena,
    struct arc_field *field, struct err *err)
{
	*field = (struct arc_field){ .kind = kind, .from = from };
	bool ok = kind == ARC_AAR ? parse_aar(field, err) : parse_signature(field, arena, err);
	return ok || err_in(err, "%s", name_of(kind_names, kind));
}
