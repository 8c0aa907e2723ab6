"""A name server that does what it should not, on one loopback port, UDP and TCP.

What a name ends in says how it is treated (BEHAVIOUR below); all other names are those of ZONE, or NXDOMAIN.
"""

import collections
import contextlib
import socket
import struct
import threading
import time

A, CNAME, SOA, MX, TXT, AAAA = 1, 5, 6, 15, 16, 28
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
TC = 0x0200


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode("latin-1") for label in name.split(".") if label) + b"\0"


def wire_text(text):
    octets = text if isinstance(text, bytes) else text.encode()
    parts = [octets[i:i + 255] for i in range(0, len(octets), 255)] or [b""]
    return b"".join(bytes([len(p)]) + p for p in parts)


def record(name, kind, rdata, ttl=60):
    return wire_name(name) + struct.pack("!HHIH", kind, 1, ttl, len(rdata)) + rdata


def reply(query, answers=(), code=NOERROR, flags=0, authority=()):
    ident, = struct.unpack("!H", query.packet[:2])
    head = struct.pack("!HHHHHH", ident, 0x8180 | flags | code, 1, len(answers), len(authority), 0)
    return head + query.question + b"".join(answers) + b"".join(authority)


class Query:
    def __init__(self, packet):
        self.packet = packet
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
            at += 1 + packet[at]
        self.name = ".".join(labels)
        self.kind, = struct.unpack("!H", packet[at + 1:at + 3])
        self.question = packet[12:at + 5]


def soa(ttl=60):
    return record("example", SOA, wire_name("ns.example") + wire_name("root.example") +
                  struct.pack("!IIIII", 1, 3600, 600, 86400, ttl), ttl)


ZONE = {
    ("sender.example", TXT): [wire_text("v=spf1 ip4:192.0.2.0/24 -all")],
    ("nul.example", TXT): [wire_text(b"v=spf1 ip4:192.0.2.0/24\0 -all")],
    ("eight.example", TXT): [wire_text(b"v=spf1 ip4:192.0.2.0/24 exp=\xff\xfe -all")],
    ("_dmarc.nul.example", TXT): [wire_text(b"v=DMARC1; p=reject\0")],
    ("_dmarc.victim.example", TXT): [wire_text("v=DMARC1; p=reject")],
    ("victim.example", TXT): [wire_text("v=spf1 -all")],
}


