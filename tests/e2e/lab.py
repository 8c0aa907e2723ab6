"""A private mail laboratory: real nsd, real Postfix, real assayd, all below one work directory.

Nothing here touches an MTA or a name server that is installed: the packages are downloaded and
unpacked into the work directory, run from there on high loopback ports, and stopped at the end.
Needs root (Postfix's master does), apt-get, and python3 from Debian.
"""

import contextlib
import fcntl
import glob
import os
import pwd
import random
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import time

from sink import Sink

PACKAGES = ["postfix", "nsd", "libnsl2", "libtirpc3", "libdb5.3", "libicu72", "libsasl2-2",
            "libevent-2.1-7", "libprotobuf-c1", "libfstrm0"]
QUEUES = ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop",
          "pid", "private", "public", "saved", "trace"]
# Accounts that every Debian has.  Postfix wants an owner whose ids nobody else uses.
MAIL_OWNER, SETGID_GROUP, DELIVER_AS = "uucp", "games", "nobody"


class LabError(Exception):
    """What went wrong, in words for the person who ran the command."""


def wait_until(what, test, seconds=15.0):
    """Poll until test() is true; a LabError that names what when it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = test()
        if result:
            return result
        time.sleep(0.02)
    raise LabError(f"{what}: not within {seconds:g} s")


_claims = []


def free_port():
    """A loopback port that is free for TCP and UDP now, and no other laboratory's until this process ends.

    It is below those that the kernel gives to clients.  An abstract socket of its name is the claim.
    """
    lowest = int(read("/proc/sys/net/ipv4/ip_local_port_range").split()[0])
    while True:
        port = random.randrange(10000, lowest) if lowest > 11000 else random.randrange(10000, 65536)
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0assay-lab-port-{port}")
            with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return port


def download(packages, folder, say):
    """Each package once; laboratories that run at the same time may share the folder.  LabError: it cannot be had."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, ".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [p for p in packages if not glob.glob(os.path.join(folder, f"{p}_*.deb"))]
        if not missing:
            return
        say("downloading packages into the work directory: " + " ".join(missing))
        get = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *missing]
        try:
            done = subprocess.run(get, cwd=folder, text=True, capture_output=True, check=False)
        except FileNotFoundError as no_apt:
            raise LabError("no apt-get here") from no_apt
        if done.returncode != 0:
            raise LabError("apt-get download failed (try `apt-get update` first):\n" + done.stdout + done.stderr)


def end_in_order(*_):
    """A signal that ends the program: what it started is stopped first."""
    for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(sig, signal.SIG_IGN)
    sys.exit(1)


def is_listening(port):
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex(("127.0.0.1", port)) == 0


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


class Smtp(smtplib.SMTP):
    """A client that can appear to come from any address (PROXY protocol, version 1)."""

    def __init__(self, port, client=None, helo="client.example"):
        self.proxy = client
        super().__init__(local_hostname=helo, timeout=60)
        code, text = self.connect("127.0.0.1", port)
        if code != 220:
            raise LabError(f"no greeting: {code} {text!r}")

    def _get_socket(self, host, port, timeout):
        sock = super()._get_socket(host, port, timeout)
        if self.proxy:
            family = "TCP6" if ":" in self.proxy else "TCP4"
            here = "::1" if ":" in self.proxy else "127.0.0.1"
            sock.sendall(f"PROXY {family} {self.proxy} {here} 40000 25\r\n".encode())
        return sock


