#!/usr/bin/python3
"""Policies end to end: real Postfix, one message to recipients that want different things.
Usage: e2e_policy.py WORK ASSAYD [NAME...]
"""

import glob
import os
import re
import signal
import struct
import subprocess
import time

import e2e
from hostile import Milter
from lab import header_fields, wait_until, write
from mailkit import Signer, letter
import dkim

TESTS = []
test = e2e.register(TESTS)

FILES = {
    "tag": 'addresses = "tag@local.test"; incoming: { rules = ( { name = "mark"; when = { spf = ["fail"]; }; '
           'do = "tag"; header = "X-Marked: %{spf_result}"; } ); };',
    "jail": 'addresses = ["jail@local.test", "jail2@local.test"]; incoming: { rules = ( { name = "jail"; '
            'when = { dmarc = ["reject", "quarantine"]; }; do = "quarantine"; by = "redirect"; '
            'to = "cell@local.test"; } ); };',
    "strict": 'addresses = ["strict@local.test", "strict2@local.test"]; incoming: { rules = ( { name = "spoofed"; '
              'when = { dmarc = ["reject"]; }; do = "reject"; '
              'reply = "550 5.7.26 DMARC: %{dmarc_used_domain} asks to refuse mail that fails, 100% sure"; } ); };',
    "later": 'addresses = "later@local.test"; incoming: { rules = ( { name = "wait"; '
             'when = { dmarc = ["reject"]; }; do = "defer"; reply = "450 4.7.1 not now"; } ); };',
    "early": 'addresses = "early@local.test"; incoming: { rules = ( { name = "spf"; '
             'when = { spf = ["fail"]; }; do = "reject"; reply = "550 5.7.23 SPF says %{spf_result}"; } ); };',
    "watch": 'addresses = "watch@local.test"; incoming: { mode = "monitor"; rules = ( { name = "spoofed"; '
             'when = { dmarc = ["reject"]; }; do = "reject"; } ); };',
    "hold": 'addresses = "hold@local.test"; incoming: { rules = ( { name = "look"; '
            'when = { dmarc = ["reject"]; }; do = "quarantine"; by = "hold"; } ); };',
    "sendmail": 'addresses = "own@local.test"; incoming: { rules = ( { name = "own"; '
                'when = { local = true; }; do = "reject"; reply = "550 5.7.1 no local mail"; } ); };',
}
FOUR = ["open@local.test", "tag@local.test", "jail@local.test", "strict@local.test"]
SPOOFER = "198.51.100.66"


def files(lab, **changes):
    for name, text in {**FILES, **changes}.items():
        write(lab.path("etc/domains", name + ".conf"), text + "\n")


def configure(lab, **policy):
    """New settings, and none of the files of others, taken over by HUP."""
    for path in glob.glob(lab.path("etc/domains/*.conf")):
        os.unlink(path)
    files(lab)
    lab.assay_conf(policy={"directory": f'"{lab.path("etc/domains")}"', **policy})
    reload(lab)


def reload(lab):
    before = lab.assayd_log().count("are in force")
    lab.processes["assayd"].send_signal(signal.SIGHUP)
    wait_until("the new settings", lambda: lab.assayd_log().count("are in force") > before)


def spoof(mark):
    return re.sub(rb"\r?\n", b"\r\n", letter(mark, "ceo@bank.example").encode())


def transaction(lab, mark, rcpts, address=SPOOFER, options=()):
    """Replies by recipient, and that of DATA."""
    replies = {}
    with lab.client(address) as smtp:
        smtp.ehlo()
        assert smtp.mail("ceo@bank.example")[0] == 250
        for rcpt in rcpts:
            code, text = smtp.rcpt(rcpt, options)
            replies[rcpt] = f"{code} {text.decode()}"
        if not any(r.startswith("250") for r in replies.values()):
            return replies, ""
        code, text = smtp.data(spoof(mark))
        return replies, f"{code} {text.decode()}"


def boxes(lab, mark, n):
    """Who has got the message, when n have."""
    def look():
        got = []
        for path in glob.glob(lab.path("mail/all/new/*")):
            with open(path, "rb") as f:
                text = f.read()
            if f"{mark}".encode() in text:
                got.append(header_fields(text, "Delivered-To")[0])
        return sorted(got) if len(got) >= n else None
    return wait_until(f"{n} copies of {mark}", look)


