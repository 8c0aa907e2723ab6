"""assayctl as a user meets it: words, files, exit status.  Usage: cli.py ASSAYCTL"""

import base64
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
import time
import traceback

import dkim

PASS, FAIL, USAGE, NOTHING, PERMERROR, TEMPERROR = range(6)
NOW = int(time.time())  # signatures are made now
FIELDS = "From: Ann <ann@example.org>\nTo: bob@example.net\nSubject: hello\n"
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class World:
    def __init__(self, assayctl, folder):
        self.assayctl, self.folder = assayctl, folder

    def run(self, *words, text=b"", cwd=None):
        done = subprocess.run([self.assayctl, *words], input=text, capture_output=True, cwd=cwd or self.folder,
                              check=False, timeout=60)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def path(self, name, content=None):
        path = os.path.join(self.folder, name)
        if content is not None:
            with open(path, "wb") as f:
                f.write(content if isinstance(content, bytes) else content.encode())
        return path

    def dns(self, *lines):
        return self.path("dns", "\n".join(lines) + "\n")

    def check(self, message, *words, dns=()):
        """check over standard input, DNS out of lines."""
        return self.run("check", "--fake-dns", self.dns(*dns), "--time", str(NOW), *words, "-", text=message)


def expect(found, wanted):
    assert found == wanted, f"{found!r}, not {wanted!r}"


def expect_in(text, *wanted):
    for w in wanted:
        assert w in text, f"{w!r} is not in {text!r}"


def record_of(line):
    """(name, text) of keygen's line, read as a zone file is."""
    assert re.fullmatch(r'\S+ IN TXT \((\n\t"[^"]{1,255}")+ \)\n', line), line
    assert max(map(len, line.split("\n"))) < 300
    return line.split()[0], "".join(re.findall(r'"([^"]*)"', line))


def keygen(world, *words, selector="sel", domain="example.org"):
    path = world.path(f"{selector}.pem")
    if os.path.exists(path):
        os.unlink(path)
    status, out, err = world.run("keygen", "--domain", domain, "--selector", selector, "--out", path, *words)
    expect(status, PASS)
    expect_in(err, path, "0600", domain)
    name, text = record_of(out)
    expect(name, f"{selector}._domainkey.{domain}.")
    return path, text


def sign(path, text, message, selector=b"sel", domain=b"example.org", **options):
    with open(path, "rb") as f:
        key = f.read()
    algorithm = b"rsa-sha256"
    if "k=ed25519" in text:
        algorithm = b"ed25519-sha256"
        key = base64.b64encode(base64.b64decode(b"".join(key.strip().split(b"\n")[1:-1]))[-32:])
    message = message.replace(b"\n", b"\r\n")
    return dkim.sign(message, selector, domain, key, signature_algorithm=algorithm,
                     include_headers=[b"from", b"to", b"subject"], **options) + message


