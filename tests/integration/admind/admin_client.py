"""dromosctl and the REST of admind, as tests use them."""
import json
import subprocess

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
