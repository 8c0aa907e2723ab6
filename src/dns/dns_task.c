#include "base/mem.h"
#include "dns/dns_core.h"
#include "dns/dns_decode.h"
#include "dns/dns_name.h"

#define TASK_BUCKETS 8 /* a message asks six to twelve, and has four tasks */
#define WAIT_MAX_MS ((int64_t)3600 * 1000) /* no MTA waits that long; keeps sums of times small */

struct dns_question {
	struct dns_task *task;
	struct view name; /* as asked, lower case, no final dot */
	enum dns_type type;
	uint64_t hash;
	struct dns_question *next;	  /* in the order asked */
	struct dns_question *bucket_next;

	_Atomic(struct dns_entry *) entry; /* set once, by whoever finishes the flight; a reference of ours */

	/* guarded by the shard's lock; flight != NULL: still waiting */
	struct dns_flight *flight;
	struct dns_question *waiter_next;

	/* the task's thread only */
	bool flown; /* it has joined a flight, whose end touches the task after entry is set */
	bool ready; /* answer is filled, for good */
	struct dns_answer answer;
};

struct dns_task {
	struct dns *dns;
	struct arena *arena;
	struct dns_budget budget;
	struct dns_task_stats stats;
	int64_t *waited_ms; /* of budget.wait_ms: &own_waited_ms, or that of the task it stands beside */
	int64_t own_waited_ms;
	struct dns_question *first, **last;
	struct dns_question *bucket[TASK_BUCKETS];
	struct signal done; /* a question of this task has its answer; with the lock of that question's shard */
	atomic_uint answered;
};

struct dns_question *
dns_question_next_waiter(struct dns_question *q)
{
	return q->waiter_next;
}

void
dns_question_done(struct dns_question *q, struct dns_entry *entry)
{
	dns_entry_ref(entry);
	q->flight = NULL;
	q->waiter_next = NULL;
	atomic_store_explicit(&q->entry, entry, memory_order_release);
	atomic_fetch_add_explicit(&q->task->answered, 1, memory_order_release);
	signal_all(&q->task->done);
}

/* Within the shard's lock: false when the answer was faster. */
static bool
leave_flight(struct dns_question *q)
{
	struct dns_question **at;

	if (q->flight == NULL)
		return false;
	at = &q->flight->waiters;
	while (*at != q)
		at = &(*at)->waiter_next;
	*at = q->waiter_next;
	q->flight = NULL;
	return true;
}

static void
task_end(void *object)
{
	struct dns_task *task = object;

	for (struct dns_question *q = task->first; q != NULL; q = q->next) {
		if (q->flown) { /* also with its answer: only the lock tells that dns_question_done is through */
			struct dns_shard *shard = dns_shard_of(task->dns, q->hash);

			lock_take(&shard->lock);
			leave_flight(q);
			lock_drop(&shard->lock);
		}
		dns_entry_unref(atomic_load_explicit(&q->entry, memory_order_acquire));
	}
	signal_destroy(&task->done);
}

struct dns_task *
dns_task_new(struct dns *dns, struct arena *arena, struct dns_budget budget)
{
	struct dns_task *task = ARENA_NEW(arena, struct dns_task);

	task->dns = dns;
	task->arena = arena;
	task->budget = budget;
	if (budget.wait_ms > WAIT_MAX_MS)
		task->budget.wait_ms = WAIT_MAX_MS;
	task->waited_ms = &task->own_waited_ms;
	task->last = &task->first;
	signal_init(&task->done);
	atomic_init(&task->answered, 0);
	arena_defer(arena, task_end, task);
	return task;
}

struct dns_task *
dns_task_beside(struct dns_task *first, struct dns_budget budget)
{
	struct dns_task *task = dns_task_new(first->dns, first->arena, budget);

	task->waited_ms = first->waited_ms;
	return task;
}

/* The question's answer, made by ourselves. */
static void
answer_locally(struct dns_question *q, enum dns_outcome outcome, const char *why)
{
	q->answer = (struct dns_answer){ .outcome = outcome, .why = why };
	q->ready = true;
	if (outcome == DNS_TEMP)
		q->task->stats.temp++;
	atomic_fetch_add_explicit(&q->task->answered, 1, memory_order_release);
}

static struct dns_question *
question_new(struct dns_task *task, struct view name, enum dns_type type, uint64_t hash)
{
	struct dns_question *q = ARENA_NEW(task->arena, struct dns_question);
	struct dns_question **bucket = &task->bucket[hash % TASK_BUCKETS];

	q->task = task;
	q->name = arena_copy_lower(task->arena, name);
	q->type = type;
	q->hash = hash;
	atomic_init(&q->entry, NULL);
	q->bucket_next = *bucket;
	*bucket = q;
	*task->last = q;
	task->last = &q->next;
	return q;
}

