"""RFC 8620 §2-§3: session, request errors, references, limits, hostile JSON."""
import concurrent.futures
import http.client
import json

import pytest

JMAPD = {"limits": {"request_size": "4MiB"}}
ECHO = {"hello": True, "deep": {"list": [1, 2.5, None, "ü"]}}


def post(client, body, content_type="application/json"):
    status, headers, data = client.request("POST", "/jmap", body, {"Content-Type": content_type})
    return status, json.loads(data)


def problem(client, body, **more):
    status, answer = post(client, body if isinstance(body, bytes) else json.dumps(body).encode(), **more)
    assert status == 400
    return answer["type"].removeprefix("urn:ietf:params:jmap:error:"), answer.get("limit")


def request(*calls, using=("urn:ietf:params:jmap:core",), **more):
    return dict({"using": list(using), "methodCalls": list(calls)}, **more)


def test_the_session_names_urls_limits_and_accounts(alice):
    session = alice.session()
    assert session["username"].startswith("alice-")
    assert session["apiUrl"].startswith(alice.base)
    assert set(session["capabilities"]) == {"urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"}
    assert session["capabilities"]["urn:ietf:params:jmap:core"]["maxCallsInRequest"] == 32
    assert list(session["accounts"]) == [alice.account]
    for variable in ("{accountId}", "{blobId}", "{type}", "{name}"):
        assert variable in session["downloadUrl"]
    answer = alice.json("POST", "/jmap", request(["Core/echo", {}, "0"]))
    assert answer["sessionState"] == session["state"]


def test_logging_in_is_needed_and_refused_with_challenges(alice):
    alice.headers = {}
    status, headers, _ = alice.request("GET", "/.well-known/jmap")
    assert status == 401
    assert {value.split()[0] for value in headers.get_all("WWW-Authenticate")} == {"Basic", "Bearer"}
    for authorization in ("Basic x", "Basic YWxpY2VAZXhhbXBsZS50ZXN0Ondyb25n", "Bearer nonsense", "Digest x"):
        status, _, _ = alice.request("GET", "/.well-known/jmap", headers={"Authorization": authorization})
        assert status == 401
    assert post(alice, b"{}")[0] == 401


def test_echo_gives_its_arguments_back(alice):
    answers = alice.calls(["Core/echo", ECHO, "a"], ["Core/echo", {}, "b"])
    assert answers == [["Core/echo", ECHO, "a"], ["Core/echo", {}, "b"]]


@pytest.mark.parametrize("body, wanted", [
    (b"", "notJSON"), (b"{", "notJSON"), (b"\xff\xfe", "notJSON"), (b'{"using": ["\xc0\xaf"]}', "notJSON"),
    (b'{"using": [], "using": []}', "notJSON"), (b"[" * 100_000, "notJSON"), (b'{"a":' * 10_000, "notJSON"),
    (b'{"using":["\\ud800"],"methodCalls":[]}', "notJSON"),
    (b"[" + b"0," * 600_000 + b"0]", "notJSON"),
    (b"[]", "notRequest"), (b"{}", "notRequest"), (b'{"using": 1, "methodCalls": []}', "notRequest"),
    (b'{"using": [], "methodCalls": [[1, {}, "0"]]}', "notRequest"),
    (b'{"using": [], "methodCalls": [["Core/echo", [], "0"]]}', "notRequest"),
    (b'{"using": [], "methodCalls": [], "createdIds": []}', "notRequest"),
    (b'{"using": ["urn:example:none"], "methodCalls": []}', "unknownCapability"),
], ids=lambda value: value if isinstance(value, str) else value[:24].hex())
def test_bad_requests_are_problems(alice, body, wanted):
    assert problem(alice, body)[0] == wanted
    assert alice.calls(["Core/echo", {}, "0"])  # still served


def test_another_content_type_is_not_json(alice):
    assert problem(alice, request(), content_type="text/plain")[0] == "notJSON"


def test_too_many_calls_are_a_limit(alice):
    calls = [["Core/echo", {}, str(i)] for i in range(33)]
    assert problem(alice, request(*calls)) == ("limit", "maxCallsInRequest")
    assert len(alice.calls(*calls[:32])) == 32


def test_too_large_a_request_is_a_limit(alice):
    host, port = alice.base.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.putrequest("POST", "/jmap")
    for name, value in dict(alice.headers, **{"Content-Length": str(5 << 20), "Content-Type": "application/json"}).items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 400 and json.loads(answer.read())["limit"] == "maxSizeRequest"


def test_unknown_methods_and_accounts(alice, bob):
    bob.session()
    assert alice.error("Nothing/get") == "unknownMethod"
    assert alice.error("Email/get", ids=[], accountId=bob.account) == "accountNotFound"
    assert alice.error("Email/get", ids=[], accountId="Axxx") == "accountNotFound"
    assert alice.error("Email/get", ids=[], accountId=7) == "invalidArguments"
    assert alice.error("Email/get", ids=[], nonsense=1) == "invalidArguments"
    (name, answer, _), = alice.calls(["Email/get", {"ids": []}, "0"], using=["urn:ietf:params:jmap:core"])
    assert (name, answer["type"]) == ("error", "unknownMethod")


def test_references(alice):
    data = {"list": [{"id": "a", "more": ["x", "y"]}, {"id": "b", "more": ["z"]}], "n": {"a/b": 5}}

    def refer(path, **changes):
        reference = dict({"resultOf": "0", "name": "Core/echo", "path": path}, **changes)
        return alice.calls(["Core/echo", data, "0"], ["Core/echo", {"#v": reference}, "1"])[1]

    assert refer("/list/*/id") == ["Core/echo", {"v": ["a", "b"]}, "1"]
    assert refer("/list/*/more") == ["Core/echo", {"v": ["x", "y", "z"]}, "1"]
    assert refer("/list/1/more/0") == ["Core/echo", {"v": "z"}, "1"]
    assert refer("/n/a~1b") == ["Core/echo", {"v": 5}, "1"]
    for bad in (refer("/none"), refer("list"), refer("/list/9"), refer("/list/01"), refer("/list/*/none"),
                refer("/n", resultOf="7"), refer("/n", name="Core/other")):
        assert (bad[0], bad[1]["type"]) == ("error", "invalidResultReference")
    both = alice.calls(["Core/echo", data, "0"],
                       ["Core/echo", {"v": 1, "#v": {"resultOf": "0", "name": "Core/echo", "path": "/n"}}, "1"])[1]
    assert both[1]["type"] == "invalidArguments"


def test_references_that_double_at_each_call_end_in_an_error(alice):
    calls = [["Core/echo", {"a": "x" * 10_000}, "0"]]
    for i in range(1, 32):
        reference = {"resultOf": str(i - 1), "name": "Core/echo", "path": ""}
        calls.append(["Core/echo", {"#a": reference, "#b": reference}, str(i)])
    answers = alice.calls(*calls)
    assert answers[-1][0] == "error"
    assert answers[3][0] == "Core/echo"


def test_many_requests_at_once(alice):
    alice.session()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda i: alice.calls(["Core/echo", {"i": i}, "0"])[0][1]["i"], range(60)))
    assert results == list(range(60))
