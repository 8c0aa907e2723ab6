#!/usr/bin/python3
"""Makes data/signed-*.eml and data/signed.zone: messages signed by dkimpy (Debian: python3-dkim,
python3-nacl), with new keys each time.  Run by hand when a fixture is added; the tests read what it wrote.
Each message has a twin in the tests that changes one octet and must fail."""
import base64
import os
import subprocess

import dkim
import nacl.signing

DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")

HEADER = (
    b"Received: from b.example.net (b.example.net [192.0.2.2])\r\n"
    b"\tby mx.example.org; Fri, 20 Nov 2026 10:00:01 +0000\r\n"
    b"Received: from a.example.com by b.example.net;\r\n\tFri, 20 Nov 2026 10:00:00 +0000\r\n"
    b"From: Joe  SixPack\t<joe@example.com> \r\n"
    b"To: suzie@example.org,\r\n  other@example.org,\r\n\tthird@example.org\r\n"
    b"Subject:   Is dinner\r\n   \tready?  \r\n"
    b"X-Empty:\r\n"
    b"X-Note: one\r\n"
    b"X-note:  two\r\n"
    b"Date: Fri, 20 Nov 2026 10:00:00 +0000\r\n"
    b"Message-ID: <1@example.com>\r\n"
)

BODIES = {
    "text": b"Hi.\r\n\r\nWe  lost\tthe game. \r\n Are you hungry yet?\t\t\r\n\r\nJoe.\r\n",
    "empty": b"",
    "lines": b"\r\n\r\n\r\n",
    "blank": b" \t \r\n\t\r\n",
    "trailing": b"text\r\n\r\n \r\n\t\r\n\r\n",
    "cut": b"no line end",
    "8bit": b"gr\xfc\xdfe \xe2\x82\xac\r\n",
    "long": b"0123456789abcdef 0123456789abcde  \r\n" * 3000,
}


def run(*args, **kw):
    return subprocess.run(args, check=True, capture_output=True, **kw).stdout


def rsa(bits):
    pem = run("openssl", "genrsa", "-traditional", str(bits))
    der = run("openssl", "rsa", "-pubout", "-outform", "DER", input=pem)
    return pem, "k=rsa; p=" + base64.b64encode(der).decode()


def ed25519():
    key = nacl.signing.SigningKey.generate()
    return base64.b64encode(key.encode()), "k=ed25519; p=" + base64.b64encode(key.verify_key.encode()).decode()


def main():
    os.makedirs(DIR, exist_ok=True)
    keys = {"r1024": rsa(1024), "r2048": rsa(2048), "r4096": rsa(4096), "ed": ed25519()}
    with open(os.path.join(DIR, "signed.zone"), "w") as f:
        for name, (_, record) in keys.items():
            f.write(f'{name}._domainkey.example.com TXT "v=DKIM1; {record}"\n')

    def sign(file, key, canon, body, **kw):
        message = HEADER + b"\r\n" + BODIES[body]
        alg = b"ed25519-sha256" if key == "ed" else b"rsa-sha256"
        sig = dkim.sign(message, key.encode(), b"example.com", keys[key][0],
                        canonicalize=tuple(c.encode() for c in canon.split("-")), signature_algorithm=alg, **kw)
        with open(os.path.join(DIR, f"signed-{file}.eml"), "wb") as f:
            f.write(sig + message)

    for canon in ("simple-simple", "simple-relaxed", "relaxed-simple", "relaxed-relaxed"):
        sign(canon, "r2048", canon, "text")
    for body in BODIES:
        if body != "text":
            sign(f"{body}-simple", "r1024", "relaxed-simple", body)
            sign(f"{body}-relaxed", "r1024", "relaxed-relaxed", body)
    sign("ed25519", "ed", "relaxed-relaxed", "text")
    sign("r4096", "r4096", "relaxed-relaxed", "text")
    sign("length", "r1024", "relaxed-relaxed", "text", length=True)
    sign("repeated", "r1024", "simple-simple", "text",
         include_headers=[b"from", b"x-note", b"X-NOTE", b"x-note", b"x-empty", b"absent", b"from"])
    sign("identity", "r1024", "relaxed-relaxed", "text", identity=b"joe=3Bx@news.example.com")


main()
