"""Submission: STARTTLS and its injection, implicit TLS, every AUTH mechanism, who may send as whom, relaying."""
import base64
import contextlib
import hashlib
import hmac
import os
import socket
import ssl
import subprocess
import time

import pytest

from dromostest.certificates import Authority
from dromostest.clients import Smtp

MESSAGE = "Subject: x\r\n\r\nbody\r\n"


@pytest.fixture
def context(suite):
    return suite.authority.client_context()


@pytest.fixture
def plain(suite, mail, context):
    return Smtp(suite.mta.address("submission"), context)


@pytest.fixture
def smtp(plain):
    plain.expect("EHLO x", 250)
    plain.starttls()
    plain.expect("EHLO x", 250)
    return plain


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


class Scram:
    """A client of RFC 5802, with channel binding where `binding` is (name, data)."""

    def __init__(self, user, password, algorithm, binding=None, flag="n"):
        self.password, self.algorithm = password.encode(), algorithm
        self.header = ("p=%s,," % binding[0] if binding else flag + ",,").encode()
        self.binding = self.header + (binding[1] if binding else b"")
        self.bare = "n=%s,r=%s" % (user, b64(os.urandom(18)))

    def first(self):
        return self.header + self.bare.encode()

    def final(self, server_first):
        fields = dict(part.split("=", 1) for part in server_first.split(","))
        mac = lambda key, text: hmac.new(key, text, self.algorithm).digest()  # noqa: E731
        salted = hashlib.pbkdf2_hmac(self.algorithm, self.password, base64.b64decode(fields["s"]), int(fields["i"]))
        client_key = mac(salted, b"Client Key")
        without = "c=%s,r=%s" % (b64(self.binding), fields["r"])
        text = ",".join([self.bare, server_first, without]).encode()
        signature = mac(hashlib.new(self.algorithm, client_key).digest(), text)
        self.server = mac(mac(salted, b"Server Key"), text)
        return without + ",p=" + b64(bytes(a ^ b for a, b in zip(client_key, signature)))


def scram(smtp, mechanism, user, password, binding=None, flag="n"):
    client = Scram(user, password, "sha256" if "256" in mechanism else "sha1", binding, flag)
    code, lines = smtp.command("AUTH %s %s" % (mechanism, b64(client.first())))
    if code != 334:
        return code
    code, lines = smtp.command(b64(client.final(base64.b64decode(lines[0]).decode())))
    if code != 334:
        return code
    assert base64.b64decode(lines[0]) == b"v=" + b64(client.server).encode()
    return smtp.command("")[0]


def arrived(mail, login):
    """The one message of an account, which the queue brings."""
    deadline = time.monotonic() + 20
    while not mail.mailbox(login):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return mail.raw(login, mail.mailbox(login)[0].message)


def test_auth_is_offered_only_under_tls(plain):
    lines = plain.command("EHLO x")[1]
    assert "STARTTLS" in lines and not any(line.startswith("AUTH") for line in lines)
    assert plain.auth_plain("alice@example.test", "alice secret")[0] == 538
    assert plain.command("MAIL FROM:<alice@example.test>")[0] == 530
    plain.starttls()
    assert plain.command("AUTH PLAIN x")[0] == 503
    lines = plain.command("EHLO x")[1]
    assert "STARTTLS" not in lines
    # As IMAP and POP3 have it; and again without -PLUS, for clients that choose it and cannot do it.
    assert [line.split()[1:] for line in lines if line.startswith("AUTH ")] == [
        ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"],
        ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]]
    assert plain.command("STARTTLS")[0] == 503


