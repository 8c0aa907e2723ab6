#include "rig.h"

#include "base/clock.h"
#include "support/libconfig_leak.h"
#include "support/setup.h"
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- grammar: what a file may say, and what is said about one that may not ---- */

#define RULES(text) "domains = \"a.test\";\nincoming: { rules = ( " text " ); };\n"

static const struct {
	const char *what;
	const char *text;
	const char *said; /* all of it, or the start of it with "..."; "": nothing */
} grammar[] = {
	{ "a domain alone", "domains = \"a.test\";", "" },
	{ "several kinds", "domains = [\"a.test\", \".a.test\", \"*\"]; addresses = [\"x@b.test\"];", "" },
	{ "nobody", "incoming: { };", "f:1: wants domains = ..." },
	{ "an address as domain", "domains = \"x@a.test\";", "f:1: domains: wants ..." },
	{ "a domain as address", "addresses = \"a.test\";", "f:1: addresses: wants ..." },
	{ "twice in one file", "domains = [\"a.test\", \"A.test\"];", "f:1: a.test stands there twice\n..." },
	{ "an empty label", "domains = \"a..test\";", "f:1: domains: ..." },
	{ "U-label", "domains = \"b\xc3\xbc" "cher.test\";", "" },
	{ "no such group", "domains = \"a.test\"; incomming: { };", "f:1: a policy file: incomming is not one of domains, "
	    "addresses, incoming, outgoing; did you mean incoming?\n..." },
	{ "no group", "domains = \"a.test\"; incoming = 1;", "f:1: incoming: is the name of a group..." },
	{ "no such setting", "domains = \"a.test\"; incoming: { mod = \"monitor\"; };", "f:1: incoming: mod is not one of "
	    "mode, inherit, dmarc-disable-verify, reject-needs, defer-hours, trusted-sealers, trusted-lists, trusted-forwarders, rules, shadow; did you mean mode?..." },
	{ "mode", "domains = \"a.test\"; incoming: { mode = \"monitr\"; };", "f:1: mode: monitr is not one of enforce, "
	    "monitor; did you mean monitor?..." },
	{ "needs", "domains = \"a.test\"; incoming: { reject-needs = \"nothing\"; };", "" },
	{ "needs what", "domains = \"a.test\"; incoming: { reject-needs = 4; };", "f:1: reject-needs: \"a number\" is not..." },
	{ "disable what", "domains = \"a.test\"; incoming: { dmarc-disable-verify = 1; };",
	    "f:1: dmarc-disable-verify: wants true or false..." },
	{ "inherit", "domains = \"a.test\"; incoming: { inherit = \"no\"; };", "f:1: inherit: wants true or false..." },
	{ "trust everybody", "domains = \"a.test\"; incoming: { trusted-sealers = \"*\"; };", "f:1: trusted-sealers: wants..." },
	{ "forwarders", "domains = \"a.test\"; incoming: { trusted-forwarders = [\"192.0.2.0/24\", \".example\"]; };", "" },
	{ "forwarder *", "domains = \"a.test\"; incoming: { trusted-forwarders = [\"*\"]; };", "f:1: trusted-forwarders: ..." },
	{ "a rule without action", RULES("{ name = \"x\"; }"), "f:2: a rule wants its action..." },
	{ "no rule", RULES("\"x\""), "f:2: a rule is a group..." },
	{ "no list of rules", "domains = \"a.test\"; incoming: { rules = 1; };", "f:1: rules: wants a list of groups..." },
	{ "a word too much", RULES("{ do = \"accept\"; does = 1; }"), "f:2: a rule: does is not one of name, when, do, reply, "
	    "by, to, header, note..." },
	{ "a note", RULES("{ do = \"accept\"; note = \"since 2024\"; }"), "" },
	{ "an action", RULES("{ do = \"rejct\"; }"), "f:2: do: rejct is not one of accept, tag, quarantine, discard, reject, "
	    "defer; did you mean reject?..." },
	{ "a name with a space", RULES("{ name = \"x y\"; do = \"accept\"; }"), "f:2: name: wants..." },
	{ "every fact", RULES("{ when = { spf = [\"pass\", \"err_perm\"]; spf_helo = \"!fail\"; spf_guess = \"any\"; dkim = [\"!pass\"]; "
	    "dkim_aligned = \"pass\"; dkim_domain = \".a.test\"; dmarc = [\"accept\", \"nofrom\", \"off\", \"norecord\", \"temperror\"]; "
	    "dmarc_policy = \"none\"; arc = \"pass\"; arc_sealer = \"a.test\"; sender = [\"<>\", \"x@a.test\", \"any\"]; "
	    "from_domain = \"a.test\"; client = [\"!192.0.2.0/24\", \"::1\"]; client_name = \".test\"; authenticated = true; "
	    "internal = false; local = true; tls = true; certificate = \"a.test\"; list_id = true; list = \"a.test\"; "
	    "size = [\">10M\", \"< 5k\"]; }; do = \"accept\"; }"), "" },
	{ "no such fact", RULES("{ when = { dmark = \"pass\"; }; do = \"accept\"; }"), "f:2: when: dmark is not one of spf, ..." },
	{ "near fact", RULES("{ when = { dkim_align = \"pass\"; }; do = \"accept\"; }"), "...did you mean dkim_aligned?\n..." },
	{ "no such result", RULES("{ when = { spf = [\"failed\"]; }; do = \"accept\"; }"), "f:2: spf: failed is not one of pass, "
	    "fail, softfail, none, neutral, permerror, temperror, err_perm, err_temp, any; did you mean fail?..." },
	{ "dmarc has no pass", RULES("{ when = { dmarc = \"pass\"; }; do = \"accept\"; }"), "f:2: dmarc: pass is not one of..." },
	{ "a number for a list", RULES("{ when = { spf = 3; }; do = \"accept\"; }"), "f:2: spf: wants a list of texts, not a number..." },
	{ "a number in a list", RULES("{ when = { spf = [1]; }; do = \"accept\"; }"), "f:2: spf: wants texts in its list..." },
	{ "an empty list", RULES("{ when = { spf = []; }; do = \"accept\"; }"), "f:2: spf: an empty list never holds..." },
	{ "yes or no", RULES("{ when = { tls = \"yes\"; }; do = \"accept\"; }"), "f:2: tls: wants true or false, not a text..." },
	{ "no network", RULES("{ when = { client = \"192.0.2.0/33\"; }; do = \"accept\"; }"), "f:2: client: wants addresses..." },
	{ "no size", RULES("{ when = { size = \"10M\"; }; do = \"accept\"; }"), "f:2: size: wants..." },
	{ "an address as domain of From", RULES("{ when = { from_domain = \"x@a.test\"; }; do = \"accept\"; }"),
	    "f:2: from_domain: wants domains, no addresses..." },
	{ "when is no group", RULES("{ when = \"spf\"; do = \"accept\"; }"), "f:2: when: wants a group..." },
	/* replies */
	{ "a reply", RULES("{ do = \"reject\"; reply = \"550 5.7.26 DMARC %{from_domain} 100% sure\"; }"), "" },
	{ "class of the code", RULES("{ do = \"reject\"; reply = \"450 4.7.1 x\"; }"), "f:2: reply: code 450 is not of class 5xx..." },
	{ "class of defer", RULES("{ do = \"defer\"; reply = \"550 5.7.1 x\"; }"), "f:2: reply: code 550 is not of class 4xx..." },
	{ "classes differ", RULES("{ do = \"defer\"; reply = \"451 5.7.1 x\"; }"), "f:2: reply: the enhanced status code wants class 4..." },
	{ "421", RULES("{ do = \"defer\"; reply = \"421 4.7.1 x\"; }"), "f:2: reply: 421 would close..." },
	{ "no enhanced code", RULES("{ do = \"reject\"; reply = \"550 go away\"; }"), "f:2: reply: wants an enhanced..." },
	{ "no code", RULES("{ do = \"reject\"; reply = \"go away\"; }"), "f:2: reply: wants a code..." },
	{ "no text", RULES("{ do = \"reject\"; reply = \"550 5.7.1\"; }"), "f:2: reply: wants a text..." },
	{ "four digits", RULES("{ do = \"reject\"; reply = \"550 5.7.1000 x\"; }"), "f:2: reply: wants an enhanced..." },
	{ "not ASCII", RULES("{ do = \"reject\"; reply = \"550 5.7.1 na\xc3\xafve\"; }"), "f:2: reply: wants printable ASCII..." },
	{ "no such variable", RULES("{ do = \"reject\"; reply = \"550 5.7.1 %{form_domain}\"; }"),
	    "f:2: reply: no such variable: %{form_domain}; did you mean %{from_domain}?..." },
	{ "not closed", RULES("{ do = \"reject\"; reply = \"550 5.7.1 %{sender\"; }"), "f:2: reply: %{ without its }..." },
	{ "a reply to accept", RULES("{ do = \"accept\"; reply = \"250 2.0.0 x\"; }"), "f:2: reply: belongs to do = \"reject\"..." },
	/* quarantine, tag */
	{ "hold", RULES("{ do = \"quarantine\"; by = \"hold\"; }"), "" },
	{ "redirect", RULES("{ do = \"quarantine\"; by = \"redirect\"; to = \"q@a.test\"; }"), "" },
	{ "redirect to nobody", RULES("{ do = \"quarantine\"; by = \"redirect\"; }"), "f:2: by = \"redirect\" wants the mailbox..." },
	{ "redirect to a name", RULES("{ do = \"quarantine\"; by = \"redirect\"; to = \"q\"; }"), "f:2: to: wants an address..." },
	{ "no way", RULES("{ do = \"quarantine\"; by = \"holt\"; }"), "f:2: by: holt is not one of tag, hold, redirect; did you mean hold?..." },
	{ "to without redirect", RULES("{ do = \"quarantine\"; to = \"q@a.test\"; }"), "f:2: to: belongs to by..." },
	{ "tag", RULES("{ do = \"tag\"; header = \"X-A: %{dmarc_status}\"; }"), "" },
	{ "a field of others", RULES("{ do = \"tag\"; header = \"Subject: x\"; }"), "f:2: header: wants \"X-Name: text\"..." },
	{ "no field", RULES("{ do = \"tag\"; header = \"X-A\"; }"), "f:2: header: wants \"X-Name: text\"..." },
	{ "a space in its name", RULES("{ do = \"tag\"; header = \"X A: b\"; }"), "f:2: header: wants..." },
	/* what is never reached */
	{ "behind all", RULES("{ do = \"accept\"; }, { do = \"reject\"; }"),
	    "f:2: warning: rule rule-2 is never reached: rule rule-1 in line 2 takes all of it\n" },
	{ "the same once more", RULES("{ when = { spf = \"fail\"; tls = true; }; do = \"reject\"; }, { when = { tls = true; spf = "
	    "[\"FAIL\"]; }; do = \"defer\"; }"), "f:2: warning: rule rule-2 is never reached..." },
	{ "for ours", RULES("{ do = \"reject\"; }, { do = \"tag\"; }"), "" },
	/* files among each other */
	{ "two files for one", "=== one\ndomains = \"a.test\";\n=== two\ndomains = [\"b.test\",\n\"a.test\"];\n",
	    "two:2: a.test belongs to one:1 already\ntwo: warning: nothing of this file is in force\n" },
	{ "two defaults", "=== one\ndomains = \"*\";\n=== two\ndomains = \"any\";\n", "two:1: * belongs to one:1 already\n..." },
	{ "syntax", "domains = ;", "f:1: syntax error..." },
};

