"""Reindex: texts and words made anew from the stored bytes while searches go on, with progress."""
import time

import pytest
from dromostest.accounts import quote
from imapd_client import simple

BOB = "bob@example.test"
COUNT = 130


def wait_until(check, what):
    for _ in range(600):
        if check():
            return
        time.sleep(0.1)
    raise AssertionError(what)


def number(suite, query):
    return int(suite.sql(query).strip())


def test_texts_and_words_are_made_anew(suite, connect):
    account = "directory.need_account(%s)" % quote(BOB)
    client = connect()
    for n in range(COUNT):
        assert client.append("INBOX", simple("running", "houses number %dx\r\n" % n)).startswith("OK")
    wait_until(lambda: number(suite, "SELECT count(*) FROM mail.word_index WHERE account_id = " + account) == COUNT, "the index lags")
    suite.sql("DELETE FROM mail.text_extract WHERE account_id = " + account)
    suite.sql("DELETE FROM mail.word_index WHERE account_id = " + account)
    client.ok("SELECT INBOX")
    everything = [b"* SEARCH " + b" ".join(b"%d" % n for n in range(1, COUNT + 1))]
    assert client.ok("SEARCH BODY ouses") == [b"* SEARCH"]
    assert suite.sql("SELECT mail.reindex_ask_v1(%s)" % account).strip() == "1"
    asked = "FROM mail.reindex WHERE account_id = %s" % account
    assert number(suite, "SELECT total " + asked) == COUNT

    def ended():
        client.ok("SEARCH BODY ouses")  # searches go on
        done = number(suite, "SELECT done " + asked)
        assert 0 <= done <= COUNT
        return number(suite, "SELECT count(ended_at) " + asked) == 1

    wait_until(ended, "reindexing does not end")
    assert suite.sql("SELECT done, failed, total " + asked).strip().split("|") == [str(COUNT), "0", str(COUNT)]
    assert client.ok("SEARCH BODY ouses") == everything
    assert client.ok("SEARCH BODY 17x") == [b"* SEARCH 18 118"]
    assert client.ok("SEARCH FUZZY BODY house") == everything
    assert client.ok("SEARCH FUZZY SUBJECT runs") == everything
    # The index has all of them again: nothing is left to be scanned.
    assert number(suite, "SELECT count(*) FROM mail.word_index WHERE account_id = " + account) == COUNT
    assert number(suite, "SELECT modseq FROM mail.word_state WHERE account_id = " + account) > 0
    assert client.append("INBOX", simple("later", "houses afterwards\r\n")).startswith("OK")
    client.ok("NOOP")
    assert client.ok("SEARCH BODY afterw") == [b"* SEARCH %d" % (COUNT + 1)]


@pytest.mark.config({"imapd": {"indexer": False}})
def test_another_process_that_reindexes_is_noticed(suite, connect):
    account = "directory.need_account(%s)" % quote(BOB)
    client = connect()
    for word in ("zebra", "giraffe"):
        assert client.append("INBOX", simple("s", word + "\r\n")).startswith("OK")
    client.ok("SELECT INBOX")
    assert client.ok("SEARCH BODY ebra") == [b"* SEARCH 1"]  # held from now on
    # What its indexer does, in one transaction: texts, and how far it is.
    suite.sql("SELECT mail.reindex_ask_v1(%s)" % account)
    suite.sql("UPDATE mail.text_extract t SET data = o.data FROM mail.text_extract o WHERE t.account_id = %s AND o.account_id = t.account_id AND o.message_id > t.message_id" % account)
    assert client.ok("SEARCH BODY ebra") == [b"* SEARCH 1"]  # it does not know yet
    suite.sql("UPDATE mail.reindex SET done = 2 WHERE account_id = " + account)
    assert client.ok("SEARCH BODY ebra") == [b"* SEARCH"]
    assert client.ok("SEARCH BODY iraff") == [b"* SEARCH 1 2"]


MANY = 16 * 1024 + 600  # more than a search looks at between two turns of others
CLONES = """
CREATE TEMPORARY TABLE made AS SELECT n, mail.uuid7() AS id FROM generate_series(2, {count}) n;
INSERT INTO mail.message (account_id, message_id, thread_id, received_at, created_modseq, size, facts_version, blob_hash, thread_keys, facts)
  SELECT account_id, id, id, received_at, created_modseq, size, facts_version, blob_hash, thread_keys, facts FROM made, mail.message WHERE account_id = {account};
INSERT INTO mail.text_extract (account_id, message_id, codec, dict_id, key_id, truncated, data)
  SELECT account_id, id, codec, dict_id, key_id, truncated, data FROM made, mail.text_extract WHERE account_id = {account};
INSERT INTO mail.entry (account_id, mailbox_id, uid, modseq, message_id, thread_id, received_at, size)
  SELECT account_id, mailbox_id, n, modseq, id, id, received_at, size FROM made, mail.entry WHERE account_id = {account};
SELECT mail.repair_account_v1({account});
"""
COUNTING = """
ALTER FUNCTION mail.reindex_mark_v1(bigint) RENAME TO reindex_mark_counted;
SET ROLE dromos_owner;
CREATE SEQUENCE mail.asked;
CREATE FUNCTION mail.reindex_mark_v1(p_account bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, mail, pg_temp AS $$
  BEGIN PERFORM nextval('mail.asked'); RETURN mail.reindex_mark_counted(p_account); END $$;
GRANT EXECUTE ON FUNCTION mail.reindex_mark_v1(bigint) TO dromos_imapd;
"""


@pytest.mark.config({"imapd": {"indexer": False}})
def test_a_search_asks_once_whether_texts_were_written_anew(suite, connect):
    client = connect()
    assert client.append("INBOX", simple("s", "zebra and giraffes\r\n")).startswith("OK")
    suite.sql(CLONES.format(account=suite.sql("SELECT directory.need_account(%s)" % quote(BOB)).strip(), count=MANY))
    suite.sql(COUNTING)
    asked = lambda: number(suite, "SELECT last_value - 1 + is_called::int FROM mail.asked")  # noqa: E731
    assert asked() == 0
    client.ok("SELECT INBOX")
    for query, times in (("SEARCH RETURN (COUNT) BODY ebra", 1), ("SEARCH RETURN (COUNT) FUZZY BODY giraffe", 2), ("SEARCH RETURN (COUNT) OR FUZZY BODY giraffe BODY ebra", 3)):
        assert client.ok(query)[0].endswith(b"COUNT %d" % MANY)
        assert asked() == times
