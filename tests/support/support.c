#include "support/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct view
tight_copy(struct view v)
{
	char *p = malloc(v.n == 0 ? 1 : v.n);

	if (p == NULL)
		abort();
	if (v.n > 0)
		memcpy(p, v.p, v.n);
	return (struct view){ p, v.n };
}

struct view
tight_cstr(const char *text)
{
	return tight_copy(view_of(text));
}

struct view
read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *p = NULL;
	size_t n = 0, room = 0;

	if (f == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	while (!feof(f) && !ferror(f)) {
		if (n == room) {
			room = room == 0 ? 65536 : room * 2;
			p = realloc(p, room);
			if (p == NULL)
				abort();
		}
		n += fread(p + n, 1, room - n, f);
	}
	fclose(f);
	return (struct view){ p, n };
}

char *
test_path(const char *name)
{
	const char *dir = getenv("srcdir");
	char *path = NULL;

	if (asprintf(&path, "%s/%s", dir == NULL || *dir == '\0' ? "." : dir, name) < 0)
		abort();
	return path;
}

int
run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
