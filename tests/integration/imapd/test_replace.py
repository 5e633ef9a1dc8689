"""REPLACE (RFC 8508), CATENATE (RFC 4469), UTF8=ACCEPT (RFC 6855) and what they do to APPEND."""
import re

import pytest

from imapd_client import MESSAGE, Raw, simple

BOB = "bob@example.test"
UTF8 = "From: Jörg <jörg@example.org>\r\nSubject: Grüße\r\n\r\nhello\r\n".encode()


def uids(client):
    return [int(re.search(rb"UID (\d+)", line)[1]) for line in client.ok("UID FETCH 1:* (UID)")]


def replace(client, number, mailbox, message, uid=False, arguments=""):
    head = "%sREPLACE %s %s %s{%d+}\r\n" % ("UID " if uid else "", number, mailbox, arguments, len(message))
    return client.run(head.encode() + message)


def body(client, number=1):
    line = client.ok("FETCH %d BODY.PEEK[]" % number)[0]
    return re.search(rb"\{\d+\}\r\n(.*)\)$", line, re.S)[1]


def test_replace_is_one_step(connect, suite):
    client, other = connect(select="INBOX"), connect(select="INBOX")
    assert b" REPLACE " in client.ok("CAPABILITY")[0]
    for n in (1, 2, 3):
        client.append("INBOX", simple("draft %d" % n))
    client.ok("NOOP")
    untagged, answer = replace(client, 2, "INBOX", simple("second"), arguments="(\\Draft) ")
    assert answer.startswith(b"OK")
    assert untagged[0].startswith(b"* OK [APPENDUID ") and b" 4] " in untagged[0]
    assert b"* 2 EXPUNGE" in untagged and untagged.index(b"* 2 EXPUNGE") > 0
    assert [line for line in untagged if b"EXISTS" in line] == [b"* 4 EXISTS"] or b"* 3 EXISTS" in untagged
    other.ok("NOOP")
    assert uids(other) == uids(client) == [1, 3, 4]
    assert client.ok("FETCH 3 FLAGS") == [b"* 3 FETCH (FLAGS (\\Draft))"]
    untagged, answer = replace(client, 1, "Sent", simple("sent"), uid=True)
    assert answer.startswith(b"OK") and untagged[0].startswith(b"* OK [APPENDUID")
    assert uids(client) == [3, 4]
    assert b"MESSAGES 1" in client.ok("STATUS Sent (MESSAGES)")[0]
    untagged, answer = replace(client, "*", "INBOX", simple("last"))
    assert answer.startswith(b"OK") and uids(client) == [3, 5]


def test_replace_says_why_not(connect):
    client, other = connect(select="INBOX"), connect(select="INBOX")
    client.append("INBOX", simple("one"))
    assert replace(client, 1, "Nowhere", simple("x"))[1].startswith(b"NO [TRYCREATE]")
    assert replace(client, 2, "INBOX", simple("x"))[1].startswith(b"BAD")
    assert replace(client, 77, "INBOX", simple("x"), uid=True)[1].startswith(b"NO [NONEXISTENT]")
    client.ok("EXAMINE INBOX")
    assert replace(client, 1, "INBOX", simple("x"))[1].startswith(b"NO [READ-ONLY]")
    client.ok("SELECT INBOX")
    other.ok("NOOP")
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    untagged, answer = replace(client, 1, "INBOX", simple("x"))
    assert answer.startswith(b"NO [EXPUNGEISSUED]") and b"* 1 EXPUNGE" in untagged
    assert uids(client) == []
    assert replace(client, "*", "INBOX", simple("x"))[1].startswith(b"NO")
    assert replace(connect(), 1, "INBOX", simple("x"))[1].startswith(b"BAD")
    assert replace(connect(login=None), 1, "INBOX", simple("x"))[1].startswith(b"BAD")


