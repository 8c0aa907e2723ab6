#!/usr/bin/python3
"""Policies end to end, where recipients get into each other's way: real Postfix, each pair of wishes in each mode.
Usage: e2e_policy_odd.py WORK ASSAYD [NAME...]
"""

import glob
import itertools
import os
import re
import subprocess
import time

import e2e
import e2e_policy
from e2e_policy import boxes, reload, transaction
from lab import header_fields, wait_until, write

TESTS = []
test = e2e.register(TESTS)

WISHES = {
    "accept": 'do = "accept";',
    "tag": 'do = "tag"; header = "X-Marked: yes";',
    "redirect": 'do = "quarantine"; by = "redirect"; to = "cell@local.test";',
    "hold": 'do = "quarantine"; by = "hold";',
    "discard": 'do = "discard";',
    "reject": 'do = "reject"; reply = "554 5.7.0 refused";',
    "reject2": 'do = "reject"; reply = "550 5.7.26 refused in other words";',
    "defer": 'do = "defer"; reply = "450 4.7.1 not now";',
}
MILD = ["accept", "tag", "redirect", "hold", "discard", "reject", "defer"]
REPLY = {"reject": "554 5.7.0 refused", "reject2": "550 5.7.26 refused in other words", "defer": "450 4.7.1 not now"}


def rule(wish, name="r"):
    return f'incoming: {{ rules = ( {{ name = "{name}"; when = {{ dmarc = ["reject"]; }}; {wish} }} ); }};'


def configure(lab, texts=None, **policy):
    """New settings, and only these files, taken over by HUP."""
    for path in glob.glob(lab.path("etc/odd/*")):
        os.unlink(path)
    texts = texts or {w: f'addresses = "{w}@local.test"; {rule(text)}' for w, text in WISHES.items()}
    for name, text in texts.items():
        write(lab.path("etc/odd", name + ".conf"), text + "\n")
    lab.assay_conf(policy={"directory": f'"{lab.path("etc/odd")}"', **policy})
    reload(lab)


def held(lab, mark):
    return any(mark.encode() in open(p, "rb").read() for p in glob.glob(lab.path("spool/hold/*")))


def look(lab, mark, end, copies):
    """What became of it: the reply's start, who got a copy, is it held."""
    if not end.startswith("250"):
        return end.split(" [assay:")[0], [], False
    if copies:
        return "250", boxes(lab, mark, copies), False
    time.sleep(0.3)
    return "250", [], held(lab, mark)


def expected_split(wishes):
    """By the words of the design, not by the code: (reply, who gets a copy, held)"""
    if "defer" in wishes:
        return REPLY["defer"], [], False
    kept = [w for w in wishes if w not in ("reject", "reject2", "discard")]
    if not kept:
        refused = [w for w in wishes if w.startswith("reject")]
        return (REPLY[refused[0]] if refused else "250"), [], False
    there = [w for w in kept if w != "redirect"]
    if there and all(w == "hold" for w in there):
        return "250", [], True
    return "250", sorted({"cell" if w == "redirect" else w for w in kept}), False


def run_one(lab, mark, wishes, wanted):
    reply, got, is_held = wanted
    replies, end = transaction(lab, mark, [f"{w}@local.test" for w in wishes])
    assert all(r.startswith("250") for r in replies.values()), replies
    found = look(lab, mark, end, len(got))
    assert found == (reply, [f"{w}@local.test" for w in got], is_held), (wishes, found, wanted)


@test
def every_pair_in_split_mode(lab):
    configure(lab, recipients='"split"')
    for n, pair in enumerate(itertools.permutations(MILD + ["reject2"], 2)):
        run_one(lab, f"o-pair-{n}-", pair, expected_split(pair))
    for n, four in enumerate(itertools.permutations(["accept", "tag", "redirect", "reject"])):
        run_one(lab, f"o-four-{n}-", four, expected_split(four))


@test
def every_pair_with_one_verdict(lab):
    order = ["accept", "tag", "redirect", "discard", "reject", "defer"]
    for mode, choose in (("strictest", max), ("lenient", min)):
        configure(lab, recipients=f'"{mode}"')
        for n, pair in enumerate(itertools.permutations(order, 2)):
            one = choose(pair, key=order.index)
            got = {"redirect": ["cell"], "discard": [], "reject": [], "defer": []}.get(one, sorted(pair))
            run_one(lab, f"o-{mode}-{n}-", pair, (REPLY.get(one, "250"), got, False))


