"""Writers of every kind on the same few accounts, whose mailboxes are shared with each other in all directions. Nothing is killed, so
every command has an answer; which ones are allowed is said here, anything else is a surprise and fails the run."""
import contextlib
import json
import os
import poplib
import random
import re
import subprocess
import sys
import threading
import time

from dromostest import clients, paths

from . import mail, tokens
from .load import Counters
from .send import Door
from .stage import PASSWORD

sys.path.append(str(paths.ROOT / "tests/integration/imapd"))
from imapd_client import Raw  # noqa: E402

SIZES = [(90, 400, 3_000), (8, 10_000, 40_000), (2, 66_000, 130_000)]
SHARED = ("INBOX", "Work", "Share")
RIGHTS = "lrswipkxte"
KINDS = "kjdddddd"
WINDOW = 20
# Others write in the same mailboxes: what is not there any more, or there already, may be said.
MAY_SAY_NO = ("NONEXISTENT", "TRYCREATE", "ALREADYEXISTS", "EXPUNGEISSUED")
# Answered so where a lock was not had in time: counted, and what it was about is in doubt.
NOT_NOW = b"NO [UNAVAILABLE]"
NO_MESSAGE = b"BAD There is no message"  # by number, and another session expunged it


class Surprise(Exception):
    pass


class NotNow(Exception):
    pass


class Writer(threading.Thread):
    def __init__(self, crowd, name):
        super().__init__(name=name, daemon=True)
        self.crowd, self.stage, self.book, self.counters = crowd, crowd.stage, crowd.book, crowd.counters
        self.rng = random.Random("%s/%s" % (crowd.seed, name))
        self.count = 0

    def message(self, kinds=KINDS):
        """A new message; its token's first letter is its kind."""
        self.count += 1
        made = mail.make(self.rng, "%s-%s-%d" % (self.rng.choice(kinds), self.name, self.count), "mixed@outside.test", self.stage.addresses[:1], SIZES)
        self.book.know(made)
        return made

    def run(self):
        try:
            while not self.crowd.ending.is_set():
                with contextlib.suppress(NotNow):
                    self.step()
                self.crowd.ending.wait(self.rng.random() * 2 * self.crowd.pause())
        except Exception as error:
            self.counters.surprise("%s: %s %s" % (self.name, type(error).__name__, str(error)[:400]))


