#ifndef ASSAY_TESTS_DMARC_TEST_H
#define ASSAY_TESTS_DMARC_TEST_H

#include "dmarc/dmarc.h"
#include "dns/dns_conf.h"
#include "support/support.h"

/*
 * dmarc_test - one message through the room, out of text.
 */
struct dmarc_test {
	const char *zone;      /* dns/dns_fake.h */
	const char *list;      /* public suffix list; NULL: none is loaded */
	const char *from;      /* author domains, separated by spaces; "": none */
	size_t fields;	       /* From fields; 0: one */
	const char *facts;     /* "spf=pass:example.org dkim=fail:a.example.org": what SPF and DKIM found */
	struct dmarc_conf conf;
	unsigned draw;
	unsigned queries; /* budget; 0: plenty */
};

struct dmarc_tested {
	struct arena *arena;
	struct dns *dns;
	struct dns_task *task;
	const struct dmarc_result *result;
};

struct dmarc_conf dmarc_test_presets(struct arena *arena);
struct dmarc_tested dmarc_test_run(const struct dmarc_test *t);
void dmarc_test_end(struct dmarc_tested *tested);

struct auth_facts dmarc_test_facts(const char *text, struct arena *arena);
/* Through a file that holds the text, as dmarc_lists_open wants it. */
const struct dmarc_lists *dmarc_test_lists(const char *text, struct dmarc_conf conf, int64_t now, struct arena *arena,
    struct view *warning, struct err *err);
/* "reject p=reject", "quarantine sp=reject->quarantine", "accept p=none", "norecord"... then used and org domain. */
const char *dmarc_test_text(const struct dmarc_result *r, struct arena *arena);

extern const char dmarc_test_list[];

#endif
