/* Text only: fields, the order of sets, the writing of tags, settings. */
#include "arc/arc_chain.h"
#include "arc/arc_sign.h"
#include "arc/arc_tags.h"
#include "base/buffer.h"
#include "support/setup.h"
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AMS_REST "a=rsa-sha256; d=d.example; s=s; b=QUJD; bh=QUJD; h=from"
#define AS_REST "a=rsa-sha256; d=d.example; s=s; b=QUJD; cv=none"

/* Instance and soundness of one field. */
static const struct {
	enum arc_kind kind;
	const char *what, *value;
	int instance;	 /* 0: must be refused */
	const char *why; /* NULL: sound; else found in the reason for refusal or unsoundness */
} fields[] = {
	{ ARC_AMS, "plain", " i=1; " AMS_REST, 1, NULL },
	{ ARC_AMS, "folded, spaced, i= last", " " AMS_REST ";\r\n\ti\r\n = \t50 ; ", 50, NULL },
	{ ARC_AMS, "one leading zero", " i=09; " AMS_REST, 9, NULL },
	{ ARC_AMS, "three digits", " i=001; " AMS_REST, 0, "i= is not" },
	{ ARC_AMS, "zero", " i=0; " AMS_REST, 0, "i= is not" },
	{ ARC_AMS, "51", " i=51; " AMS_REST, 0, "i= is not" },
	{ ARC_AMS, "beyond 64 bits", " i=18446744073709551617; " AMS_REST, 0, "i= is not" },
	{ ARC_AMS, "negative", " i=-1; " AMS_REST, 0, "i= is not" },
	{ ARC_AMS, "of letters", " i=1x; " AMS_REST, 0, "i= is not" },
	{ ARC_AMS, "absent", AMS_REST, 0, "no i=" },
	{ ARC_AMS, "twice", "i=1; i=1; " AMS_REST, 0, "twice" },
	{ ARC_AMS, "capital", "I=1; " AMS_REST, 0, "no i=" },
	{ ARC_AMS, "empty field", "", 0, "no tag name" },
	{ ARC_AMS, "empty tag", "i=1;; " AMS_REST, 0, "no tag name" },
	{ ARC_AMS, "v= is ignored", "v=7; i=1; " AMS_REST, 1, NULL },
	{ ARC_AMS, "unknown tag", "i=1; zz=top; " AMS_REST, 1, NULL },
	{ ARC_AMS, "no a=", "i=1; d=d.ex; s=s; b=QUJD; bh=QUJD; h=from", 1, "no a=" },
	{ ARC_AMS, "rsa-sha1", "i=1; a=rsa-sha1; d=d.ex; s=s; b=QUJD; bh=QUJD; h=from", 1, "a= is neither" },
	{ ARC_AMS, "a= in capitals", "i=1; a=RSA-SHA256; d=d.ex; s=s; b=QUJD; bh=QUJD; h=from", 1, "a= is neither" },
	{ ARC_AMS, "ed25519", "i=1; a=ed25519-sha256; d=d.ex; s=s; b=QUJD; bh=QUJD; h=from", 1, NULL },
	{ ARC_AMS, "empty label in d=", "i=1; a=rsa-sha256; d=a..b; s=s; b=QUJD; bh=QUJD; h=from", 1, "d=" },
	{ ARC_AMS, "space in d=", "i=1; a=rsa-sha256; d=a b; s=s; b=QUJD; bh=QUJD; h=from", 1, "d=" },
	{ ARC_AMS, "comment in d=", "i=1; a=rsa-sha256; d=a(b).c; s=s; b=QUJD; bh=QUJD; h=from", 1, "d= is not" },
	{ ARC_AMS, "quote in s=", "i=1; a=rsa-sha256; d=a.b; s=\"; b=QUJD; bh=QUJD; h=from", 1, "s= is not" },
	{ ARC_AMS, "d= of one label", "i=1; a=rsa-sha256; d=org; s=s; b=QUJD; bh=QUJD; h=from", 1, "single label" },
	{ ARC_AMS, "U-labels", "i=1; a=rsa-sha256; d=b\xc3\xbc.example; s=s\xc3\xbc; b=QUJD; bh=QUJD; h=from", 1, NULL },
	{ ARC_AMS, "broken UTF-8", "i=1; zz=\xff; " AMS_REST, 0, "UTF-8" },
	{ ARC_AMS, "b= empty", "i=1; a=rsa-sha256; d=d.ex; s=s; b=; bh=QUJD; h=from", 1, "b= is empty" },
	{ ARC_AMS, "b= no base64", "i=1; a=rsa-sha256; d=d.ex; s=s; b=Q*JD; bh=QUJD; h=from", 1, "b=" },
	{ ARC_AMS, "no bh=", "i=1; a=rsa-sha256; d=d.ex; s=s; b=QUJD; h=from", 1, "no bh=" },
	{ ARC_AMS, "no h=", "i=1; a=rsa-sha256; d=d.ex; s=s; b=QUJD; bh=QUJD", 1, "no h=" },
	{ ARC_AMS, "h= empty", "i=1; a=rsa-sha256; d=d.ex; s=s; b=QUJD; bh=QUJD; h=", 1, NULL },
	{ ARC_AMS, "h= with folds and an empty name", "i=1; a=rsa-sha256; d=d.ex; s=s; b=QUJD; bh=QUJD; h=a : :\r\n b", 1,
	    NULL },
	{ ARC_AMS, "h= covers a seal", "i=1; a=rsa-sha256; d=d.ex; s=s; b=QUJD; bh=QUJD; h=from:arc-SEAL", 1, "covers" },
	{ ARC_AMS, "h= covers its like", "i=1; a=rsa-sha256; d=d.ex; s=s; b=QUJD; bh=QUJD; h=ARC-Message-Signature", 1,
	    NULL },
	{ ARC_AMS, "h= with a space", "i=1; a=rsa-sha256; d=d.ex; s=s; b=QUJD; bh=QUJD; h=fr om", 1, "no field name" },
	{ ARC_AMS, "c= unknown", "i=1; c=strict; " AMS_REST, 1, "c= names" },
	{ ARC_AMS, "c= empty", "i=1; c=; " AMS_REST, 1, "c= names" },
	{ ARC_AMS, "c= in capitals", "i=1; c=Relaxed; " AMS_REST, 1, "c= names" },
	{ ARC_AMS, "c= with two slashes", "i=1; c=relaxed/relaxed/x; " AMS_REST, 1, "c= names" },
	{ ARC_AMS, "t= empty", "i=1; t=; " AMS_REST, 1, "t= is not" },
	{ ARC_AMS, "t= of 13 digits", "i=1; t=1000000000000; " AMS_REST, 1, "t= is not" },
	{ ARC_AMS, "x= before t=", "i=1; t=5; x=5; " AMS_REST, 1, "x= is not after" },
	{ ARC_AMS, "x= negative", "i=1; x=-5; " AMS_REST, 1, "x= is not a number" },
	{ ARC_AMS, "l= no number", "i=1; l=all; " AMS_REST, 1, "l= is not" },
	{ ARC_SEAL, "plain", " i=1; " AS_REST, 1, NULL },
	{ ARC_SEAL, "with h=", " i=1; h=from; " AS_REST, 1, "h= is not allowed" },
	{ ARC_SEAL, "with an empty h=", " i=1; h=; " AS_REST, 1, "h= is not allowed" },
	{ ARC_SEAL, "no cv=", " i=1; a=rsa-sha256; d=d.example; s=s; b=QUJD", 1, "cv= is neither" },
	{ ARC_SEAL, "cv= in capitals", " i=1; a=rsa-sha256; d=d.example; s=s; b=QUJD; cv=Pass", 1, "cv= is neither" },
	{ ARC_SEAL, "x= means nothing", " i=1; x=what; " AS_REST, 1, NULL },
	{ ARC_AAR, "plain", " i=1; mx.example; none", 1, NULL },
	{ ARC_AAR, "with comments", "\r\n (a (b\\) c) \"d) i (=) = (=)\r\n\t12 (;) ; x", 12, NULL },
	{ ARC_AAR, "nothing behind", "i=1;", 1, NULL },
	{ ARC_AAR, "no semicolon", " i=1 mx.example; none", 0, "no \";\"" },
	{ ARC_AAR, "not first", " mx.example; i=1; none", 0, "begin" },
	{ ARC_AAR, "capital", " I=1; mx.example; none", 0, "begin" },
	{ ARC_AAR, "51", " i=51; mx.example; none", 0, "i= is not" },
	{ ARC_AAR, "no digits", " i=; mx.example; none", 0, "i= is not" },
	{ ARC_AAR, "comment that does not end", " (((((((((( i=1; mx.example; none", 0, "begin" },
	{ ARC_AAR, "empty", "", 0, "begin" },
};

