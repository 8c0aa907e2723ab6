/*
 * What lies below: the resolver, the public suffix list, the clock, limits, syslog.
 */
#include "cli/doctor.h"
#include "dmarc/dmarc_psl.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- resolver ---- */

/* Signed, as long as there is a signed root; and the one that is broken on purpose, for tests like this. */
#define SIGNED_NAME "example.org"
#define BROKEN_NAME "dnssec-failed.org"
#define SLOW_MS 1000

static void
judge_validation(struct doctor *d, const struct dns_answer *is_signed, const struct dns_answer *broken)
{
	struct view advice = ADVICE(d, "apt-get install dns-root-data, and in %s dns: { dnssec = true; }; or let the resolver validate",
	    d->config);

	if (d->settings->dns.dnssec && !is_signed->secure)
		doctor_problem(d, ADVICE(d, "let the resolver pass DNSSEC on, or dns: { mode = \"recurse\"; } in %s", d->config),
		    "dns.dnssec is on, but the answer for " SIGNED_NAME " is not validated");
	else if (broken->outcome == DNS_TEMP)
		doctor_ok(d, "it answers, and refuses " BROKEN_NAME " (%s)", broken->why);
	else
		doctor_warn(d, advice, "it answers for " BROKEN_NAME ", whose signatures are broken: nobody validates");
}

void
doctor_resolver(struct doctor *d)
{
	if (d->wish->world.fake_dns.n > 0) {
		doctor_skip(d, "--fake-dns: nobody is asked");
		return;
	}
	if (doctor_no_dns(d))
		return;
	int64_t began = clock_mono_ms(&clock_system);
	const struct dns_answer *is_signed = dns_get(d->task, VIEW_LIT(SIGNED_NAME), DNS_A);
	int64_t took = clock_mono_ms(&clock_system) - began;
	if (is_signed->outcome == DNS_TEMP) {
		doctor_problem(d, ADVICE(d, "look at dns: { mode, servers } in %s and at /etc/resolv.conf", d->config),
		    "it does not answer for " SIGNED_NAME " (%s)", is_signed->why);
		return;
	}
	if (took > SLOW_MS)
		doctor_warn(d, ADVICE(d, "run a resolver on this host (apt-get install unbound)"), "it took %lld ms to answer for " SIGNED_NAME,
		    (long long)took);
	judge_validation(d, is_signed, dns_get(d->task, VIEW_LIT(BROKEN_NAME), DNS_A));
}

/* ---- public suffix list ---- */

void
doctor_suffixes(struct doctor *d)
{
	const struct dmarc_conf *conf = &d->settings->assess.dmarc;
	const struct dmarc_psl *psl = dmarc_lists_psl(d->settings->assess.lists);

	if (psl == NULL) {
		doctor_skip(d, "dmarc.discovery does not use it");
		return;
	}
	int64_t dated = dmarc_psl_dated(psl), days = (clock_wall(&d->clock) - dated) / 86400;
	if (dated < 0)
		doctor_warn(d, ADVICE(d, "apt-get install --only-upgrade publicsuffix"), "%.*s: it does not tell its age",
		    VIEW_ARG(conf->tld_file));
	else if (days > conf->tld_max_age)
		doctor_warn(d, ADVICE(d, "apt-get install --only-upgrade publicsuffix; then reload with HUP"), "%.*s is %lld days old",
		    VIEW_ARG(conf->tld_file), (long long)days);
	else
		doctor_ok(d, "%.*s is %lld days old", VIEW_ARG(conf->tld_file), (long long)days);
}

/* ---- clock ---- */

/* Only the kernel is asked; no server of time is. */
void
doctor_time(struct doctor *d)
{
	struct timex t = { .modes = 0 };

	if (adjtimex(&t) < 0)
		doctor_skip(d, "the kernel does not tell: %s", strerrordesc_np(errno));
	else if ((t.status & STA_UNSYNC) != 0)
		doctor_warn(d, ADVICE(d, "timedatectl set-ntp true, or apt-get install chrony (in a container: on its host)"),
		    "nobody sets it: signatures and SRS addresses expire by it");
	else
		doctor_ok(d, "it is set by a server of time, off by at most %ld ms", t.maxerror / 1000);
}

