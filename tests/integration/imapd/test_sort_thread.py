"""SORT, ESORT, SORT=DISPLAY and THREAD (RFC 5256, RFC 5267 §3, RFC 5957) over a socket."""
import imaplib
import re
import time

import pytest

from dromostest.accounts import quote
from imapd_client import simple

BOB = "bob@example.test"


def mail(subject="", sender="a@example.org", to="b@example.test", cc=None, date="Tue, 10 Mar 2026 10:00:00 +0000", id=None,
         references=None, in_reply_to=None, body="x"):
    head = ["From: " + sender, "To: " + to]
    for name, value in (("Cc", cc), ("Subject", subject), ("Date", date), ("Message-ID", id), ("References", references),
                        ("In-Reply-To", in_reply_to)):
        if value is not None:
            head.append("%s: %s" % (name, value))
    return ("\r\n".join(head) + "\r\n\r\n" + body + "\r\n").encode()


def put(client, *messages, arguments=""):
    for message in messages:
        assert client.append("INBOX", message, arguments).startswith("OK [APPENDUID ")


def numbers(responses, word="SORT"):
    assert len(responses) == 1 and responses[0].startswith(b"* " + word.encode()), responses
    return [int(n) for n in responses[0].split()[2:]]


@pytest.fixture
def sorted_mail(connect):
    client = connect()
    put(client,
        mail("Re: banana", "Zoe <carol@h>", to="x@h", cc="n@h", date="Tue, 10 Mar 2026 10:00:00 +0000"),
        mail("apple", "alice@h", to="Y@h", date="Tue, 10 Mar 2026 12:00:00 +0500", body="long " * 100),
        mail("[list] Cherry (fwd)", "=?utf-8?q?=C3=89va?= <bob@h>", to="", cc="m@h", date="Mon, 9 Mar 2026 23:00:00 -0200"),
        mail("BANANA", "Eve <Alice@h>", to="x@h", date="nonsense"))
    client.ok("SELECT INBOX")
    return client


def test_each_key(sorted_mail):
    client = sorted_mail

    def sort(keys):
        return numbers(client.ok("SORT (%s) UTF-8 ALL" % keys))

    assert sort("SUBJECT") == [2, 1, 4, 3]
    assert sort("REVERSE SUBJECT") == [3, 1, 4, 2]  # equal ones in mailbox order
    assert sort("FROM") == [2, 4, 3, 1]
    assert sort("TO") == [3, 1, 4, 2]
    assert sort("CC") == [2, 4, 3, 1]
    assert sort("SIZE")[-1] == 2
    assert sort("ARRIVAL") == [1, 2, 3, 4]
    arrived = [time.mktime(imaplib.Internaldate2tuple(line)) for line in client.ok("FETCH 1:4 INTERNALDATE")]
    assert sort("REVERSE ARRIVAL") == sorted(range(1, 5), key=lambda n: (-arrived[n - 1], n))
    assert sort("DATE") == [3, 2, 1, 4]  # without a date that can be read: the time of arrival
    assert sort("SUBJECT REVERSE DATE") == [2, 4, 1, 3]
    assert sort("DISPLAYFROM") == [2, 4, 3, 1]  # alice@h, Eve, Éva as E and accent, Zoe
    assert sort("REVERSE DISPLAYFROM") == [1, 3, 4, 2]
    assert sort("DISPLAYTO") == [3, 1, 4, 2]


def test_search_criteria_uids_and_nothing_found(sorted_mail):
    client = sorted_mail
    client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    assert numbers(client.ok("SORT (SUBJECT) UTF-8 SUBJECT banana")) == [3]
    assert numbers(client.ok("UID SORT (SUBJECT) US-ASCII ALL")) == [2, 4, 3]
    assert client.ok('SORT (SUBJECT) US-ASCII TEXT "not in mailbox"') == [b"* SORT"]
    assert client.answer("SORT (SUBJECT) KLINGON ALL").startswith("NO [BADCHARSET")
    assert client.answer("SORT () UTF-8 ALL").startswith("BAD")
    assert client.answer("SORT (NONSENSE) UTF-8 ALL").startswith("BAD")
    assert client.answer("SORT (SUBJECT) UTF-8").startswith("BAD")
    assert client.answer("SORT (SUBJECT)" + " " + "UTF-8 " + "(" * 200 + "ALL" + ")" * 200).startswith("BAD")