START_TEST(field_rows)
{
	struct view value = tight_cstr(fields[_i].value);
	struct header_field from = { arc_kind_name(fields[_i].kind), value };
	const char *what = fields[_i].what, *why = fields[_i].why;
	struct arc_field field;
	struct err err;
	bool ok = arc_field_parse(fields[_i].kind, &from, arena, &field, &err);

	ck_assert_msg(ok == (fields[_i].instance > 0), "%s: %s", what, ok ? "accepted" : err.text);
	if (!ok) {
		ck_assert_msg(strstr(err.text, why) != NULL, "%s: %s", what, err.text);
	} else {
		ck_assert_msg((int)field.instance == fields[_i].instance, "%s: i=%u", what, field.instance);
		ck_assert_msg(field.sound == (why == NULL), "%s: %.*s", what, VIEW_ARG(field.why));
		ck_assert_msg(why == NULL || strstr(arena_cstr(arena, field.why), why) != NULL, "%s: %.*s", what,
		    VIEW_ARG(field.why));
	}
	free((void *)value.p);
}
END_TEST

START_TEST(field_values_are_decoded)
{
	struct header_field from = { VIEW_LIT("arc-message-signature"),
		VIEW_LIT(" i=2; a=rsa-sha256; d=B\xc3\xbc" "cher.Example; s=S1; b= QU\r\n\tJD ; bh=RA==; h=From: To;"
			 " c=simple; t=10; x=20; l=3") };
	struct arc_field f;
	struct err err;

	ck_assert(arc_field_parse(ARC_AMS, &from, arena, &f, &err) && f.sound);
	ck_view_is(f.signature.domain, "xn--bcher-kva.example");
	ck_view_is(f.signature.selector, "s1");
	ck_view_is(f.signature.octets, "ABC");
	ck_view_is(f.signature.body_hash, "D");
	ck_assert_uint_eq(f.signature.names_n, 2);
	ck_view_is(f.signature.names[1], "To");
	ck_assert(f.signature.header_canon == CANON_SIMPLE && f.signature.body_canon == CANON_SIMPLE);
	ck_assert(f.signature.signed_at == 10 && f.signature.expires_at == 20 && f.signature.body_limit == 3);
	ck_view_is(view_sub(from.value, f.b_from, f.b_to - f.b_from), " QU\r\n\tJD ");
}
END_TEST

