"""POP3 as the standards say it, over the socket."""
import base64
import hashlib
import hmac
import re
import socket
import struct

import pytest

from pop3_client import BOB, LETTER, PASSWORD, simple


def b64(data):
    return base64.b64encode(data).decode()


def test_a_session_from_login_to_update(pop, deliver):
    deliver(LETTER, simple("two"), simple("three"))
    client = pop(login=None)
    assert client.greeting.startswith(b"+OK") and b"<" not in client.greeting  # no APOP
    client.ok("user " + BOB)
    assert client.ok("pass " + PASSWORD) == "3 messages"
    assert client.ok("STAT") == "3 %d" % (len(LETTER) + len(simple("two")) + len(simple("three")))
    assert client.many("LIST") == [b"1 %d" % len(LETTER), b"2 %d" % len(simple("two")), b"3 %d" % len(simple("three"))]
    assert client.ok("LIST 2") == "2 %d" % len(simple("two"))
    assert client.message("RETR 1") == LETTER
    assert client.message("TOP 1 0") == LETTER[:LETTER.index(b"\r\n\r\n") + 4]
    assert client.message("TOP 1 2") == LETTER[:LETTER.index(b".dot")]
    assert client.message("TOP 1 99999999999") == LETTER
    client.ok("DELE 1")
    assert client.ok("STAT").split()[0] == "2"
    assert [line.split()[0] for line in client.many("LIST")] == [b"2", b"3"]
    for command in ("RETR 1", "DELE 1", "LIST 1", "UIDL 1", "TOP 1 1", "RETR 4", "DELE 99999999999"):
        client.err(command)
    client.ok("RSET")
    assert client.ok("STAT").split()[0] == "3"
    client.ok("DELE 2")
    client.ok("NOOP")
    client.ok("QUIT")
    assert client.ended()
    client = pop()
    assert client.message("RETR 1") == LETTER and client.message("RETR 2") == simple("three")


def test_only_quit_deletes(pop, deliver, imap):
    deliver(simple("one"), simple("two"))
    client = pop()
    client.ok("DELE 1")
    client.close()
    client = pop()
    client.ok("DELE 1")
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()  # by RST
    assert pop().ok("STAT").split()[0] == "2"
    watching = imap()
    assert watching.search(None, "ALL")[1] == [b"1 2"]


def test_deletion_at_quit_is_one_change_that_imap_hears(pop, deliver, imap, server, accounts):
    deliver(*[simple("n%d" % n) for n in range(5)])
    watching = imap()
    client = pop()
    client.message("RETR 1")
    for number in (2, 4, 5):
        client.ok("DELE %d" % number)
    account = accounts.id(BOB)
    modseqs = "SELECT count(DISTINCT modseq) FROM mail.changelog WHERE account_id = %d AND kind = 3" % account
    assert server.sql(modseqs) == "0"
    client.ok("QUIT")
    assert server.sql(modseqs) == "1"
    assert watching.noop()[0] == "OK" and len(watching.response("EXPUNGE")[1]) == 3
    watching.noop()
    flags = [line.replace(b" \\Recent", b"").replace(b"\\Recent", b"") for line in watching.fetch("1:*", "(UID FLAGS)")[1]]
    assert set(flags) == {b"1 (UID 1 FLAGS (\\Seen))", b"2 (UID 3 FLAGS ())"}


def test_the_maildrop_is_what_it_was_at_login(pop, deliver, imap):
    deliver(simple("one"), simple("two"), simple("three"))
    client = pop()
    other = imap()
    other.store("1", "+FLAGS", "\\Deleted")
    other.expunge()
    deliver(simple("four"))
    assert client.ok("STAT").split()[0] == "3"
    assert "deleted" in client.err("RETR 1")
    assert client.message("RETR 2") == simple("two")
    client.ok("DELE 1")
    client.ok("DELE 3")
    client.ok("QUIT")
    client = pop()
    assert [client.message("RETR %d" % n) for n in (1, 2)] == [simple("two"), simple("four")]


