#!/usr/bin/python3
"""assayctl doctor before a private Postfix: each set-up is broken in one way, the doctor must find it, its advice is followed
to the letter, and then it must be content.  Usage: e2e_doctor.py WORK ASSAYD [NAME...]
"""

import contextlib
import grp
import json
import os
import re
import shutil
import socketserver
import struct
import subprocess
import sys
import threading
import time

import e2e
from lab import Lab, LabError, free_port, is_listening, read, write
from mailkit import letter

TESTS = []
KEY_FOLDER = "keys"


def test(function):
    TESTS.append(function)
    return function


# --- asking ---------------------------------------------------------------------------------

def doctor(lab, *options, user=None, config=None):
    """(exit status, lines) of assayctl doctor; what it prints must be the same in words and in JSON."""
    command = [lab.assayctl, "doctor", "--config", config or lab.path("etc/assay.conf"), "--postfix-conf", lab.path("etc/postfix"),
               "--postconf", lab.postconf, "--resolver", f"127.0.0.1@{lab.dns_port}", "--json", *options]
    began = time.monotonic()
    done = subprocess.run(command, env=lab.environment(), capture_output=True, text=True, user=user, group=user,
                          extra_groups=[] if user else None, check=False)
    assert time.monotonic() - began < 60, "it takes too long"
    assert done.stderr == "", done.stderr
    found = json.loads(done.stdout)
    for state in ("ok", "skipped", "warning", "problem"):
        assert found[state] == sum(line["state"] == state for line in found["lines"])
    assert done.returncode == (1 if found["problem"] else 3 if found["warning"] else 0), (done.returncode, found)
    lab.last_doctor = done.stdout
    return found["lines"]


def lines_of(lines, check, state=None):
    return [line for line in lines if line["check"] == check and state in (None, line["state"])]


def ill(lab, check, state, words, *options, **kwargs):
    """The line that the breakage must give, and nothing else wrong in that check."""
    lines = lines_of(doctor(lab, *options, **kwargs), check)
    hits = [line for line in lines if line["state"] == state and words in line["found"]]
    assert hits, f"no {state} with {words!r} in {lines}"
    return hits[0]


def well(lab, check, *options):
    lines = lines_of(doctor(lab, *options), check)
    assert lines and all(line["state"] in ("ok", "skipped") for line in lines), lines
    assert any(line["state"] == "ok" for line in lines), lines
    return lines


# --- following advice -----------------------------------------------------------------------

def set_assay_conf(lab, settings):
    """name = value; ... of the top level."""
    path = lab.path("etc/assay.conf")
    text = read(path)
    for name, value in re.findall(r"([a-z-]+) = ([^;]+);", settings):
        text = re.sub(rf"^{name} = .*\n", "", text, flags=re.M) + ""
        text = f"{name} = {value};\n" + text
    write(path, text)


def postconf(lab, *words):
    subprocess.run([lab.postconf, "-c", lab.path("etc/postfix"), *words], env=lab.environment(), check=True)


def restart_assayd(lab):
    lab.stop("assayd")
    listen = re.search(r'^listen = "(\w+):([^"@]*)', read(lab.path("etc/assay.conf")), re.M).groups()
    ready = (lambda: os.path.exists(listen[1])) if listen[0] == "unix" else lambda: is_listening(int(listen[1]))
    lab.start_assayd(ready)


def follow(lab, line):
    """Do what the line says; anything that this does not understand is not exact enough."""
    assert line["do"], line
    for step in line["do"].split("\n"):
        if step == "restart assayd" or step.startswith("systemctl start assayd, or: assayd -c "):
            restart_assayd(lab)
        elif step == "postfix reload":
            if "postfix" in lab.processes:
                lab.processes["postfix"].send_signal(1)
        elif step.startswith("in main.cf: "):
            postconf(lab, "-e", step.removeprefix("in main.cf: "))
        elif re.match(r"postconf -[eP] ", step):
            postconf(lab, *step.split(" ", 2)[1:])
        elif step.startswith(f"in {lab.path('etc/assay.conf')}: "):
            set_assay_conf(lab, step.split(": ", 1)[1])
        elif re.match(r"(chmod|chgrp|mkdir|install) ", step):
            subprocess.run(step, shell=True, check=True)
        elif step.startswith("in smtpd_milters: "):
            name, value = step.removeprefix("in smtpd_milters: ").split("=")
            main = read(lab.path("etc/postfix/main.cf"))
            write(lab.path("etc/postfix/main.cf"), re.sub(rf"\b{name} ?= ?[^,\s}}]+", f"{name}={value}", main))
        else:
            raise AssertionError(f"advice that cannot be followed: {step!r} of {line}")


