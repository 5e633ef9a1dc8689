"""URLAUTH (RFC 4467) and UIDONLY (RFC 9586)."""
import re

from imapd_client import MESSAGE, simple

BOB, ALICE = "bob@example.test", "alice@example.test"
BASE = "imap://bob%40example.test@mail.example.test"


def made(client, rump, mechanism="INTERNAL"):
    line = client.ok('GENURLAUTH "%s" %s' % (rump, mechanism))[0].decode()
    found = re.fullmatch(r'\* GENURLAUTH "(.*:INTERNAL:01[0-9a-f]{64})"', line)
    assert found and found[1].startswith(rump)
    return found[1]


def fetched(client, url):
    """Octets, or None."""
    untagged, answer = client.run('URLFETCH "%s"' % url)
    assert answer.startswith(b"OK") and len(untagged) == 1
    head = b'* URLFETCH "%s" ' % url.encode() if untagged[0].startswith(b'* URLFETCH "') else b"* URLFETCH %s " % url.encode()
    assert untagged[0].startswith(head)
    rest = untagged[0][len(head):]
    return None if rest == b"NIL" else b"" if rest == b"{0}" else rest.partition(b"\r\n")[2]


def test_a_url_gives_what_it_names_to_whom_it_is_meant_for(connect):
    bob, alice = connect(), connect(ALICE)
    assert b" URLAUTH " in bob.ok("CAPABILITY")[0]
    bob.append("Drafts", MESSAGE)
    assert b"* OK [URLMECH INTERNAL] Mechanisms of URLAUTH" in bob.ok("SELECT Drafts")
    whole = made(bob, BASE + "/Drafts/;UID=1;URLAUTH=authuser")
    assert fetched(alice, whole) == fetched(bob, whole) == MESSAGE
    assert fetched(alice, made(bob, BASE + "/Drafts/;UID=1/;SECTION=1;URLAUTH=user+alice%40example.test")) == b"The quick brown fox."
    assert fetched(alice, made(bob, BASE + "/Drafts/;UID=1/;SECTION=1;URLAUTH=user+bob%40example.test")) is None
    assert fetched(alice, made(bob, BASE + "/Drafts/;UID=1;URLAUTH=submit+alice%40example.test")) is None
    assert fetched(alice, made(bob, BASE + "/Drafts/;UID=1;EXPIRE=2020-01-01T00:00:00Z;URLAUTH=anonymous")) is None
    assert fetched(alice, made(bob, BASE + "/Drafts/;UID=1;EXPIRE=2999-01-01T00:00:00Z;URLAUTH=anonymous")) == MESSAGE
    assert fetched(alice, made(bob, BASE + "/Drafts/;UID=77;URLAUTH=anonymous")) is None
    # What FETCH would tell as NIL is empty here (section 8); a section that cannot be is no valid URL.
    lost = made(bob, BASE + "/Drafts/;UID=1/;SECTION=7;URLAUTH=anonymous")
    assert fetched(alice, lost) == b""
    assert alice.answer('APPEND INBOX CATENATE (URL "%s")' % lost).startswith("NO [BADURL")
    assert fetched(alice, made(bob, BASE + "/Drafts/;UID=1/;SECTION=X;URLAUTH=anonymous")) is None
    # CATENATE takes them, too.
    assert alice.run('APPEND INBOX CATENATE (URL "%s")' % whole)[1].startswith(b"OK")
    assert alice.answer('APPEND INBOX CATENATE (URL "%s")' % whole[:-1]).startswith("NO [BADURL")


