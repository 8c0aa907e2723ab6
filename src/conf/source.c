#include "conf/source.h"

#include "base/buffer.h"
#include "base/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The joined text while it grows. */
struct join {
	struct arena *arena;
	struct buffer out;
	unsigned lines; /* ends of lines in out */
	struct conf_segment segment[2 * CONF_INCLUDES_MAX + 1];
	size_t segments;
	size_t includes;
	struct view folder; /* with its final slash; where includes are looked for */
	bool include_allowed;
	struct conf_place *place;
	const char **warning;
	struct err *err;
};

/* One file on its way into the join. */
struct scan {
	struct join *join;
	struct cursor c;
	size_t copied; /* octets of c.text that are in the join */
	const char *file;
	unsigned line;
	unsigned depth;
	bool line_start;
	bool included;
};

static bool scan_file(struct join *join, struct view text, const char *file, bool included);

/* ---- files -------------------------------------------------------------------------------- */

static bool
read_open(int fd, size_t size, const char *path, struct arena *arena, struct view *text, struct err *err)
{
	char *p = arena_alloc(arena, size + 1);
	size_t n = 0;
	ssize_t got = 1;

	while (got > 0 && n <= size) {
		got = read(fd, p + n, size + 1 - n);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got < 0)
			return err_perm(err, "%s: cannot be read: %s", path, strerrordesc_np(errno));
		else
			n += (size_t)got;
	}
	if (n > size)
		return err_perm(err, "%s: grew while it was read", path);
	*text = (struct view){ p, n };
	return true;
}

static bool
read_whole(const char *path, struct join *join, struct view *text)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not stop us */

	if (fd < 0)
		return err_perm(join->err, "%s: cannot be opened: %s", path, strerrordesc_np(errno));
	bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	if (!ok)
		err_perm(join->err, "%s: not a file", path);
	else if (st.st_size > CONF_FILE_MAX)
		ok = err_perm(join->err, "%s: larger than %d octets", path, CONF_FILE_MAX);
	else
		ok = read_open(fd, (size_t)st.st_size, path, join->arena, text, join->err);
	close(fd);
	if (ok && (st.st_mode & S_IWOTH) != 0 && join->warning != NULL)
		*join->warning = arena_printf(join->arena, "%s: warning: everybody may write to this file", path).p;
	return ok;
}

/* ---- joining ------------------------------------------------------------------------------ */

static void
join_segment(struct join *join, const char *file, unsigned line)
{
	struct conf_segment s = { join->lines + 1, file, line };

	if (join->segments > 0 && join->segment[join->segments - 1].from == s.from)
		join->segments--; /* nothing came of the one before */
	join->segment[join->segments++] = s;
}

static void
join_add(struct join *join, struct view v)
{
	buffer_add(&join->out, v);
	for (size_t i = 0; i < v.n; i++)
		join->lines += v.p[i] == '\n';
}

static void
scan_flush(struct scan *s, size_t upto)
{
	join_add(s->join, view_sub(s->c.text, s->copied, upto - s->copied));
	s->copied = upto;
}

static bool
wrong(const struct scan *s)
{
	*s->join->place = (struct conf_place){ s->file, s->line };
	return false;
}

/* @include [WSP] "NAME", the name without backslashes.  c stands behind the name's closing quote after. */
static bool
take_include(struct scan *s)
{
	struct join *join = s->join;
	size_t begin = cursor_offset(&s->c);
	struct view name, text;

	if (!cursor_text(&s->c, VIEW_LIT("@include")) || cursor_take(&s->c, CC_WSP).n == 0 || !cursor_char(&s->c, '"'))
		return err_perm(join->err, "\"@\" has no meaning here; includes are: @include \"FILE\"") || wrong(s);
	name = cursor_until(&s->c, '"');
	if (name.n == 0 || view_find(name, '\n') != VIEW_NONE || view_find(name, '\\') != VIEW_NONE ||
	    !cursor_char(&s->c, '"'))
		return err_perm(join->err, "@include wants the name of a file in quotes") || wrong(s);
	if (s->included)
		return err_perm(join->err, "an included file includes no others") || wrong(s);
	if (!join->include_allowed)
		return err_perm(join->err, "@include is not possible here") || wrong(s);
	if (++join->includes > CONF_INCLUDES_MAX)
		return err_perm(join->err, "more than %d includes", CONF_INCLUDES_MAX) || wrong(s);
	scan_flush(s, begin);
	s->copied = cursor_offset(&s->c);
	struct view folder = name.p[0] == '/' ? VIEW_EMPTY : join->folder;
	const char *path = arena_printf(join->arena, "%.*s%.*s", VIEW_ARG(folder), VIEW_ARG(name)).p;
	if (!read_whole(path, join, &text))
		return wrong(s);
	join_add(join, VIEW_LIT("\n")); /* so that its first line is a line of its own */
	if (!scan_file(join, text, path, true))
		return false;
	join_add(join, VIEW_LIT("\n"));
	join_segment(join, s->file, s->line);
	return true;
}

