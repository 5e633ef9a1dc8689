"""SEARCH finds words in PDF and Office attachments, whose text dromos-extract reads; hostile ones harm nobody."""
import base64
import os
import pathlib
import signal
import time

import pytest
from dromostest import documents, metrics, paths
from dromostest.accounts import quote
from dromostest.daemons import Suite
from imapd_client import Raw, simple

BOB = "bob@example.test"
PROGRAM = str(paths.BUILD / "bin" / "dromos-extract")
PDF, OCTETS = "application/pdf", "application/octet-stream"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
pytestmark = [
    pytest.mark.skipif(paths.BUILD.name in ("asan", "tsan"), reason="a sanitizer needs what the sandbox refuses"),
    pytest.mark.config({"imapd": {"extract": {"program": PROGRAM}}}),
]


def extract_config(**keys):
    return pytest.mark.config({"imapd": {"extract": dict(keys, program=PROGRAM)}})


def carrying(*attachments, subject="carrier"):
    """attachments: (type, name, bytes)"""
    parts = [b"--b\r\nContent-Type: text/plain\r\n\r\ncover letter\r\n"]
    for kind, name, content in attachments:
        head = "--b\r\nContent-Type: %s\r\nContent-Disposition: attachment; filename=\"%s\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" % (kind, name)
        parts.append(head.encode() + base64.encodebytes(content).replace(b"\n", b"\r\n"))
    head = "Subject: %s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" % subject
    return head.encode() + b"".join(parts) + b"--b--\r\n"


def wait_until(check, what):
    for _ in range(600):
        if check():
            return
        time.sleep(0.1)
    raise AssertionError(what)


class Store:
    def __init__(self, suite):
        self.suite = suite
        self.account = "account_id = directory.need_account(%s)" % quote(BOB)

    def rows(self, columns, more="true"):
        return self.suite.sql("SELECT %s FROM mail.attachment_text WHERE %s AND %s ORDER BY message_id" % (columns, self.account, more)).split()

    def count(self, more="true"):
        return len(self.rows("message_id", more))

    def wait_for(self, count):
        wait_until(lambda: self.count("NOT waiting") >= count, "attachments wait: " + str(self.rows("waiting, attempts, reason")))


@pytest.fixture
def store(suite):
    return Store(suite)


def search(client, keys, text):
    octets = text.encode()
    told = client.ok(b"SEARCH CHARSET UTF-8 " + keys.encode() + b" {%d+}\r\n" % len(octets) + octets)
    return [int(number) for number in told[0].split()[2:]]


def put(client, *messages):
    for message in messages:
        assert client.append("INBOX", message).startswith("OK")


@pytest.mark.parametrize("memory", [pytest.param(True), pytest.param(False, marks=pytest.mark.config({
    "imapd": {"extract": {"program": PROGRAM}, "limits": {"search_texts": "0"}}}))])
def test_words_in_documents_are_found(connect, store, memory):
    client = connect()
    put(client,
        carrying((WORD, "bericht.docx", documents.docx("Die Quartalszahlen der Niederlassung", "Übersicht"))),
        carrying((PDF, "rechnung.pdf", documents.pdf("Zahlbar ohne Abzug", "zweite Seite: Häuser"))),
        carrying(("application/vnd.oasis.opendocument.text", "brief.odt", documents.odf("Sehr geehrte Damen und Herren, Mahngebühren"))),
        carrying((OCTETS, "LISTE.XLSX", documents.xlsx("Artikelnummer", "Stückpreis")), (OCTETS, "folien.pptx", documents.pptx("Zielgruppen"))),
        carrying((PDF, "wrong.pdf", documents.docx("falschbenannt"))),
        simple("no attachments", "cover letter\r\n"))
    client.ok("SELECT INBOX")
    assert search(client, "BODY", "cover letter") == [1, 2, 3, 4, 5, 6]  # at once
    store.wait_for(5)
    for key, text, expected in [
            ("BODY", "quartalszahlen der nieder", [1]), ("TEXT", "ÜBERSICHT", [1]), ("BODY", "zahlbar ohne", [2]), ("TEXT", "zweite seite", [2]),
            ("BODY", "mahngebühren", [3]), ("BODY", "tikelnumm", [4]), ("TEXT", "stückpreis", [4]), ("BODY", "zielgruppen", [4]),
            ("BODY", "falschbenannt", [5]), ("SUBJECT", "zielgruppen", []), ("BODY", "nowhere", []), ("BODY", "bericht.docx", [1]),
            ("BODY", "cover letter", [1, 2, 3, 4, 5, 6]), ("NOT BODY", "zahlbar", [1, 3, 4, 5, 6])]:
        assert search(client, key, text) == expected, (key, text)
    assert search(client, "FUZZY BODY", "quartalszahl") == [1]
    assert search(client, "FUZZY TEXT", "zielgruppen") == [4]
    assert search(client, "FUZZY BODY", "mahngebühr") == [3]
    assert store.rows("texts || '/' || failures") == ["1/0", "1/0", "1/0", "2/0", "1/0"]