# --- set-ups --------------------------------------------------------------------------------

def settle(lab, listen=None, **groups):
    """A good set-up, from which each test breaks one thing."""
    groups.setdefault("policy", {"directory": '""'})
    before = read(lab.path("etc/assay.conf"))
    lab.assay_conf(listen=listen, **groups)
    os.chmod(lab.path("etc/assay.conf"), 0o644)
    if read(lab.path("etc/assay.conf")) != before or "assayd" not in lab.processes:
        restart_assayd(lab)


def postfix_files(lab, main="", master="", milters=None):
    """main.cf and master.cf, without a Postfix that runs: postconf only reads them."""
    lab.write_postfix(milter=milters, main=main, master=master)


def main_cf(lab, name, value):
    postconf(lab, "-e", f"{name}={value}")


@test
def a_good_set_up(lab):
    settle(lab)
    postfix_files(lab)
    lines = doctor(lab, "--ip", "192.0.2.7")
    wrong = [line for line in lines if line["state"] in ("warning", "problem") and line["check"] not in ("clock", "syslog")]
    assert not wrong, wrong
    for check in ("settings", "user", "files", "daemon", "answer", "postfix", "services", "milter settings", "local mail", "host",
                  "resolver"):
        assert lines_of(lines, check, "ok"), check
    assert sum("comes to us" in line["found"] for line in lines_of(lines, "services")) == 3
    words = subprocess.run([lab.assayctl, "doctor", "--config", lab.path("etc/assay.conf"), "--postfix-conf",
                            lab.path("etc/postfix"), "--postconf", lab.postconf, "--fake-dns", "/dev/null"],
                           env=lab.environment(), capture_output=True, text=True, check=False).stdout
    assert re.search(r"^ok       services         service \S+ \(smtpd\) comes to us$", words, re.M), words
    assert re.search(r"^\d+ ok, \d+ skipped, \d+ warnings, \d+ problems$", words, re.M), words


@test
def no_milter_at_all(lab):
    settle(lab)
    postfix_files(lab)
    main_cf(lab, "smtpd_milters", "")
    follow(lab, ill(lab, "services", "problem", "smtpd_milters is empty"))
    well(lab, "services")


@test
def a_service_of_its_own(lab):
    settle(lab)
    postfix_files(lab, master="submission inet n - n - - smtpd\n  -o smtpd_milters=inet:127.0.0.1:9\n"
                              "127.0.0.1:10025 inet n - n - - smtpd\n  -o smtpd_milters=\n")
    lines = doctor(lab)
    assert any("10025 is not filtered" in line["found"] for line in lines_of(lines, "services", "ok"))
    follow(lab, ill(lab, "services", "problem", "service submission: smtpd_milters names none of our addresses"))
    well(lab, "services")


@test
def an_address_that_postfix_does_not_know(lab):
    settle(lab)
    postfix_files(lab)
    main_cf(lab, "smtpd_milters", f"inet6:{lab.milter_port}@localhost")
    follow(lab, ill(lab, "services", "problem", "Postfix knows no address"))
    well(lab, "services")


@test
def filtered_twice(lab):
    settle(lab)
    postfix_files(lab)
    main_cf(lab, "smtpd_milters", f"inet:127.0.0.1:{lab.milter_port}, inet:localhost:{lab.milter_port}")
    line = ill(lab, "services", "problem", "names 2 of our addresses")
    assert "one of them" in line["do"]


@test
def milter_settings(lab):
    settle(lab)
    postfix_files(lab)
    main_cf(lab, "smtpd_milters",
            f"{{ inet:127.0.0.1:{lab.milter_port}, command_timeout=12s, {{ default_action = accept }}, protocol=2 }}")
    follow(lab, ill(lab, "milter settings", "problem", "milter_command_timeout of 12s"))
    follow(lab, ill(lab, "milter settings", "warning", "default action accept"))
    follow(lab, ill(lab, "milter settings", "problem", "milter protocol 2"))
    well(lab, "milter settings")
    main_cf(lab, "smtpd_milters", f"inet:127.0.0.1:{lab.milter_port}")
    main_cf(lab, "milter_default_action", "accept")
    main_cf(lab, "milter_protocol", "4")
    main_cf(lab, "milter_content_timeout", "5s")
    follow(lab, ill(lab, "milter settings", "warning", "default action accept"))
    follow(lab, ill(lab, "milter settings", "problem", "milter protocol 4"))
    follow(lab, ill(lab, "milter settings", "problem", "milter_content_timeout of 5s"))
    well(lab, "milter settings")
    main_cf(lab, "smtpd_milter_maps", "cidr:/etc/postfix/milter_maps")
    ill(lab, "milter settings", "warning", "clients found there")
    main_cf(lab, "smtpd_milter_maps", "")
    main_cf(lab, "smtpd_proxy_filter", "127.0.0.1:10024")
    ill(lab, "milter settings", "warning", "neither header nor body")


