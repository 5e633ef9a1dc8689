"""Writers that are cut off in the midst of every kind of write, and know afterwards what must be true.

imapd or a PostgreSQL backend (which makes the whole server recover) is ended by SIGKILL at random instants. A writer whose
command got no answer looks: the write has happened as a whole or not at all, and what an earlier command was answered OK for is
there. Across all crashes a UID names one message for ever, and a mailbox that keeps its UIDVALIDITY keeps its UIDs.
"""
import os
import random
import re
import signal
import threading
import time

from imapd_client import Raw, simple

BOB = "bob@example.test"


class Identities:
    """(UIDVALIDITY, UID) -> token, over all that any writer has ever seen."""

    def __init__(self):
        self.lock = threading.Lock()
        self.seen = {}

    def note(self, mailbox_id, uidvalidity, uid, token):
        with self.lock:
            known = self.seen.setdefault((mailbox_id, uidvalidity, uid), token)
        assert known == token, "UID %d of %s was %s and is %s" % (uid, mailbox_id, known, token)


class Writer:
    """Works in two mailboxes and a tree of its own, so that nobody else explains a difference."""

    VERBS = [("append", 5), ("multiappend", 3), ("copy", 3), ("move", 4), ("expunge", 3), ("flag", 3), ("rename", 3), ("change_tree", 3)]

    def __init__(self, suite, number, seed, identities):
        self.suite, self.number, self.identities = suite, number, identities
        self.random = random.Random(seed * 1000 + number)
        self.boxes = {"w%da" % number: {}, "w%db" % number: {}}  # name -> uid -> (token, deleted)
        self.tree = {"t%d" % number, "t%d/x" % number, "t%d/x/y" % number}
        self.count = self.cuts = self.writes = 0
        self.raw = None
        self.error = None

    # -- connection
    def connect(self):
        end = time.monotonic() + 60
        while True:
            try:
                self.raw = Raw(self.suite.imapd.address("imaps"), self.suite.authority.client_context(), BOB)
                return
            except (OSError, EOFError, AssertionError):
                assert time.monotonic() < end, "imapd does not come back"
                time.sleep(0.05)

    def say(self, command):
        """The answer's text; nothing if it never came, or says that nobody knows."""
        try:
            answer = self.raw.run(command)
        except (OSError, EOFError):
            self.cuts += 1
            self.connect()
            return None
        return None if answer[1].startswith((b"NO [UNAVAILABLE]", b"NO [SERVERBUG]")) else answer

    def surely(self, command):
        """A question, asked until it is answered."""
        for _ in range(400):
            answer = self.say(command)
            if answer is not None:
                assert answer[1].startswith(b"OK"), (command, answer)
                return answer[0]
            time.sleep(0.05)
        raise AssertionError("no answer to " + command)

    # -- what is there
    def look(self, name):
        """uid -> (token, deleted), read anew."""
        for _ in range(100):
            untagged = self.say("EXAMINE " + name)
            fetched = self.say("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])") if untagged else None
            if fetched and fetched[1].startswith(b"OK"):
                break
            time.sleep(0.05)
        said = b"\n".join(untagged[0])
        uidvalidity = int(re.search(rb"UIDVALIDITY (\d+)", said)[1])
        mailbox_id = re.search(rb"MAILBOXID \((\S+)\)", said)[1]
        found = {}
        for line in fetched[0]:
            match = re.match(rb"(?s)\* \d+ FETCH \(UID (\d+) FLAGS \((.*?)\).*Subject: (\S+)", line)
            if match:
                uid, token = int(match[1]), match[3].decode()
                self.identities.note(mailbox_id, uidvalidity, uid, token)
                found[uid] = (token, b"\\Deleted" in match[2])
        self.say("UNSELECT")
        return found

    def settle(self, answer, *outcomes):
        """After a write: `outcomes` are the states it may have left, the one of success last. States are as tokens():
        with an answer of OK only that, with NO any but that, else any."""
        now = {name: self.look(name) for name in self.boxes}
        have = self.tokens(now)
        if answer is not None:
            outcomes = outcomes[-1:] if answer[1].startswith(b"OK") else outcomes[:-1] or outcomes
        assert have in outcomes, ("after", answer, "there is", have, "and may be", outcomes)
        self.boxes = now
        self.writes += 1

    @staticmethod
    def tokens(boxes):
        return {name: sorted(box.values()) for name, box in boxes.items()}

    def after(self, name, add=(), remove=()):
        """tokens() with messages added to and taken (by uid) from one mailbox."""
        state = {n: dict(box) for n, box in self.boxes.items()}
        for uid in remove:
            del state[name][uid]
        out = self.tokens(state)
        out[name] = sorted(out[name] + list(add))
        return out

    # -- writes
    def run(self, stop):
        try:
            self.connect()
            for name in self.boxes:
                self.surely_made(name)
            for name in sorted(self.tree):
                self.surely_made(name)
            while not stop.is_set():
                verb = self.random.choices([v for v, _ in self.VERBS], [w for _, w in self.VERBS])[0]
                getattr(self, verb)()
        except Exception as error:  # noqa: BLE001
            self.error = error

    def surely_made(self, name):
        for _ in range(100):
            answer = self.say("CREATE " + name)
            if answer and answer[1].startswith((b"OK", b"NO [ALREADYEXISTS]")):
                return
            time.sleep(0.05)

    def new(self):
        self.count += 1
        return "w%dn%d" % (self.number, self.count)

    def append(self, many=1):
        name = self.random.choice(sorted(self.boxes))
        made = [self.new() for _ in range(many)]
        command = b"APPEND " + name.encode()
        for token in made:
            text = simple(token, "body of %s\r\n" % token * self.random.choice([1, 1, 8000]))
            command += b" {%d+}\r\n%s" % (len(text), text)
        before = self.tokens(self.boxes)
        self.settle(self.say(command), before, self.after(name, [(token, False) for token in made]))

    def multiappend(self):
        self.append(self.random.randint(2, 6))

    def some(self, name):
        box = self.boxes[name]
        return sorted(self.random.sample(sorted(box), self.random.randint(1, len(box)))) if box else []

    def transfer(self, verb):
        source, target = self.random.sample(sorted(self.boxes), 2)
        uids = self.some(source)
        if not uids:
            return
        before = self.tokens(self.boxes)
        moved = [self.boxes[source][uid] for uid in uids]
        done = self.after(source, remove=uids) if verb == "MOVE" else dict(before)
        done[target] = sorted(done[target] + moved)
        if not self.select(source):
            return
        self.settle(self.say("UID %s %s %s" % (verb, ",".join(map(str, uids)), target)), before, done)

    def copy(self):
        if sum(map(len, self.boxes.values())) < 60:
            self.transfer("COPY")

    def move(self):
        self.transfer("MOVE")

    def select(self, name):
        answer = self.say("SELECT " + name)
        return answer is not None and answer[1].startswith(b"OK")

    def flag(self):
        name = self.random.choice(sorted(self.boxes))
        uids = self.some(name)
        if not uids or not self.select(name):
            return
        before = self.tokens(self.boxes)
        marked = self.after(name, [(self.boxes[name][uid][0], True) for uid in uids], uids)
        self.settle(self.say("UID STORE %s +FLAGS.SILENT (\\Deleted)" % ",".join(map(str, uids))), before, marked)

    def expunge(self):
        name = self.random.choice(sorted(self.boxes))
        gone = [uid for uid, (_, deleted) in self.boxes[name].items() if deleted]
        if not gone or not self.select(name):
            return
        before = self.tokens(self.boxes)
        self.settle(self.say("EXPUNGE"), before, self.after(name, remove=gone))

    # -- the tree of mailboxes
    def settle_tree(self, answer, *outcomes):
        listed = self.surely('LIST "" "t%d*"' % self.number)
        have = {line.decode().rsplit(" ", 1)[1] for line in listed if line.startswith(b"* LIST")}
        have = {name for name in have if re.match(r"t%d(\D|$)" % self.number, name)}
        if answer is not None:
            outcomes = outcomes[-1:] if answer[1].startswith(b"OK") else outcomes[:-1] or outcomes
        assert have in outcomes, ("tree after", answer, have, outcomes)
        self.tree = have
        self.writes += 1

    def rename(self):
        old = self.random.choice(sorted(self.tree))
        self.count += 1
        new = (old.rpartition("/")[0] + "/r%d" % self.count) if "/" in old else "t%dr%d" % (self.number, self.count)
        after = {new + name[len(old):] if name == old or name.startswith(old + "/") else name for name in self.tree}
        self.settle_tree(self.say("RENAME %s %s" % (old, new)), set(self.tree), after)

    def tree_leaf(self):
        leaves = [name for name in self.tree if not any(other.startswith(name + "/") for other in self.tree)]
        return self.random.choice(sorted(leaves))

    def change_tree(self):
        """CREATE with what lies between, or DELETE of a leaf."""
        if len(self.tree) > 6:
            leaf = self.tree_leaf()
            self.settle_tree(self.say("DELETE " + leaf), set(self.tree), self.tree - {leaf})
            return
        self.count += 1
        name = "%s/c%d/d%d" % (self.random.choice(sorted(self.tree)), self.count, self.count)
        if name.count("/") < 20:
            self.settle_tree(self.say("CREATE " + name), set(self.tree), self.tree | {name, name.rpartition("/")[0]})