static bool
said_as(const char *wanted, struct view said)
{
	struct view w = view_of(wanted);

	if (view_starts(w, VIEW_LIT("..."))) {
		w = view_from(w, 3);
		w = view_ends(w, VIEW_LIT("...")) ? view_sub(w, 0, w.n - 3) : w;
		for (size_t i = 0; i < said.n; i++)
			if (view_starts(view_from(said, i), w))
				return true;
		return false;
	}
	if (view_ends(w, VIEW_LIT("...")))
		return view_starts(said, view_sub(w, 0, w.n - 3));
	return view_eq(w, said);
}

START_TEST(files)
{
	struct buffer said;
	const struct policy_set *set = rig_set(grammar[_i].text, "", arena, &said);
	struct view got = buffer_view(&said);
	bool warning = view_starts(view_of(grammar[_i].said), VIEW_LIT("f:2: warning"));

	ck_assert_msg(said_as(grammar[_i].said, got), "%s: wanted \"%s\", got \"%.*s\"", grammar[_i].what, grammar[_i].said,
	    VIEW_ARG(got));
	ck_assert_msg((policy_mistakes(set) == 0) == (*grammar[_i].said == '\0' || warning), "%s", grammar[_i].what);
}
END_TEST

/* ---- lists: from left to right ---- */

