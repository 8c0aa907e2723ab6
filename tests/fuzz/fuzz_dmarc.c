/*
 * Line 1: author domain.  Line 2: how, and facts: "t spf=pass:a.example dkim=temperror:b.example".  Rest: DNS (dns/dns_fake.h).
 * A message passes only by a fact that passed; trouble is never a pass; questions are bounded; no part of the
 * result is left half filled.
 */
#include "dmarc/dmarc_history.h"
#include "dns/dns_conf.h"
#include "mail/domain.h"

#include <assert.h>

#define FACTS_MAX 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
take_fact(struct view word, struct auth_fact *fact, struct arena *arena)
{
	struct view method, result, domain;
	int value;

	*fact = (struct auth_fact){ .method = AUTH_DKIM };
	if (!view_split(word, '=', &method, &result) || !view_split(result, ':', &result, &domain) ||
	    !name_value(auth_result_names, result, &value) || !domain_to_ascii(domain, arena, &fact->domain, NULL))
		return false;
	fact->method = view_is(method, "spf") ? AUTH_SPF : AUTH_DKIM;
	fact->result = (enum auth_result)value;
	fact->aligns = fact->result == AUTH_PASS;
	return true;
}

static struct auth_facts
take_facts(struct view line, struct arena *arena)
{
	struct auth_facts facts = { ARENA_ARRAY(arena, FACTS_MAX, struct auth_fact), 0 };
	struct view word;

	while (line.n > 0 && facts.n < FACTS_MAX) {
		view_split(line, ' ', &word, &line);
		facts.n += take_fact(word, &facts.fact[facts.n], arena);
	}
	return facts;
}

static bool
some_fact_passed(const struct auth_facts *facts)
{
	for (size_t i = 0; i < facts->n; i++)
		if (facts->fact[i].result == AUTH_PASS)
			return true;
	return false;
}

static void
check_result(const struct dmarc_result *r, const struct auth_facts *facts)
{
	bool trouble = r->status == DMARC_STATUS_TEMPERROR;

	assert(r->fact.method == AUTH_DMARC && !r->fact.aligns);
	assert((r->fact.result == AUTH_PASS) == (r->status == DMARC_STATUS_ACCEPT));
	assert((r->fact.result == AUTH_TEMPERROR) == trouble);
	assert(r->status != DMARC_STATUS_ACCEPT || (some_fact_passed(facts) && (r->spf_aligned || r->dkim_aligned)));
	assert(!trouble || (r->policy == DMARC_UNSET && r->disposition.policy == DMARC_UNSET));
	assert(r->policy == DMARC_UNSET || (r->record != NULL && r->record->usable));
	assert(r->applied <= r->policy || r->status == DMARC_STATUS_REJECT);
	assert(r->text.n > 0 && view_is_ascii(r->text));
	for (size_t i = 0; i < r->identifiers; i++) {
		const struct dmarc_identifier *id = &r->identifier[i];
		if (id->counts)
			assert(domain_within(r->from_domain, domain_last(id->domain, 1)));
		if (id->alignment == DMARC_ALIGN_STRICT)
			assert(view_eq_nocase(id->domain, r->from_domain));
	}
}

static void
check_history(const struct dmarc_result *r, const struct auth_facts *facts, struct arena *arena)
{
	struct dmarc_history_entry e = { .result = r, .facts = facts, .mail_domain = r->from_domain };
	struct view lines, line;

	if (!dmarc_history_wants(r))
		return;
	for (lines = dmarc_history_lines(&e, arena); lines.n > 0;) {
		view_split(lines, '\n', &line, &lines);
		assert(view_find(line, ' ') != VIEW_NONE);
	}
}

/* A delay would only make the fuzzer wait. */
static bool
has_delay(struct view text)
{
	for (; text.n > 0; text = view_from(text, 1))
		if (view_eq_nocase(view_sub(text, 0, 5), VIEW_LIT("DELAY")))
			return true;
	return false;
}

static void
run(struct view author, struct view how, struct dns *dns, struct arena *arena)
{
	struct dmarc_conf conf = { .enable = true, .identifiers_max = 4 };
	struct from_domain from = { FROM_ONE, author, &author, 1, VIEW_EMPTY, 1, 1 };
	struct auth_facts facts = take_facts(how, arena);
	struct dns_task *task = dns_task_new(dns, arena, (struct dns_budget){ 1000, 1000 });
	struct view likely[FACTS_MAX];
	struct dmarc_input in = { .conf = &conf, .from = &from, .likely = likely, .likely_n = facts.n };

	for (size_t i = 0; i < facts.n; i++)
		likely[i] = facts.fact[i].domain;
	struct dmarc_check *check = dmarc_begin(&in, task, arena);
	dmarc_step(check);
	const struct dmarc_result *r = dmarc_end(check, &facts);
	check_result(r, &facts);
	check_history(r, &facts, arena);
	/* the author's walk, one for each identifier (hints have as many of their own), one for existence */
	assert(dns_task_stats(task).queries <= (1 + 2 * 4) * DMARC_WALK_MAX + 1);
	assert(dmarc_trace(author, NULL, task, arena)->walk->n <= DMARC_WALK_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { (const char *)data, size }, line, how, author;
	struct arena *arena = arena_new();
	struct dns *dns = NULL;

	view_split(text, '\n', &line, &text);
	view_split(text, '\n', &how, &text);
	if (domain_to_ascii(line, arena, &author, NULL) && !has_delay(text))
		dns = dns_open_fake(text, NULL);
	if (dns != NULL)
		run(author, how, dns, arena);
	arena_free(arena);
	dns_close(dns);
	return 0;
}
