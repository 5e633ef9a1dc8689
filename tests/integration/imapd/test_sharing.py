"""Mailboxes shared by rights: RFC 4314 over the socket, between alice and bob (and a group, and a shared account)."""
import re

import pytest

from imapd_client import simple

ALICE, BOB = "alice@example.test", "bob@example.test"
THEIRS = '"Other Users/alice@example.test/%s"'


@pytest.fixture
def alice(connect):
    return connect(ALICE)


@pytest.fixture
def bob(connect):
    return connect(BOB)


def share(alice, rights, mailbox="Work", who=BOB):
    if mailbox != "INBOX":
        alice.run("CREATE " + mailbox)
    alice.ok("SETACL %s %s %s" % (mailbox, who, rights))
    return THEIRS % mailbox


def names(untagged):
    return [re.search(rb' "/" "?(.*?)"?$', line)[1].decode() for line in untagged if line.startswith((b"* LIST", b"* LSUB"))]


def flags(client, number=1):
    (line,) = [u for u in client.ok("FETCH %d FLAGS" % number) if b"FETCH" in u]
    return set(re.search(rb"FLAGS \((.*?)\)", line)[1].split())


def test_the_namespaces_are_told(bob):
    assert bob.ok("NAMESPACE")[0] == b'* NAMESPACE (("" "/")) (("Other Users/" "/")) (("Shared Folders/" "/"))'


def test_what_may_not_be_looked_up_does_not_exist(alice, bob):
    alice.ok("CREATE Secret")
    work = share(alice, "r", "Work")
    for command in ("SELECT %s", "STATUS %s (MESSAGES)", "GETACL %s", "MYRIGHTS %s", "DELETE %s", "SUBSCRIBE %s", "GETMETADATA %s /shared/comment"):
        hidden = bob.answer(command % (THEIRS % "Secret"))
        missing = bob.answer(command % (THEIRS % "Nothing"))
        nobody = bob.answer(command % '"Other Users/nobody@example.test/INBOX"')
        assert hidden == missing == nobody, command
        assert hidden.startswith(("NO [NONEXISTENT]", "BAD")), command
    assert names(bob.ok('LIST "" "*"')) == names(bob.ok('LIST "" "*"'))
    assert not [n for n in names(bob.ok('LIST "" "*"')) if "Other" in n]
    # "r" opens it even so, and a right that is missing is told as absence to who may not look it up.
    assert bob.ok("SELECT " + work)
    assert bob.answer("DELETE " + work).startswith("NO [NONEXISTENT]")
    alice.ok("SETACL Work %s +l" % BOB)
    assert bob.answer("DELETE " + work).startswith("NO [NOPERM]")


def test_list_tells_levels_above_shared_mailboxes_only_where_asked(alice, bob):
    alice.ok("CREATE Work/Deep")
    alice.ok("SETACL Work/Deep %s lr" % BOB)
    assert "Other Users/alice@example.test/Work/Deep" in names(bob.ok('LIST "" "*"'))
    assert "Other Users/alice@example.test/Work" not in names(bob.ok('LIST "" "*"'))
    (top,) = [u for u in bob.ok('LIST "" "%"') if b"Other Users" in u]
    assert top == b'* LIST (\\NonExistent \\HasChildren) "/" "Other Users"'
    (level,) = bob.ok('LIST "Other Users/alice@example.test/" "%"')
    assert b"\\NonExistent" in level and level.endswith(b'/Work"')


def test_rights_letters_and_their_old_unions(alice, bob):
    work = share(alice, "lrd")
    assert bob.ok("MYRIGHTS " + work)[0].split()[-1] == b"lrted"
    alice.ok("SETACL Work %s +k" % BOB)
    assert bob.ok("MYRIGHTS " + work)[0].split()[-1] == b"lrktecd"
    alice.ok("SETACL Work %s -te" % BOB)
    assert bob.ok("MYRIGHTS " + work)[0].split()[-1] == b"lrkc"
    assert alice.ok("MYRIGHTS Work")[0].split()[-1] == b"lrswipkxteacd"
    assert alice.answer("SETACL Work %s lrq" % BOB).startswith("BAD")
    assert alice.answer("SETACL Work %s LR" % BOB).startswith("BAD")
    assert alice.answer("SETACL Work nobody@example.test lr").startswith("NO")
    assert alice.answer("SETACL Work %s lr" % ALICE).startswith("NO")
    assert alice.ok("LISTRIGHTS Work " + BOB)[0] == b'* LISTRIGHTS Work bob@example.test "" l r s w i p k x t e a c d'
    (acl,) = alice.ok("GETACL Work")
    assert acl == b"* ACL Work alice@example.test lrswipkxteacd bob@example.test lrkc"
    alice.ok("DELETEACL Work " + BOB)
    assert bob.answer("MYRIGHTS " + work).startswith("NO [NONEXISTENT]")


