"""contrib/systemd before systemd's own tools: nothing is started."""

import os
import re

import tools

EXPOSURE_MAX, EXPOSURE_MAX_NO_ROOT = 2.5, 1.5
ANALYZE = tools.find("systemd-analyze")
SYSUSERS, TMPFILES = tools.find("systemd-sysusers"), tools.find("systemd-tmpfiles")


def unit(folder, dropin=False):
    """The unit, with a program that is installed; systemd must not see other units of this machine."""
    with open(os.environ["UNIT"], encoding="ascii") as f:
        text = f.read()
    text, n = re.subn(r"(?m)^ExecStart=/[^@\s]+/assayd -f -c /[^@\s]+/assay.conf$", "ExecStart=/bin/true", text)
    assert n == 1, text
    path = tools.write(os.path.join(folder, "assayd.service"), text)
    if dropin:
        os.makedirs(path + ".d")
        tools.write(path + ".d/no-root.conf", tools.contrib("systemd/no-root.conf"))
    return path


def exposure(path):
    said = tools.run(ANALYZE, "security", "--offline=true", "--no-pager", path)
    return float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)[1])


def verify(folder, dropin):
    said = tools.run(ANALYZE, "verify", "--man=no", unit(folder, dropin))
    mine = [line for line in said.splitlines() if "assayd" in line or "no-root" in line]
    assert not mine, "\n".join(mine)


def unit_is_verified(folder):
    verify(folder, False)


def unit_with_dropin_is_verified(folder):
    verify(folder, True)


def a_mistake_would_be_found(folder):
    path = unit(folder)
    with open(path, "a", encoding="ascii") as f:
        f.write("[Service]\nProtectSystems=strict\n")
    assert "ProtectSystems" in tools.run(ANALYZE, "verify", "--man=no", path, status=None)


def unit_is_hardened(folder):
    found = exposure(unit(folder))
    assert found <= EXPOSURE_MAX, found
    print(f"      exposure {found}")


def without_root_it_is_harder(folder):
    """`security` of a file knows no drop-ins: it is put into the unit."""
    path = unit(folder)
    with open(path, "a", encoding="ascii") as f:
        f.write(tools.contrib("systemd/no-root.conf"))
    found = exposure(path)
    assert found <= EXPOSURE_MAX_NO_ROOT, found
    print(f"      exposure {found}")


def user_is_made(folder):
    os.makedirs(folder + "/etc")
    tools.run(SYSUSERS, "--root=" + folder, os.path.abspath(os.path.join(tools.CONTRIB, "systemd/sysusers.conf")))
    with open(folder + "/etc/passwd", encoding="ascii") as f:
        assert re.search(r"(?m)^assay:x:\d+:\d+:[^:]*:/nonexistent:/usr/sbin/nologin$", f.read())
    with open(folder + "/etc/group", encoding="ascii") as f:
        assert re.search(r"(?m)^assay:x:\d+:", f.read())


def folder_is_made(folder):
    user_is_made(folder)
    tools.run(TMPFILES, "--root=" + folder, "--create",
              os.path.abspath(os.path.join(tools.CONTRIB, "systemd/tmpfiles.conf")))
    st = os.stat(folder + "/var/lib/assay")
    assert st.st_mode & 0o7777 == 0o750, oct(st.st_mode)
    with open(folder + "/etc/passwd", encoding="ascii") as f:
        uid = int(re.search(r"(?m)^assay:x:(\d+)", f.read())[1])
    assert st.st_uid == uid, st


NEED_ROOT = [user_is_made, folder_is_made]  # they chown
TESTS = [unit_is_verified, unit_with_dropin_is_verified, a_mistake_would_be_found, unit_is_hardened,
         without_root_it_is_harder]
if os.geteuid() == 0:
    TESTS += NEED_ROOT
else:
    print("skipped: " + ", ".join(t.__name__ for t in NEED_ROOT) + ": they need root")
tools.main(TESTS)
