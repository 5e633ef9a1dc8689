"""Fixtures: `database` (an own database from the template), `suite` (daemons over it; start what you need).

    def test_mail_arrives(suite):
        suite.start("mta", "imapd")
        smtp = Smtp(suite.mta.address("mx"))

Configuration is changed by a mark: @pytest.mark.config({"mta": {"limits": {"recipients": 100}}}).
Logs of the daemons are printed when the test fails.
"""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from dromostest import pg  # noqa: E402
from dromostest.daemons import Suite  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "config(changes): merged into the generated dromos.yaml")


@pytest.fixture(scope="session")
def cluster():
    """The cluster of DROMOS_TEST_PG (tests/run starts it), or one for this pytest process."""
    with pg.any_cluster() as cluster:
        yield cluster


@pytest.fixture
def database(cluster):
    name = cluster.create_database()
    yield name
    cluster.drop_database(name)


@pytest.fixture
def suite(request, cluster, database):
    mark = request.node.get_closest_marker("config")
    started = Suite(cluster, database, mark.args[0] if mark else None)
    yield started
    report = getattr(request.node, "call_report", None)
    logs = started.logs()
    try:
        started.close()
    finally:
        if report is None or report.failed:
            print(logs)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.call_report = outcome.get_result()
