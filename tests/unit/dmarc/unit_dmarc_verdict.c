#include "dmarc_test.h"

#include <stdio.h>

/*
 * Discovery, alignment and verdict, from the words of RFC 9989; the section stands beside each case.
 * R("example.org", "p=reject") is one line of DNS.
 */
#define R(domain, tags) "_dmarc." domain " TXT \"v=DMARC1; " tags "\"\n"
#define TXT(name, text) name " TXT \"" text "\"\n"
#define HOST(name) name " A 192.0.2.1\n"

struct row {
	const char *section, *what, *zone, *from, *facts, *want, *org;
};

static const struct row walks[] = {
	/* 4.10.1: where the record is found */
	{ "4.10.1", "at the author domain: p", R("example.com", "p=reject; sp=none"), "example.com", "", "reject p=reject at example.com", "example.com" },
	{ "4.10.1", "at the organizational domain: sp of an existing subdomain", R("example.com", "p=reject; sp=quarantine") HOST("a.example.com"),
	    "a.example.com", "", "quarantine sp=quarantine at example.com", "example.com" },
	{ "4.10.1", "absent sp: p", R("example.com", "p=reject") HOST("a.example.com"), "a.example.com", "", "reject p=reject at example.com", "example.com" },
	{ "4.10.1", "np of a subdomain that does not exist", R("example.com", "p=none; sp=quarantine; np=reject"),
	    "a.example.com", "", "reject np=reject at example.com", "example.com" },
	{ "4.7", "np is not for existing ones", R("example.com", "p=none; sp=quarantine; np=reject") HOST("a.example.com"),
	    "a.example.com", "", "quarantine sp=quarantine at example.com", "example.com" },
	{ "3.2.13", "NODATA is existence", R("example.com", "p=none; np=reject") "a.example.com NODATA\n", "a.example.com", "", "none p=none at example.com", "example.com" },
	{ "3.2.13", "an empty non-terminal exists", R("example.com", "p=none; np=reject") HOST("x.a.example.com"), "a.example.com", "", "none p=none at example.com", "example.com" },
	{ "3.2.13", "a wildcard makes names exist", R("example.com", "p=none; np=reject") HOST("*.example.com"), "a.example.com", "", "none p=none at example.com", "example.com" },
	{ "4.7", "np absent: sp", R("example.com", "p=reject; sp=none"), "a.example.com", "", "none sp=none at example.com", "example.com" },
	{ "4.7", "np absent, sp absent: p", R("example.com", "p=quarantine"), "a.example.com", "", "quarantine p=quarantine at example.com", "example.com" },
	{ "4.7", "np does not touch the domain itself", R("example.com", "p=none; np=reject"), "example.com", "", "none p=none at example.com", "example.com" },
	{ "4.10.1", "the author domain's own record beats the organizational one", R("a.example.com", "p=none") R("example.com", "p=reject"),
	    "a.example.com", "", "none p=none at a.example.com", "example.com" },
	{ "4.7", "sp of a subdomain's record is for nobody", R("a.example.com", "p=reject; sp=none") R("example.com", "p=quarantine"),
	    "b.a.example.com", "", "quarantine p=quarantine at example.com", "example.com" },
	{ "4.10.1", "no record: DMARC does not apply", HOST("example.com"), "example.com", "dkim=pass:example.com", "norecord", "example.com" },
	{ "4.10.1", "no record, nor the domain", "", "example.com", "", "norecord", "example.com" },
	{ "4.10.1", "a name of one label", "", "localhost", "", "norecord", "localhost" },
	{ "4.10.1", "a record at the top-level domain itself", R("com", "p=reject"), "com", "", "reject p=reject at com", "com" },
	{ "4.10.1", "the public suffix domain: sp", R("com", "psd=y; p=none; sp=quarantine; np=reject") HOST("example.com"),
	    "example.com", "", "quarantine sp=quarantine at com", "example.com" },
	{ "4.10.1", "the public suffix domain: np on NXDOMAIN", R("com", "psd=y; p=none; sp=quarantine; np=reject"),
	    "example.com", "", "reject np=reject at com", "example.com" },
	{ "4.10.1", "PSD policy is not used where the organizational domain has one", R("com", "psd=y; p=reject") R("example.com", "p=none"),
	    "a.example.com", "", "none p=none at example.com", "example.com" },
	{ "4.10.1", "nor for what lies between", R("com", "psd=y; p=reject") R("b.example.com", "p=none") HOST("a.b.example.com"),
	    "a.b.example.com", "", "reject p=reject at com", "example.com" },
	{ "4.10.1", "the PSD as author", R("co.uk", "psd=y; p=reject; sp=none"), "co.uk", "", "reject p=reject at co.uk", "co.uk" },
	{ "4.10.1", "no valid p and no rua: no processing, and no look higher up", R("a.example.com", "p=bogus") R("example.com", "p=reject"),
	    "a.example.com", "", "norecord at a.example.com", "example.com" },
	{ "4.10.1", "no valid p but a rua: p=none", R("example.com", "p=bogus; rua=mailto:a@b.example"), "example.com", "", "none p=none at example.com", "example.com" },
	{ "4.10.1", "no p at all but a rua: p=none", R("example.com", "rua=mailto:a@b.example"), "example.com", "", "none p=none at example.com", "example.com" },
	{ "4.10.1", "and it can pass", R("example.com", "rua=mailto:a@b.example"), "example.com", "dkim=pass:example.com", "accept p=none at example.com", "example.com" },
	{ "4.10.1", "wrong sp, rua: p=none", R("example.com", "p=reject; sp=x; rua=mailto:a@b.example"), "example.com", "", "none p=none at example.com", "example.com" },
	{ "4.10.1", "wrong np, no rua: no processing", R("example.com", "p=reject; np=x"), "example.com", "", "norecord at example.com", "example.com" },

	/* 4.10 steps 2 and 6: what is discarded */
	{ "4.10", "other texts at the name are discarded", TXT("_dmarc.example.com", "v=spf1 -all") R("example.com", "p=reject"),
	    "example.com", "", "reject p=reject at example.com", "example.com" },
	{ "4.10", "two records: both are discarded", R("example.com", "p=reject") R("example.com", "p=none"), "example.com", "", "norecord", "example.com" },
	{ "4.10", "two equal records: both are discarded", R("example.com", "p=reject; x=1") R("example.com", "p=reject; x=2"), "example.com", "", "norecord", "example.com" },
	{ "4.10", "two at the author domain: the walk goes on", R("a.example.com", "p=none") R("a.example.com", "p=none; t=y") R("example.com", "p=reject") HOST("a.example.com"),
	    "a.example.com", "", "reject p=reject at example.com", "example.com" },
	{ "4.10", "a broken one and a good one are two", TXT("_dmarc.example.com", "v=DMARC1; p=none; p=none") R("example.com", "p=reject"),
	    "example.com", "", "norecord", "example.com" },
	{ "4.10", "a psd=n among two does not stop", R("b.example.com", "psd=n; p=none") R("b.example.com", "p=none") R("example.com", "p=reject") HOST("a.b.example.com"),
	    "a.b.example.com", "", "reject p=reject at example.com", "example.com" },
	{ "4.7", "v=dmarc1 is none", TXT("_dmarc.example.com", "v=dmarc1; p=reject"), "example.com", "", "norecord", "example.com" },
	{ "4.5", "strings are joined", "_dmarc.example.com TXT \"v=DMA\" \"RC1; p=rej\" \"ect\"\n", "example.com", "", "reject p=reject at example.com", "example.com" },
	{ "4.5", "a record behind a CNAME", "_dmarc.example.com CNAME d.example.net\nd.example.net TXT \"v=DMARC1; p=reject\"\n",
	    "example.com", "", "reject p=reject at example.com", "example.com" },

	/* 4.10: the names that are asked */
	{ "4.10", "thirteen labels: the record at six is found", R("h.i.j.mail.example.com", "p=reject; psd=n"),
	    "a.b.c.d.e.f.g.h.i.j.mail.example.com", "", "reject p=reject at h.i.j.mail.example.com", "h.i.j.mail.example.com" },
	{ "4.10", "thirteen labels: at seven too", R("g.h.i.j.mail.example.com", "p=reject; psd=n"),
	    "a.b.c.d.e.f.g.h.i.j.mail.example.com", "", "reject p=reject at g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com" },
	{ "4.10", "thirteen labels: never at eight", R("f.g.h.i.j.mail.example.com", "p=reject; psd=n"),
	    "a.b.c.d.e.f.g.h.i.j.mail.example.com", "", "norecord", "a.b.c.d.e.f.g.h.i.j.mail.example.com" },
	{ "4.10", "thirteen labels: at the start", R("a.b.c.d.e.f.g.h.i.j.mail.example.com", "p=reject"),
	    "a.b.c.d.e.f.g.h.i.j.mail.example.com", "", "reject p=reject at a.b.c.d.e.f.g.h.i.j.mail.example.com", "a.b.c.d.e.f.g.h.i.j.mail.example.com" },
	{ "5.1.8", "the zone cut that is never seen", R("b.c.d.e.f.g.example.com", "p=none; psd=n") R("example.com", "p=reject"),
	    "mail.a.b.c.d.e.f.g.example.com", "", "reject p=reject at example.com", "example.com" },
	{ "4.10", "eight labels: all of them are asked", R("b.c.d.e.f.example.com", "p=reject; psd=n"), "a.b.c.d.e.f.example.com", "", "reject p=reject at b.c.d.e.f.example.com", "b.c.d.e.f.example.com" },
	{ "4.10", "nine labels: eight is left out", R("b.c.d.e.f.g.example.com", "p=reject; psd=n"), "a.b.c.d.e.f.g.example.com", "", "norecord", "a.b.c.d.e.f.g.example.com" },

	/* 4.10.2: the organizational domain, examples of the text */
	{ "4.10.2", "records at mail.example.com and example.com: example.com", R("mail.example.com", "p=none") R("example.com", "p=reject") HOST("a.mail.example.com"),
	    "a.mail.example.com", "", "reject p=reject at example.com", "example.com" },
	{ "4.10.2", "psd=n at mail.example.com: mail.example.com", R("mail.example.com", "p=none; psd=n") R("example.com", "p=reject"),
	    "a.mail.example.com", "", "none p=none at mail.example.com", "mail.example.com" },
	{ "4.10.2", "only com, with psd=y: example.com", R("com", "p=none; psd=y"), "a.mail.example.com", "", "none p=none at com", "example.com" },
	{ "4.10.2", "psd=y at example.com: mail.example.com is one label below", R("example.com", "p=reject; psd=y") HOST("mail.example.com"),
	    "mail.example.com", "", "reject p=reject at example.com", "mail.example.com" },
	{ "4.10.2", "psd=y where the walk started does not push it down", R("example.com", "p=reject; psd=y"), "example.com", "", "reject p=reject at example.com", "example.com" },
	{ "4.10.2", "psd=n at the start", R("a.example.com", "p=none; psd=n") R("example.com", "p=reject"), "a.example.com", "", "none p=none at a.example.com", "a.example.com" },
	{ "4.10.2", "psd=y stops the walk: uk is not looked at", R("co.uk", "p=none; psd=y") R("uk", "p=reject; psd=y"), "a.example.co.uk", "", "none p=none at co.uk", "example.co.uk" },
	{ "4.10.2", "psd=n stops the walk", R("a.example.com", "p=none; psd=n") R("com", "p=reject; psd=y"), "b.a.example.com", "", "none p=none at a.example.com", "a.example.com" },
	{ "4.10.2", "a top-level domain that forgot psd=y is taken at its word", R("com", "p=none") R("example.com", "p=reject"), "a.example.com", "", "none p=none at com", "com" },
	{ "4.10.2", "psd=y far up a long name: one label below it, of the start", R("g.h.i.j.mail.example.com", "p=none; psd=y"),
	    "a.b.c.d.e.f.g.h.i.j.mail.example.com", "", "none p=none at g.h.i.j.mail.example.com", "f.g.h.i.j.mail.example.com" },

	/* t= */
	{ "4.7", "t=y: reject becomes quarantine", R("example.com", "p=reject; t=y"), "example.com", "", "quarantine p=reject->quarantine at example.com", "example.com" },
	{ "4.7", "t=y: quarantine becomes none", R("example.com", "p=quarantine; t=y"), "example.com", "", "none p=quarantine->none at example.com", "example.com" },
	{ "4.7", "t=y has no effect on none", R("example.com", "p=none; t=y"), "example.com", "", "none p=none at example.com", "example.com" },
	{ "4.7", "t=y and sp", R("example.com", "p=none; sp=reject; t=y") HOST("a.example.com"), "a.example.com", "", "quarantine sp=reject->quarantine at example.com", "example.com" },
	{ "4.7", "t=y and np", R("example.com", "p=none; np=reject; t=y"), "a.example.com", "", "quarantine np=reject->quarantine at example.com", "example.com" },
	{ "4.7", "t=y of a message that passes", R("example.com", "p=reject; t=y"), "example.com", "dkim=pass:example.com", "accept p=reject->quarantine at example.com", "example.com" },
	{ "9.3", "pct is not obeyed", R("example.com", "p=reject; pct=0"), "example.com", "", "reject p=reject at example.com", "example.com" },

	/* 5.3.6: DNS trouble is neither pass nor fail */
	{ "5.3.6", "the author domain's question times out", "_dmarc.example.com TIMEOUT\n", "example.com", "dkim=pass:example.com", "temperror", "" },
	{ "5.3.6", "SERVFAIL", "_dmarc.example.com SERVFAIL\n", "example.com", "", "temperror", "" },
	{ "5.3.6", "trouble further up, no record below", "_dmarc.example.com SERVFAIL\n" HOST("a.example.com"), "a.example.com", "", "temperror", "" },
	{ "5.3.6", "trouble above a psd=n is nobody's", R("example.com", "p=reject; psd=n") "_dmarc.com SERVFAIL\n", "a.example.com", "", "reject p=reject at example.com", "example.com" },
	{ "5.3.6", "trouble above the record, identical identifier: not needed", R("example.com", "p=reject") "_dmarc.com SERVFAIL\n",
	    "example.com", "dkim=pass:example.com", "accept p=reject at example.com", "" },
	{ "5.3.6", "trouble above the record, nothing passed: not needed", R("example.com", "p=reject") "_dmarc.com SERVFAIL\n", "example.com", "", "reject p=reject at example.com", "" },
	{ "5.3.6", "trouble above the record, a subdomain passed: needed", R("example.com", "p=reject") "_dmarc.com SERVFAIL\n",
	    "example.com", "dkim=pass:a.example.com", "temperror at example.com", "" },
	{ "5.3.6", "strict: never needed", R("example.com", "p=reject; adkim=s; aspf=s") "_dmarc.com SERVFAIL\n",
	    "example.com", "dkim=pass:a.example.com spf=pass:b.example.com", "reject p=reject at example.com", "" },
	{ "5.3.6", "trouble of an identifier's walk", R("example.com", "p=reject") "_dmarc.a.example.com TIMEOUT\n",
	    "example.com", "dkim=pass:a.example.com", "temperror at example.com", "example.com" },
	{ "5.3.6", "trouble of one, pass of another", R("example.com", "p=reject") "_dmarc.a.example.com TIMEOUT\n",
	    "example.com", "dkim=pass:a.example.com spf=pass:b.example.com", "accept p=reject at example.com", "example.com" },
	{ "5.3.6", "a stranger's trouble cannot hide a failure", R("example.com", "p=reject") "_dmarc.evil.net TIMEOUT\n_dmarc.net TIMEOUT\n",
	    "example.com", "dkim=pass:evil.net", "reject p=reject at example.com", "example.com" },
	{ "5.3.6", "not even under the same top-level domain", R("example.com", "p=reject") "_dmarc.evil.com TIMEOUT\n",
	    "example.com", "dkim=pass:evil.com", "reject p=reject at example.com", "example.com" },
	{ "5.3.6", "temperror of an aligned DKIM domain", R("example.com", "p=reject"), "example.com", "dkim=temperror:example.com", "temperror at example.com", "example.com" },
	{ "5.3.6", "temperror of SPF for an aligned domain", R("example.com", "p=reject"), "example.com", "spf=temperror:bounce.example.com", "temperror at example.com", "example.com" },
	{ "5.3.6", "temperror of SPF under aspf=s for another", R("example.com", "p=reject; aspf=s"), "example.com", "spf=temperror:bounce.example.com", "reject p=reject at example.com", "example.com" },
	{ "5.3.6", "temperror of a stranger", R("example.com", "p=reject"), "example.com", "dkim=temperror:evil.net spf=temperror:evil.net", "reject p=reject at example.com", "example.com" },
	{ "5.3.6", "temperror beside an aligned pass", R("example.com", "p=reject"), "example.com", "dkim=temperror:example.com spf=pass:example.com", "accept p=reject at example.com", "example.com" },
	{ "5.3.6", "permerror is not temperror", R("example.com", "p=reject"), "example.com", "dkim=permerror:example.com spf=permerror:example.com", "reject p=reject at example.com", "example.com" },
	{ "5.3.6", "existence cannot be told, and would matter", R("example.com", "p=none; np=reject") "a.example.com TIMEOUT\n", "a.example.com", "", "temperror at example.com", "example.com" },
	{ "5.3.6", "existence cannot be told, and does not matter", R("example.com", "p=reject") "a.example.com TIMEOUT\n", "a.example.com", "", "reject p=reject at example.com", "example.com" },
	{ "5.3.6", "existence cannot be told of a message that passes", R("example.com", "p=none; np=reject") "a.example.com TIMEOUT\n", "a.example.com", "dkim=pass:example.com", "accept p=none at example.com", "example.com" },

	/* 4.4, table 1, and 4.10.2: alignment */
	{ "4.4", "foo and news: the same organizational domain", R("example.com", "p=reject"), "news.example.com", "dkim=pass:foo.example.com", "accept p=reject at example.com", "example.com" },
	{ "4.4", "news and news: identical", R("example.com", "p=reject; adkim=s"), "news.example.com", "dkim=pass:news.example.com", "accept p=reject at example.com", "example.com" },
	{ "4.4", "foo.example.net and news.example.com: none", R("example.com", "p=reject") R("example.net", "p=reject"), "news.example.com", "dkim=pass:foo.example.net", "reject p=reject at example.com", "example.com" },
	{ "4.4", "case does not matter", R("example.com", "p=reject; adkim=s"), "example.com", "dkim=pass:EXAMPLE.com", "accept p=reject at example.com", "example.com" },
	{ "3.2.10.2", "strict: a subdomain is not identical", R("example.com", "p=reject; adkim=s"), "example.com", "dkim=pass:a.example.com", "reject p=reject at example.com", "example.com" },
	{ "3.2.10.2", "strict: a parent is not identical", R("example.com", "p=reject; adkim=s"), "a.example.com", "dkim=pass:example.com", "reject p=reject at example.com", "example.com" },
	{ "4.7", "adkim=s leaves SPF relaxed", R("example.com", "p=reject; adkim=s"), "example.com", "dkim=pass:a.example.com spf=pass:b.example.com", "accept p=reject at example.com", "example.com" },
	{ "4.7", "aspf=s leaves DKIM relaxed", R("example.com", "p=reject; aspf=s"), "example.com", "spf=pass:a.example.com dkim=pass:b.example.com", "accept p=reject at example.com", "example.com" },
	{ "4.7", "aspf=s", R("example.com", "p=reject; aspf=s"), "example.com", "spf=pass:a.example.com", "reject p=reject at example.com", "example.com" },
	{ "4.4", "relaxed: parent", R("example.com", "p=reject"), "a.example.com", "spf=pass:example.com", "accept p=reject at example.com", "example.com" },
	{ "4.4", "relaxed: a deeper one", R("example.com", "p=reject"), "example.com", "spf=pass:x.y.z.example.com", "accept p=reject at example.com", "example.com" },
	{ "4.4", "relaxed: a name that merely ends alike", R("example.com", "p=reject"), "example.com", "dkim=pass:badexample.com", "reject p=reject at example.com", "example.com" },
	{ "4.4", "relaxed: a name that merely begins alike", R("example.com", "p=reject"), "example.com", "dkim=pass:example.com.evil.net", "reject p=reject at example.com", "example.com" },
	{ "4.4", "one-letter labels: t.co and a.t.co", R("t.co", "p=reject"), "t.co", "dkim=pass:a.t.co", "accept p=reject at t.co", "t.co" },
	{ "4.4", "one-letter labels: x.com and t.com", R("x.com", "p=reject"), "x.com", "dkim=pass:t.com", "reject p=reject at x.com", "x.com" },
	{ "4.10.2", "the identifier's psd=n cuts it off", R("example.com", "p=reject") R("a.example.com", "p=none; psd=n"), "example.com", "dkim=pass:a.example.com", "reject p=reject at example.com", "example.com" },
	{ "4.10.2", "the author's psd=n cuts it off", R("example.com", "p=none") R("a.example.com", "p=reject; psd=n"), "a.example.com", "dkim=pass:example.com", "reject p=reject at a.example.com", "a.example.com" },
	{ "4.10.2", "two within one psd=n", R("dept.example.com", "p=reject; psd=n"), "a.dept.example.com", "dkim=pass:b.dept.example.com", "accept p=reject at dept.example.com", "dept.example.com" },
	{ "4.10.2", "siblings of two psd=n", R("x.example.com", "p=reject; psd=n") R("y.example.com", "p=reject; psd=n"), "x.example.com", "dkim=pass:y.example.com", "reject p=reject at x.example.com", "x.example.com" },
	{ "4.10.2", "siblings below a psd=y are strangers", R("hosting.example", "p=reject; psd=y") HOST("x.hosting.example"), "x.hosting.example", "dkim=pass:y.hosting.example", "reject p=reject at hosting.example", "x.hosting.example" },
	{ "4.10.2", "the public suffix itself is not aligned with what is below", R("hosting.example", "p=reject; psd=y") HOST("x.hosting.example"), "x.hosting.example", "dkim=pass:hosting.example", "reject p=reject at hosting.example", "x.hosting.example" },
	{ "4.10.2", "nor the other way round", R("hosting.example", "p=reject; psd=y"), "hosting.example", "dkim=pass:x.hosting.example", "reject p=reject at hosting.example", "hosting.example" },
	{ "4.10.2", "two names below one below a psd=y", R("hosting.example", "p=reject; psd=y") HOST("a.x.hosting.example"), "a.x.hosting.example", "dkim=pass:b.x.hosting.example", "accept p=reject at hosting.example", "x.hosting.example" },
	{ "4.10.2", "an identifier's deeper record does not part it", R("example.com", "p=reject") R("a.example.com", "p=none"), "example.com", "dkim=pass:b.a.example.com", "accept p=reject at example.com", "example.com" },
	{ "4.10.2", "a record that cannot be applied still marks its place", R("a.example.com", "p=reject") TXT("_dmarc.example.com", "v=DMARC1"), "a.example.com", "dkim=pass:b.example.com", "accept p=reject at a.example.com", "example.com" },
	{ "4.10.2", "no record above: the author domain is alone", R("a.example.com", "p=reject"), "a.example.com", "dkim=pass:example.com", "reject p=reject at a.example.com", "a.example.com" },
	{ "4.10.2", "no record above: below is aligned", R("a.example.com", "p=reject"), "a.example.com", "dkim=pass:x.a.example.com", "accept p=reject at a.example.com", "a.example.com" },
	{ "4.10.2", "author above eight labels: its organizational domain is found", R("example.com", "p=reject"), "a.b.c.d.e.f.g.example.com", "dkim=pass:example.com", "accept p=reject at example.com", "example.com" },
	{ "4.10.2", "identifier above eight labels", R("example.com", "p=reject"), "example.com", "dkim=pass:a.b.c.d.e.f.g.example.com", "accept p=reject at example.com", "example.com" },
	{ "4.10.2", "a top-level record without psd joins strangers, as it says", R("com", "p=none"), "a.com", "dkim=pass:b.com", "accept p=none at com", "com" },

	/* Appendix B.1: SPF and DKIM, strict, relaxed, none */
	{ "B.1.1", "example 1", R("example.com", "p=reject; aspf=s"), "example.com", "spf=pass:example.com", "accept p=reject at example.com", "example.com" },
	{ "B.1.1", "example 2", R("example.com", "p=reject"), "example.com", "spf=pass:child.example.com", "accept p=reject at example.com", "example.com" },
	{ "B.1.1", "example 3", R("example.com", "p=reject"), "child.example.com", "spf=pass:example.net", "reject p=reject at example.com", "example.com" },
	{ "B.1.2", "example 1", R("example.com", "p=reject; adkim=s"), "example.com", "dkim=pass:example.com", "accept p=reject at example.com", "example.com" },
	{ "B.1.2", "example 2", R("example.com", "p=reject"), "child.example.com", "dkim=pass:example.com", "accept p=reject at example.com", "example.com" },
	{ "B.1.2", "example 3", R("example.com", "p=reject"), "child.example.com", "dkim=pass:example.net", "reject p=reject at example.com", "example.com" },
	/* Appendix B.4 */
	{ "B.4.1", "SPF is aligned", R("example.com", "p=reject") R("signing.example.com", "p=none"), "example.com", "spf=pass:example.com", "accept p=reject at example.com", "example.com" },
	{ "B.4.1", "DKIM is aligned", R("example.com", "p=reject") R("signing.example.com", "p=none"), "example.com", "dkim=pass:signing.example.com", "accept p=reject at example.com", "example.com" },
	{ "B.4.2", "SPF is aligned", R("example.com", "p=reject") R("signing.example.com", "p=none"), "a.b.c.d.e.f.g.h.i.j.k.example.com", "spf=pass:example.com", "accept p=reject at example.com", "example.com" },
	{ "B.4.2", "DKIM is aligned", R("example.com", "p=reject") R("signing.example.com", "p=none"), "a.b.c.d.e.f.g.h.i.j.k.example.com", "dkim=pass:signing.example.com", "accept p=reject at example.com", "example.com" },
	{ "B.4.2", "the policy is example.com's", R("example.com", "p=reject") R("signing.example.com", "p=none"), "a.b.c.d.e.f.g.h.i.j.k.example.com", "", "reject p=reject at example.com", "example.com" },
	{ "B.4.3", "SPF is aligned", R("giant.bank.example", "p=reject") R("bank.example", "p=none; psd=y"), "giant.bank.example", "spf=pass:mail.giant.bank.example", "accept p=reject at giant.bank.example", "giant.bank.example" },
	{ "B.4.3", "DKIM is not", R("giant.bank.example", "p=reject") R("bank.example", "p=none; psd=y"), "giant.bank.example", "dkim=pass:mail.mega.bank.example", "reject p=reject at giant.bank.example", "giant.bank.example" },
	{ "11.8", "psd=n against a parent without psd=y", R("example.com", "p=reject; psd=n") R("com", "p=none"), "evil.com", "dkim=pass:example.com", "none p=none at com", "com" },
	{ "11.8", "and its own mail", R("example.com", "p=reject; psd=n") R("com", "p=none"), "example.com", "dkim=pass:evil.com", "reject p=reject at example.com", "example.com" },

	/* 4.4.1, 4.4.2: which results count */
	{ "4.4.1", "any one DKIM domain is enough", R("example.com", "p=reject"), "example.com",
	    "dkim=fail:example.com dkim=pass:list.example.net dkim=pass:example.com", "accept p=reject at example.com", "example.com" },
	{ "4.4.1", "a failed signature of the right domain is nothing", R("example.com", "p=reject"), "example.com", "dkim=fail:example.com", "reject p=reject at example.com", "example.com" },
	{ "4.4.1", "a failed right one and a passing wrong one are nothing together", R("example.com", "p=reject"), "example.com", "dkim=fail:example.com dkim=pass:evil.net", "reject p=reject at example.com", "example.com" },
	{ "4.4.1", "neutral, none and policy are no pass", R("example.com", "p=reject"), "example.com", "dkim=neutral:example.com dkim=none:example.com dkim=policy:example.com", "reject p=reject at example.com", "example.com" },
	{ "4.4.1", "a pass that is not to be built on (l=)", R("example.com", "p=reject"), "example.com", "dkim=pass:!example.com", "reject p=reject at example.com", "example.com" },
	{ "4.4.2", "SPF of the MAIL FROM identity", R("example.com", "p=reject"), "example.com", "spf=pass:example.com", "accept p=reject at example.com", "example.com" },
	{ "4.4.2", "SPF of the HELO identity is no input", R("example.com", "p=reject"), "example.com", "spf=pass:@example.com", "reject p=reject at example.com", "example.com" },
	{ "4.4.2", "a temperror of the HELO identity neither", R("example.com", "p=reject"), "example.com", "spf=temperror:@example.com", "reject p=reject at example.com", "example.com" },
	{ "4.4.2", "softfail is no pass", R("example.com", "p=reject"), "example.com", "spf=softfail:example.com", "reject p=reject at example.com", "example.com" },
	{ "4.4.2", "neutral is no pass", R("example.com", "p=none"), "example.com", "spf=neutral:example.com", "none p=none at example.com", "example.com" },
	{ "5.3.5", "results of other methods count for nothing", R("example.com", "p=reject"), "example.com", "arc=pass:example.com auth=pass:example.com", "reject p=reject at example.com", "example.com" },

	/* 5.3.1: the author domain */
	{ "5.3.1", "no author domain", R("example.com", "p=reject"), "", "dkim=pass:example.com", "nofrom", "" },
	{ "5.3.1", "an address literal is no domain", "", "[192.0.2.1]", "spf=pass:example.com", "nofrom", "" },
	{ "5.3.1", "A-labels of a U-label author", R("xn--bcher-kva.example", "p=reject"), "xn--bcher-kva.example", "dkim=pass:mail.xn--bcher-kva.example", "accept p=reject at xn--bcher-kva.example", "xn--bcher-kva.example" },
};

