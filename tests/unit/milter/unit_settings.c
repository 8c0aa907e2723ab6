#include "base/buffer.h"
#include "milter/listen_address.h"
#include "milter/settings.h"
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new();
}

static void
teardown(void)
{
	arena_free(arena);
}

/* text -> kind, path or "ADDRESS PORT"; NULL: refused */
static const struct {
	const char *text;
	enum listen_kind kind;
	const char *where;
} addresses[] = {
	{ "unix:/run/assay/assay.sock", LISTEN_UNIX, "/run/assay/assay.sock" },
	{ "local:/a", LISTEN_UNIX, "/a" },
	{ "UNIX:/a@b:c", LISTEN_UNIX, "/a@b:c" },
	{ "inet:8891@127.0.0.1", LISTEN_INET, "127.0.0.1 8891" },
	{ "inet:1@localhost", LISTEN_INET, "127.0.0.1 1" },
	{ "inet:65535@0.0.0.0", LISTEN_INET, "0.0.0.0 65535" },
	{ "inet6:8891@localhost", LISTEN_INET6, "::1 8891" },
	{ "inet6:8891@2001:db8::1", LISTEN_INET6, "2001:db8::1 8891" },
	{ "inet6:8891@::", LISTEN_INET6, ":: 8891" },
	{ "unix:run/assay.sock", LISTEN_UNIX, NULL },
	{ "unix:", LISTEN_UNIX, NULL },
	{ "/run/assay.sock", LISTEN_UNIX, NULL },
	{ "inet:8891", LISTEN_INET, NULL },
	{ "inet:0@127.0.0.1", LISTEN_INET, NULL },
	{ "inet:65536@127.0.0.1", LISTEN_INET, NULL },
	{ "inet:http@127.0.0.1", LISTEN_INET, NULL },
	{ "inet:8891@mail.example.org", LISTEN_INET, NULL },
	{ "inet:8891@::1", LISTEN_INET, NULL },
	{ "inet6:8891@127.0.0.1", LISTEN_INET6, NULL },
	{ "inet6:8891@::ffff:127.0.0.1", LISTEN_INET6, NULL },
	{ "inet6:8891@[::1]", LISTEN_INET6, NULL },
	{ "fd:3", LISTEN_UNIX, NULL },
	{ "", LISTEN_UNIX, NULL },
};

START_TEST(listen_address)
{
	struct view text = tight_cstr(addresses[_i].text);
	struct listen_address a;
	struct err err;
	struct view where = VIEW_EMPTY;
	bool ok = listen_address_parse(text, &a, &err);

	ck_assert_msg(ok == (addresses[_i].where != NULL), "\"%s\": %s", addresses[_i].text, ok ? "taken" : err.text);
	if (ok) {
		ck_assert_int_eq(a.kind, addresses[_i].kind);
		where = a.kind == LISTEN_UNIX ? a.path :
		    arena_printf(arena, "%.*s %u", VIEW_ARG(ip_text(&a.ip, arena)), a.port);
		ck_view_is(where, addresses[_i].where);
	}
	free((void *)text.p);
}
END_TEST

START_TEST(listen_path_length)
{
	struct listen_address a;
	struct err err;
	char text[5 + 108];

	memset(text, '/', sizeof(text));
	memcpy(text, "unix:", 5);
	ck_assert(listen_address_parse((struct view){ text, 5 + 107 }, &a, &err));
	ck_assert(!listen_address_parse((struct view){ text, 5 + 108 }, &a, &err));
}
END_TEST

static void
note(void *ctx, const char *text)
{
	struct buffer *said = ctx;

	buffer_add_cstr(said, text);
	buffer_add_char(said, '\n');
}

/* Load text from a file; what is said goes to *said, its name shortened to F. */
static struct settings *
load(const char *text, const char **said)
{
	char path[] = "/tmp/unit_settings.XXXXXX";
	int fd = mkstemp(path);
	struct buffer b = buffer_in(arena), plain = buffer_in(arena);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	struct settings *s = settings_load(path, note, &b);
	unlink(path);
	if (s != NULL)
		ck_view_is(s->path, path);
	buffer_add_char(&b, '\0');
	for (const char *at = b.p; *at != '\0';) {
		bool name = strncmp(at, path, strlen(path)) == 0;
		buffer_add_char(&plain, name ? 'F' : *at);
		at += name ? strlen(path) : 1;
	}
	buffer_add_char(&plain, '\0');
	*said = plain.p;
	return s;
}

