"""What people move into and out of Junk is learned by spamd, also when it was away."""
import itertools
import time

import pytest

from dromostest.clients import Jmap
from imapd_client import PASSWORD, simple

BOB = "bob@example.test"


def lessons(suite):
    return suite.sql("SELECT count(*) FROM mail.lesson").strip()


def events(suite, at_least):
    """(label, forget) of what spamd has learned, oldest first."""
    end = time.monotonic() + 60
    while True:
        rows = suite.sql("SELECT label, forget FROM spam.event ORDER BY version").split()
        if len(rows) >= at_least and lessons(suite) == "0":
            return rows
        assert time.monotonic() < end, (rows, lessons(suite))
        time.sleep(0.1)


@pytest.fixture
def bob(connect):
    client = connect(BOB)
    for i in range(3):
        client.append("INBOX", simple("letter %d" % i, "Buy cheap pills now, unique%d\r\n" % i))
    client.ok("SELECT INBOX")
    return client


def test_moves_teach_and_take_back(suite, bob):
    suite.start("spamd")
    bob.ok("MOVE 1 Junk")
    assert events(suite, 1) == ["2|f"]
    bob.ok("SELECT Junk")
    bob.ok("MOVE 1 INBOX")
    assert events(suite, 3) == ["2|f", "2|t", "1|f"]
    assert suite.sql("SELECT ham, spam FROM spam.model").strip() == "1|0"


def replace(client, uid, mailbox):
    letter = simple("again", "Buy cheap pills now, uniquely\r\n")
    tag = client.tag()
    client.send(b"%s UID REPLACE %d %s {%d+}\r\n%s\r\n" % (tag.encode(), uid, mailbox.encode(), len(letter), letter))
    assert client.until(tag)[1].startswith(b"OK")


def test_replacing_into_and_out_of_junk_teaches(suite, bob):
    replace(bob, 1, "INBOX")
    assert lessons(suite) == "0"
    suite.start("spamd")
    replace(bob, 2, "Junk")
    assert events(suite, 1) == ["2|f"]
    bob.ok("SELECT Junk")
    replace(bob, 1, "Junk")  # where it was: nothing new
    assert lessons(suite) == "0"
    replace(bob, 2, "INBOX")
    assert events(suite, 2) == ["2|f", "1|f"]


def test_what_jmap_moves_is_taught_at_once(suite, accounts, bob):
    suite.start("spamd", "jmapd")
    client = Jmap("http://%s:%d" % suite.jmapd.address("http"), BOB, PASSWORD)
    boxes = {box["role"]: box["id"] for box in client.call("Mailbox/get", ids=None)["list"]}
    letter = client.call("Email/query", filter={"inMailbox": boxes["inbox"]})["ids"][0]
    # Not due again for days: only who is told looks. imapd may not hear jmapd yet: then a later move tells it.
    end = time.monotonic() + 60
    for n in itertools.count():
        suite.sql("UPDATE admin.job SET due_at = now() + interval '2 days' WHERE name = 'imapd.teach'")
        if n > 0 and lessons(suite) == "0":
            break
        assert time.monotonic() < end
        into = "inbox" if n % 2 else "junk"
        assert letter in client.call("Email/set", update={letter: {"mailboxIds": {boxes[into]: True}}})["updated"]
        time.sleep(0.3)
    assert suite.sql("SELECT count(*) > 0 FROM spam.event") == "t"


def test_throwing_spam_away_and_copying_teach_nothing(suite, bob):
    suite.sql("UPDATE mail.mailbox SET special_use = NULL WHERE special_use = 'junk'")  # an ordinary mailbox first
    bob.ok("MOVE 1 Junk")
    suite.sql("UPDATE mail.mailbox SET special_use = 'junk' WHERE name = 'Junk'")
    bob.ok("COPY 1 Junk")
    bob.ok("SELECT Junk")
    bob.ok("MOVE 1:2 Trash")
    assert lessons(suite) == "0"


def test_lessons_wait_for_spamd(suite, bob):
    bob.ok("MOVE 1:2 Junk")
    bob.ok("SELECT Junk")
    bob.ok("MOVE 1 Archive")  # the last word counts
    assert suite.sql("SELECT spam FROM mail.lesson ORDER BY spam").split() == ["f", "t"]
    suite.start("spamd")
    suite.sql("SELECT 1")
    bob.ok("MOVE 1 INBOX")  # wakes the job
    events(suite, 2)  # those of before may have been learned before the last MOVE: what counts is how it ends
    assert suite.sql("SELECT ham, spam FROM spam.model").strip() == "2|0"


def test_a_message_that_is_gone_is_not_waited_for(suite, bob):
    bob.ok("MOVE 1 Junk")
    bob.ok("SELECT Junk")
    bob.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    bob.ok("EXPUNGE")
    bob.ok("SELECT INBOX")
    suite.start("spamd")
    bob.ok("MOVE 1 Junk")
    assert events(suite, 1) == ["2|f"]
