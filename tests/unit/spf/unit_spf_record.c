#include "spf/spf_cache.h"
#include "spf/spf_record.h"
#include "support/support.h"

#include "base/buffer.h"

#include <pthread.h>
#include <stdlib.h>

/* spf_record_parse: mechanisms; -1: refused */
static const struct {
	const char *what, *text;
	int directives;
} records[] = {
	{ "empty", "v=spf1", 0 },
	{ "nothing but spaces", "v=spf1   ", 0 },
	{ "ordinary", "v=spf1 a mx include:_spf.example.org ip4:192.0.2.0/24 ip6:2001:db8::/32 -all", 6 },
	{ "upper case", "V=SPF1 A MX/24 INCLUDE:_SPF.EXAMPLE.ORG IP4:192.0.2.0/24 -ALL", 5 },
	{ "several spaces, one at the end", "v=spf1  a   mx ", 2 },
	{ "tab between terms", "v=spf1 a\tmx", -1 },
	{ "tab at the end", "v=spf1 a\t", -1 },
	{ "line feed at the end", "v=spf1 a\n", -1 },
	{ "octet above 127", "v=spf1 a:ex\xc3\xa4mple.org", -1 },
	{ "octet above 127 in an unknown modifier", "v=spf1 x=\xa0 -all", -1 },
	{ "delete", "v=spf1 a\x7f", -1 },
	{ "other version", "v=spf10 a", -1 },
	{ "no version", "a mx -all", -1 },
	{ "unknown mechanism", "v=spf1 moo", -1 },
	{ "two qualifiers", "v=spf1 --all", -1 },
	{ "qualifier alone", "v=spf1 - all", -1 },
	{ "qualifier before a modifier", "v=spf1 -redirect=example.org", -1 },
	{ "every qualifier", "v=spf1 +a ?mx ~ptr -all", 4 },
	{ "mechanism after all", "v=spf1 -all a", 2 },
	{ "all with a domain", "v=spf1 all:example.org", -1 },

	{ "a with both prefixes", "v=spf1 a:example.org/24//64", 1 },
	{ "a with the IPv6 prefix", "v=spf1 a//64", 1 },
	{ "a with the IPv4 prefix", "v=spf1 a/24", 1 },
	{ "prefixes of 0", "v=spf1 a/0//0", 1 },
	{ "prefix 00", "v=spf1 a/00", -1 },
	{ "prefix 024", "v=spf1 a/024", -1 },
	{ "prefix 33", "v=spf1 a/33", -1 },
	{ "prefix 129", "v=spf1 a//129", -1 },
	{ "prefix without number", "v=spf1 a/", -1 },
	{ "prefix without number, IPv6", "v=spf1 a//", -1 },
	{ "three slashes", "v=spf1 a///64", -1 },
	{ "prefix of twenty digits", "v=spf1 a/99999999999999999999", -1 },
	{ "negative prefix", "v=spf1 a/-1", -1 },
	{ "prefix before the domain", "v=spf1 a/24:example.org", -1 },
	{ "empty domain", "v=spf1 a:", -1 },
	{ "empty domain and prefix", "v=spf1 a:/24", -1 },
	{ "slash in the domain", "v=spf1 a:foo/bar.example.org/24", 1 },
	{ "digits and slash in the domain", "v=spf1 a:1/2.example.org", 1 },
	{ "digits at the end of the domain", "v=spf1 mx:example.org1/24", 1 },
	{ "macro with a slash", "v=spf1 a:%{l/}/24", 1 },
	{ "text behind the name", "v=spf1 axe", -1 },

	{ "include without domain", "v=spf1 include", -1 },
	{ "include with prefix", "v=spf1 include:example.org/24", -1 },
	{ "exists with prefix", "v=spf1 exists:example.org/24", -1 },
	{ "exists alone", "v=spf1 exists", -1 },
	{ "ptr alone", "v=spf1 ptr", 1 },
	{ "ptr with prefix", "v=spf1 ptr/24", -1 },

	{ "final dot", "v=spf1 a:example.org.", 1 },
	{ "two final dots", "v=spf1 a:example.org..", -1 },
	{ "one label", "v=spf1 a:localhost", -1 },
	{ "one label with a final dot", "v=spf1 a:localhost.", -1 },
	{ "top label of digits", "v=spf1 a:192.0.2.1", -1 },
	{ "top label with digits", "v=spf1 a:example.1a", 1 },
	{ "top label in A-labels", "v=spf1 a:example.xn--p1ai", 1 },
	{ "top label ends in a hyphen", "v=spf1 a:example.org-", -1 },
	{ "top label begins with a hyphen", "v=spf1 a:example.-org", -1 },
	{ "underscore in the top label", "v=spf1 a:example.o_g", -1 },
	{ "underscore elsewhere", "v=spf1 a:_x._y.example.org", 1 },
	{ "macro at the end", "v=spf1 a:%{d}", 1 },
	{ "macro and a dot at the end", "v=spf1 a:%{d}.", -1 },
	{ "macro and one label at the end", "v=spf1 a:%{d}.org", 1 },
	{ "text behind a macro", "v=spf1 a:%{d}org", -1 },
	{ "percent at the end", "v=spf1 exists:a%%", 1 },

	{ "vendor's macros", "v=spf1 exists:%{ir}.%{v}._spf.%{d2} -all", 2 },
	{ "all transformers", "v=spf1 exists:%{l1r+-._=,/}.example.org", 1 },
	{ "upper-case macro and r", "v=spf1 exists:%{L1R-}.example.org", 1 },
	{ "macro that keeps none", "v=spf1 exists:%{d0}.example.org", -1 },
	{ "macro that keeps all there are", "v=spf1 exists:%{d99999999999999999999}.example.org", 1 },
	{ "r before the digits", "v=spf1 exists:%{dr2}.example.org", -1 },
	{ "unknown letter", "v=spf1 exists:%{x}.example.org", -1 },
	{ "letter of explanations", "v=spf1 exists:%{c}.example.org", -1 },
	{ "letter of explanations in exp=", "v=spf1 exp=%{r}.example.org", -1 },
	{ "macro without end", "v=spf1 exists:%{d", -1 },
	{ "macro without letter", "v=spf1 exists:%{}.example.org", -1 },
	{ "percent alone", "v=spf1 exists:%.example.org", -1 },
	{ "percent last", "v=spf1 exists:example.org%", -1 },
	{ "space in a macro", "v=spf1 exists:%{d }.example.org", -1 },
	{ "delimiter that is none", "v=spf1 exists:%{d;}.example.org", -1 },

	{ "ip4", "v=spf1 ip4:192.0.2.1", 1 },
	{ "ip4 /0", "v=spf1 ip4:192.0.2.1/0", 1 },
	{ "ip4 with a leading zero", "v=spf1 ip4:192.0.02.1", -1 },
	{ "ip4 with three octets", "v=spf1 ip4:192.0.2", -1 },
	{ "ip4 with an IPv6 network", "v=spf1 ip4:2001:db8::1", -1 },
	{ "ip4 mapped", "v=spf1 ip4:::ffff:192.0.2.1", -1 },
	{ "ip4 without network", "v=spf1 ip4:", -1 },
	{ "ip4 with both prefixes", "v=spf1 ip4:192.0.2.1/24//64", -1 },
	{ "ip4 with a port", "v=spf1 ip4:192.0.2.1:25", -1 },
	{ "ip6", "v=spf1 ip6:2001:db8::1/128", 1 },
	{ "ip6 with dots", "v=spf1 ip6:::ffff:192.0.2.1/96", 1 },
	{ "ip6 with an IPv4 network", "v=spf1 ip6:192.0.2.1", -1 },
	{ "ip6 with RFC 5321's tag", "v=spf1 ip6:IPv6:2001:db8::1", -1 },
	{ "ip6 with a zone", "v=spf1 ip6:fe80::1%25eth0", -1 },
	{ "ip6 /129", "v=spf1 ip6:2001:db8::/129", -1 },

	{ "unknown modifier", "v=spf1 moo.cow-far_out=man:dog/cat -all", 1 },
	{ "unknown modifier without value", "v=spf1 moo= -all", 1 },
	{ "unknown modifiers, twice", "v=spf1 moo=1 moo=2 -all", 1 },
	{ "modifier that begins with a digit", "v=spf1 1up=x", -1 },
	{ "modifier without name", "v=spf1 =x", -1 },
	{ "mechanism's name as a modifier", "v=spf1 ip4=192.0.2.1 -all", 1 },
	{ "bad macro in an unknown modifier", "v=spf1 x=%y", -1 },
	{ "redirect", "v=spf1 redirect=example.org", 0 },
	{ "redirect twice", "v=spf1 redirect=example.org redirect=example.org", -1 },
	{ "redirect twice in two cases", "v=spf1 redirect=example.org REDIRECT=example.com", -1 },
	{ "exp twice", "v=spf1 exp=a.example.org exp=b.example.org", -1 },
	{ "exp and redirect, each once", "v=spf1 exp=a.example.org redirect=b.example.org", 0 },
	{ "redirect with a colon", "v=spf1 redirect:example.org", -1 },
	{ "redirect to nothing", "v=spf1 redirect=", -1 },
	{ "exp to nothing", "v=spf1 exp=", -1 },
	{ "error behind all", "v=spf1 +all moo", -1 },
};

