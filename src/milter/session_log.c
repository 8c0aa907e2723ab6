#include "milter/session_log.h"

#include "base/log.h"

#define SHOWN_ID 64
#define SHOWN_PATH 320
#define SHOWN_WHY 400
#define SHOWN_RECIPIENTS 10
#define SHOWN_TO 1000 /* of all recipients together, and one more */

#define SAY_EVERY_MS 10000

const struct name_row session_trust_names[] = {
	{ "none", TRUST_NONE },
	{ "local", TRUST_LOCAL },
	{ "internal", TRUST_INTERNAL },
	{ "authenticated", TRUST_AUTHENTICATED },
	{ NULL, 0 },
};

struct view
session_log_id(const struct session *s)
{
	struct buffer b = buffer_in(s->arena);

	if (s->msg.queue_id.n == 0)
		return VIEW_LIT("NOQUEUE");
	buffer_add_quoted(&b, s->msg.queue_id, SHOWN_ID);
	return buffer_view(&b);
}

void
session_log_word(struct buffer *b, const char *before, const struct name_row *table, int value)
{
	buffer_add_cstr(b, before);
	buffer_add_cstr(b, name_of(table, value));
}

/* name[ip]; the name is the MTA's word for it, and Postfix says "unknown" where there is none. */
static void
add_client(struct buffer *b, const struct session *s)
{
	struct buffer name = buffer_in(s->arena);
	bool unknown = s->client_name.n == 0 || view_starts(s->client_name, VIEW_LIT("["));

	buffer_add(&name, unknown ? VIEW_LIT("unknown") : s->client_name);
	buffer_add_cstr(b, " client=");
	buffer_add_quoted(b, buffer_view(&name), SHOWN_NAME);
	buffer_add_char(b, '[');
	buffer_add(b, s->client.family == 0 && s->local ? VIEW_LIT("local") : ip_text(&s->client, s->arena));
	buffer_add_char(b, ']');
}

/* <path>, the address as it came where it is no path. */
static void
add_path(struct buffer *b, struct view argument, const struct mail_path *path)
{
	struct buffer shown = buffer_in(b->arena);

	if (path->text.n == 0 && argument.n > 0 && !view_is(argument, "<>")) {
		buffer_add_quoted(b, argument, SHOWN_PATH);
		return;
	}
	buffer_add_char(&shown, '<');
	buffer_add(&shown, path->text);
	buffer_add_char(&shown, '>');
	buffer_add_quoted(b, buffer_view(&shown), SHOWN_PATH);
}

struct view
session_log_path(const struct session *s, struct view argument, const struct mail_path *path)
{
	struct buffer b = buffer_in(s->arena);

	add_path(&b, argument, path);
	return buffer_view(&b);
}

static void
add_envelope(struct buffer *b, const struct session *s)
{
	const struct message *m = &s->msg;

	if (m->trust != TRUST_NONE)
		session_log_word(b, " trust=", session_trust_names, (int)m->trust);
	buffer_add_cstr(b, " helo=");
	buffer_add_quoted(b, s->helo, SHOWN_NAME);
	buffer_add_cstr(b, " from=");
	add_path(b, m->argument, &m->from);
	buffer_addf(b, " rcpts=%zu", m->rcpts);
}

/* "<address>" of ours or a stranger's, in a list. */
static void
add_address(struct buffer *b, struct view address)
{
	buffer_add_quoted(b, view_starts(address, VIEW_LIT("<")) ? address :
		arena_printf(b->arena, "<%.*s>", VIEW_ARG(address)), SHOWN_PATH);
}

