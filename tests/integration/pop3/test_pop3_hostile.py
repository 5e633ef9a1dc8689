"""Bad input, lost database, killed daemon: clear refusals, nothing half done, and the daemon lives."""
import imaplib
import re
import threading
import time

import pytest

from pop3_client import BOB, PASSWORD, Pop, simple


def until_the_end(client):
    """What comes until the connection ends."""
    seen = []
    try:
        while True:
            seen.append(client.line())
    except (EOFError, OSError):
        return seen


def resident_kb(server):
    with open("/proc/%d/status" % server.imapd.process.pid, encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


def test_long_lines_and_nuls(pop):
    client = pop(login=None)
    client.send(b"NOOP\0\r\nUSER a\nPASS b\r\nNO\rOP\r\n" + b"USER " + b"x" * 5000 + b"\r\nCAPA\r\n")
    for said in ("NUL", "bare LF", "bare CR", "too long"):
        answer = client.line().decode()
        assert answer.startswith("-ERR") and said in answer
    assert client.line().startswith(b"+OK")
    client.rest()
    client.send(b"USER " + b"y" * 20000 + b"\r\n")
    assert b"too long" in client.line()
    pop().ok("NOOP")


def test_a_line_without_end_ends_the_session(server, pop):
    client = pop(login=None, tls=False)
    before = resident_kb(server)
    try:
        for _ in range(64):
            client.send(b"x" * 65536)
    except OSError:
        pass
    assert len(until_the_end(client)) <= 1
    assert resident_kb(server) - before < 4096
    pop().ok("NOOP")


def test_injected_plaintext_behind_stls_is_dropped(server, pop):
    client = pop(login=None, tls=False)
    client.send("STLS\r\nUSER %s\r\nPASS %s\r\nSTAT\r\nCAP" % (BOB, PASSWORD))
    assert client.line().startswith(b"+OK Begin")
    client.secure(server.authority.client_context())
    client.send("NOOP\r\n")
    assert client.line() == b"-ERR Log in first"
    client.socket.settimeout(1)
    with pytest.raises(OSError):
        client.line()


def test_errors_without_end_end_the_session(pop):
    client = pop(login=None)
    client.send("NONSENSE\r\n" * 1000)
    assert len(until_the_end(client)) < 50
    pop().ok("NOOP")


def test_many_wrong_logins_end_the_session(pop):
    client = pop(login=None)
    client.send("".join("USER nobody%d@example.test\r\nPASS no\r\n" % n for n in range(8)))
    answers = until_the_end(client)
    assert [a for a in answers if a.startswith(b"-ERR")] == [b"-ERR [AUTH] Authentication failed"] * 5


def test_wrong_logins_are_slowed_together_with_imap(server, pop):
    # The throttle is the directory's, so failures in one protocol count in the other.
    for _ in range(4):
        client = pop(login=None)
        client.ok("USER " + BOB)
        assert client.err("PASS wrong").startswith("[AUTH]")
    began = time.monotonic()
    client = pop(login=None)
    client.ok("USER " + BOB)
    client.ok("PASS " + PASSWORD)
    assert time.monotonic() - began >= 0.9


@pytest.mark.config({"imapd": {"limits": {"connections_per_ip": 3, "connections_per_account": 2}}})
def test_limits_by_address_and_account(server, pop):
    pop(), pop()
    third = pop(login=None)
    third.ok("USER " + BOB)
    assert third.err("PASS " + PASSWORD).startswith("[SYS/TEMP]")
    fourth = pop(login=None, tls=False)
    assert fourth.greeting == b"-ERR [SYS/TEMP] Too many connections" and fourth.ended()


@pytest.mark.config({"imapd": {"limits": {"login_timeout": "1s", "pop3_idle_timeout": "1s"}}})
def test_idle_sessions_end_without_update(pop, deliver):
    deliver(simple("stays"))
    assert pop(login=None).ended()
    client = pop()
    client.ok("DELE 1")
    assert client.ended()
    assert pop().ok("STAT").split()[0] == "1"


def test_a_flood_of_requests_is_paced_by_the_reader(server, pop, deliver):
    deliver(simple("big", "x" * 70 + "\r\n" + "line of text\r\n" * 20000))
    client = pop()
    before = resident_kb(server)
    reader_done = []

    def feed():
        try:
            client.send("RETR 1\r\n" * 2000)
        except OSError:
            reader_done.append(True)

    feeder = threading.Thread(target=feed)
    feeder.start()
    time.sleep(2)  # nobody reads: 560 MB are asked for
    assert resident_kb(server) - before < 32 * 1024
    pop().ok("NOOP")
    client.socket.shutdown(2)
    feeder.join()


def test_without_the_database(cluster, server, pop, deliver):
    deliver(simple("one"))
    client, fresh = pop(), pop()
    assert client.ok("STAT") == "1 %d" % len(simple("one"))
    deliver(simple("two"))
    later = pop()
    cluster.psql("ALTER DATABASE %s CONNECTION LIMIT 0" % server.database)
    try:
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dromos_imapd' AND datname = '%s'" % server.database
        cluster.psql(end)
        assert client.err("RETR 1").startswith("[SYS/TEMP]")
        assert client.ok("STAT") == fresh.ok("STAT") == "1 %d" % len(simple("one"))  # known already
        assert later.err("STAT").startswith("[SYS/TEMP]") and later.err("LIST").startswith("[SYS/TEMP]")
        assert len(later.many("UIDL")) == 2
        other = pop(login=None)
        other.ok("USER " + BOB)
        assert other.err("PASS " + PASSWORD).startswith("[SYS/TEMP]")
    finally:
        cluster.psql("ALTER DATABASE %s CONNECTION LIMIT -1" % server.database)
    assert client.message("RETR 1") == simple("one")


@pytest.mark.parametrize("point, left", [("before", "3"), ("after", "1")])
def test_killed_in_the_midst_of_quit(suite, accounts, point, left):
    suite.start("imapd")
    box = imaplib.IMAP4_SSL(*suite.imapd.address("imaps"), ssl_context=suite.authority.client_context())
    box.login(BOB, PASSWORD)
    for n in range(3):
        box.append("INBOX", "", None, simple("n%d" % n))
    box.logout()
    suite.imapd.stop()
    suite.start("imapd", env={"DROMOS_FAULT": "imapd.pop3.%s_commit:1:kill" % point})
    client = Pop(suite.imapd.address("pop3s"), suite.authority.client_context(), BOB)
    client.ok("DELE 1")
    client.ok("DELE 3")
    client.send("QUIT\r\n")
    assert until_the_end(client) == []
    suite.imapd.process.wait()
    suite.start("imapd")
    client = Pop(suite.imapd.address("pop3s"), suite.authority.client_context(), BOB)
    assert client.ok("STAT").split()[0] == left  # both gone or none
    client.close()


def test_drain_says_so_and_deletes_nothing(server, pop, deliver):
    deliver(simple("stays"))
    client = pop()
    client.ok("DELE 1")
    assert server.imapd.stop() == 0
    assert until_the_end(client) == [b"-ERR [SYS/TEMP] This server ends the session"]
    server.start("imapd")
    assert pop().ok("STAT").split()[0] == "1"


def test_no_warnings_in_the_log(server, pop, deliver):
    deliver(simple("one"))
    client = pop()
    client.message("RETR 1")
    client.ok("DELE 1")
    client.ok("QUIT")
    log = server.imapd.log.read_text()
    assert "level=warn" not in log and "level=error" not in log
    assert "protocol=pop3" in log
