"""Bad input, idempotency, paging, conditional requests: what every operation shares."""
import json
import threading

import pytest


@pytest.mark.parametrize("method, path, body, pointer", [
    ("POST", "/domains", {}, "/name"),
    ("POST", "/domains", {"name": 7}, "/name"),
    ("POST", "/domains", {"name": ""}, "/name"),
    ("POST", "/domains", {"name": "x.test", "colour": "red"}, "/colour"),
    ("POST", "/domains", {"name": "x.test", "enabled": "yes"}, "/enabled"),
    ("POST", "/domains", {"name": "a" * 300}, "/name"),
    ("POST", "/accounts", {"address": "a@example.test", "quota_bytes": -1}, "/quota_bytes"),
    ("POST", "/accounts", {"address": "a@example.test", "quota_bytes": 18446744073709551615}, "/quota_bytes"),
    ("POST", "/accounts", {"address": "a@example.test", "quota_bytes": 1.5}, "/quota_bytes"),
    ("POST", "/accounts", {"address": "a@example.test", "password": "short"}, "/password"),
    ("POST", "/accounts", {"address": "a@example.test", "display_name": "two\nlines"}, "/display_name"),
    ("POST", "/accounts", {"address": "a@example.test", "display_name": "n\u0000l"}, "/display_name"),
    ("POST", "/aliases", {"address": "a@example.test", "targets": []}, "/targets"),
    ("POST", "/aliases", {"address": "a@example.test", "targets": ["b@x", 3]}, "/targets"),
    ("POST", "/aliases", {"address": "a@example.test", "targets": "b@x"}, "/targets"),
    ("POST", "/administrators", {"name": "x", "role": "king"}, "/role"),
    ("POST", "/administrators/root/api-keys", {"label": "x", "scopes": ["*"], "expires_at": "tomorrow"}, "/expires_at"),
    ("POST", "/administrators/root/api-keys", {"label": "x", "scopes": ["*"], "expires_at": "2026-02-30T00:00:00Z"}, "/expires_at"),
    ("GET", "/accounts?limit=0", None, "?limit"),
    ("GET", "/accounts?limit=1000", None, "?limit"),
    ("GET", "/accounts?limit=x", None, "?limit"),
    ("GET", "/accounts?limit=1&limit=2", None, "?limit"),
    ("GET", "/accounts?colour=red", None, "?colour"),
    ("GET", "/queue?state=lost", None, "?state"),
    ("DELETE", "/sessions", None, "?account"),
])
def test_a_fault_names_its_place(shared, method, path, body, pointer):
    problem = shared.refused(400, method, path, body)
    assert pointer in [error["pointer"] for error in problem["errors"]], problem
    assert problem["detail"] and problem["hint"] and problem["instance"].startswith("urn:uuid:")


def test_all_faults_are_told_at_once(shared):
    problem = shared.refused(400, "POST", "/accounts?x=1", {"password": 1, "quota_bytes": "many", "no": 1})
    assert [e["pointer"] for e in problem["errors"]] == ["?x", "/no", "/password", "/quota_bytes", "/address"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"\xff", b'{"name": "a", "name": "b"}', b'{"name": "\\ud800"}',
                                  b"[" * 10000, b'"x"', b"{}{}", b'{"name": 1e999}'])
def test_what_is_not_a_json_object_is_refused(shared, body):
    shared.refused(400, "POST", "/domains", body)


@pytest.mark.parametrize("address", ["", "alice", "@example.test", "a b@example.test", "a@", "a@b@c d", "a@exa mple.test", "a@-x.test",
                                     "\u202ea@example.test\u0001", "a" * 65 + "@example.test"])
def test_what_is_no_address_is_refused(shared, address):
    shared.refused(400, "POST", "/accounts", {"address": address})


def test_unknown_paths_and_methods(shared):
    assert shared.request("GET", "/nothing")[0] == 404
    status, headers, _ = shared.request("PUT", "/domains", {})
    assert status == 405 and "POST" in headers["Allow"]
    assert shared.request("GET", "/accounts/%00x@y")[0] == 400
    shared.refused(404, "GET", "/accounts/" + "x%2Fy@example.test")
    shared.refused(400, "GET", "/accounts?after=nonsense")


