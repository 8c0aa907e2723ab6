#include "base/buffer.h"
#include "conf/read.h"
#include "conf/source.h"
#include "conf/suggest.h"
#include "support/libconfig_leak.h"
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A top level and two groups, with a row of every kind. */
struct top_conf {
	struct view user;
	int64_t mode;
	struct conf_list listen;
};
struct tea_conf {
	bool enable;
	int64_t steep;
	int64_t leaves;
	int kind;
	struct view name;
	struct conf_list guests;
	struct conf_nets nets;
};
struct cup_conf {
	int64_t low, high;
};

enum { GREEN, BLACK };
static const struct name_row kinds[] = { { "green", GREEN }, { "black", BLACK }, { "noir", BLACK }, { NULL, 0 } };

static bool
check_user(const void *field, struct err *err)
{
	const struct view *user = field;

	return !view_is(*user, "nobody") || err_perm(err, "wants somebody");
}

static bool
check_cup(const void *section, struct err *err)
{
	const struct cup_conf *cup = section;

	return cup->low <= cup->high || err_perm(err, "low is above high");
}

static const struct conf_item top_rows[] = {
	CONF_TEXT(top_conf, "user", user, "assay", check_user),
	CONF_MODE(top_conf, "mode", mode, 0640),
	CONF_LIST(top_conf, "listen", listen, "a b", 1, 3, NULL),
};
static const struct conf_item tea_rows[] = {
	CONF_BOOL(tea_conf, "enable", enable, true),
	CONF_INT(tea_conf, "steep-time", steep, 300, 0, 3600, "seconds"),
	CONF_INT(tea_conf, "leaves", leaves, 5000000000, 1, 9000000000, ""),
	CONF_ENUM(tea_conf, "kind", kind, BLACK, kinds),
	{ .name = "name", .type = CONF_TYPE_TEXT, .offset = offsetof(struct tea_conf, name), .min = 1, .max = 8 },
	CONF_LIST(tea_conf, "guests", guests, NULL, 0, 0, NULL),
	CONF_NETS(tea_conf, "nets", nets, "127.0.0.0/8 ::1", 4),
};
static const struct conf_item cup_rows[] = {
	CONF_INT(cup_conf, "low", low, 1, 0, 9, "fingers"),
	CONF_INT(cup_conf, "high", high, 8, 0, 9, "fingers"),
};
static const struct conf_section top_section = CONF_SECTION("", top_conf, top_rows, NULL);
static const struct conf_section tea_section = CONF_SECTION("tea", tea_conf, tea_rows, NULL);
static const struct conf_section cup_section = CONF_SECTION("cup", cup_conf, cup_rows, check_cup);

static struct arena *arena;
static struct top_conf top;
static struct tea_conf tea;
static struct cup_conf cup;
static const struct conf_target targets[] = { { &top_section, &top }, { &tea_section, &tea }, { &cup_section, &cup } };
#define TARGETS (sizeof(targets) / sizeof(targets[0]))

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

static void
note(void *ctx, const char *text)
{
	struct buffer *said = ctx;

	buffer_add_cstr(said, text);
	buffer_add_char(said, '\n');
}

/* What is said about a text called "f", a line each. */
static struct view
read_text(struct view text)
{
	struct buffer said = buffer_in(arena);
	struct view tight = tight_copy(text);
	bool ok = conf_read_text(tight, "f", targets, TARGETS, arena, note, &said);

	free((void *)tight.p);
	ck_assert_msg(ok == (said.n == 0), "ok is %d after: %.*s", ok, VIEW_ARG(buffer_view(&said)));
	return buffer_view(&said);
}

/* text of a file -> what is said about it, "" for nothing */
#define SYNTAX_HINT " (settings are: name = value; or name: { ... }; texts stand in quotes, lists in ( ) without a comma at the end; " \
	"a switch is true or false)"

