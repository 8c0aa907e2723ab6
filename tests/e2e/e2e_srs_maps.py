#!/usr/bin/python3
"""SRS by socketmap end to end: real Postfix asks the maps; then clients that no MTA is.
Usage: e2e_srs_maps.py WORK ASSAYD [NAME...]
"""

import contextlib
import os
import re
import resource
import select
import shutil
import signal
import socket
import socketserver
import sqlite3
import subprocess
import sys
import threading
import time

import e2e
from e2e import check_in, check_not_in, test
from lab import MAIL_OWNER, Lab, LabError, free_port, read, wait_until, write
from mailkit import letter

e2e.TESTS.clear()
OUTSIDE = "192.0.2.25"  # a client that may not relay


# --- helpers ------------------------------------------------------------------------------


def netstring(text):
    octets = text.encode() if isinstance(text, str) else text
    return b"%d:%s," % (len(octets), octets)


class Map:
    """One connection to the maps."""

    def __init__(self, place, timeout=20):
        self.s = connect(place, timeout)
        self.left = b""

    def send(self, *requests):
        self.s.sendall(b"".join(netstring(r) for r in requests))

    def reply(self):
        """Without the netstring's frame; None: closed."""
        while True:
            m = re.match(rb"(\d+):", self.left)
            if m and len(self.left) > m.end() + int(m[1]):
                end = m.end() + int(m[1])
                assert self.left[end:end + 1] == b",", self.left
                text, self.left = self.left[m.end():end], self.left[end + 1:]
                return text.decode()
            try:
                got = self.s.recv(65536)
            except ConnectionResetError:
                return None
            if not got:
                return None
            self.left += got

    def ask(self, request):
        self.send(request)
        return self.reply()

    def close(self):
        self.s.close()


def connect(place, timeout=20):
    kind, where = place
    s = socket.socket({"unix": socket.AF_UNIX, "inet": socket.AF_INET, "inet6": socket.AF_INET6}[kind])
    s.settimeout(timeout)
    s.connect(where)
    return s


def is_closed(m, seconds=5):
    m.s.settimeout(seconds)
    try:
        return m.reply() is None
    except socket.timeout:
        return False


def ask(place, request):
    m = Map(place)
    try:
        return m.ask(request)
    finally:
        m.close()


def forward(place, address):
    reply = ask(place, f"forward {address}")
    assert reply.startswith("OK "), reply
    return reply[3:]