static void
check_row(const struct row *row, struct dmarc_test *t)
{
	t->zone = row->zone;
	t->from = row->from;
	t->facts = row->facts;
	struct dmarc_tested d = dmarc_test_run(t);
	const char *got = dmarc_test_text(d.result, d.arena);

	ck_assert_msg(view_is(view_of(got), row->want), "%s, %s:\n got %s (%.*s)\nwant %s", row->section, row->what, got,
	    VIEW_ARG(d.result->text), row->want);
	ck_assert_msg(row->org[0] == '\0' || view_is(d.result->org_domain, row->org), "%s, %s: org %.*s, not %s", row->section,
	    row->what, VIEW_ARG(d.result->org_domain), row->org);
	dmarc_test_end(&d);
}

START_TEST(walk_table)
{
	struct dmarc_test t = { .conf = dmarc_test_presets(NULL) };

	check_row(&walks[_i], &t);
}
END_TEST

/* RFC 7489 with a public suffix list. */
static const struct row lists[] = {
	{ "7489 6.6.3", "at the author domain", R("a.example.com", "p=none") R("example.com", "p=reject"), "a.example.com", "", "none p=none at a.example.com", "example.com" },
	{ "7489 6.6.3", "at the organizational domain", R("example.com", "p=reject; sp=quarantine") HOST("b.a.example.com"), "b.a.example.com", "", "quarantine sp=quarantine at example.com", "example.com" },
	{ "7489 6.6.3", "never between", R("a.example.com", "p=reject"), "b.a.example.com", "", "norecord", "example.com" },
	{ "7489 6.6.3", "never at the suffix", R("com", "p=reject; psd=y"), "example.com", "", "norecord", "example.com" },
	{ "7489 3.2", "a suffix of two labels", R("example.co.uk", "p=reject"), "a.example.co.uk", "dkim=pass:b.example.co.uk", "accept p=reject at example.co.uk", "example.co.uk" },
	{ "7489 3.2", "siblings below a suffix are strangers", R("a.co.uk", "p=reject") R("co.uk", "p=none"), "a.co.uk", "dkim=pass:b.co.uk", "reject p=reject at a.co.uk", "a.co.uk" },
	{ "7489 3.2", "the suffix itself is not aligned", R("a.co.uk", "p=reject"), "a.co.uk", "dkim=pass:co.uk", "reject p=reject at a.co.uk", "a.co.uk" },
	{ "7489 3.2", "a private suffix", R("x.blogspot.com", "p=reject"), "x.blogspot.com", "dkim=pass:y.blogspot.com", "reject p=reject at x.blogspot.com", "x.blogspot.com" },
	{ "7489 3.2", "a wildcard rule", R("a.b.ck", "p=reject"), "x.a.b.ck", "dkim=pass:a.b.ck", "accept p=reject at a.b.ck", "a.b.ck" },
	{ "7489 3.2", "an exception rule", R("www.ck", "p=reject"), "a.www.ck", "dkim=pass:b.www.ck", "accept p=reject at www.ck", "www.ck" },
	{ "7489 3.2", "an unknown top-level domain", R("example.zz", "p=reject"), "a.example.zz", "dkim=pass:example.zz", "accept p=reject at example.zz", "example.zz" },
	{ "7489 3.2", "a U-label rule", R("a.xn--55qx5d.cn", "p=reject"), "a.xn--55qx5d.cn", "dkim=pass:b.xn--55qx5d.cn", "reject p=reject at a.xn--55qx5d.cn", "a.xn--55qx5d.cn" },
	{ "7489 3.1", "strict", R("example.com", "p=reject; adkim=s"), "example.com", "dkim=pass:a.example.com", "reject p=reject at example.com", "example.com" },
	{ "7489 6.6.3", "two records are none", R("example.com", "p=reject") R("example.com", "p=none"), "example.com", "", "norecord", "example.com" },
	{ "7489 6.6.3", "trouble", "_dmarc.example.com TIMEOUT\n", "a.example.com", "", "temperror", "example.com" },
	{ "7489 6.6.3", "trouble that is not needed", R("a.example.com", "p=reject") "_dmarc.example.com TIMEOUT\n", "a.example.com", "dkim=pass:example.com", "accept p=reject at a.example.com", "example.com" },
	{ "9091", "np where the domain is not there", R("example.com", "p=none; np=reject"), "a.example.com", "", "reject np=reject at example.com", "example.com" },
	{ "7489 6.3", "pct alone is not obeyed", R("example.com", "p=reject; pct=0"), "example.com", "", "reject p=reject at example.com", "example.com" },
};

