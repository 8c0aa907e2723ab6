#include "spf/spf_macro.h"
#include "support/support.h"

#include <string.h>

static struct spf_macro_values
values_of(const char *client)
{
	struct spf_macro_values v = {
		.sender = VIEW_LIT("strong-bad@email.example.com"),
		.local = VIEW_LIT("strong-bad"),
		.sender_domain = VIEW_LIT("email.example.com"),
		.domain = VIEW_LIT("email.example.com"),
		.helo = VIEW_LIT("mx.example.org"),
		.validated = VIEW_LIT("mx.example.org"),
		.receiver = VIEW_LIT("receiver.example.net"),
		.now = 1700000000,
	};

	(void)ip_parse(view_of(client), &v.client);
	return v;
}

#define V4 "192.0.2.3"
#define V6 "2001:db8::cb01"

/* Names; most are the examples of RFC 7208 7.4. */
static const struct {
	const char *client, *spec, *name;
} names[] = {
	{ V4, "%{s}", "strong-bad@email.example.com" },
	{ V4, "%{o}", "email.example.com" },
	{ V4, "%{d}", "email.example.com" },
	{ V4, "%{d4}", "email.example.com" },
	{ V4, "%{d3}", "email.example.com" },
	{ V4, "%{d2}", "example.com" },
	{ V4, "%{d1}", "com" },
	{ V4, "%{dr}", "com.example.email" },
	{ V4, "%{d2r}", "example.email" },
	{ V4, "%{d99}", "email.example.com" },
	{ V4, "%{l}", "strong-bad" },
	{ V4, "%{l-}", "strong.bad" },
	{ V4, "%{lr}", "strong-bad" },
	{ V4, "%{lr-}", "bad.strong" },
	{ V4, "%{l1r-}", "strong" },
	{ V4, "%{l1-}", "bad" },
	{ V4, "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com" },
	{ V4, "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com" },
	{ V4, "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com" },
	{ V4, "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com" },
	{ V4, "%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net" },
	{ V6, "%{ir}.%{v}._spf.%{d2}",
	    "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf.example.com" },
	{ V6, "%{i}.x.org", "2.0.0.1.0.D.B.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.C.B.0.1.x.org" },
	{ V6, "%{i4r}.x.org", "1.0.0.2.x.org" },
	{ "::ffff:192.0.2.3", "%{ir}.%{v}.arpa", "3.2.0.192.in-addr.arpa" },
	{ V4, "%{S}", "strong-bad%40email.example.com" },
	{ V4, "%{h}", "mx.example.org" },
	{ V4, "%{p}", "mx.example.org" },
	{ V4, "a%%b%_c%-d.example.org", "a%b c%20d.example.org" },
	{ V4, "%{d}.d.example.org.", "email.example.com.d.example.org" },
	{ V4, "%{l+-=}.x.org", "strong.bad.x.org" },
};

START_TEST(expanded_name)
{
	struct arena *arena = arena_new();
	struct buffer scratch = buffer_in(arena);
	struct spf_macro_values v = values_of(names[_i].client);
	struct view text;
	struct err err;
	bool ok = spf_domain_expand(view_of(names[_i].spec), &v, &scratch, &text, &err);

	ck_assert_msg(ok, "%s: %s", names[_i].spec, err.text);
	ck_assert_msg(view_is(text, names[_i].name), "%s: %.*s", names[_i].spec, VIEW_ARG(text));
	arena_free(arena);
}
END_TEST

/* Explanations; NULL: a syntax error. */
static const struct {
	const char *client, *text, *explanation;
} explanations[] = {
	{ V4, "%{c} is not one of %{d}'s designated mail servers.",
	    "192.0.2.3 is not one of email.example.com's designated mail servers." },
	{ V6, "%{c}", "2001:db8::cb01" },
	{ V4, "See http://%{d}/why.html?s=%{S}&i=%{I}",
	    "See http://email.example.com/why.html?s=strong-bad%40email.example.com&i=192.0.2.3" },
	{ V4, "%{r} at %{t}", "receiver.example.net at 1700000000" },
	{ V4, "", "" },
	{ V4, "trailing dot.", "trailing dot." },
	{ V4, "a\ttab", NULL },
	{ V4, "two\nlines", NULL },
	{ V4, "\xc3\xa4", NULL },
	{ V4, "100%", NULL },
	{ V4, "%{q}", NULL },
};

START_TEST(expanded_explanation)
{
	struct arena *arena = arena_new();
	struct buffer out = buffer_in(arena);
	struct spf_macro_values v = values_of(explanations[_i].client);
	bool ok = spf_explain_expand(view_of(explanations[_i].text), &v, &out, NULL);

	if (explanations[_i].explanation == NULL)
		ck_assert_msg(!ok, "%s", explanations[_i].text);
	else {
		ck_assert_msg(ok, "%s", explanations[_i].text);
		ck_view_is(buffer_view(&out), explanations[_i].explanation);
	}
	arena_free(arena);
}
END_TEST

