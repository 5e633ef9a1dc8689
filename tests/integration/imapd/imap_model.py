"""A model of mailboxes in memory, clients that know only what the server told them, and random steps over both.

World(suite, seed).run(steps) starts nothing; imapd and mta must run. Commands go out one at a time, from several sessions, so
the model knows every outcome; a burst delivers by LMTP beside commands of the sessions. Whenever a session asks (NOOP), what it
has been told must be what the model holds; after a disconnect it resynchronises by QRESYNC from what it knew. A failure names
the seed and the step, and the last commands are in the assertion's text.
"""
import collections
import random
import re
import threading

from dromostest.clients import Smtp
from imapd_client import Raw, simple

BOB = "bob@example.test"
GUEST = "alice@example.test"  # what she may do is what SETACL last said
RIGHTS = ["", "l", "r", "lr", "lrs", "lrt", "lrw", "lri", "lrst", "lrswi", "lrte", "lrswite", "lrswipkxtea"]
FLAGS = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "red", "green", "$label1"]
WORDS = ["apple", "pear", "plum", "fig", "quince", "medlar"]


def expand(text):
    """"1:3,7" -> [1, 2, 3, 7], in the order given."""
    out = []
    for piece in filter(None, text.split(",")):
        first, _, last = piece.partition(":")
        out.extend(range(int(first), int(last or first) + 1))
    return out


def compact(numbers):
    return ",".join(map(str, numbers))


class Message:
    def __init__(self, token, word, flags, size):
        self.token, self.word, self.flags, self.size = token, word, frozenset(flags), size


class Mailbox:
    def __init__(self, uidvalidity):
        self.uidvalidity = uidvalidity
        self.uidnext = 1
        self.messages = {}  # uid -> Message
        self.rights = ""    # the guest's
        self.guest_seen = None  # uids that the guest has seen, where \\Seen is each reader's own

    def add(self, message):
        uid = self.uidnext
        self.uidnext += 1
        self.messages[uid] = message
        return uid

    def add_by_guest(self, message):
        flags = message.flags
        if self.guest_seen is not None:
            message.flags = flags - {"\\Seen"}  # to the owner it is new
        uid = self.add(message)
        self.guest_sets(uid, flags)
        return uid

    def seen_by_guest(self, uid):
        """Flags of a message as the guest sees them."""
        flags = self.messages[uid].flags
        if self.guest_seen is None:
            return flags
        return flags - {"\\Seen"} | ({"\\Seen"} if uid in self.guest_seen else set())

    def guest_sets(self, uid, flags):
        """The guest made them these."""
        if self.guest_seen is not None:
            (self.guest_seen.add if "\\Seen" in flags else self.guest_seen.discard)(uid)
            flags = flags - {"\\Seen"} | self.messages[uid].flags & {"\\Seen"}
        self.messages[uid].flags = frozenset(flags)


class Line:
    """What a client knows of one message."""

    def __init__(self):
        self.uid = self.flags = self.modseq = None


