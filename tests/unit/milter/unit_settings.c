#include "base/buffer.h"
#include "crypt/key.h"
#include "milter/listen_address.h"
#include "milter/settings_force.h"
#include "milter/settings_srs.h"
#include "support/libconfig_leak.h"
#include "support/setup.h"
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

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
	{ "srs: { leaves = (\"a@b.test\", \".b.test\", \"*\"); local-domains = (\"b.test\", \"/etc/domains\"); };", "" },
	{ "srs: { leaves = \"@b.test\"; };",
	    "F:1: srs.leaves: wants \"example.org\" for a whole domain, without the \"@\"\n" },
	{ "srs: { domain = \"@srs.test\"; };", "F:1: srs.domain: @srs.test is no domain: write example.org, without the \"@\"\n" },
	{ "srs: { exclude = (\"*.b.test\"); };", "F:1: srs.exclude: *.b.test: all below a domain is .example.org\n" },
	{ "srs: { leaves = \"<>\"; };",
	    "F:1: srs.leaves: wants addresses without \"<\" and \">\"\n" },
	{ "srs: { return-senders = (\"<>\", \".b.test\", \"c@b.test\"); };", "" },
	{ "srs: { virtual = \"hash:/etc/postfix/virtual\"; };",
	    "F:1: srs.virtual: wants paths that begin with \"/\": the text files, without \"hash:\" and the like\n" },
	{ "srs: { aliases = \"/etc/aliases\"; };",
	    "F:1: srs: virtual, aliases and leave-map need local-domains: what is none of them has left\n" },
	{ "srs: { leave-map = \"virtual\"; };",
	    "F:1: srs.leave-map: wants \"unix:PATH:NAME\" or \"inet:ADDRESS:PORT:NAME\"\n" },
	{ "srs: { leave-mailers = \":host\"; };",
	    "F:1: srs.leave-mailers: wants names as the MTA logs them: \"esmtp\", \"relay:host.example\"\n" },
	{ "site: { authserv-id = \"mx.example.org\"; internal = (\"192.0.2.0/24\"); };", "" },
	{ "site: { authserv-id = \"mx example\"; };",
	    "F:1: site.authserv-id: wants a name of letters, digits, \"-\", \".\" and \"_\"\n" },
	{ "dkim: { clock-skew = 9999; };\nspf: { engin = \"native\"; };",
	    "F:1: dkim.clock-skew: 9999 is not within 0..3600 seconds\n"
	    "F:2: spf.engin: no such setting; did you mean engine?\n" },
	{ "dns: { mode = \"servers\"; };", "F:1: dns: mode \"servers\" needs at least one of servers\n" },
	{ "clock-skew = 1;", "F:1: clock-skew: belongs into the group dkim\n" },
	{ "arc: { enable = false; };\nseal: { enable = true; domain = \"a.example\"; keys = \"a:/k\"; };",
	    "F: seal: enable = true needs arc.enable: cv= says how the chain was found\n" },
	{ "srs: { listen = (\"unix:/run/assay/srs.sock\", \"inet6:8892@localhost\"); connections-max = 100; };", "" },
	{ "\nsrs: { listen = \"/run/srs.sock\"; };",
	    "F:2: srs.listen: an address is unix:PATH, inet:PORT@ADDRESS or inet6:PORT@ADDRESS\n" },
	{ "srs: { listen = (\"unix:/a\", \"unix:/a\"); };", "F:1: srs.listen: an address stands there twice\n" },
	{ "listen = \"unix:/a\";\nsrs: { listen = \"unix:/a\"; };",
	    "F:2: srs.listen: the milter listens there: the maps want an address of their own\n" },
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
	ck_assert(!settings_open_keys(s, NULL, note, &b));
	ck_assert_uint_eq(s->sealing.keys, 0);
	ck_assert(view_ends(buffer_view(&b), VIEW_LIT(":4: seal.keys: /nowhere/k: No such file or directory\n")));
	settings_unref(s);
}
END_TEST

