/*
 * The text of a policy file.  The first octet chooses the envelope and the facts.  What is accepted must decide the same
 * twice, keep its replies within SMTP's bounds, and keep the promise of classes.
 */
#include "policy/policy.h"
#include "support/libconfig_leak.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
count(void *ctx, const char *text)
{
	unsigned *said = ctx;

	assert(text[0] != '\0');
	(*said)++;
}

static struct policy_facts
facts_of(uint8_t octet, struct assessment *found, struct spf_result *spf, struct dmarc_result *dmarc)
{
	spf->result = (enum auth_result)(octet & 7);
	dmarc->status = (enum dmarc_status)(octet >> 5);
	dmarc->disposition.policy = octet & 8 ? DMARC_REJECT : DMARC_UNSET;
	dmarc->text = dmarc->used_domain = dmarc->from_domain = VIEW_LIT("\r\n\x01\xff%{x}");
	found->spf = spf;
	found->dmarc = dmarc;
	return (struct policy_facts){ .found = found, .spf_known = true, .content_known = true, .list = VIEW_EMPTY,
		.client = { 4, { 192, 0, 2, 1 } }, .client_name = VIEW_LIT("a.test"), .helo = VIEW_LIT("\n550 5.7.1 x"),
		.queue_id = VIEW_EMPTY, .certificate = VIEW_EMPTY, .authenticated = (octet & 16) != 0, .size = octet,
		.from = { VIEW_LIT("x@a.test"), VIEW_LIT("x"), VIEW_LIT("a.test") } };
}

static void
check_verdict(const struct verdict *v)
{
	bool replies = v->action == VERDICT_REJECT || v->action == VERDICT_DEFER;

	assert(v->rule.n > 0 && v->rule.n <= 64);
	assert(!replies || (v->code / 100 == (v->action == VERDICT_REJECT ? 5 : 4) && v->code != 421));
	assert(!replies || v->enhanced.p[0] == '0' + v->code / 100);
	assert(v->text.n <= 980 && v->tag_value.n <= 900);
	for (size_t i = 0; i < v->text.n; i++)
		assert((v->text.p[i] >= ' ' && v->text.p[i] <= '~') || v->text.p[i] == '\t');
	for (size_t i = 0; i < v->tag_value.n; i++)
		assert((v->tag_value.p[i] >= ' ' && v->tag_value.p[i] <= '~') || v->tag_value.p[i] == '\t');
	assert((v->by == QUARANTINE_REDIRECT) == (v->mailbox.n > 0));
}

static void
check_set(const struct policy_set *set, uint8_t octet, struct arena *arena)
{
	static const char *const who[] = { "<u@a.test>", "<u+x@a.test>", "<v@b.a.test>", "<postmaster>" };
	struct assessment found = { .received_spf = VIEW_EMPTY };
	struct spf_result spf = { .problem = VIEW_EMPTY };
	struct dmarc_result dmarc = { .several = false };
	struct policy_facts facts = facts_of(octet, &found, &spf, &dmarc);
	struct recipient rcpt[4];
	struct verdict v[4], again[4];
	struct settlement out;
	struct err err;

	for (size_t i = 0; i < 4; i++) {
		rcpt[i] = (struct recipient){ .argument = view_of(who[i]) };
		assert(mail_path_parse(rcpt[i].argument, arena, &rcpt[i].path, &err));
	}
	policy_decide(set, &facts, rcpt, 4, arena, v);
	policy_decide(set, &facts, rcpt, 4, arena, again);
	for (size_t i = 0; i < 4; i++) {
		check_verdict(&v[i]);
		assert(v[i].action == again[i].action && view_eq(v[i].text, again[i].text));
		if (policy_same_class(set, &rcpt[0], &rcpt[i], facts.authenticated))
			assert((v[i].action >= VERDICT_DISCARD) == (v[0].action >= VERDICT_DISCARD) && v[i].code == v[0].code);
	}
	policy_settle((enum policy_recipients)(octet & 3), (octet & 4) != 0, v, 4, arena, &out);
	policy_show(set, &rcpt[0], arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct policy_conf conf = { .directory = VIEW_EMPTY, .delimiter = VIEW_LIT("+") };
	struct arena *arena = arena_new();
	unsigned said = 0;

	if (size > 0) {
		struct policy_text text = { "f", { (const char *)data + 1, size - 1 } };
		const struct policy_set *set = policy_of_texts(&conf, &text, 1, NULL, arena, count, &said);
		assert(policy_mistakes(set) == 0 || said > 0);
		check_set(set, data[0], arena);
		/* What was good once stays in force when the file is broken. */
		struct policy_text broken = { "f", VIEW_LIT("domains = ") };
		const struct policy_set *stale = policy_of_texts(&conf, &broken, 1, set, arena, count, &said);
		assert(policy_files(stale) == policy_files(set));
	}
	arena_free(arena);
	return 0;
}
