#include "unit/srs/srs_test.h"

#include "base/cursor.h"
#include "srs/srs_hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Hashes in this file were made with Python's hmac and base64, not with the code they test. */

/* --- forward -------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	const char *address;
	int scheme;
	const char *rewritten; /* NULL: outcome */
	enum srs_outcome outcome;
} forwards[] = {
	{ "plain", "ann@sender.example", SRS_LIBSRS2, "SRS0=Zcd9=G3=sender.example=ann@srs.test", SRS_REWRITTEN },
	{ "in brackets", "<ann@sender.example>", SRS_LIBSRS2, "SRS0=Zcd9=G3=sender.example=ann@srs.test", SRS_REWRITTEN },
	{ "source route", "<@a.example:ann@sender.example>", SRS_LIBSRS2, "SRS0=Zcd9=G3=sender.example=ann@srs.test",
	    SRS_REWRITTEN },
	{ "case kept", "Ann.B@Sender.Example", SRS_LIBSRS2, "SRS0=TeG3=G3=Sender.Example=Ann.B@srs.test", SRS_REWRITTEN },
	{ "separators in it", "a+b=c-d@sender.example", SRS_LIBSRS2, "SRS0=FCq6=G3=sender.example=a+b=c-d@srs.test",
	    SRS_REWRITTEN },
	{ "VERP", "bounce-1=x.example@list.example", SRS_LIBSRS2, "SRS0=UF5T=G3=list.example=bounce-1=x.example@srs.test",
	    SRS_REWRITTEN },
	{ "BATV, + in the hash", "prvs=0123abcdef=u@sender.example", SRS_LIBSRS2,
	    "SRS0=+xGx=G3=sender.example=prvs=0123abcdef=u@srs.test", SRS_REWRITTEN },
	{ "/ in the hash", "u14@sender.example", SRS_LIBSRS2, "SRS0=xaR/=G3=sender.example=u14@srs.test", SRS_REWRITTEN },
	{ "quoted, as a whole", "\"john doe\"@sender.example", SRS_LIBSRS2,
	    "\"SRS0=/Zr2=G3=sender.example=john doe\"@srs.test", SRS_REWRITTEN },
	{ "quoted pair and @", "\"a\\\"b@c\"@sender.example", SRS_LIBSRS2,
	    "\"SRS0=yNsF=G3=sender.example=a\\\"b@c\"@srs.test", SRS_REWRITTEN },
	{ "begins like SRS0, is none", "srs0-fans@sender.example", SRS_LIBSRS2,
	    "SRS0=VdlG=G3=sender.example=srs0-fans@srs.test", SRS_REWRITTEN },
	{ "second hop", "SRS0=HHH=G3=sender.example=ann@fwd.example", SRS_LIBSRS2,
	    "SRS1=lK9/=fwd.example==HHH=G3=sender.example=ann@srs.test", SRS_REWRITTEN },
	{ "second hop, its separator kept", "SRS0+HHH=G3=sender.example=ann@fwd.example", SRS_LIBSRS2,
	    "SRS1=qiPs=fwd.example=+HHH=G3=sender.example=ann@srs.test", SRS_REWRITTEN },
	{ "third hop names the first", "SRS1=XXXX=fwd.example==HHH=G3=sender.example=ann@third.example", SRS_LIBSRS2,
	    "SRS1=lK9/=fwd.example==HHH=G3=sender.example=ann@srs.test", SRS_REWRITTEN },
	{ "others' SRS1 on our SRS0", "SRS1=XSub=srs.test==Zcd9=G3=sender.example=ann@other.example", SRS_LIBSRS2,
	    "SRS1=xxNN=srs.test==Zcd9=G3=sender.example=ann@srs.test", SRS_REWRITTEN },
	{ "exim", "ann@sender.example", SRS_EXIM, "SRS0=03b4=g3=sender.example=ann@srs.test", SRS_REWRITTEN },
	{ "exim, case kept", "Ann.B@Sender.Example", SRS_EXIM, "SRS0=2c2b=g3=Sender.Example=Ann.B@srs.test", SRS_REWRITTEN },
	{ "exim, quoted", "\"john doe\"@sender.example", SRS_EXIM, "\"SRS0=c40c=g3=sender.example=john doe\"@srs.test",
	    SRS_REWRITTEN },
	{ "exim, quoted pair", "\"a\\\"b@c\"@sender.example", SRS_EXIM,
	    "\"SRS0=0268=g3=sender.example=a\\\"b@c\"@srs.test", SRS_REWRITTEN },
	{ "exim nests", "SRS0=abcd=g3=first.example=ann@other.example", SRS_EXIM,
	    "SRS0=acc9=g3=other.example=SRS0=abcd=g3=first.example=ann@srs.test", SRS_REWRITTEN },
	{ "null", "", SRS_LIBSRS2, NULL, SRS_NULL },
	{ "null path", "<>", SRS_LIBSRS2, NULL, SRS_NULL },
	{ "null, as Postfix asks a map", "\"\"", SRS_LIBSRS2, NULL, SRS_NULL },
	{ "own SRS0", "SRS0=Zcd9=G3=sender.example=ann@srs.test", SRS_LIBSRS2, NULL, SRS_OWN },
	{ "own, upper case and final dot", "x@SRS.Test.", SRS_LIBSRS2, NULL, SRS_OWN },
	{ "no @", "ann", SRS_LIBSRS2, NULL, SRS_NO_ADDRESS },
	{ "no local part", "@sender.example", SRS_LIBSRS2, NULL, SRS_NO_ADDRESS },
	{ "no domain", "ann@", SRS_LIBSRS2, NULL, SRS_NO_ADDRESS },
	{ "two @", "a@b@sender.example", SRS_LIBSRS2, NULL, SRS_NO_ADDRESS },
	{ "space", "a b@sender.example", SRS_LIBSRS2, NULL, SRS_NO_ADDRESS },
	{ "space in front", " a@sender.example", SRS_LIBSRS2, NULL, SRS_NO_ADDRESS },
	{ "tab in quotes", "\"a\tb\"@sender.example", SRS_LIBSRS2, NULL, SRS_NO_ADDRESS },
	{ "newline", "a@sender.example\n", SRS_LIBSRS2, NULL, SRS_NO_ADDRESS },
	{ "address literal", "a@[192.0.2.1]", SRS_LIBSRS2, NULL, SRS_NO_ADDRESS },
	{ "quotes in the middle", "a\"b\"@sender.example", SRS_LIBSRS2, NULL, SRS_NO_ADDRESS },
	{ "empty quotes", "\"\"@sender.example", SRS_LIBSRS2, NULL, SRS_NO_ADDRESS },
	{ "not UTF-8", "a\xff@sender.example", SRS_LIBSRS2, NULL, SRS_NO_ADDRESS },
	{ "the store's host", "a@1", SRS_LIBSRS2, NULL, SRS_NO_ADDRESS },
	/* SRS0=HHHH=TT= and = around sender.example are 28: 36 more make 64 */
	{ "64 octets", "a23456789012345678901234567890123456@sender.example", SRS_LIBSRS2,
	    "SRS0=tVGM=G3=sender.example=a23456789012345678901234567890123456@srs.test", SRS_REWRITTEN },
	{ "65 octets", "a234567890123456789012345678901234567@sender.example", SRS_LIBSRS2, NULL, SRS_TOO_LONG },
};

