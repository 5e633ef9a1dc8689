"""What a process stores by APPEND comes into its mailboxes in memory, and is kept for the FETCH that follows: nothing of it is read, and it is
told as by a process that has to read it all."""
import random
import re
import threading

import pytest

from dromostest import metrics
from imapd_client import MESSAGE, simple

ITEMS = "UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER] BODY.PEEK[1] BODY.PEEK[]"


def told(client, items=ITEMS):
    """{uid: response}, flags in order."""
    found = {}
    for line in client.ok("UID FETCH 1:* (%s)" % items):
        if b"ENVELOPE" in line:
            flags = re.search(rb"FLAGS \(([^)]*)\)", line)
            line = line.replace(flags[0], b"FLAGS (%s)" % b" ".join(sorted(flags[1].split())))
            found[int(re.search(rb"UID (\d+)", line)[1])] = line
    return found


@pytest.fixture
def unreadable(server):
    """Call it: from then on imapd may read how mailboxes stand, but no mail."""
    def make():
        server.sql("REVOKE SELECT ON ALL TABLES IN SCHEMA mail FROM dromos_imapd")
        server.sql("GRANT SELECT ON mail.mailbox, mail.account_state TO dromos_imapd")
    return make


def test_nothing_is_read_of_what_was_appended(server, connect, unreadable):
    one, two = connect(select="INBOX"), connect(select="INBOX")
    three = connect(select="Drafts")
    unreadable()
    assert "APPENDUID" in one.append("INBOX", MESSAGE, r'(\Seen $B b a $b) "01-Jan-2020 10:00:00 +0100"')
    assert three.append_many("INBOX", [simple("two"), simple("three")]).startswith("OK")
    assert three.append("INBOX", simple("four"), r"(\Deleted)").startswith("OK")
    assert b"* 4 EXISTS" in one.ok("NOOP") and b"* 4 EXISTS" in two.ok("NOOP")
    two.ok("UID STORE 2 +FLAGS (again)")
    two.ok("EXPUNGE")
    memory = told(two)
    assert sorted(memory) == [1, 2, 3]
    assert b"FLAGS ($b \\Seen a b)" in memory[1] and b'INTERNALDATE " 1-Jan-2020 09:00:00 +0000"' in memory[1]
    assert b"FLAGS (again)" in memory[2] and b'"three"' in memory[3]
    one.ok("NOOP")
    assert told(one) == memory
    # Who has to read may not, and says so: the test would see it.
    assert three.answer("SELECT Sent").startswith("NO")


def test_what_was_read_once_is_not_read_again(server, connect, unreadable):
    writing = connect(select="INBOX")
    for message in (MESSAGE, simple("two")):
        assert writing.append("INBOX", message).startswith("OK")
    server.imapd.stop()
    server.start("imapd")
    one, two = connect(select="INBOX"), connect(select="INBOX")
    one.ok("FETCH 1:2 (ENVELOPE)")
    memory = told(one)
    unreadable()
    assert len(memory) == 2 and told(two) == memory
    two.ok("UID STORE 1 +FLAGS (\\Deleted)")
    two.ok("EXPUNGE")
    one.ok("NOOP")
    assert list(told(one)) == [2]


def test_they_are_told_as_they_are_read(server, connect):
    watching = connect(select="INBOX")
    failures = []

    def work(number):
        try:
            client, dice = connect(select="INBOX"), random.Random(number)
            for n in range(15):
                flags = " ".join(dice.sample(["\\Seen", "\\Flagged", "\\Deleted", "one", "two", "three"], dice.randrange(4)))
                if dice.random() < 0.2:
                    answer = client.append_many("INBOX", [simple("%d.%d.%d" % (number, n, m)) for m in range(3)])
                else:
                    answer = client.append("INBOX", simple("%d.%d" % (number, n), "x\r\n" * dice.randrange(3000)), "(%s)" % flags)
                assert answer.startswith("OK"), answer
                if dice.random() < 0.3:
                    client.ok("UID STORE %d +FLAGS (%s)" % (dice.randrange(1, 40), dice.choice(["\\Answered", "four"])))
                if dice.random() < 0.1:
                    client.ok("EXPUNGE")
        except Exception as e:
            failures.append(e)

    crowd = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert not failures, failures
    watching.ok("NOOP")
    memory = told(watching, ITEMS + " EMAILID THREADID")
    assert len(memory) > 60
    server.imapd.stop()
    server.start("imapd")
    assert told(connect(select="INBOX"), ITEMS + " EMAILID THREADID") == memory


def test_a_fetch_of_many_messages_pushes_out_nothing(server, connect):
    """Many are more than 64, though they are read some at a time."""
    client = connect(select="INBOX")
    for _ in range(2):
        assert client.append_many("INBOX", [simple("n%d" % n) for n in range(60)]).startswith("OK")
    server.imapd.stop()
    server.start("imapd")
    client = connect(select="INBOX")

    def kept():
        return metrics.read(server.imapd, "dromos_imapd_recent_messages_bytes")
    for items in ("ENVELOPE", "BODY.PEEK[]", "BODY.PEEK[HEADER.FIELDS (SUBJECT)]"):
        client.ok("FETCH 1:120 (%s)" % items)
        assert kept() == 0
    client.ok("FETCH 1:3 (ENVELOPE)")
    assert kept() > 0
