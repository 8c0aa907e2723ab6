#include "dmarc/dmarc_record.h"

#include "base/cursor.h"

const struct name_row dmarc_policy_names[] = {
	{ "none", DMARC_NONE },
	{ "quarantine", DMARC_QUARANTINE },
	{ "reject", DMARC_REJECT },
	{ "", DMARC_UNSET },
	{ NULL, 0 },
};

const struct name_row dmarc_psd_names[] = {
	{ "u", DMARC_PSD_U },
	{ "n", DMARC_PSD_N },
	{ "y", DMARC_PSD_Y },
	{ NULL, 0 },
};

static const struct name_row request_names[] = { /* dmarc-request; ABNF's quotes fold case (RFC 5234 2.3) */
	{ "none", DMARC_NONE },
	{ "quarantine", DMARC_QUARANTINE },
	{ "reject", DMARC_REJECT },
	{ NULL, 0 },
};

static const struct name_row rors_names[] = { { "r", false }, { "s", true }, { NULL, 0 } };
static const struct name_row yorn_names[] = { { "n", false }, { "y", true }, { NULL, 0 } };
static const struct name_row fo_names[] = {
	{ "0", DMARC_FO_0 },
	{ "1", DMARC_FO_1 },
	{ "d", DMARC_FO_D },
	{ "s", DMARC_FO_S },
	{ NULL, 0 },
};

/* RFC 9989 4.7 and 9.3; pct, rf and ri are RFC 7489's, "historic" since. */
enum known_tag {
	TAG_V,
	TAG_P,
	TAG_SP,
	TAG_NP,
	TAG_PSD,
	TAG_T,
	TAG_ADKIM,
	TAG_ASPF,
	TAG_RUA,
	TAG_RUF,
	TAG_FO,
	TAG_PCT,
	TAG_RF,
	TAG_RI,
};
static const struct name_row tag_names[] = {
	{ "v", TAG_V },	      { "p", TAG_P },	    { "sp", TAG_SP },	{ "np", TAG_NP },   { "psd", TAG_PSD },
	{ "t", TAG_T },	      { "adkim", TAG_ADKIM }, { "aspf", TAG_ASPF }, { "rua", TAG_RUA }, { "ruf", TAG_RUF },
	{ "fo", TAG_FO },     { "pct", TAG_PCT },   { "rf", TAG_RF },	{ "ri", TAG_RI },   { NULL, 0 },
};