@test
def every_pair_in_class_mode(lab):
    configure(lab)
    alike = ({"accept", "tag"},)
    for n, (a, b) in enumerate(itertools.permutations(MILD, 2)):
        mark = f"o-class-{n}-"
        replies, end = transaction(lab, mark, [f"{a}@local.test", f"{b}@local.test"])
        assert replies[f"{a}@local.test"].startswith("250"), replies
        later = replies[f"{b}@local.test"]
        assert later.startswith("250" if {a, b} in alike else "452 4.5.3 "), (a, b, replies)
        wishes = (a, b) if {a, b} in alike else (a,)
        reply, got, is_held = expected_split(wishes)
        assert look(lab, mark, end, len(got)) == (reply, [f"{w}@local.test" for w in got], is_held), (a, b, end)


@test
def redirected_to_one_who_is_a_recipient_too(lab):
    """Whatever becomes of the mailbox's own copy, the one that is sent there arrives."""
    texts = {"jail": f'addresses = "jail@local.test"; {rule(WISHES["redirect"])}',
             "cell": f'addresses = "cell@local.test"; {rule(WISHES["reject"])}'}
    configure(lab, texts, recipients='"split"')
    for n, rcpts in enumerate(itertools.permutations(["jail@local.test", "cell@local.test"])):
        _, end = transaction(lab, f"o-cell-{n}-", rcpts)
        assert end.startswith("250"), end
        assert boxes(lab, f"o-cell-{n}-", 1) == ["cell@local.test"]
    further = 'do = "quarantine"; by = "redirect"; to = "last@local.test";'
    texts["cell"] = f'addresses = "cell@local.test"; {rule(further)}'
    configure(lab, texts, recipients='"split"')
    for n, rcpts in enumerate(itertools.permutations(["jail@local.test", "cell@local.test"])):
        _, end = transaction(lab, f"o-chain-{n}-", rcpts)
        assert end.startswith("250"), end
        assert boxes(lab, f"o-chain-{n}-", 2) == ["cell@local.test", "last@local.test"]


@test
def odd_spellings_of_a_recipient(lab):
    """All of them are the one whose file it is."""
    texts = {"jail": f'addresses = "jail@local.test"; domains = "b\u00fccher.test"; {rule(WISHES["redirect"])}'}
    configure(lab, texts, recipients='"split"', **{"recipient-delimiter": '"+"'})
    spellings = ["<JAIL@LOCAL.TEST>", '<"jail"@local.test>', "<jail+spam@local.test>", "jail@local.test",
                 "<@relay.test:jail@local.test>", "<jail@local.test.>"]
    for n, spelling in enumerate(spellings):
        mark = f"o-spelled-{n}-"
        with lab.client(e2e_policy.SPOOFER) as smtp:
            smtp.ehlo()
            smtp.mail("ceo@bank.example")
            for rcpt in (spelling, "<open@local.test>", "<open@local.test>"):
                code, text = smtp.docmd(f"RCPT TO:{rcpt}")
                if code != 250:
                    break
            if code != 250:
                print(f"      Postfix refuses {spelling}: {code} {text.decode()}")
                continue
            code, text = smtp.data(e2e_policy.spoof(mark))
        assert code == 250, text
        assert boxes(lab, mark, 2) == ["cell@local.test", "open@local.test"], spelling


@test
def duplicates_are_one(lab):
    configure(lab, recipients='"split"')
    for n, twice in enumerate(("redirect", "tag", "reject")):
        rcpts = [f"{twice}@local.test", "accept@local.test", f"{twice}@local.test", f"{twice.upper()}@local.test"]
        _, end = transaction(lab, f"o-twice-{n}-", rcpts)
        wanted = expected_split([twice, "accept"])[1]
        got = boxes(lab, f"o-twice-{n}-", len(wanted))
        assert set(got) == {f"{w}@local.test" for w in wanted}, got


@test
def a_transaction_ends_a_class(lab):
    configure(lab)
    with lab.client(e2e_policy.SPOOFER) as smtp:
        smtp.ehlo()
        for n, wish in enumerate(("redirect", "accept", "reject", "redirect")):
            smtp.mail("ceo@bank.example")
            assert smtp.rcpt(f"{wish}@local.test")[0] == 250, wish
            assert smtp.rcpt("defer@local.test")[0] == 452
            if n % 2:
                smtp.rset()
                continue
            code, text = smtp.data(e2e_policy.spoof(f"o-rset-{n}-"))
            assert f"{code}" == ("554" if wish == "reject" else "250"), text
    assert boxes(lab, "o-rset-0-", 1) == ["cell@local.test"]


