#!/usr/bin/python3
"""Notices to senders, end to end: a message to several, one of whom refuses; what comes to the sender through Postfix.
Usage: e2e_notices.py WORK ASSAYD [NAME...]
"""

import contextlib
import email
import email.policy
import glob
import os
import re
import signal
import socket
import threading
import time

import e2e
from lab import free_port, header_fields, read, wait_until, write
from mailkit import Signer, letter

e2e.TESTS.clear()
test = e2e.test

SENDER, HOST, STRANGER = "ann@sender.example", "192.0.2.25", "198.51.100.66"
REFUSAL = "550 5.7.1 No mail for %{recipient}, whatever it says"


def configure(lab, server=None, **notices):
    write(lab.path("etc/domains/strict.conf"),
          'addresses = ["strict@local.test", "strict2@local.test"]; incoming: { rules = ( { name = "no-mail"; '
          f'when = {{ size = "<1M"; }}; do = "reject"; reply = "{REFUSAL}"; }} ); }};\n')
    lab.assay_conf(policy={"directory": f'"{lab.path("etc/domains")}"', "recipients": '"split"'},
                   notices={"enable": "true", "server": f'"inet:{server or lab.smtp_port}@127.0.0.1"', **notices})
    before = lab.assayd_log().count("are in force")
    lab.processes["assayd"].send_signal(signal.SIGHUP)
    wait_until("the new settings", lambda: lab.assayd_log().count("are in force") > before)


def send(lab, mark, rcpts, sender=SENDER, address=HOST, options=(), text=None):
    """rcpts: addresses, or pairs of one and its options."""
    text = re.sub(rb"\r?\n", b"\r\n", text or letter(mark, SENDER).encode())
    with lab.client(address) as smtp:
        smtp.ehlo()
        code, reply = smtp.mail(sender, options)
        assert code == 250, reply
        for rcpt in rcpts:
            rcpt, args = (rcpt, ()) if isinstance(rcpt, str) else rcpt
            code, reply = smtp.rcpt(rcpt, args)
            assert code == 250, (rcpt, reply)
        code, reply = smtp.data(text)
        assert code == 250, reply
    return re.search(r"queued as (\w+)", reply.decode()).group(1)


def notices(lab, mark):
    """Notices about that message, parsed, with the address that each was delivered to."""
    found = []
    for path in glob.glob(lab.path("mail/all/new/*")):
        with open(path, "rb") as f:
            text = f.read()
        if b"multipart/report" in text and mark.encode() in text:
            found.append((header_fields(text, "Delivered-To")[0],
                          email.message_from_bytes(text, policy=email.policy.default)))
    return found


def one_notice(lab, mark):
    wait_until(f"a notice about {mark}", lambda: notices(lab, mark))
    time.sleep(0.5)  # another one would be there by then
    found = notices(lab, mark)
    assert len(found) == 1, f"{len(found)} notices"
    return found[0]


def none_for(lab, mark, queue_id, why):
    wait_until(f"why={why}", lambda: f"{queue_id}: event=notice status=none" in lab.assayd_log())
    line = [s for s in lab.assayd_log().splitlines() if f"{queue_id}: event=notice" in s]
    assert len(line) == 1 and line[0].endswith(f" why={why}"), line
    lab.delivered(mark)
    assert not notices(lab, mark)


@test
def the_sender_is_told(lab):
    configure(lab)
    queue_id = send(lab, "n-told", ["open@local.test",
                                    ("Strict@local.test", ["NOTIFY=FAILURE", "ORCPT=rfc822;old+2Bname@first.test"]),
                                    ("strict2@local.test", ["NOTIFY=NEVER"]), "other@local.test"],
                    options=["ENVID=QQ+2B314159", "RET=FULL"])
    to, notice = one_notice(lab, "n-told")
    assert to == SENDER and notice["Return-Path"] in (None, "<>"), (to, notice["Return-Path"])
    assert notice["From"] == "Mail Delivery System <MAILER-DAEMON@mx.assay.example>", notice["From"]
    assert notice["To"] == f"<{SENDER}>" or notice["To"] == SENDER, notice["To"]
    assert notice["Auto-Submitted"] == "auto-replied"
    assert notice.get_content_type() == "multipart/report" and notice.get_param("report-type") == "delivery-status"
    assert not notice.defects, notice.defects
    words, status, header = notice.iter_parts()
    assert words.get_content_type() == "text/plain"
    e2e.check_in(words.get_content(), "<Strict@local.test>", "550 5.7.1 No mail for Strict@local.test", queue_id)
    assert status.get_content_type() == "message/delivery-status"
    about, *each = status.get_payload()
    assert about["Reporting-MTA"] == "dns; mx.assay.example" and about["Original-Envelope-Id"] == "QQ+314159", about
    assert len(each) == 1, each
    assert each[0]["Final-Recipient"] == "rfc822; Strict@local.test"
    assert each[0]["Original-Recipient"] == "rfc822; old+name@first.test"
    assert each[0]["Action"] == "failed" and each[0]["Status"] == "5.7.1"
    e2e.check_in(each[0]["Diagnostic-Code"].replace("\r\n", "\n"), "smtp; 550 5.7.1 No mail for Strict@local.test")
    assert header.get_content_type() == "text/rfc822-headers"
    e2e.check_in(header.get_content(), "Subject: n-told", f"From: Ann <{SENDER}>")
    e2e.check_not_in(header.get_content(), "all is well")
    e2e.check_in(lab.assayd_log(), f"{queue_id}: event=notice status=queued to=<{SENDER}> "
                                   "rcpts=<Strict@local.test>,<strict2@local.test>",
                 f"{queue_id}: event=notice status=sent to=<{SENDER}>")
    boxes = {header_fields(open(p, "rb").read(), "Delivered-To")[0] for p in glob.glob(lab.path("mail/all/new/*"))
             if b"Subject: n-told" in open(p, "rb").read() and b"multipart/report" not in open(p, "rb").read()}
    assert boxes == {"open@local.test", "other@local.test"}, boxes


