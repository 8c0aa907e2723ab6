#!/usr/bin/python3
"""CPU per message of assayd beside the bare parts, in one run.  Usage: perf.py WORK BUILD-DIR [all|cpu|memory]

For each kind of message: microseconds of user and system time of the process, the bare parts (an empty libmilter
filter, and hashing, canonicalization and verification alone), and the ratio.  DNS is warm, from a local nsd.
Needs root only if assayd's user must change; nothing is installed.
"""

import os
import resource
import statistics
import subprocess
import sys
import time

import dkim

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from lab import Lab, LabError, free_port, is_listening  # noqa: E402
from mailkit import SIGNED, Signer, letter  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
HELD = 2000  # connections
ROUNDS = 5
WHAT = sys.argv[3] if len(sys.argv) > 3 else "all"


def compile_tools(work):
    flags = subprocess.run(["pkg-config", "--libs", "libcrypto"], capture_output=True, text=True, check=True).stdout.split()
    for name, libs in (("milter_load", []), ("empty_filter", ["-lmilter", "-lpthread"]), ("floor", flags)):
        subprocess.run(["cc", "-O2", os.path.join(HERE, name + ".c"), "-o", os.path.join(work, name), *libs], check=True)


def cpu_us(pids):
    """User and system time of these processes, in microseconds: by their CPU clocks, as ticks are too coarse."""
    return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in pids) / 1000


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))


def held_kib(lab, pid, port, message, connections):
    """Growth of a process while so many connections stand in the middle of a body."""
    load(lab, port, message, 20)  # libraries and caches are not of the connections
    before = pss_kib(pid)
    tool = subprocess.Popen([lab.path("milter_load"), "-m", str(port), message, str(connections)], text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if tool.stdout.readline() != "held\n":
        raise LabError(tool.communicate()[1])
    time.sleep(1)  # what was sent last is still being read
    grown = pss_kib(pid) - before
    tool.communicate()
    return grown


def load(lab, port, message, count):
    done = subprocess.run([lab.path("milter_load"), str(port), message, str(count)], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise LabError(done.stderr)
    return done.stdout


def per_message(lab, pids, port, message, count):
    load(lab, port, message, 20)
    before = cpu_us(pids)
    load(lab, port, message, count)
    return (cpu_us(pids) - before) / count


def seal(message, signer, instance):
    """The message with one more ARC set on top, by python3-dkim."""
    state = "none" if instance == 1 else "pass"
    message = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    results = f"Authentication-Results: hop.example; arc={state}\r\n".encode()  # for the signer only: one that it believes
    fields = dkim.arc_sign(results + message, signer.selector.encode(), signer.domain.encode(), signer.private, b"hop.example",
                           include_headers=SIGNED)
    return b"".join(fields) + message


def kinds(rsa, ed):
    """Name, how many to send, the message, octets of body, signatures of each kind to verify."""
    line = "Some words of  an ordinary message, as people write them. \n"
    yield "4 KB, RSA-2048", 1500, rsa.sign(letter("p1", body=line * 65)), 4000, 1, 0
    yield "50 KB, RSA-2048 and Ed25519", 800, ed.sign(rsa.sign(letter("p2", body=line * 830))), 50000, 1, 1
    sealed = rsa.sign(letter("p5", body=line * 830))
    for instance in (1, 2, 3):
        sealed = seal(sealed, rsa, instance)
    yield "50 KB, RSA-2048, ARC of 3 hops", 800, sealed, 50000, 7, 0
    yield "1 MB, RSA-2048", 150, rsa.sign(letter("p3", body=line * 17000)), 1020000, 1, 0
    yield "4 KB, not signed", 1500, letter("p4", body=line * 65).encode(), 4000, 0, 0


def start(lab):
    """Name server and assayd, and the empty filter with its port.  (keys, empty filter, port)"""
    keys = (Signer(lab.path("keys"), "sender.example", "rsa"), Signer(lab.path("keys"), "sender.example", "ed", "ed25519"))
    lab.zone("sender.example", ['@ IN TXT "v=spf1 include:_a.sender.example -all"',
                                '_a IN TXT "v=spf1 ip4:198.51.100.0/24 ip4:192.0.2.0/24 -all"',
                                *(key.zone_line() for key in keys)])
    lab.zone("example", [])  # where DMARC's discovery ends
    lab.start_nsd()
    lab.assay_conf()
    lab.start_assayd()
    port = free_port()
    return keys, lab.start("empty", [lab.path("empty_filter"), str(port)], lambda: is_listening(port)), port


def write_message(lab, message):
    path = lab.path("message.eml")
    with open(path, "wb") as f:
        f.write(message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    return path


def measure_cpu(lab, keys, empty, empty_port):
    print(f"{'message':30} {'assayd':>8} {'filter':>8} {'crypto':>8} {'ratio':>6}   (us of CPU per message, medians)")
    for name, count, message, body, rsas, eds in kinds(*keys):
        path = write_message(lab, message)
        ours, bare = [], []
        for _ in range(ROUNDS):  # turn about, so that a busy machine is unkind to both
            ours.append(per_message(lab, lab.workers(), lab.milter_port, path, count // ROUNDS))
            bare.append(per_message(lab, [empty.pid], empty_port, path, count // ROUNDS))
        ours, bare = statistics.median(ours), statistics.median(bare)
        crypto = 0.0 if rsas + eds == 0 else float(subprocess.run(
            [lab.path("floor"), str(body), str(rsas), str(eds)], capture_output=True, text=True, check=True).stdout)
        print(f"{name:30} {ours:8.0f} {bare:8.0f} {crypto:8.0f} {ours / (bare + crypto):6.2f}", flush=True)
        print("".join(f"\t{t}\n" for t in load(lab, lab.milter_port, path, 1).splitlines() if "arc=" in t), end="")


def measure_memory(lab, keys, empty, empty_port):
    path = write_message(lab, list(kinds(*keys))[1][2])
    ours = held_kib(lab, lab.workers()[0], lab.milter_port, path, HELD) / 1024
    bare = held_kib(lab, empty.pid, empty_port, path, HELD) / 1024
    print(f"{HELD} connections in the middle of 50 KB: assayd {ours:.1f} MiB more, the empty filter {bare:.1f} MiB (PSS)")


def measure(lab):
    keys, empty, empty_port = start(lab)
    if WHAT in ("all", "cpu"):
        measure_cpu(lab, keys, empty, empty_port)
    if WHAT in ("all", "memory"):
        measure_memory(lab, keys, empty, empty_port)
    lab.stop("empty")


def main():
    if len(sys.argv) not in (3, 4) or WHAT not in ("all", "cpu", "memory"):
        sys.exit(__doc__)
    resource.setrlimit(resource.RLIMIT_NOFILE, (HELD + 1000, HELD + 1000))
    try:
        with Lab(sys.argv[1], os.path.join(sys.argv[2], "src/daemon/assayd"), print) as lab:
            compile_tools(lab.work)
            measure(lab)
    except LabError as problem:
        sys.exit(f"perf: {problem}")


if __name__ == "__main__":
    main()
