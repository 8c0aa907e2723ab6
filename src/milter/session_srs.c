#include "milter/session_state.h"

#include "base/cursor.h"
#include "base/log.h"
#include "srs/srs_names.h"

#include <string.h>

/* session_srs - senders of mail that leaves again, and SRS addresses that come back. */

static bool
is_on(const struct session *s)
{
	return s->msg.settings->srs.enable && s->msg.settings->srs_now.secrets != NULL;
}

/* ---- who leaves ---- */

static void
say_tables(void *ctx, bool bad, const char *text)
{
	(void)ctx;
	if (bad)
		log_warning("srs: %s", text);
	else
		log_notice("srs: %s", text);
}

static void
drop_tables(void *set)
{
	srs_tables_drop(set);
}

/* One recipient may take several questions, and a slow map must not use up the MTA's patience with us. */
#define WAITS_FOR_ONE 2

static enum srs_found
ask_map(void *ctx, struct view key, struct arena *arena, struct view *value, struct err *err)
{
	const struct session *s = ctx;

	if (clock_mono_ms(&clock_system) >= s->msg.srs.ask_until_ms) {
		err_temp(err, "its answers take too long");
		return SRS_FOUND_ERROR;
	}
	return srs_ask(s->msg.settings->srs_ask, key, s->env->clock, arena, value, err);
}

static struct srs_leave
leave_of(struct session *s)
{
	const struct settings *settings = s->msg.settings;
	struct srs_leave leave = { .conf = &settings->srs.leave, .delimiter = settings->policy.delimiter };

	leave.tables = s->msg.srs.tables;
	if (settings->srs_ask != NULL) {
		leave.ask = ask_map;
		leave.ctx = s;
	}
	return leave;
}

/* Mail of ours passes SPF as it is; the null sender needs no way back; what is ours already has one. */
static bool
is_foreign(struct session *s)
{
	const struct message *m = &s->msg;
	const struct srs_conf *conf = &m->settings->srs;
	struct srs_leave leave = leave_of(s);

	return !m->null_sender && m->from.domain.n > 0 && !srs_is_own(conf, m->from.domain) &&
	    !srs_is_excluded(conf, m->from.domain) && !srs_leave_is_local(&leave, m->from.domain);
}

/* Whatever site.trust-authenticated says: a user's own address is for him to use. */
static bool
is_authenticated(session_macro *macro, void *ctx)
{
	return macro != NULL && view_of(macro(ctx, "{auth_authen}")).n > 0;
}

void
session_srs_begin(struct session *s, session_macro *macro, void *ctx)
{
	struct message *m = &s->msg;
	const struct srs_conf *conf = &m->settings->srs;

	m->srs.sender = m->srs.why = VIEW_EMPTY;
	if (!is_on(s) || !conf->milter || is_authenticated(macro, ctx) || (m->trust != TRUST_NONE && !conf->internal))
		return;
	if (m->settings->srs_tables != NULL) {
		m->srs.tables = srs_tables_take(m->settings->srs_tables, s->env->clock, say_tables, NULL);
		arena_defer(s->arena, drop_tables, (void *)m->srs.tables);
	}
	m->srs.wanted = is_foreign(s);
}

/* By the policy file of the recipient, else by what the MTA will do. */
static void
find_leaving(struct session *s, const struct recipient *rcpt, const struct srs_mailer *mailer, struct recipient_srs *into)
{
	struct policy_outgoing out;
	struct srs_leave leave = leave_of(s);

	s->msg.srs.ask_until_ms = clock_mono_ms(&clock_system) + WAITS_FOR_ONE * leave.conf->leave_map_wait;
	policy_outgoing(s->msg.settings->policies, rcpt, &out);
	into->domain = out.srs_domain;
	into->leaving = (struct srs_leaving){ .target = VIEW_EMPTY, .why = VIEW_EMPTY };
	if (out.has_srs && !out.srs)
		return;
	if (!out.has_leaves)
		srs_leave_find(&leave, &rcpt->path, mailer, s->arena, &into->leaving);
	else if (out.leaves)
		into->leaving = (struct srs_leaving){ .leaves = true, .by = "policy", .target = rcpt->path.text,
			.why = VIEW_EMPTY };
}

static struct view
macro_copy(struct session *s, session_macro *macro, void *ctx, const char *name)
{
	struct view text = macro == NULL ? VIEW_EMPTY : view_of(macro(ctx, name));

	return text.n > SESSION_PATH_MAX ? VIEW_EMPTY : arena_copy(s->arena, text);
}