@test
def nobody_is_told_who_may_be_forged(lab):
    configure(lab)
    both = ["open@local.test", "strict@local.test"]
    none_for(lab, "n-fail", send(lab, "n-fail", both, address=STRANGER), "not-authenticated")
    none_for(lab, "n-null", send(lab, "n-null", both, sender="<>"), "null-sender")
    none_for(lab, "n-never", send(lab, "n-never", ["open@local.test", ("strict@local.test", ["NOTIFY=NEVER"])]), "notify")
    text = letter("n-auto", SENDER, extra="Auto-Submitted: auto-generated\n").encode()
    none_for(lab, "n-auto", send(lab, "n-auto", both, text=text), "auto-submitted")


@test
def a_signature_of_the_senders_domain_is_enough(lab):
    configure(lab)
    both = ["open@local.test", "strict@local.test"]
    signed = lab.signer.sign(letter("n-dkim", SENDER))
    send(lab, "n-dkim", both, address=STRANGER, text=signed)
    assert one_notice(lab, "n-dkim")[0] == SENDER
    signed = lab.signer.sign(letter("n-other", SENDER))
    queue_id = send(lab, "n-other", both, sender="victim@local.test", address=STRANGER, text=signed)
    none_for(lab, "n-other", queue_id, "not-authenticated")


@test
def a_signature_of_the_senders_organization_is_enough(lab):
    configure(lab)
    both = ["open@local.test", "strict@local.test"]
    signed = lab.house_signer.sign(letter("n-house", SENDER))
    send(lab, "n-house", both, address=STRANGER, text=signed)
    assert one_notice(lab, "n-house")[0] == SENDER
    signed = lab.house_signer.sign(letter("n-not-house", "x@rate.example"))
    none_for(lab, "n-not-house", send(lab, "n-not-house", both, address=STRANGER, text=signed), "not-authenticated")


@test
def no_more_than_so_many_an_hour(lab):
    configure(lab, **{"per-hour": "2"})
    both = ["open@local.test", "strict@local.test"]
    ids = [send(lab, f"n-rate-{i}", both, sender=f"ann{i}@rate.example") for i in range(3)]
    for i in range(2):
        assert one_notice(lab, f"n-rate-{i}")[0] == f"ann{i}@rate.example"
    none_for(lab, "n-rate-2", ids[2], "per-hour")


@test
def eight_bit_and_long_headers_go_back(lab):
    configure(lab)
    extra = "X-Long: " + "y" * 900 + "\nX-Raw: \u00e9\u00e9 =\n"
    send(lab, "n-eight", ["open@local.test", "strict@local.test"], text=letter("n-eight", SENDER, extra=extra).encode())
    _, notice = one_notice(lab, "n-eight")
    header = list(notice.iter_parts())[2]
    assert header["Content-Transfer-Encoding"] == "quoted-printable"
    back = header.get_payload(decode=True)
    assert b"X-Raw: \xc3\xa9\xc3\xa9 =\r\n".replace(b"\r\n", b"\n") in back.replace(b"\r\n", b"\n"), back
    assert b"y" * 900 in back


