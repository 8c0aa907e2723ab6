#!/usr/bin/python3
"""End to end: real Postfix, real DNS, mail signed by others.  Usage: e2e.py WORK ASSAYD [NAME...]

Prints a line for each test and closes with "N passed, N failed".
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback

from lab import Lab, LabError, header_fields, is_listening, read, wait_until, write
from mailkit import Signer, letter

TESTS = []


def register(tests):
    """A decorator that appends to that list."""
    def decorator(function):
        tests.append(function)
        return function
    return decorator


test = register(TESTS)


def results(lab, mark):
    """The Authentication-Results of our id in the delivered message."""
    fields = header_fields(lab.delivered(mark), "Authentication-Results")
    ours = [f for f in fields if f.lower().startswith("mx.assay.example;")]
    assert len(ours) == 1, f"{len(ours)} fields of ours: {fields}"
    return ours[0]


def check_in(text, *wanted):
    for w in wanted:
        assert w in text, f"{w!r} is not in {text!r}"


def check_not_in(text, *unwanted):
    for w in unwanted:
        assert w not in text, f"{w!r} is in {text!r}"


def sent(lab, *args, **kwargs):
    code, text = lab.send(*args, **kwargs)
    assert code == 250, f"reply {code} {text}"
    return text


@test
def spf_pass_is_stamped_on_top(lab):
    sent(lab, letter("t-spf-pass"), "ann@sender.example", "user@local.test", "192.0.2.25")
    check_in(results(lab, "t-spf-pass"), "spf=pass", "smtp.mailfrom=ann@sender.example")
    head = lab.delivered("t-spf-pass").decode().split("\n\n")[0]
    first = [line for line in head.split("\n") if ":" in line.split(" ")[0]]
    names = [line.split(":")[0] for line in first]
    assert names.index("Authentication-Results") < names.index("Received"), names
    ours = head[head.index("Authentication-Results"):head.index("Received:")].rstrip().split("\n")
    assert all(len(line.expandtabs()) < 78 for line in ours), ours


@test
def spf_fail(lab):
    sent(lab, letter("t-spf-fail"), "ann@sender.example", "user@local.test", "198.51.100.66")
    check_in(results(lab, "t-spf-fail"), "spf=fail", "smtp.mailfrom=ann@sender.example")


@test
def spf_by_ipv6(lab):
    sent(lab, letter("t-spf6"), "ann@six.example", "user@local.test", "2001:db8::25")
    check_in(results(lab, "t-spf6"), "spf=pass", "smtp.mailfrom=ann@six.example")
    sent(lab, letter("t-spf6-fail"), "ann@six.example", "user@local.test", "2001:db8:1::25")
    check_in(results(lab, "t-spf6-fail"), "spf=fail")


@test
def null_sender_is_judged_by_helo(lab):
    sent(lab, letter("t-null"), "<>", "user@local.test", "192.0.2.25", helo="mail.sender.example")
    check_in(results(lab, "t-null"), "spf=pass", "mail.sender.example")


@test
def nothing_at_all(lab):
    sent(lab, letter("t-none", "bob@plain.example"), "bob@plain.example", "user@local.test", "203.0.113.7")
    check_in(results(lab, "t-none"), "spf=none", "dkim=none")


@test
def dkim_rsa_and_ed25519(lab):
    for name, signer in lab.signers.items():
        for c in ((b"relaxed", b"relaxed"), (b"simple", b"simple"), (b"simple", b"relaxed")):
            mark = f"t-dkim-{name}-{c[0].decode()}-{c[1].decode()}"
            body = "Two  spaces\t\nand trailing \t\n\n\nempty lines\n\n\n"
            sent(lab, signer.sign(letter(mark, body=body), canonicalize=c), "ann@sender.example", "user@local.test",
                 "192.0.2.25")
            check_in(results(lab, mark), "dkim=pass", "header.d=sender.example", f"header.s={name}")


@test
def two_signatures_two_results(lab):
    message = lab.signers["ed"].sign(lab.signers["rsa"].sign(letter("t-two")))
    sent(lab, message, "ann@sender.example", "user@local.test", "192.0.2.25")
    text = results(lab, "t-two")
    assert text.count("dkim=pass") == 2, text


@test
def tampered_body(lab):
    message = lab.signers["rsa"].sign(letter("t-body")).replace(b"all is well", b"all is lost")
    sent(lab, message, "ann@sender.example", "user@local.test", "192.0.2.25")
    check_in(results(lab, "t-body"), "dkim=fail", "header.d=sender.example")


@test
def tampered_header(lab):
    message = lab.signers["rsa"].sign(letter("t-head")).replace(b"Subject: t-head", b"Subject: t-head now")
    sent(lab, message, "ann@sender.example", "user@local.test", "192.0.2.25")
    check_in(results(lab, "t-head"), "dkim=fail", "header.d=sender.example")


@test
def signature_without_key(lab):
    message = lab.signers["rsa"].sign(letter("t-nokey")).replace(b"s=rsa", b"s=gone")
    sent(lab, message, "ann@sender.example", "user@local.test", "192.0.2.25")
    check_in(results(lab, "t-nokey"), "dkim=permerror")


@test
def large_body(lab):
    body = "".join(f"line {i} " + "x" * 60 + "\n" for i in range(30000))
    sent(lab, lab.signers["rsa"].sign(letter("t-large", body=body)), "ann@sender.example", "user@local.test",
         "192.0.2.25")
    check_in(results(lab, "t-large"), "dkim=pass")


@test
def dns_servfail_is_temperror(lab):
    message = Signer(lab.path("keys"), "broken.example", "any").sign(letter("t-servfail", "ann@broken.example"))
    sent(lab, message, "ann@broken.example", "user@local.test", "192.0.2.25")
    check_in(results(lab, "t-servfail"), "spf=temperror", "dkim=temperror")


@test
def dns_silence_is_temperror_in_time(lab):
    message = lab.late.sign(letter("t-silent", "ann@late.example"))
    nsd = lab.processes["nsd"]
    os.killpg(nsd.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        sent(lab, message, "ann@late.example", "user@local.test", "192.0.2.25")
        took = time.monotonic() - began
    finally:
        os.killpg(nsd.pid, signal.SIGCONT)
    assert took < 20, f"{took:.1f} s"
    check_in(results(lab, "t-silent"), "spf=temperror", "dkim=temperror")

    def heals():
        mark = f"t-silent-{time.monotonic():.1f}"
        sent(lab, lab.late.sign(letter(mark, "ann@late.example")), "ann@late.example", "user@local.test",
             "192.0.2.25")
        return "dkim=pass" in results(lab, mark)
    wait_until("DNS trouble to be forgotten", heals, 60)


@test
def forged_results_are_removed(lab):
    forged = ("Authentication-Results: mx.assay.example; dkim=pass header.d=bank.example\n"
              "authentication-results: MX.Assay.Example (really) 1; spf=pass\n"
              "Authentication-Results: (c)\n \"mx.assay.example\" ; dmarc=pass\n"
              "Authentication-Results: other.example; dkim=pass header.d=kept.example\n")
    sent(lab, letter("t-forged", "bob@plain.example", extra=forged), "bob@plain.example", "user@local.test",
         "203.0.113.7")
    text = results(lab, "t-forged")
    check_not_in(text, "bank.example")
    everything = "\n".join(header_fields(lab.delivered("t-forged"), "Authentication-Results"))
    check_in(everything, "kept.example")
    check_not_in(everything, "bank.example", "really", "dmarc=pass")


def three_messages_and_rset(lab, mark):
    with lab.client("192.0.2.25") as smtp:
        smtp.ehlo()
        for i in range(3):
            smtp.mail("eve@plain.example")
            smtp.rcpt("user@local.test")
            smtp.rset()
            assert smtp.mail("ann@sender.example")[0] == 250
            assert smtp.rcpt("user@local.test")[0] == 250
            assert smtp.data(letter(f"{mark}-{i}"))[0] == 250
    for i in range(3):
        check_in(results(lab, f"{mark}-{i}"), "spf=pass", "smtp.mailfrom=ann@sender.example")


@test
def several_messages_and_rset(lab):
    three_messages_and_rset(lab, "t-many")


@test
def with_answers_at_rcpt(lab):
    lab.stop("assayd")
    lab.assay_conf(top={"wait-at-rcpt": "true"})
    lab.start_assayd()
    try:
        three_messages_and_rset(lab, "t-answered")
    finally:
        lab.stop("assayd")
        lab.assay_conf()
        lab.start_assayd()


@test
def mail_from_this_host_is_not_judged_by_spf(lab):
    sent(lab, letter("t-internal"), "ann@sender.example", "user@local.test")
    check_not_in(results(lab, "t-internal"), "spf=")


@test
def sendmail_command(lab):
    done = subprocess.run([*lab.sendmail_command(), "-f", "ann@sender.example", "user@local.test"],
                          input=letter("t-cmd").encode(), env=lab.environment(), check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    check_in(results(lab, "t-cmd"), "dkim=none")


@test
def eight_bit_and_long_headers(lab):
    extra = "X-Raw: \xe9\xff\n".encode("latin-1") + b"X-Long: " + b"y" * 900 + b"\nX-Fold: a\n\tb\n  c\n"
    message = extra + letter("t-raw", "bob@plain.example").encode()
    sent(lab, message, "bob@plain.example", "user@local.test", "203.0.113.7")
    check_in(results(lab, "t-raw"), "dkim=none")


@test
def no_from_and_two_from(lab):
    sent(lab, "Subject: t-nofrom\n\nx\n", "bob@plain.example", "user@local.test", "203.0.113.7")
    results(lab, "t-nofrom")
    sent(lab, letter("t-2from", extra="From: x@sender.example\n"), "bob@plain.example", "user@local.test",
         "203.0.113.7")
    results(lab, "t-2from")


@test
def one_log_line_per_message(lab):
    sent(lab, letter("t-log"), "ann@sender.example", "user@local.test", "192.0.2.25")
    queue_id = lab.queue_id("t-log")
    wait_until("the verdict line", lambda: queue_id in lab.assayd_log())
    lines = [line for line in lab.assayd_log().splitlines() if queue_id in line]
    assert len(lines) == 1, lines
    check_in(lines[0], "spf=pass", "[192.0.2.25]", "verdict=")


@test
def monitoring_probe_does_no_harm(lab):
    import socket
    for noise in (b"", b"\0\0\0\1Q", b"\xff\xff\xff\xff", b"GET / HTTP/1.0\r\n\r\n", b"\0\0\0\5OXXX", b"\0\0\0\1E" * 9):
        with socket.create_connection(("127.0.0.1", lab.milter_port)) as s:
            s.sendall(noise)
    sent(lab, letter("t-probe"), "ann@sender.example", "user@local.test", "192.0.2.25")
    check_in(results(lab, "t-probe"), "spf=pass")


@test
def hup_under_traffic(lab):
    stop, failures, count = threading.Event(), [], [0]

    def traffic(n):
        while not stop.is_set():
            mark = f"t-hup-{n}-{count[0]}"
            count[0] += 1
            code, text = lab.send(letter(mark), "ann@sender.example", "user@local.test", "192.0.2.25")
            if code != 250:
                failures.append(f"{mark}: {code} {text}")
    threads = [threading.Thread(target=traffic, args=(n,)) for n in range(3)]
    for t in threads:
        t.start()
    for _ in range(20):
        lab.processes["assayd"].send_signal(signal.SIGHUP)
        time.sleep(0.1)
    stop.set()
    for t in threads:
        t.join()
    assert not failures, failures
    assert count[0] > 10, f"only {count[0]} messages"


@test
def hup_with_a_new_setting(lab):
    lab.assay_conf(spf={"received-spf": "true"})
    lab.processes["assayd"].send_signal(signal.SIGHUP)

    def stamped():
        mark = f"t-new-{time.monotonic():.2f}"
        sent(lab, letter(mark), "ann@sender.example", "user@local.test", "192.0.2.25")
        return header_fields(lab.delivered(mark), "Received-SPF")
    check_in(wait_until("the new setting", stamped)[0].lower(), "pass")
    lab.assay_conf()
    lab.processes["assayd"].send_signal(signal.SIGHUP)


@test
def hup_with_a_broken_file_changes_nothing(lab):
    path = lab.path("etc/assay.conf")
    before = len(lab.assayd_log())
    write(path, "dns: { tmeout = 5; };\n")
    lab.processes["assayd"].send_signal(signal.SIGHUP)
    wait_until("the mistake to be named", lambda: "assay.conf:1" in lab.assayd_log()[before:])
    check_in(lab.assayd_log()[before:], "timeout")
    sent(lab, letter("t-kept"), "ann@sender.example", "user@local.test", "192.0.2.25")
    check_in(results(lab, "t-kept"), "spf=pass")
    lab.assay_conf()
    lab.processes["assayd"].send_signal(signal.SIGHUP)


@test
def dmarc_pass_and_fail(lab):
    sent(lab, letter("t-dmarc-pass", "ann@strict.example"), "ann@strict.example", "user@local.test", "192.0.2.25")
    check_in(results(lab, "t-dmarc-pass"), "dmarc=pass", "header.from=strict.example")
    sent(lab, letter("t-dmarc-sub", "ann@sub.strict.example"), "ann@strict.example", "user@local.test", "192.0.2.25")
    check_in(results(lab, "t-dmarc-sub"), "dmarc=pass", "header.from=sub.strict.example")
    sent(lab, letter("t-dmarc-fail", "ann@strict.example"), "bob@plain.example", "user@local.test", "203.0.113.7")
    check_in(results(lab, "t-dmarc-fail"), "dmarc=fail", "header.from=strict.example")


@test
def history_for_opendmarc_import(lab):
    path = lab.path("history/dmarc.dat")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.chown(os.path.dirname(path), "nobody", "nogroup")
    lab.assay_conf(dmarc={"history-file": f'"{path}"'})
    lab.processes["assayd"].send_signal(signal.SIGHUP)

    def written():
        mark = f"t-history-{time.monotonic():.2f}"
        sent(lab, letter(mark, "ann@strict.example"), "ann@strict.example", "user@local.test", "192.0.2.25")
        return read(path)
    text = wait_until("the history", written)
    check_in(text, "\nfrom strict.example\n", "\nmfrom strict.example\n", "\nipaddr 192.0.2.25\n", "job ")
    os.rename(path, path + ".1")
    assert written().startswith("job "), "a renamed file is not followed"
    shutil.rmtree(os.path.dirname(path))
    before = len(lab.assayd_log())
    written()
    wait_until("a warning", lambda: "event=history-lost" in lab.assayd_log()[before:])
    lab.assay_conf()
    lab.processes["assayd"].send_signal(signal.SIGHUP)


@test
def second_instance_refuses(lab):
    done = subprocess.run([lab.assayd_path, "-f", "-c", lab.path("etc/assay.conf")], capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode != 0
    check_in(done.stderr, "another assayd is running", str(lab.processes["assayd"].pid))
    sent(lab, letter("t-second"), "ann@sender.example", "user@local.test", "192.0.2.25")


@test
def checks_its_configuration(lab):
    bad = write(lab.path("etc/bad.conf"), 'listen = "inet:1@127.0.0.1";\ndns: { timeout = -1; };\nspff: { };\n')
    done = subprocess.run([lab.assayd_path, "-n", "-c", bad], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1, done
    check_in(done.stderr, f"{bad}:2", f"{bad}:3", "spf")
    done = subprocess.run([lab.assayd_path, "-n", "-c", lab.path("etc/assay.conf")], capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode == 0, done


@test
def worker_killed_in_a_message(lab):
    with lab.client("192.0.2.25") as smtp:
        smtp.ehlo()
        smtp.mail("ann@sender.example")
        smtp.rcpt("user@local.test")
        assert smtp.docmd("DATA")[0] == 354
        smtp.sock.sendall(b"Subject: t-killed\r\n\r\nhalf")
        before = lab.workers()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        smtp.sock.sendall(b" and half\r\n.\r\n")
        code, text = smtp.getreply()
        assert 400 <= code < 500, (code, text)
    assert is_listening(lab.milter_port)
    sent(lab, letter("t-after"), "ann@sender.example", "user@local.test", "192.0.2.25")
    check_in(results(lab, "t-after"), "spf=pass")
    assert set(lab.workers()).isdisjoint(before)
    assert not lab.is_delivered("Subject: t-killed")


@test
def runs_without_root_rights(lab):
    for pid in lab.workers():
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            status = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
        assert "0" not in status["Uid"].split() + status["Gid"].split(), status["Uid"]
        assert status["Groups"].strip() == "", status["Groups"]
        assert status["NoNewPrivs"].strip() == "1"


@test
def term_finishes_open_messages(lab):
    with lab.client("192.0.2.25") as smtp:
        smtp.ehlo()
        smtp.mail("ann@sender.example")
        smtp.rcpt("user@local.test")
        assert smtp.docmd("DATA")[0] == 354
        time.sleep(0.5)  # Postfix shows the envelope at DATA: let assayd read it
        lab.processes["assayd"].send_signal(signal.SIGTERM)
        wait_until("the listener to close", lambda: not is_listening(lab.milter_port))
        smtp.sock.sendall(letter("t-term").replace("\n", "\r\n").encode() + b"\r\n.\r\n")
        code, text = smtp.getreply()
        assert code == 250, (code, text)
    check_in(results(lab, "t-term"), "spf=pass")
    assert lab.stop("assayd") == 0
    lab.start_assayd()


@test
def services_of_their_own(lab):
    """contrib/postfix/master.cf: own people's mail does not wait for assayd; what a filter brings back is not judged."""
    def by(port, mark):
        with lab.client(port=port) as smtp:
            smtp.ehlo()
            code, text = smtp.mail("ann@sender.example")
            if code == 250:
                smtp.rcpt("user@local.test")
                code, text = smtp.data(letter(mark))
            return code, text
    assert by(lab.open_port, "t-open")[0] == 250
    check_in(results(lab, "t-open"), "dkim=none")
    assert by(lab.filtered_port, "t-filtered")[0] == 250
    assert not header_fields(lab.delivered("t-filtered"), "Authentication-Results")
    lab.stop("assayd")
    try:
        code, text = by(lab.smtp_port, "t-shut")
        assert code == 451, (code, text)
        assert by(lab.open_port, "t-open-away")[0] == 250
        assert not header_fields(lab.delivered("t-open-away"), "Authentication-Results")
    finally:
        lab.start_assayd()


