"""Upload, download, EventSource (RFC 8620 §6, §7.3), and the store going away."""
import concurrent.futures
import http.client
import json
import threading

import pytest

from jmap_client import message, new_client

JMAPD = {"limits": {"upload_size": "1MiB"}}


@pytest.mark.parametrize("size", [0, 1, 300_000, 1_000_000])
def test_bytes_come_back(alice, size):
    data = bytes(i * 7 % 251 for i in range(size))
    made = alice.upload(data, "application/x-test")
    assert made["size"] == size and made["type"] == "application/x-test" and made["accountId"] == alice.account
    status, headers, got = alice.download(made["blobId"], "a.bin", "application/x-test")
    assert status == 200 and got == data and headers["Content-Type"] == "application/x-test"


def test_large_uploads_spill_to_a_file_and_limits_hold(alice):
    alice.session()
    host, port = alice.base.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.putrequest("POST", "/jmap/upload/%s/" % alice.account)
    for name, value in dict(alice.headers, **{"Content-Length": str(2 << 20), "Content-Type": "a/b"}).items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413 and json.loads(answer.read())["limit"] == "maxSizeUpload"


def test_others_blobs_and_accounts_are_not_found(alice, bob):
    blob = alice.upload(b"secret")["blobId"]
    bob.session()
    assert bob.download(blob)[0] == 404
    status, _, _ = bob.request("GET", "/jmap/download/%s/%s/x" % (alice.account, blob))
    assert status == 404
    assert bob.request("POST", "/jmap/upload/%s/" % alice.account, b"x")[0] == 404
    for bad in ("B", "Bxyz", blob + "-", blob + "-01", blob + "-9", blob.lower(), "%2e%2e"):
        assert alice.download(bad)[0] in (400, 404)


@pytest.mark.parametrize("name, accept", [
    ("a%22b.html", "text/html"), ("x%0d%0aSet-Cookie:%20a=b", "text/plain"), ("%C3%BC.txt", "text/plain%0d%0aX-Evil:%201"),
    ("n%27ame;.exe", "nonsense"),
])
def test_hostile_names_and_types_stay_in_their_header(alice, name, accept):
    blob = alice.upload(b"<script>alert(1)</script>")["blobId"]
    status, headers, _ = alice.download(blob, name, accept)
    if status == 400:
        return
    assert status == 200 and "X-Evil" not in headers and "Set-Cookie" not in headers
    assert headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
    assert not set(headers["Content-Disposition"].split("''")[1]) & set("\"; \r\n")
    assert headers["X-Content-Type-Options"] == "nosniff" and "sandbox" in headers["Content-Security-Policy"]
    assert headers["Content-Type"] in ("text/html", "text/plain", "application/octet-stream")


class Events(threading.Thread):
    """Reads one event stream to its end; `opened` once headers are there."""

    def __init__(self, client, query):
        super().__init__(daemon=True)
        host, port = client.base.removeprefix("http://").split(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=60)
        self.connection.request("GET", "/jmap/eventsource?" + query, headers=client.headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200 and self.answer.getheader("Content-Type") == "text/event-stream"
        self.events = []
        self.start()

    def run(self):
        event = {}
        for line in self.answer:
            text = line.decode().rstrip("\n")
            if not text and event:
                self.events.append(event)
                event = {}
            elif text and not text.startswith(":"):
                key, _, value = text.partition(": ")
                event[key] = value


def test_a_change_is_pushed(alice, bob):
    stream = Events(alice, "types=*&closeafter=state&ping=0")
    bob.import_(message())  # another's change wakes nobody
    alice.import_(message())
    stream.join(30)
    event, = stream.events
    assert event["event"] == "state"
    data = json.loads(event["data"])
    assert data["@type"] == "StateChange" and set(data["changed"]) == {alice.account}
    assert data["changed"][alice.account]["Email"] == alice.call("Email/get", ids=[])["state"]
    assert data["changed"][alice.account]["Mailbox"] == alice.call("Mailbox/get", ids=[])["state"]


def test_types_are_filtered_and_missed_changes_told(alice):
    alice.session()
    stream = Events(alice, "types=Mailbox&closeafter=state&ping=0")
    key = alice.import_(message())["id"]
    stream.join(30)
    assert set(json.loads(stream.events[0]["data"])["changed"][alice.account]) == {"Mailbox"}
    alice.call("Email/set", update={key: {"keywords/$seen": True}})
    alice.headers["Last-Event-ID"] = stream.events[0]["id"]
    again = Events(alice, "types=*&closeafter=state&ping=0")
    again.join(30)
    assert set(json.loads(again.events[0]["data"])["changed"][alice.account]) == {"Email", "Mailbox", "Thread"}


@pytest.mark.parametrize("query", ["closeafter=never", "ping=x", "ping=-1", "types="])
def test_bad_event_queries(alice, query):
    assert alice.request("GET", "/jmap/eventsource?" + query)[0] == 400


def test_many_clients_write_at_once(alice):
    blob, box = alice.upload(message())["blobId"], alice.mailbox()
    state = alice.call("Email/get", ids=[])["state"]

    def work(number):
        email = {"blobId": blob, "mailboxIds": {box: True}, "keywords": {"n%d" % number: True}}
        return alice.call("Email/import", emails={"k": email})["created"]["k"]["id"]

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        ids = list(pool.map(work, range(30)))
    assert len(set(ids)) == 30
    assert sorted(alice.call("Email/changes", sinceState=state)["created"]) == sorted(ids)
    assert sorted(alice.call("Email/query")["ids"]) == sorted(ids)


def test_lost_database_connections_are_made_anew(jmap):
    carol = new_client(jmap, "carol")
    carol.import_(message())
    jmap.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'dromos_jmapd'")
    statuses = [carol.request("GET", "/.well-known/jmap")[0] for _ in range(20)]
    assert statuses[-1] == 200 and set(statuses) <= {200, 503}
    assert len(carol.call("Email/query")["ids"]) == 1
