#include "arc/arc.h"

#include <stddef.h>

static const struct conf_item rows[] = {
	/*        struct    name in file    field         default  min   max   unit */
	CONF_BOOL(arc_conf, "enable",       enable,       true),
	CONF_INT (arc_conf, "rsa-bits-min", rsa_bits_min, 1024,    1024, 4096, "bits"),
	CONF_INT (arc_conf, "clock-skew",   clock_skew,   300,     0,    3600, "seconds"),
};

const struct conf_section arc_section = CONF_SECTION("arc", arc_conf, rows, NULL);
