/* Sealing: what is written, what is refused, and that it verifies. */
#include "base/base64.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "mail/auth_results.h"
#include "rig.h"
#include "support/support.h"

#include <string.h>

#define MESSAGE                                                                                                        \
	"Received: by us\r\nReturn-Path: <b@example.org>\r\nDKIM-Signature: v=1; d=example.org\r\n"                    \
	"From: a@example.org\r\nTo: b@example.net\r\nSubject: =?utf-8?q?long?=\r\n and folded\r\n"                       \
	"Date: Thu, 1 Jan 1970 00:00:00 +0000\r\nList-Id: <l.example.org>\r\n\r\nHello.  \r\n\r\n"

static struct private_key *rsa, *other, *weak, *ed25519;
static struct view zone;
static struct arena *zone_arena;
static struct rig rig;
static struct arc_seal_key keys[2];
static struct arc_seal_conf conf;
static struct auth_facts facts;

static struct view
record(const char *name, const struct private_key *key)
{
	struct view p = base64_encode(private_key_public(key, zone_arena), zone_arena);

	return arena_printf(zone_arena, "%s TXT \"v=DKIM1; p=%.*s\"\n", name, VIEW_ARG(p));
}

static void
make_keys(void)
{
	struct err err;

	ck_assert(crypt_open(&err));
	rsa = private_key_new(KEY_RSA, 2048, &err);
	other = private_key_new(KEY_RSA, 2048, &err);
	weak = private_key_new(KEY_RSA, 1024, &err);
	ed25519 = private_key_new(KEY_ED25519, 0, &err);
	ck_assert(rsa != NULL && other != NULL && weak != NULL && ed25519 != NULL);
	zone_arena = arena_new();
	struct view a = record("2026a._domainkey.fwd.example", rsa), b = record("2026b._domainkey.fwd.example", other);
	zone = arena_printf(zone_arena, "%.*s%.*s", VIEW_ARG(a), VIEW_ARG(b));
}

static void
drop_keys(void)
{
	private_key_unref(rsa);
	private_key_unref(other);
	private_key_unref(weak);
	private_key_unref(ed25519);
	arena_free(zone_arena);
	crypt_close();
}

static void
setup(void)
{
	rig_open(&rig, zone);
	keys[0] = (struct arc_seal_key){ VIEW_LIT("2026a"), rsa, 0 };
	keys[1] = (struct arc_seal_key){ VIEW_LIT("2026b"), other, 1800000000 };
	conf = (struct arc_seal_conf){ .domain = VIEW_LIT("fwd.example"), .key = keys, .keys = 2, .timestamps = true,
		.expire = { ARC_EXPIRE_AFTER, ARC_EXPIRE_PRESET }, .rsa_bits_min = ARC_SEAL_BITS_PRESET };
	facts = (struct auth_facts){ ARENA_ARRAY(rig.arena, 3, struct auth_fact), 3 };
	facts.fact[0] = (struct auth_fact){ .method = AUTH_SPF, .result = AUTH_PASS, .comment = VIEW_LIT("fine") };
	auth_fact_property(&facts.fact[0], "smtp", "mailfrom", VIEW_LIT("b@example.org"));
	facts.fact[1] = (struct auth_fact){ .method = AUTH_ARC, .result = AUTH_PASS };
	facts.fact[2] = (struct auth_fact){ .method = AUTH_DMARC, .result = AUTH_FAIL };
	auth_fact_property(&facts.fact[2], "header", "from", VIEW_LIT("example.org"));
}

static void
teardown(void)
{
	rig_close(&rig);
}

static bool
seal_message(struct view text, bool again, struct rig_message *m, struct arc_seal *seal, struct err *err)
{
	struct arc_seal_input in = { .conf = &conf, .header = &m->header, .chain = &m->chain, .facts = &facts,
		.authserv_id = VIEW_LIT("mx.fwd.example"), .remote_ip = VIEW_LIT("2001:db8::1"), .now = rig.now,
		.again = again };

	ck_assert_msg(rig_verify(&rig, text, m, err), "%s", err->text);
	in.body = m->relaxed;
	return arc_seal(&in, rig.arena, seal, err);
}

static struct view
seal_hops(struct view text, unsigned hops)
{
	struct rig_message m;
	struct arc_seal seal;
	struct err err;

	for (unsigned i = 0; i < hops; i++) {
		ck_assert_msg(seal_message(text, true, &m, &seal, &err), "%s", err.text);
		text = rig_sealed_text(&rig, &seal, text);
	}
	return text;
}

