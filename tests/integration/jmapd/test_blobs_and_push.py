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


def part_of(client, blob, asked, **headers):
    wanted = dict({"Range": asked}, **{name.replace("_", "-"): value for name, value in headers.items()})
    status, got, body = client.request("GET", "/jmap/download/%s/%s/x" % (client.account, blob), headers=wanted)
    return status, got, body


@pytest.mark.parametrize("size", [1000, 700_000])
def test_ranges_of_a_download(alice, size):
    data = bytes(i * 7 % 251 for i in range(size))
    blob = alice.upload(data, "application/x-test")["blobId"]
    last = size - 1
    for asked, first, end in [("bytes=0-0", 0, 0), ("bytes=10-19", 10, 19), ("bytes=%d-" % (size - 7), size - 7, last),
                              ("bytes=-5", size - 5, last), ("bytes=-9999999", 0, last), ("bytes=3-99999999", 3, last)]:
        status, headers, body = part_of(alice, blob, asked)
        assert (status, body) == (206, data[first:end + 1]), asked
        assert headers["Content-Range"] == "bytes %d-%d/%d" % (first, end, size) and headers["Accept-Ranges"] == "bytes"
    for asked in ("bytes=5-4", "bytes=0-1,4-5", "lines=0-1", "bytes=-", "bytes=x-9"):
        status, headers, body = part_of(alice, blob, asked)
        assert (status, body) == (200, data) and "Content-Range" not in headers, asked
    for asked in ("bytes=%d-" % size, "bytes=-0"):
        status, headers, _ = part_of(alice, blob, asked)
        assert status == 416 and headers["Content-Range"] == "bytes */%d" % size, asked
    etag = alice.download(blob)[1]["ETag"]
    assert part_of(alice, blob, "bytes=0-3", If_Range=etag)[0] == 206
    assert part_of(alice, blob, "bytes=0-3", If_Range='"other"')[0] == 200
    assert part_of(alice, blob, "bytes=0-3", If_None_Match=etag)[0] == 304


def test_ranges_of_a_message_part(alice):
    raw = message("r", "0123456789abcdef", Content_Type="application/octet-stream", MIME_Version="1.0")
    key = alice.import_(raw)["id"]
    email, = alice.call("Email/get", ids=[key], properties=["attachments", "bodyStructure"])["list"]
    status, headers, body = part_of(alice, email["bodyStructure"]["blobId"], "bytes=10-")
    assert (status, body) == (206, b"abcdef") and headers["Content-Range"] == "bytes 10-15/16"


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