@test
def local_mail(lab):
    settle(lab)
    postfix_files(lab)
    main_cf(lab, "non_smtpd_milters", "inet:127.0.0.1:9")
    follow(lab, ill(lab, "local mail", "problem", "non_smtpd_milters names none"))
    main_cf(lab, "internal_mail_filter_classes", "bounce")
    follow(lab, ill(lab, "local mail", "warning", "internal_mail_filter_classes = bounce"))
    main_cf(lab, "non_smtpd_milters", "")
    well(lab, "local mail")


@test
def neighbours_that_do_the_same(lab):
    settle(lab)
    ours = f"inet:127.0.0.1:{lab.milter_port}"
    postfix_files(lab, main="smtpd_recipient_restrictions = check_policy_service unix:private/policyd-spf\n")
    main_cf(lab, "smtpd_milters", f"unix:opendkim/opendkim.sock, {ours}, unix:/run/opendmarc/x")
    found = [line["found"] for line in lines_of(doctor(lab), "milter order", "warning")]
    assert len(found) == 3 and "opendkim" in found[0] and "opendmarc" in found[1] and "policy service" in found[2], found
    main_cf(lab, "smtpd_milters", f"unix:/run/rspamd/milter.sock, {ours}")
    main_cf(lab, "smtpd_recipient_restrictions", "")
    ill(lab, "milter order", "warning", "comes before assay")
    main_cf(lab, "smtpd_milters", f"{ours}, unix:/run/rspamd/milter.sock")
    well(lab, "milter order")


# --- sockets --------------------------------------------------------------------------------

def spool_socket(lab):
    path = lab.path("spool/assay/assay.sock")
    shutil.rmtree(os.path.dirname(path), ignore_errors=True)
    os.makedirs(os.path.dirname(path))
    return path


@test
def outside_the_chroot(lab):
    folder = lab.path("run")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(lab.path("spool/assay"), ignore_errors=True)
    os.makedirs(lab.path("spool"), exist_ok=True)
    settle(lab, listen=f'"unix:{folder}/assay.sock"', top={"socket-group": '"uucp"'})
    postfix_files(lab, milters=f"unix:{folder}/assay.sock")
    well(lab, "services")
    write(lab.path("etc/postfix/master.cf"), read(lab.path("etc/postfix/master.cf")).replace("inet n - n", "inet n - y"))
    line = ill(lab, "services", "problem", "it is chrooted and looks for " + lab.path("spool"))
    follow(lab, line)
    follow(lab, ill(lab, "services", "problem", "names none of our addresses"))  # submission has a list of its own
    well(lab, "services")
    well(lab, "answer")


@test
def a_relative_path_means_the_queue(lab):
    path = spool_socket(lab)
    settle(lab, listen=f'"unix:{path}"', top={"socket-group": '"uucp"'})
    for chroot in "ny":
        postfix_files(lab, milters="unix:assay/assay.sock")
        write(lab.path("etc/postfix/master.cf"),
              read(lab.path("etc/postfix/master.cf")).replace("inet n - n", f"inet n - {chroot}"))
        well(lab, "services")
    main_cf(lab, "smtpd_milters", "unix:assay.sock")
    follow(lab, ill(lab, "services", "problem", "names none of our addresses"))
    well(lab, "services")


@test
def postfix_may_not_write_to_the_socket(lab):
    """What the doctor says is so: mail waits before its advice is followed, and comes through after."""
    path = spool_socket(lab)
    settle(lab, listen=f'"unix:{path}"', top={"socket-group": '"nogroup"', "socket-mode": '"0600"'})
    lab.start_postfix(milter="unix:assay/assay.sock")
    try:
        code, _ = lab.send(letter("d-socket"), "ann@sender.example", "user@local.test", "192.0.2.25")
        assert code == 451, code
        follow(lab, ill(lab, "services", "problem", "uucp cannot write to " + path))
        well(lab, "services")
        e2e.sent(lab, letter("d-socket2"), "ann@sender.example", "user@local.test", "192.0.2.25")
        os.chmod(os.path.dirname(path), 0o700)
        code, _ = lab.send(letter("d-socket3"), "ann@sender.example", "user@local.test", "192.0.2.25")
        assert code == 451, code
        follow(lab, ill(lab, "services", "problem", "uucp cannot pass " + os.path.dirname(path)))
        well(lab, "services")
        e2e.sent(lab, letter("d-socket4"), "ann@sender.example", "user@local.test", "192.0.2.25")
    finally:
        lab.stop("postfix")


