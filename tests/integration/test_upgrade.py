"""A database of the first schema that landed, with mail in it, goes through every later migration: `dromosctl migrate`
succeeds, nothing is lost, the check is clean, and what changes mail works on what was there before."""
import subprocess
import uuid

import pytest

from dromostest import paths

FIRST = 81  # the newest migration of the first schema that landed; with those of its time (sealed.sha256) it had gaps
LATER_THAN_FIRST = range(74, 80)

FILL = """
SELECT mail.partitions_make_v1(now());
SELECT directory.domain_create_v1('example.test', true, false);
SELECT directory.account_create_v1('alice@example.test', 'Alice', 0, true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TEMPORARY TABLE box AS SELECT account_id, mailbox_id FROM mail.mailbox WHERE special_use = 'inbox';
CREATE TEMPORARY TABLE letter AS SELECT n, gen_random_uuid() AS id, sha256(n::text::bytea) AS hash FROM generate_series(1, 40) n;
INSERT INTO mail.blob (account_id, hash, size, header_size, refs, chunks, codec, header, body)
  SELECT account_id, hash, 10, 5, 1, 1, 0, 'a: b\\015\\012', 'body' FROM box, letter;
INSERT INTO mail.message (account_id, message_id, thread_id, received_at, created_modseq, size, facts_version, blob_hash, facts)
  SELECT account_id, id, id, now(), 2, 10, 0, hash, '' FROM box, letter;
INSERT INTO mail.entry (account_id, mailbox_id, uid, modseq, message_id, thread_id, received_at, size, flags)
  SELECT account_id, mailbox_id, n, 2, id, id, now(), 10, n % 2 FROM box, letter;
UPDATE mail.account_state SET modseq = 2;
UPDATE mail.mailbox m SET uidnext = 41, highestmodseq = 2 FROM box b WHERE m.account_id = b.account_id AND m.mailbox_id = b.mailbox_id;
SELECT mail.repair_account_v1(account_id) FROM box;
SELECT mail.expunge_v1(account_id, mailbox_id, '{[1,6)}', false) FROM box;
SELECT mail.store_flags_v1(account_id, mailbox_id, '{[6,20)}', 1, 2, '', NULL) FROM box;
"""
STATE = """
SELECT (SELECT count(*) FROM mail.entry) || ' ' || (SELECT sum(flags) FROM mail.entry) || ' ' || (SELECT count(*) FROM mail.expunged)
  || ' ' || (SELECT all_count || '/' || all_seen || '/' || uidnext FROM mail.mailbox WHERE special_use = 'inbox')
"""


@pytest.fixture
def old_database(cluster):
    name = "t_old_" + uuid.uuid4().hex[:12]
    cluster.psql("CREATE DATABASE %s ENCODING 'UTF8' TEMPLATE template0" % name)
    cluster.psql("CREATE SCHEMA migration; CREATE TABLE migration.applied (number integer PRIMARY KEY, name text NOT NULL, "
                 "applied_at timestamptz NOT NULL DEFAULT now()); GRANT USAGE ON SCHEMA migration TO PUBLIC; "
                 "GRANT SELECT ON migration.applied TO PUBLIC", database=name)
    for migration in sorted(paths.MIGRATIONS.glob("[0-9]*.sql")):
        number = int(migration.name[:4])
        if number > FIRST or number in LATER_THAN_FIRST:
            continue
        cluster.psql(database=name, file=migration, single=True, user="postgres" if number < 10 else "dromos_owner")
        cluster.psql("INSERT INTO migration.applied VALUES (%d, '%s')" % (number, migration.stem), database=name)
    yield name
    cluster.drop_database(name)


def ctl(cluster, database, *arguments):
    done = subprocess.run([paths.BIN / "dromosctl", *arguments, "--conninfo", "%s dbname=%s" % (cluster.conninfo, database)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    return done.returncode, done.stdout


def test_mail_of_the_first_schema_survives_every_later_migration(cluster, old_database):
    cluster.psql(FILL, database=old_database)
    assert cluster.psql("SELECT * FROM mail.check_account_v1((SELECT min(account_id) FROM mail.account_state))", database=old_database) == ""
    before = cluster.psql(STATE, database=old_database)
    assert before.endswith("5 35/17/41"), before

    status, output = ctl(cluster, old_database, "migrate")
    assert status == 0, output
    assert cluster.psql(STATE, database=old_database) == before
    status, output = ctl(cluster, old_database, "check")
    assert status == 0, output

    cluster.psql("""
        SELECT t.* FROM mail.mailbox i, mail.mailbox j, mail.transfer_v1(mail.uuid7(), i.account_id, i.mailbox_id, '{[10,20)}', j.mailbox_id, true) t
         WHERE i.special_use = 'inbox' AND j.special_use = 'junk';
        SELECT mail.expunge_v1(account_id, mailbox_id, '{[20,31)}', false) FROM mail.mailbox WHERE special_use = 'inbox';
        SELECT mail.purge_expunged_v1((SELECT min(account_id) FROM mail.account_state), now() + interval '1 day', 8)""", database=old_database)
    assert cluster.psql(STATE, database=old_database).endswith("8 14/7/41")
    status, output = ctl(cluster, old_database, "check")
    assert status == 0, output


def test_a_fresh_schema_and_one_that_was_upgraded_are_the_same(cluster, old_database):
    status, output = ctl(cluster, old_database, "migrate")
    assert status == 0, output

    def schema(database):
        done = subprocess.run(["pg_dump", "--schema-only", "-d", "%s dbname=%s" % (cluster.conninfo, database)], stdout=subprocess.PIPE, text=True, check=True)
        return sorted(line for line in done.stdout.splitlines() if not line.startswith(("--", "\\")))

    fresh = cluster.create_database()
    try:
        assert schema(old_database) == schema(fresh)
    finally:
        cluster.drop_database(fresh)