/* A recipient that is restored leaves when the original one does. */
static void
learn_leaving(struct session *s, struct recipient *rcpt, session_macro *macro, void *ctx)
{
	struct recipient there = *rcpt;

	if (!s->msg.srs.wanted)
		return;
	struct srs_mailer mailer = {
		.mailer = macro_copy(s, macro, ctx, "{rcpt_mailer}"),
		.host = macro_copy(s, macro, ctx, "{rcpt_host}"),
		.address = macro_copy(s, macro, ctx, "{rcpt_addr}"),
	};
	if (rcpt->srs.restored.n == 0 || !mail_path_parse(rcpt->srs.restored, s->arena, &there.path, NULL))
		find_leaving(s, rcpt, &mailer, &rcpt->srs);
	else
		find_leaving(s, &there, NULL, &rcpt->srs);
}

/* ---- RCPT ---- */

static struct verdict
refusal(const char *rule, int code, const char *enhanced, const char *text)
{
	struct verdict v = verdict_built_in();

	v.action = code < 500 ? VERDICT_DEFER : VERDICT_REJECT;
	v.rule = view_of(rule);
	v.code = code;
	v.enhanced = view_of(enhanced);
	v.text = view_of(text);
	return v;
}

static bool
refusal_of(enum srs_outcome outcome, struct verdict *v)
{
	switch (outcome) {
	case SRS_MALFORMED:
		*v = refusal("srs-malformed", 550, "5.1.3", "This is no complete SRS address");
		return true;
	case SRS_FORGED:
		*v = refusal("srs-forged", 550, "5.7.1", "This SRS address was not made here");
		return true;
	case SRS_EXPIRED:
		*v = refusal("srs-expired", 550, "5.1.1", "This SRS address has expired");
		return true;
	case SRS_UNKNOWN:
		*v = refusal("srs-unknown", 550, "5.1.1", "This SRS address is not known here");
		return true;
	case SRS_TEMP:
		*v = refusal("srs-temperror", 451, "4.3.0", "This SRS address cannot be looked up now, please try again");
		return true;
	default:
		return false;
	}
}

/* Who may relay anyway needs no way around through us. */
static bool
is_permitted(const struct session *s)
{
	const struct message *m = &s->msg;
	const struct conf_list *senders = &m->settings->srs.return_senders;

	if (m->trust != TRUST_NONE)
		return true;
	if (!m->null_sender && m->from.local.n == 0)
		return false; /* an argument that is no path must not pass for the null sender */
	return srs_names_hold(senders, m->from.local, m->from.domain);
}

static bool
is_refused(struct session *s, struct recipient *rcpt, struct verdict *v)
{
	const struct settings *settings = s->msg.settings;
	struct srs_result r;

	if (!is_on(s) || !srs_is_own(&settings->srs, rcpt->path.domain))
		return false;
	srs_reverse(&settings->srs_now, rcpt->path.text, clock_wall(s->env->clock), s->arena, &r);
	if (r.outcome == SRS_TEMP)
		log_warning("%.*s: event=srs-temperror why=\"%.*s\"", VIEW_ARG(session_log_id(s)), VIEW_ARG(r.why));
	if (refusal_of(r.outcome, v)) {
		rcpt->srs.status = name_of(srs_outcome_names, (int)r.outcome);
		return true;
	}
	if (r.outcome != SRS_VALID)
		return false; /* postmaster and the like */
	rcpt->srs.status = name_of(srs_outcome_names, SRS_VALID);
	rcpt->srs.restored = r.address;
	if (is_permitted(s))
		return false;
	*v = refusal("srs-sender", 550, "5.7.1", "Only delivery notices, from <>, are taken for this address");
	return true;
}

static struct session_reply
turn_away(struct session *s, const struct recipient *rcpt, const struct verdict *v)
{
	struct session_reply reply = session_reply_for(s, v);

	session_log_rcpt(s, rcpt, v);
	if (session_hears_rcpt(s))
		return reply;
	session_refuse_message(s, reply, v->rule.p); /* of refusal(): NUL-terminated */
	return (struct session_reply){ .answer = SESSION_CONTINUE };
}

bool
session_srs_admit(struct session *s, struct recipient *rcpt, session_macro *macro, void *ctx, struct session_reply *reply)
{
	struct verdict v;

	rcpt->srs = (struct recipient_srs){ .status = "", .restored = VIEW_EMPTY, .domain = VIEW_EMPTY };
	if (is_refused(s, rcpt, &v)) {
		*reply = turn_away(s, rcpt, &v);
		return false;
	}
	learn_leaving(s, rcpt, macro, ctx);
	if (rcpt->srs.leaving.leaves && rcpt->srs.restored.n == 0)
		rcpt->srs.status = "leaves";
	return true;
}

/* One sender for all: who leaves under another, or not, is another kind. */
static bool
is_other_kind(const struct session *s, const struct recipient *rcpt)
{
	const struct message *m = &s->msg;

	if (!m->srs.wanted || m->settings->srs.mixed != SRS_MIXED_CLASS || m->rcpts == 0 || s->local)
		return false;
	const struct recipient_srs *first = &m->rcpt[0].srs;
	return first->leaving.leaves != rcpt->srs.leaving.leaves ||
	    (first->leaving.leaves && !view_eq(first->domain, rcpt->srs.domain));
}

