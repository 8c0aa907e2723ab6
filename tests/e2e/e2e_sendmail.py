#!/usr/bin/python3
"""End to end through Debian's Sendmail: what e2e.py, e2e_policy.py and e2e_arc.py ask of Postfix, and what is its own.

Usage: e2e_sendmail.py WORK ASSAYD [NAME...]
Prints a line for each test and closes with "N passed, N failed"; status 77 where no namespaces can be made.
"""

import contextlib
import glob
import os
import re
import signal
import ssl
import subprocess
import sys
import time

import e2e
import e2e_arc
import e2e_policy
from e2e import check_in, check_not_in, register, results, run, sent
from e2e_policy import FILES, SPOOFER, configure, spoof, transaction
from lab import LabError, header_fields, wait_until, write
from lab_sendmail import MSA_PORT, OUTSIDE, PLACE, SendmailLab, enter
from mailkit import letter
from verifiers import RSPAMD_PACKAGES, start_rspamd

# Tests that are about Postfix; each has a brother here.
POSTFIX_ONLY = {"unix_socket_below_the_queue_directory", "held_by_postfix", "sendmail_is_never_refused_at_rcpt",
                "own_people_when_asked", "services_of_their_own"}
SOCKET = "/run/assay/assay.sock"
CHECKS, POLICIES, SEALS = [], [], []
check, policy, seal = register(CHECKS), register(POLICIES), register(SEALS)


# --- sockets, fields, failures ----------------------------------------------------------------

def restart(lab, listen, milter, up=None, **top):
    lab.stop_mta()
    lab.stop("assayd")
    lab.assay_conf(listen=f'"{listen}"', top=top)
    lab.start_assayd(up)
    lab.start_mta(milter=milter)


@contextlib.contextmanager
def listening(lab, *args, **kwargs):
    """Another socket for a while."""
    restart(lab, *args, **kwargs)
    try:
        yield
    finally:
        restart(lab, lab.listen_text().strip('"'), None)


@check
def fields_on_top_in_order(lab):
    lab.assay_conf(spf={"received-spf": "true"})
    e2e_policy.reload(lab)
    forged = "Received-SPF: pass (mx.assay.example: kept, for it is the sender's word)\nX-First: 1\n"
    sent(lab, letter("s-order", extra=forged), "ann@sender.example", "user@local.test", "192.0.2.25")
    names = re.findall(r"^([A-Za-z-]+):", lab.delivered("s-order").decode().split("\n\n")[0], re.M)
    ours = names[names.index("Return-Path") + 1:]
    assert ours[:2] == ["Received-SPF", "Authentication-Results"], names
    assert ours.index("Received") < ours.index("X-First"), names
    lab.assay_conf()
    e2e_policy.reload(lab)


@check
def the_shipped_line_as_it_is(lab):
    """assay.mc without a change, and assayd where its preset is."""
    with listening(lab, f"unix:{SOCKET}", f"unix:{SOCKET}", lambda: os.path.exists(SOCKET)):
        sent(lab, letter("s-unix"), "ann@sender.example", "user@local.test", "192.0.2.25")
        check_in(results(lab, "s-unix"), "spf=pass")
        began = time.monotonic()
        with lab.client("192.0.2.25") as smtp:
            smtp.ehlo()
            smtp.mail("ann@sender.example")
            for i in range(200):
                assert smtp.rcpt(f"u{i}@local.test")[0] == 250
        took = time.monotonic() - began
        print(f"      200 recipients in {took:.1f} s", flush=True)
        assert took < 5, took
        os.chmod(os.path.dirname(SOCKET), 0o777)
        code, text = lab.send(letter("s-unsafe"), "ann@sender.example", "user@local.test", "192.0.2.25")
        assert 400 <= code < 500, (code, text)
        os.chmod(os.path.dirname(SOCKET), 0o755)


@check
def by_ipv6(lab):
    with listening(lab, f"inet6:{lab.milter_port}@::1", f"inet6:{lab.milter_port}@::1",
                   lambda: lab.is_listening6(lab.milter_port)):
        sent(lab, letter("s-inet6"), "ann@sender.example", "user@local.test", "192.0.2.25")
        check_in(results(lab, "s-inet6"), "spf=pass")


@check
def away_means_later(lab):
    """F=T: without assayd every message waits at the client, and the next one after it is judged again."""
    lab.stop("assayd")
    code, text = lab.send(letter("s-away"), "ann@sender.example", "user@local.test", "192.0.2.25")
    assert 400 <= code < 500, (code, text)
    lab.start_assayd()
    sent(lab, letter("s-back"), "ann@sender.example", "user@local.test", "192.0.2.25")
    check_in(results(lab, "s-back"), "spf=pass")
    assert not lab.is_delivered("Subject: s-away")