START_TEST(forward)
{
	srs_test_conf.scheme = forwards[_i].scheme;
	struct srs_result r = srs_test_forward(forwards[_i].address, TEST_NOW);

	ck_outcome(r, forwards[_i].outcome, forwards[_i].what);
	if (forwards[_i].rewritten != NULL)
		ck_view_is(r.address, forwards[_i].rewritten);
	else
		ck_assert_uint_eq(r.address.n, 0);
}
END_TEST

/* Every rewriting of the table comes back as it went; but SRS1 as the SRS0 it stands for. */
START_TEST(forward_and_back)
{
	if (forwards[_i].outcome != SRS_REWRITTEN)
		return;
	srs_test_conf.scheme = forwards[_i].scheme;
	struct srs_result there = srs_test_forward(forwards[_i].address, TEST_NOW);
	struct srs_result back = srs_test_reverse(there.address, TEST_NOW);
	struct view original = view_of(forwards[_i].address);
	size_t route = view_find(original, ':');

	if (view_starts(original, VIEW_LIT("<")))
		original = view_sub(original, 1, original.n - 2);
	if (route != VIEW_NONE)
		original = view_from(original, route);
	ck_outcome(back, SRS_VALID, forwards[_i].what);
	if (!view_starts(there.address, VIEW_LIT("SRS1")))
		ck_assert_msg(view_eq(back.address, original), "%s: %.*s", forwards[_i].what, VIEW_ARG(back.address));
}
END_TEST