def ok(*rcpts):
    return {r: "250 2.1.5 Ok" for r in rcpts}


@test
def class_mode_serves_each_class_alone(lab):
    configure(lab)
    replies, end = transaction(lab, "p-class1", FOUR)
    assert replies[FOUR[0]].startswith("250") and replies[FOUR[1]].startswith("250"), replies
    assert replies[FOUR[2]].startswith("452 4.5.3 ") and replies[FOUR[3]].startswith("452 4.5.3 "), replies
    assert end.startswith("250"), end
    assert boxes(lab, "p-class1", 2) == FOUR[:2]
    e2e.check_in(lab.delivered("p-class1").decode(), "X-Marked: fail")
    replies, end = transaction(lab, "p-class2", FOUR[2:])
    assert replies[FOUR[3]].startswith("452"), replies
    assert boxes(lab, "p-class2", 1) == ["cell@local.test"]
    replies, end = transaction(lab, "p-class3", FOUR[3:])
    assert re.fullmatch(r"550 5\.7\.26 DMARC: bank\.example asks to refuse mail that fails, 100% sure "
                        r"\[assay:\w+:spoofed\]", end), end
    token = end[end.index("[assay:"):]
    e2e.check_in(lab.assayd_log(), token)


@test
def split_mode_takes_out_who_refuses(lab):
    configure(lab, recipients='"split"')
    replies, end = transaction(lab, "p-split", FOUR + ["jail2@local.test"])
    assert all(r.startswith("250") for r in replies.values()) and end.startswith("250"), (replies, end)
    assert boxes(lab, "p-split", 3) == ["cell@local.test", *FOUR[:2]]
    e2e.check_in(lab.assayd_log(), "rcpt=<strict@local.test> stage=end verdict=reject rule=spoofed file=")


@test
def all_refused_is_a_real_refusal(lab):
    configure(lab, recipients='"split"')
    _, end = transaction(lab, "p-none", ["strict@local.test", "strict2@local.test"])
    assert end.startswith("550 5.7.26 DMARC"), end
    _, end = transaction(lab, "p-none", ["strict@local.test", "later@local.test"])
    assert end.startswith("450 4.7.1 not now"), end
    _, end = transaction(lab, "p-none", ["open@local.test", "later@local.test"])
    assert end.startswith("450 4.7.1 not now"), end
    assert not lab.is_delivered("p-none")


@test
def deferred_may_be_delivered(lab):
    configure(lab, recipients='"split"', **{"deferred-deliver": "true"})
    _, end = transaction(lab, "p-deliver", ["open@local.test", "later@local.test", "strict@local.test"])
    assert end.startswith("250"), end
    assert boxes(lab, "p-deliver", 2) == ["later@local.test", "open@local.test"]


@test
def strictest_and_lenient_give_one_verdict(lab):
    configure(lab, recipients='"strictest"')
    _, end = transaction(lab, "p-strictest", FOUR)
    assert end.startswith("550 5.7.26"), end
    configure(lab, recipients='"lenient"')
    _, end = transaction(lab, "p-lenient", FOUR)
    assert end.startswith("250"), end
    assert boxes(lab, "p-lenient", 4) == sorted(FOUR)
    assert not lab.is_delivered("p-strictest")


@test
def refused_at_rcpt_alone(lab):
    configure(lab)
    replies, end = transaction(lab, "p-early", ["early@local.test", "open@local.test", "early@local.test"])
    # Sendmail puts the address in front.
    wanted = r"550 5\.7\.23 (<early@local\.test>\.\.\. )?SPF says fail \[assay:\w+:spf\]$"
    assert re.match(wanted, replies["early@local.test"]), replies
    assert end.startswith("250"), end
    assert boxes(lab, "p-early", 1) == ["open@local.test"]
    replies, _ = transaction(lab, "p-early2", ["early@local.test"])
    token = re.search(r"\[assay:\w+:spf\]", replies["early@local.test"]).group()
    e2e.check_in(lab.assayd_log(), token)


@test
def monitor_delivers_and_stamps(lab):
    configure(lab)
    _, end = transaction(lab, "p-watch", ["watch@local.test"])
    assert end.startswith("250"), end
    e2e.check_in(e2e.results(lab, "p-watch"), "dmarc=fail", "header.from=bank.example")
    e2e.check_in(lab.assayd_log(), "verdict=accept rule=spoofed", "monitor=reject")