START_TEST(escape_every_octet)
{
	struct arena *arena = arena_new();
	struct buffer out = buffer_in(arena);
	struct spf_macro_values v = values_of(V4);

	v.local = VIEW_LIT("a~Z-9._!\x80\xff\x01 \0/");
	ck_assert(spf_explain_expand(VIEW_LIT("%{L}"), &v, &out, NULL));
	ck_view_is(buffer_view(&out), "a~Z-9._%21%80%FF%01%20%00%2F");
	v.receiver = VIEW_EMPTY;
	buffer_clear(&out);
	ck_assert(spf_explain_expand(VIEW_LIT("%{r}"), &v, &out, NULL));
	ck_view_is(buffer_view(&out), "unknown");
	arena_free(arena);
}
END_TEST

/* RFC 7208 7.3: whole labels go from the left until 253 octets are left. */
START_TEST(long_name)
{
	struct arena *arena = arena_new();
	struct buffer scratch = buffer_in(arena), long_domain = buffer_in(arena);
	struct spf_macro_values v = values_of(V4);
	struct view name;

	for (int i = 0; i < 24; i++)
		buffer_addf(&long_domain, "label%04d.", i); /* 10 octets each */
	buffer_add_cstr(&long_domain, "example.com"); /* 251 in all */
	v.domain = buffer_view(&long_domain);
	ck_assert(spf_domain_expand(VIEW_LIT("%{d}"), &v, &scratch, &name, NULL));
	ck_assert_int_eq((int)name.n, 251);
	ck_assert(spf_domain_expand(VIEW_LIT("a.%{d}"), &v, &scratch, &name, NULL));
	ck_assert_int_eq((int)name.n, 253);
	ck_assert(spf_domain_expand(VIEW_LIT("ab.%{d}"), &v, &scratch, &name, NULL));
	ck_assert_int_eq((int)name.n, 251); /* "ab." went */
	ck_assert(spf_domain_expand(VIEW_LIT("%{d}.abc"), &v, &scratch, &name, NULL));
	ck_assert(view_starts(name, VIEW_LIT("label0001.")) && view_ends(name, VIEW_LIT(".example.com.abc")));
	v.local = arena_copy(arena, (struct view){ memset(arena_alloc(arena, 300), 'x', 300), 300 });
	ck_assert(spf_domain_expand(VIEW_LIT("%{l}"), &v, &scratch, &name, NULL));
	ck_assert_int_eq((int)name.n, 0); /* one label too long for a name */
	arena_free(arena);
}
END_TEST

START_TEST(expansion_is_bounded)
{
	struct arena *arena = arena_new();
	struct buffer scratch = buffer_in(arena), spec = buffer_in(arena);
	struct spf_macro_values v = values_of(V4);
	struct view name;

	for (int i = 0; i < 10000; i++)
		buffer_add_cstr(&spec, "%{s}");
	ck_assert(!spf_domain_expand(buffer_view(&spec), &v, &scratch, &name, NULL));
	ck_assert(arena_used(arena) < 400000);
	arena_free(arena);
}
END_TEST

/* More parts than kept: the right ones stay, also in reverse. */
START_TEST(many_parts)
{
	struct arena *arena = arena_new();
	struct buffer scratch = buffer_in(arena), local = buffer_in(arena);
	struct spf_macro_values v = values_of(V4);
	struct view name;

	for (int i = 0; i < 300; i++)
		buffer_addf(&local, "%s%d", i == 0 ? "" : ".", i);
	v.local = buffer_view(&local);
	ck_assert(spf_domain_expand(VIEW_LIT("%{l3}"), &v, &scratch, &name, NULL));
	ck_view_is(name, "297.298.299");
	ck_assert(spf_domain_expand(VIEW_LIT("%{l3r}"), &v, &scratch, &name, NULL));
	ck_view_is(name, "2.1.0");
	arena_free(arena);
}
END_TEST

START_TEST(wants_p)
{
	ck_assert(spf_macro_wants_p(VIEW_LIT("%{d}.%{p}")));
	ck_assert(spf_macro_wants_p(VIEW_LIT("%{P2r}")));
	ck_assert(!spf_macro_wants_p(VIEW_LIT("%%{p}.%{d}")));
	ck_assert(!spf_macro_wants_p(VIEW_EMPTY));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("spf_macro");
	TCase *tc = tcase_create("macro");

	tcase_add_loop_test(tc, expanded_name, 0, ARRAY_LEN(names));
	tcase_add_loop_test(tc, expanded_explanation, 0, ARRAY_LEN(explanations));
	tcase_add_test(tc, escape_every_octet);
	tcase_add_test(tc, long_name);
	tcase_add_test(tc, expansion_is_bounded);
	tcase_add_test(tc, many_parts);
	tcase_add_test(tc, wants_p);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