START_TEST(forward_excluded)
{
	static const struct view items[] = { { "bank.example", 12 }, { ".big.example", 12 } };

	srs_test_conf.exclude = (struct conf_list){ .item = items, .n = 2 };
	ck_outcome(srs_test_forward("a@bank.example", TEST_NOW), SRS_EXCLUDED, "itself");
	ck_outcome(srs_test_forward("a@BANK.example", TEST_NOW), SRS_EXCLUDED, "case");
	ck_outcome(srs_test_forward("a@x.bank.example", TEST_NOW), SRS_REWRITTEN, "not below");
	ck_outcome(srs_test_forward("a@big.example", TEST_NOW), SRS_EXCLUDED, "the parent");
	ck_outcome(srs_test_forward("a@x.y.big.example", TEST_NOW), SRS_EXCLUDED, "below");
	ck_outcome(srs_test_forward("a@notbig.example", TEST_NOW), SRS_REWRITTEN, "not the same label");
}
END_TEST

START_TEST(forward_settings)
{
	srs_test_conf.hashlength = 27;
	ck_view_is(srs_test_forward("ann@sender.example", TEST_NOW).address,
	    "SRS0=Zcd9+9Y6CL7pgaLjN5E0HDgi9Ek=G3=sender.example=ann@srs.test");
	srs_test_conf.hashlength = 4;
	srs_test_conf.separator = '+';
	ck_view_is(srs_test_forward("ann@sender.example", TEST_NOW).address, "SRS0+Zcd9=G3=sender.example=ann@srs.test");
	srs_test_conf.usehash = false;
	ck_view_is(srs_test_forward("ann@sender.example", TEST_NOW).address, "SRS0+G3=sender.example=ann@srs.test");
	srs_test_conf.usetimestamp = false;
	ck_view_is(srs_test_forward("ann@sender.example", TEST_NOW).address, "SRS0+sender.example=ann@srs.test");
	ck_view_is(srs_test_reverse(VIEW_LIT("SRS0+sender.example=ann@srs.test"), TEST_NOW).address, "ann@sender.example");
	srs_test_conf.usehash = true;
	struct srs_result r = srs_test_forward("ann@sender.example", TEST_NOW);
	ck_view_is(srs_test_reverse(r.address, TEST_NOW + 900LL * TEST_DAY).address, "ann@sender.example");
}
END_TEST

/* --- reverse -------------------------------------------------------------------------------- */

