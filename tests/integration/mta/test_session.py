"""Transcripts of sessions: order of verbs, pipelining, limits, chunking, SMTPUTF8, DSN parameters, hostile input."""
import time

import pytest

from dromostest.clients import Smtp

MESSAGE = "Subject: x\r\n\r\nbody\r\n"


@pytest.fixture
def smtp(suite, mail):
    session = Smtp(suite.mta.address("mx"))
    yield session
    session.close()


def codes(session, count):
    return [session.reply()[0] for _ in range(count)]


def enhanced(answer):
    return "%d %s" % (answer[0], answer[1][-1].split(" ")[0])


def test_ehlo_announces_what_works(suite, smtp):
    code, lines = smtp.command("EHLO me.test")
    assert code == 250
    assert lines[0] == "mx.example.test"
    assert sorted(lines[1:]) == ["8BITMIME", "CHUNKING", "DSN", "ENHANCEDSTATUSCODES", "PIPELINING", "SIZE 52428800",
                                 "SMTPUTF8", "STARTTLS"]
    assert smtp.command("HELO me.test") == (250, ["mx.example.test"])


@pytest.mark.parametrize("commands, expected", [
    (["MAIL FROM:<a@b.test>"], "503 5.5.1"),
    (["EHLO x", "RCPT TO:<bob@example.test>"], "503 5.5.1"),
    (["EHLO x", "DATA"], "503 5.5.1"),
    (["EHLO x", "MAIL FROM:<a@b.test>", "DATA"], "554 5.5.1"),
    (["EHLO x", "MAIL FROM:<a@b.test>", "MAIL FROM:<a@b.test>"], "503 5.5.1"),
    (["EHLO x", "MAIL FROM:<a@b.test>", "RSET", "RCPT TO:<bob@example.test>"], "503 5.5.1"),
    (["EHLO x", "MAIL FROM:<a@b.test>", "EHLO x", "RCPT TO:<bob@example.test>"], "503 5.5.1"),
    (["LHLO x"], "500 5.5.1"),
    (["STARTTLS"], "503 5.5.1"),
    (["EHLO x", "AUTH PLAIN AGEAYg=="], "502 5.5.1"),
    (["EHLO x", "EXPN list"], "502 5.5.1"),
    (["EHLO x", "VRFY bob"], "252 2.5.0"),
    (["EHLO x", "FROB"], "500 5.5.1"),
    (["EHLO x", "MAIL FROM:a@b.test"], "501 5.1.7"),
    (["EHLO x", "MAIL FROM:<a@b.test> FROB=1"], "555 5.5.4"),
    (["EHLO x", "MAIL FROM:<a@b.test> SIZE=52428801"], "552 5.3.4"),
    (["EHLO x", "MAIL FROM:<ä@b.test>"], "553 5.6.7"),
    (["EHLO x", "MAIL FROM:<a@b.test>", "RCPT TO:<ä@example.test>"], "553 5.6.7"),
    (["EHLO x", "MAIL FROM:<a@b.test>", "RCPT TO:<nobody@example.test>"], "550 5.1.1"),
    (["EHLO x", "MAIL FROM:<a@b.test>", "RCPT TO:<bob@elsewhere.test>"], "550 5.7.1"),
    (["EHLO x", "MAIL FROM:<a@b.test>", "RCPT TO:<bob@[192.0.2.1]>"], "550 5.7.1"),
    (["EHLO x", "NOOP"], "250 2.0.0"),
    (["EHLO x", "HELP"], "214 2.0.0"),
])
def test_order_and_refusals(smtp, commands, expected):
    for command in commands[:-1]:
        assert smtp.command(command)[0] in (220, 250), command
    answer = smtp.command(commands[-1])
    if expected.startswith(("252", "214")):
        assert answer[0] == int(expected[:3])
    else:
        assert enhanced(answer) == expected


