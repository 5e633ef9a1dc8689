"""What mta does with a verdict, against a scanner that says what the test wants (dromos.spam.v1 by hand)."""
import concurrent.futures
import struct
import threading
import time

import grpc
import pytest

from dromostest.clients import Smtp

MESSAGE = "Subject: x\r\n\r\n%s\r\n"


def scan_response(score, probability, verdict):
    return b"\x09" + struct.pack("<d", probability) + b"\x11" + struct.pack("<d", score) + b"\x18" + bytes([verdict])


class Scanner(grpc.GenericRpcHandler):
    """Spam is what holds "buy now"; `hang` makes it silent."""

    def __init__(self, folder):
        self.requests, self.hang = [], threading.Event()
        self.release = threading.Event()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=[self])
        self.server.add_insecure_port("unix:%s/spamd.sock" % folder)
        self.server.start()

    def service(self, details):
        if details.method != "/dromos.spam.v1.Spam/Scan":
            return None
        return grpc.unary_unary_rpc_method_handler(self.scan)

    def scan(self, request, context):
        self.requests.append(request)
        if self.hang.is_set():
            self.release.wait(30)
        return scan_response(7.5, 0.9994, 3) if b"buy now" in request else scan_response(-3, 0.05, 1)

    def close(self):
        self.release.set()
        self.server.stop(None).wait()


@pytest.fixture
def scanner(suite):
    made = Scanner(suite.folder)
    yield made
    made.close()


def send(suite, text, recipients=("bob@example.test",)):
    return Smtp(suite.mta.address("mx")).message("a@b.test", recipients, text)[0]


def test_spam_goes_to_junk_and_the_header_says_why(suite, scanner, mail):
    assert send(suite, MESSAGE % "buy now", ["bob@example.test", "alice@example.test"]) == 250
    assert send(suite, MESSAGE % "hello") == 250
    assert len(scanner.requests) == 2  # once a message, not once a recipient
    boxes = {entry.mailbox: mail.raw("bob@example.test", entry.message) for entry in mail.mailbox("bob@example.test")}
    assert b"X-Spam-Status: Yes, score=7.50 probability=0.9994 verdict=spam\r\n" in boxes["junk"]
    assert b"X-Spam-Status: No, score=-3.00 probability=0.0500 verdict=ham\r\n" in boxes["inbox"]
    assert [entry.mailbox for entry in mail.mailbox("alice@example.test")] == ["junk"]
    assert b"127.0.0.1" in scanner.requests[0] and b"alice@example.test" in scanner.requests[0]


@pytest.mark.config({"mta": {"spam": {"timeout": "200ms"}}})
def test_a_silent_scanner_costs_its_deadline_and_then_the_breaker_opens(suite, scanner, mail):
    scanner.hang.set()
    for _ in range(3):
        assert send(suite, MESSAGE % "buy now") == 250
    asked = len(scanner.requests)
    for _ in range(3):
        assert send(suite, MESSAGE % "buy now") == 250
    assert len(scanner.requests) - asked <= 1  # a probe at most
    assert {entry.mailbox for entry in mail.mailbox("bob@example.test")} == {"inbox"}
    scanner.hang.clear()
    scanner.release.set()
    deadline = time.monotonic() + 20
    while mail.mailbox("bob@example.test", "junk") == []:
        assert time.monotonic() < deadline
        assert send(suite, MESSAGE % "buy now") == 250


@pytest.mark.config({"mta": {"limits": {"memory_message": "8KiB"}}})
def test_of_a_large_message_header_and_beginning_are_scanned(suite, scanner, mail):
    assert send(suite, MESSAGE % ("x" * 70 + "\r\n") * 30000) == 250
    assert 256 * 1024 < len(scanner.requests[0]) < 300 * 1024
