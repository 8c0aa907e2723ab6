#include "support/setup.h"

#include "crypt/digest.h"

#include <check.h>

void
crypt_setup(void)
{
	struct err err;

	arena_setup();
	ck_assert(crypt_open(&err));
}

void
crypt_teardown(void)
{
	arena_teardown();
	crypt_close();
}
