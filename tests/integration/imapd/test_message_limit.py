"""MESSAGELIMIT (RFC 9738) over a socket: what is announced, what is done when it is enforced, UIDAFTER and UIDBEFORE."""
import re

import pytest

from dromostest import metrics
from imapd_client import simple

ENFORCED = pytest.mark.config({"imapd": {"limits": {"messages_per_command": 1000, "messages_per_command_enforced": 1000}}})
# 1205 messages whose uids are one more than their numbers; the last 1000 begin with uid 207.
COUNT, LOWEST = 1205, 207


def fill(client, mailbox, count):
    for at in range(0, count, 1000):
        messages = b"".join(b" {%d+}\r\n%s" % (len(m), m) for m in (simple("n%d" % n) for n in range(at, min(count, at + 1000))))
        untagged, answer = client.run(b"APPEND %s%s" % (mailbox.encode(), messages))
        assert answer.startswith(b"OK"), answer


@pytest.fixture
def big(connect):
    client = connect(timeout=120)
    client.ok("CREATE big")
    fill(client, "big", COUNT + 1)
    client.ok("SELECT big")
    client.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
    client.ok("UID EXPUNGE 1")
    return client


def words(client):
    return client.ok("CAPABILITY")[0].decode().split()[2:]


def numbers(lines, pattern):
    return [int(match[1]) for match in (re.match(pattern, line) for line in lines) if match]


def fetched(lines):
    """Uids in the order in which they were told."""
    return numbers(lines, rb"\* \d+ FETCH \(.*?UID (\d+)")


def found(lines):
    (line,) = [line for line in lines if line.startswith(b"* SEARCH")]
    return [int(n) for n in line.split()[2:]]


def messages(client, mailbox):
    return numbers(client.ok("STATUS %s (MESSAGES)" % mailbox), rb"\* STATUS \S+ \(MESSAGES (\d+)\)")[0]


# --- what is announced

def test_it_is_announced(connect):
    assert not [word for word in words(connect(login=None)) if word.startswith("MESSAGELIMIT")]
    assert "MESSAGELIMIT=100000" in words(connect())
    assert not [word for word in words(connect()) if word.startswith("SAVELIMIT")]


@pytest.mark.config({"imapd": {"limits": {"messages_per_command": 0}}})
def test_zero_announces_nothing(connect):
    assert not [word for word in words(connect()) if word.startswith("MESSAGELIMIT")]
    client = connect()
    head = b"APPEND INBOX" + b" {1+}\r\nx" * 1001
    assert client.run(head)[1].startswith(b"NO [LIMIT]")


@pytest.mark.config({"imapd": {"limits": {"messages_per_command": 1000}}})
def test_what_is_not_enforced_binds_nobody(server, big):
    """§4.2: clients that do not know it keep working; that they went over it is counted."""
    assert "MESSAGELIMIT=1000" in words(big)
    counted = metrics.read(server.imapd, "dromos_imapd_commands_over_limit_total")
    for command in ("FETCH 1:* (UID FLAGS)", "UID FETCH 1:* (FLAGS) (PARTIAL 1:1100)", "STORE 1:* +FLAGS (\\Deleted)"):
        untagged, answer = big.run(command)
        assert b"MESSAGELIMIT" not in answer
        assert len(fetched(untagged)) == (1100 if "PARTIAL" in command else COUNT)
    untagged, answer = big.run("UID SEARCH ALL")
    assert answer.startswith(b"OK") and b"MESSAGELIMIT" not in answer and found(untagged) == list(range(2, COUNT + 2))
    assert "[COPYUID" in big.answer("COPY 1:* INBOX")
    untagged, answer = big.run("THREAD REFERENCES UTF-8 ALL")
    assert answer.startswith(b"OK") and untagged
    untagged, answer = big.run("UID EXPUNGE 1:*")
    assert b"MESSAGELIMIT" not in answer and len(numbers(untagged, rb"\* (\d+) EXPUNGE")) == COUNT
    assert metrics.read(server.imapd, "dromos_imapd_commands_over_limit_total") == counted + 7


