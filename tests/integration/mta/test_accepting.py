"""The thin thread: a message handed in on the MX port is in its mailbox when 250 comes."""
import re

from dromostest.clients import Smtp

TEXT = "From: a@remote.test\nTo: bob@example.test\nSubject: thin thread\nMessage-ID: <1@remote.test>\n\nHello Bob.\n"


def test_a_message_is_stored_when_250_comes(suite, mail):
    smtp = Smtp(suite.mta.address("mx"))
    assert smtp.greeting[0] == 220
    code, lines = smtp.message("a@remote.test", ["bob@example.test"], TEXT)
    assert code == 250, lines
    trace = re.fullmatch(r"2\.0\.0 Ok: (X[a-z2-7]{26})", lines[0]).group(1)
    stored = mail.mailbox("bob@example.test")
    assert [(entry.uid, entry.mailbox) for entry in stored] == [("1", "inbox")]
    raw = mail.raw("bob@example.test", stored[0].message)
    assert raw.startswith(b"Return-Path: <a@remote.test>\r\nReceived: from client.example.test")
    assert b"X-Spam-Status: unscanned\r\nFrom: a@remote.test\r\n" in raw
    assert raw.endswith(b"\r\n\r\nHello Bob.\r\n")
    assert mail.trace(trace) == ["message.received", "message.scanned", "message.delivered"]
    smtp.expect("QUIT", 221)
