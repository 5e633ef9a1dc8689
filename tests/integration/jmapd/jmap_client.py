"""A JMAP client with many calls a request, and messages to feed it."""
import json
import uuid

from dromostest.clients import Jmap

USING = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]


class Client(Jmap):
    """Jmap with many calls in one request, uploads and downloads."""

    def calls(self, *calls, using=None, expect=200, **more):
        """Responses as [name, arguments, id]; accountId is filled in."""
        if not hasattr(self, "account"):
            self.session()
        for name, arguments, _ in calls:
            if name != "Core/echo":
                arguments.setdefault("accountId", self.account)
        body = {"using": USING if using is None else using, "methodCalls": list(calls)}
        return self.json("POST", "/jmap", dict(body, **more), expect)["methodResponses"]

    def error(self, name, **arguments):
        """The error that one call is answered with."""
        (got, answer, _), = self.calls([name, arguments, "e"])
        assert got == "error", answer
        return answer["type"]

    def upload(self, data, content_type="message/rfc822"):
        self.session()
        status, _, body = self.request("POST", "/jmap/upload/%s/" % self.account, data, {"Content-Type": content_type})
        assert status == 201, (status, body)
        return json.loads(body)

    def download(self, blob, name="x", accept="application/octet-stream"):
        return self.request("GET", "/jmap/download/%s/%s/%s?accept=%s" % (self.account, blob, name, accept))

    def mailbox(self, role="inbox"):
        boxes = self.call("Mailbox/get", ids=None)["list"]
        return next(box["id"] for box in boxes if box["role"] == role)

    def import_(self, raw, keywords=None, mailbox=None, **more):
        """The created Email: id, blobId, threadId, size."""
        blob = self.upload(raw)["blobId"]
        email = dict({"blobId": blob, "mailboxIds": {mailbox or self.mailbox(): True}, "keywords": keywords or {}}, **more)
        answer = self.call("Email/import", emails={"k": email})
        assert answer["created"], answer
        return answer["created"]["k"]


def message(subject="Hello", body="Hi there\r\n", **headers):
    lines = {"From": "Ann <ann@example.org>", "To": "alice@example.test", "Subject": subject,
             "Date": "Sun, 22 Nov 2026 03:04:05 +0100", "Message-ID": "<%s@example.org>" % abs(hash(subject + body))}
    lines.update({name.replace("_", "-"): value for name, value in headers.items()})
    return ("".join("%s: %s\r\n" % item for item in lines.items()) + "\r\n" + body).encode()


def new_client(suite, user):
    """A fresh account's client: tests of one file share a daemon, never an account."""
    login = "%s-%s@example.test" % (user, uuid.uuid4().hex[:8])
    suite.accounts.account(login, "secret")
    return Client("http://%s:%d" % suite.jmapd.address("http"), login, "secret")