/* srs=rewritten:<SRS0=...@srs.example> srs_leave=1:virtual,<friend@example.net> */
static void
add_srs(struct buffer *b, const struct message_srs *srs)
{
	if (srs->outcome == NULL)
		return;
	buffer_addf(b, " srs=%s", srs->outcome);
	if (srs->sender.n > 0) {
		buffer_add_char(b, ':');
		add_address(b, srs->sender);
	}
	buffer_addf(b, " srs_leave=%zu:%s", srs->leaving, srs->first.leaving.by);
	if (srs->first.leaving.target.n > 0) {
		buffer_add_char(b, ',');
		add_address(b, srs->first.leaving.target);
	}
}

/* to=<ann@example.org>,<bob@example.org>,+3 */
static void
add_recipients(struct buffer *b, const struct message *m)
{
	size_t shown = 0, before = b->n;

	for (; shown < m->rcpts && shown < SHOWN_RECIPIENTS && b->n - before < SHOWN_TO; shown++) {
		buffer_add_cstr(b, shown == 0 ? " to=" : ",");
		add_path(b, m->rcpt[shown].argument, &m->rcpt[shown].path);
	}
	if (shown < m->rcpts)
		buffer_addf(b, ",+%zu", m->rcpts - shown);
}

static bool
verdicts_differ(const struct session_outcome *o, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (o->verdict[i].action != o->verdict[0].action)
			return true;
	return false;
}

/* Where the rule stands; what it would have done; what the shadow rules say; why DMARC's wish was not followed. */
static void
add_cause(struct buffer *b, const struct verdict *v)
{
	if (v->file.n > 0) {
		buffer_add_cstr(b, " file=");
		buffer_add_quoted(b, arena_printf(b->arena, "%.*s:%u", VIEW_ARG(v->file), v->line), SHOWN_NAME);
	}
	if (v->overdue.n > 0) {
		buffer_add_cstr(b, " overdue=");
		buffer_add_quoted(b, v->overdue, SHOWN_NAME);
	}
	if (v->monitored)
		buffer_addf(b, " monitor=%s", name_of(verdict_action_names, (int)v->would));
	if (v->shadowed) {
		buffer_addf(b, " shadow=%s:", name_of(verdict_action_names, (int)v->shadow.action));
		buffer_add_quoted(b, v->shadow.rule, SHOWN_NAME);
	}
	for (size_t i = 0, shown = 0; i < v->dmarc.overrides; i++) {
		const struct dmarc_override *o = &v->dmarc.override[i];
		if (view_eq(o->comment, v->rule) && v->file.n == 0)
			continue; /* no rule of the site: nothing was overridden, there is no policy */
		buffer_addf(b, "%s%s:", shown++ == 0 ? " override=" : ",", name_of(dmarc_reason_names, (int)o->reason));
		buffer_add_quoted(b, o->comment, SHOWN_NAME);
	}
}

static void
add_verdict(struct buffer *b, const struct session *s, const struct session_outcome *o)
{
	const struct message *m = &s->msg;

	session_log_word(b, " verdict=", verdict_action_names, (int)o->decided.action);
	buffer_add_cstr(b, " rule=");
	buffer_add_quoted(b, o->decided.rule, SHOWN_NAME);
	add_cause(b, &o->decided);
	if (o->decided.code != 0) {
		buffer_add_cstr(b, " reply=");
		buffer_add_quoted(b, arena_printf(s->arena, "%d %.*s", o->decided.code,
		    VIEW_ARG(o->decided.enhanced)), SHOWN_NAME);
	}
	if (o->verdict == NULL || !verdicts_differ(o, m->rcpts))
		return;
	for (size_t i = 0; i < m->rcpts && i < SHOWN_RECIPIENTS; i++) {
		session_log_word(b, i == 0 ? " each=" : ",", verdict_action_names, (int)o->verdict[i].action);
		buffer_add_char(b, ':');
		add_path(b, m->rcpt[i].argument, &m->rcpt[i].path);
	}
	if (m->rcpts > SHOWN_RECIPIENTS)
		buffer_addf(b, ",+%zu", m->rcpts - SHOWN_RECIPIENTS);
}