@check
def frozen_is_as_good_as_away(lab):
    """Sendmail waits the R or E of T= at the first thing that gets an answer; then for this client no filter is there, for
    the next one it is."""
    lab.stop_mta()
    lab.start_mta(answer="R:2s;E:2s")
    workers = lab.workers()
    try:
        with lab.client("192.0.2.25") as smtp:
            smtp.ehlo()
            for pid in workers:
                os.kill(pid, signal.SIGSTOP)
            began = time.monotonic()
            code, text = smtp.mail("ann@sender.example")
            if code == 250:
                code, text = smtp.rcpt("user@local.test")
            if code == 250:
                code, text = smtp.data(letter("s-frozen"))
            took = time.monotonic() - began
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    assert 400 <= code < 500 and 1.5 < took < 5, (code, text, took)
    sent(lab, letter("s-thawed"), "ann@sender.example", "user@local.test", "192.0.2.25")
    check_in(results(lab, "s-thawed"), "spf=pass")
    lab.stop_mta()
    lab.start_mta()


@check
def end_of_message_within_its_time(lab):
    """DNS is silent: the answer comes before Sendmail stops to wait, which its log would say."""
    before = len(lab.sendmail_log())
    nsd = lab.processes["nsd"]
    os.killpg(nsd.pid, signal.SIGSTOP)
    try:
        sent(lab, lab.late.sign(letter("s-slow", "ann@late.example")), "ann@late.example", "user@local.test",
             "192.0.2.77")
    finally:
        os.killpg(nsd.pid, signal.SIGCONT)
    check_in(results(lab, "s-slow"), "dkim=")
    check_not_in(lab.sendmail_log()[before:], "timeout before data", "to error state", "ACK/NAK")


# --- TLS, AUTH ------------------------------------------------------------------------------

def tls_client(lab, certificate=True, port=25):
    smtp = lab.client("192.0.2.25", port=port) if port == 25 else lab.client(None, port=port)
    smtp.ehlo()
    context = ssl._create_unverified_context()
    if certificate:
        context.load_cert_chain(lab.path("tls/client.pem"), lab.path("tls/client.key"))
    smtp.starttls(context=context)
    smtp.ehlo()
    return smtp


@check
def authenticated_by_certificate(lab):
    """AUTH EXTERNAL at the submission port: {auth_authen} comes with MAIL, and SPF is not for people of ours."""
    lab.assay_conf(site={"internal": '["::1"]'})
    e2e_policy.reload(lab)
    with tls_client(lab, port=MSA_PORT) as smtp:
        code, text = smtp.docmd("AUTH", "EXTERNAL =")
        assert code == 235, (code, text)
        smtp.mail("ann@sender.example")
        smtp.rcpt("user@local.test")
        assert smtp.data(letter("s-auth"))[0] == 250
    check_not_in(results(lab, "s-auth"), "spf=")
    with tls_client(lab, port=MSA_PORT) as smtp:
        smtp.mail("ann@sender.example")
        smtp.rcpt("user@local.test")
        assert smtp.data(letter("s-noauth"))[0] == 250
    check_in(results(lab, "s-noauth"), "spf=fail")
    lab.assay_conf()
    e2e_policy.reload(lab)


@policy
def names_in_certificates(lab):
    """{verify} and {cn_subject}: only of a certificate that Sendmail has verified."""
    configure(lab)
    write(lab.path("etc/domains/partner.conf"),
          'addresses = "partner@local.test"; incoming: { rules = ( { name = "known"; '
          'when = { certificate = ["client.sender.example"]; }; do = "accept"; }, { name = "unknown"; '
          'do = "reject"; reply = "550 5.7.1 no certificate"; } ); };\n')
    e2e_policy.reload(lab)
    answers = {}
    for certificate in (True, False):
        with tls_client(lab, certificate) as smtp:
            smtp.mail("ann@sender.example")
            answers[certificate] = smtp.rcpt("partner@local.test")
    assert answers[True][0] == 250 and answers[False][0] == 550, answers
    check_in(answers[False][1].decode(), "no certificate")
    os.unlink(lab.path("etc/domains/partner.conf"))


# --- policies -------------------------------------------------------------------------------

