#include "scenario.h"

#include "base/buffer.h"
#include "base/cursor.h"

#include <string.h>

static struct view
take_line(struct cursor *c)
{
	struct view line = cursor_until(c, '\n');

	cursor_char(c, '\n');
	return line;
}

static unsigned
hex_value(char c)
{
	c = ascii_lower(c);
	return (unsigned)(c >= 'a' ? c - 'a' + 10 : c - '0');
}

static void
unescape_one(struct cursor *c, struct buffer *b)
{
	static const char from[] = "rnt\\", to[] = "\r\n\t\\";
	struct view hex;

	if (cursor_char(c, 'x')) {
		hex = cursor_take_max(c, CC_HEXDIG, 2);
		if (hex.n == 2)
			buffer_add_char(b, (char)(hex_value(hex.p[0]) * 16 + hex_value(hex.p[1])));
		return;
	}
	struct view letter = cursor_take_n(c, 1);
	const char *at = letter.n == 0 ? NULL : strchr(from, letter.p[0]);
	if (at != NULL)
		buffer_add_char(b, to[at - from]);
}

struct view
scenario_unescape(struct view text, unsigned turn, struct arena *arena)
{
	struct buffer b = buffer_in(arena);
	struct cursor c = cursor_over(text);

	while (!cursor_end(&c)) {
		if (cursor_char(&c, '\\'))
			unescape_one(&c, &b);
		else if (cursor_text(&c, VIEW_LIT("%n")))
			buffer_addf(&b, "%u", turn);
		else
			buffer_add(&b, cursor_take_n(&c, 1));
	}
	return buffer_view(&b);
}

struct view
scenario_show(struct view text, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < text.n; i++) {
		unsigned char o = (unsigned char)text.p[i];
		if (o == '\n')
			buffer_add_cstr(&b, "\n= ");
		else if (o == '\\')
			buffer_add_cstr(&b, "\\\\");
		else if (o == '\t' || (o >= ' ' && o != 127))
			buffer_add_char(&b, (char)o);
		else
			buffer_addf(&b, "\\x%02x", o);
	}
	return buffer_view(&b);
}

/* "word" WSP "rest" */
static void
split_word(struct view line, struct view *word, struct view *rest)
{
	struct cursor c = cursor_over(line);

	*word = cursor_take(&c, CC_ALNUM | CC_HYPHEN);
	cursor_take(&c, CC_WSP);
	*rest = cursor_rest(&c);
}

static struct view
take_message(struct cursor *c)
{
	size_t from = cursor_offset(c), to = from;

	while (!cursor_end(c)) {
		to = cursor_offset(c);
		if (view_is(take_line(c), "."))
			break;
	}
	return view_sub(c->text, from, to - from);
}

static bool
take_repeat(struct step *step, struct err *err)
{
	struct view count, rest;
	uint64_t n;

	split_word(step->rest, &count, &rest);
	if (!view_to_u64(count, 1000000, &n) || n == 0)
		return err_perm(err, "line %u: repeat wants a number", step->line);
	step->repeat = (unsigned)n;
	split_word(rest, &step->word, &step->rest);
	return true;
}

struct parser {
	struct scenario *s;
	struct arena *arena;
	struct cursor c;
	unsigned line;
	size_t room;
	struct buffer conf, dns, virtual, aliases;
};

static struct step *
new_step(struct parser *p)
{
	struct scenario *s = p->s;

	if (s->steps == p->room) {
		size_t room = p->room * 2 + 16;
		s->step = arena_grow(p->arena, s->step, p->room * sizeof(*s->step), room * sizeof(*s->step));
		p->room = room;
	}
	s->step[s->steps] = (struct step){ .line = p->line, .repeat = 1 };
	return &s->step[s->steps++];
}

static void
take_wanted(struct parser *p, struct step *step)
{
	struct buffer b = buffer_in(p->arena);

	step->wanted_from = cursor_offset(&p->c);
	while (view_starts(cursor_rest(&p->c), VIEW_LIT("= "))) {
		buffer_add(&b, take_line(&p->c));
		buffer_add_char(&b, '\n');
		p->line++;
	}
	step->wanted = buffer_view(&b);
	step->wanted_to = cursor_offset(&p->c);
}

static bool
take_clock(struct parser *p, struct view rest, struct err *err)
{
	uint64_t n;

	if (!view_to_u64(view_trim(rest), INT64_MAX, &n))
		return err_perm(err, "line %u: clock wants seconds", p->line);
	p->s->clock = (int64_t)n;
	return true;
}

/* What is gathered before the session begins. */
static struct buffer *
text_of(struct parser *p, struct view word)
{
	return view_is(word, "conf") ? &p->conf : view_is(word, "dns") ? &p->dns : view_is(word, "virtual") ? &p->virtual :
	    view_is(word, "aliases") ? &p->aliases : NULL;
}

static bool
take_step(struct parser *p, struct view line, struct err *err)
{
	struct step step = { .line = p->line, .repeat = 1 };

	split_word(line, &step.word, &step.rest);
	if (view_is(step.word, "clock"))
		return take_clock(p, step.rest, err);
	if (view_is(step.word, "host")) {
		p->s->host = step.rest;
		return true;
	}
	struct buffer *b = text_of(p, step.word);
	if (b != NULL) {
		buffer_add(b, step.rest);
		buffer_add_char(b, '\n');
		return true;
	}
	if (view_is(step.word, "repeat") && !take_repeat(&step, err))
		return false;
	struct step *kept = new_step(p);
	kept->word = step.word;
	kept->rest = step.rest;
	kept->repeat = step.repeat;
	if (view_is(step.word, "message")) {
		struct view lines = take_message(&p->c);
		for (size_t i = 0; i < lines.n; i++)
			p->line += lines.p[i] == '\n';
		p->line++;
		kept->rest = arena_printf(p->arena, "%.*s\n", VIEW_ARG(step.rest));
		struct buffer whole = buffer_in(p->arena);
		buffer_add(&whole, kept->rest);
		buffer_add(&whole, lines);
		kept->rest = buffer_view(&whole);
	}
	take_wanted(p, kept);
	return true;
}

bool
scenario_parse(struct view text, struct arena *arena, struct scenario *s, struct err *err)
{
	struct parser p = { .s = s, .arena = arena, .c = cursor_over(text) };

	*s = (struct scenario){ .text = text, .clock = 1700000000, .host = VIEW_LIT("host.example") };
	p.conf = buffer_in(arena);
	p.dns = buffer_in(arena);
	p.virtual = buffer_in(arena);
	p.aliases = buffer_in(arena);
	while (!cursor_end(&p.c)) {
		struct view line = take_line(&p.c);
		p.line++;
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (view_starts(line, VIEW_LIT("= ")))
			return err_perm(err, "line %u: an answer without a step", p.line);
		if (!take_step(&p, line, err))
			return false;
	}
	s->conf = buffer_view(&p.conf);
	s->dns = buffer_view(&p.dns);
	s->virtual = buffer_view(&p.virtual);
	s->aliases = buffer_view(&p.aliases);
	return true;
}
