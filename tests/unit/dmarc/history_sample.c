/* Appends four messages to the history file named by its argument, as the daemon would: for history-import.sh. */
#include "dmarc/dmarc_history.h"
#include "dmarc_test.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *job, *zone, *from, *facts, *selector, *mail_domain;
	enum dmarc_history_action action;
	bool arc;
} messages[] = {
	{ "JOB1", "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=quarantine; adkim=s; rua=mailto:a@example.com,mailto:b@example.com\"\n", "example.com",
	    "spf=pass:bounce.example.com dkim=pass:example.com dkim=fail:other.example", "sel1", "bounce.example.com", DMARC_ACTION_ACCEPT, false },
	{ "JOB2", "_dmarc.example.org TXT \"v=DMARC1; p=none; sp=reject; aspf=s\"\n", "a.example.org", "spf=softfail:evil.example", "", "evil.example",
	    DMARC_ACTION_REJECT, false },
	{ "JOB3", "_dmarc.example.net TXT \"v=DMARC1; p=quarantine\"\n", "example.net", "dkim=permerror:example.net", "s", "", DMARC_ACTION_ACCEPT, true },
	{ "JOB 4'; DROP TABLE messages; --", "_dmarc.example.net TXT \"v=DMARC1; p=quarantine; t=y\"\n", "example.net", "dkim=pass:list.example",
	    "s e'l", "list.example", DMARC_ACTION_ACCEPT, false },
};

static void
add_selectors(struct auth_facts *facts, const char *selector)
{
	for (size_t i = 0; i < facts->n; i++)
		if (facts->fact[i].method == AUTH_DKIM)
			auth_fact_property(&facts->fact[i], "header", "s", view_of(selector));
}

int
main(int argc, char **argv)
{
	static const struct dmarc_history_seal seals[] = { { 1, VIEW_LIT("list.example"), VIEW_LIT("arc1"), VIEW_LIT("192.0.2.9") },
		{ 2, VIEW_LIT("forward.example"), VIEW_LIT("arc2"), VIEW_EMPTY } };
	struct dmarc_history *h = dmarc_history_new(view_of(argc == 2 ? argv[1] : ""));
	bool ok = true;

	for (int i = 0; i < ARRAY_LEN(messages) && ok; i++) {
		struct dmarc_test t = { .zone = messages[i].zone, .from = messages[i].from, .facts = messages[i].facts,
			.conf = dmarc_test_presets(NULL) };
		struct dmarc_tested d = dmarc_test_run(&t);
		struct auth_facts facts = dmarc_test_facts(t.facts, d.arena);
		struct dmarc_history_entry e = { .job = view_of(messages[i].job), .reporter = VIEW_LIT("mx.example.net"),
			.received = 1795000000 + i, .mail_domain = view_of(messages[i].mail_domain), .result = d.result, .facts = &facts,
			.action = messages[i].action, .arc = messages[i].arc ? AUTH_PASS : AUTH_NONE, .arc_overrode = messages[i].arc,
			.seal = seals, .seals = messages[i].arc ? 2 : 0 };
		struct err err;
		ip_parse(i == 1 ? VIEW_LIT("2001:db8::7") : VIEW_LIT("192.0.2.7"), &e.client);
		add_selectors(&facts, messages[i].selector);
		ok = dmarc_history_wants(d.result) && dmarc_history_append(h, dmarc_history_lines(&e, d.arena), &err);
		if (!ok)
			fprintf(stderr, "message %d: %s\n", i, err.text);
		dmarc_test_end(&d);
	}
	dmarc_history_free(h);
	return ok ? 0 : 1;
}