def test_negative_rights_take_away(alice, bob):
    work = share(alice, "lrs", who="anyone")
    assert bob.ok("MYRIGHTS " + work)[0].split()[-1] == b"lrs"
    alice.ok("SETACL Work -%s s" % BOB)
    assert bob.ok("MYRIGHTS " + work)[0].split()[-1] == b"lr"
    assert b"-bob@example.test s" in alice.ok("GETACL Work")[0]


def test_only_who_may_administer_sees_and_changes_the_list(alice, bob):
    work = share(alice, "lr")
    for command in ("GETACL %s", "LISTRIGHTS %s anyone", "SETACL %s bob@example.test lra", "DELETEACL %s anyone"):
        assert bob.answer(command % work).startswith("NO [NOPERM]"), command
    alice.ok("SETACL Work %s +a" % BOB)
    bob.ok("SETACL %s anyone l" % work)
    assert b"anyone l" in alice.ok("GETACL Work")[0]


def test_flags_change_as_far_as_rights_go(alice, bob):
    alice.ok("CREATE Work")
    alice.append("Work", simple("one"), "(\\Flagged)")
    work = share(alice, "lrs")
    bob.ok("SELECT " + work)
    assert bob.answer("STORE 1 +FLAGS (\\Deleted)").startswith("NO [NOPERM]")
    bob.ok("STORE 1 +FLAGS (\\Seen \\Deleted $Label)")
    assert flags(bob) == {b"\\Flagged", b"\\Seen"}
    bob.ok("STORE 1 FLAGS (\\Answered)")  # may clear \Seen alone
    assert flags(bob) == {b"\\Flagged"}
    alice.ok("SETACL Work %s lrw" % BOB)
    bob.ok("FETCH 1 BODY[]")
    bob.ok("STORE 1 FLAGS ($Label \\Answered \\Seen)")
    assert flags(bob) == {b"\\Answered", b"$label"} or flags(bob) == {b"\\Answered", b"$Label"}
    alice.ok("SETACL Work %s lr" % BOB)
    assert bob.answer("STORE 1 FLAGS ()").startswith("NO [NOPERM]")


def test_permanent_flags_and_mode_follow_the_rights(alice, bob):
    work = share(alice, "lr")
    untagged, answer = bob.run("SELECT " + work)
    assert answer.startswith(b"OK [READ-ONLY]")
    assert any(b"PERMANENTFLAGS ()" in u for u in untagged)
    alice.ok("SETACL Work %s lrst" % BOB)
    untagged, answer = bob.run("SELECT " + work)
    assert answer.startswith(b"OK [READ-WRITE]")
    assert any(b"PERMANENTFLAGS (\\Deleted \\Seen)" in u or b"PERMANENTFLAGS (\\Seen \\Deleted)" in u for u in untagged)


def test_expunge_close_and_move_need_their_rights(alice, bob):
    alice.ok("CREATE Work")
    for i in range(3):
        alice.append("Work", simple("m%d" % i), "(\\Deleted)")
    work = share(alice, "lrt")
    bob.ok("SELECT " + work)
    assert bob.answer("EXPUNGE").startswith("NO [NOPERM]")
    assert bob.answer("MOVE 1 INBOX").startswith("NO [NOPERM]")
    bob.ok("CLOSE")
    assert b"MESSAGES 3" in alice.ok("STATUS Work (MESSAGES)")[0]
    alice.ok("SETACL Work %s +e" % BOB)
    bob.ok("SELECT " + work)
    bob.ok("MOVE 1 INBOX")
    bob.ok("CLOSE")
    assert b"MESSAGES 0" in alice.ok("STATUS Work (MESSAGES)")[0]
    assert b"MESSAGES 1" in bob.ok("STATUS INBOX (MESSAGES)")[0]


def test_append_and_copy_leave_out_flags_that_may_not_be_set(alice, bob):
    work = share(alice, "lri")
    assert bob.append(work, simple("in"), "(\\Seen \\Flagged $Word)").startswith("OK [APPENDUID")
    bob.append("INBOX", simple("own"), "(\\Seen \\Answered $Word)")
    bob.ok("SELECT INBOX")
    assert "[COPYUID" in bob.answer("COPY 1 " + work)
    alice.ok("SELECT Work")
    assert flags(alice, 1) == set() and flags(alice, 2) == set()
    alice.ok("SETACL Work %s lrisw" % BOB)
    bob.ok("COPY 1 " + work)
    alice.ok("NOOP")
    assert flags(alice, 3) == {b"\\Seen", b"\\Answered", b"$word"}
    alice.ok("SETACL Work %s lr" % BOB)
    assert bob.append(work, simple("no")).startswith("NO [NOPERM]")
    assert bob.answer("COPY 1 " + work).startswith("NO [NOPERM]")


