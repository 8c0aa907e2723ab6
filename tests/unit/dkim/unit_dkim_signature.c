/* The grammar of RFC 6376 3.5 and the rules of 6.1.1. */
#include "dkim/dkim_signature.h"

#include "base/buffer.h"
#include "support/setup.h"
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

#define BH "bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define B "b=Zm9vYmFy"
#define TAIL "; " BH "; " B
#define GOOD "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:to" TAIL

static const struct {
	const char *what;
	const char *text;
	enum dkim_fault fault;
	const char *error; /* part of the words */
} cases[] = {
	{ "usual", GOOD, DKIM_SOUND, NULL },
	{ "all tags",
	    "v=1; a=ed25519-sha256; c=relaxed/simple; d=example.com; i=joe@mail.example.com; s=a.b; q=dns/txt; l=10; t=1; x=2; "
	    "z=From:foo=20bar|To:x; h=from" TAIL,
	    DKIM_SOUND, NULL },
	{ "any order", B "; h=from; s=sel; " BH "; d=example.com; a=rsa-sha256; v=1;", DKIM_SOUND, NULL },
	{ "unknown tags", "y=; foo_1=bar baz; " GOOD, DKIM_SOUND, NULL },
	{ "folds everywhere",
	    "\r\n\tv\r\n = \r\n 1\r\n ; a = rsa-sha256 ;\r\n d=\r\n\texample.com ; s= sel;h=\r\n from :\r\n to\r\n\t:cc; bh=AAAA\r\n "
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAA AAAAAAAAAA=; b= Zm9\r\n\tvYmFy \r\n ; ",
	    DKIM_SOUND, NULL },
	{ "empty", "", DKIM_SYNTAX, NULL },
	{ "no tags", "hello", DKIM_SYNTAX, NULL },
	{ "a tag twice", "d=example.com; " GOOD, DKIM_SYNTAX, "d= appears twice" },
	{ "an unknown tag twice", "y=1; y=2; " GOOD, DKIM_SYNTAX, "y= appears twice" },
	{ "same name in another case", "D=x; " GOOD, DKIM_SOUND, NULL },
	{ "no v=", "a=rsa-sha256; d=example.com; s=sel; h=from" TAIL, DKIM_SYNTAX, "no v=" },
	{ "v=2", "v=2; a=rsa-sha256; d=example.com; s=sel; h=from" TAIL, DKIM_SYNTAX, "v= is not 1" },
	{ "v=1.0", "v=1.0; a=rsa-sha256; d=example.com; s=sel; h=from" TAIL, DKIM_SYNTAX, "v= is not 1" },
	{ "no a=", "v=1; d=example.com; s=sel; h=from" TAIL, DKIM_SYNTAX, "no a=" },
	{ "unknown a=", "v=1; a=rsa-sha512; d=example.com; s=sel; h=from" TAIL, DKIM_SYNTAX, "a= names no" },
	{ "a= in upper case", "v=1; a=RSA-SHA256; d=example.com; s=sel; h=from" TAIL, DKIM_SYNTAX, "a= names no" },
	{ "rsa-sha1", "v=1; a=rsa-sha1; d=example.com; s=sel; h=from; bh=uoq1oCgLlTqpdDX/iUbLy7J1Wic=; " B, DKIM_INVALID,
	    "rsa-sha1" },
	{ "no b=", "v=1; a=rsa-sha256; d=example.com; s=sel; h=from; " BH, DKIM_SYNTAX, "no b=" },
	{ "b= empty", "v=1; a=rsa-sha256; d=example.com; s=sel; h=from; b=; " BH, DKIM_SYNTAX, "b= is empty" },
	{ "b= not base64", "v=1; a=rsa-sha256; d=example.com; s=sel; h=from; b=Zm9*; " BH, DKIM_SYNTAX, "b= is not base64" },
	{ "b= with a rest", "v=1; a=rsa-sha256; d=example.com; s=sel; h=from; b=Zm9vY; " BH, DKIM_SYNTAX, "b= is not base64" },
	{ "no bh=", "v=1; a=rsa-sha256; d=example.com; s=sel; h=from; " B, DKIM_SYNTAX, "no bh=" },
	{ "bh= too short", "v=1; a=rsa-sha256; d=example.com; s=sel; h=from; bh=Zm9v; " B, DKIM_SYNTAX, "bh= has 3 octets" },
	{ "bh= too long", "v=1; a=rsa-sha256; d=example.com; s=sel; h=from; bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA; " B,
	    DKIM_SYNTAX, "bh= has 33 octets" },
	{ "bh= empty", "v=1; a=rsa-sha256; d=example.com; s=sel; h=from; bh=; " B, DKIM_SYNTAX, "bh= has 0 octets" },
	{ "bh= not base64", "v=1; a=rsa-sha256; d=example.com; s=sel; h=from; bh=!; " B, DKIM_SYNTAX, "bh= is not" },
	{ "c= relaxed", "c=relaxed; " GOOD, DKIM_SOUND, NULL },
	{ "c= unknown", "c=loose; " GOOD, DKIM_SYNTAX, "c= names no" },
	{ "c= unknown body", "c=relaxed/loose; " GOOD, DKIM_SYNTAX, "c= names no" },
	{ "c= empty body", "c=relaxed/; " GOOD, DKIM_SYNTAX, "c= names no" },
	{ "c= empty", "c=; " GOOD, DKIM_SYNTAX, "c= names no" },
	{ "c= three", "c=relaxed/simple/simple; " GOOD, DKIM_SYNTAX, "c= names no" },
	{ "c= in upper case", "c=Relaxed; " GOOD, DKIM_SYNTAX, "c= names no" },
	{ "no d=", "v=1; a=rsa-sha256; s=sel; h=from" TAIL, DKIM_SYNTAX, "no d=" },
	{ "d= empty", "v=1; a=rsa-sha256; d=; s=sel; h=from" TAIL, DKIM_SYNTAX, "d=: an empty domain" },
	{ "d= a top-level domain", "v=1; a=rsa-sha256; d=com; s=sel; h=from" TAIL, DKIM_SYNTAX, "single label" },
	{ "d= with an empty label", "v=1; a=rsa-sha256; d=a..b; s=sel; h=from" TAIL, DKIM_SYNTAX, "d=: an empty label" },
	{ "d= with a space", "v=1; a=rsa-sha256; d=a. b; s=sel; h=from" TAIL, DKIM_SYNTAX, "d=: no domain name" },
	{ "d= an address", "v=1; a=rsa-sha256; d=joe@example.com; s=sel; h=from" TAIL, DKIM_SYNTAX, "d=: no domain name" },
	{ "d= with a long label",
	    "v=1; a=rsa-sha256; d=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com; s=sel; h=from" TAIL,
	    DKIM_SYNTAX, "label of 64" },
	{ "d= with a parenthesis", "v=1; a=rsa-sha256; d=a(b).com; s=sel; h=from" TAIL, DKIM_SYNTAX, "d=: no domain name" },
	{ "U-labels", "v=1; a=rsa-sha256; d=b\xc3\xbc""cher.example; i=@a.b\xc3\xbc""cher.example; s=\xc3\xa9; h=from" TAIL, DKIM_SOUND, NULL },
	{ "Latin-1", "v=1; a=rsa-sha256; d=b\xfc""cher.example; s=sel; h=from" TAIL, DKIM_SYNTAX, NULL },
	{ "no s=", "v=1; a=rsa-sha256; d=example.com; h=from" TAIL, DKIM_SYNTAX, "no s=" },
	{ "s= empty", "v=1; a=rsa-sha256; d=example.com; s=; h=from" TAIL, DKIM_SYNTAX, "s=: an empty" },
	{ "s= with a star", "v=1; a=rsa-sha256; d=example.com; s=*; h=from" TAIL, DKIM_SYNTAX, "s=: no domain" },
	{ "s= with underscores", "v=1; a=rsa-sha256; d=example.com; s=k_1; h=from" TAIL, DKIM_SOUND, NULL },
	{ "no h=", "v=1; a=rsa-sha256; d=example.com; s=sel" TAIL, DKIM_SYNTAX, "no h=" },
	{ "h= empty", "v=1; a=rsa-sha256; d=example.com; s=sel; h=" TAIL, DKIM_SYNTAX, "no field name" },
	{ "h= with an empty name", "v=1; a=rsa-sha256; d=example.com; s=sel; h=from::to" TAIL, DKIM_SYNTAX, "no field name" },
	{ "h= ends in a colon", "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:" TAIL, DKIM_SYNTAX, "no field name" },
	{ "h= with a space inside", "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:x y" TAIL, DKIM_SYNTAX, "no field name" },
	{ "h= without From", "v=1; a=rsa-sha256; d=example.com; s=sel; h=to:subject" TAIL, DKIM_INVALID, "does not name From" },
	{ "h= with almost From", "v=1; a=rsa-sha256; d=example.com; s=sel; h=fromm:resent-from" TAIL, DKIM_INVALID, "From" },
	{ "h= with FROM", "v=1; a=rsa-sha256; d=example.com; s=sel; h=to:FROM" TAIL, DKIM_SOUND, NULL },
	{ "i= the same domain", "i=joe@example.com; " GOOD, DKIM_SOUND, NULL },
	{ "i= in another case", "i=joe@EXAMPLE.com; " GOOD, DKIM_SOUND, NULL },
	{ "i= below", "i=@a.b.example.com; " GOOD, DKIM_SOUND, NULL },
	{ "i= elsewhere", "i=joe@example.org; " GOOD, DKIM_INVALID, "not within d=" },
	{ "i= above", "i=joe@com; " GOOD, DKIM_INVALID, "not within d=" },
	{ "i= alike", "i=joe@notexample.com; " GOOD, DKIM_INVALID, "not within d=" },
	{ "i= without @", "i=example.com; " GOOD, DKIM_SYNTAX, "i=: no \"@\"" },
	{ "i= empty", "i=; " GOOD, DKIM_SYNTAX, "i=: no \"@\"" },
	{ "i= two @", "i=a@b@example.com; " GOOD, DKIM_SOUND, NULL },
	{ "i= quoted-printable", "i=a=3Bb=40c@example.com; " GOOD, DKIM_SOUND, NULL },
	{ "i= its @ quoted", "i=a=40example.com; " GOOD, DKIM_SOUND, NULL },
	{ "i= bad quoted-printable", "i=a=3@example.com; " GOOD, DKIM_SYNTAX, "quoted-printable" },
	{ "i= quoted-printable in lower case", "i=a=3b@example.com; " GOOD, DKIM_SYNTAX, "quoted-printable" },
	{ "i= NUL quoted", "i=a=00b@example.com; " GOOD, DKIM_SOUND, NULL },
	{ "i= a quoted line end in the domain", "i=a@=0D=0Aexample.com; " GOOD, DKIM_SYNTAX, "no domain name" },
	{ "l= zero", "l=0; " GOOD, DKIM_SOUND, NULL },
	{ "l= negative", "l=-1; " GOOD, DKIM_SYNTAX, "l= is no number" },
	{ "l= words", "l=all; " GOOD, DKIM_SYNTAX, "l= is no number" },
	{ "l= empty", "l=; " GOOD, DKIM_SYNTAX, "l= is no number" },
	{ "l= of 76 digits", "l=9999999999999999999999999999999999999999999999999999999999999999999999999999; " GOOD, DKIM_SOUND, NULL },
	{ "l= of 77 digits", "l=99999999999999999999999999999999999999999999999999999999999999999999999999999; " GOOD, DKIM_SYNTAX, "l=" },
	{ "t= no number", "t=now; " GOOD, DKIM_SYNTAX, "t= is no number" },
	{ "t= with spaces", "t=1 2; " GOOD, DKIM_SYNTAX, "t= is no number" },
	{ "x= no number", "x=; " GOOD, DKIM_SYNTAX, "x= is no number" },
	{ "x= later than t=", "t=5; x=6; " GOOD, DKIM_SOUND, NULL },
	{ "x= is t=", "t=5; x=5; " GOOD, DKIM_SYNTAX, "not later" },
	{ "x= before t=", "t=5; x=4; " GOOD, DKIM_SYNTAX, "not later" },
	{ "both infinite", "t=99999999999999999999; x=999999999999999999999; " GOOD, DKIM_SYNTAX, "not later" },
	{ "q= unknown", "q=http; " GOOD, DKIM_SYNTAX, "q= names no" },
	{ "q= dns without a type", "q=dns; " GOOD, DKIM_SYNTAX, "q= names no" },
	{ "q= among others", "q=http : dns/txt; " GOOD, DKIM_SOUND, NULL },
	{ "q= empty", "q=; " GOOD, DKIM_SYNTAX, "q= names no" },
	{ "z= anything", "z=From:x|junk=4:|||; " GOOD, DKIM_SOUND, NULL },
	{ "a control character", "y=\x01; " GOOD, DKIM_SYNTAX, NULL },
	{ "a quoted string is no quote", "y=\"a;b\"; " GOOD, DKIM_SYNTAX, NULL },
	{ "comments are none", "v=1 (one); a=rsa-sha256; d=example.com; s=sel; h=from" TAIL, DKIM_SYNTAX, "v= is not 1" },
};

