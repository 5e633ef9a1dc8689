"""A client of PostgreSQL that stops inside a pipeline: it has sent Execute, holds the lock of an account, and its Sync never
comes. No timeout of the server covers that state; the suite's lock watchdog has to end it.

Speaks just enough of the protocol (version 3, trust authentication) to get there.
"""
import socket
import struct


def _message(kind, *parts):
    payload = b"".join(parts)
    return kind + struct.pack("!I", len(payload) + 4) + payload


class StoppedClient:
    def __init__(self, cluster, database, sql, user="dromos_owner"):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(20)
        self.socket.connect("%s/.s.PGSQL.5432" % cluster.folder)
        start = struct.pack("!I", 196608) + b"user\0%s\0database\0%s\0\0" % (user.encode(), database.encode())
        self.socket.sendall(struct.pack("!I", len(start) + 4) + start)
        self._until(b"Z")
        self.socket.sendall(_message(b"P", b"\0", sql.encode() + b"\0", b"\0\0") + _message(b"B", b"\0\0\0\0\0\0\0\0") +
                            _message(b"E", b"\0\0\0\0\0") + _message(b"H"))
        self._until(b"C")

    def _receive(self, size):
        out = b""
        while len(out) < size:
            part = self.socket.recv(size - len(out))
            if not part:
                raise EOFError("PostgreSQL closed the connection")
            out += part
        return out

    def _until(self, wanted):
        while True:
            head = self._receive(5)
            payload = self._receive(struct.unpack("!I", head[1:])[0] - 4)
            if head[:1] == b"E":
                raise EOFError(payload.replace(b"\0", b" ").decode("utf-8", "replace"))
            if head[:1] == wanted:
                return

    def ended(self, seconds):
        """True once the server has ended this session."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(4096):
                pass
            return True
        except TimeoutError:
            return False
        except OSError:
            return True

    def close(self):
        self.socket.close()
