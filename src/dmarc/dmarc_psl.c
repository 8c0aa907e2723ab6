#include "dmarc/dmarc_psl.h"

#include "base/cursor.h"
#include "base/hash.h"
#include "mail/domain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum rule_kind { /* may be joined: "jp" and "*.jp" are two rules of one name */
	RULE_PLAIN = 1,	   /* co.uk */
	RULE_WILD = 2,	   /* *.ck, kept as ck */
	RULE_EXCEPTION = 4 /* !www.ck, kept as www.ck */
};

struct rule {
	struct view name; /* A-labels, lower case; empty: a free place */
	unsigned kinds;
};

struct dmarc_psl {
	struct rule *place; /* open addressing; at most half full */
	size_t places;	    /* a power of two */
	size_t rules, bad_lines;
	int64_t dated;
};

static struct rule *
find_place(const struct dmarc_psl *psl, struct view name)
{
	size_t at = (size_t)hash_view(name) & (psl->places - 1);

	while (psl->place[at].name.n > 0 && !view_eq(psl->place[at].name, name))
		at = (at + 1) & (psl->places - 1); /* ends: half of the places are free */
	return &psl->place[at];
}

static bool
has_rule(const struct dmarc_psl *psl, struct view name, enum rule_kind kind)
{
	return name.n > 0 && (find_place(psl, name)->kinds & kind) != 0;
}

/* "// VERSION: 2023-02-09_10-11-49_UTC" */
static void
take_version(struct dmarc_psl *psl, struct view line)
{
	struct cursor c = cursor_over(line);
	uint64_t year, month, day;

	if (!cursor_text(&c, VIEW_LIT("// VERSION: ")) || !cursor_u64(&c, 9999, &year) || !cursor_char(&c, '-') ||
	    !cursor_u64(&c, 12, &month) || !cursor_char(&c, '-') || !cursor_u64(&c, 31, &day) || year < 1970 || month < 1 ||
	    day < 1)
		return;
	struct tm tm = { .tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)day };
	psl->dated = timegm(&tm);
}

/* "Each line is only read up to the first whitespace"; "!" and "*." in front. */
static void
take_rule(struct dmarc_psl *psl, struct view line, struct arena *arena)
{
	struct cursor c = cursor_over(line);
	enum rule_kind kind = RULE_PLAIN;
	struct view name;

	if (cursor_char(&c, '!'))
		kind = RULE_EXCEPTION;
	else if (cursor_text(&c, VIEW_LIT("*.")))
		kind = RULE_WILD;
	name = cursor_take(&c, CC_VCHAR | CC_UTF8);
	if (name.n > 0 && name.p[0] == '.')
		name = view_from(name, 1); /* "optionally with a leading dot" */
	if (view_find(name, '*') != VIEW_NONE || !domain_to_ascii(name, arena, &name, NULL) || name.n == 0) {
		psl->bad_lines++;
		return;
	}
	struct rule *rule = find_place(psl, name);
	rule->name = name;
	psl->rules += (rule->kinds & kind) == 0;
	rule->kinds |= kind;
}

static void
take_line(struct dmarc_psl *psl, struct view line, struct arena *arena)
{
	line = view_trim(line);
	if (view_starts(line, VIEW_LIT("//")))
		take_version(psl, line);
	else if (line.n > 0)
		take_rule(psl, line, arena);
}

static bool
read_rules(struct view text, struct arena *arena, struct dmarc_psl **out, struct err *err)
{
	struct dmarc_psl *psl = ARENA_NEW(arena, struct dmarc_psl);
	struct view line, rest = text;
	size_t lines = 1;

	for (size_t at; (at = view_find(rest, '\n')) != VIEW_NONE; rest = view_from(rest, at + 1))
		lines++;
	for (psl->places = 16; psl->places < 2 * lines + 2; psl->places *= 2)
		continue;
	psl->place = ARENA_ARRAY(arena, psl->places, struct rule);
	psl->dated = -1;
	for (rest = text; rest.n > 0;) { /* ends: rest gets shorter */
		view_split(rest, '\n', &line, &rest);
		take_line(psl, line, arena);
	}
	if (psl->rules == 0)
		return err_perm(err, "not one rule in %zu lines", lines);
	*out = psl;
	return true;
}

bool
dmarc_psl_read(struct view text, struct arena *arena, const struct dmarc_psl **out, struct err *err)
{
	struct dmarc_psl *psl = NULL;
	bool ok = read_rules(text, arena, &psl, err);

	*out = psl;
	return ok;
}

static bool
read_all(int fd, size_t n, struct arena *arena, struct view *text)
{
	char *p = arena_alloc(arena, n);
	size_t got = 0;

	while (got < n) {
		ssize_t r = read(fd, p + got, n - got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return false;
		if (r == 0)
			break; /* it has become shorter meanwhile */
		got += (size_t)r;
	}
	*text = (struct view){ p, got };
	return true;
}

bool
dmarc_psl_load(const char *path, struct arena *arena, const struct dmarc_psl **out, struct err *err)
{
	struct dmarc_psl *psl = NULL;
	struct view text = VIEW_EMPTY;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang the start */

	if (fd < 0)
		return err_perm(err, "%s: %s", path, strerror(errno));
	bool ok = fstat(fd, &st) == 0;
	if (ok && (!S_ISREG(st.st_mode) || st.st_size > DMARC_PSL_OCTETS_MAX)) {
		close(fd);
		return err_perm(err, "%s: not a file of at most %d octets", path, DMARC_PSL_OCTETS_MAX);
	}
	struct arena *scratch = arena_new(); /* the rules are copies */
	ok = ok && read_all(fd, (size_t)st.st_size, scratch, &text);
	int saved = errno;
	close(fd);
	if (!ok)
		err_perm(err, "%s: %s", path, strerror(saved));
	else if (!(ok = read_rules(text, arena, &psl, err)))
		err_in(err, "%s", path);
	else if (psl->dated < 0)
		psl->dated = st.st_mtime;
	arena_free(scratch);
	*out = psl;
	return ok;
}

size_t
dmarc_psl_rules(const struct dmarc_psl *psl)
{
	return psl->rules;
}

size_t
dmarc_psl_bad_lines(const struct dmarc_psl *psl)
{
	return psl->bad_lines;
}

int64_t
dmarc_psl_dated(const struct dmarc_psl *psl)
{
	return psl->dated;
}

/* The wiki's algorithm: an exception prevails, then the rule with the most labels, then "*". */
struct view
dmarc_psl_suffix(const struct dmarc_psl *psl, struct view domain)
{
	struct view suffix = domain_last(domain, 1);

	for (struct view d = domain; d.n > 0; d = domain_parent(d))
		if (has_rule(psl, d, RULE_EXCEPTION))
			return domain_parent(d).n > 0 ? domain_parent(d) : d;
	for (struct view d = domain; d.n > 0; d = domain_parent(d))
		if (has_rule(psl, d, RULE_PLAIN) || has_rule(psl, domain_parent(d), RULE_WILD))
			return d;
	return suffix;
}

struct view
dmarc_psl_org(const struct dmarc_psl *psl, struct view domain)
{
	return domain_last(domain, domain_labels(dmarc_psl_suffix(psl, domain)) + 1);
}
