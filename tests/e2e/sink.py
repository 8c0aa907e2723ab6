"""Where mail goes in the laboratories: a server that takes everything and remembers it."""

import socketserver
import threading


class Envelope:
    """What a sink was given: MAIL and RCPT as they came, and the message with LF."""

    def __init__(self, mail, rcpts, message):
        self.mail, self.rcpts, self.message = mail, rcpts, message


class Sink(socketserver.ThreadingTCPServer):
    """An SMTP or LMTP server that takes everything and keeps the envelopes."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, port=25, keep=None):
        super().__init__((address, port), SinkSession)
        self.port, self.envelopes, self.keep = port, [], keep
        self.eight_bit = True  # offer 8BITMIME
        self.refuse = ()  # replies to RCPT for addresses that hold a word: (word, reply)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def take(self, envelope):
        self.envelopes.append(envelope)
        if self.keep:
            self.keep(envelope)

    def find(self, mark):
        """The newest message that holds mark, or None."""
        return next((e for e in reversed(self.envelopes) if mark.encode() in e.message), None)

    def stop(self):
        self.shutdown()
        self.server_close()


class SinkSession(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        mail, rcpts = "", []
        self.say("220 sink")
        for line in self.rfile:
            words = line.decode("latin-1").rstrip("\r\n")
            verb = words.split(" ")[0].upper()
            if verb in ("EHLO", "LHLO"):
                more = "250-8BITMIME\r\n" if self.server.eight_bit else ""
                self.say(f"250-sink\r\n{more}250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 DSN")
            elif verb == "MAIL":
                mail, rcpts = words[len("MAIL FROM:"):], []
                self.say("250 2.1.0 ok")
            elif verb == "RCPT":
                refused = next((reply for word, reply in self.server.refuse if word in words), None)
                if not refused:
                    rcpts.append(words[len("RCPT TO:"):])
                self.say(refused or "250 2.1.5 ok")
            elif verb == "DATA":
                self.say("354 go on")
                self.server.take(Envelope(mail, rcpts, self.data()))
                for _ in rcpts if self.server.keep else (1,):  # LMTP answers for each
                    self.say("250 2.0.0 kept")
            elif verb == "QUIT":
                self.say("221 2.0.0 bye")
                break
            else:
                self.say("250 2.0.0 ok")

    def data(self):
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines).replace(b"\r\n", b"\n")
