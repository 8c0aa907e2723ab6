#include "spf/spf_eval.h"

#include "base/cursor.h"

/* Ours is ASCII, whatever the sender's local part put into it, and one line. */
struct view
spf_clean_explanation(struct view text, struct arena *arena)
{
	struct buffer b = buffer_in(arena);
	struct cursor c = cursor_over(text);

	while (!cursor_end(&c) && b.n < SPF_EXPLANATION_MAX) { /* ends: each turn takes an octet */
		int octet = cursor_any(&c, CC_VCHAR);
		if (octet < 0 && !cursor_char(&c, ' ')) {
			(void)cursor_take_n(&c, 1);
			octet = '?';
		}
		buffer_add_char(&b, octet < 0 ? ' ' : (char)octet);
	}
	if (!cursor_end(&c)) {
		buffer_cut(&b, SPF_EXPLANATION_MAX - 3);
		buffer_add_cstr(&b, "...");
	}
	return buffer_view(&b);
}

/*
 * RFC 7208 6.2: whatever goes wrong here, there is no explanation and that is all.  SPF_STEP_MATCH: the text is
 * there; SPF_STEP_PENDING; else none.
 */
static enum spf_step
explain(struct spf_eval *e, struct spf_frame *f)
{
	enum spf_step step = spf_eval_target(e, f, f->record->explain);

	if (step != SPF_STEP_MATCH)
		return step;
	const struct dns_answer *answer = spf_eval_ask(e, f->target, DNS_TXT);
	if (answer == NULL)
		return SPF_STEP_PENDING;
	if (answer->outcome != DNS_DATA || answer->n != 1)
		return SPF_STEP_NO_MATCH;
	e->values.domain = f->domain;
	if (spf_macro_wants_p(answer->txt[0]) && !spf_term_validated(e, f->domain, &e->values.validated))
		return SPF_STEP_PENDING;
	buffer_clear(&e->scratch);
	if (!spf_explain_expand(answer->txt[0], &e->values, &e->scratch, NULL))
		return SPF_STEP_NO_MATCH;
	e->result->explanation = spf_clean_explanation(buffer_view(&e->scratch), e->arena);
	return SPF_STEP_MATCH;
}

bool
spf_eval_explain(struct spf_eval *e)
{
	bool secure = e->result->secure; /* the explanation decided nothing */
	enum spf_step step = explain(e, &e->last);

	e->result->secure = secure;
	if (step == SPF_STEP_PENDING)
		return false;
	e->result->problem = VIEW_EMPTY;
	size_t row = spf_trace_begin(e->in->trace, SPF_TRACE_EXPLANATION, 0, e->last.target, e->result->explanation);
	spf_trace_end(e->in->trace, row, step == SPF_STEP_MATCH ? "" : "none", VIEW_EMPTY, 0, 0);
	e->explaining = false;
	return true;
}
