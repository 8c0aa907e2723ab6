#!/usr/bin/python3
"""SRS end to end, through Postfix and Sendmail, with the lines of contrib/: mail that is forwarded, and its bounces.

Usage: e2e_srs_lines.py WORK ASSAYD postfix|sendmail [NAME...]
Every test runs in three ways: by maps alone, there by the milter and back by the map, and by the milter alone.  Prints
a line for each test and closes with "N passed, N failed"; status 77 where Sendmail has no namespaces.
"""

import json
import os
import re
import shutil
import subprocess
import sys

from e2e import check_in, check_not_in, register, run, sent
from lab import Lab, LabError, header_fields, read, wait_until, write
from lab_sendmail import OUTSIDE, PLACE, SendmailLab, enter
from mailkit import letter

TESTS = []
test = register(TESTS)
SRS = "srs.example"
DSN = ["NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;first+2Bx@far.example"]
FORWARDS = {"fwd@local.test": "friend@outside.example", "gone@local.test": "nobody@outside.example"}
ANN = r"SRS0=[A-Za-z0-9+/]{4}=[A-Z2-7]{2}=sender\.example=ann@srs\.example"


# --- one transaction --------------------------------------------------------------------------

def transaction(lab, mark, mail, rcpts, address="192.0.2.25", options=(), arguments=()):
    """The reply that decided."""
    with lab.client(address) as smtp:
        smtp.ehlo()
        code, text = smtp.mail(mail, options)
        assert code == 250, text
        for rcpt in rcpts:
            code, text = smtp.rcpt(rcpt, arguments)
            if code not in (250, 251):
                return code, text.decode()
        code, text = smtp.data(letter(mark))
        return code, text.decode()


def path_of(argument):
    return re.match(r"<([^>]*)>", argument)[1]


def forwarded(lab, mark, mail="ann@sender.example", rcpt="fwd@local.test"):
    """The sender with which the message has left."""
    assert transaction(lab, mark, mail, [rcpt])[0] == 250
    return path_of(lab.left(mark).mail)


def came_home(lab, mark, rcpt, arguments=(), mail="<>"):
    """A notice from outside: where it ends."""
    code, text = transaction(lab, mark, mail, [rcpt], OUTSIDE, arguments=arguments)
    assert code == 250, (code, text)
    return lab.left(mark)


# --- the tests ------------------------------------------------------------------------------

@test
def forwarded_with_a_sender_that_passes_spf(lab):
    code, text = transaction(lab, "r-there", "ann@sender.example", ["fwd@local.test"],
                             options=["RET=HDRS", "ENVID=QQ+2B1"], arguments=DSN)
    assert code == 250, text
    envelope = lab.left("r-there")
    sender = path_of(envelope.mail)
    assert re.fullmatch(ANN, sender), sender
    check_in(envelope.mail, "RET=HDRS", "ENVID=QQ+2B1")
    assert path_of(envelope.rcpts[0]) == "friend@outside.example", envelope.rcpts
    check_in(envelope.rcpts[0], "NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;first+2Bx@far.example")
    done = subprocess.run([lab.assayctl, "spf", "--ip", "203.0.113.10", "--from", sender, "--resolver",
                           f"127.0.0.1@{lab.dns_port}"], capture_output=True, text=True, check=False)
    check_in(done.stdout, "pass")
    check_in(header_fields(envelope.message, "From")[0], "ann@sender.example")


@test
def a_bounce_comes_home(lab):
    sender = forwarded(lab, "r-out1")
    envelope = came_home(lab, "r-home1", sender, DSN)
    assert path_of(envelope.rcpts[0]) == "ann@sender.example", envelope.rcpts
    assert path_of(envelope.mail) == "", envelope.mail
    check_in(envelope.rcpts[0], "NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;first+2Bx@far.example")
    check_not_in(envelope.rcpts[0], "SRS0")
    local, domain = sender.split("@")
    envelope = came_home(lab, "r-home2", local.lower() + "@" + domain.upper())
    assert path_of(envelope.rcpts[0]) == "ann@sender.example", envelope.rcpts


@test
def the_local_part_keeps_its_case(lab):
    sender = forwarded(lab, "r-case", "Ann.B+x@sender.example")
    check_in(sender, "=sender.example=Ann.B+x@")
    assert path_of(came_home(lab, "r-case-home", sender).rcpts[0]) == "Ann.B+x@sender.example"


@test
def bounces_of_the_mta_come_home(lab):
    """The next hop refuses; no milter sees what the MTA writes then, only the map can turn it round."""
    lab.outside().refuse = [("nobody@", "550 5.1.1 no such user")]
    try:
        code, text = transaction(lab, "r-refused", "ann@sender.example", ["gone@local.test"])
        assert code == 250, text
        envelope = wait_until("the bounce", lambda: next(
            (e for e in lab.outside().envelopes if path_of(e.mail) == "" and b"r-refused" in e.message), None))
    finally:
        lab.outside().refuse = ()
    assert path_of(envelope.rcpts[0]) == "ann@sender.example", envelope.rcpts
    check_in(envelope.message.decode(), "no such user")