def test_two_sessions_share_the_maildrop(pop, deliver):
    deliver(simple("one"), simple("two"))
    first, second = pop(), pop()
    first.ok("DELE 1")
    second.ok("DELE 1")
    second.ok("DELE 2")
    first.ok("QUIT")
    second.ok("QUIT")
    assert pop().ok("STAT") == "0 0"


def test_unique_ids_are_stable(pop, deliver, server):
    deliver(*[simple("n%d" % n) for n in range(4)])
    client = pop()
    first = dict(line.split() for line in client.many("UIDL"))
    assert len(set(first.values())) == 4 and all(re.fullmatch(rb"[\x21-\x7e]{1,70}", uid) for uid in first.values())
    assert client.ok("UIDL 3").encode() == b"3 " + first[b"3"]
    client.ok("DELE 2")
    client.ok("QUIT")
    server.imapd.stop()
    server.start("imapd")
    deliver(simple("later"))
    second = dict(line.split() for line in pop().many("UIDL"))
    assert [second[n] for n in (b"1", b"2", b"3")] == [first[n] for n in (b"1", b"3", b"4")]
    assert second[b"4"] not in first.values()


def test_capabilities(pop, server):
    clear = pop(login=None, tls=False).capabilities()
    assert "STLS" in clear and "USER" not in clear and "PLAIN" not in clear["SASL"] and "SCRAM-SHA-256" in clear["SASL"]
    client = pop(login=None)
    secure = client.capabilities()
    for tag in ("TOP", "USER", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "UIDL", "IMPLEMENTATION", "LANG"):
        assert tag in secure, tag
    assert secure["EXPIRE"] == ["NEVER"] and secure["UTF8"] == ["USER"] and "STLS" not in secure
    assert {"PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"} <= set(secure["SASL"])
    client.ok("USER " + BOB)
    client.ok("PASS " + PASSWORD)
    # RFC 2449 §5: what is announced before login is announced after it.
    assert set(secure) <= set(client.capabilities())


def test_states(pop):
    client = pop(login=None)
    for command in ("STAT", "LIST", "RETR 1", "DELE 1", "NOOP", "RSET", "TOP 1 1", "UIDL"):
        assert client.err(command) == "Log in first"
    client = pop(login=None)
    assert client.err("PASS x") and client.err("APOP bob c4c9334bac560ecc979e58001b3e22fb")
    client.ok("USER " + BOB)
    client.ok("PASS " + PASSWORD)
    for command in ("USER x", "PASS x", "AUTH PLAIN", "STLS", "UTF8"):
        assert client.err(command) == "Already logged in"
    client = pop()
    for command in ("RETR", "RETR x", "RETR 0", "RETR -1", "TOP 1", "DELE 1 2", "STAT now", "XYZZY", ""):
        client.err(command)
    client.ok("QUIT")
    early = pop(login=None)
    early.ok("QUIT")
    assert early.ended()


def test_sasl_plain_and_login(pop):
    plain = b64(b"\0%s\0%s" % (BOB.encode(), PASSWORD.encode()))
    assert pop(login=None).ok("AUTH PLAIN " + plain).startswith("0 ")
    client = pop(login=None)
    assert client.run("auth plain") == "+ "
    assert client.ok(plain).startswith("0 ")
    client = pop(login=None)
    assert client.run("AUTH LOGIN").startswith("+ ")
    assert client.run(b64(BOB.encode())).startswith("+ ")
    client.ok(b64(PASSWORD.encode()))
    client = pop(login=None)
    assert client.run("AUTH PLAIN") == "+ "
    client.err("*")
    assert client.err("AUTH PLAIN not!base64") and client.err("AUTH") and client.err("AUTH CRAM-MD5")
    assert client.err("AUTH PLAIN " + b64(b"\0bob@example.test\0wrong")).startswith("[AUTH] ")
    assert client.err("AUTH PLAIN " + b64(b"alice@example.test\0bob@example.test\0secret")).startswith("[AUTH] ")
    client.ok("AUTH PLAIN " + plain)


