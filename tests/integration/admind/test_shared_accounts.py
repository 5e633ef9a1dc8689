"""Accounts that are nobody's own: no way in by any protocol or secret, with the answer that a wrong secret gets; mail for
them and rights on their mailboxes go on."""
import poplib

import pytest

from admin_client import Rest
from dromostest.clients import Imap, Jmap, Smtp

TEAM, ANN, PASSWORD = "team@example.test", "ann@example.test", "correct horse"


@pytest.fixture
def secrets(suite, rest, domain):
    """{name: secret} of the account, all right."""
    suite.start("imapd", "mta", "jmapd")
    for login in (TEAM, ANN):
        rest.json("POST", "/accounts", {"address": login, "password": PASSWORD}, expect=201)
    scopes = {"label": "t", "scopes": ["imap", "pop3", "smtp", "jmap"]}
    path = "/accounts/%s/" % TEAM
    return {"password": PASSWORD, "app": rest.json("POST", path + "app-passwords", scopes, expect=201)["secret"],
            "key": rest.json("POST", path + "api-keys", {"label": "t", "scopes": ["jmap"]}, expect=201)["secret"]}


def answers(suite, secret, key, login=TEAM):
    """What each protocol says to a login."""
    context = suite.authority.client_context()
    said = {}
    imap = Imap(suite.imapd.address("imap"), context=context)
    try:
        said["LOGIN"] = imap.login(login, secret)[0]
    except imap.error as error:
        said["LOGIN"] = str(error)
    imap.shutdown()
    imap = Imap(suite.imapd.address("imap"), context=context)
    try:
        said["AUTHENTICATE"] = imap.authenticate("PLAIN", lambda _: ("\0%s\0%s" % (login, secret)).encode())[0]
    except imap.error as error:
        said["AUTHENTICATE"] = str(error)
    imap.shutdown()
    pop = poplib.POP3_SSL(*suite.imapd.address("pop3s"), context=context, timeout=30)
    try:
        pop.user(login)
        said["PASS"] = pop.pass_(secret)[:3]
    except poplib.error_proto as error:
        said["PASS"] = str(error)
    pop.close()
    smtp = Smtp(suite.mta.address("submission"), context)
    smtp.expect("EHLO x", 250)
    smtp.starttls()
    smtp.expect("EHLO x", 250)
    said["AUTH"] = smtp.auth_plain(login, secret)
    smtp.close()
    base = "http://%s:%d" % suite.jmapd.address("http")
    for name, client in (("Basic", Jmap(base, login, secret)), ("Bearer", Jmap(base, token=key))):
        status, headers, body = client.request("GET", "/.well-known/jmap")
        said[name] = (status, headers["WWW-Authenticate"], b"" if status == 200 else body)
    said["self"] = Rest(suite, user=login, password=secret).request("GET", "/self")[0]
    return said


def scram(suite, password, login=TEAM):
    """The server's last word to SCRAM-SHA-256."""
    import base64
    import hashlib
    import hmac
    imap = Imap(suite.imapd.address("imap"), context=suite.authority.client_context())
    bare = "n=%s,r=abcdefgh" % login

    def respond(challenge):
        if not challenge:
            return ("n,," + bare).encode()
        fields = dict(part.split("=", 1) for part in challenge.decode().split(","))
        mac = lambda key, text: hmac.new(key, text, "sha256").digest()  # noqa: E731
        if "s" not in fields:
            return b""
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        client_key = mac(salted, b"Client Key")
        last = "c=biws,r=" + fields["r"]
        signature = mac(hashlib.sha256(client_key).digest(), ",".join([bare, challenge.decode(), last]).encode())
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature))).decode()
        return (last + ",p=" + proof).encode()

    try:
        return imap.authenticate("SCRAM-SHA-256", respond)[0]
    except imap.error as error:
        return str(error)
    finally:
        imap.shutdown()


def test_no_secret_of_a_shared_account_opens_anything(suite, rest, ctl, secrets):
    for name in ("password", "app"):
        right = answers(suite, secrets[name], secrets["key"])
        assert right["LOGIN"] == right["AUTHENTICATE"] == "OK" and right["PASS"] == b"+OK" and right["AUTH"][0] == 235
        assert right["Basic"][0] == right["Bearer"][0] == 200
    assert scram(suite, PASSWORD) == "OK"
    changed = "a" if secrets["key"][-1] != "a" else "b"
    # Of another account: failures of this one would slow its later attempts (LoginThrottle).
    wrong = answers(suite, "wrong secret", secrets["key"][:-1] + changed, ANN)
    assert wrong["Basic"][0] == wrong["Bearer"][0] == wrong["self"] == 401

    assert rest.json("PATCH", "/accounts/" + TEAM, {"shared": True})["shared"] is True
    assert ctl.json("account", "show", TEAM)["shared"] is True
    assert without_traces(answers(suite, PASSWORD, secrets["key"])) == without_traces(wrong)
    refused = scram(suite, PASSWORD)
    assert refused == scram(suite, "wrong secret", ANN) and "AUTHENTICATIONFAILED" in refused
    suite.sql("UPDATE directory.app_password SET last_used = NULL")
    for daemon in (suite.imapd, suite.mta, suite.jmapd):  # their throttles forget
        daemon.stop()
    suite.start("imapd", "mta", "jmapd")
    app = answers(suite, secrets["app"], secrets["key"])
    app["self"] = wrong["self"]
    assert without_traces(app) == without_traces(wrong)
    assert suite.sql("SELECT count(*) FROM directory.app_password WHERE last_used IS NOT NULL") == "0"

    # What is there for others stays: mail comes in, guests read.
    rest.json("POST", "/accounts/%s/sharing" % TEAM, {"mailbox": "INBOX", "identifier": ANN, "rights": "lr"})
    smtp = Smtp(suite.mta.address("mx"))
    assert smtp.message("x@elsewhere.test", [TEAM], "From: x@elsewhere.test\r\nSubject: hello\r\n\r\nbody\r\n")[0] == 250
    smtp.close()
    ann = Imap(suite.imapd.address("imap"), ANN, PASSWORD, suite.authority.client_context())
    assert ann.ok("select", '"Shared Folders/%s/INBOX"' % TEAM, True) == [b"1"]
    ann.shutdown()

    rest.json("PATCH", "/accounts/" + TEAM, {"shared": False})
    base = "http://%s:%d" % suite.jmapd.address("http")
    for client in (Jmap(base, TEAM, PASSWORD), Jmap(base, TEAM, secrets["app"]), Jmap(base, token=secrets["key"])):
        assert client.session()["username"] == TEAM


def without_traces(said):
    """The trace id of an HTTP problem is its request's own."""
    import json
    out = dict(said)
    for name in ("Basic", "Bearer"):
        status, challenge, body = out[name]
        problem = json.loads(body)
        problem.pop("trace", None)
        problem.pop("instance", None)
        out[name] = (status, challenge, problem)
    return out
