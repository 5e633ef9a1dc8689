"""A POP3 client that hides nothing."""
import socket

from dromostest.one_imapd import BOB, PASSWORD, simple  # noqa: F401

LETTER = (b"From: Ann <ann@example.org>\r\nTo: bob@example.test\r\nSubject: dots\r\nDate: Tue, 10 Mar 2026 10:00:00 +0000\r\n\r\n"
          b".\r\n..\r\n.dot\r\nplain\r\n")


class Pop:
    def __init__(self, address, context=None, login=None, timeout=60):
        self.socket = socket.create_connection(address, timeout)
        if context:
            self.secure(context)
        else:
            self.file = self.socket.makefile("rb")
        self.greeting = self.line()
        if login:
            self.ok("USER " + login)
            self.ok("PASS " + PASSWORD)

    def secure(self, context):
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError("connection ended; read %r" % line)
        return line[:-2]

    def run(self, command):
        """The status line."""
        self.send((command if isinstance(command, bytes) else command.encode()) + b"\r\n")
        return self.line().decode()

    def ok(self, command):
        answer = self.run(command)
        assert answer.startswith("+OK"), (command, answer)
        return answer[4:]

    def err(self, command):
        answer = self.run(command)
        assert answer.startswith("-ERR"), (command, answer)
        return answer[5:]

    def rest(self):
        """Lines of a multi-line response, dots taken off."""
        lines = []
        while True:
            line = self.line()
            if line == b".":
                return lines
            lines.append(line[1:] if line.startswith(b".") else line)

    def many(self, command):
        self.ok(command)
        return self.rest()

    def message(self, command):
        return b"".join(line + b"\r\n" for line in self.many(command))

    def capabilities(self):
        return {line.decode().split(" ")[0]: line.decode().split(" ")[1:] for line in self.many("CAPA")}

    def ended(self):
        return self.file.read() == b""

    def close(self):
        self.file.close()
        self.socket.close()
