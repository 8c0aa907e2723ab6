#include "mail/auth_fact.h"

#include <assert.h>

/* RFC 8601 2.7 and the IANA registry "Email Authentication Methods". */
const struct name_row auth_method_names[] = {
	{ "spf", AUTH_SPF },
	{ "dkim", AUTH_DKIM },
	{ "dmarc", AUTH_DMARC },
	{ "arc", AUTH_ARC },
	{ "auth", AUTH_AUTH },
	{ "iprev", AUTH_IPREV },
	{ NULL, 0 },
};

/* RFC 8601 2.7, "Email Authentication Result Names". */
const struct name_row auth_result_names[] = {
	{ "none", AUTH_NONE },
	{ "pass", AUTH_PASS },
	{ "fail", AUTH_FAIL },
	{ "softfail", AUTH_SOFTFAIL },
	{ "neutral", AUTH_NEUTRAL },
	{ "policy", AUTH_POLICY },
	{ "temperror", AUTH_TEMPERROR },
	{ "permerror", AUTH_PERMERROR },
	{ NULL, 0 },
};

void
auth_fact_property(struct auth_fact *fact, const char *ptype, const char *name, struct view value)
{
	if (value.n == 0)
		return;
	assert(fact->properties < AUTH_PROPERTIES_MAX);
	fact->property[fact->properties++] = (struct auth_property){ ptype, name, value };
}
