#ifndef ASSAY_BASE_CLOCK_H
#define ASSAY_BASE_CLOCK_H

#include <stdint.h>

/*
 * clock - the two times there are, exchangeable for tests.
 * wall: seconds since the epoch, for what protocols write down (t=, x=, dates); may jump.
 * mono: milliseconds since some start, for deadlines and TTLs; never goes back.
 * A fixed clock is plain data; the functions are thread-safe as long as nobody writes to it.
 */
struct clock {
	int64_t fixed_wall;    /* >= 0: always this; -1: the real time */
	int64_t fixed_mono_ms; /* the same */
};

extern const struct clock clock_system;

int64_t clock_wall(const struct clock *clock);	  /* seconds */
int64_t clock_mono_ms(const struct clock *clock); /* milliseconds */

#endif
