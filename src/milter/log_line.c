#include "milter/log_line.h"

#include "base/buffer.h"
#include "base/cursor.h"

#include <time.h>

#define TO_MAX 1000 /* of one line; ours name ten */

/* ---- where it begins ---- */

/* Behind the queue id; the id is the word before it.  Nothing that a stranger wrote stands further left. */
#define MARK VIEW_LIT(": client=")

static bool
find_mark(struct view line, struct view *id, struct view *rest)
{
	for (size_t i = 1; i + MARK.n <= line.n; i++) {
		if (!view_eq(view_sub(line, i, MARK.n), MARK))
			continue;
		struct view before = view_sub(line, 0, i);
		size_t space = view_find_last(before, ' ');
		*id = space == VIEW_NONE ? before : view_from(before, space + 1);
		*rest = view_from(line, i + 2);
		return id->n > 0;
	}
	return false;
}

/* ---- the stamp: RFC 3339, as rsyslog, journalctl -o short-iso and others write it ---- */

/* "Z", "+01:00", "-0500": seconds east. */
static bool
take_zone(struct cursor *c, int *east)
{
	int hours, minutes;

	*east = 0;
	if (cursor_char(c, 'Z'))
		return true;
	bool west = cursor_char(c, '-');
	if (!west && !cursor_char(c, '+'))
		return false;
	if (!cursor_digits(c, 2, 23, &hours))
		return false;
	cursor_char(c, ':');
	if (!cursor_digits(c, 2, 59, &minutes))
		return false;
	*east = (hours * 60 + minutes) * (west ? -60 : 60);
	return true;
}

static int64_t
stamp_of(struct view line)
{
	struct cursor c = cursor_over(line);
	struct tm tm = { 0 };
	int east;

	if (!cursor_digits(&c, 4, 9999, &tm.tm_year) || !cursor_char(&c, '-') || !cursor_digits(&c, 2, 12, &tm.tm_mon) ||
	    !cursor_char(&c, '-') || !cursor_digits(&c, 2, 31, &tm.tm_mday) ||
	    (!cursor_char(&c, 'T') && !cursor_char(&c, ' ')) || !cursor_digits(&c, 2, 23, &tm.tm_hour) ||
	    !cursor_char(&c, ':') || !cursor_digits(&c, 2, 59, &tm.tm_min) || !cursor_char(&c, ':') ||
	    !cursor_digits(&c, 2, 60, &tm.tm_sec))
		return -1;
	if (cursor_char(&c, '.') || cursor_char(&c, ','))
		cursor_take(&c, CC_DIGIT);
	if (!take_zone(&c, &east) || tm.tm_mon == 0 || tm.tm_mday == 0 || tm.tm_year < 1971)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (int64_t)timegm(&tm) - east;
}

/* ---- values ---- */

/* Within "", up to the closing one. */
static void
skip_quoted(struct cursor *c)
{
	cursor_char(c, '"');
	while (!cursor_end(c) && !cursor_char(c, '"')) /* ends: each turn takes an octet */
		if (cursor_take_n(c, 1).p[0] == '\\')
			cursor_take_n(c, 1);
}

/* All of a value, quotes included: it ends at a space outside of them. */
static struct view
take_value(struct cursor *c)
{
	size_t from = cursor_offset(c);

	while (!cursor_end(c) && cursor_peek(c) != ' ') { /* ends: each turn takes an octet */
		if (cursor_peek(c) == '"')
			skip_quoted(c);
		else
			cursor_take_n(c, 1);
	}
	return cursor_since(c, from);
}

static int
hex_value(char c)
{
	return c <= '9' ? c - '0' : ascii_lower(c) - 'a' + 10;
}

static void
unescape(struct cursor *c, struct buffer *out)
{
	if (cursor_char(c, 'x')) {
		struct view hex = cursor_take_max(c, CC_HEXDIG, 2);
		if (hex.n == 2)
			buffer_add_char(out, (char)(hex_value(hex.p[0]) << 4 | hex_value(hex.p[1])));
		return;
	}
	buffer_add(out, cursor_take_n(c, 1));
}

/* buffer_add_quoted the other way.  False: it was cut. */
static bool
unquote(struct view raw, struct arena *arena, struct view *value)
{
	struct cursor c = cursor_over(raw);
	struct buffer out = buffer_in(arena);

	if (view_ends(raw, VIEW_LIT("...")))
		return false;
	if (!cursor_char(&c, '"')) {
		*value = raw;
		return true;
	}
	while (!cursor_end(&c) && cursor_peek(&c) != '"') { /* ends: each turn takes an octet */
		if (cursor_char(&c, '\\'))
			unescape(&c, &out);
		else
			buffer_add(&out, cursor_take_n(&c, 1));
	}
	*value = buffer_view(&out);
	return cursor_char(&c, '"') && cursor_end(&c);
}

/* ---- the keys we want ---- */

struct reading {
	struct arena *arena;
	struct log_line *out;
	struct view *to;
	struct err *err;
};

typedef bool take_key(struct reading *r, struct view raw);

static bool
cut(struct reading *r, const char *key)
{
	return err_perm(r->err, "%s= was cut in the log, or is not as we write it", key);
}