/* A private file of that text; the caller unlinks it. */
static const char *
private_file(const char *text)
{
	char *path = arena_cstr(arena, VIEW_LIT("/tmp/unit_settings.secrets.XXXXXX"));
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	return path;
}

static struct settings *
load_srs(const char *secrets, const char *more)
{
	const char *said;
	struct settings *s = load(arena_printf(arena, "srs: { enable = true; domain = \"srs.example\"; secrets = \"%s\"; %s };",
	    secrets, more).p, &said);

	ck_assert_msg(s != NULL, "%s", said);
	return s;
}

/* secrets in their file (NULL: no file), its mode -> what is said; NULL: taken */
static const struct {
	const char *text;
	mode_t mode;
	const char *said;
} secrets_files[] = {
	{ "one\ntwo\n", 0600, NULL },
	{ "one\n", 0640, NULL },
	{ "one\n", 0644, "mode 0644 lets others at it: chmod 0640" },
	{ "\n \n", 0600, "no secret in it; openssl rand -base64 24 prints a good one" },
	{ NULL, 0, "No such file or directory" },
};

START_TEST(srs_secrets_are_opened)
{
	struct buffer b = buffer_in(arena);
	const char *path = private_file(secrets_files[_i].text == NULL ? "" : secrets_files[_i].text);
	struct settings *s = load_srs(path, "");

	ck_assert_ptr_null(s->srs_now.secrets); /* settings_load does not read them */
	if (secrets_files[_i].text == NULL)
		unlink(path);
	else
		ck_assert_int_eq(chmod(path, secrets_files[_i].mode), 0);
	bool ok = settings_open_srs(s, NULL, note, &b);
	buffer_add_char(&b, '\0');
	if (secrets_files[_i].said == NULL)
		ck_assert_msg(ok && s->srs_now.secrets != NULL, "%s", b.p);
	else
		ck_assert_msg(!ok && s->srs_now.secrets == NULL && strstr(b.p, ": srs.secrets: ") != NULL &&
			strstr(b.p, secrets_files[_i].said) != NULL, "%s", b.p);
	ck_assert_ptr_null(s->srs_now.store);
	settings_unref(s);
	unlink(path);
}
END_TEST

START_TEST(srs_tables_are_opened_for_the_milter)
{
	struct buffer b = buffer_in(arena);
	const char *path = private_file("one\n");
	const char *more = "milter = true; local-domains = \"a.test\"; virtual = \"/nowhere/virtual\"";
	struct settings *s = load_srs(path, more);

	ck_assert(!settings_open_srs(s, NULL, note, &b));
	buffer_add_char(&b, '\0');
	ck_assert_msg(strstr(b.p, ": srs: /nowhere/virtual: No such file or directory") != NULL, "%s", b.p);
	settings_unref(s);
	s = load_srs(path, "milter = true; leave-map = \"unix:/map:x\"; local-domains = \"a.test\"");
	ck_assert(settings_open_srs(s, NULL, note, &b));
	ck_assert_ptr_nonnull(s->srs_tables);
	ck_assert_ptr_nonnull(s->srs_ask);
	settings_unref(s);
	s = load_srs(path, "local-domains = \"a.test\"; virtual = \"/nowhere/virtual\"");
	ck_assert(settings_open_srs(s, NULL, note, &b)); /* nobody asks them */
	ck_assert_ptr_null(s->srs_tables);
	settings_unref(s);
	unlink(path);
}
END_TEST

