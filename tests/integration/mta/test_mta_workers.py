"""Sessions on every worker commit together: one group commit of the process, at home on the main reactor. Deliveries of
several workers to one account never wait for each other's lock."""
import threading

import pytest

from dromostest import metrics
from dromostest.clients import Smtp

SENDERS, ROUNDS = 9, 8
TEXT = "From: a@remote.test\nTo: bob@example.test\nSubject: n%d-%d\nMessage-ID: <%d.%d@remote.test>\n\nHello.\n"
BOTH = ["alice@example.test", "bob@example.test"]


@pytest.mark.config({"mta": {"workers": 3}})
def test_sessions_on_three_workers_deliver_at_once_and_are_never_busy(suite, mail):
    # Each connection goes to the worker with the fewest.
    sessions = [Smtp(suite.mta.address("mx")) for _ in range(SENDERS)]
    errors, replies = [], []

    def send(n, smtp):
        try:
            for turn in range(ROUNDS):
                recipients = [BOTH[:1], BOTH[1:], BOTH][(n + turn) % 3]
                code, lines = smtp.message("a@remote.test", recipients, TEXT % (n, turn, n, turn))
                assert code == 250, lines
                replies.append((len(recipients), lines[0]))
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=send, args=pair) for pair in enumerate(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors
    assert len({line for _, line in replies}) == SENDERS * ROUNDS
    for login in BOTH:
        uids = [int(entry.uid) for entry in mail.mailbox(login, "inbox")]
        assert uids == list(range(1, len(uids) + 1))
    assert sum(len(mail.mailbox(login)) for login in BOTH) == sum(count for count, _ in replies)
    assert metrics.commit_calls(suite.mta, "delivered") == SENDERS * ROUNDS
    assert metrics.commit_calls(suite.mta, "busy") == 0
    for smtp in sessions:
        smtp.expect("QUIT", 221)
