"""The OpenAPI document, the routes and the answers agree."""
import json
import re

import jsonschema
import pytest

from admin_client import Rest


@pytest.fixture
def document(rest):
    return json.loads(rest.request("GET", "/openapi.json")[2])


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def checker(document, path, method, status):
    answer = document["paths"][path][method.lower()]["responses"][str(status)]
    content = next(iter(answer["content"].values()))["schema"]
    return jsonschema.Draft202012Validator(dict(content, components=document["components"]))


def test_the_document_is_sound(document):
    assert document["openapi"].startswith("3.1")
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids)) and len(ids) > 50
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    text = json.dumps(document)
    for name in set(re.findall(r"#/components/schemas/(\w+)", text)):
        assert name in document["components"]["schemas"], name
    for path, _, operation in operations(document):
        declared = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))


def test_each_documented_route_exists_and_no_other_method_does(rest, document):
    for path, methods in document["paths"].items():
        concrete = re.sub(r"{\w+}", "nothing-like-it", path)
        _, headers, _ = rest.request("OPTIONS", concrete)
        allowed = {m.strip() for m in headers["Allow"].split(",")} - {"HEAD", "OPTIONS"}
        # A literal neighbour ("/queue/stats") may stand where a parameter does; it never hides one.
        assert {m.upper() for m in methods} <= allowed, (path, allowed)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            if method.lower() not in methods and method not in allowed:
                assert rest.request(method, concrete)[0] == 405


def test_every_operation_without_a_key_is_refused_as_documented(suite, rest, document):
    nobody = Rest(suite)
    for path, method, operation in operations(document):
        problem = nobody.refused(401, method, re.sub(r"{\w+}", "x", path), {} if method in ("POST", "PUT", "PATCH") else None)
        checker(document, path, method, 401).validate(problem)


def test_a_key_without_scopes_reaches_no_operation(suite, rest, document, key_with):
    weak = key_with("nothing:read")
    for path, method, operation in operations(document):
        weak.refused(403, method, re.sub(r"{\w+}", "x", path), {} if method in ("POST", "PUT", "PATCH") else None)


def test_answers_are_as_documented(suite, rest, document, domain):
    def go(method, path, template, body=None, status=200):
        data = rest.json(method, path, body, expect=status)
        checker(document, template, method, status).validate(data)
        return data

    go("POST", "/accounts", "/accounts", {"address": "a@example.test", "password": "long enough"}, 201)
    go("POST", "/aliases", "/aliases", {"address": "al@example.test", "targets": ["a@example.test"]}, 201)
    go("POST", "/groups", "/groups", {"address": "gr@example.test", "targets": ["a@example.test"]}, 201)
    go("POST", "/accounts/a@example.test/app-passwords", "/accounts/{address}/app-passwords", {"label": "x", "scopes": ["imap"]}, 201)
    go("POST", "/accounts/a@example.test/api-keys", "/accounts/{address}/api-keys", {"label": "x", "scopes": ["jmap"]}, 201)
    go("PUT", "/settings/a.b", "/settings/{key}", {"value": [1]})
    go("POST", "/accounts/import", "/accounts/import", [{"address": "i@example.test"}, {}])
    suite.sql("SELECT mail.trace_put_v1(ARRAY['0192f0c1-2345-7abc-8def-0123456789ab']::uuid[], '{mta}', '{message.delivered}',"
              " '{a@x}', '{b@y}', '{1}', '{250}', '{\"{}\"}')")
    values = {"domain": "example.test", "name": "root", "key": "a.b", "trace_id": "0192f0c1-2345-7abc-8def-0123456789ab"}
    seen = 0
    for path, method, operation in operations(document):
        if method != "GET" or operation.get("security") == [{"basic": []}] or path in ("/sessions", "/queue/{id}"):
            continue
        chosen = dict(values, address={"/aliases/{address}": "al@example.test", "/groups/{address}": "gr@example.test"}.get(path, "a@example.test"))
        go("GET", re.sub(r"{(\w+)}", lambda m: chosen[m[1]], path), path)
        seen += 1
    assert seen > 20
    for status, method, template, path, body in ((400, "POST", "/domains", "/domains", {"x": 1}), (409, "POST", "/domains", "/domains", {"name": domain}),
                                                 (404, "GET", "/domains/{domain}", "/domains/x.test", None)):
        checker(document, template, method, status).validate(rest.refused(status, method, path, body))
