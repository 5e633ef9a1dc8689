"""Extensions of CAPABILITY, each against its RFC; SCRAM with channel binding; sessions as an administrator sees them."""
import base64
import hashlib
import hmac
import json
import re
import socket
import subprocess

import pytest
from OpenSSL import SSL, crypto

from dromostest import paths
from dromostest.accounts import quote
from dromostest.clients import Http
from imapd_client import MESSAGE, PASSWORD, Raw, simple

BOB = "bob@example.test"


def fill(client, count=3, mailbox="INBOX"):
    for n in range(1, count + 1):
        assert client.append(mailbox, simple("message %d" % n)).startswith("OK [APPENDUID ")


def test_create_with_special_use(connect):
    client = connect()
    assert client.answer('DELETE Sent').startswith("OK")
    assert client.answer('CREATE Gesendet (USE (\\Sent))').startswith("OK [MAILBOXID (")
    assert client.ok('LIST (SPECIAL-USE) "" Gesendet') == [b'* LIST (\\HasNoChildren \\Sent) "/" Gesendet']
    assert client.answer('CREATE Again (USE (\\Sent))').startswith("NO [USEATTR]")
    assert client.answer('CREATE Odd (USE (\\Nonsense))').startswith("NO [USEATTR]")
    assert client.answer('CREATE Both (USE (\\Flagged \\All))').startswith("NO [USEATTR]")
    assert client.ok('LIST "" (Again Odd Both)') == []  # RFC 6154 §3: refused means not made
    assert client.answer('CREATE Gesendet (USE (\\Flagged))').startswith("NO [ALREADYEXISTS]")
    assert client.answer('CREATE Plain (USE ())').startswith("OK")
    assert client.answer('CREATE inbox (USE (\\Sent))').startswith("NO")


def test_extended_list(connect):
    client = connect()
    for name in ("Fruit", "Fruit/Apple", "Fruit/Pear", "Stone/Plum"):
        client.ok("CREATE " + name)
    client.ok("SUBSCRIBE Fruit/Pear")
    child = b'("CHILDINFO" ("SUBSCRIBED"))'
    assert client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" (Fruit Stone)') == [b'* LIST (\\HasChildren) "/" Fruit ' + child]
    # Redundant where the mailbox below is told itself (RFC 5258 §3.5).
    assert client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" "Fruit*"') == [b'* LIST (\\HasNoChildren \\Subscribed) "/" Fruit/Pear']
    # STATUS only of what satisfies the criteria itself (RFC 5819 §3).
    assert client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" Fruit RETURN (STATUS (MESSAGES))') == [b'* LIST (\\HasChildren) "/" Fruit ' + child]
    client.ok("SUBSCRIBE Fruit")
    assert client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" "Fruit*"')[0] == b'* LIST (\\HasChildren \\Subscribed) "/" Fruit ' + child
    assert client.ok('LIST "Fruit" ("")') == []  # an empty pattern is ignored, not a question for the separator
    assert client.answer('LIST (RECURSIVEMATCH) "" *').startswith("BAD")
    assert client.answer('LIST (NONSENSE) "" *').startswith("BAD")
    assert len(client.ok('LIST "" (Fruit Fru%)')) == 1
    assert client.ok('LIST "" Stone/% RETURN (CHILDREN)') == [b'* LIST (\\HasNoChildren) "/" Stone/Plum']


def test_preview_lazy_gives_nil_only_when_it_would_take_time(suite, connect):
    client = connect()
    assert client.append("INBOX", MESSAGE).startswith("OK")
    assert client.append("INBOX", simple("long", "word " * 200 + "\r\n")).startswith("OK")
    assert client.append("INBOX", simple("empty", "")).startswith("OK")
    client.ok("SELECT INBOX")
    whole = client.ok("FETCH 1:3 (PREVIEW)")
    assert b'"The quick brown fox.' in whole[0]
    assert 100 < len(whole[1]) < 300 and whole[2].endswith(b'PREVIEW "")')
    assert client.ok("FETCH 1:3 (PREVIEW (LAZY))") == whole
    suite.sql("UPDATE mail.message SET facts = '' WHERE account_id = directory.need_account(%s)" % quote(BOB))
    suite.imapd.stop()
    suite.start("imapd")  # what is in memory takes no time
    client = connect(select="INBOX")
    assert client.ok("FETCH 1 (UID PREVIEW (LAZY))") == [b"* 1 FETCH (UID 1 PREVIEW NIL)"]
    assert client.ok("FETCH 1:3 PREVIEW") == whole  # without LAZY never NIL
    assert client.answer("FETCH 1 (PREVIEW (EAGER))").startswith("BAD")


