#!/usr/bin/python3
"""End to end through Debian's Sendmail: what e2e.py, e2e_policy.py and e2e_arc.py ask of Postfix, and what is Sendmail's own.

Usage: e2e_sendmail.py WORK ASSAYD [NAME...]
Prints a line for each test and closes with "N passed, N failed"; 77 where no namespaces can be made.
"""

import os
import re
import signal
import sys
import time

import e2e
import e2e_policy
from e2e import check_in, check_not_in, results, run, sent
from lab import LabError, header_fields, read, wait_until, write
from lab_sendmail import SendmailLab, enter
from mailkit import Signer, letter

# Tests that are about Postfix; each has a brother here.
POSTFIX_ONLY = {"sendmail_command", "one_log_line_per_message", "unix_socket_below_the_queue_directory",
                "held_by_postfix", "sendmail_is_never_refused_at_rcpt"}
CHECKS, POLICIES = [], []


def of_both(tests):
    return [t for t in tests if t.__name__ not in POSTFIX_ONLY]


SUITES = [(e2e.zones, of_both(e2e.TESTS) + CHECKS), (e2e_policy.zones, of_both(e2e_policy.TESTS) + POLICIES)]


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    enter(sys.argv[1])
    wanted, passed, failed = sys.argv[3:], 0, 0
    try:
        for zones, tests in SUITES:
            if wanted and not any(t.__name__ in wanted for t in tests):
                continue
            with SendmailLab(sys.argv[1], sys.argv[2], print, os.environ.get("ASSAYD_WRAPPER", "").split()) as lab:
                zones(lab)
                lab.start_nsd()
                lab.assay_conf()
                lab.start_assayd()
                lab.start_mta()
                counts = run(lab, wanted, tests)
                passed, failed = passed + counts[0], failed + counts[1]
    except LabError as problem:
        sys.exit(f"e2e: {problem}")
    print(f"e2e: {passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
