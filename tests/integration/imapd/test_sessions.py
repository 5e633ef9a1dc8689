"""Several sessions on one mailbox, IDLE, pipelining, resynchronisation, many messages."""
import re
import signal
import socket
import subprocess
import time

from imapd_client import MESSAGE, simple

BOB = "bob@example.test"


def deliver(client, count=1, mailbox="INBOX"):
    for n in range(count):
        assert client.append(mailbox, simple("delivered %d" % n)).startswith("OK")


def test_two_sessions_number_the_same_mailbox_each_in_its_time(connect):
    one, two = connect(), connect()
    deliver(one, 4)
    one.ok("SELECT INBOX")
    two.ok("SELECT INBOX")
    one.ok("STORE 2 +FLAGS (\\Deleted)")
    one.ok("EXPUNGE")
    # FETCH by number may not hear of the expunge: message 2 is still number 2 for this client.
    untagged, answer = two.run("FETCH 3 UID")
    assert untagged[0] == b"* 3 FETCH (UID 3)" and not any(b"EXPUNGE" in line for line in untagged)
    assert two.ok("STORE 3 +FLAGS (\\Seen)")[-1] == b"* 3 FETCH (UID 3 FLAGS (\\Seen))"
    untagged, answer = two.run("FETCH 2 BODY.PEEK[]")
    assert answer.startswith(b"OK [EXPUNGEISSUED]"), answer
    assert b"* 2 EXPUNGE" in two.ok("NOOP")
    assert two.ok("FETCH 2 UID") == [b"* 2 FETCH (UID 3)"]
    heard = one.ok("NOOP")
    assert heard == [b"* 2 FETCH (UID 3 FLAGS (\\Seen))"], heard


def test_uid_commands_may_tell_of_expunges(connect):
    one, two = connect(), connect()
    deliver(one, 3)
    one.ok("SELECT INBOX")
    two.ok("SELECT INBOX")
    one.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
    one.ok("UID EXPUNGE 1:2")
    assert b"* 1 EXPUNGE" in two.ok("UID FETCH 3 UID")


def test_idle_wakes_for_arrival_flags_and_expunge(connect):
    one, two = connect(), connect()
    deliver(one, 1)
    two.ok("SELECT INBOX")
    two.send("i IDLE\r\n")
    assert two.response().startswith(b"+")
    deliver(one, 1)
    assert two.response() == b"* 2 EXISTS"
    assert two.response().endswith(b" RECENT")
    one.ok("SELECT INBOX")
    one.ok("STORE 1 +FLAGS (\\Deleted)")
    assert two.response() == b"* 1 FETCH (UID 1 FLAGS (\\Deleted))"
    one.ok("EXPUNGE")
    assert two.response() == b"* 1 EXPUNGE"
    two.send("DONE\r\n")
    assert two.until("i")[1].startswith(b"OK")


def test_pipelined_commands_are_answered_in_order(connect):
    client = connect()
    deliver(client, 2)
    client.send("a SELECT INBOX\r\nb FETCH 1:* UID\r\nc NOOP\r\nd UID SEARCH ALL\r\n")
    assert client.until("a")[1].startswith(b"OK")
    assert client.until("b")[0] == [b"* 1 FETCH (UID 1)", b"* 2 FETCH (UID 2)"]
    assert client.until("c")[1].startswith(b"OK")
    assert client.until("d")[0] == [b"* SEARCH 1 2"]


def test_commands_byte_by_byte(connect):
    client = connect()
    text = b"APPEND INBOX {%d+}\r\n%s\r\n" % (len(MESSAGE), MESSAGE)
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for octet in b"z " + text:
        client.send(bytes([octet]))
    assert client.until("z")[1].startswith(b"OK [APPENDUID ")


def test_literals_of_both_kinds(connect):
    client = connect()
    client.send("a STATUS {5}\r\n")
    assert client.response().startswith(b"+")
    client.send("INBOX (MESSAGES)\r\n")
    assert client.until("a")[0] == [b"* STATUS INBOX (MESSAGES 0)"]
    client.send("b STATUS {5+}\r\nINBOX (MESSAGES)\r\n")
    assert client.until("b")[0] == [b"* STATUS INBOX (MESSAGES 0)"]
    client.send("c APPEND INBOX {%d}\r\n" % len(MESSAGE))
    assert client.response().startswith(b"+")
    client.send(MESSAGE + b"\r\n")
    assert client.until("c")[1].startswith(b"OK [APPENDUID")


