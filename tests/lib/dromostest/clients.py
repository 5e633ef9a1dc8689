"""Small clients that do not hide the protocol: raw SMTP lines, imaplib with IDLE, JSON over HTTP."""
import base64
import imaplib
import json
import socket
import ssl
import urllib.error
import urllib.request

TIMEOUT = 20


class Smtp:
    """One SMTP or LMTP session. send() writes any bytes; reply() gives (code, [lines])."""

    def __init__(self, address, context=None, implicit_tls=False):
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(TIMEOUT)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(address, TIMEOUT)
        self.context = context
        if implicit_tls:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.reader = self.socket.makefile("rb")
        self.greeting = self.reply()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def reply(self):
        lines = []
        while True:
            line = self.reader.readline(4096)
            if not line.endswith(b"\r\n") or len(line) < 5:
                raise EOFError("connection ended; read %r" % line)
            lines.append(line[4:-2].decode("utf-8", "replace"))
            if line[3:4] == b" ":
                return int(line[:3]), lines
            if line[3:4] != b"-":
                raise ValueError("not a reply: %r" % line)

    def command(self, line):
        self.send(line + "\r\n")
        return self.reply()

    def expect(self, line, code):
        got = self.command(line)
        assert got[0] == code, "%r: wanted %d, got %s" % (line, code, got)
        return got

    def starttls(self):
        self.expect("STARTTLS", 220)
        self.socket = self.context.wrap_socket(self.socket, server_hostname="localhost")
        self.reader = self.socket.makefile("rb")

    def auth_plain(self, user, password):
        token = base64.b64encode(("\0%s\0%s" % (user, password)).encode()).decode()
        return self.command("AUTH PLAIN " + token)

    def message(self, sender, recipients, data, hello="EHLO client.example.test"):
        """A whole transaction; the final reply."""
        self.expect(hello, 250)
        self.expect("MAIL FROM:<%s>" % sender, 250)
        for recipient in recipients:
            self.expect("RCPT TO:<%s>" % recipient, 250)
        self.expect("DATA", 354)
        text = data if isinstance(data, bytes) else data.encode()
        text = text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        text = (b"\r\n" + text).replace(b"\r\n.", b"\r\n..")[2:]
        self.send(text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        return self.reply()

    def close(self):
        self.socket.close()


class Imap(imaplib.IMAP4):
    """imaplib with a time limit, STARTTLS against our authority, and IDLE."""

    def __init__(self, address, user=None, password=None, context=None):
        super().__init__(*address, timeout=TIMEOUT)
        if context:
            self.starttls(context)
        if user:
            self.login(user, password)

    def ok(self, name, *arguments):
        """Runs a command; its untagged data, or an error unless the answer is OK."""
        status, data = getattr(self, name)(*arguments)
        assert status == "OK", "%s: %s %s" % (name, status, data)
        return data

    def idle_start(self):
        self._idle_tag = self._new_tag()
        self.send(self._idle_tag + b" IDLE\r\n")
        line = self.readline()
        assert line.startswith(b"+"), line

    def idle_line(self) -> bytes:
        return self.readline().rstrip(b"\r\n")

    def idle_done(self):
        """Lines that came before the tagged answer."""
        self.send(b"DONE\r\n")
        lines = []
        while True:
            line = self.idle_line()
            if line.startswith(self._idle_tag):
                assert b" OK" in line, line
                return lines
            lines.append(line)


class Http:
    """JSON over HTTP with Basic or Bearer credentials; errors are answers, not exceptions."""

    def __init__(self, base, user=None, password=None, token=None, context: ssl.SSLContext = None):
        self.base = base
        self.headers = {}
        self.context = context
        if user is not None:
            self.headers["Authorization"] = "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode()
        if token is not None:
            self.headers["Authorization"] = "Bearer " + token

    def request(self, method, path, body=None, headers=None):
        """(status, headers, bytes)"""
        data, extra = body, dict(self.headers, **(headers or {}))
        if body is not None and not isinstance(body, bytes):
            data = json.dumps(body).encode()
            extra.setdefault("Content-Type", "application/json")
        url = path if path.startswith("http") else self.base + path
        request = urllib.request.Request(url, data=data, headers=extra, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT, context=self.context) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def json(self, method, path, body=None, expect=200):
        status, _, data = self.request(method, path, body)
        assert status == expect, "%s %s: wanted %d, got %d %r" % (method, path, expect, status, data[:500])
        return json.loads(data) if data else None


class Jmap(Http):
    """RFC 8620: session resource, then method calls."""

    CORE = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]

    def session(self):
        self.resource = self.json("GET", "/.well-known/jmap")
        self.account = self.resource["primaryAccounts"]["urn:ietf:params:jmap:mail"]
        return self.resource

    def call(self, name, **arguments):
        """The arguments of the one response; an `error` response is an AssertionError."""
        if not hasattr(self, "account"):
            self.session()
        arguments.setdefault("accountId", self.account)
        answer = self.json("POST", self.resource["apiUrl"],
                           {"using": self.CORE, "methodCalls": [[name, arguments, "0"]]})
        response_name, response, _ = answer["methodResponses"][0]
        assert response_name == name, answer
        return response
