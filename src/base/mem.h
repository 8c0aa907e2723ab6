#ifndef ASSAY_BASE_MEM_H
#define ASSAY_BASE_MEM_H

#include <stddef.h>

/*
 * mem - heap memory that is there, or the process ends.
 * Exhaustion is fatal and said aloud: the parent starts a new worker and the MTA tempfails, which
 * loses nothing.  Everything a sender can make large is bounded before it comes here.
 */
void *mem_zero(size_t n);		/* zeroed */
void *mem_resize(void *p, size_t n);	/* as realloc; the new octets are not zeroed */
void mem_free(void *p);			/* NULL is fine */
char *mem_cstr(const char *text);	/* a copy */
size_t mem_add(size_t a, size_t b);	/* fatal on overflow */
size_t mem_mul(size_t a, size_t b);	/* fatal on overflow */
void mem_wipe(void *p, size_t n);	/* zeroes that no compiler leaves out; for secrets */
_Noreturn void mem_fatal(const char *why);

#endif
