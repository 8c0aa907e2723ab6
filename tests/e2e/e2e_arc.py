#!/usr/bin/python3
"""ARC end to end: sealed by assayd, delivered by a real Postfix, verified by others.

Usage: e2e_arc.py WORK ASSAYD [NAME...]
The keys are made by `assayctl keygen`, their zone lines served by a real nsd.  Verifiers: python3-dkim, Mail::DKIM,
rspamd.  Prints a line for each test and closes with "N passed, N failed".
"""

import base64
import grp
import os
import re
import signal
import subprocess
import sys

from e2e import check_in, check_not_in, register, results, run, sent
from lab import Lab, LabError, header_fields, read, wait_until, write
from mailkit import SIGNED, Signer, letter
from verifiers import ARC, crlf, dkimpy_dkim, start_rspamd
import dkim

TESTS = []
test = register(TESTS)


def keygen(lab, domain, selector, *options):
    """By assayctl, as a postmaster would: (path of the private key, lines for the zone)."""
    path = lab.path("keys", f"{domain}.{selector}.pem")
    if os.path.exists(path):
        os.unlink(path)
    done = subprocess.run([lab.assayctl, "keygen", "--domain", domain, "--selector", selector, "--out", path, *options],
                          capture_output=True, text=True, check=True)
    os.chown(path, 0, grp.getgrnam("nogroup").gr_gid)
    os.chmod(path, 0o640)
    return path, done.stdout


def quoted(*texts):
    return "[" + ", ".join(f'"{t}"' for t in texts) + "]"


def settle(lab, domain="fwd.example", authserv_id="mx.assay.example", **seal):
    """New settings, in force when this returns."""
    rows = {"enable": "true", "domain": f'"{domain}"', "keys": quoted(f"2026a:{lab.key_of[domain]}"), **seal}
    lab.assay_conf(seal=rows, site={"authserv-id": f'"{authserv_id}"'})
    hup(lab)


def hup(lab, word="are in force"):
    before = len(lab.assayd_log())
    lab.processes["assayd"].send_signal(signal.SIGHUP)
    wait_until("the reload", lambda: word in lab.assayd_log()[before:])
    return lab.assayd_log()[before:]


def arrived(lab, mark):
    """The delivered message without what delivery adds on top."""
    message = lab.delivered(mark)
    while re.match(rb"(Return-Path|X-Original-To|Delivered-To):", message):
        message = message.split(b"\n", 1)[1]
    return message


def ask_all(lab, message, wanted=True):
    for name, verify in ARC.items():
        found, words = verify(lab, message)
        assert found == wanted, f"{name}: {words}\n{message.decode('latin-1')[:6000]}"


def field_names(message):
    return re.findall(r"^([A-Za-z0-9-]+):", message.split(b"\n\n")[0].decode("latin-1"), re.M)


def log_line(lab, mark):
    queue_id = lab.queue_id(mark)
    wait_until("the verdict line", lambda: f"{queue_id}:" in lab.assayd_log())
    return [line for line in lab.assayd_log().splitlines() if f"{queue_id}:" in line][-1]


def signed(lab, mark, **kwargs):
    return lab.signer.sign(letter(mark, **kwargs))


@test
def sealed_and_believed_by_others(lab):
    settle(lab)
    sent(lab, signed(lab, "t-seal"), "ann@sender.example", "user@local.test", "192.0.2.25")
    message = arrived(lab, "t-seal")
    assert field_names(message)[:5] == ["ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results",
                                        "Authentication-Results", "Received"], field_names(message)
    ours = message[:message.index(b"Received:")].decode().rstrip().split("\n")
    assert all(len(line.expandtabs()) < 78 for line in ours), ours
    aar = header_fields(message, "ARC-Authentication-Results")[0]
    check_in(aar, "i=1; mx.assay.example; spf=pass", "dkim=pass header.d=sender.example", "smtp.remote-ip=192.0.2.25")
    check_not_in(aar, "(")
    check_in(log_line(lab, "t-seal"), "seal=yes:i=1,d=fwd.example,s=2026a")
    ask_all(lab, message)


@test
def a_changed_body_is_seen_by_others(lab):
    settle(lab)
    sent(lab, signed(lab, "t-changed"), "ann@sender.example", "user@local.test", "192.0.2.25")
    ask_all(lab, arrived(lab, "t-changed").replace(b"all is well", b"all is lost"), False)


