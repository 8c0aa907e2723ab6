#include "conf/saying.h"

#include "base/buffer.h"

#include <string.h>

#define SHOWN_MAX 60 /* octets of the file in a message */

void
conf_say_at(struct conf_saying *s, struct conf_place place, struct view text)
{
	struct buffer b = buffer_in(s->words);

	if (place.file != NULL)
		buffer_addf(&b, "%s:", place.file);
	if (place.line > 0)
		buffer_addf(&b, "%u:", place.line);
	if (place.file != NULL)
		buffer_add_char(&b, ' ');
	buffer_add(&b, text);
	buffer_add_char(&b, '\0');
	s->say(s->ctx, buffer_view(&b).p);
	s->ok = false;
}

/* libconfig's parser has one word for every mistake. */
static const char *
syntax_hint(const char *error, struct view line)
{
	if (strcmp(error, "duplicate setting name") == 0)
		return " (it stands above already: change it there)";
	if (strcmp(error, "syntax error") != 0)
		return "";
	return line.n > 0 ? " (settings are: name = value; or name: { ... }; texts stand in quotes, "
			    "lists in ( ) without a comma at the end; a switch is true or false)" :
			    " at the end of the file: a group or list is not closed";
}

void
conf_say_syntax(struct conf_saying *s, const config_t *config)
{
	const char *error = config_error_text(config) != NULL ? config_error_text(config) : "syntax error";
	unsigned line = config_error_line(config) > 0 ? (unsigned)config_error_line(config) : 1;
	struct view text = conf_source_line(&s->source, line);
	struct buffer b = buffer_in(s->words);

	buffer_add_cstr(&b, error);
	if (text.n > 0) {
		buffer_add_cstr(&b, " at or before: ");
		buffer_add_quoted(&b, text, SHOWN_MAX);
	}
	buffer_add_cstr(&b, syntax_hint(error, text));
	conf_say_at(s, conf_source_place(&s->source, line), buffer_view(&b));
}
