#include "base/clock.h"

#include <time.h>

const struct clock clock_system = { .fixed_wall = -1, .fixed_mono_ms = -1 };

int64_t
clock_wall(const struct clock *clock)
{
	struct timespec now;

	if (clock->fixed_wall >= 0)
		return clock->fixed_wall;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

int64_t
clock_mono_ms(const struct clock *clock)
{
	struct timespec now;

	if (clock->fixed_mono_ms >= 0)
		return clock->fixed_mono_ms;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