static const struct {
	const char *when;
	const char *facts;
	bool holds;
} matching[] = {
	{ "spf = [\"fail\", \"softfail\"]", "spf=softfail", true },
	{ "spf = [\"fail\", \"softfail\"]", "spf=pass", false },
	{ "spf = [\"!pass\"]", "spf=none", true },
	{ "spf = [\"!pass\"]", "spf=pass", false },
	{ "spf = [\"!pass\", \"!neutral\"]", "spf=neutral", false },
	{ "spf = [\"!pass\", \"!neutral\"]", "spf=fail", true },
	{ "spf = [\"!pass\", \"fail\"]", "spf=none", false }, /* the last is no "!": what none names does not hold */
	{ "spf = [\"!pass\", \"any\"]", "spf=none", true },
	{ "spf = \"any\"", "spf=temperror", true },
	{ "spf = \"err_temp\"", "spf=temperror", true },
	{ "spf = \"any\"", "", false }, /* not asked */
	{ "spf = [\"!pass\"]", "", false },
	{ "spf_helo = \"fail\"", "spf=pass spf_helo=fail", true },
	{ "spf_guess = \"pass\"", "spf=none spf_guess=pass", true },
	{ "dkim = \"fail\"", "dkim=pass:a.test dkim=fail:b.test", true },
	{ "dkim = [\"!pass\"]", "dkim=pass:a.test dkim=fail:b.test", false },
	{ "dkim = \"none\"", "dkim=none", true },
	{ "dkim_aligned = \"pass\"", "dkim=pass:other.test", false },
	{ "dkim_aligned = \"pass\"", "dkim=pass:mail.bank.example", true },
	{ "dkim_aligned = \"none\"", "dkim=pass:other.test", true },
	{ "dkim_domain = \".example\"", "dkim=pass:bank.example", true },
	{ "dkim_domain = \"bank.example\"", "dkim=fail:bank.example", false },
	{ "dmarc = \"reject\"", "dmarc=reject spf=fail", true },
	{ "dmarc = \"reject\"", "dmarc=reject spf=pass:other.test", false }, /* reject-needs = evidence */
	{ "dmarc = \"quarantine\"", "dmarc=reject spf=pass:other.test", true },
	{ "dmarc = \"reject\"", "dmarc=reject dkim=none", true },		 /* nobody vouches for it */
	{ "dmarc = \"off\"", "", true },
	{ "dmarc = \"temperror\"", "dmarc=temperror", true },
	{ "dmarc_policy = \"reject\"", "dmarc=reject", true },
	{ "dmarc_policy = [\"!reject\"]", "dmarc=norecord", false },
	{ "arc = \"pass\"; arc_sealer = [\"seal.test\"]", "arc=pass:seal.test", true },
	{ "arc_sealer = [\"!seal.test\"]", "arc=pass:other.test", true },
	{ "sender = \"<>\"", "null", true },
	{ "sender = \"<>\"", "sender=a@b.test", false },
	{ "sender = [\"b.test\"]", "sender=a@B.test", true },
	{ "sender = [\"A@b.test\"]", "sender=a@b.test", true },
	{ "sender = [\"a@b.test\"]", "sender=\"\\a\"@b.test", true },
	{ "sender = [\"a@b.test\"]", "sender=\"ab\"@b.test", false },
	{ "sender = [\"\\\"a\\\"@b.test\"]", "sender=a@b.test", true },
	{ "sender = [\".test\"]", "sender=a@b.test", true },
	{ "sender = [\".b.test\"]", "sender=a@b.test", false },
	{ "from_domain = [\"bank.example\"]", "", true },
	{ "from_domain = [\"!bank.example\"]", "from=x.test", true },
	{ "client = [\"192.0.2.0/24\"]", "client=192.0.2.77", true },
	{ "client = [\"!192.0.2.0/28\", \"192.0.2.0/24\"]", "client=192.0.2.7", false },
	{ "client = [\"2001:db8::/32\"]", "client=2001:db8::1", true },
	{ "client_name = [\".dyn.test\"]", "name=h1.dyn.test", true },
	{ "authenticated = true", "auth", true },
	{ "authenticated = false", "auth", false },
	{ "internal = true", "internal", true },
	{ "local = true", "local", true },
	{ "tls = false", "", true },
	{ "certificate = [\"mx.test\"]", "cert=mx.test", true },
	{ "certificate = [\"any\"]", "", true }, /* any of a list is any, also of none: ask tls for more */
	{ "list_id = true", "list=l.test", true },
	{ "list = [\"l.test\"]", "list=l.test", true },
	{ "size = \">10k\"", "size=10241", true },
	{ "size = \">10k\"", "size=10240", false },
	{ "size = [\">10M\", \"<5\"]", "size=4", true },
	{ "spf = \"fail\"; tls = true", "spf=fail", false },
	{ "spf = \"fail\"; tls = true", "spf=fail tls", true },
};

START_TEST(conditions)
{
	struct buffer said;
	const char *text = arena_printf(arena, RULES("{ name = \"x\"; when = { %s; }; do = \"tag\"; }"), matching[_i].when).p;
	const struct policy_set *set = rig_set(text, "", arena, &said);
	struct policy_facts facts = rig_facts(matching[_i].facts, arena);
	struct recipient rcpt = rig_rcpt("<u@a.test>", arena);
	struct verdict v;

	ck_assert_msg(said.n == 0, "%.*s", VIEW_ARG(buffer_view(&said)));
	policy_decide(set, &facts, &rcpt, 1, arena, &v);
	ck_assert_msg((v.action == VERDICT_TAG) == matching[_i].holds, "%s of %s", matching[_i].when, matching[_i].facts);
}
END_TEST

/* ---- whose rules ---- */

static const char lookup_files[] =
	"=== default\ndomains = \"*\"; incoming: { rules = ( { name = \"default\"; do = \"tag\"; } ); };\n"
	"=== a\ndomains = \"a.test\"; incoming: { rules = ( { name = \"a\"; when = { tls = true; }; do = \"tag\"; } ); };\n"
	"=== below\ndomains = \".a.test\"; incoming: { rules = ( { name = \"below\"; do = \"tag\"; } ); };\n"
	"=== box\naddresses = \"Box@a.test\"; incoming: { rules = ( { name = \"box\"; do = \"tag\"; } ); };\n"
	"=== alone\ndomains = \"alone.test\"; incoming: { inherit = false; };\n"
	"=== plus\naddresses = \"box+plus@a.test\"; incoming: { rules = ( { name = \"plus\"; do = \"tag\"; } ); };\n"
	"=== u\ndomains = \"b\xc3\xbc" "cher.test\"; incoming: { rules = ( { name = \"u\"; do = \"tag\"; } ); };\n";

static const struct {
	const char *rcpt, *facts, *rule;
} lookups[] = {
	{ "<box@a.test>", "", "box" },
	{ "BOX@A.TEST", "", "box" },
	{ "<box+x@a.test>", "", "box" },
	{ "<box+plus@a.test>", "", "plus" },
	{ "<+box@a.test>", "", "default" },
	{ "<\"box\"@a.test>", "", "box" }, /* MTAs deliver it to the same mailbox */
	{ "<\"b\\ox\"@a.test>", "", "box" },
	{ "<\"Box+x\"@a.test>", "", "box" },
	{ "<\"box+plus\"@a.test>", "", "plus" },
	{ "<\"box x\"@a.test>", "", "default" },
	{ "<\"\"@a.test>", "", "default" },
	{ "<box@a.test.>", "", "box" },
	{ "<x@a.test>", "tls", "a" },
	{ "<x@a.test>", "", "default" }, /* files say only what differs */
	{ "<x@sub.a.test>", "tls", "below" },
	{ "<x@deep.sub.a.test>", "", "below" },
	{ "<x@alone.test>", "", "built-in" },
	{ "<x@other.test>", "", "default" },
	{ "<postmaster>", "", "default" },
	{ "<x@[192.0.2.1]>", "", "default" },
	{ "<x@xn--bcher-kva.test>", "", "u" },
	{ "<x@b\xc3\xbc" "cher.test>", "", "u" },
};

