"""\\Seen of one's own in a shared mailbox: two guests (bob, carol), the owner (alice), each with sessions of his own. The
annotation /shared/vendor/dromos/private-seen asks for it; "s" is what lets a guest keep his (RFC 4314 section 2.1)."""
import re

import pytest

from dromostest.one_imapd import ALICE, BOB
from imapd_client import Raw, simple

CAROL = "carol@example.test"
WORK = '"Other Users/alice@example.test/Work"'
RULE = "/shared/vendor/dromos/private-seen"
EVERYBODYS = "lrswite"


@pytest.fixture
def alice(connect, accounts):
    accounts.account(CAROL)
    client = connect(ALICE)
    client.ok("CREATE Work")
    for n in range(4):
        assert client.append("Work", simple("m%d" % n), "(\\Seen)" if n == 0 else "").startswith("OK")
    for guest in (BOB, CAROL):
        client.ok("SETACL Work %s %s" % (guest, EVERYBODYS))
    client.ok('SETMETADATA Work (%s "true")' % RULE)
    return client


@pytest.fixture
def bob(alice, connect):
    return connect(BOB, select=WORK)


@pytest.fixture
def carol(alice, connect):
    return connect(CAROL, select=WORK)


def seen(client):
    """Uids with \\Seen, as FETCH and as SEARCH have it."""
    client.ok("NOOP")
    fetched = [int(re.search(rb"UID (\d+)", line)[1]) for line in client.ok("UID FETCH 1:* FLAGS") if b"\\Seen" in line]
    (found,) = [line for line in client.ok("UID SEARCH SEEN") if line.startswith(b"* SEARCH")]
    assert fetched == [int(uid) for uid in found.split()[2:]]
    return fetched


def unseen_of(client, name=WORK):
    (line,) = client.ok("STATUS %s (UNSEEN)" % name)
    count = int(re.search(rb"UNSEEN (\d+)", line)[1])
    listed = [line for line in client.ok('LIST "" %s RETURN (STATUS (UNSEEN))' % name) if b"STATUS" in line]
    assert b"UNSEEN %d" % count in listed[0]
    return count


def clean(suite):
    return suite.sql("SELECT problem, detail FROM mail.account_state a, mail.check_account_v3(a.account_id)") == ""


def test_each_sees_what_he_has_read(suite, alice, bob, carol):
    alice.ok("SELECT Work")
    assert (seen(alice), seen(bob), seen(carol)) == ([1], [], [])
    bob.ok("STORE 2:3 +FLAGS (\\Seen)")
    carol.ok("FETCH 4 BODY[]")
    for client, uids in ((alice, [1]), (bob, [2, 3]), (carol, [4])):
        client.ok("NOOP")
        assert seen(client) == uids
    assert [unseen_of(alice, "Work"), unseen_of(bob), unseen_of(carol)] == [3, 2, 3]
    bob.ok("STORE 2 -FLAGS (\\Seen)")
    bob.ok("STORE 3 FLAGS ()")
    bob.ok("STORE 1 FLAGS (\\Seen \\Flagged word)")
    assert seen(bob) == [1]
    alice.ok("STORE 1 -FLAGS (\\Seen)")
    alice.ok("STORE 4 +FLAGS (\\Seen)")
    carol.ok("NOOP")
    assert (seen(alice), seen(bob), seen(carol)) == ([4], [1], [4])
    assert b"\\Flagged word" in carol.ok("FETCH 1 FLAGS")[0], "what is not \\Seen is everybody's"
    assert clean(suite)


def test_selecting_tells_the_first_unseen_and_the_flags_that_stay(alice, bob, carol, connect):
    bob.ok("STORE 1:2 +FLAGS (\\Seen)")
    told = b"\r\n".join(bob.ok("SELECT " + WORK))
    assert b"[UNSEEN 3]" in told and b"\\Seen" in re.search(rb"PERMANENTFLAGS \((.*?)\)", told)[1]
    assert b"[UNSEEN 1]" in b"\r\n".join(carol.ok("SELECT " + WORK))
    # "s" alone changes nothing that others see: READ-ONLY, as RFC 4314 section 5.2 wants it, and kept even so.
    alice.ok("SETACL Work %s lrs" % BOB)
    untagged, answer = bob.run("SELECT " + WORK)
    assert answer.startswith(b"OK [READ-ONLY]")
    bob.ok("STORE 3 +FLAGS (\\Seen)")
    assert seen(connect(BOB, select=WORK)) == [1, 2, 3]
    alice.ok("SETACL Work %s lr" % BOB)
    assert bob.answer("STORE 4 +FLAGS (\\Seen)").startswith("NO [NOPERM]")
    bob.ok("EXAMINE " + WORK)
    bob.ok("FETCH 4 BODY[]")
    assert seen(bob) == [1, 2, 3]