@test
def two_hops(lab):
    settle(lab)
    sent(lab, signed(lab, "t-hop"), "ann@sender.example", "user@local.test", "192.0.2.25")
    first = arrived(lab, "t-hop")
    settle(lab, "next.example", "mx.next.example")
    sent(lab, b"X-Hop: t-2hop\n" + first, "ann@sender.example", "user@local.test", "203.0.113.7")
    second = arrived(lab, "t-2hop")
    assert field_names(second).count("ARC-Seal") == 2
    seals = header_fields(second, "ARC-Seal")
    check_in(seals[0], "i=2", "cv=pass", "d=next.example")
    check_in(seals[1], "i=1", "cv=none", "d=fwd.example")
    check_in(header_fields(second, "ARC-Authentication-Results")[0], "arc=pass", "spf=")
    ask_all(lab, second)


@test
def many_kinds_of_messages(lab):
    settle(lab)
    long_to = ",\n ".join(f'"User, {i}" <user{i}@local.test>' for i in range(40))
    # Not two of Subject, Cc...: rspamd breaks signatures over those on purpose.
    kinds = {
        "t-empty": b"From: ann@sender.example\nSubject: t-empty\n\n",
        "t-raw": b"From: ann@sender.example\nSubject: t-raw \xe9\xff\nX-Raw: \xe9\n\n8 bit: \xe9\xff\n",
        "t-long": f"From: ann@sender.example\nTo: {long_to}\nSubject: t-long\n\n{'x' * 900}\n".encode(),
        "t-spaces": b"From:  Ann  <ann@sender.example> \nSubject:t-spaces\n\t and\n   a fold\t\n\na  b \t\n\n\n \n\n",
        "t-dots": b"From: ann@sender.example\nSubject: t-dots\n\n.\n..\n.x\n",
        "t-several": b"From: ann@sender.example\nSubject: t-several\nList-Post: <x:1>\nList-Post: <x:2>\n\nx\n",
        "t-large": b"From: ann@sender.example\nSubject: t-large\n\n" + b"0123456789 abcdef\n" * 100000,
        "t-mime": b"From: ann@sender.example\nSubject: t-mime\nMIME-Version: 1.0\n"
                  b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n",
    }
    for mark, message in kinds.items():
        sent(lab, message, "ann@sender.example", "user@local.test", "192.0.2.25")
        ask_all(lab, arrived(lab, mark))


@test
def forged_results_are_neither_passed_on_nor_sealed(lab):
    settle(lab)
    forged = "Authentication-Results: mx.assay.example; dkim=pass header.d=bank.example\n"
    sent(lab, signed(lab, "t-forged", extra=forged), "ann@sender.example", "user@local.test", "192.0.2.25")
    message = arrived(lab, "t-forged")
    check_not_in(message.decode(), "bank.example")
    ask_all(lab, message)