class ImapWriter(Writer):
    ACTIONS = [("append", 4), ("multiappend", 2), ("store", 4), ("store_all", 1), ("copy", 3), ("move", 4), ("expunge", 5), ("expunge_all", 1),
               ("replace", 1), ("acl", 1), ("tree", 2), ("rename_inbox", 1), ("look", 2)]

    def __init__(self, crowd, name, address, leads):
        super().__init__(crowd, name)
        self.address, self.leads = address, leads
        self.raw, self.selected, self.last, self.trees = None, None, "", 0

    # -- commands
    def say(self, kind, command):
        """(untagged, answer); answer is None if it was one of the allowed refusals."""
        began = time.monotonic()
        untagged, answer = self.raw.run(command)
        self.crowd.took("imap " + kind, time.monotonic() - began)
        if answer.startswith(b"OK"):
            self.counters.add("imap " + kind)
            return untagged, answer
        if answer.startswith(NO_MESSAGE) or (answer.startswith(b"NO [") and answer[4:].split(b"]")[0].decode().split()[0] in MAY_SAY_NO):
            self.counters.add("refused " + kind)
            return untagged, None
        if answer.startswith(NOT_NOW):
            self.counters.add("not now: " + kind)
            raise NotNow()
        text = command if isinstance(command, str) else command[:100].decode("ascii", "replace")
        raise Surprise("%s: %s -> %s" % (self.address, text[:120], answer.decode("utf-8", "replace")))

    def step(self):
        if self.raw is None:
            self.raw = Raw(self.stage.at("imapd", "imap"), timeout=clients.TIMEOUT)
            self.raw.ok("LOGIN %s %s" % (self.address, PASSWORD))
        name = self.rng.choices([n for n, _ in self.ACTIONS], [w for _, w in self.ACTIONS])[0]
        self.last = name
        getattr(self, name)()

    def anywhere(self):
        """A mailbox of one of the accounts, by the name it has for this one."""
        owner, name = self.rng.choice(self.stage.addresses), self.rng.choice(SHARED)
        return name if owner == self.address else '"Other Users/%s/%s"' % (owner, name)

    def window(self, letters, where=None):
        """Selects somewhere and looks at some messages of these kinds: [(uid, token)]."""
        untagged, answer = self.say("select", "SELECT " + (where or self.anywhere()))
        if answer is None:
            return []
        count = max(int(match[1]) for match in (re.match(rb"\* (\d+) EXISTS", line) for line in untagged) if match)
        if count == 0:
            return []
        # Mostly near the end: where others work, too.
        first = max(1, count - WINDOW + 1) if self.rng.random() < 0.6 else self.rng.randint(1, count)
        untagged, _ = self.say("fetch", "FETCH %d:%d (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])" % (first, min(count, first + WINDOW - 1)))
        found = []
        for line in untagged:
            uid, token = re.search(rb"UID (\d+)", line), tokens.SUBJECT.search(line)
            if uid and token and token[1].decode()[0] in letters:
                found.append((int(uid[1]), token[1].decode()))
        return found

    def some(self, found):
        return self.rng.sample(found, self.rng.randint(1, len(found)))

    @staticmethod
    def uids(chosen):
        return ",".join(str(uid) for uid, _ in sorted(chosen))

    # -- writes
    def put(self, kind, tokens_, command):
        """A command that makes one of each of these messages. They are in the book before it is sent: another writer may copy one
        before this writer has read its answer."""
        for token in tokens_:
            self.book.add(token)
        try:
            untagged, answer = self.say(kind, command)
        except NotNow:
            for token in tokens_:
                self.book.doubt(token)
            raise
        if answer is None:
            for token in tokens_:
                self.book.add(token, -1)
        return untagged, answer

    def append(self, kind="append", many=1):
        made = [self.message() for _ in range(many)]
        parts = b"".join(b" (kw%d) {%d+}\r\n%s" % (self.rng.randint(1, 9), len(one.data), one.data) for one in made)
        self.put(kind, [one.id for one in made], b"APPEND " + self.anywhere().encode() + parts)

    def multiappend(self):
        self.append("multiappend", self.rng.randint(2, 8))

    def store(self):
        found = self.window("kjd")
        if found:
            self.say("store", "UID STORE %s %sFLAGS.SILENT (kw%d \\Seen)" % (self.uids(self.some(found)), self.rng.choice("+-"), self.rng.randint(1, 9)))

    def store_all(self):
        if self.say("select", "SELECT " + self.anywhere())[1]:
            self.say("store 1:*", "UID STORE 1:* %sFLAGS.SILENT (kw%d)" % (self.rng.choice("+-"), self.rng.randint(1, 9)))

    def copy(self):
        found = dict(self.window("kjd"))
        if not found:
            return
        chosen = self.some(sorted(found.items()))
        if self.rng.random() < 0.9:  # or kept ones grow for ever
            chosen = [one for one in chosen if one[1][0] == "d"] or chosen[:1]
        self.copy_to(chosen, self.anywhere())

    def copy_to(self, chosen, target):
        untagged, answer = self.put("copy", [token for _, token in chosen], "UID COPY %s %s" % (self.uids(chosen), target))
        if answer is None:
            return
        match = re.search(rb"\[COPYUID \d+ (\S+) \S+\]", b"\n".join(untagged + [answer]))
        copied = set(tokens.expand(match[1].decode())) if match else set()
        for uid, token in chosen:
            if uid not in copied:  # it was gone
                self.book.add(token, -1)

    def move(self):
        found = self.window("kjd")
        if found:
            self.say("move", "UID MOVE %s %s" % (self.uids(self.some(found)), self.anywhere()))

    def expunge(self):
        found = self.window("d")
        if found:
            uids = self.uids(found)
            self.say("store", "UID STORE %s +FLAGS.SILENT (\\Deleted)" % uids)
            self.say("expunge", "UID EXPUNGE " + uids)

    def expunge_all(self):
        found = self.window("d")
        if found:
            self.say("store", "UID STORE %s +FLAGS.SILENT (\\Deleted)" % self.uids(found))
            self.say("expunge", "EXPUNGE")

    def replace(self):
        found = self.window("d")
        if found:
            made = self.message("d")
            self.put("replace", [made.id], b"UID REPLACE %d %s {%d+}\r\n%s" % (self.rng.choice(found)[0], self.anywhere().encode(), len(made.data), made.data))

    def acl(self):
        guest = self.rng.choice([one for one in self.stage.addresses if one != self.address])
        self.say("setacl", "SETACL Share %s %s%s" % (guest, RIGHTS, self.rng.choice(["", "a"])))

    def tree(self):
        """Made, filled by COPY and APPEND, renamed with its children, taken down from the leaves."""
        self.trees += 1
        root, other = "Share/%s-%d" % (self.name, self.trees), "Work/%s-%d" % (self.name, self.trees)
        for name in (root, root + "/x", root + "/x/y"):
            self.say("create", "CREATE " + name)
        found = self.window("d")
        if found:
            self.copy_to(found, root + "/x")
        made = self.message("d")
        self.put("append", [made.id], b"APPEND %s/x/y {%d+}\r\n%s" % (root.encode(), len(made.data), made.data))
        self.say("rename", "RENAME %s %s" % (root, other))
        for name in (other + "/x/y", other + "/x", other):
            self.say("delete", "DELETE " + name)

    def rename_inbox(self):
        """INBOX moves its messages away (RFC 9051 6.3.6); back they come. One session an account does it."""
        if not self.leads:
            return self.look()
        self.trees += 1
        old = "old-%d" % self.trees
        if self.say("rename inbox", "RENAME INBOX " + old)[1] and self.say("select", "SELECT " + old)[1]:
            self.say("move", "UID MOVE 1:* INBOX")
            untagged, _ = self.say("status", "STATUS %s (MESSAGES)" % old)
            if b"MESSAGES 0)" not in b"".join(untagged):
                raise Surprise("%s is not empty after MOVE: %s" % (old, untagged))
            self.say("delete", "DELETE " + old)
            self.selected = None
        return None

    def look(self):
        if self.say("select", "EXAMINE " + self.anywhere())[1]:
            self.say("search", "UID SEARCH RETURN (COUNT) TEXT reader KEYWORD kw%d" % self.rng.randint(1, 9))