def test_copies_between_accounts_are_whole(alice, bob):
    big = simple("big", "a line of text\r\n" * 60000)
    alice.ok("CREATE Work")
    alice.append("Work", simple("small", "needle\r\n"))
    alice.append("Work", big)
    work = share(alice, "lr")
    bob.ok("SELECT " + work)
    bob.ok("COPY 1:2 Archive")
    bob.ok("COPY 1:2 Archive")
    bob.ok("SELECT Archive")
    assert b"* 4 EXISTS" in b"\r\n".join(bob.ok("NOOP") + bob.ok("SELECT Archive"))
    (fetched,) = [u for u in bob.ok("FETCH 4 BODY.PEEK[]") if b"FETCH" in u]
    assert big in fetched
    assert bob.ok("SEARCH BODY needle")[0] == b"* SEARCH 1 3"
    # The owner's deleting does not take the copies away.
    alice.ok("DELETE Work")
    assert big in b"".join(bob.ok("FETCH 2 BODY.PEEK[]"))


def test_create_inherits_and_needs_k(alice, bob):
    work = share(alice, "lrswit")
    child = THEIRS % "Work/Child"
    assert bob.answer("CREATE " + child).startswith("NO [NOPERM]")
    alice.ok("SETACL Work %s +kx" % BOB)
    bob.ok("CREATE " + child)
    assert b"bob@example.test" in alice.ok("GETACL Work/Child")[0]
    bob.ok("RENAME %s %s" % (child, THEIRS % "Work/Other"))
    assert bob.answer("RENAME %s Mine" % (THEIRS % "Work/Other")).startswith("NO [CANNOT]")
    assert bob.answer("CREATE " + THEIRS % "Root").startswith("NO [NOPERM]")
    assert bob.answer('CREATE "Other Users"').startswith("NO [CANNOT]")
    assert bob.answer('CREATE "Shared Folders/x"').startswith("NO")
    bob.ok("DELETE " + THEIRS % "Work/Other")
    assert "Work/Other" not in names(alice.ok('LIST "" "*"'))


def test_a_right_taken_away_ends_the_session_in_the_mailbox(alice, bob):
    alice.ok("CREATE Work")
    alice.append("Work", simple("one"))
    work = share(alice, "lrs")
    bob.ok("SELECT " + work)
    bob.ok("FETCH 1 FLAGS")
    alice.ok("DELETEACL Work " + BOB)
    tag = bob.tag()
    bob.send("%s FETCH 1 BODY[]\r\n" % tag)
    seen = []
    try:
        while True:
            seen.append(bob.response())
    except EOFError:
        pass
    assert not any(b"one" in line for line in seen)
    assert any(line.startswith((b"* BYE", tag.encode() + b" NO")) for line in seen)


def test_idle_wakes_in_anothers_mailbox(alice, bob):
    work = share(alice, "lr")
    bob.ok("SELECT " + work)
    bob.send("i IDLE\r\n")
    assert bob.response().startswith(b"+")
    alice.append("Work", simple("news"))
    assert bob.response() == b"* 1 EXISTS"
    bob.send("DONE\r\n")


def test_subscriptions_are_the_readers(alice, bob):
    work = share(alice, "lr")
    bob.ok("SUBSCRIBE " + work)
    assert work.strip('"') in names(bob.ok('LSUB "" "*"'))
    assert "Work" not in names(alice.ok('LSUB "" "*"'))
    assert work.strip('"') in names(bob.ok('LIST (SUBSCRIBED) "" "*"'))
    bob.ok("UNSUBSCRIBE " + work)
    assert work.strip('"') not in names(bob.ok('LSUB "" "*"'))


def test_list_returns_rights(alice, bob):
    share(alice, "lr")
    untagged = bob.ok('LIST "" "*" RETURN (MYRIGHTS)')
    assert b'* MYRIGHTS "Other Users/alice@example.test/Work" lr' in untagged
    assert b"* MYRIGHTS INBOX lrswipkxteacd" in untagged


def test_inbox_of_another(alice, bob):
    inbox = share(alice, "lrswipkxte", "INBOX")
    alice.append("INBOX", simple("hello"))
    bob.ok("SELECT " + inbox)
    assert bob.answer("DELETE " + inbox).startswith("NO [CANNOT]")
    assert bob.answer("RENAME %s %s" % (inbox, THEIRS % "INBOX/x")).startswith("NO [CANNOT]")
    assert not any(b"\\Inbox" in line for line in bob.ok('LIST "" "*"'))


def test_groups_and_shared_accounts(alice, bob, suite, accounts):
    accounts.alias("team@example.test", [BOB], kind="group")
    suite.sql("UPDATE directory.account SET shared = true WHERE id = (SELECT account_id FROM directory.address WHERE local_part = 'alice')")
    alice.ok("SETACL INBOX group:team@example.test lr")
    assert "Shared Folders/alice@example.test/INBOX" in names(bob.ok('LIST "" "*"'))
    assert b"group:team@example.test lr" in alice.ok("GETACL INBOX")[0]
    bob.ok('SELECT "Shared Folders/alice@example.test/INBOX"')
    suite.sql("DELETE FROM directory.address WHERE local_part = 'team'")
    assert not [n for n in names(bob.ok('LIST "" "*"')) if "Shared" in n]
    assert b"group:" not in alice.ok("GETACL INBOX")[0]