# --- the daemon -----------------------------------------------------------------------------

@test
def not_running(lab):
    settle(lab)
    postfix_files(lab)
    lab.stop("assayd")
    line = ill(lab, "daemon", "problem", "assayd does not run: there is no")
    ill(lab, "answer", "problem", "Connection refused")
    write(lab.path("assayd.pid"), "1\n")
    ill(lab, "daemon", "problem", "is left over, nobody has its lock")
    follow(lab, line)
    well(lab, "daemon")
    well(lab, "answer")


class Answers(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextlib.contextmanager
def server(port, say):
    """A server that calls say(connection) for each connection."""
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):
                say(self.request)

    with Answers(("127.0.0.1", port), Handler) as s:
        thread = threading.Thread(target=s.serve_forever)
        thread.start()
        try:
            yield
        finally:
            s.shutdown()
            thread.join()


def optneg(version, actions):
    return struct.pack(">IcIII", 13, b"O", version, actions, 0)


@test
def somebody_else_answers(lab):
    settle(lab)
    postfix_files(lab)
    lab.stop("assayd")
    for say, words in (
            (lambda c: c.sendall(b"220 mx ESMTP\r\n"), "does not speak the milter protocol"),
            (lambda c: c.recv(100) and c.sendall(optneg(2, 0x11)), "version 2"),
            (lambda c: c.recv(100) and c.sendall(optneg(6, 0x40)), "that is another filter"),
            (lambda c: c.recv(100) and c.sendall(optneg(6, 0xffffffff)), "not offered"),
            (lambda c: c.recv(100) and c.sendall(struct.pack(">I", 0xffffffff) + b"O" * 100), "wrong length"),
            (lambda c: c.recv(100) and None, "without an answer"),
            (lambda c: time.sleep(20), "no answer within"),
            (lambda c: c.sendall(b"\0\0\0\x0dO") or time.sleep(20), "no answer within")):
        with server(lab.milter_port, say):
            ill(lab, "answer", "problem", words)
    restart_assayd(lab)


# --- files ----------------------------------------------------------------------------------

@test
def mistakes_in_files(lab):
    folder = lab.path("etc/domains")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    settle(lab, policy={"directory": f'"{folder}"'})
    postfix_files(lab)
    good = read(lab.path("etc/assay.conf"))
    write(folder + "/a.conf", 'domains = ["local.test";\n')
    ill(lab, "policies", "problem", "1 files with mistakes")
    line = ill(lab, "settings", "problem", "a.conf")
    assert "assayctl conf check" in line["do"]
    write(folder + "/a.conf", 'domains = "local.test";\n')
    well(lab, "policies")
    os.chmod(folder + "/a.conf", 0o600)
    follow(lab, ill(lab, "files", "problem", "nobody cannot read"))
    well(lab, "files")
    os.chmod(folder + "/a.conf", 0o666)
    follow(lab, ill(lab, "files", "problem", "everybody may write"))
    well(lab, "files")
    os.chmod(lab.path("etc/assay.conf"), 0o600)
    follow(lab, ill(lab, "files", "problem", "nobody cannot read " + lab.path("etc/assay.conf")))
    well(lab, "files")
    write(lab.path("etc/assay.conf"), good + "spf: { engine = \"third\"; };\n")
    ill(lab, "settings", "problem", "spf.engine")
    write(lab.path("etc/assay.conf"), good)
    well(lab, "settings")
    ill(lab, "settings", "problem", "No such file", config="/nonexistent/assay.conf")


@test
def the_user(lab):
    settle(lab)
    postfix_files(lab)
    good = read(lab.path("etc/assay.conf"))
    write(lab.path("etc/assay.conf"), good.replace('user = "nobody"', 'user = "noone-of-that-name"'))
    line = ill(lab, "user", "problem", "there is none")
    assert "adduser --system" in line["do"]
    write(lab.path("etc/assay.conf"), good.replace('user = "nobody"', 'user = "root"'))
    ill(lab, "user", "problem", "is root")
    write(lab.path("etc/assay.conf"), good)
    well(lab, "user")


@test
def the_history(lab):
    folder = lab.path("history")
    shutil.rmtree(folder, ignore_errors=True)
    settle(lab, dmarc={"history-file": f'"{folder}/h.dat"'})
    postfix_files(lab)
    follow(lab, ill(lab, "folders", "problem", "is not there"))
    well(lab, "folders")
    os.chown(folder, 0, 0)
    follow(lab, ill(lab, "folders", "problem", "nobody cannot"))
    well(lab, "folders")


