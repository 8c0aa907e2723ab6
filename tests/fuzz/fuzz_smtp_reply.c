/*
 * What an SMTP server says: replies are taken until one is bad or not whole.  However the octets come in pieces, the
 * same replies come out, and no more is ever waited for than SMTP_REPLY_MAX and a line.
 */
#include "base/cursor.h"
#include "report/report_smtp.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over((struct view){ (const char *)data, size });
	struct smtp_reply reply, part;
	enum smtp_outcome outcome;

	while ((outcome = smtp_reply_take(cursor_rest(&c), &reply)) == SMTP_WHOLE) { /* ends: used is 4 at least */
		struct view whole = cursor_take_n(&c, reply.used);
		assert(whole.n == reply.used && reply.used >= 4 && reply.used <= SMTP_REPLY_MAX);
		assert(view_ends(whole, VIEW_LIT("\n")));
		assert(reply.code >= 200 && reply.code <= 599 && view_find(reply.text, '\n') == VIEW_NONE);
		for (size_t n = 0; n < whole.n; n += 1 + whole.n / 16)
			assert(smtp_reply_take(view_sub(whole, 0, n), &part) == SMTP_MORE);
	}
	assert(outcome == SMTP_BAD || cursor_rest(&c).n <= SMTP_REPLY_MAX + SMTP_LINE_MAX);
	return 0;
}