/* Without folds: each becomes one space. */
static const char *
unfolded(struct view value)
{
	struct buffer b = buffer_in(rig.arena);
	struct cursor c = cursor_over(value);

	while (!cursor_end(&c)) {
		buffer_add(&b, cursor_until(&c, '\n'));
		if (cursor_char(&c, '\n')) {
			cursor_take(&c, CC_WSP);
			buffer_add_char(&b, ' ');
		}
	}
	return arena_cstr(rig.arena, buffer_view(&b));
}

START_TEST(a_first_set)
{
	struct rig_message m;
	struct arc_seal seal;
	struct err err;

	ck_assert_msg(seal_message(VIEW_LIT(MESSAGE), false, &m, &seal, &err), "%s", err.text);
	ck_assert_uint_eq(seal.instance, 1);
	ck_view_is(seal.field[0].name, "ARC-Seal");
	ck_view_is(seal.field[1].name, "ARC-Message-Signature");
	ck_view_is(seal.field[2].name, "ARC-Authentication-Results");
	const char *as = unfolded(seal.field[0].value), *ams = unfolded(seal.field[1].value);
	const char *aar = unfolded(seal.field[2].value);
	ck_assert_msg(strstr(as, " i=1; a=rsa-sha256; cv=none; d=fwd.example; s=2026a; t=1700000000; b=") == as, "%s",
	    as);
	static const char *const wanted = " i=1; a=rsa-sha256; c=relaxed/relaxed; d=fwd.example; s=2026a; t=1700000000;"
					  " x=1702592000; h=From:From:To:Subject:Date:List-Id:DKIM-Signature; bh=";
	ck_assert_msg(strncmp(ams, wanted, strlen(wanted)) == 0, "%s", ams);
	ck_assert_str_eq(aar, " i=1; mx.fwd.example; spf=pass smtp.mailfrom=b@example.org;"
			      " dmarc=fail header.from=example.org; arc=none smtp.remote-ip=\"2001:db8::1\"");
}
END_TEST

START_TEST(chains_of_ours_pass)
{
	static const unsigned hops[] = { 1, 2, 3, 10, ARC_INSTANCES_MAX };
	struct view text = seal_hops(VIEW_LIT(MESSAGE), hops[_i]);
	struct auth_results told;
	struct rig_message m;
	struct arc_seal seal;
	struct err err;

	ck_assert(rig_verify(&rig, text, &m, &err));
	ck_assert_msg(m.chain.result == AUTH_PASS, "%.*s", VIEW_ARG(m.chain.reason));
	ck_assert_uint_eq(m.chain.instances, hops[_i]);
	ck_assert_uint_eq(m.chain.oldest_pass, 0);
	ck_view_is(m.chain.sealer, "fwd.example");
	ck_view_is(m.chain.selector, "2026a");
	ck_assert(m.chain.covers_from);
	ck_assert(auth_results_parse(m.chain.newest_authres, rig.arena, &told, &err));
	ck_view_is(told.authserv_id, "mx.fwd.example");
	ck_assert_uint_eq(told.n, 3);
	ck_view_is(told.info[2].method, "arc");
	ck_view_is(told.info[2].result, hops[_i] == 1 ? "none" : "pass");
	ck_assert(seal_message(text, true, &m, &seal, &err) == (hops[_i] < ARC_INSTANCES_MAX));
}
END_TEST

/* Every line below 78 columns, a tab counting 8; only LF and tab fold; nothing folds into an empty line. */
START_TEST(lines_are_short)
{
	struct rig_message m;
	struct arc_seal seal;
	struct err err;

	ck_assert(seal_message(seal_hops(VIEW_LIT(MESSAGE), 11), true, &m, &seal, &err));
	for (size_t i = 0; i < 3; i++) {
		struct view line, rest = seal.field[i].value;
		size_t column = seal.field[i].name.n + 1;
		bool more;
		ck_assert(view_starts(rest, VIEW_LIT(" ")) && view_find(rest, '\r') == VIEW_NONE);
		do {
			more = view_split(rest, '\n', &line, &rest);
			ck_assert_msg(column + line.n < 78, "%.*s", VIEW_ARG(line));
			ck_assert(line.n > 1 && (!more || view_starts(rest, VIEW_LIT("\t"))));
			column = 7;
		} while (more);
	}
}
END_TEST

