"""One message on its road through all five daemons, for real."""
import base64
import email.message
import email.policy
import email.utils
import imaplib
import json
import re
import smtplib
import ssl
import threading
import time
import urllib.request

import show

SUBJECT = "Grüße aus Köln – \u4f60\u597d, Bob"
BODY = "Hello Bob,\n\nthis letter went through five daemons to reach you.\n\nAlice\n"
ATTACHMENT = bytes(range(256)) * 8


class Failure(Exception):
    pass


def expect(truth, what):
    if not truth:
        raise Failure("the story broke: " + what)


class Watcher(threading.Thread):
    """bob's mail client: selects INBOX, waits in IDLE, notes when the server speaks of a new message."""

    def __init__(self, host, port, context, user, password):
        super().__init__(daemon=True)
        self.client = imaplib.IMAP4(host, port, timeout=30)
        self.client.starttls(context)
        self.client.login(user, password)
        self.client.select("INBOX")
        self.tag = self.client._new_tag()
        self.client.send(self.tag + b" IDLE\r\n")
        expect(self.client.readline().startswith(b"+"), "IDLE was not accepted")
        self.woken_at, self.error = None, None

    def run(self):
        try:
            while True:
                line = self.client.readline()
                if not line or re.match(rb"\* \d+ EXISTS", line):
                    self.woken_at = time.monotonic()
                    return
        except OSError as error:
            self.error = error

    def done(self):
        self.client.send(b"DONE\r\n")
        while not self.client.readline().startswith(self.tag):
            pass


def compose(alice, bob):
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = "Alice <%s>" % alice, "Bob <%s>" % bob, SUBJECT
    message["Date"], message["Message-ID"] = email.utils.localtime(), email.utils.make_msgid(domain=alice.split("@")[1])
    message.set_content(BODY)
    message.add_attachment(ATTACHMENT, maintype="application", subtype="octet-stream", filename="Löwe.bin")
    return message


def submit(values, context, message):
    with smtplib.SMTP(values["DROMOS_MTA_SUBMISSION_HOST"], values["DROMOS_MTA_SUBMISSION_PORT"], timeout=30) as client:
        client.ehlo("laptop.example.test")
        client.starttls(context=context)
        client.ehlo("laptop.example.test")
        client.login(values["DROMOS_ALICE"], values["DROMOS_ALICE_PASSWORD"])
        client.mail(values["DROMOS_ALICE"])
        code, reply = client.rcpt(values["DROMOS_BOB"])
        expect(code == 250, "RCPT was answered %d %s" % (code, reply))
        code, reply = client.data(message.as_bytes())
        accepted_at = time.monotonic()
        expect(code == 250, "DATA was answered %d %s" % (code, reply))
    return reply.decode(), accepted_at


def read_by_imap(watcher):
    client = watcher.client
    kind, data = client.uid("SEARCH", "UNSEEN")
    uid = data[0].split()[-1]
    kind, data = client.uid("FETCH", uid, "(BODY.PEEK[] FLAGS)")
    raw = next(part[1] for part in data if isinstance(part, tuple))
    return email.message_from_bytes(raw, policy=email.policy.default)


def jmap(values, calls):
    token = base64.b64encode(("%s:%s" % (values["DROMOS_BOB"], values["DROMOS_BOB_PASSWORD"])).encode()).decode()
    headers = {"Authorization": "Basic " + token, "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(values["DROMOS_JMAP_URL"], headers=headers), timeout=30) as answer:
        session = json.load(answer)
    account = session["primaryAccounts"]["urn:ietf:params:jmap:mail"]
    body = {"using": ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"], "methodCalls": calls(account)}
    with urllib.request.urlopen(urllib.request.Request(session["apiUrl"], json.dumps(body).encode(), headers), timeout=30) as answer:
        return json.load(answer)["methodResponses"]


def read_by_jmap(values, message_id):
    responses = jmap(values, lambda account: [
        ["Email/query", {"accountId": account, "sort": [{"property": "receivedAt", "isAscending": False}], "limit": 1}, "q"],
        ["Email/get", {"accountId": account, "#ids": {"resultOf": "q", "name": "Email/query", "path": "/ids"},
                       "properties": ["id", "messageId", "subject", "from", "preview", "hasAttachment"]}, "g"]])
    expect(responses[-1][0] == "Email/get", "JMAP answered %s" % responses)
    found = responses[-1][1]["list"][0]
    expect(found["messageId"] == [message_id.strip("<>")], "JMAP returned another message: %s" % found)
    return found


def wait_for_trace(running, trace):
    """The trace is in the commit of the message; what later hops add follows at once."""
    for _ in range(50):
        events = running.rest("GET", "/traces/" + trace)["events"]
        if any(event["event"] == "message.delivered" for event in events):
            return events
        time.sleep(0.1)
    raise Failure("the trace %s has no delivery: %s" % (trace, events))


def tell(running):
    values = running.values()
    context = ssl.create_default_context(cafile=str(values["DROMOS_CA"]))
    context.check_hostname = False  # the story connects to 127.0.0.1
    alice, bob = values["DROMOS_ALICE"], values["DROMOS_BOB"]
    show.step("A letter from alice to bob")

    watcher = Watcher(values["DROMOS_IMAPD_IMAP_HOST"], values["DROMOS_IMAPD_IMAP_PORT"], context, bob, values["DROMOS_BOB_PASSWORD"])
    show.good("bob's client waits in IMAP IDLE")
    watcher.start()
    message = compose(alice, bob)
    reply, accepted_at = submit(values, context, message)
    show.good("alice submitted it by SMTP with STARTTLS and AUTH: 250 %s" % reply)
    watcher.join(30)
    expect(watcher.woken_at, "bob's IDLE did not wake within 30 s (%s)" % watcher.error)
    show.good("bob's IDLE woke %.1f ms after the 250" % ((watcher.woken_at - accepted_at) * 1000))
    watcher.done()

    received = read_by_imap(watcher)
    expect(received["Subject"] == SUBJECT, "the subject came out as %r" % received["Subject"])
    attachment = next(received.iter_attachments())
    expect(attachment.get_content() == ATTACHMENT and attachment.get_filename() == "Löwe.bin", "the attachment changed")
    show.good("bob read it by IMAP: %r, %s of %d bytes unharmed" % (received["Subject"], attachment.get_filename(), len(ATTACHMENT)))
    spam = received.get("X-Spam-Status") or received.get("X-Dromos-Spam")
    if spam:
        show.good("spamd said: %s" % spam)
    watcher.client.logout()

    found = read_by_jmap(values, message["Message-ID"])
    show.good("JMAP returns the same message: %s, preview %r" % (found["id"], found["preview"][:48]))

    trace = re.search(r"\bX[a-z2-7]{26}\b", reply)
    expect(trace, "the 250 carries no trace id: %s" % reply)
    show.good("admin REST tells its road, trace %s:" % trace[0])
    for event in wait_for_trace(running, trace[0]):
        detail = " ".join("%s=%s" % item for item in (event.get("detail") or {}).items())
        show.line("%s  %-6s %-20s %s %s" % (event["at"][11:23], event["daemon"], event["event"], event.get("recipient") or "", detail))
