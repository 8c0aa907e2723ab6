#!/usr/bin/python3
"""CPU per message of assayd beside the bare parts, in one run.

Usage: perf.py WORK BUILD-DIR [all|cpu|memory [OTHER-BUILD-DIR...]]

For each kind of message: microseconds of user and system time of the process, the bare parts (an empty libmilter
filter, and hashing, canonicalization and verification alone), and the ratio.  DNS is warm, from a local nsd.  Other builds
are measured in the same rounds, a ratio for each; "BUILD-DIR,wait-at-rcpt = true" is one with that setting.  Needs root only if assayd's user must change; nothing is installed.
"""

import os
import resource
import statistics
import subprocess
import sys
import time

import dkim

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from lab import Lab, LabError, free_port, is_listening, read, write  # noqa: E402
from mailkit import SIGNED, Signer, letter  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
HELD = 2000  # connections
ROUNDS = 15
WHAT = sys.argv[3] if len(sys.argv) > 3 else "all"
OTHERS = sys.argv[4:]
RULES = """domains = "*";
incoming: { rules = ( { when = { dmarc = ["reject"]; }; do = "reject"; }, { when = { dmarc = ["quarantine"]; }; do = "quarantine"; } ); };
"""


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


def per_message(lab, pid, port, message, count):
    before = cpu_us([pid])
    load(lab, port, message, count)
    return (cpu_us([pid]) - before) / count


def crypto_us(lab, body, rsas, eds):
    if rsas + eds == 0:
        return 0.0
    return float(subprocess.run([lab.path("floor"), str(body), str(rsas), str(eds)], capture_output=True, text=True,
                                check=True).stdout)


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
    yield "4 KB, RSA-2048", 6000, rsa.sign(letter("p1", body=line * 65)), 4000, 1, 0
    yield "50 KB, RSA-2048 and Ed25519", 3000, ed.sign(rsa.sign(letter("p2", body=line * 830))), 50000, 1, 1
    sealed = rsa.sign(letter("p5", body=line * 830))
    for instance in (1, 2, 3):
        sealed = seal(sealed, rsa, instance)
    yield "50 KB, RSA-2048, ARC of 3 hops", 3000, sealed, 50000, 7, 0
    yield "1 MB, RSA-2048", 600, rsa.sign(letter("p3", body=line * 17000)), 1020000, 1, 0
    yield "4 KB, not signed", 6000, letter("p4", body=line * 65).encode(), 4000, 0, 0


def start_other(lab, build):
    """Another assayd with the same settings, and what stands behind ",", on a port of its own.  (pid of its worker, port)"""
    port, name = free_port(), "other:" + build
    build, _, more = build.partition(",")
    with open(lab.path("etc/assay.conf"), encoding="utf-8") as f:
        conf = f.read().replace(str(lab.milter_port), str(port)).replace("assayd.pid", f"assayd.{port}.pid")
    path = write(lab.path(f"etc/assay.{port}.conf"), conf + (more and more + ";\n"))
    process = lab.start(f"assayd.{port}", [os.path.join(build, "src/daemon/assayd"), "-f", "-c", path],
                        lambda: is_listening(port), env={**os.environ, "LANG": "C"})
    lab.processes[name] = lab.processes.pop(f"assayd.{port}")
    while not (children := read(f"/proc/{process.pid}/task/{process.pid}/children").split()):
        time.sleep(0.05)  # the port is open before the worker is there
        if process.poll() is not None:
            raise LabError(f"{build}: assayd has ended")
    return int(children[0]), port


def start(lab):
    """Name server and filters.  (keys, [(pid, port)]: assayd, the empty filter, other builds)"""
    keys = (Signer(lab.path("keys"), "sender.example", "rsa"), Signer(lab.path("keys"), "sender.example", "ed", "ed25519"))
    lab.zone("sender.example", ['@ IN TXT "v=spf1 include:_a.sender.example -all"',
                                '_a IN TXT "v=spf1 ip4:198.51.100.0/24 ip4:192.0.2.0/24 -all"',
                                '_dmarc IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@sender.example"',
                                *(key.zone_line() for key in keys)])
    lab.zone("example", [])  # where DMARC's discovery ends
    lab.start_nsd()
    write(lab.path("policies/all.conf"), RULES)
    lab.assay_conf(policy={"directory": f'"{lab.path("policies")}"'})
    lab.start_assayd()
    port = free_port()
    empty = lab.start("empty", [lab.path("empty_filter"), str(port)], lambda: is_listening(port))
    return keys, [(lab.workers()[0], lab.milter_port), (empty.pid, port), *(start_other(lab, build) for build in OTHERS)]


def write_message(lab, message):
    path = lab.path("message.eml")
    with open(path, "wb") as f:
        f.write(message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    return path


def compare(lab, filters, path, count, crypto):
    """Medians over rounds: microseconds of each filter, of the cryptography, and the ratio of each filter."""
    for _, port in filters:
        load(lab, port, path, 20)  # caches
    times, ratios = [], []
    for _ in range(ROUNDS):  # turn about, and a ratio of neighbours: a busy machine is unkind to all alike
        row = [per_message(lab, pid, port, path, count // ROUNDS) for pid, port in filters] + [crypto()]
        times.append(row)
        ratios.append([us / (row[1] + row[-1]) for us in row[:-1]])
    return [[statistics.median(column) for column in zip(*rows)] for rows in (times, ratios)]


def measure_cpu(lab, keys, filters):
    print(f"{'message':30} {'assayd':>8} {'filter':>8} {'crypto':>8} {'ratio':>6}   (us of CPU per message, medians)")
    for name, count, message, body, rsas, eds in kinds(*keys):
        path = write_message(lab, message)
        times, ratios = compare(lab, filters, path, count, lambda b=body, r=rsas, e=eds: crypto_us(lab, b, r, e))
        print(f"{name:30} {times[0]:8.0f} {times[1]:8.0f} {times[-1]:8.0f} {ratios[0]:6.2f}",
              *(f"  other {us:.0f} {ratio:.2f}" for us, ratio in zip(times[2:-1], ratios[2:])), flush=True)
        print("".join(f"\t{t}\n" for t in load(lab, lab.milter_port, path, 1).splitlines() if "arc=" in t), end="")


def measure_memory(lab, keys, filters):
    path = write_message(lab, list(kinds(*keys))[1][2])
    ours, bare, *others = [held_kib(lab, pid, port, path, HELD) / 1024 for pid, port in filters]
    print(f"{HELD} connections in the middle of 50 KB: assayd {ours:.1f} MiB more, the empty filter {bare:.1f} MiB (PSS)",
          *(f"other {mib:.1f} MiB" for mib in others))


def measure(lab):
    keys, filters = start(lab)
    if WHAT in ("all", "cpu"):
        measure_cpu(lab, keys, filters)
    if WHAT in ("all", "memory"):
        measure_memory(lab, keys, filters)
    for name in [name for name in lab.processes if name == "empty" or name.startswith("other:")]:
        lab.stop(name)


def main():
    if len(sys.argv) < 3 or WHAT not in ("all", "cpu", "memory"):
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
