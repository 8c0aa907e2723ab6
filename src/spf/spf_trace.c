#include "spf/spf_trace.h"

#include "base/buffer.h"

#define ROWS_FIRST 32
#define TEXT_SHOWN 500 /* octets of a record or name in one line */

struct spf_trace *
spf_trace_new(struct arena *arena)
{
	struct spf_trace *trace = ARENA_NEW(arena, struct spf_trace);

	trace->arena = arena;
	return trace;
}

size_t
spf_trace_begin(struct spf_trace *trace, enum spf_trace_kind kind, unsigned depth, struct view name,
    struct view text)
{
	if (trace == NULL || trace->n == SPF_TRACE_ROWS_MAX)
		return SPF_TRACE_ROWS_MAX;
	if (trace->n == trace->room) {
		size_t room = trace->room == 0 ? ROWS_FIRST : trace->room * 2;
		trace->row = arena_grow(trace->arena, trace->row, trace->room * sizeof(*trace->row),
		    room * sizeof(*trace->row));
		trace->room = room;
	}
	trace->row[trace->n] = (struct spf_trace_row){
		.kind = kind, .depth = depth, .name = name, .text = text, .outcome = "", .note = VIEW_EMPTY
	};
	return trace->n++;
}

void
spf_trace_end(struct spf_trace *trace, size_t row, const char *outcome, struct view note, unsigned lookups,
    unsigned voids)
{
	if (trace == NULL || row >= trace->n)
		return;
	struct spf_trace_row *r = &trace->row[row];
	r->outcome = outcome;
	r->note = note;
	r->lookups = lookups;
	r->voids = voids;
}

static void
add_row(struct buffer *b, const struct spf_trace_row *r)
{
	for (unsigned i = 0; i < r->depth * 2 + (r->kind == SPF_TRACE_RECORD ? 0 : 1); i++)
		buffer_add_cstr(b, "  ");
	if (r->kind == SPF_TRACE_EXPLANATION)
		buffer_add_cstr(b, "explanation ");
	if (r->kind != SPF_TRACE_TERM) {
		buffer_add_quoted(b, r->name, TEXT_SHOWN);
		buffer_add_cstr(b, ": ");
	}
	buffer_add_quoted(b, r->text, TEXT_SHOWN);
	if (r->kind == SPF_TRACE_TERM && r->name.n > 0) {
		buffer_add_cstr(b, " [");
		buffer_add_quoted(b, r->name, TEXT_SHOWN);
		buffer_add_char(b, ']');
	}
	if (*r->outcome != '\0')
		buffer_addf(b, " -> %s", r->outcome);
	if (r->note.n > 0) {
		buffer_add_cstr(b, " (");
		buffer_add_quoted(b, r->note, TEXT_SHOWN);
		buffer_add_char(b, ')');
	}
	if (r->kind != SPF_TRACE_EXPLANATION)
		buffer_addf(b, " lookups=%u voids=%u", r->lookups, r->voids);
	buffer_add_char(b, '\n');
}

struct view
spf_trace_text(const struct spf_trace *trace, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < trace->n; i++)
		add_row(&b, &trace->row[i]);
	if (trace->n == SPF_TRACE_ROWS_MAX)
		buffer_addf(&b, "(more than %d rows)\n", SPF_TRACE_ROWS_MAX);
	return buffer_view(&b);
}