@test
def pipelined(lab):
    configure(lab)
    with lab.client(e2e_policy.SPOOFER) as smtp:
        smtp.ehlo()
        smtp.send(b"MAIL FROM:<ceo@bank.example>\r\nRCPT TO:<accept@local.test>\r\nRCPT TO:<reject@local.test>\r\n"
                  b"RCPT TO:<tag@local.test>\r\nDATA\r\n")
        codes = [smtp.getreply()[0] for _ in range(5)]
        assert codes == [250, 250, 452, 250, 354], codes
        smtp.send(e2e_policy.spoof("o-pipe") + b"\r\n.\r\n")
        assert smtp.getreply()[0] == 250
    assert boxes(lab, "o-pipe", 2) == ["accept@local.test", "tag@local.test"]


@test
def sendmail_in_each_mode(lab):
    """Local mail has one answer, and is not refused at RCPT in any mode."""
    wish = 'do = "reject"; reply = "550 5.7.1 no local mail";'
    own = f'addresses = "own@local.test"; incoming: {{ rules = ( {{ when = {{ local = true; }}; {wish} }} ); }};'
    for mode in ("class", "split", "strictest", "lenient"):
        configure(lab, {"own": own}, recipients=f'"{mode}"')
        mark = f"o-local-{mode}"
        subprocess.run([*lab.sendmail_command(), "-f", "me@local.test", "own@local.test", "open@local.test"],
                       input=e2e_policy.letter(mark, "me@local.test").encode(), env=lab.environment(), check=True)
        if mode == "strictest":  # all are refused: Postfix sends it back
            wait_until("the bounce", lambda m=mark: lab.is_delivered("no local mail"))
            assert not [b for b in boxes(lab, mark, 1) if b == "open@local.test"]
        else:
            wanted = ["open@local.test"] if mode != "lenient" else ["open@local.test", "own@local.test"]
            assert boxes(lab, mark, len(wanted)) == wanted


@test
def hostile_values_in_replies(lab):
    wish = 'do = "reject"; reply = "550 5.7.1 100%% 5% %{sender} helo %{helo} %d %s %{recipient}";'
    configure(lab, {"own": f'addresses = "own@local.test"; {rule(wish)}'})
    with lab.client(e2e_policy.SPOOFER, helo="%{recipient}%s%n.test") as smtp:
        smtp.ehlo()
        code, text = smtp.docmd('MAIL FROM:<"%{rule} %n%s"@bank.example>')
        assert code == 250, text
        assert smtp.rcpt("own@local.test")[0] == 250
        code, text = smtp.data(e2e_policy.spoof("o-hostile"))
    assert code == 550 and text.startswith(b'5.7.1 100%% 5% "%{rule} %n%s"@bank.example helo %{recipient}%s%n.test %d %s '
                                           b'own@local.test'), text


@test
def a_reload_within_a_transaction(lab):
    """The message is judged by one of the two, wherever the reload falls; the next one by the new."""
    first = {"own": f'addresses = "own@local.test"; {rule(WISHES["reject"])}'}
    second = {"own": f'addresses = "own@local.test"; {rule(WISHES["reject2"])}'}
    for n, at in enumerate(("mail", "rcpt", "data")):
        configure(lab, first)
        with lab.client(e2e_policy.SPOOFER) as smtp:
            smtp.ehlo()
            for step, command in (("mail", "MAIL FROM:<ceo@bank.example>"), ("rcpt", "RCPT TO:<own@local.test>"),
                                  ("data", "DATA")):
                assert smtp.docmd(command)[0] in (250, 354), command
                if step == at:
                    configure(lab, second)
            smtp.send(e2e_policy.spoof(f"o-reload-{n}-") + b"\r\n.\r\n")
            code, text = smtp.getreply()
            # assayd hears of MAIL at once or, where nothing is said at RCPT, at DATA: the message begins there.
            wanted = [(554, b"5.7.0 refused"), (550, b"5.7.26 refused in other words")]
            assert (code, text.split(b" [")[0]) in (wanted if at != "data" else wanted[:1]), (at, code, text)
            smtp.mail("ceo@bank.example")
            smtp.rcpt("own@local.test")
            code, text = smtp.data(e2e_policy.spoof(f"o-reload-{n}-"))
            assert code == 550, (at, text)


