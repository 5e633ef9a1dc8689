"""dromos-extract as imapd runs it: its protocol, its sandbox, and documents made to hurt it."""
import os
import signal
import socket
import struct
import subprocess

import pytest
from dromostest import documents, paths

PROGRAM = paths.BUILD / "bin" / "dromos-extract"
SANITIZED = paths.BUILD.name in ("asan", "tsan")
TEXT, UNKNOWN, ENCRYPTED, BROKEN, TOO_LARGE = range(5)
CUT, LAST = 1, 2


class Helper:
    """One process, spoken to as imapd/extract/wire.h says."""

    def __init__(self, *options):
        self.socket, other = socket.socketpair()
        self.socket.settimeout(60)
        self.process = subprocess.Popen([PROGRAM, *options], stdin=other, stdout=other, env={})
        other.close()
        magic, ready, layers, length = struct.unpack("<4sBBH", self.take(8))
        self.reason = self.take(length)
        assert magic == b"DXT1" and ready == 1, self.reason
        self.layers = layers

    def take(self, count):
        out = b""
        while len(out) < count:
            got = self.socket.recv(min(count - len(out), 1 << 20))
            if not got:
                raise EOFError(self.process.wait(30))
            out += got
        return out

    def ask(self, document, limit=1 << 20, milliseconds=20000):
        self.socket.sendall(struct.pack("<III", len(document), limit, milliseconds) + document)
        outcome, flags, _, length = struct.unpack("<BBHI", self.take(8))
        return outcome, flags, self.take(length).decode()

    def close(self):
        self.socket.close()
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()


@pytest.fixture
def helper():
    made = []

    def make(*options):
        made.append(Helper(*options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.skipif(SANITIZED, reason="a sanitizer needs what the sandbox refuses")
def test_the_sandbox_refuses_what_a_document_has_no_use_for():
    done = subprocess.run([PROGRAM, "--probe"], stdout=subprocess.PIPE, text=True, env={}, timeout=60)
    told = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    for attempt in ("open-to-read", "open-to-write", "mkdir", "socket", "unix-socket", "execve", "fork", "kill", "ptrace", "executable-memory",
                    "memory-beyond-limit"):
        assert told[attempt].startswith("refused"), told
    assert told["memory"] == "allowed" and told["clock"] == "allowed"
    assert {"limits", "seccomp"} <= set(told["layers"].split())
    assert done.returncode == 0
    assert not os.path.exists("/tmp/dromos-extract-probe")


@pytest.mark.skipif(SANITIZED, reason="likewise")
class TestServing:
    def test_documents_one_after_another(self, helper):
        one = helper()
        assert one.layers & 3 == 3  # limits, seccomp
        for _ in range(3):
            assert one.ask(documents.docx("Rechnung Nr. 4711", "zwei")) == (TEXT, 0, "Rechnung Nr. 4711\nzwei\n")
            assert one.ask(documents.xlsx("Umsatz")) == (TEXT, 0, "Umsatz\n")
            assert one.ask(documents.pptx("erste", "andere")) == (TEXT, 0, "erste\nandere\n")
            for kind in ("text", "spreadsheet", "presentation"):
                assert one.ask(documents.odf("Grüße", kind=kind)) == (TEXT, 0, "Grüße\n")
            outcome, flags, text = one.ask(documents.pdf("Seite eins", "Küche für 5 €"))
            assert (outcome, flags) == (TEXT, 0) and "Seite eins" in text and "Küche für 5 €" in text
            assert one.ask(b"no document at all") == (UNKNOWN, 0, "")
            assert one.ask(b"") == (UNKNOWN, 0, "")
        assert one.close() == 0

    def test_it_ends_after_a_hundred_documents_and_says_so(self, helper):
        one = helper()
        document = documents.docx("x")
        flags = [one.ask(document)[1] for _ in range(100)]
        assert flags == [0] * 99 + [LAST]
        assert one.process.wait(30) == 0

    def test_text_is_cut_where_it_is_told(self, helper):
        assert helper().ask(documents.docx("a" * 5000), limit=100) == (TEXT, CUT, "a" * 100)

    def test_time_is_kept_between_pages(self, helper):
        outcome, flags, _ = helper().ask(documents.pdf(*["words"] * 3000), milliseconds=1)
        assert outcome in (TEXT, TOO_LARGE) and flags & CUT

    def test_hostile_documents(self, helper):
        one = helper()
        bomb = documents.zipped([("[Content_Types].xml", ""), ("word/document.xml", "<w:p><w:t>front</w:t></w:p>" + " " * (400 << 20))])
        assert len(bomb) < 1 << 20
        assert one.ask(bomb) == (TEXT, CUT, "front\n")
        entities = "<!DOCTYPE d [<!ENTITY a '%s'><!ENTITY b '%s'>]><w:t>&b;</w:t>" % ("x" * 1000, "&a;" * 1000)
        assert one.ask(documents.zipped([("[Content_Types].xml", ""), ("word/document.xml", entities)]))[0] == BROKEN
        nested = documents.docx("inmost")
        for _ in range(30):
            nested = documents.zipped([("[Content_Types].xml", ""), ("word/document.xml", "<d/>"), ("word/embeddings/a.docx", nested)])
        assert one.ask(nested) == (TEXT, 0, "")
        assert one.ask(documents.pdf("whole")[:200])[0] in (BROKEN, TEXT)
        assert one.ask(documents.docx("whole")[:-40])[0] == BROKEN
        key = "k" * 32
        locked = documents.pdf("secret", trailer="/ID[(a)(a)]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O(%s)/U(%s)>>" % (key, key))
        assert one.ask(locked) == (ENCRYPTED, 0, "")
        assert "page 10000" in one.ask(documents.pdf(*("page %d" % n for n in range(1, 10001))), milliseconds=60000)[2]
        assert one.ask(documents.docx("still well")) == (TEXT, 0, "still well\n")

    def test_a_document_without_end_is_ended_by_the_limit_of_cpu_time(self, helper):
        one = helper("--cpu", "1")
        with pytest.raises(EOFError) as ended:
            one.ask(documents.pdf_endless())
        assert ended.value.args[0] in (-signal.SIGXCPU, -signal.SIGKILL)

    def test_a_request_that_is_none_ends_it(self, helper):
        one = helper()
        one.socket.sendall(struct.pack("<III", 0xFFFFFFFF, 1, 1))
        assert one.process.wait(30) == 1

    def test_it_ends_with_whoever_asked(self, helper):
        one = helper()
        assert one.close() == 0

    def test_memory_is_bounded(self, helper):
        one = helper("--memory", str(100 << 20))
        try:
            outcome = one.ask(bytes(150 << 20))
        except (EOFError, ConnectionError, BrokenPipeError):
            outcome = None  # ended, which is as good
        assert outcome is None
        one.process.wait(30)


def test_usage():
    done = subprocess.run([PROGRAM, "--nonsense"], stderr=subprocess.PIPE, text=True, env={})
    assert done.returncode == 2 and "usage" in done.stderr
