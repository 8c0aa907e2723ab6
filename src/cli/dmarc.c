/*
 * assayctl dmarc - the way to a domain's DMARC policy, step by step (RFC 9989 4.10, RFC 7489 6.6.3).
 */
#include "base/buffer.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "dmarc/dmarc.h"
#include "mail/domain.h"
#include "milter/settings.h"

#include <stdio.h>

static const char *
policy_word(enum dmarc_policy policy)
{
	return policy == DMARC_UNSET ? "-" : name_of(dmarc_policy_names, policy);
}

static struct view
quoted(struct view v, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	buffer_add_quoted(&b, v, 1000);
	return buffer_view(&b);
}

/* ---- for people ---- */

static void
print_step(const struct dmarc_walk_step *step, size_t number, struct arena *arena)
{
	const struct dns_answer *answer = step->answer;

	printf("%2zu  _dmarc.%.*s  ", number, VIEW_ARG(step->domain));
	if (answer == NULL) {
		printf("not needed\n");
		return;
	}
	if (answer->outcome != DNS_DATA) {
		printf("%s%s%s\n", dns_outcome_name(answer->outcome), *answer->why == '\0' ? "" : ": ", answer->why);
		return;
	}
	printf("%zu text record%s\n", answer->n, answer->n == 1 ? "" : "s");
	for (size_t i = 0; i < answer->n; i++) {
		struct view why = step->discarded_why[i], text = quoted(answer->txt[i], arena);
		printf("      %s %.*s\n", why.n == 0 ? "kept     " : "discarded", VIEW_ARG(text));
		if (why.n > 0)
			printf("                because %.*s\n", VIEW_ARG(why));
	}
	for (size_t i = 0; step->record != NULL && i < step->record->flaws; i++)
		printf("      flaw      %.*s\n", VIEW_ARG(step->record->flaw[i]));
}

static void
print_result(const char *by, const struct dmarc_result *r)
{
	printf("\npolicy by %s\n", by);
	printf("    status        %s: %.*s\n", name_of(dmarc_status_names, r->status), VIEW_ARG(r->text));
	printf("    record of     %.*s\n", VIEW_ARG(r->used_domain));
	printf("    policy        %s%s%s%s\n", policy_word(r->policy), *r->policy_tag == '\0' ? "" : " (", r->policy_tag,
	    *r->policy_tag == '\0' ? "" : "=)");
	if (r->applied != r->policy)
		printf("    applied       %s\n", policy_word(r->applied));
}

static void
print_trace(const struct dmarc_trace *t, struct arena *arena)
{
	printf("tree walk from %.*s\n", VIEW_ARG(t->domain));
	for (size_t i = 0; i < t->walk->n; i++)
		print_step(&t->walk->step[i], i + 1, arena);
	if (t->walk->state == DMARC_WALK_TEMP)
		printf("    the walk cannot be finished: %.*s\n", VIEW_ARG(t->walk->temp_why));
	if (t->exists != NULL)
		printf("    %.*s itself: %s\n", VIEW_ARG(t->domain), dns_outcome_name(t->exists->outcome));
	printf("\norganizational domain\n");
	printf("    by tree walk  %.*s%s%s%s\n", VIEW_ARG(t->org_walk), t->walk->org_why == NULL ? "" : " (",
	    t->walk->org_why == NULL ? "" : t->walk->org_why, t->walk->org_why == NULL ? "" : ")");
	if (t->by_psl != NULL)
		printf("    by PSL        %.*s (public suffix %.*s)%s\n", VIEW_ARG(t->org_psl), VIEW_ARG(t->psl_suffix),
		    view_eq(t->org_psl, t->org_walk) ? "" : "  DIFFERS");
	else
		printf("    by PSL        no list: install Debian's publicsuffix, or set dmarc.tld-file\n");
	print_result("tree walk", t->by_walk);
	if (t->by_psl != NULL)
		print_result("PSL", t->by_psl);
}

/* ---- for programs ---- */

static void
json_step(struct json *j, const struct dmarc_walk_step *step)
{
	json_object(j, NULL);
	json_text(j, "domain", step->domain);
	json_cstr(j, "outcome", step->answer == NULL ? NULL : dns_outcome_name(step->answer->outcome));
	json_cstr(j, "why", step->answer == NULL ? "" : step->answer->why);
	json_array(j, "records");
	for (size_t i = 0; step->answer != NULL && i < step->answer->n; i++) {
		json_object(j, NULL);
		json_text(j, "text", step->answer->txt[i]);
		json_bool(j, "kept", step->discarded_why[i].n == 0);
		json_text(j, "why", step->discarded_why[i]);
		json_end(j, '}');
	}
	json_end(j, ']');
	json_array(j, "flaws");
	for (size_t i = 0; step->record != NULL && i < step->record->flaws; i++)
		json_text(j, NULL, step->record->flaw[i]);
	json_end(j, ']');
	json_end(j, '}');
}

