#include "cli/explain.h"

#include "base/buffer.h"
#include "cli/check_json.h"
#include "dmarc/dmarc_record.h"
#include "dmarc/dmarc_walk.h"
#include "spf/spf_trace.h"

/* explain_facts - what a message is decided upon: each fact and how it came about, then the rules, one by one. */

static const char *
word_of(enum auth_result result)
{
	return name_of(auth_result_names, (int)result);
}

/* ---- SPF ---- */

static void
tell_spf(const struct story *st, const char *key, const struct spf_input *in, const struct spf_result *r,
    const struct spf_trace *trace)
{
	struct buffer b = buffer_in(st->arena);

	if (r == NULL)
		return;
	buffer_addf(&b, "%s", word_of(r->result));
	buffer_addf(&b, ": %.*s", VIEW_ARG(spf_header_comment(in, r, st->arena)));
	if (r->mechanism.n > 0)
		buffer_addf(&b, "\nmatched by %.*s", VIEW_ARG(r->mechanism));
	if (r->problem.n > 0)
		buffer_addf(&b, "\nbecause %.*s", VIEW_ARG(r->problem));
	story_row(st, key, story_mood_of(r->result), buffer_view(&b));
	if (trace != NULL && trace->n > 0)
		story_row(st, "", MOOD_PLAIN, view_trim_end(spf_trace_text(trace, st->arena)));
}

static void
tell_all_spf(const struct story *st, const struct assessment *found)
{
	if (found->spf == NULL && found->spf_helo == NULL)
		story_row(st, "spf", MOOD_PLAIN, VIEW_LIT("not asked: a client of our own, of no known address, or switched off"));
	tell_spf(st, "spf", found->spf_input, found->spf, found->spf_trace);
	tell_spf(st, "spf_helo", found->spf_input, found->spf_helo, found->spf_helo_trace);
	tell_spf(st, "spf_guess", found->spf_input, found->spf_guess, NULL);
}

/* ---- signatures ---- */

static void
tell_fact(const struct story *st, const char *key, const struct auth_fact *f)
{
	struct buffer b = buffer_in(st->arena);

	buffer_add_cstr(&b, word_of(f->result));
	for (size_t i = 0; i < f->properties; i++)
		buffer_addf(&b, " %s.%s=%.*s", f->property[i].ptype, f->property[i].name, VIEW_ARG(f->property[i].value));
	if (f->reason.n > 0)
		buffer_addf(&b, "\nbecause %.*s", VIEW_ARG(f->reason));
	if (f->comment.n > 0)
		buffer_addf(&b, "\n%.*s", VIEW_ARG(f->comment));
	story_row(st, key, story_mood_of(f->result), buffer_view(&b));
}

static void
tell_arc(const struct story *st, const struct arc_result *r)
{
	struct buffer b = buffer_in(st->arena);

	if (r == NULL)
		return;
	buffer_add_cstr(&b, word_of(r->result));
	if (r->instances > 0)
		buffer_addf(&b, ": %u set%s", r->instances, r->instances == 1 ? "" : "s");
	for (size_t i = 0; i < r->domains_n; i++)
		buffer_addf(&b, "%s%zu=%.*s", i == 0 ? ", sealed by " : " ", i + 1, VIEW_ARG(r->domains[i]));
	if (r->reason.n > 0)
		buffer_addf(&b, "\nbecause %.*s", VIEW_ARG(r->reason));
	if (r->newest_authres.n > 0)
		buffer_addf(&b, "\nits newest hop found%.*s", VIEW_ARG(r->newest_authres));
	story_row(st, "arc", story_mood_of(r->result), buffer_view(&b));
}

/* ---- DMARC ---- */

/* The names that were asked, which the resolver still knows. */
static void
tell_walk(const struct story *st, struct view domain, struct arena *arena)
{
	struct dns_task *task = dns_task_new(st->dns, arena, st->settings->assess.budget);
	const struct dmarc_walk *walk = dmarc_trace(domain, NULL, task, arena)->walk;

	for (size_t i = 0; i < walk->n; i++) {
		const struct dmarc_walk_step *step = &walk->step[i];
		if (step->answer == NULL)
			continue;
		struct buffer b = buffer_in(st->arena);
		buffer_addf(&b, "_dmarc.%.*s  %s", VIEW_ARG(step->domain), dns_outcome_name(step->answer->outcome));
		for (size_t k = 0; step->answer->outcome == DNS_DATA && k < step->answer->n; k++) {
			buffer_add_cstr(&b, "\n    ");
			buffer_add_quoted(&b, step->answer->txt[k], 500);
			if (step->discarded_why[k].n > 0)
				buffer_addf(&b, "\n    discarded: %.*s", VIEW_ARG(step->discarded_why[k]));
		}
		story_row(st, "", MOOD_PLAIN, buffer_view(&b));
	}
}

