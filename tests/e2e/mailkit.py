"""Keys, signatures and zones for the laboratory, made by somebody else's code: OpenSSL's command, python3-dkim."""

import base64
import os
import subprocess

import dkim
import nacl.signing

SIGNED = [b"from", b"to", b"subject", b"date", b"message-id"]


class Signer:
    """One DKIM key of a domain, with the line its zone needs."""

    def __init__(self, directory, domain, selector, kind="rsa", bits=2048, tags=""):
        os.makedirs(directory, exist_ok=True)
        self.domain, self.selector, self.kind, self.tags = domain, selector, kind, tags
        if kind == "rsa":
            path = os.path.join(directory, f"{domain}.{selector}.pem")
            subprocess.run(["openssl", "genrsa", "-traditional", "-out", path, str(bits)], check=True,
                           stderr=subprocess.DEVNULL)
            with open(path, "rb") as f:
                self.private = f.read()
            der = subprocess.run(["openssl", "rsa", "-in", path, "-pubout", "-outform", "DER"], check=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            self.public = base64.b64encode(der).decode()
        else:
            key = nacl.signing.SigningKey.generate()
            self.private = base64.b64encode(bytes(key))
            self.public = base64.b64encode(bytes(key.verify_key)).decode()

    def zone_line(self):
        text = f"v=DKIM1; k={self.kind}; {self.tags}p={self.public}"
        strings = " ".join(f'"{text[i:i + 200]}"' for i in range(0, len(text), 200))
        return f"{self.selector}._domainkey IN TXT ( {strings} )"

    def sign(self, message, headers=None, canonicalize=(b"relaxed", b"relaxed"), length=False):
        """The message (LF or CRLF) with a DKIM-Signature on top."""
        message = message.encode() if isinstance(message, str) else message
        message = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        algorithm = b"rsa-sha256" if self.kind == "rsa" else b"ed25519-sha256"
        field = dkim.sign(message, self.selector.encode(), self.domain.encode(), self.private,
                          canonicalize=canonicalize, signature_algorithm=algorithm,
                          include_headers=headers or SIGNED, length=length)
        return field + message


def letter(mark, from_address="ann@sender.example", body="Dear user,\n\nall is well.\n", extra=""):
    """A small message whose Subject holds mark."""
    return (f"{extra}From: Ann <{from_address}>\nTo: user@local.test\nSubject: {mark}\n"
            f"Date: Sun, 22 Nov 2026 10:00:00 +0000\nMessage-ID: <{mark}@sender.example>\n\n{body}")
