"""Real clients against the whole suite: the one that `deploy/quickstart --detach` left running, or one started here.

`person` is an account of its own for each test. After each test the logs of all daemons must hold no warning.
"""
import json
import os
import pathlib
import re
import secrets
import shlex
import subprocess
import sys
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENV_FILE = ROOT / "var/quickstart.env"
DAEMONS = ["mta", "imapd", "jmapd", "spamd", "admind"]

sys.path.insert(0, str(ROOT / "tests/lib"))
from mailbox_world import Person  # noqa: E402


def quickstart(*arguments):
    done = subprocess.run([str(ROOT / "deploy/quickstart"), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


def read_env():
    script = "set -a; . %s; env -0" % shlex.quote(str(ENV_FILE))
    out = subprocess.run(["env", "-i", "/bin/sh", "-c", script], check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(pair.split("=", 1) for pair in out.split("\0") if "=" in pair)


def is_running():
    if not ENV_FILE.exists():
        return False
    try:
        command = pathlib.Path("/proc/%s/cmdline" % read_env()["DROMOS_IMAPD_PID"]).read_bytes()
    except (OSError, KeyError):
        return False
    return b"dromos-imapd" in command


@pytest.fixture(scope="session")
def env():
    if is_running():
        yield read_env()
        return
    quickstart("--detach", "--no-story", *os.environ.get("DROMOS_QUICKSTART_OPTIONS", "").split())
    yield read_env()
    quickstart("--stop")


class Logs:
    """What the daemons logged since this was made."""

    def __init__(self, env):
        place = pathlib.Path(env["DROMOS_CONFIG"]).parent
        self.begin = {place / (name + ".log"): (place / (name + ".log")).stat().st_size for name in DAEMONS}

    def warnings(self):
        found = []
        for path, begin in self.begin.items():
            with open(path, errors="replace") as log:
                log.seek(begin)
                found += [line for line in log if re.search(r"\blevel=(warn|error)\b", line) or not line.startswith("ts=")]
        return found


@pytest.fixture(autouse=True)
def quiet_logs(env):
    logs = Logs(env)
    yield
    assert logs.warnings() == []


@pytest.fixture
def person(env, tmp_path):
    """Somebody new, with a home folder of its own for its client."""
    address, password = "p%s@%s" % (secrets.token_hex(5), env["DROMOS_DOMAIN"]), secrets.token_urlsafe(12)
    body = json.dumps({"address": address, "password": password, "display_name": "Pat Person"}).encode()
    request = urllib.request.Request(env["DROMOS_URL"] + "/api/v1/accounts", body, method="POST", headers={
        "Authorization": "Bearer " + env["DROMOS_TOKEN"], "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60):
        return Person(env, address, password, tmp_path)
