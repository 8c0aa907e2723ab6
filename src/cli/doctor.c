/*
 * assayctl doctor - looks at the whole installation and says what to do.
 */
#include "cli/doctor.h"

#include <stdio.h>

#define DEFAULT_CONFIG SYSCONFDIR "/assay/assay.conf" /* as assayd has it */

/* A check with `needs_settings` is left out when there are none: why has been said. */
static const struct {
	const char *name;
	bool needs_settings;
	void (*run)(struct doctor *d);
} checks[] = {
	{ "settings", false, doctor_settings },
	{ "policies", true, doctor_policies },
	{ "user", true, doctor_user },
	{ "files", true, doctor_files },
	{ "secrets", true, doctor_secrets },
	{ "folders", true, doctor_folders },
	{ "daemon", true, doctor_daemon },
	{ "answer", true, doctor_answer },
	{ "postfix", false, doctor_postfix },
	{ "services", true, doctor_services },
	{ "milter order", false, doctor_order },
	{ "milter settings", true, doctor_milter_settings },
	{ "local mail", true, doctor_local_mail },
	{ "sendmail", true, doctor_sendmail },
	{ "srs maps", true, doctor_srs_maps },
	{ "srs server", true, doctor_srs_server },
	{ "srs domain", true, doctor_srs_domain },
	{ "host", true, doctor_host },
	{ "keys", true, doctor_keys },
	{ "resolver", true, doctor_resolver },
	{ "suffix list", true, doctor_suffixes },
	{ "clock", false, doctor_time },
	{ "limits", true, doctor_limits },
	{ "syslog", false, doctor_syslog },
};

/* A resolver for the checks that ask; without one each of them says so. */
static void
open_dns(struct doctor *d)
{
	struct dns_budget budget = { .queries = 300, .wait_ms = 20000 };
	struct err err;

	d->check = "resolver";
	d->dns = cli_dns_open(&d->wish->world, &d->settings->dns, d->arena, &err);
	if (d->dns == NULL)
		doctor_problem(d, ADVICE(d, "look at dns: { mode, servers, trust-anchor } in %s; for dnssec, apt-get install dns-root-data",
			d->config), "%s", err.text);
	else
		d->task = dns_task_new(d->dns, d->arena, budget);
}

static int
examine(const struct doctor_wish *wish, struct arena *arena)
{
	struct doctor d = { .wish = wish, .arena = arena_new(), .check = "" };
	struct err err;

	d.config = wish->world.config.n == 0 ? DEFAULT_CONFIG : arena_cstr(arena, wish->world.config);
	if (!cli_clock(&wish->world, &d.clock, &err)) {
		fprintf(stderr, "assayctl doctor: %s\n", err.text);
		arena_free(d.arena);
		return CLI_USAGE;
	}
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (checks[i].needs_settings && d.settings == NULL)
			continue;
		if (d.settings != NULL && i == 1)
			open_dns(&d);
		d.check = checks[i].name;
		checks[i].run(&d);
	}
	if (wish->as_json)
		doctor_print_json(&d);
	else
		doctor_print(&d);
	int status = doctor_status(&d);
	settings_unref(d.settings);
	struct dns *dns = d.dns;
	arena_free(d.arena); /* its DNS task must end before the resolver does */
	dns_close(dns);
	return status;
}

static bool
addresses_ok(const struct cli_command *self, const struct doctor_wish *w)
{
	struct ip ip;

	for (size_t i = 0; i < w->ip.n; i++)
		if (!ip_parse(w->ip.item[i], &ip)) {
			cli_usage(self, "--ip wants an IPv4 or IPv6 address, not \"%.*s\"", VIEW_ARG(w->ip.item[i]));
			return false;
		}
	return true;
}

int
cli_doctor(const struct cli_command *self, struct cli_list words, struct arena *arena)
{
	struct doctor_wish w = { .as_json = false };
	const struct cli_option options[] = {
		{ .name = "config", .value_name = "FILE", .help = "settings (default: " DEFAULT_CONFIG ")",
		    .value = &w.world.config },
		{ .name = "postfix-conf", .value_name = "DIR", .help = "of main.cf and master.cf (default: ask postconf)",
		    .value = &w.postfix_conf },
		{ .name = "postconf", .value_name = "FILE", .help = "of Postfix (default: in /usr/sbin, /usr/local/sbin)",
		    .value = &w.postconf },
		{ .name = "sendmail-cf", .value_name = "FILE", .help = "of Sendmail (default: /etc/mail/sendmail.cf)",
		    .value = &w.sendmail_cf },
		{ .name = "ip", .value_name = "ADDR", .help = "from which this host sends; may stand several times",
		    .list = &w.ip },
		{ .name = "json", .help = "all of it as JSON", .given = &w.as_json },
		{ .name = "resolver", .value_name = "ADDR[@PORT]", .help = "ask this name server", .value = &w.world.resolver },
		{ .name = "fake-dns", .value_name = "FILE", .help = "answer every DNS question from this file",
		    .value = &w.world.fake_dns },
		{ .name = "time", .value_name = "SECONDS", .help = "let it be then, in seconds since 1970 (UTC)",
		    .value = &w.world.time },
	};
	size_t n = sizeof(options) / sizeof(options[0]);
	struct cli_list arguments;
	int status;

	if (!cli_options(self, options, n, words, &arguments, arena, &status))
		return status;
	if (arguments.n > 0)
		return cli_usage(self, "what is \"%.*s\"?", VIEW_ARG(arguments.item[0]));
	if (!addresses_ok(self, &w))
		return CLI_USAGE;
	return examine(&w, arena);
}
