"""Sessions on different workers share one mailbox; a search ends when its client goes."""
import re
import socket
import threading
import urllib.request

import pytest

from dromostest import metrics
from imapd_client import simple

several = pytest.mark.config({"imapd": {"workers": 3}})


def metric(server, name):
    with urllib.request.urlopen("http://%s:%d/metrics" % server.imapd.address("metrics"), timeout=10) as page:
        return int(float(re.search(r"^%s (\S+)$" % name, page.read().decode(), re.M)[1]))


def workers_used(server):
    return set(re.findall(r"event=session.start .*?worker=(\d+)", server.imapd.tail(1 << 20)))


@several
def test_sessions_on_three_workers_share_one_version_and_see_each_other(server, connect):
    clients = [connect(select="INBOX") for _ in range(3)]
    assert workers_used(server) == {"0", "1", "2"}
    assert metric(server, "dromos_imapd_cached_mailboxes") == 1
    for n, client in enumerate(clients, 1):
        assert client.append("INBOX", simple("by %d" % n)).startswith("OK")
        for other in clients:
            other.ok("NOOP")
            assert other.ok("UID SEARCH RETURN (COUNT) ALL")[0].endswith(b"COUNT %d" % n)
    one, two, three = clients
    one.ok("STORE 2 +FLAGS.SILENT (\\Flagged blue)")
    for other in (two, three):
        assert any(b"UID 2 FLAGS (\\Flagged blue)" in line for line in other.ok("NOOP"))
    three.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    two.ok("NOOP")
    two.ok("EXPUNGE")
    assert b"* 1 EXPUNGE" in one.ok("NOOP") and b"* 1 EXPUNGE" in three.ok("NOOP")
    assert metric(server, "dromos_imapd_cached_mailboxes") == 1
    one.ok("SELECT Archive")
    assert metric(server, "dromos_imapd_cached_mailboxes") == 2


@several
def test_idle_on_every_worker_is_woken(server, connect):
    idle = [connect(select="INBOX") for _ in range(4)]
    writer = connect()
    for client in idle:
        client.send("i IDLE\r\n")
        assert client.response().startswith(b"+")
    for n in range(1, 6):
        assert writer.append("INBOX", simple("%d" % n)).startswith("OK")
        for client in idle:
            assert client.response() == b"* %d EXISTS" % n
            assert client.response().endswith(b" RECENT")


@several
def test_a_mailbox_deleted_on_one_worker_ends_sessions_on_others(server, connect):
    one, two, three = connect(), connect(), connect()
    one.ok("CREATE Shortlived")
    two.ok("SELECT Shortlived")
    three.ok("SELECT Shortlived")
    three.send("i IDLE\r\n")
    assert three.response().startswith(b"+")
    one.ok("DELETE Shortlived")
    with pytest.raises(EOFError):
        while True:
            three.response()
    with pytest.raises((EOFError, OSError)):
        while True:
            two.run("NOOP")
    one.ok("CREATE Shortlived")
    assert b"* 0 EXISTS" in one.ok("SELECT Shortlived")


@several
def test_many_sessions_on_all_workers_change_one_mailbox(server, connect):
    """Keywords, flags, arrivals and expunges at once; in the end all know the same."""
    clients = [connect(select="INBOX") for _ in range(9)]
    errors = []

    def work(n, client):
        try:
            for turn in range(12):
                assert client.append("INBOX", simple("n%d" % n), "(k%d)" % n).startswith("OK")
                client.ok("UID STORE 1:* +FLAGS.SILENT (t%d-%d)" % (n, turn % 4))
                client.ok("UID FETCH 1:* (FLAGS)")
                if turn % 4 == 3:
                    client.ok("UID STORE 1:* -FLAGS.SILENT (t%d-0)" % n)
                    client.ok("SELECT Archive")
                    client.ok("SELECT INBOX")
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors
    views = []
    for client in clients:
        client.ok("NOOP")
        views.append(sorted(client.ok("UID FETCH 1:* (FLAGS)")))
    assert len(views[0]) == 9 * 12 and all(view == views[0] for view in views)


@pytest.mark.config({"imapd": {"limits": {"snapshot_budget": "1MiB"}}})
def test_mailboxes_nobody_has_selected_make_room(server, connect):
    client = connect()
    assert client.append("INBOX", simple("seed")).startswith("OK")
    client.ok("SELECT INBOX")
    while int(re.search(rb"(\d+) EXISTS", b"\n".join(client.ok("SELECT INBOX")))[1]) < 8192:
        client.ok("COPY 1:* INBOX")
    for n in range(6):  # 200 KB each
        client.ok("CREATE copy%d" % n)
        client.ok("COPY 1:* copy%d" % n)
    for n in range(6):
        assert b"* 8192 EXISTS" in client.ok("SELECT copy%d" % n)
    client.ok("UNSELECT")
    assert metric(server, "dromos_imapd_cached_mailboxes_bytes") <= 512 * 1024
    assert metric(server, "dromos_imapd_cached_mailboxes") >= 2


def test_a_search_ends_when_its_client_goes(server, connect):
    client = connect()
    assert client.append("INBOX", simple("seed", "some words\r\n" * 2000)).startswith("OK")
    client.ok("SELECT INBOX")
    for _ in range(12):
        client.ok("COPY 1:* INBOX")
    client.send("s SEARCH BODY nowhere\r\n")
    client.socket.shutdown(socket.SHUT_RDWR)
    other = connect(select="INBOX")
    assert other.ok("SEARCH RETURN (COUNT) BODY words")[0].endswith(b"COUNT 4096")
    # The session is gone, whether its search had ended by then or not.
    for _ in range(100):
        other.ok("NOOP")
        if metric(server, "dromos_imapd_sessions_connections") == 1:
            break
    assert metric(server, "dromos_imapd_sessions_connections") == 1


@pytest.mark.config({"imapd": {"workers": 2}})
def test_appends_of_two_workers_to_one_account_are_never_busy(server, connect):
    clients = [connect() for _ in range(2)]
    assert workers_used(server) == {"0", "1"}
    failures = []

    def append(client, number):
        for i in range(60):
            answer = client.append("INBOX", simple("%d of %d" % (i, number)))
            if not answer.startswith("OK"):
                failures.append(answer)

    threads = [threading.Thread(target=append, args=(client, n)) for n, client in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert metrics.commit_calls(server.imapd, "delivered") == 120
    assert metrics.commit_calls(server.imapd, "busy") == 0
    assert clients[0].ok("STATUS INBOX (MESSAGES)")[0].endswith(b"(MESSAGES 120)")