/* NAME[IP] */
static bool
take_client(struct reading *r, struct view raw)
{
	size_t at = view_find_last(raw, '[');
	struct view name, ip;

	if (at == VIEW_NONE || !view_ends(raw, VIEW_LIT("]")))
		return cut(r, "client");
	ip = view_sub(raw, at + 1, raw.n - at - 2);
	if (!unquote(view_sub(raw, 0, at), r->arena, &name) || view_is(name, "unknown"))
		name = VIEW_EMPTY; /* a name too long to be shown decides nothing */
	r->out->name = name;
	r->out->local = view_is(ip, "local");
	return r->out->local || view_is(ip, "unknown") || ip_parse(ip, &r->out->client) || cut(r, "client");
}

static bool
take_trust(struct reading *r, struct view raw)
{
	r->out->trust = raw;
	return true;
}

static bool
take_helo(struct reading *r, struct view raw)
{
	if (!unquote(raw, r->arena, &r->out->helo))
		r->out->helo = raw; /* too long for a name, and shown like that: no check makes anything of it */
	return true;
}

static bool
take_from(struct reading *r, struct view raw)
{
	return unquote(raw, r->arena, &r->out->from) || cut(r, "from");
}

static bool
take_rcpts(struct reading *r, struct view raw)
{
	uint64_t n;

	r->out->whole = true;
	if (!view_to_u64(raw, 1000000000, &n))
		return cut(r, "rcpts");
	r->out->more = (size_t)n;
	return true;
}

static bool
add_to(struct reading *r, struct view raw)
{
	if (r->out->recipients == TO_MAX)
		return err_perm(r->err, "more than %d recipients in one line", TO_MAX);
	if (!unquote(raw, r->arena, &r->to[r->out->recipients]) || r->to[r->out->recipients].n == 0)
		return cut(r, "to");
	r->out->recipients++;
	return true;
}

/* Up to a comma with another path behind it, or with the count of the rest. */
static struct view
take_item(struct cursor *c)
{
	size_t from = cursor_offset(c);

	while (!cursor_end(c)) { /* ends: each turn takes an octet */
		struct view rest = cursor_rest(c);
		if (view_starts(rest, VIEW_LIT(",<")) || view_starts(rest, VIEW_LIT(",\"")) || view_starts(rest, VIEW_LIT(",+")))
			break;
		if (cursor_peek(c) == '"')
			skip_quoted(c);
		else
			cursor_take_n(c, 1);
	}
	return cursor_since(c, from);
}

/* <PATH>,...,+N */
static bool
take_to(struct reading *r, struct view raw)
{
	struct cursor c = cursor_over(raw);

	do { /* ends: each turn takes a comma */
		struct view item = take_item(&c);
		if (!view_starts(item, VIEW_LIT("+")) && !add_to(r, item))
			return false;
	} while (cursor_char(&c, ','));
	return true;
}

static const struct {
	const char *name;
	take_key *take;
} keys[] = {
	{ "client", take_client },
	{ "trust", take_trust },
	{ "helo", take_helo },
	{ "from", take_from },
	{ "rcpts", take_rcpts },
	{ "rcpt", take_to },
	{ "to", take_to },
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

/* Each once: what comes later is in the words of others. */
static bool
take_pair(struct reading *r, struct view name, struct view raw, unsigned *seen)
{
	for (size_t i = 0; i < KEYS; i++) {
		if (!view_is(name, keys[i].name) || (*seen & 1U << i) != 0)
			continue;
		*seen |= 1U << i;
		return (view_is(name, "to") && !r->out->whole) || keys[i].take(r, raw); /* "to" of one recipient: redirected */
	}
	return true;
}

bool
log_line_parse(struct view line, struct arena *arena, struct log_line *out, struct err *err)
{
	struct view rest;
	unsigned seen = 0;

	*out = (struct log_line){ .id = VIEW_EMPTY, .name = VIEW_EMPTY, .helo = VIEW_EMPTY, .from = VIEW_EMPTY,
		.trust = VIEW_EMPTY, .when = stamp_of(line) };
	line = view_trim_end(line);
	if (!find_mark(line, &out->id, &rest))
		return err_perm(err, "no line of assayd about a message: \"QUEUEID: client=\" is wanted in it");
	struct reading r = { arena, out, ARENA_ARRAY(arena, TO_MAX, struct view), err };
	struct cursor c = cursor_over(rest);
	while (!cursor_end(&c)) { /* ends: each turn takes an octet at least */
		struct view name = cursor_take(&c, CC_ALNUM | CC_UNDERSCORE);
		if (cursor_char(&c, '=') && name.n > 0 && !take_pair(&r, name, take_value(&c), &seen))
			return false;
		take_value(&c);
		cursor_take(&c, CC_WSP);
	}
	out->to = r.to;
	out->more = out->more > out->recipients ? out->more - out->recipients : 0;
	return out->from.n > 0 || cut(&r, "from");
}

/* ---- in a log ---- */

static bool
is_whole(struct view rest)
{
	struct cursor c = cursor_over(rest);

	while (!cursor_end(&c)) { /* ends: each turn takes an octet at least */
		if (cursor_text(&c, VIEW_LIT("rcpts=")))
			return true;
		take_value(&c);
		cursor_take(&c, CC_WSP);
	}
	return false;
}

bool
log_line_find(struct view log, struct view id, struct view *line)
{
	struct view one, found, rest;
	bool any = false, whole = false, more = log.n > 0;

	while (more) { /* ends: each turn takes a line */
		more = view_split(log, '\n', &one, &log);
		if (!find_mark(one, &found, &rest) || !view_eq(found, id) || (whole && !is_whole(rest)))
			continue;
		*line = one;
		any = true;
		whole = is_whole(rest);
	}
	return any;
}
