"""The steady mixed load: senders, and a thread a mailbox that reads, appends, copies, moves and flags. Everything a thread does comes
from its own random generator, so that a seed gives the same load (not the same interleaving).

A broken connection is what the test is about: threads reconnect. An answer that breaks the protocol (BAD, 5xx to a good
message) is a surprise, and any surprise fails the run.
"""
import collections
import random
import re
import threading

from dromostest import clients

from . import mail
from .send import Door, Sender
from .stage import PASSWORD

IMAP_BREAKS = (OSError, EOFError, clients.imaplib.IMAP4.abort)
BUSY_FOLDERS = ("Work", "Work2")
COPIES = "Copies"


class Counters:
    def __init__(self):
        self._lock = threading.Lock()
        self.counts = collections.Counter()
        self.surprises = []

    def add(self, name, by=1):
        with self._lock:
            self.counts[name] += by

    def surprise(self, text):
        with self._lock:
            self.surprises.append(text)

    def __getitem__(self, name):
        return self.counts[name]


class Worker(threading.Thread):
    def __init__(self, load, name):
        super().__init__(name=name, daemon=True)
        self.load, self.stage, self.ledger, self.counters = load, load.stage, load.ledger, load.counters
        self.rng = random.Random("%s/%s" % (load.seed, name))
        self.sequence = 0

    def next_id(self):
        self.sequence += 1
        return "%s-%s-%d" % (self.load.seed, self.name, self.sequence)

    def run(self):
        while not self.load.ending.is_set():
            try:
                self.step()
            except IMAP_BREAKS:
                self.lost()
                self.load.ending.wait(0.1)
            except clients.imaplib.IMAP4.error as error:
                if "UNAVAILABLE" not in str(error):  # what LOGIN may say while the database is away
                    self.counters.surprise("%s: %s" % (self.name, str(error)[:200]))
                self.lost()
                self.load.ending.wait(0.2)
            except Exception as error:  # a fault of the harness must end in the report, not in a silent thread
                self.counters.surprise("%s: %r" % (self.name, error))
                self.lost()
                self.load.ending.wait(0.5)
        self.lost()

    def lost(self):
        """The connection, if any, is of no more use."""


class SmtpWorker(Worker):
    def __init__(self, load, name, via, login):
        super().__init__(load, name)
        self.login = login
        self.door = Door(load.stage, via, (login, PASSWORD))
        self.sender = Sender(load.ledger, load.counters)

    def step(self):
        count = 1 if self.rng.random() < 0.7 else self.rng.randint(2, 5)
        recipients = self.rng.sample(self.stage.addresses, min(count, len(self.stage.addresses)))
        sender = self.login if self.door.via == "submission" else "load@outside.test"
        message = mail.make(self.rng, self.next_id(), sender, recipients, self.load.sizes)
        self.sender.deliver(self.door, self.rng, message, sender, recipients, self.pause, self.load.abandoned.is_set)
        self.load.ending.wait(self.rng.random() * 2 * self.load.pause)

    def pause(self, attempt):
        self.load.abandoned.wait(min(0.5, 0.03 * attempt))

    def lost(self):
        self.door.close()


class ImapWorker(Worker):
    """Its own folders in one account that also gets mail: APPEND, COPY, MOVE, STORE, FETCH."""

    MOST = 40

    def __init__(self, load, name, address):
        super().__init__(load, name)
        self.address, self.client, self.flags = address, None, 0

    def lost(self):
        if self.client:
            self.client.shutdown()
        self.client = None

    def step(self):
        if self.client is None:
            self._connect()
        action = self.rng.choices([self.append, self.move, self.copy, self.store, self.look], [3, 4, 1, 3, 4])[0]
        action()
        self.load.ending.wait(self.rng.random() * 2 * self.load.pause)

    def _connect(self):
        context = self.stage.tls() if self.rng.random() < 0.3 else None
        client = clients.Imap(self.stage.at("imapd", "imap"), context=context)
        self.client = client
        client.login(self.address, PASSWORD)
        for folder in BUSY_FOLDERS + (COPIES,):
            client.create(folder)  # NO when it exists

    def _select(self, folder):
        """[(uid, id)] of a folder; None if it could not be selected just now."""
        status, data = self.client.select(folder)
        if status != "OK":
            return None
        if data == [b"0"]:
            return []
        validity = int(self.client.response("UIDVALIDITY")[1][0])
        status, data = self.client.uid("FETCH", "1:*", "(UID BODY.PEEK[HEADER.FIELDS (%s)])" % mail.HEADER)
        if status != "OK":
            return None
        found = []
        for part in data:
            if not isinstance(part, tuple):
                continue
            uid = re.search(rb"UID (\d+)", part[0])
            id_ = re.search(rb":\s*(\S+)", part[1])
            if uid and id_:
                found.append((int(uid[1]), id_[1].decode()))
        for uid, id_ in found[-20:]:
            self.ledger.write("seen", account=self.address, mailbox=folder, uidvalidity=validity, uid=uid, id=id_)
        return found

    def _change(self, kind, action, **fields):
        """Runs one changing command with its answer in the ledger, also when there was none."""
        try:
            status, _ = action()
        except IMAP_BREAKS:
            self.ledger.write(kind, account=self.address, reply="lost", **fields)
            raise
        self.ledger.write(kind, account=self.address, reply=status, **fields)
        self.counters.add("imap " + kind if status == "OK" else "imap NO")

    def append(self):
        folder = self.rng.choice(BUSY_FOLDERS)
        there = self._select(folder)
        if there is None or len(there) >= self.MOST:
            return
        message = mail.make(self.rng, self.next_id(), self.address, [self.address], self.load.sizes)
        self._change("append", lambda: self.client.append(folder, None, None, message.data), id=message.id, sha256=message.sha256,
                     size=len(message.data))

    def _pick(self, folder):
        there = self._select(folder)
        return self.rng.choice(there) if there else None

    def move(self):
        source, target = self.rng.sample(BUSY_FOLDERS, 2)
        picked = self._pick(source)
        if picked:
            self._change("move", lambda: self.client.uid("MOVE", str(picked[0]), target), id=picked[1])

    def copy(self):
        picked = self._pick(self.rng.choice(BUSY_FOLDERS))
        if picked:
            self._change("copy", lambda: self.client.uid("COPY", str(picked[0]), COPIES), id=picked[1])

    def store(self):
        picked = self._pick(self.rng.choice(BUSY_FOLDERS))
        if picked:
            self.flags = (self.flags + 1) % 12
            flag = "chaos%d" % self.flags
            self._change("flag", lambda: self.client.uid("STORE", str(picked[0]), "+FLAGS", "(%s)" % flag), id=picked[1], flag=flag)

    def look(self):
        there = self._select("INBOX")
        if there:
            uid, _ = self.rng.choice(there)
            status, _ = self.client.uid("FETCH", str(uid), "(FLAGS ENVELOPE BODY.PEEK[])")
            self.counters.add("imap fetch" if status == "OK" else "imap NO")