def scram(client, algorithm, binding=None, password=PASSWORD):
    """RFC 5802 §3; the last answer. `binding` is (type, data) for -PLUS."""
    name = {"sha256": "SCRAM-SHA-256", "sha1": "SCRAM-SHA-1"}[algorithm] + ("-PLUS" if binding else "")
    header = "p=%s,," % binding[0] if binding else "n,,"
    bare = "n=%s,r=abcdefgh" % BOB
    first = base64.b64decode(client.run("AUTH %s %s" % (name, b64((header + bare).encode())))[2:]).decode()
    nonce, salt, iterations = re.match(r"r=([^,]+),s=([^,]+),i=(\d+)", first).groups()
    salted = hashlib.pbkdf2_hmac(algorithm, password.encode(), base64.b64decode(salt), int(iterations))
    key = hmac.new(salted, b"Client Key", algorithm).digest()
    final = "c=%s,r=%s" % (b64(header.encode() + (binding[1] if binding else b"")), nonce)
    signature = hmac.new(hashlib.new(algorithm, key).digest(), ",".join([bare, first, final]).encode(), algorithm).digest()
    answer = client.run(b64((final + ",p=" + b64(bytes(a ^ b for a, b in zip(key, signature)))).encode()))
    if not answer.startswith("+ "):
        return answer
    wanted = hmac.new(hmac.new(salted, b"Server Key", algorithm).digest(), ",".join([bare, first, final]).encode(), algorithm)
    assert base64.b64decode(answer[2:]) == b"v=" + base64.b64encode(wanted.digest())
    return client.run("")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_scram(pop, algorithm):
    assert scram(pop(login=None, tls=False), algorithm).startswith("+OK 0 ")  # no password crosses the wire
    assert scram(pop(login=None, tls=False), algorithm, password="wrong").startswith("-ERR [AUTH] ")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_scram_plus_by_the_certificate(pop, server, algorithm):
    client = pop(login=None)
    digest = hashlib.sha256(client.socket.getpeercert(binary_form=True)).digest()
    assert scram(client, algorithm, ("tls-server-end-point", digest)).startswith("+OK 0 ")
    assert scram(pop(login=None), algorithm, ("tls-server-end-point", b"x" * 32)).startswith("-ERR [AUTH] ")


def test_pipelining(pop, deliver):
    deliver(simple("one"), simple("two"))
    client = pop(login=None)
    client.send("USER %s\r\nPASS %s\r\nSTAT\r\nRETR 1\r\nDELE 1\r\nUIDL\r\nQUIT\r\nNOOP\r\n" % (BOB, PASSWORD))
    for start in (b"+OK", b"+OK 2 ", b"+OK 2 ", b"+OK"):
        assert client.line().startswith(start)
    assert b"".join(line + b"\r\n" for line in client.rest()) == simple("one")
    assert client.line().startswith(b"+OK") and client.line().startswith(b"+OK")
    assert len(client.rest()) == 1
    assert client.line() == b"+OK Bye" and client.ended()


def test_commands_byte_by_byte(pop):
    client = pop(login=None)
    for octet in ("USER %s\r\nPASS %s\r\n" % (BOB, PASSWORD)).encode():
        client.send(bytes([octet]))
    assert client.line().startswith(b"+OK") and client.line() == b"+OK 0 messages"


def test_stls(pop, server):
    client = pop(login=None, tls=False)
    assert "STLS" in client.err("USER " + BOB) and "STLS" in client.err("AUTH PLAIN")
    client.ok("STLS")
    client.secure(server.authority.client_context())
    assert "STLS" not in client.capabilities()
    assert "TLS" in client.err("STLS")
    client.ok("USER " + BOB)
    client.ok("PASS " + PASSWORD)


@pytest.mark.config({"imapd": {"plaintext_login": True}})
def test_plaintext_where_the_configuration_says_so(pop):
    client = pop(login=None, tls=False)
    assert "USER" in client.capabilities() and "PLAIN" in client.capabilities()["SASL"]
    client.ok("USER " + BOB)
    client.ok("PASS " + PASSWORD)


def test_language(pop):
    client = pop(login=None)
    assert client.many("LANG") == [b"en English"]
    for known in ("en", "EN", "en-GB", "*"):
        assert client.ok("LANG " + known).startswith("en ")
    client.err("LANG tlh")
    client.err("LANG english")