START_TEST(lookup)
{
	struct buffer said;
	const struct policy_set *set = rig_set(lookup_files, "+", arena, &said);
	struct policy_facts facts = rig_facts(lookups[_i].facts, arena);
	struct recipient rcpt = rig_rcpt(lookups[_i].rcpt, arena);
	struct verdict v;

	ck_assert_msg(said.n == 0, "%.*s", VIEW_ARG(buffer_view(&said)));
	policy_decide(set, &facts, &rcpt, 1, arena, &v);
	ck_assert_msg(view_is(v.rule, lookups[_i].rule), "%s: %.*s", lookups[_i].rcpt, VIEW_ARG(v.rule));
}
END_TEST

/* ---- replies ---- */

static const struct {
	const char *reply, *facts, *text;
} replies[] = {
	{ "%{sender} %{recipient} %{client_addr} %{rule}", "sender=a@b.test client=192.0.2.1", "a@b.test u@a.test 192.0.2.1 x" },
	{ "%{from_domain}: %{dmarc_status} %{dmarc_domain_policy}", "dmarc=reject", "bank.example: reject reject" },
	{ "[%{helo}]", "helo=a\r\n550\tb\x01\xc3\xa4", "[a 550 b???]" }, /* what strangers wrote */
	{ "[%{arc_domains}]", "arc=pass:s.test", "[s.test]" },
	{ "[%{arc_state}%{spf_result}%{dmarc_status}]", "", "[off]" },
	{ "100% %%{rule}", "", "100% %x" },
	{ "%{rule}%{rule}", "", "xx" },
	{ "{rule}", "", "{rule}" },
};

START_TEST(reply_texts)
{
	struct buffer said;
	const char *text = arena_printf(arena, RULES("{ name = \"x\"; do = \"reject\"; reply = \"550 5.7.1 %s\"; }"),
	    replies[_i].reply).p;
	const struct policy_set *set = rig_set(text, "", arena, &said);
	struct policy_facts facts = rig_facts(replies[_i].facts, arena);
	struct recipient rcpt = rig_rcpt("<u@a.test>", arena);
	struct verdict v;

	ck_assert_msg(said.n == 0, "%.*s", VIEW_ARG(buffer_view(&said)));
	policy_decide(set, &facts, &rcpt, 1, arena, &v);
	ck_assert_int_eq(v.code, 550);
	ck_view_is(v.enhanced, "5.7.1");
	ck_view_is(v.text, replies[_i].text);
}
END_TEST

START_TEST(long_values_are_cut)
{
	struct buffer said, long_helo = buffer_in(arena);
	struct policy_facts facts = rig_facts("", arena);
	struct recipient rcpt = rig_rcpt("<u@a.test>", arena);
	struct verdict v;
	const struct policy_set *set = rig_set(RULES("{ do = \"reject\"; reply = \"550 5.7.1 %{helo}%{helo}%{helo}%{helo}%{helo}"
	    "%{helo}\"; }"), "", arena, &said);

	for (int i = 0; i < 1000; i++)
		buffer_add_char(&long_helo, 'x');
	facts.helo = buffer_view(&long_helo);
	policy_decide(set, &facts, &rcpt, 1, arena, &v);
	ck_assert_uint_eq(v.text.n, 980);
	ck_assert(view_ends(v.text, VIEW_LIT("...")));
}
END_TEST

/* ---- classes ---- */

#define DMARC_REJECT_RULE "{ when = { dmarc = \"reject\"; }; do = \"reject\"; }"
#define SPF_REJECT_RULE "{ when = { spf = \"fail\"; }; do = \"reject\"; }"
#define ACCEPT_RULE "{ when = { client = \"192.0.2.1\"; }; do = \"accept\"; }"

static const struct {
	const char *what;
	const char *a, *b; /* incoming */
	bool same, same_trusted;
} classes[] = {
	{ "nothing and nothing", "", "", true, true },
	{ "refuses or not", "rules = ( " DMARC_REJECT_RULE " );", "", false, true },
	{ "equal rules", "rules = ( " DMARC_REJECT_RULE " );", "rules = ( { name = \"n\"; do = \"reject\"; when = { dmarc = "
	    "[\"Reject\"]; }; note = \"x\"; } );", true, true },
	{ "another reply", "rules = ( " SPF_REJECT_RULE " );", "rules = ( { when = { spf = \"fail\"; }; do = \"reject\"; reply = "
	    "\"550 5.7.1 x\"; } );", false, true },
	{ "another order", "rules = ( " SPF_REJECT_RULE ", " DMARC_REJECT_RULE " );", "rules = ( " DMARC_REJECT_RULE ", "
	    SPF_REJECT_RULE " );", false, true },
	{ "tags differ", "rules = ( { do = \"tag\"; } );", "rules = ( { do = \"quarantine\"; } );", true, true },
	{ "a tag behind", "rules = ( " SPF_REJECT_RULE ", { do = \"tag\"; } );", "rules = ( " SPF_REJECT_RULE " );", true, true },
	{ "an exception before", "rules = ( " ACCEPT_RULE ", " SPF_REJECT_RULE " );", "rules = ( " SPF_REJECT_RULE " );", false, true },
	{ "an exception behind", "rules = ( " SPF_REJECT_RULE ", " ACCEPT_RULE " );", "rules = ( " SPF_REJECT_RULE " );", true, true },
	{ "accepts all before", "rules = ( { do = \"accept\"; }, " SPF_REJECT_RULE " );", "", true, true },
	{ "monitor", "mode = \"monitor\"; rules = ( " SPF_REJECT_RULE " );", "", true, true },
	{ "hold", "rules = ( { do = \"quarantine\"; by = \"hold\"; } );", "", false, true },
	{ "mailboxes", "rules = ( { do = \"quarantine\"; by = \"redirect\"; to = \"a@q.test\"; } );",
	    "rules = ( { do = \"quarantine\"; by = \"redirect\"; to = \"b@q.test\"; } );", false, true },
	{ "evidence", "reject-needs = \"nothing\"; rules = ( " DMARC_REJECT_RULE " );", "rules = ( " DMARC_REJECT_RULE " );", false, true },
	{ "DMARC for one only", "dmarc-disable-verify = true; rules = ( " DMARC_REJECT_RULE " );", "rules = ( " DMARC_REJECT_RULE " );",
	    false, true },
	{ "evidence of no matter", "reject-needs = \"nothing\"; rules = ( " SPF_REJECT_RULE " );", "rules = ( " SPF_REJECT_RULE " );",
	    true, true },
	{ "sealers", "trusted-sealers = \"s.test\"; rules = ( " DMARC_REJECT_RULE " );", "trusted-sealers = \"t.test\"; rules = ( "
	    DMARC_REJECT_RULE " );", false, true },
	{ "for ours", "rules = ( { when = { authenticated = true; }; do = \"reject\"; } );", "", false, false },
	{ "shadow is no matter", "shadow = ( { do = \"reject\"; } );", "", true, true },
};