def test_save_dates(suite, connect):
    client = connect()
    fill(client, 3)
    suite.sql("UPDATE mail.entry SET saved_at = '2019-12-31 23:59:59Z' WHERE uid = 1 AND account_id = directory.need_account(%s)" % quote(BOB))
    suite.sql("UPDATE mail.entry SET saved_at = '2020-01-01 00:00:00Z' WHERE uid = 2 AND account_id = directory.need_account(%s)" % quote(BOB))
    client.ok("SELECT INBOX")
    for key, wanted in {"SAVEDBEFORE 1-Jan-2020": "1", "SAVEDON 1-Jan-2020": "2", "SAVEDSINCE 1-Jan-2020": "2 3", "NOT SAVEDON 1-Jan-2020": "1 3",
                        "SAVEDATESUPPORTED": "1 2 3", "SAVEDBEFORE 31-Dec-2019": ""}.items():
        assert client.ok("SEARCH " + key) == [("* SEARCH " + wanted).rstrip().encode()], key
    assert client.ok("FETCH 2 SAVEDATE") == [b'* 2 FETCH (SAVEDATE " 1-Jan-2020 00:00:00 +0000")']
    # A copy is saved when it is made (RFC 8514 §3), also by MOVE.
    client.ok("COPY 1 Archive")
    client.ok("MOVE 2 Archive")
    client.ok("SELECT Archive")
    assert client.ok("SEARCH SAVEDSINCE 1-Jan-2021") == [b"* SEARCH 1 2"]
    assert client.answer("SEARCH SAVEDON yesterday").startswith("BAD")


@pytest.mark.config({"imapd": {"limits": {"append_size": "2KiB"}}})
def test_append_limit(connect):
    client = connect()
    assert b" APPENDLIMIT=2048" in client.ok("CAPABILITY")[0]
    assert client.ok("STATUS INBOX (APPENDLIMIT MESSAGES)") == [b"* STATUS INBOX (MESSAGES 0 APPENDLIMIT 2048)"]
    assert b"* STATUS INBOX (APPENDLIMIT 2048)" in client.ok('LIST "" INBOX RETURN (STATUS (APPENDLIMIT))')
    client.send("x APPEND INBOX {2049}\r\n")  # before the octets
    assert client.response().startswith(b"x NO [TOOBIG]")
    assert client.append("INBOX", simple("x", "y" * 3000)).startswith("NO [TOOBIG]")
    assert client.append("INBOX", simple("x")).startswith("OK")


def test_expunge_and_move_tell_the_modseq_to_qresync_clients(connect):
    client = connect()
    fill(client, 4)
    client.ok("ENABLE QRESYNC")
    client.ok("SELECT INBOX")
    client.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
    untagged, answer = client.run("UID EXPUNGE 1")
    modseq = re.match(rb"OK \[HIGHESTMODSEQ (\d+)\]", answer)  # RFC 7162 §3.2.9
    assert untagged == [b"* VANISHED 1"] and modseq, answer
    untagged, answer = client.run("EXPUNGE")
    assert untagged == [b"* VANISHED 2"] and int(re.match(rb"OK \[HIGHESTMODSEQ (\d+)\]", answer)[1]) > int(modseq[1])
    assert client.run("EXPUNGE")[1].startswith(b"OK Expunge")
    assert re.match(rb"OK \[HIGHESTMODSEQ \d+\]", client.run("MOVE 1 Archive")[1])  # RFC 6851 §4.4
    client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert b"HIGHESTMODSEQ" not in client.run("CLOSE")[1]  # RFC 7162 §3.2.8


