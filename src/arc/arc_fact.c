#include "arc/arc.h"

#include "base/buffer.h"

/* "as[2].d=d2.example" of RFC 8617 7.2.2; domains hold nothing but letters, digits, "-", "_" and "." */
static void
add_sealer(struct buffer *b, const struct arc_result *r, size_t instance)
{
	struct view domain = r->domains[instance - 1];

	if (domain.n > 0)
		buffer_addf(b, " as[%zu].d=%.*s", instance, VIEW_ARG(domain));
}

/* The ends of the chain; what lies between is in the message itself. */
static struct view
comment_of(const struct arc_result *r, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	buffer_addf(&b, "i=%u", r->instances);
	if (r->domains_n > 1)
		add_sealer(&b, r, r->domains_n);
	if (r->domains_n > 0)
		add_sealer(&b, r, 1);
	return buffer_view(&b);
}

void
arc_fact(const struct arc_result *r, struct arena *arena, struct auth_fact *fact)
{
	*fact = (struct auth_fact){ .method = AUTH_ARC, .result = r->result, .reason = r->reason,
		.comment = VIEW_EMPTY, .domain = VIEW_EMPTY };
	if (r->instances > 0)
		fact->comment = comment_of(r, arena);
	if (r->result == AUTH_PASS)
		auth_fact_property(fact, "header", "oldest-pass", arena_printf(arena, "%u", r->oldest_pass));
}
