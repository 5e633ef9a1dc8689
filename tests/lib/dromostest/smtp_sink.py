"""SMTP servers for tests of outbound mail: they answer as told and remember what they got; and the test DNS server.

    sink = SmtpSink(address="127.0.0.2", port=port)
    sink.say("RCPT", "450 4.2.0 Later")          # from now on
    sink.say_once(".", "451 4.3.0 Once")         # the next time
    sink.wait(lambda: sink.messages)

Verbs are the first words of the lines; "greeting" and "." (the end of content) are answered too. A reply of None closes
the connection; a float before the reply waits: (0.5, "250 Ok").

A sink with `lmtp` answers LHLO, and the content once for each recipient: ". x@one.test" tells of one. `address` may be the path of
a Unix socket. BDAT is taken (announce CHUNKING in the EHLO reply), answered as "BDAT".
"""
import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import typing

from . import paths

DEFAULT = {
    "greeting": "220 sink ESMTP",
    "EHLO": "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 SIZE 10000000",
    "HELO": "250 sink",
    "MAIL": "250 2.1.0 Ok",
    "RCPT": "250 2.1.5 Ok",
    "DATA": "354 Go on",
    ".": "250 2.0.0 Taken",
    "BDAT": "250 2.0.0 Taken",
    "RSET": "250 2.0.0 Ok",
    "NOOP": "250 2.0.0 Ok",
    "QUIT": "221 2.0.0 Bye",
}


class Message(typing.NamedTuple):
    sender: str
    recipients: typing.List[str]
    content: bytes
    tls: bool
    connection: int


class SmtpSink:
    def __init__(self, address="127.0.0.1", port=0, tls=None, lmtp=False):
        """`tls`: a pair of files; STARTTLS is then offered."""
        self.replies = dict(DEFAULT)
        self.once = {}
        self.messages = []
        self.commands = []
        self.connections = 0
        self.lock = threading.Lock()
        self.context = None
        self.lmtp = lmtp
        if lmtp:
            self.replies["LHLO"] = self.replies.pop("EHLO")
            self.replies["EHLO"] = "500 5.5.1 This is LMTP"
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(tls.certificate, tls.key)
            self.replies["EHLO"] = self.replies["EHLO"].replace("250-DSN", "250-STARTTLS\r\n250-DSN")
            self.replies["STARTTLS"] = "220 2.0.0 Go on"
        sink = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    Session(sink, self.request).run()
                except OSError:
                    pass

        kind = socketserver.ThreadingUnixStreamServer if address.startswith("/") else socketserver.ThreadingTCPServer

        class Server(kind):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(address if address.startswith("/") else (address, port), Handler)
        self.port = None if address.startswith("/") else self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def say(self, verb, reply):
        self.replies[verb] = reply

    def say_once(self, verb, *replies):
        with self.lock:
            self.once.setdefault(verb, []).extend(replies)

    def answer(self, verb, line):
        """The reply to a line; the whole line may be told of too."""
        with self.lock:
            for key in (line, verb):
                if self.once.get(key):
                    return self.once[key].pop(0)
        return self.replies.get(line, self.replies.get(verb, "500 5.5.1 What?"))

    def wait(self, condition, seconds=20):
        wait_for(condition, seconds, lambda: "messages %s, commands %s" % (self.messages, self.commands[-20:]))

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Session:
    def __init__(self, sink, connection):
        self.sink, self.connection = sink, connection
        self.reader = connection.makefile("rb")
        with sink.lock:
            sink.connections += 1
            self.number = sink.connections
        self.tls = False
        self.sender, self.recipients, self.chunks = None, [], []

    def reply(self, verb, line=""):
        """The code; EOFError where the script closes."""
        answer = self.sink.answer(verb, line)
        if isinstance(answer, tuple):
            time.sleep(answer[0])
            answer = answer[1]
        if answer is None:
            self.connection.close()
            raise OSError("closed by script")
        self.connection.sendall(answer.encode() + b"\r\n")
        return int(answer[:3])

    def run(self):
        if self.reply("greeting") != 220:
            return
        while True:
            raw = self.reader.readline(4096)
            if not raw:
                return
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            with self.sink.lock:
                self.sink.commands.append(line)
            verb = line.split(" ", 1)[0].upper()
            if verb == "DATA" and not self.recipients:
                self.connection.sendall(b"554 5.5.1 No valid recipients\r\n")
                continue
            if verb == "BDAT":
                self.chunk(int(line.split()[1]), line.endswith(" LAST"))
                continue
            code = self.reply(verb, line)
            if verb == "QUIT":
                return
            if verb == "STARTTLS" and code == 220:
                self.connection = self.sink.context.wrap_socket(self.connection, server_side=True)
                self.reader = self.connection.makefile("rb")
                self.tls = True
            elif verb in ("EHLO", "HELO", "LHLO", "RSET"):
                self.sender, self.recipients = None, []
            elif verb == "MAIL" and code == 250:
                self.sender, self.recipients = line[line.index("<") + 1:line.index(">")], []
            elif verb == "RCPT" and code == 250:
                self.recipients.append(line[line.index("<") + 1:line.index(">")])
            elif verb == "DATA" and code == 354:
                self.content()

    def content(self):
        lines = []
        while True:
            line = self.reader.readline(100000)
            if not line:
                raise OSError("ended in content")
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        if self.sink.lmtp:
            taken = [one for one in self.recipients if self.reply(".", ". " + one) == 250]
            self.keep(b"".join(lines), taken)
            return
        answer = self.sink.answer(".", ".")
        taken = (answer[1] if isinstance(answer, tuple) else answer or "").startswith("250")
        if isinstance(answer, tuple) and taken:
            time.sleep(answer[0])  # not taken before it says so
            answer = answer[1]
        if answer is None:
            self.connection.close()
            raise OSError("closed by script")
        self.keep(b"".join(lines), self.recipients if taken else [])
        self.connection.sendall(answer.encode() + b"\r\n")

    def keep(self, content, recipients):
        if recipients:
            message = Message(self.sender, recipients, content, self.tls, self.number)
            with self.sink.lock:
                self.sink.messages.append(message)
        self.sender, self.recipients, self.chunks = None, [], []

    def chunk(self, size, last):
        data = self.reader.read(size)
        if len(data) != size:
            raise OSError("ended in a chunk")
        if not self.recipients:
            self.connection.sendall(b"503 5.5.1 No recipients\r\n")
            return
        self.chunks.append(data)
        if self.reply("BDAT") == 250 and last:
            self.keep(b"".join(self.chunks), self.recipients)


class DnsServer:
    """tests/lib/dns_server.py as a process; `zone` is its text."""

    def __init__(self, zone):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".zone")
        self.file.write(zone)
        self.file.flush()
        self.process = subprocess.Popen([sys.executable, str(paths.ROOT / "tests/lib/dns_server.py"), self.file.name],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        self.file.close()


def free_port(*addresses):
    """A port free on all of these addresses."""
    for _ in range(50):
        with socket.socket() as probe:
            probe.bind((addresses[0], 0))
            port = probe.getsockname()[1]
        try:
            for address in addresses:
                with socket.socket() as other:
                    other.bind((address, port))
        except OSError:
            continue
        return port
    raise OSError("no free port")


def wait_for(condition, seconds=20, describe=lambda: ""):
    """The condition's value once it is true."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, "not in %d s: %s" % (seconds, describe())
        time.sleep(0.02)
