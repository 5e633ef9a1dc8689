"""Sharing where accounts differ: bytes in a blob folder, guests of other domains, owners who are disabled, moves from both
sides at once."""
import re
import threading

import pytest

from dromostest.one_imapd import ALICE, BOB
from imapd_client import Raw, simple

THEIRS = '"Other Users/%s/%s"'
BIG = simple("big", "a line of text\r\n" * 30000)


@pytest.fixture
def alice(connect):
    return connect(ALICE)


@pytest.fixture
def bob(connect):
    return connect(BOB)


def texts(client):
    """Whole messages of the selected mailbox, by number."""
    fetched = client.ok("FETCH 1:* BODY.PEEK[]")
    return [line.split(b"\r\n", 1)[1][:-1] for line in fetched if b"BODY[]" in line]


def clean(suite):
    return suite.sql("SELECT problem, detail FROM mail.account_state a, mail.check_account_v3(a.account_id)") == ""


class TestFolder:
    """Bytes in files: the other account gets files of its own before anything is locked."""

    @pytest.fixture
    def folder(self, tmp_path):
        made = tmp_path / "blobs"
        made.mkdir()
        made.chmod(0o770)
        return made

    @pytest.fixture
    def server(self, suite, accounts, folder):
        suite.reconfigure({"store": {"blobs": {"kind": "folder", "path": str(folder)}}})
        return suite

    def start(self, server, opened, fault=None):
        server.start("imapd", env={"DROMOS_FAULT": fault} if fault else None)
        context = server.authority.client_context()
        clients = [Raw(server.imapd.address("imaps"), context, login) for login in (ALICE, BOB)]
        for client in clients:
            opened.callback(client.close)
        return clients

    def files(self, folder):
        return [path for path in folder.glob("*/*") if path.is_file()]

    def fill(self, alice):
        alice.ok("CREATE Work")
        for message in (simple("small"), BIG, simple("small")):  # two with the same bytes: one file
            assert alice.append("Work", message).startswith("OK")
        alice.ok("SETACL Work %s lrte" % BOB)
        return THEIRS % (ALICE, "Work")

    def test_copy_and_move_give_the_other_account_its_own_bytes(self, server, folder, opened):
        alice, bob = self.start(server, opened)
        work = self.fill(alice)
        assert len(self.files(folder)) == 2
        bob.ok("SELECT " + work)
        assert "COPYUID" in bob.answer("COPY 1:3 Archive")
        assert len(self.files(folder)) == 4
        assert any(b"COPYUID" in line for line in bob.ok("MOVE 1:3 INBOX"))
        assert len(self.files(folder)) == 4, "what the account holds is not staged again"
        alice.ok("DELETE Work")
        for mailbox in ("Archive", "INBOX"):
            bob.ok("SELECT " + mailbox)
            assert texts(bob) == [simple("small"), BIG, simple("small")]
        assert server.sql("SELECT count(DISTINCT location) FROM mail.blob WHERE location IS NOT NULL") == "4"
        assert clean(server)

    @pytest.mark.parametrize("verb", ["COPY", "MOVE"])
    def test_a_lost_answer_does_it_once(self, server, folder, opened, verb):
        # APPEND and staging are not of the writes that the fault point counts.
        alice, bob = self.start(server, opened, "store.write.reply_lost:3:fail")
        work = self.fill(alice)  # CREATE, SETACL: writes 1 and 2
        bob.ok("SELECT " + work)
        untagged, answer = bob.run(verb + " 1:3 Archive")
        assert answer.startswith(b"OK") and b"COPYUID" in b"".join(untagged) + answer
        bob.ok("SELECT Archive")
        assert texts(bob) == [simple("small"), BIG, simple("small")]
        assert alice.ok("STATUS Work (MESSAGES)") == [b"* STATUS Work (MESSAGES %d)" % (3 if verb == "COPY" else 0)]
        assert clean(server)

    @pytest.mark.parametrize("verb", ["COPY", "MOVE"])
    def test_a_kill_behind_the_commit_loses_and_doubles_nothing(self, server, folder, opened, verb):
        alice, bob = self.start(server, opened, "imapd.copy.after_commit:1:kill")
        work = self.fill(alice)
        bob.ok("SELECT " + work)
        with pytest.raises((EOFError, ConnectionError)):
            bob.run(verb + " 1:3 Archive")
        server.imapd.kill()
        alice, bob = self.start(server, opened)
        bob.ok("SELECT Archive")
        assert texts(bob) == [simple("small"), BIG, simple("small")]
        assert alice.ok("STATUS Work (MESSAGES)") == [b"* STATUS Work (MESSAGES %d)" % (3 if verb == "COPY" else 0)]
        assert clean(server)

    def test_what_was_staged_for_a_transfer_that_failed_is_collected(self, server, folder, opened):
        alice, bob = self.start(server, opened)
        work = self.fill(alice)
        server.sql("UPDATE mail.account_state SET quota_messages = 1 WHERE account_id = directory.need_account('%s')" % BOB)
        bob.ok("SELECT " + work)
        assert bob.answer("COPY 1:3 Archive").startswith("NO [OVERQUOTA]")
        assert len(self.files(folder)) == 4
        assert server.sql("SELECT count(*) FROM mail.blob WHERE refs = 0 AND idle_since IS NOT NULL") == "2"
        assert clean(server)


