"""The life of every resource."""
import json
import time

from admin_client import Rest


def test_a_domain(rest):
    made = rest.json("POST", "/domains", {"name": "B\u00fccher.Example"}, expect=201)
    assert made["name"] == "xn--bcher-kva.example" and made["enabled"] and made["accounts"] == 0
    assert rest.json("GET", "/domains/xn--bcher-kva.example") == made
    assert rest.json("PATCH", "/domains/xn--bcher-kva.example", {"enabled": False})["enabled"] is False
    rest.json("POST", "/domains", {"name": "b.example"}, expect=201)
    rest.json("POST", "/domains", {"name": "a.b.example"}, expect=201)
    assert rest.json("GET", "/domains/b.example")["name"] == "b.example"
    rest.json("DELETE", "/domains/b.example", expect=204)
    rest.refused(404, "GET", "/domains/b.example")
    rest.refused(404, "DELETE", "/domains/b.example")
    rest.refused(404, "PATCH", "/domains/b.example", {"enabled": True})


def test_an_account(suite, rest, domain):
    body = {"address": "Alice@Example.Test", "password": "correct horse", "display_name": "Alicia M\u00fcller", "quota_bytes": 1000}
    made = rest.json("POST", "/accounts", body, expect=201)
    assert made["address"] == "alice@example.test" and made["password"] == "argon2id" and made["scram"] and made["id"].startswith("A")
    assert rest.refused(409, "POST", "/accounts", body)["type"].endswith(":exists")
    rest.refused(404, "POST", "/accounts", {"address": "a@elsewhere.test"})
    assert rest.json("GET", "/accounts/alice@example.test") == made
    assert rest.json("PATCH", "/accounts/alice@example.test", {"display_name": "A", "quota_bytes": 0})["quota_bytes"] == 0
    assert [a["address"] for a in rest.json("GET", "/accounts?match=ALI")["items"]] == ["alice@example.test"]
    assert rest.json("GET", "/accounts?domain=example.test&match=nobody")["items"] == []
    assert rest.json("POST", "/accounts/alice@example.test/rename", {"new_address": "ally@example.test"})["address"] == "ally@example.test"
    rest.refused(409, "DELETE", "/domains/example.test")
    rest.json("DELETE", "/accounts/ally@example.test", expect=204)
    rest.refused(404, "GET", "/accounts/ally@example.test")
    rest.refused(404, "DELETE", "/accounts/ally@example.test")


def test_a_deleted_account_takes_its_mailboxes_along(suite, rest, domain):
    rest.json("POST", "/accounts", {"address": "gone@example.test"}, expect=201)
    assert suite.sql("SELECT count(*) FROM mail.account_state") == "1"
    rest.json("DELETE", "/accounts/gone@example.test", expect=204)
    for _ in range(100):
        if suite.sql("SELECT count(*) FROM mail.account_state") == "0":
            return
        time.sleep(0.2)
    raise AssertionError("mail of the account is still there: " + suite.admind.tail())


def test_sharing(suite, rest, domain):
    for name in ("support", "ann"):
        rest.json("POST", "/accounts", {"address": name + "@example.test"}, expect=201)
    path = "/accounts/support@example.test/sharing"
    assert rest.json("GET", path)["items"] == []
    share = {"mailbox": "INBOX", "identifier": "ann@example.test", "rights": "lrswitx"}
    assert rest.json("POST", path, share)["rights"] == "lrswixt"
    assert rest.json("POST", path, {"mailbox": "Sent", "identifier": "anyone", "rights": "lr"})
    assert [(i["mailbox"], i["identifier"]) for i in rest.json("GET", path)["items"]] == [("INBOX", "ann@example.test"), ("Sent", "anyone")]
    rest.json("POST", path, dict(share, rights=""))
    assert [i["identifier"] for i in rest.json("GET", path)["items"]] == ["anyone"]
    rest.refused(404, "POST", path, dict(share, mailbox="Nothing"))
    rest.refused(400, "POST", path, dict(share, rights="q"))
    rest.refused(400, "POST", path, dict(share, identifier="nobody@example.test"))
    assert rest.json("PATCH", "/accounts/support@example.test", {"shared": True})["shared"] is True
    assert rest.json("GET", "/accounts/ann@example.test")["shared"] is False


