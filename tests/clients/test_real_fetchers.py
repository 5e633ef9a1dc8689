"""Programs that copy mailboxes: mbsync, offlineimap, fetchmail, getmail."""
from dromostest import mbsync


def maildir_files(folder):
    return sorted(path for part in ("new", "cur") for path in (folder / part).glob("*") if path.is_file())


def test_mbsync_both_ways(person):
    person.receive("One", "Two", "Three")
    maildir = person.home / "mail"
    maildir.mkdir()
    settings = person.write("mbsyncrc", mbsync.settings(person.imap, person.address, person.password, person.ca, maildir, tls="STARTTLS"))

    def sync():
        out = person.run("mbsync", "-c", settings, "all")
        assert not mbsync.complaint(out), out

    sync()
    near = maildir_files(maildir / "INBOX")
    assert len(near) == 3
    near[0].unlink()                                                    # deleted here
    near[1].rename(maildir / "INBOX/cur" / (near[1].name.split(":")[0] + ":2,FS"))
    (maildir / "Projekte/new").mkdir(parents=True)
    for part in ("cur", "tmp"):
        (maildir / "Projekte" / part).mkdir()
    (maildir / "Projekte/new/1.x.y").write_bytes(b"Subject: Mine\n\nmine\n")
    person.receive("Four")
    sync()
    assert person.count() == 3 and len(maildir_files(maildir / "INBOX")) == 3
    assert person.subjects("Projekte") == ["Mine"]
    with person.look() as client:
        client.select("INBOX")
        assert client.search(None, "FLAGGED SEEN")[1][0].split() != []
        client.store("1:*", "+FLAGS", "\\Deleted")
        client.expunge()
    sync()
    assert maildir_files(maildir / "INBOX") == []


def test_offlineimap_both_ways(person):
    person.receive("One", "Two")
    maildir = person.home / "mail"
    settings = person.write("offlineimaprc", """[general]
accounts = x
metadata = %s/meta
ui = basic
[Account x]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = %s
[Repository far]
type = IMAP
remotehost = %s
remoteport = %d
remoteuser = %s
remotepass = %s
ssl = yes
sslcacertfile = %s
""" % (person.home, maildir, *person.imaps, person.address, person.password, person.ca))

    def sync():
        out = person.run("offlineimap", "-o", "-c", settings)
        assert "ERROR" not in out, out

    sync()
    files = maildir_files(maildir / "INBOX")
    assert len(files) == 2
    files[0].unlink()
    (maildir / "Drafts/cur/7.x.y:2,DS").write_bytes(b"Subject: Draft\n\nnot yet\n")
    person.receive("Three")
    sync()
    assert person.count() == 2 and len(maildir_files(maildir / "INBOX")) == 2
    assert {"\\Draft", "\\Seen"} <= person.flags("Draft", "Drafts")


def test_fetchmail_empties_the_inbox(person):
    person.receive("One", "Two")
    mail = person.home / "taken"
    settings = person.write("fetchmailrc", """poll %s protocol IMAP service %d
  user "%s" password "%s"
  ssl sslcertck sslcertfile "%s"
  no keep
  mda "cat >> %s"
""" % (*person.imaps, person.address, person.password, person.ca, mail))
    person.run("fetchmail", "-f", settings, "--nosyslog", "--pidfile", person.home / "pid", environment={"FETCHMAILHOME": str(person.home)})
    assert person.count() == 0
    text = mail.read_text()
    assert "Body of One" in text and "Body of Two" in text
    # Status 1: nothing new.
    person.run("fetchmail", "-f", settings, "--nosyslog", "--pidfile", person.home / "pid", environment={"FETCHMAILHOME": str(person.home)}, status=1)


def test_getmail_moves_and_deletes(person):
    person.receive("One", "Two")
    taken = person.home / "taken"
    (person.home / "getmail").mkdir()
    person.write("getmail/getmailrc", """[retriever]
type = SimpleIMAPSSLRetriever
server = %s
port = %d
username = %s
password = %s
ca_certs = %s
mailboxes = ("INBOX",)
move_on_delete = Archive
[destination]
type = MDA_external
path = /usr/bin/tee
arguments = ("-a", "%s")
allow_root_commands = true
[options]
delete = true
read_all = false
""" % (*person.imaps, person.address, person.password, person.ca, taken))
    person.run("getmail", "--getmaildir", person.home / "getmail")
    assert "Body of One" in taken.read_text() and "Body of Two" in taken.read_text()
    assert person.count() == 0
    assert person.subjects("Archive") == ["One", "Two"]
