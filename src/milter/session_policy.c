#include "milter/session_state.h"

#include "base/cursor.h"
#include "base/log.h"
#include "crypt/digest.h"
#include "milter/deferrals.h"

#include <string.h>

/*
 * SPF is asked at MAIL, so most answers are there at RCPT.  Sendmail waits 10 s for an answer by default (Postfix 30), for
 * all of it; a rule that could not be decided by then is decided at the end of the message.
 */
#define RCPT_WAIT_MS 6000

/* ---- facts ---- */

/*
 * Postfix gives {cert_subject}, the common name, only of a certificate that it trusts.  Sendmail gives {cn_subject} of
 * any, and says OK in {verify} for those that it trusts.
 */
void
session_learn_client(struct session *s, session_macro *macro, void *ctx)
{
	const char *verify = macro == NULL ? NULL : macro(ctx, "{verify}");
	bool sendmail = verify != NULL && *verify != '\0';
	bool trusted = !sendmail || strcmp(verify, "OK") == 0;
	const char *name = macro == NULL || !trusted ? NULL : macro(ctx, sendmail ? "{cn_subject}" : "{cert_subject}");
	struct view certificate = view_of(name);

	s->msg.certificate = VIEW_EMPTY;
	if (certificate.n <= SESSION_NAME_MAX)
		s->msg.certificate = arena_copy(s->arena, certificate);
	const char *version = macro == NULL ? NULL : macro(ctx, "{tls_version}");
	s->msg.tls = version != NULL && *version != '\0';
}

/* The identifier of RFC 2919: what stands in the last "<>". */
static struct view
list_of(const struct header *h, struct arena *arena)
{
	const struct header_field *f = header_nth(h, VIEW_LIT("List-Id"), 0);

	if (f == NULL || header_count(h, VIEW_LIT("List-Id")) > 1)
		return VIEW_EMPTY;
	size_t from = view_find_last(f->value, '<'), to = view_find_last(f->value, '>');
	if (from == VIEW_NONE || to == VIEW_NONE || to < from)
		return VIEW_EMPTY;
	struct view id = view_sub(f->value, from + 1, to - from - 1);
	return view_all_in(id, CC_LDH | CC_DOT | CC_UNDERSCORE) ? arena_copy_lower(arena, id) : VIEW_EMPTY;
}

static struct policy_facts
facts_of(struct session *s, const struct assessment *found)
{
	const struct message *m = &s->msg;

	return (struct policy_facts){
		.found = found,
		.client = s->client,
		.client_name = view_starts(s->client_name, VIEW_LIT("[")) ? VIEW_EMPTY : s->client_name,
		.helo = s->helo,
		.queue_id = m->queue_id,
		.from = m->from,
		.null_sender = m->null_sender,
		.local = m->trust == TRUST_LOCAL,
		.internal = m->trust == TRUST_INTERNAL,
		.authenticated = m->trust == TRUST_AUTHENTICATED,
		.tls = m->tls,
		.certificate = m->certificate,
		.list = VIEW_EMPTY,
	};
}

/* ---- how long temporary errors have made senders wait ---- */

/* RFC 7208 2.4: the HELO name stands in for the null sender. */
static struct view
spf_domain(const struct session *s)
{
	return s->msg.from.domain.n > 0 ? s->msg.from.domain : s->helo;
}

/* Mail without an author, or with several, is counted for its sender. */
static struct view
author_domain(const struct session *s, const struct assessment *found)
{
	return found->from.domain.n > 0 ? found->from.domain : spf_domain(s);
}

static void
learn_waits(struct session *s, struct policy_facts *facts)
{
	int64_t now = clock_mono_ms(s->env->clock);

	if (s->env->deferrals == NULL)
		return;
	facts->spf_deferred = deferrals_age(s->env->deferrals, DEFERRAL_SPF, spf_domain(s), now);
	facts->author_deferred = deferrals_age(s->env->deferrals, DEFERRAL_AUTHOR, author_domain(s, facts->found), now);
}

static void
note_waits(struct session *s, const struct assessment *found, unsigned waits)
{
	int64_t now = clock_mono_ms(s->env->clock);

	if (s->env->deferrals == NULL)
		return;
	if ((waits & VERDICT_WAITS_SPF) != 0)
		deferrals_note(s->env->deferrals, DEFERRAL_SPF, spf_domain(s), now);
	if ((waits & VERDICT_WAITS_AUTHOR) != 0)
		deferrals_note(s->env->deferrals, DEFERRAL_AUTHOR, author_domain(s, found), now);
}