def test_saved_results_by_options_and_failures(connect):
    client = connect()
    fill(client, 5)
    client.ok("SELECT INBOX")

    def saved():
        return client.ok("UID SEARCH RETURN (ALL) UID $")[0].decode().partition("ALL ")[2]

    for options, wanted in {"SAVE": "1:5", "SAVE ALL": "1:5", "SAVE MIN": "1", "SAVE MAX": "5", "SAVE MIN MAX": "1,5",
                            "SAVE MIN MAX COUNT": "1:5", "SAVE MIN ALL": "1:5"}.items():
        client.ok("SEARCH RETURN (%s) ALL" % options)
        assert saved() == wanted, options
    client.ok("SEARCH RETURN (ALL) 2")  # without SAVE
    assert saved() == "1:5"
    assert client.answer("SEARCH RETURN (SAVE) NONSENSE").startswith("BAD")
    assert saved() == "1:5"  # RFC 5182 §2.1: BAD leaves it, NO empties it
    assert client.answer("SEARCH RETURN (SAVE) CHARSET X-NONE SUBJECT x").startswith("NO [BADCHARSET")
    assert saved() == ""
    assert client.answer("FETCH $ UID").startswith("OK")
    client.ok("SEARCH RETURN (SAVE) 2:4")
    client.ok("STORE 3 +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    assert saved() == "2,4"
    client.ok("SELECT INBOX")
    assert saved() == ""


def test_quota_roots(suite, accounts, connect):
    accounts.account("limited@example.test", PASSWORD, quota=100 * 1024)
    client = connect("limited@example.test")
    fill(client, 1)
    got = client.ok("GETQUOTAROOT not/there")  # RFC 9208 §4.1.2: it need not exist
    assert got[0] == b'* QUOTAROOT not/there ""' and got[1].startswith(b'* QUOTA "" (STORAGE 1 100')
    assert client.ok('GETQUOTA ""') == got[1:]
    free = connect("alice@example.test")
    assert free.ok("GETQUOTAROOT INBOX") == [b"* QUOTAROOT INBOX"]
    assert free.answer('GETQUOTA ""').startswith("NO [NONEXISTENT]")


def test_quota_of_every_resource(suite, accounts, connect):
    number = accounts.account("limited@example.test", PASSWORD)
    boxes = int(suite.sql("SELECT count(*) FROM mail.mailbox WHERE account_id = %d" % number))
    suite.sql("SELECT mail.account_quota_v1(%d, %d, 2, %d)" % (number, 100 * 1024, boxes + 1))
    client = connect("limited@example.test")
    fill(client, 2)
    client.ok("CREATE last")
    assert client.ok('GETQUOTA ""') == [b'* QUOTA "" (STORAGE 1 100 MESSAGE 2 2 MAILBOX %d %d)' % (boxes + 1, boxes + 1)]
    assert client.append("INBOX", simple("too many")).startswith("NO [OVERQUOTA]")
    assert client.answer("CREATE too-many").startswith("NO [OVERQUOTA]")


def test_quota_of_somebody_elses_mailbox(suite, accounts, connect):
    owner = accounts.account("owner@example.test", PASSWORD, quota=100 * 1024)
    boxes = int(suite.sql("SELECT count(*) FROM mail.mailbox WHERE account_id = %d" % owner))
    suite.sql("SELECT mail.account_quota_v1(%d, %d, NULL, 500)" % (owner, 100 * 1024))
    client, bob = connect("owner@example.test"), connect()
    fill(client, 1)
    name = b'"Other Users/owner@example.test/%s"'
    root = b'"#user/owner@example.test"'
    client.ok("CREATE Box")

    def roots(box):
        untagged, answer = bob.run(b"GETQUOTAROOT " + name % box)
        return untagged if answer.startswith(b"OK") else answer.split()[1]

    # Nothing shared: no such place, no such root.
    assert roots(b"Box") == roots(b"Nowhere") == b"[NONEXISTENT]"
    assert bob.run(b"GETQUOTA " + root)[1] == bob.run(b'GETQUOTA "#user/nobody@example.test"')[1]
    # "l" tells the number of mailboxes alone (RFC 9208 section 6).
    client.ok("SETACL Box bob@example.test l")
    few = b"* QUOTA %s (MAILBOX %d 500)" % (root, boxes + 1)
    assert roots(b"Box") == [b"* QUOTAROOT %s %s" % (name % b"Box", root), few]
    assert roots(b"INBOX") == b"[NONEXISTENT]"
    assert bob.ok(b"GETQUOTA " + root) == [few]
    # "r" tells what counts.
    client.ok("SETACL Box bob@example.test lr")
    full = b"* QUOTA %s (STORAGE 1 100 MAILBOX %d 500)" % (root, boxes + 1)
    assert roots(b"Box") == [b"* QUOTAROOT %s %s" % (name % b"Box", root), full]
    assert roots(b"Box/not/there")[1:] == [full]
    assert bob.ok(b"GETQUOTA " + root) == [full]
    # "i" without "l": as if it were not there.
    client.ok("SETACL Box bob@example.test i")
    assert roots(b"Box") == roots(b"Nowhere") == b"[NONEXISTENT]"
    # One's own stays "".
    assert client.ok("GETQUOTAROOT Box")[0] == b'* QUOTAROOT Box ""'


def test_set_quota_is_not_for_everybody(connect):
    client = connect()
    assert b"QUOTASET" not in client.ok("CAPABILITY")[0]
    assert client.answer('SETQUOTA "" (STORAGE 512)').startswith("NO [NOPERM]")


def test_set_quota_by_those_who_may(suite, accounts):
    number = accounts.account("limited@example.test", PASSWORD)
    suite.reconfigure({"imapd": {"quota_admins": ["Bob@Example.test"]}})
    suite.start("imapd")
    context = suite.authority.client_context()
    bob, alice, limited = (Raw(suite.imapd.address("imaps"), context, login + "@example.test") for login in ("bob", "alice", "limited"))
    assert b" QUOTASET" in bob.ok("CAPABILITY")[0] and b"QUOTASET" not in alice.ok("CAPABILITY")[0]
    assert alice.answer('SETQUOTA "" (STORAGE 512)').startswith("NO [NOPERM]")
    boxes = int(suite.sql("SELECT count(*) FROM mail.mailbox WHERE account_id = %d" % number))
    set_to = bob.ok('SETQUOTA "#user/Limited@example.test" (STORAGE 512 MESSAGE 1)')
    assert set_to == [b'* QUOTA "#user/limited@example.test" (STORAGE 0 512 MESSAGE 0 1)']
    assert bob.ok('GETQUOTA "#user/limited@example.test"') == set_to
    assert limited.ok('GETQUOTA ""') == [b'* QUOTA "" (STORAGE 0 512 MESSAGE 0 1)']
    assert limited.append("INBOX", simple("one")).startswith("OK")
    assert limited.append("INBOX", simple("two")).startswith("NO [OVERQUOTA]")
    assert suite.sql("SELECT quota_bytes FROM directory.account WHERE id = %d" % number).strip() == str(512 * 1024)
    # What is not named is limited no more.
    assert bob.ok('SETQUOTA "#user/limited@example.test" (MAILBOX 500)') == [b'* QUOTA "#user/limited@example.test" (MAILBOX %d 500)' % boxes]
    assert bob.ok('SETQUOTA "#user/limited@example.test" ()') == []
    assert limited.answer('GETQUOTA ""').startswith("NO [NONEXISTENT]")
    assert bob.ok('SETQUOTA "" (STORAGE 100)') == [b'* QUOTA "" (STORAGE 0 100)']
    for wrong in ('"#user/nobody@example.test" (STORAGE 1)', '"else" (STORAGE 1)'):
        assert bob.answer("SETQUOTA " + wrong).startswith("NO [NONEXISTENT]"), wrong
    for wrong in ("(ANNOTATION-STORAGE 1)", "(STORAGE 9223372036854775807)", "(STORAGE 0)"):
        assert bob.answer('SETQUOTA "#user/limited@example.test" ' + wrong).startswith("NO [CANNOT]"), wrong
    assert bob.answer('SETQUOTA "" STORAGE 1').startswith("BAD")
    assert bob.ok('SETQUOTA "" (STORAGE 100)') == [b'* QUOTA "" (STORAGE 0 100)']  # changes nothing: no line
    lines = [line.split("|") for line in suite.sql("SELECT actor, remote, action, object, detail FROM admin.audit ORDER BY id").split("\n")]
    assert [line[:4] for line in lines] == [["account:bob@example.test", "127.0.0.1", "imapSetQuota", whose + "@example.test"]
                                            for whose in ("limited", "limited", "limited", "bob")]
    first, second = json.loads(lines[0][4]), json.loads(lines[1][4])
    assert first["was"]["quota_messages"] is None
    assert (first["quota_bytes"], first["quota_messages"], first["quota_mailboxes"]) == (512 * 1024, 1, None)
    assert second["was"] == {name: first[name] for name in ("quota_bytes", "quota_messages", "quota_mailboxes")}


def test_within(suite, connect):
    client = connect()
    fill(client, 2)
    assert client.append("INBOX", simple("old"), '"01-Jan-2020 12:00:00 +0000"').startswith("OK")
    client.ok("SELECT INBOX")
    assert client.ok("SEARCH YOUNGER 600") == [b"* SEARCH 1 2"]
    assert client.ok("SEARCH OLDER 600") == [b"* SEARCH 3"]
    assert client.answer("SEARCH OLDER 0").startswith("BAD")
    assert client.answer("SEARCH YOUNGER x").startswith("BAD")


def test_object_ids_follow_the_message(connect):
    client = connect()
    assert client.append("INBOX", MESSAGE).startswith("OK")
    client.ok("SELECT INBOX")
    first = client.ok("FETCH 1 (EMAILID THREADID)")[0]
    email, thread = re.search(rb"EMAILID \((M[\w-]+)\) THREADID \((T[\w-]+)\)", first).groups()
    client.ok("COPY 1 Archive")
    client.ok("SELECT Archive")
    assert client.ok("FETCH 1 (EMAILID THREADID)")[0] == first
    assert client.ok(b"SEARCH EMAILID " + email) == [b"* SEARCH 1"]
    assert client.ok(b"SEARCH THREADID " + thread) == [b"* SEARCH 1"]
    assert client.ok("SEARCH EMAILID Mnone") == [b"* SEARCH"]
    box = re.search(rb"MAILBOXID \((P[\w-]+)\)", client.ok("STATUS Archive (MAILBOXID)")[0])[1]
    client.ok("RENAME Archive Ablage")
    assert box in client.ok("STATUS Ablage (MAILBOXID)")[0]
    assert any(box in line for line in client.ok("SELECT Ablage"))


def test_header_fields_without_the_body(connect):
    """The header is read as a chunk of its own; odd ones by way of the whole message."""
    client = connect()
    odd = [MESSAGE, b"\r\nno header\r\n", b"Subject: only a header\r\n", b"Subject: lf\n\nbody\r\n\r\nmore\r\n",
           b"Subject: big\r\n" + b"X-Pad: %s\r\n" % (b"p" * 900) * 40 + b"\r\nbody\r\n", b"no colon here\r\nSubject: x\r\n\r\nbody\r\n"]
    for message in odd:
        assert client.append("INBOX", message).startswith("OK"), message[:40]
    client.ok("SELECT INBOX")
    for n, message in enumerate(odd, 1):
        cut = re.match(rb"(?s)(\r?\n|.*?\n\r?\n)", message)
        header = cut[0] if cut else message
        for item, name in (("BODY.PEEK[HEADER]", b"BODY[HEADER]"), ("RFC822.HEADER", b"RFC822.HEADER")):
            assert client.ok("FETCH %d %s" % (n, item)) == [b"* %d FETCH (%s {%d}\r\n%s)" % (n, name, len(header), header)]
        part = client.ok("FETCH %d BODY.PEEK[HEADER]<3.7>" % n)
        assert part == [b"* %d FETCH (BODY[HEADER]<3> {%d}\r\n%s)" % (n, len(header[3:10]), header[3:10])]
        both = client.ok("FETCH %d (BODY.PEEK[HEADER.FIELDS (Subject)] BODY.PEEK[TEXT])" % n)[0]
        alone = client.ok("FETCH %d BODY.PEEK[HEADER.FIELDS (Subject)]" % n)[0]
        assert both.startswith(alone[:-1])
    assert client.ok("FETCH 1:* BODY.PEEK[HEADER.FIELDS.NOT (Subject X-Pad)]")[1].endswith(b"{2}\r\n\r\n)")


# SCRAM-SHA-256-PLUS (RFC 5802 §6, RFC 5929 §4, RFC 9266)

class Tls:
    """TLS by pyOpenSSL, which exports keying material."""

    def __init__(self, address):
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        self.socket = socket.create_connection(address, 30)
        self.socket.setblocking(True)
        self.tls = SSL.Connection(context, self.socket)
        self.tls.set_connect_state()
        self.tls.do_handshake()
        self.buffer = b""
        self.line()

    def binding(self, kind):
        if kind == "tls-exporter":
            return self.tls.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
        return hashlib.sha256(crypto.dump_certificate(crypto.FILETYPE_ASN1, self.tls.get_peer_certificate())).digest()

    def line(self):
        while b"\r\n" not in self.buffer:
            self.buffer += self.tls.recv(65536)
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def send(self, text):
        self.tls.sendall(text.encode() + b"\r\n")


def scram_plus(client, kind, binding, flag=None, password=PASSWORD):
    gs2 = flag or "p=%s,," % kind
    bare = "n=%s,r=abcdefgh" % BOB
    client.send("s AUTHENTICATE SCRAM-SHA-256-PLUS " + base64.b64encode((gs2 + bare).encode()).decode())
    answer = client.line()
    if not answer.startswith(b"+"):
        return answer
    first = base64.b64decode(answer[2:]).decode()
    nonce, salt, iterations = re.match(r"r=([^,]+),s=([^,]+),i=(\d+)", first).groups()
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
    client_key = hmac.new(key, b"Client Key", "sha256").digest()
    final = "c=%s,r=%s" % (base64.b64encode(gs2.encode() + binding).decode(), nonce)
    signature = hmac.new(hashlib.sha256(client_key).digest(), ",".join([bare, first, final]).encode(), "sha256").digest()
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature))).decode()
    client.send(base64.b64encode((final + ",p=" + proof).encode()).decode())
    answer = client.line()
    if answer.startswith(b"+"):
        server = hmac.new(hmac.new(key, b"Server Key", "sha256").digest(), ",".join([bare, first, final]).encode(), "sha256").digest()
        assert base64.b64decode(answer[2:]) == b"v=" + base64.b64encode(server)
        client.send("")
        answer = client.line()
    while answer.startswith(b"* CAPABILITY "):
        answer = client.line()
    return answer


