"""The PROXY protocol, versions 1 and 2, on the listeners of mta, imapd and jmapd: who may send it, what is believed, what is refused."""
import socket
import struct

import pytest

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(command, family, body):
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack(">H", len(body)) + body


V4 = socket.inet_aton("192.0.2.7") + socket.inet_aton("127.0.0.1") + struct.pack(">HH", 4000, 25)
V6 = socket.inet_pton(socket.AF_INET6, "2001:db8::7") + socket.inet_pton(socket.AF_INET6, "::1") + struct.pack(">HH", 4000, 25)
TLV = b"\x04\0\x03abc"

GOOD = {
    "v1 tcp4": (b"PROXY TCP4 192.0.2.7 127.0.0.1 4000 25\r\n", "192.0.2.7"),
    "v1 tcp6": (b"PROXY TCP6 2001:db8::7 ::1 4000 25\r\n", "2001:db8::7"),
    "v1 unknown": (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    "v2 tcp4": (v2(1, 0x11, V4), "192.0.2.7"),
    "v2 tcp4 with tlv": (v2(1, 0x11, V4 + TLV), "192.0.2.7"),
    "v2 tcp6": (v2(1, 0x21, V6), "2001:db8::7"),
    "v2 local": (v2(0, 0x11, V4), "127.0.0.1"),
    "v2 local unspec": (v2(0, 0, b""), "127.0.0.1"),
    "v2 af_unspec": (v2(1, 0, b""), "127.0.0.1"),
    "v2 unix": (v2(1, 0x31, bytes(216)), "127.0.0.1"),
}
BAD = {
    "none": b"EHLO x\r\n",
    "v1 garbage": b"PROXY TCP4 1.2.3\r\n",
    "v1 family and address differ": b"PROXY TCP4 ::1 ::1 1 2\r\n",
    "v1 bad port": b"PROXY TCP4 192.0.2.7 127.0.0.1 70000 25\r\n",
    "v1 without end": b"PROXY " + b"x" * 200,
    "v2 version 3": SIGNATURE + b"\x31\x11\0\x0c" + V4,
    "v2 unknown command": v2(5, 0x11, V4),
    "v2 too long": v2(1, 0x11, V4 + bytes(4000)),
    "v2 cut signature": SIGNATURE[:8] + b"x" * 20,
}


def with_proxy(trusted):
    def listener():  # each its own: YAML would write the second as an alias
        return {"address": "127.0.0.1:0", "proxy_protocol": True, "proxy_trusted": list(trusted)}

    return {"mta": {"listeners": {"mx": [listener()], "lmtp": [listener()]}}, "imapd": {"listeners": {"imap": [listener()]}},
            "jmapd": {"listeners": {"http": [listener()]}}}


TRUSTED = pytest.mark.config(with_proxy(["127.0.0.0/8"]))
DOORS = [("mta", "mx", b"220 "), ("mta", "lmtp", b"220 "), ("imapd", "imap", b"* OK "), ("jmapd", "http", b"HTTP/1.1 401 ")]


def dial(suite, daemon, listener):
    connection = socket.create_connection(getattr(suite, daemon).address(listener), 20)
    connection.settimeout(20)
    return connection


def first_words(connection, listener):
    """What the server says once it believes us; b"" if it closes."""
    try:
        if listener == "http":
            connection.sendall(b"GET /.well-known/jmap HTTP/1.1\r\nHost: x\r\n\r\n")
        return connection.recv(4096)
    except ConnectionError:
        return b""


@TRUSTED
@pytest.mark.parametrize("daemon, listener, words", DOORS)
def test_headers_of_trusted_proxies(suite, accounts, daemon, listener, words):
    suite.start(daemon)
    for name, (header, _) in GOOD.items():
        with dial(suite, daemon, listener) as connection:
            connection.sendall(header)
            assert first_words(connection, listener).startswith(words), name
    # Cut anywhere, it is the same header.
    with dial(suite, daemon, listener) as connection:
        for at in range(len(GOOD["v2 tcp6"][0])):
            connection.sendall(GOOD["v2 tcp6"][0][at:at + 1])
        assert first_words(connection, listener).startswith(words)
    for name, header in BAD.items():
        with dial(suite, daemon, listener) as connection:
            connection.sendall(header)
            assert first_words(connection, listener) == b"", name


@pytest.mark.config(with_proxy(["192.0.2.0/24"]))
@pytest.mark.parametrize("daemon, listener, words", DOORS)
def test_others_are_not_believed(suite, accounts, daemon, listener, words):
    suite.start(daemon)
    for header in (GOOD["v1 tcp4"][0], GOOD["v2 tcp4"][0], GOOD["v2 local"][0]):
        with dial(suite, daemon, listener) as connection:
            connection.sendall(header)
            assert first_words(connection, listener) == b""


@TRUSTED
@pytest.mark.parametrize("daemon, listener, words", DOORS)
def test_a_silent_proxy_is_closed(suite, accounts, daemon, listener, words):
    suite.start(daemon)
    with dial(suite, daemon, listener) as silent, dial(suite, daemon, listener) as halfway:
        halfway.sendall(b"PROXY TCP4 192")
        assert silent.recv(100) == b""
        assert halfway.recv(100) == b""


@TRUSTED
def test_the_source_is_the_address_that_mail_and_limits_see(suite, mail):
    for name, (header, address) in GOOD.items():
        with dial(suite, "mta", "mx") as connection:
            reader = connection.makefile("rb")
            connection.sendall(header + b"EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<nobody-%s@example.test>\r\nQUIT\r\n" %
                               name.replace(" ", "-").encode())
            assert reader.readlines()[-2].startswith(b"550 5.1.1")
        assert any("remote=%s " % address in line and "to=nobody-%s@" % name.replace(" ", "-") in line
                   for line in suite.mta.tail(200_000).splitlines()), name


@pytest.mark.config({"mta": dict(with_proxy(["127.0.0.1"])["mta"], limits={"connections_per_ip": 2})})
def test_connections_are_counted_by_source(suite, mail):
    def greeting(source):
        connection = dial(suite, "mta", "mx")
        connection.sendall(b"PROXY TCP4 %s 127.0.0.1 4000 25\r\n" % source)
        return connection, connection.makefile("rb").readline()[:4]

    first, second = greeting(b"192.0.2.7"), greeting(b"192.0.2.7")
    third, other = greeting(b"192.0.2.7"), greeting(b"192.0.2.8")
    assert [one[1] for one in (first, second, third, other)] == [b"220 ", b"220 ", b"421 ", b"220 "]