def test_quota_sees_only_the_difference(connect, accounts, suite):
    client = connect(select="INBOX")
    big = simple("big", "x" * 6000)
    assert client.append("INBOX", big).startswith("OK")
    suite.sql("UPDATE mail.account_state SET quota_bytes = 10000 WHERE used_bytes > 0")
    assert client.append("INBOX", big).startswith("NO [OVERQUOTA]")
    assert replace(client, 1, "INBOX", big)[1].startswith(b"OK")
    untagged, answer = replace(client, 1, "INBOX", simple("too big", "x" * 11000))
    assert answer.startswith(b"NO [OVERQUOTA]") and not any(b"EXPUNGE" in line for line in untagged)
    assert uids(client) == [2]


def test_replace_is_done_once_when_the_database_loses_the_answer(connect, suite):
    client = connect(select="INBOX")
    for n in range(5):
        client.append("INBOX", simple("m%d" % n))
        suite.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dromos_imapd' AND datname = current_database()")
        untagged, answer = replace(client, 1, "INBOX", simple("r%d" % n))
        if answer.startswith(b"NO [UNAVAILABLE]"):
            client.ok("NOOP")
            continue
        assert answer.startswith(b"OK"), answer
        assert len(uids(client)) == n + 1


def catenate(client, mailbox, *parts, verb="APPEND"):
    out = b"%s %s CATENATE (" % (verb.encode(), mailbox.encode())
    for i, part in enumerate(parts):
        out += b" " if i else b""
        out += b"URL \"%s\"" % part.encode() if isinstance(part, str) else b"TEXT {%d+}\r\n%s" % (len(part), part)
    return client.run(out + b")")[1].decode()


def test_catenate_takes_texts_and_parts(connect):
    client = connect()
    assert b" CATENATE " in client.ok("CAPABILITY")[0]
    client.ok('CREATE "Entw&APw-rfe/A B"')
    client.append('"Entw&APw-rfe/A B"', MESSAGE)
    validity = re.search(rb"UIDVALIDITY (\d+)", client.ok('STATUS "Entw&APw-rfe/A B" (UIDVALIDITY)')[0])[1].decode()
    box = "/Entw%C3%BCrfe/A%20B"
    answer = catenate(client, "INBOX", b"Subject: new\r\n", box + "/;UID=1/;section=HEADER.FIELDS%20(To)",
                      b"body\r\n", box + ";UIDVALIDITY=" + validity + "/;UID=1/;SECTION=1", box + "/;UID=1/;SECTION=2.MIME",
                      box + "/;UID=1/;SECTION=1/;PARTIAL=4.5")
    assert answer.startswith("OK [APPENDUID"), answer
    client.ok("SELECT INBOX")
    assert body(client) == (b"Subject: new\r\nTo: Bob <bob@example.test>\r\n\r\nbody\r\nThe quick brown fox."
                            b"Content-Type: application/octet-stream; name=x.bin\r\nContent-Transfer-Encoding: base64\r\n\r\nquick")
    assert catenate(client, "INBOX", box + "/;UID=1").startswith("OK")
    assert body(client, 2) == MESSAGE
    # Relative to the selected mailbox, and replacing what it is made of (RFC 8508 §4.2).
    assert catenate(client, "2 INBOX", b"X-More: yes\r\n", ";UID=2", verb="REPLACE").startswith("OK")
    assert body(client, 2) == b"X-More: yes\r\n" + MESSAGE
    assert client.ok("SEARCH SEEN") == [b"* SEARCH"]


@pytest.mark.parametrize("url", ["/INBOX/;UID=9", "/Nowhere/;UID=1", "/INBOX/;UID=1/;SECTION=7", "/INBOX/;UID=1/;SECTION=nonsense",
                                 "/INBOX;UIDVALIDITY=1/;UID=1", "imap://bob@localhost/INBOX/;UID=1", "http://x/", "", ";UID=1", "/INBOX",
                                 "/INBOX/;UID=0", "/INBOX/;UID=99999999999", "/INBOX/;UID=1/;SECTION=%zz", "/../INBOX/;UID=1", "/INBOX/;UID=1]x"])
def test_bad_urls_are_told(connect, url):
    client = connect()
    client.append("INBOX", simple("one"))
    answer = catenate(client, "INBOX", b"Subject: x\r\n\r\n", url)
    assert answer.startswith("NO [BADURL %s" % url.replace("]", "%5D")), answer
    assert b"MESSAGES 1" in client.ok("STATUS INBOX (MESSAGES)")[0]