@pytest.mark.parametrize("kind", ["tls-exporter", "tls-server-end-point"])
def test_scram_plus_binds_to_this_connection(server, kind):
    address = server.imapd.address("imaps")
    client = Tls(address)
    assert scram_plus(client, kind, client.binding(kind)).startswith(b"s OK ")
    other = Tls(address)
    assert scram_plus(other, kind, b"\0" * 32).startswith(b"s NO")  # as a man in the middle would have it
    if kind == "tls-exporter":
        third = Tls(address)
        assert scram_plus(third, kind, client.binding(kind)).startswith(b"s NO")
    assert scram_plus(Tls(address), "tls-unique", b"\0" * 32).startswith((b"s NO", b"s BAD"))
    assert scram_plus(Tls(address), kind, b"", flag="n,,").startswith((b"s NO", b"s BAD"))


# dromos.sessions.v1, by way of admind

def test_sessions_are_listed_and_ended(suite, accounts, connect):
    suite.start("admind")
    base = [str(paths.BIN / "dromosctl"), "--config", str(suite.config_file)]
    token = json.loads(subprocess.run([*base, "admin", "create", "root", "--json"], check=True, stdout=subprocess.PIPE).stdout)["token"]
    rest = Http("http://%s:%d/api/v1" % suite.admind.address("http"), token=token)
    one, two, other = connect(select="INBOX"), connect(), connect("alice@example.test")

    def sessions(query=""):
        return {s["id"]: s for s in rest.json("GET", "/sessions" + query)["items"]}

    all_of_them = sessions()
    assert len(all_of_them) == 3 and all(s["tls"] and s["protocol"] == "imap" for s in all_of_them.values())
    mine = sessions("?account=bob@example.test")
    assert len(mine) == 2 and {s["address"] for s in mine.values()} == {BOB}
    selected = [id for id, s in mine.items() if s["state"].endswith("in INBOX")]
    assert len(selected) == 1
    assert rest.json("DELETE", "/sessions/" + selected[0])["ended"] == 1
    assert one.response().startswith(b"* BYE")
    assert rest.json("DELETE", "/sessions/" + selected[0])["ended"] == 0
    assert rest.json("DELETE", "/sessions?account=bob@example.test")["ended"] == 1
    assert two.response().startswith(b"* BYE")
    assert other.answer("NOOP").startswith("OK")
    assert len(sessions()) == 1
