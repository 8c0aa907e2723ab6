#ifndef ASSAY_SPF_SPF_TRACE_H
#define ASSAY_SPF_SPF_TRACE_H

#include "spf/spf.h"

/*
 * spf_trace - what an evaluation did, step by step, as plain data (assayctl spf --trace).
 * Put into spf_input by a caller who wants it; a check without one pays a comparison with NULL per term.
 * The rows are the tree read from top to bottom: a row's children follow it, one deeper.  Only the
 * native engine fills it; its rows are complete once the result is there, and point into memory of the check:
 * they must not outlive its arena.
 */
enum spf_trace_kind {
	SPF_TRACE_RECORD, /* check_host() of a domain: text is its record, empty when it has none */
	SPF_TRACE_TERM,	  /* text is the term as published, name what it asked about */
	SPF_TRACE_EXPLANATION,
};

struct spf_trace_row {
	enum spf_trace_kind kind;
	unsigned depth;	     /* 0: the record of the sender's domain */
	struct view name;    /* the domain, or the target name with macros expanded; empty: none */
	struct view text;
	const char *outcome; /* "pass", "permerror"...; of a term: "match", "no match", or the error; "": unfinished */
	struct view note;    /* why, where that is not plain; may be empty */
	unsigned lookups;    /* counted so far, this row included */
	unsigned voids;
};

struct spf_trace {
	struct arena *arena;
	struct spf_trace_row *row;
	size_t n, room;
};

/* Rows one evaluation can cause are bounded by the limits; this bounds records of thousands of terms. */
#define SPF_TRACE_ROWS_MAX 2000

struct spf_trace *spf_trace_new(struct arena *arena);

/* A new row; its number, to be given to spf_trace_end.  trace may be NULL. */
size_t spf_trace_begin(struct spf_trace *trace, enum spf_trace_kind kind, unsigned depth, struct view name,
    struct view text);
void spf_trace_end(struct spf_trace *trace, size_t row, const char *outcome, struct view note, unsigned lookups,
    unsigned voids);

/* One line a row, indented by depth, outside text quoted. */
struct view spf_trace_text(const struct spf_trace *trace, struct arena *arena);

#endif
