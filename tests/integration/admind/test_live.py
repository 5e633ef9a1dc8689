"""admind's hand on running daemons: sessions of imapd, the queue of mta, retention, search of traces."""
import socket
import time

import pytest

from dromostest.clients import Imap, Smtp
from dromostest.smtp_sink import DnsServer, SmtpSink, free_port

from admin_client import Ctl, Rest

USERS = ["alice@example.test", "bob@example.test"]
TEXT = "From: alice@example.test\r\nSubject: out\r\nMessage-ID: <%s@example.test>\r\n\r\nHello.\r\n"


def wait_for(check, what):
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        if check():
            return
        time.sleep(0.05)
    raise AssertionError(what)


@pytest.fixture
def people(rest, domain):
    for user in USERS:
        rest.json("POST", "/accounts", {"address": user, "password": "correct horse"}, expect=201)


def imap(suite, user):
    return Imap(suite.imapd.address("imap"), user, "correct horse", suite.authority.client_context())


def ended(client):
    """The BYE and the end of the connection."""
    lines = []
    try:
        while line := client.readline():
            lines.append(line)
    except (ConnectionError, OSError, client.abort):
        pass
    return any(line.startswith(b"* BYE") for line in lines)


def test_sessions_are_listed_and_ended(suite, rest, ctl, people):
    suite.start("imapd")
    alice, other, bob = imap(suite, USERS[0]), imap(suite, USERS[0]), imap(suite, USERS[1])
    listed = rest.json("GET", "/sessions")["items"]
    assert sorted(s["address"] for s in listed) == [USERS[0], USERS[0], USERS[1]]
    assert all(s["protocol"] == "imap" and s["tls"] and s["remote"].startswith("127.0.0.1") and s["since"] for s in listed)
    one, = rest.json("GET", "/sessions?account=" + USERS[1])["items"]
    assert rest.json("DELETE", "/sessions/" + one["id"])["ended"] == 1
    assert ended(bob)
    assert rest.json("DELETE", "/sessions/" + one["id"])["ended"] == 0
    assert alice.noop()[0] == "OK", "others stay"
    assert ctl.json("sessions", "end-all", "--account", USERS[0])["ended"] == 2
    assert ended(alice) and ended(other)
    wait_for(lambda: ctl.json("sessions", "list")["items"] == [], "sessions that ended are still listed")
    rest.refused(404, "GET", "/sessions?account=nobody@example.test")
    again = imap(suite, USERS[0])
    again.idle_start()
    assert rest.json("DELETE", "/sessions?account=" + USERS[0])["ended"] == 1
    assert ended(again), "a session in IDLE ends, too"


@pytest.fixture
def world(suite):
    """The rest of the world: a DNS server, and one host that answers as told."""
    port = free_port("127.0.0.2")
    dns = DnsServer("far.test MX 10 mx.far.test\nmx.far.test A 127.0.0.2\n")
    suite.reconfigure({"dns": {"forwarders": ["127.0.0.1:%d" % dns.port]},
                       "mta": {"outbound": {"port": port, "retry_min": "1h", "retry_max": "2h", "connect_timeout": "2s"}}})
    sink = SmtpSink("127.0.0.2", port)
    sink.say("RCPT", "450 4.2.0 Not now")
    yield sink
    sink.close()
    dns.close()


def submit(suite, *recipients, name="out"):
    smtp = Smtp(suite.mta.address("submission"), suite.authority.client_context())
    smtp.expect("EHLO client.example.test", 250)
    smtp.starttls()
    smtp.expect("EHLO client.example.test", 250)
    assert smtp.auth_plain(USERS[0], "correct horse")[0] == 235
    smtp.expect("MAIL FROM:<%s>" % USERS[0], 250)
    for recipient in recipients:
        smtp.expect("RCPT TO:<%s>" % recipient, 250)
    smtp.expect("DATA", 354)
    smtp.send(TEXT % name + ".\r\n")
    assert smtp.reply()[0] == 250
    smtp.close()


def test_the_queue_in_the_operators_hand(suite, world, rest, ctl, people):
    suite.start("mta")
    submit(suite, "one@far.test", "two@far.test")

    def rows():
        return rest.json("GET", "/queue")["items"]

    wait_for(lambda: [row["last_code"] for row in rows()] == [450, 450], "mta did not try")
    first, second = rows()
    assert first["recipient"] == "one@far.test" and first["attempts"] == 1 and "Not now" in first["last_reply"]
    assert first["state"] == "due" and first["sender"] == USERS[0] and first["id"] == second["id"]
    shown = ctl.json("queue", "show", first["id"])
    assert [r["recipient"] for r in shown["recipients"]] == ["one@far.test", "two@far.test"]
    assert [r["recipient"] for r in rest.json("GET", "/queue?recipient=two@far.test")["items"]] == ["two@far.test"]

    # Held: a retry of the message goes on without it.
    assert rest.json("POST", "/queue/%s/hold" % first["id"], {"recipient_no": second["recipient_no"]})["changed"] == 1
    assert [row["state"] for row in rows()] == ["due", "held"]
    assert [r["recipient"] for r in rest.json("GET", "/queue?state=held")["items"]] == ["two@far.test"]
    world.say("RCPT", "250 2.1.5 Ok")
    ctl.run("queue", "retry", first["id"], "--recipient-no", str(first["recipient_no"]))
    wait_for(lambda: [row["recipient"] for row in rows()] == ["two@far.test"], "retry did not wake mta")
    assert [m.recipients for m in world.messages] == [["<one@far.test>"]] or "one@far.test" in str(world.messages[0].recipients)

    # Released, and gone at once.
    ctl.run("queue", "release", first["id"])
    wait_for(lambda: rows() == [], "release did not wake mta")
    assert len(world.messages) == 2

    # Deleted: nothing is sent and nobody is told.
    world.say("RCPT", "450 4.2.0 Not now")
    submit(suite, "three@far.test")
    wait_for(lambda: [row["last_code"] for row in rows()] == [450], "mta did not try")
    key = rows()[0]["id"]
    assert {s["state"]: s["recipients"] for s in rest.json("GET", "/queue/stats")["items"]} == {"due": 1}
    ctl.run("queue", "delete", key)
    assert rows() == []
    rest.refused(404, "GET", "/queue/" + key)
    assert len(world.messages) == 2 and suite.sql("SELECT count(*) FROM mail.entry") == "0"


