"""imapd alone over an own database; account bob at example.test, password "secret"; mail comes in by IMAP's APPEND."""
import imaplib
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from dromostest.accounts import Accounts  # noqa: E402
from pop3_client import BOB, PASSWORD, Pop  # noqa: E402


@pytest.fixture
def accounts(suite):
    made = Accounts(suite)
    made.account(BOB, PASSWORD)
    return made


@pytest.fixture
def server(suite, accounts):
    suite.start("imapd")
    return suite


@pytest.fixture
def pop(server):
    """pop(login="bob@example.test") -> Pop over TLS, logged in; login=None: not; tls=False: port 110."""
    opened = []

    def make(login=BOB, tls=True, timeout=60):
        context = server.authority.client_context() if tls else None
        client = Pop(server.imapd.address("pop3s" if tls else "pop3"), context, login, timeout)
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def imap(server):
    """imap() -> imaplib client with INBOX selected."""
    opened = []

    def make():
        client = imaplib.IMAP4_SSL(*server.imapd.address("imaps"), ssl_context=server.authority.client_context(), timeout=60)
        client.login(BOB, PASSWORD)
        assert client.select("INBOX")[0] == "OK"
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.shutdown()


@pytest.fixture
def deliver(server):
    """deliver(message...): octets as they are, lone line feeds included."""
    def append(*messages):
        client = imaplib.IMAP4_SSL(*server.imapd.address("imaps"), ssl_context=server.authority.client_context(), timeout=60)
        client.login(BOB, PASSWORD)
        for message in messages:
            tag = client._new_tag()
            client.send(tag + b" APPEND INBOX {%d+}\r\n%s\r\n" % (len(message), message))
            while not client.readline().startswith(tag + b" OK"):
                pass
        client.shutdown()
    return append
