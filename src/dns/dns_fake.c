#include "dns/dns_fake.h"

#include "base/names.h"
#include "dns/dns_fake_zone.h"
#include "dns/dns_name.h"

#define STRING_MAX 255 /* <character-string>, RFC 1035 3.3 */

enum word {
	WORD_TIMEOUT,
	WORD_SERVFAIL,
	WORD_NODATA,
	WORD_SECURE,
	WORD_DELAY,
};

static const struct name_row words[] = {
	{ "TIMEOUT", WORD_TIMEOUT },
	{ "SERVFAIL", WORD_SERVFAIL },
	{ "NODATA", WORD_NODATA },
	{ "SECURE", WORD_SECURE },
	{ "DELAY", WORD_DELAY },
	{ NULL, 0 },
};

/* Beside the types that can be asked. */
static const struct name_row types[] = {
	{ "NS", 2 },
	{ "CNAME", DNS_CNAME },
	{ NULL, 0 },
};

/* What is being read, for the verbs below. */
struct line {
	struct dns_fake *fake;
	struct cursor c;
	struct err *err;
	struct arena *scratch;
};

static void
skip_blank(struct line *line)
{
	int next;

	cursor_take(&line->c, CC_WSP | CC_CRLF);
	next = cursor_peek(&line->c);
	if (next == '#' || next == ';')
		cursor_take_n(&line->c, cursor_rest(&line->c).n);
}

static bool
line_end(struct line *line)
{
	skip_blank(line);
	return cursor_end(&line->c);
}

/* The next word, up to a blank; empty at the end and before a quote. */
static struct view
take_word(struct line *line)
{
	size_t start;

	skip_blank(line);
	start = cursor_offset(&line->c);
	while (!cursor_end(&line->c)) {
		int octet = cursor_peek(&line->c);

		if (char_in((char)octet, CC_FWS) || octet == '"')
			break;
		cursor_take_n(&line->c, octet == '\\' ? 2 : 1);
	}
	return cursor_since(&line->c, start);
}

/* A word as an error shows it. */
static const char *
shown(struct line *line, struct view word)
{
	struct buffer b = buffer_in(line->scratch);

	buffer_add_quoted(&b, word, 60);
	return arena_cstr(line->scratch, buffer_view(&b));
}

/* One octet of a quoted string; -1: the escape is none. */
static int
take_string_octet(struct cursor *c)
{
	int octet = cursor_peek(c);
	uint64_t value;

	cursor_take_n(c, 1);
	if (octet != '\\')
		return octet;
	octet = cursor_peek(c);
	if (octet >= 0 && char_in((char)octet, CC_DIGIT)) {
		struct view digits = cursor_take_max(c, CC_DIGIT, 3);

		return digits.n == 3 && view_to_u64(digits, 255, &value) ? (int)value : -1;
	}
	cursor_take_n(c, 1);
	return octet;
}

static bool
take_string(struct line *line, struct view *string)
{
	struct buffer b = buffer_in(line->scratch);

	if (!cursor_char(&line->c, '"'))
		return err_perm(line->err, "strings are written within quotes");
	while (!cursor_end(&line->c) && cursor_peek(&line->c) != '"') {
		int octet = take_string_octet(&line->c);

		if (octet < 0)
			return err_perm(line->err, "bad escape in a string");
		buffer_add_char(&b, (char)octet);
	}
	*string = buffer_view(&b);
	return cursor_char(&line->c, '"') || err_perm(line->err, "a string without its closing quote");
}

static bool
read_txt(struct line *line, struct buffer *rdata)
{
	do { /* ends: each turn takes a string or returns */
		struct view string;

		if (!take_string(line, &string))
			return false;
		do { /* ends: each turn takes a piece */
			struct view piece = view_sub(string, 0, STRING_MAX);

			buffer_add_char(rdata, (char)piece.n);
			buffer_add(rdata, piece);
			string = view_from(string, piece.n);
		} while (string.n > 0);
	} while (!line_end(line));
	return true;
}

static bool
read_addr(struct line *line, int family, struct buffer *rdata)
{
	struct view word = take_word(line);
	struct ip ip;

	/* ::ffff:192.0.2.1 is an IPv4 address to ip_parse; nobody puts it into an AAAA record on purpose. */
	if (!ip_parse(word, &ip) || ip.family != family)
		return err_perm(line->err, "%s is no IPv%d address", shown(line, word), family);
	buffer_add(rdata, (struct view){ (const char *)ip.octet, family == 4 ? 4 : 16 });
	return true;
}

static bool
read_name(struct line *line, struct buffer *rdata)
{
	struct view word = take_word(line);

	return dns_name_to_wire(word, false, rdata) || err_perm(line->err, "%s is no name", shown(line, word));
}

static bool
read_number(struct line *line, uint64_t max, const char *what, uint64_t *value)
{
	struct view word = take_word(line);

	return view_to_u64(word, max, value)
	    || err_perm(line->err, "%s: a number up to %llu is wanted, not %s", what, (unsigned long long)max,
		shown(line, word));
}