static const struct {
	int scheme;
	const char *what;
	const char *address;
	enum srs_outcome outcome;
	const char *restored;
} reverses[] = {
	{ SRS_LIBSRS2, "plain", "SRS0=Zcd9=G3=sender.example=ann@srs.test", SRS_VALID, "ann@sender.example" },
	{ SRS_LIBSRS2, "folded by Postfix", "srs0=zcd9=g3=sender.example=ann@srs.test", SRS_VALID, "ann@sender.example" },
	{ SRS_LIBSRS2, "shouted", "SRS0=ZCD9=G3=SENDER.EXAMPLE=ANN@SRS.TEST", SRS_VALID, "ANN@SENDER.EXAMPLE" },
	{ SRS_LIBSRS2, "+ as separator", "SRS0+Zcd9=G3=sender.example=ann@srs.test", SRS_VALID, "ann@sender.example" },
	{ SRS_LIBSRS2, "- as separator", "SRS0-Zcd9=G3=sender.example=ann@srs.test", SRS_VALID, "ann@sender.example" },
	{ SRS_LIBSRS2, "in brackets", "<SRS0=Zcd9=G3=sender.example=ann@srs.test>", SRS_VALID, "ann@sender.example" },
	{ SRS_LIBSRS2, "quoted for nothing", "\"SRS0=Zcd9=G3=sender.example=ann\"@srs.test", SRS_VALID, "\"ann\"@sender.example" },
	{ SRS_LIBSRS2, "quoted pair, pysrs", "\"SRS0=QApB=G3=sender.example=a\\\"b\"@srs.test", SRS_VALID, "\"a\\\"b\"@sender.example" },
	{ SRS_LIBSRS2, "quoted pair, forged", "\"SRS0=QApC=G3=sender.example=a\\\"b\"@srs.test", SRS_FORGED, NULL },
	{ SRS_LIBSRS2, "quotes in the middle, Mail::SRS", "SRS0=Zch3=G3=sender.example=\"john doe\"@srs.test", SRS_VALID,
	    "\"john doe\"@sender.example" },
	{ SRS_LIBSRS2, "+ in the hash", "SRS0=+xGx=G3=sender.example=prvs=0123abcdef=u@srs.test", SRS_VALID,
	    "prvs=0123abcdef=u@sender.example" },
	{ SRS_LIBSRS2, "- for +", "SRS0=-xGx=G3=sender.example=prvs=0123abcdef=u@srs.test", SRS_VALID, "prvs=0123abcdef=u@sender.example" },
	{ SRS_LIBSRS2, "/ in the hash", "SRS0=xaR/=G3=sender.example=u14@srs.test", SRS_VALID, "u14@sender.example" },
	{ SRS_LIBSRS2, "_ for /", "SRS0=xaR_=G3=sender.example=u14@srs.test", SRS_VALID, "u14@sender.example" },
	{ SRS_LIBSRS2, "a longer hash", "SRS0=Zcd9+9Y6=G3=sender.example=ann@srs.test", SRS_VALID, "ann@sender.example" },
	{ SRS_LIBSRS2, "the whole hash", "SRS0=Zcd9+9Y6CL7pgaLjN5E0HDgi9Ek=G3=sender.example=ann@srs.test", SRS_VALID,
	    "ann@sender.example" },
	{ SRS_LIBSRS2, "a longer hash, its end wrong", "SRS0=Zcd9+9Y7=G3=sender.example=ann@srs.test", SRS_FORGED, NULL },
	{ SRS_LIBSRS2, "more than the whole hash", "SRS0=Zcd9+9Y6CL7pgaLjN5E0HDgi9Ekx=G3=sender.example=ann@srs.test", SRS_FORGED, NULL },
	{ SRS_LIBSRS2, "below hashmin", "SRS0=Zcd=G3=sender.example=ann@srs.test", SRS_FORGED, NULL },
	{ SRS_LIBSRS2, "one digit wrong", "SRS0=Zcd8=G3=sender.example=ann@srs.test", SRS_FORGED, NULL },
	{ SRS_LIBSRS2, "another user", "SRS0=Zcd9=G3=sender.example=bob@srs.test", SRS_FORGED, NULL },
	{ SRS_LIBSRS2, "another host", "SRS0=Zcd9=G3=sender.example.net=ann@srs.test", SRS_FORGED, NULL },
	{ SRS_LIBSRS2, "another day", "SRS0=Zcd9=G2=sender.example=ann@srs.test", SRS_FORGED, NULL },
	{ SRS_LIBSRS2, "no hash", "SRS0==G3=sender.example=ann@srs.test", SRS_MALFORMED, NULL },
	{ SRS_LIBSRS2, "no stamp", "SRS0=Zcd9==sender.example=ann@srs.test", SRS_MALFORMED, NULL },
	{ SRS_LIBSRS2, "1 is no digit", "SRS0=Zcd9=G1=sender.example=ann@srs.test", SRS_MALFORMED, NULL },
	{ SRS_LIBSRS2, "three digits", "SRS0=Zcd9=AG3=sender.example=ann@srs.test", SRS_MALFORMED, NULL },
	{ SRS_LIBSRS2, "no host", "SRS0=Zcd9=G3==ann@srs.test", SRS_MALFORMED, NULL },
	{ SRS_LIBSRS2, "no user", "SRS0=Zcd9=G3=sender.example=@srs.test", SRS_MALFORMED, NULL },
	{ SRS_LIBSRS2, "two fields", "SRS0=Zcd9=G3@srs.test", SRS_MALFORMED, NULL },
	{ SRS_LIBSRS2, "nothing", "SRS0=@srs.test", SRS_MALFORMED, NULL },
	{ SRS_LIBSRS2, "a host that is none", "SRS0=Zcd9=G3=a..b=ann@srs.test", SRS_MALFORMED, NULL },
	{ SRS_LIBSRS2, "SRS1", "SRS1=lK9/=fwd.example==HHH=G3=sender.example=ann@srs.test", SRS_VALID,
	    "SRS0=HHH=G3=sender.example=ann@fwd.example" },
	{ SRS_LIBSRS2, "SRS1, +", "SRS1=qiPs=fwd.example=+HHH=G3=sender.example=ann@srs.test", SRS_VALID,
	    "SRS0+HHH=G3=sender.example=ann@fwd.example" },
	{ SRS_LIBSRS2, "SRS1 folded", "srs1=lk9/=fwd.example==hhh=g3=sender.example=ann@srs.test", SRS_VALID,
	    "SRS0=hhh=g3=sender.example=ann@fwd.example" },
	{ SRS_LIBSRS2, "SRS1 forged", "SRS1=lK9/=fwd.example==HHH=G3=sender.example=bob@srs.test", SRS_FORGED, NULL },
	{ SRS_LIBSRS2, "SRS1 without its second separator", "SRS1=lK9/=fwd.example=HHH=G3=sender.example=ann@srs.test", SRS_MALFORMED, NULL },
	{ SRS_LIBSRS2, "SRS1 without user", "SRS1=lK9/=fwd.example==@srs.test", SRS_MALFORMED, NULL },
	{ SRS_LIBSRS2, "SRS1 on our own SRS0", "SRS1=xxNN=srs.test==Zcd9=G3=sender.example=ann@srs.test", SRS_VALID, "ann@sender.example" },
	{ SRS_LIBSRS2, "foreign", "SRS0=Zcd9=G3=sender.example=ann@other.test", SRS_NOT_OURS, NULL },
	{ SRS_LIBSRS2, "below our domain", "SRS0=Zcd9=G3=sender.example=ann@x.srs.test", SRS_NOT_OURS, NULL },
	{ SRS_LIBSRS2, "ordinary", "postmaster@srs.test", SRS_NOT_SRS, NULL },
	{ SRS_LIBSRS2, "SRS2", "SRS2=Zcd9=G3=sender.example=ann@srs.test", SRS_NOT_SRS, NULL },
	{ SRS_LIBSRS2, "no separator", "SRS0Zcd9=G3=sender.example=ann@srs.test", SRS_NOT_SRS, NULL },
	{ SRS_LIBSRS2, "no @", "SRS0=Zcd9=G3=sender.example=ann", SRS_NO_ADDRESS, NULL },
	{ SRS_LIBSRS2, "a space", "SRS0=Zcd9=G3=sender.example=a nn@srs.test", SRS_NO_ADDRESS, NULL },
	{ SRS_LIBSRS2, "control octet", "SRS0=Zcd9=G3=sender.example=ann\x01@srs.test", SRS_NO_ADDRESS, NULL },
	{ SRS_LIBSRS2, "null", "<>", SRS_NULL, NULL },
	{ SRS_LIBSRS2, "a key without a store", "SRS0=kNBO=G3=1=abcdefgh@srs.test", SRS_UNKNOWN, NULL },
	{ SRS_LIBSRS2, "exim, not read", "SRS0=03b4=g3=sender.example=ann@srs.test", SRS_FORGED, NULL },
	{ SRS_EXIM, "plain", "SRS0=03b4=g3=sender.example=ann@srs.test", SRS_VALID, "ann@sender.example" },
	{ SRS_EXIM, "shouted", "SRS0=03B4=G3=SENDER.EXAMPLE=ANN@SRS.TEST", SRS_VALID, "ANN@SENDER.EXAMPLE" },
	{ SRS_EXIM, "quoted", "\"SRS0=c40c=g3=sender.example=john doe\"@srs.test", SRS_VALID, "\"john doe\"@sender.example" },
	{ SRS_EXIM, "nested", "SRS0=acc9=g3=other.example=SRS0=abcd=g3=first.example=ann@srs.test", SRS_VALID,
	    "SRS0=abcd=g3=first.example=ann@other.example" },
	{ SRS_EXIM, "three digits", "SRS0=03b=g3=sender.example=ann@srs.test", SRS_FORGED, NULL },
	{ SRS_EXIM, "five digits", "SRS0=03b4c=g3=sender.example=ann@srs.test", SRS_FORGED, NULL },
	{ SRS_EXIM, "forged", "SRS0=03b5=g3=sender.example=ann@srs.test", SRS_FORGED, NULL },
	{ SRS_EXIM, "SRS1", "SRS1=lK9/=fwd.example==HHH=G3=sender.example=ann@srs.test", SRS_MALFORMED, NULL },
	{ SRS_EXIM, "libsrs2's", "SRS0=Zcd9=G3=sender.example=ann@srs.test", SRS_FORGED, NULL },
};

