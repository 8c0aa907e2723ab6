#ifndef ASSAY_TESTS_UNIT_SPF_ZONE_H
#define ASSAY_TESTS_UNIT_SPF_ZONE_H

/*
 * zone - a small internet, and what check_host() makes of it.  Shared by the tests of both ways to run it.
 */
extern const char zone_text[];

struct verdict_row {
	const char *what;
	const char *client;
	const char *helo;   /* NULL: helo.example.org */
	const char *mail;   /* local@domain; "": the null sender */
	const char *result; /* auth_result_names */
	int lookups, voids; /* -1: does not matter */
	const char *mechanism; /* NULL: does not matter; "": none */
	const char *explanation; /* NULL: none */
};
extern const struct verdict_row verdict_rows[];
extern const int verdict_row_count;

#endif
