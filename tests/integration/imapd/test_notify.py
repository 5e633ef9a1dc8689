"""NOTIFY (RFC 5465): news without asking, of the selected mailbox and of others."""
import pytest

from imapd_client import simple

ALICE, BOB = "alice@example.test", "bob@example.test"


@pytest.fixture
def bob(connect):
    return connect(BOB)


@pytest.fixture
def phone(connect):
    """Bob's other client: what it does is news to the first."""
    return connect(BOB)


def quiet(client):
    """What has come unasked until now. NOOP is an order of time, not a question: its own news count, too."""
    return client.ok("NOOP")


def test_status_of_what_is_watched_on_request(bob):
    bob.ok("CREATE Lists")
    bob.append("Lists", simple("one"))
    assert bob.ok("NOTIFY SET STATUS (mailboxes Lists (MessageNew MessageExpunge))") == [
        b"* STATUS Lists (MESSAGES 1 UIDNEXT 2 UIDVALIDITY %s)" % bob.ok("STATUS Lists (UIDVALIDITY)")[0].split()[-1][:-1]]
    assert b"HIGHESTMODSEQ" in bob.ok("NOTIFY SET STATUS (mailboxes Lists (MessageNew MessageExpunge FlagChange))")[0]
    assert bob.ok("NOTIFY SET (mailboxes Lists (MessageNew MessageExpunge FlagChange))") == []


def test_new_mail_elsewhere_comes_as_status_without_a_command(bob, phone):
    bob.ok("CREATE Lists")
    bob.ok("SELECT INBOX")
    bob.ok("NOTIFY SET (selected (MessageNew MessageExpunge)) (subtree Lists (MessageNew MessageExpunge))")
    phone.append("Lists", simple("one"))
    assert bob.response() == b"* STATUS Lists (MESSAGES 1 UIDNEXT 2)"
    phone.append("INBOX", simple("two"))
    assert bob.response() == b"* 1 EXISTS"
    phone.append("Archive", simple("not watched"))
    phone.append("Lists", simple("three"))
    while True:
        line = bob.response()
        assert b"Archive" not in line
        if line.startswith(b"* STATUS Lists"):
            assert b"MESSAGES 2" in line
            break


def test_fetch_items_of_new_messages_in_the_selected_mailbox(bob, phone):
    bob.ok("ENABLE IMAP4rev2")
    bob.ok("SELECT INBOX")
    bob.ok("NOTIFY SET (selected (MessageNew (BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge))")
    phone.append("INBOX", simple("told at once"))
    assert bob.response() == b"* 1 EXISTS"
    fetched = bob.response()
    assert fetched.startswith(b"* 1 FETCH (UID 1 ") and b"told at once" in fetched
    phone.ok("SELECT INBOX")
    phone.ok("STORE 1 +FLAGS (\\Flagged)")  # FlagChange was not asked for
    phone.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    phone.ok("EXPUNGE")
    assert bob.response() == b"* 1 EXPUNGE"


def test_selected_delayed_keeps_numbers_until_a_command(bob, phone):
    bob.append("INBOX", simple("a"))
    bob.append("INBOX", simple("b"))
    bob.ok("SELECT INBOX")
    bob.ok("NOTIFY SET (selected-delayed (MessageNew MessageExpunge FlagChange))")
    phone.ok("SELECT INBOX")
    phone.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    phone.ok("EXPUNGE")
    phone.append("INBOX", simple("c"))
    seen = [bob.response()]
    while seen[-1] != b"* 3 EXISTS":
        seen.append(bob.response())
    assert not any(b"EXPUNGE" in line for line in seen)
    assert b"* 1 EXPUNGE" in bob.ok("NOOP")


