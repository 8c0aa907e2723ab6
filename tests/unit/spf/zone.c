#include "zone.h"

#include <stddef.h>

const char zone_text[] =
    /* ordinary senders */
    "example.org TXT \"v=spf1 a mx include:_spf.example.net -all\"\n"
    "example.org A 192.0.2.10\n"
    "example.org MX 10 mx1.example.org\n"
    "example.org MX 20 mx2.example.org\n"
    "mx1.example.org A 192.0.2.11\n"
    "mx2.example.org A 192.0.2.12\n"
    "mx2.example.org AAAA 2001:db8::12\n"
    "_spf.example.net TXT \"v=spf1 ip4:198.51.100.0/24 ip6:2001:db8:100::/40 ~all\"\n"
    "helo.example.org TXT \"v=spf1 a -all\"\n"
    "helo.example.org A 192.0.2.9\n"
    "plain.example TXT \"no policy here\"\n"
    "plain.example A 192.0.2.30\n"
    "xn--bcher-kva.example TXT \"v=spf1 ip4:192.0.2.1 exists:%{o}.seen.example -all\"\n"
    "xn--bcher-kva.example.seen.example A 127.0.0.2\n"
    /* text of records */
    "long.example TXT \"v=spf1 ip4:10.0.0.1 ip4:10.0.0.2 ip4:10.0.0.3 ip4:10.0.0.4 ip4:10.0.0.5 ip4:10.0.0.6 "
    "ip4:10.0.0.7 ip4:10.0.0.8 ip4:10.0.0.9 ip4:10.0.0.10 ip4:10.0.0.11 ip4:10.0.0.12 ip4:10.0.0.13 ip4:10.0.0.14 \" "
    "\"ip4:10.0.0.15 ip4:10.0.0.16 ip4:10.0.0.17 ip4:10.0.0.18 ip4:192.0\" \".2.1 -all\"\n"
    "upper.example TXT \"V=SPF1 IP4:192.0.2.1 A:EXAMPLE.ORG -ALL\"\n"
    "spaces.example TXT \"v=spf1   ip4:192.0.2.1   -all   \"\n"
    "tab.example TXT \"v=spf1 ip4:192.0.2.1\\009-all\"\n"
    "tabversion.example TXT \"v=spf1\\009-all\"\n"
    "high.example TXT \"v=spf1 ip4:192.0.2.1 a:b\\195\\188cher.example -all\"\n"
    "other.example TXT \"v=spf1 -all\"\n"
    "other.example TXT \"\\255 something else\"\n"
    "other.example TXT \"v=spf2.0/pra +all\"\n"
    "twice.example TXT \"v=spf1 -all\"\n"
    "twice.example TXT \"v=spf1 +all\"\n"
    "late.example TXT \"v=spf1 ip4:192.0.2.1 -all moo\"\n"
    "alias.example CNAME alias2.example\n"
    "alias2.example CNAME example.org\n"
    "aliasmx.example TXT \"v=spf1 mx:amx.example -all\"\n"
    "amx.example CNAME amx2.example\n"
    "amx2.example MX 1 alias-host.example\n"
    "alias-host.example CNAME mx1.example.org\n"
    "timeout.example TXT TIMEOUT\n"
    "servfail.example SERVFAIL\n"
    /* include, section 5.2 */
    "inc-pass.example TXT \"v=spf1 ?include:all-pass.example -all\"\n"
    "inc-fail.example TXT \"v=spf1 include:all-fail.example ~all\"\n"
    "inc-neutral.example TXT \"v=spf1 include:all-neutral.example ~all\"\n"
    "inc-default.example TXT \"v=spf1 include:all-none.example ~all\"\n"
    "inc-minus.example TXT \"v=spf1 -include:all-pass.example +all\"\n"
    "inc-none.example TXT \"v=spf1 include:plain.example ~all\"\n"
    "inc-nx.example TXT \"v=spf1 include:nowhere.example ~all\"\n"
    "inc-temp.example TXT \"v=spf1 include:timeout.example +all\"\n"
    "inc-perm.example TXT \"v=spf1 include:late.example +all\"\n"
    "inc-deep-temp.example TXT \"v=spf1 include:inc-temp.example +all\"\n"
    "all-pass.example TXT \"v=spf1 +all\"\n"
    "all-fail.example TXT \"v=spf1 -all\"\n"
    "all-neutral.example TXT \"v=spf1 ?all\"\n"
    "all-none.example TXT \"v=spf1\"\n"
    "self.example TXT \"v=spf1 include:self.example +all\"\n"
    "inc-redirect.example TXT \"v=spf1 include:redirects.example -all\"\n"
    "redirects.example TXT \"v=spf1 redirect=all-pass.example\"\n"
    "red-none.example TXT \"v=spf1 redirect=plain.example\"\n"
    "red-loop.example TXT \"v=spf1 redirect=red-loop.example\"\n"
    "red-all.example TXT \"v=spf1 redirect=nowhere.example ~all\"\n"
    "red-unused.example TXT \"v=spf1 a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example "
    "a:h.example a:h.example a:h.example ip4:192.0.2.1 redirect=all-fail.example\"\n"
    "h.example A 198.51.100.1\n"
    "red-temp.example TXT \"v=spf1 redirect=timeout.example\"\n"
    "red-macro.example TXT \"v=spf1 redirect=%{l1r+}._at_.%{o}\"\n"
    "user._at_.red-macro.example TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
    /* macros of vendors */
    "vendor.example TXT \"v=spf1 include:%{ir}.%{v}.%{d}.has.spf.protector.example ~all\"\n"
    "1.2.0.192.in-addr.vendor.example.has.spf.protector.example TXT \"v=spf1 ip4:%{i} -all\"\n"
    "nested.example TXT \"v=spf1 include:_i.%{d}._d.easyspf.example -all\"\n"
    "_i.nested.example._d.easyspf.example TXT \"v=spf1 exists:%{ir}.%{v}.%{o}._spf.easyspf.example "
    "exists:%{l}.%{d2}.l.easyspf.example -all\"\n"
    "1.2.0.192.in-addr.nested.example._spf.easyspf.example A 127.0.0.2\n"
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.nested.example._spf.easyspf.example A 127.0.0.2\n"
    "news.easyspf.example.l.easyspf.example A 127.0.0.2\n"
    "helos.example TXT \"v=spf1 exists:%{h}.%{v}.h.example -all\"\n"
    "mail.helos.example.in-addr.h.example A 127.0.0.2\n"
    "dscope.example TXT \"v=spf1 include:scope.example -all\"\n"
    "scope.example TXT \"v=spf1 exists:%{d}.%{o}.scoped.example ?all\"\n"
    "scope.example.dscope.example.scoped.example A 127.0.0.2\n"
    "pmacro.example TXT \"v=spf1 exists:%{p}.p.example -all\"\n"
    "1.2.0.192.in-addr.arpa PTR liar.example.net\n"
    "1.2.0.192.in-addr.arpa PTR host.pmacro.example\n"
    "1.2.0.192.in-addr.arpa PTR host.ptr.example\n"
    "host.pmacro.example A 192.0.2.1\n"
    "host.ptr.example A 192.0.2.1\n"
    "liar.example.net A 192.0.2.99\n"
    "host.pmacro.example.p.example A 127.0.0.2\n"
    "unknown.p.example A 127.0.0.2\n"
    "psame.example TXT \"v=spf1 exists:%{p}.q.example -all\"\n"
    "psame.example A 192.0.2.1\n"
    "host.psame.example A 192.0.2.1\n"
    "1.2.0.192.in-addr.arpa PTR host.psame.example\n"
    "1.2.0.192.in-addr.arpa PTR psame.example\n"
    "psame.example.q.example A 127.0.0.2\n"
    "ptr.example TXT \"v=spf1 ptr -all\"\n"
    "notptr.example TXT \"v=spf1 ptr:tr.example ptr:example.net -all\"\n"
    "9.2.0.192.in-addr.arpa TIMEOUT\n"
    "brokenname.example TXT \"v=spf1 a:%{l}.example.org -all\"\n"
    /* IPv6 clients */
    "v6.example TXT \"v=spf1 a mx ip6:2001:db8:6::/48 -all\"\n"
    "v6.example A 192.0.2.60\n"
    "v6.example MX 1 mx1.v6.example\n"
    "v6.example MX 2 mx2.v6.example\n"
    "v6.example MX 3 mx3.v6.example\n"
    "v6.example MX 4 mx4.v6.example\n"
    "mx1.v6.example A 192.0.2.61\n"
    "mx2.v6.example A 192.0.2.62\n"
    "mx3.v6.example A 192.0.2.63\n"
    "mx4.v6.example A 192.0.2.64\n"
    "dual.example TXT \"v=spf1 a/24//64 -all\"\n"
    "dual.example A 192.0.2.1\n"
    "dual.example AAAA 2001:db8:5::1\n"
    "mapped.example TXT \"v=spf1 ip6:::ffff:192.0.2.1 ip6:::ffff:0:0/96 -all\"\n"
    "anyv6.example TXT \"v=spf1 ip6:::/0 -all\"\n"
    /* void lookups */
    "void2.example TXT \"v=spf1 a:nx1.example exists:nx2.example ip4:192.0.2.1 -all\"\n"
    "void3.example TXT \"v=spf1 a:nx1.example mx:nx2.example exists:nx3.example ip4:192.0.2.1 -all\"\n"
    "voidsame.example TXT \"v=spf1 a:nx1.example a:nx1.example a:nx1.example ip4:192.0.2.1 -all\"\n"
    "voidnodata.example TXT \"v=spf1 mx:plain.example exists:_spf.example.net ptr a:_spf.example.net -all\"\n"
    "voidmx.example TXT \"v=spf1 mx:mxnowhere.example mx:mxnowhere.example ip4:192.0.2.1 -all\"\n"
    "mxnowhere.example MX 1 nx1.example\n"
    "mxnowhere.example MX 2 nx2.example\n"
    "mxnowhere.example MX 3 nx3.example\n"
    "mxhalf.example TXT \"v=spf1 mx ip4:192.0.2.1 -all\"\n"
    "mxhalf.example MX 1 nx1.example\n"
    "mxhalf.example MX 2 mx1.example.org\n"
    "voidinc.example TXT \"v=spf1 a:nx1.example include:voidinc2.example ip4:192.0.2.1 -all\"\n"
    "voidinc2.example TXT \"v=spf1 a:nx2.example a:nx3.example -all\"\n"
    "nullmx.example TXT \"v=spf1 mx ?all\"\n"
    "nullmx.example MX 0 .\n"
    "mx10.example TXT \"v=spf1 mx -all\"\n"
    "mx10.example MX 1 h1.example\n"
    "mx10.example MX 2 h2.example\n"
    "mx10.example MX 3 h3.example\n"
    "mx10.example MX 4 h4.example\n"
    "mx10.example MX 5 h5.example\n"
    "mx10.example MX 6 h6.example\n"
    "mx10.example MX 7 h7.example\n"
    "mx10.example MX 8 h8.example\n"
    "mx10.example MX 9 h9.example\n"
    "mx10.example MX 10 mx1.example.org\n"
    "mx11.example TXT \"v=spf1 mx -all\"\n"
    "mx11.example MX 1 mx1.example.org\n"
    "mx11.example MX 2 h2.example\n"
    "mx11.example MX 3 h3.example\n"
    "mx11.example MX 4 h4.example\n"
    "mx11.example MX 5 h5.example\n"
    "mx11.example MX 6 h6.example\n"
    "mx11.example MX 7 h7.example\n"
    "mx11.example MX 8 h8.example\n"
    "mx11.example MX 9 h9.example\n"
    "mx11.example MX 10 h10.example\n"
    "mx11.example MX 11 h11.example\n"
    "mxtemp.example TXT \"v=spf1 mx -all\"\n"
    "mxtemp.example MX 1 timeouthost.example\n"
    "mxtemp.example MX 2 mx1.example.org\n"
    "timeouthost.example A TIMEOUT\n"
    "atemp.example TXT \"v=spf1 a:timeouthost.example +all\"\n"
    "abefore.example TXT \"v=spf1 ip4:192.0.2.1 a:timeouthost.example -all\"\n"
    /* explanations */
    "exp.example TXT \"v=spf1 ip4:192.0.2.200 -all exp=why.%{d}\"\n"
    "why.exp.example TXT \"%{i} may not speak for %{l}@%{o}, says \" \"%{d} to %{r}.\"\n"
    "expinc.example TXT \"v=spf1 include:exp.example -all exp=own.example\"\n"
    "own.example TXT \"Mine.\"\n"
    "expinc2.example TXT \"v=spf1 -include:all-pass.example exp=own.example\"\n"
    "expred.example TXT \"v=spf1 redirect=exp.example exp=own.example\"\n"
    "expsoft.example TXT \"v=spf1 ~all exp=own.example\"\n"
    "expbad.example TXT \"v=spf1 -all exp=badtext.example\"\n"
    "badtext.example TXT \"100% wrong\"\n"
    "expvoid.example TXT \"v=spf1 a:nx1.example a:nx2.example -all exp=nx3.example\"\n"
    "exptime.example TXT \"v=spf1 -all exp=timeout.example\"\n"
    "exptwo.example TXT \"v=spf1 -all exp=twotexts.example\"\n"
    "twotexts.example TXT \"one\"\n"
    "twotexts.example TXT \"two\"\n"
    "expp.example TXT \"v=spf1 -all exp=ptext.example\"\n"
    "ptext.example TXT \"you are %{p}\"\n"
    "explong.example TXT \"v=spf1 -all exp=longtext.example\"\n"
    "longtext.example TXT \"%{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} "
    "%{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s} %{s}\"\n";

