#include "base/mem.h"

#include "base/log.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void
mem_fatal(const char *why)
{
	log_error("fatal: %s", why);
	abort();
}

void *
mem_zero(size_t n)
{
	void *p = calloc(1, n == 0 ? 1 : n);

	if (p == NULL)
		mem_fatal("out of memory");
	return p;
}

void *
mem_resize(void *p, size_t n)
{
	void *moved = realloc(p, n == 0 ? 1 : n);

	if (moved == NULL)
		mem_fatal("out of memory");
	return moved;
}

void
mem_free(void *p)
{
	free(p);
}

char *
mem_cstr(const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		mem_fatal("out of memory");
	return copy;
}

size_t
mem_add(size_t a, size_t b)
{
	if (a > SIZE_MAX - b)
		mem_fatal("a size too large");
	return a + b;
}

size_t
mem_mul(size_t a, size_t b)
{
	if (b != 0 && a > SIZE_MAX / b)
		mem_fatal("a size too large");
	return a * b;
}

void
mem_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}
