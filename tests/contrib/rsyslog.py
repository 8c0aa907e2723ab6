"""contrib/rsyslog in a real rsyslogd that listens to a socket of its own."""

import glob
import os
import re
import signal
import socket
import subprocess
import sys
import time

import tools

RSYSLOGD = tools.find("rsyslogd")
MODULES = (glob.glob(tools.TOOLS + "/usr/lib/*/rsyslog") + glob.glob("/usr/lib/*/rsyslog"))[:1]
LINE = 'client=mail.example[192.0.2.25] helo="a \\"b\\" c" from=<ann@example.org> rcpts=1 verdict=accept rule=built-in'


def config(folder):
    text = tools.contrib("rsyslog/assay.conf").replace("/var/log/", folder + "/").replace(' fileOwner="root"', "")
    text = re.sub(r' fileGroup="adm"|fileOwner="root" fileGroup="adm" ', "", text)
    return tools.write(folder + "/rsyslog.conf", f"""global(workDirectory="{folder}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{folder}/log.sock")
{text}
*.* action(type="omfile" file="{folder}/all.log")
""")


def command(folder, *more):
    return [RSYSLOGD, "-M", MODULES[0], "-f", config(folder), "-i", folder + "/pid", *more]


def config_is_read(folder):
    said = tools.run(*command(folder, "-N1"))
    assert "error" not in said.replace("End of config validation run", "").lower(), said


def a_mistake_would_be_found(folder):
    command(folder)
    with open(folder + "/rsyslog.conf", "a", encoding="ascii") as f:
        f.write('if $programme == "x" then { }\nno such directive\n')
    tools.run(RSYSLOGD, "-M", MODULES[0], "-f", folder + "/rsyslog.conf", "-N1", status=1)


def wait_for(what):
    until = time.monotonic() + 20
    while not what():
        assert time.monotonic() < until, "not within 20 s"
        time.sleep(0.05)


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        return f.read().splitlines()


def lines_arrive(folder):
    with subprocess.Popen(command(folder, "-n"), env=tools.environment()) as daemon:
        try:
            wait_for(lambda: os.path.exists(folder + "/log.sock"))
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                s.connect(folder + "/log.sock")
                s.send(b"<22>Nov 22 10:00:00 assayd[42]: Q1: " + LINE.encode())
                s.send(b"<22>Nov 22 10:00:00 postfix/smtpd[43]: not ours")
                s.send(b"<22>Nov 22 10:00:00 notassayd[43]: assayd[42]: not ours")
            wait_for(lambda: len(lines(folder + "/all.log")) >= 3)
            wait_for(lambda: lines(folder + "/assay.log"))
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(20)
    got = lines(folder + "/assay.log")
    assert len(got) == 1, got
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\S* \S+ assayd\[42\]: Q1: " + re.escape(LINE), got[0]), got
    assert os.stat(folder + "/assay.log").st_mode & 0o777 == 0o640


if not MODULES:
    print("skipped: rsyslogd has no modules here")
    sys.exit(tools.SKIPPED)
tools.main([config_is_read, a_mistake_would_be_found, lines_arrive])