START_TEST(srs_disabled_opens_nothing)
{
	const char *said;
	struct buffer b = buffer_in(arena);
	struct settings *s = load("srs: { secrets = \"/nowhere/secrets\"; database = \"always\"; };", &said);
	struct err err;

	ck_assert_msg(s != NULL, "%s", said);
	ck_assert(settings_open_srs(s, NULL, note, &b));
	ck_assert_ptr_eq(s->srs_now.conf, &s->srs);
	ck_assert_ptr_null(s->srs_now.secrets);
	ck_assert_ptr_null(s->srs_now.store);
	ck_assert(settings_try_srs_store(s, &err));
	settings_unref(s);
}
END_TEST

START_TEST(srs_store_is_shared)
{
	struct buffer b = buffer_in(arena);
	const char *secrets = private_file("one\n");
	char folder[] = "/tmp/unit_settings.XXXXXX";
	struct err err;
	struct view address;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	const char *in_folder = arena_printf(arena, "database = \"long\"; database-file = \"%s/d\";", folder).p;
	struct settings *first = load_srs(secrets, in_folder), *same = load_srs(secrets, in_folder);
	struct settings *other = load_srs(secrets, "database = \"long\"; database-file = \"/nowhere/d\";");

	ck_assert(settings_open_srs(first, NULL, note, &b));
	ck_assert(settings_open_srs(same, first, note, &b));
	ck_assert(settings_open_srs(other, same, note, &b));
	ck_assert_ptr_eq(first->srs_now.store, same->srs_now.store);
	ck_assert_ptr_ne(first->srs_now.store, other->srs_now.store);
	settings_unref(first);
	if (settings_try_srs_store(same, &err)) { /* a build without SQLite has none */
		ck_assert(srs_store_put(same->srs_now.store, VIEW_LIT("k"), VIEW_LIT("a@b"), 1, &err));
		ck_assert_int_eq(srs_store_get(same->srs_now.store, VIEW_LIT("k"), arena, &address, &err), SRS_FOUND);
		ck_view_is(address, "a@b");
	}
	ck_assert(!settings_try_srs_store(other, &err));
	ck_assert(!srs_store_put(other->srs_now.store, VIEW_LIT("k"), VIEW_LIT("a@b"), 1, &err));
	ck_assert_int_eq(err.kind, ERR_TEMP); /* it may come; nobody may take the address for one that never fits */
	settings_unref(same);
	settings_unref(other);
	unlink(secrets);
	unlink(arena_printf(arena, "%s/d", folder).p);
	ck_assert_int_eq(rmdir(folder), 0); /* closed: no -wal and -shm are left */
}
END_TEST

/* ---- policy files ---- */