static const struct {
	const char *what;
	const char *text;
	const char *said;
} mistakes[] = {
	{ "empty", "", "" },
	{ "comments", "# a\n// b\n/* c\n * @include \"x\" */\n", "" },
	{ "all rows", "user = \"tea\"; mode = \"0600\"; listen = (\"x\", \"y\");\n"
		      "tea: { enable = false; steep-time = 3600; leaves = 6000000000L; kind = \"noir\"; name = \"n\";\n"
		      "guests = [\"a\"]; nets = \"192.0.2.0/24\"; };\ncup = { low = 0; };\n", "" },
	{ "comment ends the file", "user = \"a\"; // b", "" },
	{ "no separators", "user \"x\" ", "f:1: syntax error at or before: \"user \\\"x\\\"\"" SYNTAX_HINT "\n" },
	{ "bare word", "a = 1;\ntea: {\n\tkind = green;\n};\n", "f:3: syntax error at or before: \"kind = green;\"" SYNTAX_HINT "\n" },
	{ "every mistake is said", "users = 1;\ntea: {\n\tenable = 1;\n\tsteep-time = 3601;\n};\npot: { };\n",
	    "f:1: users: no such setting; did you mean user?\n"
	    "f:3: tea.enable: wants true or false, not a number\n"
	    "f:4: tea.steep-time: 3601 is not within 0..3600 seconds\n"
	    "f:6: pot: no such group\n" },
	{ "number below", "tea: { steep-time = -1; };", "f:1: tea.steep-time: -1 is not within 0..3600 seconds\n" },
	{ "no unit", "tea: { leaves = 0; };", "f:1: tea.leaves: 0 is not within 1..9000000000\n" },
	{ "float", "tea: { steep-time = 1.5; };", "f:1: tea.steep-time: wants 0..3600 seconds, not a broken number\n" },
	{ "number as text", "tea: { steep-time = \"5\"; };", "f:1: tea.steep-time: wants 0..3600 seconds, not a text\n" },
	{ "list for a number", "tea: { steep-time = (5); };", "f:1: tea.steep-time: wants 0..3600 seconds, not a list\n" },
	{ "wraps in libconfig", "tea: { steep-time = 4294967396; };",
	    "f:1: a number this large is written with an L behind it: 4294967396L\n" },
	{ "wraps in hex", "tea: { steep-time = 0x100000064; };",
	    "f:1: a number this large is written with an L behind it: 0x100000064L\n" },
	{ "too large for all", "tea: { leaves = 99999999999999999999L; };",
	    "f:1: 99999999999999999999 is too large a number\n" },
	{ "large in a name or text", "user = \"99999999999999999999\"; tea: { name = \"4294967\"; }; # 99999999999", "" },
	{ "enum", "tea: { kind = \"gren\"; };",
	    "f:1: tea.kind: gren is not one of green, black; did you mean green?\n" },
	{ "enum in any case", "tea: { kind = \"Green\"; };", "" },
	{ "enum far off", "tea: { kind = \"x y\"; };", "f:1: tea.kind: \"x y\" is not one of green, black\n" },
	{ "enum by number", "tea: { kind = 1; };", "f:1: tea.kind: wants one of green, black, not a number\n" },
	{ "text too long", "tea: { name = \"123456789\"; };", "f:1: tea.name: 123456789 is not a text of 1..8 octets\n" },
	{ "text too short", "tea: { name = \"\"; };", "f:1: tea.name: \"\" is not a text of 1..8 octets\n" },
	{ "control character", "user = \"a\\x07\";", "f:1: user: \"a\\x07\" holds a control character\n" },
	{ "line feed in a text", "user = \"a\\n\";", "f:1: user: \"a\\x0a\" holds a control character\n" },
	{ "not UTF-8", "user = \"\xe9\";", "f:1: user: \"\\xe9\" is not UTF-8\n" },
	{ "UTF-8", "user = \"\xc3\xa9\";", "" },
	{ "NUL by escape", "user = \"a\\x00b\";", "f:1: a text cannot hold \\x00\n" },
	{ "escaped backslash before x00", "user = \"a\\\\x00b\";", "" },
	{ "open text", "user = \"a;\nmode = \"0600\";", "f:1: a text is not closed on its line, or holds a control character\n" },
	{ "open comment", "user = \"a\";\n/* b\nc\n", "f:2: a comment begins here and is not closed\n" },
	{ "row's check", "user = \"nobody\";", "f:1: user: wants somebody\n" },
	{ "section's check", "cup: { low = 9; };", "f:1: cup: low is above high\n" },
	{ "section's check, at the group's line", "tea: {};\n\ncup:\n{\n\tlow = 9;\n};", "f:3: cup: low is above high\n" },
	{ "no section's check on broken rows", "cup: { low = 9; high = 10; };",
	    "f:1: cup.high: 10 is not within 0..9 fingers\n" },
	{ "mode", "mode = \"0680\";", "f:1: mode: 0680 is not a text of octal digits, \"0\"..\"0777\"\n" },
	{ "mode too high", "mode = \"1777\";", "f:1: mode: 1777 is not a text of octal digits, \"0\"..\"0777\"\n" },
	{ "mode without quotes", "mode = 0660;", "f:1: mode: wants a text of octal digits, \"0\"..\"0777\", not a number\n" },
	{ "empty list", "listen = ();", "f:1: listen: 0 are not a list of 1..3 texts\n" },
	{ "long list", "listen = (\"a\",\"b\",\"c\",\"d\");", "f:1: listen: 4 are not a list of 1..3 texts\n" },
	{ "empty list where allowed", "tea: { guests = (); nets = []; };", "" },
	{ "list of numbers", "listen = [1, 2];", "f:1: listen: wants a list of 1..3 texts, not a number\n" },
	{ "list of nothing", "listen = [\"\"];", "f:1: listen: \"\" as part of a list has no meaning\n" },
	{ "group for a list", "listen: { a = 1; };", "f:1: listen: wants a list of 1..3 texts, not a group\n" },
	{ "not a network", "tea: { nets = (\"::1\", \"192.0.2.0/33\"); };",
	    "f:1: tea.nets: 192.0.2.0/33 is no address (192.0.2.1, 2001:db8::1) and no network (192.0.2.0/24, 2001:db8::/32)\n" },
	{ "name twice", "user = \"a\";\nuser = \"b\";\n", "f:2: duplicate setting name at or before: \"user = \\\"b\\\";\" (it stands above already: change it there)\n" },
	{ "group twice", "cup: { };\ncup: { };\n", "f:2: duplicate setting name at or before: \"cup: { };\" (it stands above already: change it there)\n" },
	{ "underscore", "tea: { steep_time = 3; };", "f:1: tea.steep_time: no such setting; did you mean steep-time?\n" },
	{ "in the wrong group", "cup: { leaves = 3; };", "f:1: cup.leaves: belongs into the group tea\n" },
	{ "in no group", "leaves = 3;", "f:1: leaves: belongs into the group tea\n" },
	{ "top setting in a group", "tea: { user = \"x\"; };", "f:1: tea.user: belongs to the top of the file, into no group\n" },
	{ "group as a value", "tea = 1;", "f:1: tea: is the name of a group: tea: { ... };\n" },
	{ "group misspelt", "tee: { enable = true; };", "f:1: tee: no such group; did you mean tea?\n" },
	{ "group in a group", "tea: { tea: { }; };", "f:1: tea.tea: no such group\n" },
	{ "include in a text", "@include \"x\"\n", "f:1: @include is not possible here\n" },
	{ "include inside a line", "user = @include \"x\"", "f:1: \"@\" has no meaning here; @include begins its line\n" },
	{ "stray @", "  @x", "f:1: \"@\" has no meaning here; includes are: @include \"FILE\"\n" },
	{ "byte order mark", "\xef\xbb\xbfuser = \"x\";", "f:1: begins with a byte order mark: save it as UTF-8 without one\n" },
	{ "typographic quotes", "user = \xe2\x80\x9cx\xe2\x80\x9d;",
	    "f:1: octet 0xe2 has no meaning here: outside of texts there is ASCII only; quotes are \"\n" },
	{ "stray octet", "user = \x01;", "f:1: octet 0x01 has no meaning here\n" },
	{ "deep", "user = ((((((((1))))))));", "f:1: user: wants a text, not a list\n" },
	{ "too deep", "a = 1;\nuser = (((((((((1)))))))));", "f:2: more than 8 groups or lists within each other\n" },
	{ "brackets in texts do not nest", "user = \"(((((((((((((((\";", "" },
	{ "never closed", "tea: {\n\tkind = \"green\";\n", "f:4: syntax error at the end of the file: a group or list is not closed\n" },
	{ "closing first", "}\n", "f:1: syntax error at or before: }" SYNTAX_HINT "\n" },
};

