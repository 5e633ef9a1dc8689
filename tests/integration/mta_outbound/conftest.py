"""`world`: an mta with a DNS server and SMTP sinks as the rest of the world; hosts are 127.0.0.2, .3, .4."""
import pytest

from dromostest.accounts import Accounts
from dromostest.clients import Smtp
from dromostest.daemons import Suite, merge
from dromostest.smtp_sink import DnsServer, SmtpSink, free_port, wait_for

ZONE = """
one.test            MX  10 mx1.hosts.test
two.test            MX  20 mx2.hosts.test
two.test            MX  10 mx1.hosts.test
slow.test           MX  10 mx3.hosts.test
null.test           MX  0  .
plain.hosts.test    A   127.0.0.2
mx1.hosts.test      A   127.0.0.2
mx2.hosts.test      A   127.0.0.3
mx3.hosts.test      A   127.0.0.4
broken.test         !servfail
example.test        MX  10 mx.example.test
loop.test           MX  10 mx.example.test
mx.example.test     A   127.0.0.1
"""
HOSTS = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
TEXT = "From: alice@example.test\nTo: somebody\nSubject: out\nMessage-ID: <out@example.test>\n\nHello.\n.dot\n"


class World:
    def __init__(self, cluster, database, changes):
        self.cluster, self.database = cluster, database
        self.port = free_port(*HOSTS)
        self.dns = DnsServer(ZONE)
        self.sinks = []
        self.suites = []
        self.changes = merge({
            "dns": {"forwarders": ["127.0.0.1:%d" % self.dns.port]},
            "mta": {"outbound": {"port": self.port, "retry_min": "300ms", "retry_max": "2s", "lease": "3s",
                                 "connect_timeout": "2s"}},
        }, changes)
        self.suite = self.node()
        self.mail = Accounts(self.suite)
        self.mail.account("alice@example.test")

    def node(self):
        """One more mta over the same database; not started."""
        self.suites.append(Suite(self.cluster, self.database, self.changes))
        return self.suites[-1]

    def sink(self, number, **options):
        """The host 127.0.0.2, .3 or .4, which refuses connections before."""
        self.sinks.append(SmtpSink(HOSTS[number - 1], self.port, **options))
        return self.sinks[-1]

    def start(self, env=None):
        self.suite.start("mta", env=env)
        return self

    def submit(self, *recipients, sender="alice@example.test", text=TEXT, mail_options="", rcpt_options="", suite=None):
        suite = suite or self.suite
        smtp = Smtp(suite.mta.address("submission"), suite.authority.client_context())
        smtp.expect("EHLO client.example.test", 250)
        smtp.starttls()
        smtp.expect("EHLO client.example.test", 250)
        assert smtp.auth_plain("alice@example.test", "secret")[0] == 235
        smtp.expect("MAIL FROM:<%s>%s" % (sender, mail_options), 250)
        for recipient in recipients:
            smtp.expect("RCPT TO:<%s>%s" % (recipient, rcpt_options), 250)
        smtp.expect("DATA", 354)
        smtp.send(text.replace("\n.", "\n..").replace("\n", "\r\n") + ".\r\n")
        assert smtp.reply()[0] == 250
        smtp.expect("QUIT", 221)
        smtp.close()

    def queue(self):
        """(address, state, last code) of what waits."""
        rows = self.suite.sql("SELECT address, state, coalesce(last_code, 0) FROM queue.recipient ORDER BY address")
        return [tuple(row.split("|")) for row in rows.splitlines()]

    def wait_queue(self, wanted, seconds=20):
        wait_for(lambda: self.queue() == wanted, seconds, lambda: "queue is %s" % self.queue())

    def wait_code(self, code):
        wait_for(lambda: [row for row in self.queue() if row[2] == str(code)], describe=lambda: str(self.queue()))

    def inbox(self, login="alice@example.test"):
        return [self.mail.raw(login, entry.message).decode() for entry in self.mail.mailbox(login)]

    def wait_inbox(self, count, login="alice@example.test"):
        wait_for(lambda: len(self.mail.mailbox(login)) >= count, describe=lambda: "queue is %s" % self.queue())
        found = self.inbox(login)
        assert len(found) == count
        return found

    def events(self):
        return self.suite.sql("SELECT event FROM mail.trace ORDER BY at").splitlines()

    def metric(self, line):
        import urllib.request
        host, port = self.suite.mta.address("metrics")
        with urllib.request.urlopen("http://%s:%d/metrics" % (host, port), timeout=10) as answer:
            for text in answer.read().decode().splitlines():
                if text.startswith(line + " "):
                    return float(text.rsplit(" ", 1)[1])
        return 0.0

    def close(self):
        try:
            for suite in self.suites:
                suite.close()
        finally:
            for sink in self.sinks:
                sink.close()
            self.dns.close()


@pytest.fixture
def world(request, cluster, database):
    mark = request.node.get_closest_marker("config")
    world = World(cluster, database, mark.args[0] if mark else {})
    yield world
    report = getattr(request.node, "call_report", None)
    logs = "\n".join(suite.logs() for suite in world.suites)
    try:
        world.close()
    finally:
        if report is None or report.failed:
            print(logs)