def test_a_body_beyond_the_limit_is_refused(shared):
    assert shared.request("POST", "/domains", b'{"name": "' + b"a" * (2 << 20) + b'"}')[0] == 413


def test_a_repeat_with_its_key_changes_nothing(suite, rest, domain):
    key = {"Idempotency-Key": "act-1"}
    body = {"address": "a@example.test", "password": "long enough"}
    first = rest.request("POST", "/accounts", body, key)
    again = rest.request("POST", "/accounts", body, key)
    assert first[0] == again[0] == 201 and first[2] == again[2]
    assert again[1]["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first[1]
    assert len(rest.json("GET", "/accounts")["items"]) == 1
    assert json.loads(rest.request("POST", "/accounts", {"address": "b@example.test"}, key)[2])["type"].endswith(":key_reused")
    rest.refused(409, "POST", "/accounts", body, {"Idempotency-Key": "act-2"})
    rest.refused(400, "POST", "/accounts", body, {"Idempotency-Key": "x" * 256})


def test_a_secret_is_not_kept_for_the_repeat(suite, rest):
    body = {"label": "x", "scopes": ["*"]}
    first = json.loads(rest.request("POST", "/administrators/root/api-keys", body, {"Idempotency-Key": "k"})[2])
    again = json.loads(rest.request("POST", "/administrators/root/api-keys", body, {"Idempotency-Key": "k"})[2])
    secret = first.pop("secret")
    assert again == first
    kept = suite.sql("SELECT string_agg(encode(response, 'escape'), '') FROM admin.idempotency")
    assert first["id"] in kept and secret not in kept


def test_of_many_at_once_one_wins(rest, domain):
    answers = []

    def create():
        answers.append(rest.request("POST", "/accounts", {"address": "race@example.test"}, {"Idempotency-Key": "race"})[0])

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {201, 409} and 201 in answers
    assert len(rest.json("GET", "/accounts")["items"]) == 1
    assert len([e for e in rest.json("GET", "/audit?object=race@example.test")["items"]]) == 1


def test_pages_cover_everything_once(rest, domain):
    names = ["u%02d@example.test" % i for i in range(25)]
    rest.json("POST", "/accounts/import", [{"address": name} for name in names])
    seen, after, pages = [], "", 0
    while after is not None:
        page = rest.json("GET", "/accounts?limit=10" + ("&after=" + after if after else ""))
        seen += [a["address"] for a in page["items"]]
        after, pages = page["next"], pages + 1
    assert seen == names and pages == 3


def test_conditional_requests(rest, domain):
    path = "/domains/example.test"
    _, headers, _ = rest.request("GET", path)
    tag = headers["ETag"]
    assert rest.request("GET", path, None, {"If-None-Match": tag})[0] == 304
    assert rest.request("PATCH", path, {"scram_sha1": True}, {"If-Match": tag})[0] == 200
    assert rest.refused(412, "PATCH", path, {"scram_sha1": False}, {"If-Match": tag})["type"].endswith(":changed")
    assert rest.json("GET", path)["scram_sha1"] is True
    rest.refused(412, "DELETE", path, None, {"If-Match": tag})
    rest.refused(412, "DELETE", "/domains/nowhere.test", None, {"If-Match": "*"})


def test_every_answer_has_a_trace_id_and_may_not_be_stored(shared):
    _, headers, _ = shared.request("GET", "/domains")
    assert headers["X-Trace-Id"].startswith("X") and "no-store" in headers["Cache-Control"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_secret_reaches_the_log(suite, rest, domain):
    rest.json("POST", "/accounts", {"address": "a@example.test", "password": "Geheimnis 4711"}, expect=201)
    rest.refused(400, "POST", "/accounts", {"address": "b@example.test", "password": "Geheimnis 4711\n"})
    token = rest.headers["Authorization"].split()[1]
    log = suite.admind.tail(1 << 20)
    assert "createAccount" in log and "Geheimnis" not in log and token not in log
