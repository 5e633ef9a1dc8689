"""Commands one by one: what they answer, and their errors."""
import re

from imapd_client import MESSAGE, simple


def lines(responses):
    return [r.decode("utf-8", "replace") for r in responses]


def fill(client, count=3, mailbox="INBOX"):
    for n in range(1, count + 1):
        assert client.append(mailbox, simple("message %d" % n)).startswith("OK [APPENDUID ")


def test_greeting_and_capabilities_by_state(connect):
    client = connect(login=None)
    assert client.greeting.startswith(b"* OK [CAPABILITY IMAP4rev1 IMAP4rev2 ")
    before = client.ok("CAPABILITY")[0].decode()
    assert "AUTH=PLAIN" in before and "AUTH=SCRAM-SHA-256-PLUS" in before and "LOGINDISABLED" not in before
    assert "MOVE" not in before
    assert client.answer("SELECT INBOX").startswith("BAD")
    client.ok("LOGIN bob@example.test secret")
    after = client.ok("CAPABILITY")[0].decode()
    assert " MOVE " in after and " AUTH=" not in after
    assert client.answer("LOGIN bob@example.test secret").startswith("BAD")
    untagged, answer = client.run("LOGOUT")
    assert untagged[0].startswith(b"* BYE") and answer.startswith(b"OK")


def test_wrong_password_and_unknown_command(connect):
    client = connect(login=None)
    assert client.answer("LOGIN bob@example.test wrong").startswith("NO [AUTHENTICATIONFAILED]")
    assert client.answer("LOGIN nobody@example.test wrong").startswith("NO [AUTHENTICATIONFAILED]")
    assert client.answer("XYZZY").startswith("BAD")
    assert client.answer("AUTHENTICATE PLAIN !!!").startswith("BAD")
    import base64
    token = base64.b64encode(b"\0bob@example.test\0secret").decode()
    assert client.answer("AUTHENTICATE PLAIN " + token).startswith("OK")


def test_select_announces_all_it_must(connect):
    client = connect()
    fill(client, 2)
    got = lines(client.ok("SELECT INBOX"))
    text = "\n".join(got)
    for wanted in ("FLAGS (", "* 2 EXISTS", "* 2 RECENT", "[UNSEEN 1]", "[UIDVALIDITY ", "[UIDNEXT 3]", "[PERMANENTFLAGS (",
                   "[HIGHESTMODSEQ ", "[MAILBOXID (P"):
        assert wanted in text, (wanted, got)
    assert client.answer("EXAMINE INBOX").startswith("OK [READ-ONLY]")
    assert client.answer("STORE 1 +FLAGS (\\Seen)").startswith("NO")
    assert client.answer("SELECT nothing").startswith("NO [NONEXISTENT]")
    assert client.answer("FETCH 1 FLAGS").startswith("BAD")  # RFC 9051 §6.3.2: nothing is selected now