START_TEST(names_in_h_are_bounded)
{
	struct buffer b = buffer_in(arena);
	struct arc_field f;
	struct err err;

	buffer_add_cstr(&b, "i=1; a=rsa-sha256; d=d.ex; s=s; b=QUJD; bh=QUJD; h=a");
	for (int n = 1; n < ARC_NAMES_MAX; n++)
		buffer_add_cstr(&b, ":a");
	struct header_field from = { VIEW_LIT("ARC-Message-Signature"), buffer_view(&b) };
	ck_assert(arc_field_parse(ARC_AMS, &from, arena, &f, &err) && f.sound);
	buffer_add_cstr(&b, ":a");
	from.value = buffer_view(&b);
	ck_assert(arc_field_parse(ARC_AMS, &from, arena, &f, &err) && !f.sound);
}
END_TEST

/*
 * Chains in short: "S1n" is an ARC-Seal i=1 with cv=none (p pass, f fail, x no word), "M1" an ARC-Message-Signature,
 * "A1" an ARC-Authentication-Results; lower case: a field whose signature is not sound; "-" another field.
 */
static const struct {
	const char *chain;
	unsigned n;
	bool ends_failed;
	const char *why; /* NULL: sound */
} chains[] = {
	{ "", 0, false, NULL },
	{ "S1n M1 A1", 1, false, NULL },
	{ "A1 - M1 - S1n", 1, false, NULL },
	{ "S2p M2 A2 S1n M1 A1", 2, false, NULL },
	{ "A1 A2 A3 S3p S2p S1n M2 M3 M1", 3, false, NULL },
	{ "M1 A1", 1, false, "no ARC-Seal for i=1" },
	{ "S1n A1", 1, false, "no ARC-Message-Signature for i=1" },
	{ "S1n M1", 1, false, "no ARC-Authentication-Results for i=1" },
	{ "A1", 1, false, "no ARC-Message-Signature for i=1" },
	{ "S1n M1 A1 A1", 1, false, "i=1 twice" },
	{ "S1n M1 M1 A1", 1, false, "i=1 twice" },
	{ "S1n S1n M1 A1", 1, false, "i=1 twice" },
	{ "S2p M2 A2", 2, false, "for i=1" },
	{ "S3p M3 A3 S1n M1 A1", 3, false, "for i=2" },
	{ "S50p M50 A50 S1n M1 A1", 50, false, "for i=2" },
	{ "S51p M51 A51 S1n M1 A1", 1, false, "i= is not" },
	{ "S1p M1 A1", 1, false, "cv=pass, not none" },
	{ "S2n M2 A2 S1n M1 A1", 2, false, "cv=none, not pass" },
	{ "S2p M2 A2 S1p M1 A1", 2, false, "cv=pass, not none" },
	{ "S2p M2 A2 S1f M1 A1", 2, false, "cv=fail, not none" },
	{ "S1f M1 A1", 1, true, "i=1 says cv=fail" },
	{ "S2f M2 A2 S1n M1 A1", 2, true, "i=2 says cv=fail" },
	{ "S2f S1n S1n", 2, true, "i=2 says cv=fail" },
	{ "s1f M1 A1", 1, true, "i=1 says cv=fail" },
	{ "S3p M3 A3 S2f M2 A2 S1n M1 A1", 3, false, "i=2: cv=fail, not pass" },
	{ "A3 S2f M2 A2 S1n M1 A1", 3, true, "i=2 says cv=fail" },
	{ "S1x M1 A1", 1, false, "cv= is neither" },
	{ "s1n M1 A1", 1, false, "ARC-Seal i=1: b= is empty" },
	{ "S2p M2 A2 s1n M1 A1", 2, false, "ARC-Seal i=1: b= is empty" },
	{ "S1n m1 A1", 1, false, "ARC-Message-Signature i=1: b= is empty" },
	{ "S2p M2 A2 S1n m1 A1", 2, false, NULL }, /* an old one may be anything */
};