START_TEST(list_table)
{
	struct dmarc_test t = { .conf = dmarc_test_presets(NULL) };

	t.list = dmarc_test_list;
	t.conf.discovery = DMARC_PSL;
	check_row(&lists[_i], &t);
}
END_TEST

/* RFC 7489 6.6.4, asked for by honour-pct. */
static const struct {
	const char *tags;
	unsigned draw;
	const char *want;
} samples[] = {
	{ "p=reject; pct=100", 99, "reject p=reject at example.com" },
	{ "p=reject", 99, "reject p=reject at example.com" },
	{ "p=reject; pct=20", 19, "reject p=reject at example.com" },
	{ "p=reject; pct=20", 20, "quarantine p=reject->quarantine at example.com" },
	{ "p=quarantine; pct=20", 20, "none p=quarantine->none at example.com" },
	{ "p=none; pct=20", 20, "none p=none at example.com" },
	{ "p=reject; pct=0", 0, "quarantine p=reject->quarantine at example.com" },
	{ "p=reject; pct=0; t=y", 0, "quarantine p=reject->quarantine at example.com" },
	{ "p=reject; pct=x", 99, "reject p=reject at example.com" },
};

START_TEST(pct_table)
{
	struct dmarc_test t = { .conf = dmarc_test_presets(NULL), .draw = samples[_i].draw };
	char zone[200];

	snprintf(zone, sizeof(zone), "_dmarc.example.com TXT \"v=DMARC1; %s\"\n", samples[_i].tags);
	const struct row row = { "7489 6.6.4", samples[_i].tags, zone, "example.com", "", samples[_i].want, "example.com" };
	t.list = dmarc_test_list;
	t.conf.discovery = DMARC_PSL;
	t.conf.honour_pct = true;
	check_row(&row, &t);
}
END_TEST

