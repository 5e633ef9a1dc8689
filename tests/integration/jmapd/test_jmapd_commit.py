"""Workers share one group commit: imports of all of them into one account never wait for each other's lock."""
import threading

from dromostest import metrics
from jmap_client import message

JMAPD = {"workers": 2}
MESSAGES = 25


def test_imports_over_two_workers_are_never_busy(jmap, alice):
    before = metrics.commit_calls(jmap.jmapd, "delivered")
    inbox = alice.mailbox()
    failures = []

    def fill(number):
        try:  # a connection each request, given to the worker with the fewest
            for i in range(MESSAGES):
                alice.import_(message("%d of %d" % (i, number)), mailbox=inbox)
        except Exception as failure:  # noqa: BLE001, told below
            failures.append(failure)

    threads = [threading.Thread(target=fill, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert metrics.commit_calls(jmap.jmapd, "delivered") - before == 2 * MESSAGES
    assert metrics.commit_calls(jmap.jmapd, "busy") == 0
