"""Fixtures: `ctl` runs dromosctl, `rest` speaks to a running admind as an owner."""
import json
import subprocess

import pytest

from dromostest import paths
from dromostest.clients import Http


class Ctl:
    def __init__(self, suite):
        self.suite = suite
        self.token = None

    def run(self, *arguments, stdin=None, expect=0):
        command = [str(paths.BIN / "dromosctl"), "--config", str(self.suite.config_file), *arguments]
        if self.token and "--token" not in arguments:
            command += ["--url", "http://%s:%d" % self.suite.admind.address("http"), "--token", self.token]
        done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        assert done.returncode == expect, "%s: exit %d\n%s%s" % (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout if expect == 0 else done.stderr

    def json(self, *arguments, **kwargs):
        return json.loads(self.run(*arguments, "--json", **kwargs))


class Rest(Http):
    """Paths are below /api/v1."""

    def __init__(self, suite, **credentials):
        super().__init__("http://%s:%d/api/v1" % suite.admind.address("http"), **credentials)

    def refused(self, status, method, path, body=None, headers=None):
        """The problem document of a request that must be refused."""
        got, head, data = self.request(method, path, body, headers)
        assert got == status, "%s %s: wanted %d, got %d %r" % (method, path, status, got, data[:500])
        assert head["Content-Type"] == "application/problem+json", head["Content-Type"]
        problem = json.loads(data)
        assert problem["status"] == status and problem["title"] and problem["type"].startswith("urn:dromos:problem:")
        return problem


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
