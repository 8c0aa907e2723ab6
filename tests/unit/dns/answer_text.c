#include "answer_text.h"

#include "base/buffer.h"

const char *
answer_text(const struct dns_answer *answer, enum dns_type type, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	buffer_add_cstr(&b, dns_outcome_name(answer->outcome));
	if (answer->secure)
		buffer_add_cstr(&b, " secure");
	if (answer->outcome == DNS_TEMP)
		buffer_addf(&b, " (%s)", answer->why);
	for (size_t i = 0; i < answer->n; i++) {
		buffer_add_char(&b, ' ');
		if (type == DNS_A || type == DNS_AAAA) {
			buffer_add(&b, ip_text(&answer->addr[i], arena));
		} else if (type == DNS_MX) {
			buffer_addf(&b, "%u:", answer->mx[i].preference);
			buffer_add_quoted(&b, answer->mx[i].name, 1000);
		} else {
			buffer_add_quoted(&b, answer->rdata[i], 40);
		}
	}
	return arena_cstr(arena, buffer_view(&b));
}