@test
def held_by_postfix(lab):
    configure(lab)
    _, end = transaction(lab, "p-hold", ["hold@local.test"])
    assert end.startswith("250"), end

    def held():
        return any(b"p-hold" in open(p, "rb").read() for p in glob.glob(lab.path("spool/hold/*")))
    wait_until("the message in the hold queue", held)
    assert not lab.is_delivered("p-hold")


@test
def sendmail_is_never_refused_at_rcpt(lab):
    configure(lab)
    command = [*lab.sendmail_command(), "-f", "me@local.test", "own@local.test", "open@local.test"]
    subprocess.run(command, input=letter("p-sendmail", "me@local.test").encode(), env=lab.environment(), check=True)
    assert boxes(lab, "p-sendmail", 1) == ["open@local.test"]
    e2e.check_in(lab.assayd_log(), "rcpt=<own@local.test> stage=end verdict=reject rule=own")


@test
def a_broken_file_keeps_what_it_said(lab):
    configure(lab)
    files(lab, strict='addresses = ["strict@local.test"', early='addresses = "other@local.test";')
    reload(lab)
    e2e.check_in(lab.assayd_log(), "strict.conf:", "what this file said before stays in force")
    _, end = transaction(lab, "p-stale", ["strict@local.test"])
    assert end.startswith("550 5.7.26"), end
    replies, _ = transaction(lab, "p-stale2", ["early@local.test"])
    assert replies["early@local.test"].startswith("250"), replies


@test
def a_thousand_recipients(lab):
    configure(lab, recipients='"split"')
    rcpts = [f"u{i}@local.test" for i in range(998)] + ["strict@local.test", "jail@local.test"]
    began = time.monotonic()
    with lab.client(SPOOFER) as smtp:
        smtp.ehlo()
        assert smtp.mail("ceo@bank.example")[0] == 250
        for rcpt in rcpts:
            code, text = smtp.rcpt(rcpt)
            assert code == 250, (rcpt, code, text)
        code, text = smtp.data(spoof("p-thousand"))
    assert code == 250, text
    print(f"      1000 recipients in {time.monotonic() - began:.1f} s", flush=True)
    e2e.check_in(lab.assayd_log(), "rcpts=1000", "rcpt=<strict@local.test> stage=end verdict=reject")


def sealed(lab, mark):
    """A letter that broke on its way through a list, whose seal says that DMARC passed before; sealed by dkimpy."""
    found = b"Authentication-Results: mx.list.example; dkim=pass header.d=bank.example;\r\n" \
            b" dmarc=pass header.from=bank.example\r\n"
    message = found + spoof(mark)
    fields = dkim.arc_sign(message, b"s1", b"list.example", lab.sealer.private, b"mx.list.example",
                           include_headers=[b"from", b"subject", b"date", b"message-id"])
    return b"".join(fields) + message


@test
def a_trusted_sealer_overrides_dmarc(lab):
    """The same message for one who trusts the sealer, and for one who does not."""
    strict = FILES["strict"].replace("incoming: {", 'incoming: { reject-needs = "nothing";')
    trusting = strict.replace("strict@", "trust@").replace("strict2@", "trust2@")
    trusting = trusting.replace("incoming: {", 'incoming: { trusted-sealers = ["list.example"];')
    configure(lab)
    files(lab, strict=strict, trust=trusting, other=trusting.replace("trust", "other").replace(
        "othered-sealers", "trusted-sealers").replace("list.example", "elsewhere.example"))
    reload(lab)

    def send(rcpt, text):
        with lab.client(SPOOFER) as smtp:
            smtp.ehlo()
            smtp.mail("ceo@bank.example")
            smtp.rcpt(rcpt)
            code, reply = smtp.data(text)
            return f"{code} {reply.decode()}"
    assert send("strict@local.test", sealed(lab, "p-seal1")).startswith("550 5.7.26")
    assert send("other@local.test", sealed(lab, "p-seal2")).startswith("550 5.7.26")
    assert send("trust@local.test", sealed(lab, "p-seal3")).startswith("250")
    who = boxes(lab, "p-seal3", 1)
    assert who == ["trust@local.test"], who
    e2e.check_in(lab.assayd_log(), 'override=local_policy:"arc=pass as[1].d=list.example as[1].s=s1"')
    broken = sealed(lab, "p-seal4").replace(b"all is well", b"all is lost")
    assert send("trust@local.test", broken).startswith("550 5.7.26")


