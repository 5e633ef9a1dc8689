"""METADATA, METADATA-SERVER (RFC 5464), LIST-METADATA (RFC 9590), LANGUAGE (RFC 5255)."""
from imapd_client import simple

COLOR = "/shared/vendor/cmu/cyrus-imapd/color"


def test_entries_live_with_their_mailbox(connect):
    client = connect()
    assert b" METADATA METADATA-SERVER LIST-METADATA " in client.ok("CAPABILITY")[0]
    client.ok("CREATE Box/Below")
    client.ok('SETMETADATA Box (/private/comment "mine" /Shared/Comment {6+}\r\na\r\nb\x00\xc3'.replace("{6+}", "~{6+}").encode("latin-1") + b")")
    assert client.ok("GETMETADATA Box (/shared/comment /private/comment /private/none)") == [
        b'* METADATA Box (/private/comment mine /shared/comment ~{6}\r\na\r\nb\x00\xc3 /private/none NIL)'.replace(b"mine", b'"mine"')]
    client.ok("RENAME Box Other")
    assert client.ok("GETMETADATA Other /private/comment") == [b'* METADATA Other (/private/comment "mine")']
    assert client.answer("GETMETADATA Box /private/comment").startswith("NO [NONEXISTENT]")
    client.ok('SETMETADATA Other (/private/comment NIL /private/comment "again" /shared/comment NIL)')
    assert client.ok("GETMETADATA Other (/private/comment /shared/comment)") == [b'* METADATA Other (/private/comment "again" /shared/comment NIL)']
    client.ok("DELETE Other/Below")
    client.ok("DELETE Other")
    client.ok("CREATE Other")
    assert client.ok("GETMETADATA Other /private/comment") == [b"* METADATA Other (/private/comment NIL)"]


def test_inbox_keeps_what_its_new_name_gets(connect):
    client = connect()
    client.append("INBOX", simple("one"))
    client.ok('SETMETADATA INBOX (/private/comment "in")')
    client.ok("RENAME INBOX Old")
    for name in (b"INBOX", b"Old"):
        assert client.ok(b"GETMETADATA %s /private/comment" % name) == [b'* METADATA %s (/private/comment "in")' % name]


def test_depth_and_size(connect):
    client = connect()
    client.ok('SETMETADATA INBOX (/private/a/x "1" /private/a/b/y "22" /private/a "333" /private/ab "4")')
    assert client.ok("GETMETADATA (DEPTH 1) INBOX /private/a") == [b'* METADATA INBOX (/private/a "333" /private/a/x "1")']
    assert client.ok("GETMETADATA INBOX (DEPTH infinity) (/private/a)") == [b'* METADATA INBOX (/private/a "333" /private/a/b/y "22" /private/a/x "1")']
    untagged, answer = client.run("GETMETADATA (DEPTH infinity MAXSIZE 1) INBOX /private/a")
    assert untagged == [b'* METADATA INBOX (/private/a/x "1")'] and answer.startswith(b"OK [METADATA LONGENTRIES 3]")
    assert client.ok("GETMETADATA (DEPTH infinity) INBOX /private/zz") == []


def test_limits_and_names(connect):
    client = connect()
    big = b"SETMETADATA INBOX (/private/big {%d+}\r\n%s)"
    assert client.run(big % (65537, b"x" * 65537))[1].startswith(b"NO [METADATA MAXSIZE 65536]")
    assert client.run(big % (65536, b"x" * 65536))[1].startswith(b"OK")
    client.ok("SETMETADATA INBOX (" + " ".join('/private/n%d "v"' % n for n in range(99)) + ")")
    assert client.answer('SETMETADATA INBOX (/private/n0 NIL /private/m1 "v" /private/m2 "v")').startswith("NO [METADATA TOOMANY]")
    assert client.ok("GETMETADATA INBOX (/private/n0 /private/m1)") == [b'* METADATA INBOX (/private/n0 "v" /private/m1 NIL)']
    assert client.answer('SETMETADATA INBOX (/private/n0 NIL /private/m1 "v")').startswith("OK")
    for name in ("/comment", "/private", "/private/vendor", "/private/vendor/x", "/other/x", '"/private/a*"', '"/private//a"', "/private/a/"):
        assert client.answer('SETMETADATA INBOX (%s "v")' % name).startswith("BAD"), name
    assert client.answer('SETMETADATA Nowhere (/private/comment "v")').startswith("NO")
    assert connect(login=None).answer("GETMETADATA INBOX /private/comment").startswith("BAD")


def test_all_boxes_together_are_bounded(connect):
    client = connect()
    value = b"x" * 65000
    taken = 0
    for box in range(3):
        client.ok("CREATE B%d" % box)
        for n in range(30):
            answer = client.run(b"SETMETADATA B%d (/private/n%d {%d+}\r\n%s)" % (box, n, len(value), value))[1]
            if not answer.startswith(b"OK"):
                assert answer.startswith(b"NO [METADATA TOOMANY]")
                break
            taken += 1
    assert 60 < taken < 66


