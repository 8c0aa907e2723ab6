#include "cli/explain.h"

/* explain_log - the envelope of a message that the log tells of. */

static bool
read_line(struct story *st, struct view *line, struct err *err)
{
	struct view text;

	if (st->log_file.n == 0) {
		*line = st->log;
		return !view_is(st->log, "-") || cli_read(st->log, st->arena, line, err);
	}
	if (st->id.n == 0)
		return err_perm(err, "--log-file wants --id, the queue id of the message");
	if (!cli_read(st->log_file, st->arena, &text, err))
		return false;
	return log_line_find(text, st->id, line) ||
	    err_perm(err, "%.*s: no line of assayd for %.*s", VIEW_ARG(st->log_file), VIEW_ARG(st->id));
}

static void
take(struct view *into, struct view value)
{
	if (into->n == 0)
		*into = value;
}

static void
take_client(struct story *st)
{
	const struct log_line *l = &st->line;

	if (st->ip.n > 0)
		return; /* another client: the line's name is not his */
	if (l->client.family != 0)
		st->ip = ip_text(&l->client, st->arena);
	take(&st->name, l->name);
	st->local = l->local || view_is(l->trust, "local");
	if (view_is(l->trust, "authenticated"))
		take(&st->auth, VIEW_LIT("somebody"));
}

bool
story_take_log(struct story *st, struct err *err)
{
	struct log_line *l = &st->line;
	struct view line;

	if (st->log.n == 0 && st->log_file.n == 0)
		return true;
	if (!read_line(st, &line, err) || !log_line_parse(line, st->arena, l, err))
		return false;
	st->has_log = true;
	take_client(st);
	take(&st->helo, l->helo);
	take(&st->from, l->from);
	st->queue_id = l->id;
	if (st->rcpt.n == 0) {
		st->rcpt.n = l->recipients;
		st->rcpt.item = ARENA_ARRAY(st->arena, l->recipients, struct view);
		for (size_t i = 0; i < l->recipients; i++)
			st->rcpt.item[i] = l->to[i];
	} else {
		l->more = 0;
	}
	if (st->world.time.n == 0 && l->when >= 0)
		st->world.time = arena_printf(st->arena, "%lld", (long long)l->when);
	return true;
}
