#include "support/setup.h"

struct arena *arena;

void
arena_setup(void)
{
	arena = arena_new();
}

void
arena_teardown(void)
{
	arena_free(arena);
}
