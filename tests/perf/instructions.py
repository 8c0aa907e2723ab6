#!/usr/bin/python3
"""Instructions that a message costs, by scenarios of tests/replay, against ceilings.

Usage: instructions.py BUILD-DIR

Counted by callgrind between the session's events and their ends: our own code and what it calls in libc.  OpenSSL is not
(it differs with the processor), nor are the player and libmilter.  Unlike times these numbers are the same on a busy machine,
so that a change which makes every message dearer is seen; the ceilings are what is needed now and a tenth, or more where builds of
the same source were seen to differ (what gcc inlines).  They are for x86-64,
gcc and -O2 as configure chooses it; elsewhere, and where valgrind is missing, it says so and ends with 77.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

SCENARIOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "replay")
FEW, MANY = 2, 8  # times that a scenario is played: what only its first time costs goes away in the difference

# Scenario, thousands of instructions of one turn.
CEILINGS = (
    ("happy", 210),       # one message, one signature
    ("dkim_several", 460), # four signatures, an answer that does not come
    ("seal_again", 860),  # chains of ours, and seals
    ("policy_split", 950), # four messages, policies, edits
)


def repeated(path, turns):
    """The scenario's settings once, its events so many times."""
    settings, events = [], []
    with open(path, encoding="utf-8") as f:
        for line in f:
            word = line.split("\t", 1)[0].strip()
            (settings if not events and word in ("conf", "dns", "clock", "host", "") or line[0] == "#" else events).append(line)
    return "".join(settings) + "".join(events) * turns


def counted(profile):
    """Instructions of our own sources and of libc."""
    names, total, skip = {}, 0, False
    here = {"ob": "", "fl": ""}
    with open(profile, encoding="utf-8") as f:
        for line in f:
            named = re.match(r"(ob|fl|fi|fe)=(\(\d+\))(?: (.*))?$", line)
            if named:
                kind = "ob" if named[1] == "ob" else "fl"
                if named[3] is not None:
                    names[kind, named[2]] = named[3]
                here[kind] = names[kind, named[2]]
            elif called := re.match(r"c(ob|fi|fl)=(\(\d+\)) (.*)$", line):
                names["ob" if called[1] == "ob" else "fl", called[2]] = called[3]
            elif line.startswith("calls="):
                skip = True
            elif re.match(r"[+\-*\d]", line):
                if not skip and ("/src/" in here["fl"] and "valgrind" not in here["fl"] or "libc.so" in here["ob"]):
                    total += int(line.split()[1])
                skip = False
    return total


def cost(replay, scenario, turns, folder):
    path, profile = os.path.join(folder, "turns.scn"), os.path.join(folder, "profile")
    with open(path, "w", encoding="utf-8") as f:
        f.write(repeated(scenario, turns))
    done = subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=session_on_*", "--callgrind-out-file=" + profile,
                           replay, path], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"instructions: {scenario}, {turns} times:\n{done.stdout}{done.stderr}")
    return counted(profile)


def build_fits(build):
    with open(os.path.join(build, "config.log"), encoding="utf-8") as f:
        flags = re.search(r"^CFLAGS='(.*)'$", f.read(), re.MULTILINE)
    return platform.machine() == "x86_64" and flags is not None and "-O2" in flags[1] and "-fsanitize" not in flags[1]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    replay = os.path.join(sys.argv[1], "tests/replay/replay")
    if shutil.which("valgrind") is None or not build_fits(sys.argv[1]):
        print("instructions: skipped: this wants valgrind, x86-64, and a build with -O2 and without sanitizers")
        sys.exit(77)
    above = 0
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(os.path.join(SCENARIOS, "keys"), os.path.join(folder, "keys"))
        for name, ceiling in CEILINGS:
            scenario = os.path.join(SCENARIOS, name + ".scn")
            few, many = (cost(replay, scenario, turns, folder) for turns in (FEW, MANY))
            thousands = (many - few) / (MANY - FEW) / 1000
            above += thousands > ceiling
            print(f"{'ABOVE' if thousands > ceiling else 'ok':6}{name:16}{thousands:7.1f} thousand instructions, ceiling {ceiling}",
                  flush=True)
    if above > 0:
        sys.exit("instructions: a message costs more than it did.  If it must, raise the ceiling in tests/perf/instructions.py "
                 "and say why.")


if __name__ == "__main__":
    main()
