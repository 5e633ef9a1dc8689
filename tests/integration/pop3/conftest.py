"""imapd alone over an own database; account bob at example.test, password "secret"; mail comes in by IMAP's APPEND."""
import imaplib
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from dromostest.one_imapd import BOB, PASSWORD, accounts, opened, server  # noqa: E402, F401
from pop3_client import Pop  # noqa: E402


@pytest.fixture
def pop(server, opened):  # noqa: F811
    """pop(login="bob@example.test") -> Pop over TLS, logged in; login=None: not; tls=False: port 110."""
    def make(login=BOB, tls=True, timeout=60):
        context = server.authority.client_context() if tls else None
        client = Pop(server.imapd.address("pop3s" if tls else "pop3"), context, login, timeout)
        opened.callback(client.close)
        return client

    return make


def logged_in(server):  # noqa: F811
    client = imaplib.IMAP4_SSL(*server.imapd.address("imaps"), ssl_context=server.authority.client_context(), timeout=60)
    client.login(BOB, PASSWORD)
    return client


@pytest.fixture
def imap(server, opened):  # noqa: F811
    """imap() -> imaplib client with INBOX selected."""
    def make():
        client = logged_in(server)
        opened.callback(client.shutdown)
        assert client.select("INBOX")[0] == "OK"
        return client

    return make


@pytest.fixture
def deliver(server):  # noqa: F811
    """deliver(message...): octets as they are, lone line feeds included."""
    def append(*messages):
        client = logged_in(server)
        for message in messages:
            tag = client._new_tag()
            client.send(tag + b" APPEND INBOX {%d+}\r\n%s\r\n" % (len(message), message))
            while not client.readline().startswith(tag + b" OK"):
                pass
        client.shutdown()
    return append