/* One reason for many signatures is said once. */
static void
add_reason(struct buffer *why, const char *what, struct view reason)
{
	if (reason.n == 0 || view_ends(buffer_view(why), reason))
		return;
	if (why->n > 0)
		buffer_add_cstr(why, "; ");
	buffer_add_cstr(why, what);
	buffer_add_cstr(why, ": ");
	buffer_add(why, reason);
}

/* In words, where a result alone does not tell. */
static void
add_why(struct buffer *b, const struct session *s, const struct session_outcome *o)
{
	struct buffer why = buffer_in(b->arena);

	add_reason(&why, "reply", o->decided.text);
	if (o->found != NULL) {
		if (o->found->spf != NULL)
			add_reason(&why, "spf", o->found->spf->problem);
		for (size_t i = 0; i < o->found->dkim.n && i < SHOWN_SIGNATURES; i++)
			add_reason(&why, "dkim", o->found->dkim.fact[i].reason);
		if (o->found->dmarc != NULL && o->found->dmarc->fact.result == AUTH_TEMPERROR)
			add_reason(&why, "dmarc", o->found->dmarc->text);
		if (o->found->arc != NULL)
			add_reason(&why, "arc", o->found->arc->reason);
		add_reason(&why, "seal", s->msg.seal.why);
		add_reason(&why, "srs", s->msg.srs.why);
		if (o->found->from.outcome != FROM_ONE)
			add_reason(&why, "from", o->found->from.why);
	}
	if (why.n == 0)
		return;
	buffer_add_cstr(b, " why=");
	buffer_add_quoted(b, buffer_view(&why), SHOWN_WHY);
}

/* The fixed order; a key whose question was not asked is left out. */
void
session_log_verdict(const struct session *s, const struct session_outcome *o)
{
	struct buffer b = buffer_in(s->arena);

	if (!log_wants(LOG_LEVEL_INFO))
		return;
	buffer_add(&b, session_log_id(s));
	buffer_add_char(&b, ':');
	add_client(&b, s);
	add_envelope(&b, s);
	add_srs(&b, &s->msg.srs);
	if (o->found != NULL)
		session_log_facts(&b, o->found, &s->msg.seal);
	add_verdict(&b, s, o);
	add_why(&b, s, o);
	buffer_addf(&b, " size=%llu", (unsigned long long)s->msg.size);
	if (o->found != NULL)
		buffer_addf(&b, " dns=%u/%u", o->found->dns.queries, o->found->dns.temp);
	buffer_addf(&b, " ms=%lld generation=%u", (long long)o->ms, s->msg.settings->generation);
	add_recipients(&b, &s->msg); /* last: a log that cuts lines loses nothing else */
	log_info("%.*s", VIEW_ARG(buffer_view(&b)));
}

/* The client, the sender and the recipient, for lines about one recipient. */
static struct buffer
begin_rcpt_line(const struct session *s, const struct recipient *rcpt)
{
	struct buffer b = buffer_in(s->arena);

	buffer_add(&b, session_log_id(s));
	buffer_add_char(&b, ':');
	add_client(&b, s);
	buffer_add_cstr(&b, " from=");
	add_path(&b, s->msg.argument, &s->msg.from);
	buffer_add_cstr(&b, " rcpt=");
	add_path(&b, rcpt->argument, &rcpt->path);
	return b;
}

void
session_log_rcpt(const struct session *s, const struct recipient *rcpt, const struct verdict *v)
{
	if (!log_wants(LOG_LEVEL_INFO))
		return;
	struct buffer b = begin_rcpt_line(s, rcpt);
	buffer_addf(&b, " stage=rcpt verdict=%s rule=", name_of(verdict_action_names, (int)v->action));
	buffer_add_quoted(&b, v->rule, SHOWN_NAME);
	add_cause(&b, v);
	buffer_addf(&b, " reply=");
	buffer_add_quoted(&b, arena_printf(s->arena, "%d %.*s %.*s", v->code, VIEW_ARG(v->enhanced), VIEW_ARG(v->text)),
	    SHOWN_WHY);
	buffer_addf(&b, " generation=%u", s->msg.settings->generation);
	log_info("%.*s", VIEW_ARG(buffer_view(&b)));
}