@test
def forged_and_unknown_are_refused(lab):
    sender = forwarded(lab, "r-out2")
    forged = sender.replace("=ann@", "=bob@")
    code, text = transaction(lab, "r-forged", "<>", [forged], OUTSIDE)
    assert 500 <= code < 600, (code, text)
    code, text = transaction(lab, "r-expired", "<>", [re.sub(r"=[A-Z2-7]{2}=", "=AA=", sender)], OUTSIDE)
    assert 500 <= code < 600, (code, text)
    code, text = transaction(lab, "r-relay", "eve@sender.example", [sender], "198.51.100.66")
    assert code == 550, (code, text)
    assert not any(lab.outside().find(m) for m in ("r-forged", "r-expired", "r-relay"))


@test
def the_null_sender_stays(lab):
    assert forwarded(lab, "r-null", "<>") == ""


@test
def own_senders_stay(lab):
    code, text = transaction(lab, "r-own", "me@local.test", ["pal@outside.example"], None)
    assert code == 250, text
    assert path_of(lab.left("r-own").mail) == "me@local.test"


@test
def senders_of_another_srs_host_become_srs1(lab):
    theirs = "SRS0=HHHH=TT=far.example=orig@sender.example"
    sender = forwarded(lab, "r-srs1", theirs)
    wanted = r"SRS1=[A-Za-z0-9+/]{4}=sender\.example==HHHH=TT=far\.example=orig@srs\.example"
    assert re.fullmatch(wanted, sender), sender
    assert path_of(came_home(lab, "r-srs1-home", sender).rcpts[0]) == theirs


@test
def the_local_recipient_of_the_same_message(lab):
    code, text = transaction(lab, "r-both", "ann@sender.example", ["user@local.test", "fwd@local.test"])
    assert code == 250, text
    assert re.fullmatch(ANN, path_of(lab.left("r-both").mail))
    seen = header_fields(lab.delivered("r-both"), "Return-Path")[0]
    # One sender for all.  Sendmail's rules for SMTP leave local mail alone, but not where that goes by LMTP, as here.
    assert re.fullmatch(f"<{ANN}>", seen), seen


@test
def what_waits_in_the_queue(lab):
    """assayd stops while the next hop says "later": only Sendmail's map is asked when mail leaves, and is not there."""
    lab.outside().refuse = [("friend@", "451 4.2.0 later")]
    code, text = transaction(lab, "r-queue", "ann@sender.example", ["fwd@local.test"])
    assert code == 250, text
    wait_until("the first try", lambda: "4.2.0" in read(os.path.join(lab.log_dir, lab.mta + ".log")))
    lab.stop("assayd")
    try:
        lab.outside().refuse = ()
        sender = path_of(lab.left("r-queue").mail)
    finally:
        lab.start_assayd()
    if lab.mta == "sendmail" and lab.way == "maps":
        assert sender == "ann@sender.example", sender
    else:
        assert re.fullmatch(ANN, sender), sender


@test
def forwarded_by_an_alias(lab):
    """Sendmail tells its filters nothing of aliases: its map sees them, and the milter where it reads the table."""
    sender = forwarded(lab, "r-alias", rcpt="ali@local.test")
    if lab.way != "milter":
        assert re.fullmatch(ANN, sender), sender
    else:
        assert sender == "ann@sender.example", sender


@test
def the_doctor_finds_nothing_wrong(lab):
    """With the lines that are shipped.  Checks about this machine and about DNS outside are left out."""
    where = ["--sendmail-cf", lab.path("etc/mail/sendmail.cf"), "--postconf", "/nonexistent/postconf"]
    if lab.mta == "postfix":
        where = ["--postfix-conf", lab.path("etc/postfix"), "--postconf", os.path.join(lab.root, "usr/sbin/postconf")]
    done = subprocess.run([lab.assayctl, "doctor", "--config", lab.path("etc/assay.conf"), "--resolver",
                           f"127.0.0.1@{lab.dns_port}", "--json", *where], env=lab.environment(), capture_output=True,
                          text=True, check=False)
    lines = json.loads(done.stdout)["lines"]
    lines = [line for line in lines if line["check"] not in ("host", "resolver", "clock", "limits", "syslog") and
             (lab.mta == "postfix" or line["check"] != "postfix")]
    wrong = [line for line in lines if line["state"] in ("warning", "problem")]
    assert not wrong, wrong
    well = {line["check"] for line in lines if line["state"] == "ok"}
    check_in(well, "settings", "files", "daemon", "answer", lab.mta if lab.mta == "sendmail" else "services")