def test_utf8_names_and_mode(pop, accounts):
    accounts.account("jürgen@example.test", "пароль")
    client = pop(login=None)
    client.ok("UTF8")
    client.ok("USER jürgen@example.test")
    client.ok("PASS пароль")
    assert "STLS" in pop(login=None, tls=False).capabilities()
    clear = pop(login=None, tls=False)
    clear.ok("UTF8")
    clear.err("STLS")  # RFC 6856 §2.1
    client = pop(login=None)
    client.err(b"USER j\xfcrgen@example.test")


def test_app_passwords_have_scopes(server, pop):
    for scope, secret in (("imap", "a" * 16), ("pop3", "b" * 16)):
        server.sql("SELECT directory.app_password_create_v1('%s', '\\x%s', '%s', '%s', NULL)"
                   % (BOB, hashlib.sha256(secret.encode()).hexdigest(), scope, scope))
    client = pop(login=None)
    text = {key: base64.b32encode(key.encode() * 16).decode().rstrip("=").lower() for key in "ab"}
    client.ok("USER " + BOB)
    assert client.err("PASS " + text["a"]).startswith("[AUTH]")
    client.ok("USER " + BOB)
    client.ok("PASS " + text["b"])


def test_large_message_comes_whole_and_its_top_alone(pop, deliver):
    body = "".join(".line %d of a large message\r\n" % n for n in range(120000))
    big = simple("big", body)
    deliver(big)
    client = pop()
    assert client.ok("LIST 1") == "1 %d" % len(big)
    assert client.message("RETR 1") == big
    assert client.message("TOP 1 3").endswith(b".line 2 of a large message\r\n")
    assert client.message("TOP 1 119999") == big[:big.rindex(b".line")]


def test_lines_end_in_crlf_whatever_is_stored(pop, deliver):
    deliver(b"Subject: lone\n\n.one\ntwo\n\r\n.\nno end", simple("next"))
    client = pop()
    assert client.message("RETR 1") == b"Subject: lone\r\n\r\n.one\r\ntwo\r\n\r\n.\r\nno end\r\n"
    assert client.message("TOP 1 1") == b"Subject: lone\r\n\r\n.one\r\n"
    assert client.message("RETR 2") == simple("next")


def test_ten_thousand_messages(pop, deliver, imap):
    deliver(simple("seed"))
    box = imap()
    count = 1
    while count < 10000:
        more = min(count, 10000 - count)
        assert box.copy("1:%d" % more, "INBOX")[0] == "OK"
        count += more
        box.noop()
    client = pop()
    assert client.ok("STAT") == "10000 %d" % (10000 * len(simple("seed")))
    assert len(client.many("LIST")) == 10000 and len(set(client.many("UIDL"))) == 10000
    client.send("".join("DELE %d\r\n" % n for n in range(1, 10001)) + "QUIT\r\n")
    for _ in range(10001):
        assert client.line().startswith(b"+OK")
    assert pop().ok("STAT") == "0 0"


def test_messages_in_utf8_as_they_are_or_as_surrogates(pop, deliver):
    letter = simple("Grüße", "Grüße\r\n").replace(b"a@example.org", "jürgen@example.org".encode())
    deliver(letter)
    client = pop(login=None)
    client.ok("UTF8")
    client.ok("USER " + BOB)
    client.ok("PASS " + PASSWORD)
    assert client.message("RETR 1") == letter
    legacy = pop()
    octets = int(legacy.ok("RETR 1").split()[0])
    shown = b"".join(line + b"\r\n" for line in legacy.rest())
    assert len(shown) == octets
    header, _, body = shown.partition(b"\r\n\r\n")
    assert header.isascii() and b"\nSubject: =?" in header and body == "Grüße\r\n".encode()
    assert b"<invalid@internationalized-address.invalid>" in header


UTF8 = simple("Grüße", "Grüße\r\n").replace(b"a@example.org", "jürgen@example.org".encode())
ODD = [b"Subject: lone\n\n.one\ntwo\n\r\n.\nno end",           # line feeds alone, no last line break
       simple("cut")[:-1], simple("crs", "a\r\r\nb\rc\r\n"), simple("dots", ".\r\n..\r\n"), b"\r\n", b"x",
       UTF8, UTF8.replace(b"\r\n", b"\n"), simple("latin").replace(b"latin", b"lat\xfcn"),
       UTF8 + b"x\r\n" * 200000, simple("large", "x\n" * 300000),
       # the end of the header is too far away for a surrogate
       UTF8.replace(b"Subject", b"X-Long: " + b"y\r\n " * 90000 + b"\r\nSubject")]
