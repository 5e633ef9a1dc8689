"""Fixtures: `ctl` runs dromosctl, `rest` speaks to a running admind as an owner."""
import pytest

from dromostest.daemons import Suite

from admin_client import Ctl, Rest


@pytest.fixture
def ctl(suite):
    return Ctl(suite)


@pytest.fixture
def rest(suite, ctl):
    suite.start("admind")
    ctl.token = ctl.json("admin", "create", "root")["token"]
    return Rest(suite, token=ctl.token)


@pytest.fixture
def domain(rest):
    rest.json("POST", "/domains", {"name": "example.test"}, expect=201)
    return "example.test"


@pytest.fixture
def key_with(suite, rest):
    """A client whose key has only these scopes."""
    def make(*scopes, owner="root"):
        key = rest.json("POST", "/administrators/%s/api-keys" % owner, {"label": "t", "scopes": list(scopes)}, expect=201)
        return Rest(suite, token=key["secret"])
    return make


@pytest.fixture(scope="module")
def shared(cluster):
    """One admind for all tests of a file that change nothing another one would see; as `rest`, with its domain."""
    database = cluster.create_database()
    started = Suite(cluster, database)
    try:
        started.start("admind")
        client = Rest(started, token=Ctl(started).json("admin", "create", "root")["token"])
        client.json("POST", "/domains", {"name": "example.test"}, expect=201)
        yield client
    finally:
        started.close()
        cluster.drop_database(database)