START_TEST(signatures)
{
	struct view text = tight_cstr(cases[_i].text);
	struct dkim_signature sig;
	struct err err = { .text = "" };
	bool ok = dkim_signature_parse(text, arena, &sig, &err);

	ck_assert_msg(ok == (cases[_i].fault == DKIM_SOUND), "%s: %s", cases[_i].what, ok ? "accepted" : err.text);
	ck_assert_msg(sig.fault == cases[_i].fault, "%s: fault %d: %s", cases[_i].what, (int)sig.fault, err.text);
	if (cases[_i].error != NULL)
		ck_assert_msg(strstr(err.text, cases[_i].error) != NULL, "%s: %s", cases[_i].what, err.text);
	if (!ok)
		ck_assert_int_eq(err.kind, ERR_PERM);
	for (const char *c = err.text; !ok && *c != '\0'; c++)
		ck_assert_msg(*c >= ' ' && *c <= '~', "%s: %s", cases[_i].what, err.text);
	free((void *)text.p);
}
END_TEST

START_TEST(every_tag_is_decoded)
{
	const char *text = " v=1; a=ed25519-sha256; c=relaxed/simple; d=EXAMPLE.com; i=J=3Boe@Mail.example.com; s=Sel; l=10; t=11; "
			   "x=12; h= From : to:\r\n cc; " BH "; b= Zm9v\r\n YmFy ; z=x";
	struct dkim_signature sig;
	struct err err;

	ck_assert(dkim_signature_parse(view_of(text), arena, &sig, &err));
	ck_assert_int_eq(sig.alg, DKIM_ED25519_SHA256);
	ck_assert_int_eq(sig.header_canon, CANON_RELAXED);
	ck_assert_int_eq(sig.body_canon, CANON_SIMPLE);
	ck_view_is(sig.domain, "example.com");
	ck_view_is(sig.identity, "J;oe@mail.example.com");
	ck_view_is(sig.identity_domain, "mail.example.com");
	ck_view_is(sig.selector, "sel");
	ck_view_is(sig.algorithm, "ed25519-sha256");
	ck_view_is(sig.signature, "foobar");
	ck_view_is(sig.signature_text, "Zm9vYmFy");
	ck_assert_uint_eq(sig.body_hash.n, 32);
	ck_assert_int_eq(sig.body_limit, 10);
	ck_assert_int_eq(sig.signed_at, 11);
	ck_assert_int_eq(sig.expires_at, 12);
	ck_assert_uint_eq(sig.names_n, 3);
	ck_view_is(sig.names[0], "From");
	ck_view_is(sig.names[2], "cc");
	ck_view_is(view_sub(view_of(text), sig.signature_at, sig.signature_end - sig.signature_at), " Zm9v\r\n YmFy ");
}
END_TEST

