#include "arc/arc_chain.h"

#define FIELDS_MAX (ARC_KINDS * ARC_INSTANCES_MAX)

/* The first fault is the one that is told. */
static void __attribute__((format(printf, 3, 4)))
fault(struct arc_chain *chain, struct arena *arena, const char *fmt, ...)
{
	va_list ap;

	if (chain->why.n > 0)
		return;
	va_start(ap, fmt);
	chain->why = arena_vprintf(arena, fmt, ap);
	va_end(ap);
}

static void
note_seal(struct arc_chain *chain, const struct arc_field *seal)
{
	if (seal->instance < chain->newest_seal)
		return;
	if (seal->instance > chain->newest_seal)
		chain->ends_failed = false;
	chain->newest_seal = seal->instance;
	chain->ends_failed = chain->ends_failed || seal->cv == ARC_CV_FAIL;
}

static void
take_field(struct arc_chain *chain, enum arc_kind kind, const struct header_field *from, struct arena *arena)
{
	struct arc_field *field = ARENA_NEW(arena, struct arc_field);
	struct err err;

	if (!arc_field_parse(kind, from, arena, field, &err)) {
		fault(chain, arena, "%s", err.text);
		return;
	}
	if (field->instance > chain->n)
		chain->n = field->instance;
	if (kind == ARC_SEAL)
		note_seal(chain, field);
	struct arc_field **part = &chain->set[field->instance - 1].part[kind];
	if (*part != NULL)
		fault(chain, arena, "%.*s: i=%u twice", VIEW_ARG(arc_kind_name(kind)), field->instance);
	else
		*part = field;
}

/* RFC 8617 5.2 step 3, and what makes a seal no seal (4.1.3) */
static void
check_set(struct arc_chain *chain, unsigned instance, struct arena *arena)
{
	const struct arc_set *set = &chain->set[instance - 1];
	enum arc_cv wanted = instance == 1 ? ARC_CV_NONE : ARC_CV_PASS;

	for (int kind = 0; kind < ARC_KINDS; kind++)
		if (set->part[kind] == NULL) {
			fault(chain, arena, "no %.*s for i=%u", VIEW_ARG(arc_kind_name((enum arc_kind)kind)), instance);
			return;
		}
	const struct arc_field *seal = set->part[ARC_SEAL];
	if (!seal->sound)
		fault(chain, arena, "ARC-Seal i=%u: %.*s", instance, VIEW_ARG(seal->why));
	else if (seal->cv != wanted)
		fault(chain, arena, "ARC-Seal i=%u: cv=%s, not %s", instance, arc_cv_name(seal->cv),
		    arc_cv_name(wanted));
}

static void
check_structure(struct arc_chain *chain, struct arena *arena)
{
	if (chain->ends_failed) { /* 5.2 step 2: nothing else about it matters */
		chain->why = VIEW_EMPTY;
		fault(chain, arena, "ARC-Seal i=%u says cv=fail", chain->newest_seal);
		return;
	}
	for (unsigned i = 1; i <= chain->n && chain->why.n == 0; i++)
		check_set(chain, i, arena);
	if (chain->why.n > 0)
		return;
	const struct arc_field *ams = chain->set[chain->n - 1].part[ARC_AMS];
	if (!ams->sound)
		fault(chain, arena, "ARC-Message-Signature i=%u: %.*s", chain->n, VIEW_ARG(ams->why));
}

void
arc_chain_collect(const struct header *header, struct arena *arena, struct arc_chain *chain)
{
	size_t octets = 0;
	enum arc_kind kind;

	*chain = (struct arc_chain){ .why = VIEW_EMPTY };
	for (size_t i = 0; i < header->n; i++) {
		if (!arc_kind_of(header->field[i].name, &kind))
			continue;
		if (chain->set == NULL) /* most messages have none */
			chain->set = ARENA_ARRAY(arena, ARC_INSTANCES_MAX, struct arc_set);
		if (++chain->fields > FIELDS_MAX) {
			fault(chain, arena, "more than %d ARC sets", ARC_INSTANCES_MAX);
			chain->n = ARC_INSTANCES_MAX;
			chain->ends_failed = false;
			break;
		}
		octets += header->field[i].value.n;
		take_field(chain, kind, &header->field[i], arena);
	}
	if (octets > ARC_OCTETS_MAX)
		fault(chain, arena, "more than %d octets of ARC fields", ARC_OCTETS_MAX);
	if (chain->fields > 0)
		check_structure(chain, arena);
}