/* 11.5: several author domains. */
static const struct {
	int policy;
	struct row row;
} several[] = {
	{ DMARC_SEVERAL_REJECT, { "11.5", "reject, whatever they publish", "", "a.example b.example", "", "reject", "" } },
	{ DMARC_SEVERAL_REJECT, { "11.5", "reject, even if one passes", R("a.example", "p=none"), "a.example b.example", "dkim=pass:a.example", "reject", "" } },
	{ DMARC_SEVERAL_NONE, { "5.3.1", "none: the process terminates", R("a.example", "p=reject"), "a.example b.example", "", "nofrom", "" } },
	{ DMARC_SEVERAL_STRICTEST, { "11.5", "strictest: reject above quarantine", R("a.example", "p=quarantine") R("b.example", "p=reject"), "a.example b.example", "", "reject p=reject at b.example", "" } },
	{ DMARC_SEVERAL_STRICTEST, { "11.5", "strictest: the order of the addresses does not matter", R("a.example", "p=quarantine") R("b.example", "p=reject"), "b.example a.example", "", "reject p=reject at b.example", "" } },
	{ DMARC_SEVERAL_STRICTEST, { "11.5", "strictest: among those that fail", R("a.example", "p=none") R("b.example", "p=reject"), "a.example b.example", "dkim=pass:b.example", "none p=none at a.example", "" } },
	{ DMARC_SEVERAL_STRICTEST, { "11.5", "strictest: one passes, the other has no record", R("b.example", "p=reject"), "a.example b.example", "dkim=pass:b.example", "norecord", "" } },
	{ DMARC_SEVERAL_STRICTEST, { "11.5", "strictest: all pass", R("a.example", "p=reject") R("b.example", "p=reject"), "a.example b.example", "dkim=pass:a.example spf=pass:b.example", "accept p=reject at a.example", "" } },
	{ DMARC_SEVERAL_STRICTEST, { "11.5", "strictest: trouble of one, reject of the other", R("a.example", "p=reject") "_dmarc.b.example TIMEOUT\n", "a.example b.example", "", "reject p=reject at a.example", "" } },
	{ DMARC_SEVERAL_STRICTEST, { "5.3.6", "strictest: trouble of one, pass of the other", R("a.example", "p=reject") "_dmarc.b.example TIMEOUT\n", "a.example b.example", "dkim=pass:a.example", "temperror", "" } },
	{ DMARC_SEVERAL_STRICTEST, { "11.5", "strictest: too many to look at", R("a.example", "p=none"), "a.example b.example c.example d.example e.example f.example", "", "reject", "" } },
	{ DMARC_SEVERAL_STRICTEST, { "11.5", "strictest: an address literal among them", R("a.example", "p=none"), "a.example [192.0.2.1]", "", "reject", "" } },
};

