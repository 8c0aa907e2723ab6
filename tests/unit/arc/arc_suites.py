"""
The public ARC test suites (arc-validation-tests.yml, arc-sign-tests.yml) against arc_driver.
Usage: arc_suites.py FOLDER.  Prints each case that is wrong, and how many were run and right.
"""
import re
import sys

import yaml

import arc_driver

VALIDATION_CASES = 171
SIGNING_CASES = 17
NOW = 1700000000  # the suite's t= lie in 1970, and no case has an x=

# The suite's word for a chain whose newest seal, or an older one, says cv=fail itself is "": drafts before RFC 8617 let
# the validator say nothing there.  RFC 8617 5.2 steps 2 and 3.3 say fail.
RESULT_OF = {"pass": "pass", "fail": "fail", "none": "none", "": "fail"}


def load(path):
    with open(path, "rb") as f:
        return [s for s in yaml.safe_load_all(f) if s]


def records(scenario):
    # The line breaks inside p= come from YAML's block text; in DNS there are none.
    return {name: text.replace("\n", "") for name, text in scenario["txt-records"].items()}


def report(what, wanted, wrong, run):
    for name, why in wrong:
        print("%s: %s: %s" % (what, name, why))
    print("%s: %d run, %d right" % (what, run, run - len(wrong)))
    if run != wanted:
        print("%s: %d cases expected" % (what, wanted))
    return run == wanted and not wrong


def validation(folder):
    cases, fields = [], []
    for scenario in load(folder + "/arc-validation-tests.yml"):
        zone = arc_driver.zone(records(scenario))
        for name, case in scenario["tests"].items():
            cases.append((name, RESULT_OF[str(case["cv"] or "").lower()]))
            fields += [zone, NOW, case["message"]]
    replies = arc_driver.run("verify", fields)
    wrong = []
    for i, (name, result) in enumerate(cases):
        got, reason = replies[6 * i].decode(), replies[6 * i + 5].decode()
        if got != result:
            wrong.append((name, "%s (%s), not %s" % (got, reason, result)))
    return report("arc validation suite", VALIDATION_CASES, wrong, len(cases))


def results_of(message, srv_id):
    """What all Authentication-Results fields of srv_id say, as the driver wants it."""
    header = re.sub(r"\n[ \t]+", " ", message.split("\n\n")[0])
    said = []
    for line in header.split("\n"):
        name, _, value = line.partition(":")
        server, _, results = value.partition(";")
        if name.lower() == "authentication-results" and server.strip() == srv_id:
            said.append(results.rstrip())
    return " " + srv_id + ";" + ";".join(said)


def tags(value):
    return set("".join(value.split()).split(";"))


def compare(case, sealed):
    """None, or what is wrong.  Tags as the suite's own runner compares them, but all and not some; the AAR as text."""
    if not case["AS"]:
        return "sealed" if sealed else None
    fields = dict(f.split(":", 1) for f in re.sub(r"\r\n[ \t]+", " ", sealed).split("\r\n") if f)
    if list(fields) != ["ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results"]:
        return "fields are %s" % list(fields)
    for name, wanted in (("ARC-Seal", "AS"), ("ARC-Message-Signature", "AMS")):
        if tags(fields[name]) != tags(case[wanted]):
            return "%s differs: %s" % (wanted, sorted(tags(fields[name]) ^ tags(case[wanted])))
    if fields["ARC-Authentication-Results"].split() != case["AAR"].split():
        return "AAR differs"
    return None


def signing(folder):
    cases, fields = [], []
    for scenario in load(folder + "/arc-sign-tests.yml"):
        zone = arc_driver.zone(records(scenario))
        for name, case in scenario["tests"].items():
            cases.append((name, case))
            fields += [zone, case["t"], scenario["privatekey"], scenario["domain"], scenario["sel"],
                       case["sig-headers"], results_of(case["message"], case["srv-id"]), "suite", case["message"]]
    replies = arc_driver.run("seal", fields)
    wrong = []
    for i, (name, case) in enumerate(cases):
        why = compare(case, replies[2 * i].decode())
        if why:
            wrong.append((name, "%s %s" % (why, replies[2 * i + 1].decode())))
    return report("arc signing suite", SIGNING_CASES, wrong, len(cases))


if __name__ == "__main__":
    right = [validation(sys.argv[1]), signing(sys.argv[1])]
    sys.exit(0 if all(right) else 1)
