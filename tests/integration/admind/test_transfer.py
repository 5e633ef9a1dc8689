"""Import and export of accounts."""
import csv
import io
import json
import time

from admin_client import Rest

CSV = {"Content-Type": "text/csv"}


def test_csv_rows_are_judged_one_by_one(suite, rest, domain):
    text = ("\ufeffaddress,display_name,quota_bytes,enabled,password\r\n"
            "a@example.test,\"M\u00fcller, \"\"Anna\"\"\",1000,true,long enough\r\n"
            "\r\n"
            "b@elsewhere.test,B,,,\n"
            "nonsense,C,,,\n"
            "d@example.test,D,many,,\n"
            "a@example.test,again,,,\n"
            "f@example.test\n")
    status, _, data = rest.request("POST", "/accounts/import", text.encode(), CSV)
    report = json.loads(data)
    assert status == 200 and (report["created"], report["refused"]) == (1, 5), report
    reasons = [row["reason"] for row in report["rows"]]
    assert reasons[0] == "" and all(reasons[1:]) and "quota_bytes" in reasons[3] and "cells" in reasons[5]
    assert [row["row"] for row in report["rows"]] == [1, 2, 3, 4, 5, 6]
    account = rest.json("GET", "/accounts/a@example.test")
    assert account["display_name"] == "M\u00fcller, \"Anna\"" and account["quota_bytes"] == 1000
    assert Rest(suite, user="a@example.test", password="long enough").json("GET", "/self")["id"] == account["id"]


def test_broken_csv_names_its_line(rest, domain):
    for text, word in ((b"", "body"), (b"address\n\"open", "line 2"), (b"address\nx\"y\n", "line 2"), (b"\n\n", "header")):
        assert word in rest.refused(400, "POST", "/accounts/import", text, CSV)["detail"]
    rest.refused(400, "POST", "/accounts/import", {"x": 1})
    rest.refused(400, "POST", "/accounts/import", b"[{]")
    assert rest.json("POST", "/accounts/import", [1, None, {}, {"address": 5}])["refused"] == 4


def test_what_is_exported_can_be_imported(suite, rest, domain):
    rest.json("POST", "/accounts", {"address": "a@example.test", "password": "long enough", "display_name": "A, \"quoted\"", "quota_bytes": 5}, expect=201)
    rest.json("POST", "/accounts", {"address": "b@example.test", "enabled": False}, expect=201)
    _, headers, plain = rest.request("GET", "/accounts/export?format=csv")
    assert headers["Content-Type"].startswith("text/csv") and b"argon2" not in plain
    rows = list(csv.DictReader(io.StringIO(plain.decode())))
    assert [(r["address"], r["display_name"], r["quota_bytes"], r["enabled"]) for r in rows] == \
        [("a@example.test", "A, \"quoted\"", "5", "true"), ("b@example.test", "", "0", "false")]
    _, _, as_csv = rest.request("GET", "/accounts/export?format=csv&password_hashes=true")
    _, _, as_json = rest.request("GET", "/accounts/export?password_hashes=true")
    assert json.loads(as_json)[0]["password_hash"].startswith("$argon2id$")
    for data, headers in ((as_csv, CSV), (as_json, {"Content-Type": "application/json"})):
        for name in ("a", "b"):
            rest.json("DELETE", "/accounts/%s@example.test" % name, expect=204)
        report = json.loads(rest.request("POST", "/accounts/import", data, headers)[2])
        assert report["created"] == 2, report
        assert Rest(suite, user="a@example.test", password="long enough").json("GET", "/self")["quota_bytes"] == 5
        assert rest.json("GET", "/accounts/b@example.test")["enabled"] is False


def test_ten_thousand_accounts(suite, rest, domain, monkeypatch):
    from dromostest import clients
    monkeypatch.setattr(clients, "TIMEOUT", 300)
    rows = [{"address": "user%05d@example.test" % i, "display_name": "User %d" % i, "password": "password %d" % i} for i in range(10_000)]
    began = time.monotonic()
    report = rest.json("POST", "/accounts/import", rows)
    print("import of 10,000 accounts with passwords: %.1f s" % (time.monotonic() - began))
    assert (report["created"], report["refused"], len(report["rows"])) == (10_000, 0, 10_000)
    began = time.monotonic()
    exported = json.loads(rest.request("GET", "/accounts/export")[2])
    print("export: %.1f s" % (time.monotonic() - began))
    assert [row["address"] for row in exported] == [row["address"] for row in rows]
    assert Rest(suite, user="user09999@example.test", password="password 9999").json("GET", "/self")["display_name"] == "User 9999"
    assert rest.json("GET", "/domains/example.test")["accounts"] == 10_000
