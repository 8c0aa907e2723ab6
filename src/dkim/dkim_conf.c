#include "dkim/dkim.h"

static const struct conf_item items[] = {
	/*        struct     name in file          field               default min   max   unit */
	CONF_BOOL(dkim_conf, "enable",             enable,             true),
	CONF_INT (dkim_conf, "signatures-max",     signatures_max,     10,     1,    100,  ""),
	CONF_INT (dkim_conf, "clock-skew",         clock_skew,         300,    0,    3600, "seconds"),
	CONF_INT (dkim_conf, "rsa-bits-min",       rsa_bits_min,       1024,   1024, 4096, "bits"),
	CONF_BOOL(dkim_conf, "allow-partial-body", allow_partial_body, false),
};

const struct conf_section dkim_section = CONF_SECTION("dkim", dkim_conf, items, NULL);