PARTS = (b"From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
         b"--b\r\nContent-Type: text/x-own; charset=us-ascii\r\nContent-Transfer-Encoding: base64\r\n\r\naGVs\r\nbG8gd29ybGQ=\r\n\r\n"
         b"--b\r\nContent-Type: image/png; name=x\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC/w==\r\n"
         b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ngr=C3=BCn\r\n"
         b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: x-strange\r\n\r\nas it is\r\n--b--\r\n")


def extended(client, url, wishes):
    """What follows the URL in the answer."""
    untagged, answer = client.run('URLFETCH ("%s" %s)' % (url, wishes))
    assert answer.startswith(b"OK") and len(untagged) == 1, (untagged, answer)
    head = b'* URLFETCH "%s" ' % url.encode() if untagged[0].startswith(b'* URLFETCH "') else b"* URLFETCH %s " % url.encode()
    assert untagged[0].startswith(head)
    return untagged[0][len(head):]


def test_octets_without_their_transfer_encoding(connect):
    bob, alice = connect(), connect(ALICE)
    assert b" URLAUTH URLAUTH=BINARY " in bob.ok("CAPABILITY")[0]
    bob.append("Drafts", PARTS)
    of = {section: made(bob, BASE + "/Drafts/;UID=1/;SECTION=%s;URLAUTH=anonymous" % section)
          for section in ("1", "2", "3", "4", "7", "1.MIME", "HEADER.FIELDS%20(From)")}
    assert extended(alice, of["1"], "BINARY") == b"(BINARY {11}\r\nhello world)"
    assert extended(alice, of["1"], "body") == b"(BODY {20}\r\naGVs\r\nbG8gd29ybGQ=\r\n)"
    own = b'(BODYPARTSTRUCTURE ("text" "x-own" ("charset" "us-ascii") NIL NIL "%s" %d %d NIL NIL NIL NIL))'
    assert extended(alice, of["1"], "BODYPARTSTRUCTURE") == own % (b"base64", 20, 2)
    assert extended(alice, of["1"], "BODY BODYPARTSTRUCTURE") == own % (b"base64", 20, 2) + b" (BODY {20}\r\naGVs\r\nbG8gd29ybGQ=\r\n)"
    assert extended(alice, of["1"], "BINARY BODYPARTSTRUCTURE") == own % (b"7bit", 11, 0) + b" (BINARY {11}\r\nhello world)"
    # A NUL wants literal8; lines are not counted in what was decoded.
    assert extended(alice, of["2"], "BODYPARTSTRUCTURE BINARY") == \
        b'(BODYPARTSTRUCTURE ("image" "png" ("name" "x") NIL NIL "binary" 4 NIL NIL NIL NIL)) (BINARY ~{4}\r\n\x00\x01\x02\xff)'
    assert extended(alice, of["3"], "BINARY BODYPARTSTRUCTURE") == \
        b'(BODYPARTSTRUCTURE ("text" "plain" ("charset" "utf-8") NIL NIL "8bit" 5 0 NIL NIL NIL NIL)) (BINARY {5}\r\ngr\xc3\xbcn)'
    # What cannot be decoded is described as it is.
    assert extended(alice, of["4"], "BINARY BODYPARTSTRUCTURE") == \
        b'(BODYPARTSTRUCTURE ("text" "plain" ("charset" "us-ascii") NIL NIL "x-strange" 8 0 NIL NIL NIL NIL)) (BINARY NIL)'
    # A part that is not there is NIL here, and what is no part has no type of its own.
    assert extended(alice, of["7"], "BODY") == extended(alice, of["7"], "BODYPARTSTRUCTURE") == b"NIL"
    assert extended(alice, of["HEADER.FIELDS%20(From)"], "BINARY") == b"(BINARY {23}\r\nFrom: a@example.org\r\n\r\n)"
    assert extended(alice, of["1.MIME"], "BODYPARTSTRUCTURE").startswith(b'(BODYPARTSTRUCTURE ("application" "octet-stream" NIL NIL NIL "7bit" ')
    piece = made(bob, BASE + "/Drafts/;UID=1/;SECTION=1/;PARTIAL=6.3;URLAUTH=anonymous")
    assert extended(alice, piece, "BINARY") == b"(BINARY {3}\r\nwor)"
    whole = made(bob, BASE + "/Drafts/;UID=1;URLAUTH=anonymous")
    shown = extended(alice, whole, "BODYPARTSTRUCTURE BODY")
    assert shown.startswith(b'(BODYPARTSTRUCTURE ("message" "rfc822" NIL NIL NIL "7bit" %d (' % len(PARTS))
    assert shown.endswith(b" %d NIL NIL NIL NIL)) (BODY {%d}\r\n%s)" % (PARTS.count(b"\n"), len(PARTS), PARTS))


def test_extended_and_plain_urls_in_one_command(connect):
    bob, alice = connect(), connect(ALICE)
    bob.append("Drafts", PARTS)
    url = made(bob, BASE + "/Drafts/;UID=1/;SECTION=1;URLAUTH=anonymous")
    untagged = alice.ok('URLFETCH ("%s") "%s" ("%s" BINARY) ("%s" BODY)' % (url, url, url, url[:-1]))
    assert [line.replace(url.encode(), b"U").replace(b'"', b"") for line in untagged[:3]] == [
        b"* URLFETCH U {20}\r\naGVs\r\nbG8gd29ybGQ=\r\n", b"* URLFETCH U {20}\r\naGVs\r\nbG8gd29ybGQ=\r\n",
        b"* URLFETCH U (BINARY {11}\r\nhello world)"]
    assert untagged[3].endswith(b" NIL")
    for wrong in ("BODY BINARY", "BINARY BINARY", "NONSENSE", "BODY "):
        assert alice.answer('URLFETCH ("%s" %s)' % (url, wrong)).startswith("BAD"), wrong


def test_no_other_text_has_this_token(connect):
    bob, alice = connect(), connect(ALICE)
    bob.append("INBOX", simple("one"))
    bob.append("INBOX", simple("two"))
    url = made(bob, BASE + "/INBOX/;UID=1;URLAUTH=user+alice%40example.test")
    assert fetched(alice, url) == simple("one")
    last = "0" if url[-1] != "0" else "1"
    for forged in (url[:-1] + last, url[:-2], url.replace("UID=1", "UID=2"), url.replace("INBOX", "inbox"), url.replace("alice", "bob"),
                   url.replace(";URLAUTH", ";EXPIRE=2999-01-01T00:00:00Z;URLAUTH"), url.replace("bob%40", "alice%40"), url.replace("bob%40", "nobody%40"), url.replace("INBOX", "Nowhere"), url.replace("INBOX", "Sent"), url.replace("INTERNAL", "XSAMPLE"),
                   url.rpartition(":INTERNAL")[0], BASE + "/INBOX/;UID=1", "nonsense"):
        assert fetched(alice, forged) is None, forged


def test_keys_can_be_reset(connect):
    bob = connect()
    for box in ("INBOX", "Drafts"):
        bob.append(box, simple(box))
    urls = {box: made(bob, BASE + "/%s/;UID=1;URLAUTH=anonymous" % box) for box in ("INBOX", "Drafts")}
    assert bob.answer("RESETKEY INBOX INTERNAL").startswith("OK [URLMECH INTERNAL]")
    assert fetched(bob, urls["INBOX"]) is None and fetched(bob, urls["Drafts"]) == simple("Drafts")
    again = made(bob, BASE + "/INBOX/;UID=1;URLAUTH=anonymous")
    assert again != urls["INBOX"] and fetched(bob, again) == simple("INBOX")
    assert bob.answer("RESETKEY").startswith("OK")
    assert fetched(bob, again) is None and fetched(bob, urls["Drafts"]) is None
    assert bob.answer("RESETKEY Nowhere").startswith("NO")
    assert bob.answer("RESETKEY INBOX XSAMPLE").startswith("BAD")


def test_urls_are_made_of_ones_own_mailboxes_only(connect):
    bob, alice = connect(), connect(ALICE)
    bob.append("INBOX", simple("secret"))
    bob.ok("SETACL INBOX %s lr" % ALICE)
    rumps = [BASE + "/INBOX/;UID=1;URLAUTH=anonymous",
             "imap://alice%40example.test@h/Other%20Users/bob%40example.test/INBOX/;UID=1;URLAUTH=anonymous",
             "/INBOX/;UID=1;URLAUTH=anonymous", "imap://alice%40example.test@h/INBOX/;UID=1",
             "imap://alice%40example.test@h/Nowhere/;UID=1;URLAUTH=anonymous",
             "imap://alice%40example.test@h/INBOX;UIDVALIDITY=1/;UID=1;URLAUTH=anonymous"]
    for rump in rumps:
        assert alice.answer('GENURLAUTH "%s" INTERNAL' % rump).startswith("BAD"), rump
    assert bob.answer('GENURLAUTH "%s" OTHER' % rumps[0]).startswith("BAD")
    assert connect(login=None).answer('URLFETCH "x"').startswith("BAD")


def test_no_url_leaves_the_string_it_is_told_in(connect):
    bob = connect()
    rump = (BASE + '/INBOX/;UID=1;URLAUTH=user+a" "b').encode()
    assert bob.run(b"GENURLAUTH {%d+}\r\n%s INTERNAL" % (len(rump), rump))[1].startswith(b"BAD")


def test_uid_only_holds_for_searches_that_go_on(connect):
    client = connect(select="INBOX")
    for n in range(3):
        client.append("INBOX", simple("m%d" % n))
    client.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    client.ok("SEARCH RETURN (UPDATE) FLAGGED")
    client.ok("ENABLE UIDONLY")
    told = [line for line in client.ok("UID STORE 3 +FLAGS (\\Flagged)") + client.ok("NOOP") if b"ESEARCH" in line]
    assert len(told) == 1 and told[0].endswith(b" UID ADDTO (0 3)")
    assert client.answer("ESEARCH IN (selected) 1:2").startswith("BAD [UIDREQUIRED]")
    client.ok("UNSELECT")
    assert client.answer("FETCH 1 FLAGS").startswith("BAD [UIDREQUIRED]")


def test_uid_only_knows_no_message_numbers(connect):
    client, other = connect(), connect(select="INBOX")
    assert b" UIDONLY " in client.ok("CAPABILITY")[0]
    for n in range(4):
        client.append("INBOX", simple("m%d" % n))
    assert client.ok("ENABLE UIDONLY") == [b"* ENABLED UIDONLY"]
    lines = client.ok("SELECT INBOX")
    assert b"* 4 EXISTS" in lines and not any(b"UNSEEN" in line for line in lines)
    assert client.ok("UID FETCH 2:3 FLAGS") == [b"* 2 UIDFETCH (FLAGS ())", b"* 3 UIDFETCH (FLAGS ())"]
    assert client.ok("UID FETCH 2 (UID FLAGS)") == [b"* 2 UIDFETCH (UID 2 FLAGS ())"]
    assert client.ok("UID STORE 2 +FLAGS (\\Flagged)") == [b"* 2 UIDFETCH (FLAGS (\\Flagged))"]
    for command in ("FETCH 1 FLAGS", "STORE 1 FLAGS (\\Seen)", "COPY 1 Sent", "MOVE 1 Sent", "SEARCH ALL", "UID SEARCH 1:2", "UID SEARCH OR 1 SEEN"):
        assert client.answer(command).startswith("BAD [UIDREQUIRED]"), command
    assert client.run(b"REPLACE 1 INBOX {5+}\r\na\r\nbc")[1].startswith(b"BAD [UIDREQUIRED]")
    assert client.ok("UID SEARCH RETURN (SAVE ALL) FLAGGED")[0].endswith(b"UID ALL 2")
    assert client.ok("UID FETCH $ FLAGS") == [b"* 2 UIDFETCH (FLAGS (\\Flagged))"]
    other.ok("NOOP")
    other.ok("UID STORE 3 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    assert client.ok("NOOP") == [b"* VANISHED 3"]
    other.ok("UID STORE 4 +FLAGS.SILENT (\\Seen)")
    assert client.ok("NOOP") == [b"* 4 UIDFETCH (FLAGS (\\Seen))"]
    assert [line for line in client.ok("UID MOVE 1 Sent") if b"VANISHED" in line] == [b"* VANISHED 1"]
    client.ok("ENABLE QRESYNC")
    assert client.answer("SELECT INBOX (QRESYNC (1 1 1:4 (1:2 1:2)))").startswith("BAD [UIDREQUIRED]")