@test
def without_root(lab):
    """It says what it cannot see, finds no problem that is none, and shows nothing of secrets."""
    folder = lab.path("run")
    shutil.rmtree(folder, ignore_errors=True)
    path, _ = keygen(lab)
    settle(lab, listen=f'"unix:{folder}/assay.sock"', top={"socket-group": '"uucp"'}, seal=sealing(path))
    postfix_files(lab, milters=f"unix:{folder}/assay.sock")
    os.chmod(os.path.dirname(path), 0o755)
    os.chmod(lab.path("etc/assay.conf"), 0o644)
    lines = doctor(lab, user="daemon")
    for check in ("answer", "keys"):
        skipped = lines_of(lines, check, "skipped")
        assert skipped and "run as root" in skipped[0]["found"], lines_of(lines, check)
    wrong = [line for line in lines if line["state"] == "problem" and line["check"] not in ("clock", "syslog")]
    assert not wrong, wrong
    os.chmod(lab.path("etc/assay.conf"), 0o600)
    lines = doctor(lab, user="daemon")
    assert "run as root" in lines_of(lines, "settings", "skipped")[0]["found"], lines


# --- keys and DNS ---------------------------------------------------------------------------

def keygen(lab, selector="k1"):
    """(path of the private key, lines for a zone)"""
    path = lab.path(KEY_FOLDER, f"{selector}.pem")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        os.unlink(path)
    done = subprocess.run([lab.assayctl, "keygen", "--domain", "seal.example", "--selector", selector, "--out", path],
                          capture_output=True, text=True, check=True)
    os.chown(path, 0, grp.getgrnam("nogroup").gr_gid)
    os.chmod(path, 0o640)
    return path, done.stdout


def sealing(*paths):
    return {"enable": "true", "domain": '"seal.example"', "keys": "[" + ", ".join(f'"k{i + 1}:{p}"' for i, p in enumerate(paths)) + "]"}


def record(zone_text):
    return "".join(re.findall(r'"([^"]*)"', zone_text))


def serve(lab, text):
    """Let DNS have it: a file for --fake-dns, in strings of at most 250."""
    parts = " ".join(f'"{text[i:i + 250]}"' for i in range(0, len(text), 250))
    return write(lab.path("dns.txt"), f"k1._domainkey.seal.example TXT {parts}\n" if text else "x.example A 192.0.2.1\n")


@test
def keys_and_their_records(lab):
    path, zone = keygen(lab)
    _, other = keygen(lab, "k2")
    settle(lab, seal=sealing(path))
    postfix_files(lab)
    good = record(zone)
    for text, state, words in (
            (good, "ok", "fits the key"),
            ("", "problem", "is not found"),
            (record(other), "problem", "p= differs"),
            (re.sub("p=.*", "p=", good), "problem", "revoked"),
            (good.replace("k=rsa;", "k=rsa; t=y;"), "warning", "t=y"),
            (good.replace("v=DKIM1", "v=DKIM2"), "problem", "no DKIM key record"),
            ("v=DKIM1; p=AAAA", "problem", "k1._domainkey.seal.example")):
        line = ill(lab, "keys", state, words, "--fake-dns", serve(lab, text))
        if state == "problem":  # following it is publishing the record that it names
            published = re.search(r'TXT "([^"]*)"', line["do"]).group(1)
            ill(lab, "keys", "ok", "fits the key", "--fake-dns", serve(lab, published))
    pem = read(path).split("\n")[1]
    assert pem not in lab.last_doctor
    os.chmod(path, 0o644)
    follow(lab, ill(lab, "secrets", "problem", "lets others at it"))
    well(lab, "secrets")
    os.chown(path, 0, 0)
    follow(lab, ill(lab, "secrets", "problem", "nobody cannot read"))
    well(lab, "secrets")


