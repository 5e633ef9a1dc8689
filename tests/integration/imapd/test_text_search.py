"""SEARCH BODY, TEXT and HEADER: texts in memory (imapd/service/text_chunk.h) answer as the scan of the stored extracts does, of any substring.

The messages are those of tests/data/mime and, where it is, of DROMOS_MIME_VECTORS or ../shared/vectors/mime beside the clone.
"""
import email
import os
import pathlib
import random
import re
import sys

import pytest
from dromostest import paths

sys.path.insert(0, str(paths.ROOT / "tests" / "golden"))
import golden_imap  # noqa: E402

VECTORS = pathlib.Path(os.environ.get("DROMOS_MIME_VECTORS") or paths.ROOT.parent / "shared" / "vectors" / "mime")


def texts_of(message):
    """What may be looked for: the raw octets, and decoded parts."""
    found = [message.decode("utf-8", "ignore")]
    try:
        for part in email.message_from_bytes(message).walk():
            if part.get_content_maintype() == "text":
                found.append((part.get_payload(decode=True) or b"").decode(part.get_content_charset("utf-8"), "ignore"))
    except (LookupError, ValueError, TypeError, AssertionError, UnicodeError):
        pass  # as much of it as the email package understands
    return [text for text in (re.sub(r"[\r\n\0]+", "\n", each).strip() for each in found) if text]


def needles(messages, count, seed):
    pick = random.Random(seed)
    pool = [text for message in messages for text in texts_of(message)]
    found = [".", " ", "a", "e ", "-- ", "=", "zzzzzz", "ß", "ﬁ"]
    while len(found) < count:
        text = pick.choice(pool)
        at = pick.randrange(len(text))
        needle = text[at:at + pick.choice((1, 2, 3, 5, 8, 13, 30))].split("\n")[0]
        if needle:
            found.append(needle if pick.random() < 0.7 else needle.swapcase())
    return found


def search(client, key, needle, uids=""):
    octets = needle.encode()
    told = client.ok(b"UID SEARCH CHARSET UTF-8 " + uids.encode() + key.encode() + b" {%d+}\r\n" % len(octets) + octets)
    return {int(uid) for uid in told[0].split()[2:]}


def compare(client, messages, count, seed):
    for message in messages:
        assert client.append("INBOX", message).startswith("OK")
    client.ok("SELECT INBOX")
    number, groups = len(messages), 4
    bounds = [(number * i // groups + 1, number * (i + 1) // groups) for i in range(groups)]
    asked = [(key, needle) for needle in needles(messages, count, seed) for key in ("BODY", "TEXT", "HEADER Subject", "HEADER Received")]
    # So few of a chunk that they are scanned.
    scanned = [set().union(*(search(client, key, needle, "UID %d:%d " % bound) for bound in bounds)) for key, needle in asked]
    # All: a chunk is made, and looked in for all that follow.
    for (key, needle), expected in zip(asked, scanned):
        assert search(client, key, needle) == expected, (key, needle)
    assert sum(bool(each) for each in scanned) > len(scanned) // 4
    # What came later is found with it.
    for needle in ("later news", "LATER"):
        assert search(client, "TEXT", needle) - set(range(1, number + 1)) == set()
    assert client.append("INBOX", b"Subject: later\r\n\r\nsome later news\r\n").startswith("OK")
    client.ok("NOOP")
    assert number + 1 in search(client, "BODY", "later n") & search(client, "TEXT", "LATER")
    assert number + 1 in search(client, "HEADER Subject", "ATE")


def test_texts_in_memory_answer_as_the_scan(connect):
    compare(connect(), [each for each in golden_imap.messages(str(paths.ROOT / "tests" / "data" / "mime")).values() if each], 40, 7)


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the whole collection is not here")
def test_texts_in_memory_answer_as_the_scan_whole_collection(connect):
    found = [each for each in golden_imap.messages(str(VECTORS)).values() if 0 < len(each) < 200000]
    compare(connect(), found, 60, 8)


@pytest.mark.config({"imapd": {"limits": {"search_texts": "0"}}})
def test_without_memory_for_texts_all_is_scanned(connect):
    client = connect()
    for body in ("one", "two", "twofold"):
        assert client.append("INBOX", b"Subject: s\r\n\r\n" + body.encode() + b"\r\n").startswith("OK")
    client.ok("SELECT INBOX")
    for _ in range(2):
        assert client.ok("SEARCH BODY wo") == [b"* SEARCH 2 3"]
        assert client.ok('SEARCH BODY ""') == [b"* SEARCH 1 2 3"]
        assert client.ok('SEARCH NOT TEXT ""') == [b"* SEARCH"]
        assert client.ok('SEARCH HEADER Subject "" NOT HEADER X-None ""') == [b"* SEARCH 1 2 3"]
