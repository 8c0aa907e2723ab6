#include "milter/settings_force.h"

#include "base/buffer.h"
#include "base/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIRST_LINE VIEW_LIT("assay in force 1\n")

struct view
settings_force_path(struct view pid_file, struct arena *arena)
{
	struct view stem = pid_file;

	if (view_ends(stem, VIEW_LIT(".pid")))
		stem.n -= strlen(".pid");
	struct view path = arena_printf(arena, "%.*s.in-force", VIEW_ARG(stem));
	return (struct view){ arena_cstr(arena, path), path.n };
}

/* ---- writing ---- */

static void
add_part(struct buffer *b, const char *word, struct view path, struct view text)
{
	buffer_addf(b, "%s %zu %.*s\n", word, text.n, VIEW_ARG(path));
	buffer_add(b, text);
	buffer_add_char(b, '\n');
}

/* As conf_section_show, but what only a restart changes is as it was at the start. */
static void
add_rows(struct buffer *b, const struct conf_section *section, const void *now, const void *at_start)
{
	bool group = *section->name != '\0';

	if (group)
		buffer_addf(b, "%s: {\n", section->name);
	for (size_t i = 0; i < section->items; i++) {
		const struct conf_item *item = &section->item[i];
		buffer_addf(b, "%s = ", item->name);
		buffer_add(b, conf_item_value(item, settings_reloads(section, item->name) ? now : at_start, b->arena));
		buffer_add_cstr(b, ";\n");
	}
	buffer_add_cstr(b, group ? "};\n" : "");
}

struct view
settings_force_text(const struct settings *settings, const struct settings *at_start, struct arena *arena)
{
	struct buffer b = buffer_in(arena), rows = buffer_in(arena);
	const struct conf_section *section;
	struct policy_text file;
	const void *now, *then;

	for (size_t i = 0; settings_each(settings, i, &section, &now) && settings_each(at_start, i, &section, &then); i++)
		add_rows(&rows, section, now, then);
	buffer_add(&b, FIRST_LINE);
	buffer_addf(&b, "generation %u\n", settings->generation);
	add_part(&b, "settings", settings->path, buffer_view(&rows));
	for (size_t i = 0; policy_text_nth(settings->policies, i, &file); i++)
		add_part(&b, "policy", view_of(file.name), file.text);
	return buffer_view(&b);
}

static bool
write_all(int fd, struct view text)
{
	while (text.n > 0) { /* ends: each turn writes an octet at least, or fails */
		ssize_t n = write(fd, text.p, text.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text = view_from(text, (size_t)n);
	}
	return true;
}

bool
settings_force_write(const struct settings *settings, const struct settings *at_start, const char *path, struct err *err)
{
	struct arena *arena = arena_new();
	const char *other = arena_printf(arena, "%s.new%c", path, '\0').p;

	unlink(other); /* of somebody who was killed while he wrote */
	int fd = open(other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool ok = fd >= 0 && write_all(fd, settings_force_text(settings, at_start, arena));
	if (fd >= 0 && close(fd) != 0)
		ok = false;
	ok = ok && rename(other, path) == 0;
	if (!ok) {
		err_temp(err, "%s: cannot be written: %s", path, strerrordesc_np(errno));
		unlink(other);
	}
	arena_free(arena);
	return ok;
}

/* ---- reading ---- */

struct reading {
	struct cursor c;
	struct arena *arena;
	struct err *err;
};

static bool
broken(struct reading *r)
{
	return err_perm(r->err, "not as assayd writes it, at octet %zu", cursor_offset(&r->c));
}

/* WORD LENGTH PATH LF text LF */
static bool
take_part(struct reading *r, const char *word, struct view *path, struct view *text)
{
	uint64_t n;

	if (!cursor_text(&r->c, view_of(word)) || !cursor_char(&r->c, ' ') || !cursor_u64(&r->c, SIZE_MAX, &n) ||
	    !cursor_char(&r->c, ' '))
		return broken(r);
	*path = cursor_until(&r->c, '\n');
	if (!cursor_char(&r->c, '\n'))
		return broken(r);
	*text = cursor_take_n(&r->c, (size_t)n);
	return (text->n == n && cursor_char(&r->c, '\n')) || broken(r);
}

/* Mistakes that were none when it was written: another version of assay. */
static void
note(void *ctx, const char *text)
{
	struct reading *r = ctx;

	err_perm(r->err, "%s", text);
}

static bool
take_policies(struct reading *r, struct settings *s)
{
	struct policy_text *file = NULL;
	size_t n = 0, room = 0;
	struct view path, text;

	while (!cursor_end(&r->c)) { /* ends: each turn takes a file */
		if (!take_part(r, "policy", &path, &text))
			return false;
		if (n == room) {
			size_t wider = room == 0 ? 64 : room * 2;
			file = arena_grow(s->arena, file, room * sizeof(*file), wider * sizeof(*file));
			room = wider;
		}
		file[n++] = (struct policy_text){ arena_cstr(s->arena, path), text };
	}
	s->policies = policy_of_texts(&s->policy, file, n, NULL, s->arena, note, r);
	return policy_mistakes(s->policies) == 0;
}

static bool
take_all(struct reading *r, struct settings *s)
{
	struct view path, text;
	uint64_t generation;

	if (!cursor_text(&r->c, FIRST_LINE) || !cursor_text(&r->c, VIEW_LIT("generation ")) ||
	    !cursor_u64(&r->c, UINT32_MAX, &generation) || !cursor_char(&r->c, '\n'))
		return broken(r);
	s->generation = (unsigned)generation;
	if (!take_part(r, "settings", &path, &text))
		return false;
	s->path = arena_copy(s->arena, path);
	return settings_read_rows(s, text, arena_cstr(s->arena, path), note, r) && take_policies(r, s);
}

struct settings *
settings_force_parse(struct view text, struct err *err)
{
	struct settings *s = settings_presets();
	struct reading r = { cursor_over(text), s->arena, err };

	if (take_all(&r, s))
		return s;
	settings_unref(s);
	return NULL;
}
