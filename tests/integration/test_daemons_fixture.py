"""The daemon fixture and the SMTP client, against a stand-in: start, ports, transcript, stop, crash, no drain."""
import pytest

from dromostest import daemons, paths
from dromostest.clients import Smtp

STAND_IN = r'''#!/usr/bin/python3
import json, os, signal, socket, sys
ports_file = sys.argv[sys.argv.index("--ports-file") + 1]
mode = os.environ.get("STAND_IN", "serve")
if mode == "crash":
    sys.exit("cannot bind: reason 4711")
signal.signal(signal.SIGTERM, signal.SIG_IGN if mode == "stubborn" else lambda *unused: os._exit(0))
listener = socket.create_server(("127.0.0.1", 0))
with open(ports_file + ".new", "w") as out:
    json.dump({"mx": ["127.0.0.1:%d" % listener.getsockname()[1]]}, out)
os.rename(ports_file + ".new", ports_file)
while True:
    connection, _ = listener.accept()
    stream = connection.makefile("rwb", buffering=0)
    stream.write(b"220 stand-in\r\n")
    body = None
    while line := stream.readline():
        if body is not None:
            body += line
            if line == b".\r\n":
                stream.write(b"250 2.0.0 " + body.hex().encode() + b"\r\n")
                body = None
        elif line.startswith(b"EHLO"):
            stream.write(b"250-stand-in\r\n250 PIPELINING\r\n")
        elif line.startswith(b"DATA"):
            body = b""
            stream.write(b"354 go on\r\n")
        else:
            stream.write(b"250 2.1.0 " + line)
'''


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    binary = tmp_path / "dromos-mta"
    binary.write_text(STAND_IN)
    binary.chmod(0o755)
    monkeypatch.setattr(paths, "BIN", tmp_path)
    monkeypatch.setattr(daemons, "STOP_TIMEOUT", 1)


def test_a_daemon_starts_answers_and_ends(stand_in, suite):
    suite.start("mta")
    smtp = Smtp(suite.mta.address("mx"))
    assert smtp.greeting == (220, ["stand-in"])
    assert smtp.command("EHLO x") == (250, ["stand-in", "PIPELINING"])
    code, lines = smtp.message("a@x", ["b@x", "c@x"], "Subject: x\n\n.dot\r\n..\nend")
    assert code == 250
    assert bytes.fromhex(lines[0].split()[1]) == b"Subject: x\r\n\r\n..dot\r\n...\r\nend\r\n.\r\n"
    smtp.close()
    assert suite.mta.stop() == 0
    assert not suite.mta.running()


def test_a_daemon_that_ends_at_once_shows_its_log(stand_in, suite):
    with pytest.raises(daemons.Failure, match="reason 4711"):
        suite.start("mta", env={"STAND_IN": "crash"})


def test_a_daemon_that_ignores_sigterm_is_killed_and_reported(stand_in, suite):
    suite.start("mta", env={"STAND_IN": "stubborn"})
    with pytest.raises(daemons.Failure, match="did not end"):
        suite.mta.stop()
    assert not suite.mta.running()
