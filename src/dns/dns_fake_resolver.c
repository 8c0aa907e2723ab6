#include "base/mem.h"
#include "dns/dns_conf.h"
#include "dns/dns_core.h"
#include "dns/dns_fake.h"

/*
 * The resolver over a dns_fake.  Answers without DELAY come at once, in the thread that asks.  For the
 * others there is one thread, made only when the text has a DELAY.
 */
struct fake_resolver {
	struct arena *arena; /* of the fake */
	const struct dns_fake *fake;
	struct dns *dns;
	bool threaded;
	pthread_t thread;

	struct lock lock; /* guards what follows */
	struct signal changed;
	bool closing;
	struct dns_flight *delayed; /* by deadline, which is when the answer is due */
};

static int64_t
answer_flight(struct fake_resolver *self, struct dns_flight *flight, bool delays_too)
{
	struct arena *arena = arena_new();
	struct dns_answer answer;
	int64_t delay_ms;

	dns_fake_answer(self->fake, flight->name, flight->type, arena, &answer, &delay_ms);
	if (delay_ms == 0 || delays_too)
		dns_flight_finish(self->dns, flight, &answer);
	arena_free(arena);
	return delays_too ? 0 : delay_ms;
}

static void
fake_start(void *object, struct dns_flight *flight)
{
	struct fake_resolver *self = object;
	struct dns_flight **at;
	int64_t delay_ms;

	delay_ms = answer_flight(self, flight, false);
	if (delay_ms == 0)
		return;
	flight->deadline_ms = clock_mono_ms(&clock_system) + delay_ms;
	lock_take(&self->lock);
	at = &self->delayed;
	while (*at != NULL && (*at)->deadline_ms <= flight->deadline_ms)
		at = &(*at)->next;
	flight->next = *at;
	*at = flight;
	signal_all(&self->changed);
	lock_drop(&self->lock);
}

/* The next flight that is due, off the list; NULL: closing. */
static struct dns_flight *
next_due(struct fake_resolver *self)
{
	struct dns_flight *flight = NULL;

	lock_take(&self->lock);
	while (!self->closing && flight == NULL) { /* ends: closed at last */
		int64_t now = clock_mono_ms(&clock_system);

		if (self->delayed != NULL && self->delayed->deadline_ms <= now) {
			flight = self->delayed;
			self->delayed = flight->next;
		} else {
			signal_wait(&self->changed, &self->lock,
			    self->delayed != NULL ? self->delayed->deadline_ms : now + 60000);
		}
	}
	lock_drop(&self->lock);
	return flight;
}

static void *
delay_thread(void *object)
{
	struct fake_resolver *self = object;
	struct dns_flight *flight;

	while ((flight = next_due(self)) != NULL)
		if (!dns_flight_drop(self->dns, flight))
			answer_flight(self, flight, true);
	return NULL;
}

static void
fake_close(void *object)
{
	struct fake_resolver *self = object;

	if (self->threaded) {
		lock_take(&self->lock);
		self->closing = true;
		signal_all(&self->changed);
		lock_drop(&self->lock);
		pthread_join(self->thread, NULL);
	}
	while (self->delayed != NULL) {
		struct dns_flight *flight = self->delayed;

		self->delayed = flight->next;
		dns_flight_expire(self->dns, flight, "closed");
		dns_flight_drop(self->dns, flight);
	}
	signal_destroy(&self->changed);
	lock_destroy(&self->lock);
	arena_free(self->arena);
	mem_free(self);
}

static const struct dns_resolver fake_resolver = { .start = fake_start, .close = fake_close };

struct dns *
dns_open_fake(struct view text, struct err *err)
{
	struct arena *arena = arena_new();
	struct dns_fake *fake = dns_fake_parse(text, arena, err);
	struct fake_resolver *self;

	if (fake == NULL) {
		arena_free(arena);
		return NULL;
	}
	self = mem_zero(sizeof(*self));
	self->arena = arena;
	self->fake = fake;
	lock_init(&self->lock);
	signal_init(&self->changed);
	self->dns = dns_new(&fake_resolver, self, &dns_limits_preset);
	self->threaded = dns_fake_has_delays(fake);
	if (self->threaded && pthread_create(&self->thread, NULL, delay_thread, self) != 0)
		mem_fatal("thread of the fake resolver");
	return self->dns;
}