/* ---- limits ---- */

#define BESIDE 256 /* descriptors that are no connections, as src/daemon/descriptors.c has it */

/* A number in a file of one line, of /proc. */
static bool
read_number(const struct doctor *d, struct view path, uint64_t *number)
{
	struct view text, word;
	struct err err;

	return cli_read(path, d->arena, &text, &err) && postconf_word(&text, &word) && view_to_u64(word, INT64_MAX, number);
}

/* "Max open files            1024                 524288               files", of /proc/PID/limits: the hard one. */
static bool
files_of_daemon(const struct doctor *d, uint64_t *hard)
{
	struct view text, line, word;
	uint64_t pid;
	struct err err;

	if (!read_number(d, d->settings->process.pid_file, &pid) ||
	    !cli_read(arena_printf(d->arena, "/proc/%llu/limits", (unsigned long long)pid), d->arena, &text, &err))
		return false;
	while (text.n > 0) { /* ends: each turn takes a line */
		view_split(text, '\n', &line, &text);
		if (!view_starts(line, VIEW_LIT("Max open files")))
			continue;
		line = view_from(line, sizeof("Max open files") - 1);
		return postconf_word(&line, &word) && postconf_word(&line, &word) && view_to_u64(word, INT64_MAX, hard);
	}
	return false;
}

static void
look_at_descriptors(struct doctor *d)
{
	uint64_t wanted = (uint64_t)d->settings->process.connections_max + BESIDE, hard;

	if (!files_of_daemon(d, &hard))
		doctor_skip(d, "open files: assayd's limits cannot be seen (is it running? run as root)");
	else if (hard < wanted)
		doctor_warn(d, ADVICE(d, "in the unit, LimitNOFILE=%llu; or a smaller connections-max in %s; then restart assayd",
			(unsigned long long)wanted, d->config),
		    "assayd may open %llu files: too few for connections-max = %lld", (unsigned long long)hard,
		    (long long)d->settings->process.connections_max);
	else
		doctor_ok(d, "assayd may open %llu files, enough for connections-max = %lld", (unsigned long long)hard,
		    (long long)d->settings->process.connections_max);
}

static void
look_at_backlog(struct doctor *d)
{
	uint64_t most;

	if (!read_number(d, VIEW_LIT("/proc/sys/net/core/somaxconn"), &most))
		doctor_skip(d, "net.core.somaxconn cannot be read");
	else if (most < (uint64_t)d->settings->process.backlog)
		doctor_warn(d, ADVICE(d, "sysctl -w net.core.somaxconn=%lld, and the same in /etc/sysctl.d/", (long long)d->settings->process.backlog),
		    "the kernel cuts backlog = %lld to %llu", (long long)d->settings->process.backlog, (unsigned long long)most);
	else
		doctor_ok(d, "the kernel lets backlog = %lld be", (long long)d->settings->process.backlog);
}

void
doctor_limits(struct doctor *d)
{
	look_at_descriptors(d);
	look_at_backlog(d);
}

/* ---- syslog ---- */

/* Connected, not written to; datagrams first, as syslog(3) tries. */
void
doctor_syslog(struct doctor *d)
{
	struct sockaddr_un log = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	static const int types[] = { SOCK_DGRAM, SOCK_STREAM };
	int problem = 0;

	for (size_t i = 0; i < 2; i++) {
		int fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		problem = fd >= 0 && connect(fd, (const struct sockaddr *)&log, sizeof(log)) == 0 ? 0 : errno;
		if (fd >= 0)
			close(fd);
		if (problem == 0) {
			doctor_ok(d, "/dev/log takes lines");
			return;
		}
	}
	doctor_problem(d, ADVICE(d, "systemctl start rsyslog (or systemd-journald); until then what assayd says is lost"), "/dev/log: %s",
	    strerrordesc_np(problem));
}
