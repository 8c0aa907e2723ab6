#!/usr/bin/python3
"""SRS against the others: postsrsd, Mail::SRS and Exim of Debian, both ways, same secret, fixed clock.

Usage: srs_peers.py WORK ASSAYCTL [NAME...]

The packages are downloaded and unpacked below WORK, never installed; no root is needed.  Prints a line for each
test and closes with "N passed, N failed".  Exit status 77, and a line that says why, when they cannot be had.
"""

import glob
import os
import socket
import subprocess
import sys
import time
import traceback
import urllib.parse

from lab import LabError, download, free_port, is_listening, wait_until, write

PACKAGES = ["postsrsd", "libmail-srs-perl", "libdigest-hmac-perl", "exim4-daemon-light", "libidn12",
            "libgnutls-dane0", "libunbound8", "libfaketime", "libnss-wrapper"]
SECRET, OLD_SECRET, DOMAIN = "tops3cr3t", "an-older-one", "srs.test"
DAY = 86400
NOW = 1700000000
SENDERS = ["ann@sender.example", "Ann.B@Sender.Example", "a+b@sender.example", "a=b=c@sender.example",
           "bounce-1=x.example@list.example", "prvs=0123abcdef=u@sender.example", "u3@sender.example",
           "u14@sender.example", "o'neill@sender.example", "a/b_c-d@sub.sender.example", "x@a-b.example"]
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Skipped(Exception):
    """Why nothing can be tried."""


