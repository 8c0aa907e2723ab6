#include "cli/check_json.h"

#include "dmarc/dmarc_record.h"
#include "spf/spf_trace.h"

#include <stdio.h>

static void
json_fact(struct json *j, const struct auth_fact *f)
{
	json_object(j, NULL);
	json_cstr(j, "method", name_of(auth_method_names, f->method));
	json_cstr(j, "result", name_of(auth_result_names, f->result));
	json_text(j, "reason", f->reason);
	json_text(j, "comment", f->comment);
	json_text(j, "domain", f->domain);
	json_bool(j, "aligns", f->aligns);
	json_object(j, "properties");
	for (size_t i = 0; i < f->properties; i++) {
		char name[64]; /* both halves are our own words */
		snprintf(name, sizeof(name), "%s.%s", f->property[i].ptype, f->property[i].name);
		json_text(j, name, f->property[i].value);
	}
	json_end(j, '}');
	json_end(j, '}');
}

static void
json_from(struct json *j, const struct from_domain *from)
{
	static const char *const outcomes[] = { [FROM_ONE] = "one", [FROM_NONE] = "none", [FROM_SEVERAL] = "several" };

	json_object(j, "from");
	json_cstr(j, "outcome", outcomes[from->outcome]);
	json_text(j, "domain", from->domain);
	json_array(j, "domains");
	for (size_t i = 0; i < from->n; i++)
		json_text(j, NULL, from->domains[i]);
	json_end(j, ']');
	json_text(j, "why", from->why);
	json_end(j, '}');
}

void
json_spf_members(struct json *j, const struct spf_result *r)
{
	json_cstr(j, "result", name_of(auth_result_names, r->result));
	json_text(j, "domain", r->domain);
	json_text(j, "sender", r->sender);
	json_text(j, "mechanism", r->mechanism);
	json_text(j, "problem", r->problem);
	json_text(j, "explanation", r->explanation);
	json_number(j, "lookups", r->lookups);
	json_number(j, "voids", r->voids);
	json_bool(j, "secure", r->secure);
}

void
json_spf_trace(struct json *j, const struct spf_trace *trace)
{
	static const char *const kinds[] = {
		[SPF_TRACE_RECORD] = "record", [SPF_TRACE_TERM] = "term", [SPF_TRACE_EXPLANATION] = "explanation",
	};

	json_array(j, "trace");
	for (size_t i = 0; trace != NULL && i < trace->n; i++) {
		const struct spf_trace_row *row = &trace->row[i];
		json_object(j, NULL);
		json_cstr(j, "kind", kinds[row->kind]);
		json_number(j, "depth", row->depth);
		json_text(j, "name", row->name);
		json_text(j, "text", row->text);
		json_cstr(j, "outcome", row->outcome);
		json_text(j, "note", row->note);
		json_number(j, "lookups", row->lookups);
		json_number(j, "voids", row->voids);
		json_end(j, '}');
	}
	json_end(j, ']');
}

static void
json_spf(struct json *j, const char *key, const struct spf_result *r, const struct spf_trace *trace)
{
	if (r == NULL) {
		json_null(j, key);
		return;
	}
	json_object(j, key);
	json_spf_members(j, r);
	if (trace != NULL)
		json_spf_trace(j, trace);
	json_end(j, '}');
}

/* arc_state, arc_state_reason, arc_domains, arc_oldest_pass: Exim's words for them. */
static void
json_arc(struct json *j, const struct arc_result *r)
{
	if (r == NULL) {
		json_null(j, "arc");
		return;
	}
	json_object(j, "arc");
	json_cstr(j, "arc_state", name_of(auth_result_names, (int)r->result));
	json_text(j, "arc_state_reason", r->reason);
	json_array(j, "arc_domains");
	for (size_t i = 0; i < r->domains_n; i++)
		json_text(j, NULL, r->domains[i]);
	json_end(j, ']');
	json_number(j, "arc_oldest_pass", r->oldest_pass_exim);
	json_number(j, "header_oldest_pass", r->oldest_pass);
	json_number(j, "instances", r->instances);
	json_text(j, "sealer", r->sealer);
	json_end(j, '}');
}

static void
json_identifiers(struct json *j, const struct dmarc_result *r)
{
	json_array(j, "identifiers");
	for (size_t i = 0; i < r->identifiers; i++) {
		const struct dmarc_identifier *id = &r->identifier[i];
		json_object(j, NULL);
		json_cstr(j, "method", name_of(auth_method_names, (int)id->method));
		json_cstr(j, "result", name_of(auth_result_names, (int)id->result));
		json_text(j, "domain", id->domain);
		json_text(j, "organizational_domain", id->org);
		json_cstr(j, "alignment", name_of(dmarc_alignment_names, (int)id->alignment));
		json_bool(j, "counts", id->counts);
		json_end(j, '}');
	}
	json_end(j, ']');
}

static void
json_dmarc(struct json *j, const struct dmarc_result *r)
{
	if (r == NULL) {
		json_null(j, "dmarc");
		return;
	}
	json_object(j, "dmarc");
	json_cstr(j, "dmarc_status", name_of(dmarc_status_names, (int)r->status));
	json_text(j, "dmarc_status_text", r->text);
	json_text(j, "dmarc_used_domain", r->used_domain);
	json_text(j, "record", r->record == NULL ? VIEW_EMPTY : r->record->text);
	json_cstr(j, "dmarc_domain_policy", name_of(dmarc_policy_names, (int)r->policy));
	json_cstr(j, "policy_tag", r->policy_tag);
	json_cstr(j, "applied_policy", name_of(dmarc_policy_names, (int)r->applied));
	json_text(j, "organizational_domain", r->org_domain);
	json_cstr(j, "discovery", r->org_by_psl ? "psl" : "treewalk");
	json_bool(j, "nonexistent", r->nonexistent);
	json_bool(j, "spf_aligned", r->spf_aligned);
	json_bool(j, "dkim_aligned", r->dkim_aligned);
	json_identifiers(j, r);
	json_bool(j, "differs", r->differs);
	json_end(j, '}');
}

static void
json_dns(struct json *j, const struct dns_task_stats *stats)
{
	json_object(j, "dns");
	json_number(j, "queries", stats->queries);
	json_number(j, "from_cache", stats->from_cache);
	json_number(j, "temporary_failures", stats->temp);
	json_number(j, "waited_ms", stats->waited_ms);
	json_end(j, '}');
}

void
json_assessment(struct json *j, const struct assessment *found)
{
	json_from(j, &found->from);
	json_spf(j, "spf", found->spf, found->spf_trace);
	json_spf(j, "spf_helo", found->spf_helo, found->spf_helo_trace);
	json_spf(j, "spf_guess", found->spf_guess, NULL);
	json_dmarc(j, found->dmarc);
	json_arc(j, found->arc);
	json_array(j, "facts");
	for (size_t i = 0; i < found->facts.n; i++)
		json_fact(j, &found->facts.fact[i]);
	json_end(j, ']');
	json_dns(j, &found->dns);
}

void
check_json_print(struct view authserv_id, struct view field, const struct assessment *found, struct arena *arena)
{
	struct json j = json_in(arena);

	json_object(&j, NULL);
	json_text(&j, "authserv_id", authserv_id);
	json_text(&j, "authentication_results", field);
	json_assessment(&j, found);
	json_end(&j, '}');
	json_print(&j);
}