static bool
author_has_trouble(const struct assessment *found)
{
	for (size_t i = 0; i < found->dkim.n; i++)
		if (found->dkim.fact[i].result == AUTH_TEMPERROR)
			return true;
	return (found->dmarc != NULL && found->dmarc->status == DMARC_STATUS_TEMPERROR) ||
	    (found->arc != NULL && found->arc->result == AUTH_TEMPERROR);
}

/* Whose DNS answers has all the time again. */
static void
forget_waits(struct session *s, const struct assessment *found)
{
	if (s->env->deferrals == NULL)
		return;
	if (found->spf != NULL && found->spf->result != AUTH_TEMPERROR)
		deferrals_forget(s->env->deferrals, DEFERRAL_SPF, spf_domain(s));
	if (!author_has_trouble(found))
		deferrals_forget(s->env->deferrals, DEFERRAL_AUTHOR, author_domain(s, found));
}

/* ---- replies ---- */

/* Something to look for in the log.  Postfix has no queue id at the first RCPT: then it is a word drawn for it. */
static struct view
token_of(struct session *s, struct view rule)
{
	uint32_t drawn = 0;

	if (s->msg.queue_id.n > 0 && s->msg.queue_id.n <= 32 && view_all_in(s->msg.queue_id, CC_ALNUM | CC_HYPHEN))
		return arena_printf(s->arena, " [assay:%.*s:%.*s]", VIEW_ARG(s->msg.queue_id), VIEW_ARG(rule));
	crypt_random((unsigned char *)&drawn, sizeof(drawn));
	return arena_printf(s->arena, " [assay:%08x:%.*s]", drawn, VIEW_ARG(rule));
}

/* Rules of the site carry a token; our own refusals are named by their words. */
static struct view
text_of(struct session *s, const struct verdict *v)
{
	const size_t most = 980;

	if (v->file.n == 0 || v->code == 0)
		return v->text;
	struct view token = token_of(s, v->rule);
	return arena_printf(s->arena, "%.*s%.*s", VIEW_ARG(view_sub(v->text, 0, most - token.n)), VIEW_ARG(token));
}

struct session_reply
session_reply_for(struct session *s, const struct verdict *v)
{
	static const enum session_answer answers[] = {
		[VERDICT_ACCEPT] = SESSION_CONTINUE,
		[VERDICT_TAG] = SESSION_CONTINUE,
		[VERDICT_QUARANTINE] = SESSION_CONTINUE,
		[VERDICT_DISCARD] = SESSION_DISCARD,
		[VERDICT_REJECT] = SESSION_REJECT,
		[VERDICT_DEFER] = SESSION_TEMPFAIL,
	};

	return (struct session_reply){ .answer = answers[v->action], .code = v->code, .enhanced = v->enhanced,
		.text = text_of(s, v) };
}

static struct view
line_for(struct session *s, const struct recipient *rcpt, const struct verdict *v)
{
	struct buffer b = buffer_in(s->arena);

	for (size_t i = 0; i < rcpt->argument.n && i < 320; i++)
		buffer_add_char(&b, char_in(rcpt->argument.p[i], CC_VCHAR) ? rcpt->argument.p[i] : '?');
	buffer_add_cstr(&b, ": ");
	if (v->code == 0)
		buffer_addf(&b, "%s", name_of(verdict_action_names, (int)v->action));
	else
		buffer_addf(&b, "%d %.*s ", v->code, VIEW_ARG(v->enhanced));
	buffer_add(&b, v->text);
	if (b.n > 980)
		buffer_cut(&b, 980);
	return buffer_view(&b);
}

void
session_reply_prdr(struct session *s, const struct settlement *settled, struct session_reply *reply)
{
	struct message *m = &s->msg;
	size_t n = m->rcpts < SESSION_REPLY_LINES_MAX - 1 ? m->rcpts : SESSION_REPLY_LINES_MAX - 1;

	if (!m->prdr || reply->code == 0)
		return;
	struct view *line = ARENA_ARRAY(s->arena, n + 1, struct view);
	for (size_t i = 0; i < n; i++)
		line[i] = line_for(s, &m->rcpt[i], &settled->each[i]);
	line[n] = reply->text;
	reply->line = line;
	reply->lines = n + 1;
}

/* ---- RCPT ---- */

/*
 * A refusal that needs nothing of the message.  With one verdict for all recipients nobody can be refused alone.
 */
