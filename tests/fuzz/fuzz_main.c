/*
 * Runs a harness over files when it is not built with libFuzzer: each argument is a file or a
 * directory of files.  So `make check` plays every seed through every harness, with any compiler.
 */
#include "base/view.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned played;

static void
play_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;

	if (f == NULL || fstat(fileno(f), &st) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	size_t n = (size_t)st.st_size;
	uint8_t *data = malloc(n == 0 ? 1 : n); /* exact, so that AddressSanitizer sees one octet too far */
	if (data == NULL || fread(data, 1, n, f) != n) {
		fprintf(stderr, "%s: cannot be read whole\n", path);
		exit(1);
	}
	fclose(f);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	played++;
}

static void
play(const char *path)
{
	DIR *dir = opendir(path);

	if (dir == NULL) {
		play_file(path);
		return;
	}
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		char *file = NULL;
		if (e->d_name[0] == '.')
			continue;
		if (asprintf(&file, "%s/%s", path, e->d_name) < 0)
			abort();
		play(file);
		free(file);
	}
	closedir(dir);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		play(argv[i]);
	if (played == 0) {
		fprintf(stderr, "usage: %s FILE-OR-DIRECTORY...\n", argv[0]);
		return 1;
	}
	printf("%s: %u inputs played\n", argv[0], played);
	return 0;
}
