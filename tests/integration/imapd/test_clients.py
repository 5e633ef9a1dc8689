"""Clients as people use them: python's imaplib, curl; SCRAM by hand."""
import base64
import hashlib
import hmac
import imaplib
import re
import shutil
import subprocess

import pytest

from dromostest import mbsync
from dromostest.one_imapd import BOB, PASSWORD
from imapd_client import MESSAGE, Raw


def test_imaplib(server):
    client = imaplib.IMAP4(*server.imapd.address("imap"), timeout=30)
    client.starttls(server.authority.client_context())
    client.login("bob@example.test", PASSWORD)
    assert client.append("INBOX", "", None, MESSAGE)[0] == "OK"
    assert client.select("INBOX") == ("OK", [b"1"])
    kind, data = client.uid("SEARCH", "UNSEEN")
    assert data == [b"1"]
    kind, data = client.uid("FETCH", "1", "(BODY.PEEK[] FLAGS)")
    assert data[0][1] == MESSAGE
    assert client.store("1", "+FLAGS", "\\Deleted")[0] == "OK"
    assert client.expunge() == ("OK", [b"1"])
    client.logout()


def test_imaplib_scram_is_not_there_but_cram_is_refused(server):
    client = imaplib.IMAP4_SSL(*server.imapd.address("imaps"), ssl_context=server.authority.client_context(), timeout=30)
    with pytest.raises(imaplib.IMAP4.error):
        client.login_cram_md5("bob@example.test", PASSWORD)
    client.shutdown()


def scram(connection, user, password, algorithm):
    """RFC 5802 §3 without channel binding; the tagged answer."""
    name = {"sha256": "SCRAM-SHA-256", "sha1": "SCRAM-SHA-1"}[algorithm]
    bare = "n=%s,r=abcdefgh" % user
    connection.send("s AUTHENTICATE %s %s\r\n" % (name, base64.b64encode(("n,," + bare).encode()).decode()))
    first = base64.b64decode(connection.response()[2:]).decode()
    nonce, salt, iterations = re.match(r"r=([^,]+),s=([^,]+),i=(\d+)", first).groups()
    salted = hashlib.pbkdf2_hmac(algorithm, password.encode(), base64.b64decode(salt), int(iterations))
    key = hmac.new(salted, b"Client Key", algorithm).digest()
    stored = hashlib.new(algorithm, key).digest()
    final = "c=biws,r=" + nonce
    signature = hmac.new(stored, ",".join([bare, first, final]).encode(), algorithm).digest()
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
    connection.send(base64.b64encode((final + ",p=" + proof).encode()) + b"\r\n")
    answer = connection.response()
    if answer.startswith(b"+"):
        server = hmac.new(salted, b"Server Key", algorithm).digest()
        wanted = hmac.new(server, ",".join([bare, first, final]).encode(), algorithm).digest()
        assert base64.b64decode(answer[2:]) == b"v=" + base64.b64encode(wanted)
        connection.send("\r\n")
        answer = connection.response()
    while answer.startswith(b"* CAPABILITY "):
        answer = connection.response()
    return answer


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_scram(server, algorithm):
    # In the clear, where PLAIN is refused: the client sends no -PLUS and the server offers none without TLS.
    good = Raw(server.imapd.address("imap"))
    assert scram(good, "bob@example.test", PASSWORD, algorithm).startswith(b"s OK ")
    assert not any(b"URLMECH" in line for line in good.ok("SELECT INBOX"))  # RFC 4467 section 10
    assert b"URLMECH" not in good.run("RESETKEY INBOX")[1]
    bad = Raw(server.imapd.address("imap"))
    assert scram(bad, "bob@example.test", "wrong", algorithm).startswith(b"s NO [AUTHENTICATIONFAILED]")
    unknown = Raw(server.imapd.address("imap"))
    assert scram(unknown, "nobody@example.test", "wrong", algorithm).startswith(b"s NO [AUTHENTICATIONFAILED]")
    for client in (good, bad, unknown):
        client.close()


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl(server, tmp_path):
    host, port = server.imapd.address("imaps")
    base = ["curl", "--silent", "--show-error", "--max-time", "30", "--cacert", str(server.authority.ca.certificate),
            "--resolve", "localhost:%d:127.0.0.1" % port, "--user", "bob@example.test:" + PASSWORD]
    url = "imaps://localhost:%d/" % port
    letter = tmp_path / "letter"
    letter.write_bytes(MESSAGE)
    subprocess.run([*base, "--login-options", "AUTH=PLAIN", "-T", str(letter), url + "INBOX"], check=True)
    read = subprocess.run([*base, url + "INBOX;MAILINDEX=1"], check=True, stdout=subprocess.PIPE).stdout
    assert read == MESSAGE
    listed = subprocess.run([*base, url], check=True, stdout=subprocess.PIPE).stdout
    assert b"INBOX" in listed


@pytest.mark.skipif(not shutil.which("mbsync"), reason="mbsync (isync) is not installed")
def test_mbsync_both_ways(server, tmp_path, connect):
    maildir = tmp_path / "mail"
    maildir.mkdir()
    settings = tmp_path / "mbsyncrc"
    settings.write_text(mbsync.settings(("localhost", server.imapd.address("imaps")[1]), BOB, PASSWORD, server.authority.ca.certificate,
                                        maildir, more="AuthMechs LOGIN\n"))

    def sync():
        done = subprocess.run(["mbsync", "-c", str(settings), "all"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0 and not mbsync.complaint(done.stdout), done.stdout

    client = connect()
    for n in range(3):
        assert client.append("INBOX", MESSAGE).startswith("OK")
    sync()
    near = sorted((maildir / "INBOX").glob("*/*,U=*"))
    assert len(near) == 3
    near[0].unlink()                                     # deleted here, so there, too
    (maildir / "Archive" / "new" / "1.x.y").write_bytes(MESSAGE.replace(b"\r\n", b"\n"))
    sync()
    assert client.ok("STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 2)"]
    assert client.ok("STATUS Archive (MESSAGES)") == [b"* STATUS Archive (MESSAGES 1)"]
    client.ok("SELECT INBOX")
    client.ok("STORE 1 +FLAGS (\\Flagged)")
    sync()
    assert len(list((maildir / "INBOX").glob("*/*:2,*F*"))) == 1


@pytest.mark.skipif(not shutil.which("mutt"), reason="mutt is not installed")
def test_mutt_saves_deletes_and_leaves(server, tmp_path, connect):
    client = connect()
    for _ in range(2):
        assert client.append("INBOX", MESSAGE).startswith("OK")
    port = server.imapd.address("imaps")[1]
    settings = tmp_path / "muttrc"
    settings.write_text("""set imap_user=bob@example.test imap_pass=%s ssl_starttls=no ssl_verify_host=no
set certificate_file=%s folder=imaps://localhost:%d/ spoolfile=imaps://localhost:%d/INBOX
unset header_cache
set quit=yes delete=yes confirmappend=no move=no sort=mailbox-order
push "<first-entry><save-message>=Archive<enter><last-entry><flag-message><quit>"
""" % (PASSWORD, server.authority.ca.certificate, port, port))
    done = subprocess.run(["script", "-qec", "mutt -n -F %s" % settings, "/dev/null"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, env={"TERM": "vt100", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})
    assert client.ok("STATUS Archive (MESSAGES)") == [b"* STATUS Archive (MESSAGES 1)"], done.stdout[-2000:]
    client.ok("SELECT INBOX")
    assert b"\\Flagged" in client.ok("FETCH 1 FLAGS")[0]
