"""What must be true of the stack of deploy/compose, checked from outside as a client and from inside as each container's user."""
import email.message
import imaplib
import json
import pathlib
import re
import smtplib
import ssl
import sys
import time
import urllib.error
import urllib.request

import network
from engine import Failure

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib"))
from dromostest import certificates, documents  # noqa: E402
from dromostest.smtp_sink import SmtpSink, wait_for  # noqa: E402

DAEMONS = ["mta", "imapd", "jmapd", "spamd", "admind"]
ALICE, PASSWORD = "alice@example.org", "a long password"
PATIENCE = 120


class Result:
    def __init__(self):
        self.passed = self.failed = 0

    def say(self, good, what, why=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print("%-4s %s%s" % ("ok" if good else "FAIL", what, "" if good else ": " + str(why)[-6000:]), flush=True)

    def attempt(self, what, check):
        try:
            check()
            self.say(True, what)
        except (AssertionError, Failure, OSError, smtplib.SMTPException, imaplib.IMAP4.error, KeyError, ValueError) as failure:
            self.say(False, what, repr(failure) if not str(failure) else failure)


def whole_stack(result, engine, source, setup, use):
    authority = certificates.Authority(engine.folder)
    pair = authority.pair("localhost", "mail.example.org")
    sink = SmtpSink("0.0.0.0")
    stack = Stack(engine, source / "deploy/compose", authority, sink)
    setup = setup.replace("/your/cert.pem", str(pair.certificate)).replace("/your/key.pem", str(pair.key))
    setup = setup.replace("cp env.example .env", "cp env.example .env; echo 'DROMOS_MTA__OUTBOUND__RELAY=%s:%d' >> .env" % (network.RELAY_ADDRESS, sink.port))
    out = engine.run("sh", "-euxc", setup, cwd=source, timeout=4 * 3600)
    token = re.search(r"\bdk_\w+", out)
    result.say(token, "README: image built, stack up, first administrator", out)
    if not token:
        return
    stack.token = token[0]
    result.attempt("every health check says healthy", stack.wait_healthy)
    for name in DAEMONS:
        result.attempt("%s runs as nobody in particular, on a read-only root" % name, lambda: stack.is_confined(name))
    use = use.replace("dk_...", stack.token)
    result.attempt("README: domain, account, health", lambda: stack.has_all_daemons(engine.run("sh", "-euc", use, cwd=stack.folder)))
    result.attempt("mail in by port 25, read by IMAP on 993", stack.mail_comes_in)
    result.attempt("SEARCH TEXT finds words of a PDF attachment", stack.reads_documents)
    result.attempt("mail out by 587 through the relay", stack.mail_goes_out)
    result.attempt("JMAP on 443, REST on 8080", stack.answers_http)
    result.attempt("mta is replaced while IMAP goes on", stack.replaces_mta)
    result.attempt("certificates are read again on SIGHUP", stack.reloads)
    result.attempt("all stop by themselves within their grace period", stack.stops_in_time)
    result.attempt("after `up` the mail is there", stack.keeps_mail)
    result.attempt("no warnings in the logs", stack.logs_are_quiet)


class Stack:
    def __init__(self, engine, folder, authority, sink):
        self.engine, self.folder, self.sink = engine, folder, sink
        self.context = authority.client_context()
        self.token = None

    def compose(self, *words, timeout=600):
        return self.engine.run("docker-compose", *words, cwd=self.folder, timeout=timeout)

    def inside(self, service, script):
        return self.compose("exec", "-T", service, "sh", "-c", script)

    # -- state ----------------------------------------------------------------------------------------------
    def containers(self):
        rows = json.loads(self.engine.run("podman", "ps", "-a", "--format", "json"))
        return {row["Labels"]["com.docker.compose.service"]: row for row in rows if row["Labels"].get("com.docker.compose.oneoff") != "True"}

    def wait_healthy(self):
        def all_healthy():
            rows = self.containers()
            return all("(healthy)" in rows[name]["Status"] for name in ["postgres", *DAEMONS])
        wait_for(all_healthy, PATIENCE, lambda: {name: row["Status"] for name, row in self.containers().items()})

    def is_confined(self, name):
        out = self.inside(name, "id -u; touch /x 2>&1; touch /usr/sbin/x 2>&1; grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/1/status; grep -a -o dromos-%s /proc/1/cmdline" % name)
        assert out.startswith("7000\n") and out.count("Read-only file system") == 2, out
        assert out.count("0000000000000000") == 2 and re.search(r"NoNewPrivs:\s*1", out) and "dromos-" + name in out, out

    def has_all_daemons(self, out):
        assert all(name in out for name in DAEMONS) and "degraded" not in out, out

    # -- mail -----------------------------------------------------------------------------------------------
    def send(self, port, sender, recipient, subject, login=False, pdf=None):
        letter = email.message.EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = sender, recipient, subject
        letter.set_content("Hello.\n")
        if pdf:
            letter.add_attachment(pdf, maintype="application", subtype="pdf", filename="one.pdf")
        with smtplib.SMTP("localhost", port, timeout=PATIENCE) as client:
            client.starttls(context=self.context)
            if login:
                client.login(ALICE, PASSWORD)
            client.send_message(letter, sender, [recipient])

    def inbox(self):
        client = imaplib.IMAP4_SSL("localhost", 993, ssl_context=self.context, timeout=PATIENCE)
        client.login(ALICE, PASSWORD)
        client.select("INBOX")
        return client

    def count(self, text, key="SUBJECT"):
        with self.inbox() as client:
            return len(client.search(None, key, '"%s"' % text)[1][0].split())

    def mail_comes_in(self):
        self.send(25, "bob@elsewhere.example", ALICE, "incoming")
        assert self.count("incoming") == 1

    def reads_documents(self):
        self.send(25, "bob@elsewhere.example", ALICE, "a document", pdf=documents.pdf("the numbat wakes"))
        wait_for(lambda: self.count("numbat", "TEXT") == 1, PATIENCE, lambda: self.compose("logs", "--tail", "40", "imapd"))
        told = [line for line in self.compose("logs", "--no-color", "imapd").splitlines() if "extract.started" in line]
        assert told and all("seccomp=true" in line and "landlock=true" in line for line in told), told

    def mail_goes_out(self):
        self.send(587, ALICE, "bob@elsewhere.example", "outgoing", login=True)
        wait_for(lambda: self.sink.messages, PATIENCE, lambda: self.compose("logs", "--tail", "40", "mta"))
        assert b"Subject: outgoing" in self.sink.messages[0].content, self.sink.messages[0]

    def answers_http(self):
        request = urllib.request.Request("https://localhost/.well-known/jmap")
        try:
            urllib.request.urlopen(request, context=self.context, timeout=PATIENCE)
            raise AssertionError("JMAP answered without a password")
        except urllib.error.HTTPError as error:
            assert error.code == 401, error
        request = urllib.request.Request("http://127.0.0.1:8080/api/v1/accounts", headers={"Authorization": "Bearer " + self.token})
        assert ALICE in urllib.request.urlopen(request, timeout=PATIENCE).read().decode()

    # -- change -----------------------------------------------------------------------------------------------
    def replaces_mta(self):
        with self.inbox() as client:
            self.compose("up", "-d", "--no-deps", "--force-recreate", "mta")
            assert client.noop()[0] == "OK"
            self.wait_healthy()
            self.send(25, "bob@elsewhere.example", ALICE, "after replacing")
            assert client.noop()[0] == "OK" and client.search(None, "SUBJECT", '"after replacing"')[1][0].split()

    def reloads(self):
        self.compose("kill", "-s", "HUP", "mta", "imapd", "jmapd")
        wait_for(lambda: self.compose("logs").count("event=tls.reloaded") == 3, PATIENCE, lambda: self.compose("logs", "--tail", "20"))
        assert self.count("incoming") == 1

    def stops_in_time(self):
        began = time.monotonic()
        self.compose("stop")
        codes = {name: row["ExitCode"] for name, row in self.containers().items()}
        assert set(codes.values()) == {0}, codes
        assert time.monotonic() - began < 100

    def keeps_mail(self):
        self.compose("up", "-d")
        self.wait_healthy()
        assert self.count("incoming") == 1

    def logs_are_quiet(self):
        loud = [line for line in self.compose("logs", "--no-color", *DAEMONS).splitlines() if re.search(r"level=(warn|error)", line)]
        assert not loud, "\n".join(loud[:20])
