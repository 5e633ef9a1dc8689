"""Sessions of imapd hear of what administrators share as they do of what its owner shares: by a hint, not by the poll behind it."""
import time

from dromostest.clients import Imap

OWNER, GUEST, PASSWORD = "owner@example.test", "guest@example.test", "correct horse"
NAME = b'"Other Users/owner@example.test/INBOX"'


def connected(suite, login):
    return Imap(suite.imapd.address("imap"), login, PASSWORD, suite.authority.client_context())


def notified(client, arguments):
    client.send(b"n NOTIFY SET %s\r\n" % arguments)
    lines = [client.idle_line()]
    while not lines[-1].startswith(b"n "):
        lines.append(client.idle_line())
    assert lines[-1].startswith(b"n OK"), lines


def test_rights_are_told_without_a_poll(suite, rest, domain):
    suite.start("imapd")
    for login in (OWNER, GUEST):
        rest.json("POST", "/accounts", {"address": login, "password": PASSWORD}, expect=201)
    guest = connected(suite, GUEST)
    notified(guest, b'(subtree "Other Users" (MessageNew MessageExpunge MailboxName))')
    share = {"mailbox": "INBOX", "identifier": GUEST}
    # Imapd may not hear admind yet when the first change is made; the poll, each ten seconds, finds that one. Six more by polls
    # alone would take a minute.
    end = None
    for n in range(7):
        rest.json("POST", "/accounts/%s/sharing" % OWNER, dict(share, rights="" if n % 2 else "lr"))
        line = guest.idle_line()
        assert line.startswith(b"* LIST (") and line.endswith(NAME) and (b"\\NonExistent" in line) == bool(n % 2), line
        end = end or time.monotonic() + 45
    assert time.monotonic() < end, "only the poll told"
    guest.shutdown()


def test_seen_of_ones_own_is_told_to_who_has_the_mailbox_open(suite, rest, domain):
    suite.start("imapd")
    for login in (OWNER, GUEST):
        rest.json("POST", "/accounts", {"address": login, "password": PASSWORD}, expect=201)
    rest.json("POST", "/accounts/%s/sharing" % OWNER, {"mailbox": "INBOX", "identifier": GUEST, "rights": "lrs"})
    owner = connected(suite, OWNER)
    owner.ok("append", "INBOX", "(\\Seen)", None, b"Subject: x\r\n\r\nbody\r\n")
    guest = connected(suite, GUEST)
    guest.ok("select", NAME.decode())
    guest.idle_start()
    for seen, flags in (("own", b"FLAGS ()"), ("common", b"FLAGS (\\Seen)")):
        rest.json("POST", "/accounts/%s/sharing/seen" % OWNER, {"mailbox": "INBOX", "seen": seen})
        line = guest.idle_line()
        assert line.startswith(b"* 1 FETCH") and flags in line.replace(b" \\Recent", b"").replace(b"\\Recent", b""), line
    guest.idle_done()
    guest.shutdown()
    owner.shutdown()