/* From the cache, with a flight that is in the air, or with one of its own. */
static void
question_send(struct dns *dns, struct dns_question *q)
{
	struct dns_shard *shard = dns_shard_of(dns, q->hash);
	struct dns_flight *flight = NULL, *started = NULL;
	struct dns_entry *entry;

	lock_take(&shard->lock);
	entry = dns_cache_find(&shard->cache, q->name, q->type, q->hash, clock_mono_ms(dns->clock));
	if (entry != NULL) {
		dns_question_done(q, entry);
	} else {
		flight = dns_flight_find(shard, q->name, q->type, q->hash);
		if (flight == NULL)
			flight = started = dns_flight_new(dns, shard, q->name, q->type, q->hash);
		if (flight != NULL) {
			q->flight = flight;
			q->waiter_next = flight->waiters;
			flight->waiters = q;
		}
	}
	lock_drop(&shard->lock);
	q->flown = flight != NULL;
	if (entry != NULL)
		q->task->stats.from_cache++;
	else if (flight == NULL)
		answer_locally(q, DNS_TEMP, "resolver busy");
	if (started != NULL)
		dns->resolver->start(dns->self, started);
}

struct dns_question *
dns_ask(struct dns_task *task, struct view name, enum dns_type type)
{
	struct dns_question *q;
	uint64_t hash;

	/* What is longer cannot be a name either way, and need not be copied. */
	name = view_sub(dns_name_trim(name), 0, DNS_NAME_MAX + 1);
	hash = dns_hash(name, type);
	for (q = task->bucket[hash % TASK_BUCKETS]; q != NULL; q = q->bucket_next)
		if (q->hash == hash && q->type == type && view_eq_nocase(q->name, name))
			return q;
	q = question_new(task, name, type, hash);
	if (!dns_name_ok(q->name))
		answer_locally(q, DNS_NXDOMAIN, "");
	else if (task->stats.queries >= task->budget.queries)
		answer_locally(q, DNS_TEMP, "too many queries");
	else {
		task->stats.queries++;
		question_send(task->dns, q);
	}
	return q;
}

const struct dns_answer *
dns_peek(struct dns_task *task, struct dns_question *q)
{
	struct dns_entry *entry;
	int64_t left_ms;

	if (q->ready)
		return &q->answer;
	entry = atomic_load_explicit(&q->entry, memory_order_acquire);
	if (entry == NULL)
		return NULL;
	q->answer = entry->answer;
	left_ms = entry->expires_ms - clock_mono_ms(task->dns->clock);
	q->answer.ttl = left_ms > 0 ? (uint32_t)((left_ms + 999) / 1000) : 0;
	if (q->answer.outcome == DNS_TEMP)
		task->stats.temp++;
	q->ready = true;
	return &q->answer;
}

/* Wait until there is an answer or the time is up; then the question has left its flight. */
static bool
wait_for_entry(struct dns_task *task, struct dns_question *q)
{
	struct dns_shard *shard = dns_shard_of(task->dns, q->hash);
	int64_t start = clock_mono_ms(&clock_system);
	int64_t until = start + task->budget.wait_ms - *task->waited_ms;
	bool time_left = true;

	lock_take(&shard->lock);
	while (q->flight != NULL && time_left) /* ends: each turn waits, until `until` at most */
		time_left = signal_wait(&task->done, &shard->lock, until);
	time_left = !leave_flight(q);
	lock_drop(&shard->lock);
	int64_t waited = clock_mono_ms(&clock_system) - start;
	task->stats.waited_ms += waited;
	*task->waited_ms += waited;
	return time_left;
}

const struct dns_answer *
dns_wait(struct dns_task *task, struct dns_question *q)
{
	const struct dns_answer *answer = dns_peek(task, q);

	if (answer != NULL)
		return answer;
	if (!wait_for_entry(task, q))
		answer_locally(q, DNS_TEMP, "waited too long");
	return dns_peek(task, q);
}

const struct dns_answer *
dns_get(struct dns_task *task, struct view name, enum dns_type type)
{
	return dns_wait(task, dns_ask(task, name, type));
}

unsigned
dns_task_answered(struct dns_task *task)
{
	return atomic_load_explicit(&task->answered, memory_order_acquire);
}

struct dns_task_stats
dns_task_stats(const struct dns_task *task)
{
	return task->stats;
}

bool
dns_task_each(struct dns_task *task, size_t i, struct view *name, enum dns_type *type,
    const struct dns_answer **answer)
{
	struct dns_question *q = task->first;

	for (; q != NULL && i > 0; i--)
		q = q->next;
	if (q == NULL)
		return false;
	*name = q->name;
	*type = q->type;
	*answer = dns_peek(task, q);
	return true;
}
