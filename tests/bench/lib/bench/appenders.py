"""APPEND over many connections from one loop, so that the load costs little and no thread waits for another: each connection sends its next
message when the last one is answered."""
import select
import time

from . import client

BOX = "App"


class Appender:
    """One connection, to an account of its own."""

    def __init__(self, address, user, password, messages):
        self.imap = client.Imap(address, user, password)
        self.tidy()
        self.imap.ok("CREATE " + BOX)
        self.requests = [b"a APPEND %s {%d+}\r\n%s\r\n" % (BOX.encode(), len(message), message) for message in messages]
        self.requests.reverse()
        self.answer = b""

    def tidy(self):
        self.imap.start("DELETE " + BOX)
        while not self.imap.line().startswith(self.imap.tag + b" "):
            pass

    def send(self):
        """False: all are sent."""
        if not self.requests:
            return False
        self.imap.send(self.requests.pop())
        return True

    def take(self):
        """Whether the answer is whole."""
        part = self.imap.socket.recv(65536)
        if not part:
            raise EOFError("connection ended after %r" % self.answer[-200:])
        self.answer += part
        start = 0 if self.answer.startswith(b"a ") else self.answer.find(b"\na ") + 1
        if (start == 0 and not self.answer.startswith(b"a ")) or not self.answer.endswith(b"\r\n"):
            return False
        if not self.answer.startswith(b"a OK", start):
            raise RuntimeError("APPEND: %r" % self.answer[start:])
        self.answer = b""
        return True

    def close(self):
        self.tidy()
        self.imap.close()


def run(address, users, password, messages):
    """Seconds that it takes to append all of them, shared out among the users."""
    share = len(messages) // len(users)
    crowd = [Appender(address, user, password, messages[n * share:(n + 1) * share]) for n, user in enumerate(users)]
    waiting = select.epoll()
    by_fd = {one.imap.socket.fileno(): one for one in crowd}
    began = time.monotonic()
    for fd, one in by_fd.items():
        if one.send():
            waiting.register(fd, select.EPOLLIN)
    busy = len(crowd)
    while busy:
        for fd, _ in waiting.poll(60):
            one = by_fd[fd]
            if one.take() and not one.send():
                waiting.unregister(fd)
                busy -= 1
    took = time.monotonic() - began
    for one in crowd:
        one.close()
    return took
