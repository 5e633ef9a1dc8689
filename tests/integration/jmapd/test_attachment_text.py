"""Email/query finds words of PDF and Office attachments, as IMAP's SEARCH does: the text that imapd's job stored is the text jmapd reads."""
import email.message
import time

import pytest
from dromostest import documents, paths
from dromostest.accounts import Accounts
from jmap_client import new_client

pytestmark = [
    pytest.mark.skipif(paths.BUILD.name in ("asan", "tsan"), reason="a sanitizer needs what the sandbox of dromos-extract refuses"),
    pytest.mark.config({"imapd": {"extract": {"program": str(paths.BUILD / "bin" / "dromos-extract")}}}),
]


def carrying(subject, name, content):
    letter = email.message.EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "ann@example.org", "alice@example.test", subject
    letter.set_content("A cover letter.\n")
    letter.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return letter.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def query(client, **filter_):
    return set(client.call("Email/query", filter=filter_)["ids"])


def wait_for(wanted, ask):
    end = time.monotonic() + 60
    while ask() != wanted:
        assert time.monotonic() < end, ask()
        time.sleep(0.1)


def test_words_of_attachments_are_found(suite):
    suite.accounts = Accounts(suite)
    suite.start("jmapd")
    client = new_client(suite, "alice")
    pdf = client.import_(carrying("first", "one.pdf", documents.pdf("a quokka sleeps", "on page two a numbat")))["id"]
    word = client.import_(carrying("second", "two.docx", documents.docx("the numbat wakes")))["id"]
    # Nobody has read them yet, and everything else is found.
    assert query(client, text="cover letter") == {pdf, word} and query(client, text="one.pdf") == {pdf}
    assert query(client, text="numbat") == set()
    suite.start("imapd")
    wait_for({pdf, word}, lambda: query(client, text="NUMBAT"))
    assert query(client, body="numbat") == {pdf, word}
    assert query(client, text="quokka") == query(client, body="quokka") == {pdf}
    assert query(client, subject="numbat") == set()
    assert query(client, operator="NOT", conditions=[{"text": "quokka"}]) == {word}


def test_snippets_mark_what_is_found_in_the_message_itself(suite):
    suite.accounts = Accounts(suite)
    suite.start("jmapd", "imapd")
    client = new_client(suite, "alice")
    pdf = client.import_(carrying("first", "one.pdf", documents.pdf("a quokka sleeps")))["id"]
    wait_for({pdf}, lambda: query(client, text="quokka"))
    # RFC 8621 5: null where no match is found in the text that is shown.
    (snippet,) = client.call("SearchSnippet/get", filter={"text": "quokka"}, emailIds=[pdf])["list"]
    assert snippet["subject"] is None
    (snippet,) = client.call("SearchSnippet/get", filter={"text": "cover"}, emailIds=[pdf])["list"]
    assert "<mark>cover</mark>" in snippet["preview"]