def test_a_pipelined_transaction_gets_its_replies_in_order(smtp, mail):
    smtp.send("EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<nobody@example.test>\r\nRCPT TO:<BOB@example.test>\r\nDATA\r\n")
    assert codes(smtp, 5) == [250, 250, 550, 250, 354]
    smtp.send(MESSAGE + ".\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n")
    assert codes(smtp, 4) == [250, 250, 250, 354]
    smtp.send(MESSAGE + ".\r\nQUIT\r\n")
    assert codes(smtp, 2) == [250, 221]
    assert smtp.reader.read() == b""
    assert len(mail.mailbox("bob@example.test")) == 1
    assert mail.raw("alice@example.test", mail.mailbox("alice@example.test")[0].message).startswith(b"Return-Path: <>\r\n")


def test_a_recipient_named_twice_gets_one_copy(smtp, mail):
    mail.alias("info@example.test", ["bob@example.test", "alice@example.test"], kind="group")
    mail.alias("b@example.test", ["info@example.test"])
    code, _ = smtp.message("x@y.test", ["bob@example.test", "info@example.test", "b@example.test"], MESSAGE)
    assert code == 250
    assert [len(mail.mailbox(who)) for who in ("alice@example.test", "bob@example.test")] == [1, 1]


def test_postmaster_without_domain_is_ours(smtp, mail):
    mail.alias("postmaster@example.test", ["alice@example.test"])
    assert smtp.message("x@y.test", ["postmaster"], MESSAGE)[0] == 250
    assert len(mail.mailbox("alice@example.test")) == 1


def test_disabled_accounts_and_domains_refuse(smtp, mail):
    mail.account("off@example.test", enabled=False)
    mail.domain("closed.test", enabled=False)
    smtp.expect("EHLO x", 250)
    smtp.expect("MAIL FROM:<a@b.test>", 250)
    assert smtp.command("RCPT TO:<off@example.test>")[0] == 550
    assert smtp.command("RCPT TO:<any@closed.test>")[0] == 550


def test_chunks_make_one_message(smtp, mail):
    smtp.expect("EHLO x", 250)
    smtp.send("MAIL FROM:<a@b.test>\r\nRCPT TO:<bob@example.test>\r\nBDAT 13\r\nSubject: ch\rX")
    assert codes(smtp, 3) == [250, 250, 250]
    smtp.send("BDAT 4\r\n\n\r\n.BDAT 3 LAST\r\n\r\n.")
    assert codes(smtp, 2) == [250, 550]  # a bare CR in the first chunk
    smtp.send("MAIL FROM:<a@b.test>\r\nRCPT TO:<bob@example.test>\r\nBDAT 11\r\nSubject: ch")
    assert codes(smtp, 3) == [250, 250, 250]
    smtp.send("BDAT 0\r\nBDAT 9 LAST\r\n\r\n\r\n.\r\n.\r")
    assert codes(smtp, 1) == [250]
    assert smtp.reply()[0] == 550  # ends in a bare CR
    smtp.send("MAIL FROM:<a@b.test>\r\nRCPT TO:<bob@example.test>\r\nBDAT 11\r\nSubject: ch"
              "BDAT 8 LAST\r\n\r\n\r\n.\r\n.QUIT\r\n")
    assert codes(smtp, 5) == [250, 250, 250, 250, 221]
    stored = mail.mailbox("bob@example.test")
    assert len(stored) == 1
    assert mail.raw("bob@example.test", stored[0].message).endswith(b"\r\nSubject: ch\r\n\r\n.\r\n.")


@pytest.mark.config({"mta": {"limits": {"message_size": "10KB"}}})
def test_chunks_out_of_order_or_too_large_are_read_and_refused(smtp, mail):
    smtp.expect("EHLO x", 250)
    smtp.send("BDAT 4 LAST\r\nNOOPNOOP\r\n")
    assert codes(smtp, 2) == [503, 250]
    smtp.send("MAIL FROM:<a@b.test>\r\nRCPT TO:<bob@example.test>\r\nBDAT 5000\r\n" + "x" * 5000)
    assert codes(smtp, 3) == [250, 250, 250]
    smtp.send("BDAT 6000\r\n" + "x" * 6000 + "BDAT 1 LAST\r\nxRSET\r\n")
    assert codes(smtp, 3) == [552, 503, 250]
    smtp.send("MAIL FROM:<a@b.test>\r\nRCPT TO:<bob@example.test>\r\nBDAT 1\r\nxDATA\r\nRSET\r\n")
    assert codes(smtp, 5) == [250, 250, 250, 503, 250]
    smtp.send("BDAT 99999999999\r\n")
    assert codes(smtp, 1) == [421]
    assert mail.mailbox("bob@example.test") == []