def test_traces_are_found_by_what_people_know(suite, rest, ctl, people):
    suite.start("mta")
    for name in ("first", "second"):
        smtp = Smtp(suite.mta.address("mx"))
        smtp.expect("EHLO client.example.org", 250)
        smtp.expect("MAIL FROM:<%s@example.org>" % name, 250)
        smtp.expect("RCPT TO:<%s>" % USERS[1], 250)
        smtp.expect("DATA", 354)
        smtp.send(TEXT % name + ".\r\n")
        assert smtp.reply()[0] == 250
        smtp.close()

    def found(query):
        return rest.json("GET", "/traces?" + query)["items"]

    events = found("message_id=first@example.test")
    assert {"message.received", "message.scanned", "message.delivered"} <= {event["event"] for event in events}
    trace, = {event["trace_id"] for event in events}
    assert {event["sender"] for event in events} == {"first@example.org"}
    assert ctl.json("trace", "find", "--message-id", "<first@example.test>")["items"] == events
    assert found("message_id=none@example.test") == [] and found("message_id=irst@example.test") == []
    assert trace in {event["trace_id"] for event in found("sender=first@example.org")}
    assert trace not in {event["trace_id"] for event in found("sender=second@example.org")}
    assert len({event["trace_id"] for event in found("recipient=" + USERS[1])}) == 2
    assert [e["recipient"] for e in found("message_id=first@example.test&event=message.delivered")] == [USERS[1]]
    at = min(event["at"] for event in events)
    assert found("message_id=first@example.test&to=" + at) == []
    assert found("message_id=first@example.test&from=" + at) == events


def test_retention_is_a_setting(suite, rest, ctl, people):
    suite.start("imapd")
    client = imap(suite, USERS[0])
    client.ok("append", "INBOX", None, None, b"Subject: x\r\n\r\nbody\r\n")
    client.ok("select", "INBOX")
    client.ok("store", "1", "+FLAGS", "(\\Deleted)")
    client.ok("expunge")

    def collect():
        before = suite.sql("SELECT runs FROM admin.job WHERE name = 'admind.collect'")
        rest.json("POST", "/jobs/admind.collect/run", expect=204)
        wait_for(lambda: suite.sql("SELECT runs FROM admin.job WHERE name = 'admind.collect'") > before, "no run")

    wait_for(lambda: suite.sql("SELECT count(*) FROM admin.job WHERE name = 'admind.collect' AND runs > 0") == "1", "no run")
    suite.sql("UPDATE mail.expunged SET at = at - interval '3 days'")
    suite.sql("UPDATE mail.account_state SET expunged_since = expunged_since - interval '3 days'")
    collect()
    assert suite.sql("SELECT count(*) FROM mail.expunged") == "1", "kept for 14 days"
    ctl.run("setting", "put", "retention.expunged_days", "2")
    collect()
    assert suite.sql("SELECT count(*) FROM mail.expunged") == "0"
    for key, value in [("retention.expunged_days", -1), ("retention.expunged_days", "2"), ("retention.expunged_days", 1.5),
                       ("retention.trace_days", 0), ("retention.delivery_days", 91), ("retention.nonsense", 1)]:
        assert "days" in rest.refused(400, "PUT", "/settings/" + key, {"value": value})["detail"]
    rest.json("DELETE", "/settings/retention.expunged_days", expect=204)


def test_trash_is_emptied_where_policy_says_so(suite, rest, ctl, people):
    suite.start("imapd")
    client = imap(suite, USERS[0])
    trash = suite.sql("SELECT name FROM mail.mailbox WHERE special_use = 'trash' LIMIT 1")
    for box in ("INBOX", trash, trash):
        client.ok("append", box, None, None, b"Subject: x\r\n\r\nbody\r\n")
    client.ok("select", trash)
    suite.sql("UPDATE mail.entry SET saved_at = saved_at - interval '8 days' WHERE uid = 1")

    def expire():
        before = suite.sql("SELECT runs FROM admin.job WHERE name = 'admind.expire_mail'")
        rest.json("POST", "/jobs/admind.expire_mail/run", expect=204)
        wait_for(lambda: suite.sql("SELECT runs FROM admin.job WHERE name = 'admind.expire_mail'") > before, "no run")

    wait_for(lambda: suite.sql("SELECT count(*) FROM admin.job WHERE name = 'admind.expire_mail' AND runs > 0") == "1", "no run")
    expire()
    assert suite.sql("SELECT count(*) FROM mail.entry") == "3", "nothing expires by default"
    rest.json("PUT", "/settings/retention.trash_days", {"value": 7})
    client.idle_start()
    expire()
    assert client.idle_line() == b"* 1 EXPUNGE", "a session in IDLE hears of it"
    client.idle_done()
    assert suite.sql("SELECT count(*) FROM mail.entry") == "2" and suite.sql("SELECT count(*) FROM mail.expunged") == "1"
    assert ctl.run("check")