@test
def classes_begin_on_an_open_connection(lab):
    """A connection of a time without rules hears nothing at RCPT; it loses nothing and refuses no one for others."""
    configure(lab, {"none": 'domains = "*";'})
    with lab.client(e2e_policy.SPOOFER) as smtp:
        smtp.ehlo()
        smtp.mail("ceo@bank.example")
        smtp.rcpt("accept@local.test")
        assert smtp.data(e2e_policy.spoof("o-unheard-1"))[0] == 250
        configure(lab)
        smtp.mail("ceo@bank.example")
        for wish in ("accept", "tag"):
            assert smtp.rcpt(f"{wish}@local.test")[0] == 250
        code, text = smtp.data(e2e_policy.spoof("o-unheard-2"))
        assert code == 250, text
        smtp.mail("ceo@bank.example")
        for wish in ("accept", "reject"):
            assert smtp.rcpt(f"{wish}@local.test")[0] in (250, 452)
        code, text = smtp.data(e2e_policy.spoof("o-unheard-3"))
        assert code in (250, 451), text
        print(f"      {code} {text.decode()}")
        smtp.mail("ceo@bank.example")
        assert smtp.rcpt("reject@local.test")[0] == 250
        assert smtp.data(e2e_policy.spoof("o-unheard-4"))[0] == 554
    assert boxes(lab, "o-unheard-2", 2) == ["accept@local.test", "tag@local.test"]


@test
def five_hundred_classes(lab):
    """Of a thousand recipients each second is of another class: one transaction each, and nobody is lost."""
    texts = {f"c{i}": f'addresses = "u{i}@local.test"; ' + rule(
        f'do = "quarantine"; by = "redirect"; to = "cell{i}@local.test";') for i in range(500)}
    configure(lab, texts, **{"class-refusals": 1000})
    with lab.client(e2e_policy.SPOOFER) as smtp:
        smtp.ehlo()
        smtp.mail("ceo@bank.example")
        codes = []
        for i in range(1000):
            codes.append(smtp.rcpt(f"u{i % 500}@local.test")[0])
        assert codes == [250 if i % 500 == 0 else 452 for i in range(1000)], codes[:20]
        assert smtp.data(e2e_policy.spoof("o-classes"))[0] == 250
    assert boxes(lab, "o-classes", 1) == ["cell0@local.test"]


@test
def no_more_refusals_than_an_mta_bears(lab):
    """Postfix would hang up after 20; the 16th of another class is let in, and each still gets what his policy says."""
    texts = {f"c{i}": f'addresses = "u{i}@local.test"; ' + rule(
        f'do = "quarantine"; by = "redirect"; to = "cell{i}@local.test";') for i in range(19)}
    texts["no"] = f'addresses = "no@local.test"; {rule(WISHES["reject"])}'
    configure(lab, texts)
    with lab.client(e2e_policy.SPOOFER) as smtp:
        smtp.ehlo()
        for mark in "o-many-1", "o-many-2":  # an accepted message ends the row
            smtp.mail("ceo@bank.example")
            codes = [smtp.rcpt(f"{user}@local.test")[0] for user in [f"u{i}" for i in range(19)] + ["no"]]
            assert codes == [250] + [452] * 15 + [250] * 4, codes
            assert smtp.data(e2e_policy.spoof(mark))[0] == 250
    for mark in "o-many-1", "o-many-2":
        assert boxes(lab, mark, 4) == ["cell0@local.test", "cell16@local.test", "cell17@local.test", "cell18@local.test"]
    e2e.check_in(lab.assayd_log(), "event=classes refused=15: ", "rcpt=<no@local.test> stage=end verdict=reject")


@test
def a_name_that_moves_to_another_file(lab):
    """A new file that claims a name of a standing one takes nothing from it."""
    old = f'addresses = ["own@local.test", "other@local.test"]; {rule(WISHES["reject"])}'
    configure(lab, {"b": old})
    write(lab.path("etc/odd/a.conf"), f'addresses = "own@local.test"; {rule(WISHES["reject2"])}\n')
    reload(lab)
    _, end = transaction(lab, "o-moved", ["other@local.test"])
    assert end.startswith("554 5.7.0"), end
    _, end = transaction(lab, "o-moved", ["own@local.test"])
    assert end.startswith("554 5.7.0"), end
    e2e.check_in(lab.assayd_log(), "own@local.test belongs to")


if __name__ == "__main__":
    e2e.zones = e2e_policy.zones
    e2e.main(TESTS)
