"""Clients as people use them: python's imaplib, curl."""
import imaplib
import shutil
import subprocess

import pytest

from imapd_client import MESSAGE, PASSWORD


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


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl(server, tmp_path):
    host, port = server.imapd.address("imaps")
    base = ["curl", "--silent", "--show-error", "--max-time", "30", "--cacert", str(server.authority.ca.certificate),
            "--resolve", "localhost:%d:127.0.0.1" % port, "--user", "bob@example.test:" + PASSWORD]
    url = "imaps://localhost:%d/" % port
    letter = tmp_path / "letter"
    letter.write_bytes(MESSAGE)
    for mechanism in ("PLAIN", "SCRAM-SHA-256"):
        subprocess.run([*base, "--login-options", "AUTH=" + mechanism, "-T", str(letter), url + "INBOX"], check=True)
    read = subprocess.run([*base, url + "INBOX;MAILINDEX=1"], check=True, stdout=subprocess.PIPE).stdout
    assert read == MESSAGE
    listed = subprocess.run([*base, url], check=True, stdout=subprocess.PIPE).stdout
    assert b"INBOX" in listed
