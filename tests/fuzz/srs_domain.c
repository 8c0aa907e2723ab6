#include "fuzz/srs_domain.h"

#include "crypt/digest.h"

#include <assert.h>
#include <stdlib.h>

static struct srs_conf conf;
static struct srs srs = { .conf = &conf };
static struct arena *presets; /* kept to the end: conf points into it */

struct srs *
srs_domain(void)
{
	struct err err;

	if (presets != NULL)
		return &srs;
	if (!crypt_open(&err))
		abort();
	presets = arena_new();
	conf_section_presets(&srs_section, &conf, presets);
	conf.domain = VIEW_LIT("srs.test");
	srs.secrets = srs_secrets_from_text(VIEW_LIT("tops3cr3t\nolder\n"), &err);
	assert(srs.secrets != NULL);
	return &srs;
}

struct srs_conf *
srs_domain_conf(void)
{
	return &conf;
}
