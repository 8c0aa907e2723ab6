#include "spf/spf_record.h"

#include "base/cursor.h"
#include "base/names.h"
#include "spf/spf_macro.h"

static const struct view version = { "v=spf1", 6 };

static const struct name_row mechanism_names[] = {
	{ "all", SPF_ALL },
	{ "include", SPF_INCLUDE },
	{ "a", SPF_A },
	{ "mx", SPF_MX },
	{ "ptr", SPF_PTR },
	{ "exists", SPF_EXISTS },
	{ "ip4", SPF_IP4 },
	{ "ip6", SPF_IP6 },
	{ NULL, 0 },
};

/* Room for a growing array of directives: most records have fewer. */
#define DIRECTIVES_FIRST 16

struct parser {
	struct cursor c;
	struct arena *arena;
	struct spf_directive *directive;
	size_t n, room;
	struct spf_record *record;
};

bool
spf_record_is(struct view txt)
{
	struct cursor c = cursor_over(txt);

	return cursor_text_nocase(&c, version) && (cursor_end(&c) || cursor_peek(&c) == ' ');
}

/* "/" ("0" / %x31-39 0*DIGIT): a leading zero is no number here.		RFC 7208 5.6 */
static bool
take_bits(struct cursor *c, int most, int *bits, struct err *err)
{
	size_t start = cursor_offset(c);
	uint64_t n;

	if (!cursor_u64(c, (uint64_t)most, &n))
		return err_perm(err, "no prefix length up to %d", most);
	struct view digits = cursor_since(c, start);
	if (digits.n > 1 && view_starts(digits, VIEW_LIT("0")))
		return err_perm(err, "a prefix length with a leading zero");
	*bits = (int)n;
	return true;
}

/* dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]		RFC 7208 5.6 */
static bool
parse_dual_cidr(struct view text, struct spf_directive *d, struct err *err)
{
	struct cursor c = cursor_over(text);

	if (cursor_end(&c))
		return true;
	if (!cursor_text(&c, VIEW_LIT("//"))) {
		if (!cursor_char(&c, '/') || !take_bits(&c, 32, &d->bits4, err))
			return err_perm(err, "a bad prefix length");
		if (cursor_end(&c))
			return true;
		if (!cursor_text(&c, VIEW_LIT("//")))
			return err_perm(err, "text behind the prefix length");
	}
	if (!take_bits(&c, 128, &d->bits6, err))
		return false;
	return cursor_end(&c) || err_perm(err, "text behind the prefix length");
}

/*
 * Where the prefix lengths of an argument begin.  A domain-spec may hold "/" itself, but never ends in one
 * or in a label of digits, so the prefix is what the trailing run of digits and slashes holds from its
 * first slash on: "foo:bar/baz.example.com", "a.example.com1/24//64".
 */
static size_t
cidr_start(struct view argument)
{
	size_t start = argument.n;
	struct view head = argument;

	while (head.n > 0 && (view_ends(head, VIEW_LIT("/")) || view_all_in(view_from(head, head.n - 1), CC_DIGIT))) {
		head = view_sub(head, 0, head.n - 1);	/* ends: one octet less each turn */
		if (view_starts(view_from(argument, head.n), VIEW_LIT("/")))
			start = head.n;
	}
	return start;
}

/* a, mx: [ ":" domain-spec ] [ dual-cidr-length ]				RFC 7208 5.3, 5.4 */
static bool
parse_a_mx(struct view rest, struct spf_directive *d, struct err *err)
{
	size_t cidr = cidr_start(rest);
	struct cursor c = cursor_over(view_sub(rest, 0, cidr));

	if (!parse_dual_cidr(view_from(rest, cidr), d, err))
		return false;
	if (cursor_end(&c))
		return true;
	if (!cursor_char(&c, ':'))
		return err_perm(err, "neither \":\" nor \"/\" behind the mechanism");
	d->domain_spec = cursor_rest(&c);
	return spf_domain_spec_check(d->domain_spec, err);
}

/* include, exists: ":" domain-spec; ptr: the same or nothing		RFC 7208 5.2, 5.5, 5.7 */
static bool
parse_domain_argument(struct view rest, bool optional, struct spf_directive *d, struct err *err)
{
	struct cursor c = cursor_over(rest);

	if (optional && cursor_end(&c))
		return true;
	if (!cursor_char(&c, ':'))
		return err_perm(err, "no \":\" and domain behind the mechanism");
	d->domain_spec = cursor_rest(&c);
	return spf_domain_spec_check(d->domain_spec, err);
}

/* An IPv4-mapped network is still one of IPv6: it matches no IPv4 client (RFC 7208 5). */
static void
unmap(struct ip *ip)
{
	struct ip mapped = { .family = 6, .octet = { [10] = 0xff, [11] = 0xff } };

	for (int i = 0; i < 4; i++)
		mapped.octet[12 + i] = ip->octet[i];
	*ip = mapped;
}

/* ip4: ":" ip4-network [ "/" bits ]; ip6: ":" ip6-network [ "/" bits ]	RFC 7208 5.6 */
static bool
parse_ip(struct view rest, struct spf_directive *d, struct err *err)
{
	bool v4 = d->mechanism == SPF_IP4;
	struct cursor c = cursor_over(rest);

	if (!cursor_char(&c, ':'))
		return err_perm(err, "no \":\" and network behind the mechanism");
	struct view network = cursor_until(&c, '/');
	/* ip_parse would also read the "IPv6:" of RFC 5321, and either family. */
	bool has_colon = view_find(network, ':') != VIEW_NONE;
	if (view_starts(network, VIEW_LIT("I")) || view_starts(network, VIEW_LIT("i")) || has_colon == v4 ||
	    !ip_parse(network, &d->net))
		return err_perm(err, "not an IPv%d network", v4 ? 4 : 6);
	if (!v4 && d->net.family == 4)
		unmap(&d->net);
	if (cursor_char(&c, '/') && !take_bits(&c, v4 ? 32 : 128, v4 ? &d->bits4 : &d->bits6, err))
		return false;
	return cursor_end(&c) || err_perm(err, "text behind the network");
}