/* file -> what is said; "": it is taken */
static const struct {
	const char *text;
	const char *said;
} files[] = {
	{ "", "" },
	{ "listen = (\"unix:/a\", \"inet:8891@localhost\");", "" },
	{ "listen = (\"unix:/a\", \"unix:/a\");", "F:1: listen: an address stands there twice\n" },
	{ "listen = ();", "F:1: listen: 0 are not a list of 1..16 texts\n" },
	{ "listen = \"inet:8891\";",
	    "F:1: listen: inet: wants PORT@ADDRESS; all interfaces are inet:PORT@0.0.0.0\n" },
	{ "pid-file = \"assayd.pid\";", "F:1: pid-file: wants a path that begins with \"/\"\n" },
	{ "socket-mode = \"0666\"; syslog-facility = \"local3\"; log-level = \"debug\";", "" },
	{ "user = \"\";", "F:1: user: wants a name\n" },
	{ "site: { authserv-id = \"mx.example.org\"; internal = (\"192.0.2.0/24\"); };", "" },
	{ "site: { authserv-id = \"mx example\"; };",
	    "F:1: site.authserv-id: wants a name of letters, digits, \"-\", \".\" and \"_\"\n" },
	{ "dkim: { clock-skew = 9999; };\nspf: { engin = \"native\"; };",
	    "F:1: dkim.clock-skew: 9999 is not within 0..3600 seconds\n"
	    "F:2: spf.engin: no such setting; did you mean engine?\n" },
	{ "dns: { mode = \"servers\"; };", "F: dns: mode \"servers\" needs at least one of servers\n" },
	{ "clock-skew = 1;", "F:1: clock-skew: belongs into the group dkim\n" },
	{ "arc: { enable = false; };\nseal: { enable = true; domain = \"a.example\"; keys = \"a:/k\"; };",
	    "F: seal: enable = true needs arc.enable: cv= says how the chain was found\n" },
	{ "notices: { enable = true; by = \"sendmail\"; server = \"inet6:587@::1\"; from = \"a@b.test\"; };\n"
	  "policy: { recipients = \"split\"; };", "" },
	{ "notices: { enable = true; };", "F: warning: notices: enable = true does little without policy.recipients = \"split\": "
	    "else who refuses is mostly not taken from the envelope\n" },
	{ "notices: { server = \"unix:/a\"; };",
	    "F:1: notices.server: wants inet:PORT@ADDRESS or inet6:PORT@ADDRESS: the MTA's SMTP port\n" },
	{ "notices: { from = \"<a@b.test>\"; };", "F:1: notices.from: wants an address: \"postmaster@example.org\"\n" },
	{ "notices: { from = \"a b@b.test\"; };", "F:1: notices.from: wants an address: \"postmaster@example.org\"\n" },
	{ "notices: { command = \"sendmail\"; };", "F:1: notices.command: wants a path that begins with \"/\" first\n" },
	{ "notices: { by = \"pigeon\"; };", "F:1: notices.by: pigeon is not one of smtp, sendmail\n" },
};

START_TEST(what_is_said)
{
	const char *said;
	struct settings *s = load(files[_i].text, &said);

	ck_assert_str_eq(said, files[_i].said);
	ck_assert_int_eq(s != NULL, files[_i].said[0] == '\0' || strncmp(files[_i].said, "F: warning", 10) == 0);
	settings_unref(s);
}
END_TEST

/* Each row's preset is a value that the row itself accepts. */
START_TEST(presets_are_valid)
{
	struct settings *s = settings_presets();
	const struct conf_section *section;
	struct buffer file = buffer_in(arena);
	const void *values;
	const char *said;
	struct err err;

	for (size_t i = 0; settings_each(s, i, &section, &values); i++) {
		buffer_add(&file, conf_section_show(section, values, arena));
		for (size_t k = 0; k < section->items; k++) {
			const struct conf_item *item = &section->item[k];
			if (item->check != NULL)
				ck_assert_msg(item->check((const char *)values + item->offset, &err), "%s.%s: %s",
				    section->name, item->name, err.text);
		}
	}
	struct settings *again = load(arena_cstr(arena, buffer_view(&file)), &said);
	ck_assert_msg(again != NULL, "%s", said);
	settings_unref(again);
	settings_unref(s);
}
END_TEST