/* What of a sealed message may change, and what that does. */
static const struct {
	const char *what, *from, *to;
	enum auth_result result;
} changes[] = {
	{ "nothing", "Hello.", "Hello.", AUTH_PASS },
	{ "the body", "Hello.", "Hallo.", AUTH_FAIL },
	{ "white space at the end of a line", "Hello.  ", "Hello.", AUTH_PASS },
	{ "Subject", "folded", "scolded", AUTH_FAIL },
	{ "folds of Subject", "long?=\r\n and", "long?= and", AUTH_PASS },
	{ "a second From", "\r\nTo:", "\r\nFrom: x@example.com\r\nTo:", AUTH_FAIL },
	{ "a second To", "\r\nTo:", "\r\nTo: x@example.com\r\nTo:", AUTH_PASS },
	{ "Received", "by us", "by them", AUTH_PASS },
	{ "a Message-ID that was missing", "\r\nTo:", "\r\nMessage-ID: <1@example.com>\r\nTo:", AUTH_PASS },
	{ "a result of ours", "dmarc=fail", "dmarc=pass", AUTH_FAIL },
	{ "the first signature", "c=relaxed/relaxed", "c=relaxed/simple", AUTH_FAIL },
	{ "the seal's word", "cv=none", "cv=pass", AUTH_FAIL },
	{ "the seal's time", "t=1700000000", "t=1700000001", AUTH_FAIL },
	{ "a name of a field", "ARC-Seal:", "arc-seal:", AUTH_PASS },
	{ "the name of a field of ARC", "ARC-Seal:", "X-ARC-Seal:", AUTH_FAIL },
	{ "a NUL in a field", "i=1;", "i=1\001;", AUTH_FAIL }, /* \001 becomes NUL */
};

static struct view
change(struct view text, const char *from, const char *to)
{
	struct cursor c = cursor_over(text);

	while (!cursor_text(&c, view_of(from)))
		ck_assert(cursor_take_n(&c, 1).n == 1);
	size_t at = cursor_offset(&c) - strlen(from);
	text = arena_printf(rig.arena, "%.*s%s%.*s", VIEW_ARG(view_sub(text, 0, at)), to, VIEW_ARG(cursor_rest(&c)));
	for (char *p = (char *)text.p; p < text.p + text.n; p++)
		*p = *p == '\001' ? '\0' : *p;
	return text;
}

START_TEST(change_rows)
{
	struct view text = change(seal_hops(VIEW_LIT(MESSAGE), 2), changes[_i].from, changes[_i].to);
	struct rig_message m;
	struct err err;

	ck_assert(rig_verify(&rig, text, &m, &err));
	ck_assert_msg(m.chain.result == changes[_i].result, "%s: %s (%.*s)", changes[_i].what,
	    name_of(auth_result_names, m.chain.result), VIEW_ARG(m.chain.reason));
}
END_TEST

/* A chain that we find failing is sealed once with cv=fail, as if ours were the only set; then never again. */
START_TEST(failing_chains_are_sealed_once)
{
	struct view text = change(seal_hops(VIEW_LIT(MESSAGE), 2), "Hello.", "Hallo.");
	struct rig_message m;
	struct arc_seal seal;
	struct err err;

	conf.leave_failed = true;
	ck_assert(!seal_message(text, false, &m, &seal, &err));
	ck_assert_str_eq(err.text, "the chain fails");
	conf.leave_failed = false;
	ck_assert_msg(seal_message(text, false, &m, &seal, &err), "%s", err.text);
	ck_assert_uint_eq(seal.instance, 3);
	ck_assert(strstr(unfolded(seal.field[0].value), " i=3; a=rsa-sha256; cv=fail;") != NULL);
	ck_assert(strstr(unfolded(seal.field[2].value),
		      "arc=fail reason=\"ARC-Message-Signature i=2: body hash differs\"") != NULL);
	text = rig_sealed_text(&rig, &seal, text);
	ck_assert(!seal_message(text, false, &m, &seal, &err));
	ck_assert(m.chain.result == AUTH_FAIL && m.chain.ends_failed && m.queries == 0);
	ck_view_is(m.chain.reason, "ARC-Seal i=3 says cv=fail");
	ck_assert(err.kind == ERR_PERM);
	ck_assert_str_eq(err.text, "the chain already says cv=fail");
}
END_TEST

/* With cv=fail the seal's signature covers our own set only (RFC 8617 5.1.2): it is the same whatever is below. */
START_TEST(failing_seals_cover_their_own_set)
{
	struct view text = seal_hops(VIEW_LIT(MESSAGE), 2);
	struct arc_seal one, two;
	struct rig_message m;
	struct err err;

	ck_assert(seal_message(change(text, "cv=none", "cv=pass"), true, &m, &one, &err));
	ck_view_is(m.chain.reason, "ARC-Seal i=1: cv=pass, not none");
	text = change(change(text, "cv=none", "cv=pass"), "smtp.mailfrom=b", "smtp.mailfrom=c");
	ck_assert(seal_message(text, true, &m, &two, &err));
	ck_assert(view_eq(one.field[0].value, two.field[0].value));
}
END_TEST