START_TEST(what_is_said)
{
	struct view said = read_text(view_of(mistakes[_i].text));

	ck_assert_msg(view_is(said, mistakes[_i].said), "%s:\ngot  %.*s\nwant %s", mistakes[_i].what, VIEW_ARG(said),
	    mistakes[_i].said);
}
END_TEST

START_TEST(presets)
{
	ck_view_is(read_text(VIEW_EMPTY), "");
	ck_view_is(top.user, "assay");
	ck_assert_int_eq(top.user.p[top.user.n], '\0');
	ck_assert_int_eq(top.mode, 0640);
	ck_assert_int_eq(top.listen.n, 2);
	ck_view_is(top.listen.item[1], "b");
	ck_assert(tea.enable);
	ck_assert_int_eq(tea.leaves, 5000000000);
	ck_assert_int_eq(tea.kind, BLACK);
	ck_assert_int_eq(tea.name.n, 0);
	ck_assert_str_eq(tea.name.p, "");
	ck_assert_int_eq(tea.guests.n, 0);
	ck_assert_int_eq(tea.nets.n, 2);
	ck_assert_int_eq(tea.nets.net[0].bits, 8);
	ck_assert_int_eq(tea.nets.net[1].bits, 128);
}
END_TEST

START_TEST(values)
{
	struct view said = read_text(VIEW_LIT("user = \"tea\" \"pot\"; mode = \"2\"; listen = \"x y\";\n"
	    "tea: { enable = FALSE; steep-time = 0x10; leaves = 6000000000L; kind = \"green\"; name = \"\\\"\\\\\";\n"
	    "guests = (\"a\", \"bc\"); nets = [\"192.0.2.1\", \"2001:db8::/32\"]; };\n"));

	ck_view_is(said, "");
	ck_view_is(top.user, "teapot");
	ck_assert_int_eq(top.mode, 2);
	ck_assert_int_eq(top.listen.n, 1);
	ck_view_is(top.listen.item[0], "x y");
	ck_assert(!tea.enable);
	ck_assert_int_eq(tea.steep, 16);
	ck_assert_int_eq(tea.leaves, 6000000000);
	ck_assert_int_eq(tea.kind, GREEN);
	ck_view_is(tea.name, "\"\\");
	ck_assert_int_eq(tea.guests.n, 2);
	ck_view_is(tea.guests.item[1], "bc");
	ck_assert_int_eq(tea.guests.item[1].p[2], '\0');
	ck_assert_int_eq(tea.nets.net[0].bits, 32);
	ck_assert_int_eq(tea.nets.net[1].bits, 32);
	ck_assert_int_eq(tea.nets.net[1].ip.family, 6);
}
END_TEST