START_TEST(several_table)
{
	struct dmarc_test t = { .conf = dmarc_test_presets(NULL) };

	t.conf.several_from = several[_i].policy;
	check_row(&several[_i].row, &t);
	struct dmarc_tested d = dmarc_test_run(&t);
	ck_assert(d.result->several);
	dmarc_test_end(&d);
}
END_TEST

/* Both ways side by side. */
static const struct {
	int discovery;
	const char *what, *zone, *from, *facts, *acts, *other;
	bool differs;
} both[] = {
	{ DMARC_TREEWALK_AND_PSL, "they agree", R("example.com", "p=reject"), "a.example.com", "", "reject p=reject at example.com", "reject p=reject at example.com", false },
	{ DMARC_TREEWALK_AND_PSL, "the walk stops lower", R("example.com", "p=none") R("a.example.com", "p=reject; psd=n"), "b.a.example.com", "", "reject p=reject at a.example.com", "none p=none at example.com", true },
	{ DMARC_PSL_AND_TREEWALK, "the same, the other way round", R("example.com", "p=none") R("a.example.com", "p=reject; psd=n"), "b.a.example.com", "", "none p=none at example.com", "reject p=reject at a.example.com", true },
	{ DMARC_TREEWALK_AND_PSL, "alignment differs below a public suffix", R("x.co.uk", "p=reject") R("co.uk", "p=none"), "x.co.uk", "dkim=pass:y.co.uk", "accept p=reject at x.co.uk", "reject p=reject at x.co.uk", true },
	{ DMARC_TREEWALK_AND_PSL, "only the organizational domain differs", R("a.example.com", "p=reject; psd=n"), "a.example.com", "", "reject p=reject at a.example.com", "reject p=reject at a.example.com", true },
	{ DMARC_TREEWALK_AND_PSL, "no record either way, another organizational domain", "", "a.example.com", "", "norecord", "norecord", true },
	{ DMARC_TREEWALK_AND_PSL, "trouble of one", R("a.example.com", "p=reject") "_dmarc.com TIMEOUT\n", "a.example.com", "dkim=pass:example.com", "temperror at a.example.com", "accept p=reject at a.example.com", true },
};

