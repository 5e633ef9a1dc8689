"""What only IMAP4rev1 clients see: \\Recent (RFC 3501 §2.3.2); and subscriptions that outlive their mailbox."""
import pytest

from imapd_client import simple

BOB = "bob@example.test"


@pytest.fixture
def connect(connect):
    plain = connect

    def make(*arguments):
        client = plain(*arguments)
        client.tells_recent = True
        return client

    return make


def recent(untagged):
    (line,) = [u for u in untagged if u.endswith(b" RECENT")]
    return int(line.split()[1])


def test_messages_are_recent_to_one_session(connect):
    one, two = connect(BOB), connect(BOB)
    for i in range(2):
        one.append("INBOX", simple("m%d" % i))
    assert b"RECENT 2" in two.ok("STATUS INBOX (RECENT)")[0]
    assert recent(two.ok("EXAMINE INBOX")) == 2  # takes it from nobody
    assert recent(one.ok("SELECT INBOX")) == 2
    assert b"* 1 FETCH (FLAGS (\\Recent))" in one.ok("FETCH 1 FLAGS")
    assert one.ok("SEARCH NEW")[0] == b"* SEARCH 1 2" and one.ok("SEARCH OLD")[0] == b"* SEARCH"
    assert b"RECENT 0" in two.ok("STATUS INBOX (RECENT)")[0]
    assert recent(two.ok("SELECT INBOX")) == 0
    assert b"* 1 FETCH (FLAGS ())" in two.ok("FETCH 1 FLAGS")
    assert two.ok("SEARCH OLD")[0] == b"* SEARCH 1 2"
    two.append("INBOX", simple("m3"))
    told = [recent(one.ok("NOOP")), recent(two.ok("SELECT INBOX"))]
    assert told in ([3, 0], [2, 0]), told  # to one of those that had it selected


def test_recent_is_remembered_over_a_restart(suite, connect):
    one = connect(BOB)
    one.append("INBOX", simple("m"))
    assert recent(one.ok("SELECT INBOX")) == 1
    suite.imapd.stop()
    suite.start("imapd")
    again = connect(BOB)
    assert recent(again.ok("SELECT INBOX")) == 0


def test_rev2_knows_no_recent(connect):
    one = connect(BOB)
    one.ok("ENABLE IMAP4rev2")
    one.append("INBOX", simple("m"))
    untagged = one.ok("SELECT INBOX")
    assert not any(b"RECENT" in line for line in untagged)
    assert b"* 1 FETCH (FLAGS ())" in one.ok("FETCH 1 FLAGS")


def test_a_subscription_outlives_its_mailbox(connect):
    one = connect(BOB)
    one.ok("CREATE Work/Plans")
    one.ok("SUBSCRIBE Work/Plans")
    one.ok("DELETE Work/Plans")
    (listed,) = [u for u in one.ok('LIST (SUBSCRIBED) "" "Work/*"')]
    assert b"\\NonExistent" in listed and b"\\Subscribed" in listed and listed.endswith(b"Work/Plans")
    assert any(b"Work/Plans" in u for u in one.ok('LSUB "" "*"'))
    assert not any(b"Work/Plans" in u for u in one.ok('LIST "" "*"'))
    one.ok("CREATE Work/Plans")
    (listed,) = one.ok('LIST (SUBSCRIBED) "" "Work/*"')
    assert b"\\NonExistent" not in listed
    one.ok("DELETE Work/Plans")
    one.ok("UNSUBSCRIBE Work/Plans")
    assert one.ok('LIST (SUBSCRIBED) "" "Work/*"') == []
    assert one.answer("UNSUBSCRIBE Work/Plans").startswith("NO [NONEXISTENT]")


def test_condstore_is_told_where_the_mailbox_stands_when_it_begins(connect):
    one = connect(BOB, "INBOX")
    assert any(u.startswith(b"* OK [HIGHESTMODSEQ ") for u in one.ok("ENABLE CONDSTORE")) is True
    assert not any(b"HIGHESTMODSEQ" in u for u in one.ok("ENABLE CONDSTORE"))


def test_the_longest_id_is_taken_before_login(connect):
    fields = " ".join('"%s" "%s"' % (("k%02d" % n).ljust(30, "x"), "v" * 1024) for n in range(30))
    assert connect(None).answer("ID (%s)" % fields).startswith("OK")


def test_a_pattern_that_is_no_name_lists_nothing(connect):
    assert connect(BOB).ok('LIST "" "&%"') == []


def test_binary_content_is_kept_so_that_every_client_can_read_it(connect):
    one = connect(BOB)
    head = b"From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    octets = b"\x00-\xe4\r\n\n\x00"
    assert one.run(b"APPEND INBOX ~{%d+}\r\n%s" % (len(head + octets), head + octets))[1].startswith(b"OK")
    one.ok("SELECT INBOX")
    (fetched,) = [u for u in one.ok("FETCH 1 (BODY.PEEK[] BODYSTRUCTURE BINARY.PEEK[1])") if b"FETCH" in u]
    assert b"BINARY[1] ~{%d}\r\n%s" % (len(octets), octets) in fetched
    assert b'"BASE64"' in fetched.upper() and b"\x00" not in fetched.replace(octets, b"")