@test
def keys_sign_and_their_records_verify(world):
    for words in ((), ("--bits", "3072"), ("--bits=4096",), ("--type", "ed25519"), ("--type=rsa",)):
        path, text = keygen(world, *words)
        expect(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        expect_in(text, "v=DKIM1; k=ed25519; p=" if "ed25519" in words else "v=DKIM1; k=rsa; p=")
        message = sign(path, text, (FIELDS + "\nHello.\n").encode())
        dns = [f'sel._domainkey.example.org TXT "{text}"']
        for form in (message, message.replace(b"\r\n", b"\n")):
            status, out, err = world.check(form, dns=dns)
            expect((status, err), (PASS, ""))
            expect_in(out, "dkim=pass", "header.d=example.org", "header.s=sel")
        expect_in(world.check(message.replace(b"Hello", b"Hallo"), dns=dns)[1], "dkim=fail")


@test
def a_key_is_never_overwritten(world):
    path = world.path("there.pem", "precious")
    status, out, err = world.run("keygen", "--domain", "example.org", "--selector", "x", "--out", path)
    expect((status, out), (USAGE, ""))
    expect_in(err, "is there already")
    with open(path, encoding="ascii") as f:
        expect(f.read(), "precious")
    os.symlink(world.path("nowhere"), world.path("link.pem"))
    expect(world.run("keygen", "--domain", "example.org", "--selector", "x", "--out", world.path("link.pem"))[0], USAGE)
    assert not os.path.exists(world.path("nowhere"))


@test
def names_of_keys(world):
    status, out, _ = world.run("keygen", "--domain", "B\u00fccher.Example", "--selector", "2026a")
    expect(status, PASS)
    expect(record_of(out)[0], "2026a._domainkey.xn--bcher-kva.example.")
    assert os.path.exists(world.path("2026a.xn--bcher-kva.example.pem"))
    status, out, _ = world.run("keygen", "--domain", "example.org", "--selector", "a.b", "--type", "ed25519")
    expect((status, record_of(out)[0]), (PASS, "a.b._domainkey.example.org."))


@test
def wrong_words_are_said(world):
    rows = (
        ((), "usage"),
        (("chekc",), "there is no command"),
        (("check",), "one FILE"),
        (("check", "a", "b"), "one FILE"),
        (("check", "--ip"), "needs a value"),
        (("check", "--josn", "x"), "there is no option --josn"),
        (("check", "--json=yes", "x"), "takes no value"),
        (("check", "/nowhere"), "No such file"),
        (("check", "--fake-dns", "/nowhere", "/dev/null"), "No such file"),
        (("check", "--config", "/nowhere", "/dev/null"), "/nowhere"),
        (("check", "--ip", "192.0.2", "/dev/null"), "--ip wants"),
        (("check", "--time", "soon", "/dev/null"), "--time wants"),
        (("check", "--resolver", "foo", "/dev/null"), "--resolver wants ADDR[@PORT]"),
        (("spf", "--from", "a@b.example"), "--ip"),
        (("dmarc",), "one DOMAIN"),
        (("keygen",), "--domain and --selector"),
        (("keygen", "--domain", "example.org"), "--domain and --selector"),
        (("keygen", "--domain", "a b", "--selector", "x"), "is not a domain"),
        (("keygen", "--domain", "example", "--selector", "x"), "is not a domain"),
        (("keygen", "--domain", "example.org", "--selector", "a b"), "cannot be a selector"),
        (("keygen", "--domain", "example.org", "--selector", "x" * 64), "cannot be a selector"),
        (("keygen", "--domain", "example.org", "--selector", "x", "--bits", "1024"), "--bits is 2048 to 4096"),
        (("keygen", "--domain", "example.org", "--selector", "x", "--bits", "8192"), "--bits is 2048 to 4096"),
        (("keygen", "--domain", "example.org", "--selector", "x", "--type", "dsa"), "--type is rsa or ed25519"),
        (("keygen", "--domain", "example.org", "--selector", "x", "--type", "ed25519", "--bits", "2048"), "--bits is for"),
        (("keygen", "--domain", "example.org", "--selector", "x", "--out", "/nowhere/x"), "No such file"),
    )
    for words, wanted in rows:
        status, out, err = world.run(*words)
        assert (status, out) == (USAGE, "") and wanted in err, (words, status, out, err)


@test
def help_and_version(world):
    for words in (("--help",), ("check", "--help"), ("spf", "--help"), ("dmarc", "--help"), ("keygen", "--help")):
        status, out, err = world.run(*words)
        expect((status, err), (PASS, ""))
        expect_in(out, "usage: assayctl")
    expect(world.run("--version")[0], PASS)


P_NONE = '_dmarc.example.org TXT "v=DMARC1; p=none"'
SPF = 'example.org TXT "v=spf1 ip4:192.0.2.1 -all"'
CLIENT = ("--ip", "192.0.2.1", "--from", "ann@example.org")


@test
def exit_status_is_that_of_dmarc(world):
    message = (FIELDS + "\nHello.\n").encode()
    rows = (
        ("DMARC passes", CLIENT, (P_NONE, SPF), PASS),
        ("DMARC fails", ("--ip", "192.0.2.2", "--from", "ann@example.org"), (P_NONE, SPF), FAIL),
        ("nothing passes, but SPF of a stranger", ("--ip", "192.0.2.1", "--from", "eve@other.example"),
         (P_NONE, 'other.example TXT "v=spf1 +all"'), FAIL),
        ("DMARC cannot be known", CLIENT, ("_dmarc.example.org TIMEOUT", 'example.org TXT "v=spf1 -all"'), TEMPERROR),
        ("no policy, SPF passes", CLIENT, (SPF,), PASS),
        ("no policy, SPF fails", ("--ip", "192.0.2.2", "--from", "ann@example.org"), (SPF,), FAIL),
        ("no policy, no SPF answer", CLIENT, ("example.org TXT TIMEOUT",), TEMPERROR),
        ("nothing is there", CLIENT, ("example.org NODATA",), NOTHING),
        ("no client", (), (SPF,), NOTHING),
    )
    for what, words, dns, wanted in rows:
        status, out, err = world.check(message, *words, dns=dns)
        assert (status, err) == (wanted, ""), (what, status, out, err)


@test
def json_is_json(world):
    message = (FIELDS + "\nHello.\n").encode()
    status, out, _ = world.check(message, *CLIENT, "--json", "--authserv-id", "mx.example.net", dns=(P_NONE, SPF))
    found = json.loads(out)
    expect(status, PASS)
    expect((found["authserv_id"], found["spf"]["result"]), ("mx.example.net", "pass"))
    expect([f["method"] for f in found["facts"]], ["spf", "dkim", "dmarc", "arc"])
    expect_in(found["authentication_results"], "mx.example.net;", "dmarc=pass")
    odd = b'From: "\x01\\\xff" <ann@example.org>\nDKIM-Signature: v=1; a=\xff\x01"\\; d=\xc3\xbc.example; s=x\nX: \0\n\n\0\xff\n'
    json.loads(world.check(odd, *CLIENT, "--json", dns=(P_NONE, SPF))[1])


@test
def files_of_many_kinds(world):
    dns = ("--fake-dns", world.dns(P_NONE, SPF), "--time", str(NOW))
    for what, text, wanted in (
            ("a mailbox's first line", b"From ann Sun Nov 22\n" + FIELDS.encode() + b"\nx\n", PASS),
            ("no body", FIELDS.encode(), PASS),
            ("nothing", b"", PERMERROR),  # DMARC has no author to ask about
            ("no header", b"\nbody\n", PERMERROR),
            ("no line end", b"From: ann@example.org", PASS)):
        status, out, err = world.run("check", *dns, *CLIENT, world.path("message", text))
        assert (status, err) == (wanted, ""), (what, status, out, err)
        expect_in(out, "Authentication-Results: ")


@test
def a_wrong_record_is_no_failure(world):
    dns = ('bad.example TXT "v=spf1 foo:bar"', 'bad.example A 192.0.2.1')
    status, out, _ = world.check(b"From: ann@bad.example\n\n", "--ip", "192.0.2.1", "--from", "ann@bad.example", dns=dns)
    expect_in(out, "spf=permerror", "dmarc=none")
    expect(status, PERMERROR)


@test
def line_ends_do_not_matter(world):
    """A body hash is over CRLF, whatever the file has; a lone LF in a CRLF file is an octet like others."""
    path, text = keygen(world)
    dns = [f'sel._domainkey.example.org TXT "{text}"']
    body = b"one \n\n  two\t\n.\nlast without end"
    for canon in ((b"simple", b"simple"), (b"relaxed", b"relaxed")):
        message = sign(path, text, FIELDS.encode() + b"\n" + body + b"\n", canonicalize=canon)
        for form in (message, message.replace(b"\r\n", b"\n")):
            expect_in(world.check(form, dns=dns)[1], "dkim=pass")
        expect_in(world.check(message.replace(b"two\t\r\n", b"two\t\n"), dns=dns)[1], "dkim=fail")


@test
def time_is_a_word(world):
    path, text = keygen(world)
    message = sign(path, text, (FIELDS + "\nx\n").encode())
    dns = world.dns(f'sel._domainkey.example.org TXT "{text}"')
    for words, wanted in (((), "dkim=pass"), (("--time", str(NOW + 10**9)), "dkim=pass"), (("--time=1",), "t= lies in the future")):
        expect_in(world.run("check", "--fake-dns", dns, *words, "-", text=message)[1], wanted)


@test
def settings_without_their_keys(world):
    """The file of the daemon names keys that this user may not read; assayctl has no need of them."""
    conf = world.path("conf", 'site: { authserv-id = "mx.of.conf"; };\n'
                      'seal: { enable = true; domain = "example.org"; keys = "a:/nowhere/key"; };\n')
    status, out, err = world.check((FIELDS + "\nx\n").encode(), "--config", conf, *CLIENT, dns=(P_NONE, SPF))
    expect((status, err), (PASS, ""))
    expect_in(out, "mx.of.conf;")
    status, out, err = world.check(b"", "--config", world.path("conf", "seal: {\n enabel = true; };\n"))
    expect((status, out), (USAGE, ""))
    expect_in(err, "conf:2: seal.enabel", "did you mean enable?")


@test
def other_commands(world):
    dns = ("--fake-dns", world.dns(P_NONE, SPF, "slow.example TIMEOUT", 'bad.example TXT "v=spf1 wrong"',
                                   "_dmarc.slow.example TIMEOUT"))
    for words, wanted in (
            (("spf", "--ip", "192.0.2.1", "--from", "ann@example.org"), PASS),
            (("spf", "--ip", "192.0.2.2", "--from", "ann@example.org"), FAIL),
            (("spf", "--ip", "192.0.2.2", "--from", "a@none.example"), NOTHING),
            (("spf", "--ip", "192.0.2.2", "--from", "a@bad.example"), PERMERROR),
            (("spf", "--ip", "192.0.2.2", "--from", "a@slow.example"), TEMPERROR),
            (("dmarc", "example.org"), PASS),
            (("dmarc", "none.example"), NOTHING),
            (("dmarc", "slow.example"), TEMPERROR)):
        status, out, err = world.run(words[0], *dns, *words[1:])
        assert status == wanted and out != "", (words, status, out, err)
        json.loads(world.run(words[0], *dns, "--json", *words[1:])[1])


@test
def srs_says_why_not(world):
    options = ["--domain", "srs.test", "--secrets", world.path("secrets", "tops3cr3t\n"), "--time", "1700000000"]
    os.chmod(world.path("secrets"), 0o600)
    good = "SRS0=Zcd9=G3=sender.example=ann@srs.test"
    expect(world.run("srs", "forward", *options, "ann@sender.example"), (PASS, good + "\n", ""))
    for verb, address, status, says in (
            ("forward", good, NOTHING, "own: it is of our SRS domain already\n"),
            ("reverse", good.replace("ann", "bob"), FAIL,
             "forged: no secret of ours made its hash, or it was changed on the way\n"),
            ("reverse", "ann@srs.test", NOTHING, "not-srs: an ordinary address of our SRS domain\n")):
        expect(world.run("srs", verb, *options, address), (status, "", says))
    os.chmod(world.path("secrets"), 0o644)
    code, _, err = world.run("srs", "status", *options, good)
    expect(code, USAGE)
    expect_in(err, "srs.secrets: ", "mode 0644", "lets others at it: chmod 0640")


def main():
    failed = 0
    for function in TESTS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                function(World(os.path.abspath(sys.argv[1]), folder))
            except Exception:  # any failure of a test is a failed test
                failed += 1
                print(f"FAIL  {function.__name__}\n{traceback.format_exc()}")
            else:
                print(f"ok    {function.__name__}")
    print(f"cli: {len(TESTS) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