@test
def unix_socket_below_the_queue_directory(lab):
    lab.stop("assayd")
    lab.stop("postfix")
    path = lab.path("spool/assay/m.sock")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.chmod(os.path.dirname(path), 0o755)
    lab.assay_conf(listen=f'"unix:{path}"', top={"socket-owner": '"uucp"', "socket-group": '"nogroup"',
                                                 "socket-mode": '"0660"'})
    lab.start_assayd(lambda: os.path.exists(path))
    status = os.stat(path)
    assert status.st_mode & 0o777 == 0o660 and status.st_uid == 10, oct(status.st_mode)
    lab.start_postfix(milter="unix:assay/m.sock")  # as contrib/postfix/main.cf has it, but for the name
    sent(lab, letter("t-unix"), "ann@sender.example", "user@local.test", "192.0.2.25")
    check_in(results(lab, "t-unix"), "spf=pass")
    os.kill(lab.workers()[0], signal.SIGKILL)
    sent_after = wait_until("mail after a killed worker", lambda: lab.send(
        letter("t-unix2"), "ann@sender.example", "user@local.test", "192.0.2.25")[0] == 250, 5)
    assert sent_after
    assert lab.stop("assayd") == 0
    assert not os.path.exists(path), "the socket is left behind"


def zones(lab):
    keys = lab.path("keys")
    lab.signers = {"rsa": Signer(keys, "sender.example", "rsa"), "ed": Signer(keys, "sender.example", "ed", "ed25519")}
    lab.late = late = Signer(keys, "late.example", "late")
    lab.zone("sender.example", ['@ IN TXT "v=spf1 ip4:192.0.2.0/24 -all"', "@ IN A 192.0.2.25", "mail IN A 192.0.2.25",
                                'mail IN TXT "v=spf1 a -all"', *(s.zone_line() for s in lab.signers.values())])
    lab.zone("six.example", ['@ IN TXT "v=spf1 ip6:2001:db8::/64 -all"'])
    lab.zone("plain.example", ["@ IN A 203.0.113.7"])
    lab.zone("late.example", ['@ IN TXT "v=spf1 ip4:192.0.2.0/24 -all"', late.zone_line()])
    lab.zone("strict.example", ['@ IN TXT "v=spf1 ip4:192.0.2.0/24 -all"', '_dmarc IN TXT "v=DMARC1; p=reject"',
                                "@ IN A 192.0.2.25", "sub IN A 192.0.2.25"])
    lab.zone("broken.example", None)
    lab.zone("example", [])


def run(lab, wanted, tests):
    passed, failed = 0, 0
    for function in tests:
        if wanted and function.__name__ not in wanted:
            continue
        before = len(lab.assayd_log())
        began = time.monotonic()
        try:
            function(lab)
        except Exception:  # any failure of a test is a failed test
            failed += 1
            print(f"FAIL  {function.__name__}\n{traceback.format_exc()}\n"
                  f"assayd said meanwhile:\n{lab.assayd_log()[before:][-4000:]}", flush=True)
        else:
            passed += 1
            print(f"ok    {function.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
    return passed, failed


def main(tests=TESTS, **postfix):
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    wrapper = os.environ.get("ASSAYD_WRAPPER", "").split()
    try:
        with Lab(sys.argv[1], sys.argv[2], print, wrapper) as lab:
            zones(lab)
            lab.start_nsd()
            lab.assay_conf()
            lab.start_assayd()
            lab.start_postfix(**postfix)
            passed, failed = run(lab, sys.argv[3:], tests)
    except LabError as problem:
        sys.exit(f"e2e: {problem}")
    print(f"e2e: {passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
