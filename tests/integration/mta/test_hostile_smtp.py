"""Hostile SMTP and LMTP: smuggling, half-open TLS, floods, endless lines, slow clients. Each gets a clear refusal, and memory stays bounded."""
import pathlib
import select
import socket
import ssl

import pytest

from dromostest.clients import Smtp

SMUGGLED = "MAIL FROM:<evil@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
# All ways to end data that somebody has fallen for. The first list holds octets that no mail may have: refused at the true end.
# The second is text like any other: kept as it is.
ENDS = ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\n.\r", "\r.\n", "\r\n\0.\r\n", "\n\0.\r\n", "\r\n.\0\r\n", "\r\r\n.\r\r\n",
        "\r\n.\r\0\n", "\n\n.\r\n"]
TEXTS = ["\r\n. \r\n", "\r\n .\r\n", "\x85.\x85", "\x0b.\x0b", "\r\n..\r\n"]
DOORS = ["mx", "lmtp"]
GROWTH = 24 << 20


def hello(door):
    return "LHLO x" if door == "lmtp" else "EHLO x"


@pytest.fixture
def dial(suite, mail):
    """Sessions at a door, greeted."""
    made = []

    def connect(door):
        made.append(Smtp(suite.mta.address(door)))
        made[-1].expect(hello(door), 250)
        return made[-1]

    yield connect
    for one in made:
        one.reader.close()  # it holds the descriptor, too
        one.close()


def resident(suite):
    status = pathlib.Path("/proc/%d/status" % suite.mta.process.pid).read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def in_data(session, *recipients):
    session.expect("MAIL FROM:<a@b.test>", 250)
    for one in recipients or ["bob@example.test"]:
        session.expect("RCPT TO:<%s>" % one, 250)
    session.expect("DATA", 354)


def nothing_came(mail):
    return mail.mailbox("alice@example.test") == [] and mail.mailbox("bob@example.test") == []


@pytest.mark.parametrize("door", DOORS)
def test_smuggled_ends_are_refused_and_text_stays_text(dial, mail, door):
    for end in ENDS:
        session = dial(door)
        in_data(session)
        session.send("Subject: x\r\n\r\nbody" + end + SMUGGLED)
        code, lines = session.reply()
        assert (code, lines[0][:6]) == (550, "5.6.11"), end
        session.expect("NOOP", 250)
    assert nothing_came(mail)
    for end in TEXTS:
        session = dial(door)
        in_data(session)
        session.send(("Subject: x\r\n\r\nbody" + end + SMUGGLED).encode("latin-1"))
        assert session.reply()[0] == 250, end
        session.expect("NOOP", 250)
    assert mail.mailbox("alice@example.test") == []
    kept = mail.mailbox("bob@example.test")
    assert len(kept) == len(TEXTS)
    assert all(b"RCPT TO:<alice@example.test>\r\nDATA\r\n" in mail.raw("bob@example.test", one.message) for one in kept)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("chunk, code", [
    ("BDAT 18446744073709551616 LAST\r\n", 501), ("BDAT -1\r\n", 501), ("BDAT 5x LAST\r\n", 501), ("BDAT\r\n", 501)])
def test_bad_chunk_sizes_are_refused(dial, mail, door, chunk, code):
    session = dial(door)
    session.send("MAIL FROM:<a@b.test>\r\nRCPT TO:<bob@example.test>\r\n" + chunk)
    assert [session.reply()[0] for _ in range(3)] == [250, 250, code]
    assert nothing_came(mail)


