"""Other ways out than MX: a relay with TLS and a login, LMTP; and what a host cannot take: chunks, 8-bit, UTF-8, ourselves."""
import socket

import pytest

from dromostest.smtp_sink import SmtpSink, free_port, wait_for

LOGIN = "AUTH PLAIN AG1lAHNlY3JldA=="  # me, secret
WITH_AUTH = "250-sink\r\n250-PIPELINING\r\n250-STARTTLS\r\n250-AUTH PLAIN\r\n250-DSN\r\n250 8BITMIME"


def node(world, **outbound):
    """An mta with other settings, started."""
    world.changes["mta"]["outbound"].update(outbound)
    suite = world.node()
    suite.start("mta")
    return suite


def relay(world, **more):
    secret = world.suite.folder / "relay-password"
    secret.write_text("secret\n")
    return dict({"host": "mx3.hosts.test:%d" % world.port, "tls": "verified", "ca_file": str(world.suite.authority.ca.certificate),
                 "user": "me", "password_file": str(secret)}, **more)


def relay_sink(world, name="mx3.hosts.test"):
    sink = world.sink(3, tls=world.suite.authority.pair(name))
    sink.say("EHLO", WITH_AUTH)
    sink.say(LOGIN, "235 2.7.0 Welcome")
    return sink


def test_the_relay_is_verified_and_logged_in_to(world):
    sink = relay_sink(world)
    suite = node(world, relay=relay(world))
    world.submit("x@one.test", "y@two.test", suite=suite)
    sink.wait(lambda: sink.messages)
    # Recipients of several domains go to it in one transaction.
    assert (sink.messages[0].tls, sorted(sink.messages[0].recipients)) == (True, ["x@one.test", "y@two.test"])
    assert sink.commands.index(LOGIN) > sink.commands.index("STARTTLS")
    world.wait_queue([])


def test_a_relay_with_another_certificate_learns_nothing(world):
    sink = relay_sink(world, name="elsewhere.test")
    suite = node(world, relay=relay(world))
    world.submit("x@one.test", suite=suite)
    world.wait_code(450)
    assert not [line for line in sink.commands if line.startswith(("AUTH", "MAIL"))]


def test_a_refused_login_defers(world):
    sink = relay_sink(world)
    sink.say(LOGIN, "535 5.7.8 Wrong")
    suite = node(world, relay=relay(world))
    world.submit("x@one.test", suite=suite)
    world.wait_code(535)
    assert not [line for line in sink.commands if line.startswith("MAIL")]
    sink.say(LOGIN, "235 2.7.0 Welcome")
    sink.wait(lambda: sink.messages)


def test_only_some_domains_go_to_the_relay(world):
    sink, other = relay_sink(world), world.sink(1)
    suite = node(world, relay=relay(world, domains=["two.test"]))
    world.submit("x@one.test", "y@two.test", suite=suite)
    sink.wait(lambda: sink.messages)
    other.wait(lambda: other.messages)
    assert sink.messages[0].recipients == ["y@two.test"]
    assert other.messages[0].recipients == ["x@one.test"]


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_lmtp_answers_for_each_recipient(world, kind):
    path = str(world.suite.folder / "store.sock")
    sink = SmtpSink(path, lmtp=True) if kind == "unix" else SmtpSink("127.0.0.1", lmtp=True)
    world.sinks.append(sink)
    sink.say_once(". b@one.test", "452 4.2.2 Full for now")
    sink.say_once(". c@one.test", "550 5.2.1 Closed")
    to = "unix:" + path if kind == "unix" else "127.0.0.1:%d" % sink.port
    suite = node(world, lmtp={"to": to, "domains": ["one.test"]})
    world.submit("a@one.test", "b@one.test", "c@one.test", suite=suite)
    sink.wait(lambda: len(sink.messages) == 2)
    assert [message.recipients for message in sink.messages] == [["a@one.test"], ["b@one.test"]]
    world.wait_queue([])
    assert "5.2.1" in world.wait_inbox(1)[0]
    assert not [line for line in sink.commands if line.startswith(("EHLO", "BDAT"))]


def test_rows_name_their_transport(world):
    world.start()
    world.submit("x@slow.test", "y@slow.test")  # nobody listens there yet
    world.wait_code(450)
    for address, transport in (("x", "lmtp"), ("y", "relay")):
        world.suite.sql("UPDATE queue.recipient SET transport = '%s' WHERE address = '%s@slow.test'" % (transport, address))
    replies = "SELECT count(*) FROM queue.recipient WHERE last_reply LIKE '%4.3.5 No % is configured%'"
    wait_for(lambda: world.suite.sql(replies) == "2", describe=lambda: str(world.queue()))
    assert world.suite.mta.stop() == 0
    store = SmtpSink("127.0.0.1", lmtp=True)
    world.sinks.append(store)
    through = world.sink(2)
    node(world, lmtp="127.0.0.1:%d" % store.port, relay={"host": "127.0.0.3:%d" % world.port, "domains": ["nobody.test"]})
    store.wait(lambda: store.messages)
    through.wait(lambda: through.messages)
    world.wait_queue([])