START_TEST(both_table)
{
	struct dmarc_test t = { .zone = both[_i].zone, .from = both[_i].from, .facts = both[_i].facts, .conf = dmarc_test_presets(NULL) };

	t.list = dmarc_test_list;
	t.conf.discovery = both[_i].discovery;
	struct dmarc_tested d = dmarc_test_run(&t);
	ck_assert_ptr_nonnull(d.result->other);
	const char *acts = dmarc_test_text(d.result, d.arena), *other = dmarc_test_text(d.result->other, d.arena);
	ck_assert_msg(view_is(view_of(acts), both[_i].acts), "%s: acts %s", both[_i].what, acts);
	ck_assert_msg(view_is(view_of(other), both[_i].other), "%s: other %s", both[_i].what, other);
	ck_assert_msg(d.result->differs == both[_i].differs, "%s: differs is %d", both[_i].what, d.result->differs);
	ck_assert(d.result->org_by_psl != d.result->other->org_by_psl);
	dmarc_test_end(&d);
}
END_TEST

START_TEST(nothing_to_compare_with)
{
	struct dmarc_test t = { .zone = R("example.com", "p=reject"), .from = "example.com", .facts = "", .conf = dmarc_test_presets(NULL) };

	t.conf.discovery = DMARC_TREEWALK_AND_PSL;
	struct dmarc_tested d = dmarc_test_run(&t);
	ck_assert_int_eq(d.result->status, DMARC_STATUS_REJECT);
	ck_assert_ptr_null(d.result->other);
	dmarc_test_end(&d);
}
END_TEST