def srs(lab, verb, address, *options):
    """What assayctl says by the same settings."""
    done = subprocess.run([lab.assayctl, "srs", "--config", lab.path("etc/assay.conf"), *options, verb, address],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.stdout.strip() or done.stderr.strip()


def secrets(lab, *lines, mode=0o640):
    """Replaced as an editor does, readable by the worker's group."""
    path = write(lab.path("etc/srs.secrets.new"), "".join(f"{line}\n" for line in lines))
    os.chown(path, 0, 65534)
    os.chmod(path, mode)
    os.rename(path, lab.path("etc/srs.secrets"))


def worker(lab, place_text):
    """Process id of the worker that serves an address now."""
    said = re.findall(rf"{re.escape(place_text)}(?:(?: for the maps of SRS)?,|:) worker (\d+)(?: is ready|$)", lab.assayd_log(), re.M)
    return int(said[-1])


def cpu_seconds(pid):
    fields = read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def reload(lab, good=True):
    word = "settings of generation" if good else "reload refused"
    before = lab.assayd_log().count(word)
    lab.processes["assayd"].send_signal(signal.SIGHUP)
    wanted = before + len(lab.workers()) if good else before + 1
    wait_until("the reload", lambda: lab.assayd_log().count(word) >= wanted)


@contextlib.contextmanager
def another_daemon(lab, places=("inet",), top="", **settings):
    """A second assayd with settings of its own: yields its process and where its maps are."""
    folder = lab.path("other")
    subprocess.run(["rm", "-rf", folder], check=True)
    os.makedirs(folder)
    os.chown(folder, 65534, 65534)
    port, where, listen = free_port(), [], []
    for i, kind in enumerate(places):
        if kind == "unix":
            where.append(("unix", f"{folder}/{i}.sock"))
            listen.append(f'"unix:{folder}/{i}.sock"')
        else:
            p = free_port()
            where.append(("inet", ("127.0.0.1", p)))
            listen.append(f'"inet:{p}@127.0.0.1"')
    settings = {"enable": "true", "domain": '"srs.test"', "secrets": f'"{lab.path("etc/srs.secrets")}"',
                "listen": f"[{', '.join(listen)}]", "database-file": f'"{folder}/srs.sqlite"', **settings}
    conf = write(f"{folder}/assay.conf", f'listen = "inet:{port}@127.0.0.1"; user = "nobody"; group = "nogroup";\n'
                 f'pid-file = "{folder}/pid"; {top}\ndns: {{ mode = "servers"; servers = ["127.0.0.1@{lab.dns_port}"]; }};\n'
                 "srs: {\n" + "".join(f"\t{k} = {v};\n" for k, v in settings.items()) + "};\n")
    before = other_log(lab).count("listening on")
    process = lab.start("other", [*lab.wrapper, lab.assayd_path, "-f", "-c", conf],
                        lambda: other_log(lab).count("listening on") > before, seconds=60, env={**os.environ, "LANG": "C"})
    try:
        yield process, where
        assert process.poll() is None, "the other daemon has died"
    finally:
        status = lab.stop("other")
    assert status == 0, f"the other daemon ended with {status}"


def other_log(lab):
    return read(os.path.join(lab.log_dir, "other.out"))


def children(process):
    return [int(p) for p in read(f"/proc/{process.pid}/task/{process.pid}/children").split()]


class Sink(socketserver.ThreadingTCPServer):
    """The rest of the world: takes mail for everybody but bad@..., remembers envelopes and messages."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self, port):
        self.mail = []
        super().__init__(("127.0.0.1", port), SinkSession)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def got(self, mark, rcpt):
        return next((m for m in list(self.mail) if mark in m["text"] and rcpt in m["rcpts"]), None)


class SinkSession(socketserver.StreamRequestHandler):
    def handle(self):
        self.say("220 sink.example ESMTP")
        sender, rcpts = "", []
        for line in self.rfile:
            word = line.decode("utf-8", "replace").strip()
            verb = word[:4].upper()
            address = re.search(r"<(.*?)>", word)
            if verb == "EHLO":
                self.say("250-sink.example\r\n250-DSN\r\n250 8BITMIME")
            elif verb == "MAIL":
                sender, rcpts = address[1], []
                self.say("250 ok")
            elif verb == "RCPT" and address[1].startswith("bad@"):
                self.say("550 5.1.1 nobody of that name")
            elif verb == "RCPT":
                rcpts.append(address[1])
                self.say("250 ok")
            elif verb == "DATA" and not rcpts:
                self.say("554 no recipients")
            elif verb == "DATA":
                self.say("354 go")
                text = b""
                while not text.endswith(b"\r\n.\r\n"):
                    text += self.rfile.readline()
                self.server.mail.append({"from": sender, "rcpts": rcpts, "text": text.decode("utf-8", "replace")})
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")


def world_got(lab, mark, rcpt):
    return wait_until(f"{mark} for {rcpt} in the outside world", lambda: lab.sink.got(mark, rcpt), 30)


def rcpt_reply(lab, rcpt, mail_from="", client=OUTSIDE):
    with lab.client(client) as smtp:
        smtp.ehlo()
        assert smtp.mail(mail_from)[0] == 250
        code, text = smtp.rcpt(rcpt)
        return f"{code} {text.decode()}"


# --- Postfix asks -------------------------------------------------------------------------


@test
def postfix_reaches_each_kind_of_address(lab):
    kind_of = {"unix": f"unix:{lab.maps['unix'][1]}", "inet": f"inet:127.0.0.1:{lab.maps['inet'][1][1]}",
               "inet6": f"inet:[::1]:{lab.maps['inet6'][1][1]}"}
    for kind, where in kind_of.items():
        def postmap(key, name, where=where):
            return subprocess.run([f"{lab.root}/usr/sbin/postmap", "-q", key, f"socketmap:{where}:{name}"], text=True,
                                  env=lab.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        rewritten = postmap("ann@sender.example", "forward").stdout.strip()
        assert re.fullmatch(r"SRS0=\S{4}=\S\S=sender\.example=ann@srs\.test", rewritten), (kind, rewritten)
        assert postmap(rewritten, "reverse").stdout == "ann@sender.example\n"
        for key, name in (("\"\"", "forward"), (rewritten, "forward"), ("ann@own.example", "forward"),
                          ("ann@mx.own.example", "forward"), ("ann", "forward"), ("user@local.test", "reverse"),
                          ("SRS0=aaaa=AA=b.example=c@srs.test", "reverse"), ("ann@sender.example", "other")):
            done = postmap(key, name)
            assert (done.returncode, done.stdout) == (1, ""), (kind, key, name, done)
    mode = os.stat(lab.maps["unix"][1])
    assert mode.st_mode & 0o7777 == 0o660, oct(mode.st_mode)


@test
def forwarded_mail_leaves_under_our_domain(lab):
    code, text = lab.send(letter("m-fwd"), "ann@sender.example", "fwd@local.test", OUTSIDE)
    assert code == 250, text
    got = world_got(lab, "m-fwd", "friend@outside.example")
    assert re.fullmatch(r"SRS0=\S{4}=\S\S=sender\.example=ann@srs\.test", got["from"]), got["from"]
    check_in(got["text"], "From: Ann <ann@sender.example>")
    check_not_in(got["text"].split("\r\n\r\n")[0].split("From: Ann")[1], "srs.test")  # no header is rewritten
    assert srs(lab, "reverse", got["from"]) == "ann@sender.example"


@test
def own_and_null_senders_stay(lab):
    for mark, sender in (("m-own", "boss@own.example"), ("m-null", "")):
        code, text = lab.send(letter(mark), sender or "<>", "fwd@local.test", OUTSIDE)
        assert code == 250, text
        assert world_got(lab, mark, "friend@outside.example")["from"] == sender


@test
def bounce_of_postfix_itself_comes_home(lab):
    code, text = lab.send(letter("m-bounce"), "ann@sender.example", "lost@local.test", OUTSIDE)
    assert code == 250, text
    got = world_got(lab, "m-bounce", "ann@sender.example")
    assert got["from"] == "", got
    check_in(got["text"], "nobody of that name")


@test
def bounce_of_the_next_host_comes_home(lab):
    back = forward(lab.maps["inet"], "eve+x=y@sender.example")
    for i, rcpt in enumerate((back, back.lower())):
        code, text = lab.send(letter(f"m-back{i}", extra="X-Failed: yes\n"), "<>", rcpt, OUTSIDE)
        assert code == 250, text
        world_got(lab, f"m-back{i}", "eve+x=y@sender.example")


@test
def what_is_not_ours_is_refused_at_rcpt(lab):
    good = forward(lab.maps["inet"], "ann@sender.example")
    old = srs(lab, "forward", "ann@sender.example", "--time", str(int(time.time()) - 22 * 86400))
    assert rcpt_reply(lab, good).startswith("250 "), good
    assert rcpt_reply(lab, good.lower()).startswith("250 "), good
    young = srs(lab, "forward", "ann@sender.example", "--time", str(int(time.time()) - 20 * 86400))
    assert rcpt_reply(lab, young).startswith("250 "), young
    for bad in (good.replace("ann@", "bob@"), good.replace("sender.", "bender."), old, "SRS0=x@srs.test",
                "SRS0=@srs.test", "SRS1=aaaa=a.example==bbbb=AA=c.example=d@srs.test", "nobody@srs.test"):
        assert re.match(r"550 5\.1\.1 ", rcpt_reply(lab, bad)), (bad, rcpt_reply(lab, bad))
    other = good.replace("@srs.test", "@other.example")
    assert rcpt_reply(lab, other).startswith("554 5.7.1 "), rcpt_reply(lab, other)
    check_in(lab.assayd_log(), f"event=srs-map map=reverse status=expired address=<{old.lower()}>",
             "event=srs-map map=reverse status=forged address=<")


# --- clients that no MTA is ---------------------------------------------------------------


@test
def any_pieces_same_answers(lab):
    requests = [f"forward u{i}@sender{i}.example" for i in range(300)] + ["reverse x@y", "", "forward", "z " * 4000]
    stream = b"".join(netstring(r) for r in requests)
    for place in lab.maps.values():
        m = Map(place)
        wanted = [m.ask(r) for r in requests]
        assert wanted[0].startswith("OK SRS0=") and wanted[-1] == "NOTFOUND ", wanted[-1]
        writer = threading.Thread(target=m.s.sendall, args=(stream,))  # all at once: pipelined
        writer.start()
        assert [m.reply() for _ in requests] == wanted
        writer.join()
        m.s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        part = b"".join(netstring(r) for r in requests[:5])
        for i in range(len(part)):
            m.s.sendall(part[i:i + 1])
        assert [m.reply() for _ in range(5)] == wanted[:5]
        m.s.sendall(part)
        m.s.shutdown(socket.SHUT_WR)  # as `printf ... | nc`
        assert [m.reply() for _ in range(6)] == wanted[:5] + [None]
        m.close()


@test
def two_thousand_at_once(lab):
    """All connect while the worker stands still: the backlog takes them."""
    for text, place in lab.map_texts.items():
        pid = worker(lab, text)
        os.kill(pid, signal.SIGSTOP)
        clients = []
        try:
            for i in range(2000):
                clients.append(Map(place, timeout=5))
                clients[-1].send(f"forward u{i}@sender.example")
        finally:
            os.kill(pid, signal.SIGCONT)
        began = time.monotonic()
        for i, m in enumerate(clients):
            m.s.settimeout(60)
            reply = m.reply()
            assert reply is not None and f"=sender.example=u{i}@" in reply, (i, reply)
        print(f"      {text}: 2000 waiting connections answered in {time.monotonic() - began:.2f} s", flush=True)
        for m in clients:
            m.close()


@test
def thousands_of_idle_ones(lab):
    place = lab.maps["inet"]
    pid = worker(lab, lab.inet_text)
    before = resident(pid)
    idle = [Map(place) for _ in range(4500)]
    assert idle[-1].ask("forward a@b.example").startswith("OK ")
    print(f"      4500 idle connections: {(resident(pid) - before) / 4500 * 1024:.0f} octets each", flush=True)
    used, began = cpu_seconds(pid), time.monotonic()
    answers = sorted(timed(idle[i * 7], "forward a@b.example") for i in range(500))
    assert answers[-1] < 1, answers[-1]
    time.sleep(2)
    print(f"      median answer among them {answers[250] * 1e6:.0f} us; CPU {cpu_seconds(pid) - used:.2f} s in "
          f"{time.monotonic() - began:.1f} s", flush=True)
    for m in idle:
        m.close()


def resident(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", read(f"/proc/{pid}/status"))[1])


def timed(m, request):
    began = time.monotonic()
    assert m.ask(request) is not None
    return time.monotonic() - began


@test
def oldest_idle_one_makes_room(lab):
    with another_daemon(lab, ["inet", "unix"], **{"connections-max": "20"}) as (_, places):
        for place in places:
            clients = [Map(place) for _ in range(20)]
            for m in clients:
                assert m.ask("forward a@b.example").startswith("OK ")
            assert clients[0].ask("forward c@d.example").startswith("OK ")  # no longer the oldest
            clients[1].s.sendall(b"30:forw")  # half-way: not idle
            time.sleep(0.3)
            new = [Map(place) for _ in range(5)]
            for m in new:
                assert m.ask("forward e@f.example").startswith("OK ")
            assert [is_closed(m, 0.5) for m in clients[:9]] == [False, False] + [True] * 5 + [False] * 2
            for m in clients + new:
                m.close()


@test
def garbage_is_closed_and_does_not_fill_the_log(lab):
    place = lab.maps["inet"]
    with another_daemon(lab) as (_, (place,)):
        before = len(other_log(lab))
        for i in range(400):
            m = Map(place)
            m.send("forward ann@sender.example")
            with contextlib.suppress(OSError):
                m.s.sendall((b"GET / HTTP/1.0\r\n\r\n", b"99999999:", b"10001:", b"-1:,", b"01:a,", b"3:abcd", b"\0" * 99,
                             os.urandom(300) + b"x")[i % 8])
            reply = m.reply()  # what was right before it is answered, unless the rest was lost with the connection
            assert reply is None or "=ann@srs.test" in reply, reply
            assert reply is None or is_closed(m), i
            m.close()
            forged = Map(place)
            assert forged.ask(f"reverse SRS0=aaaa=AA=b.example=u{i}@srs.test") == "NOTFOUND "
            forged.close()
        lines = other_log(lab)[before:].count("event=srs-map")
        assert 10 < lines <= 62, lines
        assert ask(place, 'forward ann@sender.example\nX: "\x01').startswith("NOTFOUND ")


@test
def half_way_ones_get_half_a_minute(lab):
    place = lab.maps["inet6"]
    half, drip, deaf = Map(place), Map(place), Map(place)
    half.s.sendall(b"26:forward ann")
    began = time.monotonic()
    deaf.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.s.setblocking(False)
    sent, stream = 0, netstring("forward ann@sender.example") * 500000
    while select.select([], [deaf.s], [], 1)[1] and sent < len(stream):  # until nothing more is taken
        with contextlib.suppress(BlockingIOError):
            sent += deaf.s.send(stream[sent:sent + 65536])
    assert sent < len(stream), "it took everything, and must hold it somewhere"
    assert ask(place, "forward ann@sender.example").startswith("OK ")
    drip.s.sendall(b"999:")
    while not is_closed(half, 0.1):
        with contextlib.suppress(OSError):
            drip.s.sendall(b"x")
        assert time.monotonic() - began < 40
        time.sleep(0.5)
    assert time.monotonic() - began > 28
    wait_until("the one that drips to be closed", lambda: is_closed(drip, 0.1), 10)
    wait_until("the one that does not read to be closed", lambda: "did not read a reply" in lab.assayd_log(), 10)
    deaf.close()


@test
def killed_worker_is_replaced(lab):
    text = lab.inet_text
    before = worker(lab, text)
    milter = worker(lab, lab.listen_text().strip('"'))
    kept = Map(lab.maps["inet"])
    assert kept.ask("forward a@b.example").startswith("OK ")
    os.kill(before, signal.SIGKILL)
    began = time.monotonic()
    assert ask(lab.maps["inet"], "forward a@b.example").startswith("OK ")  # waits in the backlog, is not refused
    print(f"      answered again after {time.monotonic() - began:.2f} s", flush=True)
    assert is_closed(kept)
    wait_until("the new worker", lambda: worker(lab, text) != before)
    assert worker(lab, lab.listen_text().strip('"')) == milter and os.path.exists(f"/proc/{milter}")
    code, reply = lab.send(letter("m-after"), "ann@sender.example", "fwd@local.test", OUTSIDE)
    assert code == 250, reply
    world_got(lab, "m-after", "friend@outside.example")


@test
def new_secrets_by_hup(lab):
    place = lab.maps["unix"]
    kept, old = Map(place), forward(place, "ann@sender.example")
    secrets(lab, "fresh secret", "tops3cr3t")
    assert kept.ask("forward ann@sender.example") == f"OK {old}"  # not before it is told
    reload(lab)
    new = kept.ask("forward ann@sender.example")[3:]
    assert new != old
    for address in (old, new, old.lower(), new.lower()):
        for where in lab.maps.values():
            assert ask(where, f"reverse {address}") == "OK ann@sender.example", address
    secrets(lab, "tops3cr3t", mode=0o644)
    reload(lab, good=False)
    check_in(lab.assayd_log(), "srs.secrets: ", "mode 0644 lets others at it")
    assert kept.ask("forward ann@sender.example") == f"OK {new}"
    secrets(lab, "tops3cr3t")
    reload(lab)
    assert kept.ask(f"reverse {new}") == "NOTFOUND " and kept.ask(f"reverse {old}") == "OK ann@sender.example"
    kept.close()


@test
def switched_off_says_notfound(lab):
    lab.settings(enable="false")
    reload(lab)
    m = Map(lab.maps["unix"])
    assert m.ask("forward ann@sender.example") == "NOTFOUND "
    lab.settings()
    reload(lab)
    assert m.ask("forward ann@sender.example").startswith("OK ")
    m.close()


@test
def database_out_of_reach(lab):
    """An error at the start, TEMP later: Postfix keeps the mail."""
    lab.settings(database='"always"', **{"database-file": '"/nowhere/srs.sqlite"'})
    reload(lab)
    reply = ask(lab.maps["inet"], "forward ann@sender.example")
    assert reply.startswith("TEMP /nowhere/srs.sqlite: "), reply
    assert ask(lab.maps["inet"], 'forward ""') == "NOTFOUND "
    check_in(lab.assayd_log(), "srs.database-file: /nowhere/srs.sqlite: ")
    pid = worker(lab, lab.inet_text)
    os.kill(pid, signal.SIGKILL)
    wait_until("the new worker", lambda: worker(lab, lab.inet_text) != pid)
    assert ask(lab.maps["inet"], "forward ann@sender.example").startswith("TEMP ")
    code, text = lab.send(letter("m-temp"), "ann@sender.example", "fwd@local.test", OUTSIDE)
    assert code == 451, (code, text)
    lab.settings()
    reload(lab)
    code, text = lab.send(letter("m-temp"), "ann@sender.example", "fwd@local.test", OUTSIDE)
    assert code == 250, (code, text)
    try:
        with another_daemon(lab, database='"long"', **{"database-file": '"/nowhere/srs.sqlite"'}):
            pass
    except LabError as problem:
        check_in(str(problem), "/nowhere/srs.sqlite")
    else:
        raise AssertionError("it started without its database")


@test
def database_in_use(lab):
    """Keys in place of addresses; what was sent under one comes home, also after a crash of all workers."""
    def use(folder):
        os.makedirs(lab.path(folder), exist_ok=True)
        os.chown(lab.path(folder), 65534, 65534)
        lab.settings(database='"always"', **{"database-file": f'"{lab.path(folder, "srs.sqlite")}"'})
        reload(lab)

    use("store")
    code, text = lab.send(letter("m-key"), '"odd one"@sender.example', "fwd@local.test", OUTSIDE)
    assert code == 250, text
    key = world_got(lab, "m-key", "friend@outside.example")["from"]
    assert re.fullmatch(r"SRS0=\S{4}=\S\S=1=[a-z2-7]+@srs\.test", key), key
    assert os.stat(lab.path("store/srs.sqlite")).st_mode & 0o777 == 0o600
    use("other-store")
    assert rcpt_reply(lab, key).startswith("550 5.1.1 "), rcpt_reply(lab, key)
    check_in(lab.assayd_log(), "event=srs-map map=reverse status=unknown address=<")
    wait_until("the first one to be closed", lambda: os.listdir(lab.path("store")) == ["srs.sqlite"])
    use("store")
    killed = lab.workers()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    wait_until("all to be gone", lambda: not set(killed) & set(lab.workers()))
    code, text = lab.send(letter("m-key-back"), "<>", key.lower(), OUTSIDE)
    assert code == 250, text
    world_got(lab, "m-key-back", '"odd one"@sender.example')
    wait_until("all workers to be back", lambda: len(lab.workers()) == 4)
    lab.settings()
    reload(lab)


@test
def kill_9_loses_no_address(lab):
    """Two workers write one database from many connections, and are killed again and again."""
    known, stop, lock = {}, threading.Event(), threading.Lock()
    temps = []

    def write_down(place, n):
        i, m = 0, None
        while not stop.is_set():
            address = f"writer{n}.{i % 200}x{i}@sender{i % 7}.example"
            try:
                m = m or Map(place)
                reply = m.ask(f"forward {address}")
            except OSError:
                reply = None
            if reply is None:  # killed meanwhile: ask again
                m = None
                continue
            if reply.startswith("OK "):
                with lock:
                    known[reply[3:]] = address
            else:
                temps.append(reply)
            i += 1

    with another_daemon(lab, ["unix", "inet"], database='"always"') as (process, places):
        threads = [threading.Thread(target=write_down, args=(places[n % 2], n)) for n in range(16)]
        for t in threads:
            t.start()
        for _ in range(6):
            time.sleep(1.2)
            for pid in children(process)[1:]:
                os.kill(pid, signal.SIGKILL)
            wait_until("both to be back", lambda: len(children(process)) == 3)
        stop.set()
        for t in threads:
            t.join()
        assert len(known) > 200, len(known)
        assert not temps, temps[:3]
        maps = [Map(p) for p in places]
        for i, (key, address) in enumerate(known.items()):
            assert maps[i % 2].ask(f"reverse {key}") == f"OK {address}", (key, address)
        print(f"      {len(known)} addresses written down by 16 clients of 2 workers, all found again", flush=True)


@test
def locked_database_keeps_nobody_else_waiting(lab):
    with another_daemon(lab, database='"always"', exclude='"own.example"') as (_, (place,)):
        known = forward(place, "ann@sender.example")
        with contextlib.closing(sqlite3.connect(lab.path("other/srs.sqlite"), isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            writers = [Map(place) for _ in range(3)]
            for i, m in enumerate(writers):
                m.send(f"forward new{i}@sender.example", "reverse x@y.example")
            time.sleep(0.5)
            began = time.monotonic()
            assert ask(place, f"reverse {known}") == "OK ann@sender.example"
            assert time.monotonic() - began < 1
            for i in range(30):  # more than there are threads
                writers.append(Map(place))
                writers[-1].send(f"forward more{i}@sender.example", "reverse x@y.example")
            time.sleep(0.5)
            began = time.monotonic()
            for request in ("reverse user@local.test", 'forward ""', "forward a@own.example", "reverse SRS0=x=y@srs.test"):
                assert ask(place, request) == "NOTFOUND "  # without the database
            assert time.monotonic() - began < 1
            db.execute("COMMIT")
        for m in writers:
            assert m.reply().startswith("OK SRS0=") and m.reply() == "NOTFOUND "  # in their order
            m.close()
        with contextlib.closing(sqlite3.connect(lab.path("other/srs.sqlite"), isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            m, gone = Map(place), Map(place)
            m.send("forward late@sender.example")
            gone.send("forward gone@sender.example")
            gone.close()  # its answer is for nobody
            assert m.reply().startswith("TEMP "), "after five seconds"
            db.execute("COMMIT")
        assert m.ask("forward late@sender.example").startswith("OK ")
        m.close()


@test
def term_answers_and_ends(lab):
    with another_daemon(lab, ["inet", "unix"], "backlog = 65535;", database='"always"') as (process, places):
        allowed = int(read("/proc/sys/net/core/somaxconn"))
        assert ("backlog: the kernel's net.core.somaxconn" in other_log(lab)) == (allowed < 65535)
        idle = [Map(p) for p in places for _ in range(50)]
        for m in idle:
            assert m.ask("forward ann@sender.example").startswith("OK ")
        with contextlib.closing(sqlite3.connect(lab.path("other/srs.sqlite"), isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            waiting = Map(places[0])
            waiting.send("forward fresh@sender.example")
            time.sleep(0.5)
            lab.processes["other"].send_signal(signal.SIGTERM)
            assert all(is_closed(m) for m in idle)
            time.sleep(0.5)
            assert process.poll() is None
            db.execute("COMMIT")
        assert waiting.reply().startswith("OK "), "asked before the end"
        assert is_closed(waiting)
        assert process.wait(10) == 0
        process.poll = lambda: None  # it was meant to end


@test
def how_fast(lab):
    pid = worker(lab, lab.unix_text)
    m, n = Map(lab.maps["unix"]), 5000
    used = cpu_seconds(pid)
    times = sorted(timed(m, f"forward u{i}@sender.example") for i in range(n))
    print(f"      one by one: median {times[n // 2] * 1e6:.0f} us, 99 % {times[n * 99 // 100] * 1e6:.0f} us, CPU "
          f"{(cpu_seconds(pid) - used) / n * 1e6:.0f} us each", flush=True)
    used, began = cpu_seconds(pid), time.monotonic()
    writer = threading.Thread(target=lambda: m.send(*(f"forward u{i}@sender.example" for i in range(n))))
    writer.start()
    assert all(m.reply().startswith("OK ") for _ in range(n))
    writer.join()
    print(f"      pipelined: {n / (time.monotonic() - began):.0f}/s, CPU {(cpu_seconds(pid) - used) / n * 1e6:.0f} us each",
          flush=True)
    m.close()


@test
def nobody_fell_over(lab):
    log = lab.assayd_log() + other_log(lab)
    check_not_in(log, "Sanitizer", "runtime error")
    assert set(re.findall(r"killed by signal (\d+)", log)) <= {"9"}, "a worker has crashed"
    assert "ended with status" not in lab.assayd_log()


# --- the laboratory -----------------------------------------------------------------------


def settle(lab):
    """Where the maps are, and settings that say so."""
    os.makedirs(lab.path("spool"), exist_ok=True)
    lab.maps = {"unix": ("unix", lab.path("spool/assay/srs.sock")), "inet": ("inet", ("127.0.0.1", free_port())),
                "inet6": ("inet6", ("::1", free_port()))}
    lab.unix_text = f"unix:{lab.maps['unix'][1]}"
    for name in ("store", "other-store"):  # of an earlier run
        shutil.rmtree(lab.path(name), ignore_errors=True)
    lab.inet_text = f"inet:{lab.maps['inet'][1][1]}@127.0.0.1"
    inet6_text = f"inet6:{lab.maps['inet6'][1][1]}@::1"
    lab.map_texts = {lab.unix_text: lab.maps["unix"], lab.inet_text: lab.maps["inet"], inet6_text: lab.maps["inet6"]}
    secrets(lab, "tops3cr3t")

    def settings(**changes):
        lab.assay_conf(top={"socket-group": f'"{MAIL_OWNER}"'},
                       srs={"enable": "true", "domain": '"srs.test"', "exclude": '["own.example", ".own.example"]',
                            "secrets": f'"{lab.path("etc/srs.secrets")}"',
                            "listen": "[" + ", ".join(f'"{t}"' for t in lab.map_texts) + "]", **changes})
    lab.settings = settings
    settings()


def main_cf(lab, sink_port):
    return f"""
relayhost = [127.0.0.1]:{sink_port}
smtp_tls_security_level = none
virtual_alias_domains = srs.test
virtual_alias_maps = inline:{{ {{fwd@local.test=friend@outside.example}}, {{lost@local.test=bad@outside.example}} }}
sender_canonical_maps = socketmap:unix:assay/srs.sock:forward
sender_canonical_classes = envelope_sender
recipient_canonical_maps = socketmap:inet:[::1]:{lab.maps["inet6"][1][1]}:reverse
recipient_canonical_classes = envelope_recipient
"""


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 16384), hard), hard))
    sink_port = free_port()
    try:
        with Lab(sys.argv[1], sys.argv[2], print, os.environ.get("ASSAYD_WRAPPER", "").split()) as lab, Sink(sink_port) as sink:
            lab.sink = sink
            lab.assayctl = os.path.join(os.path.dirname(lab.assayd_path), "../cli/assayctl")
            lab.zone("sender.example", ['@ IN TXT "v=spf1 ip4:192.0.2.0/24 -all"'])
            lab.zone("example", [])
            lab.start_nsd()
            settle(lab)
            lab.start_assayd()
            lab.start_postfix(main=main_cf(lab, sink_port))
            try:
                passed, failed = e2e.run(lab, sys.argv[3:], e2e.TESTS)
            finally:
                lab.stop("other")
    except LabError as problem:
        sys.exit(f"e2e: {problem}")
    print(f"e2e: {passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
