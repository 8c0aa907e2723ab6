#include "dmarc_test.h"

#include "base/buffer.h"
#include "dmarc/dmarc_find.h"
#include "mail/domain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct dns *dns;
static struct dns_task *task;

static void
setup(void)
{
	arena = arena_new();
}

static void
teardown(void)
{
	arena_free(arena);
	dns_close(dns);
	dns = NULL;
}

static void
open_zone(const char *zone)
{
	struct err err;

	dns = dns_open_fake(view_of(zone), &err);
	ck_assert_msg(dns != NULL, "%s", err.text);
	task = dns_task_new(dns, arena, (struct dns_budget){ 100000, 60000 });
}

/* Every name asked so far, joined. */
static const char *
asked(void)
{
	struct buffer b = buffer_in(arena);
	const struct dns_answer *answer;
	struct view name;
	enum dns_type type;

	for (size_t i = 0; dns_task_each(task, i, &name, &type, &answer); i++) {
		if (i > 0)
			buffer_add_char(&b, ' ');
		buffer_add(&b, name);
	}
	buffer_add_char(&b, '\0');
	return buffer_view(&b).p;
}

/* The lists of names that RFC 9989 prints. */
static const struct {
	const char *section, *domain, *names;
} names[] = {
	{ "4.10", "a.b.c.d.e.f.g.h.i.j.mail.example.com",
	    "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com _dmarc.g.h.i.j.mail.example.com _dmarc.h.i.j.mail.example.com "
	    "_dmarc.i.j.mail.example.com _dmarc.j.mail.example.com _dmarc.mail.example.com _dmarc.example.com _dmarc.com" },
	{ "5.1.8", "mail.a.b.c.d.e.f.g.example.com",
	    "_dmarc.mail.a.b.c.d.e.f.g.example.com _dmarc.c.d.e.f.g.example.com _dmarc.d.e.f.g.example.com _dmarc.e.f.g.example.com "
	    "_dmarc.f.g.example.com _dmarc.g.example.com _dmarc.example.com _dmarc.com" },
	{ "4.10.2", "a.mail.example.com", "_dmarc.a.mail.example.com _dmarc.mail.example.com _dmarc.example.com _dmarc.com" },
	{ "4.10 step 4, x < 8", "a.b.c.d.e.f.g", "_dmarc.a.b.c.d.e.f.g _dmarc.b.c.d.e.f.g _dmarc.c.d.e.f.g _dmarc.d.e.f.g _dmarc.e.f.g _dmarc.f.g _dmarc.g" },
	{ "4.10 step 4, x = 8", "a.b.c.d.e.f.g.h",
	    "_dmarc.a.b.c.d.e.f.g.h _dmarc.b.c.d.e.f.g.h _dmarc.c.d.e.f.g.h _dmarc.d.e.f.g.h _dmarc.e.f.g.h _dmarc.f.g.h _dmarc.g.h _dmarc.h" },
	{ "4.10 step 4, x = 9", "a.b.c.d.e.f.g.h.i",
	    "_dmarc.a.b.c.d.e.f.g.h.i _dmarc.c.d.e.f.g.h.i _dmarc.d.e.f.g.h.i _dmarc.e.f.g.h.i _dmarc.f.g.h.i _dmarc.g.h.i _dmarc.h.i _dmarc.i" },
	{ "4.10", "com", "_dmarc.com" },
};

START_TEST(names_of_the_walk)
{
	open_zone("");
	dmarc_walk_begin(view_of(names[_i].domain), task, arena);
	ck_assert_str_eq(asked(), names[_i].names);
}
END_TEST

/* Up to names so long that "_dmarc." cannot stand before them. */
START_TEST(never_more_than_eight_questions)
{
	struct buffer b = buffer_in(arena);

	open_zone("");
	for (unsigned labels = 1; labels <= 123; labels++) {
		buffer_add_cstr(&b, labels == 1 ? "a" : ".a");
		struct dns_task *one = dns_task_new(dns, arena, (struct dns_budget){ 1000, 1000 });
		struct dmarc_walk *w = dmarc_walk_begin(arena_copy(arena, buffer_view(&b)), one, arena);
		ck_assert_int_eq(dmarc_walk_read(w, true, one, arena), DMARC_WALK_DONE);
		ck_assert_uint_eq(dns_task_stats(one).queries, labels < DMARC_WALK_MAX ? labels : DMARC_WALK_MAX);
		ck_assert(view_eq(w->org, w->start));
	}
}
END_TEST