/* What show prints reads back as the same. */
START_TEST(shown_is_readable)
{
	static const char shown_top[] = "user = \"a\\\"b\\\\\";\nmode = \"0007\";\nlisten = (\"a\", \"b\");\n";
	static const char shown_tea[] = "tea: {\n\tenable = true;\n\tsteep-time = 300;\n\tleaves = 5000000000L;\n"
					"\tkind = \"black\";\n\tname = \"\";\n\tguests = ();\n"
					"\tnets = (\"127.0.0.0/8\", \"::1\");\n};\n";

	ck_view_is(read_text(VIEW_LIT("user = \"a\\\"b\\\\\"; mode = \"07\";")), "");
	ck_view_is(conf_section_show(&top_section, &top, arena), shown_top);
	ck_view_is(conf_section_show(&tea_section, &tea, arena), shown_tea);
	ck_view_is(read_text(view_of(shown_top)), "");
	ck_view_is(conf_section_show(&top_section, &top, arena), shown_top);
}
END_TEST

START_TEST(nul_octet)
{
	ck_view_is(read_text(VIEW_LIT("user = \"a\";\n\0")), "f:1: a NUL octet: not a text file\n");
}
END_TEST

START_TEST(size_limit)
{
	char *text = malloc(CONF_FILE_MAX + 1);

	memset(text, '\n', CONF_FILE_MAX + 1);
	ck_view_is(read_text((struct view){ text, CONF_FILE_MAX }), "");
	ck_view_is(read_text((struct view){ text, CONF_FILE_MAX + 1 }), "f: larger than 1048576 octets\n");
	memcpy(text + 70000, "user=1", 6); /* a line number beyond 16 bits */
	ck_view_is(read_text((struct view){ text, 80000 }), "f:70001: user: wants a text, not a number\n");
	free(text);
}
END_TEST

