"""SASL EXTERNAL (RFC 4422 appendix A) with client certificates, in IMAP and POP3."""
import base64
import ssl

import pytest

from dromostest.certificates import Authority
from imapd_client import Raw

BOB = "bob@example.test"


@pytest.fixture
def server(suite, accounts):
    suite.reconfigure({"tls": {"client_ca": str(suite.authority.ca.certificate)}})
    suite.start("imapd")
    return suite


def connect(server, pair=None):
    context = server.authority.client_context()
    if pair:
        context.load_cert_chain(str(pair.certificate), str(pair.key))
    return Raw(server.imapd.address("imaps"), context)


def b64(text):
    return base64.b64encode(text.encode()).decode() or "="


def test_the_address_of_a_certificate_is_a_login(server):
    client = connect(server, server.authority.person("Bob Builder", BOB))
    assert b"AUTH=EXTERNAL" in client.greeting
    assert client.answer("AUTHENTICATE EXTERNAL =").startswith("OK ")
    assert client.answer("SELECT INBOX").startswith("OK")
    # UNAUTHENTICATE leaves TLS and its certificate (RFC 8437 section 4.2).
    client.ok("UNAUTHENTICATE")
    assert client.answer("AUTHENTICATE EXTERNAL " + b64(BOB)).startswith("OK")
    client.ok("UNAUTHENTICATE")
    tag = client.tag()
    client.send(tag + " AUTHENTICATE EXTERNAL\r\n")
    assert client.response().startswith(b"+")
    client.send("\r\n")
    assert client.until(tag)[1].startswith(b"OK")


def test_the_common_name_where_there_is_no_address(server):
    assert connect(server, server.authority.person(BOB)).answer("AUTHENTICATE EXTERNAL =").startswith("OK")
    client = connect(server, server.authority.person("nobody@example.test"))
    assert client.answer("AUTHENTICATE EXTERNAL =").startswith("NO [AUTHENTICATIONFAILED]")


def test_nobody_acts_for_another_or_without_an_account(server):
    client = connect(server, server.authority.person("Bob Builder", BOB))
    assert client.answer("AUTHENTICATE EXTERNAL " + b64("alice@example.test")).startswith("NO [AUTHENTICATIONFAILED]")
    server.sql("UPDATE directory.account SET enabled = false")
    assert client.answer("AUTHENTICATE EXTERNAL =").startswith("NO [AUTHENTICATIONFAILED]")


def test_a_shared_account_has_no_login(server):
    server.sql("UPDATE directory.account SET shared = true WHERE id = directory.need_account('%s')" % BOB)
    client = connect(server, server.authority.person("Bob Builder", BOB))
    shared = client.answer("AUTHENTICATE EXTERNAL =")
    assert shared == connect(server, server.authority.person("nobody@example.test")).answer("AUTHENTICATE EXTERNAL =")
    assert shared.startswith("NO [AUTHENTICATIONFAILED]")


def test_without_a_certificate_external_is_not_offered(server):
    client = connect(server)
    assert b"EXTERNAL" not in client.greeting
    assert client.answer("AUTHENTICATE EXTERNAL " + b64(BOB)).startswith("NO [CANNOT]")
    assert client.answer("LOGIN %s secret" % BOB).startswith("OK")


def test_a_certificate_of_somebody_else_is_refused(server, tmp_path):
    with pytest.raises((ssl.SSLError, OSError, EOFError)):
        connect(server, Authority(tmp_path).person("Bob Builder", BOB)).answer("NOOP")


def test_pop3(server):
    context = server.authority.client_context()
    pair = server.authority.person("Bob Builder", BOB)
    context.load_cert_chain(str(pair.certificate), str(pair.key))
    with context.wrap_socket(__import__("socket").create_connection(server.imapd.address("pop3s"), 20), server_hostname="localhost") as stream:
        lines = stream.makefile("rb")
        assert lines.readline().startswith(b"+OK")
        stream.sendall(b"AUTH EXTERNAL =\r\n")
        assert lines.readline().startswith(b"+OK")
