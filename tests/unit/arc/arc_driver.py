"""Speaks with arc_driver: netstrings in, netstrings out."""
import os
import subprocess


def _octets(value):
    return value if isinstance(value, bytes) else str(value).encode()


def run(mode, fields=()):
    """All replies of one run of the driver, as bytes."""
    sent = b"".join(b"%d:%s," % (len(f), f) for f in map(_octets, fields))
    done = subprocess.run([os.environ.get("ARC_DRIVER", "./arc_driver"), mode], input=sent, stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise SystemExit("arc_driver %s: exit %d" % (mode, done.returncode))
    text, replies = done.stdout, []
    while text:
        head, _, text = text.partition(b":")
        n = int(head)
        replies.append(text[:n])
        if text[n:n + 1] != b",":
            raise SystemExit("arc_driver %s: not a netstring" % mode)
        text = text[n + 1:]
    return replies


def zone(records):
    """dns_fake text of { name: text }."""
    lines = []
    for name, text in records.items():
        lines.append('%s TXT "%s"' % (name, text.replace("\\", "\\\\").replace('"', '\\"')))
    return "\n".join(lines) + "\n"
