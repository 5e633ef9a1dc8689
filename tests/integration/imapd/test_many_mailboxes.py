"""Commands that are about few mailboxes of an account with 3,000 read few: counted by PostgreSQL, which tells of rows read when the daemon
that read them has gone."""
import re

import pytest
from imapd_client import Raw, simple

BOB, ANN = "bob@example.test", "alice@example.test"
COUNT = 3000


@pytest.fixture
def connect_to(opened):
    def make(suite, login):
        client = Raw(suite.imapd.address("imaps"), suite.authority.client_context(), login)
        opened.callback(client.close)
        return client
    return make


def fill(suite, login):
    suite.sql("SELECT count(c.*) FROM generate_series(1, %d) n, LATERAL mail.mailbox_create_v1(directory.need_account('%s'), "
              "ARRAY['m', 'box' || n], NULL, false, 0) c" % (COUNT, login))
    suite.sql("ANALYZE mail.mailbox")  # as autovacuum does sooner or later: plans hang on it


def rows_read(suite, what, *arguments):
    """Of mail.mailbox, by an imapd that does nothing but `what`."""
    def told():
        return int(suite.sql("SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_all_tables WHERE relid = 'mail.mailbox'::regclass"))
    before = told()
    suite.start("imapd")
    what(*arguments)
    assert suite.imapd.stop() == 0
    for _ in range(3000):
        if suite.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").strip() == "0":
            break
    return told() - before


def test_searches_of_few_mailboxes(suite, accounts, connect_to):
    fill(suite, BOB)

    def search(sources, times):
        client = connect_to(suite, BOB)
        assert client.append("m/box7", simple("here")).startswith("OK")
        client.ok("SELECT m/box7")
        for _ in range(times):
            (line,) = client.ok("ESEARCH IN (%s) RETURN (COUNT) SUBJECT here" % sources)
            assert b'MAILBOX m/box7 ' in line
        client.ok("LOGOUT")

    for sources in ("selected", "mailboxes m/box7", "subtree m/box7", "mailboxes (m/box9 m/box7) subtree-one m/box70"):
        assert rows_read(suite, search, sources, 10) < COUNT, sources
    assert rows_read(suite, search, "personal", 10) > 10 * COUNT  # so the measure measures


def test_names_of_others(suite, accounts, connect_to):
    fill(suite, ANN)
    suite.start("imapd")
    owner = connect_to(suite, ANN)
    for name in ("m/box5", "m/box6"):
        owner.ok("SETACL %s %s lrswi" % (name, BOB))
    owner.ok("LOGOUT")
    suite.imapd.stop()
    theirs = '"Other Users/%s/%%s"' % ANN

    def use():
        guest = connect_to(suite, BOB)
        for _ in range(10):
            guest.ok("STATUS %s (MESSAGES)" % (theirs % "m/box5"))
            assert guest.answer("STATUS %s (MESSAGES)" % (theirs % "m/box7")).startswith("NO [NONEXISTENT]")
            assert guest.answer("STATUS %s (MESSAGES)" % (theirs % "m/none/below")).startswith("NO [NONEXISTENT]")
            names = [line.split(b" ", 4)[4] for line in guest.ok('LIST "" (%s)' % (theirs % "m/*"))]
            assert names == [(theirs % ("m/box%d" % n)).encode() for n in (5, 6)]
        assert guest.append(theirs % "m/box6", simple("here")).startswith("OK")
        (line,) = guest.ok("ESEARCH IN (subtree %s) RETURN (COUNT) ALL" % ('"Other Users/%s"' % ANN))
        assert b"m/box6" in line
        guest.ok("LOGOUT")

    assert rows_read(suite, use) < 3 * COUNT  # 34 commands


def test_news_of_messages(suite, accounts, connect_to):
    fill(suite, BOB)

    def listen():
        client, other = connect_to(suite, BOB), connect_to(suite, BOB)
        client.ok("NOTIFY SET (personal (MessageNew MessageExpunge FlagChange MailboxName))")  # reads them all, once

        def news():
            lines = []
            while not lines:
                lines = client.ok("NOOP")
            return [re.sub(rb"(UIDNEXT|HIGHESTMODSEQ|UIDVALIDITY) \d+ ?", b"", line) for line in lines]

        for n in range(1, 21):
            assert other.append("m/box%d" % (n // 2 + 1), simple("here")).startswith("OK")
            there = n % 2 + 1 if n > 1 else 1
            assert news() == [b"* STATUS m/box%d (MESSAGES %d UNSEEN %d)" % (n // 2 + 1, there, there)]
        other.ok("SELECT m/box4")
        other.ok("STORE 1 +FLAGS (\\Seen)")
        assert news() == [b"* STATUS m/box4 (UNSEEN 1)"]
        # Names are told as ever, and messages after them.
        other.ok("RENAME m/box9 m/moved")
        assert news() == [b'* LIST (\\HasNoChildren) "/" m/moved ("OLDNAME" (m/box9))']
        other.append("m/moved", simple("here"))
        assert news() == [b"* STATUS m/moved (MESSAGES 3 UNSEEN 3)"]
        other.ok("CREATE m/new")
        assert b'* LIST (\\HasNoChildren) "/" m/new' in news()
        other.append("m/new", simple("here"))
        assert news() == [b"* STATUS m/new (MESSAGES 1 UNSEEN 1)"]
        other.ok("DELETE m/new")
        assert b'* LIST (\\NonExistent) "/" m/new' in news()
        other.ok("LOGOUT")
        client.ok("LOGOUT")

    # All of them at first and for each change of names; not for the two dozen of messages.
    assert rows_read(suite, listen) < 10 * COUNT