def test_none_means_silence_even_for_the_selected_mailbox(bob, phone):
    bob.ok("SELECT INBOX")
    bob.ok("NOTIFY NONE")
    phone.append("INBOX", simple("a"))
    assert quiet(bob) == []
    assert quiet(bob) == []
    # What the client does itself is answered.
    bob.ok("NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))")
    assert any(b"FETCH (FLAGS" in line or b"FLAGS" in line for line in bob.ok("STORE 1 +FLAGS (\\Seen)"))
    bob.ok("NOTIFY NONE")
    bob.ok("STORE 1 +FLAGS (\\Deleted)")
    assert b"* 1 EXPUNGE" in bob.ok("EXPUNGE")


def test_names_and_subscriptions(bob, phone):
    bob.ok("CREATE Work")
    bob.ok("NOTIFY SET (personal (MailboxName SubscriptionChange))")
    phone.ok("CREATE Work/Plans")
    lines = {bob.response(), bob.response()}
    assert lines == {b'* LIST (\\HasNoChildren) "/" Work/Plans', b'* LIST (\\HasChildren) "/" Work'}
    phone.ok("RENAME Work Job")
    assert bob.response() == b'* LIST (\\HasChildren) "/" Job ("OLDNAME" (Work))'
    phone.ok("SUBSCRIBE Job")
    assert bob.response() == b'* LIST (\\HasChildren \\Subscribed) "/" Job'
    phone.ok("DELETE Job/Plans")
    lines = {bob.response(), bob.response()}
    assert lines == {b'* LIST (\\NonExistent) "/" Job/Plans', b'* LIST (\\HasNoChildren \\Subscribed) "/" Job'}


def test_anothers_mailbox_appears_and_vanishes_with_its_rights(connect, bob):
    alice = connect(ALICE)
    alice.ok("CREATE Shared")
    name = '"Other Users/alice@example.test/Shared"'
    bob.ok('NOTIFY SET (subtree "Other Users" (MessageNew MessageExpunge MailboxName))')
    alice.ok("SETACL Shared %s lr" % BOB)
    assert bob.response() == b"* LIST (\\HasNoChildren) \"/\" " + name.encode()
    alice.append("Shared", simple("a"))
    assert bob.response().startswith(b"* STATUS " + name.encode())
    alice.ok("SETACL Shared %s l" % BOB)
    alice.append("Shared", simple("b"))
    alice.ok("DELETEACL Shared " + BOB)
    assert bob.response() == b"* LIST (\\NonExistent) \"/\" " + name.encode()
    alice.ok("SETACL Shared %s l" % BOB)
    assert bob.response() == b"* LIST (\\HasNoChildren) \"/\" " + name.encode()
    assert b"\\NoAccess" in bob.ok('NOTIFY SET (mailboxes %s (MessageNew MessageExpunge))' % name)[0]


def test_what_a_group_or_anyone_is_given_is_told_at_once(suite, accounts, connect, bob):
    alice = connect(ALICE)
    bob.ok('NOTIFY SET (subtree "Other Users" (MailboxName))')
    alice.ok("CREATE Everybody")
    alice.ok("SETACL Everybody anyone lr")
    assert bob.response() == b'* LIST (\\HasNoChildren) "/" "Other Users/alice@example.test/Everybody"'
    # Another of bob's clients subscribes to it.
    bob.ok('NOTIFY SET (subtree "Other Users" (SubscriptionChange))')
    connect(BOB).ok('SUBSCRIBE "Other Users/alice@example.test/Everybody"')
    assert bob.response() == b'* LIST (\\HasNoChildren \\Subscribed) "/" "Other Users/alice@example.test/Everybody"'


