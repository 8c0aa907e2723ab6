#!/usr/bin/env python3
"""The life of assayd: start, second start, reload, death of a worker, end.

Needs the program (environment ASSAYD) and nothing else: no MTA, no network.  Run as root it also looks at the
change of user; otherwise those cases are shown as skipped.
"""
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

ASSAYD = os.environ.get("ASSAYD", "src/daemon/assayd")
ROOT = os.geteuid() == 0
NOBODY = 65534
# A sanitizer build tells leaks at exit; libconfig 1.5 loses the text of a file with a syntax error.
ENV = dict(os.environ, LSAN_OPTIONS="detect_leaks=0")


def wait_for(what, seconds=20.0):
    """True as soon as what() is; False after that many seconds (a sanitizer build on a busy machine is slow)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return bool(what())


class Milter:
    """An MTA's side of one milter connection."""

    NR = {"H": 0x2000, "M": 0x4000, "R": 0x8000, "T": 0x10000, "C": 0x1000, "L": 0x80, "N": 0x40000, "B": 0x80000}
    NO = {"C": 0x1, "H": 0x2, "M": 0x4, "R": 0x8, "B": 0x10, "L": 0x20, "N": 0x40, "T": 0x200}

    def __init__(self, address):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.s = socket.socket(family)
        self.s.settimeout(20)
        try:
            self.s.connect(address)
        except OSError:
            self.s.close()
            raise
        self.flags = 0
        self.send(b"O", struct.pack(">III", 6, 0x1FF, 0x1FFFFF))
        _, data = self.receive()
        self.flags = struct.unpack(">III", data[:12])[2]

    def send(self, command, data=b""):
        self.s.sendall(struct.pack(">I", len(data) + 1) + command + data)

    def receive(self):
        head = self.octets(4)
        data = self.octets(struct.unpack(">I", head)[0])
        return data[:1], data[1:]

    def octets(self, n):
        got = b""
        while len(got) < n:
            more = self.s.recv(n - len(got))
            if not more:
                raise EOFError
            got += more
        return got

    def tell(self, command, data=b""):
        """Send a command as an MTA would; its answer, or b"" where none is given."""
        letter = command.decode()
        if self.flags & self.NO.get(letter, 0):
            return b""
        self.send(command, data)
        return b"" if self.flags & self.NR.get(letter, 0) else self.receive()[0]

    def connect(self):
        self.tell(b"C", b"localhost\0" + b"4" + struct.pack(">H", 2525) + b"127.0.0.1\0")
        self.tell(b"H", b"localhost\0")

    def begin(self):
        """A message up to its header; the answer to RCPT, or to MAIL when that is a refusal already."""
        answer = self.tell(b"M", b"<a@example.org>\0")
        if answer in (b"", b"c"):
            answer = self.tell(b"R", b"<b@example.org>\0")
        if answer in (b"", b"c"):
            self.tell(b"T")
            self.tell(b"L", b"From\0 a@example.org\0")
            self.tell(b"N")
        return answer

    def end(self):
        """The end of the message: what the filter answers, edits passed over."""
        self.tell(b"B", b"text\r\n")
        self.send(b"E")
        while True:
            kind, _ = self.receive()
            if kind not in (b"i", b"h", b"m", b"p", b"+", b"-", b"e"):
                return kind

    def message(self):
        self.connect()
        self.begin()
        return self.end()

    def close(self):
        self.s.close()


