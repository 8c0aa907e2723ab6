#include "report/report_smtp.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "report/report_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- replies ---- */

/* Reply-line = Reply-code [ ( "-" / SP ) textstring ] CRLF                 RFC 5321 4.2; some end in LF alone */
static enum smtp_outcome
take_line(struct cursor *c, int *code, bool *last, struct view *text)
{
	struct view line = cursor_until(c, '\n');
	uint64_t number;

	if (line.n > SMTP_LINE_MAX)
		return SMTP_BAD;
	if (!cursor_char(c, '\n'))
		return SMTP_MORE;
	line = view_trim_end(line);
	if (!view_to_u64(view_sub(line, 0, 3), 599, &number) || line.n < 3 || number < 200)
		return SMTP_BAD;
	if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return SMTP_BAD;
	*code = (int)number;
	*last = line.n == 3 || line.p[3] == ' ';
	*text = view_from(line, 4);
	return SMTP_WHOLE;
}

enum smtp_outcome
smtp_reply_take(struct view input, struct smtp_reply *reply)
{
	struct cursor c = cursor_over(input);
	int first = 0, code;
	bool last = false;

	while (!last) { /* ends: each turn takes a line or returns */
		enum smtp_outcome outcome = take_line(&c, &code, &last, &reply->text);
		if (outcome == SMTP_BAD || cursor_offset(&c) > SMTP_REPLY_MAX)
			return SMTP_BAD;
		if (outcome == SMTP_MORE)
			return SMTP_MORE;
		if (first != 0 && code != first)
			return SMTP_BAD;
		first = code;
	}
	reply->code = first;
	reply->used = cursor_offset(&c);
	return SMTP_WHOLE;
}

/* ---- the wire ---- */

struct wire {
	int fd;
	int64_t until_ms;
	struct arena *arena;
	struct buffer in; /* not taken yet */
};

/* Until the descriptor can do what events asks for, or until the time is up. */
static bool
wait_for(const struct wire *w, short events, struct err *err)
{
	for (;;) { /* ends: by until_ms */
		int64_t left = w->until_ms - clock_mono_ms(&clock_system);
		struct pollfd fd = { .fd = w->fd, .events = events };
		if (left <= 0)
			return err_temp(err, "no answer in time");
		int n = poll(&fd, 1, left > 60000 ? 60000 : (int)left);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return err_temp(err, "poll: %s", strerrordesc_np(errno));
	}
}

static bool
write_all(const struct wire *w, struct view text, struct err *err)
{
	while (text.n > 0) { /* ends: each turn writes something, or by until_ms */
		ssize_t n = send(w->fd, text.p, text.n, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			if (!wait_for(w, POLLOUT, err))
				return false;
		} else if (n < 0 && errno != EINTR) {
			return err_temp(err, "write: %s", strerrordesc_np(errno));
		} else if (n > 0) {
			text = view_from(text, (size_t)n);
		}
	}
	return true;
}

static bool
read_some(struct wire *w, struct err *err)
{
	char octets[2048];
	ssize_t n;

	do { /* ends: by until_ms */
		if (!wait_for(w, POLLIN, err))
			return false;
		n = recv(w->fd, octets, sizeof(octets), 0);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n < 0)
		return err_temp(err, "read: %s", strerrordesc_np(errno));
	if (n == 0)
		return err_temp(err, "the connection was closed");
	buffer_add(&w->in, (struct view){ octets, (size_t)n });
	return true;
}

/* The next reply; its text is of the arena. */
static bool
read_reply(struct wire *w, struct smtp_reply *reply, struct err *err)
{
	enum smtp_outcome outcome;

	while ((outcome = smtp_reply_take(buffer_view(&w->in), reply)) == SMTP_MORE) /* ends: a reply has SMTP_REPLY_MAX */
		if (!read_some(w, err))
			return false;
	if (outcome == SMTP_BAD)
		return err_temp(err, "the server's answer is no reply of SMTP");
	struct view rest = arena_copy(w->arena, view_from(buffer_view(&w->in), reply->used));
	reply->text = arena_copy(w->arena, reply->text);
	buffer_clear(&w->in);
	buffer_add(&w->in, rest);
	return true;
}

