#!/usr/bin/python3
"""Run a command as a systemd unit would, without systemd.  Usage: as_unit.py UNIT ROOT COMMAND...

What is tried: ProtectSystem=strict with ReadWritePaths and RuntimeDirectory, ProtectHome, PrivateTmp, NoNewPrivileges,
CapabilityBoundingSet, LimitNOFILE, UMask, MemoryDenyWriteExecute (where the kernel knows it), SystemCallFilter,
RestrictAddressFamilies, RestrictNamespaces.  All else of the unit is not.  The paths of the unit are taken below ROOT,
which stays visible.  Needs root, Linux 5.12, libseccomp and systemd-analyze (for the names of sets of system calls).
"""

import ctypes
import os
import re
import resource
import struct
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
seccomp.seccomp_init.restype = ctypes.c_void_p

MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
CLONE_NEWNS = 0x20000
NAMESPACES = 0x7e020080  # all CLONE_NEW*
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 24, 38, 65
ALLOW, CMP_NE, CMP_LT, CMP_EQ, CMP_GT, CMP_MASKED_EQ = 0x7fff0000, 1, 2, 4, 6, 7
EPERM, EINVAL, ENOSYS, EAFNOSUPPORT = 1, 22, 38, 97
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
                "LINUX_IMMUTABLE", "NET_BIND_SERVICE"]  # numbers of linux/capability.h; the unit names no later one


def error_of(number):
    return 0x00050000 | number


def check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno() or -result, f"{what}: {os.strerror(ctypes.get_errno() or -result)}")


def read_unit(path):
    """{key: [value...]}, an empty value empties the list as in systemd."""
    unit = {}
    with open(path, encoding="ascii") as f:
        for line in f:
            found = re.match(r"([A-Za-z]+)=(.*)", line)
            if found:
                values = unit.setdefault(found[1], [])
                if found[2]:
                    values.append(found[2])
                else:
                    values.clear()
    return unit


def words(unit, key):
    return [word for value in unit.get(key, []) for word in value.split()]


def is_on(unit, key):
    return unit.get(key, ["no"])[-1] in ("yes", "strict")


# --- files ---------------------------------------------------------------------------------------

def mount(source, target, kind, flags, data=None):
    check(libc.mount(source and source.encode(), target.encode(), kind and kind.encode(), ctypes.c_ulong(flags),
                     data and data.encode()), f"mount {target}")


def set_read_only(path, on, deep):
    attributes = struct.pack("QQQQ", MOUNT_ATTR_RDONLY if on else 0, 0 if on else MOUNT_ATTR_RDONLY, 0, 0)
    check(libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, path.encode(), AT_RECURSIVE if deep else 0, attributes,
                       ctypes.c_size_t(len(attributes))), f"mount_setattr {path}")


def confine_files(unit, root):
    check(libc.unshare(CLONE_NEWNS), "unshare")
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    writable = [path.lstrip("-") for path in words(unit, "ReadWritePaths")]
    writable += ["/run/" + name for name in words(unit, "RuntimeDirectory")]
    writable = [path for path in (root + path for path in writable) if os.path.isdir(path)]
    keep = os.open(root, os.O_PATH)
    hidden = (["/tmp", "/var/tmp"] if is_on(unit, "PrivateTmp") else []) + \
        (["/home", "/root"] if is_on(unit, "ProtectHome") else [])
    for path in hidden:
        mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777" if "tmp" in path else "mode=0755")
        if root.startswith(path + "/"):
            os.makedirs(root)
            mount(f"/proc/self/fd/{keep}", root, None, MS_BIND | MS_REC)
    os.close(keep)
    for path in writable:
        mount(path, path, None, MS_BIND)
    if is_on(unit, "ProtectSystem"):
        set_read_only("/", True, True)
        for path in writable + (["/tmp", "/var/tmp"] if is_on(unit, "PrivateTmp") else []):
            set_read_only(path, False, False)


# --- capabilities ---------------------------------------------------------------------------------

def confine_capabilities(unit):
    kept = {CAPABILITIES.index(name[4:]) for name in words(unit, "CapabilityBoundingSet")}
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as f:
        last = int(f.read())
    for number in range(last + 1):
        if number not in kept:
            check(libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0), "prctl")


# --- system calls ---------------------------------------------------------------------------------

def members(name):
    """The system calls of a set of systemd, or the one of that name."""
    if not name.startswith("@"):
        return {name}
    text = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True, capture_output=True, text=True).stdout
    found = set()
    for line in text.splitlines()[1:]:
        line = line.strip()
        if line and not line.startswith("#"):
            found |= members(line)
    return found


def allowed_calls(unit):
    """None: all.  The first line of a list says whether it allows or denies; ours allow."""
    allowed = None
    for value in unit.get("SystemCallFilter", []):
        remove, names = value.startswith("~"), value.lstrip("~").split()
        calls = set().union(*(members(name) for name in names))
        if allowed is None:
            allowed = members("@default") | calls
        else:
            allowed = allowed - calls if remove else allowed | calls
    return allowed


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


class Filter:
    def __init__(self, action):
        self.filter = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(action)))

    def add(self, action, call, *compares):
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            return  # of another machine
        array = (Compare * len(compares))(*compares)
        check(seccomp.seccomp_rule_add_array(self.filter, ctypes.c_uint32(action), number, len(compares), array), call)

    def load(self):
        check(seccomp.seccomp_load(self.filter), "seccomp_load")


def restrictions(unit):
    """Families of addresses and namespaces."""
    f = Filter(ALLOW)
    allowed = sorted(FAMILIES[name] for name in words(unit, "RestrictAddressFamilies"))
    if allowed:
        for family in range(max(allowed)):
            if family not in allowed:
                f.add(error_of(EAFNOSUPPORT), "socket", Compare(0, CMP_EQ, family, 0))
        f.add(error_of(EAFNOSUPPORT), "socket", Compare(0, CMP_GT, max(allowed), 0))
    if is_on(unit, "RestrictNamespaces"):
        f.add(error_of(ENOSYS), "clone3")
        f.add(error_of(EPERM), "unshare")
        f.add(error_of(EPERM), "setns")
        for bit in (1 << n for n in range(32) if NAMESPACES >> n & 1):
            f.add(error_of(EPERM), "clone", Compare(0, CMP_MASKED_EQ, bit, bit))
    return f


def whitelist(unit):
    calls = allowed_calls(unit)
    f = Filter(ALLOW if calls is None else error_of(EPERM))
    for call in sorted(calls or ()):
        f.add(ALLOW, call)
    return f


def main():
    unit, root = read_unit(sys.argv[1]), os.path.abspath(sys.argv[2])
    filters = [restrictions(unit), whitelist(unit)]
    confine_files(unit, root)
    os.chdir("/")
    os.umask(int(unit.get("UMask", ["0022"])[-1], 8))
    for limit in unit.get("LimitNOFILE", []):
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(limit), int(limit)))
    confine_capabilities(unit)
    if is_on(unit, "NoNewPrivileges"):
        check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    if is_on(unit, "MemoryDenyWriteExecute") and libc.prctl(PR_SET_MDWE, 1, 0, 0, 0) != 0 and \
            ctypes.get_errno() != EINVAL:  # Linux before 6.3
        raise OSError(ctypes.get_errno(), "prctl")
    for f in filters:
        f.load()
    os.execv(sys.argv[3], sys.argv[3:])


if __name__ == "__main__":
    main()