START_TEST(record_grammar)
{
	struct view text = tight_cstr(records[_i].text);
	struct arena *arena = arena_new();
	struct spf_record record;
	struct err err = { .text = "" };
	bool ok = spf_record_parse(text, arena, &record, &err);

	ck_assert_msg((ok ? (int)record.n : -1) == records[_i].directives, "%s: %s (%zu)", records[_i].what,
	    ok ? "accepted" : err.text, ok ? record.n : 0);
	ck_assert(ok || (err.kind == ERR_PERM && err.text[0] != '\0'));
	arena_free(arena);
	free((void *)text.p);
}
END_TEST

START_TEST(record_details)
{
	struct arena *arena = arena_new();
	struct spf_record r;
	struct err err;

	ck_assert(spf_record_parse(VIEW_LIT("v=spf1 ~mx:mail.example.org/24//64 ?ip6:::ffff:192.0.2.0/120 "
					    "exp=x.example.org redirect=%{d2}"), arena, &r, &err));
	ck_assert_int_eq(r.directive[0].mechanism, SPF_MX);
	ck_assert_int_eq(r.directive[0].result, AUTH_SOFTFAIL);
	ck_view_is(r.directive[0].text, "~mx:mail.example.org/24//64");
	ck_view_is(r.directive[0].domain_spec, "mail.example.org");
	ck_assert_int_eq(r.directive[0].bits4, 24);
	ck_assert_int_eq(r.directive[0].bits6, 64);
	ck_assert_int_eq(r.directive[1].net.family, 6); /* never an IPv4 client: RFC 7208 5 */
	ck_view_is(r.explain, "x.example.org");
	ck_view_is(r.redirect, "%{d2}");
	arena_free(arena);
}
END_TEST