START_TEST(parts_are_joined)
{
	const char *said;
	struct settings *s = load("dns: { queries-per-message = 7; wait-per-message = 1234; };\n"
				  "spf: { lookups-max = 3; };\nlimits: { recipients = 5; };\nsyslog-facility = \"daemon\";",
	    &said);

	ck_assert_msg(s != NULL, "%s", said);
	ck_assert_uint_eq(s->assess.budget.queries, 7);
	ck_assert_int_eq(s->assess.budget.wait_ms, 1234);
	ck_assert_int_eq(s->assess.spf.lookups_max, 3);
	ck_assert_int_eq(s->limits.recipients, 5);
	ck_assert_int_eq(s->process.syslog_facility, LOG_DAEMON);
	ck_view_is(s->process.listen.item[0], "unix:/run/assay/assay.sock");
	settings_unref(s);
}
END_TEST

/* assayctl reads the same file and need not be able to read the keys; who seals says what is wrong and where. */
START_TEST(keys_are_opened_apart)
{
	const char *said;
	struct buffer b = buffer_in(arena);
	struct settings *s = load("\n\nseal: { enable = true; domain = \"a.example\";\n keys = \"a:/nowhere/k\"; };", &said);

	ck_assert_msg(s != NULL, "%s", said);
	ck_assert(!settings_open_keys(s, note, &b));
	ck_assert_uint_eq(s->sealing.keys, 0);
	ck_assert(view_ends(buffer_view(&b), VIEW_LIT(":4: seal.keys: /nowhere/k: No such file or directory\n")));
	settings_unref(s);
}
END_TEST

START_TEST(references)
{
	struct settings *s = settings_presets();

	ck_assert_ptr_eq(settings_ref(s), s);
	settings_unref(s);
	ck_view_is(s->process.user, "assay"); /* AddressSanitizer knows whether it is there */
	settings_unref(s);
	settings_unref(NULL);
}
END_TEST

/* before, after -> what a reload cannot take over */
static const struct {
	const char *before, *after;
	const char *said;
} changes[] = {
	{ "", "", "" },
	{ "", "listen = \"unix:/b\"; user = \"x\";",
	    "listen: the change needs a restart\nuser: the change needs a restart\n" },
	{ "", "log-level = \"debug\"; stop-wait = 1;", "" },
	{ "", "site: { strip-forged = false; }; dkim: { clock-skew = 1; };", "" },
	{ "", "limits: { milter-timeout = 60; recipients = 1; };",
	    "limits.milter-timeout: the change needs a restart\n" },
	{ "", "dns: { timeout = 100; wait-per-message = 1; };", "dns.timeout: the change needs a restart\n" },
	{ "listen = \"unix:/b\";", "listen = (\"unix:/b\");", "" },
	{ "", "notices: { by = \"sendmail\"; command = \"/a\"; per-hour = 1; };",
	    "notices.by: the change needs a restart\nnotices.command: the change needs a restart\n" },
};

START_TEST(restart_needed)
{
	const char *said;
	struct settings *before = load(changes[_i].before, &said);
	struct settings *after = load(changes[_i].after, &said);
	struct buffer b = buffer_in(arena);

	ck_assert_ptr_nonnull(before);
	ck_assert_ptr_nonnull(after);
	settings_restart_needed(before, after, note, &b);
	ck_view_is(buffer_view(&b), changes[_i].said);
	settings_unref(before);
	settings_unref(after);
}
END_TEST

/* libconfig 1.5 loses the text it was reading when it meets a syntax error. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig\n";
}

int
main(void)
{
	Suite *suite = suite_create("settings");
	TCase *tcase = tcase_create("settings");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, listen_address, 0, ARRAY_LEN(addresses));
	tcase_add_test(tcase, listen_path_length);
	tcase_add_loop_test(tcase, what_is_said, 0, ARRAY_LEN(files));
	tcase_add_test(tcase, presets_are_valid);
	tcase_add_test(tcase, parts_are_joined);
	tcase_add_test(tcase, keys_are_opened_apart);
	tcase_add_test(tcase, references);
	tcase_add_loop_test(tcase, restart_needed, 0, ARRAY_LEN(changes));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
