#ifndef ASSAY_CONF_VALUE_H
#define ASSAY_CONF_VALUE_H

#include "conf/item.h"

#include <libconfig.h>

/*
 * value - one setting of libconfig into the field of its row.
 * What stays lives in keep.  False: *problem says in words (in words' memory) what is wrong and what is wanted.
 */
bool conf_value(config_setting_t *setting, const struct conf_item *item, void *field, struct arena *keep,
    struct arena *words, struct view *problem);

/* "a number", "a group"...: what the file has there. */
const char *conf_value_kind(const config_setting_t *setting);

#endif