class JmapWriter(Writer):
    """Keywords on any, moves of `j` and `d`, destroys `d`, imports."""

    def __init__(self, crowd, name, address):
        super().__init__(crowd, name)
        self.address, self.session, self.boxes = address, None, {}

    def step(self):
        if self.session is None:
            self.session = clients.Jmap(self.stage.url("jmapd"), self.address, PASSWORD)
            self.boxes = {box["name"].lower(): box["id"] for box in self.session.call("Mailbox/get", ids=None)["list"]}
            self.boxes = {name: self.boxes[name.lower()] for name in SHARED}
        began = time.monotonic()
        action = self.rng.choice([self.keywords, self.keywords, self.move, self.move, self.destroy, self.destroy, self.put])
        try:
            action()
        except AssertionError as error:
            if "got 503" not in str(error):
                raise
            self.counters.add("not now: jmap " + action.__name__)
        self.crowd.took("jmap " + action.__name__, time.monotonic() - began)

    def some(self, letters):
        """[(id, token, mailboxes)] of one mailbox."""
        box = self.rng.choice(sorted(self.boxes.values()))
        ids = self.session.call("Email/query", filter={"inMailbox": box}, position=self.rng.choice([0, 0, self.rng.randint(0, 200)]), limit=WINDOW)["ids"]
        got = self.session.call("Email/get", ids=ids, properties=["id", "subject", "mailboxIds"])["list"] if ids else []
        found = [(one["id"], one["subject"].split()[-1], one["mailboxIds"]) for one in got]
        found = [one for one in found if one[1][0] in letters]
        return self.rng.sample(found, self.rng.randint(1, len(found))) if found else []

    def set(self, kind, **arguments):
        if not any(arguments.values()):
            return
        answer = self.session.call("Email/set", **arguments)
        for refused in ("notUpdated", "notDestroyed"):
            for error in (answer.get(refused) or {}).values():
                # Gone or moved away since the query; or not now.
                if error["type"] not in ("notFound", "invalidProperties", "serverUnavailable", "serverFail"):
                    raise Surprise("%s: %s: %s" % (self.address, kind, error))
                self.counters.add(("not now: jmap " if error["type"].startswith("server") else "refused jmap ") + kind)
        self.counters.add("jmap " + kind, len(answer.get("updated") or []) + len(answer.get("destroyed") or []))

    def keywords(self):
        patch = {"keywords/kw%d" % self.rng.randint(1, 9): self.rng.choice([True, None]), "keywords/$flagged": self.rng.choice([True, None])}
        self.set("keywords", update={one[0]: patch for one in self.some("kjd")})

    def move(self):
        update = {}
        for id_, _, there in self.some("jd"):
            patch = {"mailboxIds/" + box: None for box in there}
            patch["mailboxIds/" + self.rng.choice(sorted(self.boxes.values()))] = True
            update[id_] = patch
        self.set("move", update=update)

    def destroy(self):
        self.set("destroy", destroy=[one[0] for one in self.some("d")])

    def put(self):
        made = self.message()
        self.book.add(made.id)
        self.book.doubt(made.id)
        status, _, body = self.session.request("POST", "/jmap/upload/%s/" % self.session.account, made.data, {"Content-Type": "message/rfc822"})
        if status == 503:
            self.counters.add("not now: jmap upload")
            return
        if status != 201:
            raise Surprise("upload: %d %s" % (status, body[:200]))
        blob = json.loads(body)["blobId"]
        answer = self.session.call("Email/import", emails={"k": {"blobId": blob, "mailboxIds": {self.rng.choice(sorted(self.boxes.values())): True}}})
        if not answer.get("created"):
            raise Surprise("import: %s" % answer)
        self.book.doubt(made.id, -1)
        self.counters.add("jmap import")