static void
json_result(struct json *j, const char *key, const struct dmarc_result *r)
{
	if (r == NULL) {
		json_null(j, key);
		return;
	}
	json_object(j, key);
	json_cstr(j, "status", name_of(dmarc_status_names, r->status));
	json_text(j, "text", r->text);
	json_text(j, "used_domain", r->used_domain);
	json_text(j, "organizational_domain", r->org_domain);
	json_cstr(j, "policy", name_of(dmarc_policy_names, r->policy));
	json_cstr(j, "tag", r->policy_tag);
	json_cstr(j, "applied", name_of(dmarc_policy_names, r->applied));
	json_bool(j, "nonexistent", r->nonexistent);
	json_end(j, '}');
}

static void
print_json(const struct dmarc_trace *t, struct arena *arena)
{
	struct json j = json_in(arena);

	json_object(&j, NULL);
	json_text(&j, "domain", t->domain);
	json_array(&j, "walk");
	for (size_t i = 0; i < t->walk->n; i++)
		json_step(&j, &t->walk->step[i]);
	json_end(&j, ']');
	json_text(&j, "organizational_domain_by_walk", t->org_walk);
	json_cstr(&j, "because", t->walk->org_why);
	json_text(&j, "organizational_domain_by_psl", t->org_psl);
	json_text(&j, "public_suffix", t->psl_suffix);
	json_cstr(&j, "exists", t->exists == NULL ? NULL : dns_outcome_name(t->exists->outcome));
	json_result(&j, "by_walk", t->by_walk);
	json_result(&j, "by_psl", t->by_psl);
	json_end(&j, '}');
	json_print(&j);
}

/* assayctl(1): the policy is known, there is none, or DNS trouble. */
static int
exit_status(const struct dmarc_result *r)
{
	if (r->status == DMARC_STATUS_TEMPERROR)
		return CLI_TEMPERROR;
	return r->policy == DMARC_UNSET ? CLI_NOTHING : CLI_OK;
}

static int
walk(const struct cli_world *world, const struct settings *settings, struct view domain, bool as_json,
    struct arena *arena)
{
	const struct dmarc_conf *conf = &settings->assess.dmarc;
	const struct dmarc_psl *psl = NULL;
	struct err err;

	if (conf->tld_file.n > 0 && !dmarc_psl_load(arena_cstr(arena, conf->tld_file), arena, &psl, &err))
		fprintf(stderr, "assayctl dmarc: %s\n", err.text);
	struct dns *dns = cli_dns_open(world, &settings->dns, arena, &err);
	if (dns == NULL) {
		fprintf(stderr, "assayctl dmarc: %s\n", err.text);
		return CLI_USAGE;
	}
	struct arena *own = arena_new(); /* its DNS task must end before the resolver does */
	const struct dmarc_trace *t = dmarc_trace(domain, psl, dns_task_new(dns, own, settings->assess.budget), own);
	if (as_json)
		print_json(t, own);
	else
		print_trace(t, own);
	int status = exit_status(conf->discovery == DMARC_PSL && t->by_psl != NULL ? t->by_psl : t->by_walk);
	arena_free(own);
	dns_close(dns);
	return status;
}

int
cli_dmarc(const struct cli_command *self, struct cli_list words, struct arena *arena)
{
	struct cli_world world = { 0 };
	bool as_json = false;
	const struct cli_option options[] = {
		{ .name = "json", .help = "all of it as JSON", .given = &as_json },
		CLI_WORLD_OPTIONS(&world, "presets"),
	};
	size_t n = sizeof(options) / sizeof(options[0]);
	struct cli_list arguments;
	int status;
	struct view domain;
	struct err err;

	if (!cli_options(self, options, n, words, &arguments, arena, &status))
		return status;
	if (arguments.n != 1)
		return cli_usage(self, "one DOMAIN is wanted");
	if (!domain_to_ascii(arguments.item[0], arena, &domain, &err))
		return cli_usage(self, "\"%.*s\" is not a domain: %s", VIEW_ARG(arguments.item[0]), err.text);
	struct settings *settings = cli_settings(&world, arena);
	if (settings == NULL)
		return CLI_USAGE;
	status = walk(&world, settings, domain, as_json, arena);
	settings_unref(settings);
	return status;
}