def test_seen_of_ones_own(suite, rest, domain, ctl):
    rest.json("POST", "/accounts", {"address": "support@example.test"}, expect=201)
    path = "/accounts/support@example.test/sharing/seen"
    assert rest.json("GET", path)["items"] == []
    own = {"mailbox": "INBOX", "seen": "own"}
    assert rest.json("POST", path, own) == own == rest.json("POST", path, own)
    assert rest.json("GET", path)["items"] == [own]
    assert suite.sql("SELECT m.name, m.seen_rule > 0, convert_from(a.value, 'UTF8') FROM mail.annotation a JOIN mail.mailbox m USING (mailbox_id)"
                     " WHERE a.name = '/shared/vendor/dromos/private-seen'") == "INBOX|t|true"
    assert ctl.json("share", "seen", "support@example.test", "Sent", "own") == {"mailbox": "Sent", "seen": "own"}
    assert [item["mailbox"] for item in ctl.json("share", "seen-list", "support@example.test")["items"]] == ["INBOX", "Sent"]
    rest.json("POST", path, {"mailbox": "INBOX", "seen": "common"})
    assert [item["mailbox"] for item in rest.json("GET", path)["items"]] == ["Sent"]
    rest.refused(404, "POST", path, dict(own, mailbox="Nothing"))
    rest.refused(400, "POST", path, dict(own, seen="mine"))
    rest.refused(404, "GET", "/accounts/nobody@example.test/sharing/seen")
    entry = rest.json("GET", "/audit")["items"][0]
    assert (entry["action"], entry["object"]) == ("setSharedSeen", "support@example.test")
    assert entry["detail"]["mailbox"] == "INBOX" and entry["detail"]["seen"] == "common"
    assert suite.sql("SELECT problem FROM mail.account_state a, mail.check_account_v3(a.account_id)") == ""


def test_passwords(suite, rest, domain):
    rest.json("POST", "/accounts", {"address": "p@example.test"}, expect=201)
    path = "/accounts/p@example.test/password"

    def works(password):
        return Rest(suite, user="p@example.test", password=password).request("GET", "/self")[0] == 200

    rest.json("POST", path, {"password": "new password"}, expect=204)
    assert works("new password") and not works("other password")
    # crypt(3) of "imported pw", as another server would hand it over
    rest.json("POST", path, {"password_hash": "{SHA512-CRYPT}$6$saltsalt$cdryZ371fxhy86pnOePLXG6kx1R.80Emve6u6GRAx8fiR3Jb0ZQMO5oojg9kh.z2JO1L725Sb1zTtkz7cm9h81"}, expect=204)
    assert rest.json("GET", "/accounts/p@example.test")["password"] == "crypt"
    assert works("imported pw")
    rest.json("POST", path, {"password": None}, expect=204)
    assert rest.json("GET", "/accounts/p@example.test")["password"] is None
    assert not works("new password")
    rest.refused(400, "POST", path, {})
    rest.refused(400, "POST", path, {"password": "a" * 8, "password_hash": "x"})
    rest.refused(400, "POST", path, {"password_hash": "{ROT13}abc"})


def test_aliases_and_groups(rest, domain):
    rest.json("POST", "/accounts", {"address": "a@example.test"}, expect=201)
    rest.json("POST", "/accounts", {"address": "b@example.test"}, expect=201)
    for plural in ("aliases", "groups"):
        address = plural + "@example.test"
        made = rest.json("POST", "/" + plural, {"address": address, "targets": ["a@example.test", "far@away.test"]}, expect=201)
        assert sorted(made["targets"]) == ["a@example.test", "far@away.test"] and made["enabled"]
        rest.refused(409, "POST", "/" + plural, {"address": address, "targets": ["a@example.test"]})
        assert rest.json("PATCH", "/%s/%s" % (plural, address), {"targets": ["b@example.test"]})["targets"] == ["b@example.test"]
        assert rest.json("PATCH", "/%s/%s" % (plural, address), {"enabled": False})["targets"] == ["b@example.test"]
        assert [a["address"] for a in rest.json("GET", "/" + plural)["items"]] == [address]
        other = {"aliases": "groups", "groups": "aliases"}[plural]
        rest.refused(404, "GET", "/%s/%s" % (other, address))
        rest.json("DELETE", "/%s/%s" % (plural, address), expect=204)
        rest.refused(404, "DELETE", "/%s/%s" % (plural, address))


def test_catch_all(rest, domain):
    rest.json("POST", "/accounts", {"address": "a@example.test"}, expect=201)
    assert rest.json("PUT", "/domains/example.test/catch-all", {"targets": ["a@example.test"]})["catch_all"] == ["a@example.test"]
    rest.json("DELETE", "/domains/example.test/catch-all", expect=204)
    assert rest.json("GET", "/domains/example.test")["catch_all"] == []


