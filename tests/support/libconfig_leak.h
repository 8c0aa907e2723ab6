#ifndef ASSAY_TESTS_LIBCONFIG_LEAK_H
#define ASSAY_TESTS_LIBCONFIG_LEAK_H

/*
 * libconfig_leak - libconfig 1.5 loses the text it was reading when it meets a syntax error.
 * Include it once in a program: what LeakSanitizer looks for is defined here.
 */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig\n";
}

#endif
