#!/usr/bin/python3
"""CPU per message of assayd beside the bare parts, in one run.  Usage: perf.py WORK BUILD-DIR

For each kind of message: microseconds of user and system time of the process, the bare parts (an empty libmilter
filter, and hashing, canonicalization and verification alone), and the ratio.  DNS is warm, from a local nsd.
Needs root only if assayd's user must change; nothing is installed.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from lab import Lab, LabError, free_port, is_listening, write  # noqa: E402
from mailkit import Signer, letter  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TICKS = os.sysconf("SC_CLK_TCK")


def compile_tools(work):
    flags = subprocess.run(["pkg-config", "--libs", "libcrypto"], capture_output=True, text=True, check=True).stdout.split()
    for name, libs in (("milter_load", []), ("empty_filter", ["-lmilter", "-lpthread"]), ("floor", flags)):
        subprocess.run(["cc", "-O2", os.path.join(HERE, name + ".c"), "-o", os.path.join(work, name), *libs], check=True)


def cpu_us(pids):
    """User and system time of these processes, in microseconds."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total * 1e6 / TICKS


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


def kinds(lab, rsa, ed):
    line = "Some words of  an ordinary message, as people write them. \n"
    yield "4 KB, RSA-2048", 1500, rsa.sign(letter("p1", body=line * 65)), 4000, 1, 0
    yield "50 KB, RSA-2048 and Ed25519", 800, ed.sign(rsa.sign(letter("p2", body=line * 830))), 50000, 1, 1
    yield "1 MB, RSA-2048", 150, rsa.sign(letter("p3", body=line * 17000)), 1020000, 1, 0
    yield "4 KB, not signed", 1500, letter("p4", body=line * 65).encode(), 4000, 0, 0


def measure(lab):
    rsa, ed = Signer(lab.path("keys"), "sender.example", "rsa"), Signer(lab.path("keys"), "sender.example", "ed", "ed25519")
    lab.zone("sender.example", ['@ IN TXT "v=spf1 include:_a.sender.example -all"',
                                '_a IN TXT "v=spf1 ip4:198.51.100.0/24 ip4:192.0.2.0/24 -all"',
                                rsa.zone_line(), ed.zone_line()])
    lab.zone("example", [])  # where DMARC's discovery ends
    lab.start_nsd()
    lab.assay_conf()
    lab.start_assayd()
    empty_port = free_port()
    empty = lab.start("empty", [lab.path("empty_filter"), str(empty_port)], lambda: is_listening(empty_port))
    print(f"{'message':30} {'assayd':>8} {'filter':>8} {'crypto':>8} {'ratio':>6}   (us of CPU per message)")
    for name, count, message, body, rsas, eds in kinds(lab, rsa, ed):
        path = write(lab.path("message.eml"), "")
        with open(path, "wb") as f:
            f.write(message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        ours = per_message(lab, lab.workers(), lab.milter_port, path, count)
        bare = per_message(lab, [empty.pid], empty_port, path, count)
        crypto = 0.0 if rsas + eds == 0 else float(subprocess.run(
            [lab.path("floor"), str(body), str(rsas), str(eds)], capture_output=True, text=True, check=True).stdout)
        print(f"{name:30} {ours:8.0f} {bare:8.0f} {crypto:8.0f} {ours / (bare + crypto):6.2f}", flush=True)
    print(load(lab, lab.milter_port, path, 1))
    lab.stop("empty")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        with Lab(sys.argv[1], os.path.join(sys.argv[2], "src/daemon/assayd"), print) as lab:
            compile_tools(lab.work)
            measure(lab)
    except LabError as problem:
        sys.exit(f"perf: {problem}")


if __name__ == "__main__":
    main()