START_TEST(class_of_two)
{
	struct buffer said;
	const char *text = arena_printf(arena, "=== a\ndomains = \"a.test\"; incoming: { %s };\n=== b\ndomains = \"b.test\"; "
	    "incoming: { %s };\n", classes[_i].a, classes[_i].b).p;
	const struct policy_set *set = rig_set(text, "", arena, &said);
	struct recipient a = rig_rcpt("<u@a.test>", arena), b = rig_rcpt("<u@b.test>", arena);

	ck_assert_uint_eq(policy_mistakes(set), 0);
	for (int turn = 0; turn < 2; turn++) {
		const struct recipient *x = turn == 0 ? &a : &b, *y = turn == 0 ? &b : &a;
		ck_assert_msg(policy_same_class(set, x, y, false) == classes[_i].same, "%s", classes[_i].what);
		ck_assert_msg(policy_same_class(set, x, y, true) == classes[_i].same_trusted, "%s, trusted", classes[_i].what);
	}
	ck_assert(policy_same_class(set, &a, &a, false));
}
END_TEST

/* ---- early ---- */

static const struct {
	const char *rules, *facts;
	enum policy_early early;
} earlies[] = {
	{ SPF_REJECT_RULE, "early", POLICY_NEEDS_SPF },
	{ SPF_REJECT_RULE, "spf=fail spf-known", POLICY_NOW },
	{ DMARC_REJECT_RULE, "early", POLICY_LATER },
	{ DMARC_REJECT_RULE ", " SPF_REJECT_RULE, "spf=fail spf-known", POLICY_LATER },
	{ ACCEPT_RULE ", { do = \"reject\"; }", "early client=203.0.113.1", POLICY_NOW },
	{ "{ when = { dmarc = \"reject\"; tls = true; }; do = \"accept\"; }, { do = \"reject\"; }", "early", POLICY_NOW },
	{ "{ when = { dmarc = \"reject\"; tls = true; }; do = \"accept\"; }, { do = \"reject\"; }", "early tls", POLICY_LATER },
	{ "{ when = { spf = \"fail\"; dkim = \"none\"; }; do = \"reject\"; }", "early", POLICY_LATER },
};

START_TEST(early)
{
	struct buffer said;
	const struct policy_set *set = rig_set(arena_printf(arena, RULES("%s"), earlies[_i].rules).p, "", arena, &said);
	struct policy_facts facts = rig_facts(earlies[_i].facts, arena);
	struct recipient rcpt = rig_rcpt("<u@a.test>", arena);
	struct verdict v;

	ck_assert_uint_eq(policy_mistakes(set), 0);
	ck_assert_msg(policy_decide_early(set, &facts, &rcpt, arena, &v) == earlies[_i].early, "%s", earlies[_i].rules);
}
END_TEST

/* ---- is anything said at RCPT at all ---- */

static const struct {
	const char *what, *files;
	enum policy_recipients how;
	bool speaks;
} speakers[] = {
	{ "nothing refuses", "=== a\ndomains = \"a.test\"; incoming: { rules = ( { do = \"tag\"; header = \"X-A: b\"; } ); };\n"
	    "=== b\ndomains = \"*\"; incoming: { rules = ( { do = \"accept\"; } ); };\n", POLICY_CLASS, false },
	{ "one for everybody", "=== a\ndomains = \"*\"; incoming: { rules = ( " DMARC_REJECT_RULE " ); };\n", POLICY_CLASS, false },
	{ "one for some", "=== a\ndomains = \"a.test\"; incoming: { rules = ( " DMARC_REJECT_RULE " ); };\n", POLICY_CLASS, true },
	{ "one for some, split", "=== a\ndomains = \"a.test\"; incoming: { rules = ( " DMARC_REJECT_RULE " ); };\n",
	    POLICY_SPLIT, false },
	{ "a file that only accepts beside one that refuses", "=== a\ndomains = \"*\"; incoming: { rules = ( " DMARC_REJECT_RULE
	    " ); };\n=== b\ndomains = \"b.test\"; incoming: { rules = ( { do = \"accept\"; } ); };\n", POLICY_CLASS, true },
	{ "an early rule", "=== a\ndomains = \"*\"; incoming: { rules = ( " SPF_REJECT_RULE " ); };\n", POLICY_CLASS, true },
	{ "an early rule, split", "=== a\ndomains = \"*\"; incoming: { rules = ( " DMARC_REJECT_RULE ", " SPF_REJECT_RULE " ); };\n",
	    POLICY_SPLIT, true },
	{ "an early rule, strictest", "=== a\ndomains = \"*\"; incoming: { rules = ( " SPF_REJECT_RULE " ); };\n",
	    POLICY_STRICTEST, false },
	{ "an early rule, lenient", "=== a\ndomains = \"*\"; incoming: { rules = ( " SPF_REJECT_RULE " ); };\n",
	    POLICY_LENIENT, false },
	{ "a rule without conditions", "=== a\ndomains = \"*\"; incoming: { rules = ( { do = \"defer\"; } ); };\n", POLICY_SPLIT, true },
	{ "a shadow", "=== a\ndomains = \"a.test\"; incoming: { shadow = ( " SPF_REJECT_RULE " ); };\n", POLICY_CLASS, false },
	{ "early words that never come early", "=== a\ndomains = \"*\"; incoming: { rules = ( { when = { spf = \"fail\"; dkim = "
	    "\"none\"; }; do = \"reject\"; } ); };\n", POLICY_CLASS, false },
};

START_TEST(speaks_at_rcpt)
{
	struct buffer said;
	const struct policy_set *set = rig_set(speakers[_i].files, "", arena, &said);

	ck_assert_uint_eq(policy_mistakes(set), 0);
	ck_assert_msg(policy_speaks_at_rcpt(set, speakers[_i].how) == speakers[_i].speaks, "%s", speakers[_i].what);
}
END_TEST

