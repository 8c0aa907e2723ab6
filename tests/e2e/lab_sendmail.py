"""The laboratory with Sendmail: Debian's, with a configuration made by m4 from contrib/sendmail.

It runs in namespaces of its own.  In that of networks every address of the documentation ranges is ours, so a client
comes from where the test says (Sendmail speaks no PROXY), DNS is at port 53 and mail leaves by MX to port 25.  In that
of mounts, /dev has the log socket, /run the milter's socket and the work directory, and /etc/resolv.conf names our DNS.
No file of the system is changed.  That of processes ends whatever is left.  Needs root, unshare, mount and ip.
"""

import contextlib
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import threading

from lab import Lab, LabError, Smtp, is_listening, read, write
from sink import Sink

PACKAGES = ["sendmail-bin", "sendmail-cf", "nsd", "libnsl2", "libtirpc3", "libdb5.3", "libsasl2-2", "libldap-2.5-0",
            "liblockfile1", "libwrap0", "libevent-2.1-7", "libprotobuf-c1", "libfstrm0"]
NETS = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]
ADDRESSES_V6 = ["2001:db8::25", "2001:db8:1::25"]
OUTSIDE = "203.0.113.99"
INSIDE = "ASSAY_LAB_INSIDE"
PLACE = "/run/lab"  # the work directory there: Sendmail trusts no file below a folder like /tmp
UNSHARE = ["unshare", "-m", "-n", "-u", "-p", "-f", "--mount-proc", "--kill-child"]
CANNOT = 77  # automake's word for "skipped"
HOST = "mx.assay.example"
LOCAL_DOMAIN = "local.test"
MSA_PORT, LMTP_PORT = 587, 24


# --- the namespaces ---------------------------------------------------------------------------

def enter(work, more=()):
    """Start this program again in the namespaces; returns there.  more: (packages, folder), what else will be needed,
    for there is no way out."""
    if os.environ.get(INSIDE):
        make_place(work)
        return
    probe = subprocess.run([*UNSHARE, "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        print("e2e: skipped: no namespaces for Sendmail can be made here: " + probe.stderr.strip())
        sys.exit(CANNOT)
    with SendmailLab(work, "/nonexistent", print) as lab:
        for packages, folder in more:
            Lab.unpack(lab, packages, lab.path(folder))
    os.environ[INSIDE] = "yes"
    os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, *sys.argv])


def make_place(work):
    run("ip", "link", "set", "lo", "up")
    for net in NETS:
        run("ip", "route", "add", "local", net, "dev", "lo")
    for address in ADDRESSES_V6:
        run("ip", "-6", "addr", "add", address + "/128", "dev", "lo", "nodad")
    resolv = write(os.path.join(work, "resolv.conf"), "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    if os.path.exists("/etc/resolv.conf"):  # without it 127.0.0.1 is asked
        run("mount", "--bind", resolv, "/etc/resolv.conf")
    hosts = write(os.path.join(work, "hosts"), f"127.0.0.1 {HOST} localhost\n::1 {HOST} localhost\n")
    run("mount", "--bind", hosts, "/etc/hosts")
    socket.sethostname(HOST)
    run("mount", "-t", "tmpfs", "-o", "mode=0755", "none", "/run")
    os.mkdir(PLACE)
    run("mount", "--bind", work, PLACE)
    run("mount", "-t", "tmpfs", "-o", "mode=0755", "none", "/dev")
    for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
        os.mknod(f"/dev/{name}", stat.S_IFCHR | 0o666, os.makedev(1, minor))
        os.chmod(f"/dev/{name}", 0o666)


def run(*command, env=None):
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)}: {done.stdout.strip()} {done.stderr.strip()}")