START_TEST(reverse)
{
	srs_test_conf.scheme = reverses[_i].scheme;
	struct srs_result r = srs_test_reverse(view_of(reverses[_i].address), TEST_NOW);

	ck_outcome(r, reverses[_i].outcome, reverses[_i].what);
	ck_view_is(r.address, reverses[_i].restored == NULL ? "" : reverses[_i].restored);
}
END_TEST

START_TEST(both_schemes_are_read)
{
	static const char exim[] = "SRS0=03b4=g3=sender.example=ann@srs.test";
	static const char libsrs2[] = "SRS0=Zcd9=G3=sender.example=ann@srs.test";

	srs_test_conf.read_other = true;
	for (int scheme = SRS_LIBSRS2; scheme <= SRS_EXIM; scheme++) {
		srs_test_conf.scheme = scheme;
		struct srs_result r = srs_test_reverse(view_of(exim), TEST_NOW);
		ck_outcome(r, SRS_VALID, exim);
		ck_assert_int_eq(r.scheme, SRS_EXIM);
		r = srs_test_reverse(view_of(libsrs2), TEST_NOW + 11 * TEST_DAY);
		ck_outcome(r, SRS_VALID, libsrs2);
		ck_assert_int_eq(r.scheme, SRS_LIBSRS2);
		ck_outcome(srs_test_reverse(view_of(exim), TEST_NOW + 11 * TEST_DAY), SRS_EXPIRED, "exim, 11 days");
		ck_outcome(srs_test_reverse(VIEW_LIT("SRS0=Zcd8=G3=sender.example=ann@srs.test"), TEST_NOW), SRS_FORGED, "forged");
		ck_outcome(srs_test_reverse(VIEW_LIT("SRS0=Zcd8=G3=sender.example@srs.test"), TEST_NOW), SRS_MALFORMED, "short");
		ck_outcome(srs_test_reverse(VIEW_LIT("SRS1=lK9/=fwd.example==HHH=G3=sender.example=ann@srs.test"), TEST_NOW),
		    SRS_VALID, "SRS1");
	}
}
END_TEST