static bool
parse_argument(struct view rest, struct spf_directive *d, struct err *err)
{
	switch (d->mechanism) {
	case SPF_ALL:
		return rest.n == 0 || err_perm(err, "text behind \"all\"");
	case SPF_INCLUDE:
	case SPF_EXISTS:
		return parse_domain_argument(rest, false, d, err);
	case SPF_PTR:
		return parse_domain_argument(rest, true, d, err);
	case SPF_A:
	case SPF_MX:
		return parse_a_mx(rest, d, err);
	case SPF_IP4:
	case SPF_IP6:
		return parse_ip(rest, d, err);
	}
	return err_perm(err, "no such mechanism");
}

static enum auth_result
qualifier_result(int qualifier)
{
	switch (qualifier) {
	case '-':
		return AUTH_FAIL;
	case '~':
		return AUTH_SOFTFAIL;
	case '?':
		return AUTH_NEUTRAL;
	default:
		return AUTH_PASS;
	}
}

static bool
add_directive(struct parser *p, const struct spf_directive *d, struct err *err)
{
	if (p->n == SPF_DIRECTIVES_MAX)
		return err_perm(err, "more than %d mechanisms", SPF_DIRECTIVES_MAX);
	if (p->n == p->room) {
		size_t room = p->room == 0 ? DIRECTIVES_FIRST : p->room * 2;
		p->directive = arena_grow(p->arena, p->directive, p->room * sizeof(*d), room * sizeof(*d));
		p->room = room;
	}
	p->directive[p->n++] = *d;
	return true;
}

/* directive = [ qualifier ] mechanism					RFC 7208 4.6.1 */
static bool
parse_directive(struct parser *p, struct view term, int qualifier, struct view name, struct view rest,
    struct err *err)
{
	struct spf_directive d = {
		.text = term,
		.result = qualifier_result(qualifier),
		.bits4 = 32,
		.bits6 = 128,
	};
	int mechanism;

	if (!name_value(mechanism_names, name, &mechanism))
		return err_perm(err, "no such mechanism");
	d.mechanism = (enum spf_mechanism)mechanism;
	return parse_argument(rest, &d, err) && add_directive(p, &d, err);
}

static bool
parse_known_modifier(struct view value, struct view *into, struct err *err)
{
	if (into->n > 0)
		return err_perm(err, "it appears twice"); /* RFC 7208 6 */
	*into = value;
	return spf_domain_spec_check(value, err);
}

/* modifier = redirect / explanation / unknown-modifier			RFC 7208 6, 12 */
static bool
parse_modifier(struct parser *p, struct view name, struct view value, struct err *err)
{
	if (view_is_nocase(name, "redirect"))
		return parse_known_modifier(value, &p->record->redirect, err);
	if (view_is_nocase(name, "exp"))
		return parse_known_modifier(value, &p->record->explain, err);
	return spf_macro_string_check(value, err); /* unknown ones are accepted and mean nothing: RFC 7208 6 */
}

/* A modifier has a name and "=" before any ":" or "/"; all else is a directive.	RFC 7208 4.6.1 */
static bool
parse_term(struct parser *p, struct view term, struct err *err)
{
	struct cursor c = cursor_over(term);
	int qualifier = cursor_peek(&c);

	if (qualifier == '+' || qualifier == '-' || qualifier == '?' || qualifier == '~')
		(void)cursor_take_n(&c, 1);
	else
		qualifier = 0;
	struct view name = cursor_take(&c, CC_ALNUM | CC_HYPHEN | CC_UNDERSCORE | CC_DOT);
	bool ok;
	if (qualifier == 0 && view_all_in(view_sub(name, 0, 1), CC_ALPHA) && name.n > 0 && cursor_char(&c, '='))
		ok = parse_modifier(p, name, cursor_rest(&c), err);
	else
		ok = parse_directive(p, term, qualifier, name, cursor_rest(&c), err);
	if (!ok)
		return err_in(err, "\"%.*s\"%s", (int)(term.n > 100 ? 100 : term.n), term.p, term.n > 100 ? "..." : "");
	return true;
}

/* record = version terms *SP; terms = *( 1*SP ( directive / modifier ) )	RFC 7208 4.5, 4.6.1 */
bool
spf_record_parse(struct view text, struct arena *arena, struct spf_record *record, struct err *err)
{
	struct parser p = { .c = cursor_over(text), .arena = arena, .record = record };

	*record = (struct spf_record){ .text = text };
	if (text.n > SPF_RECORD_MAX)
		return err_perm(err, "a record of %zu octets", text.n);
	if (!spf_record_is(text))
		return err_perm(err, "no \"v=spf1\" at the start");
	(void)cursor_take_n(&p.c, version.n);
	while (!cursor_end(&p.c)) { /* ends: each turn takes a space or returns */
		if (!cursor_char(&p.c, ' '))
			return err_perm(err, "octet %zu of the record is not visible ASCII", cursor_offset(&p.c));
		struct view term = cursor_take(&p.c, CC_VCHAR);
		if (term.n > 0 && !parse_term(&p, term, err))
			return false;
	}
	record->directive = p.directive;
	record->n = p.n;
	return true;
}

bool
spf_directive_has(const struct spf_directive *d, const struct ip *client)
{
	return ip_in(client, &d->net, d->mechanism == SPF_IP4 ? d->bits4 : d->bits6);
}
