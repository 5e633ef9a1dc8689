"""Is a daemon serving? One real operation of each protocol, over a new connection."""
import random
import threading
import time

from dromostest import clients

from . import mail
from .send import Door
from .stage import PASSWORD


class Probes:
    def __init__(self, stage, ledger, seed):
        self.stage, self.ledger = stage, ledger
        self.address = stage.addresses[-1]
        self.rng = random.Random("%s/probe" % seed)
        self.seed, self.count, self._lock = seed, 0, threading.Lock()

    def once(self, daemon):
        """True if the operation succeeded; every other outcome is False."""
        try:
            return bool(getattr(self, daemon)())
        except Exception:
            return False

    def wait(self, daemon, seconds):
        """The moment of the first success, or None after `seconds`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.once(daemon):
                return time.monotonic()
            time.sleep(0.02)
        return None

    def mta(self):
        with self._lock:
            self.count += 1
            id_ = "%s-probe-%d" % (self.seed, self.count)
        message = mail.make(self.rng, id_, "probe@outside.test", [self.address], [(1, 500, 600)])
        door = Door(self.stage, "mx")
        try:
            replies = door.attempt(self.rng, message, "probe@outside.test", [self.address])
        finally:
            door.close()
        self.ledger.write("send", id=id_, via="mx", attempt=1, sha256=message.sha256, size=len(message.data), replies=replies)
        return replies[self.address][0] == 250

    def imapd(self):
        client = clients.Imap(self.stage.at("imapd", "imap"))
        try:
            client.login(self.address, PASSWORD)
            status, data = client.select("INBOX")
            if status == "OK" and data != [b"0"]:
                status, _ = client.fetch(b"*", "(UID FLAGS)")
            return status == "OK"
        finally:
            client.shutdown()

    def jmapd(self):
        return "ids" in clients.Jmap(self.stage.url("jmapd"), self.address, PASSWORD).call("Email/query", limit=1)

    def admind(self):
        return self.stage.admin().request("GET", "/domains")[0] == 200

    def spamd(self):
        return clients.Http("").request("GET", self.stage.metrics_url("spamd", "/readyz"))[0] == 200