/* Two addresses that others wrapped and we wrapped again: out of our SRS1 comes our SRS0, out of that the sender. */
START_TEST(chain_ends)
{
	const char *sender = "ann@sender.example";
	struct srs_result r = srs_test_forward(sender, TEST_NOW);
	struct view local = view_sub(r.address, 0, view_find(r.address, '@'));
	struct view theirs = arena_printf(srs_test_arena, "SRS1=abcd=srs.test=%.*s@other.example", VIEW_ARG(view_from(local, 4)));

	r = srs_test_forward(arena_cstr(srs_test_arena, theirs), TEST_NOW);
	ck_outcome(r, SRS_REWRITTEN, "theirs");
	ck_view_is(srs_test_reverse(r.address, TEST_NOW).address, sender);
	/* The inner one's stamp still counts. */
	ck_outcome(srs_test_reverse(r.address, TEST_NOW + 22 * TEST_DAY), SRS_EXPIRED, "22 days");
}
END_TEST

START_TEST(domains_of_former_days)
{
	static const struct view items[] = { { "old.test", 8 } };

	srs_test_conf.old_domains = (struct conf_list){ .item = items, .n = 1 };
	ck_outcome(srs_test_forward("a@old.test", TEST_NOW), SRS_OWN, "own");
	ck_view_is(srs_test_reverse(VIEW_LIT("SRS0=Zcd9=G3=sender.example=ann@old.test"), TEST_NOW).address, "ann@sender.example");
}
END_TEST

START_TEST(domains_of_policy_files)
{
	static const struct view items[] = { { "A.test", 6 }, { "b.test", 6 }, { "c.test", 6 } };
	static const char *const own[] = { "a.test", "B.test", "c.test" }, *const other[] = { "ab.test", "0.test", "d.test" };

	srs_test_conf.policy_domains = (struct conf_list){ .item = items, .n = 3 };
	for (size_t i = 0; i < 3; i++) {
		ck_outcome(srs_test_forward(arena_printf(srs_test_arena, "a@%s", own[i]).p, TEST_NOW), SRS_OWN, own[i]);
		ck_outcome(srs_test_forward(arena_printf(srs_test_arena, "a@%s", other[i]).p, TEST_NOW), SRS_REWRITTEN, other[i]);
	}
	ck_view_is(srs_test_reverse(VIEW_LIT("SRS0=Zcd9=G3=sender.example=ann@c.test"), TEST_NOW).address, "ann@sender.example");
}
END_TEST

/* --- stamps --------------------------------------------------------------------------------- */

