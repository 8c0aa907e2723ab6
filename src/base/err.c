#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
mark_cut(char *text, int wanted)
{
	if (wanted >= ERR_TEXT_MAX)
		memcpy(text + ERR_TEXT_MAX - 4, "...", 4);
}

__attribute__((format(printf, 3, 0))) static bool
record(struct err *err, enum err_kind kind, const char *fmt, va_list ap)
{
	if (err == NULL)
		return false;
	err->kind = kind;
	mark_cut(err->text, vsnprintf(err->text, sizeof(err->text), fmt, ap));
	return false;
}

bool
err_perm(struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record(err, ERR_PERM, fmt, ap);
	va_end(ap);
	return false;
}

bool
err_temp(struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record(err, ERR_TEMP, fmt, ap);
	va_end(ap);
	return false;
}

bool
err_in(struct err *err, const char *where, ...)
{
	char prefix[ERR_TEXT_MAX];
	char rest[ERR_TEXT_MAX];
	va_list ap;

	if (err == NULL)
		return false;
	va_start(ap, where);
	mark_cut(prefix, vsnprintf(prefix, sizeof(prefix), where, ap));
	va_end(ap);
	memcpy(rest, err->text, sizeof(rest));
	mark_cut(err->text, snprintf(err->text, sizeof(err->text), "%s: %s", prefix, rest));
	return false;
}