class Server:
    """with Server(port) as dns: ...  dns.seen counts questions by name, dns.mute silences all of it."""

    def __init__(self, port):
        self.seen = collections.Counter()
        self.mute = False
        self.ending = False
        self.udp = socket.socket(type=socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", port))
        self.tcp = socket.create_server(("127.0.0.1", port), backlog=200)
        self.kept = []

    def __enter__(self):
        threading.Thread(target=self.serve_udp, daemon=True).start()
        threading.Thread(target=self.serve_tcp, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.ending = True
        for s in (self.udp, self.tcp, *self.kept):
            s.close()

    def serve_udp(self):
        with contextlib.suppress(OSError):
            while not self.ending:
                packet, peer = self.udp.recvfrom(4096)
                if self.mute:
                    continue
                with contextlib.suppress(IndexError, struct.error):
                    self.answer(Query(packet), lambda octets, peer=peer: self.udp.sendto(octets, peer), False)

    def serve_tcp(self):
        with contextlib.suppress(OSError):
            while not self.ending:
                connection, _ = self.tcp.accept()
                self.kept.append(connection)
                threading.Thread(target=self.serve_stream, args=(connection,), daemon=True).start()

    def serve_stream(self, connection):
        def send(octets):
            connection.sendall(struct.pack("!H", len(octets)) + octets)
        with contextlib.suppress(OSError, IndexError, struct.error):
            stream = connection.makefile("rb")
            while True:
                size, = struct.unpack("!H", stream.read(2))
                query = Query(stream.read(size))
                if not self.mute:
                    self.answer(query, send, True)

    def answer(self, query, send, by_tcp):
        self.seen[query.name] += 1
        for ending, behave in BEHAVIOUR.items():
            if query.name == ending or query.name.endswith("." + ending):
                behave(query, send, by_tcp)
                return
        rdata = ZONE.get((query.name, query.kind), [])
        known = any(name == query.name or name.endswith("." + query.name) for name, _ in ZONE)
        send(reply(query, [record(query.name, query.kind, r) for r in rdata], NOERROR if known else NXDOMAIN,
                   authority=() if rdata else (soa(),)))


def silence(query, send, by_tcp):
    pass


def servfail(query, send, by_tcp):
    send(reply(query, code=SERVFAIL))


def truncated(query, send, by_tcp):
    if not by_tcp:  # and TCP is accepted, but silent
        send(reply(query, flags=TC))


def wrong_id(query, send, by_tcp):
    good = reply(query, [record(query.name, TXT, wire_text("v=spf1 +all"))])
    send(struct.pack("!H", (struct.unpack("!H", good[:2])[0] + 1) & 0xffff) + good[2:])


def by_stream(answers):
    def behave(query, send, by_tcp):
        send(reply(query, answers(query.name), NOERROR) if by_tcp else reply(query, flags=TC))
    return behave


def one_large(name):
    return [record(name, TXT, wire_text("v=spf1 " + "a" * 64700))]


def many_texts(name):
    return [record(name, TXT, wire_text(f"v=spf1 include:{i}.sender.example -all"), 60) for i in range(900)]


def loop(query, send, by_tcp):
    first, *rest = query.name.split(".")
    other = ".".join(["b" if first == "a" else "a", *(rest if first in "ab" else [first, *rest])])
    send(reply(query, [record(query.name, CNAME, wire_name(other)), record(other, CNAME, wire_name(query.name))]))


def chain(query, send, by_tcp):
    """A CNAME to a new name each time."""
    first, *rest = query.name.split(".")
    number = int(first) if first.isdigit() else 0
    target = ".".join([str(number + 1), *(rest if first.isdigit() else [first, *rest])])
    send(reply(query, [record(query.name, CNAME, wire_name(target))]))


def nothing_for_ever(query, send, by_tcp):
    send(reply(query, code=NXDOMAIN, authority=[soa(0x7fffffff)]))


def late(seconds):
    """An SPF record that includes the next one, each so much later."""
    def behave(query, send, by_tcp):
        first, *rest = query.name.split(".")
        number = int(first) if first.isdigit() else 0
        base = ".".join(rest) if first.isdigit() else query.name
        answers = []
        if query.kind == TXT:
            answers = [record(query.name, TXT, wire_text(f"v=spf1 include:{number + 1}.{base} -all"))]

        def send_late():
            with contextlib.suppress(OSError):
                send(reply(query, answers))
        timer = threading.Timer(seconds, send_late)
        timer.daemon = True
        timer.start()
    return behave


def greedy(query, send, by_tcp):
    """Ten MX names of ten hosts of each."""
    answers = []
    if query.kind == TXT:
        terms = " ".join(f"mx:m{i}.{query.name}" for i in range(10))
        answers = [record(query.name, TXT, wire_text(f"v=spf1 {terms} -all"))]
    elif query.kind == MX:
        answers = [record(query.name, MX, struct.pack("!H", i) + wire_name(f"h{i}.{query.name}")) for i in range(10)]
    elif query.kind == A:
        answers = [record(query.name, A, bytes([203, 0, 113, 1]))]
    send(reply(query, answers))


def recursive(query, send, by_tcp):
    base = query.name[query.name.index("recursive.example"):]
    send(reply(query, [record(query.name, TXT, wire_text(f"v=spf1 include:x%{{i}}.{base} redirect={query.name}"))]
               if query.kind == TXT else []))


def short(query, send, by_tcp):
    """Cut off in the middle of a record."""
    send(reply(query, [record(query.name, TXT, wire_text("v=spf1 +all"))])[:-5])


def not_a_name(query, send, by_tcp):
    """A compression pointer to itself."""
    whole = reply(query)
    send(whole[:6] + b"\0\1" + whole[8:] + struct.pack("!H", 0xc000 | len(whole)) +
         struct.pack("!HHIH", query.kind, 1, 60, 4) + b"\3abc")


BEHAVIOUR = {
    "silence.example": silence, "servfail.example": servfail, "truncated.example": truncated,
    "wrongid.example": wrong_id, "large.example": by_stream(one_large), "many.example": by_stream(many_texts),
    "loop.example": loop, "chain.example": chain, "forever.example": nothing_for_ever, "drip.example": late(4.9),
    "trickle.example": late(1.5),
    "greedy.example": greedy, "recursive.example": recursive, "short.example": short, "pointer.example": not_a_name,
}