START_TEST(what_is_absent_has_its_default)
{
	struct dkim_signature sig;
	struct err err;

	ck_assert(dkim_signature_parse(VIEW_LIT(GOOD), arena, &sig, &err));
	ck_assert_int_eq(sig.header_canon, CANON_SIMPLE);
	ck_assert_int_eq(sig.body_canon, CANON_SIMPLE);
	ck_view_is(sig.identity, "@example.com");
	ck_view_is(sig.identity_domain, "example.com");
	ck_assert_int_eq(sig.body_limit, -1);
	ck_assert_int_eq(sig.signed_at, -1);
	ck_assert_int_eq(sig.expires_at, -1);
}
END_TEST

START_TEST(u_labels_become_a_labels)
{
	struct dkim_signature sig;
	struct err err;

	ck_assert(dkim_signature_parse(VIEW_LIT("v=1; a=rsa-sha256; d=B\xc3\xbc"
						"cher.example; i=\xc3\xa4@M.b\xc3\xbc"
						"cher.example; s=\xc3\xa9"
						"t\xc3\xa9; h=from" TAIL),
	    arena, &sig, &err));
	ck_view_is(sig.domain, "xn--bcher-kva.example");
	ck_view_is(sig.identity, "\xc3\xa4@m.xn--bcher-kva.example");
	ck_view_is(sig.selector, "xn--t-9fab");
}
END_TEST

