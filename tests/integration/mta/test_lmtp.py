"""LMTP (RFC 2033): a reply for each recipient, each stored or refused on its own."""
import pytest

from dromostest.clients import Smtp

MESSAGE = "Subject: x\r\n\r\nbody\r\n.\r\n"


@pytest.fixture
def lmtp(suite, mail):
    session = Smtp(suite.mta.address("lmtp"))
    yield session
    session.close()


def begin(lmtp, *recipients):
    lmtp.expect("LHLO x", 250)
    lmtp.expect("MAIL FROM:<a@b.test>", 250)
    return [lmtp.command("RCPT TO:<%s>" % to)[0] for to in recipients]


def test_ehlo_is_for_smtp(lmtp):
    lmtp.expect("EHLO x", 500)
    lmtp.expect("MAIL FROM:<a@b.test>", 503)


def test_each_recipient_has_its_answer(lmtp, mail):
    mail.account("full@example.test", quota=100)
    mail.alias("both@example.test", ["alice@example.test", "bob@example.test"], kind="group")
    assert begin(lmtp, "bob@example.test", "nobody@example.test", "full@example.test", "both@example.test",
                 "far@elsewhere.test") == [250, 550, 250, 250, 550]
    lmtp.expect("DATA", 354)
    lmtp.send(MESSAGE)
    assert [lmtp.reply()[0] for _ in range(3)] == [250, 552, 250]
    lmtp.expect("NOOP", 250)
    assert len(mail.mailbox("bob@example.test")) == 1
    assert len(mail.mailbox("alice@example.test")) == 1
    assert b"with LMTP" in mail.raw("bob@example.test", mail.mailbox("bob@example.test")[0].message)


def test_a_refused_message_is_refused_for_each(lmtp, mail):
    assert begin(lmtp, "bob@example.test", "alice@example.test") == [250, 250]
    lmtp.send("BDAT 4 LAST\r\nx\ny\n")
    assert [lmtp.reply()[0] for _ in range(2)] == [550, 550]
    assert begin(lmtp) == []
    lmtp.expect("DATA", 503)


def test_the_same_person_twice_gets_one_copy_and_two_answers(lmtp, mail):
    mail.alias("b@example.test", ["bob@example.test"])
    assert begin(lmtp, "bob@example.test", "b@example.test") == [250, 250]
    lmtp.expect("DATA", 354)
    lmtp.send(MESSAGE)
    assert [lmtp.reply()[0] for _ in range(2)] == [250, 250]
    assert len(mail.mailbox("bob@example.test")) == 1


@pytest.mark.config({"mta": {"listeners": {"lmtp": ["unix:/tmp/dromos-test-lmtp.sock"]}}})
def test_a_unix_socket(suite, mail):
    lmtp = Smtp(suite.mta.address("lmtp"))
    assert begin(lmtp, "bob@example.test") == [250]
    lmtp.expect("DATA", 354)
    lmtp.send(MESSAGE)
    assert lmtp.reply()[0] == 250