def test_new_text_is_seen_by_a_session_that_has_searched(connect, store):
    client = connect()
    put(client, *(simple("filler", "filler number %d\r\n" % n) for n in range(40)))
    client.ok("SELECT INBOX")
    for n in range(3):
        assert search(client, "BODY", "filler")  # texts are in memory now
        put(client, carrying((WORD, "a.docx", documents.docx("zauberwort%d" % n))))
        client.ok("NOOP")
        assert search(client, "BODY", "cover letter") == list(range(41, 42 + n))
        store.wait_for(n + 1)
        wait_until(lambda: search(client, "BODY", "zauberwort%d" % n) == [41 + n], "a text in memory is not forgotten")


def test_another_imapd_learns_of_new_text(cluster, connect, store, suite, opened):
    """Two of them on one store: the one that reads no attachments holds texts in memory, and finds what the other has read."""
    client = connect()
    put(client, *(simple("filler", "filler number %d\r\n" % n) for n in range(40)))
    client.ok("CREATE elsewhere")
    with Suite(cluster, suite.database, {"imapd": {"indexer": False}}) as other:
        other.start("imapd")
        reader = Raw(other.imapd.address("imaps"), other.authority.client_context(), BOB)
        opened.callback(reader.close)
        reader.ok("SELECT INBOX")
        client.ok("SELECT INBOX")
        for n in range(3):
            put(client, carrying((WORD, "a.docx", documents.docx("zauberwort%d" % n))))
            reader.ok("NOOP")
            assert search(reader, "BODY", "filler") == list(range(1, 41))
            if n == 2:
                client.ok("NOOP")
                client.ok("COPY 43 elsewhere")
            store.wait_for(n + 1)
            assert search(reader, "BODY", "zauberwort%d" % n) == [41 + n]  # at once: the first search after it was written
            assert metrics.read(other.imapd, "dromos_imapd_search_texts_bytes") > 0
        reader.ok("SELECT elsewhere")
        assert search(reader, "BODY", "zauberwort2") == [1]
        # More than can be named: all of the account's texts go.
        reader.ok("SELECT INBOX")
        suite.sql("UPDATE mail.attachment_text SET written = 0")
        assert search(reader, "BODY", "zauberwort") == [41, 42, 43]
        suite.sql("UPDATE mail.text_extract t SET data = o.data, truncated = o.truncated FROM mail.text_extract o, mail.entry a, mail.entry b "
                  "WHERE a.message_id = t.message_id AND a.uid = 1 AND o.message_id = b.message_id AND b.uid = 42 AND t.account_id = o.account_id "
                  "AND a.account_id = t.account_id AND b.account_id = t.account_id AND a.mailbox_id = b.mailbox_id")
        assert search(reader, "BODY", "zauberwort") == [41, 42, 43]  # held
        suite.sql("INSERT INTO mail.attachment_text (account_id, message_id, waiting, written) SELECT %s, gen_random_uuid(), false, "
                  "nextval('mail.attachment_written') FROM generate_series(1, 300)" % store.account.split(" = ")[1])
        assert search(reader, "BODY", "zauberwort") == [1, 41, 42, 43]