static void
add_short(struct header *h, const char *word, size_t n)
{
	const char *b = word[0] >= 'a' ? "" : "QUJD", *name = "X-Other";
	char value[200];
	int instance = n > 1 ? atoi(word + 1) : 0;
	struct err err;

	snprintf(value, sizeof(value), " i=%d; d", instance);
	if (word[0] == 'M' || word[0] == 'm') {
		name = "ARC-Message-Signature";
		snprintf(value, sizeof(value), " i=%d; a=rsa-sha256; d=d.ex; s=s; b=%s; bh=QUJD; h=from", instance, b);
	} else if (word[0] == 'S' || word[0] == 's') {
		static const struct name_row cvs[] = {
			{ "none", 'n' }, { "pass", 'p' }, { "fail", 'f' }, { "", 'x' }, { NULL, 0 },
		};
		name = "arc-seal";
		snprintf(value, sizeof(value), " i=%d; a=rsa-sha256; d=d.ex; s=s; b=%s; cv=%s", instance, b,
		    name_of(cvs, word[n - 1]));
	} else if (word[0] == 'A') {
		name = "ARC-Authentication-Results";
	}
	ck_assert(header_add(h, view_of(name), view_of(value), &err));
}

START_TEST(chain_rows)
{
	struct header h;
	struct arc_chain chain;

	header_init(&h, arena, 100000, 1000);
	for (const char *at = chains[_i].chain; *at != '\0'; at += strcspn(at, " "), at += strspn(at, " "))
		add_short(&h, at, strcspn(at, " "));
	arc_chain_collect(&h, arena, &chain);
	const char *got = arena_cstr(arena, chain.why), *why = chains[_i].why;
	ck_assert_msg(chain.n == chains[_i].n, "%s: n=%u", chains[_i].chain, chain.n);
	ck_assert_msg(chain.ends_failed == chains[_i].ends_failed, "%s: ends_failed", chains[_i].chain);
	ck_assert_msg(why == NULL ? chain.why.n == 0 : strstr(got, why) != NULL, "%s: %s", chains[_i].chain, got);
}
END_TEST

