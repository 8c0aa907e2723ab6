"""contrib/logrotate before logrotate.  That assayd goes on in the new file is shown by tests/e2e/e2e_unit.py."""

import getpass
import grp
import os
import re

import tools

LOGROTATE = tools.find("logrotate")


def config(folder):
    """With files below folder, and the user that we are."""
    text = tools.contrib("logrotate/assay").replace("/var/", folder + "/var/")
    text = text.replace("/usr/lib/rsyslog/rsyslog-rotate", f"touch {folder}/rotated")
    text = re.sub(r"su assay assay", f"su {getpass.getuser()} {grp.getgrgid(os.getgid()).gr_name}", text)
    path = tools.write(os.path.join(folder, "assay"), text)
    os.chmod(path, 0o644)
    return path


def files(folder):
    history, log = folder + "/var/lib/assay/dmarc.history", folder + "/var/log/assay.log"
    for path in (history, log):
        os.makedirs(os.path.dirname(path), 0o755)
        tools.write(path, "some lines\n")
    return history, log


def rotate(folder, *more):
    return tools.run(LOGROTATE, "-v", "-s", folder + "/state", *more, config(folder))


def config_is_read(folder):
    files(folder)
    said = rotate(folder, "-d")
    assert "error" not in said and "Handling 2 logs" in said, said


def files_are_rotated(folder):
    history, log = files(folder)
    said = rotate(folder, "-f")
    assert "error" not in said, said
    assert os.path.exists(history + ".1") and not os.path.exists(history), said
    assert os.path.exists(log + ".1") and os.path.exists(folder + "/rotated"), said


def second_time_is_compressed(folder):
    history, _ = files(folder)
    rotate(folder, "-f")
    tools.write(history, "more lines\n")
    rotate(folder, "-f")
    assert os.path.exists(history + ".1") and os.path.exists(history + ".2.gz"), os.listdir(os.path.dirname(history))


def missing_files_are_no_error(folder):
    os.makedirs(folder + "/var/lib/assay")
    os.makedirs(folder + "/var/log")
    assert "error" not in rotate(folder, "-f")


tools.main([config_is_read, files_are_rotated, second_time_is_compressed, missing_files_are_no_error])