@test
def own_people_when_asked(lab):
    settle(lab)
    sent(lab, letter("t-own"), "ann@sender.example", "user@local.test")
    assert "ARC-Seal" not in field_names(arrived(lab, "t-own"))
    settle(lab, clients='"all"')
    # Postfix completes and rewrites what its own clients send, before we see it.
    sent(lab, "From: ann\nTo: user@local.test , bob\nSubject: t-own2\n\nx\n", "ann@sender.example", "user@local.test")
    ask_all(lab, arrived(lab, "t-own2"))
    done = subprocess.run([*lab.sendmail_command(), "-f", "ann@sender.example", "user@local.test"],
                          input=letter("t-own3").encode(), env=lab.environment(), check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    ask_all(lab, arrived(lab, "t-own3"))


@test
def back_from_a_content_filter(lab):
    settle(lab, clients='"all"')
    sent(lab, signed(lab, "t-again"), "ann@sender.example", "user@local.test", "192.0.2.25")
    first = arrived(lab, "t-again")
    sent(lab, b"X-Filter: t-filtered\n" + first, "ann@sender.example", "user@local.test")
    second = arrived(lab, "t-filtered")
    assert field_names(second).count("ARC-Seal") == 1
    check_in(log_line(lab, "t-again"), "seal=no", "sealed by us before")
    ask_all(lab, second)


@test
def a_list_breaks_the_signature(lab):
    """What the list's own MX found is in the seal of what it sends out, though nobody can verify it any more."""
    lab.assay_conf(site={"authserv-id": '"mx.list.example"'})
    hup(lab)
    sent(lab, signed(lab, "t-list"), "ann@sender.example", "user@local.test", "192.0.2.25")
    message = arrived(lab, "t-list")
    assert dkimpy_dkim(lab, message)[0]
    message = message.replace(b"all is well.\n", b"all is well.\n-- \nThe list\n")
    message = message.replace(b"Subject: ", b"Subject: [list] ")
    settle(lab, "next.example", "out.list.example", **{"trusted-upstream": '["127.0.0.1"]',
                                                       "trusted-ids": '["mx.list.example"]'})
    sent(lab, b"List-Id: <t-listed.list.example>\n" + message, "list-bounces@list.example", "user@local.test")
    message = arrived(lab, "t-listed")
    assert not dkimpy_dkim(lab, message)[0]
    aar = header_fields(message, "ARC-Authentication-Results")[0]
    check_in(aar, "dkim=fail", "dkim=pass header.d=sender.example", "spf=pass smtp.mailfrom=ann@sender.example")
    ask_all(lab, message)
    settle(lab)
    sent(lab, b"X-Hop: t-after-list\n" + message, "list-bounces@list.example", "user@local.test", "203.0.113.7")
    message = arrived(lab, "t-after-list")
    check_in(header_fields(message, "Authentication-Results")[0], "arc=pass")
    assert field_names(message).count("ARC-Seal") == 2
    ask_all(lab, message)


@test
def an_unfit_key_at_a_reload_changes_nothing(lab):
    settle(lab)
    path = lab.key_of["fwd.example"]
    os.chmod(path, 0o644)
    try:
        said = hup(lab, "reload refused")
        check_in(said, "assay.conf:", "seal.keys", path, "lets others at it")
        done = subprocess.run([lab.assayd_path, "-n", "-c", lab.path("etc/assay.conf")], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 1, done
        check_in(done.stderr, "lets others at it")
        sent(lab, letter("t-kept"), "ann@sender.example", "user@local.test", "192.0.2.25")
        ask_all(lab, arrived(lab, "t-kept"))
    finally:
        os.chmod(path, 0o640)
    hup(lab)


@test
def a_key_that_only_root_can_read(lab):
    settle(lab)
    path = lab.key_of["fwd.example"]
    os.chmod(path, 0o600)
    try:
        lab.stop("assayd")
        before = len(lab.assayd_log())
        lab.start_assayd()
        wait_until("the warning", lambda: "cannot be read by the worker's user" in lab.assayd_log()[before:])
        sent(lab, letter("t-root"), "ann@sender.example", "user@local.test", "192.0.2.25")
        ask_all(lab, arrived(lab, "t-root"))
        hup(lab, "reload refused")
        sent(lab, letter("t-root2"), "ann@sender.example", "user@local.test", "192.0.2.25")
        ask_all(lab, arrived(lab, "t-root2"))
    finally:
        os.chmod(path, 0o640)
    hup(lab)


@test
def no_key_whose_day_has_come(lab):
    settle(lab, keys=quoted(f"2026a:{lab.key_of['fwd.example']}:2099-01-01"))
    sent(lab, letter("t-later"), "ann@sender.example", "user@local.test", "192.0.2.25")
    assert "ARC-Seal" not in field_names(arrived(lab, "t-later"))
    check_in(log_line(lab, "t-later"), "seal=no", "no key whose time has come")


def file_of(lab, name, address, domain, path=None):
    """A policy file: mail for that address is sealed as that domain."""
    path = path or lab.key_of[domain]
    return write(lab.path("etc/seals", f"{name}.conf"),
                 f'addresses = "{address}"; outgoing: {{ seal-domain = "{domain}"; seal-keys = "2026a:{path}"; }};\n')


def per_domain(lab, **seal):
    lab.assay_conf(seal={"enable": "false", **seal}, site={"authserv-id": '"mx.assay.example"'},
                   policy={"directory": f'"{lab.path("etc/seals")}"', "recipients": '"split"'})
    return hup(lab)


@test
def each_domain_with_its_own_key(lab):
    """Two domains on one MX; who differs gets no seal where the site has none, and the site's where it has one."""
    file_of(lab, "one", "one@local.test", "fwd.example")
    file_of(lab, "two", "two@local.test", "next.example")
    per_domain(lab)
    for mark, rcpt, domain in (("t-one", "one@local.test", "fwd.example"), ("t-two", "two@local.test", "next.example")):
        sent(lab, signed(lab, mark), "ann@sender.example", rcpt, "192.0.2.25")
        message = arrived(lab, mark)
        check_in(header_fields(message, "ARC-Seal")[0], f"d={domain}", "cv=none")
        check_in(log_line(lab, mark), f"seal=yes:i=1,d={domain},s=2026a")
        ask_all(lab, message)
    sent(lab, signed(lab, "t-nobody"), "ann@sender.example", "user@local.test", "192.0.2.25")
    assert "ARC-Seal" not in field_names(arrived(lab, "t-nobody"))
    both = ["one@local.test", "two@local.test"]
    sent(lab, signed(lab, "t-both"), "ann@sender.example", both, "192.0.2.25")
    assert "ARC-Seal" not in field_names(arrived(lab, "t-both"))
    check_in(log_line(lab, "t-both"), "seal=no", "its recipients want different seals")
    per_domain(lab, enable="true", domain='"next.example"', keys=quoted(f"2026a:{lab.key_of['next.example']}"))
    sent(lab, signed(lab, "t-both2"), "ann@sender.example", both, "192.0.2.25")
    message = arrived(lab, "t-both2")
    check_in(header_fields(message, "ARC-Seal")[0], "d=next.example")
    ask_all(lab, message)


@test
def a_domain_keeps_its_key_when_the_file_breaks(lab):
    file_of(lab, "one", "one@local.test", "fwd.example")
    file_of(lab, "two", "two@local.test", "next.example")
    per_domain(lab)
    file_of(lab, "one", "one@local.test", "fwd.example", "/nowhere/key.pem")
    said = hup(lab)
    check_in(said, "one.conf:1: seal-keys: /nowhere/key.pem: No such file", "sealed with the keys as they were before")
    done = subprocess.run([lab.assayd_path, "-n", "-c", lab.path("etc/assay.conf")], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1, done
    for mark, rcpt in (("t-kept1", "one@local.test"), ("t-kept2", "two@local.test")):
        sent(lab, signed(lab, mark), "ann@sender.example", rcpt, "192.0.2.25")
        ask_all(lab, arrived(lab, mark))
    file_of(lab, "one", "one@local.test", "fwd.example")
    hup(lab)


@test
def keys_of_keygen_sign_dkim(lab):
    settle(lab)
    for name, (path, algorithm) in lab.dkim_keys.items():
        key = read(path).encode()
        if algorithm == b"ed25519-sha256":  # dkimpy wants the 32 octets, which end the PKCS#8
            der = base64.b64decode("".join(key.decode().strip().split("\n")[1:-1]))
            key = base64.b64encode(der[-32:])
        mark = f"t-keygen-{name}"
        message = crlf(letter(mark).encode())
        field = dkim.sign(message, name.encode(), b"fwd.example", key, signature_algorithm=algorithm,
                          include_headers=SIGNED)
        sent(lab, field + message, "ann@sender.example", "user@local.test", "192.0.2.25")
        check_in(results(lab, mark), "dkim=pass", f"header.s={name}")
        assert dkimpy_dkim(lab, arrived(lab, mark))[0]


@test
def check_asks_the_same_dns(lab):
    """assayctl check over what was delivered says what the next hop would."""
    settle(lab)
    sent(lab, signed(lab, "t-check"), "ann@sender.example", "user@local.test", "192.0.2.25")
    path = write(lab.path("t-check.eml"), arrived(lab, "t-check").decode())
    done = subprocess.run([lab.assayctl, "check", "--ip", "192.0.2.25", "--from", "ann@sender.example", "--resolver",
                           f"127.0.0.1@{lab.dns_port}", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    check_in(done.stdout, "dkim=pass", "arc=pass", "spf=pass", "d=fwd.example")


def zones(lab):
    lab.signer = Signer(lab.path("keys"), "sender.example", "rsa")
    lab.key_of, lines = {}, {}
    for domain in ("fwd.example", "next.example"):
        lab.key_of[domain], lines[domain] = keygen(lab, domain, "2026a")
    lab.dkim_keys = {}
    for name, algorithm, *options in (("rsa4k", b"rsa-sha256", "--bits", "4096"),
                                      ("ed", b"ed25519-sha256", "--type", "ed25519")):
        path, line = keygen(lab, "fwd.example", name, *options)
        lab.dkim_keys[name] = (path, algorithm)
        lines["fwd.example"] += line
    lab.zone("sender.example", ['@ IN TXT "v=spf1 ip4:192.0.2.0/24 -all"', lab.signer.zone_line(),
                                '_dmarc IN TXT "v=DMARC1; p=none"'])
    for domain, line in lines.items():
        lab.zone(domain, [line])
    lab.zone("example", [])


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        with Lab(sys.argv[1], sys.argv[2], print, os.environ.get("ASSAYD_WRAPPER", "").split()) as lab:
            lab.assayctl = os.path.join(os.path.dirname(lab.assayd_path), "../cli/assayctl")
            zones(lab)
            lab.start_nsd()
            start_rspamd(lab)
            lab.assay_conf()
            lab.start_assayd()
            lab.start_postfix()
            passed, failed = run(lab, sys.argv[3:], TESTS)
    except LabError as problem:
        sys.exit(f"e2e: {problem}")
    print(f"e2e: {passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