START_TEST(begin_never_blocks)
{
	struct dmarc_conf conf = dmarc_test_presets(arena);
	struct view list[] = { VIEW_LIT("example.com") };
	struct from_domain from = { FROM_ONE, list[0], list, 1, VIEW_EMPTY, 1, 1 };
	struct dmarc_input in = { .conf = &conf, .from = &from };
	struct auth_facts none = { NULL, 0 };

	open_zone("_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n_dmarc.example.com DELAY 300\n");
	struct dmarc_check *check = dmarc_begin(&in, task, arena);
	dmarc_step(check);
	ck_assert_int_lt(dns_task_stats(task).waited_ms, 50);
	ck_assert_uint_eq(dns_task_stats(task).queries, 2);
	ck_assert_int_eq(dmarc_end(check, &none)->status, DMARC_STATUS_REJECT);
}
END_TEST

START_TEST(hints_are_asked_early)
{
	struct dmarc_conf conf = dmarc_test_presets(arena);
	struct view list[] = { VIEW_LIT("example.com") };
	struct view likely[] = { VIEW_LIT("example.com"), VIEW_LIT("a.example.com"), VIEW_LIT("evil.com"), VIEW_LIT("a.example.com") };
	struct from_domain from = { FROM_ONE, list[0], list, 1, VIEW_EMPTY, 1, 1 };
	struct dmarc_input in = { .conf = &conf, .from = &from, .likely = likely, .likely_n = 4 };

	open_zone("");
	dmarc_begin(&in, task, arena);
	ck_assert_str_eq(asked(), "_dmarc.example.com _dmarc.com _dmarc.a.example.com");
}
END_TEST

/* Unverified d= of strangers must not use up the walks that verified ones will need. */
START_TEST(hints_are_bounded)
{
	struct dmarc_conf conf = dmarc_test_presets(arena);
	struct view list[] = { VIEW_LIT("example.com") };
	struct view likely[100];
	struct from_domain from = { FROM_ONE, list[0], list, 1, VIEW_EMPTY, 1, 1 };
	struct dmarc_input in = { .conf = &conf, .from = &from, .likely = likely, .likely_n = 100 };
	struct auth_facts facts = dmarc_test_facts("dkim=pass:signer.example.com", arena);

	open_zone("_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n");
	for (int i = 0; i < 100; i++)
		likely[i] = arena_printf(arena, "s%d.example.com", i);
	struct dmarc_check *check = dmarc_begin(&in, task, arena);
	ck_assert_uint_eq(dns_task_stats(task).queries, 2 + (unsigned)conf.identifiers_max);
	ck_assert_int_eq(dmarc_end(check, &facts)->status, DMARC_STATUS_ACCEPT);
}
END_TEST

START_TEST(step_asks_for_existence)
{
	struct dmarc_conf conf = dmarc_test_presets(arena);
	struct view list[] = { VIEW_LIT("a.example.com") };
	struct from_domain from = { FROM_ONE, list[0], list, 1, VIEW_EMPTY, 1, 1 };
	struct dmarc_input in = { .conf = &conf, .from = &from };

	open_zone("_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject\"\n");
	struct dmarc_check *check = dmarc_begin(&in, task, arena);
	while (dns_task_answered(task) < 3)
		continue;
	dmarc_step(check);
	ck_assert_str_eq(asked(), "_dmarc.a.example.com _dmarc.example.com _dmarc.com a.example.com");
}
END_TEST

/* --- relaxed and strict alignment against a plain reading of the RFC -------------------------- */

#define UNIVERSE 40
struct world { /* records by name: '-' none, 'u' 'n' 'y' psd= */
	char name[UNIVERSE][32];
	char record[UNIVERSE];
	int n;
};