def test_extended_sort_keeps_the_order(sorted_mail):
    client = sorted_mail
    assert client.ok("UID SORT RETURN () (REVERSE DATE) UTF-8 ALL") == [b'* ESEARCH (TAG "%s") UID ALL 4,1:3' % client.last_tag]
    assert client.ok("SORT RETURN (MIN MAX COUNT) (SUBJECT) UTF-8 ALL") == [b'* ESEARCH (TAG "%s") MIN 2 MAX 3 COUNT 4' % client.last_tag]
    assert client.ok("SORT RETURN (ALL) (SUBJECT) UTF-8 ALL") == [b'* ESEARCH (TAG "%s") ALL 2,1,4,3' % client.last_tag]
    # Never backwards.
    assert client.ok("SORT RETURN (ALL) (REVERSE SUBJECT) UTF-8 1:2,4") == [b'* ESEARCH (TAG "%s") ALL 1,4,2' % client.last_tag]
    assert client.ok("SORT RETURN (MIN ALL) (SUBJECT) UTF-8 KEYWORD nothing") == [b'* ESEARCH (TAG "%s")' % client.last_tag]
    assert client.ok("SORT RETURN (SAVE MIN) (SUBJECT) UTF-8 ALL") == [b'* ESEARCH (TAG "%s") MIN 2' % client.last_tag]
    assert client.ok("FETCH $ UID") == [b"* 2 FETCH (UID 2)"]
    assert client.ok("SORT RETURN (SAVE) (SUBJECT) UTF-8 1:2") == []
    assert numbers(client.ok("SEARCH $"), "SEARCH") == [1, 2]


def test_sort_tells_modseqs(sorted_mail):
    client = sorted_mail
    highest = max(int(n) for r in client.ok("FETCH 1:* MODSEQ") for n in re.findall(rb"MODSEQ \((\d+)\)", r))
    assert client.ok("SORT (DATE) UTF-8 MODSEQ 1")[0].endswith(b"(MODSEQ %d)" % highest)
    assert client.ok("SORT (DATE) UTF-8 MODSEQ 1 KEYWORD none") == [b"* SORT"]
    assert b" MODSEQ %d" % highest in client.ok("SORT RETURN (ALL) (DATE) UTF-8 MODSEQ 1")[0]


def test_new_and_expunged_messages_join_the_keys(sorted_mail, connect):
    client = sorted_mail
    other = connect(select="INBOX")
    assert numbers(client.ok("SORT (SUBJECT) UTF-8 ALL")) == [2, 1, 4, 3]
    put(other, mail("Aardvark"), mail("zebra"))
    client.ok("NOOP")
    assert numbers(client.ok("SORT (SUBJECT) UTF-8 ALL")) == [5, 2, 1, 4, 3, 6]
    other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    # Told only at the UID form; until then the message counts.
    assert numbers(client.ok("SORT (SUBJECT) UTF-8 ALL")) == [5, 2, 1, 4, 3, 6]
    client.ok("UID SORT (SUBJECT) UTF-8 ALL")
    assert numbers(client.ok("UID SORT (SUBJECT) UTF-8 ALL")) == [5, 1, 4, 3, 6]


def test_facts_that_are_damaged_are_read_from_the_message(suite, connect):
    client = connect()
    put(client, mail("b"), mail("a"), mail("c"))
    suite.sql("UPDATE mail.message SET facts = '' WHERE account_id = directory.need_account(%s)" % quote(BOB))
    client.ok("SELECT INBOX")
    assert numbers(client.ok("SORT (SUBJECT) UTF-8 ALL")) == [2, 1, 3]