# --- the two MTAs, the two ways --------------------------------------------------------------

def settings(lab, socket, **more):
    secrets = write(lab.path("etc/srs.secrets"), "a secret of the laboratory\n")
    os.chmod(secrets, 0o640)  # the worker reads them again at a reload
    shutil.chown(secrets, "root", "nogroup")
    rows = {"enable": "true", "domain": f'"{SRS}"', "secrets": f'"{secrets}"'}
    if lab.way == "maps":
        rows["exclude"] = '("local.test")'
    else:
        rows.update({"milter": "true", "local-domains": '("local.test")'}, **more)
    rows.update({"restore": '"milter"'} if lab.way == "milter" else {"listen": f'("unix:{socket}")'})
    top = {"socket-owner": '"uucp"', "socket-mode": '"0660"'} if not isinstance(lab, SendmailLab) else {}
    lab.assay_conf(srs=rows, top=top)


def zones(lab):
    lab.zone("sender.example", ["@ IN MX 10 out", f"out IN A {OUTSIDE}", '@ IN TXT "v=spf1 ip4:192.0.2.0/24 -all"'])
    lab.zone("far.example", ["@ IN MX 10 out.sender.example."])
    lab.zone("outside.example", ["@ IN MX 10 in", f"in IN A {OUTSIDE}"])
    lab.zone(SRS, ['@ IN TXT "v=spf1 ip4:203.0.113.10 -all"', "@ IN MX 10 mx.assay.example."])
    lab.zone("example", [])


def begin(lab, way):
    lab.mta, lab.way = sys.argv[3], way
    lab.assayctl = os.path.join(os.path.dirname(lab.assayd_path), "../cli/assayctl")
    zones(lab)
    lab.start_nsd()


def with_postfix(lab, way):
    begin(lab, way)
    table = write(lab.path("etc/postfix/virtual"), "".join(f"{k} {v}\n" for k, v in FORWARDS.items()))
    os.makedirs(lab.path("spool/assay"))
    settings(lab, lab.path("spool/assay/srs.sock"), virtual=f'("{table}")')
    lab.start_assayd()
    lines = lab.contrib("postfix/main-srs.cf", domain=("srs.example.net", SRS))
    if way == "both":
        lines = re.sub(r"(?m)^sender_canonical.*\n", "", lines)
    if way == "milter":
        lines = f"relay_domains = {SRS}\n"
    lab.start_postfix(main=f"virtual_alias_maps = texthash:{table}\nrelayhost = [127.0.0.1]:{lab.outside().port}\n"
                           "append_dot_mydomain = no\n" + lines)


def with_sendmail(lab, way):
    begin(lab, way)
    more = {"leave-mailers": '("esmtp", "relay")'}
    if way == "both":
        more.update({"aliases": f'("{lab.path("etc/mail/aliases")}")', "alias-domains": '("local.test")'})
    write(lab.path("etc/mail/aliases"), "")
    settings(lab, "/run/assay/srs.sock", **more)
    lab.start_assayd()
    lab.outside()
    lines = lab.contrib("sendmail/assay-srs.mc", domain=("srs.example.net", SRS))
    if way == "maps":
        lines += lab.contrib("sendmail/assay-srs-forward.mc")
    if way == "milter":
        lines = f"LOCAL_CONFIG\nCw {SRS}\n"
    lab.start_mta(srs=lines, virtual=FORWARDS, aliases={"ali": "friend@outside.example"})


WAYS = {"maps": "maps alone", "both": "the milter there, the map back", "milter": "the milter alone"}
MAP_ONLY = [bounces_of_the_mta_come_home]
SENDMAIL_ONLY = [forwarded_by_an_alias]
MTAS = {"postfix": (Lab, with_postfix), "sendmail": (SendmailLab, with_sendmail)}


def main():
    if len(sys.argv) < 4 or sys.argv[3] not in MTAS:
        sys.exit(__doc__)
    kind, start = MTAS[sys.argv[3]]
    passed = failed = 0
    try:
        if kind is SendmailLab:
            enter(sys.argv[1])
        for way in WAYS:
            with kind(sys.argv[1], sys.argv[2], print, os.environ.get("ASSAYD_WRAPPER", "").split()) as lab:
                start(lab, way)
                print(f"{sys.argv[3]}, by {WAYS[way]}:", flush=True)
                tests = [t for t in TESTS if (way != "milter" or t not in MAP_ONLY) and
                         (lab.mta == "sendmail" or t not in SENDMAIL_ONLY)]
                counts = run(lab, sys.argv[4:], tests)
                passed, failed = passed + counts[0], failed + counts[1]
    except LabError as problem:
        sys.exit(f"e2e: {str(problem).replace(PLACE, sys.argv[1])}")
    print(f"e2e: {passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