START_TEST(crowds_of_fields_are_not_parsed)
{
	struct header h;
	struct arc_chain chain;

	header_init(&h, arena, 10000000, 100000);
	for (int i = 0; i < 10000; i++)
		add_short(&h, i == 0 ? "S9f" : "S1n", 3);
	size_t before = arena_used(arena);
	arc_chain_collect(&h, arena, &chain);
	ck_assert(!arc_chain_sound(&chain) && !chain.ends_failed);
	ck_assert_uint_eq(chain.n, ARC_INSTANCES_MAX);
	ck_assert_uint_lt(arena_used(arena) - before, ARC_KINDS * ARC_INSTANCES_MAX * 1024);
}
END_TEST

START_TEST(octets_are_bounded)
{
	static char junk[ARC_OCTETS_MAX / 3];
	struct header h;
	struct arc_chain chain;
	struct err err;

	memset(junk, 'x', sizeof(junk));
	memcpy(junk, " i=1; ", 6);
	header_init(&h, arena, 10000000, 100);
	add_short(&h, "S1n", 3);
	add_short(&h, "M1", 2);
	ck_assert(header_add(&h, VIEW_LIT("ARC-Authentication-Results"), (struct view){ junk, sizeof(junk) }, &err));
	arc_chain_collect(&h, arena, &chain);
	ck_assert(arc_chain_sound(&chain));
	for (char i = '2'; i < '4'; i++) {
		junk[3] = i;
		ck_assert(header_add(&h, arc_kind_name(ARC_AAR), (struct view){ junk, sizeof(junk) }, &err));
	}
	add_short(&h, "S2p", 3);
	add_short(&h, "S3p", 3);
	add_short(&h, "M2", 2);
	add_short(&h, "M3", 2);
	arc_chain_collect(&h, arena, &chain);
	ck_view_is(chain.why, "more than 262144 octets of ARC fields");
	ck_assert_uint_eq(chain.n, 3);
}
END_TEST

