#include "base/buffer.h"
#include "base/log.h"
#include "crypt/digest.h"
#include "daemon/map_log.h"
#include "daemon/map_server.h"
#include "milter/settings_srs.h"
#include "support/support.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena *arena;
static char folder[] = "/tmp/unit_map_server.XXXXXX";

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

/* ---- the log ------------------------------------------------------------------------------ */

struct lines {
	struct buffer text;
	size_t n;
};

static void
take_line(void *ctx, enum log_level level, const char *text)
{
	struct lines *lines = ctx;

	buffer_addf(&lines->text, "%d %s\n", (int)level, text);
	lines->n++;
}

/* what was asked and found -> the line, with the number of its level */
static const struct {
	enum socketmap_map map;
	const char *request;
	enum srs_outcome outcome;
	const char *address, *why;
	const char *line;
} said[] = {
	{ SOCKETMAP_FORWARD, "forward a@b.example", SRS_REWRITTEN, "SRS0=x@srs.test", "",
	    "4 event=srs-map map=forward status=rewritten address=<a@b.example> result=<SRS0=x@srs.test>\n" },
	{ SOCKETMAP_REVERSE, "reverse u@local.test", SRS_NOT_OURS, "", "",
	    "4 event=srs-map map=reverse status=not-ours address=<u@local.test>\n" },
	{ SOCKETMAP_REVERSE, "reverse srs0=x@srs.test", SRS_FORGED, "", "",
	    "2 event=srs-map map=reverse status=forged address=<srs0=x@srs.test>\n" },
	{ SOCKETMAP_REVERSE, "reverse srs0=x@srs.test", SRS_EXPIRED, "", "",
	    "2 event=srs-map map=reverse status=expired address=<srs0=x@srs.test>\n" },
	{ SOCKETMAP_REVERSE, "reverse srs0=x@srs.test", SRS_MALFORMED, "", "",
	    "2 event=srs-map map=reverse status=malformed address=<srs0=x@srs.test>\n" },
	{ SOCKETMAP_REVERSE, "reverse srs0=x@srs.test", SRS_UNKNOWN, "", "no database",
	    "2 event=srs-map map=reverse status=unknown address=<srs0=x@srs.test> why=\"no database\"\n" },
	{ SOCKETMAP_REVERSE, "reverse srs0=a\nb \"x\"@srs.test", SRS_FORGED, "", "",
	    "2 event=srs-map map=reverse status=forged address=\"<srs0=a\\x0ab \\\"x\\\"@srs.test>\"\n" },
	{ SOCKETMAP_FORWARD, "forward a@b.example", SRS_TEMP, "", "the disk is gone",
	    "1 event=srs-map map=forward status=temperror address=<a@b.example> why=\"the disk is gone\"\n" },
	{ SOCKETMAP_NONE, "virtual a@b.example", SRS_FORGED, "", "",
	    "4 event=srs-map map=virtual status=no-map address=<a@b.example>\n" },
	{ SOCKETMAP_NONE, "", SRS_FORGED, "", "", "4 event=srs-map map=\"\" status=no-map address=<>\n" },
};

START_TEST(lines)
{
	struct lines seen = { .text = buffer_in(arena) };
	struct map_log log = { 0 };
	struct srs_result result = { .outcome = said[_i].outcome, .address = view_of(said[_i].address),
		.why = view_of(said[_i].why) };

	log_to_function(take_line, &seen);
	log_set_level(LOG_LEVEL_DEBUG);
	map_log_answer(&log, 1000, said[_i].map, view_of(said[_i].request), &result);
	ck_view_is(buffer_view(&seen.text), said[_i].line);
	buffer_clear(&seen.text);
	log_set_level(LOG_LEVEL_INFO);
	map_log_answer(&log, 1000, said[_i].map, view_of(said[_i].request), &result);
	ck_view_is(buffer_view(&seen.text), said[_i].line[0] == '4' ? "" : said[_i].line);
	log_to_stderr("unit_map_server");
}
END_TEST

START_TEST(lines_are_few)
{
	struct lines seen = { .text = buffer_in(arena) };
	struct map_log log = { 0 };

	log_to_function(take_line, &seen);
	log_set_level(LOG_LEVEL_INFO);
	for (int i = 0; i < 1000; i++)
		map_log_closed(&log, 5 + i, "garbage");
	ck_assert_uint_eq(seen.n, MAP_LOG_LINES);
	buffer_clear(&seen.text);
	map_log_closed(&log, 5 + MAP_LOG_WINDOW_MS, "garbage");
	ck_view_is(buffer_view(&seen.text), "2 event=srs-map left-out=940\n2 event=srs-map closed=\"garbage\"\n");
	buffer_clear(&seen.text);
	map_log_closed(&log, 5 + 3 * MAP_LOG_WINDOW_MS, "garbage"); /* nothing was left out since */
	ck_view_is(buffer_view(&seen.text), "2 event=srs-map closed=\"garbage\"\n");
	log_to_stderr("unit_map_server");
}
END_TEST

/* ---- the server, in a process of its own -------------------------------------------------- */

static struct sockaddr_un
socket_address(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
	return address;
}

static void
say_nothing(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "%s\n", text);
}

static const char *
file_of(const char *name, const char *text)
{
	const char *path = arena_printf(arena, "%s/%s", folder, name).p;
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	return path;
}

