"""One attempt to hand a message in by SMTP or LMTP, and what is known of its fate afterwards."""
import socket

from dromostest import clients

from . import mail
from .ledger import LOST, UNSENT

BREAKS = (OSError, EOFError, ValueError)


class Door:
    """A way into the suite: mx, lmtp or submission. Keeps its connection for several messages."""

    def __init__(self, stage, via, login=None):
        self.stage, self.via, self.login = stage, via, login
        self.session, self.left = None, 0

    def _connect(self, rng):
        session = clients.Smtp(self.stage.at("mta", self.via), context=self.stage.tls())
        session.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.session, self.left = session, rng.choice([1, 1, 3, 10])
        if session.greeting[0] != 220:
            raise EOFError("greeting %s" % (session.greeting,))
        self._hello()
        if self.via == "submission":
            self._need(session.command("STARTTLS"), 220)
            session.socket = session.context.wrap_socket(session.socket, server_hostname="localhost")
            session.reader = session.socket.makefile("rb")
            self._hello()
            self._need(session.auth_plain(*self.login), 235)

    def _hello(self):
        self._need(self.session.command(("LHLO" if self.via == "lmtp" else "EHLO") + " load.chaos.test"), 250)

    @staticmethod
    def _need(reply, code):
        if reply[0] != code:
            raise EOFError("wanted %d, got %s" % (code, reply))

    def close(self):
        if self.session:
            self.session.close()
        self.session = None

    def attempt(self, rng, message, sender, recipients):
        """{recipient: [code, text]}; see ledger.py for the codes 0 and -1."""
        dot_sent = False
        replies = {}
        try:
            if self.session is None:
                self._connect(rng)
            accepted = self._envelope(sender, recipients, replies)
            if accepted:
                self.session.send(mail.dot_stuffed(message.data))
                dot_sent = True
                self.session.send(b".\r\n")
                self._final(accepted, replies)
            self.left -= 1
            if self.left <= 0:
                self.session.send(b"QUIT\r\n")
                self.close()
            elif not accepted:
                self._need(self.session.command("RSET"), 250)
        except BREAKS as error:
            self.close()
            for recipient in recipients:
                replies.setdefault(recipient, [LOST if dot_sent else UNSENT, str(error)[:80]])
        return replies

    def _envelope(self, sender, recipients, replies):
        """Recipients that may get the content. An answer that is neither yes nor no for one is its reply."""
        code, lines = self.session.command("MAIL FROM:<%s>" % sender)
        if code != 250:
            replies.update({recipient: [code, "MAIL: " + lines[0]] for recipient in recipients})
            return []
        accepted = []
        for recipient in recipients:
            code, lines = self.session.command("RCPT TO:<%s>" % recipient)
            if code == 250:
                accepted.append(recipient)
            else:
                replies[recipient] = [code, "RCPT: " + lines[0]]
        if not accepted:
            return []
        code, lines = self.session.command("DATA")
        if code != 354:
            replies.update({recipient: [code, "DATA: " + lines[0]] for recipient in accepted})
            return []
        return accepted

    def _final(self, accepted, replies):
        if self.via == "lmtp":
            for recipient in accepted:
                code, lines = self.session.reply()
                replies[recipient] = [code, lines[0]]
            return
        code, lines = self.session.reply()
        replies.update({recipient: [code, lines[0]] for recipient in accepted})


class Sender:
    """Sends until every recipient got 250 or 5xx, or the reply was lost too often. Writes each attempt to the ledger."""

    MAX_LOST = 3
    MAX_ATTEMPTS = 200

    def __init__(self, ledger, counters):
        self.ledger, self.counters = ledger, counters

    def deliver(self, door, rng, message, sender, recipients, pause, give_up=None):
        """True if all got 250. `pause(attempt)` waits between attempts; `give_up()` ends it early."""
        open_, lost = list(recipients), 0
        for attempt in range(1, self.MAX_ATTEMPTS + 1):
            replies = door.attempt(rng, message, sender, open_)
            self.ledger.write("send", id=message.id, via=door.via, attempt=attempt, sha256=message.sha256, size=len(message.data),
                              replies=replies)
            self.counters.add("attempts")
            codes = {recipient: replies[recipient][0] for recipient in open_}
            open_ = [recipient for recipient in open_ if not 200 <= codes[recipient] < 300 and not codes[recipient] >= 500]
            refused = [replies[recipient] for recipient in codes if codes[recipient] >= 500]
            if refused:
                self.counters.surprise("%s refused for good: %s" % (door.via, refused[0]))
            if LOST in codes.values():
                lost += 1
                self.counters.add("lost replies")
            if not open_:
                self.counters.add("messages")
                return not refused
            if lost >= self.MAX_LOST or (give_up and give_up()):
                return False
            if any(code >= 400 for code in codes.values()):
                self.counters.add("temporary refusals")
            pause(attempt)
        return False