def test_catenate_into_no_mailbox_says_so_first(connect):
    client = connect()
    client.append("INBOX", simple("one"))
    for url in ("/INBOX/;UID=1", "/INBOX;UIDVALIDITY=12345/;UID=1/;SECTION=HEADER", "/INBOX/;UID=9"):
        assert catenate(client, "Nowhere", b"Subject: x\r\n\r\n", url).startswith("NO [TRYCREATE]")


def test_nobody_catenates_what_is_not_his(connect):
    connect().append("INBOX", simple("bob's"))
    alice = connect("alice@example.test")
    assert catenate(alice, "INBOX", "/INBOX/;UID=1").startswith("NO [BADURL")
    assert catenate(alice, "INBOX", "imap://bob%40example.test@localhost/INBOX/;UID=1").startswith("NO [BADURL")


def test_catenate_is_bounded(suite, accounts):
    suite.reconfigure({"imapd": {"limits": {"append_size": "128KiB"}}})
    suite.start("imapd")
    client = Raw(suite.imapd.address("imaps"), suite.authority.client_context(), BOB)
    assert client.append("INBOX", simple("big", "y" * 50000)).startswith("OK")
    assert catenate(client, "INBOX", *["/INBOX/;UID=1"] * 3).startswith("NO [TOOBIG]")
    assert catenate(client, "INBOX", *["/INBOX/;UID=1"] * 2).startswith("OK")
    assert catenate(client, "INBOX", b"x" * 80000, b"y" * 80000).startswith("NO [TOOBIG]")
    # MULTIAPPEND: the limit is of each message (RFC 7889), all together are bounded, too.
    message = simple("m", "z" * 80000)
    many = lambda count: client.run(b"APPEND INBOX" + b"".join(b" {%d+}\r\n%s" % (len(message), message) for _ in range(count)))[1]
    assert many(3).startswith(b"OK [APPENDUID")
    assert client.answer("NOOP").startswith("OK")


def test_utf8_accept(connect):
    client = connect()
    assert b" UTF8=ACCEPT " in client.ok("CAPABILITY")[0]
    assert client.append("Archive", UTF8).startswith("OK")  # docs/decisions/0008
    assert client.run(b"APPEND INBOX UTF8 (~{%d+}\r\n%s)" % (len(UTF8), UTF8))[1].startswith(b"BAD")
    client.ok("CREATE Entw&APw-rfe")
    assert client.ok("ENABLE UTF8=ACCEPT") == [b"* ENABLED UTF8=ACCEPT"]
    assert client.ok('LIST "" Entw*') == ['* LIST (\\HasNoChildren) "/" "Entwürfe"'.encode()]
    client.ok('SELECT "Entwürfe"')
    assert client.run(b"APPEND INBOX UTF8 (~{%d+}\r\n%s)" % (len(UTF8), UTF8))[1].startswith(b"OK [APPENDUID")
    assert client.run(b"APPEND INBOX CATENATE (UTF8 (~{%d+}\r\n%s) TEXT {4+}\r\nmore)" % (len(UTF8), UTF8))[1].startswith(b"OK")
    client.ok("SELECT INBOX")
    assert body(client) == UTF8 and body(client, 2) == UTF8 + b"more"
    assert client.answer("SEARCH CHARSET UTF-8 SUBJECT x").startswith("BAD")  # §3
    assert client.ok('SEARCH SUBJECT "Grüße"') == [b"* SEARCH 1 2"]
    assert client.run(b'STATUS "Entw\xff" (MESSAGES)')[1].startswith(b"BAD")
    assert client.run(b"APPEND INBOX UTF8 ({%d+}\r\n%s)" % (len(UTF8), UTF8))[1].startswith(b"BAD")  # literal8 only
    client.ok("CREATE Tom&AOk-s")  # no UTF-7 any more
    assert client.ok('LIST "" Tom*') == [b'* LIST (\\HasNoChildren) "/" Tom&AOk-s']
    client.ok("UNAUTHENTICATE")
