#ifndef ASSAY_CLI_CHECK_JSON_H
#define ASSAY_CLI_CHECK_JSON_H

#include "assess/assess.h"

/* check_json - every fact of an assessment as JSON on standard output; field is the value for the message. */
void check_json_print(struct view authserv_id, struct view field, const struct assessment *found, struct arena *arena);

#endif
