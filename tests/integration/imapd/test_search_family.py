"""PARTIAL (RFC 9394), CONTEXT (RFC 5267 §4), FUZZY (RFC 6203), MULTISEARCH (RFC 7377), I18NLEVEL=1 (RFC 5255) over a socket."""
import re
import time

import pytest

from dromostest.accounts import quote
from imapd_client import simple

ALICE = "alice@example.test"
BOB = "bob@example.test"


def fill(client, subjects, mailbox="INBOX", flags=""):
    for subject in subjects:
        assert client.append(mailbox, simple(subject), flags).startswith("OK [APPENDUID ")


def esearch(client, text):
    return [b'* ESEARCH (TAG "%s")' % client.last_tag + text.encode()]


@pytest.fixture
def ten(connect):
    """Ten messages, of which 2, 4, 6, 8 and 10 are flagged."""
    client = connect()
    fill(client, ["message %d" % n for n in range(1, 11)])
    client.ok("SELECT INBOX")
    client.ok("STORE 2,4,6,8,10 +FLAGS.SILENT (\\Flagged)")
    return client


# --- PARTIAL

def test_partial_results(ten):
    for given, told in (("1:2", "(1:2 2,4)"), ("2:4", "(2:4 4,6,8)"), ("4:2", "(2:4 4,6,8)"), ("4:9", "(4:9 8,10)"), ("6:9", "(6:9 NIL)"),
                        ("-1:-2", "(-1:-2 8,10)"), ("-2:-1", "(-1:-2 8,10)"), ("-4:-100", "(-4:-100 2,4)"), ("-6:-7", "(-6:-7 NIL)"),
                        ("1:4294967295", "(1:4294967295 2,4,6,8,10)")):
        assert ten.ok("SEARCH RETURN (PARTIAL %s) FLAGGED" % given) == esearch(ten, " PARTIAL " + told)
    assert ten.ok("UID SEARCH RETURN (PARTIAL -1:-1 COUNT MIN MAX) ALL") == esearch(ten, " UID MIN 1 MAX 10 PARTIAL (-1:-1 10) COUNT 10")
    assert ten.ok("SORT RETURN (PARTIAL 1:3) (REVERSE ARRIVAL REVERSE SUBJECT) UTF-8 FLAGGED")[0].startswith(
        b'* ESEARCH (TAG "%s") PARTIAL (1:3 ' % ten.last_tag)
    for wrong in ("PARTIAL 1:2 ALL", "PARTIAL 1:2 PARTIAL 3:4", "PARTIAL 0:2", "PARTIAL 1:*", "PARTIAL -1:2", "PARTIAL 1", "PARTIAL"):
        assert ten.answer("SEARCH RETURN (%s) ALL" % wrong).startswith("BAD"), wrong


def test_partial_and_what_is_saved(ten):
    def saved(options):
        ten.ok("SEARCH RETURN (%s) FLAGGED" % options)
        return [int(n) for n in ten.ok("SEARCH $")[0].split()[2:]]

    assert saved("SAVE PARTIAL 2:3") == [4, 6]
    assert saved("SAVE PARTIAL 2:3 MIN") == [2, 4, 6]
    assert saved("SAVE PARTIAL 2:3 MAX") == [4, 6, 10]
    assert saved("SAVE PARTIAL 2:3 MIN MAX") == [2, 4, 6, 10]
    assert saved("SAVE PARTIAL 2:3 COUNT MIN") == [2, 4, 6, 8, 10]
    assert saved("SAVE PARTIAL 7:9") == []


def test_partial_fetch(ten):
    def fetched(command):
        return [int(re.search(rb"UID (\d+)", r)[1]) for r in ten.ok(command)]

    assert fetched("UID FETCH 3:9 (FLAGS) (PARTIAL -1:-3)") == [7, 8, 9]
    assert fetched("UID FETCH 3:9 (FLAGS) (PARTIAL 1:2)") == [3, 4]
    assert fetched("UID FETCH 3:9 (FLAGS) (PARTIAL 7:20)") == [9]
    assert fetched("UID FETCH 3:9 (FLAGS) (PARTIAL 8:20)") == []
    assert fetched("FETCH 1:* (UID) (PARTIAL -2:-2)") == [9]
    before = max(int(n) for r in ten.ok("FETCH 1:* MODSEQ") for n in re.findall(rb"MODSEQ \((\d+)\)", r))
    ten.ok("STORE 1,9 +FLAGS.SILENT (\\Answered)")
    # First the range, then what changed within it (RFC 9394 §3.4).
    assert fetched("UID FETCH 1:* (FLAGS) (PARTIAL -1:-3 CHANGEDSINCE %d)" % before) == [9]
    assert fetched("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d PARTIAL -1:-3)" % before) == [9]
    assert ten.answer("UID FETCH 1:* (FLAGS) (PARTIAL 1:2 PARTIAL 3:4)").startswith("BAD")