/* arc_tags_write: 77 columns, a tab counts 8 */
static const struct {
	const char *what;
	const char *tag[8]; /* name, value, ... */
	bool break_b;
	const char *text;
} lists[] = {
	{ "short", { "i", "1", "b", "QUJD" }, true, " i=1; b=QUJD" },
	{ "a tag that does not fit", { "i", "1", "d", "123456789-123456789-123456789-123456789-123456789-123456789",
		"b", "Q" }, true, " i=1; d=123456789-123456789-123456789-123456789-123456789-123456789;\n\tb=Q" },
	{ "no break inside others", { "i", "1", "d", "123456789-123456789-123456789-123456789-123456789-123456789-123456789-1234" },
	    true, " i=1;\n\td=123456789-123456789-123456789-123456789-123456789-123456789-123456789-1234" },
	{ "h= behind colons", { "i", "1", "h", "aaaaaaaaaaaaaaaaaaaaaaaaa:bbbbbbbbbbbbbbbbbbbbbbbbb:ccccccccccccccc:ddddddddddd" },
	    true, " i=1;\n\th=aaaaaaaaaaaaaaaaaaaaaaaaa:bbbbbbbbbbbbbbbbbbbbbbbbb:\n\tccccccccccccccc:ddddddddddd" },
	{ "b= anywhere", { "i", "1", "b", "123456789-123456789-123456789-123456789-123456789-123456789-123456789-1234" }, true,
	    " i=1;\n\tb=123456789-123456789-123456789-123456789-123456789-123456789-1234567\n\t89-1234" },
	{ "b= whole", { "i", "1", "b", "123456789-123456789-123456789-123456789-123456789-123456789-123456789-1234" }, false,
	    " i=1;\n\tb=123456789-123456789-123456789-123456789-123456789-123456789-123456789-1234" },
};

START_TEST(tag_list_rows)
{
	struct arc_tags tags = { .n = 0 };

	for (size_t i = 0; i < 8 && lists[_i].tag[i] != NULL; i += 2)
		arc_tags_add(&tags, lists[_i].tag[i], view_of(lists[_i].tag[i + 1]));
	struct view text = arc_tags_write(&tags, VIEW_LIT("ARC-Seal"), lists[_i].break_b, arena);
	ck_assert_msg(view_is(text, lists[_i].text), "%s: got \"%.*s\"", lists[_i].what, VIEW_ARG(text));
}
END_TEST

static const struct {
	const char *text;
	bool ok;
	enum arc_expire_kind kind;
	int64_t seconds;
} expiries[] = {
	{ "", true, ARC_EXPIRE_AFTER, ARC_EXPIRE_PRESET },
	{ "none", true, ARC_EXPIRE_NONE, 0 },
	{ "1893456000", true, ARC_EXPIRE_AT, 1893456000 },
	{ "+86400", true, ARC_EXPIRE_AFTER, 86400 },
	{ "+315360000", true, ARC_EXPIRE_AFTER, 315360000 },
	{ "+315360001", false, ARC_EXPIRE_NONE, 0 },
	{ "+", false, ARC_EXPIRE_NONE, 0 },
	{ "++1", false, ARC_EXPIRE_NONE, 0 },
	{ "-1", false, ARC_EXPIRE_NONE, 0 },
	{ "1 day", false, ARC_EXPIRE_NONE, 0 },
	{ "1000000000000", false, ARC_EXPIRE_NONE, 0 },
};

START_TEST(expiry_rows)
{
	struct arc_expire e;
	struct err err;
	bool ok = arc_expire_parse(view_of(expiries[_i].text), &e, &err);

	ck_assert_msg(ok == expiries[_i].ok, "%s", expiries[_i].text);
	if (ok)
		ck_assert_msg(e.kind == expiries[_i].kind &&
			(e.kind == ARC_EXPIRE_NONE || e.seconds == expiries[_i].seconds), "%s", expiries[_i].text);
}
END_TEST

static const struct {
	const char *name;
	bool ok;
} sign_names[] = {
	{ "From", true }, { "from+", true }, { "X-Anything_1", true }, { "", false }, { "+", false }, { "A:B", false },
	{ "A;b=", false }, { "A B", false }, { "Received", false }, { "received+", false }, { "Return-Path", false },
	{ "ARC-Seal", false }, { "arc-whatever", false }, { "Authentication-Results", false }, { "ARC", true },
	{ "Received-SPF", false }, { "Bcc", false },
};

