#include "cli/explain.h"

#include "base/buffer.h"

#include <stdio.h>

#define GREEN "\033[32m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define DIM "\033[2m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

#define KEY_WIDTH 14

static const char *
paint(const struct story *st, const char *sgr)
{
	return st->colour ? sgr : "";
}

static const char *
paint_mood(const struct story *st, enum story_mood mood)
{
	static const char *const sgr[] = {
		[MOOD_PLAIN] = "", [MOOD_GOOD] = GREEN, [MOOD_BAD] = RED, [MOOD_ODD] = YELLOW,
	};

	return paint(st, sgr[mood]);
}

/* An odd octet of a stranger must not reach a terminal. */
static void
print_clean(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == '\n')
			printf("\n%*s", KEY_WIDTH + 2, "");
		else
			putchar(v.p[i] == '\t' || (v.p[i] >= ' ' && v.p[i] <= '~') ? v.p[i] : '?');
}

void
story_row(const struct story *st, const char *key, enum story_mood mood, struct view value)
{
	if (st->json)
		return;
	printf("%s%-*s%s  %s", paint(st, DIM), KEY_WIDTH, key, paint(st, PLAIN), paint_mood(st, mood));
	print_clean(value);
	printf("%s\n", mood == MOOD_PLAIN ? "" : paint(st, PLAIN));
}

void
story_rowf(const struct story *st, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	story_row(st, key, MOOD_PLAIN, arena_vprintf(st->arena, fmt, ap));
	va_end(ap);
}

void
story_part(struct story *st, const char *name)
{
	if (!st->json) {
		printf("\n%s%s%s\n", paint(st, BOLD), name, paint(st, PLAIN));
		return;
	}
	if (st->in_part)
		json_end(&st->j, ']');
	json_array(&st->j, name);
	st->in_part = true;
}

enum story_mood
story_mood_of(enum auth_result result)
{
	switch (result) {
	case AUTH_PASS:
		return MOOD_GOOD;
	case AUTH_FAIL:
		return MOOD_BAD;
	case AUTH_NONE:
		return MOOD_PLAIN;
	default:
		return MOOD_ODD;
	}
}

/* ---- replies ---- */

static const char *const answers[] = {
	[SESSION_CONTINUE] = "250 ok",
	[SESSION_SKIP] = "250 ok",
	[SESSION_REJECT] = "550 refused",
	[SESSION_TEMPFAIL] = "451 deferred",
	[SESSION_ACCEPT] = "250 accepted",
	[SESSION_DISCARD] = "250 discarded",
};

static void
reply_json(struct story *st, const char *at, struct view about, const struct session_reply *r)
{
	json_object(&st->j, NULL);
	json_cstr(&st->j, "at", at);
	json_text(&st->j, "about", about);
	json_cstr(&st->j, "answer", answers[r->answer]);
	json_number(&st->j, "code", r->code);
	json_text(&st->j, "enhanced", r->enhanced);
	json_text(&st->j, "text", r->text);
	json_end(&st->j, '}');
}

void
story_reply(struct story *st, const char *at, struct view about, const struct session_reply *r)
{
	struct buffer b = buffer_in(st->arena);
	bool good = r->answer == SESSION_CONTINUE || r->answer == SESSION_SKIP || r->answer == SESSION_ACCEPT;

	if (st->json) {
		reply_json(st, at, about, r);
		return;
	}
	buffer_add(&b, about);
	buffer_add_cstr(&b, about.n > 0 ? "  " : "");
	if (r->code != 0)
		buffer_addf(&b, "%d %.*s %.*s", r->code, VIEW_ARG(r->enhanced), VIEW_ARG(r->text));
	else
		buffer_add_cstr(&b, answers[r->answer]);
	story_row(st, at, good ? MOOD_GOOD : MOOD_BAD, buffer_view(&b));
}

/* ---- edits ---- */

void
story_edit(struct story *st, const struct edit *e)
{
	static const char *const words[] = { "insert", "delete", "change-from", "add-rcpt", "delete-rcpt", "quarantine" };
	struct buffer b = buffer_in(st->arena);

	if (st->json) {
		json_object(&st->j, NULL);
		json_cstr(&st->j, "edit", words[e->kind]);
		json_text(&st->j, "name", e->name);
		json_text(&st->j, "value", e->value);
		json_text(&st->j, "args", e->args);
		json_number(&st->j, "nth", e->nth);
		json_end(&st->j, '}');
		return;
	}
	buffer_addf(&b, "%s ", words[e->kind]);
	buffer_add(&b, e->name);
	buffer_add_cstr(&b, e->kind == EDIT_INSERT_HEADER ? ":" : "");
	buffer_add(&b, e->value);
	if (e->nth > 0)
		buffer_addf(&b, " %u", e->nth);
	buffer_addf(&b, "%s%.*s", e->args.n > 0 ? " " : "", VIEW_ARG(e->args));
	story_row(st, "edit", MOOD_PLAIN, buffer_view(&b));
}
