#include "base/buffer.h"
#include "base/cursor.h"
#include "cli/doctor.h"
#include "cli/json.h"

#include <stdio.h>
#include <unistd.h>

static const char *const words[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_SKIPPED] = "skipped",
	[DOCTOR_WARNING] = "warning",
	[DOCTOR_PROBLEM] = "problem",
};
#define STATES (sizeof(words) / sizeof(words[0]))

#define TEXT_MAX 400 /* octets of a value of somebody else's */

bool
doctor_is_root(void)
{
	return geteuid() == 0;
}

struct view
doctor_clean(const struct doctor *d, struct view text)
{
	struct buffer b = buffer_in(d->arena);

	for (size_t i = 0; i < text.n && i < TEXT_MAX; i++)
		buffer_add_char(&b, char_in(text.p[i], CC_CTL) ? '?' : text.p[i]);
	if (text.n > TEXT_MAX)
		buffer_add_cstr(&b, "...");
	return buffer_view(&b);
}

bool
doctor_contains(struct view text, const char *word)
{
	struct view w = view_of(word);

	for (size_t i = 0; i + w.n <= text.n; i++)
		if (view_eq_nocase(view_sub(text, i, w.n), w))
			return true;
	return false;
}

/* ---- lines ---- */

/* Whatever a file or a server had: no line of ours moves a terminal's cursor. */
static struct view
printable(struct view text, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < text.n; i++)
		buffer_add_char(&b, text.p[i] != '\n' && char_in(text.p[i], CC_CTL) ? '?' : text.p[i]);
	return buffer_view(&b);
}

static void __attribute__((format(printf, 4, 0)))
add_line(struct doctor *d, enum doctor_state state, struct view advice, const char *fmt, va_list ap)
{
	d->line = arena_grow(d->arena, d->line, d->lines * sizeof(*d->line), (d->lines + 1) * sizeof(*d->line));
	d->line[d->lines++] = (struct doctor_line){
		.state = state,
		.check = d->check,
		.found = printable(arena_vprintf(d->arena, fmt, ap), d->arena),
		.advice = printable(advice, d->arena),
	};
}

void
doctor_ok(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_line(d, DOCTOR_OK, VIEW_EMPTY, fmt, ap);
	va_end(ap);
}

void
doctor_skip(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_line(d, DOCTOR_SKIPPED, VIEW_EMPTY, fmt, ap);
	va_end(ap);
}

void
doctor_warn(struct doctor *d, struct view advice, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_line(d, DOCTOR_WARNING, advice, fmt, ap);
	va_end(ap);
}

void
doctor_problem(struct doctor *d, struct view advice, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_line(d, DOCTOR_PROBLEM, advice, fmt, ap);
	va_end(ap);
}

/* ---- what becomes of them ---- */

static size_t
count(const struct doctor *d, enum doctor_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < d->lines; i++)
		n += d->line[i].state == state ? 1 : 0;
	return n;
}

static void
print_advice(struct view advice)
{
	struct view line;
	const char *head = "do:";

	while (advice.n > 0) { /* ends: each turn takes a line */
		view_split(advice, '\n', &line, &advice);
		printf("%-26s%-4s%.*s\n", "", head, VIEW_ARG(line));
		head = "";
	}
}

void
doctor_print(const struct doctor *d)
{
	for (size_t i = 0; i < d->lines; i++) {
		const struct doctor_line *l = &d->line[i];
		printf("%-9s%-17s%.*s\n", words[l->state], l->check, VIEW_ARG(l->found));
		print_advice(l->advice);
	}
	printf("\n%zu ok, %zu skipped, %zu warnings, %zu problems\n", count(d, DOCTOR_OK), count(d, DOCTOR_SKIPPED),
	    count(d, DOCTOR_WARNING), count(d, DOCTOR_PROBLEM));
}

void
doctor_print_json(const struct doctor *d)
{
	struct json j = json_in(d->arena);

	json_object(&j, NULL);
	json_array(&j, "lines");
	for (size_t i = 0; i < d->lines; i++) {
		const struct doctor_line *l = &d->line[i];
		json_object(&j, NULL);
		json_cstr(&j, "state", words[l->state]);
		json_cstr(&j, "check", l->check);
		json_text(&j, "found", l->found);
		if (l->advice.n > 0)
			json_text(&j, "do", l->advice);
		else
			json_null(&j, "do");
		json_end(&j, '}');
	}
	json_end(&j, ']');
	for (size_t s = 0; s < STATES; s++)
		json_number(&j, words[s], (int64_t)count(d, (enum doctor_state)s));
	json_end(&j, '}');
	json_print(&j);
}

int
doctor_status(const struct doctor *d)
{
	if (count(d, DOCTOR_PROBLEM) > 0)
		return CLI_FAIL;
	return count(d, DOCTOR_WARNING) > 0 ? CLI_NOTHING : CLI_OK;
}
