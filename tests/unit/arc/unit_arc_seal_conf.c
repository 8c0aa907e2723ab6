/* The settings of sealing: how keys are named, which are taken, what a file with mistakes says. */
#include "arc/arc_seal_conf.h"
#include "base/buffer.h"
#include "conf/read.h"
#include "crypt/digest.h"
#include "support/support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena *arena;
static struct private_key *rsa, *weak, *ed25519;
static char folder[] = "/tmp/unit_arc_seal_conf.XXXXXX";

static void
make_keys(void)
{
	struct err err;

	ck_assert(crypt_open(&err));
	rsa = private_key_new(KEY_RSA, 2048, &err);
	weak = private_key_new(KEY_RSA, 1024, &err);
	ed25519 = private_key_new(KEY_ED25519, 0, &err);
	ck_assert(rsa != NULL && weak != NULL && ed25519 != NULL);
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void
drop_keys(void)
{
	private_key_unref(rsa);
	private_key_unref(weak);
	private_key_unref(ed25519);
	rmdir(folder);
	crypt_close();
}

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

/* ---- one key ---- */

/* text -> "SELECTOR PATH SECONDS", or why not */
static const struct {
	const char *text;
	const char *found;
} places[] = {
	{ "2026a:/etc/assay/keys/2026a.pem", "2026a /etc/assay/keys/2026a.pem 0" },
	{ "s_1.x-y:/k", "s_1.x-y /k 0" },
	{ "a:/k:2027-01-01", "a /k 1798761600" },
	{ "a:/k:1970-01-02", "a /k 86400" },
	{ "a:/k:2028-02-29", "a /k 1835395200" },
	{ "a:/k:with:colons", "a /k:with:colons 0" },
	{ "a:/k:with:2027-01-01", "a /k:with 1798761600" },
	{ "a:/k:2027-02-29", "2027-02-29 is no day since 1970" },
	{ "a:/k:2027-13-01", "2027-13-01 is no day since 1970" },
	{ "a:/k:2027-00-10", "2027-00-10 is no day since 1970" },
	{ "a:/k:1969-12-31", "1969-12-31 is no day since 1970" },
	{ "a:/k:27-1-1", "wants the day from which the key signs as YYYY-MM-DD" },
	{ "a:/k:2027-01-01-", "wants the day from which the key signs as YYYY-MM-DD" },
	{ "a:/k:2027", "wants the day from which the key signs as YYYY-MM-DD" },
	{ "a:k", "wants \"SELECTOR:/PATH\" or \"SELECTOR:/PATH:YYYY-MM-DD\"" },
	{ "a:", "wants \"SELECTOR:/PATH\" or \"SELECTOR:/PATH:YYYY-MM-DD\"" },
	{ "/k", "wants \"SELECTOR:/PATH\" or \"SELECTOR:/PATH:YYYY-MM-DD\"" },
	{ ":/k", "wants a selector of letters, digits, \"-\", \"_\" and \".\"" },
	{ "a b:/k", "wants a selector of letters, digits, \"-\", \"_\" and \".\"" },
	{ ".a:/k", "wants a selector of letters, digits, \"-\", \"_\" and \".\"" },
};

START_TEST(key_places)
{
	struct view text = tight_cstr(places[_i].text), found;
	struct seal_key_place place;
	struct err err;

	if (seal_key_parse(text, &place, &err))
		found = arena_printf(arena, "%.*s %.*s %lld", VIEW_ARG(place.selector), VIEW_ARG(place.path),
		    (long long)place.not_before);
	else
		found = view_of(err.text);
	ck_view_is(found, places[_i].found);
	free((void *)text.p);
}
END_TEST

/* ---- files of keys ---- */

enum content { NO_FILE, NOT_PEM, RSA, WEAK, ED25519, PUBLIC };

static void
write_key(const char *path, enum content content, mode_t mode)
{
	struct view text = VIEW_LIT("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
	const struct private_key *const keys[] = { [RSA] = rsa, [WEAK] = weak, [ED25519] = ed25519, [PUBLIC] = NULL };
	const struct private_key *key = keys[content];

	unlink(path);
	if (content == NO_FILE)
		return;
	if (key != NULL)
		text = private_key_pem(key, arena);
	else if (content == NOT_PEM)
		text = VIEW_LIT("no key\n");
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ck_assert_int_eq(write(fd, text.p, text.n), (ssize_t)text.n);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

/* K stands for the path */
static const struct {
	enum content content;
	mode_t mode;
	const char *why; /* "": taken */
} files[] = {
	{ RSA, 0600, "" },
	{ RSA, 0640, "" },
	{ RSA, 0400, "" },
	{ RSA, 0644, "K: mode 0644 lets others at it: chmod 0640" },
	{ RSA, 0604, "K: mode 0604 lets others at it: chmod 0640" },
	{ RSA, 0660, "K: mode 0660 lets others at it: chmod 0640" },
	{ WEAK, 0600, "K: RSA key of 1024 bits; 2048 or more are wanted" },
	{ ED25519, 0600, "K: not an RSA key: few who verify ARC know another" },
	{ NO_FILE, 0, "K: No such file or directory" },
	{ NOT_PEM, 0600, "K: no private key in PEM" },
	{ PUBLIC, 0600, "K: no private key in PEM" },
};

static struct seal_conf
conf_with(const char *path)
{
	struct seal_conf conf;
	struct view *key = ARENA_ARRAY(arena, 1, struct view);

	conf_section_presets(&arc_seal_section, &conf, arena);
	conf.enable = true;
	conf.domain = VIEW_LIT("B\xc3\xbc" "cher.Example");
	*key = arena_printf(arena, "2026a:%s:2026-01-01", path);
	conf.keys = (struct conf_list){ key, 1, NULL };
	return conf;
}

START_TEST(key_files)
{
	const char *path = arena_printf(arena, "%s/key", folder).p;
	struct seal_conf conf = conf_with(path);
	struct arc_seal_conf out;
	struct err err = { .text = "" };

	write_key(path, files[_i].content, files[_i].mode);
	bool ok = arc_seal_conf_open(&conf, seal_ring_new(arena), &out, &err);
	unlink(path);
	struct view why = view_of(err.text);
	if (view_starts(why, view_of(path)))
		why = arena_printf(arena, "K%s", err.text + strlen(path));
	ck_assert_int_eq(ok, files[_i].why[0] == '\0');
	ck_assert_msg(view_starts(why, view_of(files[_i].why)), "%.*s, not %s", VIEW_ARG(why), files[_i].why);
	ck_assert_uint_eq(out.keys, ok ? 1 : 0);
	if (!ok)
		return;
	ck_view_is(out.domain, "xn--bcher-kva.example");
	ck_view_is(out.key[0].selector, "2026a");
	ck_assert_int_eq(out.key[0].not_before, 1767225600);
	ck_assert(out.timestamps && !out.leave_failed && out.expire.kind == ARC_EXPIRE_NONE);
}
END_TEST

START_TEST(not_enabled_reads_nothing)
{
	struct seal_conf conf = conf_with("/nowhere/key");
	struct arc_seal_conf out;
	struct err err;

	conf.enable = false;
	ck_assert(arc_seal_conf_open(&conf, seal_ring_new(arena), &out, &err));
	ck_assert_uint_eq(out.keys, 0);
}
END_TEST

START_TEST(each_file_is_read_once)
{
	struct seal_ring *ring = seal_ring_new(arena);
	struct arc_seal_conf first, again, other;
	struct err err;

	for (int i = 0; i < 20; i++) { /* the ring grows on its way */
		const char *path = arena_printf(arena, "%s/key%d", folder, i).p;
		struct seal_conf conf = conf_with(path);
		write_key(path, RSA, 0600);
		ck_assert_msg(arc_seal_conf_open(&conf, ring, &first, &err), "%s", err.text);
		unlink(path);
		ck_assert_msg(arc_seal_conf_open(&conf, ring, &again, &err), "%s", err.text);
		ck_assert_ptr_eq(first.key[0].key, again.key[0].key);
		ck_assert(arc_seal_conf_same(&first, &again));
		ck_assert(i == 0 || !arc_seal_conf_same(&first, &other));
		other = first;
	}
	struct view *item = ARENA_ARRAY(arena, 1, struct view);
	struct seal_conf conf = conf_with(arena_printf(arena, "%s/key3", folder).p);
	ck_assert(arc_seal_conf_open(&conf, ring, &first, &err));
	conf.domain = VIEW_LIT("other.example");
	ck_assert(arc_seal_conf_open(&conf, ring, &again, &err) && !arc_seal_conf_same(&first, &again));
	*item = arena_printf(arena, "2026b:%s/key3", folder);
	conf = conf_with("");
	conf.keys.item = item;
	ck_assert(arc_seal_conf_open(&conf, ring, &again, &err) && !arc_seal_conf_same(&first, &again));
}
END_TEST

/* The keys outlive the arena they were opened in. */
START_TEST(keys_can_be_kept)
{
	const char *path = arena_printf(arena, "%s/key", folder).p;
	struct seal_conf conf = conf_with(path);
	struct arena *before = arena_new();
	struct arc_seal_conf old, kept;
	struct err err;

	write_key(path, RSA, 0600);
	ck_assert(arc_seal_conf_open(&conf, seal_ring_new(before), &old, &err));
	unlink(path);
	conf.failed = false;
	ck_assert(arc_seal_conf_keep(&conf, &old, arena, &kept, &err));
	ck_assert(arc_seal_conf_same(&old, &kept));
	arena_free(before);
	ck_view_is(kept.domain, "xn--bcher-kva.example");
	ck_view_is(kept.key[0].selector, "2026a");
	ck_assert_int_eq(private_key_bits(kept.key[0].key), 2048);
	ck_assert(kept.leave_failed); /* by the settings of now */
}
END_TEST

START_TEST(a_long_selector_has_no_name_in_dns)
{
	struct seal_conf conf = conf_with("/nowhere/key");
	struct view *key = ARENA_ARRAY(arena, 1, struct view);
	struct arc_seal_conf out;
	struct err err;

	*key = VIEW_LIT("a234567890123456789012345678901234567890123456789012345678901234:/k");
	conf.keys.item = key;
	ck_assert(!arc_seal_conf_open(&conf, seal_ring_new(arena), &out, &err));
	ck_assert_msg(strstr(err.text, "cannot be the name of a key in DNS") != NULL, "%s", err.text);
}
END_TEST

/* ---- the rows ---- */

START_TEST(the_preset_of_sign_is_that_of_the_signer)
{
	struct seal_conf conf;

	conf_section_presets(&arc_seal_section, &conf, arena);
	ck_assert_uint_eq(conf.sign.n, arc_sign_presets);
	for (size_t i = 0; i < arc_sign_presets; i++)
		ck_assert(view_eq(conf.sign.item[i], arc_sign_preset[i]));
}
END_TEST

static void
note(void *ctx, const char *text)
{
	buffer_add_cstr(ctx, text);
	buffer_add_char(ctx, '\n');
}

static const struct {
	const char *text;
	const char *said;
} mistakes[] = {
	{ "seal: { };", "" },
	{ "seal: { enable = true; domain = \"a.example\"; keys = \"a:/k\"; };", "" },
	{ "seal: { enable = true; keys = \"a:/k\"; };", "F:1: seal: enable = true needs domain and keys\n" },
	{ "seal: { enable = true; domain = \"a.example\"; };", "F:1: seal: enable = true needs domain and keys\n" },
	{ "seal: {\n domain = \"example\";\n};", "F:2: seal.domain: wants a domain name\n" },
	{ "seal: { keys = (\"a:/k\",\n\"A:/l\"); };", "F:1: seal.keys: the selector A stands there twice\n" },
	{ "seal: {\n\n keys = \"a:k\"; };",
	    "F:3: seal.keys: wants \"SELECTOR:/PATH\" or \"SELECTOR:/PATH:YYYY-MM-DD\"\n" },
	{ "seal: { sign = (\"From\", \"Received\"); };", "F:1: seal.sign: Received must not be signed\n" },
	{ "seal: { sign = (\"From\", \"ARC-Seal\"); };", "F:1: seal.sign: ARC-Seal must not be signed\n" },
	{ "seal: { sign = (\"From\", \"a b\"); };", "F:1: seal.sign: not the name of a header field\n" },
	{ "seal: { sign = \"Subject\"; };", "F:1: seal.sign: wants From among the fields (RFC 6376 5.4)\n" },
	{ "seal: { sign = (\"subject+\", \"FROM+\"); };", "" },
	{ "seal: { expire = \"\"; };", "" },
	{ "seal: { expire = \"1893456000\"; };", "" },
	{ "seal: { expire = \"+86400\"; };", "" },
	{ "seal: { expire = \"soon\"; };",
	    "F:1: seal.expire: neither \"none\" nor seconds since 1970 nor \"+\" and seconds from now\n" },
	{ "seal: { clients = \"some\"; };", "F:1: seal.clients: some is not one of strangers, all\n" },
	{ "seal: { enable = true; domain = \"a.example\"; keys = \"a:/k\"; trusted-ids = \"x\"; };",
	    "F:1: seal: trusted-upstream and trusted-ids are of use together only\n" },
};

START_TEST(what_is_said)
{
	struct seal_conf conf;
	struct conf_target target = { &arc_seal_section, &conf };
	struct buffer said = buffer_in(arena);
	bool ok = conf_read_text(view_of(mistakes[_i].text), "F", &target, 1, arena, note, &said);

	ck_view_is(buffer_view(&said), mistakes[_i].said);
	ck_assert_int_eq(ok, mistakes[_i].said[0] == '\0');
}
END_TEST

START_TEST(a_list_knows_its_line)
{
	struct seal_conf conf;
	struct conf_target target = { &arc_seal_section, &conf };
	struct buffer said = buffer_in(arena);

	ck_assert(conf_read_text(VIEW_LIT("\nseal: {\n keys = \"a:/k\";\n};"), "F", &target, 1, arena, note, &said));
	ck_assert_str_eq(conf.keys.where, "F:3");
	ck_assert_ptr_null(conf.sign.where);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("arc_seal_conf");
	TCase *tc = tcase_create("settings");

	tcase_add_unchecked_fixture(tc, make_keys, drop_keys);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, key_places, 0, ARRAY_LEN(places));
	tcase_add_loop_test(tc, key_files, 0, ARRAY_LEN(files));
	tcase_add_test(tc, not_enabled_reads_nothing);
	tcase_add_test(tc, each_file_is_read_once);
	tcase_add_test(tc, keys_can_be_kept);
	tcase_add_test(tc, a_long_selector_has_no_name_in_dns);
	tcase_add_test(tc, the_preset_of_sign_is_that_of_the_signer);
	tcase_add_loop_test(tc, what_is_said, 0, ARRAY_LEN(mistakes));
	tcase_add_test(tc, a_list_knows_its_line);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