/* ---- the text as libconfig's scanner sees it ------------------------------------------------ */

static bool
skip_comment(struct scan *s)
{
	unsigned began = s->line;

	while (!cursor_text(&s->c, VIEW_LIT("*/"))) {
		int c = cursor_any(&s->c, ~0u);
		if (c < 0) {
			s->line = began;
			return err_perm(s->join->err, "a comment begins here and is not closed") || wrong(s);
		}
		s->line += c == '\n';
	}
	return true;
}

/* Behind the opening quote. */
static bool
skip_text(struct scan *s)
{
	struct err *err = s->join->err;

	for (;;) { /* ends: each turn takes an octet, or returns */
		cursor_take(&s->c, CC_QTEXT | CC_WSP | CC_UTF8); /* all but the quote, the backslash, controls */
		if (cursor_char(&s->c, '"'))
			return true;
		if (cursor_text_nocase(&s->c, VIEW_LIT("\\x00")))
			return err_perm(err, "a text cannot hold \\x00") || wrong(s);
		if (cursor_text(&s->c, VIEW_LIT("\\\\")) || cursor_text(&s->c, VIEW_LIT("\\\"")))
			continue;
		if (cursor_any(&s->c, CC_VCHAR | CC_WSP | CC_UTF8) < 0)
			return err_perm(err, "a text is not closed on its line, or holds a control character") ||
			    wrong(s);
	}
}

/* Digits, a sign has gone before. */
static bool
skip_number(struct scan *s)
{
	size_t begin = cursor_offset(&s->c);
	uint64_t value;
	bool hex = cursor_text_nocase(&s->c, VIEW_LIT("0x"));
	struct view digits = cursor_take(&s->c, hex ? CC_HEXDIG : CC_DIGIT);
	bool fits_int = hex ? digits.n <= 7 : view_to_u64(digits, INT_MAX, &value);
	bool fits_64 = hex ? digits.n <= 15 : view_to_u64(digits, INT64_MAX, &value);
	bool is_float = !hex && (cursor_peek(&s->c) == '.' || cursor_peek(&s->c) == 'e' || cursor_peek(&s->c) == 'E');
	struct view shown = view_sub(cursor_since(&s->c, begin), 0, 40);

	if (is_float || fits_int)
		return true;
	if (!fits_64)
		return err_perm(s->join->err, "%.*s is too large a number", VIEW_ARG(shown)) || wrong(s);
	if (cursor_peek(&s->c) != 'L')
		return err_perm(s->join->err, "a number this large is written with an L behind it: %.*sL",
			   VIEW_ARG(shown)) ||
		    wrong(s);
	return true;
}

static bool
nest(struct scan *s, int c)
{
	if ((c == '}' || c == ')' || c == ']') && s->depth > 0)
		s->depth--;
	else if ((c == '{' || c == '(' || c == '[') && ++s->depth > CONF_NESTING_MAX)
		return err_perm(s->join->err, "more than %d groups or lists within each other", CONF_NESTING_MAX) ||
		    wrong(s);
	return true;
}