class Deliverer(Writer):
    """SMTP or LMTP to one to all of the accounts."""

    def __init__(self, crowd, name, via):
        super().__init__(crowd, name)
        self.door = Door(crowd.stage, via)

    def step(self):
        recipients = self.rng.sample(self.stage.addresses, self.rng.randint(1, len(self.stage.addresses)))
        made = self.message()
        self.book.add(made.id, len(recipients))
        began = time.monotonic()
        replies = self.door.attempt(self.rng, made, "mixed@outside.test", recipients)
        self.crowd.took(self.door.via, time.monotonic() - began)
        refused = [reply for reply in replies.values() if reply[0] != 250]
        if any(reply[0] not in (450, 451, 452) for reply in refused):
            raise Surprise("%s: %s" % (self.door.via, refused))
        self.book.doubt(made.id, len(refused))
        self.counters.add("%s copies" % self.door.via, len(recipients) - len(refused))
        if refused:
            self.counters.add("not now: %s" % self.door.via, len(refused))


class PopWriter(Writer):
    """Deletes what may be destroyed, at QUIT, in one transaction."""

    def step(self):
        session = poplib.POP3(*self.stage.daemon("imapd").address("pop3"), timeout=clients.TIMEOUT)
        session.user(self.rng.choice(self.stage.addresses))
        try:
            session.pass_(PASSWORD)
        except poplib.error_proto as error:
            if b"IN-USE" not in error.args[0]:
                raise
            session.close()
            return
        count = session.stat()[0]
        for number in range(max(1, count - 9), count + 1):
            try:
                head = b"\r\n".join(session.top(number, 0)[1])
            except poplib.error_proto:  # another session expunged it
                continue
            if tokens.SUBJECT.search(head)[1].startswith(b"d"):
                session.dele(number)
                self.counters.add("pop3 delete")
        try:
            session.quit()
        except poplib.error_proto as error:
            if "-ERR [SYS/TEMP]" not in str(error):
                raise Surprise("QUIT: %s" % error) from None
            self.counters.add("not now: pop3")
        self.crowd.ending.wait(self.crowd.pause() * 20)


