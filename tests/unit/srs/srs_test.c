#include "unit/srs/srs_test.h"

#include "crypt/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct arena *srs_test_arena;
struct srs_conf srs_test_conf;
struct srs srs_test;

static struct srs_secrets *secrets;
static char folder[64];

void
srs_test_secrets(const char *text)
{
	struct err err;

	srs_secrets_unref(secrets);
	secrets = srs_secrets_from_text(view_of(text), &err);
	ck_assert_msg(secrets != NULL, "%s", err.text);
	srs_test.secrets = secrets;
}

void
srs_test_setup(void)
{
	struct err err;

	ck_assert_msg(crypt_open(&err), "%s", err.text);
	srs_test_arena = arena_new();
	conf_section_presets(&srs_section, &srs_test_conf, srs_test_arena);
	srs_test_conf.domain = VIEW_LIT("srs.test");
	srs_test = (struct srs){ .conf = &srs_test_conf };
	secrets = NULL;
	folder[0] = '\0';
	srs_test_secrets(TEST_SECRET "\n");
}

void
srs_test_teardown(void)
{
	char command[128];

	srs_secrets_unref(secrets);
	arena_free(srs_test_arena);
	crypt_close();
	if (folder[0] != '\0') {
		snprintf(command, sizeof(command), "rm -rf '%s'", folder);
		ck_assert_int_eq(system(command), 0);
	}
}

const char *
srs_test_folder(void)
{
	if (folder[0] == '\0') {
		strcpy(folder, "srs-test-XXXXXX");
		ck_assert(mkdtemp(folder) != NULL);
	}
	return folder;
}

struct srs_result
srs_test_forward(const char *address, int64_t now)
{
	struct view in = tight_cstr(address);
	struct srs_result r;

	srs_forward(&srs_test, in, now, srs_test_arena, &r);
	free((void *)in.p);
	return r;
}

struct srs_result
srs_test_reverse(struct view address, int64_t now)
{
	struct view in = tight_copy(address);
	struct srs_result r;

	srs_reverse(&srs_test, in, now, srs_test_arena, &r);
	r.address = arena_copy(srs_test_arena, r.address);
	r.host = r.user = VIEW_EMPTY; /* they point into in */
	free((void *)in.p);
	return r;
}