/* One token, or what stands between tokens. */
static bool
scan_one(struct scan *s)
{
	bool line_start = s->line_start;
	int c = cursor_peek(&s->c);

	s->line_start = false;
	if (c == '@' && line_start)
		return take_include(s);
	if (char_in((char)c, CC_DIGIT))
		return skip_number(s);
	if (c == ' ' || c == '\t') {
		cursor_take(&s->c, CC_WSP);
		s->line_start = line_start;
		return true;
	}
	if (c == '/' && cursor_text(&s->c, VIEW_LIT("/*")))
		return skip_comment(s);
	if (c == '#' || (c == '/' && cursor_text(&s->c, VIEW_LIT("//")))) {
		cursor_until(&s->c, '\n');
		return true;
	}
	if (c == '*' || char_in((char)c, CC_ALPHA)) { /* a name: its digits are no number */
		cursor_any(&s->c, ~0u);
		while (cursor_take(&s->c, CC_ALNUM | CC_HYPHEN | CC_UNDERSCORE).n > 0 || cursor_char(&s->c, '*'))
			;
		return true;
	}
	cursor_any(&s->c, ~0u);
	s->line_start = c == '\n';
	s->line += c == '\n';
	if (c == '"')
		return skip_text(s);
	if (c == '@')
		return err_perm(s->join->err, "\"@\" has no meaning here; @include begins its line") || wrong(s);
	if (c != '\n' && c != '\r' && c != '\f' && !char_in((char)c, CC_VCHAR | CC_WSP))
		return err_perm(s->join->err, "octet 0x%02x has no meaning here%s", (unsigned)c, (unsigned)c < 0x80 ? "" :
			": outside of texts there is ASCII only; quotes are \"") || wrong(s);
	return nest(s, c);
}

/* Calls itself once at most: an included file includes no others. */
static bool
scan_file(struct join *join, struct view text, const char *file, bool included)
{
	struct scan s = {
		.join = join, .c = cursor_over(text), .file = file, .line = 1, .line_start = true, .included = included,
	};

	if (view_find(text, '\0') != VIEW_NONE)
		return err_perm(join->err, "a NUL octet: not a text file") || wrong(&s);
	if (view_starts(text, VIEW_LIT("\xef\xbb\xbf")))
		return err_perm(join->err, "begins with a byte order mark: save it as UTF-8 without one") || wrong(&s);
	join_segment(join, file, 1);
	while (!cursor_end(&s.c))
		if (!scan_one(&s))
			return false;
	scan_flush(&s, text.n);
	return true;
}

static bool
join_all(struct join *join, struct view text, const char *file, struct conf_source *source)
{
	join->out = buffer_in(join->arena);
	if (!scan_file(join, text, file, false))
		return false;
	join_add(join, VIEW_LIT("\n")); /* libconfig takes no comment that ends with the text */
	struct conf_segment *segment = ARENA_ARRAY(join->arena, join->segments, struct conf_segment);
	memcpy(segment, join->segment, join->segments * sizeof(*segment));
	*source = (struct conf_source){ arena_cstr(join->arena, buffer_view(&join->out)), segment, join->segments };
	return true;
}

bool
conf_source_file(const char *path, struct arena *arena, struct conf_source *source, struct conf_place *place,
    const char **warning, struct err *err)
{
	size_t slash = view_find_last(view_of(path), '/');
	struct join join = {
		.arena = arena,
		.folder = slash == VIEW_NONE ? VIEW_EMPTY : (struct view){ path, slash + 1 },
		.include_allowed = true,
		.place = place,
		.warning = warning,
		.err = err,
	};
	struct view text;

	*place = (struct conf_place){ NULL, 0 }; /* read_whole names the file itself */
	*warning = NULL;
	return read_whole(path, &join, &text) && join_all(&join, text, path, source);
}

bool
conf_source_text(struct view text, const char *name, struct arena *arena, struct conf_source *source,
    struct conf_place *place, struct err *err)
{
	struct join join = { .arena = arena, .place = place, .err = err };

	*place = (struct conf_place){ name, 0 };
	if (text.n > CONF_FILE_MAX)
		return err_perm(err, "larger than %d octets", CONF_FILE_MAX);
	return join_all(&join, text, name, source);
}

struct conf_place
conf_source_place(const struct conf_source *source, unsigned line)
{
	const struct conf_segment *s = &source->segment[0];

	for (size_t i = 1; i < source->segments && source->segment[i].from <= line; i++)
		s = &source->segment[i];
	return (struct conf_place){ s->file, s->line + (line > s->from ? line - s->from : 0) };
}

struct view
conf_source_line(const struct conf_source *source, unsigned line)
{
	struct cursor c = cursor_over(view_of(source->text));

	for (unsigned i = 1; i < line; i++) {
		cursor_until(&c, '\n');
		cursor_char(&c, '\n');
	}
	return view_trim(cursor_until(&c, '\n'));
}
