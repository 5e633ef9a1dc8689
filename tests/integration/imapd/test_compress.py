"""COMPRESS=DEFLATE (RFC 4978) and UNAUTHENTICATE (RFC 8437)."""
import zlib

import pytest

from imapd_client import PASSWORD, Raw, simple

BOB = "bob@example.test"


class Packed:
    """Raw's file and socket behind a compressed layer."""

    def __init__(self, client):
        self.client = client
        self.plain = client.socket
        self.out = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.into = zlib.decompressobj(-15)
        self.buffer = b""
        client.send = self.send
        client.file = self

    def send(self, data, flush=zlib.Z_SYNC_FLUSH):
        data = data if isinstance(data, bytes) else data.encode()
        self.plain.sendall(self.out.compress(data) + self.out.flush(flush))

    def more(self):
        got = self.plain.recv(65536)
        self.buffer += self.into.decompress(got)
        return bool(got)

    def readline(self):
        while b"\n" not in self.buffer:
            if not self.more():
                return b""
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line + b"\n"

    def read(self, size):
        while len(self.buffer) < size:
            assert self.more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def close(self):
        pass


def compress(client):
    client.ok("COMPRESS DEFLATE")
    return Packed(client)


def test_everything_behind_the_answer_is_compressed_both_ways(connect):
    client = connect()
    assert b"COMPRESS=DEFLATE" in client.ok("CAPABILITY")[0]
    assert client.answer("COMPRESS LZ4").startswith("BAD")
    compress(client)
    assert b"COMPRESS=DEFLATE" not in client.ok("CAPABILITY")[0]
    assert client.answer("COMPRESS DEFLATE").startswith("NO [COMPRESSIONACTIVE]")
    big = simple("big", "0123456789abcdef\r\n" * 50000)
    assert client.append("INBOX", big).startswith("OK [APPENDUID")
    client.ok("SELECT INBOX")
    for _ in range(3):
        assert big in client.ok("FETCH 1 BODY.PEEK[]")[0]
    # Many commands in one block.
    client.send(b"".join(b"p%d NOOP\r\n" % n for n in range(500)))
    for n in range(500):
        client.until("p%d" % n)


def test_news_come_out_of_idle(connect):
    client, other = connect(select="INBOX"), connect()
    compress(client)
    for count in (1, 3, 5):
        client.send(b"i IDLE\r\n")
        assert client.response().startswith(b"+")
        other.append("INBOX", simple("news"))
        assert client.response() == b"* %d EXISTS" % count
        assert client.response().endswith(b" RECENT")
        client.send(b"")  # a flush without octets is no input
        other.append("INBOX", simple("more"))
        assert client.response() == b"* %d EXISTS" % (count + 1)
        client.send(b"DONE\r\n")
        client.until("i")


def test_not_before_login(connect):
    assert connect(login=None).answer("COMPRESS DEFLATE").startswith("BAD")


def test_a_bomb_ends_in_the_bounds_of_the_reader(connect, server):
    client = connect()
    layer = compress(client)
    bomb = layer.out.compress(b"a" * (300 << 20)) + layer.out.flush(zlib.Z_SYNC_FLUSH)
    try:
        layer.plain.sendall(bomb)
        line = layer.readline()
        assert line == b"" or line.startswith((b"* BYE", b"* BAD")), line
    except (ConnectionError, OSError):
        pass
    assert connect().answer("NOOP").startswith("OK")
    with open("/proc/%d/status" % server.imapd.process.pid) as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    assert peak < 400 << 10, "KiB"


def test_garbage_ends_the_connection_and_not_the_daemon(connect):
    client = connect()
    client.ok("COMPRESS DEFLATE")
    client.send(b"\xff\xfe\xfd" * 1000)
    with pytest.raises((EOFError, OSError)):
        client.until("never")
    assert connect().answer("NOOP").startswith("OK")


def test_unauthenticate_forgets_all_but_tls(connect):
    client = connect(select="INBOX")
    assert b" UNAUTHENTICATE" in client.ok("CAPABILITY")[0]
    client.ok("ENABLE IMAP4rev2 QRESYNC")
    client.ok("CREATE Mine")
    tag = client.tag()
    client.send("%s UNAUTHENTICATE\r\nnext LOGIN alice@example.test %s\r\n" % (tag, PASSWORD))
    assert client.until(tag)[1].startswith(b"OK")
    assert client.until("next")[1].startswith(b"OK ")
    assert client.answer("FETCH 1 FLAGS").startswith("BAD")
    assert client.ok('LIST "" Mine') == []
    assert client.answer('CREATE "Entw\u00fcrfe"').startswith(("NO", "BAD"))  # UTF-8 names were rev2's
    client.ok("SELECT INBOX")
    assert client.answer("FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)").startswith("BAD")
    client.ok("UNAUTHENTICATE")
    assert client.answer("UNAUTHENTICATE").startswith("BAD")
    assert client.answer("SELECT INBOX").startswith("BAD")
    assert b"AUTH=PLAIN" in client.ok("CAPABILITY")[0]


@pytest.mark.parametrize("flush", [zlib.Z_SYNC_FLUSH, zlib.Z_FINISH])
def test_unauthenticate_ends_compression(connect, flush):
    client = connect()
    layer = compress(client)
    client.ok("NOOP")
    data = layer.out.compress(b"u UNAUTHENTICATE\r\n") + layer.out.flush(flush)
    layer.plain.sendall(data + b"l LOGIN %s %s\r\n" % (BOB.encode(), PASSWORD.encode()))
    while b"u OK" not in layer.buffer or not layer.into.eof:
        assert layer.more()
    got = layer.into.unused_data
    while b"\r\nl OK " not in got:
        data = layer.plain.recv(4096)
        assert data, got
        got += data
    assert got.startswith(b"* CAPABILITY ")


def test_unauthenticate_gives_the_share_of_the_account_back(suite, accounts):
    suite.reconfigure({"imapd": {"limits": {"connections_per_account": 1}}})
    suite.start("imapd")
    context = suite.authority.client_context()
    first = Raw(suite.imapd.address("imaps"), context, BOB)
    first.ok("UNAUTHENTICATE")
    second = Raw(suite.imapd.address("imaps"), context, BOB)
    assert first.answer("LOGIN %s %s" % (BOB, PASSWORD)).startswith("NO [LIMIT]")
    second.close()


def test_unauthenticate_can_be_turned_off(suite, accounts):
    suite.reconfigure({"imapd": {"unauthenticate": False}})
    suite.start("imapd")
    client = Raw(suite.imapd.address("imaps"), suite.authority.client_context(), BOB)
    assert b"UNAUTHENTICATE" not in client.ok("CAPABILITY")[0]
    assert client.answer("UNAUTHENTICATE").startswith("BAD")