@test
def keys_and_domains_of_policy_files(lab):
    path, zone = keygen(lab)
    folder = lab.path("etc/domains")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chmod(folder, 0o755)
    write(folder + "/a.conf", 'domains = "local.test"; outgoing: { seal-domain = "seal.example"; '
                              f'seal-keys = "k1:{path}"; srs-domain = "srs2.test"; }};\n')
    os.chmod(folder + "/a.conf", 0o644)
    settle(lab, policy={"directory": f'"{folder}"'},
           srs={"enable": "true", "domain": '"srs.test"', "old-domains": '"srs1.test"', "secrets": f'"{srs_secrets(lab)}"'})
    postfix_files(lab)
    ill(lab, "keys", "ok", "fits the key", "--fake-dns", serve(lab, record(zone)))
    ill(lab, "keys", "problem", "is not found", "--fake-dns", serve(lab, ""))
    os.chmod(path, 0o604)
    follow(lab, ill(lab, "secrets", "problem", "a key that seals"))
    good = "".join(f'{name}.test MX 10 mx.test\n{name}.test TXT "v=spf1 -all"\n' for name in ("srs", "srs2"))
    fake = lab.path("srs-dns.txt")
    write(fake, good + "srs1.test MX 10 mx.test\n")
    well(lab, "srs domain", "--fake-dns", fake)
    write(fake, good)
    ill(lab, "srs domain", "problem", "srs1.test has no MX", "--fake-dns", fake)
    write(fake, good.replace('srs2.test TXT "v=spf1 -all"\n', "") + "srs1.test MX 10 mx.test\n")
    ill(lab, "srs domain", "problem", "srs2.test has no SPF", "--fake-dns", fake)


def srs_secrets(lab):
    path = write(lab.path("etc/srs.secrets"), "correct horse battery staple\n")
    os.chown(path, 0, grp.getgrnam("nogroup").gr_gid)
    os.chmod(path, 0o640)
    return path


@test
def the_srs_domain(lab):
    secrets = srs_secrets(lab)
    settle(lab, srs={"enable": "true", "domain": '"srs.test"', "secrets": f'"{secrets}"'})
    postfix_files(lab)
    fake = lab.path("srs-dns.txt")
    mx, spf = "srs.test MX 10 mx.srs.test\nmx.srs.test A 192.0.2.7\n", 'srs.test TXT "v=spf1 mx -all"\n'
    ips = ["--ip", "192.0.2.7", "--fake-dns", fake]
    write(fake, mx + spf)
    well(lab, "srs domain", *ips)
    write(fake, spf)
    ill(lab, "srs domain", "problem", "no MX record", *ips)
    write(fake, "srs.test MX 0 .\n" + spf)
    ill(lab, "srs domain", "problem", "null MX", *ips)
    write(fake, mx)
    ill(lab, "srs domain", "problem", "no SPF record", *ips)
    write(fake, mx + spf)
    line = ill(lab, "srs domain", "problem", "fail for 192.0.2.8", "--ip", "192.0.2.8", "--fake-dns", fake)
    term = re.match(r"add (\S+) to the SPF record", line["do"]).group(1)
    write(fake, mx + spf.replace("mx -all", f"mx {term} -all"))
    well(lab, "srs domain", "--ip", "192.0.2.8", "--fake-dns", fake)
    assert "horse" not in lab.last_doctor
    os.chmod(secrets, 0o644)
    follow(lab, ill(lab, "secrets", "problem", "srs.secrets"))
    well(lab, "secrets")


@test
def the_host(lab):
    settle(lab)
    postfix_files(lab)
    fake = lab.path("host-dns.txt")
    name, ptr = "mx.assay.example A 192.0.2.7\n", "7.2.0.192.in-addr.arpa PTR mx.assay.example\n"
    options = ["--ip", "192.0.2.7", "--fake-dns", fake]
    write(fake, name + ptr)
    well(lab, "host", *options)
    write(fake, name)
    ill(lab, "host", "problem", "no PTR record", *options)
    write(fake, ptr + "mx.assay.example A 192.0.2.9\n")
    ill(lab, "host", "problem", "that name has another address", *options)
    write(fake, ptr)
    ill(lab, "host", "warning", "has no address in DNS", *options)