/* ---- files ---------------------------------------------------------------------------------- */

static char folder[] = "/tmp/unit_conf.XXXXXX";

static void
folder_setup(void)
{
	setup();
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void
put(const char *name, const char *text)
{
	FILE *f = fopen(arena_printf(arena, "%s/%s", folder, name).p, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

static void
folder_teardown(void)
{
	const char *command = arena_printf(arena, "rm -rf '%s'", folder).p;

	ck_assert_int_eq(system(command), 0);
	teardown();
}

/* What is said about folder/name, with the folder's name taken out. */
static const char *
read_path(const char *name)
{
	struct buffer said = buffer_in(arena), plain = buffer_in(arena);
	const char *path = arena_printf(arena, "%s/%s", folder, name).p;
	const char *prefix = arena_printf(arena, "%s/", folder).p;

	conf_read(path, targets, TARGETS, arena, note, &said);
	buffer_add_char(&said, '\0');
	for (const char *at = said.p; *at != '\0';) {
		if (strncmp(at, prefix, strlen(prefix)) == 0)
			at += strlen(prefix);
		else
			buffer_add_char(&plain, *at++);
	}
	buffer_add_char(&plain, '\0');
	return plain.p;
}

START_TEST(includes)
{
	mkdir(arena_printf(arena, "%s/d", folder).p, 0755);
	put("tea", "enable = false;\nsteep-time = 1;");
	put("bad", "\n\nleaves = 0;\n");
	put("open", "kind = \"");
	put("again", "@include \"tea\"\n");

	put("a", "user = \"x\";\ntea: {\n @include \"tea\" kind = \"x\";\n};\nmode = 1;\n");
	ck_assert_str_eq(read_path("a"), "a:3: tea.kind: x is not one of green, black\n"
					 "a:5: mode: wants a text of octal digits, \"0\"..\"0777\", not a number\n");
	ck_assert(!tea.enable);
	ck_assert_int_eq(tea.steep, 1);

	put("a", "tea: {\n@include \"bad\"\n@include \"tea\"\nkind = 1;};\nx = 1;");
	ck_assert_str_eq(read_path("a"), "bad:3: tea.leaves: 0 is not within 1..9000000000\n"
					 "a:4: tea.kind: wants one of green, black, not a number\n"
					 "a:5: x: no such setting\n");
	put("a", "\n@include \"open\"\n");
	ck_assert_str_eq(read_path("a"), "open:1: a text is not closed on its line, or holds a control character\n");
	put("a", "\n@include \"none\"\n");
	ck_assert_str_eq(read_path("a"), "a:2: none: cannot be opened: No such file or directory\n");
	put("a", "@include \"d\"\n");
	ck_assert_str_eq(read_path("a"), "a:1: d: not a file\n");
	put("a", "@include \"again\"\n");
	ck_assert_str_eq(read_path("a"), "again:1: an included file includes no others\n");
	put("a", "@include \"tea\n");
	ck_assert_str_eq(read_path("a"), "a:1: @include wants the name of a file in quotes\n");
	put("a", "@include \"bad\"\n@include \"bad\"\n");
	ck_assert_str_eq(read_path("a"), "bad:3: duplicate setting name at or before: \"leaves = 0;\" (it stands above already: change it there)\n");
	put("a", arena_printf(arena, "tea: {\n@include \"%s/tea\"\n};", folder).p);
	ck_assert_str_eq(read_path("a"), "");
}
END_TEST

START_TEST(too_many_includes)
{
	struct buffer b = buffer_in(arena);

	put("nothing", "");
	for (int i = 0; i < CONF_INCLUDES_MAX; i++)
		buffer_add_cstr(&b, "@include \"nothing\"\n");
	put("a", arena_cstr(arena, buffer_view(&b)));
	ck_assert_str_eq(read_path("a"), "");
	buffer_add_cstr(&b, "@include \"nothing\"\n");
	put("a", arena_cstr(arena, buffer_view(&b)));
	ck_assert_str_eq(read_path("a"), "a:65: more than 64 includes\n");
}
END_TEST

START_TEST(files)
{
	put("a", "user = \"x\";");
	ck_assert_str_eq(read_path("a"), "");
	chmod(arena_printf(arena, "%s/a", folder).p, 0666);
	ck_assert_str_eq(read_path("a"), "a: warning: everybody may write to this file\n");
	ck_view_is(top.user, "x");
	ck_assert_str_eq(read_path("b"), "b: cannot be opened: No such file or directory\n");
	ck_assert_str_eq(read_path("."), ".: not a file\n");
	ck_assert_int_eq(mkfifo(arena_printf(arena, "%s/fifo", folder).p, 0600), 0);
	ck_assert_str_eq(read_path("fifo"), "fifo: not a file\n");
}
END_TEST

/* the word given, the words there are -> the one suggested, "" for none */
static const struct {
	const char *given;
	const char *words[3];
	const char *best;
} near[] = {
	{ "clokc-skew", { "enable", "clock-skew", NULL }, "clock-skew" },
	{ "clock_skew", { "enable", "clock-skew", NULL }, "clock-skew" },
	{ "ClockSkew", { "enable", "clock-skew", NULL }, "clock-skew" },
	{ "enabled", { "enable", "clock-skew", NULL }, "enable" },
	{ "x", { "y", NULL, NULL }, "" },
	{ "completely", { "enable", "clock-skew", NULL }, "" },
	{ "user", { "users", "user-", "use" }, "users" }, /* all one letter away: the first stays */
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, NULL }, "" },
};

START_TEST(nearest)
{
	struct suggest s = suggest_for(view_of(near[_i].given));

	for (int i = 0; i < 3; i++)
		suggest_word(&s, near[_i].words[i]);
	ck_assert_str_eq(s.best == NULL ? "" : s.best, near[_i].best);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conf");
	TCase *text = tcase_create("text"), *disk = tcase_create("files");

	tcase_add_checked_fixture(text, setup, teardown);
	tcase_add_loop_test(text, what_is_said, 0, ARRAY_LEN(mistakes));
	tcase_add_test(text, presets);
	tcase_add_test(text, values);
	tcase_add_test(text, shown_is_readable);
	tcase_add_test(text, nul_octet);
	tcase_add_test(text, size_limit);
	tcase_add_loop_test(text, nearest, 0, ARRAY_LEN(near));
	suite_add_tcase(suite, text);
	tcase_add_checked_fixture(disk, folder_setup, folder_teardown);
	tcase_add_test(disk, includes);
	tcase_add_test(disk, too_many_includes);
	tcase_add_test(disk, files);
	suite_add_tcase(suite, disk);
	return run_suite(suite);
}
