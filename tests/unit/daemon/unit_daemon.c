#include "base/buffer.h"
#include "daemon/child.h"
#include "daemon/listen.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/pidfile.h"
#include "daemon/privileges.h"
#include "daemon/snapshot.h"
#include "support/support.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena *arena;
static char folder[] = "/tmp/unit_daemon.XXXXXX";

static void
setup(void)
{
	arena = arena_new();
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void
teardown(void)
{
	ck_assert_int_eq(system(arena_printf(arena, "rm -rf '%s'", folder).p), 0);
	arena_free(arena);
}

static const char *
in_folder(const char *name)
{
	return arena_printf(arena, "%s/%s", folder, name).p;
}

static bool
contains(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

/* ---- options ------------------------------------------------------------------------------ */

/* words of the command line -> letters that are on, the file; or what is wrong */
static const struct {
	const char *words[4];
	const char *on;
	const char *file; /* NULL: not looked at */
	const char *wrong;
} lines[] = {
	{ { NULL }, "", NULL, NULL },
	{ { "-c", "/a", NULL }, "", "/a", NULL },
	{ { "-c/a", "-f", NULL }, "f", "/a", NULL },
	{ { "-nf", NULL }, "fn", NULL, NULL },
	{ { "-V", NULL }, "V", NULL, NULL },
	{ { "-h", NULL }, "h", NULL, NULL },
	{ { "-c", NULL }, "", NULL, "option -c wants a file" },
	{ { "-x", NULL }, "", NULL, "unknown option -x" },
	{ { "-f", "a", NULL }, "", NULL, "no arguments are taken beside the options" },
	{ { "start", "-f", NULL }, "", NULL, "no arguments are taken beside the options" },
};

START_TEST(command_line)
{
	char *argv[6] = { (char *)(uintptr_t)"assayd" };
	struct options o;
	struct err err;
	int argc = 1;

	for (int i = 0; lines[_i].words[i] != NULL; i++)
		argv[argc++] = (char *)(uintptr_t)lines[_i].words[i];
	bool ok = options_parse(argc, argv, &o, &err);
	ck_assert_int_eq(ok, lines[_i].wrong == NULL);
	if (!ok) {
		ck_assert_str_eq(err.text, lines[_i].wrong);
		return;
	}
	const char *on = arena_printf(arena, "%s%s%s%s", o.foreground ? "f" : "", o.check_only ? "n" : "",
	    o.version ? "V" : "", o.help ? "h" : "").p;
	ck_assert_str_eq(on, lines[_i].on);
	ck_assert_int_eq(o.config[0], '/');
	if (lines[_i].file != NULL)
		ck_assert_str_eq(o.config, lines[_i].file);
	free(o.config);
}
END_TEST

START_TEST(relative_file)
{
	char *argv[] = { (char *)(uintptr_t)"assayd", (char *)(uintptr_t)"-c", (char *)(uintptr_t)"x/y.conf", NULL };
	struct options o;
	struct err err;

	ck_assert_int_eq(chdir(folder), 0);
	ck_assert(options_parse(3, argv, &o, &err));
	ck_assert_str_eq(o.config, in_folder("x/y.conf"));
	free(o.config);
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

/* ---- pid file ----------------------------------------------------------------------------- */

START_TEST(pid_file_is_written_and_removed)
{
	const char *path = in_folder("new/assayd.pid"); /* the folder is made */
	struct err err;
	char text[32] = "";

	int fd = pidfile_take(path, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_int_gt(pread(fd, text, sizeof(text) - 1, 0), 0);
	ck_assert_str_eq(text, arena_printf(arena, "%ld\n", (long)getpid()).p);
	pidfile_drop(path, fd);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* Take the lock in another process; 0 when it was had, else what it says. */
static const char *
take_elsewhere(const char *path)
{
	int ends[2];
	char *text = arena_alloc(arena, 512);

	ck_assert_int_eq(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct err err;
		if (pidfile_take(path, &err) < 0)
			(void)!write(ends[1], err.text, strlen(err.text));
		_exit(0);
	}
	close(ends[1]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_ge(read(ends[0], text, 511), 0);
	close(ends[0]);
	return text;
}

START_TEST(second_lock_is_refused)
{
	const char *path = in_folder("assayd.pid");
	struct err err;

	int fd = pidfile_take(path, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_str_eq(take_elsewhere(path),
	    arena_printf(arena, "another assayd is running: process %ld has the lock of %s", (long)getpid(), path).p);
	ck_assert_int_eq(access(path, F_OK), 0); /* the refused one left it alone */
	pidfile_drop(path, fd);
	ck_assert_str_eq(take_elsewhere(path), "");
	fd = pidfile_take(path, &err); /* left behind by a process that died: no lock, so it is taken */
	ck_assert_int_ge(fd, 0);
	pidfile_drop(path, fd);
}
END_TEST

START_TEST(pid_file_is_no_link)
{
	struct err err;

	ck_assert_int_eq(symlink("/etc/passwd", in_folder("assayd.pid")), 0);
	ck_assert_int_lt(pidfile_take(in_folder("assayd.pid"), &err), 0);
	ck_assert_msg(contains(err.text, "cannot be opened"), "%s", err.text);
	ck_assert_int_lt(pidfile_take(in_folder("no/such/assayd.pid"), &err), 0);
	ck_assert_msg(contains(err.text, "cannot be made"), "%s", err.text);
}
END_TEST

/* ---- workers ------------------------------------------------------------------------------ */

static const struct {
	unsigned quick_deaths;
	bool ready;
	int64_t pause;
} pauses[] = {
	{ 0, false, 0 }, { 1, false, 0 }, { 3, false, 0 }, { 4, false, 500 }, { 5, false, 1000 }, { 9, false, 16000 },
	{ 10, false, 30000 }, { 1000000, false, 30000 }, { 3, true, 0 }, { 4, true, 500 }, { 1000000, true, 500 },
};

START_TEST(pause_after_deaths)
{
	ck_assert_int_eq(child_pause(pauses[_i].quick_deaths, pauses[_i].ready), pauses[_i].pause);
}
END_TEST

START_TEST(deaths)
{
	struct child c = { .pid = 9, .ready_fd = -1, .born_ms = 1000 };

	for (int i = 0; i < 3; i++) {
		child_died(&c, c.born_ms + 999);
		ck_assert_int_eq(c.again_at_ms, c.born_ms + 999); /* at once */
		ck_assert_int_eq(c.pid, 0);
	}
	child_died(&c, c.born_ms + 999);
	ck_assert_int_eq(c.again_at_ms, c.born_ms + 999 + 500);
	child_died(&c, c.born_ms + 1000); /* it lived: all is forgiven */
	ck_assert_int_eq(c.again_at_ms, c.born_ms + 1000);
	ck_assert_uint_eq(c.quick_deaths, 0);
}
END_TEST

/* ---- sockets ------------------------------------------------------------------------------ */

static struct process_conf
conf_of(const char *first, const char *second)
{
	struct view *item = ARENA_ARRAY(arena, 2, struct view);

	item[0] = view_of(first);
	item[1] = view_of(second);
	return (struct process_conf){
		.listen = { .item = item, .n = second == NULL ? 1 : 2 }, .user = VIEW_LIT("nobody"), .group = VIEW_LIT("nogroup"),
		.socket_owner = VIEW_EMPTY, .socket_group = VIEW_EMPTY, .socket_mode = 0620, .backlog = 5,
	};
}

static const struct conf_list no_maps;

static bool
can_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path, path, strlen(path));
	bool ok = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return ok;
}

START_TEST(unix_socket)
{
	const char *path = in_folder("run/a.sock");
	struct process_conf conf = conf_of(arena_printf(arena, "unix:%s", path).p, NULL);
	struct listeners l, second;
	struct stat st;
	struct err err;

	ck_assert_msg(listeners_open(&conf, &no_maps, arena, &l, &err), "%s", err.text);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0620);
	if (geteuid() == 0)
		ck_assert_int_eq(st.st_uid, 65534);
	ck_assert_str_eq(l.listener[0].kind, "unix");
	ck_assert(can_connect(path));

	ck_assert(!listeners_open(&conf, &no_maps, arena, &second, &err));
	ck_assert_msg(contains(err.text, "another process listens there"), "%s", err.text);
	ck_assert(can_connect(path));

	listeners_close(&l, false); /* as after a crash: the file stays */
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_msg(listeners_open(&conf, &no_maps, arena, &l, &err), "%s", err.text);
	ck_assert(can_connect(path));
	listeners_close(&l, true);
	ck_assert_int_ne(lstat(path, &st), 0);
}
END_TEST

START_TEST(maps_have_listeners_of_their_own)
{
	struct process_conf conf = conf_of(arena_printf(arena, "unix:%s", in_folder("a.sock")).p, NULL);
	struct view map = arena_printf(arena, "unix:%s", in_folder("srs/m.sock"));
	struct conf_list maps = { .item = &map, .n = 1 };
	struct listeners l;
	struct stat st;
	struct err err;

	ck_assert_msg(listeners_open(&conf, &maps, arena, &l, &err), "%s", err.text);
	ck_assert_int_eq(l.n, 2);
	ck_assert(!l.listener[0].maps && l.listener[1].maps);
	ck_assert_int_eq(lstat(in_folder("srs/m.sock"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0620);
	ck_assert(can_connect(in_folder("srs/m.sock")));
	listeners_close(&l, true);
	ck_assert_int_ne(lstat(in_folder("srs/m.sock"), &st), 0);
	ck_assert(listen_backlog_max() == -1 || listen_backlog_max() > 0);
}
END_TEST

START_TEST(something_else_in_the_way)
{
	struct process_conf conf = conf_of(arena_printf(arena, "unix:%s", in_folder("file")).p, NULL);
	struct listeners l;
	struct err err;

	close(open(in_folder("file"), O_CREAT | O_WRONLY, 0600));
	ck_assert(!listeners_open(&conf, &no_maps, arena, &l, &err));
	ck_assert_msg(contains(err.text, "something else than a socket"), "%s", err.text);
	ck_assert_int_eq(access(in_folder("file"), F_OK), 0);
}
END_TEST

START_TEST(all_or_none)
{
	const char *path = in_folder("a.sock");
	struct process_conf conf = conf_of(arena_printf(arena, "unix:%s", path).p, "inet:1@192.0.2.1"); /* not ours */
	struct listeners l;
	struct err err;

	ck_assert(!listeners_open(&conf, &no_maps, arena, &l, &err));
	ck_assert_msg(contains(err.text, "inet:1@192.0.2.1: bind: "), "%s", err.text);
	ck_assert_int_eq(l.n, 0);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* ---- the rest ----------------------------------------------------------------------------- */

static const struct {
	const char *user, *group;
	const char *wrong; /* NULL: found */
} identities[] = {
	{ "nobody", "nogroup", NULL },
	{ "nobody", "", NULL },
	{ "65534", "65534", NULL },
	{ "root", "nogroup", "user root: is root; name a user who owns nothing else, as adduser --system makes one" },
	{ "0", "nogroup", "user 0: is root; name a user who owns nothing else, as adduser --system makes one" },
	{ "nobody", "root", "group root: is root's" },
	{ "no-such-user", "nogroup", "user no-such-user: there is none; adduser --system --group makes one" },
	{ "nobody", "no-such-group", "group no-such-group: there is none; addgroup --system makes one" },
};

START_TEST(identity)
{
	struct identity id;
	struct err err;
	bool ok = identity_find(view_of(identities[_i].user), view_of(identities[_i].group), arena, &id, &err);

	ck_assert_str_eq(ok ? "" : err.text, identities[_i].wrong == NULL ? "" : identities[_i].wrong);
	if (ok) {
		ck_assert_int_eq(id.uid, 65534);
		ck_assert_int_eq(id.gid, 65534);
	}
}
END_TEST

static atomic_bool done;

static void *
reader(void *arg)
{
	while (!atomic_load(&done)) {
		struct settings *s = snapshot_take(arg);
		if (!view_is(s->process.user, "assay"))
			abort();
		snapshot_drop(arg, s);
	}
	return NULL;
}

START_TEST(snapshots_are_swapped_under_readers)
{
	struct snapshot snapshot;
	pthread_t thread[2];

	atomic_store(&done, false);
	snapshot_init(&snapshot, settings_presets());
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, reader, &snapshot), 0);
	for (int i = 0; i < 300; i++)
		snapshot_put(&snapshot, settings_presets());
	atomic_store(&done, true);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	settings_unref(snapshot.now);
}
END_TEST

START_TEST(word_to_systemd)
{
	const char *names[] = { in_folder("notify"), arena_printf(arena, "@%s", folder).p };
	char got[64];

	for (int i = 0; i < 2; i++) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
		memcpy(address.sun_path, names[i], strlen(names[i]));
		if (names[i][0] == '@')
			address.sun_path[0] = '\0';
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(names[i]))), 0);
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify("READY=1");
		ck_assert_int_eq(recv(fd, got, sizeof(got), MSG_DONTWAIT), 7);
		ck_assert_int_eq(memcmp(got, "READY=1", 7), 0);
		close(fd);
	}
	setenv("NOTIFY_SOCKET", "nowhere", 1);
	notify("READY=1"); /* nothing happens */
	unsetenv("NOTIFY_SOCKET");
	notify("READY=1");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("daemon");
	TCase *tcase = tcase_create("daemon");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, command_line, 0, ARRAY_LEN(lines));
	tcase_add_test(tcase, relative_file);
	tcase_add_test(tcase, pid_file_is_written_and_removed);
	tcase_add_test(tcase, second_lock_is_refused);
	tcase_add_test(tcase, pid_file_is_no_link);
	tcase_add_loop_test(tcase, pause_after_deaths, 0, ARRAY_LEN(pauses));
	tcase_add_test(tcase, deaths);
	tcase_add_test(tcase, unix_socket);
	tcase_add_test(tcase, maps_have_listeners_of_their_own);
	tcase_add_test(tcase, something_else_in_the_way);
	tcase_add_test(tcase, all_or_none);
	tcase_add_loop_test(tcase, identity, 0, ARRAY_LEN(identities));
	tcase_add_test(tcase, snapshots_are_swapped_under_readers);
	tcase_add_test(tcase, word_to_systemd);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
