"""dromosctl over REST: tables, --json, exit codes, errors that help."""
import json

import pytest


@pytest.fixture
def tool(rest, ctl, domain):
    return ctl


def test_the_verbs(suite, tool, tmp_path):
    assert json.loads(tool.run("domain", "create", "other.test", "--json"))["name"] == "other.test"
    assert "example.test" in tool.run("domain", "list")
    secret = tmp_path / "pw"
    secret.write_text("long enough\n")
    tool.run("account", "create", "a@example.test", "--password-file", str(secret), "--display-name", "Anna", "--quota-bytes", "1000")
    sheet = tool.run("account", "show", "a@example.test")
    assert "Anna" in sheet and "1000" in sheet and "argon2id" in sheet
    tool.run("account", "update", "a@example.test", "--enabled", "false")
    assert tool.json("account", "list")["items"][0]["enabled"] is False
    tool.run("account", "password", "a@example.test", "--password-file", "-", stdin="another one\n")
    tool.run("alias", "create", "al@example.test", "a@example.test", "far@away.test")
    assert tool.json("alias", "show", "al@example.test")["targets"] == ["a@example.test", "far@away.test"]
    tool.run("group", "create", "g@example.test", "a@example.test", "--display-name", "Team")
    app = tool.json("app-password", "create", "a@example.test", "phone", "--scopes", "imap,smtp")
    assert app["scopes"] == ["imap", "smtp"]
    tool.run("app-password", "delete", "a@example.test", app["id"])
    key = tool.json("api-key", "create", "root", "robot", "--scopes", "domains:read")
    assert "other.test" in tool.run("domain", "list", "--token", key["secret"], "--url", "http://%s:%d" % suite.admind.address("http"))
    tool.run("setting", "put", "a.b", "[1, 2]")
    assert tool.json("setting", "show", "a.b")["value"] == [1, 2]
    assert tool.run("queue", "list") == "(none)\n"
    assert "createAccount" in tool.run("audit", "list", "--object", "a@example.test")
    assert tool.run("account", "delete", "a@example.test") == "done\n"


def test_exit_codes_and_errors(suite, tool):
    assert "exists" in tool.run("domain", "create", "example.test", expect=1)
    assert "usage: dromosctl domain create NAME" in tool.run("domain", "create", expect=64)
    assert "--colour is no option here" in tool.run("domain", "list", "--colour", "red", expect=64)
    assert "takes a number" in tool.run("account", "create", "a@example.test", "--quota-bytes", "many", expect=64)
    error = tool.run("account", "create", "nonsense", expect=64)
    assert "local@domain" in error
    assert "no such verb" in tool.run("domain", "destroy", expect=64)
    assert "asking admind" in tool.run("domain", "list", "--url", "http://127.0.0.1:1", "--token", "x", expect=69)
    tool.run("sessions", "list", expect=69)
    assert "Create a domain" in tool.run("help") and "--display-name" in tool.run("account", "create", "--help")


def test_import_and_export_by_file(tool, tmp_path):
    table = tmp_path / "people.csv"
    table.write_text("address,display_name\n" + "".join("u%d@example.test,U %d\n" % (i, i) for i in range(1200)))
    assert "1200 created, 0 refused" in tool.run("import", str(table))
    assert len(tool.json("account", "list")["items"]) == 1200, "all pages"
    out = tmp_path / "out.csv"
    tool.run("export", "--format", "csv", "--output", str(out))
    assert len(out.read_text().splitlines()) == 1201
    tool.run("import", str(table), expect=1)


def test_check_and_restored_as_owner(tool):
    assert tool.run("check") == "clean\n"
    tool.run("account", "create", "a@example.test")
    tool.suite.sql("UPDATE mail.mailbox SET all_count = 7")
    tool.run("check", expect=1)
    assert tool.run("check", "--repair").endswith("clean\n")
    assert tool.run("restored").startswith("1 accounts")


def test_migrate_again_changes_nothing(tool):
    conninfo = "%s dbname=%s" % (tool.suite.cluster.conninfo, tool.suite.database)
    assert "nothing to do" in tool.run("migrate", "--conninfo", conninfo)


def test_migrate_sets_the_daemons_password_from_a_file(tool, tmp_path):
    conninfo = "%s dbname=%s" % (tool.suite.cluster.conninfo, tool.suite.database)
    secret = tmp_path / "password"
    secret.write_text("it's a \\ secret\n")
    assert "passwords are set" in tool.run("migrate", "--conninfo", conninfo, "--role-password-file", str(secret))
    kept = tool.suite.sql("SELECT count(*) FROM pg_authid WHERE rolname ~ '^dromos_(mta|imapd|jmapd|spamd|admind)$' AND rolpassword LIKE 'SCRAM-SHA-256$%'")
    assert kept == "5"
    assert "cannot read" in tool.run("migrate", "--conninfo", conninfo, "--role-password-file", str(tmp_path / "none"), expect=64)