static void add_flaw(struct dmarc_record *r, struct arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
add_flaw(struct dmarc_record *r, struct arena *arena, const char *fmt, ...)
{
	va_list ap;

	if (r->flaws == DMARC_FLAWS_MAX)
		return;
	va_start(ap, fmt);
	r->flaw[r->flaws++] = arena_vprintf(arena, fmt, ap);
	va_end(ap);
}

/* dmarc-version = "v" equals %s"DMARC1", then the end or dmarc-sep.  Leaves the cursor behind it. */
static bool
take_version(struct cursor *c)
{
	if (!cursor_char(c, 'v'))
		return false;
	cursor_take(c, CC_WSP);
	if (!cursor_char(c, '='))
		return false;
	cursor_take(c, CC_WSP);
	if (!cursor_text(c, VIEW_LIT("DMARC1")))
		return false;
	cursor_take(c, CC_WSP);
	return cursor_end(c) || cursor_peek(c) == ';';
}

bool
dmarc_record_claims(struct view text)
{
	struct cursor c = cursor_over(text);

	return take_version(&c);
}

/* name_value() folds case, which suits values; tag names are case-sensitive (RFC 6376 3.2). */
static bool
find_tag(struct view name, enum known_tag *tag)
{
	for (const struct name_row *row = tag_names; row->name != NULL; row++)
		if (view_is(name, row->name)) {
			*tag = (enum known_tag)row->value;
			return true;
		}
	return false;
}

/* "!" 1*DIGIT [ "k" / "m" / "g" / "t" ]: obsolete, to be ignored where it stands at the end. */
static struct view
without_size(struct view uri)
{
	size_t at = view_find_last(uri, '!');
	struct cursor c;

	if (at == VIEW_NONE)
		return uri;
	c = cursor_over(view_from(uri, at + 1));
	if (cursor_take(&c, CC_DIGIT).n == 0)
		return uri;
	if (!cursor_end(&c)) {
		int unit = ascii_lower((char)cursor_peek(&c));
		if (unit != 'k' && unit != 'm' && unit != 'g' && unit != 't')
			return uri;
		cursor_take_n(&c, 1);
	}
	return cursor_end(&c) ? view_sub(uri, 0, at) : uri;
}

/* unreserved, gen-delims, sub-delims and "%" HEXDIG HEXDIG of RFC 3986 2, without "," and "!" (RFC 9989 4.8). */
static bool
uri_octets_ok(struct view text)
{
	struct cursor c = cursor_over(text);

	while (!cursor_end(&c)) {
		if (cursor_char(&c, '%')) {
			if (cursor_take_max(&c, CC_HEXDIG, 2).n != 2)
				return false;
			continue;
		}
		int octet = cursor_any(&c, CC_VCHAR);
		if (octet < 0 || view_find(VIEW_LIT("\"<>\\^`{|},!"), (char)octet) != VIEW_NONE)
			return false;
	}
	return true;
}

static bool
uri_ok(struct view uri)
{
	struct view scheme, rest, local, domain;
	struct cursor c;

	if (!view_split(uri, ':', &scheme, &rest) || rest.n == 0 || !uri_octets_ok(rest))
		return false;
	c = cursor_over(scheme);
	if (cursor_any(&c, CC_ALPHA) < 0)
		return false;
	while (cursor_any(&c, CC_ALNUM | CC_HYPHEN | CC_DOT) >= 0 || cursor_char(&c, '+'))
		continue;
	if (!cursor_end(&c))
		return false;
	if (view_is_nocase(scheme, "mailto")) { /* of no use without an address */
		view_split(rest, '?', &rest, &domain);
		return view_split(rest, '@', &local, &domain) && local.n > 0 && domain.n > 0 &&
		    view_find(domain, '@') == VIEW_NONE;
	}
	if (view_is_nocase(scheme, "http") || view_is_nocase(scheme, "https"))
		return view_starts(rest, VIEW_LIT("//")) && rest.n > 2 && rest.p[2] != '/';
	return true;
}

/* Most records name one or two. */
static size_t
most_uris(struct view list)
{
	size_t n = 1;

	for (size_t i = 0; i < list.n && n < DMARC_URIS_MAX; i++)
		n += list.p[i] == ',';
	return n;
}

/* dmarc-urilist: what is no URI is left out, the others stay. */
static void
take_uris(struct dmarc_record *r, const char *name, struct view value, struct arena *arena, struct dmarc_uris *uris)
{
	struct view *list = ARENA_ARRAY(arena, most_uris(value), struct view);
	struct view one;
	bool more;

	uris->uri = list;
	do { /* ends: value gets shorter */
		more = view_split(value, ',', &one, &value);
		one = without_size(view_trim(one));
		if (!uri_ok(one))
			add_flaw(r, arena, "%s= holds something that is no reporting URI", name);
		else if (uris->n == DMARC_URIS_MAX)
			add_flaw(r, arena, "%s= holds more than %d URIs", name, DMARC_URIS_MAX);
		else
			list[uris->n++] = one;
	} while (more);
}

/* dmarc-fo: up to three of 0 1 d s in any order, each once, 0 and 1 not together. */
static bool
take_fo(struct view value, unsigned *fo)
{
	struct view one;
	unsigned all = 0;
	bool more;
	int bit;

	do { /* ends: value gets shorter */
		more = view_split(value, ':', &one, &value);
		if (!name_value(fo_names, one, &bit) || (all & (unsigned)bit) != 0)
			return false;
		all |= (unsigned)bit;
	} while (more);
	if ((all & DMARC_FO_0) != 0 && (all & DMARC_FO_1) != 0)
		return false;
	*fo = all;
	return true;
}

static enum dmarc_policy
take_request(struct dmarc_record *r, const char *name, struct view value, struct arena *arena)
{
	int policy = DMARC_UNSET;

	if (!name_value(request_names, value, &policy))
		add_flaw(r, arena, "%s= is neither none, quarantine nor reject", name);
	return (enum dmarc_policy)policy;
}

/* A value of a few words; preset stays when it is none of them (RFC 9989 4.8). */
static int
take_word(struct dmarc_record *r, const char *name, const struct name_row *words, struct view value, int preset,
    struct arena *arena)
{
	int word = preset;

	if (!name_value(words, value, &word))
		add_flaw(r, arena, "%s= has no value that is known; its preset holds", name);
	return word;
}

static void
take_value(struct dmarc_record *r, enum known_tag tag, struct view value, struct arena *arena)
{
	uint64_t pct;

	switch (tag) {
	case TAG_P:
		r->has_p = true;
		r->p = take_request(r, "p", value, arena);
		break;
	case TAG_SP:
		r->has_sp = true;
		r->sp = take_request(r, "sp", value, arena);
		break;
	case TAG_NP:
		r->has_np = true;
		r->np = take_request(r, "np", value, arena);
		break;
	case TAG_PSD:
		r->psd = (enum dmarc_psd)take_word(r, "psd", dmarc_psd_names, value, DMARC_PSD_U, arena);
		break;
	case TAG_T:
		r->test = take_word(r, "t", yorn_names, value, false, arena);
		break;
	case TAG_ADKIM:
		r->strict_dkim = take_word(r, "adkim", rors_names, value, false, arena);
		break;
	case TAG_ASPF:
		r->strict_spf = take_word(r, "aspf", rors_names, value, false, arena);
		break;
	case TAG_RUA:
		take_uris(r, "rua", value, arena, &r->rua);
		break;
	case TAG_RUF:
		take_uris(r, "ruf", value, arena, &r->ruf);
		break;
	case TAG_FO:
		if (take_fo(value, &r->fo))
			r->fo_text = value;
		else
			add_flaw(r, arena, "fo= is not of its grammar; 0 holds");
		break;
	case TAG_PCT:
		if (view_to_u64(value, 100, &pct))
			r->pct = (unsigned)pct;
		add_flaw(r, arena, "pct= is obsolete");
		break;
	case TAG_RF:
	case TAG_RI:
		add_flaw(r, arena, "%s= is obsolete", name_of(tag_names, tag));
		break;
	case TAG_V: /* the first was taken before; a second is a duplicate */
		break;
	}
}

/* *WSP [ tag *WSP "=" *WSP value ] *WSP.  False: a known tag for the second time. */
static bool
take_tag(struct dmarc_record *r, struct view spec, unsigned *seen, struct arena *arena, struct err *err)
{
	struct cursor c = cursor_over(view_trim(spec));
	struct view name = cursor_take(&c, CC_ALPHA);
	enum known_tag tag;

	cursor_take(&c, CC_WSP);
	if (name.n == 0 || !cursor_char(&c, '=')) {
		add_flaw(r, arena, "something between two semicolons is no tag=value");
		return true;
	}
	if (!find_tag(name, &tag)) {
		if (name.n <= 20)
			add_flaw(r, arena, "unknown tag %.*s=", VIEW_ARG(name));
		return true;
	}
	if ((*seen & 1u << tag) != 0)
		return err_perm(err, "%.*s= appears twice", VIEW_ARG(name));
	*seen |= 1u << tag;
	struct view value = view_trim(cursor_rest(&c));
	take_value(r, tag, view_all_in(value, CC_VCHAR | CC_WSP) ? value : VIEW_EMPTY, arena);
	return true;
}

/* RFC 9989 4.10.1, last but one paragraph; 4.7, "p". */
static void
judge(struct dmarc_record *r, struct arena *arena)
{
	bool wrong = (r->has_p && r->p == DMARC_UNSET) || (r->has_sp && r->sp == DMARC_UNSET) ||
	    (r->has_np && r->np == DMARC_UNSET);

	r->usable = (r->has_p && !wrong) || r->rua.n > 0;
	r->watch = r->usable && (!r->has_p || wrong);
	if (r->watch)
		add_flaw(r, arena, "%s: taken as p=none for the sake of rua=", wrong ? "a policy is not valid" : "no p=");
	else if (!r->usable)
		add_flaw(r, arena, "%s and no valid rua=: not to be applied", wrong ? "a policy is not valid" : "no p=");
}

bool
dmarc_record_parse(struct view text, struct arena *arena, struct dmarc_record *r, struct err *err)
{
	struct cursor c = cursor_over(text);
	unsigned seen = 1u << TAG_V;

	*r = (struct dmarc_record){ .text = text, .pct = 100, .fo = DMARC_FO_0, .fo_text = VIEW_LIT("0") };
	if (!take_version(&c))
		return err_perm(err, "does not begin with v=DMARC1");
	while (cursor_char(&c, ';')) {
		struct view spec = cursor_until(&c, ';');
		if (cursor_end(&c) && view_trim(spec).n == 0)
			break;
		if (!take_tag(r, spec, &seen, arena, err))
			return false;
	}
	if (r->ruf.n == 0)
		r->fo = DMARC_FO_0;
	judge(r, arena);
	return true;
}

/*
 * A record with a policy that is not valid is worth "p=none" alone (4.10.1); one that merely lacks p= is as
 * if it included p=none (4.7), and its sp= and np= stand.
 */
enum dmarc_policy
dmarc_record_policy(const struct dmarc_record *r, bool subdomain, bool nonexistent, const char **tag)
{
	*tag = "p";
	if (r->watch && (r->has_p || (r->has_sp && r->sp == DMARC_UNSET) || (r->has_np && r->np == DMARC_UNSET)))
		return DMARC_NONE;
	if (subdomain && nonexistent && r->np != DMARC_UNSET) {
		*tag = "np";
		return r->np;
	}
	if (subdomain && r->sp != DMARC_UNSET) {
		*tag = "sp";
		return r->sp;
	}
	return r->p == DMARC_UNSET ? DMARC_NONE : r->p;
}

bool
dmarc_record_wants_existence(const struct dmarc_record *r, bool subdomain)
{
	const char *tag;

	return r->usable &&
	    dmarc_record_policy(r, subdomain, false, &tag) != dmarc_record_policy(r, subdomain, true, &tag);
}
