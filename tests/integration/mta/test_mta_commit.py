"""Workers share one group commit: deliveries of all of them to one account never wait for each other's lock."""
import threading

import pytest

from dromostest import metrics
from dromostest.clients import Smtp

MESSAGES = 60


@pytest.mark.config({"mta": {"workers": 2}})
def test_two_workers_deliver_to_one_account_and_are_never_busy(suite, mail):
    # Each connection goes to the worker with the fewest.
    clients = [Smtp(suite.mta.address("mx")) for _ in range(2)]
    failures = []

    def send(number):
        for i in range(MESSAGES):
            text = "From: a@remote.test\nSubject: %d of %d\n\nHello.\n" % (i, number)
            code, lines = clients[number].message("a@remote.test", ["bob@example.test"], text)
            if code != 250:
                failures.append((code, lines))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert metrics.commit_calls(suite.mta, "delivered") == 2 * MESSAGES
    assert metrics.commit_calls(suite.mta, "busy") == 0
    uids = [int(entry.uid) for entry in mail.mailbox("bob@example.test")]
    assert sorted(uids) == list(range(1, 2 * MESSAGES + 1))