@extract_config(timeout="2s")
def test_hostile_documents_have_no_text_and_harm_nobody(connect, store, suite):
    client = connect()
    bomb = documents.zipped([("[Content_Types].xml", ""), ("word/document.xml", "<w:p><w:t>frontword</w:t></w:p>" + " " * (300 << 20))])
    key = "k" * 32
    locked = documents.pdf("secret", trailer="/ID[(a)(a)]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O(%s)/U(%s)>>" % (key, key))
    put(client,
        carrying((PDF, "endless.pdf", documents.pdf_endless())),
        carrying((WORD, "bomb.docx", bomb)),
        carrying((PDF, "locked.pdf", locked)),
        carrying((PDF, "broken.pdf", b"%PDF-1.7 that is all")),
        carrying((OCTETS, "none.docx", b"nothing of the kind")),
        carrying((PDF, "endless.pdf", documents.pdf_endless()), (WORD, "well.docx", documents.docx("behindword"))))
    store.wait_for(6)
    client.ok("SELECT INBOX")
    assert search(client, "BODY", "frontword") == [2]
    assert search(client, "BODY", "behindword") == [6]
    assert search(client, "BODY", "cover letter") == [1, 2, 3, 4, 5, 6]
    reasons = store.rows("coalesce(reason, '-')")
    assert reasons == ["timeout", "-", "encrypted", "broken", "unknown", "timeout"]
    assert set(store.rows("attempts")) == {"1"}  # none is tried again
    assert not children_of(suite.imapd.process.pid)


def children_of(pid):
    """Processes that are the daemon's children, by the name of their program."""
    found = []
    for task in pathlib.Path("/proc/%d/task" % pid).iterdir():
        found += [int(word) for word in (task / "children").read_text().split()]
    return [child for child in found if program_of(child) == "dromos-extract"]


def children_at_work(pid):
    """Those that have been busy for a while: inside a document."""
    return [child for child in children_of(pid) if cpu_seconds(child) > 0.5]


def cpu_seconds(pid):
    try:
        fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def program_of(pid):
    try:
        return os.path.basename(os.readlink("/proc/%d/exe" % pid))
    except OSError:
        return None


def test_imapd_goes_on_when_its_helper_is_killed(connect, store, suite):
    client = connect()
    put(client, carrying((PDF, "endless.pdf", documents.pdf_endless())))
    killed = []
    for _ in range(2):  # a second try is given; then it is the document's fault
        wait_until(lambda: set(children_at_work(suite.imapd.process.pid)) - set(killed), "no helper works")
        killed += children_at_work(suite.imapd.process.pid)
        os.kill(killed[-1], signal.SIGKILL)
        client.ok("NOOP")
    store.wait_for(1)
    assert store.rows("coalesce(reason, '-')") == ["died"]
    put(client, carrying((WORD, "after.docx", documents.docx("afterwards"))))
    store.wait_for(2)
    client.ok("SELECT INBOX")
    assert search(client, "BODY", "afterwards") == [2]
    assert suite.sql("SELECT count(*) FROM admin.job WHERE name = 'imapd.attachments' AND failures > 0").strip() == "0"


def test_reindex_reads_documents_again(connect, store, suite):
    client = connect()
    put(client, simple("plain", "plainword\r\n"), carrying((WORD, "a.docx", documents.docx("documentword"))))
    store.wait_for(1)
    suite.sql("DELETE FROM mail.text_extract WHERE " + store.account)
    assert suite.sql("SELECT mail.reindex_ask_v1(directory.need_account(%s))" % quote(BOB)).strip() == "1"
    wait_until(lambda: suite.sql("SELECT count(ended_at) FROM mail.reindex WHERE " + store.account).strip() == "1", "reindexing does not end")
    store.wait_for(1)
    client.ok("SELECT INBOX")
    assert search(client, "BODY", "plainword") == [1]
    assert search(client, "BODY", "documentword") == [2]
    assert search(client, "FUZZY BODY", "documentword") == [2]
    assert suite.sql("SELECT done, failed FROM mail.reindex WHERE " + store.account).strip() == "2|0"
    assert suite.sql("SELECT * FROM mail.check_account_v3(directory.need_account(%s))" % quote(BOB)).strip() == ""


@extract_config(enabled=False)
def test_without_it_nothing_waits(connect, store, suite):
    client = connect()
    put(client, carrying((WORD, "a.docx", documents.docx("documentword"))))
    wait_until(lambda: suite.sql("SELECT count(*) FROM mail.word_index WHERE " + store.account).strip() == "1", "the index lags")
    client.ok("SELECT INBOX")
    assert search(client, "BODY", "documentword") == []
    assert search(client, "BODY", "a.docx") == [1]
    assert store.count() == 0


def test_what_is_known_of_attachments_goes_with_their_message(connect, store, suite):
    client = connect()
    put(client, carrying((WORD, "a.docx", documents.docx("documentword"))))
    store.wait_for(1)
    suite.sql("DELETE FROM mail.entry WHERE %s; DELETE FROM mail.message WHERE %s" % (store.account, store.account))
    assert store.count() == 0