#define HOUR_MS 3600000

/* An SRS address that was seen once is a way to the original one for weeks. */
static bool
is_counted(const struct session *s, const struct recipient *rcpt)
{
	return rcpt->srs.restored.n > 0 && s->msg.trust == TRUST_NONE && s->env->returns != NULL &&
	    s->msg.settings->srs.return_rate > 0;
}

/* Messages count, not those who only ask whether the address is good, as some receivers of forwarded mail do. */
static bool
is_too_often(const struct session *s, const struct recipient *rcpt)
{
	return is_counted(s, rcpt) && !rate_has_room(s->env->returns, rcpt->srs.restored,
	    s->msg.settings->srs.return_rate, HOUR_MS, clock_mono_ms(s->env->clock));
}

void
session_srs_count(struct session *s)
{
	struct message *m = &s->msg;

	for (size_t i = 0; i < m->rcpts; i++)
		if (is_counted(s, &m->rcpt[i]))
			rate_take(s->env->returns, m->rcpt[i].srs.restored, m->settings->srs.return_rate, HOUR_MS,
			    clock_mono_ms(s->env->clock));
}

bool
session_srs_join(struct session *s, const struct recipient *rcpt, struct session_reply *reply)
{
	struct verdict v;

	if (is_other_kind(s, rcpt))
		v = refusal("srs-class", 452, "4.5.3", "Mail to this recipient gets another sender, please send it separately");
	else if (is_too_often(s, rcpt))
		v = refusal("srs-rate", 450, "4.7.1", "Too many messages for this address, please try again later");
	else
		return true;
	*reply = turn_away(s, rcpt, &v);
	return false;
}

/* ---- the end of the message ---- */

/* Whose copy it is in the end: a mailbox in the recipient's place may be of ours, or not. */
static void
leaving_of(struct session *s, const struct settlement *settled, size_t i, struct recipient_srs *srs)
{
	struct recipient there = s->msg.rcpt[i];

	*srs = there.srs;
	if (settled->fate[i] == RECIPIENT_KEEP)
		return;
	srs->leaving.leaves = false;
	if (settled->fate[i] == RECIPIENT_REDIRECT &&
	    mail_path_parse(settled->each[i].mailbox, s->arena, &there.path, NULL))
		find_leaving(s, &there, NULL, srs);
}

static void
find_first_leaving(struct session *s, const struct settlement *settled)
{
	struct message *m = &s->msg;
	struct recipient_srs srs;

	m->srs.leaving = 0;
	for (size_t i = 0; i < m->rcpts; i++) {
		leaving_of(s, settled, i, &srs);
		if (!srs.leaving.leaves)
			continue;
		if (m->srs.leaving++ == 0)
			m->srs.first = srs;
		else if (!view_eq(m->srs.first.domain, srs.domain))
			m->srs.why = VIEW_LIT("recipients want different srs-domains, the first one's is taken");
	}
	if (m->srs.leaving > 0 && m->srs.first.leaving.unsure)
		m->srs.why = m->srs.first.leaving.why;
}

/* Postfix takes any octets for an address. */
static bool
is_sound(struct view address, struct arena *arena)
{
	struct mail_path path;

	return address.n <= SRS_PATH_MAX && mail_path_parse(address, arena, &path, NULL) && path.domain.n > 0 &&
	    view_eq(path.text, address);
}

/*
 * A store out of order: deferred, as a forwarded message that fails SPF is lost, and one that waits is not.  What can
 * never be rewritten goes as it came, as with the map.
 */
bool
session_srs_settle(struct session *s, const struct settlement *settled, struct verdict *v)
{
	struct message *m = &s->msg;
	struct srs_conf conf = m->settings->srs;
	struct srs srs = m->settings->srs_now;
	struct srs_result r;

	if (!m->srs.wanted)
		return true;
	find_first_leaving(s, settled);
	if (m->srs.leaving == 0)
		return true;
	if (m->srs.first.domain.n > 0)
		conf.domain = m->srs.first.domain;
	srs.conf = &conf;
	srs_forward(&srs, m->from.text, clock_wall(s->env->clock), s->arena, &r);
	if (r.outcome == SRS_REWRITTEN && !is_sound(r.address, s->arena)) {
		r.outcome = SRS_NO_ADDRESS;
		r.why = VIEW_LIT("the new sender would be no address");
	}
	m->srs.outcome = name_of(srs_outcome_names, (int)r.outcome);
	if (r.why.n > 0)
		m->srs.why = r.why;
	if (r.outcome == SRS_TEMP) {
		*v = refusal("srs-temperror", 451, "4.3.0", "The sender cannot be rewritten for forwarding now, please try again");
		return false;
	}
	if (r.outcome == SRS_REWRITTEN)
		m->srs.sender = arena_printf(s->arena, "<%.*s>", VIEW_ARG(r.address));
	return true;
}