static void
tell_identifiers(const struct story *st, const struct dmarc_result *r)
{
	for (size_t i = 0; i < r->identifiers; i++) {
		const struct dmarc_identifier *id = &r->identifier[i];
		story_rowf(st, "", "%s %s for %.*s: alignment %s%s", name_of(auth_method_names, (int)id->method),
		    word_of(id->result), VIEW_ARG(id->domain), name_of(dmarc_alignment_names, (int)id->alignment),
		    id->counts ? ", so DMARC passes" : "");
	}
}

static void
tell_dmarc(const struct story *st, const struct dmarc_result *r)
{
	struct buffer b = buffer_in(st->arena);
	struct arena *own;

	if (r == NULL || r->status == DMARC_STATUS_OFF) {
		story_row(st, "dmarc", MOOD_PLAIN, VIEW_LIT("not asked"));
		return;
	}
	buffer_addf(&b, "%s: %.*s", name_of(dmarc_status_names, (int)r->status), VIEW_ARG(r->text));
	if (r->record != NULL)
		buffer_addf(&b, "\nrecord at _dmarc.%.*s, found by %s; organizational domain %.*s", VIEW_ARG(r->used_domain),
		    r->org_by_psl ? "the public suffix list" : "tree walk", VIEW_ARG(r->org_domain));
	if (r->policy != DMARC_UNSET)
		buffer_addf(&b, "\n%s=%s%s%s", r->policy_tag, name_of(dmarc_policy_names, (int)r->policy),
		    r->applied == r->policy ? "" : ", applied as ",
		    r->applied == r->policy ? "" : name_of(dmarc_policy_names, (int)r->applied));
	story_row(st, "dmarc", story_mood_of(r->fact.result), buffer_view(&b));
	own = arena_new();
	if (r->from_domain.n > 0)
		tell_walk(st, r->from_domain, own);
	arena_free(own);
	tell_identifiers(st, r);
}

/* ---- all ---- */

static void
tell_from(const struct story *st, const struct from_domain *from)
{
	struct buffer b = buffer_in(st->arena);

	for (size_t i = 0; i < from->n; i++)
		buffer_addf(&b, "%s%.*s", i == 0 ? "" : ", ", VIEW_ARG(from->domains[i]));
	if (from->outcome != FROM_ONE)
		buffer_addf(&b, "%s%s%.*s", from->n > 0 ? ": " : "", from->outcome == FROM_NONE ? "none: " : "several: ",
		    VIEW_ARG(from->why));
	story_row(st, "from_domain", from->outcome == FROM_ONE ? MOOD_PLAIN : MOOD_ODD, buffer_view(&b));
}

static void
tell_client(const struct story *st, const struct policy_facts *f)
{
	const char *kind = f->local ? "local" : f->authenticated ? "authenticated" : f->internal ? "internal" : "a stranger";

	story_rowf(st, "client", "%s%s%s", kind, f->tls ? ", over TLS" : "", f->certificate.n > 0 ? " with certificate" : "");
	if (st->has_log && view_is(st->line.trust, "internal") && !f->internal)
		story_row(st, "", MOOD_ODD, VIEW_LIT("the log has it as internal: site.internal of these settings has not"));
	if (st->has_log && st->line.trust.n == 0 && (f->local || f->internal || f->authenticated))
		story_row(st, "", MOOD_ODD, VIEW_LIT("the log has it as a stranger: these settings have not"));
}

static void
facts_json(struct story *st, const struct policy_facts *f)
{
	json_object(&st->j, NULL);
	json_bool(&st->j, "local", f->local);
	json_bool(&st->j, "internal", f->internal);
	json_bool(&st->j, "authenticated", f->authenticated);
	json_bool(&st->j, "tls", f->tls);
	json_text(&st->j, "certificate", f->certificate);
	json_bool(&st->j, "list_id", f->list_id);
	json_text(&st->j, "list", f->list);
	json_number(&st->j, "size", (int64_t)f->size);
	json_assessment(&st->j, f->found);
	json_end(&st->j, '}');
}

void
story_facts(struct story *st, const struct policy_facts *f)
{
	const struct assessment *found = f->found;

	story_part(st, "facts");
	if (st->json) {
		facts_json(st, f);
		return;
	}
	tell_client(st, f);
	tell_all_spf(st, found);
	for (size_t i = 0; i < found->dkim.n; i++)
		tell_fact(st, "dkim", &found->dkim.fact[i]);
	tell_arc(st, found->arc);
	tell_from(st, &found->from);
	tell_dmarc(st, found->dmarc);
	if (f->list_id)
		story_rowf(st, "list", "%.*s", VIEW_ARG(f->list.n > 0 ? f->list : VIEW_LIT("a List-Id without one identifier")));
	story_rowf(st, "size", "%llu", (unsigned long long)f->size);
}

