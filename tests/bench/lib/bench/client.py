"""A small, fast IMAP client and an SMTP session for measuring: as little of their own cost and delay as Python allows."""
import select
import socket
import ssl
import time


class Lines:
    def __init__(self, address, context=None, timeout=120):
        self.socket = socket.create_connection(address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            self.socket = context.wrap_socket(self.socket)
        self.buffer = b""

    def line(self):
        while b"\n" not in self.buffer:
            part = self.socket.recv(65536)
            if not part:
                raise EOFError("connection ended after %r" % self.buffer[-200:])
            self.buffer += part
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def send(self, data):
        self.socket.sendall(data)

    def close(self):
        self.socket.close()


class Imap(Lines):
    def __init__(self, address, user=None, password=None, context=None):
        super().__init__(address, context)
        self.line()
        self.number = 0
        if user:
            self.ok('LOGIN "%s" "%s"' % (user, password))

    def start(self, command):
        self.number += 1
        self.tag = b"b%d" % self.number
        self.send(self.tag + b" " + command.encode() + b"\r\n")

    def ok(self, command):
        """Untagged lines before the tagged OK."""
        self.start(command)
        lines = []
        while True:
            line = self.line()
            if line.startswith(self.tag + b" "):
                if not line.startswith(self.tag + b" OK"):
                    raise RuntimeError("%s: %r" % (command, line))
                return lines
            lines.append(line)

    def count(self, mailbox="INBOX"):
        answer = next(line for line in self.ok("STATUS %s (MESSAGES)" % mailbox) if b"MESSAGES" in line)
        return int(answer.split(b"MESSAGES")[1].split(b")")[0])

    def empty(self):
        self.ok("SELECT INBOX")
        if any(line.startswith(b"* SEARCH ") for line in self.ok("SEARCH ALL")):
            self.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
            self.ok("EXPUNGE")
        self.ok("CLOSE")

    def idle(self, mailbox="INBOX"):
        self.ok("SELECT " + mailbox)
        self.start("IDLE")
        while not self.line().startswith(b"+"):
            pass

    def wait_exists(self, seconds):
        """The moment of the next EXISTS."""
        end = time.monotonic() + seconds
        wait = select.poll()  # select() knows descriptors below 1,024 only
        wait.register(self.socket, select.POLLIN)
        while True:
            if b"\n" not in self.buffer and not wait.poll(1000 * max(0, end - time.monotonic())):
                raise TimeoutError("no EXISTS within %d s" % seconds)
            if self.line().endswith(b"EXISTS"):
                return time.monotonic()


class Smtp(Lines):
    def __init__(self, address):
        super().__init__(address)
        self.expect(b"", 220)
        self.expect(b"EHLO bench.test\r\n", 250)

    def expect(self, data, code):
        if data:
            self.send(data)
        while True:
            line = self.line()
            if line[3:4] != b"-":
                break
        if not line.startswith(b"%d" % code):
            raise RuntimeError("%r: %r" % (data[:60], line))

    def deliver(self, recipient, content):
        """`content` ends in CRLF and has no line that begins with a dot. The moment of the 250."""
        self.expect(b"MAIL FROM:<bench@outside.test>\r\n", 250)
        self.expect(b"RCPT TO:<%s>\r\n" % recipient.encode(), 250)
        self.expect(b"DATA\r\n", 354)
        self.expect(content + b".\r\n", 250)
        return time.monotonic()


def tls_context():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