START_TEST(the_report_has_what_could_be_read)
{
	struct dkim_signature sig;
	struct err err;

	ck_assert(!dkim_signature_parse(VIEW_LIT("v=3; a=foo; d=example.com; i=a@example.com; s=sel; b=Zm9v"), arena, &sig, &err));
	ck_view_is(sig.domain, "example.com");
	ck_view_is(sig.identity, "a@example.com");
	ck_view_is(sig.selector, "sel");
	ck_view_is(sig.signature_text, "Zm9v");
	ck_assert_uint_eq(sig.algorithm.n, 0);
	ck_assert_str_eq(err.text, "a= names no algorithm that we know");
}
END_TEST

/* Octets that may stand nowhere in a tag-list, at every place of a good one. */
START_TEST(odd_octets_are_refused_everywhere)
{
	static const char odd[] = { '\0', '\x01', '\x7f', '\x80', '\xff', '\xc3' };
	struct view good = VIEW_LIT(GOOD);
	struct dkim_signature sig;
	struct err err;

	for (size_t at = 0; at <= good.n; at++) {
		struct buffer b = buffer_in(arena);
		buffer_add(&b, view_sub(good, 0, at));
		buffer_add_char(&b, odd[at % sizeof(odd)]);
		buffer_add(&b, view_from(good, at));
		ck_assert_msg(!dkim_signature_parse(buffer_view(&b), arena, &sig, &err), "octet %zu", at);
		ck_assert_int_eq(sig.fault, DKIM_SYNTAX);
	}
}
END_TEST

