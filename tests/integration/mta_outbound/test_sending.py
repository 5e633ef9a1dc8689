"""Mail for elsewhere: sent, retried, given to another host, held, shared between processes."""
import re
import time

import pytest

from dromostest.smtp_sink import wait_for


def test_a_submitted_message_is_sent_whole(world):
    sink = world.sink(1)
    world.start()
    world.submit("x@one.test")
    sink.wait(lambda: sink.messages)
    message = sink.messages[0]
    assert (message.sender, message.recipients) == ("alice@example.test", ["x@one.test"])
    assert message.content.startswith(b"Received: ")
    assert b"Return-Path" not in message.content
    assert message.content.endswith(b"\r\n\r\nHello.\r\n.dot\r\n")
    world.wait_queue([])
    wait_for(lambda: "message.sent" in world.events())
    assert "EHLO mx.example.test" in sink.commands


def test_recipients_of_one_domain_share_a_transaction_and_a_connection_is_used_again(world):
    sink = world.sink(1)
    world.start()
    world.submit("a@one.test", "b@one.test", "c@one.test")
    sink.wait(lambda: sink.messages)
    world.submit("d@one.test")
    sink.wait(lambda: len(sink.messages) == 2)
    assert sorted(sink.messages[0].recipients) == ["a@one.test", "b@one.test", "c@one.test"]
    assert [message.connection for message in sink.messages] == [1, 1]


def test_tls_is_used_where_offered_without_checking_the_certificate(world):
    sink = world.sink(1, tls=world.suite.authority.pair("elsewhere.test"))
    world.start()
    world.submit("x@one.test")
    sink.wait(lambda: sink.messages)
    assert sink.messages[0].tls


def test_a_broken_handshake_falls_back_to_plain(world):
    sink = world.sink(1, tls=world.suite.authority.pair("elsewhere.test"))
    sink.say_once("STARTTLS", "220 Go\r\n", None)
    world.start()
    world.submit("x@one.test")
    sink.wait(lambda: sink.messages)
    assert not sink.messages[0].tls


def test_dsn_wishes_travel_on(world):
    sink = world.sink(1)
    world.start()
    world.submit("x@one.test", mail_options=" RET=HDRS ENVID=abc", rcpt_options=" NOTIFY=FAILURE ORCPT=rfc822;y@one.test")
    sink.wait(lambda: sink.messages)
    mail = next(line for line in sink.commands if line.startswith("MAIL"))
    assert "RET=HDRS" in mail and "ENVID=abc" in mail
    assert "RCPT TO:<x@one.test> NOTIFY=FAILURE ORCPT=rfc822;y@one.test" in sink.commands


def test_temporary_failure_then_delivery(world):
    sink = world.sink(1)
    sink.say_once("RCPT", "450 4.2.0 Later", "450 4.2.0 Still later")
    world.start()
    world.submit("x@one.test")
    sink.wait(lambda: sink.messages)
    assert len([line for line in sink.commands if line.startswith("RCPT")]) == 3
    wait_for(lambda: world.events().count("message.deferred") == 2)
    world.wait_queue([])
    assert world.inbox() == []


def test_the_better_host_is_preferred_and_the_other_serves_when_it_is_down(world):
    second = world.sink(2)
    world.start()
    world.submit("x@two.test")
    second.wait(lambda: second.messages)  # nobody listens at the first
    first = world.sink(1)
    time.sleep(4)  # the connection to the second is no longer kept
    world.submit("y@two.test")
    first.wait(lambda: first.messages)
    assert len(second.messages) == 1


def test_a_host_that_refuses_now_is_passed_over(world):
    first, second = world.sink(1), world.sink(2)
    first.say("greeting", "421 4.3.2 Busy")
    world.start()
    world.submit("x@two.test")
    second.wait(lambda: second.messages)
    assert not first.messages


def test_a_domain_without_mx_is_its_own_host(world):
    sink = world.sink(1)
    world.start()
    world.submit("x@plain.hosts.test")
    sink.wait(lambda: sink.messages)


def test_a_relay_takes_all(cluster, database, world):
    sink = world.sink(3)
    world.changes["mta"]["outbound"]["relay"] = "127.0.0.4:%d" % world.port
    node = world.node().start("mta")
    world.submit("x@one.test", "y@null.test", suite=node)
    sink.wait(lambda: sink.messages)
    assert sorted(sink.messages[0].recipients) == ["x@one.test", "y@null.test"]


