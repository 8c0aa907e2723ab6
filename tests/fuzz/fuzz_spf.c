/*
 * An evaluation over DNS data out of the input, by both engines.  Lines of the input:
 *	T0 v=spf1 ...	a TXT record of d0.example (d0: the sender's domain), any octets
 *	A0 7		an A record 192.0.2.7; M0 3: an MX record, d3.example; P0: the client's PTR is d0.example
 *	X0 T		T, A, M or P of d0.example times out
 *	6		the client has IPv6
 * However the records nest, the limits hold, the questions are bounded, and steps give what waiting gives.
 */
#include "base/cursor.h"
#include "base/buffer.h"
#include "base/mem.h"
#include "dns/dns_conf.h"
#include "spf/spf.h"
#include "spf/spf_trace.h"

#include <assert.h>

/* 10 terms of 1 + 10 questions, as many asked ahead, %{p}, the first record, the explanation. */
#define QUESTIONS_MAX (10 * 11 + 10 + 11 + 2)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add_octets(struct buffer *b, struct view v)
{
	struct cursor c = cursor_over(v);

	while (!cursor_end(&c)) {
		if (char_in((char)cursor_peek(&c), CC_ALNUM))
			buffer_add_char(b, (char)cursor_peek(&c));
		else
			buffer_addf(b, "\\%03d", cursor_peek(&c));
		(void)cursor_take_n(&c, 1);
	}
}

static const char *
type_of(int letter)
{
	return letter == 'A' ? "A" : letter == 'M' ? "MX" : letter == 'P' ? "PTR" : "TXT";
}

static void
add_line(struct buffer *zone, struct view line, bool *v6)
{
	struct cursor c = cursor_over(line);
	int kind = cursor_any(&c, CC_ALNUM), digit = cursor_any(&c, CC_DIGIT);

	*v6 |= kind == '6';
	if (kind < 0 || digit < 0)
		return;
	(void)cursor_char(&c, ' ');
	struct view rest = cursor_rest(&c);
	int octet = cursor_peek(&c) < 0 ? 1 : cursor_peek(&c);
	if (kind == 'T') {
		buffer_addf(zone, "d%c.example TXT \"", digit);
		add_octets(zone, rest);
		buffer_add_cstr(zone, "\"\n");
	} else if (kind == 'A')
		buffer_addf(zone, "d%c.example A 192.0.2.%d\nd%c.example AAAA 2001:db8::%x\n", digit, octet, digit, octet);
	else if (kind == 'M')
		buffer_addf(zone, "d%c.example MX %d d%d.example\n", digit, octet, octet % 10);
	else if (kind == 'P')
		buffer_addf(zone, "49.2.0.192.in-addr.arpa PTR d%c.example\n", digit);
	else if (kind == 'X')
		buffer_addf(zone, "d%c.example %s TIMEOUT\n", digit, type_of(octet));
}

static struct dns *
resolver_for(struct view text, struct arena *arena, bool *v6)
{
	struct buffer zone = buffer_in(arena);
	struct view line, rest = text;
	bool more;

	do {
		more = view_split(rest, '\n', &line, &rest);
		add_line(&zone, line, v6);
	} while (more);
	return dns_open_fake(buffer_view(&zone), NULL);
}

static const struct spf_result *
run(struct dns *dns, const struct spf_input *in, bool steps, struct arena *arena)
{
	struct dns_task *task = dns_task_new(dns, arena, (struct dns_budget){ 1000, 1000 });
	struct spf_check *check = spf_begin(in, SPF_MAILFROM, task, arena);

	for (int i = 0; steps && i < 1000 && !spf_step(check); i++)
		;
	const struct spf_result *r = spf_join(check);
	assert(r->lookups <= 10 && r->voids <= 3 && r->explanation.n <= SPF_EXPLANATION_MAX);
	assert(view_is_ascii(r->explanation) && view_is_ascii(r->mechanism) && view_is_ascii(r->problem));
	assert((r->result == AUTH_PERMERROR || r->result == AUTH_TEMPERROR) == (r->problem.n > 0));
	assert(in->conf->engine != SPF_NATIVE || dns_task_stats(task).queries <= QUESTIONS_MAX);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	bool v6 = false;
	struct dns *dns = resolver_for((struct view){ (const char *)data, size }, arena, &v6);
	struct spf_conf conf;
	struct spf_input in = { .conf = &conf, .helo = VIEW_LIT("d1.example"), .mail_local = VIEW_LIT("a.b-c"),
		.mail_domain = VIEW_LIT("d0.example"), .receiver = VIEW_LIT("r.example"), .now = 1 };

	conf_section_presets(&spf_section, &conf, arena);
	(void)ip_parse(v6 ? VIEW_LIT("2001:db8::31") : VIEW_LIT("192.0.2.49"), &in.client);
	if (dns != NULL) {
		const struct spf_result *a = run(dns, &in, false, arena);
		in.trace = spf_trace_new(arena);
		in.cache = spf_cache_new(20000);
		const struct spf_result *b = run(dns, &in, true, arena);
		assert(a->result == b->result && a->lookups == b->lookups && a->voids == b->voids);
		assert(view_eq(a->problem, b->problem) && view_eq(a->explanation, b->explanation));
		assert(view_eq(a->mechanism, b->mechanism));
		(void)spf_received(&in, SPF_MAILFROM, b, arena);
		(void)spf_trace_text(in.trace, arena);
		conf.engine = SPF_LIBSPF2;
		(void)run(dns, &in, false, arena);
	}
	arena_reset(arena);
	spf_cache_free(in.cache);
	dns_close(dns);
	arena_free(arena);
	return 0;
}
