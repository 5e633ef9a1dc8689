"""What the ledger says against what IMAP shows.

For a message and a recipient: `yes` answers of 250, `lost` attempts whose dot was sent and whose answer never came. There must
be at least `yes` and at most `yes + lost` copies: an acknowledged message is there exactly once unless its sender had to
repeat it, and what was only refused is not there. Then hashes, the load's own messages, flags, UIDs, `dromosctl check`,
deadlocks.
"""
import collections
import pathlib
import re
import subprocess

from dromostest import clients, pg

from . import mail
from .ledger import LOST, read
from .load import BUSY_FOLDERS, COPIES

SLICE = 100
SHOWN = 5
OWN = BUSY_FOLDERS + (COPIES,)


class Report:
    """Named checks; each problem belongs to one."""

    def __init__(self):
        self.checks = {}

    def check(self, name, problems, kind=None):
        self.checks[name] = (list(problems), kind)

    def failed(self):
        return {name: problems for name, (problems, _) in self.checks.items() if problems}

    def kinds(self):
        return {kind for problems, kind in self.checks.values() if problems and kind}

    def lines(self):
        for name, (problems, _) in self.checks.items():
            if not problems:
                yield "ok    " + name
                continue
            yield "FAIL  %s: %d" % (name, len(problems))
            yield from ("        " + str(problem) for problem in problems[:SHOWN])
            if len(problems) > SHOWN:
                yield "        and %d more" % (len(problems) - SHOWN)


class Stored:
    """One message as a mailbox shows it."""
    __slots__ = ("mailbox", "uidvalidity", "uid", "id", "flags", "data")

    def __init__(self, mailbox, uidvalidity, uid, id_, flags, data):
        self.mailbox, self.uidvalidity, self.uid, self.id, self.flags, self.data = mailbox, uidvalidity, uid, id_, flags, data


def mailboxes_of(client):
    for line in client.ok("list"):
        if line and b"\\Noselect" not in line and b"\\NonExistent" not in line:
            yield re.search(rb'(?:"/"|NIL) (.*)$', line)[1].decode().strip('"')


def messages_of(client, mailbox):
    """All messages, a slice at a time; content is dropped by the caller."""
    count = int(client.ok("select", '"%s"' % mailbox, True)[0])
    validity = int(client.response("UIDVALIDITY")[1][0])
    for first in range(1, count + 1, SLICE):
        data = client.ok("fetch", "%d:%d" % (first, min(count, first + SLICE - 1)), "(UID FLAGS BODY.PEEK[])")
        for index, part in enumerate(data):
            if not isinstance(part, tuple):
                continue
            after = data[index + 1] if index + 1 < len(data) and isinstance(data[index + 1], bytes) else b""
            about = part[0] + after
            id_ = re.search(rb"^%s: (\S+)\r$" % mail.HEADER.encode(), part[1], re.MULTILINE)
            yield Stored(mailbox, validity, int(re.search(rb"UID (\d+)", about)[1]), id_[1].decode() if id_ else None,
                         set(re.search(rb"FLAGS \(([^)]*)\)", about)[1].decode().split()), part[1])