/* Where it is said that nothing is, all the other tables find nothing. */
START_TEST(silence_is_kept)
{
	struct recipient a = rig_rcpt("<u@a.test>", arena), b = rig_rcpt("<u@b.test>", arena);
	struct buffer said;
	struct verdict v;

	ck_assert(!policy_speaks_at_rcpt(NULL, POLICY_CLASS));
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		const struct policy_set *set = rig_set(arena_printf(arena, "=== a\ndomains = \"a.test\"; incoming: { %s };\n=== b\n"
		    "domains = \"b.test\"; incoming: { %s };\n", classes[i].a, classes[i].b).p, "", arena, &said);
		bool same = classes[i].same && classes[i].same_trusted;
		ck_assert_msg(same || policy_speaks_at_rcpt(set, POLICY_CLASS), "%s", classes[i].what);
		ck_assert(policy_same_class(set, &a, &b, false) || policy_speaks_at_rcpt(set, POLICY_CLASS));
	}
	for (size_t i = 0; i < ARRAY_LEN(earlies); i++) {
		const struct policy_set *set = rig_set(arena_printf(arena, RULES("%s"), earlies[i].rules).p, "", arena, &said);
		struct policy_facts facts = rig_facts(earlies[i].facts, arena);
		bool refuses = policy_decide_early(set, &facts, &a, arena, &v) == POLICY_NOW && v.action == VERDICT_REJECT;
		ck_assert_msg(!refuses || policy_speaks_at_rcpt(set, POLICY_SPLIT), "%s", earlies[i].rules);
	}
}
END_TEST

/* ---- overrides of DMARC ---- */

static const struct {
	const char *what, *incoming, *facts;
	enum dmarc_policy left;
	size_t overrides;
	const char *comment; /* of the first */
} overrides[] = {
	{ "none", "", "dmarc=reject spf=fail", DMARC_REJECT, 0, "" },
	{ "no evidence", "", "dmarc=reject spf=pass:x.test", DMARC_QUARANTINE, 1, "reject-needs evidence" },
	{ "nothing needed", "reject-needs = \"nothing\";", "dmarc=reject spf=pass:x.test", DMARC_REJECT, 0, "" },
	{ "sealer", "trusted-sealers = \"s.test\";", "dmarc=reject spf=fail arc=pass:s.test aar=bank.example", DMARC_NONE, 1,
	    "arc=pass as[1].d=s.test as[1].s=sel" },
	{ "sealer leaves From open", "trusted-sealers = \"s.test\";",
	    "dmarc=reject spf=fail arc=pass:s.test aar=bank.example uncovered", DMARC_REJECT, 0, "" },
	{ "nobody wants it", "dmarc-disable-verify = true;", "dmarc=reject spf=fail", DMARC_UNSET, 0, "" },
	{ "sealer of a subdomain", "trusted-sealers = \"s.test\";", "dmarc=reject spf=fail arc=pass:s.test aar=x.bank.example",
	    DMARC_NONE, 1, "arc=pass as[1].d=s.test as[1].s=sel" },
	{ "sealer says nothing", "trusted-sealers = \"s.test\";", "dmarc=reject spf=fail arc=pass:s.test", DMARC_REJECT, 0, "" },
	{ "sealer says another", "trusted-sealers = \"s.test\";", "dmarc=reject spf=fail arc=pass:s.test aar=evil.test",
	    DMARC_REJECT, 0, "" },
	{ "another sealer", "trusted-sealers = \"s.test\";", "dmarc=reject spf=fail arc=pass:t.test aar=bank.example", DMARC_REJECT, 0, "" },
	{ "broken chain", "trusted-sealers = \"s.test\";", "dmarc=reject spf=fail arc=fail:s.test aar=bank.example", DMARC_REJECT, 0, "" },
	{ "list", "trusted-lists = \"l.test\";", "dmarc=reject spf=pass:l.test list=x.l.test", DMARC_NONE, 1, "trusted-lists" },
	{ "list unproven", "trusted-lists = \"l.test\";", "dmarc=quarantine spf=pass:m.test list=x.l.test", DMARC_QUARANTINE, 0, "" },
	{ "list signs", "trusted-lists = \"l.test\";", "dmarc=quarantine dkim=pass:l.test list=l.test", DMARC_NONE, 1, "trusted-lists" },
	{ "forwarder", "trusted-forwarders = \"192.0.2.1\";", "dmarc=reject client=192.0.2.1 spf=fail", DMARC_NONE, 1, "trusted-forwarders" },
	{ "forwarder by HELO", "trusted-forwarders = \"f.test\";", "dmarc=reject spf=fail spf_helo=pass:f.test", DMARC_NONE, 1,
	    "trusted-forwarders" },
	{ "pass needs none", "trusted-lists = \"l.test\";", "dmarc=accept spf=pass:l.test list=l.test", DMARC_UNSET, 0, "" },
};

START_TEST(dmarc_overrides)
{
	struct buffer said;
	const char *text = arena_printf(arena, "domains = \"a.test\"; incoming: { %s rules = ( { when = { dmarc = \"reject\"; }; "
	    "do = \"defer\"; }, { do = \"discard\"; } ); };", overrides[_i].incoming).p;
	const struct policy_set *set = rig_set(text, "", arena, &said);
	struct policy_facts facts = rig_facts(overrides[_i].facts, arena);
	struct recipient rcpt = rig_rcpt("<u@a.test>", arena);
	struct verdict v;

	ck_assert_uint_eq(policy_mistakes(set), 0);
	policy_decide(set, &facts, &rcpt, 1, arena, &v);
	ck_assert_msg(v.dmarc.policy == overrides[_i].left, "%s", overrides[_i].what);
	ck_assert_msg(v.dmarc.overrides == overrides[_i].overrides, "%s", overrides[_i].what);
	if (v.dmarc.overrides > 0)
		ck_view_is(v.dmarc.override[0].comment, overrides[_i].comment);
	ck_assert_int_eq(v.action == VERDICT_DEFER, v.dmarc.policy == DMARC_REJECT);
}
END_TEST

/* ---- one reply for many ---- */

#define A "accept "
#define T "tag "
#define Q "quarantine "
#define M "redirect " /* quarantine in another mailbox */
#define H "hold "
#define D "discard "
#define R "reject "
#define F "defer "