@pytest.mark.config({"mta": {"announce_plus": False}})
def test_channel_binding_may_go_unannounced(smtp):
    lines = [line for line in smtp.command("EHLO x")[1] if line.startswith("AUTH ")]
    assert [line.split()[1:] for line in lines] == [["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]]
    certificate = hashlib.sha256(smtp.socket.getpeercert(True)).digest()
    assert scram(smtp, "SCRAM-SHA-256-PLUS", "alice@example.test", "wrong", ("tls-server-end-point", certificate)) == 535
    # It saw no -PLUS, and none was announced.
    assert scram(smtp, "SCRAM-SHA-256", "alice@example.test", "alice secret", flag="y") == 235


def test_what_came_before_the_handshake_is_dropped(plain, context):
    plain.expect("EHLO x", 250)
    plain.send("STARTTLS\r\nEHLO injected\r\nMAIL FROM:<injected@example.test>\r\nNO")
    assert plain.reply()[0] == 220
    plain.socket = context.wrap_socket(plain.socket, server_hostname="localhost")
    plain.reader = plain.socket.makefile("rb")
    # Neither an answer to what was injected, nor its EHLO, nor half a line remain.
    assert plain.command("RSET") == (250, ["2.0.0 Ok"])
    assert plain.command("MAIL FROM:<alice@example.test>")[0] == 503


def test_half_a_handshake_ends_the_session_and_harms_nobody(suite, plain, mail):
    plain.expect("EHLO x", 250)
    plain.expect("STARTTLS", 220)
    plain.send(b"this is no TLS, and long enough to see\r\n")
    with contextlib.suppress(ConnectionResetError):
        plain.reader.read()
    assert Smtp(suite.mta.address("submission")).greeting[0] == 220


def test_implicit_tls(suite, mail, context):
    smtp = Smtp(suite.mta.address("submissions"), context, implicit_tls=True)
    smtp.expect("EHLO x", 250)
    assert smtp.auth_plain("alice@example.test", "alice secret")[0] == 235
    assert smtp.message("alice@example.test", ["bob@example.test"], MESSAGE)[0] == 250
    assert b"with ESMTPSA" in mail.raw("bob@example.test", mail.mailbox("bob@example.test")[0].message)


def test_plain(smtp):
    assert smtp.auth_plain("alice@example.test", "wrong")[0] == 535
    assert smtp.auth_plain("nobody@example.test", "alice secret")[0] == 535
    assert smtp.command("AUTH PLAIN %")[0] == 501
    assert smtp.command("AUTH PLAIN")[0] == 334
    assert smtp.command("*")[0] == 501
    assert smtp.command("AUTH FROB")[0] == 504
    assert smtp.command("AUTH PLAIN " + b64("bob@example.test\0alice@example.test\0alice secret"))[0] == 535
    assert smtp.command("AUTH PLAIN")[0] == 334
    assert smtp.command(b64("\0ALICE@example.test\0alice secret"))[0] == 235
    assert smtp.auth_plain("alice@example.test", "alice secret")[0] == 503


def test_login(smtp):
    assert smtp.command("AUTH LOGIN") == (334, [b64("Username:")])
    assert smtp.command(b64("alice@example.test")) == (334, [b64("Password:")])
    assert smtp.command(b64("alice secret"))[0] == 235


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1"])
def test_scram(smtp, mechanism):
    assert scram(smtp, mechanism, "alice@example.test", "wrong") == 535
    assert scram(smtp, mechanism, "nobody@example.test", "wrong") == 535
    assert scram(smtp, mechanism, "alice@example.test", "alice secret") == 235


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1"])
def test_a_downgrade_is_seen_where_channel_binding_is_announced(smtp, mechanism):
    assert any(mechanism + "-PLUS" in line.split() for line in smtp.command("EHLO x")[1])
    assert scram(smtp, mechanism, "alice@example.test", "alice secret", flag="y") == 535
    assert scram(smtp, mechanism, "alice@example.test", "alice secret") == 235


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"])
def test_scram_with_channel_binding(smtp, mechanism):
    certificate = hashlib.sha256(smtp.socket.getpeercert(True)).digest()
    assert scram(smtp, mechanism, "alice@example.test", "alice secret", ("tls-server-end-point", b"other")) == 535
    assert scram(smtp, mechanism, "alice@example.test", "alice secret", ("tls-server-end-point", certificate)) == 235


def certified(server, port, *person, implicit_tls=True):
    context = server.authority.client_context()
    pair = server.authority.person(*person)
    context.load_cert_chain(str(pair.certificate), str(pair.key))
    return Smtp(server.mta.address(port), context, implicit_tls)


@pytest.fixture
def people(suite, accounts):
    suite.reconfigure({"tls": {"client_ca": str(suite.authority.ca.certificate)}})
    suite.start("mta")
    return suite


def test_the_address_of_a_certificate_is_a_login(people, accounts):
    smtp = certified(people, "submissions", "Bob Builder", "bob@example.test")
    lines = smtp.expect("EHLO x", 250)[1]
    assert [line.split()[1] for line in lines if line.startswith("AUTH ")] == ["EXTERNAL", "EXTERNAL"]
    assert smtp.command("AUTH EXTERNAL " + b64("alice@example.test")) == (535, ["5.7.8 Authentication failed"])
    assert smtp.command("AUTH EXTERNAL =")[0] == 235
    assert smtp.command("MAIL FROM:<alice@example.test>")[0] == 553
    assert smtp.message("bob@example.test", ["alice@example.test"], MESSAGE)[0] == 250
    assert len(accounts.mailbox("alice@example.test")) == 1


def test_a_certificate_by_starttls_and_by_its_common_name(people):
    smtp = certified(people, "submission", "bob@example.test", implicit_tls=False)
    assert not any("EXTERNAL" in line for line in smtp.expect("EHLO x", 250)[1])
    assert smtp.command("AUTH EXTERNAL =")[0] == 538
    smtp.starttls()
    smtp.expect("EHLO x", 250)
    assert smtp.command("AUTH EXTERNAL")[0] == 334
    assert smtp.command("*")[0] == 501
    assert smtp.command("AUTH EXTERNAL " + b64("bob@example.test"))[0] == 235


def test_a_certificate_without_an_account_of_its_own_is_refused(people):
    people.sql("UPDATE directory.account SET enabled = false WHERE id = directory.need_account('bob@example.test')")
    people.sql("UPDATE directory.account SET shared = true WHERE id = directory.need_account('alice@example.test')")
    for name in "nobody", "bob", "alice":
        smtp = certified(people, "submissions", "Somebody", name + "@example.test")
        smtp.expect("EHLO x", 250)
        assert smtp.command("AUTH EXTERNAL =") == (535, ["5.7.8 Authentication failed"]), name


def test_without_a_certificate_external_is_not_offered(people, context):
    smtp = Smtp(people.mta.address("submissions"), context, implicit_tls=True)
    assert not any("EXTERNAL" in line for line in smtp.expect("EHLO x", 250)[1])
    assert smtp.command("AUTH EXTERNAL =")[0] == 504
    assert smtp.auth_plain("alice@example.test", "alice secret")[0] == 235


def test_a_certificate_of_somebody_else_is_refused_by_submission_only(people, tmp_path):
    pair = Authority(tmp_path).person("bob@example.test")
    context = people.authority.client_context()
    context.load_cert_chain(str(pair.certificate), str(pair.key))
    with pytest.raises((ssl.SSLError, OSError, EOFError)):
        Smtp(people.mta.address("submissions"), context, implicit_tls=True)
    # Servers that bring mail may have certificates of whom they like.
    mx = Smtp(people.mta.address("mx"), context)
    mx.expect("EHLO x", 250)
    mx.starttls()
    assert mx.message("far@elsewhere.test", ["bob@example.test"], MESSAGE)[0] == 250


def test_senders_are_checked(smtp, mail):
    mail.alias("sales@example.test", ["alice@example.test"], send_as=True)
    mail.alias("list@example.test", ["alice@example.test"], kind="group")
    assert smtp.auth_plain("alice@example.test", "alice secret")[0] == 235
    for sender, code in [("bob@example.test", 553), ("x@elsewhere.test", 553), ("list@example.test", 553),
                         ("sales@example.test", 250), ("", 250), ("Alice@example.test", 250)]:
        assert smtp.command("MAIL FROM:<%s>" % sender)[0] == code, sender
        smtp.expect("RSET", 250)


# Nothing listens there, so that the queue keeps what it got.
@pytest.mark.config({"mta": {"outbound": {"relay": "127.0.0.1:1"}}})
def test_a_submission_is_completed_and_remote_recipients_are_queued_in_its_commit(smtp, mail):
    assert smtp.auth_plain("alice@example.test", "alice secret")[0] == 235
    smtp.expect("MAIL FROM:<alice@example.test> RET=HDRS ENVID=QQ314159", 250)
    smtp.expect("RCPT TO:<bob@example.test>", 250)
    smtp.expect("RCPT TO:<far@Elsewhere.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;far@elsewhere.test", 250)
    smtp.expect("RCPT TO:<nobody@example.test>", 550)
    smtp.expect("DATA", 354)
    smtp.send(MESSAGE + ".\r\n")
    code, lines = smtp.reply()
    assert code == 250
    raw = mail.raw("bob@example.test", mail.mailbox("bob@example.test")[0].message)
    assert b"\r\nDate: " in raw and b"\r\nMessage-ID: <X" in raw
    address, transport, sender, options = mail.queue()[0]
    assert (address, transport, sender) == ("far@elsewhere.test", "smtp", "alice@example.test")
    assert '"success"' in options and "far@elsewhere.test" in options
    assert '"ret": "hdrs"' in mail.suite.sql("SELECT options FROM queue.message")
    assert "message.queued" in mail.trace(lines[0].split()[-1])


BLIND = b"From: alice@example.test\r\nBcc: bob@example.test,\r\n hidden@elsewhere.test\r\nSubject: s\r\nresent-bcc: hidden@elsewhere.test\r\n" \
        b"To: far@elsewhere.test\r\nDKIM-Signature: v=1; b=as it was\r\n\r\nBcc: in the body\r\n"
SHOWN = b"From: alice@example.test\r\nSubject: s\r\nTo: far@elsewhere.test\r\nDKIM-Signature: v=1; b=as it was\r\n\r\nBcc: in the body\r\n"


@pytest.mark.config({"mta": {"outbound": {"relay": "127.0.0.1:1"}, "limits": {"memory_message": 1024}}})
@pytest.mark.parametrize("rest", [b"", b"and more\r\n" * 20000], ids=["in memory", "in a file"])
@pytest.mark.parametrize("by", ["DATA", "BDAT"])
def test_blind_copies_are_seen_by_nobody(smtp, mail, by, rest):
    assert smtp.auth_plain("alice@example.test", "alice secret")[0] == 235
    smtp.expect("MAIL FROM:<alice@example.test>", 250)
    for recipient in "bob@example.test", "hidden@elsewhere.test", "far@elsewhere.test":
        smtp.expect("RCPT TO:<%s>" % recipient, 250)
    whole = BLIND + rest
    if by == "DATA":
        smtp.expect("DATA", 354)
        smtp.send(whole + b".\r\n")
    else:
        smtp.send(b"BDAT 40\r\n%sBDAT %d LAST\r\n%s" % (whole[:40], len(whole) - 40, whole[40:]))
        assert smtp.reply()[0] == 250
    assert smtp.reply()[0] == 250
    raw = mail.raw("bob@example.test", mail.mailbox("bob@example.test")[0].message)
    assert raw.endswith(b"\r\n" + SHOWN + rest) and raw.count(b"Bcc") == 1
    head, size = mail.suite.sql("SELECT encode(c.data, 'hex'), b.size FROM queue.body b JOIN queue.body_chunk c USING (body_id)"
                                " WHERE c.chunk_no = 0").split("|")
    assert int(size) == len(raw) - len(b"Return-Path: <alice@example.test>\r\n")
    unpacked = subprocess.run(["zstd", "-dc"], input=bytes.fromhex(head), stdout=subprocess.PIPE, check=True).stdout
    assert b"To: far@elsewhere.test" in unpacked and b"bcc" not in unpacked.lower()


@pytest.mark.config({"mta": {"outbound": {"relay": "127.0.0.1:1"}}})
def test_mail_from_elsewhere_keeps_its_bcc(suite, mail):
    mx = Smtp(suite.mta.address("mx"))
    assert mx.message("far@elsewhere.test", ["bob@example.test"], BLIND)[0] == 250
    assert mail.raw("bob@example.test", mail.mailbox("bob@example.test")[0].message).endswith(BLIND)


def test_a_refused_recipient_of_many_goes_into_a_notification(smtp, mail):
    mail.account("full@example.test", quota=100)
    assert smtp.auth_plain("alice@example.test", "alice secret")[0] == 235
    code, lines = smtp.message("alice@example.test", ["full@example.test", "bob@example.test"], MESSAGE)
    assert code == 250
    assert len(mail.mailbox("bob@example.test")) == 1
    assert mail.mailbox("full@example.test") == []
    report = arrived(mail, "alice@example.test")
    assert report.startswith(b"Return-Path: <>\r\n") and b"message/delivery-status" in report
    assert "message.bounced" in mail.trace(lines[0].split()[-1])
    code, lines = smtp.message("alice@example.test", ["full@example.test"], MESSAGE)
    assert (code, lines[0][:5]) == (552, "5.2.2")


def test_success_is_told_where_it_was_asked_for(smtp, mail):
    assert smtp.auth_plain("alice@example.test", "alice secret")[0] == 235
    smtp.expect("MAIL FROM:<alice@example.test>", 250)
    smtp.expect("RCPT TO:<bob@example.test> NOTIFY=SUCCESS", 250)
    smtp.expect("DATA", 354)
    smtp.send(MESSAGE + ".\r\n")
    assert smtp.reply()[0] == 250
    report = arrived(mail, "alice@example.test")
    assert report.startswith(b"Return-Path: <>\r\n") and b"message/delivery-status" in report


def test_more_than_fifty_local_recipients_go_through_the_queue(smtp, mail):
    many = ["user%d@example.test" % i for i in range(51)]
    mail.accounts(many)
    mail.alias("all@example.test", many, kind="group")
    assert smtp.auth_plain("alice@example.test", "alice secret")[0] == 235
    assert smtp.message("alice@example.test", ["all@example.test"], MESSAGE)[0] == 250
    deadline = time.monotonic() + 20
    while mail.queue():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert mail.suite.sql("SELECT count(*), count(DISTINCT account_id) FROM mail.entry") == "51|51"


def test_too_many_wrong_passwords_end_the_session(smtp):
    answers = []
    try:
        while not answers or answers[-1] != 421:
            answers.append(smtp.command("AUTH FROB")[0])
    except EOFError:
        pass
    assert answers.count(504) == 20


def test_tls_below_1_2_is_refused(plain):
    plain.expect("EHLO x", 250)
    plain.expect("STARTTLS", 220)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, socket.error)):
        old.wrap_socket(plain.socket)
