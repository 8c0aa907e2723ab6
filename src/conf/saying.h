#ifndef ASSAY_CONF_SAYING_H
#define ASSAY_CONF_SAYING_H

#include "conf/read.h"
#include "conf/source.h"

#include <libconfig.h>

/* saying - what is wrong with a file, and where: "FILE:LINE: text". */
struct conf_saying {
	struct conf_source source;
	struct arena *words; /* what ends with the reading */
	conf_say *say;
	void *ctx;
	bool ok; /* nothing was said */
};

void conf_say_at(struct conf_saying *s, struct conf_place place, struct view text);
/* libconfig could not read it. */
void conf_say_syntax(struct conf_saying *s, const config_t *config);

#endif
