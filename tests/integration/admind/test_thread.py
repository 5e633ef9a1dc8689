"""The first steps of a new installation, as the quickstart takes them."""


def test_a_domain_an_account_and_health(suite, rest):
    assert rest.json("POST", "/domains", {"name": "example.test"}, expect=201)["name"] == "example.test"
    assert rest.refused(409, "POST", "/domains", {"name": "example.test"})["type"].endswith(":exists")
    account = rest.json("POST", "/accounts", {"address": "alice@example.test", "password": "correct horse", "display_name": "Alice",
                                              "quota_bytes": 1 << 30}, expect=201)
    assert account["address"] == "alice@example.test" and account["quota_bytes"] == 1 << 30
    health = rest.json("GET", "/health")
    assert health["status"] == "degraded"
    parts = {part["name"]: part["status"] for part in health["parts"]}
    assert parts == {"mta": "down", "imapd": "down", "jmapd": "down", "spamd": "down", "admind": "serving", "postgresql": "serving"}


def test_a_trace_is_shown_by_its_id(suite, rest):
    suite.sql("SELECT mail.trace_put_v1(ARRAY['0192f0c1-2345-7abc-8def-0123456789ab']::uuid[], '{mta}', '{message.delivered}',"
              " '{a@x}', '{b@y}', '{0}', '{250}', ARRAY['{\"mailbox\": \"INBOX\"}'])")
    found = rest.json("GET", "/traces/0192f0c1-2345-7abc-8def-0123456789ab")
    assert found["trace_id"].startswith("X")
    assert found["events"][0]["event"] == "message.delivered" and found["events"][0]["detail"] == {"mailbox": "INBOX"}
    assert rest.json("GET", "/traces/" + found["trace_id"]) == found
    again = rest.json("GET", "/traces?recipient=b@y")["items"]
    assert [event["trace_id"] for event in again] == [found["trace_id"]]
    rest.refused(404, "GET", "/traces/0192f0c1-2345-7abc-8def-0123456789ac")
    rest.refused(400, "GET", "/traces/nonsense")
