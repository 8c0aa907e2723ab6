#!/usr/bin/python3
"""assayctl from outside: exit statuses (src/cli/cli.h), JSON that others can read, files in odd shapes."""

import json
import os
import subprocess
import sys
import tempfile

ASSAYCTL = os.environ["ASSAYCTL"]
OK, FAIL, USAGE, NOTHING, PERMERROR, TEMPERROR = range(6)

ZONE = """
s._domainkey.sender.example TXT "v=DKIM1; k=ed25519; p=FBS78dfid0WCM02vCVLC0HNobY1Cr3krCEcdROzz4Pc="
sender.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.sender.example TXT "v=DMARC1; p=reject"
evil.example TXT "v=spf1 +all"
plain.example A 192.0.2.1
bad.example TXT "v=spf1 foo:bar"
slow.example TIMEOUT
"""

SIGNED = """\
DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; d=sender.example;
 i=@sender.example; q=dns/txt; s=s; t=1795362101; h=from : subject;
 bh=G1iHezQBbBvi3ocjejlZTZAdHSwv7gTfcjaeOB/8fx0=;
 b=/7V/YePxfl/AxyAlqSoA0MXw9CRNzecQnPrFNR/Z+DY28oY6yNpHD4fzCyfVfXWOBbXff
 ETFl5nJb8ZdXzYlCg==
From: Ann <ann@sender.example>
Subject: a test

Dear user,

all is well.
"""
CRLF = SIGNED.replace("\n", "\r\n")
UNSIGNED = SIGNED[SIGNED.index("From:"):]


def by(sender, client="192.0.2.1"):
    return ["--ip", client, "--from", sender, "--helo", "mail." + sender.split("@")[-1]]


# what, arguments behind "check --fake-dns ZONE", message, exit status, words of the results
CHECKS = [
    ("CRLF", [], CRLF, OK, ["dkim=pass", "dmarc=pass"]),
    ("LF, as a Maildir has it", [], SIGNED, OK, ["dkim=pass", "dmarc=pass"]),
    ("LF in the body only", [], CRLF[:CRLF.index("Dear")] + SIGNED[SIGNED.index("Dear"):], OK, ["dkim=pass"]),
    ("the last line not ended", [], SIGNED[:-1], OK, ["dkim=pass"]),
    ("mbox", [], "From ann Sat Nov 21\n" + SIGNED, OK, ["dkim=pass"]),
    ("changed", [], SIGNED.replace("well", "lost"), FAIL, ["dkim=fail", "dmarc=fail"]),
    ("SPF alone", by("ann@sender.example"), UNSIGNED, OK, ["spf=pass", "dmarc=pass"]),
    ("SPF of a stranger does not save it", by("x@evil.example"), UNSIGNED, FAIL, ["spf=pass", "dmarc=fail"]),
    ("no policy, SPF pass", by("x@evil.example"), "From: x@evil.example\n\n", OK, ["spf=pass", "dmarc=none"]),
    ("nothing published", by("x@plain.example"), "From: x@plain.example\n\n", NOTHING, ["spf=none", "dmarc=none"]),
    ("a wrong record", by("x@bad.example"), "From: x@bad.example\n\n", PERMERROR, ["spf=permerror", "dmarc=none"]),
    ("DNS is silent", by("x@slow.example"), "From: x@slow.example\n\n", TEMPERROR, ["spf=temperror"]),
    ("empty", [], "", PERMERROR, ["dmarc=permerror"]),
    ("only a header, not ended", [], "From: x@plain.example", NOTHING, ["dmarc=none"]),
    ("only a body", [], "\nbody\n", PERMERROR, ["dmarc=permerror"]),
    ("NUL and 8-bit", [], "From: x@plain.example\nX: a\0b\xff\n\n\0\xff", NOTHING, ["dmarc=none"]),
    ("JSON of odd octets", [], "From: \xff\x01\"\\ <x@plain.example\n\n", PERMERROR, ["dmarc=permerror"]),
]

# what, arguments, exit status, what standard error says
USES = [
    ("no command", [], USAGE, "usage: assayctl"),
    ("unknown command", ["foo"], USAGE, 'no command "foo"'),
    ("unknown option", ["check", "--bogus", "x"], USAGE, "no option --bogus"),
    ("option without its value", ["check", "--ip"], USAGE, "--ip needs a value"),
    ("a folder", ["check", "/"], USAGE, "Is a directory"),
    ("no such file", ["check", "/nonexistent"], USAGE, "No such file"),
    ("an address that is none", ["check", "--ip", "1.2.3", "MESSAGE"], USAGE, "--ip wants"),
    ("a resolver that is none", ["check", "--resolver", "foo", "MESSAGE"], USAGE, "--resolver wants ADDR[@PORT]"),
    ("a time that is none", ["check", "--time", "noon", "MESSAGE"], USAGE, "--time wants seconds"),
    ("a zone that is none", ["check", "--fake-dns", "MESSAGE", "MESSAGE"], USAGE, "line 1"),
    ("SPF of nobody", ["spf", "--ip", "192.0.2.1"], USAGE, "--from or --helo"),
    ("no domain", ["dmarc"], USAGE, "one DOMAIN"),
    ("a domain that is none", ["dmarc", "a..b"], USAGE, "empty label"),
    ("a short key", ["keygen", "--domain", "a.example", "--selector", "s", "--bits", "512"], USAGE, "2048"),
    ("a key of nobody", ["keygen"], USAGE, "--domain and --selector"),
    ("a key over a file", ["keygen", "--domain", "a.example", "--selector", "s", "--out", "MESSAGE"], USAGE, "already"),
]


class Trial:
    def __init__(self, folder):
        self.folder, self.wrong = folder, 0
        self.zone, self.message = self.put("zone", ZONE), self.put("message", SIGNED)

    def put(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as f:
            f.write(text.encode("latin-1"))
        return path

    def run(self, *words):
        return subprocess.run([ASSAYCTL, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)

    def expect(self, what, is_so, done):
        if not is_so:
            self.wrong += 1
            print(f"{what}: status {done.returncode}\n{done.stdout!r}\n{done.stderr!r}")

    def check(self, what, words, message, status, results):
        path = self.put("message", message)
        done = self.run("check", "--fake-dns", self.zone, *words, path)
        said = done.stdout.decode("latin-1")
        self.expect(what, done.returncode == status and all(r in said for r in results), done)
        done = self.run("check", "--fake-dns", self.zone, "--json", *words, path)
        self.expect(what + ", JSON", done.returncode == status and self.is_json(done.stdout), done)

    def is_json(self, octets):
        try:
            return isinstance(json.loads(octets.decode("utf-8")), dict)
        except ValueError:
            return False

    def use(self, what, words, status, said):
        done = self.run(*(self.message if w == "MESSAGE" else w for w in words))
        self.expect(what, done.returncode == status and said in done.stderr.decode("latin-1"), done)


def main():
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(folder)
        for row in CHECKS:
            trial.check(*row)
        trial.put("message", SIGNED)
        for row in USES:
            trial.use(*row)
    print(f"assayctl: {2 * len(CHECKS) + len(USES)} runs, {trial.wrong} wrong")
    sys.exit(1 if trial.wrong else 0)


if __name__ == "__main__":
    main()