START_TEST(record_with_nul)
{
	struct arena *arena = arena_new();
	struct spf_record r;

	ck_assert(!spf_record_parse(VIEW_LIT("v=spf1 a:foo.example.com\0"), arena, &r, NULL));
	ck_assert(!spf_record_parse(VIEW_LIT("v=spf1 a\0 -all"), arena, &r, NULL));
	arena_free(arena);
}
END_TEST

/* What is bounded is bounded, and just below it is accepted. */
START_TEST(record_limits)
{
	struct arena *arena = arena_new();
	struct buffer b = buffer_in(arena);
	struct spf_record r;

	buffer_add_cstr(&b, "v=spf1");
	for (int i = 0; i < SPF_DIRECTIVES_MAX; i++)
		buffer_add_cstr(&b, " mx");
	ck_assert(spf_record_parse(buffer_view(&b), arena, &r, NULL));
	ck_assert_int_eq((int)r.n, SPF_DIRECTIVES_MAX);
	buffer_add_cstr(&b, " mx");
	ck_assert(!spf_record_parse(buffer_view(&b), arena, &r, NULL));
	buffer_clear(&b);
	buffer_add_cstr(&b, "v=spf1 x=");
	while (b.n < SPF_RECORD_MAX)
		buffer_add_char(&b, 'x');
	ck_assert(spf_record_parse(buffer_view(&b), arena, &r, NULL));
	buffer_add_char(&b, 'x');
	ck_assert(!spf_record_parse(buffer_view(&b), arena, &r, NULL));
	arena_free(arena);
}
END_TEST

/* --- the cache of parsed records -------------------------------------------------------------- */