START_TEST(our_own_set_is_known_again)
{
	struct view text = seal_hops(VIEW_LIT(MESSAGE), 1);
	struct rig_message m;
	struct arc_seal seal;
	struct err err;

	ck_assert(!seal_message(text, false, &m, &seal, &err));
	ck_assert_str_eq(err.text, "sealed by us before");
	ck_assert(arc_sealed_by(&m.chain, &conf));
	keys[0].selector = VIEW_LIT("another");
	ck_assert(!arc_sealed_by(&m.chain, &conf));
	keys[1].selector = VIEW_LIT("2026A");
	ck_assert(arc_sealed_by(&m.chain, &conf));
	conf.domain = VIEW_LIT("wd.example");
	ck_assert(!arc_sealed_by(&m.chain, &conf));
	conf.domain = VIEW_LIT("fwd.example");
	ck_assert(rig_verify(&rig, change(text, "Hello.", "Hallo."), &m, &err));
	ck_assert(!arc_sealed_by(&m.chain, &conf));
}
END_TEST

/* Keys: the latest whose time has come. */
static const struct {
	int64_t now;
	int64_t not_before[2];
	const char *selector; /* NULL: none */
} rotations[] = {
	{ 1700000000, { 0, 1800000000 }, "s=2026a;" },
	{ 1799999999, { 0, 1800000000 }, "s=2026a;" },
	{ 1800000000, { 0, 1800000000 }, "s=2026b;" },
	{ 1800000000, { 1800000000, 0 }, "s=2026a;" },
	{ 1700000000, { 1700000001, 1800000000 }, NULL },
};

START_TEST(rotation_rows)
{
	struct rig_message m;
	struct arc_seal seal;
	struct err err;

	rig.now = rotations[_i].now;
	keys[0].not_before = rotations[_i].not_before[0];
	keys[1].not_before = rotations[_i].not_before[1];
	bool ok = seal_message(VIEW_LIT(MESSAGE), false, &m, &seal, &err);
	ck_assert(ok == (rotations[_i].selector != NULL));
	if (!ok)
		ck_assert_str_eq(err.text, "no key whose time has come");
	else
		ck_assert(strstr(unfolded(seal.field[0].value), rotations[_i].selector) != NULL);
}
END_TEST

START_TEST(unfit_keys_are_refused)
{
	struct rig_message m;
	struct arc_seal seal;
	struct err err;

	keys[0].key = weak;
	ck_assert(!seal_message(VIEW_LIT(MESSAGE), false, &m, &seal, &err));
	ck_assert_str_eq(err.text, "the key is not RSA of 2048 bits or more");
	keys[0].key = ed25519;
	ck_assert(!seal_message(VIEW_LIT(MESSAGE), false, &m, &seal, &err));
	conf.keys = 0;
	ck_assert(!seal_message(VIEW_LIT(MESSAGE), false, &m, &seal, &err));
}
END_TEST

START_TEST(times_are_options)
{
	struct rig_message m;
	struct arc_seal seal;
	struct err err;

	conf.timestamps = false;
	conf.expire = (struct arc_expire){ ARC_EXPIRE_NONE, 0 };
	ck_assert(seal_message(VIEW_LIT(MESSAGE), false, &m, &seal, &err));
	for (int i = 0; i < 2; i++) {
		ck_assert(strstr(unfolded(seal.field[i].value), " t=") == NULL);
		ck_assert(strstr(unfolded(seal.field[i].value), " x=") == NULL);
	}
	conf.expire = (struct arc_expire){ ARC_EXPIRE_AT, 1893456000 };
	ck_assert(seal_message(VIEW_LIT(MESSAGE), false, &m, &seal, &err));
	ck_assert(strstr(unfolded(seal.field[1].value), " x=1893456000;") != NULL);
	ck_assert(strstr(unfolded(seal.field[0].value), " x=") == NULL);
	conf.expire.seconds = rig.now;
	ck_assert(!seal_message(VIEW_LIT(MESSAGE), false, &m, &seal, &err));
	ck_assert_str_eq(err.text, "the time of x= has passed");
}
END_TEST