static const struct {
	int64_t day; /* written */
	const char *rewritten;
} stamps[] = {
	{ 0, "SRS0=Duz2=AA=sender.example=ann@srs.test" },
	{ 1023, "SRS0=3S7B=77=sender.example=ann@srs.test" },
	{ 1024, "SRS0=Duz2=AA=sender.example=ann@srs.test" },
	{ 1025, "SRS0=lc6m=AB=sender.example=ann@srs.test" },
};

START_TEST(stamp_wraps)
{
	int64_t then = stamps[_i].day * TEST_DAY;
	static const struct {
		int64_t days;
		enum srs_outcome outcome;
	} later[] = { { 0, SRS_VALID }, { 1, SRS_VALID }, { 21, SRS_VALID }, { 22, SRS_EXPIRED }, { 500, SRS_EXPIRED },
		{ 1022, SRS_EXPIRED }, { 1023, SRS_EXPIRED }, { 1024, SRS_VALID } };

	for (int exim = 0; exim < 2; exim++) {
		srs_test_conf.scheme = exim ? SRS_EXIM : SRS_LIBSRS2;
		struct srs_result r = srs_test_forward("ann@sender.example", then + TEST_DAY - 1);
		if (!exim)
			ck_view_is(r.address, stamps[_i].rewritten);
		for (int i = 0; i < ARRAY_LEN(later); i++) {
			enum srs_outcome want = exim && later[i].days == 21 ? SRS_EXPIRED : later[i].outcome;
			ck_outcome(srs_test_reverse(r.address, then + later[i].days * TEST_DAY), want, "age");
		}
		ck_outcome(srs_test_reverse(r.address, then - 1), SRS_EXPIRED, "of tomorrow");
	}
}
END_TEST

START_TEST(maxage_is_obeyed)
{
	struct srs_result r = srs_test_forward("ann@sender.example", TEST_NOW);

	srs_test_conf.maxage = 1;
	ck_outcome(srs_test_reverse(r.address, TEST_NOW + TEST_DAY), SRS_VALID, "1 day");
	ck_outcome(srs_test_reverse(r.address, TEST_NOW + 2 * TEST_DAY), SRS_EXPIRED, "2 days");
	srs_test_conf.maxage = 1000;
	ck_outcome(srs_test_reverse(r.address, TEST_NOW + 1000LL * TEST_DAY), SRS_VALID, "1000 days");
	ck_outcome(srs_test_reverse(r.address, TEST_NOW - TEST_DAY), SRS_EXPIRED, "of tomorrow, with the longest maxage");
}
END_TEST

/* --- secrets -------------------------------------------------------------------------------- */

START_TEST(first_signs_all_verify)
{
	struct srs_result mine = srs_test_forward("ann@sender.example", TEST_NOW);

	srs_test_secrets("new\n\n" TEST_SECRET "\r\n \t\n older ");
	ck_assert_uint_eq(srs_secrets_n(srs_test.secrets), 3);
	ck_view_is(srs_secret(srs_test.secrets, 2), " older ");
	struct srs_result r = srs_test_reverse(mine.address, TEST_NOW);
	ck_outcome(r, SRS_VALID, "by the second");
	ck_assert_int_eq(r.secret, 1);
	r = srs_test_forward("ann@sender.example", TEST_NOW);
	ck_assert(!view_eq(r.address, mine.address));
	ck_assert_int_eq(srs_test_reverse(r.address, TEST_NOW).secret, 0);
	srs_test_secrets("new");
	ck_outcome(srs_test_reverse(mine.address, TEST_NOW), SRS_FORGED, "its secret is gone");
}
END_TEST

static const struct {
	const char *what;
	mode_t mode;
	const char *text; /* NULL: no file */
	bool ok;
} files[] = {
	{ "private", 0600, "secret\n", true },
	{ "for a group", 0640, "secret\n", true },
	{ "comments are secrets", 0600, "# secret\n", true },
	{ "for all", 0644, "secret\n", false },
	{ "others write", 0602, "secret\n", false },
	{ "the group writes", 0660, "secret\n", false },
	{ "empty", 0600, "", false },
	{ "blank", 0600, " \n\t\n", false },
	{ "not there", 0600, NULL, false },
};