class Client:
    """One session and its picture of the selected mailbox, kept by untagged responses alone."""

    def __init__(self, world, qresync):
        self.world, self.qresync = world, qresync
        self.raw = None
        self.mailbox = None
        self.read_only = False
        self.lines = []
        self.uidvalidity = self.modseq = 0
        self.connect()

    def connect(self):
        self.raw = Raw(self.world.suite.imapd.address("imaps"), self.world.suite.authority.client_context(), BOB)
        if self.qresync:
            self.raw.ok("ENABLE QRESYNC")
        self.read_only = False

    def drop(self):
        self.raw.close()

    # -- commands
    def run(self, command, holds=False):
        """(untagged, answer); the picture follows. `holds`: no EXPUNGE may come (RFC 9051 §7.5.1)."""
        self.world.note("%d: %s" % (self.world.clients.index(self) if self in self.world.clients else -1, command))
        untagged, answer = self.raw.run(command)
        for line in untagged:
            self.hear(line, holds)
        return untagged, answer.decode()

    def ok(self, command, holds=False):
        untagged, answer = self.run(command, holds)
        assert answer.startswith("OK"), (command, untagged, answer)
        return untagged, answer

    def hear(self, line, holds):
        text = line.decode("utf-8", "replace")
        match = re.match(r"\* (\d+) (EXISTS|EXPUNGE|FETCH)", text)
        if match:
            number, what = int(match[1]), match[2]
            if what == "EXISTS":
                assert number >= len(self.lines), (text, len(self.lines))
                self.lines.extend(Line() for _ in range(number - len(self.lines)))
            elif what == "EXPUNGE":
                assert not holds and not self.qresync and 1 <= number <= len(self.lines), text
                del self.lines[number - 1]
            else:
                assert 1 <= number <= len(self.lines), (text, len(self.lines))
                self.hear_fetch(self.lines[number - 1], text)
            return
        match = re.match(r"\* VANISHED (\(EARLIER\) )?(\S+)", text)
        if match:
            assert self.qresync and (match[1] or not holds), text
            gone = set(expand(match[2]))
            strange = gone - {line.uid for line in self.lines}
            self.lines = [line for line in self.lines if line.uid not in gone]
            if not match[1] and strange:  # of messages it had only the number of, and those are the last ones
                assert all(line.uid is None for line in self.lines[-len(strange):]), (text, self.lines)
                del self.lines[-len(strange):]
            return
        for name, attribute in (("HIGHESTMODSEQ", "modseq"), ("UIDVALIDITY", "uidvalidity")):
            match = re.match(r"\* OK \[%s (\d+)\]" % name, text)
            if match:
                setattr(self, attribute, int(match[1]))

    @staticmethod
    def hear_fetch(line, text):
        uid = re.search(r"\bUID (\d+)", text)
        flags = re.search(r"\bFLAGS \(([^)]*)\)", text)
        modseq = re.search(r"\bMODSEQ \((\d+)\)", text)
        if uid:
            assert line.uid in (None, int(uid[1])), (line.uid, text)
            line.uid = int(uid[1])
        if flags:
            line.flags = frozenset(flags[1].split())
        if modseq:
            assert line.modseq is None or int(modseq[1]) >= line.modseq, (line.modseq, text)
            line.modseq = int(modseq[1])

    def select(self, name, examine=False):
        self.mailbox, self.lines = None, []
        _, answer = self.ok("%s %s" % ("EXAMINE" if examine else "SELECT", name))
        assert answer.startswith("OK [READ-ONLY]" if examine else "OK [READ-WRITE]"), answer
        self.mailbox, self.read_only = name, examine
        self.learn()

    def resync(self):
        """After connect(): SELECT with QRESYNC from what was known (RFC 7162 §3.2.5)."""
        name, before = self.mailbox, {line.uid: line for line in self.lines if line.uid is not None}
        if name is None:
            return
        if not self.qresync or not self.modseq:
            return self.select(name, self.read_only)
        known = ",".join(map(str, sorted(before)))
        validity, modseq = self.uidvalidity, self.modseq
        self.lines = []
        self.world.note("resync %s %d" % (name, modseq))
        untagged, answer = self.raw.run("SELECT %s (QRESYNC (%d %d%s))" % (name, validity, modseq, " " + known if known else ""))
        assert answer.startswith(b"OK"), answer
        self.read_only = False
        vanished, changed, exists = set(), {}, 0
        for line in untagged:
            text = line.decode("utf-8", "replace")
            if re.match(r"\* VANISHED \(EARLIER\) ", text):
                vanished.update(expand(text.split()[3]))
            elif re.match(r"\* \d+ FETCH ", text):
                made = Line()
                self.hear_fetch(made, text)
                changed[made.uid] = made
            elif re.match(r"\* \d+ EXISTS", text):
                exists = int(text.split()[1])
            else:
                self.hear(line, False)
        assert self.uidvalidity == validity, "uidvalidity changed"
        assert not known or vanished <= set(before), (vanished, before)  # without known uids the server tells of all
        kept = {uid: line for uid, line in before.items() if uid not in vanished}
        for uid, line in changed.items():
            kept[uid] = line
        # Flags are of what it knew and was told; which number each has it must ask, for what it did not know may lie between.
        self.lines = [Line() for _ in range(exists)]
        if exists:
            self.run("FETCH 1:* UID", True)
        assert set(kept) <= {line.uid for line in self.lines}, (kept.keys(), self.lines)
        for line in self.lines:
            if line.uid in kept:
                line.flags, line.modseq = kept[line.uid].flags, kept[line.uid].modseq
        self.learn()
        self.world.compare(self)

    def learn(self):
        """UID and FLAGS of messages it has only heard the number of."""
        unknown = [n for n, line in enumerate(self.lines, 1) if line.uid is None or line.flags is None]
        if unknown:
            untagged, answer = self.run("FETCH %d:%d (UID FLAGS%s)" % (unknown[0], len(self.lines), " MODSEQ" if self.qresync else ""), True)
            # Messages that another has expunged meanwhile may be missing.
            assert answer.startswith("OK"), answer

    def settle(self):
        self.ok("NOOP")
        self.learn()
        if self.qresync and self.mailbox:
            status = self.ok("STATUS %s (HIGHESTMODSEQ)" % self.mailbox)[0]
            self.learn()
            self.modseq = int(re.search(rb"HIGHESTMODSEQ (\d+)", b"\n".join(status))[1])


