"""deploy/quickstart as a newcomer uses it: from a long path, in the background, twice, ended by Ctrl-C."""
import fcntl
import imaplib
import os
import pathlib
import signal
import socket
import ssl
import stat
import tempfile

import pytest

from quickstart_clone import PATH_LENGTH, PATIENCE, Clone, alive

DAEMONS = ["MTA", "IMAPD", "JMAPD", "SPAMD", "ADMIND"]
LISTENERS = ["MTA_MX", "MTA_SUBMISSION", "MTA_SUBMISSIONS", "MTA_LMTP", "IMAPD_IMAP", "IMAPD_IMAPS", "JMAPD_HTTP", "JMAPD_HTTPS",
             "ADMIND_HTTP", "ADMIND_HTTPS"] + [name + "_METRICS" for name in DAEMONS]


@pytest.fixture
def clone(tmp_path):
    # One at a time: each takes the same ports where they are free, between a look and a bind.
    with open(pathlib.Path(tempfile.gettempdir()) / ("dromos-test-quickstart-%d.lock" % os.getuid()), "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        made = Clone(tmp_path)
        assert len(str(made.root)) == PATH_LENGTH
        yield made
        made.close()


def subjects(env):
    context = ssl.create_default_context(cafile=env["DROMOS_CA"])
    client = imaplib.IMAP4_SSL(env["DROMOS_IMAPD_IMAPS_HOST"], int(env["DROMOS_IMAPD_IMAPS_PORT"]), ssl_context=context, timeout=PATIENCE)
    client.login(env["DROMOS_BOB"], env["DROMOS_BOB_PASSWORD"])
    count = int(client.select("INBOX", readonly=True)[1][0])
    client.logout()
    return count


def accepts(env, listener):
    with socket.socket() as probe:
        probe.settimeout(PATIENCE)
        return probe.connect_ex((env["DROMOS_%s_HOST" % listener], int(env["DROMOS_%s_PORT" % listener]))) == 0


def test_background_and_again(clone):
    done = clone.run("--detach")
    assert done.returncode == 0, done.stdout
    assert "bob's IDLE woke" in done.stdout and "message.delivered" in done.stdout
    first = clone.env()
    assert all(accepts(first, listener) for listener in LISTENERS)
    assert {"DROMOS_TOKEN", "DROMOS_URL", "DROMOS_JMAP_URL", "DROMOS_ALICE_PASSWORD", "DROMOS_PG"} <= set(first)
    assert stat.S_IMODE(os.stat(clone.root / "var/quickstart.env").st_mode) == 0o600
    # Sockets have 107 bytes, so they cannot lie in this clone.
    assert not str(clone.place()).startswith(str(clone.root)) and len(str(clone.place())) < 60
    assert subjects(first) == 1

    again = clone.run("--detach")
    assert again.returncode != 0 and "already running" in again.stdout
    assert clone.run("--stop").returncode == 0
    assert not any(accepts(first, listener) for listener in LISTENERS)
    assert not any(alive(int(first["DROMOS_%s_PID" % name])) for name in DAEMONS)
    assert not (clone.place() / "pg/data/postmaster.pid").exists()

    # Data outlive a restart, and so do the passwords and the authority that clients were told to trust.
    done = clone.run("--detach")
    assert done.returncode == 0, done.stdout
    second = clone.env()
    assert all(first[key] == second[key] for key in ("DROMOS_TOKEN", "DROMOS_ALICE_PASSWORD", "DROMOS_BOB_PASSWORD", "DROMOS_CA"))
    assert subjects(second) == 2


def test_ctrl_c_ends_all_of_it_and_reset_asks(clone):
    child, said = clone.start(), []
    for line in child.stdout:
        said.append(line)
        if line.startswith("Running."):
            break
    else:
        pytest.fail("it ended by itself with status %d:\n%s" % (child.wait(), "".join(said)))
    env = clone.env()
    refused = clone.run("--stop")
    assert refused.returncode != 0 and "at work" in refused.stdout
    assert accepts(env, "IMAPD_IMAP")
    os.killpg(child.pid, signal.SIGINT)
    child.communicate(timeout=PATIENCE)
    assert child.returncode == 0
    assert not any(alive(int(env["DROMOS_%s_PID" % name])) for name in DAEMONS)
    assert not (clone.place() / "pg/data/postmaster.pid").exists()

    state = (clone.place() / "state.json").read_text()
    for answer in ("n\n", "\n", ""):
        kept = clone.run("--reset", "--once", answer=answer)
        assert kept.returncode != 0 and "nothing was changed" in kept.stdout
    assert (clone.place() / "state.json").read_text() == state
    anew = clone.run("--reset", "--detach", answer="y\n")
    assert anew.returncode == 0, anew.stdout
    assert clone.env()["DROMOS_BOB_PASSWORD"] != env["DROMOS_BOB_PASSWORD"]
    assert subjects(clone.env()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="standard ports need root")
def test_standard_ports(clone):
    done = clone.run_alone("--once", "--ports", "standard")
    assert done.returncode == 0, done.stdout
    env = clone.env()
    standard = {"MTA_MX": 25, "MTA_SUBMISSION": 587, "MTA_SUBMISSIONS": 465, "IMAPD_IMAP": 143, "IMAPD_IMAPS": 993, "JMAPD_HTTP": 80, "JMAPD_HTTPS": 443}
    assert {name: int(env["DROMOS_%s_PORT" % name]) for name in standard} == standard
