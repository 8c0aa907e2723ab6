#ifndef ASSAY_CLI_CHECK_JSON_H
#define ASSAY_CLI_CHECK_JSON_H

#include "assess/assess.h"
#include "cli/json.h"

/* check_json - every fact of an assessment as JSON on standard output; field is the value for the message. */
void check_json_print(struct view authserv_id, struct view field, const struct assessment *found, struct arena *arena);

/* The members of an assessment, into the object that is open. */
void json_assessment(struct json *j, const struct assessment *found);
/* "trace": what an evaluation of SPF did; NULL: empty. */
void json_spf_trace(struct json *j, const struct spf_trace *trace);
/* The members of one SPF result, into the object that is open: check and spf say them in the same words. */
void json_spf_members(struct json *j, const struct spf_result *r);

#endif
