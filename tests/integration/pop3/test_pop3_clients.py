"""Clients as people use them: python's poplib, curl, mpop, fetchmail, getmail. A client that is not there fails."""
import email
import os
import poplib
import subprocess

import pytest

from pop3_client import BOB, LETTER, PASSWORD, simple

MESSAGES = [LETTER, simple("two", "\r\n.\r\nfrom here\r\nFrom there\r\n"), simple("three", "x" * 900 + "\r\n")]


def run(command, folder, accepted=(0,)):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                          env={"HOME": str(folder), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})
    assert done.returncode in accepted, done.stdout.decode(errors="replace")
    return done.stdout


def write_private(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def deliverer_into(folder):
    """(folder of messages, program that puts one there)"""
    box = folder / "box"
    box.mkdir()
    program = folder / "deliver"
    program.write_text("#!/bin/sh\ncat > $(mktemp %s/XXXXXX)\n" % box)
    program.chmod(0o755)
    return box, program


def bodies(messages):
    """What must survive any client's own headers and line ends."""
    return sorted(email.message_from_bytes(bytes(m)).get_payload().replace("\r\n", "\n") for m in messages)


@pytest.fixture
def letters(deliver):
    deliver(*MESSAGES)
    return MESSAGES


@pytest.fixture
def place(server):
    """(port of pop3, port of pop3s, CA file)"""
    return server.imapd.address("pop3")[1], server.imapd.address("pop3s")[1], str(server.authority.ca.certificate)


def test_poplib(server, letters):
    client = poplib.POP3(*server.imapd.address("pop3"), timeout=30)
    with pytest.raises(poplib.error_proto):
        client.user(BOB)
    assert "STLS" in client.capa()
    client.stls(server.authority.client_context())
    client.utf8()
    client.user(BOB)
    client.pass_(PASSWORD)
    assert client.stat() == (3, sum(map(len, letters)))
    assert client.list()[1] == [b"%d %d" % (n + 1, len(m)) for n, m in enumerate(letters)]
    for number, letter in enumerate(letters, 1):
        answer, lines, _ = client.retr(number)
        assert answer.split()[1] == b"%d" % len(letter)
        assert b"".join(line + b"\r\n" for line in lines) == letter
    assert client.top(1, 1)[1][-1] == b"."
    assert len(client.uidl()[1]) == 3
    client.dele(2)
    client.rset()
    client.dele(1)
    client.quit()
    client = poplib.POP3_SSL(*server.imapd.address("pop3s"), context=server.authority.client_context(), timeout=30)
    client.user(BOB)
    client.pass_(PASSWORD)
    assert client.stat()[0] == 2
    client.quit()


@pytest.mark.parametrize("login", ["", "AUTH=PLAIN", "AUTH=LOGIN"])
def test_curl(place, letters, tmp_path, login):
    clear, secure, authority = place
    base = ["curl", "--silent", "--show-error", "--max-time", "60", "--cacert", authority, "--user", BOB + ":" + PASSWORD]
    base += ["--login-options", login] if login else []
    url = "pop3s://localhost:%d/" % secure
    listed = run([*base, "--resolve", "localhost:%d:127.0.0.1" % secure, url], tmp_path)
    assert listed.split() == b" ".join(b"%d %d" % (n + 1, len(m)) for n, m in enumerate(letters)).split()
    assert run([*base, "--resolve", "localhost:%d:127.0.0.1" % secure, url + "1"], tmp_path) == LETTER
    url = "pop3://localhost:%d/" % clear
    assert run([*base, "--ssl-reqd", "--resolve", "localhost:%d:127.0.0.1" % clear, url + "2"], tmp_path) == letters[1]
    run([*base, "--ssl-reqd", "--resolve", "localhost:%d:127.0.0.1" % clear, "--request", "DELE", "--list-only", url + "1"], tmp_path)
    assert len(run([*base, "--ssl-reqd", "--resolve", "localhost:%d:127.0.0.1" % clear, url], tmp_path).splitlines()) == 2


@pytest.mark.parametrize("method", ["user", "plain", "scram-sha-256"])
def test_mpop_keeps_then_takes(place, letters, tmp_path, method, pop, deliver):
    clear, secure, authority = place
    box = tmp_path / "box"
    for folder in ("cur", "new", "tmp"):
        (box / folder).mkdir(parents=True)
    for number, (port, starttls, keep) in enumerate(((secure, "off", "on"), (clear, "on", "on"), (secure, "off", "off"))):
        settings = write_private(tmp_path / ("mpoprc%d" % number), """account default
host localhost
port %d
user %s
password %s
auth %s
tls on
tls_starttls %s
tls_trust_file %s
keep %s
uidls_file %s/uidls
delivery maildir %s
""" % (port, BOB, PASSWORD, method, starttls, authority, keep, tmp_path, box))
        run(["mpop", "-C", settings], tmp_path)
        # What was fetched once is known by its unique id and not fetched again.
        assert len(list((box / "new").iterdir())) == (3 if number < 2 else 4)
        if number == 1:
            assert pop().ok("STAT").split()[0] == "3"
            deliver(simple("late"))
    assert pop().ok("STAT") == "0 0"
    assert bodies(path.read_bytes() for path in (box / "new").iterdir()) == bodies([simple("late")] + MESSAGES)


@pytest.mark.parametrize("secure", [True, False])
def test_fetchmail(place, letters, tmp_path, secure, pop):
    port = place[1] if secure else place[0]
    box, deliverer = deliverer_into(tmp_path)
    settings = write_private(tmp_path / "fetchmailrc", """set no bouncemail
poll localhost protocol pop3 service %d uidl
  user "%s" password "%s" %s sslcertck sslcertfile "%s" sslproto "TLS1.2+" mda "%s"
""" % (port, BOB, PASSWORD, "ssl" if secure else "", place[2], deliverer))

    def fetch(*options, accepted=(0,)):
        return run(["fetchmail", "-f", settings, "-i", str(tmp_path / "ids"), "--pidfile", str(tmp_path / "pid"), "--nosyslog", *options],
                   tmp_path, accepted).decode()

    said = fetch("--keep")
    assert bodies(path.read_bytes() for path in box.iterdir()) == bodies(letters), said
    assert "expected length" not in said and "rror" not in said, said
    fetch("--keep", accepted=(1,))  # nothing new: the unique ids are known
    assert len(list(box.iterdir())) == 3
    fetch("--nokeep", "--fetchall")
    assert pop().ok("STAT") == "0 0"


def test_getmail(place, letters, tmp_path, pop):
    box, deliverer = deliverer_into(tmp_path)
    rc = """[retriever]
type = SimplePOP3SSLRetriever
server = localhost
port = %d
username = %s
password = %s
ca_certs = %s
[destination]
type = MDA_external
path = %s
unixfrom = false
allow_root_commands = true
[options]
read_all = false
delete = %%s
""" % (place[1], BOB, PASSWORD, place[2], deliverer)
    command = ["getmail", "--getmaildir", str(tmp_path), "--rcfile", write_private(tmp_path / "getmailrc", rc % "false")]
    run(command, tmp_path)
    assert bodies(path.read_bytes() for path in box.iterdir()) == bodies(letters)
    run(command, tmp_path)
    assert len(list(box.iterdir())) == 3
    write_private(tmp_path / "getmailrc", rc % "true")
    run(command, tmp_path)
    assert pop().ok("STAT") == "0 0"
