"""
Our seals before dkimpy's validator, and dkimpy's seals before ours.  With --perl, sealed messages are written to a
folder for arc_cross.pl instead.
"""
import os
import shutil
import subprocess
import sys

import dkim

import arc_driver

NOW = 1700000000
DOMAIN, SELECTOR = "fwd.example", "s1"
KEY_NAME = "%s._domainkey.%s" % (SELECTOR, DOMAIN)
BODY = "Hello.  \r\n\tone\ttwo   three\r\n.\r\n\r\n\r\n"
MESSAGE = ("Received: from a by b\r\n"
           "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=x; h=from; bh=AA==; b=AA==\r\n"
           "From: \"A, B\" <a@example.org>\r\nTo: b@example.net,\r\n\tc@example.net\r\n"
           "Subject:  some   words\r\n folded  \r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
           "Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
           "List-Id: L <l.example.org>\r\n\r\n" + BODY)


def seal(zone, pem, text, form, now):
    results = " mx.%s; spf=pass" % DOMAIN
    sealed, why = arc_driver.run("seal", [zone, now, pem, DOMAIN, SELECTOR, "", results, form, text])
    if not sealed:
        raise SystemExit("not sealed: %s" % why.decode())
    return sealed.decode() + text


def ours(zone, text):
    return arc_driver.run("verify", [zone, NOW, text])[0].decode()


class Checks:
    def __init__(self):
        self.run = self.wrong = 0

    def expect(self, what, got, wanted):
        self.run += 1
        if got != wanted:
            self.wrong += 1
            print("dkimpy: %s: %s, not %s" % (what, got, wanted))


def chains(zone, pem, hops):
    for form in ("", "suite"):
        text = MESSAGE
        for hop in range(1, hops + 1):
            text = seal(zone, pem, text, form, NOW + hop)
            yield "%d sets%s" % (hop, form and ", form of the suite"), text


TAMPERED = (("the body", "two   three", "two four"), ("the subject", "some   words", "other words"),
            ("a result", "spf=pass", "spf=fail"), ("a seal", "cv=none", "cv=pass"))


def against_dkimpy(zone, pem, record):
    checks = Checks()

    def txt(name, timeout=5):
        return record if name.decode().rstrip(".") == KEY_NAME else None

    for what, text in chains(zone, pem, 4):
        checks.expect(what, dkim.arc_verify(text.encode(), dnsfunc=txt)[0], b"pass")
        for part, was, now in TAMPERED:
            changed = text.replace(was, now, 1)
            passes = dkim.arc_verify(changed.encode(), dnsfunc=txt)[0] == b"pass"
            checks.expect("%s, %s changed" % (what, part), passes, False)
            checks.expect("%s, %s changed, ours" % (what, part), ours(zone, changed), "fail")

    from_dkimpy(zone, pem, checks)
    print("dkimpy: %d checks, %d wrong" % (checks.run, checks.wrong))
    return checks.wrong == 0


def from_dkimpy(zone, pem, checks):
    """Its chains before us.  arc_sign takes its results and cv= from an Authentication-Results field."""
    try:
        import authres  # noqa: F401 - arc_sign needs it
    except ImportError:
        print("skipped: python3-authres not found, dkimpy cannot seal")
        return
    if shutil.which("openssl") is None:
        print("skipped: openssl(1) not found, dkimpy cannot read our key")
        return
    text = "Authentication-Results: mx.%s; arc=none; spf=pass smtp.mailfrom=a@example.org\r\n" % DOMAIN + MESSAGE
    for hop in range(1, 4):
        fields = dkim.arc_sign(text.encode(), SELECTOR.encode(), DOMAIN.encode(), pkcs1(pem),
                               b"mx." + DOMAIN.encode(), timestamp=NOW)
        text = b"".join(fields).decode() + text
        checks.expect("its %d sets before us" % hop, ours(zone, text), "pass")
        checks.expect("its %d sets before us, changed" % hop, ours(zone, text.replace("two", "2", 1)), "fail")
        text = text.replace("arc=none; spf=pass smtp.mailfrom=a@example.org\r\nReceived", "arc=pass\r\nReceived", 1)


def pkcs1(pem):
    """The form of key that all versions of dkimpy read."""
    return subprocess.run(["openssl", "rsa", "-traditional"], input=pem, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True).stdout


def for_perl(zone, pem, record, folder):
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/record", "wb") as f:
        f.write(KEY_NAME.encode() + b"\n" + record)
    n = 0
    for what, text in chains(zone, pem, 4):
        n += 1
        with open("%s/%02d.pass" % (folder, n), "wb") as f:
            f.write(text.encode())
        for i, (part, was, now) in enumerate(TAMPERED):
            with open("%s/%02d-%d.fail" % (folder, n, i), "wb") as f:
                f.write(text.replace(was, now, 1).encode())


if __name__ == "__main__":
    key, text_of_key = arc_driver.run("key")
    dns = arc_driver.zone({KEY_NAME: text_of_key.decode()})
    if len(sys.argv) > 2 and sys.argv[1] == "--perl":
        for_perl(dns, key, text_of_key, sys.argv[2])
        sys.exit(0)
    sys.exit(0 if against_dkimpy(dns, key, text_of_key) else 1)