void
session_log_removed(const struct session *s, const struct settlement *settled)
{
	const struct message *m = &s->msg;

	if (!log_wants(LOG_LEVEL_INFO))
		return;
	for (size_t i = 0; i < m->rcpts; i++) {
		const struct verdict *v = &settled->each[i];
		if (settled->fate[i] == RECIPIENT_KEEP)
			continue;
		struct buffer b = begin_rcpt_line(s, &m->rcpt[i]);
		buffer_addf(&b, " stage=end verdict=%s rule=", name_of(verdict_action_names, (int)v->action));
		buffer_add_quoted(&b, v->rule, SHOWN_NAME);
		add_cause(&b, v);
		buffer_addf(&b, " recipient=%s", settled->fate[i] == RECIPIENT_REMOVE ? "removed" : "redirected");
		if (settled->fate[i] == RECIPIENT_REDIRECT) {
			buffer_add_cstr(&b, " to=");
			buffer_add_quoted(&b, v->mailbox, SHOWN_PATH);
		}
		buffer_addf(&b, " generation=%u", m->settings->generation);
		log_info("%.*s", VIEW_ARG(buffer_view(&b)));
	}
}

void
session_log_returned(const struct session *s, const struct settlement *settled)
{
	const struct message *m = &s->msg;
	bool here = m->settings->srs.restore == SRS_RESTORE_MILTER;

	for (size_t i = 0; log_wants(LOG_LEVEL_INFO) && i < m->rcpts; i++) {
		if (settled->fate[i] != RECIPIENT_KEEP || m->rcpt[i].srs.restored.n == 0)
			continue;
		struct buffer b = begin_rcpt_line(s, &m->rcpt[i]);
		buffer_addf(&b, " stage=end srs=%s recipient=%s to=", m->rcpt[i].srs.status, here ? "restored" : "mapped");
		add_address(&b, m->rcpt[i].srs.restored);
		buffer_addf(&b, " generation=%u", m->settings->generation);
		log_info("%.*s", VIEW_ARG(buffer_view(&b)));
	}
}

void
session_edits_failed(struct session *s, struct view what)
{
	struct buffer b = buffer_in(s->arena);

	if (s->msg.phase != MESSAGE_DECIDED)
		return;
	s->msg.settled = NULL; /* nobody is told of what was not done */
	buffer_add(&b, session_log_id(s));
	buffer_add_cstr(&b, ": verdict=defer rule=edits-failed why=");
	buffer_add_quoted(&b, what, SHOWN_WHY);
	log_warning("%.*s", VIEW_ARG(buffer_view(&b)));
}

bool
session_load_say(struct session_load *load, const struct clock *clock, size_t *unsaid)
{
	int64_t now = clock_mono_ms(clock), before = atomic_load(&load->said_at_ms);

	if ((before != 0 && now - before < SAY_EVERY_MS) ||
	    !atomic_compare_exchange_strong(&load->said_at_ms, &before, now == 0 ? 1 : now)) {
		atomic_fetch_add(&load->unsaid, 1);
		return false;
	}
	*unsaid = atomic_exchange(&load->unsaid, 0);
	return true;
}

void
session_log_overload(const struct session *s, size_t open, size_t max)
{
	struct session_load *load = s->env->load;
	size_t unsaid;

	if (!session_load_say(load, s->env->clock, &unsaid))
		return;
	log_warning("event=overload open=%zu limits.messages-open=%zu stopping=%s answer=451 unsaid=%zu", open, max,
	    atomic_load(&load->draining) ? "yes" : "no", unsaid);
}