@pytest.mark.config({"imapd": {"limits": {"messages_per_command": 1000, "messages_per_command_enforced": 1100}}})
def test_what_is_enforced_is_told(big):
    """A soft limit of 1000, a hard one of 1100 (§4.2): the code tells what was processed."""
    assert "MESSAGELIMIT=1000" in words(big)
    untagged, answer = big.run("UID FETCH 107:* (FLAGS)")
    assert answer == b"OK Fetch completed" and len(fetched(untagged)) == 1100
    untagged, answer = big.run("UID FETCH 106:* (FLAGS)")
    assert answer.startswith(b"OK [MESSAGELIMIT 1100 107] ") and len(fetched(untagged)) == 1100
    assert "[MESSAGELIMIT 1100 107]" in big.answer("COPY 1:* INBOX")


# --- §3.1, command by command

@ENFORCED
def test_fetch(big):
    last = list(range(COUNT + 1, LOWEST - 1, -1))  # from the highest uid to the lowest
    for command in ("FETCH 1:* (UID FLAGS)", "UID FETCH 1:* (FLAGS)", "UID FETCH 100:* (UID ENVELOPE)",
                    "FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])", "FETCH 1:* (UID BODY.PEEK[])"):
        untagged, answer = big.run(command)
        assert answer.startswith(b"OK [MESSAGELIMIT 1000 %d] " % LOWEST), (command, answer)
        assert fetched(untagged) == last, command
        subjects = numbers(untagged, rb"(?s).*(?:Subject: |NIL |\" \")n(\d+)")
        assert subjects == [uid - 1 for uid in last if subjects], command  # each has its own
    # The client goes on below what was told.
    untagged, answer = big.run("UID FETCH 1:%d (FLAGS)" % (LOWEST - 1))
    assert answer == b"OK Fetch completed" and fetched(untagged) == list(range(2, LOWEST))
    assert len(fetched(big.ok("UID FETCH %d:* (FLAGS)" % LOWEST))) == 1000  # just as many as may be
    assert b"MESSAGELIMIT" in big.run("FETCH 1:* (BODY[])")[1]
    assert found(big.ok("UID SEARCH UID 2:1000 UNSEEN")) == list(range(2, LOWEST))


@ENFORCED
def test_fetch_counts_what_has_changed(big):
    """CHANGEDSINCE: what it leaves is what is processed."""
    (modseq,) = numbers(big.ok("STATUS big (HIGHESTMODSEQ)"), rb"\* STATUS \S+ \(HIGHESTMODSEQ (\d+)\)")
    big.ok("UID STORE 2,3,900 +FLAGS.SILENT (\\Flagged)")
    untagged, answer = big.run("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d)" % modseq)
    assert answer == b"OK Fetch completed" and fetched(untagged) == [2, 3, 900]
    untagged, answer = big.run("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1)")
    assert answer.startswith(b"OK [MESSAGELIMIT 1000 %d]" % LOWEST)
    # A range with too many is refused; one within the limit is not cut, whatever the set holds.
    untagged, answer = big.run("UID FETCH 1:* (UID FLAGS) (PARTIAL -1:-1001)")
    assert answer.startswith(b"NO [MESSAGELIMIT 1000] ") and not fetched(untagged)
    for part, uids in (("-1:-1000", range(LOWEST, COUNT + 2)), ("1:30", range(2, 32)), ("1200:2300", range(1201, COUNT + 2))):
        untagged, answer = big.run("UID FETCH 1:* (UID FLAGS) (PARTIAL %s)" % part)
        assert answer == b"OK Fetch completed" and fetched(untagged) == list(uids), part


