"""`jmap`: a running jmapd, one a test file; `alice` and `bob` are clients of fresh accounts."""
import pytest

from dromostest.accounts import Accounts
from dromostest.daemons import Suite
from jmap_client import new_client

@pytest.fixture(scope="module")
def jmap(request, cluster):
    """One jmapd a file; `JMAPD` in the module changes its configuration."""
    name = cluster.create_database()
    changes = getattr(request.module, "JMAPD", None)
    suite = Suite(cluster, name, {"jmapd": changes} if changes else None)
    suite.accounts = Accounts(suite)
    suite.start("jmapd")
    yield suite
    try:
        suite.close()
    finally:
        cluster.drop_database(name)


@pytest.fixture
def alice(jmap):
    return new_client(jmap, "alice")


@pytest.fixture
def bob(jmap):
    return new_client(jmap, "bob")