@pytest.mark.config({"mta": {"limits": {"message_size": "10KB"}}})
def test_a_message_over_the_limit_is_read_to_its_end_and_refused(smtp, mail):
    code, lines = smtp.message("a@b.test", ["bob@example.test"], "Subject: big\n\n" + "x" * 70 * 1000 + "\n")
    assert (code, lines[0][:5]) == (552, "5.3.4")
    assert smtp.message("a@b.test", ["bob@example.test"], MESSAGE)[0] == 250
    assert len(mail.mailbox("bob@example.test")) == 1


@pytest.mark.config({"mta": {"limits": {"memory_message": "8KiB"}}})
def test_a_large_message_goes_by_a_file_and_arrives_whole(smtp, mail):
    body = b"Subject: large\r\n\r\n" + b"".join(b"line %07d of a large message\r\n" % i for i in range(60000))
    assert smtp.message("a@b.test", ["bob@example.test"], body)[0] == 250
    stored = mail.mailbox("bob@example.test")
    assert len(stored) == 1
    rows = mail.suite.sql("SELECT size FROM mail.message WHERE message_id = '%s'" % stored[0].message)
    assert int(rows) > len(body)


@pytest.mark.config({"mta": {"limits": {"in_flight": "300KiB", "message_size": "300KiB"}}})
def test_too_much_mail_in_flight_is_452(suite, smtp, mail):
    text = ("x" * 70 + "\r\n") * 2500
    other = Smtp(suite.mta.address("mx"))
    other.send("EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n")
    assert codes(other, 4) == [250, 250, 250, 354]
    other.send("Subject: slow\r\n\r\n" + text)
    smtp.expect("EHLO x", 250)
    deadline = time.monotonic() + 10
    while smtp.command("MAIL FROM:<a@b.test> SIZE=200000")[0] != 452:  # until the other's bytes have come in
        assert time.monotonic() < deadline
        smtp.expect("RSET", 250)
    code, lines = smtp.message("a@b.test", ["bob@example.test"], text)
    assert (code, lines[0][:5]) == (452, "4.3.1")
    other.send(".\r\n")
    assert other.reply()[0] == 250
    assert smtp.message("a@b.test", ["bob@example.test"], text)[0] == 250


def test_smtputf8_addresses(smtp, mail):
    mail.account("jörg@example.test")
    smtp.expect("EHLO x", 250)
    smtp.send("MAIL FROM:<ä@bücher.test> SMTPUTF8 BODY=8BITMIME\r\nRCPT TO:<JÖRG@example.test>\r\nDATA\r\n"
              "Subject: für dich\r\n\r\nä\r\n.\r\n")
    assert codes(smtp, 4) == [250, 250, 354, 250]
    raw = mail.raw("jörg@example.test", mail.mailbox("jörg@example.test")[0].message).decode()
    assert "Return-Path: <ä@" in raw
    assert "with UTF8SMTP" in raw


def test_loops_end(smtp, mail):
    hops = "".join("Received: from a by b; Sun, 22 Nov 2026 00:00:00 +0000\n" for _ in range(51))
    code, lines = smtp.message("a@b.test", ["bob@example.test"], hops + "Subject: x\n\nx\n")
    assert (code, lines[0][:5]) == (554, "5.4.6")


def test_content_without_header_keeps_its_first_line(smtp, mail):
    assert smtp.message("a@b.test", ["bob@example.test"], "just words, no header\nmore\n")[0] == 250
    raw = mail.raw("bob@example.test", mail.mailbox("bob@example.test")[0].message)
    assert raw.endswith(b"\r\n\r\njust words, no header\r\nmore\r\n")


