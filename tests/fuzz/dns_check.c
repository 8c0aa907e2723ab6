#include "dns_check.h"

#include "base/cursor.h"
#include "dns/dns_decode.h"

#include <assert.h>
#include <string.h>

enum dns_type
dns_check_type(unsigned choice)
{
	static const enum dns_type types[] = { DNS_A, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA };

	return types[choice % (sizeof(types) / sizeof(types[0]))];
}

/* Lower case, printable, and short enough to be asked unless octets had to be escaped. */
static void
check_name(struct view name)
{
	assert(view_all_in(name, CC_VCHAR));
	for (size_t i = 0; i < name.n; i++)
		assert(name.p[i] == ascii_lower(name.p[i]));
	if (view_find(name, '\\') == VIEW_NONE)
		assert(name.n == 0 || dns_name_ok(name));
}

static void
check_record(enum dns_type type, const struct dns_answer *answer, size_t i)
{
	switch (type) {
	case DNS_A:
		assert(answer->addr[i].family == 4);
		break;
	case DNS_AAAA:
		assert(answer->addr[i].family == 6);
		break;
	case DNS_MX:
		assert(answer->mx[i].preference <= 65535);
		assert(i == 0 || answer->mx[i - 1].preference <= answer->mx[i].preference);
		check_name(answer->mx[i].name);
		break;
	case DNS_PTR:
		check_name(answer->name[i]);
		break;
	default:
		assert(answer->rdata[i].n <= DNS_ANSWER_MAX);
		break;
	}
}

void
dns_check_answer(enum dns_type type, const struct dns_answer *answer)
{
	assert((answer->n > 0) == (answer->outcome == DNS_DATA));
	assert(answer->n <= DNS_RECORDS_MAX);
	assert((strlen(answer->why) > 0) == (answer->outcome == DNS_TEMP));
	assert(!answer->secure || answer->outcome != DNS_TEMP);
	for (size_t i = 0; i < answer->n; i++)
		check_record(type, answer, i);
}