static bool
refused_early(struct session *s, const struct recipient *rcpt, struct verdict *v)
{
	static const struct assessment nothing;
	const struct settings *settings = s->msg.settings;
	struct policy_facts facts = facts_of(s, &nothing);

	if (!session_hears_rcpt(s) || settings->policy.recipients == POLICY_STRICTEST || settings->policy.recipients == POLICY_LENIENT)
		return false;
	learn_waits(s, &facts);
	enum policy_early early = policy_decide_early(settings->policies, &facts, rcpt, s->arena, v);
	if (early == POLICY_NEEDS_SPF) {
		facts.found = assess_spf(s->msg.assess, s->msg.spf_awaited ? 0 : RCPT_WAIT_MS);
		s->msg.spf_awaited = true;
		if (facts.found == NULL)
			return false;
		facts.spf_known = true;
		early = policy_decide_early(settings->policies, &facts, rcpt, s->arena, v);
	}
	if (early != POLICY_NOW || (v->action != VERDICT_REJECT && v->action != VERDICT_DEFER))
		return false;
	note_waits(s, facts.found, v->waits);
	return true;
}

/*
 * An MTA that takes each 452 for an error of the client hangs up after some, at every attempt, and the message never comes.
 * So there is an end to them.
 */
static bool
may_refuse_class(struct session *s)
{
	int64_t most = s->msg.settings->policy.class_refusals;

	if (s->class_refusals < most) {
		s->class_refusals++;
		return true;
	}
	if (!s->msg.classes_joined)
		log_notice("%.*s: event=classes refused=%lld: recipients of other classes are let in, and decided as with split",
		    VIEW_ARG(session_log_id(s)), (long long)s->class_refusals);
	s->msg.classes_joined = true;
	return false;
}

/* RFC 5321 4.5.3.1.10: 452 tells the client to send the rest in a transaction of its own. */
static bool
is_other_class(const struct session *s, const struct recipient *rcpt)
{
	const struct message *m = &s->msg;

	return m->rcpts > 0 && !m->prdr && !s->local && m->settings->policy.recipients == POLICY_CLASS &&
	    !policy_same_class(m->settings->policies, &m->rcpt[0], rcpt, m->trust != TRUST_NONE);
}

/* New settings made classes while nobody listens at RCPT: when it comes again, somebody will. */
static void
refuse_as_mixed(struct session *s)
{
	struct session_reply again = { .answer = SESSION_TEMPFAIL, .code = 451, .enhanced = VIEW_LIT("4.3.0"),
		.text = VIEW_LIT("Policies have changed, please try again") };

	session_refuse_message(s, again, "class");
}

bool
session_admit(struct session *s, const struct recipient *rcpt, struct session_reply *reply)
{
	struct verdict v = verdict_built_in();

	if (!refused_early(s, rcpt, &v)) {
		if (!is_other_class(s, rcpt))
			return true;
		if (!session_hears_rcpt(s)) {
			refuse_as_mixed(s);
			return true;
		}
		if (!may_refuse_class(s))
			return true;
		v.action = VERDICT_DEFER;
		v.rule = VIEW_LIT("class");
		v.code = 452;
		v.enhanced = VIEW_LIT("4.5.3");
		v.text = arena_printf(s->arena, "This recipient has a policy of its own, please send it separately%.*s",
		    VIEW_ARG(token_of(s, v.rule)));
	}
	*reply = session_reply_for(s, &v);
	v.text = reply->text;
	session_log_rcpt(s, rcpt, &v);
	return false;
}

/* ---- the end of the message ---- */

void
session_settle(struct session *s, const struct assessment *found, struct settlement *out, struct verdict *each)
{
	struct message *m = &s->msg;
	const struct policy_conf *conf = &m->settings->policy;
	struct policy_facts facts = facts_of(s, found);
	unsigned waits = 0;

	facts.spf_known = facts.content_known = true;
	facts.list_id = header_count(&m->header, VIEW_LIT("List-Id")) > 0;
	facts.list = list_of(&m->header, s->arena);
	facts.size = m->size;
	forget_waits(s, found);
	learn_waits(s, &facts);
	if (s->env->decided_upon != NULL)
		s->env->decided_upon(s->env->ctx, m->settings->policies, &facts, m->rcpt, m->rcpts);
	policy_decide(m->settings->policies, &facts, m->rcpt, m->rcpts, s->arena, each);
	for (size_t i = 0; i < m->rcpts; i++)
		waits |= each[i].waits;
	note_waits(s, found, waits);
	policy_settle(m->prdr ? POLICY_SPLIT : (enum policy_recipients)conf->recipients, conf->deferred_deliver, each, m->rcpts,
	    s->arena, out);
}