/* What was asked for, or err. */
static bool
expect(struct wire *w, const char *what, int wanted_class, struct err *err)
{
	struct smtp_reply reply;

	if (!read_reply(w, &reply, err))
		return err_in(err, "%s", what);
	if (reply.code / 100 == wanted_class)
		return true;
	struct view said = report_clean(view_sub(reply.text, 0, 160), w->arena);
	if (reply.code / 100 == 5)
		return err_perm(err, "%s: %d %.*s", what, reply.code, VIEW_ARG(said));
	return err_temp(err, "%s: %d %.*s", what, reply.code, VIEW_ARG(said));
}

static bool
ask(struct wire *w, const char *what, int wanted_class, struct view line, struct err *err)
{
	if (!write_all(w, line, err))
		return err_in(err, "%s", what);
	return expect(w, what, wanted_class, err);
}

/* ---- the dialogue ---- */

static bool
greet(struct wire *w, struct view helo, struct err *err)
{
	if (!expect(w, "greeting", 2, err))
		return false;
	if (ask(w, "EHLO", 2, arena_printf(w->arena, "EHLO %.*s\r\n", VIEW_ARG(helo)), err))
		return true;
	return err->kind == ERR_PERM && ask(w, "HELO", 2, arena_printf(w->arena, "HELO %.*s\r\n", VIEW_ARG(helo)), err);
}

/* RFC 5321 4.5.2: a line that begins with a dot gets one more. */
static struct view
stuffed(struct view text, struct arena *arena)
{
	struct buffer b = buffer_in(arena);
	struct cursor c = cursor_over(text);

	while (!cursor_end(&c)) { /* ends: each turn takes a line */
		if (cursor_peek(&c) == '.')
			buffer_add_char(&b, '.');
		buffer_add(&b, cursor_until(&c, '\n'));
		if (cursor_char(&c, '\n'))
			buffer_add_char(&b, '\n');
	}
	buffer_add_cstr(&b, ".\r\n");
	return buffer_view(&b);
}

static bool
converse(struct wire *w, const struct smtp_mail *mail, struct err *err)
{
	bool ok = greet(w, mail->helo, err) && ask(w, "MAIL", 2, VIEW_LIT("MAIL FROM:<>\r\n"), err) &&
	    ask(w, "RCPT", 2, arena_printf(w->arena, "RCPT TO:<%.*s>\r\n", VIEW_ARG(mail->to)), err) &&
	    ask(w, "DATA", 3, VIEW_LIT("DATA\r\n"), err) &&
	    ask(w, "end of DATA", 2, stuffed(mail->text, w->arena), err);

	write_all(w, VIEW_LIT("QUIT\r\n"), NULL); /* whatever the answer: the mail's fate is known */
	return ok;
}

static socklen_t
fill_address(const struct smtp_mail *mail, struct sockaddr_storage *address)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	if (mail->server.family == 4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)mail->port);
		memcpy(&v4->sin_addr, mail->server.octet, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)mail->port);
	memcpy(&v6->sin6_addr, mail->server.octet, 16);
	return sizeof(*v6);
}

static bool
connect_to(struct wire *w, const struct smtp_mail *mail, struct err *err)
{
	struct sockaddr_storage address;
	socklen_t n = fill_address(mail, &address);
	int problem = 0;
	socklen_t size = sizeof(problem);

	w->fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->fd < 0)
		return err_temp(err, "socket: %s", strerrordesc_np(errno));
	if (connect(w->fd, (const struct sockaddr *)&address, n) == 0)
		return true;
	if (errno != EINPROGRESS && errno != EINTR)
		return err_temp(err, "connect: %s", strerrordesc_np(errno));
	if (!wait_for(w, POLLOUT, err))
		return err_in(err, "connect");
	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &problem, &size) != 0 || problem != 0)
		return err_temp(err, "connect: %s", strerrordesc_np(problem != 0 ? problem : errno));
	return true;
}

bool
smtp_send(const struct smtp_mail *mail, int64_t wait_ms, bool *reached, struct err *err)
{
	struct wire w = { .fd = -1, .until_ms = clock_mono_ms(&clock_system) + wait_ms, .arena = arena_new() };

	w.in = buffer_in(w.arena);
	*reached = connect_to(&w, mail, err);
	bool ok = *reached && converse(&w, mail, err);
	if (w.fd >= 0)
		close(w.fd);
	arena_free(w.arena);
	return ok;
}
