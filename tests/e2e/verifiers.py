"""ARC verifiers of other people, asked about one message each, over the laboratory's DNS.

Each takes a Lab and the message as bytes, and answers (True or False, its own words).
"""

import json
import os
import subprocess
import urllib.request

import dkim
import dns.resolver

from lab import free_port, is_listening, write

RSPAMD_PACKAGES = ["rspamd", "libluajit-5.1-2", "libluajit-5.1-common", "libhyperscan5", "libunwind8", "libsodium23"]


def crlf(message):
    return message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def txt_of(lab):
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], lab.dns_port

    def txt(name, timeout=5):
        name = name.decode() if isinstance(name, bytes) else name
        try:
            answer = resolver.resolve(name, "TXT", lifetime=timeout)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return None
        return b"".join(answer[0].strings)
    return txt


def dkimpy_arc(lab, message):
    cv, results, reason = dkim.arc_verify(crlf(message), dnsfunc=txt_of(lab))
    return cv == dkim.CV_Pass, f"{cv} {reason} {results}"


def dkimpy_dkim(lab, message):
    return dkim.verify(crlf(message), dnsfunc=txt_of(lab)), "dkim.verify"


def mail_dkim_arc(lab, message):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mail_dkim_arc.pl")
    done = subprocess.run(["perl", script, str(lab.dns_port)], input=crlf(message), capture_output=True, check=False)
    said = done.stdout.decode().strip()
    return said.startswith("pass"), said + done.stderr.decode()


def start_rspamd(lab):
    """Its ARC and DKIM checks alone: no other rule, no net but our name server."""
    root, work = lab.path("rspamd-root"), lab.path("rspamd")
    lab.unpack(RSPAMD_PACKAGES, root)
    os.makedirs(work, exist_ok=True)
    os.chmod(work, 0o777)
    share = f"{root}/usr/share/rspamd"
    lab.rspamd_port = free_port()
    write(f"{work}/tld", "com\nexample\ntest\n")
    conf = write(f"{work}/rspamd.conf", f"""
options {{
    pidfile = "{work}/pid"; url_tld = "{work}/tld"; hs_cache_dir = "{work}"; filters = "dkim";
    dns {{ nameserver = ["127.0.0.1:{lab.dns_port}"]; timeout = 2s; }}
}}
logging {{ type = "console"; level = "info"; }}
lua = "{share}/rules/rspamd.lua";
worker "normal" {{ bind_socket = "127.0.0.1:{lab.rspamd_port}"; count = 1; }}
modules {{ path = "{share}/plugins/arc.lua"; }}
dkim {{ check_local = true; }}
arc {{ check_local = true; check_authed = true; sign_local = false; sign_inbound = false; }}
actions {{ reject = 1000; }}
""")
    env = {"PATH": "/usr/bin:/bin", "SHAREDIR": share, "LUALIBDIR": f"{share}/lualib", "RULESDIR": f"{share}/rules",
           "PLUGINSDIR": f"{share}/plugins", "CONFDIR": f"{root}/etc/rspamd", "LOCAL_CONFDIR": f"{root}/etc/rspamd",
           "DBDIR": work, "RUNDIR": work, "LOGDIR": work, "WWWDIR": f"{share}/www",
           "LD_LIBRARY_PATH": ":".join([f"{root}/usr/lib/rspamd", *lab.library_folders(root)])}
    lab.start("rspamd", [f"{root}/usr/bin/rspamd", "-f", "-i", "-c", conf], lambda: is_listening(lab.rspamd_port),
              seconds=60.0, env=env)


def rspamd_arc(lab, message):
    request = urllib.request.Request(f"http://127.0.0.1:{lab.rspamd_port}/checkv2", data=crlf(message),
                                     headers={"IP": "203.0.113.7", "Content-Type": "text/plain"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        symbols = json.load(answer)["symbols"]
    ours = {name: s.get("options") for name, s in symbols.items() if name.startswith(("ARC_", "R_DKIM_"))}
    return "ARC_ALLOW" in ours, str(ours)


ARC = {"dkimpy": dkimpy_arc, "Mail::DKIM": mail_dkim_arc, "rspamd": rspamd_arc}
