#ifndef ASSAY_DAEMON_POSTER_H
#define ASSAY_DAEMON_POSTER_H

#include "conf/item.h"
#include "daemon/privileges.h"
#include "report/report_smtp.h"

/*
 * poster - a process beside the worker that hands notices to the site's sendmail(1) (notices.by = "sendmail").
 * What a worker executes gains no privileges (privileges.h), but the sendmail of Postfix and that of Sendmail are setgid, to
 * be let into their queues.  So this process is born before the worker gives up root, becomes the same user, and
 * executes notices.command and nothing else: no shell, a clean environment, the mail as its standard input.
 * It ends when the worker does.
 */
struct poster {
	int fd; /* one request at a time; -1: there is none, or it has gone */
};

/* While there is one thread and we still are who may become identity (NULL: stay).  command lasts for ever. */
bool poster_start(struct poster *poster, const struct identity *identity, const struct conf_list *command, struct err *err);

/*
 * As smtp_send; of mail the recipient and the text count, which goes out with LF.  One thread.  Status 0 of the command
 * is a success; 64, 65, 67 and 68 of sysexits(3) are ERR_PERM, all else may heal.  A command that takes longer is killed.
 */
bool poster_send(struct poster *poster, const struct smtp_mail *mail, int64_t wait_ms, bool *reached, struct err *err);

#endif
