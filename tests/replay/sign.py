#!/usr/bin/env python3
"""Signs the messages of scenarios, for whoever writes a new one.  Needs dkimpy; nothing of `make check` does.

Usage: sign.py FILE...
In a "message" block a line

	@sign d=example.org s=sel [a=rsa-sha256] [c=relaxed/simple] [i=...] [l] [h=from:to:subject]

becomes a DKIM-Signature field over the fields below it and the body, made with keys/rsa.pem.  The record for DNS is
printed, for a "dns" line.
"""
import base64
import os
import re
import subprocess
import sys

import dkim

KEY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "keys", "rsa.pem")


def record():
    der = subprocess.run(["openssl", "rsa", "-in", KEY, "-pubout", "-outform", "DER"], check=True,
                         capture_output=True).stdout
    return "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()


def sign(options, lines):
    opt = dict(o.split("=", 1) if "=" in o else (o, True) for o in options)
    canon = opt.get("c", "relaxed/simple").encode().split(b"/")
    message = b"\r\n".join(lines) + b"\r\n"
    with open(KEY, "rb") as f:
        key = f.read()
    field = dkim.sign(message, opt["s"].encode(), opt["d"].encode(), key,
                      identity=opt["i"].encode() if "i" in opt else None,
                      canonicalize=(canon[0], canon[1]),
                      signature_algorithm=opt.get("a", "rsa-sha256").encode(),
                      include_headers=opt["h"].encode().split(b":") if "h" in opt else [b"from", b"to", b"subject"],
                      length="l" in opt)
    return field.rstrip(b"\r\n").split(b"\r\n")


def work(path):
    with open(path, "rb") as f:
        lines = f.read().split(b"\n")
    at = len(lines) - 1
    while at >= 0:
        if lines[at].startswith(b"@sign "):
            end = lines.index(b".", at)
            lines[at:at + 1] = sign(lines[at].decode().split()[1:], lines[at + 1:end])
        at -= 1
    with open(path, "wb") as f:
        f.write(b"\n".join(lines))


for name in sys.argv[1:]:
    work(name)
print(record())
