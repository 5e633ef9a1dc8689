"""A client that hides nothing, and messages to send."""
import re
import socket

from dromostest.one_imapd import PASSWORD, simple  # noqa: F401

MESSAGE = (b"From: Ann Other <ann@example.org>\r\nTo: Bob <bob@example.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= to you\r\n"
           b"Date: Tue, 10 Mar 2026 23:30:00 -0500\r\nMessage-ID: <m1@example.org>\r\nMIME-Version: 1.0\r\n"
           b"Content-Type: multipart/mixed; boundary=b1\r\n\r\npreamble\r\n--b1\r\n"
           b"Content-Type: text/plain; charset=utf-8\r\n\r\nThe quick brown fox.\r\n--b1\r\n"
           b"Content-Type: application/octet-stream; name=x.bin\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC/w==\r\n--b1--\r\n")


class Raw:
    """Lines and literals as they are. run() sends a command and returns (untagged responses, tagged answer)."""

    tells_recent = False

    def __init__(self, address, context=None, login=None, timeout=30):
        self.socket = socket.create_connection(address, timeout)
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")
        self.count = 0
        self.greeting = self.response()
        if login:
            self.ok("LOGIN %s %s" % (login, PASSWORD))

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def response(self):
        """One response with its literals in place, no final CRLF; without \\Recent, unless `tells_recent`: which of several
        sessions hears of a message first is chance."""
        line = self.whole_response()
        if self.tells_recent or b"\\Recent" not in line:
            return line
        return line.replace(b" \\Recent", b"").replace(b"\\Recent ", b"").replace(b"\\Recent", b"")

    def whole_response(self):
        out = b""
        while True:
            line = self.file.readline()
            if not line.endswith(b"\r\n"):
                raise EOFError("connection ended; read %r" % (out + line))
            out += line
            literal = re.search(rb"\{(\d+)\}\r\n$", line)
            if not literal:
                return out[:-2]
            size = int(literal[1])
            data = self.file.read(size)
            assert len(data) == size
            out += data

    def tag(self):
        self.count += 1
        return "t%d" % self.count

    def until(self, tag):
        untagged = []
        while True:
            line = self.response()
            if line.startswith(tag.encode() + b" "):
                return untagged, line[len(tag) + 1:]
            untagged.append(line)

    @property
    def last_tag(self):
        return b"t%d" % self.count

    def run(self, command):
        tag = self.tag()
        self.send(tag.encode() + b" " + (command if isinstance(command, bytes) else command.encode()) + b"\r\n")
        return self.until(tag)

    def ok(self, command):
        untagged, answer = self.run(command)
        assert answer.startswith(b"OK"), (command, untagged, answer)
        return untagged

    def answer(self, command):
        return self.run(command)[1].decode()

    def append(self, mailbox, message, arguments=""):
        """APPEND with a non-synchronising literal; the tagged answer."""
        head = "APPEND %s %s{%d+}\r\n" % (mailbox, arguments + " " if arguments else "", len(message))
        return self.run(head.encode() + message)[1].decode()

    def append_many(self, mailbox, messages):
        """One APPEND of all (RFC 3502); the tagged answer."""
        return self.run(b"APPEND %s" % mailbox.encode() + b"".join(b" {%d+}\r\n%s" % (len(message), message) for message in messages))[1].decode()

    def close(self):
        self.file.close()
        self.socket.close()