def test_threads_by_references(connect):
    client = connect()
    put(client,
        mail("start", id="<a@h>", date="Tue, 10 Mar 2026 10:00:00 +0000"),
        mail("Re: start", id="<b@h>", references="<a@h>", date="Tue, 10 Mar 2026 11:00:00 +0000"),
        mail("other", id="<c@h>", date="Tue, 10 Mar 2026 09:00:00 +0000"),
        mail("Re: start", id="<d@h>", in_reply_to="Your message <a@h>", date="Tue, 10 Mar 2026 10:30:00 +0000"),
        mail("Re: start", id="<e@h>", references='<a@h> <"b"@h>', date="Tue, 10 Mar 2026 12:00:00 +0000"),
        mail("lost one", id="<f@h>", references="<gone@h>", date="Tue, 10 Mar 2026 13:00:00 +0000"),
        mail("lost two", id="<g@h>", references="<gone@h>", date="Tue, 10 Mar 2026 12:30:00 +0000"),
        mail("RE: Other", id="<h@h>", date="Tue, 10 Mar 2026 14:00:00 +0000"))
    client.ok("SELECT INBOX")
    assert client.ok("THREAD REFERENCES UTF-8 ALL") == [b"* THREAD (3 8)(1 (4)(2 5))((7)(6))"]
    assert client.ok("THREAD REFERENCES US-ASCII 1:2,6:7") == [b"* THREAD (1 2)((7)(6))"]
    # Who is not found is no parent, but holds the others together.
    assert client.ok("THREAD REFERENCES UTF-8 2:5") == [b"* THREAD (3)((4)(2 5))"]
    assert client.ok("THREAD ORDEREDSUBJECT UTF-8 ALL") == [b"* THREAD (3 8)(1 (4)(2)(5))(7)(6)"]
    client.ok("STORE 3 +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    assert client.ok("UID THREAD REFERENCES UTF-8 ALL") == [b"* THREAD (1 (4)(2 5))((7)(6))(8)"]
    assert client.ok("THREAD REFERENCES UTF-8 SUBJECT nowhere") == [b"* THREAD"]
    assert client.answer("THREAD REFS UTF-8 ALL").startswith("BAD")
    assert client.answer("THREAD REFERENCES KLINGON ALL").startswith("NO [BADCHARSET")


def test_subjects_compare_by_unicode_casemap(connect):
    client = connect()
    put(client, mail("=?utf-8?q?GR=C3=9CN?="), mail("=?utf-8?q?gru=CC=88n?="), mail("gruen"), mail("=?iso-8859-1?q?gr=FCn?="))
    client.ok("SELECT INBOX")
    assert client.ok("THREAD ORDEREDSUBJECT UTF-8 ALL") == [b"* THREAD (1 (2)(4))(3)"]
    assert numbers(client.ok("SORT (SUBJECT) UTF-8 ALL")) == [3, 1, 2, 4]


def test_hostile_references(connect):
    client = connect()
    many = "\r\n ".join("<%d@h>" % n for n in range(5000))
    put(client, mail("a", id="<x@h>", references=many), mail("b", id="<y@h>", references=many + "\r\n <x@h>"),
        mail("c", id="<z@h>", references="<" + "z" * 900 + "@h> <z@h> <z@h>"), mail("d", id="<z@h>", references="<y@h>"))
    client.ok("SELECT INBOX")
    assert client.ok("THREAD REFERENCES UTF-8 ALL") == [b"* THREAD (1 2)(3)(4)"] or \
        client.ok("THREAD REFERENCES UTF-8 ALL")[0].count(b"(") < 20


def test_it_is_announced(connect):
    words = connect().ok("CAPABILITY")[0].decode().split()
    assert {"SORT", "SORT=DISPLAY", "ESORT", "THREAD=REFERENCES", "THREAD=ORDEREDSUBJECT"} <= set(words)
