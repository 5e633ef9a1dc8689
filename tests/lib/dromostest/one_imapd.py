"""imapd alone over a database of its own: fixtures for the conftest.py of the tests of IMAP and of POP3.

    from dromostest.one_imapd import accounts, opened, server

Accounts alice and bob at example.test, password "secret". A client that a fixture opens is closed after the test if its
close() is given to `opened`.
"""
import contextlib

import pytest

from .accounts import Accounts

ALICE, BOB, PASSWORD = "alice@example.test", "bob@example.test", "secret"


def simple(subject, body="hello\r\n"):
    return ("From: a@example.org\r\nTo: b@example.test\r\nSubject: %s\r\nDate: Tue, 10 Mar 2026 10:00:00 +0000\r\n\r\n%s"
            % (subject, body)).encode()


@pytest.fixture
def accounts(suite):
    made = Accounts(suite)
    made.account(ALICE, PASSWORD)
    made.account(BOB, PASSWORD)
    return made


@pytest.fixture
def server(suite, accounts):
    suite.start("imapd")
    return suite


@pytest.fixture
def opened():
    """opened.callback(client.close)"""
    with contextlib.ExitStack() as stack:
        yield stack
