"""The database's answer to a write is lost: the client hears what is true, or NO [UNAVAILABLE] with the mailbox's state.

The fault point loses the answer of a write that was committed; ending the backend while it waits for a lock loses a write
that was not."""
import re
import subprocess
import threading

import pytest

from imapd_client import Raw, simple

BOB = "bob@example.test"


@pytest.fixture
def start(suite, accounts):
    """start(n): imapd loses the answer of its n-th write; two sessions in INBOX with three messages."""
    opened = []

    def make(n):
        suite.start("imapd", env={"DROMOS_FAULT": "store.write.reply_lost:%d:fail" % n})
        context = suite.authority.client_context()
        for _ in range(2):
            opened.append(Raw(suite.imapd.address("imaps"), context, BOB))
        for k in range(3):
            assert opened[0].append("INBOX", simple("m%d" % k)).startswith("OK")
        for client in opened:
            client.ok("SELECT INBOX")
        return opened

    yield make
    for client in opened:
        client.close()


def test_store_done_but_not_told(start):
    one, two = start(1)
    got = one.ok("STORE 1:2 +FLAGS (\\Seen k)")
    assert {b"* 1 FETCH (UID 1 FLAGS (\\Seen k))", b"* 2 FETCH (UID 2 FLAGS (\\Seen k))"} <= set(got), got
    assert b"* 1 FETCH (UID 1 FLAGS (\\Seen k))" in two.ok("NOOP")


def test_silent_store_done_but_not_told(start):
    one, two = start(1)
    one.ok("STORE 1:2 FLAGS.SILENT (\\Seen)")
    assert one.ok("FETCH 1:3 FLAGS")[0].endswith(b"FLAGS (\\Seen))")
    assert b"* 2 FETCH (UID 2 FLAGS (\\Seen))" in two.ok("NOOP")


def test_conditional_store_done_but_not_told_is_unavailable_with_the_state(start):
    one, two = start(1)
    modseq = re.search(rb"HIGHESTMODSEQ (\d+)", b"\n".join(one.ok("STATUS INBOX (HIGHESTMODSEQ)")))[1].decode()
    untagged, answer = one.run("STORE 1:2 (UNCHANGEDSINCE %s) +FLAGS (\\Seen)" % modseq)
    assert answer.startswith(b"NO [UNAVAILABLE]"), answer
    for n in (1, 2):  # the client is told what became of them, with the modseqs to go on from
        assert any(re.match(rb"\* %d FETCH \(UID %d FLAGS \(\\Seen\) MODSEQ \(\d+\)\)" % (n, n), line) for line in untagged), untagged
    assert b"* 1 FETCH (UID 1 FLAGS (\\Seen))" in two.ok("NOOP")


def test_expunge_done_but_not_told(start):
    one, two = start(2)
    one.ok("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
    assert one.ok("EXPUNGE") == [b"* 3 EXPUNGE", b"* 1 EXPUNGE"]
    assert [line for line in two.ok("NOOP") if b"EXPUNGE" in line] == [b"* 3 EXPUNGE", b"* 1 EXPUNGE"]
    assert one.ok("FETCH 1:* UID") == [b"* 1 FETCH (UID 2)"]


@pytest.mark.parametrize("verb", ["COPY", "MOVE"])
def test_copy_and_move_done_but_not_told_happen_once(start, verb):
    one, two = start(1)
    untagged, answer = one.run("%s 1:2 Archive" % verb)
    code = re.search(rb"\[COPYUID \d+ 1:2 1:2\]", b"\n".join(untagged) + answer)
    assert answer.startswith(b"OK") and code, (untagged, answer)
    assert one.ok("STATUS Archive (MESSAGES UIDNEXT)") == [b"* STATUS Archive (MESSAGES 2 UIDNEXT 3)"]
    two.ok("NOOP")
    assert len(two.ok("FETCH 1:* UID")) == (3 if verb == "COPY" else 1)


def test_changes_of_the_tree_done_but_not_told(start):
    one, two = start(1)
    assert one.answer("CREATE Plans/2026").startswith("OK [MAILBOXID (")
    one.ok("STATUS Plans/2026 (UIDVALIDITY)")
    assert one.answer("CREATE Plans/2026").startswith("NO [ALREADYEXISTS]")


@pytest.mark.parametrize("command", ["RENAME Plans Done", "DELETE Plans/2026", "SUBSCRIBE Plans"])
def test_renaming_and_deleting_done_but_not_told(start, command):
    one, two = start(2)
    one.ok("CREATE Plans/2026")
    one.ok(command)
    names = b"\n".join(two.ok('LIST "" *'))
    assert (b"Done/2026" in names) == command.startswith("RENAME")
    assert (b"Plans/2026" in names) == command.startswith("SUBSCRIBE")


class Holder:
    """A transaction of a stranger that holds the account's lock."""

    def __init__(self, suite):
        self.process = subprocess.Popen(
            ["psql", "-qAtX", "%s dbname=%s user=postgres" % (suite.cluster.conninfo, suite.database)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.say("BEGIN; SELECT 1 FROM mail.account_state FOR UPDATE; SELECT 'held';")
        while self.process.stdout.readline() != "held\n":
            pass

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def release(self):
        self.say("ROLLBACK;")
        self.process.stdin.close()
        self.process.wait()


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'dromos_imapd' AND wait_event_type = 'Lock' AND datname = current_database()"
END = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'dromos_imapd' AND datname = current_database()"


@pytest.mark.parametrize("command, wanted", [
    ("STORE 1:2 +FLAGS (\\Seen)", rb"OK"),
    ("STORE 1:2 (UNCHANGEDSINCE 1000000) +FLAGS (\\Seen)", rb"OK"),
    ("EXPUNGE", rb"OK"),
    ("COPY 1:2 Archive", rb"OK \[COPYUID"),
    ("MOVE 1:2 Archive", rb"OK"),
    ("APPEND INBOX {2+}\r\nx\n", rb"OK \[APPENDUID \d+ 4\]"),
])
def test_a_backend_ended_before_it_did_anything(suite, start, command, wanted):
    one, _ = start(10**6)
    one.ok("STORE 3 +FLAGS.SILENT (\\Deleted)")
    holder = Holder(suite)
    answers = []
    worker = threading.Thread(target=lambda: answers.append(one.run(command)))
    worker.start()
    while int(suite.sql(WAITING)) == 0:
        assert worker.is_alive(), answers
    assert int(suite.sql(END)) > 0
    holder.release()
    worker.join()
    assert re.match(wanted, answers[0][1]), answers
    uids = [line for line in one.ok("UID FETCH 1:* FLAGS")]
    expected = {"EXPUNGE": 2, "MOVE 1:2 Archive": 1, "APPEND INBOX {2+}\r\nx\n": 4}.get(command, 3)
    assert len(uids) == expected
    if command.startswith("STORE"):
        assert all(b"\\Seen" in line for line in uids[:2])
