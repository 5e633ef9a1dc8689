"""Asking for a reindex, and its progress, by REST and dromosctl; imapd, which does it, is not here."""


def test_reindex_is_asked_for_and_shown(rest, domain):  # noqa: ARG001
    rest.json("POST", "/accounts", {"address": "anna@example.test", "password": "a long enough one"}, expect=201)
    rest.refused(404, "POST", "/accounts/nobody@example.test/reindex")
    asked = rest.json("POST", "/accounts/anna@example.test/reindex")
    assert asked == {"accounts": 1}
    shown = rest.json("GET", "/reindex")["items"]
    assert [(each["account"], each["done"], each["failed"], each["total"], each["ended_at"]) for each in shown] == [("anna@example.test", 0, 0, 0, None)]
    assert rest.json("POST", "/reindex")["accounts"] >= 1
    assert shown[0]["asked_at"] < rest.json("GET", "/reindex")["items"][0]["asked_at"]
