/*
 * The first line is a domain, the rest a public suffix list.  Suffix and organizational domain are ends of the
 * domain, at most one label apart, and asking for the organizational domain's own gives itself.
 */
#include "dmarc/dmarc_psl.h"
#include "mail/domain.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { (const char *)data, size }, line, domain;
	struct arena *arena = arena_new();
	const struct dmarc_psl *psl;

	view_split(text, '\n', &line, &text);
	if (dmarc_psl_read(text, arena, &psl, NULL) && domain_to_ascii(line, arena, &domain, NULL)) {
		struct view suffix = dmarc_psl_suffix(psl, domain), org = dmarc_psl_org(psl, domain);
		assert(dmarc_psl_rules(psl) > 0);
		assert(suffix.n > 0 && domain_within(domain, org) && domain_within(org, suffix));
		assert(domain_labels(org) <= domain_labels(suffix) + 1);
		assert(view_eq(dmarc_psl_org(psl, org), org));
	}
	arena_free(arena);
	return 0;
}
