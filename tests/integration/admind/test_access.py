"""Who may: keys, scopes, roles, passwords; and what a role cannot reach even by another road."""
import subprocess

import pytest
from admin_client import Rest


def test_without_credentials_nothing_is_told(suite, rest):
    nobody = Rest(suite)
    for method, path in (("GET", "/domains"), ("POST", "/accounts"), ("GET", "/health"), ("GET", "/self")):
        problem = nobody.refused(401, method, path, {} if method == "POST" else None)
        assert problem["type"] == "urn:dromos:problem:unauthorized" and "hint" in problem
    assert "Bearer" in nobody.request("GET", "/domains")[1]["WWW-Authenticate"]


@pytest.mark.parametrize("token", ["", "x", "dk_aaaaaaaaaaaaaaaaaaaaaaaaaa", "dk_" + "a" * 4000, "\u00fc"])
def test_a_wrong_key_is_refused(shared, token):
    header = {"Authorization": "Bearer " + token.encode("utf-8").decode("latin-1")}
    shared.refused(401, "GET", "/domains", headers=header)


def test_a_key_opens_only_its_scopes(rest, domain, key_with):
    reader = key_with("domains:read")
    assert reader.json("GET", "/domains")["items"][0]["name"] == domain
    assert "domains:write" in reader.refused(403, "POST", "/domains", {"name": "other.test"})["detail"]
    reader.refused(403, "GET", "/accounts")
    everything = key_with("*:read")
    everything.json("GET", "/accounts")
    everything.refused(403, "DELETE", "/domains/" + domain)
    key_with("domains:*").json("POST", "/domains", {"name": "other.test"}, expect=201)


def test_a_key_cannot_make_a_stronger_one(rest, key_with):
    weak = key_with("api-keys:write", "domains:read")
    weak.json("POST", "/administrators/root/api-keys", {"label": "x", "scopes": ["domains:read"]}, expect=201)
    for scope in ("*", "*:read", "domains:write", "domains:*"):
        weak.refused(403, "POST", "/administrators/root/api-keys", {"label": "x", "scopes": [scope]})


def test_roles_bound_what_a_key_opens(suite, rest, ctl, domain):
    auditor = Rest(suite, token=ctl.json("admin", "create", "eye", "--role", "auditor")["token"])
    auditor.json("GET", "/domains")
    auditor.refused(403, "POST", "/domains", {"name": "other.test"})
    auditor.refused(403, "GET", "/accounts/export?password_hashes=true")
    operator = Rest(suite, token=ctl.json("admin", "create", "hand", "--role", "operator")["token"])
    operator.json("POST", "/domains", {"name": "other.test"}, expect=201)
    operator.refused(403, "PATCH", "/administrators/root", {"enabled": False})
    operator.refused(403, "POST", "/administrators", {"name": "new", "role": "owner"})
    operator.refused(403, "POST", "/administrators/root/api-keys", {"label": "x", "scopes": ["*"]})
    operator.json("POST", "/administrators/hand/api-keys", {"label": "x", "scopes": ["*"]}, expect=201)


def test_an_ended_or_deleted_key_opens_nothing(suite, rest):
    made = rest.json("POST", "/administrators/root/api-keys",
                     {"label": "old", "scopes": ["*"], "expires_at": "2020-01-01T00:00:00Z"}, expect=201)
    Rest(suite, token=made["secret"]).refused(401, "GET", "/domains")
    made = rest.json("POST", "/administrators/root/api-keys", {"label": "t", "scopes": ["*"]}, expect=201)
    other = Rest(suite, token=made["secret"])
    other.json("GET", "/domains")
    rest.json("DELETE", "/administrators/root/api-keys/" + made["id"], expect=204)
    other.refused(401, "GET", "/domains")


def test_the_last_owner_stays(rest, ctl):
    rest.refused(409, "DELETE", "/administrators/root")
    rest.refused(409, "PATCH", "/administrators/root", {"role": "auditor"})
    ctl.token = None
    ctl.json("admin", "create", "second")
    rest.json("DELETE", "/administrators/second", expect=204)
    rest.refused(409, "PATCH", "/administrators/root", {"enabled": False})


def test_an_administrator_may_use_a_password(suite, rest):
    rest.json("POST", "/administrators", {"name": "pass", "role": "operator", "password": "long enough"}, expect=201)
    Rest(suite, user="pass", password="long enough").json("GET", "/domains")
    Rest(suite, user="pass", password="wrong").refused(401, "GET", "/domains")


def test_an_account_serves_itself_and_nobody_else(suite, rest, domain):
    rest.json("POST", "/accounts", {"address": "alice@example.test", "password": "first password"}, expect=201)
    alice = Rest(suite, user="alice@example.test", password="first password")
    assert alice.json("GET", "/self")["address"] == "alice@example.test"
    alice.refused(403, "GET", "/accounts")
    alice.refused(403, "GET", "/health")
    app = alice.json("POST", "/self/app-passwords", {"label": "phone", "scopes": ["imap"]}, expect=201)
    assert [s["label"] for s in alice.json("GET", "/self/app-passwords")["items"]] == ["phone"]
    # An app password must not change the real one.
    Rest(suite, user="alice@example.test", password=app["secret"]).refused(401, "POST", "/self/password", {"password": "taken over"})
    alice.json("POST", "/self/password", {"password": "second password"}, expect=204)
    alice.refused(401, "GET", "/self")
    alice = Rest(suite, user="alice@example.test", password="second password")
    alice.json("DELETE", "/self/app-passwords/" + app["id"], expect=204)
    key = rest.json("POST", "/accounts/alice@example.test/api-keys", {"label": "x", "scopes": ["jmap"]}, expect=201)
    Rest(suite, token=key["secret"]).refused(403, "GET", "/self")


def test_the_role_of_admind_reads_no_mail_and_no_secrets(suite, rest, cluster):
    for statement in ("SELECT * FROM mail.message", "SELECT * FROM mail.blob_chunk", "SELECT * FROM mail.text_extract",
                      "SELECT * FROM directory.credential", "SELECT hash FROM admin.api_key", "DELETE FROM admin.audit",
                      "UPDATE admin.job SET holder = NULL", "SELECT mail.blob_touch_v1(1, ARRAY[]::bytea[])",
                      "SET ROLE dromos_owner", "CREATE TABLE admin.x (i int)"):
        done = subprocess.run(["psql", "-X", "-v", "ON_ERROR_STOP=1", "-d",
                               "%s dbname=%s user=dromos_admind" % (cluster.conninfo, suite.database), "-c", statement],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode != 0 and ("permission denied" in done.stdout or "does not exist" in done.stdout), statement + done.stdout