@pytest.mark.parametrize("door", DOORS)
def test_a_chunk_is_octets_and_never_commands(dial, mail, door):
    session = dial(door)
    session.expect("MAIL FROM:<a@b.test>", 250)
    session.expect("RCPT TO:<bob@example.test>", 250)
    octets = "x\n.\n" + SMUGGLED
    session.send("BDAT %d LAST\r\n%s" % (len(octets), octets))
    assert session.reply()[0] == 550
    session.expect("NOOP", 250)
    # A chunk that is cut short is no message.
    session.expect("MAIL FROM:<a@b.test>", 250)
    session.expect("RCPT TO:<bob@example.test>", 250)
    session.send("BDAT 100 LAST\r\nQUIT\r\n")
    session.socket.shutdown(socket.SHUT_WR)
    assert session.reader.read() == b""
    assert nothing_came(mail)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("line, code", [
    ("NOOP\nMAIL FROM:<a@b.test>", 500), ("NOOP\0", 500), ("NOOP\rMAIL FROM:<a@b.test>", 500), ("RCPT TO:<c@d\0@e>", 500),
    ("MAIL FROM:<a@b\r\nRCPT TO:<c@d>", 501), ("MAIL FROM:<a@b.test> SIZE=99999999999999999999", 552),
    ("MAIL FROM:<a@b.test> BODY=9BIT", 501), ("NOOP " + "x" * 20000, 500)])
def test_bad_lines_change_nothing(dial, door, line, code):
    session = dial(door)
    session.send(line + "\r\n")
    assert session.reply()[0] == code
    if "RCPT TO:<c@d>" in line:
        assert session.reply()[0] == 503
    session.expect("RCPT TO:<bob@example.test>", 503)


@pytest.mark.parametrize("door", DOORS)
def test_a_line_without_end_takes_no_memory(suite, dial, door):
    sessions = [dial(door) for _ in range(20)]
    before = resident(suite)
    piece = b"x" * 65536
    for _ in range(64):  # 4 MB each, 80 MB in all
        for session in sessions:
            session.send(piece)
    assert resident(suite) - before < GROWTH
    for session in sessions:
        session.send("\r\nNOOP\r\n")
        assert [session.reply()[0] for _ in range(2)] == [500, 250]


@pytest.mark.config({"mta": {"limits": {"in_flight": "16MiB", "message_size": "8MiB"}}})
@pytest.mark.parametrize("door", DOORS)
def test_a_content_line_without_end_stays_within_the_budget(suite, dial, mail, door):
    session = dial(door)
    before = resident(suite)
    in_data(session)
    piece = b"x" * 65536
    for _ in range(1024):  # 64 MB
        session.send(piece)
    session.send("\r\n.\r\n")
    code, lines = session.reply()
    assert (code, lines[0][:5]) == (552, "5.3.4")
    assert resident(suite) - before < GROWTH
    assert nothing_came(mail)


@pytest.mark.config({"mta": {"limits": {"connections_per_ip": 30}}})
def test_half_open_handshakes_hold_little_and_block_nobody(suite, mail):
    before = resident(suite)
    held = []
    for number in range(29):
        if number % 2:
            one = socket.create_connection(suite.mta.address("submissions"), 20)
            one.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")  # a ClientHello that does not go on
        else:
            session = Smtp(suite.mta.address("submission"))
            session.expect("EHLO x", 250)
            session.expect("STARTTLS", 220)
            session.send(b"\x16\x03\x01")
            one = session.socket
        held.append(one)
    assert resident(suite) - before < GROWTH
    good = Smtp(suite.mta.address("submissions"), suite.authority.client_context(), implicit_tls=True)
    good.expect("EHLO x", 250)
    # Implicit TLS has no words for it before the handshake: closed.
    with socket.create_connection(suite.mta.address("submissions"), 20) as more, pytest.raises((ssl.SSLError, OSError)):
        suite.authority.client_context().wrap_socket(more, server_hostname="localhost")
    assert Smtp(suite.mta.address("submission")).greeting[0] == 421
    for one in held:
        one.close()


@pytest.mark.config({"mta": {"limits": {"connections_per_ip": 25}}})
@pytest.mark.parametrize("door", DOORS)
def test_a_flood_of_connections_from_one_address_is_refused_in_words(suite, mail, door):
    before = resident(suite)
    sockets = [socket.create_connection(suite.mta.address(door), 20) for _ in range(400)]
    codes = []
    for one in sockets:
        one.settimeout(20)
        codes.append(one.recv(200)[:3])
    assert codes.count(b"220") == 25 and codes.count(b"421") == 375
    assert resident(suite) - before < GROWTH
    for one in sockets:
        one.close()