def test_fetch_of_every_kind(connect):
    client = connect()
    answer = client.append("INBOX", MESSAGE, '(\\Flagged $Important) "10-Mar-2026 12:00:00 +0100"')
    assert re.match(r"OK \[APPENDUID \d+ 1\]", answer), answer
    client.ok("SELECT INBOX")
    got = client.ok("FETCH 1 (UID FLAGS RFC822.SIZE INTERNALDATE)")[0].decode()
    assert got == '* 1 FETCH (UID 1 FLAGS (\\Flagged $important) RFC822.SIZE %d INTERNALDATE "10-Mar-2026 11:00:00 +0000")' % len(MESSAGE)
    envelope = client.ok("FETCH 1 ENVELOPE")[0].decode()
    assert '(("Ann Other" NIL "ann" "example.org"))' in envelope and '"<m1@example.org>"' in envelope
    structure = client.ok("FETCH 1 BODYSTRUCTURE")[0].decode().lower()
    assert '"mixed"' in structure and '"octet-stream" ("name" "x.bin")' in structure and '"base64" 8' in structure
    assert client.ok("FETCH 1 BODY.PEEK[]")[0] == b"* 1 FETCH (BODY[] {%d}\r\n%s)" % (len(MESSAGE), MESSAGE)
    assert client.ok("FETCH 1 BODY.PEEK[]<5.9>")[0] == b"* 1 FETCH (BODY[]<5> {9}\r\n%s)" % MESSAGE[5:14]
    assert client.ok("FETCH 1 BODY.PEEK[]<999999.9>")[0] == b"* 1 FETCH (BODY[]<999999> {0}\r\n)"
    assert client.ok("FETCH 1 BODY.PEEK[1]")[0] == b"* 1 FETCH (BODY[1] {20}\r\nThe quick brown fox.)"
    assert client.ok("FETCH 1 BODY.PEEK[2.MIME]")[0].startswith(b"* 1 FETCH (BODY[2.MIME] {")
    assert client.ok("FETCH 1 BODY.PEEK[7]")[0] == b"* 1 FETCH (BODY[7] NIL)"
    fields = client.ok("FETCH 1 BODY.PEEK[HEADER.FIELDS (Message-Id)]")[0]
    assert fields == b"* 1 FETCH (BODY[HEADER.FIELDS (Message-Id)] {33}\r\nMessage-ID: <m1@example.org>\r\n\r\n)".replace(b"{33}", b"{32}")
    assert client.ok("FETCH 1 BINARY.PEEK[2]")[0] == b"* 1 FETCH (BINARY[2] ~{4}\r\n\0\1\2\xff)"
    assert client.ok("FETCH 1 BINARY.SIZE[2]")[0] == b"* 1 FETCH (BINARY.SIZE[2] 4)"
    assert b"The quick brown fox" in client.ok("FETCH 1 PREVIEW")[0]
    assert re.match(rb"\* 1 FETCH \(EMAILID \(M\w+\) THREADID \(T\w+\) SAVEDATE \"", client.ok("FETCH 1 (EMAILID THREADID SAVEDATE)")[0])
    seen = client.ok("FETCH 1 BODY[TEXT]")
    assert seen[0].startswith(b"* 1 FETCH (BODY[TEXT] {") and b"\\Seen" in seen[1]
    assert client.answer("FETCH 9 FLAGS").startswith("BAD")
    assert client.answer("UID FETCH 99 FLAGS").startswith("OK")


def test_store_of_every_kind(connect):
    client = connect()
    fill(client)
    client.ok("SELECT INBOX")
    assert client.ok("STORE 1:2 +FLAGS (\\Answered Blue)")[-2:] == [
        b"* 1 FETCH (UID 1 FLAGS (\\Answered blue))", b"* 2 FETCH (UID 2 FLAGS (\\Answered blue))"]
    assert client.ok("STORE 1 -FLAGS.SILENT (\\Answered)") == []
    assert client.ok("FETCH 1 FLAGS") == [b"* 1 FETCH (FLAGS (blue))"]
    assert client.ok("UID STORE 3 FLAGS (\\Deleted)") == [b"* 3 FETCH (UID 3 FLAGS (\\Deleted))"]
    untagged, answer = client.run("STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)")
    assert b"[MODIFIED 1]" in answer and not any(b"\\Seen" in line for line in untagged)
    assert client.ok("EXPUNGE") == [b"* 3 EXPUNGE"]