# --- CONTEXT

def test_a_live_search_follows_flags_arrivals_and_expunges(ten, connect):
    assert ten.ok("UID SEARCH RETURN (UPDATE COUNT) FLAGGED") == esearch(ten, " UID COUNT 5")
    tag = ten.last_tag
    head = b'* ESEARCH (TAG "%s") UID ' % tag
    assert head + b"ADDTO (0 3,5)" in ten.ok("STORE 3,5 +FLAGS (\\Flagged)")
    assert head + b"REMOVEFROM (0 3:4)" in ten.ok("STORE 3:4 -FLAGS (\\Flagged)")
    assert not any(b"ESEARCH" in r for r in ten.ok("STORE 1 +FLAGS (\\Seen)"))
    other = connect(select="INBOX")
    fill(other, ["new", "newer"], flags="(\\Flagged)")
    fill(other, ["plain"])
    told = ten.ok("NOOP")
    assert told.index(b"* 13 EXISTS") < told.index(head + b"ADDTO (0 11:12)")
    other.ok("STORE 2,3 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    told = [r for r in ten.ok("NOOP") if b"FETCH" not in r]
    assert told == [head + b"REMOVEFROM (0 2)", b"* 3 EXPUNGE", b"* 2 EXPUNGE"]
    ten.ok("CANCELUPDATE \"%s\"" % tag.decode())
    assert not any(b"ESEARCH" in r for r in ten.ok("STORE 5 +FLAGS (\\Flagged)"))


def test_message_numbers_are_those_of_the_moment(ten, connect):
    ten.ok("SEARCH RETURN (UPDATE) FLAGGED")
    head = b'* ESEARCH (TAG "%s") ' % ten.last_tag
    other = connect(select="INBOX")
    other.ok("STORE 1,4 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    other.ok("UID STORE 3,6 +FLAGS.SILENT (\\Flagged)")
    other.ok("UID STORE 6 -FLAGS.SILENT (\\Flagged)")
    told = ten.ok("NOOP")
    # Removed under its old number, before the EXPUNGE; later ones by the new numbers.
    assert told.index(head + b"REMOVEFROM (0 4)") < told.index(b"* 4 EXPUNGE")
    assert told.index(b"* 1 EXPUNGE") < told.index(head + b"REMOVEFROM (0 4) ADDTO (0 2)")


def test_numbers_in_the_program_stay_what_they_were(ten, connect):
    ten.ok("UID SEARCH RETURN (UPDATE) 3:4")
    other = connect(select="INBOX")
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    other.ok("STORE 1:* +FLAGS.SILENT (\\Answered)")
    assert not any(b"ESEARCH" in r for r in ten.ok("NOOP"))


def test_a_live_sort_tells_positions(connect):
    client = connect()
    fill(client, ["b", "d", "f", "h"])
    client.ok("SELECT INBOX")
    assert client.ok("UID SORT RETURN (UPDATE ALL) (SUBJECT) UTF-8 UNDELETED") == esearch(client, " UID ALL 1:4")
    head = b'* ESEARCH (TAG "%s") UID ' % client.last_tag
    other = connect(select="INBOX")
    fill(other, ["a", "c", "cc", "z"])
    # a b c cc d f h z
    assert head + b"ADDTO (1 5 3 6:7 8 8)" in client.ok("NOOP")
    assert head + b"REMOVEFROM (3 6:7,2 4 4)" in client.ok("STORE 6,7,2,4 +FLAGS (\\Deleted)")
    # a b f z
    assert head + b"REMOVEFROM (2 1)" not in client.ok("NOOP")
    assert head + b"ADDTO (3 2)" in client.ok("STORE 2 -FLAGS (\\Deleted)")
    client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    told = client.ok("EXPUNGE")
    assert not any(b"ESEARCH" in r for r in told)  # they had left before


def test_live_searches_wake_idle(ten, connect):
    ten.ok("UID SEARCH RETURN (UPDATE) ANSWERED")
    head = b'* ESEARCH (TAG "%s") UID ' % ten.last_tag
    ten.send("i1 IDLE\r\n")
    assert ten.response().startswith(b"+")
    other = connect(select="INBOX")
    other.ok("STORE 7 +FLAGS.SILENT (\\Answered)")
    assert b"FETCH" in ten.response()
    assert ten.response() == head + b"ADDTO (0 7)"
    ten.send("DONE\r\n")
    ten.until("i1")


def test_new_messages_come_with_what_was_asked(ten, connect):
    ten.ok("SEARCH RETURN (COUNT UPDATE (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])) SUBJECT boss")
    tag = ten.last_tag
    other = connect(select="INBOX")
    fill(other, ["the boss", "nobody"])
    told = ten.ok("NOOP")
    fetched = b"* 11 FETCH (UID 11 BODY[HEADER.FIELDS (SUBJECT)] {21}\r\nSubject: the boss\r\n\r\n)"
    # RFC 5465 section 7: EXISTS, then FETCH, then ESEARCH.
    assert told.index(b"* 12 EXISTS") < told.index(fetched) < told.index(b'* ESEARCH (TAG "%s") ADDTO (0 11)' % tag)
    assert sum(b"BODY[" in r for r in told) == 1
    ten.ok("SEARCH RETURN (UPDATE (UID ENVELOPE)) FLAGGED")
    assert not any(b"ENVELOPE" in r for r in ten.ok("STORE 1 +FLAGS (\\Flagged)"))  # no new message


def test_contexts_end_and_are_counted(ten):
    ten.send("x SEARCH RETURN (UPDATE COUNT) ALL\r\n")
    assert ten.until("x")[1].startswith(b"OK")
    ten.send("x SEARCH RETURN (UPDATE) FLAGGED\r\n")
    assert ten.until("x") == ([], b"BAD Tag reuse")
    refused = 0
    for _ in range(15):
        told = ten.ok("SEARCH RETURN (UPDATE COUNT CONTEXT) FLAGGED")
        assert b"COUNT 5" in told[0]  # honoured all the same
        refused += told[1:] != [] and told[1].startswith(b'* NO [NOUPDATE "%s"] ' % ten.last_tag)
    assert 5 <= refused < 15
    assert ten.answer('CANCELUPDATE "x" "nobody"').startswith("BAD")
    assert ten.answer("CANCELUPDATE").startswith("BAD")
    ten.ok("SELECT INBOX")
    assert not any(b"ESEARCH" in r for r in ten.ok("STORE 1 +FLAGS (\\Flagged)"))
    assert ten.answer('CANCELUPDATE "x"').startswith("BAD")


# --- FUZZY

def wait_for_index(suite, login, count):
    for _ in range(200):
        if int(suite.sql("SELECT count(*) FROM mail.word_index WHERE account_id = directory.need_account(%s)" % quote(login)).strip()) >= count:
            return
        time.sleep(0.1)
    raise AssertionError("the index lags")


@pytest.mark.parametrize("indexed", [True, False])
def test_fuzzy_finds_stems_indexed_or_not(suite, connect, indexed):
    client = connect()
    text = "This is a letter about the houses that we were building in the old town, written in English for our friends.\r\n"
    for subject, body in (("Walks", text), ("one", text + "They were running home every evening.\r\n"), ("Running shoes", text),
                          ("three", text + "Nothing of that kind.\r\n")):
        assert client.append("INBOX", simple(subject, body)).startswith("OK")
    wait_for_index(suite, BOB, 4)
    if not indexed:
        suite.sql("DELETE FROM mail.word_index WHERE account_id = directory.need_account(%s)" % quote(BOB))
        suite.sql("UPDATE mail.word_state SET modseq = 0 WHERE account_id = directory.need_account(%s)" % quote(BOB))
    client.ok("SELECT INBOX")
    assert client.ok("SEARCH TEXT runs") == [b"* SEARCH"]
    assert client.ok("SEARCH FUZZY TEXT runs") == [b"* SEARCH 2 3"]
    assert client.ok("SEARCH FUZZY SUBJECT run") == [b"* SEARCH 3"]
    assert client.ok("SEARCH FUZZY (TEXT runs SUBJECT walk)") == [b"* SEARCH"]
    assert client.ok("SEARCH FUZZY FROM example") == [b"* SEARCH 1 2 3 4"]
    assert client.ok("SEARCH NOT FUZZY TEXT runs") == [b"* SEARCH 1 4"]
    assert client.ok('SEARCH FUZZY TEXT "!!!"') == [b"* SEARCH"]  # no words: as it is
    told = client.ok("SEARCH RETURN (RELEVANCY ALL) FUZZY TEXT runs")
    assert told[0].startswith(b'* ESEARCH (TAG "%s") ALL 2:3 RELEVANCY (' % client.last_tag)
    scores = [int(n) for n in re.search(rb"RELEVANCY \(([\d ]+)\)", told[0])[1].split()]
    assert scores == [1, 100]
    assert client.ok("SORT (RELEVANCY) UTF-8 FUZZY TEXT runs") == [b"* SORT 3 2"]
    assert client.ok("SORT RETURN (RELEVANCY PARTIAL 1:1) (RELEVANCY) UTF-8 FUZZY TEXT runs")[0].endswith(b"PARTIAL (1:1 3) RELEVANCY (100)")
    assert client.answer("SEARCH RETURN (RELEVANCY) TEXT runs").startswith("BAD")
    assert client.answer("SORT (RELEVANCY) UTF-8 TEXT runs").startswith("BAD")
    assert b"NOUPDATE" in client.ok("SORT RETURN (UPDATE ALL) (RELEVANCY) UTF-8 FUZZY TEXT runs")[1]


# --- MULTISEARCH

@pytest.fixture
def boxes(connect):
    client = connect()
    for name in ("Work", "Work/2026", "Work/2026/March", "Private", "Empty"):
        client.ok("CREATE " + name)
    fill(client, ["apple pie", "pear"])
    fill(client, ["apple", "plum"], "Work")
    fill(client, ["an apple"], "Work/2026")
    fill(client, ["apples", "apple"], "Work/2026/March")
    fill(client, ["nothing"], "Private")
    return client


def found(client, command):
    """{mailbox: text behind the correlators}"""
    result = {}
    for line in client.ok(command):
        tag, mailbox, validity, rest = re.fullmatch(
            rb'\* ESEARCH \(TAG "(t\d+)" MAILBOX "?([^" ]+)"? UIDVALIDITY (\d+)\) UID ?(.*)', line).groups()
        assert tag == client.last_tag and int(validity) > 0
        assert mailbox not in result
        result[mailbox.decode()] = rest.decode()
    return result


def test_search_in_several_mailboxes(boxes):
    assert found(boxes, 'ESEARCH IN (mailboxes ("Work" "INBOX" "Nowhere")) SUBJECT apple') == {"INBOX": "ALL 1", "Work": "ALL 1"}
    assert set(found(boxes, "ESEARCH IN (personal) SUBJECT apple")) == {"INBOX", "Work", "Work/2026", "Work/2026/March"}
    assert set(found(boxes, "ESEARCH IN (inboxes) SUBJECT pear")) == {"INBOX"}
    assert set(found(boxes, 'ESEARCH IN (subtree "Work") ALL')) == {"Work", "Work/2026", "Work/2026/March"}
    assert set(found(boxes, 'ESEARCH IN (subtree-one "Work") ALL')) == {"Work", "Work/2026"}
    # A mailbox that several filters name is told once.
    assert set(found(boxes, 'ESEARCH IN (subtree-one "Work" mailboxes "Work" mailboxes "work") ALL')) == {"Work", "Work/2026"}
    boxes.ok("UNSUBSCRIBE Work")
    assert "Work" not in found(boxes, "ESEARCH IN (subscribed) SUBJECT apple")
    assert found(boxes, 'ESEARCH IN (subtree "Work") RETURN (COUNT MIN MAX) SUBJECT apple') == {
        "Work": "MIN 1 MAX 1 COUNT 1", "Work/2026": "MIN 1 MAX 1 COUNT 1", "Work/2026/March": "MIN 1 MAX 2 COUNT 2"}
    assert found(boxes, 'ESEARCH IN (mailboxes "Work/2026/March") RETURN (PARTIAL -1:-1) ALL') == {"Work/2026/March": "PARTIAL (-1:-1 2)"}
    assert found(boxes, "ESEARCH IN (personal) SUBJECT nowhere") == {}
    assert boxes.answer("ESEARCH IN (personal) CHARSET KLINGON ALL").startswith("NO [BADCHARSET")


def test_the_selected_mailbox_as_source(boxes, connect):
    assert boxes.answer("ESEARCH ALL").startswith("BAD")  # nothing is selected
    assert boxes.answer("ESEARCH IN (selected) ALL").startswith("BAD")
    assert boxes.answer("ESEARCH IN (selected-delayed) ALL").startswith("BAD")
    boxes.ok("SELECT Work/2026/March")
    assert found(boxes, "ESEARCH SUBJECT apple") == {"Work/2026/March": "ALL 1:2"}
    assert found(boxes, "ESEARCH IN (selected mailboxes Private) ALL") == {"Work/2026/March": "ALL 1:2", "Private": "ALL 1"}
    assert found(boxes, "UID ESEARCH IN (selected) 1:100") == {"Work/2026/March": "ALL 1:2"}
    assert found(boxes, "ESEARCH RETURN (SAVE COUNT) SUBJECT apples") == {"Work/2026/March": "COUNT 1"}
    assert boxes.ok("SEARCH $") == [b"* SEARCH 1"]
    assert boxes.answer("ESEARCH IN (selected personal) RETURN (SAVE) ALL").startswith("BAD")
    assert boxes.answer("ESEARCH IN (personal) RETURN (SAVE) ALL").startswith("BAD")
    # It stays selected, and UPDATE speaks of it alone.
    assert set(found(boxes, "ESEARCH IN (personal) RETURN (ALL UPDATE) SUBJECT apple UNFLAGGED")) == {"INBOX", "Work", "Work/2026", "Work/2026/March"}
    tag = boxes.last_tag
    told = boxes.ok("STORE 1 +FLAGS (\\Flagged)")
    assert any(r.startswith(b'* ESEARCH (TAG "%s" MAILBOX "Work/2026/March" UIDVALIDITY ' % tag) and r.endswith(b") UID REMOVEFROM (0 1)") or
               r.startswith(b'* ESEARCH (TAG "%s" MAILBOX Work/2026/March UIDVALIDITY ' % tag) and r.endswith(b") UID REMOVEFROM (0 1)")
               for r in told), told


def test_others_mailboxes_only_with_rights(boxes, connect):
    alice = connect(ALICE)
    shared = "Other Users/%s/Work" % BOB
    assert found(alice, 'ESEARCH IN (mailboxes "%s") ALL' % shared) == {}
    boxes.ok("SETACL Work %s r" % ALICE)
    boxes.ok("SETACL Work/2026 %s lr" % ALICE)
    boxes.ok("SETACL Work/2026/March %s l" % ALICE)

    def names(command):
        return [re.search(rb'MAILBOX "(.*?)"', r)[1].decode() for r in alice.ok(command)]

    assert names('ESEARCH IN (mailboxes "%s") ALL' % shared) == [shared]
    # Reached, not named: "l" is needed, too.
    assert names('ESEARCH IN (subtree "%s") ALL' % ("Other Users/" + BOB)) == [shared + "/2026"]
    assert names('ESEARCH IN (mailboxes "%s/2026/March") ALL' % shared) == []
    assert names("ESEARCH IN (personal) ALL") == []


# --- I18NLEVEL=1 and bounds

def test_searching_compares_by_unicode_casemap(connect):
    client = connect()
    for subject, body in (("=?utf-8?q?Caf=C3=A9?=", "na\xefve \uff21\uff22\uff23 \u2116 7\u2122"), ("=?utf-8?q?CAFE=CC=81?=", "x" * 5000 + " GRU\u0308N"),
                          ("cafe", "gr\xfcn " + "\u0439" * 50)):
        message = simple(subject, body + "\r\n").replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", 1)
        assert client.append("INBOX", message).startswith("OK")
    client.ok("SELECT INBOX")

    def search(key, text):
        data = text.encode()
        return client.ok(b"SEARCH CHARSET UTF-8 %s {%d+}\r\n%s" % (key.encode(), len(data), data))[0].split()[2:]

    for key in ("SUBJECT", "HEADER Subject", "TEXT"):
        assert search(key, "caf\xe9") == [b"1", b"2"]
        assert search(key, "CAFE\u0301") == [b"1", b"2"]
    assert search("BODY", "Gr\xfcn") == [b"2", b"3"]
    assert search("BODY", "gru\u0308N") == [b"2", b"3"]
    assert search("BODY", "abc") == [b"1"]
    assert search("BODY", "NA\xcfVE") == [b"1"]
    assert search("BODY", "\u0419\u0419") == [b"3"]
    assert search("BODY", "gruen") == []
    assert search("BODY", "no 7tm") == search("TEXT", "NO 7TM") == [b"1"]


def test_header_keys_of_all_kinds(connect):
    client = connect()
    assert client.append("INBOX", b"From: A <a@h>\r\nSubject: one\r\nSubject: two\r\nDate: Tue, 10 Mar 2026 23:30:00 -0500\r\n\r\nx\r\n").startswith("OK")
    assert client.append("INBOX", b"From: B <b@h>\r\nTo: " + b", ".join(b"u%d@h" % n for n in range(400)) + b"\r\n\r\nx\r\n").startswith("OK")
    assert client.append("INBOX", b"Cc: c@h\r\nX-Subject: one\r\n\r\nx\r\n").startswith("OK")
    client.ok("SELECT INBOX")

    def search(program):
        return client.ok("SEARCH " + program)[0].split()[2:]

    assert search("SUBJECT one") == [b"1"] and search("SUBJECT two") == [b"1"]
    assert search("TO u399@h") == [b"2"] and search("TO u400@h") == []
    assert search("FROM @h") == [b"1", b"2"] and search("CC C@H") == [b"3"]
    assert search('HEADER subject ""') == [b"1"] and search('HEADER cc ""') == [b"3"]
    assert search("NOT SUBJECT one BODY x") == [b"2", b"3"]
    assert search("OR SUBJECT one CC c@h") == [b"1", b"3"]
    assert search("SENTON 10-Mar-2026") == [b"1"] and search("SENTBEFORE 1-Jan-2026") == []


def test_bombs_are_refused_or_answered(connect):
    client = connect()
    fill(client, ["a", "b", "c"])
    client.ok("SELECT INBOX")
    for command in ("SEARCH %s", "SORT (DATE) UTF-8 %s", "THREAD REFERENCES UTF-8 %s", "ESEARCH %s"):
        assert client.answer(command % ("(" * 500 + "ALL" + ")" * 500)).startswith("BAD")
        assert client.answer(command % ("NOT " * 500 + "ALL")).startswith("BAD")
        assert client.answer(command % ("OR ALL " * 500 + "ALL")).startswith("BAD")
        assert client.answer(command % ("FUZZY " * 500 + "ALL")).startswith(("BAD", "OK"))
    many = ",".join(str(n) for n in range(1, 18000, 2))
    for command in ("SEARCH %s", "UID SEARCH UID %s", "SORT (DATE) UTF-8 %s", "THREAD REFERENCES UTF-8 %s", "UID FETCH %s FLAGS (PARTIAL -1:-2)"):
        untagged, answer = client.run(command % many)
        assert answer.startswith((b"OK", b"BAD")) and len(untagged) <= 2, answer
    assert client.answer("SORT (%s) UTF-8 ALL" % " ".join(["SUBJECT"] * 500)).startswith("BAD")
    assert client.answer("THREAD REFERENCES UTF-8 " + " ".join(["ALL"] * 20000)).startswith(("BAD", "OK"))
    assert client.ok("NOOP") == []


def test_they_are_announced(connect):
    words = connect().ok("CAPABILITY")[0].decode().split()
    assert {"PARTIAL", "CONTEXT=SEARCH", "CONTEXT=SORT", "SEARCH=FUZZY", "MULTISEARCH", "I18NLEVEL=1"} <= set(words)