def test_the_readers_other_sessions_are_told_and_nobody_else(alice, bob, carol, connect):
    other = connect(BOB, select=WORK)
    alice.ok("SELECT Work")
    other.send("i IDLE\r\n")
    assert other.response().startswith(b"+")
    bob.ok("STORE 2 +FLAGS (\\Seen)")
    assert other.response().startswith(b"* 2 FETCH (UID 2 FLAGS (\\Seen)")
    other.send("DONE\r\n")
    other.until("i")
    for client in (alice, carol):
        assert client.ok("NOOP") == []


def test_modseqs_grow_for_the_reader(alice, bob, carol):
    def modseq(client, number=2):
        return int(re.search(rb"MODSEQ \((\d+)\)", client.ok("FETCH %d MODSEQ" % number)[-1])[1])

    def highest(client):
        return int(re.search(rb"HIGHESTMODSEQ (\d+)", client.ok("STATUS %s (HIGHESTMODSEQ)" % WORK)[0])[1])

    before, of_carol, mark = modseq(bob), modseq(carol), highest(bob)
    bob.ok("STORE 2 +FLAGS (\\Seen)")
    after = modseq(bob)
    assert after > before and after > mark and highest(bob) >= after
    carol.ok("NOOP")
    assert modseq(carol) == of_carol
    changed = [line for line in bob.ok("FETCH 1:* (FLAGS) (CHANGEDSINCE %d)" % mark) if b"FETCH" in line]
    assert len(changed) == 1 and changed[0].startswith(b"* 2 FETCH") and b"\\Seen" in changed[0]
    assert not [line for line in carol.ok("FETCH 1:* (FLAGS) (CHANGEDSINCE %d)" % mark) if b"FETCH" in line]
    untagged, answer = bob.run("STORE 1:2 (UNCHANGEDSINCE %d) -FLAGS (\\Seen)" % mark)
    assert b"[MODIFIED 2]" in answer
    assert seen(bob) == [2]
    bob.ok("STORE 1:2 (UNCHANGEDSINCE %d) -FLAGS (\\Seen)" % after)
    assert seen(bob) == []


def test_a_cached_client_catches_up(alice, bob, connect):
    client = connect(BOB)
    client.ok("ENABLE QRESYNC")
    told = b"\r\n".join(client.ok("SELECT " + WORK))
    uidvalidity, modseq = re.search(rb"UIDVALIDITY (\d+)", told)[1].decode(), re.search(rb"HIGHESTMODSEQ (\d+)", told)[1].decode()
    client.ok("UNSELECT")
    bob.ok("STORE 3 +FLAGS (\\Seen)")
    alice.ok("SELECT Work")
    alice.ok("STORE 4 +FLAGS (\\Seen)")
    lines = [line for line in client.ok("SELECT %s (QRESYNC (%s %s))" % (WORK, uidvalidity, modseq)) if b"FETCH" in line]
    assert any(b"UID 3 FLAGS (\\Seen)" in line for line in lines), lines
    assert not any(b"UID 4 FLAGS (\\Seen)" in line for line in lines), lines


def test_copies_and_appends_carry_the_readers_view(suite, alice, bob, carol):
    bob.ok("STORE 3 +FLAGS (\\Seen)")
    bob.ok("COPY 1:3 Archive")
    assert bob.append(WORK, simple("new"), "(\\Seen \\Flagged)").startswith("OK")
    bob.ok("NOOP")
    assert seen(bob) == [3, 5]
    alice.ok("SELECT Work")
    carol.ok("NOOP")
    assert (seen(alice), seen(carol)) == ([1], [])
    bob.ok("MOVE 3 INBOX")
    bob.ok("SELECT Archive")
    assert seen(bob) == [3]
    bob.ok("COPY 1:3 " + WORK)
    bob.ok("SELECT INBOX")
    assert seen(bob) == [1]
    bob.ok("SELECT " + WORK)
    assert seen(bob) == [5, 8]
    alice.ok("NOOP")
    assert seen(alice) == [1]
    assert clean(suite)


