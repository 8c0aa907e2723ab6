#!/usr/bin/python3
"""SRS end to end: real Postfix forwards by a virtual alias to a server elsewhere, and bounces find their way home.
Usage: e2e_srs.py WORK ASSAYD [NAME...]
"""

import contextlib
import glob
import os
import re
import smtplib
import socketserver
import subprocess
import threading
import time

import e2e
from lab import free_port, header_fields, is_listening, wait_until, write
from mailkit import letter

e2e.TESTS.clear()
test = e2e.test

SENDER, STRANGER = "192.0.2.25", "203.0.113.9"
VIRTUAL = ("fwd@local.test friend@outside.example\n"
           "gone@local.test nobody@outside.example\n"
           "late@local.test slow@outside.example\n")


class Sink(socketserver.StreamRequestHandler):
    """A server elsewhere: speaks DSN, knows no "nobody", keeps what it gets."""

    def handle(self):
        envelope = None
        self.say("220 sink.example")
        for line in self.rfile:
            line = line.decode("latin-1").rstrip("\r\n")
            verb = line[:4].upper()
            if verb == "EHLO":
                self.say("250-sink.example\r\n250-8BITMIME\r\n250 DSN")
            elif verb == "MAIL":
                envelope = {"mail": line[10:], "rcpts": []}
                self.say("250 2.1.0 ok")
            elif verb == "RCPT" and "<nobody@" in line:
                self.say("550 5.1.1 no such user here")
            elif verb == "RCPT":
                envelope["rcpts"].append(line[8:])
                self.say("250 2.1.5 ok")
            elif verb == "DATA":
                self.say("354 go on")
                envelope["data"] = self.data()
                self.server.mail.append(envelope)
                self.say("250 2.0.0 ok")
            elif verb == "QUIT":
                self.say("221 2.0.0 bye")
                return
            else:
                self.say("250 2.0.0 ok")

    def data(self):
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")


class Map(socketserver.StreamRequestHandler):
    """A socketmap server: what an MTA would be told about recipients that some database forwards."""

    def handle(self):
        for size in iter(lambda: self.netstring_size(), None):
            name, _, key = self.rfile.read(size + 1)[:-1].decode().partition(" ")
            self.server.asked.append((name, key))
            value = self.server.table.get(key)
            reply = f"OK {value}" if value else "NOTFOUND "
            self.wfile.write(f"{len(reply)}:{reply},".encode())

    def netstring_size(self):
        digits = b""
        for octet in iter(lambda: self.rfile.read(1), b""):
            if octet == b":":
                return int(digits)
            digits += octet
        return None


class SlowMap(Map):
    """Knows a long chain of addresses, and takes its time for each."""

    def handle(self):
        for size in iter(lambda: self.netstring_size(), None):
            key = self.rfile.read(size + 1)[:-1].decode().split()[-1]
            time.sleep(0.8)
            link = re.match(r"link(\d+)@", key)
            reply = f"OK link{int(link[1]) + 1}@local.test" if link else "NOTFOUND "
            self.wfile.write(f"{len(reply)}:{reply},".encode())


