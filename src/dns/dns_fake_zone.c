#include "dns/dns_fake_zone.h"

#include "base/hash.h"
#include "dns/dns_decode.h"
#include "dns/dns_name.h"

static size_t
bucket_of(struct view name)
{
	return hash_view(name) % FAKE_BUCKETS;
}

struct view
fake_parent(struct view name)
{
	struct cursor c = cursor_over(name);
	size_t label = (size_t)cursor_peek(&c);

	return view_from(name, 1 + label);
}

struct fake_node *
fake_find(const struct dns_fake *fake, struct view name)
{
	struct fake_node *node = fake->bucket[bucket_of(name)];

	while (node != NULL && !view_eq(node->name, name))
		node = node->bucket_next;
	return node;
}

struct fake_node *
fake_make(struct dns_fake *fake, struct view name)
{
	struct fake_node *wanted = NULL;

	for (;;) { /* ends: each turn goes one label up, to the root */
		struct fake_node *node = fake_find(fake, name);
		struct fake_node **bucket = &fake->bucket[bucket_of(name)];
		bool there = node != NULL;

		if (!there) {
			node = ARENA_NEW(fake->arena, struct fake_node);
			node->name = arena_copy(fake->arena, name);
			node->bucket_next = *bucket;
			*bucket = node;
		}
		if (wanted == NULL)
			wanted = node;
		if (there || name.n <= 1)
			return wanted;
		name = fake_parent(name);
	}
}

struct fake_set *
fake_set_find(const struct fake_node *node, int type)
{
	struct fake_set *set = node->sets;

	while (set != NULL && set->type != type)
		set = set->next;
	return set;
}

struct fake_set *
fake_set_make(struct dns_fake *fake, struct fake_node *node, int type)
{
	struct fake_set *set = fake_set_find(node, type);

	if (set == NULL) {
		set = ARENA_NEW(fake->arena, struct fake_set);
		set->type = type;
		set->ttl = UINT32_MAX;
		set->last = &set->first;
		set->next = node->sets;
		node->sets = set;
	}
	return set;
}

bool
dns_fake_has_delays(const struct dns_fake *fake)
{
	return fake->has_delays;
}

/* The node that answers for name: itself, or the wildcard below its closest encloser (RFC 4592 3.3.1). */
static struct fake_node *
node_for(const struct dns_fake *fake, struct view name, struct arena *arena, bool *secure)
{
	struct fake_node *node = fake_find(fake, name);
	struct view up = name;
	struct buffer wild = buffer_in(arena);
	bool here;

	while (node == NULL && up.n > 1) { /* ends: each turn goes one label up */
		up = fake_parent(up);
		node = fake_find(fake, up);
	}
	if (node == NULL) {
		*secure = false;
		return NULL;
	}
	here = node->secure;
	if (up.n < name.n) {
		buffer_add(&wild, VIEW_LIT("\1*"));
		buffer_add(&wild, up);
		node = fake_find(fake, buffer_view(&wild));
		here = here || (node != NULL && node->secure);
	}
	*secure = *secure && here; /* each step of a chain has to be */
	return node;
}

static void
answer_set(const struct fake_set *set, enum dns_type type, struct arena *arena, struct dns_answer *answer)
{
	struct view *rdata = ARENA_ARRAY(arena, set->n, struct view);
	size_t n = 0;

	for (const struct fake_rdata *one = set->first; one != NULL; one = one->next)
		rdata[n++] = one->octets;
	dns_decode(type, rdata, n, arena, answer);
	if (n == 0)
		answer->ttl = DNS_FAKE_NEGATIVE_TTL;
	else if (set->ttl < answer->ttl)
		answer->ttl = set->ttl;
}

static bool
failed(enum fake_outcome outcome, struct dns_answer *answer)
{
	if (outcome == FAKE_RECORDS)
		return false;
	dns_answer_temp(answer, outcome == FAKE_TIMEOUT ? "timeout" : "SERVFAIL");
	return true;
}

/* One name of a chain of CNAMEs.  True: *name is the next. */
static bool
answer_at(const struct dns_fake *fake, struct view *name, enum dns_type type, struct arena *arena,
    struct dns_answer *answer, int64_t *delay_ms)
{
	const struct fake_node *node = node_for(fake, *name, arena, &answer->secure);
	const struct fake_set *set;

	if (node == NULL) {
		answer->outcome = DNS_NXDOMAIN;
		answer->ttl = DNS_FAKE_NEGATIVE_TTL;
		return false;
	}
	*delay_ms += node->delay_ms;
	set = fake_set_find(node, type);
	if (set == NULL)
		set = fake_set_find(node, DNS_CNAME);
	if (failed(node->outcome, answer) || (set != NULL && failed(set->outcome, answer)))
		return false;
	if (set != NULL && set->type == DNS_CNAME && set->n > 0) {
		*name = set->first->octets;
		if (set->ttl < answer->ttl)
			answer->ttl = set->ttl;
		return true;
	}
	if (set != NULL && set->type == (int)type)
		answer_set(set, type, arena, answer);
	else
		answer->ttl = DNS_FAKE_NEGATIVE_TTL;
	return false;
}

/* Text as it is asked: only "." has a meaning. */
static struct view
asked_to_wire(struct view name, struct arena *arena)
{
	struct buffer wire = buffer_in(arena);
	struct cursor c = cursor_over(name);

	do { /* ends: each turn takes a label */
		struct view label = cursor_until(&c, '.');

		buffer_add_char(&wire, (char)label.n);
		buffer_add(&wire, arena_copy_lower(arena, label));
	} while (cursor_char(&c, '.'));
	buffer_add_char(&wire, '\0');
	return buffer_view(&wire);
}

void
dns_fake_answer(const struct dns_fake *fake, struct view name, enum dns_type type, struct arena *arena,
    struct dns_answer *answer, int64_t *delay_ms)
{
	struct view wire = asked_to_wire(name, arena);
	int cnames = 0;

	*answer = (struct dns_answer){ .outcome = DNS_NODATA, .secure = true, .why = "", .ttl = UINT32_MAX };
	*delay_ms = 0;
	while (answer_at(fake, &wire, type, arena, answer, delay_ms))
		if (++cnames > DNS_FAKE_CNAMES) {
			dns_answer_temp(answer, "CNAME loop");
			break;
		}
	if (answer->outcome == DNS_TEMP)
		answer->secure = false;
}