def test_server_entries(connect):
    client, other = connect(), connect("alice@example.test")
    client.ok('SETMETADATA "" (/private/vendor/x/y "mine")')
    assert client.ok('GETMETADATA "" /private/vendor/x/y') == [b'* METADATA "" (/private/vendor/x/y "mine")']
    assert other.ok('GETMETADATA "" /private/vendor/x/y') == [b'* METADATA "" (/private/vendor/x/y NIL)']
    assert client.answer('SETMETADATA "" (/shared/comment "v")').startswith("NO [NOPERM]")


def test_private_is_private_and_shared_is_shared(connect):
    bob, alice = connect(), connect("alice@example.test")
    bob.ok("CREATE Team")
    bob.ok('SETMETADATA Team (/private/comment "bob" /shared/comment "all")')
    name = '"Other Users/bob@example.test/Team"'
    assert alice.answer("GETMETADATA %s /shared/comment" % name).startswith("NO [NONEXISTENT]")
    bob.ok("SETACL Team alice@example.test l")
    assert alice.answer("GETMETADATA %s /shared/comment" % name).startswith("NO [NOPERM]")
    bob.ok("SETACL Team alice@example.test lr")
    assert alice.ok("GETMETADATA %s (/shared/comment /private/comment)" % name) == [
        b'* METADATA %s (/shared/comment "all" /private/comment NIL)' % name.encode()]
    alice.ok('SETMETADATA %s (/private/comment "alice")' % name)
    assert bob.ok("GETMETADATA Team /private/comment") == [b'* METADATA Team (/private/comment "bob")']
    lines = alice.ok('LIST "" "*" RETURN (METADATA (/shared/comment /private/comment))')
    assert b'* METADATA %s (/private/comment "alice" /shared/comment "all")' % name.encode() in lines


def test_list_returns_them(connect):
    client = connect()
    client.ok('SETMETADATA Sent (%s "#ff0000")' % COLOR)
    lines = client.ok('LIST "" (INBOX Sent) RETURN (METADATA (%s))' % COLOR)
    at = lines.index(b'* METADATA Sent (%s "#ff0000")' % COLOR.encode())
    assert lines[at - 1].startswith(b"* LIST") and lines[at - 1].endswith(b" Sent")
    assert b"* METADATA INBOX (%s NIL)" % COLOR.encode() in lines and len(lines) == 4
    assert client.answer('LIST "" * RETURN (METADATA ())').startswith("BAD")
    # Not of a mailbox that only those below satisfy the criteria for.
    client.ok("CREATE Plain/Below")
    client.ok("SUBSCRIBE Plain/Below")
    client.ok("UNSUBSCRIBE Plain")
    lines = client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" Plain RETURN (METADATA (%s))' % COLOR)
    assert len(lines) == 1 and lines[0].startswith(b"* LIST")


def test_language(connect):
    client = connect(login=None)
    assert b" LANGUAGE " in client.greeting
    assert client.ok("LANGUAGE") == [b"* LANGUAGE (EN i-default)"]
    assert client.ok("LANGUAGE FR-CA EN-CA") == [b"* LANGUAGE (EN)"]
    assert client.ok('LANGUAGE "default"') == [b"* LANGUAGE (EN)"]
    assert client.answer("LANGUAGE MUL").startswith("NO")
    assert connect().ok("LANGUAGE i-default") == [b"* LANGUAGE (i-default)"]


def test_unsolicited_names_for_who_enabled_them(connect):
    bob, phone, other = connect(), connect(), connect()
    bob.ok("CREATE Work")
    assert bob.ok("ENABLE METADATA METADATA-SERVER") == [b"* ENABLED METADATA METADATA-SERVER"]
    assert other.ok("ENABLE METADATA-SERVER") == [b"* ENABLED METADATA-SERVER"]
    phone.ok('SETMETADATA Work (/private/comment "a" /shared/comment "b")')
    assert bob.ok("NOOP") == [b"* METADATA Work /private/comment /shared/comment"]
    assert bob.ok("NOOP") == [] == other.ok("NOOP")
    phone.ok('SETMETADATA "" (/private/x "a")')
    assert bob.ok("NOOP") == other.ok("NOOP") == [b'* METADATA "" /private/x']
    # What one did oneself is no news; in IDLE others' changes come at once.
    bob.ok('SETMETADATA Work (/private/comment "own")')
    bob.send("i IDLE\r\n")
    assert bob.response().startswith(b"+")
    phone.ok("SETMETADATA Work (/shared/comment NIL)")
    assert bob.response() == b"* METADATA Work /shared/comment"
    bob.send("DONE\r\n")
    assert bob.until("i")[1].startswith(b"OK")
    bob.ok("UNAUTHENTICATE")
    bob.ok("LOGIN bob@example.test secret")
    phone.ok('SETMETADATA Work (/private/comment "later")')
    assert bob.ok("NOOP") == []


def test_annotations_move_no_mailbox(connect):
    client = connect()
    client.ok("CREATE Work")
    before = client.ok("STATUS Work (HIGHESTMODSEQ)")
    client.ok('SETMETADATA Work (/private/comment "a")')
    assert client.ok("STATUS Work (HIGHESTMODSEQ)") == before
