/*
 * A record that is taken begins with v=DMARC1, has one policy for every case, and reads the same again when it is
 * written down from what was understood.
 */
#include "base/buffer.h"
#include "dmarc/dmarc_record.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add_policy(struct buffer *b, const char *tag, enum dmarc_policy policy)
{
	if (policy != DMARC_UNSET)
		buffer_addf(b, "; %s=%s", tag, name_of(dmarc_policy_names, (int)policy));
}

static struct view
written(const struct dmarc_record *r, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	buffer_add_cstr(&b, "v=DMARC1");
	add_policy(&b, "p", r->p);
	add_policy(&b, "sp", r->sp);
	add_policy(&b, "np", r->np);
	buffer_addf(&b, "; psd=%s; t=%c; adkim=%c; aspf=%c; pct=%u; fo=", name_of(dmarc_psd_names, (int)r->psd),
	    r->test ? 'y' : 'n', r->strict_dkim ? 's' : 'r', r->strict_spf ? 's' : 'r', r->pct);
	buffer_add(&b, r->fo_text);
	for (size_t i = 0; i < r->rua.n; i++) {
		buffer_add_cstr(&b, i == 0 ? "; rua=" : ",");
		buffer_add(&b, r->rua.uri[i]);
	}
	for (size_t i = 0; i < r->ruf.n; i++) {
		buffer_add_cstr(&b, i == 0 ? "; ruf=" : ",");
		buffer_add(&b, r->ruf.uri[i]);
	}
	return buffer_view(&b);
}

static void
check_same(const struct dmarc_record *a, const struct dmarc_record *b)
{
	assert(a->p == b->p && a->sp == b->sp && a->np == b->np && a->psd == b->psd && a->test == b->test);
	assert(a->strict_dkim == b->strict_dkim && a->strict_spf == b->strict_spf && a->pct == b->pct && a->fo == b->fo);
	assert(a->rua.n == b->rua.n && a->ruf.n == b->ruf.n);
	for (size_t i = 0; i < a->rua.n; i++)
		assert(view_eq(a->rua.uri[i], b->rua.uri[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { (const char *)data, size };
	struct arena *arena = arena_new();
	struct dmarc_record r, again;
	const char *tag;

	bool ok = dmarc_record_parse(text, arena, &r, NULL);
	assert(!ok || dmarc_record_claims(text));
	if (ok) {
		assert(dmarc_record_parse(written(&r, arena), arena, &again, NULL));
		check_same(&r, &again);
		for (int i = 0; i < 4 && r.usable; i++)
			assert(dmarc_record_policy(&r, i & 1, i & 2, &tag) != DMARC_UNSET);
		assert(!r.watch || dmarc_record_policy(&r, false, false, &tag) == DMARC_NONE);
		assert(!r.usable || r.rua.n > 0 || r.p != DMARC_UNSET);
	}
	arena_free(arena);
	return 0;
}