def relay(port, to):
    """A server at port that is Postfix behind it."""
    listener = socket.create_server(("127.0.0.1", port))

    def pump(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(4096):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)

    def run():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", to))
            threading.Thread(target=pump, args=(client, server), daemon=True).start()
            threading.Thread(target=pump, args=(server, client), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()
    return listener


@test
def a_server_that_comes_back(lab):
    port = free_port()
    configure(lab, server=port)
    both = ["open@local.test", "strict@local.test"]
    began = time.monotonic()
    ids = [send(lab, f"n-away-{i}", both, sender=f"ann{i}@sender.example") for i in range(3)]
    assert time.monotonic() - began < 10, "the end of a message waited for the server"
    wait_until("a failed try", lambda: "status=later" in lab.assayd_log())
    listener = relay(port, lab.smtp_port)
    for i, queue_id in enumerate(ids):
        assert one_notice(lab, f"n-away-{i}")[0] == f"ann{i}@sender.example"
        e2e.check_in(lab.assayd_log(), f"{queue_id}: event=notice status=sent")
    listener.close()


@test
def nothing_vanishes_at_the_end(lab):
    configure(lab, server=free_port())
    queue_id = send(lab, "n-stop", ["open@local.test", "strict@local.test"])
    wait_until("a failed try", lambda: f"{queue_id}: event=notice status=later" in lab.assayd_log())
    assert lab.stop("assayd") == 0
    e2e.check_in(lab.assayd_log(), f"{queue_id}: event=notice status=lost to=<{SENDER}> rcpts=<strict@local.test>")
    lab.start_assayd()


@test
def what_waits_is_sent_at_the_end(lab):
    """Also though the server asks us about it."""
    configure(lab)
    ids = [send(lab, f"n-last-{i}", ["open@local.test", "strict@local.test"], sender=f"b{i}@sender.example")
           for i in range(5)]
    assert lab.stop("assayd") == 0
    for queue_id in ids:
        e2e.check_in(lab.assayd_log(), f"{queue_id}: event=notice status=sent")
    lab.start_assayd()


@test
def by_sendmail(lab):
    """Postfix's own sendmail(1).  An unpacked postdrop is not setgid, so its folder is opened for it instead."""
    env = lab.environment()
    command = ["/usr/bin/env", f"MAIL_CONFIG={env['MAIL_CONFIG']}", f"LD_LIBRARY_PATH={env['LD_LIBRARY_PATH']}",
               os.path.join(lab.root, "usr/sbin/sendmail"), "-i", "-f", "<>", "--"]
    os.chmod(lab.path("spool/maildrop"), 0o777)
    os.chmod(lab.path("spool/public"), 0o755)
    configure(lab, by='"sendmail"', command="(" + ", ".join(f'"{word}"' for word in command) + ")")
    e2e.check_in(lab.assayd_log(), "notices.by: the change needs a restart", "notices.command: the change needs a restart")
    assert lab.stop("assayd") == 0
    lab.start_assayd()
    worker, = lab.workers()
    poster, = map(int, wait_until("the poster", lambda: read(f"/proc/{worker}/task/{worker}/children").split()))
    wait_until("the poster's user", lambda: re.search(r"Uid:(\t65534){4}", read(f"/proc/{poster}/status")))
    assert "NoNewPrivs:\t0" in read(f"/proc/{poster}/status") and "NoNewPrivs:\t1" in read(f"/proc/{worker}/status")
    assert re.search(r"Uid:(\t65534){4}", read(f"/proc/{poster}/status")), "the poster is not the user"
    queue_id = send(lab, "n-sendmail", ["open@local.test", "strict@local.test"])
    to, notice = one_notice(lab, "n-sendmail")
    assert to == SENDER and notice.get_content_type() == "multipart/report" and not notice.defects
    e2e.check_in(lab.assayd_log(), f"{queue_id}: event=notice status=sent")
    e2e.check_in(lab.postfix_log(), "from=<>")
    os.kill(poster, signal.SIGKILL)
    queue_id = send(lab, "n-no-poster", ["open@local.test", "strict@local.test"])
    wait_until("the new worker", lambda: lab.workers() not in ([], [worker]) and "is ready" in lab.assayd_log())
    e2e.check_in(lab.assayd_log(), "the poster of notices.by = \"sendmail\" has gone",
                 f"{queue_id}: event=notice status=lost")
    worker, = lab.workers()
    poster, = map(int, read(f"/proc/{worker}/task/{worker}/children").split())
    send(lab, "n-new-poster", ["open@local.test", "strict@local.test"])
    assert one_notice(lab, "n-new-poster")[0] == SENDER
    configure(lab)
    assert lab.stop("assayd") == 0
    wait_until("the poster's end", lambda: not os.path.exists(f"/proc/{poster}"), 5)
    lab.start_assayd()


@test
def off_by_default(lab):
    configure(lab, enable="false")
    queue_id = send(lab, "n-off", ["open@local.test", "strict@local.test"])
    lab.delivered("n-off")
    e2e.check_in(lab.assayd_log(), f"{queue_id}: client=")
    e2e.check_not_in(lab.assayd_log(), f"{queue_id}: event=notice")


def zones(lab):
    lab.signer = Signer(lab.path("keys"), "sender.example", "rsa")
    lab.house_signer = Signer(lab.path("keys"), "news.sender.example", "rsa")
    lab.zone("sender.example", ['@ IN TXT "v=spf1 ip4:192.0.2.0/24 -all"', lab.signer.zone_line(),
                                '_dmarc IN TXT "v=DMARC1; p=none"'])
    lab.zone("news.sender.example", [lab.house_signer.zone_line()])
    lab.zone("rate.example", ['@ IN TXT "v=spf1 ip4:192.0.2.0/24 -all"'])
    lab.zone("local.test", ['@ IN TXT "v=spf1 -all"'])
    lab.zone("example", [])


if __name__ == "__main__":
    e2e.zones = zones
    e2e.main(domains=("local.test", "sender.example", "rate.example"))
