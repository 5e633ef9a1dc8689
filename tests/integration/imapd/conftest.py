"""imapd alone over an own database; accounts alice and bob at example.test, password "secret"."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from dromostest.accounts import Accounts  # noqa: E402
from imapd_client import PASSWORD, Raw  # noqa: E402


@pytest.fixture
def accounts(suite):
    made = Accounts(suite)
    made.account("alice@example.test", PASSWORD)
    made.account("bob@example.test", PASSWORD)
    return made




@pytest.fixture
def server(suite, accounts):
    suite.start("imapd")
    return suite


@pytest.fixture
def connect(server):
    """connect(login="bob@example.test") -> Raw over TLS, logged in; login=None: not."""
    opened = []
    context = server.authority.client_context()

    def make(login="bob@example.test", select=None, timeout=30):
        client = Raw(server.imapd.address("imaps"), context, login, timeout)
        opened.append(client)
        if select:
            client.ok("SELECT " + select)
        return client

    yield make
    for client in opened:
        client.close()