static struct settings *
srs_settings(void)
{
	const char *secrets = file_of("secrets", "tops3cr3t\n");
	const char *conf = file_of("conf", arena_printf(arena, "stop-wait = 5; srs: { enable = true; domain = \"srs.test\"; "
	    "secrets = \"%s\"; };\n", secrets).p);
	struct settings *s = settings_load(conf, say_nothing, NULL);

	ck_assert_ptr_nonnull(s);
	ck_assert(settings_open_srs(s, NULL, say_nothing, NULL));
	return s;
}

/* TERM drains, as the worker's control thread does at USR2. */
static void *
wait_for_term(void *server)
{
	sigset_t term;
	int got;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigwait(&term, &got);
	map_server_drain(server);
	return NULL;
}

static _Noreturn void
serve(int fd, int64_t connections_max, rlim_t files)
{
	struct snapshot snapshot;
	struct map_server_env env = { .snapshot = &snapshot, .listen_fd = fd, .connections_max = connections_max };
	struct rlimit limit = { files, files };
	pthread_t thread;
	sigset_t term;
	struct err err;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	log_set_level(LOG_LEVEL_ERROR);
	if (!crypt_open(&err))
		_exit(3);
	snapshot_init(&snapshot, srs_settings());
	struct map_server *server = map_server_new(&env, &err);
	if (server == NULL || pthread_create(&thread, NULL, wait_for_term, server) != 0)
		_exit(4);
	if (files > 0 && setrlimit(RLIMIT_NOFILE, &limit) != 0)
		_exit(5);
	bool ok = map_server_run(server, &err);
	pthread_join(thread, NULL);
	_exit(ok ? 0 : 1);
}

static pid_t
start(int64_t connections_max, rlim_t files)
{
	struct sockaddr_un address = socket_address();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 100), 0);
	pid_t pid = fork();
	if (pid == 0)
		serve(fd, connections_max, files);
	close(fd);
	return pid;
}

static int
stop(pid_t pid)
{
	int status = -1;

	kill(pid, SIGTERM);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static int
client(void)
{
	struct sockaddr_un address = socket_address();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void
tell(int fd, const char *octets)
{
	ck_assert_int_eq(send(fd, octets, strlen(octets), MSG_NOSIGNAL), (int)strlen(octets));
}

/* What comes within five seconds; "" at the end. */
static const char *
hear(int fd)
{
	char *text = arena_alloc(arena, 1000);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ck_assert_int_ge(recv(fd, text, 999, 0), 0);
	return text;
}

static bool
is_answered(int fd)
{
	tell(fd, "19:forward a@b.example,");
	return strncmp(hear(fd), "36:OK SRS0=", 11) == 0;
}

static double
cpu_seconds(pid_t pid)
{
	clockid_t clock;
	struct timespec used;

	ck_assert_int_eq(clock_getcpuclockid(pid, &clock), 0);
	ck_assert_int_eq(clock_gettime(clock, &used), 0);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

START_TEST(descriptors_run_out)
{
	int fd[60];
	pid_t pid = start(1000, 30);

	for (int i = 0; i < 40; i++) { /* the oldest idle ones make room */
		fd[i] = client();
		ck_assert(is_answered(fd[i]));
	}
	ck_assert_str_eq(hear(fd[0]), "");
	for (int i = 40; i < 60; i++) { /* then those that are half-way */
		fd[i] = client();
		tell(fd[i], "19:forward");
	}
	int last = client();
	ck_assert(is_answered(last));
	close(last);
	double before = cpu_seconds(pid);
	poll(NULL, 0, 500);
	ck_assert_msg(cpu_seconds(pid) - before < 0.1, "it spins");
	for (int i = 0; i < 60; i++)
		close(fd[i]);
	ck_assert_int_eq(stop(pid), 0);
}
END_TEST

START_TEST(full_to_the_last)
{
	pid_t pid = start(2, 0);
	int a = client(), b = client();

	ck_assert(is_answered(a));
	ck_assert(is_answered(b));
	ck_assert(is_answered(a));
	int c = client();
	ck_assert(is_answered(c));
	ck_assert_str_eq(hear(b), ""); /* longest idle */
	ck_assert(is_answered(a));
	ck_assert_int_eq(stop(pid), 0);
	ck_assert_str_eq(hear(a), "");
	close(a);
	close(b);
	close(c);
}
END_TEST

START_TEST(drain_answers_what_was_asked)
{
	pid_t pid = start(100, 0);
	int idle = client(), half = client(), asked = client();

	ck_assert(is_answered(idle));
	tell(half, "19:forward");
	kill(pid, SIGSTOP);
	tell(asked, "19:forward a@b.example,19:forward c@d.example,");
	kill(pid, SIGTERM);
	kill(pid, SIGCONT);
	const char *first = hear(asked);
	ck_assert_int_eq(strncmp(first, "36:OK SRS0=", 11), 0);
	ck_assert_ptr_nonnull(strstr(first, ",36:OK SRS0="));
	ck_assert_str_eq(hear(asked), "");
	ck_assert_str_eq(hear(idle), "");
	ck_assert_str_eq(hear(half), "");
	ck_assert_int_eq(stop(pid), 0);
	close(idle);
	close(half);
	close(asked);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("map_server");
	TCase *tcase = tcase_create("map_server");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, lines, 0, ARRAY_LEN(said));
	tcase_add_test(tcase, lines_are_few);
	tcase_add_test(tcase, descriptors_run_out);
	tcase_add_test(tcase, full_to_the_last);
	tcase_add_test(tcase, drain_answers_what_was_asked);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