static const struct {
	enum policy_recipients how;
	bool deliver;
	const char *verdicts;
	enum verdict_action whole;
	const char *fates; /* k kept, r removed, m moved; "": no matter */
	bool hold;
} settled[] = {
	{ POLICY_SPLIT, false, "", VERDICT_ACCEPT, "", false },
	{ POLICY_SPLIT, false, A, VERDICT_ACCEPT, "k", false },
	{ POLICY_SPLIT, false, A T M R, VERDICT_QUARANTINE, "kkmr", false },
	{ POLICY_SPLIT, false, R R, VERDICT_REJECT, "", false },
	{ POLICY_SPLIT, false, R F, VERDICT_DEFER, "", false },
	{ POLICY_SPLIT, false, F A, VERDICT_DEFER, "", false },
	{ POLICY_SPLIT, true, F A R, VERDICT_ACCEPT, "kkr", false },
	{ POLICY_SPLIT, true, F R, VERDICT_DEFER, "", false },
	{ POLICY_SPLIT, false, D D, VERDICT_DISCARD, "", false },
	{ POLICY_SPLIT, false, D R, VERDICT_REJECT, "", false },
	{ POLICY_SPLIT, false, D A, VERDICT_ACCEPT, "rk", false },
	{ POLICY_SPLIT, false, H H, VERDICT_QUARANTINE, "kk", true },
	{ POLICY_SPLIT, false, H A, VERDICT_QUARANTINE, "kk", false },
	{ POLICY_SPLIT, false, H R M, VERDICT_QUARANTINE, "krm", true },
	{ POLICY_SPLIT, false, M R, VERDICT_QUARANTINE, "mr", false },
	{ POLICY_CLASS, false, A R, VERDICT_ACCEPT, "kr", false },
	{ POLICY_STRICTEST, false, A R T, VERDICT_REJECT, "", false },
	{ POLICY_STRICTEST, false, A M, VERDICT_QUARANTINE, "mm", false },
	{ POLICY_STRICTEST, false, R F, VERDICT_DEFER, "", false },
	{ POLICY_LENIENT, false, R F A, VERDICT_ACCEPT, "kkk", false },
	{ POLICY_LENIENT, false, R F, VERDICT_REJECT, "", false },
};

static size_t
verdicts_of(const char *words, struct verdict *v)
{
	struct view rest = view_of(words), word;
	size_t n = 0;

	for (; rest.n > 0; n++) {
		int action = VERDICT_QUARANTINE;
		view_split(rest, ' ', &word, &rest);
		v[n] = verdict_built_in();
		name_value(verdict_action_names, word, &action);
		v[n].action = (enum verdict_action)action;
		v[n].code = action == VERDICT_REJECT ? 550 : action == VERDICT_DEFER ? 450 : 0;
		v[n].by = view_is(word, "redirect") ? QUARANTINE_REDIRECT : view_is(word, "hold") ? QUARANTINE_HOLD : QUARANTINE_TAG;
	}
	return n;
}

START_TEST(settlements)
{
	struct verdict v[4];
	struct settlement out;
	size_t n = verdicts_of(settled[_i].verdicts, v);

	policy_settle(settled[_i].how, settled[_i].deliver, v, n, arena, &out);
	ck_assert_msg(out.whole.action == settled[_i].whole, "%s: %d", settled[_i].verdicts, (int)out.whole.action);
	ck_assert_msg(out.hold == settled[_i].hold, "%s", settled[_i].verdicts);
	for (size_t i = 0; settled[_i].fates[i] != '\0'; i++)
		ck_assert_msg("krm"[out.fate[i]] == settled[_i].fates[i], "%s: %zu", settled[_i].verdicts, i);
	/* A reply goes out with refusals only: MTAs would take it for one. */
	ck_assert_msg((out.whole.code != 0) == (out.whole.action == VERDICT_REJECT || out.whole.action == VERDICT_DEFER), "%s",
	    settled[_i].verdicts);
	/* Never accepted with nobody left. */
	size_t left = 0;
	for (size_t i = 0; i < n; i++)
		left += out.fate[i] != RECIPIENT_REMOVE;
	ck_assert(n == 0 || left > 0 || out.whole.action >= VERDICT_DISCARD);
}
END_TEST

/* ---- a pure function ---- */

static bool
verdict_eq(const struct verdict *a, const struct verdict *b)
{
	return a->action == b->action && view_eq(a->rule, b->rule) && a->line == b->line && a->code == b->code &&
	    view_eq(a->text, b->text) && a->dmarc.policy == b->dmarc.policy && a->dmarc.overrides == b->dmarc.overrides &&
	    a->shadowed == b->shadowed && a->monitored == b->monitored && view_eq(a->tag_value, b->tag_value);
}

/* The same facts and recipients: the same verdicts, in whatever order and company the recipients come. */
START_TEST(pure)
{
	static const char files_text[] =
		"=== d\ndomains = \"*\"; incoming: { rules = ( { when = { spf = \"fail\"; }; do = \"tag\"; } ); };\n"
		"=== a\ndomains = \"a.test\"; incoming: { trusted-sealers = \"s.test\"; rules = ( " DMARC_REJECT_RULE " ); };\n"
		"=== b\ndomains = \"b.test\"; incoming: { mode = \"monitor\"; shadow = ( { do = \"discard\"; } ); rules = ( "
		SPF_REJECT_RULE " ); };\n"
		"=== c\naddresses = \"c@a.test\"; incoming: { reject-needs = \"nothing\"; rules = ( { when = { size = \">5\"; }; "
		"do = \"reject\"; reply = \"550 5.7.1 %{recipient}\"; } ); };\n";
	static const char *const who[] = { "<x@a.test>", "<y@b.test>", "<c@a.test>", "<z@c.test>", "<x2@a.test>" };
	static const char *const what[] = { "spf=fail dmarc=reject", "spf=pass:x.test dmarc=reject", "size=9 spf=none",
		"dmarc=reject arc=pass:s.test aar=bank.example", "auth spf=fail", "" };
	struct buffer said;
	const struct policy_set *set = rig_set(files_text, "", arena, &said);
	unsigned seed = 1;

	ck_assert_uint_eq(policy_mistakes(set), 0);
	for (size_t k = 0; k < sizeof(what) / sizeof(what[0]); k++) {
		struct policy_facts facts = rig_facts(what[k], arena);
		struct recipient rcpt[5], mixed[5];
		struct verdict alone[5], together[5];
		size_t order[5];
		for (size_t i = 0; i < 5; i++) {
			rcpt[i] = rig_rcpt(who[i], arena);
			policy_decide(set, &facts, &rcpt[i], 1, arena, &alone[i]);
		}
		for (int turn = 0; turn < 50; turn++) {
			for (size_t i = 0; i < 5; i++) {
				seed = seed * 1103515245 + 12345;
				order[i] = seed / 65536 % 5;
				mixed[i] = rcpt[order[i]];
			}
			policy_decide(set, &facts, mixed, 5, arena, together);
			for (size_t i = 0; i < 5; i++)
				ck_assert_msg(verdict_eq(&together[i], &alone[order[i]]), "%s: %s", what[k], who[order[i]]);
		}
	}
}
END_TEST

