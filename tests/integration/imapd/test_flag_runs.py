"""STORE to thousands of messages is one row at first, which comes into their entries behind it: told to all at once, outliving kills."""
import re
import time

import pytest

from dromostest.clients import Jmap
from imapd_client import PASSWORD, simple

MANY = 4200


@pytest.fixture
def many(server, connect):
    client = connect(select="INBOX")
    for first in range(0, MANY, 700):
        assert client.append_many("INBOX", [simple("letter %d" % (first + n)) for n in range(700)]).startswith("OK")
    client.ok("NOOP")
    return client


def counted(client, key):
    return int(re.search(rb"COUNT (\d+)", client.ok("UID SEARCH RETURN (COUNT) " + key)[0])[1])


def runs(server):
    return int(server.sql("SELECT count(*) FROM mail.flag_run"))


def in_entries(server, bit):
    return int(server.sql("SELECT count(*) FROM mail.entry WHERE flags & %d <> 0" % bit))


def folded(server):
    end = time.monotonic() + 60
    while runs(server) > 0:
        assert time.monotonic() < end
        time.sleep(0.2)


def test_all_see_it_at_once_and_it_comes_into_the_entries(server, connect, many):
    other = connect(select="INBOX")
    lines = many.ok("STORE 1:* +FLAGS (\\Flagged)")
    assert sum(b"FETCH" in line for line in lines) == MANY
    other.ok("NOOP")
    assert counted(other, "FLAGGED") == MANY
    server.imapd.kill()  # before its job has begun
    assert runs(server) == 1 and in_entries(server, 4) == 0
    server.sql("UPDATE admin.job SET lease_until = now() WHERE name = 'imapd.fold_flags'")  # of the one that is dead
    server.start("imapd")
    again = connect(select="INBOX")
    assert counted(again, "FLAGGED") == MANY
    # A change to one of them finds the others as they are; the next to all wakes the job.
    again.ok("UID STORE 7 -FLAGS (\\Flagged)")
    assert counted(again, "FLAGGED") == MANY - 1 and in_entries(server, 4) == MANY - 1
    again.ok("UID STORE 1:* +FLAGS.SILENT (\\Seen \\Answered)")
    folded(server)
    assert in_entries(server, 1) == in_entries(server, 2) == MANY and in_entries(server, 4) == MANY - 1
    assert b"UNSEEN 0" in b"".join(again.ok("STATUS INBOX (UNSEEN)"))
    assert server.sql("SELECT count(*) FROM mail.account_state a, mail.check_account_v1(a.account_id)").strip() == "0"


def test_what_takes_from_the_flags_finds_them(suite, server, connect, many):
    many.ok("STORE 1:* +FLAGS.SILENT (\\Answered)")
    many.ok("STORE 1:* +FLAGS.SILENT (\\Seen)")
    assert runs(server) == 1
    many.ok("UID COPY 1:2 Archive")
    assert runs(server) == 0 and in_entries(server, 3) == MANY + 2
    many.ok("STORE 1:* -FLAGS.SILENT (\\Seen)")
    assert runs(server) == 1 and b"UNSEEN 4200" in b"".join(many.ok("STATUS INBOX (UNSEEN)"))
    suite.start("jmapd")
    client = Jmap("http://%s:%d" % suite.jmapd.address("http"), "bob@example.test", PASSWORD)
    boxes = {box["role"]: box for box in client.call("Mailbox/get", ids=None)["list"]}
    assert boxes["inbox"]["unreadEmails"] == MANY
    query = client.call("Email/query", filter={"inMailbox": boxes["inbox"]["id"], "notKeyword": "$seen"}, calculateTotal=True, limit=1)
    assert query["total"] == MANY
    many.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    many.ok("UID EXPUNGE 1:100")
    assert runs(server) == 0 and in_entries(server, 8) == MANY - 100
