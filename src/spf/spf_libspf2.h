#ifndef ASSAY_SPF_SPF_LIBSPF2_H
#define ASSAY_SPF_SPF_LIBSPF2_H

#include "spf/spf_eval.h"

/*
 * spf_libspf2 - the second engine: libspf2 1.2.10 over our dns/, with guards around it.
 * The library is old.  What has hurt it never reaches it: records above SPF2_RECORD_MAX octets, terms with more
 * than SPF2_MACRO_MAX octets of macros, anything that is not visible ASCII.  It counts lookups
 * anew in each include and knows no void lookups, so the limits are counted where it asks DNS.  Explanations, which
 * it mangles, are expanded by us.  One verdict of its own stays: a client of 127.0.0.0/8 passes for every sender
 * (mechanism "localhost").
 */
#define SPF2_RECORD_MAX 2048 /* RFC 7208 3.4 advises 450 to 512 */
#define SPF2_MACRO_MAX 100
#define SPF2_NAME_MAX 255    /* helo, local part, receiver */

/* Blocks, within the budgets of e->dns and conf->wait.  *e->result is complete afterwards. */
void spf_libspf2_run(struct spf_eval *e, enum spf_identity identity);

#endif
