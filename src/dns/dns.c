#include "dns/dns.h"

#include "base/names.h"

static const struct name_row types[] = {
	{ "A", DNS_A },
	{ "PTR", DNS_PTR },
	{ "MX", DNS_MX },
	{ "TXT", DNS_TXT },
	{ "AAAA", DNS_AAAA },
	{ "TLSA", DNS_TLSA },
	{ NULL, 0 },
};

static const struct name_row outcomes[] = {
	{ "data", DNS_DATA },
	{ "nodata", DNS_NODATA },
	{ "nxdomain", DNS_NXDOMAIN },
	{ "temperror", DNS_TEMP },
	{ NULL, 0 },
};

const char *
dns_type_name(enum dns_type type)
{
	const char *name = name_of(types, type);

	return name != NULL ? name : "unknown";
}

bool
dns_type_of(struct view name, enum dns_type *type)
{
	int value;

	if (!name_value(types, name, &value))
		return false;
	*type = (enum dns_type)value;
	return true;
}

const char *
dns_outcome_name(enum dns_outcome outcome)
{
	const char *name = name_of(outcomes, outcome);

	return name != NULL ? name : "unknown";
}