START_TEST(cache_keeps)
{
	struct arena *one = arena_new(), *two = arena_new();
	struct spf_cache *cache = spf_cache_new(10000);
	struct err err;
	const struct spf_record *a = spf_cache_get(cache, VIEW_LIT("v=spf1 a mx -all"), one, &err);
	const struct spf_record *b = spf_cache_get(cache, VIEW_LIT("v=spf1 a mx -all"), two, &err);

	ck_assert_ptr_eq(a, b);
	ck_assert_int_eq((int)a->n, 3);
	ck_assert_int_eq((int)spf_cache_stats(cache).hits, 1);
	ck_assert_ptr_null(spf_cache_get(cache, VIEW_LIT("v=spf1 moo"), one, &err));
	ck_assert_str_ne(err.text, "");
	ck_assert_int_eq((int)spf_cache_stats(cache).records, 1);
	arena_free(one);
	arena_free(two);
	spf_cache_free(cache);
}
END_TEST

/* The oldest goes, but not from under a check that uses it. */
START_TEST(cache_is_bounded)
{
	struct arena *user = arena_new(), *others = arena_new();
	struct spf_cache *cache = spf_cache_new(3000);
	struct err err;
	const struct spf_record *kept = spf_cache_get(cache, VIEW_LIT("v=spf1 a mx ptr -all"), user, &err);

	for (int i = 0; i < 100; i++) {
		struct view text = arena_printf(others, "v=spf1 ip4:192.0.2.%d -all", i);
		ck_assert_ptr_nonnull(spf_cache_get(cache, text, others, &err));
		arena_reset(others);
		ck_assert(spf_cache_stats(cache).octets <= 3000);
	}
	ck_assert(spf_cache_stats(cache).records > 1);
	ck_assert_int_eq((int)kept->n, 4);
	ck_view_is(kept->directive[2].text, "ptr");
	ck_assert_ptr_ne(spf_cache_get(cache, VIEW_LIT("v=spf1 a mx ptr -all"), user, &err), kept);
	arena_free(user);
	arena_free(others);
	spf_cache_free(cache);
}
END_TEST

START_TEST(cache_too_small)
{
	struct arena *arena = arena_new();
	struct spf_cache *cache = spf_cache_new(1);
	struct err err;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq((int)spf_cache_get(cache, VIEW_LIT("v=spf1 a mx -all"), arena, &err)->n, 3);
	ck_assert_int_eq((int)spf_cache_stats(cache).octets, 0);
	arena_free(arena);
	spf_cache_free(cache);
}
END_TEST

/* Many threads, few records, a cache too small for all of them. */
static void *
use_cache(void *object)
{
	struct spf_cache *cache = object;
	struct arena *arena = arena_new();
	struct err err;

	for (int i = 0; i < 3000; i++) {
		struct view text = arena_printf(arena, "v=spf1 ip4:192.0.2.%d -all", i % 17);
		const struct spf_record *r = spf_cache_get(cache, text, arena, &err);
		if (r == NULL || r->n != 2 || !view_eq(r->text, text))
			return NULL;
		if (i % 5 == 0)
			arena_reset(arena);
	}
	arena_free(arena);
	return cache;
}

START_TEST(cache_threads)
{
	struct spf_cache *cache = spf_cache_new(2500);
	pthread_t thread[4];
	void *ok;

	for (int i = 0; i < ARRAY_LEN(thread); i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, use_cache, cache), 0);
	for (int i = 0; i < ARRAY_LEN(thread); i++) {
		ck_assert_int_eq(pthread_join(thread[i], &ok), 0);
		ck_assert_ptr_eq(ok, cache);
	}
	ck_assert(spf_cache_stats(cache).octets <= 2500);
	spf_cache_free(cache);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("spf_record");
	TCase *tc = tcase_create("record");

	tcase_add_loop_test(tc, record_grammar, 0, ARRAY_LEN(records));
	tcase_add_test(tc, record_details);
	tcase_add_test(tc, record_with_nul);
	tcase_add_test(tc, record_limits);
	tcase_add_test(tc, cache_keeps);
	tcase_add_test(tc, cache_is_bounded);
	tcase_add_test(tc, cache_too_small);
	tcase_add_test(tc, cache_threads);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