class Peers:
    """assayctl and the others, each asked for one address at one time."""

    def __init__(self, work, assayctl):
        self.work, self.assayctl = os.path.abspath(work), os.path.abspath(assayctl)
        self.root = os.path.join(self.work, "root")
        self.unpack()
        self.secrets = write(os.path.join(self.work, "secrets"), f"{SECRET}\n{OLD_SECRET}\n")
        os.chmod(self.secrets, 0o600)
        self.exim_conf = write(os.path.join(self.work, "exim.conf"), "")
        self.passwd = self.with_line("passwd", "Debian-exim:x:64000:64000::/nonexistent:/usr/sbin/nologin\n")
        self.group = self.with_line("group", "Debian-exim:x:64000:\n")
        self.lib = glob.glob(os.path.join(self.root, "usr/lib/*-linux-gnu"))[0]

    def unpack(self):
        debs = os.path.join(self.work, "debs")
        try:
            download(PACKAGES, debs, lambda text: print(text, flush=True))
        except LabError as why:
            raise Skipped(why) from why
        for package in PACKAGES:
            deb = glob.glob(os.path.join(debs, f"{package}_*.deb"))[0]
            subprocess.run(["dpkg", "-x", deb, self.root], check=True)
        os.chmod(os.path.join(self.root, "usr/sbin/exim4"), 0o755)  # it need not be setuid to expand a string

    def with_line(self, name, line):
        with open("/etc/" + name, encoding="utf-8", errors="surrogateescape") as f:
            return write(os.path.join(self.work, name), f.read() + line)

    def environment(self, now):
        """As if it were then.  Exim wants an account of its own to exist, so it sees one."""
        preload = [self.lib + "/libnss_wrapper.so", self.lib + "/faketime/libfaketime.so.1"]
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
        return dict(os.environ, LD_LIBRARY_PATH=self.lib, LD_PRELOAD=":".join(preload), TZ="UTC", FAKETIME=at,
                    NSS_WRAPPER_PASSWD=self.passwd, NSS_WRAPPER_GROUP=self.group)

    def run(self, now, *command):
        done = subprocess.run(command, env=self.environment(now), text=True, capture_output=True, check=False,
                              timeout=60)
        if done.returncode != 0:
            raise LabError(f"{command}: status {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout.rstrip("\n")

    def assay(self, verb, address, now, scheme="libsrs2"):
        """The address, or a word that says why not."""
        done = subprocess.run([self.assayctl, "srs", verb, "--domain", DOMAIN, "--secrets", self.secrets,
                               "--scheme", scheme, "--time", str(now), address],
                              text=True, capture_output=True, check=False, timeout=60)
        return done.stdout.rstrip("\n") or done.stderr.split(":")[0].strip()

    def perl(self, verb, address, now, domain=DOMAIN):
        code = """
            use Mail::SRS;
            my $srs = Mail::SRS->new(Secret => ["%s", "%s"], MaxAge => 21, HashLength => 4, HashMin => 4);
            my $r = eval { $ARGV[0] eq "forward" ? $srs->forward($ARGV[1], $ARGV[2]) : $srs->reverse($ARGV[1]) };
            print defined $r ? $r : "no: $@";
        """ % (SECRET, OLD_SECRET)
        return self.run(now, "perl", "-I", self.root + "/usr/share/perl5", "-e", code, verb, address, domain)

    def exim(self, now, expansion):
        return self.run(now, self.root + "/usr/sbin/exim4", "-C", self.exim_conf, "-be", expansion)

    def exim_forward(self, address, now, domain=DOMAIN):
        return self.exim(now, "${srs_encode {%s}{%s}{%s}}" % (SECRET, address, domain))

    def exim_reverse(self, address, now):
        """As a router does: of a quoted local part it sees what is within the quotes."""
        local = address.rpartition("@")[0].strip('"')
        return self.exim(now, "${if inbound_srs {%s}{%s}{$srs_recipient}{no}}" % (local, SECRET))

    def postsrsd(self, now):
        return Postsrsd(self, now)


class Postsrsd:
    """with peers.postsrsd(now) as p: p.ask("forward", address)"""

    def __init__(self, peers, now):
        self.port = {"forward": free_port(), "reverse": free_port()}
        self.process = subprocess.Popen(
            [peers.root + "/usr/sbin/postsrsd", "-4", "-s", peers.secrets, "-d", DOMAIN, "-f", str(self.port["forward"]),
             "-r", str(self.port["reverse"]), "-A"],
            env=peers.environment(now), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        try:
            wait_until("postsrsd to listen", lambda: all(is_listening(p) for p in self.port.values()))
        except LabError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait(15)

    def ask(self, verb, address):
        """tcp_table(5): "get KEY" -> "200 VALUE"."""
        with socket.create_connection(("127.0.0.1", self.port[verb]), 10) as s, s.makefile("rw", newline="\n") as f:
            f.write("get " + urllib.parse.quote(address, safe="@=+-._/'") + "\n")
            f.flush()
            code, _, value = f.readline().rstrip("\r\n").partition(" ")
        return urllib.parse.unquote(value) if code == "200" else "no: " + value


def equal(got, want, what=""):
    assert got == want, f"{what}: got {got!r}, want {want!r}"


@test
def postsrsd_writes_what_we_write(p):
    with p.postsrsd(NOW) as peer:
        for sender in SENDERS:
            equal(peer.ask("forward", sender), p.assay("forward", sender, NOW), sender)


@test
def postsrsd_and_we_read_each_other(p):
    with p.postsrsd(NOW + 3 * DAY) as peer:
        for sender in SENDERS:
            equal(peer.ask("reverse", p.assay("forward", sender, NOW)), sender, "postsrsd reads")
            equal(p.assay("reverse", peer.ask("forward", sender), NOW + 5 * DAY), sender, "we read")
            folded = p.assay("forward", sender, NOW).lower()
            equal(p.assay("reverse", folded, NOW), sender.lower(), "we read, folded")
            equal(peer.ask("reverse", folded), sender.lower(), "postsrsd reads, folded")


@test
def postsrsd_and_we_chain(p):
    hops = ["SRS0=HHHH=G3=sender.example=ann@fwd.example", "SRS0+HHHH=G3=sender.example=ann@fwd.example",
            "SRS0-HHHH=G3=sender.example=a=b@fwd.example", "SRS1=XXXX=fwd.example==HHHH=G3=s.example=ann@third.example",
            "SRS1+XXXX=fwd.example=+HHHH=G3=s.example=ann@third.example"]
    with p.postsrsd(NOW) as peer:
        for hop in hops:
            ours, theirs = p.assay("forward", hop, NOW), peer.ask("forward", hop)
            equal(theirs, ours, hop)
            equal(p.assay("reverse", theirs, NOW), peer.ask("reverse", ours), hop)


@test
def mail_srs_and_we(p):
    for sender in SENDERS[:6]:
        ours, theirs = p.assay("forward", sender, NOW), p.perl("forward", sender, NOW)
        equal(theirs, ours, sender)
        equal(p.perl("reverse", ours, NOW + 2 * DAY), sender)
        equal(p.assay("reverse", theirs, NOW + 2 * DAY), sender)
    first = p.perl("forward", "ann@sender.example", NOW, "fwd.example")
    second = p.assay("forward", first, NOW)
    equal(p.perl("forward", first, NOW), second, "SRS1")
    equal(p.assay("reverse", second, NOW), first, "back to the first")
    equal(p.perl("reverse", second, NOW), first, "back to the first, by Mail::SRS")
    third = p.perl("forward", second, NOW, "third.example")
    fourth = p.assay("forward", third, NOW)
    equal(fourth, "SRS1=" + fourth.split("=")[1] + "=fwd.example=" + first.rpartition("@")[0][4:] + "@" + DOMAIN)
    equal(p.assay("reverse", fourth, NOW), first, "from the fourth hop to the first")


@test
def our_srs0_wrapped_by_another_comes_home(p):
    ours = p.assay("forward", "ann@sender.example", NOW)
    theirs = p.perl("forward", ours, NOW, "other.example")
    again = p.assay("forward", theirs, NOW)
    assert again.startswith("SRS1="), again
    equal(p.assay("reverse", again, NOW), "ann@sender.example")


@test
def days_wrap_as_theirs_do(p):
    for day in (1023, 1024, 18 * 1024 - 1, 18 * 1024, 18 * 1024 + 21):
        then = day * DAY + 100
        written = p.assay("forward", "ann@sender.example", then)
        equal(p.perl("forward", "ann@sender.example", then), written, f"day {day}")
        by_exim = p.exim_forward("ann@sender.example", then)
        equal(by_exim, p.assay("forward", "ann@sender.example", then, "exim"), f"day {day}")
        for age, taken in ((0, True), (21, True), (22, False)):
            want = "ann@sender.example" if taken else "expired"
            equal(p.assay("reverse", written, then + age * DAY), want, f"day {day}, {age} later")
            refused = p.perl("reverse", written, then + age * DAY).startswith("no")
            equal(refused, not taken, f"Mail::SRS, {day}, {age} later")
        tomorrow = p.assay("forward", "ann@sender.example", then + DAY)
        equal(p.assay("reverse", tomorrow, then), "expired", "of tomorrow")
        equal(p.perl("reverse", tomorrow, then)[:3], "no:", "of tomorrow, Mail::SRS")


@test
def older_secret_still_reads(p):
    code = 'print Mail::SRS->new(Secret => "%s")->forward("ann\\@sender.example", "%s")' % (OLD_SECRET, DOMAIN)
    old = p.run(NOW, "perl", "-I", p.root + "/usr/share/perl5", "-MMail::SRS", "-e", code)
    assert old != p.assay("forward", "ann@sender.example", NOW)
    equal(p.assay("reverse", old, NOW), "ann@sender.example")


@test
def exim_writes_what_we_write(p):
    for sender in [*SENDERS, '"john doe"@sender.example', "SRS0=abcd=g3=first.example=ann@other.example"]:
        equal(p.exim_forward(sender, NOW), p.assay("forward", sender, NOW, "exim"), sender)


@test
def exim_and_we_read_each_other(p):
    for sender in [*SENDERS, '"john doe"@sender.example', '"john"@sender.example']:
        ours = p.assay("forward", sender, NOW, "exim")
        # Exim quotes again only what needs it.
        by_exim = "john@sender.example" if sender == '"john"@sender.example' else sender.lower()
        equal(p.exim_reverse(ours, NOW + 10 * DAY), by_exim, "Exim reads")
        equal(p.assay("reverse", p.exim_forward(sender, NOW), NOW + 10 * DAY, "exim"), sender, "we read")
        equal(p.exim_reverse(ours, NOW + 11 * DAY), "no", "Exim, 11 days")
        equal(p.assay("reverse", ours, NOW + 11 * DAY, "exim"), "expired", "we, 11 days")


@test
def the_schemes_do_not_mix(p):
    equal(p.assay("reverse", p.exim_forward("ann@sender.example", NOW), NOW), "forged")
    equal(p.exim_reverse(p.assay("forward", "ann@sender.example", NOW), NOW), "no")


@test
def forged_ones_are_refused_by_all(p):
    ours = p.assay("forward", "ann@sender.example", NOW)
    forged = ours.replace("=ann@", "=bob@")
    equal(p.assay("reverse", forged, NOW), "forged")
    equal(p.perl("reverse", forged, NOW)[:3], "no:")
    with p.postsrsd(NOW) as peer:
        equal(peer.ask("reverse", forged)[:3], "no:")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        peers = Peers(sys.argv[1], sys.argv[2])
    except Skipped as why:
        print(f"srs_peers: skipped: {why}")
        sys.exit(77)
    passed, failed = 0, 0
    for function in TESTS:
        if sys.argv[3:] and function.__name__ not in sys.argv[3:]:
            continue
        began = time.monotonic()
        try:
            function(peers)
        except Exception:  # any failure of a test is a failed test
            failed += 1
            print(f"FAIL  {function.__name__}\n{traceback.format_exc()}", flush=True)
        else:
            passed += 1
            print(f"ok    {function.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
    print(f"srs_peers: {passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
