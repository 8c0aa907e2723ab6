#ifndef ASSAY_SPF_SPF_EVAL_H
#define ASSAY_SPF_SPF_EVAL_H

#include "spf/spf.h"
#include "spf/spf_macro.h"
#include "spf/spf_record.h"
#include "spf/spf_trace.h"

/*
 * spf_eval - check_host() of RFC 7208 4, as a machine that can stop wherever an answer is missing.
 * One frame per record on the way from the sender's domain down the includes; a redirect replaces its
 * frame.  A term that misses an answer is begun again when one has come: what it asked is asked already, and what it
 * counts is counted when it is finished, so the result does not depend on when answers come.
 * Inner header of the room: spf_check.c starts it, spf_term.c evaluates single mechanisms.
 */
enum spf_step {
	SPF_STEP_PENDING,  /* e->pending is the question to wait for */
	SPF_STEP_NO_MATCH,
	SPF_STEP_MATCH,
	SPF_STEP_ERROR,	   /* e->error, and the problem in words */
	SPF_STEP_ENTER,	   /* a frame was put on top: its result comes first */
};

struct spf_frame {
	struct view domain;	  /* %{d} */
	const struct spf_record *record; /* NULL: not yet */
	bool redirected;	  /* no record is permerror then: RFC 7208 6.1 */
	bool asked_ahead;
	size_t trace;
	/* The term under evaluation; all reset by the next one. */
	size_t at;		  /* of record->directive; n: the redirect */
	bool begun;		  /* counted, and in the trace */
	bool expanded;
	struct view target;	  /* <target-name> */
	bool entered;		  /* an include whose frame was on top */
	size_t term_trace;
};

struct spf_eval {
	const struct spf_input *in;
	struct arena *arena;
	struct dns_task *dns;
	struct spf_macro_values values; /* domain and validated: set for each expansion */
	struct buffer scratch;
	struct spf_result *result;

	/* Includes are bounded by the terms that may be counted; so is the depth. */
	struct spf_frame **frame; /* depth_max; each made when that depth is first reached, then used again */
	unsigned depth, depth_max;
	enum auth_result child; /* what the frame that was left came to */
	enum auth_result error; /* SPF_STEP_ERROR: permerror or temperror */

	unsigned lookups_max, void_max;
	unsigned ahead;		  /* terms whose question was sent before their turn */
	struct dns_question *pending;
	struct dns_question *late; /* NULL, or whose answer came when the time was up: it fails, and all unanswered do */

	bool explaining;	  /* the result is there, its explanation not yet */
	struct spf_frame last;	  /* whose exp= it is */
};

/*
 * An evaluation of domain, which is a name that can be asked.  record: NULL to ask for it, else the guess.
 * e->in, arena, dns, values, result and the limits are set by the caller.
 */
void spf_eval_begin(struct spf_eval *e, struct view domain, const struct spf_record *record);

/* True: *e->result is complete.  False: e->pending misses. */
bool spf_eval_run(struct spf_eval *e);

/* --- between spf_eval.c, spf_term.c and spf_explain.c ------------------------------------------- */

/* The answer, or NULL and e->pending. */
const struct dns_answer *spf_eval_ask(struct spf_eval *e, struct view name, enum dns_type type);
enum dns_type spf_eval_addr_type(const struct spf_eval *e);
/* Record the error and return SPF_STEP_ERROR. */
enum spf_step spf_eval_error(struct spf_eval *e, enum auth_result error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
enum spf_step spf_eval_dns_error(struct spf_eval *e, struct view name, enum dns_type type,
    const struct dns_answer *answer);
/* One void lookup more: SPF_STEP_NO_MATCH, or the error when that was too many. */
enum spf_step spf_eval_void(struct spf_eval *e, struct view name);
/* Expand spec in the current domain of f.  SPF_STEP_MATCH: *name is there; else PENDING or ERROR. */
enum spf_step spf_eval_expand(struct spf_eval *e, struct view domain, struct view spec, struct view *name);
/* The target name of the term at hand, once.  SPF_STEP_MATCH: f->target is it. */
enum spf_step spf_eval_target(struct spf_eval *e, struct spf_frame *f, struct view spec);

/* The exp= of e->last.  False: pending. */
bool spf_eval_explain(struct spf_eval *e);
/* For explanations: what is fit for a reply, cut at SPF_EXPLANATION_MAX. */
struct view spf_clean_explanation(struct view text, struct arena *arena);

/* a, mx, ptr, exists, whose target name is f->target. */
enum spf_step spf_term_a(struct spf_eval *e, const struct spf_frame *f, const struct spf_directive *d);
enum spf_step spf_term_mx(struct spf_eval *e, const struct spf_frame *f, const struct spf_directive *d);
enum spf_step spf_term_ptr(struct spf_eval *e, const struct spf_frame *f);
enum spf_step spf_term_exists(struct spf_eval *e, const struct spf_frame *f);
/* The value of %{p}: RFC 7208 7.3.  False: pending. */
bool spf_term_validated(struct spf_eval *e, struct view domain, struct view *name);

#endif
