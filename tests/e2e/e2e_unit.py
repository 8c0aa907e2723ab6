#!/usr/bin/python3
"""assayd under the restrictions of contrib/systemd/assayd.service.  Usage: e2e_unit.py WORK ASSAYD [NAME...]

There need be no systemd: as_unit.py does what it would do.  Needs root; nothing is downloaded.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import sys
import time
import traceback

import hostile_dns
from hostile import SmallLab, message, until_alive
from lab import LabError, read, wait_until, write

HERE = os.path.dirname(os.path.abspath(__file__))
UNIT = os.path.join(HERE, "../../contrib/systemd/assayd.service.in")
CAPABILITIES = 1 << 0 | 1 << 5 | 1 << 6 | 1 << 7  # chown, kill, setgid, setuid
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def status_of(pid, key):
    return next(line.split(None, 1)[1].strip() for line in read(f"/proc/{pid}/status").splitlines()
                if line.startswith(key + ":"))


class UnitLab(SmallLab):
    def __enter__(self):
        super().__enter__()
        for name in ("run", "var", "usr"):
            shutil.rmtree(self.path(name), ignore_errors=True)
        self.run_dir, self.lib_dir = self.path("run/assay"), self.path("var/lib/assay")
        self.socket, self.history = self.run_dir + "/assay.sock", self.lib_dir + "/dmarc.history"
        for path in (self.run_dir, self.lib_dir, self.path("var/spool/postfix/assay"), self.path("usr/sbin")):
            os.makedirs(path)
        nobody = pwd.getpwnam("nobody")
        os.chown(self.lib_dir, nobody.pw_uid, nobody.pw_gid)
        os.chmod(self.lib_dir, 0o750)
        # Copied, as it may lie below what the unit hides.
        self.assayd_path = shutil.copy(self.assayd_path, self.path("usr/sbin/assayd"))
        self.wrapper = ["/usr/bin/python3", os.path.join(HERE, "as_unit.py"), UNIT, self.work]
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.heard.settimeout(10)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path("notify"))
        self.heard.bind(self.path("notify"))
        os.environ["NOTIFY_SOCKET"] = self.path("notify")
        self.assay_conf(top={"pid-file": f'"{self.run_dir}/assayd.pid"', "socket-group": '"mail"',
                             "listen": f'("inet:{self.milter_port}@127.0.0.1", "unix:{self.socket}")'},
                        dmarc={"history-file": f'"{self.history}"'})
        return self

    def __exit__(self, *exc):
        super().__exit__(*exc)
        self.heard.close()

    def parent(self):
        return self.processes["assayd"].pid

    def start(self, *args, **kwargs):
        super().start(*args, **kwargs)
        assert self.heard.recv(100) == b"READY=1"


@test
def is_confined(lab):
    parent = lab.parent()
    assert int(status_of(parent, "CapBnd"), 16) == CAPABILITIES, status_of(parent, "CapBnd")
    for pid in [parent, *lab.workers()]:
        assert status_of(pid, "NoNewPrivs") == "1"
        assert status_of(pid, "Seccomp") == "2"
    for pid in lab.workers():
        assert status_of(pid, "Uid").split() == ["65534"] * 4, status_of(pid, "Uid")
        assert int(status_of(pid, "CapPrm"), 16) == 0
    for path in ("/etc", "/usr", lab.path("etc"), "/var"):
        try:
            with open(f"/proc/{parent}/root{path}/assay-was-here", "w", encoding="ascii"):
                os.unlink(f"{path}/assay-was-here")
        except OSError as problem:
            assert problem.errno == 30, problem  # EROFS
        else:
            raise AssertionError(f"{path} can be written to")


@test
def nothing_is_said_of_missing_rights(lab):
    for bad in ("warning:", "error:", "denied", "not permitted"):
        assert bad not in lab.assayd_log(), lab.assayd_log()


@test
def socket_has_its_owner(lab):
    st = os.stat(lab.socket)
    assert (st.st_uid, st.st_mode & 0o777) == (65534, 0o660), st
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(lab.socket)


@test
def mail_and_history(lab):
    answer, results, _ = message(lab, author=b"ceo@victim.example")
    assert answer == b"c" and b"spf=pass" in results and b"dmarc=fail" in results, (answer, results)
    assert "from victim.example" in read(lab.history), read(lab.history)


@test
def history_is_rotated(lab):
    message(lab, author=b"ceo@victim.example")
    before = read(lab.history)
    os.rename(lab.history, lab.history + ".1")
    message(lab, author=b"ceo@victim.example")
    assert read(lab.history + ".1") == before and "from victim.example" in read(lab.history)


@test
def killed_worker_is_replaced(lab):
    before = lab.workers()
    os.kill(before[0], signal.SIGKILL)
    wait_until("a new worker", lambda: len(lab.workers()) == 2 and lab.workers() != before)
    until_alive(lab)


@test
def reload_is_done(lab):
    os.kill(lab.parent(), signal.SIGHUP)
    wait_until("all to have the new settings", lambda: lab.assayd_log().count("settings of generation 2 are in force") == 2)
    until_alive(lab)


@test
def dead_sockets_do_not_hinder(lab):
    workers = lab.workers()
    lab.stop("assayd", signal.SIGKILL)
    for pid in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until("all to be gone", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))
    assert os.path.exists(lab.socket)
    lab.start_assayd()
    until_alive(lab)


@test
def end_is_clean(lab):
    assert lab.stop("assayd") == 0
    assert lab.heard.recv(100) == b"STOPPING=1"
    assert os.listdir(lab.run_dir) == [], os.listdir(lab.run_dir)
    assert lab.assayd_log().endswith("stopped\n"), lab.assayd_log()[-300:]


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    passed = failed = 0
    # A leak checker traces its process, which the unit forbids.
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"
    try:
        with UnitLab(sys.argv[1], sys.argv[2], print) as lab, hostile_dns.Server(lab.dns_port) as lab.dns:
            lab.start_assayd()
            for function in TESTS:
                if sys.argv[3:] and function.__name__ not in sys.argv[3:]:
                    continue
                began = time.monotonic()
                try:
                    function(lab)
                except Exception:  # any failure of a test is a failed test
                    failed += 1
                    print(f"FAIL  {function.__name__}\n{traceback.format_exc()}\n{lab.assayd_log()[-3000:]}", flush=True)
                else:
                    passed += 1
                    print(f"ok    {function.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
    except LabError as problem:
        sys.exit(f"e2e_unit: {problem}")
    print(f"e2e: {passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