class Verifier:
    def __init__(self, ledger_path, connect=None):
        """`connect(address, password)` gives an IMAP client that is logged in."""
        self.connect = connect or (lambda address, password: clients.Imap(tuple(self.stage["imap"]), address, password))
        self.report = Report()
        self.stage = None
        self.notes = []
        self.sends = collections.defaultdict(lambda: [0, 0, []])  # (id, recipient) -> yes, lost, codes
        self.content = {}                                          # id -> (sha256, size)
        self.own = collections.defaultdict(list)                   # kind -> lines
        self.seen = {}                                             # (account, mailbox, uidvalidity, uid) -> id
        self.reused = []
        self.found = collections.defaultdict(list)                 # (account, id) -> [Stored without data]
        self.changed, self.foreign, self.disorder = [], [], []
        self._read(ledger_path)

    def _read(self, path):
        for line in read(path):
            kind = line["kind"]
            if kind == "stage":
                self.stage = line
            elif kind == "send":
                self.content[line["id"]] = (line["sha256"], line["size"])
                for recipient, (code, _) in line["replies"].items():
                    entry = self.sends[line["id"], recipient]
                    entry[0] += 200 <= code < 300
                    entry[1] += code == LOST
                    entry[2].append(code)
            elif kind == "seen":
                self._note_uid(line["account"], line["mailbox"], line["uidvalidity"], line["uid"], line["id"])
            else:
                self.own[kind].append(line)
                if kind == "append":
                    self.content[line["id"]] = (line["sha256"], line["size"])

    def _note_uid(self, *key_and_id):
        key, id_ = key_and_id[:4], key_and_id[4]
        earlier = self.seen.setdefault(key, id_)
        if earlier != id_:
            self.reused.append("%s %s uidvalidity %d uid %d was %s, is %s" % (key + (earlier, id_)))

    # -- by IMAP ------------------------------------------------------------------------------------------------
    def look(self):
        for address, password in self.stage["accounts"].items():
            client = self.connect(address, password)
            for mailbox in mailboxes_of(client):
                self._look_into(client, address, mailbox)
            client.logout()

    def _look_into(self, client, address, mailbox):
        last = 0
        for stored in messages_of(client, mailbox):
            if stored.uid <= last:
                self.disorder.append("%s %s: uid %d after %d" % (address, mailbox, stored.uid, last))
            last = stored.uid
            if stored.id is None or stored.id not in self.content:
                self.foreign.append("%s %s uid %d: id %s is not of this load" % (address, mailbox, stored.uid, stored.id))
                continue
            self._note_uid(address, mailbox, stored.uidvalidity, stored.uid, stored.id)
            if not mail.same(stored.data, *self.content[stored.id]):
                self.changed.append("%s %s uid %d: %s, %d bytes stored for %d" %
                                    (address, mailbox, stored.uid, stored.id, len(stored.data), self.content[stored.id][1]))
            stored.data = None
            self.found[address, stored.id].append(stored)

    # -- the ledger's promises --------------------------------------------------------------------------------------
    def _deliveries(self):
        missing, twice, refused = [], [], []
        repeats = 0
        for (id_, recipient), (yes, lost, codes) in self.sends.items():
            copies = [one for one in self.found.get((recipient, id_), []) if one.mailbox not in OWN]
            where = "%s for %s, answers %s: %d copies (%s)" % (id_, recipient, codes, len(copies),
                                                               ", ".join("%s/%d" % (one.mailbox, one.uid) for one in copies))
            if len(copies) < yes:
                missing.append(where)
            elif len(copies) > yes + lost:
                (twice if yes + lost else refused).append(where)
            elif yes + lost:
                repeats += max(0, len(copies) - 1)
        self.report.check("every message with 250 is in the mailbox of each recipient", missing, "missing")
        self.report.check("no message is there more often than it was sent", twice, "duplicate")
        self.report.check("nothing that was only refused is there", refused, "refused")
        return repeats

    def _strangers(self):
        strangers = list(self.foreign)
        appended = {(line["account"], line["id"]) for line in self.own["append"]}
        for key in self.found:
            if tuple(reversed(key)) not in self.sends and key not in appended:
                strangers.append("%s has %s, which was never sent there" % key)
        self.report.check("no mailbox holds a message that was not meant for it", strangers, "stranger")

    def _own_messages(self):
        wrong, copied = [], collections.defaultdict(lambda: [0, 0])
        for line in self.own["append"]:
            there = sum(one.mailbox in BUSY_FOLDERS for one in self.found.get((line["account"], line["id"]), []))
            least, most = {"OK": (1, 1), "lost": (0, 1)}.get(line["reply"], (0, 0))
            if not least <= there <= most:
                wrong.append("%s of %s: APPEND %s, then in %d of the folders it was moved between" %
                             (line["id"], line["account"], line["reply"], there))
        self.report.check("APPEND and MOVE: what was stored is in exactly one folder", wrong, "moved")
        for line in self.own["copy"]:
            entry = copied[line["account"], line["id"]]
            entry[0] += line["reply"] == "OK"
            entry[1] += line["reply"] == "lost"
        wrong = []
        for key in set(copied) | {key for key in self.found if any(one.mailbox == COPIES for one in self.found[key])}:
            there = sum(one.mailbox == COPIES for one in self.found.get(key, []))
            yes, lost = copied[key]
            if not yes <= there <= yes + lost:
                wrong.append("%s of %s: %d COPY answered OK, %d lost, %d copies" % (key[1], key[0], yes, lost, there))
        self.report.check("COPY: as many copies as were answered with OK", wrong, "copied")

    def _flags(self):
        missing = []
        for kind in ("flag", "keyword"):
            for line in self.own[kind]:
                if line["reply"] != "OK":
                    continue
                copies = self.found.get((line["account"], line["id"]), [])
                copies = [one for one in copies if (one.mailbox in BUSY_FOLDERS) == (kind == "flag") and one.mailbox != COPIES] or copies
                wanted = line["flag"].lower()
                # A message sent twice (a lost reply) has two copies; the change was made to one of them.
                if copies and not any(wanted in map(str.lower, one.flags) for one in copies):
                    missing.append("%s of %s: %s was set, flags are %s" % (line["id"], line["account"], line["flag"], copies[0].flags))
        self.report.check("flags and keywords that were answered with OK are set", missing, "flags")

    def _database(self):
        cluster = pg.Cluster(pathlib.Path(self.stage["cluster"]))
        counted = cluster.psql("SELECT deadlocks FROM pg_stat_database WHERE datname = '%s'" % self.stage["database"])
        # Counters end with a crash of the server; its log does not.
        logged = cluster.log.read_text(errors="replace").count("deadlock detected")
        problems = [] if counted in ("0", "") and not logged else ["%s counted, %d in the log" % (counted, logged)]
        self.report.check("no deadlock in PostgreSQL", problems)
        self._check(pathlib.Path(self.stage["binaries"]) / "dromosctl")

    def _check(self, ctl):
        done = subprocess.run([str(ctl), "--config", self.stage["config"], "check"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode and done.stdout.startswith("usage:"):
            self.notes.append("this dromosctl has no verb `check`: the store was not checked by it")
            return
        self.report.check("dromosctl check finds nothing", [] if done.returncode == 0 else [done.stdout[-2000:]])

    def run(self):
        """Repeats that lost replies explain; everything else is in `report`."""
        repeats = self.mailboxes()
        self._database()
        return repeats

    def mailboxes(self):
        self.look()
        repeats = self._deliveries()
        self._strangers()
        self.report.check("contents are what was sent", self.changed, "changed")
        self._own_messages()
        self._flags()
        self.report.check("UIDs rise", self.disorder, "order")
        self.report.check("no UID was used twice", self.reused, "uid")
        return repeats

    def messages(self):
        return len({id_ for (id_, _), (yes, _, _) in self.sends.items() if yes})

    def kills(self):
        return sum(line["kills"] for line in self.own["fault"])