/* prefix, count times unit, suffix */
static struct view
repeated(const char *prefix, const char *unit, size_t count, const char *suffix)
{
	struct buffer b = buffer_in(arena);

	buffer_add_cstr(&b, prefix);
	for (size_t i = 0; i < count; i++)
		buffer_add_cstr(&b, unit);
	buffer_add_cstr(&b, suffix);
	return buffer_view(&b);
}

static const struct {
	const char *what;
	const char *prefix, *unit;
	size_t count;
	const char *suffix;
	bool ok;
} sizes[] = {
	{ "names, the most", "v=1; a=rsa-sha256; d=example.com; s=s; h=from", ":x", DKIM_NAMES_MAX - 1, TAIL, true },
	{ "names, one more", "v=1; a=rsa-sha256; d=example.com; s=s; h=from", ":x", DKIM_NAMES_MAX, TAIL, false },
	{ "names, a megabyte", "v=1; a=rsa-sha256; d=example.com; s=s; h=from", ":x", 500000, TAIL, false },
	{ "a megabyte of b=", "v=1; a=rsa-sha256; d=example.com; s=s; h=from; " BH "; b=", "AAAA", 262144, "", false },
	{ "a megabyte of folds in b=", "v=1; a=rsa-sha256; d=example.com; s=s; h=from; " BH "; b=A", "\r\n ", 350000, "AAA", false },
	{ "a megabyte of i=", "i=", "a", 1000000, "@example.com; " GOOD, false },
	{ "i=, the most", "i=", "a", DKIM_IDENTITY_MAX - 12, "@example.com; " GOOD, true },
	{ "i=, one more", "i=", "a", DKIM_IDENTITY_MAX - 11, "@example.com; " GOOD, false },
	{ "a megabyte of z=", "z=", "abcd", 262144, "; " GOOD, true },
	{ "a megabyte of d=", "d=", "a.", 500000, "com", false },
	{ "tags", "", "a;", 100000, GOOD, false },
	{ "white space", "", "\r\n ", 350000, GOOD, true },
	{ "semicolons", "", ";", 1000000, GOOD, false },
};

START_TEST(sizes_are_bounded)
{
	struct view text = tight_copy(repeated(sizes[_i].prefix, sizes[_i].unit, sizes[_i].count, sizes[_i].suffix));
	struct arena *own = arena_new();
	struct dkim_signature sig;
	struct err err = { .text = "" };
	bool ok = dkim_signature_parse(text, own, &sig, &err);

	ck_assert_msg(ok == sizes[_i].ok, "%s: %s", sizes[_i].what, ok ? "accepted" : err.text);
	ck_assert_uint_lt(arena_used(own), 50000); /* what is kept does not grow with the field */
	arena_free(own);
	free((void *)text.p);
}
END_TEST

START_TEST(cut_anywhere)
{
	struct dkim_signature sig;
	struct err err;
	struct view whole = VIEW_LIT("i=joe=3B@example.com; l=1; c=relaxed/simple; x=2; " GOOD);

	for (size_t n = 0; n < whole.n; n++) {
		struct view text = tight_copy(view_sub(whole, 0, n));
		dkim_signature_parse(text, arena, &sig, &err);
		free((void *)text.p);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dkim_signature");
	TCase *tc = tcase_create("dkim_signature");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, arena_setup, arena_teardown);
	tcase_add_loop_test(tc, signatures, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, every_tag_is_decoded);
	tcase_add_test(tc, what_is_absent_has_its_default);
	tcase_add_test(tc, u_labels_become_a_labels);
	tcase_add_test(tc, the_report_has_what_could_be_read);
	tcase_add_test(tc, odd_octets_are_refused_everywhere);
	tcase_add_loop_test(tc, sizes_are_bounded, 0, ARRAY_LEN(sizes));
	tcase_add_test(tc, cut_anywhere);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