/* What arc_seal is told must fit the message it is given. */
START_TEST(what_was_not_judged_is_not_sealed)
{
	struct view text = seal_hops(VIEW_LIT(MESSAGE), 2);
	struct rig_message m, bare;
	struct arc_seal seal;
	struct err err;

	ck_assert(rig_verify(&rig, text, &m, &err) && rig_verify(&rig, VIEW_LIT(MESSAGE), &bare, &err));
	struct arc_seal_input in = { .conf = &conf, .header = &bare.header, .body = m.relaxed, .chain = &m.chain,
		.authserv_id = VIEW_LIT("mx"), .now = rig.now, .again = true };
	ck_assert(!arc_seal(&in, rig.arena, &seal, &err));
	ck_assert_str_eq(err.text, "the chain is no longer the one that was judged");
	in.header = &m.header;
	in.chain = &bare.chain;
	ck_assert(!arc_seal(&in, rig.arena, &seal, &err));
	in.chain = &m.chain;
	ck_assert(arc_seal(&in, rig.arena, &seal, &err));
	m.chain.result = AUTH_TEMPERROR;
	m.chain.reason = VIEW_LIT("DNS");
	ck_assert(!arc_seal(&in, rig.arena, &seal, &err));
	ck_assert(err.kind == ERR_TEMP);
	ck_assert_str_eq(err.text, "the chain could not be judged: DNS");
	m.chain.result = AUTH_PASS;
	in.body = NULL;
	ck_assert(!arc_seal(&in, rig.arena, &seal, &err));
}
END_TEST

/* Ten thousand fields that look like ARC cost no signature, no question and no new set. */
START_TEST(crowds_are_refused)
{
	struct buffer b = buffer_in(rig.arena);
	struct rig_message m;
	struct arc_seal seal;
	struct err err;

	for (int i = 0; i < 10000; i++)
		buffer_add_cstr(&b, "ARC-Seal: i=2; a=rsa-sha256; cv=pass; d=fwd.example; s=2026a; b=QUJD\r\n");
	buffer_add_cstr(&b, MESSAGE);
	ck_assert(!seal_message(buffer_view(&b), false, &m, &seal, &err));
	ck_assert(m.chain.result == AUTH_FAIL && m.queries == 0);
	ck_assert_str_eq(err.text, "the chain has 50 sets");
}
END_TEST

START_TEST(facts_keep_to_rfc_8601)
{
	struct rig_message m;
	struct auth_fact fact;
	struct err err;

	ck_assert(rig_verify(&rig, VIEW_LIT(MESSAGE), &m, &err));
	arc_fact(&m.chain, rig.arena, &fact);
	ck_assert(fact.result == AUTH_NONE && fact.properties == 0 && fact.reason.n == 0 && fact.comment.n == 0);
	ck_assert(rig_verify(&rig, seal_hops(VIEW_LIT(MESSAGE), 3), &m, &err));
	arc_fact(&m.chain, rig.arena, &fact);
	ck_assert(fact.result == AUTH_PASS && !fact.aligns && fact.domain.n == 0 && fact.reason.n == 0);
	ck_view_is(fact.comment, "i=3 as[3].d=fwd.example as[1].d=fwd.example");
	ck_assert_str_eq(fact.property[0].name, "oldest-pass");
	ck_assert(rig_verify(&rig, change(seal_hops(VIEW_LIT(MESSAGE), 1), "Hello.", "Hallo."), &m, &err));
	arc_fact(&m.chain, rig.arena, &fact);
	ck_assert(fact.result == AUTH_FAIL && fact.properties == 0);
	ck_view_is(fact.reason, "ARC-Message-Signature i=1: body hash differs");
	ck_view_is(fact.comment, "i=1 as[1].d=fwd.example");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("arc");
	TCase *tc = tcase_create("sealing");

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, make_keys, drop_keys);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_first_set);
	tcase_add_loop_test(tc, chains_of_ours_pass, 0, 5);
	tcase_add_test(tc, lines_are_short);
	tcase_add_loop_test(tc, change_rows, 0, ARRAY_LEN(changes));
	tcase_add_test(tc, failing_chains_are_sealed_once);
	tcase_add_test(tc, failing_seals_cover_their_own_set);
	tcase_add_test(tc, our_own_set_is_known_again);
	tcase_add_loop_test(tc, rotation_rows, 0, ARRAY_LEN(rotations));
	tcase_add_test(tc, unfit_keys_are_refused);
	tcase_add_test(tc, times_are_options);
	tcase_add_test(tc, what_was_not_judged_is_not_sealed);
	tcase_add_test(tc, crowds_are_refused);
	tcase_add_test(tc, facts_keep_to_rfc_8601);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