def test_search_keys_and_returns(connect):
    client = connect()
    fill(client)
    client.append("INBOX", MESSAGE, '(\\Seen) "01-Jan-2020 12:00:00 +0000"')
    client.ok("SELECT INBOX")
    cases = {
        "ALL": "1 2 3 4", "UNSEEN": "1 2 3", "SEEN": "4", "SUBJECT grüße": "4", "FROM ANN": "4", "TEXT fox": "4",
        "BODY BROWN": "4", "BODY uic": "4", "NOT SEEN 2:*": "2 3", "OR SEEN 1": "1 4", "LARGER 400": "4", "BEFORE 1-Feb-2020": "4",
        "SENTON 10-Mar-2026": "1 2 3 4", "HEADER Message-ID m1@": "4", 'HEADER Message-ID ""': "4", "UID 2:3": "2 3", "KEYWORD x": "",
        "YOUNGER 3600": "1 2 3", "OLDER 3600": "4", "(SUBJECT message) NOT (SUBJECT 2)": "1 3", "RECENT": "1 2 3 4", "OLD": "", "NEW": "1 2 3",
    }
    for key, wanted in cases.items():
        head = "SEARCH " + ("CHARSET UTF-8 " if not key.isascii() else "")
        if key.isascii():
            got = client.ok(head + key)
        else:
            word = key.split(" ", 1)[1].encode()
            got = client.ok(head.encode() + key.split(" ", 1)[0].encode() + b" {%d+}\r\n" % len(word) + word)
        assert got == [("* SEARCH " + wanted).rstrip().encode()], (key, got)
    latin = "grüße".encode("latin-1")
    assert client.ok(b"SEARCH CHARSET ISO-8859-1 SUBJECT {%d+}\r\n%s" % (len(latin), latin)) == [b"* SEARCH 4"]
    assert client.answer("SEARCH CHARSET X-NONE ALL").startswith("NO [BADCHARSET")
    got = client.ok("UID SEARCH RETURN (MIN MAX COUNT ALL) UNSEEN")[0].decode()
    assert re.match(r'\* ESEARCH \(TAG "t\d+"\) UID MIN 1 MAX 3 ALL 1:3 COUNT 3$', got), got
    client.ok("SEARCH RETURN (SAVE) UNSEEN")
    assert client.ok("FETCH $ UID") == [b"* %d FETCH (UID %d)" % (n, n) for n in (1, 2, 3)]


def test_copy_move_and_missing_target(connect):
    client = connect()
    fill(client)
    client.ok("SELECT INBOX")
    assert client.answer("COPY 1 missing").startswith("NO [TRYCREATE]")
    assert client.append("missing", simple("x")).startswith("NO [TRYCREATE]")
    assert re.match(r"OK \[COPYUID \d+ 1:2 1:2\]", client.answer("COPY 1:2 Archive"))
    untagged, answer = client.run("UID MOVE 2:3 Archive")
    assert re.match(rb"\* OK \[COPYUID \d+ 2:3 3:4\]", untagged[0]) and untagged[1:] == [b"* 3 EXPUNGE", b"* 2 EXPUNGE"]
    assert client.ok("STATUS Archive (MESSAGES UIDNEXT UNSEEN)") == [b"* STATUS Archive (MESSAGES 4 UIDNEXT 5 UNSEEN 4)"]


def test_mailboxes_live_and_die(connect):
    client = connect()
    listed = lines(client.ok('LIST "" "*"'))
    assert listed[0].startswith('* LIST (\\HasNoChildren) "/" INBOX') and any("\\Sent" in line for line in listed)
    assert client.ok('LIST "" ""') == [b'* LIST (\\Noselect) "/" ""']
    assert client.answer("CREATE Projekte/2026").startswith("OK [MAILBOXID (")
    assert client.answer("CREATE Projekte/2026").startswith("NO [ALREADYEXISTS]")
    assert client.answer("CREATE inbox").startswith("NO")
    assert client.ok('LIST "" Projekte') == [b'* LIST (\\HasChildren) "/" Projekte']
    client.ok("SUBSCRIBE Projekte/2026")
    assert client.ok('LSUB "" "Proj%"') == [b'* LSUB (\\Noselect) "/" Projekte']
    assert b'("CHILDINFO" ("SUBSCRIBED"))' in client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" "Proj%"')[0]
    got = client.ok('LIST "" "Proj*" RETURN (SUBSCRIBED STATUS (MESSAGES))')
    assert got[1:] and b"* STATUS Projekte (MESSAGES 0)" in got
    assert client.answer("DELETE Projekte").startswith("NO [HASCHILDREN]")
    client.ok("RENAME Projekte Ablage")
    assert client.ok('LIST "" "Abl*"')[1].endswith(b'"/" Ablage/2026')
    client.ok("DELETE Ablage/2026")
    client.ok("DELETE Ablage")
    assert client.answer("DELETE Ablage").startswith("NO [NONEXISTENT]")
    assert client.answer("DELETE INBOX").startswith("NO")
    client.ok("CREATE " + "Entw&APw-rfe")
    assert client.ok('LIST "" "Entw*"')[0].endswith(b'Entw&APw-rfe')
    client.ok("ENABLE IMAP4rev2")
    assert "Entwürfe" in client.ok('LIST "" "Entw*"')[0].decode()