@test
def prdr_by_wire(lab):
    """Neither MTA hands the word on, so a client of the protocol does: no classes, and a line for each recipient."""
    configure(lab)

    def ends(mark, rcpts):
        with Milter(lab) as m:
            m.send(b"C", b"client.example\0" + b"4" + struct.pack("!H", 4711) + SPOOFER.encode() + b"\0")
            m.send(b"H", b"client.example\0")
            assert m.command(b"M", b"<ceo@bank.example>\0PRDR\0") == b"c"
            for rcpt, *options in rcpts:
                assert m.command(b"R", b"\0".join([f"<{rcpt}>".encode(), *options, b""])) == b"c", rcpt
            m.header(b"From", b" <ceo@bank.example>")
            m.header(b"Subject", b" " + mark)
            return m.end(), m.edits
    answer, edits = ends(b"p-prdr1", [("open@local.test",), ("strict@local.test",),
                                      ("jail@local.test", b"NOTIFY=NEVER")])
    assert answer == b"c", answer
    assert [(k, d) for k, d in edits if k in (b"-", b"+", b"2")] == [
        (b"-", b"<strict@local.test>\0"), (b"-", b"<jail@local.test>\0"),
        (b"2", b"<cell@local.test>\0NOTIFY=NEVER ORCPT=rfc822;jail@local.test\0")], edits
    answer, edits = ends(b"p-prdr2", [("strict@local.test",), ("strict2@local.test",)])
    assert answer.startswith(b"y550"), answer
    e2e.check_in(answer.decode(), "strict@local.test", "strict2@local.test", "\r\n550 5.7.26 ")
    answer, edits = ends(b"p-prdr3", [("hold@local.test",)])
    assert answer == b"c" and [k for k, _ in edits if k == b"q"], (answer, edits)


def conf(lab, *words):
    """(exit status, all that assayctl conf says)"""
    done = subprocess.run([os.path.join(os.path.dirname(lab.assayd_path), "../cli/assayctl"), "conf", *words, "--config",
                           lab.path("etc/assay.conf")], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@test
def conf_diff_knows_what_is_in_force(lab):
    configure(lab)
    status, said = conf(lab, "diff")
    assert status == 0 and "0 settings change, 0 names change" in said, said
    mode = os.stat(lab.path("assayd.in-force")).st_mode & 0o777
    assert mode == 0o600, oct(mode)
    files(lab, early='addresses = "early@local.test"; incoming: { mode = "monitor"; };',
          strict='addresses = ["strict@local.test"', added='domains = "added.test";')
    lab.assay_conf(policy={"directory": f'"{lab.path("etc/domains")}"'}, limits={"recipients": "77"},
                   dkim={"clock-skew": "60"}, top={"backlog": "9"})
    status, said = conf(lab, "diff")
    assert status == 1, said
    e2e.check_in(said, "early@local.test\n", "mode: monitor", "limits.recipients: 10000 -> 77", "dkim.clock-skew: 300 -> 60",
                 "backlog: the change needs a restart", "3 settings change, 1 names change")
    # A reload would keep what the broken file said; what is new says nothing yet.
    assert "strict@local.test\n--- before" not in said, said
    reload(lab)
    status, said = conf(lab, "diff")
    e2e.check_in(said, "1 settings change, 0 names change", "backlog")  # which a reload does not take over
    write(lab.path("etc/assay.conf"), "nonsense;\n")
    status, said = conf(lab, "diff")
    assert status == 2, said
    os.unlink(lab.path("etc/domains/added.conf"))
    configure(lab)


@test
def conf_diff_without_a_daemon(lab):
    configure(lab)
    lab.stop("assayd")
    assert not os.path.exists(lab.path("assayd.in-force"))
    status, said = conf(lab, "diff")
    lab.start_assayd()
    assert status == 2 and "no assayd runs with pid file" in said, said


def zones(lab):
    lab.sealer = Signer(lab.path("keys"), "list.example", "s1")
    lab.zone("list.example", [lab.sealer.zone_line()])
    lab.zone("bank.example", ['@ IN TXT "v=spf1 ip4:192.0.2.9 -all"', '_dmarc IN TXT "v=DMARC1; p=reject"'])
    lab.zone("example", [])


if __name__ == "__main__":
    e2e.zones = zones
    e2e.main(TESTS)