/* Of two of one class one reply serves both, whatever the message: the promise that classes rest on. */
START_TEST(one_class_one_fate)
{
	static const char *const what[] = { "spf=fail dmarc=reject", "spf=pass:x.test dmarc=reject", "client=192.0.2.1 spf=fail",
		"spf=none dmarc=quarantine", "client=192.0.2.1 dmarc=reject spf=fail", "dmarc=reject arc=pass:s.test aar=bank.example spf=fail",
		"auth", "auth spf=fail dmarc=reject" };
	for (size_t c = 0; c < sizeof(classes) / sizeof(classes[0]); c++) {
		struct buffer said;
		const char *text = arena_printf(arena, "=== a\ndomains = \"a.test\"; incoming: { %s };\n=== b\ndomains = \"b.test\"; "
		    "incoming: { %s };\n", classes[c].a, classes[c].b).p;
		const struct policy_set *set = rig_set(text, "", arena, &said);
		struct recipient two[2] = { rig_rcpt("<u@a.test>", arena), rig_rcpt("<u@b.test>", arena) };
		for (size_t k = 0; k < sizeof(what) / sizeof(what[0]); k++) {
			struct policy_facts facts = rig_facts(what[k], arena);
			struct verdict v[2];
			if (!policy_same_class(set, &two[0], &two[1], facts.authenticated))
				continue;
			policy_decide(set, &facts, two, 2, arena, v);
			bool first = v[0].action >= VERDICT_DISCARD, second = v[1].action >= VERDICT_DISCARD;
			ck_assert_msg(first == second && v[0].code == v[1].code, "%s: %s", classes[c].what, what[k]);
		}
	}
}
END_TEST

/* ---- a folder of many files ---- */

#define MANY 10000

static void
note(void *ctx, const char *text)
{
	fprintf(stderr, "%s\n", text);
	(*(unsigned *)ctx)++;
}

static void
write_file(const char *folder, int i)
{
	FILE *f = fopen(arena_printf(arena, "%s/d%d.conf", folder, i).p, "w");

	ck_assert_ptr_nonnull(f);
	fprintf(f, "domains = [\"d%d.test\", \".d%d.test\"];\nincoming: { rules = (\n"
		"\t{ name = \"r%d\"; when = { dmarc = [\"reject\"]; spf = [\"!pass\"]; }; do = \"reject\"; },\n"
		"\t{ name = \"t%d\"; do = \"tag\"; } ); };\n", i, i, i, i);
	fclose(f);
}

START_TEST(ten_thousand_files)
{
	char folder[] = "/tmp/unit_policy.XXXXXX";
	unsigned said = 0;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	struct policy_conf conf = { .directory = view_of(folder), .delimiter = VIEW_EMPTY };
	for (int i = 0; i < MANY; i++)
		write_file(folder, i);
	int64_t began = clock_mono_ms(&clock_system);
	const struct policy_set *set = policy_load(&conf, NULL, arena, note, &said);
	int64_t ms = clock_mono_ms(&clock_system) - began;
	for (int i = 0; i < MANY; i++)
		unlink(arena_printf(arena, "%s/d%d.conf", folder, i).p);
	ck_assert_int_eq(rmdir(folder), 0);
	ck_assert_ptr_nonnull(set);
	ck_assert_uint_eq(said, 0);
	ck_assert_uint_eq(policy_files(set), MANY);
	printf("%d files in %lld ms\n", MANY, (long long)ms);
	ck_assert_msg(ms < 20000, "%lld ms; 2 s are wanted, a sanitizer on a busy machine may take ten times that", (long long)ms);
	for (int i = 0; i < MANY; i += 7) {
		struct policy_facts facts = rig_facts("", arena);
		struct recipient rcpt = rig_rcpt(arena_printf(arena, "<u@sub.d%d.test>", i).p, arena);
		struct verdict v;
		policy_decide(set, &facts, &rcpt, 1, arena, &v);
		ck_assert_msg(view_eq(v.rule, arena_printf(arena, "t%d", i)), "%d: %.*s", i, VIEW_ARG(v.rule));
	}
	conf.directory = VIEW_LIT("/no/such/folder");
	ck_assert_ptr_null(policy_load(&conf, NULL, arena, note, &said));
	ck_assert_uint_eq(said, 1);
}
END_TEST

static void
hush(void *ctx, const char *text)
{
	(void)ctx, (void)text;
}

/* What stays of a broken file outlives the set it was in, reload after reload. */
START_TEST(what_stays_is_a_copy)
{
	static const struct policy_conf conf = { .directory = { "", 0 }, .delimiter = { "", 0 } };
	const struct policy_text good = { "f", VIEW_LIT(RULES("{ name = \"stays\"; do = \"tag\"; }")) };
	const struct policy_text broken = { "f", VIEW_LIT("domains = ") };
	struct arena *old = arena_new();
	const struct policy_set *set = policy_of_texts(&conf, &good, 1, NULL, old, hush, NULL);
	struct policy_text text;

	for (int i = 0; i < 3; i++) {
		struct arena *fresh = arena_new();
		set = policy_of_texts(&conf, &broken, 1, set, fresh, hush, NULL);
		arena_free(old);
		old = fresh;
	}
	struct policy_facts facts = rig_facts("", arena);
	struct recipient rcpt = rig_rcpt("<u@a.test>", arena);
	struct verdict v;
	policy_decide(set, &facts, &rcpt, 1, arena, &v);
	ck_view_is(v.rule, "stays");
	ck_assert_uint_eq(policy_mistakes(set), 1);
	ck_assert(policy_text_nth(set, 0, &text) && text.text.n == good.text.n + 1); /* a line's end, once */
	arena_free(old);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("policy-rules");
	TCase *tc = tcase_create("rules");

	tcase_add_checked_fixture(tc, arena_setup, arena_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, files, 0, ARRAY_LEN(grammar));
	tcase_add_loop_test(tc, conditions, 0, ARRAY_LEN(matching));
	tcase_add_loop_test(tc, lookup, 0, ARRAY_LEN(lookups));
	tcase_add_loop_test(tc, reply_texts, 0, ARRAY_LEN(replies));
	tcase_add_test(tc, long_values_are_cut);
	tcase_add_loop_test(tc, class_of_two, 0, ARRAY_LEN(classes));
	tcase_add_loop_test(tc, early, 0, ARRAY_LEN(earlies));
	tcase_add_loop_test(tc, speaks_at_rcpt, 0, ARRAY_LEN(speakers));
	tcase_add_test(tc, silence_is_kept);
	tcase_add_loop_test(tc, dmarc_overrides, 0, ARRAY_LEN(overrides));
	tcase_add_loop_test(tc, settlements, 0, ARRAY_LEN(settled));
	tcase_add_test(tc, pure);
	tcase_add_test(tc, one_class_one_fate);
	tcase_add_test(tc, what_stays_is_a_copy);
	tcase_add_test(tc, ten_thousand_files);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