static void
put(const char *folder, const char *name, const char *text, mode_t mode)
{
	const char *path = arena_printf(arena, "%s/%s", folder, name).p;
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

static const char *
new_folder(void)
{
	char *folder = arena_cstr(arena, VIEW_LIT("/tmp/unit_settings.XXXXXX"));

	ck_assert_ptr_nonnull(mkdtemp(folder));
	return folder;
}

static void
remove_folder(const char *folder, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		unlink(arena_printf(arena, "%s/%s", folder, names[i]).p);
	rmdir(folder);
}

static const char *
key_text(void)
{
	struct private_key *key = private_key_new(KEY_RSA, 2048, NULL);
	struct view pem = private_key_pem(key, arena);

	private_key_unref(key);
	return arena_cstr(arena, pem);
}

START_TEST(srs_domains_of_policy_files)
{
	static const char *const names[] = { "a.conf", "b.conf", "c.conf" };
	const char *folder = new_folder(), *said;

	put(folder, "a.conf", "domains = \"a.test\"; outgoing: { srs-domain = \"srs.x.test\"; };", 0644);
	put(folder, "b.conf", "domains = \"b.test\"; outgoing: { srs-domain = \"A.test\"; };", 0644);
	put(folder, "c.conf", "domains = \"c.test\"; outgoing: { srs-domain = \"SRS.x.test.\"; };", 0644);
	struct settings *s = load(arena_printf(arena, "policy: { directory = \"%s\"; };", folder).p, &said);
	remove_folder(folder, names, 3);
	ck_assert_msg(s != NULL, "%s", said);
	ck_assert_uint_eq(s->srs.policy_domains.n, 2);
	ck_view_is(s->srs.policy_domains.item[0], "a.test");
	ck_view_is(s->srs.policy_domains.item[1], "srs.x.test");
	settings_unref(s);
}
END_TEST

/* A key of one domain that is not fit is a matter of that domain, and what sealed for it before goes on. */
START_TEST(keys_of_policy_files)
{
	static const char *const names[] = { "a.conf", "b.conf", "a.key" };
	const char *folder = new_folder(), *said;
	struct buffer b = buffer_in(arena);

	put(folder, "a.key", key_text(), 0600);
	put(folder, "a.conf", arena_printf(arena, "domains = \"a.test\"; outgoing: { seal-domain = \"a.test\";\n"
	    "seal-keys = \"s:%s/a.key\"; };", folder).p, 0644);
	put(folder, "b.conf", "domains = \"b.test\"; outgoing: { seal-domain = \"b.test\";\n\nseal-keys = \"s:/nowhere/k\"; };", 0644);
	const char *conf = arena_printf(arena, "policy: { directory = \"%s\"; };", folder).p;
	struct settings *s = load(conf, &said);
	ck_assert(settings_open_keys(s, NULL, note, &b));
	struct view wanted = arena_printf(arena, "%s/b.conf:3: seal-keys: /nowhere/k: No such file or directory\n"
	    "%s/b.conf:3: warning: seal-keys: nothing is sealed as b.test\n", folder, folder);
	ck_assert_msg(view_eq(buffer_view(&b), wanted), "%.*s", VIEW_ARG(buffer_view(&b)));
	ck_assert_uint_eq(s->file_sealings, 2);
	ck_assert_uint_eq(s->key_mistakes, 1);
	ck_assert_uint_eq(s->file_sealing[0].keys, 1);
	ck_assert_uint_eq(s->file_sealing[1].keys, 0);

	put(folder, "a.key", "nonsense", 0600);
	struct settings *after = load(conf, &said);
	b = buffer_in(arena);
	ck_assert(settings_open_keys(after, s, note, &b));
	remove_folder(folder, names, 3);
	settings_unref(s);
	ck_assert_uint_eq(after->key_mistakes, 2);
	ck_assert_uint_eq(after->file_sealing[0].keys, 1);
	ck_assert_int_eq(private_key_bits(after->file_sealing[0].key[0].key), 2048);
	ck_assert_uint_eq(after->file_sealing[1].keys, 0);
	settings_unref(after);
}
END_TEST

START_TEST(keys_of_policy_files_need_arc)
{
	static const char *const names[] = { "a.conf", "a.key" };
	const char *folder = new_folder(), *said;
	struct buffer b = buffer_in(arena);

	put(folder, "a.key", key_text(), 0600);
	put(folder, "a.conf", arena_printf(arena, "domains = \"a.test\"; outgoing: { seal-domain = \"a.test\";\n"
	    "seal-keys = \"s:%s/a.key\"; };", folder).p, 0644);
	struct settings *s = load(arena_printf(arena, "arc: { enable = false; }; policy: { directory = \"%s\"; };", folder).p, &said);
	ck_assert(settings_open_keys(s, NULL, note, &b));
	remove_folder(folder, names, 2);
	ck_assert_uint_eq(s->file_sealing[0].keys, 0);
	buffer_add_char(&b, '\0');
	ck_assert_msg(strstr(buffer_view(&b).p, "a.conf:2: seal-keys: needs arc.enable") != NULL, "%s", buffer_view(&b).p);
	settings_unref(s);
}
END_TEST

/* ---- what is in force, as a text ---- */

START_TEST(in_force_and_back)
{
	static const char *const names[] = { "a.conf", "b.conf" };
	const char *folder = new_folder(), *said;
	struct err err = { .text = "" };

	put(folder, "a.conf", "domains = \"a.test\";\nincoming: { mode = \"monitor\"; };\n", 0644);
	put(folder, "b.conf", "domains = \"b.test\";", 0644);
	struct settings *s = load(arena_printf(arena, "backlog = 7; site: { authserv-id = \"x.test\"; }; policy: { directory = \"%s\"; };",
	    folder).p, &said), *start = settings_presets();
	remove_folder(folder, names, 2);
	s->generation = 3;
	struct view text = settings_force_text(s, start, arena);
	struct settings *back = settings_force_parse(text, &err);
	ck_assert_msg(back != NULL, "%s", err.text);
	ck_assert_uint_eq(back->generation, 3);
	ck_assert_int_eq(back->process.backlog, start->process.backlog); /* only a restart changes it */
	ck_view_is(back->site.authserv_id, "x.test");
	ck_assert(view_eq(back->path, s->path));
	ck_assert(policy_has_key(back->policies, VIEW_LIT("a.test")) && policy_has_key(back->policies, VIEW_LIT("b.test")));
	struct recipient rcpt = { .argument = VIEW_LIT("<u@a.test>"), .path = { VIEW_LIT("u@a.test"), VIEW_LIT("u"), VIEW_LIT("a.test") } };
	ck_assert(policy_same_rules(s->policies, back->policies, &rcpt) && !policy_same_rules(NULL, back->policies, &rcpt));
	settings_unref(back);
	for (size_t n = 0; n < text.n; n++) { /* cut anywhere: refused, or all but the last files */
		back = settings_force_parse(view_sub(text, 0, n), &err);
		ck_assert(back == NULL || policy_files(back->policies) < 2);
		settings_unref(back);
	}
	settings_unref(s);
	settings_unref(start);
}
END_TEST

static const struct {
	const char *pid_file, *path;
} force_paths[] = {
	{ "/run/assay/assayd.pid", "/run/assay/assayd.in-force" },
	{ "/run/x", "/run/x.in-force" },
};

START_TEST(in_force_paths)
{
	ck_view_is(settings_force_path(view_of(force_paths[_i].pid_file), arena), force_paths[_i].path);
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
	{ "", "srs: { listen = \"unix:/b\"; connections-max = 7; maxage = 3; exclude = \"a.example\"; };",
	    "srs.listen: the change needs a restart\nsrs.connections-max: the change needs a restart\n" },
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

int
main(void)
{
	Suite *suite = suite_create("settings");
	TCase *tcase = tcase_create("settings");

	tcase_add_checked_fixture(tcase, arena_setup, arena_teardown);
	tcase_add_loop_test(tcase, listen_address, 0, ARRAY_LEN(addresses));
	tcase_add_test(tcase, listen_path_length);
	tcase_add_loop_test(tcase, what_is_said, 0, ARRAY_LEN(files));
	tcase_add_test(tcase, presets_are_valid);
	tcase_add_test(tcase, parts_are_joined);
	tcase_add_test(tcase, keys_are_opened_apart);
	tcase_add_loop_test(tcase, srs_secrets_are_opened, 0, sizeof(secrets_files) / sizeof(secrets_files[0]));
	tcase_add_test(tcase, srs_tables_are_opened_for_the_milter);
	tcase_add_test(tcase, srs_disabled_opens_nothing);
	tcase_add_test(tcase, srs_store_is_shared);
	tcase_add_test(tcase, srs_domains_of_policy_files);
	tcase_add_test(tcase, keys_of_policy_files);
	tcase_add_test(tcase, keys_of_policy_files_need_arc);
	tcase_add_test(tcase, in_force_and_back);
	tcase_add_loop_test(tcase, in_force_paths, 0, ARRAY_LEN(force_paths));
	tcase_add_test(tcase, references);
	tcase_add_loop_test(tcase, restart_needed, 0, ARRAY_LEN(changes));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