class Syslog(threading.Thread):
    """Whoever writes to /dev/log writes to a file."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/dev/log")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        self.start()

    def run(self):
        while True:
            line = self.socket.recv(65536)
            if line == b"end":
                break
            with open(self.path, "ab") as out:
                out.write(re.sub(rb"^<\d+>", b"", line).rstrip(b"\0\n") + b"\n")
        self.socket.close()

    def stop(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"end", "/dev/log")
        self.join()


# --- Sendmail ---------------------------------------------------------------------------------

class From(Smtp):
    """A client whose packets come from that address."""

    def __init__(self, address, port, helo):
        self.source = address
        super().__init__(port, None, helo)
        self._host = HOST  # for STARTTLS

    def _get_socket(self, host, port, timeout):
        if self.source is None:
            return super()._get_socket(host, port, timeout)
        if ":" in self.source:
            host = "::1"
        return socket.create_connection((host, port), timeout, (self.source, 0))


MC = """divert(-1)
include(`{cf}/m4/cf.m4')
OSTYPE(`linux')
DOMAIN(`generic')
define(`confDOMAIN_NAME', `{host}')
define(`confCW_FILE', `{etc}/local-host-names')
define(`confTRUSTED_USERS', `root')
define(`ALIAS_FILE', `{etc}/aliases')
define(`HELP_FILE', `')
define(`STATUS_FILE', `')
define(`QUEUE_DIR', `{queue}')
define(`confPID_FILE', `{work}/sendmail.pid')
define(`confDEF_USER_ID', `mail:mail')
define(`confTO_IDENT', `0s')
define(`confLOG_LEVEL', `14')
define(`confQUEUE_LA', `1000')
define(`confREFUSE_LA', `1000')
define(`confMIN_FREE_BLOCKS', `0')
define(`confMIN_QUEUE_AGE', `0')
define(`confBAD_RCPT_THROTTLE', `0')
define(`confCACERT', `{work}/tls/ca.pem')
define(`confCACERT_PATH', `{work}/tls')
define(`confSERVER_CERT', `{work}/tls/server.pem')
define(`confSERVER_KEY', `{work}/tls/server.key')
FEATURE(`use_cw_file')
FEATURE(`nouucp', `reject')
FEATURE(`nocanonify')
FEATURE(`accept_unresolvable_domains')
FEATURE(`virtusertable', `hash -o {etc}/virtusertable')
FEATURE(`local_lmtp', `[IPC]', `TCP [127.0.0.1] {lmtp}')
MODIFY_MAILER_FLAGS(`LOCAL', `-w')
FEATURE(`no_default_msa')
DAEMON_OPTIONS(`Name=MTA, Family=inet, Addr=127.0.0.1, Port=25')
DAEMON_OPTIONS(`Name=MTA6, Family=inet6, Addr=::1, Port=25')
DAEMON_OPTIONS(`Name=MSA, Family=inet, Addr=127.0.0.1, Port={msa}')
include(`{etc}/assay.mc')dnl
include(`{etc}/assay-srs.mc')dnl
MAILER(`local')
MAILER(`smtp')
"""

SUBMIT = """divert(-1)
include(`{cf}/m4/cf.m4')
define(`confCF_VERSION', `Submit')
define(`__OSTYPE__', `')
define(`_USE_DECNET_SYNTAX_', `1')
define(`confTIME_ZONE', `USE_TZ')
define(`confDONT_INIT_GROUPS', `True')
define(`confRUN_AS_USER', `mail:mail')
define(`confTRUSTED_USER', `mail')
define(`MSP_QUEUE_DIR', `{work}/mqueue-client')
define(`STATUS_FILE', `')
define(`confPID_FILE', `{work}/submit.pid')
FEATURE(`msp', `[127.0.0.1]')
"""


class SendmailLab(Lab):
    """The same as Lab, with Sendmail where Postfix was; local mail comes to an LMTP sink that keeps it in files."""

    def __init__(self, work, *args, **kwargs):
        super().__init__(PLACE if os.environ.get(INSIDE) else work, *args, **kwargs)
        self.root = self.path("root-sendmail")
        self.dns_port, self.smtp_port = 53, 25
        self.syslog, self.count, self.keeping = None, 0, threading.Lock()
        for origin in ("in-addr.arpa", "ip6.arpa", "test"):
            self.zone(origin, [])

    def unpack(self, packages=(), root=None):
        if os.environ.get(INSIDE):
            for name in ("mqueue", "mqueue-client"):  # of an earlier run
                shutil.rmtree(self.path(name), ignore_errors=True)
            os.makedirs(self.log_dir, exist_ok=True)
            return
        super().unpack(packages or PACKAGES, root)
        os.chmod(self.program("sendmail"), 0o755)  # setgid would make the loader ignore the libraries that lie here

    def stop_all(self):
        super().stop_all()
        self.stop("sendmail")
        if self.syslog:
            self.syslog.stop()
            self.syslog = None

    def program(self, name):
        return os.path.join(self.root, "usr/libexec/sendmail", name)

    # --- configuration ----------------------------------------------------------------------

    def m4(self, source, target, template, **values):
        fill = {"cf": os.path.join(self.root, "usr/share/sendmail/cf"), "work": self.work, "host": HOST,
                "etc": self.path("etc/mail"), "queue": self.path("mqueue"), "lmtp": LMTP_PORT, "msa": MSA_PORT,
                **values}
        mc = write(self.path("etc/mail", source), re.sub(r"\{(\w+)\}", lambda m: str(fill[m[1]]), template))
        done = subprocess.run(["m4", f"-D_CF_DIR_={fill['cf']}/", mc], capture_output=True, text=True, check=False)
        if done.returncode != 0 or done.stderr:
            raise LabError(f"m4 {mc}: {done.stderr}")
        return write(self.path("etc/mail", target), done.stdout)

    def table(self, name, rows):
        """A table of Sendmail: makemap hash."""
        path = self.path("etc/mail", name)
        subprocess.run([self.program("makemap"), "-C", self.path("etc/mail/sendmail.cf"), "hash", path],
                       input="".join(f"{k}\t{v}\n" for k, v in rows.items()), text=True, check=True,
                       env=self.environment())

    def start_mta(self, milter=None, srs="", virtual=None, aliases=None, answer="R:30s;E:5m"):
        """srs: lines of .mc behind those of contrib/sendmail/assay.mc; answer: other times than there."""
        if self.syslog is None:
            self.syslog = Syslog(os.path.join(self.log_dir, "sendmail.log"))
        milter = milter or f"inet:{self.milter_port}@127.0.0.1"
        for name in ("mqueue", "mqueue-client"):
            os.makedirs(self.path(name), mode=0o770, exist_ok=True)
        shutil.chown(self.path("mqueue-client"), "mail", "mail")
        write(self.path("etc/mail/local-host-names"), f"{LOCAL_DOMAIN}\n{HOST}\n")
        write(self.path("etc/mail/aliases"),
              "".join(f"{k}: {v}\n" for k, v in {"postmaster": "root", **(aliases or {})}.items()))
        self.make_certificates()
        lines = self.contrib("sendmail/assay.mc", socket=("S=unix:/run/assay/assay.sock", f"S={milter}"),
                             times=("R:30s;E:5m", answer))
        write(self.path("etc/mail/assay.mc"), lines)
        write(self.path("etc/mail/assay-srs.mc"), srs)
        config = self.m4("sendmail.mc", "sendmail.cf", MC)
        self.m4("submit.mc", "submit.cf", SUBMIT)
        self.table("virtusertable", virtual or {})
        run(self.program("sendmail"), "-C", config, "-bi", env=self.environment())
        if "lmtp" not in self.sinks:
            self.sinks["lmtp"] = Sink("127.0.0.1", LMTP_PORT, self.keep)
        self.start("sendmail", [self.program("sendmail"), "-C", config, "-bD", "-q2s"],
                   lambda: is_listening(25) and is_listening(MSA_PORT))

    @staticmethod
    def is_listening6(port):
        with socket.socket(socket.AF_INET6) as s:
            return s.connect_ex(("::1", port)) == 0

    def stop_mta(self):
        self.stop("sendmail", seconds=3)

    def make_certificates(self):
        """An authority, the server, and one client whose common name is client.sender.example."""
        folder = self.path("tls")
        if os.path.exists(folder):
            return
        os.makedirs(folder)

        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2000",
                "-subj", "/CN=Lab CA")
        for name, subject in (("server", HOST), ("client", "client.sender.example")):
            openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                    f"/CN={subject}")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                    "-days", "2000", "-out", f"{name}.pem")
        for name in os.listdir(folder):
            os.chmod(os.path.join(folder, name), 0o600 if name.endswith(".key") else 0o644)

    # --- mail -------------------------------------------------------------------------------

    def keep(self, envelope):
        """Local mail, a file for each recipient, as Postfix's virtual(8) leaves it."""
        box, part = self.path("mail/all/new"), self.path("mail/all/tmp/part")
        os.makedirs(box, exist_ok=True)
        os.makedirs(os.path.dirname(part), exist_ok=True)
        with self.keeping:  # each session of the sink is a thread
            for rcpt in envelope.rcpts:
                self.count += 1
                to = rcpt.split(">")[0].lstrip("<").split("@")[0] + "@" + LOCAL_DOMAIN
                with open(part, "wb") as f:
                    f.write(f"Delivered-To: {to}\n".encode() + envelope.message)
                os.rename(part, os.path.join(box, f"{self.count}"))

    def outside(self):
        """The host that all domains with an MX of OUTSIDE have."""
        if "outside" not in self.sinks:
            self.sinks["outside"] = Sink(OUTSIDE)
        return self.sinks["outside"]

    def client(self, address=None, helo="client.example", port=25):
        return From(address, port, helo)

    def sendmail_log(self):
        return read(os.path.join(self.log_dir, "sendmail.log"))

    def queue_id(self, mark):
        line = self.sendmail_log().rsplit(f"msgid=<{mark}@sender.example>", 1)[0].rsplit("\n", 1)[1]
        return line.split()[4].rstrip(":")

    def sendmail_command(self):
        """As programs use it: submit.cf, then SMTP from loopback."""
        return [self.program("sendmail"), "-C", self.path("etc/mail/submit.cf"), "-Ac"]