static int
hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower((char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
read_hex(struct line *line, struct buffer *rdata)
{
	while (!line_end(line)) {
		int high = hex_digit(cursor_any(&line->c, CC_HEXDIG));
		int low = hex_digit(cursor_any(&line->c, CC_HEXDIG));

		if (high < 0 || low < 0)
			return err_perm(line->err, "hexadecimal digits in pairs are wanted");
		buffer_add_char(rdata, (char)(high << 4 | low));
	}
	return true;
}

static bool
read_mx(struct line *line, struct buffer *rdata)
{
	uint64_t preference;

	if (!read_number(line, 65535, "MX preference", &preference))
		return false;
	buffer_add_char(rdata, (char)(preference >> 8));
	buffer_add_char(rdata, (char)(preference & 0xff));
	return read_name(line, rdata);
}

static bool
read_tlsa(struct line *line, struct buffer *rdata)
{
	static const char *const fields[] = { "TLSA usage", "TLSA selector", "TLSA matching type" };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint64_t value;

		if (!read_number(line, 255, fields[i], &value))
			return false;
		buffer_add_char(rdata, (char)value);
	}
	return read_hex(line, rdata);
}

/* TYPE16 and its like: octets as they are, well-formed or not.  "\\# 4" in front as in RFC 3597 5. */
static bool
read_raw(struct line *line, struct buffer *rdata)
{
	uint64_t length;

	skip_blank(line);
	if (cursor_text(&line->c, VIEW_LIT("\\#")) && !read_number(line, 65535, "length", &length))
		return false;
	return read_hex(line, rdata);
}

static bool
read_rdata(struct line *line, int type, bool raw, struct buffer *rdata)
{
	skip_blank(line);
	if (raw)
		return read_raw(line, rdata);
	switch (type) {
	case DNS_A:
		return read_addr(line, 4, rdata);
	case DNS_AAAA:
		return read_addr(line, 6, rdata);
	case DNS_MX:
		return read_mx(line, rdata);
	case DNS_TXT:
		return read_txt(line, rdata);
	case DNS_TLSA:
		return read_tlsa(line, rdata);
	default: /* PTR, CNAME, NS */
		return read_name(line, rdata);
	}
}

/* A word that says how things fail, for a name or for one type of it. */
static bool
outcome_of(struct view word, enum fake_outcome *outcome)
{
	int value;

	if (!name_value(words, word, &value) || value > WORD_NODATA)
		return false;
	*outcome = value == WORD_TIMEOUT ? FAKE_TIMEOUT : value == WORD_SERVFAIL ? FAKE_SERVFAIL : FAKE_RECORDS;
	return true;
}

static bool
read_record(struct line *line, struct fake_node *node, int type, bool raw, uint32_t ttl)
{
	struct fake_set *set = fake_set_make(line->fake, node, type);
	struct buffer rdata = buffer_in(line->scratch);
	size_t start = cursor_offset(&line->c);
	struct fake_rdata *one;

	if (outcome_of(take_word(line), &set->outcome))
		return true;
	cursor_back(&line->c, start);
	if (!read_rdata(line, type, raw, &rdata))
		return false;
	if (type == DNS_CNAME && set->n > 0)
		return err_perm(line->err, "a second CNAME of the same name");
	one = ARENA_NEW(line->fake->arena, struct fake_rdata);
	one->octets = arena_copy(line->fake->arena, buffer_view(&rdata));
	*set->last = one;
	set->last = &one->next;
	set->n++;
	if (ttl < set->ttl)
		set->ttl = ttl;
	return true;
}

static bool
read_word(struct line *line, struct fake_node *node, enum word word, struct view text)
{
	uint64_t delay;

	if (outcome_of(text, &node->outcome))
		return true;
	if (word == WORD_SECURE) {
		node->secure = true;
		return true;
	}
	if (!read_number(line, DNS_FAKE_DELAY_MAX, "DELAY", &delay))
		return false;
	node->delay_ms = (int64_t)delay;
	line->fake->has_delays = true;
	return true;
}

static bool
type_of(struct view word, int *type, bool *raw)
{
	enum dns_type known;
	uint64_t number;

	*raw = false;
	if (dns_type_of(word, &known)) {
		*type = known;
		return true;
	}
	if (name_value(types, word, type))
		return true;
	*raw = true;
	if (!view_eq_nocase(view_sub(word, 0, 4), VIEW_LIT("TYPE")) || !view_to_u64(view_from(word, 4), 65535, &number))
		return false;
	*type = (int)number;
	return true;
}

/* name [ttl] [IN] type rdata, or name word */
static bool
read_line(struct line *line)
{
	struct view name = take_word(line), word;
	struct buffer wire = buffer_in(line->scratch);
	struct fake_node *node;
	uint64_t ttl = DNS_FAKE_TTL;
	int value;
	bool ok, raw;

	if (!dns_name_to_wire(name, true, &wire))
		return err_perm(line->err, "%s is no name", shown(line, name));
	node = fake_make(line->fake, buffer_view(&wire));
	word = take_word(line);
	for (int i = 0; i < 2; i++) /* in either order */
		if (view_is_nocase(word, "IN") || view_to_u64(word, INT32_MAX, &ttl))
			word = take_word(line);
	if (type_of(word, &value, &raw))
		ok = read_record(line, node, value, raw, (uint32_t)ttl);
	else if (name_value(words, word, &value))
		ok = read_word(line, node, (enum word)value, word);
	else
		return err_perm(line->err, "%s is no type and no outcome", shown(line, word));
	return ok && (line_end(line) || err_perm(line->err, "more than belongs into one line"));
}

struct dns_fake *
dns_fake_parse(struct view text, struct arena *arena, struct err *err)
{
	struct dns_fake *fake = ARENA_NEW(arena, struct dns_fake);
	struct arena *scratch = arena_new();
	struct cursor c = cursor_over(text);
	bool ok = true;

	fake->arena = arena;
	for (size_t number = 1; ok && !cursor_end(&c); number++) {
		struct line line = { .fake = fake, .c = cursor_over(cursor_until(&c, '\n')), .err = err };

		cursor_char(&c, '\n');
		line.scratch = scratch;
		if (!line_end(&line) && !read_line(&line))
			ok = err_in(err, "line %zu", number);
		arena_reset(scratch);
	}
	arena_free(scratch);
	return ok ? fake : NULL;
}