/* ---- rules ---- */

static void
tell_rule(struct story *st, const struct policy_step *step)
{
	const char *outcome = step->decides ? "decides" : step->overdue ? "holds, but defer-hours are over" :
	    step->holds ? "holds, too late" : step->not_for_ours ?
	    "not for clients of ours" : "does not hold";

	if (st->json) {
		json_object(&st->j, NULL);
		json_text(&st->j, "rule", step->rule.rule);
		json_text(&st->j, "file", step->rule.file);
		json_number(&st->j, "line", step->rule.line);
		json_cstr(&st->j, "action", name_of(verdict_action_names, (int)step->rule.action));
		json_bool(&st->j, "shadow", step->shadow);
		json_cstr(&st->j, "outcome", outcome);
		json_end(&st->j, '}');
		return;
	}
	story_row(st, step->shadow ? "  shadow rule" : "  rule", step->decides ? MOOD_ODD : MOOD_PLAIN,
	    arena_printf(st->arena, "%.*s (%.*s:%u) %s: %s", VIEW_ARG(step->rule.rule), VIEW_ARG(step->rule.file),
	    step->rule.line, name_of(verdict_action_names, (int)step->rule.action), outcome));
}

static void
verdict_json(struct story *st, const struct verdict *v)
{
	json_cstr(&st->j, "verdict", name_of(verdict_action_names, (int)v->action));
	json_text(&st->j, "by", v->rule);
	json_bool(&st->j, "monitored", v->monitored);
	json_cstr(&st->j, "would", name_of(verdict_action_names, (int)v->would));
	json_array(&st->j, "overrides");
	for (size_t i = 0; i < v->dmarc.overrides; i++)
		json_cstr(&st->j, NULL, name_of(dmarc_reason_names, (int)v->dmarc.override[i].reason));
	json_end(&st->j, ']');
}

static void
tell_verdict(struct story *st, const struct verdict *v)
{
	struct buffer b = buffer_in(st->arena);
	bool good = v->action == VERDICT_ACCEPT || v->action == VERDICT_TAG;

	buffer_addf(&b, "%s", name_of(verdict_action_names, (int)v->action));
	if (v->action == VERDICT_QUARANTINE)
		buffer_addf(&b, " by %s", name_of(quarantine_by_names, (int)v->by));
	if (v->mailbox.n > 0)
		buffer_addf(&b, " to %.*s", VIEW_ARG(v->mailbox));
	buffer_addf(&b, ", by %.*s", VIEW_ARG(v->rule));
	if (v->monitored)
		buffer_addf(&b, "\nthe policy only watches: it would %s", name_of(verdict_action_names, (int)v->would));
	if (v->code != 0)
		buffer_addf(&b, "\n%d %.*s %.*s", v->code, VIEW_ARG(v->enhanced), VIEW_ARG(v->text));
	for (size_t i = 0; i < v->dmarc.overrides; i++)
		buffer_addf(&b, "\nDMARC's wish is not followed: %s (%.*s)",
		    name_of(dmarc_reason_names, (int)v->dmarc.override[i].reason), VIEW_ARG(v->dmarc.override[i].comment));
	story_row(st, "  verdict", good ? MOOD_GOOD : MOOD_BAD, buffer_view(&b));
}

static void
tell_one(struct story *st, const struct policy_set *set, const struct policy_facts *facts, const struct recipient *rcpt)
{
	struct policy_step step;
	struct verdict v;

	story_row(st, "recipient", MOOD_PLAIN, rcpt->argument);
	if (st->json) {
		json_object(&st->j, NULL);
		json_text(&st->j, "recipient", rcpt->argument);
		json_array(&st->j, "tried");
	}
	for (size_t k = 0; policy_step(set, facts, rcpt, k, false, st->arena, &step); k++)
		tell_rule(st, &step);
	for (size_t k = 0; policy_step(set, facts, rcpt, k, true, st->arena, &step); k++)
		tell_rule(st, &step);
	policy_decide(set, facts, rcpt, 1, st->arena, &v);
	if (st->json) {
		json_end(&st->j, ']');
		verdict_json(st, &v);
		json_end(&st->j, '}');
		return;
	}
	tell_verdict(st, &v);
}

void
story_rules(struct story *st, const struct policy_set *set, const struct policy_facts *facts,
    const struct recipient *rcpt, size_t n)
{
	story_part(st, "rules");
	for (size_t i = 0; i < n; i++)
		tell_one(st, set, facts, &rcpt[i]);
}
