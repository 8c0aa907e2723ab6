#!/usr/bin/python3
"""The public RFC 7208 suite (YAML) as text for spf_suite: fake-DNS lines and cases.

TXT records stand in for records of type SPF where a name has none of its own, as the suite's comment says.
TIMEOUT in a list of records is the answer to every type the list does not name.
"""
import sys
import yaml

# "AAAA: 1:20::" and the like must stay text.
class Text(yaml.SafeLoader):
    pass


Text.yaml_implicit_resolvers = {}


def escaped(text, quoted):
    out = ""
    for octet in str(text).encode("latin-1"):
        char = chr(octet)
        plain = char.isalnum() or char in "-_./%:=+~ *" and (quoted or char not in " ")
        out += char if octet < 128 and plain else "\\%03d" % octet
    return out


def name(text):
    return escaped(text, False) or "."


def txt(value):
    parts = value if isinstance(value, list) else [value]
    return " ".join('"%s"' % escaped(p, True) for p in parts) or '""'


def rdata(kind, value):
    if kind in ("TXT", "SPF"):
        return txt(value)
    if kind == "MX":
        return "%s %s" % (value[0], name(value[1]))
    if kind in ("PTR", "CNAME"):
        return name(value)
    return str(value)


def zone_lines(owner, records):
    timeout = "TIMEOUT" in records
    pairs = [pair for r in records if isinstance(r, dict) for pair in r.items()]
    own_txt = any(kind == "TXT" for kind, _ in pairs)
    answered = set()
    for kind, value in pairs:
        if kind == "SPF":
            if own_txt:
                continue
            kind = "TXT"
        if value == "NONE":
            yield "%s NODATA" % name(owner) if not timeout else "# no TXT"
            continue
        answered.add(kind)
        yield "%s %s %s" % (name(owner), kind, rdata(kind, value))
    if timeout:
        for kind in sorted({"A", "AAAA", "MX", "PTR", "TXT"} - answered):
            yield "%s %s TIMEOUT" % (name(owner), kind)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        scenarios = list(yaml.load_all(f, Loader=Text))
    for scenario in scenarios:
        print("scenario", scenario["description"].replace("\n", " "))
        for owner, records in scenario["zonedata"].items():
            for line in zone_lines(owner, records):
                print("zone", line)
        for case, t in scenario["tests"].items():
            print("case", case)
            for key in ("helo", "host", "mailfrom", "explanation"):
                if key in t:
                    print(key, t[key] or "")
            results = t["result"]
            print("result", " ".join(results) if isinstance(results, list) else results.strip("[]").replace(",", " "))
            print("run")


main()
