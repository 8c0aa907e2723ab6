#include "rig.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "dns/dns_conf.h"

#include <stdio.h>
#include <stdlib.h>

#define HEADER_OCTETS_MAX (16 * 1024 * 1024)
#define HEADER_FIELDS_MAX 100000

void
rig_open(struct rig *rig, struct view zone)
{
	struct err err;

	*rig = (struct rig){ .arena = arena_new(), .now = 1700000000 };
	conf_section_presets(&arc_section, &rig->conf, rig->arena);
	if (!crypt_open(&err) || (rig->dns = dns_open_fake(zone, &err)) == NULL) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
}

void
rig_close(struct rig *rig)
{
	arena_free(rig->arena);
	dns_close(rig->dns);
	crypt_close();
}

struct view
rig_crlf(struct rig *rig, struct view text)
{
	struct buffer b = buffer_in(rig->arena);
	struct cursor c = cursor_over(text);

	while (!cursor_end(&c)) {
		struct view line = cursor_until(&c, '\n');
		if (view_ends(line, VIEW_LIT("\r")))
			line = view_sub(line, 0, line.n - 1);
		buffer_add(&b, line);
		if (cursor_char(&c, '\n'))
			buffer_add_cstr(&b, "\r\n");
	}
	return buffer_view(&b);
}

bool
rig_verify(struct rig *rig, struct view text, struct rig_message *m, struct err *err)
{
	struct body_hashes *bodies = body_hashes_new(rig->arena);
	struct dns_budget budget = { .queries = 200, .wait_ms = 500 };
	struct dns_task *task = dns_task_new(rig->dns, rig->arena, budget);

	*m = (struct rig_message){ .queries = 0 };
	header_init(&m->header, rig->arena, HEADER_OCTETS_MAX, HEADER_FIELDS_MAX);
	if (!header_read(text, &m->header, &m->body, err))
		return false;
	struct arc_input in = { .conf = &rig->conf, .header = &m->header, .now = rig->now };
	struct arc_check *check = arc_begin(&in, task, bodies, rig->arena);
	m->relaxed = arc_seal_want_body(bodies);
	body_hashes_add(bodies, rig_crlf(rig, m->body));
	body_hashes_end(bodies);
	arc_end(check, &m->chain);
	m->queries = dns_task_stats(task).queries;
	return true;
}

struct view
rig_sealed_text(struct rig *rig, const struct arc_seal *seal, struct view text)
{
	struct buffer b = buffer_in(rig->arena);

	for (size_t i = 0; i < 3; i++) {
		buffer_add(&b, seal->field[i].name);
		buffer_add_char(&b, ':');
		buffer_add(&b, rig_crlf(rig, seal->field[i].value));
		buffer_add_cstr(&b, "\r\n");
	}
	buffer_add(&b, text);
	return buffer_view(&b);
}
