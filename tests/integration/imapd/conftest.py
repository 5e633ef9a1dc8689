"""imapd alone over an own database; accounts alice and bob at example.test, password "secret"."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from dromostest.one_imapd import BOB, accounts, opened, server  # noqa: E402, F401
from imapd_client import Raw  # noqa: E402


@pytest.fixture
def connect(server, opened):  # noqa: F811
    """connect(login="bob@example.test") -> Raw over TLS, logged in; login=None: not."""
    context = server.authority.client_context()

    def make(login=BOB, select=None, timeout=30):
        client = Raw(server.imapd.address("imaps"), context, login, timeout)
        opened.callback(client.close)
        if select:
            client.ok("SELECT " + select)
        return client

    return make