@policy
def held_in_the_queue(lab):
    configure(lab)
    _, end = transaction(lab, "s-hold", ["hold@local.test"])
    assert end.startswith("250"), end
    held = wait_until("an hf file", lambda: [p for p in glob.glob(lab.path("mqueue/hf*"))])
    assert len(held) == 1, held
    listed = subprocess.run([lab.program("sendmail"), "-C", lab.path("etc/mail/sendmail.cf"), "-bp", "-qQ"],
                            env=lab.environment(), capture_output=True, text=True, check=True).stdout
    check_in(listed, "QUARANTINE", "hold@local.test")
    assert not lab.is_delivered("s-hold")
    queue_id = os.path.basename(held[0])[2:]
    subprocess.run([lab.program("sendmail"), "-C", lab.path("etc/mail/sendmail.cf"), "-Q", "-qQ", f"-qI{queue_id}"],
                   env=lab.environment(), capture_output=True, check=True)
    lab.delivered("s-hold")  # by the next queue run


@policy
def discarded_with_a_250(lab):
    configure(lab)
    write(lab.path("etc/domains/bin.conf"),
          'addresses = "bin@local.test"; incoming: { rules = ( { name = "bin"; when = { dmarc = ["reject"]; }; '
          'do = "discard"; } ); };\n')
    e2e_policy.reload(lab)
    _, end = transaction(lab, "s-discard", ["bin@local.test"])
    assert end.startswith("250"), end
    wait_until("Sendmail's word", lambda: re.search(r"milter=assay, discard|Milter.*discard", lab.sendmail_log()))
    assert not lab.is_delivered("s-discard")
    os.unlink(lab.path("etc/domains/bin.conf"))