GROWTH = 7  # of the first one


def sizes_told(client, count):
    """What LIST says, which LIST of each, STAT and RETR must agree with."""
    listed = [int(line.split()[1]) for line in client.many("LIST")]
    assert len(listed) == count and client.ok("STAT") == "%d %d" % (count, sum(listed))
    for number, octets in enumerate(listed, 1):
        assert client.ok("LIST %d" % number) == "%d %d" % (number, octets)
        assert client.ok("RETR %d" % number) == "%d octets" % octets
        assert sum(len(line) + 2 for line in client.rest()) == octets, number
    return listed


@pytest.mark.parametrize("known", [True, False], ids=["facts", "facts-of-old"])
def test_sizes_are_those_of_what_is_sent(pop, deliver, server, known):
    deliver(*ODD, simple("plain"))
    if not known:  # the flag that all lines end in CRLF came later
        server.sql("UPDATE mail.message SET facts = set_byte(facts, 2, get_byte(facts, 2) & 239)")
    shown = sizes_told(pop(), len(ODD) + 1)
    client = pop(login=None)
    client.ok("UTF8")
    client.ok("USER " + BOB)
    client.ok("PASS " + PASSWORD)
    as_is = sizes_told(client, len(ODD) + 1)
    assert as_is[6] == len(UTF8) and shown[6] != as_is[6] and shown[8] == as_is[8] == len(ODD[8])
    assert shown[0] == as_is[0] == len(ODD[0]) + GROWTH
    assert shown[-1] == as_is[-1] == len(simple("plain"))


def test_sizes_follow_marks_and_new_mail(pop, deliver, imap):
    deliver(ODD[0], simple("two"))
    first = len(ODD[0]) + GROWTH
    client = pop()
    assert client.ok("STAT") == "2 %d" % (first + len(simple("two")))
    client.ok("DELE 1")
    assert client.ok("STAT") == "1 %d" % len(simple("two"))
    client.ok("RSET")
    assert client.ok("STAT") == "2 %d" % (first + len(simple("two")))
    deliver(simple("three"), ODD[0])
    assert client.ok("STAT").split()[0] == "2"  # as it was at login
    box = imap()
    box.store("1", "+FLAGS.SILENT", "\\Deleted")
    box.expunge()
    assert client.ok("LIST 1") == "1 %d" % first
    client.err("RETR 1")
    assert sizes_told(pop(), 3) == [len(simple("two")), len(simple("three")), first]


def test_a_damaged_message_costs_the_others_nothing(pop, deliver, server):
    deliver(ODD[0], ODD[0] + b"damaged", ODD[4])
    server.sql("UPDATE mail.blob SET body = '\\x00ff' WHERE size = %d" % len(ODD[0] + b"damaged"))
    client = pop()
    assert [int(line.split()[1]) for line in client.many("LIST")] == [len(ODD[0]) + GROWTH, len(ODD[0] + b"damaged"), len(ODD[4])]
    assert client.err("RETR 2").startswith("[SYS/PERM]")
    assert len(client.message("RETR 1")) == len(ODD[0]) + GROWTH


def test_sizes_of_many_messages(pop, deliver, imap):
    deliver(ODD[0], simple("plain"))
    box = imap()
    count = 2
    while count < 4096:
        assert box.copy("1:%d" % count, "INBOX")[0] == "OK"
        count *= 2
        box.noop()
    pair = [len(ODD[0]) + GROWTH, len(simple("plain"))]
    client = pop()
    assert [int(line.split()[1]) for line in client.many("LIST")] == pair * 2048
    assert client.ok("STAT") == "4096 %d" % (2048 * sum(pair))
    assert client.ok("LIST 3001") == "3001 %d" % pair[0] and client.ok("LIST 3002") == "3002 %d" % pair[1]