@pytest.mark.config({"mta": {"limits": {"connections": 10, "connections_per_ip": 1000}}})
def test_a_flood_over_all_is_refused_in_words(suite, mail):
    sockets = [socket.create_connection(suite.mta.address("mx"), 20) for _ in range(40)]
    codes = [one.recv(200)[:3] for one in sockets]
    assert codes.count(b"220") == 10 and codes.count(b"421") == 30
    for one in sockets:
        one.close()


@pytest.mark.config({"mta": {"limits": {"command_timeout": "1s", "data_timeout": "1s"}}})
@pytest.mark.parametrize("door", DOORS)
def test_slow_clients_are_told_and_closed(dial, mail, door):
    silent, trickling, halfway = dial(door), dial(door), dial(door)
    trickling.send("NO")
    in_data(halfway)
    halfway.send("Subject: x\r\n\r\nbo")
    for session in (silent, trickling, halfway):
        code, lines = session.reply()
        assert (code, lines[0][:5]) == (421, "4.4.2")
        assert session.reader.read() == b""
    assert nothing_came(mail)


@pytest.mark.parametrize("door", DOORS)
def test_a_client_that_never_reads_is_not_waited_for_with_memory(suite, dial, door):
    session = dial(door)
    before = resident(suite)
    session.socket.setblocking(False)
    sent = 0
    piece = b"NOOP\r\n" * 10_000
    while sent < 200 << 20:  # each line asks for an answer that is never read
        try:
            sent += session.socket.send(piece)
        except BlockingIOError:
            if not select.select([], [session.socket], [], 1.0)[1]:
                break  # it has stopped reading: that is the bound
    assert sent < 100 << 20
    assert resident(suite) - before < GROWTH


@pytest.mark.config({"mta": {"limits": {"errors": 1000000, "recipients": 100}}})
def test_recipients_without_end_hold_nothing(suite, dial):
    session = dial("lmtp")
    session.expect("MAIL FROM:<a@b.test>", 250)
    before = resident(suite)
    for _ in range(100):
        session.send("RCPT TO:<bob@example.test>\r\n" * 100)
        codes = {session.reply()[0] for _ in range(100)}
    assert codes == {452}
    assert resident(suite) - before < GROWTH


def test_commands_before_the_handshake_are_dropped_on_the_mx_too(suite, mail):
    session = Smtp(suite.mta.address("mx"), suite.authority.client_context())
    session.expect("EHLO x", 250)
    session.send("STARTTLS\r\nMAIL FROM:<evil@b.test>\r\n")
    assert session.reply()[0] == 220
    session.socket = session.context.wrap_socket(session.socket, server_hostname="localhost")
    session.reader = session.socket.makefile("rb")
    session.expect("RCPT TO:<bob@example.test>", 503)


def test_what_follows_data_before_354_is_content(dial, mail):
    session = dial("mx")
    session.send("MAIL FROM:<a@b.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nMAIL FROM:<evil@b.test>\r\nRSET\r\n\r\n.\r\nNOOP\r\n")
    assert [session.reply()[0] for _ in range(5)] == [250, 250, 354, 250, 250]
    assert len(mail.mailbox("bob@example.test")) == 1


@pytest.mark.parametrize("door", DOORS)
def test_binary_content_is_refused(dial, mail, door):
    """BINARYMIME is not offered, so what is in the store has lines, and no NUL that a literal of IMAP could not hold (RFC 3030 §3)."""
    session = dial(door)
    code, told = session.command("LHLO x" if door == "lmtp" else "EHLO x")
    assert code == 250 and "CHUNKING" in told and "BINARYMIME" not in told
    assert session.command("MAIL FROM:<a@b.test> BODY=BINARYMIME")[0] in (501, 504, 555)
    for octets in ("Subject: x\r\n\r\na\0b\r\n", "Subject: x\r\n\r\n\0\r\n.\r\n", "Sub\0ject: x\r\n\r\nb\r\n"):
        session.expect("MAIL FROM:<a@b.test> BODY=8BITMIME", 250)
        session.expect("RCPT TO:<bob@example.test>", 250)
        session.send("BDAT %d LAST\r\n%s" % (len(octets), octets))
        assert session.reply()[0] == 550
    assert nothing_came(mail)