def test_several_appends_at_once_and_none(suite, alice, bob, carol):
    tag = bob.tag()
    first, second, third = simple("one"), simple("two"), simple("three")
    bob.send(b"%s APPEND %s (\\Seen) {%d+}\r\n%s (\\Flagged) {%d+}\r\n%s (\\Seen \\Answered) {%d+}\r\n%s\r\n"
             % (tag.encode(), WORK.encode(), len(first), first, len(second), second, len(third), third))
    assert bob.until(tag)[1].startswith(b"OK [APPENDUID")
    assert (seen(bob), seen(carol)) == ([5, 7], [])
    alice.ok("SELECT Work")
    assert seen(alice) == [1]
    assert suite.sql("SELECT count(DISTINCT s.modseq) FROM mail.private_seen s JOIN mail.entry e ON e.account_id = s.account_id"
                     " AND e.mailbox_id = s.mailbox_id AND e.uid = 5 AND e.modseq = s.modseq") == "1", "one change, one modseq"
    suite.sql("SELECT mail.account_quota_v1(directory.need_account('%s'), NULL, 8, NULL)" % ALICE)
    tag = bob.tag()
    bob.send(b"%s APPEND %s (\\Seen) {%d+}\r\n%s (\\Seen) {%d+}\r\n%s\r\n"
             % (tag.encode(), WORK.encode(), len(first), first, len(second), second))
    assert bob.until(tag)[1].startswith(b"NO [OVERQUOTA]")
    assert seen(bob) == [5, 7]
    assert clean(suite)


def test_what_a_guest_replaces(suite, alice, bob, carol):
    bob.ok("STORE 2 +FLAGS (\\Seen)")
    letter = simple("replacement")
    for command, uids in (("UID REPLACE 2", [5]), ("UID REPLACE 5", [5])):
        flags = "(\\Seen)" if uids == [5] and command.endswith("2") else "(\\Flagged)"
        tag = bob.tag()
        bob.send(b"%s %s %s %s {%d+}\r\n%s\r\n" % (tag.encode(), command.encode(), WORK.encode(), flags.encode(), len(letter), letter))
        assert bob.until(tag)[1].startswith(b"OK")
        assert seen(bob) == (uids if "Seen" in flags else [])
    alice.ok("SELECT Work")
    assert (seen(alice), seen(carol)) == ([1], [])
    assert clean(suite)


@pytest.mark.parametrize("verb", ["APPEND", "REPLACE"])
def test_seen_is_stored_with_the_message(suite, alice, bob, verb):
    """imapd is killed between the commit and whatever it would do next."""
    suite.imapd.stop()
    suite.start("imapd", env={"DROMOS_FAULT": "imapd.%s.after_commit:1:kill" % verb.lower()})
    context = suite.authority.client_context()
    client = Raw(suite.imapd.address("imaps"), context, BOB)
    client.ok("SELECT " + WORK)
    letter = simple("killed")
    with pytest.raises((EOFError, OSError)):
        client.send(b"k %s %s (\\Seen) {%d+}\r\n%s\r\n" % (b"APPEND" if verb == "APPEND" else b"REPLACE 2", WORK.encode(), len(letter), letter))
        client.until("k")
    suite.imapd.process.wait()
    suite.start("imapd")
    client = Raw(suite.imapd.address("imaps"), context, BOB)
    client.ok("SELECT " + WORK)
    assert seen(client) == [5]
    client.close()
    owner = Raw(suite.imapd.address("imaps"), context, ALICE)
    owner.ok("SELECT Work")
    assert seen(owner) == [1]
    owner.close()
    assert clean(suite)


def test_what_is_expunged_leaves_the_sets(suite, alice, bob, carol):
    bob.ok("STORE 1:4 +FLAGS (\\Seen)")
    carol.ok("STORE 2 +FLAGS (\\Seen)")
    alice.ok("SELECT Work")
    alice.ok("STORE 2 +FLAGS (\\Deleted)")
    alice.ok("EXPUNGE")
    assert suite.sql("SELECT changed, seen FROM mail.private_seen") == "{[1,2),[3,5)}|{[1,2),[3,5)}"
    bob.ok("FETCH 2 FLAGS")  # a ghost still, to bob
    bob.ok("NOOP")
    assert seen(bob) == [1, 3, 4] and unseen_of(bob) == 0
    assert clean(suite)


def test_the_owner_asks_for_it_and_takes_it_back(suite, alice, bob, carol):
    bob.ok("STORE 2 +FLAGS (\\Seen)")
    for value in ('"yes"', '""'):
        assert alice.answer("SETMETADATA Work (%s %s)" % (RULE, value)).startswith("NO [CANNOT]")
    assert bob.answer("SETMETADATA %s (%s NIL)" % (WORK, RULE)).startswith("NO [NOPERM]")
    alice.ok('SETMETADATA Work (%s "true")' % RULE)
    assert seen(bob) == [2], "asking again forgets nothing"
    alice.ok("SETMETADATA Work (%s NIL)" % RULE)
    bob.ok("NOOP")
    assert seen(bob) == seen(carol) == [1], "it is everybody's again"
    bob.ok("STORE 3 +FLAGS (\\Seen)")
    alice.ok("SELECT Work")
    assert seen(alice) == [1, 3]
    alice.ok('SETMETADATA Work (%s "true")' % RULE)
    bob.ok("NOOP")
    assert seen(bob) == []
    assert suite.sql("SELECT count(*) FROM mail.private_seen") == "0"
    assert clean(suite)