def test_rename_inbox_moves_and_keeps_inbox(connect):
    client = connect()
    fill(client, 2)
    client.ok("SELECT INBOX")
    untagged, answer = client.run("RENAME INBOX old")
    assert answer.startswith(b"OK") and untagged == [b"* 2 EXPUNGE", b"* 1 EXPUNGE"]
    assert client.ok("STATUS old (MESSAGES)") == [b"* STATUS old (MESSAGES 2)"]


def test_append_many_at_once_or_none(connect):
    client = connect()
    one, two = simple("one"), simple("two")
    answer = client.run(b"APPEND INBOX {%d+}\r\n%s (\\Seen) {%d+}\r\n%s" % (len(one), one, len(two), two))[1]
    assert re.match(rb"OK \[APPENDUID \d+ 1:2\]", answer), answer
    answer = client.run(b"APPEND INBOX {%d+}\r\n%s {0+}\r\n" % (len(one), one))[1]
    assert answer.startswith(b"NO"), answer
    assert client.ok("STATUS INBOX (MESSAGES UNSEEN SIZE DELETED)") == [
        b"* STATUS INBOX (MESSAGES 2 UNSEEN 1 SIZE %d DELETED 0)" % (len(one) + len(two))]


def test_rev2_answers_in_its_own_way(connect):
    client = connect()
    fill(client, 2)
    assert client.ok("ENABLE IMAP4rev2 CONDSTORE X-NONE") == [b"* ENABLED IMAP4REV2 CONDSTORE"]
    got = lines(client.ok("SELECT inbox"))
    assert not any("RECENT" in line for line in got) and '* LIST () "/" INBOX' in got
    assert client.ok("SEARCH ALL")[0].startswith(b'* ESEARCH (TAG "')
    assert b"MODSEQ (" in client.ok("STORE 1 +FLAGS (\\Seen)")[0]


def test_close_expunges_silently_and_unselect_does_not(connect):
    client = connect()
    fill(client, 2)
    client.ok("SELECT INBOX")
    client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    client.ok("UNSELECT")
    assert client.ok("STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 2)"]
    client.ok("SELECT INBOX")
    assert client.ok("CLOSE") == []
    assert client.ok("STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 1)"]


def test_namespace_id_quota(connect):
    client = connect()
    assert client.ok("NAMESPACE")[0].startswith(b'* NAMESPACE (("" "/"))')
    assert client.ok('ID ("name" "test")')[0].startswith(b"* ID (")
    assert client.ok("GETQUOTAROOT INBOX")[0] == b'* QUOTAROOT INBOX'
    assert client.answer("GETQUOTA other").startswith("NO")


def test_over_quota_is_said_before_the_octets(suite, accounts, connect):
    accounts.account("poor@example.test", "secret", quota=1000)
    client = connect("poor@example.test")
    client.send("x APPEND INBOX {70000}\r\n")
    assert client.response().startswith(b"x NO [OVERQUOTA]")
    assert client.append("INBOX", simple("small")).startswith("OK")
    assert client.append("INBOX", simple("big", "x" * 900)).startswith("NO [OVERQUOTA]")