@ENFORCED
def test_fetch_of_expunged_messages(big, connect):
    """EXPUNGEISSUED stays in the tagged answer, MESSAGELIMIT goes before it."""
    other = connect(select="big")
    big.ok("NOOP")
    other.ok("UID STORE 500,501 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    untagged, answer = big.run("FETCH 1:* (UID ENVELOPE)")
    assert answer.startswith(b"OK [EXPUNGEISSUED] "), answer
    (limit,) = [line for line in untagged if b"MESSAGELIMIT" in line]
    assert limit.startswith(b"* NO [MESSAGELIMIT 1000 %d] " % LOWEST)
    told = fetched(untagged)
    assert len(told) == 998 and not {500, 501} & set(told)


@ENFORCED
def test_search(big):
    last = list(range(LOWEST, COUNT + 2))
    code = b"OK [MESSAGELIMIT 1000 %d] " % LOWEST
    untagged, answer = big.run("UID SEARCH ALL")
    assert answer.startswith(code) and found(untagged) == last
    untagged, answer = big.run("SEARCH UNDELETED")
    assert answer.startswith(code) and found(untagged) == [uid - 1 for uid in last]
    # It is the messages searched that count, not those found.
    for key in ("SUBJECT n1205", "DELETED", "BODY nowhere", "NOT UID 1", "OR SEEN UID 5:6", "NOT NOT ALL"):
        assert big.run("UID SEARCH " + key)[1].startswith(code), key
    # What sets leave out is not searched.
    for key in ("UID 2:1001", "206:*", "UNSEEN UID 1:1206 UIDAFTER 206", "UIDBEFORE 1002", "NOT 1001:*", "OR 1:10 (UID 50:80 SEEN)",
                "NOT (NOT UID 2:9)", "UID 1:9 (UNSEEN (OR SEEN ALL))"):
        assert big.answer("UID SEARCH " + key) == "OK Search completed", key
    untagged, answer = big.run("UID SEARCH UNDELETED UIDBEFORE %d" % LOWEST)
    assert answer == b"OK Search completed" and found(untagged) == list(range(2, LOWEST))
    untagged, answer = big.run("UID SEARCH 2:1006")
    assert answer.startswith(b"OK [MESSAGELIMIT 1000 8] ") and found(untagged) == list(range(8, 1008))
    # RETURN options are of what was searched.
    (line,), answer = big.run("UID SEARCH RETURN (MIN MAX COUNT ALL) ALL")
    assert answer.startswith(code) and line.endswith(b"MIN 207 MAX 1206 ALL 207:1206 COUNT 1000")
    # Ranges of results: the first ones are among those that were not searched.
    assert big.run("UID SEARCH RETURN (PARTIAL 1:10) ALL") == ([], b"NO [MESSAGELIMIT 1000] That range cannot be told of so many messages")
    assert big.run("UID SEARCH RETURN (PARTIAL -1:-1001) ALL")[1].startswith(b"NO [MESSAGELIMIT 1000] ")
    (line,), answer = big.run("UID SEARCH RETURN (PARTIAL -1:-10) ALL")
    assert answer.startswith(code) and line.endswith(b"PARTIAL (-1:-10 1197:1206)")
    # UPDATE goes on from there.
    (line,), answer = big.run("UID SEARCH RETURN (UPDATE ALL) FLAGGED")
    assert answer.startswith(code)
    assert any(b"ADDTO (0 2)" in line for line in big.ok("UID STORE 2 +FLAGS.SILENT (\\Flagged)") + big.ok("NOOP"))


@ENFORCED
def test_saved_results_are_truncated(big):
    untagged, answer = big.run("UID SEARCH RETURN (SAVE) UID 1:1100 UNDELETED")
    assert (untagged, answer) == ([], b"OK [MESSAGELIMIT 1000 101] Only the last 1000 messages were processed")
    (line,) = big.ok("UID SEARCH RETURN (MIN MAX COUNT) $")
    assert line.endswith(b"MIN 101 MAX 1100 COUNT 1000")
    assert big.answer("UID SEARCH RETURN (SAVE PARTIAL 1:10) ALL").startswith("NO [MESSAGELIMIT 1000]")
    (line,) = big.ok("UID SEARCH RETURN (COUNT) $")  # RFC 5182 §2.1: NO leaves none
    assert line.endswith(b"COUNT 0")
    # SORT may save more than one FETCH takes.
    big.ok("UID SORT RETURN (SAVE) (ARRIVAL) UTF-8 ALL")
    untagged, answer = big.run("UID FETCH $ (FLAGS)")
    assert answer.startswith(b"OK [MESSAGELIMIT 1000 207] ") and len(fetched(untagged)) == 1000


@ENFORCED
def test_copy_is_refused_whole(big):
    big.ok("CREATE there")
    for command in ("COPY 1:* there", "UID COPY 1:* there"):
        assert big.answer(command).startswith("NO [MESSAGELIMIT 1000 %d] " % LOWEST)
    assert messages(big, "there") == 0
    assert big.answer("COPY 1:* nowhere").startswith("NO [TRYCREATE]")
    assert re.match(r"OK \[COPYUID \d+ 207:1206 1:1000\]", big.answer("UID COPY %d:* there" % LOWEST))


@ENFORCED
def test_move(big):
    big.ok("CREATE there")
    untagged, answer = big.run("UID MOVE 1:* there")
    assert answer.startswith(b"OK [MESSAGELIMIT 1000 %d] " % LOWEST)
    assert re.match(rb"\* OK \[COPYUID \d+ 207:1206 1:1000\]", untagged[0])
    assert numbers(untagged, rb"\* (\d+) EXPUNGE") == list(range(COUNT, LOWEST - 2, -1))
    assert messages(big, "there") == 1000
    # "The client can repeat the UID MOVE command with the same parameter."
    untagged, answer = big.run("UID MOVE 1:* there")
    assert answer == b"OK Move completed" and messages(big, "there") == COUNT
    assert big.answer("UID MOVE 1:* there") == "OK Nothing to copy"


@ENFORCED
def test_store(big):
    untagged, answer = big.run("STORE 1:* +FLAGS (\\Flagged)")
    assert answer.startswith(b"OK [MESSAGELIMIT 1000 %d] " % LOWEST)
    assert sorted(numbers(untagged, rb"\* (\d+) FETCH")) == list(range(LOWEST - 1, COUNT + 1))
    assert found(big.ok("UID SEARCH UID 2:300 UNFLAGGED")) == list(range(2, LOWEST))
    untagged, answer = big.run("UID STORE 1:%d +FLAGS (\\Flagged)" % (LOWEST - 1))
    assert answer == b"OK Store completed" and sorted(fetched(untagged)) == list(range(2, LOWEST))
    assert big.answer("STORE 1:* +FLAGS.SILENT (\\Flagged)").startswith("OK [MESSAGELIMIT 1000 207]")


@ENFORCED
def test_conditional_store(big):
    """MODIFIED (RFC 7162 §3.1.3) is for the tagged answer, so MESSAGELIMIT goes before it; it is told only of what was processed."""
    (modseq,) = numbers(big.ok("STATUS big (HIGHESTMODSEQ)"), rb"\* STATUS \S+ \(HIGHESTMODSEQ (\d+)\)")
    big.ok("UID STORE 100,300 +FLAGS.SILENT (\\Answered)")
    untagged, answer = big.run("UID STORE 1:* (UNCHANGEDSINCE %d) +FLAGS.SILENT (\\Seen)" % modseq)
    assert answer.startswith(b"OK [MODIFIED 300] ")
    assert [line for line in untagged if line.startswith(b"* NO [MESSAGELIMIT 1000 207] ")]
    assert found(big.ok("UID SEARCH UID 2:400 UNSEEN")) == [*range(2, LOWEST), 300]


@ENFORCED
def test_uid_expunge_counts_deleted_messages(big):
    for uids in ("2:500", "501:2000"):
        big.ok("UID STORE %s +FLAGS.SILENT (\\Deleted)" % uids)
    big.ok("UID STORE 900:909 -FLAGS.SILENT (\\Deleted)")
    untagged, answer = big.run("UID EXPUNGE 1:*")
    assert answer.startswith(b"OK [MESSAGELIMIT 1000 197] ")  # ten of them were none of it
    assert len(numbers(untagged, rb"\* (\d+) EXPUNGE")) == 1000
    assert found(big.ok("UID SEARCH ALL")) == [*range(2, 197), *range(900, 910)]
    untagged, answer = big.run("UID EXPUNGE 1:*")
    assert answer == b"OK Expunge completed" and len(numbers(untagged, rb"\* (\d+) EXPUNGE")) == 195
    fill(big, "big", 1000)
    big.ok("NOOP")
    # Few of many: no limit.
    big.ok("STORE 11,1000 +FLAGS.SILENT (\\Deleted)")
    untagged, answer = big.run("UID EXPUNGE 1:*")
    assert answer == b"OK Expunge completed" and numbers(untagged, rb"\* (\d+) EXPUNGE") == [1000, 11]


@ENFORCED
def test_with_qresync(big):
    """With UIDONLY, too. HIGHESTMODSEQ MUST be in the tagged answer of what took messages away (RFC 7162 §3.2.9): MESSAGELIMIT goes before it."""
    big.ok("ENABLE QRESYNC UIDONLY")
    untagged, answer = big.run("UID FETCH 1:* (FLAGS)")
    assert answer.startswith(b"OK [MESSAGELIMIT 1000 207] ") and len(numbers(untagged, rb"\* (\d+) UIDFETCH")) == 1000
    big.ok("CREATE there")
    big.ok("UID STORE 1:600 +FLAGS.SILENT (\\Deleted)")
    big.ok("UID STORE 601:* +FLAGS.SILENT (\\Deleted)")
    untagged, answer = big.run("UID EXPUNGE 1:*")
    assert answer.startswith(b"OK [HIGHESTMODSEQ ") and b"* VANISHED 207:1206" in untagged
    assert [line for line in untagged if line.startswith(b"* NO [MESSAGELIMIT 1000 207] ")]
    fill(big, "big", 900)
    big.ok("NOOP")
    untagged, answer = big.run("UID MOVE 1:* there")
    assert answer.startswith(b"OK [HIGHESTMODSEQ ")
    assert [line for line in untagged if re.match(rb"\* NO \[MESSAGELIMIT 1000 \d+\] ", line)]
    assert messages(big, "there") == 1000


@ENFORCED
def test_expunge_close_and_status_know_no_limit(big, connect):
    for uids in ("1:600", "601:*"):
        big.ok("UID STORE %s +FLAGS.SILENT (\\Deleted)" % uids)
    assert b"(UNSEEN 1205)" in big.ok("STATUS big (UNSEEN)")[0]
    untagged, answer = big.run("EXPUNGE")
    assert answer == b"OK Expunge completed" and len(numbers(untagged, rb"\* (\d+) EXPUNGE")) == COUNT
    fill(big, "big", 1100)
    big.ok("NOOP")
    for numbers_ in ("1:600", "601:*"):
        big.ok("STORE %s +FLAGS.SILENT (\\Deleted)" % numbers_)
    assert big.answer("CLOSE") == "OK Close completed"
    assert messages(big, "big") == 0


@ENFORCED
def test_append_of_many_stores_none_or_all(connect):
    client = connect(timeout=120)
    small = b" {1+}\r\nx"
    for given in (small * 1001, small * 1500):
        untagged, answer = client.run(b"APPEND INBOX" + given)
        assert answer.startswith(b"NO [MESSAGELIMIT 1000] "), answer
    assert messages(client, "INBOX") == 0
    # Synchronising literals: no "+" for the one too many.
    client.send(b"s APPEND INBOX" + small * 1000 + b" {1}\r\n")
    assert client.response().startswith(b"s NO [MESSAGELIMIT 1000] ")
    url = b' CATENATE (URL "/INBOX/;UID=1")'
    assert client.run(b"APPEND INBOX" + url * 1001)[1].startswith(b"NO [MESSAGELIMIT 1000] ")
    assert messages(client, "INBOX") == 0
    assert client.run(b"APPEND INBOX" + small * 1000)[1].startswith(b"OK [APPENDUID")
    assert messages(client, "INBOX") == 1000


# --- §3.3, and MULTISEARCH

@ENFORCED
def test_sort_thread_and_searches_in_several_mailboxes(big):
    untagged, answer = big.run("UID SORT (REVERSE ARRIVAL) UTF-8 ALL")
    assert answer == b"OK Sort completed" and len(untagged[0].split()) == COUNT + 2
    for algorithm in ("REFERENCES", "ORDEREDSUBJECT"):
        assert big.run("UID THREAD %s UTF-8 ALL" % algorithm) == ([], b"NO [MESSAGELIMIT 1000] Too many messages to be threaded")
        untagged, answer = big.run("UID THREAD %s UTF-8 UIDAFTER 206" % algorithm)
        assert answer == b"OK Thread completed" and untagged[0].count(b"(") == 1000
    # Several mailboxes at once.
    code = b"OK [MESSAGELIMIT 1000 %d] " % LOWEST
    for source in ("selected", "mailboxes big", "mailboxes (big INBOX)"):  # INBOX is empty
        (line,), answer = big.run("ESEARCH IN (%s) RETURN (COUNT) ALL" % source)
        assert answer.startswith(code) and line.endswith(b" COUNT 1000"), source
    big.ok("UID COPY 5:9 INBOX")
    untagged, answer = big.run("ESEARCH IN (mailboxes (big INBOX)) RETURN (COUNT) UIDBEFORE 5")
    assert answer.startswith(b"NO [LIMIT] ") and not untagged  # RFC 7377 §2.4
    big.ok("CREATE small")
    big.ok("UID COPY 5:9 small")
    untagged, answer = big.run("ESEARCH IN (mailboxes (small INBOX)) RETURN (COUNT) UIDBEFORE 3")
    assert answer == b"OK Search completed" and sorted(line[-7:] for line in untagged) == [b"COUNT 2"] * 2
    big.ok("UNSELECT")
    (line,), answer = big.run("ESEARCH IN (mailboxes big) RETURN (COUNT) ALL")
    assert answer.startswith(code) and line.endswith(b" COUNT 1000")


# --- §3.2

def test_uidafter_and_uidbefore(connect):
    client = connect(select="INBOX")
    fill(client, "INBOX", 9)
    client.ok("STORE 1,4 +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    there = [2, 3, 5, 6, 7, 8, 9]
    for uid in (1, 2, 3, 4, 5, 8, 9, 10, 4294967294, 4294967295):
        assert found(client.ok("UID SEARCH UIDAFTER %d" % uid)) == [u for u in there if u > uid], uid
        assert found(client.ok("UID SEARCH uidbefore %d" % uid)) == [u for u in there if u < uid], uid
        assert found(client.ok("UID SEARCH NOT UIDAFTER %d" % uid)) == [u for u in there if u <= uid], uid
    assert found(client.ok("SEARCH UIDAFTER 3 UIDBEFORE 7")) == [3, 4]
    assert found(client.ok("UID SEARCH OR UIDAFTER 8 (UIDBEFORE 3 UNSEEN)")) == [2, 9]
    assert client.ok("UID SORT (REVERSE SUBJECT) UTF-8 UIDAFTER 6") == [b"* SORT 9 8 7"]
    assert client.ok("UID THREAD ORDEREDSUBJECT UTF-8 UIDBEFORE 3") == [b"* THREAD (2)"]
    (line,) = client.ok("ESEARCH IN (selected) RETURN (ALL) UIDAFTER 6")
    assert line.endswith(b" UID ALL 7:9")
    # Kept up to date: uids that come are after it, too.
    (line,) = client.ok("UID SEARCH RETURN (UPDATE ALL) UIDAFTER 8")
    assert line.endswith(b" ALL 9")
    message = simple("later")
    told = client.ok(b"APPEND INBOX {%d+}\r\n%s" % (len(message), message)) + client.ok("NOOP")
    assert any(b"ADDTO (0 10)" in line for line in told)
    # With $ to and fro.
    client.ok("UID SEARCH RETURN (SAVE) UIDAFTER 7")
    assert found(client.ok("UID SEARCH $ UIDBEFORE 9")) == [8]
    for wrong in ("UIDAFTER", "UIDAFTER 0", "UIDBEFORE *", "UIDBEFORE 1:2", "UIDAFTER 4294967296", "UIDAFTER -1", "UIDAFTER $"):
        assert client.answer("UID SEARCH " + wrong).startswith("BAD"), wrong
