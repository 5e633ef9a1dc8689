"""INPROGRESS (RFC 9585): with imapd.progress at 0 every report that a command can give is given, however short it is."""
import re

import pytest

from dromostest.one_imapd import BOB, simple
from imapd_client import Raw


@pytest.fixture
def client(suite, accounts, opened):
    suite.reconfigure({"imapd": {"progress": "0s"}})
    suite.start("imapd")
    client = Raw(suite.imapd.address("imaps"), suite.authority.client_context(), BOB)
    opened.callback(client.close)
    for n in range(50):
        assert client.append("INBOX", simple("m%d" % n, "needle\r\n" if n % 10 == 0 else "hay\r\n")).startswith("OK")
    client.ok("SELECT INBOX")
    return client


def reports(untagged):
    """[(tag, done, goal)] with None for NIL; the other responses."""
    found = [re.fullmatch(rb'\* OK \[INPROGRESS \((NIL|"[^"]*") (NIL|\d+) (NIL|\d+)\)\] .+', line) for line in untagged]
    values = [tuple(None if value == b"NIL" else int(value) if value.isdigit() else value.strip(b'"').decode() for value in one.groups())
              for one in found if one]
    return values, [line for line, one in zip(untagged, found) if not one]


def test_searches_tell_how_many_messages_they_have_looked_at(client):
    assert b" INPROGRESS " in client.ok("CAPABILITY")[0]
    told, rest = reports(client.ok("SEARCH BODY needle"))
    assert rest == [b"* SEARCH 1 11 21 31 41"]
    assert told[-1][0] == "t%d" % client.count and (told[-1][0], 0, 50) in told
    assert all(goal is None or done < goal == 50 for _, done, goal in told)
    for command in ("SORT (SUBJECT) UTF-8 BODY needle", "THREAD REFERENCES UTF-8 BODY needle", "ESEARCH IN (selected) BODY needle"):
        told, rest = reports(client.ok(command))
        assert told and len(rest) == 1, command


def test_fetch_tells_between_responses(client):
    told, rest = reports(client.ok("FETCH 1:* (ENVELOPE)"))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told) and told[0] == ("t%d" % client.count, 0, 50)
    assert len(told) > 1 and len(rest) == 50


@pytest.mark.parametrize("command", ["COPY 1:* Sent", "STORE 1:* +FLAGS (\\Flagged)", "MOVE 1:10 Archive", "UID STORE 11:* +FLAGS.SILENT (\\Deleted)"])
def test_writers_say_that_they_are_at_it(client, command):
    told, _ = reports(client.ok(command))
    assert told == [("t%d" % client.count, None, None)]


def test_a_tag_that_the_code_cannot_hold_is_not_told(client):
    client.send("a]b SEARCH BODY needle\r\n")
    untagged, answer = client.until("a]b")
    told, rest = reports(untagged)
    assert answer.startswith(b"OK") and told and {tag for tag, _, _ in told} == {None} and len(rest) == 1


def test_short_commands_say_nothing(suite, accounts, opened):
    suite.start("imapd")
    client = Raw(suite.imapd.address("imaps"), suite.authority.client_context(), BOB)
    opened.callback(client.close)
    assert client.append("INBOX", simple("one")).startswith("OK")
    client.ok("SELECT INBOX")
    assert client.ok("SEARCH BODY hello") == [b"* SEARCH 1"]
    assert reports(client.ok("FETCH 1 (UID)")) == ([], [b"* 1 FETCH (UID 1)"])
