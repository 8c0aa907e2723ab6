#include "dns_test.h"

#include "base/buffer.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS 8

const char *
answer_text(const struct dns_answer *answer, enum dns_type type, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	buffer_add_cstr(&b, dns_outcome_name(answer->outcome));
	if (answer->secure)
		buffer_add_cstr(&b, " secure");
	if (answer->outcome == DNS_TEMP)
		buffer_addf(&b, " (%s)", answer->why);
	for (size_t i = 0; i < answer->n; i++) {
		buffer_add_char(&b, ' ');
		if (type == DNS_A || type == DNS_AAAA) {
			buffer_add(&b, ip_text(&answer->addr[i], arena));
		} else if (type == DNS_MX) {
			buffer_addf(&b, "%u:", answer->mx[i].preference);
			buffer_add_quoted(&b, answer->mx[i].name, 1000);
		} else {
			buffer_add_quoted(&b, answer->rdata[i], 40);
		}
	}
	return arena_cstr(arena, buffer_view(&b));
}

struct job {
	pthread_t thread;
	void (*work)(unsigned seed);
	unsigned seed;
};

static void *
run_job(void *object)
{
	struct job *job = object;

	job->work(job->seed);
	return NULL;
}

void
in_threads(void (*work)(unsigned seed))
{
	struct job job[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		job[i] = (struct job){ .work = work, .seed = i };
		if (pthread_create(&job[i].thread, NULL, run_job, &job[i]) != 0)
			abort();
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(job[i].thread, NULL);
}
