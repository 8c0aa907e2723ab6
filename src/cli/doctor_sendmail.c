/*
 * Sendmail: the X lines of sendmail.cf and the list that makes them work.
 */
#include "cli/doctor.h"
#include "cli/path_walk.h"

#include <errno.h>
#include <unistd.h>

#define SENDMAIL_CF "/etc/mail/sendmail.cf"
/* doc/op 5.11: when T= does not say. */
#define SENDMAIL_REPLY_PRESET "10s"
#define SENDMAIL_END_PRESET "5m"

struct sendmail {
	struct mta_milter *milter;
	size_t n;
	struct view filters; /* InputMailFilters; empty: none */
};

/* The name of an option, "O InputMailFilters=a, b" */
static struct view
option_value(struct view line, struct view name)
{
	struct view head, value;

	if (!view_starts(line, VIEW_LIT("O ")) || !view_split(view_from(line, 2), '=', &head, &value) ||
	    !view_eq_nocase(view_trim(head), name))
		return VIEW_EMPTY;
	return view_trim(value);
}

static void
parse_cf(struct view text, struct arena *arena, struct sendmail *s)
{
	struct view line;

	*s = (struct sendmail){ .n = 0 };
	while (text.n > 0) { /* ends: each turn takes a line */
		view_split(text, '\n', &line, &text);
		struct view filters = option_value(line, VIEW_LIT("InputMailFilters"));
		if (filters.n > 0)
			s->filters = filters;
		if (!view_starts(line, VIEW_LIT("X")))
			continue;
		s->milter = arena_grow(arena, s->milter, s->n * sizeof(*s->milter), (s->n + 1) * sizeof(*s->milter));
		mta_milter_sendmail(view_trim_end(view_from(line, 1)), &s->milter[s->n++]);
	}
}

static bool
is_in_use(const struct sendmail *s, struct view name)
{
	struct view list = s->filters, word;

	while (postconf_word(&list, &word)) /* ends: each turn takes a word; the list has Postfix's form */
		if (view_eq(word, name))
			return true;
	return false;
}

/* ---- what is said ---- */

#define GOOD_LINE "F=T, T=C:30s;S:10s;R:%llds;E:5m"

static void
look_at_times(struct doctor *d, const struct mta_milter *m)
{
	int64_t needed = doctor_answer_seconds(d), reply = 0, end = 0;

	mta_time(m->command_timeout.n > 0 ? m->command_timeout : VIEW_LIT(SENDMAIL_REPLY_PRESET), 's', &reply);
	mta_time(m->content_timeout.n > 0 ? m->content_timeout : VIEW_LIT(SENDMAIL_END_PRESET), 's', &end);
	if (reply <= needed || end <= 2 * needed)
		doctor_problem(d, ADVICE(d, "INPUT_MAIL_FILTER(`%.*s', `S=%.*s, " GOOD_LINE "')dnl\nmake sendmail.cf, restart sendmail",
			VIEW_ARG(m->name), VIEW_ARG(m->address), (long long)needed + 10),
		    "X%.*s: it waits %lld s for an answer and %lld s at the end; assayd may wait %lld s for DNS", VIEW_ARG(m->name),
		    (long long)reply, (long long)end, (long long)needed);
}

/* safefile(): what group or others may write to is no safe way to a socket, unless it is sticky. */
static bool
is_safe(struct doctor *d, const struct mta_milter *m)
{
	struct path path;
	struct view stopped;

	if (m->kind != MTA_SOCKET_UNIX || path_look(m->path, d->arena, &path, &stopped) != PATH_THERE)
		return true;
	for (size_t i = 0; i + 1 < path.n; i++) {
		const struct path_step *step = &path.step[i];
		if ((step->mode & (S_IWGRP | S_IWOTH)) == 0 || (step->mode & S_ISVTX) != 0)
			continue;
		doctor_problem(d, ADVICE(d, "chmod go-w %.*s", VIEW_ARG(step->path)),
		    "X%.*s: Sendmail calls a socket unsafe and leaves the filter out when its group or others may write to %.*s (mode %04o)",
		    VIEW_ARG(m->name), VIEW_ARG(step->path), (unsigned)step->mode & 07777);
		return false;
	}
	return true;
}

static void
look_at_milter(struct doctor *d, const struct sendmail *s, const struct mta_milter *m)
{
	size_t before = d->lines;

	if (!is_in_use(s, m->name))
		doctor_problem(d, ADVICE(d, "INPUT_MAIL_FILTER instead of MAIL_FILTER in sendmail.mc, or name it in confINPUT_MAIL_FILTERS"),
		    "X%.*s is not in InputMailFilters: it is not asked", VIEW_ARG(m->name));
	is_safe(d, m);
	if (!view_is(m->default_action, "T"))
		doctor_warn(d, ADVICE(d, "F=T in the INPUT_MAIL_FILTER line of %.*s", VIEW_ARG(m->name)), "X%.*s: %s", VIEW_ARG(m->name),
		    m->default_action.n == 0 ? "without F=, mail comes in unchecked while assayd is away" :
					       "F= is not T: mail does not wait while assayd is away");
	look_at_times(d, m);
	if (d->lines == before)
		doctor_ok(d, "X%.*s comes to us, with F=T and long enough times", VIEW_ARG(m->name));
}

static void
look_at_filters(struct doctor *d, struct view path, const struct sendmail *s)
{
	struct view first = d->settings->process.listen.item[0];
	size_t ours = 0;

	for (size_t i = 0; i < s->n; i++)
		if (doctor_is_ours(d, &s->milter[i], s->milter[i].path) && ++ours)
			look_at_milter(d, s, &s->milter[i]);
	if (ours > 1)
		doctor_problem(d, ADVICE(d, "take all but one of the INPUT_MAIL_FILTER lines away"),
		    "%zu filters of %.*s are ours: each message is filtered as often", ours, VIEW_ARG(path));
	if (ours == 0)
		doctor_problem(d, ADVICE(d, "INPUT_MAIL_FILTER(`assay', `S=%.*s, " GOOD_LINE "')dnl\nmake sendmail.cf, restart sendmail",
			VIEW_ARG(first), (long long)doctor_answer_seconds(d) + 10),
		    "%.*s: no X line names an address of ours", VIEW_ARG(path));
}

void
doctor_sendmail(struct doctor *d)
{
	struct view path = d->wish->sendmail_cf.n > 0 ? d->wish->sendmail_cf : VIEW_LIT(SENDMAIL_CF), text;
	struct sendmail s;
	struct err err;

	if (d->wish->sendmail_cf.n == 0 && access(SENDMAIL_CF, F_OK) != 0) {
		if (d->postfix == NULL)
			doctor_problem(d, ADVICE(d, "name it: --postconf FILE, --postfix-conf DIR or --sendmail-cf FILE"),
			    "neither Postfix nor Sendmail is found here");
		else
			doctor_skip(d, "there is no " SENDMAIL_CF);
		return;
	}
	if (access(arena_cstr(d->arena, path), R_OK) != 0 && errno == EACCES) {
		doctor_skip(d, "%.*s: we may not read it: run as root", VIEW_ARG(path));
		return;
	}
	if (!cli_read(path, d->arena, &text, &err)) {
		doctor_problem(d, ADVICE(d, "name another with --sendmail-cf FILE"), "%s", err.text);
		return;
	}
	parse_cf(text, d->arena, &s);
	look_at_filters(d, path, &s);
}