def test_a_large_message_comes_back_whole_and_in_parts(connect):
    client = connect()
    big = simple("big", "".join("line %d of a large message\r\n" % n for n in range(120000)))
    assert client.append("INBOX", big).startswith("OK")
    client.ok("SELECT INBOX")
    assert client.ok("FETCH 1 BODY.PEEK[]")[0] == b"* 1 FETCH (BODY[] {%d}\r\n%s)" % (len(big), big)
    assert client.ok("FETCH 1 BODY.PEEK[TEXT]<1000000.30>")[0].endswith(big[big.index(b"\r\n\r\n") + 4 + 1000000:][:30] + b")")
    assert client.ok("SEARCH TEXT {28+}\r\nline 119999 of a large messa")[0] == b"* SEARCH 1"


def test_qresync_tells_what_vanished_and_changed(connect):
    one, two = connect(), connect()
    deliver(one, 5)
    first = b"\n".join(one.ok("SELECT INBOX")).decode()
    validity = re.search(r"UIDVALIDITY (\d+)", first)[1]
    modseq = re.search(r"HIGHESTMODSEQ (\d+)", first)[1]
    one.ok("STORE 2,4 +FLAGS.SILENT (\\Deleted)")
    one.ok("EXPUNGE")
    one.ok("STORE 1 +FLAGS (\\Flagged)")
    two.ok("ENABLE QRESYNC")
    got = two.ok("SELECT INBOX (QRESYNC (%s %s 1:5))" % (validity, modseq))
    assert b"* VANISHED (EARLIER) 2,4" in got, got
    assert any(re.match(rb"\* 1 FETCH \(UID 1 FLAGS \(\\Flagged\) MODSEQ \(\d+\)\)", line) for line in got), got
    one.ok("STORE 3 +FLAGS (\\Deleted)")
    one.ok("EXPUNGE")
    assert b"* VANISHED 5" in two.ok("NOOP")
    assert two.ok("UID FETCH 1:9 (FLAGS) (CHANGEDSINCE %s VANISHED)" % modseq)[0] == b"* VANISHED (EARLIER) 2,4:5"


def test_ten_thousand_messages(suite, connect):
    client = connect()
    assert client.append("INBOX", simple("seed")).startswith("OK")
    client.ok("SELECT INBOX")
    while True:  # doubling by COPY onto itself
        count = int(re.search(rb"(\d+) EXISTS", b"\n".join(client.ok("SELECT INBOX")))[1])
        if count >= 10000:
            break
        client.ok("COPY 1:%d INBOX" % min(count, 10000 - count))
    assert len(client.ok("FETCH 1:* (UID FLAGS)")) == 10000
    envelopes = client.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE)")
    assert len(envelopes) == 10000 and b'"seed"' in envelopes[9999]
    assert client.ok("UID SEARCH RETURN (COUNT) SUBJECT seed")[0].endswith(b"COUNT 10000")
    changed = client.ok("STORE 1:* +FLAGS (\\Seen)")
    assert len(changed) == 10000
    client.ok("STORE 1:9999 +FLAGS.SILENT (\\Deleted)")
    assert len(client.ok("EXPUNGE")) == 9999
    assert client.ok("FETCH 1:* (UID FLAGS)") == [b"* 1 FETCH (UID 10000 FLAGS (\\Seen))"]


def test_drain_says_bye(server, connect):
    client, idle = connect(select="INBOX"), connect(select="INBOX")
    idle.send("i IDLE\r\n")
    idle.response()
    assert server.imapd.stop() == 0
    assert client.response().startswith(b"* BYE")
    assert b"* BYE" in idle.response() + idle.response()


def test_drain_says_bye_while_the_indexer_waits_for_the_database(server, connect):
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation IN (SELECT oid FROM pg_class WHERE relname LIKE 'word_index%')"
    lock = subprocess.Popen(server.cluster.psql_command(server.database), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        lock.stdin.write("BEGIN; LOCK TABLE mail.word_index IN ACCESS EXCLUSIVE MODE; SELECT 'locked';\n")
        lock.stdin.flush()
        assert lock.stdout.readline() == "locked\n"
        client = connect(select="INBOX", timeout=15)
        assert client.append("INBOX", simple("to be indexed")).startswith("OK")
        limit = time.monotonic() + 60
        while server.sql(waiting) == "0":
            assert time.monotonic() < limit
        server.imapd.signal(signal.SIGTERM)
        answer = client.response()
        while not answer.startswith(b"* BYE"):
            answer = client.response()
    finally:
        lock.communicate("ROLLBACK;\n", timeout=60)
    assert server.imapd.process.wait(60) == 0  # stop() would ask twice, which means at once


def test_a_deleted_mailbox_ends_the_sessions_in_it(connect):
    one, two = connect(), connect()
    one.ok("CREATE Shortlived")
    two.ok("SELECT Shortlived")
    one.ok("DELETE Shortlived")
    answer = b""
    try:
        while b"BYE" not in answer:
            two.send("n NOOP\r\n")
            answer = two.response()
    except EOFError:
        pass
    assert b"BYE" in answer
