"""Secrets made over REST open jmapd: API keys as Bearer tokens, app passwords as Basic, within their scopes."""
import pytest

from dromostest.clients import Jmap

USER = "keys@example.test"


@pytest.fixture
def base(suite, rest, domain):
    suite.start("jmapd")
    rest.json("POST", "/accounts", {"address": USER, "password": "correct horse"}, expect=201)
    return "http://%s:%d" % suite.jmapd.address("http")


def secret(rest, kind, **more):
    return rest.json("POST", "/accounts/%s/%s" % (USER, kind), dict({"label": "t", "scopes": ["jmap"]}, **more), expect=201)


def opens(base, **credentials):
    status = Jmap(base, **credentials).request("GET", "/.well-known/jmap")[0]
    assert status in (200, 401)
    return status == 200


def test_an_api_key_is_a_bearer_token(suite, rest, base):
    made = secret(rest, "api-keys")
    client = Jmap(base, token=made["secret"])
    assert client.session()["username"] == USER
    assert client.call("Mailbox/get", ids=None)["list"]
    assert not opens(base, token=made["secret"][:-1] + ("a" if made["secret"][-1] != "a" else "b"))
    assert not opens(base, token=secret(rest, "api-keys", scopes=["imap"])["secret"])
    assert not opens(base, token=rest.json("POST", "/administrators/root/api-keys", {"label": "t", "scopes": ["jobs:read"]}, expect=201)["secret"])
    rest.json("DELETE", "/accounts/%s/api-keys/%s" % (USER, made["id"]), expect=204)
    assert not opens(base, token=made["secret"])


def test_an_expired_api_key_opens_nothing(suite, rest, base):
    made = secret(rest, "api-keys", expires_at="2099-01-01T00:00:00Z")
    assert opens(base, token=made["secret"])
    suite.sql("UPDATE admin.api_key SET expires_at = now() - interval '1 second'")
    assert not opens(base, token=made["secret"])


def test_an_app_password_logs_in_within_its_scopes(suite, rest, base):
    made = secret(rest, "app-passwords")
    client = Jmap(base, USER, made["secret"])
    assert client.session()["username"] == USER and client.call("Mailbox/get", ids=None)["list"]
    assert not opens(base, user=USER, password=secret(rest, "app-passwords", scopes=["smtp"])["secret"])
    assert not opens(base, token=made["secret"]), "an app password is no token: it goes with its account's name"
    rest.json("DELETE", "/accounts/%s/app-passwords/%s" % (USER, made["id"]), expect=204)
    assert not opens(base, user=USER, password=made["secret"])