def test_secrets_are_shown_once(suite, rest, domain):
    rest.json("POST", "/accounts", {"address": "a@example.test"}, expect=201)
    for path in ("/accounts/a@example.test/app-passwords", "/accounts/a@example.test/api-keys"):
        made = rest.json("POST", path, {"label": "phone", "scopes": ["imap"], "expires_at": "2030-01-01T00:00:00+01:00"}, expect=201)
        assert made["expires_at"].startswith("2029-12-31T23:00:00")
        listed = rest.json("GET", path)["items"]
        assert [s["id"] for s in listed] == [made["id"]] and "secret" not in listed[0]
        rest.refused(400, "POST", path, {"label": "x", "scopes": ["everything"]})
        rest.json("DELETE", path + "/" + made["id"], expect=204)
        rest.refused(404, "DELETE", path + "/" + made["id"])
        assert made["secret"] not in suite.cluster.psql("SELECT json_agg(a)::text FROM admin.audit a", database=suite.database)


def test_settings(rest):
    assert rest.json("GET", "/settings")["items"] == []
    assert rest.json("PUT", "/settings/spam.threshold", {"value": {"junk": 0.9}})["value"] == {"junk": 0.9}
    assert rest.json("GET", "/settings/spam.threshold")["value"] == {"junk": 0.9}
    rest.json("DELETE", "/settings/spam.threshold", expect=204)
    rest.refused(404, "GET", "/settings/spam.threshold")
    rest.refused(404, "DELETE", "/settings/spam.threshold")


def test_every_change_is_audited_without_secrets(rest, domain):
    rest.json("POST", "/accounts", {"address": "a@example.test", "password": "top secret 1"}, expect=201)
    rest.json("PATCH", "/accounts/a@example.test", {"display_name": "A"})
    rest.refused(404, "PATCH", "/accounts/b@example.test", {"display_name": "A"})
    rest.json("DELETE", "/accounts/a@example.test", expect=204)
    entries = rest.json("GET", "/audit?object=a@example.test")["items"]
    assert [e["action"] for e in entries] == ["deleteAccount", "updateAccount", "createAccount"]
    assert all(e["actor"] == "admin:root" and e["remote"] == "127.0.0.1" for e in entries)
    assert entries[1]["detail"] == {"display_name": "A"} and "top secret" not in json.dumps(entries)
    assert rest.json("GET", "/audit?limit=1")["next"] is not None


def test_queue(suite, rest):
    queue = "0192f0c1-2345-7abc-8def-0123456789ab"
    suite.sql("INSERT INTO queue.body (body_id, size, chunks) VALUES ('%s', 3, 1); "
              "INSERT INTO queue.message (queue_id, body_id, sender, trace_id, size, expires_at) VALUES ('%s', '%s', 's@x.test', '%s', 3, now() + interval '1 day'); "
              "INSERT INTO queue.recipient (queue_id, recipient_no, address, domain, transport, due_at) "
              "SELECT '%s', n, 'r' || n || '@far.test', 'far.test', 'smtp', now() + interval '1 hour' FROM generate_series(0, 4) n" % (queue, queue, queue, queue, queue))
    first = rest.json("GET", "/queue?limit=3")
    assert [r["recipient"] for r in first["items"]] == ["r0@far.test", "r1@far.test", "r2@far.test"]
    rest_of = rest.json("GET", "/queue?limit=3&after=" + first["next"])
    assert [r["recipient_no"] for r in rest_of["items"]] == [3, 4] and rest_of["next"] is None
    assert len(rest.json("GET", "/queue?domain=FAR.test&sender=s@x.test&recipient=r1@far.test&state=due")["items"]) == 1
    assert rest.json("GET", "/queue/stats")["items"][0]["recipients"] == 5
    name = first["items"][0]["id"]
    assert len(rest.json("GET", "/queue/" + name)["recipients"]) == 5
    assert rest.json("POST", "/queue/%s/hold" % name, {"recipient_no": 1}) == {"changed": 1}
    assert [r["recipient_no"] for r in rest.json("GET", "/queue?state=held")["items"]] == [1]
    assert rest.json("POST", "/queue/%s/release" % name) == {"changed": 5}
    assert rest.json("POST", "/queue/%s/retry" % name, {}) == {"changed": 5}
    assert rest.json("GET", "/queue/stats")["items"][0]["due"] == 5
    assert rest.json("DELETE", "/queue/%s?recipient_no=0" % name) == {"changed": 1}
    assert rest.json("DELETE", "/queue/" + name) == {"changed": 4}
    for method, path in (("GET", ""), ("POST", "/retry"), ("DELETE", "")):
        rest.refused(404, method, "/queue/" + name + path)
        rest.refused(404, method, "/queue/nonsense" + path)


def test_sessions_without_imapd_are_503(rest):
    assert rest.refused(503, "GET", "/sessions")["type"].endswith(":unavailable")


def test_health_tells_who_is_down(suite, rest):
    parts = {p["name"]: p for p in rest.json("GET", "/health")["parts"]}
    assert parts["mta"]["status"] == "down" and parts["mta"]["detail"]
    assert parts["postgresql"]["status"] == "serving" and parts["admind"]["status"] == "serving"
