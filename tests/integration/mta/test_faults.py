"""What 250 promises when things break: kill -9 at each instant, the database away, spamd away, many at once."""
import threading
import time

import pytest

from dromostest.clients import Smtp

MESSAGE = "Subject: x\r\n\r\nbody\r\n"


def send(suite, recipients=("bob@example.test",), text=MESSAGE):
    """The final reply, or None where the connection ended."""
    try:
        smtp = Smtp(suite.mta.address("mx"))
        return smtp.message("a@b.test", recipients, text)[0]
    except (EOFError, OSError):
        return None


def test_killed_before_the_commit_nothing_is_stored(suite, accounts):
    suite.start("mta", env={"DROMOS_FAULT": "mta.before_commit:1"})
    assert send(suite) is None
    assert accounts.mailbox("bob@example.test") == []
    suite.mta.start()
    assert send(suite) == 250
    assert len(accounts.mailbox("bob@example.test")) == 1


@pytest.mark.parametrize("point, answer", [("mta.after_commit", None), ("mta.after_reply", 250)])
def test_killed_after_the_commit_the_message_is_there(suite, accounts, point, answer):
    suite.start("mta", env={"DROMOS_FAULT": point + ":1"})
    assert send(suite) == answer
    assert len(accounts.mailbox("bob@example.test")) == 1
    suite.mta.start()
    assert send(suite) == 250  # a sender that had no reply repeats: SMTP cannot tell, both are kept
    assert len(accounts.mailbox("bob@example.test")) == 2


def test_an_error_before_the_commit_is_451_and_nothing_is_stored(suite, accounts):
    suite.start("mta", env={"DROMOS_FAULT": "mta.before_commit:1:fail"})
    assert send(suite) == 451
    assert accounts.mailbox("bob@example.test") == []
    assert send(suite) == 250


def cut_database(suite):
    suite.cluster.psql("ALTER DATABASE %s ALLOW_CONNECTIONS false" % suite.database)
    suite.cluster.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'" % suite.database)


def test_a_database_away_is_451_and_the_session_recovers(suite, mail):
    smtp = Smtp(suite.mta.address("mx"))
    assert smtp.message("a@b.test", ["bob@example.test"], MESSAGE)[0] == 250
    cut_database(suite)
    smtp.expect("MAIL FROM:<a@b.test>", 250)
    assert smtp.command("RCPT TO:<alice@example.test>")[0] == 451
    suite.cluster.psql("ALTER DATABASE %s ALLOW_CONNECTIONS true" % suite.database)
    deadline = time.monotonic() + 20
    while smtp.command("RCPT TO:<alice@example.test>")[0] != 250:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    smtp.expect("DATA", 354)
    smtp.send(MESSAGE + ".\r\n")
    assert smtp.reply()[0] == 250
    assert len(mail.mailbox("alice@example.test")) == 1


def test_connections_cut_between_recipients_and_data_lose_nothing(suite, mail):
    smtp = Smtp(suite.mta.address("mx"))
    smtp.expect("EHLO x", 250)
    smtp.expect("MAIL FROM:<a@b.test>", 250)
    smtp.expect("RCPT TO:<bob@example.test>", 250)
    suite.cluster.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'" % suite.database)
    smtp.expect("DATA", 354)
    smtp.send(MESSAGE + ".\r\n")
    code = smtp.reply()[0]
    assert code in (250, 451)
    assert len(mail.mailbox("bob@example.test")) == (1 if code == 250 else 0)


@pytest.mark.config({"mta": {"spam": {"when_down": "defer"}}})
def test_without_spamd_mail_is_deferred_where_policy_says_so(suite, mail):
    assert send(suite) == 451
    assert mail.mailbox("bob@example.test") == []


def test_a_thousand_messages_over_twenty_connections_arrive_once_each(suite, accounts):
    users = ["user%d@example.test" % i for i in range(10)]
    accounts.accounts(users)
    suite.start("mta")
    failed = []

    def sender(number):
        smtp = Smtp(suite.mta.address("mx"))
        for i in range(50):
            code, lines = smtp.message("a@b.test", [users[(number + i) % 10]],
                                       "Message-ID: <%d.%d@b.test>\nSubject: load\n\nx\n" % (number, i))
            if code != 250:
                failed.append(lines)

    threads = [threading.Thread(target=sender, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    stored = suite.sql("SELECT count(*), count(DISTINCT message_id) FROM mail.entry")
    assert stored == "1000|1000"
    assert suite.sql("SELECT count(DISTINCT thread_keys) FROM mail.message") == "1000"
    assert suite.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == "0"


@pytest.mark.parametrize("name, entries", [("drop_one", 49), ("replay_twice", 51)])
def test_sabotage_does_what_it_says(suite, accounts, name, entries):
    suite.start("mta", env={"DROMOS_SABOTAGE": name})
    smtp = Smtp(suite.mta.address("mx"))
    for _ in range(50):
        assert smtp.message("a@b.test", ["bob@example.test"], MESSAGE)[0] == 250
    assert len(accounts.mailbox("bob@example.test")) == entries


def test_sabotage_that_acknowledges_early_loses_mail_with_a_kill(suite, accounts):
    suite.start("mta", env={"DROMOS_SABOTAGE": "ack_early"})
    assert send(suite) == 250
    suite.mta.kill()
    assert accounts.mailbox("bob@example.test") == []