class Keeper(Writer):
    """check (which must be clean in the midst of it), reindex, jobs, rights and quotas by REST."""

    def ctl(self, kind, *words, wanted=0):
        began = time.monotonic()
        status, output = self.crowd.dromosctl(*words)
        self.crowd.took(kind, time.monotonic() - began)
        self.counters.add(kind)
        if status != wanted:
            raise Surprise("dromosctl %s: exit %d: %s" % (" ".join(words), status, output[-600:]))

    def step(self):
        address, other = self.rng.sample(self.stage.addresses, 2)
        [lambda: self.ctl("check", "check"), lambda: self.ctl("reindex", "reindex", "account", address), self.job,
         lambda: self.ctl("share", "share", "set", address, "Work", other, RIGHTS)][self.count % 4]()
        self.count += 1
        self.crowd.ending.wait(self.crowd.pause() * 20)

    def job(self):
        self.ctl("job", "job", "run", self.rng.choice(self.crowd.jobs()))


class Crowd:
    """All writers. `pause` tells how long one rests on average."""

    def __init__(self, stage, book, seed, pause, sessions=2):
        self.stage, self.book, self.seed, self.pause = stage, book, seed, pause
        self.counters, self.ending = Counters(), threading.Event()
        self._lock, self.slowest, self._jobs = threading.Lock(), {}, None
        self.writers = [Deliverer(self, "lmtp0", "lmtp"), Deliverer(self, "lmtp1", "lmtp"), Deliverer(self, "mx0", "mx"), PopWriter(self, "pop0"), Keeper(self, "keeper")]
        for n, address in enumerate(stage.addresses):
            self.writers += [ImapWriter(self, "imap%d%d" % (n, s), address, s == 0) for s in range(sessions)]
            self.writers.append(JmapWriter(self, "jmap%d" % n, address))

    def took(self, kind, seconds):
        with self._lock:
            self.slowest[kind] = max(self.slowest.get(kind, 0), seconds)

    def dromosctl(self, *words):
        command = [str(paths.BIN / "dromosctl"), *words, "--config", str(self.stage.suite.config_file)]
        environment = dict(os.environ, DROMOS_URL=self.stage.url("admind"), DROMOS_TOKEN=self.stage.token)
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def jobs(self):
        if self._jobs is None:
            status, output = self.dromosctl("job", "list", "--json")
            if status != 0:
                raise Surprise("job list: " + output)
            self._jobs = sorted(set(re.findall(r'"name": ?"([^"]+)"', output)))
        return self._jobs

    def prepare(self):
        """Mailboxes, and rights for everybody else on each."""
        for address in self.stage.addresses:
            raw = Raw(self.stage.at("imapd", "imap"), timeout=clients.TIMEOUT)
            raw.ok("LOGIN %s %s" % (address, PASSWORD))
            for name in SHARED:
                if name != "INBOX":
                    raw.ok("CREATE " + name)
                for guest in self.stage.addresses:
                    if guest != address:
                        raw.ok("SETACL %s %s %s" % (name, guest, RIGHTS))
            raw.close()

    def start(self):
        for writer in self.writers:
            writer.start()

    def finish(self, seconds=60):
        """Names of those that hang."""
        self.ending.set()
        end = time.monotonic() + seconds
        for writer in self.writers:
            writer.join(max(0.1, end - time.monotonic()))
        return ["%s (%s)" % (writer.name, getattr(writer, "last", "")) for writer in self.writers if writer.is_alive()]

    def census(self):
        """What all accounts hold: tokens, and contents that were changed."""
        there, changed = tokens.collections.Counter(), []
        for address in self.stage.addresses:
            raw = Raw(self.stage.at("imapd", "imap"), timeout=clients.TIMEOUT)
            raw.ok("LOGIN %s %s" % (address, PASSWORD))
            found, wrong = tokens.census(raw, self.book)
            there += found
            changed += ["%s: %s" % (address, text) for text in wrong]
            raw.close()
        return there, changed
