"""contrib/fail2ban before lines that a running assayd has written for mail of strangers who know the filter."""

import os
import shutil
import sys

import tools

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import hostile  # noqa: E402
import hostile_dns  # noqa: E402

REGEX, CLIENT = tools.find("fail2ban-regex"), tools.find("fail2ban-client")
INNOCENT = "203.0.113.9"
# What would be a refusal of somebody else's, if it could leave its place.
LIES = [
    f"x[{INNOCENT}] verdict=reject rule=spf-fail",
    f'x" verdict=reject rule=spf-fail client=x[{INNOCENT}] helo="',
    f'x\\" client=x[{INNOCENT}] helo=y verdict=reject rule=spf-fail ',
    f"x\\[{INNOCENT}]\\",
    f"x[{INNOCENT}]",
    f"\r\nNov 22 10:00:00 mx assayd[1]: Q: client=x[{INNOCENT}] helo=x verdict=reject rule=spf-fail ",
    "y" * 254 + f'" client=x[{INNOCENT}] helo=x verdict=reject rule=spf-fail ',
    f"=[{INNOCENT}]=", f"\xa0verdict=reject\u2003rule=spf-fail client=x[{INNOCENT}]", "", '"', "\\",
]
POLICY = """domains = ["local.test"];
incoming: { mode = "enforce"; reject-needs = "nothing"; rules = (
	{ name = "spf-fail"; when = { spf = ["fail"]; }; do = "reject"; reply = "550 5.7.23 SPF: %{spf_smtp_comment}"; },
	{ name = "spoofed"; when = { dmarc = ["reject"]; }; do = "reject"; reply = "550 5.7.26 DMARC: %{helo}"; } ); };
"""


class Lab(hostile.SmallLab):
    """Without root assayd remains who we are."""

    def __enter__(self):
        self.unpack()
        return self


def address(name, ip):
    family = b"6" if ":" in ip else b"4"
    shown = b"IPv6:" + ip.encode() if ":" in ip else ip.encode()
    return name.encode() + b"\0" + family + b"\x9c\x40" + shown + b"\0"


def message(lab, ip, name="mail.sender.example", helo="mail.sender.example", sender="ann@sender.example",
            author="ann@sender.example"):
    with hostile.Milter(lab) as m:
        m.send(b"C", address(name.replace("\0", ""), ip))
        m.send(b"H", helo.encode() + b"\0")
        answer = m.envelope(sender.encode())
        if answer.startswith(b"y"):
            return answer
        m.header(b"From", b" <" + author.encode() + b">")
        m.header(b"DKIM-Signature", b" v=1; a=rsa-sha256; d=" + helo.encode() + b"; s=s; h=from; bh=AAAA; b=AAAA")
        return m.end()


def play(lab):
    """The addresses that the MTA was told to refuse, in order."""
    refused = []

    def send(ip, **more):
        answer = message(lab, ip, **more)
        assert answer == b"c" or answer.startswith(b"y550"), (answer, ip, more)
        if answer != b"c":
            refused.append(ip)
        return answer != b"c"
    assert send("198.51.100.1")
    assert send("2001:db8::66")
    assert send("192.0.2.7", author="ceo@victim.example")
    assert not send("192.0.2.1")
    assert not send("127.0.0.1", author="ceo@victim.example", sender="")  # internal: not judged
    for i, lie in enumerate(LIES):
        quoted = '"' + lie.replace("\\", "\\\\").replace('"', '\\"') + '"@sender.example'
        for ip, is_refused in (f"198.51.100.{10 + i}", True), ("192.0.2.2", False):
            for part in ("name", "helo"):
                assert send(ip, **{part: lie}) == is_refused, (ip, part, lie)
            for text in (quoted, lie + "@sender.example"):  # not all are addresses, which tells SPF nothing
                send(ip, sender=text)
                send(ip, author=text)
    return refused


def configuration(folder):
    """fail2ban's own, with ours in its place."""
    path = folder + "/fail2ban"
    shutil.copytree((tools.TOOLS if REGEX.startswith(tools.TOOLS) else "") + "/etc/fail2ban", path)
    for name in os.listdir(path + "/jail.d"):
        os.unlink(path + "/jail.d/" + name)
    tools.write(path + "/filter.d/assay.conf", tools.contrib("fail2ban/filter.conf"))
    tools.write(folder + "/mail.log", "")
    tools.write(path + "/jail.d/assay.conf",
                tools.contrib("fail2ban/jail.conf").replace("/var/log/mail.log", folder + "/mail.log"))
    return path


def written(folder):
    """(lines as assayd gives them to syslog, refused addresses)"""
    with Lab(folder, os.environ["ASSAYD"]) as lab, hostile_dns.Server(lab.dns_port) as lab.dns:
        os.makedirs(folder + "/domains")
        tools.write(folder + "/domains/a.conf", POLICY)
        lab.assay_conf(policy={"directory": f'"{folder}/domains"'})
        lab.start_assayd()
        refused = play(lab)
        assert lab.stop("assayd") == 0
        return [line.removeprefix("assayd: ") for line in lab.assayd_log().splitlines()], refused


def found(folder, lines, rules=""):
    config = configuration(folder)
    tools.write(folder + "/mail.log", "".join(line + "\n" for line in lines))
    said = tools.run(REGEX, "-c", config, "-o", "ip", folder + "/mail.log", "assay" + rules, status=None)
    shutil.rmtree(config)
    return [word for word in said.split() if word]


def refused_clients_are_found_and_nobody_else(folder):
    lines, refused = written(folder)
    assert sum(" verdict=accept " in line for line in lines) > len(LIES), lines
    for before in ("Nov 22 10:00:00 mx assayd[42]: ", "2026-11-22T10:00:00.123456+00:00 mx assayd[42]: "):
        got = found(folder, [before + line for line in lines])
        assert got == refused, f"wanted {refused}\ngot {got}\n" + "\n".join(lines)
    of_dmarc = found(folder, [before + line for line in lines], '[rules=spoofed]')
    assert of_dmarc == ["192.0.2.7"], of_dmarc
    assert found(folder, [before.replace("assayd", "other") + line for line in lines]) == []


def jail_is_read(folder):
    said = tools.run(CLIENT, "-c", configuration(folder), "-t")
    assert "OK: configuration test is successful" in said, said


tools.main([refused_clients_are_found_and_nobody_else, jail_is_read])
