"""Bytes of messages in a folder (store.blobs): in by SMTP, out by IMAP and JMAP, there after kill -9."""
import stat
import subprocess

import pytest

from dromostest import paths
from dromostest.clients import Imap, Jmap, Smtp
from dromostest.daemons import Suite, merge
from dromostest.smtp_sink import wait_for

SMALL = "Subject: small\r\n\r\nsmall body\r\n"
LARGE = "Subject: large\r\n\r\n" + "".join("%07d %s\r\n" % (n, "x" * 60) for n in range(20_000))


@pytest.fixture
def folder(tmp_path):
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    return blobs


@pytest.fixture
def suite(cluster, database, folder):
    changes = {"store": {"blobs": {"kind": "folder", "path": str(folder)}}, "imapd": {"plaintext_login": True}}
    with Suite(cluster, database, merge(changes, {})) as started:
        yield started


def files(folder):
    return sorted(path for path in folder.glob("*/*") if path.is_file())


def by_imap(suite):
    imap = Imap(suite.imapd.address("imap"), "bob@example.test", "bob secret")
    imap.ok("select", "INBOX", True)
    found = [data[1] for data in imap.ok("fetch", "1:*", "(BODY.PEEK[])") if isinstance(data, tuple)]
    imap.logout()
    return found


def by_jmap(suite):
    jmap = Jmap("http://%s:%d" % suite.jmapd.address("http"), "bob@example.test", "bob secret")
    ids = jmap.call("Email/query", sort=[{"property": "receivedAt", "isAscending": True}])["ids"]
    out = []
    for email in jmap.call("Email/get", ids=ids, properties=["blobId"])["list"]:
        url = jmap.resource["downloadUrl"].replace("{accountId}", jmap.account).replace("{blobId}", email["blobId"])
        status, _, data = jmap.request("GET", url.replace("{name}", "m.eml").replace("{type}", "message/rfc822"))
        assert status == 200
        out.append(data)
    return out


def test_mail_goes_in_by_smtp_and_out_by_imap_and_jmap_and_survives_kill(suite, accounts, folder):
    suite.start("mta", "imapd", "jmapd")
    for text in (SMALL, LARGE):
        smtp = Smtp(suite.mta.address("mx"))
        assert smtp.message("a@b.test", ["bob@example.test"], text)[0] == 250
        suite.mta.kill()
        smtp.close()
        suite.start("mta")
    assert len(files(folder)) == 2
    assert suite.sql("SELECT count(*) FROM mail.blob WHERE location IS NULL") == "0"
    assert suite.sql("SELECT count(*) FROM mail.blob_chunk") == "0"
    for path in files(folder):  # the other daemons are other users of the same group, the world is not
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o2770
    through_imap, through_jmap = by_imap(suite), by_jmap(suite)
    assert through_imap == through_jmap
    assert [raw.endswith(text.encode()) for raw, text in zip(through_imap, (SMALL, LARGE))] == [True, True]


def test_what_imap_and_jmap_store_goes_to_the_folder_too(suite, accounts, folder):
    suite.start("imapd", "jmapd")
    imap = Imap(suite.imapd.address("imap"), "bob@example.test", "bob secret")
    imap.ok("append", "INBOX", None, None, SMALL.encode())
    imap.logout()
    assert len(files(folder)) == 1
    assert by_jmap(suite) == by_imap(suite) == [SMALL.encode()]


def test_files_of_mail_that_is_gone_are_unlinked_a_day_later(suite, accounts, folder):
    (folder / "ab").mkdir()
    for name in ("old", "new"):
        (folder / "ab" / name).write_bytes(b"x")
    suite.sql("INSERT INTO mail.blob_tombstone (location, at) VALUES ('ab/old', now() - interval '25 hours'), ('ab/new', now())")
    suite.start("imapd")
    wait_for(lambda: not (folder / "ab" / "old").exists(), 20)
    assert (folder / "ab" / "new").exists()
    wait_for(lambda: suite.sql("SELECT string_agg(location, ' ') FROM mail.blob_tombstone") == "ab/new", 20)


def test_a_folder_that_is_not_there_is_told_at_the_start(suite, accounts, folder):
    folder.rmdir()
    process = subprocess.run([str(paths.BIN / "dromos-mta"), "--config", str(suite.config_file)], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    assert process.returncode != 0
    assert str(folder) in process.stdout and "store.blobs.path" in process.stdout


def test_a_folder_that_fails_is_451_and_nothing_is_stored(suite, accounts, folder):
    suite.start("mta")
    # Root writes anywhere: a file where the folders would be made fails for everybody.
    folder.rmdir()
    folder.write_text("")
    smtp = Smtp(suite.mta.address("mx"))
    assert smtp.message("a@b.test", ["bob@example.test"], SMALL)[0] == 451
    assert accounts.mailbox("bob@example.test") == []
    folder.unlink()
    folder.mkdir(mode=0o700)
    assert smtp.message("a@b.test", ["bob@example.test"], SMALL, hello="RSET")[0] == 250
    assert len(accounts.mailbox("bob@example.test")) == 1