class World:
    def __init__(self, suite, seed, sessions=3, account=BOB):
        self.suite, self.seed, self.account = suite, seed, account
        self.random = random.Random(seed)
        self.log = collections.deque(maxlen=40)
        self.count = self.steps = 0
        self.boxes = {}
        self.clients = []
        self.clients = [Client(self, qresync=n % 2 == 0) for n in range(sessions)]
        self.admin = Client(self, qresync=False)
        self.guest_session = self.connect_guest()
        for line in self.admin.ok('LIST "" * RETURN (STATUS (UIDVALIDITY MESSAGES))')[0]:
            status = re.match(rb"\* STATUS (\S+) \(MESSAGES (\d+) UIDVALIDITY (\d+)\)", line)
            if status:
                assert status[2] == b"0"
                self.boxes[status[1].decode()] = Mailbox(int(status[3]))

    def note(self, text):
        self.log.append(text[:300])

    def run(self, steps):
        try:
            for self.steps in range(steps):
                self.step()
            self.check_all()
        except Exception as error:
            raise AssertionError("seed %d, step %d: %r\nlast commands:\n  %s" % (self.seed, self.steps, error, "\n  ".join(self.log))) from error

    def close(self):
        for client in [*self.clients, self.admin]:
            client.drop()
        self.guest_session.close()

    def connect_guest(self):
        return Raw(self.suite.imapd.address("imaps"), self.suite.authority.client_context(), GUEST)

    # -- steps
    STEPS = [("append", 12), ("store", 20), ("expunge", 8), ("copy", 8), ("settle", 12), ("search", 8), ("status", 4), ("reselect", 6),
             ("reconnect", 6), ("deliver", 5), ("burst", 2), ("tree", 4), ("grant", 8), ("own_seen", 4), ("guest", 24), ("close_mailbox", 2), ("read", 5), ("restart", 1), ("cut", 1), ("check_all", 1)]

    def step(self):
        name = self.random.choices([n for n, _ in self.STEPS], [w for _, w in self.STEPS])[0]
        client = self.random.choice(self.clients)
        self.note("-- %d %s" % (self.steps, name))
        if client.mailbox is None and name in ("store", "expunge", "copy", "settle", "search", "close_mailbox", "read"):
            name = "reselect"
        getattr(self, name)(client)

    def message(self):
        self.count += 1
        token, word = "s%dn%d" % (self.seed, self.count), self.random.choice(WORDS)
        return token, word, simple(token, "A %s a day.\r\n" % word * self.random.randint(1, 4))

    def some_flags(self):
        return frozenset(self.random.sample(FLAGS, self.random.choice([0, 0, 1, 1, 2, 3])))

    def append(self, client):
        name = self.random.choice(sorted(self.boxes))
        box = self.boxes[name]
        made, command = [], b"APPEND " + name.encode()
        for _ in range(self.random.choice([1, 1, 1, 2, 4])):
            token, word, text = self.message()
            flags = self.some_flags()
            made.append(Message(token, word, flags, len(text)))
            command += b" (%s) {%d+}\r\n%s" % (" ".join(sorted(flags)).encode(), len(text), text)
        self.note("append %s x%d" % (name, len(made)))
        untagged, answer = client.raw.run(command)
        for line in untagged:
            client.hear(line, False)
        code = re.match(rb"OK \[APPENDUID (\d+) (\S+)\]", answer)
        assert code and int(code[1]) == box.uidvalidity, answer
        assert expand(code[2].decode()) == [box.add(message) for message in made], (answer, box.uidnext)

    def pick(self, client):
        """(set for the command, "UID " or "", uids): messages the client knows."""
        end = self.boxes[client.mailbox].uidnext  # what a burst has delivered is not in the model yet
        known = [n for n, line in enumerate(client.lines, 1) if line.uid is not None and line.uid < end]
        if not known:
            return None
        some = sorted(self.random.sample(known, self.random.randint(1, min(len(known), 6))))
        if self.random.random() < 0.2:
            some = known
        uids = [client.lines[n - 1].uid for n in some]
        return (compact(uids), "UID ", uids) if self.random.random() < 0.5 else (compact(some), "", uids)

    def store(self, client):
        chosen = self.pick(client)
        if chosen is None or client.read_only:
            return
        numbers, uid, uids = chosen
        sign = self.random.choice(["+", "-", ""])
        flags = self.some_flags()
        condition = ""
        if client.qresync and self.random.random() < 0.3:
            condition = "(UNCHANGEDSINCE %d) " % self.random.choice([client.modseq, 10**9])
        silent = self.random.choice(["", ".SILENT"])
        untagged, answer = client.ok("%sSTORE %s %s%sFLAGS%s (%s)" % (uid, numbers, condition, sign, silent, " ".join(sorted(flags))), holds=not uid)
        failed = re.match(r"OK \[MODIFIED (\S+)\]", answer)
        failed = set(expand(failed[1])) if failed else set()
        if failed and not uid:
            failed = {client.lines[n - 1].uid for n in failed}
        assert condition or not failed, answer
        box = self.boxes[client.mailbox]
        for number in uids:
            message = box.messages.get(number)
            if message is None or number in failed:
                continue
            message.flags = message.flags | flags if sign == "+" else message.flags - flags if sign == "-" else flags
            if silent:  # the client counts on what it asked for
                for line in client.lines:
                    if line.uid == number:
                        line.flags = message.flags

    def expunge(self, client):
        if client.read_only:
            return
        box = self.boxes[client.mailbox]
        chosen = self.pick(client)
        if chosen and self.random.random() < 0.5:
            client.ok("UID EXPUNGE " + compact(chosen[2]))
            gone = [uid for uid in chosen[2] if uid in box.messages and "\\Deleted" in box.messages[uid].flags]
        else:
            client.ok("EXPUNGE")
            gone = [uid for uid, message in box.messages.items() if "\\Deleted" in message.flags]
        for uid in gone:
            del box.messages[uid]
        assert not any(line.uid in gone for line in client.lines), (gone, client.lines)

    def copy(self, client):
        chosen = self.pick(client)
        if chosen is None:
            return
        numbers, uid, uids = chosen
        target = self.random.choice(sorted(self.boxes))
        move = self.random.random() < 0.5 and not client.read_only
        source, box = self.boxes[client.mailbox], self.boxes[target]
        untagged, answer = client.run("%s%s %s %s" % (uid, "MOVE" if move else "COPY", numbers, target))
        there = [u for u in sorted(set(uids)) if u in source.messages]
        if not there:
            assert answer.startswith(("OK", "NO")) and "COPYUID" not in answer, answer
            return
        assert answer.startswith("OK"), answer
        code = re.search(r"\[COPYUID (\d+) (\S+) (\S+)\]", "\n".join(line.decode() for line in untagged) + answer)
        assert code and int(code[1]) == box.uidvalidity, (untagged, answer)
        assert expand(code[2]) == there, (code[0], there)
        copies = [source.messages[u] for u in there]
        if move:
            for u in there:
                del source.messages[u]
        assert expand(code[3]) == [box.add(Message(m.token, m.word, m.flags, m.size)) for m in copies], (code[0], box.uidnext)

    def settle(self, client):
        client.settle()
        if client.mailbox:
            self.compare(client)

    def compare(self, client):
        box = self.boxes[client.mailbox]
        have = {line.uid: line.flags for line in client.lines}
        want = {uid: message.flags for uid, message in box.messages.items()}
        uids = [line.uid for line in client.lines]
        assert uids == sorted(want), (client.mailbox, "uids", uids, sorted(want))
        wrong = {uid: (sorted(have[uid] or []), sorted(want[uid])) for uid in want if have[uid] != want[uid]}
        assert not wrong, (client.mailbox, "flags (client, model)", wrong)

    def search(self, client):
        client.settle()
        box = self.boxes[client.mailbox]
        word, flag = self.random.choice(WORDS), self.random.choice(FLAGS)
        key = flag[1:].upper() if flag[0] == "\\" else "KEYWORD " + flag
        tokens = [m.token for m in box.messages.values()] or ["none"]
        token = self.random.choice(tokens)
        cases = {
            key: lambda m: flag in m.flags,
            "NOT " + key: lambda m: flag not in m.flags,
            "BODY " + word[1:-1]: lambda m: word[1:-1] in "a %s a day" % m.word,
            "SUBJECT " + token: lambda m: token in m.token,
            "OR %s TEXT %s" % (key, word): lambda m: flag in m.flags or m.word == word,
            "TEXT %s UNDELETED" % word: lambda m: m.word == word and "\\Deleted" not in m.flags,
        }
        query = self.random.choice(sorted(cases))
        untagged, _ = client.ok("UID SEARCH RETURN (ALL) " + query)
        found = re.search(r"ALL (\S+)", "\n".join(line.decode() for line in untagged if b"ESEARCH" in line))
        want = sorted(uid for uid, message in box.messages.items() if cases[query](message))
        assert (expand(found[1]) if found else []) == want, (query, untagged, want)

    def status(self, client):
        name = self.random.choice(sorted(self.boxes))
        box = self.boxes[name]
        got = client.ok("STATUS %s (MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE)" % name)[0]
        line = next(line for line in got if line.startswith(b"* STATUS")).decode()
        have = dict(re.findall(r"([A-Z]+) (\d+)", line.partition("(")[2]))
        messages = box.messages.values()
        want = {"MESSAGES": len(messages), "UIDNEXT": box.uidnext, "UIDVALIDITY": box.uidvalidity,
                "UNSEEN": sum("\\Seen" not in m.flags for m in messages), "DELETED": sum("\\Deleted" in m.flags for m in messages),
                "SIZE": sum(m.size for m in messages)}
        assert {k: int(v) for k, v in have.items()} == want, (line, want)

    def read(self, client):
        chosen = self.pick(client)
        if chosen is None:
            return
        uid = chosen[2][0]
        box = self.boxes[client.mailbox]
        peek = self.random.choice([".PEEK", ""])
        untagged, answer = client.run("UID FETCH %d (BODY%s[HEADER.FIELDS (Subject)])" % (uid, peek))
        if uid not in box.messages:
            return
        assert answer.startswith("OK") and any(b"Subject: %s\r\n" % box.messages[uid].token.encode() in line for line in untagged), (untagged, answer)
        if not peek and not client.read_only:
            box.messages[uid].flags |= {"\\Seen"}

    def reselect(self, client):
        client.select(self.random.choice(sorted(self.boxes)), examine=self.random.random() < 0.15)
        self.compare(client)

    def close_mailbox(self, client):
        box = self.boxes[client.mailbox]
        verb = self.random.choice(["CLOSE", "UNSELECT"])
        untagged, _ = client.ok(verb)
        assert untagged == [], untagged
        if verb == "CLOSE" and not client.read_only:
            for uid in [uid for uid, message in box.messages.items() if "\\Deleted" in message.flags]:
                del box.messages[uid]
        client.mailbox, client.lines, client.read_only = None, [], False

    def reconnect(self, client):
        client.drop()
        client.connect()
        client.resync()

    def restart(self, client):
        self.suite.imapd.kill()
        self.suite.start("imapd")
        for one in [*self.clients, self.admin]:
            one.drop()
            one.connect()
            one.resync()
        self.guest_session.close()
        self.guest_session = self.connect_guest()

    def cut(self, client):
        """The database ends all connections of imapd; writes settle by themselves, reads may be refused once."""
        self.suite.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'dromos_imapd'"
                       " AND datname = current_database()")
        if client.mailbox and not client.read_only:
            self.store(client)
        for one in [*self.clients, self.admin]:
            for _ in range(20):
                _, answer = one.run("NOOP" if one.mailbox else "STATUS INBOX (MESSAGES)")
                if answer.startswith("OK"):
                    break
                assert answer.startswith("NO [UNAVAILABLE]"), answer

        for _ in range(20):
            if self.guest_says("STATUS INBOX (MESSAGES)")[1].startswith("OK"):
                break

    def tree(self, client):
        """CREATE, RENAME, DELETE of mailboxes that nobody has selected."""
        used = {one.mailbox for one in self.clients}
        mine = [name for name in self.boxes if name.startswith("m") and name not in used]
        verb = self.random.choice(["CREATE", "CREATE", "RENAME", "DELETE"])
        name = "m%d" % self.random.randint(1, 9)
        if verb == "CREATE" and name not in self.boxes:
            client.ok("CREATE " + name)
            got = b"\n".join(self.admin.ok("STATUS %s (UIDVALIDITY)" % name)[0])
            self.boxes[name] = Mailbox(int(re.search(rb"UIDVALIDITY (\d+)", got)[1]))
        elif verb == "RENAME" and mine and name not in self.boxes:
            old = self.random.choice(sorted(mine))
            client.ok("RENAME %s %s" % (old, name))
            self.boxes[name] = self.boxes.pop(old)
        elif verb == "DELETE" and mine:
            old = self.random.choice(sorted(mine))
            client.ok("DELETE " + old)
            del self.boxes[old]
        listed = {line.decode().rsplit(" ", 1)[1] for line in self.admin.ok('LIST "" *')[0] if line.startswith(b"* LIST")}
        assert listed == set(self.boxes), (listed, sorted(self.boxes))

    # -- sharing (RFC 4314)
    def grant(self, client):
        """SETACL by the owner: rights for the guest anew, more, or fewer."""
        name = self.random.choice(sorted(self.boxes))
        box = self.boxes[name]
        rights, sign = self.random.choice(RIGHTS), self.random.choice(["", "", "+", "-"])
        client.ok('SETACL %s %s "%s%s"' % (name, GUEST, sign, rights))
        held = set(box.rights) | set(rights) if sign == "+" else set(box.rights) - set(rights) if sign == "-" else set(rights)
        box.rights = "".join(letter for letter in "lrswipkxtea" if letter in held)

    def own_seen(self, client):
        """The owner gives the guest \\Seen of her own, or makes it everybody's again."""
        name = self.random.choice(sorted(self.boxes))
        box, wanted = self.boxes[name], self.random.random() < 0.7
        client.ok('SETMETADATA %s (/shared/vendor/dromos/private-seen %s)' % (name, '"true"' if wanted else "NIL"))
        box.guest_seen = None if not wanted else set() if box.guest_seen is None else box.guest_seen

    def guest(self, client):
        """The guest does something with one of the mailboxes, and gets exactly what her rights give."""
        name = self.random.choice(sorted(self.boxes))
        verb = self.random.choice(["list", "status", "append", "store", "store", "expunge", "copy", "look"])
        self.note("guest %s %s (%s)" % (verb, name, self.boxes[name].rights))
        getattr(self, "guest_" + verb)(name, self.boxes[name])

    def many_flags(self):
        return frozenset(self.random.sample(FLAGS, self.random.choice([0, 1, 3, 6])))

    @staticmethod
    def path(name):
        return '"Other Users/%s/%s"' % (BOB, name)

    @staticmethod
    def allowed(box, flags):
        kind = {"\\Seen": "s", "\\Deleted": "t"}
        return frozenset(flag for flag in flags if kind.get(flag, "w") in box.rights)

    def guest_says(self, command):
        self.note("guest: " + str(command)[:200])
        untagged, answer = self.guest_session.run(command)
        return untagged, answer.decode()

    def refused(self, answer, box, missing="NO [NONEXISTENT]"):
        assert answer.startswith("NO [NOPERM]" if "l" in box.rights else missing), (answer, box.rights)

    def guest_list(self, name, box):
        untagged, _ = self.guest_says('LIST "Other Users/%s/" *' % BOB)
        listed = {line.decode().rsplit("/", 1)[1].rstrip('"') for line in untagged}
        assert listed == {n for n, b in self.boxes.items() if "l" in b.rights}, listed
        untagged, answer = self.guest_says("MYRIGHTS " + self.path(name))
        if set("lrikxa") & set(box.rights):
            shown = untagged[0].decode().split()[-1]
            assert set(shown) - set("cd") == set(box.rights), (shown, box.rights)
        else:
            self.refused(answer, box)

    def guest_status(self, name, box):
        untagged, answer = self.guest_says("STATUS %s (MESSAGES UIDNEXT UNSEEN)" % self.path(name))
        if "r" not in box.rights:
            return self.refused(answer, box)
        unseen = sum("\\Seen" not in box.seen_by_guest(uid) for uid in box.messages)
        assert untagged[0].endswith(b"(MESSAGES %d UIDNEXT %d UNSEEN %d)" % (len(box.messages), box.uidnext, unseen)), (untagged, box.uidnext, unseen)

    def guest_look(self, name, box):
        if self.guest_selects(name, box) is None:
            return
        untagged, answer = self.guest_says("UID FETCH 1:* FLAGS")
        assert answer.startswith("OK"), answer
        told = {int(m[1]): frozenset(m[2].split()) for line in untagged if (m := re.search(r"UID (\d+) FLAGS \(([^)]*)\)", line.decode()))}
        assert told == {uid: box.seen_by_guest(uid) for uid in box.messages}, (told, box.guest_seen)
        untagged, _ = self.guest_says("UID SEARCH SEEN")
        found = [int(uid) for line in untagged if line.startswith(b"* SEARCH") for uid in line.split()[2:]]
        assert found == sorted(uid for uid in box.messages if "\\Seen" in box.seen_by_guest(uid)), found
        self.guest_says("UNSELECT")

    def guest_append(self, name, box):
        token, word, text = self.message()
        flags = self.many_flags()
        head = "APPEND %s (%s) {%d+}\r\n" % (self.path(name), " ".join(sorted(flags)), len(text))
        _, answer = self.guest_says(head.encode() + text)
        if "i" not in box.rights:
            return self.refused(answer, box, "NO [TRYCREATE]")
        uid = box.add_by_guest(Message(token, word, self.allowed(box, flags), len(text)))
        assert answer.startswith("OK [APPENDUID %d %d]" % (box.uidvalidity, uid)), (answer, uid)

    def guest_selects(self, name, box):
        """Whether it is open, to be changed or not."""
        _, answer = self.guest_says("SELECT " + self.path(name))
        if "r" not in box.rights:
            self.refused(answer, box)
            return None
        # What only she sees is no change of the mailbox (RFC 4314 section 5.2).
        changes = set("swite" if box.guest_seen is None else "wite") & set(box.rights)
        assert answer.startswith("OK [READ-WRITE]" if changes else "OK [READ-ONLY]"), (answer, box.rights)
        return bool(changes)

    def guest_store(self, name, box):
        writable = self.guest_selects(name, box)
        if writable is None:
            return
        if box.messages:
            uids = self.random.sample(sorted(box.messages), self.random.randint(1, min(4, len(box.messages))))
            sign, flags = self.random.choice(["+", "-", ""]), self.many_flags()
            _, answer = self.guest_says("UID STORE %s %sFLAGS (%s)" % (compact(uids), sign, " ".join(sorted(flags))))
            mine, may = self.allowed(box, flags), self.allowed(box, FLAGS)
            if not may if sign == "" else flags and not mine:
                assert answer.startswith("NO ["), (answer, box.rights)
            elif writable or (box.guest_seen is not None and "s" in box.rights):
                assert answer.startswith("OK"), (answer, box.rights)
                for uid in uids:
                    old = box.seen_by_guest(uid)
                    box.guest_sets(uid, old | mine if sign == "+" else old - mine if sign == "-" else (old - may) | mine)
        self.guest_says("UNSELECT")

    def guest_expunge(self, name, box):
        if self.guest_selects(name, box) is None:
            return
        _, answer = self.guest_says("EXPUNGE")
        assert answer.startswith("OK" if "e" in box.rights else "NO ["), (answer, box.rights)
        if "e" in box.rights:
            for uid in [uid for uid, message in box.messages.items() if "\\Deleted" in message.flags]:
                del box.messages[uid]
        self.guest_says("UNSELECT")

    def guest_copy(self, name, box):
        if self.guest_selects(name, box) is None:
            return
        into = self.random.choice(sorted(self.boxes))
        target = self.boxes[into]
        if box.messages:
            uids = sorted(self.random.sample(sorted(box.messages), self.random.randint(1, min(4, len(box.messages)))))
            _, answer = self.guest_says("UID COPY %s %s" % (compact(uids), self.path(into)))
            if "i" not in target.rights:
                self.refused(answer, target, "NO [TRYCREATE]")
            else:
                copies = [(box.messages[uid], box.seen_by_guest(uid)) for uid in uids]
                made = [target.add_by_guest(Message(m.token, m.word, self.allowed(target, flags), m.size)) for m, flags in copies]
                code = re.search(r"\[COPYUID (\d+) (\S+) (\S+)\]", answer)
                assert code and expand(code[3]) == made, (answer, made)
        self.guest_says("UNSELECT")

    # -- deliveries
    def lmtp(self, texts):
        session = Smtp(self.suite.mta.address("lmtp"))
        session.expect("LHLO model.example.test", 250)
        for text in texts:
            session.expect("MAIL FROM:<a@example.org>", 250)
            session.expect("RCPT TO:<%s>" % self.account, 250)
            session.expect("DATA", 354)
            session.send(text + b".\r\n")
            code, lines = session.reply()
            assert code == 250, lines
        session.close()

    def learn_delivered(self, made):
        """The deliveries' uids, in whatever order they came; the admin session looks."""
        box = self.boxes["INBOX"]
        self.admin.run("EXAMINE INBOX")
        got = self.admin.ok("UID FETCH %d:* (RFC822.SIZE BODY.PEEK[HEADER.FIELDS (Subject)])" % box.uidnext)[0]
        found = {}
        for line in got:
            match = re.match(rb"(?s)\* \d+ FETCH \(UID (\d+) RFC822.SIZE (\d+) .*Subject: (\S+)\r\n", line)
            if match and int(match[1]) >= box.uidnext:
                found[int(match[1])] = (match[3].decode(), int(match[2]))
        assert sorted(token for token, _ in found.values()) == sorted(made), (found, made)
        for uid in sorted(found):
            token, size = found[uid]
            assert box.add(Message(token, made[token], frozenset(), size)) == uid, (found, box.uidnext)
        self.admin.run("UNSELECT")
        self.admin.lines = []

    def deliver(self, client):
        token, word, text = self.message()
        self.note("deliver " + token)
        self.lmtp([text])
        self.learn_delivered({token: word})

    def burst(self, client):
        made, texts, errors = {}, [], []
        for _ in range(self.random.randint(3, 10)):
            token, word, text = self.message()
            made[token] = word
            texts.append(text)

        def work():
            try:
                self.lmtp(texts)
            except Exception as error:  # noqa: BLE001
                errors.append(error)

        # How often the loop turns depends on the clock; the seed's own numbers must not.
        kept, self.random = self.random, random.Random(self.seed * 1000003 + self.steps)
        thread = threading.Thread(target=work)
        thread.start()
        while thread.is_alive():
            one = self.random.choice(self.clients)
            if one.mailbox:
                self.random.choice([self.store, lambda c: c.ok("NOOP"), lambda c: c.learn()])(one)
        thread.join()
        self.random = kept
        assert not errors, errors
        self.learn_delivered(made)

    def check_all(self, client=None):
        for one in self.clients:
            if one.mailbox:
                self.settle(one)
        for name in sorted(self.boxes):
            self.admin.select(name, examine=True)
            self.compare(self.admin)
        self.admin.ok("UNSELECT")
        self.admin.mailbox, self.admin.lines = None, []