def serve(lab, name, handler, port):
    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True
    server = Server(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    lab.servers[name] = server
    return server


def sunk(lab, mark, n=1):
    """What arrived elsewhere with mark in it, when n have."""
    def look():
        got = [m for m in lab.servers["sink"].mail if mark.encode() in m["data"]]
        return got if len(got) >= n else None
    return wait_until(f"{n} messages with {mark} elsewhere", look)


def address(command):
    return re.match(r"<([^>]*)>", command).group(1)


def check_rcpt(message, wanted, *options):
    """One recipient with these arguments, in whatever order."""
    assert len(message["rcpts"]) == 1, message["rcpts"]
    words = message["rcpts"][0].split()
    assert words[0] == f"<{wanted}>" and sorted(words[1:]) == sorted(options), (words, options)


def stands_for(lab, srs, command="reverse", at=None):
    """What assayctl makes of it."""
    time_option = ["--time", str(at)] if at else []
    done = subprocess.run([lab.assayctl, "srs", "--config", lab.path("etc/assay.conf"), *time_option, command, srs],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout.strip()


def spf(lab, sender, ip):
    done = subprocess.run([lab.assayctl, "spf", "--config", lab.path("etc/assay.conf"), "--ip", ip, "--from", sender],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout


def configure(lab, **srs):
    """Settings for these tests, taken over by HUP."""
    text = {"enable": "true", "milter": "true", "domain": '"srs.test"', "secrets": f'"{lab.path("etc/srs.secrets")}"',
            "local-domains": '("local.test", "srs.test")', "virtual": f'"{lab.path("etc/postfix/virtual")}"',
            "table-look": "1", "listen": f'"inet:{lab.map_port}@127.0.0.1"'}
    text.update({name.replace("_", "-"): value for name, value in srs.items()})
    lab.assay_conf(srs=text)
    if "assayd" not in lab.processes:
        return
    before = lab.assayd_log().count("are in force")
    lab.processes["assayd"].send_signal(1)
    wait_until("the new settings", lambda: lab.assayd_log().count("are in force") >= before + 2)


def postfix(lab, main="", domains=("local.test", "srs.test"), virtual=VIRTUAL):
    lab.stop("postfix")
    write(lab.path("etc/postfix/virtual"), virtual)
    lab.start_postfix(domains=domains, main=f"""
virtual_alias_maps = texthash:{lab.path("etc/postfix/virtual")}
default_transport = smtp:[127.0.0.1]:{lab.sink_port}
relay_domains =
smtp_host_lookup = native
{main}
""")
    wait_until("a greeting of Postfix", lambda: greets(lab))


def greets(lab):
    """Sockets of the one that was stopped may still take a connection."""
    with contextlib.suppress(OSError, smtplib.SMTPException), lab.client(SENDER) as smtp:
        return smtp.noop()[0] == 250
    return False


def reverse_map(lab):
    return (f"recipient_canonical_maps = socketmap:inet:127.0.0.1:{lab.map_port}:reverse\n"
            "recipient_canonical_classes = envelope_recipient\n")


def transaction(lab, mark, sender, rcpts, client=SENDER, mail_options=(), rcpt_options=()):
    """Replies by recipient, and that of DATA."""
    replies = {}
    with lab.client(client) as smtp:
        smtp.ehlo()
        code, text = smtp.mail(sender, mail_options)
        assert code == 250, text
        for rcpt in rcpts:
            code, text = smtp.rcpt(rcpt, rcpt_options)
            replies[rcpt] = f"{code} {text.decode()}"
        if not any(r.startswith("250") for r in replies.values()):
            return replies, ""
        code, text = smtp.data(re.sub(r"\r?\n", "\r\n", letter(mark)).encode())
        return replies, f"{code} {text.decode()}"


def forward_one(lab, mark="s-first"):
    """An SRS address as a server elsewhere sees it."""
    e2e.sent(lab, letter(mark), "ann@sender.example", "fwd@local.test", SENDER)
    return address(sunk(lab, mark)[0]["mail"])


def return_path(lab, mark):
    return header_fields(lab.delivered(mark), "Return-Path")[0].strip("<>")


def log_line(lab, mark_of_line):
    return [line for line in lab.assayd_log().splitlines() if mark_of_line in line][-1]


@test
def forwarded_with_a_sender_that_passes_spf(lab):
    configure(lab)
    replies, end = transaction(lab, "s-forward", "ann@sender.example", ["fwd@local.test"],
                               mail_options=("RET=HDRS", "ENVID=QQ+2B1"),
                               rcpt_options=("NOTIFY=DELAY,FAILURE", "ORCPT=rfc822;first@elsewhere.example"))
    assert end.startswith("250"), (replies, end)
    got = sunk(lab, "s-forward")[0]
    sender = address(got["mail"])
    assert re.fullmatch(r"SRS0=[^=]{4}=..=sender\.example=ann@srs\.test", sender), sender
    e2e.check_in(got["mail"], "RET=HDRS", "ENVID=QQ+2B1")
    check_rcpt(got, "friend@outside.example", "NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;first@elsewhere.example")
    assert stands_for(lab, sender) == "ann@sender.example"
    e2e.check_in(spf(lab, sender, "127.0.0.1"), "pass")
    e2e.check_in(spf(lab, "ann@sender.example", "127.0.0.1"), "fail")
    e2e.check_in(log_line(lab, "srs=rewritten"), "from=<ann@sender.example>", f"srs=rewritten:<{sender}>",
                 "srs_leave=1:virtual,<friend@outside.example>")


@test
def a_bounce_of_this_host_comes_home(lab):
    configure(lab)
    e2e.sent(lab, letter("s-gone"), "ann@sender.example", "gone@local.test", SENDER)
    bounce = sunk(lab, "s-gone")[0]
    assert address(bounce["mail"]) == "" and address(bounce["rcpts"][0]) == "ann@sender.example", bounce
    report = bounce["data"].decode().split("Content-Type: message/delivery-status")[1]
    e2e.check_in(report, "Original-Recipient: rfc822;gone@local.test")
    e2e.check_not_in(report.split("\r\n--")[0].split("\r\n\r\n", 2)[2], "SRS0")


@test
def a_bounce_from_elsewhere_comes_home(lab):
    configure(lab)
    srs = forward_one(lab, "s-back1")
    replies, end = transaction(lab, "s-back2", "", [srs], STRANGER, rcpt_options=("NOTIFY=NEVER",))
    assert end.startswith("250"), (replies, end)
    got = sunk(lab, "s-back2")[0]
    check_rcpt(got, "ann@sender.example", "NOTIFY=NEVER", "ORCPT=rfc822;" + srs.replace("=", "+3D"))
    assert address(got["mail"]) == "", got["mail"]
    e2e.check_in(log_line(lab, "recipient=mapped"), f"rcpt=<{srs}>", "srs=valid", "to=<ann@sender.example>")


@test
def local_mail_keeps_its_sender(lab):
    configure(lab)
    e2e.sent(lab, letter("s-local"), "ann@sender.example", "user@local.test", SENDER)
    assert return_path(lab, "s-local") == "ann@sender.example"
    e2e.sent(lab, letter("s-null"), "<>", "fwd@local.test", SENDER)
    assert address(sunk(lab, "s-null")[0]["mail"]) == ""
    e2e.sent(lab, letter("s-ours"), "me@local.test", "fwd@local.test", STRANGER)
    assert address(sunk(lab, "s-ours")[0]["mail"]) == "me@local.test"
    e2e.sent(lab, letter("s-internal"), "ann@sender.example", "fwd@local.test")
    assert address(sunk(lab, "s-internal")[0]["mail"]) == "ann@sender.example"


@test
def mixed_recipients_get_one_sender(lab):
    configure(lab)
    replies, end = transaction(lab, "s-mixed", "ann@sender.example", ["user@local.test", "fwd@local.test"])
    assert end.startswith("250") and all(r.startswith("250") for r in replies.values()), (replies, end)
    sender = address(sunk(lab, "s-mixed")[0]["mail"])
    assert sender.startswith("SRS0=") and return_path(lab, "s-mixed") == sender
    e2e.check_in(log_line(lab, "srs=rewritten"), "rcpts=2", "srs_leave=1:")


@test
def mixed_recipients_by_class(lab):
    configure(lab, mixed='"class"')
    replies, end = transaction(lab, "s-class1", "ann@sender.example", ["user@local.test", "fwd@local.test"])
    assert replies["fwd@local.test"].startswith("452 4.5.3 "), replies
    assert end.startswith("250") and return_path(lab, "s-class1") == "ann@sender.example"
    replies, end = transaction(lab, "s-class2", "ann@sender.example", ["fwd@local.test", "user@local.test"])
    assert replies["user@local.test"].startswith("452 4.5.3 "), replies
    assert address(sunk(lab, "s-class2")[0]["mail"]).startswith("SRS0=")


@test
def what_is_no_address_of_ours_is_refused(lab):
    configure(lab)
    srs = forward_one(lab, "s-forge")
    forged = srs.replace("=ann@", "=bob@")
    old = stands_for(lab, "ann@sender.example", "forward", int(time.time()) - 30 * 86400)
    assert old.startswith("SRS0="), old
    replies, _ = transaction(lab, "s-forge2", "", [forged, old, "SRS0=x@srs.test", "postmaster@srs.test", srs], STRANGER)
    assert replies[forged] == "550 5.7.1 This SRS address was not made here", replies
    assert replies[old] == "550 5.1.1 This SRS address has expired", replies
    assert replies["SRS0=x@srs.test"] == "550 5.1.3 This is no complete SRS address", replies
    assert replies["postmaster@srs.test"].startswith("250") and replies[srs].startswith("250"), replies
    replies, _ = transaction(lab, "s-relay", "spam@plain.example", [srs], STRANGER)
    assert replies[srs].startswith("550 5.7.1 "), replies
    e2e.check_in(lab.assayd_log(), f"rcpt=<{forged}> stage=rcpt verdict=reject rule=srs-forged")


@test
def not_more_than_so_many_come_back(lab):
    configure(lab, return_rate="3")
    e2e.sent(lab, letter("s-rate"), "carol@sender.example", "fwd@local.test", SENDER)
    srs = address(sunk(lab, "s-rate")[0]["mail"])
    with lab.client(STRANGER) as smtp:  # who only asks whether there is such an address takes nothing away
        smtp.ehlo()
        for _ in range(5):
            assert smtp.mail("")[0] == 250 and smtp.rcpt(srs)[0] == 250 and smtp.rset()[0] == 250
    codes = [transaction(lab, f"s-rate{i}", "", [srs], STRANGER)[0][srs][:9] for i in range(5)]
    assert codes == ["250 2.1.5"] * 3 + ["450 4.7.1"] * 2, codes


@test
def sendmail_is_refused_at_the_end(lab):
    configure(lab)
    forged = forward_one(lab, "s-cmd").replace("=ann@", "=bob@")
    subprocess.run([os.path.join(lab.root, "usr/sbin/sendmail"), "-f", "me@local.test", forged],
                   input=letter("s-cmd2", "me@local.test").encode(), env=lab.environment(), check=True)
    bounce = lab.delivered("s-cmd2")
    e2e.check_in(bounce.decode(), "This SRS address was not made here")
    wait_until("an empty maildrop", lambda: not glob.glob(lab.path("spool/maildrop/*")))


@test
def sendmail_of_a_foreign_sender(lab):
    configure(lab, internal="true")
    subprocess.run([os.path.join(lab.root, "usr/sbin/sendmail"), "-f", "ann@sender.example", "fwd@local.test"],
                   input=letter("s-procmail").encode(), env=lab.environment(), check=True)
    assert address(sunk(lab, "s-procmail")[0]["mail"]).startswith("SRS0=")


@test
def a_table_that_changes_is_read_again(lab):
    configure(lab)
    with open(lab.path("etc/postfix/virtual"), "a", encoding="utf-8") as f:
        f.write("fresh@local.test friend@outside.example\n")
    time.sleep(2.1)  # table-look, and the file must not be of this second
    e2e.sent(lab, letter("s-fresh"), "ann@sender.example", "fresh@local.test", SENDER)
    e2e.check_in(lab.assayd_log(), "virtual: 4 keys")
    e2e.check_in(log_line(lab, "client=unknown[192.0.2.25]"), "srs=rewritten:")


@test
def the_maps_of_the_mta_are_asked(lab):
    server = serve(lab, "map", Map, lab.ask_port)
    server.asked, server.table = [], {"asked@local.test": "friend@outside.example"}
    configure(lab, leave_map=f'"inet:127.0.0.1:{lab.ask_port}:virtual"', leave_map_wait="500")
    for rcpt, wanted in (("asked@local.test", True), ("user@local.test", False)):
        e2e.sent(lab, letter(f"s-{rcpt}"), "ann@sender.example", rcpt, SENDER)
        line = log_line(lab, "client=unknown[192.0.2.25]")
        assert ("srs_leave=1:leave-map,<friend@outside.example>" in line) == wanted, line
    assert ("virtual", "asked@local.test") in server.asked
    server.shutdown()
    server.server_close()
    configure(lab, leave_map=f'"inet:127.0.0.1:{free_port()}:virtual"', leave_map_wait="500")
    e2e.sent(lab, letter("s-nomap"), "ann@sender.example", "user@local.test", SENDER)
    e2e.check_in(log_line(lab, "client=unknown[192.0.2.25]"), "srs=rewritten:", "srs_leave=1:leave-map",
                 "Connection refused")


@test
def a_slow_map_does_not_use_up_the_patience_of_the_mta(lab):
    """Answers that come in time, each of them: not so all of them together."""
    port = free_port()
    server = serve(lab, "slow map", SlowMap, port)
    configure(lab, leave_map=f'"inet:127.0.0.1:{port}:virtual"', leave_map_wait="1000")
    began = time.monotonic()
    e2e.sent(lab, letter("s-slowmap"), "ann@sender.example", "link1@local.test", SENDER)
    assert time.monotonic() - began < 5, f"{time.monotonic() - began:.1f} s"
    e2e.check_in(log_line(lab, "client=unknown[192.0.2.25]"), "srs=rewritten:", "srs_leave=1:leave-map",
                 "its answers take too long")
    server.shutdown()
    server.server_close()


@test
def restored_here(lab):
    configure(lab, restore='"milter"')
    postfix(lab, "virtual_alias_domains = srs.test\n", ("local.test",), VIRTUAL + "@srs.test user@local.test\n")
    srs = forward_one(lab, "s-here1")
    options = ("NOTIFY=NEVER", "ORCPT=rfc822;first@elsewhere.example")
    replies, end = transaction(lab, "s-here2", "", [srs], STRANGER, rcpt_options=options)
    assert end.startswith("250"), (replies, end)
    got = sunk(lab, "s-here2")[0]
    check_rcpt(got, "ann@sender.example", *options)
    transaction(lab, "s-here3", "", [srs], STRANGER)
    check_rcpt(sunk(lab, "s-here3")[0], "ann@sender.example", "ORCPT=rfc822;" + srs.replace("=", "+3D"))
    e2e.sent(lab, letter("s-here4"), "bob@plain.example", "postmaster@srs.test", STRANGER)
    assert return_path(lab, "s-here4") == "bob@plain.example"


@test
def the_forward_map_beside_it_doubles_nothing(lab):
    configure(lab)
    postfix(lab, reverse_map(lab) + f"sender_canonical_maps = socketmap:inet:127.0.0.1:{lab.map_port}:forward\n"
            "sender_canonical_classes = envelope_sender\n")
    srs = forward_one(lab, "s-both")
    assert srs.upper().count("SRS") == 2 and stands_for(lab, srs) == "ann@sender.example", srs


def zones(lab):
    lab.servers = {}
    lab.sink_port, lab.map_port, lab.ask_port = free_port(), free_port(), free_port()
    lab.assayctl = os.path.join(os.path.dirname(lab.assayd_path), "../cli/assayctl")
    serve(lab, "sink", Sink, lab.sink_port).mail = []
    lab.zone("sender.example", ['@ IN TXT "v=spf1 ip4:192.0.2.0/24 -all"'])
    lab.zone("plain.example", ["@ IN A 203.0.113.7"])
    lab.zone("srs.test", ['@ IN TXT "v=spf1 ip4:127.0.0.1 -all"'])
    lab.zone("example", [])
    lab.zone("test", [])
    write(lab.path("etc/srs.secrets"), "e2e secret\n")
    os.chmod(lab.path("etc/srs.secrets"), 0o600)
    os.chown(lab.path("etc/srs.secrets"), 65534, 65534)
    write(lab.path("etc/postfix/virtual"), VIRTUAL)


def main():
    """As e2e.main, with a Postfix that has somewhere to forward to."""
    import sys
    from lab import Lab, LabError
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        with Lab(sys.argv[1], sys.argv[2], print) as lab:
            zones(lab)
            lab.start_nsd()
            configure(lab)
            lab.start_assayd(lambda: is_listening(lab.milter_port) and is_listening(lab.map_port))
            postfix(lab, reverse_map(lab))
            passed, failed = e2e.run(lab, sys.argv[3:], e2e.TESTS)
            for server in lab.servers.values():
                with contextlib.suppress(OSError, smtplib.SMTPException):
                    server.shutdown()
    except LabError as problem:
        sys.exit(f"e2e_srs: {problem}")
    print(f"e2e_srs: {passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