class Lab:
    """with Lab(work, assayd) as lab: ...  Everything is stopped on the way out."""

    def __init__(self, work, assayd, say=lambda text: None, wrapper=()):
        self.work = os.path.abspath(work)
        self.assayd_path = os.path.abspath(assayd)
        self.say = say
        self.wrapper = list(wrapper)  # e.g. valgrind
        self.processes = {}
        self.root = os.path.join(self.work, "root")
        self.log_dir = os.path.join(self.work, "log")
        self.dns_port, self.smtp_port, self.proxy_port = free_port(), free_port(), free_port()
        self.milter_port, self.open_port, self.filtered_port = free_port(), free_port(), free_port()
        self.zones, self.sinks = {}, {}

    # --- life -----------------------------------------------------------------------------

    def __enter__(self):
        if os.geteuid() != 0:
            raise LabError("this needs root: Postfix's master does not run without it")
        for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(sig, end_in_order)
        for name in ("log", "spool", "mail", "lib"):  # of an earlier run
            shutil.rmtree(self.path(name), ignore_errors=True)
        self.unpack()
        return self

    def __exit__(self, *exc):
        self.stop_all()

    def stop_all(self):
        for name in reversed(list(self.processes)):
            self.stop(name)
        while self.sinks:
            self.sinks.popitem()[1].stop()

    def path(self, *parts):
        return os.path.join(self.work, *parts)

    def environment(self):
        libraries = [os.path.join(self.root, "usr/lib/postfix"), *self.library_folders(self.root)]
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH": ":".join(libraries), "LANG": "C",
                "MAIL_CONFIG": self.path("etc/postfix")}

    @staticmethod
    def library_folders(root):
        return glob.glob(os.path.join(root, "usr/lib/*-linux-gnu"))

    def unpack(self, packages=(), root=None):
        """Download each package once and unpack it below root."""
        packages, root = packages or PACKAGES, root or self.root
        debs = self.path("debs")
        os.makedirs(self.log_dir, exist_ok=True)
        os.chmod(self.work, 0o755)
        download(packages, debs, self.say)
        if not os.path.exists(os.path.join(root, "unpacked")):
            for deb in (glob.glob(os.path.join(debs, f"{p}_*.deb"))[0] for p in packages):
                subprocess.run(["dpkg", "-x", deb, root], check=True)
            # Where the system has a library, it fits the system's other libraries better.
            for lib in glob.glob(os.path.join(root, "usr/lib/*-linux-gnu/lib*.so.*")):
                if os.path.exists(lib[len(root):]):
                    os.unlink(lib)
            write(os.path.join(root, "unpacked"), "")

    def start(self, name, command, ready, seconds=20.0, env=None):
        log = os.path.join(self.log_dir, name + ".out")
        with open(log, "ab") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       env=env or self.environment(), start_new_session=True)
        self.processes[name] = process

        def up():
            if process.poll() is not None:
                raise LabError(f"{name} ended with status {process.returncode}:\n{read(log)[-3000:]}")
            return ready()
        wait_until(f"{name} to be ready (see {log})", up, seconds)
        return process

    def stop(self, name, sig=signal.SIGTERM, seconds=15):
        """Stop a process and its group.  Its exit status, or None when there is none."""
        process = self.processes.pop(name, None)
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.send_signal(sig)
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = "still running, killed"
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return status

    # --- name server ----------------------------------------------------------------------

    def zone(self, origin, records):
        """Records as zone file lines; SOA and NS are added.  None: a zone that nsd answers with SERVFAIL."""
        self.zones[origin] = records

    def start_nsd(self):
        conf = [f'server:\n  ip-address: 127.0.0.1@{self.dns_port}\n  username: ""\n  chroot: ""\n'
                f'  pidfile: "{self.path("nsd.pid")}"\n  database: ""\n  zonelistfile: "{self.path("zone.list")}"\n'
                f'  xfrdfile: "{self.path("xfrd.state")}"\n  xfrdir: "{self.work}"\n  zonesdir: "{self.path("zones")}"\n'
                '  server-count: 1\n  hide-version: yes\nremote-control:\n  control-enable: no\n']
        os.makedirs(self.path("zones"), exist_ok=True)
        for origin, records in self.zones.items():
            conf.append(f'zone:\n  name: "{origin}"\n  zonefile: "{origin}"\n')
            if records is not None:
                write(self.path("zones", origin),
                      f"$ORIGIN {origin}.\n$TTL 300\n@ IN SOA ns.{origin}. root.{origin}. 1 3600 600 86400 60\n"
                      f"@ IN NS ns.{origin}.\nns IN A 127.0.0.1\n" + "\n".join(records) + "\n")
        write(self.path("nsd.conf"), "".join(conf))
        nsd = os.path.join(self.root, "usr/sbin/nsd")
        self.start("nsd", [nsd, "-d", "-c", self.path("nsd.conf")], lambda: is_listening(self.dns_port))

    # --- assayd ---------------------------------------------------------------------------

    def assay_conf(self, listen=None, **overrides):
        """Write assay.conf.  overrides: group={"name": "libconfig text"}; the group "top" is the top level."""
        groups = {"top": {"listen": listen or self.listen_text(), "user": '"nobody"', "group": '"nogroup"',
                          "pid-file": f'"{self.path("assayd.pid")}"'},
                  "site": {"authserv-id": '"mx.assay.example"', "internal": '["127.0.0.0/8", "::1"]'},
                  "dns": {"mode": '"servers"', "servers": f'["127.0.0.1@{self.dns_port}"]', "timeout": "2000"}}
        for group, items in overrides.items():
            groups.setdefault(group, {}).update(items)
        text = [f"{name} = {value};\n" for name, value in groups.pop("top").items()]
        for group, items in groups.items():
            text.append(f"{group}: {{\n" + "".join(f"\t{k} = {v};\n" for k, v in items.items()) + "};\n")
        return write(self.path("etc/assay.conf"), "".join(text))

    def listen_text(self):
        return f'"inet:{self.milter_port}@127.0.0.1"'

    def start_assayd(self, ready=None):
        self.start("assayd", [*self.wrapper, self.assayd_path, "-f", "-c", self.path("etc/assay.conf")],
                   ready or (lambda: is_listening(self.milter_port)), seconds=60.0,
                   env={**os.environ, "LANG": "C"})

    def assayd_log(self):
        return read(os.path.join(self.log_dir, "assayd.out"))

    def workers(self):
        """Process ids of assayd's children."""
        pid = self.processes["assayd"].pid
        return [int(p) for p in read(f"/proc/{pid}/task/{pid}/children").split()]

    # --- what is shipped ------------------------------------------------------------------

    @staticmethod
    def contrib(name, **instead):
        """A file of contrib/ with other values where a site has its own: word=(there, here)."""
        text = read(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../contrib", name))
        for there, here in instead.values():
            if there not in text:
                raise LabError(f"contrib/{name} does not have {there!r}")
            text = text.replace(there, here)
        return text

    # --- Postfix --------------------------------------------------------------------------

    def write_postfix(self, domains=("local.test",), milter=None, main="", master=""):
        """The files of a Postfix, for postconf and for start_postfix."""
        conf, queue, data = self.path("etc/postfix"), self.path("spool"), self.path("lib")
        owner = pwd.getpwnam(MAIL_OWNER)
        for name in QUEUES:
            os.makedirs(os.path.join(queue, name), exist_ok=True)
            if name != "pid":
                os.chown(os.path.join(queue, name), owner.pw_uid, -1)
        os.makedirs(data, exist_ok=True)
        os.chown(data, owner.pw_uid, -1)
        nobody = pwd.getpwnam(DELIVER_AS)
        os.makedirs(self.path("mail"), exist_ok=True)
        os.chown(self.path("mail"), nobody.pw_uid, nobody.pw_gid)
        milter = milter or f"inet:127.0.0.1:{self.milter_port}"
        write(os.path.join(conf, "boxes"), "".join(f"@{d} all/\n" for d in domains))
        write(os.path.join(conf, "main.cf"), f"""
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
daemon_directory = {self.root}/usr/lib/postfix/sbin
command_directory = {self.root}/usr/sbin
shlib_directory = {self.root}/usr/lib/postfix
meta_directory = {conf}
sendmail_path = {self.root}/usr/sbin/sendmail
mail_owner = {MAIL_OWNER}
setgid_group = {SETGID_GROUP}
default_privs = {DELIVER_AS}
import_environment = MAIL_CONFIG LD_LIBRARY_PATH MAIL_LOGTAG LANG=C
export_environment = MAIL_CONFIG LD_LIBRARY_PATH LANG
maillog_file = {self.log_dir}/postfix.log
maillog_file_prefixes = {self.work}
myhostname = mx.assay.example
mydestination =
inet_interfaces = loopback-only
inet_protocols = all
mynetworks = 127.0.0.0/8 [::1]/128
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = {" ".join(domains)}
virtual_mailbox_maps = texthash:{conf}/boxes
virtual_mailbox_base = {self.path("mail")}
virtual_uid_maps = static:{nobody.pw_uid}
virtual_gid_maps = static:{nobody.pw_gid}
virtual_minimum_uid = 100
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_peername_lookup = no
smtputf8_enable = yes
{self.contrib("postfix/main.cf", socket=("unix:assay/assay.sock", milter))}
minimal_backoff_time = 1s
queue_run_delay = 2s
{main}
""")
        services = self.contrib("postfix/master.cf",
                                submission=("submission inet n - y", f"{self.open_port} inet n - n"),
                                filtered=("127.0.0.1:10025 inet n - y", f"127.0.0.1:{self.filtered_port} inet n - n"))
        write(os.path.join(conf, "master.cf"), f"""
127.0.0.1:{self.smtp_port} inet n - n - - smtpd
127.0.0.1:{self.proxy_port} inet n - n - - smtpd
  -o smtpd_upstream_proxy_protocol=haproxy
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
{services}
{master}
""")

    def start_postfix(self, domains=("local.test",), milter=None, main="", master=""):
        self.write_postfix(domains, milter, main, master)
        self.start("postfix", [f"{self.root}/usr/lib/postfix/sbin/master", "-c", self.path("etc/postfix")],
                   lambda: is_listening(self.smtp_port) and is_listening(self.proxy_port))

    def postfix_log(self):
        return read(os.path.join(self.log_dir, "postfix.log"))

    def queue_id(self, mark):
        """Of the newest message whose Message-ID holds mark."""
        return self.postfix_log().rsplit(f"<{mark}@sender.example>", 1)[0].split()[-2].rstrip(":")

    def sendmail_command(self):
        return [f"{self.root}/usr/sbin/sendmail"]

    # --- mail -----------------------------------------------------------------------------

    def client(self, address=None, helo="client.example", port=None):
        return Smtp(port or (self.proxy_port if address else self.smtp_port), address, helo)

    def send(self, message, mail_from, rcpts, address=None, helo="client.example"):
        """One message.  (code, text) of the reply that decided."""
        if isinstance(rcpts, str):
            rcpts = [rcpts]
        if isinstance(message, str):
            message = message.encode()
        message = re.sub(rb"\r?\n", b"\r\n", message)
        with self.client(address, helo) as smtp:
            smtp.ehlo()
            code, text = smtp.mail(mail_from)
            if code != 250:
                return code, text.decode()
            for rcpt in rcpts:
                code, text = smtp.rcpt(rcpt)
                if code not in (250, 251):
                    return code, text.decode()
            code, text = smtp.data(message)
            return code, text.decode()

    def outside(self):
        """Where all mail goes that leaves, for a relayhost of its port."""
        if "outside" not in self.sinks:
            self.sinks["outside"] = Sink("127.0.0.1", free_port())
        return self.sinks["outside"]

    def left(self, mark):
        """The envelope of the message that holds mark, when it has come to the host outside."""
        return wait_until(f"the message with {mark!r} outside", lambda: self.outside().find(mark))

    def delivered(self, mark, seconds=20.0):
        """The delivered message that holds mark, as bytes."""
        def look():
            for path in glob.glob(self.path("mail/all/new/*")):
                with open(path, "rb") as f:
                    text = f.read()
                if mark.encode() in text:
                    return text
            return None
        return wait_until(f"delivery of the message with {mark!r}", look, seconds)

    def is_delivered(self, mark):
        with contextlib.suppress(LabError):
            return self.delivered(mark, 0.1) is not None
        return False


def header_fields(message, name):
    """Values of the fields of that name, unfolded, topmost first."""
    head = message.replace(b"\r\n", b"\n").split(b"\n\n", 1)[0]
    fields = re.sub(rb"\n(?=[ \t])", b"", head).split(b"\n")
    wanted = name.lower().encode() + b":"
    return [re.sub(rb"\s+", b" ", f.split(b":", 1)[1]).strip().decode("utf-8", "replace")
            for f in fields if f.lower().startswith(wanted)]


def raw_header(message):
    return message.replace(b"\r\n", b"\n").split(b"\n\n", 1)[0].decode("utf-8", "replace")