def test_an_mx_at_our_own_address_is_a_loop(world):
    world.dns.close()
    port = free_port("127.0.0.1", "127.0.0.2")
    world.dns = type(world.dns)("self.test MX 10 other.hosts.test\nother.hosts.test A 127.0.0.1\n"
                                "worse.test MX 20 other.hosts.test\nworse.test MX 10 first.hosts.test\nfirst.hosts.test A 127.0.0.2\n")
    world.changes["dns"]["forwarders"] = ["127.0.0.1:%d" % world.dns.port]
    world.changes["mta"]["listeners"] = {"mx": ["0.0.0.0:%d" % port]}
    suite = node(world, port=port)
    # 0.0.0.0 is every address of this machine; 127.0.0.2 is not on an interface, but no better host either.
    world.submit("x@self.test", suite=suite)
    report = world.wait_inbox(1)[0]
    assert "5.4.6" in report and "loops back" in report
    world.wait_queue([])


def test_a_small_message_goes_in_one_chunk_where_chunking_is_offered(world):
    sink = world.sink(1)
    sink.say("EHLO", sink.replies["EHLO"].replace("250-DSN", "250-CHUNKING\r\n250-DSN"))
    world.start()
    world.submit("x@one.test")
    sink.wait(lambda: sink.messages)
    assert sink.messages[0].content.endswith(b"\r\n\r\nHello.\r\n.dot\r\n")
    assert not [line for line in sink.commands if line == "DATA"]
    world.wait_queue([])
    world.submit("x@one.test", text="Subject: big\n\n" + ("x" * 70 + "\n") * 2000)
    sink.wait(lambda: len(sink.messages) == 2)
    assert "DATA" in sink.commands


EIGHT = "From: alice@example.test\nSubject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\ngr\u00fc\u00df\n"


def test_8_bit_mail_is_converted_for_a_server_of_seven(world):
    sink = world.sink(1)
    sink.say("EHLO", "250-sink\r\n250-PIPELINING\r\n250 SIZE 10000000")
    world.start()
    world.submit("x@one.test", text=EIGHT, mail_options=" BODY=8BITMIME")
    sink.wait(lambda: sink.messages)
    content = sink.messages[0].content
    assert content.isascii() and b"gr=C3=BC=C3=9F" in content
    assert not [line for line in sink.commands if "BODY=" in line]


def test_internationalized_mail_is_refused_where_it_cannot_go(world):
    sink = world.sink(1)
    sink.say("EHLO", "250-sink\r\n250-PIPELINING\r\n250 8BITMIME")
    world.start()
    world.submit("\u00fc@one.test", "plain@one.test", mail_options=" SMTPUTF8")
    sink.wait(lambda: sink.messages)
    assert sink.messages[0].recipients == ["plain@one.test"]
    assert "5.6.7" in world.wait_inbox(1)[0]
    world.submit("plain@one.test", text="From: alice@example.test\nSubject: \u00fc\n\nx\n", mail_options=" SMTPUTF8")
    assert [report for report in world.wait_inbox(2) if "5.6.9" in report]
    assert len(sink.messages) == 1


def deaf(address, port):
    """A host that takes no connection and refuses none."""
    listener = socket.socket()
    listener.bind((address, port))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex((address, port))
        waiting.append(one)
    return [listener] + waiting


def test_a_stop_in_the_midst_of_a_connect_does_not_wait_for_it(world):
    sockets = deaf("127.0.0.4", world.port)
    suite = node(world, connect_timeout="1h", close_grace="1h")
    world.submit("x@slow.test", suite=suite)
    wait_for(lambda: world.suite.sql("SELECT count(*) FROM queue.recipient WHERE lease_token IS NOT NULL") == "1")
    wait_for(lambda: b" 02 " in connections(world.port))
    assert suite.mta.stop() == 0  # or it fails after 20 s
    assert world.suite.sql("SELECT state, attempts FROM queue.recipient WHERE lease_token IS NULL").startswith("due")
    for one in sockets:
        one.close()


def connections(port):
    """Lines of /proc/net/tcp towards that port; 02 is SYN_SENT."""
    with open("/proc/net/tcp", "rb") as lines:
        return b"".join(line for line in lines if line.split()[2].endswith(b":%04X" % port))


def test_a_stop_in_the_midst_of_a_lookup_does_not_wait_for_it(world):
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    silent.settimeout(20)
    world.changes["dns"]["forwarders"] = ["127.0.0.1:%d" % silent.getsockname()[1]]
    suite = node(world, close_grace="1h")
    world.submit("x@one.test", suite=suite)
    silent.recv(512)
    assert suite.mta.stop() == 0
    assert world.suite.sql("SELECT count(*) FROM queue.recipient WHERE lease_token IS NULL") == "1"
    silent.close()