@test
def the_resolver(lab):
    settle(lab)
    postfix_files(lab)
    ill(lab, "resolver", "ok", "refuses dnssec-failed.org")
    ill(lab, "resolver", "problem", "does not answer", "--resolver", "127.0.0.1@9")
    ill(lab, "resolver", "skipped", "--fake-dns", "--fake-dns", "/dev/null")
    lab.zone("dnssec-failed.org", ["@ IN A 192.0.2.66"])
    lab.stop("nsd")
    lab.start_nsd()
    line = ill(lab, "resolver", "warning", "nobody validates")
    assert "dnssec = true" in line["do"]
    # The key of the root, which the laboratory's servers know nothing of; then none at all.  Only assayctl reads this.
    anchor = write(lab.path("etc/root.key"),
                   ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0D0D7C65D08458E880409BBC683457104237C7F8EC8D\n")
    for path, words in ((anchor, "example.org"), ("/nonexistent/root.key", "root.key")):
        lab.assay_conf(policy={"directory": '""'}, dns={"dnssec": "true", "trust-anchor": f'"{path}"'})
        ill(lab, "resolver", "problem", words, "--resolver", f"127.0.0.1@{lab.dns_port}")


# --- SRS maps -------------------------------------------------------------------------------

def socketmap(forward, reverse):
    """A server of the two maps; each a function from key to reply."""
    def talk(connection):
        with connection.makefile("rwb") as f:
            while True:
                length = b""
                while (octet := f.read(1)) not in (b":", b""):
                    length += octet
                if not octet:
                    return
                name, _, key = f.read(int(length)).partition(b" ")
                f.read(1)
                reply = {b"forward": forward, b"reverse": reverse}[name](key)
                f.write(b"%d:%s," % (len(reply), reply))
                f.flush()
    return talk


def srs0(key):
    user, at, host = key.partition(b"@")
    return b"OK SRS0=%s=%s@srs.test" % (host, user) if at else b"NOTFOUND "


def unsrs0(key):
    match = re.match(rb"SRS0=(.*)=(.*)@srs.test$", key)
    return b"OK %s@%s" % (match.group(2), match.group(1)) if match else b"NOTFOUND "


@test
def srs_maps_and_their_server(lab):
    settle(lab)
    port = lab.spare_port
    here = f"socketmap:inet:127.0.0.1:{port}:"
    postfix_files(lab, main=f"sender_canonical_maps = {here}forward\n")
    with server(port, socketmap(srs0, unsrs0)):
        follow(lab, ill(lab, "srs maps", "problem", "sender_canonical_classes = envelope_sender, header_sender"))
        ill(lab, "srs maps", "warning", "no map restores")
        main_cf(lab, "recipient_canonical_maps", here + "reverse")
        follow(lab, ill(lab, "srs maps", "problem", "recipient_canonical_classes = "))
        well(lab, "srs maps")
        assert any("comes back" in line["found"] for line in well(lab, "srs server"))
        main_cf(lab, "canonical_maps", here + "forward")
        ill(lab, "srs maps", "problem", "canonical_maps holds an SRS map")
        main_cf(lab, "canonical_maps", "")
    ill(lab, "srs server", "problem", "Connection refused")
    for forward, reverse, words in (
            (lambda key: b"OK x@srs.test", unsrs0, "for the null sender"),
            (srs0, lambda key: b"NOTFOUND ", "does not come back"),
            (srs0, lambda key: b"TEMP later", "for the null sender")):
        with server(port, socketmap(forward, reverse)):
            ill(lab, "srs server", "problem", words)
    for say, words in ((lambda c: c.sendall(b"220 mx ESMTP\r\n"), "no netstring"), (lambda c: c.recv(100) and None, "without an answer"),
                       (lambda c: c.sendall(b"9"), "no answer within")):
        with server(port, lambda c, say=say: (say(c), time.sleep(8) if say and words.startswith("no answer") else None)):
            ill(lab, "srs server", "problem", words)


@test
def our_own_srs_maps(lab):
    """Served by assayd, asked by Postfix as the advice says; then a name that is not ours."""
    secrets = srs_secrets(lab)
    path = spool_socket(lab)
    settle(lab, listen=f'"unix:{path}"', top={"socket-group": '"uucp"'},
           srs={"enable": "true", "domain": '"srs.test"', "secrets": f'"{secrets}"',
                "listen": f'"unix:{lab.path("spool/assay/srs.sock")}"'})
    postfix_files(lab, milters="unix:assay/assay.sock")
    follow(lab, ill(lab, "srs maps", "warning", "main.cf asks no SRS map"))
    well(lab, "srs maps")
    lines = well(lab, "srs server")
    assert sum("becomes SRS0=" in line["found"] and "comes back" in line["found"] for line in lines) == 2, lines
    main_cf(lab, "recipient_canonical_maps", f"socketmap:inet:127.0.0.1:{lab.spare_port}:reverse")
    follow(lab, ill(lab, "srs server", "problem", "which is no address of srs.listen"))
    well(lab, "srs server")
    os.chmod(lab.path("spool/assay/srs.sock"), 0o600)
    ill(lab, "srs server", "problem", "uucp cannot write to")
    lab.stop("assayd")
    ill(lab, "srs server", "problem", "No such file")


@test
def milter_and_maps(lab):
    """Rewriting by the milter and by the map, or nobody who restores."""
    path = spool_socket(lab)
    table = write(lab.path("etc/virtual"), "fwd@local.test friend@outside.test\n")
    os.chmod(table, 0o644)
    srs = {"enable": "true", "domain": '"srs.test"', "secrets": f'"{srs_secrets(lab)}"', "milter": "true",
           "local-domains": '"local.test"', "virtual": f'"{table}"', "listen": f'"unix:{lab.path("spool/assay/srs.sock")}"'}
    settle(lab, listen=f'"unix:{path}"', top={"socket-group": '"uucp"'}, srs=srs)
    postfix_files(lab, milters="unix:assay/assay.sock")
    follow(lab, ill(lab, "srs maps", "problem", "no map that restores"))
    well(lab, "srs maps")
    well(lab, "srs server")
    main_cf(lab, "sender_canonical_maps", "socketmap:unix:assay/srs.sock:forward")
    main_cf(lab, "sender_canonical_classes", "envelope_sender")
    follow(lab, ill(lab, "srs maps", "problem", "srs.milter is on, and sender_canonical_maps"))
    well(lab, "srs maps")
    os.chmod(table, 0o600)
    follow(lab, ill(lab, "files", "problem", "srs.virtual: nobody cannot read"))
    well(lab, "files")
    settle(lab, listen=f'"unix:{path}"', top={"socket-group": '"uucp"'}, srs={**srs, "restore": '"milter"'})
    ill(lab, "srs maps", "warning", "restored twice")
    main_cf(lab, "recipient_canonical_maps", "")
    well(lab, "srs maps")


# --- Sendmail -------------------------------------------------------------------------------

@test
def sendmail_cf(lab):
    settle(lab)
    postfix_files(lab)
    cf = lab.path("etc/sendmail.cf")
    options = ["--sendmail-cf", cf]
    good = f"Xassay, S=inet:{lab.milter_port}@127.0.0.1, F=T, T=C:30s;S:10s;R:30s;E:5m\n"
    listed = "O InputMailFilters=assay\n"
    write(cf, "# a comment\nDj$w\n" + listed + good)
    well(lab, "sendmail", *options)
    for text, state, words in (
            ("", "problem", "no X line"),
            (listed, "problem", "no X line"),
            (good, "problem", "not in InputMailFilters"),
            (listed + good.replace("F=T, ", ""), "warning", "without F="),
            (listed + good.replace("F=T", "F=R"), "warning", "F= is not T"),
            (listed + good.replace("R:30s", "R:3s"), "problem", "waits 3 s for an answer"),
            (listed + good.replace("R:30s;", ""), "problem", "waits 10 s for an answer"),
            (listed + good.replace("inet:", "inet6:"), "problem", "no X line"),
            (listed + good + good.replace("Xassay", "Xassay2"), "problem", "2 filters")):
        write(cf, text)
        line = ill(lab, "sendmail", state, words, *options)
        macro = re.search(r"INPUT_MAIL_FILTER\(`(\w+)', `(S=[^']*)'\)", line["do"])
        if macro:  # what m4 makes of it
            write(cf, f"O InputMailFilters={macro[1]}\nX{macro[1]}, {macro[2]}\n")
            well(lab, "sendmail", *options)
    folder = lab.path("run")
    shutil.rmtree(folder, ignore_errors=True)
    settle(lab, listen=f'"unix:{folder}/assay.sock"', top={"socket-group": '"uucp"'})
    write(cf, listed + f"Xassay, S=unix:{folder}/assay.sock, F=T, T=C:30s;S:10s;R:30s;E:5m\n")
    well(lab, "sendmail", *options)
    os.chmod(folder, 0o775)
    follow(lab, ill(lab, "sendmail", "problem", "calls a socket unsafe", *options))
    well(lab, "sendmail", *options)


def zones(lab):
    lab.zone("assay.example", ["mx IN A 192.0.2.7"])
    lab.zone("192.in-addr.arpa", ["7.2.0 IN PTR mx.assay.example."])
    lab.zone("sender.example", ['@ IN TXT "v=spf1 ip4:192.0.2.0/24 -all"', "@ IN A 192.0.2.25"])
    lab.zone("example.org", ["@ IN A 192.0.2.1"])
    lab.zone("dnssec-failed.org", None)
    lab.zone("example", [])


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        with Lab(sys.argv[1], sys.argv[2], print) as lab:
            lab.assayctl = os.path.join(os.path.dirname(sys.argv[2]), "../cli/assayctl")
            lab.postconf = os.path.join(lab.root, "usr/sbin/postconf")
            lab.spare_port = free_port()
            shutil.rmtree(lab.path("zones"), ignore_errors=True)
            zones(lab)
            lab.start_nsd()
            passed, failed = e2e.run(lab, sys.argv[3:], TESTS)
    except LabError as problem:
        sys.exit(f"e2e: {problem}")
    print(f"e2e: {passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
