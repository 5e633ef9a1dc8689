"""FETCH of header fields from memory (HeaderReader): what was read once is told again, octet by octet, and what has changed meanwhile is not
told wrongly."""
import re

import pytest

from dromostest import metrics
from imapd_client import simple

FIELDS = "BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)]"


def kept(server):
    return metrics.read(server.imapd, "dromos_imapd_header_fields_bytes")


def message(n):
    return b"Received: from x by y; Tue, 10 Mar 2026 23:30:00 -0500\r\n" + simple("number %d" % n)


@pytest.fixture
def server(suite, accounts):
    """Without the memory for whole messages, which would have the fields, too."""
    suite.reconfigure({"imapd": {"limits": {"recent_messages": "0B"}}})
    suite.start("imapd")
    return suite


@pytest.fixture
def client(connect):
    client = connect(select="INBOX")
    for n in range(1, 21):
        assert client.append("INBOX", message(n)).startswith("OK")
    client.ok("NOOP")
    return client


def fields(client, uids="1:*", what=FIELDS):
    """{uid: octets}."""
    found = {}
    for line in client.ok("UID FETCH %s (UID %s)" % (uids, what)):
        match = re.match(rb"\* \d+ FETCH \(UID (\d+) BODY\[[^\]]*\](?:<\d+>)? \{\d+\}\r\n(.*)\)$", line, re.DOTALL)
        if match:
            found[int(match[1])] = match[2]
    return found


def subjects(client, **how):
    return {uid: re.search(rb"Subject: (.*)\r\n", octets)[1].decode() for uid, octets in fields(client, **how).items()}


def test_the_second_time_is_as_the_first(server, client, connect):
    before = kept(server)
    first = fields(client)
    assert sorted(first) == list(range(1, 21))
    assert all(b"Received" not in octets and octets.endswith(b"\r\n\r\n") for octets in first.values())
    assert kept(server) > before
    assert fields(client) == first
    assert fields(connect(select="INBOX"), uids="3:5,20") == {uid: first[uid] for uid in (3, 4, 5, 20)}
    assert fields(client, what="BODY.PEEK[HEADER.FIELDS (Date subject From)]") == first
    assert fields(client, what=FIELDS + "<0.4>") == {uid: octets[:4] for uid, octets in first.items()}


def test_other_fields_are_not_taken_for_these(client):
    fields(client)
    assert fields(client, uids="7", what="BODY.PEEK[HEADER.FIELDS (SUBJECT)]") == {7: b"Subject: number 7\r\n\r\n"}
    assert set(fields(client, what="BODY.PEEK[HEADER.FIELDS (X-NONE)]").values()) == {b"\r\n"}
    (line,) = client.ok("FETCH 7 (%s BODY.PEEK[HEADER.FIELDS (SUBJECT)])" % FIELDS)
    assert line.count(b"Subject: number 7") == 2
    (line,) = client.ok("FETCH 7 (%s BODY.PEEK[HEADER.FIELDS.NOT (FROM SUBJECT DATE)])" % FIELDS)
    assert line.count(b"Subject: number 7") == 1 and b"Received: from x" in line
    (line,) = client.ok("FETCH 7 (%s ENVELOPE EMAILID)" % FIELDS)
    assert line.count(b"number 7") == 2 and b"EMAILID (" in line


def test_messages_that_come_and_go(client, connect):
    assert len(subjects(client)) == 20
    other = connect(select="INBOX")
    assert other.append("INBOX", message(21)).startswith("OK")
    other.ok("UID STORE 2,19 +FLAGS (\\Deleted)")
    other.ok("EXPUNGE")
    client.ok("NOOP")
    expected = {n: "number %d" % n for n in range(1, 22) if n not in (2, 19)}
    assert subjects(client) == expected
    assert subjects(client) == expected
    assert subjects(connect(select="INBOX")) == expected


def test_a_mailbox_of_the_same_name_is_another(client):
    client.ok("CREATE Other")
    client.ok("COPY 1:3 Other")
    client.ok("SELECT Other")
    assert list(subjects(client).values()) == ["number 1", "number 2", "number 3"]
    client.ok("UNSELECT")
    client.ok("DELETE Other")
    client.ok("CREATE Other")
    assert client.append("Other", simple("another")).startswith("OK")
    client.ok("SELECT Other")
    assert list(subjects(client).values()) == ["another"]


def test_headers_too_long_to_be_kept_and_none_at_all(client):
    long_header = b"X-Long: " + b"\r\n ".join([b"y" * 900] * 200) + b"\r\n" + simple("long")
    assert client.append("INBOX", long_header).startswith("OK")
    assert client.append("INBOX", b"\r\nno header").startswith("OK")
    client.ok("NOOP")
    for _ in range(2):
        found = fields(client)
        assert len(found) == 22 and b"Subject: long\r\n" in found[21] and found[22] == b"\r\n"


def test_chunks_that_are_read_at_once(server, connect):
    count = 6200  # seven chunks, the last begun
    client = connect()
    messages = [message(n) for n in range(1, count + 1)]
    for at in range(0, count, 500):
        assert client.append_many("INBOX", messages[at:at + 500]).startswith("OK")
    client.ok("SELECT INBOX")
    client.ok("UID STORE 1030:1040,3000:3999 +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    left = [uid for uid in range(1, count + 1) if not (1030 <= uid <= 1040 or 3000 <= uid <= 3999)]
    wanted = {uid: "number %d" % uid for uid in left}
    before = kept(server)
    found = subjects(client)
    assert list(found) == left  # in order
    assert found == wanted
    assert kept(server) > before
    assert subjects(client) == wanted
    some = left[::97]  # one of a chunk's messages here and there: nothing is made of them
    assert subjects(client, uids=",".join(map(str, some)), what="BODY.PEEK[HEADER.FIELDS (SUBJECT)]") == {uid: wanted[uid] for uid in some}