/* The fact: result, header.from, policy.dmarc (RFC 9989 9.1, 9.2). */
static const struct {
	const char *section, *zone, *from, *facts, *result, *header_from, *policy;
} written[] = {
	{ "9.2", R("example.com", "p=reject"), "example.com", "dkim=pass:example.com", "pass", "example.com", "reject" },
	{ "9.2", R("example.com", "p=reject"), "example.com", "", "fail", "example.com", "reject" },
	{ "9.1", R("example.com", "p=reject; t=y"), "example.com", "", "fail", "example.com", "quarantine" },
	{ "9.1", R("example.com", "p=none"), "a.example.com", "", "fail", "a.example.com", "none" },
	{ "9.2", "", "example.com", "", "none", "example.com", NULL },
	{ "9.2", R("example.com", "p=x"), "example.com", "", "permerror", "example.com", NULL },
	{ "9.2", "_dmarc.example.com TIMEOUT\n", "example.com", "", "temperror", "example.com", NULL },
	{ "9.2", "", "", "", "permerror", NULL, NULL },
	{ "9.2", "", "a.example b.example", "", "permerror", NULL, NULL },
};

static const struct auth_property *
property(const struct auth_fact *f, const char *name)
{
	for (size_t i = 0; i < f->properties; i++)
		if (view_is(view_of(f->property[i].name), name))
			return &f->property[i];
	return NULL;
}

static void
check_property(const struct auth_fact *f, const char *ptype, const char *name, const char *want)
{
	const struct auth_property *p = property(f, name);

	ck_assert_msg((p == NULL) == (want == NULL), "%s.%s: %s", ptype, name, p == NULL ? "missing" : "there");
	if (p == NULL)
		return;
	ck_assert_str_eq(p->ptype, ptype);
	ck_view_is(p->value, want);
}