def test_held_mail_waits_until_released_and_deleted_mail_is_gone(world):
    world.start()
    world.submit("x@one.test", "y@one.test")
    world.wait_code(450)
    queue = world.suite.sql("SELECT queue_id FROM queue.message")
    numbers = dict(row.split("|") for row in world.suite.sql("SELECT address, recipient_no FROM queue.recipient").splitlines())
    world.suite.sql("SELECT queue.control_v1('%s', -1, 'hold')" % queue)
    sink = world.sink(1)
    time.sleep(2.5)  # longer than the longest retry
    assert not sink.messages
    assert [row[1] for row in world.queue()] == ["held", "held"]
    world.suite.sql("SELECT queue.control_v1('%s', %s, 'delete')" % (queue, numbers["y@one.test"]))
    world.suite.sql("SELECT queue.control_v1('%s', -1, 'release')" % queue)
    sink.wait(lambda: sink.messages)
    world.wait_queue([])
    assert [message.recipients for message in sink.messages] == [["x@one.test"]]


def test_mail_deleted_while_it_is_sent_is_not_completed(world):
    sink = world.sink(1)
    sink.say("DATA", (1.5, "354 Go on"))
    world.start()
    world.submit("x@one.test")
    sink.wait(lambda: "DATA" in sink.commands)
    world.suite.sql("SELECT queue.control_v1(queue_id, -1, 'delete') FROM queue.message")
    wait_for(lambda: "lease" in world.suite.mta.tail() or sink.messages)
    assert not sink.messages
    assert world.queue() == []


def test_two_processes_never_send_twice(world):
    sink = world.sink(1)
    world.start()
    other = world.node().start("mta")
    for number in range(30):
        world.submit("a%d@one.test" % number, "b%d@one.test" % number, suite=other if number % 2 else world.suite)
    sink.wait(lambda: sum(len(m.recipients) for m in sink.messages) >= 60, 40)
    world.wait_queue([])
    recipients = [address for message in sink.messages for address in message.recipients]
    assert len(recipients) == len(set(recipients)) == 60


def test_killed_in_a_transaction_it_is_sent_by_the_next(world):
    sink = world.sink(1)
    sink.say_once(".", (30.0, None))
    world.start()
    world.submit("x@one.test")
    sink.wait(lambda: "DATA" in sink.commands)
    world.suite.mta.kill()
    assert len(world.queue()) == 1
    world.start()
    sink.wait(lambda: sink.messages)
    world.wait_queue([])
    time.sleep(0.5)
    assert len(sink.messages) == 1


@pytest.mark.parametrize("point", ["outbound.before_dot", "outbound.before_finish"])
def test_killed_at_the_worst_instants(world, point):
    """Before the dot nothing was sent; before the result is written the remote has it: the known window."""
    sink = world.sink(1)
    world.start(env={"DROMOS_FAULT": point + ":1:kill"})
    world.submit("x@one.test")
    wait_for(lambda: not world.suite.mta.running())
    world.start()
    world.wait_queue([])
    assert len(sink.messages) == (1 if point == "outbound.before_dot" else 2)


def test_a_clean_stop_gives_leases_back(world):
    sink = world.sink(1)
    sink.say_once("RCPT", (20.0, "250 Ok"))
    world.changes["mta"]["outbound"]["lease"] = "10m"
    node = world.node().start("mta")
    world.submit("x@one.test", suite=node)
    sink.wait(lambda: [line for line in sink.commands if line.startswith("RCPT")])
    assert node.mta.stop() == 0
    assert world.suite.sql("SELECT count(*) FROM queue.recipient WHERE lease_token IS NULL") == "1"
    world.start()
    sink.wait(lambda: sink.messages)


def test_results_survive_a_database_that_is_away(world):
    sink = world.sink(1)
    sink.say_once(".", (2.0, "250 2.0.0 Taken"))
    world.start()
    world.submit("x@one.test")
    sink.wait(lambda: "DATA" in sink.commands)
    # Of this database alone: other tests share the cluster and its roles.
    cluster, name = world.suite.cluster, world.suite.database
    cluster.psql("ALTER DATABASE %s ALLOW_CONNECTIONS false" % name)
    try:
        cluster.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dromos_mta' AND datname = '%s'" % name)
        sink.wait(lambda: sink.messages)
        time.sleep(1)
    finally:
        cluster.psql("ALTER DATABASE %s ALLOW_CONNECTIONS true" % name)
    world.wait_queue([])
    time.sleep(0.5)
    assert len(sink.messages) == 1


def test_metrics_tell_of_attempts(world):
    sink = world.sink(1)
    world.start()
    world.submit("x@one.test")
    sink.wait(lambda: sink.messages)
    world.wait_queue([])
    wait_for(lambda: world.metric('dromos_mta_outbound_attempts_total{result="delivered"}') == 1)
    assert world.metric("dromos_mta_outbound_duplicates_total") == 0
    line = next(line for line in world.suite.mta.tail().splitlines() if "event=message.sent" in line)
    assert re.search(r'remote="?mx1\.hosts\.test \[127\.0\.0\.2\]', line) and "ms=" in line