def test_annotations_of_mailboxes_and_of_the_server(connect, bob, phone):
    bob.ok("CREATE Work")
    bob.ok('SETMETADATA Work (/private/comment "before")')
    bob.ok("NOTIFY SET (mailboxes Work (MailboxMetadataChange)) (personal (ServerMetadataChange))")
    phone.ok('SETMETADATA INBOX (/private/comment "not watched")')
    phone.ok('SETMETADATA Work (/shared/comment "b" /private/comment "c")')
    assert bob.response() == b"* METADATA Work /private/comment /shared/comment"
    phone.ok('SETMETADATA "" (/private/comment "mine")')
    assert bob.response() == b'* METADATA "" /private/comment'
    phone.ok("SETMETADATA Work (/private/comment NIL /private/never NIL)")
    assert bob.response() == b"* METADATA Work /private/comment"
    bob.ok('SETMETADATA Work (/private/own "x" /shared/comment NIL)')
    phone.ok('SETMETADATA Work (/private/own NIL)')
    assert bob.response() == b"* METADATA Work /private/own"
    # The name it has now.
    phone.ok("RENAME Work Job")
    bob.ok("NOTIFY SET (mailboxes Job (MailboxMetadataChange))")
    phone.ok('SETMETADATA Job (/private/comment "again")')
    assert bob.response() == b"* METADATA Job /private/comment"
    bob.ok("NOTIFY NONE")
    phone.ok('SETMETADATA Job (/private/comment "silence")')
    assert quiet(bob) == [] == quiet(bob)


def test_annotations_of_others_mailboxes_keep_to_rights(connect, bob):
    alice = connect(ALICE)
    alice.ok("CREATE Shared")
    alice.ok("CREATE Hidden")
    alice.ok("SETACL Shared %s lr" % BOB)
    alice.ok("SETACL Hidden %s l" % BOB)  # RFC 5464 section 3.3 wants more than "l"
    bob.ok('NOTIFY SET (subtree "Other Users" (MailboxMetadataChange))')
    alice.ok('SETMETADATA Hidden (/shared/comment "a")')
    alice.ok('SETMETADATA Shared (/private/comment "hers")')
    alice.ok('SETMETADATA Shared (/shared/comment "all")')
    assert bob.response() == b'* METADATA "Other Users/alice@example.test/Shared" /shared/comment'
    alice.ok("DELETEACL Shared " + BOB)
    alice.ok('SETMETADATA Shared (/shared/comment "more")')
    assert quiet(bob) == [] == quiet(bob)


def test_idle_sends_the_same_events(bob, phone):
    bob.ok("CREATE Lists")
    bob.ok("SELECT INBOX")
    bob.ok("NOTIFY SET (mailboxes Lists (MessageNew MessageExpunge FlagChange))")
    bob.send("i IDLE\r\n")
    assert bob.response().startswith(b"+")
    phone.append("INBOX", simple("not asked for"))
    phone.append("Lists", simple("asked for"))
    assert bob.response().startswith(b"* STATUS Lists (MESSAGES 1 UIDNEXT 2")
    bob.send("DONE\r\n")
    assert not any(b"EXISTS" in line for line in bob.until("i")[0])


def test_flags_elsewhere_show_in_status(bob, phone):
    bob.ok("CREATE Lists")
    bob.append("Lists", simple("a"))
    bob.ok("NOTIFY SET (mailboxes Lists (MessageNew MessageExpunge FlagChange))")
    phone.ok("SELECT Lists")
    phone.ok("STORE 1 +FLAGS (\\Seen)")
    assert b"UNSEEN 0" in bob.response()
    bob.ok("ENABLE CONDSTORE")
    phone.ok("STORE 1 +FLAGS (\\Flagged)")
    line = bob.response()
    assert b"HIGHESTMODSEQ" in line and b"UIDVALIDITY" in line


@pytest.mark.parametrize("command, answer", [
    ("NOTIFY SET (selected (MessageNew))", "BAD"),
    ("NOTIFY SET (selected (FlagChange))", "BAD"),
    ("NOTIFY SET (selected (MailboxName))", "BAD"),
    ("NOTIFY SET (selected NONE) (selected-delayed NONE)", "BAD"),
    ("NOTIFY SET (personal (Nonsense))", "NO [BADEVENT ("),
    ("NOTIFY SET (personal (MessageNew MessageExpunge AnnotationChange))", "NO [BADEVENT ("),
    ("NOTIFY SET (mailboxes Missing (MessageNew MessageExpunge))", "OK"),
    ("NOTIFY SET (personal NONE)", "OK"),
    ("NOTIFY", "BAD"),
])
def test_answers(bob, command, answer):
    assert bob.answer(command).startswith(answer)