SMUGGLED = "MAIL FROM:<evil@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"


@pytest.mark.parametrize("end", ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\n.\r", "\r.\n",
                                 "\r\n\0.\r\n", "\r\n.\0\r\n", "\r\r\n.\r\r\n", "\n\n.\r\n"])
def test_no_end_of_data_is_smuggled(smtp, mail, end):
    smtp.expect("EHLO x", 250)
    smtp.send("MAIL FROM:<a@b.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n")
    assert codes(smtp, 3) == [250, 250, 354]
    smtp.send("Subject: x\r\n\r\nbody" + end + SMUGGLED)
    code, lines = smtp.reply()
    assert (code, lines[0][:6]) == (550, "5.6.11")
    smtp.expect("NOOP", 250)
    assert mail.mailbox("alice@example.test") == [] and mail.mailbox("bob@example.test") == []


@pytest.mark.parametrize("line, code", [
    ("NOOP\nMAIL FROM:<a@b.test>", 500), ("NOOP\0", 500), ("NOOP\rMAIL FROM:<a@b.test>", 500),
    ("NOOP " + "x" * 20000, 500), ("NOOP " + "x" * 3000, 500)])
def test_bad_command_lines_are_one_error(smtp, line, code):
    smtp.expect("EHLO x", 250)
    smtp.send(line + "\r\n")
    assert smtp.reply()[0] == code
    smtp.expect("RCPT TO:<bob@example.test>", 503)


@pytest.mark.config({"mta": {"limits": {"errors": 5}}})
def test_too_many_errors_close_the_connection(smtp):
    smtp.send("FROB\r\n" * 10)
    assert codes(smtp, 6) == [500] * 5 + [421]
    assert smtp.reader.read() == b""


def test_http_is_closed_at_once(smtp):
    smtp.send("POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO x\r\nMAIL FROM:<a@b.test>\r\n")
    assert codes(smtp, 1) == [421]
    assert smtp.reader.read() == b""


@pytest.mark.config({"mta": {"limits": {"recipients": 100}}})
def test_too_many_recipients_are_452_and_the_rest_goes_on(smtp, mail):
    smtp.expect("EHLO x", 250)
    smtp.expect("MAIL FROM:<a@b.test>", 250)
    smtp.send("RCPT TO:<bob@example.test>\r\n" * 101)
    assert codes(smtp, 101) == [250] * 100 + [452]
    smtp.expect("DATA", 354)
    smtp.send(MESSAGE + ".\r\n")
    assert smtp.reply()[0] == 250


@pytest.mark.config({"mta": {"limits": {"connections_per_ip": 2}}})
def test_connections_from_one_address_are_limited(suite, smtp):
    second = Smtp(suite.mta.address("mx"))
    third = Smtp(suite.mta.address("mx"))
    assert third.greeting[0] == 421
    assert third.reader.read() == b""
    second.expect("QUIT", 221)
    second.reader.read()
    deadline = time.monotonic() + 10
    while Smtp(suite.mta.address("mx")).greeting[0] != 220:
        assert time.monotonic() < deadline


@pytest.mark.config({"mta": {"limits": {"command_timeout": "300ms"}}})
def test_a_silent_client_is_told_and_closed(smtp):
    assert codes(smtp, 1) == [421]
    assert smtp.reader.read() == b""


def test_drain_tells_idle_clients_and_lets_a_message_end(suite, smtp, mail):
    busy = Smtp(suite.mta.address("mx"))
    busy.expect("EHLO x", 250)
    busy.expect("MAIL FROM:<a@b.test>", 250)
    busy.expect("RCPT TO:<bob@example.test>", 250)
    busy.expect("DATA", 354)
    suite.mta.signal(15)
    assert smtp.reply()[0] == 421
    busy.send(MESSAGE + ".\r\n")
    assert codes(busy, 2) == [250, 421]
    assert suite.mta.process.wait(20) == 0
    assert len(mail.mailbox("bob@example.test")) == 1
