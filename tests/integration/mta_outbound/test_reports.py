"""What the sender hears: DSNs for what cannot be delivered, warnings, nothing about lost reports."""
import email

import pytest

from dromostest.clients import Smtp
from dromostest.smtp_sink import wait_for


def fields(report):
    """The parts of a DSN: (message, fields of the message, fields of the first recipient)."""
    message = email.message_from_string(report)
    assert message.get_content_type() == "multipart/report"
    status = message.get_payload()[1].get_payload()
    return message, status[0], status[1]


def test_a_permanent_refusal_is_reported_to_the_sender(world):
    sink = world.sink(1)
    sink.say("RCPT TO:<bad@one.test>", "550 5.1.1 No such user here")
    world.start()
    world.submit("bad@one.test", "good@one.test", mail_options=" ENVID=xyz")
    (report,) = world.wait_inbox(1)
    message, about, recipient = fields(report)
    assert report.startswith("Return-Path: <>\r\n")
    assert message["To"] == "alice@example.test" or "alice@example.test" in message["To"]
    assert about["Original-Envelope-Id"] == "xyz"
    assert recipient["Action"] == "failed"
    assert recipient["Status"] == "5.1.1"
    assert recipient["Final-Recipient"].endswith("bad@one.test")
    assert "550 5.1.1 No such user here" in recipient["Diagnostic-Code"]
    assert "mx1.hosts.test" in recipient["Remote-MTA"]
    assert "Subject: out" in report and "Hello." not in report  # headers only
    world.wait_queue([])
    assert [m.recipients for m in sink.messages] == [["good@one.test"]]
    wait_for(lambda: {"message.bounced", "message.sent", "report.sent"} <= set(world.events()))


@pytest.mark.parametrize("address,status", [("x@null.test", "5.1.10"), ("x@nowhere.test", "5.1.2"),
                                            ("x@loop.test", "5.4.6")])
def test_domains_that_take_no_mail(world, address, status):
    world.start()
    world.submit(address)
    (report,) = world.wait_inbox(1)
    assert fields(report)[2]["Status"] == status
    world.wait_queue([])


def test_broken_dns_is_temporary(world):
    world.start()
    world.submit("x@broken.test")
    world.wait_code(450)
    assert world.inbox() == []


def test_notify_never_and_ret_full_are_honoured(world):
    sink = world.sink(1)
    sink.say("RCPT", "550 5.1.1 No")
    world.start()
    world.submit("x@one.test", rcpt_options=" NOTIFY=NEVER")
    world.wait_queue([])
    world.submit("x@one.test", mail_options=" RET=FULL")
    (report,) = world.wait_inbox(1)
    assert "Hello." in report


def test_expired_mail_is_returned(world):
    world.start()
    world.submit("x@one.test")  # nobody listens
    world.wait_code(450)
    world.suite.sql("UPDATE queue.message SET expires_at = now()")
    (report,) = world.wait_inbox(1)
    _, _, recipient = fields(report)
    assert recipient["Action"] == "failed" and recipient["Status"] == "4.4.7"
    world.wait_queue([])


def test_a_long_delay_is_told_once(world):
    world.start()
    world.submit("x@one.test")
    world.suite.sql("UPDATE queue.message SET created_at = now() - interval '5 hours'")
    (report,) = world.wait_inbox(1)
    _, _, recipient = fields(report)
    assert recipient["Action"] == "delayed" and recipient["Will-Retry-Until"]
    before = int(world.suite.sql("SELECT attempts FROM queue.recipient"))
    wait_for(lambda: int(world.suite.sql("SELECT attempts FROM queue.recipient")) > before + 1)
    assert len(world.inbox()) == 1


def test_success_is_reported_where_the_next_hop_will_not(world):
    sink = world.sink(1)
    sink.say("EHLO", "250 sink")
    world.start()
    world.submit("x@one.test", rcpt_options=" NOTIFY=SUCCESS")
    (report,) = world.wait_inbox(1)
    assert fields(report)[2]["Action"] == "relayed"


def queue_message(world, sender, address, domain):
    """A message of the null or a remote sender, as forwarding will make them."""
    world.suite.sql("""
      WITH b AS (INSERT INTO queue.body SELECT gen_random_uuid(), size, chunks FROM queue.body LIMIT 1 RETURNING body_id),
      c AS (INSERT INTO queue.body_chunk SELECT b.body_id, c.chunk_no, c.codec, c.dict_id, c.key_id, c.data
            FROM queue.body_chunk c, b),
      m AS (INSERT INTO queue.message (queue_id, body_id, trace_id, sender, size, expires_at)
            SELECT gen_random_uuid(), b.body_id, gen_random_uuid(), '%s', 100, now() + interval '1 day' FROM b RETURNING queue_id)
      INSERT INTO queue.recipient (queue_id, recipient_no, address, domain, transport, due_at)
      SELECT queue_id, 0, '%s', '%s', 'smtp', now() FROM m""" % (sender, address, domain))


def test_reports_are_never_about_reports_and_go_out_to_remote_senders(world):
    sink = world.sink(1)
    sink.say("RCPT TO:<bad@one.test>", "550 5.1.1 No")
    world.start()
    world.submit("x@slow.test")  # a body to copy; nobody listens there
    world.wait_code(450)
    queue_message(world, "", "bad@one.test", "one.test")
    wait_for(lambda: "report.dropped" in world.events())
    queue_message(world, "far@one.test", "bad@one.test", "one.test")
    sink.wait(lambda: sink.messages)
    assert (sink.messages[0].sender, sink.messages[0].recipients) == ("", ["far@one.test"])
    assert b"multipart/report" in sink.messages[0].content
    assert not sink.messages[0].content.startswith(b"Return-Path")
    assert world.inbox() == []


def test_killed_between_report_and_result_reports_once(world):
    sink = world.sink(1)
    sink.say("RCPT", "550 5.1.1 No")
    world.start(env={"DROMOS_FAULT": "outbound.after_report:1:kill"})
    world.submit("x@one.test")
    wait_for(lambda: not world.suite.mta.running())
    assert len(world.queue()) == 1 and len(world.inbox()) == 1
    world.start()
    world.wait_queue([])
    assert len(world.inbox()) == 1


def test_many_local_recipients_are_delivered_through_the_queue_once(world):
    names = ["u%d@example.test" % number for number in range(60)]
    world.mail.accounts(names)
    world.start(env={"DROMOS_FAULT": "outbound.before_finish:1:kill"})
    smtp = Smtp(world.suite.mta.address("mx"))
    code, lines = smtp.message("far@one.test", names, "Subject: all\n\nHello all.\n")
    assert code == 250, lines
    wait_for(lambda: not world.suite.mta.running())
    world.start()
    world.wait_queue([])
    counts = world.suite.sql("SELECT count(*), count(DISTINCT account_id) FROM mail.entry")
    assert counts == "60|60"
    (raw,) = world.inbox(names[7])
    assert raw.startswith("Return-Path: <far@one.test>\r\nReceived: ") and raw.endswith("Hello all.\r\n")
