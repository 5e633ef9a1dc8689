"""Bad input, lost database, killed daemon: clear refusals, and the daemon lives."""
import re
import threading

import pytest

from imapd_client import Raw, simple


def alive(connect):
    assert connect().answer("NOOP").startswith("OK")


def test_endless_line_nul_and_garbage(connect):
    client = connect(login=None)
    client.send(b"a NOOP\0\r\nb NOOP\r\n")
    assert client.until("b")[1].startswith(b"OK")
    with pytest.raises((EOFError, OSError)):
        client.send(b"x " * 200000)
        while True:
            client.response()
    alive(connect)


def test_literal_bombs(connect):
    client = connect(login=None)
    client.send(b"a LOGIN {4294967295}\r\n")
    assert client.response().startswith((b"a BAD", b"a NO", b"* BYE"))
    client = connect()
    client.send(b"b APPEND INBOX {99999999999}\r\n")
    assert client.response().startswith(b"b NO [TOOBIG]")
    client.send(b"c SEARCH SUBJECT {99999999}\r\n")
    assert client.response().startswith((b"c BAD", b"c NO"))
    client = connect()
    with pytest.raises((EOFError, OSError)):  # past what is skipped of a refused command, the connection ends
        client.send(b"d APPEND INBOX {999999999+}\r\n" + b"x" * 600000)
        while True:
            client.response()
    alive(connect)


def test_nested_search_and_wide_sets(connect):
    client = connect(select="INBOX")
    assert client.answer("SEARCH " + "(" * 2000 + "ALL" + ")" * 2000).startswith("BAD")
    assert client.answer("SEARCH " + "NOT " * 3000 + "ALL").startswith("BAD")
    assert client.answer("UID SEARCH UID " + ",".join(str(n * 2 + 1) for n in range(5000))).startswith("OK")
    assert client.answer("UID FETCH 1:4294967295 FLAGS").startswith("OK")
    assert client.answer('LIST "" ' + "*%" * 300 + "x").startswith("OK")
    assert client.answer("CREATE a//b").startswith("NO")
    assert client.answer("CREATE ../x").startswith("NO")


def test_nothing_before_login(connect):
    client = connect(login=None)
    for command in ("LIST \"\" *", "APPEND INBOX {3+}\r\nabc", "IDLE", "FETCH 1 FLAGS", "ENABLE QRESYNC", "NAMESPACE"):
        assert client.answer(command).startswith("BAD"), command


def test_plaintext_login_is_refused_and_starttls_drops_what_was_injected(server):
    client = Raw(server.imapd.address("imap"))
    assert b"LOGINDISABLED" in client.greeting and b"STARTTLS" in client.greeting
    assert client.answer("LOGIN bob@example.test secret").startswith("NO [PRIVACYREQUIRED]")
    assert client.answer("AUTHENTICATE PLAIN AAAA").startswith("NO")
    client.send("s STARTTLS\r\ni CAPABILITY\r\n")
    assert client.until("s")[1].startswith(b"OK")
    client.socket = server.authority.client_context().wrap_socket(client.socket, server_hostname="localhost")
    client.file = client.socket.makefile("rb")
    untagged, answer = client.run("NOOP")
    assert untagged == [] and answer.startswith(b"OK")
    assert client.answer("LOGIN bob@example.test secret").startswith("OK")
    assert client.answer("STARTTLS").startswith("BAD")
    client.close()


@pytest.mark.config({"imapd": {"limits": {"connections_per_ip": 3, "connections_per_account": 2}}})
def test_limits_by_address_and_account(server, connect):
    connect(), connect()
    third = connect(login=None)
    assert third.answer("LOGIN bob@example.test secret").startswith("NO [LIMIT]")
    with pytest.raises((EOFError, OSError)):
        connect(login=None)
    third.close()


def test_many_wrong_logins_end_the_session(connect):
    client = connect(login=None)
    client.send("".join("f%d LOGIN nobody%d@example.test no\r\n" % (n, n) for n in range(6)))
    with pytest.raises(EOFError):
        while True:
            client.response()


def test_sessions_outlive_the_database(cluster, server, connect):
    client = connect()
    client.append("INBOX", simple("before"))
    client.ok("SELECT INBOX")
    cluster.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dromos_imapd'"
                 " AND datname = '%s'" % server.database)
    answers = [client.answer("FETCH 1 BODY.PEEK[]") for _ in range(3)]
    assert all(a.startswith(("OK", "NO [UNAVAILABLE]")) for a in answers) and answers[-1].startswith("OK"), answers
    assert client.append("INBOX", simple("after")).startswith("OK")


def test_killed_after_the_commit_of_append_stores_it_once(suite, accounts):
    suite.start("imapd", env={"DROMOS_FAULT": "imapd.append.after_commit:1:kill"})
    context = suite.authority.client_context()
    client = Raw(suite.imapd.address("imaps"), context, "bob@example.test")
    with pytest.raises((EOFError, OSError)):
        client.append("INBOX", simple("killed"))
        client.response()
    suite.imapd.process.wait()
    suite.start("imapd")
    client = Raw(suite.imapd.address("imaps"), context, "bob@example.test")
    assert client.ok("STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 1)"]
    assert client.append("INBOX", simple("next")).startswith("OK")
    client.close()


def test_twenty_sessions_append_and_expunge_at_once(server, connect):
    errors = []

    def work(client):
        try:
            for n in range(10):
                assert client.append("INBOX", simple("n%d" % n)).startswith("OK")
                client.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
                client.ok("UID EXPUNGE 1:*")
                client.ok("NOOP")
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    clients = [connect(select="INBOX") for _ in range(20)]
    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors
    assert re.search(rb"MESSAGES 0", clients[0].ok("STATUS INBOX (MESSAGES)")[0])