START_TEST(secrets_file)
{
	struct view path = arena_printf(srs_test_arena, "%s/secrets", srs_test_folder());
	struct err err = { .text = "" };

	if (files[_i].text != NULL) {
		FILE *f = fopen(path.p, "w");
		ck_assert(f != NULL && fputs(files[_i].text, f) >= 0 && fclose(f) == 0);
		ck_assert_int_eq(chmod(path.p, files[_i].mode), 0);
	}
	struct srs_secrets *s = srs_secrets_load(path.p, &err);
	ck_assert_msg((s != NULL) == files[_i].ok, "%s: %s", files[_i].what, err.text);
	if (s == NULL) {
		ck_assert(view_starts(view_of(err.text), path));
		ck_assert_int_eq(err.kind, ERR_PERM);
	}
	srs_secrets_unref(s);
}
END_TEST

START_TEST(secrets_limits)
{
	struct err err;
	char *many = malloc(2 * (SRS_SECRETS_MAX + 1) + 1), *p = many;

	for (int i = 0; i <= SRS_SECRETS_MAX; i++, p += 2)
		p[0] = 'a', p[1] = '\n';
	ck_assert(srs_secrets_from_text((struct view){ many, 2 * (SRS_SECRETS_MAX + 1) }, &err) == NULL);
	struct srs_secrets *s = srs_secrets_from_text((struct view){ many, 2 * SRS_SECRETS_MAX }, &err);
	ck_assert(s != NULL);
	ck_assert_ptr_eq(srs_secrets_ref(s), s);
	srs_secrets_unref(s);
	ck_view_is(srs_secret(s, SRS_SECRETS_MAX - 1), "a");
	srs_secrets_unref(s);
	free(many);
	ck_assert(srs_secrets_from_text((struct view){ "a\0b", 3 }, &err) == NULL);
}
END_TEST

/* --- whole addresses ------------------------------------------------------------------------ */

/* Every address with one octet of its hash, stamp or user changed is refused. */
START_TEST(no_octet_may_change)
{
	static const char good[] = "SRS0=Zcd9=G3=sender.example=ann@srs.test";
	char bad[sizeof(good)];

	for (size_t at = 5; at < view_find(view_of(good), '@'); at++) {
		for (int c = 33; c < 127; c++) {
			if (ascii_lower((char)c) == ascii_lower(good[at]))
				continue;
			snprintf(bad, sizeof(bad), "%s", good);
			bad[at] = (char)c;
			struct srs_result r = srs_test_reverse(view_of(bad), TEST_NOW);
			ck_assert_msg(r.outcome != SRS_VALID, "%s is taken for %.*s", bad, VIEW_ARG(r.address));
		}
	}
}
END_TEST

START_TEST(nul_and_length)
{
	struct srs_result r = srs_test_reverse((struct view){ "SRS0=Zcd9=G3=sender.example=ann\0@srs.test", 41 }, TEST_NOW);
	struct view name = arena_printf(srs_test_arena, "%*s", SRS_INPUT_MAX, "@srs.test");
	char *p = (char *)name.p;

	ck_outcome(r, SRS_NO_ADDRESS, "NUL");
	for (size_t i = 0; p[i] == ' '; i++)
		p[i] = 'a';
	ck_outcome(srs_test_reverse(name, TEST_NOW), SRS_NOT_SRS, "2048 octets");
	name = arena_printf(srs_test_arena, "a%.*s", VIEW_ARG(name));
	ck_outcome(srs_test_reverse(name, TEST_NOW), SRS_NO_ADDRESS, "2049 octets");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("srs");
	TCase *tc = tcase_create("codec");

	tcase_add_checked_fixture(tc, srs_test_setup, srs_test_teardown);
	tcase_add_loop_test(tc, forward, 0, ARRAY_LEN(forwards));
	tcase_add_loop_test(tc, forward_and_back, 0, ARRAY_LEN(forwards));
	tcase_add_test(tc, forward_excluded);
	tcase_add_test(tc, forward_settings);
	tcase_add_loop_test(tc, reverse, 0, ARRAY_LEN(reverses));
	tcase_add_test(tc, both_schemes_are_read);
	tcase_add_test(tc, chain_ends);
	tcase_add_test(tc, domains_of_former_days);
	tcase_add_test(tc, domains_of_policy_files);
	tcase_add_loop_test(tc, stamp_wraps, 0, ARRAY_LEN(stamps));
	tcase_add_test(tc, maxage_is_obeyed);
	tcase_add_test(tc, first_signs_all_verify);
	tcase_add_loop_test(tc, secrets_file, 0, ARRAY_LEN(files));
	tcase_add_test(tc, secrets_limits);
	tcase_add_test(tc, no_octet_may_change);
	tcase_add_test(tc, nul_and_length);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