static unsigned seed = 20261122;

static unsigned
draw(unsigned below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

static char
record_of(const struct world *w, const char *name)
{
	for (int i = 0; i < w->n; i++)
		if (strcmp(w->name[i], name) == 0)
			return w->record[i];
	return '-';
}

static const char *
parent(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot == NULL ? NULL : dot + 1;
}

/* 4.10.2 in its own order, for names below eight labels. */
static const char *
plain_org(const struct world *w, const char *start)
{
	const char *fewest = start, *below = NULL;

	for (const char *name = start; name != NULL; below = name, name = parent(name)) {
		char r = record_of(w, name);
		if (r == 'n')
			return name;
		if (r == 'y')
			return name == start ? name : below;
		if (r == 'u')
			fewest = name;
	}
	return fewest;
}

static void
make_world(struct world *w)
{
	static const char *label[] = { "a", "b", "x" };

	w->n = 0;
	for (int i = 0; i < UNIVERSE; i++) {
		unsigned labels = 1 + draw(5);
		char name[32] = "";
		for (unsigned k = 0; k < labels; k++) {
			strcat(name, k == 0 ? "" : ".");
			strcat(name, label[draw(3)]);
		}
		if (record_of(w, name) != '-')
			continue;
		strcpy(w->name[w->n], name);
		w->record[w->n++] = "uuuunnyy"[draw(8)];
	}
}

static const char *
zone_of_world(const struct world *w, bool strict)
{
	struct buffer b = buffer_in(arena);

	for (int i = 0; i < w->n; i++)
		if (w->record[i] != '-')
			buffer_addf(&b, "_dmarc.%s TXT \"v=DMARC1; p=reject; psd=%c%s\"\n", w->name[i], w->record[i],
			    strict ? "; adkim=s" : "");
	buffer_add_char(&b, '\0');
	return buffer_view(&b).p;
}

static enum dmarc_status
judge(const struct dmarc_conf *conf, const char *author, const char *signer)
{
	struct arena *mine = arena_new();
	struct view list[] = { view_of(author) };
	struct from_domain from = { FROM_ONE, list[0], list, 1, VIEW_EMPTY, 1, 1 };
	struct dmarc_input in = { .conf = conf, .from = &from };
	struct auth_fact fact = { .method = AUTH_DKIM, .result = AUTH_PASS, .domain = view_of(signer), .aligns = true };
	struct auth_facts facts = { &fact, 1 };
	struct dns_task *one = dns_task_new(dns, mine, (struct dns_budget){ 100, 1000 });
	const struct dmarc_result *r = dmarc_end(dmarc_begin(&in, one, mine), &facts);
	enum dmarc_status status = r->status;

	arena_free(mine);
	return status;
}

/* Equality of plain_org makes the relation an equivalence by itself: reflexive, symmetric, transitive. */
START_TEST(relaxed_alignment_is_equality_of_organizational_domains)
{
	struct dmarc_conf conf = dmarc_test_presets(arena);
	struct world w = { .n = 0 };
	unsigned aligned = 0, parted = 0;

	seed += (unsigned)_i;
	make_world(&w);
	open_zone(zone_of_world(&w, false));
	for (int i = 0; i < w.n; i++)
		for (int k = 0; k < w.n; k++) {
			bool want = strcmp(plain_org(&w, w.name[i]), plain_org(&w, w.name[k])) == 0;
			enum dmarc_status status = judge(&conf, w.name[i], w.name[k]);
			ck_assert_msg(status == (want ? DMARC_STATUS_ACCEPT : DMARC_STATUS_REJECT), "%s (%s) and %s (%s): %s\n%s", w.name[i],
			    plain_org(&w, w.name[i]), w.name[k], plain_org(&w, w.name[k]), name_of(dmarc_status_names, (int)status),
			    zone_of_world(&w, false));
			*(want ? &aligned : &parted) += i != k;
		}
	ck_assert_uint_gt(aligned, 0);
	ck_assert_uint_gt(parted, 0);
}
END_TEST

START_TEST(strict_alignment_is_equality_of_names)
{
	struct dmarc_conf conf = dmarc_test_presets(arena);
	struct world w = { .n = 0 };

	seed += (unsigned)_i;
	make_world(&w);
	open_zone(zone_of_world(&w, true));
	for (int i = 0; i < w.n; i++)
		for (int k = 0; k < w.n; k++)
			ck_assert_int_eq(judge(&conf, w.name[i], w.name[k]), i == k ? DMARC_STATUS_ACCEPT : DMARC_STATUS_REJECT);
}
END_TEST

/* --- the trace -------------------------------------------------------------------------------- */

START_TEST(trace_shows_the_way)
{
	const struct dmarc_psl *psl;

	open_zone("_dmarc.a.b.example.co.uk TXT \"v=spf1 -all\"\n"
		  "_dmarc.b.example.co.uk TXT \"v=DMARC1; p=none\"\n"
		  "_dmarc.b.example.co.uk TXT \"v=DMARC1; p=reject\"\n"
		  "_dmarc.example.co.uk TXT \"v=DMARC1; p=none; sp=reject; foo=1\"\n"
		  "_dmarc.co.uk TXT \"v=DMARC1; p=none; psd=y\"\n");
	ck_assert(dmarc_psl_read(view_of(dmarc_test_list), arena, &psl, NULL));
	const struct dmarc_trace *t = dmarc_trace(VIEW_LIT("a.b.example.co.uk"), psl, task, arena);

	ck_assert_uint_eq(t->walk->n, 5);
	ck_assert_uint_eq(t->walk->read, 4); /* psd=y stopped it before "uk" */
	ck_assert_ptr_null(t->walk->step[4].answer);
	ck_assert_ptr_null(t->walk->step[0].record);
	ck_assert_msg(t->walk->step[0].discarded_why[0].n > 0, "the SPF record was not discarded");
	ck_assert_ptr_null(t->walk->step[1].record);
	ck_assert_uint_eq(t->walk->step[1].answer->n, 2);
	ck_assert_msg(view_find(t->walk->step[1].discarded_why[1], 'd') != VIEW_NONE, "no reason for the second");
	ck_assert_ptr_nonnull(t->walk->step[2].record);
	ck_assert_uint_eq(t->walk->step[2].discarded_why[0].n, 0);
	ck_assert_uint_eq(t->walk->step[2].record->flaws, 1);
	ck_view_is(t->org_walk, "example.co.uk");
	ck_assert_str_eq(t->walk->org_why, "psd=y above");
	ck_view_is(t->psl_suffix, "co.uk");
	ck_view_is(t->org_psl, "example.co.uk");
	ck_assert_str_eq(dmarc_test_text(t->by_walk, arena), "reject sp=reject at example.co.uk");
	ck_assert_str_eq(dmarc_test_text(t->by_psl, arena), "reject sp=reject at example.co.uk");
	ck_assert_int_eq(t->exists->outcome, DNS_NODATA);
}
END_TEST

START_TEST(trace_without_a_list)
{
	open_zone("");
	const struct dmarc_trace *t = dmarc_trace(VIEW_LIT("example.org"), NULL, task, arena);

	ck_assert_ptr_null(t->by_psl);
	ck_assert_int_eq(t->by_walk->status, DMARC_STATUS_NORECORD);
	ck_view_is(t->org_walk, "example.org");
	ck_assert_int_eq(t->exists->outcome, DNS_NXDOMAIN);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dmarc walk");
	TCase *tc = tcase_create("walk");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, names_of_the_walk, 0, ARRAY_LEN(names));
	tcase_add_test(tc, never_more_than_eight_questions);
	tcase_add_test(tc, begin_never_blocks);
	tcase_add_test(tc, hints_are_asked_early);
	tcase_add_test(tc, hints_are_bounded);
	tcase_add_test(tc, step_asks_for_existence);
	tcase_add_loop_test(tc, relaxed_alignment_is_equality_of_organizational_domains, 0, 8);
	tcase_add_loop_test(tc, strict_alignment_is_equality_of_names, 0, 2);
	tcase_add_test(tc, trace_shows_the_way);
	tcase_add_test(tc, trace_without_a_list);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