class IdleWorker(Worker):
    def __init__(self, load, name, address):
        super().__init__(load, name)
        self.address, self.client = address, None

    def lost(self):
        if self.client:
            self.client.shutdown()
        self.client = None

    def step(self):
        if self.client is None:
            self.client = clients.Imap(self.stage.at("imapd", "imap"))
            self.client.login(self.address, PASSWORD)
            status, _ = self.client.select("INBOX")
            if status != "OK":
                raise EOFError("no INBOX just now")
            self.client.sock.settimeout(30)
        self.client.idle_start()
        while not self.load.ending.is_set():
            line = self.client.idle_line()
            if not line:
                raise EOFError("IDLE ended")
            if line.endswith(b"EXISTS"):
                self.counters.add("idle wakes")
                break
        self.client.idle_done()


class JmapWorker(Worker):
    """Email/query, Email/get, and keywords on messages of its account."""

    def __init__(self, load, name, address):
        super().__init__(load, name)
        self.address, self.session, self.number = address, None, 0

    def lost(self):
        self.session = None

    def step(self):
        try:
            self._round()
        except (AssertionError, KeyError) as error:
            # Refused as a whole: allowed while the database is away, so counted; the closing checks want successes too.
            self.counters.add("jmap refused")
            self.last_refusal = str(error)[:200]
            raise EOFError("refused") from None
        self.load.ending.wait(self.rng.random() * 2 * self.load.pause)

    def _round(self):
        if self.session is None:
            self.session = clients.Jmap(self.stage.url("jmapd"), self.address, PASSWORD)
            self.session.session()
        query = self.session.call("Email/query", sort=[{"property": "receivedAt", "isAscending": False}], limit=20)
        if not query["ids"]:
            return
        got = self.session.call("Email/get", ids=query["ids"][:5], properties=["id", "subject", "keywords", "preview"])
        self.counters.add("jmap get")
        self._set_keyword(self.rng.choice(got["list"]))

    def _set_keyword(self, email):
        subject = re.fullmatch(r"chaos (\S+)", email["subject"] or "")
        if not subject:
            return
        self.number = (self.number + 1) % 12
        keyword = "jmap%d" % self.number
        fields = dict(account=self.address, id=subject[1], flag=keyword)
        try:
            done = self.session.call("Email/set", update={email["id"]: {"keywords/" + keyword: True}})
        except Exception:
            self.ledger.write("keyword", reply="lost", **fields)
            raise
        ok = email["id"] in (done.get("updated") or {})
        self.ledger.write("keyword", reply="OK" if ok else "NO", **fields)
        self.counters.add("jmap set" if ok else "jmap NO")


class Load:
    """All workers. finish() lets the messages under way come to their end; abandon() does not wait for more than their reply."""

    def __init__(self, stage, ledger, seed, senders, readers, pause, sizes=None):
        self.stage, self.ledger, self.seed, self.pause, self.sizes = stage, ledger, seed, pause, sizes
        self.counters = Counters()
        self.ending, self.abandoned = threading.Event(), threading.Event()
        people = stage.addresses
        vias = ["mx", "lmtp", "mx", "submission"]
        self.workers = [SmtpWorker(self, "%s%d" % (vias[n % 4], n), vias[n % 4], people[n % len(people)]) for n in range(senders)]
        for n in range(readers):
            self.workers.append(ImapWorker(self, "imap%d" % n, people[n % len(people)]))
            self.workers.append(JmapWorker(self, "jmap%d" % n, people[(n + 1) % len(people)]))
        if readers:
            self.workers.append(IdleWorker(self, "idle0", people[0]))

    def start(self):
        for worker in self.workers:
            worker.start()
        return self

    def finish(self, seconds):
        self.ending.set()
        for worker in self.workers:
            worker.join(seconds)
        self.abandoned.set()
        stuck = []
        for worker in self.workers:
            worker.join(5)
            if worker.is_alive():
                stuck.append(worker.name)
        return stuck