def test_anyone_is_of_the_owners_domain(accounts, connect, alice):
    accounts.domain("other.test")
    accounts.account("carol@other.test")
    accounts.account("dora@example.test")
    alice.ok("CREATE Work")
    alice.ok("SETACL Work anyone lrswipkxtea")
    alice.append("Work", simple("one"))
    work = THEIRS % (ALICE, "Work")
    dora, carol = connect("dora@example.test"), connect("carol@other.test")
    dora.ok("SELECT " + work)
    assert not [line for line in carol.ok('LIST "" "*"') if b"Other Users" in line]
    for command in ("SELECT %s", "STATUS %s (MESSAGES)", "MYRIGHTS %s", "GETACL %s", "SUBSCRIBE %s", "RENAME %s Mine", "DELETE %s",
                    "SETACL %s carol@other.test lr", "GETMETADATA %s /shared/comment"):
        hidden = carol.answer(command % work)
        assert hidden == carol.answer(command % (THEIRS % (ALICE, "Nothing"))), command
        assert hidden.startswith("NO"), command
    assert carol.append(work, simple("in")).startswith("NO [TRYCREATE]")
    # Named, she is let in.
    alice.ok("SETACL Work carol@other.test lr")
    carol.ok("EXAMINE " + work)


@pytest.mark.parametrize("what", ["account", "address", "domain"])
def test_an_owner_who_is_disabled_shares_nothing(suite, accounts, connect, what):
    accounts.domain("other.test")
    accounts.account("carol@other.test")
    carol, bob, idle = connect("carol@other.test"), connect(BOB), connect(BOB)
    carol.ok("CREATE Work")
    carol.append("Work", simple("one"))
    carol.ok("SETACL Work %s lrswi" % BOB)
    work = THEIRS % ("carol@other.test", "Work")
    bob.ok("SUBSCRIBE " + work)
    bob.ok("SELECT " + work)
    where = {"account": "account SET enabled = %s WHERE id = directory.need_account('carol@other.test')",
             "address": "address SET enabled = %s WHERE local_part = 'carol'", "domain": "domain SET enabled = %s WHERE name = 'other.test'"}
    suite.sql("UPDATE directory." + where[what] % "false")
    # An open session in the mailbox ends with its next command; nothing more of it is told.
    tag = bob.tag()
    bob.send("%s FETCH 1 BODY[]\r\n" % tag)
    said = []
    with pytest.raises(EOFError):
        while True:
            said.append(bob.response())
    assert said and not any(b"FETCH (" in line for line in said), said
    assert not [line for line in idle.ok('LIST "" "*"') + idle.ok('LSUB "" "*"') if b"Other Users" in line]
    assert idle.answer("SELECT " + work).startswith("NO [NONEXISTENT]")
    # Nothing was forgotten: rights and subscriptions are there when the owner is.
    suite.sql("UPDATE directory." + where[what] % "true")
    idle.ok("SELECT " + work)
    assert [line for line in idle.ok('LSUB "" "*"') if b"Other Users" in line]


def test_moves_from_both_sides_at_once_do_not_lock_each_other_out(suite, connect, alice, bob):
    """mail.transfer_across_v1 locks two accounts and two mailboxes, whichever way mail goes."""
    rounds, deep = 30, 12
    for client, other in ((alice, BOB), (bob, ALICE)):
        client.ok("CREATE Work")
        client.ok("SETACL Work %s lrswite" % other)
        for n in range(deep):
            assert client.append("Work", simple("m%d" % n)).startswith("OK")
    failed = []

    def run(login, source, target):
        try:
            client = connect(login, timeout=120)
            for turn in range(rounds):
                client.ok("SELECT " + source)
                untagged, answer = client.run("MOVE 1:3 " + target)
                # The other side may have taken all meanwhile.
                if not answer.startswith((b"OK", b"BAD There is no message", b"NO [EXPUNGEISSUED]")):
                    failed.append(answer)
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    mine = "Work"
    threads = [threading.Thread(target=run, args=arguments) for arguments in (
        (ALICE, mine, THEIRS % (BOB, "Work")), (ALICE, THEIRS % (BOB, "Work"), mine),
        (BOB, mine, THEIRS % (ALICE, "Work")), (BOB, THEIRS % (ALICE, "Work"), mine))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert suite.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == "0"
    total = 0
    for client in (alice, bob):
        (line,) = client.ok("STATUS Work (MESSAGES)")
        total += int(re.search(rb"MESSAGES (\d+)", line)[1])
    assert total == 2 * deep
    assert clean(suite)
