"""What daemons refuse to work on: a schema older than they are, a server that would lose mail in a crash.

They say so and go on: /readyz is 503 with the reason, what clients ask for fails for now, and the daemon becomes
ready by itself once it is mended.
"""
import time
import urllib.error
import urllib.request

import pytest

from dromostest import pg
from dromostest.clients import Smtp
from dromostest.daemons import NAMES, Suite

TIMEOUT = 60


def readyz(daemon):
    """(status, text) of the daemon's /readyz."""
    try:
        with urllib.request.urlopen("http://%s:%d/readyz" % daemon.address("metrics"), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wait_ready(suite, status, text=""):
    for name in NAMES:
        limit = time.monotonic() + TIMEOUT
        while True:
            answer = readyz(suite.daemons[name])
            if answer[0] == status and text in answer[1]:
                break
            assert time.monotonic() < limit, "%s: %s\n%s" % (name, answer, suite.logs())
            time.sleep(0.05)
        assert suite.daemons[name].running()


def test_a_schema_that_is_too_old_is_refused_until_it_is_migrated(suite):
    newest, name = suite.sql("SELECT number || '|' || name FROM migration.applied ORDER BY number DESC LIMIT 1").split("|")
    before = suite.sql("SELECT number FROM migration.applied ORDER BY number DESC OFFSET 1 LIMIT 1")
    suite.sql("DELETE FROM migration.applied WHERE number = %s" % newest)
    suite.start()
    reason = "schema is at %s, this daemon needs %s: run dromosctl migrate" % (before, newest)
    wait_ready(suite, 503, reason)
    for daemon in NAMES:
        log = suite.daemons[daemon].tail(1 << 20)
        assert "database.refused" in log and reason in log
    smtp = Smtp(suite.mta.address("mx"))
    smtp.command("EHLO client.example")
    smtp.command("MAIL FROM:<a@example.org>")
    assert str(smtp.command("RCPT TO:<b@example.test>")).lstrip("([").startswith("4")
    suite.sql("INSERT INTO migration.applied (number, name) VALUES (%s, '%s')" % (newest, name))
    wait_ready(suite, 200)


def test_a_missing_migration_below_the_newest_is_named(suite):
    suite.sql("DELETE FROM migration.applied WHERE number = 60")
    suite.start()
    wait_ready(suite, 503, "schema lacks 0060_admin: run dromosctl migrate")


def test_a_newer_schema_is_accepted(suite):
    suite.sql("INSERT INTO migration.applied (number, name) VALUES (9999, '9999_of_the_next_release')")
    suite.start()
    wait_ready(suite, 200)


@pytest.fixture
def careless():
    """A cluster of its own, whose settings a test may spoil."""
    with pg.Cluster.own() as cluster:
        yield cluster


def test_a_server_that_would_lose_mail_is_refused_also_after_a_restart(careless):
    reason = "fsync or full_page_writes off"
    careless.stop()
    careless.start(fsync="off")
    with Suite(careless, careless.create_database()) as suite:
        suite.start()
        wait_ready(suite, 503, reason)
        careless.stop()
        careless.start()
        wait_ready(suite, 200)
        # Met again by reconnecting, after it had been found good.
        careless.stop()
        careless.start(full_page_writes="off")
        wait_ready(suite, 503, reason)
        careless.stop()
        careless.start()
        wait_ready(suite, 200)