def crash_imapd(suite, rng):
    suite.imapd.kill()
    suite.start("imapd")


def crash_postgres(suite, rng):
    """One backend by SIGKILL: PostgreSQL ends all, and recovers from the WAL."""
    pids = suite.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'dromos_imapd'").split()
    if pids:
        os.kill(int(rng.choice(pids)), signal.SIGKILL)
    end = time.monotonic() + 60
    while True:
        try:
            suite.sql("SELECT 1")
            return
        except Exception:  # noqa: BLE001
            assert time.monotonic() < end, "PostgreSQL does not come back"
            time.sleep(0.05)


def run(suite, seed, seconds, writers=3):
    """Runs and checks; returns (writes, cuts, crashes)."""
    identities, stop, rng = Identities(), threading.Event(), random.Random(seed)
    crew = [Writer(suite, n, seed, identities) for n in range(writers)]
    threads = [threading.Thread(target=writer.run, args=(stop,)) for writer in crew]
    for thread in threads:
        thread.start()
    crashes, end = 0, time.monotonic() + seconds
    try:
        while time.monotonic() < end and not any(writer.error for writer in crew):
            time.sleep(rng.uniform(0.2, 1.0))
            rng.choice([crash_imapd, crash_postgres])(suite, rng)
            crashes += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    for writer in crew:
        if writer.error:
            raise writer.error
        writer.settle(None, writer.tokens(writer.boxes))
        writer.raw.close()
    return sum(w.writes for w in crew), sum(w.cuts for w in crew), crashes