#define C1 "192.0.2.1"
#define C99 "203.0.113.99"
#define U(domain) "user@" domain

const struct verdict_row verdict_rows[] = {
	{ "matched by a", "192.0.2.10", NULL, U("example.org"), "pass", 1, 0, "a", NULL },
	{ "matched by the second MX", "192.0.2.12", NULL, U("example.org"), "pass", 2, 0, "mx", NULL },
	{ "matched in an include", "198.51.100.7", NULL, U("example.org"), "pass", 3, 0, "include:_spf.example.net", NULL },
	{ "matched by nothing", C99, NULL, U("example.org"), "fail", 3, 0, "-all", NULL },
	{ "IPv6, by MX", "2001:db8::12", NULL, U("example.org"), "pass", 2, 1, "mx", NULL },
	{ "IPv6, in an include", "2001:db8:1ff::1", NULL, U("example.org"), "pass", 3, 1, NULL, NULL },
	{ "v4-mapped client", "::ffff:192.0.2.10", NULL, U("example.org"), "pass", 1, 0, "a", NULL },
	{ "domain in upper case", "192.0.2.10", NULL, U("EXAMPLE.ORG"), "pass", 1, 0, "a", NULL },
	{ "domain with a final dot", "192.0.2.10", NULL, U("example.org."), "pass", 1, 0, "a", NULL },
	{ "quoted local part with an at", "192.0.2.10", NULL, "\"a@b\"@example.org", "pass", 1, 0, "a", NULL },
	{ "null sender: HELO", "192.0.2.9", NULL, "", "pass", 1, 0, "a", NULL },
	{ "null sender: HELO fails", C99, NULL, "", "fail", 1, 0, "-all", NULL },
	{ "null sender, HELO is a literal", C99, "[192.0.2.1]", "", "none", 0, 0, "", NULL },
	{ "null sender, HELO is an address", C99, "192.0.2.1", "", "none", 0, 0, "", NULL },
	{ "null sender, HELO of one label", C99, "localhost", "", "none", 0, 0, "", NULL },
	{ "null sender, no HELO", C99, "", "", "none", 0, 0, "", NULL },
	{ "local part without domain", C99, NULL, "postmaster", "none", 0, 0, "", NULL },
	{ "domain of one label", C99, NULL, U("localhost"), "none", 0, 0, "", NULL },
	{ "empty label", C99, NULL, U("a..example.org"), "none", 0, 0, "", NULL },
	{ "space in the domain", C99, NULL, U("a b.example.org"), "none", 0, 0, "", NULL },
	{ "address literal", C99, NULL, U("[192.0.2.1]"), "none", 0, 0, "", NULL },
	{ "no such domain", C99, NULL, U("nowhere.example"), "none", 0, 0, "", NULL },
	{ "no policy", C99, NULL, U("plain.example"), "none", 0, 0, "", NULL },
	{ "unknown client", "", NULL, U("example.org"), "none", 0, 0, "", NULL },
	{ "A-labels", C1, NULL, U("xn--bcher-kva.example"), "pass", 0, 0, "ip4:192.0.2.1", NULL },
	{ "U-labels", C1, NULL, U("b\xc3\xbc" "cher.example"), "pass", 0, 0, NULL, NULL },
	{ "U-labels in a macro", C99, NULL, U("B\xc3\x9c" "cher.example"), "pass", 1, 0, NULL, NULL },

	{ "U-labels in HELO", C1, "b\xc3\xbc" "cher.example", "", "pass", 0, 0, NULL, NULL },
	{ "octets that are no UTF-8", C1, NULL, U("b\xfc" "cher.example"), "none", 0, 0, "", NULL },

	{ "record of several strings", C1, NULL, U("long.example"), "pass", 0, 0, "ip4:192.0.2.1", NULL },
	{ "record in upper case", C1, NULL, U("upper.example"), "pass", 0, 0, "IP4:192.0.2.1", NULL },
	{ "record in upper case, a", "192.0.2.10", NULL, U("upper.example"), "pass", 1, 0, "A:EXAMPLE.ORG", NULL },
	{ "spaces", C99, NULL, U("spaces.example"), "fail", 0, 0, "-all", NULL },
	{ "tab between terms", C1, NULL, U("tab.example"), "permerror", 0, 0, "", NULL },
	{ "tab behind the version: no SPF record", C1, NULL, U("tabversion.example"), "none", 0, 0, "", NULL },
	{ "octets above 127", C1, NULL, U("high.example"), "permerror", 0, 0, "", NULL },
	{ "other TXT records beside it", C99, NULL, U("other.example"), "fail", 0, 0, "-all", NULL },
	{ "two records", C99, NULL, U("twice.example"), "permerror", 0, 0, "", NULL },
	{ "syntax error behind the match", C1, NULL, U("late.example"), "permerror", 0, 0, "", NULL },
	{ "CNAMEs to the record", "192.0.2.12", NULL, U("alias.example"), "pass", 2, 0, NULL, NULL },
	{ "CNAMEs on the way of mx", "192.0.2.11", NULL, U("aliasmx.example"), "pass", 1, 0, NULL, NULL },
	{ "time-out", C1, NULL, U("timeout.example"), "temperror", 0, 0, "", NULL },
	{ "SERVFAIL", C1, NULL, U("servfail.example"), "temperror", 0, 0, "", NULL },

	{ "include: pass matches", C1, NULL, U("inc-pass.example"), "neutral", 1, 0, "?include:all-pass.example", NULL },
	{ "include: fail does not", C1, NULL, U("inc-fail.example"), "softfail", 1, 0, "~all", NULL },
	{ "include: neutral does not", C1, NULL, U("inc-neutral.example"), "softfail", 1, 0, NULL, NULL },
	{ "include: no match inside", C1, NULL, U("inc-default.example"), "softfail", 1, 0, NULL, NULL },
	{ "include with a minus", C1, NULL, U("inc-minus.example"), "fail", 1, 0, "-include:all-pass.example", NULL },
	{ "include of no policy", C1, NULL, U("inc-none.example"), "permerror", 1, 0, "", NULL },
	{ "include of no domain", C1, NULL, U("inc-nx.example"), "permerror", 1, 0, "", NULL },
	{ "include: temperror", C1, NULL, U("inc-temp.example"), "temperror", 1, 0, "", NULL },
	{ "include: permerror", C1, NULL, U("inc-perm.example"), "permerror", 1, 0, "", NULL },
	{ "include in include: temperror", C1, NULL, U("inc-deep-temp.example"), "temperror", 2, 0, "", NULL },
	{ "include of itself", C1, NULL, U("self.example"), "permerror", 10, 0, "", NULL },
	{ "redirect in an include", C1, NULL, U("inc-redirect.example"), "pass", 2, 0, "include:redirects.example", NULL },
	{ "redirect to no policy", C1, NULL, U("red-none.example"), "permerror", 1, 0, "", NULL },
	{ "redirect to itself", C1, NULL, U("red-loop.example"), "permerror", 10, 0, "", NULL },
	{ "redirect that is not reached is not counted", C1, NULL, U("red-unused.example"), "pass", 10, 0, NULL, NULL },
	{ "redirect beside all", C1, NULL, U("red-all.example"), "softfail", 0, 0, "~all", NULL },
	{ "redirect: temperror", C1, NULL, U("red-temp.example"), "temperror", 1, 0, "", NULL },
	{ "redirect with macros", C1, NULL, U("red-macro.example"), "pass", 1, 0, "ip4:192.0.2.1", NULL },

	{ "macros are not for ip4", C1, NULL, U("vendor.example"), "permerror", 1, 0, "", NULL },
	{ "nested macros of vendors", C1, NULL, U("nested.example"), "pass", 2, 0, NULL, NULL },
	{ "nested macros of vendors, IPv6", "2001:db8::1", NULL, U("nested.example"), "pass", 2, 0, NULL, NULL },
	{ "nested macros, by local part", C99, NULL, "news@nested.example", "pass", 3, 1, NULL, NULL },
	{ "nested macros, nobody", C99, NULL, U("nested.example"), "fail", 3, 2, NULL, NULL },
	{ "HELO in a macro", C1, "mail.helos.example", U("helos.example"), "pass", 1, 0, NULL, NULL },
	{ "HELO in a macro, another", C1, "mail2.helos.example", U("helos.example"), "fail", 1, 1, NULL, NULL },
	{ "%{d} within an include", C1, NULL, U("dscope.example"), "pass", 2, 0, NULL, NULL },
	{ "%{p}: a name below the domain", C1, NULL, U("pmacro.example"), "pass", 1, 0, NULL, NULL },
	{ "%{p}: the domain itself before a name below it", C1, NULL, U("psame.example"), "pass", 1, 0, NULL, NULL },
	{ "%{p}: no PTR record", C99, NULL, U("pmacro.example"), "pass", 1, 0, NULL, NULL },
	{ "%{p}: PTR times out", "192.0.2.9", NULL, U("pmacro.example"), "pass", 1, 0, NULL, NULL },
	{ "ptr", C1, NULL, U("ptr.example"), "pass", 1, 0, "ptr", NULL },
	{ "ptr: names that only look alike, or lie", C1, NULL, U("notptr.example"), "fail", 2, 0, "-all", NULL },
	{ "ptr times out: no match", "192.0.2.9", NULL, U("ptr.example"), "fail", 1, 0, "-all", NULL },
	{ "a name that cannot be one", C1, NULL, "a..b@brokenname.example", "fail", 1, 0, "-all", NULL },
	{ "spaces in a name", C1, NULL, "a b@brokenname.example", "fail", 1, 1, "-all", NULL },

	{ "IPv6, four IPv4-only MX are one void lookup", "2001:db8:6::1", NULL, U("v6.example"), "pass", 2, 2, NULL, NULL },
	{ "dual prefixes, IPv4", "192.0.2.77", NULL, U("dual.example"), "pass", 1, 0, NULL, NULL },
	{ "dual prefixes, IPv6", "2001:db8:5::77", NULL, U("dual.example"), "pass", 1, 0, NULL, NULL },
	{ "dual prefixes, IPv6 outside", "2001:db8:5:1::77", NULL, U("dual.example"), "fail", 1, 0, NULL, NULL },
	{ "mapped network, IPv4 client", C1, NULL, U("mapped.example"), "fail", 0, 0, NULL, NULL },
	{ "ip6 /0, IPv4 client", C1, NULL, U("anyv6.example"), "fail", 0, 0, NULL, NULL },
	{ "ip6 /0, IPv6 client", "2001:db8::1", NULL, U("anyv6.example"), "pass", 0, 0, NULL, NULL },

	{ "two void lookups", C1, NULL, U("void2.example"), "pass", 2, 2, NULL, NULL },
	{ "three void lookups", C1, NULL, U("void3.example"), "permerror", 3, 3, "", NULL },
	{ "the same void lookup thrice", C1, NULL, U("voidsame.example"), "permerror", 3, 3, "", NULL },
	{ "NODATA is void", C99, NULL, U("voidnodata.example"), "permerror", 3, 3, "", NULL },
	{ "void MX targets count once a term", C1, NULL, U("voidmx.example"), "pass", 2, 2, NULL, NULL },
	{ "one MX target is there", C1, NULL, U("mxhalf.example"), "pass", 1, 0, NULL, NULL },
	{ "void lookups across an include", C1, NULL, U("voidinc.example"), "permerror", 4, 3, "", NULL },
	{ "null MX", C1, NULL, U("nullmx.example"), "neutral", 1, 0, NULL, NULL },
	{ "ten MX", "192.0.2.11", NULL, U("mx10.example"), "pass", 1, 0, "mx", NULL },
	{ "eleven MX", "192.0.2.11", NULL, U("mx11.example"), "permerror", 1, 0, "", NULL },
	{ "MX target times out", "192.0.2.11", NULL, U("mxtemp.example"), "temperror", 1, 0, "", NULL },
	{ "a times out", C1, NULL, U("atemp.example"), "temperror", 1, 0, "", NULL },
	{ "a behind the match would time out", C1, NULL, U("abefore.example"), "pass", 0, 0, NULL, NULL },

	{ "explanation", C99, NULL, U("exp.example"), "fail", 0, 0, "-all",
	    "203.0.113.99 may not speak for user@exp.example, says exp.example to mx.receiver.example." },
	{ "no explanation of a pass", "192.0.2.200", NULL, U("exp.example"), "pass", 0, 0, NULL, NULL },
	{ "explanation of an include is not used", C99, NULL, U("expinc.example"), "fail", 1, 0, NULL, "Mine." },
	{ "explanation of what includes", C99, NULL, U("expinc2.example"), "fail", 1, 0, NULL, "Mine." },
	{ "explanation after redirect", C99, NULL, U("expred.example"), "fail", 1, 0, NULL,
	    "203.0.113.99 may not speak for user@expred.example, says exp.example to mx.receiver.example." },
	{ "explanation of a softfail", C99, NULL, U("expsoft.example"), "softfail", 0, 0, NULL, NULL },
	{ "explanation with a syntax error", C99, NULL, U("expbad.example"), "fail", 0, 0, NULL, NULL },
	{ "explanation void: not counted", C99, NULL, U("expvoid.example"), "fail", 2, 2, NULL, NULL },
	{ "explanation times out", C99, NULL, U("exptime.example"), "fail", 0, 0, NULL, NULL },
	{ "two explanations", C99, NULL, U("exptwo.example"), "fail", 0, 0, NULL, NULL },
	{ "validated name in an explanation", C1, NULL, U("expp.example"), "fail", 0, 0, NULL, "you are host.pmacro.example" },
	{ "8-bit local part in an explanation", C99, NULL, "j\xc3\xb6rg\x7f@exp.example", "fail", 0, 0, NULL,
	    "203.0.113.99 may not speak for j??rg?@exp.example, says exp.example to mx.receiver.example." },
};
const int verdict_row_count = sizeof(verdict_rows) / sizeof(verdict_rows[0]);
