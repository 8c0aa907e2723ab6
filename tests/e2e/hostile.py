#!/usr/bin/python3
"""A hostile MTA and a hostile name server against a running assayd.  Usage: hostile.py WORK ASSAYD [NAME...]

Speaks the milter protocol itself, so it can say what no MTA says.  After each attack an ordinary message must still
get its right answer, and the process must not have grown.  Needs root (assayd drops it), but no MTA and no network.
"""

import base64
import contextlib
import hashlib
import os
import re
import resource
import signal
import socket
import struct
import sys
import threading
import time
import traceback

import hostile_dns
from lab import Lab, LabError, read, wait_until

TESTS = []
RSS_MAX_MB = 300
FINAL = b"acrtdy"  # accept, continue, reject, tempfail, discard, replycode
ADDRESS = b"mail.sender.example\0004" + struct.pack("!H", 40000) + b"192.0.2.25\0"
BODY_HASH = base64.b64encode(hashlib.sha256(b"text\r\n").digest())
OFFER = struct.pack("!III", 6, 0x1ff, 0x1fffff)
NR_MAIL, NR_RCPT = 0x4000, 0x8000  # libmilter/mfdef.h


def test(function):
    TESTS.append(function)
    return function


class Milter:
    """One connection as an MTA's.  Nothing is waited for that assayd has negotiated not to answer."""

    def __init__(self, lab, negotiate=True, timeout=30):
        self.sock = socket.create_connection(("127.0.0.1", lab.milter_port), timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.edits = []
        if negotiate:
            self.send(b"O", OFFER)
            kind, wants = self.receive()
            assert kind == b"O", kind
            self.steps, = struct.unpack("!I", wants[8:12])

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    def raw(self, octets):
        self.sock.sendall(octets)

    def send(self, command, data=b""):
        self.raw(struct.pack("!I", len(data) + 1) + command + data)

    def exactly(self, n):
        octets = b""
        while len(octets) < n:
            more = self.sock.recv(n - len(octets))
            if not more:
                raise ConnectionError("closed by assayd")
            octets += more
        return octets

    def receive(self):
        size, = struct.unpack("!I", self.exactly(4))
        packet = self.exactly(size)
        return packet[:1], packet[1:]

    def answer(self):
        """The answer, without edits, which are kept."""
        while True:
            kind, data = self.receive()
            if kind in (b"i", b"h", b"m", b"q", b"e", b"+", b"-", b"2"):
                self.edits.append((kind, data))
            elif kind != b"p":
                return kind + data if kind == b"y" else kind

    def command(self, command, data):
        """Send MAIL or RCPT; the answer, or that to go on where there will be none."""
        self.send(command, data)
        return b"c" if self.steps & {b"M": NR_MAIL, b"R": NR_RCPT}[command] else self.answer()

    def begin(self, sender=b"ann@sender.example", helo=b"mail.sender.example", rcpts=1):
        self.send(b"C", ADDRESS)
        self.send(b"H", helo + b"\0")
        return self.envelope(sender, rcpts)

    def envelope(self, sender=b"ann@sender.example", rcpts=1):
        got = self.command(b"M", b"<" + sender + b">\0")
        for i in range(rcpts):
            got = self.command(b"R", b"<user%d@local.test>\0" % i)
        return got

    def header(self, name=b"From", value=b" Ann <ann@sender.example>"):
        self.send(b"L", name + b"\0" + value + b"\0")

    def end(self):
        self.edits = []
        self.send(b"E")
        return self.answer()

    def results(self):
        found = [d for kind, d in self.edits if kind == b"i" and b"Authentication-Results" in d]
        assert len(found) == 1, self.edits
        return found[0].replace(b"\n", b"").replace(b"\t", b" ")


def message(lab, sender=b"ann@sender.example", author=b"ann@sender.example", helo=b"mail.sender.example", extra=(),
            timeout=30):
    """A whole message.  (answer, results, seconds of the slowest command)"""
    with Milter(lab, timeout=timeout) as m:
        slowest = began = time.monotonic()
        m.begin(sender, helo)
        slowest = time.monotonic() - began
        m.header(b"From", b" <" + author + b">")
        for name, value in extra:
            m.header(name, value)
        m.send(b"B", b"text\r\n")
        began = time.monotonic()
        answer = m.end()
        slowest = max(slowest, time.monotonic() - began)
        return answer, m.results() if answer in (b"c", b"a") else b"", slowest


def check_alive(lab):
    answer, results, _ = message(lab)
    assert answer == b"c", answer
    assert b"spf=pass" in results and b"smtp.mailfrom=ann@sender.example" in results, results


def until_alive(lab):
    def alive():
        with contextlib.suppress(OSError, AssertionError):
            check_alive(lab)
            return True
        return False
    wait_until("an ordinary message's answer", alive, 20)


def rss_mb(lab):
    return sum(int(read(f"/proc/{pid}/status").split("VmRSS:")[1].split()[0]) for pid in lab.workers()) // 1024


def left_alone(m):
    """Nothing came, or the connection was closed: both are fine, an answer is not needed."""
    m.sock.settimeout(0.3)
    with contextlib.suppress(OSError):
        while m.sock.recv(65536):
            pass


# --- the milter protocol ---------------------------------------------------------------------------

@test
def lengths_that_lie(lab):
    for head in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\1", b"\0\x10\0\0"):
        for tail in (b"", b"M", b"M<a@b>\0", os.urandom(2000)):
            with Milter(lab) as m:
                m.raw(head + tail)
                left_alone(m)


@test
def cut_off_at_every_octet(lab):
    whole = b"".join(struct.pack("!I", len(d) + 1) + c + d for c, d in (
        (b"O", OFFER), (b"D", b"Cj\0mx.test\0"), (b"C", ADDRESS), (b"H", b"mail.sender.example\0"),
        (b"M", b"<ann@sender.example>\0"), (b"R", b"<user@local.test>\0"), (b"L", b"From\0 ann@sender.example\0"),
        (b"B", b"text\r\n"), (b"E", b"")))
    for n in range(len(whole)):
        with Milter(lab, negotiate=False) as m:
            m.raw(whole[:n])


@test
def every_order_of_two(lab):
    events = {b"C": ADDRESS, b"H": b"x\0", b"M": b"<ann@sender.example>\0", b"R": b"<user@local.test>\0", b"T": b"",
              b"L": b"From\0 a@sender.example\0", b"N": b"", b"B": b"x", b"E": b"", b"A": b"", b"U": b"FOO\0",
              b"K": b"", b"O": OFFER, b"D": b"Mi\0Q1\0", b"Q": b""}
    for first, first_data in events.items():
        for second, second_data in events.items():
            with Milter(lab) as m, contextlib.suppress(OSError):
                m.send(first, first_data)
                m.send(second, second_data)
                m.sock.settimeout(0.01)
                m.sock.recv(4096)


@test
def data_without_its_ends(lab):
    for command in (b"C", b"H", b"M", b"R", b"L", b"D", b"U", b"O", b"B", b"E", b"Z", b"\0", b"\xff"):
        for data in (b"", b"\0", b"\0\0\0", b"no end", b"\xff" * 100, b"a\0b", b"x\0004", b"x\0006\0\1bad address\0",
                     b"x\0" + b"L/var/run\0", b"x\0U"):
            with Milter(lab) as m, contextlib.suppress(OSError):
                if command not in b"COH":
                    m.begin()
                m.send(command, data)
                m.sock.settimeout(0.02)
                m.sock.recv(4096)


@test
def old_and_odd_negotiations(lab):
    for version, actions, steps in ((2, 0x3f, 0x7f), (6, 0, 0), (6, 0x1ff, 0), (99, 0xffffffff, 0xffffffff), (0, 0, 0)):
        with Milter(lab, negotiate=False) as m, contextlib.suppress(OSError):
            m.send(b"O", struct.pack("!III", version, actions, steps))
            m.sock.settimeout(0.2)
            m.sock.recv(4096)
    with Milter(lab, negotiate=False) as m, contextlib.suppress(OSError):
        m.send(b"O", b"\0")
        m.sock.recv(4096)


@test
def thousands_of_macros(lab):
    with Milter(lab) as m:
        for stage in b"CHMRE":
            m.send(b"D", bytes([stage]) + b"".join(b"{m%d}\0%d\0" % (i, i) for i in range(5000)))
        assert m.begin() == b"c"
        for i in range(2000):
            m.send(b"D", b"Li\0ID%d\0" % i)
        m.header()
        assert m.end() == b"c"


@test
def hundred_thousand_fields(lab):
    with Milter(lab) as m:
        m.begin()
        for i in range(100000):
            m.header(b"X-%d" % i, b" x")
        assert m.end().startswith(b"y552 5.3.4"), "a header beyond the limit is not refused"
        assert m.envelope() == b"c"
        m.header()
        assert m.end() == b"c"
        assert b"spf=pass" in m.results()


@test
def large_fields(lab):
    for size in (60000, 65000, 1000000):
        with Milter(lab) as m:
            m.begin()
            m.header()
            try:
                m.header(b"X-Large", b" " + b"x" * size)
                answer = m.end()
            except OSError:
                continue  # libmilter takes packets of at most 1 MB
            assert answer in (b"c",) or answer.startswith(b"y552"), answer


@test
def fields_with_nul_and_odd_names(lab):
    with Milter(lab) as m, contextlib.suppress(ConnectionError):  # libmilter wants two texts
        m.begin()
        m.send(b"L", b"From\0 Ann\0 <ann@sender.example>\0")
        m.end()
    with Milter(lab) as m:
        m.begin()
        for name in (b" ", b"From ", b"From:", b"A" * 5000, b"\xff\xfe", b"a\nb", b"Authentication-Results ", b"\t"):
            m.header(name, b" mx.assay.example; spf=pass")
        m.header()
        assert m.end() == b"c"


@test
def many_recipients(lab):
    with Milter(lab, timeout=60) as m:
        last = m.begin(rcpts=10000)
        assert last == b"c", last
        m.command(b"R", b"<one@local.test>\0")
        m.header()
        assert m.end().startswith(b"y550 5.5.3")


@test
def thousand_half_open(lab):
    with contextlib.ExitStack() as all_of_them:
        crowd = [all_of_them.enter_context(Milter(lab, negotiate=i % 2 == 0)) for i in range(1000)]
        for m in crowd[::4]:
            m.begin()
        check_alive(lab)
        for m in crowd[:4:100]:
            m.raw(b"\0\0")
        check_alive(lab)


@test
def octet_by_octet(lab):
    with Milter(lab, timeout=60) as m:
        m.send(b"C", ADDRESS)
        for octet in struct.pack("!I", 22) + b"M<ann@sender.example>\0":
            m.raw(bytes([octet]))
            time.sleep(0.01)
        m.command(b"R", b"<user@local.test>\0")
        m.header()
        for _ in range(200):
            m.send(b"B", b"x")
        assert m.end() == b"c"


@test
def abort_storm(lab):
    with Milter(lab) as m:
        assert m.begin() == b"c"
        for _ in range(3000):
            m.send(b"A")
        assert m.envelope() == b"c"
        for i in range(500):
            m.header()
            m.send(b"A")
            m.send(b"A")
            assert m.envelope(b"ann@n%d.silence.example" % (i % 5)) == b"c"
        m.send(b"A")
        assert m.envelope() == b"c"
        m.header()
        assert m.end() == b"c"
        assert b"spf=pass" in m.results()


@test
def large_body(lab):
    signature = (b" v=1; a=rsa-sha256; d=sender.example; s=s; h=from; c=relaxed/relaxed;"
                 b" bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=AAAA")
    before = rss_mb(lab)
    for extra in ((), ((b"DKIM-Signature", signature),)):
        with Milter(lab, timeout=120) as m:
            m.begin()
            m.header()
            for name, value in extra:
                m.header(name, value)
            chunk = b" \t\r\n" * 16000
            for _ in range(200 * 1000 * 1000 // len(chunk)):
                m.send(b"B", chunk)
            assert m.end() == b"c"
    assert rss_mb(lab) < before + 100, f"{before} MB before, {rss_mb(lab)} MB now"


@test
def gone_while_dns_is_asked(lab):
    for i in range(50):
        with Milter(lab) as m:
            m.begin(b"ann@x%d.silence.example" % i)
            m.header(b"From", b" ann@y%d.silence.example" % i)
            m.send(b"E")


# --- descriptors, name servers ---------------------------------------------------------------------

@test
def no_descriptors_left(lab):
    """A hard limit that assayd cannot raise, and more connections than it allows."""
    lab.stop("assayd")
    lab.wrapper = ["prlimit", "--nofile=80:80"]
    try:
        lab.start_assayd()
        check_alive(lab)
        with contextlib.ExitStack() as all_of_them:
            for _ in range(200):
                all_of_them.enter_context(Milter(lab, negotiate=False))
            time.sleep(1)
        until_alive(lab)
    finally:
        lab.wrapper = []
        lab.stop("assayd")
        lab.start_assayd()


@test
def silent_resolver(lab):
    lab.dns.mute = True
    try:
        answer, results, seconds = message(lab, b"ann@mute1.example", b"ann@mute2.example")
    finally:
        lab.dns.mute = False
    assert seconds < 20, seconds
    assert answer == b"c" and b"spf=temperror" in results and b"dmarc=temperror" in results, results


WRONG = ("silence", "servfail", "truncated", "wrongid", "large", "many", "loop", "chain", "forever", "nul", "eight",
         "recursive", "short", "pointer", "greedy", "drip", "trickle")


@test
def answers_that_are_wrong(lab):
    wrong = []

    def one(kind):
        domain = kind.encode() + b".example"
        signature = b" v=1; a=rsa-sha256; d=%s; s=s; h=from; bh=%s; b=AAAA" % (domain, BODY_HASH)
        before = sum(n for name, n in lab.dns.seen.items() if name.endswith(kind + ".example"))
        try:
            answer, results, seconds = message(lab, b"ann@" + domain, b"ann@" + domain, domain,
                                               ((b"DKIM-Signature", signature),), 60)
        except (OSError, AssertionError) as problem:
            wrong.append(f"{kind}: {problem!r}")
            return
        asked = sum(n for name, n in lab.dns.seen.items() if name.endswith(kind + ".example")) - before
        if answer != b"c" or seconds > 20 or asked > 100 * (4 if kind == "silence" else 2) or b"=pass" in results:
            wrong.append(f"{kind}: {answer!r} after {seconds:.1f} s and {asked} questions: {results!r}")
        said = " ".join(re.findall(r"(?:spf|dkim|dmarc)=\w+", results.decode("latin-1")))
        print(f"      {kind}: {said} ({seconds:.1f} s, {asked} questions)", flush=True)
    threads = [threading.Thread(target=one, args=(kind,)) for kind in WRONG]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, "\n".join(wrong)


@test
def victim_stays_rejected(lab):
    """What a stranger publishes must not make dmarc=fail of somebody else anything better."""
    for kind in ("greedy", "drip", "trickle", "silence", "servfail", "many"):
        domain = b"v." + kind.encode() + b".example"
        for sender, helo in ((b"ann@" + domain, domain), (b"ann@victim.example", domain)):
            answer, results, seconds = message(lab, sender, b"ceo@victim.example", helo, timeout=60)
            assert b"dmarc=fail" in results and seconds < 20, (kind, answer, results, seconds)


@test
def kill_of_the_worker(lab):
    os.kill(lab.workers()[0], signal.SIGKILL)
    until_alive(lab)


# ---------------------------------------------------------------------------------------------------

class SmallLab(Lab):
    """assayd alone: nothing is downloaded."""

    def unpack(self):
        os.makedirs(self.log_dir, exist_ok=True)
        os.chmod(self.work, 0o755)


def attack(lab, function):
    workers = lab.workers() if function not in (kill_of_the_worker, no_descriptors_left) else None
    function(lab)
    check_alive(lab)
    assert rss_mb(lab) < RSS_MAX_MB, f"{rss_mb(lab)} MB"
    assert workers is None or lab.workers() == workers, "a worker died: see the log"
    for bad in ("AddressSanitizer", "LeakSanitizer", "runtime error:", "Assertion"):
        assert bad not in lab.assayd_log(), bad


def run(lab, wanted):
    passed, failed = 0, 0
    for function in TESTS:
        if wanted and function.__name__ not in wanted:
            continue
        before, began = len(lab.assayd_log()), time.monotonic()
        try:
            attack(lab, function)
        except Exception:  # any failure of a test is a failed test
            failed += 1
            print(f"FAIL  {function.__name__}\n{traceback.format_exc()}\n"
                  f"assayd said meanwhile:\n{lab.assayd_log()[before:][-4000:]}", flush=True)
        else:
            passed += 1
            print(f"ok    {function.__name__} ({time.monotonic() - began:.1f} s, {rss_mb(lab)} MB)", flush=True)
    return passed, failed


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=16")  # else what is freed counts for long
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    try:
        with SmallLab(sys.argv[1], sys.argv[2], print) as lab, hostile_dns.Server(lab.dns_port) as lab.dns:
            lab.assay_conf(dns={"timeout": "5000"})
            lab.start_assayd()
            passed, failed = run(lab, sys.argv[3:])
            status = lab.stop("assayd")
            if status != 0:
                failed += 1
                print(f"FAIL  the end: status {status}\n{lab.assayd_log()[-3000:]}")
    except LabError as problem:
        sys.exit(f"hostile: {problem}")
    print(f"hostile: {passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