class Life(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="assayd_life.")
        os.chmod(self.dir, 0o755)
        self.conf = os.path.join(self.dir, "assay.conf")
        self.sock = os.path.join(self.dir, "run", "a.sock")
        self.pid_file = os.path.join(self.dir, "run", "assayd.pid")
        self.log = os.path.join(self.dir, "log")
        self.running = []
        self.write()

    def tearDown(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()
        # What was put into the background is known by its pid file, which may outlive it.
        pid = self.pid()
        if pid and self.conf in self.command_line(pid):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.dir)

    @staticmethod
    def command_line(pid):
        try:
            with open("/proc/%d/cmdline" % pid) as f:
                return f.read().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            return []

    def write(self, more="", listen=None, stop_wait=5):
        """RCPT is answered: what was sent before has been read then, and a signal comes after it."""
        with open(self.conf, "w") as f:
            f.write('listen = %s;\npid-file = "%s";\nuser = "nobody"; group = "nogroup"; stop-wait = %d; wait-at-rcpt = true;\n%s\n'
                    % (listen or '"unix:%s"' % self.sock, self.pid_file, stop_wait, more))

    def said(self):
        with open(self.log) as f:
            return f.read()

    def pid(self):
        try:
            with open(self.pid_file) as f:
                return int(f.read() or 0)
        except FileNotFoundError:
            return 0

    def start(self, **more):
        """In the foreground, up to its listening line."""
        before = self.said().count("listening on") if os.path.exists(self.log) else 0
        with open(self.log, "a") as log:
            process = subprocess.Popen([ASSAYD, "-f", "-c", self.conf], stderr=log, env=ENV, **more)
        self.running.append(process)
        self.assertTrue(wait_for(lambda: self.said().count("listening on") > before or process.poll() is not None), self.said())
        self.assertIsNone(process.poll(), self.said())
        return process

    def run_once(self, *args, **more):
        return subprocess.run([ASSAYD, *args], capture_output=True, text=True, env=ENV, timeout=60, check=False, **more)

    @staticmethod
    def children(pid):
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return [int(word) for word in f.read().split()]

    @staticmethod
    def status(pid):
        with open("/proc/%d/status" % pid) as f:
            return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)

    # ---- command line ----------------------------------------------------------------------

    def test_check_says_all_mistakes(self):
        self.write('lisen = 1;\ndkim: { clock-skew = 99999; };\nsite: { internal = "x"; };')
        r = self.run_once("-n", "-c", self.conf)
        self.assertEqual(r.returncode, 1)
        self.assertIn("assay.conf:4: lisen: no such setting; did you mean listen?", r.stderr)
        self.assertIn("assay.conf:5: dkim.clock-skew: 99999 is not within", r.stderr)
        self.assertIn("assay.conf:6: site.internal: x is no address", r.stderr)
        self.assertFalse(os.path.exists(os.path.dirname(self.sock)))

    def test_check_of_a_good_file(self):
        r = self.run_once("-n", "-c", self.conf)
        self.assertEqual((r.returncode, r.stderr), (0, ""))

    @unittest.skipUnless(ROOT, "needs root")
    def test_check_looks_for_the_users(self):
        for name, value, said in (("user", "nosuchuser", "user nosuchuser: there is none"),
                                  ("user", "root", "user root: is root"),
                                  ("group", "nosuchgroup", "group nosuchgroup: there is none"),
                                  ("group", "root", "group root: is root's"),
                                  ("socket-owner", "nosuchuser", "socket-owner: user nosuchuser: there is none"),
                                  ("socket-group", "nosuchgroup", "socket-group: group nosuchgroup: there is none")):
            settings = {"user": "nobody", "group": "nogroup", name: value}
            with open(self.conf, "w") as f:
                f.write("".join('%s = "%s";\n' % item for item in settings.items()))
            r = self.run_once("-n", "-c", self.conf)
            self.assertEqual(r.returncode, 1, r.stdout)
            self.assertIn(said, r.stderr)

    def test_words(self):
        self.assertEqual(self.run_once("-x").returncode, 64)
        self.assertIn("usage: assayd", self.run_once("-h").stdout)
        self.assertTrue(self.run_once("-V").stdout.startswith("assayd "))
        r = self.run_once("-n", "-c", os.path.join(self.dir, "none"))
        self.assertEqual(r.returncode, 1)
        self.assertIn("No such file", r.stderr)

    # ---- one instance ----------------------------------------------------------------------

    def test_a_message_passes(self):
        self.start()
        m = Milter(self.sock)
        self.assertIn(m.message(), (b"a", b"c"))
        m.close()

    def test_second_instance_refuses(self):
        process = self.start()
        before = os.stat(self.sock).st_ino
        r = self.run_once("-f", "-c", self.conf)
        self.assertEqual(r.returncode, 1)
        self.assertIn("process %d has the lock" % process.pid, r.stderr)
        r = self.run_once("-c", self.conf)
        self.assertEqual(r.returncode, 1)
        self.assertIn("process %d has the lock" % process.pid, r.stderr)
        self.assertEqual(os.stat(self.sock).st_ino, before)
        self.assertEqual(self.pid(), process.pid)
        Milter(self.sock).close()

    def test_left_over_socket_is_replaced(self):
        os.mkdir(os.path.dirname(self.sock))
        s = socket.socket(socket.AF_UNIX)
        s.bind(self.sock)
        s.close()
        self.start()
        Milter(self.sock).close()

    def test_socket_of_somebody_else_stays(self):
        os.mkdir(os.path.dirname(self.sock))
        s = socket.socket(socket.AF_UNIX)
        s.bind(self.sock)
        s.listen(5)
        r = self.run_once("-c", self.conf)
        self.assertEqual(r.returncode, 1)
        self.assertIn("another process listens there", r.stderr)
        self.assertTrue(os.path.exists(self.sock))
        self.assertFalse(os.path.exists(self.pid_file))
        s.close()

    def test_several_addresses(self):
        probe = socket.socket()
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        self.write(listen='("unix:%s", "inet:%d@127.0.0.1")' % (self.sock, port))
        process = self.start()
        self.assertTrue(wait_for(lambda: self.said().count("listening on") == 2))
        self.assertEqual(len(self.children(process.pid)), 2)
        for address in (self.sock, ("127.0.0.1", port)):
            m = Milter(address)
            self.assertIn(m.message(), (b"a", b"c"))
            m.close()

    # ---- workers ---------------------------------------------------------------------------

    def test_killed_worker_is_replaced_and_nobody_is_refused(self):
        process = self.start()
        for _ in range(3):
            old = self.children(process.pid)
            os.kill(old[0], signal.SIGKILL)
            begin = time.monotonic()
            s = socket.socket(socket.AF_UNIX)
            s.connect(self.sock)  # at once: the socket never closes
            s.close()
            self.assertTrue(wait_for(lambda: self.children(process.pid) not in ([], old), 1.0))
            self.assertLess(time.monotonic() - begin, 1.0)
            m = Milter(self.sock)
            self.assertIn(m.message(), (b"a", b"c"))
            m.close()
        self.assertIn("was killed by signal 9", self.said())

    def test_worker_goes_with_its_parent(self):
        process = self.start()
        worker = self.children(process.pid)[0]
        process.kill()
        process.wait()
        self.assertTrue(wait_for(lambda: not os.path.exists("/proc/%d" % worker)
                                 or self.status(worker)["State"].startswith("Z")))
        self.start()  # lock and socket are free again
        Milter(self.sock).close()

    # ---- reload ----------------------------------------------------------------------------

    def test_reload(self):
        process = self.start()
        worker = self.children(process.pid)
        self.write("site: { strip-forged = false; };")
        process.send_signal(signal.SIGHUP)
        self.assertTrue(wait_for(lambda: "settings of generation 2 are in force" in self.said()), self.said())

        self.write('wrong = 1;\nalso-wrong = 2;')
        process.send_signal(signal.SIGHUP)
        self.assertTrue(wait_for(lambda: "settings of generation 2 stay in force" in self.said()), self.said())
        self.assertIn("wrong: no such setting", self.said())
        self.assertIn("also-wrong: no such setting", self.said())
        m = Milter(self.sock)
        self.assertIn(m.message(), (b"a", b"c"))
        m.close()

        self.write("backlog = 7;", listen='"unix:%s.new"' % self.sock)
        process.send_signal(signal.SIGHUP)
        self.assertTrue(wait_for(lambda: "settings of generation 3 are in force" in self.said()), self.said())
        self.assertIn("listen: the change needs a restart", self.said())
        self.assertIn("backlog: the change needs a restart", self.said())
        self.assertEqual(self.children(process.pid), worker)
        Milter(self.sock).close()

    def test_new_worker_has_the_new_settings(self):
        process = self.start()
        self.write("site: { strip-forged = false; };")
        process.send_signal(signal.SIGHUP)
        self.assertTrue(wait_for(lambda: "generation 2" in self.said()))
        os.kill(self.children(process.pid)[0], signal.SIGKILL)
        self.assertTrue(wait_for(lambda: "is ready" in self.said()), self.said())
        self.write("site: { strip-forged = true; };")
        process.send_signal(signal.SIGHUP)
        self.assertTrue(wait_for(lambda: "generation 3 are in force" in self.said()), self.said())

    def test_reload_does_not_hurt_a_new_worker(self):
        process = self.start()
        for _ in range(10):
            old = self.children(process.pid)
            os.kill(old[0], signal.SIGKILL)
            wait_for(lambda before=old: self.children(process.pid) not in ([], before), 5)
            process.send_signal(signal.SIGHUP)
            time.sleep(0.1)
            m = Milter(self.sock)
            self.assertIn(m.message(), (b"a", b"c"))
            m.close()
        self.assertNotIn("killed by signal 10", self.said())

    # ---- end -------------------------------------------------------------------------------

    def test_open_message_is_finished(self):
        process = self.start()
        m, idle = Milter(self.sock), Milter(self.sock)
        self.addCleanup(m.close)
        self.addCleanup(idle.close)
        m.connect()
        idle.connect()
        m.begin()
        process.send_signal(signal.SIGTERM)
        self.assertTrue(wait_for(lambda: not os.path.exists(self.sock)))
        time.sleep(0.5)
        with self.assertRaises(OSError):
            Milter(self.sock)
        idle.begin()  # a new message comes too late; nobody waits for an answer to its MAIL
        self.assertNotIn(idle.end(), (b"a", b"c"))
        self.assertIsNone(process.poll())
        self.assertIn(m.end(), (b"a", b"c"))
        self.assertEqual(process.wait(20), 0)
        self.assertFalse(os.path.exists(self.pid_file))

    def test_patience_ends(self):
        self.write(stop_wait=1)
        process = self.start()
        m = Milter(self.sock)
        self.addCleanup(m.close)
        m.connect()
        m.begin()
        process.send_signal(signal.SIGTERM)
        begin = time.monotonic()
        self.assertEqual(process.wait(20), 0)
        self.assertGreater(time.monotonic() - begin, 0.8)
        self.assertIn("stopping with 1 messages open", self.said())

    def test_second_term_ends_at_once(self):
        self.write(stop_wait=300)
        process = self.start()
        m = Milter(self.sock)
        self.addCleanup(m.close)
        m.connect()
        m.begin()
        process.send_signal(signal.SIGTERM)
        self.assertTrue(wait_for(lambda: not os.path.exists(self.sock)))
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)

    def test_interrupt_ends_gently_too(self):
        process = self.start()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 0)
        self.assertIn("stopped", self.said())

    # ---- background ------------------------------------------------------------------------

    def test_start_command_returns_when_all_is_open(self):
        r = self.run_once("-c", self.conf)
        self.assertEqual((r.returncode, r.stderr), (0, "") if ROOT else (0, r.stderr))
        m = Milter(self.sock)  # no waiting: it is open
        self.assertIn(m.message(), (b"a", b"c"))
        m.close()
        pid = self.pid()
        self.assertNotEqual(pid, 0)
        self.assertEqual(os.getsid(pid), pid)
        for fd in ("0", "1", "2"):
            self.assertEqual(os.readlink("/proc/%d/fd/%s" % (pid, fd)), "/dev/null")
        os.kill(pid, signal.SIGTERM)
        self.assertTrue(wait_for(lambda: not os.path.exists(self.pid_file)))

    def test_the_poster_lets_go_of_the_starter(self):
        """Else `assayd | cat` would wait for ever."""
        self.write('notices: { enable = true; by = "sendmail"; };')
        with tempfile.TemporaryFile() as said:
            subprocess.run([ASSAYD, "-c", self.conf], stdout=said, stderr=said, env=ENV, timeout=60, check=True)
        worker, = self.children(self.pid())
        poster, = self.children(worker)
        for process in (self.pid(), worker, poster):
            for fd in ("0", "1", "2"):
                self.assertEqual(os.readlink("/proc/%d/fd/%s" % (process, fd)), "/dev/null")

    def test_start_command_says_what_is_wrong(self):
        self.write('dns: { mode = "servers"; };')
        r = self.run_once("-c", self.conf)
        self.assertEqual(r.returncode, 1)
        self.assertIn("needs at least one of servers", r.stderr)
        self.write(listen='"inet:1@192.0.2.1"')
        r = self.run_once("-c", self.conf)
        self.assertEqual(r.returncode, 1)
        self.assertIn("inet:1@192.0.2.1: bind", r.stderr)
        self.assertFalse(os.path.exists(self.pid_file))

    def test_failing_worker_fails_the_start(self):
        self.write('dns: { dnssec = true; trust-anchor = "/nonexistent/root.key"; };')
        r = self.run_once("-c", self.conf)
        self.assertEqual(r.returncode, 1)
        self.assertIn("dns", r.stderr)
        self.assertFalse(os.path.exists(self.pid_file))
        self.assertFalse(os.path.exists(self.sock))

    def test_systemd_is_told(self):
        path = os.path.join(self.dir, "notify")
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(path)
        s.settimeout(20)
        ENV["NOTIFY_SOCKET"] = path
        try:
            process = self.start()
        finally:
            del ENV["NOTIFY_SOCKET"]
        self.assertEqual(s.recv(100), b"READY=1")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(s.recv(100), b"STOPPING=1")
        process.wait(20)
        s.close()

    def test_journal_gets_priorities(self):
        self.start()
        self.assertNotIn("<5>", self.said())
        self.running.pop().terminate()
        self.assertTrue(wait_for(lambda: "stopped" in self.said()))
        os.unlink(self.log)
        with open(self.log, "w") as f:
            st = os.fstat(f.fileno())
        ENV["JOURNAL_STREAM"] = "%d:%d" % (st.st_dev, st.st_ino)
        try:
            self.start()
        finally:
            del ENV["JOURNAL_STREAM"]
        self.assertRegex(self.said(), r"(?m)^<5>listening on unix:")
        self.assertNotIn("assayd:", self.said())

    # ---- rights ----------------------------------------------------------------------------

    @unittest.skipUnless(ROOT, "needs root")
    def test_root_is_dropped_for_good(self):
        process = self.start()
        worker = self.status(self.children(process.pid)[0])
        self.assertEqual(worker["Uid"].split(), [str(NOBODY)] * 4)
        self.assertEqual(worker["Gid"].split(), [str(NOBODY)] * 4)
        self.assertEqual(worker["Groups"].split(), [])
        self.assertEqual(worker["NoNewPrivs"], "1")
        for name in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
            self.assertEqual(int(worker[name], 16), 0, name)
        self.assertEqual(worker["Umask"], "0077")
        st = os.stat(self.sock)
        self.assertEqual((st.st_uid, st.st_gid, st.st_mode & 0o7777), (NOBODY, NOBODY, 0o660))
        self.assertEqual(os.stat(self.pid_file).st_uid, 0)

    @unittest.skipUnless(ROOT, "needs root")
    def test_socket_owner_and_mode(self):
        self.write('socket-owner = "root"; socket-group = "daemon"; socket-mode = "0606";')
        self.start()
        st = os.stat(self.sock)
        self.assertEqual((st.st_uid, st.st_mode & 0o7777), (0, 0o606))
        self.assertEqual(st.st_gid, 1)

    @unittest.skipUnless(ROOT, "needs root")
    def test_root_is_no_worker(self):
        self.write()
        with open(self.conf) as f:
            text = f.read().replace('"nobody"', '"root"')
        with open(self.conf, "w") as f:
            f.write(text)
        r = self.run_once("-c", self.conf)
        self.assertEqual(r.returncode, 1)
        self.assertIn("user root: is root", r.stderr)

    @unittest.skipUnless(ROOT, "needs root to become somebody else")
    def test_start_without_root(self):
        program = shutil.copy(ASSAYD, os.path.join(self.dir, "assayd"))
        os.mkdir(os.path.dirname(self.sock))
        os.chown(os.path.dirname(self.sock), NOBODY, NOBODY)
        r = subprocess.run([program, "-c", self.conf], user=NOBODY, group=NOBODY, extra_groups=[], env=ENV,
                           capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("not started as root", r.stderr)
        m = Milter(self.sock)
        self.assertIn(m.message(), (b"a", b"c"))
        m.close()
        pid = self.pid()
        self.assertEqual(os.stat(self.sock).st_uid, NOBODY)
        os.kill(pid, signal.SIGTERM)
        self.assertTrue(wait_for(lambda: not os.path.exists(self.pid_file)))

    def test_unreadable_file_is_said(self):
        if not ROOT:
            self.skipTest("needs root")
        os.chmod(self.conf, 0o600)
        self.start()
        self.assertTrue(wait_for(lambda: "cannot be read by the worker's user" in self.said()), self.said())


if __name__ == "__main__":
    unittest.main(verbosity=2)