START_TEST(sign_name_rows)
{
	ck_assert_msg(arc_sign_name_ok(view_of(sign_names[_i].name), NULL) == sign_names[_i].ok, "%s",
	    sign_names[_i].name);
}
END_TEST

/* Fields of a message (one letter each) -> names in h= */
static const struct {
	const char *what, *sign, *header, *names;
} selections[] = {
	{ "each as often as it is there", "A B", "ABBX", "A:B:B" },
	{ "what is not there is not named", "A B", "A", "A" },
	{ "oversigned", "A+ B", "AB", "A:A:B" },
	{ "oversigned only when there", "A+ B", "B", "B" },
	{ "forbidden", "A Received", "AR", "A" },
	{ "none", "", "AB", "" },
};

START_TEST(selection_rows)
{
	struct header h;
	struct view sign[4], *names, rest = view_of(selections[_i].sign);
	struct arc_seal_conf conf = { .sign = sign };
	struct buffer joined = buffer_in(arena);
	struct err err;
	size_t n;

	while (rest.n > 0)
		view_split(rest, ' ', &sign[conf.signs++], &rest);
	header_init(&h, arena, 1000, 1000);
	for (const char *at = selections[_i].header; *at != '\0'; at++)
		ck_assert(header_add(&h, *at == 'R' ? VIEW_LIT("Received") : (struct view){ at, 1 }, VIEW_LIT(" x"),
		    &err));
	ck_assert(arc_sign_names(&conf, &h, arena, &names, &n, &err));
	for (size_t i = 0; i < n; i++) {
		buffer_add_cstr(&joined, i > 0 ? ":" : "");
		buffer_add(&joined, names[i]);
	}
	ck_assert_msg(view_is(buffer_view(&joined), selections[_i].names), "%s: got %.*s", selections[_i].what,
	    VIEW_ARG(buffer_view(&joined)));
}
END_TEST

START_TEST(presets)
{
	struct arc_conf conf;
	struct view *names;
	struct header h;
	struct err err;
	size_t n;

	conf_section_presets(&arc_section, &conf, arena);
	ck_assert(conf.enable && conf.rsa_bits_min == 1024 && conf.clock_skew == 300);
	for (size_t i = 0; i < arc_sign_presets; i++)
		ck_assert(arc_sign_name_ok(arc_sign_preset[i], &err));
	header_init(&h, arena, 100000, 1000);
	for (int i = 0; i < ARC_SIGNED_MAX; i++)
		ck_assert(header_add(&h, VIEW_LIT("DKIM-Signature"), VIEW_LIT(" x"), &err));
	struct arc_seal_conf preset = { .sign = NULL };
	ck_assert(arc_sign_names(&preset, &h, arena, &names, &n, &err) && n == ARC_SIGNED_MAX);
	ck_assert(header_add(&h, VIEW_LIT("Subject"), VIEW_LIT(" x"), &err));
	ck_assert(!arc_sign_names(&preset, &h, arena, &names, &n, &err));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("arc");
	TCase *tc = tcase_create("text");

	tcase_add_checked_fixture(tc, arena_setup, arena_teardown);
	tcase_add_loop_test(tc, field_rows, 0, ARRAY_LEN(fields));
	tcase_add_test(tc, field_values_are_decoded);
	tcase_add_test(tc, names_in_h_are_bounded);
	tcase_add_loop_test(tc, chain_rows, 0, ARRAY_LEN(chains));
	tcase_add_test(tc, crowds_of_fields_are_not_parsed);
	tcase_add_test(tc, octets_are_bounded);
	tcase_add_loop_test(tc, tag_list_rows, 0, ARRAY_LEN(lists));
	tcase_add_loop_test(tc, expiry_rows, 0, ARRAY_LEN(expiries));
	tcase_add_loop_test(tc, sign_name_rows, 0, ARRAY_LEN(sign_names));
	tcase_add_loop_test(tc, selection_rows, 0, ARRAY_LEN(selections));
	tcase_add_test(tc, presets);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