START_TEST(fact_table)
{
	struct dmarc_test t = { .zone = written[_i].zone, .from = written[_i].from, .facts = written[_i].facts, .conf = dmarc_test_presets(NULL) };
	struct dmarc_tested d = dmarc_test_run(&t);
	const struct auth_fact *f = &d.result->fact;

	ck_assert_int_eq(f->method, AUTH_DMARC);
	ck_assert_str_eq(name_of(auth_result_names, (int)f->result), written[_i].result);
	check_property(f, "header", "from", written[_i].header_from);
	check_property(f, "policy", "dmarc", written[_i].policy);
	ck_assert(!f->aligns);
	dmarc_test_end(&d);
}
END_TEST

/* 4.4: "Identifier Alignment cannot occur with a message that is not valid, particularly one with a repeated From" */
START_TEST(repeated_fields_are_never_aligned)
{
	struct dmarc_test t = { .zone = R("a.example", "p=reject") R("b.example", "p=reject"), .from = _i == 0 ? "a.example" : "a.example b.example",
		.fields = 2, .facts = "dkim=pass:a.example dkim=pass:b.example", .conf = dmarc_test_presets(NULL) };

	t.conf.several_from = DMARC_SEVERAL_STRICTEST;
	struct dmarc_tested d = dmarc_test_run(&t);
	ck_assert_int_eq(d.result->status, DMARC_STATUS_REJECT);
	dmarc_test_end(&d);
}
END_TEST

START_TEST(off_asks_nothing)
{
	struct dmarc_test t = { .zone = R("example.com", "p=reject"), .from = "example.com", .facts = "", .conf = dmarc_test_presets(NULL) };

	t.conf.enable = false;
	struct dmarc_tested d = dmarc_test_run(&t);
	ck_assert_int_eq(d.result->status, DMARC_STATUS_OFF);
	ck_assert_uint_eq(dns_task_stats(d.task).queries, 0);
	ck_assert_int_eq(d.result->fact.result, AUTH_NONE);
	dmarc_test_end(&d);
}
END_TEST

START_TEST(psl_without_a_list_is_trouble)
{
	struct dmarc_test t = { .zone = R("example.com", "p=reject"), .from = "example.com", .facts = "dkim=pass:example.com", .conf = dmarc_test_presets(NULL) };

	t.conf.discovery = DMARC_PSL;
	struct dmarc_tested d = dmarc_test_run(&t);
	ck_assert_int_eq(d.result->status, DMARC_STATUS_TEMPERROR);
	dmarc_test_end(&d);
}
END_TEST

/* Reasons of RFC 9990 travel with the disposition. */
START_TEST(test_mode_leaves_its_reason)
{
	struct dmarc_test t = { .zone = R("example.com", "p=reject; t=y"), .from = "example.com", .facts = "", .conf = dmarc_test_presets(NULL) };
	struct dmarc_tested d = dmarc_test_run(&t);
	struct dmarc_disposition mine = d.result->disposition;

	ck_assert_int_eq(mine.policy, DMARC_QUARANTINE);
	ck_assert_uint_eq(mine.overrides, 1);
	ck_assert_str_eq(name_of(dmarc_reason_names, (int)mine.override[0].reason), "policy_test_mode");
	dmarc_disposition_override(&mine, DMARC_NONE, DMARC_REASON_TRUSTED_FORWARDER, VIEW_LIT("arc=pass by lists.example"));
	ck_assert_int_eq(mine.policy, DMARC_NONE);
	ck_assert_uint_eq(mine.overrides, 2);
	for (int i = 0; i < 2 * DMARC_OVERRIDES_MAX; i++)
		dmarc_disposition_override(&mine, DMARC_NONE, DMARC_REASON_OTHER, VIEW_EMPTY);
	ck_assert_uint_eq(mine.overrides, DMARC_OVERRIDES_MAX);
	ck_assert_uint_eq(d.result->disposition.overrides, 1);
	dmarc_test_end(&d);
}
END_TEST

/* A hundred signatures of the author's own subdomains: walks are bounded, the rest is said aloud. */
START_TEST(identifiers_are_bounded)
{
	struct dmarc_test t = { .zone = R("example.com", "p=reject") "*.example.com TXT \"v=DMARC1; p=none; psd=n\"\n", .from = "example.com",
		.conf = dmarc_test_presets(NULL) };
	char facts[4000] = "";
	size_t at = 0;

	for (int i = 0; i < 60; i++)
		at += (size_t)snprintf(facts + at, sizeof(facts) - at, "%sdkim=pass:s%d.example.com", i == 0 ? "" : " ", i);
	t.facts = facts;
	struct dmarc_tested d = dmarc_test_run(&t);
	ck_assert_int_eq(d.result->status, DMARC_STATUS_REJECT);
	ck_assert_uint_le(dns_task_stats(d.task).queries, 2 + 2 * (unsigned)t.conf.identifiers_max);
	ck_assert_int_eq(d.result->identifier[59].alignment, DMARC_ALIGN_UNASKED);
	ck_assert_msg(view_find(d.result->text, '3') != VIEW_NONE, "%.*s", VIEW_ARG(d.result->text));
	dmarc_test_end(&d);
}
END_TEST

START_TEST(budget_spent_is_trouble)
{
	struct dmarc_test t = { .zone = R("com", "p=reject; psd=y"), .from = "a.b.c.d.example.com", .facts = "", .queries = 3,
		.conf = dmarc_test_presets(NULL) };
	struct dmarc_tested d = dmarc_test_run(&t);

	ck_assert_int_eq(d.result->status, DMARC_STATUS_TEMPERROR);
	dmarc_test_end(&d);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dmarc verdict");
	TCase *tc = tcase_create("verdict");

	tcase_add_loop_test(tc, walk_table, 0, ARRAY_LEN(walks));
	tcase_add_loop_test(tc, list_table, 0, ARRAY_LEN(lists));
	tcase_add_loop_test(tc, pct_table, 0, ARRAY_LEN(samples));
	tcase_add_loop_test(tc, several_table, 0, ARRAY_LEN(several));
	tcase_add_loop_test(tc, both_table, 0, ARRAY_LEN(both));
	tcase_add_test(tc, nothing_to_compare_with);
	tcase_add_loop_test(tc, fact_table, 0, ARRAY_LEN(written));
	tcase_add_loop_test(tc, repeated_fields_are_never_aligned, 0, 2);
	tcase_add_test(tc, off_asks_nothing);
	tcase_add_test(tc, psl_without_a_list_is_trouble);
	tcase_add_test(tc, test_mode_leaves_its_reason);
	tcase_add_test(tc, identifiers_are_bounded);
	tcase_add_test(tc, budget_spent_is_trouble);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
