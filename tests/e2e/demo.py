#!/usr/bin/python3
"""contrib/quickstart run: five real messages through a real Postfix, and what became of them."""

import sys

from lab import Lab, LabError, raw_header
from mailkit import Signer, letter


def shown(message, name):
    """The fields of that name as they were delivered, folds and all."""
    lines, wanted, out = raw_header(message).split("\n"), name.lower() + ":", []
    keep = False
    for line in lines:
        if not line.startswith((" ", "\t")):
            keep = line.lower().startswith(wanted)
        if keep:
            out.append(line.replace("\t", "    "))
    return out


def demonstrate(lab):
    rsa = Signer(lab.path("keys"), "sender.example", "demo")
    lab.zone("sender.example", ['@ IN TXT "v=spf1 ip4:192.0.2.0/24 -all"', rsa.zone_line(), "@ IN A 192.0.2.25",
                                '_dmarc IN TXT "v=DMARC1; p=reject"', "@ IN MX 10 @"])
    lab.zone("plain.example", ["@ IN A 203.0.113.7"])
    lab.zone("example", [])
    lab.start_nsd()
    lab.assay_conf()
    lab.start_assayd()
    lab.start_postfix()
    signed = rsa.sign(letter("demo-signed"))
    messages = [
        ("the sender's own server (SPF pass)", "192.0.2.25", "ann@sender.example", letter("demo-spf-pass")),
        ("a stranger who claims to be the sender (SPF fail)", "198.51.100.66", "ann@sender.example",
         letter("demo-spf-fail")),
        ("signed by the sender (DKIM pass)", "192.0.2.25", "ann@sender.example", signed),
        ("the same message, altered on its way (DKIM fail)", "192.0.2.25", "ann@sender.example",
         signed.replace(b"all is well", b"send money")),
        ("no authentication at all", "203.0.113.7", "bob@plain.example",
         letter("demo-nothing", "bob@plain.example")),
    ]
    for number, (title, address, sender, message) in enumerate(messages, 1):
        mark = f"X-Demo: {number}-of-{len(messages)}\n"
        message = mark.encode() + (message if isinstance(message, bytes) else message.encode())
        code, text = lab.send(message, sender, "user@local.test", address)
        print(f"\n{number}. From {address}: {title}")
        print(f"   reply      {code} {text}")
        if code == 250:
            for line in shown(lab.delivered(mark.strip()), "Authentication-Results"):
                print(f"   delivered  {line}")
    print("\nWhat assayd told syslog of them:")
    for line in lab.assayd_log().splitlines():
        if " verdict=" in line:
            print("   " + line.split(": ", 1)[-1])


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: demo.py WORK-DIRECTORY ASSAYD")
    try:
        with Lab(sys.argv[1], sys.argv[2], lambda text: print("--", text, flush=True)) as lab:
            demonstrate(lab)
    except LabError as problem:
        sys.exit(f"quickstart: {problem}")


if __name__ == "__main__":
    main()
