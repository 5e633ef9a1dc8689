"""Command-line tools that speak SMTP and IMAP: curl, swaks, imapfilter, python's own modules, imapflow."""
import imaplib
import pathlib
import shutil
import smtplib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
IMAPFLOW = HERE.parents[1] / "var/imapflow"


def test_python_modules(person):
    with smtplib.SMTP(*person.submission, timeout=60) as client:
        client.starttls(context=person.context())
        client.login(person.address, person.password)
        letter = person.letter("Grüße")
        letter.replace_header("From", person.address)
        client.send_message(letter, mail_options=["SMTPUTF8"])
    assert person.subjects() == ["Grüße"]
    client = imaplib.IMAP4(*person.imap, timeout=60)
    client.starttls(person.context())
    client.login(person.address, person.password)
    client.create('"B&APw-ro"')
    client.select("INBOX")
    assert client.copy("1", '"B&APw-ro"')[0] == "OK"
    assert client.store("1", "+FLAGS", "\\Deleted")[0] == "OK"
    assert client.expunge()[1] == [b"1"]
    assert client.status('"B&APw-ro"', "(MESSAGES UNSEEN)")[1][0].endswith(b"(MESSAGES 1 UNSEEN 1)")
    client.logout()


def test_curl_sends_and_reads(person):
    letter = person.home / "letter"
    letter.write_bytes(person.letter("By curl", "Body by curl\n").as_bytes().replace(b"alice@", person.address.split("@")[0].encode() + b"@"))
    base = ["curl", "--silent", "--show-error", "--max-time", "60", "--cacert", person.ca, "--user", "%s:%s" % (person.address, person.password)]
    person.run(*base, "--ssl-reqd", "--mail-from", person.address, "--mail-rcpt", person.address, "-T", letter, "smtp://%s:%d/laptop" % person.submission)
    person.run(*base, "--login-options", "AUTH=LOGIN", "--mail-from", person.address, "--mail-rcpt", person.address, "-T", letter,
               "smtps://%s:%d/laptop" % person.submissions)
    url = "imaps://%s:%d/" % person.imaps
    assert "Body by curl" in person.run(*base, url + "INBOX;MAILINDEX=2")
    assert "Subject: By curl" in person.run(*base, url + "INBOX;UID=1;SECTION=HEADER")
    assert "* SEARCH 1 2" in person.run(*base, url + "INBOX?SUBJECT%20curl")
    assert "FLAGS" in person.run(*base, url + "INBOX", "-X", "STORE 1 +FLAGS (\\Flagged)")
    assert "\\Flagged" in person.run(*base, url + "INBOX", "-X", "FETCH 1 FLAGS")
    person.run(*base, "--ssl-reqd", "-T", letter, "imap://%s:%d/Drafts" % person.imap)
    assert person.subjects("Drafts") == ["By curl"]


@pytest.mark.parametrize("way", ["mx", "mx-tls", "submission-plain", "submission-login", "submissions", "lmtp"])
def test_swaks(person, way):
    kind, _, mechanism = way.partition("-")
    host, port = person.server("MTA_LMTP") if kind == "lmtp" else getattr(person, kind)
    options = ["--server", host, "--port", port, "--ehlo", "laptop.example.test", "--to", person.address, "--header", "Subject: Swaks", "--body", "swaks.\n"]
    options += ["--attach", "@/etc/hostname"]
    if kind.startswith("submission"):
        options += ["--from", person.address, "--auth", (mechanism or "plain").upper(), "--auth-user", person.address, "--auth-password", person.password]
        options += ["--tls-on-connect" if kind == "submissions" else "--tls", "--tls-verify", "--tls-ca-path", person.ca]
    else:
        options += ["--from", "someone@elsewhere.example"] + (["--tls"] if mechanism else []) + (["--protocol", "LMTP"] if kind == "lmtp" else [])
    person.run("swaks", *options)
    assert person.subjects() == ["Swaks"]


def test_swaks_is_refused_where_it_should_be(person):
    host, port = person.mx
    assert "550 5.7.1" in person.run("swaks", "--server", host, "--port", port, "--from", "a@elsewhere.example", "--to", "b@elsewhere.example", status=24)
    host, port = person.submission
    assert "530 5.7.0" in person.run("swaks", "--server", host, "--port", port, "--from", person.address, "--to", person.address, status=23)


def test_imapfilter_sorts(person):
    person.receive("Invoice 1", "Holiday", "Invoice 2")
    rules = person.write("rules.lua", """
options.timeout = 60
options.info = false
options.certificates = true
options.starttls = false
options.persist = false
options.create = true
account = IMAP { server = "%s", port = %d, username = "%s", password = "%s", ssl = "auto" }
account.INBOX:is_unseen():contain_subject("Invoice"):move_messages(account["Bills"])
holiday = account.INBOX:contain_body("Body of Holiday")
assert(#holiday == 1)
holiday:mark_flagged()
""" % (*person.imaps, person.address, person.password))
    person.run("imapfilter", "-t", person.ca, "-c", rules)
    assert person.subjects("Bills") == ["Invoice 1", "Invoice 2"]
    assert person.subjects() == ["Holiday"]
    assert "\\Flagged" in person.flags("Holiday")


@pytest.fixture(scope="session")
def imapflow():
    """The folder with imapflow as package-lock.json pins it."""
    if not (IMAPFLOW / "node_modules/imapflow").exists():
        IMAPFLOW.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "imapflow" / name, IMAPFLOW)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=IMAPFLOW, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    shutil.copy(HERE / "imapflow/check.mjs", IMAPFLOW)
    return IMAPFLOW / "check.mjs"


def test_imapflow(person, imapflow):
    person.receive("First", "Second")
    host, port = person.imaps
    out = person.run("node", imapflow, environment={"HOST": host, "PORT": str(port), "LOGIN": person.address, "PASSWORD": person.password,
                                                   "NODE_EXTRA_CA_CERTS": person.ca})
    assert out.splitlines()[-1] == "all well", out
    assert person.subjects() == ["Second"]
    assert person.subjects("Projekte/K&APY-ln") == ["First"]
