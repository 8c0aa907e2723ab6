/* What dkim_signature_parse accepts keeps its promises; what it refuses is explained in plain ASCII. */
#include "base/cursor.h"
#include "dkim/dkim_signature.h"
#include "mail/domain.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_sound(const struct dkim_signature *sig, struct view value, struct arena *arena)
{
	struct view again;
	struct err err;
	bool from = false;

	assert(sig->fault == DKIM_SOUND);
	assert(domain_to_ascii(sig->domain, arena, &again, &err) && view_eq(again, sig->domain));
	assert(domain_labels(sig->domain) >= 2);
	assert(domain_within(sig->identity_domain, sig->domain));
	assert(view_ends(sig->identity, sig->identity_domain) && sig->identity.n <= DKIM_IDENTITY_MAX + 256);
	assert(sig->selector.n > 0 && sig->selector.n <= 253);
	assert(sig->alg == DKIM_RSA_SHA256 || sig->alg == DKIM_ED25519_SHA256);
	assert(sig->body_hash.n == 32);
	assert(sig->signature.n > 0 && sig->signature.n <= DKIM_SIGNATURE_MAX * 2);
	assert(view_all_in(sig->signature_text, CC_BASE64));
	assert(sig->signature_at <= sig->signature_end && sig->signature_end <= value.n);
	assert(sig->signature_at > 0 && value.p[sig->signature_at - 1] == '=');
	assert(sig->signature_end == value.n || value.p[sig->signature_end] == ';' || value.p[sig->signature_end] == '\r' ||
	    value.p[sig->signature_end] == '\n');
	assert(sig->body_limit >= -1 && sig->signed_at >= -1 && sig->expires_at >= -1);
	assert(sig->expires_at < 0 || sig->expires_at > sig->signed_at);
	for (size_t i = 0; i < sig->names_n; i++) {
		assert(sig->names[i].n > 0 && view_all_in(sig->names[i], CC_FTEXT));
		from = from || view_is_nocase(sig->names[i], "from");
	}
	assert(from && sig->names_n <= DKIM_NAMES_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct view value = { (const char *)data, size };
	struct dkim_signature sig;
	struct err err;

	if (dkim_signature_parse(value, arena, &sig, &err)) {
		check_sound(&sig, value, arena);
	} else {
		assert(sig.fault != DKIM_SOUND && err.kind == ERR_PERM);
		assert(err.text[0] != '\0' && view_all_in(view_of(err.text), CC_VCHAR | CC_WSP));
		assert(view_all_in(sig.signature_text, CC_BASE64));
	}
	arena_free(arena);
	return 0;
}
