"""`mail`: accounts of example.test and a running mta."""
import pytest

from dromostest.accounts import Accounts


@pytest.fixture
def accounts(suite):
    made = Accounts(suite)
    made.account("alice@example.test", "alice secret")
    made.account("bob@example.test", "bob secret")
    return made


@pytest.fixture
def mail(suite, accounts):
    suite.start("mta")
    return accounts