@policy
def redirected_with_its_dsn_arguments(lab):
    configure(lab, recipients='"split"')
    write(lab.path("etc/domains/jail.conf"), FILES["jail"].replace("cell@local.test", "cell@outside.example"))
    e2e_policy.reload(lab)
    lab.outside()
    with lab.client(SPOOFER) as smtp:
        smtp.ehlo()
        assert smtp.mail("ceo@bank.example", ["RET=HDRS", "ENVID=QQ+2B1"])[0] == 250
        assert smtp.rcpt("jail@local.test", ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;first@far.example"])[0] == 250
        assert smtp.rcpt("jail2@local.test")[0] == 250
        assert smtp.rcpt("open@local.test")[0] == 250
        assert smtp.data(spoof("s-redirect"))[0] == 250
    envelope = lab.left("s-redirect")
    assert len(envelope.rcpts) == 1, envelope.rcpts
    check_in(envelope.rcpts[0], "<cell@outside.example>", "NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;first@far.example")
    check_in(envelope.mail, "<ceo@bank.example>", "RET=HDRS", "ENVID=QQ+2B1")
    assert e2e_policy.boxes(lab, "s-redirect", 1) == ["open@local.test"]


@policy
def slow_dns_at_rcpt_within_ten_seconds(lab):
    """Sendmail's own time for the answer to RCPT, for sites that leave out T=."""
    configure(lab)
    lab.assay_conf(policy={"directory": f'"{lab.path("etc/domains")}"'}, dns={"timeout": "20000"})
    lab.stop("assayd")  # nothing is remembered
    lab.start_assayd()
    nsd = lab.processes["nsd"]
    os.killpg(nsd.pid, signal.SIGSTOP)
    try:
        with lab.client("198.51.100.67") as smtp:
            smtp.ehlo()
            code, text = smtp.mail("ceo@bank.example")
            assert code == 250, text
            began = time.monotonic()
            code, text = smtp.rcpt("early@local.test")
            took = time.monotonic() - began
    finally:
        os.killpg(nsd.pid, signal.SIGCONT)
    assert code == 250, (code, text)  # decided at the end of the message
    assert 3 < took < 10, f"{took:.1f} s"
    print(f"      RCPT took {took:.1f} s", flush=True)
    check_not_in(lab.sendmail_log(), "to error state")


@policy
def the_queue_id_is_known_at_rcpt(lab):
    configure(lab)
    replies, _ = transaction(lab, "s-token", ["early@local.test"])
    token = re.search(r"\[assay:(\w+):spf\]", replies["early@local.test"])[1]
    check_in(lab.sendmail_log(), f"{token}: milter=assay, action=rcpt")
    check_in(lab.assayd_log(), f"{token}: client=unknown[{SPOOFER}]")


@policy
def own_programs_are_not_refused(lab):
    """The submission program comes from loopback, and the whole transaction must not fail for one recipient."""
    configure(lab)
    done = subprocess.run([*lab.sendmail_command(), "-f", "ceo@bank.example", "early@local.test", "strict@local.test"],
                          input=letter("s-own", "ceo@bank.example").encode(), env=lab.environment(), check=False,
                          capture_output=True)
    assert done.returncode == 0, done
    assert e2e_policy.boxes(lab, "s-own", 2) == ["early@local.test", "strict@local.test"]


# --- seals ----------------------------------------------------------------------------------

@seal
def own_people_by_smtp_and_by_command(lab):
    e2e_arc.settle(lab, clients='"all"')
    sent(lab, letter("s-own1"), "ann@sender.example", "user@local.test")
    e2e_arc.ask_all(lab, e2e_arc.arrived(lab, "s-own1"))
    done = subprocess.run([*lab.sendmail_command(), "-f", "ann@sender.example", "user@local.test"],
                          input=letter("s-own2").encode(), env=lab.environment(), check=False, capture_output=True)
    assert done.returncode == 0, done
    e2e_arc.ask_all(lab, e2e_arc.arrived(lab, "s-own2"))


@seal
def sendmail_rewrites_addresses_after_us(lab):
    """Lists that are folded anew survive, and so does a message that gets a Date; white space within does not."""
    e2e_arc.settle(lab)
    for mark, to, survives in (
            ("s-fold", 'a@local.test,\n\t"B, C" <b@local.test>,\n   c@local.test', True),
            ("s-case", "User@Local.TEST, <b@local.test>", True),
            ("s-space", "a@local.test , b@local.test", False),
            ("s-route", "<@relay.example:a@local.test>", False)):
        sent(lab, f"From: Ann <ann@sender.example>\nTo: {to}\nSubject: {mark}\n\nx\n", "ann@sender.example",
             "user@local.test", "192.0.2.25")
        message = e2e_arc.arrived(lab, mark)
        assert {"Date", "Message-Id"} <= set(e2e_arc.field_names(message)), message
        e2e_arc.ask_all(lab, message, survives)


@seal
def names_without_a_domain_get_one(lab):
    """On the way out."""
    e2e_arc.settle(lab, clients='"all"')
    lab.outside()
    for mark, to, survives in (("s-long", "a@local.test, b@local.test", True), ("s-short", "a, b@local.test", False)):
        sent(lab, f"From: Ann <ann@sender.example>\nTo: {to}\nSubject: {mark}\n\nx\n", "ann@sender.example",
             "pal@outside.example")
        e2e_arc.ask_all(lab, lab.left(mark).message, survives)


@seal
def eight_bits_on_a_way_of_seven(lab):
    """Sendmail converts for a next hop without 8BITMIME, after us; the mailer flag 8 of the README keeps it from that."""
    flags = "".join(f"MODIFY_MAILER_FLAGS(`{m}', `+8')dnl\n" for m in ("SMTP", "ESMTP", "RELAY"))
    e2e_arc.settle(lab, clients='"all"')
    lab.outside().eight_bit = False
    try:
        for mark, lines, survives in (("s-seven", "", False), ("s-eight", flags, True)):
            lab.stop_mta()
            lab.start_mta(srs=lines)
            text = letter(mark, extra="MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
                          "Content-Transfer-Encoding: 8bit\n", body="Sch\u00f6n.\n")
            sent(lab, text, "ann@sender.example", "pal@outside.example")
            e2e_arc.ask_all(lab, lab.left(mark).message, survives)
    finally:
        lab.outside().eight_bit = True
        lab.stop_mta()
        lab.start_mta()


# --- the whole ------------------------------------------------------------------------------

def outside_zone(lab):
    lab.zone("outside.example", ["@ IN MX 10 in", f"in IN A {OUTSIDE}"])


def policy_zones(lab):
    e2e_policy.zones(lab)
    outside_zone(lab)


def arc_zones(lab):
    lab.assayctl = os.path.join(os.path.dirname(lab.assayd_path), "../cli/assayctl")
    e2e_arc.zones(lab)
    outside_zone(lab)


def of_both(tests):
    return [t for t in tests if t.__name__ not in POSTFIX_ONLY]


SUITES = [(e2e.zones, of_both(e2e.TESTS) + CHECKS, ()), (policy_zones, of_both(e2e_policy.TESTS) + POLICIES, ()),
          (arc_zones, of_both(e2e_arc.TESTS) + SEALS, (start_rspamd,))]


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    wanted, passed, failed = sys.argv[3:], 0, 0
    try:
        enter(sys.argv[1], [(RSPAMD_PACKAGES, "rspamd-root")])
        for zones, tests, more in SUITES:
            if wanted and not any(t.__name__ in wanted for t in tests):
                continue
            with SendmailLab(sys.argv[1], sys.argv[2], print, os.environ.get("ASSAYD_WRAPPER", "").split()) as lab:
                zones(lab)
                lab.start_nsd()
                for start in more:
                    start(lab)
                lab.assay_conf()
                lab.start_assayd()
                lab.start_mta()
                counts = run(lab, wanted, tests)
                passed, failed = passed + counts[0], failed + counts[1]
    except LabError as problem:
        sys.exit(f"e2e: {str(problem).replace(PLACE, sys.argv[1])}")
    print(f"e2e: {passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
