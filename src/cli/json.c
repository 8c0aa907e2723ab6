#include "cli/json.h"

#include <stdio.h>

struct json
json_in(struct arena *arena)
{
	return (struct json){ .out = buffer_in(arena), .empty = true };
}

static void
add_string(struct json *j, struct view v)
{
	static const char hex[] = "0123456789abcdef";

	buffer_add_char(&j->out, '"');
	while (v.n > 0) { /* ends: each turn takes at least one octet */
		size_t len = 1;
		unsigned char c = (unsigned char)v.p[0];
		while (c > 127 && len < 4 && len < v.n && !view_is_utf8(view_sub(v, 0, len)))
			len++;
		if (c == '"' || c == '\\') {
			buffer_add_char(&j->out, '\\');
			buffer_add_char(&j->out, (char)c);
		} else if (c == '\n') {
			buffer_add_cstr(&j->out, "\\n");
		} else if (c < ' ' || c == 127) {
			buffer_add_cstr(&j->out, "\\u00");
			buffer_add_char(&j->out, hex[c >> 4]);
			buffer_add_char(&j->out, hex[c & 15]);
		} else if (view_is_utf8(view_sub(v, 0, len))) {
			buffer_add(&j->out, view_sub(v, 0, len));
		} else {
			len = 1;
			buffer_add_cstr(&j->out, "\\ufffd");
		}
		v = view_from(v, len);
	}
	buffer_add_char(&j->out, '"');
}

static void
before_value(struct json *j, const char *key)
{
	if (j->depth > 0) {
		buffer_add_cstr(&j->out, j->empty ? "\n" : ",\n");
		for (int i = 0; i < j->depth; i++)
			buffer_add_cstr(&j->out, "  ");
	}
	if (key != NULL) {
		add_string(j, view_of(key));
		buffer_add_cstr(&j->out, ": ");
	}
	j->empty = false;
}

void
json_object(struct json *j, const char *key)
{
	before_value(j, key);
	buffer_add_char(&j->out, '{');
	j->depth++;
	j->empty = true;
}

void
json_array(struct json *j, const char *key)
{
	before_value(j, key);
	buffer_add_char(&j->out, '[');
	j->depth++;
	j->empty = true;
}

void
json_end(struct json *j, char bracket)
{
	j->depth--;
	if (!j->empty) {
		buffer_add_char(&j->out, '\n');
		for (int i = 0; i < j->depth; i++)
			buffer_add_cstr(&j->out, "  ");
	}
	buffer_add_char(&j->out, bracket);
	j->empty = false;
}

void
json_text(struct json *j, const char *key, struct view value)
{
	before_value(j, key);
	add_string(j, value);
}

void
json_cstr(struct json *j, const char *key, const char *value)
{
	if (value == NULL)
		json_null(j, key);
	else
		json_text(j, key, view_of(value));
}

void
json_number(struct json *j, const char *key, int64_t value)
{
	before_value(j, key);
	buffer_addf(&j->out, "%lld", (long long)value);
}

void
json_bool(struct json *j, const char *key, bool value)
{
	before_value(j, key);
	buffer_add_cstr(&j->out, value ? "true" : "false");
}

void
json_null(struct json *j, const char *key)
{
	before_value(j, key);
	buffer_add_cstr(&j->out, "null");
}

void
json_print(const struct json *j)
{
	struct view text = buffer_view(&j->out);

	fwrite(text.p, 1, text.n, stdout);
	putchar('\n');
}
